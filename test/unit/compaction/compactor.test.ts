/** Compaction: several sealed segments become one, against a plain model of which rows may still be asked for. */
import t from 'tap'
import { runTask } from '../../../lib/compaction/run-task.js'
import type { TaskContext } from '../../../lib/compaction/task-context.js'
import type { CompactInput, CompactTask } from '../../../lib/compaction/tasks.js'
import type { IndexSpec } from '../../../lib/index/index-spec.js'
import { listSidecars, removeSidecar } from '../../../lib/index/sidecar.js'
import type { FieldSchema } from '../../../lib/schema/collection-schema.js'
import type { Column } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { columnKey } from '../../../lib/store/keys.js'
import { indexDirectory, storeDirectory } from '../../../lib/store/layout.js'
import { openLevelStore } from '../../../lib/store/level-store.js'
import { type Rng, rng, seedOf } from '../../support/rng.js'
import {
  COLUMN_TYPES,
  compareModel,
  countKeys,
  fieldOf,
  int64Column,
  type ModelRow,
  randomColumn,
  readModel,
  textColumn,
} from '../../support/stored-rows.js'

const seed = seedOf(31)
const LATE = 10_000

async function openContext(directory: string): Promise<TaskContext> {
  return { store: await openLevelStore(storeDirectory(directory)), directory, isCancelled: () => false }
}

/** Flushes a random segment; its rows as the model sees them, in stored order. */
async function flushed(
  context: TaskContext,
  random: Rng,
  fields: readonly FieldSchema[],
  segmentId: number,
  rowCount: number,
): Promise<{ input: CompactInput; model: ModelRow[] }> {
  const names = Array.from({ length: rowCount }, () => random.int(60) - 30)
  const [pk, ...others] = fields
  const keys = pk!.dataType === DataType.Int64 ? int64Column(names) : textColumn(names.map(n => `k${n}`))
  const columns: Column[] = [keys]
  for (const field of others)
    columns.push(randomColumn(field, rowCount, random, { nulls: field.nullable ? 0.4 : 0 }))
  const ticks = new Float64Array(rowCount).map((_, row) => segmentId * 10 + Math.floor(row / 3))
  const partitionIds = new Int32Array(rowCount).map(() => random.int(4))
  const stored = random.shuffle([...names.keys()]).slice(0, random.int(rowCount + 1) >>> 1)
  const { meta } = await runTask(
    {
      kind: 'flush',
      segmentId,
      fields,
      pkFieldId: pk!.id,
      columns,
      rowCount,
      ticks,
      partitionIds,
      deletes: {
        rows: Int32Array.from(stored),
        ticks: new Float64Array(stored.length).map((_, i) => LATE + i),
      },
      horizonTick: 0,
      appliedDelta: 0,
    },
    context,
  )
  const model = await readModel(context.store, meta!, fields)
  // Later deletes, which the segment itself does not know yet.
  const alive = [...model.keys()].filter(row => model[row]!.deletedAt === 0)
  const later = random.shuffle(alive).slice(0, random.int(alive.length + 1) >>> 1)
  const known: [row: number, tick: number][] = []
  for (const [row, { deletedAt }] of model.entries()) if (deletedAt > 0) known.push([row, deletedAt])
  for (const [i, row] of later.entries()) {
    known.push([row, LATE + 500 + i])
    model[row] = { ...model[row]!, deletedAt: LATE + 500 + i }
  }
  known.sort((a, b) => a[1] - b[1])
  const deletes = { rows: Int32Array.from(known, k => k[0]), ticks: Float64Array.from(known, k => k[1]) }
  return { input: { meta: meta!, deletes }, model }
}

function compactTask(
  fields: readonly FieldSchema[],
  inputs: CompactInput[],
  more: Partial<CompactTask> = {},
): CompactTask {
  return {
    kind: 'compact',
    segmentId: 900,
    fields,
    pkFieldId: fields[0]!.id,
    inputs,
    horizonTick: 0,
    droppedPartitions: new Int32Array(0),
    expireBeforeTick: 0,
    deadline: null,
    appliedDelta: 4,
    level: 2,
    indexes: [],
    ...more,
  }
}

