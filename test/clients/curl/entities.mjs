/** Every type of field over REST: values in and out, merges, array operations, searches, and what is refused. */
import { answer, data, post, refusal } from './curl.mjs'
import { check, does } from './tap.mjs'

const NAME = 'all_types'
const COUNT = 20
const numbers = Array.from({ length: COUNT }, (_, n) => n)

const field = (fieldName, dataType, elementTypeParams, more) => ({
  fieldName,
  dataType,
  ...(elementTypeParams && { elementTypeParams }),
  ...more,
})
const nullable = { nullable: true }

const SCHEMA = {
  enableDynamicField: true,
  fields: [
    field('id', 'Int64', undefined, { isPrimary: true }),
    field('dense', 'FloatVector', { dim: 4 }),
    field('half', 'Float16Vector', { dim: 4 }),
    field('brain', 'BFloat16Vector', { dim: 4 }),
    field('bits', 'BinaryVector', { dim: 16 }),
    field('bytes', 'Int8Vector', { dim: 4 }),
    field('sparse', 'SparseFloatVector'),
    field('yes', 'Bool', undefined, nullable),
    field('i8', 'Int8', undefined, nullable),
    field('i16', 'Int16', undefined, nullable),
    field('i32', 'Int32', undefined, nullable),
    field('i64', 'Int64', undefined, nullable),
    field('f32', 'Float', undefined, nullable),
    field('f64', 'Double', undefined, nullable),
    field('words', 'VarChar', { max_length: 64 }, nullable),
    field('body', 'JSON', undefined, nullable),
    field('level', 'Int32', undefined, { defaultValue: 7 }),
    field('numbers', 'Array', { max_capacity: 8 }, { elementDataType: 'Int64', ...nullable }),
    field('tags', 'Array', { max_capacity: 8, max_length: 16 }, { elementDataType: 'VarChar', ...nullable }),
  ],
}

const INDEXES = [
  {
    fieldName: 'dense',
    indexName: 'by_dense',
    indexType: 'HNSW',
    metricType: 'L2',
    params: { M: 16, efConstruction: 100 },
  },
  { fieldName: 'half', indexName: 'half', indexType: 'IVF_FLAT', metricType: 'L2', params: { nlist: 16 } },
  { fieldName: 'brain', indexName: 'brain', indexType: 'FLAT', metricType: 'IP' },
  { fieldName: 'bits', indexName: 'bits', indexType: 'BIN_FLAT', metricType: 'HAMMING' },
  {
    fieldName: 'bytes',
    indexName: 'bytes',
    indexType: 'HNSW',
    metricType: 'L2',
    params: { M: 8, efConstruction: 50 },
  },
  { fieldName: 'sparse', indexName: 'sparse', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'IP' },
]

const base64 = bytes => Buffer.from(bytes).toString('base64')

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
        i64: 4503599627370496 + n,
        f32: n / 8,
        f64: n / 3,
        words: `wört ${n}`,
        body: { n, deep: { list: [1, null, 'ü'] } },
        numbers: [n, -1],
        tags: n % 3 === 0 ? [] : [`t${n % 3}`, 'all'],
      }

const given = n => ({
  id: n,
  dense: [n, 1, 0.5, -0.25],
  half: [n, 0.5, 2, -1],
  brain: [n, 0.25, 1, -2],
  bits: base64([n, 255 - n]),
  bytes: [n, 1, 127, -128],
  sparse: { 1: n + 1, 70000: 0.5 },
  ...scalarsOf(n),
  color: `c${n % 3}`,
  deep: { n },
})

/** What the server answers for a row: bytes as base64, JSON fields as text, arrays as Milvus's protocol shows them. */
const read = n => {
  const { body, numbers, tags, ...plain } = given(n)
  const float16 = value => [0, 0, ...halfBits(value)].slice(-2)
  const bfloat16 = value => [...Buffer.from(Float32Array.of(value).buffer)].slice(2)
  return {
    ...plain,
    half: base64([n, 0.5, 2, -1].flatMap(float16)),
    brain: base64([n, 0.25, 1, -2].flatMap(bfloat16)),
    bytes: base64(Int8Array.of(n, 1, 127, -128)),
    body: body === null ? null : body,
    numbers: numbers === null ? null : { Data: { LongData: { data: numbers } } },
    tags: tags === null ? null : { Data: { StringData: { data: tags } } },
    level: 7,
  }
}

