/** Every type of field: values in and out, nulls, defaults, merges, array operations, searches of every kind of vector. */
import { DataType, MetricType } from '@zilliz/milvus2-sdk-node'
import { client, idsOf, refusal, rowsOf, yes } from './sdk.mjs'
import { check, does } from './tap.mjs'

const NAME = 'all_types'
const COUNT = 40

const FIELDS = [
  { name: 'id', data_type: DataType.Int64, is_primary_key: true, autoID: false },
  { name: 'dense', data_type: DataType.FloatVector, dim: 4 },
  { name: 'half', data_type: DataType.Float16Vector, dim: 4 },
  { name: 'brain', data_type: DataType.BFloat16Vector, dim: 4 },
  { name: 'bits', data_type: DataType.BinaryVector, dim: 16 },
  { name: 'bytes', data_type: DataType.Int8Vector, dim: 4 },
  { name: 'sparse', data_type: DataType.SparseFloatVector },
  { name: 'yes', data_type: DataType.Bool, nullable: true },
  { name: 'i8', data_type: DataType.Int8, nullable: true },
  { name: 'i16', data_type: DataType.Int16, nullable: true },
  { name: 'i32', data_type: DataType.Int32, nullable: true },
  { name: 'i64', data_type: DataType.Int64, nullable: true },
  { name: 'f32', data_type: DataType.Float, nullable: true },
  { name: 'f64', data_type: DataType.Double, nullable: true },
  { name: 'words', data_type: DataType.VarChar, max_length: 64, nullable: true },
  { name: 'body', data_type: DataType.JSON, nullable: true },
  { name: 'level', data_type: DataType.Int32, default_value: 7 },
  {
    name: 'numbers',
    data_type: DataType.Array,
    element_type: DataType.Int64,
    max_capacity: 8,
    nullable: true,
  },
  {
    name: 'tags',
    data_type: DataType.Array,
    element_type: DataType.VarChar,
    max_length: 16,
    max_capacity: 8,
    nullable: true,
  },
]

const INDEXES = [
  {
    field_name: 'dense',
    index_name: 'by_dense',
    index_type: 'HNSW',
    metric_type: 'L2',
    params: { M: 16, efConstruction: 100 },
  },
  { field_name: 'half', index_type: 'IVF_FLAT', metric_type: 'L2', params: { nlist: 16 } },
  { field_name: 'brain', index_type: 'FLAT', metric_type: 'IP' },
  { field_name: 'bits', index_type: 'BIN_FLAT', metric_type: 'HAMMING' },
  { field_name: 'bytes', index_type: 'HNSW', metric_type: 'L2', params: { M: 8, efConstruction: 50 } },
  { field_name: 'sparse', index_type: 'SPARSE_INVERTED_INDEX', metric_type: 'IP' },
  { field_name: 'words', index_type: 'INVERTED' },
]

const vectorsOf = n => ({
  dense: [n, 1, 0.5, -0.25],
  half: [n, 0.5, 2, -1],
  brain: [n, 0.25, 1, -2],
  bits: [n, 255 - n],
  bytes: [n, 0 - n, 127, -128],
  sparse: { 1: n + 1, 70000: 0.5 },
})

const scalarsOf = n =>
  n % 5 === 4
    ? {
        yes: null,
        i8: null,
        i16: null,
        i32: null,
        i64: null,
        f32: null,
        f64: null,
        words: null,
        body: null,
        numbers: null,
        tags: null,
      }
    : {
        yes: n % 2 === 0,
        i8: n - 20,
        i16: n * 100,
        i32: n * 100_000,
        i64: String(9007199254740993n + BigInt(n)),
        f32: n / 8,
        f64: n / 3,
        words: n === 0 ? '' : `wört ${n}`,
        body: { n, deep: { list: [1, null, 'ü', { a: true }] } },
        numbers: [String(n), '-1'],
        tags: n % 3 === 0 ? [] : [`t${n % 3}`, 'all'],
      }

