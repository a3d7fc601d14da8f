/**
 * Binds the predicates on struct arrays: `match_any`, `match_all`, `match_least`, `match_most`, `match_exact`
 * (query-search-semantics §1.15). The inner expression is bound like any other, against the sub-fields alone.
 */
import { DataType } from '../schema/data-type.js'
import type { CallNode, Node } from './ast.js'
import { type BindContext, sourceOf } from './bind-context.js'
import type { Bound } from './bound.js'
import { constantOf } from './fold.js'
import { type ElementTest, elementSchema } from './match-elements.js'
import { resolve, subjectType } from './names.js'
import { reject } from './reject.js'

const MATCHES: ReadonlySet<string> = new Set([
  'match_any',
  'match_all',
  'match_least',
  'match_most',
  'match_exact',
])

/** True for the names that `bindMatch` takes. */
export function isMatchFunction(name: string): boolean {
  return MATCHES.has(name)
}

/** Binds a predicate without a sample: how bind.ts lends itself to inner expressions. */
export type BindInner = (context: BindContext, node: Node) => Bound

/** Binds a match function. @param name in lower case */
export function bindMatch(
  context: BindContext,
  node: CallNode,
  name: string,
  negated: boolean,
  bindInner: BindInner,
): Bound {
  const threshold = thresholdOf(context, node, name)
  const { field, schema, inner } = structArguments(context, node, name)
  const root = bindInner({ ...context, schema: elementSchema(schema), constants: new Map() }, inner)
  return { op: 'match', field, schema, test: testOf(name, root, threshold), negated }
}

function testOf(name: string, root: Bound, threshold: number): ElementTest {
  const any = { root, all: false, least: 0, most: Number.POSITIVE_INFINITY }
  switch (name) {
    case 'match_all':
      return { ...any, all: true }
    case 'match_least':
      return { ...any, least: threshold }
    case 'match_most':
      return { ...any, most: threshold }
    case 'match_exact':
      return { ...any, least: threshold, most: threshold }
    default:
      return { ...any, least: 1 }
  }
}

/** The struct field and the expression of a call. */
function structArguments(context: BindContext, node: CallNode, name: string) {
  const [target, inner] = node.args
  if (target === undefined || inner === undefined || node.args.length !== 2) {
    return reject(`${name} takes a struct array field and an expression`)
  }
  if (target.kind !== 'path') return reject(`${name} can only be applied on a struct array field`)
  if (target.name === '$') return reject(`${name} cannot be nested`)
  const subject = resolve(context.schema, target)
  if (subject.kind !== 'column' || subject.type !== DataType.ArrayOfStruct) {
    return reject(`${name} can only be applied on a struct array field, got ${subjectType(subject)}`)
  }
  return { field: subject.field, schema: subject.schema, inner }
}

/**
 * Binds `element_filter(struct, pred)`: the rows with such an element, whose elements the query then finds again.
 * Its place (last operand of the top-level `and`) has been seen to by bind.ts.
 */
export function bindElementFilter(
  context: BindContext,
  node: CallNode,
  bindInner: BindInner,
): Extract<Bound, { readonly op: 'match' }> {
  const name = 'element_filter'
  if (node.named.length > 0) reject(`invalid option ${node.named[0]!.name} for ${name}`)
  const { field, schema, inner } = structArguments(context, node, name)
  const root = bindInner({ ...context, schema: elementSchema(schema), constants: new Map() }, inner)
  return { op: 'match', field, schema, test: testOf('match_any', root, 0), negated: false }
}

/** `threshold=N`: an integer for the three functions that count, nothing for the others. */
function thresholdOf(context: BindContext, node: CallNode, name: string): number {
  const counts = name !== 'match_any' && name !== 'match_all'
  const [given, more] = node.named
  if (!counts) {
    if (given !== undefined) reject(`invalid option ${given.name} for ${name}`)
    return 0
  }
  if (given === undefined || more !== undefined || given.name !== 'threshold') {
    return reject(`${name} takes a struct array field, an expression and threshold`)
  }
  const literal = constantOf(context, given.value)
  const least = name === 'match_least' ? 1n : 0n
  if (literal?.kind !== 'int' || literal.value < least || literal.value > 2n ** 31n - 1n) {
    return reject(`${name} needs a threshold of at least ${least}, got ${sourceOf(context, given.value)}`)
  }
  return Number(literal.value)
}
