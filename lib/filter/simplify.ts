/**
 * Makes `and` / `or` of bound parts: flattens, drops constants, merges leaves that ask about the same thing, and puts
 * cheap leaves first.
 *
 * Only the rows for which the whole is TRUE matter here (bound.ts), so plain set algebra is sound: a union of
 * equalities on one column is one lookup in a set, an intersection of ranges is one range. A thousand `or` terms cost
 * one hash lookup per row instead of a thousand passes.
 */
import { assert } from '../base/assert.js'
import { DataType, isFloatType, isIntegerType } from '../schema/data-type.js'
import type { Literal } from './ast.js'
import { membersTest } from './bind-context.js'
import { ALL, type Bound, type JsonPath, type Leaf, NONE, type Test } from './bound.js'
import { packedSetOf } from './element-set.js'
import { type NumberRange, withWords } from './number-range.js'
import { joinPacked, packedOfTest, packLiterals } from './packed-list.js'
import { oneOf, oneOfPacked } from './text-test.js'

/** Rows for which every part is TRUE. */
export function makeAnd(parts: readonly Bound[]): Bound {
  const items: Bound[] = []
  for (const part of parts) {
    if (part.op === 'none') return NONE
    if (part.op === 'and') for (const item of part.items) items.push(item)
    else if (part.op !== 'all') items.push(part)
  }
  const merged = mergeEqualities(intersectRanges(items), true)
  for (const item of merged) if (item.op === 'none') return NONE
  if (merged.length < 2) return merged[0] ?? ALL
  return { op: 'and', items: cheapestFirst(merged) }
}

/** Rows for which some part is TRUE. */
export function makeOr(parts: readonly Bound[]): Bound {
  const items: Bound[] = []
  for (const part of parts) {
    if (part.op === 'all') return ALL
    if (part.op === 'or') for (const item of part.items) items.push(item)
    else if (part.op !== 'none') items.push(part)
  }
  const merged = mergeEqualities(items, false)
  if (merged.length < 2) return merged[0] ?? NONE
  return { op: 'or', items: cheapestFirst(merged) }
}

/** In the order of their costs, each worked out once; equal ones stay as they were. */
function cheapestFirst(items: readonly Bound[]): Bound[] {
  const costs = Float64Array.from(items, costOf)
  const places = Uint32Array.from(items, (_, i) => i)
  places.sort((a, b) => costs[a]! - costs[b]! || a - b)
  return Array.from(places, i => items[i]!)
}

/** Rough nanoseconds per row; only the order matters. */
export function costOf(node: Bound): number {
  switch (node.op) {
    case 'all':
    case 'none':
    case 'valid':
      return 0
    case 'and':
    case 'or':
      return node.items.reduce((sum, item) => sum + costOf(item), 1)
    case 'scalar':
      return node.type === DataType.VarChar ? 10 + testCost(node.test) : 1 + testCost(node.test)
    case 'element':
      return 20 + testCost(node.test)
    case 'length':
      return node.path === null ? 15 : 150
    case 'arrayEquals':
      return 30
    case 'columns':
      return 20
    case 'contains':
      return (node.path === null ? 60 : 200) * node.sets.length
    case 'exists':
      return 100
    case 'json':
      return 100 + testCost(node.test)
    case 'calendar':
      return 500
    case 'geometry':
    case 'match':
      return 1000
  }
}

/** Nanoseconds that a step of an evaluation should take. */
const STEP_NS = 1_000_000

/** Rows that a plan can be asked about in one step: a multiple of 32, at most `most`. */
export function rowsPerStep(root: Bound, most: number): number {
  const rows = Math.floor(STEP_NS / (1 + costOf(root)))
  return Math.max(32, Math.min(most, rows & ~31))
}

function testCost(test: Test): number {
  switch (test.test) {
    case 'range':
      return 1
    case 'arith':
      return 10
    case 'members':
      return 10
    case 'list':
      return 100
    case 'text':
      return { equal: 1, prefix: 1, suffix: 2, order: 5, oneOf: 20, infix: 30, like: 50, regex: 200 }[
        test.text.kind
      ]
  }
}

/** `a > 1 and a < 5`: one range instead of two passes. Plain leaves on one column or one JSON path. */
function intersectRanges(items: readonly Bound[]): Bound[] {
  const placeOf = new Map<string, number>()
  const out: Bound[] = []
  for (const item of items) {
    if ((item.op !== 'scalar' && item.op !== 'json') || item.negated || item.test.test !== 'range') {
      out.push(item)
      continue
    }
    const key = subjectKey(item)
    const at = placeOf.get(key)
    if (at === undefined) {
      placeOf.set(key, out.length)
      out.push(item)
      continue
    }
    const other = out[at] as typeof item
    const range = intersect(item.test.range, (other.test as { readonly range: NumberRange }).range)
    const noDouble = !(range.low <= range.high)
    const noInteger = range.min > range.max
    const empty = item.op === 'json' ? noDouble && noInteger : isFloatType(item.type) ? noDouble : noInteger
    if (empty) return [NONE]
    out[at] = { ...item, test: { test: 'range', range } }
  }
  return out
}

