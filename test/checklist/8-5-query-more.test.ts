/** Checklist 8.5, query and get: the P1 lines. */
import t from 'tap'
import { DataType, type FieldRequest, type QueryRequest, type Row } from '../../lib/index.js'
import { everywhere, hitKeys, keys, refuses, staged, withFields } from './fixture.js'

const DYNAMIC = withFields([{ name: 'n', dataType: DataType.Int64, nullable: true }], {
  enableDynamicField: true,
})
const row = (id: number, more: Row = {}): Row => ({ id, n: id * 10, vec: [id, 1], ...more })
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i))

t.test('8.5.13 [P1] malformed wildcards', async t => {
  const { c, db } = await staged(t, DYNAMIC, rows(0, 1))
  const plain = await db.createCollection({ name: 'd', ...withFields() })
  for (const name of ['%', '*%', '%*', '*1']) {
    await refuses(
      t,
      () => c.query({ filter: 'id >= 0', outputFields: [name] }),
      1100,
      `parse output field name failed: ${name}`,
    )
    await refuses(
      t,
      () => plain.query({ filter: 'id >= 0', outputFields: [name] }),
      1100,
      `field ${name} not exist`,
    )
  }
})

t.test('8.5.14 [P1] the output of a BM25 function is not retrievable', async t => {
  const definition = withFields(
    [
      { name: 's', dataType: DataType.VarChar, maxLength: 64, params: { enable_analyzer: true } },
      { name: 'sparse', dataType: DataType.SparseFloatVector },
    ],
    { functions: [{ name: 'bm25', type: 1, inputFieldNames: ['s'], outputFieldNames: ['sparse'] }] },
  )
  const indexes = [
    { fieldName: 'vec', metricType: 'L2' },
    { fieldName: 'sparse', metricType: 'BM25' },
  ]
  const { c } = await staged(t, { ...definition, indexes }, [{ id: 1, s: 'a text', vec: [0, 0] }])
  const phrase = 'not allowed to retrieve raw data of field sparse'
  await refuses(t, () => c.query({ filter: 'id > 0', outputFields: ['sparse'] }), 65535, phrase)
  await refuses(
    t,
    () => c.search({ data: [[0, 0]], annsField: 'vec', limit: 1, outputFields: ['sparse'] }),
    65535,
    phrase,
  )
  t.strictSame(Object.keys((await c.query({ filter: 'id > 0', outputFields: ['*'] }))[0]!).sort(), [
    'id',
    's',
    'vec',
  ])
})

t.test('8.5.15 [P1] nullable vectors read as null', async t => {
  const definition = {
    ...withFields([{ name: 'v2', dataType: DataType.FloatVector, dim: 2, nullable: true }]),
    indexes: [
      { fieldName: 'vec', metricType: 'L2' },
      { fieldName: 'v2', metricType: 'L2' },
    ],
  }
  const given = [
    { id: 1, vec: [0, 0], v2: null },
    { id: 2, vec: [0, 0], v2: [1, 2] },
    { id: 3, vec: [0, 0] },
  ]
  await everywhere(t, definition, given, async c => {
    t.strictSame(await c.query({ filter: 'id > 0', outputFields: ['v2'] }), [
      { id: 1, v2: null },
      { id: 2, v2: [1, 2] },
      { id: 3, v2: null },
    ])
  })
})

t.test('8.5.16 [P1] ignore_growing', async t => {
  const { c } = await staged(t, DYNAMIC, rows(0, 3))
  await c.flush()
  await c.insert(rows(3, 5))
  t.strictSame(await keys(c, ''), [0, 1, 2, 3, 4])
  const sealed = await c.query({ filter: '', limit: 9, ignoreGrowing: true, outputFields: [] })
  t.strictSame(
    sealed.map(one => one['id']),
    [0, 1, 2],
    'the flushed rows alone',
  )
  t.strictSame(
    hitKeys((await c.search({ data: [[4, 1]], limit: 9, ignoreGrowing: true }))[0]),
    [2, 1, 0],
    'in a search, too',
  )
  t.equal((await c.query({ filter: '', limit: 9, ignoreGrowing: false })).length, 5)
  const wrong = 'perhaps' as unknown as boolean
  await refuses(
    t,
    () => c.query({ filter: '', limit: 9, ignoreGrowing: wrong }),
    1100,
    'parse ignore growing field failed',
  )
})

