/**
 * The write path of one collection: from a checked request to an acknowledged one.
 *
 * All writes of a collection go through one queue. Each request in turn is prepared: what depends on stored rows is
 * decided, it gets the next tick, it is encoded into the log record (delete half and insert half together), and it is
 * applied to memory. What was prepared while the last record was being synced goes out as the next one: one record, one
 * sync; then the visible tick moves to the record's last, and the callers are answered.
 *
 * Applying to memory before the sync is safe because nobody reads beyond the visible tick, and it is what makes merges
 * right: a merge sees every request before it, those that are not synced yet too. Records are written one after the
 * other, so the log never holds a request without all those before it.
 *
 *   killed before the record is durable -> nothing of the group is in the log; nobody was told otherwise
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
import { LogRecordWriter } from '../log/log-record.js'
import { logKeyOfTick } from '../store/keys.js'
import type { CollectionState } from './collection-state.js'
import { freezeGrowing } from './flush.js'
import { batchBytes, LARGE_BYTES, type ReadyWrite, type WriteResult } from './write-request.js'

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

/** Requests of fewer keys, and of fewer than LARGE_BYTES, are applied in one step, of less than a millisecond. */
const LARGE_KEYS = 2_048
/** What is applied between two looks at the clock. */
const SLICE_BYTES = 64 * 1024
const SLICE_KEYS = 512

function isLarge({ insert, remove }: ReadyWrite): boolean {
  if (remove !== null && remove.rowCount >= LARGE_KEYS) return true
  return insert !== null && batchBytes(insert.batch) >= LARGE_BYTES
}

/** A growing segment may grow to this many times its size while flushes fail; then writes are refused. */
const OVERGROWTH_MAX = 4

export class WritePath {
  readonly #state: CollectionState
  readonly #group: GroupCommit<Pending>
  readonly #flusher: Flusher
  /** Log record of the requests that are prepared but not on their way to the disk yet. */
  #record: LogRecordWriter | null = null
  /** Bytes of the last record. */
  #recordBytes = 0
  readonly #turn = new Turn()

  constructor(state: CollectionState, flusher: Flusher) {
    this.#state = state
    this.#flusher = flusher
    const { options } = state.env
    this.#group = new GroupCommit<Pending>({
      prepare: item => this.#prepare(item),
      isAlone: item => item.barrier !== null,
      write: () => this.#persist(),
      isFull: () => this.#fullness() >= 1,
      makeRoom: () => this.#makeRoom(),
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

  /** Gives a request its place in the log and in memory; null when that is done on return. */
  #prepare(item: Pending): Promise<void> | null {
    if (item.barrier !== null) return this.#settle(item, item.barrier)
    if (this.#state.broken !== null) throw this.#state.broken
    const ready = this.#decided(item)
    if (ready instanceof Promise) return ready.then(ready => this.#place(item, ready) ?? undefined)
    return this.#place(item, ready)
  }

  /**
   * Applies the request to memory and encodes it. No other request is prepared meanwhile: ticks rise in the order of the
   * log. A large one is applied in slices; the record of earlier requests may be written between two of them, so this
   * one enters the record, and raises the applied tick, when all of it is there.
   */
  #place(item: Pending, ready: ReadyWrite | null): Promise<void> | null {
    if (ready === null) return null
    const state = this.#state
    if (state.broken !== null) throw state.broken
    if (ready.insert === null && ready.remove === null) {
      item.result = { ...ready.result, tick: state.appliedTick }
      return null
    }
    const tick = state.env.oracle.next()
    if (isLarge(ready)) {
      return this.#applyInSlices(ready, tick).then(() => {
        if (state.broken !== null) throw state.broken
        this.#encode(item, ready, tick)
      })
    }
    if (ready.remove !== null) {
      const { pk, rowCount, scope } = ready.remove
      state.noteDeletes(pk, rowCount, scope, tick)
      state.markKeys(pk, 0, rowCount, scope, tick)
    }
    if (ready.insert !== null) {
      const { batch, partitionIds } = ready.insert
      state.growing.append(batch, partitionIds, tick, 0, batch.rowCount)
    }
    this.#encode(item, ready, tick)
    return null
  }

  /** What the request writes; null when it failed, which fails nobody else. */
  #decided(item: Pending): Promise<ReadyWrite | null> | ReadyWrite | null {
    assert(item.decide !== null, 'a request decides')
    const failed = (error: unknown): null => {
      item.error = error
      return null
    }
    try {
      const ready = item.decide()
      return ready instanceof Promise ? ready.catch(failed) : ready
    } catch (error) {
      return failed(error)
    }
  }

  async #settle(item: Pending, run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      item.error = error
    }
  }

  #newRecord(): LogRecordWriter {
    const { schema, appliedTick, env } = this.#state
    // Each synced record names the one before it, so that replay notices when LevelDB's own log lost some.
    const previousTick = env.options.durability === 'sync' ? appliedTick : undefined
    return new LogRecordWriter(schema, previousTick, this.#recordBytes)
  }

  async #applyInSlices({ remove, insert }: ReadyWrite, tick: Tick): Promise<void> {
    const state = this.#state
    const turn = this.#turn
    if (remove !== null) {
      const { pk, rowCount, scope } = remove
      state.noteDeletes(pk, rowCount, scope, tick)
      for (let row = 0; row < rowCount; row += SLICE_KEYS) {
        if (turn.due()) await turn.next()
        state.markKeys(pk, row, Math.min(rowCount, row + SLICE_KEYS), scope, tick)
      }
    }
    if (insert !== null) {
      const { batch, partitionIds } = insert
      const { rowCount } = batch
      const step = Math.max(1, Math.floor((rowCount * SLICE_BYTES) / batchBytes(batch)))
      for (let row = 0; row < rowCount; row += step) {
        if (turn.due()) await turn.next()
        state.growing.append(batch, partitionIds, tick, row, Math.min(rowCount, row + step))
      }
    }
    if (turn.due()) await turn.next()
  }

  /** Encodes an applied request. */
  #encode(item: Pending, ready: ReadyWrite, tick: Tick): void {
    const state = this.#state
    this.#record ??= this.#newRecord()
    this.#record.add(tick, ready.insert, ready.remove)
    state.growing.lastTick = tick
    state.appliedTick = tick
    const { insertCount, upsertCount, deleteCount, ids } = ready.result
    item.result = { insertCount, upsertCount, deleteCount, ids, tick }
  }

  /** Writes what was prepared since the last time; then it is visible. */
  async #persist(): Promise<void> {
    const record = this.#record
    if (record === null) return
    const state = this.#state
    const lastTick = state.appliedTick
    this.#record = null
    const value = record.finish()
    this.#recordBytes = value.length
    // LevelDB copies it.
    if (value.length >= LARGE_BYTES && this.#turn.due()) await this.#turn.next()
    crashPoint('write:before-sync')
    try {
      await state.env.store.write(
        [{ key: logKeyOfTick(state.id, record.firstTick), value }],
        state.env.options.durability === 'sync',
      )
    } catch (cause) {
      // Half the group may be on disk. Only replay can tell, so stop here and let reopening find out.
      const reason = cause instanceof MilvusError && cause.reason === 'DiskFull' ? 'DiskFull' : 'IoFailed'
      const detail = `the log of collection "${state.schema.name}" could not be written; it takes no more writes until the database is closed and opened again`
      state.broken = new MilvusError(reason, detail, { cause })
      state.wakeWriters()
      throw state.broken
    }
    crashPoint('write:after-sync')
    state.visibleTick = lastTick
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
