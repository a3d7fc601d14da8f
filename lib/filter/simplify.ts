/**
 * Makes `and` / `or` of bound parts: flattens, drops constants, merges leaves that ask about the same thing, and puts
 * cheap leaves first.
 *
 * Only the rows for which the whole is TRUE matter here (bound.ts), so plain set algebra is sound: a union of
 * equalities on one column is one lookup in a set, an intersection of ranges is one range. A thousand `or` terms cost
 * one hash lookup per row instead of a thousand passes.
 */
import { DataType, isFloatType, isIntegerType } from '../schema/data-type.js'
import type { Literal } from './ast.js'
import { ALL, type Bound, type JsonPath, type Leaf, NONE, type Test } from './bound.js'
import { ByteSet, elementSetOf } from './element-set.js'
import { type NumberRange, withWords } from './number-range.js'

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
  merged.sort((a, b) => costOf(a) - costOf(b))
  return merged.length === 0 ? ALL : merged.length === 1 ? merged[0]! : { op: 'and', items: merged }
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
  merged.sort((a, b) => costOf(a) - costOf(b))
  return merged.length === 0 ? NONE : merged.length === 1 ? merged[0]! : { op: 'or', items: merged }
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
  const groups = new Map<string, { readonly leaf: SetLeaf; readonly literals: Literal[]; parts: number }>()
  const out: (Bound | string)[] = []
  for (const item of items) {
    const literals = equalityOf(item, negated)
    if (literals === null) {
      out.push(item)
      continue
    }
    const leaf = item as SetLeaf
    const key = subjectKey(leaf)
    const group = groups.get(key)
    if (group === undefined) {
      groups.set(key, { leaf, literals: [...literals], parts: 1 })
      out.push(key)
    } else {
      for (const literal of literals) group.literals.push(literal)
      group.parts++
    }
  }
  return out.map(entry => {
    if (typeof entry !== 'string') return entry
    const { leaf, literals, parts } = groups.get(entry)!
    return parts === 1 ? leaf : { ...leaf, test: membersTest(leaf, literals) }
  })
}

type SetLeaf = Extract<Leaf, { readonly op: 'scalar' | 'json' }>

/** Equal for leaves on one column or one JSON path. */
function subjectKey(leaf: SetLeaf): string {
  return `${leaf.field}${leaf.op === 'json' ? pathKey(leaf.path) : ''}`
}

function pathKey(path: JsonPath): string {
  return path.map(step => `/${Buffer.from(step.key).toString('hex')}`).join('')
}

/** The constants a leaf compares with for equality, or null when it does something else. */
function equalityOf(item: Bound, negated: boolean): readonly Literal[] | null {
  if (item.op !== 'scalar' && item.op !== 'json') return null
  if (item.negated !== negated || (item.op === 'json' && negated)) return null
  const { test } = item
  if (test.test === 'members') {
    return item.op === 'json' || isIntegerType(item.type) ? test.literals : null
  }
  if (test.test === 'range') {
    const { range } = test
    if (range.min !== range.max) return null
    if (item.op === 'scalar' ? !isIntegerType(item.type) : range.low !== range.high) return null
    return [{ kind: 'int', value: range.min }]
  }
  if (test.test !== 'text') return null
  const { text } = test
  if (text.kind === 'equal') return [{ kind: 'string', value: Buffer.from(text.bytes).toString('utf8') }]
  return text.kind === 'oneOf'
    ? text.members.map(bytes => ({ kind: 'string', value: Buffer.from(bytes).toString('utf8') }))
    : null
}

function membersTest(leaf: SetLeaf, literals: readonly Literal[]): Test {
  if (leaf.op === 'scalar' && leaf.type === DataType.VarChar) return oneOfTest(literals)
  return { test: 'members', set: elementSetOf(literals), literals }
}

/** `in` for strings. */
export function oneOfTest(literals: readonly Literal[]): Test {
  const members: Uint8Array[] = []
  for (const literal of literals)
    if (literal.kind === 'string') members.push(Buffer.from(literal.value, 'utf8'))
  return { test: 'text', text: { kind: 'oneOf', set: new ByteSet(members), members } }
}
