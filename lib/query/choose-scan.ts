/**
 * Decides how one segment is searched: compare every passing row, or walk the graph. A pure function.
 *
 * Both costs are estimated in nanoseconds from sizes alone. A graph knows nothing of filters and deletes, so when only
 * a share `s` of its points passes, candidates must be drawn until enough of them pass: about k / s of them, from a
 * candidate list ef / s long. Its cost grows with 1 / s, that of the scan falls with s; they meet at 4–12 % for
 * ordinary sizes, which is where Milvus switches too (§3.9: about 93 % filtered out).
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

/** One distance in the scan kernels: a fixed part and a part per dimension. Measured, 128-d. */
const SCAN_ROW_NS = 20
const SCAN_DIM_NS = 0.7
/** One entry of the candidate list: its neighbours (about 16 unseen ones) are fetched and compared. */
const GRAPH_ENTRY_NS = 900
const GRAPH_DIM_NS = 3
/** The longest step that may hold the event loop. */
const STEP_NS_MAX = 8_000_000

const EXACT: ScanChoice = { kind: 'exact' }

/** Estimated time of comparing `rows` rows. */
export function exactNs(rows: number, dim: number): number {
  return rows * (SCAN_ROW_NS + SCAN_DIM_NS * dim)
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
  const ef = Math.min(points, Math.max(ask, Math.ceil(sizes.ef / share)))
  const cost = graphNs(ef, dim)
  if (cost > STEP_NS_MAX || cost >= exactNs(passing, dim)) return EXACT
  return { kind: 'graph', ask, ef: Math.max(ask, ef) }
}

/** The next attempt when too few candidates passed: twice as many, unless the scan has become cheaper. */
export function widen(sizes: ScanSizes, choice: { readonly ask: number; readonly ef: number }): ScanChoice {
  const ask = Math.min(sizes.points, choice.ask * 2)
  const ef = Math.min(sizes.points, Math.max(choice.ef * 2, ask))
  const cost = graphNs(ef, sizes.dim)
  if (ask === choice.ask || cost > STEP_NS_MAX || cost >= exactNs(sizes.passing, sizes.dim)) return EXACT
  return { kind: 'graph', ask, ef }
}
