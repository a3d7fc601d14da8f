/**
 * Sparse rows as clients send them: (u32 index, f32 value) pairs that some clients leave unsorted.
 *
 * Rows are put in index order here; equal indices, NaN and negative values are left for schema/validate-columns.ts.
 */
import { invalid } from '../base/errors.js'
import type { VarColumn } from '../schema/column.js'

const PAIR_BYTES = 8

/** @throws MilvusError 1100 when a row is no list of pairs */
export function sortSparseRows(column: VarColumn): VarColumn {
  const { heap, offsets } = column
  const view = new DataView(heap.buffer, heap.byteOffset, heap.byteLength)
  for (let row = 0; row < offsets.length - 1; row++) {
    const from = offsets[row]!
    const to = offsets[row + 1]!
    if ((to - from) % PAIR_BYTES !== 0) {
      throw invalid(`invalid data length in sparse float vector: ${to - from}`)
    }
    if (!isSorted(view, from, to)) sortRow(view, from, to)
  }
  return column
}

function isSorted(view: DataView, from: number, to: number): boolean {
  let last = -1
  for (let at = from; at < to; at += PAIR_BYTES) {
    const index = view.getUint32(at, true)
    if (index < last) return false
    last = index
  }
  return true
}

function sortRow(view: DataView, from: number, to: number): void {
  const count = (to - from) / PAIR_BYTES
  const indices = new Uint32Array(count)
  const words = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    indices[i] = view.getUint32(from + i * PAIR_BYTES, true)
    words[i] = view.getUint32(from + i * PAIR_BYTES + 4, true)
  }
  const order = Array.from(indices.keys()).sort((a, b) => indices[a]! - indices[b]!)
  for (let i = 0; i < count; i++) {
    view.setUint32(from + i * PAIR_BYTES, indices[order[i]!]!, true)
    view.setUint32(from + i * PAIR_BYTES + 4, words[order[i]!]!, true)
  }
}
