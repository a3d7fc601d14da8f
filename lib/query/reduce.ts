/**
 * Merges the hits of many segments into one ranking per query.
 *
 * Best score first, equal scores by smaller primary key. A key appears once (§3.1, §3.2): of several live versions of
 * a key, which only plain inserts make, the one with the best score stands, and the newest of those with equal scores,
 * so that the answer does not depend on how rows are spread over segments. Hits of a segment are sorted already, so
 * this is a merge of sorted lists that stops when enough rows are out.
 */
import type { Turn } from '../base/turn.js'
import type { PkKey, Segment } from '../segment/segment.js'
import { compareKeys } from './pk-merge.js'
import { SeenKeys } from './seen-keys.js'
import type { SegmentHits } from './segment-hits.js'

/** Up to this many keys are compared one by one. */
const LISTED_KEYS = 32
/** Hits merged between two looks at the clock: under 1 ms. */
const SLICE_HITS = 1_024

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
 * The best `need` keys of the hits of one query; a promise only when they are many.
 * @param hits one entry per segment, in the order of `segments`
 */
export function reduceHits(
  segments: readonly Segment[],
  hits: readonly SegmentHits[],
  need: number,
  turn: Turn,
): Ranking | Promise<Ranking> {
  let room = 0
  for (let s = 0; s < hits.length; s++) room += hits[s]!.rows.length
  room = Math.min(room, need)
  const merging: Merging = {
    // Made in their full length, as growing would copy them again and again.
    ids: new Array(room),
    signed: new Array(room),
    segmentOf: new Array(room),
    rows: new Array(room),
    count: 0,
    dropped: 0,
    next: new Array<number>(hits.length).fill(0),
    heads: hits.map((found, s) => headOf(segments[s]!, found, 0)),
    // For the few keys of an ordinary search going through the list is cheaper.
    seen: room > LISTED_KEYS ? new SeenKeys(room) : null,
  }
  if (room > SLICE_HITS) return mergeInSlices(segments, hits, merging, turn)
  merge(segments, hits, merging, Number.POSITIVE_INFINITY)
  return rankingOf(merging)
}

/** A merge under way: what is out already, and where each segment's list stands. */
interface Merging {
  readonly ids: PkKey[]
  readonly signed: number[]
  readonly segmentOf: number[]
  readonly rows: number[]
  /** Keys that are out. */
  count: number
  dropped: number
  /** Next place in each segment's list, and the key there. */
  readonly next: number[]
  readonly heads: PkKey[]
  readonly seen: SeenKeys | null
}

async function mergeInSlices(
  segments: readonly Segment[],
  hits: readonly SegmentHits[],
  merging: Merging,
  turn: Turn,
): Promise<Ranking> {
  while (merge(segments, hits, merging, SLICE_HITS)) if (turn.due()) await turn.next()
  return rankingOf(merging)
}

function rankingOf({ ids, signed, segmentOf, rows, count, dropped }: Merging): Ranking {
  if (count < ids.length) {
    ids.length = count
    signed.length = count
    segmentOf.length = count
    rows.length = count
  }
  return { ids, signed, segmentOf, rows, dropped }
}

/**
 * Takes up to `most` hits, best first.
 * @returns false when there are enough keys or no more hits
 */
function merge(
  segments: readonly Segment[],
  hits: readonly SegmentHits[],
  merging: Merging,
  most: number,
): boolean {
  const { ids, signed, segmentOf, rows, next, heads, seen } = merging
  let { count } = merging
  for (let taken = 0; taken < most; taken++) {
    const s = bestHead(hits, next, heads)
    // When there are enough keys, only other versions of the last one are still looked at.
    if (s < 0 || (count === ids.length && !isLast(merging, count, heads[s]!, hits[s]!.signed[next[s]!]!))) {
      merging.count = count
      return false
    }
    const at = next[s]!++
    const id = heads[s]!
    const row = hits[s]!.rows[at]!
    const score = hits[s]!.signed[at]!
    heads[s] = headOf(segments[s]!, hits[s]!, at + 1)
    if (count === ids.length || (seen === null ? includes(ids, count, id) : !seen.add(id, ids, count))) {
      merging.dropped++
      // Hits with equal score and key come one after the other.
      const last = count - 1
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
    ids[count] = id
    signed[count] = score
    segmentOf[count] = s
    rows[count++] = row
  }
  merging.count = count
  return true
}

/** True for the key and the score that came out last. */
function isLast({ ids, signed }: Merging, count: number, id: PkKey, score: number): boolean {
  return count > 0 && ids[count - 1] === id && signed[count - 1] === score
}

function includes(ids: readonly PkKey[], count: number, id: PkKey): boolean {
  for (let i = 0; i < count; i++) if (ids[i] === id) return true
  return false
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
