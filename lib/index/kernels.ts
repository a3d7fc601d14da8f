/**
 * The loops that compare one query with many rows. Nothing else in the engine computes a vector score, apart from the
 * same three dense loops in simd-kernels.ts, whose sums are added in the same order.
 *
 * One call shape: score the rows `rows[from..to)` of a flat array and write the results to `out`, so a call is crossed
 * per block of rows and each loop sees one kind of array for ever. Products and sums are float64; storing into the
 * Float32Array rounds once at the end, so a row has the same score whether a scan or an index found it.
 *
 * Loop shape, measured on one core of a busy machine (ns per row, 100-d / 768-d, 2,000 rows in cache): one accumulator
 * 207 / 1152, two 149 / 946, four 98–114 / 708, eight 135 / 698. Four it is: element j goes to accumulator j mod 4.
 */

/** `query` against rows of `dim` floats; `norm` is the query's length (COSINE only). */
export type DenseKernel = (
  query: Float32Array,
  norm: number,
  values: Float32Array,
  dim: number,
  rows: Int32Array,
  from: number,
  to: number,
  out: Float32Array,
) => void

/** `query` against rows of `width` 32-bit words. */
export type WordKernel = (
  query: Uint32Array,
  values: Uint32Array,
  width: number,
  rows: Int32Array,
  from: number,
  to: number,
  out: Float32Array,
) => void

/** Squared Euclidean distance. */
export const l2: DenseKernel = (query, _norm, values, dim, rows, from, to, out) => {
  const even = dim & ~3
  for (let i = from; i < to; i++) {
    let at = rows[i]! * dim
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    let j = 0
    for (; j < even; j += 4, at += 4) {
      const w = query[j]! - values[at]!
      const x = query[j + 1]! - values[at + 1]!
      const y = query[j + 2]! - values[at + 2]!
      const z = query[j + 3]! - values[at + 3]!
      a += w * w
      b += x * x
      c += y * y
      d += z * z
    }
    for (; j < dim; j++) {
      const w = query[j]! - values[at++]!
      a += w * w
    }
    out[i - from] = a + b + (c + d)
  }
}

/** Inner product. */
export const innerProduct: DenseKernel = (query, _norm, values, dim, rows, from, to, out) => {
  const even = dim & ~3
  for (let i = from; i < to; i++) {
    let at = rows[i]! * dim
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    let j = 0
    for (; j < even; j += 4, at += 4) {
      a += query[j]! * values[at]!
      b += query[j + 1]! * values[at + 1]!
      c += query[j + 2]! * values[at + 2]!
      d += query[j + 3]! * values[at + 3]!
    }
    for (; j < dim; j++) a += query[j]! * values[at++]!
    out[i - from] = a + b + (c + d)
  }
}

/** Cosine of the angle, within [−1, 1]; 0 when either vector is zero. */
export const cosine: DenseKernel = (query, norm, values, dim, rows, from, to, out) => {
  const even = dim & ~3
  for (let i = from; i < to; i++) {
    let at = rows[i]! * dim
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    let e = 0
    let f = 0
    let g = 0
    let h = 0
    let j = 0
    for (; j < even; j += 4, at += 4) {
      const w = values[at]!
      const x = values[at + 1]!
      const y = values[at + 2]!
      const z = values[at + 3]!
      a += query[j]! * w
      b += query[j + 1]! * x
      c += query[j + 2]! * y
      d += query[j + 3]! * z
      e += w * w
      f += x * x
      g += y * y
      h += z * z
    }
    for (; j < dim; j++) {
      const w = values[at++]!
      a += query[j]! * w
      e += w * w
    }
    const length = norm * Math.sqrt(e + f + (g + h))
    const cos = length === 0 ? 0 : (a + b + (c + d)) / length
    out[i - from] = Math.min(1, Math.max(-1, cos))
  }
}

/** Number of differing bits. */
export const hamming: WordKernel = (query, values, width, rows, from, to, out) => {
  for (let i = from; i < to; i++) {
    const at = rows[i]! * width
    let count = 0
    for (let j = 0; j < width; j++) {
      let v = query[j]! ^ values[at + j]!
      v = v - ((v >>> 1) & 0x55555555)
      v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
      count += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
    }
    out[i - from] = count
  }
}

