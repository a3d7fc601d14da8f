/**
 * Comparisons and range chains: which types meet, what the constant becomes, and which leaf comes out
 * (query-search-semantics §1.5, §1.6, §1.17).
 */
import { DataType, isFloatType, isIntegerType } from '../schema/data-type.js'
import { type CompareOp, flipCompare, type Literal, type Node, type NodeOf, type RangeNode } from './ast.js'
import { type ArithOperand, arithTest, bindArithOperand, castError } from './bind-arith.js'
import { type BindContext, incomparable, membersTest, testLeaf } from './bind-context.js'
import type { Bound, Test } from './bound.js'
import { compareNumbers, compareTexts, constantOf, isNumber, literalType } from './fold.js'
import { type Interval, parseInterval, parseTimestamp } from './interval.js'
import { resolve, type Subject, subjectType } from './names.js'
import { integerRange, type NumberRange, rangeOf, rangeOfCompare } from './number-range.js'
import { reject } from './reject.js'
import type { TextTest } from './text-test.js'

/** What may stand opposite a constant. */
type Operand =
  | Subject
  | ArithOperand
  | { readonly kind: 'length'; readonly subject: Subject }
  | { readonly kind: 'moved'; readonly subject: Subject; readonly interval: Interval }

/** Binds `left op right`; constant-only comparisons have been folded before. */
export function bindCompare(context: BindContext, node: NodeOf<'compare'>, negated: boolean): Bound {
  const { left, right, op } = node
  if (left.kind === 'iso') return bindTimestamp(context, right, flipCompare(op), left, negated)
  if (right.kind === 'iso') return bindTimestamp(context, left, op, right, negated)
  const leftConstant = constantOf(context, left)
  if (leftConstant !== null) {
    const operand = operandOf(context, right)
    return compareWith(operand, flipCompare(op), leftConstant, negated, true)
  }
  const rightConstant = constantOf(context, right)
  if (rightConstant !== null) return compareWith(operandOf(context, left), op, rightConstant, negated, false)
  return compareColumns(context, node, negated)
}

function operandOf(context: BindContext, node: Node): Operand {
  switch (node.kind) {
    case 'path':
      return resolve(context.schema, node)
    case 'arith':
      if (node.right.kind === 'interval') return movedOperand(context, node)
      return bindArithOperand(context, node)
    case 'call':
      if (/^(array_length|ARRAY_LENGTH)$/.test(node.name)) return lengthOperand(context, node)
      return reject('only comparison between two fields is supported')
    case 'invert':
    case 'negate':
    case 'plus':
      return reject('unary operators can only apply on constants')
    case 'not':
      return reject('not op can only be applied on boolean expression')
    case 'list':
      return reject('list in a comparison can only hold constants')
    default:
      return reject('only comparison between two fields is supported')
  }
}

/** The argument of array_length: an Array column or a JSON path. */
export function lengthOperand(
  context: BindContext,
  node: NodeOf<'call'>,
): { readonly kind: 'length'; readonly subject: Subject } {
  const [argument] = node.args
  if (node.args.length !== 1 || node.named.length > 0 || argument?.kind !== 'path') {
    return reject('array_length takes one field')
  }
  const subject = resolve(context.schema, argument)
  // A struct array's row starts with its element count too.
  const array =
    subject.kind === 'json' ||
    (subject.kind === 'column' &&
      (subject.type === DataType.Array || subject.type === DataType.ArrayOfStruct))
  if (!array) reject('array_length operation are only supported on json or array fields now')
  return { kind: 'length', subject }
}

