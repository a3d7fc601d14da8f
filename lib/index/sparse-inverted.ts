/**
 * Inverted lists over a sealed sparse column: for each term, the rows that hold it and their values.
 *
 * Term at a time, exact: a query adds its terms' lists into one array of sums and offers the rows with a positive sum.
 * Terms are added in rising order, in float64, as sparseInnerProduct and sparseBm25 do, so a row's score is the same
 * bit for bit as a scan's. Worth it when queries touch few of the terms; built in slices that keep the event loop free.
 */
import { assert } from '../base/assert.js'
import { getBit } from '../base/bitset.js'
import type { TopK } from '../base/top-k.js'
import { Turn } from '../base/turn.js'
import { isValid, type VarColumn } from '../schema/column.js'
import { type SparseCells, sparseCells } from './column-values.js'
import type { Bm25Params } from './kernels.js'
import type { SparseQuery } from './query-vector.js'

/** Cells between two looks at the clock: under 1 ms. */
const SLICE_CELLS = 8_192
/** Cells of fresh memory made ready between two looks at the clock: 1 MiB. */
const TOUCHED_CELLS = 131_072
/** Terms numbered between two looks at the clock. */
const SLICE_TERMS = 4_096
/** Terms sorted at once, about 1 ms, and merged between two looks at the clock. */
const SORTED_TERMS = 8_192

/** Sums of the query that runs; searches are synchronous, so one array serves all. */
let sums = new Float64Array(0)

export class SparseInverted {
  /** Bytes held. */
  readonly byteLength: number
  readonly rowCount: number
  /** Distinct terms, rising; the list of terms[i] is [starts[i], starts[i + 1]). */
  readonly #terms: Uint32Array
  readonly #starts: Uint32Array
  readonly #rows: Int32Array
  readonly #values: Float32Array
  /** Sum of each row's values: the document length of BM25. */
  readonly #lengths: Float64Array

  /** Use SparseInverted.build(). */
  constructor(
    terms: Uint32Array,
    starts: Uint32Array,
    rows: Int32Array,
    values: Float32Array,
    lengths: Float64Array,
  ) {
    this.#terms = terms
    this.#starts = starts
    this.#rows = rows
    this.#values = values
    this.#lengths = lengths
    this.rowCount = lengths.length
    const arrays = [terms, starts, rows, values, lengths]
    this.byteLength = arrays.reduce((bytes, array) => bytes + array.byteLength, 0)
  }

  /** Builds the lists of rows [0, rowCount) of a column that no longer changes. Null rows are in no list. */
  static async build(column: VarColumn, rowCount: number): Promise<SparseInverted> {
    const turn = new Turn()
    const cells = sparseCells(column)
    const found: FoundTerms = { ids: new Map(), terms: [], counts: [] }
    for (let from = 0; from < rowCount; ) {
      const to = sliceEnd(column, from, rowCount)
      countTerms(column, cells, from, to, found)
      from = to
      if (turn.due()) await turn.next()
    }
    const terms = await sortTerms(Uint32Array.from(found.terms), turn)
    const { starts, cursors } = await placeLists(terms, found, turn)
    const rows = new Int32Array(starts[terms.length]!)
    const values = new Float32Array(rows.length)
    // The lists are filled all over the place: without this the first cells would meet the whole of their fresh memory.
    for (let from = 0; from < rows.length; from += TOUCHED_CELLS) {
      if (turn.due()) await turn.next()
      rows.fill(0, from, from + TOUCHED_CELLS)
      values.fill(0, from, from + TOUCHED_CELLS)
    }
    const lengths = new Float64Array(rowCount)
    for (let from = 0; from < rowCount; ) {
      if (turn.due()) await turn.next()
      const to = sliceEnd(column, from, rowCount)
      fillLists(column, cells, from, to, found.ids, cursors, rows, values, lengths)
      from = to
    }
    return new SparseInverted(terms, starts, rows, values, lengths)
  }

