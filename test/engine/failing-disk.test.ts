/**
 * A disk that fails: what was acknowledged stays, what failed is said clearly, what has nothing to do with it goes on.
 */
import t from 'tap'
import { type Collection, DataType, type Row } from '../../lib/index.js'
import { FaultStore } from '../support/fault-store.js'
import { openInline } from '../support/inline-engine.js'
import { allRows, schemaWith } from '../support/states.js'
import { outcomeOf } from '../support/wait.js'

const SCHEMA = schemaWith([{ name: 'n', dataType: DataType.Int32 }])
const row = (id: number, n = id): Row => ({ id, n, vec: [id, n] })
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i))
const keys = async (collection: Collection): Promise<unknown[]> =>
  (await allRows(collection)).map(stored => stored['id'])
const REFUSAL =
  /the log of collection "c" could not be written; it takes no more writes until the database is closed and opened again/

t.test('a failing log write stops the writes of that collection, and nothing else', async t => {
  const store = new FaultStore()
  const directory = t.testdir()
  const { db } = await openInline(store, directory)
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  const d = await db.createCollection({ ...SCHEMA, name: 'd' })
  await c.insert(rows(0, 5))
  await d.insert(rows(0, 2))
  store.failWrite(1)
  const refused = { code: 1001, reason: 'IoFailed', message: REFUSAL }
  await t.rejects(c.upsert([row(1, 100), row(9)]), refused)
  const writes: (() => Promise<unknown>)[] = [
    () => c.insert([row(10)]),
    () => c.upsert([{ id: 1, n: 7 }], { partialUpdate: true }),
    () => c.delete({ ids: [1] }),
    () => c.delete({ filter: 'n > 0' }),
    () => c.flush(),
    () => c.compact(),
  ]
  for (const write of writes) await t.rejects(write(), refused)
  t.strictSame(await allRows(c), rows(0, 5), 'reads go on, at the last state that is certain')
  t.strictSame(await c.get(1), [row(1)])
  t.equal(await c.count(), 5)
  const [hits] = await c.search({ data: [[1, 100]], limit: 1 })
  t.equal(hits![0]!.id, 4)
  await d.upsert(rows(1, 4))
  await d.flush()
  t.strictSame(await allRows(d), rows(0, 4), 'other collections go on')
  await db.createCollection({ ...SCHEMA, name: 'e' })
  await db.dropCollection('e')
  await db.close()
  const again = await openInline(store.crash(0), directory)
  const reopened = again.db.collection('c')
  t.strictSame(await allRows(reopened), rows(0, 5), 'nothing acknowledged is lost')
  await reopened.upsert([row(1, 100)])
  t.strictSame(await reopened.get(1), [row(1, 100)], 'and it takes writes again')
  await again.db.close()
})

t.test('a collection that takes no more writes can be dropped', async t => {
  const store = new FaultStore()
  const directory = t.testdir()
  const { db } = await openInline(store, directory)
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  await c.insert(rows(0, 5))
  await c.flush()
  store.failWrite(1)
  await t.rejects(c.insert([row(9)]), { message: REFUSAL })
  await db.dropCollection('c')
  t.strictSame(await db.listCollections(), [])
  const again = await db.createCollection({ ...SCHEMA, name: 'c' })
  await again.insert([row(1)])
  t.equal(await again.count(), 1, 'its name is free')
  await db.close()
  const reopened = await openInline(store.crash(0), directory)
  t.strictSame(await allRows(reopened.db.collection('c')), [row(1)], 'and the old one is gone for good')
  await reopened.db.close()
})

t.test('a log write that arrived although its answer was lost is there after reopening', async t => {
  const store = new FaultStore()
  const directory = t.testdir()
  const { db } = await openInline(store, directory)
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  await c.insert(rows(0, 3))
  store.failWrite(1, undefined, true)
  await t.rejects(c.upsert([row(1, 100)]), { code: 1001 })
  t.strictSame(await c.get(1), [row(1)], 'not visible: it may be lost yet')
  await db.close()
  const again = await openInline(store.crash(1), directory)
  t.strictSame(await again.db.collection('c').get(1), [row(1, 100)], 'replay found it')
  await again.db.close()
})

t.test('of a group that fails, every request is told, and no part survives as acknowledged', async t => {
  const store = new FaultStore()
  const directory = t.testdir()
  const { db } = await openInline(store, directory)
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  await c.insert([row(0)])
  store.failWrite(2)
  const wave = (from: number) =>
    Promise.all(Array.from({ length: 25 }, (_, i) => outcomeOf(c.insert([row(from + i)]))))
  const outcomes = [...(await wave(1)), ...(await wave(26))]
  const acknowledged = outcomes.flatMap((outcome, i) => (outcome.error === null ? [i + 1] : []))
  const failed = outcomes.filter(outcome => outcome.error !== null)
  t.equal(acknowledged.length + failed.length, 50)
  t.ok(acknowledged.length > 0 && failed.length >= 25, 'the second write fails, and everything after it')
  for (const { error } of failed) t.match(error, { reason: 'IoFailed', message: REFUSAL })
  t.strictSame(await keys(c), [0, ...acknowledged])
  await db.close()
  const again = await openInline(store.crash(0), directory)
  t.strictSame(await keys(again.db.collection('c')), [0, ...acknowledged])
  await again.db.close()
})

