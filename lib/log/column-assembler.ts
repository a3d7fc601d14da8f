/**
 * Puts the stored chunks of one column together again: every chunk is copied once, into arrays sized for the whole
 * column, so that loading a segment needs its bytes once and not twice.
 *
 * Invariants: chunks are added in row order without gaps; a chunk is checked against its row count before anything is
 * believed; the arrays are aligned and belong to the finished column alone.
 */
import { assert } from '../base/assert.js'
import { newBits, setBit, trimBits, wordsFor } from '../base/bitset.js'
import { bytesOf, elementBytes, readU32 } from '../base/bytes.js'
import { copyIntoShared } from '../base/shared-memory.js'
import type { Column } from '../schema/column.js'
import { ELEMENT_BYTES, type FixedArray, type Layout, newFixedArray } from '../schema/data-type.js'
import { corrupted } from '../store/codec.js'

/** Flag of a stored column: a validity bitmap follows (docs/format.md, "Columns"). */
export const HAS_VALIDITY = 0x01
const HEAP_BYTES_MIN = 1_024

export class ColumnAssembler {
  readonly #layout: Layout
  readonly #rowCount: number
  readonly #shared: boolean
  readonly #what: string
  /** Fixed layout: the values and the same memory as bytes. */
  readonly #values: FixedArray | null
  readonly #valueBytes: Uint8Array
  /** Var layout. */
  readonly #offsets: Uint32Array
  #heap: Uint8Array
  #validity: Uint32Array | null = null
  #added = 0

