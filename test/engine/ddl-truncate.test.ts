/** Truncation: empty at once, in every state of the rows, whatever runs at the moment, and still after a reopen. */
import t from 'tap'
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
