/**
 * Protobuf bytes, read and written by hand: varints, fixed words, length-delimited parts.
 *
 * Vectors and integer columns are most of what crosses the wire. A general codec turns them into JavaScript number
 * arrays and strings; here they go from the message straight into typed arrays, and nested parts are views, not copies.
 *
 * Invariants
 *  - No read goes beyond the part it was given: a truncated or lying message is a MilvusError (1100), never a crash.
 *  - Nothing here recurses; whoever reads nested parts bounds the depth.
 *  - Typed arrays are little-endian words, as on the wire (every platform Node runs on).
 */
import { assert } from '../base/assert.js'
import { invalid, type MilvusError } from '../base/errors.js'

/** The four wire types in use. Groups (3, 4) are refused. */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** The error for bytes that are no message of ours; becomes gRPC INVALID_ARGUMENT. */
export function malformed(what: string): MilvusError {
  return invalid(`malformed protobuf message: ${what}`)
}

/** Reads one message part from front to back. */
export class ProtoReader {
  /** The bytes the part lies in. */
  readonly buffer: Buffer
  /** Next byte to read. */
  at: number
  /** One past the last byte of the part. */
  readonly end: number
  /** Field number and wire type of the last tag. */
  field = 0
  wireType = 0

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = 0
    this.end = this.buffer.length
  }

  /** Moves to the next field: its number, or 0 at the end of the part. */
  next(): number {
    if (this.at >= this.end) return 0
    const tag = this.uint32()
    this.wireType = tag & 7
    this.field = tag >>> 3
    if (this.field === 0) throw malformed('field number 0')
    return this.field
  }

  /** Steps over the value of the current field. */
  skip(): void {
    switch (this.wireType) {
      case WireType.varint:
        this.#skipVarint()
        return
      case WireType.fixed64:
        this.#take(8)
        return
      case WireType.bytes:
        this.#take(this.uint32())
        return
      case WireType.fixed32:
        this.#take(4)
        return
      default:
        throw malformed(`wire type ${this.wireType}`)
    }
  }

  /** Low 32 bits of a varint, unsigned. */
  uint32(): number {
    const { buffer } = this
    let result = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw malformed('truncated varint')
      const byte = buffer[this.at++]!
      if (shift < 32) result |= (byte & 0x7f) << shift
      if (byte < 0x80) return result >>> 0
    }
    throw malformed('varint longer than 10 bytes')
  }

  /** A varint as int32. */
  int32(): number {
    return this.uint32() | 0
  }

  bool(): boolean {
    return this.uint64() !== 0n
  }

  /** A varint as an unsigned 64-bit integer. */
  uint64(): bigint {
    const { buffer } = this
    let low = 0
    let middle = 0
    let high = 0
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) throw malformed('truncated varint')
      const byte = buffer[this.at++]!
      const bits = byte & 0x7f
      if (i < 4) low |= bits << (7 * i)
      else if (i < 8) middle |= bits << (7 * (i - 4))
      else high |= bits << (7 * (i - 8))
      if (byte < 0x80) {
        if (i < 4) return BigInt(low)
        return BigInt(low) | (BigInt(middle) << 28n) | ((BigInt(high) << 56n) & 0xffffffffffffffffn)
      }
    }
    throw malformed('varint longer than 10 bytes')
  }

  /** A varint as a signed 64-bit integer. */
  int64(): bigint {
    return BigInt.asIntN(64, this.uint64())
  }

  float(): number {
    return this.buffer.readFloatLE(this.#take(4))
  }

  double(): number {
    return this.buffer.readDoubleLE(this.#take(8))
  }

  /** A length-delimited value as a view of the message (no copy). */
  bytes(): Buffer {
    const length = this.uint32()
    const start = this.#take(length)
    return this.buffer.subarray(start, start + length)
  }

  /** Steps over a length-delimited value and returns its length. */
  stepOver(): number {
    const length = this.uint32()
    this.#take(length)
    return length
  }

  /** A reader over a length-delimited value. */
  part(): ProtoReader {
    return new ProtoReader(this.bytes())
  }

  string(): string {
    const length = this.uint32()
    const start = this.#take(length)
    return this.buffer.toString('utf8', start, start + length)
  }

  /** @throws MilvusError 1100 when the current field has another wire type. */
  expect(wireType: number): void {
    if (this.wireType !== wireType) {
      throw malformed(`field ${this.field} has wire type ${this.wireType}, expected ${wireType}`)
    }
  }

  /** Start of the next `length` bytes, which are stepped over. */
  #take(length: number): number {
    const start = this.at
    if (length > this.end - start) throw malformed('truncated field')
    this.at = start + length
    return start
  }

  #skipVarint(): void {
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) throw malformed('truncated varint')
      if (this.buffer[this.at++]! < 0x80) return
    }
    throw malformed('varint longer than 10 bytes')
  }
}

