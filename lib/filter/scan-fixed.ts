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
    if (need === 0) continue
    let word = 0
    const row = from + (w << 5)
    for (let i = 0; i < 32; i++) {
      const value = values[row + i]!
      if (value >= min && value <= max) word |= 1 << i
    }
    bits[at + w] = need & (word ^ flip)
  }
  let rest = (count & 31) === 0 ? 0 : bits[at + whole]!
  let kept = 0
  while (rest !== 0) {
    const low = rest & -rest
    const value = values[from + (whole << 5) + 31 - Math.clz32(low)]!
    if ((value >= min && value <= max) !== negated) kept |= low
    rest ^= low
  }
  if ((count & 31) !== 0) bits[at + whole] = kept
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
