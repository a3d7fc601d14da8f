/**
 * Everything that tests a field without comparing it: `in`, `like`, regex, null tests, `exists`, and the function
 * forms (query-search-semantics §1.8 to §1.16).
 */
import { DataType, dataTypeName, isFloatType, isIntegerType, isVectorType } from '../schema/data-type.js'
import type { CallNode, ListLiteral, Literal, Node, NodeOf } from './ast.js'
import { type BindContext, incomparable, membersTest, sourceOf, testLeaf, validLeaf } from './bind-context.js'
import { type BindInner, bindMatch, isMatchFunction } from './bind-elements.js'
import { bindGeometry, isGeometryFunction } from './bind-geometry.js'
import { ALL, type Bound, NONE, type Test } from './bound.js'
import { elementSetOf, packedSetOf } from './element-set.js'
import { constantOf, isNumber, literalText, literalType } from './fold.js'
import { refuseNull, resolve, type Subject, subjectType } from './names.js'
import type { PackedList } from './packed-list.js'
import { regexTest } from './regex.js'
import { reject } from './reject.js'
import { oneOfTest } from './simplify.js'
import { likeTest, oneOfPacked, type TextTest } from './text-test.js'

/** Binds `x in [...]` and `x not in [...]`. */
export function bindIn(context: BindContext, node: NodeOf<'in'>, negatedOutside: boolean): Bound {
  const negated = negatedOutside !== node.negated
  if (node.left.kind !== 'path') reject("'term' can only be used on single field")
  const subject = resolve(context.schema, node.left)
  const list = listOf(context, node.right)
  const count = list.packed?.count ?? list.items.length
  if (subject.kind === 'column' && !isListable(subject.type)) {
    if (count > 0) incomparable(subject, list.items[0]!)
    reject("'term' can only be used on single field")
  }
  if (list.packed !== undefined && fitsPacked(subject, list.packed)) {
    return testLeaf(subject, inPackedTest(subject, list.packed), negated)
  }
  for (const literal of list.items) {
    if (literal.kind === 'list') reject('array element type must be generic value')
    if (subject.kind !== 'json') checkListed(subject.type, literal)
  }
  // The empty list is an answer for every row, null or not.
  if (count === 0) return negated ? ALL : NONE
  return testLeaf(subject, inTest(subject, list.items), negated)
}

/** True when every value of the list can be in the field. */
function fitsPacked(subject: Subject, packed: PackedList): boolean {
  return subject.kind === 'json' || fitsType(subject.type, packed)
}

function fitsType(type: DataType, { kind }: PackedList): boolean {
  return kind === 'string' ? type === DataType.VarChar : isIntegerType(type) || isFloatType(type)
}

function inPackedTest(subject: Subject, packed: PackedList): Test {
  if (packed.kind === 'string' && subject.kind !== 'json') return { test: 'text', text: oneOfPacked(packed) }
  const single = subject.kind !== 'json' && subject.type === DataType.Float
  return { test: 'members', set: packedSetOf(packed, single) }
}

function isListable(type: DataType): boolean {
  return isIntegerType(type) || isFloatType(type) || type === DataType.Bool || type === DataType.VarChar
}

function inTest(subject: Subject, literals: readonly Literal[]): Test {
  if (subject.kind === 'json') return membersTest(literals)
  if (subject.type === DataType.VarChar) {
    const [only] = literals
    if (literals.length > 1 || only?.kind !== 'string') return oneOfTest(literals)
    return { test: 'text', text: { kind: 'equal', bytes: Buffer.from(only.value, 'utf8') } }
  }
  return membersTest(literals, subject.type === DataType.Float)
}

/** The constants on the right of `in`. */
function listOf(context: BindContext, node: Node): ListLiteral {
  if (node.kind === 'list') {
    const items = node.items.map((item, i) => {
      const literal = constantOf(context, item)
      if (literal !== null) return literal
      if (item.kind === 'path') refuseNull(item)
      const { start, end } = node.spans[i]!
      return reject(`value '${context.text.slice(start, end)}' in list cannot be a non-const expression`)
    })
    return { kind: 'list', items }
  }
  const literal = constantOf(context, node)
  if (literal?.kind === 'list') return literal
  return reject(`the right-hand side of 'in' must be a list, but got: ${sourceOf(context, node)}`)
}

function checkListed(type: DataType, literal: Literal): void {
  const fits =
    (type === DataType.Bool && literal.kind === 'bool') ||
    (type === DataType.VarChar && literal.kind === 'string') ||
    (isIntegerType(type) && literal.kind === 'int') ||
    (isFloatType(type) && isNumber(literal))
  if (!fits) reject(`value '${literalText(literal)}' in list cannot be casted to ${dataTypeName(type)}`)
}

// ---------------------------------------------------------------------------------------------- texts

