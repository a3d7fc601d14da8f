/**
 * What the manifest knows about a sealed segment: enough to open it without reading it.
 *
 * Stored as a msgpack map inside the manifest value (docs/format.md). Fields are append-only.
 */
import type { Tick } from '../base/timestamp.js'

/** Stored columns that are no schema fields have these ids (user fields start at 100). */
export const SYSTEM_COLUMN = {
  /** f64: insert tick of each row. */
  tick: 1,
  /** i32: partition id of each row. */
  partition: 2,
  /** Rows that were already deleted when the segment was written but may still be asked for: (i32 row, f64 tick)s. */
  deletes: 3,
} as const

/** Bytes of one entry of the deletes column: row i32, tick f64, little-endian. */
export const STORED_DELETE_BYTES = 12

export interface StoredColumn {
  readonly fieldId: number
  /** Values under the column's keys, numbered 0 … chunkCount − 1. */
  readonly chunkCount: number
  /** First row of each chunk (chunkCount entries). */
  readonly chunkRows: readonly number[]
  /** Bytes of all chunks together, framing included. */
  readonly byteLength: number
  readonly nullCount: number
}

/** A built index of a segment, vector or scalar: a rebuildable sidecar file (docs/format.md). */
export interface StoredIndex {
  readonly fieldId: number
  /** Id of the index definition in the collection that this file was built for. */
  readonly indexId: number
  /** File name inside `<store>/indexes/`. */
  readonly fileName: string
  readonly byteLength: number
  /** Points in the graph, dead ones included; entries of a scalar index. */
  readonly pointCount: number
}

export interface SegmentMeta {
  readonly id: number
  readonly rowCount: number
  /** Bytes of all columns together. */
  readonly byteLength: number
  /** Smallest and greatest insert tick of its rows. */
  readonly minTick: Tick
  readonly maxTick: Tick
  /** Every delete delta numbered at or below this one is already taken into account. */
  readonly appliedDelta: number
  /** 0 for a flushed segment; 1 + the highest input level for a compacted one. */
  readonly level: number
  /** Partition ids that occur, ascending. */
  readonly partitionIds: readonly number[]
  readonly columns: readonly StoredColumn[]
  readonly indexes: readonly StoredIndex[]
  /** Rows deleted (as far as was known when the segment was written). */
  readonly deletedRows: number
}
