/**
 * What a read may ask for beside rows: groups by several fields, moments in a zone or in parts, one partition key under
 * isolation; and how many collections a database takes.
 */
import t from 'tap'
import {
  type CreateCollection,
  type Database,
  DataType,
  open,
  type Row,
  type SearchHit,
} from '../../lib/index.js'

async function opened(t: {
  testdir(): string
  teardown(done: () => Promise<void>): void
}): Promise<Database> {
  const db = await open(t.testdir(), { warn: () => undefined })
  t.teardown(() => db.close())
  return db
}

/** Message of the error that a promise ends with; '' when it does not. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => '',
    error => String((error as Error).message),
  )
}

const SHELF: CreateCollection = {
  name: 'shelf',
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
    { name: 'kind', dataType: DataType.VarChar, maxLength: 16, nullable: true },
    { name: 'year', dataType: DataType.Int32 },
    { name: 'at', dataType: DataType.Timestamptz, nullable: true },
    { name: 'price', dataType: DataType.Double },
    { name: 'info', dataType: DataType.JSON, nullable: true },
  ],
  enableDynamicField: true,
  indexes: [{ fieldName: 'vec', indexType: 'FLAT', metricType: 'L2' }],
}

/** Kinds and years of ids 0 … 11: four groups of three, nearest id first. */
const shelfRow = (id: number): Row => ({
  id,
  vec: [id, 0],
  kind: id % 4 === 3 ? null : `k${id % 2}`,
  year: 2000 + (id % 4 > 1 ? 1 : 0),
  at: `2025-0${1 + (id % 9)}-01T00:00:00Z`,
  price: id,
  info: { a: id },
})

t.test('a search groups by several fields', async t => {
  const db = await opened(t)
  const shelf = await db.createCollection(SHELF)
  await shelf.insert(Array.from({ length: 12 }, (_, id) => shelfRow(id)))
  const search = async (more: object): Promise<SearchHit[]> => {
    const [hits] = await shelf.search({ data: [[0, 0]], limit: 10, outputFields: [], ...more })
    return hits!
  }
  for (const state of ['growing', 'flushed']) {
    if (state === 'flushed') await shelf.flush()
    const hits = await search({ groupByFields: ['kind', 'year'], groupSize: 2 })
    t.strictSame(
      hits.map(hit => [hit.id, hit.groupByValues]),
      [
        [0, { kind: 'k0', year: 2000 }],
        [4, { kind: 'k0', year: 2000 }],
        [1, { kind: 'k1', year: 2000 }],
        [5, { kind: 'k1', year: 2000 }],
        [2, { kind: 'k0', year: 2001 }],
        [6, { kind: 'k0', year: 2001 }],
        [3, { kind: null, year: 2001 }],
        [7, { kind: null, year: 2001 }],
      ],
      `${state}: the limit counts groups, nulls are a value`,
    )
    t.notOk('groupByValue' in hits[0]!)
  }
  const page = await search({ groupByFields: 'kind, year', limit: 2, offset: 1 })
  t.strictSame(
    page.map(hit => hit.id),
    [1, 2],
    'text with commas; pages count groups',
  )
  const strict = await search({
    groupByFields: ['kind', 'year'],
    groupSize: 3,
    strictGroupSize: true,
    limit: 1,
    offset: 3,
  })
  t.strictSame(
    strict.map(hit => hit.id),
    [3, 7, 11],
  )
  const one = await search({ groupByField: 'year', groupByFields: ['kind'], limit: 5 })
  t.strictSame(
    one.map(hit => hit.groupByValue),
    [2000, 2001],
    'the one field goes first',
  )
  t.strictSame((await search({ groupByFields: ['kind'], limit: 1 }))[0]!.groupByValue, 'k0')
  const [hybrid] = await shelf.hybridSearch({
    requests: [{ data: [[0, 0]], annsField: 'vec' }],
    limit: 2,
    outputFields: [],
    groupByFields: ['kind', 'year'],
  })
  t.strictSame(
    hybrid!.map(hit => hit.groupByValues),
    [
      { kind: 'k0', year: 2000 },
      { kind: 'k1', year: 2000 },
    ],
  )
  const refused: [object, string][] = [
    [
      { groupByFields: ['kind', 'info["a"]'] },
      'group_by with json path is not supported for multi-field group_by',
    ],
    [
      { groupByFields: ['kind', 'loose'] },
      'group_by with json path is not supported for multi-field group_by',
    ],
    [
      { groupByFields: ['kind', 'year'], orderBy: 'year' },
      'order_by_fields is not supported with multi-field group_by_fields',
    ],
    [{ groupByFields: ['kind', 'price'] }, 'unsupported data type DOUBLE for group by operator'],
    [{ groupByFields: ['kind', 'vec'] }, 'unsupported data type FLOATVECTOR for group by operator'],
    [{ groupByFields: ['kind', '21'] }, 'cannot parse identifier: 21'],
    [
      { groupByFields: ['kind', 'year'], groupSize: 11 },
      'input group size:11 exceeds configured max group size:10',
    ],
    [
      { groupByFields: ['kind', 'year'], params: { radius: 9 } },
      'Not allowed to do range-search when doing search-group-by',
    ],
  ]
  for (const [more, text] of refused) t.match(await refusal(search(more)), text)
})

