/** Graphs: built, and grown out of an older segment's graph, they find what an exact scan finds. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { buildIndex } from '../../../lib/compaction/index-task.js'
import { runTask } from '../../../lib/compaction/run-task.js'
import type { TaskContext } from '../../../lib/compaction/task-context.js'
import type { CompactInput, CompactTask } from '../../../lib/compaction/tasks.js'
import { disableHnsw, enableHnsw, hnswAvailable } from '../../../lib/index/hnsw-index.js'
import type { IndexSpec } from '../../../lib/index/index-spec.js'
import { listSidecars, openSidecar, readSidecarMap } from '../../../lib/index/sidecar.js'
import type { FieldSchema } from '../../../lib/schema/collection-schema.js'
import type { Column, FixedColumn } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { SegmentMeta, StoredIndex } from '../../../lib/segment/segment-meta.js'
import { readColumn } from '../../../lib/segment/segment-reader.js'
import { indexDirectory, storeDirectory } from '../../../lib/store/layout.js'
import { openLevelStore } from '../../../lib/store/level-store.js'
import { type Rng, rng, seedOf } from '../../support/rng.js'
import { fieldOf, int64Column } from '../../support/stored-rows.js'

const seed = seedOf(41)
const DIM = 16
const NONE = { rows: new Int32Array(0), ticks: new Float64Array(0) }
const pk = fieldOf(100, DataType.Int64, { primaryKey: true })
const vector = fieldOf(101, DataType.FloatVector, { dim: DIM, nullable: true })
const fields = [pk, vector]
const spec: IndexSpec = {
  id: 6,
  name: 'by_vector',
  fieldName: 'f101',
  indexType: 'HNSW',
  metricType: 'L2',
  params: { M: '16', efConstruction: '100' },
}
const skip = hnswAvailable() ? false : 'hnswlib-node is not installed'

async function openContext(t: Test): Promise<TaskContext> {
  const directory = t.testdir()
  const store = await openLevelStore(storeDirectory(directory))
  t.teardown(() => store.close())
  return { store, directory, isCancelled: () => false }
}

/** Gaussian vectors, about one in twenty of them null. */
function vectors(field: FieldSchema, rowCount: number, random: Rng): Column {
  const values = new Float32Array(rowCount * field.dim).map(() => random.gauss())
  const validity = new Uint32Array((rowCount + 31) >>> 5)
  for (let row = 0; row < rowCount; row++) {
    if (random.chance(0.05)) values.fill(0, row * field.dim, (row + 1) * field.dim)
    else validity[row >>> 5]! |= 1 << (row & 31)
  }
  return { layout: 'fixed', width: field.dim, values, validity }
}

async function flushVectors(
  context: TaskContext,
  random: Rng,
  segmentId: number,
  rowCount: number,
): Promise<SegmentMeta> {
  const { meta } = await runTask(
    {
      kind: 'flush',
      segmentId,
      fields,
      pkFieldId: 100,
      columns: [
        int64Column(Array.from({ length: rowCount }, () => random.int(1e9))),
        vectors(vector, rowCount, random),
      ],
      rowCount,
      ticks: new Float64Array(rowCount).fill(segmentId),
      partitionIds: new Int32Array(rowCount),
      deletes: NONE,
      horizonTick: 0,
      appliedDelta: 0,
    },
    context,
  )
  return meta!
}

function mergeTask(
  inputs: CompactInput[],
  fileName: string,
  base: { inputIndex: number; fileName: string } | null,
): CompactTask {
  return {
    kind: 'compact',
    segmentId: 50,
    fields,
    pkFieldId: 100,
    inputs,
    horizonTick: 100,
    droppedPartitions: new Int32Array(0),
    expireBeforeTick: 0,
    deadline: null,
    appliedDelta: 0,
    level: 1,
    indexes: [{ spec, fileName, base }],
  }
}

