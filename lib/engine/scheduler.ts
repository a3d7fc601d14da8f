/**
 * Background work: two lanes with priorities. The one file that imports p-queue.
 *
 * Flushes have a lane and a worker thread of their own, because a flush must not wait for a graph build of half a
 * minute while writers fill memory. Compactions and index builds share the other lane, compactions first.
 *
 * Invariants: one job per lane at a time; after `close()` no job starts, running ones are cancelled or finished.
 */
import type PQueue from 'p-queue'
import { MilvusError } from '../base/errors.js'
import type { Task, TaskResult } from '../compaction/tasks.js'
import type { CompactionThread } from '../compaction/worker-thread.js'

/** Runs compaction-room tasks; the worker thread in production, the calling thread in tests with a fake store. */
export interface TaskRunner {
  run<T extends Task>(task: T, signal?: { readonly cancel: Int32Array }): Promise<TaskResult<T>>
  close(): Promise<void>
}

/** Whom a job serves: it is stopped when that goes. */
export interface JobPurpose {
  readonly collectionId: number
  readonly indexId?: number
}

const PRIORITY = { compaction: 1, index: 0 } as const

export class BackgroundWork {
  readonly flushRunner: TaskRunner
  readonly mergeRunner: TaskRunner
  /** The lanes; made with the first job, because most processes that open a database start none. */
  #lanes: Promise<{ readonly flushes: PQueue; readonly merges: PQueue }> | null = null
  readonly #cancel = new Map<Int32Array, JobPurpose>()
  #closed = false

  constructor(flushRunner: TaskRunner | CompactionThread, mergeRunner: TaskRunner | CompactionThread) {
    this.flushRunner = flushRunner
    this.mergeRunner = mergeRunner
  }

  get closed(): boolean {
    return this.#closed
  }

  #open(): Promise<{ readonly flushes: PQueue; readonly merges: PQueue }> {
    this.#lanes ??= import('p-queue').then(({ default: Lane }) => ({
      flushes: new Lane({ concurrency: 1 }),
      merges: new Lane({ concurrency: 1 }),
    }))
    return this.#lanes
  }

  async flush<T>(job: () => Promise<T>): Promise<T> {
    const { flushes } = await this.#open()
    return flushes.add(() => this.#guarded(job))
  }

  async compaction<T>(job: () => Promise<T>): Promise<T> {
    const { merges } = await this.#open()
    return merges.add(() => this.#guarded(job), { priority: PRIORITY.compaction })
  }

  async index<T>(job: () => Promise<T>): Promise<T> {
    const { merges } = await this.#open()
    return merges.add(() => this.#guarded(job), { priority: PRIORITY.index })
  }

  async #guarded<T>(job: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new MilvusError('Canceled', 'the database is being closed')
    return job()
  }

  /** A flag that close() and cancelJobs() raise; the job gives it to its task. */
  async withCancel<T>(
    purpose: JobPurpose,
    job: (signal: { readonly cancel: Int32Array }) => Promise<T>,
  ): Promise<T> {
    const cancel = new Int32Array(new SharedArrayBuffer(4))
    this.#cancel.set(cancel, purpose)
    if (this.#closed) Atomics.store(cancel, 0, 1)
    try {
      return await job({ cancel })
    } finally {
      this.#cancel.delete(cancel)
    }
  }

  /** Stops what runs for a collection that is gone, or for some of its indexes. */
  cancelJobs(collectionId: number, indexIds?: ReadonlySet<number>): void {
    for (const [cancel, purpose] of this.#cancel) {
      if (purpose.collectionId !== collectionId) continue
      const { indexId } = purpose
      const gone = indexIds === undefined || (indexId !== undefined && indexIds.has(indexId))
      if (gone) Atomics.store(cancel, 0, 1)
    }
  }

  /** Resolves when nothing is queued or running. */
  async idle(): Promise<void> {
    const lanes = await this.#lanes
    if (lanes !== null) await Promise.all([lanes.flushes.onIdle(), lanes.merges.onIdle()])
  }

  /** Cancels what runs in the merge lane, lets flushes end, and stops the threads. */
  async close(): Promise<void> {
    this.#closed = true
    for (const cancel of this.#cancel.keys()) Atomics.store(cancel, 0, 1)
    await this.idle()
    await Promise.all([this.flushRunner.close(), this.mergeRunner.close()])
  }
}