function compareWith(
  operand: Operand,
  op: CompareOp,
  literal: Literal,
  negated: boolean,
  flipped: boolean,
): Bound {
  const negate = negated !== (op === '!=')
  switch (operand.kind) {
    case 'arith':
      return testLeaf(operand.subject, arithTest(operand, op, literal), negate)
    case 'length':
      if (literal.kind === 'float') castError(DataType.Int64, literal)
      if (literal.kind !== 'int') {
        return reject(`comparisons between Int64 and ${literalType(literal)} are not supported`)
      }
      return lengthLeaf(operand.subject, rangeOfCompare(op, literal), negate)
    case 'moved':
      return reject('INTERVAL can only be compared with an ISO timestamp')
    case 'column':
      if (operand.type === DataType.Array) return compareArray(operand, op, literal, negate)
      return testLeaf(operand, scalarTest(operand, op, literal, flipped), negate)
    case 'element':
      return testLeaf(operand, scalarTest(operand, op, literal, flipped), negate)
    case 'json':
      return testLeaf(operand, jsonTest(op, literal), negate)
  }
}

/** A leaf on the length of an array. */
function lengthLeaf(subject: Subject, range: NumberRange, negated: boolean): Bound {
  const path = subject.kind === 'json' ? subject.path : null
  return { op: 'length', field: subject.field, path, range, negated }
}

type TypedSubject = Exclude<Subject, { readonly kind: 'json' }>

/** The test of a typed value against a constant (for `!=`: of `==`). */
function scalarTest(subject: TypedSubject, op: CompareOp, literal: Literal, flipped: boolean): Test {
  const { type } = subject
  if (type === DataType.Bool && literal.kind === 'bool') {
    if (op !== '==' && op !== '!=') reject('invalid range operations on boolean expr')
    return boolTest(subject, literal)
  }
  if (type === DataType.VarChar && literal.kind === 'string')
    return { test: 'text', text: textTest(op, literal.value) }
  if (isNumber(literal) && (isIntegerType(type) || isFloatType(type))) {
    if (isIntegerType(type) && literal.kind === 'float') castError(type, literal)
    return { test: 'range', range: rangeOfCompare(op, literal, type === DataType.Float) }
  }
  return incomparable(subject, literal, flipped)
}

/** A Bool column is a range of 0 and 1, an array element a member of a set. */
function boolTest(subject: TypedSubject, literal: Extract<Literal, { readonly kind: 'bool' }>): Test {
  if (subject.kind === 'element') return membersTest([literal])
  const bit = literal.value ? 1n : 0n
  return { test: 'range', range: integerRange(bit, bit) }
}

function textTest(op: CompareOp, value: string): TextTest {
  const bytes = Buffer.from(value, 'utf8')
  switch (op) {
    case '==':
    case '!=':
      return { kind: 'equal', bytes }
    case '<':
    case '<=':
      return { kind: 'order', low: null, lowInclusive: false, high: bytes, highInclusive: op === '<=' }
    case '>':
    case '>=':
      return { kind: 'order', low: bytes, lowInclusive: op === '>=', high: null, highInclusive: false }
  }
}

function jsonTest(op: CompareOp, literal: Literal): Test {
  const equality = op === '==' || op === '!='
  switch (literal.kind) {
    case 'int':
    case 'float':
      return { test: 'range', range: rangeOfCompare(op, literal) }
    case 'string':
      return { test: 'text', text: textTest(op, literal.value) }
    case 'bool':
      return equality ? membersTest([literal]) : reject('invalid range operations on boolean expr')
    case 'list':
      return equality
        ? { test: 'list', items: literal.items }
        : reject('can not comparisons array fields directly')
  }
}

function compareArray(
  subject: Extract<Subject, { readonly kind: 'column' }>,
  op: CompareOp,
  literal: Literal,
  negated: boolean,
): Bound {
  if (op !== '==' && op !== '!=') reject('can not comparisons array fields directly')
  if (literal.kind !== 'list') return incomparable(subject, literal)
  const type = subject.schema.elementType
  const items = literal.items.map(item => castElement(type, item))
  return { op: 'arrayEquals', field: subject.field, type, items, negated }
}

