/**
 * JavaScript values to columns, for every type that is no vector.
 *
 * A writer gets one cell per row: a value, or null / undefined where the row has none (the validity bitmap says so
 * already; the placeholder stays zero or empty). It judges the kind of each value; lengths and sizes are judged later,
 * once, by validate-columns.ts.
 */
import { MilvusError } from '../base/errors.js'
import { stringifyJson } from '../base/json.js'
import { ByteSink } from './byte-sink.js'
import { atCell, cellError, outOfRange } from './cell-errors.js'
import type { FieldSchema } from './collection-schema.js'
import type { Column, FixedColumn } from './column.js'
import { DataType, dataTypeName, type FixedArray } from './data-type.js'
import { intRange } from './field-rules.js'
import { INT64_MAX, INT64_MIN, parseInt64, writeInt64 } from './int64.js'
import { parseTimestamptz } from './timestamptz.js'
import { canonicalWkt } from './wkt.js'

/** Turns one cell per row into a column with the given validity. */
export type CellWriter = (
  field: FieldSchema,
  cells: readonly unknown[],
  validity: Uint32Array | null,
  timeZone: string,
) => Column

function missing(cell: unknown): boolean {
  return cell === undefined || cell === null
}

function fixed(values: FixedArray, width: number, validity: Uint32Array | null): FixedColumn {
  return { layout: 'fixed', width, values, validity }
}

export const boolCells: CellWriter = (field, cells, validity) => {
  const values = new Uint8Array(cells.length)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (missing(cell)) continue
    if (typeof cell !== 'boolean') throw cellError(field, row, cell)
    values[row] = cell ? 1 : 0
  }
  return fixed(values, 1, validity)
}

export const intCells: CellWriter = (field, cells, validity) => {
  const type = field.dataType
  const values =
    type === DataType.Int8
      ? new Int8Array(cells.length)
      : type === DataType.Int16
        ? new Int16Array(cells.length)
        : new Int32Array(cells.length)
  const [min, max] = intRange(type)!
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (missing(cell)) continue
    if (!Number.isInteger(cell)) throw cellError(field, row, cell)
    const value = cell as number
    if (value < min || value > max) throw outOfRange(field, row, value)
    values[row] = value
  }
  return fixed(values, 1, validity)
}

export const int64Cells: CellWriter = (field, cells, validity) => {
  const values = new Int32Array(cells.length * 2)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (missing(cell)) continue
    if (typeof cell === 'number' && Number.isSafeInteger(cell)) writeInt64(values, row * 2, cell)
    else writeInt64(values, row * 2, int64Of(field, row, cell))
  }
  return fixed(values, 2, validity)
}

/** An Int64 given as number, bigint or decimal text. */
function int64Of(field: FieldSchema, row: number, cell: unknown): number | bigint {
  if (typeof cell === 'bigint') {
    if (cell < INT64_MIN || cell > INT64_MAX) throw outOfRange(field, row, cell)
    return cell
  }
  if (typeof cell === 'string') {
    const value = parseInt64(cell)
    if (value !== undefined) return value
  }
  if (typeof cell === 'number') {
    if (Number.isSafeInteger(cell)) return cell
    if (Number.isInteger(cell)) {
      throw cellError(field, row, cell, 'Int64 as bigint or text beyond 2^53, where numbers are not exact')
    }
  }
  throw cellError(field, row, cell, 'Int64')
}

export const floatCells: CellWriter = (field, cells, validity) => {
  const values =
    field.dataType === DataType.Float ? new Float32Array(cells.length) : new Float64Array(cells.length)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (missing(cell)) continue
    if (typeof cell !== 'number') throw cellError(field, row, cell)
    values[row] = cell
  }
  return fixed(values, 1, validity)
}

export const timestamptzCells: CellWriter = (field, cells, validity, timeZone) => {
  const values = new Int32Array(cells.length * 2)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (missing(cell)) continue
    if (typeof cell !== 'string' && !(cell instanceof Date)) {
      throw cellError(field, row, cell, 'Timestamptz as ISO 8601 text or Date')
    }
    try {
      writeInt64(values, row * 2, parseTimestamptz(cell, timeZone))
    } catch (cause) {
      throw atCell(field, row, cause)
    }
  }
  return fixed(values, 2, validity)
}

