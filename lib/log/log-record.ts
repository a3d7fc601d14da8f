/**
 * The log record of one write request: what it deletes, what it inserts, under one key and so under one timestamp.
 *
 *     | frame "link" (optional) | frame "delete" (optional) | frame "insert" (optional) |
 *       in this order, a delete or an insert half at least
 *
 * Both halves are one LevelDB value, so after a crash both are there or neither (upsert-semantics §1.10: all parts of
 * a request carry the same timestamp). An insert half describes itself (field id, type and dimensions of each
 * column), so that replay works for records that were written under an older schema. The link names the tick of the
 * record before, so that replay notices a record that is missing altogether: LevelDB drops damaged parts of its own
 * log without a word, and synced records with them.
 *
 * Encoding is on the path of every write: the length is computed first, the record is allocated once, each column is
 * copied once, each frame is summed once.
 */
import { assert } from '../base/assert.js'
import { bytesOf, readI32, readU16, readU32, writeU16, writeU32 } from '../base/bytes.js'
import type { Tick } from '../base/timestamp.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { Column, ColumnBatch } from '../schema/column.js'
import { DataType, type Layout, layoutOf } from '../schema/data-type.js'
import { corrupted, FRAME, FRAME_HEADER_BYTES, frameInto, unframeAt } from '../store/codec.js'
import {
  ARENA_SPARE_BYTES,
  columnByteLength,
  decodeColumn,
  decodeColumnIn,
  encodeColumnInto,
} from './column-codec.js'

/** Rows to insert: every field of the schema, in its order. */
export interface InsertHalf {
  /** Field id of each column. */
  readonly fieldIds: readonly number[]
  /** Field of each column. */
  readonly fields: readonly FieldSchema[]
  /** Complete: no column is null. */
  readonly batch: ColumnBatch
  /** Partition of each row. */
  readonly partitionIds: Int32Array
}

/** Primary keys whose older versions die. */
export interface DeleteHalf {
  readonly pk: Column
  readonly rowCount: number
  readonly pkType: DataType
  /** Partition id, or −1 for every partition. */
  readonly scope: number
}

export interface LogRecord {
  /**
   * Tick of the collection's previous log record, or of its checkpoint when there is none. Leave it out when that
   * record may be lost without anybody having been promised otherwise (`durability: 'os'`).
   */
  readonly previousTick?: Tick | undefined
  readonly insert: InsertHalf | null
  readonly delete: DeleteHalf | null
}

/** A column as the record describes it. */
export interface DecodedColumn {
  readonly fieldId: number
  readonly dataType: DataType
  /** Arrays: type of the elements; DataType.None otherwise. */
  readonly elementType: DataType
  readonly dim: number
  readonly column: Column
}

export interface DecodedInsert {
  readonly rowCount: number
  readonly partitionIds: Int32Array
  readonly columns: readonly DecodedColumn[]
}

export interface DecodedLogRecord {
  /** Null: the record does not say. */
  readonly previousTick: Tick | null
  readonly insert: DecodedInsert | null
  readonly delete: DeleteHalf | null
}

const INSERT_HEAD_BYTES = 8
const COLUMN_HEAD_BYTES = 16
const DELETE_HEAD_BYTES = 12
const LINK_BYTES = 8
/** Flag of an insert half: one partition id serves all rows. */
const ONE_PARTITION = 0x01

