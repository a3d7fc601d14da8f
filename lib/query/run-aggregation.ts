/**
 * Runs aggregates and GROUP BY (§2.7): count, sum, avg, min and max over the matched rows, whole or per group.
 *
 * The one idea: rows are read once, segment by segment in batches: a table (group-table.ts) says which group each row
 * belongs to, then every accumulator (accumulators.ts) takes the batch. All of it is typed arrays, and values are made
 * only of the groups on the page asked for. Every live version of a row counts, as `count(*)` does. NULLs are skipped
 * by everything but count(*), and form a group of their own. Without an order groups come in the order of their first
 * rows.
 */
import { assert } from '../base/assert.js'
import type { Turn } from '../base/turn.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import { int64InForm } from '../schema/int64.js'
import type { Segment } from '../segment/segment.js'
import { Accumulator, FloatSum, IntegerSum, NumberBest, TextBest, WordsBest } from './accumulators.js'
import { type Aggregation, type Measure, type OutContext, outValue } from './aggregate.js'
import { BATCH_ROWS, GroupTable } from './group-table.js'
import { type MatchedRows, rowsOf } from './match-rows.js'
import { sortValueAt } from './order-by.js'
import type { ReadContext, Row } from './request.js'
import { SLICE_WORK, TopRows } from './top-rows.js'

/** Bytes of texts in one batch, about: hashing and comparing them takes 1 to 2 ns a byte. */
const BATCH_BYTES = 256 * 1024
/** Groups turned into result rows between two looks at the clock. */
const SLICE_GROUPS = 1_024

/** What is gathered while rows are read. */
interface Gathered {
  readonly table: GroupTable
  readonly accumulators: readonly Accumulator[]
  /** Per segment the columns grouped by; empty where no row matched. */
  readonly groupColumns: Column[][]
}

/** Reads the matched rows of every segment and answers with one row per group. */
export async function runAggregation(
  context: ReadContext,
  segments: readonly Segment[],
  matches: readonly MatchedRows[],
  plan: Aggregation,
  turn: Turn,
): Promise<Row[]> {
  const groupColumns: Column[][] = segments.map(() => [])
  const table = new GroupTable(groupColumns, plan.groupBy.length)
  const accumulators = plan.measures.map(measure => accumulatorOf(context.schema, measure))
  for (const accumulator of accumulators) await accumulator.grow(table.capacity, turn)
  const gathered = { table, accumulators, groupColumns }
  const fields = [...new Set([...plan.groupBy, ...plan.measures.map(m => m.index)])].filter(i => i >= 0)
  for (let s = 0; s < segments.length; s++) {
    const match = matches[s]!
    if (match.count === 0) continue
    if (fields.length === 0) {
      for (const accumulator of accumulators) accumulator.addRows(match.count)
      continue
    }
    await segments[s]!.load(fields)
    await addSegment(gathered, plan, segments[s]!, s, rowsOf(match), turn)
  }
  const page = await pageOf(gathered, plan, turn)
  const out: Row[] = []
  for (let i = 0; i < page.length; i++) {
    if (i % SLICE_GROUPS === SLICE_GROUPS - 1 && turn.due()) await turn.next()
    out.push(rowOf(context, plan, gathered, page[i]!))
  }
  return out
}

function accumulatorOf(schema: CollectionSchema, { op, index, integer }: Measure): Accumulator {
  if (op === 'count') return new Accumulator()
  if (op === 'sum' || op === 'avg') return integer ? new IntegerSum() : new FloatSum()
  switch (schema.fields[index]!.dataType) {
    case DataType.VarChar:
      return new TextBest(op === 'min')
    case DataType.Int64:
    case DataType.Timestamptz:
      return new WordsBest(op === 'min')
    default:
      return new NumberBest(op === 'min')
  }
}

/** Takes the matched rows of a segment, whose columns are resident. */
async function addSegment(
  { table, accumulators, groupColumns }: Gathered,
  plan: Aggregation,
  segment: Segment,
  source: number,
  rows: Int32Array,
  turn: Turn,
): Promise<void> {
  const keys = plan.groupBy.map(index => segment.column(index))
  groupColumns[source] = keys
  const measured = plan.measures.map(({ index }) => (index < 0 ? null : segment.column(index)))
  const columns = [...keys, ...measured]
  const groupOf = new Int32Array(BATCH_ROWS)
  for (let from = 0; from < rows.length; ) {
    if (turn.due()) await turn.next()
    if (table.crowded) {
      await table.grow(turn)
      for (const accumulator of accumulators) await accumulator.grow(table.capacity, turn)
    }
    const to = batchEnd(columns, rows, from)
    table.place(source, rows, from, to, groupOf)
    for (let m = 0; m < accumulators.length; m++) accumulators[m]!.add(measured[m]!, rows, from, to, groupOf)
    from = to
  }
}

/** Where the batch ends that begins at `from`: at least one row on. */
function batchEnd(columns: readonly (Column | null)[], rows: Int32Array, from: number): number {
  let end = Math.min(rows.length, from + BATCH_ROWS)
  for (const column of columns) {
    if (column === null || column.layout === 'fixed') continue
    const { offsets } = column
    let bytes = 0
    let to = from
    for (; to < end && (to === from || bytes < BATCH_BYTES); to++) {
      bytes += offsets[rows[to]! + 1]! - offsets[rows[to]!]!
    }
    end = to
  }
  return end
}

/** Numbers of the groups on the page, in order. */
async function pageOf(
  { table, groupColumns }: Gathered,
  plan: Aggregation,
  turn: Turn,
): Promise<Uint32Array> {
  const { offset, limit } = plan.window
  const end = Math.min(table.count, offset + limit)
  if (plan.order.length === 0) {
    const page = new Uint32Array(Math.max(0, end - offset))
    for (let i = 0; i < page.length; i++) page[i] = offset + i
    return page
  }
  const columns = groupColumns.map(keys => (keys.length === 0 ? [] : plan.order.map(term => keys[term.at]!)))
  const top = new TopRows(columns, plan.order, end)
  let nextLook = SLICE_WORK
  for (let group = 0; group < table.count; group++) {
    top.offer(table.sourceOf(group), table.rowOf(group))
    if (top.work < nextLook) continue
    nextLook = top.work + SLICE_WORK
    if (turn.due()) await turn.next()
  }
  return (await top.sorted(turn)).arrivals.subarray(offset)
}

function rowOf(context: ReadContext, plan: Aggregation, gathered: Gathered, group: number): Row {
  const { table, accumulators, groupColumns } = gathered
  const row: Row = {}
  for (const { kind, name, at } of plan.outputs) {
    if (kind === 'aggregate') {
      row[name] = measured(context, plan.measures[at]!, accumulators[at]!, group)
      continue
    }
    const index = plan.groupBy[at]!
    const column = groupColumns[table.sourceOf(group)]![at]!
    row[name] = outValue(context, index, sortValueAt(context.schema, index, column, table.rowOf(group)))
  }
  return row
}

function measured(context: OutContext, measure: Measure, accumulator: Accumulator, group: number): unknown {
  const { op, index, integer } = measure
  const { int64As } = context
  const count = accumulator.countOf(group)
  if (op === 'count') return int64InForm(count, int64As)
  if (count === 0) return null
  const value = accumulator.valueOf(group)
  if (op === 'avg') return Number(value) / count
  if (op === 'sum') {
    if (!integer) return value
    assert(typeof value !== 'string', 'a sum of integers is one')
    return int64InForm(value, int64As)
  }
  return outValue(context, index, value)
}
