/**
 * What a search asks of one segment, and what it gets back. Order is by signed score, smaller first (lib/index/metric.ts);
 * of two equal scores the lesser primary key comes first, wherever its row stands.
 */
import type { Segment } from '../segment/segment.js'

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

/** Puts rows of equal score in key order. */
export function byKey(segment: Segment, signed: Float64Array, rows: Int32Array): SegmentHits {
  for (let from = 0; from < rows.length; ) {
    let to = from + 1
    while (to < rows.length && signed[to] === signed[from]) to++
    if (to - from > 1) rows.subarray(from, to).sort((a, b) => segment.comparePk(a, b) || a - b)
    from = to
  }
  return { signed, rows }
}

/** The first k of them. */
export function firstOf(hits: SegmentHits, k: number): SegmentHits {
  if (hits.rows.length <= k) return hits
  return {
    signed: (hits.signed as Float64Array).subarray(0, k),
    rows: (hits.rows as Int32Array).subarray(0, k),
  }
}
