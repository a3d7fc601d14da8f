/** Fields are added, changed and dropped while rows are in every state; names and descriptions change. */
import t from 'tap'
import { DataType } from '../../lib/index.js'
import { NAME, refusal, rows, STATES, THINGS, things } from './ddl-fixture.js'

for (const state of STATES) {
  t.test(`an added field reads as null or its default in rows that are ${state}`, async t => {
    const bench = await things(t)
    await bench.things.insert(rows(0, 6))
    await bench.settle(state)
    await bench.things.addField({ name: 'color', dataType: DataType.VarChar, maxLength: 8, nullable: true })
    await bench.things.addField({ name: 'size', dataType: DataType.Int32, nullable: true, defaultValue: 7 })
    const old = await bench.things.query({ filter: 'id < 2', outputFields: ['color', 'size', 'n'] })
    t.same(old, [
      { id: 0, color: null, size: 7, n: 0 },
      { id: 1, color: null, size: 7, n: 10 },
    ])
    await bench.things.insert([{ id: 6, vec: [6, 1], color: 'red', size: 8 }])
    t.equal(await bench.things.count({ filter: 'size == 7' }), 6)
    t.equal(await bench.things.count({ filter: 'color == "red" and size == 8' }), 1)
    await bench.things.upsert([{ id: 0, color: 'blue' }], { partialUpdate: true })
    for (const after of STATES) {
      await bench.settle(after)
      t.same(
        await bench.things.get([0, 1, 6], { outputFields: ['color', 'size', 'tag'] }),
        [
          { id: 0, color: 'blue', size: 7, tag: 't0' },
          { id: 1, color: null, size: 7, tag: 't1' },
          { id: 6, color: 'red', size: 8, tag: null },
        ],
        `then ${after}`,
      )
    }
  })

  t.test(`a dropped field never comes back in rows that are ${state}`, async t => {
    const bench = await things(t)
    await bench.things.insert(rows(0, 6))
    await bench.settle(state)
    t.equal(await bench.things.count({ filter: 'tag == "t1"' }), 2)
    await bench.things.dropField('tag')
    t.match(await refusal(bench.things.query({ filter: 'tag == "t1"' })), /field tag not exist/)
    t.same(
      await bench.things.get([3], { outputFields: ['n'] }),
      [{ id: 3, n: 30 }],
      'later fields keep values',
    )
    t.equal(await bench.things.count({ filter: 'n >= 30' }), 3)
    await bench.things.insert([{ id: 6, vec: [6, 1], n: 60 }])
    await bench.things.addField({ name: 'tag', dataType: DataType.VarChar, maxLength: 8, nullable: true })
    t.equal(await bench.things.count({ filter: 'tag == "t1"' }), 0, 'not from the filter cache either')
    t.equal(await bench.things.count({ filter: 'tag is null' }), 7)
    for (const after of STATES) {
      await bench.settle(after)
      t.same(await bench.things.get([1, 6], { outputFields: ['tag', 'n'] }), [
        { id: 1, tag: null, n: 10 },
        { id: 6, tag: null, n: 60 },
      ])
      const [hits] = await bench.things.search({
        data: [[4, 1]],
        annsField: 'vec',
        limit: 2,
        outputFields: ['n'],
      })
      t.same(
        hits!.map(hit => [hit.id, hit.entity['n']]),
        [
          [4, 40],
          [3, 30],
        ],
      )
    }
  })
}

t.test('reads, writes and merges stay right while the places of fields move', async t => {
  const bench = await things(t)
  await bench.things.insert(rows(0, 300))
  await bench.things.flush()
  await bench.things.insert(rows(300, 400))
  const wrong: string[] = []
  const judge = (id: number, n: unknown): void => {
    if (n !== id * 10) wrong.push(`row ${id} has n ${String(n)}`)
  }
  let over = false
  const reader = async (): Promise<number> => {
    let reads = 0
    for (; !over; reads++) {
      const found = await bench.things.query({ filter: 'n >= 0', outputFields: ['n'], limit: 500 })
      for (const row of found) judge(row['id'] as number, row['n'])
      for (const row of await bench.things.get([5, 350], { outputFields: ['n'] }))
        judge(row['id'] as number, row['n'])
      const [hits] = await bench.things.search({
        data: [[7, 1]],
        annsField: 'vec',
        limit: 3,
        outputFields: ['n'],
      })
      for (const hit of hits!) judge(hit.id as number, hit.entity['n'])
    }
    return reads
  }
  const writer = async (): Promise<number> => {
    let id = 1000
    for (; !over; id++) {
      await bench.things.upsert([{ id, vec: [id, 1], n: id * 10 }])
      await bench.things.upsert([{ id, vec: [id, 2] }], { partialUpdate: true })
      if (id % 2 === 0) await bench.things.delete({ filter: `n == ${id * 10}` })
    }
    return id - 1000
  }
  const busy = Promise.all([reader(), reader(), writer()])
  for (let round = 0; round < 10; round++) {
    await bench.things.dropField('tag')
    await bench.things.query({ filter: 'n == 50' })
    await bench.things.addField({ name: 'tag', dataType: DataType.VarChar, maxLength: 8, nullable: true })
    if (round % 3 === 2) await bench.things.flush()
    if (round === 5) await bench.things.compact()
  }
  over = true
  const [a, b, writes] = await busy
  t.same(wrong, [])
  t.ok(a > 0 && b > 0 && writes > 0, 'all of them ran')
  const even = await bench.things.count({ filter: 'id >= 1000 and n % 20 == 0' })
  t.equal(even, 0, 'deletes by filter found their field')
  t.equal(await bench.things.count({ filter: 'id >= 1000' }), Math.floor(writes / 2))
})

