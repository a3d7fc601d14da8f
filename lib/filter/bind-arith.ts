/**
 * Arithmetic in filters: `field op const <cmp> const` and nothing more complicated (query-search-semantics §1.7).
 *
 * Integers never wrap. For `+ - * /` the constant is moved to the other side of the comparison with BigInt when the
 * filter is bound, which leaves an ordinary range: `a * 2 > 5` is `a >= 3`. `% & | ^` are computed per row.
 */
import { DataType, dataTypeName, isFloatType, isIntegerType } from '../schema/data-type.js'
import type { ArithOp, CompareOp, Literal, Node, NodeOf } from './ast.js'
import type { BindContext } from './bind-context.js'
import type { ArithTest, Test } from './bound.js'
import { ARITH_VERBS, constantOf, isNumber, literalText, literalType } from './fold.js'
import { resolve, type Subject, subjectType } from './names.js'
import { asDouble, integerRange, type NumberLiteral, rangeOfCompare, withIntegers } from './number-range.js'
import { reject } from './reject.js'

/** A subject with one operation on it. */
export interface ArithOperand {
  readonly kind: 'arith'
  readonly subject: Subject
  readonly op: ArithTest['op']
  readonly literal: NumberLiteral
}

/** Understands `field op const`, or says what is wrong with it. */
export function bindArithOperand(context: BindContext, node: NodeOf<'arith'>): ArithOperand {
  const { op } = node
  if (op === '<<' || op === '>>') reject('shift is not supported')
  const left = constantOf(context, node.left)
  const right = constantOf(context, node.right)
  if (op === '**') reject('power can only apply on constants')
  if (left !== null && right === null) {
    const subject = arithSubject(context, node.right)
    checkTypes(op, subject, left, true)
    if (op !== '+' && op !== '*') reject('module field is not yet supported')
    return { kind: 'arith', subject, op, literal: left as NumberLiteral }
  }
  if (right === null) {
    arithSubject(context, node.left)
    arithSubject(context, node.right)
    return reject('not supported to do arithmetic operations between multiple fields')
  }
  const subject = arithSubject(context, node.left)
  checkTypes(op, subject, right, false)
  if ((op === '/' || op === '%') && Number((right as NumberLiteral).value) === 0) {
    reject('division or modulus by zero')
  }
  return { kind: 'arith', subject, op: op as ArithTest['op'], literal: right as NumberLiteral }
}

function arithSubject(context: BindContext, node: Node): Subject {
  if (node.kind === 'path') return resolve(context.schema, node)
  if (node.kind === 'call' && /^(array_length|ARRAY_LENGTH)$/.test(node.name)) {
    return reject('complicated arithmetic operations are not supported')
  }
  if (node.kind === 'arith') return reject('complicated arithmetic operations are not supported')
  if (node.kind === 'invert' || node.kind === 'negate' || node.kind === 'plus') {
    return reject('unary operators can only apply on constants')
  }
  return reject('arithmetic operations can only apply on fields and constants')
}

function checkTypes(op: ArithOp, subject: Subject, literal: Literal, flipped: boolean): void {
  const json = subject.kind === 'json'
  const numeric = json || isIntegerType(subject.type) || isFloatType(subject.type)
  if (!numeric || !isNumber(literal)) {
    const [field, constant] = [`${subjectType(subject)} field`, literalType(literal)]
    reject(
      `'${ARITH_VERBS[op]}' cannot perform arithmetic between ${flipped ? `${constant} and ${field}` : `${field} and ${constant}`}`,
    )
  }
  const float = literal.kind === 'float'
  if (op === '&' || op === '|' || op === '^') {
    if (float || (!json && !isIntegerType(subject.type)))
      reject('bitwise operations can only apply on integer types')
  } else if (op === '%' && !json && (float || !isIntegerType(subject.type))) {
    reject('modulo can only apply on integer types')
  }
  if (!json && isIntegerType(subject.type) && float) castError(subject.type, literal)
}

/** The error of a constant that a column's type cannot hold. */
export function castError(type: DataType, literal: Literal): never {
  return reject(`cannot cast value to ${dataTypeName(type)}, value: ${literalText(literal)}`)
}

/** The test of `operand <cmp> literal` (for `!=`: of `==`, to be negated). */
export function arithTest(operand: ArithOperand, compare: CompareOp, literal: Literal): Test {
  const { subject, op } = operand
  if (!isNumber(literal)) {
    return reject(`comparisons between ${subjectType(subject)} and ${literalType(literal)} are not supported`)
  }
  const json = subject.kind === 'json'
  const integers = !json && isIntegerType(subject.type)
  if (integers && literal.kind === 'float') castError(subject.type, literal)
  const single = !json && subject.type === DataType.Float
  const exact = operand.literal.kind === 'int' && literal.kind === 'int'
  let range = rangeOfCompare(compare, literal, single)
  if (exact) {
    const [min, max] = moveBounds(op, operand.literal.value as bigint, boundsOf(compare, literal.value))
    if (integers && op !== '%' && op !== '&' && op !== '|' && op !== '^') {
      return { test: 'range', range: integerRange(min, max) }
    }
    range = withIntegers(range, min, max)
  }
  const by = exact ? (operand.literal.value as bigint) : 0n
  return {
    test: 'arith',
    op,
    exact,
    operand: by,
    operandHigh: Number(by >> 32n) | 0,
    operandLow: Number(by & 0xffffffffn) | 0,
    operandDouble: asDouble(operand.literal, single),
    range,
    single,
  }
}

type Bounds = readonly [min: bigint | null, max: bigint | null]
const NOTHING: Bounds = [1n, 0n]

function boundsOf(compare: CompareOp, value: bigint): Bounds {
  switch (compare) {
    case '==':
    case '!=':
      return [value, value]
    case '<':
      return [null, value - 1n]
    case '<=':
      return [null, value]
    case '>':
      return [value + 1n, null]
    case '>=':
      return [value, null]
  }
}

/** Bounds for x such that `x op by` lies within the given bounds. `% & | ^` keep theirs: they are computed per row. */
function moveBounds(op: ArithTest['op'], by: bigint, [min, max]: Bounds): Bounds {
  switch (op) {
    case '+':
      return [min === null ? null : min - by, max === null ? null : max - by]
    case '-':
      return [min === null ? null : min + by, max === null ? null : max + by]
    case '*':
      if (by === 0n)
        return (min === null || min <= 0n) && (max === null || max >= 0n) ? [null, null] : NOTHING
      return by > 0n
        ? [min === null ? null : ceilDiv(min, by), max === null ? null : floorDiv(max, by)]
        : [max === null ? null : ceilDiv(max, by), min === null ? null : floorDiv(min, by)]
    case '/': {
      // x / −d is −(x / d): mirror the bounds and divide by d.
      const [low, high] = by > 0n ? [min, max] : [max === null ? null : -max, min === null ? null : -min]
      const d = by > 0n ? by : -by
      // Truncation: the quotient q stands for x in [q·d, q·d + d − 1] above 0, [q·d − d + 1, q·d] below, both at 0.
      return [
        low === null ? null : low > 0n ? low * d : (low - 1n) * d + 1n,
        high === null ? null : high >= 0n ? (high + 1n) * d - 1n : high * d,
      ]
    }
    default:
      return [min, max]
  }
}

function floorDiv(a: bigint, b: bigint): bigint {
  const q = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? q - 1n : q
}

function ceilDiv(a: bigint, b: bigint): bigint {
  return -floorDiv(-a, b)
}
