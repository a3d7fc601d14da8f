/**
 * What a segment asks of a vector index: candidates for a query, fast and approximate.
 *
 * An index is an accelerator, never the truth: it knows *labels* (dense integers from 0), the segment maps labels to
 * rows, drops deleted and filtered ones, and recomputes every final score from the raw vectors. So a missing, stale or
 * broken index can slow a search down but never change what a score means.
 */

/** Candidates, best first: `labels[i]` at (approximate) index distance `distances[i]`. */
export interface IndexHits {
  readonly labels: ArrayLike<number>
  readonly distances: ArrayLike<number>
}

export interface VectorIndex {
  /** Points in the index, dead ones included. */
  readonly size: number
  /**
   * Up to `k` nearest labels.
   * @param query values of the query vector, as plain numbers (already normalised for COSINE)
   * @param k at least 1
   * @param ef size of the candidate list, ≥ k
   */
  search(query: readonly number[], k: number, ef: number): IndexHits
}

/** Parameters of one graph, checked. */
export interface HnswParams {
  readonly metric: 'L2' | 'IP' | 'COSINE'
  readonly dim: number
  /** Links per node, 2..2048. */
  readonly m: number
  readonly efConstruction: number
}
