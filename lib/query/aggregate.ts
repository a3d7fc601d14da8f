/**
 * What a query asks of aggregates and GROUP BY (§2.7), checked against the schema before anything is read.
 *
 * The one idea: a plan says which fields are grouped by, what is measured, and which of both each column of the result
 * shows; run-aggregation.ts does it. An output name is an aggregate by its form, and everything else must be grouped by.
 */

import { invalid } from '../base/errors.js'
import { valueText } from '../base/json.js'
import { type CollectionSchema, fieldIndex } from '../schema/collection-schema.js'
import { DataType, dataTypeName, isFloatType, isIntegerType } from '../schema/data-type.js'
import { int64InForm } from '../schema/int64.js'
import { formatTimestamptz } from '../schema/timestamptz.js'
import { parseOrderBy, type SortTerm, type SortValue } from './order-by.js'
import { planWindow, type ResultWindow } from './plan.js'
import type { QueryRequest, ReadContext } from './request.js'

export type AggregateOp = 'count' | 'sum' | 'avg' | 'min' | 'max'

/** One column of the result. */
type Output =
  | { readonly kind: 'group'; readonly name: string; readonly at: number }
  | { readonly kind: 'aggregate'; readonly name: string; readonly at: number }

/** One thing to compute: `index` −1 = rows themselves (`count(*)`). */
export interface Measure {
  readonly op: AggregateOp
  readonly index: number
  /** True when the field holds integers, whose sums are exact. */
  readonly integer: boolean
}

/** A checked aggregation. */
export interface Aggregation {
  /** Field indexes grouped by; empty = one result over everything. */
  readonly groupBy: readonly number[]
  readonly measures: readonly Measure[]
  readonly outputs: readonly Output[]
  readonly window: ResultWindow
  /** Sort keys: `at` is the position in `groupBy`. */
  readonly order: readonly (SortTerm & { readonly at: number })[]
}

/** An output name that is an aggregate: `count(*)`, `sum(price)`, in any case and spacing; else null. */
export function parseAggregate(name: string): { readonly op: AggregateOp; readonly field: string } | null {
  const match = /^\s*(count|sum|avg|min|max)\s*\(\s*(\*|[^()*]+?)\s*\)\s*$/i.exec(name)
  if (match === null) return null
  const op = match[1]!.toLowerCase() as AggregateOp
  if (match[2] === '*' && op !== 'count') return null
  return { op, field: match[2]! }
}

/**
 * The aggregation a query asks for, null when it asks for rows.
 * @throws MilvusError ParameterInvalid
 */
export function planAggregation(schema: CollectionSchema, request: QueryRequest): Aggregation | null {
  const names = (request.outputFields ?? []).map(name => valueText(name).trim())
  const groupNames = groupNamesOf(request.groupBy)
  if (groupNames.length === 0 && !names.some(name => parseAggregate(name) !== null)) return null
  const groupBy = groupNames.map(name => planGroupField(schema, name))
  const measures: Measure[] = []
  const outputs: Output[] = []
  for (const name of new Set(names)) {
    const aggregate = parseAggregate(name)
    if (aggregate !== null) {
      const title = aggregate.field === '*' ? 'count(*)' : name
      if (outputs.some(output => output.name === title)) continue
      const at = measures.push(planMeasure(schema, aggregate.op, aggregate.field)) - 1
      outputs.push({ kind: 'aggregate', name: title, at })
      continue
    }
    const at = groupNames.indexOf(name)
    if (at < 0) {
      throw invalid(`output field '${name}' is not allowed: it is neither a group by field nor an aggregate`)
    }
    outputs.push({ kind: 'group', name, at })
  }
  if (groupBy.length === 0 && (isGiven(request.limit) || isGiven(request.offset))) {
    throw invalid('count entities with pagination is not allowed')
  }
  const window = planWindow(request.limit, request.offset)
  const order = parseOrderBy(request.orderBy, 'must be').map(term => {
    const at = groupNames.indexOf(term.field)
    if (at < 0) throw invalid(`ORDER BY can only reference GROUP BY columns, got '${term.field}'`)
    return { ...term, at }
  })
  if (order.length > 0 && window.limit === Number.POSITIVE_INFINITY) {
    throw invalid('ORDER BY requires explicit limit')
  }
  return { groupBy, measures, outputs, window, order }
}

/** True when the number of entities is all that is asked for. */
export function countsOnly({ groupBy, measures }: Aggregation): boolean {
  return groupBy.length === 0 && measures.every(measure => measure.index < 0)
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function groupNamesOf(groupBy: QueryRequest['groupBy']): string[] {
  if (groupBy === undefined || groupBy === null) return []
  const names: unknown = typeof groupBy === 'string' ? groupBy.split(',') : groupBy
  if (!Array.isArray(names)) throw invalid('group by fields must be a text or a list of texts')
  return names.map(name => valueText(name).trim()).filter(name => name !== '')
}

function planGroupField(schema: CollectionSchema, name: string): number {
  const index = fieldIndex(schema, name)
  const field = schema.fields[index]
  if (field === undefined) throw invalid(`group by field ${name} does not exist in collection schema`)
  const type = field.dataType
  if (!isIntegerType(type) && type !== DataType.VarChar && type !== DataType.Timestamptz) {
    throw invalid(`group by field ${name} has unsupported data type ${dataTypeName(type)}`)
  }
  return index
}

function planMeasure(schema: CollectionSchema, op: AggregateOp, name: string): Measure {
  if (name === '*') return { op, index: -1, integer: true }
  const index = fieldIndex(schema, name)
  const field = schema.fields[index]
  if (field === undefined) throw invalid(`target field ${name} for aggregation:${op} does not exist`)
  const type = field.dataType
  const numeric = isIntegerType(type) || isFloatType(type)
  const ordered = numeric || type === DataType.VarChar || type === DataType.Timestamptz
  const allowed = op === 'count' || (op === 'min' || op === 'max' ? ordered : numeric)
  if (!allowed) throw invalid(`aggregation operator ${op} does not support data type ${dataTypeName(type)}`)
  return { op, index, integer: isIntegerType(type) }
}

/** What values are shown by. */
export type OutContext = Pick<ReadContext, 'schema' | 'int64As' | 'timeZone'>

/** A value of a field as the caller sees it. */
export function outValue(
  { schema, int64As, timeZone }: OutContext,
  index: number,
  value: SortValue,
): unknown {
  if (value === null) return null
  switch (schema.fields[index]!.dataType) {
    case DataType.Int64:
      return int64InForm(value as number | bigint, int64As)
    case DataType.Timestamptz:
      return formatTimestamptz(value as number | bigint, timeZone)
    default:
      return value
  }
}
