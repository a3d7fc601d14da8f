/** The calls around the rows: partitions, aliases, databases, indexes, loading, properties, fields, automatic keys. */
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import { client, idsOf, refusal, rowsOf, yes } from './sdk.mjs'
import { check, does, URI } from './tap.mjs'

const PARTS = 'parts'
const OTHER = 'library'

const rowOf = id => ({ id, vector: [id, 1], note: `n${id}` })

const SIMPLE = [
  { name: 'id', data_type: DataType.Int64, is_primary_key: true },
  { name: 'vector', data_type: DataType.FloatVector, dim: 2 },
  { name: 'note', data_type: DataType.VarChar, max_length: 16, nullable: true },
]
const BY_VECTOR = [
  { field_name: 'vector', index_name: 'by_vector', index_type: 'AUTOINDEX', metric_type: 'L2' },
]

const create = (collection_name, more = {}) =>
  client.createCollection({ collection_name, fields: SIMPLE, index_params: BY_VECTOR, ...more })

export async function before() {
  await session()
  await partitions()
  await names()
  await databases()
  await indexesAndLoad()
  await fieldsAndProperties()
  await keys()
  await unchanged()
}

async function session() {
  await check(
    'session: the version looks like Milvus',
    async () => /^v?[23]\./.test((await client.getVersion()).version),
    true,
  )
  await check('session: healthy', async () => (await client.checkHealth()).isHealthy, true)
  await check('session: an unknown database', async () => {
    const stranger = new MilvusClient({ address: URI, database: 'nowhere' })
    await stranger.connectPromise
    const found = await refusal(() => stranger.listCollections(), 'database not found')
    await stranger.closeConnection()
    return found
  }, [800, 'database not found'])
}

async function partitions() {
  await does('partitions: a collection with three', async () => {
    yes(await create(PARTS))
    for (const partition_name of ['east', 'west', 'gone']) {
      yes(await client.createPartition({ collection_name: PARTS, partition_name }))
    }
  })
  for (const [partition_name, ids] of [
    ['east', [0, 1]],
    ['west', [2, 3]],
    ['gone', [6]],
    [undefined, [4, 5]],
  ]) {
    await check(
      `partitions: insert into ${partition_name ?? 'the default one'}`,
      async () =>
        yes(await client.insert({ collection_name: PARTS, partition_name, data: ids.map(rowOf) })).insert_cnt,
      String(ids.length),
    )
  }
  await check(
    'partitions: a loaded one is not dropped',
    () => refusal(() => client.dropPartition({ collection_name: PARTS, partition_name: 'gone' }), 'release'),
    [1100, 'release'],
  )
  await does('partitions: released, then dropped', async () => {
    yes(await client.releasePartitions({ collection_name: PARTS, partition_names: ['gone'] }))
    yes(await client.dropPartition({ collection_name: PARTS, partition_name: 'gone' }))
  })
}

async function names() {
  await does('names: an alias', async () =>
    yes(await client.createAlias({ collection_name: PARTS, alias: 'compass' })),
  )
  await check(
    'names: no collection gets the name of an alias',
    () => refusal(() => create('compass'), 'alias'),
    [1601, 'alias'],
  )
  await check(
    'names: an alias that is not there',
    () => refusal(() => client.describeAlias({ collection_name: PARTS, alias: 'nobody' }), 'alias not found'),
    [1600, 'alias not found'],
  )
  await does('names: an alias moves', async () => {
    yes(await create('moved'))
    yes(await client.createAlias({ collection_name: PARTS, alias: 'wanderer' }))
    yes(await client.alterAlias({ collection_name: 'moved', alias: 'wanderer' }))
  })
  await check(
    'names: and is found there',
    async () => (await client.describeAlias({ collection_name: PARTS, alias: 'wanderer' })).collection,
    'moved',
  )
  await does('names: alias dropped, collection renamed, emptied and dropped', async () => {
    yes(await client.dropAlias({ alias: 'wanderer' }))
    yes(await client.renameCollection({ collection_name: 'moved', new_collection_name: 'renamed' }))
    yes(await client.insert({ collection_name: 'renamed', data: [rowOf(1)] }))
    yes(await client.truncateCollection({ collection_name: 'renamed' }))
  })
  await check(
    'names: nothing is left in it',
    async () => (await client.count({ collection_name: 'renamed' })).data,
    0,
  )
  await does('names: dropped twice', async () => {
    yes(await client.dropCollection({ collection_name: 'renamed' }))
    yes(await client.dropCollection({ collection_name: 'renamed' }))
  })
  await check(
    'names: gone',
    async () => (await client.hasCollection({ collection_name: 'renamed' })).value,
    false,
  )
}

async function inLibrary(work) {
  const library = new MilvusClient({ address: URI, database: OTHER })
  await library.connectPromise
  try {
    return await work(library)
  } finally {
    await library.closeConnection()
  }
}

