/**
 * Exact search: every row asked for is compared with the query. It serves growing and small segments, FLAT indexes,
 * binary vectors and narrow filters, it rescores what a graph finds, and it is the oracle in tests.
 *
 * Rows are taken in blocks: a bitset becomes a short list of rows, one kernel call scores the list, and only then are
 * scores compared with the heap's threshold. Columns that are not float32 (or whole words) are converted block by
 * block into one reused array, so there is one kernel per metric (in two forms of the same result, see simd-kernels.ts)
 * and a row's score never depends on how it was found.
 *
 * Everything here is synchronous; the caller slices `[from, to)` to keep the event loop free. The scratch arrays are
 * per module: safe, because no function here calls out while it uses them.
 */

import { assert, InvariantError } from '../base/assert.js'
import { getBit } from '../base/bitset.js'
import { LIMITS } from '../base/limits.js'
import type { TopK } from '../base/top-k.js'
import { type Column, type FixedColumn, isValid, type VarColumn } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import { decodeFloatRows, padRows, sparseCells, wordView } from './column-values.js'
import type { MetricType } from './index-spec.js'
import {
  cosine,
  type DenseKernel,
  hamming,
  innerProduct,
  jaccard,
  l2,
  minhashJaccard,
  sparseBm25,
  sparseInnerProduct,
  substructure,
  superstructure,
  type WordKernel,
} from './kernels.js'
import type { BinaryQuery, DenseQuery, QueryVector, SparseQuery } from './query-vector.js'
import { simdKernel, vectorArray } from './simd-kernels.js'
import type { VectorCodes } from './vector-codes.js'

export { rangeBounds, withinRange } from './metric.js'

/** Rows per kernel call: long enough to forget the call, short enough for the caches. */
const BLOCK_ROWS = 512
/** Elements of the conversion scratch: a block of converted rows is at most 256 KiB; no row is longer. */
const SCRATCH_ELEMENTS = 65_536

const blockRows = new Int32Array(BLOCK_ROWS)
const blockScores = new Float32Array(BLOCK_ROWS)
const denseKernels: Partial<Record<MetricType, DenseKernel>> = { L2: l2, IP: innerProduct, COSINE: cosine }
const wordKernels: Partial<Record<MetricType, WordKernel>> = {
  HAMMING: hamming,
  JACCARD: jaccard,
  SUBSTRUCTURE: substructure,
  SUPERSTRUCTURE: superstructure,
  MHJACCARD: minhashJaccard,
}
const identityRows = new Int32Array(BLOCK_ROWS).map((_, i) => i)

/** Rows that codes leave to be scored. */
const siftedRows = new Int32Array(BLOCK_ROWS)
/** Rows compared before codes can leave any out: until the heap is full nothing is known to be too bad. */
const FIRST_ROWS = 64

/** Scores `rows[from..to)`, at most BLOCK_ROWS of them and none null, into `out[0..)`. */
type Scorer = (rows: Int32Array, from: number, to: number, out: Float32Array) => void

/**
 * Compares the rows of `[from, to)` whose bit is set (null = all) and offers them to `top` by signed score.
 * Null rows are never hits; nor are rows without a common term in a sparse search.
 * @param codes of this column (vector-codes.ts): same answer, less to read. Default none
 */
export function scanAll(
  query: QueryVector,
  column: Column,
  bits: Uint32Array | null,
  from: number,
  to: number,
  top: TopK,
  codes: VectorCodes | null = null,
): void {
  if (from >= to) return
  const compare = comparerOf(query, column, codes, top)
  const { validity } = column
  const lastWord = (to - 1) >>> 5
  let count = 0
  for (let w = from >>> 5; w <= lastWord; w++) {
    let mask = bits === null ? 0xffffffff : w < bits.length ? bits[w]! : 0
    if (validity !== null) mask &= validity[w]!
    if (w === from >>> 5) mask &= 0xffffffff << (from & 31)
    if (w === lastWord) mask &= 0xffffffff >>> (31 - ((to - 1) & 31))
    while (mask !== 0) {
      const low = mask & -mask
      blockRows[count++] = (w << 5) + (31 - Math.clz32(low))
      mask ^= low
    }
    if (count > BLOCK_ROWS - 32 || w === lastWord) {
      compare(blockRows, 0, count)
      count = 0
    }
  }
}

