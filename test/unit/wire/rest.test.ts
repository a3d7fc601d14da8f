import { connect } from 'node:net'
import t from 'tap'
import { collectionNotFound, MilvusError } from '../../../lib/base/errors.js'
import { decode } from '../../../lib/wire/message.js'
import { CollectionSchema } from '../../../lib/wire/messages/common.js'
import { accessRoutes } from '../../../lib/wire/rest/access-routes.js'
import { collectionRoutes } from '../../../lib/wire/rest/collection-routes.js'
import { indexRoutes } from '../../../lib/wire/rest/index-routes.js'
import { nameRoutes } from '../../../lib/wire/rest/name-routes.js'
import { openRest, type RestOptions } from '../../../lib/wire/rest/rest-server.js'
import { type StubCalls, startStub, stubCalls } from './stub-server.js'

interface Answer {
  readonly status: number
  readonly body: { code?: number; message?: string; data?: unknown } & Record<string, unknown>
  readonly headers: Headers
  readonly text: string
}

async function serve(
  t: { teardown(after: () => unknown): void },
  calls: StubCalls,
  more: Partial<RestOptions> = {},
) {
  const warnings: string[] = []
  const rest = await openRest({
    calls: stubCalls(calls),
    routes: [...collectionRoutes, ...indexRoutes, ...nameRoutes, ...accessRoutes],
    authenticate: null,
    receiveBytesMax: 1 << 20,
    timeoutSeconds: 30,
    warn: message => warnings.push(message),
    ...more,
  })
  const stub = await startStub(calls, { http: rest.inject })
  t.teardown(async () => {
    await rest.stop()
    await stub.close()
  })
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
    const response = await fetch(`http://${stub.address}/v2/vectordb/${path}`, {
      method: 'POST',
      headers: { connection: 'close', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} }
  }
  return { post, stub, warnings }
}

t.test('an answer is code 0 and data; an error is HTTP 200 with code and message', async t => {
  const { post } = await serve(t, {
    ShowCollections: async (_request, context) => ({ collection_names: [`in ${context.database}`] }),
    HasCollection: async () => {
      throw collectionNotFound('default', 'c')
    },
    DropCollection: async () => ({}),
  })
  t.same((await post('collections/list', {})).body, { code: 0, data: ['in default'] })
  t.same((await post('collections/list', { dbName: 'a' }, { 'DB-Name': 'b' })).body.data, ['in a'])
  t.same((await post('collections/list', {}, { 'DB-Name': 'b' })).body.data, ['in b'])
  t.same((await post('collections/drop', { collectionName: 'c' })).body, { code: 0, data: {} })
  const failed = await post('collections/has', { collectionName: 'c' })
  t.equal(failed.status, 200)
  t.same(failed.body, { code: 100, message: "can't find collection[database=default][collection=c]" })
})

t.test('bodies are JSON whatever the label; bad ones are 1801, missing keys 1802', async t => {
  const { post } = await serve(t, {
    HasCollection: async request => ({ value: request.collection_name === 'c' }),
  })
  t.same(
    (await post('collections/has', '{"collectionName":"c"}', { 'content-type': 'text/plain' })).body.data,
    {
      has: true,
    },
  )
  t.same((await post('collections/has', '{"COLLECTIONNAME":"c"}')).body.data, { has: true }, 'any case')
  t.same((await post('collections/has', '{"collectionName":"c","collectionname":"d"}')).body.data, {
    has: true,
  })
  for (const body of ['', '   ', '[]', '5', '{', '{"collectionName":5}', '{"collectionName":["c"]}']) {
    const answer = await post('collections/has', body)
    t.equal(answer.status, 200)
    t.equal(answer.body.code, 1801, body)
    t.match(answer.body.message, /^can only accept json format request/)
  }
  for (const body of ['{}', '{"collectionName":""}']) {
    const { code, message } = (await post('collections/has', body)).body
    t.equal(code, 1802)
    t.match(message, /^missing required parameters, error: Key: 'CollectionName'/)
  }
})

