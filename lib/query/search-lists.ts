/**
 * Search on the vectors of a struct array (MAX_SIM metrics, query-search-semantics §3.1): a query is a list of vectors,
 * and a row's score is the sum, over the query's vectors, of the best score that any of the row's own vectors has.
 *
 * Always an exact scan: the vectors of a block of rows are laid out as one column and scored by the ordinary kernels,
 * once per vector of the query. Rows without vectors are never found. Grouping, sorting, rerankers, iterators and search
 * by primary keys are refused.
 */
import { invalid } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { TopK } from '../base/top-k.js'
import type { Turn } from '../base/turn.js'
import { scoreRows } from '../index/flat-index.js'
import { checkSearchParams } from '../index/index-params.js'
import type { IndexSpec, MetricType } from '../index/index-spec.js'
import { isDistance, rangeBounds, roundScore, vectorMetric } from '../index/metric.js'
import { prepareQuery, type QueryVector } from '../index/query-vector.js'
import type { CollectionSchema, FieldSchema } from '../schema/collection-schema.js'
import type { VarColumn } from '../schema/column.js'
import {
  elementField,
  structSubField,
  subColumn,
  vectorBytes,
  vectorElements,
} from '../schema/struct-codec.js'
import type { Segment, Snapshot } from '../segment/segment.js'
import { hitsOf } from './hits.js'
import { rowsOf } from './match-rows.js'
import { planOutput, withTimes } from './plan.js'
import { projectionOf } from './project.js'
import { type Ranking, reduceHits } from './reduce.js'
import type { ReadContext, SearchHit, SearchRequest } from './request.js'
import { runSearch } from './search.js'
import { checkHints, planDecimals, planTopK, type SearchPlan } from './search-plan.js'
import { cut, isCutShort, openSearch, type SearchRun } from './search-run.js'
import { byKey, firstOf, type SegmentHits } from './segment-hits.js'

/** Rows whose vectors are laid out at a time. */
const BLOCK_ROWS = 512
/** Bytes of vectors compared between two looks at the clock: under 1 ms. */
const SLICE_BYTES = 2 ** 21

/** Where a search on `struct[sub]` looks. */
interface ListTarget {
  readonly name: string
  /** Position of the struct in the schema, and of the sub-field in the struct. */
  readonly struct: number
  readonly part: number
  readonly sub: FieldSchema
}

/** The target of a search when its field is a vector of a struct array, else null. */
function listTarget(schema: CollectionSchema, annsField: string | undefined): ListTarget | null {
  const name = annsField?.trim() ?? ''
  const found = structSubField(schema, name)
  if (found === null || found.sub.dim === 0) return null
  return { name, ...found }
}

/** A search on whatever its field is: vectors, or lists of vectors. @throws MilvusError */
export function runAnySearch(
  context: ReadContext,
  snapshot: Snapshot,
  request: SearchRequest,
): Promise<SearchHit[][]> {
  const target = listTarget(context.schema, request.annsField)
  return target === null
    ? runSearch(context, snapshot, request)
    : searchLists(withTimes(context, request), snapshot, request, target)
}

/** Rows by the similarity of their vectors to lists of vectors, best first. @throws MilvusError */
async function searchLists(
  context: ReadContext,
  snapshot: Snapshot,
  request: SearchRequest,
  target: ListTarget,
): Promise<SearchHit[][]> {
  refuseExtras(request)
  const plan = planLists(context, request, target)
  const queries = planQueryLists(request, plan)
  const run = await openSearch(context, snapshot, request, plan)
  const { offset, limit, decimals, metric, output } = plan
  const rankings: Ranking[] = []
  for (const query of queries) {
    rankings.push(cut(await rank(run, target, query, offset + limit), offset, limit))
  }
  const distance = isDistance(metric)
  const score = (signed: number): number => roundScore(distance ? signed : 0 - signed, decimals)
  return hitsOf(projectionOf(context, output), run.segments, rankings, score, run.turn)
}

function refuseExtras(request: SearchRequest): void {
  const given =
    (request.groupByField !== undefined && 'group_by_field') ||
    (request.groupByFields !== undefined && 'group_by_fields') ||
    (request.orderBy !== undefined && 'order_by') ||
    (request.functionScore !== undefined && 'a reranker') ||
    (request.after !== undefined && request.after !== null && 'an iterator') ||
    (request.ids !== undefined && request.ids !== null && 'search by primary keys')
  if (given !== false) throw invalid(`${given} is not supported in search on vectors of a struct array`)
}

function planLists(context: ReadContext, request: SearchRequest, target: ListTarget): SearchPlan {
  const { limit, offset } = planTopK(request.limit, request.offset ?? request.params?.['offset'])
  checkHints(request)
  const spec = context.indexes.find(index => index.fieldName === target.name)
  if (spec === undefined || spec.metricType === '') {
    throw invalid(`field index of the field: ${target.name} is not loaded, please reload the collection`)
  }
  const metric = metricOf(spec, request.metricType)
  const field = { ...elementField(target.sub), name: target.name }
  const params = (request.params ?? {}) as Readonly<Record<string, unknown>>
  const { radius, rangeFilter } = checkSearchParams(spec, field, params, limit + offset)
  return {
    fieldIndex: target.struct,
    field,
    metric,
    limit,
    offset,
    ef: 0,
    ...rangeBounds(metric, radius, rangeFilter),
    ranged: radius !== undefined,
    after: null,
    output: planOutput(context.schema, request.outputFields, false),
    decimals: planDecimals(request.roundDecimal),
  }
}

