/**
 * get, query and count: rows by primary key, rows by filter, and how many there are.
 *
 * A query answers in primary key order with one row per key, the newest visible version (§2.4), by merging segments
 * that are each in key order: a page of a large collection reads a page, not the collection. A get looks its keys up
 * and stays synchronous as long as everything it needs is in memory, which is what makes it cost microseconds.
 */
import { invalid } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { Turn } from '../base/turn.js'
import { pkField } from '../schema/collection-schema.js'
import { DataType } from '../schema/data-type.js'
import { int64InForm } from '../schema/int64.js'
import type { PkKey, Segment, Snapshot } from '../segment/segment.js'
import { countsOnly, planAggregation } from './aggregate.js'
import { countElements, expandElements, planPlace, rowWindow } from './expand-elements.js'
import { orderOfMatch } from './growing-order.js'
import { type MatchedRows, matchSegments } from './match-rows.js'
import { planQueryOrder, type SortKey } from './order-by.js'
import { PkMerge } from './pk-merge.js'
import {
  type OutputPlan,
  planFilter,
  planKey,
  planKeys,
  planOutput,
  planWindow,
  type ResultWindow,
  withTimes,
} from './plan.js'
import { projectionOf, projectRows, type RowRefs } from './project.js'
import type { PkInput, QueryRequest, ReadContext, Row, TimeRequest } from './request.js'
import { deadlineFields, findLivingPk } from './row-deadline.js'
import { runAggregation } from './run-aggregation.js'
import { SeenKeys } from './seen-keys.js'
import { SLICE_WORK, TopRows } from './top-rows.js'

/** Keys checked between two looks at the clock. */
const SLICE_KEYS = 1_024
/** Keys times segments that they are looked up in between two looks at the clock: about 1 ms. */
const SLICE_LOOKUPS = 1_024
const MIN_SLICE_KEYS = 16
/** Rows merged between two looks at the clock. */
const MERGE_ROWS = 2048
/** Rows whose sort keys are read between two looks at the clock. */
const ORDER_ROWS = 512

/**
 * Rows by primary key, in the order asked for; absent keys are left out, a repeated key appears once.
 * Synchronous when all columns needed are in memory and the keys are few.
 * @param outputFields default ['*']; the primary key is always there
 * @throws MilvusError ParameterInvalid for keys of the wrong type and unknown fields
 */
export function runGet(
  given: ReadContext,
  snapshot: Snapshot,
  ids: readonly PkInput[],
  outputFields?: readonly string[],
  times: TimeRequest = {},
): Row[] | Promise<Row[]> {
  const context = withTimes(given, times)
  const output = planOutput(context.schema, outputFields, true)
  const { segments } = snapshot
  const loading: Promise<void>[] = []
  for (let s = 0; s < segments.length; s++) {
    const pending = segments[s]!.load(deadlineFields(context.deadline))
    if (pending !== undefined) loading.push(pending)
  }
  if (loading.length === 0) return getLoaded(context, snapshot, ids, output)
  return Promise.all(loading).then(() => getLoaded(context, snapshot, ids, output))
}

function getLoaded(
  context: ReadContext,
  snapshot: Snapshot,
  ids: readonly PkInput[],
  output: OutputPlan,
): Row[] | Promise<Row[]> {
  if (ids.length > keysInSlice(snapshot)) return getMany(context, snapshot, ids, output)
  const keys = planKeys(context.schema, ids)
  const { segments } = snapshot
  const found: FoundRows = { segments, segmentOf: [], rows: [], count: 0 }
  findRows(context, snapshot, keys, 0, keys.length, found)
  return projectRows(projectionOf(context, output), found, new Turn())
}

/** Keys of a slice: each one is looked up in every segment. */
function keysInSlice({ segments }: Snapshot): number {
  return Math.max(MIN_SLICE_KEYS, Math.floor(SLICE_LOOKUPS / Math.max(1, segments.length)))
}

