/** Load states of collections and partitions, and what reads see of them. */
import t from 'tap'
import { DataType } from '../../lib/index.js'
import { type Bench, NAME, refusal, rows, STATES, THINGS, things } from './ddl-fixture.js'

async function partitioned(t: Parameters<typeof things>[0]): Promise<Bench> {
  const bench = await things(t)
  await bench.things.createPartition('p')
  await bench.things.createPartition('q')
  await bench.things.insert(rows(0, 3))
  await bench.things.insert(rows(10, 15), { partitionName: 'p' })
  await bench.things.insert(rows(20, 27), { partitionName: 'q' })
  return bench
}

for (const state of STATES) {
  t.test(`reads see loaded partitions only, in rows that are ${state}`, async t => {
    const bench = await partitioned(t)
    await bench.settle(state)
    t.equal(await bench.things.loadState(), 'Loaded')
    t.equal(await bench.things.loadState(['p', 'q']), 'Loaded')
    await bench.things.releasePartitions(['p'])
    await bench.things.releasePartitions(['p'])
    t.equal(await bench.things.loadState(['p']), 'NotLoad')
    t.equal(await bench.things.loadState(['q']), 'Loaded')
    t.equal(await bench.things.loadState(), 'Loaded')
    t.equal(await bench.things.count(), 10)
    t.same(await bench.things.get([11, 21], { outputFields: ['n'] }), [{ id: 21, n: 210 }])
    t.match(
      await refusal(bench.things.query({ filter: 'id > 0', partitionNames: ['p'] })),
      /partition not loaded/,
    )
    await bench.settle(state)
    t.equal(await bench.things.count(), 10, 'also after what follows')
    t.same(await bench.things.partitionStats('p'), { rowCount: 5 }, 'figures need no load')
    await bench.things.loadPartitions(['p'])
    t.equal(await bench.things.count(), 15)
    await bench.things.releasePartitions(['_default', 'p', 'q'])
    t.equal(await bench.things.loadState(), 'NotLoad')
    t.match(await refusal(bench.things.count()), /collection not loaded/)
    await bench.things.loadPartitions(['q'])
    t.equal(await bench.things.count(), 7)
    await bench.things.dropPartition('p')
    t.notOk(await bench.things.hasPartition('p'))
    t.match(
      await refusal(bench.things.query({ filter: 'id > 0', partitionNames: ['p'] })),
      /partition name p not found/,
    )
    t.match(
      await refusal(bench.things.dropPartition('q')),
      /partition cannot be dropped, partition is loaded/,
    )
    await bench.things.load()
    t.equal(await bench.things.count(), 10)
  })
}

t.test('a new partition is loaded when everything is, and not when a list is', async t => {
  const bench = await partitioned(t)
  await bench.things.createPartition('r')
  t.equal(await bench.things.loadState(['r']), 'Loaded')
  await bench.things.releasePartitions(['r'])
  await bench.things.createPartition('s')
  await bench.things.insert(rows(30, 32), { partitionName: 's' })
  t.equal(await bench.things.loadState(['s']), 'NotLoad')
  t.equal(await bench.things.count(), 15)
  await bench.things.load()
  t.equal(await bench.things.count(), 17)
})

t.test('load and release are refused in Milvus words', async t => {
  const bench = await partitioned(t)
  const { things: c } = bench
  t.match(await refusal(c.loadPartitions([])), /due to no partition specified/)
  t.match(await refusal(c.loadPartitions(['nope'])), /partition not found\[partition=nope\]/)
  t.match(await refusal(c.releasePartitions(['nope'])), /partition not found\[partition=nope\]/)
  t.match(await refusal(c.loadState(['nope'])), /partition not found\[partition=nope\]/)
  t.match(await refusal(c.partitionStats('nope')), /partition not found\[partition=nope\]/)
  t.match(await refusal(c.load({ replicaNumber: 3 })), /service resource insufficient/)
  await c.load({ refresh: true })
  t.equal(await bench.db.collection('nope').loadState(), 'NotExist')
  await c.release()
  t.match(await refusal(c.load({ refresh: true })), /collection not loaded/)
  await c.releasePartitions(['p'])
  t.equal(await c.loadState(), 'NotLoad')
  await c.dropIndex('vec')
  t.match(await refusal(c.load()), /index not found\[collection=things\]/)
  t.match(await refusal(c.loadPartitions(['p'])), /index not found\[collection=things\]/)
})

t.test('with a partition key, partitions are neither loaded nor released by name', async t => {
  const bench = await things(t, {
    ...THINGS,
    fields: [...THINGS.fields, { name: 'tenant', dataType: DataType.Int64, partitionKey: true }],
  })
  t.match(
    await refusal(bench.things.loadPartitions(['_default_0'])),
    /disable load partitions if partition key mode/,
  )
  t.match(
    await refusal(bench.things.releasePartitions(['_default_0'])),
    /disable release partitions if partition key/,
  )
  t.match(
    await refusal(bench.things.load({ loadFields: ['id', 'vec'] })),
    /does not contain partition key field tenant/,
  )
})

t.test('a field list is checked and remembered, and hides nothing', async t => {
  const bench = await things(t, { ...THINGS, enableDynamicField: true })
  await bench.things.insert([{ id: 1, vec: [1, 1], tag: 'a', more: 5 }])
  const load = (loadFields: string[]): Promise<string> => refusal(bench.things.load({ loadFields }))
  t.match(await load(['vec']), /load field list \[vec\] does not contain primary key field id/)
  t.match(await load(['id', 'n']), /load field list \[id n\] does not contain vector field/)
  t.match(await load(['id', 'vec', 'nope']), /field not found\[field=nope\]/)
  await bench.things.load({ loadFields: ['id', 'vec'], skipLoadDynamicField: true })
  await bench.reopen()
  t.same(bench.db.engine.collection(NAME).state.record.loadFields, ['id', 'vec'])
  t.same(await bench.things.query({ filter: 'more == 5', outputFields: ['tag'] }), [{ id: 1, tag: 'a' }])
  await bench.things.load()
  t.equal(bench.db.engine.collection(NAME).state.record.loadFields, undefined)
})

t.test('figures of a database add up', async t => {
  const bench = await partitioned(t)
  t.match(await bench.db.databaseStats('default'), { collectionCount: 1, rowCount: 15, byteLength: 0 })
  await bench.things.flush()
  t.ok((await bench.db.databaseStats('default')).byteLength > 0)
  t.match(await refusal(bench.db.databaseStats('nope')), /database not found/)
})
