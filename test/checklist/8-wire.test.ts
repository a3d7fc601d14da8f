/**
 * Lines of the checklist that show only on the wire, through Milvus's Node SDK: what its calls answer, legacy error
 * codes, states. The four answers of §9.1 on which the SDK's own suite insists are here too.
 */
import {
  type CreateIndexesReq,
  DataType,
  type IndexState,
  LoadState,
  MetricType,
  MilvusClient,
} from '@zilliz/milvus2-sdk-node'
import type { Test } from 'tap'
import t from 'tap'
import { serveDirectory } from '../wire/served.js'

const NAME = 'c'
type Fields = Parameters<MilvusClient['createCollection']>[0] extends { fields: infer F } ? F : never

const FIELDS = [
  { name: 'id', data_type: DataType.Int64, is_primary_key: true },
  { name: 'vec', data_type: DataType.FloatVector, dim: 2 },
  { name: 'n', data_type: DataType.Int64 },
] as unknown as Fields

const served = await serveDirectory(t.testdir())
const client = new MilvusClient({ address: served.address, timeout: 10_000 })
t.teardown(async () => {
  await client.closeConnection()
  await served.close()
})
await client.connectPromise

/** The client; collection `c` is dropped when the test is over. */
async function connected(t: Test): Promise<MilvusClient> {
  t.teardown(() => client.dropCollection({ collection_name: NAME }))
  return client
}

/** A collection `c` of 150 rows with an HNSW index, loaded. */
async function filled(t: Test): Promise<MilvusClient> {
  const client = await connected(t)
  await client.createCollection({ collection_name: NAME, fields: FIELDS })
  const params = { M: 8, efConstruction: 64 }
  await client.createIndex({
    collection_name: NAME,
    field_name: 'vec',
    index_type: 'HNSW',
    metric_type: MetricType.L2,
    params,
  })
  await client.loadCollectionSync({ collection_name: NAME })
  const data = Array.from({ length: 150 }, (_, id) => ({ id, vec: [id, 0], n: id % 3 }))
  await client.insert({ collection_name: NAME, data })
  return client
}

t.test(
  '8.6.14 [P0] Node SDK: one vector gives a flat list, nested ones a list each; 100 rows; nprobe on HNSW',
  async t => {
    const client = await filled(t)
    const flat = await client.search({ collection_name: NAME, data: [3, 0] })
    t.equal(flat.results.length, 100, 'the default limit')
    t.strictSame([flat.results[0]!.id, flat.results[0]!.score], ['3', 0])
    const nested = await client.search({
      collection_name: NAME,
      data: [
        [3, 0],
        [9, 0],
      ],
      limit: 2,
    })
    const lists = nested.results as unknown as { id: string }[][]
    t.strictSame(
      lists.map(hits => hits.map(hit => hit.id)),
      [
        ['3', '2'],
        ['9', '8'],
      ],
    )
    const probed = await client.search({
      collection_name: NAME,
      data: [3, 0],
      limit: 5,
      params: { nprobe: 1024 },
    })
    t.equal(probed.status.error_code, 'Success', probed.status.reason)
    t.equal(probed.results.length, 5)
    const shown = await client.search({
      collection_name: NAME,
      data: [3, 0],
      limit: 1,
      output_fields: ['id', 'n', 'vec'],
    })
    t.strictSame(Object.keys(shown.results[0]!).sort(), ['id', 'n', 'score', 'vec'])
  },
)

t.test(
  '8.7.5 [P0] Node SDK: RRF when no ranker is given; search with a list of anns_field is hybrid',
  async t => {
    const client = await filled(t)
    const request = {
      collection_name: NAME,
      data: [
        { anns_field: 'vec', data: [3, 0] },
        { anns_field: 'vec', data: [5, 0] },
      ],
      limit: 3,
    }
    const hybrid = await client.hybridSearch(request as unknown as Parameters<typeof client.hybridSearch>[0])
    const search = await client.search(request as unknown as Parameters<typeof client.search>[0])
    for (const found of [hybrid, search]) {
      t.equal(found.status.error_code, 'Success', found.status.reason)
      t.equal(found.results.length, 3)
      const scores = found.results.map(hit => hit.score)
      t.ok(
        scores.every(score => score <= 2 / 61 + 1e-9 && score > 1 / 64),
        `reciprocal ranks with k 60: ${scores}`,
      )
    }
  },
)