async function databases() {
  await does('databases: another one with a collection', async () => {
    yes(await client.createDatabase({ db_name: OTHER, properties: { 'database.max.collections': 8 } }))
    await inLibrary(async library => {
      yes(
        await library.createCollection({ collection_name: 'books', fields: SIMPLE, index_params: BY_VECTOR }),
      )
      yes(await library.insert({ collection_name: 'books', data: [rowOf(1)] }))
    })
  })
  await check(
    'databases: a full one is not dropped',
    () => refusal(() => client.dropDatabase({ db_name: OTHER }), 'not empty'),
    [1100, 'not empty'],
  )
  await does('databases: an empty one is', async () => {
    yes(await client.createDatabase({ db_name: 'empty' }))
    yes(await client.dropDatabase({ db_name: 'empty' }))
  })
}

async function indexesAndLoad() {
  const collection_name = 'idle'
  await does('indexes: none at first', async () =>
    yes(await client.createCollection({ collection_name, fields: SIMPLE })),
  )
  await check(
    'load: not without an index',
    () => refusal(() => client.loadCollection({ collection_name }), 'index'),
    ['IndexNotExist', 'index'],
  )
  await does('indexes: created, described, dropped', async () => {
    const index = {
      collection_name,
      field_name: 'vector',
      index_name: 'second',
      index_type: 'HNSW',
      metric_type: 'IP',
      params: { M: 8, efConstruction: 64 },
    }
    yes(await client.createIndex(index))
    yes(await client.createIndex(index))
    yes(await client.dropIndex({ collection_name, index_name: 'second' }))
    yes(await client.createIndex(index))
    yes(
      await client.createIndex({
        collection_name,
        field_name: 'note',
        index_name: 'by_note',
        index_type: 'INVERTED',
      }),
    )
  })
  await check('load: states of a life', async () => {
    const states = []
    const look = async () => states.push((await client.getLoadState({ collection_name })).state)
    await look()
    yes(await client.loadCollectionSync({ collection_name }))
    await look()
    states.push((await client.getLoadingProgress({ collection_name })).progress)
    yes(await client.releaseCollection({ collection_name }))
    await look()
    return states
  }, ['LoadStateNotLoad', 'LoadStateLoaded', '100', 'LoadStateNotLoad'])
  await check(
    'load: no search without',
    () => refusal(() => client.search({ collection_name, data: [1, 1], limit: 1 }), 'not loaded'),
    [101, 'not loaded'],
  )
  await check(
    'compaction: completes',
    async () => {
      const { compactionID } = yes(await client.compact({ collection_name: PARTS }))
      for (let i = 0; i < 200; i++) {
        const { state } = await client.getCompactionState({ compactionID })
        if (state === 'Completed') return state
        await new Promise(resolve => setTimeout(resolve, 25))
      }
      return 'never'
    },
    'Completed',
  )
}

async function fieldsAndProperties() {
  const collection_name = 'growing'
  await does('fields: one is added to rows that are there', async () => {
    yes(await create(collection_name, { enable_dynamic_field: true }))
    yes(await client.insert({ collection_name, data: [rowOf(1)] }))
    yes(
      await client.addCollectionField({
        collection_name,
        field: { name: 'stars', data_type: DataType.Int32, nullable: true },
      }),
    )
    yes(await client.upsert({ collection_name, data: [{ ...rowOf(2), stars: 5 }] }))
  })
  await does('properties: set and taken away', async () => {
    yes(
      await client.alterCollectionProperties({
        collection_name,
        properties: { 'collection.ttl.seconds': 86_400, 'collection.autocompaction.enabled': false },
      }),
    )
    yes(
      await client.dropCollectionProperties({
        collection_name,
        properties: ['collection.autocompaction.enabled'],
      }),
    )
    yes(
      await client.alterCollectionFieldProperties({
        collection_name,
        field_name: 'note',
        properties: { max_length: 32 },
      }),
    )
  })
}

async function keys() {
  await does('keys: automatic ones', async () => {
    const fields = [{ ...SIMPLE[0], autoID: true }, SIMPLE[1]]
    yes(await client.createCollection({ collection_name: 'automatic', fields, index_params: BY_VECTOR }))
  })
  await check('keys: two rows, two keys', async () => {
    const answer = yes(
      await client.insert({ collection_name: 'automatic', data: [{ vector: [0, 1] }, { vector: [1, 1] }] }),
    )
    const ids = answer.IDs.int_id.data
    const found = yes(await client.get({ collection_name: 'automatic', ids, output_fields: ['vector'] })).data
    return [new Set(ids).size, found.map(row => row.vector).sort()]
  }, [
    2,
    [
      [0, 1],
      [1, 1],
    ],
  ])
  await does('keys: a partition key', async () => {
    const fields = [
      ...SIMPLE,
      { name: 'tenant', data_type: DataType.VarChar, max_length: 16, is_partition_key: true },
    ]
    yes(
      await client.createCollection({
        collection_name: 'tenants',
        fields,
        index_params: BY_VECTOR,
        num_partitions: 4,
      }),
    )
    const data = Array.from({ length: 9 }, (_, n) => ({ ...rowOf(n), tenant: `t${n % 3}` }))
    yes(await client.insert({ collection_name: 'tenants', data }))
  })
}

