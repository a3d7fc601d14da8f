import t from 'tap'
import { sortInSlices } from '../../../lib/base/slice-sort.js'
import { Turn } from '../../../lib/base/turn.js'
import { rng } from '../../support/rng.js'
import { fakeClock, roundsOf } from '../../support/rounds.js'

for (const count of [0, 1, 512, 513, 1_025, 3_000, 4_096, 10_000]) {
  t.test(`${count} items are sorted as the engine sorts them, ties by place`, async t => {
    const random = rng(count)
    const items = Array.from({ length: count }, (_, place) => ({ key: random.int(50), place }))
    const given = items.slice()
    const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key
    t.strictSame(await sortInSlices(items, compare, new Turn()), items.toSorted(compare))
    t.strictSame(items, given, 'what was given is left alone')
  })
}

t.test('a long list gives turns between blocks and inside merges, a short one needs none', async t => {
  fakeClock(t).leapMs = 10
  const sort = (count: number) => () =>
    sortInSlices(
      Array.from({ length: count }, (_, i) => -i),
      (a, b) => a - b,
      new Turn(),
    )
  t.equal(await roundsOf(sort(500)), 0)
  // 16 blocks, and 4 times 16 slices of merges.
  const passed = await roundsOf(sort(8_192))
  t.ok(passed >= 79, `${passed} rounds`)
})
