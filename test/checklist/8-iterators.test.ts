/** Checklist 8.5 and 8.6, the lines on iterators: pages without gaps and repeats, over the state they began with. */
import t from 'tap'
import { DataType, type Row } from '../../lib/index.js'
import { hitKeys, ID, keys, L2, refuses, stage, staged, VEC, withFields } from './fixture.js'

const N = withFields([{ name: 'n', dataType: DataType.Int64, nullable: true }])
const row = (id: number, more: Row = {}): Row => ({ id, n: id % 7, vec: [id, 0], ...more })
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i))

/** Pages of an iterator, read to the end. */
async function pagesOf<T>(iterator: Promise<AsyncIterable<T[]>>): Promise<T[][]> {
  const pages: T[][] = []
  for await (const page of await iterator) pages.push(page)
  return pages
}

t.test('8.5.17 [P1] query iterator', async t => {
  const { c, db } = await staged(t, N, rows(0, 60).reverse())
  await c.flush()
  await c.insert(rows(60, 100))
  const read = async (request: object) =>
    (await pagesOf(c.queryIterator({ outputFields: [], ...request }))).map(page => page.map(one => one['id']))
  const all = await keys(c, '')
  for (const batchSize of [1, 7, 50, 100, 101, 16_384]) {
    const pages = await read({ batchSize })
    t.strictSame(pages.flat(), all, `pages of ${batchSize}`)
    t.ok(pages.every((page, i) => page.length === batchSize || i === pages.length - 1))
  }
  t.strictSame(
    (await read({ batchSize: 10, limit: 25 })).map(page => page.length),
    [10, 10, 5],
  )
  t.strictSame((await read({ batchSize: 10, limit: -1 })).flat(), all)
  t.strictSame((await read({ batchSize: 10, limit: 1000 })).flat(), all)
  const either = 'n == 1 or n == 2'
  t.strictSame(
    (await read({ batchSize: 4, filter: either })).flat(),
    await keys(c, either),
    'a filter with or',
  )
  t.strictSame(await read({ filter: 'id > 1000' }), [])
  t.strictSame((await pagesOf(c.queryIterator({ batchSize: 100, outputFields: ['n'] })))[0]![8], {
    id: 8,
    n: 1,
  })
  for (const batchSize of [0, -1, 16_385])
    await refuses(
      t,
      () => c.queryIterator({ batchSize }),
      1100,
      `batch size is invalid, it should be in range [1, 16384], but got ${batchSize}`,
    )
  for (const limit of [0, -5, 1.5])
    await refuses(t, () => c.queryIterator({ limit }), 1100, `limit [${limit}] is invalid`)
  const texts = { fields: [{ ...ID, dataType: DataType.VarChar, maxLength: 8 }, VEC], indexes: [L2] }
  const named = await db.createCollection({ name: 'texts', ...texts })
  await named.insert(['b', 'a', 'ä', 'B', ''].map(id => ({ id, vec: [0, 0] })))
  const found = await pagesOf(named.queryIterator({ batchSize: 2, outputFields: [] }))
  t.strictSame(
    found.flat().map(one => one['id']),
    ['', 'B', 'a', 'b', 'ä'],
    'text keys',
  )
})

t.test('8.5.17 [P1] a query iterator over rows that change and expire', async t => {
  let nowMs = Date.UTC(2026, 0, 1)
  const made = await staged(t, N, rows(0, 40), { nowMs: () => nowMs })
  const seen: unknown[] = []
  for await (const page of await made.c.queryIterator({ batchSize: 5, outputFields: [] })) {
    seen.push(...page.map(one => one['id']))
    await made.c.upsert([row(seen.length), row(seen.length + 3)])
    await made.c.insert([row(1000 + seen.length)])
    await made.c.delete({ ids: [39 - seen.length] })
    if (seen.length % 10 === 0) await made.c.compact()
  }
  t.strictSame(
    seen,
    rows(0, 40).map(one => one['id']),
    'each row of the beginning once',
  )
  await made.c.truncate()
  await made.c.insert(rows(0, 3))
  nowMs += 100_000
  await made.c.insert(rows(3, 5))
  await made.c.alterProperties({ 'collection.ttl.seconds': 50 })
  t.strictSame(
    (await pagesOf(made.c.queryIterator({ outputFields: [] }))).flat(),
    [{ id: 3 }, { id: 4 }],
    'expired rows are hidden',
  )
})