t.test('unknown paths are 404, OPTIONS is 204, and every answer may be read from anywhere', async t => {
  const { post, stub } = await serve(t, {})
  const missing = await post('collections/nothing', {})
  t.equal(missing.status, 404)
  t.equal(missing.headers.get('access-control-allow-origin'), '*')
  const options = await fetch(`http://${stub.address}/v2/vectordb/collections/list`, { method: 'OPTIONS' })
  t.equal(options.status, 204)
})

t.test('time-outs are 408, in whole seconds', async t => {
  const { post } = await serve(t, { ShowCollections: () => new Promise(() => {}) })
  const late = await post('collections/list', {}, { 'request-timeout': '1' })
  t.equal(late.status, 408)
  t.same(late.body, { code: 10001, message: 'request timeout' })
  t.match((await post('collections/list', {}, { 'request-timeout': 'soon' })).body, {
    code: 1100,
    message: /^Request-Timeout parse failed, err:/,
  })
})

t.test('credentials: bearer, bare and basic; without them 401', async t => {
  const { post } = await serve(
    t,
    { ShowCollections: async (_request, context) => ({ collection_names: [context.user] }) },
    { authenticate: ({ user, password }) => user === 'root' && password === 'Milvus' },
  )
  const basic = `Basic ${Buffer.from('root:Milvus').toString('base64')}`
  for (const authorization of ['Bearer root:Milvus', 'root:Milvus', basic]) {
    t.same((await post('collections/list', {}, { authorization })).body.data, ['root'], authorization)
  }
  for (const headers of [{}, { authorization: 'Bearer root:no' }, { authorization: 'Bearer key' }]) {
    const answer = await post('collections/list', {}, headers as Record<string, string>)
    t.equal(answer.status, 401)
    t.same(answer.body, { code: 1800, message: "user hasn't authenticated" })
  }
})

t.test('a body over the limit is refused, a slip of ours is 65535 and one warning', async t => {
  const { post, warnings } = await serve(t, {
    ShowCollections: async () => {
      throw new TypeError('oops')
    },
  })
  t.equal((await post('collections/list', { x: 'y'.repeat(1 << 20) })).body.code, 1801)
  t.same((await post('collections/list', {})).body, { code: 65535, message: 'oops' })
  t.equal(warnings.length, 1)
})

t.test('quick create declares two fields, an index, and loads', async t => {
  const seen: string[] = []
  const { post } = await serve(t, {
    CreateCollection: async request => {
      const schema = decode(CollectionSchema, request.schema)
      seen.push(
        ...schema.fields.map(
          one => `${one.name}:${one.data_type}:${one.type_params.map(p => p.key + p.value)}`,
        ),
        `dynamic ${schema.enable_dynamic_field}`,
        `level ${request.consistency_level}`,
      )
      return {}
    },
    CreateIndex: async request => {
      seen.push(`${request.index_name}=${request.extra_params.map(p => p.value)}`)
      return {}
    },
    LoadCollection: async () => {
      seen.push('load')
      return {}
    },
  })
  t.same((await post('collections/create', { collectionName: 'c', dimension: 8 })).body, {
    code: 0,
    data: {},
  })
  t.same(seen, ['id:5:', 'vector:101:dim8', 'dynamic true', 'level 2', 'vector=AUTOINDEX,COSINE', 'load'])
  seen.length = 0
  await post('collections/create', {
    collectionName: 'c',
    dimension: 16,
    vectorFieldType: 'BinaryVector',
    idType: 'VarChar',
    primaryFieldName: 'key',
    consistencyLevel: 'Strong',
    params: { max_length: 12, enableDynamicField: false },
  })
  t.same(seen, [
    'key:21:max_length12',
    'vector:100:dim16',
    'dynamic false',
    'level 0',
    'vector=AUTOINDEX,HAMMING',
    'load',
  ])
  t.equal((await post('collections/create', { collectionName: 'c' })).body.code, 1802)
})

