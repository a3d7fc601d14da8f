/**
 * Query and search requests of the protocol as the engine's: key/value texts become named parameters.
 *
 * Values are handed on as they were written; the engine judges them with Milvus's texts. What the engine cannot do is
 * refused here by name, so that no part of a request is silently left out.
 */
import { invalid } from '../../base/errors.js'
import { parseJson } from '../../base/json.js'
import { LIMITS } from '../../base/limits.js'
import type {
  ElementPlace,
  FunctionScore,
  HybridRequest,
  OrderByInput,
  QueryRequest,
  Ranker,
  SearchRequest,
  TimeRequest,
} from '../../query/request.js'
import { DataType } from '../../schema/data-type.js'
import type { Request } from '../calls.js'
import { type KeyValue, Params, toRecord } from '../key-values.js'
import { decodePlaceholderGroup } from '../placeholder-group.js'
import { readIds } from '../results.js'
import { notSupported } from '../status.js'
import { decodeTemplates } from '../template-values.js'
import { refuseNamespace } from './lookup.js'

/** Builds an object without the members that are undefined. */
type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined }
function compact<T extends object>(members: Loose<T>): T {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as T
}

/** `field:desc,…`, or a JSON list of such texts or of objects. */
function orderByOf(params: Params): OrderByInput | undefined {
  const text = params.text('order_by_fields')
  if (text === undefined || !text.trimStart().startsWith('[')) return text
  return parseJson(text) as unknown as OrderByInput
}

const notDecimals = (given: string): string =>
  `round_decimal [${given}] is invalid, should be -1 or an integer in range [0, 6]`

/** A query and where its pages come from. */
export interface ParsedQuery {
  readonly request: QueryRequest
  /** True for pages of an iterator. */
  readonly iterates: boolean
  /** Iterators read every page from the state of this timestamp; 0 = newest. */
  readonly pageTimestamp: bigint
  readonly collectionId: number | undefined
}

export function parseQuery(given: Request<'Query'>): ParsedQuery {
  refuseNamespace(given.namespace)
  const params = new Params(given.query_params)
  const iterates = params.boolean('iterator', 'iterator should be true or false') === true
  const orderBy = orderByOf(params)
  if (iterates && orderBy !== undefined && orderBy.length > 0)
    throw invalid('ORDER BY with iterator is not supported')
  const limit = params.integer('limit')
  const groupBy = params.text('group_by_fields')
  if (iterates && groupBy !== undefined) throw invalid('GROUP BY with iterator is not supported')
  return {
    request: compact<QueryRequest>({
      filter: given.expr,
      templates: decodeTemplates(given.expr_template_values),
      outputFields: given.output_fields,
      limit,
      // Without a limit an offset is ignored, whatever it says.
      offset: (limit === undefined ? params.text('offset') : params.integer('offset')) as number | undefined,
      orderBy,
      groupBy,
      ignoreGrowing: params.boolean('ignore_growing', 'parse ignore growing field failed'),
      afterElement: lastElementOf(params),
      ...timesOf(params),
    }),
    iterates,
    pageTimestamp: iterates ? pageTimestamp(given.guarantee_timestamp) : 0n,
    collectionId: params.integer('collection_id'),
  }
}

/** The last element of an iterator's page before; its row's key may be an empty text. */
function lastElementOf(params: Params): ElementPlace | undefined {
  const offset = params.integer('query_iter_last_element_offset')
  if (offset === undefined || !params.has('query_iter_last_pk')) return undefined
  return { id: params.text('query_iter_last_pk') ?? '', offset }
}

/** How a read wants its moments. */
function timesOf(params: Params): TimeRequest {
  return compact<TimeRequest>({ timeZone: params.text('timezone'), timeFields: params.text('time_fields') })
}

/** 0, 1 and 2 stand for consistency levels; every read here is Strong. */
function pageTimestamp(guarantee: bigint): bigint {
  return guarantee > 2n ? guarantee : 0n
}

/** Fields that a search is grouped by; `plural` = the client asked for a list, and gets one. */
export interface GroupBy {
  readonly names: readonly string[]
  readonly plural: boolean
}

/** A search and what its answer must carry. */
export interface ParsedSearch {
  readonly request: SearchRequest
  readonly pageTimestamp: bigint
  readonly collectionId: number | undefined
  /** Set for pages of the second iterator protocol. */
  readonly iterator: {
    readonly token: string
    readonly bound: number | undefined
    /** Hits of the page. */
    readonly count: number
  } | null
  /** True when the answer must say which state was read. */
  readonly wantsTimestamp: boolean
  readonly groupBy: GroupBy | null
}

/** Search parameters that are members of the engine's request, or none of its business. */
const OWN_KEYS = new Set(
  (
    'topk limit offset anns_field metric_type params round_decimal ignore_growing group_by_field group_by_fields ' +
    'group_size strict_group_size iterator collection_id search_iter_v2 search_iter_batch_size search_iter_id ' +
    'search_iter_last_bound hints analyzer_name timezone time_fields order_by_fields json_path json_type ' +
    'strict_cast reduce_stop_for_best'
  ).split(' '),
)

