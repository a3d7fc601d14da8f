/**
 * Merge mode: read the stored rows at the request's turn, lay the request over them, write the result.
 *
 * Runs inside the write queue, so "stored" means: after every earlier request, acknowledged or in the same group. Two
 * merges of one row can therefore never read the same old version, and no update is lost (upsert-semantics §2.1, §4.2).
 */
import { MilvusError } from '../base/errors.js'
import { deadlineFields, findLivingPk } from '../query/row-deadline.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import type { Column, ColumnBatch } from '../schema/column.js'
import { concatColumns, nullColumn } from '../schema/column-ops.js'
import { completeColumns } from '../schema/complete-columns.js'
import { mergeColumns } from '../schema/merge-columns.js'
import type { PartialBatch } from '../schema/rows-to-columns.js'
import { validateColumns } from '../schema/validate-columns.js'
import { keyAt } from '../segment/pk-order.js'
import type { Segment, Snapshot } from '../segment/segment.js'
import type { CollectionState } from './collection-state.js'
import { expireBeforeTick, rowDeadline } from './read-path.js'
import { JSON_MERGE_PROPERTY } from './records.js'
import { type ReadyWrite, readyUpsert, scopeOf } from './write-request.js'

type Ops = ReadonlyMap<number, 'ARRAY_APPEND' | 'ARRAY_REMOVE'>

/** Where the stored version of each request row is. */
interface Found {
  /** Per request row: position among the gathered rows, −1 = the key is new. */
  readonly storedRow: Int32Array
  /** Per segment that holds any: the rows, in the order of their positions. */
  readonly parts: readonly { readonly segment: Segment; readonly rows: Int32Array }[]
}

/**
 * Decides a merge at its turn. Stays synchronous when the stored rows are in memory.
 * @throws MilvusError CollectionNotLoaded, PartitionNotFound, ParameterInvalid
 */
export function decideMerge(
  state: CollectionState,
  given: PartialBatch,
  ops: Ops,
  partitionName: string | undefined,
): ReadyWrite | Promise<ReadyWrite> {
  if (!state.loaded) {
    throw new MilvusError('CollectionNotLoaded', 'failed to query', { fields: { collection: state.id } })
  }
  const scope = scopeOf(state, partitionName)
  const partitions = scope < 0 ? null : new Set([scope])
  const needed = deadlineFields(rowDeadline(state))
  const snapshot = state.snapshot(state.appliedTick)
  let later = false
  try {
    const loads = snapshot.segments.map(segment => segment.load(needed)).filter(load => load !== undefined)
    if (loads.length > 0) {
      later = true
      return readLater(Promise.all(loads), state, snapshot, given, ops, partitionName, partitions)
    }
    const found = findStored(state, snapshot, given, partitions)
    const gathered = gatherStoredRows(state.schema, found)
    if (gathered instanceof Promise) {
      later = true
      return gathered
        .then(stored => overlay(state, given, ops, partitionName, stored, found))
        .finally(() => snapshot.release())
    }
    return overlay(state, given, ops, partitionName, gathered, found)
  } finally {
    if (!later) snapshot.release()
  }
}

async function readLater(
  loading: Promise<unknown>,
  state: CollectionState,
  snapshot: Snapshot,
  given: PartialBatch,
  ops: Ops,
  partitionName: string | undefined,
  partitions: ReadonlySet<number> | null,
): Promise<ReadyWrite> {
  try {
    await loading
    const found = findStored(state, snapshot, given, partitions)
    return overlay(state, given, ops, partitionName, await gatherStoredRows(state.schema, found), found)
  } finally {
    snapshot.release()
  }
}

/** The newest visible version of each key; a row that has outlived its TTL counts as absent (§2.2). */
function findStored(
  state: CollectionState,
  snapshot: Snapshot,
  given: PartialBatch,
  partitions: ReadonlySet<number> | null,
): Found {
  const pk = given.columns[state.schema.pkIndex]!
  const expired = expireBeforeTick(state)
  const deadline = rowDeadline(state)
  const segmentOf = new Int32Array(given.rowCount).fill(-1)
  const rowOf = new Int32Array(given.rowCount)
  const counts = new Int32Array(snapshot.segments.length)
  for (let i = 0; i < given.rowCount; i++) {
    const key = keyAt(pk, i)
    let newest = -1
    for (let s = 0; s < snapshot.segments.length; s++) {
      const segment = snapshot.segments[s]!
      const row = findLivingPk(segment, key, snapshot.tick, partitions, deadline)
      if (row < 0 || segment.tickOf(row) <= newest || segment.tickOf(row) <= expired) continue
      newest = segment.tickOf(row)
      segmentOf[i] = s
      rowOf[i] = row
    }
    if (newest >= 0) counts[segmentOf[i]!]!++
  }
  return arrange(snapshot.segments, segmentOf, rowOf, counts)
}

function arrange(
  segments: readonly Segment[],
  segmentOf: Int32Array,
  rowOf: Int32Array,
  counts: Int32Array,
): Found {
  const storedRow = new Int32Array(segmentOf.length).fill(-1)
  const parts: { segment: Segment; rows: Int32Array }[] = []
  let base = 0
  for (let s = 0; s < segments.length; s++) {
    if (counts[s] === 0) continue
    const rows = new Int32Array(counts[s]!)
    let n = 0
    for (let i = 0; i < segmentOf.length; i++) {
      if (segmentOf[i] !== s) continue
      storedRow[i] = base + n
      rows[n++] = rowOf[i]!
    }
    base += n
    parts.push({ segment: segments[s]!, rows })
  }
  return { storedRow, parts }
}

/** The stored rows as one batch of complete columns. */
function gatherStoredRows(schema: CollectionSchema, found: Found): ColumnBatch | Promise<ColumnBatch> {
  const { fields } = schema
  const all = fields.map((_, i) => i)
  if (found.parts.length === 0) return { rowCount: 0, columns: fields.map(field => nullColumn(field, 0)) }
  const gathered = found.parts.map(part => part.segment.gather(all, part.rows))
  const rowCount = found.parts.reduce((sum, part) => sum + part.rows.length, 0)
  const join = (parts: readonly (readonly Column[])[]): ColumnBatch => ({
    rowCount,
    columns:
      parts.length === 1
        ? parts[0]!
        : fields.map((field, i) =>
            concatColumns(
              field,
              parts.map((columns, p) => ({ column: columns[i]!, rowCount: found.parts[p]!.rows.length })),
            ),
          ),
  })
  const ready: Column[][] = []
  for (const part of gathered) {
    if (part instanceof Promise) return Promise.all(gathered).then(join)
    ready.push(part)
  }
  return join(ready)
}

function overlay(
  state: CollectionState,
  given: PartialBatch,
  ops: Ops,
  partitionName: string | undefined,
  stored: ColumnBatch,
  found: Found,
): ReadyWrite {
  const { schema } = state
  const jsonMode = state.record.properties[JSON_MERGE_PROPERTY] === 'replace' ? 'replace' : 'merge'
  const merged = mergeColumns(schema, given, stored, found.storedRow, ops, jsonMode)
  const batch = completeColumns(schema, merged.batch, 'merged')
  validateColumns(schema, batch, { merged: true })
  return readyUpsert(state, batch, merged.updatedRows, partitionName)
}