/** A constant as an array element of this type holds it. */
export function castElement(type: DataType, literal: Literal): Literal {
  const fits =
    (type === DataType.Bool && literal.kind === 'bool') ||
    (type === DataType.VarChar && literal.kind === 'string') ||
    (isIntegerType(type) && literal.kind === 'int') ||
    (isFloatType(type) && isNumber(literal))
  if (!fits) castError(type, literal)
  if (!isFloatType(type)) return literal
  const value = Number(literal.value)
  return { kind: 'float', value: type === DataType.Float ? Math.fround(value) : value }
}

function compareColumns(context: BindContext, node: NodeOf<'compare'>, negated: boolean): Bound {
  const left = operandOf(context, node.left)
  const right = operandOf(context, node.right)
  if (left.kind === 'json' || right.kind === 'json') {
    reject('two column comparison with JSON type is not supported')
  }
  if (left.kind !== 'column' || right.kind !== 'column') {
    return reject('only comparison between two fields is supported')
  }
  const numeric = (type: DataType) => isIntegerType(type) || isFloatType(type)
  const same = left.type === right.type
  const plain =
    left.type === DataType.Bool || left.type === DataType.VarChar || left.type === DataType.Timestamptz
  if (!(numeric(left.type) && numeric(right.type)) && !(same && plain)) {
    reject(`comparisons between ${subjectType(left)} and ${subjectType(right)} are not supported`)
  }
  return {
    op: 'columns',
    compare: node.op,
    field: left.field,
    type: left.type,
    otherField: right.field,
    otherType: right.type,
    negated,
  }
}

// ---------------------------------------------------------------------------------------------- range chains

/** Binds `lower < subject <= upper`. */
export function bindRange(context: BindContext, node: RangeNode, negated: boolean): Bound {
  if (node.lower.kind === 'iso' || node.upper.kind === 'iso')
    return bindTimestampRange(context, node, negated)
  const lower = constantOf(context, node.lower)
  if (lower === null) return reject('lowerbound cannot be a non-const expression')
  const upper = constantOf(context, node.upper)
  if (upper === null) return reject('upperbound cannot be a non-const expression')
  const operand = operandOf(context, node.subject)
  checkBounds(node, lower, upper)
  if (lower.kind === 'string' && upper.kind === 'string') {
    const stringy =
      operand.kind === 'json' ||
      ((operand.kind === 'column' || operand.kind === 'element') && operand.type === DataType.VarChar)
    if (!stringy) return incomparable(plainSubject(operand), lower)
    const text: TextTest = {
      kind: 'order',
      low: Buffer.from(lower.value, 'utf8'),
      lowInclusive: node.lowerInclusive,
      high: Buffer.from(upper.value, 'utf8'),
      highInclusive: node.upperInclusive,
    }
    return testLeaf(operand, { test: 'text', text }, negated)
  }
  if (!isNumber(lower) || !isNumber(upper)) return reject('invalid range operations')
  const ends = [
    { value: lower, inclusive: node.lowerInclusive },
    { value: upper, inclusive: node.upperInclusive },
  ] as const
  if (operand.kind === 'length') {
    for (const end of ends) if (end.value.kind === 'float') castError(DataType.Int64, end.value)
    return lengthLeaf(operand.subject, rangeOf(...ends), negated)
  }
  const subject = plainSubject(operand)
  if (subject.kind === 'json') return testLeaf(subject, { test: 'range', range: rangeOf(...ends) }, negated)
  if (subject.type === DataType.Array) reject('can not comparisons array fields directly')
  if (!isIntegerType(subject.type) && !isFloatType(subject.type)) return incomparable(subject, lower)
  for (const end of ends)
    if (isIntegerType(subject.type) && end.value.kind === 'float') castError(subject.type, end.value)
  return testLeaf(
    subject,
    { test: 'range', range: rangeOf(...ends, subject.type === DataType.Float) },
    negated,
  )
}

function plainSubject(operand: Operand): Subject {
  if (operand.kind === 'column' || operand.kind === 'element' || operand.kind === 'json') return operand
  return reject('invalid range operations')
}