function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}

function intersect(a: NumberRange, b: NumberRange): NumberRange {
  return withWords(
    larger(a.min, b.min),
    -larger(-a.max, -b.max),
    Math.max(a.low, b.low), // NaN (a bound nothing passes) stays NaN
    Math.min(a.high, b.high),
  )
}

/**
 * Joins equalities with one column or JSON path into one set: plain ones of an `or`, negated ones of an `and` (columns
 * only: a JSON set also decides which classes are UNKNOWN).
 */
function mergeEqualities(items: readonly Bound[], negated: boolean): Bound[] {
  const groups = new Map<string, SetLeaf[]>()
  const out: (Bound | string)[] = []
  for (const item of items) {
    if (!isEquality(item, negated)) {
      out.push(item)
      continue
    }
    const key = subjectKey(item)
    const group = groups.get(key)
    if (group === undefined) {
      groups.set(key, [item])
      out.push(key)
    } else group.push(item)
  }
  return out.map(entry => {
    if (typeof entry !== 'string') return entry
    const leaves = groups.get(entry)!
    const leaf = leaves[0]!
    return leaves.length === 1 ? leaf : { ...leaf, test: joinTests(leaf, leaves) }
  })
}

type SetLeaf = Extract<Leaf, { readonly op: 'scalar' | 'json' }>

/** Equal for leaves on one column or one JSON path. */
function subjectKey(leaf: SetLeaf): string {
  return `${leaf.field}${leaf.op === 'json' ? pathKey(leaf.path) : ''}`
}

function pathKey(path: JsonPath): string {
  let out = ''
  // A key may hold any byte, so its length goes before it.
  for (const { key } of path)
    out += `/${key.length}:${Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')}`
  return out
}

/** True for a leaf that compares with constants for equality and may be joined with others. */
function isEquality(item: Bound, negated: boolean): item is SetLeaf {
  if (item.op !== 'scalar' && item.op !== 'json') return false
  if (item.negated !== negated || (item.op === 'json' && negated)) return false
  const { test } = item
  if (test.test === 'members') return item.op === 'json' || isIntegerType(item.type)
  if (test.test === 'text') return test.text.kind === 'equal' || test.text.kind === 'oneOf'
  if (test.test !== 'range' || test.range.min !== test.range.max) return false
  return item.op === 'scalar' ? isIntegerType(item.type) : test.range.low === test.range.high
}

/** The constants an equality compares with. */
function constantsOf({ test }: SetLeaf): readonly Literal[] {
  if (test.test === 'members') return test.set.literals
  if (test.test === 'range') return [{ kind: 'int', value: test.range.min }]
  assert(test.test === 'text', 'an equality is a range, a set or a text')
  const { text } = test
  if (text.kind === 'equal') return [textLiteral(text.bytes)]
  assert(text.kind === 'oneOf', 'an equality of texts is one, or one of some')
  return text.members.map(textLiteral)
}

function textLiteral(bytes: Uint8Array): Literal {
  return { kind: 'string', value: Buffer.from(bytes).toString('utf8') }
}

/** Equality with any constant of several equalities with one subject. */
function joinTests(leaf: SetLeaf, leaves: readonly SetLeaf[]): Test {
  const text = leaf.op === 'scalar' && leaf.type === DataType.VarChar
  if (leaves.some(part => packedOfTest(part.test) !== null)) {
    const lists = leaves.map(part => packedOfTest(part.test) ?? packLiterals(constantsOf(part)))
    const joined = lists.every(list => list !== null) ? joinPacked(lists) : null
    if (joined?.kind === 'string' && text) return { test: 'text', text: oneOfPacked(joined) }
    if (joined !== null) return { test: 'members', set: packedSetOf(joined) }
  }
  const literals: Literal[] = []
  for (const part of leaves) for (const literal of constantsOf(part)) literals.push(literal)
  return text ? oneOfTest(literals) : membersTest(literals)
}

/** `in` for strings. */
export function oneOfTest(literals: readonly Literal[]): Test {
  const members: Uint8Array[] = []
  for (const literal of literals)
    if (literal.kind === 'string') members.push(Buffer.from(literal.value, 'utf8'))
  return { test: 'text', text: oneOf(members) }
}
