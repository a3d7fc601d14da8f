/**
 * Numbers the groups of GROUP BY: rows with the same values in all fields get the same number, in order of appearance.
 *
 * The one idea: a group is a record of words in one typed array: two per field (an integer's own; hash and length of a
 * text) and the bits that say which fields are null. An open-addressed table of group numbers, at most half full, finds
 * the record. Texts whose hash and length agree are compared byte by byte with the first row of the group, which is
 * all that is kept of a text: so the columns of the fields must stay until the groups have been read.
 *
 * Rows come in batches, and between two batches there is time to `grow`, in steps.
 */
import { assert } from '../base/assert.js'
import type { Turn } from '../base/turn.js'
import { type Column, type FixedColumn, isValid, type VarColumn } from '../schema/column.js'
import { compareTextRows } from './row-keys.js'

/** Rows of one batch at most. */
export const BATCH_ROWS = 512
const FIRST_CAPACITY = 1_024
/** Groups put into a larger table between two looks at the clock: 10 to 50 ns each. */
const SLICE_GROUPS = 2_048
/** Elements copied between two looks at the clock: under 1 ms, with the first touch of their memory. */
const SLICE_ELEMENTS = 32_768

export class GroupTable {
  /** Groups so far. */
  count = 0
  /** Groups there is room for. */
  capacity = FIRST_CAPACITY
  readonly #columns: readonly (readonly Column[])[]
  readonly #fields: number
  /** Words of a record. */
  readonly #width: number
  #records: Int32Array
  #hashes: Int32Array
  #sources: Uint32Array
  #rows: Int32Array
  /** Group + 1 that hashes there; 0 = none. */
  #slots: Int32Array
  readonly #batch: Int32Array

  /**
   * @param columns per source the columns grouped by; may be filled while rows come
   * @param fields how many fields are grouped by; with none all rows are one group, which is there from the start
   */
  constructor(columns: readonly (readonly Column[])[], fields: number) {
    this.#columns = columns
    this.#fields = fields
    this.#width = fields * 2 + Math.ceil(fields / 32)
    this.#records = new Int32Array(FIRST_CAPACITY * this.#width)
    this.#hashes = new Int32Array(FIRST_CAPACITY)
    this.#sources = new Uint32Array(FIRST_CAPACITY)
    this.#rows = new Int32Array(FIRST_CAPACITY)
    this.#slots = new Int32Array(FIRST_CAPACITY * 2)
    this.#batch = new Int32Array(BATCH_ROWS * this.#width)
    if (fields === 0) this.count = 1
  }

  /** True when another batch may not have room. */
  get crowded(): boolean {
    return this.capacity - this.count < BATCH_ROWS
  }

  /** Source of the first row of a group. */
  sourceOf(group: number): number {
    return this.#sources[group]!
  }

  /** The first row of a group, in its source. */
  rowOf(group: number): number {
    return this.#rows[group]!
  }

  /** Doubles the room. No batch may be placed meanwhile. */
  async grow(turn: Turn): Promise<void> {
    const capacity = this.capacity * 2
    this.#records = await grown(this.#records, new Int32Array(capacity * this.#width), turn)
    this.#hashes = await grown(this.#hashes, new Int32Array(capacity), turn)
    this.#sources = await grown(this.#sources, new Uint32Array(capacity), turn)
    this.#rows = await grown(this.#rows, new Int32Array(capacity), turn)
    const slots = new Int32Array(capacity * 2)
    const mask = slots.length - 1
    const hashes = this.#hashes
    for (let from = 0; from < this.count; from += SLICE_GROUPS) {
      if (turn.due()) await turn.next()
      const to = Math.min(this.count, from + SLICE_GROUPS)
      for (let group = from; group < to; group++) {
        let at = hashes[group]! & mask
        while (slots[at] !== 0) at = (at + 1) & mask
        slots[at] = group + 1
      }
    }
    this.#slots = slots
    this.capacity = capacity
  }

  /** Puts the groups of rows[from .. to) of a source into `groupOf`, from 0 on. */
  place(source: number, rows: Int32Array, from: number, to: number, groupOf: Int32Array): void {
    assert(to - from <= BATCH_ROWS && !this.crowded, 'a batch has room')
    if (this.#fields === 0) {
      groupOf.fill(0, 0, to - from)
      return
    }
    this.#fillBatch(source, rows, from, to)
    const mask = this.#slots.length - 1
    for (let i = 0; i < to - from; i++) {
      const hash = this.#hashOf(i)
      const row = rows[from + i]!
      let at = hash & mask
      for (;;) {
        const group = this.#slots[at]! - 1
        if (group < 0) {
          this.#slots[at] = this.count + 1
          groupOf[i] = this.#add(i, hash, source, row)
          break
        }
        if (this.#hashes[group] === hash && this.#holds(group, i, source, row)) {
          groupOf[i] = group
          break
        }
        at = (at + 1) & mask
      }
    }
  }