/** The `params` object, and beside it what clients repeat on the outer level. */
function searchParams(pairs: readonly KeyValue[], params: Params): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(toRecord(pairs))) if (!OWN_KEYS.has(key)) out[key] = value
  return { ...out, ...params.object('params') }
}

function refuseSearchExtras(given: Request<'Search'>): void {
  refuseNamespace(given.namespace)
  if (given.highlighter !== undefined) throw notSupported('highlighter')
  if (given.search_aggregation !== undefined) throw notSupported('search aggregation')
  if (given.function_chains.length > 0) throw notSupported('function chains')
}

function functionScoreOf(score: Request<'Search'>['function_score']): FunctionScore | undefined {
  if (score === undefined || score.functions.length === 0) return undefined
  return {
    functions: score.functions.map(one => ({
      name: one.name,
      type: one.type,
      inputFieldNames: one.input_field_names,
      params: toRecord(one.params),
    })),
    params: toRecord(score.params),
  }
}

/** `group_by_field`, or the fields of `group_by_fields`. */
function groupOf(params: Params): GroupBy | null {
  const single = params.text('group_by_field')
  if (single !== undefined) return { names: [withPath(single, params.text('json_path'))], plural: false }
  const names = (params.text('group_by_fields') ?? '').split(',').map(name => name.trim())
  const wanted = [...new Set(names.filter(name => name !== ''))]
  return wanted.length === 0 ? null : { names: wanted, plural: true }
}

/**
 * The name of what is in a JSON field at a path given beside it, in any of its spellings: `field["a"]["b"]`,
 * `["a"]["b"]` or `/a/b`.
 */
function withPath(field: string, path: string | undefined): string {
  if (path === undefined) return field
  if (path.startsWith('[')) return `${field}${path}`
  if (path.startsWith(`${field}[`)) return path
  if (!path.startsWith('/')) {
    throw invalid(`json_path ${path} is no path of field ${field}: expected ${field}["key"], ["key"] or /key`)
  }
  const keys = path.slice(1).split('/')
  return keys.reduce((name, key) => {
    const plain = key.replaceAll('~1', '/').replaceAll('~0', '~')
    return `${name}["${plain.replace(/["\\]/g, '\\$&')}"]`
  }, field)
}

/** The grouping part of a request. */
function groupingOf(params: Params, groupBy: GroupBy | null): Loose<SearchRequest> {
  const one = groupBy !== null && groupBy.names.length === 1
  return {
    groupByField: one ? groupBy.names[0] : undefined,
    groupByFields: one ? undefined : groupBy?.names,
    groupSize: params.integer('group_size', given => `failed to parse input group size:${given}`),
    strictGroupSize: params.boolean('strict_group_size', 'parse strict group size failed'),
    jsonType: params.text('json_type'),
    strictCast: params.boolean('strict_cast', 'parse strict cast failed'),
  }
}

/** Query vectors, or the ids whose vectors are searched with. */
function questionOf(given: Request<'Search'>): Pick<SearchRequest, 'data' | 'ids'> {
  if (given.ids !== undefined) return { ids: readIds(given.ids) }
  if (given.placeholder_group === undefined || given.placeholder_group.length === 0) return { data: [] }
  const vectors = decodePlaceholderGroup(given.placeholder_group)
  const count = vectors.values.length
  if (given.nq > 0 && given.nq !== count) {
    throw invalid(`nq ${given.nq} does not match the ${count} query vectors of the request`)
  }
  if (vectors.type !== DataType.SparseFloatVector) return { data: vectors.values }
  return {
    data: vectors.values.map(({ indices, values }) => ({ indices: [...indices], values: [...values] })),
  }
}

