/**
 * Judges the `params` of a search against the index it runs on (query-search-semantics §3.4, §3.5).
 *
 * A parameter is judged only when the declared index type knows it: `nprobe` sent to an HNSW index is ignored, as Milvus
 * does. All of them end up as one number, `ef`, the width of the graph search; exact searches ignore it.
 */
import { invalid, type MilvusError } from '../base/errors.js'
import { shownValue } from '../base/json.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { IndexSpec, MetricType } from './index-spec.js'
import { autoIndexType, INT32_MAX, VECTOR_INDEX_TYPES } from './index-types.js'
import { defaultMetric, isDistance } from './metric.js'

export interface SearchParams {
  /** Width of the graph search: candidates kept while walking, ≥ k. */
  readonly ef: number
  /** Range search: the far bound (exclusive). */
  readonly radius?: number
  /** Range search: the near bound (inclusive). */
  readonly rangeFilter?: number
}

/**
 * Default width: k + min(200, 4k), at least 128. Measured on 100,000 English word vectors (100-d, cosine, M 18,
 * efConstruction 240) with words that are not among them: recall@10 0.963 at ef 128, recall@100 0.957 at ef 300,
 * recall@1000 0.965 at ef 1250; ef = k alone gives 0.64, 0.83 and 0.95.
 */
export function defaultEf(k: number): number {
  return Math.max(128, k + Math.min(200, 4 * k))
}

/** An nprobe never asks for a wider search than this; k still may. */
const EF_OF_NPROBE_MAX = 1024
/** Candidates per unit of AUTOINDEX's `level` above 1. */
const EF_PER_LEVEL = 64

/**
 * Checks search parameters.
 * @param spec the index searched, or null when the field has none
 * @param params as given: numbers, or text that holds numbers
 * @param k limit + offset
 * @throws MilvusError ParameterInvalid with Milvus's texts
 */
export function checkSearchParams(
  spec: IndexSpec | null,
  field: FieldSchema,
  params: Readonly<Record<string, unknown>>,
  k: number,
): SearchParams {
  const metric = spec === null || spec.metricType === '' ? defaultMetric(field.dataType) : spec.metricType
  return { ef: checkWidth(spec, field, params, k), ...checkRange(metric, params) }
}

/** Reads the parameters of the index type that say how hard to search. */
function checkWidth(
  spec: IndexSpec | null,
  field: FieldSchema,
  params: Readonly<Record<string, unknown>>,
  k: number,
): number {
  const usual = defaultEf(k)
  if (spec === null) return usual
  const auto = spec.indexType === 'AUTOINDEX'
  const name = auto ? autoIndexType(field.dataType) : spec.indexType
  const type = VECTOR_INDEX_TYPES[name]
  if (name.startsWith('SPARSE')) checkSparse(params)
  if (name.endsWith('RABITQ')) integerOf(params, 'rbq_bits_query', 0, 8)
  const level = auto ? integerOf(params, 'level', 1, 5) : undefined
  let ef = level === undefined ? usual : usual + (level - 1) * EF_PER_LEVEL
  switch (type?.width) {
    case 'ef':
      ef = atLeastK('ef', integerOf(params, 'ef', 1, INT32_MAX), k) ?? ef
      break
    case 'search_list':
      ef = atLeastK('search_list_size', integerOf(params, 'search_list', 1, INT32_MAX), k) ?? ef
      break
    case 'reorder_k':
      integerOf(params, 'nprobe', 1, 65_536)
      ef = Math.max(ef, atLeastK('reorder_k', integerOf(params, 'reorder_k', 1, INT32_MAX), k) ?? ef)
      break
    case 'nprobe':
      // More lists mean a wider search, up to where a graph gains nothing any more.
      ef = Math.max(ef, Math.min(EF_OF_NPROBE_MAX, 8 * (integerOf(params, 'nprobe', 1, 65_536) ?? 8)))
      break
    default:
      return ef
  }
  const refine = numberOf(params, 'refine_k', 1, INT32_MAX)
  if (refine !== undefined && spec.params['refine'] !== undefined) ef = Math.max(ef, Math.ceil(k * refine))
  return Math.min(ef, INT32_MAX)
}

