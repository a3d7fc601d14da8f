/**
 * JSON number text to the register: integers that fit 64 bits exactly, everything else as the nearest double.
 *
 * Short numbers (the usual ones) are computed digit by digit; a mantissa below 2^53 times a power of ten up to 10^22
 * is one correctly rounded operation. Longer ones are left to the language's own conversion.
 */
import { Kind, register } from './register.js'

const MINUS = 0x2d
const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

/** Loads the number heap[start, end) (−1 as end: broken text) into the register; Missing when it is no number. */
export function loadNumber(heap: Uint8Array, start: number, end: number): void {
  register.next = end
  const negative = heap[start] === MINUS
  const first = negative ? start + 1 : start
  let at = first
  let value = 0
  while (at < end && isDigit(heap[at]!)) value = value * 10 + (heap[at++]! - 0x30)
  if (at === first) return
  if (at === end) loadInteger(heap, first, end, negative, value)
  else loadDouble(heap, start, end, at, negative, value)
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39
}

function loadInteger(heap: Uint8Array, first: number, end: number, negative: boolean, value: number): void {
  let high: number
  let low: number
  if (end - first <= 15) {
    high = Math.floor(value / 4294967296)
    low = value - high * 4294967296
  } else {
    high = 0
    low = 0
    for (let i = first; i < end; i++) {
      low = low * 10 + (heap[i]! - 0x30)
      const carry = Math.floor(low / 4294967296)
      low -= carry * 4294967296
      high = high * 10 + carry
      if (high > 0x80000000) break
    }
    if (high > 0x80000000 || (high === 0x80000000 && !(negative && low === 0))) {
      // Beyond 64 bits: a double, as JSON readers take it.
      setDouble(Number(textOf(heap, negative ? first - 1 : first, end)))
      return
    }
  }
  register.kind = Kind.Int
  if (negative) {
    register.low = -low | 0
    register.high = (~high + (low === 0 ? 1 : 0)) | 0
  } else {
    register.low = low | 0
    register.high = high | 0
  }
}

function loadDouble(
  heap: Uint8Array,
  start: number,
  end: number,
  at: number,
  negative: boolean,
  mantissa: number,
): void {
  let exponent = 0
  let next = at
  if (heap[next] === 0x2e) {
    next++
    const fraction = next
    while (next < end && isDigit(heap[next]!)) mantissa = mantissa * 10 + (heap[next++]! - 0x30)
    exponent = fraction - next
    if (next === fraction) return
  }
  if (next < end && (heap[next]! | 0x20) === 0x65) {
    next++
    const minus = heap[next] === MINUS
    if (minus || heap[next] === 0x2b) next++
    let power = 0
    const from = next
    while (next < end && isDigit(heap[next]!)) power = power * 10 + (heap[next++]! - 0x30)
    if (next === from) return
    exponent += minus ? -power : power
  }
  if (next !== end) return
  // Below 2^53 every step of the sum above was exact.
  if (mantissa > Number.MAX_SAFE_INTEGER || exponent > 22 || exponent < -22) {
    setDouble(Number(textOf(heap, start, end)))
    return
  }
  const size = exponent < 0 ? mantissa / POWERS[-exponent]! : mantissa * POWERS[exponent]!
  setDouble(negative ? -size : size)
}

function setDouble(value: number): void {
  register.kind = Kind.Double
  register.double = value
}

function textOf(heap: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i++) text += String.fromCharCode(heap[i]!)
  return text
}
