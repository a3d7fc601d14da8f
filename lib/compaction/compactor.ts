/**
 * Merges sealed segments into one.
 *
 * Promise: the output holds exactly the rows of the inputs that some reader may still ask for, each with its insert
 * tick, its partition and, when it was deleted after the horizon, its delete. So swapping output for inputs changes no
 * answer at any tick above the horizon. The swap itself, one manifest edit, is the caller's; nothing here touches the
 * inputs.
 *
 *   killed anywhere in here -> the inputs count; chunks and sidecars of the output are orphans, swept at open
 *   cancelled or failed     -> chunks and sidecars of the output are deleted, then the error is thrown
 *   deletes that arrive while this runs -> not seen here; they are in the delete log above `appliedDelta`, and the
 *                                          output catches up with them like any segment that is loaded
 *
 * How: the keys, ticks and partitions of all inputs are read first and decide which rows go on and in what order. That
 * order is computed once. Then every column on its own: read the inputs' parts, gather in the new order, write in
 * synced chunks, forget. Memory is one column of all inputs (plus 20 bytes per row), not a segment. Graphs come last
 * and are read back column by column: a graph takes minutes where reading its column takes a second.
 *
 * A graph is worth keeping: adding the smaller inputs' points to the largest input's graph costs only those points.
 * Labels stay what they were, the label → row map changes (index-task.ts).
 */
import { assert } from '../base/assert.js'
import { crashPoint } from '../base/crash-point.js'
import { removeSidecar } from '../index/sidecar.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { concatColumns } from '../schema/column-ops.js'
import type { SegmentMeta, StoredIndex } from '../segment/segment-meta.js'
import { readColumn, readSystemColumns } from '../segment/segment-reader.js'
import { SegmentWriter, undoOnFailure } from '../segment/segment-writer.js'
import { gatheredRows, gatherIds, gatherTicks, type RowOrder } from './gathered-rows.js'
import { buildIndex } from './index-task.js'
import { INPUTS_MAX } from './picker.js'
import { sortByKey } from './row-order.js'
import {
  markDeleted,
  markExpired,
  markOverdue,
  markPartitions,
  movedDeletes,
  rowsLeft,
} from './row-selection.js'
import { checkCancelled, sidecarDirectory, type TaskContext } from './task-context.js'
import type { CompactIndex, CompactResult, CompactTask } from './tasks.js'

/** What decides about rows, of all inputs end to end: row r of input i is row `bases[i] + r`. */
interface Keys {
  readonly pk: Column
  readonly ticks: Float64Array
  readonly partitionIds: Int32Array
  readonly bases: readonly number[]
  readonly rowCount: number
}

/** @throws MilvusError Canceled, Corrupted, IoFailed, DiskFull */
export async function compact(task: CompactTask, context: TaskContext): Promise<CompactResult> {
  assert(task.inputs.length > 0 && task.inputs.length <= INPUTS_MAX, 'a merge has 1 to INPUTS_MAX inputs')
  const keys = await readKeys(task, context)
  const dropped = new Uint8Array(keys.rowCount)
  for (let i = 0; i < task.inputs.length; i++) {
    markDeleted(dropped, keys.bases[i]!, task.inputs[i]!.deletes, task.horizonTick)
  }
  markExpired(dropped, keys.ticks, task.expireBeforeTick)
  await markRowsOverdue(task, context, keys, dropped)
  markPartitions(dropped, keys.partitionIds, task.droppedPartitions)
  const rows = rowsLeft(dropped)
  sortByKey(keys.pk, keys.ticks, rows)
  const { order, rowMaps } = splitRows(task, keys, rows)
  if (rows.length === 0) return { meta: null, rowMaps }
  const meta = await undoOnFailure(context.store, task.segmentId, async () => {
    const written = await writeColumns(task, context, keys, rows, order, rowMaps)
    return { ...written, indexes: await buildIndexes(task, context, written, rowMaps) }
  })
  return { meta, rowMaps }
}

async function markRowsOverdue(
  task: CompactTask,
  context: TaskContext,
  keys: Keys,
  dropped: Uint8Array,
): Promise<void> {
  if (task.deadline === null) return
  const { fieldId, nowMicros } = task.deadline
  const columns = await readInputs(task, context, fieldOf(task, fieldId))
  for (let i = 0; i < columns.length; i++)
    markOverdue(dropped, keys.bases[i]!, columns[i]!, task.inputs[i]!.meta.rowCount, nowMicros)
}

