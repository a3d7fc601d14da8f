/**
 * What a leaf says about one row: TRUE, FALSE or UNKNOWN. One function per kind of leaf, all of one shape, for
 * everything that has no loop of its own in scan-fixed.ts. Null rows have been sorted out before.
 */
import { assert, InvariantError } from '../base/assert.js'
import type { Column, FixedColumn, VarColumn } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import type { CompareOp, Literal } from './ast.js'
import type { Leaf } from './bound.js'
import type { ElementSet } from './element-set.js'
import { testGeometry } from './geometry-test.js'
import { addInterval } from './interval.js'
import { anyElement, arrayLength, equalsLiteral, isMember } from './json-array.js'
import { findPath, loadValue, valueExists } from './json-scan.js'
import { loadElement, loadFixed, loadText, packedLength, seekElement } from './load.js'
import { integerAsDouble, integerInRange, Kind, register } from './register.js'
import { compareBytes } from './text-test.js'
import { FALSE, TRUE, testValue, UNKNOWN } from './value.js'

/** The answer of one leaf for one row of its column (`other`: the second column of a column comparison). */
export type Ask = (leaf: Leaf, column: Column, row: number, other: Column | null) => number

/** The function that answers for a leaf. */
export function askOf(leaf: Leaf): Ask {
  switch (leaf.op) {
    case 'scalar':
      return leaf.type === DataType.VarChar ? askText : askFixed
    case 'element':
      return askElement
    case 'json':
      return askJson
    case 'exists':
      return askExists
    case 'length':
      return askLength
    case 'contains':
      return leaf.path === null ? askPackedContains : askJsonContains
    case 'arrayEquals':
      return askArrayEquals
    case 'columns':
      return askColumns
    case 'calendar':
      return askCalendar
    case 'geometry':
      return askGeometry
    case 'match':
      throw new InvariantError('elements are read by the block, not by the row')
    case 'valid':
      throw new InvariantError('null tests read bitmaps, not rows')
  }
}

const askFixed: Ask = (leaf, column, row) => {
  assert(leaf.op === 'scalar', 'leaf and function belong together')
  loadFixed(leaf.type, column as FixedColumn, row)
  return testValue(leaf.test)
}

const askText: Ask = (leaf, column, row) => {
  assert(leaf.op === 'scalar', 'leaf and function belong together')
  loadText(column as VarColumn, row)
  return testValue(leaf.test)
}

const askElement: Ask = (leaf, column, row) => {
  assert(leaf.op === 'element', 'leaf and function belong together')
  const { heap, offsets } = column as VarColumn
  loadElement(leaf.type, heap, seekElement(leaf.type, heap, offsets[row]!, offsets[row + 1]!, leaf.index))
  return testValue(leaf.test)
}

const askJson: Ask = (leaf, column, row) => {
  assert(leaf.op === 'json', 'leaf and function belong together')
  const { heap, offsets } = column as VarColumn
  const end = offsets[row + 1]!
  loadValue(heap, findPath(heap, offsets[row]!, end, leaf.path), end)
  return testValue(leaf.test)
}

const askExists: Ask = (leaf, column, row) => {
  assert(leaf.op === 'exists', 'leaf and function belong together')
  const { heap, offsets } = column as VarColumn
  const end = offsets[row + 1]!
  return valueExists(heap, findPath(heap, offsets[row]!, end, leaf.path), end) ? TRUE : FALSE
}

const askLength: Ask = (leaf, column, row) => {
  assert(leaf.op === 'length', 'leaf and function belong together')
  const { heap, offsets } = column as VarColumn
  const end = offsets[row + 1]!
  let length: number
  if (leaf.path === null) length = packedLength(heap, offsets[row]!, end)
  else {
    loadValue(heap, findPath(heap, offsets[row]!, end, leaf.path), end)
    if (register.kind !== Kind.Array) return UNKNOWN
    length = arrayLength(heap, register.start, register.end)
  }
  return length < 0 ? UNKNOWN : integerInRange(leaf.range, 0, length) ? TRUE : FALSE
}

