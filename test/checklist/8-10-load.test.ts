/** Checklist 8.10: load and release. */
import t from 'tap'
import { DataType, type Row } from '../../lib/index.js'
import { hitKeys, ID, keys, L2, refuses, stage, staged, VEC, withFields } from './fixture.js'

const rows = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, vec: [from + i, 0] }))

t.test('8.10.1 [P0] load, search, release, refuse, load; both idempotent', async t => {
  const { c } = await staged(t, { ...withFields(), load: false }, rows(0, 5))
  const search = async () => hitKeys((await c.search({ data: [[0, 0]], limit: 2 }))[0])
  await refuses(t, search, 101, 'failed to search: collection not loaded')
  await c.load()
  await c.load()
  t.strictSame(await search(), [0, 1])
  await c.release()
  await c.release()
  await refuses(t, search, 101, 'collection not loaded')
  await refuses(t, () => c.query({ filter: 'id > 0' }), 101, 'failed to query: collection not loaded')
  await c.load()
  t.strictSame(await search(), [0, 1])
})

t.test('8.10.2 [P0] a load needs an index on every vector field', async t => {
  const v2 = { ...VEC, name: 'v2' }
  const { c } = await staged(t, { fields: [ID, VEC, v2], load: false })
  await refuses(t, () => c.load(), 700, 'index not found[collection=c]')
  await c.createIndex(L2)
  await refuses(t, () => c.load(), 1100, 'there is no vector index on field: [v2], please create index first')
  await c.createIndex({ ...L2, fieldName: 'v2' })
  await c.load()
  t.equal(await c.loadState(), 'Loaded')
})

t.test('8.10.3 [P0] load states and refresh', async t => {
  const { c, db } = await staged(t, { ...withFields(), load: false }, rows(0, 2))
  t.equal(await db.collection('nope').loadState(), 'NotExist')
  t.equal(await c.loadState(), 'NotLoad')
  await refuses(t, () => c.load({ refresh: true }), 101, 'collection not loaded')
  await c.load()
  t.equal(await c.loadState(), 'Loaded')
  await c.load({ refresh: true })
  await c.release()
  t.equal(await c.loadState(), 'NotLoad')
  await c.createPartition('p')
  await c.loadPartitions(['p'])
  t.strictSame(
    [await c.loadState(['p']), await c.loadState(['_default']), await c.loadState()],
    ['Loaded', 'NotLoad', 'Loaded'],
  )
})

t.test('8.10.4 [P0] a load of some partitions', async t => {
  const made = await staged(t, { ...withFields(), load: false }, rows(0, 2))
  const { c } = made
  for (const name of ['p', 'q']) await c.createPartition(name)
  await c.insert(rows(10, 12), { partitionName: 'p' })
  await c.insert(rows(20, 22), { partitionName: 'q' })
  await c.loadPartitions(['p'])
  const seen = async () => [
    (await c.search({ data: [[0, 0]], limit: 9 }))[0]!.length,
    await c.count(),
    (await keys(c, 'id >= 0')).length,
  ]
  t.strictSame(await seen(), [2, 2, 2])
  await c.createPartition('r')
  await c.insert(rows(30, 31), { partitionName: 'r' })
  t.strictSame(await seen(), [2, 2, 2], 'a new partition is not loaded by itself')
  await refuses(t, () => c.count({ partitionNames: ['r'] }), 201, 'partition not loaded')
  await c.loadPartitions(['q'])
  t.strictSame(await seen(), [4, 4, 4])
  await c.load()
  t.strictSame(await seen(), [7, 7, 7])
  await c.createPartition('s')
  await c.insert(rows(40, 41), { partitionName: 's' })
  t.strictSame(await seen(), [8, 8, 8], 'under a load of everything it is')
  await refuses(t, () => c.loadPartitions([]), 1100, 'due to no partition specified')
  await refuses(t, () => c.loadPartitions(['nope']), 200, 'partition not found')
})

t.test('8.10.4 [P0] writes that read see loaded partitions only', async t => {
  const { c } = await staged(t, withFields([{ name: 'n', dataType: DataType.Int32 }]))
  const row = (id: number) => ({ id, n: id, vec: [id, 0] })
  for (const partitionName of ['p', 'q']) await c.createPartition(partitionName)
  await c.insert([row(1), row(2)], { partitionName: 'p' })
  await c.insert([row(3), row(4)], { partitionName: 'q' })
  await c.insert([row(5)])
  await c.release()
  await c.loadPartitions(['p'])
  const q = { partitionName: 'q' }
  const unloaded = 'partition not loaded[partition=q]'
  await refuses(t, () => c.delete({ filter: 'n > 0', ...q }), 201, unloaded)
  await refuses(t, () => c.upsert([{ id: 3, n: 9 }], { partialUpdate: true, ...q }), 201, unloaded)
  const merge = () => c.upsert([{ id: 5, n: 9 }], { partialUpdate: true })
  await refuses(t, merge, 201, 'partition not loaded[partition=_default]')
  t.equal((await c.delete({ ids: [4], ...q })).deleteCount, 1, 'keys need no reading')
  t.equal((await c.upsert([row(6)], q)).upsertCount, 1, 'nor do whole rows')
  t.equal((await c.delete({ filter: 'n > 1' })).deleteCount, 1, 'a filter finds what is loaded')
  await c.upsert([{ id: 1, n: 8 }], { partialUpdate: true, partitionName: 'p' })
  await c.load()
  t.strictSame(await keys(c, 'id > 0'), [1, 3, 5, 6])
  t.strictSame(await keys(c, 'n == 8'), [1])
})

