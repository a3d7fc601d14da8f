/**
 * Rows to columns: the only place where the kinds of a row's values are judged.
 *
 * Works column by column: one loop reads a field out of every row, then that type's writer fills a typed array. What a
 * schema needs for this (names, writers) is worked out once per schema and kept as long as the schema lives. Keys that
 * no field claims go to `$meta`. Lengths, sizes, NaN and the like are judged later by validate-columns.ts.
 *
 * Invariants: columns[i] is null ⇔ no row carries field i; a row that does not carry a field holds a null in its
 * column; present[i] is null unless some rows carry field i and some do not (partial mode only).
 */
import { newBits, setBit } from '../base/bitset.js'
import { invalid } from '../base/errors.js'
import { stringifyJson } from '../base/json.js'
import { ByteSink } from './byte-sink.js'
import { atCell, cellError, describe } from './cell-errors.js'
import type { CollectionSchema, FieldSchema } from './collection-schema.js'
import type { Column, ColumnBatch } from './column.js'
import { checkInsertPk, missingField, missingUpsertPk } from './complete-columns.js'
import { DataType } from './data-type.js'
import type { Row } from './requests.js'
import {
  arrayCells,
  boolCells,
  type CellWriter,
  floatCells,
  geometryCells,
  int64Cells,
  intCells,
  jsonCells,
  textCells,
  timestamptzCells,
} from './scalar-cells.js'
import { structCells } from './struct-cells.js'
import {
  binaryVectorCells,
  floatVectorCells,
  halfVectorCells,
  int8VectorCells,
  sparseVectorCells,
} from './vector-cells.js'

/** Columns of a request whose rows may carry different fields. */
export interface PartialBatch extends ColumnBatch {
  /** Per field: bit set = the row carries it; null = every row does (or none, when the column is null). */
  readonly present: readonly (Uint32Array | null)[]
}

/** A batch of columns in which every row carries every column that is there. */
export function allPresent(batch: ColumnBatch): PartialBatch {
  return { rowCount: batch.rowCount, columns: batch.columns, present: batch.columns.map(() => null) }
}

export type WriteMode = 'insert' | 'upsert' | 'partial'

export interface RowsOptions {
  /** Collection property `allow_insert_auto_id`: an insert may bring its own autoID keys. Default false. */
  readonly allowInsertAutoId?: boolean
  /** Time zone of Timestamptz texts without an offset. Default UTC. */
  readonly timeZone?: string
}

const WRITERS: Readonly<Partial<Record<DataType, CellWriter>>> = {
  [DataType.Bool]: boolCells,
  [DataType.Int8]: intCells,
  [DataType.Int16]: intCells,
  [DataType.Int32]: intCells,
  [DataType.Int64]: int64Cells,
  [DataType.Float]: floatCells,
  [DataType.Double]: floatCells,
  [DataType.VarChar]: textCells,
  [DataType.Text]: textCells,
  [DataType.JSON]: jsonCells,
  [DataType.Array]: arrayCells,
  [DataType.Geometry]: geometryCells,
  [DataType.ArrayOfStruct]: structCells,
  [DataType.Timestamptz]: timestamptzCells,
  [DataType.BinaryVector]: binaryVectorCells,
  [DataType.FloatVector]: floatVectorCells,
  [DataType.Float16Vector]: halfVectorCells,
  [DataType.BFloat16Vector]: halfVectorCells,
  [DataType.SparseFloatVector]: sparseVectorCells,
  [DataType.Int8Vector]: int8VectorCells,
}

interface FieldPlan {
  readonly field: FieldSchema
  readonly write: CellWriter
  /** The name exists on Object.prototype too (`constructor`, …), so a plain read could find what is not there. */
  readonly inherited: boolean
}

interface SchemaPlan {
  readonly fields: readonly FieldPlan[]
  readonly names: ReadonlySet<string>
}

const plans = new WeakMap<CollectionSchema, SchemaPlan>()

