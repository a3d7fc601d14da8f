/**
 * Reads the columns of a sealed segment back, whole or row by row.
 *
 * A column's chunks are read one after the other into arrays sized for the whole column; between two chunks the event
 * loop has its turn, so loading a column of any size holds it for a few milliseconds at a time. A field the segment was
 * written without reads as its default, or as null.
 *
 * Invariant: what comes back is what was written or an error. Every chunk has a checksum over all its bytes, and the
 * manifest says how many rows each must hold; a chunk that is missing or differs is MilvusError Corrupted, which names
 * segment, field and chunk.
 */
import { assert, present } from '../base/assert.js'
import { MilvusError } from '../base/errors.js'
import { freeBytes } from '../base/free-bytes.js'
import { countFromHere } from '../base/turn.js'
import { vectorArray } from '../index/simd-kernels.js'
import { ColumnAssembler } from '../log/column-codec.js'
import { decodeRows } from '../log/row-codec.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { concatColumns, constantColumn, gatherColumn, nullColumn } from '../schema/column-ops.js'
import { DataType, type FixedArray, type Layout, layoutOf } from '../schema/data-type.js'
import { corrupted, FRAME, FRAME_HEADER_BYTES, unframe } from '../store/codec.js'
import { columnKey } from '../store/keys.js'
import type { Store } from '../store/store.js'
import { fetchValue, roomForColumn } from './chunk-fetch.js'
import { type ChunkRows, groupByChunk, placesOf } from './chunk-rows.js'
import type { ColumnChunk } from './segment.js'
import { type SegmentMeta, STORED_DELETE_BYTES, type StoredColumn, SYSTEM_COLUMN } from './segment-meta.js'

/** Chunks of a column that are asked for at a time: one is used while others are on their way (chunk-fetch.ts). */
const FETCH_CHUNKS = 4
const TICK_LAYOUT: Layout = { layout: 'fixed', kind: 'f64', width: 1 }
const PARTITION_LAYOUT: Layout = { layout: 'fixed', kind: 'i32', width: 1 }

export interface SystemColumns {
  /** Insert tick of each row. */
  readonly ticks: Float64Array
  readonly partitionIds: Int32Array
  /** Deletes known when the segment was written, in tick order. */
  readonly deletes: { readonly rows: Int32Array; readonly ticks: Float64Array }
}

/**
 * A whole column in one piece.
 * @param shared in SharedArrayBuffers, so that V8 does not count it (shared-memory.ts). Default false
 * @param scanned float32 vectors go where the vector unit can read them (simd-kernels.ts), which is shared. Default false
 * @throws MilvusError Corrupted, IoFailed
 */
export async function readColumn(
  store: Store,
  meta: SegmentMeta,
  field: FieldSchema,
  shared = false,
  scanned = false,
): Promise<Column> {
  const stored = storedColumn(meta, field.id)
  if (stored === undefined) return absentColumn(field, meta.rowCount)
  const floats = scanned && field.dataType === DataType.FloatVector
  await roomForColumn(floats)
  const room = floats ? vectorArray(meta.rowCount, field.dim) : null
  return assemble(store, meta, stored, layoutOf(field.dataType, field.dim), shared, field.name, room)
}

/**
 * A column of float32 vectors chunk by chunk, for a reader who needs each row once: the memory of one chunk is used
 * for all, which spares the room for the column and, in a fresh process, most of the time it takes to get that room.
 * @throws MilvusError Corrupted, IoFailed
 */
export async function* streamColumn(
  store: Store,
  meta: SegmentMeta,
  field: FieldSchema,
): AsyncGenerator<ColumnChunk> {
  const stored = present(storedColumn(meta, field.id), 'a streamed column is stored')
  const layout = layoutOf(field.dataType, field.dim)
  assert(field.dataType === DataType.FloatVector && layout.layout === 'fixed', 'float vectors are streamed')
  let rowsMax = 0
  for (let chunk = 0; chunk < stored.chunkCount; chunk++)
    rowsMax = Math.max(rowsMax, chunkEnd(meta, stored, chunk) - stored.chunkRows[chunk]!)
  await roomForColumn(true)
  const room = vectorArray(rowsMax, field.dim)
  for await (const { payload, from, rowCount, what } of chunksAhead(store, meta, stored, field.name)) {
    const values = room.length === rowCount * field.dim ? room : room.subarray(0, rowCount * field.dim)
    const assembler = new ColumnAssembler(layout, rowCount, undefined, false, what, values)
    assembler.add(payload, 0, rowCount)
    const { validity } = assembler.finish()
    yield { from, rowCount, column: { layout: 'fixed', width: layout.width, values: room, validity } }
  }
}

