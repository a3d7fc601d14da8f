/** The other calls a Milvus program makes through the Node SDK: every type, names, properties, errors, and refusals. */
import { type ConsistencyLevelEnum, DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import t from 'tap'
import { type Served, serveDirectory } from './served.js'

const NAME = 'calls'

async function connect(served: Served, more: object = {}): Promise<MilvusClient> {
  const client = new MilvusClient({ address: served.address, timeout: 10_000, ...more })
  await client.connectPromise
  return client
}

/** A served database with one loaded collection: id, vector, nullable note. */
async function prepared(directory: string): Promise<{ served: Served; client: MilvusClient }> {
  const served = await serveDirectory(directory)
  const client = await connect(served)
  await client.createCollection({
    collection_name: NAME,
    fields: [
      { name: 'id', data_type: DataType.Int64, is_primary_key: true },
      { name: 'vector', data_type: DataType.FloatVector, dim: 2 },
      { name: 'note', data_type: DataType.VarChar, max_length: 16, nullable: true },
    ],
  })
  await client.createIndex({
    collection_name: NAME,
    field_name: 'vector',
    index_name: 'by_vector',
    index_type: 'HNSW',
    metric_type: 'L2',
    params: { M: 8, efConstruction: 64 },
  })
  await client.loadCollectionSync({ collection_name: NAME })
  return { served, client }
}

async function finish(served: Served, client: MilvusClient): Promise<void> {
  await client.closeConnection()
  await served.close()
}

t.test('every type goes in and comes out', async t => {
  const served = await serveDirectory(t.testdir())
  const client = await connect(served)
  const nullable = true
  const created = await client.createCollection({
    collection_name: NAME,
    fields: [
      { name: 'id', data_type: DataType.VarChar, max_length: 8, is_primary_key: true },
      { name: 'yes', data_type: DataType.Bool, nullable },
      { name: 'tiny', data_type: DataType.Int8, nullable },
      { name: 'big', data_type: DataType.Int64, nullable },
      { name: 'real', data_type: DataType.Float, nullable },
      { name: 'double', data_type: DataType.Double, default_value: 2.5 },
      { name: 'doc', data_type: DataType.JSON, nullable },
      {
        name: 'tags',
        data_type: DataType.Array,
        element_type: DataType.VarChar,
        max_length: 8,
        max_capacity: 4,
        nullable,
      },
      { name: 'vector', data_type: DataType.FloatVector, dim: 2 },
      { name: 'bits', data_type: DataType.BinaryVector, dim: 16 },
      { name: 'half', data_type: DataType.Float16Vector, dim: 2 },
      { name: 'terms', data_type: DataType.SparseFloatVector },
    ],
    index_params: [
      { field_name: 'vector', index_type: 'AUTOINDEX', metric_type: 'L2' },
      { field_name: 'bits', index_type: 'BIN_FLAT', metric_type: 'HAMMING' },
      { field_name: 'half', index_type: 'AUTOINDEX', metric_type: 'L2' },
      { field_name: 'terms', index_type: 'SPARSE_INVERTED_INDEX', metric_type: 'IP' },
    ],
  } as unknown as Parameters<typeof client.createCollection>[0])
  t.equal(created.error_code, 'Success', created.reason)
  await client.loadCollectionSync({ collection_name: NAME })
  const vectors = { vector: [0.5, 2], bits: [165, 3], half: [1, -2], terms: { '3': 0.5, '70000': 1 } }
  const full = {
    id: 'a',
    yes: true,
    tiny: -7,
    big: '9007199254740993',
    real: 0.5,
    double: 1.25,
    doc: { a: [1, null, 'ü'] },
    tags: ['x', ''],
    ...vectors,
  }
  const inserted = await client.insert({
    collection_name: NAME,
    data: [full, { id: 'b', ...vectors }] as unknown as Parameters<typeof client.insert>[0]['data'] &
      object[],
  } as Parameters<typeof client.insert>[0])
  t.equal(inserted.status.error_code, 'Success', inserted.status.reason)
  const nulls = { yes: null, tiny: null, big: null, real: null, double: 2.5, doc: null, tags: null }
  const all = await client.query({ collection_name: NAME, expr: 'id != ""', output_fields: ['*'] })
  t.strictSame(all.data, [full, { id: 'b', ...nulls, ...vectors }])
  for (const [anns_field, data] of Object.entries(vectors)) {
    const found = await client.search({
      collection_name: NAME,
      anns_field,
      data,
      limit: 2,
      output_fields: ['*'],
    } as unknown as Parameters<typeof client.search>[0])
    t.equal(found.status.error_code, 'Success', `${anns_field}: ${found.status.reason}`)
    t.equal(found.results.length, 2, anns_field)
  }
  const none = await client.query({ collection_name: NAME, expr: 'id == "z"', output_fields: ['*'] })
  t.strictSame(none.data, [])
  await finish(served, client)
  t.strictSame(served.warnings, [])
})

t.test('partitions, aliases, databases, properties, fields', async t => {
  const { served, client } = await prepared(t.testdir())
  const collection_name = NAME
  const ok = (
    answer: { error_code?: unknown; reason?: string; status?: { error_code?: unknown; reason: string } },
    what: string,
  ) => {
    const status = answer.status ?? answer
    t.equal(status.error_code, 'Success', `${what} ${status.reason ?? ''}`)
  }
  ok(await client.createPartition({ collection_name, partition_name: 'p1' }), 'createPartition')
  t.equal((await client.hasPartition({ collection_name, partition_name: 'p1' })).value, true)
  const partitions = await client.showPartitions({ collection_name })
  t.strictSame(
    partitions.data.map(one => one.name),
    ['_default', 'p1'],
  )
  await client.insert({ collection_name, partition_name: 'p1', data: [{ id: 1, vector: [1, 0] }] })
  const stats = await client.getPartitionStatistics({ collection_name, partition_name: 'p1' })
  t.equal(stats.data['row_count'], '1')
  ok(await client.releasePartitions({ collection_name, partition_names: ['p1'] }), 'releasePartitions')
  ok(await client.dropPartition({ collection_name, partition_name: 'p1' }), 'dropPartition')

  ok(await client.createAlias({ collection_name, alias: 'second' }), 'createAlias')
  t.strictSame((await client.listAliases({ collection_name })).aliases, ['second'])
  t.equal((await client.describeAlias({ collection_name, alias: 'second' })).collection, NAME)
  t.equal((await client.describeCollection({ collection_name: 'second' })).collection_name, NAME)
  ok(await client.dropAlias({ alias: 'second' }), 'dropAlias')

  ok(await client.createDatabase({ db_name: 'other' }), 'createDatabase')
  t.strictSame((await client.listDatabases()).db_names, ['default', 'other'])
  const elsewhere = await connect(served, { database: 'other' })
  t.strictSame((await elsewhere.listCollections()).data, [])
  await elsewhere.closeConnection()
  ok(await client.dropDatabase({ db_name: 'other' }), 'dropDatabase')

  const before = await client.describeCollection({ collection_name })
  ok(
    await client.alterCollectionProperties({
      collection_name,
      properties: { 'collection.ttl.seconds': 3600 },
    }),
    'alterCollectionProperties',
  )
  const after = await client.describeCollection({ collection_name })
  t.ok(after.properties.some(one => one.key === 'collection.ttl.seconds' && one.value === '3600'))
  t.ok(BigInt(after.update_timestamp_str) > BigInt(before.update_timestamp_str), 'schema caches notice')
  ok(
    await client.addCollectionField({
      collection_name,
      field: { name: 'age', data_type: DataType.Int32, nullable: true },
    }),
    'addCollectionField',
  )
  ok(
    await client.upsert({ collection_name, data: [{ id: 5, vector: [0, 1], age: 7 }] }),
    'upsert with the new field',
  )
  const found = await client.query({ collection_name, expr: 'age == 7', output_fields: ['age', 'note'] })
  t.strictSame(found.data, [{ id: '5', age: 7, note: null }])
  ok(await client.renameCollection({ collection_name, new_collection_name: 'renamed' }), 'renameCollection')
  t.equal((await client.hasCollection({ collection_name })).value, false)
  ok(await client.truncateCollection({ collection_name: 'renamed' }), 'truncateCollection')
  t.equal((await client.count({ collection_name: 'renamed' })).data, 0)
  await finish(served, client)
  t.strictSame(served.warnings, [])
})

t.test('indexes, load state, compaction, segments, health', async t => {
  const { served, client } = await prepared(t.testdir())
  const collection_name = NAME
  t.strictSame((await client.listIndexes({ collection_name })).indexes, ['by_vector'])
  t.equal((await client.getIndexState({ collection_name, field_name: 'vector' })).state, 'Finished')
  t.equal((await client.getLoadState({ collection_name })).state, 'LoadStateLoaded')
  t.equal((await client.getLoadState({ collection_name: 'nobody' })).state, 'LoadStateNotExist')
  await client.insert({ collection_name, data: [{ id: 1, vector: [1, 0] }] })
  await client.flushSync({ collection_names: [collection_name] })
  const segments = await client.getPersistentSegmentInfo({ collectionName: collection_name } as never)
  t.equal(segments.infos.length, 1)
  const { compactionID } = await client.compact({ collection_name })
  for (let i = 0; ; i++) {
    const { state } = await client.getCompactionState({ compactionID })
    if (String(state) === 'Completed') break
    if (i > 200) throw new Error(`compaction is ${state}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  t.equal((await client.checkHealth()).isHealthy, true)
  t.match((await client.getVersion()).version, /^v\d/)
  t.strictSame((await client.getMetric({ request: { metric_type: 'system_info' } })).response, {
    nodes_info: [],
  })
  await client.releaseCollection({ collection_name })
  t.equal((await client.getLoadState({ collection_name })).state, 'LoadStateNotLoad')
  t.equal((await client.dropIndex({ collection_name, index_name: 'by_vector' })).error_code, 'Success')
  t.equal((await client.describeIndex({ collection_name })).status.error_code, 'IndexNotExist')
  await finish(served, client)
  t.strictSame(served.warnings, [])
})

t.test('errors carry both codes; what there is not is refused by name', async t => {
  const { served, client } = await prepared(t.testdir())
  const missing = await client.describeCollection({ collection_name: 'nobody' })
  t.equal(missing.status.code, 100)
  const bad = await client.query({ collection_name: NAME, expr: 'id ===', output_fields: ['id'] })
  t.match(bad.status, { error_code: 'IllegalArgument', code: 1100 })
  const nullRefused = await client
    .insert({ collection_name: NAME, data: [{ id: 1, vector: [1, 2, 3] }] })
    .catch(e => e)
  t.match(String(nullRefused.message ?? nullRefused.status?.reason), /dim/i)
  t.match(await client.dropRole({ roleName: 'nobody' }), { code: 65535, error_code: 'DropRoleFailure' })
  for (const level of [0, 1, 2, 3, 4] as ConsistencyLevelEnum[]) {
    const found = await client.search({
      collection_name: NAME,
      data: [1, 0],
      limit: 1,
      consistency_level: level,
      guarantee_timestamp: '9000000000000000000',
    } as unknown as Parameters<typeof client.search>[0])
    t.equal(found.status.error_code, 'Success', `${level}: ${found.status.reason}`)
  }
  await finish(served, client)
  t.strictSame(served.warnings, [])
})

t.test('several collections are described at once, and one that is missing spoils nothing', async t => {
  const { served, client } = await prepared(t.testdir())
  const both = await client.batchDescribeCollections({ collection_names: ['nowhere', NAME] })
  t.match(both.responses, [
    { status: { code: 100 }, schema: { fields: [] } },
    { status: { code: 0 }, collection_name: NAME, schema: { fields: [{}, {}, {}] } },
  ])
  await finish(served, client)
})

t.test('a schema that changed behind a client is noticed: nothing is lost, nothing half written', async t => {
  const { served, client } = await prepared(t.testdir())
  const collection_name = NAME
  await client.insert({ collection_name, data: [{ id: 1, vector: [1, 0] }] })
  const other = await connect(served)
  await other.addCollectionField({
    collection_name,
    field: { name: 'later', data_type: DataType.Int64, nullable: true },
  })
  const written = await client.insert({ collection_name, data: [{ id: 2, vector: [0, 1] }] })
  t.equal(written.status.error_code, 'Success', written.status.reason)
  const again = await client.upsert({ collection_name, data: [{ id: 2, vector: [0, 1], later: 9 }] })
  t.equal(again.status.error_code, 'Success', again.status.reason)
  const found = await other.query({ collection_name, expr: 'id > 0', output_fields: ['later'] })
  t.strictSame(found.data, [
    { id: '1', later: null },
    { id: '2', later: '9' },
  ])
  await other.closeConnection()
  await finish(served, client)
  t.strictSame(served.warnings, [])
})

t.test('with authentication on, only the right credentials come in', async t => {
  const served = await serveDirectory(t.testdir(), {
    authenticate: ({ user, password }) => user === 'root' && password === 'Milvus',
  })
  const client = await connect(served, { token: 'root:Milvus' })
  t.strictSame((await client.listCollections()).data, [])
  await client.closeConnection()
  for (const more of [{ token: 'root:wrong' }, {}]) {
    const stranger = new MilvusClient({ address: served.address, timeout: 5_000, ...more })
    const error = await stranger.connectPromise.then(
      () => null,
      error => error,
    )
    t.match(String(error), /auth check failure|missing authorization/)
    await stranger.closeConnection()
  }
  await served.close()
})
