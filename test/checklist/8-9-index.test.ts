/** Checklist 8.9: declaring, describing, changing and dropping indexes. What a client sees of it is in 8-wire.test.ts. */
import t from 'tap'
import { type Collection, DataType, type FieldRequest, type IndexRequest } from '../../lib/index.js'
import { hitKeys, ID, keys, refuses, stage, staged, VEC, withFields } from './fixture.js'

const bare = (fields: readonly FieldRequest[] = []) => ({
  ...withFields(fields, { indexes: [] }),
  load: false,
})
const I8: FieldRequest = { name: 'i8v', dataType: DataType.Int8Vector, dim: 4 }
const BIN: FieldRequest = { name: 'bin', dataType: DataType.BinaryVector, dim: 16 }
const SPARSE: FieldRequest = { name: 'sp', dataType: DataType.SparseFloatVector }
const HALF: FieldRequest = { name: 'half', dataType: DataType.Float16Vector, dim: 4 }
const VECTORS = [I8, BIN, SPARSE, HALF]

const TYPES: readonly (readonly [
  field: string,
  indexType: string,
  metric: string,
  params: Record<string, unknown>,
])[] = [
  ['vec', 'FLAT', 'L2', {}],
  ['vec', 'IVF_FLAT', 'IP', { nlist: 128 }],
  ['vec', 'IVF_SQ8', 'COSINE', { nlist: '64' }],
  ['vec', 'IVF_PQ', 'L2', { nlist: 16, m: 2, nbits: 8 }],
  ['vec', 'IVF_RABITQ', 'L2', { nlist: 16, refine: true, refine_type: 'SQ8' }],
  ['vec', 'HNSW', 'COSINE', { M: 16, efConstruction: 200 }],
  ['vec', 'HNSW_SQ', 'L2', { M: 16, efConstruction: 200, sq_type: 'SQ8' }],
  ['vec', 'HNSW_PQ', 'L2', { M: 16, efConstruction: 200, m: 2 }],
  ['vec', 'HNSW_PRQ', 'L2', { M: 16, efConstruction: 200, m: 2, nrq: 2 }],
  ['vec', 'SCANN', 'L2', { nlist: 16, with_raw_data: true }],
  ['vec', 'DISKANN', 'L2', {}],
  ['vec', 'AISAQ', 'L2', {}],
  ['half', 'HNSW', 'IP', { M: 8, efConstruction: 40 }],
  ['i8v', 'HNSW', 'COSINE', { M: 8, efConstruction: 40 }],
  ['bin', 'BIN_FLAT', 'JACCARD', {}],
  ['bin', 'BIN_FLAT', 'SUBSTRUCTURE', {}],
  ['bin', 'BIN_IVF_FLAT', 'HAMMING', { nlist: 8 }],
  ['sp', 'SPARSE_INVERTED_INDEX', 'IP', { inverted_index_algo: 'DAAT_WAND' }],
  ['sp', 'SPARSE_WAND', 'IP', { drop_ratio_build: 0.2 }],
]

t.test('8.9.1 [P0] every vector index type; describe echoes type, metric and parameters', async t => {
  const made = await staged(t, bare(VECTORS))
  for (const [fieldName, indexType, metricType, params] of TYPES) {
    await made.c.createIndex({ fieldName, indexType, metricType, params })
    const [described] = (await made.c.describe()).indexes
    const texts = Object.fromEntries(Object.entries(params).map(([key, value]) => [key, String(value)]))
    t.match(described, { name: fieldName, fieldName, indexType, metricType, params: texts }, indexType)
    await made.c.dropIndex(fieldName)
    t.strictSame((await made.c.describe()).indexes, [])
  }
  await made.c.createIndex({ fieldName: 'vec', indexName: 'mine', indexType: 'hnsw', metricType: 'l2' })
  await made.reopen()
  t.match(
    (await made.c.describe()).indexes,
    [{ name: 'mine', indexType: 'HNSW', metricType: 'L2' }],
    'after reopening',
  )
})

const SCALARS: readonly FieldRequest[] = [
  { name: 'b', dataType: DataType.Bool },
  { name: 'i8', dataType: DataType.Int8 },
  { name: 'i64', dataType: DataType.Int64 },
  { name: 'f', dataType: DataType.Float },
  { name: 'd', dataType: DataType.Double },
  { name: 's', dataType: DataType.VarChar, maxLength: 8 },
  { name: 'j', dataType: DataType.JSON },
  { name: 'ts', dataType: DataType.Timestamptz },
  { name: 'geo', dataType: DataType.Geometry },
  { name: 'l', dataType: DataType.Array, elementType: DataType.Int32, maxCapacity: 4 },
  { name: 'lf', dataType: DataType.Array, elementType: DataType.Float, maxCapacity: 4 },
]