/** Like scanAll for the rows `rows[from..to)`, in any order. */
export function scanRows(
  query: QueryVector,
  column: Column,
  rows: Int32Array,
  from: number,
  to: number,
  top: TopK,
  codes: VectorCodes | null = null,
): void {
  if (from >= to) return
  const compare = comparerOf(query, column, codes, top)
  const { validity } = column
  if (validity === null) {
    for (let at = from; at < to; at += BLOCK_ROWS) compare(rows, at, Math.min(to, at + BLOCK_ROWS))
    return
  }
  let count = 0
  for (let i = from; i < to; i++) {
    const row = rows[i]!
    if (getBit(validity, row)) blockRows[count++] = row
    if (count === BLOCK_ROWS || i === to - 1) {
      compare(blockRows, 0, count)
      count = 0
    }
  }
}

/**
 * Scores of `rows` as the user sees them, in their order, into `out`.
 * NaN for a null row and for a row that does not match in a SUBSTRUCTURE or SUPERSTRUCTURE search.
 */
export function scoreRows(query: QueryVector, column: Column, rows: Int32Array, out: Float32Array): void {
  assert(out.length >= rows.length, 'there is room for every score')
  if (rows.length === 0) return
  const scorer = scorerOf(query, column)
  for (let at = 0; at < rows.length; at += BLOCK_ROWS) {
    const end = Math.min(rows.length, at + BLOCK_ROWS)
    scorer(rows, at, end, blockScores)
    for (let i = at; i < end; i++) out[i] = blockScores[i - at]! + 0
  }
  if (column.validity === null) return
  for (let i = 0; i < rows.length; i++) if (!isValid(column, rows[i]!)) out[i] = Number.NaN
}

/** Offers `rows[from..to)`, at most BLOCK_ROWS of them and none null, to a heap. */
type Comparer = (rows: Int32Array, from: number, to: number) => void

function comparerOf(query: QueryVector, column: Column, codes: VectorCodes | null, top: TopK): Comparer {
  const scorer = scorerOf(query, column)
  const plain: Comparer = (rows, from, to) => {
    scorer(rows, from, to, blockScores)
    offer(query, rows, from, to, top)
  }
  if (codes === null || query.kind !== 'dense' || !codes.begin(query)) return plain
  return (rows, from, to) => {
    let at = from
    while (at < to && top.threshold === Number.POSITIVE_INFINITY) {
      const end = Math.min(to, at + FIRST_ROWS)
      plain(rows, at, end)
      at = end
    }
    if (at < to) plain(siftedRows, 0, codes.sift(rows, at, to, top.threshold, siftedRows))
  }
}

/** Offers the scores of a block to the heap. NaN compares false, so rows that do not match fall out here. */
function offer(query: QueryVector, rows: Int32Array, from: number, to: number, top: TopK): void {
  if (query.distance) {
    for (let i = from; i < to; i++) {
      const signed = blockScores[i - from]!
      if (signed <= top.threshold) top.push(signed, rows[i]!)
    }
  } else if (query.kind === 'sparse') {
    for (let i = from; i < to; i++) {
      const score = blockScores[i - from]!
      if (score > 0 && -score <= top.threshold) top.push(-score, rows[i]!)
    }
  } else {
    for (let i = from; i < to; i++) {
      const signed = -blockScores[i - from]!
      if (signed <= top.threshold) top.push(signed, rows[i]!)
    }
  }
}

