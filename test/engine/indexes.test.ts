/**
 * Indexes over their life: created late, dropped, grown by compaction, without the library, and with sidecar files that
 * are gone or damaged. Whatever happens to a graph, searches answer rightly; the graph decides only how fast.
 */
import { readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { hnswAvailable } from '../../lib/index/hnsw-index.js'
import {
  type Collection,
  type Database,
  DataType,
  type OpenOptions,
  open,
  type Row,
} from '../../lib/index.js'
import { indexDirectory } from '../../lib/store/layout.js'
import { rng } from '../support/rng.js'
import { schemaWith } from '../support/states.js'

const DIM = 8
const SCHEMA = {
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'n', dataType: DataType.Int32 },
    { name: 'vec', dataType: DataType.FloatVector, dim: DIM },
  ],
}
const HNSW = { fieldName: 'vec', indexType: 'HNSW', metricType: 'L2', params: { M: 8, efConstruction: 64 } }
const OPTIONS: OpenOptions = { indexRowsMin: 64, autoCompaction: false }
const random = rng(99)
const ALL: readonly (Row & { vec: number[] })[] = Array.from({ length: 1200 }, (_, id) => ({
  id,
  n: id % 10,
  vec: random.vector(DIM),
}))
const QUERIES = Array.from({ length: 20 }, () => random.vector(DIM))

/** Keys of the nearest rows, worked out the plain way. */
function nearest(
  rows: readonly (Row & { vec: number[] })[],
  query: readonly number[],
  limit: number,
): number[] {
  const scored = rows.map(row => {
    const distance = row.vec.reduce((sum, value, i) => sum + (value - query[i]!) ** 2, 0)
    return { id: row['id'] as number, distance }
  })
  scored.sort((a, b) => a.distance - b.distance)
  return scored.slice(0, limit).map(found => found.id)
}

/** Share of the true nearest rows that a search finds. */
async function recall(collection: Collection, rows: readonly (Row & { vec: number[] })[]): Promise<number> {
  const found = await collection.search({ data: QUERIES, limit: 10, params: { ef: 64 } })
  let hits = 0
  QUERIES.forEach((query, q) => {
    const wanted = new Set(nearest(rows, query, 10))
    for (const hit of found[q]!) if (wanted.has(hit.id as number)) hits++
  })
  return hits / (QUERIES.length * 10)
}

const indexed = async (collection: Collection): Promise<boolean[]> =>
  (await collection.stats()).segments.map(segment => segment.indexed)
const sidecars = async (directory: string): Promise<string[]> =>
  (await readdir(indexDirectory(directory)).catch(() => [])).sort()

t.test('an index created after the data, dropped and made again with other parameters', async t => {
  const directory = t.testdir()
  const db = await open(directory, OPTIONS)
  t.teardown(() => db.close())
  const c = await db.createCollection({ ...SCHEMA, name: 'c', load: false })
  await c.insert(ALL)
  await c.flush()
  await t.rejects(c.load(), { code: 700, message: /index not found\[collection=c\]/ })
  await c.createIndex(HNSW)
  t.strictSame((await c.createIndex(HNSW)).fieldName, 'vec', 'the same again is a success')
  await t.rejects(c.createIndex({ ...HNSW, metricType: 'COSINE' }), { code: 1100 })
  await c.load()
  await c.compact()
  t.strictSame(await indexed(c), [hnswAvailable()])
  t.ok((await recall(c, ALL)) >= 0.95)
  await t.rejects(c.dropIndex('vec'), { message: /vector index cannot be dropped on loaded collection/ })
  const before = await sidecars(directory)
  await c.release()
  await c.dropIndex('vec')
  await c.dropIndex('vec')
  await t.rejects(c.load(), { code: 700 })
  await c.createIndex({ ...HNSW, metricType: 'COSINE', params: { M: 16, efConstruction: 100 } })
  await c.load()
  await c.compact()
  t.strictSame(await indexed(c), [hnswAvailable()])
  t.not(String(await sidecars(directory)), String(before), 'another graph')
  const [hits] = await c.search({ data: [QUERIES[0]!], limit: 1, metricType: 'COSINE' })
  t.ok(hits![0]!.score > 0.5 && hits![0]!.score <= 1.000001, 'scores are of the new metric')
  await t.rejects(c.search({ data: [QUERIES[0]!], limit: 1, metricType: 'L2' }), { code: 1100 })
})

t.test('a graph grown by compaction still finds the neighbours', async t => {
  const directory = t.testdir()
  let db = await open(directory, OPTIONS)
  let c = await db.createCollection({ ...SCHEMA, name: 'c', indexes: [HNSW] })
  await c.insert(ALL.slice(0, 500))
  await c.compact()
  t.ok((await recall(c, ALL.slice(0, 500))) >= 0.95)
  await c.insert(ALL.slice(500, 900))
  await c.delete({ filter: 'n == 3' })
  await c.compact()
  const second = ALL.slice(0, 900).filter(row => row['n'] !== 3)
  t.ok((await recall(c, second)) >= 0.95)
  await c.insert(ALL.slice(900))
  await c.upsert(ALL.slice(0, 50).map((row, i) => ({ ...row, vec: ALL[i + 50]!.vec })))
  const moved = ALL.slice(0, 50).map((row, i) => ({ ...row, vec: ALL[i + 50]!.vec }))
  const third = [...second.filter(row => (row['id'] as number) >= 50), ...ALL.slice(900), ...moved]
  t.ok((await recall(c, third)) >= 0.95, 'graph and growing rows together')
  await c.compact()
  t.ok((await recall(c, third)) >= 0.95)
  t.equal((await c.stats()).segments.length, 1)
  await db.close()
  db = await open(directory, OPTIONS)
  c = db.collection('c')
  t.ok((await recall(c, third)) >= 0.95, 'from the file')
  await db.close()
})