function planOf(schema: CollectionSchema): SchemaPlan {
  const known = plans.get(schema)
  if (known !== undefined) return known
  const fields: FieldPlan[] = []
  for (const field of schema.fields) {
    const write = WRITERS[field.dataType]
    if (write === undefined) throw invalid(`field ${field.name}: rows of this type cannot be written`)
    fields.push({ field, write, inherited: field.name in Object.prototype })
  }
  const plan = { fields, names: new Set(schema.fields.map(f => f.name)) }
  plans.set(schema, plan)
  return plan
}

/**
 * Columns of some rows.
 * @param mode 'insert' and 'upsert': a row without a nullable or defaulted field holds a null there, a row without a
 *   required field is an error; 'partial': any fields but the primary key may be missing, row by row
 * @throws MilvusError ParameterInvalid: wrong kinds, missing fields, unknown keys without a dynamic field
 */
export function rowsToColumns(
  schema: CollectionSchema,
  rows: readonly Row[],
  mode: WriteMode,
  options: RowsOptions = {},
): PartialBatch {
  const plan = planOf(schema)
  const rowCount = rows.length
  checkRows(rows)
  const timeZone = options.timeZone ?? 'UTC'
  const columns: (Column | null)[] = new Array(plan.fields.length).fill(null)
  const present: (Uint32Array | null)[] = new Array(plan.fields.length).fill(null)
  // Without rows nothing is missing; whoever takes the batch says what no rows mean.
  if (rowCount === 0) return { rowCount, columns, present }
  // Fields a row was found to carry; a row with more keys than that has keys nobody claimed.
  const claimed = new Uint16Array(rowCount)
  for (let i = 0; i < plan.fields.length; i++) {
    if (i === schema.dynamicIndex) continue
    const cells = readCells(plan.fields[i]!, rows, claimed)
    if (cells === null) {
      checkMayBeAbsent(schema, i, mode, -1)
      continue
    }
    const { field, write } = plan.fields[i]!
    let validity: Uint32Array | null = null
    if (cells.empty > 0) {
      checkEmptyCells(schema, i, mode, cells.values)
      validity = carriedBits(cells.values, true)
      if (mode === 'partial' && cells.absent > 0) present[i] = carriedBits(cells.values, false)
    }
    columns[i] = write(field, cells.values, validity, timeZone)
  }
  writeDynamic(schema, plan, rows, claimed, mode, columns, present)
  const batch = { rowCount, columns, present }
  if (mode === 'insert') checkInsertPk(schema, batch, options.allowInsertAutoId === true)
  return batch
}

function checkRows(rows: readonly Row[]): void {
  for (let r = 0; r < rows.length; r++) {
    const row: unknown = rows[r]
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw invalid(`row ${r} should be an object of field names and values, got ${describe(row)}`)
    }
  }
}

interface Cells {
  readonly values: readonly unknown[]
  /** Rows without the field. */
  readonly absent: number
  /** Rows without the field or with a null. */
  readonly empty: number
}

/** One field's value in every row; null when no row has it. A value of undefined is the same as no value. */
function readCells(plan: FieldPlan, rows: readonly Row[], claimed: Uint16Array): Cells | null {
  const { name } = plan.field
  const values: unknown[] = new Array(rows.length)
  let absent = 0
  let empty = 0
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!
    const value = plan.inherited && !Object.hasOwn(row, name) ? undefined : row[name]
    values[r] = value
    if (value === undefined) {
      absent++
      empty++
    } else {
      claimed[r]!++
      if (value === null) empty++
    }
  }
  return absent === rows.length ? null : { values, absent, empty }
}

/** Bits of the rows that have a value; with `valueOnly` false, of those that carry the field at all. */
function carriedBits(values: readonly unknown[], valueOnly: boolean): Uint32Array {
  const bits = newBits(values.length)
  for (let r = 0; r < values.length; r++) {
    const value = values[r]
    if (value !== undefined && !(valueOnly && value === null)) setBit(bits, r)
  }
  return bits
}

/** Throws when a field may not be missing. `row` −1: no row has it. */
function checkMayBeAbsent(schema: CollectionSchema, index: number, mode: WriteMode, row: number): void {
  const field = schema.fields[index]!
  if (field.primaryKey) {
    if (mode !== 'insert') throw missingUpsertPk(schema, row)
    if (field.autoId && row < 0) return
    throw missingField(field, row)
  }
  if (mode === 'partial' || field.nullable || field.defaultValue !== undefined || field.functionOutput) return
  throw missingField(field, row)
}