const ORDERED: readonly FieldRequest[] = [
  { name: 'b', dataType: DataType.Bool, nullable: true },
  { name: 'i', dataType: DataType.Int32, nullable: true },
  { name: 'f', dataType: DataType.Float, nullable: true },
  { name: 's', dataType: DataType.VarChar, maxLength: 8, nullable: true },
  { name: 'ts', dataType: DataType.Timestamptz, nullable: true },
  { name: 'j', dataType: DataType.JSON, nullable: true },
  { name: 'l', dataType: DataType.Array, elementType: DataType.Int32, maxCapacity: 2, nullable: true },
]
const ORDER_ROWS: Row[] = [
  { id: 1, b: true, i: 5, f: 0.5, s: 'b', ts: '2025-01-02T00:00:00Z', vec: [0, 0] },
  { id: 2, b: false, i: null, f: -1, s: null, ts: '2024-01-02T00:00:00Z', vec: [0, 0] },
  { id: 3, b: null, i: -7, f: null, s: 'a', ts: null, vec: [0, 0] },
  { id: 4, b: true, i: 5, f: 2, s: 'ä', ts: '2025-01-01T00:00:00Z', vec: [0, 0] },
  { id: 5, b: false, i: 0, f: -1, s: 'B', ts: '1960-01-01T00:00:00Z', vec: [0, 0] },
]

t.test('8.5.18 [P1] order by', async t => {
  const definition = withFields(ORDERED, { enableDynamicField: true })
  await everywhere(t, definition, ORDER_ROWS, async (c, place) => {
    const order = async (orderBy: unknown, more: Partial<QueryRequest> = {}) =>
      (await c.query({ filter: '', limit: 10, outputFields: [], orderBy: orderBy as string, ...more })).map(
        one => one['id'],
      )
    t.strictSame(await order('i'), [3, 5, 1, 4, 2], `ascending, nulls last ${place}`)
    t.strictSame(await order('i:desc'), [2, 1, 4, 5, 3], 'descending, nulls first, ties by key')
    t.strictSame(await order('i:DESC:nulls_last'), [1, 4, 5, 3, 2])
    t.strictSame(await order('i:Asc:nulls_first'), [2, 3, 5, 1, 4])
    t.strictSame(await order([{ field: 'i', order: 'asc' }]), [3, 5, 1, 4, 2])
    t.strictSame(await order(['i:desc:nulls_last', 'f:desc']), [4, 1, 5, 3, 2])
    t.strictSame(await order('f,id:desc'), [5, 2, 1, 4, 3])
    t.strictSame(await order('s'), [5, 3, 1, 4, 2])
    t.strictSame(await order('b,s'), [5, 2, 1, 4, 3])
    t.strictSame(await order('ts'), [5, 2, 4, 1, 3])
    t.strictSame(await order('id:desc'), [5, 4, 3, 2, 1])
    t.strictSame(await order([]), [1, 2, 3, 4, 5])
    t.strictSame(
      [
        ...(await order('i', { limit: 2 })),
        ...(await order('i', { limit: 2, offset: 2 })),
        ...(await order('i', { limit: 2, offset: 4 })),
      ],
      [3, 5, 1, 4, 2],
    )
    t.strictSame(await order('f', { filter: 'i == 5' }), [1, 4])
    t.strictSame(await order('i', { filter: 'i is null' }), [2], 'all null, a single row')
  })
})

t.test('8.5.18 [P1] order by with partitions and after an upsert', async t => {
  const { c } = await staged(t, withFields(ORDERED), ORDER_ROWS)
  await c.createPartition('p')
  await c.insert(
    [
      { id: 9, i: 1, vec: [0, 0] },
      { id: 8, i: 2, vec: [0, 0] },
    ],
    { partitionName: 'p' },
  )
  const order = async (more: object) =>
    (await c.query({ filter: '', limit: 10, outputFields: [], orderBy: 'i', ...more })).map(one => one['id'])
  t.strictSame(await order({ partitionNames: ['p'] }), [9, 8])
  for (const orderBy of ['s', 's:desc', 's:asc:nulls_first'])
    t.strictSame(await order({ partitionNames: ['p'], orderBy }), [8, 9], 'all null: by key')
  await c.upsert([{ ...ORDER_ROWS[2], i: 100 }])
  t.strictSame(await order({}), [5, 9, 8, 1, 4, 3, 2])
  await c.compact()
  t.strictSame(await order({}), [5, 9, 8, 1, 4, 3, 2])
})

