/**
 * The write path of one collection: from a checked request to an acknowledged one.
 *
 * All writes of a collection go through one queue. A commit takes every request that waits at that moment and, for each
 * in turn: decides what depends on stored rows, gives it the next tick, encodes its one log record (delete half and
 * insert half together), and applies it to memory. Then the whole group is written in one batch with one sync, the
 * visible tick moves to the group's last, and the callers are answered.
 *
 * Applying to memory before the sync is safe because nobody reads beyond the visible tick, and it is what makes merges
 * right: a merge sees every request before it, in its own group too.
 *
 *   killed before the batch is durable -> nothing of the group is in the log; nobody was told otherwise
 *   killed after it                    -> replay applies the group; its callers may or may not have heard
 *   the write fails                    -> part of the group may be durable: the collection takes no more writes until
 *                                         it is reopened, readers stay at the last visible tick
 *
 * Changes of schema, partitions and the like run in the same queue as *barriers*: they see a collection with no write
 * in flight, and every later request sees their result.
 */
import { assert } from '../base/assert.js'
import { crashPoint } from '../base/crash-point.js'
import { MilvusError } from '../base/errors.js'
import type { Tick } from '../base/timestamp.js'
import { Turn } from '../base/turn.js'
import { GroupCommit } from '../log/group-commit.js'
import { encodeLogRecord } from '../log/log-record.js'
import { type FieldSchema, pkField } from '../schema/collection-schema.js'
import { keyAt } from '../segment/pk-order.js'
import { logKeyOfTick } from '../store/keys.js'
import type { StoreOp } from '../store/store.js'
import type { CollectionState } from './collection-state.js'
import { freezeGrowing } from './flush.js'
import type { ReadyWrite, WriteResult } from './write-request.js'

/** One entry of the queue. `bytes` is what it holds in memory while it waits. */
class Pending {
  readonly bytes: number
  /** Decides at the request's turn what to write; null for a barrier. */
  readonly decide: (() => ReadyWrite | Promise<ReadyWrite>) | null
  readonly barrier: (() => Promise<void>) | null
  result: WriteResult | null = null
  error: unknown = null

  constructor(
    bytes: number,
    decide: (() => ReadyWrite | Promise<ReadyWrite>) | null,
    barrier: (() => Promise<void>) | null,
  ) {
    this.bytes = bytes
    this.decide = decide
    this.barrier = barrier
  }
}

/** How the write path gets full segments out of memory. */
export interface Flusher {
  /** Starts flushing what is frozen, if that is not under way. */
  start(): void
  /** Why the last flush failed; null when it did not. */
  error(): unknown
}

/** A growing segment may grow to this many times its size while flushes fail; then writes are refused. */
const OVERGROWTH_MAX = 4

export class WritePath {
  readonly #state: CollectionState
  readonly #group: GroupCommit<Pending>
  readonly #flusher: Flusher
  #fields: readonly FieldSchema[] = []
  #fieldIds: readonly number[] = []