t.test('8.9.1 [P0] and 8.9.6 [P0] describe, state, progress and names of indexes', async t => {
  const client = await filled(t)
  const described = await client.describeIndex({ collection_name: NAME, field_name: 'vec' })
  const [index] = described.index_descriptions
  t.match(index, { field_name: 'vec', index_name: 'vec', state: 'Finished', pending_index_rows: '0' })
  t.strictSame([index!.indexed_rows, index!.total_rows], ['150', '150'])
  const params = Object.fromEntries(index!.params.map(({ key, value }) => [key, value]))
  t.match(params, { index_type: 'HNSW', metric_type: 'L2' })
  t.same(
    JSON.parse(String(params['params'])),
    { M: 8, efConstruction: 64 },
    'parameters as given: one JSON text',
  )
  t.strictSame(Object.keys(params), ['index_type', 'metric_type', 'params'])
  const state = await client.getIndexState({ collection_name: NAME, field_name: 'vec' })
  t.equal(state.state, 'Finished' as unknown as IndexState)
  const progress = await client.getIndexBuildProgress({
    collection_name: NAME,
    field_name: 'vec',
    index_name: 'vec',
  })
  t.equal(progress.indexed_rows, progress.total_rows)
  t.strictSame((await client.listIndexes({ collection_name: NAME })).indexes, ['vec'])
  const missing = await client.describeIndex({ collection_name: NAME, index_name: 'nope' })
  t.strictSame([missing.status.error_code, missing.status.code], ['IndexNotExist', 700])
})

t.test('8.9.1 [P0] describe shows what was declared, in the words of the request', async t => {
  const client = await connected(t)
  const fields = [
    ...(FIELDS as object[]),
    { name: 's', data_type: DataType.VarChar, max_length: 9 },
  ] as Fields
  await client.createCollection({ collection_name: NAME, fields })
  const declare = async (field: string, pairs: Record<string, string>): Promise<void> => {
    const request = { collection_name: NAME, field_name: field, extra_params: pairs }
    const made = await client.createIndex(request as unknown as CreateIndexesReq)
    t.equal(made.error_code, 'Success', made.reason)
  }
  const shown = async (field: string): Promise<Record<string, unknown>> => {
    const { index_descriptions } = await client.describeIndex({ collection_name: NAME, field_name: field })
    return Object.fromEntries(
      index_descriptions
        .find(index => index.field_name === field)!
        .params.map(({ key, value }) => [key, value]),
    )
  }
  await declare('s', { index_type: 'Trie' })
  t.strictSame(await shown('s'), { index_type: 'Trie' })
  await declare('s', { index_type: 'TRIE' })
  await declare('n', { index_type: 'STL_SORT', params: '{}' })
  t.strictSame(await shown('n'), { index_type: 'STL_SORT', params: '{}' })
  const mixed = { index_type: 'HNSW', metric_type: 'L2', M: '8', params: '{"M": 8, "efConstruction": "40"}' }
  await declare('vec', mixed)
  t.strictSame(await shown('vec'), mixed, 'one text and flat keys beside it')
  await declare('vec', { index_type: 'HNSW', metric_type: 'l2', M: '8', efConstruction: '40' })
  t.strictSame(await shown('vec'), mixed, 'the same again, written otherwise, changes nothing')
  await client.alterIndexProperties({
    collection_name: NAME,
    index_name: 'vec',
    params: { 'mmap.enabled': true },
  })
  t.strictSame(await shown('vec'), { ...mixed, 'mmap.enabled': 'true' })
  await client.dropIndexProperties({ collection_name: NAME, index_name: 'vec', properties: ['mmap.enabled'] })
  t.strictSame(await shown('vec'), mixed)
})

t.test('8.9.5 [P0] an index is dropped by its own name', async t => {
  const client = await connected(t)
  await client.createCollection({ collection_name: NAME, fields: FIELDS })
  const names = async (): Promise<string[]> =>
    (await client.listIndexes({ collection_name: NAME })).indexes as string[]
  await client.createIndex({ collection_name: NAME, field_name: 'vec', index_name: 'n', index_type: 'FLAT' })
  await client.createIndex({ collection_name: NAME, field_name: 'n', index_name: 'by_n' })
  await client.dropIndex({ collection_name: NAME, index_name: 'vec' })
  t.strictSame(await names(), ['n', 'by_n'], 'no index is called vec')
  await client.dropIndex({ collection_name: NAME, index_name: 'n' })
  t.strictSame(await names(), ['by_n'], 'the index of field n has another name')
  await client.dropIndex({ collection_name: NAME, field_name: 'n' })
  t.strictSame(await names(), [], 'a field alone names its indexes')
})

t.test('8.9.2 [P0] Node SDK: createIndex without a type', async t => {
  const client = await connected(t)
  await client.createCollection({ collection_name: NAME, fields: FIELDS })
  const made = await client.createIndex({ collection_name: NAME, field_name: 'vec' })
  t.equal(made.error_code, 'Success', made.reason)
  const [index] = (await client.describeIndex({ collection_name: NAME })).index_descriptions
  const params = Object.fromEntries(index!.params.map(({ key, value }) => [key, value]))
  t.match(params, { index_type: 'AUTOINDEX', metric_type: 'COSINE' })
})

