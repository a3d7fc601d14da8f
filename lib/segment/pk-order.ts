/**
 * Order and search of primary keys, on columns as they are stored.
 *
 * Int64 keys are pairs of 32-bit words (low, high), VarChar keys UTF-8 bytes; both are compared without making
 * JavaScript values, because a lookup runs once per row of every upsert and per sealed segment.
 */
import type { Column, FixedColumn, VarColumn } from '../schema/column.js'
import type { PkKey } from './segment.js'

/** A key in the form the columns hold: words for Int64, bytes for VarChar. */
export type RawKey =
  | { readonly kind: 'int64'; readonly low: number; readonly high: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

/** Raw form of a key. `low` is unsigned. */
export function rawKey(key: PkKey): RawKey {
  if (typeof key === 'string') return { kind: 'bytes', bytes: Buffer.from(key, 'utf8') }
  if (typeof key === 'bigint') {
    return {
      kind: 'int64',
      low: Number(BigInt.asUintN(32, key)),
      high: Number(BigInt.asIntN(32, key >> 32n)),
    }
  }
  const high = Math.floor(key / 4294967296)
  return { kind: 'int64', low: key - high * 4294967296, high }
}

/** Key of a row: Int64 as number when safe, else bigint; VarChar as string. */
export function keyAt(column: Column, row: number): PkKey {
  if (column.layout === 'var') return textAt(column, row)
  const words = column.values as Int32Array
  const low = words[row * 2]! >>> 0
  const high = words[row * 2 + 1]!
  const value = high * 4294967296 + low
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low)
}

function textAt(column: VarColumn, row: number): string {
  const { heap, offsets } = column
  return Buffer.from(heap.buffer, heap.byteOffset, heap.byteLength).toString(
    'utf8',
    offsets[row]!,
    offsets[row + 1]!,
  )
}

/** Order of two rows of one key column: negative, 0 or positive. */
export function compareRows(column: Column, a: number, b: number): number {
  return column.layout === 'fixed' ? compareInt64Rows(column, a, b) : compareTextRows(column, a, column, b)
}

function compareInt64Rows(column: FixedColumn, a: number, b: number): number {
  const words = column.values as Int32Array
  const high = words[a * 2 + 1]! - words[b * 2 + 1]!
  if (high !== 0) return high
  return (words[a * 2]! >>> 0) - (words[b * 2]! >>> 0)
}

function compareTextRows(left: VarColumn, a: number, right: VarColumn, b: number): number {
  const aFrom = left.offsets[a]!
  const bFrom = right.offsets[b]!
  return compareBytes(
    left.heap,
    aFrom,
    left.offsets[a + 1]! - aFrom,
    right.heap,
    bFrom,
    right.offsets[b + 1]! - bFrom,
  )
}

/** Bytewise order, which is the order of UTF-8 text by code point. */
function compareBytes(
  a: Uint8Array,
  aFrom: number,
  aLength: number,
  b: Uint8Array,
  bFrom: number,
  bLength: number,
): number {
  const shared = Math.min(aLength, bLength)
  for (let i = 0; i < shared; i++) {
    const difference = a[aFrom + i]! - b[bFrom + i]!
    if (difference !== 0) return difference
  }
  return aLength - bLength
}

/** First row of a sorted key column that is not before `key`; `rowCount` when there is none. */
export function lowerBound(column: Column, rowCount: number, key: RawKey): number {
  if (key.kind === 'int64') {
    return column.layout === 'fixed'
      ? lowerBoundInt64(column.values as Int32Array, rowCount, key.low, key.high)
      : rowCount
  }
  return column.layout === 'var'
    ? lowerBoundBytes(column, rowCount, key.bytes, 0, key.bytes.length)
    : rowCount
}

/** `lowerBound` for the key that stands in row `keyRow` of another key column of the same type. */
export function lowerBoundOfRow(column: Column, rowCount: number, keys: Column, keyRow: number): number {
  if (column.layout === 'fixed' && keys.layout === 'fixed') {
    const words = keys.values as Int32Array
    return lowerBoundInt64(
      column.values as Int32Array,
      rowCount,
      words[keyRow * 2]! >>> 0,
      words[keyRow * 2 + 1]!,
    )
  }
  if (column.layout === 'var' && keys.layout === 'var') {
    const from = keys.offsets[keyRow]!
    return lowerBoundBytes(column, rowCount, keys.heap, from, keys.offsets[keyRow + 1]! - from)
  }
  return rowCount
}

/** True when two rows of two key columns of the same type hold the same key. */
export function sameKey(left: Column, a: number, right: Column, b: number): boolean {
  if (left.layout === 'fixed' && right.layout === 'fixed') {
    const l = left.values as Int32Array
    const r = right.values as Int32Array
    return l[a * 2] === r[b * 2] && l[a * 2 + 1] === r[b * 2 + 1]
  }
  return left.layout === 'var' && right.layout === 'var' && compareTextRows(left, a, right, b) === 0
}

function lowerBoundInt64(words: Int32Array, rowCount: number, keyLow: number, keyHigh: number): number {
  let low = 0
  let high = rowCount
  while (low < high) {
    const middle = (low + high) >>> 1
    const wordHigh = words[middle * 2 + 1]!
    if (wordHigh < keyHigh || (wordHigh === keyHigh && words[middle * 2]! >>> 0 < keyLow)) low = middle + 1
    else high = middle
  }
  return low
}

function lowerBoundBytes(
  column: VarColumn,
  rowCount: number,
  key: Uint8Array,
  keyFrom: number,
  keyLength: number,
): number {
  const { heap, offsets } = column
  let low = 0
  let high = rowCount
  while (low < high) {
    const middle = (low + high) >>> 1
    const from = offsets[middle]!
    if (compareBytes(heap, from, offsets[middle + 1]! - from, key, keyFrom, keyLength) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** True when the row holds exactly this key. */
export function keyEquals(column: Column, row: number, key: RawKey): boolean {
  if (key.kind === 'int64') {
    if (column.layout !== 'fixed') return false
    const words = column.values as Int32Array
    return words[row * 2 + 1] === key.high && words[row * 2]! >>> 0 === key.low
  }
  if (column.layout !== 'var') return false
  const from = column.offsets[row]!
  return (
    compareBytes(column.heap, from, column.offsets[row + 1]! - from, key.bytes, 0, key.bytes.length) === 0
  )
}
