/**
 * Remembers which rows of a sealed segment a filter is TRUE for.
 *
 * The columns of a sealed segment never change, so the answer of a filter over the whole segment, before visibility is
 * applied, stays right for as long as the segment lives: a repeated filter costs one lookup instead of one scan.
 * Growing segments never enter. Entries are kept by least recent use under a byte budget.
 *
 * Invariants: segment ids are unique among the segments that share a cache and are never reused; `key` names the
 * filter, its template values and the schema version completely. Cached bitsets are never written to.
 */
import { countBits } from '../base/bitset.js'

/** TRUE rows of one filter over one segment, whatever their visibility. */
export interface CachedRows {
  readonly bits: Uint32Array
  readonly count: number
}

/** Rows of a cached filter that are also visible, for one particular visibility bitset. */
export interface CachedMatch {
  readonly bits: Uint32Array
  readonly count: number
  /** Offsets of the rows, ascending; made on first use. */
  rows: Int32Array | null
}

interface Entry extends CachedRows {
  /** The visibility bitset that `match` belongs to, compared by identity: visibility bitsets are immutable. */
  visibleBits: Uint32Array | null
  match: CachedMatch | null
  bytes: number
}

/** Bytes of an entry beyond its bitsets: key text, map slots, object headers. A round estimate. */
const ENTRY_BYTES = 256

export class FilterCache {
  readonly #budgetBytes: number
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  /** @param budgetBytes bytes to keep at most; 0 keeps nothing. Default 64 MiB. */
  constructor(budgetBytes = 64 * 1024 * 1024) {
    this.#budgetBytes = budgetBytes
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes
  }

  /** Entries held now. */
  get size(): number {
    return this.#entries.size
  }

  /** TRUE rows of the filter `key` over segment `segmentId`, or undefined when they are not known. */
  get(segmentId: number, key: string): CachedRows | undefined {
    return this.#touch(`${segmentId}|${key}`)
  }

  /** Remembers TRUE rows; the bitset belongs to the cache from here on. */
  set(segmentId: number, key: string, bits: Uint32Array): CachedRows {
    const id = `${segmentId}|${key}`
    const entry: Entry = {
      bits,
      count: countBits(bits),
      visibleBits: null,
      match: null,
      bytes: ENTRY_BYTES + id.length * 2 + bits.byteLength,
    }
    this.#remove(id)
    if (entry.bytes > this.#budgetBytes) return entry
    this.#entries.set(id, entry)
    this.#bytes += entry.bytes
    this.#shrink()
    return entry
  }

  /** The match remembered for exactly this visibility bitset, or null. */
  matchOf(segmentId: number, key: string, visibleBits: Uint32Array): CachedMatch | null {
    const entry = this.#touch(`${segmentId}|${key}`)
    return entry !== undefined && entry.visibleBits === visibleBits ? entry.match : null
  }

  /** Remembers the match of a cached filter with one visibility bitset; replaces an earlier one. */
  setMatch(segmentId: number, key: string, visibleBits: Uint32Array, match: CachedMatch): void {
    const entry = this.#entries.get(`${segmentId}|${key}`)
    if (entry === undefined) return
    // Both bitsets are counted: this entry may be the last one that keeps the visibility bitset alive. The row list
    // may follow later, so it is counted from the start.
    const matchBytes = match.bits.byteLength + visibleBits.byteLength + match.count * 4
    const plainBytes = ENTRY_BYTES + `${segmentId}|${key}`.length * 2 + entry.bits.byteLength
    this.#bytes += plainBytes + matchBytes - entry.bytes
    entry.bytes = plainBytes + matchBytes
    entry.visibleBits = visibleBits
    entry.match = match
    this.#shrink()
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
  }

  /** Forgets a segment that was dropped. */
  dropSegment(segmentId: number): void {
    const prefix = `${segmentId}|`
    for (const id of this.#entries.keys()) if (id.startsWith(prefix)) this.#remove(id)
  }

  #touch(id: string): Entry | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined) return undefined
    // A Map iterates in insertion order: taking out and putting back makes the entry the youngest.
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    return entry
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    this.#bytes -= entry.bytes
  }

  #shrink(): void {
    for (const id of this.#entries.keys()) {
      if (this.#bytes <= this.#budgetBytes) return
      this.#remove(id)
    }
  }
}
