/**
 * Exact JSON: no integer is ever rounded, whatever its size.
 *
 * JSON.parse turns 9007199254740993 into 9007199254740992. Users keep 64-bit ids inside JSON, so integers beyond 2^53
 * come back as bigint here, and bigint is written as plain digits. The fast path is JSON.parse itself, taken when no
 * run of 16 digits and no long exponent occurs in the text. Merging works on the text of the members, so untouched
 * numbers keep their exact spelling (`1.0` stays `1.0`).
 */
import { invalid } from './errors.js'
import {
  checkJson,
  decodeString,
  endOfScalar,
  endOfString,
  jsonDepthError,
  jsonMembers,
  jsonSyntaxError,
  looksLikeObject,
  skipSpace,
} from './json-scan.js'
import { LIMITS } from './limits.js'

/** A parsed JSON value. Integers that a double cannot hold exactly are bigint. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | { [key: string]: JsonValue }

/**
 * Numbers that JSON.parse might not give back: sixteen digits in a row, the shortest an unsafe integer can be (2^53 has
 * 16), and exponents of three digits, which may be infinite. Inside a text the latter cost time and nothing else.
 */
const UNSAFE_NUMBER = /\d{16}|(?:^|[:,[\s])-?\d[\d.]*[eE]\+?\d{3}/
/** Characters that need an escape in JSON text. Lone surrogates do too, so every surrogate takes the slow path. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what has to be found
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/
/** Texts this short cannot nest too deep: each level needs an opening and a closing bracket. */
const SHALLOW_LENGTH = LIMITS.jsonDepthMax * 2

/**
 * Parses JSON text, exactly.
 * @throws MilvusError ParameterInvalid: malformed, nested deeper than LIMITS.jsonDepthMax, or with an infinite number
 */
export function parseJson(text: string): JsonValue {
  if (UNSAFE_NUMBER.test(text)) return new ExactParser(text).parse()
  if (text.length > SHALLOW_LENGTH) checkJson(text)
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    // Parse again with our own parser, which says where the mistake is.
    return new ExactParser(text).parse()
  }
}

/** Recursive descent over scanned tokens; recursion is bounded by the depth limit. */
class ExactParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): JsonValue {
    this.#at = skipSpace(this.#text, 0)
    const value = this.#value(0)
    this.#at = skipSpace(this.#text, this.#at)
    if (this.#at !== this.#text.length) throw jsonSyntaxError(this.#text, this.#at)
    return value
  }

  #value(depth: number): JsonValue {
    const first = this.#text[this.#at]
    if (first === '"') return this.#string()
    if (first !== '{' && first !== '[') return this.#scalar()
    if (depth >= LIMITS.jsonDepthMax) throw jsonDepthError()
    return first === '{' ? this.#object(depth + 1) : this.#array(depth + 1)
  }

  #string(): string {
    const from = this.#at
    this.#at = endOfString(this.#text, from)
    return decodeString(this.#text, from, this.#at)
  }

  #scalar(): JsonValue {
    const from = this.#at
    this.#at = endOfScalar(this.#text, from)
    const token = this.#text.slice(from, this.#at)
    if (token === 'true') return true
    if (token === 'false') return false
    if (token === 'null') return null
    const value = Number(token)
    return Number.isSafeInteger(value) || /[.eE]/.test(token) ? value : BigInt(token)
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = []
    this.#skip(1)
    if (this.#closes(']')) return items
    for (;;) {
      items.push(this.#value(depth))
      this.#skip(0)
      if (this.#closes(']')) return items
      this.#comma()
    }
  }

  #object(depth: number): { [key: string]: JsonValue } {
    const members: { [key: string]: JsonValue } = {}
    this.#skip(1)
    if (this.#closes('}')) return members
    for (;;) {
      const key = this.#string()
      this.#skip(0)
      if (this.#text[this.#at] !== ':') throw jsonSyntaxError(this.#text, this.#at)
      this.#skip(1)
      const value = this.#value(depth)
      if (key === '__proto__') defineOwn(members, key, value)
      else members[key] = value
      this.#skip(0)
      if (this.#closes('}')) return members
      this.#comma()
    }
  }

  #skip(characters: number): void {
    this.#at = skipSpace(this.#text, this.#at + characters)
  }

  #closes(bracket: string): boolean {
    if (this.#text[this.#at] !== bracket) return false
    this.#at++
    return true
  }

  #comma(): void {
    if (this.#text[this.#at] !== ',') throw jsonSyntaxError(this.#text, this.#at)
    this.#skip(1)
  }
}

/** Sets an own property even when the name has a setter on Object.prototype. */
function defineOwn(target: { [key: string]: JsonValue }, key: string, value: JsonValue): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * JSON text of a value. bigint becomes digits, Date its ISO text, typed arrays and Buffers arrays of numbers; objects
 * with a toJSON method are asked; members that are undefined are dropped, array elements that are undefined are null.
 * @throws MilvusError ParameterInvalid: NaN, infinity, function, symbol, Map, Set, undefined at the top, cycles
 */
export function stringifyJson(value: unknown): string {
  return textOf(value, 0)
}

/** A value as a message shows it: JSON where that can hold it, bigint as its digits. */
export function shownValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  const text = JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one))
  return text ?? String(value)
}

