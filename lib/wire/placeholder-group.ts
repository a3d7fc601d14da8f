/**
 * Query vectors of a search request: PlaceholderGroup bytes to typed arrays or texts.
 *
 * One group holds one placeholder `$0` with one value per query vector. Dense values are raw little-endian elements,
 * sparse ones (u32, f32) pairs, VarChar ones text for a function field. Dimensions and types are compared with the
 * field by the search plan; here only what no field could accept is refused.
 */
import { isUtf8 } from 'node:buffer'
import { invalid } from '../base/errors.js'
import { DataType } from '../schema/data-type.js'
import { decode } from './message.js'
import { PlaceholderGroup } from './messages/common.js'
import { notSupported } from './status.js'

/** Query vectors in the form of the field type they were sent for. */
export type QueryVectors =
  | { readonly type: typeof DataType.FloatVector; readonly values: readonly Float32Array[] }
  | {
      readonly type: typeof DataType.Float16Vector | typeof DataType.BFloat16Vector
      readonly values: readonly Uint16Array[]
    }
  | { readonly type: typeof DataType.Int8Vector; readonly values: readonly Int8Array[] }
  | { readonly type: typeof DataType.BinaryVector; readonly values: readonly Uint8Array[] }
  | { readonly type: typeof DataType.SparseFloatVector; readonly values: readonly SparseQuery[] }
  | { readonly type: typeof DataType.VarChar; readonly values: readonly string[] }

/** One sparse query: indices rising, one value each. */
export interface SparseQuery {
  readonly indices: Uint32Array
  readonly values: Float32Array
}

/** Placeholder types of lists of vectors, for struct arrays: each value holds the vectors of a list end to end. */
const EMBEDDING_LIST = {
  binary: 300,
  float: 301,
  float16: 302,
  bfloat16: 303,
  sparse: 304,
  int8: 305,
} as const

/** @throws MilvusError 1100 for malformed groups, 3000 for lists of sparse vectors */
export function decodePlaceholderGroup(bytes: Uint8Array): QueryVectors {
  const { placeholders } = decode(PlaceholderGroup, bytes)
  const placeholder = placeholders[0]
  if (placeholder === undefined) throw invalid('placeholder group holds no placeholder')
  const { type, values } = placeholder
  switch (type) {
    case DataType.FloatVector:
      return { type, values: values.map(value => new Float32Array(aligned(value, 4))) }
    case DataType.Float16Vector:
    case DataType.BFloat16Vector:
      return { type, values: values.map(value => new Uint16Array(aligned(value, 2))) }
    case DataType.Int8Vector:
      return { type, values: values.map(value => new Int8Array(aligned(value, 1))) }
    case DataType.BinaryVector:
      return { type, values: values.map(value => new Uint8Array(aligned(value, 1))) }
    case DataType.SparseFloatVector:
      return { type, values: values.map(sparseQuery) }
    case DataType.VarChar:
      return { type, values: values.map(textQuery) }
    case EMBEDDING_LIST.float:
      return { type: DataType.FloatVector, values: values.map(value => new Float32Array(aligned(value, 4))) }
    case EMBEDDING_LIST.float16:
      return { type: DataType.Float16Vector, values: values.map(value => new Uint16Array(aligned(value, 2))) }
    case EMBEDDING_LIST.bfloat16:
      return {
        type: DataType.BFloat16Vector,
        values: values.map(value => new Uint16Array(aligned(value, 2))),
      }
    case EMBEDDING_LIST.int8:
      return { type: DataType.Int8Vector, values: values.map(value => new Int8Array(aligned(value, 1))) }
    case EMBEDDING_LIST.binary:
      return { type: DataType.BinaryVector, values: values.map(value => new Uint8Array(aligned(value, 1))) }
    default:
      if (type === EMBEDDING_LIST.sparse) throw notSupported('search with lists of sparse vectors')
      throw invalid(`unknown placeholder type ${type}`)
  }
}

/** The value's bytes in memory of their own. */
function aligned(value: Uint8Array, elementBytes: number): ArrayBuffer {
  if (value.length % elementBytes !== 0)
    throw invalid(`vector dimension mismatch: a query vector of ${value.length} bytes is cut short`)
  const copy = new Uint8Array(value.length)
  copy.set(value)
  return copy.buffer
}

function sparseQuery(value: Uint8Array): SparseQuery {
  if (value.length % 8 !== 0) throw invalid(`invalid data length in sparse float vector: ${value.length}`)
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  const count = value.length / 8
  const order = Array.from({ length: count }, (_, i) => i)
  order.sort((a, b) => view.getUint32(a * 8, true) - view.getUint32(b * 8, true))
  const indices = new Uint32Array(count)
  const values = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    indices[i] = view.getUint32(order[i]! * 8, true)
    values[i] = view.getFloat32(order[i]! * 8 + 4, true)
    if (i > 0 && indices[i] === indices[i - 1]) {
      throw invalid('unsorted or same indices in sparse float vector')
    }
  }
  return { indices, values }
}

function textQuery(value: Uint8Array): string {
  if (!isUtf8(value)) throw invalid('query text is not valid UTF-8')
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
}
