/** What newer servers have: points in time, null vectors, long texts, searches by key, ordered and grouped hits, new fields. */
import { DataType, FunctionType } from '@zilliz/milvus2-sdk-node'
import { client, idsOf, refusal, rowsOf, SDK_VERSION, yes } from './sdk.mjs'
import { check, does, skip } from './tap.mjs'

const NAME = 'newer'

/** The 2.6 line of the SDK knows neither null vectors nor the type Text. */
const IS_3 = !SDK_VERSION.startsWith('2.')

const numbers = [0, 1, 2, 3, 4, 5]

const rowOf = n => ({
  id: `key ${n}`,
  dense: [n, 1],
  at: n === 5 ? null : `2026-01-0${n + 1}T00:00:00Z`,
  place: n === 5 ? null : `POINT (${n} ${n})`,
  team: n % 3,
  ...(IS_3 && { hint: n % 2 === 0 ? [n, 2] : null, story: 'long '.repeat(n * 1000) }),
})

async function create() {
  const fields = [
    { name: 'id', data_type: DataType.VarChar, max_length: 16, is_primary_key: true },
    { name: 'dense', data_type: DataType.FloatVector, dim: 2 },
    { name: 'at', data_type: DataType.Timestamptz, nullable: true },
    { name: 'place', data_type: DataType.Geometry, nullable: true },
    { name: 'team', data_type: DataType.Int16 },
  ]
  const index_params = [
    { field_name: 'dense', index_type: 'HNSW', metric_type: 'L2', params: { M: 8, efConstruction: 50 } },
  ]
  if (IS_3) {
    fields.push({ name: 'hint', data_type: DataType.FloatVector, dim: 2, nullable: true })
    fields.push({ name: 'story', data_type: DataType.Text, nullable: true })
    index_params.push({ field_name: 'hint', index_type: 'AUTOINDEX', metric_type: 'L2' })
  }
  yes(await client.createCollection({ collection_name: NAME, fields, index_params }))
}

export async function before() {
  await does('newer: the collection is created', create)
  await check(
    'newer: insert',
    async () => yes(await client.insert({ collection_name: NAME, data: numbers.map(rowOf) })).insert_cnt,
    '6',
  )
  await functions()
  await unchanged()
}

/** Analyzers and BM25 are not here: the refusal is clear, and nothing is left of it. */
async function functions() {
  skip('functions: search by text (BM25) and analyzers', 'not built: refused with code 3000')
  const fields = [
    { name: 'id', data_type: DataType.Int64, is_primary_key: true },
    { name: 'text', data_type: DataType.VarChar, max_length: 64 },
    { name: 'vector', data_type: DataType.FloatVector, dim: 2 },
  ]
  const embedding = {
    name: 'embed',
    type: FunctionType.TEXTEMBEDDING,
    input_field_names: ['text'],
    output_field_names: ['vector'],
    params: { provider: 'openai', model_name: 'm' },
  }
  await check(
    'functions: of an embedding provider are refused',
    async () => [
      ...(await refusal(
        () => client.createCollection({ collection_name: 'embedded', fields, functions: [embedding] }),
        'only BM25',
      )),
      (await client.hasCollection({ collection_name: 'embedded' })).value,
    ],
    [3000, 'only BM25', false],
  )
}

export async function unchanged() {
  await check(
    'newer: every value comes back',
    () => rowsOf({ collection_name: NAME, filter: 'team >= 0', output_fields: Object.keys(rowOf(0)) }),
    numbers.map(rowOf),
  )
  const keys = async filter =>
    (await rowsOf({ collection_name: NAME, filter, output_fields: ['id'] })).map(row => row.id)
  await check('newer: text keys', () => keys('id in ["key 2", "key 4"]'), ['key 2', 'key 4'])
  await check(
    'newer: get by text keys',
    async () =>
      yes(await client.get({ collection_name: NAME, ids: ['key 3'], output_fields: ['team'] })).data,
    [{ id: 'key 3', team: 0 }],
  )
  await check(
    'newer: points in time compare',
    () => keys(`at > ISO '2026-01-02T12:00:00Z' and at < ISO '2026-01-05T00:00:00Z'`),
    ['key 2', 'key 3'],
  )
  await check(
    'newer: places in an area',
    () => keys(`st_within(place, 'POLYGON ((1.5 1.5, 1.5 9, 9 9, 9 1.5, 1.5 1.5))')`),
    ['key 2', 'key 3', 'key 4'],
  )
  const search = more =>
    client.search({
      collection_name: NAME,
      anns_field: 'dense',
      data: [0, 1],
      limit: 6,
      output_fields: ['id', 'team'],
      ...more,
    })
  await check(
    'newer: the best hit of each group',
    async () => yes(await search({ group_by_field: 'team' })).results.map(hit => [hit.id, hit.team]),
    [
      ['key 0', 0],
      ['key 1', 1],
      ['key 2', 2],
    ],
  )
  await check(
    'newer: the two best hits of each group',
    async () =>
      idsOf(
        yes(await search({ group_by_field: 'team', group_size: 2, strict_group_size: true, limit: 2 })),
      ).sort(),
    ['key 0', 'key 1', 'key 3', 'key 4'],
  )
  await check(
    'newer: rounded scores',
    async () =>
      yes(await search({ data: [0.3, 1], limit: 1, params: { round_decimal: 1 } })).results[0].score,
    0.1,
  )
  if (!IS_3) return
  await check(
    'newer: a search passes over null vectors',
    async () => idsOf(yes(await search({ anns_field: 'hint', data: [0, 2] }))),
    ['key 0', 'key 2', 'key 4'],
  )
  await check(
    'newer: a search by the vectors of rows',
    async () => yes(await search({ data: undefined, ids: ['key 2'], limit: 1 })).results.map(hit => hit.id),
    ['key 2'],
  )
}

export async function after() {
  await unchanged()
  if (!IS_3) return
  await check('newer: a field is added and dropped again', async () => {
    const field = { name: 'extra', data_type: DataType.Int64, nullable: true }
    yes(await client.addCollectionField({ collection_name: NAME, field }))
    yes(
      await client.upsert({ collection_name: NAME, data: [{ id: 'key 1', extra: 9 }], partial_update: true }),
    )
    const [before] = await rowsOf({ collection_name: NAME, filter: 'extra == 9', output_fields: ['extra'] })
    yes(await client.dropCollectionField({ collection_name: NAME, field_name: 'extra' }))
    const { schema } = await client.describeCollection({ collection_name: NAME })
    return [before, schema.fields.some(one => one.name === 'extra')]
  }, [{ id: 'key 1', extra: '9' }, false])
}
