/** Bodies of `entities/search` and `entities/hybrid_search` as the engine's requests (protocol §4.6). */
import { invalid } from '../../base/errors.js'
import type {
  FilterTemplates,
  FunctionScore,
  HybridRequest,
  PkInput,
  SearchRequest,
} from '../../query/request.js'
import { planVectorField } from '../../query/search-plan.js'
import type { CollectionSchema } from '../../schema/collection-schema.js'
import { DataType } from '../../schema/data-type.js'
import { structSubField } from '../../schema/struct-codec.js'
import { rankerOf } from '../engine-calls/read-requests.js'
import { notSupported, RestError } from '../status.js'
import { type Body, objectOf, objectsOf, textOf, textsOf } from './route.js'
import { bytesIn } from './row-values.js'

/** Rows of a search or query that does not say how many. */
export const LIMIT_DEFAULT = 100

/** Parameters of a search that are members of the request here, by both spellings. */
const MEMBERS = {
  metricType: ['metricType', 'metric_type'],
  ignoreGrowing: ['ignoreGrowing', 'ignore_growing'],
  hints: ['hints'],
  roundDecimal: ['roundDecimal', 'round_decimal'],
} as const

/** One flat set of parameters. @throws MilvusError 1100 for a key that is said twice, differently */
function flatParams(given: Body): Record<string, unknown> {
  const { params, ...beside } = given
  if (Array.isArray(params)) throw invalid('search params should be an object, got array')
  const inner = typeof params === 'object' && params !== null ? (params as Body) : {}
  for (const [key, value] of Object.entries(inner)) {
    if (Object.hasOwn(beside, key) && beside[key] !== value) throw invalid(`ambiguous parameter: ${key}`)
  }
  return { ...beside, ...inner }
}

/** Takes a parameter out of the set. */
function take(params: Record<string, unknown>, names: readonly string[]): unknown {
  let found: unknown
  for (const name of names) {
    if (params[name] !== undefined) found = params[name]
    delete params[name]
  }
  return found ?? undefined
}

/** Search parameters and the members that stand among them. */
function paramsOf(given: Body): Partial<SearchRequest> {
  const params = flatParams(given)
  const members: Record<string, unknown> = {}
  for (const [member, names] of Object.entries(MEMBERS)) {
    const value = take(params, names)
    if (value !== undefined) members[member] = value
  }
  return { params, ...members }
}

export function templatesOf(body: Body): FilterTemplates {
  return objectOf(body, 'exprParams')
}

function functionScoreOf(body: Body): { functionScore?: FunctionScore } {
  const score = objectOf(body, 'functionScore')
  const functions = objectsOf(score, 'functions')
  if (functions.length === 0) return {}
  return {
    functionScore: {
      functions: functions.map(one => ({
        name: textOf(one, 'name'),
        inputFieldNames: textsOf(one, 'inputFieldNames'),
        params: objectOf(one, 'params'),
        ...(one['type'] === undefined ? {} : { type: one['type'] as string | number }),
      })),
      params: objectOf(score, 'params'),
    },
  }
}

function refuseExtras(body: Body): void {
  for (const key of ['functionChains', 'searchAggregation', 'highlighter']) {
    if (body[key] !== undefined && body[key] !== null) throw notSupported(key)
  }
}

function grouping(body: Body): Partial<SearchRequest> {
  const field = textOf(body, 'groupingField')
  return {
    ...(field === '' ? {} : { groupByField: field }),
    ...(body['groupSize'] === undefined || body['groupSize'] === null
      ? {}
      : { groupSize: body['groupSize'] as number }),
    ...(typeof body['strictGroupSize'] === 'boolean' ? { strictGroupSize: body['strictGroupSize'] } : {}),
  }
}

function window(body: Body): { limit: number; offset: number } {
  return { limit: (body['limit'] ?? LIMIT_DEFAULT) as number, offset: (body['offset'] ?? 0) as number }
}

/** Query vectors in a form the field's type takes. */
function vectorsOf(schema: CollectionSchema, annsField: string, data: readonly unknown[]): unknown[] {
  // A list of vectors per query: the search takes them as they are.
  if (structSubField(schema, annsField) !== null) return [...data]
  const { dataType } = schema.fields[planVectorField(schema, { annsField })]!
  const bytes =
    dataType === DataType.BinaryVector ||
    dataType === DataType.Float16Vector ||
    dataType === DataType.BFloat16Vector
  return bytes ? data.map(vector => bytesIn(dataType, vector)) : [...data]
}

/** What to search for: vectors, or rows whose vectors are taken. @throws RestError 1802 when there is neither */
function questionOf(schema: CollectionSchema, body: Body): Pick<SearchRequest, 'data' | 'ids'> {
  const data = body['data']
  if (Array.isArray(data)) return { data: vectorsOf(schema, textOf(body, 'annsField'), data) }
  const ids = body['ids']
  if (Array.isArray(ids)) return { ids: ids as PkInput[] }
  throw new RestError(
    'missingParameters',
    "Key: 'Data' Error:Field validation for 'Data' failed on the 'required' tag",
  )
}

export function searchOf(schema: CollectionSchema, body: Body): SearchRequest {
  refuseExtras(body)
  const annsField = textOf(body, 'annsField')
  return {
    ...questionOf(schema, body),
    ...(annsField === '' ? {} : { annsField }),
    ...window(body),
    filter: textOf(body, 'filter'),
    templates: templatesOf(body),
    ...paramsOf(objectOf(body, 'searchParams')),
    outputFields: textsOf(body, 'outputFields'),
    ...grouping(body),
    ...functionScoreOf(body),
  }
}

export function hybridOf(schema: CollectionSchema, body: Body): HybridRequest {
  refuseExtras(body)
  const rerank = objectOf(body, 'rerank')
  const strategy = textOf(rerank, 'strategy')
  return {
    requests: objectsOf(body, 'search').map(sub => {
      const { metricType, params, ...rest } = sub
      return searchOf(schema, {
        ...rest,
        outputFields: [],
        searchParams: { ...objectOf(sub, 'searchParams'), ...(metricType ? { metricType } : {}), params },
      })
    }),
    ...(strategy === '' ? {} : { rank: rankerOf(strategy, objectOf(rerank, 'params')) }),
    ...window(body),
    outputFields: textsOf(body, 'outputFields'),
    ...grouping(body),
    ...functionScoreOf(body),
  }
}
