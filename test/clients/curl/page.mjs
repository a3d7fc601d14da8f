/** The cURL examples of the page "Upsert Entities", what each prints, and what they leave behind. */
import { data, refusal, script } from './curl.mjs'
import { UPSERT, UPSERT_INTO_PARTITION, UPSERT_MERGE } from './examples.mjs'
import { IN_PARTITION, MERGE, THERE_BEFORE } from './page-rows.mjs'
import { check, does, float32 } from './tap.mjs'

const NAME = 'my_collection'

/** The vectors of the first cURL example are others than those of the other languages. */
const FIRST = [
  [0.3580376395471989, -0.6023495712049978, 0.18414012509913835, -0.26286205330961354, 0.9029438446296592],
  [0.19886812562848388, 0.06023560599112088, 0.6976963061752597, 0.2614474506242501, 0.838729485096104],
  [0.43742130801983836, -0.5597502546264526, 0.6457887650909682, 0.7894058910881185, 0.20785793220625592],
].map((vector, id) => ({
  id,
  vector,
  title: ['Artificial Intelligence in Real Life', 'Hollow Man', 'Treasure Hunt in Missouri'][id],
  issue: ['vol.12', 'vol.19', 'vol.12'][id],
}))

/** Rows with their vectors as float32, and their keys in one order. */
const read = rows =>
  rows.map(({ id, vector, title, issue }) => ({ id, vector: float32(vector), title, issue }))

const rows = async (partition, filter = 'id >= 0') =>
  read(
    await data('entities/query', {
      collectionName: NAME,
      filter,
      outputFields: ['id', 'vector', 'title', 'issue'],
      partitionNames: [partition],
    }),
  )

/** The example without the comma behind the last row. */
const repaired = text => text.replace(/\},(\s*\],)/, '}$1')

/** What the page shows of an answer: its code and its data. */
const printed = async text => {
  const { code, data } = await script(text)
  return { code, data }
}

async function create() {
  await data('collections/create', {
    collectionName: NAME,
    schema: {
      autoID: false,
      enableDynamicField: true,
      fields: [
        { fieldName: 'id', dataType: 'Int64', isPrimary: true },
        { fieldName: 'vector', dataType: 'FloatVector', elementTypeParams: { dim: 5 } },
        { fieldName: 'title', dataType: 'VarChar', elementTypeParams: { max_length: 512 } },
        { fieldName: 'issue', dataType: 'VarChar', elementTypeParams: { max_length: 64 }, nullable: true },
      ],
    },
    indexParams: [{ fieldName: 'vector', indexName: 'vector', indexType: 'AUTOINDEX', metricType: 'COSINE' }],
  })
  await data('partitions/create', { collectionName: NAME, partitionName: 'partitionA' })
  await data('entities/insert', { collectionName: NAME, data: THERE_BEFORE })
}

export async function before() {
  await does('page: the collection is created with partitionA', create)
  for (const text of [UPSERT, UPSERT_INTO_PARTITION]) {
    await check('page: a comma too many is no JSON', async () => (await script(text)).code, 1801)
  }
  await check('page: upsert entities in a collection', () => printed(repaired(UPSERT)), {
    code: 0,
    data: { upsertCount: 3, upsertIds: [0, 1, 2] },
  })
  await check('page: upsert entities in a partition', () => printed(repaired(UPSERT_INTO_PARTITION)), {
    code: 0,
    data: { upsertCount: 3, upsertIds: [10, 11, 12] },
  })
  await check('page: upsert entities in merge mode', () => printed(UPSERT_MERGE), {
    code: 0,
    data: { upsertCount: 2, upsertIds: [3, 12] },
  })
  await unchanged()
}

async function unchanged() {
  const merged = THERE_BEFORE.map((row, at) => ({ ...row, issue: MERGE[at].issue }))
  await check('page: every value of the collection', () => rows('_default'), read([...FIRST, ...merged]))
  await check('page: every value of partitionA', () => rows('partitionA'), read(IN_PARTITION))
  await check(
    'page: get answers the newest copy',
    () => data('entities/get', { collectionName: NAME, id: 12, outputFields: ['issue'] }),
    [{ id: 12, issue: 'vol.7' }],
  )
  await check('page: the nearest row is the row itself', async () => {
    const request = { collectionName: NAME, data: [FIRST[1].vector], limit: 1, outputFields: ['title'] }
    const [hit] = await data('entities/search', request)
    return [hit.id, hit.title, hit.distance.toFixed(5)]
  }, [1, 'Hollow Man', '1.00000'])
}

export async function after() {
  await unchanged()
  const upsert = more => data('entities/upsert', { collectionName: NAME, ...more })
  await check(
    'page: a merge that names the partition changes the copy in it',
    async () => [
      await upsert({ data: [{ id: 12, issue: 'vol.8' }], partitionName: 'partitionA', partialUpdate: true }),
      (await rows('partitionA', 'id == 12'))[0].issue,
      (await rows('_default', 'id == 12'))[0].issue,
    ],
    [{ upsertCount: 1, upsertIds: [12] }, 'vol.8', 'vol.7'],
  )
  const whole = { id: 20, vector: [1, 2, 3, 4, 5], title: 'Notes', issue: 'vol.1' }
  const dynamic = { author: 'John', year: 2020, tags: ['fiction'] }
  const stored = async (row, partialUpdate) => {
    await upsert({ data: [row], partialUpdate })
    return (await data('entities/get', { collectionName: NAME, id: [20] }))[0]
  }
  await check('page: dynamic keys are stored', () => stored({ ...whole, ...dynamic }), {
    ...whole,
    ...dynamic,
  })
  await check(
    'page: a merge keeps the issue and merges dynamic keys',
    () => stored({ id: 20, author: 'Jane', genre: 'fantasy' }, true),
    { ...whole, ...dynamic, author: 'Jane', genre: 'fantasy' },
  )
  await check(
    'page: override without the issue makes it null and drops the other dynamic keys',
    () => stored({ id: 20, vector: whole.vector, title: whole.title, author: 'Jane' }),
    { ...whole, issue: null, author: 'Jane' },
  )
  await check(
    'page: a merge of an unknown key lacks its vector',
    () =>
      refusal(
        'entities/upsert',
        { collectionName: NAME, data: [{ id: 99, issue: 'x' }], partialUpdate: true },
        'vector',
      ),
    [1100, 'vector'],
  )
}
