/**
 * Compaction, seen from the main thread: choose, let the worker write, swap.
 *
 * Promise: a compaction changes no answer. How: the inputs stay readable while the worker writes the output next to
 * them; the swap is one synced manifest edit and, in the same synchronous step, one change of the segment list. Deletes
 * that arrive meanwhile are in the delete log, above the output's `appliedDelta` or in the tail: loading the output
 * catches up with them, and from then on (`joining`) they are marked in it directly.
 *
 *   killed before the edit -> the inputs count; chunks and sidecars of the output are swept at open
 *   killed after the edit  -> the output counts; what is left of the inputs is swept at open
 *
 * Inputs leave the disk when their last reader has let go of them.
 */
import { crashPoint } from '../base/crash-point.js'
import type { Tick } from '../base/timestamp.js'
import { Turn } from '../base/turn.js'
import { pickCompaction, type SegmentStat } from '../compaction/picker.js'
import type { CompactTask } from '../compaction/tasks.js'
import { removeSidecar } from '../index/sidecar.js'
import { deadlineFields, overdueBits, type RowDeadline } from '../query/row-deadline.js'
import { isVectorType } from '../schema/data-type.js'
import { type Manifest, unneededDeltas } from '../segment/manifest.js'
import { SealedSegment } from '../segment/sealed-segment.js'
import { deleteSegment } from '../segment/segment-sweep.js'
import { deltaKey } from '../store/keys.js'
import { indexDirectory } from '../store/layout.js'
import type { CollectionState } from './collection-state.js'
import { builtIndexes, pinned } from './index-builds.js'
import { sidecarName } from './index-files.js'
import { expireBeforeTick, purgeHorizon, rowDeadline } from './read-path.js'

/**
 * Runs one compaction if there is one to run.
 * @param mode 'background': only what pays off; 'full': everything mergeable, and deleted rows purged
 * @returns whether something was compacted
 */
export async function compactOnce(state: CollectionState, mode: 'background' | 'full'): Promise<boolean> {
  if (state.dropped || state.broken !== null) return false
  try {
    return await pinned(state, state.sealed, () => compactPinned(state, mode))
  } catch (error) {
    // A drop takes the files from under it: nothing is left to compact, and nothing is damaged.
    if (state.dropped) return false
    throw error
  }
}

async function compactPinned(state: CollectionState, mode: 'background' | 'full'): Promise<boolean> {
  const { options } = state.env
  // Only a complete delete state tells what a purge would free.
  const deadline = rowDeadline(state)
  if (mode === 'full') for (const segment of state.sealed) await segment.load(deadlineFields(deadline))
  const horizon = purgeHorizon(state)
  const stats: SegmentStat[] = []
  const turn = new Turn()
  for (const segment of state.sealed) {
    if (turn.due()) await turn.next()
    stats.push(statOf(state, segment, horizon, deadline))
  }
  const choice = pickCompaction(
    stats,
    { rowsMax: options.segmentRowsMax, bytesMax: options.segmentBytesMax },
    mode,
  )
  if (choice.kind === 'none') return false
  const inputs = state.sealed.filter(segment => choice.inputs.includes(segment.id))
  // The delete state of every input must be complete before rows are dropped by it.
  for (const input of inputs) await input.load([])
  const task = compactTask(state, inputs)
  state.notePurge(task.horizonTick)
  const { work } = state.env
  const { meta } = await work.withCancel({ collectionId: state.id }, signal =>
    work.mergeRunner.run(task, signal),
  )
  const output = meta === null ? null : new SealedSegment(meta, state.segmentContext())
  // Before it is loaded: whatever the load does not catch up with is marked in it directly.
  if (output !== null) state.joining = [...state.joining, output]
  try {
    if (output !== null && state.loaded) {
      await output.load([])
      await output.loadIndexes()
    }
    crashPoint('compact:before-manifest')
    if (state.dropped) return false
    if (!(await commitCompaction(state, inputs, output))) {
      if (output !== null) await removeSegment(state, output)
      return true
    }
  } finally {
    state.joining = state.joining.filter(segment => segment !== output)
  }
  crashPoint('compact:after-manifest')
  for (const input of inputs) retire(state, input)
  return true
}

