/**
 * Judges a search request and brings it into the form the search needs: one field, one metric, prepared query vectors.
 *
 * Messages carry Milvus's phrases (query-search-semantics §3.2, §3.5, §3.8, §3.9). Everything is checked before a
 * segment is touched.
 */

import { invalid, MilvusError } from '../base/errors.js'
import { valueText } from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import { Turn } from '../base/turn.js'
import { checkSearchParams } from '../index/index-params.js'
import type { IndexSpec, MetricType } from '../index/index-spec.js'
import { rangeBounds, signedScore } from '../index/metric.js'
import { prepareQuery, type QueryVector } from '../index/query-vector.js'
import { type CollectionSchema, type FieldSchema, fieldIndex } from '../schema/collection-schema.js'
import { isVectorType } from '../schema/data-type.js'
import type { PkKey } from '../segment/segment.js'
import { parseAggregate } from './aggregate.js'
import { integerOf, type OutputPlan, planKeys, planOutput } from './plan.js'
import type { ReadContext, SearchParams, SearchRequest } from './request.js'

/** A checked search, apart from its query vectors. */
export interface SearchPlan {
  readonly fieldIndex: number
  readonly field: FieldSchema
  readonly metric: MetricType
  readonly limit: number
  readonly offset: number
  /** Length of a graph's candidate list; 0 = not given. */
  readonly ef: number
  /** Range of signed scores that are hits. */
  readonly low: number
  readonly high: number
  readonly ranged: boolean
  /** Hits come behind this signed score and key; null key = strictly behind the score. */
  readonly after: { readonly signed: number; readonly id: PkKey | null } | null
  readonly output: OutputPlan
  /** Decimals of scores, −1 = as computed. */
  readonly decimals: number
}

/**
 * Checks everything about a search but its vectors and its filter.
 * @throws MilvusError
 */
export function planSearch(context: ReadContext, request: SearchRequest): SearchPlan {
  const { schema } = context
  const { limit, offset } = planTopK(request.limit, request.offset ?? request.params?.['offset'])
  const decimals = planDecimals(request.roundDecimal)
  checkHints(request)
  const index = planVectorField(schema, request)
  const field = schema.fields[index]!
  const spec = vectorIndexSpec(context, field)
  const metric = planMetric(spec, request.metricType)
  const params = planParams(request.params)
  const checked = checkSearchParams(spec, field, params, limit + offset)
  const { radius, rangeFilter } = checked
  const bounds = rangeBounds(metric, radius, rangeFilter)
  const after = planCursor(schema, metric, request)
  for (const name of request.outputFields ?? []) {
    if (typeof name === 'string' && parseAggregate(name) !== null) {
      throw invalid('aggregates are not supported in search request')
    }
  }
  return {
    fieldIndex: index,
    field,
    metric,
    limit,
    offset,
    ef: checked.ef ?? 0,
    low: after === null ? bounds.low : Math.max(bounds.low, after.signed),
    high: bounds.high,
    ranged: radius !== undefined,
    after,
    output: planOutput(schema, request.outputFields, false),
    decimals,
  }
}

/** Checks limit and offset of a search. */
export function planTopK(limit: unknown, offset: unknown): { limit: number; offset: number } {
  if (limit === undefined || limit === null) throw new MilvusError('ParameterMissing', 'topk is required')
  const rows = integerOf(limit)
  if (rows === null) throw invalid(`topk [${valueText(limit)}] is invalid`)
  checkWindow('topk', rows, 1)
  const skip = offset === undefined || offset === null ? 0 : integerOf(offset)
  if (skip === null) throw invalid(`offset [${valueText(offset)}] is invalid`)
  checkWindow('offset', skip, 0)
  checkWindow('offset+topk', rows + skip, 1)
  return { limit: rows, offset: skip }
}

function checkWindow(name: string, value: number, least: number): void {
  if (value >= least && value <= LIMITS.topKMax) return
  throw invalid(
    `${name} [${value}] is invalid, it should be in range [1, ${LIMITS.topKMax}], but got ${value}`,
  )
}

/** Checks the number of decimals that scores are rounded to. */
export function planDecimals(decimals: unknown): number {
  if (decimals === undefined || decimals === null) return -1
  const places = integerOf(decimals)
  if (places === null || places < -1 || places > 6) {
    throw invalid(
      `round_decimal [${valueText(decimals)}] is invalid, should be -1 or an integer in range [0, 6]`,
    )
  }
  return places
}

/** Where the page starts; neither offset, grouping nor sorting goes with it (§3.11). */
function planCursor(
  schema: CollectionSchema,
  metric: MetricType,
  request: SearchRequest,
): SearchPlan['after'] {
  const { after } = request
  if (after === undefined || after === null) return null
  if (typeof after.score !== 'number' || Number.isNaN(after.score)) {
    throw invalid(`failed to parse input last bound, expected a number, got ${valueText(after.score)}`)
  }
  if (Number(request.offset ?? request.params?.['offset'] ?? 0) !== 0) {
    throw invalid('Setting an offset is not permitted when using a search iterator v2')
  }
  if (request.groupByField !== undefined || request.groupByFields !== undefined) {
    throw invalid('GroupBy is not permitted when using a search iterator')
  }
  if (request.orderBy !== undefined) throw invalid('order_by is not supported when using search iterator')
  if (request.functionScore !== undefined) throw invalid('rerank is not supported when using search iterator')
  const id = after.id === undefined ? null : planKeys(schema, [after.id])[0]!
  return { signed: signedScore(metric, Math.fround(after.score)), id }
}