t.test('8.10.5 [P1] releasing and dropping partitions', async t => {
  const { c } = await staged(t, withFields(), rows(0, 2))
  await c.createPartition('p')
  await c.insert(rows(10, 12), { partitionName: 'p' })
  const loaded = 'partition cannot be dropped, partition is loaded, please release it first'
  await refuses(t, () => c.dropPartition('p'), 1100, loaded)
  await c.releasePartitions(['p'])
  t.equal(await c.count(), 2)
  await c.dropPartition('p')
  await refuses(
    t,
    () => c.search({ data: [[0, 0]], limit: 1, partitionNames: ['p'] }),
    1100,
    'partition name p not found',
  )
  await refuses(t, () => c.releasePartitions(['p']), 200, 'partition not found')
  await c.releasePartitions(['_default'])
  await refuses(t, () => c.search({ data: [[0, 0]], limit: 1 }), 101, 'collection not loaded')
  t.equal(await c.loadState(), 'NotLoad')
  await refuses(t, () => c.dropPartition('_default'), 1100, 'default partition cannot be deleted')
})

t.test('8.10.6 [P1] writes, flushes, compactions and loads in any order keep exact counts', async t => {
  const { db } = await stage(t)
  const orders = ['dlfc', 'ldfc', 'fcld', 'uflc', 'lufd', 'cdul', 'fludc', 'ducfl']
  for (const order of orders) {
    const c = await db.createCollection({ name: order, ...withFields(), load: false })
    await c.insert(rows(0, 30))
    let expected = 30
    for (const step of order) {
      if (step === 'd') {
        await c.delete({ ids: [1, 2, 99] })
        expected -= 2
      }
      if (step === 'u') await c.upsert([...rows(5, 8), ...rows(50, 52)]).then(() => (expected += 2))
      if (step === 'f') await c.flush()
      if (step === 'c') await c.compact()
      if (step === 'l') await c.load()
    }
    await c.load()
    t.equal(await c.count(), expected, order)
    const ids = await keys(c, '')
    t.equal(new Set(ids).size, expected)
    t.equal((await c.search({ data: [[0, 0]], limit: 100 }))[0]!.length, expected)
    t.equal(ids.includes(1), !order.includes('d'))
  }
})

t.test('8.10.7 [P1] load_fields is a hint that is checked', async t => {
  const fields = [
    ID,
    { name: 'n', dataType: DataType.Int64 },
    { name: 'k', dataType: DataType.Int64, partitionKey: true },
    VEC,
  ]
  const { c } = await staged(t, { fields, indexes: [L2], load: false, enableDynamicField: true }, [
    { id: 1, n: 5, k: 1, vec: [0, 0], x: 1 },
  ])
  const ask = (loadFields: string[]) => () => c.load({ loadFields })
  await refuses(t, ask(['vec', 'k']), 1100, 'does not contain primary key field id')
  await refuses(t, ask(['id', 'k']), 1100, 'does not contain vector field')
  await refuses(t, ask(['id', 'vec']), 1100, 'does not contain partition key field k')
  await refuses(t, ask(['id', 'vec', 'k', 'nope']), 1700, 'field not found')
  await c.load({ loadFields: ['id', 'vec', 'k'], skipLoadDynamicField: true })
  t.strictSame(
    await c.query({ filter: 'n == 5 and x == 1', outputFields: ['n', 'x'] }),
    [{ id: 1, n: 5, x: 1 }],
    'readers do not enforce it',
  )
})

t.test('8.10.8 [P1] what was loaded is loaded after a restart', async t => {
  const made = await staged(t, withFields(), rows(0, 3))
  const part = await made.db.createCollection({ name: 'part', ...withFields(), load: false })
  await part.createPartition('p')
  await part.insert(rows(5, 7), { partitionName: 'p' })
  await part.insert(rows(0, 3))
  await part.loadPartitions(['p'])
  await made.db.createCollection({ name: 'idle', ...withFields(), load: false })
  await made.reopen()
  t.strictSame(hitKeys((await made.c.search({ data: [[0, 0]], limit: 9 }))[0]), [0, 1, 2])
  t.strictSame(await keys(made.db.collection('part'), ''), [5, 6])
  t.equal(await made.db.collection('part').loadState(['_default']), 'NotLoad')
  t.equal(await made.db.collection('idle').loadState(), 'NotLoad')
})

t.test('8.10.9 [P2] more replicas than there are', async t => {
  const { c } = await staged(t, { ...withFields(), load: false })
  await refuses(t, () => c.load({ replicaNumber: 3 }), 12, 'service resource insufficient')
  await c.load({ replicaNumber: 1 })
})
