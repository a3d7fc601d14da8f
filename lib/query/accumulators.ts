/**
 * What is computed per group: counts, sums, least and greatest values, each in typed arrays with one place per group.
 *
 * The one idea: an accumulator takes a batch of rows of one segment together with the groups they belong to, and loops
 * over them without making a value of any. NULLs are skipped. Sums of integers are exact: those that leave the safe
 * range go on as bigints in a map of their own, which stays empty in ordinary life. Texts are kept as the place of the
 * row that has them, so a column of texts stays as long as the accumulator.
 */
import type { Turn } from '../base/turn.js'
import { type Column, type FixedColumn, isValid, type VarColumn } from '../schema/column.js'
import { readInt64 } from '../schema/int64.js'
import { readUtf8 } from '../schema/utf8.js'
import { grown } from './group-table.js'
import { compareTextRows } from './row-keys.js'

/** A number where that is exact, else a bigint; or a text. */
export type Accumulated = number | bigint | string

const TWO_32 = 4_294_967_296

/** The base of all: counts rows, or values. */
export class Accumulator {
  /** Values taken per group. */
  protected counts = new Float64Array(0)

  /** Makes room for groups below `capacity`. */
  async grow(capacity: number, turn: Turn): Promise<void> {
    this.counts = await grown(this.counts, new Float64Array(capacity), turn)
    await this.resize(capacity, turn)
  }

  /** Makes room in what a kind has of its own. */
  protected async resize(_capacity: number, _turn: Turn): Promise<void> {}

  /**
   * Takes rows[from .. to) of a segment; row i belongs to `groupOf[i - from]`.
   * @param column of the field measured; null where rows themselves are
   */
  add(column: Column | null, rows: Int32Array, from: number, to: number, groupOf: Int32Array): void {
    const { counts } = this
    const checked = column !== null && column.validity !== null ? column : null
    for (let i = from; i < to; i++) {
      if (checked === null || isValid(checked, rows[i]!)) counts[groupOf[i - from]!]!++
    }
  }

  /** Takes `count` rows of group 0 without looking at them. */
  addRows(count: number): void {
    this.counts[0]! += count
  }

  /** Values taken for a group. */
  countOf(group: number): number {
    return this.counts[group]!
  }

  /** What has become of them; meaningless where there were none. */
  valueOf(group: number): Accumulated {
    return this.counts[group]!
  }
}

/** Sums of floats, added in the order in which rows come. */
export class FloatSum extends Accumulator {
  #sums = new Float64Array(0)

  protected override async resize(capacity: number, turn: Turn): Promise<void> {
    this.#sums = await grown(this.#sums, new Float64Array(capacity), turn)
  }

  override add(column: FixedColumn, rows: Int32Array, from: number, to: number, groupOf: Int32Array): void {
    const { counts } = this
    const sums = this.#sums
    const { values } = column
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      if (!isValid(column, row)) continue
      const group = groupOf[i - from]!
      // Not 0 + the first one: a sum of −0 alone is −0.
      if (counts[group]!++ === 0) sums[group] = values[row]!
      else sums[group]! += values[row]!
    }
  }

  override valueOf(group: number): Accumulated {
    return this.#sums[group]!
  }
}

/** Exact sums of integers. */
export class IntegerSum extends Accumulator {
  /** NaN where the sum is in `#large`. */
  #sums = new Float64Array(0)
  readonly #large = new Map<number, bigint>()

  protected override async resize(capacity: number, turn: Turn): Promise<void> {
    this.#sums = await grown(this.#sums, new Float64Array(capacity), turn)
  }

  override add(column: FixedColumn, rows: Int32Array, from: number, to: number, groupOf: Int32Array): void {
    const { counts } = this
    const sums = this.#sums
    const { values, width } = column
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      if (!isValid(column, row)) continue
      const group = groupOf[i - from]!
      counts[group]!++
      // An Int64 beyond 2^53 may be rounded here, but then it is no safe integer either.
      const value = width === 1 ? values[row]! : values[row * 2 + 1]! * TWO_32 + (values[row * 2]! >>> 0)
      const sum = sums[group]! + value
      if (Number.isSafeInteger(value) && Number.isSafeInteger(sum)) sums[group] = sum
      else this.#addLarge(group, width === 1 ? value : readInt64(values, row * 2))
    }
  }

  #addLarge(group: number, value: number | bigint): void {
    const before = this.#large.get(group) ?? BigInt(this.#sums[group]!)
    this.#large.set(group, before + BigInt(value))
    this.#sums[group] = Number.NaN
  }

  override valueOf(group: number): Accumulated {
    const large = this.#large.get(group)
    if (large === undefined) return this.#sums[group]!
    const number = Number(large)
    return Number.isSafeInteger(number) ? number : large
  }
}

