/**
 * Columns as FieldData messages, for results.
 *
 * Null packing of responses (upsert-semantics §6.2): scalars keep one entry per row with placeholders, vectors hold the
 * valid rows only; `valid_data` has one flag per row either way and is absent for fields that cannot be null. Every
 * column is sent with its payload member set, also when there are no rows: clients read the member's name and `dim`.
 */
import { assert } from '../base/assert.js'
import { getBit } from '../base/bitset.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { Column, FixedColumn, VarColumn } from '../schema/column.js'
import { DataType, isVectorType } from '../schema/data-type.js'
import { readInt64 } from '../schema/int64.js'
import { elementField, subColumn, subFieldsOf, vectorElements } from '../schema/struct-codec.js'
import { formatTimestamptz } from '../schema/timestamptz.js'
import { type ProtoWriter, WireType } from './protobuf.js'

/** How one output column is labelled and rendered. */
export interface OutputColumn {
  readonly field: FieldSchema
  /** Name on the wire; the field's own unless the result renames it (`count(*)`). */
  readonly name?: string
  readonly column: Column
}

/** Rough size of a column on the wire, to open buffers and parts with. */
export function columnBytes(column: Column, rowCount: number): number {
  if (column.layout === 'var') return (column.offsets[rowCount] ?? 0) + rowCount * 3
  return rowCount * column.width * column.values.BYTES_PER_ELEMENT
}

/**
 * Writes the content of a FieldData message.
 * @param timeZone zone that Timestamptz values are rendered in
 */
export function writeFieldData(
  writer: ProtoWriter,
  output: OutputColumn,
  rowCount: number,
  timeZone = 'UTC',
): void {
  const { field, column } = output
  writer.tag(1, WireType.varint)
  writer.uint32(field.dataType)
  writer.tag(2, WireType.bytes)
  writer.string(output.name ?? field.name)
  if (field.dataType === DataType.ArrayOfStruct) {
    writeStruct(writer, field, column as VarColumn, rowCount, timeZone)
    finishFieldData(writer, field, column, rowCount)
    return
  }
  const vector = isVectorType(field.dataType)
  writer.begin(vector ? 4 : 3, columnBytes(column, rowCount))
  if (vector) writeVectors(writer, field, column, rowCount)
  else writeScalars(writer, field, column, rowCount, timeZone)
  writer.end()
  finishFieldData(writer, field, column, rowCount)
}

/** What stands behind the values: id, the dynamic flag, null flags. */
function finishFieldData(writer: ProtoWriter, field: FieldSchema, column: Column, rowCount: number): void {
  writer.tag(5, WireType.varint)
  writer.count(field.id)
  if (field.dynamic) {
    writer.tag(6, WireType.varint)
    writer.uint32(1)
  }
  if (field.nullable && !field.dynamic) writeValidData(writer, column, rowCount)
}

function writeValidData(writer: ProtoWriter, column: Column, rowCount: number): void {
  if (rowCount === 0) return
  writer.begin(7, rowCount)
  writer.reserve(rowCount)
  const { validity } = column
  for (let i = 0; i < rowCount; i++) writer.byte(validity === null || getBit(validity, i) ? 1 : 0)
  writer.end()
}

/** Member of ScalarField for each type. */
function scalarMember(type: DataType): number {
  switch (type) {
    case DataType.Bool:
      return 1
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32:
      return 2
    case DataType.Int64:
      return 3
    case DataType.Float:
      return 4
    case DataType.Double:
      return 5
    case DataType.VarChar:
    case DataType.Text:
    case DataType.Timestamptz:
      return 6
    case DataType.Array:
      return 8
    case DataType.JSON:
      return 9
    case DataType.Geometry:
      return 12
    default:
      assert(false, `type ${type} is no scalar`)
  }
}

function writeScalars(
  writer: ProtoWriter,
  field: FieldSchema,
  column: Column,
  rowCount: number,
  timeZone: string,
): void {
  writer.begin(scalarMember(field.dataType), columnBytes(column, rowCount))
  if (field.dataType === DataType.Timestamptz)
    writeTimestamps(writer, column as FixedColumn, rowCount, timeZone)
  else if (column.layout === 'var') {
    if (field.dataType === DataType.Array) writeArrays(writer, field, column, rowCount)
    else writeHeapRows(writer, column, rowCount, placeholderOf(field))
  } else if (rowCount > 0) {
    writer.begin(1, columnBytes(column, rowCount))
    writeNumbers(writer, field.dataType, column, rowCount)
    writer.end()
  }
  writer.end()
}

