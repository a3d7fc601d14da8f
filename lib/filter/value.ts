/**
 * Tests on the loaded value: TRUE, FALSE, or UNKNOWN when the value's class is not one the test is about.
 *
 * Integers are computed exactly over their 64 bits and never wrap; everything with a float in it is computed in
 * doubles (in float32 for Float columns).
 */
import type { ArithTest, Test } from './bound.js'
import type { ElementSet } from './element-set.js'
import { equalsList, isMember } from './json-array.js'
import { integerAsDouble, integerInRange, Kind, register } from './register.js'
import { testText } from './text-test.js'

export const FALSE = 0
export const TRUE = 1
export const UNKNOWN = 2

/** TRUE, FALSE or UNKNOWN for the loaded value. */
export function testValue(test: Test): number {
  const { kind } = register
  switch (test.test) {
    case 'range':
      if (kind === Kind.Int) return integerInRange(test.range, register.high, register.low) ? TRUE : FALSE
      if (kind === Kind.Double) {
        return register.double >= test.range.low && register.double <= test.range.high ? TRUE : FALSE
      }
      return UNKNOWN
    case 'arith':
      return testArith(test)
    case 'text':
      if (kind !== Kind.Text) return UNKNOWN
      return testText(test.text, register.bytes, register.start, register.end) ? TRUE : FALSE
    case 'members':
      return testMembers(test.set)
    case 'list':
      if (kind !== Kind.Array) return UNKNOWN
      return equalsList(test.items, register.bytes, register.start, register.end) ? TRUE : FALSE
  }
}

function testMembers(set: ElementSet): number {
  switch (register.kind) {
    case Kind.Int:
    case Kind.Double:
      return set.integers === null ? UNKNOWN : isMember(set) ? TRUE : FALSE
    case Kind.Text:
      return set.texts === null ? UNKNOWN : isMember(set) ? TRUE : FALSE
    case Kind.Bool:
      return !set.bools ? UNKNOWN : isMember(set) ? TRUE : FALSE
    default:
      return UNKNOWN
  }
}

function testArith(test: ArithTest): number {
  if (register.kind === Kind.Int) {
    if (test.exact) return arithExact(test, register.high, register.low) ? TRUE : FALSE
    return arithDouble(test, integerAsDouble(register.high, register.low))
  }
  return register.kind === Kind.Double ? arithDouble(test, register.double) : UNKNOWN
}

function arithExact(test: ArithTest, high: number, low: number): boolean {
  switch (test.op) {
    case '+':
    case '-':
    case '*':
    case '/':
      return integerInRange(test.range, high, low) // bounds were moved to the other side when bound
    case '&':
      return integerInRange(test.range, high & test.operandHigh, low & test.operandLow)
    case '|':
      return integerInRange(test.range, high | test.operandHigh, low | test.operandLow)
    case '^':
      return integerInRange(test.range, high ^ test.operandHigh, low ^ test.operandLow)
    case '%':
      return remainderInRange(test, high, low)
  }
}

/** The remainder keeps the dividend's sign, as in C. Doubles divide exactly while both sides are below 2^53. */
function remainderInRange(test: ArithTest, high: number, low: number): boolean {
  const value = integerAsDouble(high, low)
  if (Number.isSafeInteger(value) && Number.isSafeInteger(test.operandDouble)) {
    const remainder = value % test.operandDouble
    const upper = Math.floor(remainder / 4294967296)
    return integerInRange(test.range, upper, (remainder - upper * 4294967296) | 0)
  }
  const wide = ((BigInt(high) << 32n) | BigInt(low >>> 0)) % test.operand
  return integerInRange(test.range, Number(wide >> 32n), Number(wide & 0xffffffffn) | 0)
}

function arithDouble(test: ArithTest, value: number): number {
  let result = computeDouble(test.op, value, test.operandDouble)
  if (Number.isNaN(result)) return UNKNOWN
  if (test.single) result = Math.fround(result)
  return result >= test.range.low && result <= test.range.high ? TRUE : FALSE
}

/** NaN for bit operations: the bits of a double mean nothing. */
function computeDouble(op: ArithTest['op'], value: number, by: number): number {
  switch (op) {
    case '+':
      return value + by
    case '-':
      return value - by
    case '*':
      return value * by
    case '/':
      return value / by
    case '%':
      return value % by
    case '&':
    case '|':
    case '^':
      return Number.NaN
  }
}
