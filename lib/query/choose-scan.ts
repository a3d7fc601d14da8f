/**
 * Decides how one segment is searched: compare every passing row, or walk the graph. A pure function.
 *
 * Both costs are estimated in nanoseconds from sizes alone. A graph knows nothing of filters and deletes, so when only
 * a share `s` of its points passes, candidates must be drawn until enough of them pass: about k / s of them. Its cost
 * grows as s falls, that of the scan falls with it; they meet at 2–20 % for ordinary sizes (Milvus switches at about
 * 7 %, §3.9).
 *
 * A graph search is one native call that cannot be interrupted, so one that would hold the event loop too long is
 * refused here: the scan may cost more, but it runs in slices.
 */

/** What the choice depends on. */
export interface ScanSizes {
  /** Rows that pass: visible and TRUE for the filter. */
  readonly passing: number
  /** Points of the graph; 0 = there is none. */
  readonly points: number
  /** Hits wanted. */
  readonly k: number
  /** Candidate list length asked for, at least k. */
  readonly ef: number
  readonly dim: number
  /** True when rows are converted to float32 before they are compared. Default false. */
  readonly converted?: boolean
  /** True when codes tell most rows apart without their vectors (lib/index/vector-codes.ts). Default false. */
  readonly coded?: boolean
}

export type ScanChoice =
  | { readonly kind: 'exact' }
  | {
      readonly kind: 'graph'
      /** Candidates to ask for. */
      readonly ask: number
      readonly ef: number
    }

// Measured with 100,000 rows of 100 dimensions and 20,000 of 768, caches cold; what counts is their ratio.
/** One row among others that are not wanted: fetched from somewhere in memory, then compared. */
const FEW_ROW_NS = 60
const FEW_DIM_NS = 0.55
/** One row among its wanted neighbours: the processor fetches ahead. */
const MANY_ROW_NS = 15
const MANY_DIM_NS = 0.23
/** One row by its codes. */
const CODED_ROW_NS = 12
const CODED_DIM_NS = 0.1
/** Converting one element of a row to float32. */
const CONVERTED_DIM_NS = 1
/** Below this share of passing rows they count as few. */
const FEW_SHARE = 2 / 3
/** One entry of the candidate list: its neighbours are compared, and fetched from memory in a large graph. */
const GRAPH_ENTRY_NS = 400
const GRAPH_DIM_NS = 1
const GRAPH_FETCH_NS = 1900
const GRAPH_FETCH_DIM_NS = 6
/** Up to this many bytes of vectors a graph stays in the caches; with 32 times as many, nothing of it does. */
const CACHED_BYTES = 2 * 1024 * 1024
/** The longest step that may hold the event loop. */
const STEP_NS_MAX = 8_000_000

const EXACT: ScanChoice = { kind: 'exact' }

/** Estimated time of comparing the passing rows. */
export function exactNs(
  sizes: Pick<ScanSizes, 'passing' | 'points' | 'dim' | 'converted' | 'coded'>,
): number {
  const { passing, points, dim, converted, coded } = sizes
  if (coded === true) return passing * (CODED_ROW_NS + CODED_DIM_NS * dim)
  const few = passing < points * FEW_SHARE
  const rowNs = few ? FEW_ROW_NS + FEW_DIM_NS * dim : MANY_ROW_NS + MANY_DIM_NS * dim
  return passing * (rowNs + (converted === true ? CONVERTED_DIM_NS * dim : 0))
}

/** Estimated time of one graph search. */
export function graphNs(ef: number, points: number, dim: number): number {
  const fetched = Math.min(1, Math.max(0, Math.log2((points * dim * 4) / CACHED_BYTES) / 5))
  const entryNs = GRAPH_ENTRY_NS + GRAPH_DIM_NS * dim + fetched * (GRAPH_FETCH_NS + GRAPH_FETCH_DIM_NS * dim)
  return ef * entryNs
}

/** The cheaper way to the best `k` passing rows. */
export function chooseScan(sizes: ScanSizes): ScanChoice {
  const { passing, points, k, dim } = sizes
  if (points === 0 || passing <= k) return EXACT
  const share = Math.min(1, passing / points)
  // Two deviations above the mean, so that one call is mostly enough where passing points are spread evenly.
  const ask = share === 1 ? k : Math.min(points, Math.ceil((k + 2 * Math.sqrt(k * (1 - share))) / share))
  // With ef / s^0.4 the recall of the passing rows stays near that of an unfiltered search with ef (measured).
  const ef = Math.max(ask, Math.ceil(sizes.ef / share ** 0.4))
  const cost = graphNs(ef, points, dim)
  if (cost > STEP_NS_MAX || cost >= exactNs(sizes)) return EXACT
  return { kind: 'graph', ask, ef }
}

/** The next attempt when too few candidates passed: twice as many, unless the scan has become cheaper. */
export function widen(sizes: ScanSizes, choice: { readonly ask: number; readonly ef: number }): ScanChoice {
  const ask = Math.min(sizes.points, choice.ask * 2)
  const ef = Math.max(choice.ef * 2, ask)
  const cost = graphNs(ef, sizes.points, sizes.dim)
  if (ask === choice.ask || cost > STEP_NS_MAX || cost >= exactNs(sizes)) return EXACT
  return { kind: 'graph', ask, ef }
}
