/**
 * A fake disk that lies like a real one, and one that fails on request.
 *
 * In memory (no `inner`): an ordered map that remembers which batches were synced. `crash()` answers with the disk as
 * the next process finds it: every synced batch, each unsynced one with the given chance and independently of the
 * others (LevelDB closes a log file without syncing it, so a lost batch may be followed by a kept one), and never
 * half a batch. Around a real store (`inner`): only the failures.
 *
 * Failures are armed from the test: the Nth write from now, all writes, the Nth read, a full disk. A failed write
 * leaves nothing behind, unless `applied` says that the bytes did arrive and only the answer was lost.
 */
import { compareBytes } from '../../lib/base/bytes.js'
import { MilvusError } from '../../lib/base/errors.js'
import type { ScanRange, Store, StoreOp } from '../../lib/store/store.js'
import { type Rng, rng } from './rng.js'

export interface FaultStoreOptions {
  /** Seed of the dice that a crash throws. Default 1. */
  readonly seed?: number
  /** Wrap this store instead of memory; `crash` and `corrupt` are not available then. */
  readonly inner?: Store
}

interface Batch {
  readonly ops: readonly StoreOp[]
  readonly synced: boolean
}

interface ArmedFailure {
  countdown: number
  readonly error: Error
  readonly applied: boolean
}

type StoredEntry = readonly [key: Uint8Array, value: Uint8Array]

export class FaultStore implements Store {
  readonly #inner: Store | undefined
  readonly #rng: Rng
  readonly #entries = new Map<string, StoredEntry>()
  readonly #batches: Batch[] = []
  #sorted: StoredEntry[] | undefined
  #closed = false
  #writeFailures: ArmedFailure[] = []
  #readFailures: ArmedFailure[] = []
  #failingWrites: Error | undefined
  #failingReads: Error | undefined
  #freeBytes = Number.POSITIVE_INFINITY
  #writeCount = 0
  #syncedCount = 0

  constructor(options: FaultStoreOptions = {}) {
    this.#inner = options.inner
    this.#rng = rng(options.seed ?? 1)
  }

  /** Writes asked for, failed ones included. */
  get writeCount(): number {
    return this.#writeCount
  }

  /** Synced writes that succeeded. */
  get syncedCount(): number {
    return this.#syncedCount
  }

  /** Entries on the (memory) disk. */
  get size(): number {
    return this.#entries.size
  }

  // ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Fails the `nth` write from now (1 = the next one).
   * @param applied true: the bytes arrive all the same, as when a sync fails after the data got through
   */
  failWrite(nth: number, error: Error = ioError('write'), applied = false): void {
    this.#writeFailures.push({ countdown: nth, error, applied })
  }

  /** Fails every write from now on; null ends it. */
  failWrites(error: Error | null = ioError('write')): void {
    this.#failingWrites = error ?? undefined
  }

  /** Fails the `nth` read (get, getMany or block of a scan) from now. */
  failRead(nth: number, error: Error = ioError('read')): void {
    this.#readFailures.push({ countdown: nth, error, applied: false })
  }

  /** Fails every read from now on; null ends it. */
  failReads(error: Error | null = ioError('read')): void {
    this.#failingReads = error ?? undefined
  }

  /** The disk takes this many more bytes, then writes fail as on a full disk; Infinity ends it. */
  limitFreeBytes(freeBytes: number): void {
    this.#freeBytes = freeBytes
  }

  /** Changes one byte of a stored value (memory only), as a bad sector would. */
  corrupt(key: Uint8Array, byteOffset: number, mask = 0x01): void {
    const entry = this.#entries.get(nameOf(key))
    if (entry === undefined) throw new Error(`corrupt: no value under ${nameOf(key)}`)
    const value = Uint8Array.from(entry[1])
    value[byteOffset]! ^= mask
    this.#apply([{ key, value }])
  }

