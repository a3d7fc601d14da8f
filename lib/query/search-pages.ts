/**
 * A search read page by page over one frozen state: what search iterators are made of.
 *
 * Every page continues behind the last hit of the one before, by (score, primary key), so ties are neither lost nor
 * repeated. Rows are compared exactly, never proposed by a graph: only so is nothing missed between two pages. One
 * comparison of all rows finds many pages' worth of hits, twice as many each time, which are kept as keys and scores;
 * reading far therefore costs few passes, and reading a little costs one.
 */
import { invalid } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { Turn } from '../base/turn.js'
import { isDistance, roundScore } from '../index/metric.js'
import type { QueryVector } from '../index/query-vector.js'
import type { PkKey, Snapshot } from '../segment/segment.js'
import { hitsOf } from './hits.js'
import { withTimes } from './plan.js'
import { projectionOf } from './project.js'
import type { Ranking } from './reduce.js'
import type { ReadContext, SearchCursor, SearchHit, SearchRequest } from './request.js'
import { rankBehind, rankFirst } from './search.js'
import { planQueries, planSearch } from './search-plan.js'
import { cut, openSearch, pick, type SearchRun } from './search-run.js'

/** What an iterator over hits asks for. */
export interface SearchIteratorRequest
  extends Omit<
    SearchRequest,
    | 'limit'
    | 'offset'
    | 'ids'
    | 'after'
    | 'orderBy'
    | 'functionScore'
    | 'groupByField'
    | 'groupByFields'
    | 'groupSize'
    | 'strictGroupSize'
  > {
  /** Hits per page, 1..16384. Default 1000. */
  readonly batchSize?: number
  /** Hits in all; −1 or none = every row that the filter selects. */
  readonly limit?: number
}

/** Keys times segments that they are looked up in between two looks at the clock: about 1 ms. */
const SLICE_LOOKUPS = 1_024

const NO_RANKING: Ranking = { ids: [], signed: [], segmentOf: [], rows: [], dropped: 0 }

export class SearchPages {
  readonly #context: ReadContext
  readonly #run: SearchRun
  readonly #query: QueryVector
  readonly #decimals: number
  readonly #distance: boolean
  /** Hits found and not yet returned. */
  #found: Ranking = NO_RANKING
  #used = 0
  /** Hits that the next pass looks for. */
  #reach = 0
  #drained = false
  /** Keys found so far that more than one row has. */
  readonly #several = new Set<PkKey>()
  /** The last hit returned, or found but not returned: where the next pass continues. */
  #last: { readonly signed: number; readonly id: PkKey | null } | null
  #position: SearchCursor | null

  private constructor(context: ReadContext, run: SearchRun, query: QueryVector, after: SearchCursor | null) {
    this.#context = context
    this.#run = run
    this.#query = query
    this.#decimals = run.plan.decimals
    this.#distance = isDistance(run.plan.metric)
    this.#last = run.plan.after
    this.#position = after
  }

  /**
   * Finds the rows that the filter selects; none is compared yet.
   * @param after begin behind this hit
   * @throws MilvusError ParameterInvalid and the filter's errors
   */
  static async open(
    given: ReadContext,
    snapshot: Snapshot,
    request: SearchIteratorRequest,
    after?: SearchCursor,
  ): Promise<SearchPages> {
    refuseExtras(request)
    const context = withTimes(given, request)
    const asked: SearchRequest = { ...request, limit: 1, ...(after === undefined ? {} : { after }) }
    const plan = planSearch(context, asked)
    const queries = await planQueries(context, plan, request.data)
    if (queries.length !== 1)
      throw invalid('search iterator v2 does not support processing multiple vectors simultaneously')
    const run = await openSearch(context, snapshot, asked, plan)
    return new SearchPages(context, run, queries[0]!, after ?? null)
  }

  /** The last hit that was returned; null before the first one. Its score is not rounded. */
  get position(): SearchCursor | null {
    return this.#position
  }

