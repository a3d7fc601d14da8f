/**
 * One value at a time, in registers: what JSON scanning, array decoding and single column rows load, and what tests
 * read.
 *
 * A single module-level object instead of a result per row: loops over millions of rows allocate nothing. The rule
 * that makes this safe: whoever loads a value tests it before anybody loads the next one, and nothing here is ever
 * held across an await.
 */
import type { NumberRange } from './number-range.js'

/** Class of the loaded value. Missing paths, JSON null and broken JSON are all `Missing`. */
export const Kind = { Missing: 0, Bool: 1, Int: 2, Double: 3, Text: 4, Array: 5, Object: 6 } as const
export type Kind = (typeof Kind)[keyof typeof Kind]

export interface Register {
  kind: Kind
  /** Int: the 64-bit value as signed words. Bool: `low` is 0 or 1. */
  high: number
  low: number
  /** Double. */
  double: number
  /** Text: its bytes, escapes resolved. Array, Object: their JSON text, brackets included. */
  bytes: Uint8Array
  start: number
  end: number
  /** Offset behind the value in the JSON text it came from. */
  next: number
}

export const register: Register = {
  kind: Kind.Missing,
  high: 0,
  low: 0,
  double: 0,
  bytes: new Uint8Array(0),
  start: 0,
  end: 0,
  next: 0,
}

/** The loaded integer, rounded to the nearest double. */
export function integerAsDouble(high: number, low: number): number {
  return high * 4294967296 + (low >>> 0)
}

/** True when the 64-bit integer lies in the range. */
export function integerInRange(range: NumberRange, high: number, low: number): boolean {
  if (range.min > range.max) return false
  const unsigned = low >>> 0
  return (
    (high > range.minHigh || (high === range.minHigh && unsigned >= range.minLow)) &&
    (high < range.maxHigh || (high === range.maxHigh && unsigned <= range.maxLow))
  )
}
