/**
 * Which rows of one segment have been deleted, and when.
 *
 * Ticks are kept, not just bits, so that a reader at an older tick still sees what was deleted later. Deletes arrive in
 * tick order, so "deleted after T" is a suffix of the list of deletes: a reader at the newest tick shares the live
 * bitset as it is, an older one takes a copy and sets the suffix back.
 *
 * Invariants: a row is deleted at most once (the first delete after its insert wins); `live` has a one bit exactly for
 * the rows that were appended and not deleted; a bitset handed out is never changed afterwards (copy on write).
 */
import { assert } from '../base/assert.js'
import { newBits, onesBits, trimBits, wordsFor } from '../base/bitset.js'
import type { Tick } from '../base/timestamp.js'

export class DeleteState {
  #live: Uint32Array
  #liveCount: number
  #rowCount: number
  #shared = false
  /** Deleted rows in the order they were deleted, with their ticks. */
  #rows = new Int32Array(0)
  #ticks = new Float64Array(0)
  #count = 0
  /** Delete tick per row, 0 = alive; allocated at the first delete. */
  #tickOfRow: Float64Array | null = null

  /** @param rowCount rows present from the start, all alive */
  constructor(rowCount: number) {
    this.#rowCount = rowCount
    this.#live = onesBits(rowCount)
    this.#liveCount = rowCount
  }

  get rowCount(): number {
    return this.#rowCount
  }

  /** Rows deleted so far. */
  get deletedCount(): number {
    return this.#count
  }

  /** Rows that are alive at the newest tick. */
  get liveCount(): number {
    return this.#liveCount
  }

  /** Tick of the newest delete, 0 when there is none. */
  get lastTick(): Tick {
    return this.#count === 0 ? 0 : this.#ticks[this.#count - 1]!
  }

  /** Adds `count` live rows at the end. */
  appendRows(count: number): void {
    const from = this.#rowCount
    const to = from + count
    if (wordsFor(to) > this.#live.length) {
      const grown = new Uint32Array(Math.max(wordsFor(to), this.#live.length * 2, 32))
      grown.set(this.#live)
      this.#live = grown
      this.#shared = false
    } else {
      this.#own()
    }
    const live = this.#live
    for (let row = from; row < to; ) {
      if ((row & 31) === 0 && to - row >= 32) {
        live[row >>> 5] = 0xffffffff
        row += 32
      } else {
        live[row >>> 5]! |= 1 << (row & 31)
        row++
      }
    }
    this.#rowCount = to
    this.#liveCount += count
    if (this.#tickOfRow !== null && this.#tickOfRow.length < to) {
      const grown = new Float64Array(Math.max(to, this.#tickOfRow.length * 2))
      grown.set(this.#tickOfRow)
      this.#tickOfRow = grown
    }
  }

  /** Deletes a live row; false when it was deleted before. Ticks must not fall. */
  mark(row: number, tick: Tick): boolean {
    const word = this.#live[row >>> 5]!
    const bit = 1 << (row & 31)
    if ((word & bit) === 0) return false
    assert(row < this.#rowCount, 'a deleted row exists')
    assert(tick >= this.lastTick, 'deletes arrive in tick order')
    this.#own()
    this.#live[row >>> 5]! &= ~bit
    this.#liveCount--
    if (this.#tickOfRow === null) this.#tickOfRow = new Float64Array(this.#rowCount)
    this.#tickOfRow[row] = tick
    if (this.#count === this.#rows.length) this.#growList()
    this.#rows[this.#count] = row
    this.#ticks[this.#count] = tick
    this.#count++
    return true
  }

  /** Rows deleted at or before `tick`. */
  countUpTo(tick: Tick): number {
    let count = this.#count
    while (count > 0 && this.#ticks[count - 1]! > tick) count--
    return count
  }

  /** Delete tick of a row, 0 when it is alive. */
  tickOf(row: number): Tick {
    return this.#tickOfRow === null ? 0 : this.#tickOfRow[row]!
  }

  /** True when the row was not deleted at or before `tick`. */
  aliveAt(row: number, tick: Tick): boolean {
    if (this.#tickOfRow === null) return true
    const deleted = this.#tickOfRow[row]!
    return deleted === 0 || deleted > tick
  }

  /**
   * Rows not deleted at or before `tick`, among the first `rowCount` rows. Read-only for the caller.
   * Cost: nothing at the newest tick, a copy and one step per later delete otherwise.
   */
  aliveBits(tick: Tick, rowCount: number): Uint32Array {
    if (tick >= this.lastTick && rowCount === this.#rowCount) {
      this.#shared = true
      return this.#live
    }
    const bits = newBits(rowCount)
    bits.set(this.#live.subarray(0, bits.length))
    for (let i = this.#count - 1; i >= 0 && this.#ticks[i]! > tick; i--) {
      const row = this.#rows[i]!
      if (row < rowCount) bits[row >>> 5]! |= 1 << (row & 31)
    }
    trimBits(bits, rowCount)
    return bits
  }

  /** Copy of every delete at or before `upTo`, in tick order. */
  snapshot(upTo: Tick): { rows: Int32Array; ticks: Float64Array } {
    const count = this.countUpTo(upTo)
    return { rows: this.#rows.slice(0, count), ticks: this.#ticks.slice(0, count) }
  }

  /** Bytes held. */
  get byteLength(): number {
    return (
      this.#live.byteLength +
      this.#rows.byteLength +
      this.#ticks.byteLength +
      (this.#tickOfRow?.byteLength ?? 0)
    )
  }

  #own(): void {
    if (!this.#shared) return
    this.#live = this.#live.slice()
    this.#shared = false
  }

  #growList(): void {
    const size = Math.max(64, this.#rows.length * 2)
    const rows = new Int32Array(size)
    rows.set(this.#rows)
    this.#rows = rows
    const ticks = new Float64Array(size)
    ticks.set(this.#ticks)
    this.#ticks = ticks
  }
}
