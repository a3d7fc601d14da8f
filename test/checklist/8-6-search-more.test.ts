/** Checklist 8.6, search: the P1 lines. */
import t from 'tap'
import { DataType, type FieldRequest, type Row, type SearchRequest } from '../../lib/index.js'
import { everywhere, hitKeys, ID, L2, refuses, stage, staged, withFields } from './fixture.js'

const row = (id: number, x: number, more: Row = {}): Row => ({ id, vec: [x, 0], ...more })
const LINE: Row[] = Array.from({ length: 10 }, (_, id) => row(id, id))

t.test('8.6.15 [P1] round_decimal', async t => {
  await everywhere(t, withFields(), [row(1, 0.123456789), row(2, 1)], async c => {
    const score = async (roundDecimal?: number) => {
      const request = { data: [[0, 0.7]], limit: 1 }
      return (await c.search(roundDecimal === undefined ? request : { ...request, roundDecimal }))[0]![0]!
        .score
    }
    const raw = await score()
    t.equal(await score(-1), raw)
    for (let places = 0; places <= 6; places++) {
      const wanted = Math.floor(raw * 10 ** places + 0.5) / 10 ** places
      t.ok(Math.abs((await score(places)) - wanted) < 1e-6, `${places} places`)
    }
    for (const places of [-2, 7, 1.5])
      await refuses(
        t,
        () => score(places),
        1100,
        `round_decimal [${places}] is invalid, should be -1 or an integer in range [0, 6]`,
      )
  })
})

const range = (radius: unknown, range_filter?: unknown): object => ({
  data: [[0, 0]],
  limit: 100,
  outputFields: [],
  params: {
    ...(radius === undefined ? {} : { radius }),
    ...(range_filter === undefined ? {} : { range_filter }),
  },
})

t.test('8.6.16 [P1] range search by distance', async t => {
  await everywhere(
    t,
    withFields([{ name: 'v2', dataType: DataType.FloatVector, dim: 2, nullable: true }], {
      indexes: [L2, { ...L2, fieldName: 'v2' }],
    }),
    LINE.map((one, i) => ({ ...one, v2: i % 2 === 0 ? null : one['vec'] })),
    async c => {
      const found = async (radius: unknown, filter?: unknown, more: object = {}) =>
        hitKeys(
          (await c.search({ ...(range(radius, filter) as SearchRequest), annsField: 'vec', ...more }))[0],
        )
      t.strictSame(await found(16), [0, 1, 2, 3], 'radius is excluded')
      t.strictSame(await found(16, 4), [2, 3], 'range_filter is included')
      t.strictSame(await found(16.5, 0), [0, 1, 2, 3, 4])
      t.strictSame(await found(16, 4, { filter: 'id != 2' }), [3])
      t.strictSame(await found(50, 4, { limit: 2 }), [2, 3])
      t.strictSame(await found(50, 4, { limit: 2, offset: 2 }), [4, 5])
      t.strictSame(await found(26, undefined, { annsField: 'v2' }), [1, 3, 5], 'null vectors are skipped')
      const two = await c.search({
        ...(range(4) as SearchRequest),
        annsField: 'vec',
        data: [
          [0, 0],
          [9, 0],
        ],
      })
      t.strictSame(
        two.map(hits => hitKeys(hits)),
        [
          [0, 1],
          [9, 8],
        ],
      )
      await refuses(t, () => found(4, 16), 1100, 'must be less than radius')
      await refuses(t, () => found(4, 4), 1100, 'must be less than radius')
      await refuses(t, () => found(undefined, 4), 1100, 'range_filter requires radius to be set')
      await refuses(t, () => found('near'), 1100, 'type must be number')
      await refuses(t, () => found(4, true), 1100, 'type must be number')
      await refuses(t, () => found(null), 1100, "param 'radius' (null)", 'type must be number')
      await refuses(t, () => found(4, null), 1100, "param 'range_filter' (null)", 'type must be number')
    },
  )
})

