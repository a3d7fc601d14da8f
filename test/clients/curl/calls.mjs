/** The endpoints around the rows: partitions, aliases, databases, indexes, loading, properties, fields. */
import { data, refusal } from './curl.mjs'
import { check, does } from './tap.mjs'

const PARTS = 'parts'
const OTHER = 'library'
const parts = more => ({ collectionName: PARTS, ...more })
const rowOf = id => ({ id, vector: [id, 1], note: `n${id}` })

export async function before() {
  await does('quick: a collection of a name and a dimension', () =>
    data('collections/create', parts({ dimension: 2, metricType: 'L2' })),
  )
  await check('quick: described', async () => {
    const about = await data('collections/describe', parts())
    return [
      about.fields.map(one => [one.name, one.type, one.primaryKey]),
      about.load,
      about.enableDynamicField,
      about.indexes,
    ]
  }, [
    [
      ['id', 'Int64', true],
      ['vector', 'FloatVector', false],
    ],
    'LoadStateLoaded',
    true,
    [{ fieldName: 'vector', indexName: 'vector', metricType: 'L2' }],
  ])
  for (const [partitionName, ids] of [
    ['east', [0, 1]],
    ['west', [2, 3]],
    [undefined, [4, 5]],
    ['gone', [6]],
  ]) {
    await check(
      `partitions: insert into ${partitionName ?? 'the default one'}`,
      async () => {
        if (partitionName !== undefined) await data('partitions/create', parts({ partitionName }))
        return (await data('entities/insert', parts({ partitionName, data: ids.map(rowOf) }))).insertCount
      },
      ids.length,
    )
  }
  await does('partitions: released and dropped', async () => {
    await data('partitions/release', parts({ partitionNames: ['gone'] }))
    await data('partitions/drop', parts({ partitionName: 'gone' }))
  })
  await does('aliases: created, moved, dropped', async () => {
    await data('aliases/create', parts({ aliasName: 'compass' }))
    await data('aliases/create', { collectionName: 'all_types', aliasName: 'wanderer' })
    await data('aliases/alter', parts({ aliasName: 'wanderer' }))
    await data('aliases/drop', { aliasName: 'wanderer' })
  })
  await check(
    'aliases: an unknown one',
    () => refusal('aliases/describe', { aliasName: 'nobody' }, 'alias not found'),
    [1600, 'alias not found'],
  )
  await does('databases: another one with a collection', async () => {
    await data('databases/create', { dbName: OTHER, properties: { 'database.max.collections': 8 } })
    await data('collections/create', { dbName: OTHER, collectionName: 'books', dimension: 2 })
    await data('entities/insert', { dbName: OTHER, collectionName: 'books', data: [rowOf(1)] })
  })
  await check(
    'databases: a full one is not dropped',
    () => refusal('databases/drop', { dbName: OTHER }, 'not empty'),
    [1100, 'not empty'],
  )
  await does('indexes: created, dropped, created again', async () => {
    const indexParams = [
      {
        fieldName: 'vector',
        indexName: 'by_vector',
        indexType: 'HNSW',
        metricType: 'IP',
        params: { M: 8, efConstruction: 64 },
      },
    ]
    await data('collections/create', {
      collectionName: 'idle',
      schema: {
        fields: [
          { fieldName: 'id', dataType: 'VarChar', isPrimary: true, elementTypeParams: { max_length: 16 } },
          { fieldName: 'vector', dataType: 'FloatVector', elementTypeParams: { dim: 2 } },
        ],
      },
    })
    await data('indexes/create', { collectionName: 'idle', indexParams })
    await data('indexes/drop', { collectionName: 'idle', indexName: 'by_vector' })
    await data('indexes/create', { collectionName: 'idle', indexParams })
  })
  await check('load: states of a life', async () => {
    const idle = { collectionName: 'idle' }
    const states = [await data('collections/get_load_state', idle)]
    await data('collections/load', idle)
    states.push(await data('collections/get_load_state', idle))
    await data('collections/release', idle)
    states.push(await data('collections/get_load_state', idle))
    return states
  }, [
    { loadState: 'LoadStateNotLoad' },
    { loadState: 'LoadStateLoaded', loadProgress: 100 },
    { loadState: 'LoadStateNotLoad' },
  ])
  await check(
    'load: no search without',
    () =>
      refusal(
        'entities/search',
        { collectionName: 'idle', data: [[1, 1]], annsField: 'vector' },
        'not loaded',
      ),
    [101, 'not loaded'],
  )
  await does('fields and properties: changed', async () => {
    await data('collections/create', { collectionName: 'growing', dimension: 2 })
    await data('entities/insert', { collectionName: 'growing', data: [rowOf(1)] })
    await data('collections/fields/add', {
      collectionName: 'growing',
      schema: { fieldName: 'stars', dataType: 'Int32', nullable: true },
    })
    await data('entities/upsert', { collectionName: 'growing', data: [{ ...rowOf(2), stars: 5 }] })
    await data('collections/alter_properties', {
      collectionName: 'growing',
      properties: { 'collection.ttl.seconds': 86_400, 'collection.autocompaction.enabled': false },
    })
    await data('collections/drop_properties', {
      collectionName: 'growing',
      propertyKeys: ['collection.autocompaction.enabled'],
    })
  })
  await does('collections: renamed, emptied, compacted, dropped twice', async () => {
    await data('collections/create', { collectionName: 'first', dimension: 2 })
    await data('entities/insert', { collectionName: 'first', data: [rowOf(1)] })
    await data('collections/rename', { collectionName: 'first', newCollectionName: 'second' })
    await data('collections/compact', { collectionName: 'second' })
    await data('collections/truncate', { collectionName: 'second' })
    await data('collections/drop', { collectionName: 'second' })
    await data('collections/drop', { collectionName: 'second' })
  })
  await unchanged()
}

