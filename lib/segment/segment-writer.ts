/**
 * Writes the columns of a sealed segment: whole rows in chunks of up to 512 KiB, each one framed value. Chunks of one
 * column go to disk together, up to 2 MiB at a time, and every such write is synced (LevelDB closes a full log without
 * syncing it, so a later synced write would not cover earlier ones).
 *
 * Promise: nothing refers to these chunks until a manifest edit does. So a crash or a failure anywhere in here changes
 * nothing that a reader can see:
 *
 *   killed anywhere -> chunks under a segment id that no manifest names; swept at open
 *   cancelled       -> the chunks written so far are deleted before the call returns
 *   write failed    -> the store refuses further writes; swept at the next open
 *
 * Rows are given sorted by primary key, versions of one key by rising tick; that is the caller's promise. Columns come
 * from a ColumnSource, one after the other and chunk by chunk, so a merge holds one column at a time and not a segment.
 * Bytes: docs/format.md, "Segment columns".
 */
import { assert } from '../base/assert.js'
import { MilvusError } from '../base/errors.js'
import type { Tick } from '../base/timestamp.js'
import { encodeColumnFrame } from '../log/column-codec.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { FRAME, frame } from '../store/codec.js'
import { columnKey } from '../store/keys.js'
import type { Store } from '../store/store.js'
import { type SegmentMeta, STORED_DELETE_BYTES, type StoredColumn, SYSTEM_COLUMN } from './segment-meta.js'
import { deleteSegment } from './segment-sweep.js'

/**
 * Bytes of a chunk, 512 KiB: a column is cut into equal parts of at most this size. A chunk is what a reader takes in
 * without a pause: larger ones hold its event loop (up to 20 ms for 2 MiB where memory is handed out slowly), smaller
 * ones cost a round of the loop each.
 */
export const CHUNK_BYTES_MAX = 512 * 1024

/** Chunks are written when this many bytes of them have come together: fewer would pay for too many syncs. */
const WRITE_BYTES = 3 * CHUNK_BYTES_MAX

/** Deletes that must still be known: row `rows[i]` at `ticks[i]`, ticks never falling. */
export interface RowDeletes {
  readonly rows: Int32Array
  readonly ticks: Float64Array
}

/** The rows of one column in their final order, made available piece by piece. */
export interface ColumnSource {
  /** Bytes of all rows when stored, without validity. */
  readonly byteLength: number
  /** End of the piece that begins at `from`: as many whole rows as `bytesMax` holds, at least one. */
  pieceEnd(from: number, bytesMax: number): number
  /** A column whose rows [from, to) are rows [rowFrom, rowTo) of the segment. */
  piece(
    rowFrom: number,
    rowTo: number,
  ): { readonly column: Column; readonly from: number; readonly to: number }
}

export interface WriteHooks {
  /** Asked before each chunk; true stops the write with MilvusError Canceled. */
  readonly isCancelled?: () => boolean
  /** Called when some chunks are durable. */
  readonly afterWrite?: () => void
}

export interface SegmentInput extends WriteHooks {
  readonly segmentId: number
  readonly fields: readonly FieldSchema[]
  /** One per field; may have room for more than `rowCount` rows. */
  readonly columns: readonly Column[]
  /** At least 1: an empty segment is never written. */
  readonly rowCount: number
  readonly ticks: Float64Array
  readonly partitionIds: Int32Array
  readonly deletes: RowDeletes
  readonly level: number
  readonly appliedDelta: number
}

/**
 * Writes a segment whose rows are in memory, sorted. Durable when it returns, but an orphan until a manifest names it.
 * @throws MilvusError Canceled, IoFailed, DiskFull, StoreClosed
 */
export async function writeSegment(store: Store, input: SegmentInput): Promise<SegmentMeta> {
  assert(input.fields.length === input.columns.length, 'each field has a column')
  return undoOnFailure(store, input.segmentId, async () => {
    const writer = new SegmentWriter(store, input.segmentId, input.rowCount, input)
    await writer.writeSystemColumns(input.ticks, input.partitionIds, input.deletes)
    for (let i = 0; i < input.fields.length; i++) {
      await writer.writeColumn(input.fields[i]!.id, columnSource(input.columns[i]!, input.rowCount))
    }
    return writer.meta(input.level, input.appliedDelta)
  })
}

