/**
 * The bound plan: what the binder makes of a tree and a schema, and what the evaluator runs.
 *
 * Three-valued logic without a third bitset: the binder pushes every `not` down to the leaves by De Morgan's laws,
 * which hold for Kleene's UNKNOWN too. What is left is `and`, `or` and leaves that may be negated, and then the rows
 * for which the whole is TRUE follow from the rows for which each leaf is TRUE: intersection and union. A negated leaf
 * is TRUE where the plain leaf is definitely FALSE; where it is UNKNOWN (null, missing, another type), neither is.
 *
 * Invariants: `and` / `or` have two or more items, none of them 'all' or 'none'; every literal has been cast to the
 * type it meets; ranges are never empty or full for the column they test (those fold when bound).
 */
import type { FieldSchema } from '../schema/collection-schema.js'
import type { DataType } from '../schema/data-type.js'
import type { CompareOp, Literal } from './ast.js'
import type { ElementSet } from './element-set.js'
import type { GeometryTest } from './geometry-test.js'
import type { ElementTest } from './match-elements.js'
import type { NumberRange } from './number-range.js'
import type { TextTest } from './text-test.js'

export type Bound =
  | { readonly op: 'all' }
  | { readonly op: 'none' }
  | { readonly op: 'and' | 'or'; readonly items: readonly Bound[] }
  | Leaf

export const ALL: Bound = { op: 'all' }
export const NONE: Bound = { op: 'none' }

/** One step of a JSON path. A step that looks like a number indexes arrays and also names object members. */
export interface JsonStep {
  readonly key: Uint8Array
  /** The position in an array, or −1 when the key is no canonical decimal number. */
  readonly index: number
}
export type JsonPath = readonly JsonStep[]

/** What is asked of one value; the value's type decides whether the answer is TRUE, FALSE or UNKNOWN. */
export type Test =
  | { readonly test: 'range'; readonly range: NumberRange }
  | ArithTest
  | { readonly test: 'text'; readonly text: TextTest }
  /** `in`, and equality with a boolean: UNKNOWN for values of a class that the set does not hold. */
  | { readonly test: 'members'; readonly set: ElementSet }
  /** Deep equality of a JSON array. */
  | { readonly test: 'list'; readonly items: readonly Literal[] }

export interface ArithTest {
  readonly test: 'arith'
  readonly op: '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^'
  /** Both literals are integers: stored integers are computed exactly. */
  readonly exact: boolean
  readonly operandHigh: number
  readonly operandLow: number
  readonly operand: bigint
  readonly operandDouble: number
  /**
   * For stored doubles: the result must lie in [low, high]. For stored integers under `exact`: `% & | ^` test the
   * result, `+ - * /` test the stored value itself against integer bounds moved to the other side when bound.
   */
  readonly range: NumberRange
  /** Float column: compute in float32, as the column does. */
  readonly single: boolean
}

export type Leaf =
  /** TRUE where the field holds a value (negated: where it is null). Never UNKNOWN. */
  | { readonly op: 'valid'; readonly field: number; readonly negated: boolean }
  | {
      readonly op: 'scalar'
      readonly field: number
      readonly type: DataType
      readonly test: Test
      readonly negated: boolean
    }
  | {
      readonly op: 'element'
      readonly field: number
      readonly type: DataType
      readonly index: number
      readonly test: Test
      readonly negated: boolean
    }
  | {
      readonly op: 'json'
      readonly field: number
      readonly path: JsonPath
      readonly test: Test
      readonly negated: boolean
    }
  /** Never UNKNOWN. */
  | { readonly op: 'exists'; readonly field: number; readonly path: JsonPath; readonly negated: boolean }
  /** Length of an Array column (path null) or of a JSON array. */
  | {
      readonly op: 'length'
      readonly field: number
      readonly path: JsonPath | null
      readonly range: NumberRange
      readonly negated: boolean
    }
  | ContainsLeaf
  | {
      readonly op: 'arrayEquals'
      readonly field: number
      readonly type: DataType
      readonly items: readonly Literal[]
      readonly negated: boolean
    }
  | {
      readonly op: 'columns'
      readonly compare: CompareOp
      readonly field: number
      readonly type: DataType
      readonly otherField: number
      readonly otherType: DataType
      readonly negated: boolean
    }
  | {
      readonly op: 'geometry'
      readonly field: number
      readonly test: GeometryTest
      readonly negated: boolean
    }
  /** The elements of a struct array, counted. Needs a loop of its own (match-elements.ts). */
  | {
      readonly op: 'match'
      readonly field: number
      readonly schema: FieldSchema
      readonly test: ElementTest
      readonly negated: boolean
    }
  /** A Timestamptz moved by years, months and a fixed number of microseconds, then tested. */
  | {
      readonly op: 'calendar'
      readonly field: number
      readonly months: number
      readonly days: number
      readonly micros: bigint
      readonly range: NumberRange
      readonly negated: boolean
    }

export interface ContainsLeaf {
  readonly op: 'contains'
  readonly field: number
  /** Null for an Array column. */
  readonly path: JsonPath | null
  /** Element type of an Array column. */
  readonly type: DataType
  /** 'any': one element is in `sets[0]`; 'all': every set has an element in it (one set per listed value). */
  readonly mode: 'any' | 'all'
  readonly sets: readonly ElementSet[]
  readonly negated: boolean
}