/** Hints choose how to execute, never what is found; range searches do not even look at them (§3.9). */
export function checkHints(request: SearchRequest): void {
  const { params } = request
  if (params !== undefined && params !== null && params['radius'] !== undefined) return
  const hints = request.hints ?? params?.['hints']
  if (hints === undefined || hints === null || hints === '') return
  if (hints !== 'iterative_filter' && hints !== 'disable') {
    throw invalid(`hints: ${valueText(hints)} not supported`)
  }
}

function planParams(params: unknown): SearchParams {
  if (params === undefined || params === null) return {}
  if (typeof params !== 'object' || Array.isArray(params)) {
    throw invalid(`search params should be an object, got ${Array.isArray(params) ? 'array' : typeof params}`)
  }
  return params as SearchParams
}

/** Field index of the vector field to search. */
export function planVectorField(
  schema: CollectionSchema,
  request: Pick<SearchRequest, 'annsField' | 'ids'>,
): number {
  const name = request.annsField?.trim() ?? ''
  if (name === '') {
    let only = -1
    for (let i = 0; i < schema.fields.length; i++) {
      if (!isVectorType(schema.fields[i]!.dataType)) continue
      if (only >= 0) {
        throw invalid(
          request.ids === undefined
            ? 'multiple anns_fields exist, please specify a anns_field in search_params'
            : 'multiple vector fields exist, please specify anns_field in search_params',
        )
      }
      only = i
    }
    return only
  }
  const index = fieldIndex(schema, name)
  if (index < 0) {
    throw invalid(
      `failed to create query plan: failed to get field schema by name: fieldName(${name}) not found`,
    )
  }
  if (!isVectorType(schema.fields[index]!.dataType)) {
    throw invalid(`failed to create query plan: field (${name}) to search is not of vector data type`)
  }
  return index
}

/** The index definition that says how the field is searched. */
function vectorIndexSpec(context: ReadContext, field: FieldSchema): IndexSpec {
  const spec = context.indexes.find(index => index.fieldName === field.name && index.metricType !== '')
  if (spec !== undefined) return spec
  throw invalid(`field index of the field: ${field.name} is not loaded, please reload the collection`)
}

function planMetric(spec: IndexSpec, asked: string | undefined): MetricType {
  const metric = spec.metricType
  if (metric === '') throw invalid(`index ${spec.name} has no metric type`)
  if (asked === undefined || asked === null || asked === '') return metric
  // What came out of JSON may be no text.
  if (valueText(asked).toUpperCase() !== metric) {
    throw invalid('metric type not match', { expected: metric, actual: valueText(asked) })
  }
  return metric
}

/** Query vectors prepared at once, and those of longer lists between two looks at the clock. */
const FEW_QUERIES = 16
const SLICE_QUERIES = 4

/**
 * Prepares the query vectors of a request; a promise only when there are many.
 * @throws MilvusError ParameterInvalid for their number, type or dimension; OperationNotSupported for query text where
 *   nothing turns it into a vector
 */
export function planQueries(
  context: ReadContext,
  plan: SearchPlan,
  vectors: unknown,
): QueryVector[] | Promise<QueryVector[]> {
  const count = Array.isArray(vectors) ? vectors.length : 0
  if (count < 1 || count > LIMITS.nqMax) {
    throw invalid(
      `nq [${count}] is invalid, nq (number of search vector per search request) ` +
        `should be in range [1, ${LIMITS.nqMax}], but got ${count}`,
    )
  }
  const given = vectors as readonly unknown[]
  if (given.length > FEW_QUERIES) return planManyQueries(context, plan, given)
  return given.map(vector => planQueryVector(context, plan, vector))
}

async function planManyQueries(
  context: ReadContext,
  plan: SearchPlan,
  vectors: readonly unknown[],
): Promise<QueryVector[]> {
  const turn = new Turn()
  const queries: QueryVector[] = []
  for (let i = 0; i < vectors.length; i++) {
    if (i % SLICE_QUERIES === 0 && turn.due()) await turn.next()
    queries.push(planQueryVector(context, plan, vectors[i]))
  }
  return queries
}

function planQueryVector(context: ReadContext, plan: SearchPlan, vector: unknown): QueryVector {
  if (typeof vector !== 'string' || !plan.field.functionOutput)
    return prepareQuery(plan.field, plan.metric, vector)
  if (context.textQuery === undefined) {
    throw new MilvusError('OperationNotSupported', `search by text in field ${plan.field.name}`)
  }
  return context.textQuery(plan.fieldIndex, vector)
}
