/**
 * A search under way: the rows that matter in every segment, and the steps that plain, grouping and hybrid searches
 * are put together from.
 *
 * Positions of segments are those of the snapshot throughout, so rankings of different searches over one snapshot can
 * be laid side by side.
 */
import { Turn } from '../base/turn.js'
import type { FilterPlan } from '../filter/compile.js'
import { checkIsolation } from '../filter/isolation.js'
import type { QueryVector } from '../index/query-vector.js'
import type { Segment, Snapshot } from '../segment/segment.js'
import { type MatchedRows, matchSegments, type RowQuestion } from './match-rows.js'
import { compareKeys } from './pk-merge.js'
import { planFilter } from './plan.js'
import type { RowRefs } from './project.js'
import { type Ranking, reduceHits } from './reduce.js'
import type { ReadContext, SearchRequest } from './request.js'
import type { SearchPlan } from './search-plan.js'
import { searchSegment } from './search-segment.js'
import { NO_HITS, type SearchTarget, type SegmentHits } from './segment-hits.js'

/** What all queries of a search share. */
export interface SearchRun {
  readonly context: ReadContext
  readonly plan: SearchPlan
  readonly segments: readonly Segment[]
  readonly matches: readonly MatchedRows[]
  readonly turn: Turn
}

/**
 * Finds the rows that the filter selects in every segment; a promise only when that takes reading or long work.
 * @throws MilvusError the filter's errors
 */
export function openSearch(
  context: ReadContext,
  snapshot: Snapshot,
  request: Pick<SearchRequest, 'filter' | 'templates' | 'ignoreGrowing'>,
  plan: SearchPlan,
): SearchRun | Promise<SearchRun> {
  const filter = planFilter(context.schema, request, context.timeZone)
  if (filter instanceof Promise)
    return filter.then(made => openFiltered(context, snapshot, request, plan, made))
  return openFiltered(context, snapshot, request, plan, filter)
}

/** Goes on when the filter is compiled. */
function openFiltered(
  context: ReadContext,
  { segments, tick }: Snapshot,
  request: Pick<SearchRequest, 'ignoreGrowing'>,
  plan: SearchPlan,
  filter: FilterPlan,
): SearchRun | Promise<SearchRun> {
  const turn = new Turn()
  if (context.isolated === true) {
    const key = context.schema.fields[context.schema.partitionKeyIndex]
    if (key !== undefined) checkIsolation(filter.text, key.name)
  }
  // Every version of a key is a candidate: the one with the best score stands for it.
  const question: RowQuestion = { context, tick, plan: filter, everyVersion: true }
  const found = matchSegments(question, segments, request.ignoreGrowing, turn)
  const opened = (matches: readonly MatchedRows[]): SearchRun => ({ context, plan, segments, matches, turn })
  return found instanceof Promise ? found.then(opened) : opened(found)
}

/**
 * The best `k` hits of every query in every segment: `[query][segment]`. A null query has none.
 * A promise only when vectors must be read or the work is long.
 */
export function searchSegments(
  run: SearchRun,
  queries: readonly (QueryVector | null)[],
  k: number,
): SegmentHits[][] | Promise<SegmentHits[][]> {
  const { segments, turn, plan } = run
  const { fieldIndex, low, high } = plan
  const target = { fieldIndex, k, ef: Math.max(k, plan.ef), low, high }
  const found = queries.map(() => new Array<SegmentHits>(segments.length).fill(NO_HITS))
  // Step i is query i mod q in segment i div q: the rows of one segment are warm for all queries.
  const steps = segments.length * queries.length
  // Starts the clock: of several steps the first one counts too.
  if (steps > 1) turn.due()
  for (let step = 0; step < steps; step++) {
    const hits = searchStep(run, queries, target, step)
    if (hits instanceof Promise || turn.due()) return searchOthers(run, queries, target, found, step, hits)
    found[step % queries.length]![Math.floor(step / queries.length)] = hits
  }
  return found
}

/** The rest of searchSegments, from a step on that must be waited for or has used the time slice up. */
async function searchOthers(
  run: SearchRun,
  queries: readonly (QueryVector | null)[],
  target: SearchTarget,
  found: SegmentHits[][],
  from: number,
  first: SegmentHits | Promise<SegmentHits>,
): Promise<SegmentHits[][]> {
  const steps = run.segments.length * queries.length
  for (let step = from; step < steps; step++) {
    const hits = step === from ? first : searchStep(run, queries, target, step)
    found[step % queries.length]![Math.floor(step / queries.length)] = await hits
    if (run.turn.due()) await run.turn.next()
  }
  return found
}