function scorerOf(query: QueryVector, column: Column): Scorer {
  if (query.kind === 'sparse') {
    assert(column.layout === 'var', 'sparse vectors are in a var column')
    return sparseScorer(query, column)
  }
  assert(column.layout === 'fixed', 'dense vectors are in a fixed column')
  return query.kind === 'dense' ? denseScorer(query, column) : binaryScorer(query, column)
}

function denseScorer(query: DenseQuery, column: FixedColumn): Scorer {
  const { values: wanted, norm, dataType, dim } = query
  const kernel = denseKernels[query.metric]
  if (kernel === undefined) throw new InvariantError(`${query.metric} is no metric of number vectors`)
  assert(column.width === dim, 'query and column have the same dimensions')
  if (dataType === DataType.FloatVector) {
    const values = column.values as Float32Array
    const fastest = simdKernel(query.metric, values) ?? kernel
    return (rows, from, to, out) => fastest(wanted, norm, values, dim, rows, from, to, out)
  }
  const step = Math.max(1, Math.min(BLOCK_ROWS, Math.floor(SCRATCH_ELEMENTS / dim)))
  const scratch = scratchFloats()
  const fastest = simdKernel(query.metric, scratch) ?? kernel
  return (rows, from, to, out) => {
    for (let at = from; at < to; at += step) {
      const end = Math.min(to, at + step)
      decodeFloatRows(dataType, column, rows, at, end, scratch)
      const part = at === from ? out : out.subarray(at - from)
      fastest(wanted, norm, scratch, dim, identityRows, 0, end - at, part)
    }
  }
}

function binaryScorer(query: BinaryQuery, column: FixedColumn): Scorer {
  const kernel = wordKernels[query.metric]
  if (kernel === undefined) throw new InvariantError(`${query.metric} is no metric of binary vectors`)
  assert(column.width * 8 === query.dim, 'query and column have the same dimensions')
  const wanted = query.words
  const width = wanted.length
  const view = wordView(column)
  if (view !== null) return (rows, from, to, out) => kernel(wanted, view, width, rows, from, to, out)
  const step = Math.max(1, Math.min(BLOCK_ROWS, Math.floor(SCRATCH_ELEMENTS / width)))
  const { buffer, byteOffset } = scratchFloats()
  const scratch = new Uint32Array(buffer, byteOffset, SCRATCH_ELEMENTS)
  return (rows, from, to, out) => {
    for (let at = from; at < to; at += step) {
      const end = Math.min(to, at + step)
      padRows(column, rows, at, end, scratch, width)
      const part = at === from ? out : out.subarray(at - from)
      kernel(wanted, scratch, width, identityRows, 0, end - at, part)
    }
  }
}

function sparseScorer(query: SparseQuery, column: VarColumn): Scorer {
  const { indices, weights, bm25 } = query.terms
  const { offsets } = column
  const { cells, floats } = sparseCells(column)
  if (bm25 !== null) {
    return (rows, from, to, out) => {
      for (let i = from; i < to; i++) {
        const start = offsets[rows[i]!]! >>> 2
        const end = offsets[rows[i]! + 1]! >>> 2
        out[i - from] = sparseBm25(indices, weights, bm25, cells, floats, start, end)
      }
    }
  }
  assert(query.metric === 'IP', 'sparse vectors are compared by IP or BM25')
  return (rows, from, to, out) => {
    for (let i = from; i < to; i++) {
      const start = offsets[rows[i]!]! >>> 2
      const end = offsets[rows[i]! + 1]! >>> 2
      out[i - from] = sparseInnerProduct(indices, weights, cells, floats, start, end)
    }
  }
}

let scratch: Float32Array | null = null

/** The conversion scratch, made on first use; where the vector unit can read it, with room for the longest query. */
function scratchFloats(): Float32Array {
  scratch ??= vectorArray(SCRATCH_ELEMENTS / LIMITS.dimMax, LIMITS.dimMax)
  return scratch
}