t.test(
  'a dropped field waits for running reads; reads and deletes that come meanwhile know the new places',
  async t => {
    const bench = await things(t)
    await bench.things.insert(rows(0, 20))
    await bench.things.flush()
    const { state } = bench.db.engine.collection(NAME)
    const before = state.schema
    const snapshot = state.snapshot()
    const dropping = bench.things.dropField('tag')
    while (state.gate === null) await new Promise(resolve => setImmediate(resolve))
    const waiting = [
      bench.things.query({ filter: 'n == 30', outputFields: ['n'] }),
      bench.things.get([3], { outputFields: ['n'] }),
    ]
    const deleting = bench.things.delete({ filter: 'n >= 100' })
    for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
    t.equal(state.schema, before, 'nothing moves under a reader')
    snapshot.release()
    await dropping
    t.equal(state.gate, null)
    for (const found of await Promise.all(waiting)) t.same(found, [{ id: 3, n: 30 }])
    t.equal((await deleting).deleteCount, 10)
    t.equal(await bench.things.count(), 10)
  },
)

t.test('what may not be added or dropped is refused, and nothing changes', async t => {
  const bench = await things(t, { ...THINGS, enableDynamicField: true })
  const before = (await bench.things.describe()).schema
  const add = (field: object): Promise<string> =>
    refusal(bench.things.addField({ name: 'x', dataType: DataType.Int64, nullable: true, ...field }))
  t.match(await add({ nullable: false }), /added field must be nullable, please check it, field name = x/)
  t.match(await add({ name: 'tag' }), /duplicated field name tag/)
  t.match(await add({ primaryKey: true }), /not support to add pk field, field name = x/)
  t.match(await refusal(bench.things.dropField('id')), /cannot drop primary key field: id/)
  t.match(await refusal(bench.things.dropField('vec')), /cannot drop the last vector field: vec/)
  t.match(await refusal(bench.things.dropField('nope')), /field not found: nope/)
  t.match(await refusal(bench.things.dropField('$meta')), /cannot drop dynamic field: \$meta/)
  t.same((await bench.things.describe()).schema, before)
})

t.test('an added field shares its name with no part of a struct', async t => {
  const bench = await things(t)
  const sub = { name: 'word', dataType: DataType.VarChar, maxLength: 8 }
  const struct = { name: 'parts', dataType: DataType.ArrayOfStruct, maxCapacity: 4, nullable: true }
  await bench.things.addField({ ...struct, fields: [sub] })
  const before = (await bench.things.describe()).schema
  t.match(
    await refusal(bench.things.addField({ ...sub, nullable: true })),
    /duplicated field name word/,
    'a filter would not say which is meant',
  )
  t.match(
    await refusal(bench.things.addField({ ...struct, name: 'word', fields: [sub] })),
    /duplicated field name word/,
  )
  t.same((await bench.things.describe()).schema, before)
  await bench.things.addField({ ...struct, name: 'others', fields: [sub] })
  await bench.things.dropField('parts')
  await bench.things.dropField('others')
  await bench.things.addField({ ...sub, nullable: true })
})

