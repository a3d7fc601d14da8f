/**
 * Short ways to declare a collection, and to catch a refusal, for the tests of the schema room.
 */
import { MilvusError } from '../../../lib/base/errors.js'
import { atOnce } from '../../../lib/base/steps.js'
import type { CollectionSchema } from '../../../lib/schema/collection-schema.js'
import type { Column, ColumnBatch } from '../../../lib/schema/column.js'
import { type Int64As, valueAt } from '../../../lib/schema/column-ops.js'
import { completeColumns } from '../../../lib/schema/complete-columns.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { type MergedBatch, mergeSteps } from '../../../lib/schema/merge-columns.js'
import type { CollectionRequest, FieldRequest, Row } from '../../../lib/schema/requests.js'
import { rowsToColumns } from '../../../lib/schema/rows-to-columns.js'
import { validateSteps } from '../../../lib/schema/validate-columns.js'
import { buildSchema } from '../../../lib/schema/validate-schema.js'

export const ID: FieldRequest = { name: 'id', dataType: DataType.Int64, primaryKey: true }
export const VECTOR: FieldRequest = { name: 'vector', dataType: DataType.FloatVector, dim: 2 }

/** A collection of `id`, `vector` and the given fields. */
export function collection(
  fields: readonly FieldRequest[],
  more: Partial<CollectionRequest> = {},
): CollectionSchema {
  return buildSchema({ name: 'books', fields: [ID, VECTOR, ...fields], ...more })
}

/** The MilvusError a call throws; anything else thrown, or nothing, fails the test. */
export function refusal(call: () => unknown): MilvusError {
  let answer: unknown
  try {
    answer = call()
  } catch (error) {
    if (error instanceof MilvusError) return error
    throw error
  }
  throw new Error(`expected a refusal, got ${String(answer)}`)
}

/** The message a call is refused with. */
export function refused(call: () => unknown): string {
  return refusal(call).message
}

/** Complete columns of full rows. */
export function wholeRows(schema: CollectionSchema, rows: readonly Row[]): ColumnBatch {
  return completeColumns(schema, rowsToColumns(schema, rows, 'upsert'), 'upsert')
}

/** All values of one field. */
export function valuesOf(
  schema: CollectionSchema,
  batch: ColumnBatch,
  name: string,
  int64As: Int64As = 'auto',
): unknown[] {
  const index = schema.fields.findIndex(f => f.name === name)
  const column = batch.columns[index]
  if (column === null || column === undefined) throw new Error(`no column ${name}`)
  return columnValues(schema, index, column, batch.rowCount, int64As)
}

export function columnValues(
  schema: CollectionSchema,
  index: number,
  column: Column,
  rowCount: number,
  int64As: Int64As = 'auto',
): unknown[] {
  return Array.from({ length: rowCount }, (_, row) => valueAt(schema.fields[index]!, column, row, int64As))
}

/** All steps of a validation now. */
export function validateNow(...given: Parameters<typeof validateSteps>): void {
  atOnce(validateSteps(...given))
}

/** All steps of a merge now. */
export function mergeNow(...given: Parameters<typeof mergeSteps>): MergedBatch {
  return atOnce(mergeSteps(...given))
}
