/**
 * The index types Milvus knows, as one table: which fields and metrics each takes, its build parameters with bounds,
 * and what serves it here (query-search-semantics §4.1, §4.2, §4.6).
 *
 * A declared type is a wish about speed; results never depend on it. Four servers stand behind all of them: a graph
 * (`hnsw`), exact scans (`flat`), sparse scans (`sparse`) and scalar columns (`scalar`).
 */
import { DataType } from '../schema/data-type.js'
import type { MetricType } from './index-spec.js'

export type Server = 'hnsw' | 'flat' | 'sparse' | 'scalar'

/** One build parameter: what its text must be. Missing parameters get the type's default silently. */
export type ParamRule =
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly maxExclusive?: boolean }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'word'; readonly words: readonly string[]; readonly reject: (given: string) => string }

export interface VectorIndexType {
  readonly server: Server
  readonly dataTypes: readonly DataType[]
  readonly metrics: readonly MetricType[]
  readonly params: Readonly<Record<string, ParamRule>>
  /** Search parameter that widens the candidate list, and what it is called in messages. */
  readonly width: 'ef' | 'nprobe' | 'search_list' | 'reorder_k' | null
}

export const INT32_MAX = 2_147_483_647

const FLOATS: readonly DataType[] = [DataType.FloatVector, DataType.Float16Vector, DataType.BFloat16Vector]
const NUMBERS: readonly DataType[] = [...FLOATS, DataType.Int8Vector]
const NUMBER_METRICS: readonly MetricType[] = ['L2', 'IP', 'COSINE']

const integer = (min: number, max: number): ParamRule => ({ kind: 'integer', min, max })
const number = (min: number, max: number): ParamRule => ({ kind: 'number', min, max })
const boolean: ParamRule = { kind: 'boolean' }

const REFINE_TYPES = ['sq4u', 'sq6', 'sq8', 'fp16', 'bf16', 'fp32', 'flat']
const refineType: ParamRule = {
  kind: 'word',
  words: REFINE_TYPES,
  reject: given => `invalid refine type : ${given}, optional types are [${REFINE_TYPES.join(', ')}]`,
}
const sqType: ParamRule = {
  kind: 'word',
  words: ['sq4u', 'sq6', 'sq8', 'bf16', 'fp16'],
  reject: () => 'invalid scalar quantizer type',
}
const SPARSE_ALGORITHMS = [
  'TAAT_NAIVE',
  'DAAT_WAND',
  'DAAT_MAXSCORE',
  'BLOCK_MAX_MAXSCORE',
  'BLOCK_MAX_WAND',
  'SINDI',
]
const sparseAlgorithm: ParamRule = {
  kind: 'word',
  words: SPARSE_ALGORITHMS,
  reject: given =>
    `sparse inverted index algo ${given} not found or not supported, supported: [${SPARSE_ALGORITHMS.join(' ')}]`,
}

const refine = { refine: boolean, refine_type: refineType, refine_k: number(1, INT32_MAX) }
const links = { M: integer(2, 2048), efConstruction: integer(1, INT32_MAX) }
const lists = { nlist: integer(1, 65_536) }
const product = { m: integer(1, 65_536), nbits: integer(1, 24) }
const graphOnDisk = { max_degree: integer(1, 2048), search_list_size: integer(1, INT32_MAX) }
const sparse = {
  inverted_index_algo: sparseAlgorithm,
  drop_ratio_build: { kind: 'number', min: 0, max: 1, maxExclusive: true } as const,
  bm25_k1: number(0, 3),
  bm25_b: number(0, 1),
  bm25_avgdl: number(1, INT32_MAX),
}

function onNumbers(
  server: Server,
  dataTypes: readonly DataType[],
  params: Readonly<Record<string, ParamRule>>,
  width: VectorIndexType['width'],
): VectorIndexType {
  return { server, dataTypes, metrics: NUMBER_METRICS, params, width }
}

function onBits(
  metrics: readonly MetricType[],
  params: Readonly<Record<string, ParamRule>>,
  width: VectorIndexType['width'],
): VectorIndexType {
  return { server: 'flat', dataTypes: [DataType.BinaryVector], metrics, params, width }
}

const onSparse: VectorIndexType = {
  server: 'sparse',
  dataTypes: [DataType.SparseFloatVector],
  metrics: ['IP', 'BM25'],
  params: sparse,
  width: null,
}

/** AUTOINDEX is not here: what it stands for depends on the field (`autoIndexType`). */
export const VECTOR_INDEX_TYPES: Readonly<Record<string, VectorIndexType>> = {
  FLAT: onNumbers('flat', FLOATS, {}, null),
  IVF_FLAT: onNumbers('hnsw', FLOATS, lists, 'nprobe'),
  IVF_SQ8: onNumbers('hnsw', FLOATS, lists, 'nprobe'),
  IVF_PQ: onNumbers('hnsw', FLOATS, { ...lists, ...product }, 'nprobe'),
  IVF_RABITQ: onNumbers('hnsw', FLOATS, { ...lists, ...refine }, 'nprobe'),
  SCANN: onNumbers('hnsw', FLOATS, { ...lists, with_raw_data: boolean }, 'reorder_k'),
  HNSW: onNumbers('hnsw', NUMBERS, links, 'ef'),
  HNSW_SQ: onNumbers('hnsw', NUMBERS, { ...links, ...refine, sq_type: sqType }, 'ef'),
  HNSW_PQ: onNumbers('hnsw', NUMBERS, { ...links, ...refine, ...product }, 'ef'),
  HNSW_PRQ: onNumbers('hnsw', NUMBERS, { ...links, ...refine, ...product, nrq: integer(1, 16) }, 'ef'),
  DISKANN: onNumbers('hnsw', FLOATS, graphOnDisk, 'search_list'),
  AISAQ: onNumbers('hnsw', FLOATS, graphOnDisk, 'search_list'),
  BIN_FLAT: onBits(['HAMMING', 'JACCARD', 'SUBSTRUCTURE', 'SUPERSTRUCTURE'], {}, null),
  BIN_IVF_FLAT: onBits(['HAMMING', 'JACCARD'], lists, 'nprobe'),
  MINHASH_LSH: onBits(['MHJACCARD'], {}, null),
  SPARSE_INVERTED_INDEX: onSparse,
  SPARSE_WAND: onSparse,
}

/** Scalar index types a user may ask for; HYBRID is what AUTOINDEX stands for and cannot be asked for. */
export const SCALAR_INDEX_TYPES = ['INVERTED', 'BITMAP', 'STL_SORT', 'TRIE', 'NGRAM', 'RTREE'] as const

/** The vector type that AUTOINDEX stands for on a field. */
export function autoIndexType(dataType: DataType): string {
  switch (dataType) {
    case DataType.BinaryVector:
      return 'BIN_IVF_FLAT'
    case DataType.SparseFloatVector:
      return 'SPARSE_INVERTED_INDEX'
    default:
      return 'HNSW'
  }
}

/** True for parameters that change how an index is kept, not what it is; any type takes them, AlterIndex sets them. */
export function isStorageParam(key: string): boolean {
  return key === 'mmap.enabled' || key === 'indexoffsetcache.enabled' || key.startsWith('warmup')
}