function textSubject(context: BindContext, node: Node, complaint: string): Subject {
  if (node.kind !== 'path') return reject(complaint)
  const subject = resolve(context.schema, node)
  if (subject.kind !== 'json' && subject.type !== DataType.VarChar) reject(complaint)
  return subject
}

/** Binds `x like "a%"`. */
export function bindLike(context: BindContext, node: NodeOf<'like'>, negated: boolean): Bound {
  const subject = textSubject(
    context,
    node.left,
    'like operation on non-string or no-json field is unsupported',
  )
  const pattern = constantOf(context, node.right)
  if (pattern?.kind !== 'string') {
    return reject(
      `like operation needs a string literal or template variable, got: ${sourceOf(context, node.right)}`,
    )
  }
  return testLeaf(subject, { test: 'text', text: likeTest(pattern.value) }, negated)
}

/** Binds `x =~ "re"` and `x !~ "re"`. */
export function bindRegex(context: BindContext, node: NodeOf<'regex'>, negated: boolean): Bound {
  const subject = textSubject(
    context,
    node.left,
    'regex match on non-string or non-json field is unsupported',
  )
  let pattern: string
  if (node.right.kind === 'string') pattern = node.right.pattern
  else {
    const literal = node.right.kind === 'template' ? constantOf(context, node.right) : null
    if (literal?.kind !== 'string') {
      return reject(
        `the right operand of a regex match must be a string literal or template variable, got: ${sourceOf(context, node.right)}`,
      )
    }
    pattern = literal.value
  }
  return testLeaf(subject, { test: 'text', text: regexTest(pattern) }, negated !== node.negated)
}

// ---------------------------------------------------------------------------------------------- null, exists

/** Binds `x is null` and `x is not null`. */
export function bindNull(context: BindContext, node: NodeOf<'null'>, negatedOutside: boolean): Bound {
  const negated = negatedOutside !== node.negated
  const { operand } = node
  if (operand.kind !== 'path') return reject('IsNull/IsNotNull operations are only supported on fields')
  const subject = resolve(context.schema, operand)
  if (subject.kind === 'element') {
    reject('IsNull/IsNotNull operations are not supported on array element access')
  }
  if (subject.kind === 'json' && subject.path.length > 0) {
    return { op: 'exists', field: subject.field, path: subject.path, negated: !negated }
  }
  if (isVectorType(subject.schema.dataType)) {
    reject('IsNull/IsNotNull operations are not supported on vector fields')
  }
  return validLeaf(subject.schema, subject.field, !negated)
}

/** Binds `exists j["k"]`. */
export function bindExists(context: BindContext, node: NodeOf<'exists'>, negated: boolean): Bound {
  const { operand } = node
  const complaint = 'exists operations are only supportted on json'
  if (operand.kind !== 'path') return reject(`${complaint} field, got:${sourceOf(context, operand)}`)
  const subject = resolve(context.schema, operand)
  if (subject.kind !== 'json') return reject(`${complaint} field, got:${subjectType(subject)}`)
  if (subject.path.length === 0) reject(`${complaint} key`)
  return { op: 'exists', field: subject.field, path: subject.path, negated }
}

// ---------------------------------------------------------------------------------------------- functions

/** Binds a function form that is a predicate. */
export function bindCall(
  context: BindContext,
  node: CallNode,
  negated: boolean,
  bindInner: BindInner,
): Bound {
  const name = node.name === node.name.toUpperCase() ? node.name.toLowerCase() : node.name
  switch (name) {
    case 'json_contains':
    case 'array_contains':
      return bindContains(context, node, 'one', negated)
    case 'json_contains_all':
    case 'array_contains_all':
      return bindContains(context, node, 'all', negated)
    case 'json_contains_any':
    case 'array_contains_any':
      return bindContains(context, node, 'any', negated)
    case 'empty':
      return testLeaf(varcharArgument(context, node, 1), { test: 'text', text: likeTest('') }, negated)
    case 'starts_with':
      return bindStartsWith(context, node, negated)
    case 'text_match':
    case 'text_match_fuzzy':
    case 'phrase_match':
      return bindTextMatch(context, node, name)
    case 'random_sample':
      return reject('random sample expression can only be the last expression in the logical and expression')
    case 'element_filter':
      return reject('element_filter can only be the last operand of the logical and expression')
    case 'array_length':
      return reject(`predicate is not a boolean expression: ${sourceOf(context, node)}, data type: Int64`)
  }
  if (isMatchFunction(name)) return bindMatch(context, node, name, negated, bindInner)
  if (isGeometryFunction(name)) return bindGeometry(context, node, name, negated)
  return reject(`function ${node.name} not found`)
}

