/**
 * A query vector, judged once and brought into the form the kernels want.
 *
 * Users give numbers, typed arrays, raw bytes or sparse objects; after `prepareQuery` there is exactly one of three
 * shapes: floats (every dense type, dequantised), 32-bit words (binary), sorted terms (sparse). float32 queries against
 * fp16 and bf16 fields are rounded to the field's type first (query-search-semantics §3.2), so a stored vector finds
 * itself at distance 0 however it was given.
 */
import { assert } from '../base/assert.js'
import { invalid, type MilvusError } from '../base/errors.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import { type Column, isValid } from '../schema/column.js'
import { DataType, dataTypeName, isDenseVectorType } from '../schema/data-type.js'
import { bfloat16Of, float16Of, numberOfBfloat16, numberOfFloat16 } from '../schema/half-float.js'
import { decodeFloats, sparseCells } from './column-values.js'
import type { MetricType } from './index-spec.js'
import type { Bm25Params } from './kernels.js'
import { isDistance } from './metric.js'

/** Terms of a sparse query: rising indices, weights ≠ 0. */
export interface SparseTerms {
  readonly indices: Uint32Array
  readonly weights: Float32Array
  /** Set for BM25: rows hold term counts. */
  readonly bm25: Bm25Params | null
}

interface QueryBase {
  readonly dataType: DataType
  readonly metric: MetricType
  /** Dimensions (bits for binary, 0 for sparse). */
  readonly dim: number
  /** True when smaller scores are better. */
  readonly distance: boolean
}
export interface DenseQuery extends QueryBase {
  readonly kind: 'dense'
  readonly values: Float32Array
  /** Euclidean length of `values`. */
  readonly norm: number
}
export interface BinaryQuery extends QueryBase {
  readonly kind: 'binary'
  /** The bytes of the vector, zero-padded to whole words, in the machine's word order. */
  readonly words: Uint32Array
}
export interface SparseQuery extends QueryBase {
  readonly kind: 'sparse'
  readonly terms: SparseTerms
}
export type QueryVector = DenseQuery | BinaryQuery | SparseQuery

/**
 * Judges one query vector against the field it searches.
 * @param vector number[], a typed array, raw little-endian bytes (Uint8Array: fp16, bf16, int8, binary and sparse
 *   fields), or for sparse fields also `{index: value}`, `{indices, values}` or `[{index, value}]`
 * @throws MilvusError ParameterInvalid: `vector dimension mismatch`, `vector type must be the same`, NaN or infinity
 */
export function prepareQuery(field: FieldSchema, metric: MetricType, vector: unknown): QueryVector {
  if (field.dataType === DataType.SparseFloatVector) {
    return sparseQuery(metric, sparseTermsOf(field, vector), null)
  }
  if (field.dataType === DataType.BinaryVector)
    return binaryQuery(field, metric, binaryBytesOf(field, vector))
  assert(isDenseVectorType(field.dataType), `field ${field.name} holds vectors`)
  return denseQuery(field, metric, denseFloatsOf(field, vector))
}

/**
 * A BM25 query against a field of term counts.
 * @param indices term numbers, rising
 * @param weights query count × idf of each
 */
export function bm25Query(indices: Uint32Array, weights: Float32Array, bm25: Bm25Params): QueryVector {
  assert(indices.length === weights.length, 'each term has a weight')
  assert(bm25.averageLength > 0, 'the average document length is positive')
  return sparseQuery('BM25', { indices, weights }, bm25)
}

/** The vector stored in a row, as a query; null when the row holds a null. */
export function queryFromColumn(
  field: FieldSchema,
  metric: MetricType,
  column: Column,
  row: number,
): QueryVector | null {
  if (!isValid(column, row)) return null
  if (column.layout === 'var') {
    const { cells, floats } = sparseCells(column)
    const start = column.offsets[row]! >>> 2
    const count = (column.offsets[row + 1]! - column.offsets[row]!) >>> 3
    const indices = new Uint32Array(count)
    const weights = new Float32Array(count)
    for (let i = 0; i < count; i++) {
      indices[i] = cells[start + 2 * i]!
      weights[i] = floats[start + 2 * i + 1]!
    }
    return sparseQuery(metric, { indices, weights }, null)
  }
  if (field.dataType === DataType.BinaryVector) {
    const bytes = column.values as Uint8Array
    return binaryQuery(field, metric, bytes.subarray(row * column.width, (row + 1) * column.width))
  }
  const values = new Float32Array(column.width)
  decodeFloats(field.dataType, column, row, values, 0)
  return denseQuery(field, metric, values)
}

/** The last array that graphQuery gave out: kept, because making it costs more than filling it. */
let graphNumbers: number[] = []

/**
 * What VectorIndex.search wants: plain numbers, of length 1 for COSINE.
 * The array is filled anew by the next call; whoever waits in between asks again.
 */