t.test('the same score for the same row, with graph, without, and while growing', async t => {
  const db = await open(t.testdir(), OPTIONS)
  t.teardown(() => db.close())
  const c = await db.createCollection({ ...SCHEMA, name: 'c', indexes: [HNSW] })
  await c.insert(ALL.slice(0, 300))
  const request = { data: QUERIES, limit: 5, params: { ef: 300 }, outputFields: ['n', 'vec'] }
  const growing = await c.search(request)
  await c.flush()
  t.strictSame(await c.search(request), growing, 'sealed, scanned')
  await c.compact()
  t.strictSame(await c.search(request), growing, 'through the graph')
})

t.test('option hnsw: false makes every search exact and warns of nothing', async t => {
  const directory = t.testdir()
  const warnings: string[] = []
  const options = { ...OPTIONS, warn: (line: string) => void warnings.push(line) }
  let db = await open(directory, options)
  let c = await db.createCollection({ ...SCHEMA, name: 'c', indexes: [HNSW] })
  await c.insert(ALL)
  await c.compact()
  await db.close()
  db = await open(directory, { ...options, hnsw: false })
  c = db.collection('c')
  t.equal(await recall(c, ALL), 1)
  await c.insert([{ ...ALL[0]!, id: 5000 }])
  await c.compact()
  t.strictSame(await indexed(c), [false])
  t.strictSame(warnings, [])
  await db.close()
  db = await open(directory, options)
  c = db.collection('c')
  await c.compact()
  t.strictSame(await indexed(c), [hnswAvailable()], 'built when it is allowed again')
  await db.close()
})

interface Damage {
  readonly name: string
  readonly act: (file: string) => Promise<unknown>
}
const DAMAGES: readonly Damage[] = [
  { name: 'missing', act: file => rm(file) },
  { name: 'cut off', act: file => truncate(file, 40) },
  { name: 'empty', act: file => truncate(file, 0) },
  { name: 'garbage', act: file => writeFile(file, Buffer.alloc(5000, 0x5a)) },
]

for (const { name, act } of DAMAGES) {
  t.test(`index files that are ${name}: searches are right, one warning, compact() rebuilds`, async t => {
    if (!hnswAvailable()) return
    const directory = t.testdir()
    let db = await open(directory, OPTIONS)
    let c = await db.createCollection({ ...SCHEMA, name: 'c', indexes: [HNSW] })
    await c.insert(ALL.slice(0, 400))
    await c.compact()
    await db.close()
    const files = await sidecars(directory)
    t.ok(files.length > 0)
    for (const file of files) await act(join(indexDirectory(directory), file))
    const warnings: string[] = []
    db = await open(directory, { ...OPTIONS, warn: line => void warnings.push(line) })
    c = db.collection('c')
    t.equal(await recall(c, ALL.slice(0, 400)), 1, 'exact meanwhile')
    await c.load()
    t.equal(await recall(c, ALL.slice(0, 400)), 1)
    t.match(warnings, [/index file .* is missing or damaged/])
    await c.compact()
    t.ok((await recall(c, ALL.slice(0, 400))) >= 0.95)
    t.equal(warnings.length, 1)
    await db.close()
    const quiet: string[] = []
    db = await open(directory, { ...OPTIONS, warn: line => void quiet.push(line) })
    t.ok((await recall(db.collection('c'), ALL.slice(0, 400))) >= 0.95)
    t.strictSame(quiet, [], 'the rebuilt file is fine')
    await db.close()
  })
}

t.test('compact() rebuilds a damaged graph that nobody has searched yet', async t => {
  if (!hnswAvailable()) return
  const directory = t.testdir()
  let db = await open(directory, OPTIONS)
  const c = await db.createCollection({ ...SCHEMA, name: 'c', indexes: [HNSW] })
  await c.insert(ALL.slice(0, 400))
  await c.compact()
  await db.close()
  for (const file of await sidecars(directory)) await truncate(join(indexDirectory(directory), file), 40)
  const warnings: string[] = []
  const options = { ...OPTIONS, warn: (line: string) => void warnings.push(line) }
  db = await open(directory, options)
  await db.collection('c').compact()
  t.equal(warnings.length, 1)
  await db.close()
  db = await open(directory, options)
  await db.collection('c').load()
  t.equal(warnings.length, 1, 'the file is whole again')
  await db.close()
})

t.test('scalar indexes change no answer', async t => {
  const db: Database = await open(t.testdir(), OPTIONS)
  t.teardown(() => db.close())
  const c = await db.createCollection({ ...schemaWith([{ name: 'n', dataType: DataType.Int32 }]), name: 'c' })
  await c.insert(Array.from({ length: 100 }, (_, id) => ({ id, n: id % 10, vec: [id, 0] })))
  const before = await c.query({ filter: 'n > 7' })
  await c.createIndex({ fieldName: 'n', indexType: 'STL_SORT' })
  t.strictSame(await c.query({ filter: 'n > 7' }), before)
  await c.compact()
  t.strictSame(await c.query({ filter: 'n > 7' }), before)
  await c.dropIndex('n')
  t.strictSame(await c.query({ filter: 'n > 7' }), before)
})
