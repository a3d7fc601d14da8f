import t from 'tap'
import { chooseScan, exactNs, graphNs, widen } from '../../../lib/query/choose-scan.js'

const sizes = { passing: 100_000, points: 100_000, k: 10, ef: 96, dim: 128 }

t.test('without a graph, or with no more rows than wanted, every row is compared', async t => {
  t.equal(chooseScan({ ...sizes, points: 0 }).kind, 'exact')
  t.equal(chooseScan({ ...sizes, passing: 10 }).kind, 'exact')
})

t.test('a large segment without a filter is searched by its graph, with ef as asked', async t => {
  t.strictSame(chooseScan(sizes), { kind: 'graph', ask: 10, ef: 96 })
})

t.test('a narrow filter is scanned, a wide one draws more candidates', async t => {
  t.equal(chooseScan({ ...sizes, passing: 1000 }).kind, 'exact')
  const half = chooseScan({ ...sizes, passing: 50_000 })
  if (half.kind !== 'graph') return t.fail('half of the rows pass: the graph is cheaper')
  t.ok(half.ask >= 20, 'at least k / share candidates')
  t.equal(half.ef, 127, 'ef / share^0.4')
})

t.test('the switch lies where the estimated costs meet', async t => {
  for (let passing = 100; passing <= 100_000; passing += 100) {
    const choice = chooseScan({ ...sizes, passing })
    if (choice.kind === 'graph') t.ok(graphNs(choice.ef, 100_000, 128) < exactNs({ ...sizes, passing }))
  }
})

t.test('a graph search that would hold the event loop too long is not made', async t => {
  t.equal(
    chooseScan({ ...sizes, passing: 10_000_000, points: 10_000_000, k: 16_384, ef: 16_384 }).kind,
    'exact',
  )
})

t.test('candidates double until the scan is cheaper or the graph has no more', async t => {
  const first = chooseScan({ ...sizes, passing: 50_000 })
  if (first.kind !== 'graph') return t.fail('starts with the graph')
  let choice = widen(sizes, first)
  let steps = 1
  for (; choice.kind === 'graph'; steps++) choice = widen(sizes, choice)
  t.ok(steps < 12)
  t.equal(widen({ ...sizes, points: 20 }, { ask: 20, ef: 20 }).kind, 'exact')
})

t.test('a small graph is cheap, a scan of converted rows dear', async t => {
  const half = { ...sizes, passing: 1_500, points: 3_000, dim: 100 }
  t.ok(graphNs(64, 3_000, 100) * 3 < graphNs(64, 100_000, 100), 'a graph in the caches')
  t.equal(
    graphNs(64, 10_000_000, 100),
    graphNs(64, 1_000_000, 100),
    'no graph misses the caches more than always',
  )
  t.ok(exactNs({ ...half, converted: true }) > exactNs(half) * 1.5)
  t.ok(exactNs({ ...half, passing: 3_000 }) < exactNs(half), 'neighbours are read ahead')
})

t.test(
  'with codes a scan wins under filters that pass a tenth of the rows, not under those that pass half',
  async t => {
    const tenth = { ...sizes, passing: sizes.points / 10 }
    t.equal(chooseScan(tenth).kind, 'graph')
    t.equal(chooseScan({ ...tenth, coded: true }).kind, 'exact')
    t.equal(chooseScan({ ...sizes, passing: sizes.points / 2, coded: true }).kind, 'graph')
  },
)
