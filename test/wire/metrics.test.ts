/** Health, figures and status over HTTP: what is counted, in which form, and who may read it. */
import t from 'tap'
import { DataType } from '../../lib/index.js'
import { startServer } from '../../lib/wire/server.js'
import { type Served, serveDirectory } from './served.js'

async function page(served: Served, path: string, authorization?: string) {
  const headers = authorization === undefined ? {} : { authorization }
  const response = await fetch(`http://${served.address}${path}`, { headers })
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  }
}

const post = async (served: Served, path: string, body: object, authorization = 'Bearer root:Milvus') => {
  const response = await fetch(`http://${served.address}/v2/vectordb/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { authorization },
  })
  return (await response.json()) as { code: number }
}

/** The figure of one line. */
function figure(text: string, line: string): number {
  const found = text.split('\n').find(one => one.startsWith(`${line} `))
  return found === undefined ? Number.NaN : Number(found.slice(line.length + 1))
}

t.test('figures in the text format of Prometheus: calls, rows, collections', async t => {
  const served = await serveDirectory(t.testdir(), { version: '1.2.3' })
  t.teardown(() => served.close())
  const books = await served.db.createCollection({
    name: 'books',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vector', dataType: DataType.FloatVector, dim: 2 },
    ],
    indexes: [{ fieldName: 'vector', indexType: 'FLAT', metricType: 'L2' }],
  })
  const data = [1, 2, 3].map(id => ({ id, vector: [id, 0] }))
  t.equal((await post(served, 'entities/insert', { collectionName: 'books', data })).code, 0)
  await post(served, 'entities/upsert', { collectionName: 'books', data: data.slice(1) })
  await post(served, 'entities/delete', { collectionName: 'books', filter: 'id == 1' })
  await post(served, 'entities/search', {
    collectionName: 'books',
    data: [
      [1, 0],
      [2, 0],
    ],
  })
  await post(served, 'entities/query', { collectionName: 'gone', filter: 'id > 0' })
  await post(served, 'collections/has', { collectionName: 'books' })
  await books.flush()

  const { status, type, text } = await page(served, '/metrics')
  t.equal(status, 200)
  t.equal(type, 'text/plain; version=0.0.4; charset=utf-8')
  const calls = (name: string, outcome: string) =>
    figure(text, `milvus_proxy_req_count{node_id="1",function_name="${name}",status="${outcome}"}`)
  t.equal(calls('Insert', 'success'), 1)
  t.equal(calls('Query', 'fail'), 1)
  t.equal(calls('Query', 'total'), 1)
  t.equal(calls('HasCollection', 'success'), 1)
  const latency = 'milvus_proxy_req_latency'
  const insert = 'node_id="1",function_name="Insert"'
  t.equal(figure(text, `${latency}_bucket{${insert},le="+Inf"}`), 1)
  t.equal(figure(text, `${latency}_bucket{${insert},le="131072"}`), 1)
  t.equal(figure(text, `${latency}_count{${insert}}`), 1)
  t.ok(figure(text, `${latency}_sum{${insert}}`) > 0)
  const labels = 'db_name="default",collection_name="books"'
  const rows = { insert: 3, upsert: 2, delete: 1, search: 2 }
  for (const [kind, count] of Object.entries(rows)) {
    t.equal(figure(text, `milvus_proxy_${kind}_vectors_count{node_id="1",${labels}}`), count, kind)
  }
  t.equal(figure(text, 'milvus_proxy_restful_api_req_count{node_id="1",path="entities/insert"}'), 1)
  t.equal(figure(text, `kestrel_collection_rows{${labels}}`), 2)
  t.equal(figure(text, 'milvus_rootcoord_collection_num{db_name="default"}'), 1)
  t.equal(figure(text, 'kestrel_build_info{version="1.2.3"}'), 1)
  t.ok(figure(text, 'process_resident_memory_bytes') > 1e6)
  t.ok(figure(text, 'kestrel_connections') >= 1)

  const families = new Set<string>()
  for (const line of text.trimEnd().split('\n')) {
    const family = /^# TYPE (\S+) (?:counter|gauge|histogram)$/.exec(line)?.[1]
    if (family !== undefined) {
      t.notOk(families.has(family), `${family} is declared once`)
      families.add(family)
    }
    if (!line.startsWith('#')) {
      const name = /^([a-zA-Z_:][\w:]*)(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)*\})? -?[\d.e+-]+$/.exec(line)?.[1]
      t.ok(
        (name !== undefined && families.has(name.replace(/_(bucket|sum|count)$/, ''))) ||
          families.has(name ?? ''),
        line,
      )
    }
  }
  await served.db.dropCollection('books')
  t.notMatch((await page(served, '/metrics')).text, 'books', 'a dropped collection leaves no line')
})

t.test('health is for everybody; figures are for those who may see all collections', async t => {
  const served = await serveDirectory(t.testdir(), { auth: true })
  t.teardown(() => served.close())
  t.strictSame(await page(served, '/healthz'), { status: 200, type: 'text/plain; charset=utf-8', text: 'OK' })
  await served.db.createUser({ username: 'watcher', password: 'secret-1' })
  const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`
  for (const path of ['/metrics', '/status']) {
    t.equal((await page(served, path)).status, 401, path)
    t.equal((await page(served, path, basic('root:wrong'))).status, 401, path)
    t.equal((await page(served, path, basic('watcher:secret-1'))).status, 403, path)
    t.equal((await page(served, path, basic('root:Milvus'))).status, 200, path)
  }
  await served.db.createRole('watch')
  await served.db.grantRole('watcher', 'watch')
  await served.db.grantPrivilegeV2({ role: 'watch', privilege: 'ClusterReadOnly' })
  const { text } = await page(served, '/metrics', basic('watcher:secret-1'))
  t.equal(figure(text, 'kestrel_logins_failed_total'), 2)
  const status = await page(served, '/status', basic('watcher:secret-1'))
  t.match(status.type, 'application/json')
  t.match(JSON.parse(status.text), {
    healthy: true,
    authentication: true,
    tls: false,
    collections: [],
    reasons: [],
  })
})

t.test('limits that were set are kept', async t => {
  const served = await serveDirectory(t.testdir(), { requestBytesMax: 2_048, nestingMax: 4 })
  t.teardown(() => served.close())
  t.equal((await post(served, 'collections/list', { a: [[['{[']]] })).code, 0)
  t.equal((await post(served, 'collections/list', { a: [[[[]]]] })).code, 1801)
  t.equal((await post(served, 'collections/list', { a: 'x'.repeat(3_000) })).code, 1801)
  await t.rejects(startServer(served.db.engine, { port: 0, nestingMax: 1_000 }), {
    code: 1100,
    message: /nestingMax/,
  })
})
