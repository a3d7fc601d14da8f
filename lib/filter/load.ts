/**
 * Column values and array elements into the register.
 *
 * Array rows are packed (column.ts draws them): a u32 count, then the elements, unaligned; floats are put together
 * through a two-word window. Rows shorter than their count says read as missing, never beyond the row's end.
 */
import { InvariantError } from '../base/assert.js'
import { arrayElementBytes } from '../schema/array-codec.js'
import type { FixedColumn, VarColumn } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import { Kind, register } from './register.js'

/** Loads row `row` of a scalar column that is not null there. */
export function loadFixed(type: DataType, column: FixedColumn, row: number): void {
  const { values } = column
  switch (type) {
    case DataType.Bool:
      register.kind = Kind.Bool
      register.low = values[row]!
      return
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32:
      register.kind = Kind.Int
      register.low = values[row]!
      register.high = register.low >> 31
      return
    case DataType.Int64:
    case DataType.Timestamptz:
      register.kind = Kind.Int
      register.low = values[2 * row]!
      register.high = values[2 * row + 1]!
      return
    case DataType.Float:
    case DataType.Double:
      register.kind = Kind.Double
      register.double = values[row]!
      return
    default:
      throw new InvariantError(`type ${type} is no fixed-width scalar`)
  }
}

/** Loads the text of row `row`. */
export function loadText(column: VarColumn, row: number): void {
  register.kind = Kind.Text
  register.bytes = column.heap
  register.start = column.offsets[row]!
  register.end = column.offsets[row + 1]!
}

/** Number of elements of the packed array heap[start, end). */
export function packedLength(heap: Uint8Array, start: number, end: number): number {
  return end - start < 4 ? 0 : readU32(heap, start)
}

/** Offset of element `index` of a packed array, or −1 when the array is shorter. */
export function seekElement(
  type: DataType,
  heap: Uint8Array,
  start: number,
  end: number,
  index: number,
): number {
  if (index >= packedLength(heap, start, end)) return -1
  const size = arrayElementBytes(type)
  if (size > 0) return start + 4 + size * index
  let at = start + 4
  for (let i = 0; i < index; i++) at += 4 + readU32(heap, at)
  return at
}

/** Loads the element at offset `at` (−1: missing); `register.next` is the offset of the one after it. */
export function loadElement(type: DataType, heap: Uint8Array, at: number): void {
  if (at < 0) {
    register.kind = Kind.Missing
    return
  }
  switch (type) {
    case DataType.Bool:
      register.kind = Kind.Bool
      register.low = heap[at]!
      register.next = at + 1
      return
    case DataType.Int8:
      setInteger((heap[at]! << 24) >> 24, at + 1)
      return
    case DataType.Int16:
      setInteger(((heap[at]! | (heap[at + 1]! << 8)) << 16) >> 16, at + 2)
      return
    case DataType.Int32:
      setInteger(readU32(heap, at) | 0, at + 4)
      return
    case DataType.Int64:
      setInteger(readU32(heap, at) | 0, at + 8)
      register.high = readU32(heap, at + 4) | 0
      return
    case DataType.Float:
      window[0] = readU32(heap, at)
      register.kind = Kind.Double
      register.double = singles[0]!
      register.next = at + 4
      return
    case DataType.Double:
      window[0] = readU32(heap, at)
      window[1] = readU32(heap, at + 4)
      register.kind = Kind.Double
      register.double = doubles[0]!
      register.next = at + 8
      return
    case DataType.VarChar:
      register.kind = Kind.Text
      register.bytes = heap
      register.start = at + 4
      register.end = at + 4 + readU32(heap, at)
      register.next = register.end
      return
    default:
      throw new InvariantError(`type ${type} is no array element type`)
  }
}

function setInteger(value: number, next: number): void {
  register.kind = Kind.Int
  register.low = value
  register.high = value >> 31
  register.next = next
}

/** Two words seen as one float32 or one double (every platform Node runs on is little-endian). */
const window = new Uint32Array(2)
const singles = new Float32Array(window.buffer)
const doubles = new Float64Array(window.buffer)

function readU32(heap: Uint8Array, at: number): number {
  return (heap[at]! | (heap[at + 1]! << 8) | (heap[at + 2]! << 16) | (heap[at + 3]! << 24)) >>> 0
}
