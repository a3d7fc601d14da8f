/**
 * Constants: literals, template values, and everything that can be computed from them before any row is read.
 *
 * Integer arithmetic is exact; a result beyond 64 bits is an error instead of a silent wrap. Whatever mentions a field
 * is not a constant: `constantOf` answers null for it.
 */
import { atOnce, type Steps } from '../base/steps.js'
import { INT64_MAX, INT64_MIN } from '../schema/int64.js'
import type { ArithOp, CompareOp, Literal, Node, NodeOf } from './ast.js'
import { PackedLiteral, packValues } from './packed-list.js'
import { reject } from './reject.js'
import { compareBytes } from './text-test.js'

/** Values for `{name}` placeholders: bool, number or bigint, string, or arrays of those. */
export type TemplateValues = Readonly<Record<string, unknown>>

/** A number of a client that is a double even where it is whole: as a template value it is cast like the literal `2.0`. */
export class Double {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** What folding needs to know, and what it remembers. */
export interface FoldContext {
  readonly text: string
  readonly templates: TemplateValues
  readonly constants: Map<Node, Literal | null>
  /** Placeholders whose values are constants already, by name. */
  readonly values: Map<string, Literal>
}

/** Milvus's name of a constant's type in messages. */
export function literalType(literal: Literal): string {
  switch (literal.kind) {
    case 'bool':
      return 'Bool'
    case 'int':
      return 'Int64'
    case 'float':
      return 'Double'
    case 'string':
      return 'VarChar'
    case 'list':
      return 'Array'
  }
}

/** A constant as messages print it: `float_val:2.5`. */
export function literalText(literal: Literal): string {
  switch (literal.kind) {
    case 'bool':
      return `bool_val:${literal.value}`
    case 'int':
      return `int64_val:${literal.value}`
    case 'float':
      return `float_val:${literal.value}`
    case 'string':
      return `string_val:${JSON.stringify(literal.value)}`
    case 'list':
      return `array_val:{${literal.items.map(literalText).join(' ')}}`
  }
}

/** The constant a node stands for, or null when it depends on a row. */
export function constantOf(context: FoldContext, node: Node): Literal | null {
  // Plain literals are cheaper to make again than to remember: lists hold thousands.
  if (node.kind === 'int' || node.kind === 'string') return fold(context, node)
  const known = context.constants.get(node)
  if (known !== undefined) return known
  const literal = fold(context, node)
  context.constants.set(node, literal)
  return literal
}

function fold(context: FoldContext, node: Node): Literal | null {
  switch (node.kind) {
    case 'bool':
      return { kind: 'bool', value: node.value }
    case 'int':
      return integer(node.value)
    case 'float':
      return { kind: 'float', value: node.value }
    case 'string':
      if (node.cooked === null)
        reject(`invalid escape sequence in ${context.text.slice(node.start, node.end)}`)
      return { kind: 'string', value: node.cooked }
    case 'template':
      return templateValue(context, node.name)
    case 'list':
      return foldList(context, node)
    case 'literals':
      return new PackedLiteral(node.list)
    case 'not':
    case 'negate':
    case 'plus':
    case 'invert': {
      const operand = constantOf(context, node.operand)
      return operand === null ? null : foldPrefix(node.kind, operand)
    }
    case 'arith': {
      const left = constantOf(context, node.left)
      const right = constantOf(context, node.right)
      return left === null || right === null ? null : foldArith(node.op, left, right)
    }
    case 'compare':
      return foldCompare(context, node)
    case 'and':
    case 'or':
      return atOnce(foldChain(context, node))
    default:
      return null
  }
}

function integer(value: bigint): Literal {
  if (value > INT64_MAX || value < INT64_MIN) reject(`integer out of the int64 range: ${value}`)
  return { kind: 'int', value }
}

function float(value: number): Literal {
  if (!Number.isFinite(value)) reject('constant expression is out of the range of a double')
  return { kind: 'float', value }
}

/** The value of a placeholder as a constant, made once. */
export function templateValue(context: FoldContext, name: string): Literal {
  const known = context.values.get(name)
  if (known !== undefined) return known
  if (!Object.hasOwn(context.templates, name) || context.templates[name] === undefined) {
    reject(`the value of expression template variable name {${name}} is not found`)
  }
  const literal = literalOfValue(context.templates[name], name)
  context.values.set(name, literal)
  return literal
}

/** A template value as a constant: whole JavaScript numbers are int64, other numbers are doubles. */
export function literalOfValue(value: unknown, name: string): Literal {
  switch (typeof value) {
    case 'boolean':
      return { kind: 'bool', value }
    case 'bigint':
      return integer(value)
    case 'number':
      if (!Number.isFinite(value)) break
      return Number.isInteger(value) && Math.abs(value) < 2 ** 63
        ? { kind: 'int', value: BigInt(value) }
        : { kind: 'float', value }
    case 'string':
      return { kind: 'string', value }
    case 'object':
      if (value instanceof Double && Number.isFinite(value.value))
        return { kind: 'float', value: value.value }
      if (Array.isArray(value)) {
        const packed = packValues(value)
        if (packed !== null) return new PackedLiteral(packed)
        return { kind: 'list', items: value.map(item => literalOfValue(item, name)) }
      }
  }
  return reject(`the value of expression template variable name {${name}} is of an unsupported type`)
}

function foldList(context: FoldContext, node: NodeOf<'list'>): Literal | null {
  const items: Literal[] = []
  for (const item of node.items) {
    const literal = constantOf(context, item)
    if (literal === null) return null
    items.push(literal)
  }
  return { kind: 'list', items }
}

function foldPrefix(kind: 'not' | 'negate' | 'plus' | 'invert', operand: Literal): Literal {
  switch (kind) {
    case 'not':
      if (operand.kind !== 'bool') return reject('not can only apply on boolean')
      return { kind: 'bool', value: !operand.value }
    case 'invert':
      return operand.kind === 'int'
        ? integer(~operand.value)
        : reject('bitwise not can only apply on integer')
    case 'plus':
      return operand.kind === 'int' || operand.kind === 'float'
        ? operand
        : reject('positive can only apply on number')
    case 'negate':
      if (operand.kind === 'int') return integer(-operand.value)
      return operand.kind === 'float' ? float(-operand.value) : reject('negative can only apply on number')
  }
}

/** Verbs of the arithmetic messages. */
export const ARITH_VERBS: Readonly<Record<ArithOp, string>> = {
  '+': 'add',
  '-': 'subtract',
  '*': 'multiply',
  '/': 'divide',
  '%': 'modulo',
  '**': 'power',
  '<<': 'shift',
  '>>': 'shift',
  '&': 'bitand',
  '|': 'bitor',
  '^': 'bitxor',
}

function foldArith(op: ArithOp, left: Literal, right: Literal): Literal {
  if (op === '<<' || op === '>>') reject('shift is not supported')
  if ((left.kind !== 'int' && left.kind !== 'float') || (right.kind !== 'int' && right.kind !== 'float')) {
    return reject(
      `'${ARITH_VERBS[op]}' cannot perform arithmetic between ${literalType(left)} and ${literalType(right)}`,
    )
  }
  if ((op === '/' || op === '%') && Number(right.value) === 0) {
    reject(op === '/' ? 'cannot divide by zero' : 'cannot modulo by zero')
  }
  if (left.kind === 'int' && right.kind === 'int') return foldIntegers(op, left.value, right.value)
  const a = Number(left.value)
  const b = Number(right.value)
  switch (op) {
    case '+':
      return float(a + b)
    case '-':
      return float(a - b)
    case '*':
      return float(a * b)
    case '/':
      return float(a / b)
    case '**':
      return float(a ** b)
    case '%':
      return reject('modulo can only apply on integer types')
    default:
      return reject('bitwise operations can only apply on integer types')
  }
}

function foldIntegers(op: ArithOp, a: bigint, b: bigint): Literal {
  switch (op) {
    case '+':
      return integer(a + b)
    case '-':
      return integer(a - b)
    case '*':
      return integer(a * b)
    case '/':
      return integer(a / b)
    case '%':
      return integer(a % b)
    case '&':
      return integer(a & b)
    case '|':
      return integer(a | b)
    case '^':
      return integer(a ^ b)
    default:
      // A negative exponent makes a fraction; a large result would cost memory before it could be refused.
      if (b < 0n || Number(b) * Math.log2(Math.abs(Number(a)) || 1) > 63.5)
        return float(Number(a) ** Number(b))
      return integer(a ** b)
  }
}

function foldCompare(context: FoldContext, node: NodeOf<'compare'>): Literal | null {
  const left = constantOf(context, node.left)
  const right = constantOf(context, node.right)
  if (left === null || right === null) return null
  if (node.left.kind === 'template' || node.right.kind === 'template') {
    reject(`placeholder was not supported between two constants with operator: ${node.op}`)
  }
  return { kind: 'bool', value: compareLiterals(node.op, left, right) }
}

function compareLiterals(op: CompareOp, left: Literal, right: Literal): boolean {
  let order: number
  if (left.kind === 'string' && right.kind === 'string') order = compareTexts(left.value, right.value)
  else if (left.kind === 'bool' && right.kind === 'bool' && (op === '==' || op === '!=')) {
    order = left.value === right.value ? 0 : 1
  } else if (isNumber(left) && isNumber(right)) order = compareNumbers(left, right)
  else return reject('comparison operations cannot be applied to two incompatible operands')
  switch (op) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
  }
}

