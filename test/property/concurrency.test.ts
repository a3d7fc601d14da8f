/**
 * Many callers at once: no merge is lost, no reader sees a torn row, no key ends up twice.
 *
 * MERGES=… asks for more merges per merger (10,000 is the figure in docs/testing.md), SEED=… for another order.
 */
import t from 'tap'
import { type Collection, type Database, DataType, open } from '../../lib/index.js'
import { rng } from '../support/rng.js'

t.setTimeout(900_000)
const SEED = Number(process.env['SEED'] ?? 99)
const MERGES = Number(process.env['MERGES'] ?? 600)
const MERGERS = 8
const ROWS = 500

async function counters(directory: string): Promise<{ db: Database; collection: Collection }> {
  const db = await open(directory, { flushRowsMax: 2_000, indexRowsMin: 512 })
  const fields = Array.from({ length: MERGERS }, (_, i) => ({
    name: `c${i}`,
    dataType: DataType.Int64,
    defaultValue: 0,
  }))
  const collection = await db.createCollection({
    name: 'counters',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vec', dataType: DataType.FloatVector, dim: 4 },
      {
        name: 'log',
        dataType: DataType.Array,
        elementType: DataType.Int64,
        maxCapacity: 4096,
        nullable: true,
      },
      ...fields,
    ],
    indexes: [{ fieldName: 'vec', indexType: 'HNSW', metricType: 'L2' }],
  })
  await collection.upsert(Array.from({ length: ROWS }, (_, id) => ({ id, vec: [id, 0, 0, 1], log: [] })))
  return { db, collection }
}

t.test(
  `${MERGERS} mergers × ${MERGES} partial updates of different fields lose nothing (SEED=${SEED})`,
  { timeout: 600_000 },
  async test => {
    const { db, collection } = await counters(test.testdir())
    const wanted = Array.from({ length: ROWS }, () => new Array<number>(MERGERS).fill(0))
    const random = rng(SEED)
    const streams = Array.from({ length: MERGERS }, () => random.fork())
    await Promise.all(
      streams.map(async (own, merger) => {
        for (let n = 1; n <= MERGES; n++) {
          const id = own.int(ROWS)
          wanted[id]![merger] = n
          await collection.upsert([{ id, [`c${merger}`]: n }], { partialUpdate: true })
        }
      }),
    )
    const rows = await collection.query({ filter: 'id >= 0' })
    test.equal(rows.length, ROWS, 'one row per key')
    let lost = 0
    for (const row of rows) {
      const { id } = row as { id: number }
      for (let m = 0; m < MERGERS; m++) if (row[`c${m}`] !== wanted[id]![m]) lost++
    }
    test.equal(lost, 0, 'fields lost')
    test.equal(await collection.count(), ROWS, 'no second version of any key')
    await db.close()
  },
)

t.test('appends to one array from many callers all arrive', async test => {
  const { db, collection } = await counters(test.testdir())
  const appends = Array.from({ length: 400 }, (_, n) =>
    collection.upsert([{ id: 7, log: [n] }], { partialUpdate: true, fieldOps: { log: 'ARRAY_APPEND' } }),
  )
  await Promise.all(appends)
  const [row] = await collection.get([7], { outputFields: ['log'] })
  test.same(
    row!['log'],
    Array.from({ length: 400 }, (_, n) => n),
    'every element once, in the order of the calls',
  )
  await db.close()
})

t.test('two merges that both insert the same new key leave one row', async test => {
  const { db, collection } = await counters(test.testdir())
  await Promise.all(
    [1, 2, 3, 4].map(n =>
      collection.upsert([{ id: 10_000, vec: [n, 0, 0, 0], [`c${n}`]: n }], { partialUpdate: true }),
    ),
  )
  test.equal(await collection.count({ filter: 'id == 10000' }), 1)
  const [row] = await collection.get([10_000])
  for (const n of [1, 2, 3, 4]) test.equal(row![`c${n}`], n, `merge ${n} took effect`)
  await db.close()
})

t.test(
  'readers see the old row or the new one, whole requests, never both and never neither',
  { timeout: 120_000 },
  async test => {
    const { db, collection } = await counters(test.testdir())
    const ids = Array.from({ length: 40 }, (_, id) => id)
    let writing = true
    const writer = (async () => {
      for (let n = 1; n <= 150; n++) {
        await collection.upsert(ids.map(id => ({ id, vec: [n, id, 0, 0], c0: n, c1: n })))
        if (n % 40 === 0) await collection.flush()
        if (n === 100) await collection.compact()
      }
      writing = false
    })()
    let reads = 0
    let before = 0
    while (writing) {
      const rows = await collection.query({ filter: 'id < 40', outputFields: ['c0', 'c1'] })
      const [hits] = await collection.search({
        data: [[before, 0, 0, 0]],
        limit: 50,
        filter: 'id < 40',
        outputFields: ['c0'],
      })
      const values = new Set(rows.flatMap(row => [row['c0'], row['c1']]))
      const scored = new Set(hits!.map(hit => hit.entity['c0']))
      if (rows.length !== 40 || values.size !== 1 || hits!.length !== 40 || scored.size !== 1) {
        test.fail(
          `torn read: ${rows.length} rows with ${[...values].join()}; ${hits!.length} hits with ${[...scored].join()}`,
        )
        break
      }
      const now = Number([...values][0])
      if (now < before) test.fail(`a later read saw an older state: ${now} after ${before}`)
      before = now
      reads++
    }
    await writer
    test.ok(reads > 10, `${reads} reads while writing`)
    await db.close()
  },
)
