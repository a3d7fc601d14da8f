/**
 * Searches the graph of one segment: it proposes, the raw vectors decide.
 *
 * Candidates are dropped when their rows are not matched, the others are scored from their vectors. When too few are left
 * twice as many are asked for, and in the end every matched row is compared: so a graph that proposes the wrong rows costs
 * time, never a hit (§3.9).
 */
import { assert } from '../base/assert.js'
import { TopK } from '../base/top-k.js'
import type { Turn } from '../base/turn.js'
import { scoreRows } from '../index/flat-index.js'
import { graphQuery, type QueryVector } from '../index/query-vector.js'
import type { Segment, SegmentIndex } from '../segment/segment.js'
import { type ScanChoice, type ScanSizes, widen } from './choose-scan.js'
import type { MatchedRows } from './match-rows.js'
import { searchExact } from './scan-segment.js'
import type { SearchTarget, SegmentHits } from './segment-hits.js'

/** Up to this many candidates of a graph are sorted one by one into plain arrays. */
const FEW_CANDIDATES = 128

/**
 * The best k matched rows that the graph finds, or those of the scan when it finds too few.
 * @param first from chooseScan(sizes)
 */
export function searchGraph(
  segment: Segment,
  match: MatchedRows,
  query: QueryVector,
  target: SearchTarget,
  graph: SegmentIndex,
  sizes: ScanSizes,
  first: ScanChoice,
  turn: Turn,
): SegmentHits | Promise<SegmentHits> {
  if (!segment.isResident(target.fieldIndex))
    return searchGraphOnDisk(segment, match, query, target, graph, sizes, first, turn)
  const hits = searchResidentGraph(segment, match, query, target, graph, sizes, first)
  return hits ?? searchExact(segment, match, query, target, turn)
}

/** Graph search over resident vectors; null when the scan must decide. */
function searchResidentGraph(
  segment: Segment,
  match: MatchedRows,
  query: QueryVector,
  target: SearchTarget,
  graph: SegmentIndex,
  sizes: ScanSizes,
  first: ScanChoice,
): SegmentHits | null {
  const column = segment.column(target.fieldIndex)
  assert(query.kind === 'dense', 'graphs hold dense vectors')
  for (let choice = first; choice.kind === 'graph'; choice = widen(sizes, choice)) {
    const rows = candidates(match, graph, graphQuery(query), choice)
    const scores = scoresFor(rows.length)
    scoreRows(query, column, rows, scores)
    const hits = keepBest(query, rows, scores, target, match.count)
    if (hits !== null) return hits
  }
  return null
}

/** Graph search where the candidates' vectors are read from disk. */
async function searchGraphOnDisk(
  segment: Segment,
  match: MatchedRows,
  query: QueryVector,
  target: SearchTarget,
  graph: SegmentIndex,
  sizes: ScanSizes,
  first: ScanChoice,
  turn: Turn,
): Promise<SegmentHits> {
  assert(query.kind === 'dense', 'graphs hold dense vectors')
  for (let choice = first; choice.kind === 'graph'; choice = widen(sizes, choice)) {
    // One call into a graph whose memory nobody has touched yet takes milliseconds: it has a round of its own.
    if (turn.due()) await turn.next()
    const rows = candidates(match, graph, graphQuery(query), choice)
    if (turn.due()) await turn.next()
    const [column] = await segment.gather([target.fieldIndex], rows)
    assert(column !== undefined, 'one column was asked for')
    const scores = new Float32Array(rows.length)
    const places = countingRows(rows.length)
    for (let from = 0; from < rows.length; from += SLICE_CANDIDATES) {
      if (turn.due()) await turn.next()
      const to = Math.min(from + SLICE_CANDIDATES, rows.length)
      scoreRows(query, column, places.subarray(from, to), scores.subarray(from, to))
    }
    const hits = keepBest(query, rows, scores, target, match.count)
    if (hits !== null) return hits
  }
  return searchExact(segment, match, query, target, turn)
}

/** Candidates scored between two looks at the clock, where their vectors were read from disk. */
const SLICE_CANDIDATES = 256

let candidateScores = new Float32Array(256)

/** Room for the scores of `count` candidates, until the next call. */
function scoresFor(count: number): Float32Array {
  if (candidateScores.length < count) candidateScores = new Float32Array(count * 2)
  return candidateScores
}

/** Rows that the graph proposes and that are matched, in the graph's order. */
function candidates(
  match: MatchedRows,
  graph: SegmentIndex,
  values: readonly number[],
  choice: { readonly ask: number; readonly ef: number },
): Int32Array {
  const { labels } = graph.index.search(values, choice.ask, choice.ef)
  const { rowOfLabel } = graph
  const { bits } = match
  const rows = new Int32Array(labels.length)
  let count = 0
  for (let i = 0; i < labels.length; i++) {
    const row = rowOfLabel[labels[i]!]!
    if (row < 0) continue
    const word = row >>> 5
    if (word < bits.length && ((bits[word]! >>> (row & 31)) & 1) === 1) rows[count++] = row
  }
  return count === rows.length ? rows : rows.subarray(0, count)
}

/** The best k candidates by true score; null when there are too few of them to be the answer. */
function keepBest(
  query: QueryVector,
  rows: Int32Array,
  scores: Float32Array,
  target: SearchTarget,
  passing: number,
): SegmentHits | null {
  if (rows.length <= FEW_CANDIDATES) return keepBestOfFew(query, rows, scores, target, passing)
  const top = new TopK(Math.min(target.k, rows.length), target.low, target.high)
  let beyond = false
  for (let i = 0; i < rows.length; i++) {
    const signed = query.distance ? scores[i]! : 0 - scores[i]!
    if (signed >= target.high) beyond = true
    else top.push(signed, rows[i]!)
  }
  // A candidate out of range means that all rows nearer than it have been proposed.
  if (top.count < Math.min(target.k, passing) && !beyond) return null
  const { scores: signed, rows: kept } = top.drain()
  return { signed, rows: kept }
}

/** Like keepBest; an insertion sort, as a graph's candidates are all but in order. */
function keepBestOfFew(
  query: QueryVector,
  rows: Int32Array,
  scores: Float32Array,
  target: SearchTarget,
  passing: number,
): SegmentHits | null {
  const { k, low, high } = target
  const signed: number[] = []
  const kept: number[] = []
  let beyond = false
  for (let i = 0; i < rows.length; i++) {
    const score = query.distance ? scores[i]! : 0 - scores[i]!
    if (score >= high) beyond = true
    if (!(score >= low && score < high)) continue
    const row = rows[i]!
    let at = signed.length
    signed.push(score)
    kept.push(row)
    for (; at > 0 && (signed[at - 1]! > score || (signed[at - 1] === score && kept[at - 1]! > row)); at--) {
      signed[at] = signed[at - 1]!
      kept[at] = kept[at - 1]!
    }
    signed[at] = score
    kept[at] = row
  }
  if (Math.min(k, kept.length) < Math.min(k, passing) && !beyond) return null
  if (kept.length > k) {
    signed.length = k
    kept.length = k
  }
  return { signed, rows: kept }
}

let counting = new Int32Array(0)

/** 0, 1, 2 …: the rows of a gathered column. Shared, read-only. */
function countingRows(count: number): Int32Array {
  if (counting.length < count) counting = Int32Array.from({ length: count * 2 }, (_, i) => i)
  return counting.subarray(0, count)
}
