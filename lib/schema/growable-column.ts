/**
 * A column that rows are appended to: the memory of a growing segment.
 *
 * Arrays double when full, a part at every append (growing-array.ts), and whole rows move with typed-array copies.
 * Readers take `column()` and a row count: rows below that count never change, because growth copies into new arrays
 * and leaves the old ones as they were. With `shared`, every array lies in a SharedArrayBuffer, so a worker can read
 * the same rows without a copy. Validity exists only once a null has been seen.
 */
import { assert } from '../base/assert.js'
import { getBit, setBit, wordsFor } from '../base/bitset.js'
import type { FieldSchema } from './collection-schema.js'
import type { Column, FixedColumn, VarColumn } from './column.js'
import { type FixedArray, type Layout, layoutOf, newFixedArray } from './data-type.js'
import { GrowingArray } from './growing-array.js'

const ROWS_MIN = 16
const HEAP_BYTES_MIN = 256
const VALIDITY_WORDS_MIN = 8
/** Below this many elements an index loop beats making a subarray. */
const SMALL_COPY = 32

export class GrowableColumn {
  readonly #layout: Layout
  readonly #shared: boolean
  #rowCount = 0
  /** Values of a fixed column, offsets and heap of a variable one. */
  readonly #values: GrowingArray<FixedArray> | null = null
  readonly #offsets: GrowingArray<Uint32Array> | null = null
  readonly #heap: GrowingArray<Uint8Array> | null = null
  #validity: Uint32Array | null = null
  #column: Column | null = null

  /**
   * @param field whose rows these are
   * @param shared puts every array in a SharedArrayBuffer
   * @param initialRows room to start with; growth doubles it
   */
  constructor(field: FieldSchema, shared: boolean, initialRows = 0) {
    this.#layout = layoutOf(field.dataType, field.dim)
    this.#shared = shared
    const rows = Math.max(ROWS_MIN, initialRows)
    if (this.#layout.layout === 'fixed') {
      const { kind, width } = this.#layout
      this.#values = new GrowingArray(length => newFixedArray(kind, length, shared), rows * width)
    } else {
      this.#offsets = new GrowingArray(length => words(length, shared), rows + 1)
      this.#heap = new GrowingArray(length => bytes(length, shared), HEAP_BYTES_MIN)
    }
  }

  /** Rows appended so far. */
  get rowCount(): number {
    return this.#rowCount
  }

  /** Bytes of all arrays, unused room included. */
  get byteLength(): number {
    return (
      (this.#values?.byteLength ?? 0) +
      (this.#offsets?.byteLength ?? 0) +
      (this.#heap?.byteLength ?? 0) +
      (this.#validity?.byteLength ?? 0)
    )
  }

  /** The current arrays. Cheap, and the same object until an array is replaced. */
  column(): Column {
    if (this.#column !== null) return this.#column
    const validity = this.#validity
    const { layout } = this.#layout
    if (this.#layout.layout === 'fixed') {
      const { width } = this.#layout
      this.#column = { layout: 'fixed', width, values: this.#values!.array, validity }
    } else {
      assert(layout === 'var', 'a column is fixed or variable')
      this.#column = { layout: 'var', offsets: this.#offsets!.array, heap: this.#heap!.array, validity }
    }
    return this.#column
  }

  /** Appends rows [from, to) of a column of the same field. */
  append(column: Column, from: number, to: number): void {
    const count = to - from
    if (count <= 0) return
    if (column.layout === 'fixed') this.#appendFixed(column, from, to)
    else this.#appendVar(column, from, to)
    this.#appendValidity(column.validity, from, count)
    this.#rowCount += count
  }

  #appendFixed(column: FixedColumn, from: number, to: number): void {
    assert(this.#layout.layout === 'fixed' && this.#layout.width === column.width, 'same layout')
    const { width, values: source } = column
    const values = this.#values!
    const at = this.#rowCount * width
    const added = (to - from) * width
    if (values.reserve(at, at + added)) this.#column = null
    const target = values.array
    if (added > SMALL_COPY) {
      target.set(source.subarray(from * width, to * width), at)
    } else {
      const shift = at - from * width
      for (let i = from * width; i < to * width; i++) target[i + shift] = source[i]!
    }
    values.wrote(at + added, added)
  }

  #appendVar(column: VarColumn, from: number, to: number): void {
    assert(this.#layout.layout === 'var', 'same layout')
    const start = column.offsets[from]!
    const added = column.offsets[to]! - start
    const growing = this.#offsets!
    // Offset `rowCount` is where the next cell begins.
    const used = growing.array[this.#rowCount]!
    this.#appendBytes(column.heap, start, added, used)
    const base = this.#rowCount + 1
    if (growing.reserve(base, base + to - from)) this.#column = null
    const offsets = growing.array
    const shift = used - start
    for (let i = from; i < to; i++) offsets[base + i - from] = column.offsets[i + 1]! + shift
    growing.wrote(base + to - from, to - from)
  }

  /** Appends `added` bytes from `start` on to the heap, of which `used` bytes are. */
  #appendBytes(source: Uint8Array, start: number, added: number, used: number): void {
    assert(used + added <= 0xffff_ffff, 'a column heap stays below 4 GiB')
    const growing = this.#heap!
    if (growing.reserve(used, used + added)) this.#column = null
    const heap = growing.array
    if (added > SMALL_COPY) heap.set(source.subarray(start, start + added), used)
    else for (let i = 0; i < added; i++) heap[used + i] = source[start + i]!
    growing.wrote(used + added, added)
  }

  #appendValidity(source: Uint32Array | null, from: number, count: number): void {
    const needed = wordsFor(this.#rowCount + count)
    if (this.#validity === null) {
      if (source === null || allOnes(source, from, count)) return
      this.#validity = words(Math.max(VALIDITY_WORDS_MIN, needed * 2), this.#shared)
      fillOnes(this.#validity, 0, this.#rowCount)
      this.#column = null
    } else if (this.#validity.length < needed) {
      const grown = words(Math.max(needed, this.#validity.length * 2), this.#shared)
      grown.set(this.#validity)
      this.#validity = grown
      this.#column = null
    }
    const target = this.#validity
    if (source === null) {
      fillOnes(target, this.#rowCount, count)
      return
    }
    for (let i = 0; i < count; i++) if (getBit(source, from + i)) setBit(target, this.#rowCount + i)
  }
}

function words(length: number, shared: boolean): Uint32Array {
  return new Uint32Array(shared ? new SharedArrayBuffer(length * 4) : new ArrayBuffer(length * 4))
}

function bytes(length: number, shared: boolean): Uint8Array {
  return new Uint8Array(shared ? new SharedArrayBuffer(length) : new ArrayBuffer(length))
}

function allOnes(bits: Uint32Array, from: number, count: number): boolean {
  for (let i = from; i < from + count; i++) if (!getBit(bits, i)) return false
  return true
}

/** Sets bits [from, from + count), a word at a time in the middle. */
function fillOnes(bits: Uint32Array, from: number, count: number): void {
  let i = from
  const to = from + count
  while (i < to && (i & 31) !== 0) setBit(bits, i++)
  const wholeTo = to - (to & 31)
  if (i < wholeTo) {
    bits.fill(0xffffffff, i >>> 5, wholeTo >>> 5)
    i = wholeTo
  }
  while (i < to) setBit(bits, i++)
}