/**
 * Runs `write`; when it fails, deletes the chunks it wrote, then throws what it threw. When the store itself failed
 * nothing is deleted: it would only fail again, and the next open sweeps.
 */
export async function undoOnFailure<T>(store: Store, segmentId: number, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isStoreFailure(error)) await deleteSegment(store, segmentId)
    throw error
  }
}

function isStoreFailure(error: unknown): boolean {
  if (!(error instanceof MilvusError)) return false
  return error.reason === 'IoFailed' || error.reason === 'DiskFull' || error.reason === 'StoreClosed'
}

/** A column in memory as a source; it may have room for more than `rowCount` rows. */
export function columnSource(column: Column, rowCount: number): ColumnSource {
  const piece = (from: number, to: number) => ({ column, from, to })
  if (column.layout === 'fixed') {
    const rowBytes = column.width * column.values.BYTES_PER_ELEMENT
    return {
      byteLength: rowBytes * rowCount,
      pieceEnd: (from, bytesMax) => Math.min(rowCount, from + Math.max(1, Math.floor(bytesMax / rowBytes))),
      piece,
    }
  }
  const { offsets } = column
  return {
    byteLength: offsets[rowCount]! + rowCount * 4,
    pieceEnd: (from, bytesMax) => {
      let to = from + 1
      while (to < rowCount && offsets[to + 1]! - offsets[from]! + (to + 1 - from) * 4 <= bytesMax) to++
      return to
    },
    piece,
  }
}

/** Writes one segment column by column. Use inside `undoOnFailure`. */
export class SegmentWriter {
  readonly #store: Store
  readonly #segmentId: number
  readonly #rowCount: number
  readonly #hooks: WriteHooks
  readonly #columns: StoredColumn[] = []
  #minTick: Tick = Number.POSITIVE_INFINITY
  #maxTick: Tick = 0
  #partitionIds: number[] = []
  #deletedRows = 0
  /** Chunks of the column at hand that are not written yet, and their bytes. */
  #chunks: { key: Uint8Array; value: Uint8Array }[] = []
  #chunkBytes = 0

  constructor(store: Store, segmentId: number, rowCount: number, hooks: WriteHooks = {}) {
    assert(rowCount > 0, 'a segment has rows')
    this.#store = store
    this.#segmentId = segmentId
    this.#rowCount = rowCount
    this.#hooks = hooks
  }

