/**
 * From what a request carried to whole rows: missing fields and nulls get what the schema says (upsert-semantics §1.5).
 *
 *   nullable, no default          missing → null       null → null
 *   with a default                missing → default    null → default
 *   neither                       missing → error      null → error
 *   $meta                         missing → {}         null → {}
 *   function output               must be missing      (placeholder; whoever computes it replaces the column)
 *
 * Afterwards every column is there and the batch may be validated, logged and stored. The one exception is the primary
 * key of an autoID collection on insert, which stays null until `withPk`.
 */
import { assert } from '../base/assert.js'
import { bitOffsets, newBits } from '../base/bitset.js'
import { invalid, type MilvusError } from '../base/errors.js'
import { type CollectionSchema, type FieldSchema, pkField } from './collection-schema.js'
import type { Column, ColumnBatch } from './column.js'
import { constantColumn, gatherColumn, nullColumn, pickRows, placeholderColumn } from './column-ops.js'
import { DataType } from './data-type.js'

const FUNCTION_BM25 = 1

/** `fieldSchema(X) has no corresponding fieldData pass in`; `row` −1 when no row has it. */
export function missingField(field: FieldSchema, row = -1): MilvusError {
  const where = row < 0 ? '' : `, row ${row}`
  if (field.dataType === DataType.ArrayOfStruct) {
    return invalid(`required struct array field '${field.name}' is missing in insert data${where}`)
  }
  return invalid(`fieldSchema(${field.name}) has no corresponding fieldData pass in${where}`)
}

/** `must assign pk when upsert, primary field: X`; `row` −1 when no row has it. */
export function missingUpsertPk(schema: CollectionSchema, row = -1): MilvusError {
  const where = row < 0 ? '' : `, row ${row}`
  return invalid(`must assign pk when upsert, primary field: ${pkField(schema).name}${where}`)
}

/** @throws MilvusError ParameterInvalid `num_rows should be greater than 0` */
export function checkRowCount(batch: ColumnBatch): void {
  if (batch.rowCount > 0) return
  throw invalid('num_rows should be greater than 0', { expected: 'invalid num_rows', actual: 0 })
}

/** @throws MilvusError ParameterInvalid when a function's output field is in the request */
export function checkFunctionOutputs(schema: CollectionSchema, batch: ColumnBatch): void {
  for (let i = 0; i < schema.fields.length; i++) {
    const field = schema.fields[i]!
    if (!field.functionOutput || batch.columns[i] === null) continue
    const owner = schema.functions.find(f => f.outputFieldNames.includes(field.name))
    if (owner?.type === FUNCTION_BM25) throw invalid('attempt to insert bm25 function output field')
    throw invalid(
      `Insert data has function output field, but collection's property collection.function.allowInsertNonBM25FunctionOutputs is not enable: ${field.name}`,
    )
  }
}

/**
 * The rule about autoID keys on insert: given only when the collection allows it, and then for every row.
 * @throws MilvusError ParameterInvalid `more fieldData has pass in[expected=N][actual=N+1]`, or the missing-field error
 */
export function checkInsertPk(
  schema: CollectionSchema,
  batch: ColumnBatch,
  allowInsertAutoId: boolean,
): void {
  const field = pkField(schema)
  const given = batch.columns[schema.pkIndex] !== null
  if (!field.autoId) {
    if (!given) throw missingField(field)
    return
  }
  if (!given || allowInsertAutoId) return
  const expected = schema.fields.filter(f => !f.autoId && !f.functionOutput).length
  throw invalid('more fieldData has pass in', { expected, actual: expected + 1 })
}

/**
 * Whole rows for an insert, an override upsert, or a merge that was laid over stored rows already: there the function
 * outputs are the placeholders of the merge, and the request's own columns were judged by it.
 * @param rowFilter rows to keep, in this order; default all
 * @returns a batch without null columns, but for the autoID key on insert
 * @throws MilvusError ParameterInvalid: no rows, a required field missing (first in schema order), a null where none
 *   may be, a function output in the request
 */
