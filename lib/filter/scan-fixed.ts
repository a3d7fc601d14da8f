/**
 * Loops over fixed-width columns: 32 rows make one word of the result, tested without objects or calls per row.
 *
 * Every loop here *narrows*: it clears the bits of rows for which its question is not TRUE, and looks only at words
 * that still have bits. `at` is the first word in `bits`; bit 0 of that word is row `from`. A word whose 32 rows all
 * lie before `count` is computed as a whole; in the last, partial word only rows with a bit are read, because the
 * column may end there.
 */
import type { FixedArray } from '../schema/data-type.js'
import type { Int64Set } from './element-set.js'
import type { NumberRange } from './number-range.js'

/** Integers of up to 32 bits, floats and doubles: min ≤ value ≤ max, or not so when `negated`. */
export function narrowRange(
  values: FixedArray,
  min: number,
  max: number,
  negated: boolean,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
): void {
  const flip = negated ? -1 : 0
  const whole = count >>> 5
  for (let w = 0; w < whole; w++) {
    const need = bits[at + w]!
    if (need !== 0) bits[at + w] = need & (rangeWord(values, from + (w << 5), min, max) ^ flip)
  }
  if ((count & 31) === 0) return
  let rest = bits[at + whole]!
  let kept = 0
  while (rest !== 0) {
    const low = rest & -rest
    const value = values[from + (whole << 5) + 31 - Math.clz32(low)]!
    if ((value >= min && value <= max) !== negated) kept |= low
    rest ^= low
  }
  bits[at + whole] = kept
}

/**
 * One word of a range test. Each kind of array has its own small loop below: a loop that sees only one kind compiles
 * to plain loads, one that has met them all is several times slower.
 */
function rangeWord(values: FixedArray, row: number, min: number, max: number): number {
  if (values instanceof Int32Array) return rangeWordInt32(values, row, min | 0, max | 0)
  if (values instanceof Float32Array) return rangeWordFloat32(values, row, min, max)
  if (values instanceof Float64Array) return rangeWordFloat64(values, row, min, max)
  if (values instanceof Int8Array) return rangeWordInt8(values, row, min | 0, max | 0)
  if (values instanceof Int16Array) return rangeWordInt16(values, row, min | 0, max | 0)
  return rangeWordUint8(values as Uint8Array, row, min | 0, max | 0)
}

// The sign bit of (value − min) | (max − value) is set outside the range: no branch for the processor to guess. Bounds
// are inside the column type, so that the differences of 8 and 16 bit values cannot overflow.

function rangeWordInt8(values: Int8Array, row: number, min: number, max: number): number {
  let outside = 0
  for (let i = 0; i < 32; i++) {
    const value = values[row + i]!
    outside |= (((value - min) | (max - value)) >>> 31) << i
  }
  return ~outside
}

function rangeWordUint8(values: Uint8Array, row: number, min: number, max: number): number {
  let outside = 0
  for (let i = 0; i < 32; i++) {
    const value = values[row + i]!
    outside |= (((value - min) | (max - value)) >>> 31) << i
  }
  return ~outside
}

function rangeWordInt16(values: Int16Array, row: number, min: number, max: number): number {
  let outside = 0
  for (let i = 0; i < 32; i++) {
    const value = values[row + i]!
    outside |= (((value - min) | (max - value)) >>> 31) << i
  }
  return ~outside
}

/** a < b without overflow is the sign of (a & ~b) | (~(a ^ b) & (a − b)). */
function rangeWordInt32(values: Int32Array, row: number, min: number, max: number): number {
  let outside = 0
  for (let i = 0; i < 32; i++) {
    const value = values[row + i]!
    const below = (value & ~min) | (~(value ^ min) & ((value - min) | 0))
    const above = (max & ~value) | (~(max ^ value) & ((max - value) | 0))
    outside |= ((below | above) >>> 31) << i
  }
  return ~outside
}

function rangeWordFloat32(values: Float32Array, row: number, min: number, max: number): number {
  let word = 0
  for (let i = 0; i < 32; i++) {
    const value = values[row + i]!
    if (value >= min && value <= max) word |= 1 << i
  }
  return word
}

function rangeWordFloat64(values: Float64Array, row: number, min: number, max: number): number {
  let word = 0
  for (let i = 0; i < 32; i++) {
    const value = values[row + i]!
    if (value >= min && value <= max) word |= 1 << i
  }
  return word
}

/** 64-bit integers: exact over the whole range. */
export function narrowInt64Range(
  words: FixedArray,
  range: NumberRange,
  negated: boolean,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
): void {
  const flip = negated ? -1 : 0
  const { minHigh, minLow, maxHigh, maxLow } = range
  const wordCount = (count + 31) >>> 5
  for (let w = 0; w < wordCount; w++) {
    const need = bits[at + w]!
    if (need === 0) continue
    let word = 0
    const row = from + (w << 5)
    const last = Math.min(count - (w << 5), 32)
    for (let i = 0; i < last; i++) {
      const high = words[2 * (row + i) + 1]!
      if (high < minHigh || high > maxHigh) continue
      const low = words[2 * (row + i)]! >>> 0
      if ((high > minHigh || low >= minLow) && (high < maxHigh || low <= maxLow)) word |= 1 << i
    }
    bits[at + w] = need & (word ^ flip)
  }
}

/** 64-bit integers in a set (`wide`: pairs of words), or integers of up to 32 bits in a set. */
export function narrowIntegerSet(
  values: FixedArray,
  wide: boolean,
  set: Int64Set,
  negated: boolean,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
): void {
  const wordCount = (count + 31) >>> 5
  for (let w = 0; w < wordCount; w++) {
    let rest = bits[at + w]!
    let kept = 0
    while (rest !== 0) {
      const bit = rest & -rest
      rest ^= bit
      const row = from + (w << 5) + 31 - Math.clz32(bit)
      const low = wide ? values[2 * row]! : values[row]!
      const high = wide ? values[2 * row + 1]! : low >> 31
      if (set.has(high, low) !== negated) kept |= bit
    }
    bits[at + w] = kept
  }
}

/** Clears the bits of null rows; `from` is a multiple of 32. */
export function narrowValid(
  validity: Uint32Array | null,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
): void {
  if (validity === null) return
  const first = from >>> 5
  const wordCount = (count + 31) >>> 5
  for (let w = 0; w < wordCount; w++) bits[at + w]! &= validity[first + w]!
}

/** Keeps the bits of null rows only. */
export function narrowNull(
  validity: Uint32Array | null,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
): void {
  const first = from >>> 5
  const wordCount = (count + 31) >>> 5
  for (let w = 0; w < wordCount; w++) bits[at + w]! &= validity === null ? 0 : ~validity[first + w]!
}
