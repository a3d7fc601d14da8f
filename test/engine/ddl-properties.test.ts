/** Properties of collections, databases and indexes: what is accepted, what is refused in which words, what stays. */
import t from 'tap'
import { DataType } from '../../lib/index.js'
import { NAME, refusal, rows, STATES, THINGS, things } from './ddl-fixture.js'

t.test('properties are set, replaced and removed, and survive a reopen', async t => {
  const bench = await things(t)
  const ages: bigint[] = [(await bench.things.describe()).updatedTimestamp]
  await bench.things.alterProperties({ 'collection.ttl.seconds': 3600, 'my.key': true })
  ages.push((await bench.things.describe()).updatedTimestamp)
  await bench.things.dropProperties(['my.key', 'never.set'])
  ages.push((await bench.things.describe()).updatedTimestamp)
  t.ok(ages[0]! < ages[1]! && ages[1]! < ages[2]!, 'the schema cache key of clients rises')
  await bench.reopen()
  t.same((await bench.things.describe()).properties, { timezone: 'UTC', 'collection.ttl.seconds': '3600' })
})

t.test('a bad property is refused, and nothing of its request counts', async t => {
  const bench = await things(t, {
    ...THINGS,
    fields: [...THINGS.fields, { name: 'until', dataType: DataType.Timestamptz, nullable: true }],
  })
  const before = await bench.things.describe()
  const alter = (properties: Record<string, string | number | boolean>): Promise<string> =>
    refusal(bench.things.alterProperties(properties))
  t.match(await alter({}), /no properties or delete keys provided/)
  t.match(
    await alter({ 'my.key': 1, 'collection.ttl.seconds': -2 }),
    /collection TTL is out of range, expect \[-1, 3155760000\], got -2/,
  )
  t.match(await alter({ timezone: 'Moon/Base' }), /unknown or invalid IANA Time Zone ID: Moon\/Base/)
  t.match(await alter({ ttl_field: 'n' }), /ttl field must be timestamptz, field name = n/)
  t.match(await alter({ ttl_field: 'nope' }), /ttl field name nope not found in schema/)
  t.match(
    await alter({ ttl_field: 'until', 'collection.ttl.seconds': 9 }),
    /collection TTL and ttl field cannot be set at the same time/,
  )
  t.match(await alter({ 'mmap.enabled': true }), /can not alter mmap properties if collection loaded/)
  t.match(
    await alter({ 'dynamicfield.enabled': true, 'my.key': 1 }),
    /cannot alter dynamic schema with other properties at the same time/,
  )
  t.match(await alter({ 'dynamicfield.enabled': 'maybe' }), /invalid dynamic schema property value: maybe/)
  t.match(
    await refusal(bench.things.dropProperties(['dynamicfield.enabled'])),
    /cannot delete key dynamicfield.enabled/,
  )
  t.match(await alter({ 'partitionkey.isolation': true }), /no partition key field is set/)
  t.same(await bench.things.describe(), before)
  await bench.things.alterProperties({ 'collection.ttl.seconds': 9 })
  t.match(await alter({ ttl_field: 'until' }), /collection TTL is already set, cannot be set ttl field/)
  await bench.things.alterProperties({ 'collection.ttl.seconds': 0, ttl_field: 'until' })
  t.match(
    await alter({ 'collection.ttl.seconds': 9 }),
    /collection TTL and ttl field cannot be set at the same time/,
  )
  t.match(await refusal(bench.things.dropField('until')), /ttl field/)
  await bench.things.release()
  await bench.things.alterProperties({ 'mmap.enabled': true })
  t.match((await bench.things.describe()).properties, { 'mmap.enabled': 'true' })
})

t.test('partition key isolation is fixed once a vector index exists', async t => {
  const bench = await things(t, {
    ...THINGS,
    fields: [...THINGS.fields, { name: 'tenant', dataType: DataType.Int64, partitionKey: true }],
  })
  const enable = (): Promise<string> =>
    refusal(bench.things.alterProperties({ 'partitionkey.isolation': true }))
  t.match(
    await enable(),
    /can not alter partition key isolation mode if the collection already has a vector index/,
  )
  await bench.things.release()
  await bench.things.dropIndex('vec')
  t.equal(await enable(), '')
})

