/**
 * Ranges of numbers, exact for 64-bit integers and for doubles at once.
 *
 * Every numeric comparison becomes one inclusive range when it is bound: `x > 5` is [6, max] for stored integers and
 * [next double after 5, ∞] for stored doubles; `x != 5` is the negation of [5, 5]. Hot loops then test two bounds and
 * never look at an operator. An integer literal compares exactly with stored integers and as a double with stored
 * doubles; a float literal compares as a double with both (query-search-semantics §1.20).
 * 64-bit bounds are kept as words (high signed, low unsigned), so that no loop needs BigInt.
 */
import { assert } from '../base/assert.js'
import { INT64_MAX, INT64_MIN } from '../schema/int64.js'
import type { CompareOp, Literal } from './ast.js'

export type NumberLiteral = Extract<Literal, { readonly kind: 'int' | 'float' }>

/** One end of a range; null ends are open. */
export interface Bound {
  readonly value: NumberLiteral
  readonly inclusive: boolean
}

export interface NumberRange {
  /** Inclusive bounds for integers; empty when `min > max`. Always inside the int64 range, except when empty. */
  readonly min: bigint
  readonly max: bigint
  /** The same bounds as words; meaningless when empty. */
  readonly minHigh: number
  readonly minLow: number
  readonly maxHigh: number
  readonly maxLow: number
  /** Inclusive bounds for doubles; empty when `low > high`. */
  readonly low: number
  readonly high: number
}

/** Values that pass both bounds. `single`: stored doubles are float32 values, literals are rounded alike. */
export function rangeOf(lower: Bound | null, upper: Bound | null, single = false): NumberRange {
  const min = lower === null ? INT64_MIN : firstInteger(lower)
  const max = upper === null ? INT64_MAX : lastInteger(upper)
  let low = Number.NEGATIVE_INFINITY
  let high = Number.POSITIVE_INFINITY
  if (lower !== null) {
    low = asDouble(lower.value, single)
    if (!lower.inclusive) low = single ? nextSingle(low) : nextDouble(low)
  }
  if (upper !== null) {
    high = asDouble(upper.value, single)
    if (!upper.inclusive) high = single ? -nextSingle(-high) : -nextDouble(-high)
  }
  return withWords(min, max, low, high)
}

/** The range of `x op value`; `!=` gives the range of `==`, to be negated by the caller. */
export function rangeOfCompare(op: CompareOp, value: NumberLiteral, single = false): NumberRange {
  switch (op) {
    case '==':
    case '!=':
      return rangeOf({ value, inclusive: true }, { value, inclusive: true }, single)
    case '<':
    case '<=':
      return rangeOf(null, { value, inclusive: op === '<=' }, single)
    case '>':
    case '>=':
      return rangeOf({ value, inclusive: op === '>=' }, null, single)
  }
}

/** A range for integers only, clamped to int64; null bounds are open. */
export function integerRange(min: bigint | null, max: bigint | null): NumberRange {
  return withWords(min ?? INT64_MIN, max ?? INT64_MAX, 1, 0)
}

/** The same doubles with other integer bounds. */
export function withIntegers(range: NumberRange, min: bigint | null, max: bigint | null): NumberRange {
  return withWords(min ?? INT64_MIN, max ?? INT64_MAX, range.low, range.high)
}

/** A range of given bounds, clamped to int64. */
export function withWords(min: bigint, max: bigint, low: number, high: number): NumberRange {
  let from = min < INT64_MIN ? INT64_MIN : min
  let to = max > INT64_MAX ? INT64_MAX : max
  if (from > to) {
    from = 1n
    to = 0n
  }
  return {
    min: from,
    max: to,
    minHigh: Number(from >> 32n),
    minLow: Number(from & 0xffffffffn),
    maxHigh: Number(to >> 32n),
    maxLow: Number(to & 0xffffffffn),
    low,
    high,
  }
}

/** A number literal as the double that stored doubles are compared with. */
export function asDouble(value: NumberLiteral, single = false): number {
  const double = Number(value.value)
  return single ? Math.fround(double) : double
}

function firstInteger(bound: Bound): bigint {
  const { value, inclusive } = bound
  if (value.kind === 'int') return inclusive ? value.value : value.value + 1n
  return firstWhere(i => (inclusive ? Number(i) >= value.value : Number(i) > value.value))
}

function lastInteger(bound: Bound): bigint {
  const { value, inclusive } = bound
  if (value.kind === 'int') return inclusive ? value.value : value.value - 1n
  return firstWhere(i => (inclusive ? Number(i) > value.value : Number(i) >= value.value)) - 1n
}

/** Smallest int64 for which a rising predicate holds; INT64_MAX + 1 when none does. */
function firstWhere(holds: (i: bigint) => boolean): bigint {
  let from = INT64_MIN
  let to = INT64_MAX + 1n
  while (from < to) {
    const middle = (from + to) >> 1n
    if (holds(middle)) to = middle
    else from = middle + 1n
  }
  return from
}

const double = new Float64Array(1)
const doubleBits = new BigInt64Array(double.buffer)
const single = new Float32Array(1)
const singleBits = new Int32Array(single.buffer)

/** The next greater double. */
export function nextDouble(value: number): number {
  assert(!Number.isNaN(value), 'ranges are made of numbers')
  if (value === Number.POSITIVE_INFINITY) return Number.NaN // nothing is greater: a bound that no value passes
  if (value === 0) return Number.MIN_VALUE
  double[0] = value
  doubleBits[0]! += value > 0 ? 1n : -1n
  return double[0]!
}

/** The next greater float32 value. */
export function nextSingle(value: number): number {
  assert(!Number.isNaN(value), 'ranges are made of numbers')
  if (value === Number.POSITIVE_INFINITY) return Number.NaN
  single[0] = value
  if (single[0] === 0) {
    singleBits[0] = 1
    return single[0]!
  }
  singleBits[0]! += value > 0 ? 1 : -1
  return single[0]!
}