function checkBounds(node: RangeNode, lower: Literal, upper: Literal): void {
  if (lower.kind === 'bool' || upper.kind === 'bool') reject('invalid range operations on boolean expr')
  let order: number
  if (lower.kind === 'string' && upper.kind === 'string') order = compareTexts(lower.value, upper.value)
  else if (isNumber(lower) && isNumber(upper)) order = compareNumbers(lower, upper)
  else reject('invalid range operations')
  checkOrder(node, order)
}

function checkOrder(node: RangeNode, order: number): void {
  if (order > 0 || (order === 0 && !(node.lowerInclusive && node.upperInclusive))) {
    reject('invalid range: lowerbound is greater than upperbound')
  }
}

// ---------------------------------------------------------------------------------------------- timestamps

function timestampOf(context: BindContext, node: NodeOf<'iso'>): Extract<Literal, { readonly kind: 'int' }> {
  const text = constantOf(context, node.text)
  if (text?.kind !== 'string') return reject('ISO takes a string')
  return { kind: 'int', value: parseTimestamp(text.value, context.timezone) }
}

function bindTimestamp(
  context: BindContext,
  node: Node,
  op: CompareOp,
  iso: NodeOf<'iso'>,
  negated: boolean,
): Bound {
  if (constantOf(context, node) !== null || node.kind === 'iso') {
    return reject('comparison operations cannot be applied to two incompatible operands')
  }
  const range = rangeOfCompare(op, timestampOf(context, iso))
  return timestampLeaf(operandOf(context, node), range, negated !== (op === '!='))
}

function bindTimestampRange(context: BindContext, node: RangeNode, negated: boolean): Bound {
  if (node.lower.kind !== 'iso' || node.upper.kind !== 'iso') return reject('invalid range operations')
  const lower = timestampOf(context, node.lower)
  const upper = timestampOf(context, node.upper)
  checkOrder(node, compareNumbers(lower, upper))
  const range = rangeOf(
    { value: lower, inclusive: node.lowerInclusive },
    { value: upper, inclusive: node.upperInclusive },
  )
  return timestampLeaf(operandOf(context, node.subject), range, negated)
}

function timestampLeaf(operand: Operand, range: NumberRange, negated: boolean): Bound {
  if (operand.kind === 'column' && operand.type === DataType.Timestamptz) {
    return testLeaf(operand, { test: 'range', range }, negated)
  }
  if (operand.kind === 'moved') {
    const { interval, subject } = operand
    if (interval.months !== 0) return { op: 'calendar', field: subject.field, ...interval, range, negated }
    // A fixed distance moves the bounds instead of every row.
    const shift = BigInt(interval.days) * 86_400_000_000n + interval.micros
    const min = range.min === integerRange(null, null).min ? null : range.min - shift
    const max = range.max === integerRange(null, null).max ? null : range.max - shift
    return testLeaf(subject, { test: 'range', range: integerRange(min, max) }, negated)
  }
  const type = operand.kind === 'arith' || operand.kind === 'length' ? 'Int64' : subjectType(operand)
  return reject(`comparisons between ${type} and Timestamptz are not supported`)
}

function movedOperand(context: BindContext, node: NodeOf<'arith'>): Operand {
  const { left, right, op } = node
  if (right.kind !== 'interval' || (op !== '+' && op !== '-') || left.kind !== 'path') {
    return reject('INTERVAL can only be added to or subtracted from a Timestamptz field')
  }
  const subject = resolve(context.schema, left)
  if (subject.kind !== 'column' || subject.type !== DataType.Timestamptz) {
    return reject(
      `INTERVAL can only be added to or subtracted from a Timestamptz field, got ${subjectType(subject)}`,
    )
  }
  const text = constantOf(context, right.text)
  if (text?.kind !== 'string') return reject('INTERVAL takes a string')
  const { months, days, micros } = parseInterval(text.value)
  const interval = op === '+' ? { months, days, micros } : { months: -months, days: -days, micros: -micros }
  return { kind: 'moved', subject, interval }
}
