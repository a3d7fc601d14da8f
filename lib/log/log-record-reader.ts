/**
 * Reads log records. Nothing is taken on trust: every length is checked before it is followed, and a record that
 * contradicts itself is an error that says where, never a wrong row.
 */
import { bytesOf, readI32, readU16, readU32 } from '../base/bytes.js'
import type { Tick } from '../base/timestamp.js'
import type { Column } from '../schema/column.js'
import { DataType, type Layout, layoutOf } from '../schema/data-type.js'
import { corrupted, FRAME, unframe } from '../store/codec.js'
import { ARENA_SPARE_BYTES, decodeColumn, decodeColumnIn } from './column-codec.js'
import {
  COLUMN_HEAD_BYTES,
  DELETE_HEAD_BYTES,
  DELETES,
  type DeleteHalf,
  HEAD_BYTES,
  INSERT_HEAD_BYTES,
  INSERTS,
  LINKED,
  ONE_PARTITION,
  PRIMARY_KEY,
  REQUEST_HEAD_BYTES,
  SAME_KEYS,
} from './log-record.js'

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

export interface DecodedRequest {
  readonly tick: Tick
  readonly insert: DecodedInsert | null
  readonly delete: DeleteHalf | null
}

export interface DecodedLogRecord {
  /** Null: the record does not say. */
  readonly previousTick: Tick | null
  /** At least one, by rising tick. */
  readonly requests: readonly DecodedRequest[]
}

const REQUEST_FLAGS = INSERTS | DELETES | SAME_KEYS | ONE_PARTITION

/**
 * What a LogRecordWriter wrote; columns are in memory of their own.
 * @param what names the record in messages, key included
 * @throws MilvusError Corrupted, FormatTooNew
 */
export function decodeLogRecord(bytes: Uint8Array, what: string): DecodedLogRecord {
  const payload = unframe(bytes, FRAME.log, what)
  const reader = new RecordReader(payload, what)
  return { previousTick: reader.previousTick, requests: reader.requests() }
}

interface ColumnHead {
  readonly fieldId: number
  readonly dataType: DataType
  readonly elementType: DataType
  readonly dim: number
  readonly primaryKey: boolean
  readonly layout: Layout
}

/** Walks the payload of one record; every length is checked before it is followed. */
class RecordReader {
  readonly previousTick: Tick | null
  readonly #payload: Uint8Array
  readonly #view: DataView
  readonly #what: string
  readonly #pkType: DataType
  readonly #requestCount: number
  readonly #heads: readonly ColumnHead[]
  /** Where the requests end and the column heads begin. */
  readonly #limit: number
  #at = HEAD_BYTES

