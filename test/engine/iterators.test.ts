/**
 * Iterators: every row once, in order, over the state of the moment they were opened, whatever happens beside them;
 * and what they hold is let go of, however they end.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import {
  type Collection,
  type CreateCollection,
  DataType,
  open,
  type PageIterator,
  type Row,
  type SearchHit,
} from '../../lib/index.js'
import { rng } from '../support/rng.js'
import { type Bench, refusal, STATES, THINGS, things } from './ddl-fixture.js'

/** Rows whose scores tie in groups of five. */
function rows(from: number, to: number): Row[] {
  return Array.from({ length: to - from }, (_, i) => {
    const id = from + i
    return { id, vec: [Math.floor(id / 5), 0], tag: `t${id % 3}`, n: id * 10 }
  })
}

async function all<T>(iterator: PageIterator<T>): Promise<T[]> {
  const found: T[] = []
  for await (const page of iterator) found.push(...page)
  return found
}

const idsOf = (found: readonly (Row | SearchHit)[]): number[] => found.map(row => Number(row['id' as never]))
const upTo = (count: number): number[] => Array.from({ length: count }, (_, id) => id)

/** Written in two halves, the first one flushed, in no order. */
async function shuffled(bench: Bench, count: number): Promise<void> {
  const random = rng(7)
  const list = rows(0, count)
    .map(row => ({ row, at: random.int(1_000_000) }))
    .sort((a, b) => a.at - b.at)
    .map(({ row }) => row)
  await bench.things.insert(list.slice(0, count / 2))
  await bench.things.flush()
  await bench.things.insert(list.slice(count / 2))
}

for (const state of STATES) {
  t.test(`pages of a query are all rows in key order, ${state}`, async t => {
    const bench = await things(t)
    await shuffled(bench, 200)
    await bench.settle(state)
    for (const batchSize of [1, 7, 64, 200, 16_384]) {
      const iterator = await bench.things.queryIterator({ batchSize, outputFields: ['n'] })
      const found = await all(iterator)
      t.strictSame(idsOf(found), upTo(200), `batch ${batchSize}`)
      t.equal(found[199]!['n'], 1990)
      t.ok(iterator.ended)
    }
    const some = await bench.things.queryIterator({ filter: 'id < 10 or id > 195', batchSize: 4, limit: 12 })
    const sizes: number[] = []
    const found: Row[] = []
    for await (const page of some) {
      sizes.push(page.length)
      found.push(...page)
    }
    t.strictSame(sizes, [4, 4, 4])
    t.strictSame(idsOf(found), [...upTo(10), 196, 197], 'limit counts rows in all')
  })

  t.test(`pages of a search are all rows, nearest first, ${state}`, async t => {
    const bench = await things(t)
    await shuffled(bench, 200)
    await bench.settle(state)
    for (const batchSize of [1, 7, 64, 16_384]) {
      const request = { data: [[0, 0]], batchSize, outputFields: ['tag'] }
      const hits = await all(await bench.things.searchIterator(request))
      t.strictSame(idsOf(hits), upTo(200), `batch ${batchSize}: ties by key, over pages`)
      t.strictSame(hits[7], { id: 7, score: 1, entity: { tag: 't1' } })
    }
    const request = { data: [[0, 0]], filter: 'id % 2 == 0', params: { radius: 100, range_filter: 4 } }
    const hits = await all(await bench.things.searchIterator({ ...request, batchSize: 3, limit: 11 }))
    t.strictSame(
      idsOf(hits),
      upTo(50)
        .filter(id => id >= 10 && id % 2 === 0)
        .slice(0, 11),
      'range, filter and limit',
    )
  })
}

t.test('an iterator reads the moment it was opened', async t => {
  const bench = await things(t)
  await bench.things.insert(rows(0, 100))
  await bench.things.flush()
  await bench.things.insert(rows(100, 200))
  const query = await bench.things.queryIterator({ batchSize: 30, outputFields: ['n'] })
  const search = await bench.things.searchIterator({ data: [[0, 0]], batchSize: 30, outputFields: [] })
  const found = [...(await query.page())]
  const hits = [...(await search.page())]
  await bench.things.upsert(rows(50, 250).map(row => ({ ...row, n: -1 })))
  await bench.things.delete({ filter: 'id < 150' })
  await bench.things.flush()
  await bench.things.compact()
  t.equal(await bench.things.count(), 100, 'the newest state')
  found.push(...(await query.page()))
  await bench.things.truncate()
  t.equal(await bench.things.count(), 0)
  found.push(...(await all(query)))
  hits.push(...(await all(search)))
  t.strictSame(idsOf(found), upTo(200))
  t.ok(
    found.every(row => row['n'] === Number(row['id']) * 10),
    'old values',
  )
  t.strictSame(idsOf(hits), upTo(200))
})