t.test('8.5.18 [P1] order by that is refused', async t => {
  const { c } = await staged(t, withFields(ORDERED, { enableDynamicField: true }), ORDER_ROWS)
  const ask =
    (orderBy: unknown, more: object = { limit: 5 }) =>
    () =>
      c.query({ filter: 'id > 0', orderBy: orderBy as string, ...more })
  await refuses(t, ask('vec'), 1100, 'which is not sortable')
  await refuses(t, ask('j'), 1100, 'has type JSON which is not sortable')
  await refuses(t, ask('l'), 1100, 'which is not sortable')
  await refuses(t, ask('dyn'), 1100, "order_by field 'dyn' does not exist in collection schema")
  await refuses(t, ask([{ field: '' }]), 1100, "order_by field '' does not exist in collection schema")
  await refuses(t, ask('i:up'), 1100, "invalid order direction 'up' for field 'i', must be 'asc' or 'desc'")
  await refuses(t, ask('i:asc:nulls_first:s'), 1100, "invalid order_by field 'i:asc:nulls_first:s'")
  await refuses(t, ask('i', {}), 1100, 'ORDER BY requires explicit limit')
  const ordered = { orderBy: 'i' } as object
  await refuses(t, () => c.queryIterator(ordered), 1100, 'ORDER BY with iterator is not supported')
})

const GROUPED: readonly FieldRequest[] = [
  { name: 'g', dataType: DataType.VarChar, maxLength: 8, nullable: true },
  { name: 'h', dataType: DataType.Int8 },
  { name: 'i', dataType: DataType.Int64, nullable: true },
  { name: 'f', dataType: DataType.Float, nullable: true },
  { name: 'j', dataType: DataType.JSON, nullable: true },
]
const GROUP_ROWS: Row[] = [
  { id: 1, g: 'a', h: 1, i: 4_000_000_000_000_000_000n, f: 0.5, vec: [0, 0] },
  { id: 2, g: 'a', h: 1, i: 2, f: 1.5, vec: [0, 0] },
  { id: 3, g: 'a', h: 2, i: null, f: null, vec: [0, 0] },
  { id: 4, g: 'b', h: 1, i: null, f: null, vec: [0, 0] },
  { id: 5, g: null, h: 1, i: -5, f: 2, vec: [0, 0] },
  { id: 6, g: null, h: 1, i: 5, f: 4, vec: [0, 0] },
]

t.test('8.5.19 [P1] aggregation', async t => {
  await everywhere(t, withFields(GROUPED), GROUP_ROWS, async c => {
    const one = async (name: string, filter = '') =>
      (await c.query({ filter, outputFields: [name] }))[0]![name]
    t.equal(await one('count(i)'), 4)
    t.equal(await one('count(*)'), 6)
    t.equal(await one('sum(i)'), 4_000_000_000_000_000_002n)
    t.equal(await one('sum(f)'), 8)
    t.equal(await one('avg(f)'), 2)
    t.equal(await one('min(i)'), -5)
    t.equal(await one('max(i)'), 4_000_000_000_000_000_000n)
    t.equal(await one('max(g)'), 'b')
    t.equal(await one('min(f)', 'id > 1'), 1.5)
    t.equal(await one('count(i)', 'id > 100'), 0)
    const both = await c.query({ filter: 'id < 3', outputFields: ['sum(h)', 'COUNT( * )', 'avg(h)'] })
    t.strictSame(Object.values(both[0]!), [2, 2, 1])
    const grouped = await c.query({
      filter: '',
      outputFields: ['g', 'count(*)', 'sum(f)', 'min(i)'],
      groupBy: 'g',
    })
    const byName = new Map(grouped.map(group => [group['g'], group]))
    t.strictSame(byName.get('a'), { g: 'a', 'count(*)': 3, 'sum(f)': 2, 'min(i)': 2 })
    t.strictSame(byName.get('b'), { g: 'b', 'count(*)': 1, 'sum(f)': null, 'min(i)': null })
    t.strictSame(byName.get(null), { g: null, 'count(*)': 2, 'sum(f)': 6, 'min(i)': -5 })
    const two = await c.query({ filter: '', outputFields: ['count(*)'], groupBy: ['g', 'h'] })
    t.strictSame(two.map(group => group['count(*)']).sort(), [1, 1, 2, 2])
    const shown = await c.query({ filter: '', outputFields: ['g', 'h', 'count(*)'], groupBy: ['g', 'h'] })
    t.strictSame(
      new Set(shown.map(group => Object.values(group).join())),
      new Set(['a,1,2', 'a,2,1', 'b,1,1', ',1,2']),
    )
    t.strictSame(
      await c.query({
        filter: 'id > 100',
        outputFields: ['sum(i)', 'avg(f)', 'min(i)', 'max(g)', 'count(i)'],
      }),
      [{ 'sum(i)': null, 'avg(f)': null, 'min(i)': null, 'max(g)': null, 'count(i)': 0 }],
      'of nothing',
    )
    t.equal((await c.query({ filter: '', outputFields: ['count(*)'], groupBy: 'g', limit: 2 })).length, 2)
    t.equal((await c.query({ filter: 'h == 2', outputFields: ['count(*)'], groupBy: 'g' })).length, 1)
    t.strictSame(await c.query({ filter: 'id > 100', outputFields: ['count(*)'], groupBy: 'g' }), [])
  })
})

