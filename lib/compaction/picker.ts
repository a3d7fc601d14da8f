/**
 * Which segments to rewrite next: a pure function from statistics to a Choice.
 *
 * Size-tiered. A segment's *size* is the larger of its share of the row limit and its share of the byte limit (live
 * rows only, because those are what a merge writes), so a size of 1 is a full segment. Tier t holds sizes in
 * (4^−(t+1), 4^−t]; when FAN_IN segments share a tier they are merged, and everything smaller comes along. Four
 * segments of tier t weigh at most 4^−(t−1), the upper end of the next tier, so from tier 1 on a merge fits the limits.
 *
 * Write amplification: a background merge lifts its rows by at least one tier (four segments of a tier weigh more than
 * the tier's upper end) and tier 0, the segments over a quarter of the limit, is never merged in the background. So a
 * row flushed at size s is written at most 1 + log4(1/s) times in all: 3 for the defaults (65,536-row flushes, 1,048,576-row
 * segments), 6 when every flush is forced at 1,024 rows. A trickle of small flushes never rewrites a big segment.
 * Purging adds to that: a rewrite at a deleted ratio r writes (1 − r) / r bytes per byte it frees, 4 at the default 0.2.
 *
 * Mode 'full' is the user's compact(): merge whatever fits, purge whatever can be purged. Called until it says 'none'
 * it ends: a merge lowers the number of segments, a rewrite the number of deleted rows.
 */

/** What the picker knows about a sealed segment. */
export interface SegmentStat {
  readonly id: number
  readonly rowCount: number
  /**
   * Rows that a rewrite would drop *now*: deleted at or before the purge horizon, expired, or of a dropped partition.
   * Counting rows that must still be kept would make the picker choose the same segment for ever.
   */
  readonly deletedRows: number
  /** Bytes of all columns. */
  readonly byteLength: number
  readonly level: number
  /** Being read or replaced by other background work: not to be chosen. */
  readonly busy: boolean
}

export interface CompactionLimits {
  /** Rows of the largest segment a merge makes. Default 1,048,576. */
  readonly rowsMax?: number
  /** Bytes of the largest segment a merge makes. Default 512 MiB. */
  readonly bytesMax?: number
  /** Share of droppable rows, 0..1, above which a segment is rewritten in the background. Default 0.2. */
  readonly deletedRatioMax?: number
}

/** 'background': only what pays off; 'full': merge whatever fits, purge whatever can be purged. */
export type CompactionMode = 'background' | 'full'

export type Choice =
  | { readonly kind: 'none'; readonly why: string }
  | {
      /** 'merge': two and more inputs; 'rewrite': one, to be rid of its deleted rows. */
      readonly kind: 'merge' | 'rewrite'
      readonly inputs: readonly number[]
      readonly why: string
    }

/** Defaults of CompactionLimits. */
export const COMPACTION_LIMITS = {
  rowsMax: 1 << 20,
  bytesMax: 512 << 20,
  deletedRatioMax: 0.2,
} as const satisfies Required<CompactionLimits>

/** Segments of one tier that are merged. Fewer would rewrite more often, more would leave more segments to search. */
const FAN_IN = 4
/** Inputs of one merge. The merge holds one column of each in memory and numbers them in one byte. */
export const INPUTS_MAX = 64

interface Candidate {
  readonly stat: SegmentStat
  readonly liveRows: number
  /** Share of a full segment, see above. */
  readonly size: number
}

/**
 * What to do next; `why` is for the log.
 * @param mode default 'background'
 */
