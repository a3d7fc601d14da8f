/**
 * Rows that are too old: the collection's TTL ends every row that was inserted at or before a tick.
 *
 * What was found out about a sealed segment stays right: its least insert tick tells most reads at once that all rows are
 * young enough, and the bitset of a repeated question is kept.
 *
 * Invariant: bitsets handed out are shared and never written to.
 */
import { countBits } from '../base/bitset.js'
import type { Tick } from '../base/timestamp.js'
import type { Turn } from '../base/turn.js'
import type { Segment, VisibleRows } from '../segment/segment.js'

/** Rows asked for their age between two looks at the clock: under 1 ms. */
const SLICE_ROWS = 32_768

interface Unexpired {
  /** Least insert tick of the segment. */
  readonly minTick: Tick
  /** `visible` is what was left of the rows `from` at this age. */
  readonly before: Tick
  readonly from: Uint32Array
  readonly visible: VisibleRows
}

/** What was last found out about the age of a sealed segment's rows. */
const ages = new WeakMap<Segment, Unexpired>()

/** Takes away the rows inserted at or before `before` (0 = none); a promise only when a segment is large. */
export function unexpired(
  segment: Segment,
  visible: VisibleRows,
  before: Tick,
  turn: Turn,
): VisibleRows | Promise<VisibleRows> {
  if (before <= 0 || visible.count === 0) return visible
  // Rows of a growing segment are in tick order; usually the first one is young enough.
  if (segment.kind === 'growing' && segment.tickOf(0) > before) return visible
  const age = ages.get(segment)
  if (age !== undefined) {
    if (age.minTick > before) return visible
    if (age.before === before && age.from === visible.bits) return age.visible
  }
  const search: AgeSearch = { bits: visible.bits.slice(), row: 0, before, minTick: Number.POSITIVE_INFINITY }
  if (segment.rowCount > SLICE_ROWS) return unexpiredInSlices(segment, visible, search, turn)
  searchOld(segment, search, segment.rowCount)
  return keepAge(segment, visible, search)
}

/** A walk over the rows of a segment that takes the bits of old ones away. */
interface AgeSearch {
  readonly bits: Uint32Array
  readonly before: Tick
  /** The row to look at next. */
  row: number
  minTick: Tick
}

async function unexpiredInSlices(
  segment: Segment,
  visible: VisibleRows,
  search: AgeSearch,
  turn: Turn,
): Promise<VisibleRows> {
  // Rows appended meanwhile are not visible anyway.
  const { rowCount } = segment
  while (search.row < rowCount) {
    if (turn.due()) await turn.next()
    searchOld(segment, search, Math.min(rowCount, search.row + SLICE_ROWS))
  }
  return keepAge(segment, visible, search)
}

/** Looks at the rows up to `to`. */
function searchOld(segment: Segment, search: AgeSearch, to: number): void {
  const { bits, before } = search
  let { minTick } = search
  for (let row = search.row; row < to; row++) {
    const tick = segment.tickOf(row)
    if (tick < minTick) minTick = tick
    if (tick <= before) bits[row >>> 5]! &= ~(1 << (row & 31))
  }
  search.row = to
  search.minTick = minTick
}

/** The young rows; remembered when the segment does not change. */
function keepAge(segment: Segment, visible: VisibleRows, { bits, before, minTick }: AgeSearch): VisibleRows {
  const young = minTick > before ? visible : { bits, count: countBits(bits) }
  if (segment.kind === 'sealed') ages.set(segment, { minTick, before, from: visible.bits, visible: young })
  return young
}