function metricOf(spec: IndexSpec, asked: string | undefined): MetricType {
  const metric = spec.metricType as MetricType
  if (asked === undefined || asked === null || asked === '' || asked.toUpperCase() === metric) return metric
  throw invalid('metric type not match', { expected: metric, actual: asked })
}

/** The lists of a request: each an array of vectors, or one typed array that holds them end to end. */
function planQueryLists(request: SearchRequest, plan: SearchPlan): QueryVector[][] {
  const lists: readonly unknown[] = Array.isArray(request.data) ? request.data : []
  if (lists.length < 1 || lists.length > LIMITS.nqMax) {
    throw invalid(
      `nq [${lists.length}] is invalid, nq (number of search vector per search request) should be in range [1, ${LIMITS.nqMax}], but got ${lists.length}`,
    )
  }
  const metric = vectorMetric(plan.metric)
  return lists.map(list => {
    const vectors = vectorsOf(list, plan.field)
    if (vectors.length === 0) throw invalid('an embedding list to search with holds no vector')
    return vectors.map(vector => prepareQuery(plan.field, metric, vector))
  })
}

function vectorsOf(list: unknown, field: FieldSchema): readonly unknown[] {
  if (Array.isArray(list)) {
    if (typeof list[0] !== 'number') return list
    throw invalid(`a query of ${field.name} is a list of vectors, got one vector`)
  }
  if (!ArrayBuffer.isView(list) || list instanceof DataView) {
    throw invalid(`a query of ${field.name} is a list of vectors`)
  }
  const flat = list as Uint8Array | Float32Array
  const bytes = vectorBytes({ ...field, elementType: field.dataType })
  const width =
    flat.BYTES_PER_ELEMENT === 1
      ? bytes
      : flat instanceof Float32Array
        ? field.dim
        : bytes / flat.BYTES_PER_ELEMENT
  if (flat.length % width !== 0) {
    throw invalid(
      `vector dimension mismatch: ${flat.length} elements are no list of vectors of dim ${field.dim}`,
    )
  }
  return Array.from({ length: flat.length / width }, (_, i) => flat.subarray(i * width, (i + 1) * width))
}

/** The best `need` rows of all segments; asks for more while versions of one key crowd others out. */
async function rank(
  run: SearchRun,
  target: ListTarget,
  query: readonly QueryVector[],
  need: number,
): Promise<Ranking> {
  for (let k = need; ; k *= 2) {
    const hits: SegmentHits[] = []
    for (let s = 0; s < run.segments.length; s++) {
      hits.push(await searchSegment(run, run.segments[s]!, rowsOf(run.matches[s]!), target, query, k))
    }
    const ranking = await reduceHits(run.segments, hits, need, run.turn)
    if (!isCutShort(run, ranking, hits, need, k)) return ranking
  }
}

async function searchSegment(
  run: SearchRun,
  segment: Segment,
  rows: Int32Array,
  target: ListTarget,
  query: readonly QueryVector[],
  k: number,
): Promise<SegmentHits> {
  const { low, high } = run.plan
  // Where rows are not in key order, all are kept until those of equal score are.
  const top = new TopK(segment.sortedByPk ? k : Math.max(1, rows.length), low, high)
  for (let from = 0; from < rows.length; from += BLOCK_ROWS) {
    const block = rows.subarray(from, Math.min(rows.length, from + BLOCK_ROWS))
    const gathered = segment.gather([target.struct], Int32Array.from(block))
    const [column] = Array.isArray(gathered) ? gathered : await gathered
    await scoreBlock(column as VarColumn, block, target, query, top, run.turn)
    if (run.turn.due()) await run.turn.next()
  }
  const { scores, rows: found } = top.drain()
  if (segment.sortedByPk) return { signed: scores, rows: found }
  return firstOf(await byKey(segment, scores, found, run.turn), k)
}

/** Offers the scores of some rows, whose struct values are `column`. In slices: a row may hold thousands of vectors. */
async function scoreBlock(
  column: VarColumn,
  rows: Int32Array,
  target: ListTarget,
  query: readonly QueryVector[],
  top: TopK,
  turn: Turn,
): Promise<void> {
  const part = subColumn(column, rows.length, target.part)
  const size = vectorBytes(target.sub)
  const elements = vectorElements(target.sub, part.heap, 0, part.heap.length)
  const count = part.heap.length / size
  const all = Int32Array.from({ length: count }, (_, i) => i)
  const scores = new Float32Array(count)
  const sums = new Float64Array(rows.length)
  const distance = query[0]!.distance
  const step = Math.max(1, Math.floor(SLICE_BYTES / size))
  for (const vector of query) {
    for (let from = 0; from < count; from += step) {
      if (turn.due()) await turn.next()
      scoreRows(vector, elements, all.subarray(from, from + step), scores.subarray(from, from + step))
    }
    for (let i = 0; i < rows.length; i++) {
      const end = part.offsets[i + 1]! / size
      let best = Number.POSITIVE_INFINITY
      for (let e = part.offsets[i]! / size; e < end; e++) {
        const signed = distance ? scores[e]! : 0 - scores[e]!
        if (signed < best) best = signed
      }
      sums[i]! += best
    }
  }
  // A row without vectors has an infinite sum, which is never kept.
  for (let i = 0; i < rows.length; i++) {
    const signed = Math.fround(sums[i]!)
    if (signed <= top.threshold) top.push(signed, rows[i]!)
  }
}
