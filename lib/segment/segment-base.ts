/**
 * What a sealed segment keeps in memory of every row while it is resident: key, insert tick, partition, delete state.
 *
 * The one idea: visibility is decided here and nowhere else, from ticks alone. Deletes that came while the base was not
 * in memory are found in the DeleteSource and caught up with, in tick order, before the base is used.
 *
 * Invariants: the delete state reflects every delete up to `#caughtUp`; rows stand by rising key, versions of one key by
 * rising tick.
 */
import { andInto, countBits, newBits } from '../base/bitset.js'
import type { Tick } from '../base/timestamp.js'
import type { Turn } from '../base/turn.js'
import type { DeleteDelta } from '../log/delete-delta.js'
import type { Column } from '../schema/column.js'
import { DeleteState } from './delete-state.js'
import { keyEquals, lowerBound, lowerBoundOfRow, rawKey, sameKey } from './pk-order.js'
import type { PkKey, VisibleRows } from './segment.js'
import type { SegmentMeta } from './segment-meta.js'
import type { SystemColumns } from './segment-reader.js'

/** Masks of partitions kept, one per set of partitions that readers name. */
const MASKS_MAX = 64

/** Where the deletes are that a segment has not taken into account yet. */
export interface DeleteSource {
  /** Brings the delete deltas into memory; undefined when they are there. */
  load(): Promise<void> | undefined
  /** Deltas numbered above `afterDelta`, then the log tail; ticks rise through the whole list. */
  lists(afterDelta: number): readonly DeleteDelta[]
}

export class SegmentBase {
  readonly pk: Column
  readonly ticks: Float64Array
  readonly partitionIds: Int32Array
  readonly deletes: DeleteState
  readonly #masks = new Map<string, Uint32Array>()
  /** Every delete at or before this tick is in the delete state. */
  #caughtUp: Tick = 0

  /** `system` is as stored: its deletes are those that the segment was written with. */
  constructor(rowCount: number, pk: Column, system: SystemColumns) {
    this.pk = pk
    this.ticks = system.ticks
    this.partitionIds = system.partitionIds
    this.deletes = new DeleteState(rowCount)
    const { rows, ticks } = system.deletes
    for (let i = 0; i < rows.length; i++) this.deletes.mark(rows[i]!, ticks[i]!)
  }

  get rowCount(): number {
    return this.deletes.rowCount
  }

  /** Takes deletes into account that came after the segment was written; true when its time slice ended first. */
  catchUp(source: DeleteSource, appliedDelta: number, turn: Turn): boolean {
    for (const list of source.lists(appliedDelta)) {
      if (list.rowCount === 0 || list.ticks[list.rowCount - 1]! <= this.#caughtUp) continue
      let at = firstAfter(list.ticks, list.rowCount, this.#caughtUp)
      while (at < list.rowCount) {
        // All deletes of one tick together: a slice never ends inside a request.
        const tick = list.ticks[at]!
        for (; at < list.rowCount && list.ticks[at] === tick; at++)
          this.#markKey(list.pk, at, list.scopes[at]!, tick)
        this.#caughtUp = tick
        if (turn.due()) return true
      }
    }
    return false
  }

  /** Marks the keys of rows [from, to) of `keys` as deleted at `tick`; the rows hit. A scope below 0 is all partitions. */
  deleteRows(keys: Column, from: number, to: number, scope: number, tick: Tick): number {
    let hit = 0
    for (let row = from; row < to; row++) hit += this.#markKey(keys, row, scope, tick)
    this.#caughtUp = tick
    return hit
  }

  #markKey(keys: Column, keyRow: number, scope: number, tick: Tick): number {
    const { pk, ticks, partitionIds, deletes } = this
    const { rowCount } = deletes
    let hit = 0
    for (
      let row = lowerBoundOfRow(pk, rowCount, keys, keyRow);
      row < rowCount && sameKey(pk, row, keys, keyRow);
      row++
    ) {
      if (ticks[row]! < tick && (scope < 0 || partitionIds[row] === scope) && deletes.mark(row, tick)) hit++
    }
    return hit
  }

  /**
   * Rows that a compaction would leave out: deleted at or before `horizon`, inserted at or before `expired`, of no
   * partition in `live`, or set in `overdue`.
   */
  droppableRows(
    meta: SegmentMeta,
    horizon: Tick,
    expired: Tick,
    live: ReadonlySet<number>,
    overdue: Uint32Array | null,
  ): number {
    const { ticks, partitionIds, deletes, rowCount } = this
    const orphaned = meta.partitionIds.some(id => !live.has(id))
    if (meta.minTick > expired && !orphaned && overdue === null) return deletes.countUpTo(horizon)
    let count = 0
    for (let row = 0; row < rowCount; row++) {
      const gone = ticks[row]! <= expired || (orphaned && !live.has(partitionIds[row]!))
      const past = overdue !== null && ((overdue[row >>> 5]! >>> (row & 31)) & 1) === 1
      if (gone || past || !deletes.aliveAt(row, horizon)) count++
    }
    return count
  }

  /** Rows visible at `tick` in the partitions (null = all). The bits are shared: not to be written to. */
  visible(meta: SegmentMeta, tick: Tick, partitions: ReadonlySet<number> | null): VisibleRows {
    const { deletes, ticks, rowCount } = this
    let bits = deletes.aliveBits(tick, rowCount)
    let exact = tick >= deletes.lastTick
    if (tick < meta.maxTick) {
      bits = bits.slice()
      for (let row = 0; row < rowCount; row++) if (ticks[row]! > tick) bits[row >>> 5]! &= ~(1 << (row & 31))
      exact = false
    }
    if (partitions === null || meta.partitionIds.every(id => partitions.has(id))) {
      return { bits, count: exact ? deletes.liveCount : countBits(bits) }
    }
    const masked = bits.slice()
    andInto(masked, this.#partitionMask(meta, partitions))
    return { bits: masked, count: countBits(masked) }
  }

  #partitionMask(meta: SegmentMeta, partitions: ReadonlySet<number>): Uint32Array {
    const key = meta.partitionIds.filter(id => partitions.has(id)).join()
    let mask = this.#masks.get(key)
    if (mask === undefined) {
      mask = newBits(this.rowCount)
      const ids = this.partitionIds
      for (let row = 0; row < this.rowCount; row++)
        if (partitions.has(ids[row]!)) mask[row >>> 5]! |= 1 << (row & 31)
      if (this.#masks.size >= MASKS_MAX) this.#masks.clear()
      this.#masks.set(key, mask)
    }
    return mask
  }

  isVisible(row: number, tick: Tick): boolean {
    return this.ticks[row]! <= tick && this.deletes.aliveAt(row, tick)
  }

  /** The newest row of a key that is visible at `tick`, or −1. */
  findPk(key: PkKey, tick: Tick, partitions: ReadonlySet<number> | null): number {
    const { pk, rowCount } = this
    const raw = rawKey(key)
    let found = -1
    // Versions of one key stand by rising tick: the last visible one is the newest.
    for (let row = lowerBound(pk, rowCount, raw); row < rowCount && keyEquals(pk, row, raw); row++) {
      if (this.isVisible(row, tick) && (partitions === null || partitions.has(this.partitionIds[row]!)))
        found = row
    }
    return found
  }
}

/** First position whose tick is greater than `tick`. */
function firstAfter(ticks: Float64Array, count: number, tick: Tick): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ticks[middle]! <= tick) low = middle + 1
    else high = middle
  }
  return low
}
