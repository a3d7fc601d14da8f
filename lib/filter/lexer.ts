/**
 * Text to tokens (query-search-semantics §1.1).
 *
 * Keywords exist in all-lower and all-UPPER spelling only and come out as operators under one name (`and` and `&&` are
 * both `and`); any other word is an identifier. Letters of every script may stand in names. `ISO` and `INTERVAL` are
 * keywords only before a string, so that fields may carry these names.
 */
import type { Steps } from '../base/steps.js'
import { type ReadLists, readLiterals } from './literal-list.js'
import { parseFloatText, parseInteger, patternString, unescapeString } from './literal-text.js'
import type { PackedList } from './packed-list.js'
import { reject } from './reject.js'

export type Token =
  | { readonly type: 'int'; readonly value: bigint; readonly start: number; readonly end: number }
  | { readonly type: 'float'; readonly value: number; readonly start: number; readonly end: number }
  | {
      readonly type: 'string'
      readonly cooked: string | null
      readonly pattern: string
      readonly start: number
      readonly end: number
    }
  | { readonly type: 'name' | 'op'; readonly text: string; readonly start: number; readonly end: number }
  /** A whole list of plain literals, brackets included. */
  | {
      readonly type: 'literals'
      readonly list: PackedList
      readonly start: number
      readonly end: number
    }
  | { readonly type: 'end'; readonly start: number; readonly end: number }

const KEYWORDS = new Set(['and', 'or', 'not', 'in', 'like', 'exists', 'is'])
const ALIASES: Readonly<Record<string, string>> = { '&&': 'and', '||': 'or', '!': 'not' }
const BOOLEANS = new Set(['true', 'True', 'TRUE', 'false', 'False', 'FALSE'])