export const textCells: CellWriter = (field, cells, validity) => {
  const sink = new ByteSink(cells.length)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (typeof cell === 'string') {
      // Half a surrogate pair has no UTF-8: stored as a replacement character, two different keys would become one.
      if (!isWellFormed(cell)) throw cellError(field, row, cell, 'well-formed Unicode text')
      sink.text(cell)
    } else if (!missing(cell)) throw cellError(field, row, cell)
    sink.endRow(row)
  }
  return sink.finish(validity)
}

/** String.prototype.isWellFormed (ES2024), which Node 20 has and our language level does not declare. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}

export const geometryCells: CellWriter = (field, cells, validity) => {
  const sink = new ByteSink(cells.length)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (!missing(cell)) {
      if (typeof cell !== 'string') throw cellError(field, row, cell, 'Geometry as WKT text')
      try {
        sink.text(canonicalWkt(cell))
      } catch (cause) {
        throw atCell(field, row, cause)
      }
    }
    sink.endRow(row)
  }
  return sink.finish(validity)
}

export const jsonCells: CellWriter = (field, cells, validity) => {
  const sink = new ByteSink(cells.length)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (!missing(cell)) {
      try {
        sink.text(stringifyJson(cell))
      } catch (cause) {
        throw atCell(field, row, cause)
      }
    }
    sink.endRow(row)
  }
  return sink.finish(validity)
}

export const arrayCells: CellWriter = (field, cells, validity) => {
  const sink = new ByteSink(cells.length)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (Array.isArray(cell) || (ArrayBuffer.isView(cell) && !(cell instanceof DataView))) {
      writeElements(sink, field, row, cell as unknown as ArrayLike<unknown>)
    } else if (!missing(cell)) {
      throw cellError(field, row, cell)
    }
    sink.endRow(row)
  }
  return sink.finish(validity)
}

function writeElements(sink: ByteSink, field: FieldSchema, row: number, elements: ArrayLike<unknown>): void {
  sink.u32(elements.length)
  sink.reserve(elements.length * 8)
  const range = intRange(field.elementType)
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i]
    const ok =
      range === undefined
        ? writeElement(sink, field, row, element)
        : writeIntElement(sink, field, i, element, range)
    if (!ok) {
      const expected = `Array of ${dataTypeName(field.elementType)}`
      throw cellError(
        field,
        row,
        element,
        `${expected}, element ${i} to be ${dataTypeName(field.elementType)}`,
      )
    }
  }
}

/** Room for 8 bytes per element is reserved. @returns false when the element is of another kind */
function writeIntElement(
  sink: ByteSink,
  field: FieldSchema,
  index: number,
  element: unknown,
  range: readonly [min: number, max: number],
): boolean {
  if (!Number.isInteger(element)) return false
  const value = element as number
  if (value < range[0] || value > range[1]) throw outOfRange(field, index, value)
  switch (field.elementType) {
    case DataType.Int8:
      sink.length = sink.buffer.writeInt8(value, sink.length)
      return true
    case DataType.Int16:
      sink.length = sink.buffer.writeInt16LE(value, sink.length)
      return true
    default:
      sink.length = sink.buffer.writeInt32LE(value, sink.length)
      return true
  }
}

/** Room for 8 bytes per element is reserved. @returns false when the element is of another kind */
function writeElement(sink: ByteSink, field: FieldSchema, row: number, element: unknown): boolean {
  switch (field.elementType) {
    case DataType.Bool:
      if (typeof element !== 'boolean') return false
      sink.length = sink.buffer.writeUInt8(element ? 1 : 0, sink.length)
      return true
    case DataType.Int64: {
      if (missing(element)) return false
      writeInt64(words, 0, int64Of(field, row, element))
      sink.length = sink.buffer.writeInt32LE(words[0]!, sink.length)
      sink.length = sink.buffer.writeInt32LE(words[1]!, sink.length)
      return true
    }
    case DataType.Float:
      if (typeof element !== 'number') return false
      sink.length = sink.buffer.writeFloatLE(element, sink.length)
      return true
    case DataType.Double:
      if (typeof element !== 'number') return false
      sink.length = sink.buffer.writeDoubleLE(element, sink.length)
      return true
    case DataType.VarChar: {
      if (typeof element !== 'string') return false
      const at = sink.length
      sink.u32(0)
      const byteLength = sink.text(element)
      sink.buffer.writeUInt32LE(byteLength, at)
      return true
    }
    default:
      throw new MilvusError('Unexpected', `array of ${dataTypeName(field.elementType)}`)
  }
}

const words = new Int32Array(2)
