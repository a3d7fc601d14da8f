/**
 * The first rows of many under the sort keys of a request: a bounded heap in typed arrays, the last kept row on top.
 *
 * The one idea: what is kept of a row is its place, its number of arrival and its keys as words (row-keys.ts), all in
 * arrays that are made once, so nothing is left to the garbage collector however many rows come by. A row that comes too
 * late for the first `keep` costs one comparison, another one a walk down the heap. Rows with equal keys stay in
 * the order in which they came.
 *
 * Work is counted, in comparisons and in bytes of texts that had to be compared: the caller looks at the clock when
 * enough has come together, since one comparison of two long texts may cost as much as a thousand others.
 */
import type { Turn } from '../base/turn.js'
import type { Column, VarColumn } from '../schema/column.js'
import type { SortTerm } from './order-by.js'
import { compareTextTails, newRowKeys, type RowKeys, setRowKey } from './row-keys.js'

/** Comparisons between two looks at the clock: 10 to 30 ns each, ten times that before their code is compiled. */
export const SLICE_WORK = 4_096
/** Bytes of texts that cost about as much as one comparison. */
const BYTES_PER_WORK = 32

/** Rows in order. */
export interface OrderedRows {
  readonly sources: Uint32Array
  readonly rows: Int32Array
  /** The how-manieth row offered each one was, from 0. */
  readonly arrivals: Uint32Array
}

export class TopRows {
  /** Comparisons so far, and bytes of texts, in the same coin. */
  work = 0
  readonly #columns: readonly (readonly Column[])[]
  readonly #terms: readonly SortTerm[]
  readonly #keep: number
  /** Keys of slot s: entries s · terms … of these arrays. One slot more than rows are kept: the newcomer's. */
  readonly #keys: RowKeys
  readonly #sources: Uint32Array
  readonly #rows: Int32Array
  readonly #arrivals: Uint32Array
  /** Slots as a heap: none comes after its parent in the order asked for. */
  readonly #heap: Int32Array
  #count = 0
  #arrived = 0
  /** The slot that no row of the heap is in. */
  #spare = 0

  /**
   * @param columns per source the columns of the sort keys, one for each
   * @param keep how many rows at most; room for them is made at once
   */
  constructor(columns: readonly (readonly Column[])[], terms: readonly SortTerm[], keep: number) {
    this.#columns = columns
    this.#terms = terms
    this.#keep = keep
    this.#keys = newRowKeys((keep + 1) * terms.length)
    this.#sources = new Uint32Array(keep + 1)
    this.#rows = new Int32Array(keep + 1)
    this.#arrivals = new Uint32Array(keep + 1)
    this.#heap = new Int32Array(keep)
  }

  /** Offers a row. */
  offer(source: number, row: number): void {
    const arrival = this.#arrived++
    if (this.#keep === 0) return
    const slot = this.#spare
    const width = this.#terms.length
    const columns = this.#columns[source]!
    for (let k = 0; k < width; k++) setRowKey(this.#keys, slot * width + k, columns[k]!, row)
    this.#sources[slot] = source
    this.#rows[slot] = row
    this.#arrivals[slot] = arrival
    if (this.#count < this.#keep) {
      this.#siftUp(this.#count++, slot)
      this.#spare = this.#count
      return
    }
    const last = this.#heap[0]!
    if (this.#compare(slot, last) > 0) return
    this.#siftDown(this.#count, slot)
    this.#spare = last
  }

  /** The rows kept, first one first; the heap is empty afterwards. */
  async sorted(turn: Turn): Promise<OrderedRows> {
    const count = this.#count
    const sources = new Uint32Array(count)
    const rows = new Int32Array(count)
    const arrivals = new Uint32Array(count)
    let nextLook = this.work + SLICE_WORK
    for (let end = count - 1; end >= 0; end--) {
      if (this.work >= nextLook) {
        nextLook = this.work + SLICE_WORK
        if (turn.due()) await turn.next()
      }
      const slot = this.#heap[0]!
      sources[end] = this.#sources[slot]!
      rows[end] = this.#rows[slot]!
      arrivals[end] = this.#arrivals[slot]!
      if (end > 0) this.#siftDown(end, this.#heap[end]!)
    }
    this.#count = 0
    this.#spare = 0
    return { sources, rows, arrivals }
  }

  /** Order of the rows in two slots; never 0 for two rows. */
  #compare(a: number, b: number): number {
    const { states, high, low } = this.#keys
    const terms = this.#terms
    const width = terms.length
    this.work++
    for (let k = 0; k < width; k++) {
      const i = a * width + k
      const j = b * width + k
      if (states[i] !== states[j]) return (states[i] === 0) === terms[k]!.nullsFirst ? -1 : 1
      if (states[i] === 0) continue
      let order = high[i]! - high[j]!
      if (order === 0) order = low[i]! - low[j]!
      if (order === 0) order = this.#compareTexts(k, a, b)
      if (order !== 0) return terms[k]!.descending ? -order : order
    }
    return this.#arrivals[a]! - this.#arrivals[b]!
  }

  /** Order of two values with equal keys: only texts can still differ. */
  #compareTexts(k: number, a: number, b: number): number {
    const left = this.#columns[this.#sources[a]!]![k]!
    if (left.layout !== 'var') return 0
    const right = this.#columns[this.#sources[b]!]![k] as VarColumn
    const row = this.#rows[a]!
    this.work += (left.offsets[row + 1]! - left.offsets[row]!) / BYTES_PER_WORK
    return compareTextTails(left, row, right, this.#rows[b]!)
  }

  #siftUp(at: number, slot: number): void {
    const heap = this.#heap
    let hole = at
    while (hole > 0) {
      const parent = (hole - 1) >>> 1
      if (this.#compare(heap[parent]!, slot) > 0) break
      heap[hole] = heap[parent]!
      hole = parent
    }
    heap[hole] = slot
  }

  /**
   * Replaces the top of a heap of `count` slots. The hole goes all the way down first, since most rows that take the place
   * of the last one belong near the leaves: that halves the comparisons.
   */
  #siftDown(count: number, slot: number): void {
    const heap = this.#heap
    let hole = 0
    for (;;) {
      let child = hole * 2 + 1
      if (child >= count) break
      if (child + 1 < count && this.#compare(heap[child + 1]!, heap[child]!) > 0) child++
      heap[hole] = heap[child]!
      hole = child
    }
    this.#siftUp(hole, slot)
  }
}
