/**
 * A query read page by page over one frozen state: what query iterators are made of.
 *
 * The filter is evaluated once, when the pages are opened; what is kept between pages is one bitset per segment and the
 * heads of the merge, so that reading everything costs one walk, however small the pages are. Row values are read when
 * their page is asked for.
 *
 * Invariants: every page is read with a snapshot of the same segments that the pages were opened with; pages follow each
 * other in primary key order, without gaps and repeats.
 */

import { invalid } from '../base/errors.js'
import { valueText } from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import { Turn } from '../base/turn.js'
import type { PkKey, Snapshot } from '../segment/segment.js'
import { parseAggregate } from './aggregate.js'
import { matchSegments } from './match-rows.js'
import { compareKeys, type PkMerge } from './pk-merge.js'
import { integerOf, type OutputPlan, planFilter, planKeys, planOutput, withTimes } from './plan.js'
import { projectionOf, projectRows, type RowRefs } from './project.js'
import type { PkInput, QueryRequest, ReadContext, Row } from './request.js'
import { mergeOf } from './retrieve.js'

/** Rows of a page, unless asked otherwise. */
export const BATCH_SIZE = 1000
/** Rows merged between two looks at the clock. */
const MERGE_ROWS = 2048

/** What an iterator over rows asks for. */
export interface QueryIteratorRequest extends Omit<QueryRequest, 'limit' | 'offset' | 'orderBy' | 'groupBy'> {
  /** Rows per page, 1..16384. Default 1000. */
  readonly batchSize?: number
  /** Rows in all; −1 or none = every row. */
  readonly limit?: number
}

/**
 * Checks the page size of an iterator.
 * @throws MilvusError ParameterInvalid
 */
export function planBatchSize(given: unknown): number {
  if (given === undefined || given === null) return BATCH_SIZE
  const size = integerOf(given)
  if (size === null || size < 1 || size > LIMITS.topKMax) {
    throw invalid(
      `batch size is invalid, it should be in range [1, ${LIMITS.topKMax}], but got ${valueText(given)}`,
    )
  }
  return size
}

/**
 * Checks the number of rows that an iterator returns in all; Infinity = all there are.
 * @throws MilvusError ParameterInvalid
 */
export function planIteratorLimit(given: unknown): number {
  if (given === undefined || given === null) return Number.POSITIVE_INFINITY
  const limit = integerOf(given)
  if (limit === -1) return Number.POSITIVE_INFINITY
  if (limit === null || limit < 1) {
    throw invalid(`limit [${valueText(given)}] is invalid, should be -1 (all rows) or greater than 0`)
  }
  return limit
}

export class QueryPages {
  readonly #context: ReadContext
  readonly #output: OutputPlan
  readonly #merge: PkMerge
  /** Key of the last row of the last page, or where the pages begin behind; null before the first row. */
  position: PkKey | null
  /** True while the merge stands on a row that no page has returned. */
  #ahead: boolean

  private constructor(
    context: ReadContext,
    output: OutputPlan,
    merge: PkMerge,
    position: PkKey | null,
    ahead: boolean,
  ) {
    this.#context = context
    this.#output = output
    this.#merge = merge
    this.position = position
    this.#ahead = ahead
  }

  /**
   * Finds the rows; none is read yet.
   * @param after begin behind this primary key
   * @throws MilvusError ParameterInvalid and the filter's errors
   */
  static async open(
    given: ReadContext,
    snapshot: Snapshot,
    request: QueryIteratorRequest,
    after?: PkInput,
  ): Promise<QueryPages> {
    refuseExtras(request)
    const context = withTimes(given, request)
    const planned = planFilter(context.schema, request, context.timeZone)
    const plan = planned instanceof Promise ? await planned : planned
    const output = planOutput(context.schema, request.outputFields, true)
    const position = after === undefined ? null : planKeys(context.schema, [after])[0]!
    const { segments, tick } = snapshot
    const turn = new Turn()
    const question = { context, tick, plan, everyVersion: false }
    const matches = await matchSegments(question, segments, request.ignoreGrowing, turn)
    const merge = await mergeOf(segments, matches, turn)
    let ahead = false
    for (let seen = 1; position !== null && !ahead && merge.next(); seen++) {
      if (seen % MERGE_ROWS === 0 && turn.due()) await turn.next()
      ahead = compareKeys(segments[merge.source]!.pkOf(merge.row), position) > 0
    }
    return new QueryPages(context, output, merge, position, ahead)
  }

  /**
   * The next rows, at most `count`; fewer only at the end.
   * @param snapshot the state that the pages were opened with
   */
  async next(snapshot: Snapshot, count: number): Promise<Row[]> {
    const turn = new Turn()
    const merge = this.#merge
    const { segments } = snapshot
    const segmentOf: number[] = []
    const rows: number[] = []
    while (rows.length < count && (this.#ahead || merge.next())) {
      this.#ahead = false
      segmentOf.push(merge.source)
      rows.push(merge.row)
      if (rows.length % MERGE_ROWS === 0 && turn.due()) await turn.next()
    }
    if (rows.length === 0) return []
    const { resultBytesMax: bytesMax = LIMITS.resultBytesMax } = this.#context
    const refs: RowRefs = { segments, segmentOf, rows, count: rows.length }
    const found = await projectRows(projectionOf(this.#context, this.#output, bytesMax), refs, turn)
    this.position = segments[segmentOf.at(-1)!]!.pkOf(rows.at(-1)!)
    return found
  }
}

/** What cannot be iterated over. @throws MilvusError ParameterInvalid */
function refuseExtras(request: QueryIteratorRequest): void {
  const { orderBy, groupBy, offset } = request as QueryRequest
  if (orderBy !== undefined && orderBy.length > 0) throw invalid('ORDER BY with iterator is not supported')
  if (groupBy !== undefined && groupBy.length > 0) throw invalid('GROUP BY with iterator is not supported')
  if (offset !== undefined && Number(offset) !== 0) throw invalid('offset with iterator is not supported')
  for (const name of request.outputFields ?? []) {
    if (typeof name === 'string' && parseAggregate(name) !== null)
      throw invalid('aggregation with iterator is not supported')
  }
}