/** What is written, and what is read: longs come back as text, dynamic keys below $meta. */
const given = n => ({ id: n, ...vectorsOf(n), ...scalarsOf(n), color: `c${n % 3}`, 'the key': { n } })
const read = n => ({
  id: String(n),
  ...vectorsOf(n),
  ...scalarsOf(n),
  level: 7,
  $meta: { color: `c${n % 3}`, 'the key': { n } },
})

const numbers = Array.from({ length: COUNT }, (_, n) => n)

/** Keys in one order, so that two rows compare by value. The SDK's 2.6 line shows the bytes of Int8Vector unsigned. */
const ordered = ({ bytes, ...row }) => sorted({ ...row, bytes: Array.from(Int8Array.from(bytes)) })

const sorted = row => Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))

export async function before() {
  await does('types: the collection is created', async () =>
    yes(
      await client.createCollection({
        collection_name: NAME,
        enable_dynamic_field: true,
        fields: FIELDS,
        index_params: INDEXES,
      }),
    ),
  )
  await check(
    'types: insert',
    async () => yes(await client.insert({ collection_name: NAME, data: numbers.map(given) })).insert_cnt,
    String(COUNT),
  )
  await does('types: flush', async () => yes(await client.flushSync({ collection_names: [NAME] })))
  await unchanged()
  await arrays()
  await badInput()
}

export async function unchanged() {
  await check(
    'types: every value comes back',
    async () =>
      (
        await rowsOf({ collection_name: NAME, filter: `id < ${COUNT}`, output_fields: ['*'], limit: 100 })
      ).map(ordered),
    numbers.map(read).map(ordered),
  )
  await filters()
  await searches()
  await iterators()
}

async function filters() {
  const keys = async (filter, exprValues) =>
    (
      await rowsOf({
        collection_name: NAME,
        filter: `(${filter}) and id < ${COUNT}`,
        exprValues,
        output_fields: ['id'],
        limit: 100,
      })
    ).map(row => Number(row.id))
  const kept = test => numbers.filter(n => test(n, scalarsOf(n)))
  const cases = [
    ['i8 > 15', (_n, row) => row.i8 !== null && row.i8 > 15],
    ['yes == true', (_n, row) => row.yes === true],
    ['i64 == 9007199254741000', n => n === 7],
    ['f64 < 1.0', (_n, row) => row.f64 !== null && row.f64 < 1],
    ['words like "wört 1%"', (_n, row) => row.words?.startsWith('wört 1') ?? false],
    ['words in ["wört 2", "wört 3"]', n => n === 2 || n === 3],
    ['words is null', (_n, row) => row.words === null],
    ['words is not null and i16 % 300 == 0', (n, row) => row.words !== null && (n * 100) % 300 === 0],
    ['body["n"] >= 30', (n, row) => row.body !== null && n >= 30],
    ['json_contains(body["deep"]["list"], "ü")', (_n, row) => row.body !== null],
    ['array_contains(tags, "t1")', (_n, row) => row.tags?.includes('t1') ?? false],
    ['array_length(tags) == 0', (_n, row) => row.tags?.length === 0],
    ['color == "c1"', n => n % 3 === 1],
    ['exists color and not (id > 3)', n => n <= 3],
  ]
  for (const [filter, test] of cases) await check(`filter: ${filter}`, () => keys(filter), kept(test))
  await check('filter: with template values', () => keys('id in {ids}', { ids: [3, 5] }), [3, 5])
  await check(
    'query: count(*) with a filter',
    async () => (await client.count({ collection_name: NAME, expr: 'color == "c0"' })).data,
    numbers.filter(n => n % 3 === 0).length,
  )
  await check(
    'query: limit and offset',
    async () =>
      (
        await rowsOf({ collection_name: NAME, filter: 'id >= 0', output_fields: ['id'], limit: 3, offset: 5 })
      ).map(row => row.id),
    ['5', '6', '7'],
  )
}