const askPackedContains: Ask = (leaf, column, row) => {
  assert(leaf.op === 'contains', 'leaf and function belong together')
  const { heap, offsets } = column as VarColumn
  for (const set of leaf.sets) {
    if (!anyPacked(leaf.type, set, heap, offsets[row]!, offsets[row + 1]!)) return FALSE
  }
  return TRUE
}

function anyPacked(type: DataType, set: ElementSet, heap: Uint8Array, start: number, end: number): boolean {
  const length = packedLength(heap, start, end)
  let at = start + 4
  for (let i = 0; i < length; i++) {
    loadElement(type, heap, at)
    if (isMember(set)) return true
    at = register.next
  }
  return false
}

const askJsonContains: Ask = (leaf, column, row) => {
  assert(leaf.op === 'contains' && leaf.path !== null, 'leaf and function belong together')
  const { heap, offsets } = column as VarColumn
  const rowEnd = offsets[row + 1]!
  loadValue(heap, findPath(heap, offsets[row]!, rowEnd, leaf.path), rowEnd)
  if (register.kind !== Kind.Array) return UNKNOWN
  const { start, end } = register
  for (const set of leaf.sets) if (!anyElement(set, heap, start, end)) return FALSE
  return TRUE
}

const askArrayEquals: Ask = (leaf, column, row) => {
  assert(leaf.op === 'arrayEquals', 'leaf and function belong together')
  const { heap, offsets } = column as VarColumn
  const start = offsets[row]!
  const items: readonly Literal[] = leaf.items
  if (packedLength(heap, start, offsets[row + 1]!) !== items.length) return FALSE
  let at = start + 4
  for (let i = 0; i < items.length; i++) {
    loadElement(leaf.type, heap, at)
    at = register.next
    if (!equalsLiteral(items[i]!)) return FALSE
  }
  return TRUE
}

const askColumns: Ask = (leaf, column, row, other) => {
  assert(leaf.op === 'columns' && other !== null, 'leaf and function belong together')
  if (leaf.type === DataType.VarChar) {
    const a = column as VarColumn
    const b = other as VarColumn
    const order = compareBytes(
      a.heap,
      a.offsets[row]!,
      a.offsets[row + 1]!,
      b.heap,
      b.offsets[row]!,
      b.offsets[row + 1]!,
    )
    return ordered(leaf.compare, order) ? TRUE : FALSE
  }
  loadFixed(leaf.type, column as FixedColumn, row)
  const { kind, high, low } = register
  const double = kind === Kind.Double ? register.double : integerAsDouble(high, low)
  loadFixed(leaf.otherType, other as FixedColumn, row)
  if (kind === Kind.Double || register.kind === Kind.Double) {
    const right =
      register.kind === Kind.Double ? register.double : integerAsDouble(register.high, register.low)
    return ordered(leaf.compare, double < right ? -1 : double > right ? 1 : 0) ? TRUE : FALSE
  }
  const order =
    kind === Kind.Bool ? low - register.low : high - register.high || (low >>> 0) - (register.low >>> 0)
  return ordered(leaf.compare, order) ? TRUE : FALSE
}

/** The comparison's answer, given the sign of left − right. */
function ordered(compare: CompareOp, order: number): boolean {
  switch (compare) {
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

const askGeometry: Ask = (leaf, column, row) => {
  assert(leaf.op === 'geometry', 'leaf and function belong together')
  return testGeometry(leaf.test, column as VarColumn, row) ? TRUE : FALSE
}

const askCalendar: Ask = (leaf, column, row) => {
  assert(leaf.op === 'calendar', 'leaf and function belong together')
  const { values } = column as FixedColumn
  const stored = (BigInt(values[2 * row + 1]!) << 32n) | BigInt(values[2 * row]! >>> 0)
  const moved = addInterval(stored, leaf)
  return moved >= leaf.range.min && moved <= leaf.range.max ? TRUE : FALSE
}
