/** Truncation: empty at once, in every state of the rows, whatever runs at the moment, and still after a reopen. */
import t from 'tap'
import type { TaskRunner } from '../../lib/engine/scheduler.js'
import { NAME, rows, STATES, things } from './ddl-fixture.js'

for (const state of STATES) {
  t.test(`rows that are ${state} are gone at once and stay gone`, async t => {
    const bench = await things(t)
    await bench.db.createAlias('nick', NAME)
    await bench.things.createPartition('p')
    await bench.things.insert(rows(0, 20))
    await bench.things.flush()
    await bench.things.delete({ ids: [1, 2] })
    await bench.things.insert(rows(20, 40), { partitionName: 'p' })
    await bench.settle(state)
    const before = await bench.things.describe()
    await bench.things.truncate()
    t.equal(await bench.things.count(), 0)
    t.same(await bench.things.get([0, 25]), [])
    t.equal((await bench.things.stats()).rowCount, 0)
    t.same(await bench.things.describe(), before, 'everything else stays')
    await bench.things.insert(rows(0, 5))
    await bench.things.upsert([{ id: 1, vec: [1, 1], n: 111 }])
    for (const after of STATES) {
      await bench.settle(after)
      t.equal(await bench.things.count(), 5, `then ${after}`)
      t.same(await bench.things.get([1, 2, 25], { outputFields: ['n'] }), [
        { id: 1, n: 111 },
        { id: 2, n: 20 },
      ])
    }
    t.equal(await bench.db.collection('nick').count(), 5)
  })
}

t.test('an empty collection is truncated, twice, and reopened', async t => {
  const bench = await things(t)
  await bench.things.truncate()
  await bench.things.truncate()
  await bench.reopen()
  await bench.things.insert(rows(0, 2))
  await bench.reopen()
  t.equal(await bench.things.count(), 2)
})

t.test('writes, flushes, merges and reads at the same moment end in one of two orders', async t => {
  const bench = await things(t)
  for (let round = 0; round < 6; round++) {
    await bench.things.upsert(rows(0, 200))
    await bench.things.flush()
    await bench.things.upsert(rows(100, 300))
    const reads = Array.from({ length: 10 }, () => bench.things.query({ filter: 'id >= 0' }))
    const settling = round % 2 === 0 ? bench.things.flush() : bench.things.compact()
    const late = bench.things.upsert(rows(1000, 1010))
    const [found] = await Promise.all([Promise.all(reads), settling, late, bench.things.truncate()])
    for (const read of found) t.ok([0, 10, 300, 310].includes(read.length), `read ${read.length} rows`)
    const left = await bench.things.count()
    t.ok(left === 0 || left === 10, `left ${left}`)
    await bench.reopen()
    t.equal(await bench.things.count(), left)
    await bench.things.truncate()
    t.equal((await bench.things.stats()).segments.length, 0)
  }
})

/** Stops the runner's next task, before it begins or when it is done, until `go` is called. */
function hold(runner: TaskRunner, where: 'before' | 'after'): { reached: Promise<void>; go: () => void } {
  const run = runner.run.bind(runner)
  let go = (): void => undefined
  const released = new Promise<void>(resolve => {
    go = resolve
  })
  const reached = new Promise<void>(resolve => {
    runner.run = async (task, signal) => {
      runner.run = run
      if (where === 'before') resolve()
      if (where === 'before') await released
      const result = await run(task, signal)
      if (where === 'after') resolve()
      if (where === 'after') await released
      return result
    }
  })
  return { reached, go }
}

for (const where of ['before', 'after'] as const) {
  t.test(`a flush that is stopped ${where} its write adds nothing to a truncated collection`, async t => {
    const bench = await things(t)
    await bench.things.insert(rows(0, 20))
    await bench.things.flush()
    await bench.things.upsert(rows(10, 30))
    const held = hold(bench.db.engine.env.work.flushRunner, where)
    const flushing = bench.things.flush()
    await held.reached
    await bench.things.truncate()
    await bench.things.insert(rows(100, 103))
    held.go()
    await flushing
    t.equal(await bench.things.count(), 3)
    t.same((await bench.things.stats()).segments, [])
    await bench.things.flush()
    await bench.reopen()
    t.equal(await bench.things.count(), 3)
  })

  t.test(`a merge that is stopped ${where} its write adds nothing to a truncated collection`, async t => {
    const bench = await things(t)
    await bench.things.insert(rows(0, 20))
    await bench.things.flush()
    await bench.things.upsert(rows(10, 30))
    await bench.things.flush()
    const held = hold(bench.db.engine.env.work.mergeRunner, where)
    const merging = bench.things.compact()
    await held.reached
    await bench.things.truncate()
    await bench.things.insert(rows(100, 103))
    held.go()
    await merging
    t.equal(await bench.things.count(), 3)
    await bench.things.flush()
    await bench.reopen()
    t.equal(await bench.things.count(), 3)
    t.equal((await bench.things.stats()).segments.length, 1)
  })
}

t.test('a read that began before goes on over the rows it began with', async t => {
  const bench = await things(t)
  await bench.things.insert(rows(0, 50))
  await bench.things.flush()
  await bench.things.delete({ ids: [3] })
  await bench.things.flush()
  await bench.reopen()
  const { state } = bench.db.engine.collection(NAME)
  const snapshot = state.snapshot()
  await bench.things.truncate()
  t.equal(await bench.things.count(), 0)
  let seen = 0
  for (const segment of snapshot.segments) {
    await segment.load([3])
    seen += segment.visible(snapshot.tick, null).count
    t.ok(segment.column(3))
  }
  t.equal(seen, 49, 'with the deletes that hold for it')
  snapshot.release()
})
