/**
 * Deletes on their own: which primary keys, in which scope, at which ticks.
 *
 * A delete hits row versions that may lie in any older segment, so it cannot be stored with the rows. New deletes
 * gather in a DeleteList (the memory of the log tail); a flush freezes the list into a numbered delete delta under
 * its own key; segments apply the deltas that are newer than themselves (manifest, `appliedDelta`).
 *
 * Invariant: ticks rise through a list and through the deltas of a collection, so "deletes until T" is a prefix.
 */
import { assert } from '../base/assert.js'
import { bytesOf, readU32, writeU32 } from '../base/bytes.js'
import type { Tick } from '../base/timestamp.js'
import type { Column } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import { corrupted, FRAME, FRAME_HEADER_BYTES, frameInto, unframe } from '../store/codec.js'
import { columnByteLength, decodeColumn, encodeColumnInto } from './column-codec.js'
import { storedLayout } from './log-record-reader.js'

export interface DeleteDelta {
  /** The deleted primary keys; may have room for more than `rowCount`. */
  readonly pk: Column
  /** Int64 or VarChar. */
  readonly pkType: DataType
  readonly rowCount: number
  /** Per delete: partition id, or −1 for every partition. */
  readonly scopes: Int32Array
  /** Per delete: its tick; never falls. */
  readonly ticks: Float64Array
}

const HEAD_BYTES = 8

/** The framed value of a delete delta. */
export function encodeDeleteDelta(delta: DeleteDelta): Uint8Array {
  const { rowCount } = delta
  const payloadBytes = HEAD_BYTES + rowCount * 12 + columnByteLength(delta.pk, 0, rowCount)
  const target = new Uint8Array(FRAME_HEADER_BYTES + payloadBytes)
  let at = FRAME_HEADER_BYTES
  writeU32(target, at, rowCount)
  target[at + 4] = delta.pkType
  at += HEAD_BYTES
  target.set(bytesOf(delta.ticks.subarray(0, rowCount)), at)
  at += rowCount * 8
  target.set(bytesOf(delta.scopes.subarray(0, rowCount)), at)
  at += rowCount * 4
  const end = encodeColumnInto(target, at, delta.pk, 0, rowCount)
  assert(end === target.length, 'a delete delta is as long as computed')
  frameInto(target, 0, FRAME.deleteDelta, payloadBytes)
  return target
}

/**
 * Counterpart of encodeDeleteDelta.
 * @param what names the delta in messages, key included
 * @throws MilvusError Corrupted, FormatTooNew
 */
export function decodeDeleteDelta(bytes: Uint8Array, what: string): DeleteDelta {
  const payload = unframe(bytes, FRAME.deleteDelta, what)
  const rowCount = payload.length < HEAD_BYTES ? 0 : readU32(payload, 0)
  const scopesAt = HEAD_BYTES + rowCount * 8
  const pkAt = scopesAt + rowCount * 4
  if (payload.length < pkAt) {
    throw corrupted(what, 'is shorter than it says', `${pkAt} bytes`, `${payload.length}`)
  }
  const pkType = payload[4] as DataType
  const ticks = new Float64Array(rowCount)
  bytesOf(ticks).set(payload.subarray(HEAD_BYTES, scopesAt))
  const scopes = new Int32Array(rowCount)
  bytesOf(scopes).set(payload.subarray(scopesAt, pkAt))
  const pk = decodeColumn(storedLayout(pkType, 0, what), payload.subarray(pkAt), rowCount, false, what)
  return { pk, pkType, rowCount, scopes, ticks }
}

const ROOM_MIN = 64

/**
 * Deletes that are in the log and not yet in a delta: append-only, growing by doubling.
 *
 * Reads as a DeleteDelta at any time. `pk`, `scopes` and `ticks` are views with room beyond `rowCount`; growing
 * replaces the arrays and leaves old ones as they were, so a reader that keeps its own row count may go on with them.
 */
export class DeleteList implements DeleteDelta {
  readonly pkType: DataType
  #rowCount = 0
  #ticks = new Float64Array(ROOM_MIN)
  #scopes = new Int32Array(ROOM_MIN)
  /** Int64: (low, high) words. */
  #words: Int32Array
  /** VarChar. */
  #offsets: Uint32Array
  #heap: Uint8Array

