/**
 * Which primary keys a list holds already: a set that keeps no copy of the keys.
 *
 * The one idea: the keys stand in the caller's list anyway, so a table of places in that list is enough (open addressing,
 * at most half full). A `Set` of 16,384 keys costs the garbage collector half a megabyte, and grows by copying itself; this
 * is one typed array outside of its reach. Texts and integers beyond 2^53 do go to a `Set`: V8 keeps the hash of a text,
 * while reading it here would take as long as the text is.
 */
import { assert } from '../base/assert.js'
import type { PkKey } from '../segment/segment.js'

export class SeenKeys {
  readonly #most: number
  readonly #mask: number
  /** Place + 1 of the key that hashes there; 0 = none. Made with the first number. */
  #places: Int32Array | null = null
  #others: Set<PkKey> | null = null

  /** @param most keys that the list will have at most */
  constructor(most: number) {
    this.#most = most
    this.#mask = 2 ** Math.ceil(Math.log2(Math.max(1, most) * 2)) - 1
  }

  /**
   * Remembers a key that the caller puts at `list[place]`.
   * @param list all keys remembered so far, at their places
   * @returns false when the list has the key already
   */
  add(key: PkKey, list: readonly PkKey[], place: number): boolean {
    if (typeof key !== 'number') return this.#addOther(key)
    assert(place < this.#most, 'the list is no longer than was said')
    this.#places ??= new Int32Array(this.#mask + 1)
    const places = this.#places
    const mask = this.#mask
    for (let at = hashOf(key) & mask; ; at = (at + 1) & mask) {
      const found = places[at]!
      if (found === 0) {
        places[at] = place + 1
        return true
      }
      if (list[found - 1] === key) return false
    }
  }

  #addOther(key: PkKey): boolean {
    this.#others ??= new Set()
    const before = this.#others.size
    return this.#others.add(key).size > before
  }
}

/** Both halves of a safe integer, mixed: keys are often numbered in a row, or in steps of a power of two. */
function hashOf(key: number): number {
  let hash = Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 4_294_967_296) | 0, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
