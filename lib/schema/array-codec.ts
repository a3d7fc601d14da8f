/**
 * Array rows as bytes: u32 element count, then the elements, little-endian and packed (picture in column.ts).
 *
 * Nothing is aligned, so numbers go through a DataView. Element order and duplicates are kept. Bool is 1 byte, Int8 1,
 * Int16 2, Int32 4, Int64 8, Float 4, Double 8; VarChar is a u32 byte length and UTF-8.
 */
import { assert, InvariantError } from '../base/assert.js'
import { DataType, dataTypeName } from './data-type.js'
import { type Int64As, int64InForm, int64OfWords } from './int64.js'
import { readUtf8 } from './utf8.js'

/** Bytes of one element; 0 for VarChar, whose elements carry their own length. */
export function arrayElementBytes(elementType: DataType): number {
  switch (elementType) {
    case DataType.Bool:
    case DataType.Int8:
      return 1
    case DataType.Int16:
      return 2
    case DataType.Int32:
    case DataType.Float:
      return 4
    case DataType.Int64:
    case DataType.Double:
      return 8
    case DataType.VarChar:
      return 0
    default:
      throw new InvariantError(`${dataTypeName(elementType)} is no array element type`)
  }
}

/** A view of a heap for reading array rows; make one per column, not one per row. */
export function heapView(heap: Uint8Array): DataView {
  return new DataView(heap.buffer, heap.byteOffset, heap.byteLength)
}

/** Elements of the row that starts at `from`; 0 for an empty slice. */
export function arrayLength(view: DataView, from: number, to: number): number {
  return to - from < 4 ? 0 : view.getUint32(from, true)
}

/** The elements of heap[from .. to) as JavaScript values. */
export function readArray(
  heap: Uint8Array,
  from: number,
  to: number,
  elementType: DataType,
  int64As: Int64As,
): (boolean | number | bigint | string)[] {
  const view = heapView(heap)
  const count = arrayLength(view, from, to)
  const size = arrayElementBytes(elementType)
  const out: (boolean | number | bigint | string)[] = new Array(count)
  let at = from + 4
  for (let i = 0; i < count; i++) {
    if (size === 0) {
      const length = view.getUint32(at, true)
      out[i] = readUtf8(heap, at + 4, at + 4 + length)
      at += 4 + length
    } else {
      out[i] = readElement(view, at, elementType, int64As)
      at += size
    }
  }
  assert(count === 0 || at === to, 'array row is as long as its elements')
  return out
}

/** One fixed-size element at byte `at`. */
export function readElement(
  view: DataView,
  at: number,
  elementType: DataType,
  int64As: Int64As,
): boolean | number | bigint | string {
  switch (elementType) {
    case DataType.Bool:
      return view.getUint8(at) !== 0
    case DataType.Int8:
      return view.getInt8(at)
    case DataType.Int16:
      return view.getInt16(at, true)
    case DataType.Int32:
      return view.getInt32(at, true)
    case DataType.Int64:
      return int64InForm(int64OfWords(view.getInt32(at, true), view.getInt32(at + 4, true)), int64As)
    case DataType.Float:
      return view.getFloat32(at, true)
    case DataType.Double:
      return view.getFloat64(at, true)
    default:
      throw new InvariantError(`${dataTypeName(elementType)} has no fixed element size`)
  }
}
