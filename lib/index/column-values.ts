/**
 * Views of a stored vector column in the forms the kernels and graphs read: float32, 32-bit words, sparse cells.
 *
 * A view is free when the column already has the form (float32; aligned bytes); else rows are converted into the
 * caller's array. fp16 and bf16 go through a table of all 65,536 words (256 KiB each, built on first use).
 */
import { assert, InvariantError } from '../base/assert.js'
import type { FixedColumn, VarColumn } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import { numberOfBfloat16, numberOfFloat16 } from '../schema/half-float.js'

let float16Table: Float32Array | null = null
let bfloat16Table: Float32Array | null = null

/** Value of every 16-bit word of the type. */
function tableOf(dataType: DataType): Float32Array {
  if (dataType === DataType.Float16Vector) {
    float16Table ??= new Float32Array(65536).map((_, word) => numberOfFloat16(word))
    return float16Table
  }
  assert(dataType === DataType.BFloat16Vector, 'only 16-bit floats are read through a table')
  bfloat16Table ??= new Float32Array(65536).map((_, word) => numberOfBfloat16(word))
  return bfloat16Table
}

/** Writes the floats of one row of a dense vector column (any type but binary) to `out[at..at + dim)`. */
export function decodeFloats(
  dataType: DataType,
  column: FixedColumn,
  row: number,
  out: Float32Array,
  at: number,
): void {
  const { width, values } = column
  const start = row * width
  switch (dataType) {
    case DataType.FloatVector:
    case DataType.Int8Vector:
      for (let i = 0; i < width; i++) out[at + i] = values[start + i]!
      return
    case DataType.Float16Vector:
    case DataType.BFloat16Vector: {
      const table = tableOf(dataType)
      for (let i = 0; i < width; i++) out[at + i] = table[values[start + i]!]!
      return
    }
    default:
      throw new InvariantError(`data type ${dataType} is no vector of numbers`)
  }
}

/** Like decodeFloats for the rows `rows[from..to)`, one after the other from `out[0]`. */
export function decodeFloatRows(
  dataType: DataType,
  column: FixedColumn,
  rows: Int32Array,
  from: number,
  to: number,
  out: Float32Array,
): void {
  const { width, values } = column
  if (dataType === DataType.Int8Vector) gatherBytes(values as Int8Array, width, rows, from, to, out)
  else gatherWords(values as Uint16Array, tableOf(dataType), width, rows, from, to, out)
}

function gatherBytes(
  values: Int8Array,
  width: number,
  rows: Int32Array,
  from: number,
  to: number,
  out: Float32Array,
): void {
  let at = 0
  for (let i = from; i < to; i++) {
    const start = rows[i]! * width
    for (let j = 0; j < width; j++) out[at++] = values[start + j]!
  }
}

function gatherWords(
  values: Uint16Array,
  table: Float32Array,
  width: number,
  rows: Int32Array,
  from: number,
  to: number,
  out: Float32Array,
): void {
  let at = 0
  for (let i = from; i < to; i++) {
    const start = rows[i]! * width
    for (let j = 0; j < width; j++) out[at++] = table[values[start + j]!]!
  }
}

/** A binary column as 32-bit words, or null when its rows are no whole, aligned words. */
export function wordView(column: FixedColumn): Uint32Array | null {
  const bytes = column.values
  if (column.width % 4 !== 0 || bytes.byteOffset % 4 !== 0) return null
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2)
}

/** Copies rows of a binary column to zero-padded rows of `wordsPerRow` 32-bit words, from `out[0]`. */
export function padRows(
  column: FixedColumn,
  rows: Int32Array,
  from: number,
  to: number,
  out: Uint32Array,
  wordsPerRow: number,
): void {
  const { width, values } = column
  const bytes = new Uint8Array(out.buffer, out.byteOffset, (to - from) * wordsPerRow * 4)
  bytes.fill(0)
  for (let i = from; i < to; i++) {
    const start = rows[i]! * width
    const at = (i - from) * wordsPerRow * 4
    for (let j = 0; j < width; j++) bytes[at + j] = values[start + j]!
  }
}

/** A sparse column's heap as words: `cells` holds the indices (even places), `floats` the values (odd places). */
export interface SparseCells {
  readonly cells: Uint32Array
  readonly floats: Float32Array
}

/** Views the heap of a sparse column; copies it only when it does not start at a multiple of four bytes. */
export function sparseCells(column: VarColumn): SparseCells {
  let { heap } = column
  if (heap.byteOffset % 4 !== 0) heap = new Uint8Array(heap)
  const words = heap.byteLength >>> 2
  return {
    cells: new Uint32Array(heap.buffer, heap.byteOffset, words),
    floats: new Float32Array(heap.buffer, heap.byteOffset, words),
  }
}