export function graphQuery(query: DenseQuery): readonly number[] {
  const { values } = query
  const scale = query.metric === 'COSINE' && query.norm > 0 ? 1 / query.norm : 1
  if (graphNumbers.length !== values.length) graphNumbers = Array.from(values)
  for (let i = 0; i < values.length; i++) graphNumbers[i] = values[i]! * scale
  return graphNumbers
}

function denseQuery(field: FieldSchema, metric: MetricType, values: Float32Array): DenseQuery {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!
  const { dataType, dim } = field
  return { kind: 'dense', dataType, metric, dim, distance: isDistance(metric), values, norm: Math.sqrt(sum) }
}

function binaryQuery(field: FieldSchema, metric: MetricType, bytes: Uint8Array): BinaryQuery {
  const words = new Uint32Array((bytes.length + 3) >>> 2)
  new Uint8Array(words.buffer).set(bytes)
  const base = { dataType: field.dataType, metric, dim: field.dim, distance: isDistance(metric) }
  return { ...base, kind: 'binary', words }
}

function sparseQuery(
  metric: MetricType,
  terms: Omit<SparseTerms, 'bm25'>,
  bm25: Bm25Params | null,
): SparseQuery {
  const base = { dataType: DataType.SparseFloatVector, metric, dim: 0, distance: isDistance(metric) }
  return { ...base, kind: 'sparse', terms: { ...terms, bm25 } }
}

function dimMismatch(expected: number, actual: number): MilvusError {
  return invalid('vector dimension mismatch', { expected, actual })
}

function typeMismatch(field: FieldSchema, given: string): MilvusError {
  return invalid(
    `vector type must be the same: field type ${dataTypeName(field.dataType)}, search type ${given}`,
  )
}

/** Milvus's name for the kind of vector a value looks like. */
function givenType(vector: unknown): string {
  if (vector instanceof Float32Array || vector instanceof Float64Array || Array.isArray(vector)) {
    return 'FloatVector'
  }
  if (vector instanceof Int8Array) return 'Int8Vector'
  if (vector instanceof Uint16Array) return 'Float16Vector'
  if (vector instanceof Uint8Array) return 'BinaryVector'
  if (typeof vector === 'string') return 'VarChar'
  if (typeof vector === 'object' && vector !== null) return 'SparseFloatVector'
  return typeof vector
}

function denseFloatsOf(field: FieldSchema, vector: unknown): Float32Array {
  const { dataType, dim } = field
  const half = dataType === DataType.Float16Vector || dataType === DataType.BFloat16Vector
  if (half && vector instanceof Uint8Array) {
    if (vector.length !== dim * 2) throw dimMismatch(dim, vector.length / 2)
    const words = new Uint16Array(dim)
    for (let i = 0; i < dim; i++) words[i] = vector[2 * i]! | (vector[2 * i + 1]! << 8)
    return floatsOfWords(field, words)
  }
  if (half && vector instanceof Uint16Array) {
    if (vector.length !== dim) throw dimMismatch(dim, vector.length)
    return floatsOfWords(field, vector)
  }
  if (dataType === DataType.Int8Vector && (vector instanceof Int8Array || vector instanceof Uint8Array)) {
    if (vector.length !== dim) throw dimMismatch(dim, vector.length)
    return Float32Array.from(new Int8Array(vector))
  }
  const numbers = Array.isArray(vector) || vector instanceof Float32Array || vector instanceof Float64Array
  if (!numbers) throw typeMismatch(field, givenType(vector))
  if (vector.length !== dim) throw dimMismatch(dim, vector.length)
  return floatsOfNumbers(field, vector)
}

function floatsOfNumbers(field: FieldSchema, numbers: ArrayLike<unknown>): Float32Array {
  if (field.dataType === DataType.FloatVector && numbers instanceof Float32Array)
    return finite(numbers.slice())
  const out = new Float32Array(field.dim)
  if (field.dataType === DataType.FloatVector) {
    for (let i = 0; i < out.length; i++) {
      const given = numbers[i]
      if (typeof given !== 'number') throw typeMismatch(field, `array of ${typeof given}`)
      out[i] = given
    }
    return finite(out)
  }
  for (let i = 0; i < out.length; i++) {
    const given = numbers[i]
    if (typeof given !== 'number') throw typeMismatch(field, `array of ${typeof given}`)
    const value = rounded(field, given)
    if (!Number.isFinite(value)) throw notFinite(value)
    out[i] = value
  }
  return out
}

function finite(values: Float32Array): Float32Array {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) throw notFinite(values[i]!)
  return values
}

/** The nearest value the field's type can hold; infinite when there is none. */
function rounded(field: FieldSchema, value: number): number {
  switch (field.dataType) {
    case DataType.Float16Vector:
      return numberOfFloat16(float16Of(value))
    case DataType.BFloat16Vector:
      return numberOfBfloat16(bfloat16Of(value))
    case DataType.Int8Vector:
      if (!Number.isFinite(value)) return value
      if (!Number.isInteger(value)) throw typeMismatch(field, 'FloatVector')
      if (value < -128 || value > 127) {
        throw invalid(`the element (${value}) of the int8 vector out of range: [-128, 127]`)
      }
      return value
    default:
      return Math.fround(value)
  }
}

