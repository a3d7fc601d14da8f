/**
 * Text to tokens (query-search-semantics §1.1).
 *
 * Keywords exist in all-lower and all-UPPER spelling only and come out as operators under one name (`and` and `&&` are
 * both `and`); any other word is an identifier. Letters of every script may stand in names. `ISO` and `INTERVAL` are
 * keywords only before a string, so that fields may carry these names.
 */
import { parseFloatText, parseInteger, patternString, unescapeString } from './literal-text.js'
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

/** Tokens of a filter text, an `end` token last. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    at = matchAt(SPACE, text, at)?.end ?? at
    if (at >= text.length) break
    const token = nextToken(text, at)
    if (token === null) reject(`${place(text, at)} token recognition error at: '${text.slice(at, at + 20)}'`)
    tokens.push(token)
    at = token.end
  }
  tokens.push({ type: 'end', start: text.length, end: text.length })
  return tokens
}

/** `line L:C`, lines from 1 and columns from 0, as Milvus's parser prints places. */
export function place(text: string, at: number): string {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  return `line ${line}:${at - (before.lastIndexOf('\n') + 1)}`
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
