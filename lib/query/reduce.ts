/**
 * Merges the hits of many segments into one ranking per query.
 *
 * Best score first, equal scores by smaller primary key. A key appears once (§3.1, §3.2): of several live versions of
 * a key, which only plain inserts make, the one with the best score stands, and the newest of those with equal scores,
 * so that the answer does not depend on how rows are spread over segments. Hits of a segment are sorted already, so
 * this is a merge of sorted lists that stops when enough rows are out.
 */
import type { PkKey, Segment } from '../segment/segment.js'
import { compareKeys } from './pk-merge.js'
import type { SegmentHits } from './segment-hits.js'

/** Up to this many keys are compared one by one. */
const LISTED_KEYS = 32

/** The ranking of one query. */
export interface Ranking {
  readonly ids: PkKey[]
  /** Signed scores, ascending. */
  readonly signed: number[]
  /** Position of each row's segment in the snapshot. */
  readonly segmentOf: number[]
  readonly rows: number[]
  /** Hits left out because a better version of their key was found. */
  readonly dropped: number
  /** Value of the group each row is in; only for grouping searches. */
  readonly groupValues?: readonly unknown[]
}

/**
 * The best `need` keys of the hits of one query.
 * @param hits one entry per segment, in the order of `segments`
 */
export function reduceHits(
  segments: readonly Segment[],
  hits: readonly SegmentHits[],
  need: number,
): Ranking {
  const ids: PkKey[] = []
  const signed: number[] = []
  const segmentOf: number[] = []
  const rows: number[] = []
  // For the few keys of an ordinary search going through the list is cheaper than a set.
  const seen = need > LISTED_KEYS ? new Set<PkKey>() : null
  const next = new Array<number>(hits.length).fill(0)
  const heads = hits.map((found, s) => headOf(segments[s]!, found, 0))
  let dropped = 0
  while (ids.length < need) {
    const s = bestHead(hits, next, heads)
    if (s < 0) break
    const at = next[s]!++
    const id = heads[s]!
    const row = hits[s]!.rows[at]!
    const score = hits[s]!.signed[at]!
    heads[s] = headOf(segments[s]!, hits[s]!, at + 1)
    if (seen === null ? ids.includes(id) : seen.has(id)) {
      dropped++
      // Hits with equal score and key come one after the other.
      const last = ids.length - 1
      if (
        ids[last] === id &&
        signed[last] === score &&
        isNewer(segments, s, row, segmentOf[last]!, rows[last]!)
      ) {
        segmentOf[last] = s
        rows[last] = row
      }
      continue
    }
    seen?.add(id)
    ids.push(id)
    signed.push(score)
    segmentOf.push(s)
    rows.push(row)
  }
  return { ids, signed, segmentOf, rows, dropped }
}

/** Whether row `a` was written after row `b` of the same key. Versions within a segment are in order of writing. */
function isNewer(segments: readonly Segment[], sa: number, a: number, sb: number, b: number): boolean {
  return sa === sb ? a > b : segments[sa]!.tickOf(a) > segments[sb]!.tickOf(b)
}

function headOf(segment: Segment, hits: SegmentHits, at: number): PkKey {
  return at < hits.rows.length ? segment.pkOf(hits.rows[at]!) : 0
}

/** Position of the segment whose next hit is the best one, −1 when all are used up. */
function bestHead(hits: readonly SegmentHits[], next: readonly number[], heads: readonly PkKey[]): number {
  let best = -1
  let bestScore = 0
  for (let s = 0; s < hits.length; s++) {
    const at = next[s]!
    if (at >= hits[s]!.rows.length) continue
    const score = hits[s]!.signed[at]!
    if (best < 0 || score < bestScore || (score === bestScore && compareKeys(heads[s]!, heads[best]!) < 0)) {
      best = s
      bestScore = score
    }
  }
  return best
}
