/**
 * How a value of the wrong kind is reported: field, row, expected, found (and Milvus's phrase where clients match one).
 */
import { invalid, MilvusError } from '../base/errors.js'
import type { FieldSchema } from './collection-schema.js'
import { DataType, dataTypeName } from './data-type.js'
import { intRange } from './field-rules.js'

const SHOWN_CHARACTERS = 40

/** `field "age" (row 3): expected Int64, got string "x"`. */
export function cellError(
  field: FieldSchema,
  row: number,
  found: unknown,
  expected = expectedOf(field),
): MilvusError {
  return invalid(`field "${field.name}" (row ${row}): expected ${expected}, got ${describe(found)}`)
}

function expectedOf(field: FieldSchema): string {
  const name = dataTypeName(field.dataType)
  return field.dataType === DataType.Array ? `Array of ${dataTypeName(field.elementType)}` : name
}

/** A short picture of a value, safe for any input. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') {
    const shown = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value
    return `string ${JSON.stringify(shown)}`
  }
  if (Array.isArray(value)) return `array of length ${value.length}`
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
    return `${typeof value} ${value}`
  }
  if (typeof value !== 'object') return typeof value
  return value.constructor?.name ?? 'object'
}

/** Milvus's words for an Int8, Int16 or Int32 (element) that does not fit; `index` counts rows or elements. */
export function outOfRange(field: FieldSchema, index: number, value: number | bigint): MilvusError {
  const type = field.dataType === DataType.Array ? field.elementType : field.dataType
  const [min, max] = intRange(type) ?? ['-2^63', '2^63-1']
  return invalid(`field "${field.name}": the ${index}th element (${value}) out of range: [${min}, ${max}]`)
}

/** The same error with the place in front of it. */
export function atCell(field: FieldSchema, row: number, cause: unknown): unknown {
  if (!(cause instanceof MilvusError)) return cause
  const text = cause.message.replace(/: invalid parameter$/, '')
  return new MilvusError(cause.reason, `field "${field.name}" (row ${row}): ${text}`, { cause })
}
