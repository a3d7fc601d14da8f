/**
 * The overlay of a partial update: request columns over stored rows (upsert-semantics §2.3–2.7).
 *
 * For every output row and field there is one decision: take the request's value, the stored value, the filler (default
 * or `{}`), or combine request and stored (keys of `$meta`, keys of a JSON field, array ops). The decisions of a field
 * go into two small arrays; then one copy builds the column. Where all decisions agree, the request's or the stored
 * column is passed on untouched, which is what makes a one-row merge cheap.
 *
 * Output order is Milvus's: updated rows in request order, then new rows in request order. Nothing is changed in
 * place; any error leaves no trace. The result still has to go through validateSteps (with `merged: true`).
 */
import { assert } from '../base/assert.js'
import { getBit, newBits, setBit } from '../base/bitset.js'
import { invalid } from '../base/errors.js'
import { mergeJsonObjects } from '../base/json.js'
import type { Steps } from '../base/steps.js'
import { ByteSink } from './byte-sink.js'
import { atCell } from './cell-errors.js'
import { type CollectionSchema, type FieldSchema, pkField } from './collection-schema.js'
import { type Column, type ColumnBatch, isValid, type VarColumn } from './column.js'
import { constantColumn, gatherColumn, pickRows, pkKeyAt, placeholderColumn } from './column-ops.js'
import {
  absentColumn,
  checkFunctionOutputs,
  checkRowCount,
  fillerOf,
  missingUpsertPk,
  withoutForbiddenNulls,
} from './complete-columns.js'
import { DataType } from './data-type.js'
import { appendElements, type ElementOp, removeElements } from './field-ops.js'
import type { PartialBatch } from './rows-to-columns.js'
import { readUtf8 } from './utf8.js'
import { checkDynamicRow } from './validate-columns.js'

export { checkFieldOpList, checkFieldOps, type ElementOp, type FieldOpEntry } from './field-ops.js'

export interface MergedBatch {
  /** Whole rows: every column is there. */
  readonly batch: ColumnBatch
  /** Row of the request that each output row comes from. */
  readonly requestRow: Int32Array
  /** The first `updatedRows` output rows replace stored ones; the rest are new. */
  readonly updatedRows: number
}

/** Where an output value comes from; the first three are positions in the list of sources. */
const GIVEN = 0
const STORED = 1
const FILLER = 2
const COMBINED = 3

/** Values that are made of two in one step: JSON is read twice and written once, about a microsecond for a small one. */
const COMBINED_ROWS = 256

/** What is the same for every field of one merge. */
interface Merge {
  readonly schema: CollectionSchema
  readonly request: PartialBatch
  readonly stored: ColumnBatch
  readonly storedRow: Int32Array
  readonly requestRow: Int32Array
  readonly updatedRows: number
  /** Output order is request order. */
  readonly inOrder: boolean
  /** Output row i is stored row i, for all stored rows. */
  readonly storedInOrder: boolean
  readonly jsonMode: 'merge' | 'replace'
}

/**
 * Merges a request into stored rows, in steps: of one field, or of COMBINED_ROWS values that are made of two.
 * @param stored whole rows; function outputs need not be there
 * @param storedRow per request row: its row in `stored`, or −1 when the key is new
 * @param ops checked by checkFieldOps
 * @param jsonMode 'merge': top-level keys of schema-defined JSON fields are merged when both values are objects
 * @throws MilvusError ParameterInvalid: no key, a new row without a required field, array overflow, bad dynamic keys
 */
export function* mergeSteps(
  schema: CollectionSchema,
  request: PartialBatch,
  stored: ColumnBatch,
  storedRow: Int32Array,
  ops: ReadonlyMap<number, ElementOp>,
  jsonMode: 'merge' | 'replace',
): Steps<MergedBatch> {
  assert(storedRow.length === request.rowCount, 'one stored row (or -1) per request row')
  if (request.columns[schema.pkIndex] === null) throw missingUpsertPk(schema)
  checkRowCount(request)
  checkFunctionOutputs(schema, request)
  const merge = planMerge(schema, request, stored, storedRow, jsonMode)
  const columns: Column[] = new Array(schema.fields.length)
  for (let i = 0; i < schema.fields.length; i++) {
    const field = schema.fields[i]!
    const given = request.columns[i]!
    if (field.functionOutput) columns[i] = placeholderColumn(field, request.rowCount)
    else if (given === null) columns[i] = absentField(merge, field, i)
    else columns[i] = yield* givenField(merge, field, i, given, ops.get(i))
    yield
  }
  const batch = { rowCount: request.rowCount, columns }
  return { batch, requestRow: merge.requestRow, updatedRows: merge.updatedRows }
}

