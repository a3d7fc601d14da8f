/**
 * The published page "Upsert Entities" through Milvus's own Node SDK, and the calls around it: what a program that was
 * written for Milvus does, against this server.
 */
import { DataType, MetricType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import t from 'tap'
import { FIRST, IN_PARTITION, MERGE, type Served, serveDirectory } from './served.js'

const NAME = 'my_collection'

async function connect(served: Served): Promise<MilvusClient> {
  const client = new MilvusClient({ address: served.address, timeout: 10_000 })
  await client.connectPromise
  return client
}

async function createPage(client: MilvusClient): Promise<void> {
  const created = await client.createCollection({
    collection_name: NAME,
    fields: [
      { name: 'id', data_type: DataType.Int64, is_primary_key: true },
      { name: 'vector', data_type: DataType.FloatVector, dim: 5 },
      { name: 'title', data_type: DataType.VarChar, max_length: 128 },
      { name: 'issue', data_type: DataType.VarChar, max_length: 32 },
    ],
    enable_dynamic_field: true,
  })
  if (created.error_code !== 'Success') throw new Error(created.reason)
  await client.createIndex({
    collection_name: NAME,
    field_name: 'vector',
    index_type: 'AUTOINDEX',
    metric_type: MetricType.COSINE,
  })
  await client.loadCollectionSync({ collection_name: NAME })
}

async function rowsOf(client: MilvusClient, expr: string, partition_names: string[] = []) {
  const found = await client.query({
    collection_name: NAME,
    expr,
    output_fields: ['id', 'title', 'issue', 'vector'],
    partition_names,
  })
  return found.data
}

/** A row as the SDK returns it: keys as text, vectors as float32. */
const read = (rows: readonly { id: number; vector: number[] }[]) =>
  rows.map(row => ({ ...row, id: String(row.id), vector: row.vector.map(Math.fround) }))

t.test('the page: upsert, upsert into a partition, merge; a restart in the middle keeps it all', async t => {
  const directory = t.testdir()
  let served = await serveDirectory(directory)
  let client = await connect(served)
  await createPage(client)

  const first = await client.upsert({ collection_name: NAME, data: FIRST })
  t.equal(first.status.error_code, 'Success')
  t.equal(first.upsert_cnt, '3')
  t.strictSame(first.succ_index, [0, 1, 2])
  t.strictSame((first.IDs as unknown as { int_id: { data: string[] } }).int_id.data, ['0', '1', '2'])
  t.strictSame(await rowsOf(client, 'id in [0,1,2]'), read(FIRST))

  await client.createPartition({ collection_name: NAME, partition_name: 'partitionA' })
  const second = await client.upsert({
    collection_name: NAME,
    data: IN_PARTITION,
    partition_name: 'partitionA',
  })
  t.equal(second.upsert_cnt, '3')

  await client.closeConnection()
  await served.close()
  served = await serveDirectory(directory)
  client = await connect(served)
  t.strictSame(await rowsOf(client, 'id >= 0', ['partitionA']), read(IN_PARTITION), 'after the restart')

  const merged = await client.upsert({ collection_name: NAME, data: MERGE, partial_update: true })
  t.equal(merged.upsert_cnt, '2')
  const expected = FIRST.map(row => ({ ...row, issue: MERGE.find(m => m.id === row.id)?.issue ?? row.issue }))
  t.strictSame(await rowsOf(client, 'id in [0,1,2]'), read(expected))

  await client.closeConnection()
  await served.close()
  t.strictSame(served.warnings, [])
})

t.test('search, count, delete, flush and what describes a collection', async t => {
  const served = await serveDirectory(t.testdir())
  const client = await connect(served)
  await createPage(client)
  await client.insert({ collection_name: NAME, data: FIRST.map((row, i) => ({ ...row, shelf: i })) })

  const near = await client.search({
    collection_name: NAME,
    data: FIRST[1]!.vector,
    limit: 2,
    output_fields: ['title', 'shelf'],
  })
  t.equal(near.status.error_code, 'Success', near.status.reason)
  t.equal(near.results.length, 2)
  t.equal(near.results[0]!['title'], 'Hollow Man')
  t.equal(near.results[0]!['shelf'], 1)
  t.ok(Math.abs(near.results[0]!.score - 1) < 1e-5)

  const hybrid = await client.hybridSearch({
    collection_name: NAME,
    data: [
      { anns_field: 'vector', data: FIRST[0]!.vector },
      { anns_field: 'vector', data: FIRST[2]!.vector },
    ],
    limit: 3,
    output_fields: ['id'],
  } as unknown as Parameters<typeof client.hybridSearch>[0])
  t.equal(hybrid.status.error_code, 'Success', hybrid.status.reason)
  t.equal(hybrid.results.length, 3)

  const nothing = await client.search({
    collection_name: NAME,
    data: FIRST[1]!.vector,
    limit: 2,
    filter: 'id > 100',
    output_fields: ['*'],
  })
  t.strictSame(nothing.results, [])

  const whole = await client.query({ collection_name: NAME, expr: 'shelf == 2', output_fields: ['*'] })
  t.strictSame(
    whole.data,
    [{ ...read(FIRST)[2]!, $meta: { shelf: 2 } }],
    'the SDK shows dynamic keys as $meta',
  )
  const got = await client.get({ collection_name: NAME, ids: [2], output_fields: ['shelf'] })
  t.strictSame(got.data, [{ id: '2', $meta: { shelf: 2 } }])
  t.equal((await client.count({ collection_name: NAME })).data, 3)

  const deleted = await client.delete({ collection_name: NAME, filter: 'id in [0]' })
  t.equal(deleted.delete_cnt, '1')
  t.equal((await client.count({ collection_name: NAME })).data, 2)
  t.equal((await client.flushSync({ collection_names: [NAME] })).flushed, true)
  t.equal((await client.getCollectionStatistics({ collection_name: NAME })).data.row_count, '2')

  const about = await client.describeCollection({ collection_name: NAME })
  t.strictSame(
    about.schema.fields.map(field => field.name),
    ['id', 'vector', 'title', 'issue'],
  )
  t.equal(about.schema.enable_dynamic_field, true)
  t.equal((await client.hasCollection({ collection_name: 'nobody' })).value, false)
  t.strictSame(
    (await client.listCollections()).data.map(one => one.name),
    [NAME],
  )
  const index = await client.describeIndex({ collection_name: NAME })
  t.equal(index.index_descriptions[0]!.state, 'Finished')
  const missing = await client.query({ collection_name: 'nobody', expr: 'id > 0' }).catch(error => error)
  t.match(String(missing.reason ?? missing.status?.reason ?? missing), /nobody/)
  await client.dropCollection({ collection_name: NAME })
  t.equal((await client.hasCollection({ collection_name: NAME })).value, false)
  await client.closeConnection()
  await served.close()
  t.strictSame(served.warnings, [])
})

t.test('iterators page through everything once', async t => {
  const served = await serveDirectory(t.testdir())
  const client = await connect(served)
  await createPage(client)
  const data = Array.from({ length: 40 }, (_, id) => ({
    id,
    vector: [Math.sin(id), Math.cos(id), id / 40, 1, -id / 7],
    title: `t${id}`,
    issue: '',
  }))
  await client.insert({ collection_name: NAME, data })
  const seen: number[] = []
  const query = await client.queryIterator({
    collection_name: NAME,
    batchSize: 7,
    expr: 'id >= 0',
    limit: -1,
  })
  for await (const page of query) for (const row of page) seen.push(Number(row['id']))
  t.strictSame(
    seen,
    data.map(row => row.id),
  )
  const found = new Set<number>()
  const search = await client.searchIterator({
    collection_name: NAME,
    data: [1, 0, 0, 0, 0],
    batchSize: 7,
    limit: 40,
    output_fields: ['id'],
  })
  for await (const page of search) for (const hit of page) found.add(Number(hit.id))
  t.equal(found.size, 40)
  await client.closeConnection()
  await served.close()
  t.strictSame(served.warnings, [])
})