async function searches() {
  for (const [anns_field, more] of [
    ['dense', { params: { ef: 64 } }],
    ['half', { params: { nprobe: 16 } }],
    ['bits', {}],
    ['bytes', { params: { ef: 64 } }],
  ]) {
    await check(
      `search: ${anns_field}`,
      async () =>
        idsOf(
          yes(
            await client.search({
              collection_name: NAME,
              anns_field,
              data: vectorsOf(11)[anns_field],
              limit: 1,
              ...more,
            }),
          ),
        ),
      ['11'],
    )
  }
  for (const anns_field of ['brain', 'sparse']) {
    await check(
      `search: ${anns_field} by inner product`,
      async () =>
        idsOf(
          yes(
            await client.search({
              collection_name: NAME,
              anns_field,
              data: vectorsOf(30)[anns_field],
              limit: 2,
            }),
          ),
        ),
      [String(COUNT - 1), String(COUNT - 2)],
    )
  }
  const dense = more =>
    client.search({ collection_name: NAME, anns_field: 'dense', data: vectorsOf(10).dense, ...more })
  await check(
    'search: with a filter and fields',
    async () =>
      yes(
        await dense({
          limit: 2,
          filter: 'color == "c0"',
          output_fields: ['id', 'words', 'numbers', 'color'],
        }),
      ).results.map(hit => [hit.id, hit.score, hit.words, hit.numbers, hit.$meta?.color ?? hit.color]),
    [
      ['9', 1, null, null, 'c0'],
      ['12', 4, 'wört 12', ['12', '-1'], 'c0'],
    ],
  )
  await check(
    'search: limit and offset',
    async () => idsOf(yes(await dense({ limit: 1, offset: 1, filter: 'id >= 10' }))),
    ['11'],
  )
  await check(
    'search: a range of scores',
    async () => idsOf(yes(await dense({ limit: 9, params: { radius: 5, range_filter: 0.5 } }))).sort(),
    ['11', '12', '8', '9'],
  )
  await check(
    'search: several vectors at once',
    async () =>
      yes(
        await client.search({
          collection_name: NAME,
          anns_field: 'dense',
          data: [vectorsOf(3).dense, vectorsOf(5).dense],
          limit: 1,
        }),
      ).results.map(hits => hits.map(hit => hit.id)),
    [['3'], ['5']],
  )
  await check(
    'search: grouped by a field',
    async () => idsOf(yes(await dense({ limit: 3, group_by_field: 'level', filter: 'id in [9, 10]' }))),
    ['10'],
  )
  const hybrid = more =>
    client.hybridSearch({
      collection_name: NAME,
      data: [
        { anns_field: 'dense', data: vectorsOf(22).dense, expr: 'id != 22', limit: 10, params: { ef: 64 } },
        { anns_field: 'half', data: vectorsOf(22).half, limit: 10 },
      ],
      limit: 1,
      output_fields: ['words'],
      ...more,
    })
  for (const [what, rerank] of [
    ['reciprocal ranks', { strategy: 'rrf', params: { k: 60 } }],
    ['weights', { strategy: 'weighted', params: { weights: [0.1, 0.9] } }],
  ]) {
    await check(`hybrid: ${what}`, async () => yes(await hybrid({ rerank })).results.map(hit => hit.words), [
      what === 'weights' ? 'wört 22' : 'wört 21',
    ])
  }
}

async function iterators() {
  await check('iterator: a query in pages', async () => {
    const pages = []
    const iterator = await client.queryIterator({
      collection_name: NAME,
      batchSize: 15,
      expr: `id < ${COUNT}`,
      output_fields: ['id'],
    })
    for await (const page of iterator) pages.push(page.map(row => Number(row.id)))
    return [pages.map(page => page.length), pages.flat()]
  }, [[15, 15, 10], numbers])
  await check(
    'iterator: a search in pages',
    async () => {
      const found = []
      const iterator = await client.searchIterator({
        collection_name: NAME,
        anns_field: 'dense',
        data: vectorsOf(0).dense,
        batchSize: 7,
        limit: 20,
        output_fields: ['id'],
        params: { ef: 64 },
      })
      for await (const page of iterator) found.push(...page.map(hit => Number(hit.id)))
      return found
    },
    numbers.slice(0, 20),
  )
}

