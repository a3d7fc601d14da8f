/**
 * Predicates on the elements of a struct array: how many elements of a row make an inner expression TRUE
 * (query-search-semantics §1.15).
 *
 * The one idea: the elements of a block of rows are laid out as columns of their own, one per sub-field the expression
 * reads, and the ordinary evaluator runs over them; `$[sub]` is a plain column there. Then the TRUE elements of each
 * row are counted. So every operator means inside what it means outside, and nothing is decoded value by value.
 */
import { countBits } from '../base/bitset.js'
import { arrayElementBytes, heapView } from '../schema/array-codec.js'
import type { CollectionSchema, FieldSchema } from '../schema/collection-schema.js'
import type { Column, VarColumn } from '../schema/column.js'
import { DataType, fixedArrayOver, layoutOf } from '../schema/data-type.js'
import { elementField, seekPart, subFieldsOf } from '../schema/struct-codec.js'
import type { Bound } from './bound.js'

/** How many elements of a row must make `root` TRUE. */
export interface ElementTest {
  readonly root: Bound
  /** Every element must; `least` and `most` do not matter then. */
  readonly all: boolean
  readonly least: number
  readonly most: number
}

/** Where the evaluator finds the columns of the elements. */
interface ElementSource {
  column(fieldIndex: number): Column
}

/** Runs a plan over `count` elements and writes their bits into `out`. */
export type EvaluateElements = (root: Bound, source: ElementSource, count: number, out: Uint32Array) => void

const schemas = new WeakMap<FieldSchema, CollectionSchema>()

/**
 * The schema that an inner expression is bound against: the scalar sub-fields, named `$[sub]` as they are written.
 * No field of a real schema can have such a name.
 */
export function elementSchema(field: FieldSchema): CollectionSchema {
  const known = schemas.get(field)
  if (known !== undefined) return known
  const fields = subFieldsOf(field).map(sub => ({
    ...elementField(sub),
    name: `$[${sub.name}]`,
    nullable: false,
  }))
  const schema: CollectionSchema = {
    name: field.name,
    description: '',
    fields,
    functions: [],
    pkIndex: -1,
    dynamicIndex: -1,
    partitionKeyIndex: -1,
    maxFieldId: field.id,
    version: 0,
  }
  schemas.set(field, schema)
  return schema
}

/** Clears the bits of rows that do not pass (negated: that pass). Rows without a value are cleared already. */
export function narrowMatch(
  leaf: { readonly schema: FieldSchema; readonly test: ElementTest; readonly negated: boolean },
  column: VarColumn,
  from: number,
  count: number,
  bits: Uint32Array,
  at: number,
  evaluate: EvaluateElements,
): void {
  const { test, schema, negated } = leaf
  const rows = rowsOf(from, count, bits, at)
  const block = new Elements(schema, column, rows)
  const out = new Uint32Array((block.count + 31) >>> 5)
  if (block.count > 0) evaluate(test.root, block, block.count, out)
  let element = 0
  for (let i = 0; i < rows.length; i++) {
    const end = block.ends[i]!
    let found = 0
    for (let e = element; e < end; e++) found += (out[e >>> 5]! >>> (e & 31)) & 1
    const passes = test.all ? found === end - element : found >= test.least && found <= test.most
    element = end
    if (passes === negated) {
      const bit = rows[i]! - from
      bits[at + (bit >>> 5)]! &= ~(1 << (bit & 31))
    }
  }
}

/** Positions of the elements of one row for which the test's expression is TRUE. */
export function matchingElements(
  schema: FieldSchema,
  test: ElementTest,
  column: VarColumn,
  row: number,
  evaluate: EvaluateElements,
): number[] {
  const block = new Elements(schema, column, Int32Array.of(row))
  const out = new Uint32Array((block.count + 31) >>> 5)
  if (block.count > 0) evaluate(test.root, block, block.count, out)
  const found: number[] = []
  for (let e = 0; e < block.count; e++) if (((out[e >>> 5]! >>> (e & 31)) & 1) === 1) found.push(e)
  return found
}