for (const state of STATES) {
  t.test(`the dynamic field comes and goes over rows that are ${state}`, async t => {
    const bench = await things(t)
    await bench.things.insert(rows(0, 3))
    await bench.settle(state)
    t.match(await refusal(bench.things.insert([{ id: 3, vec: [3, 1], mood: 'good' }])), /mood|more fieldData/)
    await bench.things.alterProperties({ 'dynamicfield.enabled': true })
    await bench.things.alterProperties({ 'dynamicfield.enabled': 'True' })
    await bench.things.insert([{ id: 3, vec: [3, 1], mood: 'good' }])
    await bench.settle(state)
    t.same(await bench.things.query({ filter: 'mood == "good"', outputFields: ['mood'] }), [
      { id: 3, mood: 'good' },
    ])
    t.equal(await bench.things.count(), 4)
    await bench.things.alterProperties({ 'dynamicfield.enabled': false })
    t.match(await refusal(bench.things.query({ filter: 'mood == "good"' })), /field mood not exist/)
    t.match(await refusal(bench.things.insert([{ id: 4, vec: [4, 1], mood: 'bad' }])), /mood|more fieldData/)
    await bench.things.alterProperties({ 'dynamicfield.enabled': true })
    await bench.settle(state)
    t.equal(await bench.things.count({ filter: 'mood == "good"' }), 0, 'old values do not come back')
    t.equal((await bench.things.describe()).schema.fields.filter(field => field.dynamic).length, 1)
  })
}

t.test('storage parameters of an index change while the collection is released', async t => {
  const bench = await things(t)
  const alter = (name: string, params: Record<string, string | boolean>): Promise<string> =>
    refusal(bench.things.alterIndex(name, params))
  t.match(
    await alter('vec', { 'mmap.enabled': true }),
    /can't alter index on loaded collection, please release/,
  )
  await bench.things.release()
  t.match(await alter('vec', { M: '8' }), /M is not a configable index property/)
  t.match(await alter('vec', { 'mmap.enabled': 'maybe' }), /invalid mmap.enabled value: maybe/)
  t.match(await alter('nope', { 'mmap.enabled': true }), /index not found\[indexName=nope\]/)
  t.match(await alter('vec', {}), /no properties or delete keys provided/)
  await bench.things.alterIndex('vec', { 'mmap.enabled': true })
  await bench.reopen()
  const params = async (): Promise<object> => (await bench.things.describe()).indexes[0]!.params
  t.match(await params(), { 'mmap.enabled': 'true' })
  await bench.things.createIndex({ fieldName: 'vec', indexType: 'HNSW', metricType: 'L2' })
  await bench.things.dropIndexProperties('vec', ['mmap.enabled'])
  t.notOk('mmap.enabled' in (await params()))
})

t.test('databases carry properties, and hand their time zone down', async t => {
  const bench = await things(t)
  const { db } = bench
  t.match(
    await refusal(db.createDatabase('x', { timezone: 'Nowhere' })),
    /unknown or invalid IANA Time Zone ID/,
  )
  await db.createDatabase('north')
  await db.alterDatabase('north', { timezone: 'Europe/Oslo', 'database.replica.number': 1 })
  t.match(
    await refusal(db.alterDatabase('north', { timezone: 'Nowhere' })),
    /unknown or invalid IANA Time Zone ID/,
  )
  t.match(await refusal(db.alterDatabase('south', { a: 1 })), /database not found\[database=south\]/)
  await bench.reopen()
  t.match(await bench.db.describeDatabase('north'), {
    name: 'north',
    properties: { timezone: 'Europe/Oslo', 'database.replica.number': '1' },
  })
  await bench.db.createCollection(THINGS, { database: 'north' })
  const { properties } = await bench.db.collection(NAME, { database: 'north' }).describe()
  t.equal(properties['timezone'], 'Europe/Oslo')
  await bench.db.dropDatabaseProperties('north', ['timezone', 'database.replica.number'])
  t.same((await bench.db.describeDatabase('north')).properties, {})
  t.match(await refusal(bench.db.describeDatabase('south')), /database not found\[database=south\]/)
})

t.test('aliases are listed and described', async t => {
  const { db } = await things(t)
  await db.createAlias('a', NAME)
  await db.createAlias('b', NAME)
  t.same(await db.listAliases(), ['a', 'b'])
  t.same(await db.listAliases(NAME), ['a', 'b'])
  t.match(await refusal(db.listAliases('nope')), /can't find collection/)
  t.same(await db.describeAlias('a'), { alias: 'a', collection: NAME, database: 'default' })
  t.match(await refusal(db.describeAlias('c')), /alias not found\[database=default\]\[alias=c\]/)
  t.match(await refusal(db.describeAlias(NAME)), /alias not found/)
  t.equal((await db.collection('a').describe()).consistencyLevel, 2)
})
