/**
 * 64-bit integers as two 32-bit words (low, high), the way Int64 and Timestamptz columns hold them.
 *
 * Outside a column an Int64 is a number when that is exact, else a bigint; the two forms never overlap, so either can
 * be a Map key. Invariant: words → value → words is the identity over the whole signed 64-bit range.
 */
import { assert } from '../base/assert.js'

const TWO_32 = 4_294_967_296
/** Values whose high word lies in [−2^21, 2^21) are safe integers, but for −2^53 itself. */
const SAFE_HIGH = 2_097_152
export const INT64_MIN = -(2n ** 63n)
export const INT64_MAX = 2n ** 63n - 1n

/** How a reader wants Int64 values: 'auto' gives a number when exact, else a bigint. */
export type Int64As = 'auto' | 'number' | 'bigint' | 'string'

/** Writes a value at `words[at]` and `words[at + 1]`. A number must be a safe integer, a bigint in range. */
export function writeInt64(words: Int32Array, at: number, value: number | bigint): void {
  if (typeof value === 'number') {
    words[at] = value | 0
    words[at + 1] = Math.floor(value / TWO_32)
  } else {
    words[at] = Number(BigInt.asIntN(32, value))
    words[at + 1] = Number(value >> 32n)
  }
}

/** The value at `words[at]`: a number when exact, else a bigint. */
export function readInt64(words: ArrayLike<number>, at: number): number | bigint {
  return int64OfWords(words[at]!, words[at + 1]!)
}

/** The value of a low and a high word (low may be signed or unsigned). */
export function int64OfWords(lo: number, hi: number): number | bigint {
  if (hi >= -SAFE_HIGH && hi < SAFE_HIGH && (hi !== -SAFE_HIGH || lo !== 0)) return hi * TWO_32 + (lo >>> 0)
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0)
}

/** Low and high word of a value, both signed. */
export function int64WordsOf(value: number | bigint): [lo: number, hi: number] {
  if (typeof value === 'number') {
    assert(Number.isSafeInteger(value), 'an Int64 given as a number is a safe integer')
    return [value | 0, Math.floor(value / TWO_32)]
  }
  assert(value >= INT64_MIN && value <= INT64_MAX, 'a bigint Int64 is in range')
  return [Number(BigInt.asIntN(32, value)), Number(value >> 32n)]
}

/** The value in the form a reader asked for. 'number' rounds beyond 2^53. */
export function int64InForm(value: number | bigint, form: Int64As): number | bigint | string {
  switch (form) {
    case 'auto':
      return value
    case 'number':
      return Number(value)
    case 'bigint':
      return BigInt(value)
    case 'string':
      return String(value)
  }
}

/** A decimal-text Int64, or undefined when the text is no integer in range. */
export function parseInt64(text: string): number | bigint | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value
  const exact = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return exact >= INT64_MIN && exact <= INT64_MAX ? exact : undefined
}