/** Throws when a row's cell is empty and may not be. */
function checkEmptyCells(
  schema: CollectionSchema,
  index: number,
  mode: WriteMode,
  values: readonly unknown[],
): void {
  const field = schema.fields[index]!
  const nullAllowed = field.nullable || field.defaultValue !== undefined
  for (let r = 0; r < values.length; r++) {
    if (values[r] === undefined) checkMayBeAbsent(schema, index, mode, r)
    else if (values[r] === null && !nullAllowed) throw cellError(field, r, null)
  }
}

/** Fills the `$meta` column from a row's own `$meta` object and from the keys no field claims. */
function writeDynamic(
  schema: CollectionSchema,
  plan: SchemaPlan,
  rows: readonly Row[],
  claimed: Uint16Array,
  mode: WriteMode,
  columns: (Column | null)[],
  present: (Uint32Array | null)[],
): void {
  const index = schema.dynamicIndex
  let texts: (string | undefined)[] | null = null
  let found = 0
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!
    const keys = Object.keys(row)
    if (keys.length === claimed[r]! && isPlain(row)) continue
    const text = dynamicText(schema, plan, row, keys, r)
    if (text === undefined) continue
    texts ??= new Array(rows.length)
    texts[r] = text
    found++
  }
  if (texts === null) return
  const sink = new ByteSink(rows.length)
  for (let r = 0; r < rows.length; r++) {
    sink.text(texts[r] ?? '{}')
    sink.endRow(r)
  }
  columns[index] = sink.finish(null)
  if (mode === 'partial' && found < rows.length) present[index] = carriedBits(texts, false)
}

/** False for instances of classes, whose getters may have been counted as claimed keys. */
function isPlain(row: Row): boolean {
  const prototype: unknown = Object.getPrototypeOf(row)
  return prototype === Object.prototype || prototype === null
}

/** JSON text of a row's dynamic part, or undefined when it has none. */
function dynamicText(
  schema: CollectionSchema,
  plan: SchemaPlan,
  row: Row,
  keys: readonly string[],
  r: number,
): string | undefined {
  let content: Record<string, unknown> | undefined
  for (const key of keys) {
    const value = row[key]
    if (value === undefined) continue
    if (key === '$meta') {
      if (schema.dynamicIndex < 0) {
        throw invalid('without dynamic schema enabled, the field name cannot be set to $meta')
      }
      content = Object.assign(content ?? bare(), metaContent(value, r))
    } else if (!plan.names.has(key)) {
      checkNoSubField(schema, key)
      if (schema.dynamicIndex < 0) throw unknownKey(key, r)
      content ??= bare()
      content[key] = value
    }
  }
  if (content === undefined) return undefined
  try {
    return stringifyJson(content)
  } catch (cause) {
    throw atCell(schema.fields[schema.dynamicIndex]!, r, cause)
  }
}

/** @throws MilvusError ParameterInvalid for `struct[sub]`: a struct is written as a whole */
export function checkNoSubField(schema: CollectionSchema, name: string): void {
  if (!name.endsWith(']')) return
  const struct = name.slice(0, name.indexOf('['))
  if (!schema.fields.some(f => f.name === struct && f.dataType === DataType.ArrayOfStruct)) return
  throw invalid(
    `partial struct update is not supported for struct sub-field '${name}'; use the whole struct field instead`,
  )
}

/** An object without a prototype, so that a dynamic key `__proto__` is a key like any other. */
function bare(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>
}

function metaContent(value: unknown, r: number): object {
  if (value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value) && !ArrayBuffer.isView(value)) return value
  throw invalid(`invalid dynamic field data, only json map is supported: row ${r}, got ${describe(value)}`)
}

function unknownKey(key: string, r: number) {
  return invalid(
    `fieldName ${key} not exist in collection schema; Attempt to insert an unexpected field \`${key}\` to collection without enabling dynamic field (row ${r})`,
  )
}
