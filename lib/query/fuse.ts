/**
 * Fusing rankings: several lists of scored keys become one (§3.12, §3.13).
 *
 * Pure arithmetic over lists, in float32 as the reference computes it: reciprocal ranks, weighted scores, and the
 * merging of scores that function rankers start from. Keys are fused by primary key; equal scores are ordered by
 * smaller key.
 */
import { sortInSlices } from '../base/slice-sort.js'
import type { Turn } from '../base/turn.js'
import type { MetricType } from '../index/index-spec.js'
import { isDistance, userScore } from '../index/metric.js'
import type { PkKey, Segment } from '../segment/segment.js'
import { compareKeys } from './pk-merge.js'
import type { Ranking } from './reduce.js'

/** One list to fuse. */
export interface RankedList {
  readonly ranking: Ranking
  readonly metric: MetricType
}

/** How lists become one. */
export type Fusion =
  | { readonly kind: 'rrf'; readonly k: number }
  | { readonly kind: 'weighted'; readonly weights: readonly number[]; readonly normScore: boolean }
  | { readonly kind: 'merge'; readonly mode: 'max' | 'sum' | 'avg'; readonly normScore: boolean }

/** A fused ranking. Scores are signed: ascending is best first. */
export interface Fused {
  readonly ranking: Ranking
  /** True when smaller scores, as the caller sees them, are better. */
  readonly distance: boolean
}

interface Entry {
  readonly id: PkKey
  score: number
  lists: number
  segment: number
  row: number
}

const { fround } = Math

/** Places fused between two looks at the clock: 0.1 ms, and ten times that before the code is compiled. */
const SLICE_PLACES = 512

/** Fuses the lists of one query; long ones in slices. */
export async function fuse(
  segments: readonly Segment[],
  lists: readonly RankedList[],
  fusion: Fusion,
  turn: Turn,
): Promise<Fused> {
  const distance = fusion.kind === 'weighted' && !fusion.normScore && lists.every(l => isDistance(l.metric))
  const mixed = lists.some(l => isDistance(l.metric))
  const entries = new Map<PkKey, Entry>()
  for (let l = 0; l < lists.length; l++) {
    const { ranking, metric } = lists[l]!
    for (let i = 0; i < ranking.ids.length; i++) {
      const score = userScore(metric, ranking.signed[i]!)
      const part = partOf(fusion, l, i + 1, score, metric, !distance && mixed)
      addPart(segments, entries, ranking, i, part, fusion)
      if (i % SLICE_PLACES === SLICE_PLACES - 1 && turn.due()) await turn.next()
    }
  }
  if (fusion.kind === 'merge' && fusion.mode === 'avg') {
    for (const entry of entries.values()) entry.score = fround(entry.score / entry.lists)
  }
  return { ranking: await rankingOfEntries([...entries.values()], distance, turn), distance }
}

/** What a place in a list adds to its key's score. */
function partOf(
  fusion: Fusion,
  list: number,
  rank: number,
  score: number,
  metric: MetricType,
  turned: boolean,
): number {
  switch (fusion.kind) {
    case 'rrf':
      return fround(1 / (fusion.k + rank))
    case 'weighted': {
      const base = fusion.normScore ? normalized(metric, score) : turned ? similarity(metric, score) : score
      return fround(fround(fusion.weights[list]!) * fround(base))
    }
    case 'merge':
      return fround(fusion.normScore ? normalized(metric, score) : similarity(metric, score))
  }
}

function addPart(
  segments: readonly Segment[],
  entries: Map<PkKey, Entry>,
  ranking: Ranking,
  i: number,
  part: number,
  fusion: Fusion,
): void {
  const id = ranking.ids[i]!
  const segment = ranking.segmentOf[i]!
  const row = ranking.rows[i]!
  const entry = entries.get(id)
  if (entry === undefined) {
    entries.set(id, { id, score: part, lists: 1, segment, row })
    return
  }
  const best = fusion.kind === 'merge' && fusion.mode === 'max'
  entry.score = best ? Math.max(entry.score, part) : fround(entry.score + part)
  entry.lists++
  if (segments[segment]!.tickOf(row) > segments[entry.segment]!.tickOf(entry.row)) {
    entry.segment = segment
    entry.row = row
  }
}

/** A score as "larger is better", left alone when it is that already. */
export function similarity(metric: MetricType, score: number): number {
  return isDistance(metric) ? 1 - (2 * Math.atan(score)) / Math.PI : score
}

/** A score mapped to [0, 1], larger is better. */
export function normalized(metric: MetricType, score: number): number {
  switch (metric) {
    case 'COSINE':
      return (1 + score) / 2
    case 'IP':
      return 0.5 + Math.atan(score) / Math.PI
    case 'BM25':
      return (2 * Math.atan(score)) / Math.PI
    case 'MHJACCARD':
      return score
    default:
      return 1 - (2 * Math.atan(score)) / Math.PI
  }
}

async function rankingOfEntries(unsorted: readonly Entry[], distance: boolean, turn: Turn): Promise<Ranking> {
  const sign = distance ? 1 : -1
  const compare = (a: Entry, b: Entry): number => sign * (a.score - b.score) || compareKeys(a.id, b.id)
  const entries = await sortInSlices(unsorted, compare, turn)
  const count = entries.length
  const ids: PkKey[] = new Array(count)
  const signed: number[] = new Array(count)
  const segmentOf: number[] = new Array(count)
  const rows: number[] = new Array(count)
  for (let i = 0; i < count; i++) {
    const entry = entries[i]!
    ids[i] = entry.id
    signed[i] = distance ? entry.score : 0 - entry.score
    segmentOf[i] = entry.segment
    rows[i] = entry.row
    if (i % SLICE_PLACES === SLICE_PLACES - 1 && turn.due()) await turn.next()
  }
  return { ids, signed, segmentOf, rows, dropped: 0 }
}

/** Orders a ranking anew by other scores (as the caller sees them); equal scores by smaller key. */
export async function reranked(
  ranking: Ranking,
  scores: readonly number[],
  distance: boolean,
  turn: Turn,
): Promise<Fused> {
  const entries = ranking.ids.map((id, i) => ({
    id,
    score: scores[i]!,
    lists: 1,
    segment: ranking.segmentOf[i]!,
    row: ranking.rows[i]!,
  }))
  return { ranking: await rankingOfEntries(entries, distance, turn), distance }
}
