/**
 * The log record: every write request of one commit group, in one LevelDB value, under the timestamp of the first.
 *
 *     | frame "log": head | request | request | … | what the columns are |
 *       request = tick | insert half (optional) | delete half (optional)
 *
 * A record is one LevelDB value, so after a crash all of its requests are there or none, and so are both halves of
 * each (upsert-semantics §1.10: all parts of a request carry the same timestamp). It describes its columns itself, so
 * that replay works for records that were written under an older schema; a schema changes only between two groups, so
 * one description serves all requests. The head names the last tick of the record before, so that replay notices a
 * record that is missing altogether: LevelDB drops damaged parts of its own log without a word, and synced records
 * with them.
 *
 * Encoding is on the path of every write: requests are encoded straight into the record as they come, each column is
 * copied once, and the record is summed once.
 */
import { assert } from '../base/assert.js'
import { bytesOf, writeU16, writeU32 } from '../base/bytes.js'
import type { Tick } from '../base/timestamp.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import type { Column, ColumnBatch } from '../schema/column.js'
import { FRAME, FRAME_HEADER_BYTES, frameInto } from '../store/codec.js'
import { columnByteLength, encodeColumnInto } from './column-codec.js'

/** Rows to insert: every field of the schema, in its order. */
export interface InsertHalf {
  /** Complete: no column is null. */
  readonly batch: ColumnBatch
  /** Partition of each row. */
  readonly partitionIds: Int32Array
}

/** Primary keys whose older versions die. */
export interface DeleteHalf {
  readonly pk: Column
  readonly rowCount: number
  /** Partition id, or −1 for every partition. */
  readonly scope: number
}

export const HEAD_BYTES = 16
export const COLUMN_HEAD_BYTES = 12
export const REQUEST_HEAD_BYTES = 12
export const INSERT_HEAD_BYTES = 4
export const DELETE_HEAD_BYTES = 8
/** Flag of the head: it names the record before. */
export const LINKED = 0x01
/** Flag of a column. */
export const PRIMARY_KEY = 0x01
/** Flags of a request. */
export const INSERTS = 0x01
export const DELETES = 0x02
/** The deleted keys are those of the first inserted rows. */
export const SAME_KEYS = 0x04
/** One partition id serves all rows. */
export const ONE_PARTITION = 0x08
/** A record starts with at most this much room beyond what its first request needs. */
const SPARE_BYTES_MAX = 64 << 10

/** Builds one record; all its requests are of one schema. */
export class LogRecordWriter {
  readonly #schema: CollectionSchema
  readonly #previousTick: Tick | undefined
  readonly #sizeHint: number
  #target: Buffer = Buffer.alloc(0)
  #end = FRAME_HEADER_BYTES + HEAD_BYTES
  #requestCount = 0
  #firstTick: Tick = 0
  #lastTick: Tick = 0
  #inserts = false

  /**
   * @param previousTick last tick of the collection's record before this one, or its checkpoint when there is none.
   *   undefined when that record may be lost without anybody having been promised otherwise (`durability: 'os'`)
   * @param sizeHint bytes the record will probably have
   */
  constructor(schema: CollectionSchema, previousTick: Tick | undefined, sizeHint = 0) {
    this.#schema = schema
    this.#previousTick = previousTick
    this.#sizeHint = Math.min(sizeHint, SPARE_BYTES_MAX)
  }

  get requestCount(): number {
    return this.#requestCount
  }

  /** Tick of the first request: the record's key. */
  get firstTick(): Tick {
    return this.#firstTick
  }

