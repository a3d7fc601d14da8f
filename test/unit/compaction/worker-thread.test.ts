/** The background thread: same answers as in the calling thread, orderly ends, and what a crash leaves behind. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { MilvusError } from '../../../lib/base/errors.js'
import { runTask } from '../../../lib/compaction/run-task.js'
import type { FlushTask, IndexTask } from '../../../lib/compaction/tasks.js'
import { CompactionThread } from '../../../lib/compaction/worker-thread.js'
import { hnswAvailable } from '../../../lib/index/hnsw-index.js'
import { listSidecars } from '../../../lib/index/sidecar.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { sweepSegments } from '../../../lib/segment/segment-sweep.js'
import { indexDirectory, storeDirectory } from '../../../lib/store/layout.js'
import { openLevelStore } from '../../../lib/store/level-store.js'
import type { Store } from '../../../lib/store/store.js'
import { rng, seedOf } from '../../support/rng.js'
import { countKeys, fieldOf, randomColumn, readModel } from '../../support/stored-rows.js'

const seed = seedOf(51)
const pk = fieldOf(100, DataType.Int64, { primaryKey: true })
const vector = fieldOf(101, DataType.FloatVector, { dim: 100 })
const text = fieldOf(102, DataType.VarChar, { nullable: true })

function flushTask(segmentId: number, rowCount: number): FlushTask {
  const random = rng(seed)
  const columns = [pk, vector, text].map(field =>
    randomColumn(field, rowCount, random, { nulls: field.nullable ? 0.2 : 0, shared: true, spare: 10 }),
  )
  return {
    kind: 'flush',
    segmentId,
    fields: [pk, vector, text],
    pkFieldId: 100,
    columns,
    rowCount,
    ticks: new Float64Array(new SharedArrayBuffer(rowCount * 8)).fill(5),
    partitionIds: new Int32Array(new SharedArrayBuffer(rowCount * 4)),
    deletes: { rows: Int32Array.of(1, 2), ticks: Float64Array.of(50, 60) },
    horizonTick: 55,
    appliedDelta: 1,
  }
}

function indexTask(meta: IndexTask['meta']): IndexTask {
  const params = { M: '8', efConstruction: '64' }
  const spec = { id: 1, name: 'v', fieldName: 'f101', indexType: 'HNSW', metricType: 'L2', params } as const
  return { kind: 'index', meta, field: vector, spec, fileName: `${meta.id}-101-1` }
}

const cancelFlag = (): { cancel: Int32Array } => ({ cancel: new Int32Array(new SharedArrayBuffer(4)) })

async function open(t: Test): Promise<{ directory: string; store: Store; thread: CompactionThread }> {
  const directory = t.testdir()
  const store = await openLevelStore(storeDirectory(directory))
  const thread = new CompactionThread(directory)
  t.teardown(async () => {
    await thread.close()
    await store.close()
  })
  return { directory, store, thread }
}

t.test('what the thread writes is there for the main thread, while both have the store open', async t => {
  const { directory, store, thread } = await open(t)
  const [a, b] = await Promise.all([thread.run(flushTask(1, 3000)), thread.run(flushTask(2, 3000))])
  t.equal(a.rowMap.length, 3000)
  t.equal(a.rowMap[1], -1, 'deleted before the horizon')
  const here = await runTask(flushTask(3, 3000), { store, directory, isCancelled: () => false })
  t.strictSame({ ...a.meta, id: 0 }, { ...here.meta, id: 0 }, 'same meta as in the calling thread')
  t.strictSame(a.rowMap, here.rowMap)
  const fields = [pk, vector, text]
  t.strictSame(await readModel(store, a.meta!, fields), await readModel(store, here.meta!, fields))
  const inputs = [a.meta!, b.meta!].map(meta => ({
    meta,
    deletes: { rows: new Int32Array(0), ticks: new Float64Array(0) },
  }))
  const merged = await thread.run({
    kind: 'compact',
    segmentId: 4,
    fields,
    pkFieldId: 100,
    inputs,
    horizonTick: 0,
    droppedPartitions: new Int32Array(0),
    expireBeforeTick: 0,
    deadline: null,
    appliedDelta: 1,
    level: 1,
    indexes: [],
  })
  t.equal(merged.meta!.rowCount, 5998)
  t.strictSame(
    merged.rowMaps.map(map => map.length),
    [2999, 2999],
  )
  const stored = await thread.run(indexTask(a.meta!))
  t.equal(stored === null, !hnswAvailable())
})

t.test('errors keep their reason across the thread border', async t => {
  const { store, thread } = await open(t)
  const { meta } = await thread.run(flushTask(1, 100))
  const broken = {
    ...meta!,
    columns: meta!.columns.map(c => ({
      ...c,
      chunkCount: c.chunkCount + 1,
      chunkRows: [...c.chunkRows, meta!.rowCount],
    })),
  }
  const task = {
    kind: 'compact',
    segmentId: 2,
    fields: [pk],
    pkFieldId: 100,
    inputs: [{ meta: broken, deletes: { rows: new Int32Array(0), ticks: new Float64Array(0) } }],
    horizonTick: 0,
    droppedPartitions: new Int32Array(0),
    expireBeforeTick: 0,
    deadline: null,
    appliedDelta: 1,
    level: 1,
    indexes: [],
  } as const
  const before = await countKeys(store)
  const error = await thread.run(task).then(
    () => null,
    (caught: unknown) => caught as MilvusError,
  )
  t.ok(error instanceof MilvusError)
  t.match(error, {
    reason: 'Corrupted',
    code: 1002,
    message: /^segment 1, field 100 \(f100\), chunk 1 is missing/,
  })
  if (error !== null) t.match((error.cause as Error).stack, /segment-reader/)
  const bug = thread.run({ ...flushTask(3, 10), pkFieldId: 999 })
  await t.rejects(bug, { name: 'MilvusError', reason: 'Unexpected', message: /invariant broken/ })
  t.equal(await countKeys(store), before)
  t.equal((await thread.run(flushTask(4, 10))).meta!.id, 4, 'the thread goes on')
})

t.test('a cancelled task stops, leaves no key and no file, and the next one runs', async t => {
  const { directory, store, thread } = await open(t)
  const early = cancelFlag()
  Atomics.store(early.cancel, 0, 1)
  await t.rejects(thread.run(flushTask(1, 10), early), { name: 'MilvusError', reason: 'Canceled' })
  const { meta } = await thread.run(flushTask(2, 20_000))
  const before = await countKeys(store)
  const flag = cancelFlag()
  const running = thread.run(flushTask(3, 60_000), flag)
  const waiting = cancelFlag()
  const queued = thread.run(indexTask(meta!), waiting)
  for await (const _ of untilMoreKeys(store, before)) Atomics.store(flag.cancel, 0, 1)
  Atomics.store(waiting.cancel, 0, 1)
  await t.rejects(running, { name: 'MilvusError', reason: 'Canceled' })
  await t.rejects(queued, { name: 'MilvusError', reason: 'Canceled' })
  t.equal(await countKeys(store), before)
  t.strictSame(await listSidecars(indexDirectory(directory)), [])
  t.equal((await thread.run(flushTask(5, 10))).meta!.rowCount, 9)
})

/** Yields once, as soon as the store has more keys than before. */
async function* untilMoreKeys(store: Store, before: number): AsyncGenerator<void> {
  while ((await countKeys(store)) <= before) await new Promise(resolve => setImmediate(resolve))
  yield
}

