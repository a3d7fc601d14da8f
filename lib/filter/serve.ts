/**
 * Answers parts of a filter from scalar indexes instead of scanning.
 *
 * A leaf that an index covers becomes stretches of that index (find-leaf.ts), whose length is known before a row is
 * touched. So the choice is one of sizes: few rows become a list of candidates that the rest of the filter is asked
 * about one by one; more rows become a bitset that takes the leaf's place in the plan; and where scanning costs less
 * than collecting the rows, the leaf stays what it was.
 *
 * Invariant: the rows for which the filter is TRUE are the same either way. A negated leaf is TRUE where the plain one
 * is FALSE, so it is served only where the index knows all rows about which the plain leaf is not UNKNOWN: valid rows
 * of a column, entries of the tested classes below a JSON path, rows of arrays.
 */
import { newBits, orInto } from '../base/bitset.js'
import type { Bound } from './bound.js'
import type { ColumnSource, Runnable } from './evaluate.js'
import { type Found, findLeaf, lookupsOf } from './find-leaf.js'
import { costOf } from './simplify.js'

/** One probe or row of a stretch costs about this many nanoseconds; leaves have costs too (simplify.ts). */
const HIT_NS = 3
/** Up to this share of a segment's rows, candidates are a list and not a bitset. */
const LISTED_SHARE = 1 / 64
/** Constants that are looked up for one filter; leaves beyond that are scanned, so that looking up is no long step. */
const LOOKUPS_MAX = 512
/** Rows that may be written into bitsets in one go, as a multiple of the segment's: a few milliseconds for a million. */
const WRITES_MAX = 2

/** What indexes say about a filter. */
export type Served =
  /** The rows that can pass, ascending, and what is left to ask about them (null: they all pass). */
  | { readonly kind: 'rows'; readonly rows: Int32Array; readonly rest: Bound | null }
  /** The plan with the answered leaves in place. */
  | { readonly kind: 'plan'; readonly root: Runnable }

/**
 * Asks the indexes of a source about a filter. Columns of the plan are resident.
 * @returns null when no index helps
 */
export function serveFilter(root: Bound, source: ColumnSource, rowCount: number): Served | null {
  if (source.scalarOrders === undefined) return null
  return new Serving(source, rowCount).serve(root)
}

/** One filter on one segment. */
class Serving {
  readonly #source: ColumnSource
  readonly #rowCount: number
  /** Candidates are a list up to this length. */
  readonly #few: number
  #writesLeft: number
  #lookupsLeft = LOOKUPS_MAX
  readonly #known = new Map<Bound, Found | null>()

  constructor(source: ColumnSource, rowCount: number) {
    this.#source = source
    this.#rowCount = rowCount
    this.#few = rowCount * LISTED_SHARE
    this.#writesLeft = rowCount * WRITES_MAX
  }

  serve(root: Bound): Served | null {
    const listed =
      root.op === 'and'
        ? this.#listAnd(root.items)
        : root.op === 'or'
          ? this.#listOr(root.items)
          : this.#list(root)
    if (listed !== null) return listed
    const replaced = this.#replace(root)
    return replaced === root ? null : { kind: 'plan', root: replaced }
  }