function floatsOfWords(field: FieldSchema, words: Uint16Array): Float32Array {
  const out = new Float32Array(words.length)
  decodeFloats(
    field.dataType,
    { layout: 'fixed', width: words.length, values: words, validity: null },
    0,
    out,
    0,
  )
  for (let i = 0; i < out.length; i++) if (!Number.isFinite(out[i]!)) throw notFinite(out[i]!)
  return out
}

function notFinite(value: number): MilvusError {
  const text = Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  return invalid(`value '${text}' is not a number or infinity`)
}

/** Bytes of a binary query; arrays of numbers are bytes too, as the SDKs give them. */
function binaryBytesOf(field: FieldSchema, vector: unknown): Uint8Array {
  let bytes: Uint8Array
  if (vector instanceof Uint8Array) bytes = vector
  else if (Array.isArray(vector)) {
    bytes = new Uint8Array(vector.length)
    for (let i = 0; i < bytes.length; i++) {
      const byte: unknown = vector[i]
      if (typeof byte !== 'number' || !Number.isInteger(byte) || byte < 0 || byte > 255) {
        throw typeMismatch(field, 'FloatVector')
      }
      bytes[i] = byte
    }
  } else throw typeMismatch(field, givenType(vector))
  if (bytes.length * 8 !== field.dim) throw dimMismatch(field.dim, bytes.length * 8)
  return bytes
}

/** Greatest index of a sparse vector: 2^32 − 1 is reserved (upsert-semantics §6.4). */
const SPARSE_INDEX_END = 0xffff_ffff

function sparseTermsOf(field: FieldSchema, vector: unknown): Omit<SparseTerms, 'bm25'> {
  const pairs = vector instanceof Uint8Array ? pairsOfBytes(vector) : pairsOfObject(field, vector)
  const kept: [number, number][] = []
  for (const [index, value] of pairs) {
    if (!Number.isInteger(index) || index < 0 || index >= SPARSE_INDEX_END) {
      throw invalid('invalid index in sparse float vector: must be less than 2^32-1')
    }
    const weight = Math.fround(value)
    if (!Number.isFinite(weight)) throw notFinite(weight)
    if (weight < 0) throw invalid('negative value in sparse float vector')
    if (weight !== 0) kept.push([index, weight])
  }
  kept.sort((a, b) => a[0] - b[0])
  for (let i = 1; i < kept.length; i++) {
    if (kept[i]![0] === kept[i - 1]![0]) throw invalid('unsorted or same indices in sparse float vector')
  }
  return {
    indices: Uint32Array.from(kept, pair => pair[0]),
    weights: Float32Array.from(kept, pair => pair[1]),
  }
}

function pairsOfBytes(bytes: Uint8Array): [number, number][] {
  if (bytes.length % 8 !== 0) throw invalid(`invalid data length in sparse float vector: ${bytes.length}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const pairs: [number, number][] = []
  for (let at = 0; at < bytes.length; at += 8) {
    const index = view.getUint32(at, true)
    if (at > 0 && index <= pairs[pairs.length - 1]![0]) {
      throw invalid('unsorted or same indices in sparse float vector')
    }
    pairs.push([index, view.getFloat32(at + 4, true)])
  }
  return pairs
}

function pairsOfObject(field: FieldSchema, vector: unknown): [number, number][] {
  if (typeof vector !== 'object' || vector === null) throw typeMismatch(field, givenType(vector))
  const pairs: [number, number][] = []
  const add = (index: unknown, value: unknown): void => {
    const key = typeof index === 'string' && /^\d+$/.test(index) ? Number(index) : index
    if (typeof key !== 'number' || typeof value !== 'number') throw typeMismatch(field, givenType(vector))
    pairs.push([key, value])
  }
  if (Array.isArray(vector)) {
    // Either {index, value} objects or values at their own positions, holes meaning zero.
    vector.forEach((entry: unknown, position) => {
      if (entry === undefined || entry === null) return
      if (typeof entry !== 'object') add(position, entry)
      else if (Array.isArray(entry)) add(entry[0], entry[1])
      else add((entry as { index?: unknown }).index, (entry as { value?: unknown }).value)
    })
    return pairs
  }
  if (ArrayBuffer.isView(vector)) throw typeMismatch(field, givenType(vector))
  if (vector instanceof Map) {
    for (const [index, value] of vector) add(index, value)
    return pairs
  }
  const { indices, values } = vector as { indices?: unknown; values?: unknown }
  if (Array.isArray(indices) && Array.isArray(values)) {
    if (indices.length !== values.length) {
      throw invalid('sparse float vector: indices and values must have the same length', {
        expected: indices.length,
        actual: values.length,
      })
    }
    for (let i = 0; i < indices.length; i++) add(indices[i], values[i])
    return pairs
  }
  for (const [index, value] of Object.entries(vector)) add(index, value)
  return pairs
}
