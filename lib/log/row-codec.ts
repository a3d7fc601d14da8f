/**
 * Some rows of an encoded column (column-codec.ts), without decoding the rest: what a read of a few rows takes from a
 * chunk of thousands.
 *
 * Invariant: the lengths are checked as for the whole column, and the offsets of every row that is read; offsets of
 * other rows are not looked at.
 */
import { newBits, setBit, wordsFor } from '../base/bitset.js'
import { bytesOf, readU32 } from '../base/bytes.js'
import type { Column } from '../schema/column.js'
import { copyBytes } from '../schema/column-ops.js'
import { ELEMENT_BYTES, type Layout, newFixedArray } from '../schema/data-type.js'
import { corrupted } from '../store/codec.js'
import { checkLength, flagsOf, HAS_VALIDITY } from './column-assembler.js'

/**
 * Copies of some rows, in the order of `rows` (repeats allowed).
 * @param bytes what encodeColumn made (without a frame)
 * @param rowCount rows that it holds
 * @param what names the column in error messages
 * @throws MilvusError Corrupted when the bytes are not `rowCount` rows of this layout
 */
export function decodeRows(
  layout: Layout,
  bytes: Uint8Array,
  rowCount: number,
  rows: Int32Array,
  what: string,
): Column {
  const nullable = flagsOf(bytes, what) === HAS_VALIDITY
  const at = nullable ? 1 + wordsFor(rowCount) * 4 : 1
  if (bytes.length < at) checkLength(bytes, at, what)
  const validity = nullable ? bitsOfRows(bytes, rows) : null
  if (layout.layout === 'var')
    return { layout: 'var', ...cellsOfRows(bytes, at, rowCount, rows, what), validity }
  const { kind, width } = layout
  const rowBytes = width * ELEMENT_BYTES[kind]
  checkLength(bytes, at + rowCount * rowBytes, what)
  const values = newFixedArray(kind, rows.length * width, false)
  const target = bytesOf(values)
  for (let i = 0; i < rows.length; i++) {
    const from = at + rows[i]! * rowBytes
    copyBytes(target, i * rowBytes, bytes, from, from + rowBytes)
  }
  return { layout: 'fixed', width, values, validity }
}

/** Validity of some rows; null when none of them is null. The stored words follow the flags byte, little-endian. */
function bitsOfRows(bytes: Uint8Array, rows: Int32Array): Uint32Array | null {
  const bits = newBits(rows.length)
  let valid = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    if (((bytes[1 + (row >>> 3)]! >>> (row & 7)) & 1) === 0) continue
    setBit(bits, i)
    valid++
  }
  return valid === rows.length ? null : bits
}

function cellsOfRows(
  bytes: Uint8Array,
  at: number,
  rowCount: number,
  rows: Int32Array,
  what: string,
): { readonly offsets: Uint32Array; readonly heap: Uint8Array } {
  const heapAt = at + (rowCount + 1) * 4
  if (bytes.length < heapAt) checkLength(bytes, heapAt, what)
  const heapBytes = readU32(bytes, at + rowCount * 4)
  checkLength(bytes, heapAt + heapBytes, what)
  const offsets = new Uint32Array(rows.length + 1)
  let total = 0
  for (let i = 0; i < rows.length; i++) {
    const place = at + rows[i]! * 4
    const from = readU32(bytes, place)
    const to = readU32(bytes, place + 4)
    if (to < from || to > heapBytes) {
      throw corrupted(what, `has a bad offset at row ${rows[i]}`, `${from} to ${heapBytes}`, `${to}`)
    }
    total += to - from
    offsets[i + 1] = total
  }
  const heap = new Uint8Array(total)
  for (let i = 0; i < rows.length; i++) {
    const from = heapAt + readU32(bytes, at + rows[i]! * 4)
    copyBytes(heap, offsets[i]!, bytes, from, from + offsets[i + 1]! - offsets[i]!)
  }
  return { offsets, heap }
}
