/**
 * Rows whose life is over, by the collection's TTL or by a field of their own: the same rows whether a segment is gone
 * through at once or in slices, and remembered for as long as that is right.
 */
import t from 'tap'
import { getBit, onesBits } from '../../../lib/base/bitset.js'
import { Turn } from '../../../lib/base/turn.js'
import { unexpired } from '../../../lib/query/row-age.js'
import { overdueBits, withoutOverdue } from '../../../lib/query/row-deadline.js'
import type { Column } from '../../../lib/schema/column.js'
import { int64WordsOf } from '../../../lib/schema/column-ops.js'
import type { Segment, VisibleRows } from '../../../lib/segment/segment.js'
import { rng, seedOf } from '../../support/rng.js'
import { fakeClock, roundsOf } from '../../support/rounds.js'

const seed = seedOf(23)
const LONG = 150_000

/** A segment of which only the ticks, and a column of ends, can be read. Null where `ends` is null. */
function segmentOf(
  kind: 'sealed' | 'growing',
  ticks: readonly number[],
  ends: readonly (number | null)[],
): Segment {
  const values = new Int32Array(ends.length * 2)
  const validity = onesBits(ends.length)
  ends.forEach((end, row) => {
    if (end === null) validity[row >>> 5]! &= ~(1 << (row & 31))
    else values.set(int64WordsOf(end), row * 2)
  })
  const column: Column = { layout: 'fixed', width: 2, values, validity }
  const part = { kind, rowCount: ticks.length, tickOf: (row: number) => ticks[row]!, column: () => column }
  return part as unknown as Segment
}

function rowsIn({ bits }: VisibleRows, count: number): number[] {
  return Array.from({ length: count }, (_, row) => row).filter(row => getBit(bits, row))
}

function randomSegment(kind: 'sealed' | 'growing', count: number): [Segment, number[], (number | null)[]] {
  const random = rng(seed)
  const ticks = Array.from({ length: count }, (_, i) => (kind === 'growing' ? 5 + i : 5 + random.int(count)))
  const ends = ticks.map(() => (random.chance(0.1) ? null : 1_000 + random.int(1_000)))
  return [segmentOf(kind, ticks, ends), ticks, ends]
}

for (const kind of ['sealed', 'growing'] as const) {
  for (const count of [100, LONG]) {
    t.test(`${count} rows of a ${kind} segment (SEED=${seed})`, async t => {
      const [segment, ticks, ends] = randomSegment(kind, count)
      const visible: VisibleRows = { bits: onesBits(count), count }
      const turn = new Turn()
      for (const before of [1, 4, 5, count >> 1, count >> 1, 2 * count]) {
        const young = await unexpired(segment, visible, before, turn)
        const expected = ticks.flatMap((tick, row) => (tick > before ? [row] : []))
        t.equal(young.count, expected.length)
        t.same(rowsIn(young, count), expected, `younger than ${before}`)
      }
      for (const nowMicros of [999, 1_500, 1_500, 1_501, 3_000]) {
        const deadline = { fieldIndex: 0, fieldId: 1, nowMicros }
        const living = await withoutOverdue(segment, visible, deadline, turn)
        const expected = ends.flatMap((end, row) => (end === null || end > nowMicros ? [row] : []))
        t.equal(living.count, expected.length)
        t.same(rowsIn(living, count), expected, `not over at ${nowMicros}`)
        const overdue = overdueBits(segment, deadline)
        const over = overdue === null ? [] : rowsIn({ bits: overdue, count: 0 }, count)
        t.equal(over.length, count - expected.length)
      }
      t.equal(visible.count, count)
      t.equal(rowsIn(visible, count).length, count, 'what was given is left as it was')
    })
  }
}

t.test(
  'many rows are gone through with looks at the clock; what is known of a sealed segment at once',
  async t => {
    const visible: VisibleRows = { bits: onesBits(LONG), count: LONG }
    const deadline = { fieldIndex: 0, fieldId: 1, nowMicros: 1_500 }
    const [segment] = randomSegment('sealed', LONG)
    fakeClock(t).leapMs = 10
    t.ok((await roundsOf(() => unexpired(segment, visible, LONG >> 1, new Turn()))) >= 4)
    t.ok((await roundsOf(() => withoutOverdue(segment, visible, deadline, new Turn()))) >= 2)
    t.notOk(unexpired(segment, visible, LONG >> 1, new Turn()) instanceof Promise)
    t.notOk(withoutOverdue(segment, visible, deadline, new Turn()) instanceof Promise)
  },
)
