/**
 * A sealed segment: immutable rows on disk, sorted by primary key, made resident column by column when they are needed.
 *
 * The *base* (keys, ticks, partitions, delete state) comes first and stays until `unload()`; other columns live in the
 * shared ColumnCache. Deletes are not looked up while the base is not resident: they stay in the delete deltas and in
 * the log tail (DeleteSource), and loading the base catches up with them. From then on the write path marks them here
 * as they happen.
 *
 * Invariants: the delete state reflects every delete up to `#caughtUp`; `meta` is what the manifest says; a column
 * handed out is never written to.
 */
import { assert, present } from '../base/assert.js'
import { andInto, countBits, newBits } from '../base/bitset.js'
import type { Tick } from '../base/timestamp.js'
import { Turn } from '../base/turn.js'
import { type OpenOrder, risingOrder } from '../index/scalar-order.js'
import type { DeleteDelta } from '../log/delete-delta.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { gatherColumn } from '../schema/column-ops.js'
import { DataType, isVectorType } from '../schema/data-type.js'
import type { Store } from '../store/store.js'
import type { CachedColumn, ColumnCache } from './column-cache.js'
import { DeleteState } from './delete-state.js'
import { compareRows, keyAt, keyEquals, lowerBound, lowerBoundOfRow, rawKey, sameKey } from './pk-order.js'
import type { ColumnChunk, PkKey, Segment, SegmentIndex, VisibleRows } from './segment.js'
import type { SegmentMeta, StoredIndex } from './segment-meta.js'
import { type OrderSource, SegmentOrders } from './segment-orders.js'
import { gatherStored, readColumn, readSystemColumns, streamColumn } from './segment-reader.js'

/** Where the deletes are that a segment has not taken into account yet. */
export interface DeleteSource {
  /** Brings the delete deltas into memory; undefined when they are there. */
  load(): Promise<void> | undefined
  /** Deltas numbered above `afterDelta`, then the log tail; ticks rise through the whole list. */
  lists(afterDelta: number): readonly DeleteDelta[]
}

/** What a sealed segment needs from its collection. */
export interface SegmentContext extends OrderSource {
  readonly store: Store
  readonly cache: ColumnCache
  readonly deletes: DeleteSource
  /** The current schema; changes only while no reader is at work. */
  schema(): CollectionSchema
  /** Opens a sidecar; null when it is missing, stale or broken. */
  openIndex(meta: SegmentMeta, stored: StoredIndex): Promise<SegmentIndex | null>
  /** Id of the index definition on a field, or −1. */
  indexIdOf(fieldId: number): number
}

/**
 * How long a search that finds no graph in memory waits before it has one opened. That first search is a scan; checking
 * and loading the graph at the same time would only make it slower.
 */
const INDEX_DELAY_MS = 150

interface Base {
  readonly pk: Column
  readonly ticks: Float64Array
  readonly partitionIds: Int32Array
  readonly deletes: DeleteState
  readonly masks: Map<string, Uint32Array>
}

export class SealedSegment implements Segment {
  readonly kind = 'sealed'
  readonly sortedByPk = true
  meta: SegmentMeta
  /** Readers that hold a snapshot with this segment. */
  pins = 0
  /** Replaced by compaction: goes from disk once nobody pins it. */
  retired = false
  readonly #context: SegmentContext
  #base: Base | null = null
  #baseLoading: Promise<void> | null = null
  /** Every delete at or before this tick is in the delete state. */
  #caughtUp: Tick = 0
  /** Cached columns by field id. */
  readonly #columns = new Map<number, CachedColumn>()
  readonly #loading = new Map<number, Promise<void>>()
  /** Fields whose column was streamed once. */
  readonly #streamed = new Set<number>()
  /** Bytes read by gather() for single rows, by field id. */
  readonly #bytesGathered = new Map<number, number>()
  /** Opened indexes by field id; null: tried and not usable. */
  readonly #indexes = new Map<number, { indexId: number; opened: SegmentIndex | null }>()
  readonly #indexLoading = new Map<number, Promise<void>>()
  /** Ids of index definitions for which there is nothing to build (no row has a vector). */
  readonly #unbuildable = new Set<number>()
  readonly #orders: SegmentOrders
  #pkOrder: readonly OpenOrder[] | null = null