  /** Writes insert ticks, partition ids and deletes; must be called once. */
  async writeSystemColumns(
    ticks: Float64Array,
    partitionIds: Int32Array,
    deletes: RowDeletes,
  ): Promise<void> {
    const rowCount = this.#rowCount
    assert(ticks.length >= rowCount && partitionIds.length >= rowCount, 'each row has a tick and a partition')
    for (let row = 0; row < rowCount; row++) {
      const tick = ticks[row]!
      if (tick < this.#minTick) this.#minTick = tick
      if (tick > this.#maxTick) this.#maxTick = tick
    }
    this.#partitionIds = distinct(partitionIds, rowCount)
    const tickColumn: Column = { layout: 'fixed', width: 1, values: ticks, validity: null }
    await this.writeColumn(SYSTEM_COLUMN.tick, columnSource(tickColumn, rowCount))
    const partitionColumn: Column = { layout: 'fixed', width: 1, values: partitionIds, validity: null }
    await this.writeColumn(SYSTEM_COLUMN.partition, columnSource(partitionColumn, rowCount))
    await this.#writeDeletes(deletes)
  }

  /** Writes all rows of one column. */
  async writeColumn(fieldId: number, source: ColumnSource): Promise<void> {
    const chunkRows: number[] = []
    let byteLength = 0
    let nullCount = 0
    // Equal parts: no chunk is a small remainder of the others.
    const parts = Math.max(1, Math.ceil(source.byteLength / CHUNK_BYTES_MAX))
    const partBytes = Math.ceil(source.byteLength / parts)
    for (let row = 0; row < this.#rowCount; ) {
      const end = source.pieceEnd(row, partBytes)
      assert(end > row && end <= this.#rowCount, 'a piece has rows of this segment')
      this.#check()
      const { column, from, to } = source.piece(row, end)
      const nulls = countNulls(column, from, to)
      nullCount += nulls
      // Without nulls a validity bitmap says nothing; leaving it out lets a reader compute the exact heap size.
      const value = encodeColumnFrame(nulls === 0 ? { ...column, validity: null } : column, from, to)
      await this.#put(fieldId, chunkRows.length, value)
      chunkRows.push(row)
      byteLength += value.length
      row = end
    }
    await this.#write()
    this.#columns.push({ fieldId, chunkCount: chunkRows.length, chunkRows, byteLength, nullCount })
  }

  /** What the manifest must know about the segment. Its index list is empty. */
  meta(level: number, appliedDelta: number): SegmentMeta {
    let byteLength = 0
    for (const column of this.#columns) byteLength += column.byteLength
    assert(this.#maxTick >= this.#minTick, 'the system columns are written')
    return {
      id: this.#segmentId,
      rowCount: this.#rowCount,
      byteLength,
      minTick: this.#minTick,
      maxTick: this.#maxTick,
      appliedDelta,
      level,
      partitionIds: this.#partitionIds,
      columns: this.#columns,
      indexes: [],
      deletedRows: this.#deletedRows,
    }
  }

  /** The deletes column has no row per row, so it has a layout of its own: see STORED_DELETE_BYTES. */
  async #writeDeletes({ rows, ticks }: RowDeletes): Promise<void> {
    assert(rows.length === ticks.length, 'each delete has a tick')
    const perChunk = Math.floor(CHUNK_BYTES_MAX / STORED_DELETE_BYTES)
    const chunkRows: number[] = []
    let byteLength = 0
    for (let from = 0; from < rows.length; from += perChunk) {
      const to = Math.min(rows.length, from + perChunk)
      this.#check()
      const value = frame(FRAME.column, [encodeDeletes(rows, ticks, from, to, this.#rowCount)])
      await this.#put(SYSTEM_COLUMN.deletes, chunkRows.length, value)
      chunkRows.push(from)
      byteLength += value.length
    }
    await this.#write()
    const fieldId = SYSTEM_COLUMN.deletes
    this.#columns.push({ fieldId, chunkCount: chunkRows.length, chunkRows, byteLength, nullCount: 0 })
    this.#deletedRows = rows.length
  }

  #check(): void {
    if (this.#hooks.isCancelled?.() !== true) return
    throw new MilvusError('Canceled', `writing segment ${this.#segmentId} was stopped`)
  }

  async #put(fieldId: number, chunk: number, value: Uint8Array): Promise<void> {
    this.#chunks.push({ key: columnKey(this.#segmentId, fieldId, chunk), value })
    this.#chunkBytes += value.length
    if (this.#chunkBytes >= WRITE_BYTES) await this.#write()
  }

  /** Makes the chunks that have come together durable. */
  async #write(): Promise<void> {
    if (this.#chunks.length === 0) return
    const chunks = this.#chunks
    this.#chunks = []
    this.#chunkBytes = 0
    await this.#store.write(chunks, true)
    this.#hooks.afterWrite?.()
  }
}

function encodeDeletes(
  rows: Int32Array,
  ticks: Float64Array,
  from: number,
  to: number,
  rowCount: number,
): Uint8Array {
  const bytes = new Uint8Array((to - from) * STORED_DELETE_BYTES)
  const view = new DataView(bytes.buffer)
  for (let i = from; i < to; i++) {
    assert(rows[i]! >= 0 && rows[i]! < rowCount, 'a deleted row is a row of the segment')
    assert(i === 0 || ticks[i]! >= ticks[i - 1]!, 'deletes are in tick order')
    view.setInt32((i - from) * STORED_DELETE_BYTES, rows[i]!, true)
    view.setFloat64((i - from) * STORED_DELETE_BYTES + 4, ticks[i]!, true)
  }
  return bytes
}

/** The values that occur, ascending. */
function distinct(values: Int32Array, count: number): number[] {
  const seen = new Set<number>()
  let last = Number.NaN
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    if (value !== last) seen.add(value)
    last = value
  }
  return [...seen].sort((a, b) => a - b)
}

function countNulls({ validity }: Column, from: number, to: number): number {
  if (validity === null) return 0
  let nulls = 0
  for (let row = from; row < to; row++) nulls += 1 - ((validity[row >>> 5]! >>> (row & 31)) & 1)
  return nulls
}
