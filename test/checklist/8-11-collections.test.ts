/** Checklist 8.11: collections, aliases, databases, partition keys, TTL. Changes of the schema: 8-11-schema.test.ts. */
import t from 'tap'
import { type CreateCollection, DataType, type FieldRequest, type Row } from '../../lib/index.js'
import { everywhere, hitKeys, ID, keys, L2, refuses, stage, staged, VEC, withFields } from './fixture.js'

const rows = (from: number, to: number, more: Row = {}): Row[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, vec: [from + i, 0], ...more }))

t.test('8.11.1 [P0] has, list, describe, rename, drop, truncate, stats, the same again', async t => {
  const made = await staged(t, withFields(), rows(0, 5))
  const { db, c } = made
  t.strictSame([await db.hasCollection('c'), await db.hasCollection('nope')], [true, false])
  t.strictSame(await db.listCollections(), ['c'])
  t.match(await c.describe(), { name: 'c', loaded: true, partitions: ['_default'] })
  await refuses(t, () => db.collection('nope').describe(), 100, '[database=default][collection=nope]')
  await db.createCollection({ name: 'c', ...withFields() })
  t.equal(await c.count(), 5, 'the same again changes nothing')
  const other = withFields([{ name: 'n', dataType: DataType.Int64 }])
  await refuses(
    t,
    () => db.createCollection({ name: 'c', ...other }),
    1100,
    'create duplicate collection with different parameters',
  )
  await db.renameCollection('c', 'renamed')
  t.equal(await db.collection('renamed').count(), 5)
  await refuses(t, () => c.count(), 100, 'collection=c')
  await refuses(
    t,
    () => db.renameCollection('renamed', 'renamed'),
    1100,
    'collection name or database name should be different',
  )
  await db.createCollection({ name: 'taken', ...withFields() })
  await refuses(
    t,
    () => db.renameCollection('renamed', 'taken'),
    1100,
    'duplicated new collection name default:taken with other collection name or alias',
  )
  await db.renameCollection('renamed', 'c')
  await c.flush()
  t.equal((await c.stats()).rowCount, 5)
  await made.reopen()
  t.equal((await made.c.stats()).rowCount, 5)
  await made.c.truncate()
  t.strictSame([await made.c.count(), (await made.c.stats()).rowCount], [0, 0])
  await made.c.insert(rows(0, 2))
  t.strictSame(await keys(made.c, ''), [0, 1], 'keys may come again')
  await made.db.dropCollection('c')
  await made.db.dropCollection('c')
  t.strictSame(await made.db.listCollections(), ['taken'])
  await refuses(t, () => made.db.collection('nope').truncate(), 100, 'collection=nope')
})

t.test('8.11.2 [P0] aliases', async t => {
  const made = await staged(t, withFields(), rows(0, 3))
  const { db } = made
  await db.createCollection({ name: 'd', ...withFields() })
  await db.createAlias('a', 'c')
  await db.createAlias('a', 'c')
  t.equal(await db.collection('a').count(), 3)
  await db.collection('a').insert(rows(5, 6))
  t.strictSame(hitKeys((await db.collection('a').search({ data: [[9, 0]], limit: 1 }))[0]), [5])
  t.match(await db.describeAlias('a'), { alias: 'a', collection: 'c' })
  t.strictSame(
    [await db.listAliases('c'), await db.listAliases('d'), await db.listAliases()],
    [['a'], [], ['a']],
  )
  t.strictSame((await made.c.describe()).aliases, ['a'])
  t.ok(await db.hasCollection('a'))
  await refuses(t, () => db.createAlias('a', 'd'), 1602, 'a is alias to another collection: c')
  await refuses(t, () => db.createAlias('d', 'c'), 1601, 'd')
  await refuses(t, () => db.createAlias('b', 'nope'), 100, 'nope')
  await refuses(t, () => db.alterAlias('b', 'd'), 1600, 'alias not found[database=default][alias=b]')
  await refuses(t, () => db.describeAlias('b'), 1600, 'alias not found')
  await refuses(t, () => db.createCollection({ name: 'a', ...withFields() }), 1601, 'a')
  await db.alterAlias('a', 'd')
  t.equal(await db.collection('a').count(), 0)
  await made.reopen()
  t.match(await made.db.describeAlias('a'), { collection: 'd' })
  await refuses(t, () => made.db.dropCollection('a'), 1100, 'cannot drop the collection via alias = a')
  await refuses(
    t,
    () => made.db.dropCollection('d'),
    1100,
    'unable to drop the collection [d] because it has associated aliases [a], please remove all aliases before dropping the collection',
  )
  await refuses(
    t,
    () => made.db.renameCollection('a', 'x'),
    1100,
    'unsupported use an alias to rename collection, alias:a',
  )
  await made.db.dropAlias('a')
  await made.db.dropAlias('a')
  await made.db.dropCollection('d')
})

