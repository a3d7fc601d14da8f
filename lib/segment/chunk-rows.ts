/**
 * Single rows of a stored column, by the chunks they lie in, so that each chunk is read once whatever the order the rows
 * were asked for.
 */
import type { StoredColumn } from './segment-meta.js'

/** Rows of one chunk: their numbers inside the chunk, and the places they take in the result. */
export interface ChunkRows {
  readonly chunk: number
  readonly rows: Int32Array
  readonly places: Int32Array
}

/** The wanted rows by chunk, chunks ascending, rows in the order they were asked for. */
export function groupByChunk(stored: StoredColumn, rows: Int32Array): ChunkRows[] {
  const counts = new Map<number, number>()
  const chunkOf = new Int32Array(rows.length)
  for (let i = 0; i < rows.length; i++) {
    const chunk = findChunk(stored.chunkRows, rows[i]!)
    chunkOf[i] = chunk
    counts.set(chunk, (counts.get(chunk) ?? 0) + 1)
  }
  const groups = new Map<number, ChunkRows>()
  for (const chunk of [...counts.keys()].sort((a, b) => a - b)) {
    const count = counts.get(chunk)!
    groups.set(chunk, { chunk, rows: new Int32Array(count), places: new Int32Array(count) })
    counts.set(chunk, 0)
  }
  for (let i = 0; i < rows.length; i++) {
    const chunk = chunkOf[i]!
    const group = groups.get(chunk)!
    const at = counts.get(chunk)!
    group.rows[at] = rows[i]! - stored.chunkRows[chunk]!
    group.places[at] = i
    counts.set(chunk, at + 1)
  }
  return [...groups.values()]
}

/** Where each wanted row stands in the joined groups; null when it is already in order. */
export function placesOf(groups: readonly ChunkRows[], count: number): Int32Array | null {
  const places = new Int32Array(count)
  let inOrder = true
  let at = 0
  for (const group of groups) {
    for (let i = 0; i < group.places.length; i++) {
      if (group.places[i] !== at) inOrder = false
      places[group.places[i]!] = at++
    }
  }
  return inOrder ? null : places
}

/** The last chunk that begins at or before the row. */
function findChunk(chunkRows: readonly number[], row: number): number {
  let low = 0
  let high = chunkRows.length
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (chunkRows[middle]! <= row) low = middle
    else high = middle
  }
  return low
}
