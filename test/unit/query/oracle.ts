/**
 * Search by brute force over plain rows: the definitions of query-search-semantics §3.1, in float64.
 */
import type { MetricType } from '../../../lib/index/index-spec.js'
import type { PkKey } from '../../../lib/segment/segment.js'
import { compareKeys, type MemoryRow } from '../../support/memory-segment.js'

export interface Expected {
  readonly id: PkKey
  readonly score: number
  readonly row: MemoryRow
}

/** Score of two vectors as the caller sees it. */
export function score(metric: MetricType, a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0
  let squares = 0
  let aa = 0
  let bb = 0
  let differing = 0
  let both = 0
  let either = 0
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!
    squares += (a[i]! - b[i]!) ** 2
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
    differing += ones(a[i]! ^ b[i]!)
    both += ones(a[i]! & b[i]!)
    either += ones(a[i]! | b[i]!)
  }
  switch (metric) {
    case 'L2':
      return squares
    case 'IP':
      return dot
    case 'COSINE':
      return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb)
    case 'HAMMING':
      return differing
    case 'JACCARD':
      return either === 0 ? 1 : 1 - both / either
    default:
      throw new Error(`the oracle does not know ${metric}`)
  }
}

function ones(byte: number): number {
  let count = 0
  for (let bit = byte & 0xff; bit !== 0; bit >>>= 1) count += bit & 1
  return count
}

/** The best `k` rows by score, equal scores by key. Scores are compared as float32, as the engine returns them. */
export function best(
  metric: MetricType,
  query: ArrayLike<number>,
  rows: readonly MemoryRow[],
  k: number,
  vectorField = 'vec',
): Expected[] {
  const distance = metric === 'L2' || metric === 'HAMMING' || metric === 'JACCARD'
  const scored = rows
    .filter(row => row.values[vectorField] !== null && row.values[vectorField] !== undefined)
    .map(row => ({
      id: row.values['id'] as PkKey,
      score: Math.fround(score(metric, query, row.values[vectorField] as ArrayLike<number>)),
      row,
    }))
  scored.sort((a, b) => (distance ? a.score - b.score : b.score - a.score) || compareKeys(a.id, b.id))
  return scored.slice(0, k)
}
