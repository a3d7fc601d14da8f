/**
 * Merge mode: read the stored rows at the request's turn, lay the request over them, write the result.
 *
 * Runs inside the write queue, so "stored" means: after every earlier request, acknowledged or in the same group. Two
 * merges of one row can therefore never read the same old version, and no update is lost (upsert-semantics §2.1, §4.2).
 */
import { atOnce, inSlices, type Steps } from '../base/steps.js'
import { Turn } from '../base/turn.js'
import { deadlineFields, findLivingPk } from '../query/row-deadline.js'
import type { CollectionSchema, FieldSchema } from '../schema/collection-schema.js'
import type { Column, ColumnBatch } from '../schema/column.js'
import { concatColumns, nullColumn } from '../schema/column-ops.js'
import { completeColumns } from '../schema/complete-columns.js'
import { mergeSteps } from '../schema/merge-columns.js'
import type { PartialBatch } from '../schema/rows-to-columns.js'
import { validateSteps } from '../schema/validate-columns.js'
import { keyAt } from '../segment/pk-order.js'
import type { Segment, Snapshot } from '../segment/segment.js'
import type { CollectionState } from './collection-state.js'
import { checkReadable, expireBeforeTick, rowDeadline } from './read-path.js'
import { JSON_MERGE_PROPERTY } from './records.js'
import { batchBytes, LARGE_BYTES, type ReadyWrite, readyUpsert, scopeOf } from './write-request.js'

type Ops = ReadonlyMap<number, 'ARRAY_APPEND' | 'ARRAY_REMOVE'>

/** Where the stored version of each request row is. */
interface Found {
  /** Per request row: position among the gathered rows, −1 = the key is new. */
  readonly storedRow: Int32Array
  /** Per segment that holds any: the rows, in the order of their positions. */
  readonly parts: readonly { readonly segment: Segment; readonly rows: Int32Array }[]
  /** True when a key is new only because its rows have outlived their TTL: they are stored still. */
  readonly outlived: boolean
}

/** From so many rows on a merge is decided in slices of the event loop: the stored rows may be of any size. */
const LARGE_ROWS = 512
/** Keys that are looked up in one step. */
const KEYS_A_STEP = 256

/**
 * Decides a merge at its turn. Stays synchronous when it is small and the stored rows are in memory.
 * @throws MilvusError CollectionNotLoaded, PartitionNotLoaded, PartitionNotFound, ParameterInvalid
 */
export function decideMerge(
  state: CollectionState,
  given: PartialBatch,
  ops: Ops,
  partitionName: string | undefined,
): ReadyWrite | Promise<ReadyWrite> {
  checkReadable(state, 'query', -1)
  const scope = scopeOf(state, partitionName)
  checkReadable(state, 'query', scope)
  const partitions = scope < 0 ? null : new Set([scope])
  const needed = deadlineFields(rowDeadline(state))
  const snapshot = state.snapshot(state.appliedTick)
  let later = false
  try {
    const loads = snapshot.segments.map(segment => segment.load(needed)).filter(load => load !== undefined)
    if (loads.length > 0 || given.rowCount >= LARGE_ROWS || batchBytes(given) >= LARGE_BYTES) {
      later = true
      return decideInSlices(Promise.all(loads), state, snapshot, given, ops, partitionName, partitions)
    }
    const found = atOnce(findStored(state, snapshot, given, partitions))
    const gathered = gatherStoredRows(state.schema, found)
    if (gathered instanceof Promise) {
      later = true
      return gathered
        .then(stored => atOnce(overlay(state, given, ops, partitionName, stored, found)))
        .finally(() => snapshot.release())
    }
    return atOnce(overlay(state, given, ops, partitionName, gathered, found))
  } finally {
    if (!later) snapshot.release()
  }
}

