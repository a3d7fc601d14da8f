/**
 * Array columns of requests: one ScalarField message per row becomes one packed row of the heap (picture in
 * schema/column.ts: u32 count, then the elements).
 */
import { isUtf8 } from 'node:buffer'
import { invalid, type MilvusError } from '../base/errors.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { VarColumn } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import { outOfRange, packedPart, readInt32s, readInt64s } from './packed.js'
import { countVarints, malformed, ProtoReader, WireType } from './protobuf.js'

/** Member of ScalarField that holds elements of a type, and what Milvus calls such an array. */
function elementMember(type: DataType): { readonly member: number; readonly words: string } {
  switch (type) {
    case DataType.Bool:
      return { member: 1, words: 'bool array' }
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32:
      return { member: 2, words: 'int array' }
    case DataType.Int64:
      return { member: 3, words: 'int64 array' }
    case DataType.Float:
      return { member: 4, words: 'float array' }
    case DataType.Double:
      return { member: 5, words: 'double array' }
    default:
      return { member: 6, words: 'string array' }
  }
}

/** Rows under construction; doubles when full. */
class Heap {
  bytes: Buffer
  length = 0

  constructor(capacity: number) {
    this.bytes = Buffer.alloc(Math.max(64, capacity))
  }

  /** Makes room and returns where it starts. */
  take(count: number): number {
    const at = this.length
    this.length += count
    if (this.length > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(this.length, this.bytes.length * 2))
      this.bytes.copy(grown, 0, 0, at)
      this.bytes = grown
    }
    return at
  }
}

/**
 * The rows of an ArrayArray message.
 * @throws MilvusError 1100 when a row holds elements of another kind, or values out of range
 */
export function arrayHeap(field: FieldSchema, part: Uint8Array): VarColumn {
  const heap = new Heap(part.length * 2)
  const offsets: number[] = [0]
  const reader = new ProtoReader(part)
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number !== 1) {
      reader.skip()
      continue
    }
    reader.expect(WireType.bytes)
    appendRow(field, reader.bytes(), heap)
    offsets.push(heap.length)
  }
  return {
    layout: 'var',
    offsets: Uint32Array.from(offsets),
    heap: heap.bytes.subarray(0, heap.length),
    validity: null,
  }
}

function appendRow(field: FieldSchema, row: Uint8Array, heap: Heap): void {
  const { member, words } = elementMember(field.elementType)
  const reader = new ProtoReader(row)
  const parts: Uint8Array[] = []
  let found = 0
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number !== member) {
      if (number <= 16) throw wrongElements(words)
      reader.skip()
      continue
    }
    reader.expect(WireType.bytes)
    const list = reader.part()
    for (let inner = list.next(); inner !== 0; inner = list.next()) {
      if (inner !== 1) {
        list.skip()
        continue
      }
      parts.push(member === 6 ? stringBytes(list) : packedPart(list, wireTypeOf(member)))
      found++
    }
  }
  const countAt = heap.take(4)
  const count = found === 0 ? 0 : appendElements(field.elementType, parts, heap)
  heap.bytes.writeUInt32LE(count, countAt)
}

function wrongElements(words: string): MilvusError {
  return invalid('insert data does not match', { expected: words, actual: 'nil array' })
}

function stringBytes(list: ProtoReader): Uint8Array {
  list.expect(WireType.bytes)
  const bytes = list.bytes()
  if (!isUtf8(bytes)) throw malformed('string field contains invalid UTF-8')
  return bytes
}

function wireTypeOf(member: number): number {
  return member === 4 ? WireType.fixed32 : member === 5 ? WireType.fixed64 : WireType.varint
}

/** Appends the elements and returns how many there were. */
function appendElements(type: DataType, parts: readonly Uint8Array[], heap: Heap): number {
  switch (type) {
    case DataType.Float:
      return appendFixed(parts, 4, heap)
    case DataType.Double:
      return appendFixed(parts, 8, heap)
    case DataType.VarChar:
      for (const part of parts) {
        const at = heap.take(4 + part.length)
        heap.bytes.writeUInt32LE(part.length, at)
        heap.bytes.set(part, at + 4)
      }
      return parts.length
    case DataType.Int64:
      return appendLongs(parts, heap)
    default:
      return appendInts(type, parts, heap)
  }
}

function appendFixed(parts: readonly Uint8Array[], size: number, heap: Heap): number {
  let count = 0
  for (const part of parts) {
    if (part.length % size !== 0) throw malformed('packed numbers end in the middle of one')
    const at = heap.take(part.length)
    heap.bytes.set(part, at)
    count += part.length / size
  }
  return count
}

function appendLongs(parts: readonly Uint8Array[], heap: Heap): number {
  let count = 0
  for (const part of parts) {
    const found = countVarints(part)
    const words = new Int32Array(found * 2)
    readInt64s(part, words, 0)
    const at = heap.take(found * 8)
    heap.bytes.set(new Uint8Array(words.buffer), at)
    count += found
  }
  return count
}

function appendInts(type: DataType, parts: readonly Uint8Array[], heap: Heap): number {
  const size = type === DataType.Int32 ? 4 : type === DataType.Int16 ? 2 : 1
  const limit = type === DataType.Int8 ? 0x80 : type === DataType.Int16 ? 0x8000 : 0
  let count = 0
  for (const part of parts) {
    const values = new Int32Array(countVarints(part))
    readInt32s(part, values, 0)
    const at = heap.take(values.length * size)
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      if (limit !== 0 && (value < -limit || value >= limit)) throw outOfRange(count + i, value, limit)
      if (size === 4) heap.bytes.writeInt32LE(value, at + i * 4)
      else if (size === 2) heap.bytes.writeInt16LE(value, at + i * 2)
      else heap.bytes[at + i] = type === DataType.Bool ? (value === 0 ? 0 : 1) : value
    }
    count += values.length
  }
  return count
}