const SPACE = /[\s\u3000]+/uy
const OPERATOR = /\*\*|<<|>>|<=|>=|==|!=|=~|!~|&&|\|\||[-+*/%~!<>&|^()[\]{},=$]/uy
const FLOAT =
  /(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+|(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)/uy
const INTEGER = /0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+/uy
const NAME = /(?:\$meta\b|[\p{L}_][\p{L}\p{M}\p{N}_]*)/uy
const STRING = /(u8|u|U|L)?("(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*')/uy
const RAW_STRING = /[rR]("(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*')/uy

/** Tokens read in one step. */
const STEP_TOKENS = 256

/**
 * Tokens of a filter text, an `end` token last, in steps of STEP_TOKENS.
 * @param lists long lists that were read before
 */
export function* tokenSteps(text: string, lists?: ReadLists): Steps<Token[]> {
  const tokens: Token[] = []
  let at = readTokens(text, 0, lists, tokens)
  while (at < text.length) {
    yield
    at = readTokens(text, at, lists, tokens)
  }
  tokens.push({ type: 'end', start: text.length, end: text.length })
  return tokens
}

/** Adds up to STEP_TOKENS more. @returns where to go on; the text's length at its end */
function readTokens(text: string, from: number, lists: ReadLists | undefined, tokens: Token[]): number {
  let at = from
  for (let count = 0; count < STEP_TOKENS; count++) {
    at = skipSpace(text, at)
    if (at >= text.length) break
    const token = listToken(text, at, lists) ?? quickToken(text, at) ?? nextToken(text, at)
    if (token === null) reject(`${place(text, at)} token recognition error at: '${text.slice(at, at + 20)}'`)
    tokens.push(token)
    at = token.end
  }
  return at
}

/** `line L:C`, lines from 1 and columns from 0, as Milvus's parser prints places. */
export function place(text: string, at: number): string {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  return `line ${line}:${at - (before.lastIndexOf('\n') + 1)}`
}

function skipSpace(text: string, from: number): number {
  let at = from
  for (;;) {
    const c = text.charCodeAt(at)
    if (c === 32 || c === 10 || c === 13 || c === 9) at++
    else if (c > 127 || c === 11 || c === 12) return matchAt(SPACE, text, at)?.end ?? at
    else return at
  }
}

/** A long list of plain literals; null for everything else. */
function listToken(text: string, start: number, lists: ReadLists | undefined): Token | null {
  if (text.charCodeAt(start) !== 91 /* [ */) return null
  const known = lists?.get(start)
  const read = known === undefined ? readLiterals(text, start) : known
  return read === null ? null : { type: 'literals', ...read, start }
}

/** The bulk of a list: commas, plain decimal numbers, strings without escapes. Null for everything else. */
function quickToken(text: string, start: number): Token | null {
  const first = text.charCodeAt(start)
  if (first === 44 /* , */) return { type: 'op', text: ',', start, end: start + 1 }
  if (first === 34 /* " */ || first === 39 /* ' */) {
    const close = text.indexOf(text[start]!, start + 1)
    if (close < 0) return null
    for (let i = start + 1; i < close; i++) {
      const c = text.charCodeAt(i)
      if (c === 92 /* \\ */ || c === 10) return null
    }
    const body = text.slice(start + 1, close)
    return { type: 'string', cooked: body, pattern: body, start, end: close + 1 }
  }
  if (first < 49 || first > 57) return null
  let end = start + 1
  let value = first - 48
  for (let c = text.charCodeAt(end); c >= 48 && c <= 57; c = text.charCodeAt(end)) {
    value = value * 10 + (c - 48)
    end++
  }
  const after = text[end]
  const plain = after === undefined || after === ',' || after === ']' || after === ' ' || after === ')'
  return plain && end - start <= 15 ? { type: 'int', value: BigInt(value), start, end } : null
}

function nextToken(text: string, start: number): Token | null {
  const first = text.charCodeAt(start)
  const digit = first >= 48 && first <= 57
  if (digit || first === 46 /* . */) return numberToken(text, start)
  const raw = matchAt(RAW_STRING, text, start)
  if (raw !== null) {
    const body = raw.text.slice(2, -1)
    return { type: 'string', cooked: body, pattern: body, start, end: raw.end }
  }
  const string = matchAt(STRING, text, start)
  if (string !== null) {
    const body = string.text.slice(string.text.search(/["']/) + 1, -1)
    return {
      type: 'string',
      cooked: unescapeString(body),
      pattern: patternString(body),
      start,
      end: string.end,
    }
  }
  const name = matchAt(NAME, text, start)
  if (name !== null) return wordToken(name.text, start, name.end)
  const operator = matchAt(OPERATOR, text, start)
  if (operator === null) return null
  return { type: 'op', text: ALIASES[operator.text] ?? operator.text, start, end: operator.end }
}

function numberToken(text: string, start: number): Token | null {
  const float = matchAt(FLOAT, text, start)
  const number = float ?? matchAt(INTEGER, text, start)
  if (number === null) return null
  const { end } = number
  // A number that runs into letters (`1abc`) is neither a number nor a name.
  if (matchAt(NAME, text, end) !== null) {
    reject(`${place(text, start)} token recognition error at: '${text.slice(start, end + 10)}'`)
  }
  if (float !== null) return { type: 'float', value: parseFloatText(number.text), start, end }
  return { type: 'int', value: parseInteger(number.text), start, end }
}

function wordToken(word: string, start: number, end: number): Token {
  const lower = word.toLowerCase()
  if (KEYWORDS.has(lower) && (word === lower || word === word.toUpperCase())) {
    return { type: 'op', text: lower, start, end }
  }
  if (BOOLEANS.has(word)) return { type: 'op', text: lower, start, end }
  return { type: 'name', text: word, start, end }
}

function matchAt(pattern: RegExp, text: string, at: number): { text: string; end: number } | null {
  pattern.lastIndex = at
  const match = pattern.exec(text)
  return match === null ? null : { text: match[0], end: at + match[0].length }
}
