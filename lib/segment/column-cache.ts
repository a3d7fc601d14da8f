/**
 * Columns of sealed segments in memory, under one byte budget for the whole database.
 *
 * Least recently used columns go first, but never one that a running reader may have been promised: every reader takes
 * a *lease*, and a column touched since the oldest lease began stays. So the budget can be exceeded while readers run;
 * it is enforced again when they end.
 */
import { assert } from '../base/assert.js'
import { memoryReleased } from '../base/shared-memory.js'
import type { Column } from '../schema/column.js'

/** Bytes that a column holds in memory. */
export function columnBytes(column: Column): number {
  const validity = column.validity?.byteLength ?? 0
  return column.layout === 'fixed'
    ? column.values.byteLength + validity
    : column.heap.byteLength + column.offsets.byteLength + validity
}

export interface CachedColumn {
  readonly column: Column
  /** The column, and what was derived from it and goes with it. */
  byteLength: number
  /** Sequence number of the last use. */
  touched: number
  /** Called when the column is dropped from the cache. */
  readonly onEvict: () => void
}

export interface Lease {
  readonly sequence: number
}

export class ColumnCache {
  readonly #byteLengthMax: number
  readonly #entries = new Set<CachedColumn>()
  readonly #leases = new Set<Lease>()
  #byteLength = 0
  #sequence = 0

  constructor(byteLengthMax: number) {
    this.#byteLengthMax = byteLengthMax
  }

  get byteLength(): number {
    return this.#byteLength
  }

  /** Until `release`, columns touched from now on stay. */
  lease(): Lease {
    const lease = { sequence: ++this.#sequence }
    this.#leases.add(lease)
    return lease
  }

  release(lease: Lease): void {
    assert(this.#leases.delete(lease), 'a lease is released once')
    if (this.#byteLength > this.#byteLengthMax) this.#evict()
  }

  add(column: Column, onEvict: () => void): CachedColumn {
    const entry: CachedColumn = {
      column,
      byteLength: columnBytes(column),
      touched: ++this.#sequence,
      onEvict,
    }
    this.#entries.add(entry)
    this.#byteLength += entry.byteLength
    if (this.#byteLength > this.#byteLengthMax) this.#evict()
    return entry
  }

  /** Counts bytes of something that was derived from a column and is dropped with it. */
  grow(entry: CachedColumn, bytes: number): void {
    assert(this.#entries.has(entry), 'the column is in the cache')
    entry.byteLength += bytes
    this.#byteLength += bytes
    if (this.#byteLength > this.#byteLengthMax) this.#evict()
  }

  touch(entry: CachedColumn): void {
    entry.touched = ++this.#sequence
  }

  /** Forgets a column without calling `onEvict`. */
  remove(entry: CachedColumn): void {
    if (!this.#entries.delete(entry)) return
    this.#byteLength -= entry.byteLength
    memoryReleased(entry.byteLength)
  }

  #evict(): void {
    let oldest = Number.POSITIVE_INFINITY
    for (const lease of this.#leases) oldest = Math.min(oldest, lease.sequence)
    // The newest entry stays even without a lease: it was loaded for somebody who is about to use it.
    const candidates = [...this.#entries]
      .filter(e => e.touched < oldest && e.touched < this.#sequence)
      .sort((a, b) => a.touched - b.touched)
    for (const entry of candidates) {
      if (this.#byteLength <= this.#byteLengthMax) return
      this.remove(entry)
      entry.onEvict()
    }
  }
}