/** Number of elements of the first `count` rows for which the test's expression is TRUE. */
export function countMatching(
  schema: FieldSchema,
  test: ElementTest,
  column: VarColumn,
  count: number,
  evaluate: EvaluateElements,
): number {
  const block = new Elements(
    schema,
    column,
    Int32Array.from({ length: count }, (_, i) => i),
  )
  if (block.count === 0) return 0
  const out = new Uint32Array((block.count + 31) >>> 5)
  evaluate(test.root, block, block.count, out)
  return countBits(out)
}

function rowsOf(from: number, count: number, bits: Uint32Array, at: number): Int32Array {
  const rows = new Int32Array(count)
  let n = 0
  for (let i = 0; i < count; i++) if ((bits[at + (i >>> 5)]! >>> (i & 31)) & 1) rows[n++] = from + i
  return rows.subarray(0, n)
}

/** The elements of some rows, end to end, as columns made when they are asked for. */
class Elements implements ElementSource {
  readonly count: number
  /** Per row, one past its last element. */
  readonly ends: Int32Array
  readonly #schema: FieldSchema
  readonly #column: VarColumn
  readonly #rows: Int32Array
  readonly #made = new Map<number, Column>()

  constructor(schema: FieldSchema, column: VarColumn, rows: Int32Array) {
    this.#schema = schema
    this.#column = column
    this.#rows = rows
    this.ends = new Int32Array(rows.length)
    const view = heapView(column.heap)
    let total = 0
    for (let i = 0; i < rows.length; i++) {
      total += view.getUint32(column.offsets[rows[i]!]!, true)
      this.ends[i] = total
    }
    this.count = total
  }

  column(k: number): Column {
    let column = this.#made.get(k)
    if (column === undefined) {
      const sub = subFieldsOf(this.#schema)[k]!
      column = sub.elementType === DataType.VarChar ? this.#texts(k) : this.#fixed(k, sub)
      this.#made.set(k, column)
    }
    return column
  }

  /** A packed array is its typed array's bytes: one copy per row. */
  #fixed(k: number, sub: FieldSchema): Column {
    const { heap, offsets } = this.#column
    const view = heapView(heap)
    const size = arrayElementBytes(sub.elementType)
    const bytes = new Uint8Array(this.count * size)
    let to = 0
    for (let i = 0; i < this.#rows.length; i++) {
      const at = seekPart(view, offsets[this.#rows[i]!]!, k)
      const end = at + view.getUint32(at - 4, true)
      bytes.set(heap.subarray(at + 4, end), to)
      to += end - at - 4
    }
    const layout = layoutOf(sub.elementType)
    if (layout.layout !== 'fixed') throw new TypeError('texts have a column of their own kind')
    const values = fixedArrayOver(layout.kind, bytes.buffer, 0, this.count * layout.width)
    return { layout: 'fixed', width: layout.width, values, validity: null }
  }

  #texts(k: number): Column {
    const { heap, offsets } = this.#column
    const view = heapView(heap)
    const ends = new Uint32Array(this.count + 1)
    let total = 0
    for (let i = 0; i < this.#rows.length; i++) {
      const at = seekPart(view, offsets[this.#rows[i]!]!, k)
      total += view.getUint32(at - 4, true)
    }
    const out = new Uint8Array(total)
    let element = 0
    let to = 0
    for (let i = 0; i < this.#rows.length; i++) {
      let at = seekPart(view, offsets[this.#rows[i]!]!, k) + 4
      for (const end = this.ends[i]!; element < end; element++) {
        const length = view.getUint32(at, true)
        out.set(heap.subarray(at + 4, at + 4 + length), to)
        to += length
        at += 4 + length
        ends[element + 1] = to
      }
    }
    return { layout: 'var', offsets: ends, heap: out, validity: null }
  }
}