  #find(node: Bound): Found | null {
    let found = this.#known.get(node)
    if (found === undefined) {
      const lookups = lookupsOf(node)
      found = lookups <= this.#lookupsLeft ? findLeaf(node, this.#source) : null
      if (found !== null) this.#lookupsLeft -= lookups
      this.#known.set(node, found)
    }
    return found
  }

  #list(node: Bound): Served | null {
    const found = this.#find(node)
    if (found === null || found.negated || found.stretches.count > this.#few) return null
    return { kind: 'rows', rows: takeRows(found), rest: found.exact ? null : node }
  }

  /** Of an `and`, the part with the fewest rows decides; the others are asked about those. */
  #listAnd(items: readonly Bound[]): Served | null {
    let best: Found | null = null
    for (const item of items) {
      const found = this.#find(item)
      if (found === null || found.negated) continue
      if (best === null || found.stretches.count < best.stretches.count) best = found
    }
    if (best === null || best.stretches.count > this.#few) return null
    const { leaf, exact } = best
    const rest = exact ? items.filter(item => item !== leaf) : items
    const left: Bound | null =
      rest.length === 0 ? null : rest.length === 1 ? rest[0]! : { op: 'and', items: rest }
    return { kind: 'rows', rows: takeRows(best), rest: left }
  }

  /** All rows of an `or` whose every item is answered exactly and with few rows; null when one is not. */
  #listOr(items: readonly Bound[]): Served | null {
    const all: Found[] = []
    let count = 0
    for (const item of items) {
      const found = this.#find(item)
      if (found === null || found.negated || !found.exact) return null
      count += found.stretches.count
      if (count > this.#few) return null
      all.push(found)
    }
    const parts = all.map(found => takeRows(found))
    const rows = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      rows.set(part, at)
      at += part.length
    }
    return { kind: 'rows', rows: sortedDistinct(rows), rest: null }
  }

  /** The same node where no index helps, else one with bitsets in it. */
  #replace(node: Bound): Runnable {
    switch (node.op) {
      case 'all':
      case 'none':
        return node
      case 'and':
        return this.#replaceAnd(node)
      case 'or': {
        const items = node.items.map(item => this.#replace(item))
        if (items.every((item, i) => item === node.items[i])) return node
        const joined = joinBits(items)
        return joined.length === 1 ? joined[0]! : { op: 'or', items: joined }
      }
      default: {
        const found = this.#find(node)
        if (found === null || !found.exact || !this.#worthBits(found, this.#rowCount)) return node
        return this.#bits(found)
      }
    }
  }

  /**
   * An `and` with some of its leaves answered: the one with the fewest rows first, others only where collecting their
   * rows costs less than asking about the rows that are left by then.
   */
  #replaceAnd(node: Extract<Bound, { readonly op: 'and' | 'or' }>): Runnable {
    const found = node.items
      .map(item => this.#find(item))
      .filter(part => part !== null)
      .sort((a, b) => rowsOfFound(a, this.#rowCount) - rowsOfFound(b, this.#rowCount))
    let left = this.#rowCount
    const items: Runnable[] = []
    const open = new Set<Bound>(node.items)
    for (const part of found) {
      if (!this.#worthBits(part, left)) continue
      items.push(this.#bits(part))
      if (part.exact) open.delete(part.leaf)
      left = Math.min(left, rowsOfFound(part, this.#rowCount))
    }
    let changed = items.length > 0
    for (const item of open) {
      const replaced = item.op === 'and' || item.op === 'or' ? this.#replace(item) : item
      changed ||= replaced !== item
      items.push(replaced)
    }
    if (!changed) return node
    return items.length === 1 ? items[0]! : { op: 'and', items }
  }

  /** True when collecting the rows costs less than asking the leaf about `left` rows, and is no long step. */
  #worthBits(found: Found, left: number): boolean {
    const writes = writesOf(found)
    return writes <= this.#writesLeft && writes * HIT_NS < left * costOf(found.leaf)
  }

  /** The rows as a bitset of the whole segment. */
  #bits(found: Found): Runnable {
    this.#writesLeft -= writesOf(found)
    return { op: 'bits', bits: takeBits(found, this.#source, this.#rowCount) }
  }
}

/** Bitsets of an `or` as one. */
function joinBits(items: readonly Runnable[]): Runnable[] {
  const out: Runnable[] = []
  let joined: Uint32Array | null = null
  for (const item of items) {
    if (item.op !== 'bits') out.push(item)
    else if (joined === null) {
      joined = item.bits
      out.unshift(item)
    } else orInto(joined, item.bits)
  }
  return out
}

function rowsOfFound({ stretches, negated }: Found, rowCount: number): number {
  return negated ? Math.max(0, rowCount - stretches.count) : Math.min(rowCount, stretches.count)
}

/** Bits to set and clear. */
function writesOf({ stretches, negated, decided }: Found): number {
  if (!negated || decided === null) return stretches.count
  return decided.reduce((sum, rows) => sum + rows.length, stretches.count)
}

function takeRows(found: Found): Int32Array {
  found.open.uses++
  const rows = new Int32Array(found.stretches.count)
  let at = 0
  for (const { postings, from, to } of found.stretches.list) {
    rows.set(postings.rows.subarray(from, to), at)
    at += to - from
  }
  return sortedDistinct(rows)
}

function sortedDistinct(rows: Int32Array): Int32Array {
  rows.sort()
  let kept = 0
  for (let i = 0; i < rows.length; i++) if (i === 0 || rows[i] !== rows[i - 1]) rows[kept++] = rows[i]!
  return rows.subarray(0, kept)
}

/** The rows as a bitset of the whole segment. */
function takeBits(found: Found, source: ColumnSource, rowCount: number): Uint32Array {
  found.open.uses++
  const bits = newBits(rowCount)
  const { list } = found.stretches
  if (!found.negated) {
    for (const { postings, from, to } of list) setRows(bits, postings.rows, from, to)
    return bits
  }
  if (found.decided === null) {
    const { validity } = source.column(found.leaf.field)
    if (validity === null) bits.fill(0xffffffff)
    else bits.set(validity.subarray(0, bits.length))
    if ((rowCount & 31) !== 0) bits[bits.length - 1]! &= 0xffffffff >>> (32 - (rowCount & 31))
  } else for (const rows of found.decided) setRows(bits, rows, 0, rows.length)
  for (const { postings, from, to } of list) clearRows(bits, postings.rows, from, to)
  return bits
}

function setRows(bits: Uint32Array, rows: Int32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) bits[rows[i]! >>> 5]! |= 1 << (rows[i]! & 31)
}

function clearRows(bits: Uint32Array, rows: Int32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) bits[rows[i]! >>> 5]! &= ~(1 << (rows[i]! & 31))
}
