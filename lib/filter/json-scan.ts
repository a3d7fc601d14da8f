/**
 * Finds values in JSON text without parsing it: a filter on one path looks at the bytes on the way to that path and
 * allocates nothing.
 *
 * `findPath` walks to a value, `loadValue` puts it into the register: integers exactly (64 bits), other
 * numbers as doubles, strings as a byte range (unescaped into a scratch buffer only when they hold a backslash).
 * When an object repeats a key, the first one counts. Text that is not JSON reads as missing: static JSON fields are
 * stored as they came, so broken text must cost an UNKNOWN and never an exception, an endless loop, or a read beyond
 * the row's end. Nesting is counted, not recursed into.
 */
import type { JsonPath } from './bound.js'
import { equalBytes } from './element-set.js'
import { loadNumber } from './json-number.js'
import { Kind, register } from './register.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

/** First byte at or after `at` that is not JSON white space; `end` when there is none. */
export function skipSpace(heap: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const c = heap[at]!
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return at
    at++
  }
  return end
}

/** Start of the value that the path leads to in the JSON text heap[start, end), or −1. */
export function findPath(heap: Uint8Array, start: number, end: number, path: JsonPath): number {
  let at = skipSpace(heap, start, end)
  for (let i = 0; i < path.length && at >= 0; i++) {
    const step = path[i]!
    if (at >= end) return -1
    if (heap[at] === OPEN_OBJECT) at = findMember(heap, at, end, step.key)
    else if (heap[at] === OPEN_ARRAY && step.index >= 0) at = findElement(heap, at, end, step.index)
    else return -1
  }
  return at < end ? at : -1
}

function findMember(heap: Uint8Array, object: number, end: number, key: Uint8Array): number {
  let at = skipSpace(heap, object + 1, end)
  while (at < end && heap[at] === QUOTE) {
    const close = stringEnd(heap, at, end)
    if (close < 0) return -1
    const found = sameKey(heap, at + 1, close, key)
    at = skipSpace(heap, close + 1, end)
    if (at >= end || heap[at] !== COLON) return -1
    at = skipSpace(heap, at + 1, end)
    if (found) return at
    at = skipValue(heap, at, end)
    if (at < 0) return -1
    at = skipSpace(heap, at, end)
    if (at >= end || heap[at] !== COMMA) return -1
    at = skipSpace(heap, at + 1, end)
  }
  return -1
}

function findElement(heap: Uint8Array, array: number, end: number, index: number): number {
  let at = firstElement(heap, array, end)
  for (let i = 0; at >= 0 && i < index; i++) at = nextElement(heap, skipValue(heap, at, end), end)
  return at
}

/** Start of the first element of the array at `array`, or −1 when it is empty. */
export function firstElement(heap: Uint8Array, array: number, end: number): number {
  const at = skipSpace(heap, array + 1, end)
  return at < end && heap[at] !== CLOSE_ARRAY ? at : -1
}

/** Start of the element after the one that ended at `after`, or −1 when that was the last. */
export function nextElement(heap: Uint8Array, after: number, end: number): number {
  if (after < 0) return -1
  const at = skipSpace(heap, after, end)
  if (at >= end || heap[at] !== COMMA) return -1
  const next = skipSpace(heap, at + 1, end)
  return next < end ? next : -1
}

/** Offset of the closing quote of the string that opens at `open`, or −1. */
function stringEnd(heap: Uint8Array, open: number, end: number): number {
  let at = open + 1
  while (at < end) {
    const c = heap[at]!
    if (c === QUOTE) return at
    at += c === BACKSLASH ? 2 : 1
  }
  return -1
}

function sameKey(heap: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  // A raw key is never shorter than its meaning, and equally long only without escapes.
  if (end - start === key.length) return equalBytes(heap, start, end, key)
  if (end - start < key.length) return false
  if (!hasBackslash(heap, start, end)) return false
  const length = unescapeInto(heap, start, end)
  return equalBytes(scratch, 0, length, key)
}

function hasBackslash(heap: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (heap[i] === BACKSLASH) return true
  return false
}

/** Offset behind the value that starts at `at`, or −1 when the text is broken. */
export function skipValue(heap: Uint8Array, at: number, end: number): number {
  if (at < 0 || at >= end) return -1
  const c = heap[at]!
  if (c === QUOTE) {
    const close = stringEnd(heap, at, end)
    return close < 0 ? -1 : close + 1
  }
  if (c === OPEN_OBJECT || c === OPEN_ARRAY) return skipContainer(heap, at, end)
  let next = at
  while (next < end && !endsScalar(heap[next]!)) next++
  return next === at ? -1 : next
}

function endsScalar(c: number): boolean {
  return c === COMMA || c === CLOSE_ARRAY || c === CLOSE_OBJECT || c <= 0x20 || c === COLON
}

function skipContainer(heap: Uint8Array, open: number, end: number): number {
  let depth = 0
  let at = open
  while (at < end) {
    const c = heap[at]!
    if (c === QUOTE) {
      at = stringEnd(heap, at, end)
      if (at < 0) return -1
    } else if (c === OPEN_OBJECT || c === OPEN_ARRAY) depth++
    else if ((c === CLOSE_OBJECT || c === CLOSE_ARRAY) && --depth === 0) return at + 1
    at++
  }
  return -1
}

