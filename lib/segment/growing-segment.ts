/**
 * The growing segment: rows that are in the log but not yet in a sealed segment (Milvus's name for the memtable).
 *
 * Rows are appended in tick order to growable columns in shared memory, so that "visible at T" is a prefix and the
 * flush worker reads them without a copy. A map leads from a primary key to its newest row; older versions of the key
 * hang behind it in a chain.
 *
 * Invariants: appended by one writer, one request at a time, with rising ticks; nothing below `rowCount` ever changes
 * (deletes live in DeleteState); after `freeze()` only deletes arrive.
 */
import { assert, present } from '../base/assert.js'
import { andInto, countBits, newBits, trimBits } from '../base/bitset.js'
import type { Tick } from '../base/timestamp.js'
import type { DeleteList } from '../log/delete-delta.js'
import type { CollectionSchema, FieldSchema } from '../schema/collection-schema.js'
import type { Column, ColumnBatch } from '../schema/column.js'
import { constantColumn, GrowableColumn, gatherColumn, nullColumn } from '../schema/column-ops.js'
import { DeleteState } from './delete-state.js'
import { compareRows, keyAt } from './pk-order.js'
import type { PkKey, Segment, SegmentIndex, VisibleRows } from './segment.js'

/** What the flush worker takes over; arrays may be longer than `rowCount`. */
export interface FrozenRows {
  readonly rowCount: number
  readonly fields: readonly FieldSchema[]
  readonly columns: readonly Column[]
  readonly ticks: Float64Array
  readonly partitionIds: Int32Array
  readonly deletes: { readonly rows: Int32Array; readonly ticks: Float64Array }
}

export class GrowingSegment implements Segment {
  readonly id: number
  readonly kind = 'growing'
  readonly sortedByPk = false
  /** Deletes logged while this segment was the growing one, whatever segment they hit. */
  readonly deleteList: DeleteList
  readonly deletes = new DeleteState(0)
  #fields: readonly FieldSchema[]
  #columns: GrowableColumn[]
  #pkIndex: number
  #rowCount = 0
  #ticks = new Float64Array(new SharedArrayBuffer(8 * 256))
  #partitionIds = new Int32Array(new SharedArrayBuffer(4 * 256))
  /** Partitions that occur; lets a read of one partition skip the mask when it is the only one. */
  readonly #partitions = new Set<number>()
  readonly #newest = new Map<PkKey, number>()
  /** Row of the next older version of the same key, −1 for none; null while no key occurred twice. */
  #older: Int32Array | null = null
  #frozen = false
  /** Greatest tick written to the log while this segment was growing. */
  lastTick: Tick = 0

  constructor(id: number, schema: CollectionSchema, deleteList: DeleteList) {
    this.id = id
    this.deleteList = deleteList
    this.#fields = schema.fields
    this.#pkIndex = schema.pkIndex
    this.#columns = schema.fields.map(field => new GrowableColumn(field, true))
  }

  get rowCount(): number {
    return this.#rowCount
  }

  get frozen(): boolean {
    return this.#frozen
  }

