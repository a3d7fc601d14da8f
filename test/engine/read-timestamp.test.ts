/**
 * Reads of an older state: what `readTimestamp` shows inside the retention window, and that it refuses outside.
 *
 * Every state a write left behind is remembered with its timestamp; each is read again after every later write, after
 * flush and compaction, and after reopening. The clock is the test's own.
 */
import t from 'tap'
import { type Collection, type Database, DataType, open, type Row } from '../../lib/index.js'
import { schemaWith } from '../support/states.js'

const SCHEMA = schemaWith([{ name: 'n', dataType: DataType.Int32 }])
const row = (id: number, n: number): Row => ({ id, n, vec: [id, n] })

class Past {
  readonly #states: { readonly at: bigint; readonly rows: Row[] }[] = []

  async remember(collection: Collection, at: bigint): Promise<void> {
    this.#states.push({ at, rows: await collection.query({ filter: 'id >= 0' }) })
  }

  /** Every remembered state is still what it was, by query, count, get and search. */
  async check(t: Tap, collection: Collection, when: string): Promise<void> {
    for (const { at: readTimestamp, rows } of this.#states) {
      const filter = 'id >= 0'
      t.strictSame(
        await collection.query({ filter, readTimestamp }),
        rows,
        `${when}: query at ${readTimestamp}`,
      )
      t.equal(await collection.count({ readTimestamp }), rows.length, 'count')
      const ids = [0, 1, 2, 3, 4]
      t.strictSame(await collection.get(ids, { readTimestamp }), rows, 'get')
      const [hits] = await collection.search({ data: [[0, 0]], limit: 10, readTimestamp })
      const found = hits!.map(hit => hit.id as number).sort((a, b) => a - b)
      t.strictSame(
        found,
        rows.map(stored => stored['id']),
        'search',
      )
    }
  }
}
type Tap = { strictSame: typeof t.strictSame; equal: typeof t.equal }

/** A database whose clock stands still until it is moved. */
async function openAt(clock: { ms: number }, directory: string): Promise<Database> {
  return open(directory, { nowMs: () => clock.ms, autoCompaction: false })
}

t.test('older states inside the window, across everything', async t => {
  const clock = { ms: Date.UTC(2024, 0, 1) }
  const directory = t.testdir()
  let db = await openAt(clock, directory)
  let collection = await db.createCollection({
    ...SCHEMA,
    name: 'c',
    properties: { 'kestrel.retention.seconds': 3600 },
  })
  const past = new Past()
  const step = async (write: Promise<{ readonly timestamp: bigint }>): Promise<void> => {
    await past.remember(collection, (await write).timestamp)
    clock.ms += 1000
  }
  await step(collection.insert([row(0, 0), row(1, 0), row(2, 0)]))
  await step(collection.upsert([row(1, 1), row(3, 1)]))
  await past.check(t, collection, 'growing')
  await collection.flush()
  await past.check(t, collection, 'flushed')
  await step(collection.delete({ ids: [0] }))
  await step(collection.delete({ filter: 'n == 0' }))
  await step(collection.upsert([row(0, 5), row(1, 5)]))
  await past.check(t, collection, 'deleted from a sealed segment')
  await collection.flush()
  await past.check(t, collection, 'flushed twice')
  await step(collection.upsert([{ id: 1, n: 6 }], { partialUpdate: true }))
  await collection.compact()
  await past.check(t, collection, 'compacted')
  await db.close()
  db = await openAt(clock, directory)
  collection = db.collection('c')
  await past.check(t, collection, 'reopened')
  await step(collection.delete({ ids: [0, 1, 3] }))
  await collection.compact()
  await past.check(t, collection, 'compacted again')
  await collection.release()
  await collection.load()
  await past.check(t, collection, 'released and loaded')
  await db.close()
})

t.test('both halves of an upsert belong to one timestamp', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const collection = await db.createCollection({
    ...SCHEMA,
    name: 'c',
    properties: { 'kestrel.retention.seconds': 3600 },
  })
  const before = await collection.insert([row(1, 0)])
  const after = await collection.upsert([row(1, 1)])
  for (const bring of [async () => undefined, () => collection.flush(), () => collection.compact()]) {
    await bring()
    const at = (readTimestamp: bigint) =>
      collection.query({ filter: 'id == 1', outputFields: ['n'], readTimestamp })
    t.strictSame(await at(before.timestamp), [{ id: 1, n: 0 }])
    t.strictSame(await at(after.timestamp - 1n), [{ id: 1, n: 0 }])
    t.strictSame(await at(after.timestamp), [{ id: 1, n: 1 }])
    t.strictSame(await at(before.timestamp - 1n), [])
    t.strictSame(await at(after.timestamp + (1n << 40n)), [{ id: 1, n: 1 }], 'the future is now')
  }
})