/** Little-endian bytes of a value that float16 holds exactly: sign, 5 bits of exponent, 10 of fraction. */
function halfBits(value) {
  if (value === 0) return [0, 0]
  const exponent = Math.floor(Math.log2(Math.abs(value)))
  const fraction = (Math.abs(value) / 2 ** exponent - 1) * 1024
  const bits = (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction
  return [bits & 255, bits >> 8]
}

/** A row with its JSON text parsed, to compare by value. */
const parsed = row => ({ ...row, body: row.body === null ? null : JSON.parse(row.body) })
const sorted = row => Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))

const on = more => ({ collectionName: NAME, ...more })
const keys = async filter =>
  (await data('entities/query', on({ filter, outputFields: ['id'] }))).map(row => row.id)
const search = more => data('entities/search', on({ annsField: 'dense', limit: 1, ...more }))

export async function before() {
  await does('types: the collection is created', () =>
    data('collections/create', on({ schema: SCHEMA, indexParams: INDEXES })),
  )
  await check('types: insert', () => data('entities/insert', on({ data: numbers.map(given) })), {
    insertCount: COUNT,
    insertIds: numbers,
  })
  await does('types: flush', () => data('collections/flush', on({})))
  await unchanged()
  await arrays()
  await exactNumbers()
  await badInput()
}

export async function unchanged() {
  await check(
    'types: every value comes back',
    async () =>
      (await data('entities/query', on({ filter: `id < ${COUNT}`, outputFields: ['*'] })))
        .map(parsed)
        .map(sorted),
    numbers.map(read).map(sorted),
  )
  for (const [filter, test] of [
    ['i8 > -5', (_n, row) => row.i8 !== null && row.i8 > -5],
    ['words like "wört 1%"', (_n, row) => row.words?.startsWith('wört 1') ?? false],
    ['words is null', (_n, row) => row.words === null],
    ['body["n"] >= 10', (n, row) => row.body !== null && n >= 10],
    ['array_contains(tags, "t1")', (_n, row) => row.tags?.includes('t1') ?? false],
    ['color == "c1" && deep["n"] < 9', n => n % 3 === 1 && n < 9],
  ]) {
    await check(
      `filter: ${filter}`,
      () => keys(filter),
      numbers.filter(n => test(n, scalarsOf(n))),
    )
  }
  await check(
    'filter: with template values',
    () =>
      data(
        'entities/query',
        on({ filter: 'id in {ids}', exprParams: { ids: [3, 5] }, outputFields: ['level'] }),
      ),
    [3, 5].map(id => ({ id, level: 7 })),
  )
  await check(
    'query: counted',
    () => data('entities/query', on({ filter: 'color == "c0"', outputFields: ['count(*)'] })),
    [{ 'count(*)': 7 }],
  )
  await check(
    'query: limit and offset',
    async () =>
      (await data('entities/query', on({ filter: '', limit: 3, offset: 5, outputFields: ['id'] }))).map(
        row => row.id,
      ),
    [5, 6, 7],
  )
  const { dense, half, bits, bytes, sparse } = given(11)
  for (const [annsField, vector] of Object.entries({ dense, half, bits, bytes })) {
    await check(`search: ${annsField}`, async () => (await search({ annsField, data: [vector] }))[0].id, 11)
  }
  for (const annsField of ['sparse', 'brain']) {
    const vector = annsField === 'sparse' ? sparse : given(11).brain
    await check(
      `search: ${annsField}`,
      async () => (await search({ annsField, data: [vector] }))[0].id,
      COUNT - 1,
    )
  }
  await check(
    'search: with a filter and fields',
    () => search({ data: [dense], limit: 2, filter: 'color == "c0"', outputFields: ['words', 'color'] }),
    [
      { id: 12, distance: 1, words: 'wört 12', color: 'c0' },
      { id: 9, distance: 4, words: null, color: 'c0' },
    ],
  )
  await check(
    'search: a range of scores',
    async () =>
      (await search({ data: [dense], limit: 9, searchParams: { params: { radius: 5, range_filter: 0.5 } } }))
        .map(hit => hit.id)
        .sort((a, b) => a - b),
    [9, 10, 12, 13],
  )
  await check('search: two vectors, and how many hits each has', async () => {
    const found = await answer(
      'entities/search',
      on({ annsField: 'dense', data: [dense, given(3).dense], limit: 1 }),
    )
    return [found.data.map(hit => hit.id), found.topks]
  }, [
    [11, 3],
    [1, 1],
  ])
  await check(
    'search: hybrid',
    async () => {
      const requests = [
        { annsField: 'dense', data: [dense], limit: 10, filter: 'id != 11' },
        { annsField: 'half', data: [half], limit: 10 },
      ]
      const rerank = { strategy: 'rrf', params: { k: 60 } }
      return (
        await data('entities/hybrid_search', on({ search: requests, rerank, limit: 1, outputFields: ['id'] }))
      )[0].id
    },
    10,
  )
}

