/**
 * What a reader may ask for, and what it is read against.
 *
 * Requests are the public camelCase shapes: the embedded client passes them through unchanged, the wire adapters
 * translate into them. Numbers arrive unchecked; plan.ts and search-plan.ts judge them. Partition names and the
 * consistency level are resolved by the engine before a request gets here (`ReadContext.partitions`, the snapshot).
 */
import type { Tick } from '../base/timestamp.js'
import type { IndexSpec } from '../index/index-spec.js'
import type { QueryVector } from '../index/query-vector.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import type { Int64As } from '../schema/int64.js'
import type { TimeForm } from '../schema/timestamptz.js'
import type { FilterCache } from './filter-cache.js'
import type { RowDeadline } from './row-deadline.js'

/** What every read needs to know about the collection; the engine makes one per request, cheaply. */
export interface ReadContext {
  readonly schema: CollectionSchema
  readonly indexes: readonly IndexSpec[]
  readonly int64As: Int64As
  /** Ids of the partitions to read; null = all. */
  readonly partitions: ReadonlySet<number> | null
  /** One per collection, or shared between collections whose segment ids never collide. */
  readonly filterCache: FilterCache
  /** Rows inserted at or before this tick have outlived the collection's TTL and are invisible; 0 = no TTL. */
  readonly expireBeforeTick: Tick
  /** The field after whose value a row is invisible; absent or null = none. */
  readonly deadline?: RowDeadline | null
  /** Stored bytes of all values of a query's result. Default 100 MiB, as in Milvus. */
  readonly resultBytesMax?: number
  /** IANA zone of times without an offset, in and out. Default UTC. */
  readonly timeZone?: string
  /** True: the filter of a search must pin one value of the partition key (§7.6). */
  readonly isolated?: boolean
  /** Form of Timestamptz values in results; set by `withTimes`. */
  readonly times?: TimeForm
  /** Dice of `random_sample`: numbers in [0, 1). */
  readonly random: () => number
  /**
   * Turns query text into a vector for a field that a function fills (BM25); absent when the collection has none.
   * @throws MilvusError ParameterInvalid
   */
  readonly textQuery?: (fieldIndex: number, text: string) => QueryVector
}

/** A row as the caller gets it: field name (or dynamic key) → value. */
export type Row = Record<string, unknown>

/** A primary key as a caller writes it. Int64 keys may be numbers, bigints or decimal text. */
export type PkInput = number | bigint | string

/** Values of `{name}` placeholders in a filter. */
export type FilterTemplates = Readonly<Record<string, unknown>>

/** One sort key: a field and its direction. */
export interface OrderBy {
  readonly field: string
  /** 'asc' or 'desc', any case. Default asc. */
  readonly order?: string
  /** 'nulls_first' or 'nulls_last'. Default: nulls last when ascending, first when descending. */
  readonly nulls?: string
}

/** `orderBy` in any of its spellings: objects, or texts `field[:asc|desc[:nulls_first|nulls_last]]`. */
export type OrderByInput = string | readonly (string | OrderBy)[]

/** How a request wants its moments: part of every kind of read. */
export interface TimeRequest {
  /** IANA zone of times without an offset, in the filter and in results. Default: property `timezone`, else UTC. */
  readonly timeZone?: string
  /**
   * Parts of Timestamptz values to return as a list of integers instead of text: year, month, day, hour, minute,
   * second, microsecond; a list, or text with commas.
   */
  readonly timeFields?: string | readonly string[]
}

export interface GetRequest extends TimeRequest {
  readonly ids: readonly PkInput[]
  /** Default ['*']: every field and every dynamic key. [] = primary key only. */
  readonly outputFields?: readonly string[]
}

export interface QueryRequest extends TimeRequest {
  /** Boolean expression; none or empty = every row, which needs a limit. */
  readonly filter?: string
  readonly templates?: FilterTemplates
  /** Fields, dynamic keys, `*`, `$meta`, or aggregates such as `count(*)`. Default ['*']. */
  readonly outputFields?: readonly string[]
  /** Rows (or groups) to return, 1..16384 together with the offset. Default: all. */
  readonly limit?: number
  /** Rows to skip, counted in the order of the result; ignored without a limit. Default 0. */
  readonly offset?: number
  readonly orderBy?: OrderByInput
  /** Fields to group by; the output then holds group fields and aggregates only. */
  readonly groupBy?: string | readonly string[]
  /** True reads sealed segments only. Default false. */
  readonly ignoreGrowing?: boolean
  /**
   * With an `element_filter`: begins behind this element. The filter has to leave out the keys before its row, as in
   * `id >= 7 and element_filter(…)`.
   */
  readonly afterElement?: ElementPlace
}

/** An element of a struct array: the last one of the page before. */
export interface ElementPlace {
  /** Primary key of its row. */
  readonly id: PkInput
  /** Its position, which the row has as `offset`. */
  readonly offset: number
}