t.test('8.6.16 [P1] range search by similarity, binary and sparse', async t => {
  const { db } = await stage(t)
  const ip = await db.createCollection({
    name: 'ip',
    ...withFields([], { indexes: [{ ...L2, metricType: 'IP' }] }),
  })
  await ip.insert(LINE)
  await ip.createPartition('p')
  await ip.insert([row(50, 4.5)], { partitionName: 'p' })
  const found = async (radius: unknown, filter?: unknown, more: object = {}) =>
    hitKeys((await ip.search({ ...(range(radius, filter) as SearchRequest), data: [[1, 0]], ...more }))[0])
  t.strictSame(await found(6), [9, 8, 7], 'radius is excluded')
  t.strictSame(await found(6, 8), [8, 7], 'range_filter is included')
  t.strictSame(await found(3, 5, { partitionNames: ['p', '_default'] }), [5, 50, 4])
  t.strictSame(await found(3, 5, { partitionNames: ['p'] }), [50])
  await ip.delete({ ids: [8] })
  t.strictSame(await found(6), [9, 7])
  await refuses(t, () => found(6, 3), 1100, 'must be greater than radius')
  const cosine = await db.createCollection({
    name: 'cos',
    ...withFields([], { indexes: [{ ...L2, metricType: 'COSINE' }] }),
  })
  await cosine.insert([
    { id: 1, vec: [1, 0] },
    { id: 2, vec: [1, 1] },
    { id: 3, vec: [0, 1] },
    { id: 4, vec: [-1, 0] },
  ])
  const angles = async (params: object) =>
    hitKeys((await cosine.search({ data: [[1, 0]], limit: 9, params: { ...params } }))[0])
  t.strictSame(await angles({ radius: 0.5 }), [1, 2])
  t.strictSame(await angles({ radius: -0.5, range_filter: 0.9 }), [2, 3])
  for (const [metricType, radius, near, wanted] of [
    ['HAMMING', 3, 1, [2, 3]],
    ['JACCARD', 0.9, 0.1, [2, 3]],
  ] as const) {
    const c = await db.createCollection({
      name: metricType,
      fields: [ID, { name: 'vec', dataType: DataType.BinaryVector, dim: 8 }],
      indexes: [{ fieldName: 'vec', metricType }],
    })
    await c.insert([[7], [3], [1], [8]].map((vec, i) => ({ id: i + 1, vec })))
    const [hits] = await c.search({ data: [[7]], limit: 9, params: { radius, range_filter: near } })
    t.strictSame(hitKeys(hits), wanted, metricType)
  }
  const sparse = await db.createCollection({
    name: 's',
    fields: [ID, { name: 'vec', dataType: DataType.SparseFloatVector }],
    indexes: [{ fieldName: 'vec', metricType: 'IP' }],
  })
  await sparse.insert([
    { id: 1, vec: { 1: 1 } },
    { id: 2, vec: { 1: 2 } },
    { id: 3, vec: { 1: 3 } },
  ])
  t.strictSame(
    hitKeys((await sparse.search({ data: [{ 1: 1 }], limit: 9, params: { radius: 1, range_filter: 2 } }))[0]),
    [2],
  )
})

const GROUPED: readonly FieldRequest[] = [
  { name: 's', dataType: DataType.VarChar, maxLength: 8, nullable: true },
  { name: 'i', dataType: DataType.Int16 },
  { name: 'b', dataType: DataType.Bool },
  { name: 'ts', dataType: DataType.Timestamptz },
  { name: 'j', dataType: DataType.JSON },
  { name: 'f', dataType: DataType.Float },
]
/** Groups of `s`, by their best row: a (0), b (1), null (2), c (5). */
const GROUP_ROWS: Row[] = ['a', 'b', null, 'a', 'b', 'c', 'a', null, 'a'].map((s, id) =>
  row(id, id, {
    s,
    i: id % 3,
    b: id % 2 === 0,
    ts: `2025-01-0${1 + (id % 2)}T00:00:00Z`,
    j: { k: s ?? undefined, n: id % 2 },
    f: 1,
    dyn: id % 2 === 0 ? 'even' : 'odd',
  }),
)