export function pickCompaction(
  segments: readonly SegmentStat[],
  limits: CompactionLimits = {},
  mode: CompactionMode = 'background',
): Choice {
  const { rowsMax, bytesMax, deletedRatioMax } = { ...COMPACTION_LIMITS, ...limits }
  const free: Candidate[] = []
  for (const stat of segments) {
    if (stat.busy) continue
    const liveRows = Math.max(0, stat.rowCount - stat.deletedRows)
    const liveBytes = stat.rowCount === 0 ? 0 : (stat.byteLength * liveRows) / stat.rowCount
    free.push({ stat, liveRows, size: Math.max(liveRows / rowsMax, liveBytes / bytesMax) })
  }
  // Ties by id: the same statistics always give the same choice.
  free.sort((a, b) => a.size - b.size || a.stat.id - b.stat.id)
  const choice = pickDead(free) ?? (mode === 'full' ? pickFull(free) : pickTier(free))
  return choice ?? pickRewrite(free, mode === 'full' ? 0 : deletedRatioMax)
}

/** Segments without a live row cost nothing to be rid of, so they go first. */
function pickDead(free: readonly Candidate[]): Choice | null {
  const dead = free.find(c => c.liveRows === 0 && c.stat.rowCount > 0)
  if (dead === undefined) return null
  return { kind: 'rewrite', inputs: [dead.stat.id], why: `all ${dead.stat.rowCount} rows are deleted` }
}

/** The lowest (smallest) crowded tier, with everything smaller. `free` is sorted by size. */
function pickTier(free: readonly Candidate[]): Choice | null {
  let tierFrom = 0
  for (let i = 0; i < free.length; i++) {
    const tier = tierOf(free[i]!.size)
    if (tierOf(free[tierFrom]!.size) !== tier) tierFrom = i
    if (tier === 0 || i - tierFrom + 1 < FAN_IN) continue
    const inputs = takeWhileFits(crowd(free, tierFrom, tier))
    return merge(inputs, `${FAN_IN} or more segments of about 1/${4 ** tier} of the size limit`)
  }
  return null
}

/** The whole tier and everything smaller, the tier's own first so that they are not the ones left out. */
function crowd(free: readonly Candidate[], tierFrom: number, tier: number): Candidate[] {
  let tierTo = tierFrom
  while (tierTo < free.length && tierOf(free[tierTo]!.size) === tier) tierTo++
  return [...free.slice(tierFrom, tierTo), ...free.slice(0, tierFrom)]
}

function pickFull(free: readonly Candidate[]): Choice | null {
  const inputs = takeWhileFits(free)
  return inputs.length < 2 ? null : merge(inputs, `${inputs.length} segments fit into one`)
}

/** The longest beginning that makes at most one full segment. */
function takeWhileFits(candidates: readonly Candidate[]): Candidate[] {
  const taken: Candidate[] = []
  let total = 0
  for (const candidate of candidates) {
    if (taken.length === INPUTS_MAX || total + candidate.size > 1) break
    total += candidate.size
    taken.push(candidate)
  }
  return taken
}

function pickRewrite(free: readonly Candidate[], ratioMax: number): Choice {
  let worst: Candidate | null = null
  let worstRatio = ratioMax
  for (const candidate of free) {
    const { deletedRows, rowCount } = candidate.stat
    const ratio = rowCount === 0 ? 0 : deletedRows / rowCount
    if (ratio > worstRatio) {
      worst = candidate
      worstRatio = ratio
    }
  }
  if (worst === null) return { kind: 'none', why: 'no crowded tier and no segment worth a purge' }
  const { id, deletedRows, rowCount } = worst.stat
  return { kind: 'rewrite', inputs: [id], why: `${deletedRows} of ${rowCount} rows can be dropped` }
}

function merge(inputs: readonly Candidate[], why: string): Choice {
  return { kind: 'merge', inputs: inputs.map(c => c.stat.id), why }
}

/** 0 for sizes over a quarter, 1 over a sixteenth, … The small number keeps 1/4 itself in tier 1. */
function tierOf(size: number): number {
  if (size <= 0) return TIER_MAX
  return Math.min(TIER_MAX, Math.max(0, Math.floor(-Math.log2(size) / 2 + 1e-9)))
}

/** Everything below 4^−12 of the limit (one row of the largest limit) is one tier. */
const TIER_MAX = 12