/** Segments that compaction has replaced and iterators keep: their chunks are still on disk. */
async function keptSegments(bench: Bench): Promise<number> {
  const state = bench.db.engine.collection('things').state
  return state.snapshots.holdCount
}

t.test('what an iterator holds is let go of when it ends', async t => {
  const bench = await things(t)
  await bench.things.insert(rows(0, 100))
  await bench.things.flush()
  const iterator = await bench.things.queryIterator({ batchSize: 10 })
  await iterator.page()
  t.equal(await keptSegments(bench), 1)
  await iterator.close()
  await iterator.close()
  t.equal(await keptSegments(bench), 0, 'closed')
  t.strictSame(await iterator.page(), [], 'a closed iterator is at its end')
  for await (const page of await bench.things.queryIterator({ batchSize: 10 })) if (page.length > 0) break
  t.equal(await keptSegments(bench), 0, 'a loop that was left')
  await all(await bench.things.queryIterator({ batchSize: 10 }))
  t.equal(await keptSegments(bench), 0, 'read to the end')
  t.match(await refusal(bench.things.queryIterator({ filter: 'nothing == 1' })), /nothing not exist/)
  t.equal(await keptSegments(bench), 0, 'refused')
})

t.test('a forgotten iterator loses its state after a while, and deleted rows are purged', async t => {
  const bench = await things(t)
  await bench.things.insert(rows(0, 100))
  await bench.things.flush()
  const forgotten = await bench.things.queryIterator({ batchSize: 10 })
  const used = await bench.things.queryIterator({ batchSize: 10 })
  await forgotten.page()
  await bench.things.delete({ filter: 'id < 50' })
  await bench.things.compact()
  t.equal((await bench.things.stats()).sealedRows, 100, 'held back')
  bench.nowMs += 599_000
  await used.page()
  bench.nowMs += 2_000
  await bench.things.compact()
  t.equal(await keptSegments(bench), 1, 'only the one in use')
  t.match(await refusal(forgotten.page()), 'the iterator was not used for 600 s and has lost its state')
  t.strictSame(idsOf(await used.page())[0], 10, 'the other one goes on')
  await used.close()
  await bench.things.compact()
  t.equal((await bench.things.stats()).sealedRows, 50, 'purged')
})

t.test('release, drop, dropped fields and close end iterators with a reason', async t => {
  const bench = await things(t)
  await bench.things.insert(rows(0, 100))
  const open = (): Promise<PageIterator<Row>> => bench.things.queryIterator({ batchSize: 10 })
  const released = await open()
  await bench.things.release()
  t.match(await refusal(released.page()), 'collection not loaded')
  await bench.things.load()
  const changed = await open()
  await bench.things.addField({ name: 'later', dataType: DataType.Int32, nullable: true })
  t.equal((await changed.page()).length, 10, 'a new field disturbs nobody')
  await bench.things.dropField('tag')
  t.match(await refusal(changed.page()), 'collection schema mismatch')
  const closed = await open()
  await bench.reopen()
  t.match(await refusal(closed.page()), 'store is closed')
  const dropped = await open()
  await bench.db.dropCollection('things')
  t.match(await refusal(dropped.page()), "can't find collection")
})

t.test('a cursor continues where its iterator stood', async t => {
  const bench = await things(t)
  await bench.things.insert(rows(0, 100))
  const first = await bench.things.queryIterator({ batchSize: 30 })
  t.equal(first.cursor, null, 'no page, no place')
  await first.page()
  const cursor = first.cursor!
  const search = await bench.things.searchIterator({ data: [[0, 0]], batchSize: 33, outputFields: [] })
  await search.page()
  const place = search.cursor!
  await bench.things.delete({ filter: 'id in [40, 41]' })
  t.strictSame(
    idsOf(await all(await bench.things.queryIterator({ cursor }))),
    upTo(100).slice(30),
    'the same state, while the first one holds it',
  )
  t.strictSame(
    idsOf(await all(await bench.things.searchIterator({ data: [[0, 0]], outputFields: [], cursor: place }))),
    upTo(100).slice(33),
    'inside a tie',
  )
  await first.close()
  await search.close()
  t.match(await refusal(bench.things.queryIterator({ cursor })), 'the state it was made in is gone')
  const newest = await all(await bench.things.queryIterator({ cursor, newestState: true }))
  t.strictSame(
    idsOf(newest),
    upTo(100)
      .slice(30)
      .filter(id => id !== 40 && id !== 41),
  )
  t.match(await refusal(bench.things.queryIterator({ cursor: place })), 'expected one of a query iterator')
  t.match(await refusal(bench.things.queryIterator({ cursor: '{}' })), 'invalid token format')
  await bench.db.createCollection({ ...THINGS, name: 'others' })
  t.match(
    await refusal(bench.db.collection('others').queryIterator({ cursor })),
    'Input collection id is not consistent',
  )
})