t.test('8.6.17 [P1] grouping search', async t => {
  await everywhere(t, withFields(GROUPED, { enableDynamicField: true }), GROUP_ROWS, async c => {
    const found = async (groupByField: string, more: object = {}) => {
      const [hits] = await c.search({ data: [[0, 0]], limit: 3, groupByField, outputFields: [], ...more })
      return hits!.map(hit => [hit.id, hit.groupByValue ?? null])
    }
    t.strictSame(await found('s'), [
      [0, 'a'],
      [1, 'b'],
      [2, null],
    ])
    t.strictSame(await found('s', { limit: 10 }), [
      [0, 'a'],
      [1, 'b'],
      [2, null],
      [5, 'c'],
    ])
    t.strictSame(await found('s', { offset: 1 }), [
      [1, 'b'],
      [2, null],
      [5, 'c'],
    ])
    t.strictSame(await found('s', { limit: 2, offset: 2 }), [
      [2, null],
      [5, 'c'],
    ])
    t.strictSame(await found('s', { limit: 2, groupSize: 2, strictGroupSize: true }), [
      [0, 'a'],
      [3, 'a'],
      [1, 'b'],
      [4, 'b'],
    ])
    t.strictSame((await found('s', { limit: 9, groupSize: 10, strictGroupSize: true })).length, 9)
    const loose = await found('s', { limit: 2, groupSize: 3 })
    for (const name of ['a', 'b']) {
      const size = loose.filter(([, value]) => value === name).length
      t.ok(size >= 1 && size <= 3, `1 to 3 of group ${name}`)
    }
    t.strictSame(await found('i'), [
      [0, 0],
      [1, 1],
      [2, 2],
    ])
    t.strictSame(await found('b'), [
      [0, true],
      [1, false],
    ])
    t.strictSame(
      (await found('ts')).map(([id]) => id),
      [0, 1],
    )
    t.strictSame(
      (await found('j["k"]', { limit: 10, jsonType: 'varchar' })).map(([id]) => id),
      [0, 1, 2, 5],
    )
    t.strictSame(
      (await found('j["n"]', { jsonType: 'int64' })).map(([id]) => id),
      [0, 1],
    )
    t.strictSame(
      (await found('dyn')).map(([id]) => id),
      [0, 1],
    )
    t.strictSame(
      (await found('nowhere')).map(([id]) => id),
      [0],
      'a key no row has: one null group',
    )
    t.strictSame(await found('s', { filter: 's != "a"' }), [
      [1, 'b'],
      [5, 'c'],
    ])
  })
})

t.test(
  '8.6.17 [P1] grouping by JSON: an integer beyond 2^53 and its digits as text are two groups',
  async t => {
    const big = 2n ** 53n + 1n
    const definition = withFields([{ name: 'j', dataType: DataType.JSON }])
    const rows = [big, String(big), big, 2n ** 53n + 2n].map((k, id) => row(id, id, { j: { k } }))
    await everywhere(t, definition, rows, async c => {
      const request = { data: [[0, 0]], limit: 9, groupByField: 'j["k"]', outputFields: [] }
      const [hits] = await c.search(request)
      t.strictSame(
        hits!.map(hit => [hit.id, hit.groupByValue]),
        [
          [0, '9007199254740993'],
          [1, '"9007199254740993"'],
          [3, '9007199254740994'],
        ],
      )
    })
  },
)

t.test('8.6.17 [P1] grouping by several fields', async t => {
  const { c } = await staged(t, withFields(GROUPED, { enableDynamicField: true }), GROUP_ROWS)
  const request = { data: [[0, 0]], limit: 4, groupByFields: ['i', 'b'], outputFields: [] }
  const [hits] = await c.search(request)
  t.strictSame(
    hits!.map(hit => [hit.id, hit.groupByValues?.['i'], hit.groupByValues?.['b']]),
    [
      [0, 0, true],
      [1, 1, false],
      [2, 2, true],
      [3, 0, false],
    ],
  )
  const ordered = 'order_by_fields is not supported with multi-field group_by_fields'
  await refuses(t, () => c.search({ ...request, orderBy: 'i' }), 1100, ordered)
  const path = 'group_by with json path is not supported for multi-field group_by'
  await refuses(t, () => c.search({ ...request, groupByFields: ['i', 'j["k"]'] }), 1100, path)
})