  /** @param pkType Int64 or VarChar */
  constructor(pkType: DataType) {
    assert(pkType === DataType.Int64 || pkType === DataType.VarChar, 'a primary key is Int64 or VarChar')
    this.pkType = pkType
    const isText = pkType === DataType.VarChar
    this.#words = new Int32Array(isText ? 0 : ROOM_MIN * 2)
    this.#offsets = new Uint32Array(isText ? ROOM_MIN + 1 : 0)
    this.#heap = new Uint8Array(isText ? ROOM_MIN * 8 : 0)
  }

  get rowCount(): number {
    return this.#rowCount
  }

  /** Tick of the first delete; 0 when there is none. */
  get minTick(): Tick {
    return this.#rowCount === 0 ? 0 : this.#ticks[0]!
  }

  /** Tick of the last delete; 0 when there is none. */
  get maxTick(): Tick {
    return this.#rowCount === 0 ? 0 : this.#ticks[this.#rowCount - 1]!
  }

  get ticks(): Float64Array {
    return this.#ticks
  }

  get scopes(): Int32Array {
    return this.#scopes
  }

  get pk(): Column {
    if (this.pkType === DataType.VarChar) {
      return { layout: 'var', offsets: this.#offsets, heap: this.#heap, validity: null }
    }
    return { layout: 'fixed', width: 2, values: this.#words, validity: null }
  }

  /** Memory held, in bytes. */
  get byteLength(): number {
    const columns = this.#words.byteLength + this.#offsets.byteLength + this.#heap.byteLength
    return columns + this.#ticks.byteLength + this.#scopes.byteLength
  }

  /**
   * Adds the keys of rows `from` to `to` (exclusive), all deleted at one tick.
   * @param scope partition id, or −1 for every partition
   * @param tick not before the last one appended
   */
  append(pk: Column, from: number, to: number, scope: number, tick: Tick): void {
    assert(tick >= this.maxTick, 'deletes are appended in tick order')
    const at = this.#rowCount
    const count = to - from
    this.#makeRoom(at + count)
    this.#ticks.fill(tick, at, at + count)
    this.#scopes.fill(scope, at, at + count)
    if (pk.layout === 'fixed') {
      assert(this.pkType === DataType.Int64, 'keys are of the type of the list')
      for (let i = from * 2; i < to * 2; i++) this.#words[(at - from) * 2 + i] = pk.values[i]!
    } else {
      assert(this.pkType === DataType.VarChar, 'keys are of the type of the list')
      this.#appendText(pk.offsets, pk.heap, from, to)
    }
    this.#rowCount = at + count
  }

  /** A frozen copy without spare room. */
  toDelta(): DeleteDelta {
    const rowCount = this.#rowCount
    const scopes = this.#scopes.slice(0, rowCount)
    const ticks = this.#ticks.slice(0, rowCount)
    return { pk: this.#frozenPk(), pkType: this.pkType, rowCount, scopes, ticks }
  }

  #frozenPk(): Column {
    const rowCount = this.#rowCount
    if (this.pkType === DataType.Int64) {
      return { layout: 'fixed', width: 2, values: this.#words.slice(0, rowCount * 2), validity: null }
    }
    const offsets = this.#offsets.slice(0, rowCount + 1)
    return { layout: 'var', offsets, heap: this.#heap.slice(0, offsets[rowCount]!), validity: null }
  }

  #appendText(offsets: Uint32Array, heap: Uint8Array, from: number, to: number): void {
    const at = this.#rowCount
    const base = this.#offsets[at]!
    const first = offsets[from]!
    const byteLength = offsets[to]! - first
    if (base + byteLength > this.#heap.length) {
      const grown = new Uint8Array(Math.max(base + byteLength, this.#heap.length * 2))
      grown.set(this.#heap)
      this.#heap = grown
    }
    this.#heap.set(heap.subarray(first, first + byteLength), base)
    for (let i = 1; i <= to - from; i++) this.#offsets[at + i] = base + offsets[from + i]! - first
  }

  #makeRoom(rowCount: number): void {
    if (rowCount <= this.#ticks.length) return
    const room = Math.max(rowCount, this.#ticks.length * 2)
    const ticks = new Float64Array(room)
    ticks.set(this.#ticks)
    this.#ticks = ticks
    const scopes = new Int32Array(room)
    scopes.set(this.#scopes)
    this.#scopes = scopes
    if (this.pkType === DataType.Int64) {
      const words = new Int32Array(room * 2)
      words.set(this.#words)
      this.#words = words
    } else {
      const offsets = new Uint32Array(room + 1)
      offsets.set(this.#offsets)
      this.#offsets = offsets
    }
  }
}
