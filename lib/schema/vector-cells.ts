/**
 * JavaScript values to vector columns.
 *
 * Dense vectors come as number[] or typed arrays, or (binary, fp16, bf16, int8) as the raw bytes the wire uses. Sparse
 * ones come as `{index: value}`, `{indices, values}`, a Map, or a list of `[index, value]` or `{index, value}`; they are
 * sorted here. The kind and the dimension of each cell are judged here, NaN and infinity by validate-columns.ts.
 */
import { invalid, type MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { ByteSink } from './byte-sink.js'
import { cellError, outOfRange } from './cell-errors.js'
import type { FieldSchema } from './collection-schema.js'
import type { FixedArray } from './data-type.js'
import { DataType, dataTypeName } from './data-type.js'
import { bfloat16Into, float16Into } from './half-float.js'
import type { CellWriter } from './scalar-cells.js'

type Numbers = number[] | Float32Array | Float64Array

function dimError(field: FieldSchema, row: number, length: number): MilvusError {
  return invalid(
    `the dim (${length}) of field data(${field.name}) is not equal to schema dim (${field.dim}), row ${row}`,
  )
}

/** The cell as a list of exactly `dim` numbers. The elements of a plain array are checked. */
function numbersOf(field: FieldSchema, row: number, cell: unknown): Numbers {
  const { dim } = field
  if (Array.isArray(cell)) {
    if (cell.length !== dim) throw dimError(field, row, cell.length)
    for (let i = 0; i < dim; i++) {
      if (typeof cell[i] !== 'number') {
        throw cellError(field, row, cell[i], `${dataTypeName(field.dataType)}, element ${i} to be a number`)
      }
    }
    return cell as number[]
  }
  if (cell instanceof Float32Array || cell instanceof Float64Array) {
    if (cell.length !== dim) throw dimError(field, row, cell.length)
    return cell
  }
  throw cellError(field, row, cell)
}

export const floatVectorCells: CellWriter = (field, cells, validity) => {
  const { dim } = field
  const values = new Float32Array(cells.length * dim)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (cell === undefined || cell === null) continue
    if (cell instanceof Float32Array) {
      if (cell.length !== dim) throw dimError(field, row, cell.length)
      values.set(cell, row * dim)
    } else if (Array.isArray(cell)) {
      copyNumbers(values, row * dim, cell, field, row)
    } else {
      values.set(numbersOf(field, row, cell), row * dim)
    }
  }
  return { layout: 'fixed', width: dim, values, validity }
}

function copyNumbers(
  target: Float32Array,
  at: number,
  cell: readonly unknown[],
  field: FieldSchema,
  row: number,
): void {
  const { dim } = field
  if (cell.length !== dim) throw dimError(field, row, cell.length)
  for (let i = 0; i < dim; i++) {
    const value = cell[i]
    if (typeof value !== 'number') {
      throw cellError(field, row, value, `FloatVector, element ${i} to be a number`)
    }
    target[at + i] = value
  }
}

export const halfVectorCells: CellWriter = (field, cells, validity) => {
  const { dim } = field
  const values = new Uint16Array(cells.length * dim)
  const convert = field.dataType === DataType.Float16Vector ? float16Into : bfloat16Into
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (cell === undefined || cell === null) continue
    const at = row * dim
    if (cell instanceof Uint16Array) {
      if (cell.length !== dim) throw dimError(field, row, cell.length)
      values.set(cell, at)
    } else if (cell instanceof Uint8Array) {
      if (cell.length !== dim * 2) {
        const kind = field.dataType === DataType.Float16Vector ? 'float16' : 'bfloat16'
        throw invalid(
          `the length(${cell.length}) of ${kind} data should divide the dim(${dim}) times 2: field "${field.name}", row ${row}`,
        )
      }
      for (let i = 0; i < dim; i++) values[at + i] = cell[2 * i]! | (cell[2 * i + 1]! << 8)
    } else {
      convert(values, at, numbersOf(field, row, cell), dim)
    }
  }
  return { layout: 'fixed', width: dim, values, validity }
}

export const binaryVectorCells: CellWriter = (field, cells, validity) => {
  const width = field.dim >>> 3
  const values = new Uint8Array(cells.length * width)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (cell === undefined || cell === null) continue
    if (!(cell instanceof Uint8Array) && !Array.isArray(cell)) throw cellError(field, row, cell)
    if (cell.length !== width) {
      throw invalid(
        `the num(${cell.length * 8}) of all bits should divide the dim(${field.dim}): field "${field.name}", row ${row}`,
      )
    }
    if (Array.isArray(cell)) copyIntegers(values, row * width, cell, field, row, 0, 255)
    else values.set(cell, row * width)
  }
  return { layout: 'fixed', width, values, validity }
}