function planMerge(
  schema: CollectionSchema,
  request: PartialBatch,
  stored: ColumnBatch,
  storedRow: Int32Array,
  jsonMode: 'merge' | 'replace',
): Merge {
  const { rowCount } = request
  const requestRow = new Int32Array(rowCount)
  let updatedRows = 0
  let storedInOrder = stored.rowCount === rowCount
  for (let r = 0; r < rowCount; r++) {
    if (storedRow[r] !== r) storedInOrder = false
    if (storedRow[r]! >= 0) requestRow[updatedRows++] = r
  }
  let next = updatedRows
  for (let r = 0; r < rowCount; r++) if (storedRow[r]! < 0) requestRow[next++] = r
  let inOrder = true
  for (let o = 0; o < rowCount; o++) if (requestRow[o] !== o) inOrder = false
  return { schema, request, stored, storedRow, requestRow, updatedRows, inOrder, storedInOrder, jsonMode }
}

/** A field that no row of the request carries: stored values, and what the schema gives new rows. */
function absentField(merge: Merge, field: FieldSchema, index: number): Column {
  const { request, storedRow, requestRow, updatedRows, storedInOrder } = merge
  const { rowCount } = request
  if (updatedRows < rowCount && field.fields !== undefined) absentSource(field, updatedRows)
  if (updatedRows === 0) return absentColumn(field, rowCount)
  const stored = storedColumn(merge, index)
  if (storedInOrder) return stored
  const rows = new Int32Array(rowCount)
  for (let o = 0; o < updatedRows; o++) rows[o] = storedRow[requestRow[o]!]!
  if (updatedRows === rowCount) return gatherColumn(field, stored, rows)
  const source = new Uint8Array(rowCount).fill(1, updatedRows)
  return pickRows([stored, absentColumn(field, 1)], source, rows)
}

function storedColumn(merge: Merge, index: number): Column {
  const column = merge.stored.columns[index]
  assert(
    column !== null && column !== undefined,
    `stored rows have field ${merge.schema.fields[index]!.name}`,
  )
  return column
}

/** A field that some or all rows of the request carry. */
function* givenField(
  merge: Merge,
  field: FieldSchema,
  index: number,
  given: Column,
  op: ElementOp | undefined,
): Steps<Column> {
  const { request, updatedRows, inOrder } = merge
  if (field.dynamic) yield* checkDynamicKeys(merge, field, index, given)
  const combines = op !== undefined || field.dynamic || mergesKeys(merge, field)
  if (request.present[index] === null && inOrder && (!combines || updatedRows === 0)) {
    return withoutForbiddenNulls(field, given, request.rowCount)
  }
  const source = new Uint8Array(request.rowCount)
  const rows = new Int32Array(request.rowCount)
  const combined = decide(merge, field, index, given, op, source, rows)
  const filler = fillerOf(field)
  const sources = [
    given,
    updatedRows > 0 ? storedColumn(merge, index) : given,
    filler === undefined ? given : constantColumn(field, filler, 1),
  ]
  if (combined === 0) return pickRows(sources, source, rows)
  return yield* combine(merge, field, sources, source, rows, op)
}

function mergesKeys(merge: Merge, field: FieldSchema): boolean {
  return field.dataType === DataType.JSON && merge.jsonMode === 'merge'
}

/** The request's own dynamic keys, judged as in an override; what is stored already is not judged again. */
function* checkDynamicKeys(merge: Merge, field: FieldSchema, index: number, given: Column): Steps<void> {
  const { request, schema } = merge
  const present = request.present[index]!
  assert(given.layout === 'var', 'JSON has a variable layout')
  for (let r = 0; r < request.rowCount; r++) {
    if ((present === null || getBit(present, r)) && isValid(given, r)) {
      checkDynamicRow(schema, field, given, r, false)
    }
    if (r % COMBINED_ROWS === COMBINED_ROWS - 1) yield
  }
}

