/**
 * A strict scanner over JSON text: finds where values end without building them.
 *
 * The one idea: syntax checks, the split of an object into members, and the exact parser all need the same walk, so it
 * exists once and allocates nothing. Grammar is RFC 8259; depth is bounded by LIMITS.jsonDepthMax, because everything
 * that walks JSON here recurses. Positions are UTF-16 offsets into the text.
 */
import { invalid, type MilvusError } from './errors.js'
import { LIMITS } from './limits.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const DOT = 0x2e
const UPPER_E = 0x45
const LOWER_E = 0x65
/** No number of fewer digits is infinite without an exponent: the largest double has 309. */
const DIGITS_MAX = 308
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** The error of malformed JSON: what was found and where. */
export function jsonSyntaxError(text: string, at: number): MilvusError {
  const found = at < text.length ? JSON.stringify(text[at]) : 'end of text'
  return invalid(`malformed JSON: unexpected ${found} at position ${at}`)
}

/** The error of JSON nested too deep (on the way out, also what a cyclic value looks like). */
export function jsonDepthError(hint = ''): MilvusError {
  return invalid(`JSON is nested deeper than ${LIMITS.jsonDepthMax} levels${hint}`)
}

/** First position at or after `at` that is not JSON white space. */
export function skipSpace(text: string, at: number): number {
  for (let i = at; ; i++) {
    const code = text.charCodeAt(i)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return i
  }
}

/** End of the string that opens at `at` (position after the closing quote). */
export function endOfString(text: string, at: number): number {
  if (text.charCodeAt(at) !== QUOTE) throw jsonSyntaxError(text, at)
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) return i + 1
    if (code < 0x20) throw jsonSyntaxError(text, i)
    if (code === BACKSLASH) i = endOfEscape(text, i + 1)
  }
  throw jsonSyntaxError(text, text.length)
}

/** Position of the last character of the escape whose letter is at `at`. */
function endOfEscape(text: string, at: number): number {
  switch (text[at]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return at
    case 'u':
      if (/^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) return at + 4
  }
  throw jsonSyntaxError(text, at)
}

/** End of the number, `true`, `false` or `null` at `at`. */
export function endOfScalar(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
    NUMBER.lastIndex = at
    if (NUMBER.test(text)) {
      const end = NUMBER.lastIndex
      if (overflows(text, at, end))
        throw invalid(`malformed JSON: ${text.slice(at, end)} is beyond every number`)
      return end
    }
  } else if (text.startsWith('true', at) || text.startsWith('null', at)) {
    return at + 4
  } else if (text.startsWith('false', at)) {
    return at + 5
  }
  throw jsonSyntaxError(text, at)
}

/** True for a number that would be infinite, which JSON cannot say again. Integers of any length stay exact. */
function overflows(text: string, from: number, to: number): boolean {
  for (let i = to - 1; i > from; i--) {
    const code = text.charCodeAt(i)
    if (code === LOWER_E || code === UPPER_E || (code === DOT && to - from > DIGITS_MAX)) {
      return !Number.isFinite(Number(text.slice(from, to)))
    }
    if (code === DOT) return false
  }
  return false
}

/** End of the value that starts at `at`; `depth` levels are already open. */
function endOfValue(text: string, at: number, depth: number): number {
  const code = text.charCodeAt(at)
  if (code === QUOTE) return endOfString(text, at)
  if (code !== OPEN_BRACE && code !== OPEN_BRACKET) return endOfScalar(text, at)
  if (depth >= LIMITS.jsonDepthMax) throw jsonDepthError()
  const isObject = code === OPEN_BRACE
  const close = isObject ? CLOSE_BRACE : CLOSE_BRACKET
  let i = skipSpace(text, at + 1)
  if (text.charCodeAt(i) === close) return i + 1
  for (;;) {
    if (isObject) i = valueStart(text, endOfString(text, i))
    i = skipSpace(text, endOfValue(text, i, depth + 1))
    const next = text.charCodeAt(i)
    if (next === close) return i + 1
    if (next !== COMMA) throw jsonSyntaxError(text, i)
    i = skipSpace(text, i + 1)
  }
}

/** Start of a member's value, given the end of its key. */
function valueStart(text: string, keyEnd: number): number {
  const colon = skipSpace(text, keyEnd)
  if (text.charCodeAt(colon) !== COLON) throw jsonSyntaxError(text, colon)
  return skipSpace(text, colon + 1)
}

/**
 * Checks that the text is one JSON value.
 * @throws MilvusError ParameterInvalid: malformed, or nested too deep
 */
export function checkJson(text: string): void {
  const end = skipSpace(text, endOfValue(text, skipSpace(text, 0), 0))
  if (end !== text.length) throw jsonSyntaxError(text, end)
}

/** True when the text can only be a JSON object (its first character is a brace). */
export function looksLikeObject(text: string): boolean {
  return text.charCodeAt(skipSpace(text, 0)) === OPEN_BRACE
}

/**
 * Top-level members of an object in order of first appearance, values as their text; null when the text is another
 * kind of JSON value. Of a repeated key the last value counts, as in JSON.parse.
 * @throws MilvusError ParameterInvalid: malformed, or nested too deep
 */
export function jsonMembers(text: string): Map<string, string> | null {
  if (!looksLikeObject(text)) {
    checkJson(text)
    return null
  }
  const members = new Map<string, string>()
  let i = skipSpace(text, skipSpace(text, 0) + 1)
  let end = i + 1
  if (text.charCodeAt(i) !== CLOSE_BRACE) {
    for (;;) {
      const keyEnd = endOfString(text, i)
      const from = valueStart(text, keyEnd)
      const to = endOfValue(text, from, 1)
      members.set(decodeString(text, i, keyEnd), text.slice(from, to))
      i = skipSpace(text, to)
      end = i + 1
      if (text.charCodeAt(i) === CLOSE_BRACE) break
      if (text.charCodeAt(i) !== COMMA) throw jsonSyntaxError(text, i)
      i = skipSpace(text, i + 1)
    }
  }
  const last = skipSpace(text, end)
  if (last !== text.length) throw jsonSyntaxError(text, last)
  return members
}

/** Value of a string token, quotes included in [from, to). The token must have been scanned before. */
export function decodeString(text: string, from: number, to: number): string {
  const inner = text.slice(from + 1, to - 1)
  return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner
}