  constructor(meta: SegmentMeta, context: SegmentContext) {
    this.meta = meta
    this.#context = context
    this.#orders = new SegmentOrders(context)
  }

  get id(): number {
    return this.meta.id
  }

  get rowCount(): number {
    return this.meta.rowCount
  }

  /** True when keys and delete state are in memory. */
  get resident(): boolean {
    return this.#base !== null
  }

  /** Rows known to be deleted. */
  get deletedRows(): number {
    return this.#base?.deletes.deletedCount ?? this.meta.deletedRows
  }

  /**
   * Rows that a compaction would leave out: deleted at or before `horizon`, inserted at or before `expired`, or of no
   * partition in `live`. Counted row by row where keys are in memory; otherwise only when the meta alone decides.
   * @param overdue rows that are past their own end, where that is known
   */
  droppableRows(
    horizon: Tick,
    expired: Tick,
    live: ReadonlySet<number>,
    overdue: Uint32Array | null = null,
  ): number {
    const { rowCount, minTick, maxTick, partitionIds: occurring } = this.meta
    if (maxTick <= expired || !occurring.some(id => live.has(id))) return rowCount
    if (this.#base === null) return 0
    const { ticks, partitionIds, deletes } = this.#base
    const orphaned = occurring.some(id => !live.has(id))
    if (minTick > expired && !orphaned && overdue === null) return deletes.countUpTo(horizon)
    let count = 0
    for (let row = 0; row < rowCount; row++) {
      const gone = ticks[row]! <= expired || (orphaned && !live.has(partitionIds[row]!))
      const past = overdue !== null && ((overdue[row >>> 5]! >>> (row & 31)) & 1) === 1
      if (gone || past || !deletes.aliveAt(row, horizon)) count++
    }
    return count
  }

  /** Delete state; only while resident. */
  get deletes(): DeleteState {
    return this.#resident().deletes
  }

  #resident(): Base {
    return present(this.#base, 'the base of the segment is resident')
  }

  load(fieldIndexes: readonly number[]): Promise<void> | undefined {
    let missing = this.#base === null
    for (const i of fieldIndexes) {
      const entry = this.#entry(i)
      if (entry === undefined) missing = missing || !this.#isPk(i)
      else this.#context.cache.touch(entry)
    }
    return missing ? this.#loadMissing(fieldIndexes) : undefined
  }

  async #loadMissing(fieldIndexes: readonly number[]): Promise<void> {
    const waiting: Promise<void>[] = []
    if (this.#base === null) {
      this.#baseLoading ??= this.#loadBase().finally(() => {
        this.#baseLoading = null
      })
      waiting.push(this.#baseLoading)
    }
    const fields = this.#context.schema().fields
    for (const i of fieldIndexes) {
      if (this.#isPk(i) || this.#entry(i) !== undefined) continue
      const field = fields[i]!
      let loading = this.#loading.get(field.id)
      if (loading === undefined) {
        loading = this.#loadColumn(i).finally(() => this.#loading.delete(field.id))
        this.#loading.set(field.id, loading)
      }
      waiting.push(loading)
    }
    await Promise.all(waiting)
    // Another reader's columns may have pushed one out between two of the loads: then load again.
    const again = this.load(fieldIndexes)
    if (again !== undefined) await again
  }

