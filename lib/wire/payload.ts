/**
 * The values of one FieldData message as a column. What is about vectors alone is in vector-payload.ts.
 *
 * Fixed-width numbers are one memory copy (floats, vectors) or one pass over varints (integers); text, JSON and sparse
 * rows are one copy into the heap. Counts are known before anything is allocated, so a lying message cannot make us
 * allocate more than a small multiple of its own size.
 */
import { isUtf8 } from 'node:buffer'
import { assert } from '../base/assert.js'
import { getBit } from '../base/bitset.js'
import { invalid, type MilvusError } from '../base/errors.js'
import { ByteSink } from '../schema/byte-sink.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { Column, FixedColumn, VarColumn } from '../schema/column.js'
import { DataType, isVectorType, layoutOf, newFixedArray } from '../schema/data-type.js'
import { writeInt64 } from '../schema/int64.js'
import { parseTimestamptz } from '../schema/timestamptz.js'
import { readUtf8 } from '../schema/utf8.js'
import { parseWkb } from '../schema/wkb.js'
import { canonicalWkt, formatWkt } from '../schema/wkt.js'
import { arrayHeap } from './array-payload.js'
import type { Validity, WireField } from './field-data.js'
import { expandFixed, expandVar } from './nulls.js'
import { elementParts, fixed, flagBytes, int32Values, int64Words, numbersOf } from './packed.js'
import { ProtoReader, WireType } from './protobuf.js'
import { sortSparseRows } from './sparse.js'
import { denseVectors, takesVector, vectorMember } from './vector-payload.js'

/** Members of ScalarField in use. */
const SCALAR = {
  bool: 1,
  int: 2,
  long: 3,
  float: 4,
  double: 5,
  string: 6,
  bytes: 7,
  array: 8,
  json: 9,
  geometryWkb: 10,
  timestamptz: 11,
  geometryWkt: 12,
} as const

/** The column of a field. @throws MilvusError 1100 when kind, length or dimension do not fit */
export function decodePayload(
  field: FieldSchema,
  wire: WireField,
  rowCount: number,
  validity: Validity,
  timeZone: string,
): Column {
  const compact = isVectorType(field.dataType)
    ? decodeVectors(field, wire, rowCount, validity)
    : decodeScalars(field, wire, rowCount, validity, timeZone)
  return spread(field, compact, rowCount, validity)
}

/** Puts the given rows at their places; null rows get placeholders. */
export function spread(field: FieldSchema, given: Column, rowCount: number, validity: Validity): Column {
  const count = givenRows(given)
  const { bits, validCount } = validity
  if (bits === null) {
    if (count !== rowCount) throw wrongRows(field, count, rowCount)
    return given
  }
  if (count === rowCount) return { ...given, validity: bits }
  if (count !== validCount) throw invalid('the length of field is wrong')
  return given.layout === 'fixed' ? expandFixed(given, rowCount, bits) : expandVar(given, rowCount, bits)
}

function givenRows(column: Column): number {
  return column.layout === 'fixed' ? column.values.length / column.width : column.offsets.length - 1
}

function wrongRows(field: FieldSchema, found: number, rowCount: number): MilvusError {
  return invalid(
    `the num_rows (${found}) of field (${field.name}) is not equal to passed num_rows (${rowCount})`,
    { expected: rowCount, actual: found },
  )
}

/** Field numbers and bytes of the members of a payload message; a later member replaces an earlier one. */
function memberOf(payload: Uint8Array, wanted: readonly number[]): { kind: number; part: Uint8Array } | null {
  const reader = new ProtoReader(payload)
  let found: { kind: number; part: Uint8Array } | null = null
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (wanted.includes(field)) {
      reader.expect(WireType.bytes)
      found = { kind: field, part: reader.bytes() }
    } else reader.skip()
  }
  return found
}

function decodeScalars(
  field: FieldSchema,
  wire: WireField,
  rowCount: number,
  validity: Validity,
  timeZone: string,
): Column {
  const member = wire.kind === 'scalars' ? memberOf(wire.payload, membersFor(field.dataType)) : null
  if (member === null) {
    if (!isOptional(field) && field.dataType !== DataType.Bool) throw wrongKind(field)
    return emptyColumn(field)
  }
  const column =
    field.dataType === DataType.Timestamptz && member.kind === SCALAR.string
      ? timestamps(texts(field, member.part), rowCount, validity, timeZone)
      : field.dataType === DataType.Geometry
        ? geometries(field, member.kind, member.part, rowCount, validity)
        : scalarColumn(field, member.part)
  // An empty payload of a field that needs values reads as "not there", as Milvus reports it.
  if (givenRows(column) === 0 && !isOptional(field) && field.dataType !== DataType.Bool)
    throw wrongKind(field)
  return column
}

