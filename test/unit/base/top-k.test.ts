import t from 'tap'
import { type Ranked, TopK } from '../../../lib/base/top-k.js'
import { Turn } from '../../../lib/base/turn.js'
import { rng } from '../../support/rng.js'
import { fakeClock, roundsOf } from '../../support/rounds.js'

const seed = Number(process.env['SEED'] ?? 7)

function sorted(entries: [number, number][]): [number, number][] {
  return [...entries].sort((a, b) => a[0] - b[0] || a[1] - b[1])
}

function drained(top: TopK): [number, number][] {
  const { scores, rows } = top.drain()
  return Array.from(rows, (row, i) => [scores[i]!, row])
}

t.test(`keeps what sorting everything would keep, ties by lower row (SEED=${seed})`, async t => {
  const random = rng(seed)
  for (let round = 0; round < 300; round++) {
    const k = random.between(1, round % 10 === 0 ? 700 : 20)
    const count = random.between(0, 1200)
    const top = new TopK(k)
    const entries: [number, number][] = []
    // Few distinct scores, so that ties are everywhere; rows in random order.
    for (const row of random.shuffle(Array.from({ length: count }, (_, i) => i))) {
      const score = (random.int(30) - 15) / 8
      entries.push([score, row])
      top.push(score, row)
    }
    const expected = sorted(entries).slice(0, k)
    t.equal(top.count, expected.length)
    t.same(drained(top), expected, `k=${k} count=${count}`)
  }
})

t.test('the threshold never refuses a score that could enter, and falls as the heap fills', async t => {
  const top = new TopK(3)
  t.equal(top.threshold, Number.POSITIVE_INFINITY)
  top.push(5, 1)
  top.push(4, 2)
  t.equal(top.threshold, Number.POSITIVE_INFINITY, 'room left: anything may enter')
  top.push(9, 3)
  t.equal(top.threshold, 9)
  top.push(9, 0)
  t.same(
    drained(top),
    [
      [4, 2],
      [5, 1],
      [9, 0],
    ],
    'an equal score enters by its lower row',
  )
})

t.test('bounds are low inclusive, high exclusive, and NaN is never kept', async t => {
  const top = new TopK(10, 1, 2)
  for (const [row, score] of [0.999, 1, 1.5, 2, 2.5, Number.NaN].entries()) top.push(score, row)
  t.same(drained(top), [
    [1, 1],
    [1.5, 2],
  ])
  t.equal(top.threshold, 2, 'drained and ready for use again')
  top.push(1.25, 9)
  t.same(drained(top), [[1.25, 9]])
  const open = new TopK(2)
  open.push(Number.POSITIVE_INFINITY, 1)
  open.push(Number.NEGATIVE_INFINITY, 2)
  t.same(drained(open), [[Number.NEGATIVE_INFINITY, 2]])
})

t.test('k below one is our own mistake', async t => {
  t.throws(() => new TopK(0), /invariant broken/)
  t.throws(() => new TopK(1.5), /invariant broken/)
})

t.test('drained in slices comes out what drained at once does, with looks at the clock', async t => {
  const random = rng(seed)
  const clock = fakeClock(t)
  for (const count of [0, 1, 4_096, 4_097, 9_000, 12_288]) {
    const whole = new TopK(20_000)
    const sliced = new TopK(20_000)
    for (let row = 0; row < count; row++) {
      const score = random.int(500)
      whole.push(score, row)
      sliced.push(score, row)
    }
    const expected = drained(whole)
    clock.leapMs = 10
    let ranked: Ranked = { scores: new Float64Array(0), rows: new Int32Array(0) }
    const passed = await roundsOf(async () => {
      ranked = await sliced.drainInSlices(new Turn())
    })
    clock.leapMs = 0
    t.same(
      Array.from(ranked.rows, (row, i) => [ranked.scores[i]!, row]),
      expected,
      `${count} entries`,
    )
    t.equal(sliced.count, 0)
    t.ok(passed >= Math.ceil(count / 4_096) - 1, `${passed} rounds for ${count} entries`)
  }
})
