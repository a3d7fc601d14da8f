/** What the engine says about itself is true at every moment: rows, and how far indexes are. */
import { join } from 'node:path'
import t from 'tap'
import { Engine } from '../../lib/engine/engine.js'
import { Database, DataType, type IndexProgress, open } from '../../lib/index.js'
import { FaultStore } from '../support/fault-store.js'
import { InlineRunner } from '../support/inline-engine.js'
import { Bench, refusal, rows, STATES, THINGS, things } from './ddl-fixture.js'

for (const state of STATES) {
  t.test(`rows of a dropped partition are not counted, ${state}`, async t => {
    const bench = await things(t)
    await bench.things.createPartition('p')
    await bench.things.insert(rows(0, 10))
    await bench.things.insert(rows(10, 17), { partitionName: 'p' })
    await bench.things.delete({ ids: [0, 1, 10] })
    await bench.settle(state)
    t.equal((await bench.things.stats()).rowCount, 14)
    await bench.things.release()
    await bench.things.dropPartition('p')
    await bench.things.load()
    t.equal((await bench.things.stats()).rowCount, 8)
    t.equal(await bench.things.count(), 8)
    await bench.things.createPartition('p')
    await bench.things.insert(rows(20, 25), { partitionName: 'p' })
    t.equal((await bench.things.stats()).rowCount, 13, 'a new partition of the name is another one')
    await bench.things.compact()
    t.equal((await bench.things.stats()).rowCount, 13)
  })
}

/** Holds tasks of one kind until they are let go. */
class Gate extends InlineRunner {
  readonly #opened: Promise<void>
  open!: () => void

  constructor(store: FaultStore, directory: string) {
    super(store, directory)
    this.#opened = new Promise(resolve => {
      this.open = resolve
    })
  }

  override async run(...[task, signal]: Parameters<InlineRunner['run']>): Promise<never> {
    if (task.kind === 'index') await this.#opened
    return (await super.run(task, signal)) as never
  }
}

t.test('an index is in progress until its graphs are built', async t => {
  const store = new FaultStore()
  const directory = t.testdir()
  const gate = new Gate(store, directory)
  const options = { autoCompaction: false, indexRowsMin: 16, warn: () => undefined }
  const engine = await Engine.open(directory, options, { store, taskRunner: gate })
  const db = new Database(engine)
  t.teardown(() => db.close())
  const c = await db.createCollection({ ...THINGS, name: 'c' })
  const finished = (count: number): IndexProgress => ({
    indexedRows: count,
    pendingRows: 0,
    totalRows: count,
    state: 'Finished',
    failReason: '',
  })
  t.strictSame(await c.indexProgress('vec'), finished(0))
  await c.insert(rows(0, 40))
  t.strictSame(await c.indexProgress('vec'), finished(40), 'growing rows need no graph')
  await c.flush()
  t.strictSame(await c.indexProgress('vec'), {
    indexedRows: 0,
    pendingRows: 40,
    totalRows: 40,
    state: 'InProgress',
    failReason: '',
  })
  await c.insert(rows(40, 45))
  t.match(await c.indexProgress('vec'), { indexedRows: 5, pendingRows: 40, state: 'InProgress' })
  const [hits] = await c.search({ data: [[7, 1]], limit: 1 })
  t.equal(hits![0]!.id, 7, 'searches are complete meanwhile')
  t.match(await refusal(c.indexProgress('nothing')), 'index not found[indexName=nothing]')
  gate.open()
  await engine.collection('c').finishIndexes()
  t.strictSame(await c.indexProgress('vec'), finished(45))
})

t.test('indexes that build nothing are finished', async t => {
  const bench = await new Bench(t.testdir()).open()
  t.teardown(() => bench.db.close())
  await bench.db.createCollection({ ...THINGS, indexes: [{ fieldName: 'vec', indexType: 'FLAT' }] })
  await bench.things.insert(rows(0, 20))
  await bench.things.flush()
  t.equal((await bench.things.indexProgress('vec')).state, 'Finished')
})

t.test('figures count deletes that came after a segment, whether its keys are in memory or not', async t => {
  const folder = join(t.testdir({}), 'db')
  let db = await open(folder)
  t.teardown(() => db.close())
  const collection = await db.createCollection({
    name: 'fruit',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
    ],
    indexes: [{ fieldName: 'vec', indexType: 'FLAT', metricType: 'L2' }],
  })
  await collection.insert(Array.from({ length: 50 }, (_, id) => ({ id, vec: [id, 0] })))
  await collection.flush()
  await collection.delete({ ids: [1, 2, 3] })
  const rowCount = async (): Promise<number> => (await db.collection('fruit').stats()).rowCount
  t.equal(await rowCount(), 47)
  await collection.release()
  t.equal(await rowCount(), 47, 'released')
  await collection.delete({ ids: [4] })
  await collection.upsert([{ id: 5, vec: [0, 1] }])
  t.equal(await rowCount(), 46, 'written to while released')
  await db.close()
  db = await open(folder)
  t.equal(await rowCount(), 46, 'opened anew and not loaded')
  await db.collection('fruit').load()
  t.equal(await db.collection('fruit').count(), 46)
})