  /** Adds a request; `tick` is greater than those before. */
  add(tick: Tick, insert: InsertHalf | null, remove: DeleteHalf | null): void {
    assert(insert !== null || remove !== null, 'a request deletes or inserts')
    assert(tick > this.#lastTick, 'requests are logged in the order of their ticks')
    const pkColumn = insert === null ? null : insert.batch.columns[this.#schema.pkIndex]
    const sameKeys = insert !== null && remove !== null && remove.pk === pkColumn
    const onePartition = insert !== null && isOneValue(insert.partitionIds, insert.batch.rowCount)
    let need = REQUEST_HEAD_BYTES
    if (insert !== null) need += insertByteLength(this.#schema, insert, onePartition)
    if (remove !== null)
      need += DELETE_HEAD_BYTES + (sameKeys ? 0 : 4 + columnByteLength(remove.pk, 0, remove.rowCount))
    this.#makeRoom(need)
    const start = this.#end
    const target = this.#target
    target.writeDoubleLE(tick, start)
    const flags =
      (insert === null ? 0 : INSERTS) |
      (remove === null ? 0 : DELETES) |
      (sameKeys ? SAME_KEYS : 0) |
      (onePartition ? ONE_PARTITION : 0)
    writeU32(target, start + 8, flags)
    let end = start + REQUEST_HEAD_BYTES
    if (insert !== null) {
      end = encodeInsert(target, end, insert, onePartition)
      this.#inserts = true
    }
    if (remove !== null) end = encodeDelete(target, end, remove, sameKeys)
    assert(end === start + need, 'a request is as long as computed')
    this.#end = end
    this.#requestCount++
    if (this.#requestCount === 1) this.#firstTick = tick
    this.#lastTick = tick
  }

  /** The record as the bytes that go under its log key; the writer is used up then. */
  finish(): Uint8Array {
    assert(this.#requestCount > 0, 'a record holds a request')
    const fields = this.#inserts ? this.#schema.fields : []
    this.#makeRoom(fields.length * COLUMN_HEAD_BYTES)
    const target = this.#target
    let end = this.#end
    for (const field of fields) {
      writeU32(target, end, field.id)
      target[end + 4] = field.dataType
      target[end + 5] = field.elementType
      writeU16(target, end + 6, field.primaryKey ? PRIMARY_KEY : 0)
      writeU32(target, end + 8, field.dim)
      end += COLUMN_HEAD_BYTES
    }
    const linked = this.#previousTick !== undefined
    target[FRAME_HEADER_BYTES] = linked ? LINKED : 0
    target[FRAME_HEADER_BYTES + 1] = this.#schema.fields[this.#schema.pkIndex]!.dataType
    writeU16(target, FRAME_HEADER_BYTES + 2, fields.length)
    writeU32(target, FRAME_HEADER_BYTES + 4, this.#requestCount)
    target.writeDoubleLE(this.#previousTick ?? 0, FRAME_HEADER_BYTES + 8)
    frameInto(target, 0, FRAME.log, end - FRAME_HEADER_BYTES)
    return target.subarray(0, end)
  }

  #makeRoom(bytes: number): void {
    const need = this.#end + bytes
    if (need <= this.#target.length) return
    const columns = this.#schema.fields.length * COLUMN_HEAD_BYTES
    const room = Math.max(need + columns, this.#target.length * 2, this.#sizeHint)
    const grown = Buffer.allocUnsafe(room)
    if (this.#requestCount > 0) grown.set(this.#target.subarray(0, this.#end))
    this.#target = grown
  }
}

function insertByteLength(schema: CollectionSchema, insert: InsertHalf, onePartition: boolean): number {
  const { columns, rowCount } = insert.batch
  assert(schema.fields.length === columns.length, 'each field has a column')
  let bytes = INSERT_HEAD_BYTES + (onePartition ? 4 : rowCount * 4) + columns.length * 4
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
  let lengths = at + INSERT_HEAD_BYTES
  if (onePartition) {
    writeU32(target, lengths, insert.partitionIds[0]!)
    lengths += 4
  } else {
    target.set(bytesOf(insert.partitionIds.subarray(0, rowCount)), lengths)
    lengths += rowCount * 4
  }
  let end = lengths + columns.length * 4
  for (let i = 0; i < columns.length; i++) {
    const start = end
    end = encodeColumnInto(target, start, columns[i]!, 0, rowCount)
    writeU32(target, lengths + i * 4, end - start)
  }
  return end
}

function encodeDelete(target: Uint8Array, at: number, remove: DeleteHalf, sameKeys: boolean): number {
  writeU32(target, at, remove.rowCount)
  writeU32(target, at + 4, remove.scope)
  const start = at + DELETE_HEAD_BYTES
  if (sameKeys) return start
  const end = encodeColumnInto(target, start + 4, remove.pk, 0, remove.rowCount)
  writeU32(target, start, end - start - 4)
  return end
}

function isOneValue(values: Int32Array, count: number): boolean {
  assert(values.length >= count, 'every row has a partition')
  for (let i = 1; i < count; i++) if (values[i] !== values[0]) return false
  return count > 0
}
