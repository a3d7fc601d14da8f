/** Many rows, many calls at once, and a long way through flushes, compactions and restarts. */
import { DataType } from '@zilliz/milvus2-sdk-node'
import { client, rowsOf, yes } from './sdk.mjs'
import { check, does } from './tap.mjs'

const NAME = 'heavy'
const COUNT = 12_000
const DIM = 32
const BATCH = 2_000
const WRITERS = 8
const TURNS = 25

/** Vector of a row: numbers of a small generator that starts from the row's key. */
function vectorOf(n) {
  let state = (n * 2654435761 + 1) >>> 0
  return Array.from({ length: DIM }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.fround(state / 2 ** 32 - 0.5)
  })
}

const distance = (a, b) => a.reduce((sum, value, at) => sum + (value - b[at]) ** 2, 0)
const numbers = Array.from({ length: COUNT }, (_, n) => n)
const rowOf = n => ({ id: n, vector: vectorOf(n), shelf: n % 10, name: `row ${n}`, log: [] })

/** Rows that are left: every seventh is deleted, and the shelf of every hundredth is upserted. */
const left = numbers.filter(n => n % 7 !== 3)
const shelfOf = n => (n % 100 === 0 ? 77 : n % 10)

export async function before() {
  await does('heavy: the collection is created', async () =>
    yes(
      await client.createCollection({
        collection_name: NAME,
        fields: [
          { name: 'id', data_type: DataType.Int64, is_primary_key: true },
          { name: 'vector', data_type: DataType.FloatVector, dim: DIM },
          { name: 'shelf', data_type: DataType.Int32 },
          { name: 'name', data_type: DataType.VarChar, max_length: 32 },
          { name: 'log', data_type: DataType.Array, element_type: DataType.Int64, max_capacity: 400 },
        ],
        index_params: [
          {
            field_name: 'vector',
            index_type: 'HNSW',
            metric_type: 'L2',
            params: { M: 16, efConstruction: 100 },
          },
          { field_name: 'shelf', index_type: 'INVERTED' },
        ],
      }),
    ),
  )
  await does('heavy: batches at once, flushes between', async () => {
    for (let from = 0; from < COUNT; from += 2 * BATCH) {
      const halves = [from, from + BATCH].map(at =>
        client.insert({ collection_name: NAME, data: numbers.slice(at, at + BATCH).map(rowOf) }),
      )
      for (const answer of await Promise.all(halves)) yes(answer)
      yes(await client.flushSync({ collection_names: [NAME] }))
    }
  })
  await does('heavy: upserts and deletes', async () => {
    const data = numbers.filter(n => n % 100 === 0).map(n => ({ ...rowOf(n), shelf: 77 }))
    yes(await client.upsert({ collection_name: NAME, data }))
    yes(await client.delete({ collection_name: NAME, filter: 'id % 7 == 3' }))
  })
  await check('heavy: merges of one row from many sides lose nothing', merges, WRITERS * TURNS)
  await does('heavy: compaction', async () => yes(await client.compact({ collection_name: NAME })))
  await unchanged()
}

/** Every writer appends its own numbers to the array of one row; how many different ones are there then. */
async function merges() {
  const field_ops = [{ field_name: 'log', op: 'ARRAY_APPEND' }]
  const writer = async w => {
    for (let turn = 0; turn < TURNS; turn++) {
      const data = [{ id: 1, log: [w * TURNS + turn] }]
      yes(await client.upsert({ collection_name: NAME, data, partial_update: true, field_ops }))
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, (_, w) => writer(w)))
  const [{ log }] = await rowsOf({ collection_name: NAME, ids: [1], output_fields: ['log'] })
  return new Set(log).size
}

export async function unchanged() {
  await check('heavy: counted', async () => (await client.count({ collection_name: NAME })).data, left.length)
  await check('heavy: every row, in pages of an iterator', async () => {
    const wrong = []
    let seen = 0
    const iterator = await client.queryIterator({
      collection_name: NAME,
      batchSize: 1_500,
      expr: '',
      output_fields: ['id', 'shelf', 'name', 'vector'],
    })
    for await (const page of iterator) {
      for (const row of page) {
        const n = Number(row.id)
        const good =
          n === left[seen] &&
          row.shelf === shelfOf(n) &&
          row.name === `row ${n}` &&
          String(row.vector) === String(vectorOf(n))
        if (!good && wrong.length < 3) wrong.push(row)
        seen++
      }
    }
    return [seen, wrong]
  }, [left.length, []])
  await check(
    'heavy: counted by a filter',
    async () => (await client.count({ collection_name: NAME, expr: 'shelf == 77' })).data,
    left.filter(n => shelfOf(n) === 77).length,
  )
  for (const filter of ['', 'shelf == 4', 'id < 200']) {
    await check(
      `heavy: nearest rows of 20 vectors, filter '${filter}'`,
      () => recall(filter),
      'at least 0.95',
    )
  }
}

/** Share of the true ten nearest rows that searches find, over 20 vectors. */
async function recall(filter) {
  const test = { '': () => true, 'shelf == 4': n => shelfOf(n) === 4, 'id < 200': n => n < 200 }[filter]
  const rows = left.filter(test).map(n => [n, vectorOf(n)])
  const queries = Array.from({ length: 20 }, (_, q) => vectorOf(COUNT + q))
  const found = yes(
    await client.search({
      collection_name: NAME,
      data: queries,
      limit: 10,
      filter,
      output_fields: ['id'],
      params: { ef: 100 },
    }),
  )
  let hits = 0
  for (const [at, query] of queries.entries()) {
    const near = rows.map(([n, vector]) => [n, distance(query, vector)]).sort((a, b) => a[1] - b[1])
    const best = new Set(near.slice(0, 10).map(([n]) => String(n)))
    hits += found.results[at].filter(hit => best.has(String(hit.id))).length
  }
  return hits >= 190 ? 'at least 0.95' : hits / 200
}

export async function after() {
  await unchanged()
  await check('heavy: writes and reads side by side see one state', async () => {
    const wrong = []
    const key = 5
    const write = async () => {
      for (let turn = 0; turn < 40; turn++) {
        const data = [{ ...rowOf(key), shelf: 1000 + turn, name: `turn ${turn}` }]
        yes(await client.upsert({ collection_name: NAME, data }))
      }
    }
    const read = async () => {
      for (let turn = 0; turn < 40; turn++) {
        const rows = await rowsOf({ collection_name: NAME, ids: [key], output_fields: ['shelf', 'name'] })
        const [row] = rows
        const same = row?.name === `turn ${row?.shelf - 1000}` || row?.name === `row ${key}`
        if (rows.length !== 1 || !same) wrong.push(rows)
      }
    }
    await Promise.all([write(), read(), read()])
    return wrong
  }, [])
}