t.test('full create: fields, defaults and indexes; without indexes it is not loaded', async t => {
  const seen: string[] = []
  const { post } = await serve(t, {
    CreateCollection: async request => {
      const { fields } = decode(CollectionSchema, request.schema)
      seen.push(
        JSON.stringify(
          fields.map(one => [one.name, one.data_type, one.default_value?.long_data?.toString()]),
        ),
      )
      return {}
    },
    CreateIndex: async request => {
      seen.push(`index ${request.field_name} ${request.extra_params.map(p => `${p.key}=${p.value}`)}`)
      return {}
    },
    LoadCollection: async () => {
      throw new MilvusError('IndexNotFound', '', { fields: { collection: 'c' } })
    },
  })
  const schema = {
    fields: [
      { fieldName: 'id', dataType: 'Int64', isPrimary: true },
      { fieldName: 'n', dataType: 'Int64', defaultValue: 5 },
      { fieldName: 'v', dataType: 'FloatVector', elementTypeParams: { dim: 4 } },
    ],
  }
  t.equal((await post('collections/create', { collectionName: 'c', schema })).body.code, 0)
  t.same(seen, ['[["id",5,null],["n",5,"5"],["v",101,null]]'])
  const indexParams = [{ fieldName: 'v', metricType: 'L2', params: { index_type: 'HNSW', M: 8 } }]
  t.match((await post('collections/create', { collectionName: 'c', schema, indexParams })).body, {
    code: 700,
  })
  t.equal(seen.at(-1), 'index v index_type=HNSW,metric_type=L2,M=8')
  const wrong = { fields: [{ fieldName: 'id', dataType: 'int64' }] }
  t.match((await post('collections/create', { collectionName: 'c', schema: wrong })).body, {
    code: 1100,
    message: /data type int64 is invalid\(case sensitive\)/,
  })
})

t.test('describe puts description, indexes and load state together', async t => {
  const { post } = await serve(t, {
    DescribeCollection: async () => ({
      collection_name: 'c',
      collectionID: 9,
      schema: {
        fields: [
          { name: 'id', fieldID: 100, data_type: 5, is_primary_key: true },
          { name: 'v', fieldID: 101, data_type: 101, type_params: [{ key: 'dim', value: '4' }] },
        ],
      },
      consistency_level: 2,
      num_partitions: 1,
      shards_num: 1,
    }),
    DescribeIndex: async () => ({
      index_descriptions: [
        { index_name: 'v', field_name: 'v', params: [{ key: 'metric_type', value: 'L2' }] },
      ],
    }),
    GetLoadState: async () => ({ state: 3 }),
  })
  t.match((await post('collections/describe', { collectionName: 'c' })).body, {
    code: 0,
    data: {
      collectionName: 'c',
      collectionID: 9,
      load: 'LoadStateLoaded',
      consistencyLevel: 'Bounded',
      indexes: [{ indexName: 'v', fieldName: 'v', metricType: 'L2' }],
      fields: [
        { name: 'id', id: 100, type: 'Int64', primaryKey: true, autoId: false },
        { name: 'v', type: 'FloatVector', params: [{ key: 'dim', value: '4' }] },
      ],
    },
  })
})

t.test('passwords travel as base64 in the calls', async t => {
  let password = ''
  const { post } = await serve(t, {
    CreateCredential: async request => {
      password = request.password
      return {}
    },
  })
  t.equal((await post('users/create', { userName: 'u', password: 'secret' })).body.code, 0)
  t.equal(Buffer.from(password, 'base64').toString(), 'secret')
})

t.test('two requests on one connection are both answered', async t => {
  const { stub } = await serve(t, { ShowCollections: async () => ({ collection_names: ['c'] }) })
  const socket = connect(stub.port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const request = 'POST /v2/vectordb/collections/list HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}'
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  socket.write(request + request)
  while ((text.match(/"data":\["c"\]/g) ?? []).length < 2) await new Promise(resolve => setImmediate(resolve))
  t.pass('both')
})
