/**
 * The k best of many scores, smaller is better: a bounded binary heap in two typed arrays, worst kept entry on top.
 *
 * Order is by score, then by row: of two equal scores the *lower row* wins and comes first. In a sealed segment rows
 * are sorted by primary key, so that is Milvus's "smaller key first"; where rows are not in key order the caller
 * resolves ties among what was kept.
 *
 * Only scores with `low <= score < high` are kept (a NaN never is), which is what range search needs: its best rows may
 * lie outside the range and must not push the others out.
 */
import { assert } from './assert.js'
import type { Turn } from './turn.js'

const FIRST_CAPACITY = 256
/** Entries put in order between two looks at the clock: under 1 ms. */
const SLICE_ENTRIES = 4_096
/** Stand for arrays that are not needed yet, or any more. */
const NO_SCORES = new Float64Array(0)
const NO_ROWS = new Int32Array(0)

export interface Ranked {
  /** Ascending. */
  readonly scores: Float64Array
  readonly rows: Int32Array
}

export class TopK {
  readonly k: number
  /** Least score that is kept (inclusive). */
  readonly low: number
  /** Scores at or above this one are dropped. */
  readonly high: number
  /**
   * No score greater than this one can enter any more. Hot loops compare with it before they call `push`; an equal
   * score may still enter by its lower row.
   */
  threshold: number
  #count = 0
  #scores: Float64Array
  #rows: Int32Array

  /**
   * @param k how many to keep, at least 1
   * @param low least score kept, inclusive; default −Infinity
   * @param high bound of the scores kept, exclusive; default none (+Infinity itself is never kept)
   */
  constructor(k: number, low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY) {
    assert(Number.isInteger(k) && k >= 1, 'top-k keeps at least one row')
    this.k = k
    this.low = low
    this.high = high
    this.threshold = high
    this.#scores = NO_SCORES
    this.#rows = NO_ROWS
  }

  /** Entries kept so far, at most k. */
  get count(): number {
    return this.#count
  }

  /** Offers a row. */
  push(score: number, row: number): void {
    if (!(score >= this.low && score < this.high)) return
    if (this.#count < this.k) {
      if (this.#count === this.#scores.length) this.#grow()
      siftUp(this.#scores, this.#rows, this.#count++, score, row)
      if (this.#count === this.k) this.threshold = this.#scores[0]!
      return
    }
    const worst = this.#scores[0]!
    if (score > worst || (score === worst && row >= this.#rows[0]!)) return
    siftDown(this.#scores, this.#rows, this.#count, score, row)
    this.threshold = this.#scores[0]!
  }

  /** What was kept, best first; the heap is empty afterwards. The arrays belong to the caller. */
  drain(): Ranked {
    sortDown(this.#scores, this.#rows, this.#count, 0)
    return this.#handOver()
  }

  /** Like drain; of a large heap it is a promise. Nothing may be offered until it is resolved. */
  drainInSlices(turn: Turn): Ranked | Promise<Ranked> {
    return this.#count <= SLICE_ENTRIES ? this.drain() : this.#drainMany(turn)
  }

  async #drainMany(turn: Turn): Promise<Ranked> {
    for (let end = this.#count; end > 0; end -= SLICE_ENTRIES) {
      if (turn.due()) await turn.next()
      sortDown(this.#scores, this.#rows, end, Math.max(0, end - SLICE_ENTRIES))
    }
    return this.#handOver()
  }

  #handOver(): Ranked {
    const count = this.#count
    const scores = this.#scores
    const rows = this.#rows
    this.#scores = NO_SCORES
    this.#rows = NO_ROWS
    this.#count = 0
    this.threshold = this.high
    if (count === scores.length) return { scores, rows }
    return { scores: scores.subarray(0, count), rows: rows.subarray(0, count) }
  }

  #grow(): void {
    const capacity = Math.min(this.k, Math.max(FIRST_CAPACITY, this.#scores.length * 2))
    const scores = new Float64Array(capacity)
    const rows = new Int32Array(capacity)
    scores.set(this.#scores)
    rows.set(this.#rows)
    this.#scores = scores
    this.#rows = rows
  }
}

/** Takes the worst entries off a heap of `count`, to behind its end, until `left` are in it. */
function sortDown(scores: Float64Array, rows: Int32Array, count: number, left: number): void {
  for (let end = count - 1; end >= Math.max(1, left); end--) {
    const score = scores[end]!
    const row = rows[end]!
    scores[end] = scores[0]!
    rows[end] = rows[0]!
    siftDown(scores, rows, end, score, row)
  }
}

/** Places an entry at the free position `at`, moving better parents down (the worst entry rises to the top). */
function siftUp(scores: Float64Array, rows: Int32Array, at: number, score: number, row: number): void {
  let hole = at
  while (hole > 0) {
    const parent = (hole - 1) >>> 1
    const parentScore = scores[parent]!
    if (parentScore > score || (parentScore === score && rows[parent]! > row)) break
    scores[hole] = parentScore
    rows[hole] = rows[parent]!
    hole = parent
  }
  scores[hole] = score
  rows[hole] = row
}

/** Replaces the top of a heap of `count` entries. */
function siftDown(scores: Float64Array, rows: Int32Array, count: number, score: number, row: number): void {
  let hole = 0
  for (;;) {
    let child = hole * 2 + 1
    if (child >= count) break
    const right = child + 1
    if (right < count) {
      const a = scores[child]!
      const b = scores[right]!
      if (b > a || (b === a && rows[right]! > rows[child]!)) child = right
    }
    const childScore = scores[child]!
    if (score > childScore || (score === childScore && row > rows[child]!)) break
    scores[hole] = childScore
    rows[hole] = rows[child]!
    hole = child
  }
  scores[hole] = score
  rows[hole] = row
}
