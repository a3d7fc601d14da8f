/**
 * Building columns out of columns: all null, constant, some rows of one, several end to end, rows picked from many.
 *
 * Results own exactly the room they need and never alias their sources, so a caller may keep them while a growing
 * segment moves on. Reading single values is column-values.ts; appending is growable-column.ts; both are exported here
 * too, because callers think of them as one thing.
 */
import { assert } from '../base/assert.js'
import { getBit, newBits, onesBits, setBit } from '../base/bitset.js'
import type { FieldSchema, ScalarValue } from './collection-schema.js'
import type { Column, FixedColumn, VarColumn } from './column.js'
import { DataType, type FixedArray, layoutOf, newFixedArray } from './data-type.js'
import { writeInt64 } from './int64.js'

export { pkKeyAt, pkKeys, valueAt } from './column-values.js'
export { GrowableColumn } from './growable-column.js'
export { type Int64As, int64WordsOf } from './int64.js'

const NO_BYTES = new Uint8Array(0)
/** From this many elements per row on, one typed-array `set` beats an index loop. */
const WIDE = 48

/** A column whose rows are all null. */
export function nullColumn(field: FieldSchema, rowCount: number): Column {
  return placeholderColumn(field, rowCount, newBits(rowCount))
}

/** A column of placeholders (zeros, empty bytes) with the given validity; null = every row counts as a value. */
export function placeholderColumn(
  field: FieldSchema,
  rowCount: number,
  validity: Uint32Array | null = null,
): Column {
  const layout = layoutOf(field.dataType, field.dim)
  if (layout.layout === 'var') {
    return { layout: 'var', offsets: new Uint32Array(rowCount + 1), heap: NO_BYTES, validity }
  }
  const values = newFixedArray(layout.kind, rowCount * layout.width)
  return { layout: 'fixed', width: layout.width, values, validity }
}

/**
 * A column that holds one value in every row. Scalar types and JSON (whose value is its text); Timestamptz in
 * microseconds.
 */
export function constantColumn(field: FieldSchema, value: ScalarValue, rowCount: number): Column {
  const layout = layoutOf(field.dataType, field.dim)
  if (layout.layout === 'var') {
    assert(typeof value === 'string', `a constant of field ${field.name} is text`)
    return repeatedBytes(Buffer.from(value, 'utf8'), rowCount)
  }
  const values = newFixedArray(layout.kind, rowCount * layout.width)
  if (field.dataType === DataType.Int64 || field.dataType === DataType.Timestamptz) {
    assert(typeof value === 'number' || typeof value === 'bigint', 'a 64-bit constant is an integer')
    const words = values as Int32Array
    for (let i = 0; i < rowCount; i++) writeInt64(words, i * 2, value)
  } else {
    assert(typeof value === 'number' || typeof value === 'boolean', 'a fixed constant is a number or bool')
    values.fill(Number(value))
  }
  return { layout: 'fixed', width: layout.width, values, validity: null }
}

function repeatedBytes(bytes: Uint8Array, rowCount: number): VarColumn {
  const offsets = new Uint32Array(rowCount + 1)
  const heap = new Uint8Array(bytes.length * rowCount)
  for (let i = 0; i < rowCount; i++) {
    heap.set(bytes, i * bytes.length)
    offsets[i + 1] = (i + 1) * bytes.length
  }
  return { layout: 'var', offsets, heap, validity: null }
}

/** Copies of some rows, in the order of `rows` (repeats allowed). */
export function gatherColumn(_field: FieldSchema, column: Column, rows: Int32Array): Column {
  return column.layout === 'fixed' ? gatherFixed(column, rows) : gatherVar(column, rows)
}

function gatherFixed(column: FixedColumn, rows: Int32Array): FixedColumn {
  const { width, values } = column
  const out = sameKind(values, rows.length * width)
  for (let i = 0; i < rows.length; i++) copyRow(out, i * width, values, rows[i]! * width, width)
  return { layout: 'fixed', width, values: out, validity: gatherBits(column.validity, rows) }
}

function copyRow(target: FixedArray, at: number, source: FixedArray, from: number, width: number): void {
  if (width >= WIDE) {
    target.set(source.subarray(from, from + width), at)
  } else {
    for (let i = 0; i < width; i++) target[at + i] = source[from + i]!
  }
}

/** An empty typed array of the same kind, in ordinary memory. */
function sameKind(values: FixedArray, length: number): FixedArray {
  return new (values.constructor as new (length: number) => FixedArray)(length)
}

function gatherBits(validity: Uint32Array | null, rows: Int32Array): Uint32Array | null {
  if (validity === null) return null
  const bits = newBits(rows.length)
  let valid = 0
  for (let i = 0; i < rows.length; i++) {
    if (!getBit(validity, rows[i]!)) continue
    setBit(bits, i)
    valid++
  }
  return valid === rows.length ? null : bits
}

function gatherVar(column: VarColumn, rows: Int32Array): VarColumn {
  const { offsets, heap } = column
  const outOffsets = new Uint32Array(rows.length + 1)
  let total = 0
  for (let i = 0; i < rows.length; i++) {
    total += offsets[rows[i]! + 1]! - offsets[rows[i]!]!
    outOffsets[i + 1] = total
  }
  const outHeap = new Uint8Array(total)
  for (let i = 0; i < rows.length; i++) {
    copyBytes(outHeap, outOffsets[i]!, heap, offsets[rows[i]!]!, offsets[rows[i]! + 1]!)
  }
  return { layout: 'var', offsets: outOffsets, heap: outHeap, validity: gatherBits(column.validity, rows) }
}

