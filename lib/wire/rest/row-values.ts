/**
 * Row values in JSON bodies: what the engine's rows look like to a REST client, in both directions (protocol §4.7).
 *
 * In: numbers may be decimal text, vectors of bytes base64 text, JSON fields JSON text; VarChar takes numbers.
 * Out: JSON fields are text, arrays wear the names of their protobuf message, vectors of bytes are base64 text, Int64
 * values follow the request's header. Keys of the dynamic field are plain JSON; those that are null are left out.
 */
import { MilvusError } from '../../base/errors.js'
import { parseJson, stringifyJson } from '../../base/json.js'
import type { Row } from '../../query/request.js'
import { type CollectionSchema, type FieldSchema, fieldIndex } from '../../schema/collection-schema.js'
import { DataType } from '../../schema/data-type.js'
import { bfloat16Into, float16Into } from '../../schema/half-float.js'
import { elementField } from '../../schema/struct-codec.js'
import { formatTimestamptz, parseTimestamptz } from '../../schema/timestamptz.js'
import { RestError } from '../status.js'
import type { Body } from './route.js'

/** Rows of a body as the engine takes them. @throws RestError 1804 for keys that nothing can hold */
export function rowsIn(schema: CollectionSchema, rows: readonly Body[]): Row[] {
  return rows.map(row => {
    const out: Row = {}
    for (const [key, value] of Object.entries(row)) {
      const index = fieldIndex(schema, key)
      if (index >= 0) out[key] = index === schema.dynamicIndex ? value : valueIn(schema.fields[index]!, value)
      else if (schema.dynamicIndex < 0) {
        throw new RestError('badRows', 'has pass more field without dynamic schema, please check it')
      } else if (value !== null) setKey(out, key, value)
    }
    return out
  })
}

/** Plain assignment, except for the one key that would change the object's prototype. */
function setKey(row: Row, key: string, value: unknown): void {
  Object.defineProperty(row, key, { value, writable: true, enumerable: true, configurable: true })
}

/** Runs a conversion; what is wrong with the rows is an error of the interface's own (1804). */
export function badRows<T>(convert: () => T): T {
  try {
    return convert()
  } catch (error) {
    if (error instanceof MilvusError) throw new RestError('badRows', error.message)
    throw error
  }
}

function valueIn(field: FieldSchema, value: unknown): unknown {
  if (value === null || value === undefined) return value
  switch (field.dataType) {
    case DataType.JSON:
      return typeof value === 'string' ? jsonOrText(value) : value
    case DataType.Array: {
      const list = typeof value === 'string' ? jsonOrText(value) : value
      return Array.isArray(list) ? list.map(item => scalarIn(field.elementType, item)) : list
    }
    case DataType.ArrayOfStruct: {
      const list = typeof value === 'string' ? jsonOrText(value) : value
      return Array.isArray(list) ? list.map(item => structIn(field, item)) : list
    }
    case DataType.FloatVector:
    case DataType.Int8Vector:
    case DataType.SparseFloatVector:
      return typeof value === 'string' ? jsonOrText(value) : value
    case DataType.BinaryVector:
    case DataType.Float16Vector:
    case DataType.BFloat16Vector:
      return bytesIn(field.dataType, value)
    default:
      return scalarIn(field.dataType, value)
  }
}

/** One element of a struct array. What it must hold is judged by whoever takes it. */
function structIn(field: FieldSchema, item: unknown): unknown {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
  const out: Row = {}
  for (const [key, value] of Object.entries(item)) {
    const sub = field.fields?.find(one => one.name === key)
    setKey(out, key, sub === undefined ? value : valueIn(elementField(sub), value))
  }
  return out
}

/** Vectors of bytes: base64 text, or a list of numbers. Anything else is judged by whoever takes it. */
export function bytesIn(type: DataType, value: unknown): unknown {
  if (typeof value === 'string')
    return value.startsWith('[') ? jsonOrText(value) : Buffer.from(value, 'base64')
  if (type !== DataType.BinaryVector || !Array.isArray(value)) return value
  const bytes = value.every(item => Number.isInteger(item) && (item as number) >= 0 && (item as number) < 256)
  return bytes ? Uint8Array.from(value as number[]) : value
}

function jsonOrText(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    // Text that is no JSON is itself the value.
    if (error instanceof MilvusError || error instanceof SyntaxError) return text
    throw error
  }
}