async function unchanged() {
  await check('collections: listed', async () => (await data('collections/list')).sort(), [
    'all_types',
    'growing',
    'idle',
    'my_collection',
    PARTS,
  ])
  await check(
    'collections: asked for',
    async () => [
      await data('collections/has', parts()),
      await data('collections/has', { collectionName: 'second' }),
    ],
    [{ has: true }, { has: false }],
  )
  await check('partitions: listed', async () => (await data('partitions/list', parts())).sort(), [
    '_default',
    'east',
    'west',
  ])
  await check(
    'partitions: rows of one',
    () =>
      data('entities/query', parts({ filter: 'id >= 0', partitionNames: ['west'], outputFields: ['note'] })),
    [
      { id: 2, note: 'n2' },
      { id: 3, note: 'n3' },
    ],
  )
  await check(
    'partitions: rows counted',
    () => data('partitions/get_stats', parts({ partitionName: 'west' })),
    { rowCount: 2 },
  )
  await check(
    'aliases: the alias leads to the rows',
    () => data('entities/get', { collectionName: 'compass', id: [4], outputFields: ['note'] }),
    [{ id: 4, note: 'n4' }],
  )
  await check('aliases: described', () => data('aliases/describe', { aliasName: 'compass' }), {
    dbName: 'default',
    collectionName: PARTS,
    aliasName: 'compass',
  })
  await check('databases: listed', async () => (await data('databases/list')).sort(), ['default', OTHER])
  await check(
    'databases: rows in the other one',
    () =>
      data('entities/query', {
        dbName: OTHER,
        collectionName: 'books',
        filter: 'id == 1',
        outputFields: ['*'],
      }),
    [rowOf(1)],
  )
  await check('indexes: described', async () => {
    const [one] = await data('indexes/describe', { collectionName: 'idle', indexName: 'by_vector' })
    return [one.indexName, one.fieldName, one.indexType, one.metricType, one.indexState]
  }, ['by_vector', 'vector', 'HNSW', 'IP', 'Finished'])
  await check(
    'fields: the added one is there',
    () => data('entities/query', { collectionName: 'growing', filter: 'id > 0', outputFields: ['stars'] }),
    [
      { id: 1, stars: null },
      { id: 2, stars: 5 },
    ],
  )
  await check('properties: of the collection', async () => {
    const { properties } = await data('collections/describe', { collectionName: 'growing' })
    return properties.filter(one => one.key.startsWith('collection.'))
  }, [{ key: 'collection.ttl.seconds', value: '86400' }])
}

export async function after() {
  await unchanged()
  await does('the end: everything is dropped', async () => {
    await data('aliases/drop', { aliasName: 'compass' })
    await data('collections/drop', { dbName: OTHER, collectionName: 'books' })
    await data('databases/drop', { dbName: OTHER })
    for (const collectionName of await data('collections/list'))
      await data('collections/drop', { collectionName })
  })
  await check('the end: nothing is left', () => data('collections/list'), [])
}