  /** Cells of the lists that a query goes through. */
  cellsOf(query: SparseQuery): number {
    let cells = 0
    for (const index of query.terms.indices) {
      const at = find(this.#terms, index)
      if (at >= 0) cells += this.#starts[at + 1]! - this.#starts[at]!
    }
    return cells
  }

  /** Does what scanAll does for a sparse query: offers the rows of [from, to) whose bit is set. */
  scan(query: SparseQuery, bits: Uint32Array | null, from: number, to: number, top: TopK): void {
    assert(to <= this.rowCount, 'the lists hold every row asked for')
    if (from >= to) return
    if (sums.length < this.rowCount) sums = new Float64Array(this.rowCount)
    else sums.fill(0, from, to)
    const { indices, weights, bm25 } = query.terms
    for (let i = 0; i < indices.length; i++) {
      const at = find(this.#terms, indices[i]!)
      if (at < 0) continue
      // Rows rise within a list: the part of this slice is found, not looked through.
      const start = firstAt(this.#rows, this.#starts[at]!, this.#starts[at + 1]!, from)
      const end =
        to === this.rowCount ? this.#starts[at + 1]! : firstAt(this.#rows, start, this.#starts[at + 1]!, to)
      if (bm25 === null) addProducts(this.#rows, this.#values, start, end, weights[i]!)
      else addBm25(this.#rows, this.#values, this.#lengths, start, end, weights[i]!, bm25)
    }
    for (let row = from; row < to; row++) {
      if (sums[row]! === 0) continue
      const score = Math.fround(sums[row]!)
      if (score > 0 && -score <= top.threshold && (bits === null || getBit(bits, row))) top.push(-score, row)
    }
  }
}

/** End of the slice that starts at a row: SLICE_CELLS cells further, at least one row. */
function sliceEnd(column: VarColumn, from: number, rowCount: number): number {
  const last = column.offsets[from]! + SLICE_CELLS * 8
  let to = from + 1
  while (to < rowCount && to - from < SLICE_CELLS && column.offsets[to + 1]! <= last) to++
  return to
}

/** Terms in the order in which they were met: term i is terms[i], has counts[i] cells, and ids says which i it is. */
interface FoundTerms {
  readonly ids: Map<number, number>
  readonly terms: number[]
  readonly counts: number[]
}

function countTerms(
  column: VarColumn,
  { cells }: SparseCells,
  from: number,
  to: number,
  { ids, terms, counts }: FoundTerms,
): void {
  for (let row = from; row < to; row++) {
    if (!isValid(column, row)) continue
    const end = column.offsets[row + 1]! >>> 2
    for (let at = column.offsets[row]! >>> 2; at < end; at += 2) {
      const term = cells[at]!
      const id = ids.get(term)
      if (id === undefined) {
        ids.set(term, counts.length)
        terms.push(term)
        counts.push(1)
      } else counts[id]!++
    }
  }
}

/** Different terms by rising number: sorted in blocks, which are merged pairwise. `terms` is written over. */
async function sortTerms(terms: Uint32Array, turn: Turn): Promise<Uint32Array> {
  for (let from = 0; from < terms.length; from += SORTED_TERMS) {
    if (turn.due()) await turn.next()
    terms.subarray(from, from + SORTED_TERMS).sort()
  }
  let source: Uint32Array = terms
  let target: Uint32Array = new Uint32Array(terms.length)
  for (let size = SORTED_TERMS; size < terms.length; size *= 2) {
    for (let from = 0; from < terms.length; from += 2 * size) {
      await mergeTerms(source, target, from, Math.min(from + size, terms.length), size, turn)
    }
    const merged = target
    target = source
    source = merged
  }
  return source
}

/** Merges source[from, middle) and the up to `size` terms behind it into the same places of `target`. */
async function mergeTerms(
  source: Uint32Array,
  target: Uint32Array,
  from: number,
  middle: number,
  size: number,
  turn: Turn,
): Promise<void> {
  const end = Math.min(middle + size, source.length)
  let left = from
  let right = middle
  for (let at = from; at < end; ) {
    if (turn.due()) await turn.next()
    for (const stop = Math.min(end, at + SORTED_TERMS); at < stop; at++) {
      const takeLeft = right >= end || (left < middle && source[left]! < source[right]!)
      target[at] = takeLeft ? source[left++]! : source[right++]!
    }
  }
}

/** Where each term's list starts: by place in the rising list, and by number of the term. */
async function placeLists(
  terms: Uint32Array,
  { ids, counts }: FoundTerms,
  turn: Turn,
): Promise<{ starts: Uint32Array; cursors: Uint32Array }> {
  const starts = new Uint32Array(terms.length + 1)
  const cursors = new Uint32Array(terms.length)
  for (let i = 0; i < terms.length; i++) {
    if (i % SLICE_TERMS === 0 && turn.due()) await turn.next()
    const id = ids.get(terms[i]!)!
    cursors[id] = starts[i]!
    starts[i + 1] = starts[i]! + counts[id]!
  }
  return { starts, cursors }
}

function fillLists(
  column: VarColumn,
  { cells, floats }: SparseCells,
  from: number,
  to: number,
  ids: ReadonlyMap<number, number>,
  cursors: Uint32Array,
  rows: Int32Array,
  values: Float32Array,
  lengths: Float64Array,
): void {
  for (let row = from; row < to; row++) {
    if (!isValid(column, row)) continue
    const end = column.offsets[row + 1]! >>> 2
    let length = 0
    for (let at = column.offsets[row]! >>> 2; at < end; at += 2) {
      const place = cursors[ids.get(cells[at]!)!]!++
      rows[place] = row
      values[place] = floats[at + 1]!
      length += floats[at + 1]!
    }
    lengths[row] = length
  }
}

/** Position of a term in the rising list, or −1. */
function find(terms: Uint32Array, wanted: number): number {
  let low = 0
  let high = terms.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (terms[middle]! < wanted) low = middle + 1
    else high = middle
  }
  return low < terms.length && terms[low] === wanted ? low : -1
}

/** First place in [start, end) whose row is at or beyond `row`. */
function firstAt(rows: Int32Array, start: number, end: number, row: number): number {
  let low = start
  let high = end
  if (row === 0) return start
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]! < row) low = middle + 1
    else high = middle
  }
  return low
}

function addProducts(
  rows: Int32Array,
  values: Float32Array,
  start: number,
  end: number,
  weight: number,
): void {
  const into = sums
  for (let i = start; i < end; i++) into[rows[i]!]! += weight * values[i]!
}

function addBm25(
  rows: Int32Array,
  values: Float32Array,
  lengths: Float64Array,
  start: number,
  end: number,
  weight: number,
  { k1, b, averageLength }: Bm25Params,
): void {
  for (let i = start; i < end; i++) {
    const row = rows[i]!
    const count = values[i]!
    const damp = k1 * (1 - b + (b * lengths[row]!) / averageLength)
    sums[row]! += weight * ((count * (k1 + 1)) / (count + damp))
  }
}
