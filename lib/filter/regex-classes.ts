/**
 * Sets of code points for regular expressions: ranges, named classes, case folding.
 *
 * A set is a flat list of pairs (first, last), ascending and disjoint, so that "is it in" and "what is outside" are one
 * pass. Surrogates are in no set: UTF-8 has none.
 */

/** Pairs (first, last) of code points, ascending, disjoint. */
export type CodeRanges = readonly number[]

const LAST = 0x10ffff
export const ANY: CodeRanges = [0, 0xd7ff, 0xe000, LAST]
export const NOT_NEWLINE: CodeRanges = [0, 9, 11, 0xd7ff, 0xe000, LAST]

const DIGIT: CodeRanges = [0x30, 0x39]
const SPACE: CodeRanges = [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20]
const WORD: CodeRanges = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a]

/** `\d \s \w` and their complements; null for another letter. */
export function perlClass(letter: string): CodeRanges | null {
  switch (letter) {
    case 'd':
      return DIGIT
    case 'D':
      return complement(DIGIT)
    case 's':
      return SPACE
    case 'S':
      return complement(SPACE)
    case 'w':
      return WORD
    case 'W':
      return complement(WORD)
    default:
      return null
  }
}

const POSIX: Readonly<Record<string, CodeRanges>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a],
  alpha: [0x41, 0x5a, 0x61, 0x7a],
  ascii: [0, 0x7f],
  blank: [0x09, 0x09, 0x20, 0x20],
  cntrl: [0, 0x1f, 0x7f, 0x7f],
  digit: DIGIT,
  graph: [0x21, 0x7e],
  lower: [0x61, 0x7a],
  print: [0x20, 0x7e],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  space: [0x09, 0x0d, 0x20, 0x20],
  upper: [0x41, 0x5a],
  word: WORD,
  xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
}

/** `[:alpha:]` by its name (`alpha`, or `^alpha` for the complement); null when there is none. */
export function posixClass(name: string): CodeRanges | null {
  const negated = name.startsWith('^')
  const ranges = POSIX[negated ? name.slice(1) : name]
  if (ranges === undefined) return null
  return negated ? complement(ranges) : ranges
}

/** Ascending and disjoint, whatever came in. */
export function normalize(pairs: readonly number[]): CodeRanges {
  const sorted: [number, number][] = []
  for (let i = 0; i < pairs.length; i += 2) sorted.push([pairs[i]!, pairs[i + 1]!])
  sorted.sort((a, b) => a[0] - b[0])
  const out: number[] = []
  for (const [first, last] of sorted) {
    if (out.length > 0 && first <= out.at(-1)! + 1) out[out.length - 1] = Math.max(out.at(-1)!, last)
    else out.push(first, last)
  }
  return withoutSurrogates(out)
}

/** Every other code point. */
export function complement(ranges: CodeRanges): CodeRanges {
  const out: number[] = []
  let next = 0
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i]! > next) out.push(next, ranges[i]! - 1)
    next = ranges[i + 1]! + 1
  }
  if (next <= LAST) out.push(next, LAST)
  return withoutSurrogates(out)
}

function withoutSurrogates(ranges: CodeRanges): CodeRanges {
  const out: number[] = []
  for (let i = 0; i < ranges.length; i += 2) {
    const first = ranges[i]!
    const last = ranges[i + 1]!
    if (first < 0xd800) out.push(first, Math.min(last, 0xd7ff))
    if (last > 0xdfff) out.push(Math.max(first, 0xe000), last)
  }
  return out
}

/** Named classes looked up so far: each costs a walk over all code points. */
const unicodeClasses = new Map<string, CodeRanges | null>()

/** `\p{name}`: a general category or a script, as Unicode names them; null when there is none. */
export function unicodeClass(name: string): CodeRanges | null {
  if (name === 'Any') return ANY
  const known = unicodeClasses.get(name)
  if (known !== undefined) return known
  const ranges = scanUnicode(name)
  // Wrong names come from outside and are without number; right ones are a few hundred.
  if (ranges !== null) unicodeClasses.set(name, ranges)
  return ranges
}

function scanUnicode(name: string): CodeRanges | null {
  if (!/^[A-Za-z_]+$/.test(name)) return null
  const property = name.length <= 2 ? `General_Category=${name}` : `Script=${name}`
  let pattern: RegExp
  try {
    pattern = new RegExp(`^\\p{${property}}$`, 'u')
  } catch (cause) {
    if (cause instanceof SyntaxError) return null
    throw cause
  }
  const out: number[] = []
  for (let code = 0; code <= LAST; code++) {
    if (code === 0xd800) code = 0xe000
    if (!pattern.test(String.fromCodePoint(code))) continue
    if (out.length > 0 && out.at(-1) === code - 1) out[out.length - 1] = code
    else out.push(code, code)
  }
  return out
}

/** Last code point that has another case. */
const LAST_CASED = 0x1e943
/** Code points by the lower case of their upper case: those that differ in case only. Built when first needed. */
let orbits: Map<number, number[]> | null = null

function foldOf(code: number): number {
  const upper = String.fromCodePoint(code).toUpperCase()
  const lower = (upper.codePointAt(0)! > 0xffff ? upper.length === 2 : upper.length === 1)
    ? upper.toLowerCase()
    : ''
  return lower !== '' && String.fromCodePoint(lower.codePointAt(0)!) === lower ? lower.codePointAt(0)! : code
}

function orbitOf(code: number): readonly number[] {
  if (orbits === null) {
    orbits = new Map()
    for (let c = 0; c <= LAST_CASED; c++) {
      if (c === 0xd800) c = 0xe000
      const fold = foldOf(c)
      if (fold === c) continue
      const members = orbits.get(fold)
      if (members === undefined) orbits.set(fold, [fold, c])
      else members.push(c)
    }
  }
  return orbits.get(foldOf(code)) ?? []
}

/** The set together with everything that differs from a member in case only. */
export function foldCase(ranges: CodeRanges): CodeRanges {
  const pairs = [...ranges]
  for (let i = 0; i < ranges.length; i += 2) {
    const last = Math.min(ranges[i + 1]!, LAST_CASED)
    for (let code = ranges[i]!; code <= last; code++) {
      if (code >= 0xd800 && code < 0xe000) continue
      if (isCaseless(code)) continue
      for (const other of orbitOf(code)) pairs.push(other, other)
    }
  }
  return normalize(pairs)
}

/** ASCII characters without case, so that digits and punctuation never build the table. */
function isCaseless(code: number): boolean {
  return code < 0x41 || (code > 0x5a && code < 0x61) || (code > 0x7a && code < 0x80)
}
