/**
 * A column in a new order: rows of one or several input columns, gathered piece by piece as the writer asks for them.
 *
 * The order is computed once per segment (row-order.ts) and shared by all its columns. Only the inputs of one column
 * and one piece of the output are in memory at a time.
 */
import { assert } from '../base/assert.js'
import type { Column } from '../schema/column.js'
import { pickRows } from '../schema/column-ops.js'
import type { ColumnSource } from '../segment/segment-writer.js'

/** Output row `i` is row `rowOf[i]` of input `inputOf[i]`. */
export interface RowOrder {
  readonly inputOf: Uint8Array
  readonly rowOf: Int32Array
}

/** The rows of `columns` (one per input, all of one field) in the given order. */
export function gatheredRows(columns: readonly Column[], order: RowOrder): ColumnSource {
  const { inputOf, rowOf } = order
  const rowCount = rowOf.length
  const first = columns[0]
  assert(first !== undefined && inputOf.length === rowCount, 'each row has an input')
  const piece = (rowFrom: number, rowTo: number) => ({
    column: pickRows(columns, inputOf.subarray(rowFrom, rowTo), rowOf.subarray(rowFrom, rowTo)),
    from: 0,
    to: rowTo - rowFrom,
  })
  if (first.layout === 'fixed') {
    const rowBytes = first.width * first.values.BYTES_PER_ELEMENT
    return {
      byteLength: rowBytes * rowCount,
      pieceEnd: (from, bytesMax) => Math.min(rowCount, from + Math.max(1, Math.floor(bytesMax / rowBytes))),
      piece,
    }
  }
  const offsets = columns.map(offsetsOf)
  return {
    byteLength: sumBytes(offsets, inputOf, rowOf),
    pieceEnd: (from, bytesMax) => piecesEnd(offsets, inputOf, rowOf, from, bytesMax),
    piece,
  }
}

/** A value array (ticks, partition ids) in a new order. */
export function gatherTicks(ticks: Float64Array, rows: Int32Array): Float64Array {
  const out = new Float64Array(rows.length)
  for (let i = 0; i < rows.length; i++) out[i] = ticks[rows[i]!]!
  return out
}

/** Like gatherTicks, for partition ids. */
export function gatherIds(ids: Int32Array, rows: Int32Array): Int32Array {
  const out = new Int32Array(rows.length)
  for (let i = 0; i < rows.length; i++) out[i] = ids[rows[i]!]!
  return out
}

function offsetsOf(column: Column): Uint32Array {
  assert(column.layout === 'var', 'inputs of one field have one layout')
  return column.offsets
}

/** Bytes of one stored variable row: its offset and its heap bytes. */
function rowBytes(offsets: readonly Uint32Array[], input: number, row: number): number {
  return 4 + offsets[input]![row + 1]! - offsets[input]![row]!
}

function sumBytes(offsets: readonly Uint32Array[], inputOf: Uint8Array, rowOf: Int32Array): number {
  let bytes = 0
  for (let i = 0; i < rowOf.length; i++) bytes += rowBytes(offsets, inputOf[i]!, rowOf[i]!)
  return bytes
}

function piecesEnd(
  offsets: readonly Uint32Array[],
  inputOf: Uint8Array,
  rowOf: Int32Array,
  from: number,
  bytesMax: number,
): number {
  let bytes = rowBytes(offsets, inputOf[from]!, rowOf[from]!)
  let to = from + 1
  for (; to < rowOf.length; to++) {
    bytes += rowBytes(offsets, inputOf[to]!, rowOf[to]!)
    if (bytes > bytesMax) break
  }
  return to
}
