/**
 * FieldData of write requests: message bytes to columns, in the order of the schema's fields.
 *
 * The one idea: the bytes are read with the schema in hand, so that every value lands once, in the typed array or heap
 * the engine will keep. What is judged here is the *shape* of the request: which columns, which payload kind, how many
 * rows, how nulls are packed (upsert-semantics §1.5–1.8, §6.2). Values are judged by schema/validate-columns.ts, absent
 * columns filled by schema/complete-columns.ts.
 *
 * Nulls: `valid_data` holds one flag per row and the payload only the valid rows ("compact"). A payload with one entry
 * per row ("dense") is accepted too: older clients, and the Node SDK for JSON, write it, and it cannot be mistaken.
 */
import { newBits, setBit } from '../base/bitset.js'
import { invalid, type MilvusError } from '../base/errors.js'
import type { CollectionSchema, FieldSchema } from '../schema/collection-schema.js'
import { fieldIndex } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { DataType, dataTypeName } from '../schema/data-type.js'
import { allPresent, checkNoSubField, type PartialBatch, type WriteMode } from '../schema/rows-to-columns.js'
import { flagBytes, packedPart } from './packed.js'
import { decodePayload, emptyColumn } from './payload.js'
import { ProtoReader, WireType } from './protobuf.js'
import { decodeStruct, openStruct, structFlags } from './struct-payload.js'

/** One FieldData message, opened but not yet decoded. */
export interface WireField {
  readonly type: number
  readonly name: string
  readonly dynamic: boolean
  readonly fieldId: number
  /** One byte per row, 0 = null; null when the message has no flags. */
  readonly valid: Uint8Array | null
  /** Which member of the message holds the values. */
  readonly kind: 'none' | 'scalars' | 'vectors' | 'structs'
  readonly payload: Uint8Array
}

/** Number of valid rows and the validity bitmap of a column (null = no row is null). */
export interface Validity {
  readonly bits: Uint32Array | null
  readonly validCount: number
}

const META_NAME = '$meta'
const NOTHING = new Uint8Array(0)

/**
 * The columns of a write request.
 * @param parts the FieldData messages, in any order
 * @param rowCount `num_rows` of the request
 * @param timeZone zone of Timestamptz texts without an offset
 * @returns one column per schema field, null where the request has none
 * @throws MilvusError 1100 with Milvus's wording
 */
export function decodeFieldsData(
  schema: CollectionSchema,
  parts: readonly Uint8Array[],
  rowCount: number,
  mode: WriteMode,
  timeZone = 'UTC',
): PartialBatch {
  const columns: (Column | null)[] = new Array(schema.fields.length).fill(null)
  for (const part of parts) {
    const wire = openFieldData(part)
    const at = targetOf(schema, wire, mode)
    const field = schema.fields[at]!
    if (columns[at] !== null) throw invalid(`duplicated field ${field.name} found`)
    // Without rows there is nothing to decode; the write path says what it thinks of such a request.
    columns[at] = rowCount === 0 ? emptyColumn(field) : decodeColumn(field, wire, rowCount, mode, timeZone)
  }
  return allPresent({ rowCount, columns })
}

/** Most rows that columns of these bytes can hold: a row takes a byte at least, for its value or its null flag. */
export function rowsMax(parts: readonly Uint8Array[]): number {
  let bytes = 0
  for (const part of parts) bytes += part.length
  return bytes
}

/** The oneof says whether it is a struct, not the type: the Node SDK calls a struct an Array (protocol §3.1). */
function decodeColumn(
  field: FieldSchema,
  wire: WireField,
  rowCount: number,
  mode: WriteMode,
  timeZone: string,
): Column {
  if ((wire.kind === 'structs') !== (field.dataType === DataType.ArrayOfStruct)) {
    throw invalid(`field '${field.name}' is illegal, array type mismatch`, {
      expected: `need ${dataTypeName(field.dataType)}`,
      actual: wire.kind === 'structs' ? 'got struct array' : 'got nil',
    })
  }
  if (wire.kind !== 'structs') {
    return decodePayload(field, wire, rowCount, validityOf(field, wire, rowCount, mode), timeZone)
  }
  const subs = openStruct(field, wire)
  const valid = structFlags(field, wire, subs)
  return decodeStruct(field, subs, rowCount, validityOf(field, { ...wire, valid }, rowCount, mode), timeZone)
}

/** Position of the schema field a column belongs to: by name, the dynamic column by its flag. */
function targetOf(schema: CollectionSchema, wire: WireField, mode: WriteMode): number {
  if (wire.dynamic || wire.name === META_NAME) {
    if (schema.dynamicIndex >= 0) return schema.dynamicIndex
    throw invalid('without dynamic schema enabled, the field name cannot be set to $meta')
  }
  const at = fieldIndex(schema, wire.name)
  if (at >= 0) return at
  checkNoSubField(schema, wire.name)
  if (mode === 'partial')
    throw invalid(`failed to get field schema by name: fieldName(${wire.name}) not found`)
  throw invalid(
    `fieldName ${wire.name} not exist in collection schema, fieldType ${typeText(wire.type)}, fieldId ${wire.fieldId}`,
  )
}

function typeText(type: number): string {
  for (const value of Object.values(DataType)) if (value === type) return dataTypeName(value)
  return String(type)
}

/** Splits a FieldData message without touching its values. */
export function openFieldData(part: Uint8Array): WireField {
  const reader = new ProtoReader(part)
  let type = 0
  let name = ''
  let dynamic = false
  let fieldId = 0
  let flags: Uint8Array[] | null = null
  let kind: WireField['kind'] = 'none'
  let payload: Uint8Array = NOTHING
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) type = reader.int32()
    else if (field === 2) name = stringOf(reader)
    else if (field === 5) fieldId = Number(reader.int64())
    else if (field === 6) dynamic = reader.bool()
    else if (field === 7) {
      flags ??= []
      flags.push(packedPart(reader, WireType.varint))
    } else if (field === 3 || field === 4 || field === 8) {
      reader.expect(WireType.bytes)
      kind = field === 3 ? 'scalars' : field === 4 ? 'vectors' : 'structs'
      payload = reader.bytes()
    } else reader.skip()
  }
  return { type, name, dynamic, fieldId, valid: flags === null ? null : flagBytes(flags), kind, payload }
}

function stringOf(reader: ProtoReader): string {
  reader.expect(WireType.bytes)
  return reader.string()
}

/** Checks the null flags of a column against its field. */
function validityOf(field: FieldSchema, wire: WireField, rowCount: number, mode: WriteMode): Validity {
  const { valid } = wire
  const all: Validity = { bits: null, validCount: rowCount }
  if (valid === null || valid.length === 0) {
    const needed = field.nullable && !field.dynamic && field.defaultValue === undefined && mode !== 'partial'
    if (needed) throw wrongValidData(field)
    return all
  }
  const allowed = field.nullable || field.defaultValue !== undefined || field.dynamic
  if (!allowed || valid.length !== rowCount) throw wrongValidData(field)
  let validCount = 0
  for (let i = 0; i < rowCount; i++) validCount += valid[i]!
  if (validCount === rowCount) return all
  const bits = newBits(rowCount)
  for (let i = 0; i < rowCount; i++) if (valid[i] === 1) setBit(bits, i)
  return { bits, validCount }
}

function wrongValidData(field: FieldSchema): MilvusError {
  return invalid(`the length of valid_data of field(${field.name}) is wrong`)
}
