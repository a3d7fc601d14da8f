/** The page's cURL examples with fetch, and the other endpoints about entities: bodies in, exact bodies out. */
import { connect } from 'node:net'
import t from 'tap'
import { FIRST, IN_PARTITION, MERGE, serveDirectory } from './served.js'

type Json = { code: number; message?: string; data?: unknown; topks?: number[]; cost?: number }
type Post = (path: string, body: unknown, headers?: Record<string, string>) => Promise<Json>

function poster(address: string): Post {
  return async (path, body, headers = {}) => {
    const response = await fetch(`http://${address}/v2/vectordb/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer root:Milvus', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return (await response.json()) as Json
  }
}

const collectionName = 'my_collection'

async function createPage(post: Post): Promise<Json> {
  return post('collections/create', {
    collectionName,
    schema: {
      enableDynamicField: true,
      fields: [
        { fieldName: 'id', dataType: 'Int64', isPrimary: true },
        { fieldName: 'vector', dataType: 'FloatVector', elementTypeParams: { dim: 5 } },
        { fieldName: 'title', dataType: 'VarChar', elementTypeParams: { max_length: 128 } },
        { fieldName: 'issue', dataType: 'VarChar', elementTypeParams: { max_length: 32 } },
      ],
    },
    indexParams: [{ fieldName: 'vector', indexName: 'vector', metricType: 'COSINE' }],
  })
}

const float32 = (vector: readonly number[]): number[] => vector.map(Math.fround)

t.test('the page: upsert, upsert into a partition, merge', async t => {
  const served = await serveDirectory(t.testdir())
  const post = poster(served.address)
  t.strictSame(await createPage(post), { code: 0, data: {} })
  t.strictSame(await post('entities/upsert', { data: FIRST, collectionName }), {
    code: 0,
    cost: 0,
    data: { upsertCount: 3, upsertIds: [0, 1, 2] },
  })
  await post('partitions/create', { collectionName, partitionName: 'partitionA' })
  t.strictSame(
    await post('entities/upsert', { data: IN_PARTITION, collectionName, partitionName: 'partitionA' }),
    { code: 0, cost: 0, data: { upsertCount: 3, upsertIds: [10, 11, 12] } },
  )
  t.strictSame(await post('entities/upsert', { data: MERGE, collectionName, partialUpdate: true }), {
    code: 0,
    cost: 0,
    data: { upsertCount: 2, upsertIds: [1, 2] },
  })
  const found = await post('entities/query', {
    collectionName,
    filter: 'id in [0, 1, 2]',
    outputFields: ['title', 'issue'],
  })
  t.strictSame(found.data, [
    { id: 0, title: FIRST[0]!.title, issue: 'vol.12' },
    { id: 1, title: 'Hollow Man', issue: 'vol.14' },
    { id: 2, title: 'Treasure Hunt in Missouri', issue: 'vol.7' },
  ])
  const partition = await post('entities/query', {
    collectionName,
    filter: '',
    partitionNames: ['partitionA'],
    outputFields: ['vector'],
  })
  t.strictSame(
    (partition.data as { id: number; vector: number[] }[]).map(row => ({
      id: row.id,
      vector: float32(row.vector),
    })),
    IN_PARTITION.map(row => ({ id: row.id, vector: float32(row.vector) })),
  )
  await served.close()
  t.strictSame(served.warnings, [])
})

t.test('insert, get, query, search, hybrid_search, delete', async t => {
  const served = await serveDirectory(t.testdir())
  const post = poster(served.address)
  await createPage(post)
  const data = FIRST.map((row, i) => ({ ...row, id: String(row.id), shelf: i, gone: null }))
  t.strictSame(await post('entities/insert', { collectionName, data }), {
    code: 0,
    cost: 0,
    data: { insertCount: 3, insertIds: [0, 1, 2] },
  })
  const whole = await post('entities/get', { collectionName, id: 2 })
  t.strictSame(whole.data, [{ ...FIRST[2], vector: (whole.data as typeof FIRST)[0]!.vector, shelf: 2 }])
  t.strictSame(float32((whole.data as typeof FIRST)[0]!.vector), float32(FIRST[2]!.vector))
  t.equal((await post('entities/get', { collectionName, id: 1.5 })).code, 1806)
  const several = await post('entities/get', { collectionName, id: [2, 0, 2, 9, 1], outputFields: ['id'] })
  t.strictSame(
    several.data,
    [{ id: 0 }, { id: 1 }, { id: 2 }],
    'by primary key, each once, whatever was asked for',
  )

  t.strictSame(await post('entities/query', { collectionName, outputFields: ['count(*)'] }), {
    code: 0,
    cost: 0,
    data: [{ 'count(*)': 3 }],
  })
  const found = await post('entities/search', {
    collectionName,
    data: [FIRST[1]!.vector, FIRST[2]!.vector],
    annsField: 'vector',
    limit: 1,
    outputFields: ['title'],
  })
  t.strictSame(found.topks, [1, 1])
  const hits = found.data as { id: number; title: string; distance: number }[]
  t.strictSame(
    hits.map(hit => [hit.id, hit.title]),
    [
      [1, 'Hollow Man'],
      [2, 'Treasure Hunt in Missouri'],
    ],
  )
  t.ok(hits.every(hit => Math.abs(hit.distance - 1) < 1e-5))
  t.strictSame(
    await post('entities/search', { collectionName, data: [FIRST[1]!.vector], filter: 'id > 9' }),
    {
      code: 0,
      cost: 0,
      data: [],
    },
  )
  const listed = { collectionName, data: [FIRST[0]!.vector], limit: 3, searchParams: { params: [1] } }
  t.match(await post('entities/search', listed), {
    code: 1100,
    message: 'search params should be an object, got array: invalid parameter',
  })
  const hybrid = await post('entities/hybrid_search', {
    collectionName,
    search: [
      { data: [FIRST[0]!.vector], annsField: 'vector', limit: 3 },
      { data: [FIRST[1]!.vector], annsField: 'vector', limit: 3 },
    ],
    rerank: { strategy: 'rrf', params: { k: 60 } },
    limit: 2,
  })
  t.equal(hybrid.code, 0, hybrid.message ?? '')
  t.equal((hybrid.data as unknown[]).length, 2)

  t.strictSame(
    await post('entities/delete', { collectionName, filter: 'id in {ids}', exprParams: { ids: [0, 1] } }),
    { code: 0, data: { deleteCount: 2 } },
  )
  t.strictSame((await post('entities/query', { collectionName, outputFields: ['count(*)'] })).data, [
    { 'count(*)': 1 },
  ])
  await served.close()
  t.strictSame(served.warnings, [])
})

t.test('Int64 values beyond 2^53 are exact, as numbers or as text', async t => {
  const served = await serveDirectory(t.testdir())
  const post = poster(served.address)
  await post('collections/create', { collectionName, dimension: 2 })
  const big = '9007199254740993'
  const row = `{"id": ${big}, "vector": [1, 0]}`
  const asText = { 'accept-type-allow-int64': 'false' }
  t.strictSame(
    (await post('entities/insert', `{"collectionName":"${collectionName}","data":[${row}]}`, asText)).data,
    { insertCount: 1, insertIds: [big] },
  )
  t.strictSame(
    (
      await post(
        'entities/get',
        `{"collectionName":"${collectionName}","id":${big},"outputFields":["id"]}`,
        asText,
      )
    ).data,
    [{ id: big }],
  )
  t.strictSame((await post('entities/query', { collectionName, outputFields: ['count(*)'] }, asText)).data, [
    { 'count(*)': '1' },
  ])
  const raw = await fetch(`http://${served.address}/v2/vectordb/entities/query`, {
    method: 'POST',
    body: JSON.stringify({ collectionName, filter: `id == ${big}`, outputFields: ['id'] }),
  })
  t.equal(await raw.text(), `{"code":0,"cost":0,"data":[{"id":${big}}]}`)
  await served.close()
})