export function parseSearch(given: Request<'Search'>): ParsedSearch {
  refuseSearchExtras(given)
  const params = new Params(given.search_params)
  if (params.text('analyzer_name') !== undefined) throw notSupported('analyzer_name')
  const v2 = params.boolean('search_iter_v2', 'parse search iter v2 failed') === true
  const iterates = params.boolean('iterator', 'iterator should be true or false') === true
  const question = questionOf(given)
  const groupBy = groupOf(params)
  const iterator = v2 ? iteratorOf(params, question, { iterates, groupBy }) : null
  const orderBy = orderByOf(params)
  const functionScore = functionScoreOf(given.function_score)
  if (iterates) {
    if (groupBy !== null) throw invalid('Not allowed to do groupBy when doing iteration')
    const without = (what: string): Error => invalid(`${what} is not supported when using search iterator`)
    if (orderBy !== undefined && orderBy.length > 0) throw without('order_by')
    if (question.ids !== undefined) throw without('search by ids')
    if (functionScore !== undefined) throw without('rerank')
  }
  const topK = params.integer('topk') ?? (params.integer('limit') as number)
  return {
    request: compact<SearchRequest>({
      ...question,
      annsField: params.text('anns_field'),
      // Iterators of the first kind ask for more than a search may: they get what they can have.
      limit: iterator?.count ?? (iterates ? Math.min(topK, LIMITS.topKMax) : topK),
      offset: params.integer('offset'),
      filter: given.dsl,
      templates: decodeTemplates(given.expr_template_values),
      params: searchParams(given.search_params, params),
      metricType: params.text('metric_type'),
      outputFields: given.output_fields,
      roundDecimal: params.integer('round_decimal', notDecimals),
      ...groupingOf(params, groupBy),
      orderBy,
      hints: params.text('hints'),
      ignoreGrowing: params.boolean('ignore_growing', 'parse ignore growing field failed'),
      functionScore,
      ...timesOf(params),
    }),
    pageTimestamp: iterates ? pageTimestamp(given.guarantee_timestamp) : 0n,
    collectionId: params.integer('collection_id'),
    iterator,
    wantsTimestamp: iterates && given.guarantee_timestamp === 0n,
    groupBy,
  }
}

/** @throws MilvusError ParameterInvalid with Milvus's texts */
function iteratorOf(
  params: Params,
  question: Pick<SearchRequest, 'data' | 'ids'>,
  { iterates, groupBy }: { readonly iterates: boolean; readonly groupBy: GroupBy | null },
): NonNullable<ParsedSearch['iterator']> {
  const wrong = (text: string): Error => invalid(`parse iterator v2 info failed: ${text}`)
  if (!iterates) throw wrong('both iterator and search_iter_v2 must be set in the SDK')
  if (groupBy !== null) throw wrong('GroupBy is not permitted when using a search iterator')
  if (Number(params.text('offset') ?? 0) !== 0)
    throw wrong('Setting an offset is not permitted when using a search iterator v2')
  const token = params.text('search_iter_id') ?? ''
  if (token !== '' && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(token))
    throw wrong('invalid token format')
  const size = params.text('search_iter_batch_size')
  if (size === undefined) throw wrong('batch size is required')
  const count = Number(size)
  if (!Number.isInteger(count) || count < 1 || count > LIMITS.topKMax)
    throw wrong(`batch size is invalid, it should be in range [1, ${LIMITS.topKMax}], but got ${size}`)
  if ((question.data ?? question.ids ?? []).length !== 1) {
    throw invalid('search iterator v2 does not support processing multiple vectors simultaneously')
  }
  const text = params.text('search_iter_last_bound')
  const bound = text === undefined ? undefined : Number(text)
  if (bound !== undefined && Number.isNaN(bound)) {
    throw wrong(`failed to parse input last bound, expected a number, got ${text}`)
  }
  return { token, bound, count }
}

/** A hybrid search and what its answer must carry. */
export interface ParsedHybrid {
  readonly request: HybridRequest
  readonly groupBy: ParsedSearch['groupBy']
}

/** One search of a hybrid search. */
function parseSubSearch(given: Request<'Search'>): SearchRequest {
  if (new Params(given.search_params).boolean('iterator', 'iterator should be true or false') === true)
    throw invalid('iterator is not supported in hybrid search')
  return parseSearch(given).request
}

export function parseHybrid(given: Request<'HybridSearch'>): ParsedHybrid {
  refuseNamespace(given.namespace)
  if (given.function_chains.length > 0) throw notSupported('function chains')
  const params = new Params(given.rank_params)
  const groupBy = groupOf(params)
  return {
    request: compact<HybridRequest>({
      requests: given.requests.map(parseSubSearch),
      rank: rankOf(params),
      functionScore: functionScoreOf(given.function_score),
      limit: params.integer('limit') as number,
      offset: params.integer('offset'),
      outputFields: given.output_fields,
      roundDecimal: params.integer('round_decimal', notDecimals),
      ...groupingOf(params, groupBy),
      groupScorer: params.text('rank_group_scorer'),
      orderBy: orderByOf(params),
      ...timesOf(params),
    }),
    groupBy,
  }
}

/** The ranker by its strategy; the engine judges its numbers. */
function rankOf(params: Params): Ranker | undefined {
  const strategy = params.text('strategy')
  if (strategy === undefined) return undefined
  return rankerOf(strategy, params.object('params', false) ?? {})
}

/** A ranker out of a strategy's name and loose parameters. */
export function rankerOf(strategy: string, given: Readonly<Record<string, unknown>>): Ranker {
  if (strategy === 'rrf')
    return compact<Extract<Ranker, { strategy: 'rrf' }>>({ strategy, k: given['k'] as number })
  return compact<Extract<Ranker, { strategy: 'weighted' }>>({
    // Unknown strategies go through as well: the engine refuses them in Milvus's words.
    strategy: strategy as 'weighted',
    weights: given['weights'] as readonly number[],
    normScore: given['norm_score'] as boolean,
  })
}