t.test('outside the window the answer is a clear error, never a wrong state', async t => {
  const clock = { ms: Date.UTC(2024, 0, 1) }
  const directory = t.testdir()
  let db = await openAt(clock, directory)
  const properties = { 'kestrel.retention.seconds': 60 }
  let collection = await db.createCollection({ ...SCHEMA, name: 'c', properties })
  const plain = await db.createCollection({ ...SCHEMA, name: 'plain' })
  const { timestamp: readTimestamp } = await collection.insert([row(1, 0)])
  await collection.upsert([row(1, 1)])
  const filter = 'id == 1'
  t.strictSame(await collection.query({ filter, readTimestamp }), [row(1, 0)])
  clock.ms += 61_000
  const refusal = {
    code: 1100,
    message:
      /readTimestamp \d+ is older than what is kept: collection property kestrel\.retention\.seconds is 60/,
  }
  await t.rejects(collection.query({ filter, readTimestamp }), refusal)
  await t.rejects(collection.get(1, { readTimestamp }), refusal)
  await t.rejects(collection.count({ readTimestamp }), refusal)
  await t.rejects(collection.search({ data: [[0, 0]], limit: 1, readTimestamp }), refusal)
  await collection.compact()
  t.strictSame(await collection.query({ filter }), [row(1, 1)])
  t.equal((await collection.stats()).sealedRows, 1, 'what nobody may ask for is gone')
  // The clock going back, also across a restart, does not bring back what was purged.
  clock.ms -= 61_000
  const removed = { code: 1100, message: /removed for good, by a truncate or a compaction/ }
  await t.rejects(collection.query({ filter, readTimestamp }), removed)
  await db.close()
  db = await openAt(clock, directory)
  collection = db.collection('c')
  await t.rejects(collection.query({ filter, readTimestamp }), removed)
  const { timestamp } = await collection.insert([row(2, 0)])
  await collection.truncate()
  await t.rejects(collection.query({ filter, readTimestamp: timestamp }), removed)
  await db.close()

  await t.test('without retention only the newest state can be read', async t => {
    db = await openAt(clock, directory)
    const again = db.collection(plain.name)
    const first = await again.insert([row(1, 0)])
    t.strictSame(await again.query({ filter, readTimestamp: first.timestamp }), [row(1, 0)])
    const second = await again.upsert([row(1, 1)])
    await t.rejects(again.query({ filter, readTimestamp: first.timestamp }), { code: 1100, message: /is 0;/ })
    t.strictSame(await again.query({ filter, readTimestamp: second.timestamp }), [row(1, 1)])
    await db.close()
  })
})

t.test(
  'TTL: rows disappear at their time, upserts restart it, merges see expired rows as absent',
  async t => {
    const clock = { ms: Date.UTC(2024, 0, 1) }
    const db = await openAt(clock, t.testdir())
    t.teardown(() => db.close())
    const properties = { 'collection.ttl.seconds': 60 }
    const collection = await db.createCollection({ ...SCHEMA, name: 'c', properties })
    await collection.insert([row(1, 0), row(2, 0), row(3, 0)])
    clock.ms += 40_000
    await collection.upsert([row(1, 1)])
    await collection.upsert([{ id: 2, n: 2 }], { partialUpdate: true })
    clock.ms += 30_000
    const alive = [{ ...row(1, 1) }, { ...row(2, 0), n: 2 }]
    for (const bring of [async () => undefined, () => collection.flush(), () => collection.compact()]) {
      await bring()
      t.strictSame(await collection.query({ filter: 'id > 0' }), alive)
      t.strictSame(await collection.get(3), [])
      t.equal(await collection.count(), 2)
      const merge = collection.upsert([{ id: 3, n: 5 }], { partialUpdate: true })
      await t.rejects(merge, {
        code: 1100,
        message: /fieldSchema\(vec\) has no corresponding fieldData pass in/,
      })
    }
    clock.ms += 60_000
    t.equal(await collection.count(), 0)
    await collection.compact()
    t.equal((await collection.stats()).sealedRows, 0, 'compaction takes expired rows off the disk')
  },
)