async function readKeys(task: CompactTask, context: TaskContext): Promise<Keys> {
  const field = fieldOf(task, task.pkFieldId)
  const bases: number[] = []
  let rowCount = 0
  for (const { meta } of task.inputs) {
    bases.push(rowCount)
    rowCount += meta.rowCount
  }
  const ticks = new Float64Array(rowCount)
  const partitionIds = new Int32Array(rowCount)
  const parts: { column: Column; rowCount: number }[] = []
  for (let i = 0; i < task.inputs.length; i++) {
    checkCancelled(context)
    const { meta } = task.inputs[i]!
    parts.push({ column: await readColumn(context.store, meta, field), rowCount: meta.rowCount })
    const system = await readSystemColumns(context.store, meta)
    ticks.set(system.ticks, bases[i]!)
    partitionIds.set(system.partitionIds, bases[i]!)
  }
  return { pk: concatColumns(field, parts), ticks, partitionIds, bases, rowCount }
}

/** The sorted rows as (input, row) pairs, and the way from each input row to its new place. */
function splitRows(
  task: CompactTask,
  keys: Keys,
  rows: Int32Array,
): { readonly order: RowOrder; readonly rowMaps: Int32Array[] } {
  const inputOfRow = new Uint8Array(keys.rowCount)
  for (let i = 1; i < keys.bases.length; i++) inputOfRow.fill(i, keys.bases[i]!)
  const rowMaps = task.inputs.map(({ meta }) => new Int32Array(meta.rowCount).fill(-1))
  const inputOf = new Uint8Array(rows.length)
  const rowOf = new Int32Array(rows.length)
  for (let i = 0; i < rows.length; i++) {
    const input = inputOfRow[rows[i]!]!
    const row = rows[i]! - keys.bases[input]!
    inputOf[i] = input
    rowOf[i] = row
    rowMaps[input]![row] = i
  }
  return { order: { inputOf, rowOf }, rowMaps }
}

async function writeColumns(
  task: CompactTask,
  context: TaskContext,
  keys: Keys,
  rows: Int32Array,
  order: RowOrder,
  rowMaps: readonly Int32Array[],
): Promise<SegmentMeta> {
  const writer = new SegmentWriter(context.store, task.segmentId, rows.length, {
    isCancelled: context.isCancelled,
    afterWrite: () => crashPoint('compact:mid-write'),
  })
  const deletes = movedDeletes(
    task.inputs.map(input => input.deletes),
    rowMaps,
  )
  await writer.writeSystemColumns(gatherTicks(keys.ticks, rows), gatherIds(keys.partitionIds, rows), deletes)
  for (const field of task.fields) {
    if (field.id === task.pkFieldId) {
      // Already in memory, end to end: one input.
      const sorted = { inputOf: new Uint8Array(rows.length), rowOf: rows }
      await writer.writeColumn(field.id, gatheredRows([keys.pk], sorted))
    } else {
      await writer.writeColumn(field.id, gatheredRows(await readInputs(task, context, field), order))
    }
  }
  return writer.meta(task.level, task.appliedDelta)
}

async function readInputs(task: CompactTask, context: TaskContext, field: FieldSchema): Promise<Column[]> {
  const columns: Column[] = []
  for (const { meta } of task.inputs) {
    checkCancelled(context)
    columns.push(await readColumn(context.store, meta, field))
  }
  return columns
}

async function buildIndexes(
  task: CompactTask,
  context: TaskContext,
  meta: SegmentMeta,
  rowMaps: readonly Int32Array[],
): Promise<StoredIndex[]> {
  const built: StoredIndex[] = []
  try {
    for (const index of task.indexes) {
      const stored = await buildIndex({ meta, ...indexRequest(task, index, rowMaps) }, context)
      if (stored !== null) built.push(stored)
    }
    return built
  } catch (error) {
    // The failed one has cleaned up after itself.
    for (const { fileName } of built) await removeSidecar(sidecarDirectory(context), fileName)
    throw error
  }
}

function indexRequest(
  task: CompactTask,
  { spec, fileName, base }: CompactIndex,
  rowMaps: readonly Int32Array[],
) {
  const field = task.fields.find(candidate => candidate.name === spec.fieldName)
  assert(field !== undefined, `the field of index "${spec.name}" is compacted too`)
  if (base === null) return { field, spec, fileName, growFrom: null }
  const input = task.inputs[base.inputIndex]
  assert(input !== undefined, 'the base of a graph is an input')
  const growFrom = { fileName: base.fileName, segmentId: input.meta.id, rowMap: rowMaps[base.inputIndex]! }
  return { field, spec, fileName, growFrom }
}

function fieldOf(task: CompactTask, fieldId: number): FieldSchema {
  const field = task.fields.find(candidate => candidate.id === fieldId)
  assert(field !== undefined, 'the primary key and the deadline are compacted too')
  return field
}