/** A get of many keys, in slices. All are checked before the first one is looked up. */
async function getMany(
  context: ReadContext,
  snapshot: Snapshot,
  ids: readonly PkInput[],
  output: OutputPlan,
): Promise<Row[]> {
  const turn = new Turn()
  const text = pkField(context.schema).dataType === DataType.VarChar
  const asked = ids.length
  const keys: PkKey[] = new Array(asked)
  const seen = new SeenKeys(asked)
  let count = 0
  for (let i = 0; i < asked; i++) {
    if (i % SLICE_KEYS === 0 && turn.due()) await turn.next()
    const key = planKey(text, ids[i]!)
    if (seen.add(key, keys, count)) keys[count++] = key
  }
  const { segments } = snapshot
  const found: FoundRows = {
    segments,
    segmentOf: new Int32Array(count),
    rows: new Int32Array(count),
    count: 0,
  }
  const step = keysInSlice(snapshot)
  for (let from = 0; from < count; from += step) {
    if (turn.due()) await turn.next()
    findRows(context, snapshot, keys, from, Math.min(from + step, count), found)
  }
  return projectRows(projectionOf(context, output), found, turn)
}

/** Rows found so far. Typed arrays have room for all keys. */
interface FoundRows extends RowRefs {
  readonly segmentOf: number[] | Int32Array
  readonly rows: number[] | Int32Array
  count: number
}

/** Appends where the newest living row of each key of `keys[from .. to)` is; keys without one are left out. */
function findRows(
  context: ReadContext,
  { segments, tick }: Snapshot,
  keys: readonly PkKey[],
  from: number,
  to: number,
  out: FoundRows,
): void {
  for (let k = from; k < to; k++) {
    let newest = context.expireBeforeTick
    let at = -1
    let found = -1
    for (let s = 0; s < segments.length; s++) {
      const segment = segments[s]!
      const row = findLivingPk(segment, keys[k]!, tick, context.partitions, context.deadline)
      if (row < 0) continue
      const inserted = segment.tickOf(row)
      if (inserted <= newest) continue
      newest = inserted
      at = s
      found = row
    }
    if (at < 0) continue
    out.segmentOf[out.count] = at
    out.rows[out.count++] = found
  }
}

/**
 * Rows that a filter selects, sorted by primary key unless `orderBy` says otherwise; or aggregates over them.
 * @throws MilvusError ParameterInvalid and the filter's errors; nothing is read when the request is wrong
 */
export async function runQuery(
  given: ReadContext,
  snapshot: Snapshot,
  request: QueryRequest,
): Promise<Row[]> {
  const context = withTimes(given, request)
  const aggregation = planAggregation(context.schema, request)
  const verb = aggregation === null || countsOnly(aggregation) ? 'elements' : 'query'
  const planned = planFilter(context.schema, request, context.timeZone, verb)
  const plan = planned instanceof Promise ? await planned : planned
  const { segments, tick } = snapshot
  const turn = new Turn()
  if (aggregation !== null) {
    const question = { context, tick, plan, everyVersion: true }
    const matches = await matchSegments(question, segments, request.ignoreGrowing, turn)
    if (plan.elements !== null) {
      const count = await countElements(plan.elements, segments, matches, turn)
      return [{ 'count(*)': int64InForm(count, context.int64As) }]
    }
    return runAggregation(context, segments, matches, aggregation, turn)
  }
  const window = planWindow(request.limit, request.offset)
  const order = planQueryOrder(context.schema, request.orderBy)
  const output = planOutput(context.schema, request.outputFields, true)
  if (window.limit === Number.POSITIVE_INFINITY) {
    if (order.length > 0) throw invalid('ORDER BY requires explicit limit')
    if (isBlank(request.filter)) throw invalid('empty expression should be used with limit')
  }
  const question = { context, tick, plan, everyVersion: false }
  const matches = await matchSegments(question, segments, request.ignoreGrowing, turn)
  const merge = await mergeOf(segments, matches, turn)
  const after = planPlace(context.schema, request.afterElement)
  const rowsWanted = plan.elements === null ? window : rowWindow(window, after)
  const refs =
    order.length === 0
      ? await page(segments, matches, merge, rowsWanted, turn)
      : await orderedPage(segments, matches, merge, order, rowsWanted, turn)
  const bytesMax = context.resultBytesMax ?? LIMITS.resultBytesMax
  const rows = projectRows(projectionOf(context, output, bytesMax), refs, turn)
  if (plan.elements === null) return rows
  return expandElements(plan.elements, refs, await rows, window, after, turn)
}