export function isNumber(literal: Literal): literal is Extract<Literal, { readonly kind: 'int' | 'float' }> {
  return literal.kind === 'int' || literal.kind === 'float'
}

/** Order by value; JavaScript compares bigint and number exactly. */
export function compareNumbers(
  a: Extract<Literal, { readonly kind: 'int' | 'float' }>,
  b: Extract<Literal, { readonly kind: 'int' | 'float' }>,
): number {
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0
}

/** Order of two texts by their UTF-8 bytes. */
export function compareTexts(a: string, b: string): number {
  const left = Buffer.from(a, 'utf8')
  const right = Buffer.from(b, 'utf8')
  return compareBytes(left, 0, left.length, right, 0, right.length)
}

/** True for nodes that can hold long chains. */
export function isComposed(node: Node): boolean {
  return node.kind === 'and' || node.kind === 'or' || node.kind === 'not'
}

/** The constant of a node, in steps where it is a chain. */
export function* constantSteps(context: FoldContext, node: Node): Steps<Literal | null> {
  if (node.kind === 'not') yield* constantSteps(context, node.operand)
  if (node.kind !== 'and' && node.kind !== 'or') return constantOf(context, node)
  const known = context.constants.get(node)
  if (known !== undefined) return known
  const literal = yield* foldChain(context, node)
  context.constants.set(node, literal)
  return literal
}

/** One deciding constant settles a chain, whatever the rest is. Items that are no booleans are judged by the binder. */
function* foldChain(context: FoldContext, node: NodeOf<'and' | 'or'>): Steps<Literal | null> {
  const deciding = node.kind === 'or'
  let constant = true
  for (const item of node.items) {
    yield
    const literal = isComposed(item) ? yield* constantSteps(context, item) : constantOf(context, item)
    if (literal?.kind !== 'bool') constant = false
    else if (literal.value === deciding) return literal
  }
  return constant ? { kind: 'bool', value: !deciding } : null
}
