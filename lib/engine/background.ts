/**
 * When background work runs: after a segment is frozen, after a flush, and when the user asks for it.
 *
 * Failures of background work never reach a writer or reader. A cancelled job is silent (the database is closing); any
 * other failure is warned about once and leaves everything as it was: the rows stay in the log, in memory and in the
 * segments they were in.
 */
import { MilvusError } from '../base/errors.js'
import type { CollectionState } from './collection-state.js'
import { compactOnce } from './compaction-flow.js'
import { flushOldest } from './flush.js'
import { buildOneIndex, missingIndexes } from './index-builds.js'

export class CollectionBackground {
  readonly #state: CollectionState
  /** Why the last flush failed; flush() reports it. */
  #flushError: unknown = null
  #compacting: Promise<void> | null = null
  #indexing: Promise<void> | null = null
  #flushing: Promise<void> | null = null
  /** Why indexes could not be built, by id of the definition: they are left alone until something changes. */
  readonly #buildErrors = new Map<number, string>()

  constructor(state: CollectionState) {
    this.#state = state
  }

  /** Flushes every frozen segment, in order, in the flush lane. Resolves when none is left; never rejects. */
  flushFrozen(): Promise<void> {
    this.#flushing ??= this.#flushAll().finally(() => {
      this.#flushing = null
      if (this.#state.frozen.length > 0 && this.#flushError === null && !this.#stopped())
        void this.flushFrozen()
    })
    return this.#flushing
  }

  #stopped(): boolean {
    return this.#state.env.work.closed || this.#state.dropped || this.#state.broken !== null
  }

  async #flushAll(): Promise<void> {
    const state = this.#state
    try {
      while (state.frozen.length > 0 && !this.#stopped()) {
        await state.env.work.flush(() => flushOldest(state))
        // Under steady writes there is always a next segment to flush: compaction must not wait for the last one.
        if (state.env.options.autoCompaction && !this.#stopped()) this.settle()
      }
      this.#flushError = null
    } catch (error) {
      this.#flushError = error
      this.#report('flush', error)
    } finally {
      state.wakeWriters()
    }
  }

  /** The error of the last flush, or null. */
  get flushError(): unknown {
    return this.#flushError
  }

  /** Starts whatever compaction and index building pays off, in the background. */
  settle(): void {
    this.#compacting ??= this.#run('compaction', () =>
      this.#state.env.work.compaction(() => compactOnce(this.#state, 'background')),
    ).finally(() => {
      this.#compacting = null
      this.buildIndexes()
    })
  }

  /** Starts building what is missing, in the background; what failed before is tried again. */
  buildIndexes(): void {
    this.#buildErrors.clear()
    this.continueBuilding()
  }

  /** Starts building what is missing and did not fail. */
  continueBuilding(): void {
    const open = (): boolean =>
      missingIndexes(this.#state).some(({ spec }) => !this.#buildErrors.has(spec.id))
    if (this.#stopped() || !open()) return
    this.#indexing ??= this.#run('index build', () =>
      this.#state.env.work.index(() => this.#buildNext()),
    ).finally(() => {
      this.#indexing = null
    })
  }

  async #buildNext(): Promise<boolean> {
    const outcome = await buildOneIndex(this.#state, new Set(this.#buildErrors.keys()))
    if (outcome.kind === 'failed') {
      this.#buildErrors.set(outcome.indexId, textOf(outcome.error))
      this.#report('index build', outcome.error)
    }
    return outcome.kind !== 'nothing'
  }

  /** Why the last attempt to build an index failed; undefined when it did not. */
  buildErrorOf(indexId: number): string | undefined {
    return this.#buildErrors.get(indexId)
  }

  async #run(what: string, once: () => Promise<boolean>): Promise<void> {
    try {
      while (!this.#stopped() && (await once())) {
        // Again until nothing is left to do.
      }
    } catch (error) {
      this.#report(what, error)
    }
  }

  #report(what: string, error: unknown): void {
    if (error instanceof MilvusError && error.reason === 'Canceled') return
    const text = textOf(error)
    this.#state.env.warnOnce(
      `${what} ${text}`,
      `${what} of collection "${this.#state.schema.name}" failed: ${text}`,
    )
  }

  /** Resolves when no background job of this collection runs. */
  async idle(): Promise<void> {
    await Promise.all([this.#flushing, this.#compacting, this.#indexing])
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
