/**
 * Searches one segment exactly: every matched row is compared, in slices that leave the event loop free.
 *
 * Vectors come from where they are: a resident column is scanned, with its codes when it has any; of a few rows the vectors
 * are read singly; a column that is not worth keeping yet is scanned chunk by chunk as it comes from the disk. Where rows
 * are not in key order, one row more than needed shows whether the last place is tied, and a second scan finds all ties.
 */
import { assert } from '../base/assert.js'
import { newBits, trimBits } from '../base/bitset.js'
import { type Ranked, TopK } from '../base/top-k.js'
import type { Turn } from '../base/turn.js'
import { scanAll, scanRows } from '../index/flat-index.js'
import type { QueryVector } from '../index/query-vector.js'
import type { VectorCodes } from '../index/vector-codes.js'
import type { Column } from '../schema/column.js'
import type { ColumnChunk, Segment } from '../segment/segment.js'
import { type MatchedRows, rowsOf } from './match-rows.js'
import { byKey, firstOf, type SearchTarget, type SegmentHits } from './segment-hits.js'
import { invertedLists, scanLists } from './sparse-lists.js'

/** Elements compared between two looks at the clock: at most about 1 ms. */
const SLICE_ELEMENTS = 250_000
/** Rows of a sparse or binary column compared between two looks at the clock. */
const SLICE_ROWS = 8192
/** Rows that enter a heap of more than FEW_HITS between two looks at the clock: under 1 ms. */
const SLICE_PUSHES = 4_096
const FEW_HITS = 1_024
/** Fewer rows than this are gathered rather than making their whole column resident. */
const GATHER_ROWS_MAX = 256

/** Compares every matched row, in slices. */
export function searchExact(
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
    const scan = (columns: Column[]): SegmentHits | Promise<SegmentHits> =>
      scanGathered(columns[0]!, rows, segment, query, target, turn)
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
  const step = stepOf(query, keep)
  for await (const { from, rowCount, column } of chunks) {
    const bits = shiftedBits(match.bits, from, rowCount)
    for (let at = 0; at < rowCount; at += step) {
      if (turn.due()) await turn.next()
      // Of equal scores the lower row wins, and that came before: only what is better than the worst one kept can enter.
      const top = new TopK(Math.min(keep, step), target.low, best.threshold)
      scanAll(query, column, bits, at, Math.min(at + step, rowCount), top)
      const { scores, rows } = top.drain()
      for (let i = 0; i < rows.length; i++) best.push(scores[i]!, rows[i]! + from)
    }
  }
  const { scores, rows } = await best.drainInSlices(turn)
  return { signed: scores, rows }
}

/**
 * Rows compared between two looks at the clock.
 * @param keep hits kept: in a large heap every row that enters costs as much as some hundred elements compared
 */
function stepOf(query: QueryVector, keep: number): number {
  const step = query.kind === 'dense' ? Math.max(256, Math.ceil(SLICE_ELEMENTS / query.dim)) : SLICE_ROWS
  return keep > FEW_HITS ? Math.min(step, SLICE_PUSHES) : step
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
  turn: Turn,
): SegmentHits | Promise<SegmentHits> {
  const top = new TopK(rows.length, target.low, target.high)
  scanAll(query, column, null, 0, rows.length, top)
  const found = top.drain()
  const kept = found.rows.map(place => rows[place]!)
  if (segment.sortedByPk) return firstOf({ signed: found.scores, rows: kept }, target.k)
  return firstByKey(segment, found.scores, kept, target.k, turn)
}

/** The first k hits after those of equal score were put in key order. */
function firstByKey(
  segment: Segment,
  signed: Float64Array,
  rows: Int32Array,
  k: number,
  turn: Turn,
): SegmentHits | Promise<SegmentHits> {
  const ordered = byKey(segment, signed, rows, turn)
  return ordered instanceof Promise ? ordered.then(hits => firstOf(hits, k)) : firstOf(ordered, k)
}

/** Compares the matched rows of a resident column. */
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
  const settle = ({ scores, rows }: Ranked): SegmentHits | Promise<SegmentHits> => {
    if (segment.sortedByPk) return { signed: scores, rows }
    if (scores.length <= k || scores[k]! > scores[k - 1]!) return firstByKey(segment, scores, rows, k, turn)
    return withTies(segment, match, query, target, scores, rows, turn)
  }
  const finish = (): SegmentHits | Promise<SegmentHits> => {
    const drained = top.drainInSlices(turn)
    return drained instanceof Promise ? drained.then(settle) : settle(drained)
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
  const step = stepOf(query, top.k)
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
  const found = await ties.drainInSlices(turn)
  const signed = new Float64Array(better + found.scores.length).fill(tied)
  signed.set(scores.subarray(0, better))
  const all = new Int32Array(signed.length)
  all.set(rows.subarray(0, better))
  all.set(found.rows, better)
  return firstByKey(segment, signed, all, target.k, turn)
}

/** A number above a float32 score and below every greater one. */
function above(score: number): number {
  return score + Math.max(Math.abs(score) * 1e-9, Number.MIN_VALUE)
}
