/**
 * Where index sidecars live, and how one is opened for a segment.
 *
 * Sidecars are rebuildable: a missing, stale or broken one means a rebuild later and an exact scan until then. Nobody is
 * warned of one that left the disk while it was being opened, with its segment, its index or its database.
 */
import { hnswAvailable } from '../index/hnsw-index.js'
import { hnswParamsOf } from '../index/index-params.js'
import { orderKindOf } from '../index/scalar-kind.js'
import { type OpenOrder, openOrder } from '../index/scalar-order.js'
import { openSidecar } from '../index/sidecar.js'
import type { SegmentIndex } from '../segment/segment.js'
import type { SegmentMeta, StoredIndex } from '../segment/segment-meta.js'
import { indexDirectory } from '../store/layout.js'
import type { Environment } from './collection-state.js'
import type { CollectionRecord } from './records.js'

/** File name of a sidecar, without its two endings. Unique, because segment ids are. */
export function sidecarName(segmentId: number, fieldId: number, indexId: number): string {
  return `${segmentId}-${fieldId}-${indexId}`
}

/**
 * Opens the sidecar of a segment's field; null when it cannot be used (a warning says so once per file).
 * @param isKept tells afterwards whether the file should be there
 */
export async function openSegmentIndex(
  env: Environment,
  record: CollectionRecord,
  meta: SegmentMeta,
  stored: StoredIndex,
  isKept: () => boolean,
): Promise<SegmentIndex | null> {
  const field = record.schema.fields.find(f => f.id === stored.fieldId)
  const spec = record.indexes.find(s => s.id === stored.indexId)
  // Without the library no file is at fault: opening the database has said so already.
  if (field === undefined || spec === undefined || !env.options.hnsw || !hnswAvailable()) return null
  // The directory may already belong to somebody else.
  if (env.work.closed) return null
  const params = hnswParamsOf(spec, field)
  const opened = await openSidecar(indexDirectory(env.directory), stored.fileName, {
    segmentId: meta.id,
    fieldId: stored.fieldId,
    indexId: stored.indexId,
    params,
  })
  if (opened === null && isKept()) {
    env.warnOnce(
      `sidecar ${stored.fileName}`,
      `index file ${stored.fileName} is missing or damaged; searching exactly until it is rebuilt`,
    )
  }
  return opened
}

/**
 * Opens a scalar index of a segment; null when it cannot be used (a warning says so once per file).
 * @param isKept tells afterwards whether the file should be there
 */
export async function openSegmentOrder(
  env: Environment,
  record: CollectionRecord,
  meta: SegmentMeta,
  stored: StoredIndex,
  isKept: () => boolean,
): Promise<OpenOrder | null> {
  const field = record.schema.fields.find(f => f.id === stored.fieldId)
  const spec = record.indexes.find(s => s.id === stored.indexId)
  if (field === undefined || spec === undefined || env.work.closed) return null
  const kind = orderKindOf(spec, field)
  if (kind === null) return null
  const { fieldId, indexId, fileName } = stored
  const identity = { segmentId: meta.id, fieldId, indexId, rowCount: meta.rowCount }
  const order = await openOrder(indexDirectory(env.directory), fileName, identity)
  if (order !== null) return { indexId, path: kind.path, order, uses: 0 }
  if (isKept())
    env.warnOnce(
      `sidecar ${fileName}`,
      `index file ${fileName} is missing or damaged; filters scan until it is rebuilt`,
    )
  return null
}