/** Loads the value that starts at `at` (−1: missing) into the register, its `next` behind the value. */
export function loadValue(heap: Uint8Array, at: number, end: number): void {
  register.kind = Kind.Missing
  register.next = -1
  if (at < 0 || at >= end) return
  const c = heap[at]!
  switch (c) {
    case QUOTE:
      loadString(heap, at, end)
      return
    case OPEN_OBJECT:
    case OPEN_ARRAY: {
      const after = skipContainer(heap, at, end)
      if (after < 0) return
      register.kind = c === OPEN_ARRAY ? Kind.Array : Kind.Object
      register.bytes = heap
      register.start = at
      register.end = after
      register.next = after
      return
    }
    case 0x74: // true
    case 0x66: // false
    case 0x6e: {
      // null stays Missing
      const after = skipValue(heap, at, end)
      register.next = after
      if (after - at !== (c === 0x66 ? 5 : 4) || c === 0x6e) return
      register.kind = Kind.Bool
      register.low = c === 0x74 ? 1 : 0
      return
    }
    default:
      loadNumber(heap, at, skipValue(heap, at, end))
  }
}

function loadString(heap: Uint8Array, open: number, end: number): void {
  const close = stringEnd(heap, open, end)
  if (close < 0) return
  register.kind = Kind.Text
  register.next = close + 1
  if (hasBackslash(heap, open + 1, close)) {
    register.end = unescapeInto(heap, open + 1, close)
    register.start = 0
    register.bytes = scratch
  } else {
    register.bytes = heap
    register.start = open + 1
    register.end = close
  }
}

/**
 * True when the value at `at` exists in the sense of `exists`: it holds at least one scalar that is not null. Empty
 * objects and arrays do not exist, nor do containers that hold nothing but such.
 */
export function valueExists(heap: Uint8Array, at: number, end: number): boolean {
  const after = skipValue(heap, at, end)
  let i = at
  while (i < after) {
    const c = heap[i]!
    if (c === QUOTE) {
      const close = stringEnd(heap, i, after)
      if (close < 0) return false
      i = skipSpace(heap, close + 1, after)
      if (i >= after || heap[i] !== COLON) return true
      i++
    } else if (c === OPEN_OBJECT || c === OPEN_ARRAY || endsScalar(c)) i++
    else if (c === 0x6e /* null */) i = skipValue(heap, i, after)
    else return true
  }
  return false
}

/** Holds the last unescaped string; grows as needed. */
let scratch = new Uint8Array(1024)

/** Resolves the escapes of heap[start, end) into `scratch`; returns the length there. */
function unescapeInto(heap: Uint8Array, start: number, end: number): number {
  if (scratch.length < end - start) scratch = new Uint8Array((end - start) * 2)
  let out = 0
  for (let i = start; i < end; i++) {
    const c = heap[i]!
    if (c !== BACKSLASH) {
      scratch[out++] = c
      continue
    }
    const letter = heap[++i]!
    if (letter !== 0x75 /* u */) {
      scratch[out++] = simpleEscape(letter)
      continue
    }
    let code = hexCode(heap, i + 1, end)
    i += 4
    if (code >= 0xd800 && code < 0xdc00 && heap[i + 1] === BACKSLASH && heap[i + 2] === 0x75) {
      const low = hexCode(heap, i + 3, end)
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
        i += 6
      }
    }
    out = appendCodePoint(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code)
  }
  return out
}

function simpleEscape(c: number): number {
  switch (c) {
    case 0x6e:
      return 0x0a
    case 0x74:
      return 0x09
    case 0x72:
      return 0x0d
    case 0x62:
      return 0x08
    case 0x66:
      return 0x0c
    default:
      return c // quote, backslash, slash
  }
}

/** Value of four hex digits at `at`; U+FFFD when they are not hex digits. */
function hexCode(heap: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return 0xfffd
  let code = 0
  for (let i = at; i < at + 4; i++) {
    const c = heap[i]! | 0x20
    const digit = c >= 0x61 && c <= 0x66 ? c - 0x57 : c >= 0x30 && c <= 0x39 ? c - 0x30 : -1
    if (digit < 0) return 0xfffd
    code = code * 16 + digit
  }
  return code
}

function appendCodePoint(out: number, code: number): number {
  if (code < 0x80) scratch[out++] = code
  else {
    if (code < 0x800) scratch[out++] = 0xc0 | (code >> 6)
    else {
      if (code < 0x10000) scratch[out++] = 0xe0 | (code >> 12)
      else {
        scratch[out++] = 0xf0 | (code >> 18)
        scratch[out++] = 0x80 | ((code >> 12) & 0x3f)
      }
      scratch[out++] = 0x80 | ((code >> 6) & 0x3f)
    }
    scratch[out++] = 0x80 | (code & 0x3f)
  }
  return out
}