/** 1 − common bits / bits of either; 1 when both are all zero. */
export const jaccard: WordKernel = (query, values, width, rows, from, to, out) => {
  for (let i = from; i < to; i++) {
    const at = rows[i]! * width
    let common = 0
    let either = 0
    for (let j = 0; j < width; j++) {
      const q = query[j]!
      const r = values[at + j]!
      let v = q & r
      v = v - ((v >>> 1) & 0x55555555)
      v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
      common += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
      v = q | r
      v = v - ((v >>> 1) & 0x55555555)
      v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
      either += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
    }
    out[i - from] = either === 0 ? 1 : 1 - common / either
  }
}

/** 0 when every bit of the query is set in the row, else NaN (no match, never a hit). */
export const substructure: WordKernel = (query, values, width, rows, from, to, out) => {
  for (let i = from; i < to; i++) {
    const at = rows[i]! * width
    let missing = 0
    for (let j = 0; j < width; j++) missing |= query[j]! & ~values[at + j]!
    out[i - from] = missing === 0 ? 0 : Number.NaN
  }
}

/** 0 when every bit of the row is set in the query, else NaN (no match, never a hit). */
export const superstructure: WordKernel = (query, values, width, rows, from, to, out) => {
  for (let i = from; i < to; i++) {
    const at = rows[i]! * width
    let missing = 0
    for (let j = 0; j < width; j++) missing |= values[at + j]! & ~query[j]!
    out[i - from] = missing === 0 ? 0 : Number.NaN
  }
}

/** Share of equal 32-bit MinHash values, in [0, 1]. */
export const minhashJaccard: WordKernel = (query, values, width, rows, from, to, out) => {
  for (let i = from; i < to; i++) {
    const at = rows[i]! * width
    let equal = 0
    for (let j = 0; j < width; j++) equal += query[j]! === values[at + j]! ? 1 : 0
    out[i - from] = width === 0 ? 0 : equal / width
  }
}

/** Parameters of BM25 (query-search-semantics §6.3). */
export interface Bm25Params {
  /** Saturation of repeated terms, 0 to 3. */
  readonly k1: number
  /** Weight of the document's length, 0 to 1. */
  readonly b: number
  /** Mean tokens per document over the collection, > 0. */
  readonly averageLength: number
}

/**
 * Inner product of two sparse vectors, both as parallel arrays with rising indices.
 * A row's terms are `cells[start..end)` in pairs: u32 index, then f32 value (the same words seen through `floats`).
 */
export function sparseInnerProduct(
  indices: Uint32Array,
  weights: Float32Array,
  cells: Uint32Array,
  floats: Float32Array,
  start: number,
  end: number,
): number {
  let sum = 0
  let i = 0
  let at = start
  const terms = indices.length
  while (i < terms && at < end) {
    const wanted = indices[i]!
    const found = cells[at]!
    if (wanted === found) {
      sum += weights[i]! * floats[at + 1]!
      i++
      at += 2
    } else if (wanted < found) i++
    else at += 2
  }
  return sum
}

/** BM25 of a row of term counts; `weights` are query counts times idf. Arrays as for sparseInnerProduct. */
export function sparseBm25(
  indices: Uint32Array,
  weights: Float32Array,
  bm25: Bm25Params,
  cells: Uint32Array,
  floats: Float32Array,
  start: number,
  end: number,
): number {
  let length = 0
  for (let at = start; at < end; at += 2) length += floats[at + 1]!
  const { k1 } = bm25
  const damp = k1 * (1 - bm25.b + (bm25.b * length) / bm25.averageLength)
  let sum = 0
  let i = 0
  let at = start
  const terms = indices.length
  while (i < terms && at < end) {
    const wanted = indices[i]!
    const found = cells[at]!
    if (wanted === found) {
      const count = floats[at + 1]!
      sum += weights[i]! * ((count * (k1 + 1)) / (count + damp))
      i++
      at += 2
    } else if (wanted < found) i++
    else at += 2
  }
  return sum
}
