/**
 * Aggregates and GROUP BY of a query (§2.7): count, sum, avg, min and max over the matched rows, whole or per group.
 *
 * The one idea: rows are read once, segment by segment, into accumulators that can take values in any order. Every live
 * version of a row counts, as `count(*)` does. Sums of integers are exact: they move to bigint when they leave the safe
 * range. NULLs are skipped by everything but count(*), and form a group of their own.
 */

import { invalid } from '../base/errors.js'
import { valueText } from '../base/json.js'
import { sortInSlices } from '../base/slice-sort.js'
import type { Turn } from '../base/turn.js'
import { type CollectionSchema, fieldIndex } from '../schema/collection-schema.js'
import { type Column, isValid } from '../schema/column.js'
import { pkKeyAt, valueAt } from '../schema/column-ops.js'
import { DataType, dataTypeName, isFloatType, isIntegerType } from '../schema/data-type.js'
import { int64InForm } from '../schema/int64.js'
import { formatTimestamptz } from '../schema/timestamptz.js'
import type { Segment } from '../segment/segment.js'
import { type MatchedRows, rowsOf } from './match-rows.js'
import { compareSortValues, compareValues, parseOrderBy, type SortTerm, type SortValue } from './order-by.js'
import { planWindow, type ResultWindow } from './plan.js'
import type { QueryRequest, ReadContext, Row } from './request.js'

export type AggregateOp = 'count' | 'sum' | 'avg' | 'min' | 'max'

/** One column of the result. */
type Output =
  | { readonly kind: 'group'; readonly name: string; readonly at: number }
  | { readonly kind: 'aggregate'; readonly name: string; readonly at: number }

/** One thing to compute: `index` −1 = rows themselves (`count(*)`). */
interface Measure {
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

/** Rows taken between two looks at the clock. */
const SLICE_ROWS = 512
/** Groups turned into result rows between two looks at the clock. */
const SLICE_GROUPS = 1_024

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
  return { groupBy, measures, outputs, window, order }
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

/** What has been gathered for one measure of one group. */
interface Sum {
  count: number
  /** Sum, or the least or greatest value so far. */
  value: Exclude<SortValue, null> | null
}

interface Group {
  readonly values: readonly SortValue[]
  readonly sums: readonly Sum[]
}

/** Reads the matched rows of every segment and answers with one row per group. */
export async function runAggregation(
  context: ReadContext,
  segments: readonly Segment[],
  matches: readonly MatchedRows[],
  plan: Aggregation,
  turn: Turn,
): Promise<Row[]> {
  const { schema } = context
  const groups = new Map<string, Group>()
  if (plan.groupBy.length === 0) groups.set('', newGroup([], plan))
  const fields = [...new Set([...plan.groupBy, ...plan.measures.map(m => m.index)])].filter(i => i >= 0)
  for (let s = 0; s < segments.length; s++) {
    const segment = segments[s]!
    const match = matches[s]!
    if (match.count === 0) continue
    const only = groups.get('')
    if (fields.length === 0 && only !== undefined) {
      for (const sum of only.sums) sum.count += match.count
      continue
    }
    await segment.load(fields)
    const columns: (Column | null)[] = schema.fields.map((_, i) =>
      fields.includes(i) ? segment.column(i) : null,
    )
    const rows = rowsOf(match)
    for (let from = 0; from < rows.length; from += SLICE_ROWS) {
      if (turn.due()) await turn.next()
      addRows(schema, plan, columns, rows.subarray(from, from + SLICE_ROWS), groups)
    }
  }
  const { offset, limit } = plan.window
  const page = (await orderGroups(plan, groups.values(), turn)).slice(offset, offset + limit)
  const out: Row[] = []
  for (let i = 0; i < page.length; i++) {
    if (i % SLICE_GROUPS === SLICE_GROUPS - 1 && turn.due()) await turn.next()
    out.push(rowOf(context, plan, page[i]!))
  }
  return out
}

function newGroup(values: readonly SortValue[], plan: Aggregation): Group {
  return { values, sums: plan.measures.map(() => ({ count: 0, value: null })) }
}

function addRows(
  schema: CollectionSchema,
  plan: Aggregation,
  columns: readonly (Column | null)[],
  rows: Int32Array,
  groups: Map<string, Group>,
): void {
  const { groupBy, measures } = plan
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!
    let key = ''
    const values: SortValue[] = []
    for (let g = 0; g < groupBy.length; g++) {
      const value = groupValueAt(schema, groupBy[g]!, columns[groupBy[g]!]!, row)
      values.push(value)
      // Lengths in front keep ('a', 'b:c') and ('a:b', 'c') apart.
      const text = String(value)
      key += value === null ? 'n' : `${text.length}:${text}`
    }
    let group = groups.get(key)
    if (group === undefined) {
      group = newGroup(values, plan)
      groups.set(key, group)
    }
    for (let m = 0; m < measures.length; m++) {
      const { op, index, integer } = measures[m]!
      const sum = group.sums[m]!
      if (index < 0) {
        sum.count++
        continue
      }
      const column = columns[index]!
      if (!isValid(column, row)) continue
      sum.count++
      if (op !== 'count') accumulate(op, sum, groupValueAt(schema, index, column, row)!, integer)
    }
  }
}