function isOptional(field: FieldSchema): boolean {
  return field.nullable || field.defaultValue !== undefined || field.dynamic
}

function membersFor(type: DataType): readonly number[] {
  switch (type) {
    case DataType.Bool:
      return [SCALAR.bool]
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32:
      return [SCALAR.int]
    case DataType.Int64:
      return [SCALAR.long]
    case DataType.Float:
      return [SCALAR.float]
    case DataType.Double:
      return [SCALAR.double]
    case DataType.VarChar:
    case DataType.Text:
      return [SCALAR.string]
    case DataType.JSON:
      return [SCALAR.json]
    case DataType.Array:
      return [SCALAR.array]
    case DataType.Geometry:
      return [SCALAR.geometryWkt, SCALAR.geometryWkb]
    case DataType.Timestamptz:
      return [SCALAR.string, SCALAR.timestamptz]
    default:
      assert(false, `type ${type} is no scalar`)
  }
}

function scalarColumn(field: FieldSchema, part: Uint8Array): Column {
  switch (field.dataType) {
    case DataType.Bool:
      return fixed(flagBytes(elementParts(part, WireType.varint)), 1)
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32:
      return fixed(int32Values(elementParts(part, WireType.varint), field.dataType), 1)
    case DataType.Int64:
    case DataType.Timestamptz:
      return fixed(int64Words(elementParts(part, WireType.varint)), 2)
    case DataType.Float:
      return fixed(numbersOf(elementParts(part, WireType.fixed32), 'f32', 4), 1)
    case DataType.Double:
      return fixed(numbersOf(elementParts(part, WireType.fixed64), 'f64', 8), 1)
    case DataType.VarChar:
    case DataType.Text:
      return texts(field, part)
    case DataType.JSON:
      return jsonRows(field, part)
    case DataType.Array:
      return arrayHeap(field, part)
    default:
      assert(false, `type ${field.dataType} is no scalar`)
  }
}

/** A column without rows. */
export function emptyColumn(field: FieldSchema): Column {
  const layout = layoutOf(field.dataType, field.dim)
  if (layout.layout === 'fixed') return fixed(newFixedArray(layout.kind, 0), layout.width)
  return { layout: 'var', offsets: new Uint32Array(1), heap: new Uint8Array(0), validity: null }
}

/** Repeated bytes or strings (field `number` of `part`) as rows of a heap. */
function heapRows(part: Uint8Array, number: number, emptyAs: Uint8Array | null): VarColumn {
  const reader = new ProtoReader(part)
  let count = 0
  let bytes = 0
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field !== number) {
      reader.skip()
      continue
    }
    reader.expect(WireType.bytes)
    const length = reader.stepOver()
    count++
    bytes += length === 0 && emptyAs !== null ? emptyAs.length : length
  }
  const offsets = new Uint32Array(count + 1)
  const heap = new Uint8Array(bytes)
  const again = new ProtoReader(part)
  let row = 0
  let at = 0
  for (let field = again.next(); field !== 0; field = again.next()) {
    if (field !== number) {
      again.skip()
      continue
    }
    const length = again.uint32()
    if (length === 0 && emptyAs !== null) {
      heap.set(emptyAs, at)
      at += emptyAs.length
    } else {
      copyInto(heap, at, again.buffer, again.at, length)
      again.at += length
      at += length
    }
    offsets[++row] = at
  }
  return { layout: 'var', offsets, heap, validity: null }
}

/** Short values are cheaper to copy by hand than to make a view of. */
function copyInto(target: Uint8Array, at: number, source: Uint8Array, from: number, length: number): void {
  if (length > 32) {
    target.set(source.subarray(from, from + length), at)
    return
  }
  for (let i = 0; i < length; i++) target[at + i] = source[from + i]!
}

function texts(field: FieldSchema, part: Uint8Array): VarColumn {
  const column = heapRows(part, 1, null)
  const { heap, offsets } = column
  let ok = isUtf8(heap)
  // Valid as a whole, and no row starts inside a character: then every row is valid.
  for (let i = 0; ok && i < offsets.length - 1; i++) {
    const first = offsets[i]!
    if (first < offsets[i + 1]! && (heap[first]! & 0xc0) === 0x80) ok = false
  }
  if (!ok) throw invalid(`field ${field.name} contains invalid UTF-8`)
  return column
}

const EMPTY_OBJECT = new Uint8Array([0x7b, 0x7d])
const JSON_NULL = new Uint8Array([0x6e, 0x75, 0x6c, 0x6c])

/** JSON texts. The Node SDK writes falsy values and nulls as no bytes at all: they read as `null`, as `{}` for `$meta`. */
function jsonRows(field: FieldSchema, part: Uint8Array): VarColumn {
  return heapRows(part, 1, field.dynamic ? EMPTY_OBJECT : JSON_NULL)
}