t.test('8.6.17 [P1] grouping that is refused', async t => {
  const { c, db } = await staged(
    t,
    withFields(GROUPED),
    GROUP_ROWS.map(({ dyn: _, ...rest }) => rest),
  )
  const ask =
    (groupByField: string, more: object = {}) =>
    () =>
      c.search({ data: [[0, 0]], limit: 3, groupByField, ...more })
  await refuses(t, ask('f'), 1100, 'unsupported data type FLOAT for group by operator')
  await refuses(t, ask('vec'), 1100, 'unsupported data type', 'for group by operator')
  await refuses(t, ask('nope'), 1700, 'groupBy field not found in schema: field not found[field=nope]')
  await refuses(
    t,
    ask('s', { groupSize: 11 }),
    1100,
    'input group size:11 exceeds configured max group size:10',
  )
  await refuses(t, ask('s', { groupSize: -1 }), 1100, 'input group size:-1 is negative')
  await refuses(
    t,
    ask('s', { params: { radius: 10 } }),
    1100,
    'Not allowed to do range-search when doing search-group-by',
  )
  const binary = await db.createCollection({
    name: 'd',
    fields: [
      ID,
      { name: 's', dataType: DataType.VarChar, maxLength: 8 },
      { name: 'vec', dataType: DataType.BinaryVector, dim: 8 },
    ],
    indexes: [{ fieldName: 'vec', metricType: 'HAMMING' }],
  })
  await binary.insert([{ id: 1, s: 'a', vec: [1] }])
  await refuses(
    t,
    () => binary.search({ data: [[1]], limit: 1, groupByField: 's' }),
    1100,
    'not support search_group_by operation based on binary vector column',
  )
})

t.test('8.6.18 [P1] hits ordered by fields', async t => {
  const definition = withFields(GROUPED, { enableDynamicField: true })
  await everywhere(t, definition, GROUP_ROWS, async c => {
    const found = async (orderBy: string | readonly string[], more: object = {}) =>
      hitKeys((await c.search({ data: [[0, 0]], limit: 4, orderBy, outputFields: [], ...more }))[0])
    t.strictSame(await found('id:desc'), [3, 2, 1, 0], 'only the nearest are ordered')
    t.strictSame(await found('i'), [0, 3, 1, 2], 'stable')
    t.strictSame(await found('i:DESC'), [2, 1, 0, 3])
    t.strictSame(await found(['i', 'id:desc']), [3, 0, 1, 2])
    t.strictSame(await found('s'), [0, 3, 1, 2], 'nulls last')
    t.strictSame(await found('s:asc:nulls_first'), [2, 0, 3, 1])
    t.strictSame(await found('j["n"]'), [0, 2, 1, 3])
    t.strictSame(await found('dyn:desc'), [1, 3, 0, 2])
    t.strictSame(await found('id:desc', { limit: 2, offset: 2 }), [1, 0], 'ordered first, cut then')
    t.strictSame(await found('i:desc', { groupByField: 'i', limit: 3 }), [2, 1, 0])
  })
  const { c } = await staged(
    t,
    withFields(GROUPED),
    GROUP_ROWS.map(({ dyn: _, ...rest }) => rest),
  )
  const ask = (orderBy: string | readonly string[]) => () => c.search({ data: [[0, 0]], limit: 4, orderBy })
  await refuses(t, ask([':desc']), 1100, 'empty field name in order_by_fields')
  await refuses(t, ask('i:up'), 1100, "invalid order direction 'up' for field 'i', expected 'asc' or 'desc'")
  await refuses(t, ask('i:asc:maybe'), 1100, "invalid null ordering 'maybe'")
  await refuses(t, ask('vec'), 1100, "order_by field 'vec' has unsortable type")
  await refuses(t, ask('nope'), 1100, "order_by field 'nope' does not exist in collection schema")
  const iterated = { data: [[0, 0]], orderBy: 'i' } as object
  await refuses(
    t,
    () => c.searchIterator(iterated as { data: number[][] }),
    1100,
    'order_by is not supported when using search iterator',
  )
  const hybrid = { requests: [{ data: [[0, 0]] }], limit: 2, orderBy: 'i' }
  await refuses(t, () => c.hybridSearch(hybrid), 1100, 'order_by is not supported for hybrid search')
})