async function decideInSlices(
  loading: Promise<unknown>,
  state: CollectionState,
  snapshot: Snapshot,
  given: PartialBatch,
  ops: Ops,
  partitionName: string | undefined,
  partitions: ReadonlySet<number> | null,
): Promise<ReadyWrite> {
  const turn = new Turn()
  try {
    await loading
    if (turn.due()) await turn.next()
    const found = await inSlices(findStored(state, snapshot, given, partitions), turn)
    const stored = await gatherInSlices(state.schema, found, turn)
    const ready = await inSlices(overlay(state, given, ops, partitionName, stored, found), turn)
    if (turn.due()) await turn.next()
    return ready
  } finally {
    snapshot.release()
  }
}

/**
 * The newest visible version of each key; a row that has outlived its TTL counts as absent (§2.2). It must go with the
 * merge all the same: a longer TTL would show it again, as a second row of the key.
 */
function* findStored(
  state: CollectionState,
  snapshot: Snapshot,
  given: PartialBatch,
  partitions: ReadonlySet<number> | null,
): Steps<Found> {
  const pk = given.columns[state.schema.pkIndex]!
  const expired = expireBeforeTick(state)
  const deadline = rowDeadline(state)
  const segmentOf = new Int32Array(given.rowCount).fill(-1)
  const rowOf = new Int32Array(given.rowCount)
  const counts = new Int32Array(snapshot.segments.length)
  const mortal = expired > 0 || deadline !== null
  let outlived = false
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
    else if (mortal && !outlived)
      outlived = snapshot.segments.some(segment => segment.findPk(key, snapshot.tick, partitions) >= 0)
    if (i % KEYS_A_STEP === KEYS_A_STEP - 1) yield
  }
  return { ...arrange(snapshot.segments, segmentOf, rowOf, counts), outlived }
}

function arrange(
  segments: readonly Segment[],
  segmentOf: Int32Array,
  rowOf: Int32Array,
  counts: Int32Array,
): Omit<Found, 'outlived'> {
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
  if (found.parts.length === 0) return noRows(schema)
  const all = fields.map((_, i) => i)
  const gathered = found.parts.map(part => part.segment.gather(all, part.rows))
  const join = (parts: readonly (readonly Column[])[]): ColumnBatch => ({
    rowCount: rowCountOf(found),
    columns: fields.map((field, i) =>
      joinParts(
        field,
        parts.map(columns => columns[i]!),
        found,
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

/** The same, a field at a time. */
async function gatherInSlices(schema: CollectionSchema, found: Found, turn: Turn): Promise<ColumnBatch> {
  if (found.parts.length === 0) return noRows(schema)
  const columns: Column[] = []
  for (let i = 0; i < schema.fields.length; i++) {
    const parts: Column[] = []
    for (const { segment, rows } of found.parts) {
      const gathered = segment.gather([i], rows)
      parts.push(...(gathered instanceof Promise ? await gathered : gathered))
      if (turn.due()) await turn.next()
    }
    columns.push(joinParts(schema.fields[i]!, parts, found))
    if (turn.due()) await turn.next()
  }
  return { rowCount: rowCountOf(found), columns }
}

function noRows(schema: CollectionSchema): ColumnBatch {
  return { rowCount: 0, columns: schema.fields.map(field => nullColumn(field, 0)) }
}

function rowCountOf(found: Found): number {
  return found.parts.reduce((sum, part) => sum + part.rows.length, 0)
}

function joinParts(field: FieldSchema, parts: readonly Column[], found: Found): Column {
  if (parts.length === 1) return parts[0]!
  return concatColumns(
    field,
    parts.map((column, p) => ({ column, rowCount: found.parts[p]!.rows.length })),
  )
}

function* overlay(
  state: CollectionState,
  given: PartialBatch,
  ops: Ops,
  partitionName: string | undefined,
  stored: ColumnBatch,
  found: Found,
): Steps<ReadyWrite> {
  const { schema } = state
  const jsonMode = state.record.properties[JSON_MERGE_PROPERTY] === 'replace' ? 'replace' : 'merge'
  const merged = yield* mergeSteps(schema, given, stored, found.storedRow, ops, jsonMode)
  const batch = completeColumns(schema, merged.batch, 'merged')
  yield* validateSteps(schema, batch, { merged: true })
  const removeCount = found.outlived ? batch.rowCount : merged.updatedRows
  return readyUpsert(state, batch, merged.updatedRows, partitionName, removeCount)
}
