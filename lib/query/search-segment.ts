/**
 * Searches one segment for one query vector: the best k of the matched rows, with their true scores.
 *
 * Whatever the way, the answer means the same: scores come from the raw vectors in float32, rows that are deleted,
 * filtered out or hold no vector are never hits, and min(k, passing rows) hits are found. A graph only proposes
 * candidates; when too few of them pass, more are drawn, and in the end every passing row is compared (§3.9, §4.6).
 *
 * Scores are signed here: smaller is better for every metric (lib/index/metric.ts).
 */
import { assert } from '../base/assert.js'
import { newBits, trimBits } from '../base/bitset.js'
import { TopK } from '../base/top-k.js'
import type { Turn } from '../base/turn.js'
import { scanAll, scanRows, scoreRows } from '../index/flat-index.js'
import { graphQuery, type QueryVector, type SparseQuery } from '../index/query-vector.js'
import { SparseInverted } from '../index/sparse-inverted.js'
import type { VectorCodes } from '../index/vector-codes.js'
import type { Column } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import type { ColumnChunk, Segment, SegmentIndex } from '../segment/segment.js'
import { chooseScan, type ScanChoice, type ScanSizes, widen } from './choose-scan.js'
import { type MatchedRows, rowsOf } from './match-rows.js'

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

/** Elements compared between two looks at the clock: at most about 1 ms. */
const SLICE_ELEMENTS = 1_000_000
/** Rows of a sparse or binary column compared between two looks at the clock. */
const SLICE_ROWS = 8192
/** Rows whose scores are summed from inverted lists between two looks at the clock, and cells of those lists. */
const LIST_ROWS = 65_536
const LIST_CELLS = 1_000_000
/** Scans of a sparse column after which its inverted lists are built: building costs about as much as 50 scans. */
const LISTS_AFTER_SCANS = 16
/** Columns of fewer rows are scanned in well under a millisecond. */
const LISTS_ROWS_MIN = 2048
/** Up to this many candidates of a graph are sorted one by one into plain arrays. */
const FEW_CANDIDATES = 128
/** Fewer rows than this are gathered rather than making their whole column resident. */
const GATHER_ROWS_MAX = 256

export const NO_HITS: SegmentHits = { signed: new Float64Array(0), rows: new Int32Array(0) }

/** Searches one segment. A promise only when vectors must be read or the work is long. */
export function searchSegment(
  segment: Segment,
  match: MatchedRows,
  query: QueryVector,
  target: SearchTarget,
  turn: Turn,
): SegmentHits | Promise<SegmentHits> {
  if (match.count === 0) return NO_HITS
  const graph = query.kind === 'dense' ? segment.vectorIndex(target.fieldIndex) : null
  // A range that starts below the best rows needs to see past them, which no number of candidates promises.
  const points = graph === null || target.low > Number.NEGATIVE_INFINITY ? 0 : graph.index.size
  const { k, ef } = target
  const converted = query.dataType !== DataType.FloatVector
  const coded = points > 0 && (segment.codes?.(target.fieldIndex, 0) ?? null) !== null
  const sizes = { passing: match.count, points, k, ef, dim: query.dim, converted, coded }
  const choice = chooseScan(sizes)
  if (choice.kind === 'exact' || graph === null) return searchExact(segment, match, query, target, turn)
  // With codes it would be a scan: such searches count like scans towards making them.
  if (!coded && match.count < points && chooseScan({ ...sizes, coded: true }).kind === 'exact')
    segment.codes?.(target.fieldIndex, match.count)
  if (segment.isResident(target.fieldIndex)) {
    const hits = searchGraph(segment, match, query, target, graph, sizes, choice)
    return hits ?? searchExact(segment, match, query, target, turn)
  }
  return searchGraphOnDisk(segment, match, query, target, graph, sizes, choice, turn)
}

/** Graph search over resident vectors; null when the scan must decide. */
function searchGraph(
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
    const rows = candidates(match, graph, graphQuery(query), choice)
    const [column] = await segment.gather([target.fieldIndex], rows)
    assert(column !== undefined, 'one column was asked for')
    const scores = scoresFor(rows.length)
    scoreRows(query, column, countingRows(rows.length), scores)
    const hits = keepBest(query, rows, scores, target, match.count)
    if (hits !== null) return hits
  }
  return searchExact(segment, match, query, target, turn)
}

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

