/**
 * Finds the stretches of a scalar index (scalar-order.ts) that hold the values a constant or range asks for.
 *
 * A stretch is found by halving: about twenty probes in a million entries, each of which reads one value from the
 * column. Bounds are the same inclusive ranges, with the same exactness, that scans compare with.
 */
import type { ValueClass } from '../index/scalar-kind.js'
import type { Postings, ScalarOrder } from '../index/scalar-order.js'
import type { Literal } from './ast.js'
import { type NumberLiteral, type NumberRange, rangeOfCompare, withWords } from './number-range.js'
import { type EntrySource, loadEntry } from './order-entry.js'
import { register } from './register.js'
import { compareBytes, type TextTest } from './text-test.js'

/** Entries [from, to) of one class. */
export interface Stretch {
  readonly postings: Postings
  readonly from: number
  readonly to: number
}

/** Stretches of one index, collected for one question. */
export class Stretches {
  readonly list: Stretch[] = []
  /** Entries in all stretches; a row can be among them more than once. */
  count = 0
  readonly #source: EntrySource
  readonly #postings: ScalarOrder['postings']

  constructor(source: EntrySource, order: ScalarOrder) {
    this.#source = source
    this.#postings = order.postings
  }

  #add(postings: Postings, from: number, to: number): void {
    if (from >= to) return
    this.list.push({ postings, from, to })
    this.count += to - from
  }

  /** First entry for which a question about the loaded value holds; it holds for all behind it. */
  #first(postings: Postings, holds: () => boolean): number {
    let low = 0
    let high = postings.rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      loadEntry(this.#source, postings, middle)
      if (holds()) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Values of a column in a range; on a Bool column 0 and 1. */
  addRange(range: NumberRange): void {
    this.#addIntegers('bool', range)
    this.addNumbers(range)
  }

  /** Numbers in a range, stored as integers or as doubles. */
  addNumbers(range: NumberRange): void {
    this.#addIntegers('int', range)
    const doubles = this.#postings.double
    // Neither bound may be NaN, which nothing passes.
    if (doubles === null || !(range.low <= range.high)) return
    const from = this.#first(doubles, () => register.double >= range.low)
    this.#add(
      doubles,
      from,
      this.#first(doubles, () => register.double > range.high),
    )
  }

  #addIntegers(of: 'int' | 'bool', range: NumberRange): void {
    const postings = this.#postings[of]
    if (postings === null || range.min > range.max) return
    const from = this.#first(postings, () => compareWords(range.minHigh, range.minLow) >= 0)
    this.#add(
      postings,
      from,
      this.#first(postings, () => compareWords(range.maxHigh, range.maxLow) > 0),
    )
  }

  addBool(value: boolean): void {
    const bools = this.#postings.bool
    if (bools === null) return
    const firstTrue = this.#first(bools, () => register.low === 1)
    if (value) this.#add(bools, firstTrue, bools.rows.length)
    else this.#add(bools, 0, firstTrue)
  }

  /** Texts from `low` to `high` (null: no bound). */
  addTexts(
    low: Uint8Array | null,
    lowInclusive: boolean,
    high: Uint8Array | null,
    highInclusive: boolean,
  ): void {
    const texts = this.#postings.text
    if (texts === null) return
    const from = low === null ? 0 : this.#first(texts, () => compareText(low) >= (lowInclusive ? 0 : 1))
    const to =
      high === null
        ? texts.rows.length
        : this.#first(texts, () => compareText(high) >= (highInclusive ? 1 : 0))
    this.#add(texts, from, to)
  }

  /** Texts that begin with `prefix`. */
  addPrefix(prefix: Uint8Array): void {
    const texts = this.#postings.text
    if (texts === null) return
    const from = this.#first(texts, () => compareText(prefix) >= 0)
    this.#add(
      texts,
      from,
      this.#first(texts, () => compareHead(prefix) > 0),
    )
  }

  /** Values equal to a constant, as membership means it. `single`: float32 column. Lists are in no index. */
  addEqual(literal: Literal, single: boolean): void {
    switch (literal.kind) {
      case 'int':
      case 'float':
        this.addNumbers(rangeOfEqual(literal, single))
        return
      case 'bool':
        this.addBool(literal.value)
        return
      case 'string': {
        const bytes = Buffer.from(literal.value, 'utf8')
        this.addTexts(bytes, true, bytes, true)
        return
      }
      case 'list':
        return
    }
  }

  /** Texts that may pass a test; null when the order says nothing about it, false when some of them may not pass. */
  addTextTest(test: TextTest): boolean | null {
    switch (test.kind) {
      case 'equal':
        this.addTexts(test.bytes, true, test.bytes, true)
        return true
      case 'order':
        this.addTexts(test.low, test.lowInclusive, test.high, test.highInclusive)
        return true
      case 'prefix':
        this.addPrefix(test.bytes)
        return true
      case 'oneOf':
        for (const member of test.members) this.addTexts(member, true, member, true)
        return true
      case 'like': {
        const steps = test.pattern.findIndex(step => step < 0)
        if (steps <= 0) return null
        this.addPrefix(Uint8Array.from(test.pattern.subarray(0, steps)))
        return false
      }
      default:
        return null
    }
  }
}

/** The class of values that can equal a constant; numbers are of two. Null for lists. */
export function classesOf(literal: Literal): readonly ValueClass[] | null {
  switch (literal.kind) {
    case 'int':
    case 'float':
      return ['int', 'double']
    case 'string':
      return ['text']
    case 'bool':
      return ['bool']
    case 'list':
      return null
  }
}

/** The range of one value. The usual float needs no search for the integers it stands for. */
function rangeOfEqual(literal: NumberLiteral, single: boolean): NumberRange {
  if (literal.kind === 'int' || Math.abs(literal.value) >= 2 ** 53)
    return rangeOfCompare('==', literal, single)
  const double = single ? Math.fround(literal.value) : literal.value
  if (!Number.isInteger(literal.value)) return withWords(1n, 0n, double, double)
  const integer = BigInt(literal.value)
  return withWords(integer, integer, double, double)
}

/** The loaded integer against one given as words, the high one signed. */
function compareWords(high: number, low: number): number {
  return register.high - high || (register.low >>> 0) - low
}

function compareText(bytes: Uint8Array): number {
  return compareBytes(register.bytes, register.start, register.end, bytes, 0, bytes.length)
}

/** The loaded text's beginning, as long as `bytes`, against `bytes`. */
function compareHead(bytes: Uint8Array): number {
  const end = Math.min(register.end, register.start + bytes.length)
  return compareBytes(register.bytes, register.start, end, bytes, 0, bytes.length)
}
