/**
 * Builds the graph of one vector field of a stored segment, or grows an older segment's graph into it.
 *
 * Labels are dense and stay for ever; the label → row map is what says which row a point stands for in this segment.
 * Growing therefore means: keep the old points, give each the new row of its old row (−1 when that row is gone), and
 * add the rows that have no point yet under new labels. Points without a row still take part in every search, so when
 * more than DEAD_SHARE_MAX of all points would be such, the graph is built anew.
 *
 *   killed while writing -> files no manifest names; swept at open
 *   cancelled or failed  -> the files of this name are removed
 */
import { join } from 'node:path'
import { assert } from '../base/assert.js'
import { getBit } from '../base/bitset.js'
import { crashPoint } from '../base/crash-point.js'
import { MilvusError } from '../base/errors.js'
import { decodeFloats } from '../index/column-values.js'
import { buildHnsw, HnswBuilder, hnswAvailable } from '../index/hnsw-index.js'
import { hnswParamsOf } from '../index/index-params.js'
import type { IndexSpec } from '../index/index-spec.js'
import { nearOrder } from '../index/near-order.js'
import {
  matches,
  readSidecarMap,
  removeSidecar,
  type SidecarIdentity,
  verifyGraph,
  writeSidecar,
} from '../index/sidecar.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { FixedColumn } from '../schema/column.js'
import { isVectorType } from '../schema/data-type.js'
import type { SegmentMeta, StoredIndex } from '../segment/segment-meta.js'
import { readColumn } from '../segment/segment-reader.js'
import { buildScalarIndex } from './scalar-task.js'
import { checkCancelled, sidecarDirectory, type TaskContext } from './task-context.js'

/** Share of points without a row above which a graph is built anew instead of grown. */
export const DEAD_SHARE_MAX = 0.2
/** Points added between two looks at the cancel flag: about 100 ms. */
const POINTS_PER_CHECK = 256

export interface IndexRequest {
  readonly meta: SegmentMeta
  readonly field: FieldSchema
  readonly spec: IndexSpec
  readonly fileName: string
  /** Graph of an older segment whose rows went into this one; null = build. */
  readonly growFrom: GrowFrom | null
}

export interface GrowFrom {
  readonly fileName: string
  readonly segmentId: number
  /** New row of each row of that segment, −1 = gone. */
  readonly rowMap: Int32Array
}

/** A graph in the making. */
interface Draft {
  readonly builder: HnswBuilder
  /** Row of each label; longer than the builder's size until all rows are added. */
  readonly rowOfLabel: Int32Array
  /** Rows to add, in this order, under the labels from `builder.size` on. */
  readonly newRows: Int32Array
}

/**
 * Writes a sidecar for the field, scalar fields included; nothing refers to it when this returns.
 * @returns null when the graph library is not available or no row has a vector
 * @throws MilvusError Canceled, Corrupted (the segment), IoFailed
 */
export async function buildIndex(request: IndexRequest, context: TaskContext): Promise<StoredIndex | null> {
  if (!isVectorType(request.field.dataType)) return buildScalarIndex(request, context)
  if (!hnswAvailable()) return null
  const { meta, field, spec, fileName } = request
  const directory = sidecarDirectory(context)
  checkCancelled(context)
  const column = await readColumn(context.store, meta, field)
  assert(column.layout === 'fixed', 'graphs are built over dense vectors')
  const identity: SidecarIdentity = {
    segmentId: meta.id,
    fieldId: field.id,
    indexId: spec.id,
    params: hnswParamsOf(spec, field),
  }
  const rows = rowsWithVector(column, meta.rowCount)
  if (rows.length === 0) return null
  try {
    const order = (some: Int32Array): Int32Array =>
      column.values instanceof Float32Array
        ? nearOrder(identity.params.metric, column.values, identity.params.dim, some, () =>
            checkCancelled(context),
          )
        : some
    const draft =
      (await grownDraft(request, identity, rows, directory, order)) ?? newDraft(identity, order(rows))
    addRows(draft, field, column, context)
    crashPoint('index:before-write')
    checkCancelled(context)
    const written = await writeSidecar(directory, fileName, identity, draft.rowOfLabel, draft.builder)
    crashPoint('index:after-graph')
    const pointCount = draft.rowOfLabel.length
    return { fieldId: field.id, indexId: spec.id, fileName, byteLength: written.byteLength, pointCount }
  } catch (error) {
    // What cannot be removed now is swept at open; the error to report is the first one.
    await removeSidecar(directory, fileName).catch(() => undefined)
    throw error
  }
}

function newDraft(identity: SidecarIdentity, rows: Int32Array): Draft {
  return { builder: buildHnsw(identity.params, rows.length), rowOfLabel: rows, newRows: rows }
}

/** The older graph with its points mapped to the new rows; null when it is not there, not ours, or not worth it. */
async function grownDraft(
  { growFrom }: IndexRequest,
  identity: SidecarIdentity,
  rows: Int32Array,
  directory: string,
  order: (rows: Int32Array) => Int32Array,
): Promise<Draft | null> {
  if (growFrom === null) return null
  const { fileName, segmentId, rowMap } = growFrom
  const { params } = identity
  const map = await readSidecarMap(directory, fileName)
  if (map === null || !matches(map, { ...identity, segmentId })) return null
  if (map.params.m !== params.m || map.params.efConstruction !== params.efConstruction) return null
  const old = map.rowOfLabel.map(row => (row < 0 || row >= rowMap.length ? -1 : rowMap[row]!))
  const newRows = order(rowsWithoutPoint(rows, old))
  const total = old.length + newRows.length
  if (total - rows.length > total * DEAD_SHARE_MAX) return null
  if (!(await verifyGraph(directory, fileName, map))) return null
  const rowOfLabel = new Int32Array(total)
  rowOfLabel.set(old)
  rowOfLabel.set(newRows, old.length)
  try {
    const builder = await HnswBuilder.open(join(directory, `${fileName}.graph`), params, total)
    return builder.size === old.length ? { builder, rowOfLabel, newRows } : null
  } catch (error) {
    if (error instanceof MilvusError && error.reason === 'Corrupted') return null
    throw error
  }
}

/** The rows no label stands for. */
function rowsWithoutPoint(rows: Int32Array, rowOfLabel: Int32Array): Int32Array {
  const covered = new Set<number>()
  for (let label = 0; label < rowOfLabel.length; label++)
    if (rowOfLabel[label]! >= 0) covered.add(rowOfLabel[label]!)
  return rows.filter(row => !covered.has(row))
}

function rowsWithVector({ validity }: FixedColumn, rowCount: number): Int32Array {
  const rows = new Int32Array(rowCount)
  let count = 0
  for (let row = 0; row < rowCount; row++) if (validity === null || getBit(validity, row)) rows[count++] = row
  return rows.slice(0, count)
}

function addRows(draft: Draft, field: FieldSchema, column: FixedColumn, context: TaskContext): void {
  const { builder, newRows } = draft
  const { dim } = builder.params
  const floats = column.values instanceof Float32Array ? column.values : null
  const one = new Float32Array(dim)
  for (let i = 0; i < newRows.length; i++) {
    if (i % POINTS_PER_CHECK === 0) checkCancelled(context)
    const row = newRows[i]!
    if (floats !== null) {
      builder.add(floats, row * dim, builder.size)
    } else {
      decodeFloats(field.dataType, column, row, one, 0)
      builder.add(one, 0, builder.size)
    }
  }
  assert(builder.size === draft.rowOfLabel.length, 'every point has an entry in the map')
}
