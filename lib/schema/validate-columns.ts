/**
 * Judges the values of whole rows, column by column (upsert-semantics §1.8), just before they are logged.
 *
 * rows-to-columns.ts and the wire adapters have settled what kind each value is; here it is about what a value may be:
 * lengths in UTF-8 bytes, capacities, NaN and infinity, JSON syntax and size, the rules of `$meta` and of sparse rows.
 * Nulls are skipped. The loops run over typed arrays and make an object only to throw.
 */
import { assert } from '../base/assert.js'
import { getBit } from '../base/bitset.js'
import { invalid, type MilvusError } from '../base/errors.js'
import { checkJson, jsonMembers } from '../base/json-scan.js'
import { LIMITS } from '../base/limits.js'
import type { Steps } from '../base/steps.js'
import { arrayElementBytes, arrayLength, heapView } from './array-codec.js'
import { atCell } from './cell-errors.js'
import { type CollectionSchema, type FieldSchema, fieldIndex } from './collection-schema.js'
import { type Column, type ColumnBatch, type FixedColumn, isValid, type VarColumn } from './column.js'
import { DataType, dataTypeName, layoutOf } from './data-type.js'
import { elementField, subColumn, subFieldsOf, vectorBytes, vectorElements } from './struct-codec.js'
import { isUtf8, readUtf8 } from './utf8.js'
import { infinityName } from './vector-cells.js'

export interface ValidateOptions {
  /**
   * The rows come out of mergeSteps, which has judged the request's own dynamic keys. What was stored in `$meta`
   * before a field of the same name was added stays legal then. Default false.
   */
  readonly merged?: boolean
}

/** Bytes of values that are checked in one step. JSON takes longest: about a millisecond. */
const STEP_BYTES = 64 * 1024

/**
 * Checks every value of a batch of whole rows, in steps of STEP_BYTES. A null column (autoID key before generation) is
 * skipped.
 * @throws MilvusError ParameterInvalid, with Milvus's phrase for the rule that is broken
 */
export function* validateSteps(
  schema: CollectionSchema,
  batch: ColumnBatch,
  options: ValidateOptions = {},
): Steps<void> {
  assert(batch.columns.length === schema.fields.length, 'one entry per schema field')
  const { rowCount } = batch
  const merged = options.merged === true
  for (let i = 0; i < schema.fields.length; i++) {
    const column = batch.columns[i]!
    if (column === null) continue
    const field = schema.fields[i]!
    checkLengths(field, column, rowCount)
    const step = rowsAStep(field, column, rowCount)
    for (let from = 0; from < rowCount; from += step) {
      if (from > 0) yield
      const rows = { from, to: Math.min(rowCount, from + step) }
      if (column.layout === 'fixed') checkFixed(field, column, rows)
      else checkVar(schema, field, column, rows, merged)
    }
    if (step < rowCount) yield
  }
}

/** Rows to check: [from, to). */
interface Range {
  readonly from: number
  readonly to: number
}

function rowsAStep(field: FieldSchema, column: Column, rowCount: number): number {
  // A struct is taken apart into its sub-fields' columns, all rows at a time.
  if (field.dataType === DataType.ArrayOfStruct) return Math.max(1, rowCount)
  const bytes = column.layout === 'fixed' ? column.values.byteLength : column.heap.byteLength
  return bytes <= STEP_BYTES
    ? Math.max(1, rowCount)
    : Math.max(1, Math.floor((rowCount * STEP_BYTES) / bytes))
}

/** That a column has as many rows as the batch, in the layout of its field. */
function checkLengths(field: FieldSchema, column: Column, rowCount: number): void {
  const layout = layoutOf(field.dataType, field.dim)
  assert(layout.layout === column.layout, `${field.name} has its layout`)
  if (layout.layout === 'fixed' && column.layout === 'fixed')
    assert(layout.width === column.width, `${field.name} has its width`)
  const rows =
    column.layout === 'fixed' ? Math.floor(column.values.length / column.width) : column.offsets.length - 1
  if (rows < rowCount) throw rowCountError(field, rows, rowCount)
  if (column.validity !== null && column.validity.length * 32 < rowCount)
    throw invalid(`the length of valid_data of field(${field.name}) is wrong`)
}

function checkFixed(field: FieldSchema, column: FixedColumn, rows: Range): void {
  checkValidity(field, column.validity, rows)
  switch (field.dataType) {
    case DataType.Float:
    case DataType.Double:
    case DataType.FloatVector:
      checkFinite(field, column, rows)
      return
    case DataType.Float16Vector:
      checkExponent(field, column, rows, 0x7c00, 'float16')
      return
    case DataType.BFloat16Vector:
      checkExponent(field, column, rows, 0x7f80, 'bfloat16')
      return
    default:
      // Integers, bools, bytes: every bit pattern is a value.
      return
  }
}

