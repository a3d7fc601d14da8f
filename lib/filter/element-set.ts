/**
 * Sets of constants, asked by raw words and bytes: what `in` and the contains functions look values up in.
 *
 * Open addressing over typed arrays, so that a lookup allocates nothing. Numbers follow JSON's rules: an integer
 * matches an integer exactly, and a double when their values are equal; so small integral floats are filed with the
 * integers, and only floats at or above 2^53 need a second look.
 */
import type { Literal } from './ast.js'

/** A power of two at least twice `count`, so that probes stay short. */
function tableSize(count: number): number {
  let size = 4
  while (size < count * 2) size *= 2
  return size
}

/** Signed 64-bit integers as (high, low) words. */
export class Int64Set {
  readonly #keys: Int32Array
  readonly #used: Uint8Array
  readonly #mask: number
  constructor(values: readonly bigint[]) {
    const slots = tableSize(values.length)
    this.#mask = slots - 1
    this.#keys = new Int32Array(slots * 2)
    this.#used = new Uint8Array(slots)
    for (const value of values) {
      const number = Number(value)
      const safe = Number.isSafeInteger(number)
      const high = safe ? Math.floor(number / 4294967296) : Number(value >> 32n)
      const low = safe ? number | 0 : Number(value & 0xffffffffn) | 0
      if (this.has(high, low)) continue
      let slot = hashWords(high, low) & this.#mask
      while (this.#used[slot] === 1) slot = (slot + 1) & this.#mask
      this.#used[slot] = 1
      this.#keys[2 * slot] = high
      this.#keys[2 * slot + 1] = low
    }
  }

  /** Both words as signed 32-bit integers. */
  has(high: number, low: number): boolean {
    let slot = hashWords(high, low) & this.#mask
    while (this.#used[slot] === 1) {
      if (this.#keys[2 * slot + 1] === low && this.#keys[2 * slot] === high) return true
      slot = (slot + 1) & this.#mask
    }
    return false
  }
}

function hashWords(high: number, low: number): number {
  const h = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
  return h ^ (h >>> 15)
}

/** Byte strings. */
export class ByteSet {
  readonly #slots: Int32Array
  readonly #hashes: Int32Array
  readonly #members: readonly Uint8Array[]
  readonly #mask: number
  /** Bit `length & 31` set when a member has such a length: most misses end here. */
  readonly #lengths: number

  constructor(members: readonly Uint8Array[]) {
    const slots = tableSize(members.length)
    this.#mask = slots - 1
    this.#slots = new Int32Array(slots).fill(-1)
    this.#hashes = new Int32Array(slots)
    const kept: Uint8Array[] = []
    let lengths = 0
    this.#members = kept
    for (const member of members) {
      const hash = hashBytes(member, 0, member.length)
      let slot = hash & this.#mask
      let known = false
      while (!known && this.#slots[slot]! >= 0) {
        known = Buffer.compare(kept[this.#slots[slot]!]!, member) === 0
        if (!known) slot = (slot + 1) & this.#mask
      }
      if (known) continue
      this.#slots[slot] = kept.length
      this.#hashes[slot] = hash
      kept.push(member)
      lengths |= 1 << (member.length & 31)
    }
    this.#lengths = lengths
  }

  has(heap: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (((this.#lengths >>> (length & 31)) & 1) === 0) return false
    const hash = hashBytes(heap, start, end)
    let slot = hash & this.#mask
    for (;;) {
      const member = this.#slots[slot]!
      if (member < 0) return false
      if (this.#hashes[slot] === hash && equalBytes(heap, start, end, this.#members[member]!)) return true
      slot = (slot + 1) & this.#mask
    }
  }
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5
  for (let i = start; i < end; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193)
  return h ^ (h >>> 15)
}

/** True when heap[start, end) is `wanted`. */
export function equalBytes(heap: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  const { length } = wanted
  if (end - start !== length) return false
  for (let i = 0; i < length; i++) if (heap[start + i] !== wanted[i]) return false
  return true
}

/** Constants of any class; classes without a member stay null (or false), which `in` reads as UNKNOWN. */
export interface ElementSet {
  /** Int literals, and floats that are integers below 2^53. Null: no numbers at all. */
  readonly integers: Int64Set | null
  /** Every number as a double, for stored doubles. */
  readonly doubles: ReadonlySet<number>
  /** Float literals of 2^53 and more, which several integers round to; null when there are none. */
  readonly wideFloats: ReadonlySet<number> | null
  readonly texts: ByteSet | null
  readonly bools: boolean
  readonly hasTrue: boolean
  readonly hasFalse: boolean
  readonly lists: readonly (readonly Literal[])[]
  /** The constants as given. */
  readonly literals: readonly Literal[]
}

/** The set of some constants. `single`: they meet float32 values and are rounded alike. */
export function elementSetOf(literals: readonly Literal[], single = false): ElementSet {
  const integers: bigint[] = []
  const wide = new Set<number>()
  const texts: Uint8Array[] = []
  const lists: (readonly Literal[])[] = []
  // Made when a stored double first asks: a long list of keys never meets one.
  let doubles: ReadonlySet<number> | null = null
  let numbers = false
  let hasTrue = false
  let hasFalse = false
  for (const literal of literals) {
    switch (literal.kind) {
      case 'int':
        numbers = true
        integers.push(literal.value)
        break
      case 'float':
        numbers = true
        if (Math.abs(literal.value) >= 2 ** 53) wide.add(literal.value)
        else if (Number.isInteger(literal.value)) integers.push(BigInt(literal.value))
        break
      case 'string':
        texts.push(Buffer.from(literal.value, 'utf8'))
        break
      case 'bool':
        if (literal.value) hasTrue = true
        else hasFalse = true
        break
      case 'list':
        lists.push(literal.items)
    }
  }
  return {
    integers: numbers ? new Int64Set(integers) : null,
    get doubles() {
      doubles ??= doublesOf(literals, single)
      return doubles
    },
    wideFloats: wide.size > 0 ? wide : null,
    texts: texts.length > 0 ? new ByteSet(texts) : null,
    bools: hasTrue || hasFalse,
    hasTrue,
    hasFalse,
    lists,
    literals,
  }
}

function doublesOf(literals: readonly Literal[], single: boolean): ReadonlySet<number> {
  const doubles = new Set<number>()
  for (const literal of literals) {
    if (literal.kind !== 'int' && literal.kind !== 'float') continue
    const value = Number(literal.value)
    doubles.add(single ? Math.fround(value) : value)
  }
  return doubles
}