  #fillBatch(source: number, rows: Int32Array, from: number, to: number): void {
    const columns = this.#columns[source]!
    const batch = this.#batch
    const width = this.#width
    batch.fill(0, 0, (to - from) * width)
    for (let f = 0; f < this.#fields; f++) {
      const column = columns[f]!
      if (column.layout === 'var') fillTexts(batch, width, f * 2, column, rows, from, to)
      else fillIntegers(batch, width, f * 2, column, rows, from, to)
      if (column.validity === null) continue
      const nulls = this.#fields * 2 + (f >>> 5)
      for (let i = from, at = nulls; i < to; i++, at += width) {
        if (!isValid(column, rows[i]!)) batch[at]! |= 1 << (f & 31)
      }
    }
  }

  /** All words of a record of the batch, mixed. */
  #hashOf(i: number): number {
    const batch = this.#batch
    const end = (i + 1) * this.#width
    let hash = 0
    for (let at = i * this.#width; at < end; at++) {
      hash = Math.imul(hash ^ batch[at]!, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash, 0x2c1b3c6d)
    return hash ^ (hash >>> 13)
  }

  /** True when the record of a group is record `i` of the batch, and so are its texts. */
  #holds(group: number, i: number, source: number, row: number): boolean {
    const records = this.#records
    const batch = this.#batch
    const width = this.#width
    for (let w = 0, at = group * width, other = i * width; w < width; w++) {
      if (records[at + w] !== batch[other + w]) return false
    }
    const columns = this.#columns[source]!
    const firsts = this.#columns[this.#sources[group]!]!
    for (let f = 0; f < this.#fields; f++) {
      const column = columns[f]!
      if (column.layout !== 'var' || batch[i * width + f * 2 + 1] === 0) continue
      if (compareTextRows(column, row, firsts[f] as VarColumn, this.#rows[group]!) !== 0) return false
    }
    return true
  }

  #add(i: number, hash: number, source: number, row: number): number {
    const group = this.count++
    const width = this.#width
    for (let w = 0; w < width; w++) this.#records[group * width + w] = this.#batch[i * width + w]!
    this.#hashes[group] = hash
    this.#sources[group] = source
    this.#rows[group] = row
    return group
  }
}

/** Copies an array into a larger one, in steps. @returns the larger one */
export async function grown<A extends Int32Array | Uint32Array | Float64Array>(
  from: A,
  to: A,
  turn: Turn,
): Promise<A> {
  for (let at = 0; at < from.length; at += SLICE_ELEMENTS) {
    if (turn.due()) await turn.next()
    to.set(from.subarray(at, at + SLICE_ELEMENTS), at)
  }
  return to
}

/** Integers into two words each. The placeholder of a null is 0, so all nulls are alike. */
function fillIntegers(
  batch: Int32Array,
  width: number,
  word: number,
  { values, width: elements, validity }: FixedColumn,
  rows: Int32Array,
  from: number,
  to: number,
): void {
  for (let i = from, at = word; i < to; i++, at += width) {
    const row = rows[i]!
    if (validity !== null && ((validity[row >>> 5]! >>> (row & 31)) & 1) === 0) continue
    batch[at] = values[row * elements]!
    if (elements === 2) batch[at + 1] = values[row * 2 + 1]!
  }
}

/** Hash (FNV-1a) and length of texts; those of a null are 0. */
function fillTexts(
  batch: Int32Array,
  width: number,
  word: number,
  { heap, offsets, validity }: VarColumn,
  rows: Int32Array,
  from: number,
  to: number,
): void {
  for (let i = from, at = word; i < to; i++, at += width) {
    const row = rows[i]!
    if (validity !== null && ((validity[row >>> 5]! >>> (row & 31)) & 1) === 0) continue
    const end = offsets[row + 1]!
    let hash = 0x811c9dc5
    for (let k = offsets[row]!; k < end; k++) hash = Math.imul(hash ^ heap[k]!, 0x01000193)
    batch[at] = hash
    batch[at + 1] = end - offsets[row]!
  }
}
