/**
 * Which partition a row goes to when the collection has a partition key (query-search-semantics §7.6).
 *
 * Int64 keys: murmur3 (32 bit, seed 0) over the 8 little-endian bytes, sign bit cleared. VarChar keys: CRC-32 of the
 * first 100 bytes. Both modulo the number of partitions, as in Milvus, so that data moved there lands alike.
 */
import { crc32 } from 'node:zlib'
import type { Column } from '../schema/column.js'

/** Partition number (0 … partitionCount − 1) of each row. */
export function routeRows(key: Column, rowCount: number, partitionCount: number): Int32Array {
  const out = new Int32Array(rowCount)
  if (key.layout === 'fixed') {
    const words = key.values as Int32Array
    for (let row = 0; row < rowCount; row++) {
      out[row] = (murmur3Words(words[row * 2]!, words[row * 2 + 1]!) & 0x7fffffff) % partitionCount
    }
    return out
  }
  const { heap, offsets } = key
  for (let row = 0; row < rowCount; row++) {
    const from = offsets[row]!
    out[row] = crc32(heap.subarray(from, Math.min(offsets[row + 1]!, from + 100))) % partitionCount
  }
  return out
}

/** MurmurHash3 x86 32-bit of 8 bytes given as two little-endian words, seed 0. */
export function murmur3Words(low: number, high: number): number {
  let hash = mixBlock(mixBlock(0, low), high)
  hash ^= 8
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function mixBlock(hash: number, block: number): number {
  let k = Math.imul(block, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  let mixed = hash ^ Math.imul(k, 0x1b873593)
  mixed = (mixed << 13) | (mixed >>> 19)
  return (Math.imul(mixed, 5) + 0xe6546b64) | 0
}
