/**
 * Long lists of constants of one kind, without an object per value.
 *
 * A filter may list a hundred thousand keys. Integers are kept as pairs of words and strings as JavaScript strings; the
 * set that rows are looked up in is made from them once, in as many steps as its maker likes (`prepare`), so that no
 * step is long. Whoever asks for the set before that gets the rest of it made at once. The same constants one object
 * each (`items`) are made only for those who ask: messages, scalar indexes, lists that do not fit their field.
 */
import { int64OfWords } from '../schema/int64.js'
import { writeUtf8 } from '../schema/utf8.js'
import type { Literal, PkKey } from './ast.js'
import type { Test } from './bound.js'
import { ByteSet, Int64Set } from './element-set.js'

/** Shorter lists are not packed. */
export const PACKED_MIN = 16

const WORD = 4_294_967_296

export type PackedList = PackedInts | PackedTexts

/** 64-bit integers. */
export class PackedInts {
  readonly kind = 'int'
  readonly count: number
  /** Low and high word of each value, in the order given. */
  readonly words: Int32Array
  readonly #set: Int64Set
  /** 1 where a value stands for the first time. */
  readonly #first: Uint8Array
  #filed = 0
  #items: readonly Literal[] | null = null
  readonly #keys: PkKey[] = []
  #keyed = 0

  constructor(words: Int32Array, count: number) {
    this.words = words
    this.count = count
    this.#set = new Int64Set(count)
    this.#first = new Uint8Array(count)
  }

