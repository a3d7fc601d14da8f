/**
 * The slow, obvious filter evaluator that the real one is measured against: plain JavaScript rows, one at a time, real
 * three-valued logic. It shares the parser's tree with lib/filter and nothing else: no columns, no bytes, no bitsets,
 * no pushed-down negation, numbers as bigint or number, JSON as parsed values.
 */
import type { Node, NodeOf, PathNode } from '../../lib/filter/ast.js'
import { type CollectionSchema, fieldIndex } from '../../lib/schema/collection-schema.js'
import { DataType } from '../../lib/schema/data-type.js'
import { microsOf, moved } from './oracle-moments.js'

/** TRUE, FALSE, or null for UNKNOWN. */
export type Truth = boolean | null

/** A row as written: declared fields by name, everything else dynamic. Int64 as bigint or safe number. */
export type OracleRow = Readonly<Record<string, unknown>>

type Value = boolean | bigint | number | string | readonly unknown[] | Readonly<Record<string, unknown>>

/** What the filter is for this row. */
export function truthOf(schema: CollectionSchema, node: Node, row: OracleRow): Truth {
  switch (node.kind) {
    case 'bool':
      return node.value
    case 'not':
      return not(truthOf(schema, node.operand, row))
    case 'and': {
      let result: Truth = true
      for (const item of node.items) {
        const truth = truthOf(schema, item, row)
        if (truth === false) return false
        if (truth === null) result = null
      }
      return result
    }
    case 'or': {
      let result: Truth = false
      for (const item of node.items) {
        const truth = truthOf(schema, item, row)
        if (truth === true) return true
        if (truth === null) result = null
      }
      return result
    }
    case 'null': {
      const truth = isNull(schema, node.operand as PathNode, row)
      return node.negated ? !truth : truth
    }
    case 'exists':
      return !isNull(schema, node.operand as PathNode, row)
    case 'compare':
      return compare(schema, node.op, node.left, node.right, row)
    case 'range':
      return and(
        compare(schema, node.lowerInclusive ? '<=' : '<', node.lower, node.subject, row),
        compare(schema, node.upperInclusive ? '<=' : '<', node.subject, node.upper, row),
      )
    case 'in': {
      const list = literal(node.right) as Value[]
      if (list.length === 0) return node.negated
      const value = evaluate(schema, node.left, row)
      if (value === undefined || typeof value === 'object') return null
      const single = isSingle(schema, node.left)
      if (!list.some(item => classOf(item) === classOf(value))) return null
      const found = list.some(item => equals(value, single ? rounded(item) : item))
      return found !== node.negated
    }
    case 'like': {
      const value = evaluate(schema, node.left, row)
      return typeof value === 'string' ? like([...value], 0, [...(literal(node.right) as string)], 0) : null
    }
    case 'regex': {
      const value = evaluate(schema, node.left, row)
      if (typeof value !== 'string' || node.right.kind !== 'string') return null
      return expression(node.right.pattern).test(value) !== node.negated
    }
    case 'call':
      return call(schema, node, row)
    default:
      throw new Error(`the oracle knows no predicate ${node.kind}`)
  }
}

/** As JavaScript writes it; the flags that filters give at the front are the only ones. */
function expression(pattern: string): RegExp {
  if (pattern.startsWith('(?i)')) return new RegExp(pattern.slice(4), 'sui')
  return pattern.startsWith('(?-s)') ? new RegExp(pattern.slice(5), 'u') : new RegExp(pattern, 'su')
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth
}

function and(a: Truth, b: Truth): Truth {
  if (a === false || b === false) return false
  return a === null || b === null ? null : true
}

// ------------------------------------------------------------------------------------------------ values

