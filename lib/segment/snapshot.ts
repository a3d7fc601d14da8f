/**
 * Snapshots: how a reader freezes the state of a collection without locking anybody out.
 *
 * A snapshot is a tick and the list of segments that were current when it was taken. It pins its sealed segments, so
 * that compaction may replace them in the list but not delete them from disk, and its tick holds the purge horizon
 * back, so that no row is dropped that the reader may still ask for. Rows and deletes that come later carry later
 * ticks and are invisible to it by arithmetic alone.
 *
 * Invariants: `segments` holds each row version once; a retired segment is deleted when its last pin goes, never before;
 * `release()` runs exactly once.
 */
import { assert } from '../base/assert.js'
import type { Tick } from '../base/timestamp.js'
import type { ColumnCache, Lease } from './column-cache.js'
import type { SealedSegment } from './sealed-segment.js'
import type { Segment, Snapshot } from './segment.js'

class PinnedSnapshot implements Snapshot {
  readonly tick: Tick
  readonly segments: readonly Segment[]
  readonly #lease: Lease
  readonly #registry: SnapshotRegistry

  constructor(registry: SnapshotRegistry, tick: Tick, segments: readonly Segment[], lease: Lease) {
    this.#registry = registry
    this.tick = tick
    this.segments = segments
    this.#lease = lease
  }

  release(): void {
    this.#registry.release(this, this.#lease)
  }
}

/** All snapshots of one collection. */
export class SnapshotRegistry {
  readonly #cache: ColumnCache
  readonly #onUnpinned: (segment: SealedSegment) => void
  readonly #active = new Set<PinnedSnapshot>()
  #idle: (() => void)[] = []

  /** @param onUnpinned called when the last pin of a retired segment goes */
  constructor(cache: ColumnCache, onUnpinned: (segment: SealedSegment) => void) {
    this.#cache = cache
    this.#onUnpinned = onUnpinned
  }

  take(tick: Tick, segments: readonly Segment[]): Snapshot {
    for (const segment of segments) if (segment.kind === 'sealed') (segment as SealedSegment).pins++
    const snapshot = new PinnedSnapshot(this, tick, segments, this.#cache.lease())
    this.#active.add(snapshot)
    return snapshot
  }

  release(snapshot: PinnedSnapshot, lease: Lease): void {
    assert(this.#active.delete(snapshot), 'a snapshot is released once')
    this.#cache.release(lease)
    for (const segment of snapshot.segments) {
      if (segment.kind !== 'sealed') continue
      const sealed = segment as SealedSegment
      if (--sealed.pins === 0 && sealed.retired) this.#onUnpinned(sealed)
    }
    if (this.#active.size === 0) {
      const idle = this.#idle
      this.#idle = []
      for (const resolve of idle) resolve()
    }
  }

  /** Oldest tick that a running reader may ask for; `tick` when there is none older. */
  oldestTick(tick: Tick): Tick {
    let oldest = tick
    for (const snapshot of this.#active) oldest = Math.min(oldest, snapshot.tick)
    return oldest
  }

  /** Resolves when no snapshot is held. */
  whenIdle(): Promise<void> {
    if (this.#active.size === 0) return Promise.resolve()
    return new Promise(resolve => this.#idle.push(resolve))
  }
}