  constructor(state: CollectionState, flusher: Flusher) {
    this.#state = state
    this.#flusher = flusher
    const { options } = state.env
    this.#group = new GroupCommit<Pending>({
      commit: group => this.#commit(group),
      bytesOf: item => item.bytes,
      groupBytesMax: options.groupBytesMax,
      queueBytesMax: options.queueBytesMax,
      queueCountMax: options.queueCountMax,
    })
  }

  /**
   * Queues a write; resolves when it is durable (as `durability` says) and visible.
   * @param bytes size of the request, for the bounds of the queue
   * @param decide runs at the request's turn; what it throws fails this request alone
   */
  async write(bytes: number, decide: () => ReadyWrite | Promise<ReadyWrite>): Promise<WriteResult> {
    this.#check()
    const item = new Pending(bytes, decide, null)
    await this.#group.submit(item)
    if (item.error !== null) throw item.error
    assert(item.result !== null, 'a committed request has a result')
    return item.result
  }

  /** Runs `change` when every earlier write is done and before any later one begins. */
  async barrier<T>(change: () => Promise<T>): Promise<T> {
    let outcome: { value: T } | null = null
    const item = new Pending(0, null, async () => {
      outcome = { value: await change() }
    })
    await this.#group.submit(item)
    if (item.error !== null) throw item.error
    return (outcome as { value: T } | null)!.value
  }

  #check(): void {
    if (this.#state.broken !== null) throw this.#state.broken
    const cause = this.#flusher.error()
    if (cause === null || this.#state.canFreeze || this.#fullness() < OVERGROWTH_MAX) return
    this.#flusher.start()
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new MilvusError(
      'ServiceUnavailable',
      `rows cannot be moved out of memory (${why}); try again later`,
      {
        cause,
      },
    )
  }

  async #commit(group: readonly Pending[]): Promise<void> {
    const state = this.#state
    let ops: StoreOp[] = []
    let done: Pending[] = []
    const turn = new Turn()
    for (const item of group) {
      // Readers get the event loop between two requests; nothing else touches the collection's writes meanwhile.
      if (turn.due()) await turn.next()
      if (item.barrier !== null) {
        await this.#persist(ops, done)
        ops = []
        done = []
        await this.#settle(item, item.barrier)
        continue
      }
      if (state.broken !== null) throw state.broken
      const ready = await this.#decided(item)
      if (ready === null) continue
      if (ready.insert === null && ready.remove === null) {
        item.result = { ...ready.result, tick: state.appliedTick }
        continue
      }
      const tick = state.env.oracle.next()
      ops.push({ key: logKeyOfTick(state.id, tick), value: this.#encode(ready) })
      this.#apply(ready, tick)
      item.result = { ...ready.result, tick }
      done.push(item)
    }
    await this.#persist(ops, done)
    await this.#makeRoom()
  }

  /** What the request writes; null when it failed, which fails nobody else. */
  async #decided(item: Pending): Promise<ReadyWrite | null> {
    assert(item.decide !== null, 'a request decides')
    try {
      const ready = item.decide()
      return ready instanceof Promise ? await ready : ready
    } catch (error) {
      item.error = error
      return null
    }
  }

  async #settle(item: Pending, run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      item.error = error
    }
  }

  #encode(ready: ReadyWrite): Uint8Array {
    const { schema, appliedTick, env } = this.#state
    const { insert, remove } = ready
    const { fields } = schema
    return encodeLogRecord({
      // Each synced record names the one before it, so that replay notices when LevelDB's own log lost some.
      previousTick: env.options.durability === 'sync' ? appliedTick : undefined,
      insert:
        insert === null
          ? null
          : { fieldIds: this.#idsOf(fields), fields, batch: insert.batch, partitionIds: insert.partitionIds },
      delete:
        remove === null
          ? null
          : {
              pk: remove.pk,
              rowCount: remove.rowCount,
              scope: remove.scope,
              pkType: pkField(schema).dataType,
            },
    })
  }

  /** Ids of the fields; worked out once per schema. */
  #idsOf(fields: readonly FieldSchema[]): readonly number[] {
    if (this.#fields !== fields) {
      this.#fields = fields
      this.#fieldIds = fields.map(field => field.id)
    }
    return this.#fieldIds
  }

  #apply(ready: ReadyWrite, tick: Tick): void {
    const state = this.#state
    if (ready.remove !== null) {
      const { pk, rowCount, scope } = ready.remove
      state.deleteKeys(pk, row => keyAt(pk, row), rowCount, scope, tick)
    }
    if (ready.insert !== null) state.growing.append(ready.insert.batch, ready.insert.partitionIds, tick)
    else state.growing.lastTick = tick
    state.appliedTick = tick
  }

  async #persist(ops: readonly StoreOp[], done: readonly Pending[]): Promise<void> {
    if (ops.length === 0) return
    const state = this.#state
    crashPoint('write:before-sync')
    try {
      await state.env.store.write(ops, state.env.options.durability === 'sync')
    } catch (cause) {
      // Half the group may be on disk. Only replay can tell, so stop here and let reopening find out.
      const reason = cause instanceof MilvusError && cause.reason === 'DiskFull' ? 'DiskFull' : 'IoFailed'
      const detail = `the log of collection "${state.schema.name}" could not be written; it takes no more writes until the database is closed and opened again`
      state.broken = new MilvusError(reason, detail, { cause })
      state.wakeWriters()
      throw state.broken
    }
    crashPoint('write:after-sync')
    assert(done.length > 0, 'a record belongs to a request')
    state.visibleTick = state.appliedTick
  }

  /** How full the growing segment is: 1 = to be frozen. */
  #fullness(): number {
    const { growing, env } = this.#state
    return Math.max(
      growing.rowCount / env.options.flushRowsMax,
      growing.byteLength / env.options.flushBytesMax,
    )
  }

  /**
   * Freezes a full growing segment. While too many frozen ones wait for their flush, holds the queue until a flush has
   * ended; when that flush failed the segment grows on, and the next group tries again.
   */
  async #makeRoom(): Promise<void> {
    if (this.#fullness() < 1) return
    if (!this.#state.canFreeze) {
      const ended = this.#state.flushEnded()
      this.#flusher.start()
      await ended
    }
    const { broken, dropped, canFreeze } = this.#state
    if (broken === null && !dropped && canFreeze && freezeGrowing(this.#state)) this.#flusher.start()
  }

  /** Resolves when everything queued so far is done. */
  drain(): Promise<void> {
    return this.#group.drain()
  }

  /** Later requests fail with `error`. Resolves when the commit that runs is over. */
  close(error: MilvusError): Promise<void> {
    return this.#group.close(error)
  }
}
