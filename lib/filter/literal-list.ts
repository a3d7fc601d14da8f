/**
 * Reads a long list of plain literals in one go: `[1, 22, -3, …]`, `["a", "b", …]`.
 *
 * A filter may list ten thousand keys. Token by token, node by node and constant by constant they would be made four
 * times; here they go into a packed list (packed-list.ts) at once, or in as many steps as the caller likes. Anything that
 * is not plain (floats, nested lists, arithmetic, placeholders, several kinds, integers beyond 64 bits) makes the whole
 * list go the long way, which also finds the words for what is wrong with it.
 */
import { unescapeString } from './literal-text.js'
import { ListPacker, PACKED_MIN, type PackedList } from './packed-list.js'

/** Digits of an integer that may fit 64 bits, and of its lower part; a part is exact in a double. */
const INT64_DIGITS = 19
const LOW_DIGITS = 9
/** 10^9 in two parts of 16 bits, so that products stay exact. */
const BILLION_HIGH = 15_258
const BILLION_LOW = 51_712

const WORD = 4_294_967_296
const COMMA = 44
const MINUS = 45
const ZERO = 48
const NINE = 57
const BACKSLASH = 92
const CLOSE = 93

/** A packed list of a text, and the offset behind its bracket. */
export interface ReadList {
  readonly list: PackedList
  readonly end: number
}

/** Packed lists of a text by the offsets of their opening brackets; null: that one must go the long way. */
export type ReadLists = ReadonlyMap<number, ReadList | null>

/** The list that opens at `start`; null when it is short or not plain. */
export function readLiterals(text: string, start: number): ReadList | null {
  const reader = new ListReader(text, start)
  reader.read(Number.POSITIVE_INFINITY)
  return reader.result
}

/** Reads one list, as many values at a time as it is asked to. */
export class ListReader {
  readonly #text: string
  readonly #packer = new ListPacker()
  /** Where the next value begins; behind the list, or where reading gave up, when `read` said so. */
  at: number
  #plain = true
  /** First backslash and line break at or behind the last string looked at; the text's length when there is none. */
  #backslash = -1
  #newline = -1

  /** @param start offset of the opening bracket */
  constructor(text: string, start: number) {
    this.#text = text
    this.at = skipBlanks(text, start + 1)
  }

  /** Reads up to `max` values. @returns true when there is nothing more to read */
  read(max: number): boolean {
    const text = this.#text
    for (let left = max; left > 0; left--) {
      const c = text.charCodeAt(this.at)
      const end = c === 34 || c === 39 ? this.#string(this.at) : this.#integer(this.at)
      if (end < 0) return this.#refuse()
      const next = skipBlanks(text, end)
      const mark = text.charCodeAt(next)
      this.at = next
      if (mark === CLOSE) {
        this.at = next + 1
        return true
      }
      if (mark !== COMMA) return this.#refuse()
      this.at = skipBlanks(text, next + 1)
    }
    return false
  }

  /** What was read to its end; null when it is short or not plain. */
  get result(): ReadList | null {
    const packer = this.#packer
    return this.#plain && packer.count >= PACKED_MIN ? { list: packer.done(), end: this.at } : null
  }

  #refuse(): true {
    this.#plain = false
    return true
  }

  /** Takes the string that opens at `open`. @returns the offset behind it, −1 when it is not plain */
  #string(open: number): number {
    const text = this.#text
    if (this.#backslash < open) this.#backslash = offsetOf(text, '\\', open)
    if (this.#newline < open) this.#newline = offsetOf(text, '\n', open)
    let close = text.indexOf(text[open]!, open + 1)
    if (close < 0) return -1
    if (this.#backslash > close) {
      if (this.#newline < close || !this.#packer.addText(text.slice(open + 1, close))) return -1
      return close + 1
    }
    close = closeOf(text, open)
    if (close < 0 || this.#newline < close) return -1
    const cooked = unescapeString(text.slice(open + 1, close))
    return cooked !== null && this.#packer.addText(cooked) ? close + 1 : -1
  }

  /** Takes the decimal integer at `from`. @returns the offset behind it, −1 when there is none that fits 64 bits */
  #integer(from: number): number {
    const text = this.#text
    const negative = text.charCodeAt(from) === MINUS
    const first = negative ? from + 1 : from
    let at = first
    let value = 0
    let c = text.charCodeAt(at)
    while (c >= ZERO && c <= NINE) {
      value = value * 10 + (c - ZERO)
      c = text.charCodeAt(++at)
    }
    const digits = at - first
    if (digits === 0 || digits > INT64_DIGITS) return -1
    // A zero in front means octal.
    if (digits > 1 && text.charCodeAt(first) === ZERO) return -1
    if (digits > 15) return this.#wide(first, at, negative) ? at : -1
    const signed = negative ? -value : value
    const high = Math.floor(signed / WORD)
    return this.#packer.addInt(high, signed - high * WORD) ? at : -1
  }

  /** Takes the digits of text[from .. to), of which there are 16 to 19. False when they do not fit 64 bits. */
  #wide(from: number, to: number, negative: boolean): boolean {
    const middle = to - LOW_DIGITS
    const upper = digitsOf(this.#text, from, middle)
    const carried = upper * BILLION_HIGH
    const carriedHigh = Math.floor(carried / 65_536)
    const lower =
      (carried - carriedHigh * 65_536) * 65_536 + upper * BILLION_LOW + digitsOf(this.#text, middle, to)
    const carry = Math.floor(lower / WORD)
    const high = carriedHigh + carry
    const low = lower - carry * WORD
    if (high >= 0x80000000 && !(negative && high === 0x80000000 && low === 0)) return false
    if (!negative) return this.#packer.addInt(high, low)
    return low === 0 ? this.#packer.addInt(-high, 0) : this.#packer.addInt(-high - 1, WORD - low)
  }
}

function digitsOf(text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) value = value * 10 + (text.charCodeAt(at) - ZERO)
  return value
}

function offsetOf(text: string, character: string, from: number): number {
  const at = text.indexOf(character, from)
  return at < 0 ? text.length : at
}

/** Offset of the quote that ends the string which opens at `open`, escapes jumped over; −1 without one. */
export function closeOf(text: string, open: number): number {
  const quote = text.charCodeAt(open)
  for (let at = open + 1; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === quote) return at
    if (c === BACKSLASH) at++
  }
  return -1
}

function skipBlanks(text: string, from: number): number {
  let at = from
  for (let c = text.charCodeAt(at); c === 32 || c === 10 || c === 13 || c === 9; c = text.charCodeAt(at)) at++
  return at
}
