/**
 * Turns a full growing segment into a sealed one.
 *
 * Promise: after any crash, each acknowledged row is in the log or in a sealed segment, and counted once.
 * How: the worker writes the columns in synced chunks nobody refers to; then one small synced batch adds the segment to
 * the manifest, stores the deletes of the same stretch of log as a delta, and moves the log checkpoint past both. That
 * batch is the only moment of truth.
 *
 *   killed before it -> recovery replays the log; chunks without a manifest entry are swept at open
 *   killed after it  -> the segment is live; log records at or below the checkpoint are skipped and swept
 *
 * A segment is frozen only between two commit groups, so everything in it is durable in the log before its flush
 * begins. Frozen segments are flushed in order, one at a time: the checkpoint moves without holes.
 */
import { assert } from '../base/assert.js'
import { crashPoint } from '../base/crash-point.js'
import { memoryReleased } from '../base/shared-memory.js'
import type { FlushTask } from '../compaction/tasks.js'
import { encodeDeleteDelta } from '../log/delete-delta.js'
import type { GrowingSegment } from '../segment/growing-segment.js'
import { SealedSegment } from '../segment/sealed-segment.js'
import type { SegmentMeta } from '../segment/segment-meta.js'
import { deleteSegment } from '../segment/segment-sweep.js'
import { deltaKey, logRange } from '../store/keys.js'
import type { StoreOp } from '../store/store.js'
import type { CollectionState } from './collection-state.js'
import { purgeHorizon } from './read-path.js'

/** Freezes the growing segment and puts an empty one in its place; false when there was nothing to freeze. */
export function freezeGrowing(state: CollectionState): boolean {
  const { growing } = state
  if (growing.rowCount === 0 && growing.deleteList.rowCount === 0) return false
  assert(state.visibleTick === state.appliedTick, 'segments are frozen between two groups')
  growing.freeze()
  state.frozen = [...state.frozen, growing]
  state.growing = state.newGrowing()
  return true
}

/**
 * Flushes the oldest frozen segment. Called by the flush lane, once per frozen segment.
 * @throws MilvusError when the worker or the store fails; the frozen segment then stays readable, and in the log
 */
export async function flushOldest(state: CollectionState): Promise<void> {
  const frozen = state.frozen[0]
  if (frozen === undefined || state.dropped || state.broken !== null) return
  const written = await writeRows(state, frozen)
  const sealed = written === null ? null : new SealedSegment(written, state.segmentContext())
  // Before it is loaded: whatever the load does not catch up with is marked in it directly.
  if (sealed !== null) state.joining = [...state.joining, sealed]
  try {
    if (sealed !== null && state.loaded) await sealed.load([])
    crashPoint('flush:before-manifest')
    if (state.dropped) return
    await commitFlush(state, frozen, sealed)
    if (sealed !== null && !state.sealed.includes(sealed)) await deleteSegment(state.env.store, sealed.id)
  } finally {
    state.joining = state.joining.filter(segment => segment !== sealed)
  }
  crashPoint('flush:after-manifest')
  state.wakeWriters()
  const swept = logRange(state.id, undefined, state.manifest.checkpoint)
  await state.env.store.clear(swept.gte, swept.lt)
}

async function writeRows(state: CollectionState, frozen: GrowingSegment): Promise<SegmentMeta | null> {
  if (frozen.rowCount === 0) return null
  const rows = frozen.frozenRows(state.visibleTick)
  const task: FlushTask = {
    kind: 'flush',
    segmentId: state.env.oracle.next(),
    ...rows,
    pkFieldId: state.schema.fields[state.schema.pkIndex]!.id,
    horizonTick: purgeHorizon(state),
    appliedDelta: state.manifest.nextDelta,
  }
  state.notePurge(task.horizonTick)
  return (await state.env.work.flushRunner.run(task)).meta
}

async function commitFlush(
  state: CollectionState,
  frozen: GrowingSegment,
  sealed: SealedSegment | null,
): Promise<void> {
  const entries = frozen.deleteList
  // A segment that was written after these deletes, or together with them, already knows them.
  let delta = 0
  let wanted = false
  await state.editManifest(
    current => {
      // A truncation may have taken the rows away meanwhile; then nothing is left to do.
      wanted = state.frozen[0] === frozen
      if (!wanted) return { manifest: current, ops: [] }
      const needsDelta = entries.rowCount > 0 && current.segments.length > 0
      delta = needsDelta ? current.nextDelta : 0
      const ops: StoreOp[] = needsDelta
        ? [{ key: deltaKey(state.id, delta), value: encodeDeleteDelta(entries) }]
        : []
      const nextDelta = needsDelta ? current.nextDelta + 1 : current.nextDelta
      const meta = sealed === null ? [] : [{ ...sealed.meta, appliedDelta: nextDelta - 1 }]
      sealed?.updateMeta(meta[0]!)
      return {
        manifest: {
          ...current,
          checkpoint: frozen.lastTick,
          segments: [...current.segments, ...meta],
          deltas: needsDelta ? [...current.deltas, { delta, rowCount: entries.rowCount }] : current.deltas,
          nextDelta,
          purgedTick: Math.max(current.purgedTick, state.purgedTick),
        },
        ops,
      }
    },
    () => {
      if (!wanted) return
      assert(state.frozen[0] === frozen, 'segments are flushed in order')
      state.frozen = state.frozen.slice(1)
      memoryReleased(frozen.byteLength)
      if (sealed !== null) state.sealed = [...state.sealed, sealed]
      if (delta > 0) state.addDelta(delta, entries)
    },
  )
}
