/**
 * Struct array columns of requests: one FieldData per sub-field, joined into one column (upsert-semantics §6.5).
 *
 * Nulls are the struct's: the flags stand in the outer message, in the sub-messages, or in both, and then they must
 * agree. Scalar sub-fields are Array columns; a vector sub-field holds one VectorField per row.
 */
import { invalid, type MilvusError } from '../base/errors.js'
import { ByteSink } from '../schema/byte-sink.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { VarColumn } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import { elementField, joinSubColumns, subFieldsOf, vectorHeap } from '../schema/struct-codec.js'
import { openFieldData, type Validity, type WireField } from './field-data.js'
import { decodePayload, spread } from './payload.js'
import { ProtoReader, WireType } from './protobuf.js'
import { denseVectors, takesVector, vectorMember } from './vector-payload.js'

/** Member of VectorField that holds one VectorField per row. */
const VECTOR_ARRAY = 8
/** Member of VectorArray that repeats them. */
const VECTOR_ARRAY_DATA = 2

/** Opens the sub-messages of a struct, in the order of the schema. @throws MilvusError 1100 */
export function openStruct(field: FieldSchema, wire: WireField): WireField[] {
  const subs = subFieldsOf(field)
  const given = new Map<string, WireField>()
  const reader = new ProtoReader(wire.payload)
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number !== 1) {
      reader.skip()
      continue
    }
    reader.expect(WireType.bytes)
    const sub = openFieldData(reader.bytes())
    if (given.has(sub.name)) throw invalid(`duplicated sub-field ${sub.name} in struct field ${field.name}`)
    given.set(sub.name, sub)
  }
  if (given.size !== subs.length) {
    throw invalid(
      `length of fields of struct field mismatch length of the fields in schema, field name: ${field.name}, fields length: ${given.size}, schema fields length: ${subs.length}`,
    )
  }
  return subs.map(sub => {
    const found = given.get(sub.name)
    if (found !== undefined) return found
    throw invalid(`inconsistent sub-field data in struct: field ${field.name} lacks ${sub.name}`)
  })
}

/** The null flags of a struct: its own or its sub-fields'. @throws MilvusError 1100 when they differ */
export function structFlags(
  field: FieldSchema,
  wire: WireField,
  subs: readonly WireField[],
): Uint8Array | null {
  let flags = wire.valid !== null && wire.valid.length > 0 ? wire.valid : null
  for (const sub of subs) {
    if (sub.valid === null || sub.valid.length === 0) continue
    flags ??= sub.valid
    if (flags.length !== sub.valid.length || flags.some((flag, i) => flag !== sub.valid![i])) {
      throw invalid(`sub-field ValidData mismatch in struct field ${field.name}, sub-field ${sub.name}`)
    }
  }
  return flags
}

/** The column of a struct. @throws MilvusError 1100 when parts are missing, of another kind or of another length */
export function decodeStruct(
  field: FieldSchema,
  subs: readonly WireField[],
  rowCount: number,
  validity: Validity,
  timeZone: string,
): VarColumn {
  const parts = subFieldsOf(field).map((sub, k) => {
    // Without valid rows there may be no payload at all.
    const optional = { ...sub, nullable: validity.bits !== null }
    return sub.dataType === DataType.Array
      ? (decodePayload(optional, subs[k]!, rowCount, validity, timeZone) as VarColumn)
      : (spread(sub, vectorRows(sub, subs[k]!, validity), rowCount, validity) as VarColumn)
  })
  return joinSubColumns(field, parts, rowCount, validity.bits)
}

/** The rows of a vector sub-field: raw vectors, end to end. */
function vectorRows(sub: FieldSchema, wire: WireField, validity: Validity): VarColumn {
  const list = wire.kind === 'vectors' ? vectorArray(wire.payload) : null
  if (list === null) {
    if (validity.validCount > 0) throw wrongVectors(sub)
    return { layout: 'var', offsets: new Uint32Array(1), heap: new Uint8Array(0), validity: null }
  }
  const element = elementField(sub)
  const sink = new ByteSink(list.length)
  for (let row = 0; row < list.length; row++) {
    const { dim, kind, part } = vectorMember(list[row]!)
    // A row without vectors may say nothing at all.
    if (kind !== 0) {
      if (!takesVector(sub.elementType, kind)) throw wrongVectors(sub)
      const bytes = vectorHeap(denseVectors(element, kind, part))
      if (dim !== sub.dim && bytes.length > 0) {
        throw invalid(`the dim (${dim}) of field data(${sub.name}) is not equal to schema dim (${sub.dim})`, {
          expected: sub.dim,
          actual: dim,
        })
      }
      sink.bytes(bytes, 0, bytes.length)
    }
    sink.endRow(row)
  }
  return sink.finish(null)
}

function wrongVectors(sub: FieldSchema): MilvusError {
  return invalid(`field '${sub.name}' is illegal, array type mismatch`, {
    expected: 'need vector array',
    actual: 'got nil',
  })
}

/** The VectorField messages of a vector_array member; null without one. */
function vectorArray(payload: Uint8Array): Uint8Array[] | null {
  const reader = new ProtoReader(payload)
  let rows: Uint8Array[] | null = null
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field !== VECTOR_ARRAY) {
      reader.skip()
      continue
    }
    reader.expect(WireType.bytes)
    const list = reader.part()
    rows = []
    for (let inner = list.next(); inner !== 0; inner = list.next()) {
      if (inner !== VECTOR_ARRAY_DATA) {
        list.skip()
        continue
      }
      list.expect(WireType.bytes)
      rows.push(list.bytes())
    }
  }
  return rows
}
