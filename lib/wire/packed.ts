/**
 * Packed numbers of a message as typed arrays: one counting pass, one decoding pass, no objects in between.
 *
 * Integer columns are varints of 1 to 10 bytes. 64-bit values become pairs of 32-bit words, exact over the whole range
 * without BigInt.
 */
import { invalid } from '../base/errors.js'
import type { FixedColumn } from '../schema/column.js'
import { DataType, type FixedArray } from '../schema/data-type.js'
import { countVarints, malformed, ProtoReader, WireType } from './protobuf.js'

/** The bytes of a packed repeated field, or of one unpacked element (both decode alike). */
export function packedPart(reader: ProtoReader, elementType: number): Uint8Array {
  if (reader.wireType === WireType.bytes) return reader.bytes()
  reader.expect(elementType)
  const from = reader.at
  reader.skip()
  return reader.buffer.subarray(from, reader.at)
}

/** The repeated field 1 of a leaf array, as the packed bytes of its elements. */
export function elementParts(part: Uint8Array, wireType: number): Uint8Array[] {
  const reader = new ProtoReader(part)
  const parts: Uint8Array[] = []
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) parts.push(packedPart(reader, wireType))
    else reader.skip()
  }
  return parts
}

/** Packed floats or doubles of `size` bytes each, in memory of their own. */
export function numbersOf(parts: readonly Uint8Array[], kind: 'f32' | 'f64', size: number): FixedArray {
  const bytes = bytesOfParts(parts)
  if (bytes.length % size !== 0) throw malformed('packed numbers end in the middle of one')
  return kind === 'f32' ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer)
}

/** A fixed column without nulls. */
export function fixed(values: FixedArray, width: number): FixedColumn {
  return { layout: 'fixed', width, values, validity: null }
}

/** Packed booleans as one byte per flag. They are one byte each on the wire unless a writer was odd. */
export function flagBytes(parts: readonly Uint8Array[]): Uint8Array {
  let count = 0
  for (const part of parts) count += countVarints(part)
  const out = new Uint8Array(count)
  let n = 0
  for (const part of parts) {
    let value = 0
    for (let i = 0; i < part.length; i++) {
      value |= part[i]! & 0x7f
      if (part[i]! < 0x80) {
        out[n++] = value === 0 ? 0 : 1
        value = 0
      }
    }
  }
  return out
}

/** The parts, one after the other, in memory of their own (aligned, and no longer tied to the request). */
export function bytesOfParts(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** int32 varints as the column of an integer type. @throws MilvusError 1100 for values out of its range */
export function int32Values(
  parts: readonly Uint8Array[],
  type: typeof DataType.Int8 | typeof DataType.Int16 | typeof DataType.Int32,
): Int8Array | Int16Array | Int32Array {
  let count = 0
  for (const part of parts) count += countVarints(part)
  const values = new Int32Array(count)
  let n = 0
  for (const part of parts) n = readInt32s(part, values, n)
  if (type === DataType.Int32) return values
  const limit = type === DataType.Int8 ? 0x80 : 0x8000
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    if (value < -limit || value >= limit) throw outOfRange(i, value, limit)
  }
  return type === DataType.Int8 ? new Int8Array(values) : new Int16Array(values)
}

/** The error for element `i` of a column or array. */
export function outOfRange(i: number, value: number, limit: number): Error {
  return invalid(`the ${i}th element (${value}) out of range: [${-limit}, ${limit - 1}]`)
}

/** Decodes a packed part into `target[at …]`; returns the position after it. */
export function readInt32s(part: Uint8Array, target: Int32Array, at: number): number {
  const { length } = part
  let n = at
  let i = 0
  while (i < length) {
    let byte = part[i++]!
    let value = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (i >= length || shift > 63) throw malformed('truncated varint')
      byte = part[i++]!
      if (shift < 32) value |= (byte & 0x7f) << shift
    }
    target[n++] = value
  }
  return n
}

/** int64 varints as (low, high) words. */
export function int64Words(parts: readonly Uint8Array[]): Int32Array {
  let count = 0
  for (const part of parts) count += countVarints(part)
  const words = new Int32Array(count * 2)
  let at = 0
  for (const part of parts) at = readInt64s(part, words, at)
  return words
}

/** Decodes a packed part into word pairs at `target[at …]`; returns the position after them. */
export function readInt64s(part: Uint8Array, target: Int32Array, at: number): number {
  const { length } = part
  let n = at
  let i = 0
  while (i < length) {
    let low = 0
    let high = 0
    let shift = 0
    let byte = 0x80
    while (byte >= 0x80) {
      if (i >= length || shift > 63) throw malformed('truncated varint')
      byte = part[i++]!
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else if (shift < 63) high |= bits << (shift - 32)
      else high |= bits << 31
      shift += 7
    }
    target[n] = low
    target[n + 1] = high
    n += 2
  }
  return n
}