t.test('8.6.19 [P1] search by keys', async t => {
  const two = { name: 'v2', dataType: DataType.FloatVector, dim: 2, nullable: true }
  const definition = withFields([two], { indexes: [L2, { ...L2, fieldName: 'v2' }] })
  const rows = LINE.map((one, i) => ({ ...one, v2: i === 4 ? null : one['vec'] }))
  await everywhere(t, definition, rows, async c => {
    const byIds = (ids: (number | bigint | string)[], more: object = {}) =>
      c.search({ ids, limit: 3, annsField: 'vec', ...more } as SearchRequest)
    t.strictSame(
      await byIds([5, 2]),
      await c.search({
        data: [
          [5, 0],
          [2, 0],
        ],
        limit: 3,
        annsField: 'vec',
      }),
      'in the order of the ids',
    )
    t.strictSame(hitKeys((await byIds([7n, '3']))[1]), [3, 2, 4])
    t.strictSame(hitKeys((await byIds([5], { filter: 'id != 5' }))[0]), [4, 6, 3])
    t.strictSame(
      (await byIds([4, 5], { annsField: 'v2' })).map(hits => hitKeys(hits)),
      [[], [5, 6, 3]],
      'a null vector finds nothing',
    )
    await refuses(t, () => byIds([1], { data: [[1, 0]] }), 1100, 'data and ids cannot be given together')
    await refuses(t, () => byIds([1, 1]), 1100, 'duplicate IDs found in search request')
    await refuses(
      t,
      () => byIds([1, 40, 70]),
      1100,
      'some of the provided primary key IDs do not exist: missing IDs = [40 70]',
    )
    await refuses(t, () => byIds(['abc']), 1100, 'primary key is int64, but IDs type mismatch')
    await refuses(
      t,
      () => c.search({ ids: [1], limit: 1 } as SearchRequest),
      1100,
      'multiple vector fields exist, please specify anns_field in search_params',
    )
  })
})

t.test('8.6.21 [P1] hints', async t => {
  const { c } = await staged(t, withFields(), LINE)
  const plain = await c.search({ data: [[3, 0]], limit: 3, filter: 'id > 2' })
  for (const hints of ['iterative_filter', 'disable', '']) {
    t.strictSame(await c.search({ data: [[3, 0]], limit: 3, filter: 'id > 2', hints }), plain, hints)
  }
  t.strictSame(
    await c.search({ data: [[3, 0]], limit: 3, filter: 'id > 2', params: { hints: 'iterative_filter' } }),
    plain,
  )
  await refuses(
    t,
    () => c.search({ data: [[3, 0]], limit: 3, hints: 'fast' }),
    1100,
    'hints: fast not supported',
  )
  t.equal(
    (await c.search({ data: [[3, 0]], limit: 3, hints: 'fast', params: { radius: 2 } }))[0]!.length,
    3,
    'not judged in a range search',
  )
})