/** Copies source[from .. to) to target[at]. */
export function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  from: number,
  to: number,
): void {
  if (to - from >= WIDE) target.set(source.subarray(from, to), at)
  else for (let i = from; i < to; i++) target[at + i - from] = source[i]!
}

/** The rows of several columns of one field, end to end. */
export function concatColumns(
  field: FieldSchema,
  parts: readonly { readonly column: Column; readonly rowCount: number }[],
): Column {
  let rowCount = 0
  let hasNulls = false
  for (const part of parts) {
    rowCount += part.rowCount
    if (part.column.validity !== null) hasNulls = true
  }
  const validity = hasNulls ? concatBits(parts, rowCount) : null
  return layoutOf(field.dataType, field.dim).layout === 'fixed'
    ? concatFixed(field, parts, rowCount, validity)
    : concatVar(parts, rowCount, validity)
}

type Parts = readonly { readonly column: Column; readonly rowCount: number }[]

function concatBits(parts: Parts, rowCount: number): Uint32Array {
  const bits = onesBits(rowCount)
  let row = 0
  for (const { column, rowCount: count } of parts) {
    const { validity } = column
    if (validity !== null) {
      for (let i = 0; i < count; i++) {
        if (!getBit(validity, i)) bits[(row + i) >>> 5]! &= ~(1 << ((row + i) & 31))
      }
    }
    row += count
  }
  return bits
}

function concatFixed(
  field: FieldSchema,
  parts: Parts,
  rowCount: number,
  validity: Uint32Array | null,
): Column {
  const layout = layoutOf(field.dataType, field.dim)
  assert(layout.layout === 'fixed', 'fixed columns are concatenated as such')
  const { width } = layout
  const values = newFixedArray(layout.kind, rowCount * width)
  let at = 0
  for (const { column, rowCount: count } of parts) {
    assert(column.layout === 'fixed' && column.width === width, 'parts of one field have one layout')
    values.set(column.values.subarray(0, count * width), at)
    at += count * width
  }
  return { layout: 'fixed', width, values, validity }
}

function concatVar(parts: Parts, rowCount: number, validity: Uint32Array | null): Column {
  let total = 0
  for (const { column, rowCount: count } of parts) {
    assert(column.layout === 'var', 'parts of one field have one layout')
    total += column.offsets[count]!
  }
  assert(total <= 0xffff_ffff, 'a column heap stays below 4 GiB')
  const offsets = new Uint32Array(rowCount + 1)
  const heap = new Uint8Array(total)
  let row = 0
  let at = 0
  for (const { column, rowCount: count } of parts) {
    assert(column.layout === 'var', 'parts of one field have one layout')
    heap.set(column.heap.subarray(0, column.offsets[count]!), at)
    for (let i = 1; i <= count; i++) offsets[row + i] = at + column.offsets[i]!
    row += count
    at += column.offsets[count]!
  }
  return { layout: 'var', offsets, heap, validity }
}

/**
 * Row `i` of the result is row `rows[i]` of `sources[source[i]]`; all sources are columns of one field. This is how a
 * merge overlays request values, stored values and defaults without copying any vector twice.
 */
export function pickRows(sources: readonly Column[], source: Uint8Array, rows: Int32Array): Column {
  const bits = pickBits(sources, source, rows)
  const first = sources[0]!
  if (first.layout === 'fixed') {
    const { width } = first
    const out = sameKind(first.values, rows.length * width)
    for (let i = 0; i < rows.length; i++) {
      const from = sources[source[i]!]!
      assert(from.layout === 'fixed' && from.width === width, 'sources of one field have one layout')
      copyRow(out, i * width, from.values, rows[i]! * width, width)
    }
    return { layout: 'fixed', width, values: out, validity: bits }
  }
  const offsets = new Uint32Array(rows.length + 1)
  for (let i = 0; i < rows.length; i++) {
    const from = sources[source[i]!]!
    assert(from.layout === 'var', 'sources of one field have one layout')
    offsets[i + 1] = offsets[i]! + from.offsets[rows[i]! + 1]! - from.offsets[rows[i]!]!
  }
  const heap = new Uint8Array(offsets[rows.length]!)
  for (let i = 0; i < rows.length; i++) {
    const from = sources[source[i]!] as VarColumn
    copyBytes(heap, offsets[i]!, from.heap, from.offsets[rows[i]!]!, from.offsets[rows[i]! + 1]!)
  }
  return { layout: 'var', offsets, heap, validity: bits }
}

function pickBits(sources: readonly Column[], source: Uint8Array, rows: Int32Array): Uint32Array | null {
  if (sources.every(column => column.validity === null)) return null
  const bits = newBits(rows.length)
  let valid = 0
  for (let i = 0; i < rows.length; i++) {
    const { validity } = sources[source[i]!]!
    if (validity !== null && !getBit(validity, rows[i]!)) continue
    setBit(bits, i)
    valid++
  }
  return valid === rows.length ? null : bits
}