/** The least or greatest of numbers. NaN is greater than all others; of equal values the first stays. */
export class NumberBest extends Accumulator {
  readonly #least: boolean
  #best = new Float64Array(0)

  constructor(least: boolean) {
    super()
    this.#least = least
  }

  protected override async resize(capacity: number, turn: Turn): Promise<void> {
    this.#best = await grown(this.#best, new Float64Array(capacity), turn)
  }

  override add(column: FixedColumn, rows: Int32Array, from: number, to: number, groupOf: Int32Array): void {
    const { counts } = this
    const best = this.#best
    const { values } = column
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      if (!isValid(column, row)) continue
      const group = groupOf[i - from]!
      const value = values[row]!
      if (counts[group]!++ === 0) best[group] = value
      else if (this.#least ? isLess(value, best[group]!) : isLess(best[group]!, value)) best[group] = value
    }
  }

  override valueOf(group: number): Accumulated {
    return this.#best[group]!
  }
}

function isLess(a: number, b: number): boolean {
  return a < b || (Number.isNaN(b) && !Number.isNaN(a))
}

/** The least or greatest of 64-bit integers, as their words. */
export class WordsBest extends Accumulator {
  readonly #least: boolean
  /** Low and high word of each. */
  #words = new Int32Array(0)

  constructor(least: boolean) {
    super()
    this.#least = least
  }

  protected override async resize(capacity: number, turn: Turn): Promise<void> {
    this.#words = await grown(this.#words, new Int32Array(capacity * 2), turn)
  }

  override add(column: FixedColumn, rows: Int32Array, from: number, to: number, groupOf: Int32Array): void {
    const { counts } = this
    const words = this.#words
    const { values } = column
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      if (!isValid(column, row)) continue
      const group = groupOf[i - from]!
      const low = values[row * 2]!
      const high = values[row * 2 + 1]!
      if (counts[group]!++ > 0) {
        let order = high - words[group * 2 + 1]!
        if (order === 0) order = (low >>> 0) - (words[group * 2]! >>> 0)
        if (this.#least ? order >= 0 : order <= 0) continue
      }
      words[group * 2] = low
      words[group * 2 + 1] = high
    }
  }

  override valueOf(group: number): Accumulated {
    return readInt64(this.#words, group * 2)
  }
}

/** The least or greatest of texts, by their bytes. */
export class TextBest extends Accumulator {
  readonly #least: boolean
  /** Columns in the order in which they came. */
  readonly #columns: VarColumn[] = []
  /** Column and row of each. */
  #places = new Int32Array(0)

  constructor(least: boolean) {
    super()
    this.#least = least
  }

  protected override async resize(capacity: number, turn: Turn): Promise<void> {
    this.#places = await grown(this.#places, new Int32Array(capacity * 2), turn)
  }

  override add(column: VarColumn, rows: Int32Array, from: number, to: number, groupOf: Int32Array): void {
    const { counts } = this
    const columns = this.#columns
    const places = this.#places
    if (columns.at(-1) !== column) columns.push(column)
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      if (!isValid(column, row)) continue
      const group = groupOf[i - from]!
      if (counts[group]!++ > 0) {
        const order = compareTextRows(column, row, columns[places[group * 2]!]!, places[group * 2 + 1]!)
        if (this.#least ? order >= 0 : order <= 0) continue
      }
      places[group * 2] = columns.length - 1
      places[group * 2 + 1] = row
    }
  }

  override valueOf(group: number): Accumulated {
    const { heap, offsets } = this.#columns[this.#places[group * 2]!]!
    const row = this.#places[group * 2 + 1]!
    return readUtf8(heap, offsets[row]!, offsets[row + 1]!)
  }
}