/** A query vector: dense values, raw bytes (binary, float16, bfloat16), sparse pairs, or text for a function field. */
export type VectorInput = unknown

/** Search parameters: `ef`, `nprobe`, `radius`, `range_filter`, … as numbers or numeric text. */
export type SearchParams = Readonly<Record<string, unknown>>

export interface SearchRequest extends TimeRequest {
  /** Query vectors, 1..16384 of them, not to be changed before the answer is there. Leave out when `ids` is given. */
  readonly data?: readonly VectorInput[]
  /** Search with the stored vectors of these rows instead of `data`. */
  readonly ids?: readonly PkInput[]
  /** Vector field to search; needed when the collection has several. */
  readonly annsField?: string
  /** Hits per query (or groups when grouping), 1..16384 together with the offset. */
  readonly limit: number
  readonly offset?: number
  readonly filter?: string
  readonly templates?: FilterTemplates
  readonly params?: SearchParams
  /** Must equal the index's metric when given. */
  readonly metricType?: string
  /** Default ['*']. The primary key is in `entity` only when named or through `*`. */
  readonly outputFields?: readonly string[]
  /** Decimals of the score, 0..6; −1 = as computed (default). */
  readonly roundDecimal?: number
  readonly groupByField?: string
  /** Several fields to group by: rows with the same values in all of them. `groupByField` goes first. */
  readonly groupByFields?: string | readonly string[]
  /** Hits per group, 1..10. Default 1. */
  readonly groupSize?: number
  /** True searches on until every group is full or the rows are exhausted. Default false. */
  readonly strictGroupSize?: boolean
  /** Grouping by a JSON path: type to cast values to (int8 … int64, bool, varchar). Default: their JSON text. */
  readonly jsonType?: string
  /** True refuses values that cannot be cast; false (default) puts them into the null group. */
  readonly strictCast?: boolean
  readonly orderBy?: OrderByInput
  /** Execution hint; 'iterative_filter' and 'disable' are known and change no answer. */
  readonly hints?: string
  readonly ignoreGrowing?: boolean
  /** Continues an ordering by score behind a hit: what search iterators page with. */
  readonly after?: SearchCursor
  /** Rankers that change the scores of what was found. */
  readonly functionScore?: FunctionScore
}

/** The last hit of the page before. */
export interface SearchCursor {
  /** Its score as the metric defines it, not rounded. */
  readonly score: number
  /** Its primary key; without it, rows with the same score are left out as well. */
  readonly id?: PkInput
}

/** One found row. */
export interface SearchHit {
  readonly id: number | bigint | string
  /** As the metric defines it: squared distance for L2, similarity for IP and COSINE … float32. */
  readonly score: number
  readonly entity: Row
  /** Value of the field the search was grouped by; only there when it was. */
  readonly groupByValue?: unknown
  /** Values of all fields the search was grouped by; only there when it was grouped by several. */
  readonly groupByValues?: Row
}

/** A ranker given as a function: `params.reranker` names it (rrf, weighted, decay, boost). */
export interface RankFunction {
  readonly name?: string
  /** 'Rerank' or its number 3. */
  readonly type?: string | number
  readonly inputFieldNames?: readonly string[]
  readonly params: Readonly<Record<string, unknown>>
}

/** Rankers of a search. At most one of them is not a boost. */
export interface FunctionScore {
  readonly functions: readonly RankFunction[]
  /** `function_mode` and `boost_mode`: multiply (default) or sum. */
  readonly params?: Readonly<Record<string, unknown>>
}

/** Fusion of several searches: reciprocal ranks or weighted scores. */
export type Ranker =
  | { readonly strategy: 'rrf'; readonly k?: number }
  | { readonly strategy: 'weighted'; readonly weights: readonly number[]; readonly normScore?: boolean }

export interface HybridRequest extends TimeRequest {
  /** 1..1024 searches with equal numbers of query vectors. Their offsets and output fields are not used. */
  readonly requests: readonly (Omit<SearchRequest, 'limit'> & { readonly limit?: number })[]
  /** Default RRF with k = 60. */
  readonly rank?: Ranker
  /** Rankers given as functions; take the place of `rank`. */
  readonly functionScore?: FunctionScore
  readonly limit: number
  readonly offset?: number
  readonly outputFields?: readonly string[]
  readonly roundDecimal?: number
  readonly groupByField?: string
  readonly groupByFields?: string | readonly string[]
  readonly groupSize?: number
  readonly jsonType?: string
  readonly strictCast?: boolean
  /** How a group's score comes from its hits: 'max' (default), 'sum' or 'avg'. */
  readonly groupScorer?: string
  readonly strictGroupSize?: boolean
  /** Refused: fused rows are ordered by their score. */
  readonly orderBy?: OrderByInput
}
