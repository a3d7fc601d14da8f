/** Checklist 8.11: collections, aliases, databases, partition keys, TTL, changes of the schema. */
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
  await refuses(t, () => c.insert([{ id: 2, vec: [0, 0] }]), 1100, 'k')
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

const ADDED: readonly (readonly [FieldRequest, unknown])[] = [
  [{ name: 'b', dataType: DataType.Bool }, true],
  [{ name: 'i8', dataType: DataType.Int8 }, 5],
  [{ name: 'i64', dataType: DataType.Int64 }, 5],
  [{ name: 'f', dataType: DataType.Float }, 0.5],
  [{ name: 'd', dataType: DataType.Double }, 0.1],
  [{ name: 's', dataType: DataType.VarChar, maxLength: 8 }, 'x'],
  [{ name: 'j', dataType: DataType.JSON }, { k: 1 }],
  [{ name: 'ts', dataType: DataType.Timestamptz }, '2025-01-01T00:00:00Z'],
  [{ name: 'l', dataType: DataType.Array, elementType: DataType.Int32, maxCapacity: 4 }, [1, 2]],
]

t.test('8.11.7 [P1] added fields of every type', async t => {
  const made = await staged(t, withFields([], { enableDynamicField: true }), rows(0, 2, { s: 'dynamic' }))
  await made.c.flush()
  await made.c.insert(rows(2, 3))
  for (const [field, value] of ADDED) {
    await made.c.addField({ ...field, nullable: true })
    t.strictSame(await keys(made.c, `${field.name} is null`), [0, 1, 2], `${field.name} of old rows`)
    await made.c.upsert([{ id: 2, vec: [2, 0], [field.name]: value }])
    t.strictSame(await made.c.query({ filter: 'id in [0, 2]', outputFields: [field.name] }), [
      { id: 0, [field.name]: null },
      { id: 2, [field.name]: value },
    ])
    await made.c.upsert(rows(2, 3))
  }
  t.strictSame(await keys(made.c, '$meta["s"] == "dynamic"'), [0, 1], 'the dynamic key is still reachable')
  await made.c.addField({ name: 'dv', dataType: DataType.Int64, nullable: true, defaultValue: 42 })
  t.strictSame(await keys(made.c, 'dv == 42'), [0, 1, 2], 'a default fills old rows')
  await made.c.compact()
  await made.reopen()
  t.strictSame(await keys(made.c, 'dv == 42 and i64 is null'), [0, 1, 2])
  const decay = {
    functions: [
      {
        name: 'd',
        type: 3,
        inputFieldNames: ['dv'],
        params: { reranker: 'decay', function: 'gauss', origin: 42, scale: 1 },
      },
    ],
  }
  t.equal((await made.c.search({ data: [[0, 0]], limit: 3, functionScore: decay }))[0]!.length, 3)
})

t.test('8.11.7 [P1] added vectors, and what can not be added', async t => {
  const made = await staged(t, withFields(), rows(0, 2))
  const { c } = made
  await c.addField({ name: 'v2', dataType: DataType.FloatVector, dim: 3, nullable: true })
  await refuses(t, () => c.search({ data: [[0, 0, 0]], limit: 1, annsField: 'v2' }), 1100, '')
  await c.createIndex({ fieldName: 'v2', metricType: 'L2' })
  await c.release()
  await c.load()
  await c.insert([{ id: 9, vec: [0, 0], v2: [1, 1, 1] }])
  t.strictSame(
    hitKeys((await c.search({ data: [[0, 0, 0]], limit: 5, annsField: 'v2' }))[0]),
    [9],
    'old rows are null',
  )
  await refuses(
    t,
    () => c.addField({ name: 'x', dataType: DataType.Int64 }),
    1100,
    'added field must be nullable, please check it, field name = x',
  )
  await refuses(
    t,
    () => c.addField({ name: 'vec', dataType: DataType.Int64, nullable: true }),
    1100,
    'duplicated field name vec',
  )
  await refuses(
    t,
    () => c.addField({ name: 'x', dataType: DataType.Int64, nullable: true, partitionKey: true }),
    1100,
    '',
  )
  const { fields } = (await c.describe()).schema
  const count = fields.length
  for (let i = count; i < 64; i++)
    await c.addField({ name: `x${i}`, dataType: DataType.Int8, nullable: true })
  await refuses(
    t,
    () => c.addField({ name: 'x64', dataType: DataType.Int8, nullable: true }),
    1100,
    'The number of fields has reached the maximum value 64',
  )
})