function searchStep(
  run: SearchRun,
  queries: readonly (QueryVector | null)[],
  target: SearchTarget,
  step: number,
): SegmentHits | Promise<SegmentHits> {
  const s = Math.floor(step / queries.length)
  const match = run.matches[s]!
  const query = queries[step % queries.length]!
  if (match.count === 0 || query === null) return NO_HITS
  return searchSegment(run.segments[s]!, match, query, target, run.turn)
}

/**
 * Merges the hits of one query into its best `need` rows. When versions of the same key crowded each other out of the
 * segments' best, searches again for more. A promise only then and when the hits are many.
 */
export function rankingOf(
  run: SearchRun,
  query: QueryVector | null,
  hits: readonly SegmentHits[],
  need: number,
): Ranking | Promise<Ranking> {
  const merging = reduceHits(run.segments, hits, need, run.turn)
  if (merging instanceof Promise) return merging.then(ranking => completed(run, query, hits, need, ranking))
  return completed(run, query, hits, need, merging)
}

/** The ranking, or that of a wider search when a segment may hold better rows. */
function completed(
  run: SearchRun,
  query: QueryVector | null,
  hits: readonly SegmentHits[],
  need: number,
  ranking: Ranking,
): Ranking | Promise<Ranking> {
  if (query === null || !isCutShort(run, ranking, hits, need, need)) return ranking
  return widerRanking(run, query, ranking, need)
}

async function widerRanking(
  run: SearchRun,
  query: QueryVector,
  narrow: Ranking,
  need: number,
): Promise<Ranking> {
  let ranking = narrow
  for (let k = need; ; ) {
    k = 2 * k + ranking.dropped
    const found = (await searchSegments(run, [query], k))[0]!
    ranking = await reduceHits(run.segments, found, need, run.turn)
    if (!isCutShort(run, ranking, found, need, k)) return ranking
  }
}

/**
 * True when a segment may hold better rows than the ranking ends with: its list has all the `k` hits that were asked
 * for, and the ranking reaches beyond the last of them, or to it while a newer version of its key may follow.
 */
export function isCutShort(
  { segments, matches }: Pick<SearchRun, 'segments' | 'matches'>,
  ranking: Ranking,
  found: readonly SegmentHits[],
  need: number,
  k: number,
): boolean {
  const end = need - 1
  return found.some((list, s) => {
    const last = list.rows.length - 1
    if (last < 0 || last + 1 < k) return false
    if (ranking.ids.length < need) return true
    const reach = ranking.signed[end]!
    const score = list.signed[last]!
    if (reach !== score) return reach > score
    const segment = segments[s]!
    const row = list.rows[last]!
    const order = compareKeys(ranking.ids[end]!, segment.pkOf(row))
    return order > 0 || (order === 0 && hasLaterVersion(segment, matches[s]!, row))
  })
}

/** True when a row of the same key that matches follows. Where rows are not in key order, ties have the newest first. */
function hasLaterVersion(segment: Segment, { bits }: MatchedRows, row: number): boolean {
  if (!segment.sortedByPk) return false
  for (let r = row + 1; r < segment.rowCount && segment.comparePk(r, row) === 0; r++) {
    const word = r >>> 5
    if (word < bits.length && ((bits[word]! >>> (r & 31)) & 1) === 1) return true
  }
  return false
}

/** Some places of a ranking, in the order given. */
export function pick(ranking: Ranking, places: readonly number[]): Ranking {
  return {
    ids: places.map(place => ranking.ids[place]!),
    signed: places.map(place => ranking.signed[place]!),
    segmentOf: places.map(place => ranking.segmentOf[place]!),
    rows: places.map(place => ranking.rows[place]!),
    dropped: ranking.dropped,
  }
}

/** The part of a ranking that is returned. */
export function cut(ranking: Ranking, offset: number, limit: number): Ranking {
  if (offset === 0 && ranking.ids.length <= limit) return ranking
  const end = offset + limit
  return {
    ids: ranking.ids.slice(offset, end),
    signed: ranking.signed.slice(offset, end),
    segmentOf: ranking.segmentOf.slice(offset, end),
    rows: ranking.rows.slice(offset, end),
    dropped: ranking.dropped,
  }
}

/** Rows of several rankings, one after the other. */
export function refsOf(segments: readonly Segment[], rankings: readonly Ranking[]): RowRefs {
  if (rankings.length === 1) {
    const { segmentOf, rows } = rankings[0]!
    return { segments, segmentOf, rows, count: rows.length }
  }
  let count = 0
  for (const ranking of rankings) count += ranking.rows.length
  const segmentOf = new Int32Array(count)
  const rows = new Int32Array(count)
  let at = 0
  for (const ranking of rankings) {
    segmentOf.set(ranking.segmentOf, at)
    rows.set(ranking.rows, at)
    at += ranking.rows.length
  }
  return { segments, segmentOf, rows, count }
}