  constructor(payload: Uint8Array, what: string) {
    this.#payload = payload
    this.#what = what
    this.#limit = payload.length
    this.#need(0, HEAD_BYTES)
    this.#view = new DataView(payload.buffer, payload.byteOffset, payload.length)
    const flags = payload[0]!
    if (flags > LINKED) throw corrupted(what, 'has unknown flags', `0 or ${LINKED}`, `${flags}`)
    this.previousTick = flags === LINKED ? this.#view.getFloat64(8, true) : null
    this.#pkType = payload[1]! as DataType
    const columnCount = readU16(payload, 2)
    this.#requestCount = readU32(payload, 4)
    this.#need(HEAD_BYTES, columnCount * COLUMN_HEAD_BYTES)
    this.#limit = payload.length - columnCount * COLUMN_HEAD_BYTES
    this.#heads = Array.from({ length: columnCount }, (_, i) =>
      this.#head(this.#limit + i * COLUMN_HEAD_BYTES),
    )
  }

  requests(): DecodedRequest[] {
    const found: DecodedRequest[] = []
    let lastTick = 0
    for (let i = 0; i < this.#requestCount; i++) {
      const request = this.#request()
      if (!(request.tick > lastTick))
        throw corrupted(this.#what, 'is out of order', `a tick above ${lastTick}`, `${request.tick}`)
      lastTick = request.tick
      found.push(request)
    }
    if (found.length === 0) throw corrupted(this.#what, 'is empty', 'a request', 'none')
    if (this.#at !== this.#limit)
      throw corrupted(this.#what, 'has bytes after its requests', `${this.#at}`, `${this.#limit}`)
    return found
  }

  #head(at: number): ColumnHead {
    const payload = this.#payload
    const dataType = payload[at + 4] as DataType
    const dim = readU32(payload, at + 8)
    return {
      fieldId: readU32(payload, at),
      dataType,
      elementType: payload[at + 5] as DataType,
      dim,
      primaryKey: readU16(payload, at + 6) === PRIMARY_KEY,
      layout: storedLayout(dataType, dim, this.#what),
    }
  }

  #request(): DecodedRequest {
    const at = this.#take(REQUEST_HEAD_BYTES)
    const tick = this.#view.getFloat64(at, true)
    const flags = readU32(this.#payload, at + 8)
    if (flags > REQUEST_FLAGS || (flags & (INSERTS | DELETES)) === 0)
      throw corrupted(this.#what, 'has unknown request flags', `1 to ${REQUEST_FLAGS}`, `${flags}`)
    const insert = (flags & INSERTS) === 0 ? null : this.#insert((flags & ONE_PARTITION) !== 0)
    const remove = (flags & DELETES) === 0 ? null : this.#delete((flags & SAME_KEYS) !== 0 ? insert : null)
    return { tick, insert, delete: remove }
  }

  #insert(onePartition: boolean): DecodedInsert {
    const rowCount = readU32(this.#payload, this.#take(INSERT_HEAD_BYTES))
    // Every row has a byte in some column: a row count beyond the bytes is not worth an allocation.
    this.#need(this.#at, rowCount)
    const partitions = this.#take(onePartition ? 4 : rowCount * 4)
    const partitionIds = new Int32Array(rowCount)
    if (onePartition) partitionIds.fill(readI32(this.#payload, partitions))
    else bytesOf(partitionIds).set(this.#payload.subarray(partitions, this.#at))
    const lengths = this.#take(this.#heads.length * 4)
    let total = 0
    for (let i = 0; i < this.#heads.length; i++) total += readU32(this.#payload, lengths + i * 4)
    this.#need(this.#at, total)
    const arena = { buffer: new ArrayBuffer(total + this.#heads.length * ARENA_SPARE_BYTES), at: 0 }
    const columns = this.#heads.map((head, i): DecodedColumn => {
      const start = this.#take(readU32(this.#payload, lengths + i * 4))
      const bytes = this.#payload.subarray(start, this.#at)
      const { fieldId, dataType, elementType, dim, layout } = head
      const column = decodeColumnIn(arena, layout, bytes, rowCount, this.#what)
      return { fieldId, dataType, elementType, dim, column }
    })
    return { rowCount, partitionIds, columns }
  }

  /** @param sameAs the insert half whose first keys are deleted; null when the half has keys of its own */
  #delete(sameAs: DecodedInsert | null): DeleteHalf {
    const at = this.#take(DELETE_HEAD_BYTES)
    const rowCount = readU32(this.#payload, at)
    const scope = readI32(this.#payload, at + 4)
    if (sameAs !== null) return { pk: this.#insertedKeys(sameAs, rowCount), rowCount, scope }
    this.#need(this.#at, 4)
    const byteLength = readU32(this.#payload, this.#take(4))
    const start = this.#take(byteLength)
    const layout = storedLayout(this.#pkType, 0, this.#what)
    const bytes = this.#payload.subarray(start, this.#at)
    const pk = decodeColumn(layout, bytes, rowCount, false, `deletes of ${this.#what}`)
    return { pk, rowCount, scope }
  }

  #insertedKeys(insert: DecodedInsert, rowCount: number): Column {
    if (rowCount > insert.rowCount)
      throw corrupted(
        this.#what,
        'deletes more keys than it inserts',
        `at most ${insert.rowCount}`,
        `${rowCount}`,
      )
    const keys = insert.columns[this.#heads.findIndex(head => head.primaryKey)]
    if (keys === undefined)
      throw corrupted(this.#what, 'has no primary key', 'a column marked as one', 'none')
    return keys.column
  }

  /** Steps over `bytes` bytes; returns where they begin. */
  #take(bytes: number): number {
    const start = this.#at
    this.#need(start, bytes)
    this.#at = start + bytes
    return start
  }

  #need(at: number, bytes: number): void {
    if (at + bytes > this.#limit)
      throw corrupted(this.#what, 'is shorter than it says', `${at + bytes} bytes`, `${this.#limit}`)
  }
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
