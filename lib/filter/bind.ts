/**
 * A tree and a schema to a bound plan: names resolved, types checked, constants folded, `not` pushed to the leaves.
 *
 * `negated` travels down instead of a result travelling up: `not (a and b)` is bound as `not a or not b`. Both sides of
 * De Morgan agree in three-valued logic, so no leaf ever needs an UNKNOWN bit (bound.ts).
 */
import { atOnce, type Steps } from '../base/steps.js'
import type { CallNode, Node, NodeOf } from './ast.js'
import { bindCompare, bindRange } from './bind-compare.js'
import { type BindContext, sourceOf } from './bind-context.js'
import { bindElementFilter } from './bind-elements.js'
import { bindCall, bindExists, bindIn, bindLike, bindNull, bindRegex } from './bind-test.js'
import { ALL, type Bound, NONE } from './bound.js'
import { constantOf, constantSteps, isComposed, literalType } from './fold.js'
import { resolve, subjectType } from './names.js'
import { reject } from './reject.js'
import { makeAnd, makeOr } from './simplify.js'

/** A bound predicate and the share of its rows that `random_sample` keeps (null: all). */
export interface BoundFilter {
  readonly root: Bound
  readonly sample: number | null
  /** The `element_filter` of the predicate, which also stands in `root`; null: none. */
  readonly elements: MatchLeaf | null
}

type MatchLeaf = Extract<Bound, { readonly op: 'match' }>

/** Binds a whole filter, in steps between the terms of chains. @throws MilvusError 1100 with the detail alone */
export function* bindSteps(context: BindContext, node: Node): Steps<BoundFilter> {
  const alone = sampleFactor(context, node)
  if (alone !== null) return { root: ALL, sample: alone, elements: null }
  if (isElementFilter(node)) {
    const elements = bindElementFilter(context, node, bindInner)
    return { root: elements, sample: null, elements }
  }
  if (node.kind === 'and') {
    const last = node.items.at(-1)!
    const rest: Node = { ...node, items: node.items.slice(0, -1) }
    const sample = sampleFactor(context, last)
    if (sample !== null) return { root: yield* predicateSteps(context, rest, false), sample, elements: null }
    if (isElementFilter(last)) {
      const elements = bindElementFilter(context, last, bindInner)
      return {
        root: makeAnd([yield* predicateSteps(context, rest, false), elements]),
        sample: null,
        elements,
      }
    }
  }
  return { root: yield* predicateSteps(context, node, false), sample: null, elements: null }
}

function isElementFilter(node: Node): node is CallNode {
  return node.kind === 'call' && /^(element_filter|ELEMENT_FILTER)$/.test(node.name)
}

/** The factor of `random_sample(p)`, or null for any other node. */
function sampleFactor(context: BindContext, node: Node): number | null {
  if (node.kind !== 'call' || !/^(random_sample|RANDOM_SAMPLE)$/.test(node.name)) return null
  const factor = node.args.length === 1 ? constantOf(context, node.args[0]!) : null
  const p = factor?.kind === 'float' || factor?.kind === 'int' ? Number(factor.value) : Number.NaN
  if (!(p > 1e-10 && p < 1 - 1e-10)) {
    reject('the sample factor should be between 0 and 1 and not too close to 0 or 1')
  }
  return p
}

function* predicateSteps(context: BindContext, node: Node, negated: boolean): Steps<Bound> {
  if (!isComposed(node)) return bindPlain(context, node, negated)
  const constant = yield* constantSteps(context, node)
  if (constant?.kind === 'bool') return constant.value !== negated ? ALL : NONE
  if (node.kind === 'and' || node.kind === 'or') return yield* chainSteps(context, node, negated)
  const { operand } = node as NodeOf<'not'>
  if (!isPredicate(operand)) reject('not op can only be applied on boolean expression')
  return yield* predicateSteps(context, operand, !negated)
}

/** Binds a predicate that is no chain and no negation. */
function bindPlain(context: BindContext, node: Node, negated: boolean): Bound {
  const constant = constantOf(context, node)
  if (constant !== null) {
    if (constant.kind !== 'bool') return notBoolean(context, node)
    return constant.value !== negated ? ALL : NONE
  }
  switch (node.kind) {
    case 'compare':
      return bindCompare(context, node, negated)
    case 'range':
      return bindRange(context, node, negated)
    case 'in':
      if (node.right.kind === 'not') constantOf(context, node.right) // says `not can only apply on boolean`
      return bindIn(context, node, negated)
    case 'like':
      return bindLike(context, node, negated)
    case 'regex':
      return bindRegex(context, node, negated)
    case 'null':
      return bindNull(context, node, negated)
    case 'exists':
      return bindExists(context, node, negated)
    case 'call':
      return bindCall(context, node, negated, bindInner)
    default:
      return notBoolean(context, node)
  }
}

/** An inner expression of a function form. */
function bindInner(context: BindContext, node: Node): Bound {
  return atOnce(predicateSteps(context, node, false))
}

function* chainSteps(context: BindContext, node: NodeOf<'and' | 'or'>, negated: boolean): Steps<Bound> {
  const parts: Bound[] = []
  for (const item of node.items) {
    if (!isPredicate(item) && constantOf(context, item)?.kind !== 'bool') {
      if (item.kind === 'path') resolve(context.schema, item)
      reject(`'${node.kind}' can only be used between boolean expressions`)
    }
    yield
    parts.push(
      isComposed(item) ? yield* predicateSteps(context, item, negated) : bindPlain(context, item, negated),
    )
  }
  return (node.kind === 'and') !== negated ? makeAnd(parts) : makeOr(parts)
}

/** True for nodes that are questions by their form; a bare column is not one, even a Bool. */
function isPredicate(node: Node): boolean {
  switch (node.kind) {
    case 'and':
    case 'or':
    case 'not':
    case 'compare':
    case 'range':
    case 'in':
    case 'like':
    case 'regex':
    case 'null':
    case 'exists':
    case 'call':
    case 'bool':
      return true
    default:
      return false
  }
}

function notBoolean(context: BindContext, node: Node): never {
  const constant = constantOf(context, node)
  let type = 'Int64'
  if (constant !== null) type = literalType(constant)
  else if (node.kind === 'path') type = subjectType(resolve(context.schema, node))
  else if (node.kind === 'iso') type = 'Timestamptz'
  else if (node.kind === 'list' || node.kind === 'literals') type = 'Array'
  return reject(`predicate is not a boolean expression: ${sourceOf(context, node)}, data type: ${type}`)
}