t.test('8.9.2 [P0] AUTOINDEX, also as the default, on vectors and scalars', async t => {
  const { c } = await staged(t, bare([...VECTORS, ...SCALARS]))
  const metrics: Readonly<Record<string, string>> = {
    vec: 'COSINE',
    half: 'COSINE',
    i8v: 'COSINE',
    bin: 'HAMMING',
    sp: 'IP',
  }
  for (const name of [...Object.keys(metrics), 'b', 'i8', 'i64', 'f', 'd', 's', 'ts']) {
    for (const indexType of ['AUTOINDEX', undefined, '']) {
      await c.createIndex({ fieldName: name, ...(indexType === undefined ? {} : { indexType }) })
      t.match((await c.describe()).indexes, [
        { fieldName: name, indexType: 'AUTOINDEX', metricType: metrics[name] ?? '' },
      ])
      await c.dropIndex(name)
    }
  }
  await refuses(
    t,
    () => c.createIndex({ fieldName: 'vec', indexType: 'AUTOINDEX', params: { M: 8 } }),
    1100,
    'only metric type can be passed when use AutoIndex',
  )
  await c.createIndex({ fieldName: 'vec', indexType: 'AUTOINDEX', metricType: 'IP' })
})

t.test('8.9.3 [P0] the same index twice, other parameters, a second name', async t => {
  const { c } = await staged(t, bare([SPARSE]))
  const first: IndexRequest = {
    fieldName: 'vec',
    indexType: 'HNSW',
    metricType: 'L2',
    params: { M: 8, efConstruction: 64 },
  }
  const made = await c.createIndex(first)
  t.equal((await c.createIndex(first)).id, made.id)
  const distinct = 'at most one distinct index is allowed per field'
  await refuses(t, () => c.createIndex({ ...first, params: { M: 16, efConstruction: 64 } }), 1100, distinct)
  await refuses(t, () => c.createIndex({ ...first, metricType: 'IP' }), 1100, distinct)
  await refuses(t, () => c.createIndex({ fieldName: 'sp', indexName: 'vec' }), 1100, distinct)
  await refuses(
    t,
    () => c.createIndex({ ...first, indexName: 'other' }),
    1100,
    'CreateIndex failed: creating multiple indexes on same field is not supported',
  )
  t.equal((await c.describe()).indexes.length, 1)
})

t.test('8.9.4 [P0] unknown types, fields and metrics; types that do not fit', async t => {
  const { c } = await staged(t, bare([...VECTORS, ...SCALARS]))
  const ask = (fieldName: string, indexType: string, metricType?: string) => () =>
    c.createIndex({ fieldName, indexType, ...(metricType === undefined ? {} : { metricType }) })
  await refuses(
    t,
    ask('vec', 'NOPE', 'L2'),
    1100,
    'invalid parameter[expected=valid index][actual=invalid index type: NOPE]',
  )
  await refuses(t, ask('nope', 'HNSW', 'L2'), 1100, 'cannot create index on non-exist field: nope')
  await refuses(
    t,
    ask('vec', 'HNSW', 'EUCLID'),
    1100,
    'float vector index does not support metric type: EUCLID',
  )
  await refuses(
    t,
    ask('vec', 'HNSW', 'HAMMING'),
    1100,
    'float vector index does not support metric type: HAMMING',
  )
  await refuses(t, ask('bin', 'BIN_FLAT', 'L2'), 1100, 'binary vector index does not support metric type: L2')
  await refuses(
    t,
    ask('sp', 'SPARSE_INVERTED_INDEX', 'L2'),
    1100,
    'only IP&BM25 is the supported metric type for sparse index',
  )
  await refuses(
    t,
    ask('sp', 'SPARSE_INVERTED_INDEX', 'BM25'),
    1100,
    'only BM25 Function output field support BM25 metric type',
  )
  await refuses(
    t,
    ask('i8v', 'IVF_FLAT', 'L2'),
    1100,
    "data type Int8Vector can't build with this index IVF_FLAT",
  )
  await refuses(
    t,
    ask('bin', 'HNSW', 'HAMMING'),
    1100,
    "data type BinaryVector can't build with this index HNSW",
  )
  await refuses(
    t,
    ask('vec', 'BIN_FLAT', 'L2'),
    1100,
    "data type FloatVector can't build with this index BIN_FLAT",
  )
  await refuses(
    t,
    ask('vec', 'SPARSE_INVERTED_INDEX', 'IP'),
    1100,
    "can't build with this index SPARSE_INVERTED_INDEX",
  )
  await refuses(t, ask('i64', 'HNSW', 'L2'), 1100, "can't build with this index HNSW")
  t.strictSame((await c.describe()).indexes, [])
})

