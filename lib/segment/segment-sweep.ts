/**
 * Removes segments that nobody needs from the disk: replaced by compaction, or left behind by a crash.
 *
 * The one idea: which segments there are is said by the manifest alone, so chunks of any other may go at any time.
 */
import { columnsRange, parseColumnKey, segmentRange } from '../store/keys.js'
import type { Store } from '../store/store.js'

/** Deletes every chunk of a segment. Not atomic and not synced: what a crash leaves behind is swept at open. */
export function deleteSegment(store: Store, segmentId: number): Promise<void> {
  const { gte, lt } = segmentRange(segmentId)
  return store.clear(gte, lt)
}

/**
 * Deletes the chunks of every segment that is not in `live`; returns the ids of those it found. Costs one seek per
 * segment, not one per chunk.
 */
export async function sweepSegments(store: Store, live: ReadonlySet<number>): Promise<number[]> {
  const swept: number[] = []
  const { lt } = columnsRange()
  let { gte } = columnsRange()
  for (;;) {
    const id = await firstSegment(store, gte, lt)
    if (id === null) return swept
    if (!live.has(id)) {
      await deleteSegment(store, id)
      swept.push(id)
    }
    gte = segmentRange(id).lt
  }
}

async function firstSegment(store: Store, gte: Uint8Array, lt: Uint8Array): Promise<number | null> {
  for await (const block of store.scan({ gte, lt, limit: 1 }, 1)) {
    const entry = block[0]
    if (entry !== undefined) return parseColumnKey(entry[0]).segmentId
  }
  return null
}
