/**
 * The order of rows in a sealed segment: by primary key (Int64 numerically, VarChar bytewise), versions of one key by
 * rising tick.
 *
 * Sorts row numbers, never rows: columns are gathered in that order later, one by one. Int64 keys go through a radix
 * sort over their four 16-bit digits, exact for all 64 bits; text keys through a merge sort that starts from the runs
 * it finds, so that rows which are already in order (a merge of sorted segments, rising keys) cost one pass. Both are
 * stable. In text, the bytes all keys begin with are skipped and the next six become a number, so that nearly every
 * comparison is one subtraction.
 */
import { assert } from '../base/assert.js'
import type { Column, FixedColumn, VarColumn } from '../schema/column.js'
import { compareRows, sameKey } from '../segment/pk-order.js'

/**
 * Sorts `rows` in place.
 * @param pk key column; row numbers point into it
 * @param ticks tick of each row of `pk`
 * @param rows row numbers; rows of one key and one tick stay in the order given
 */
export function sortByKey(pk: Column, ticks: Float64Array, rows: Int32Array): void {
  if (rows.length < 2) return
  if (pk.layout === 'fixed') sortInt64(pk, rows)
  else sortText(pk, rows)
  sortVersions(pk, ticks, rows)
}

const DIGITS = 4
const RADIX = 65_536

/** Least significant digit first; a digit that is the same in every key is skipped. */
function sortInt64(pk: FixedColumn, rows: Int32Array): void {
  assert(pk.width === 2, 'Int64 keys are two words')
  if (isSorted(pk, rows)) return
  const words = pk.values as Int32Array
  const count = rows.length
  let from = rows
  let to: Int32Array = new Int32Array(count)
  const places = new Int32Array(RADIX)
  for (let digit = 0; digit < DIGITS; digit++) {
    const word = digit >>> 1
    const shift = (digit & 1) * 16
    // The sign bit is turned, so that negative numbers come first.
    const turn = digit === DIGITS - 1 ? 0x8000 : 0
    places.fill(0)
    for (let i = 0; i < count; i++) places[((words[from[i]! * 2 + word]! >>> shift) & 0xffff) ^ turn]!++
    if (places[((words[from[0]! * 2 + word]! >>> shift) & 0xffff) ^ turn] === count) continue
    let next = 0
    for (let d = 0; d < RADIX; d++) {
      const size = places[d]!
      places[d] = next
      next += size
    }
    for (let i = 0; i < count; i++) {
      const row = from[i]!
      to[places[((words[row * 2 + word]! >>> shift) & 0xffff) ^ turn]!++] = row
    }
    const swap = from
    from = to
    to = swap
  }
  if (from !== rows) rows.set(from)
}

function isSorted(pk: Column, rows: Int32Array): boolean {
  for (let i = 1; i < rows.length; i++) if (compareRows(pk, rows[i - 1]!, rows[i]!) > 0) return false
  return true
}

/** Bytes of a key that are compared as one number: 6 × 8 bits are exact in a double. */
const HEAD_BYTES = 6

/** Natural merge sort: find the ascending runs, then merge neighbours until one is left. */
function sortText(pk: VarColumn, rows: Int32Array): void {
  const heads = headsOf(pk, rows)
  let bounds = runsOf(pk, heads, rows)
  if (bounds.length === 2) return
  let from = rows
  let to: Int32Array = new Int32Array(rows.length)
  while (bounds.length > 2) {
    const merged: number[] = [0]
    for (let i = 0; i + 1 < bounds.length; i += 2) {
      const start = bounds[i]!
      const middle = bounds[i + 1]!
      const end = bounds[i + 2] ?? middle
      mergeRuns(pk, heads, from, to, start, middle, end)
      merged.push(end)
    }
    bounds = merged
    const swap = from
    from = to
    to = swap
  }
  if (from !== rows) rows.set(from)
}

/** Beginnings of the ascending runs, and the end of the last one. */
function runsOf(pk: VarColumn, heads: Float64Array, rows: Int32Array): number[] {
  const bounds = [0]
  for (let i = 1; i < rows.length; i++) {
    const a = rows[i - 1]!
    const b = rows[i]!
    const order = heads[a]! - heads[b]!
    if (order > 0 || (order === 0 && compareRows(pk, a, b) > 0)) bounds.push(i)
  }
  bounds.push(rows.length)
  return bounds
}

/** Merges from[start..middle) and from[middle..end) into `to`; of equal keys the first run's come first. */
function mergeRuns(
  pk: VarColumn,
  heads: Float64Array,
  from: Int32Array,
  to: Int32Array,
  start: number,
  middle: number,
  end: number,
): void {
  let left = start
  let right = middle
  for (let at = start; at < end; at++) {
    if (left === middle) to[at] = from[right++]!
    else if (right === end) to[at] = from[left++]!
    else {
      const a = from[left]!
      const b = from[right]!
      const order = heads[a]! - heads[b]!
      if (order > 0 || (order === 0 && compareRows(pk, a, b) > 0)) {
        to[at] = b
        right++
      } else {
        to[at] = a
        left++
      }
    }
  }
}

/** Per row of `pk` that is in `rows`: the first bytes behind the common beginning, as a number; short keys end in 0. */
function headsOf(pk: VarColumn, rows: Int32Array): Float64Array {
  const { heap, offsets } = pk
  const skip = commonBytes(pk, rows)
  let last = 0
  for (let i = 0; i < rows.length; i++) if (rows[i]! > last) last = rows[i]!
  const heads = new Float64Array(last + 1)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    const end = offsets[row + 1]!
    let head = 0
    for (let at = offsets[row]! + skip, left = HEAD_BYTES; left > 0; left--, at++) {
      head = head * 256 + (at < end ? heap[at]! : 0)
    }
    heads[row] = head
  }
  return heads
}

/** Number of bytes that all keys begin with. */
function commonBytes({ heap, offsets }: VarColumn, rows: Int32Array): number {
  const first = offsets[rows[0]!]!
  let common = offsets[rows[0]! + 1]! - first
  for (let i = 1; i < rows.length && common > 0; i++) {
    const start = offsets[rows[i]!]!
    const length = offsets[rows[i]! + 1]! - start
    if (length < common) common = length
    let same = 0
    while (same < common && heap[start + same] === heap[first + same]) same++
    common = same
  }
  return common
}

/** Puts the versions of each key in tick order. Rows of one growing segment already are. */
function sortVersions(pk: Column, ticks: Float64Array, rows: Int32Array): void {
  const count = rows.length
  for (let from = 0; from < count; ) {
    let to = from + 1
    let inOrder = true
    for (; to < count && sameKey(pk, rows[to - 1]!, pk, rows[to]!); to++) {
      if (ticks[rows[to - 1]!]! > ticks[rows[to]!]!) inOrder = false
    }
    // Rare, and short but for a key that is written over and over; the library's sort is stable.
    if (!inOrder) rows.subarray(from, to).sort((a, b) => ticks[a]! - ticks[b]!)
    from = to
  }
}
