/** The SDK's other client: HttpClient, which speaks REST. */
import { HttpClient } from '@zilliz/milvus2-sdk-node'
import { FIRST } from './page-rows.mjs'
import { check, float32, URI } from './tap.mjs'

const NAME = 'by_http'
const http = new HttpClient({ endpoint: URI, token: 'root:Milvus', acceptInt64: true })
const wide = { collectionName: NAME }

const data = answer => {
  if (answer.code !== 0) throw new Error(`code ${answer.code}: ${answer.message}`)
  return answer.data
}

export async function before() {
  await check(
    'http: created',
    async () => {
      data(await http.createCollection({ ...wide, dimension: 5, metricType: 'COSINE' }))
      return data(await http.hasCollection(wide)).has
    },
    true,
  )
  await check('http: upsert', async () => data(await http.upsert({ ...wide, data: FIRST })), {
    upsertCount: 3,
    upsertIds: ['0', '1', '2'].map(Number),
  })
  await unchanged()
}

async function unchanged() {
  await check(
    'http: query',
    async () => data(await http.query({ ...wide, filter: 'id >= 0', outputFields: ['*'] })),
    FIRST.map(row => ({ ...row, vector: shorter(row.vector) })),
  )
  await check('http: get', async () => data(await http.get({ ...wide, id: [1], outputFields: ['title'] })), [
    { id: 1, title: 'Hollow Man' },
  ])
  await check(
    'http: search',
    async () =>
      data(await http.search({ ...wide, data: [FIRST[2].vector], limit: 1, outputFields: ['title'] })).map(
        hit => hit.title,
      ),
    ['Treasure Hunt in Missouri'],
  )
  await check(
    'http: load state',
    async () => data(await http.getCollectionLoadState(wide)).loadState,
    'LoadStateLoaded',
  )
}

/** A float32 as JSON shows it: the shortest text that means it. */
const shorter = vector =>
  float32(vector).map(value => {
    for (let digits = 6; digits < 10; digits++) {
      const short = Number(value.toPrecision(digits))
      if (Math.fround(short) === value) return short
    }
    return value
  })

export async function after() {
  await unchanged()
  await check('http: delete', async () => data(await http.delete({ ...wide, filter: 'id == 0' })), {
    deleteCount: 1,
  })
  await check(
    'http: dropped',
    async () => {
      data(await http.dropCollection(wide))
      return data(await http.hasCollection(wide)).has
    },
    false,
  )
}