t.test('every type, in and out', async t => {
  const served = await serveDirectory(t.testdir())
  const post = poster(served.address)
  const field = (fieldName: string, dataType: string, more: object = {}) => ({ fieldName, dataType, ...more })
  const created = await post('collections/create', {
    collectionName,
    schema: {
      fields: [
        field('id', 'Int64', { isPrimary: true }),
        field('yes', 'Bool', { nullable: true }),
        field('small', 'Int8', { nullable: true }),
        field('real', 'Float', { nullable: true }),
        field('doc', 'JSON', { nullable: true }),
        field('tags', 'Array', {
          elementDataType: 'VarChar',
          elementTypeParams: { max_length: 10, max_capacity: 4 },
          nullable: true,
        }),
        field('longs', 'Array', {
          elementDataType: 'Int64',
          elementTypeParams: { max_capacity: 4 },
          nullable: true,
        }),
        field('vector', 'FloatVector', { elementTypeParams: { dim: 2 } }),
        field('bits', 'BinaryVector', { elementTypeParams: { dim: 8 } }),
        field('half', 'Float16Vector', { elementTypeParams: { dim: 2 } }),
        field('terms', 'SparseFloatVector'),
      ],
    },
    indexParams: [
      { fieldName: 'vector', metricType: 'L2' },
      { fieldName: 'bits', metricType: 'HAMMING' },
      { fieldName: 'half', metricType: 'L2' },
      { fieldName: 'terms', metricType: 'IP' },
    ],
  })
  t.equal(created.code, 0, created.message ?? '')
  const vectors = { vector: [0.1, 0.2], bits: 'pQ==', half: [1, -2], terms: { 3: 0.5, 7: 1 } }
  const full = {
    id: 1,
    yes: true,
    small: '7',
    real: 0.1,
    doc: { a: [1] },
    tags: ['x', 'y'],
    longs: [1, 2],
    ...vectors,
  }
  const inserted = await post('entities/insert', { collectionName, data: [full, { id: 2, ...vectors }] })
  t.equal(inserted.code, 0, inserted.message ?? '')
  const shown = { vector: [0.1, 0.2], bits: 'pQ==', half: 'ADwAwA==', terms: { 3: 0.5, 7: 1 } }
  const nulls = { yes: null, small: null, real: null, doc: null, tags: null, longs: null }
  t.strictSame((await post('entities/query', { collectionName })).data, [
    {
      id: 1,
      yes: true,
      small: 7,
      real: 0.1,
      doc: '{"a":[1]}',
      tags: { Data: { StringData: { data: ['x', 'y'] } } },
      longs: { Data: { LongData: { data: [1, 2] } } },
      ...shown,
    },
    { id: 2, ...nulls, ...shown },
  ])
  for (const [annsField, vector] of Object.entries(vectors)) {
    const found = await post('entities/search', { collectionName, annsField, data: [vector], limit: 2 })
    t.equal(found.code, 0, `${annsField}: ${found.message ?? ''}`)
    t.equal((found.data as unknown[]).length, 2, annsField)
  }
  await served.close()
})

