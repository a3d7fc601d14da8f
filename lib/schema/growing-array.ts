/**
 * A typed array that is written front to back and has no end: the memory of a growable column.
 *
 * The one idea: it doubles, and doubling 32 MB in one step holds the event loop for 20 ms, whoever appends the one row
 * too many. So a large array gets its successor when it is half full, and appends take the old elements over, twice as
 * many as they add: when the array is full, its successor is all but complete.
 *
 * Invariants: elements that were written never change and stay in every array that was handed out; the successor's
 * first `#moved` elements are those of the array.
 */
import type { FixedArray } from './data-type.js'

/** Bytes below which doubling in one step costs nothing worth spreading. */
const SPREAD_BYTES_MIN = 512 * 1024
/** Old elements taken over for each one added: one would be too few for a successor that starts at the half. */
const MOVED_PER_ADDED = 2
/** Old elements taken over at a time, at least: for a single row the call would cost more than the copy. */
const MOVED_MIN = 16_384

export class GrowingArray<A extends FixedArray | Uint32Array> {
  readonly #make: (length: number) => A
  #array: A
  #next: A | null = null
  #moved = 0
  /** Elements to take over for those that were written. */
  #owed = 0

  /**
   * @param make a new array, all zeros
   * @param length elements to start with, at least 1
   */
  constructor(make: (length: number) => A, length: number) {
    this.#make = make
    this.#array = make(length)
  }

  /** The array of now. Another one after `reserve()` said so. */
  get array(): A {
    return this.#array
  }

  /** Bytes of the array, unused room included; a successor counts once it is in use. */
  get byteLength(): number {
    return this.#array.byteLength
  }

  /**
   * Makes room for `needed` elements, of which the first `used` have been written.
   * @returns true when there is another array now
   */
  reserve(used: number, needed: number): boolean {
    if (needed <= this.#array.length) return false
    let length = this.#array.length
    while (length < needed) length *= 2
    const ready = this.#next !== null && this.#next.length >= length
    const next = ready ? this.#next! : this.#make(length)
    const from = ready ? this.#moved : 0
    if (used > from) next.set(this.#array.subarray(from, used) as A & ArrayLike<number>, from)
    this.#array = next
    this.#next = null
    this.#moved = 0
    this.#owed = 0
    return true
  }

  /** Takes over a part of the old elements: `added` were written now, `used` since the beginning. */
  wrote(used: number, added: number): void {
    const array = this.#array
    if (used * 2 < array.length || array.byteLength < SPREAD_BYTES_MIN) return
    this.#owed += added * MOVED_PER_ADDED
    if (this.#owed < MOVED_MIN) return
    this.#next ??= this.#make(array.length * 2)
    const from = this.#moved
    const to = Math.min(used, from + this.#owed)
    this.#owed = 0
    if (to === from) return
    this.#next.set(array.subarray(from, to) as A & ArrayLike<number>, from)
    this.#moved = to
  }
}