t.test('8.11.3 [P0] databases', async t => {
  const made = await staged(t, withFields(), rows(0, 3))
  const { db } = made
  await db.createDatabase('other')
  await refuses(t, () => db.createDatabase('other'), 1100, 'database already exist: other')
  t.strictSame((await db.listDatabases()).sort(), ['default', 'other'])
  const twin = await db.createCollection({ name: 'c', ...withFields() }, { database: 'other' })
  await twin.insert(rows(7, 8))
  t.strictSame([await keys(made.c, ''), await keys(twin, '')], [[0, 1, 2], [7]], 'apart')
  const seen: unknown[] = []
  for await (const page of await twin.queryIterator({ batchSize: 1, outputFields: [] })) seen.push(...page)
  for await (const page of await twin.searchIterator({ data: [[0, 0]], outputFields: [] }))
    seen.push(...hitKeys(page))
  t.strictSame(seen, [{ id: 7 }, 7], 'iterators, too')
  t.strictSame(await db.listCollections({ database: 'other' }), ['c'])
  await db.createAlias('a', 'c', { database: 'other' })
  t.notOk(await db.hasCollection('a'))
  await refuses(t, () => db.dropDatabase('default'), 1100, 'can not drop default database')
  await refuses(
    t,
    () => db.dropDatabase('other'),
    1100,
    'other not empty, must drop all collections before drop database',
  )
  await refuses(
    t,
    () => db.collection('c', { database: 'nope' }).count(),
    800,
    'database not found[database=nope]',
  )
  await refuses(t, () => db.createDatabase('1x'), 802, '1x')
  await refuses(
    t,
    () => db.renameCollection('c', 'c', { database: 'other', newDatabase: 'default' }),
    1100,
    'fail to rename db name, must drop all aliases of this collection before rename',
  )
  await db.dropAlias('a', { database: 'other' })
  await db.renameCollection('c', 'moved', { database: 'other', newDatabase: 'default' })
  await made.reopen()
  t.strictSame(await keys(made.db.collection('moved'), ''), [7])
  await made.db.alterDatabase('other', { 'database.replica.number': 1 })
  t.equal((await made.db.describeDatabase('other')).properties['database.replica.number'], '1')
  await made.db.dropDatabase('other')
  t.strictSame(await made.db.listDatabases(), ['default'])
})

const KEYED = (dataType: DataType, more: Partial<CreateCollection> = {}): Omit<CreateCollection, 'name'> => ({
  fields: [ID, { name: 'k', dataType, maxLength: 16, partitionKey: true }, VEC],
  indexes: [L2],
  ...more,
})