function bindContains(
  context: BindContext,
  node: CallNode,
  mode: 'one' | 'all' | 'any',
  negated: boolean,
): Bound {
  const [target, value] = node.args
  if (node.args.length !== 2 || node.named.length > 0) return reject(`${node.name} takes a field and a value`)
  const complaint = 'contains operation are only supported on json or array fields now'
  if (target!.kind !== 'path') return reject(complaint)
  const subject = resolve(context.schema, target!)
  const array = subject.kind === 'column' && subject.type === DataType.Array
  if (!array && subject.kind !== 'json') reject(complaint)
  const literal = constantOf(context, value!)
  if (literal === null)
    return reject(`contains operation element must be a constant: ${sourceOf(context, value!)}`)
  const type = subject.kind === 'column' ? subject.schema.elementType : DataType.None
  let literals: readonly Literal[] = [literal]
  let packed: PackedList | null = null
  if (mode !== 'one') {
    if (literal.kind !== 'list') {
      return reject(`Contains${mode === 'all' ? 'All' : 'Any'} operation element must be an array`)
    }
    if (mode === 'any' && literal.packed !== undefined && (!array || fitsType(type, literal.packed))) {
      packed = literal.packed
    }
    literals = packed === null ? literal.items : []
  }
  if (array) for (const item of literals) checkElement(type, item)
  // Empty lists are answers for every row, null or not.
  if (literals.length === 0 && packed === null) return (mode === 'all') !== negated ? ALL : NONE
  const single = array && type === DataType.Float
  const sets =
    mode === 'all'
      ? distinctSets(literals, single)
      : [packed === null ? elementSetOf(literals, single) : packedSetOf(packed, single)]
  const path = subject.kind === 'json' ? subject.path : null
  return {
    op: 'contains',
    field: subject.field,
    path,
    type,
    mode: mode === 'all' ? 'all' : 'any',
    sets,
    negated,
  }
}

/** One set per distinct value. */
function distinctSets(literals: readonly Literal[], single: boolean) {
  const distinct = new Map<string, Literal>()
  for (const literal of literals) distinct.set(literalText(literal), literal)
  return [...distinct.values()].map(literal => elementSetOf([literal], single))
}

function checkElement(type: DataType, literal: Literal): void {
  const fits =
    (type === DataType.Bool && literal.kind === 'bool') ||
    (type === DataType.VarChar && literal.kind === 'string') ||
    (isIntegerType(type) && literal.kind === 'int') ||
    (isFloatType(type) && isNumber(literal))
  if (!fits) {
    reject(
      `contains operation can't compare between array element type: ${dataTypeName(type)} and ${literalType(literal)}`,
    )
  }
}

/** The first argument of a function on VarChar columns, which takes `count` arguments. */
function varcharArgument(context: BindContext, node: CallNode, count: number): Subject {
  const [target] = node.args
  if (node.args.length !== count || node.named.length > 0 || target?.kind !== 'path') {
    return reject(`function ${node.name} takes a VarChar field${count > 1 ? ' and a string' : ''}`)
  }
  const subject = resolve(context.schema, target)
  if (subject.kind !== 'column' || subject.type !== DataType.VarChar) {
    reject(`function ${node.name} can only be applied on a VarChar field, got ${subjectType(subject)}`)
  }
  return subject
}

function bindStartsWith(context: BindContext, node: CallNode, negated: boolean): Bound {
  const subject = varcharArgument(context, node, 2)
  const prefix = constantOf(context, node.args[1]!)
  if (prefix?.kind !== 'string') return reject(`function ${node.name} takes a VarChar field and a string`)
  const text: TextTest = { kind: 'prefix', bytes: Buffer.from(prefix.value, 'utf8') }
  return testLeaf(subject, { test: 'text', text }, negated)
}

/** Full-text predicates need an analyzer on the field, which no schema of this engine has yet. */
function bindTextMatch(context: BindContext, node: CallNode, name: string): Bound {
  const [target, query] = node.args
  const option = {
    text_match: 'minimum_should_match',
    text_match_fuzzy: 'max_edit_distance',
    phrase_match: 'slop',
  }[name]
  const bare = name === 'phrase_match' && node.args.length === 3
  if ((node.args.length !== 2 && !bare) || target?.kind !== 'path') {
    return reject(`${name} takes a field, a query text and ${option}`)
  }
  // A Text field is refused everywhere else; here it only lacks its analyzer.
  const field = context.schema.fields.find(f => f.name === target.name)
  const type = field?.dataType
  if (
    field === undefined ||
    target.keys.length > 0 ||
    (type !== DataType.VarChar && type !== DataType.Text)
  ) {
    if (field === undefined) resolve(context.schema, target)
    return reject('text match operation on non-string is unsupported')
  }
  for (const { name: given } of node.named) {
    if (given !== option) reject(`invalid option ${given} for ${name}`)
  }
  if (constantOf(context, query!)?.kind !== 'string')
    return reject(`${name} needs a string literal or template variable`)
  if (field.params['enable_match'] !== 'true') return reject(`field "${field.name}" does not enable match`)
  return reject(`${name} is not supported yet`)
}
