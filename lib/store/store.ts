/**
 * What the engine asks of a disk: an ordered map of bytes to bytes with atomic, optionally synced batches.
 *
 * Everything above this room sees only this interface, so that tests can put a lying or failing disk under the engine.
 * Keys are compared bytewise. A batch is all or nothing, also across a crash. `sync: true` returns after fsync.
 * Sync covers only the batch itself: LevelDB closes a full log file without syncing it, so earlier unsynced batches
 * are not made durable by a later synced one.
 */

/** One put (`value` given) or one delete (`value` null). */
export interface StoreOp {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

export interface ScanRange {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
  /** Descending order. Default false. */
  readonly reverse?: boolean
  /** Most entries to return. Default: no limit. */
  readonly limit?: number
}

export interface Store {
  /** The value, or undefined when the key is absent. The bytes are the caller's own, who may give them back (freeBytes). */
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** Values in the order of the keys, undefined where absent. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>
  /** Entries in key order, in blocks (at most `blockSize` entries each). A block is read as a whole. */
  scan(
    range: ScanRange,
    blockSize?: number,
  ): AsyncIterable<readonly (readonly [key: Uint8Array, value: Uint8Array])[]>
  /** Applies all operations or none. */
  write(ops: readonly StoreOp[], sync: boolean): Promise<void>
  /** Deletes every key in the range. Not atomic; safe to repeat. */
  clear(gte: Uint8Array, lt: Uint8Array): Promise<void>
  close(): Promise<void>
}
