/**
 * Sets of constants, asked by raw words and bytes: what `in` and the contains functions look values up in.
 *
 * Open addressing over typed arrays, so that a lookup allocates nothing. Numbers follow JSON's rules: an integer
 * matches an integer exactly, and a double when their values are equal; so small integral floats are filed with the
 * integers, and only floats at or above 2^53 need a second look.
 */
import type { Literal } from './ast.js'
import type { PackedList } from './packed-list.js'

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

  /** @param count members that will be added at most */
  constructor(count: number) {
    const slots = tableSize(count)
    this.#mask = slots - 1
    this.#keys = new Int32Array(slots * 2)
    this.#used = new Uint8Array(slots)
  }

  static of(values: readonly bigint[]): Int64Set {
    const set = new Int64Set(values.length)
    for (const value of values) {
      const number = Number(value)
      const safe = Number.isSafeInteger(number)
      const high = safe ? Math.floor(number / 4294967296) : Number(value >> 32n)
      set.add(high, safe ? number | 0 : Number(value & 0xffffffffn) | 0)
    }
    return set
  }

  /** Adds a member, both words as signed 32-bit integers. @returns false when it was there before */
  add(high: number, low: number): boolean {
    let slot = hashWords(high, low) & this.#mask
    while (this.#used[slot] === 1) {
      if (this.#keys[2 * slot + 1] === low && this.#keys[2 * slot] === high) return false
      slot = (slot + 1) & this.#mask
    }
    this.#used[slot] = 1
    this.#keys[2 * slot] = high
    this.#keys[2 * slot + 1] = low
    return true
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

/** Byte strings, which lie one behind the other in a heap. */
export class ByteSet {
  readonly #slots: Int32Array
  readonly #hashes: Int32Array
  readonly #offsets: Uint32Array
  readonly #mask: number
  /** Bit `length & 31` set when a member has such a length: most misses end here. */
  #lengths = 0
  /** Replaced by a longer one with the same beginning when whoever fills it needs more room. */
  heap: Uint8Array

  /**
   * @param count strings that will be added at most
   * @param offsets string i is heap[offsets[i], offsets[i + 1])
   */
  constructor(count: number, heap: Uint8Array, offsets: Uint32Array) {
    const slots = tableSize(count)
    this.#mask = slots - 1
    this.#slots = new Int32Array(slots).fill(-1)
    this.#hashes = new Int32Array(slots)
    this.#offsets = offsets
    this.heap = heap
  }

  static of(members: readonly Uint8Array[]): ByteSet {
    const offsets = new Uint32Array(members.length + 1)
    for (let i = 0; i < members.length; i++) offsets[i + 1] = offsets[i]! + members[i]!.length
    const set = new ByteSet(members.length, Buffer.concat(members), offsets)
    for (let i = 0; i < members.length; i++) set.add(i)
    return set
  }

  /** Adds string `i` of the heap. @returns false when an equal one was there before */
  add(i: number): boolean {
    const start = this.#offsets[i]!
    const end = this.#offsets[i + 1]!
    const hash = hashBytes(this.heap, start, end)
    let slot = hash & this.#mask
    while (this.#slots[slot]! >= 0) {
      if (this.#hashes[slot] === hash && this.#equals(this.#slots[slot]!, this.heap, start, end)) return false
      slot = (slot + 1) & this.#mask
    }
    this.#slots[slot] = i
    this.#hashes[slot] = hash
    this.#lengths |= 1 << ((end - start) & 31)
    return true
  }

  has(heap: Uint8Array, start: number, end: number): boolean {
    if (((this.#lengths >>> ((end - start) & 31)) & 1) === 0) return false
    const hash = hashBytes(heap, start, end)
    let slot = hash & this.#mask
    for (;;) {
      const member = this.#slots[slot]!
      if (member < 0) return false
      if (this.#hashes[slot] === hash && this.#equals(member, heap, start, end)) return true
      slot = (slot + 1) & this.#mask
    }
  }

  /** True when heap[start, end) is this member. */
  #equals(member: number, heap: Uint8Array, start: number, end: number): boolean {
    const own = this.heap
    const from = this.#offsets[member]!
    const length = end - start
    if (this.#offsets[member + 1]! - from !== length) return false
    for (let i = 0; i < length; i++) if (heap[start + i] !== own[from + i]) return false
    return true
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
  /** How many they are. */
  readonly count: number
  /** Where they come from when they are many and of one kind, else null. */
  readonly packed: PackedList | null
}

/** The set of a packed list. What is made of it is made once, when somebody first asks. */
class PackedSet implements ElementSet {
  readonly packed: PackedList
  readonly count: number
  readonly wideFloats = null
  readonly bools = false
  readonly hasTrue = false
  readonly hasFalse = false
  readonly lists: readonly (readonly Literal[])[] = []
  readonly #single: boolean
  #doubles: Set<number> | null = null

  constructor(packed: PackedList, single: boolean) {
    this.packed = packed
    this.count = packed.count
    this.#single = single
  }

  get integers(): Int64Set | null {
    return this.packed.kind === 'int' ? this.packed.set : null
  }

  get texts(): ByteSet | null {
    return this.packed.kind === 'string' ? this.packed.set : null
  }

  get doubles(): ReadonlySet<number> {
    if (this.#doubles === null) {
      this.#doubles = new Set()
      if (this.packed.kind === 'int') this.packed.addDoubles(this.#doubles, this.#single)
    }
    return this.#doubles
  }

  get literals(): readonly Literal[] {
    return this.packed.items
  }
}

/** The set of a packed list. `single`: it meets float32 values and its own are rounded alike. */
export function packedSetOf(packed: PackedList, single = false): ElementSet {
  return new PackedSet(packed, single)
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
    integers: numbers ? Int64Set.of(integers) : null,
    get doubles() {
      doubles ??= doublesOf(literals, single)
      return doubles
    },
    wideFloats: wide.size > 0 ? wide : null,
    texts: texts.length > 0 ? ByteSet.of(texts) : null,
    bools: hasTrue || hasFalse,
    hasTrue,
    hasFalse,
    lists,
    literals,
    count: literals.length,
    packed: null,
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