t.test('8.9.5 [P0] dropping an index', async t => {
  const made = await staged(t, { ...withFields([{ name: 'n', dataType: DataType.Int64 }]) }, [
    { id: 1, n: 5, vec: [0, 0] },
  ])
  const { c } = made
  await c.createIndex({ fieldName: 'n', indexName: 'by_n', indexType: 'INVERTED' })
  await c.dropIndex('by_n')
  await c.dropIndex('by_n')
  await c.dropIndex('never')
  t.strictSame(await keys(c, 'n == 5'), [1], 'a scalar index may go while loaded')
  await refuses(t, () => c.dropIndex('vec'), 1100, 'vector index cannot be dropped on loaded collection')
  await c.createIndex({ fieldName: 'id', indexName: 'n', indexType: 'INVERTED' })
  await c.createIndex({ fieldName: 'n', indexName: 'by_n', indexType: 'INVERTED' })
  await c.dropIndex('n')
  t.strictSame(
    (await c.describe()).indexes.map(index => index.name),
    ['vec', 'by_n'],
    'its own name comes first',
  )
  await c.dropIndex('n')
  t.strictSame(
    (await c.describe()).indexes.map(index => index.name),
    ['vec'],
    'then that of its field',
  )
  await c.release()
  await c.dropIndex('vec')
  await refuses(t, () => c.load(), 700, 'index not found[collection=c]')
  await c.createIndex({ fieldName: 'vec', indexType: 'IVF_FLAT', metricType: 'IP', params: { nlist: 8 } })
  await c.load()
  t.strictSame(hitKeys((await c.search({ data: [[0, 0]], limit: 1, metricType: 'IP' }))[0]), [1])
  await made.reopen()
  t.match((await made.c.describe()).indexes, [{ indexType: 'IVF_FLAT', metricType: 'IP' }])
})

const BOUNDS: readonly (readonly [indexType: string, params: Record<string, unknown>, phrase: string])[] = [
  ['HNSW', { M: -1 }, "Out of range in json: param 'M' (-1) should be in range [2, 2048]"],
  ['HNSW', { M: 2049 }, "param 'M' (2049) should be in range [2, 2048]"],
  ['HNSW', { M: 'True' }, "invalid integer value, key: 'M', value: 'True': invalid parameter"],
  ['HNSW', { M: 8, efConstruction: 0 }, "param 'efConstruction' (0) should be in range [1, 2147483647]"],
  ['IVF_FLAT', { nlist: 0 }, "param 'nlist' (0) should be in range [1, 65536]"],
  ['IVF_FLAT', { nlist: 65_537 }, "param 'nlist' (65537) should be in range [1, 65536]"],
  [
    'HNSW_PQ',
    { m: 3 },
    'The dimension of the vector (dim) should be a multiple of the number of subquantizers (m).',
  ],
  [
    'HNSW_PRQ',
    { m: 3 },
    'The dimension of a vector (dim) should be a multiple of the number of subquantizers (m).',
  ],
  ['HNSW_PQ', { m: 2, nbits: 25 }, "param 'nbits' (25) should be in range [1, 24]"],
  ['HNSW_PQ', { m: 2, nbits: '8.0' }, "wrong data type in json, key: 'nbits', value: '8.0'"],
  ['HNSW_SQ', { sq_type: 'SQ99' }, 'invalid scalar quantizer type'],
  ['HNSW_SQ', { refine: 'maybe' }, 'should be a boolean'],
  [
    'HNSW_SQ',
    { refine: true, refine_type: 'x' },
    'invalid refine type : x, optional types are [sq4u, sq6, sq8, fp16, bf16, fp32, flat]',
  ],
]

