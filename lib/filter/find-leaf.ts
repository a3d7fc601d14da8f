/**
 * What a scalar index knows about one leaf of a filter: the stretches of its order that hold the rows (stretch.ts), and
 * whether that is all there is to know.
 *
 * A leaf is covered when the index keeps every class of values the leaf is about, for the same column, path or array.
 * Covered or not is decided here and nowhere else; what is done about it is decided in serve.ts.
 */
import { assert } from '../base/assert.js'
import type { ValueClass } from '../index/scalar-kind.js'
import type { OpenOrder, Postings } from '../index/scalar-order.js'
import { DataType, isIntegerType } from '../schema/data-type.js'
import type { Literal } from './ast.js'
import type { Bound, JsonPath, Leaf, Test } from './bound.js'
import type { ElementSet } from './element-set.js'
import type { ColumnSource } from './evaluate.js'
import { classesOf, Stretches } from './stretch.js'

/** What one index knows about one leaf. */
export interface Found {
  readonly leaf: Leaf
  readonly open: OpenOrder
  readonly stretches: Stretches
  /** False: some rows of the stretches may not pass. */
  readonly exact: boolean
  readonly negated: boolean
  /** Rows about which the plain leaf is TRUE or FALSE: entries of these, or (null) the valid rows. */
  readonly decided: readonly Int32Array[] | null
}

/** How many constants a leaf would have looked up: each costs some dozens of probes. */
export function lookupsOf(node: Bound): number {
  switch (node.op) {
    case 'scalar':
    case 'json': {
      const { test } = node
      if (test.test === 'members') return test.set.count
      return test.test === 'text' && test.text.kind === 'oneOf' ? test.text.count : 1
    }
    case 'contains':
      return node.sets.reduce((sum, set) => sum + set.count, 0)
    default:
      return 1
  }
}

/** What the first index that covers a leaf knows about it; null for other nodes and when none does. */
export function findLeaf(node: Bound, source: ColumnSource): Found | null {
  if (node.op !== 'scalar' && node.op !== 'json' && node.op !== 'contains') return null
  for (const open of source.scalarOrders!(node.field)) {
    const found = node.op === 'contains' ? findContains(node, open, source) : findTest(node, open, source)
    if (found !== null) return found
  }
  return null
}

type TestLeaf = Extract<Leaf, { readonly op: 'scalar' | 'json' }>

function findTest(leaf: TestLeaf, open: OpenOrder, source: ColumnSource): Found | null {
  const path = leaf.op === 'json' ? leaf.path : null
  if (open.order.form !== 'value' || !samePath(path, open.path)) return null
  const type = leaf.op === 'json' ? DataType.JSON : leaf.type
  const classes = testedClasses(leaf.test, type)
  if (classes === null) return null
  const kept = keptOf(open, classes, type)
  if (kept === null) return null
  const stretches = new Stretches({ column: source.column(leaf.field), type }, open.order)
  const exact = addTest(stretches, leaf.test, type)
  if (exact === null || (leaf.negated && !exact)) return null
  const decided = leaf.op === 'json' ? kept.map(postings => postings.rows) : null
  return { leaf, open, stretches, exact, negated: leaf.negated, decided }
}

/** Classes of values that a test is about; null when an order cannot answer it. */
function testedClasses(test: Test, type: DataType): readonly ValueClass[] | null {
  switch (test.test) {
    case 'range':
      return ['int', 'double']
    case 'arith':
      // Bounds on the stored integer itself: the operand was moved to the other side when bound.
      return isIntegerType(type) && test.exact && '+-*/'.includes(test.op) ? ['int'] : null
    case 'text':
      return ['text']
    case 'members':
      return memberClasses(test.set.literals, isIntegerType(type))
    case 'list':
      return null
  }
}

function memberClasses(literals: readonly Literal[], integersOnly: boolean): readonly ValueClass[] | null {
  const classes = new Set<ValueClass>()
  for (const literal of literals) {
    if (integersOnly && literal.kind !== 'int') return null
    // A list is a member of nothing: values of its class are UNKNOWN.
    for (const of of classesOf(literal) ?? []) classes.add(of)
  }
  return classes.size === 0 ? null : [...classes]
}

/** The postings of the tested classes; null when the index lacks one. A column has one class whatever is tested. */
function keptOf(open: OpenOrder, classes: readonly ValueClass[], type: DataType): readonly Postings[] | null {
  const { postings } = open.order
  const kept: Postings[] = []
  for (const of of classes) {
    const part = postings[of]
    if (part !== null) kept.push(part)
    else if (type === DataType.JSON) return null
  }
  // A range on a Bool column is one of 0 and 1.
  if (type === DataType.Bool && postings.bool !== null) return [postings.bool]
  return kept.length === 0 ? null : kept
}

/** Adds the stretches of a test; null when the order says nothing about it, false when it says too much. */
function addTest(stretches: Stretches, test: Test, type: DataType): boolean | null {
  switch (test.test) {
    case 'range':
    case 'arith':
      if (type === DataType.JSON) stretches.addNumbers(test.range)
      else stretches.addRange(test.range)
      return true
    case 'text':
      return stretches.addTextTest(test.text)
    case 'members':
      for (const literal of test.set.literals) stretches.addEqual(literal, type === DataType.Float)
      return true
    case 'list':
      return null
  }
}

type ContainsLeaf = Extract<Leaf, { readonly op: 'contains' }>

/** Of several sets that must each have an element, the rarest is looked up; the others are asked about its rows. */
function findContains(leaf: ContainsLeaf, open: OpenOrder, source: ColumnSource): Found | null {
  if (open.order.form !== 'element' || !samePath(leaf.path, open.path)) return null
  if (leaf.negated && leaf.sets.length > 1) return null
  const type = leaf.path === null ? leaf.type : DataType.JSON
  let best: Stretches | null = null
  for (const set of leaf.sets) {
    if (!coversSet(open, set, type)) return null
    const stretches = new Stretches({ column: source.column(leaf.field), type }, open.order)
    for (const literal of set.literals) stretches.addEqual(literal, type === DataType.Float)
    if (best === null || stretches.count < best.count) best = stretches
  }
  assert(best !== null, 'contains asks for something')
  const { arrays } = open.order
  const decided = leaf.path === null ? null : [arrays ?? new Int32Array(0)]
  return { leaf, open, stretches: best, exact: leaf.sets.length === 1, negated: leaf.negated, decided }
}

/** True when every element that could be in the set is in the index. */
function coversSet(open: OpenOrder, { literals }: ElementSet, type: DataType): boolean {
  return literals.every(literal => {
    const classes = classesOf(literal)
    if (classes === null) return false
    return type !== DataType.JSON || classes.every(of => open.order.postings[of] !== null)
  })
}

function samePath(path: JsonPath | null, keys: readonly string[] | null): boolean {
  if (path === null || keys === null) return path === null && keys === null
  if (path.length !== keys.length) return false
  return path.every((step, i) => Buffer.from(step.key).toString('utf8') === keys[i])
}