/** ISO texts as microseconds. In a dense payload the texts of null rows mean nothing. */
function timestamps(rows: VarColumn, rowCount: number, validity: Validity, timeZone: string): FixedColumn {
  const count = rows.offsets.length - 1
  const dense = validity.bits !== null && count === rowCount
  const words = new Int32Array(count * 2)
  for (let i = 0; i < count; i++) {
    if (dense && !getBit(validity.bits!, i)) continue
    const text = readUtf8(rows.heap, rows.offsets[i]!, rows.offsets[i + 1]!)
    writeInt64(words, i * 2, parseTimestamptz(text, timeZone))
  }
  return fixed(words, 2)
}

/** WKT or WKB as canonical WKT. In a dense payload the values of null rows mean nothing. */
function geometries(
  field: FieldSchema,
  member: number,
  part: Uint8Array,
  rowCount: number,
  validity: Validity,
): VarColumn {
  const given = member === SCALAR.geometryWkb ? heapRows(part, 1, null) : texts(field, part)
  const count = given.offsets.length - 1
  const dense = validity.bits !== null && count === rowCount
  const sink = new ByteSink(count)
  for (let i = 0; i < count; i++) {
    const [from, to] = [given.offsets[i]!, given.offsets[i + 1]!]
    if (!dense || getBit(validity.bits!, i)) {
      sink.text(
        member === SCALAR.geometryWkb
          ? formatWkt(parseWkb(given.heap.subarray(from, to)))
          : canonicalWkt(readUtf8(given.heap, from, to)),
      )
    }
    sink.endRow(i)
  }
  return sink.finish(null)
}

const NEEDED: Readonly<Partial<Record<DataType, string>>> = {
  [DataType.Bool]: 'need bool array',
  [DataType.Int8]: 'need int array',
  [DataType.Int16]: 'need int array',
  [DataType.Int32]: 'need int array',
  [DataType.Int64]: 'need long int array',
  [DataType.Float]: 'need float32 array',
  [DataType.Double]: 'need float64(double) array',
  [DataType.VarChar]: 'need string array',
  [DataType.Text]: 'need string array',
  [DataType.JSON]: 'need json array',
  [DataType.Array]: 'need array array',
  [DataType.Geometry]: 'need geometry wkt array',
  [DataType.FloatVector]: 'need float vector',
  [DataType.Float16Vector]: 'need float16 vector',
  [DataType.BFloat16Vector]: 'need bfloat16 vector',
  [DataType.BinaryVector]: 'need binary vector',
  [DataType.SparseFloatVector]: 'need sparse float vector',
  [DataType.Int8Vector]: 'need int8 vector',
}

const VECTOR_WORDS: Readonly<Partial<Record<DataType, string>>> = {
  [DataType.FloatVector]: 'float vector ',
  [DataType.Float16Vector]: 'float16 vector ',
  [DataType.BFloat16Vector]: 'bfloat16 vector ',
  [DataType.BinaryVector]: 'binary vector ',
  [DataType.SparseFloatVector]: 'sparse float vector ',
  [DataType.Int8Vector]: 'int8 vector ',
}

function wrongKind(field: FieldSchema): MilvusError {
  if (field.dataType === DataType.Timestamptz) return invalid('timestamptz field data must be a string array')
  const words = VECTOR_WORDS[field.dataType] ?? ''
  return invalid(`${words}field '${field.name}' is illegal, array type mismatch`, {
    expected: NEEDED[field.dataType] ?? 'need array',
    actual: 'got nil',
  })
}

/** Vectors. The 16-bit types also take a float payload, which is rounded here (upsert-semantics §6.3). */
function decodeVectors(field: FieldSchema, wire: WireField, rowCount: number, validity: Validity): Column {
  const { dim, kind, part } =
    wire.kind === 'vectors' ? vectorMember(wire.payload) : { dim: 0, kind: 0, part: new Uint8Array(0) }
  const sparse = field.dataType === DataType.SparseFloatVector
  const noRows = validity.validCount === 0
  if (kind === 0 && noRows) return emptyColumn(field)
  if (!takesVector(field.dataType, kind)) throw wrongKind(field)
  if (sparse) return sortSparseRows(heapRows(part, 1, null))
  if (dim !== field.dim && !(noRows && dim === 0)) {
    throw invalid(`the dim (${dim}) of field data(${field.name}) is not equal to schema dim (${field.dim})`, {
      expected: field.dim,
      actual: dim,
    })
  }
  const column = denseVectors(field, kind, part)
  if (column.values.length === 0 && rowCount > 0 && !isOptional(field)) throw wrongKind(field)
  return column
}
