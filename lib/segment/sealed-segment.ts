/**
 * A sealed segment: immutable rows on disk, sorted by primary key, made resident column by column when they are needed.
 *
 * Three parts stand behind it: the *base* (keys, ticks, partitions, delete state: segment-base.ts), which comes first
 * and stays until `unload()`; the other columns, in the shared ColumnCache (segment-columns.ts); the indexes
 * (segment-graphs.ts, segment-orders.ts). Deletes are not looked up while the base is not resident: they stay in the
 * delete deltas and in the log tail (DeleteSource), and loading the base catches up with them. From then on the write
 * path marks them here as they happen.
 *
 * Invariants: `meta` is what the manifest says; a column handed out is never written to.
 */
import { assert, present } from '../base/assert.js'
import type { Tick } from '../base/timestamp.js'
import { Turn } from '../base/turn.js'
import { type OpenOrder, prepareNumbers, risingOrder } from '../index/scalar-order.js'
import type { VectorCodes } from '../index/vector-codes.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { gatherColumn } from '../schema/column-ops.js'
import { DataType, isVectorType } from '../schema/data-type.js'
import type { DeleteState } from './delete-state.js'
import { compareRows, keyAt } from './pk-order.js'
import type { ColumnChunk, PkKey, Segment, SegmentIndex, VisibleRows } from './segment.js'
import { type DeleteSource, SegmentBase } from './segment-base.js'
import { type ColumnSource, SegmentColumns } from './segment-columns.js'
import { type GraphSource, SegmentGraphs } from './segment-graphs.js'
import type { SegmentMeta } from './segment-meta.js'
import { type OrderSource, SegmentOrders } from './segment-orders.js'
import { readColumn, readSystemColumns } from './segment-reader.js'

/** What a sealed segment needs from its collection. */
export interface SegmentContext extends ColumnSource, GraphSource, OrderSource {
  readonly deletes: DeleteSource
}

/**
 * How long a search that finds no graph in memory waits before it has one opened. That first search is a scan; checking
 * and loading the graph at the same time would only make it slower.
 */
const INDEX_DELAY_MS = 150

export class SealedSegment implements Segment {
  readonly kind = 'sealed'
  readonly sortedByPk = true
  meta: SegmentMeta
  /** Readers that hold a snapshot with this segment. */
  pins = 0
  /** Replaced by compaction: goes from disk once nobody pins it. */
  retired = false
  readonly #context: SegmentContext
  #base: SegmentBase | null = null
  #baseLoading: Promise<void> | null = null
  readonly #columns: SegmentColumns
  readonly #graphs: SegmentGraphs
  readonly #orders: SegmentOrders
  #pkOrder: readonly OpenOrder[] | null = null

  constructor(meta: SegmentMeta, context: SegmentContext) {
    this.meta = meta
    this.#context = context
    this.#columns = new SegmentColumns(context)
    this.#graphs = new SegmentGraphs(context)
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
    const { rowCount, maxTick, partitionIds } = this.meta
    if (maxTick <= expired || !partitionIds.some(id => live.has(id))) return rowCount
    return this.#base?.droppableRows(this.meta, horizon, expired, live, overdue) ?? 0
  }

  /** Delete state; only while resident. */
  get deletes(): DeleteState {
    return this.#resident().deletes
  }

  #resident(): SegmentBase {
    return present(this.#base, 'the base of the segment is resident')
  }