t.test('8.5.19 [P1] aggregation that is refused', async t => {
  const { c } = await staged(t, withFields(GROUPED), GROUP_ROWS)
  const ask = (outputFields: string[], groupBy?: string) => () =>
    c.query({ filter: '', outputFields, ...(groupBy === undefined ? {} : { groupBy }) })
  await refuses(t, ask(['sum(g)']), 1100, 'aggregation operator sum does not support data type VarChar')
  await refuses(t, ask(['avg(j)']), 1100, 'aggregation operator avg does not support data type JSON')
  await refuses(t, ask(['count(x)']), 1100, 'target field x for aggregation:count does not exist')
  await refuses(t, ask(['count(*)'], 'f'), 1100, 'group by field f has unsupported data type Float')
  await refuses(t, ask(['h', 'count(*)'], 'g'), 1100, "output field 'h' is not allowed")
  await refuses(
    t,
    () => c.search({ data: [[0, 0]], limit: 1, outputFields: ['count(*)'] }),
    1100,
    'aggregates are not supported in search request',
  )
  const ordered = { filter: '', limit: 5, outputFields: ['count(*)'], groupBy: 'g' }
  await refuses(
    t,
    () => c.query({ ...ordered, orderBy: 'h' }),
    1100,
    'ORDER BY can only reference GROUP BY columns',
  )
  t.strictSame(
    (await c.query({ ...ordered, orderBy: 'g:desc' })).map(group => group['count(*)']),
    [2, 1, 3],
  )
})

t.test('8.5.20 [P1] not loaded, unknown', async t => {
  const { c, db } = await staged(t, DYNAMIC, rows(0, 3))
  await c.createPartition('p')
  await c.release()
  const reads = [() => c.query({ filter: 'id > 0' }), () => c.get([1]), () => c.count()]
  for (const read of reads) await refuses(t, read, 101, 'failed to query: collection not loaded')
  await c.loadPartitions(['p'])
  await refuses(
    t,
    () => c.query({ filter: 'id > 0', partitionNames: ['_default'] }),
    201,
    'partition not loaded',
  )
  t.strictSame(await c.query({ filter: 'id >= 0' }), [], 'only what is loaded answers')
  await refuses(
    t,
    () => db.collection('nope').query({ filter: 'id > 0' }),
    100,
    "can't find collection[database=default][collection=nope]",
  )
  await refuses(t, () => db.collection('nope').get([1]), 100, 'find collection')
})

t.test('8.5.21 [P1] mmap.enabled changes nothing', async t => {
  const made = await staged(t, DYNAMIC, rows(0, 5))
  await made.c.flush()
  const before = await made.c.query({ filter: '', limit: 10 })
  for (const value of [true, false, 'true']) {
    await refuses(
      t,
      () => made.c.alterProperties({ 'mmap.enabled': value }),
      1100,
      'can not alter mmap properties if collection loaded',
    )
    await made.c.release()
    await made.c.alterProperties({ 'mmap.enabled': value })
    await made.c.alterField('n', { params: { 'mmap.enabled': value } })
    await made.c.alterIndex('vec', { 'mmap.enabled': value })
    await made.c.load()
    t.strictSame(await made.c.query({ filter: '', limit: 10 }), before)
    t.equal((await made.c.describe()).properties['mmap.enabled'], String(value))
  }
  await made.reopen()
  t.strictSame(await made.c.query({ filter: '', limit: 10 }), before)
})

t.test('8.5.22 [P2] parts of times as integers', async t => {
  const definition = withFields([{ name: 'ts', dataType: DataType.Timestamptz, nullable: true }])
  const given = [
    { id: 1, ts: '2025-03-04T05:06:07.89Z', vec: [0, 0] },
    { id: 2, ts: null, vec: [0, 0] },
  ]
  const { c } = await staged(t, definition, given)
  const read = async (timeFields: string, more: object = {}) =>
    (await c.query({ filter: 'id > 0', outputFields: ['ts'], timeFields, ...more })).map(one => one['ts'])
  t.strictSame(await read('year, month, day'), [[2025, 3, 4], null])
  t.strictSame(await read('hour,minute,second,microsecond'), [[5, 6, 7, 890_000], null])
  t.strictSame(await read('day,hour', { timeZone: 'America/New_York' }), [[4, 0], null])
})
