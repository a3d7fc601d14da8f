/**
 * A database from open to close: closing under load, use after close, one process per directory, format versions,
 * durability 'os', back-pressure, and dropping what is in use.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { type Collection, DataType, open, type Row } from '../../lib/index.js'
import { FORMAT_VERSION, FRAME, frame } from '../../lib/store/codec.js'
import { formatKey } from '../../lib/store/keys.js'
import { storeDirectory } from '../../lib/store/layout.js'
import { openLevelStore } from '../../lib/store/level-store.js'
import { allRows, schemaWith } from '../support/states.js'
import { outcomeOf } from '../support/wait.js'

const SCHEMA = schemaWith([{ name: 'n', dataType: DataType.Int32 }])
const row = (id: number, n = id): Row => ({ id, n, vec: [id, n] })
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i))
const keys = async (collection: Collection): Promise<number[]> =>
  (await allRows(collection)).map(stored => stored['id'] as number)

t.test(
  'closing while everything is in flight: every promise settles, what was acknowledged is there',
  async t => {
    const directory = t.testdir()
    const db = await open(directory, { flushRowsMax: 256, queueCountMax: 4 })
    const c = await db.createCollection({ ...SCHEMA, name: 'c' })
    await c.insert([row(0)])
    const writes = Array.from({ length: 200 }, (_, i) => outcomeOf(c.upsert(rows(i * 10 + 1, i * 10 + 11))))
    const reads = Array.from({ length: 20 }, () => outcomeOf(allRows(c)))
    const background = [outcomeOf(c.flush()), outcomeOf(c.compact())]
    await new Promise(resolve => setImmediate(resolve))
    const closing = db.close()
    const late = [outcomeOf(c.insert([row(9999)])), outcomeOf(allRows(c)), outcomeOf(c.flush())]
    await closing
    const written = (await Promise.all(writes)).flatMap((outcome, i) => (outcome.error === null ? [i] : []))
    for (const outcome of [...(await Promise.all(reads)), ...(await Promise.all(background))]) {
      if (outcome.error !== null) t.match(outcome.error, { reason: /StoreClosed|Canceled/ })
    }
    for (const outcome of await Promise.all(late)) t.match(outcome.error, { reason: 'StoreClosed' })
    const again = await open(directory)
    const found = new Set(await keys(again.collection('c')))
    for (const i of written) {
      for (let id = i * 10 + 1; id <= i * 10 + 10; id++)
        if (!found.has(id)) t.fail(`row ${id} was acknowledged`)
    }
    t.ok(found.has(0) && !found.has(9999))
    t.equal(written.length, 200, 'what was queued before close() ends well')
    await again.close()
  },
)

t.test('closing twice, and everything after it', async t => {
  const db = await open(t.testdir())
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  await c.insert([row(1)])
  await Promise.all([db.close(), db.close()])
  await db.close()
  const closed = { reason: 'StoreClosed', message: /the database was closed; open it again/ }
  const calls: (() => Promise<unknown>)[] = [
    () => c.insert([row(2)]),
    () => c.upsert([row(2)]),
    () => c.delete({ ids: [1] }),
    () => c.get(1),
    () => c.query({ filter: 'id > 0' }),
    () => c.count(),
    () => c.search({ data: [[1, 2]], limit: 1 }),
    () => c.flush(),
    () => c.compact(),
    () => c.load(),
    () => c.release(),
    () => c.stats(),
    () => c.describe(),
    () => c.createPartition('p'),
    () => c.createIndex({ fieldName: 'n', indexType: 'STL_SORT' }),
    () => db.createCollection({ ...SCHEMA, name: 'd' }),
    () => db.dropCollection('c'),
    () => db.hasCollection('c'),
    () => db.listCollections(),
    () => db.createAlias('a', 'c'),
    () => db.dropAlias('a'),
    () => db.createDatabase('x'),
    () => db.dropDatabase('x'),
    () => db.listDatabases(),
  ]
  for (const call of calls) await t.rejects(call(), closed, String(call))
})

t.test('one directory, one owner', async t => {
  const directory = t.testdir()
  const db = await open(directory)
  await t.rejects(open(directory), { reason: 'StoreLocked', message: new RegExp(`${process.pid}`) })
  await t.rejects(open(join(directory, '..', directory.split('/').at(-1)!)), { code: 1004 })
  await db.close()
  const index = new URL('../../lib/index.js', import.meta.url).href
  const script = `
    import { open } from ${JSON.stringify(index)}
    const db = await open(${JSON.stringify(directory)})
    process.stdout.write('held')
    process.stdin.once('data', async () => { await db.close(); process.exit(0) })
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  await t.rejects(open(directory), {
    code: 1004,
    reason: 'StoreLocked',
    retriable: true,
    message: new RegExp(`is open in process ${child.pid}; close it there or open another directory`),
  })
  child.stdin.write('x')
  await once(child, 'exit')
  await (await open(directory)).close()
})

t.test('what a program preloads into its threads does not reach the background thread', async t => {
  const index = new URL('../../lib/index.js', import.meta.url).href
  const script = `
    import { DataType, open } from ${JSON.stringify(index)}
    const db = await open(${JSON.stringify(t.testdir())})
    const fields = [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
    ]
    const indexes = [{ fieldName: 'vec', indexType: 'HNSW', metricType: 'L2' }]
    const c = await db.createCollection({ name: 'c', fields, indexes })
    await c.insert(Array.from({ length: 2000 }, (_, id) => ({ id, vec: [id, 1] })))
    await c.compact()
    const { segments } = await c.stats()
    console.log('segments', segments.length)
    await db.close()
  `
  const preload = "import { threadId } from 'node:worker_threads'; console.log('preloaded', threadId)"
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: {
      ...process.env,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = (await child.stdout.toArray()).join('').trim().split('\n')
  t.strictSame(lines, ['preloaded 0', 'segments 1'])
})

t.test('a newer format is refused by name, and the directory is free afterwards', async t => {
  const directory = t.testdir()
  await (await open(directory)).close()
  const store = await openLevelStore(storeDirectory(directory))
  const newer = new Uint8Array([FORMAT_VERSION + 1, 0, 0, 0])
  await store.write([{ key: formatKey(), value: frame(FRAME.format, [newer]) }], true)
  await store.close()
  for (let i = 0; i < 2; i++) {
    await t.rejects(open(directory), {
      reason: 'FormatTooNew',
      message: new RegExp(
        `store format ${FORMAT_VERSION + 1}, this version of kestreldb reads formats up to ${FORMAT_VERSION}`,
      ),
    })
  }
})

t.test("durability 'os' survives an orderly close, and mixes with 'sync'", async t => {
  const directory = t.testdir()
  for (const [i, durability] of (['os', 'sync', 'os'] as const).entries()) {
    const db = await open(directory, { durability })
    const c = await db.createCollection({ ...SCHEMA, name: 'c' })
    await Promise.all([c.upsert(rows(i * 10, i * 10 + 5)), c.upsert(rows(i * 10 + 5, i * 10 + 10))])
    if (i === 1) await c.flush()
    await c.delete({ ids: [i * 10] })
    await db.close()
  }
  const db = await open(directory)
  t.strictSame(
    await keys(db.collection('c')),
    rows(0, 30)
      .map(r => r['id'])
      .filter(id => (id as number) % 10 !== 0),
  )
  await db.close()
})

t.test('back-pressure: callers wait, all succeed, in order', async t => {
  const directory = t.testdir()
  const tight = {
    queueCountMax: 1,
    groupBytesMax: 64 << 10,
    queueBytesMax: 64 << 10,
    flushRowsMax: 64,
    frozenSegmentsMax: 1,
  }
  const db = await open(directory, tight)
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  const writes: Promise<unknown>[] = []
  for (let n = 0; n < 300; n++) writes.push(c.upsert([row(n % 10, n), row(100 + n)]))
  for (let n = 0; n < 10; n++) writes.push(c.upsert([{ id: n, n: -1 }], { partialUpdate: true }))
  await Promise.all(writes)
  t.equal(await c.count(), 310)
  t.strictSame(
    (await c.get([0, 9])).map(stored => [stored['n'], stored['vec']]),
    [
      [-1, [0, 290]],
      [-1, [9, 299]],
    ],
  )
  await db.close()
})

t.test('dropping a collection under load: every promise settles, the rest is not touched', async t => {
  const directory = t.testdir()
  let db = await open(directory, { flushRowsMax: 64 })
  const c = await db.createCollection({ ...SCHEMA, name: 'c' })
  const other = await db.createCollection({ ...SCHEMA, name: 'other' })
  await c.insert(rows(0, 200))
  const work = [
    ...Array.from({ length: 50 }, (_, i) => outcomeOf(c.upsert(rows(i, i + 50)))),
    ...Array.from({ length: 20 }, () => outcomeOf(allRows(c))),
    outcomeOf(c.flush()),
    outcomeOf(c.compact()),
  ]
  await other.insert(rows(0, 3))
  await db.dropCollection('c')
  for (const outcome of await Promise.all(work)) {
    if (outcome.error !== null) t.match(outcome.error, { name: 'MilvusError' }, String(outcome.error))
  }
  await t.rejects(c.insert([row(1)]), { code: 100 })
  t.strictSame(await db.listCollections(), ['other'])
  const fresh = await db.createCollection({ ...SCHEMA, name: 'c' })
  t.equal(await fresh.count(), 0, 'the name is free, the old rows are gone')
  await c.insert([row(7)])
  t.strictSame(await keys(fresh), [7], 'a name is only a name')
  await db.close()
  db = await open(directory)
  t.strictSame(await keys(db.collection('c')), [7])
  t.strictSame(await keys(db.collection('other')), [0, 1, 2])
  await db.close()
})

t.test('many collections side by side', async t => {
  const directory = t.testdir()
  let db = await open(directory)
  const names = Array.from({ length: 40 }, (_, i) => `c${i}`)
  await Promise.all(names.map(name => db.createCollection({ ...SCHEMA, name })))
  await Promise.all(names.map((name, i) => db.collection(name).insert(rows(0, i + 1))))
  await Promise.all(names.filter((_, i) => i % 4 === 0).map(name => db.collection(name).flush()))
  await Promise.all(names.filter((_, i) => i % 5 === 0).map(name => db.dropCollection(name)))
  await db.close()
  db = await open(directory)
  const left = names.filter((_, i) => i % 5 !== 0)
  t.strictSame((await db.listCollections()).sort(), left.slice().sort())
  for (const name of left) t.equal(await db.collection(name).count(), Number(name.slice(1)) + 1)
  await db.close()
})

t.test('an engine that cannot open leaves the directory free', async t => {
  const directory = t.testdir()
  await t.rejects(open(directory, { flushRowsMax: 1 }), {
    code: 1100,
    message: /flushRowsMax: expected an integer from 64/,
  })
  await t.rejects(open(directory, { nonsense: 1 } as object), {
    code: 1100,
    message: /unknown option "nonsense"/,
  })
  await (await open(directory)).close()
})