t.test('8.9.7 [P1] bounds of build parameters', async t => {
  const { c } = await staged(t, bare([SPARSE]))
  for (const [indexType, params, phrase] of BOUNDS) {
    await refuses(
      t,
      () => c.createIndex({ fieldName: 'vec', indexType, metricType: 'L2', params }),
      1100,
      phrase,
    )
  }
  const sparse = (params: Record<string, unknown>) => () =>
    c.createIndex({ fieldName: 'sp', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'IP', params })
  for (const drop_ratio_build of [1, -0.5, 'x'])
    await refuses(t, sparse({ drop_ratio_build }), 1100, 'drop_ratio_build')
  await refuses(
    t,
    sparse({ inverted_index_algo: 'FAST' }),
    1100,
    'sparse inverted index algo FAST not found or not supported, supported: [',
  )
  await c.createIndex({
    fieldName: 'vec',
    indexType: 'HNSW',
    metricType: 'L2',
    params: { M: '16', efConstruction: '100', unknown: 'x' },
  })
})

t.test('8.9.8 [P1] JSON path indexes', async t => {
  const { c, db } = await staged(
    t,
    withFields([{ name: 'j', dataType: DataType.JSON }], { enableDynamicField: true }),
  )
  const ask =
    (params: Record<string, unknown>, more: Partial<IndexRequest> = {}) =>
    () =>
      c.createIndex({ fieldName: 'j', indexType: 'INVERTED', params, ...more })
  await ask({ json_path: 'j["a"]', json_cast_type: 'varchar' })()
  await ask({ json_path: 'j["b"]', json_cast_type: 'DOUBLE' }, { indexName: 'by_b' })()
  await c.createIndex({
    fieldName: 'dyn',
    indexType: 'INVERTED',
    params: { json_cast_type: 'DOUBLE', json_path: 'dyn' },
  })
  const { indexes } = await c.describe()
  t.equal(indexes.length, 4, 'several on one field')
  const byB = indexes.find(index => index.name === 'by_b')!
  t.match(byB, { indexType: 'INVERTED', params: { json_path: 'j["b"]', json_cast_type: 'DOUBLE' } })
  const same = { json_path: "j['b']", json_cast_type: 'DOUBLE' }
  await refuses(t, ask(same, { indexName: 'other' }), 1100, 'creating multiple indexes on same field')
  await ask(same, { indexName: 'by_b' })()
  const meta = { fieldName: '$meta', params: { json_path: '$meta["dyn"]', json_cast_type: 'DOUBLE' } }
  await refuses(
    t,
    ask(meta.params, { ...meta, indexName: 'o' }),
    1100,
    'creating multiple indexes on same field',
  )
  t.equal((await c.describe()).indexes.length, 4, 'a path is the same however it is written')
  await refuses(t, ask({ json_path: 'j["c"]' }), 1101, 'json index must specify cast type: missing parameter')
  await refuses(
    t,
    ask({ json_path: 'j["c"]', json_cast_type: 'FLOAT8' }),
    1100,
    'json_cast_type FLOAT8 is not supported',
  )
  await refuses(t, ask({ json_path: 'j[c', json_cast_type: 'DOUBLE' }), 1100, 'cannot parse identifier')
  const plain = await db.createCollection({
    name: 'd',
    ...withFields([{ name: 'j', dataType: DataType.JSON }]),
  })
  const dynamic = {
    fieldName: 'nope',
    indexType: 'INVERTED',
    params: { json_path: 'nope', json_cast_type: 'DOUBLE' },
  }
  await refuses(t, () => plain.createIndex(dynamic), 1100, 'cannot create index on non-exist field: nope')
})

const SCALAR_RULES: readonly (readonly [
  indexType: string,
  fits: readonly string[],
  others: readonly string[],
  phrase: string,
])[] = [
  [
    'BITMAP',
    ['b', 'i8', 'i64', 's', 'l'],
    ['f', 'd', 'lf'],
    'bitmap index are only supported on bool, int, string and array field',
  ],
  ['Trie', ['s'], ['i8', 'f', 'b', 'l'], 'TRIE are only supported on varchar field'],
  [
    'STL_SORT',
    ['i8', 'i64', 'f', 'd', 's', 'ts'],
    ['b', 'l', 'j'],
    'STL_SORT are only supported on numeric, varchar or timestamptz field',
  ],
  ['INVERTED', ['b', 'i8', 'f', 's', 'l', 'lf'], ['ts', 'geo'], 'INVERTED are not supported on'],
  ['RTREE', ['geo'], ['i8', 's', 'vec', 'j'], 'RTREE index can only be built on geometry field'],
]

