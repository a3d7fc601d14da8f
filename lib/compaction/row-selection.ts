/**
 * Which rows go on into a new segment, where they end up, and which deletes go with them.
 *
 * A row is left out when no reader may ask for it any more: it was deleted at or before the horizon, it has expired, its
 * own end (`ttl_field`) is past, or its partition is gone. A row deleted later than the horizon goes on together with its delete.
 */
import type { Tick } from '../base/timestamp.js'
import { isPast } from '../query/row-deadline.js'
import type { Column } from '../schema/column.js'
import type { RowDeletes } from '../segment/segment-writer.js'

/** Marks (with 1) the rows deleted at or before the horizon; row r of this input is `dropped[base + r]`. */
export function markDeleted(dropped: Uint8Array, base: number, deletes: RowDeletes, horizonTick: Tick): void {
  const { rows, ticks } = deletes
  for (let i = 0; i < rows.length; i++) if (ticks[i]! <= horizonTick) dropped[base + rows[i]!] = 1
}

/** Marks the rows inserted at or before `expireBeforeTick`, as readers judge it (query/request.ts); 0 = none. */
export function markExpired(dropped: Uint8Array, ticks: Float64Array, expireBeforeTick: Tick): void {
  if (expireBeforeTick <= 0) return
  for (let row = 0; row < dropped.length; row++) if (ticks[row]! <= expireBeforeTick) dropped[row] = 1
}

/** Marks the rows whose `ttl_field` is past, as readers judge it (query/row-deadline.ts). */
export function markOverdue(
  dropped: Uint8Array,
  base: number,
  column: Column,
  rowCount: number,
  nowMicros: number,
): void {
  for (let row = 0; row < rowCount; row++) if (isPast(column, row, nowMicros)) dropped[base + row] = 1
}

/** Marks the rows of the given partitions. */
export function markPartitions(dropped: Uint8Array, partitionIds: Int32Array, gone: Int32Array): void {
  if (gone.length === 0) return
  const wanted = new Set(gone)
  for (let row = 0; row < dropped.length; row++) if (wanted.has(partitionIds[row]!)) dropped[row] = 1
}

/** The unmarked rows, ascending. */
export function rowsLeft(dropped: Uint8Array): Int32Array {
  let count = 0
  for (let row = 0; row < dropped.length; row++) count += 1 - dropped[row]!
  const rows = new Int32Array(count)
  let at = 0
  for (let row = 0; row < dropped.length; row++) if (dropped[row] === 0) rows[at++] = row
  return rows
}

/** New place of each of `rowCount` old rows, −1 for those that are not in `rows`. */
export function rowMapOf(rows: Int32Array, rowCount: number): Int32Array {
  const map = new Int32Array(rowCount).fill(-1)
  for (let i = 0; i < rows.length; i++) map[rows[i]!] = i
  return map
}

/** Deletes of the rows that went on, by new row, in tick order. */
export function movedDeletes(inputs: readonly RowDeletes[], rowMaps: readonly Int32Array[]): RowDeletes {
  let most = 0
  for (const { rows } of inputs) most += rows.length
  const rows = new Int32Array(most)
  const ticks = new Float64Array(most)
  let count = 0
  let inOrder = true
  for (let input = 0; input < inputs.length; input++) {
    const from = inputs[input]!
    const map = rowMaps[input]!
    for (let i = 0; i < from.rows.length; i++) {
      const row = map[from.rows[i]!]!
      if (row < 0) continue
      rows[count] = row
      ticks[count] = from.ticks[i]!
      if (count > 0 && ticks[count]! < ticks[count - 1]!) inOrder = false
      count++
    }
  }
  const kept = { rows: rows.subarray(0, count), ticks: ticks.subarray(0, count) }
  return inOrder ? kept : byTick(kept)
}

function byTick({ rows, ticks }: RowDeletes): RowDeletes {
  const order = Int32Array.from(rows.keys()).sort((a, b) => ticks[a]! - ticks[b]!)
  return { rows: order.map(i => rows[i]!), ticks: Float64Array.from(order, i => ticks[i]!) }
}
