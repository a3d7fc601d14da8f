/**
 * What the worker thread can be asked to do: plain messages that cross the thread border by structured clone.
 *
 * Typed arrays over a SharedArrayBuffer cross by reference, all others are copied: a growing segment keeps its columns
 * in shared memory for exactly this reason. Answers carry small metadata and row maps, whose memory is transferred.
 * A task only ever adds chunks and sidecars under names that nobody refers to yet; making them count is the caller's
 * manifest edit. So a task may be cancelled, fail or be killed at any moment without changing an answer.
 */
import type { CrashPoint } from '../base/crash-point.js'
import type { ErrorReason } from '../base/errors.js'
import type { Tick } from '../base/timestamp.js'
import type { IndexSpec } from '../index/index-spec.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import type { SegmentMeta, StoredIndex } from '../segment/segment-meta.js'
import type { RowDeletes } from '../segment/segment-writer.js'

/** Write the rows of a frozen growing segment as a sealed one. */
export interface FlushTask {
  readonly kind: 'flush'
  /** Id of the new segment; nothing is stored under it yet. */
  readonly segmentId: number
  readonly fields: readonly FieldSchema[]
  readonly pkFieldId: number
  /** One per field, rows in tick order; may have room for more than `rowCount` rows. */
  readonly columns: readonly Column[]
  readonly rowCount: number
  readonly ticks: Float64Array
  readonly partitionIds: Int32Array
  readonly deletes: RowDeletes
  /** Rows deleted at or before this tick are left out: no reader can ask for them any more. */
  readonly horizonTick: Tick
  readonly appliedDelta: number
}

export interface FlushResult {
  /** null: every row was left out and nothing was written. */
  readonly meta: SegmentMeta | null
  /** New row of each old row, −1 for rows left out. */
  readonly rowMap: Int32Array
}

export interface CompactInput {
  readonly meta: SegmentMeta
  /** Every delete known, the stored ones included; a row occurs at most once. */
  readonly deletes: RowDeletes
}

/** An index to make for a compacted segment: a graph, or the order of a scalar field. */
export interface CompactIndex {
  readonly spec: IndexSpec
  /** Name of the new sidecar, without its endings. */
  readonly fileName: string
  /** The input whose graph may be grown instead of building a new one; null = build. Always null for scalar fields. */
  readonly base: { readonly inputIndex: number; readonly fileName: string } | null
}

/** Merge sealed segments into one. */
export interface CompactTask {
  readonly kind: 'compact'
  readonly segmentId: number
  /** The current schema's; a field an input does not have reads as its default or null. */
  readonly fields: readonly FieldSchema[]
  readonly pkFieldId: number
  /** At least one, at most INPUTS_MAX (picker.ts). */
  readonly inputs: readonly CompactInput[]
  readonly horizonTick: Tick
  /** Rows of these partitions are left out. */
  readonly droppedPartitions: Int32Array
  /** Rows inserted at or before this tick are left out (TTL); 0 = none. */
  readonly expireBeforeTick: Tick
  /** Rows whose Timestamptz in this field is at or before this time are left out (`ttl_field`); null = none. */
  readonly deadline: { readonly fieldId: number; readonly nowMicros: number } | null
  readonly appliedDelta: number
  readonly level: number
  /** Indexes to build along with it. The caller leaves out what is too small to be worth one. */
  readonly indexes: readonly CompactIndex[]
}

export interface CompactResult {
  /** null: no row was left and nothing was written. */
  readonly meta: SegmentMeta | null
  /** Per input: new row of each old row, −1 for rows left out. */
  readonly rowMaps: readonly Int32Array[]
}

/**
 * Build the index of one field of a stored segment. The answer is null when there is none to build: the graph library is
 * not available, or no row has a vector.
 */
export interface IndexTask {
  readonly kind: 'index'
  readonly meta: SegmentMeta
  readonly field: FieldSchema
  readonly spec: IndexSpec
  readonly fileName: string
}

export type Task = FlushTask | CompactTask | IndexTask
export type TaskResult<T extends Task> = T extends FlushTask
  ? FlushResult
  : T extends CompactTask
    ? CompactResult
    : StoredIndex | null

/** Lets the caller stop a task: element 0 of a shared array is set to anything but 0. */
export interface CancelSignal {
  readonly cancel: Int32Array
}

/** What the thread is started with. */
export interface ThreadStart {
  readonly directory: string
  readonly crashPoint: CrashPoint | null
}

/** Main thread → worker. */
export type ThreadRequest =
  | { readonly kind: 'run'; readonly id: number; readonly task: Task; readonly cancel: Int32Array | null }
  | { readonly kind: 'close' }

/** Worker → main thread. */
export type ThreadReply =
  | { readonly id: number; readonly result: FlushResult | CompactResult | StoredIndex | null }
  | { readonly id: number; readonly error: TaskError }

/** An error in a form that survives the thread border. */
export interface TaskError {
  readonly reason: ErrorReason
  readonly message: string
  /** Where it was thrown, its causes included. */
  readonly stack: string
}
