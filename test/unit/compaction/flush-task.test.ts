/** Flush: a frozen growing segment becomes a sorted sealed one, against a plain model. */
import t from 'tap'
import { runTask } from '../../../lib/compaction/run-task.js'
import type { TaskContext } from '../../../lib/compaction/task-context.js'
import type { FlushTask } from '../../../lib/compaction/tasks.js'
import type { Column } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { storeDirectory } from '../../../lib/store/layout.js'
import { openLevelStore } from '../../../lib/store/level-store.js'
import { type Rng, rng, seedOf } from '../../support/rng.js'
import {
  COLUMN_TYPES,
  cellsOf,
  compareModel,
  countKeys,
  fieldOf,
  int64Column,
  type ModelRow,
  randomColumn,
  readModel,
  textColumn,
} from '../../support/stored-rows.js'

const seed = seedOf(21)

async function openContext(directory: string): Promise<TaskContext> {
  return { store: await openLevelStore(storeDirectory(directory)), directory, isCancelled: () => false }
}

/** A random growing segment and what it holds. */
function randomFlush(
  random: Rng,
  pkType: DataType,
  rowCount: number,
): { task: FlushTask; model: ModelRow[] } {
  const pkField = fieldOf(100, pkType, { primaryKey: true })
  const others = COLUMN_TYPES.map((type, i) => fieldOf(101 + i, type, { dim: 16, nullable: random.chance() }))
  const fields = [pkField, ...others]
  const names = Array.from({ length: rowCount }, () => random.int(rowCount) - rowCount / 2)
  const pk =
    pkType === DataType.Int64 ? int64Column(names.map(Math.round)) : textColumn(names.map(n => `key ${n}`))
  const columns: Column[] = [pk]
  for (const field of others) {
    columns.push(
      randomColumn(field, rowCount, random, { nulls: field.nullable ? 0.4 : 0, spare: 9, shared: true }),
    )
  }
  // One tick per few rows, as requests have; room beyond the rows, as growing segments have.
  const ticks = new Float64Array(rowCount + 9)
  for (let row = 0, tick = 100; row < rowCount; row++) {
    if (random.chance(0.4)) tick += 1 + random.int(3)
    ticks[row] = tick
  }
  const partitionIds = new Int32Array(rowCount + 9).map(() => random.int(3))
  const deletedRows = random.shuffle([...names.keys()]).slice(0, random.int(rowCount))
  const deletes = { rows: Int32Array.from(deletedRows), ticks: new Float64Array(deletedRows.length) }
  for (let i = 0, tick = 5_000; i < deletedRows.length; i++) {
    if (random.chance()) tick++
    deletes.ticks[i] = tick
  }
  const cells = columns.map(column => cellsOf(column, rowCount))
  const model = names.map((_, row) => ({
    cells: new Map(fields.map((field, i) => [field.id, cells[i]![row]!])),
    tick: ticks[row]!,
    partition: partitionIds[row]!,
    deletedAt: 0,
  }))
  for (let i = 0; i < deletedRows.length; i++) {
    model[deletedRows[i]!] = { ...model[deletedRows[i]!]!, deletedAt: deletes.ticks[i]! }
  }
  const horizonTick = random.chance(0.3) ? 0 : 5_000 + random.int(rowCount)
  const task: FlushTask = {
    kind: 'flush',
    segmentId: 40,
    fields,
    pkFieldId: 100,
    columns,
    rowCount,
    ticks,
    partitionIds,
    deletes,
    horizonTick,
    appliedDelta: 3,
  }
  return { task, model }
}

for (const pkType of [DataType.Int64, DataType.VarChar]) {
  t.test(
    `a flushed segment holds the rows in key order, purged up to the horizon; pk type ${pkType} (SEED=${seed})`,
    async t => {
      const context = await openContext(t.testdir())
      t.teardown(() => context.store.close())
      const random = rng(seed)
      for (let round = 0; round < 8; round++) {
        const { task: base, model } = randomFlush(random, pkType, 1 + random.int(150))
        const task = { ...base, segmentId: 40 + round }
        const { meta, rowMap } = await runTask(task, context)
        const kept = model.filter(row => row.deletedAt === 0 || row.deletedAt > task.horizonTick)
        if (meta === null) {
          t.equal(kept.length, 0)
          continue
        }
        const stored = await readModel(context.store, meta, task.fields)
        const wanted = kept.toSorted((a, b) => compareModel(task.fields[0]!, a, b))
        t.strictSame(stored, wanted, `round ${round}: ${wanted.length} of ${model.length} rows`)
        t.match(meta, { id: task.segmentId, level: 0, appliedDelta: 3, rowCount: kept.length })
        t.equal(meta.deletedRows, kept.filter(row => row.deletedAt > 0).length)
        t.equal(rowMap.length, task.rowCount)
        t.strictSame(
          [...rowMap].map(row => (row < 0 ? null : stored[row])),
          model.map(row => (kept.includes(row) ? row : null)),
          'the row map leads from old to new',
        )
      }
    },
  )
}

t.test('a segment whose rows are all gone is not written', async t => {
  const context = await openContext(t.testdir())
  t.teardown(() => context.store.close())
  const { task } = randomFlush(rng(seed), DataType.Int64, 20)
  const rows = Int32Array.from({ length: 20 }, (_, i) => i)
  const ticks = new Float64Array(20).fill(7_000)
  const result = await runTask({ ...task, deletes: { rows, ticks }, horizonTick: 7_000 }, context)
  t.equal(result.meta, null)
  t.strictSame(result.rowMap, new Int32Array(20).fill(-1))
  t.equal(await countKeys(context.store), 0)
})

t.test('a cancelled flush leaves no key', async t => {
  const context = await openContext(t.testdir())
  t.teardown(() => context.store.close())
  const { task } = randomFlush(rng(seed), DataType.Int64, 50)
  let checks = 0
  const cancelling = { ...context, isCancelled: () => ++checks > 5 }
  await t.rejects(runTask(task, cancelling), { name: 'MilvusError', reason: 'Canceled' })
  t.equal(await countKeys(context.store), 0)
})
