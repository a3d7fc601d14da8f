/**
 * What a metric means: which scores are better, which metric a field type gets, how scores are rounded and cut.
 *
 * Inside the engine a score is *signed*: smaller is always better, so that one heap and one merge serve every metric.
 * `signedScore` and `userScore` are the only conversions. Definitions are query-search-semantics §3.1, range rules
 * §3.5; the loops that compute them are in kernels.ts.
 */
import { InvariantError } from '../base/assert.js'
import { DataType } from '../schema/data-type.js'
import type { MetricType } from './index-spec.js'

/** True when smaller scores are better (distances); false for similarities. */
export function isDistance(metric: MetricType): boolean {
  switch (metric) {
    case 'L2':
    case 'HAMMING':
    case 'JACCARD':
    case 'SUBSTRUCTURE':
    case 'SUPERSTRUCTURE':
    case 'MAX_SIM_L2':
    case 'MAX_SIM_HAMMING':
    case 'MAX_SIM_JACCARD':
      return true
    case 'IP':
    case 'COSINE':
    case 'BM25':
    case 'MHJACCARD':
    case 'MAX_SIM':
    case 'MAX_SIM_IP':
    case 'MAX_SIM_COSINE':
      return false
  }
}

/** Metric that the vectors of a list are compared with: COSINE for MAX_SIM_COSINE and for MAX_SIM. */
export function vectorMetric(metric: MetricType): MetricType {
  switch (metric) {
    case 'MAX_SIM':
    case 'MAX_SIM_COSINE':
      return 'COSINE'
    case 'MAX_SIM_IP':
      return 'IP'
    case 'MAX_SIM_L2':
      return 'L2'
    case 'MAX_SIM_HAMMING':
      return 'HAMMING'
    case 'MAX_SIM_JACCARD':
      return 'JACCARD'
    default:
      return metric
  }
}

const LIST_METRICS: readonly MetricType[] = [
  'MAX_SIM',
  'MAX_SIM_IP',
  'MAX_SIM_COSINE',
  'MAX_SIM_L2',
  'MAX_SIM_HAMMING',
  'MAX_SIM_JACCARD',
]

/** The metric on lists of vectors of this name; undefined for other names. */
export function listMetric(name: string): MetricType | undefined {
  return LIST_METRICS.find(metric => metric === name)
}

/** Metric of an index on a vector field when the user names none. */
export function defaultMetric(dataType: DataType): MetricType {
  switch (dataType) {
    case DataType.FloatVector:
    case DataType.Float16Vector:
    case DataType.BFloat16Vector:
    case DataType.Int8Vector:
      return 'COSINE'
    case DataType.SparseFloatVector:
      return 'IP'
    case DataType.BinaryVector:
      return 'HAMMING'
    default:
      throw new InvariantError(`no vector metric for data type ${dataType}`)
  }
}

/** Score as the user sees it -> score with "smaller is better". */
export function signedScore(metric: MetricType, score: number): number {
  return isDistance(metric) ? score : 0 - score
}

/** Score with "smaller is better" -> score as the user sees it (never −0). */
export function userScore(metric: MetricType, signed: number): number {
  return isDistance(metric) ? signed : 0 - signed
}

/**
 * A score cut to `decimals` places: floor(score · 10ⁿ + 0.5) / 10ⁿ (query-search-semantics §3.2).
 * @param decimals 0 to 6; −1 leaves the score alone
 */
export function roundScore(score: number, decimals: number): number {
  if (decimals < 0) return score
  const scale = 10 ** decimals
  return Math.floor(score * scale + 0.5) / scale
}

/**
 * True when a score (as the user sees it) lies in the range of a range search.
 * Distances: `rangeFilter ≤ score < radius`; similarities: `radius < score ≤ rangeFilter`. A missing bound is open.
 * Bounds are compared as float32, as scores are.
 */
export function withinRange(
  metric: MetricType,
  score: number,
  radius: number | undefined,
  rangeFilter: number | undefined,
): boolean {
  const { low, high } = rangeBounds(metric, radius, rangeFilter)
  const signed = signedScore(metric, score)
  return signed >= low && signed < high
}

/** Bounds of a range search in signed scores: a row is in when `low ≤ signed < high`. What TopK takes. */
export function rangeBounds(
  metric: MetricType,
  radius: number | undefined,
  rangeFilter: number | undefined,
): { readonly low: number; readonly high: number } {
  const high = radius === undefined ? Number.POSITIVE_INFINITY : signedScore(metric, Math.fround(radius))
  const low =
    rangeFilter === undefined ? Number.NEGATIVE_INFINITY : signedScore(metric, Math.fround(rangeFilter))
  return { low, high }
}