t.test('8.11.4 [P0] partition keys', async t => {
  for (const [type, of] of [
    [DataType.Int64, (i: number) => i % 5],
    [DataType.VarChar, (i: number) => `k${i % 5}`],
  ] as const) {
    const given = Array.from({ length: 40 }, (_, id) => ({ id, k: of(id), vec: [id, 0] }))
    await everywhere(t, KEYED(type, { numPartitions: 7 }), given, async c => {
      const one = typeof of(3) === 'string' ? '"k3"' : '3'
      const wanted = given.filter(row => row.k === of(3)).map(row => row.id)
      t.strictSame(await keys(c, `k == ${one}`), wanted)
      t.strictSame(
        await keys(c, `k in [${one}] and id > 10`),
        wanted.filter(id => id > 10),
      )
      t.strictSame(
        await keys(c, `k != ${one}`),
        given.filter(row => row.k !== of(3)).map(row => row.id),
      )
      t.strictSame(await keys(c, `k == ${one} or id == 0`), [0, ...wanted])
      t.strictSame(
        hitKeys((await c.search({ data: [[0, 0]], limit: 3, filter: `k == ${one}` }))[0]),
        wanted.slice(0, 3),
      )
      t.equal((await c.describe()).partitions.length, 7)
    })
  }
  const { c, db } = await staged(t, KEYED(DataType.Int64), [{ id: 1, k: 1, vec: [0, 0] }])
  t.strictSame((await c.describe()).partitions.length, 16)
  t.equal((await c.describe()).partitions[15], '_default_15')
  await refuses(
    t,
    () => c.insert([{ id: 2, vec: [0, 0] }]),
    1100,
    'fieldSchema(k) has no corresponding fieldData pass in',
  )
  const manual = 'not support manually specifying the partition names if partition key mode is used'
  await refuses(t, () => c.query({ filter: 'id > 0', partitionNames: ['_default_0'] }), 1100, manual)
  await refuses(
    t,
    () => c.insert([{ id: 2, k: 1, vec: [0, 0] }], { partitionName: '_default_0' }),
    1100,
    manual,
  )
  await refuses(
    t,
    () => c.createPartition('p'),
    1100,
    'disable create partition if partition key mode is used',
  )
  await refuses(
    t,
    () => c.dropPartition('_default_1'),
    1100,
    'disable drop partition if partition key mode is used',
  )
  await refuses(
    t,
    () => c.loadPartitions(['_default_1']),
    1100,
    'disable load partitions if partition key mode is used',
  )
  await refuses(
    t,
    () => c.releasePartitions(['_default_1']),
    1100,
    'disable release partitions if partition key mode is used',
  )
  const key: FieldRequest = { name: 'k', dataType: DataType.Int64, partitionKey: true }
  const create =
    (fields: readonly FieldRequest[], more: object = {}) =>
    () =>
      db.createCollection({ name: 'x', fields, ...more })
  await refuses(
    t,
    create([ID, { ...key, dataType: DataType.Float }, VEC]),
    1100,
    'the data type of partition key should be Int64 or VarChar',
  )
  await refuses(
    t,
    create([ID, key, { ...key, name: 'k2' }, VEC]),
    1100,
    'there are more than one partition key',
  )
  await refuses(
    t,
    create([{ ...ID, partitionKey: true }, VEC]),
    1100,
    'the partition key field must not be primary field',
  )
  await refuses(
    t,
    create([ID, { ...key, nullable: true }, VEC]),
    1100,
    'partition key field not support nullable',
  )
  await refuses(
    t,
    create([ID, VEC], { numPartitions: 4 }),
    1100,
    'num_partitions should only be specified with partition key field enabled',
  )
  await refuses(
    t,
    create([ID, key, VEC], { numPartitions: 0 }),
    1100,
    'The specified num_partitions should be greater than or equal to 1',
  )
  for (const numPartitions of [Number.NaN, 2.5])
    await refuses(t, create([ID, key, VEC], { numPartitions }), 1100, 'num_partitions: expected an integer')
  await refuses(
    t,
    create([ID, key, VEC], { numPartitions: 1025 }),
    1100,
    'partition number (1025) exceeds max configuration (1024)',
  )
})