/** Array operations of merges, on rows of their own. */
async function arrays() {
  const upsert = async (row, op) => {
    yes(
      await client.upsert({
        collection_name: NAME,
        data: [row],
        partial_update: true,
        ...(op && { field_ops: [{ field_name: 'numbers', op }] }),
      }),
    )
    const [{ numbers }] = await rowsOf({ collection_name: NAME, ids: [row.id], output_fields: ['numbers'] })
    return numbers
  }
  await does('arrays: a row to merge into', async () =>
    yes(
      await client.insert({
        collection_name: NAME,
        data: [{ ...given(1000), i8: 0, i16: 0, numbers: [1, 2] }],
      }),
    ),
  )
  await check('arrays: replaced', () => upsert({ id: 1000, numbers: [5, 6] }), ['5', '6'])
  await check('arrays: appended', () => upsert({ id: 1000, numbers: [7, 5] }, 'ARRAY_APPEND'), [
    '5',
    '6',
    '7',
    '5',
  ])
  await check('arrays: removed', () => upsert({ id: 1000, numbers: [5] }, 'ARRAY_REMOVE'), ['6', '7'])
  await check(
    'rows: deleted by filter',
    async () => [
      yes(await client.delete({ collection_name: NAME, filter: 'id >= 1000' })).delete_cnt,
      (await rowsOf({ collection_name: NAME, filter: 'id >= 1000', output_fields: ['id'] })).length,
    ],
    ['1', 0],
  )
}

async function badInput() {
  const insert = row =>
    client.insert({ collection_name: NAME, data: [{ ...given(2000), i8: 0, i16: 0, ...row }] })
  const search = more =>
    client.search({ collection_name: NAME, anns_field: 'dense', data: [1, 2, 3, 4], limit: 1, ...more })
  const cases = [
    ['text that is too long', () => insert({ words: 'x'.repeat(65) }), 1100, 'exceeds max length'],
    ['an array that is too long', () => insert({ numbers: Array(9).fill(1) }), 1100, 'capacity'],
    [
      'a filter that is none',
      () => client.query({ collection_name: NAME, filter: 'id ===', output_fields: ['id'] }),
      1100,
      'cannot parse expression',
    ],
    [
      'a filter about nothing',
      () => client.query({ collection_name: NAME, filter: 'i8 > "x"', output_fields: ['id'] }),
      1100,
      'i8',
    ],
    ['a limit beyond all', () => search({ limit: 20_000 }), 1100, '16384'],
    ['another metric', () => search({ metric_type: MetricType.COSINE }), 1100, 'metric type'],
    [
      'an index type that is none',
      () =>
        client.createIndex({
          collection_name: NAME,
          field_name: 'dense',
          index_type: 'NONE_SUCH',
          metric_type: 'L2',
        }),
      1100,
      'index',
    ],
    [
      'a collection that is not there',
      () => client.insert({ collection_name: 'nothing', data: [{ id: 1 }] }),
      100,
      'nothing',
    ],
    [
      'a partition that is not there',
      () =>
        client.insert({
          collection_name: NAME,
          partition_name: 'nowhere',
          data: [{ ...given(2000), i8: 0, i16: 0 }],
        }),
      200,
      'nowhere',
    ],
  ]
  for (const [what, call, code, phrase] of cases) {
    await check(
      `refused: ${what}`,
      () => refusal(call, phrase).catch(error => String(error.message ?? error)),
      [code, phrase],
    )
  }
  await check(
    'refused: nothing was written',
    async () => await rowsOf({ collection_name: NAME, filter: 'id >= 2000', output_fields: ['id'] }),
    [],
  )
}

export async function after() {
  await unchanged()
  await check(
    'types: a merge of every row keeps the other fields',
    async () => {
      yes(
        await client.upsert({
          collection_name: NAME,
          partial_update: true,
          data: numbers.map(id => ({ id, level: id })),
        }),
      )
      return (
        await rowsOf({ collection_name: NAME, filter: 'id >= 0', output_fields: ['*'], limit: 100 })
      ).map(ordered)
    },
    numbers.map(n => ordered({ ...read(n), level: n })),
  )
}
