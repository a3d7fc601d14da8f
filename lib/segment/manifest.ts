/**
 * The manifest of a collection: which segments and delete deltas exist, and where the log tail begins.
 *
 * The only truth about what is on disk. It is one small value, replaced as a whole by one synced write: flush,
 * compaction and index builds each end in exactly one such edit, and whatever they wrote before it that no manifest
 * names is an orphan, swept at open. Bytes: docs/format.md, "Manifest".
 *
 * Invariants: segment ids are unique in the store; `checkpoint` never falls, and every log record at or below it is in a
 * segment or a delta; deltas are numbered upwards without reuse, and one exists as long as some segment has not applied it.
 */
import { assert } from '../base/assert.js'
import { MilvusError } from '../base/errors.js'
import type { Tick } from '../base/timestamp.js'
import { FRAME, frame, packMap, unframe, unpackMap } from '../store/codec.js'
import { manifestKey } from '../store/keys.js'
import type { Store, StoreOp } from '../store/store.js'
import type { SegmentMeta } from './segment-meta.js'

/** A stored delete delta. */
export interface DeltaMeta {
  readonly delta: number
  readonly rowCount: number
}

export interface Manifest {
  /** Log records at or below this tick are in segments and deltas; replay starts after it. */
  readonly checkpoint: Tick
  readonly segments: readonly SegmentMeta[]
  /** Ascending by number. */
  readonly deltas: readonly DeltaMeta[]
  readonly nextDelta: number
  /** Rows deleted at or before this tick may be gone: no reader may ask for an older state. */
  readonly purgedTick: Tick
  /** The highest tick handed out when the manifest was written. */
  readonly lastTick: Tick
}

/** Manifest of a collection that has no segments yet; its log begins after `tick`. */
export function emptyManifest(tick: Tick): Manifest {
  return { checkpoint: tick, segments: [], deltas: [], nextDelta: 1, purgedTick: 0, lastTick: tick }
}

/** The write that makes `manifest` the truth; goes into one synced batch with whatever belongs to the same edit. */
export function manifestOp(collectionId: number, manifest: Manifest): StoreOp {
  assert(
    manifest.deltas.every(
      (d, i) => d.delta < manifest.nextDelta && (i === 0 || manifest.deltas[i - 1]!.delta < d.delta),
    ),
    'deltas are numbered upwards',
  )
  return { key: manifestKey(collectionId), value: frame(FRAME.manifest, [packMap(manifest)]) }
}

/**
 * The manifest of a collection.
 * @throws MilvusError Corrupted when it is missing or does not check out
 */
export async function readManifest(store: Store, collectionId: number): Promise<Manifest> {
  const bytes = await store.get(manifestKey(collectionId))
  const what = `manifest of collection ${collectionId}`
  if (bytes === undefined)
    throw new MilvusError(
      'Corrupted',
      `${what}: expected a value, found none; restore the directory from a copy`,
    )
  return unpackMap(unframe(bytes, FRAME.manifest, what)) as Manifest
}

/** Deltas that no segment needs any more. */
export function unneededDeltas(manifest: Manifest): number[] {
  let oldest = Number.POSITIVE_INFINITY
  for (const segment of manifest.segments) oldest = Math.min(oldest, segment.appliedDelta)
  return manifest.deltas.filter(d => d.delta <= oldest).map(d => d.delta)
}