/** The value a path leads to; undefined for null, missing, out of range. */
function read(schema: CollectionSchema, node: PathNode, row: OracleRow): Value | undefined {
  if (node.name === '$') {
    const subs = schema.fields.find(field => field.dataType === DataType.ArrayOfStruct)!.fields!
    const sub = subs.find(one => one.name === node.keys[0]!.text)!
    return typed(row[sub.name], sub.elementType)
  }
  const index = fieldIndex(schema, node.name)
  const field = schema.fields[index]
  if (field === undefined || field.dynamic) {
    const declared = new Set(schema.fields.map(f => f.name))
    const root: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(row)) {
      if (key === '$meta') Object.assign(root, value)
      else if (!declared.has(key)) root[key] = value
    }
    const keys = node.keys.map(key => key.text)
    return walk(root, node.name === '$meta' ? keys : [node.name, ...keys])
  }
  const value = row[node.name]
  if (value === null || value === undefined) return undefined
  if (field.dataType === DataType.JSON)
    return walk(
      value,
      node.keys.map(key => key.text),
    )
  if (field.dataType === DataType.Array) {
    const items = (value as unknown[]).map(item => typed(item, field.elementType))
    return node.keys.length === 0 ? items : items[Number(node.keys[0]!.text)]
  }
  return typed(value, field.dataType)
}

function typed(value: unknown, type: DataType): Value {
  if (type >= DataType.Int8 && type <= DataType.Int64) return BigInt(value as number)
  if (type === DataType.Timestamptz) return microsOf(value as string)
  if (type === DataType.Float) return Math.fround(value as number)
  return value as Value
}

function walk(root: unknown, keys: readonly string[]): Value | undefined {
  let value = root
  for (const key of keys) {
    if (Array.isArray(value)) value = /^(0|[1-9]\d*)$/.test(key) ? value[Number(key)] : undefined
    else if (typeof value === 'object' && value !== null && Object.hasOwn(value, key)) {
      value = (value as Record<string, unknown>)[key]
    } else return undefined
  }
  return value === null || value === undefined ? undefined : jsonValue(value)
}

/** Integers of JSON (bigint, or whole numbers that print without a point) are exact; other numbers are doubles. */
function jsonValue(value: unknown): Value {
  if (typeof value === 'number') {
    const digits = JSON.stringify(value)
    return /^-?\d+$/.test(digits) && fits(BigInt(digits)) ? BigInt(digits) : value
  }
  if (Array.isArray(value)) return value.map(item => (item === null ? null : jsonValue(item)))
  return value as Value
}

function fits(value: bigint): boolean {
  return value >= -(2n ** 63n) && value < 2n ** 63n
}

/** The value of a constant. */
export function literalValue(node: Node): Value {
  return literal(node)
}

function literal(node: Node): Value {
  switch (node.kind) {
    case 'bool':
    case 'int':
    case 'float':
      return node.value
    case 'string':
      return node.cooked!
    case 'list':
      return node.items.map(literal)
    case 'negate':
      return -(literal(node.operand) as number)
    case 'arith':
      return exactly(node.op, literal(node.left) as bigint, literal(node.right) as bigint)
    case 'iso':
      return microsOf(node.text.cooked!)
    default:
      throw new Error(`the oracle knows no literal ${node.kind}`)
  }
}

function isLiteral(node: Node): boolean {
  if (node.kind === 'arith') return isLiteral(node.left) && isLiteral(node.right)
  return ['bool', 'int', 'float', 'string', 'list', 'negate', 'iso'].includes(node.kind)
}

/** Float columns and Float array elements compare with literals rounded to float32. */
function isSingle(schema: CollectionSchema, node: Node): boolean {
  if (node.kind === 'arith') return isSingle(schema, node.left) || isSingle(schema, node.right)
  if (node.kind !== 'path') return false
  if (node.name === '$') return node.keys[0]!.text === 'f'
  const field = schema.fields[fieldIndex(schema, node.name)]
  return (
    field?.dataType === DataType.Float ||
    (field?.dataType === DataType.Array && field.elementType === DataType.Float)
  )
}

function rounded(value: Value): Value {
  if (Array.isArray(value)) return value.map(item => rounded(item as Value))
  return typeof value === 'number' || typeof value === 'bigint' ? Math.fround(Number(value)) : value
}