  /** Bytes of all columns together. */
  get byteLength(): number {
    let bytes = this.#rowCount * 12
    for (const column of this.#columns) bytes += column.byteLength
    return bytes
  }

  /**
   * Appends rows [first, end) of a complete batch. All rows of a batch have one tick and come one after the other, so
   * that nobody who reads up to an earlier tick sees some of them.
   */
  append(batch: ColumnBatch, partitionIds: Int32Array, tick: Tick, first: number, end: number): void {
    assert(!this.#frozen, 'a frozen segment takes no rows')
    assert(tick > this.lastTick || (first > 0 && tick === this.lastTick), 'rows arrive in tick order')
    const from = this.#rowCount
    const to = from + end - first
    for (let i = 0; i < this.#columns.length; i++) {
      this.#columns[i]!.append(present(batch.columns[i], 'a stored batch is complete'), first, end)
    }
    this.#reserve(to)
    this.#ticks.fill(tick, from, to)
    this.#partitionIds.set(partitionIds.subarray(first, end), from)
    this.#noteKeys(present(batch.columns[this.#pkIndex], 'a batch has keys'), first, from, to)
    this.deletes.appendRows(end - first)
    this.#rowCount = to
    this.lastTick = tick
  }

  #reserve(rows: number): void {
    if (rows <= this.#ticks.length) return
    const size = Math.max(rows, this.#ticks.length * 2)
    const ticks = new Float64Array(new SharedArrayBuffer(8 * size))
    ticks.set(this.#ticks)
    this.#ticks = ticks
    const partitionIds = new Int32Array(new SharedArrayBuffer(4 * size))
    partitionIds.set(this.#partitionIds)
    this.#partitionIds = partitionIds
  }

  /** Rows [from, to) have the keys from `first` on. */
  #noteKeys(pk: Column, first: number, from: number, to: number): void {
    for (let row = from; row < to; row++) {
      const key = keyAt(pk, first + row - from)
      const older = this.#newest.get(key)
      this.#newest.set(key, row)
      if (older !== undefined) this.#link(row, older)
      this.#partitions.add(this.#partitionIds[row]!)
    }
  }

  #link(row: number, older: number): void {
    if (this.#older === null || this.#older.length <= row) {
      const grown = new Int32Array(Math.max(row + 1, (this.#older?.length ?? 128) * 2)).fill(-1)
      if (this.#older !== null) grown.set(this.#older)
      this.#older = grown
    }
    this.#older[row] = older
  }

  /** Deletes every live version of a key in the scope (partition id, −1 = all); the number of rows hit. */
  deletePk(key: PkKey, scope: number, tick: Tick): number {
    let hit = 0
    for (let row = this.#newest.get(key) ?? -1; row >= 0; row = this.#olderOf(row)) {
      if (scope >= 0 && this.#partitionIds[row] !== scope) continue
      if (this.#ticks[row]! < tick && this.deletes.mark(row, tick)) hit++
    }
    return hit
  }

  #olderOf(row: number): number {
    return this.#older === null || row >= this.#older.length ? -1 : this.#older[row]!
  }

  /** From now on only deletes arrive. */
  freeze(): void {
    this.#frozen = true
  }

  /**
   * What the flush worker needs.
   * @param durableTick deletes after this one may not be on disk yet and are left out
   */
  frozenRows(durableTick: Tick): FrozenRows {
    assert(this.#frozen, 'only a frozen segment is flushed')
    return {
      rowCount: this.#rowCount,
      fields: this.#fields,
      columns: this.#columns.map(column => column.column()),
      ticks: this.#ticks,
      partitionIds: this.#partitionIds,
      deletes: this.deletes.snapshot(durableTick),
    }
  }

  /**
   * Follows a change of the schema: an added field reads as null or as its default, a dropped one is forgotten.
   * The caller makes sure that no reader is at work.
   */
  applySchema(schema: CollectionSchema): void {
    const byId = new Map(this.#fields.map((field, i) => [field.id, this.#columns[i]!] as const))
    this.#columns = schema.fields.map(field => {
      const kept = byId.get(field.id)
      if (kept !== undefined) return kept
      const added = new GrowableColumn(field, true)
      const { defaultValue } = field
      const filler =
        defaultValue === undefined
          ? nullColumn(field, this.#rowCount)
          : constantColumn(field, defaultValue, this.#rowCount)
      added.append(filler, 0, this.#rowCount)
      return added
    })
    this.#fields = schema.fields
    this.#pkIndex = schema.pkIndex
  }

  load(): undefined {
    return undefined
  }

  column(fieldIndex: number): Column {
    return present(this.#columns[fieldIndex], 'the field exists').column()
  }

  isResident(): boolean {
    return true
  }

  gather(fieldIndexes: readonly number[], rows: Int32Array): Column[] {
    return fieldIndexes.map(i => gatherColumn(this.#fields[i]!, this.column(i), rows))
  }

  /** Rows inserted at or before `tick`: rows are in tick order, so the answer is the length of a prefix. */
  #prefix(tick: Tick): number {
    if (tick >= this.lastTick) return this.#rowCount
    let low = 0
    let high = this.#rowCount
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ticks[middle]! <= tick) low = middle + 1
      else high = middle
    }
    return low
  }

  visible(tick: Tick, partitions: ReadonlySet<number> | null): VisibleRows {
    const prefix = this.#prefix(tick)
    const alive = this.deletes.aliveBits(tick, prefix)
    if (partitions === null || this.#onlyIn(partitions)) {
      const newest = prefix === this.#rowCount && tick >= this.deletes.lastTick
      return { bits: alive, count: newest ? this.deletes.liveCount : countBits(alive) }
    }
    const bits = newBits(prefix)
    const ids = this.#partitionIds
    for (let row = 0; row < prefix; row++) if (partitions.has(ids[row]!)) bits[row >>> 5]! |= 1 << (row & 31)
    andInto(bits, alive)
    trimBits(bits, prefix)
    return { bits, count: countBits(bits) }
  }

  #onlyIn(partitions: ReadonlySet<number>): boolean {
    for (const id of this.#partitions) if (!partitions.has(id)) return false
    return true
  }

  isVisible(row: number, tick: Tick): boolean {
    return this.#ticks[row]! <= tick && this.deletes.aliveAt(row, tick)
  }

  tickOf(row: number): Tick {
    return this.#ticks[row]!
  }

  partitionOf(row: number): number {
    return this.#partitionIds[row]!
  }

  findPk(key: PkKey, tick: Tick, partitions: ReadonlySet<number> | null): number {
    for (let row = this.#newest.get(key) ?? -1; row >= 0; row = this.#olderOf(row)) {
      if (this.isVisible(row, tick) && (partitions === null || partitions.has(this.#partitionIds[row]!)))
        return row
    }
    return -1
  }

  pkOf(row: number): PkKey {
    return keyAt(this.column(this.#pkIndex), row)
  }

  comparePk(rowA: number, rowB: number): number {
    return compareRows(this.column(this.#pkIndex), rowA, rowB)
  }

  vectorIndex(): SegmentIndex | null {
    return null
  }
}