/** Decides where every output value comes from. @returns how many have to be combined */
function decide(
  merge: Merge,
  field: FieldSchema,
  index: number,
  given: Column,
  op: ElementOp | undefined,
  source: Uint8Array,
  rows: Int32Array,
): number {
  const { request, requestRow, storedRow, stored } = merge
  const present = request.present[index]!
  const storedValues = stored.columns[index] ?? null
  let combined = 0
  for (let o = 0; o < requestRow.length; o++) {
    const r = requestRow[o]!
    const s = storedRow[r]!
    const carried = present === null || getBit(present, r)
    const storedValid = s >= 0 && storedValues !== null && isValid(storedValues, s)
    let from: number
    if (!carried) from = s >= 0 ? STORED : absentSource(field, r)
    else from = carriedSource(merge, field, op, s, isValid(given, r), storedValid, r)
    source[o] = from
    rows[o] = from === STORED ? s : from === FILLER ? 0 : r
    if (from === COMBINED) combined++
  }
  return combined
}

/** Source of a field that a new row does not carry. */
function absentSource(field: FieldSchema, row: number): number {
  if (fillerOf(field) !== undefined) return FILLER
  // A row that does not carry the field is null in the request's column.
  if (field.nullable) return GIVEN
  const kind = field.dataType === DataType.ArrayOfStruct ? 'structFieldSchema' : 'fieldSchema'
  throw invalid(`${kind}(${field.name}) has no corresponding fieldData pass in, row ${row}`)
}

/** Source of a field that a row carries. `s` −1: the row is new. */
function carriedSource(
  merge: Merge,
  field: FieldSchema,
  op: ElementOp | undefined,
  s: number,
  givenValid: boolean,
  storedValid: boolean,
  row: number,
): number {
  if (s >= 0 && op !== undefined) {
    if (!givenValid) return STORED
    if (!storedValid) return op === 'ARRAY_APPEND' ? GIVEN : STORED
    return COMBINED
  }
  if (givenValid) {
    return storedValid && (field.dynamic || mergesKeys(merge, field)) ? COMBINED : GIVEN
  }
  if (field.dynamic && storedValid) return STORED
  if (fillerOf(field) !== undefined) return FILLER
  if (field.nullable) return GIVEN
  throw invalid(`the field (${field.name}) is not nullable and has no default value, but row ${row} is null`)
}

/** Builds a column in which some values are made of both the request's and the stored one. */
function* combine(
  merge: Merge,
  field: FieldSchema,
  sources: readonly Column[],
  source: Uint8Array,
  rows: Int32Array,
  op: ElementOp | undefined,
): Steps<Column> {
  const sink = new ByteSink(rows.length)
  const bits = newBits(rows.length)
  let valid = 0
  const given = sources[GIVEN] as VarColumn
  const stored = sources[STORED] as VarColumn
  for (let o = 0; o < rows.length; o++) {
    const row = rows[o]!
    if (source[o] !== COMBINED) {
      const column = sources[source[o]!] as VarColumn
      sink.bytes(column.heap, column.offsets[row]!, column.offsets[row + 1]!)
      if (isValid(column, row)) {
        setBit(bits, o)
        valid++
      }
    } else {
      const s = merge.storedRow[row]!
      if (op === 'ARRAY_APPEND') appendElements(sink, field, stored, s, given, row)
      else if (op === 'ARRAY_REMOVE') removeElements(sink, field, stored, s, given, row)
      else mergeKeys(sink, field, stored, s, given, row)
      setBit(bits, o)
      valid++
    }
    sink.endRow(o)
    if (o % COMBINED_ROWS === COMBINED_ROWS - 1) yield
  }
  return sink.finish(valid === rows.length ? null : bits)
}

function mergeKeys(
  sink: ByteSink,
  field: FieldSchema,
  stored: VarColumn,
  storedRow: number,
  given: VarColumn,
  givenRow: number,
): void {
  const old = readUtf8(stored.heap, stored.offsets[storedRow]!, stored.offsets[storedRow + 1]!)
  const now = readUtf8(given.heap, given.offsets[givenRow]!, given.offsets[givenRow + 1]!)
  try {
    sink.text(mergeJsonObjects(old, now))
  } catch (cause) {
    throw atCell(field, givenRow, cause)
  }
}

/**
 * Every primary key of an upsert names another row.
 * @throws MilvusError ParameterInvalid `duplicate primary keys are not allowed in the same batch`
 */
export function checkDuplicatePks(schema: CollectionSchema, batch: ColumnBatch): void {
  const column = batch.columns[schema.pkIndex]!
  if (column === null) throw missingUpsertPk(schema)
  if (batch.rowCount < 2) return
  const seen = new Set<number | bigint | string>()
  for (let row = 0; row < batch.rowCount; row++) {
    const key = pkKeyAt(column, row)
    if (seen.has(key)) {
      throw invalid(
        `duplicate primary keys are not allowed in the same batch: ${pkField(schema).name} ${key}, row ${row}`,
      )
    }
    seen.add(key)
  }
}
