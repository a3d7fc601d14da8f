/**
 * Columns as bytes: the one layout for log records, segment chunks and delete deltas.
 *
 *     0         1                       …
 *     | flags   | validity words        | values                                   |
 *       bit 0: has validity               fixed: the elements, little-endian
 *                                         var: rowCount + 1 u32 offsets from 0, then the heap bytes
 *
 * Little-endian, nothing aligned, so decoding copies once into arrays of its own; in exchange a record is built by
 * plain copies. The reader must know the layout and the row count: they are in the record or the manifest around it.
 * Invariants: validity bits at or beyond the row count are 0; offsets never fall and the last one is the heap's length.
 */
import { assert } from '../base/assert.js'
import { trimBits, wordsFor } from '../base/bitset.js'
import { bytesOf, elementBytes, readU32, writeU32 } from '../base/bytes.js'
import type { Column } from '../schema/column.js'
import { ELEMENT_BYTES, type FixedArray, fixedArrayOver, type Layout } from '../schema/data-type.js'
import { FRAME, FRAME_HEADER_BYTES, frameInto } from '../store/codec.js'
import { checkLength, flagsOf, HAS_VALIDITY, readOffsets } from './column-assembler.js'

export { ColumnAssembler } from './column-assembler.js'

/** Bytes that `encodeColumnInto` will write for rows `from` (inclusive) to `to` (exclusive). */
export function columnByteLength(column: Column, from: number, to: number): number {
  const head = column.validity === null ? 1 : 1 + wordsFor(to - from) * 4
  if (column.layout === 'fixed') {
    return head + (to - from) * column.width * column.values.BYTES_PER_ELEMENT
  }
  return head + (to - from + 1) * 4 + column.offsets[to]! - column.offsets[from]!
}

/** Writes rows `from` to `to` (exclusive) of a column at `at`; returns the offset after them. */
export function encodeColumnInto(
  target: Uint8Array,
  at: number,
  column: Column,
  from: number,
  to: number,
): number {
  target[at] = column.validity === null ? 0 : HAS_VALIDITY
  let end = at + 1
  if (column.validity !== null) end = writeValidity(target, end, column.validity, from, to)
  if (column.layout === 'fixed') {
    return writeElements(target, end, column.values, from * column.width, to * column.width)
  }
  end = writeOffsets(target, end, column.offsets, from, to)
  const first = column.offsets[from]!
  const last = column.offsets[to]!
  if (last > first) target.set(column.heap.subarray(first, last), end)
  return end + last - first
}

/** Rows `from` to `to` (exclusive) of a column as bytes of their own. */
export function encodeColumn(column: Column, from: number, to: number): Uint8Array {
  const target = new Uint8Array(columnByteLength(column, from, to))
  const end = encodeColumnInto(target, 0, column, from, to)
  assert(end === target.length, 'a column is as long as computed')
  return target
}

/** Like encodeColumn, inside a frame: the stored value of one segment chunk, built with one allocation. */
export function encodeColumnFrame(column: Column, from: number, to: number): Uint8Array {
  const payloadBytes = columnByteLength(column, from, to)
  const target = new Uint8Array(FRAME_HEADER_BYTES + payloadBytes)
  const end = encodeColumnInto(target, FRAME_HEADER_BYTES, column, from, to)
  assert(end === target.length, 'a column is as long as computed')
  frameInto(target, 0, FRAME.column, payloadBytes)
  return target
}

/**
 * The column in `bytes`, in memory of its own.
 * @param bytes what encodeColumn made (without a frame)
 * @param shared in a SharedArrayBuffer, so that a worker can read it. Default false
 * @param what names the column in error messages
 * @throws MilvusError Corrupted when the bytes are not `rowCount` rows of this layout
 */
export function decodeColumn(
  layout: Layout,
  bytes: Uint8Array,
  rowCount: number,
  shared = false,
  what = 'a stored column',
): Column {
  const byteLength = bytes.length + ARENA_SPARE_BYTES
  const buffer = shared ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength)
  return decodeColumnIn({ buffer, at: 0 }, layout, bytes, rowCount, what)
}

/** Memory that several columns of one record share: one allocation instead of three per column. */
export interface Arena {
  readonly buffer: ArrayBufferLike
  /** First free byte. */
  at: number
}