/** Insert ticks, partition ids and stored deletes. @throws MilvusError Corrupted, IoFailed */
export async function readSystemColumns(store: Store, meta: SegmentMeta): Promise<SystemColumns> {
  const [ticks, ids, deletes] = await Promise.all([
    systemColumn(store, meta, SYSTEM_COLUMN.tick, TICK_LAYOUT, 'insert ticks'),
    systemColumn(store, meta, SYSTEM_COLUMN.partition, PARTITION_LAYOUT, 'partition ids'),
    readDeletes(store, meta),
  ])
  assert(ticks.layout === 'fixed' && ids.layout === 'fixed', 'system columns are fixed')
  return {
    ticks: ticks.values as Float64Array,
    partitionIds: ids.values as Int32Array,
    deletes,
  }
}

/**
 * Copies of some rows, in the order of `rows` (repeats allowed). Reads only the chunks that hold them.
 * @throws MilvusError Corrupted, IoFailed
 */
export async function gatherStored(
  store: Store,
  meta: SegmentMeta,
  field: FieldSchema,
  rows: Int32Array,
): Promise<Column> {
  const stored = storedColumn(meta, field.id)
  if (stored === undefined || rows.length === 0) return absentColumn(field, rows.length)
  const groups = groupByChunk(stored, rows)
  const layout = layoutOf(field.dataType, field.dim)
  const parts: { column: Column; rowCount: number }[] = []
  for (let at = 0; at < groups.length; at += FETCH_CHUNKS) {
    const some = groups.slice(at, at + FETCH_CHUNKS)
    const gather = async ({ chunk, rows: wanted }: ChunkRows): Promise<Column> => {
      const what = chunkName(meta, field.id, field.name, chunk)
      const bytes = await fetchValue(store, columnKey(meta.id, field.id, chunk))
      const count = chunkEnd(meta, stored, chunk) - stored.chunkRows[chunk]!
      const column = decodeRows(layout, checkedPayload(bytes, what), count, wanted, what)
      if (bytes !== undefined) freeBytes(bytes)
      return column
    }
    const columns = await Promise.all(some.map(gather))
    countFromHere()
    for (let i = 0; i < columns.length; i++)
      parts.push({ column: columns[i]!, rowCount: some[i]!.rows.length })
  }
  const joined = parts.length === 1 ? parts[0]!.column : concatColumns(field, parts)
  const places = placesOf(groups, rows.length)
  return places === null ? joined : gatherColumn(field, joined, places)
}

async function systemColumn(
  store: Store,
  meta: SegmentMeta,
  fieldId: number,
  layout: Layout,
  name: string,
): Promise<Column> {
  const stored = storedColumn(meta, fieldId)
  if (stored === undefined) {
    throw corrupted(`segment ${meta.id}, field ${fieldId} (${name})`, 'is missing', 'a column', 'none')
  }
  return assemble(store, meta, stored, layout, false, name)
}

async function assemble(
  store: Store,
  meta: SegmentMeta,
  stored: StoredColumn,
  layout: Layout,
  shared: boolean,
  name: string,
  room: FixedArray | null = null,
): Promise<Column> {
  const whole = `segment ${meta.id}, field ${stored.fieldId} (${name})`
  if (stored.chunkCount === 0 || stored.chunkRows.length !== stored.chunkCount || stored.chunkRows[0] !== 0) {
    const found = `${stored.chunkCount} chunks from row ${stored.chunkRows[0] ?? 'none'}`
    throw corrupted(whole, 'has an impossible list of chunks', 'chunks from row 0', found)
  }
  const assembler = new ColumnAssembler(layout, meta.rowCount, heapBound(meta, stored), shared, whole, room)
  for await (const { payload, from, rowCount, what } of chunksAhead(store, meta, stored, name))
    addChunk(assembler, payload, from, rowCount, what)
  return assembler.finish()
}

interface CheckedChunk {
  readonly payload: Uint8Array
  readonly from: number
  readonly rowCount: number
  /** Names the chunk in messages. */
  readonly what: string
}

/**
 * The chunks of a column in row order, checked; the disk works ahead while one is being used. A payload is gone when
 * the next one is asked for.
 */
async function* chunksAhead(
  store: Store,
  meta: SegmentMeta,
  stored: StoredColumn,
  name: string,
): AsyncGenerator<CheckedChunk> {
  const ahead: Promise<Uint8Array | undefined>[] = []
  const fetch = (chunk: number): void => {
    const bytes = fetchValue(store, columnKey(meta.id, stored.fieldId, chunk))
    // Looked at when its turn comes; until then a failure must not count as unhandled.
    bytes.catch(() => undefined)
    ahead.push(bytes)
  }
  for (let chunk = 0; chunk < Math.min(FETCH_CHUNKS, stored.chunkCount); chunk++) fetch(chunk)
  for (let chunk = 0; chunk < stored.chunkCount; chunk++) {
    const what = chunkName(meta, stored.fieldId, name, chunk)
    const bytes = await ahead[chunk]!
    if (chunk + FETCH_CHUNKS < stored.chunkCount) fetch(chunk + FETCH_CHUNKS)
    const from = stored.chunkRows[chunk]!
    const rowCount = chunkEnd(meta, stored, chunk) - from
    yield { payload: checkedPayload(bytes, what), from, rowCount, what }
    ahead[chunk] = NOTHING_AHEAD
    if (bytes !== undefined) freeBytes(bytes)
  }
}