/** Number of live row versions, or of elements, that the filter selects: `count(*)`. */
export async function runCount(
  given: ReadContext,
  snapshot: Snapshot,
  request: Pick<QueryRequest, 'filter' | 'templates' | 'ignoreGrowing' | 'timeZone'> = {},
): Promise<number> {
  const context = withTimes(given, request)
  const planned = planFilter(context.schema, request, context.timeZone, 'elements')
  const plan = planned instanceof Promise ? await planned : planned
  const question = { context, tick: snapshot.tick, plan, everyVersion: true }
  const turn = new Turn()
  const { segments } = snapshot
  const matches = await matchSegments(question, segments, request.ignoreGrowing, turn)
  if (plan.elements !== null) return countElements(plan.elements, segments, matches, turn)
  let count = 0
  for (const match of matches) count += match.count
  return count
}

function isBlank(filter: string | undefined): boolean {
  return filter === undefined || filter === null || filter.trim() === ''
}

/** The walk over matched rows in primary key order. */
export async function mergeOf(
  segments: readonly Segment[],
  matches: readonly MatchedRows[],
  turn: Turn,
): Promise<PkMerge> {
  const sources = []
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i]!
    const match = matches[i]!
    const order = segment.sortedByPk || match.count === 0 ? null : await orderOfMatch(segment, match, turn)
    sources.push({ segment, match, order })
  }
  return new PkMerge(sources)
}

/** Walks the merge to the end of the window. */
async function page(
  segments: readonly Segment[],
  matches: readonly MatchedRows[],
  merge: PkMerge,
  window: ResultWindow,
  turn: Turn,
): Promise<RowRefs> {
  let total = 0
  for (const match of matches) total += match.count
  const room = Math.max(0, Math.min(window.limit, total - window.offset))
  const segmentOf = new Uint32Array(room)
  const rows = new Int32Array(room)
  let seen = 0
  let count = 0
  while (count < room && merge.next()) {
    if (++seen % MERGE_ROWS === 0 && turn.due()) await turn.next()
    if (seen <= window.offset) continue
    segmentOf[count] = merge.source
    rows[count++] = merge.row
  }
  return { segments, segmentOf, rows, count }
}

/** Walks the whole merge and keeps the rows that come first under the sort keys. */
async function orderedPage(
  segments: readonly Segment[],
  matches: readonly MatchedRows[],
  merge: PkMerge,
  order: readonly SortKey[],
  window: ResultWindow,
  turn: Turn,
): Promise<RowRefs> {
  const indexes = order.map(key => key.index)
  for (const segment of segments) await segment.load(indexes)
  const columns = segments.map(segment => indexes.map(index => segment.column(index)))
  let total = 0
  for (const match of matches) total += match.count
  const top = new TopRows(columns, order, Math.min(total, window.offset + window.limit))
  let seen = 0
  let nextLook = SLICE_WORK
  while (merge.next()) {
    top.offer(merge.source, merge.row)
    if (++seen % ORDER_ROWS !== 0 && top.work < nextLook) continue
    nextLook = top.work + SLICE_WORK
    if (turn.due()) await turn.next()
  }
  const kept = await top.sorted(turn)
  const segmentOf = kept.sources.subarray(window.offset)
  return { segments, segmentOf, rows: kept.rows.subarray(window.offset), count: segmentOf.length }
}