/** `the num_rows (a) of field (X) is not equal to passed num_rows (n)` */
export function rowCountError(field: FieldSchema, rows: number, rowCount: number): MilvusError {
  return invalid(
    `the num_rows (${rows}) of field (${field.name}) is not equal to passed num_rows (${rowCount})`,
  )
}

function checkValidity(field: FieldSchema, validity: Uint32Array | null, { from, to }: Range): void {
  if (validity === null || field.nullable) return
  for (let row = from; row < to; row++) {
    if (!getBit(validity, row)) {
      throw invalid(
        `the field (${field.name}) is not nullable and has no default value, but row ${row} is null`,
      )
    }
  }
}

/** Null rows hold zeros, so they need no test of their own. */
function checkFinite(field: FieldSchema, column: FixedColumn, rows: Range): void {
  const { values } = column
  const first = rows.from * column.width
  const end = rows.to * column.width
  // x − x is 0 for finite numbers and NaN otherwise, and NaN is sticky: one pass, one comparison at the end.
  let sum = 0
  for (let i = first; i < end; i++) {
    const value = values[i]!
    sum += value - value
  }
  if (sum === 0) return
  for (let i = first; i < end; i++) {
    const value = values[i]!
    if (Number.isFinite(value)) continue
    const row = Math.floor(i / column.width)
    throw invalid(
      `value '${infinityName(value)}' is not a number or infinity, field "${field.name}", row ${row}`,
    )
  }
}

function checkExponent(
  field: FieldSchema,
  column: FixedColumn,
  rows: Range,
  mask: number,
  kind: string,
): void {
  const { values } = column
  const first = rows.from * column.width
  const end = rows.to * column.width
  for (let i = first; i < end; i++) {
    if ((values[i]! & mask) !== mask) continue
    throw invalid(
      `${kind} vector contain nan or infinity value. field "${field.name}", row ${Math.floor(i / column.width)}`,
    )
  }
}

function checkVar(
  schema: CollectionSchema,
  field: FieldSchema,
  column: VarColumn,
  rows: Range,
  merged: boolean,
): void {
  checkValidity(field, column.validity, rows)
  switch (field.dataType) {
    case DataType.VarChar:
      // Generated keys are as long as they are; Milvus does not hold them against max_length (upsert-semantics §1.4).
      checkText(field, column, rows, field.autoId ? LIMITS.maxLengthMax : field.maxLength)
      return
    case DataType.Text:
      checkText(field, column, rows, LIMITS.textBytesMax)
      return
    case DataType.JSON:
      if (field.dynamic) checkDynamic(schema, field, column, rows, merged)
      else checkJsonColumn(field, column, rows)
      return
    case DataType.Array:
      checkArrays(field, column, rows)
      return
    case DataType.SparseFloatVector:
      checkSparse(field, column, rows)
      return
    case DataType.ArrayOfStruct:
      checkStructs(field, column, rows)
      return
    case DataType.Geometry:
      // Its text was parsed and written anew when it came in: there is nothing left to judge.
      return
    default:
      assert(false, `${dataTypeName(field.dataType)} has no variable layout`)
  }
}

function checkText(field: FieldSchema, column: VarColumn, rows: Range, maxLength: number): void {
  const { offsets, heap } = column
  const analyzed = field.params['enable_analyzer']?.toLowerCase() === 'true'
  for (let row = rows.from; row < rows.to; row++) {
    const length = offsets[row + 1]! - offsets[row]!
    if (length > maxLength) {
      throw invalid(
        `length of varchar field ${field.name} exceeds max length, row number: ${row}, length: ${length}, max length: ${maxLength}`,
      )
    }
    if (analyzed && !isUtf8(heap, offsets[row]!, offsets[row + 1]!)) {
      throw invalid(`input with analyzer should be utf-8 format, field "${field.name}", row ${row}`)
    }
  }
}

function checkJsonColumn(field: FieldSchema, column: VarColumn, rows: Range): void {
  const { offsets, heap } = column
  for (let row = rows.from; row < rows.to; row++) {
    if (!isValid(column, row)) continue
    const length = offsets[row + 1]! - offsets[row]!
    if (length > LIMITS.jsonBytesMax) {
      throw invalid(
        `the length (${length}) of json field (${field.name}) exceeds max length (${LIMITS.jsonBytesMax}), row ${row}`,
      )
    }
    try {
      checkJson(readUtf8(heap, offsets[row]!, offsets[row + 1]!))
    } catch (cause) {
      throw atCell(field, row, cause)
    }
  }
}

function checkDynamic(
  schema: CollectionSchema,
  field: FieldSchema,
  column: VarColumn,
  rows: Range,
  merged: boolean,
): void {
  for (let row = rows.from; row < rows.to; row++) {
    if (isValid(column, row)) checkDynamicRow(schema, field, column, row, merged)
  }
}

/**
 * The rules of one row's `$meta` (upsert-semantics §1.6).
 * @param stored the object may hold keys that became static fields after they were stored
 */
