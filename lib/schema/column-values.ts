/**
 * Reading single values out of columns, as the JavaScript values callers see.
 *
 * Not for hot loops: every call makes a value. Kernels and filters read the typed arrays themselves.
 */
import { assert, InvariantError } from '../base/assert.js'
import { parseJson } from '../base/json.js'
import { heapView, readArray } from './array-codec.js'
import type { FieldSchema } from './collection-schema.js'
import { type Column, type FixedColumn, isValid, type VarColumn } from './column.js'
import { DataType, dataTypeName } from './data-type.js'
import { numberOfBfloat16, numberOfFloat16 } from './half-float.js'
import { type Int64As, int64InForm, readInt64 } from './int64.js'
import { elementField, subFieldsOf, vectorBytes, vectorElements } from './struct-codec.js'
import { formatTimestamptz, type TimeForm, timeInForm } from './timestamptz.js'
import { readUtf8 } from './utf8.js'

/**
 * One value: null for null; dense vectors as number[] (fp16 and bf16 as the numbers they stand for, binary as bytes);
 * sparse vectors as `{[index]: value}`; JSON parsed exactly; Timestamptz as ISO text in UTC.
 * @param int64As form of Int64 values, also inside arrays
 * @param times form of Timestamptz values, where it is another one
 */
export function valueAt(
  field: FieldSchema,
  column: Column,
  row: number,
  int64As: Int64As,
  times?: TimeForm,
): unknown {
  if (!isValid(column, row)) return null
  return column.layout === 'fixed'
    ? fixedValue(field, column, row, int64As, times)
    : varValue(field, column, row, int64As)
}

function fixedValue(
  field: FieldSchema,
  column: FixedColumn,
  row: number,
  int64As: Int64As,
  times: TimeForm | undefined,
): unknown {
  const { values, width } = column
  switch (field.dataType) {
    case DataType.Bool:
      return values[row] !== 0
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32:
    case DataType.Float:
    case DataType.Double:
      return values[row]!
    case DataType.Int64:
      return int64InForm(readInt64(values, row * 2), int64As)
    case DataType.Timestamptz:
      return times === undefined
        ? formatTimestamptz(readInt64(values, row * 2))
        : timeInForm(readInt64(values, row * 2), times)
    case DataType.FloatVector:
    case DataType.Int8Vector:
    case DataType.BinaryVector:
      return numbers(values, row * width, width)
    case DataType.Float16Vector:
      return numbers(values, row * width, width, numberOfFloat16)
    case DataType.BFloat16Vector:
      return numbers(values, row * width, width, numberOfBfloat16)
    default:
      throw new InvariantError(`${dataTypeName(field.dataType)} has no fixed layout`)
  }
}

function numbers(
  values: ArrayLike<number>,
  from: number,
  count: number,
  decode?: (word: number) => number,
): number[] {
  const out: number[] = new Array(count)
  if (decode === undefined) for (let i = 0; i < count; i++) out[i] = values[from + i]!
  else for (let i = 0; i < count; i++) out[i] = decode(values[from + i]!)
  return out
}

function varValue(field: FieldSchema, column: VarColumn, row: number, int64As: Int64As): unknown {
  const from = column.offsets[row]!
  const to = column.offsets[row + 1]!
  switch (field.dataType) {
    case DataType.VarChar:
    case DataType.Text:
    case DataType.Geometry:
      return readUtf8(column.heap, from, to)
    case DataType.JSON:
      return parseJson(readUtf8(column.heap, from, to))
    case DataType.Array:
      return readArray(column.heap, from, to, field.elementType, int64As)
    case DataType.ArrayOfStruct:
      return readStructs(field, column.heap, from, int64As)
    case DataType.SparseFloatVector:
      return sparseValue(column.heap, from, to)
    default:
      throw new InvariantError(`${dataTypeName(field.dataType)} has no variable layout`)
  }
}

/** The elements of the row that starts at `from` as objects, keys in the order of the schema. */
function readStructs(
  field: FieldSchema,
  heap: Uint8Array,
  from: number,
  int64As: Int64As,
): Record<string, unknown>[] {
  const view = heapView(heap)
  const count = view.getUint32(from, true)
  const out: Record<string, unknown>[] = Array.from({ length: count }, () => ({}))
  const subs = subFieldsOf(field)
  let at = from + 4
  for (const sub of subs) {
    const length = view.getUint32(at, true)
    const values = partValues(sub, heap, at + 4, at + 4 + length, int64As)
    assert(values.length === count, 'every part has as many elements as the row')
    for (let i = 0; i < count; i++) out[i]![sub.name] = values[i]
    at += 4 + length
  }
  return out
}

function partValues(
  sub: FieldSchema,
  heap: Uint8Array,
  from: number,
  to: number,
  int64As: Int64As,
): unknown[] {
  if (sub.dataType === DataType.Array) return readArray(heap, from, to, sub.elementType, int64As)
  const element = elementField(sub)
  const column = vectorElements(sub, heap, from, to)
  const count = (to - from) / vectorBytes(sub)
  return Array.from({ length: count }, (_, i) => valueAt(element, column, i, int64As))
}

function sparseValue(heap: Uint8Array, from: number, to: number): Record<number, number> {
  const view = new DataView(heap.buffer, heap.byteOffset + from, to - from)
  const out: Record<number, number> = {}
  for (let at = 0; at < to - from; at += 8) out[view.getUint32(at, true)] = view.getFloat32(at + 4, true)
  return out
}

/** The primary key of a row: Int64 as number when exact, else bigint; VarChar as string. Usable as a Map key. */
export function pkKeyAt(column: Column, row: number): number | bigint | string {
  if (column.layout === 'fixed') return readInt64(column.values, row * 2)
  return readUtf8(column.heap, column.offsets[row]!, column.offsets[row + 1]!)
}

/** The primary keys of the first `rowCount` rows. */
export function pkKeys(column: Column, rowCount: number): (number | bigint | string)[] {
  assert(column.validity === null, 'a primary key is never null')
  const keys: (number | bigint | string)[] = new Array(rowCount)
  for (let row = 0; row < rowCount; row++) keys[row] = pkKeyAt(column, row)
  return keys
}
