/**
 * Snapshots: how a reader freezes the state of a collection without locking anybody out.
 *
 * A snapshot is a tick and the list of segments that were current when it was taken. It pins its sealed segments, so
 * that compaction may replace them in the list but not delete them from disk, and its tick holds the purge horizon
 * back, so that no row is dropped that the reader may still ask for. Rows and deletes that come later carry later
 * ticks and are invisible to it by arithmetic alone.
 *
 * A *hold* is what an iterator keeps between two pages: the same pins and the same tick, without the promise that
 * columns stay in memory. Nobody waits for holds to end; who needs them gone ends them (`endHolds`).
 *
 * Invariants: `segments` holds each row version once; a retired segment is deleted when its last pin goes, never before;
 * `release()` of a snapshot runs exactly once.
 */
import { assert } from '../base/assert.js'
import type { MilvusError } from '../base/errors.js'
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

/** A state kept readable between the pages of an iterator. */
export class SnapshotHold {
  readonly tick: Tick
  readonly segments: readonly Segment[]
  /** Wall clock of the last page, milliseconds. */
  usedMs: number
  /** Iterators that read from it. */
  users = 1
  /** Why it was ended before its users let go of it; null while it stands. */
  ended: MilvusError | null = null

  constructor(tick: Tick, segments: readonly Segment[], nowMs: number) {
    this.tick = tick
    this.segments = segments
    this.usedMs = nowMs
  }
}

/** All snapshots of one collection. */
export class SnapshotRegistry {
  readonly #cache: ColumnCache
  readonly #onUnpinned: (segment: SealedSegment) => void
  readonly #active = new Set<PinnedSnapshot>()
  /** Oldest use first. */
  readonly #holds = new Set<SnapshotHold>()
  #idle: (() => void)[] = []

  /** @param onUnpinned called when the last pin of a retired segment goes */
  constructor(cache: ColumnCache, onUnpinned: (segment: SealedSegment) => void) {
    this.#cache = cache
    this.#onUnpinned = onUnpinned
  }

  take(tick: Tick, segments: readonly Segment[]): Snapshot {
    pin(segments)
    const snapshot = new PinnedSnapshot(this, tick, segments, this.#cache.lease())
    this.#active.add(snapshot)
    return snapshot
  }

  release(snapshot: PinnedSnapshot, lease: Lease): void {
    assert(this.#active.delete(snapshot), 'a snapshot is released once')
    this.#cache.release(lease)
    this.#unpin(snapshot.segments)
    if (this.#active.size === 0) {
      const idle = this.#idle
      this.#idle = []
      for (const resolve of idle) resolve()
    }
  }

  #unpin(segments: readonly Segment[]): void {
    for (const segment of segments) {
      if (segment.kind !== 'sealed') continue
      const sealed = segment as SealedSegment
      if (--sealed.pins === 0 && sealed.retired) this.#onUnpinned(sealed)
    }
  }

  /** Keeps a state readable until `letGo`, or until somebody ends it. */
  hold(tick: Tick, segments: readonly Segment[], nowMs: number): SnapshotHold {
    pin(segments)
    const hold = new SnapshotHold(tick, segments, nowMs)
    this.#holds.add(hold)
    return hold
  }

  /** The hold on the state of a tick, if there is one. */
  holdAt(tick: Tick): SnapshotHold | undefined {
    for (const hold of this.#holds) if (hold.tick === tick) return hold
    return undefined
  }

  /** A snapshot of a held state; notes that the hold is in use. @throws the error that ended the hold */
  takeHeld(hold: SnapshotHold, nowMs: number): Snapshot {
    if (hold.ended !== null) throw hold.ended
    hold.usedMs = nowMs
    this.#holds.delete(hold)
    this.#holds.add(hold)
    return this.take(hold.tick, hold.segments)
  }

  /** One user of a hold is done; the last one unpins. Does nothing for a hold that was ended. */
  letGo(hold: SnapshotHold): void {
    if (hold.ended !== null || --hold.users > 0) return
    this.#drop(hold)
  }

  /** Ends holds; their users get `error` with the next page. A page that is being read is finished first. */
  endHolds(error: MilvusError, which: (hold: SnapshotHold) => boolean = () => true): void {
    for (const hold of [...this.#holds]) {
      if (!which(hold)) continue
      hold.ended = error
      this.#drop(hold)
    }
  }

  /** Ends the holds that have not been used for longest, until at most `countMax` are left. */
  trimHolds(countMax: number, error: MilvusError): void {
    for (const hold of this.#holds) {
      if (this.#holds.size <= countMax) return
      hold.ended = error
      this.#drop(hold)
    }
  }

  get holdCount(): number {
    return this.#holds.size
  }

  #drop(hold: SnapshotHold): void {
    if (this.#holds.delete(hold)) this.#unpin(hold.segments)
  }

  /** Oldest tick that a running reader may ask for; `tick` when there is none older. */
  oldestTick(tick: Tick): Tick {
    let oldest = tick
    for (const snapshot of this.#active) oldest = Math.min(oldest, snapshot.tick)
    for (const hold of this.#holds) oldest = Math.min(oldest, hold.tick)
    return oldest
  }

  /** Resolves when no snapshot is held. */
  whenIdle(): Promise<void> {
    if (this.#active.size === 0) return Promise.resolve()
    return new Promise(resolve => this.#idle.push(resolve))
  }
}

function pin(segments: readonly Segment[]): void {
  for (const segment of segments) if (segment.kind === 'sealed') (segment as SealedSegment).pins++
}