  /**
   * The power goes: this store is dead, the returned one holds what is left.
   * @param survive chance of each unsynced batch to be there, 0 to 1. Default 0.5
   */
  crash(survive = 0.5): FaultStore {
    if (this.#inner !== undefined) throw new Error('crash: only the memory disk can crash')
    const next = new FaultStore({ seed: this.#rng.int(0xffffffff) })
    for (const batch of this.#batches) {
      if (!batch.synced && !this.#rng.chance(survive)) continue
      next.#apply(batch.ops)
      next.#batches.push({ ops: batch.ops, synced: true })
    }
    this.#closed = true
    return next
  }

  // ── Store ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#beforeRead()
    if (this.#inner !== undefined) return await this.#inner.get(key)
    await turn()
    const value = this.#entries.get(nameOf(key))?.[1]
    return value === undefined ? undefined : Uint8Array.from(value)
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#beforeRead()
    if (this.#inner !== undefined) return await this.#inner.getMany(keys)
    await turn()
    return keys.map(key => {
      const value = this.#entries.get(nameOf(key))?.[1]
      return value === undefined ? undefined : Uint8Array.from(value)
    })
  }

  async *scan(range: ScanRange, blockSize = 1_000): AsyncGenerator<readonly StoredEntry[]> {
    if (this.#inner !== undefined) {
      for await (const block of this.#inner.scan(range, blockSize)) {
        this.#beforeRead()
        yield block
      }
      return
    }
    this.#beforeRead()
    // Frozen at the start, like an iterator of LevelDB.
    const found = this.#ordered().filter(
      ([key]) => compareBytes(key, range.gte) >= 0 && compareBytes(key, range.lt) < 0,
    )
    if (range.reverse === true) found.reverse()
    const count = Math.min(found.length, range.limit ?? found.length)
    for (let at = 0; at < count; at += blockSize) {
      if (at > 0) this.#beforeRead()
      await turn()
      yield found
        .slice(at, Math.min(count, at + blockSize))
        .map(([key, value]) => [Uint8Array.from(key), Uint8Array.from(value)] as const)
    }
  }

  async write(ops: readonly StoreOp[], sync: boolean): Promise<void> {
    this.#assertOpen()
    this.#writeCount++
    const failure = this.#writeFailure(ops)
    if (failure !== undefined && !failure.applied) throw failure.error
    if (this.#inner !== undefined) {
      await this.#inner.write(ops, sync)
    } else {
      const kept = ops.map(op => ({
        key: Uint8Array.from(op.key),
        value: op.value === null ? null : Uint8Array.from(op.value),
      }))
      this.#apply(kept)
      // A write whose answer was lost is not promised to anybody: it may or may not survive.
      this.#batches.push({ ops: kept, synced: sync && failure === undefined })
      await turn()
    }
    if (failure !== undefined) throw failure.error
    if (sync) this.#syncedCount++
  }

  async clear(gte: Uint8Array, lt: Uint8Array): Promise<void> {
    this.#assertOpen()
    if (this.#inner !== undefined) {
      const failure = this.#writeFailure([])
      if (failure !== undefined) throw failure.error
      return await this.#inner.clear(gte, lt)
    }
    const doomed = this.#ordered().filter(([key]) => compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0)
    // Not atomic on a real store either: each key is a batch of its own.
    for (const [key] of doomed) await this.write([{ key, value: null }], false)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#inner?.close()
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────

  #apply(ops: readonly StoreOp[]): void {
    for (const { key, value } of ops) {
      if (value === null) this.#entries.delete(nameOf(key))
      else this.#entries.set(nameOf(key), [key, value])
    }
    this.#sorted = undefined
  }

  #ordered(): readonly StoredEntry[] {
    this.#sorted ??= [...this.#entries.values()].sort((a, b) => compareBytes(a[0], b[0]))
    return this.#sorted
  }

  #writeFailure(ops: readonly StoreOp[]): { readonly error: Error; readonly applied: boolean } | undefined {
    const armed = countDown(this.#writeFailures)
    if (this.#failingWrites !== undefined) return { error: this.#failingWrites, applied: false }
    if (armed !== undefined) return armed
    let bytes = 0
    for (const op of ops) bytes += op.key.length + (op.value?.length ?? 0)
    if (bytes > this.#freeBytes) return { error: diskFullError(), applied: false }
    this.#freeBytes -= bytes
    return undefined
  }

  #beforeRead(): void {
    this.#assertOpen()
    const armed = countDown(this.#readFailures)
    const error = this.#failingReads ?? armed?.error
    if (error !== undefined) throw error
  }

  #assertOpen(): void {
    if (this.#closed) throw new MilvusError('StoreClosed', 'cannot use the test disk, it was closed')
  }
}

/** What a failing disk looks like from above level-store.ts. */
export function ioError(action: 'read' | 'write'): MilvusError {
  const cause = Object.assign(new Error('IO error: 000003.log: Input/output error'), {
    code: 'LEVEL_IO_ERROR',
  })
  return new MilvusError('IoFailed', `${action} in the test disk failed: ${cause.message}`, { cause })
}

/** What a full disk looks like from above level-store.ts. */
export function diskFullError(): MilvusError {
  const cause = Object.assign(new Error('IO error: 000003.log: No space left on device'), {
    code: 'LEVEL_IO_ERROR',
  })
  return new MilvusError('DiskFull', `write in the test disk failed: ${cause.message}`, { cause })
}

/** Byte strings as map keys. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}

function countDown(failures: ArmedFailure[]): ArmedFailure | undefined {
  let due: ArmedFailure | undefined
  for (const failure of failures) {
    failure.countdown--
    if (failure.countdown === 0) due ??= failure
  }
  const left = failures.filter(failure => failure.countdown > 0)
  failures.splice(0, failures.length, ...left)
  return due
}

/** Real disks answer later; code that forgets an await shows itself. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
