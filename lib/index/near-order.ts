/**
 * The order in which rows become points of a graph: near vectors one after the other.
 *
 * The one idea: a search walks from neighbour to neighbour, and a graph keeps its points in the order in which they
 * were added; when neighbours were added together they lie together, in the same pages and caches. Every row goes to
 * the nearest of some rows taken as pivots; pivots stand in a chain, each followed by the nearest one left; the rows of
 * one pivot stand nearest first.
 *
 * Measured with 100,000 words of 100 dimensions (M 16, efConstruction 200, ef 64): building takes 35 s instead of 44,
 * a search 158 µs instead of 169, recall@10 is 0.9915 instead of 0.9895.
 */
import type { MetricType } from './index-spec.js'
import { cosine, type DenseKernel, l2 } from './kernels.js'
import { simdKernel, vectorArray } from './simd-kernels.js'

/** Fewer rows stay in the caches whatever their order. */
const ROWS_MIN = 4_096
const PIVOTS_MAX = 512
/** Rows between two calls of `pause`. */
const ROWS_PER_PAUSE = 256

/**
 * `rows` in another order; the same rows when they are few.
 * @param values vectors of the segment, row r at r × dim
 * @param pause called every few milliseconds; may throw to give up
 */
export function nearOrder(
  metric: MetricType,
  values: Float32Array,
  dim: number,
  rows: Int32Array,
  pause: () => void,
): Int32Array {
  if (rows.length < ROWS_MIN) return rows
  const pivots = new Pivots(metric, values, dim, rows)
  const places = new Int32Array(rows.length)
  const distances = new Float32Array(rows.length)
  for (let i = 0; i < rows.length; i++) {
    if (i % ROWS_PER_PAUSE === 0) pause()
    places[i] = pivots.nearest(values.subarray(rows[i]! * dim, (rows[i]! + 1) * dim))
    distances[i] = pivots.distance
  }
  const order = Int32Array.from(places.keys())
  // Rows of equal distance stay in their order: sorting is stable.
  order.sort((a, b) => places[a]! - places[b]! || distances[a]! - distances[b]! || a - b)
  return order.map(i => rows[i]!)
}

/** Some of the rows, in a chain. */
class Pivots {
  readonly #values: Float32Array
  readonly #dim: number
  readonly #all: Int32Array
  readonly #kernel: DenseKernel
  readonly #scores: Float32Array
  /** Smaller is nearer: −1 turns similarities round. */
  readonly #sign: number
  /** Place in the chain of each pivot. */
  readonly #placeOf: Int32Array
  /** How far the vector last asked about is from its pivot; comparable within one pivot. */
  distance = 0

  constructor(metric: MetricType, values: Float32Array, dim: number, rows: Int32Array) {
    const count = Math.min(PIVOTS_MAX, Math.floor(Math.sqrt(rows.length)))
    this.#values = vectorArray(count, dim, 0)
    this.#dim = dim
    for (let p = 0; p < count; p++) {
      const row = rows[Math.floor((p * rows.length) / count)]!
      this.#values.set(values.subarray(row * dim, (row + 1) * dim), p * dim)
    }
    // Under IP the length of a vector says nothing about where it lies, only its direction does.
    const near: MetricType = metric === 'L2' ? 'L2' : 'COSINE'
    this.#sign = near === 'L2' ? 1 : -1
    this.#kernel = simdKernel(near, this.#values) ?? (near === 'L2' ? l2 : cosine)
    this.#all = Int32Array.from({ length: count }, (_, p) => p)
    this.#scores = new Float32Array(count)
    this.#placeOf = this.#chain(count)
  }

  #score(vector: Float32Array): void {
    let squares = 0
    for (let j = 0; j < vector.length; j++) squares += vector[j]! * vector[j]!
    const norm = Math.sqrt(squares)
    this.#kernel(vector, norm, this.#values, this.#dim, this.#all, 0, this.#all.length, this.#scores)
  }

  #chain(count: number): Int32Array {
    const placeOf = new Int32Array(count).fill(-1)
    let pivot = 0
    for (let place = 0; place < count; place++) {
      placeOf[pivot] = place
      this.#score(this.#values.subarray(pivot * this.#dim, (pivot + 1) * this.#dim))
      let best = Number.POSITIVE_INFINITY
      let next = -1
      for (let p = 0; p < count; p++) {
        if (placeOf[p]! >= 0) continue
        const distance = this.#sign * this.#scores[p]!
        if (next >= 0 && !(distance < best)) continue
        best = distance
        next = p
      }
      pivot = next
    }
    return placeOf
  }

  /** Place of the pivot that is nearest to the vector; `distance` then says how near. */
  nearest(vector: Float32Array): number {
    this.#score(vector)
    let nearest = 0
    let best = this.#sign * this.#scores[0]!
    for (let p = 1; p < this.#all.length; p++) {
      const distance = this.#sign * this.#scores[p]!
      if (distance < best) {
        best = distance
        nearest = p
      }
    }
    this.distance = best
    return this.#placeOf[nearest]!
  }
}
