/**
 * Message types as tables: a name, and for each field its number and kind. The table is the codec.
 *
 * Milvus's own field names are kept, so that a table reads like the protocol; lib/wire/messages/ holds them, and a test
 * compares every entry with the descriptors that Milvus's Node SDK ships. Only fields that somebody reads or writes are
 * listed: unknown ones are skipped on input, as protobuf demands.
 *
 *   const HasPartition = message('HasPartitionRequest', { db_name: text(2), partition_name: text(4) })
 *   decode(HasPartition, bytes) -> { db_name: '', partition_name: 'p1' }
 *
 * Bulk parts (columns, query vectors) are `part` fields: a view of the request on input, bytes or a writing function on
 * output; field-data.ts and results.ts read and write them without objects in between.
 *
 * Invariant: tables never refer to themselves, so decoding is as deep as the tables are; recursive messages are
 * `part` fields whose readers bound the depth.
 */
import { ProtoReader, ProtoWriter, WireType } from './protobuf.js'

/** Content of a bulk part on output. */
export type Part = Uint8Array | ((writer: ProtoWriter) => void)

type Kind =
  | 'text'
  | 'bytes'
  | 'part'
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'count'
  | 'int64'
  | 'uint64'
  | 'float'
  | 'double'
  | 'message'

/** One field of a table. `Out` is its type after decoding, `In` what encoding takes. */
export interface Field<Out, In = Out> {
  readonly number: number
  readonly kind: Kind
  readonly label: 'one' | 'optional' | 'many' | 'map'
  /** Nested table, or kind of a map's values. */
  readonly of?: Message<object> | undefined
  /** Never set: carries the types. */
  readonly types?: (value: In) => Out
}

type AnyField = Field<unknown, never>

/** A message table. */
export interface Message<S> {
  readonly name: string
  readonly shape: S
  /** Field names by field number. */
  readonly byNumber: readonly (string | undefined)[]
}

/** A decoded message: every field present, with protobuf's defaults. */
export type Decoded<M> =
  M extends Message<infer S>
    ? { readonly [K in keyof S]: S[K] extends Field<infer Out, infer _In> ? Out : never }
    : never

/** A message to encode: absent fields keep their defaults. */
export type Init<M> =
  M extends Message<infer S>
    ? { readonly [K in keyof S]?: (S[K] extends Field<infer _Out, infer In> ? In : never) | undefined }
    : never

const field = <Out, In = Out>(number: number, kind: Kind): Field<Out, In> => ({ number, kind, label: 'one' })

export const text = (n: number): Field<string> => field(n, 'text')
/** Bytes, copied out of nothing: a view of the request. */
export const bytes = (n: number): Field<Uint8Array> => field(n, 'bytes')
/** A nested message somebody else reads or writes. */
export const part = (n: number): Field<Uint8Array | undefined, Part> => ({
  ...field(n, 'part'),
  label: 'optional',
})
export const bool = (n: number): Field<boolean> => field(n, 'bool')
/** int32 and enums. */
export const int32 = (n: number): Field<number> => field(n, 'int32')
export const uint32 = (n: number): Field<number> => field(n, 'uint32')
/** int64 that fits a number: counts, ids, percentages. Larger values become the nearest number. */
export const count = (n: number): Field<number> => field(n, 'count')
/** int64 that must stay exact. */
export const int64 = (n: number): Field<bigint> => field(n, 'int64')
/** uint64: timestamps. */
export const uint64 = (n: number): Field<bigint> => field(n, 'uint64')
export const float = (n: number): Field<number> => field(n, 'float')
export const double = (n: number): Field<number> => field(n, 'double')
/** A nested message; undefined when absent. */
export const sub = <S>(n: number, of: Message<S>): Field<Decoded<Message<S>> | undefined, Init<Message<S>>> =>
  ({ number: n, kind: 'message', label: 'optional', of }) as never
/** A repeated field. */
export const many = <Out, In>(
  one: Field<Out, In>,
): Field<readonly Exclude<Out, undefined>[], readonly In[]> => ({ ...one, label: 'many' }) as never
/** A scalar with presence: undefined when absent. */
export const optional = <T>(one: Field<T>): Field<T | undefined> => ({ ...one, label: 'optional' }) as never
/** `map<string, …>`. */
export const mapOf = <Out, In>(
  n: number,
  value: Field<Out, In>,
): Field<ReadonlyMap<string, Out>, ReadonlyMap<string, In>> =>
  ({ number: n, kind: value.kind, label: 'map', of: value.of }) as never

/** Makes a table; field numbers must be unique in it. */
export function message<S extends object>(name: string, shape: S): Message<S> {
  const byNumber: (string | undefined)[] = []
  for (const [key, one] of Object.entries(shape as Record<string, AnyField>)) byNumber[one.number] = key
  return { name, shape, byNumber }
}

/** @throws MilvusError 1100 for truncated or mistyped bytes */
export function decode<S>(table: Message<S>, input: Uint8Array): Decoded<Message<S>> {
  return decodeFrom(table as Message<object>, new ProtoReader(input)) as Decoded<Message<S>>
}

/** The message as bytes. */
export function encode<S>(table: Message<S>, value: Init<Message<S>>, capacity = 256): Buffer {
  const writer = new ProtoWriter(capacity)
  writeMessage(writer, table as Message<object>, value as Record<string, unknown>)
  return writer.finish()
}

/** Writes the fields of a message into an open writer. */
export function encodeInto<S>(writer: ProtoWriter, table: Message<S>, value: Init<Message<S>>): void {
  writeMessage(writer, table as Message<object>, value as Record<string, unknown>)
}

