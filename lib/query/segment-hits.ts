/**
 * What a search asks of one segment, and what it gets back. Order is by signed score, smaller first (lib/index/metric.ts);
 * of two equal scores the lesser primary key comes first, wherever its row stands.
 */
import type { Turn } from '../base/turn.js'
import type { Segment } from '../segment/segment.js'
import { sortRows } from './growing-order.js'

/** Rows put in order between two looks at the clock: about 1 ms. */
const SLICE_ROWS = 1_024

/** What is searched for in every segment; one per request. */
export interface SearchTarget {
  readonly fieldIndex: number
  /** Hits wanted of each segment. */
  readonly k: number
  /** Length of a graph's candidate list, at least k. */
  readonly ef: number
  /** Hits lie in `low ≤ signed score < high`. */
  readonly low: number
  readonly high: number
}

/** Hits of one query in one segment, best first; equal scores by primary key. */
export interface SegmentHits {
  readonly signed: ArrayLike<number>
  readonly rows: ArrayLike<number>
}

export const NO_HITS: SegmentHits = { signed: new Float64Array(0), rows: new Int32Array(0) }

/** Puts rows of equal score in key order; a promise only when they are many. */
export function byKey(
  segment: Segment,
  signed: Float64Array,
  rows: Int32Array,
  turn: Turn,
): SegmentHits | Promise<SegmentHits> {
  if (rows.length > SLICE_ROWS) return manyByKey(segment, signed, rows, turn)
  for (let from = 0; from < rows.length; ) {
    const to = endOfTie(signed, from)
    if (to - from > 1) sortTie(segment, rows.subarray(from, to))
    from = to
  }
  return { signed, rows }
}

async function manyByKey(
  segment: Segment,
  signed: Float64Array,
  rows: Int32Array,
  turn: Turn,
): Promise<SegmentHits> {
  let looked = 0
  for (let from = 0; from < rows.length; ) {
    const to = endOfTie(signed, from)
    if (to - from > SLICE_ROWS) {
      rows.set(await sortRows(segment, rows.slice(from, to), turn), from)
      await newestFirst(segment, rows.subarray(from, to), turn)
    } else if (to - from > 1) sortTie(segment, rows.subarray(from, to))
    from = to
    if (from - looked < SLICE_ROWS) continue
    looked = from
    if (turn.due()) await turn.next()
  }
  return { signed, rows }
}

/** Turns the versions of each key around, which stand in the order of writing. */
async function newestFirst(segment: Segment, rows: Int32Array, turn: Turn): Promise<void> {
  let looked = 0
  for (let from = 0; from < rows.length; ) {
    if (from - looked >= SLICE_ROWS) {
      looked = from
      if (turn.due()) await turn.next()
    }
    let to = from + 1
    while (to < rows.length && segment.comparePk(rows[from]!, rows[to]!) === 0) to++
    if (to - from > 1) rows.subarray(from, to).reverse()
    from = to
  }
}

/** The place behind the last score that is equal to the one at `from`. */
function endOfTie(signed: Float64Array, from: number): number {
  let to = from + 1
  while (to < signed.length && signed[to] === signed[from]) to++
  return to
}

/** Of versions of one key the newest first, so that a cut leaves that one in. */
function sortTie(segment: Segment, rows: Int32Array): void {
  rows.sort((a, b) => segment.comparePk(a, b) || b - a)
}

/** The first k of them. */
export function firstOf(hits: SegmentHits, k: number): SegmentHits {
  if (hits.rows.length <= k) return hits
  return {
    signed: (hits.signed as Float64Array).subarray(0, k),
    rows: (hits.rows as Int32Array).subarray(0, k),
  }
}
