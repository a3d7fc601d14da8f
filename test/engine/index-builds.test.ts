/**
 * Builds that come to nothing: an index that cannot be built says so, instead of being in progress for ever; one that
 * is dropped is not built to its end; and a dropped index leaves no file behind, whatever it was and however it went.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { hnswAvailable } from '../../lib/index/hnsw-index.js'
import { type Collection, DataType, type IndexProgress, open } from '../../lib/index.js'
import { indexDirectory } from '../../lib/store/layout.js'
import { FaultStore } from '../support/fault-store.js'
import { openInline } from '../support/inline-engine.js'
import { rng } from '../support/rng.js'

const OPTIONS = { indexRowsMin: 16, autoCompaction: false }
const random = rng(7)

function things(dim: number) {
  return {
    name: 'c',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'n', dataType: DataType.Int32, nullable: true },
      { name: 'vec', dataType: DataType.FloatVector, dim },
      { name: 'other', dataType: DataType.FloatVector, dim: 2, nullable: true },
    ],
    indexes: [{ fieldName: 'other', indexType: 'FLAT', metricType: 'L2' }],
    load: false,
  }
}
const rows = (count: number, dim: number) =>
  Array.from({ length: count }, (_, id) => ({ id, n: id % 7, vec: random.vector(dim), other: [id, 0] }))
const HNSW = { fieldName: 'vec', indexType: 'HNSW', metricType: 'L2', params: { M: 8, efConstruction: 64 } }
const SORT = { fieldName: 'n', indexType: 'STL_SORT' }

/** Asks as a waiting client does: until the index is no longer in progress. */
async function settled(c: Collection, name: string): Promise<IndexProgress> {
  for (;;) {
    const progress = await c.indexProgress(name)
    if (progress.state !== 'InProgress') return progress
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

t.test('an index that cannot be built has failed, and is tried again when it is declared again', async t => {
  if (!hnswAvailable()) return
  const directory = t.testdir({ db: {} })
  const { db, runner, warnings } = await openInline(new FaultStore(), join(directory, 'db'), OPTIONS)
  t.teardown(() => db.close())
  const c = await db.createCollection(things(4))
  await c.insert(rows(40, 4))
  await c.flush()
  runner.failure = new Error('no room')
  await c.createIndex(HNSW)
  await c.createIndex(SORT)
  for (const name of ['vec', 'n']) {
    const failed = { indexedRows: 0, pendingRows: 40, totalRows: 40, state: 'Failed', failReason: 'no room' }
    t.strictSame(await settled(c, name), failed)
  }
  const asked = runner.asked.length
  for (let i = 0; i < 5; i++) await settled(c, 'vec')
  t.equal(runner.asked.length, asked, 'asking how far it is starts nothing')
  t.equal(warnings.length, 1)
  await t.rejects(c.compact(), { message: 'no room' })
  await c.load()
  t.equal(Number(await c.count({ filter: 'n == 3' })), 6, 'answers do not need it')
  t.equal((await c.search({ data: [[0, 0, 0, 0]], annsField: 'vec', limit: 3 }))[0]!.length, 3)
  runner.failure = null
  await c.createIndex(HNSW)
  for (const name of ['vec', 'n']) {
    t.match(await settled(c, name), { indexedRows: 40, pendingRows: 0, state: 'Finished', failReason: '' })
  }
})

t.test('one index that cannot be built does not keep another from being built', async t => {
  const directory = t.testdir()
  const db = await open(directory, { ...OPTIONS, warn: () => undefined })
  t.teardown(() => db.close())
  const c = await db.createCollection(things(4))
  await c.insert(rows(40, 4))
  await c.flush()
  await mkdir(indexDirectory(directory), { recursive: true })
  // A folder where the file would be.
  const { segments } = await c.stats()
  const blocked = join(indexDirectory(directory), `${segments[0]!.id}-101-2.order`)
  await mkdir(join(blocked, 'x'), { recursive: true })
  await c.createIndex(SORT)
  t.match(await settled(c, 'n'), { state: 'Failed', failReason: /cannot write the index file/ })
  await c.createIndex(HNSW)
  t.match(await settled(c, 'vec'), { state: 'Finished' })
  await rm(blocked, { recursive: true })
  await c.load()
  t.match(await settled(c, 'n'), { state: 'Finished' }, 'a load tries again')
})

t.test('a dropped index is not built to its end, and what waits behind it is built', async t => {
  if (!hnswAvailable()) return
  const directory = t.testdir()
  const db = await open(directory, OPTIONS)
  t.teardown(() => db.close())
  const c = await db.createCollection(things(64))
  await c.insert(rows(20_000, 64))
  await c.flush()
  const slow = { ...HNSW, params: { M: 64, efConstruction: 4000 } }
  const began = Date.now()
  await c.createIndex(slow)
  await new Promise(resolve => setTimeout(resolve, 300))
  await c.dropIndex('vec')
  await c.createIndex(SORT)
  await settled(c, 'n')
  // The whole graph would take minutes.
  t.ok(Date.now() - began < 20_000, `${Date.now() - began} ms`)
  t.strictSame(
    (await readdir(indexDirectory(directory))).filter(name => !name.endsWith('.order')),
    [],
  )
})

t.test('a collection that is dropped while its index is being built keeps nobody waiting', async t => {
  if (!hnswAvailable()) return
  const directory = t.testdir()
  const db = await open(directory, OPTIONS)
  t.teardown(() => db.close())
  const c = await db.createCollection(things(64))
  const d = await db.createCollection({ ...things(4), name: 'd' })
  await c.insert(rows(20_000, 64))
  await d.insert(rows(40, 4))
  await c.flush()
  await d.flush()
  const began = Date.now()
  await c.createIndex({ ...HNSW, params: { M: 64, efConstruction: 4000 } })
  await new Promise(resolve => setTimeout(resolve, 300))
  await db.dropCollection('c')
  await d.createIndex(SORT)
  await settled(d, 'n')
  t.ok(Date.now() - began < 20_000, `${Date.now() - began} ms`)
})

t.test('dropped indexes leave no files: by name, with their field, of vectors and of scalars', async t => {
  if (!hnswAvailable()) return
  const directory = t.testdir()
  const db = await open(directory, OPTIONS)
  t.teardown(() => db.close())
  const files = async (): Promise<string[]> =>
    (await readdir(indexDirectory(directory)).catch(() => [])).map(name => name.replace(/.*\./, '')).sort()
  const c = await db.createCollection(things(4))
  await c.insert(rows(40, 4))
  await c.flush()
  for (let round = 0; round < 3; round++) {
    await c.createIndex({ ...HNSW, params: { M: 8 + round, efConstruction: 64 } })
    await c.createIndex(SORT)
    await c.compact()
    t.strictSame(await files(), ['graph', 'map', 'order'])
    await c.load()
    t.equal((await c.search({ data: [[0, 0, 0, 0]], annsField: 'vec', limit: 3 }))[0]!.length, 3)
    if (round === 1) await c.dropField('n')
    else await c.dropIndex('n')
    t.strictSame(await files(), ['graph', 'map'])
    await c.release()
    if (round < 2) await c.dropIndex('vec')
    else await c.dropField('vec')
    t.strictSame(await files(), [], `round ${round}`)
    if (round === 1) await c.addField({ name: 'n', dataType: DataType.Int32, nullable: true })
  }
})