function scalarIn(type: DataType, value: unknown): unknown {
  switch (type) {
    case DataType.Bool:
      return value === 'true' ? true : value === 'false' ? false : value
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32:
    case DataType.Float:
    case DataType.Double:
      return typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))
        ? Number(value)
        : value
    case DataType.VarChar:
      return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
    default:
      return value
  }
}

/** How results are rendered. */
export interface Rendering {
  readonly schema: CollectionSchema
  /** False: Int64 values as decimal text. */
  readonly int64AsNumber: boolean
  readonly timeZone: string
}

/** A result row as JSON. */
export function rowOut(rendering: Rendering, row: Row): Row {
  const { schema } = rendering
  const out: Row = {}
  for (const [key, value] of Object.entries(row)) {
    const index = fieldIndex(schema, key)
    if (index < 0) addDynamic(out, key, value)
    else if (index !== schema.dynamicIndex) out[key] = valueOut(rendering, schema.fields[index]!, value)
    else for (const [name, one] of Object.entries(value as Row)) addDynamic(out, name, one)
  }
  return out
}

/** A key of the dynamic field stands beside the declared ones, and behind them where both have the name. */
function addDynamic(out: Row, key: string, value: unknown): void {
  if (value !== null && !Object.hasOwn(out, key)) setKey(out, key, value)
}

/** Int64 as the client asked for it. */
export function int64Out(rendering: Pick<Rendering, 'int64AsNumber'>, value: unknown): unknown {
  if (typeof value === 'string') return rendering.int64AsNumber ? parseJson(value) : value
  return rendering.int64AsNumber ? value : String(value)
}

function valueOut(rendering: Rendering, field: FieldSchema, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (field.dataType) {
    case DataType.Int64:
      return int64Out(rendering, value)
    case DataType.Float:
      return shortFloat(value as number)
    case DataType.FloatVector:
      return (value as number[]).map(shortFloat)
    case DataType.JSON:
      return stringifyJson(value)
    case DataType.Timestamptz:
      return formatTimestamptz(parseTimestamptz(value as string, 'UTC'), rendering.timeZone)
    case DataType.ArrayOfStruct:
      return (value as Row[]).map(item => structOut(rendering, field, item))
    case DataType.Array:
      return arrayOut(rendering, field, value as unknown[])
    case DataType.BinaryVector:
    case DataType.Int8Vector:
      return Buffer.from(Int8Array.from(value as number[]).buffer).toString('base64')
    case DataType.Float16Vector:
    case DataType.BFloat16Vector:
      return halvesOut(field.dataType, value as number[])
    case DataType.SparseFloatVector:
      return Object.fromEntries(
        Object.entries(value as Record<string, number>).map(([index, weight]) => [index, shortFloat(weight)]),
      )
    default:
      return value
  }
}

/** One element of a struct array: its values as fields of their types. */
function structOut(rendering: Rendering, field: FieldSchema, item: Row): Row {
  const out: Row = {}
  for (const sub of field.fields ?? []) {
    if (sub.name in item) setKey(out, sub.name, valueOut(rendering, elementField(sub), item[sub.name]))
  }
  return out
}

function halvesOut(type: DataType, numbers: number[]): string {
  const words = new Uint16Array(numbers.length)
  if (type === DataType.Float16Vector) float16Into(words, 0, numbers, numbers.length)
  else bfloat16Into(words, 0, numbers, numbers.length)
  const bytes = Buffer.alloc(words.length * 2)
  for (let i = 0; i < words.length; i++) bytes.writeUInt16LE(words[i]!, i * 2)
  return bytes.toString('base64')
}

function arrayOut(rendering: Rendering, field: FieldSchema, items: readonly unknown[]): unknown {
  switch (field.elementType) {
    case DataType.Bool:
      return arrayMessage('BoolData', items)
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32:
      return arrayMessage('IntData', items)
    case DataType.Int64:
      return arrayMessage(
        'LongData',
        items.map(item => int64Out(rendering, item)),
      )
    case DataType.Float:
      return arrayMessage('FloatData', (items as number[]).map(shortFloat))
    case DataType.Double:
      return arrayMessage('DoubleData', items)
    default:
      return arrayMessage('StringData', items)
  }
}

function arrayMessage(kind: string, data: readonly unknown[]): object {
  return { Data: { [kind]: { data } } }
}

/** The number with the fewest digits that is the same float32: 0.1 and not 0.10000000149011612. */
export function shortFloat(value: number): number {
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) <= 2 ** 24)) return value
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}
