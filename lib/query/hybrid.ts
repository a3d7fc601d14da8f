/**
 * Hybrid search: several searches over one snapshot, fused into one ranking per query (§3.12).
 *
 * Each sub-search runs on its own with its own field, filter and limit; only keys, scores and places are kept of it.
 * Fusion, grouping, the page and the output fields belong to the outer request; what it groups by holds for every
 * sub-search.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { Turn } from '../base/turn.js'
import { roundScore } from '../index/metric.js'
import type { QueryVector } from '../index/query-vector.js'
import type { Snapshot } from '../segment/segment.js'
import { type Fused, fuse, type RankedList } from './fuse.js'
import { type Grouping, planGrouping, planScorer, rankGroups, regroup } from './group-search.js'
import { hitsOf } from './hits.js'
import { planOutput, planWindow, type ResultWindow, withTimes } from './plan.js'
import { projectionOf } from './project.js'
import type { Ranking } from './reduce.js'
import type { HybridRequest, ReadContext, SearchHit, SearchRequest } from './request.js'
import { applyDecay, planFusion, planRerank } from './rerank.js'
import { rankFirst, severalGroups } from './search.js'
import { planDecimals, planQueries, planSearch, type SearchPlan } from './search-plan.js'
import { cut, openSearch } from './search-run.js'

interface SubSearch {
  readonly request: SearchRequest
  readonly plan: SearchPlan
  readonly queries: readonly QueryVector[]
}

/**
 * Several searches, fused.
 * @returns one list of hits per query vector; scores descend, except for weighted sums of raw distances
 * @throws MilvusError ParameterInvalid and the errors of the sub-searches
 */
export async function runHybrid(
  given: ReadContext,
  snapshot: Snapshot,
  request: HybridRequest,
): Promise<SearchHit[][]> {
  const context = withTimes(given, request)
  const { schema } = context
  const turn = new Turn()
  const window = planHybridWindow(request)
  const decimals = planDecimals(request.roundDecimal)
  const output = planOutput(schema, request.outputFields, false)
  const subs = await planSubs(context, request, window, turn)
  const rerank = planRerank(context, request.functionScore, subs.length)
  if (rerank !== null && rerank.boosts.length > 0) {
    throw invalid('boost reranker is not supported in hybrid search')
  }
  const fusion = rerank?.fusion ?? planFusion(request.rank, subs.length)
  const [grouping = null] = subs.map(sub => planGrouping(schema, request, sub.plan))
  const scorer = planScorer(request.groupScorer)
  const { segments } = snapshot
  const lists = await searchSubs(context, snapshot, subs, grouping)
  const page: { ranking: Ranking; distance: boolean }[] = []
  for (const list of lists) {
    let fused: Fused = await fuse(segments, list, fusion, turn)
    if (rerank !== null && rerank.decay !== null) {
      fused = await applyDecay(schema, segments, fused, rerank.decay, turn)
    }
    page.push({
      ranking: await pageOf(context, snapshot, fused, grouping, scorer, window, turn),
      distance: fused.distance,
    })
    if (page.length < lists.length && turn.due()) await turn.next()
  }
  const distance = page[0]?.distance ?? false
  const score = (signed: number): number => roundScore(distance ? signed : 0 - signed, decimals)
  return hitsOf(
    projectionOf(context, output),
    segments,
    page.map(p => p.ranking),
    score,
    turn,
    severalGroups(grouping),
  )
}

function pageOf(
  context: ReadContext,
  snapshot: Snapshot,
  fused: Fused,
  grouping: Grouping | null,
  scorer: 'max' | 'sum' | 'avg',
  window: ResultWindow,
  turn: Turn,
): Promise<Ranking> | Ranking {
  if (grouping === null) return cut(fused.ranking, window.offset, window.limit)
  return regroup(context, snapshot.segments, fused, grouping, scorer, window, turn)
}

function planHybridWindow(request: HybridRequest): ResultWindow {
  const { limit } = request
  if (limit === undefined || limit === null) {
    throw new MilvusError('ParameterMissing', 'limit not found in rank_params')
  }
  return planWindow(limit, request.offset)
}

/** Checks every sub-search before the first one runs. */
async function planSubs(
  context: ReadContext,
  request: HybridRequest,
  window: ResultWindow,
  turn: Turn,
): Promise<SubSearch[]> {
  const { requests } = request
  if (!Array.isArray(requests) || requests.length === 0) throw invalid('search requests should not be empty')
  if (requests.length > LIMITS.hybridRequestsMax) {
    throw invalid(`maximum of ann search requests is ${LIMITS.hybridRequestsMax}`)
  }
  if (request.orderBy !== undefined) throw invalid('order_by is not supported for hybrid search')
  const subs: SubSearch[] = []
  for (const given of requests as HybridRequest['requests']) {
    if (given.ids !== undefined) throw invalid('search by ids is not supported in hybrid search')
    if (given.orderBy !== undefined) throw invalid('order_by is not supported for hybrid search')
    const sub: SearchRequest = {
      ...given,
      limit: given.limit ?? window.offset + window.limit,
      offset: 0,
      outputFields: [],
    }
    const plan = planSearch(context, sub)
    if (turn.due()) await turn.next()
    subs.push({ request: sub, plan, queries: await planQueries(context, plan, given.data) })
  }
  const count = subs[0]!.queries.length
  if (subs.some(sub => sub.queries.length !== count))
    throw invalid('sub search request nq should be the same')
  return subs
}

/**
 * Runs every sub-search: `[query][sub-search]`. When the fused rows are grouped, each finds as many groups as its limit
 * says: among plain rows one crowded group could be all there is.
 */
async function searchSubs(
  context: ReadContext,
  snapshot: Snapshot,
  subs: readonly SubSearch[],
  grouping: Grouping | null,
): Promise<RankedList[][]> {
  const lists: RankedList[][] = subs[0]!.queries.map(() => [])
  for (const { request, plan, queries } of subs) {
    const run = await openSearch(context, snapshot, request, plan)
    const rankings =
      grouping === null ? await rankFirst(run, queries, []) : await rankGroups(run, queries, grouping, [])
    for (let q = 0; q < queries.length; q++) lists[q]!.push({ ranking: rankings[q]!, metric: plan.metric })
  }
  return lists
}