/** The record as the bytes that go under its log key. */
export function encodeLogRecord(record: LogRecord): Uint8Array {
  const { insert, delete: deletes } = record
  assert(insert !== null || deletes !== null, 'a log record deletes or inserts')
  const onePartition = insert !== null && isOneValue(insert.partitionIds, insert.batch.rowCount)
  const deleteBytes =
    deletes === null ? 0 : DELETE_HEAD_BYTES + columnByteLength(deletes.pk, 0, deletes.rowCount)
  const insertBytes = insert === null ? 0 : insertByteLength(insert, onePartition)
  const linkBytes = record.previousTick === undefined ? 0 : FRAME_HEADER_BYTES + LINK_BYTES
  const frames = (deletes === null ? 0 : 1) + (insert === null ? 0 : 1)
  const target = Buffer.allocUnsafe(linkBytes + frames * FRAME_HEADER_BYTES + deleteBytes + insertBytes)
  let at = 0
  if (record.previousTick !== undefined) {
    target.writeDoubleLE(record.previousTick, FRAME_HEADER_BYTES)
    at = frameInto(target, 0, FRAME.link, LINK_BYTES)
  }
  if (deletes !== null) {
    encodeDelete(target, at + FRAME_HEADER_BYTES, deletes)
    at = frameInto(target, at, FRAME.delete, deleteBytes)
  }
  if (insert !== null) {
    const end = encodeInsert(target, at + FRAME_HEADER_BYTES, insert, onePartition)
    assert(end === target.length, 'a log record is as long as computed')
    frameInto(target, at, FRAME.insert, insertBytes)
  }
  return target
}

/**
 * Counterpart of encodeLogRecord; columns are in memory of their own.
 * @param what names the record in messages, key included
 * @throws MilvusError Corrupted, FormatTooNew
 */
export function decodeLogRecord(bytes: Uint8Array, what: string): DecodedLogRecord {
  let found = unframeAt(bytes, 0, what)
  let previousTick: Tick | null = null
  if (found.type === FRAME.link) {
    previousTick = decodeLink(found.payload, what)
    found = unframeAt(bytes, found.end, what)
  }
  let deletes: DeleteHalf | null = null
  if (found.type === FRAME.delete) {
    deletes = decodeDelete(found.payload, what)
    if (found.end === bytes.length) return { previousTick, insert: null, delete: deletes }
    found = unframeAt(bytes, found.end, what)
  }
  if (found.type !== FRAME.insert) {
    throw corrupted(what, 'holds another kind of frame', `type ${FRAME.insert}`, `${found.type}`)
  }
  if (found.end !== bytes.length) {
    throw corrupted(what, 'has bytes after its end', `${found.end} bytes`, `${bytes.length}`)
  }
  return { previousTick, insert: decodeInsert(found.payload, what), delete: deletes }
}

function insertByteLength(insert: InsertHalf, onePartition: boolean): number {
  const { columns, rowCount } = insert.batch
  assert(insert.fieldIds.length === columns.length, 'each column has a field id')
  assert(insert.fields.length === columns.length, 'each column has a field')
  let bytes = INSERT_HEAD_BYTES + (onePartition ? 4 : rowCount * 4) + columns.length * COLUMN_HEAD_BYTES
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]
    assert(column !== null && column !== undefined, 'a logged batch is complete')
    bytes += columnByteLength(column, 0, rowCount)
  }
  return bytes
}

function encodeInsert(target: Uint8Array, at: number, insert: InsertHalf, onePartition: boolean): number {
  const { columns, rowCount } = insert.batch
  writeU32(target, at, rowCount)
  writeU16(target, at + 4, columns.length)
  target[at + 6] = onePartition ? ONE_PARTITION : 0
  target[at + 7] = 0
  let head = at + INSERT_HEAD_BYTES
  if (onePartition) {
    writeU32(target, head, insert.partitionIds[0]!)
    head += 4
  } else {
    target.set(bytesOf(insert.partitionIds.subarray(0, rowCount)), head)
    head += rowCount * 4
  }
  let end = head + columns.length * COLUMN_HEAD_BYTES
  for (let i = 0; i < columns.length; i++) {
    const field = insert.fields[i]!
    const start = end
    end = encodeColumnInto(target, start, columns[i]!, 0, rowCount)
    writeU32(target, head, insert.fieldIds[i]!)
    target[head + 4] = field.dataType
    target[head + 5] = field.elementType
    target[head + 6] = 0
    target[head + 7] = 0
    writeU32(target, head + 8, field.dim)
    writeU32(target, head + 12, end - start)
    head += COLUMN_HEAD_BYTES
  }
  return end
}

