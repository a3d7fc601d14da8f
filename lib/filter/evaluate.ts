/**
 * Runs a bound plan over columns: a bitset of the rows for which it is TRUE.
 *
 * The one idea is *narrowing*: `and` hands the bits that are left to the next item, cheapest first, and `or` asks the
 * next item only about rows no item has accepted yet. Expensive leaves (JSON, regex) therefore see few rows. Work goes
 * in blocks of BLOCK_ROWS so that the scratch bitsets stay small and are reused; evaluation is synchronous, so one set
 * of scratch per thread is enough.
 *
 * UNKNOWN needs no bits of its own: negation sits on the leaves (bound.ts says why).
 */
import { assert } from '../base/assert.js'
import type { OpenOrder } from '../index/scalar-order.js'
import type { Column, FixedColumn, VarColumn } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import { type Ask, askOf } from './ask-row.js'
import type { Bound, Leaf } from './bound.js'
import { type EvaluateElements, narrowMatch } from './match-elements.js'
import { narrowInt64Range, narrowIntegerSet, narrowNull, narrowRange, narrowValid } from './scan-fixed.js'
import { type TextTest, testText } from './text-test.js'
import { FALSE, TRUE } from './value.js'

/** Where the evaluator finds columns, by field index. */
export interface ColumnSource {
  column(fieldIndex: number): Column
  /** Scalar indexes that are ready on a field; a source without the method has none. */
  scalarOrders?(fieldIndex: number): readonly OpenOrder[]
}

/** What can be run: a bound plan, parts of which may have been answered for all rows already (serve.ts). */
export type Runnable =
  | Bound
  | { readonly op: 'and' | 'or'; readonly items: readonly Runnable[] }
  | { readonly op: 'bits'; readonly bits: Uint32Array }

/** Rows per block: 512 bytes of bits, and about 40 µs of a cheap leaf. A multiple of 32. */
const BLOCK_ROWS = 4096

/**
 * Writes the bits of the TRUE rows among [from, to) into `out`; bit index = row number. The words of that range are
 * overwritten. `from` is a multiple of 32; when `to` is not, the rest of its word is written as zeros.
 * Synchronous: callers slice large ranges themselves. Ignores a plan's `sample` (see sample.ts).
 */
export function evaluateFilter(
  plan: { readonly root: Runnable },
  source: ColumnSource,
  from: number,
  to: number,
  out: Uint32Array,
): void {
  assert((from & 31) === 0, 'a range starts at a word of the bitset')
  for (let start = from; start < to; start += BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, to - start)
    fillOnes(out, start >>> 5, count)
    narrow(plan.root, source, start, count, out, start >>> 5, 0)
  }
}

/** True when the filter is TRUE for one row. */
export function evaluateRow(plan: { readonly root: Runnable }, source: ColumnSource, row: number): boolean {
  oneRow[0] = 1 << (row & 31)
  narrow(plan.root, source, row & ~31, (row & 31) + 1, oneRow, 0, 0)
  return oneRow[0] !== 0
}

/** For a list of rows in any order: out[i] = 1 when the filter is TRUE for rows[i], else 0. */
export function evaluateRows(
  plan: { readonly root: Runnable },
  source: ColumnSource,
  rows: Int32Array,
  out: Uint8Array,
): void {
  let i = 0
  while (i < rows.length) {
    // Rows that stand in rising order in one word of the bitset are asked about together.
    const first = rows[i]! & ~31
    let last = rows[i]!
    let wanted = 1 << (last & 31)
    let next = i + 1
    while (next < rows.length && rows[next]! > last && (rows[next]! & ~31) === first) {
      last = rows[next++]!
      wanted |= 1 << (last & 31)
    }
    oneRow[0] = wanted
    narrow(plan.root, source, first, (last & 31) + 1, oneRow, 0, 0)
    for (; i < next; i++) out[i] = (oneRow[0]! >>> (rows[i]! & 31)) & 1
  }
}

const oneRow = new Uint32Array(1)
/** Two bitsets of one block per level of nested `or`. */
let scratch: Uint32Array[] = []
/** The same for expressions on elements, which run while the row's own are in use. They do not nest. */
let innerScratch: Uint32Array[] = []

/** Runs the expression of a predicate on elements over all of them. */
export const evaluateElements: EvaluateElements = (root, source, count, out) => {
  const outer = scratch
  scratch = innerScratch
  innerScratch = []
  try {
    for (let start = 0; start < count; start += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, count - start)
      fillOnes(out, start >>> 5, rows)
      narrow(root, source, start, rows, out, start >>> 5, 0)
    }
  } finally {
    innerScratch = scratch
    scratch = outer
  }
}

function scratchBits(index: number): Uint32Array {
  while (scratch.length <= index) scratch.push(new Uint32Array(BLOCK_ROWS >>> 5))
  return scratch[index]!
}

/** One bits for rows [0, count) from word `at` on, zeros up to the end of the last word. */
function fillOnes(bits: Uint32Array, at: number, count: number): void {
  const whole = count >>> 5
  bits.fill(0xffffffff, at, at + whole)
  if ((count & 31) !== 0) bits[at + whole] = 0xffffffff >>> (32 - (count & 31))
}

function anyBit(bits: Uint32Array, at: number, words: number): boolean {
  for (let w = at; w < at + words; w++) if (bits[w] !== 0) return true
  return false
}