t.test('what cannot be iterated over is refused', async t => {
  const bench = await things(t)
  const query = (more: object): Promise<string> => refusal(bench.things.queryIterator(more))
  const search = (more: object): Promise<string> =>
    refusal(bench.things.searchIterator({ data: [[0, 0]], ...more }))
  for (const batchSize of [0, -1, 16_385, 1.5, 'x'])
    t.match(await query({ batchSize }), 'batch size is invalid, it should be in range [1, 16384], but got ')
  t.match(await search({ batchSize: 0 }), 'batch size is invalid')
  for (const limit of [0, -2, 'x']) t.match(await query({ limit }), `limit [${limit}] is invalid`)
  t.match(await query({ orderBy: 'n' }), 'ORDER BY with iterator is not supported')
  t.match(await query({ outputFields: ['count(*)'] }), 'aggregation with iterator is not supported')
  t.match(await search({ groupByField: 'tag' }), 'GroupBy is not permitted when using a search iterator')
  t.match(await search({ orderBy: 'n' }), 'order_by is not supported when using search iterator')
  t.match(await search({ offset: 1 }), 'Setting an offset is not permitted')
  t.match(
    await search({
      data: [
        [0, 0],
        [1, 1],
      ],
    }),
    'does not support processing multiple vectors',
  )
  t.match(await refusal(bench.things.searchIterator({ ids: [1] } as never)), 'search by ids is not supported')
})

t.test('keys inserted twice come once', async t => {
  const bench = await things(t)
  const twice = async (collection: Collection): Promise<void> => {
    await collection.insert([...rows(0, 40), ...rows(0, 40).map(row => ({ ...row, vec: [20, 0] }))])
    await collection.flush()
    await collection.insert(rows(10, 20).map(row => ({ ...row, vec: [30, 0] })))
  }
  await twice(bench.things)
  const hits = await all(
    await bench.things.searchIterator({ data: [[0, 0]], batchSize: 9, outputFields: [] }),
  )
  t.strictSame(idsOf(hits), upTo(40), 'by their best version')
  t.strictSame(idsOf(await all(await bench.things.queryIterator({ batchSize: 9 }))), upTo(40))
})

t.test('expired rows are hidden, texts are in order', async t => {
  const definition: CreateCollection = {
    ...THINGS,
    fields: [
      { name: 'id', dataType: DataType.VarChar, maxLength: 8, primaryKey: true },
      { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
    ],
    properties: { 'collection.ttl.seconds': 60 },
  }
  const bench = await things(t, definition)
  await bench.things.insert([{ id: 'old', vec: [0, 0] }])
  bench.nowMs += 61_000
  await bench.things.insert(['b', 'a', 'é', 'Z'].map(id => ({ id, vec: [0, 0] })))
  const found = await all(await bench.things.queryIterator({ batchSize: 2 }))
  t.strictSame(
    found.map(row => row['id']),
    ['Z', 'a', 'b', 'é'],
  )
})

t.test('a graph proposes nothing to an iterator: every row comes, in exact order', async t => {
  const db = await open(t.testdir(), { indexRowsMin: 16, warn: () => undefined })
  t.teardown(() => db.close())
  const random = rng(11)
  const list = Array.from({ length: 3000 }, (_, id) => ({ id, vec: random.vector(64) }))
  const cloud = await db.createCollection({
    name: 'cloud',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vec', dataType: DataType.FloatVector, dim: 64 },
    ],
    indexes: [{ fieldName: 'vec', indexType: 'HNSW', metricType: 'IP', params: { M: 2, efConstruction: 4 } }],
  })
  await cloud.insert(list)
  await cloud.compact()
  for (let round = 0; round < 8; round++) {
    const query = random.vector(64)
    const request = { data: [query], batchSize: 1, limit: 20, outputFields: [] }
    const hits = await all(await cloud.searchIterator(request))
    const scoreOf = (row: { vec: number[] }): number => row.vec.reduce((sum, x, d) => sum + x * query[d]!, 0)
    const exact = [...list].sort((a, b) => scoreOf(b) - scoreOf(a) || a.id - b.id)
    const apart = idsOf(hits).filter((id, i) => Math.abs(scoreOf(list[id]!) - scoreOf(exact[i]!)) > 1e-4)
    t.strictSame(apart, [], 'as an exact ranking has them')
    t.equal(new Set(idsOf(hits)).size, 20)
  }
})

t.test('a forgotten iterator lets go when it is collected', async t => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const bench = await things(t)
  await bench.things.insert(rows(0, 100))
  const leave = async (): Promise<void> => {
    const iterator = await bench.things.queryIterator({ batchSize: 10 })
    t.equal((await iterator.page()).length, 10)
  }
  await leave()
  t.equal(await keptSegments(bench), 1)
  for (let i = 0; i < 200 && (await keptSegments(bench)) > 0; i++) {
    gc()
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  t.equal(await keptSegments(bench), 0)
})
