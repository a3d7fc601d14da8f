/** Rows of equal score in key order: few at once, many in slices, one tie of thousands of rows among them. */
import t from 'tap'
import { Turn } from '../../../lib/base/turn.js'
import { byKey } from '../../../lib/query/segment-hits.js'
import { rng, seedOf } from '../../support/rng.js'
import { fakeClock, roundsOf } from '../../support/rounds.js'
import { randomFruit } from './fixture.js'

const seed = seedOf(29)
const ROWS = 6_000
const fruit = randomFruit(rng(seed), { rowCount: ROWS, sealed: 0, duplicates: 0.1, dim: 1 })
const segment = fruit.segments[0]!

/** Rows with few distinct scores, by score and then by row: as a heap hands them over. */
function ranked(count: number, scores: number): { signed: Float64Array; rows: Int32Array } {
  const random = rng(seed)
  const hits = Array.from({ length: count }, (_, row) => ({ row, signed: random.int(scores) }))
  hits.sort((a, b) => a.signed - b.signed || a.row - b.row)
  return { signed: Float64Array.from(hits, h => h.signed), rows: Int32Array.from(hits, h => h.row) }
}

t.test(`equal scores by key, of one key the newest first (SEED=${seed})`, async t => {
  for (const [count, scores] of [
    [0, 1],
    [1_000, 4],
    [1_025, 600],
    [ROWS, 4_000],
    [ROWS, 2],
    [ROWS, 1],
  ] as const) {
    const { signed, rows } = ranked(count, scores)
    const scoreOf = new Map(Array.from(rows, (row, i) => [row, signed[i]!]))
    const expected = Array.from(rows).sort(
      (a, b) => scoreOf.get(a)! - scoreOf.get(b)! || segment.comparePk(a, b) || b - a,
    )
    const before = Array.from(signed)
    const hits = await byKey(segment, signed, rows, new Turn())
    t.same(Array.from(hits.rows), expected, `${count} rows, ${scores} scores`)
    t.same(Array.from(hits.signed), before)
  }
})

t.test('few rows are ordered at once, many with looks at the clock, also inside of one tie', async t => {
  const few = ranked(1_000, 3)
  t.notOk(byKey(segment, few.signed, few.rows, new Turn()) instanceof Promise)
  fakeClock(t).leapMs = 10
  for (const scores of [3_000, 1]) {
    const { signed, rows } = ranked(ROWS, scores)
    const passed = await roundsOf(() => byKey(segment, signed, rows, new Turn()))
    t.ok(passed >= 4, `${passed} rounds for ${scores} scores`)
  }
})
