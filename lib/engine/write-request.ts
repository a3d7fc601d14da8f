/**
 * Write requests on their way to the log: what a caller asked for, and what is left of it when its turn comes.
 *
 * Judged in two parts. What the request alone decides (types, lengths, missing fields, routing) is judged at once, so
 * that a bad request never waits in the queue (unless it is large: then in slices, at its turn). What depends on stored
 * rows (merge, delete by filter) is decided at the request's turn, when every earlier request has been applied: that is
 * why no update is ever lost.
 */
import { invalid, MilvusError } from '../base/errors.js'
import type { Steps } from '../base/steps.js'
import type { Tick } from '../base/timestamp.js'
import { type CollectionSchema, pkField } from '../schema/collection-schema.js'
import type { Column, ColumnBatch } from '../schema/column.js'
import { int64WordsOf, pkKeys } from '../schema/column-ops.js'
import { checkInsertPk, completeColumns, withPk } from '../schema/complete-columns.js'
import { DataType } from '../schema/data-type.js'
import { checkDuplicatePks, checkFieldOps } from '../schema/merge-columns.js'
import { checkPartitionName } from '../schema/names.js'
import type { ArrayOp } from '../schema/requests.js'
import type { PartialBatch } from '../schema/rows-to-columns.js'
import { validateSteps } from '../schema/validate-columns.js'
import type { PkKey } from '../segment/segment.js'
import type { CollectionState } from './collection-state.js'
import { routeRows } from './partition-route.js'
import { INSERT_AUTO_ID_PROPERTY } from './records.js'

/** From this size on a request is judged, applied, encoded and written in rounds of the event loop of their own. */
export const LARGE_BYTES = 128 * 1024

/** What a write did. */
export interface WriteResult {
  readonly insertCount: number
  readonly upsertCount: number
  readonly deleteCount: number
  /** Primary keys of the written rows, in the order of the response (upsert-semantics §1.2); empty for deletes. */
  readonly ids: readonly PkKey[]
  readonly tick: Tick
}

export interface DeleteHalf {
  readonly pk: Column
  readonly rowCount: number
  /** Partition id, −1 = every partition. */
  readonly scope: number
}

/** A request that only needs its tick. */
export interface ReadyWrite {
  readonly insert: { readonly batch: ColumnBatch; readonly partitionIds: Int32Array } | null
  readonly remove: DeleteHalf | null
  readonly result: Omit<WriteResult, 'tick'>
}

export interface UpsertOptions {
  readonly partialUpdate?: boolean
  readonly partitionName?: string
  readonly fieldOps?: Readonly<Record<string, ArrayOp>>
}

/** Complete, checked rows for an insert. */
export function* readyInsert(
  state: CollectionState,
  given: PartialBatch,
  partitionName: string | undefined,
): Steps<ReadyWrite> {
  const { schema } = state
  checkPartitionArgument(schema, partitionName)
  checkRowCount(given)
  checkInsertPk(schema, given, state.record.properties[INSERT_AUTO_ID_PROPERTY]?.toLowerCase() === 'true')
  let batch: ColumnBatch = given
  if (pkField(schema).autoId && given.columns[schema.pkIndex] === null)
    batch = withPk(schema, given, newPks(state, given.rowCount))
  batch = completeColumns(schema, batch, 'insert')
  yield* validateSteps(schema, batch)
  const partitionIds = partitionIdsOf(state, batch, partitionName)
  const ids = keysOf(schema, batch)
  return {
    insert: { batch, partitionIds },
    remove: null,
    result: { insertCount: ids.length, upsertCount: 0, deleteCount: 0, ids },
  }
}

/** Complete, checked rows for an upsert in override mode. */
export function* readyOverride(
  state: CollectionState,
  given: PartialBatch,
  partitionName: string | undefined,
): Steps<ReadyWrite> {
  const { schema } = state
  checkUpsertKeys(schema, given, partitionName)
  const batch = completeColumns(schema, given, 'upsert')
  yield* validateSteps(schema, batch)
  return readyUpsert(state, batch, batch.rowCount, partitionName)
}

/** The checks of an upsert that need nothing but the request, in the order of upsert-semantics §1.3. */
export function checkUpsertKeys(
  schema: CollectionSchema,
  given: PartialBatch,
  partitionName: string | undefined,
): void {
  checkPartitionArgument(schema, partitionName)
  if (given.rowCount > 0 && given.columns[schema.pkIndex] === null) {
    throw invalid(`must assign pk when upsert, primary field: ${pkField(schema).name}`)
  }
  if (given.rowCount > 0) checkDuplicatePks(schema, given)
  checkRowCount(given)
}

/**
 * Insert half and delete half of an upsert whose rows are complete.
 * @param deleteCount the first `deleteCount` rows replace stored ones, as far as the caller can see
 * @param removeCount the keys of so many first rows make up the delete half; more when stored rows are hidden by a TTL
 */