/** Clears the bits of rows for which `node` is not TRUE. Bit 0 of word `at` is row `from`, a multiple of 32. */
function narrow(
  node: Runnable,
  source: ColumnSource,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
  depth: number,
): void {
  const words = (count + 31) >>> 5
  switch (node.op) {
    case 'all':
      return
    case 'none':
      bits.fill(0, at, at + words)
      return
    case 'and':
      for (let i = 0; i < node.items.length; i++) {
        if (i > 0 && !anyBit(bits, at, words)) return
        narrow(node.items[i]!, source, from, count, bits, at, depth)
      }
      return
    case 'bits': {
      const first = from >>> 5
      for (let w = 0; w < words; w++) bits[at + w]! &= node.bits[first + w]!
      return
    }
    case 'or':
      narrowOr(node.items, source, from, count, bits, at, depth)
      return
    default:
      narrowLeaf(node, source, from, count, bits, at)
  }
}

function narrowOr(
  items: readonly Runnable[],
  source: ColumnSource,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
  depth: number,
): void {
  const words = (count + 31) >>> 5
  const accepted = scratchBits(2 * depth)
  const asked = scratchBits(2 * depth + 1)
  accepted.fill(0, 0, words)
  for (let i = 0; i < items.length; i++) {
    let open = 0
    for (let w = 0; w < words; w++) {
      asked[w] = bits[at + w]! & ~accepted[w]!
      open |= asked[w]!
    }
    if (open === 0) break
    narrow(items[i]!, source, from, count, asked, 0, depth + 1)
    for (let w = 0; w < words; w++) accepted[w]! |= asked[w]!
  }
  for (let w = 0; w < words; w++) bits[at + w] = accepted[w]!
}

function narrowLeaf(
  leaf: Leaf,
  source: ColumnSource,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
): void {
  const column = source.column(leaf.field)
  if (leaf.op === 'valid') {
    if (leaf.negated) narrowNull(column.validity, from, count, bits, at)
    else narrowValid(column.validity, from, count, bits, at)
    return
  }
  // A path in a null JSON field does not exist, which is an answer; everything else about a null is UNKNOWN.
  const nullsMatch = leaf.op === 'exists' && leaf.negated
  if (!nullsMatch) narrowValid(column.validity, from, count, bits, at)
  if (leaf.op === 'match') {
    narrowMatch(leaf, column as VarColumn, from, count, bits, at, evaluateElements)
    return
  }
  if (leaf.op === 'scalar' && narrowScalar(leaf, column, from, count, bits, at)) return
  let other: Column | null = null
  if (leaf.op === 'columns') {
    other = source.column(leaf.otherField)
    narrowValid(other.validity, from, count, bits, at)
  }
  narrowRows(leaf, askOf(leaf), column, other, from, count, bits, at)
}

/** Ends of the narrow integer types by their width in bytes; ranges are clamped to them. */
const LIMITS: Readonly<Record<number, readonly [number, number]>> = {
  1: [-128, 127],
  2: [-32_768, 32_767],
  4: [-2_147_483_648, 2_147_483_647],
}

/** Tests that have a loop of their own; false when there is none. */
function narrowScalar(
  leaf: Extract<Leaf, { readonly op: 'scalar' }>,
  column: Column,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
): boolean {
  const { test, type, negated } = leaf
  if (type === DataType.VarChar) {
    if (test.test !== 'text') return false
    narrowText(test.text, negated, column as VarColumn, from, count, bits, at)
    return true
  }
  const { values } = column as FixedColumn
  const wide = type === DataType.Int64 || type === DataType.Timestamptz
  const float = type === DataType.Float || type === DataType.Double
  if (test.test === 'range') {
    const { range } = test
    if (wide) narrowInt64Range(values, range, negated, from, count, bits, at)
    else {
      const [least, greatest] = LIMITS[values.BYTES_PER_ELEMENT] ?? LIMITS[4]!
      const min = float ? range.low : Math.max(Number(range.min), least)
      const max = float ? range.high : Math.min(Number(range.max), greatest)
      narrowRange(values, min, max, negated, from, count, bits, at)
    }
    return true
  }
  if (test.test === 'members' && test.set.integers !== null && !float && type !== DataType.Bool) {
    narrowIntegerSet(values, wide, test.set.integers, negated, from, count, bits, at)
    return true
  }
  return false
}

function narrowText(
  test: TextTest,
  negated: boolean,
  column: VarColumn,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
): void {
  const { heap, offsets } = column
  const words = (count + 31) >>> 5
  for (let w = 0; w < words; w++) {
    let rest = bits[at + w]!
    let kept = 0
    while (rest !== 0) {
      const bit = rest & -rest
      rest ^= bit
      const row = from + (w << 5) + 31 - Math.clz32(bit)
      if (testText(test, heap, offsets[row]!, offsets[row + 1]!) !== negated) kept |= bit
    }
    bits[at + w] = kept
  }
}

function narrowRows(
  leaf: Leaf,
  ask: Ask,
  column: Column,
  other: Column | null,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
): void {
  const wanted = leaf.negated ? FALSE : TRUE
  const words = (count + 31) >>> 5
  for (let w = 0; w < words; w++) {
    let rest = bits[at + w]!
    let kept = 0
    while (rest !== 0) {
      const bit = rest & -rest
      rest ^= bit
      const row = from + (w << 5) + 31 - Math.clz32(bit)
      if (ask(leaf, column, row, other) === wanted) kept |= bit
    }
    bits[at + w] = kept
  }
}