export function completeColumns(
  schema: CollectionSchema,
  batch: ColumnBatch,
  mode: 'insert' | 'upsert' | 'merged',
  rowFilter?: Int32Array,
): ColumnBatch {
  assert(batch.columns.length === schema.fields.length, 'one entry per schema field')
  if (mode !== 'insert' && batch.columns[schema.pkIndex] === null) throw missingUpsertPk(schema)
  checkRowCount(batch)
  if (mode !== 'merged') checkFunctionOutputs(schema, batch)
  const rowCount = rowFilter?.length ?? batch.rowCount
  const columns: (Column | null)[] = new Array(schema.fields.length)
  for (let i = 0; i < schema.fields.length; i++) {
    const field = schema.fields[i]!
    const given = batch.columns[i]!
    if (given !== null) {
      const kept = rowFilter === undefined ? given : gatherColumn(field, given, rowFilter)
      columns[i] = withoutForbiddenNulls(field, kept, rowCount)
    } else if (field.primaryKey && field.autoId && mode === 'insert') {
      columns[i] = null
    } else {
      columns[i] = absentColumn(field, rowCount)
    }
  }
  return { rowCount, columns }
}

/**
 * The column of a field that no row carried.
 * @throws MilvusError ParameterInvalid when the field is required
 */
export function absentColumn(field: FieldSchema, rowCount: number): Column {
  if (field.functionOutput) return placeholderColumn(field, rowCount)
  const filler = fillerOf(field)
  if (filler !== undefined) return constantColumn(field, filler, rowCount)
  if (field.nullable) return nullColumn(field, rowCount)
  throw missingField(field)
}

/** What stands in for a null: the default, or `{}` for `$meta`; undefined when a null stays a null or is an error. */
export function fillerOf(field: FieldSchema): boolean | number | bigint | string | undefined {
  return field.dynamic ? '{}' : field.defaultValue
}

/**
 * The column with its nulls replaced by the filler, where the field has one.
 * @throws MilvusError ParameterInvalid for a null in a field that is neither nullable nor has a default
 */
export function withoutForbiddenNulls(field: FieldSchema, column: Column, rowCount: number): Column {
  if (column.validity === null) return column
  const nulls = nullRows(column.validity, rowCount)
  if (nulls.length === 0) return { ...column, validity: null }
  const filler = fillerOf(field)
  if (filler === undefined) {
    if (field.nullable) return column
    throw invalid(
      `the field (${field.name}) is not nullable and has no default value, but row ${nulls[0]} is null`,
    )
  }
  const source = new Uint8Array(rowCount)
  const rows = new Int32Array(rowCount)
  for (let row = 0; row < rowCount; row++) rows[row] = row
  for (const row of nulls) {
    source[row] = 1
    rows[row] = 0
  }
  return pickRows([column, constantColumn(field, filler, 1)], source, rows)
}

function nullRows(validity: Uint32Array, rowCount: number): Int32Array {
  const bits = newBits(rowCount)
  for (let w = 0; w < bits.length; w++) bits[w] = ~validity[w]!
  const tail = rowCount & 31
  if (tail !== 0) bits[bits.length - 1]! &= 0xffffffff >>> (32 - tail)
  return bitOffsets(bits)
}

/** The batch with another primary key column (generated keys). */
export function withPk(schema: CollectionSchema, batch: ColumnBatch, pkColumn: Column): ColumnBatch {
  return withColumn(batch, schema.pkIndex, pkColumn)
}

/** The batch with one column replaced (generated keys, function outputs). */
export function withColumn(batch: ColumnBatch, index: number, column: Column): ColumnBatch {
  const columns = batch.columns.slice()
  columns[index] = column
  return { rowCount: batch.rowCount, columns }
}