function atLeastK(name: string, value: number | undefined, k: number): number | undefined {
  if (value !== undefined && value < k) throw invalid(`${name}(${value}) should be larger than k(${k})`)
  return value
}

function checkSparse(params: Readonly<Record<string, unknown>>): void {
  const drop = numberOf(params, 'drop_ratio_search', 0, 1)
  if (drop === 1) throw outOfRange('drop_ratio_search', '1', '[0.000000, 1.000000)')
  numberOf(params, 'dim_max_score_ratio', 0.5, 1.3)
}

function checkRange(
  metric: MetricType,
  params: Readonly<Record<string, unknown>>,
): { radius?: number; rangeFilter?: number } {
  const radius = rangeNumber(params, 'radius')
  const rangeFilter = rangeNumber(params, 'range_filter')
  if (radius === undefined && rangeFilter === undefined) return {}
  if (radius === undefined) throw invalid('range_filter requires radius to be set')
  if (metric === 'SUBSTRUCTURE' || metric === 'SUPERSTRUCTURE') {
    throw invalid(`range search is not supported by metric type ${metric}`)
  }
  if (rangeFilter === undefined) return { radius }
  if (isDistance(metric) && rangeFilter >= radius) {
    throw invalid(`range_filter(${rangeFilter}) must be less than radius(${radius})`)
  }
  if (!isDistance(metric) && rangeFilter <= radius) {
    throw invalid(`range_filter(${rangeFilter}) must be greater than radius(${radius})`)
  }
  return { radius, rangeFilter }
}

function rangeNumber(params: Readonly<Record<string, unknown>>, key: string): number | undefined {
  const given = params[key]
  if (given === undefined) return undefined
  const value = numeric(given)
  if (value === undefined) {
    throw invalid(
      `Type conflict in json: param '${key}' (${shownValue(given)}) should be a number, type must be number`,
    )
  }
  return value
}

/** An integer parameter; text may hold one. `null`, booleans, fractions and arrays are type errors. */
function integerOf(
  params: Readonly<Record<string, unknown>>,
  key: string,
  min: number,
  max: number,
): number | undefined {
  const given = params[key]
  if (given === undefined) return undefined
  const text = typeof given === 'string' ? given : shownValue(given)
  if (typeof given !== 'number' && !(typeof given === 'string' && /^[+-]?\d+$/.test(given))) {
    throw invalid(`Type conflict in json: param '${key}' (${text}) should be integer`)
  }
  const value = Number(given)
  if (!Number.isInteger(value))
    throw invalid(`Type conflict in json: param '${key}' (${text}) should be integer`)
  if (value < min || value > max) throw outOfRange(key, text, `[${min}, ${max}]`)
  return value
}

function numberOf(
  params: Readonly<Record<string, unknown>>,
  key: string,
  min: number,
  max: number,
): number | undefined {
  const given = params[key]
  if (given === undefined) return undefined
  const value = numeric(given)
  const text = typeof given === 'string' ? given : shownValue(given)
  if (value === undefined) throw invalid(`Type conflict in json: param '${key}' (${text}) should be a number`)
  if (value < min || value > max) throw outOfRange(key, text, `[${min.toFixed(6)}, ${max.toFixed(6)}]`)
  return value
}

function numeric(given: unknown): number | undefined {
  if (typeof given === 'number') return Number.isNaN(given) ? undefined : given
  if (typeof given !== 'string' || given.trim() === '') return undefined
  const value = Number(given)
  return Number.isNaN(value) ? undefined : value
}

function outOfRange(key: string, text: string, range: string): MilvusError {
  return invalid(`Out of range in json: param '${key}' (${text}) should be in range ${range}`)
}