export const int8VectorCells: CellWriter = (field, cells, validity) => {
  const { dim } = field
  const values = new Int8Array(cells.length * dim)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (cell === undefined || cell === null) continue
    const isBytes = cell instanceof Int8Array || cell instanceof Uint8Array
    if (!isBytes && !Array.isArray(cell)) throw cellError(field, row, cell)
    if (cell.length !== dim) throw dimError(field, row, cell.length)
    // Unsigned bytes wrap to two's complement, which is what raw bytes mean.
    if (isBytes) values.set(cell, row * dim)
    else copyIntegers(values, row * dim, cell, field, row, -128, 127)
  }
  return { layout: 'fixed', width: dim, values, validity }
}

function copyIntegers(
  target: FixedArray,
  at: number,
  cell: readonly unknown[],
  field: FieldSchema,
  row: number,
  min: number,
  max: number,
): void {
  for (let i = 0; i < cell.length; i++) {
    const value = cell[i]
    if (!Number.isInteger(value)) {
      throw cellError(field, row, value, `${dataTypeName(field.dataType)}, element ${i} to be an integer`)
    }
    if ((value as number) < min || (value as number) > max) {
      if (field.dataType === DataType.Int8Vector) throw outOfRange8(field, i, value as number)
      throw cellError(field, row, value, `${dataTypeName(field.dataType)}, element ${i} to be a byte`)
    }
    target[at + i] = value as number
  }
}

function outOfRange8(field: FieldSchema, index: number, value: number): MilvusError {
  return outOfRange({ ...field, dataType: DataType.Int8 }, index, value)
}

export const sparseVectorCells: CellWriter = (field, cells, validity) => {
  const sink = new ByteSink(cells.length)
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]
    if (cell !== undefined && cell !== null) writeSparse(sink, field, row, cell)
    sink.endRow(row)
  }
  return sink.finish(validity)
}

function writeSparse(sink: ByteSink, field: FieldSchema, row: number, cell: unknown): void {
  const indices: number[] = []
  const values: number[] = []
  collectSparse(field, row, cell, indices, values)
  const order = indices.map((_, i) => i)
  if (!rising(indices)) order.sort((a, b) => indices[a]! - indices[b]!)
  let before = -1
  for (const i of order) {
    const index = indices[i]!
    const value = values[i]!
    if (!Number.isInteger(index) || index < 0 || index > LIMITS.sparseIndexMax) {
      throw sparseError(field, row, 'invalid index in sparse float vector: must be less than 2^32-1')
    }
    if (index === before) throw sparseError(field, row, 'unsorted or same indices in sparse float vector')
    if (typeof value !== 'number') throw cellError(field, row, value, 'numbers as values of a sparse vector')
    if (!Number.isFinite(Math.fround(value))) {
      throw sparseError(field, row, `value '${infinityName(value)}' is not a number or infinity`)
    }
    if (value < 0) throw sparseError(field, row, 'negative value in sparse float vector')
    sink.u32(index)
    sink.f32(value)
    before = index
  }
}

/** Milvus prints infinities the Go way. */
export function infinityName(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}

function sparseError(field: FieldSchema, row: number, text: string): MilvusError {
  return invalid(`${text}: field "${field.name}", row ${row}`)
}

function rising(indices: readonly number[]): boolean {
  for (let i = 1; i < indices.length; i++) if (!(indices[i - 1]! < indices[i]!)) return false
  return true
}

/** Splits any accepted form into indices and values, still unchecked. */
function collectSparse(
  field: FieldSchema,
  row: number,
  cell: unknown,
  indices: number[],
  values: number[],
): void {
  const wrong = (): MilvusError =>
    cellError(field, row, cell, 'SparseFloatVector as {index: value} or {indices, values}')
  if (typeof cell !== 'object' || cell === null || ArrayBuffer.isView(cell)) throw wrong()
  if (Array.isArray(cell) || cell instanceof Map) {
    for (const entry of cell as Iterable<unknown>) {
      if (typeof entry !== 'object' || entry === null) throw wrong()
      const pair = entry as Record<string, unknown>
      const listed = Array.isArray(entry)
      indices.push((listed ? pair['0'] : pair['index']) as number)
      values.push((listed ? pair['1'] : pair['value']) as number)
    }
    return
  }
  const { indices: given, values: weights } = cell as { indices?: unknown; values?: unknown }
  if (given !== undefined || weights !== undefined) {
    if (!isList(given) || !isList(weights) || given.length !== weights.length) throw wrong()
    for (let i = 0; i < given.length; i++) {
      indices.push(given[i] as number)
      values.push(weights[i] as number)
    }
    return
  }
  for (const key of Object.keys(cell)) {
    if (!/^\d+$/.test(key)) throw wrong()
    indices.push(Number(key))
    values.push((cell as Record<string, number>)[key]!)
  }
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
}