export function readyUpsert(
  state: CollectionState,
  batch: ColumnBatch,
  deleteCount: number,
  partitionName: string | undefined,
  removeCount: number = deleteCount,
): ReadyWrite {
  const { schema } = state
  const partitionIds = partitionIdsOf(state, batch, partitionName)
  const givenPk = batch.columns[schema.pkIndex]!
  const remove =
    removeCount === 0 ? null : { pk: givenPk, rowCount: removeCount, scope: scopeOf(state, partitionName) }
  const written = pkField(schema).autoId ? withPk(schema, batch, newPks(state, batch.rowCount)) : batch
  const ids = keysOf(schema, written)
  return {
    insert: { batch: written, partitionIds },
    remove,
    result: { insertCount: ids.length, upsertCount: ids.length, deleteCount, ids },
  }
}

/** Array operations of the request, checked; any of them turns merge mode on (upsert-semantics §2.7). */
export function arrayOps(
  schema: CollectionSchema,
  given: PartialBatch,
  ops: Readonly<Record<string, ArrayOp>> | undefined,
): Map<number, 'ARRAY_APPEND' | 'ARRAY_REMOVE'> {
  return ops === undefined ? new Map() : checkFieldOps(schema, given, ops)
}

function keysOf(schema: CollectionSchema, batch: ColumnBatch): PkKey[] {
  return pkKeys(batch.columns[schema.pkIndex]!, batch.rowCount)
}

function checkRowCount(batch: ColumnBatch): void {
  if (batch.rowCount === 0) {
    throw invalid('num_rows should be greater than 0', { expected: 'invalid num_rows', actual: 0 })
  }
}

/** A partition-key collection routes rows itself (upsert-semantics §1.3 row 7). */
export function checkPartitionArgument(schema: CollectionSchema, partitionName: string | undefined): void {
  if (partitionName === undefined || partitionName === '') return
  if (schema.partitionKeyIndex >= 0) {
    throw invalid('not support manually specifying the partition names if partition key mode is used')
  }
}

/**
 * Id of a partition by name.
 * @throws MilvusError PartitionNotFound
 */
export function partitionId(state: CollectionState, name: string): number {
  const wanted = checkPartitionName(name)
  const found = state.record.partitions.find(p => p.name === wanted)
  if (found === undefined) throw new MilvusError('PartitionNotFound', '', { fields: { partition: wanted } })
  return found.id
}

/** Delete scope of an upsert: all partitions with a partition key, else the target partition (upsert-semantics §1.10). */
export function scopeOf(state: CollectionState, partitionName: string | undefined): number {
  if (state.schema.partitionKeyIndex >= 0) return -1
  return targetPartition(state, partitionName)
}

function targetPartition(state: CollectionState, partitionName: string | undefined): number {
  if (partitionName === undefined || partitionName === '') return state.record.partitions[0]!.id
  return partitionId(state, partitionName)
}

function partitionIdsOf(
  state: CollectionState,
  batch: ColumnBatch,
  partitionName: string | undefined,
): Int32Array {
  const { schema, record } = state
  if (schema.partitionKeyIndex < 0)
    return new Int32Array(batch.rowCount).fill(targetPartition(state, partitionName))
  const ids = routeRows(batch.columns[schema.partitionKeyIndex]!, batch.rowCount, record.partitions.length)
  for (let row = 0; row < ids.length; row++) ids[row] = record.partitions[ids[row]!]!.id
  return ids
}

/**
 * Fresh primary keys: ticks of the oracle, so they rise, never repeat, also across restarts (every later write has a
 * greater tick, and the log remembers it), and stay exact as JavaScript numbers.
 */
function newPks(state: CollectionState, count: number): Column {
  const { oracle } = state.env
  const first = oracle.next()
  oracle.raise(first + count - 1)
  if (pkField(state.schema).dataType === DataType.Int64) {
    const words = new Int32Array(count * 2)
    for (let i = 0; i < count; i++) {
      const [low, high] = int64WordsOf(first + i)
      words[i * 2] = low
      words[i * 2 + 1] = high
    }
    return { layout: 'fixed', width: 2, values: words, validity: null }
  }
  const heap = Buffer.from(Array.from({ length: count }, (_, i) => String(first + i)).join(''), 'latin1')
  const offsets = new Uint32Array(count + 1)
  for (let i = 0; i < count; i++) offsets[i + 1] = offsets[i]! + String(first + i).length
  return { layout: 'var', offsets, heap, validity: null }
}

/** Bytes that a request holds in memory, roughly: its columns. */
export function batchBytes(batch: Pick<PartialBatch, 'columns'>): number {
  let bytes = 256
  for (const column of batch.columns) {
    if (column === null) continue
    bytes +=
      column.layout === 'fixed'
        ? column.values.byteLength
        : column.heap.byteLength + column.offsets.byteLength
  }
  return bytes
}
