/**
 * The values a scalar index keeps in order, one at a time: how they are found in a column when an index is built, and
 * how one entry of a built index is put into the register again.
 *
 * Both read through the same functions as a scan (load.ts, json-scan.ts), so an index and a scan cannot disagree about
 * what a value is.
 */
import { getBit } from '../base/bitset.js'
import type { OrderKind, ValueClass } from '../index/scalar-kind.js'
import type { Postings, ScalarOrder } from '../index/scalar-order.js'
import { integerKeyHigh, type Keys, setDoubleKey, sortedByKey, sortedTexts } from '../index/sort-keys.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import type { Column, FixedColumn, VarColumn } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import type { JsonPath } from './bound.js'
import { findPath, firstElement, loadValue, nextElement } from './json-scan.js'
import { loadElement, loadFixed, loadText, packedLength } from './load.js'
import { pathOfKeys } from './names.js'
import { Kind, register } from './register.js'

/** What an entry's bytes are. */
export interface EntrySource {
  readonly column: Column
  /** Type of the column, or of the elements of an Array column. */
  readonly type: DataType
}

/** Loads entry `at`; integers and booleans with both words. */
export function loadEntry(source: EntrySource, { rows, offsets }: Postings, at: number): void {
  const row = rows[at]!
  const { column, type } = source
  if (offsets === null) {
    if (column.layout === 'fixed') loadFixed(type, column, row)
    else loadText(column, row)
  } else {
    const { heap, offsets: starts } = column as VarColumn
    const start = starts[row]! + offsets[at]!
    if (type === DataType.JSON) loadValue(heap, start, starts[row + 1]!)
    else loadElement(type, heap, start)
  }
  if (register.kind === Kind.Bool) register.high = 0
}

/** Entries of one class while they are collected. Grows as it fills. */
class EntryList {
  count = 0
  rows = new Int32Array(1024)
  offsets: Uint32Array | null
  readonly #text: boolean
  #high = new Uint32Array(1024)
  #low = new Uint32Array(1024)
  #starts = new Uint32Array(1025)
  #heap = new Uint8Array(1024)

  constructor(withOffsets: boolean, text: boolean) {
    this.offsets = withOffsets ? new Uint32Array(1024) : null
    this.#text = text
  }

  /** Adds the loaded value. NaN has no place in an order. */
  add(row: number, offset: number): void {
    const at = this.count
    if (register.kind === Kind.Double && Number.isNaN(register.double)) return
    if (at === this.rows.length) this.#grow()
    this.rows[at] = row
    if (this.offsets !== null) this.offsets[at] = offset
    if (register.kind === Kind.Text) this.#addText(at)
    else if (register.kind === Kind.Double)
      setDoubleKey({ high: this.#high, low: this.#low }, at, register.double)
    else {
      this.#high[at] = integerKeyHigh(register.kind === Kind.Bool ? 0 : register.high)
      this.#low[at] = register.low
    }
    this.count++
  }

  #addText(at: number): void {
    const { bytes, start, end } = register
    const from = this.#starts[at]!
    const length = end - start
    if (from + length > this.#heap.length) {
      const heap = new Uint8Array(Math.max(2 * this.#heap.length, from + length))
      heap.set(this.#heap)
      this.#heap = heap
    }
    this.#heap.set(bytes.subarray(start, end), from)
    this.#starts[at + 1] = from + length
  }

  #grow(): void {
    const size = 2 * this.rows.length
    this.rows = grown(this.rows, new Int32Array(size))
    if (this.offsets !== null) this.offsets = grown(this.offsets, new Uint32Array(size))
    if (this.#text) this.#starts = grown(this.#starts, new Uint32Array(size + 1))
    else {
      this.#high = grown(this.#high, new Uint32Array(size))
      this.#low = grown(this.#low, new Uint32Array(size))
    }
  }

  /** The entries by rising value, equal ones as they were added. */
  sorted(): Postings {
    const keys: Keys = { high: this.#high, low: this.#low }
    const order = this.#text
      ? sortedTexts({ heap: this.#heap, starts: this.#starts }, this.count)
      : sortedByKey(keys, this.count)
    const { rows, offsets } = this
    return {
      rows: order.map(entry => rows[entry]!),
      offsets: offsets === null ? null : Uint32Array.from(order, entry => offsets[entry]!),
    }
  }
}

function grown<T extends Int32Array | Uint32Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** A bare number of rows and one list per class. */
type Lists = Record<ValueClass, EntryList | null>

function classOfKind(kind: Kind): ValueClass | null {
  switch (kind) {
    case Kind.Int:
      return 'int'
    case Kind.Double:
      return 'double'
    case Kind.Text:
      return 'text'
    case Kind.Bool:
      return 'bool'
    default:
      return null
  }
}

/**
 * Puts a column in order. Takes about a second for a million rows: for the worker thread.
 * @param check called now and then; it may throw to stop the work
 */
export function buildOrder(
  kind: OrderKind,
  field: FieldSchema,
  column: Column,
  rowCount: number,
  check: () => void,
): ScalarOrder {
  const inside = kind.path !== null || kind.form === 'element'
  const lists: Lists = { int: null, double: null, text: null, bool: null }
  for (const of of kind.classes) lists[of] = new EntryList(inside, of === 'text')
  const arrays: number[] | null = kind.path !== null && kind.form === 'element' ? [] : null
  const path = kind.path === null ? null : pathOfKeys(kind.path)
  for (let row = 0; row < rowCount; row++) {
    if ((row & 0xfff) === 0) check()
    if (column.validity !== null && !getBit(column.validity, row)) continue
    if (path !== null) addJson(lists, arrays, column as VarColumn, path, row)
    else if (kind.form === 'element') addElements(lists, field.elementType, column as VarColumn, row)
    else {
      if (column.layout === 'fixed') loadFixed(field.dataType, column as FixedColumn, row)
      else loadText(column, row)
      add(lists, row, 0)
    }
  }
  const postings: Record<ValueClass, Postings | null> = { int: null, double: null, text: null, bool: null }
  for (const of of kind.classes) {
    check()
    postings[of] = lists[of]!.sorted()
  }
  return { form: kind.form, postings, arrays: arrays === null ? null : Int32Array.from(arrays) }
}

function add(lists: Lists, row: number, offset: number): void {
  const of = classOfKind(register.kind)
  if (of !== null) lists[of]?.add(row, offset)
}

function addElements(lists: Lists, type: DataType, { heap, offsets }: VarColumn, row: number): void {
  const start = offsets[row]!
  const length = packedLength(heap, start, offsets[row + 1]!)
  let at = start + 4
  for (let i = 0; i < length; i++) {
    loadElement(type, heap, at)
    const { next } = register
    add(lists, row, at - start)
    at = next
  }
}

/** What stands at the path, or (`arrays` given) the elements of the array that stands there. */
function addJson(
  lists: Lists,
  arrays: number[] | null,
  { heap, offsets }: VarColumn,
  path: JsonPath,
  row: number,
): void {
  const start = offsets[row]!
  const end = offsets[row + 1]!
  const found = findPath(heap, start, end, path)
  loadValue(heap, found, end)
  if (arrays === null) {
    add(lists, row, found - start)
    return
  }
  if (register.kind !== Kind.Array) return
  arrays.push(row)
  const close = register.end
  let at = firstElement(heap, found, close)
  while (at >= 0) {
    loadValue(heap, at, close)
    const { next } = register
    add(lists, row, at - start)
    at = nextElement(heap, next, close)
  }
}
