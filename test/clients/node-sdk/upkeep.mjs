/** Calls of those who keep a database running, large requests, and wrong uses that must change nothing. */
import { ConsistencyLevelEnum, DataType } from '@zilliz/milvus2-sdk-node'
import { client, idsOf, refusal, rowsOf, yes } from './sdk.mjs'
import { check, does } from './tap.mjs'

const NAME = 'upkeep'
const here = more => ({ collection_name: NAME, ...more })

const rowOf = n => ({ id: n, vector: [n, 0, 0, 1], text: `t${n}` })

export async function before() {
  await does('upkeep: the collection is created', async () =>
    yes(
      await client.createCollection(
        here({
          description: 'kept well',
          fields: [
            { name: 'id', data_type: DataType.Int64, is_primary_key: true, description: 'the key' },
            { name: 'vector', data_type: DataType.FloatVector, dim: 4 },
            { name: 'text', data_type: DataType.VarChar, max_length: 65_535 },
          ],
          index_params: [
            {
              field_name: 'vector',
              index_name: 'v',
              index_type: 'HNSW',
              metric_type: 'L2',
              params: { M: 8, efConstruction: 64 },
            },
          ],
          consistency_level: 'Strong',
          shards_num: 1,
          properties: { 'collection.ttl.seconds': 0 },
        }),
      ),
    ),
  )
  await large()
  await stats()
  await levels()
  await misuse()
  await unchanged()
}

/** Messages far beyond the 4 MiB that gRPC allows by default, in both directions. */
async function large() {
  const long = 'ü'.repeat(32_000)
  await check(
    'large: 16 MB in one request',
    async () => {
      const data = Array.from({ length: 256 }, (_, n) => ({ ...rowOf(10_000 + n), text: long }))
      return yes(await client.insert(here({ data }))).insert_cnt
    },
    '256',
  )
  await check('large: and back in one answer', async () => {
    const rows = await rowsOf(here({ filter: 'id >= 10000', output_fields: ['text'], limit: 256 }))
    return [rows.length, rows.every(row => row.text === long)]
  }, [256, true])
  await check(
    'large: 500 vectors in one search',
    async () => {
      const data = Array.from({ length: 500 }, (_, n) => [10_000 + (n % 256), 0, 0, 1])
      const { results } = yes(
        await client.search(here({ data, limit: 1, output_fields: ['id'], params: { ef: 64 } })),
      )
      return results.filter((hits, n) => Number(hits[0]?.id) === 10_000 + (n % 256)).length
    },
    500,
  )
  await check(
    'large: deleted by 256 keys',
    async () =>
      yes(await client.delete(here({ ids: Array.from({ length: 256 }, (_, n) => 10_000 + n) }))).delete_cnt,
    '256',
  )
  await does('large: three rows stay', async () =>
    yes(await client.upsert(here({ data: [1, 2, 3].map(rowOf) }))),
  )
}

async function stats() {
  await does('upkeep: everything is flushed', async () => yes(await client.flushAllSync()))
  await check(
    'upkeep: segments hold the rows',
    async () => {
      const { infos } = yes(await client.getPersistentSegmentInfo({ collectionName: NAME }))
      return infos.length > 0 && infos.every(one => one.state === 'Flushed')
    },
    true,
  )
  await check(
    'upkeep: loaded segments',
    async () => yes(await client.getQuerySegmentInfo({ collectionName: NAME })).infos.length > 0,
    true,
  )
  await check(
    'upkeep: one replica',
    async () =>
      yes(await client.getReplicas({ collectionID: (await client.describeCollection(here())).collectionID }))
        .replicas.length,
    1,
  )
  await check(
    'upkeep: several collections described at once',
    async () =>
      yes(await client.batchDescribeCollections({ collection_names: [NAME, 'my_collection'] })).responses.map(
        one => one.collection_name,
      ),
    [NAME, 'my_collection'],
  )
  await check(
    'upkeep: index statistics',
    async () =>
      yes(await client.getIndexStatistics(here({ index_name: 'v' }))).index_descriptions[0]
        .pending_index_rows,
    '0',
  )
  await check(
    'upkeep: index progress is complete',
    async () => {
      const { indexed_rows, total_rows } = yes(
        await client.getIndexBuildProgress(here({ field_name: 'vector' })),
      )
      return indexed_rows === total_rows
    },
    true,
  )
  await does('upkeep: properties of an index, set and taken away', async () => {
    yes(await client.releaseCollection(here()))
    yes(await client.alterIndexProperties(here({ index_name: 'v', params: { 'mmap.enabled': true } })))
    yes(await client.dropIndexProperties(here({ index_name: 'v', properties: ['mmap.enabled'] })))
    yes(await client.loadCollectionSync(here()))
    yes(await client.refreshLoad(here()))
  })
  await does('upkeep: properties of a database', async () => {
    yes(await client.createDatabase({ db_name: 'kept' }))
    yes(await client.alterDatabase({ db_name: 'kept', properties: { 'database.max.collections': 3 } }))
  })
  await check(
    'upkeep: the database tells them',
    async () =>
      yes(await client.describeDatabase({ db_name: 'kept' })).properties.filter(
        one => one.key === 'database.max.collections',
      ),
    [{ key: 'database.max.collections', value: '3' }],
  )
  await does('upkeep: and goes', async () => yes(await client.dropDatabase({ db_name: 'kept' })))
}