function writeNumbers(writer: ProtoWriter, type: DataType, column: FixedColumn, rowCount: number): void {
  const { values } = column
  switch (type) {
    case DataType.Float:
    case DataType.Double:
      writer.raw(new Uint8Array(values.buffer, values.byteOffset, rowCount * values.BYTES_PER_ELEMENT))
      return
    case DataType.Int64:
      writeInt64s(writer, values, 0, rowCount)
      return
    default:
      for (let i = 0; i < rowCount; i++) writer.int32(values[i]!)
  }
}

/** Packed int64 varints of `rowCount` word pairs. */
export function writeInt64s(
  writer: ProtoWriter,
  words: ArrayLike<number>,
  from: number,
  rowCount: number,
): void {
  for (let i = from; i < from + rowCount; i++) writer.words(words[i * 2]!, words[i * 2 + 1]!)
}

const NOTHING = new Uint8Array(0)
const JSON_NULL = Buffer.from('null')
const JSON_EMPTY_OBJECT = Buffer.from('{}')

/** What stands at null rows: clients parse JSON before they look at the flags, so it must parse. */
function placeholderOf(field: FieldSchema): Uint8Array {
  if (field.dataType !== DataType.JSON) return NOTHING
  return field.dynamic ? JSON_EMPTY_OBJECT : JSON_NULL
}

/** Repeated bytes or strings, one per row; `placeholder` at null rows. */
export function writeHeapRows(
  writer: ProtoWriter,
  column: VarColumn,
  rowCount: number,
  placeholder: Uint8Array = NOTHING,
): void {
  const { heap, offsets, validity } = column
  for (let i = 0; i < rowCount; i++) {
    writer.tag(1, WireType.bytes)
    if (validity !== null && !getBit(validity, i)) writer.bytes(placeholder)
    else writer.slice(heap, offsets[i]!, offsets[i + 1]!)
  }
}

function writeTimestamps(writer: ProtoWriter, column: FixedColumn, rowCount: number, timeZone: string): void {
  const { values, validity } = column
  for (let i = 0; i < rowCount; i++) {
    writer.tag(1, WireType.bytes)
    const valid = validity === null || getBit(validity, i)
    writer.string(valid ? formatTimestamptz(readInt64(values, i * 2), timeZone) : '')
  }
}

/** ArrayArray: one ScalarField per row; null rows get an empty one of the right kind. */
function writeArrays(writer: ProtoWriter, field: FieldSchema, column: VarColumn, rowCount: number): void {
  const { heap, offsets } = column
  const view = new DataView(heap.buffer, heap.byteOffset, heap.byteLength)
  for (let i = 0; i < rowCount; i++) {
    writer.begin(1)
    writeArrayRow(writer, field.elementType, view, heap, offsets[i]!, offsets[i + 1]!)
    writer.end()
  }
  writer.tag(2, WireType.varint)
  writer.uint32(field.elementType)
}

function writeArrayRow(
  writer: ProtoWriter,
  type: DataType,
  view: DataView,
  heap: Uint8Array,
  from: number,
  to: number,
): void {
  const count = to - from < 4 ? 0 : view.getUint32(from, true)
  let at = from + 4
  writer.begin(scalarMember(type), to - from)
  if (type === DataType.VarChar) {
    for (let i = 0; i < count; i++) {
      const length = view.getUint32(at, true)
      writer.tag(1, WireType.bytes)
      writer.slice(heap, at + 4, at + 4 + length)
      at += 4 + length
    }
  } else if (count > 0) {
    writer.begin(1, to - from)
    for (let i = 0; i < count; i++) at = writeElement(writer, type, view, at)
    writer.end()
  }
  writer.end()
}

/** Writes one array element and returns where the next one starts. */
function writeElement(writer: ProtoWriter, type: DataType, view: DataView, at: number): number {
  switch (type) {
    case DataType.Bool:
      writer.byte(view.getUint8(at) === 0 ? 0 : 1)
      return at + 1
    case DataType.Int8:
      writer.int32(view.getInt8(at))
      return at + 1
    case DataType.Int16:
      writer.int32(view.getInt16(at, true))
      return at + 2
    case DataType.Int32:
      writer.int32(view.getInt32(at, true))
      return at + 4
    case DataType.Int64:
      writer.words(view.getInt32(at, true), view.getInt32(at + 4, true))
      return at + 8
    case DataType.Float:
      writer.float(view.getFloat32(at, true))
      return at + 4
    case DataType.Double:
      writer.double(view.getFloat64(at, true))
      return at + 8
    default:
      assert(false, `type ${type} is no array element`)
  }
}

