/**
 * Symptom: after compact(), rows of a dropped partition, or rows older than the TTL, were still on disk.
 *
 * What happened: compact() asks each segment how many rows a rewrite would drop. Expired rows and rows of dropped
 * partitions were counted only when *all* rows of the segment were of that kind, so a segment that mixed them with live
 * ones looked clean and was left alone for ever. Answers were right all along; only the space never came back.
 * Now such rows are counted one by one (SealedSegment.droppableRows).
 */
import t from 'tap'
import { open } from '../../lib/index.js'
import { schemaWith } from '../support/states.js'

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, vec: [from + i, 0] }))

t.test('rows of a dropped partition leave a segment that has other rows too', async t => {
  const db = await open(t.testdir(), { autoCompaction: false })
  t.teardown(() => db.close())
  const c = await db.createCollection({ ...schemaWith(), name: 'c' })
  await c.createPartition('p1')
  await c.insert(rows(0, 10))
  await c.insert(rows(10, 20), { partitionName: 'p1' })
  await c.insert([{ id: 15, vec: [0, 0] }])
  await c.flush()
  t.equal((await c.stats()).segments.length, 1, 'one segment holds both partitions')
  await c.release()
  await c.dropPartition('p1')
  await c.compact()
  t.equal((await c.stats()).sealedRows, 11)
  await c.load()
  t.equal(await c.count(), 11)
})

t.test('expired rows leave a segment that has younger rows too', async t => {
  const clock = { ms: Date.UTC(2024, 0, 1) }
  const db = await open(t.testdir(), { autoCompaction: false, nowMs: () => clock.ms })
  t.teardown(() => db.close())
  const properties = { 'collection.ttl.seconds': 60 }
  const c = await db.createCollection({ ...schemaWith(), name: 'c', properties })
  await c.insert(rows(0, 10))
  clock.ms += 50_000
  await c.insert(rows(10, 15))
  await c.flush()
  clock.ms += 20_000
  t.equal(await c.count(), 5)
  await c.compact()
  t.equal((await c.stats()).sealedRows, 5)
  await c.compact()
  t.equal((await c.stats()).sealedRows, 5, 'and compaction comes to an end')
})

t.test('in the background such rows count towards the purge ratio', async t => {
  const clock = { ms: Date.UTC(2024, 0, 1) }
  const db = await open(t.testdir(), { nowMs: () => clock.ms, flushRowsMax: 64 })
  t.teardown(() => db.close())
  const properties = { 'collection.ttl.seconds': 60 }
  const c = await db.createCollection({ ...schemaWith(), name: 'c', properties })
  await c.insert(rows(0, 60))
  clock.ms += 50_000
  await c.insert(rows(60, 64))
  await c.flush()
  clock.ms += 20_000
  await c.insert(rows(100, 164))
  await c.flush()
  await db.engine.collection('c').background.idle()
  t.equal((await c.stats()).sealedRows, 68)
})