t.test('closing stops what runs and what waits, and may be done twice', async t => {
  const { store, thread } = await open(t)
  const { meta } = await thread.run(flushTask(1, 8000))
  const running = thread.run(indexTask(meta!), cancelFlag())
  const uncancellable = thread.run(flushTask(2, 100))
  const reasons = Promise.all(
    [running, uncancellable].map(job =>
      job.then(
        () => 'done',
        (e: MilvusError) => e.reason,
      ),
    ),
  )
  await Promise.all([thread.close(), thread.close()])
  t.strictSame(await reasons, [hnswAvailable() ? 'Canceled' : 'done', 'Canceled'])
  await t.rejects(thread.run(flushTask(3, 10)), { name: 'MilvusError', reason: 'StoreClosed' })
  t.ok((await countKeys(store)) > 0, "the main thread's store is still open")
  const unused = new CompactionThread('/nowhere')
  await unused.close()
})

t.test('a task without a cancel flag is finished before close returns', async t => {
  const { store, thread } = await open(t)
  const running = thread.run(flushTask(1, 5000))
  await thread.close()
  t.equal((await running).meta!.rowCount, 4999)
  t.strictSame(await sweepSegments(store, new Set([1])), [])
})

t.test('a thread that cannot work rejects its task, and each task gets a new try', async t => {
  const directory = join(t.testdir(), 'database')
  const thread = new CompactionThread(directory)
  t.teardown(() => thread.close())
  await t.rejects(thread.run(flushTask(1, 10)), { name: 'MilvusError' }, 'there is no store')
  mkdirSync(directory, { recursive: true })
  const store = await openLevelStore(storeDirectory(directory))
  t.teardown(() => store.close())
  t.equal((await thread.run(flushTask(2, 10))).meta!.id, 2)
  const uncloneable = { ...flushTask(3, 10), extra: () => 0 }
  await t.rejects(thread.run(uncloneable), { name: 'MilvusError', reason: 'Internal' })
  t.equal((await thread.run(flushTask(4, 10))).meta!.id, 4)
})

t.test('a worker that dies takes its task with it and nothing else', async t => {
  const workers: Worker[] = []
  const note = (worker: Worker): number => workers.push(worker)
  process.on('worker', note)
  t.teardown(() => process.off('worker', note))
  const { store, thread } = await open(t)
  const { meta } = await thread.run(flushTask(1, 500))
  const before = await countKeys(store)
  const lost = thread.run(flushTask(2, 60_000))
  const next = thread.run(flushTask(3, 500))
  const outcome = lost.then(
    () => 'done',
    (error: MilvusError) => error.reason,
  )
  for await (const _ of untilMoreKeys(store, before)) await workers[0]!.terminate()
  t.equal(await outcome, 'Internal')
  t.equal((await next).meta!.rowCount, 499, 'the task behind it gets a new worker')
  t.equal(workers.length, 2)
  t.strictSame(await sweepSegments(store, new Set([1, 3])), [2])
  t.equal((await readModel(store, meta!, [pk])).length, 499)
})