function decodeFrom(table: Message<object>, reader: ProtoReader): Record<string, unknown> {
  const shape = table.shape as Record<string, AnyField>
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(shape)) out[key] = defaultOf(shape[key]!)
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    const key = table.byNumber[number]
    if (key === undefined) {
      reader.skip()
      continue
    }
    const one = shape[key]!
    if (one.label === 'map') readEntry(one, reader, out[key] as Map<string, unknown>)
    else if (one.label === 'many') readMany(one, reader, out[key] as unknown[])
    else out[key] = readOne(one, reader)
  }
  return out
}

function readMany(one: AnyField, reader: ProtoReader, into: unknown[]): void {
  if (reader.wireType === WireType.bytes && wireTypeOf(one.kind) !== WireType.bytes) {
    const packed = reader.part()
    packed.wireType = wireTypeOf(one.kind)
    while (packed.at < packed.end) into.push(readOne(one, packed))
    return
  }
  into.push(readOne(one, reader))
}

function readEntry(one: AnyField, reader: ProtoReader, into: Map<string, unknown>): void {
  reader.expect(WireType.bytes)
  const entry = reader.part()
  let key = ''
  let value: unknown = defaultOf({ ...one, label: one.kind === 'message' ? 'optional' : 'one' })
  for (let number = entry.next(); number !== 0; number = entry.next()) {
    if (number === 1) {
      entry.expect(WireType.bytes)
      key = entry.string()
    } else if (number === 2) value = readOne(one, entry)
    else entry.skip()
  }
  into.set(key, value)
}

function readOne(one: AnyField, reader: ProtoReader): unknown {
  reader.expect(wireTypeOf(one.kind))
  switch (one.kind) {
    case 'text':
      return reader.string()
    case 'bytes':
    case 'part':
      return reader.bytes()
    case 'bool':
      return reader.bool()
    case 'int32':
      return reader.int32()
    case 'uint32':
      return reader.uint32()
    case 'count':
      return Number(reader.int64())
    case 'int64':
      return reader.int64()
    case 'uint64':
      return reader.uint64()
    case 'float':
      return reader.float()
    case 'double':
      return reader.double()
    case 'message':
      return decodeFrom(one.of!, reader.part())
  }
}

function defaultOf(one: AnyField): unknown {
  if (one.label === 'many') return []
  if (one.label === 'map') return new Map()
  if (one.label === 'optional') return undefined
  switch (one.kind) {
    case 'text':
      return ''
    case 'bytes':
    case 'part':
      return new Uint8Array(0)
    case 'bool':
      return false
    case 'int64':
    case 'uint64':
      return 0n
    case 'message':
      return undefined
    default:
      return 0
  }
}

function wireTypeOf(kind: Kind): number {
  switch (kind) {
    case 'text':
    case 'bytes':
    case 'part':
    case 'message':
      return WireType.bytes
    case 'float':
      return WireType.fixed32
    case 'double':
      return WireType.fixed64
    default:
      return WireType.varint
  }
}

function writeMessage(writer: ProtoWriter, table: Message<object>, value: Record<string, unknown>): void {
  const shape = table.shape as Record<string, AnyField>
  for (const key of Object.keys(shape)) {
    const given = value[key]
    if (given === undefined) continue
    const one = shape[key]!
    switch (one.label) {
      case 'one':
        if (!isDefault(given)) writeOne(writer, one, given)
        break
      case 'optional':
        writeOne(writer, one, given)
        break
      case 'many':
        writeMany(writer, one, given as readonly unknown[])
        break
      case 'map':
        writeMap(writer, one, given as ReadonlyMap<string, unknown>)
        break
    }
  }
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0
  return value === '' || value === 0 || value === 0n || value === false
}

function writeMany(writer: ProtoWriter, one: AnyField, values: readonly unknown[]): void {
  if (values.length === 0) return
  if (wireTypeOf(one.kind) === WireType.bytes) {
    for (const value of values) writeOne(writer, one, value)
    return
  }
  writer.begin(one.number, values.length)
  for (const value of values) writeScalar(writer, one.kind, value)
  writer.end()
}

function writeMap(writer: ProtoWriter, one: AnyField, map: ReadonlyMap<string, unknown>): void {
  for (const [key, value] of map) {
    writer.begin(one.number)
    writer.tag(1, WireType.bytes)
    writer.string(key)
    writeOne(writer, { ...one, number: 2 }, value)
    writer.end()
  }
}

function writeOne(writer: ProtoWriter, one: AnyField, value: unknown): void {
  if (one.kind === 'message') {
    writer.begin(one.number, writer.spare)
    writeMessage(writer, one.of!, value as Record<string, unknown>)
    writer.end()
  } else if (one.kind === 'part') {
    if (typeof value === 'function') {
      writer.begin(one.number, writer.spare)
      ;(value as (writer: ProtoWriter) => void)(writer)
      writer.end()
    } else {
      writer.tag(one.number, WireType.bytes)
      writer.bytes(value as Uint8Array)
    }
  } else {
    writer.tag(one.number, wireTypeOf(one.kind))
    writeScalar(writer, one.kind, value)
  }
}

function writeScalar(writer: ProtoWriter, kind: Kind, value: unknown): void {
  switch (kind) {
    case 'text':
      writer.string(value as string)
      return
    case 'bytes':
      writer.bytes(value as Uint8Array)
      return
    case 'bool':
      writer.uint32(value === true ? 1 : 0)
      return
    case 'int32':
      writer.int32(value as number)
      return
    case 'uint32':
      writer.uint32(value as number)
      return
    case 'count':
      writer.count(value as number)
      return
    case 'int64':
    case 'uint64':
      writer.int64(value as bigint)
      return
    case 'float':
      writer.float(value as number)
      return
    default:
      writer.double(value as number)
  }
}