/** An arena has room for columns of together `n` encoded bytes plus this much per column, for alignment. */
export const ARENA_SPARE_BYTES = 24

/** Like decodeColumn, in memory taken from an arena. */
export function decodeColumnIn(
  arena: Arena,
  layout: Layout,
  bytes: Uint8Array,
  rowCount: number,
  what: string,
): Column {
  let at = 1
  let validity: Uint32Array | null = null
  if (flagsOf(bytes, what) === HAS_VALIDITY) {
    at += wordsFor(rowCount) * 4
    if (bytes.length < at) checkLength(bytes, at, what)
    validity = new Uint32Array(arena.buffer, take(arena, at - 1), wordsFor(rowCount))
    for (let w = 0; w < validity.length; w++) validity[w] = readU32(bytes, 1 + w * 4)
    trimBits(validity, rowCount)
  }
  if (layout.layout === 'fixed') {
    const { kind, width } = layout
    const byteLength = rowCount * width * ELEMENT_BYTES[kind]
    checkLength(bytes, at + byteLength, what)
    const start = copyIn(arena, bytes, at)
    return {
      layout: 'fixed',
      width,
      values: fixedArrayOver(kind, arena.buffer, start, rowCount * width),
      validity,
    }
  }
  const heapAt = at + (rowCount + 1) * 4
  if (bytes.length < heapAt) checkLength(bytes, heapAt, what)
  const offsets = new Uint32Array(arena.buffer, take(arena, heapAt - at), rowCount + 1)
  const heapBytes = readOffsets(bytes, at, offsets, 0, rowCount, what)
  checkLength(bytes, heapAt + heapBytes, what)
  const heap = new Uint8Array(arena.buffer, copyIn(arena, bytes, heapAt), heapBytes)
  return { layout: 'var', offsets, heap, validity }
}

function take(arena: Arena, byteLength: number): number {
  const start = Math.ceil(arena.at / 8) * 8
  arena.at = start + byteLength
  return start
}

/** Copies the bytes from `from` to the end; returns where they are. */
function copyIn(arena: Arena, bytes: Uint8Array, from: number): number {
  const start = take(arena, bytes.length - from)
  new Uint8Array(arena.buffer, start, bytes.length - from).set(from === 0 ? bytes : bytes.subarray(from))
  return start
}

/** Below this many bytes a loop is cheaper than making a view. */
const LOOP_BYTES_MAX = 8
/** Below this many offsets writing them one by one is cheaper than through an array of their own. */
const REBASE_MIN = 64

function writeElements(target: Uint8Array, at: number, values: FixedArray, from: number, to: number): number {
  const byteLength = (to - from) * values.BYTES_PER_ELEMENT
  if (byteLength <= LOOP_BYTES_MAX && values instanceof Int32Array) {
    for (let i = from; i < to; i++) writeU32(target, at + (i - from) * 4, values[i]!)
  } else if (byteLength > 0) {
    target.set(elementBytes(values, from, to), at)
  }
  return at + byteLength
}

function writeValidity(target: Uint8Array, at: number, words: Uint32Array, from: number, to: number): number {
  const count = to - from
  const shift = from & 31
  const first = from >>> 5
  const wordCount = wordsFor(count)
  for (let w = 0; w < wordCount; w++) {
    let word = words[first + w]! >>> shift
    if (shift !== 0 && first + w + 1 < words.length) word |= words[first + w + 1]! << (32 - shift)
    const left = count - (w << 5)
    if (left < 32) word &= 0xffffffff >>> (32 - left)
    writeU32(target, at + (w << 2), word)
  }
  return at + wordCount * 4
}

function writeOffsets(
  target: Uint8Array,
  at: number,
  offsets: Uint32Array,
  from: number,
  to: number,
): number {
  const base = offsets[from]!
  const count = to - from + 1
  if (base === 0 && count > 2) {
    target.set(elementBytes(offsets, from, to + 1), at)
  } else if (count <= REBASE_MIN) {
    for (let i = 0; i < count; i++) writeU32(target, at + i * 4, offsets[from + i]! - base)
  } else {
    const rebased = new Uint32Array(count)
    for (let i = 0; i < count; i++) rebased[i] = offsets[from + i]! - base
    target.set(bytesOf(rebased), at)
  }
  return at + count * 4
}