t.test('moments are shown in the zone of the request, the collection or the database', async t => {
  const db = await opened(t)
  const shelf = await db.createCollection(SHELF)
  await shelf.insert([
    { ...shelfRow(1), at: '2025-01-02T03:04:05.678901Z' },
    { ...shelfRow(2), at: null },
    { ...shelfRow(3), at: '2024-07-01T00:00:00+00:00' },
  ])
  const times = async (more: object): Promise<unknown[]> => {
    const rows = await shelf.query({ filter: 'id > 0', outputFields: ['at'], ...more })
    const [hits] = await shelf.search({ data: [[0, 0]], limit: 3, outputFields: ['at'], ...more })
    const got = await shelf.get([1, 2, 3], { outputFields: ['at'], ...more })
    const iterator = await shelf.queryIterator({ outputFields: ['at'], ...more })
    const found = rows.map(row => row['at'])
    for (const other of [hits!.map(hit => hit.entity), got, await iterator.page()])
      t.strictSame(
        other.map(row => row['at']),
        found,
      )
    return found
  }
  t.strictSame(await times({}), ['2025-01-02T03:04:05.678901Z', null, '2024-07-01T00:00:00Z'])
  const york = ['2025-01-01T22:04:05.678901-05:00', null, '2024-06-30T20:00:00-04:00']
  t.strictSame(await times({ timeZone: 'America/New_York' }), york)
  await shelf.alterProperties({ timezone: 'America/New_York' })
  t.strictSame(await times({}), york, 'property of the collection')
  t.strictSame((await times({ timeZone: 'UTC' }))[2], '2024-07-01T00:00:00Z', 'the request goes first')
  const parts = await times({
    timeFields: ['year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond'],
  })
  t.strictSame(parts, [[2025, 1, 1, 22, 4, 5, 678901], null, [2024, 6, 30, 20, 0, 0, 0]])
  t.strictSame((await times({ timeFields: ' Hour, year ', timeZone: 'Asia/Tokyo' }))[2], [9, 2024])
  t.match(
    await refusal(shelf.query({ filter: 'id > 0', timeZone: 'Mars/Base' })),
    'invalid timezone name; must be',
  )
  t.match(await refusal(shelf.query({ filter: 'id > 0', timeFields: 'week' })), 'week')
  const early = "at < ISO '2024-06-30T21:00:00'"
  t.equal(await shelf.count({ filter: early }), 1, 'times without an offset are of the zone too')
  t.equal(await shelf.count({ filter: early, timeZone: 'UTC' }), 0)
  const oldest = await shelf.query({ outputFields: ['min(at)', 'count(*)'] })
  t.strictSame(oldest, [{ 'min(at)': '2024-06-30T20:00:00-04:00', 'count(*)': 3 }])
  const [grouped] = await shelf.search({ data: [[0, 0]], limit: 3, groupByField: 'at', outputFields: [] })
  t.strictSame(
    grouped!.map(hit => hit.groupByValue),
    york,
  )
  await db.createDatabase('far', { timezone: 'Asia/Tokyo' })
  const there = await db.createCollection(SHELF, { database: 'far' })
  await there.insert([{ ...shelfRow(1), at: '2025-01-01 09:00:00' }])
  const [row] = await there.query({ filter: 'id == 1', outputFields: ['at'] })
  t.equal(row!['at'], '2025-01-01T09:00:00+09:00', 'property of the database, in and out')
})