t.test('8.11.5 [P1] isolation of partition keys needs a key', async t => {
  const { db } = await stage(t)
  const properties = { 'partitionkey.isolation': 'true' }
  await refuses(
    t,
    () => db.createCollection({ name: 'x', ...withFields(), properties }),
    1100,
    'partition key isolation mode is enabled but no partition key field is set',
  )
  const c = await db.createCollection({ name: 'c', ...KEYED(DataType.Int64) })
  await refuses(
    t,
    () => c.alterProperties(properties),
    1100,
    'can not alter partition key isolation mode if the collection already has a vector index',
  )
  await refuses(
    t,
    () => c.alterProperties({ 'partitionkey.isolation': 'maybe' }),
    1100,
    'partitionkey.isolation',
  )
})

t.test('8.11.5 [P1] with isolation a search pins one key', async t => {
  const definition = {
    ...KEYED(DataType.Int64),
    indexes: [],
    load: false,
    properties: { 'partitionkey.isolation': 'true' },
  }
  const made = await staged(
    t,
    definition,
    rows(0, 8).map((row, i) => ({ ...row, k: i % 2 })),
  )
  await made.c.createIndex(L2)
  await made.c.load()
  const search = (filter: string) => made.c.search({ data: [[0, 0]], limit: 9, filter })
  for (const place of ['growing', 'reopened']) {
    t.strictSame(hitKeys((await search('k == 1'))[0]), [1, 3, 5, 7], place)
    t.strictSame(hitKeys((await search('id > 2 and k == 1'))[0]), [3, 5, 7])
    await refuses(t, () => search('k == 1 or id > 2'), 1100, 'partition key isolation does not support OR')
    await refuses(t, () => search('k in [1, 0]'), 1100, 'partition key isolation does not support IN')
    await refuses(t, () => search('not (k == 1)'), 1100, 'partition key isolation does not support NOT')
    const missing =
      'partition key not found in expr or the expr is invalid when validating partition key isolation'
    t.strictSame(hitKeys((await search('1 == k and id > 2'))[0]), [3, 5, 7])
    // Equal to another field is no value; nor is a test for null.
    const pinless = ['id > 2', '', 'k == id', 'id == k and id > 2', 'k is not null']
    for (const filter of pinless) await refuses(t, () => search(filter), 1100, missing)
    await made.reopen()
  }
})

t.test('8.11.6 [P1] TTL of a collection', async t => {
  let nowMs = Date.UTC(2026, 0, 1)
  const made = await staged(t, withFields([{ name: 'n', dataType: DataType.Int64 }]), rows(0, 3, { n: 1 }), {
    nowMs: () => nowMs,
  })
  const seen = async () => [
    await keys(made.c, ''),
    await made.c.count(),
    (await made.c.search({ data: [[0, 0]], limit: 9 }))[0]!.length,
  ]
  nowMs += 60_000
  await made.c.insert(rows(5, 6, { n: 1 }))
  await made.c.alterProperties({ 'collection.ttl.seconds': 90 })
  t.strictSame(await seen(), [[0, 1, 2, 5], 4, 4])
  nowMs += 31_000
  t.strictSame(await seen(), [[5], 1, 1])
  t.strictSame(await made.c.get([0, 5], { outputFields: [] }), [{ id: 5 }])
  await made.c.upsert([{ id: 5, n: 2, vec: [5, 0] }])
  nowMs += 80_000
  t.strictSame(await seen(), [[5], 1, 1], 'an upsert is a new write')
  nowMs += 20_000
  t.strictSame(await seen(), [[], 0, 0])
  await made.c.compact()
  await made.c.dropProperties(['collection.ttl.seconds'])
  t.strictSame(await seen(), [[], 0, 0], 'purged')
  for (const value of [-2, 3_155_760_001, 'soon']) {
    await refuses(
      t,
      () => made.c.alterProperties({ 'collection.ttl.seconds': value }),
      1100,
      `collection TTL is out of range, expect [-1, 3155760000], got ${value}`,
    )
  }
})

