/**
 * Reads a long list of plain literals in one go: `[1, 22, -3, …]`, `["a", "b", …]`.
 *
 * A filter may list ten thousand keys. Token by token, node by node and constant by constant they would be made four
 * times; here each becomes its constant at once. Anything that is not plain (escapes, floats, nested lists, arithmetic,
 * placeholders, integers that could leave 64 bits) makes the whole list go the long way, which also finds the words for
 * what is wrong with it.
 */
import type { Literal } from './ast.js'

/** Shorter lists go the long way: they cost nothing, and a path key in brackets is no list. */
const ITEMS_MIN = 16
/** Digits that fit a double exactly, and that fit 64 bits whatever they are. */
const EXACT_DIGITS = 15
const INT64_DIGITS = 18

const COMMA = 44
const MINUS = 45
const ZERO = 48
const NINE = 57
const BACKSLASH = 92
const CLOSE = 93

/** The literals of the list that opens at `start`, and the offset behind it; null when it is short or not plain. */
export function readLiterals(
  text: string,
  start: number,
): { readonly items: readonly Literal[]; readonly end: number } | null {
  const items: Literal[] = []
  let at = skipBlanks(text, start + 1)
  for (;;) {
    const c = text.charCodeAt(at)
    const quoted = c === 34 || c === 39
    const end = quoted ? stringEnd(text, at) : integerEnd(text, at)
    if (end < 0) return null
    items.push(quoted ? { kind: 'string', value: text.slice(at + 1, end - 1) } : integerOf(text, at, end))
    at = skipBlanks(text, end)
    const next = text.charCodeAt(at)
    if (next === CLOSE) break
    if (next !== COMMA) return null
    at = skipBlanks(text, at + 1)
  }
  return items.length < ITEMS_MIN ? null : { items, end: at + 1 }
}

function skipBlanks(text: string, from: number): number {
  let at = from
  for (let c = text.charCodeAt(at); c === 32 || c === 10 || c === 13 || c === 9; c = text.charCodeAt(at)) at++
  return at
}

/** Offset behind the string that opens at `open`; −1 when it has escapes, a line break or no end. */
function stringEnd(text: string, open: number): number {
  const quote = text.charCodeAt(open)
  for (let at = open + 1; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === quote) return at + 1
    if (c === BACKSLASH || c === 10) return -1
  }
  return -1
}

/** Offset behind the decimal integer at `from`; −1 when there is none that surely fits 64 bits. */
function integerEnd(text: string, from: number): number {
  const first = text.charCodeAt(from) === MINUS ? from + 1 : from
  let at = first
  for (let c = text.charCodeAt(at); c >= ZERO && c <= NINE; c = text.charCodeAt(at)) at++
  const digits = at - first
  if (digits === 0 || digits > INT64_DIGITS) return -1
  return digits > 1 && text.charCodeAt(first) === ZERO ? -1 : at
}

function integerOf(text: string, from: number, end: number): Literal {
  if (end - from > EXACT_DIGITS) return { kind: 'int', value: BigInt(text.slice(from, end)) }
  const negative = text.charCodeAt(from) === MINUS
  let value = 0
  for (let at = negative ? from + 1 : from; at < end; at++) value = value * 10 + (text.charCodeAt(at) - ZERO)
  return { kind: 'int', value: BigInt(negative ? -value : value) }
}