/** A value as text: texts as they are, objects as JSON. `String` fails for an object with a `toString` of its own. */
export function valueText(value: unknown): string {
  return typeof value === 'object' && value !== null ? shownValue(value) : String(value)
}

function textOf(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      if (!Number.isFinite(value)) throw invalid(`JSON cannot hold the number ${value}`)
      return String(value)
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'object':
      if (value === null) return 'null'
      if (depth >= LIMITS.jsonDepthMax) throw jsonDepthError(', or the value contains itself')
      return Array.isArray(value) ? textOfArray(value, depth + 1) : textOfObject(value, depth + 1)
    default:
      throw invalid(`JSON cannot hold a value of type ${typeof value}`)
  }
}

function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`
}

function textOfArray(items: ArrayLike<unknown>, depth: number): string {
  let out = '['
  for (let i = 0; i < items.length; i++) {
    if (i > 0) out += ','
    const item = items[i]
    out += item === undefined ? 'null' : textOf(item, depth)
  }
  return `${out}]`
}

function textOfObject(value: object, depth: number): string {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return textOfArray(value as unknown as ArrayLike<number | bigint>, depth)
  }
  if (value instanceof Date && Number.isNaN(value.getTime()))
    throw invalid('JSON cannot hold an invalid Date')
  const toJson = (value as { toJSON?: unknown }).toJSON
  if (typeof toJson === 'function') return textOf(toJson.call(value, ''), depth)
  if (value instanceof Map || value instanceof Set || value instanceof DataView || isArrayBuffer(value)) {
    throw invalid(`JSON cannot hold a ${value.constructor.name}; convert it to an object or array first`)
  }
  let out = ''
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    out += out === '' ? '{' : ','
    out += `${quote(key)}:${textOf(member, depth)}`
  }
  return out === '' ? '{}' : `${out}}`
}

function isArrayBuffer(value: object): value is ArrayBuffer | SharedArrayBuffer {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer
}

/**
 * Merges the top-level keys of two JSON objects: stored keys first and in their order, a given key's value wins, nested
 * values are replaced as a whole. When either text is no object, the given text is the result.
 * @throws MilvusError ParameterInvalid: malformed text
 */
export function mergeJsonObjects(storedText: string, givenText: string): string {
  const given = jsonMembers(givenText)
  if (given === null || !looksLikeObject(storedText)) return givenText
  if (given.size === 0) return storedText
  const members = jsonMembers(storedText) ?? new Map<string, string>()
  for (const [key, value] of given) members.set(key, value)
  let out = ''
  for (const [key, value] of members) {
    out += out === '' ? '{' : ','
    out += `${quote(key)}:${value}`
  }
  return `${out}}`
}