t.test('8.11.6 [P1] TTL by a field', async t => {
  let nowMs = Date.UTC(2026, 0, 1)
  const definition = withFields(
    [
      { name: 'until', dataType: DataType.Timestamptz, nullable: true },
      { name: 'n', dataType: DataType.Int64, nullable: true },
    ],
    { properties: { ttl_field: 'until' } },
  )
  const at = (seconds: number) => new Date(nowMs + seconds * 1000)
  const made = await staged(
    t,
    definition,
    [
      { id: 1, until: at(10), vec: [0, 0] },
      { id: 2, until: null, vec: [0, 0] },
      { id: 3, until: at(100), vec: [0, 0] },
    ],
    { nowMs: () => nowMs },
  )
  t.strictSame(await keys(made.c, ''), [1, 2, 3])
  nowMs += 10_000
  t.strictSame(await keys(made.c, ''), [2, 3], 'at its time; null never')
  t.strictSame(hitKeys((await made.c.search({ data: [[0, 0]], limit: 9 }))[0]), [2, 3])
  t.equal(await made.c.count(), 2)
  const pages: unknown[] = []
  for await (const page of await made.c.queryIterator({ batchSize: 1, outputFields: [] })) pages.push(...page)
  t.strictSame(pages, [{ id: 2 }, { id: 3 }], 'nor does an iterator show it')
  await made.c.upsert([
    { id: 3, until: at(500), vec: [0, 0] },
    { id: 2, until: at(5), vec: [0, 0] },
  ])
  nowMs += 100_000
  await made.c.flush()
  t.strictSame(await keys(made.c, ''), [3], 'extended and shortened')
  await made.c.upsert([{ id: 3, n: 7 }], { partialUpdate: true })
  t.strictSame(await keys(made.c, 'n == 7'), [3], 'a merge keeps the deadline')
  await refuses(
    t,
    () => made.c.alterProperties({ 'collection.ttl.seconds': 5 }),
    1100,
    'collection TTL and ttl field cannot be set at the same time',
  )
  const { db } = made
  const ttl = await db.createCollection({
    name: 'd',
    ...withFields([{ name: 'until', dataType: DataType.Timestamptz, nullable: true }]),
    properties: { 'collection.ttl.seconds': 5 },
  })
  await refuses(
    t,
    () => ttl.alterProperties({ ttl_field: 'until' }),
    1100,
    'collection TTL is already set, cannot be set ttl field',
  )
  await refuses(
    t,
    () => db.createCollection({ name: 'e', ...withFields(), properties: { ttl_field: 'x' } }),
    1100,
    'ttl field name x not found in schema',
  )
  await refuses(
    t,
    () => db.createCollection({ name: 'e', ...withFields(), properties: { ttl_field: 'id' } }),
    1100,
    'ttl field must be timestamptz, field name = id',
  )
})

t.test('8.11.12 [P1] flush and compact change no result', async t => {
  const made = await staged(t, withFields(), rows(0, 20))
  await made.c.delete({ filter: 'id % 3 == 0' })
  await made.c.upsert(rows(4, 6))
  const seen = async () => [
    await made.c.query({ filter: '', limit: 50 }),
    await made.c.search({ data: [[7, 0]], limit: 50 }),
  ]
  const before = await seen()
  for (const step of ['flush', 'compact', 'flush', 'compact'] as const) {
    await made.c[step]()
    t.strictSame(await seen(), before, step)
  }
})

t.test('8.11.13 [P1] row counts of partitions and collections', async t => {
  const { c } = await staged(t, withFields(), rows(0, 4))
  await c.createPartition('p')
  await c.insert(rows(10, 13), { partitionName: 'p' })
  await c.flush()
  t.equal((await c.partitionStats('p')).rowCount, 3)
  t.equal((await c.partitionStats('_default')).rowCount, 4)
  t.equal((await c.stats()).rowCount, 7)
  await refuses(t, () => c.partitionStats('nope'), 200, 'partition not found')
  await c.delete({ ids: [0, 10] })
  await c.compact()
  t.strictSame([(await c.stats()).rowCount, (await c.partitionStats('p')).rowCount], [5, 2])
})
