/**
 * An index definition of a collection, checked: what the user declared and what serves it here.
 */

export type MetricType =
  | 'L2'
  | 'IP'
  | 'COSINE'
  | 'HAMMING'
  | 'JACCARD'
  | 'SUBSTRUCTURE'
  | 'SUPERSTRUCTURE'
  | 'BM25'
  | 'MHJACCARD'
  | 'MAX_SIM'
  | 'MAX_SIM_IP'
  | 'MAX_SIM_COSINE'
  | 'MAX_SIM_L2'
  | 'MAX_SIM_HAMMING'
  | 'MAX_SIM_JACCARD'

export interface IndexSpec {
  /** Unique in the collection, never reused; sidecar files are bound to it. */
  readonly id: number
  readonly name: string
  readonly fieldName: string
  /** As declared, upper-cased Milvus spelling: HNSW, FLAT, AUTOINDEX, INVERTED, … */
  readonly indexType: string
  /** Empty for scalar indexes. */
  readonly metricType: MetricType | ''
  /** Build parameters as given (strings), each under its own key. */
  readonly params: Readonly<Record<string, string>>
  /** Words of the request that are not in the above, for describe to show (declared-words.ts). */
  readonly declared?: Readonly<Record<string, string>>
}