  /** Files up to `max` more values in the set. @returns true when all are */
  prepare(max: number): boolean {
    const { words } = this
    const to = Math.min(this.count, this.#filed + max)
    for (let i = this.#filed; i < to; i++) {
      if (this.#set.add(words[2 * i + 1]!, words[2 * i]!)) this.#first[i] = 1
    }
    this.#filed = to
    return to === this.count
  }

  get set(): Int64Set {
    if (this.#filed < this.count) this.prepare(this.count)
    return this.#set
  }

  /** Makes the keys of up to `max` more values. @returns true when all are made */
  prepareKeys(max: number): boolean {
    if (this.#filed < this.count) this.prepare(this.count)
    const { words } = this
    const to = Math.min(this.count, this.#keyed + max)
    for (let i = this.#keyed; i < to; i++) {
      if (this.#first[i] === 1) this.#keys.push(int64OfWords(words[2 * i]!, words[2 * i + 1]!))
    }
    this.#keyed = to
    return to === this.count
  }

  /** Distinct values as primary keys, in the order given. */
  get keys(): readonly PkKey[] {
    if (this.#keyed < this.count) this.prepareKeys(this.count)
    return this.#keys
  }

  get items(): readonly Literal[] {
    this.#items ??= Array.from({ length: this.count }, (_, i) => ({ kind: 'int', value: this.#valueAt(i) }))
    return this.#items
  }

  #valueAt(i: number): bigint {
    return BigInt(int64OfWords(this.words[2 * i]!, this.words[2 * i + 1]!))
  }

  /** Adds every value as a double. `single`: rounded to float32. */
  addDoubles(doubles: Set<number>, single: boolean): void {
    for (let i = 0; i < this.count; i++) {
      const value = Number(int64OfWords(this.words[2 * i]!, this.words[2 * i + 1]!))
      doubles.add(single ? Math.fround(value) : value)
    }
  }

  /** Equal for equal lists, different for others. */
  get cacheKey(): string {
    const { buffer, byteOffset } = this.words
    return `ints${this.count}:${Buffer.from(buffer, byteOffset, this.count * 8).toString('latin1')}`
  }
}

/** Strings. */
export class PackedTexts {
  readonly kind = 'string'
  readonly count: number
  readonly texts: readonly string[]
  readonly #set: ByteSet
  readonly #first: Uint8Array
  #heap: Buffer
  #used = 0
  readonly #offsets: Uint32Array
  #filed = 0
  #items: readonly Literal[] | null = null
  #members: readonly Uint8Array[] | null = null
  readonly #keys: string[] = []
  #keyed = 0

  constructor(texts: readonly string[]) {
    this.texts = texts
    this.count = texts.length
    this.#offsets = new Uint32Array(texts.length + 1)
    this.#heap = Buffer.allocUnsafeSlow(Math.max(64, texts.length * 16))
    this.#first = new Uint8Array(texts.length)
    this.#set = new ByteSet(texts.length, this.#heap, this.#offsets)
  }

  /** Files up to `max` more values in the set. @returns true when all are */
  prepare(max: number): boolean {
    const { texts } = this
    const to = Math.min(this.count, this.#filed + max)
    for (let i = this.#filed; i < to; i++) {
      this.#write(texts[i]!)
      this.#offsets[i + 1] = this.#used
      if (this.#set.add(i)) this.#first[i] = 1
    }
    this.#filed = to
    return to === this.count
  }

  /** Appends the UTF-8 bytes of a text to the heap. */
  #write(text: string): void {
    // A unit takes three bytes at most.
    const room = text.length * 3
    if (this.#used + room > this.#heap.length) this.#grow(room)
    this.#used = writeUtf8(this.#heap, this.#used, text)
  }

  #grow(room: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#heap.length * 2, this.#used + room))
    larger.set(this.#heap.subarray(0, this.#used))
    this.#heap = larger
    this.#set.heap = larger
  }

  get set(): ByteSet {
    if (this.#filed < this.count) this.prepare(this.count)
    return this.#set
  }

  /** Makes the keys of up to `max` more values. @returns true when all are made */
  prepareKeys(max: number): boolean {
    if (this.#filed < this.count) this.prepare(this.count)
    const to = Math.min(this.count, this.#keyed + max)
    for (let i = this.#keyed; i < to; i++) {
      // What the bytes say: half a surrogate pair has become the replacement character.
      if (this.#first[i] === 1) {
        this.#keys.push(this.#heap.toString('utf8', this.#offsets[i]!, this.#offsets[i + 1]!))
      }
    }
    this.#keyed = to
    return to === this.count
  }

  /** Distinct values as primary keys, in the order given. */
  get keys(): readonly PkKey[] {
    if (this.#keyed < this.count) this.prepareKeys(this.count)
    return this.#keys
  }

  get items(): readonly Literal[] {
    this.#items ??= this.texts.map(value => ({ kind: 'string', value }))
    return this.#items
  }

  /** UTF-8 bytes of every value. */
  get members(): readonly Uint8Array[] {
    if (this.#filed < this.count) this.prepare(this.count)
    this.#members ??= this.texts.map((_, i) => this.#heap.subarray(this.#offsets[i]!, this.#offsets[i + 1]!))
    return this.#members
  }

  /** Equal for equal lists, different for others. */
  get cacheKey(): string {
    if (this.#filed < this.count) this.prepare(this.count)
    const offsets = Buffer.from(this.#offsets.buffer).toString('latin1')
    return `texts${this.count}:${offsets}${this.#heap.toString('latin1', 0, this.#used)}`
  }
}

/** A list constant whose items are packed. */
export class PackedLiteral {
  readonly kind = 'list'
  readonly packed: PackedList

  constructor(packed: PackedList) {
    this.packed = packed
  }

  get items(): readonly Literal[] {
    return this.packed.items
  }
}

/** Collects the values of a list of one kind; a value of another kind is refused. */
export class ListPacker {
  #words = new Int32Array(128)
  #ints = 0
  readonly #texts: string[] = []

  /** False when the list holds strings. The value is `high` · 2^32 + `low`, both taken modulo 2^32. */
  addInt(high: number, low: number): boolean {
    if (this.#texts.length > 0) return false
    const at = 2 * this.#ints
    if (at === this.#words.length) {
      const larger = new Int32Array(at * 2)
      larger.set(this.#words)
      this.#words = larger
    }
    this.#words[at] = low
    this.#words[at + 1] = high
    this.#ints++
    return true
  }

  /** False when the list holds integers. */
  addText(text: string): boolean {
    if (this.#ints > 0) return false
    this.#texts.push(text)
    return true
  }

  /** Adds a template value or a constant's; false when it is of another kind or no 64-bit integer. */
  addValue(value: unknown): boolean {
    if (typeof value === 'string') return this.addText(value)
    if (typeof value === 'number') {
      if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63) return false
      const high = Math.floor(value / WORD)
      return this.addInt(high, value - high * WORD)
    }
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) return false
    return this.addInt(Number(value >> 32n), Number(value & 0xffffffffn))
  }

  get count(): number {
    return this.#ints + this.#texts.length
  }

  /** Everything that was added. */
  done(): PackedList {
    return this.#texts.length > 0
      ? new PackedTexts(this.#texts)
      : new PackedInts(this.#words.subarray(0, 2 * this.#ints), this.#ints)
  }
}

/** Constants of one kind, at least one, as a packed list; null when they are of several or of other kinds. */
export function packLiterals(literals: readonly Literal[]): PackedList | null {
  const packer = new ListPacker()
  for (const literal of literals) {
    if (literal.kind !== 'int' && literal.kind !== 'string') return null
    if (!packer.addValue(literal.value)) return null
  }
  return packer.done()
}

/** Template values as a packed list, in one step; null when they are few or of several kinds. */
export function packValues(values: readonly unknown[]): PackedList | null {
  if (values.length < PACKED_MIN) return null
  const packer = new ListPacker()
  for (let i = 0; i < values.length; i++) if (!packer.addValue(values[i])) return null
  return packer.done()
}

/** Several lists of one kind as one; null when they are of several. */
export function joinPacked(lists: readonly PackedList[]): PackedList | null {
  if (lists.every(list => list.kind === 'string')) return new PackedTexts(lists.flatMap(list => list.texts))
  if (!lists.every(list => list.kind === 'int')) return null
  const count = lists.reduce((sum, list) => sum + list.count, 0)
  const words = new Int32Array(2 * count)
  let at = 0
  for (const list of lists) {
    words.set(list.words, at)
    at += 2 * list.count
  }
  return new PackedInts(words, count)
}

/** The packed list that a test looks values up in; null when it has none. */
export function packedOfTest(test: Test): PackedList | null {
  if (test.test === 'members') return test.set.packed
  return test.test === 'text' && test.text.kind === 'oneOf' ? test.text.packed : null
}
