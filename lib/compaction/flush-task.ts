/**
 * Writes the rows of a frozen growing segment as a sealed segment.
 *
 * The rows are read where the writer left them, in shared memory: they are frozen, so nothing below `rowCount` changes
 * meanwhile. They are not sorted in place; their order is computed, and each column is gathered in it piece by piece.
 * Crash rules: segment-writer.ts; the caller's manifest edit is what makes the segment count.
 */
import { assert, present } from '../base/assert.js'
import { crashPoint } from '../base/crash-point.js'
import type { SegmentMeta } from '../segment/segment-meta.js'
import { SegmentWriter, undoOnFailure } from '../segment/segment-writer.js'
import { gatheredRows, gatherIds, gatherTicks } from './gathered-rows.js'
import { sortByKey } from './row-order.js'
import { markDeleted, movedDeletes, rowMapOf, rowsLeft } from './row-selection.js'
import type { TaskContext } from './task-context.js'
import type { FlushResult, FlushTask } from './tasks.js'

/** @throws MilvusError Canceled, IoFailed, DiskFull */
export async function flush(task: FlushTask, context: TaskContext): Promise<FlushResult> {
  const { fields, columns, rowCount } = task
  assert(fields.length === columns.length, 'each field has a column')
  const pk = present(columns[fields.findIndex(field => field.id === task.pkFieldId)], 'the rows have keys')
  const dropped = new Uint8Array(rowCount)
  markDeleted(dropped, 0, task.deletes, task.horizonTick)
  const rows = rowsLeft(dropped)
  sortByKey(pk, task.ticks, rows)
  const rowMap = rowMapOf(rows, rowCount)
  if (rows.length === 0) return { meta: null, rowMap }
  crashPoint('flush:before-write')
  const meta = await undoOnFailure(context.store, task.segmentId, () => write(task, context, rows, rowMap))
  return { meta, rowMap }
}

async function write(
  task: FlushTask,
  context: TaskContext,
  rows: Int32Array,
  rowMap: Int32Array,
): Promise<SegmentMeta> {
  const writer = new SegmentWriter(context.store, task.segmentId, rows.length, {
    isCancelled: context.isCancelled,
    afterWrite: () => crashPoint('flush:mid-write'),
  })
  const ticks = gatherTicks(task.ticks, rows)
  const partitionIds = gatherIds(task.partitionIds, rows)
  await writer.writeSystemColumns(ticks, partitionIds, movedDeletes([task.deletes], [rowMap]))
  const order = { inputOf: new Uint8Array(rows.length), rowOf: rows }
  for (let i = 0; i < task.fields.length; i++) {
    await writer.writeColumn(task.fields[i]!.id, gatheredRows([task.columns[i]!], order))
  }
  return writer.meta(0, task.appliedDelta)
}