/** Compares every matched row, in slices. */
function searchExact(
  segment: Segment,
  match: MatchedRows,
  query: QueryVector,
  target: SearchTarget,
  turn: Turn,
): SegmentHits | Promise<SegmentHits> {
  const { fieldIndex } = target
  if (segment.isResident(fieldIndex)) {
    return scanColumn(segment, match, query, target, turn)
  }
  if (match.count <= GATHER_ROWS_MAX) {
    const rows = rowsOf(match)
    const read = segment.gather([fieldIndex], rows)
    const scan = (columns: Column[]): SegmentHits => scanGathered(columns[0]!, rows, segment, query, target)
    return Array.isArray(read) ? scan(read) : read.then(scan)
  }
  const chunks = query.kind === 'dense' ? (segment.stream?.(fieldIndex) ?? null) : null
  if (chunks !== null) return scanStream(chunks, segment, match, query, target, turn)
  const loading = segment.load([fieldIndex])
  const scan = (): SegmentHits | Promise<SegmentHits> => scanColumn(segment, match, query, target, turn)
  return loading === undefined ? scan() : loading.then(scan)
}

/** Scans chunk by chunk as they come from the disk. */
async function scanStream(
  chunks: AsyncIterable<ColumnChunk>,
  segment: Segment,
  match: MatchedRows,
  query: QueryVector,
  target: SearchTarget,
  turn: Turn,
): Promise<SegmentHits> {
  assert(segment.sortedByPk, 'only sealed segments are streamed')
  const keep = Math.min(target.k, match.count)
  const best = new TopK(keep, target.low, target.high)
  for await (const { from, rowCount, column } of chunks) {
    if (turn.due()) await turn.next()
    const top = new TopK(keep, target.low, target.high)
    scanAll(query, column, shiftedBits(match.bits, from, rowCount), 0, rowCount, top)
    const { scores, rows } = top.drain()
    for (let i = 0; i < rows.length; i++) best.push(scores[i]!, rows[i]! + from)
  }
  const { scores, rows } = best.drain()
  return { signed: scores, rows }
}

/** Bits [from, from + count) as bits [0, count); what lies beyond the end is 0. */
function shiftedBits(bits: Uint32Array, from: number, count: number): Uint32Array {
  const out = newBits(count)
  const first = from >>> 5
  const shift = from & 31
  for (let w = 0; w < out.length; w++) {
    let word = (bits[first + w] ?? 0) >>> shift
    if (shift !== 0) word |= (bits[first + w + 1] ?? 0) << (32 - shift)
    out[w] = word
  }
  trimBits(out, count)
  return out
}

/** Row j of `column` is row `rows[j]` of the segment. */
function scanGathered(
  column: Column,
  rows: Int32Array,
  segment: Segment,
  query: QueryVector,
  target: SearchTarget,
): SegmentHits {
  const top = new TopK(rows.length, target.low, target.high)
  scanAll(query, column, null, 0, rows.length, top)
  const found = top.drain()
  const kept = found.rows.map(place => rows[place]!)
  const hits = segment.sortedByPk ? { signed: found.scores, rows: kept } : byKey(segment, found.scores, kept)
  return firstOf(hits, target.k)
}

function scanColumn(
  segment: Segment,
  match: MatchedRows,
  query: QueryVector,
  target: SearchTarget,
  turn: Turn,
): SegmentHits | Promise<SegmentHits> {
  const column = segment.column(target.fieldIndex)
  const { k } = target
  // One more than needed where rows are not in key order: it shows whether the last place is tied.
  const keep = Math.min(segment.sortedByPk ? k : k + 1, match.count)
  const top = new TopK(keep, target.low, target.high)
  const finish = (): SegmentHits | Promise<SegmentHits> => {
    const { scores, rows } = top.drain()
    if (segment.sortedByPk) return { signed: scores, rows }
    if (scores.length <= k) return byKey(segment, scores, rows)
    if (scores[k]! > scores[k - 1]!) return firstOf(byKey(segment, scores, rows), k)
    return withTies(segment, match, query, target, scores, rows, turn)
  }
  const pending = scan(column, match, segment, query, target.fieldIndex, top, turn)
  return pending === undefined ? finish() : pending.then(finish)
}

/**
 * Offers every matched row to `top`. Undefined when it was short enough to run at once.
 * A list of rows is scanned when few rows match, the bitset otherwise.
 */
function scan(
  column: Column,
  match: MatchedRows,
  segment: Segment,
  query: QueryVector,
  fieldIndex: number,
  top: TopK,
  turn: Turn,
): Promise<void> | undefined {
  const step = query.kind === 'dense' ? Math.max(256, Math.ceil(SLICE_ELEMENTS / query.dim)) : SLICE_ROWS
  const few = match.count * 8 <= segment.rowCount
  const rows = few ? rowsOf(match) : null
  const end = rows === null ? Math.min(segment.rowCount, match.bits.length * 32) : rows.length
  if (query.kind === 'sparse' && !few) {
    const lists = invertedLists(segment, column)
    if (lists !== null) return scanLists(lists, match.bits, end, query, top, turn)
  }
  const codes = query.kind === 'dense' ? (segment.codes?.(fieldIndex, match.count) ?? null) : null
  if (end > step) return scanSliced(column, codes, match.bits, rows, end, step, query, top, turn)
  if (rows === null) scanAll(query, column, match.bits, 0, end, top, codes)
  else scanRows(query, column, rows, 0, end, top, codes)
  return undefined
}