t.test('8.9.9 [P1] which scalar types go with which fields', async t => {
  const { c } = await staged(t, bare(SCALARS))
  for (const [indexType, fits, others, phrase] of SCALAR_RULES) {
    for (const fieldName of fits) {
      await c.createIndex({ fieldName, indexType, params: { nlist: 10 } })
      await c.dropIndex(fieldName)
    }
    for (const fieldName of others)
      await refuses(t, () => c.createIndex({ fieldName, indexType }), 1100, phrase)
  }
  await refuses(
    t,
    () => c.createIndex({ fieldName: 'id', indexType: 'BITMAP' }),
    1100,
    'create bitmap index on primary key not supported',
  )
  await refuses(t, () => c.createIndex({ fieldName: 's', indexType: 'HYBRID' }), 1100, 'HYBRID')
})

t.test('8.9.10 [P1] altering an index', async t => {
  const made = await staged(t, withFields())
  const { c } = made
  const loaded = "can't alter index on loaded collection, please release the collection first"
  await refuses(t, () => c.alterIndex('vec', { 'mmap.enabled': true }), 1100, loaded)
  await refuses(t, () => c.dropIndexProperties('vec', ['mmap.enabled']), 1100, loaded)
  await c.release()
  await c.alterIndex('vec', { 'mmap.enabled': true })
  const param = async (c: Collection) => (await c.describe()).indexes[0]!.params['mmap.enabled']
  t.equal(await param(c), 'true')
  await made.reopen()
  t.equal(await param(made.c), 'true')
  await refuses(t, () => made.c.alterIndex('vec', { M: 16 }), 1100, 'M is not a configable index property')
  await refuses(
    t,
    () => made.c.alterIndex('vec', { 'mmap.enabled': 'maybe' }),
    1100,
    'invalid mmap.enabled value',
  )
  await refuses(t, () => made.c.alterIndex('nope', { 'mmap.enabled': true }), 700, 'index not found')
  await refuses(t, () => made.c.alterIndex('vec', {}), 1100, 'provided')
  await refuses(
    t,
    () => made.c.dropIndexProperties('vec', ['M']),
    1100,
    'M is not a configable index property',
  )
  await made.c.dropIndexProperties('vec', ['mmap.enabled'])
  t.equal(await param(made.c), undefined)
  await made.c.dropIndex('vec')
  for (const params of [{ 'mmap.enabled': 'maybe' }, { 'indexoffsetcache.enabled': 2 }]) {
    const bad = { fieldName: 'vec', indexType: 'FLAT', params }
    await refuses(t, () => made.c.createIndex(bad), 1100, `invalid ${Object.keys(params)[0]} value`)
  }
  await refuses(
    t,
    () => made.c.createIndex({ fieldName: 'id', indexType: 'STL_SORT', params: { 'mmap.enabled': 'on' } }),
    1100,
    'invalid mmap.enabled value: on',
  )
})

t.test('8.9.11 [P2] NGRAM, HYBRID, types that need a GPU', async t => {
  const { c } = await staged(t, bare(SCALARS))
  const ngram = (fieldName: string, params: Record<string, unknown>) => () =>
    c.createIndex({ fieldName, indexType: 'NGRAM', params })
  await ngram('s', { min_gram: 2, max_gram: 3 })()
  await c.dropIndex('s')
  await refuses(
    t,
    ngram('i8', { min_gram: 2, max_gram: 3 }),
    1100,
    'Ngram index can only be created on VARCHAR or JSON field',
  )
  await refuses(t, ngram('s', { min_gram: 2 }), 1100, 'Ngram index must specify both min_gram and max_gram')
  await refuses(
    t,
    ngram('s', { min_gram: 'x', max_gram: 3 }),
    1100,
    'min_gram for Ngram index must be an integer, got: x',
  )
  const wrong = 'invalid min_gram or max_gram value for Ngram index, min_gram: 3, max_gram: 2'
  await refuses(t, ngram('s', { min_gram: 3, max_gram: 2 }), 1100, wrong)
  for (const indexType of ['GPU_CAGRA', 'GPU_IVF_FLAT', 'GPU_BRUTE_FORCE']) {
    await refuses(
      t,
      () => c.createIndex({ fieldName: 'vec', indexType, metricType: 'L2' }),
      1100,
      `invalid index type: ${indexType}`,
    )
  }
})

t.test('8.9.10 [P1] several databases keep their own indexes', async t => {
  const made = await stage(t)
  await made.db.createDatabase('other')
  const one = await made.db.createCollection({ name: 'c', fields: [ID, VEC], load: false })
  const two = await made.db.createCollection(
    { name: 'c', fields: [ID, VEC], load: false },
    { database: 'other' },
  )
  await one.createIndex({ fieldName: 'vec', indexType: 'FLAT', metricType: 'L2' })
  t.strictSame((await two.describe()).indexes, [])
})