  /**
   * @param rowCount rows of the finished column
   * @param heapBytes var layout: bytes of all values together, when known; without it the heap grows by doubling
   * @param shared in SharedArrayBuffers, so that a worker can read the column. Default false
   * @param what names the column in error messages
   * @param room fixed layout: where the values go, of the right type and length. Default: a new array
   */
  constructor(
    layout: Layout,
    rowCount: number,
    heapBytes?: number,
    shared = false,
    what = 'a stored column',
    room: FixedArray | null = null,
  ) {
    this.#layout = layout
    this.#rowCount = rowCount
    this.#shared = shared
    this.#what = what
    if (layout.layout === 'fixed') {
      this.#values = room ?? newFixedArray(layout.kind, rowCount * layout.width, shared)
      assert(this.#values.length === rowCount * layout.width, 'there is room for exactly the values')
      this.#valueBytes = bytesOf(this.#values)
      this.#offsets = new Uint32Array(0)
      this.#heap = new Uint8Array(0)
    } else {
      this.#values = null
      this.#valueBytes = new Uint8Array(0)
      this.#offsets = new Uint32Array(newBuffer((rowCount + 1) * 4, shared))
      this.#heap = new Uint8Array(newBuffer(heapBytes ?? 0, shared))
    }
  }

  /** Rows added so far; the next chunk starts there. */
  get rowCount(): number {
    return this.#added
  }

  /**
   * Adds the encoded rows `rowFrom … rowFrom + rowCount − 1`.
   * @param bytes what encodeColumn made (without a frame)
   * @throws MilvusError Corrupted when the bytes are not that many rows of this layout
   */
  add(bytes: Uint8Array, rowFrom: number, rowCount: number): void {
    assert(rowFrom === this.#added, 'chunks are added in row order')
    assert(rowFrom + rowCount <= this.#rowCount, 'chunks fit the column')
    const flags = flagsOf(bytes, this.#what)
    let at = 1
    if (flags === HAS_VALIDITY) at += wordsFor(rowCount) * 4
    if (this.#layout.layout === 'fixed') this.#addFixed(bytes, at, rowFrom, rowCount, this.#layout)
    else this.#addVar(bytes, at, rowFrom, rowCount)
    if (flags === HAS_VALIDITY) this.#addValidity(bytes, rowFrom, rowCount)
    else if (this.#validity !== null) fillOnes(this.#validity, rowFrom, rowFrom + rowCount)
    this.#added += rowCount
  }

  /** The column, once all rows were added. The assembler must not be used afterwards. */
  finish(): Column {
    assert(this.#added === this.#rowCount, 'every row of the column was added')
    const validity = this.#validity
    if (this.#layout.layout === 'fixed') {
      return { layout: 'fixed', width: this.#layout.width, values: this.#values!, validity }
    }
    const heapBytes = this.#offsets[this.#rowCount]!
    if (this.#heap.length !== heapBytes) this.#resizeHeap(heapBytes, heapBytes)
    return { layout: 'var', offsets: this.#offsets, heap: this.#heap, validity }
  }

  #addFixed(
    bytes: Uint8Array,
    at: number,
    rowFrom: number,
    rowCount: number,
    layout: { readonly kind: keyof typeof ELEMENT_BYTES; readonly width: number },
  ): void {
    const rowBytes = layout.width * ELEMENT_BYTES[layout.kind]
    checkLength(bytes, at + rowCount * rowBytes, this.#what)
    copyIntoShared(this.#valueBytes, bytes.subarray(at), rowFrom * rowBytes)
  }

  #addVar(bytes: Uint8Array, at: number, rowFrom: number, rowCount: number): void {
    const heapAt = at + (rowCount + 1) * 4
    const base = this.#offsets[rowFrom]!
    const last = readOffsets(bytes, at, this.#offsets, rowFrom, rowCount, this.#what)
    checkLength(bytes, heapAt + last, this.#what)
    if (base + last > this.#heap.length) {
      this.#resizeHeap(Math.max(base + last, this.#growth()), base)
    }
    copyIntoShared(this.#heap, bytes.subarray(heapAt), base)
  }

  #addValidity(bytes: Uint8Array, rowFrom: number, rowCount: number): void {
    if (this.#validity === null) {
      this.#validity = this.#shared
        ? new Uint32Array(newBuffer(wordsFor(this.#rowCount) * 4, true))
        : newBits(this.#rowCount)
      fillOnes(this.#validity, 0, rowFrom)
    }
    const words = this.#validity
    const shift = rowFrom & 31
    const first = rowFrom >>> 5
    const wordCount = wordsFor(rowCount)
    for (let w = 0; w < wordCount; w++) {
      let word = readU32(bytes, 1 + w * 4)
      const left = rowCount - (w << 5)
      if (left < 32) word &= 0xffffffff >>> (32 - left)
      words[first + w]! |= word << shift
      if (shift !== 0 && first + w + 1 < words.length) words[first + w + 1]! |= word >>> (32 - shift)
    }
    trimBits(words, this.#rowCount)
  }

  /** A column of one chunk gets an exact heap, one of several grows by doubling. */
  #growth(): number {
    return this.#heap.length === 0 ? 0 : Math.max(HEAP_BYTES_MIN, this.#heap.length * 2)
  }

  #resizeHeap(byteLength: number, used: number): void {
    const heap = new Uint8Array(newBuffer(byteLength, this.#shared))
    heap.set(this.#heap.subarray(0, used))
    this.#heap = heap
  }
}

/** The flags byte of a stored column. */
export function flagsOf(bytes: Uint8Array, what: string): number {
  const flags = bytes.length === 0 ? -1 : bytes[0]!
  if (flags === 0 || flags === HAS_VALIDITY) return flags
  throw corrupted(what, 'has unknown column flags', `0 or ${HAS_VALIDITY}`, `${flags}`)
}

export function checkLength(bytes: Uint8Array, expected: number, what: string): void {
  if (bytes.length === expected) return
  throw corrupted(what, 'has a column of the wrong length', `${expected} bytes`, `${bytes.length}`)
}

/** Below this many offsets reading them one by one is cheaper than through a view. */
const LOOP_ROWS_MAX = 16

/**
 * Reads `rowCount + 1` stored offsets at `at`, raised by `target[rowFrom]`, into `target` from `rowFrom` on.
 * Returns the length of the heap that follows them.
 */
export function readOffsets(
  bytes: Uint8Array,
  at: number,
  target: Uint32Array,
  rowFrom: number,
  rowCount: number,
  what: string,
): number {
  const end = at + (rowCount + 1) * 4
  if (bytes.length < end) checkLength(bytes, end, what)
  const base = target[rowFrom]!
  if (rowCount <= LOOP_ROWS_MAX) {
    for (let i = 0; i <= rowCount; i++) target[rowFrom + i] = readU32(bytes, at + i * 4)
  } else {
    elementBytes(target, rowFrom, rowFrom + rowCount + 1).set(bytes.subarray(at, end))
  }
  let last = 0
  for (let i = 0; i <= rowCount; i++) {
    const offset = target[rowFrom + i]!
    if (offset < last || (i === 0 && offset !== 0)) {
      throw corrupted(what, `has a bad offset at row ${rowFrom + i}`, `${last} or more`, `${offset}`)
    }
    target[rowFrom + i] = base + offset
    last = offset
  }
  return last
}

function newBuffer(byteLength: number, shared: boolean): ArrayBufferLike {
  return shared ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength)
}

function fillOnes(words: Uint32Array, from: number, to: number): void {
  let row = from
  for (; row < to && (row & 31) !== 0; row++) setBit(words, row)
  for (; row + 32 <= to; row += 32) words[row >>> 5] = 0xffffffff
  for (; row < to; row++) setBit(words, row)
}