t.test('VarChar keys may be written as numbers', async t => {
  const served = await serveDirectory(t.testdir())
  const post = poster(served.address)
  const quick = { collectionName, dimension: 2, idType: 'VarChar', params: { max_length: 8 } }
  t.equal((await post('collections/create', quick)).code, 0)
  t.strictSame((await post('entities/upsert', { collectionName, data: [{ id: 7, vector: [1, 0] }] })).data, {
    upsertCount: 1,
    upsertIds: ['7'],
  })
  t.strictSame((await post('entities/get', { collectionName, id: [7], outputFields: ['id'] })).data, [
    { id: '7' },
  ])
  await served.close()
})

t.test('what is wrong has a code and nothing is written', async t => {
  const served = await serveDirectory(t.testdir())
  const post = poster(served.address)
  await post('collections/create', { collectionName, dimension: 2, params: { enableDynamicField: false } })
  const insert = (data: unknown) => post('entities/insert', { collectionName, data })
  t.equal((await insert({ id: 1, vector: [1, 0] })).code, 1801, 'a lone object')
  t.match(await insert([{ id: 1, vector: [1, 0], more: 1 }]), { code: 1804, message: /has pass more field/ })
  t.match(await insert([{ id: 1, vector: [1] }]), { code: 1804, message: /fail to deal the insert data/ })
  t.match(await insert([{ id: 1 }]), { code: 1804 })
  t.equal((await post('entities/insert', { collectionName: 'nobody', data: [{ id: 1 }] })).code, 100)
  t.equal((await post('entities/query', { collectionName, consistencyLevel: 'Sometimes' })).code, 1100)
  for (const consistencyLevel of ['Strong', 'Session', 'Bounded', 'Eventually', 'Customized']) {
    t.strictSame(
      (await post('entities/query', { collectionName, consistencyLevel })).data,
      [],
      consistencyLevel,
    )
  }
  t.match(await post('common/run_analyzer', { text: ['a'] }), { code: 3000 }, 'what there is not is refused')
  await served.close()
  t.strictSame(served.warnings, [])
})