async function arrays() {
  const stored = async (numbers, op) => {
    const fieldOps = op && [{ fieldName: 'numbers', op }]
    await data(
      'entities/upsert',
      on({ data: [{ id: 1000, numbers }], partialUpdate: true, ...(op && { fieldOps }) }),
    )
    return (await data('entities/get', on({ id: 1000, outputFields: ['numbers'] })))[0].numbers.Data.LongData
      .data
  }
  await does('arrays: a row to merge into', () =>
    data('entities/insert', on({ data: [{ ...given(1), id: 1000 }] })),
  )
  await check('arrays: replaced', () => stored([5, 6]), [5, 6])
  await check('arrays: appended', () => stored([7, 5], 'ARRAY_APPEND'), [5, 6, 7, 5])
  await check('arrays: removed', () => stored([5], 'ARRAY_REMOVE'), [6, 7])
  await check('rows: deleted by filter', () => data('entities/delete', on({ filter: 'id >= 1000' })), {
    deleteCount: 1,
  })
  await check('rows: and gone', () => keys('id >= 1000'), [])
}

/** Numbers beyond what a double holds go in and come out digit by digit. */
async function exactNumbers() {
  const big = '9007199254740993'
  const row = JSON.stringify(on({ data: [{ ...given(0), i64: 'BIG' }] }))
  await check('numbers: beyond 2^53, as numbers and as text', async () => {
    await post('entities/upsert', row.replace('"id":0', `"id":${big}`).replace('"BIG"', big))
    const asked = JSON.stringify(on({ filter: `i64 == ${big}`, outputFields: ['i64'] }))
    const texts = []
    for (const accept of ['true', 'false']) {
      const found = await post('entities/query', asked, '--header', `Accept-Type-Allow-Int64: ${accept}`)
      texts.push(/"i64":("?\d+"?)/.exec(found.text)?.[1])
    }
    await data('entities/delete', on({ filter: `id == ${big}` }))
    return texts
  }, [big, `"${big}"`])
}

async function badInput() {
  const insert = row => on({ data: [{ ...given(0), id: 2000, ...row }] })
  for (const [what, path, request, code, phrase] of [
    [
      'text that is too long',
      'entities/insert',
      insert({ words: 'x'.repeat(65) }),
      1100,
      'exceeds max length',
    ],
    ['a number out of range', 'entities/insert', insert({ i8: 300 }), 1804, 'fail to deal the insert data'],
    [
      'a vector of another dimension',
      'entities/insert',
      insert({ dense: [1, 2] }),
      1804,
      'fail to deal the insert data',
    ],
    [
      'rows that are no list',
      'entities/insert',
      on({ data: given(0) }),
      1801,
      'can only accept json format request',
    ],
    ['a filter that is none', 'entities/query', on({ filter: 'id ===' }), 1100, 'cannot parse expression'],
    ['no collection', 'entities/query', { filter: 'id > 0' }, 1802, 'missing required parameters'],
    [
      'an unknown collection',
      'entities/query',
      { collectionName: 'nothing', filter: 'id > 0' },
      100,
      "can't find collection",
    ],
    ['an unknown partition', 'entities/insert', { ...insert({}), partitionName: 'nowhere' }, 200, 'nowhere'],
    [
      'a limit beyond all',
      'entities/search',
      on({ annsField: 'dense', data: [[1, 2, 3, 4]], limit: 20_000 }),
      1100,
      '16384',
    ],
  ]) {
    await check(`refused: ${what}`, () => refusal(path, request, phrase), [code, phrase])
  }
  await check(
    'refused: a body that is no JSON',
    async () => JSON.parse((await post('entities/query', '{,}')).text).code,
    1801,
  )
  await check(
    'refused: a path that does not exist',
    async () => (await post('entities/none', '{}')).status,
    404,
  )
  await check('refused: nothing was written', () => keys('id >= 2000'), [])
}

export async function after() {
  await unchanged()
  await check(
    'types: a merge of every row keeps the other fields',
    async () => {
      await data('entities/upsert', on({ data: numbers.map(id => ({ id, level: id })), partialUpdate: true }))
      const found = await data('entities/query', on({ filter: 'id >= 0', outputFields: ['*'] }))
      return found.map(parsed).map(sorted)
    },
    numbers.map(n => sorted({ ...read(n), level: n })),
  )
}