export function checkDynamicRow(
  schema: CollectionSchema,
  field: FieldSchema,
  column: VarColumn,
  row: number,
  stored: boolean,
): void {
  const { offsets, heap } = column
  const from = offsets[row]!
  const to = offsets[row + 1]!
  // `{}`, by far the commonest value, is fine as it is.
  if (to - from === 2 && heap[from] === 0x7b && heap[from + 1] === 0x7d) return
  if (to - from > LIMITS.jsonBytesMax) {
    throw invalid(
      `the length (${to - from}) of dynamic field exceeds max length (${LIMITS.jsonBytesMax}), row ${row}`,
    )
  }
  const members = dynamicMembers(field, readUtf8(heap, from, to), row)
  if (members === null) throw invalid(`invalid dynamic field data, only json map is supported, row ${row}`)
  for (const key of members.keys()) {
    if (key === '$meta') throw invalid(`cannot set json key to: $meta, row ${row}`)
    if (!stored && fieldIndex(schema, key) >= 0) {
      throw invalid(`dynamic field name cannot include the static field name: ${key}, row ${row}`)
    }
  }
}

function dynamicMembers(field: FieldSchema, text: string, row: number): Map<string, string> | null {
  try {
    return jsonMembers(text)
  } catch (cause) {
    throw atCell(field, row, cause)
  }
}

function checkArrays(field: FieldSchema, column: VarColumn, rows: Range): void {
  const { offsets, heap } = column
  const view = heapView(heap)
  const size = arrayElementBytes(field.elementType)
  for (let row = rows.from; row < rows.to; row++) {
    if (!isValid(column, row)) continue
    const from = offsets[row]!
    const to = offsets[row + 1]!
    const count = arrayLength(view, from, to)
    if (count > field.maxCapacity) {
      throw overCapacity(field, row, count)
    }
    if (size === 0) checkArrayText(field, view, row, count, from)
    else
      assert(count * size + 4 === to - from, `array row ${row} of ${field.name} is as long as its elements`)
  }
}

function checkArrayText(field: FieldSchema, view: DataView, row: number, count: number, from: number): void {
  let at = from + 4
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(at, true)
    if (length > field.maxLength) {
      throw invalid(
        `length of Array array field "${field.name}" exceeds max length, row number: ${row}, array index: ${i}, length: ${length}, max length: ${field.maxLength}`,
      )
    }
    at += 4 + length
  }
}

/** Each sub-field by the rules of its own type. `rows` are all rows. */
function checkStructs(field: FieldSchema, column: VarColumn, rows: Range): void {
  const subs = subFieldsOf(field)
  for (let k = 0; k < subs.length; k++) {
    const sub = subs[k]!
    const part = subColumn(column, rows.to, k)
    if (sub.dataType === DataType.Array) {
      checkArrays(sub, part, rows)
      continue
    }
    const size = vectorBytes(sub)
    for (let row = rows.from; row < rows.to; row++) {
      const count = (part.offsets[row + 1]! - part.offsets[row]!) / size
      if (count > sub.maxCapacity) throw overCapacity(sub, row, count)
    }
    const count = part.heap.length / size
    const element = elementField(sub)
    checkFixed(element, vectorElements(sub, part.heap, 0, part.heap.length), { from: 0, to: count })
  }
}

function overCapacity(field: FieldSchema, row: number, count: number): MilvusError {
  return invalid(`the length (${count}) of ${row}th array exceeds max capacity (${field.maxCapacity})`, {
    expected: 'valid length array',
    actual: 'array length exceeds max capacity',
  })
}

function checkSparse(field: FieldSchema, column: VarColumn, rows: Range): void {
  const view = heapView(column.heap)
  for (let row = rows.from; row < rows.to; row++) {
    if (isValid(column, row)) checkSparseRow(field, view, column.offsets[row]!, column.offsets[row + 1]!, row)
  }
}

function checkSparseRow(field: FieldSchema, view: DataView, from: number, to: number, row: number): void {
  const length = to - from
  if (length % 8 !== 0) throw sparseError(field, row, `invalid data length in sparse float vector: ${length}`)
  let before = -1
  for (let at = from; at < to; at += 8) {
    const index = view.getUint32(at, true)
    const value = view.getFloat32(at + 4, true)
    if (index > LIMITS.sparseIndexMax) {
      throw sparseError(field, row, 'invalid index in sparse float vector: must be less than 2^32-1')
    }
    if (index <= before) throw sparseError(field, row, 'unsorted or same indices in sparse float vector')
    if (!Number.isFinite(value)) {
      throw sparseError(field, row, `value '${infinityName(value)}' is not a number or infinity`)
    }
    if (value < 0) throw sparseError(field, row, 'negative value in sparse float vector')
    before = index
  }
}

function sparseError(field: FieldSchema, row: number, text: string): MilvusError {
  return invalid(`${text}: field "${field.name}", row ${row}`)
}
