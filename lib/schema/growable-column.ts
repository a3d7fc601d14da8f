/**
 * A column that rows are appended to: the memory of a growing segment.
 *
 * Arrays double when full, so appending costs amortised constant time and whole rows move with typed-array copies.
 * Readers take `column()` and a row count: rows below that count never change, because growth copies into new arrays
 * and leaves the old ones as they were. With `shared`, every array lies in a SharedArrayBuffer, so a worker can read
 * the same rows without a copy. Validity exists only once a null has been seen.
 */
import { assert } from '../base/assert.js'
import { getBit, setBit, wordsFor } from '../base/bitset.js'
import type { FieldSchema } from './collection-schema.js'
import type { Column, FixedColumn, VarColumn } from './column.js'
import { type FixedArray, type Layout, layoutOf, newFixedArray } from './data-type.js'

const ROWS_MIN = 16
const HEAP_BYTES_MIN = 256
/** Below this many elements an index loop beats making a subarray. */
const SMALL_COPY = 32

export class GrowableColumn {
  readonly #layout: Layout
  readonly #shared: boolean
  #rowCount = 0
  #rowCapacity: number
  /** Values of a fixed column, offsets of a variable one. */
  #values: FixedArray | null = null
  #offsets: Uint32Array | null = null
  #heap: Uint8Array | null = null
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
    this.#rowCapacity = Math.max(ROWS_MIN, initialRows)
    if (this.#layout.layout === 'fixed') {
      this.#values = newFixedArray(this.#layout.kind, this.#rowCapacity * this.#layout.width, shared)
    } else {
      this.#offsets = words(this.#rowCapacity + 1, shared)
      this.#heap = bytes(HEAP_BYTES_MIN, shared)
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
      this.#column = { layout: 'fixed', width, values: this.#values!, validity }
    } else {
      assert(layout === 'var', 'a column is fixed or variable')
      this.#column = { layout: 'var', offsets: this.#offsets!, heap: this.#heap!, validity }
    }
    return this.#column
  }

  /** Appends rows [from, to) of a column of the same field. */
  append(column: Column, from: number, to: number): void {
    const count = to - from
    if (count <= 0) return
    if (this.#rowCount + count > this.#rowCapacity) this.#growRows(this.#rowCount + count)
    if (column.layout === 'fixed') this.#appendFixed(column, from, to)
    else this.#appendVar(column, from, to)
    this.#appendValidity(column.validity, from, count)
    this.#rowCount += count
  }

  #appendFixed(column: FixedColumn, from: number, to: number): void {
    assert(this.#layout.layout === 'fixed' && this.#layout.width === column.width, 'same layout')
    const { width, values: source } = column
    const target = this.#values!
    const at = this.#rowCount * width
    if ((to - from) * width > SMALL_COPY) {
      target.set(source.subarray(from * width, to * width), at)
    } else {
      const shift = at - from * width
      for (let i = from * width; i < to * width; i++) target[i + shift] = source[i]!
    }
  }

  #appendVar(column: VarColumn, from: number, to: number): void {
    assert(this.#layout.layout === 'var', 'same layout')
    const start = column.offsets[from]!
    const end = column.offsets[to]!
    const used = this.#offsets![this.#rowCount]!
    const needed = used + end - start
    if (needed > this.#heap!.length) this.#growHeap(needed)
    const heap = this.#heap!
    if (end - start > SMALL_COPY) heap.set(column.heap.subarray(start, end), used)
    else for (let i = start; i < end; i++) heap[used + i - start] = column.heap[i]!
    const offsets = this.#offsets!
    const shift = used - start
    const base = this.#rowCount + 1
    for (let i = from; i < to; i++) offsets[base + i - from] = column.offsets[i + 1]! + shift
  }

  #appendValidity(source: Uint32Array | null, from: number, count: number): void {
    if (this.#validity === null) {
      if (source === null || allOnes(source, from, count)) return
      this.#validity = words(wordsFor(this.#rowCapacity), this.#shared)
      fillOnes(this.#validity, 0, this.#rowCount)
      this.#column = null
    }
    const target = this.#validity
    if (source === null) {
      fillOnes(target, this.#rowCount, count)
      return
    }
    for (let i = 0; i < count; i++) if (getBit(source, from + i)) setBit(target, this.#rowCount + i)
  }

  #growRows(needed: number): void {
    let capacity = this.#rowCapacity
    while (capacity < needed) capacity *= 2
    if (this.#layout.layout === 'fixed') {
      const { kind, width } = this.#layout
      const values = newFixedArray(kind, capacity * width, this.#shared)
      values.set(this.#values!.subarray(0, this.#rowCount * width))
      this.#values = values
    } else {
      const offsets = words(capacity + 1, this.#shared)
      offsets.set(this.#offsets!.subarray(0, this.#rowCount + 1))
      this.#offsets = offsets
    }
    if (this.#validity !== null) {
      const validity = words(wordsFor(capacity), this.#shared)
      validity.set(this.#validity)
      this.#validity = validity
    }
    this.#rowCapacity = capacity
    this.#column = null
  }

  #growHeap(needed: number): void {
    assert(needed <= 0xffff_ffff, 'a column heap stays below 4 GiB')
    let capacity = this.#heap!.length
    while (capacity < needed) capacity *= 2
    const heap = bytes(capacity, this.#shared)
    heap.set(this.#heap!.subarray(0, this.#offsets![this.#rowCount]!))
    this.#heap = heap
    this.#column = null
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