  #field(fieldIndex: number): FieldSchema {
    return this.#context.schema().fields[fieldIndex]!
  }

  #isPk(fieldIndex: number): boolean {
    return fieldIndex === this.#context.schema().pkIndex
  }

  load(fieldIndexes: readonly number[]): Promise<void> | undefined {
    let missing = this.#base === null
    for (const i of fieldIndexes) {
      if (!this.#columns.touch(this.#field(i).id)) missing = missing || !this.#isPk(i)
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
    for (const i of fieldIndexes) {
      const field = this.#field(i)
      if (!this.#isPk(i) && !this.#columns.has(field.id)) waiting.push(this.#columns.load(this.meta, field))
    }
    await Promise.all(waiting)
    // Another reader's columns may have pushed one out between two of the loads: then load again.
    const again = this.load(fieldIndexes)
    if (again !== undefined) await again
  }

  async #loadBase(): Promise<void> {
    const { store, deletes } = this.#context
    const { fields, pkIndex } = this.#context.schema()
    const [pk, system] = await Promise.all([
      readColumn(store, this.meta, fields[pkIndex]!),
      readSystemColumns(store, this.meta),
      deletes.load(),
    ])
    const base = new SegmentBase(this.meta.rowCount, pk, system)
    const turn = new Turn()
    await prepareNumbers(this.meta.rowCount, turn)
    // Nothing waits between the last of the deletes and the base: a delete in between would be nobody's.
    while (base.catchUp(deletes, this.meta.appliedDelta, turn)) await turn.next()
    this.#base = base
  }

  /** Marks the keys of rows [from, to) of `keys` as deleted at `tick`, when the base is resident; the rows hit. */
  deleteRows(keys: Column, from: number, to: number, scope: number, tick: Tick): number {
    // Without the base nothing is lost: the deletes are in the DeleteSource, and loading catches up with them.
    return this.#base?.deleteRows(keys, from, to, scope, tick) ?? 0
  }

  /** Forgets everything in memory. */
  unload(): void {
    this.#columns.clear()
    this.#graphs.clear()
    this.#orders.clear()
    this.#base = null
  }

  column(fieldIndex: number): Column {
    return this.#isPk(fieldIndex) ? this.#resident().pk : this.#columns.column(this.#field(fieldIndex).id)
  }

  isResident(fieldIndex: number): boolean {
    return this.#base !== null && (this.#isPk(fieldIndex) || this.#columns.has(this.#field(fieldIndex).id))
  }

  stream(fieldIndex: number): AsyncIterable<ColumnChunk> | null {
    const field = this.#field(fieldIndex)
    return this.#columns.stream(this.meta, field, this.#context.indexIdOf(field.id))
  }

  codes(fieldIndex: number, compared: number): VectorCodes | null {
    return this.#columns.codes(this.#field(fieldIndex), compared)
  }

  gather(fieldIndexes: readonly number[], rows: Int32Array): Promise<Column[]> | Column[] {
    if (fieldIndexes.every(i => this.isResident(i))) {
      return fieldIndexes.map(i => gatherColumn(this.#field(i), this.column(i), rows))
    }
    return this.#gatherStored(fieldIndexes, rows)
  }

  async #gatherStored(fieldIndexes: readonly number[], rows: Int32Array): Promise<Column[]> {
    const worthLoading = fieldIndexes.filter(
      i => !this.isResident(i) && this.#columns.readsEnough(this.meta, this.#field(i).id, rows.length),
    )
    if (worthLoading.length > 0) await this.load(worthLoading)
    return Promise.all(
      fieldIndexes.map(i => {
        const field = this.#field(i)
        return this.isResident(i)
          ? gatherColumn(field, this.column(i), rows)
          : this.#columns.gather(this.meta, field, rows)
      }),
    )
  }

  visible(tick: Tick, partitions: ReadonlySet<number> | null): VisibleRows {
    return this.#resident().visible(this.meta, tick, partitions)
  }

  isVisible(row: number, tick: Tick): boolean {
    return this.#resident().isVisible(row, tick)
  }

  tickOf(row: number): Tick {
    return this.#resident().ticks[row]!
  }

  partitionOf(row: number): number {
    return this.#resident().partitionIds[row]!
  }

  findPk(key: PkKey, tick: Tick, partitions: ReadonlySet<number> | null): number {
    return this.#resident().findPk(key, tick, partitions)
  }

  pkOf(row: number): PkKey {
    return keyAt(this.#resident().pk, row)
  }

  comparePk(rowA: number, rowB: number): number {
    return compareRows(this.#resident().pk, rowA, rowB)
  }

  /** Opens the declared indexes that have a sidecar; resolves when each is open or found unusable. */
  async loadIndexes(): Promise<void> {
    for (const { id, dataType } of this.#context.schema().fields) {
      if (isVectorType(dataType)) this.#graphs.ofField(this.meta, id, 0)
      this.#orders.ofField(this.meta, id, 0)
    }
    await this.#graphs.settled()
    await this.#orders.settled()
  }

  vectorIndex(fieldIndex: number): SegmentIndex | null {
    const { id, dataType } = this.#field(fieldIndex)
    return isVectorType(dataType) ? this.#graphs.ofField(this.meta, id, INDEX_DELAY_MS) : null
  }

  /** True when the field's declared index was tried and could not be used, or has no sidecar yet. */
  lacksIndex(fieldId: number): boolean {
    return this.#graphs.lacks(this.meta, fieldId)
  }

  /** There is nothing to build for this index definition: do not try again. */
  giveUpIndex(indexId: number): void {
    this.#graphs.giveUp(indexId)
  }

  scalarOrders(fieldIndex: number): readonly OpenOrder[] {
    if (this.#isPk(fieldIndex)) {
      this.#pkOrder ??= this.#risingKeys(fieldIndex)
      return this.#pkOrder
    }
    return this.#orders.ofField(this.meta, this.#field(fieldIndex).id, INDEX_DELAY_MS)
  }

  /** Rows stand in the order of their keys: that is an index, declared or not. */
  #risingKeys(fieldIndex: number): readonly OpenOrder[] {
    const of = this.#field(fieldIndex).dataType === DataType.VarChar ? 'text' : 'int'
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

  /** Takes over meta that names more or other sidecars. */
  updateMeta(meta: SegmentMeta): void {
    assert(meta.id === this.meta.id, 'meta belongs to this segment')
    this.meta = meta
    this.#graphs.retry()
    this.#orders.retry()
  }
}