t.test('a new vector field is searched once it has an index and the collection was loaded again', async t => {
  const bench = await things(t)
  await bench.things.insert(rows(0, 4))
  await bench.things.addField({ name: 'v2', dataType: DataType.FloatVector, dim: 2, nullable: true })
  await bench.things.upsert([{ id: 9, vec: [9, 9], v2: [1, 0] }])
  const search = (): Promise<unknown[][]> =>
    bench.things.search({ data: [[1, 0]], annsField: 'v2', limit: 5 })
  t.match(await refusal(search()), /field index of the field: v2 is not loaded, please reload the collection/)
  t.match(
    await refusal(bench.things.load()),
    /there is no vector index on field: \[v2\], please create index/,
  )
  await bench.things.createIndex({ fieldName: 'v2', indexType: 'FLAT', metricType: 'L2' })
  const unloaded = /field index of the field: v2 is not loaded, please reload the collection/
  t.match(await refusal(search()), unloaded, 'the index alone does not load it')
  await bench.reopen()
  t.match(await refusal(search()), unloaded, 'neither does opening the store again')
  t.equal((await bench.things.search({ data: [[1, 0]], annsField: 'vec', limit: 5 }))[0]!.length, 5)
  await bench.things.load()
  t.same(
    (await search())[0]!.map(hit => (hit as { id: number }).id),
    [9],
    'rows without a vector are not found',
  )
  await bench.things.dropField('v2')
  t.same(
    (await bench.things.describe()).indexes.map(index => index.fieldName),
    ['vec'],
    'its index goes with it',
  )
})

t.test('limits and descriptions of fields change; other parameters do not', async t => {
  const bench = await things(t)
  const tooLong = { id: 1, vec: [0, 0], tag: 'more than eight' }
  t.match(await refusal(bench.things.insert([tooLong])), /exceeds max length/)
  await bench.things.alterField('tag', { maxLength: 20, description: 'a tag' })
  await bench.things.insert([tooLong])
  await bench.reopen()
  t.same(await bench.things.get(1, { outputFields: ['tag'] }), [{ id: 1, tag: 'more than eight' }])
  const alter = (name: string, changes: object): Promise<string> =>
    refusal(bench.things.alterField(name, changes))
  t.match(await alter('n', { maxLength: 5 }), /can not modify the maxlength for non-string types/)
  t.match(await alter('tag', { maxLength: 70_000 }), /should be in \(0, 65535\]/)
  t.match(
    await alter('tag', { params: { nullable: true } }),
    /nullable does not allow update in collection field param/,
  )
  t.match(
    await alter('tag', { params: { 'mmap.enabled': true } }),
    /can not alter collection field properties if coll/,
  )
  t.match(await alter('tag', {}), /no properties or delete keys provided/)
  t.match(await alter('nope', { maxLength: 5 }), /field not found\[field=nope\]/)
  await bench.things.release()
  await bench.things.alterField('tag', { params: { 'mmap.enabled': true } })
  const tag = (await bench.things.describe()).schema.fields.find(field => field.name === 'tag')
  t.match(tag, { maxLength: 20, description: 'a tag', params: { 'mmap.enabled': 'true' } })
})

t.test('a collection is renamed, and moves to another database', async t => {
  const bench = await things(t)
  const { db } = bench
  await bench.things.insert(rows(0, 3))
  await db.createAlias('nick', NAME)
  await db.createDatabase('other')
  const rename = (from: string, to: string, where: object = {}): Promise<string> =>
    refusal(db.renameCollection(from, to, where))
  t.match(await rename(NAME, NAME), /collection name or database name should be different/)
  t.match(await rename('nick', 'x'), /unsupported use an alias to rename collection, alias:nick/)
  t.match(
    await rename(NAME, 'nick'),
    /duplicated new collection name default:nick with other collection name or alias/,
  )
  t.match(
    await rename(NAME, 'x', { newDatabase: 'other' }),
    /must drop all aliases of this collection before rename/,
  )
  t.match(await rename('nope', 'x'), /can't find collection\[database=default\]\[collection=nope\]/)
  t.match(await rename(NAME, '1x'), /Invalid collection name: 1x/)
  await db.renameCollection(NAME, 'stuff')
  t.equal(await db.collection('nick').count(), 3, 'aliases stay')
  t.notOk(await db.hasCollection(NAME))
  await db.dropAlias('nick')
  await db.renameCollection('stuff', NAME, { newDatabase: 'other' })
  await db.renameCollection(NAME, 'stuff', { database: 'other', newDatabase: '' })
  t.same(await db.listCollections({ database: 'other' }), ['stuff'], 'an empty name moves it nowhere')
  await db.renameCollection('stuff', NAME, { database: 'other' })
  await bench.reopen()
  t.same(await bench.db.listCollections(), [])
  t.same(await bench.db.listCollections({ database: 'other' }), [NAME])
  t.equal(await bench.db.collection(NAME, { database: 'other' }).count(), 3)
})

t.test('the description changes', async t => {
  const bench = await things(t)
  const before = (await bench.things.describe()).updatedTimestamp
  await bench.things.alterDescription('what it is')
  await bench.reopen()
  const { schema, properties, updatedTimestamp } = await bench.things.describe()
  t.equal(schema.description, 'what it is')
  t.notOk('collection.description' in properties)
  t.ok(updatedTimestamp > before)
  await bench.things.dropProperties(['collection.description'])
  t.equal((await bench.things.describe()).schema.description, '')
})