t.test('the endpoints about collections, indexes, partitions, aliases and databases', async t => {
  const served = await serveDirectory(t.testdir())
  const post = poster(served.address)
  const ask = async (path: string, body: object = {}) => (await post(path, { collectionName, ...body })).data
  await createPage(post)
  await ask('entities/insert', { data: FIRST })
  t.strictSame(await ask('collections/list'), [collectionName])
  t.strictSame(await ask('collections/has'), { has: true })
  t.match(await ask('collections/describe'), {
    collectionName,
    load: 'LoadStateLoaded',
    enableDynamicField: true,
    indexes: [{ fieldName: 'vector', indexName: 'vector', metricType: 'COSINE' }],
  })
  t.strictSame(await ask('collections/get_load_state'), { loadState: 'LoadStateLoaded', loadProgress: 100 })
  t.strictSame(await ask('collections/flush'), {})
  t.strictSame(await ask('collections/get_stats'), { rowCount: 3 })
  t.strictSame(await ask('indexes/list'), ['vector'])
  t.match(await ask('indexes/describe', { indexName: 'vector' }), [{ indexState: 'Finished', totalRows: 3 }])
  t.strictSame(await ask('partitions/create', { partitionName: 'p' }), {})
  t.strictSame(await ask('partitions/list'), ['_default', 'p'])
  t.strictSame(await ask('aliases/create', { aliasName: 'second' }), {})
  t.strictSame(await ask('aliases/describe', { aliasName: 'second' }), {
    dbName: 'default',
    collectionName,
    aliasName: 'second',
  })
  t.strictSame(await ask('databases/create', { dbName: 'other' }), {})
  t.strictSame(await ask('databases/list'), ['default', 'other'])
  t.strictSame(await ask('collections/list', { dbName: 'other' }), [])
  t.match(await ask('collections/compact'), { compactionID: Number })
  t.strictSame(await ask('collections/release'), {})
  t.strictSame(await ask('collections/get_load_state'), { loadState: 'LoadStateNotLoad' })
  t.match(await post('entities/query', { collectionName, filter: 'id > 0' }), { code: 101 })
  await ask('aliases/drop', { aliasName: 'second' })
  t.strictSame(await ask('collections/drop'), {})
  t.strictSame(await ask('collections/has'), { has: false })
  await served.close()
  t.strictSame(served.warnings, [])
})

t.test('a connection that never finishes its request does not keep the server from stopping', async t => {
  const served = await serveDirectory(t.testdir(), { graceMs: 100 })
  const socket = connect(served.server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  const ended = new Promise(resolve => socket.once('close', resolve))
  await new Promise<void>(resolve => socket.once('connect', resolve))
  socket.write('POST /v2/vectordb/collections/list HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{')
  await (
    await fetch(`http://${served.address}/v2/vectordb/collections/list`, { method: 'POST', body: '{}' })
  ).text()
  await served.close()
  await ended
  t.pass('both are closed')
})