/** Recall@10 of a stored graph over an exact scan, 50 random queries. */
async function recallOf(
  context: TaskContext,
  meta: SegmentMeta,
  stored: StoredIndex,
  random: Rng,
): Promise<number> {
  const expected = {
    segmentId: meta.id,
    fieldId: 101,
    indexId: 6,
    params: { metric: 'L2', dim: DIM },
  } as const
  const opened = await openSidecar(indexDirectory(context.directory), stored.fileName, expected)
  if (opened === null) throw new Error('the sidecar opens')
  const column = (await readColumn(context.store, meta, vector)) as FixedColumn
  let found = 0
  for (let q = 0; q < 50; q++) {
    const query = random.vector(DIM)
    const exact = new Set(nearest(column, meta.rowCount, query))
    const hits = opened.index.search(query, 30, 100)
    const rows: number[] = []
    for (let i = 0; i < hits.labels.length && rows.length < 10; i++) {
      const row = opened.rowOfLabel[hits.labels[i]!]!
      if (row >= 0) rows.push(row)
    }
    for (const row of rows) if (exact.has(row)) found++
  }
  return found / 500
}

function nearest({ values, validity }: FixedColumn, rowCount: number, query: readonly number[]): number[] {
  const all: [distance: number, row: number][] = []
  for (let row = 0; row < rowCount; row++) {
    if (validity !== null && ((validity[row >>> 5]! >>> (row & 31)) & 1) === 0) continue
    let distance = 0
    for (let i = 0; i < DIM; i++) distance += (values[row * DIM + i]! - query[i]!) ** 2
    all.push([distance, row])
  }
  return all
    .sort((a, b) => a[0] - b[0])
    .slice(0, 10)
    .map(entry => entry[1])
}

t.test(`a built graph finds what an exact scan finds (SEED=${seed})`, { skip }, async t => {
  const context = await openContext(t)
  const random = rng(seed)
  const meta = await flushVectors(context, random, 1, 1500)
  const stored = await runTask({ kind: 'index', meta, field: vector, spec, fileName: '1-101-6' }, context)
  t.match(stored, { fieldId: 101, indexId: 6, fileName: '1-101-6' })
  const nulls = meta.columns.find(column => column.fieldId === 101)!.nullCount
  t.ok(nulls > 0)
  t.equal(stored!.pointCount, meta.rowCount - nulls, 'null vectors are no points')
  t.ok(stored!.byteLength > stored!.pointCount * DIM * 4)
  t.ok((await recallOf(context, meta, stored!, random)) >= 0.95)
})

t.test(`a grown graph finds what a rebuilt one finds (SEED=${seed})`, { skip }, async t => {
  const context = await openContext(t)
  const random = rng(seed)
  const big = await flushVectors(context, random, 1, 1500)
  const small = await flushVectors(context, random, 2, 400)
  const base = await runTask({ kind: 'index', meta: big, field: vector, spec, fileName: '1-101-6' }, context)
  // A tenth of the big one is deleted for good.
  const rows = Int32Array.from({ length: 150 }, (_, i) => i * 10)
  const deletes = { rows, ticks: new Float64Array(150).fill(90) }
  const inputs = [
    { meta: small, deletes: NONE },
    { meta: big, deletes },
  ]
  const growing = mergeTask(inputs, '50-101-6', { inputIndex: 1, fileName: '1-101-6' })
  const grown = await runTask(growing, context)
  t.equal(grown.meta!.rowCount, 1750)
  const stored = grown.meta!.indexes[0]!
  const nulls = grown.meta!.columns.find(column => column.fieldId === 101)!.nullCount
  const map = await readSidecarMap(indexDirectory(context.directory), '50-101-6')
  const dead = map!.rowOfLabel.filter(row => row < 0).length
  t.ok(dead > 100, `${dead} dead points are kept: the graph was grown`)
  t.equal(stored.pointCount, 1750 - nulls + dead)
  t.equal(
    new Set(map!.rowOfLabel.filter(row => row >= 0)).size,
    1750 - nulls,
    'each row with a vector has one label',
  )
  const before = await readSidecarMap(indexDirectory(context.directory), '1-101-6')
  const moved = before!.rowOfLabel.map(row => grown.rowMaps[1]![row]!)
  t.strictSame(map!.rowOfLabel.slice(0, base!.pointCount), moved, 'old labels stay, their rows move')
  const grownRecall = await recallOf(context, grown.meta!, stored, rng(seed + 1))
  const rebuilt = await runTask({ ...mergeTask(inputs, '51-101-6', null), segmentId: 51 }, context)
  t.equal(rebuilt.meta!.indexes[0]!.pointCount, 1750 - nulls)
  const rebuiltRecall = await recallOf(context, rebuilt.meta!, rebuilt.meta!.indexes[0]!, rng(seed + 1))
  t.ok(grownRecall >= 0.95 && rebuiltRecall >= 0.95, `grown ${grownRecall}, rebuilt ${rebuiltRecall}`)
})