/** Runs a script in a process of its own, on a store in `directory`. */
function inChild(
  directory: string,
  script: string,
): { signal: string | null; status: number | null; stdout: string; stderr: string } {
  const at = (path: string): string => new URL(`../../../${path}`, import.meta.url).href
  const prelude = `
    import { CompactionThread } from '${at('lib/compaction/worker-thread.js')}'
    import { storeDirectory } from '${at('lib/store/layout.js')}'
    import { openLevelStore } from '${at('lib/store/level-store.js')}'
    import { fieldOf, int64Column, randomColumn } from '${at('test/support/stored-rows.js')}'
    import { rng } from '${at('test/support/rng.js')}'
    const directory = ${JSON.stringify(directory)}
    const fields = [fieldOf(100, 5, { primaryKey: true }), fieldOf(101, 101, { dim: 100 })]
    const none = { rows: new Int32Array(0), ticks: new Float64Array(0) }
    const flush = (segmentId, rowCount) => ({
      kind: 'flush', segmentId, fields, pkFieldId: 100, rowCount, deletes: none, horizonTick: 0, appliedDelta: 0,
      columns: fields.map(field => randomColumn(field, rowCount, rng(segmentId))),
      ticks: new Float64Array(rowCount).fill(1), partitionIds: new Int32Array(rowCount),
    })
    const compact = (segmentId, metas) => ({
      kind: 'compact', segmentId, fields, pkFieldId: 100, inputs: metas.map(meta => ({ meta, deletes: none })),
      horizonTick: 0, droppedPartitions: new Int32Array(0), expireBeforeTick: 0, deadline: null, appliedDelta: 0, level: 1, indexes: [],
    })
    const spec = { id: 1, name: 'v', fieldName: 'f101', indexType: 'HNSW', metricType: 'L2', params: { M: '8', efConstruction: '40' } }
    const index = meta => ({ kind: 'index', meta, field: fields[1], spec, fileName: meta.id + '-101-1' })
    const store = await openLevelStore(storeDirectory(directory))
  `
  const args = ['--input-type=module', '-e', prelude + script]
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
}

t.test('a program that forgets to close ends by itself, without an error', async t => {
  const directory = t.testdir()
  const child = inChild(
    directory,
    `const thread = new CompactionThread(directory)
     const { meta } = await thread.run(flush(1, 2000))
     console.log(meta.rowCount)`,
  )
  t.match(child, { status: 0, signal: null, stdout: '2000\n', stderr: '' })
  const store = await openLevelStore(storeDirectory(directory))
  t.ok((await countKeys(store)) > 0)
  await store.close()
})

const CRASHES = [
  { point: 'flush:before-write', afterHits: 1, run: 'await thread.run(flush(7, 30_000))' },
  { point: 'flush:mid-write', afterHits: 5, run: 'await thread.run(flush(7, 30_000))' },
  {
    point: 'compact:mid-write',
    afterHits: 4,
    run: `const a = await thread.run(flush(1, 9_000)); const b = await thread.run(flush(2, 9_000))
          await thread.run(compact(7, [a.meta, b.meta]))`,
  },
  {
    point: 'index:before-write',
    afterHits: 1,
    run: 'await thread.run(index((await thread.run(flush(1, 500))).meta))',
  },
  {
    point: 'index:after-graph',
    afterHits: 1,
    run: 'await thread.run(index((await thread.run(flush(1, 500))).meta))',
  },
]

for (const { point, afterHits, run } of CRASHES) {
  const skip = point.startsWith('index') && !hnswAvailable() ? 'hnswlib-node is not installed' : false
  t.test(
    `killed at ${point}: the store opens, whole segments are whole, the rest is swept`,
    { skip },
    async t => {
      const directory = t.testdir()
      const options = JSON.stringify({ crashPoint: { name: point, afterHits } })
      const child = inChild(
        directory,
        `const thread = new CompactionThread(directory, ${options}); ${run}; console.log('alive')`,
      )
      t.match(child, { signal: 'SIGKILL', stdout: '' })
      const store = await openLevelStore(storeDirectory(directory))
      t.teardown(() => store.close())
      const orphans = await sweepSegments(store, new Set([1, 2]))
      const partly = point === 'flush:mid-write' || point === 'compact:mid-write'
      t.strictSame(orphans, partly ? [7] : [], 'only the segment in the making is an orphan')
      const files = await listSidecars(indexDirectory(directory))
      t.strictSame(files, point === 'index:after-graph' ? ['1-101-1'] : [])
      t.strictSame(await sweepSegments(store, new Set([1, 2])), [])
    },
  )
}