function statOf(
  state: CollectionState,
  segment: SealedSegment,
  horizon: Tick,
  deadline: RowDeadline | null,
): SegmentStat {
  const { id, rowCount, byteLength, level } = segment.meta
  const live = new Set(state.record.partitions.map(p => p.id))
  const known = deadline !== null && segment.isResident(deadline.fieldIndex)
  const overdue = known ? overdueBits(segment, deadline) : null
  const deletedRows = segment.droppableRows(horizon, expireBeforeTick(state), live, overdue)
  return { id, rowCount, deletedRows, byteLength, level, busy: segment.retired }
}

function compactTask(state: CollectionState, inputs: readonly SealedSegment[]): CompactTask {
  const segmentId = state.env.oracle.next()
  const live = new Set(state.record.partitions.map(p => p.id))
  const occurring = new Set(inputs.flatMap(input => [...input.meta.partitionIds]))
  const { options } = state.env
  const rows = inputs.reduce((sum, input) => sum + input.rowCount - input.deletedRows, 0)
  return {
    kind: 'compact',
    segmentId,
    fields: state.schema.fields,
    pkFieldId: state.schema.fields[state.schema.pkIndex]!.id,
    inputs: inputs.map(input => ({ meta: input.meta, deletes: input.deletes.snapshot(state.visibleTick) })),
    horizonTick: purgeHorizon(state),
    droppedPartitions: Int32Array.from([...occurring].filter(id => !live.has(id))),
    expireBeforeTick: expireBeforeTick(state),
    deadline: rowDeadline(state),
    appliedDelta: state.manifest.nextDelta - 1,
    level: 1 + Math.max(...inputs.map(input => input.meta.level)),
    indexes:
      rows < options.indexRowsMin
        ? []
        : builtIndexes(state).map(({ spec, field }) => ({
            spec,
            fileName: sidecarName(segmentId, field.id, spec.id),
            base: isVectorType(field.dataType) ? largestGraph(inputs, field.id, spec.id) : null,
          })),
  }
}

/** The input whose graph is worth growing: the one with the most points. */
function largestGraph(
  inputs: readonly SealedSegment[],
  fieldId: number,
  indexId: number,
): { inputIndex: number; fileName: string } | null {
  let best: { inputIndex: number; fileName: string } | null = null
  let points = 0
  for (let i = 0; i < inputs.length; i++) {
    const stored = inputs[i]!.meta.indexes.find(s => s.fieldId === fieldId && s.indexId === indexId)
    if (stored === undefined || stored.pointCount <= points) continue
    points = stored.pointCount
    best = { inputIndex: i, fileName: stored.fileName }
  }
  return best
}

/** Swaps inputs and output; false when a truncation took the inputs away meanwhile. */
async function commitCompaction(
  state: CollectionState,
  inputs: readonly SealedSegment[],
  output: SealedSegment | null,
): Promise<boolean> {
  const gone = new Set(inputs.map(input => input.id))
  let dropped: number[] = []
  let wanted = false
  await state.editManifest(
    current => {
      wanted = inputs.every(input => state.sealed.includes(input))
      if (!wanted) return { manifest: current, ops: [] }
      const segments = current.segments.filter(meta => !gone.has(meta.id))
      if (output !== null) segments.push(output.meta)
      const purgedTick = Math.max(current.purgedTick, state.purgedTick)
      const before: Manifest = { ...current, segments, purgedTick }
      dropped = unneededDeltas(before)
      const deltas = before.deltas.filter(meta => !dropped.includes(meta.delta))
      return {
        manifest: { ...before, deltas },
        ops: dropped.map(delta => ({ key: deltaKey(state.id, delta), value: null })),
      }
    },
    () => {
      if (!wanted) return
      state.sealed = state.sealed.filter(segment => !gone.has(segment.id))
      if (output !== null) state.sealed = [...state.sealed, output]
      state.dropDeltas(dropped)
    },
  )
  return wanted
}

/** Takes a replaced segment off the disk, now or when its last reader lets go. */
export function retire(state: CollectionState, segment: SealedSegment): void {
  segment.retired = true
  if (segment.pins === 0) state.onUnpinned(segment)
}

/** Removes a retired segment's chunks and sidecars; what a kill leaves behind is swept at open. */
export async function removeSegment(state: CollectionState, segment: SealedSegment): Promise<void> {
  segment.unload()
  await deleteSegment(state.env.store, segment.id)
  for (const stored of segment.meta.indexes)
    await removeSidecar(indexDirectory(state.env.directory), stored.fileName)
}
