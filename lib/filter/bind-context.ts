/**
 * What binding one filter text needs at hand, and the small makers of leaves that every part of the binder shares.
 */
import type { CollectionSchema, FieldSchema } from '../schema/collection-schema.js'
import { DataType } from '../schema/data-type.js'
import type { Literal, Node } from './ast.js'
import { ALL, type Bound, NONE, type Test } from './bound.js'
import { elementSetOf } from './element-set.js'
import { type FoldContext, literalType } from './fold.js'
import { type Subject, subjectType } from './names.js'
import type { NumberRange } from './number-range.js'
import { reject } from './reject.js'

export interface BindContext extends FoldContext {
  readonly schema: CollectionSchema
  /** IANA zone of timestamps without an offset. */
  readonly timezone: string
}

/** The text a node was parsed from. */
export function sourceOf(context: BindContext, node: Node): string {
  return context.text.slice(node.start, node.end)
}

/** TRUE for the rows that hold a value in this field; `negated` for those that hold none. */
export function validLeaf(field: FieldSchema, index: number, negated = false): Bound {
  if (!field.nullable) return negated ? NONE : ALL
  return { op: 'valid', field: index, negated }
}

/** A leaf that puts a test to a subject. */
export function testLeaf(subject: Subject, test: Test, negated: boolean): Bound {
  switch (subject.kind) {
    case 'json':
      return { op: 'json', field: subject.field, path: subject.path, test, negated }
    case 'element':
      return { op: 'element', field: subject.field, type: subject.type, index: subject.index, test, negated }
    case 'column':
      return test.test === 'range'
        ? rangeLeaf(subject, test.range, negated)
        : { op: 'scalar', field: subject.field, type: subject.type, test, negated }
  }
}

/** Smallest and greatest value of an integer-like column. */
function limitsOf(type: DataType): readonly [bigint, bigint] | null {
  switch (type) {
    case DataType.Bool:
      return [0n, 1n]
    case DataType.Int8:
      return [-128n, 127n]
    case DataType.Int16:
      return [-32_768n, 32_767n]
    case DataType.Int32:
      return [-2_147_483_648n, 2_147_483_647n]
    case DataType.Int64:
    case DataType.Timestamptz:
      return [-(2n ** 63n), 2n ** 63n - 1n]
    default:
      return null
  }
}

/** A range on a column; ranges that no value or every value of the type passes fold away. */
function rangeLeaf(
  subject: Extract<Subject, { readonly kind: 'column' }>,
  range: NumberRange,
  negated: boolean,
): Bound {
  const { field, type, schema } = subject
  const limits = limitsOf(type)
  if (limits !== null) {
    const [least, greatest] = limits
    if (range.min > range.max || range.min > greatest || range.max < least) {
      return negated ? validLeaf(schema, field) : NONE
    }
    if (range.min <= least && range.max >= greatest) return negated ? NONE : validLeaf(schema, field)
  }
  return { op: 'scalar', field, type, test: { test: 'range', range }, negated }
}

/** Equality with one of some constants of any class. */
export function membersTest(literals: readonly Literal[], single = false): Test {
  return { test: 'members', set: elementSetOf(literals, single) }
}

/** Refuses a comparison of a subject with a constant. `flipped`: the constant stood on the left. */
export function incomparable(subject: Subject, literal: Literal, flipped = false): never {
  const [a, b] = flipped
    ? [literalType(literal), subjectType(subject)]
    : [subjectType(subject), literalType(literal)]
  return reject(`comparisons between ${a} and ${b} are not supported`)
}
