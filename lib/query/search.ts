/**
 * Search: the nearest rows to each query vector, over all segments of a snapshot.
 *
 * plan → rows that match the filter, once per segment → each query in each segment → merge per query → output fields of
 * the rows that are returned. Segments are searched one after the other on this thread, with a look at the clock
 * between steps; everything that is the same for all queries of a request is done once.
 */
import { assert } from '../base/assert.js'
import { invalid } from '../base/errors.js'
import { isDistance, roundScore } from '../index/metric.js'
import { type QueryVector, queryFromColumn } from '../index/query-vector.js'
import type { PkKey, Segment, Snapshot } from '../segment/segment.js'
import { applyBoosts } from './boost.js'
import { type Fused, fuse } from './fuse.js'
import { type Grouping, planGrouping, rankGroups, regroup } from './group-search.js'
import { hitsOf } from './hits.js'
import { compareKeys } from './pk-merge.js'
import { planKeys, withTimes } from './plan.js'
import { projectionOf } from './project.js'
import type { Ranking } from './reduce.js'
import type { PkInput, ReadContext, SearchHit, SearchRequest } from './request.js'
import { applyDecay, planRerank, type RerankPlan } from './rerank.js'
import { deadlineFields, findLivingPk } from './row-deadline.js'
import { type HitSortKey, planHitOrder, sortedPlaces } from './search-order.js'
import { planQueries, planSearch, type SearchPlan } from './search-plan.js'
import { cut, openSearch, pick, rankingOf, refsOf, type SearchRun, searchSegments } from './search-run.js'

/**
 * The nearest rows to each query vector, best first; equal scores by smaller primary key.
 * @returns one list of hits per query vector (or per id)
 * @throws MilvusError ParameterInvalid, ParameterMissing and the filter's errors
 */
export async function runSearch(
  given: ReadContext,
  snapshot: Snapshot,
  request: SearchRequest,
): Promise<SearchHit[][]> {
  const { schema } = given
  const context = withTimes(given, request)
  const plan = planSearch(context, request)
  const grouping = planGrouping(schema, request, plan)
  const order = planHitOrder(schema, request)
  const rerank = planRerank(context, request.functionScore, 1)
  checkTogether(grouping, order, rerank)
  // What is there at once is not awaited: a search that finds everything in memory pays for no promises in between.
  const vectors = queriesOf(context, snapshot, request, plan)
  const queries = vectors instanceof Promise ? await vectors : vectors
  const opening = openSearch(context, snapshot, request, plan)
  const run = opening instanceof Promise ? await opening : opening
  const { segments, turn } = run
  const { metric, decimals, output } = plan
  let distance = isDistance(metric)
  let rankings: Ranking[]
  if (rerank === null) {
    rankings =
      grouping === null
        ? await rankRows(run, queries, order)
        : await rankGroups(run, queries, grouping, order)
  } else {
    const fused = await rankWithRankers(run, queries, grouping, rerank)
    rankings = fused.map(f => f.ranking)
    distance = fused[0]?.distance ?? distance
  }
  const score = (signed: number): number => roundScore(distance ? signed : 0 - signed, decimals)
  return hitsOf(projectionOf(context, output), segments, rankings, score, turn, severalGroups(grouping))
}

/** True when groups have one value per field, by name. */
export function severalGroups(grouping: Grouping | null): boolean {
  return grouping !== null && grouping.paths.length > 1
}

/** What cannot be asked for in one search. */
function checkTogether(
  grouping: Grouping | null,
  order: readonly HitSortKey[],
  rerank: RerankPlan | null,
): void {
  if (order.length > 0 && severalGroups(grouping))
    throw invalid('order_by_fields is not supported with multi-field group_by_fields')
  if (rerank === null) return
  if (order.length > 0) throw invalid('order_by and function rerank cannot be used together')
  if (grouping !== null && rerank.boosts.length > 0)
    throw invalid('segment scorer with group_by is not supported')
}

/** The page of every query: by score, or by fields when the hits are sorted. */
function rankRows(
  run: SearchRun,
  queries: readonly (QueryVector | null)[],
  order: readonly HitSortKey[],
): Promise<Ranking[]> {
  return run.plan.after === null ? rankFirst(run, queries, order) : rankBehind(run, queries)
}

/**
 * The page behind a cursor. Rows with the cursor's own score and a smaller key were on earlier pages: they are found
 * again and left out, so more rows are asked for until the page is full.
 */
export async function rankBehind(
  run: SearchRun,
  queries: readonly (QueryVector | null)[],
): Promise<Ranking[]> {
  const { limit, after } = run.plan
  assert(after !== null, 'the search has a cursor')
  const rankings: Ranking[] = []
  for (const query of queries) {
    for (let need = limit + 16; ; need *= 2) {
      const [found] = await searchSegments(run, [query], need)
      const ranking = await rankingOf(run, query, found!, need)
      let behind = 0
      while (behind < ranking.ids.length && !isBehind(after, ranking.signed[behind]!, ranking.ids[behind]!))
        behind++
      if (ranking.ids.length - behind < limit && ranking.ids.length >= need) continue
      rankings.push(cut(ranking, behind, limit))
      if (run.turn.due()) await run.turn.next()
      break
    }
  }
  return rankings
}

