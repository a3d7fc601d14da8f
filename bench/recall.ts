/**
 * Ground truth and recall: a fast search is worth nothing without knowing what it missed.
 *
 * Recall is counted by score, not by id: a hit counts when it is at least as near as the true k-th neighbour, so that
 * ties (words with equal vectors) are no misses.
 */
import { rng } from '../test/support/rng.js'
import { SEED } from './harness.js'
import type { Words } from './words.js'

/** Rows as unit vectors, so that COSINE is a dot product. */
function normalised(words: Words, count: number): Float32Array {
  const { vectors, dim } = words
  const out = new Float32Array(count * dim)
  for (let row = 0; row < count; row++) {
    let sum = 0
    for (let d = 0; d < dim; d++) sum += vectors[row * dim + d]! ** 2
    const norm = Math.sqrt(sum) || 1
    for (let d = 0; d < dim; d++) out[row * dim + d] = vectors[row * dim + d]! / norm
  }
  return out
}

/** Query rows, chosen once per seed among the first `count`. */
export function queryRows(count: number, queries: number): number[] {
  const random = rng(SEED)
  return Array.from({ length: queries }, () => random.int(count))
}

/** Cosine of two rows. Four sums, because one alone waits for itself. */
function cosine(unit: Float32Array, dim: number, rowA: number, rowB: number): number {
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let a = rowA * dim
  let b = rowB * dim
  for (const end = a + dim; a < end; a += 4, b += 4) {
    s0 += unit[a]! * unit[b]!
    s1 += unit[a + 1]! * unit[b + 1]!
    s2 += unit[a + 2]! * unit[b + 2]!
    s3 += unit[a + 3]! * unit[b + 3]!
  }
  return s0 + s1 + s2 + s3
}

/** What an exact search would have found, worked out once and asked for several results. */
export class GroundTruth {
  readonly #unit: Float32Array
  readonly #dim: number
  readonly #queries: readonly number[]
  readonly #rows: Int32Array
  readonly #wanted: number
  /** Per query, the score of its k-th nearest row. */
  readonly #limits: Float64Array

  /**
   * @param count rows 0 … count − 1 are searched; the dimension is a multiple of 4
   * @param queries rows whose vectors are the queries
   * @param keep the filter
   */
  constructor(
    words: Words,
    count: number,
    k: number,
    queries: readonly number[],
    keep: (row: number) => boolean = () => true,
  ) {
    this.#unit = normalised(words, count)
    this.#dim = words.dim
    this.#queries = queries
    this.#rows = Int32Array.from({ length: count }, (_, row) => row).filter(keep)
    this.#wanted = Math.min(k, this.#rows.length)
    this.#limits = Float64Array.from(queries, query => this.#kthScore(query))
  }

  /** Share of the k nearest that were found, over all queries; `found[i]` are distinct rows that pass the filter. */
  recall(found: readonly (readonly number[])[]): number {
    let hits = 0
    for (const [i, query] of this.#queries.entries()) {
      const limit = this.#limits[i]! - 1e-6
      for (const row of found[i]!) if (cosine(this.#unit, this.#dim, query, row) >= limit) hits++
    }
    return hits / (this.#wanted * this.#queries.length)
  }

  #kthScore(query: number): number {
    const best = new Float64Array(this.#wanted).fill(Number.NEGATIVE_INFINITY)
    const last = best.length - 1
    for (const row of this.#rows) {
      const score = cosine(this.#unit, this.#dim, query, row)
      if (score <= best[last]!) continue
      let at = last
      for (; at > 0 && best[at - 1]! < score; at--) best[at] = best[at - 1]!
      best[at] = score
    }
    return best[last]!
  }
}
