/**
 * Field types, with Milvus's numbers (upsert-semantics §6.1), and what each one is made of.
 *
 * The numbers are on disk and on the wire: append-only. `TYPES` is the one table that says how a type is laid out in a
 * column; everything that switches on a type reads it or matches every case by name.
 */
import { InvariantError } from '../base/assert.js'

export const DataType = {
  None: 0,
  Bool: 1,
  Int8: 2,
  Int16: 3,
  Int32: 4,
  Int64: 5,
  Float: 10,
  Double: 11,
  VarChar: 21,
  Array: 22,
  JSON: 23,
  Geometry: 24,
  Text: 25,
  Timestamptz: 26,
  BinaryVector: 100,
  FloatVector: 101,
  Float16Vector: 102,
  BFloat16Vector: 103,
  SparseFloatVector: 104,
  Int8Vector: 105,
  ArrayOfVector: 106,
  ArrayOfStruct: 200,
  Struct: 201,
} as const
export type DataType = (typeof DataType)[keyof typeof DataType]

/** Milvus's spelling of a type, as error messages print it: `Int64`, `VarChar`, `FloatVector`. */
export function dataTypeName(type: DataType): string {
  for (const [name, value] of Object.entries(DataType)) if (value === type) return name
  throw new InvariantError(`unknown data type ${type}`)
}

/**
 * Typed array that holds one column of a fixed-width type.
 * Int64 and Timestamptz are pairs of 32-bit words (low, high), little-endian: exact over the whole 64-bit range
 * without BigInt. Float16 and BFloat16 vectors are their raw 16-bit words. Bool is one byte, 0 or 1.
 */
export type FixedArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Float32Array
  | Float64Array

export type ElementKind = 'u8' | 'i8' | 'i16' | 'u16' | 'i32' | 'f32' | 'f64'

export const ELEMENT_BYTES: Readonly<Record<ElementKind, number>> = {
  u8: 1,
  i8: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  f32: 4,
  f64: 8,
}

/** A typed array of `length` elements; `shared` puts it in a SharedArrayBuffer, so that a worker can read it. */
export function newFixedArray(kind: ElementKind, length: number, shared = false): FixedArray {
  const bytes = length * ELEMENT_BYTES[kind]
  return fixedArrayOver(kind, shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes), 0, length)
}

/** A typed array view of `length` elements; `byteOffset` must be a multiple of the element size. */
export function fixedArrayOver(
  kind: ElementKind,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): FixedArray {
  switch (kind) {
    case 'u8':
      return new Uint8Array(buffer, byteOffset, length)
    case 'i8':
      return new Int8Array(buffer, byteOffset, length)
    case 'i16':
      return new Int16Array(buffer, byteOffset, length)
    case 'u16':
      return new Uint16Array(buffer, byteOffset, length)
    case 'i32':
      return new Int32Array(buffer, byteOffset, length)
    case 'f32':
      return new Float32Array(buffer, byteOffset, length)
    case 'f64':
      return new Float64Array(buffer, byteOffset, length)
  }
}

/** How a column of some field is laid out: fixed (`width` elements of `kind` per row) or variable (bytes per row). */
export type Layout =
  | { readonly layout: 'fixed'; readonly kind: ElementKind; readonly width: number }
  | { readonly layout: 'var' }

/** Layout of a column. `dim` matters for dense vectors only (bits for binary vectors). */
export function layoutOf(type: DataType, dim = 0): Layout {
  switch (type) {
    case DataType.Bool:
      return { layout: 'fixed', kind: 'u8', width: 1 }
    case DataType.Int8:
      return { layout: 'fixed', kind: 'i8', width: 1 }
    case DataType.Int16:
      return { layout: 'fixed', kind: 'i16', width: 1 }
    case DataType.Int32:
      return { layout: 'fixed', kind: 'i32', width: 1 }
    case DataType.Int64:
    case DataType.Timestamptz:
      return { layout: 'fixed', kind: 'i32', width: 2 }
    case DataType.Float:
      return { layout: 'fixed', kind: 'f32', width: 1 }
    case DataType.Double:
      return { layout: 'fixed', kind: 'f64', width: 1 }
    case DataType.FloatVector:
      return { layout: 'fixed', kind: 'f32', width: dim }
    case DataType.Float16Vector:
    case DataType.BFloat16Vector:
      return { layout: 'fixed', kind: 'u16', width: dim }
    case DataType.Int8Vector:
      return { layout: 'fixed', kind: 'i8', width: dim }
    case DataType.BinaryVector:
      return { layout: 'fixed', kind: 'u8', width: dim >>> 3 }
    case DataType.VarChar:
    case DataType.Text:
    case DataType.JSON:
    case DataType.Geometry:
    case DataType.Array:
    case DataType.SparseFloatVector:
    case DataType.ArrayOfVector:
    case DataType.ArrayOfStruct:
      return { layout: 'var' }
    case DataType.None:
    case DataType.Struct:
      throw new InvariantError(`type ${type} has no column of its own`)
  }
}

/** True for the six vector types. */
export function isVectorType(type: DataType): boolean {
  return type >= DataType.BinaryVector && type <= DataType.ArrayOfVector
}

/** True for vector types with a fixed number of dimensions. */
export function isDenseVectorType(type: DataType): boolean {
  return isVectorType(type) && type !== DataType.SparseFloatVector && type !== DataType.ArrayOfVector
}

/** True for Int8, Int16, Int32 and Int64. */
export function isIntegerType(type: DataType): boolean {
  return type >= DataType.Int8 && type <= DataType.Int64
}

/** True for Float and Double. */
export function isFloatType(type: DataType): boolean {
  return type === DataType.Float || type === DataType.Double
}
