/**
 * Decides how one segment is searched: compare every passing row, or walk the graph. A pure function.
 *
 * Both costs are estimated in nanoseconds from sizes alone. A graph knows nothing of filters and deletes, so when only
 * a share `s` of its points passes, candidates must be drawn until enough of them pass: about k / s of them. Its cost
 * grows as s falls, that of the scan falls with it; they meet at 2–5 % for ordinary sizes (Milvus switches at about
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
}

export type ScanChoice =
  | { readonly kind: 'exact' }
  | {
      readonly kind: 'graph'
      /** Candidates to ask for. */
      readonly ask: number
      readonly ef: number
    }

// Measured with 100,000 rows, 100 to 128 dimensions; what counts is their ratio.
/** One row of a list of few rows: fetched from somewhere in memory, then compared. */
const FEW_ROW_NS = 100
const FEW_DIM_NS = 2
/** One row among many neighbours: the processor fetches ahead. */
const MANY_ROW_NS = 20
const MANY_DIM_NS = 1.1
/** Below this share of passing rows they count as few. */
const FEW_SHARE = 1 / 8
/** One entry of the candidate list: its neighbours are fetched and compared. */
const GRAPH_ENTRY_NS = 1200
const GRAPH_DIM_NS = 6
/** The longest step that may hold the event loop. */
const STEP_NS_MAX = 8_000_000

const EXACT: ScanChoice = { kind: 'exact' }

/** Estimated time of comparing the passing rows. */
export function exactNs(sizes: Pick<ScanSizes, 'passing' | 'points' | 'dim'>): number {
  const { passing, points, dim } = sizes
  const few = passing < points * FEW_SHARE
  return passing * (few ? FEW_ROW_NS + FEW_DIM_NS * dim : MANY_ROW_NS + MANY_DIM_NS * dim)
}

/** Estimated time of one graph search. */
export function graphNs(ef: number, dim: number): number {
  return ef * (GRAPH_ENTRY_NS + GRAPH_DIM_NS * dim)
}

/** The cheaper way to the best `k` passing rows. */
export function chooseScan(sizes: ScanSizes): ScanChoice {
  const { passing, points, k, dim } = sizes
  if (points === 0 || passing <= k) return EXACT
  const share = Math.min(1, passing / points)
  // Three deviations above the mean, so that one call is nearly always enough where passing points are spread evenly.
  const ask = share === 1 ? k : Math.min(points, Math.ceil((k + 3 * Math.sqrt(k * (1 - share))) / share))
  // With ef / √s the recall of the passing rows is that of an unfiltered search with ef (measured, s 0.1 to 0.5).
  const ef = Math.max(ask, Math.ceil(sizes.ef / Math.sqrt(share)))
  const cost = graphNs(ef, dim)
  if (cost > STEP_NS_MAX || cost >= exactNs(sizes)) return EXACT
  return { kind: 'graph', ask, ef }
}

/** The next attempt when too few candidates passed: twice as many, unless the scan has become cheaper. */
export function widen(sizes: ScanSizes, choice: { readonly ask: number; readonly ef: number }): ScanChoice {
  const ask = Math.min(sizes.points, choice.ask * 2)
  const ef = Math.max(choice.ef * 2, ask)
  const cost = graphNs(ef, sizes.dim)
  if (ask === choice.ask || cost > STEP_NS_MAX || cost >= exactNs(sizes)) return EXACT
  return { kind: 'graph', ask, ef }
}
