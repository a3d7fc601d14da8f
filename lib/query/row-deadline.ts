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

/** Takes away the rows that are overdue. */
export function withoutOverdue(
  segment: Segment,
  visible: VisibleRows,
  deadline: RowDeadline | null | undefined,
): VisibleRows {
  if (deadline === null || deadline === undefined || visible.count === 0) return visible
  const known = overdueRows(segment, deadline)
  if (known.count === 0) return visible
  if (known.visibleBits === visible.bits && known.visible !== null) return known.visible
  const bits = visible.bits.slice()
  andNotInto(bits, known.overdue)
  known.visible = { bits, count: countBits(bits) }
  known.visibleBits = visible.bits
  return known.visible
}

function overdueRows(segment: Segment, deadline: RowDeadline): Known {
  const { fieldId, nowMicros } = deadline
  const known = knownOf.get(segment)
  if (
    known !== undefined &&
    known.fieldId === fieldId &&
    nowMicros >= known.fromMicros &&
    nowMicros < known.untilMicros
  )
    return known
  const fresh = findOverdue(segment, deadline)
  if (segment.kind === 'sealed') knownOf.set(segment, fresh)
  return fresh
}

function findOverdue(segment: Segment, { fieldIndex, fieldId, nowMicros }: RowDeadline): Known {
  const { rowCount } = segment
  const column = segment.column(fieldIndex)
  const words = column.layout === 'fixed' ? column.values : new Int32Array(0)
  const { validity } = column
  const overdue = newBits(rowCount)
  let count = 0
  let fromMicros = Number.NEGATIVE_INFINITY
  let untilMicros = Number.POSITIVE_INFINITY
  for (let row = 0; row < rowCount; row++) {
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
  return { fieldId, fromMicros, untilMicros, overdue, count, visibleBits: null, visible: null }
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
  const { overdue, count } = overdueRows(segment, deadline)
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