const CHECKED: readonly (readonly [indexType: string, params: object, phrase: string])[] = [
  ['HNSW', { ef: 5 }, 'ef(5) should be larger than k(10)'],
  ['HNSW', { ef: -1 }, "param 'ef' (-1) should be in range [1, 2147483647]"],
  ['HNSW', { ef: true }, "Type conflict in json: param 'ef' (true) should be integer"],
  ['HNSW', { ef: [32] }, "param 'ef' ([32]) should be integer"],
  ['HNSW', { ef: 'many' }, "param 'ef'"],
  ['HNSW', { ef: 32.5 }, "param 'ef' (32.5) should be integer"],
  ['IVF_FLAT', { nprobe: 0 }, "Out of range in json: param 'nprobe' (0) should be in range [1, 65536]"],
  ['IVF_FLAT', { nprobe: 65_537 }, "param 'nprobe' (65537) should be in range [1, 65536]"],
  ['SCANN', { reorder_k: 5 }, 'reorder_k(5) should be larger than k(10)'],
  ['DISKANN', { search_list: 1 }, 'search_list_size(1) should be larger than k(10)'],
  ['HNSW_SQ', { refine_k: true }, "param 'refine_k' (true) should be a number"],
]

t.test('8.6.22 [P1] search parameters of an index are checked', async t => {
  const { db } = await stage(t)
  for (const [i, [indexType, params, phrase]] of CHECKED.entries()) {
    const c = await db.createCollection({
      name: `c${i}`,
      ...withFields([], { indexes: [{ ...L2, indexType }] }),
    })
    await c.insert(LINE)
    await refuses(t, () => c.search({ data: [[0, 0]], limit: 10, params: { ...params } }), 1100, phrase)
    const fine = { ef: '64', nprobe: 1024, reorder_k: 100, search_list: 100, unknown: 'x' }
    t.equal(
      (await c.search({ data: [[0, 0]], limit: 10, params: fine }))[0]!.length,
      10,
      `${indexType} with good ones`,
    )
  }
  const sparse = await db.createCollection({
    name: 's',
    fields: [ID, { name: 'vec', dataType: DataType.SparseFloatVector }],
    indexes: [{ fieldName: 'vec', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'IP' }],
  })
  await sparse.insert([{ id: 1, vec: { 1: 1 } }])
  const ask = (params: object) => () => sparse.search({ data: [{ 1: 1 }], limit: 1, params: { ...params } })
  for (const drop_ratio_search of [1, -0.1])
    await refuses(t, ask({ drop_ratio_search }), 1100, "param 'drop_ratio_search'")
  for (const dim_max_score_ratio of [0.4, 1.4])
    await refuses(t, ask({ dim_max_score_ratio }), 1100, 'should be in range [0.500000, 1.300000]')
  t.equal((await ask({ drop_ratio_search: 0.2, dim_max_score_ratio: 1 })())[0]!.length, 1)
})

t.test('8.6.23 [P1] null vectors are never found', async t => {
  const definition = withFields(
    [
      { name: 'v2', dataType: DataType.FloatVector, dim: 2, nullable: true },
      { name: 'v3', dataType: DataType.FloatVector, dim: 2, nullable: true },
    ],
    {
      indexes: [L2, { ...L2, fieldName: 'v2' }, { ...L2, fieldName: 'v3' }],
    },
  )
  await everywhere(
    t,
    definition,
    LINE.map((one, i) => ({ ...one, v2: i % 3 === 0 ? null : one['vec'] })),
    async c => {
      const found = async (annsField: string) =>
        hitKeys((await c.search({ data: [[0, 0]], limit: 10, annsField }))[0])
      t.strictSame(await found('v2'), [1, 2, 4, 5, 7, 8])
      t.strictSame(await found('v3'), [], 'a column of nulls')
      t.equal((await found('vec')).length, 10)
    },
  )
})

t.test('8.6.24 [P1] searches and writes at once', async t => {
  const { c } = await staged(t, withFields(), LINE, { flushRowsMax: 64 })
  const writes = Array.from({ length: 40 }, (_, i) => c.insert([row(100 + i, 100 + i)]))
  const searches = Array.from({ length: 40 }, async (_, i) =>
    hitKeys((await c.search({ data: [[i % 10, 0]], limit: 1 }))[0]),
  )
  t.strictSame(
    await Promise.all(searches),
    Array.from({ length: 40 }, (_, i) => [i % 10]),
  )
  await Promise.all(writes)
  t.equal(await c.count(), 50)
  t.strictSame(hitKeys((await c.search({ data: [[139, 0]], limit: 1 }))[0]), [139])
})
