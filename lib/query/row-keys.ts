/**
 * Sort keys of rows as words in typed arrays: comparing rows without making a value of any of them.
 *
 * The one idea: every sortable value has 64 bits, in two unsigned words, whose order is the order of the values: numbers
 * and booleans as doubles, Int64 and Timestamptz as they are with the sign turned, of a text its first eight bytes. Only
 * texts need a look at the rest, where their keys are equal. The order is that of `compareSortValues` (order-by.ts): NaN is
 * the greatest number, −0 equals 0, texts go by their UTF-8 bytes.
 */
import { integerKeyHigh, type Keys, setDoubleKey } from '../index/sort-keys.js'
import { type Column, isValid, type VarColumn } from '../schema/column.js'

/** Keys of some entries. `states` is 0 where the value is null, 1 elsewhere. */
export interface RowKeys extends Keys {
  readonly states: Uint8Array
}

/** Bytes of a text that are in its key. */
const HEAD_BYTES = 8
/** Above every number's key: that of infinity is 0xfff00000, 0. */
const NAN_WORD = 0xffffffff

/** Room for `count` keys, all null. */
export function newRowKeys(count: number): RowKeys {
  return { states: new Uint8Array(count), high: new Uint32Array(count), low: new Uint32Array(count) }
}

/** Makes entry `at` the key of a row. The column's type must be sortable. */
export function setRowKey(keys: RowKeys, at: number, column: Column, row: number): void {
  if (!isValid(column, row)) {
    keys.states[at] = 0
    return
  }
  keys.states[at] = 1
  if (column.layout === 'var') setTextKey(keys, at, column, row)
  else if (column.width === 2) {
    keys.high[at] = integerKeyHigh(column.values[row * 2 + 1]!)
    keys.low[at] = column.values[row * 2]!
  } else {
    const value = column.values[row]!
    if (!Number.isNaN(value)) setDoubleKey(keys, at, value)
    else {
      keys.high[at] = NAN_WORD
      keys.low[at] = NAN_WORD
    }
  }
}

function setTextKey(keys: RowKeys, at: number, { heap, offsets }: VarColumn, row: number): void {
  const end = offsets[row + 1]!
  let i = offsets[row]!
  let high = 0
  let low = 0
  for (let k = 0; k < 4; k++, i++) high = (high << 8) | (i < end ? heap[i]! : 0)
  for (let k = 0; k < 4; k++, i++) low = (low << 8) | (i < end ? heap[i]! : 0)
  keys.high[at] = high
  keys.low[at] = low
}

/** Order of two texts by their bytes. @param skip bytes that need no look: as far as both texts have them they agree */
export function compareTextRows(a: VarColumn, rowA: number, b: VarColumn, rowB: number, skip = 0): number {
  const endA = a.offsets[rowA + 1]!
  const endB = b.offsets[rowB + 1]!
  let i = a.offsets[rowA]! + skip
  let k = b.offsets[rowB]! + skip
  const heapA = a.heap
  const heapB = b.heap
  for (; i < endA && k < endB; i++, k++) {
    const difference = heapA[i]! - heapB[k]!
    if (difference !== 0) return difference
  }
  return endA - i - (endB - k)
}

/** Order of two texts whose keys are equal. */
export function compareTextTails(a: VarColumn, rowA: number, b: VarColumn, rowB: number): number {
  return compareTextRows(a, rowA, b, rowB, HEAD_BYTES)
}
