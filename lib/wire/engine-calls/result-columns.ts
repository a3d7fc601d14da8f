/**
 * Result rows of the engine as the columns that FieldData messages are made of.
 *
 * The output plan of the query room says which fields a result has; rows are turned back into columns by the same code
 * that takes rows in, so both directions agree on every type. A result without rows still has every column, empty:
 * clients read their kind and dimension.
 */
import { planAggregation } from '../../query/aggregate.js'
import { planOutput, resultSchema } from '../../query/plan.js'
import type { QueryRequest, Row } from '../../query/request.js'
import type { CollectionSchema, FieldSchema } from '../../schema/collection-schema.js'
import type { Column } from '../../schema/column.js'
import { DataType, isFloatType } from '../../schema/data-type.js'
import { type PartialBatch, rowsToColumns } from '../../schema/rows-to-columns.js'
import type { OutputColumn } from '../field-encode.js'
import { emptyColumn } from '../payload.js'
import { computedField } from '../results.js'

/** Parts of a timestamp that a client may ask for at most, repeats included. */
const TIME_PARTS_MAX = 4096

/** Columns of a result, and their names as the client knows them. */
export interface ResultColumns {
  readonly columns: readonly OutputColumn[]
  /** Dynamic keys included; `$meta` stands for all of them. */
  readonly outputFields: readonly string[]
}

const readable = new WeakMap<CollectionSchema, CollectionSchema>()

/** The schema with fields that may be missing or null: what results may hold, whatever writes must. */
function readableSchema(schema: CollectionSchema): CollectionSchema {
  let found = readable.get(schema)
  if (found === undefined) {
    const fields = schema.fields.map(field => readableField(field))
    found = { ...schema, fields }
    readable.set(schema, found)
  }
  return found
}

function readableField(field: FieldSchema): FieldSchema {
  const { defaultValue: _, ...rest } = field
  return { ...rest, nullable: true, primaryKey: false, autoId: false, functionOutput: false }
}

const inParts = new WeakMap<CollectionSchema, CollectionSchema>()

/** The schema of results whose timestamps are lists of integers (`time_fields`). */
function schemaInParts(schema: CollectionSchema): CollectionSchema {
  let found = inParts.get(schema)
  if (found === undefined) {
    const fields = schema.fields.map(field =>
      field.dataType === DataType.Timestamptz
        ? { ...field, dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: TIME_PARTS_MAX }
        : field,
    )
    found = { ...schema, fields }
    inParts.set(schema, found)
  }
  return found
}

function columnsOf(schema: CollectionSchema, rows: readonly Row[]): PartialBatch {
  return rowsToColumns(readableSchema(schema), rows, 'partial')
}

/**
 * Columns of rows that a query or search returned.
 * @param names output fields as the client asked for them
 * @param withPk true for queries, which always return the primary key
 * @param timeParts true when timestamps are lists of their parts
 */
export function rowColumns(
  schema: CollectionSchema,
  rows: readonly Row[],
  names: readonly string[],
  withPk: boolean,
  timeParts = false,
): ResultColumns {
  const plan = planOutput(schema, names, withPk)
  const typed = resultSchema(timeParts ? schemaInParts(schema) : schema, plan)
  const shown = plan.subFields === null ? typed : narrowed(typed, plan.subFields)
  const batch = columnsOf(shown, rows)
  const columns = [...plan.fields].map(index => {
    const field = shown.fields[index]!
    return { field, column: batch.columns[index] ?? absentColumn(field, rows.length) }
  })
  const outputFields = plan.names.filter(name => name !== '$meta')
  const dynamic = plan.metaSlot >= 0 || plan.names.includes('$meta')
  if (!dynamic) return { columns, outputFields }
  const all = plan.metaSpread || plan.names.includes('$meta')
  return { columns, outputFields: [...outputFields, ...(all ? ['$meta'] : []), ...plan.metaKeys] }
}