t.test('a full disk says so', async t => {
  const store = new FaultStore()
  const directory = t.testdir()
  const { db } = await openInline(store, directory)
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  await c.insert(rows(0, 5))
  store.limitFreeBytes(100)
  await t.rejects(c.insert(rows(5, 100)), { code: 7, reason: 'DiskFull', message: REFUSAL })
  await t.rejects(db.createCollection({ ...SCHEMA, name: 'd' }), { code: 7, reason: 'DiskFull' })
  t.strictSame(await db.listCollections(), ['c'], 'what could not be stored does not exist')
  t.strictSame(await keys(c), [0, 1, 2, 3, 4])
  store.limitFreeBytes(Number.POSITIVE_INFINITY)
  await t.rejects(c.insert([row(9)]), { code: 7 }, 'the tail stays unknown until it is read again')
  await db.createCollection({ ...SCHEMA, name: 'd' })
  await db.close()
  const again = await openInline(store.crash(0), directory)
  await again.db.collection('c').insert([row(9)])
  t.strictSame(await keys(again.db.collection('c')), [0, 1, 2, 3, 4, 9])
  await again.db.close()
})

t.test('a flush that fails keeps rows readable and writes going; the next one takes them', async t => {
  const store = new FaultStore()
  const directory = t.testdir()
  const { db, runner, warnings } = await openInline(store, directory, {
    flushRowsMax: 64,
    frozenSegmentsMax: 2,
  })
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  runner.failure = new Error('the worker is gone')
  for (let i = 0; i < 100; i += 10) await c.insert(rows(i, i + 10))
  await t.rejects(c.flush(), /the worker is gone/)
  await c.upsert([row(3, 300)])
  await c.delete({ ids: [4] })
  const expected = rows(0, 100).filter(stored => stored['id'] !== 4)
  expected[3] = row(3, 300)
  t.strictSame(await allRows(c), expected)
  t.equal(warnings.filter(line => line.includes('flush of collection "c" failed')).length, 1, 'one warning')
  runner.failure = null
  await c.flush()
  t.equal((await c.stats()).growingRows, 0)
  t.strictSame(await allRows(c), expected)
  await c.compact()
  t.strictSame(await allRows(c), expected)
  await db.close()
  const again = await openInline(store.crash(0), directory)
  t.strictSame(await allRows(again.db.collection('c')), expected)
  await again.db.close()
})

t.test('writers never wait for ever for a flush that cannot succeed', async t => {
  const store = new FaultStore()
  const { db, runner } = await openInline(store, t.testdir(), { flushRowsMax: 64, frozenSegmentsMax: 1 })
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  runner.failure = new Error('the worker is gone')
  const writes: Promise<unknown>[] = []
  for (let i = 0; i < 640; i += 32) writes.push(c.insert(rows(i, i + 32)))
  runner.failure = null
  await Promise.all(writes)
  t.equal(await c.count(), 640)
  await c.flush()
  t.equal((await c.stats()).sealedRows, 640)
  await db.close()
})

t.test('failures between the steps of flush and compaction change no answer', async t => {
  for (let nth = 1; nth <= 8; nth++) {
    await t.test(`the write number ${nth} after the log fails`, async t => {
      const store = new FaultStore({ seed: nth })
      const directory = t.testdir()
      const { db } = await openInline(store, directory)
      const c = await db.createCollection({ ...SCHEMA, name: 'c' })
      await c.insert(rows(0, 50))
      await c.flush()
      await c.upsert(rows(25, 75).map(stored => ({ ...stored, n: -1 })))
      await c.delete({ ids: [0, 30, 74] })
      const expected = await allRows(c)
      store.failWrite(nth)
      await outcomeOf(c.compact())
      t.strictSame(await allRows(c), expected)
      await outcomeOf(c.compact())
      t.strictSame(await allRows(c), expected)
      await c.upsert([row(100)])
      await db.close()
      const again = await openInline(store.crash(0.5), directory)
      t.strictSame(await allRows(again.db.collection('c')), [...expected, row(100)])
      await again.db.collection('c').compact()
      t.strictSame(await allRows(again.db.collection('c')), [...expected, row(100)])
      await again.db.close()
    })
  }
})

t.test('a failing read fails that read alone', async t => {
  const store = new FaultStore()
  const { db } = await openInline(store, t.testdir(), { cacheBytesMax: 1 << 20 })
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  await c.insert(rows(0, 100))
  await c.flush()
  await c.release()
  await c.load()
  store.failReads()
  const failed = await outcomeOf(allRows(c))
  t.match(failed.error, { reason: 'IoFailed' })
  store.failReads(null)
  t.strictSame(await allRows(c), rows(0, 100))
  await db.close()
})