function writeVectors(writer: ProtoWriter, field: FieldSchema, column: Column, rowCount: number): void {
  if (field.dataType === DataType.SparseFloatVector) {
    writeSparse(writer, column as VarColumn, rowCount)
    return
  }
  writer.tag(1, WireType.varint)
  writer.uint32(field.dim)
  const { values, width, validity } = column as FixedColumn
  const rowBytes = width * values.BYTES_PER_ELEMENT
  const all = new Uint8Array(values.buffer, values.byteOffset, rowCount * rowBytes)
  const floats = field.dataType === DataType.FloatVector
  // float_vector is a message around a packed list; the others are plain bytes.
  if (floats) writer.begin(2, all.length)
  writer.begin(floats ? 1 : denseMember(field.dataType), all.length)
  if (validity === null) writer.raw(all)
  else {
    for (let i = 0; i < rowCount; i++) {
      if (getBit(validity, i)) writer.raw(all.subarray(i * rowBytes, (i + 1) * rowBytes))
    }
  }
  writer.end()
  if (floats) writer.end()
}

function denseMember(type: DataType): number {
  switch (type) {
    case DataType.BinaryVector:
      return 3
    case DataType.Float16Vector:
      return 4
    case DataType.BFloat16Vector:
      return 5
    case DataType.Int8Vector:
      return 7
    default:
      assert(false, `type ${type} is no dense vector`)
  }
}

/** SparseFloatArray: the valid rows, and one more than the greatest index as `dim`. */
function writeSparse(writer: ProtoWriter, column: VarColumn, rowCount: number): void {
  const { heap, offsets, validity } = column
  const view = new DataView(heap.buffer, heap.byteOffset, heap.byteLength)
  let dim = 0
  writer.begin(6, columnBytes(column, rowCount))
  for (let i = 0; i < rowCount; i++) {
    if (validity !== null && !getBit(validity, i)) continue
    const from = offsets[i]!
    const to = offsets[i + 1]!
    if (to > from) dim = Math.max(dim, view.getUint32(to - 8, true) + 1)
    writer.tag(1, WireType.bytes)
    writer.slice(heap, from, to)
  }
  writer.tag(2, WireType.varint)
  writer.count(dim)
  writer.end()
  writer.tag(1, WireType.varint)
  writer.count(dim)
}

/** StructArrayField: one FieldData per sub-field; null rows are empty arrays in each of them. */
function writeStruct(
  writer: ProtoWriter,
  field: FieldSchema,
  column: VarColumn,
  rowCount: number,
  timeZone: string,
): void {
  writer.begin(8, columnBytes(column, rowCount))
  const subs = subFieldsOf(field)
  for (let k = 0; k < subs.length; k++) {
    const sub = { ...subs[k]!, nullable: field.nullable }
    const part = subColumn(column, rowCount, k)
    writer.begin(1, columnBytes(part, rowCount))
    if (sub.dataType === DataType.Array)
      writeFieldData(writer, { field: sub, column: part }, rowCount, timeZone)
    else writeVectorArray(writer, sub, part, rowCount)
    writer.end()
  }
  writer.end()
}

/** FieldData of a vector sub-field: one VectorField per row, null rows too, so that a row's place is its number. */
function writeVectorArray(writer: ProtoWriter, sub: FieldSchema, column: VarColumn, rowCount: number): void {
  const { heap, offsets } = column
  const element = elementField(sub)
  writer.tag(1, WireType.varint)
  writer.uint32(sub.dataType)
  writer.tag(2, WireType.bytes)
  writer.string(sub.name)
  writer.begin(4, columnBytes(column, rowCount))
  writer.tag(1, WireType.varint)
  writer.uint32(sub.dim)
  writer.begin(8, columnBytes(column, rowCount))
  writer.tag(1, WireType.varint)
  writer.uint32(sub.dim)
  for (let row = 0; row < rowCount; row++) {
    const vectors = vectorElements(sub, heap, offsets[row]!, offsets[row + 1]!)
    writer.begin(2, offsets[row + 1]! - offsets[row]!)
    writeVectors(writer, element, vectors, vectors.values.length / vectors.width)
    writer.end()
  }
  writer.tag(3, WireType.varint)
  writer.uint32(sub.elementType)
  writer.end()
  writer.end()
  finishFieldData(writer, sub, column, rowCount)
}