  async #loadColumn(fieldIndex: number): Promise<void> {
    const field = this.#context.schema().fields[fieldIndex]!
    const column = await readColumn(this.#context.store, this.meta, field, false, true)
    this.#columns.set(
      field.id,
      this.#context.cache.add(column, () => this.#columns.delete(field.id)),
    )
  }

  async #loadBase(): Promise<void> {
    const { store, deletes: source } = this.#context
    const schema = this.#context.schema()
    const [pk, system] = await Promise.all([
      readColumn(store, this.meta, schema.fields[schema.pkIndex]!),
      readSystemColumns(store, this.meta),
      source.load(),
    ])
    const deletes = new DeleteState(this.meta.rowCount)
    for (let i = 0; i < system.deletes.rows.length; i++)
      deletes.mark(system.deletes.rows[i]!, system.deletes.ticks[i]!)
    const base = {
      pk,
      ticks: system.ticks,
      partitionIds: system.partitionIds,
      deletes,
      masks: new Map<string, Uint32Array>(),
    }
    const turn = new Turn()
    this.#caughtUp = 0
    while (this.#catchUp(base, turn)) await turn.next()
    this.#base = base
  }

  /** Takes deletes into account that came after the segment was written; true when its time slice ended first. */
  #catchUp(base: Base, turn: Turn): boolean {
    for (const list of this.#context.deletes.lists(this.meta.appliedDelta)) {
      if (list.rowCount === 0 || list.ticks[list.rowCount - 1]! <= this.#caughtUp) continue
      let at = firstAfter(list.ticks, list.rowCount, this.#caughtUp)
      while (at < list.rowCount) {
        // All deletes of one tick together: a slice never ends inside a request.
        const tick = list.ticks[at]!
        for (; at < list.rowCount && list.ticks[at] === tick; at++)
          markKey(base, list.pk, at, list.scopes[at]!, tick)
        this.#caughtUp = tick
        if (turn.due()) return true
      }
    }
    return false
  }

  /** Marks the keys of rows [from, to) of `keys` as deleted at `tick`, when the base is resident; the rows hit. */
  deleteRows(keys: Column, from: number, to: number, scope: number, tick: Tick): number {
    const base = this.#base
    // Without the base nothing is lost: the deletes are in the DeleteSource, and loading catches up with them.
    if (base === null) return 0
    let hit = 0
    for (let row = from; row < to; row++) hit += markKey(base, keys, row, scope, tick)
    this.#caughtUp = tick
    return hit
  }

  /** Forgets everything in memory. */
  unload(): void {
    for (const entry of this.#columns.values()) this.#context.cache.remove(entry)
    this.#columns.clear()
    this.#indexes.clear()
    this.#orders.clear()
    this.#base = null
  }

  #isPk(fieldIndex: number): boolean {
    return fieldIndex === this.#context.schema().pkIndex
  }

  #entry(fieldIndex: number): CachedColumn | undefined {
    return this.#columns.get(this.#context.schema().fields[fieldIndex]!.id)
  }

  column(fieldIndex: number): Column {
    if (this.#isPk(fieldIndex)) return this.#resident().pk
    const entry = present(this.#entry(fieldIndex), 'the column is resident')
    this.#context.cache.touch(entry)
    return entry.column
  }

  isResident(fieldIndex: number): boolean {
    return this.#base !== null && (this.#isPk(fieldIndex) || this.#entry(fieldIndex) !== undefined)
  }

  /** Before its graph is open a column is scanned once or twice: the first time it is not kept. */
  stream(fieldIndex: number): AsyncIterable<ColumnChunk> | null {
    const field = this.#context.schema().fields[fieldIndex]!
    if (field.dataType !== DataType.FloatVector || this.#streamed.has(field.id)) return null
    const indexId = this.#context.indexIdOf(field.id)
    const hasGraph = this.meta.indexes.some(s => s.fieldId === field.id && s.indexId === indexId)
    const stored = this.meta.columns.some(column => column.fieldId === field.id)
    if (!hasGraph || !stored || this.#loading.has(field.id)) return null
    this.#streamed.add(field.id)
    return streamColumn(this.#context.store, this.meta, field)
  }

  gather(fieldIndexes: readonly number[], rows: Int32Array): Promise<Column[]> | Column[] {
    const fields = this.#context.schema().fields
    if (fieldIndexes.every(i => this.isResident(i))) {
      return fieldIndexes.map(i => gatherColumn(fields[i]!, this.column(i), rows))
    }
    return this.#gatherStored(fieldIndexes, rows)
  }

  async #gatherStored(fieldIndexes: readonly number[], rows: Int32Array): Promise<Column[]> {
    const { store } = this.#context
    const fields = this.#context.schema().fields
    const worthLoading = fieldIndexes.filter(
      i => !this.isResident(i) && this.#readsEnough(fields[i]!.id, rows.length),
    )
    if (worthLoading.length > 0) await this.load(worthLoading)
    return Promise.all(
      fieldIndexes.map(i =>
        this.isResident(i)
          ? gatherColumn(fields[i]!, this.column(i), rows)
          : gatherStored(store, this.meta, fields[i]!, rows),
      ),
    )
  }

  /**
   * True when reading single rows of a column has cost about as much as reading all of it would: from then on it is
   * cheaper to keep the column. The first few rows of a cold segment stay cheap.
   */
  #readsEnough(fieldId: number, rowCount: number): boolean {
    const stored = this.meta.columns.find(column => column.fieldId === fieldId)
    if (stored === undefined || stored.chunkCount === 0) return true
    const chunkBytes = stored.byteLength / stored.chunkCount
    const read = (this.#bytesGathered.get(fieldId) ?? 0) + Math.min(rowCount, stored.chunkCount) * chunkBytes
    this.#bytesGathered.set(fieldId, read)
    return read > stored.byteLength
  }

  visible(tick: Tick, partitions: ReadonlySet<number> | null): VisibleRows {
    const base = this.#resident()
    let bits = base.deletes.aliveBits(tick, this.rowCount)
    let exact = tick >= base.deletes.lastTick
    if (tick < this.meta.maxTick) {
      bits = bits.slice()
      for (let row = 0; row < this.rowCount; row++)
        if (base.ticks[row]! > tick) bits[row >>> 5]! &= ~(1 << (row & 31))
      exact = false
    }
    if (partitions === null || this.meta.partitionIds.every(id => partitions.has(id))) {
      return { bits, count: exact ? base.deletes.liveCount : countBits(bits) }
    }
    const masked = bits.slice()
    andInto(masked, this.#partitionMask(base, partitions))
    return { bits: masked, count: countBits(masked) }
  }

  #partitionMask(base: Base, partitions: ReadonlySet<number>): Uint32Array {
    const wanted = this.meta.partitionIds.filter(id => partitions.has(id))
    const key = wanted.join()
    let mask = base.masks.get(key)
    if (mask === undefined) {
      mask = newBits(this.rowCount)
      const ids = base.partitionIds
      for (let row = 0; row < this.rowCount; row++)
        if (partitions.has(ids[row]!)) mask[row >>> 5]! |= 1 << (row & 31)
      if (base.masks.size >= 64) base.masks.clear()
      base.masks.set(key, mask)
    }
    return mask
  }

  isVisible(row: number, tick: Tick): boolean {
    const base = this.#resident()
    return base.ticks[row]! <= tick && base.deletes.aliveAt(row, tick)
  }

  tickOf(row: number): Tick {
    return this.#resident().ticks[row]!
  }

  partitionOf(row: number): number {
    return this.#resident().partitionIds[row]!
  }

  findPk(key: PkKey, tick: Tick, partitions: ReadonlySet<number> | null): number {
    const base = this.#resident()
    const raw = rawKey(key)
    let found = -1
    // Versions of one key stand by rising tick: the last visible one is the newest.
    for (
      let row = lowerBound(base.pk, this.rowCount, raw);
      row < this.rowCount && keyEquals(base.pk, row, raw);
      row++
    ) {
      const visible = base.ticks[row]! <= tick && base.deletes.aliveAt(row, tick)
      if (visible && (partitions === null || partitions.has(base.partitionIds[row]!))) found = row
    }
    return found
  }

  pkOf(row: number): PkKey {
    return keyAt(this.#resident().pk, row)
  }

  comparePk(rowA: number, rowB: number): number {
    return compareRows(this.#resident().pk, rowA, rowB)
  }

  /** Opens the declared indexes that have a sidecar; resolves when each is open or found unusable. */
  async loadIndexes(): Promise<void> {
    const fields = this.#context.schema().fields
    for (let i = 0; i < fields.length; i++) {
      this.#findIndex(i, 0)
      this.#orders.ofField(this.meta, fields[i]!.id, 0)
    }
    await Promise.all(this.#indexLoading.values())
    await this.#orders.settled()
  }

  scalarOrders(fieldIndex: number): readonly OpenOrder[] {
    if (this.#isPk(fieldIndex)) {
      this.#pkOrder ??= this.#risingKeys(fieldIndex)
      return this.#pkOrder
    }
    const { id } = this.#context.schema().fields[fieldIndex]!
    return this.#orders.ofField(this.meta, id, INDEX_DELAY_MS)
  }

  /** Rows stand in the order of their keys: that is an index, declared or not. */
  #risingKeys(fieldIndex: number): readonly OpenOrder[] {
    const of = this.#context.schema().fields[fieldIndex]!.dataType === DataType.VarChar ? 'text' : 'int'
    return [{ indexId: -1, path: null, order: risingOrder(of, this.rowCount), uses: 0 }]
  }

  /** How often filters took rows from scalar indexes. */
  get orderUses(): number {
    return this.#orders.uses
  }

  /** True when a scalar index has no sidecar yet, or one that could not be used. */
  lacksOrder(indexId: number): boolean {
    return this.#orders.lacks(this.meta, indexId)
  }

  vectorIndex(fieldIndex: number): SegmentIndex | null {
    return this.#findIndex(fieldIndex, INDEX_DELAY_MS)
  }

  #findIndex(fieldIndex: number, delayMs: number): SegmentIndex | null {
    const field = this.#context.schema().fields[fieldIndex]!
    if (!isVectorType(field.dataType)) return null
    const indexId = this.#context.indexIdOf(field.id)
    if (indexId < 0) return null
    const known = this.#indexes.get(field.id)
    if (known !== undefined && known.indexId === indexId) return known.opened
    const stored = this.meta.indexes.find(s => s.fieldId === field.id && s.indexId === indexId)
    if (stored !== undefined && !this.#indexLoading.has(field.id)) {
      const opening = this.#openIndex(field.id, stored, delayMs).finally(() =>
        this.#indexLoading.delete(field.id),
      )
      this.#indexLoading.set(field.id, opening)
    }
    return null
  }

  async #openIndex(fieldId: number, stored: StoredIndex, delayMs: number): Promise<void> {
    if (delayMs > 0) {
      await new Promise(resolve => setTimeout(resolve, delayMs))
      // Unloaded meanwhile: the file may be gone with its segment.
      if (this.#base === null) return
    }
    const opened = await this.#context.openIndex(this.meta, stored)
    this.#indexes.set(fieldId, { indexId: stored.indexId, opened })
  }

  /** True when the field's declared index was tried and could not be used, or has no sidecar yet. */
  lacksIndex(fieldId: number): boolean {
    const indexId = this.#context.indexIdOf(fieldId)
    if (indexId < 0 || this.#unbuildable.has(indexId)) return false
    const known = this.#indexes.get(fieldId)
    if (known !== undefined && known.indexId === indexId) return known.opened === null
    return !this.meta.indexes.some(s => s.fieldId === fieldId && s.indexId === indexId)
  }

  /** There is nothing to build for this index definition: do not try again. */
  giveUpIndex(indexId: number): void {
    this.#unbuildable.add(indexId)
  }

  /** Takes over meta that names more or other sidecars. */
  updateMeta(meta: SegmentMeta): void {
    assert(meta.id === this.meta.id, 'meta belongs to this segment')
    this.meta = meta
    for (const [fieldId, known] of this.#indexes) if (known.opened === null) this.#indexes.delete(fieldId)
    this.#orders.retry()
  }
}

function markKey(base: Base, keys: Column, keyRow: number, scope: number, tick: Tick): number {
  const { pk, ticks, partitionIds, deletes } = base
  const rowCount = deletes.rowCount
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
