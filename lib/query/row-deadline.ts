/**
 * Rows that carry their own end: a Timestamptz field of the row says when it is over (`ttl_field`, upsert-semantics §3.4).
 *
 * A row is overdue when its value is at or before the time of the read; null never is. The values of a sealed segment do
 * not change, so which rows are overdue changes only when the clock passes the next value: until then the bitset found
 * last stays right, and a read costs two comparisons per segment instead of one per row.
 *
 * Invariants: the field's column is resident when these are called (`deadlineFields` goes to `segment.load`); bitsets
 * handed out are shared and never written to.
 */
import { andNotInto, countBits, newBits, setBit } from '../base/bitset.js'
import type { Tick } from '../base/timestamp.js'
import type { Turn } from '../base/turn.js'
import { type Column, isValid } from '../schema/column.js'
import type { PkKey, Segment, VisibleRows } from '../segment/segment.js'

/** Which field ends a row's life, and what time it is. */
export interface RowDeadline {
  /** Place of the Timestamptz field in the schema. */
  readonly fieldIndex: number
  readonly fieldId: number
  /** Time of the read, microseconds since the Unix epoch. */
  readonly nowMicros: number
}

/** Rows looked at between two looks at the clock: under 1 ms. */
const SLICE_ROWS = 65_536

const NO_FIELDS: readonly number[] = []

/** Fields that must be resident for the deadline; none without one. */
export function deadlineFields(deadline: RowDeadline | null | undefined): readonly number[] {
  return deadline === null || deadline === undefined ? NO_FIELDS : [deadline.fieldIndex]
}

/** What was last found out about a sealed segment. */
interface Known {
  readonly fieldId: number
  /** The bitset is right for every time from here … */
  readonly fromMicros: number
  /** … to just before here. */
  readonly untilMicros: number
  readonly overdue: Uint32Array
  readonly count: number
  visibleBits: Uint32Array | null
  visible: VisibleRows | null
}

const knownOf = new WeakMap<Segment, Known>()

/** Takes away the rows that are overdue; a promise only when a large segment has to be gone through. */
export function withoutOverdue(
  segment: Segment,
  visible: VisibleRows,
  deadline: RowDeadline | null | undefined,
  turn: Turn,
): VisibleRows | Promise<VisibleRows> {
  if (deadline === null || deadline === undefined || visible.count === 0) return visible
  const known = knownAt(segment, deadline)
  if (known !== null) return withoutKnown(visible, known)
  const search = openOverdue(segment, deadline)
  if (search.rowCount > SLICE_ROWS) return overdueInSlices(segment, visible, search, turn)
  return withoutKnown(visible, finishOverdue(segment, search))
}

async function overdueInSlices(
  segment: Segment,
  visible: VisibleRows,
  search: OverdueSearch,
  turn: Turn,
): Promise<VisibleRows> {
  while (search.row < search.rowCount) {
    if (turn.due()) await turn.next()
    searchOverdue(search, search.row + SLICE_ROWS)
  }
  return withoutKnown(visible, finishOverdue(segment, search))
}

function withoutKnown(visible: VisibleRows, known: Known): VisibleRows {
  if (known.count === 0) return visible
  if (known.visibleBits === visible.bits && known.visible !== null) return known.visible
  const bits = visible.bits.slice()
  andNotInto(bits, known.overdue)
  known.visible = { bits, count: countBits(bits) }
  known.visibleBits = visible.bits
  return known.visible
}

/** What is known of a segment, when it is right at the time of the read; else null. */
function knownAt(segment: Segment, { fieldId, nowMicros }: RowDeadline): Known | null {
  const known = knownOf.get(segment)
  if (known === undefined || known.fieldId !== fieldId) return null
  return nowMicros >= known.fromMicros && nowMicros < known.untilMicros ? known : null
}

/** A walk over the rows of a segment; rows that are appended meanwhile are beyond the read's snapshot. */
interface OverdueSearch {
  readonly deadline: RowDeadline
  readonly words: ArrayLike<number>
  readonly validity: Uint32Array | null
  readonly rowCount: number
  readonly overdue: Uint32Array
  /** The row to look at next. */
  row: number
  count: number
  fromMicros: number
  untilMicros: number
}

function openOverdue(segment: Segment, deadline: RowDeadline): OverdueSearch {
  const { rowCount } = segment
  const column = segment.column(deadline.fieldIndex)
  return {
    deadline,
    words: column.layout === 'fixed' ? column.values : new Int32Array(0),
    validity: column.validity,
    rowCount,
    overdue: newBits(rowCount),
    row: 0,
    count: 0,
    fromMicros: Number.NEGATIVE_INFINITY,
    untilMicros: Number.POSITIVE_INFINITY,
  }
}

/** Looks at the rows up to `to`. */
function searchOverdue(search: OverdueSearch, to: number): void {
  const { words, validity, overdue } = search
  const { nowMicros } = search.deadline
  const end = Math.min(to, search.rowCount)
  let { count, fromMicros, untilMicros } = search
  for (let row = search.row; row < end; row++) {
    if (validity !== null && ((validity[row >>> 5]! >>> (row & 31)) & 1) === 0) continue
    const micros = microsAt(words, row)
    if (micros > nowMicros) {
      if (micros < untilMicros) untilMicros = micros
      continue
    }
    if (micros > fromMicros) fromMicros = micros
    setBit(overdue, row)
    count++
  }
  search.row = end
  search.count = count
  search.fromMicros = fromMicros
  search.untilMicros = untilMicros
}

/** Looks at what is left and keeps what was found, if the segment does not change. */
function finishOverdue(segment: Segment, search: OverdueSearch): Known {
  searchOverdue(search, search.rowCount)
  const { overdue, count, fromMicros, untilMicros } = search
  const { fieldId } = search.deadline
  const known = { fieldId, fromMicros, untilMicros, overdue, count, visibleBits: null, visible: null }
  if (segment.kind === 'sealed') knownOf.set(segment, known)
  return known
}

/** Low and high word to a number: exact until the year 2255, and in the right order beyond it. */
function microsAt(words: ArrayLike<number>, row: number): number {
  return words[row * 2 + 1]! * 4_294_967_296 + (words[row * 2]! >>> 0)
}

/** True when the value of a Timestamptz column is at or before a time; null never is. */
export function isPast(column: Column, row: number, nowMicros: number): boolean {
  return column.layout === 'fixed' && isValid(column, row) && microsAt(column.values, row) <= nowMicros
}

/** The overdue rows of a segment as a bitset that is not to be written to; null when there are none. */
export function overdueBits(segment: Segment, deadline: RowDeadline): Uint32Array | null {
  const { overdue, count } =
    knownAt(segment, deadline) ?? finishOverdue(segment, openOverdue(segment, deadline))
  return count === 0 ? null : overdue
}

/** True when a single row is overdue. */
function isOverdue(segment: Segment, row: number, { fieldIndex, nowMicros }: RowDeadline): boolean {
  return isPast(segment.column(fieldIndex), row, nowMicros)
}

/** Newest row with this key that is visible and not overdue, or −1. */
export function findLivingPk(
  segment: Segment,
  key: PkKey,
  tick: Tick,
  partitions: ReadonlySet<number> | null,
  deadline: RowDeadline | null | undefined,
): number {
  let row = segment.findPk(key, tick, partitions)
  if (deadline === null || deadline === undefined) return row
  // An older question may bring up a version that was deleted since: that one does not count either.
  while (row >= 0 && (isOverdue(segment, row, deadline) || !segment.isVisible(row, tick)))
    row = segment.findPk(key, segment.tickOf(row) - 1, partitions)
  return row
}