function evaluate(schema: CollectionSchema, node: Node, row: OracleRow): Value | undefined {
  if (isLiteral(node)) return literal(node)
  if (node.kind === 'path') return read(schema, node, row)
  if (node.kind === 'call') {
    const value = evaluate(schema, node.args[0]!, row)
    return Array.isArray(value) ? BigInt(value.length) : undefined
  }
  if (node.kind === 'arith' && node.right.kind === 'interval') {
    const from = evaluate(schema, node.left, row) as bigint | undefined
    return from === undefined ? undefined : moved(from, node.right.text.cooked!, node.op === '+' ? 1 : -1)
  }
  throw new Error(`the oracle knows no value ${node.kind}`)
}

type Class = 'number' | 'string' | 'bool' | 'array' | 'object'

function classOf(value: Value): Class {
  switch (typeof value) {
    case 'bigint':
    case 'number':
      return 'number'
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    default:
      return Array.isArray(value) ? 'array' : 'object'
  }
}

// ------------------------------------------------------------------------------------------------ comparison

function equals(a: unknown, b: unknown): boolean {
  if (a === null || b === null) return false
  const left = a as Value
  const right = b as Value
  if (classOf(left) !== classOf(right)) return false
  if (classOf(left) === 'number') return order(left, right) === 0
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => equals(item, right[i]))
  }
  return left === right
}