/** Value of a row to group or compute by: a Timestamptz as its microseconds. */
function groupValueAt(schema: CollectionSchema, index: number, column: Column, row: number): SortValue {
  if (!isValid(column, row)) return null
  const field = schema.fields[index]!
  if (field.dataType === DataType.Timestamptz) return pkKeyAt(column, row)
  return valueAt(field, column, row, 'auto') as SortValue
}

function accumulate(op: AggregateOp, sum: Sum, value: Exclude<SortValue, null>, integer: boolean): void {
  if (sum.value === null) sum.value = value
  else if (op === 'min') {
    if (compareValues(value, sum.value) < 0) sum.value = value
  } else if (op === 'max') {
    if (compareValues(value, sum.value) > 0) sum.value = value
  } else if (integer) sum.value = addIntegers(sum.value as number | bigint, value as number | bigint)
  else sum.value = (sum.value as number) + (value as number)
}

/** a + b, exactly: a number while that is safe, else a bigint. */
function addIntegers(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  const exact = BigInt(a) + BigInt(b)
  const number = Number(exact)
  return Number.isSafeInteger(number) ? number : exact
}

function orderGroups(plan: Aggregation, groups: Iterable<Group>, turn: Turn): Group[] | Promise<Group[]> {
  const list = [...groups]
  if (plan.order.length === 0) return list
  const compare = (a: Group, b: Group): number => {
    for (const key of plan.order) {
      const sign = compareSortValues(key, a.values[key.at]!, b.values[key.at]!)
      if (sign !== 0) return sign
    }
    return 0
  }
  return sortInSlices(list, compare, turn)
}

function rowOf(context: OutContext, plan: Aggregation, group: Group): Row {
  const row: Row = {}
  for (const output of plan.outputs) {
    if (output.kind === 'group') {
      row[output.name] = outValue(context, plan.groupBy[output.at]!, group.values[output.at]!)
    } else {
      row[output.name] = measured(context, plan.measures[output.at]!, group.sums[output.at]!)
    }
  }
  return row
}

function measured(context: OutContext, measure: Measure, sum: Sum): unknown {
  const { op, index, integer } = measure
  const { int64As } = context
  if (op === 'count') return int64InForm(sum.count, int64As)
  if (sum.value === null) return null
  if (op === 'avg') return Number(sum.value) / sum.count
  if (op === 'sum') {
    return integer ? int64InForm(sum.value as number | bigint, int64As) : sum.value
  }
  return outValue(context, index, sum.value)
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