for (const pkType of [DataType.Int64, DataType.VarChar]) {
  t.test(`a merge holds what may still be asked for, in order; pk type ${pkType} (SEED=${seed})`, async t => {
    const context = await openContext(t.testdir())
    t.teardown(() => context.store.close())
    const random = rng(seed)
    const pk = fieldOf(100, pkType, { primaryKey: true })
    const old = [
      pk,
      ...COLUMN_TYPES.map((type, i) => fieldOf(101 + i, type, { dim: 16, nullable: i % 2 === 0 })),
    ]
    const added = [
      fieldOf(201, DataType.Int64, { defaultValue: -7, nullable: true }),
      fieldOf(202, DataType.VarChar, { nullable: true }),
    ]
    const fields = [...old.filter(field => field.id !== 103), ...added]
    for (let round = 0; round < 8; round++) {
      const sources = []
      const first = 10 + round * 10
      for (let i = 0; i < 1 + random.int(5); i++) {
        sources.push(
          await flushed(
            context,
            random,
            random.chance() ? old : [...old, ...added],
            first + i,
            1 + random.int(60),
          ),
        )
      }
      const shuffled = random.shuffle(sources)
      const task = compactTask(
        fields,
        shuffled.map(source => source.input),
        {
          segmentId: 900 + round,
          horizonTick: random.pick([0, LATE + 10, LATE + 505, LATE * 9]),
          droppedPartitions: random.pick([new Int32Array(0), Int32Array.of(2), Int32Array.of(0, 3, 99)]),
          expireBeforeTick: random.pick([0, first * 10 + 12]),
        },
      )
      const gone = new Set(task.droppedPartitions)
      const survives = (row: ModelRow): boolean =>
        (row.deletedAt === 0 || row.deletedAt > task.horizonTick) &&
        !gone.has(row.partition) &&
        row.tick > task.expireBeforeTick
      const { meta, rowMaps } = await runTask(task, context)
      const models = []
      for (const { input, model } of shuffled) {
        const now = await readModel(context.store, input.meta, fields)
        models.push(now.map((row, i) => ({ ...row, deletedAt: model[i]!.deletedAt })))
      }
      const wanted = models
        .flat()
        .filter(survives)
        .sort((a, b) => compareModel(pk, a, b))
      const stored = meta === null ? [] : await readModel(context.store, meta, fields)
      t.strictSame(stored, wanted, `round ${round}: ${wanted.length} rows of ${models.length} segments`)
      t.strictSame(
        rowMaps.map(map => [...map].map(row => (row < 0 ? null : stored[row]))),
        models.map(model => model.map(row => (survives(row) ? row : null))),
        'row maps lead to the new rows',
      )
      if (meta === null) continue
      t.match(meta, { id: 900 + round, level: 2, appliedDelta: 4, rowCount: wanted.length, indexes: [] })
      t.notOk(
        meta.columns.some(column => column.fieldId === 103),
        'a dropped field is left behind',
      )
    }
  })
}

t.test('versions of one key stay in tick order, whatever the order of the inputs', async t => {
  const context = await openContext(t.testdir())
  t.teardown(() => context.store.close())
  const pk = fieldOf(100, DataType.Int64, { primaryKey: true })
  const inputs: CompactInput[] = []
  for (const segmentId of [5, 3, 4]) {
    const { meta } = await runTask(
      {
        kind: 'flush',
        segmentId,
        fields: [pk],
        pkFieldId: 100,
        columns: [int64Column([1, 2, 1])],
        rowCount: 3,
        ticks: Float64Array.of(segmentId * 10, segmentId * 10 + 1, segmentId * 10 + 2),
        partitionIds: new Int32Array(3),
        deletes: { rows: new Int32Array(0), ticks: new Float64Array(0) },
        horizonTick: 0,
        appliedDelta: 0,
      },
      context,
    )
    inputs.push({ meta: meta!, deletes: { rows: new Int32Array(0), ticks: new Float64Array(0) } })
  }
  const { meta } = await runTask(compactTask([pk], inputs), context)
  const ticks = (await readModel(context.store, meta!, [pk])).map(row => row.tick)
  t.strictSame(ticks, [30, 32, 40, 42, 50, 52, 31, 41, 51])
})

t.test('a cancelled or failed merge leaves its inputs and nothing else', async t => {
  const directory = t.testdir()
  const context = await openContext(directory)
  t.teardown(() => context.store.close())
  const random = rng(seed)
  const fields = [
    fieldOf(100, DataType.Int64, { primaryKey: true }),
    fieldOf(101, DataType.FloatVector, { dim: 8 }),
    fieldOf(102, DataType.FloatVector, { dim: 8 }),
  ]
  const sources = [
    await flushed(context, random, fields, 1, 300),
    await flushed(context, random, fields, 2, 300),
  ]
  const inputs = sources.map(source => source.input)
  const before = await countKeys(context.store)
  const spec = (id: number, fieldName: string): IndexSpec => ({
    id,
    name: fieldName,
    fieldName,
    indexType: 'HNSW',
    metricType: 'L2',
    params: { M: '8', efConstruction: '40' },
  })
  const indexes = [
    { spec: spec(1, 'f101'), fileName: '900-101-1', base: null },
    { spec: spec(2, 'f102'), fileName: '900-102-2', base: null },
  ]
  const task = compactTask(fields, inputs, { indexes })
  let total = 0
  const counting = (): boolean => {
    total++
    return false
  }
  await runTask(task, { ...context, isCancelled: counting })
  for (const { fileName } of indexes) await removeSidecar(indexDirectory(directory), fileName)
  await context.store.clear(columnKey(900, 0, 0), columnKey(901, 0, 0))
  for (let stopAt = 1; stopAt <= total; stopAt++) {
    let checks = 0
    const cancelling = { ...context, isCancelled: () => ++checks >= stopAt }
    await t.rejects(
      runTask(task, cancelling),
      { name: 'MilvusError', reason: 'Canceled' },
      `at check ${stopAt}`,
    )
    t.equal(await countKeys(context.store), before)
    t.strictSame(await listSidecars(indexDirectory(directory)), [], 'no sidecar is left')
  }
  const key = columnKey(2, 101, 0)
  const bytes = (await context.store.get(key))!
  bytes[40]! ^= 1
  await context.store.write([{ key, value: bytes }], false)
  const corrupt = { name: 'MilvusError', reason: 'Corrupted', message: /segment 2, field 101 .*chunk 0/ }
  await t.rejects(runTask(task, context), corrupt)
  t.equal(await countKeys(context.store), before)
})