t.test('8.10.1 [P0] and 8.10.3 [P0] load states, progress, release', async t => {
  const client = await filled(t)
  const state = async (collection_name = NAME) => (await client.getLoadState({ collection_name })).state
  t.equal(await state('nope'), LoadState.LoadStateNotExist)
  t.equal(await state(), LoadState.LoadStateLoaded)
  t.equal((await client.getLoadingProgress({ collection_name: NAME })).progress, '100')
  t.equal((await client.refreshLoad({ collection_name: NAME })).error_code, 'Success')
  await client.releaseCollection({ collection_name: NAME })
  t.equal(await state(), LoadState.LoadStateNotLoad)
  t.equal((await client.getLoadingProgress({ collection_name: NAME })).status.code, 101)
  t.equal((await client.refreshLoad({ collection_name: NAME })).code, 101)
})

t.test('8.10.4 [P0] partitions and their states', async t => {
  const client = await filled(t)
  for (const partition_name of ['p', 'q'])
    await client.createPartition({ collection_name: NAME, partition_name })
  await client.releaseCollection({ collection_name: NAME })
  await client.loadPartitions({ collection_name: NAME, partition_names: ['p'] })
  const state = async (...partition_names: string[]) =>
    (await client.getLoadState({ collection_name: NAME, partition_names })).state
  t.strictSame(
    [await state('p'), await state('q'), await state()],
    [LoadState.LoadStateLoaded, LoadState.LoadStateNotLoad, LoadState.LoadStateLoaded],
  )
  await client.releasePartitions({ collection_name: NAME, partition_names: ['p'] })
  t.equal(await state(), LoadState.LoadStateNotLoad)
})

t.test('8.11.1 [P0] properties of a fresh collection, row count as text', async t => {
  const client = await filled(t)
  const properties = async () => (await client.describeCollection({ collection_name: NAME })).properties
  const fresh = (await properties()).length
  t.ok((await properties()).some(({ key, value }) => key === 'timezone' && value === 'UTC'))
  await client.alterCollectionProperties({
    collection_name: NAME,
    properties: { 'collection.ttl.seconds': 1000 },
  })
  t.equal((await properties()).length, fresh + 1)
  await client.dropCollectionProperties({ collection_name: NAME, properties: ['collection.ttl.seconds'] })
  t.equal((await properties()).length, fresh)
  await client.flushSync({ collection_names: [NAME] })
  const stats = await client.getCollectionStatistics({ collection_name: NAME })
  t.equal(stats.data['row_count'], '150')
})

t.test('8.11.12 [P1] flush and compact answer ids and complete', async t => {
  const client = await filled(t)
  const flushed = await client.flush({ collection_names: [NAME] })
  t.equal(flushed.status.error_code, 'Success')
  const compacted = await client.compact({ collection_name: NAME })
  t.equal(compacted.status.error_code, 'Success', compacted.status.reason)
  t.match(compacted.compactionID, /^-?\d+$/)
  const state = await client.getCompactionState({ compactionID: compacted.compactionID })
  t.equal(state.state, 'Completed')
})

t.test('9.1 the answers that the Node SDK insists on', async t => {
  const client = await connected(t)
  const keyed = [
    ...(FIELDS as unknown as object[]),
    { name: 'k', data_type: DataType.Int64, is_partition_key: true },
  ]
  await client.createCollection({ collection_name: NAME, fields: keyed as unknown as Fields })
  const noField = await client.createIndex({
    collection_name: NAME,
    field_name: 'nope',
    index_type: 'HNSW',
    metric_type: 'L2',
  })
  t.equal(noField.error_code, 'UnexpectedError', 'an index on an unknown field')
  await client.createIndex({
    collection_name: NAME,
    field_name: 'vec',
    index_type: 'AUTOINDEX',
    metric_type: 'L2',
  })
  await client.loadCollectionSync({ collection_name: NAME })
  const partition = await client.createPartition({ collection_name: NAME, partition_name: 'p' })
  t.equal(partition.error_code, 'UnexpectedError', 'a partition in partition-key mode')
  const search = await client.search({
    collection_name: NAME,
    data: [0, 0],
    limit: 1,
    partition_names: ['_default_0'],
  })
  t.equal(search.status.error_code, 'UnexpectedError', 'a search with partitions in partition-key mode')
  const query = await client.query({
    collection_name: NAME,
    filter: 'id > 0',
    partition_names: ['_default_0'],
  })
  t.equal(query.status.error_code, 'IllegalArgument', 'a query with partitions in partition-key mode')
})