t.test('8.11.8 [P1] altered fields and descriptions', async t => {
  const definition = withFields([
    { name: 's', dataType: DataType.VarChar, maxLength: 4 },
    { name: 'l', dataType: DataType.Array, elementType: DataType.Int8, maxCapacity: 2 },
  ])
  const made = await staged(t, definition, rows(0, 1, { s: 'abcd', l: [1] }))
  const { c } = made
  await refuses(t, () => c.insert(rows(1, 2, { s: 'abcdefgh', l: [] })), 1100, 'length')
  await c.alterField('s', { maxLength: 8 })
  await c.alterField('l', { maxCapacity: 4 })
  await c.insert(rows(1, 2, { s: 'abcdefgh', l: [1, 2, 3, 4] }))
  await c.alterField('s', { maxLength: 2 })
  t.strictSame(
    (await c.query({ filter: 'id == 1', outputFields: ['s'] }))[0],
    { id: 1, s: 'abcdefgh' },
    'stored values are not checked',
  )
  for (const [name, text] of [
    ['id', 'the key'],
    ['vec', 'a vector'],
    ['s', ''],
    ['s', 'ü "quoted" \n 🦅'],
  ] as const) {
    await c.alterField(name, { description: text })
    t.equal((await c.describe()).schema.fields.find(field => field.name === name)!.description, text)
  }
  await c.alterDescription('about it')
  await made.reopen()
  t.equal((await made.c.describe()).schema.description, 'about it')
  await refuses(
    t,
    () => made.c.alterField('id', { maxLength: 8 }),
    1100,
    'can not modify the maxlength for non-string types',
  )
  await refuses(
    t,
    () => made.c.alterField('s', { params: { dim: 8 } }),
    1100,
    'dim does not allow update in collection field param',
  )
  await refuses(
    t,
    () => made.c.alterField('s', { params: { 'mmap.enabled': true } }),
    1100,
    'can not alter collection field properties if collection loaded',
  )
  await refuses(t, () => made.c.alterField('nope', { maxLength: 8 }), 1700, 'nope')
})

t.test('8.11.9 [P1] the dynamic field may come later', async t => {
  const made = await staged(t, withFields(), rows(0, 2))
  const { c } = made
  await refuses(t, () => c.insert(rows(5, 6, { extra: 1 })), 1100, 'extra')
  await c.alterProperties({ 'dynamicfield.enabled': true })
  await c.alterProperties({ 'dynamicfield.enabled': true })
  await c.insert(rows(5, 6, { extra: 1 }))
  t.strictSame(await keys(c, 'extra == 1'), [5])
  t.strictSame(await keys(c, 'exists extra'), [5])
  await made.reopen()
  t.strictSame(await keys(made.c, 'extra is null'), [0, 1])
  await refuses(
    t,
    () => made.c.alterProperties({ 'dynamicfield.enabled': 'maybe' }),
    1100,
    'invalid dynamic schema property value: maybe',
  )
  await refuses(
    t,
    () => made.c.alterProperties({ 'dynamicfield.enabled': false, timezone: 'UTC' }),
    1100,
    'cannot alter dynamic schema with other properties at the same time',
  )
  await refuses(t, () => made.c.alterProperties({}), 1100, 'no properties or delete keys provided')
})

t.test('8.11.10 [P1] allow_insert_auto_id', async t => {
  const { c } = await staged(t, { fields: [{ ...ID, autoId: true }, VEC], indexes: [L2] })
  await refuses(t, () => c.insert([{ id: 5, vec: [0, 0] }]), 1100, 'id')
  await c.alterProperties({ allow_insert_auto_id: true })
  await c.insert([{ id: 5, vec: [0, 0] }])
  t.strictSame(await keys(c, ''), [5])
  const { ids } = await c.insert([{ vec: [1, 1] }])
  t.equal(ids.length, 1)
  t.equal(await c.count(), 2)
})

t.test('8.11.11 [P1] dropped fields', async t => {
  const fields: FieldRequest[] = [
    { name: 'n', dataType: DataType.Int64, nullable: true },
    { name: 'k', dataType: DataType.Int64, partitionKey: true },
  ]
  const made = await staged(t, withFields(fields), rows(0, 2, { n: 5, k: 1 }))
  const { c } = made
  await c.createIndex({ fieldName: 'n', indexType: 'INVERTED' })
  await refuses(t, () => c.dropField('id'), 1100, 'cannot drop primary key field: id')
  await refuses(t, () => c.dropField('k'), 1100, 'cannot drop partition key field: k')
  await refuses(t, () => c.dropField('vec'), 1100, 'cannot drop the last vector field: vec')
  await refuses(t, () => c.dropField('nope'), 1700, 'field not found: nope')
  await c.dropField('n')
  await refuses(t, () => c.query({ filter: 'n == 5' }), 1100, 'field n not exist')
  await refuses(t, () => c.query({ filter: 'id >= 0', outputFields: ['n'] }), 1100, 'field n not exist')
  t.equal((await c.describe()).indexes.length, 1, 'its index is gone')
  await c.addField({ name: 'n', dataType: DataType.Int64, nullable: true })
  t.strictSame(await keys(c, 'n is null'), [0, 1], 'the name again: old values stay away')
  await c.compact()
  await made.reopen()
  t.strictSame(await keys(made.c, 'n is null'), [0, 1])
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
