/**
 * Walks the matched rows of many segments in primary key order, one row per key.
 *
 * Sealed segments are sorted by key, growing ones bring a sorted list of rows, so a merge of their heads yields the
 * whole order without sorting anything, and a small limit reads only a small part. Of several versions of a key the
 * one with the greatest tick is yielded (§2.4: the newest insert wins).
 */
import type { PkKey, Segment } from '../segment/segment.js'
import type { MatchedRows } from './match-rows.js'

/** Matched rows of one segment. */
export interface MergeSource {
  readonly segment: Segment
  readonly match: MatchedRows
  /** Rows by key, equal keys by rising tick, where row order is not that already; null for sorted segments. */
  readonly order: Int32Array | null
}

interface Head {
  readonly source: MergeSource
  /** Row the head stands on, −1 at the end. */
  row: number
  /** Key of that row. */
  key: PkKey
  /** Next row (sorted segment) or next place in `order` to look at. */
  next: number
}

export class PkMerge {
  /** Position of the current row's segment in the list of sources. */
  source = -1
  /** The current row. */
  row = -1
  readonly #heads: Head[]

  constructor(sources: readonly MergeSource[]) {
    this.#heads = sources.map(source => ({ source, row: -1, key: 0, next: 0 }))
    for (const head of this.#heads) advance(head)
  }

  /** Moves to the next key; false when there is none. */
  next(): boolean {
    const heads = this.#heads
    let first = -1
    for (let i = 0; i < heads.length; i++) {
      if (heads[i]!.row < 0) continue
      if (first < 0 || compareKeys(heads[i]!.key, heads[first]!.key) < 0) first = i
    }
    if (first < 0) return false
    const { key } = heads[first]!
    let newestTick = -1
    for (let i = first; i < heads.length; i++) {
      const head = heads[i]!
      if (head.row < 0 || (i !== first && compareKeys(head.key, key) !== 0)) continue
      // Versions of the key inside one segment follow each other by rising tick: the last one counts.
      let row = head.row
      advance(head)
      while (head.row >= 0 && head.source.segment.comparePk(row, head.row) === 0) {
        row = head.row
        advance(head)
      }
      const tick = head.source.segment.tickOf(row)
      if (tick >= newestTick) {
        newestTick = tick
        this.source = i
        this.row = row
      }
    }
    return true
  }
}

function advance(head: Head): void {
  const { segment, match, order } = head.source
  head.row = order === null ? nextSetBit(match.bits, head.next) : nextInOrder(match.bits, order, head)
  if (head.row < 0) return
  if (order === null) head.next = head.row + 1
  head.key = segment.pkOf(head.row)
}

function nextInOrder(bits: Uint32Array, order: Int32Array, head: Head): number {
  while (head.next < order.length) {
    const row = order[head.next++]!
    const word = row >>> 5
    if (word < bits.length && ((bits[word]! >>> (row & 31)) & 1) === 1) return row
  }
  return -1
}

/** First one bit at or after `from`, or −1. */
function nextSetBit(bits: Uint32Array, from: number): number {
  let word = from >>> 5
  if (word >= bits.length) return -1
  let rest = bits[word]! & (0xffffffff << (from & 31))
  while (rest === 0) {
    if (++word >= bits.length) return -1
    rest = bits[word]!
  }
  return (word << 5) + (31 - Math.clz32(rest & -rest))
}

/** Order of two keys of one collection: numbers by value, texts by their UTF-8 bytes. */
export function compareKeys(a: PkKey, b: PkKey): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Order of two texts by their UTF-8 bytes, which is the order of their code points. JavaScript compares UTF-16 units,
 * and puts a surrogate (part of a code point beyond U+FFFF) before U+E000 … U+FFFF: only there the two orders differ.
 */
function compareText(a: string, b: string): number {
  if (a === b) return 0
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    const surrogateX = x >= 0xd800 && x <= 0xdfff
    const surrogateY = y >= 0xd800 && y <= 0xdfff
    if (surrogateX !== surrogateY) return surrogateX ? (y >= 0xe000 ? 1 : x - y) : x >= 0xe000 ? -1 : x - y
    return x - y
  }
  return a.length - b.length
}
