/**
 * Builds one scalar index of a stored segment: reads the column, puts its values in order, writes the sidecar.
 *
 *   killed while writing -> a file no manifest names; swept at open
 *   cancelled or failed  -> the file of this name is removed
 */
import { assert } from '../base/assert.js'
import { crashPoint } from '../base/crash-point.js'
import { buildOrder } from '../filter/order-entry.js'
import type { IndexSpec } from '../index/index-spec.js'
import { orderKindOf } from '../index/scalar-kind.js'
import { entryCount, writeOrder } from '../index/scalar-order.js'
import { removeSidecar } from '../index/sidecar.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { SegmentMeta, StoredIndex } from '../segment/segment-meta.js'
import { readColumn } from '../segment/segment-reader.js'
import { checkCancelled, sidecarDirectory, type TaskContext } from './task-context.js'

export interface OrderRequest {
  readonly meta: SegmentMeta
  readonly field: FieldSchema
  readonly spec: IndexSpec
  readonly fileName: string
}

/**
 * Writes a sidecar for the field; nothing refers to it when this returns.
 * @throws MilvusError Canceled, Corrupted (the segment), IoFailed
 */
export async function buildScalarIndex(request: OrderRequest, context: TaskContext): Promise<StoredIndex> {
  const { meta, field, spec, fileName } = request
  const kind = orderKindOf(spec, field)
  assert(kind !== null, `index type ${spec.indexType} is built`)
  const directory = sidecarDirectory(context)
  const check = (): void => checkCancelled(context)
  check()
  const column = await readColumn(context.store, meta, field)
  const order = buildOrder(kind, field, column, meta.rowCount, check)
  const identity = { segmentId: meta.id, fieldId: field.id, indexId: spec.id, rowCount: meta.rowCount }
  try {
    crashPoint('index:before-write')
    const { byteLength } = await writeOrder(directory, fileName, identity, order)
    return { fieldId: field.id, indexId: spec.id, fileName, byteLength, pointCount: entryCount(order) }
  } catch (error) {
    // What cannot be removed now is swept at open; the error to report is the first one.
    await removeSidecar(directory, fileName).catch(() => undefined)
    throw error
  }
}
