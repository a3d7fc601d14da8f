/**
 * Null rows between the two packings of the protocol: compact (valid rows only) and aligned (one entry per row).
 */
import { getBit } from '../base/bitset.js'
import type { FixedColumn, VarColumn } from '../schema/column.js'
import { type FixedArray, newFixedArray } from '../schema/data-type.js'

/** An array of the same element type. */
export function sameKind(values: FixedArray, length: number): FixedArray {
  if (values instanceof Float32Array) return newFixedArray('f32', length)
  if (values instanceof Float64Array) return newFixedArray('f64', length)
  if (values instanceof Int32Array) return newFixedArray('i32', length)
  if (values instanceof Int16Array) return newFixedArray('i16', length)
  if (values instanceof Int8Array) return newFixedArray('i8', length)
  if (values instanceof Uint16Array) return newFixedArray('u16', length)
  return newFixedArray('u8', length)
}

/** Compact values at their rows, zeros at the others. */
export function expandFixed(compact: FixedColumn, rowCount: number, bits: Uint32Array): FixedColumn {
  const { values, width } = compact
  const out = sameKind(values, rowCount * width)
  let from = 0
  for (let row = 0; row < rowCount; row++) {
    if (!getBit(bits, row)) continue
    const at = row * width
    if (width > 16) out.set(values.subarray(from, from + width), at)
    else for (let i = 0; i < width; i++) out[at + i] = values[from + i]!
    from += width
  }
  return { layout: 'fixed', width, values: out, validity: bits }
}

/** Compact rows at their places, empty ones at the others. The heap is shared. */
export function expandVar(compact: VarColumn, rowCount: number, bits: Uint32Array): VarColumn {
  const offsets = new Uint32Array(rowCount + 1)
  let next = 0
  for (let row = 0; row < rowCount; row++) {
    if (getBit(bits, row)) next++
    offsets[row + 1] = compact.offsets[next]!
  }
  return { layout: 'var', offsets, heap: compact.heap, validity: bits }
}