t.test(
  'a graph is built anew when the old one is mostly dead, damaged, missing or another index',
  { skip },
  async t => {
    const context = await openContext(t)
    const random = rng(seed)
    const meta = await flushVectors(context, random, 1, 500)
    const directory = indexDirectory(context.directory)
    const base = { inputIndex: 0, fileName: '1-101-6' }
    const build = async (what: string, deleted: number, other: Partial<IndexSpec> = {}): Promise<void> => {
      const rows = Int32Array.from({ length: deleted }, (_, i) => i)
      const input = { meta, deletes: { rows, ticks: new Float64Array(deleted).fill(90) } }
      const task = mergeTask([input], '50-101-6', base)
      const { meta: merged } = await runTask(
        { ...task, indexes: [{ ...task.indexes[0]!, spec: { ...spec, ...other } }] },
        context,
      )
      const map = await readSidecarMap(directory, '50-101-6')
      t.notOk(map!.rowOfLabel.includes(-1), `${what}: no dead points`)
      const nulls = merged!.columns.find(column => column.fieldId === 101)!.nullCount
      t.equal(merged!.indexes[0]!.pointCount, 500 - deleted - nulls, what)
    }
    await build('missing', 10)
    await runTask({ kind: 'index', meta, field: vector, spec, fileName: '1-101-6' }, context)
    await build('mostly dead', 150)
    await build('another index', 10, { id: 7 })
    await build('other parameters', 10, { params: { M: '12', efConstruction: '100' } })
    await writeFile(join(directory, '1-101-6.graph'), 'not a graph')
    await build('damaged', 10)
  },
)

t.test('vectors of other number types are indexed too', { skip }, async t => {
  const context = await openContext(t)
  const bytes = fieldOf(101, DataType.Int8Vector, { dim: DIM })
  const values = new Int8Array(300 * DIM).map(() => rng(seed).int(256))
  const { meta } = await runTask(
    {
      kind: 'flush',
      segmentId: 1,
      fields: [pk, bytes],
      pkFieldId: 100,
      columns: [int64Column([...Array(300).keys()]), { layout: 'fixed', width: DIM, values, validity: null }],
      rowCount: 300,
      ticks: new Float64Array(300).fill(1),
      partitionIds: new Int32Array(300),
      deletes: NONE,
      horizonTick: 0,
      appliedDelta: 0,
    },
    context,
  )
  const stored = await runTask(
    { kind: 'index', meta: meta!, field: bytes, spec, fileName: '1-101-6' },
    context,
  )
  t.equal(stored!.pointCount, 300)
})

t.test('a sidecar that cannot be written is taken away again', { skip }, async t => {
  const context = await openContext(t)
  const meta = await flushVectors(context, rng(seed), 1, 100)
  const directory = indexDirectory(context.directory)
  // A directory where the temporary map file should go.
  await mkdir(join(directory, '1-101-6.map.tmp'), { recursive: true })
  const build = runTask({ kind: 'index', meta, field: vector, spec, fileName: '1-101-6' }, context)
  await t.rejects(build, { name: 'MilvusError', reason: 'IoFailed' })
  t.strictSame(await readdir(directory), ['1-101-6.map.tmp'], 'the graph is gone')
})

t.test('no graph without the library or without a vector; a cancelled build leaves no file', async t => {
  const context = await openContext(t)
  const meta = await flushVectors(context, rng(seed), 1, 600)
  const task = { kind: 'index', meta, field: vector, spec, fileName: '1-101-6' } as const
  const absent = fieldOf(150, DataType.FloatVector, { dim: DIM, nullable: true })
  t.equal(await runTask({ ...task, field: absent }, context), null)
  disableHnsw()
  t.equal(await runTask(task, context), null)
  enableHnsw()
  let checks = 0
  const cancelling = { ...context, isCancelled: () => ++checks > 2 }
  if (hnswAvailable()) {
    await t.rejects(buildIndex({ ...task, growFrom: null }, cancelling), {
      name: 'MilvusError',
      reason: 'Canceled',
    })
  }
  t.strictSame(await listSidecars(indexDirectory(context.directory)), [])
})