t.test('under isolation a search must pin one partition key', async t => {
  const db = await opened(t)
  const tenants = await db.createCollection({
    name: 'tenants',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
      { name: 'tenant', dataType: DataType.VarChar, maxLength: 16, partitionKey: true },
      { name: 'n', dataType: DataType.Int32 },
    ],
    indexes: [{ fieldName: 'vec', indexType: 'HNSW', metricType: 'L2' }],
    properties: { 'partitionkey.isolation': true },
  })
  await tenants.insert(
    Array.from({ length: 20 }, (_, id) => ({ id, vec: [id, 0], tenant: `t${id % 3}`, n: id })),
  )
  const search = (filter: string, templates = {}): Promise<SearchHit[][]> =>
    tenants.search({ data: [[0, 0]], limit: 3, filter, templates, outputFields: ['tenant'] })
  for (const filter of ['tenant == "t1"', '"t1" == tenant', 'n > 0 and (tenant == "t1" and not (n == 99))']) {
    const [hits] = await search(filter)
    t.strictSame(
      hits!.map(hit => hit.id),
      [1, 4, 7],
      filter,
    )
  }
  t.equal((await search('tenant == {who}', { who: 't2' }))[0]![0]!.id, 2)
  const none =
    'partition key not found in expr or the expr is invalid when validating partition key isolation'
  const refused: [string, string][] = [
    ['', none],
    ['n > 3', none],
    ['n > 3 or n < 1', none],
    ['tenant like "t1%"', none],
    ['tenant == "t1" or n > 3', 'partition key isolation does not support OR'],
    ['not (tenant == "t1")', 'partition key isolation does not support NOT'],
    ['tenant in ["t1"]', 'partition key isolation does not support IN'],
    ['tenant == "t1" and tenant in ["t1"]', 'partition key isolation does not support IN'],
    ['tenant > "t1"', 'partition key isolation does not support GreaterThan'],
    ['"t1" > tenant', 'partition key isolation does not support LessThan'],
  ]
  for (const [filter, text] of refused) t.match(await refusal(search(filter)), text, filter)
  const sub = { data: [[0, 0]], annsField: 'vec', limit: 3 }
  t.match(await refusal(tenants.hybridSearch({ requests: [sub], limit: 3 })), none, 'in hybrid searches too')
  t.match(await refusal(tenants.searchIterator({ data: [[0, 0]] })), none, 'and in iterators')
  t.equal((await tenants.query({ filter: 'n > 3' })).length, 16, 'queries are free')
})

t.test('a database takes as many collections as its property says', async t => {
  const db = await opened(t)
  await db.createDatabase('small', { 'database.max.collections': '2' })
  const create = (name: string, database = 'small'): Promise<unknown> =>
    db.createCollection({ ...SHELF, name }, { database })
  await create('a')
  await create('b')
  const full = 'exceeded the limit number of collections[dbName=small][limit=2]'
  t.equal(await refusal(create('c')), full)
  await create('b')
  await create('c', 'default')
  t.equal(await refusal(db.renameCollection('c', 'c', { newDatabase: 'small' })), full, 'no way around')
  await db.alterDatabase('small', { 'database.max.collections': 3 })
  await create('c')
  t.match(await refusal(db.alterDatabase('small', { 'database.max.collections': -1 })), 'expected an integer')
  for (let i = 0; i < 62; i++) await db.createDatabase(`d${i}`)
  t.equal(await refusal(db.createDatabase('more')), 'exceeded the limit number of database[limit=64]')
})