/** The schema with struct arrays that have only the sub-fields a result has. */
function narrowed(
  schema: CollectionSchema,
  subFields: ReadonlyMap<number, ReadonlySet<string>>,
): CollectionSchema {
  const fields = schema.fields.map((field, index) => {
    const kept = subFields.get(index)
    return kept === undefined || field.fields === undefined
      ? field
      : { ...field, fields: field.fields.filter(sub => kept.has(sub.name)) }
  })
  return { ...schema, fields }
}

/** The column of a field that no row carries: of no rows, or of rows without dynamic keys. */
function absentColumn(field: FieldSchema, rowCount: number): Column {
  if (rowCount === 0) return emptyColumn(field)
  const empty: Row = { value: field.dynamic ? {} : null }
  return singleColumn(field, new Array<Row>(rowCount).fill(empty), 'value')
}

/** One column out of the values that rows hold under a key. */
function singleColumn(field: FieldSchema, rows: readonly Row[], key: string): Column {
  if (rows.length === 0) return emptyColumn(field)
  const one = { ...readableField(field), name: key, dynamic: false }
  const schema: CollectionSchema = {
    name: '',
    description: '',
    fields: [one],
    functions: [],
    pkIndex: 0,
    dynamicIndex: -1,
    partitionKeyIndex: -1,
    maxFieldId: field.id,
    version: 0,
  }
  const values = rows.map(row => ({ [key]: row[key] ?? null }))
  return rowsToColumns(schema, values, 'partial').columns[0] ?? emptyColumn(field)
}

/** The primary keys of results as a column. */
export function keyColumn(schema: CollectionSchema, ids: readonly unknown[]): Column {
  return singleColumn(
    schema.fields[schema.pkIndex]!,
    ids.map(value => ({ value })),
    'value',
  )
}

/** The values a search was grouped by. A JSON path has no field of its own: its values come as what they were cast to. */
export function groupColumn(
  schema: CollectionSchema,
  name: string,
  values: readonly unknown[],
): OutputColumn {
  const declared = schema.fields.find(field => field.name === name)
  const type = declared === undefined ? castType(values) : declared.dataType
  const field = { ...(declared ?? computedField(name, type)), nullable: true }
  const rows = values.map(value => ({ value }))
  return { field, column: singleColumn(field, rows, 'value') }
}

/** Type of cast JSON values (`json_type`); text without a cast, and where every group is null. */
function castType(values: readonly unknown[]): DataType {
  switch (typeof values.find(value => value !== null && value !== undefined)) {
    case 'number':
    case 'bigint':
      return DataType.Int64
    case 'boolean':
      return DataType.Bool
    default:
      return DataType.VarChar
  }
}

/** Columns of aggregates and group fields; null when the query asks for rows. */
export function aggregateColumns(
  schema: CollectionSchema,
  request: QueryRequest,
  rows: readonly Row[],
): ResultColumns | null {
  const fields = aggregateFields(schema, request)
  if (fields === null) return null
  const columns = fields.map(one => {
    const field = { ...one, nullable: rows.some(row => row[one.name] === null) }
    return { field, column: singleColumn(field, rows, field.name) }
  })
  return { columns, outputFields: fields.map(field => field.name) }
}

/** What aggregates and group fields of a query are, as fields; null when it asks for rows. */
export function aggregateFields(schema: CollectionSchema, request: QueryRequest): FieldSchema[] | null {
  const plan = planAggregation(schema, request)
  if (plan === null) return null
  return plan.outputs.map(output => {
    const measure = output.kind === 'aggregate' ? plan.measures[output.at]! : null
    const source = schema.fields[measure === null ? plan.groupBy[output.at]! : measure.index]
    const type = measure === null ? source!.dataType : measuredType(measure.op, source)
    return computedField(output.name, type)
  })
}

/** Type of an aggregate's values. */
function measuredType(op: string, field: FieldSchema | undefined): DataType {
  if (op === 'count' || field === undefined) return DataType.Int64
  if (op === 'avg') return DataType.Double
  if (op === 'sum') return isFloatType(field.dataType) ? DataType.Double : DataType.Int64
  return field.dataType
}
