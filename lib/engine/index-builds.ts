/**
 * Building indexes, seen from the main thread: what is missing, one build at a time, and the files of dropped ones.
 *
 * A build writes its file beside the segment, which stays as it is; one synced manifest edit makes the file count. What
 * is not wanted any more by then is thrown away; a build whose index is dropped meanwhile is stopped at once, because
 * whatever waits in the lane behind it would wait for nothing.
 *
 *   killed before the edit -> nothing refers to the file; it is swept at open
 */
import { crashPoint } from '../base/crash-point.js'
import { hnswAvailable } from '../index/hnsw-index.js'
import { servedBy } from '../index/index-params.js'
import type { IndexSpec } from '../index/index-spec.js'
import { orderKindOf } from '../index/scalar-kind.js'
import { removeSidecar } from '../index/sidecar.js'
import { type FieldSchema, fieldIndex } from '../schema/collection-schema.js'
import { isVectorType } from '../schema/data-type.js'
import type { SealedSegment } from '../segment/sealed-segment.js'
import type { SegmentMeta } from '../segment/segment-meta.js'
import { indexDirectory } from '../store/layout.js'
import { CollectionState } from './collection-state.js'
import { sidecarName } from './index-files.js'

/** Index definitions that files are built for, with their fields. */
export function builtIndexes(state: CollectionState): { spec: IndexSpec; field: FieldSchema }[] {
  const graphs = state.env.options.hnsw && hnswAvailable()
  const found: { spec: IndexSpec; field: FieldSchema }[] = []
  for (const spec of state.record.indexes) {
    const field = state.schema.fields[fieldIndex(state.schema, spec.fieldName)]
    if (field === undefined) continue
    if (isVectorType(field.dataType)) {
      if (graphs && servedBy(spec, field) === 'hnsw') found.push({ spec, field })
    } else if (orderKindOf(spec, field) !== null) found.push({ spec, field })
  }
  return found
}

/** Runs a job over segments: a truncation meanwhile leaves them on disk until the job is over. */
export async function pinned<T>(
  state: CollectionState,
  segments: readonly SealedSegment[],
  job: () => Promise<T>,
): Promise<T> {
  for (const segment of segments) segment.pins++
  try {
    return await job()
  } finally {
    for (const segment of segments) if (--segment.pins === 0 && segment.retired) state.onUnpinned(segment)
  }
}

/** Segments whose declared index is missing or unusable, with what to build. */
export function missingIndexes(
  state: CollectionState,
): { segment: SealedSegment; spec: IndexSpec; field: FieldSchema }[] {
  const missing: { segment: SealedSegment; spec: IndexSpec; field: FieldSchema }[] = []
  const wanted = builtIndexes(state)
  for (const segment of state.sealed) {
    if (segment.rowCount < state.env.options.indexRowsMin) continue
    for (const { spec, field } of wanted) {
      const lacks = isVectorType(field.dataType) ? segment.lacksIndex(field.id) : segment.lacksOrder(spec.id)
      if (lacks) missing.push({ segment, spec, field })
    }
  }
  return missing
}

/** Something to build: which index, of which segment. */
type MissingIndex = ReturnType<typeof missingIndexes>[number]

/** What came of an attempt to build something. */
export type BuildOutcome =
  | { readonly kind: 'done' | 'nothing' }
  | { readonly kind: 'failed'; readonly indexId: number; readonly error: unknown }

/**
 * Builds one missing index of one segment.
 * @param without ids of indexes that are left alone, because they failed before
 * @throws MilvusError Canceled when the database is being closed
 */
export async function buildOneIndex(
  state: CollectionState,
  without: ReadonlySet<number> = new Set(),
): Promise<BuildOutcome> {
  if (state.dropped || state.broken !== null) return { kind: 'nothing' }
  const missing = missingIndexes(state).filter(({ spec }) => !without.has(spec.id))
  // A scalar index takes a second where a graph takes minutes: none waits behind a graph.
  const next = missing.find(({ field }) => !isVectorType(field.dataType)) ?? missing[0]
  if (next === undefined) return { kind: 'nothing' }
  const indexId = next.spec.id
  try {
    await pinned(state, [next.segment], () => buildPinned(state, next))
  } catch (error) {
    if (state.env.work.closed) throw error
    // Whatever happened to it: nobody asks for this index any more.
    const wanted = !state.dropped && state.record.indexes.some(spec => spec.id === indexId)
    if (wanted) return { kind: 'failed', indexId, error }
  }
  return { kind: 'done' }
}

async function buildPinned(state: CollectionState, { segment, spec, field }: MissingIndex): Promise<void> {
  const fileName = sidecarName(segment.id, field.id, spec.id)
  const { work } = state.env
  const stored = await work.withCancel({ collectionId: state.id, indexId: spec.id }, signal =>
    work.mergeRunner.run({ kind: 'index', meta: segment.meta, field, spec, fileName }, signal),
  )
  if (stored === null) {
    segment.giveUpIndex(spec.id)
    return
  }
  const stillWanted = (): boolean =>
    state.sealed.includes(segment) && state.record.indexes.some(s => s.id === spec.id)
  crashPoint('index:before-manifest')
  let taken = false
  await state.editManifest(
    current => {
      taken = stillWanted()
      if (!taken) return { manifest: current, ops: [] }
      const meta = withIndex(segment.meta, stored)
      return { manifest: { ...current, segments: CollectionState.withMeta(current.segments, meta) }, ops: [] }
    },
    () => {
      if (taken) segment.updateMeta(withIndex(segment.meta, stored))
    },
  )
  if (!taken) await removeSidecar(indexDirectory(state.env.directory), fileName)
  else if (state.loaded) await segment.loadIndexes()
}

function withIndex(meta: SegmentMeta, stored: SegmentMeta['indexes'][number]): SegmentMeta {
  const others = meta.indexes.filter(s => !(s.fieldId === stored.fieldId && s.indexId === stored.indexId))
  return { ...meta, indexes: [...others, stored] }
}

/**
 * Stops building indexes that were dropped and takes their files off the disk. Killed in here, the files stay until
 * their segment goes; nothing reads them any more.
 */
export async function removeIndexFiles(state: CollectionState, gone: ReadonlySet<number>): Promise<void> {
  state.env.work.cancelJobs(state.id, gone)
  const has = (meta: SegmentMeta): boolean => meta.indexes.some(stored => gone.has(stored.indexId))
  if (!state.manifest.segments.some(has)) return
  const files: string[] = []
  const kept = (meta: SegmentMeta): SegmentMeta => ({
    ...meta,
    indexes: meta.indexes.filter(stored => !gone.has(stored.indexId)),
  })
  await state.editManifest(
    current => {
      for (const meta of current.segments)
        for (const stored of meta.indexes) if (gone.has(stored.indexId)) files.push(stored.fileName)
      return { manifest: { ...current, segments: current.segments.map(kept) }, ops: [] }
    },
    () => {
      for (const segment of state.sealed) if (has(segment.meta)) segment.updateMeta(kept(segment.meta))
    },
  )
  for (const fileName of files) await removeSidecar(indexDirectory(state.env.directory), fileName)
}