/** Stands where a chunk was fetched and used. */
const NOTHING_AHEAD = Promise.resolve(undefined)

/**
 * Heap bytes of a variable column: exact when it has no nulls (chunks without nulls have no validity bitmap), else a
 * little too many, which the assembler cuts off.
 */
function heapBound(meta: SegmentMeta, stored: StoredColumn): number {
  const perChunk = FRAME_HEADER_BYTES + 1 + 4
  return Math.max(0, stored.byteLength - stored.chunkCount * perChunk - meta.rowCount * 4)
}

function addChunk(
  assembler: ColumnAssembler,
  payload: Uint8Array,
  from: number,
  count: number,
  what: string,
): void {
  try {
    assembler.add(payload, from, count)
  } catch (cause) {
    if (!(cause instanceof MilvusError)) throw cause
    // The assembler knows the column, not the chunk.
    throw new MilvusError(cause.reason, `${what}: ${cause.message}`, { bare: true, cause })
  }
}

async function readDeletes(store: Store, meta: SegmentMeta): Promise<SystemColumns['deletes']> {
  const stored = storedColumn(meta, SYSTEM_COLUMN.deletes)
  const chunks: Uint8Array[] = []
  let count = 0
  for (let chunk = 0; chunk < (stored?.chunkCount ?? 0); chunk++) {
    const what = chunkName(meta, SYSTEM_COLUMN.deletes, 'deletes', chunk)
    const payload = await fetchChunk(store, meta, SYSTEM_COLUMN.deletes, chunk, what)
    if (payload.length % STORED_DELETE_BYTES !== 0) {
      throw corrupted(
        what,
        'has the wrong length',
        `a multiple of ${STORED_DELETE_BYTES} bytes`,
        `${payload.length}`,
      )
    }
    chunks.push(payload)
    count += payload.length / STORED_DELETE_BYTES
  }
  const rows = new Int32Array(count)
  const ticks = new Float64Array(count)
  let at = 0
  for (const payload of chunks) at = decodeDeletes(payload, rows, ticks, at)
  checkDeletes(meta, rows, ticks)
  return { rows, ticks }
}

function decodeDeletes(payload: Uint8Array, rows: Int32Array, ticks: Float64Array, at: number): number {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  const count = payload.length / STORED_DELETE_BYTES
  for (let i = 0; i < count; i++) {
    rows[at + i] = view.getInt32(i * STORED_DELETE_BYTES, true)
    ticks[at + i] = view.getFloat64(i * STORED_DELETE_BYTES + 4, true)
  }
  return at + count
}

function checkDeletes(meta: SegmentMeta, rows: Int32Array, ticks: Float64Array): void {
  const what = `segment ${meta.id}, field ${SYSTEM_COLUMN.deletes} (deletes)`
  for (let i = 0; i < rows.length; i++) {
    if (rows[i]! < 0 || rows[i]! >= meta.rowCount) {
      throw corrupted(what, `names no row in entry ${i}`, `a row below ${meta.rowCount}`, `${rows[i]}`)
    }
    if (i > 0 && !(ticks[i]! >= ticks[i - 1]!)) {
      throw corrupted(what, `is out of order in entry ${i}`, `${ticks[i - 1]} or later`, `${ticks[i]}`)
    }
  }
}

/** Payload of a chunk, its checksum verified. */
async function fetchChunk(
  store: Store,
  meta: SegmentMeta,
  fieldId: number,
  chunk: number,
  what: string,
): Promise<Uint8Array> {
  return checkedPayload(await fetchValue(store, columnKey(meta.id, fieldId, chunk)), what)
}

function checkedPayload(bytes: Uint8Array | undefined, what: string): Uint8Array {
  if (bytes === undefined) throw corrupted(what, 'is missing', 'a value', 'none')
  return unframe(bytes, FRAME.column, what)
}

function chunkName(meta: SegmentMeta, fieldId: number, name: string, chunk: number): string {
  return `segment ${meta.id}, field ${fieldId} (${name}), chunk ${chunk}`
}

function chunkEnd(meta: SegmentMeta, stored: StoredColumn, chunk: number): number {
  return stored.chunkRows[chunk + 1] ?? meta.rowCount
}

function storedColumn(meta: SegmentMeta, fieldId: number): StoredColumn | undefined {
  return meta.columns.find(column => column.fieldId === fieldId)
}

/** What a field reads as in a segment that was written before the field was added. */
function absentColumn(field: FieldSchema, rowCount: number): Column {
  const { defaultValue } = field
  return defaultValue === undefined
    ? nullColumn(field, rowCount)
    : constantColumn(field, defaultValue, rowCount)
}
