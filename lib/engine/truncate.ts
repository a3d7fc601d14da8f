/**
 * Removes all rows of a collection at once; schema, indexes, partitions, aliases, properties and load state stay.
 *
 * The one idea: a truncation is a manifest without segments whose checkpoint is the truncation's own tick. Every row
 * and delete written before carries an earlier tick, so replay skips it; every later write carries a later one. That
 * one small synced edit is the moment of truth, whatever the size of the collection.
 *
 *   killed before the edit -> nothing happened
 *   killed after it        -> the collection is empty; log records at or below the checkpoint, chunks, deltas and
 *                             sidecars that no manifest names are swept at open
 *
 * It runs as a barrier of the write queue. Reads that began before it go on over the segments they hold, which leave
 * the disk with their last pin; reads that have not begun wait for the edit. A flush, merge or index build that runs at
 * the moment finds at its own edit that what it worked on is gone, and throws its output away.
 */
import { assert } from '../base/assert.js'
import { crashPoint } from '../base/crash-point.js'
import { memoryReleased } from '../base/shared-memory.js'
import { deltaKey, logRange } from '../store/keys.js'
import type { EngineCollection } from './collection.js'
import type { CollectionState } from './collection-state.js'
import { retire } from './compaction-flow.js'
import type { Engine } from './engine.js'

/** Removes all rows. Durable on return. @throws MilvusError IoFailed, DiskFull */
export function truncateCollection(engine: Engine, collection: EngineCollection): Promise<void> {
  return engine.catalog.exclusive(async () => {
    const { state } = collection
    await collection.writes.barrier(async () => {
      if (state.broken !== null) throw state.broken
      const open = state.holdReads()
      try {
        // A running reader may still need the deletes that are about to go: then its segments take them in now.
        for (const segment of state.sealed) if (segment.pins > 0) await segment.load([])
        crashPoint('truncate:before-manifest')
        await emptyManifestNow(state)
        crashPoint('truncate:after-manifest')
      } finally {
        open()
      }
    })
    const swept = logRange(state.id, undefined, state.manifest.checkpoint)
    await state.env.store.clear(swept.gte, swept.lt)
  })
}

async function emptyManifestNow(state: CollectionState): Promise<void> {
  assert(state.visibleTick === state.appliedTick, 'a barrier runs between two groups')
  const tick = state.env.oracle.next()
  let deltas: number[] = []
  await state.editManifest(
    current => {
      deltas = current.deltas.map(meta => meta.delta)
      return {
        manifest: { ...current, checkpoint: tick, segments: [], deltas: [], purgedTick: tick },
        ops: deltas.map(delta => ({ key: deltaKey(state.id, delta), value: null })),
      }
    },
    () => {
      const gone = state.sealed
      for (const segment of [...state.frozen, state.growing]) memoryReleased(segment.byteLength)
      state.sealed = []
      state.frozen = []
      state.growing = state.newGrowing()
      state.appliedTick = tick
      state.visibleTick = tick
      state.notePurge(tick)
      state.dropDeltas(deltas)
      for (const segment of gone) retire(state, segment)
    },
  )
}