function isBehind(after: NonNullable<SearchPlan['after']>, signed: number, id: PkKey): boolean {
  if (signed !== after.signed) return signed > after.signed
  return after.id !== null && compareKeys(id, after.id) > 0
}

/** The first page of every query: by score, or by fields when the hits are sorted. */
export async function rankFirst(
  run: SearchRun,
  queries: readonly (QueryVector | null)[],
  order: readonly HitSortKey[],
): Promise<Ranking[]> {
  const { offset, limit } = run.plan
  const searching = searchSegments(run, queries, offset + limit)
  const found = searching instanceof Promise ? await searching : searching
  const rankings: Ranking[] = []
  for (let q = 0; q < queries.length; q++) {
    const merging = rankingOf(run, queries[q]!, found[q]!, offset + limit)
    let ranking = merging instanceof Promise ? await merging : merging
    if (order.length > 0) {
      const places = await sortedPlaces(run.context.schema, refsOf(run.segments, [ranking]), order, run.turn)
      ranking = pick(ranking, places)
    }
    rankings.push(cut(ranking, offset, limit))
    if (rankings.length < queries.length && run.turn.due()) await run.turn.next()
  }
  return rankings
}

/** The page of every query after its rankers: the best `offset + limit` rows (or groups) get new scores. */
async function rankWithRankers(
  run: SearchRun,
  queries: readonly (QueryVector | null)[],
  grouping: Grouping | null,
  rerank: RerankPlan,
): Promise<Fused[]> {
  const { segments, context, plan, turn } = run
  const { offset, limit, metric } = plan
  const whole: SearchRun = { ...run, plan: { ...plan, offset: 0, limit: offset + limit } }
  const found =
    grouping === null ? await rankRows(whole, queries, []) : await rankGroups(whole, queries, grouping, [])
  const pages: Fused[] = []
  for (const ranking of found) {
    let fused: Fused = { ranking, distance: isDistance(metric) }
    if (rerank.boosts.length > 0)
      fused = await applyBoosts(context.schema, segments, ranking, metric, rerank, turn)
    if (rerank.fusion !== null) {
      fused = await fuse(segments, [{ ranking: fused.ranking, metric }], rerank.fusion, turn)
      if (rerank.decay !== null) fused = await applyDecay(context.schema, segments, fused, rerank.decay, turn)
    }
    const page =
      grouping === null
        ? cut(fused.ranking, offset, limit)
        : await regroup(context, segments, fused, grouping, 'max', { offset, limit }, turn)
    pages.push({ ranking: page, distance: fused.distance })
    if (turn.due()) await turn.next()
  }
  return pages
}

/** Query vectors of a request: given, or stored under ids. A null stands for a row without a vector. */
export function queriesOf(
  context: ReadContext,
  snapshot: Snapshot,
  request: SearchRequest,
  plan: SearchPlan,
): (QueryVector | null)[] | Promise<(QueryVector | null)[]> {
  if (request.ids === undefined || request.ids === null) return planQueries(context, plan, request.data)
  if (request.data !== undefined && request.data !== null && request.data.length > 0) {
    throw invalid('data and ids cannot be given together')
  }
  return storedVectors(context, snapshot, request.ids, plan)
}

/** The vectors of rows, by primary key (§3.8). */
async function storedVectors(
  context: ReadContext,
  snapshot: Snapshot,
  ids: readonly PkInput[],
  plan: SearchPlan,
): Promise<(QueryVector | null)[]> {
  const keys = planKeys(context.schema, ids)
  if (keys.length !== ids.length) throw invalid('duplicate IDs found in search request')
  if (keys.length === 0) return planQueries(context, plan, [])
  const missing: PkKey[] = []
  const queries: (QueryVector | null)[] = []
  for (const segment of snapshot.segments) await segment.load(deadlineFields(context.deadline))
  for (const key of keys) {
    const at = newestOf(context, snapshot, key)
    if (at === null) {
      missing.push(key)
      continue
    }
    const [column] = await at.segment.gather([plan.fieldIndex], Int32Array.of(at.row))
    if (column !== undefined) queries.push(queryFromColumn(plan.field, plan.metric, column, 0))
  }
  if (missing.length > 0) {
    throw invalid(`some of the provided primary key IDs do not exist: missing IDs = [${missing.join(' ')}]`)
  }
  return queries
}

/** The newest visible row with a key, over all segments. */
function newestOf(
  context: ReadContext,
  snapshot: Snapshot,
  key: PkKey,
): { readonly segment: Segment; readonly row: number } | null {
  let newest = context.expireBeforeTick
  let found: { readonly segment: Segment; readonly row: number } | null = null
  for (const segment of snapshot.segments) {
    const row = findLivingPk(segment, key, snapshot.tick, context.partitions, context.deadline)
    if (row < 0 || segment.tickOf(row) <= newest) continue
    newest = segment.tickOf(row)
    found = { segment, row }
  }
  return found
}