async function levels() {
  for (const level of Object.keys(ConsistencyLevelEnum).filter(name => Number.isNaN(Number(name)))) {
    await check(`consistency: ${level} reads what was written`, async () => {
      const n = 100 + ConsistencyLevelEnum[level]
      yes(await client.insert(here({ data: [rowOf(n)] })))
      const consistency_level = ConsistencyLevelEnum[level]
      const found = yes(
        await client.search(
          here({ data: rowOf(n).vector, limit: 1, output_fields: ['id'], consistency_level }),
        ),
      )
      const rows = await rowsOf(here({ filter: `id == ${n}`, output_fields: ['text'], consistency_level }))
      return [idsOf(found), rows]
    }, [
      [String(100 + ConsistencyLevelEnum[level])],
      [{ id: String(100 + ConsistencyLevelEnum[level]), text: `t${100 + ConsistencyLevelEnum[level]}` }],
    ])
  }
  await does('consistency: cleared', async () => yes(await client.delete(here({ filter: 'id >= 100' }))))
}

async function misuse() {
  const query = more => client.query(here({ filter: 'id > 0', output_fields: ['id'], ...more }))
  const search = more => client.search(here({ data: [1, 0, 0, 1], limit: 1, ...more }))
  const create = more =>
    client.createCollection({
      collection_name: 'wrong',
      fields: [
        { name: 'id', data_type: DataType.Int64, is_primary_key: true },
        { name: 'vector', data_type: DataType.FloatVector, dim: 4 },
      ],
      ...more,
    })
  const field = (name, more) => ({ name, data_type: DataType.Int64, ...more })
  const cases = [
    ['an unknown output field', () => query({ output_fields: ['nothing'] }), 'nothing'],
    ['an unknown field in a filter', () => query({ filter: 'nothing > 1' }), 'nothing'],
    ['a filter of the wrong type', () => query({ filter: 'text + 1 > 2' }), 'cannot parse expression'],
    ['a filter that is no truth', () => query({ filter: 'id + 1' }), 'predicate is not a boolean expression'],
    ['a template value that is not there', () => query({ filter: 'id in {ids}' }), 'ids'],
    ['offset and limit beyond all', () => query({ offset: 16_000, limit: 1_000 }), '16384'],
    ['a negative limit', () => query({ limit: -5 }), 'limit'],
    [
      'a query without filter and limit',
      () => query({ filter: '' }),
      'empty expression should be used with limit',
    ],
    ['an unknown partition', () => query({ partition_names: ['nowhere'] }), 'nowhere'],
    ['a search vector of another dimension', () => search({ data: [1, 2] }), 'dimension'],
    ['an unknown parameter value', () => search({ params: { ef: -1 } }), 'ef'],
    ['a range that is none', () => search({ params: { radius: 1, range_filter: 2 } }), 'range_filter'],
    ['a name with a minus', () => create({ collection_name: 'bad-name' }), 'Invalid collection name'],
    [
      'a field twice',
      () =>
        create({
          fields: [
            field('id', { is_primary_key: true }),
            field('a'),
            field('a'),
            { name: 'v', data_type: DataType.FloatVector, dim: 4 },
          ],
        }),
      'duplicated field name',
    ],
    [
      'a dimension that is too large',
      () =>
        create({
          fields: [
            field('id', { is_primary_key: true }),
            { name: 'v', data_type: DataType.FloatVector, dim: 32_769 },
          ],
        }),
      '32768',
    ],
    [
      'the index of another metric',
      () =>
        client.createIndex(
          here({
            field_name: 'vector',
            index_name: 'w',
            index_type: 'HNSW',
            metric_type: 'HAMMING',
            params: { M: 8, efConstruction: 64 },
          }),
        ),
      'HAMMING',
    ],
    [
      'dropping the index of a loaded collection',
      () => client.dropIndex(here({ index_name: 'v' })),
      'loaded collection',
    ],
    [
      'a partition with a bad name',
      () => client.createPartition(here({ partition_name: 'a b' })),
      'Invalid partition name',
    ],
    [
      'dropping the default partition',
      () => client.dropPartition(here({ partition_name: '_default' })),
      'default partition',
    ],
    ['dropping the default database', () => client.dropDatabase({ db_name: 'default' }), 'default database'],
    [
      'renaming to a name that is taken',
      () => client.renameCollection(here({ new_collection_name: 'my_collection' })),
      'duplicated new collection name',
    ],
    [
      'a merge of a row that is not there',
      () => client.upsert(here({ data: [{ id: 999, text: 'x' }], partial_update: true })),
      'vector',
    ],
    [
      'the same key twice in one upsert',
      () => client.upsert(here({ data: [rowOf(1), rowOf(1)] })),
      'duplicate primary keys',
    ],
  ]
  for (const [what, call, phrase] of cases) {
    await check(`misuse: ${what}`, async () => (await refusal(call, phrase))[1], phrase)
  }
  await check('misuse: no collection was left', async () => {
    const names = (await client.listCollections()).data.map(one => one.name)
    return names.filter(name => name.startsWith('wrong') || name.startsWith('bad'))
  }, [])
}

export async function unchanged() {
  await check(
    'upkeep: the rows',
    () => rowsOf(here({ filter: '', limit: 9, output_fields: ['text', 'vector'] })),
    [1, 2, 3].map(n => ({ ...rowOf(n), id: String(n) })),
  )
  await check('upkeep: the collection describes itself', async () => {
    const found = yes(await client.describeCollection(here()))
    return [
      found.schema.description,
      found.consistency_level,
      found.shards_num,
      found.schema.fields.map(field => [
        field.name,
        field.data_type,
        field.is_primary_key,
        field.description,
      ]),
    ]
  }, [
    'kept well',
    'Strong',
    1,
    [
      ['id', 'Int64', true, 'the key'],
      ['vector', 'FloatVector', false, ''],
      ['text', 'VarChar', false, ''],
    ],
  ])
}

export async function after() {
  await unchanged()
}
