/**
 * Numbers and strings as the filter language writes them (query-search-semantics §1.1).
 *
 * Strings know C escapes; `\xHH` and octal escapes are bytes, so that `"\xe4\xb8\xad"` is one character. A regex
 * literal keeps its backslashes: only the quote and the doubled backslash are resolved.
 */
import { INT64_MAX } from '../schema/int64.js'
import { reject } from './reject.js'

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
}

/** Resolves the C escapes of a string body; null when one of them is invalid. */
export function unescapeString(body: string): string | null {
  if (!body.includes('\\')) return body
  const bytes: number[] = []
  const pattern =
    /\\(?:([ntrabfv\\'"?])|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{1,3}))/uy
  let at = 0
  while (at < body.length) {
    const slash = body.indexOf('\\', at)
    const plainEnd = slash < 0 ? body.length : slash
    pushText(bytes, body.slice(at, plainEnd))
    if (slash < 0) break
    pattern.lastIndex = slash
    const match = pattern.exec(body)
    if (match === null) return null
    at = pattern.lastIndex
    const [, simple, hex, short, long, octal] = match
    if (simple !== undefined) pushText(bytes, SIMPLE_ESCAPES[simple]!)
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else if (octal !== undefined) {
      const byte = Number.parseInt(octal, 8)
      if (byte > 255) return null
      bytes.push(byte)
    } else {
      let code = Number.parseInt(short ?? long ?? '', 16)
      if (code > 0x10ffff) return null
      // Two \u escapes may spell one character outside the basic plane.
      const low = /^\\u(d[c-f][0-9a-f]{2})/i.exec(body.slice(at, at + 6))
      if (code >= 0xd800 && code < 0xdc00 && low !== null) {
        code = 0x10000 + ((code - 0xd800) << 10) + (Number.parseInt(low[1]!, 16) - 0xdc00)
        at += 6
      }
      if (code >= 0xd800 && code < 0xe000) return null
      pushText(bytes, String.fromCodePoint(code))
    }
  }
  return Buffer.from(bytes).toString('utf8')
}

function pushText(bytes: number[], text: string): void {
  for (const byte of Buffer.from(text, 'utf8')) bytes.push(byte)
}

/** A string body as a regex reads it: `\"`, `\'` and `\\` resolved, every other backslash kept. */
export function patternString(body: string): string {
  return body.replace(/\\([\\'"])/g, '$1')
}

/** Value of an integer literal: decimal, `0x…`, `0b…` or octal `0…`. At most 2^63 (for a minus before it). */
export function parseInteger(text: string): bigint {
  let value: bigint
  if (/^0[xX][0-9a-fA-F]+$/.test(text) || /^0[bB][01]+$/.test(text)) value = BigInt(text)
  else if (/^0[0-7]+$/.test(text)) value = BigInt(`0o${text.slice(1)}`)
  else if (/^(0|[1-9][0-9]*)$/.test(text)) value = BigInt(text)
  else return reject(`invalid integer literal: ${text}`)
  if (value > INT64_MAX + 1n) reject(`integer literal out of the int64 range: ${text}`)
  return value
}

/** Value of a float literal, decimal or hexadecimal (`0x1.8p3`). */
export function parseFloatText(text: string): number {
  const hex = /^0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/.exec(text)
  let value: number
  if (hex !== null) {
    const digits = `${hex[1]}${hex[2]}`
    if (digits === '') reject(`invalid float literal: ${text}`)
    value = Number(BigInt(`0x${digits}`)) * 2 ** (Number(hex[3]) - 4 * hex[2]!.length)
  } else value = Number(text)
  if (!Number.isFinite(value)) reject(`float literal out of range: ${text}`)
  return value
}
