/** The examples of the page "Upsert Entities", what each prints, and what they leave behind. */
import { DataType } from '@zilliz/milvus2-sdk-node'
import { FIRST, IN_PARTITION, MERGE, THERE_BEFORE } from './page-rows.mjs'
import { client, idsOf, rowsOf, yes } from './sdk.mjs'
import { check, does, float32 } from './tap.mjs'

const NAME = 'my_collection'

/** A row as the SDK shows it: longs are text, vectors are float32. */
const read = row => ({ ...row, id: String(row.id), vector: float32(row.vector) })

async function create() {
  yes(
    await client.createCollection({
      collection_name: NAME,
      enable_dynamic_field: true,
      fields: [
        { name: 'id', data_type: DataType.Int64, is_primary_key: true, autoID: false },
        { name: 'vector', data_type: DataType.FloatVector, dim: 5 },
        { name: 'title', data_type: DataType.VarChar, max_length: 512 },
        { name: 'issue', data_type: DataType.VarChar, max_length: 64, nullable: true },
      ],
      index_params: [{ field_name: 'vector', index_type: 'AUTOINDEX', metric_type: 'COSINE' }],
    }),
  )
  yes(await client.createPartition({ collection_name: NAME, partition_name: 'partitionA' }))
  yes(await client.insert({ collection_name: NAME, data: THERE_BEFORE }))
}

const rows = (partition, filter = 'id >= 0') =>
  rowsOf({
    collection_name: NAME,
    filter,
    output_fields: ['id', 'vector', 'title', 'issue'],
    partition_names: [partition],
  })

/** What the page prints, and the ids of the answer. */
const printed = async request => {
  const res = yes(await client.upsert({ collection_name: NAME, ...request }))
  return [String(res.upsert_cnt), res.IDs.int_id.data]
}

export async function before() {
  await does('page: the collection is created with partitionA', create)
  await check('page: upsert entities in a collection', () => printed({ data: FIRST }), ['3', ['0', '1', '2']])
  await check(
    'page: upsert entities in a partition',
    () => printed({ data: IN_PARTITION, partition_name: 'partitionA' }),
    ['3', ['10', '11', '12']],
  )
  await check('page: upsert entities in merge mode', () => printed({ data: MERGE, partial_update: true }), [
    '2',
    ['3', '12'],
  ])
  await unchanged()
}

async function unchanged() {
  const merged = THERE_BEFORE.map((row, at) => ({ ...row, issue: MERGE[at].issue }))
  await check('page: every value of the collection', () => rows('_default'), [...FIRST, ...merged].map(read))
  await check('page: every value of partitionA', () => rows('partitionA'), IN_PARTITION.map(read))
  await check(
    'page: get answers the newest copy',
    async () => (await client.get({ collection_name: NAME, ids: [12], output_fields: ['issue'] })).data,
    [{ id: '12', issue: 'vol.7' }],
  )
  await check('page: the nearest row is the row itself', async () => {
    const found = yes(
      await client.search({
        collection_name: NAME,
        data: FIRST[1].vector,
        limit: 1,
        output_fields: ['id', 'title'],
      }),
    )
    return [idsOf(found), found.results[0].title, found.results[0].score.toFixed(5)]
  }, [['1'], 'Hollow Man', '1.00000'])
}

export async function after() {
  await unchanged()
  await check(
    'page: a merge that names the partition changes the copy in it',
    async () => [
      ...(await printed({
        data: [{ id: 12, issue: 'vol.8' }],
        partition_name: 'partitionA',
        partial_update: true,
      })),
      (await rows('partitionA', 'id == 12'))[0].issue,
      (await rows('_default', 'id == 12'))[0].issue,
    ],
    ['1', ['12'], 'vol.8', 'vol.7'],
  )
  await notes()
}

/** The special notes of the page: nulls and dynamic keys, in both modes. */
async function notes() {
  const whole = { id: 20, vector: [1, 2, 3, 4, 5], title: 'Notes', issue: 'vol.1' }
  const dynamic = { author: 'John', year: 2020, tags: ['fiction'] }
  const names = ['title', 'issue', 'author', 'year', 'tags', 'genre']
  const stored = async (row, partial_update) => {
    yes(await client.upsert({ collection_name: NAME, data: [row], partial_update }))
    const { id, $meta, ...fields } = (
      await rowsOf({ collection_name: NAME, ids: [20], output_fields: ['*'] })
    )[0]
    const found = { ...fields, ...$meta }
    return Object.fromEntries(names.filter(name => name in found).map(name => [name, found[name]]))
  }
  const { title, issue } = whole
  await check('page: dynamic keys are stored', () => stored({ ...whole, ...dynamic }, false), {
    title,
    issue,
    ...dynamic,
  })
  await check(
    'page: a merge keeps the issue and merges dynamic keys',
    () => stored({ id: 20, author: 'Jane', genre: 'fantasy' }, true),
    { title, issue, ...dynamic, author: 'Jane', genre: 'fantasy' },
  )
  await check(
    'page: override without the issue makes it null and drops the other dynamic keys',
    () => stored({ id: 20, vector: whole.vector, title, author: 'Jane', genre: 'fantasy' }, false),
    { title, issue: null, author: 'Jane', genre: 'fantasy' },
  )
  await check(
    'page: the row is deleted again',
    async () => (await client.delete({ collection_name: NAME, ids: [20] })).delete_cnt,
    '1',
  )
}