async function scanSliced(
  column: Column,
  codes: VectorCodes | null,
  bits: Uint32Array,
  rows: Int32Array | null,
  end: number,
  step: number,
  query: QueryVector,
  top: TopK,
  turn: Turn,
): Promise<void> {
  for (let from = 0; from < end; from += step) {
    if (turn.due()) await turn.next()
    const to = Math.min(end, from + step)
    if (rows === null) scanAll(query, column, bits, from, to, top, codes)
    else scanRows(query, column, rows, from, to, top, codes)
  }
}

/** Goes through the lists of the query's terms, a range of rows at a time. */
async function scanLists(
  lists: SparseInverted,
  bits: Uint32Array,
  end: number,
  query: SparseQuery,
  top: TopK,
  turn: Turn,
): Promise<void> {
  const slices = Math.ceil(Math.max(end / LIST_ROWS, lists.cellsOf(query) / LIST_CELLS))
  const step = Math.max(1, Math.ceil(end / Math.max(1, slices)))
  for (let from = 0; from < end; from += step) {
    if (turn.due()) await turn.next()
    lists.scan(query, bits, from, Math.min(end, from + step), top)
  }
}

interface ListsOfColumn {
  scans: number
  lists: SparseInverted | null
}

/** Lists live as long as their column stays in memory. */
const listsOfColumn = new WeakMap<Column, ListsOfColumn>()

/**
 * The inverted lists of a sealed sparse column, null while there are none. They are built, in the background, once the
 * column has been scanned often enough to be worth it; answers are the same with and without.
 */
function invertedLists(segment: Segment, column: Column): SparseInverted | null {
  if (segment.kind !== 'sealed' || column.layout !== 'var' || segment.rowCount < LISTS_ROWS_MIN) return null
  let entry = listsOfColumn.get(column)
  if (entry === undefined) {
    entry = { scans: 0, lists: null }
    listsOfColumn.set(column, entry)
  }
  entry.scans++
  if (entry.scans === LISTS_AFTER_SCANS) {
    const kept = entry
    SparseInverted.build(column, segment.rowCount).then(lists => {
      kept.lists = lists
    })
  }
  return entry.lists
}

/** The last place is tied: finds every row with that score, and lets the smallest keys in. */
async function withTies(
  segment: Segment,
  match: MatchedRows,
  query: QueryVector,
  target: SearchTarget,
  scores: Float64Array,
  rows: Int32Array,
  turn: Turn,
): Promise<SegmentHits> {
  const tied = scores[target.k - 1]!
  const ties = new TopK(match.count, tied, above(tied))
  await scan(segment.column(target.fieldIndex), match, segment, query, target.fieldIndex, ties, turn)
  let better = 0
  while (scores[better]! < tied) better++
  const found = ties.drain()
  const signed = new Float64Array(better + found.scores.length).fill(tied)
  signed.set(scores.subarray(0, better))
  const all = new Int32Array(signed.length)
  all.set(rows.subarray(0, better))
  all.set(found.rows, better)
  return firstOf(byKey(segment, signed, all), target.k)
}

/** A number above a float32 score and below every greater one. */
function above(score: number): number {
  return score + Math.max(Math.abs(score) * 1e-9, Number.MIN_VALUE)
}

/** Puts rows of equal score in key order. */
function byKey(segment: Segment, signed: Float64Array, rows: Int32Array): SegmentHits {
  for (let from = 0; from < rows.length; ) {
    let to = from + 1
    while (to < rows.length && signed[to] === signed[from]) to++
    if (to - from > 1) rows.subarray(from, to).sort((a, b) => segment.comparePk(a, b) || a - b)
    from = to
  }
  return { signed, rows }
}

function firstOf(hits: SegmentHits, k: number): SegmentHits {
  if (hits.rows.length <= k) return hits
  return {
    signed: (hits.signed as Float64Array).subarray(0, k),
    rows: (hits.rows as Int32Array).subarray(0, k),
  }
}

let counting = new Int32Array(0)

/** 0, 1, 2 …: the rows of a gathered column. Shared, read-only. */
function countingRows(count: number): Int32Array {
  if (counting.length < count) counting = Int32Array.from({ length: count * 2 }, (_, i) => i)
  return counting.subarray(0, count)
}
