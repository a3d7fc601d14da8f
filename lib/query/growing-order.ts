/**
 * Rows of a growing segment by primary key.
 *
 * A growing segment keeps its rows in the order they arrived; a query wants them by key. The sorted list of all rows is
 * kept beside the segment and only extended: rows that came since are sorted by themselves and merged in. Sorting runs
 * in blocks with a look at the clock between them.
 *
 * Invariant: the list holds every row below its length exactly once, by key, and equal keys by rising row (= tick).
 */
import type { Turn } from '../base/turn.js'
import type { Segment } from '../segment/segment.js'
import { type MatchedRows, rowsOf } from './match-rows.js'

/** Rows sorted at once; the comparator costs about 100 ns, so a block takes about 1 ms. */
const BLOCK_ROWS = 1024
/** Rows merged between two looks at the clock. */
const MERGE_ROWS = 8192
/** Matches at most this large are sorted alone when no list exists yet. */
const FEW_ROWS = 1024

const orders = new WeakMap<Segment, Int32Array>()

/** Rows of the segment by key, among them at least every matched one. */
export async function orderOfMatch(segment: Segment, match: MatchedRows, turn: Turn): Promise<Int32Array> {
  const known = orders.get(segment)
  if (match.count <= FEW_ROWS && (known === undefined || known.length < segment.rowCount)) {
    return sortBlock(segment, rowsOf(match).slice())
  }
  if (known !== undefined && known.length >= segment.rowCount) return known
  const from = known?.length ?? 0
  const fresh = new Int32Array(segment.rowCount - from)
  for (let i = 0; i < fresh.length; i++) fresh[i] = from + i
  const tail = await sortRows(segment, fresh, turn)
  const order = known === undefined ? tail : await mergeRuns(segment, known, tail, turn)
  // Another query may have got further meanwhile.
  if (order.length >= (orders.get(segment)?.length ?? 0)) orders.set(segment, order)
  return order
}

function sortBlock(segment: Segment, rows: Int32Array): Int32Array {
  return rows.sort((a, b) => segment.comparePk(a, b) || a - b)
}

/** Rows by key, equal keys by rising row; a merge sort from the bottom up. The result may be `rows` itself. */
export async function sortRows(segment: Segment, rows: Int32Array, turn: Turn): Promise<Int32Array> {
  let runs: Int32Array[] = []
  for (let from = 0; from < rows.length; from += BLOCK_ROWS) {
    if (turn.due()) await turn.next()
    runs.push(sortBlock(segment, rows.subarray(from, Math.min(from + BLOCK_ROWS, rows.length))))
  }
  while (runs.length > 1) {
    const merged: Int32Array[] = []
    for (let i = 0; i < runs.length; i += 2) {
      const right = runs[i + 1]
      merged.push(right === undefined ? runs[i]! : await mergeRuns(segment, runs[i]!, right, turn))
    }
    runs = merged
  }
  return runs[0] ?? new Int32Array(0)
}

/** One sorted list out of two; rows of `left` are lower than those of `right`, so on equal keys left goes first. */
async function mergeRuns(
  segment: Segment,
  left: Int32Array,
  right: Int32Array,
  turn: Turn,
): Promise<Int32Array> {
  const out = new Int32Array(left.length + right.length)
  let l = 0
  let r = 0
  while (l + r < out.length) {
    if (turn.due()) await turn.next()
    const end = Math.min(out.length, l + r + MERGE_ROWS)
    for (let i = l + r; i < end; i++) {
      const takeLeft = r >= right.length || (l < left.length && segment.comparePk(left[l]!, right[r]!) <= 0)
      out[i] = takeLeft ? left[l++]! : right[r++]!
    }
  }
  return out
}