t.test('8.6.20 [P1] search iterator', async t => {
  const { db } = await stage(t)
  for (const metricType of ['L2', 'IP', 'COSINE']) {
    const c = await db.createCollection({ name: metricType, ...N, indexes: [{ ...L2, metricType }] })
    await c.insert(rows(0, 30).map((one, i) => ({ ...one, vec: [1 + (i % 10), (i * 7) % 5] })))
    await c.flush()
    await c.insert(rows(30, 50).map((one, i) => ({ ...one, vec: [1 + (i % 10), 3] })))
    const whole = (await c.search({ data: [[1, 2]], limit: 50, outputFields: [] }))[0]!
    for (const batchSize of [1, 7, 50, 16_384]) {
      const pages = await pagesOf(c.searchIterator({ data: [[1, 2]], batchSize, outputFields: [] }))
      t.strictSame(
        pages.flat(),
        whole,
        `${metricType} in pages of ${batchSize}: sorted, no hit twice, ties kept`,
      )
    }
    const filter = 'n == 1 or n == 3'
    const filtered = await pagesOf(
      c.searchIterator({ data: [[1, 2]], batchSize: 4, filter, outputFields: ['n'] }),
    )
    t.strictSame(
      filtered.flat(),
      (await c.search({ data: [[1, 2]], limit: 50, filter, outputFields: ['n'] }))[0],
      'filtered',
    )
    const limited = await pagesOf(
      c.searchIterator({ data: [[1, 2]], batchSize: 4, limit: 10, outputFields: [] }),
    )
    t.strictSame([limited.flat(), limited.map(page => page.length)], [whole.slice(0, 10), [4, 4, 2]])
    await refuses(
      t,
      () =>
        c.searchIterator({
          data: [
            [1, 2],
            [1, 2],
          ],
        }),
      1100,
      'does not support processing multiple vectors simultaneously',
    )
    for (const batchSize of [0, 16_385])
      await refuses(t, () => c.searchIterator({ data: [[1, 2]], batchSize }), 1100, 'batch size is invalid')
    const extra = { data: [[1, 2]], groupByField: 'n' }
    await refuses(
      t,
      () => c.searchIterator(extra),
      1100,
      'GroupBy is not permitted when using a search iterator',
    )
    for (const limit of [0, -5, 1.5])
      await refuses(t, () => c.searchIterator({ data: [[1, 2]], limit }), 1100, `limit [${limit}] is invalid`)
  }
})

t.test('8.6.20 [P1] search iterator with a range, binary vectors, through an alias', async t => {
  const made = await staged(t, N, rows(0, 20))
  const { c, db } = made
  const params = { radius: 100, range_filter: 9 }
  const ranged = await pagesOf(c.searchIterator({ data: [[0, 0]], batchSize: 3, params, outputFields: [] }))
  t.strictSame(hitKeys(ranged.flat()), [3, 4, 5, 6, 7, 8, 9])
  const binary = await db.createCollection({
    name: 'bits',
    fields: [ID, { name: 'vec', dataType: DataType.BinaryVector, dim: 8 }],
    indexes: [{ fieldName: 'vec', metricType: 'HAMMING' }],
  })
  await binary.insert([0, 1, 3, 7, 15, 255, 1].map((bits, id) => ({ id, vec: [bits] })))
  const bits = await pagesOf(binary.searchIterator({ data: [[0]], batchSize: 2, outputFields: [] }))
  t.strictSame(hitKeys(bits.flat()), [0, 1, 6, 2, 3, 4, 5])
  const sets = await db.createCollection({
    name: 'sets',
    fields: [ID, { name: 'vec', dataType: DataType.BinaryVector, dim: 8 }],
    indexes: [{ fieldName: 'vec', metricType: 'JACCARD' }],
  })
  await sets.insert([7, 3, 1, 8, 7].map((bits, id) => ({ id, vec: [bits] })))
  const near = await pagesOf(sets.searchIterator({ data: [[7]], batchSize: 2, outputFields: [] }))
  t.strictSame(hitKeys(near.flat()), [0, 4, 1, 2, 3])
  const sparse = await db.createCollection({
    name: 'sparse',
    fields: [ID, { name: 'vec', dataType: DataType.SparseFloatVector }],
    indexes: [{ fieldName: 'vec', metricType: 'IP' }],
  })
  await sparse.insert([3, 1, 2, 3].map((weight, id) => ({ id, vec: { 5: weight } })))
  const heavy = await pagesOf(sparse.searchIterator({ data: [{ 5: 1 }], batchSize: 1, outputFields: [] }))
  t.strictSame(hitKeys(heavy.flat()), [0, 3, 2, 1])
  await db.createCollection({ name: 'd', ...N })
  await db.collection('d').insert(rows(500, 505))
  await db.createAlias('a', 'c')
  const iterator = await db.collection('a').searchIterator({ data: [[0, 0]], batchSize: 5, outputFields: [] })
  const seen: unknown[] = []
  for await (const page of iterator) {
    seen.push(...hitKeys(page))
    await db.alterAlias('a', 'd')
  }
  t.strictSame(
    seen,
    rows(0, 20).map(one => one['id']),
    'the collection it began with',
  )
})

t.test('8.6.20 [P1] an iterator never goes on in another collection of the same name', async t => {
  const { c, db } = await staged(t, N, rows(0, 6))
  const iterators = [
    await c.searchIterator({ data: [[0, 0]], batchSize: 2, outputFields: [] }),
    await c.queryIterator({ batchSize: 2, outputFields: [] }),
  ]
  const seen: unknown[] = []
  for (const iterator of iterators) for (const { id } of (await iterator.next()).value as Row[]) seen.push(id)
  await db.dropCollection('c')
  const again = await db.createCollection({ name: 'c', ...N })
  await again.insert(rows(100, 106))
  for (const iterator of iterators) await refuses(t, () => iterator.next(), 100, "can't find collection")
  t.strictSame(seen, [0, 1, 0, 1])
})