export async function unchanged() {
  await check(
    'partitions: their names',
    async () => yes(await client.listPartitions({ collection_name: PARTS })).partition_names,
    ['_default', 'east', 'west'],
  )
  await check(
    'partitions: rows of one',
    () =>
      rowsOf({
        collection_name: PARTS,
        filter: '',
        limit: 9,
        partition_names: ['west'],
        output_fields: ['note'],
      }),
    [
      { id: '2', note: 'n2' },
      { id: '3', note: 'n3' },
    ],
  )
  await check(
    'partitions: rows counted',
    async () =>
      (await client.getPartitionStatistics({ collection_name: PARTS, partition_name: 'west' })).data
        .row_count,
    '2',
  )
  await check(
    'partitions: a search in one',
    async () =>
      idsOf(
        yes(
          await client.search({ collection_name: PARTS, data: [0, 1], limit: 9, partition_names: ['east'] }),
        ),
      ),
    ['0', '1'],
  )
  await check(
    'names: the alias leads to the rows',
    async () => (await client.get({ collection_name: 'compass', ids: [4], output_fields: ['note'] })).data,
    [{ id: '4', note: 'n4' }],
  )
  await check(
    'names: aliases listed',
    async () => (await client.listAliases({ collection_name: PARTS })).aliases,
    ['compass'],
  )
  await check('databases: listed', async () => (await client.listDatabases()).db_names.sort(), [
    'default',
    OTHER,
  ])
  await check(
    'databases: rows in the other one',
    () =>
      inLibrary(async library => [
        (await library.listCollections()).data.map(one => one.name),
        (
          await library.query({
            collection_name: 'books',
            filter: 'id == 1',
            output_fields: ['note', 'vector'],
          })
        ).data,
      ]),
    [['books'], [{ id: '1', note: 'n1', vector: [1, 1] }]],
  )
  await check(
    'indexes: listed',
    async () => (await client.listIndexes({ collection_name: 'idle' })).indexes.sort(),
    ['by_note', 'second'],
  )
  await check('indexes: described', async () => {
    const { index_descriptions } = yes(
      await client.describeIndex({ collection_name: 'idle', index_name: 'second' }),
    )
    const params = Object.fromEntries(index_descriptions[0].params.map(pair => [pair.key, pair.value]))
    const { index_name, field_name, state } = index_descriptions[0]
    return [index_name, field_name, state, params.index_type, params.metric_type]
  }, ['second', 'vector', 'Finished', 'HNSW', 'IP'])
  await check(
    'load: released stays released',
    async () => (await client.getLoadState({ collection_name: 'idle' })).state,
    'LoadStateNotLoad',
  )
  await check(
    'fields: the added one is there',
    () => rowsOf({ collection_name: 'growing', filter: 'id > 0', output_fields: ['stars'] }),
    [
      { id: '1', stars: null },
      { id: '2', stars: 5 },
    ],
  )
  await check('properties: of the collection and of a field', async () => {
    const found = yes(await client.describeCollection({ collection_name: 'growing' }))
    const properties = Object.fromEntries(found.properties.map(pair => [pair.key, pair.value]))
    const note = found.schema.fields.find(field => field.name === 'note')
    return [
      properties['collection.ttl.seconds'],
      properties['collection.autocompaction.enabled'],
      note.max_length ?? note.type_params.find(pair => pair.key === 'max_length').value,
    ]
  }, ['86400', undefined, '32'])
  await check(
    'keys: rows of automatic keys',
    async () => (await client.count({ collection_name: 'automatic' })).data,
    2,
  )
  await check(
    'keys: one tenant',
    () => rowsOf({ collection_name: 'tenants', filter: 'tenant == "t1"', output_fields: ['tenant'] }),
    ['1', '4', '7'].map(id => ({ id, tenant: 't1' })),
  )
}

export async function after() {
  await unchanged()
  await does('fields: text of the new length', async () =>
    yes(await client.upsert({ collection_name: 'growing', data: [{ ...rowOf(3), note: 'x'.repeat(32) }] })),
  )
  await does('the end: everything is dropped', async () => {
    yes(await client.dropAlias({ alias: 'compass' }))
    await inLibrary(async library => yes(await library.dropCollection({ collection_name: 'books' })))
    yes(await client.dropDatabase({ db_name: OTHER }))
    for (const { name } of (await client.listCollections()).data)
      yes(await client.dropCollection({ collection_name: name }))
  })
  await check('the end: nothing is left', async () => (await client.listCollections()).data, [])
}