/** Number of varints in a packed part: bytes without a continuation bit. */
export function countVarints(packed: Uint8Array): number {
  let count = 0
  for (let i = 0; i < packed.length; i++) if (packed[i]! < 0x80) count++
  if (packed.length > 0 && packed[packed.length - 1]! >= 0x80) throw malformed('truncated varint')
  return count
}

/** Bytes a varint of this unsigned 32-bit value takes. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  return value < 0x10000000 ? 4 : 5
}

/**
 * Builds one message in one growing buffer.
 *
 * A nested part is written in place: `begin` leaves room for its length, `end` fills it in and closes up the gap when
 * the length took fewer or more bytes than expected. Callers that know the size roughly say so and nothing moves.
 */
export class ProtoWriter {
  #buffer: Buffer
  #at = 0
  readonly #open: number[] = []

  /** @param capacity expected size of the message in bytes; grows by itself */
  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(Math.max(16, capacity))
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at
  }

  /** Bytes that fit before the buffer grows: about what is still to come when the capacity was a good guess. */
  get spare(): number {
    return this.#buffer.length - this.#at
  }

  /** The finished message. The writer must not be used afterwards. */
  finish(): Buffer {
    assert(this.#open.length === 0, 'every part is ended')
    return this.#buffer.subarray(0, this.#at)
  }

  /** Makes room for `bytes` more. */
  reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#at)
    this.#buffer = grown
  }

  tag(field: number, wireType: number): void {
    this.uint32(((field << 3) | wireType) >>> 0)
  }

  uint32(value: number): void {
    this.reserve(5)
    const buffer = this.#buffer
    let rest = value >>> 0
    while (rest >= 0x80) {
      buffer[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[this.#at++] = rest
  }

  /** Two's complement: a negative int32 takes 10 bytes, like an int64. */
  int32(value: number): void {
    this.words(value | 0, value < 0 ? -1 : 0)
  }

  /** A 64-bit varint from its low and high 32-bit words. */
  words(low: number, high: number): void {
    this.reserve(10)
    const buffer = this.#buffer
    let at = this.#at
    let lo = low >>> 0
    let hi = high >>> 0
    while (hi !== 0) {
      buffer[at++] = (lo & 0x7f) | 0x80
      lo = ((lo >>> 7) | (hi << 25)) >>> 0
      hi >>>= 7
    }
    while (lo >= 0x80) {
      buffer[at++] = (lo & 0x7f) | 0x80
      lo >>>= 7
    }
    buffer[at++] = lo
    this.#at = at
  }

  /** A 64-bit varint; negative values as two's complement. */
  int64(value: bigint): void {
    this.words(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
  }

  /** A 64-bit varint of an exact integer. */
  count(value: number): void {
    assert(Number.isSafeInteger(value), 'counts are exact integers')
    this.words(value | 0, Math.floor(value / 0x100000000))
  }

  float(value: number): void {
    this.reserve(4)
    this.#at = this.#buffer.writeFloatLE(value, this.#at)
  }

  double(value: number): void {
    this.reserve(8)
    this.#at = this.#buffer.writeDoubleLE(value, this.#at)
  }

  byte(value: number): void {
    this.reserve(1)
    this.#buffer[this.#at++] = value
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Length-delimited bytes. */
  bytes(bytes: Uint8Array): void {
    this.uint32(bytes.length)
    this.raw(bytes)
  }

  /** Length-delimited bytes `source[from .. to)`; short ones are copied by hand, without a view. */
  slice(source: Uint8Array, from: number, to: number): void {
    const length = to - from
    this.uint32(length)
    this.reserve(length)
    const buffer = this.#buffer
    if (length > 32) buffer.set(source.subarray(from, to), this.#at)
    else for (let i = 0; i < length; i++) buffer[this.#at + i] = source[from + i]!
    this.#at += length
  }

  /** Length-delimited UTF-8. */
  string(text: string): void {
    const length = Buffer.byteLength(text)
    this.uint32(length)
    this.reserve(length)
    this.#at += this.#buffer.write(text, this.#at, length, 'utf8')
  }

  /**
   * Opens a length-delimited field.
   * @param expectedBytes rough size of its content; only saves a move when it is right
   */
  begin(field: number, expectedBytes = 0): void {
    this.tag(field, WireType.bytes)
    const room = varintSize(expectedBytes)
    this.reserve(room)
    this.#open.push(this.#at, room)
    this.#at += room
  }

  /** Closes the field opened last. */
  end(): void {
    const room = this.#open.pop()!
    const start = this.#open.pop()!
    const length = this.#at - start - room
    const size = varintSize(length)
    if (size !== room) {
      this.reserve(Math.max(0, size - room))
      this.#buffer.copyWithin(start + size, start + room, start + room + length)
    }
    this.#at = start
    this.uint32(length)
    this.#at = start + size + length
  }
}
