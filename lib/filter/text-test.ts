/**
 * Questions about one string, answered on its UTF-8 bytes: equality, order, `like`, regex.
 *
 * Bytewise order of UTF-8 is code point order, so ranges compare bytes. A `like` pattern becomes the cheapest of:
 * exact text, prefix, suffix, infix, or a general matcher that walks literals, `_` (one code point) and `%` (any run)
 * with the usual single point of retreat: after a later `%` an earlier one never needs to be tried again.
 */
import { ByteSet, equalBytes } from './element-set.js'
import type { PackedTexts } from './packed-list.js'
import type { RegexMatcher } from './regex-matcher.js'
import { reject } from './reject.js'

export type TextTest =
  | { readonly kind: 'equal' | 'prefix' | 'suffix' | 'infix'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'order'
      readonly low: Uint8Array | null
      readonly lowInclusive: boolean
      readonly high: Uint8Array | null
      readonly highInclusive: boolean
    }
  | OneOfTest
  | { readonly kind: 'like'; readonly pattern: Int16Array }
  | { readonly kind: 'regex'; readonly matcher: RegexMatcher }

/** Equality with one of some strings. */
export interface OneOfTest {
  readonly kind: 'oneOf'
  readonly set: ByteSet
  readonly members: readonly Uint8Array[]
  readonly count: number
  /** Where they come from when they are many, else null; what is made of it is made when somebody first asks. */
  readonly packed: PackedTexts | null
}

class PackedOneOf implements OneOfTest {
  readonly kind = 'oneOf'
  readonly packed: PackedTexts
  readonly count: number

  constructor(packed: PackedTexts) {
    this.packed = packed
    this.count = packed.count
  }

  get set(): ByteSet {
    return this.packed.set
  }

  get members(): readonly Uint8Array[] {
    return this.packed.members
  }
}

/** Equality with one of some bytes. */
export function oneOf(members: readonly Uint8Array[]): OneOfTest {
  return { kind: 'oneOf', set: ByteSet.of(members), members, count: members.length, packed: null }
}

/** Equality with one of a packed list. */
export function oneOfPacked(packed: PackedTexts): OneOfTest {
  return new PackedOneOf(packed)
}

/** Steps of a general `like` pattern besides literal bytes. */
const ANY_RUN = -1
const ANY_CHARACTER = -2

/**
 * Compiles a `like` pattern. `%` any run, `_` one character, `\` takes the next character as it is.
 * @throws MilvusError 1100 for a backslash at the end
 */
export function likeTest(pattern: string): TextTest {
  const steps: number[] = []
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!
    if (c === '%') {
      if (steps.at(-1) !== ANY_RUN) steps.push(ANY_RUN)
    } else if (c === '_') steps.push(ANY_CHARACTER)
    else {
      if (c === '\\' && ++i === pattern.length) {
        reject(`Invalid LIKE pattern: trailing backslash with nothing to escape in '${pattern}'`)
      }
      const code = pattern.codePointAt(i)!
      if (code > 0xffff) i++
      for (const byte of Buffer.from(String.fromCodePoint(code), 'utf8')) steps.push(byte)
    }
  }
  const first = steps[0] === ANY_RUN
  const last = steps.at(-1) === ANY_RUN
  const inner = steps.slice(first ? 1 : 0, last && steps.length > 1 ? -1 : undefined)
  const bytes = Uint8Array.from(inner)
  if (inner.some(step => step < 0)) return { kind: 'like', pattern: Int16Array.from(steps) }
  if (first && (last || inner.length === 0)) return { kind: 'infix', bytes }
  if (first) return { kind: 'suffix', bytes }
  return { kind: last ? 'prefix' : 'equal', bytes }
}

/** The answer for heap[start, end). */
export function testText(test: TextTest, heap: Uint8Array, start: number, end: number): boolean {
  switch (test.kind) {
    case 'equal':
      return equalBytes(heap, start, end, test.bytes)
    case 'prefix':
      return (
        end - start >= test.bytes.length && equalBytes(heap, start, start + test.bytes.length, test.bytes)
      )
    case 'suffix':
      return end - start >= test.bytes.length && equalBytes(heap, end - test.bytes.length, end, test.bytes)
    case 'infix':
      return contains(heap, start, end, test.bytes)
    case 'order':
      return inOrder(test, heap, start, end)
    case 'oneOf':
      return test.set.has(heap, start, end)
    case 'like':
      return matchesLike(test.pattern, heap, start, end)
    case 'regex':
      return test.matcher.matches(heap, start, end)
  }
}

function inOrder(
  test: Extract<TextTest, { readonly kind: 'order' }>,
  heap: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (test.low !== null) {
    const order = compareBytes(heap, start, end, test.low, 0, test.low.length)
    if (order < 0 || (order === 0 && !test.lowInclusive)) return false
  }
  if (test.high !== null) {
    const order = compareBytes(heap, start, end, test.high, 0, test.high.length)
    if (order > 0 || (order === 0 && !test.highInclusive)) return false
  }
  return true
}

/** Bytewise order of a[aStart, aEnd) and b[bStart, bEnd): negative, 0, positive. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const aLength = aEnd - aStart
  const bLength = bEnd - bStart
  const shared = Math.min(aLength, bLength)
  for (let i = 0; i < shared; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!
    if (difference !== 0) return difference
  }
  return aLength - bLength
}

function contains(heap: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  const { length } = wanted
  if (length === 0) return true
  const first = wanted[0]!
  for (let i = start, last = end - length; i <= last; i++) {
    if (heap[i] !== first) continue
    let k = 1
    while (k < length && heap[i + k] === wanted[k]) k++
    if (k === length) return true
  }
  return false
}

function matchesLike(pattern: Int16Array, heap: Uint8Array, start: number, end: number): boolean {
  let p = 0
  let i = start
  let retreatStep = -1
  let retreatAt = 0
  for (;;) {
    const step = p < pattern.length ? pattern[p]! : 0
    if (p < pattern.length && step === ANY_RUN) {
      retreatStep = ++p
      retreatAt = i
      if (p === pattern.length) return true
    } else if (p < pattern.length && i < end && (step === ANY_CHARACTER || step === heap[i])) {
      i = step === ANY_CHARACTER ? afterCharacter(heap, i, end) : i + 1
      p++
    } else if (p === pattern.length && i === end) return true
    else if (retreatStep >= 0 && retreatAt < end) {
      // The last `%` swallows one more character. Starting inside a character would let `_` match a part of one.
      retreatAt = afterCharacter(heap, retreatAt, end)
      i = retreatAt
      p = retreatStep
    } else return false
  }
}

/** Start of the next code point. */
function afterCharacter(heap: Uint8Array, at: number, end: number): number {
  let next = at + 1
  while (next < end && (heap[next]! & 0xc0) === 0x80) next++
  return next
}