  /**
   * The next hits, at most `count`; fewer only at the end.
   * @param snapshot the state that the pages were opened with
   */
  async next(snapshot: Snapshot, count: number): Promise<SearchHit[]> {
    const turn = new Turn()
    const parts: Ranking[] = []
    for (let have = 0; have < count; ) {
      if (this.#used >= this.#found.ids.length) {
        if (this.#drained) break
        await this.#search(snapshot, count - have, turn)
        continue
      }
      const part = cut(this.#found, this.#used, count - have)
      this.#used += part.ids.length
      have += part.ids.length
      parts.push(part)
    }
    const last = parts.at(-1)
    if (last === undefined) return []
    const score = (signed: number): number => roundScore(this.#distance ? signed : 0 - signed, this.#decimals)
    const projection = projectionOf(this.#context, this.#run.plan.output)
    const hits = await hitsOf(projection, snapshot.segments, parts, score, turn)
    const signed = last.signed.at(-1)!
    this.#position = { score: this.#distance ? signed : 0 - signed, id: last.ids.at(-1)! }
    return hits.flat()
  }

  /** One pass over all rows: the best ones behind the last hit found. */
  async #search(snapshot: Snapshot, wanted: number, turn: Turn): Promise<void> {
    this.#reach = Math.min(LIMITS.topKMax, Math.max(wanted, this.#reach * 2))
    const after = this.#last
    const { plan } = this.#run
    // A lower end that is not open keeps graphs out (search-segment.ts); no score is below this one.
    const low = Math.max(plan.low, after?.signed ?? -Number.MAX_VALUE)
    const run: SearchRun = {
      ...this.#run,
      segments: snapshot.segments,
      turn,
      plan: { ...plan, limit: this.#reach, offset: 0, low, after },
    }
    const found = await (after === null ? rankFirst(run, [this.#query], []) : rankBehind(run, [this.#query]))
    const ranking = found[0]!
    this.#found = await this.#withoutRepeats(snapshot, ranking, turn)
    this.#used = 0
    this.#drained = ranking.ids.length < this.#reach
    const end = ranking.ids.length - 1
    if (end >= 0) this.#last = { signed: ranking.signed[end]!, id: ranking.ids[end]! }
  }

  /** Leaves out worse versions of a key whose best one came before: only plain inserts make several. */
  async #withoutRepeats(snapshot: Snapshot, ranking: Ranking, turn: Turn): Promise<Ranking> {
    const { partitions } = this.#context
    const places: number[] = []
    const step = Math.max(16, Math.floor(SLICE_LOOKUPS / snapshot.segments.length))
    for (let i = 0; i < ranking.ids.length; i++) {
      if (i % step === 0 && turn.due()) await turn.next()
      const id = ranking.ids[i]!
      if (this.#several.has(id)) continue
      if (hasTwin(snapshot, partitions, id, ranking.segmentOf[i]!, ranking.rows[i]!)) this.#several.add(id)
      places.push(i)
    }
    return places.length === ranking.ids.length ? ranking : pick(ranking, places)
  }
}

/** True when another visible row has the key of this one, whatever its score. */
function hasTwin(
  { tick, segments }: Snapshot,
  partitions: ReadContext['partitions'],
  id: PkKey,
  at: number,
  row: number,
): boolean {
  for (let s = 0; s < segments.length; s++) {
    const segment = segments[s]!
    const newest = segment.findPk(id, tick, partitions)
    if (newest < 0) continue
    if (s !== at || newest !== row) return true
    if (segment.findPk(id, segment.tickOf(row) - 1, partitions) >= 0) return true
  }
  return false
}

/** What cannot be iterated over. @throws MilvusError ParameterInvalid */
function refuseExtras(request: SearchIteratorRequest): void {
  const { offset, ids, orderBy, functionScore, groupByField, groupByFields } = request as SearchRequest
  if (groupByField !== undefined || groupByFields !== undefined)
    throw invalid('GroupBy is not permitted when using a search iterator')
  if (offset !== undefined && Number(offset) !== 0)
    throw invalid('Setting an offset is not permitted when using a search iterator v2')
  if (orderBy !== undefined) throw invalid('order_by is not supported when using search iterator')
  if (ids !== undefined) throw invalid('search by ids is not supported when using search iterator')
  if (functionScore !== undefined) throw invalid('rerank is not supported when using search iterator')
}