function encodeDelete(target: Uint8Array, at: number, deletes: DeleteHalf): void {
  writeU32(target, at, deletes.rowCount)
  target[at + 4] = deletes.pkType
  target[at + 5] = 0
  target[at + 6] = 0
  target[at + 7] = 0
  writeU32(target, at + 8, deletes.scope)
  encodeColumnInto(target, at + DELETE_HEAD_BYTES, deletes.pk, 0, deletes.rowCount)
}

function decodeLink(payload: Uint8Array, what: string): Tick {
  if (payload.length !== LINK_BYTES) throw tooShort(what, LINK_BYTES, payload.length)
  return new DataView(payload.buffer, payload.byteOffset).getFloat64(0, true)
}

function decodeInsert(payload: Uint8Array, what: string): DecodedInsert {
  if (payload.length < INSERT_HEAD_BYTES) throw tooShort(what, INSERT_HEAD_BYTES, payload.length)
  const rowCount = readU32(payload, 0)
  const columnCount = readU16(payload, 4)
  const flags = payload[6]!
  if (flags > ONE_PARTITION)
    throw corrupted(what, 'has unknown insert flags', `0 or ${ONE_PARTITION}`, `${flags}`)
  const onePartition = flags === ONE_PARTITION
  let head = INSERT_HEAD_BYTES + (onePartition ? 4 : rowCount * 4)
  let at = head + columnCount * COLUMN_HEAD_BYTES
  // Every row has a byte in some column: a row count beyond the bytes is not worth an allocation.
  const least = Math.max(at, rowCount)
  if (payload.length < least) throw tooShort(what, least, payload.length)
  const partitionIds = new Int32Array(rowCount)
  if (onePartition) partitionIds.fill(readI32(payload, INSERT_HEAD_BYTES))
  else bytesOf(partitionIds).set(payload.subarray(INSERT_HEAD_BYTES, head))
  const columns: DecodedColumn[] = []
  const arena = { buffer: new ArrayBuffer(payload.length + columnCount * ARENA_SPARE_BYTES), at: 0 }
  for (let i = 0; i < columnCount; i++, head += COLUMN_HEAD_BYTES) {
    const fieldId = readU32(payload, head)
    const dim = readU32(payload, head + 8)
    const end = at + readU32(payload, head + 12)
    if (end > payload.length) throw tooShort(what, end, payload.length)
    const dataType = payload[head + 4] as DataType
    const layout = storedLayout(dataType, dim, what)
    columns.push({
      fieldId,
      dataType,
      elementType: payload[head + 5] as DataType,
      dim,
      column: decodeColumnIn(arena, layout, payload.subarray(at, end), rowCount, what),
    })
    at = end
  }
  if (at !== payload.length)
    throw corrupted(what, 'has bytes after its columns', `${at}`, `${payload.length}`)
  return { rowCount, partitionIds, columns }
}

function decodeDelete(payload: Uint8Array, what: string): DeleteHalf {
  if (payload.length < DELETE_HEAD_BYTES) throw tooShort(what, DELETE_HEAD_BYTES, payload.length)
  const rowCount = readU32(payload, 0)
  const pkType = payload[4] as DataType
  const layout = storedLayout(pkType, 0, what)
  const pk = decodeColumn(layout, payload.subarray(DELETE_HEAD_BYTES), rowCount, false, `deletes of ${what}`)
  return { pk, rowCount, pkType, scope: readI32(payload, 8) }
}

const STORED_TYPES: ReadonlySet<number> = new Set(
  Object.values(DataType).filter(type => type !== DataType.None && type !== DataType.Struct),
)

/** Layout of a stored type number, which may be anything as long as nobody has looked at it. */
export function storedLayout(type: number, dim: number, what: string): Layout {
  if (!STORED_TYPES.has(type))
    throw corrupted(what, 'has a column of unknown type', 'a known type', `${type}`)
  return layoutOf(type as DataType, dim)
}

function isOneValue(values: Int32Array, count: number): boolean {
  assert(values.length >= count, 'every row has a partition')
  for (let i = 1; i < count; i++) if (values[i] !== values[0]) return false
  return count > 0
}

function tooShort(what: string, expected: number, actual: number): Error {
  return corrupted(what, 'is shorter than it says', `${expected} bytes`, `${actual}`)
}
