/**
 * The read contract of a segment: what get, query, count and search need, whether its rows are still in memory
 * (growing) or on disk (sealed).
 *
 * The one idea: a segment is rows in columns plus, per row, the tick it was inserted at, the partition it belongs to
 * and, when it has been deleted, the tick of the delete. A row is visible at T when `insertTick ≤ T` and it has no
 * delete tick ≤ T (architecture §4; upsert-semantics §3.6).
 *
 * Invariants
 *  - Rows of a growing segment are in tick order, so "inserted at or before T" is a prefix.
 *  - Rows of a sealed segment are sorted by primary key (Int64 numerically, VarChar bytewise), versions of one key by
 *    rising tick.
 *  - Columns are addressed by field index (position in `schema.fields`); a field added after a sealed segment was
 *    written reads as null or as its default.
 *  - Nothing here changes under a reader that holds a snapshot: deletes only add ticks later than the snapshot's.
 */
import type { Tick } from '../base/timestamp.js'
import type { OpenOrder } from '../index/scalar-order.js'
import type { VectorCodes } from '../index/vector-codes.js'
import type { VectorIndex } from '../index/vector-index.js'
import type { Column, FixedColumn } from '../schema/column.js'

/** Primary key as a JavaScript value: Int64 as number when safe, else bigint; VarChar as string. Usable as Map key. */
export type PkKey = number | bigint | string

/** Rows that a reader may see, as a bitset over the segment's rows. */
export interface VisibleRows {
  /** Read-only: may be shared with other readers. Bits at or beyond `rowCount` are 0. */
  readonly bits: Uint32Array
  /** Number of one bits. */
  readonly count: number
}

/** An index that is ready for use on one vector field of a segment. */
export interface SegmentIndex {
  readonly index: VectorIndex
  /** Row of each label, −1 for points that are no row of this segment (dead, or null vectors). */
  readonly rowOfLabel: Int32Array
}

/** Some rows of a column of vectors. */
export interface ColumnChunk {
  /** Row of the segment at which the chunk begins. */
  readonly from: number
  readonly rowCount: number
  /** Valid until the next chunk is asked for; its arrays may be longer. */
  readonly column: FixedColumn
}

export interface Segment {
  readonly id: number
  readonly kind: 'growing' | 'sealed'
  /** Rows held, visible or not. Grows in a growing segment; a snapshot never looks beyond its tick. */
  readonly rowCount: number
  /** True when rows are sorted by primary key. */
  readonly sortedByPk: boolean

  /**
   * Makes columns (and the primary key, ticks, partitions and delete state) resident.
   * Returns undefined when everything already is, so that a hot path need not await.
   * @throws MilvusError Corrupted, IoFailed
   */
  load(fieldIndexes: readonly number[]): Promise<void> | undefined
  /** A resident column; InvariantError when it is not resident. */
  column(fieldIndex: number): Column
  /** True when `column(fieldIndex)` may be called. */
  isResident(fieldIndex: number): boolean
  /**
   * Copies of some rows of some fields, without making whole columns resident (reads only the chunks that hold them).
   * Column `i` of the result belongs to `fieldIndexes[i]`; row `j` to `rows[j]`.
   */
  gather(fieldIndexes: readonly number[], rows: Int32Array): Promise<Column[]> | Column[]

  /** Rows visible at `tick`; `partitions` (ids) restricts them, null = all. Needs load([]) before. */
  visible(tick: Tick, partitions: ReadonlySet<number> | null): VisibleRows
  isVisible(row: number, tick: Tick): boolean
  tickOf(row: number): Tick
  partitionOf(row: number): number
  /** Newest row with this key that is visible at `tick` in the given partitions, or −1. Needs load([]) before. */
  findPk(key: PkKey, tick: Tick, partitions: ReadonlySet<number> | null): number
  /** Key of a row. Needs load([]) before. */
  pkOf(row: number): PkKey
  /** Order of two rows by primary key: negative, 0, positive. */
  comparePk(rowA: number, rowB: number): number

  /**
   * The chunks of a float vector column that is not worth making resident for one scan; null when it is. A segment
   * without the method has all its columns in memory.
   */
  stream?(fieldIndex: number): AsyncIterable<ColumnChunk> | null
  /**
   * Codes of a resident column of float vectors, with which exact scans read less; null while there are none. They are
   * made once scans have `compared` enough rows. A segment without the method never has any.
   */
  codes?(fieldIndex: number, compared: number): VectorCodes | null
  /** The index on a vector field, or null: none declared, not built yet, not loaded yet, or unusable. */
  vectorIndex(fieldIndex: number): SegmentIndex | null
  /** The scalar indexes that are ready on a field; a segment without the method never has one. */
  scalarOrders?(fieldIndex: number): readonly OpenOrder[]
}

/**
 * A reader's frozen view: a tick and the segments that were current when it was taken.
 * `release()` must be called exactly once, in a finally; it unpins the segments.
 */
export interface Snapshot {
  readonly tick: Tick
  readonly segments: readonly Segment[]
  release(): void
}