/** Two integers compare exactly; as soon as one side is a double, both are. */
function order(a: Value, b: Value): number {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0
  const [x, y] = [Number(a), Number(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

function holds(op: string, sign: number): boolean {
  if (op === '==') return sign === 0
  if (op === '!=') return sign !== 0
  if (op === '<') return sign < 0
  if (op === '<=') return sign <= 0
  return op === '>' ? sign > 0 : sign >= 0
}

function compare(schema: CollectionSchema, op: string, left: Node, right: Node, row: OracleRow): Truth {
  if (isComputed(left) || isComputed(right)) return compareArith(schema, op, left, right, row)
  let a = evaluate(schema, left, row)
  let b = evaluate(schema, right, row)
  if (a === undefined || b === undefined) return null
  if (isSingle(schema, left) && isLiteral(right)) b = rounded(b)
  if (isSingle(schema, right) && isLiteral(left)) a = rounded(a)
  if (classOf(a) !== classOf(b)) return null
  if (classOf(a) === 'array' || classOf(a) === 'bool') return equals(a, b) === (op === '==')
  return holds(op, order(a, b))
}

/** True for arithmetic with a field in it. */
function isComputed(node: Node): node is NodeOf<'arith'> {
  return node.kind === 'arith' && !isLiteral(node) && node.right.kind !== 'interval'
}

/** `field op const <cmp> const`: exact while everything is an integer, else in doubles. */
function compareArith(schema: CollectionSchema, op: string, left: Node, right: Node, row: OracleRow): Truth {
  if (!isComputed(left)) {
    const mirrored: Record<string, string> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' }
    return compareArith(schema, mirrored[op] ?? op, right, left, row)
  }
  const swapped = isLiteral(left.left)
  const value = evaluate(schema, swapped ? left.right : left.left, row)
  const operand = literal(swapped ? left.left : left.right)
  const wanted = literal(right)
  if (typeof value !== 'bigint' && typeof value !== 'number') return null
  const exact = typeof value === 'bigint' && typeof operand === 'bigint' && typeof wanted === 'bigint'
  if (exact) return holds(op, order(exactly(left.op, value, operand), wanted))
  if ('&|^'.includes(left.op)) return null
  const single = isSingle(schema, left)
  const result = inDoubles(left.op, Number(value), Number(single ? rounded(operand) : operand))
  if (Number.isNaN(result)) return null
  return holds(op, order(single ? Math.fround(result) : result, single ? rounded(wanted) : Number(wanted)))
}

function exactly(op: string, a: bigint, b: bigint): bigint {
  if (op === '+') return a + b
  if (op === '-') return a - b
  if (op === '*') return a * b
  if (op === '/') return a / b
  if (op === '%') return a % b
  if (op === '&') return a & b
  return op === '|' ? a | b : a ^ b
}

function inDoubles(op: string, a: number, b: number): number {
  if (op === '+') return a + b
  if (op === '-') return a - b
  if (op === '*') return a * b
  return op === '/' ? a / b : a % b
}

// ------------------------------------------------------------------------------------------------ the rest

function isNull(schema: CollectionSchema, node: PathNode, row: OracleRow): boolean {
  const value = read(schema, node, row)
  const field = schema.fields[fieldIndex(schema, node.name)]
  const path =
    field === undefined || field.dynamic || (field.dataType === DataType.JSON && node.keys.length > 0)
  if (!path) return row[node.name] === null || row[node.name] === undefined
  return value === undefined || isHollow(value)
}

/** Null, or a container without a single scalar in it. */
function isHollow(value: unknown): boolean {
  if (value === null) return true
  return typeof value === 'object' && Object.values(value as object).every(isHollow)
}

function like(text: readonly string[], i: number, pattern: readonly string[], p: number): boolean {
  if (p === pattern.length) return i === text.length
  const c = pattern[p]!
  if (c === '%') {
    for (let k = i; k <= text.length; k++) if (like(text, k, pattern, p + 1)) return true
    return false
  }
  if (i === text.length) return false
  if (c === '\\') return text[i] === pattern[p + 1] && like(text, i + 1, pattern, p + 2)
  return (c === '_' || c === text[i]) && like(text, i + 1, pattern, p + 1)
}

function call(schema: CollectionSchema, node: Extract<Node, { kind: 'call' }>, row: OracleRow): Truth {
  const name = node.name.toLowerCase().replace('array_', 'json_')
  if (name.startsWith('match_')) return matchTruth(schema, name, node, row)
  if (name.startsWith('st_')) return pointTruth(name, node, row)
  const value = evaluate(schema, node.args[0]!, row)
  if (name === 'empty') return typeof value === 'string' ? value === '' : null
  if (name === 'starts_with') {
    return typeof value === 'string' ? value.startsWith(literal(node.args[1]!) as string) : null
  }
  let wanted = literal(node.args[1]!)
  if (isSingle(schema, node.args[0]!)) wanted = rounded(wanted)
  const list = name === 'json_contains' ? [wanted] : (wanted as Value[])
  if (list.length === 0) return name === 'json_contains_all'
  if (!Array.isArray(value)) return null
  const has = (item: Value): boolean => value.some(element => equals(element, item))
  return name === 'json_contains_all' ? list.every(has) : list.some(has)
}

/** How many elements make the inner expression TRUE. */
function matchTruth(schema: CollectionSchema, name: string, node: NodeOf<'call'>, row: OracleRow): Truth {
  const elements = row[(node.args[0] as PathNode).name] as OracleRow[] | null
  if (elements === null || elements === undefined) return null
  const found = elements.filter(element => truthOf(schema, node.args[1]!, element) === true).length
  const threshold = Number(node.named.length === 0 ? 0 : literal(node.named[0]!.value))
  if (name === 'match_any') return found > 0
  if (name === 'match_all') return found === elements.length
  if (name === 'match_least') return found >= threshold
  return name === 'match_most' ? found <= threshold : found === threshold
}

/** The relation of a point to a box whose sides run along the axes, or to another point. */
function pointTruth(name: string, node: NodeOf<'call'>, row: OracleRow): Truth {
  const text = row[(node.args[0] as PathNode).name] as string | null
  if (text === null || text === undefined) return null
  if (name === 'st_isvalid') return true
  const numbers = (wkt: string): number[] => (wkt.match(/\d+/g) ?? []).map(Number)
  const [x, y] = numbers(text)
  if (x === undefined || y === undefined) return false
  const other = numbers(literal(node.args[1]!) as string)
  if (other.length === 2) return x === other[0] && y === other[1]
  const [left, bottom, right, , , top] = other as [number, number, number, number, number, number]
  const closed = x >= left && x <= right && y >= bottom && y <= top
  const inside = x > left && x < right && y > bottom && y < top
  if (name === 'st_within') return inside
  if (name === 'st_intersects') return closed
  return name === 'st_touches' && closed && !inside
}
