/**
 * ORDER BY: reads sort keys out of a request and orders rows by them.
 *
 * The one idea: sort keys are read once per row into plain values, then one comparator serves every type. Rows arrive
 * in primary key order and the sort is stable, so equal keys stay ordered by primary key (§2.8). With a limit only the
 * best rows are held, and new ones are merged into them a few thousand at a time, in slices.
 */
import { invalid } from '../base/errors.js'
import { shownValue, valueText } from '../base/json.js'
import { sortInSlices } from '../base/slice-sort.js'
import type { Turn } from '../base/turn.js'
import { type CollectionSchema, fieldIndex } from '../schema/collection-schema.js'
import { type Column, isValid } from '../schema/column.js'
import { pkKeyAt, valueAt } from '../schema/column-ops.js'
import { DataType, dataTypeName, isFloatType, isIntegerType } from '../schema/data-type.js'
import { compareKeys } from './pk-merge.js'
import type { OrderByInput } from './request.js'

/** One sort key as written: a field name and what the request says about its order. */
export interface SortTerm {
  readonly field: string
  readonly descending: boolean
  readonly nullsFirst: boolean
}

/** A sort key of a query, found in the schema. */
export interface SortKey extends SortTerm {
  readonly index: number
}

/** A value that rows are sorted by; null sorts where the key says. */
export type SortValue = number | bigint | string | boolean | null

/**
 * Splits `orderBy` into terms. Empty input = no ordering.
 * @param expected what a wrong direction's message says: queries "must be", searches "expected"
 * @throws MilvusError ParameterInvalid
 */
export function parseOrderBy(input: OrderByInput | undefined, expected: 'must be' | 'expected'): SortTerm[] {
  if (input === undefined || input === null || input.length === 0) return []
  const items: unknown = typeof input === 'string' ? splitOutside(input, ',') : input
  if (!Array.isArray(items)) throw invalid('order_by_fields must be a text or a list')
  return (items as Exclude<OrderByInput, string>).map(item => {
    if (typeof item !== 'string' && (typeof item !== 'object' || item === null)) {
      throw invalid(`an item of order_by_fields must be a text, got ${shownValue(item)}`)
    }
    if (typeof item === 'string') {
      const [field = '', order, nulls] = splitOutside(item, ':')
      return termOf(field.trim(), order, nulls, expected)
    }
    return termOf(valueText(item.field ?? '').trim(), item.order, item.nulls, expected)
  })
}

function termOf(
  field: string,
  order: string | undefined,
  nulls: string | undefined,
  expected: 'must be' | 'expected',
): SortTerm {
  const direction = valueText(order ?? 'asc')
    .trim()
    .toLowerCase()
  if (direction !== 'asc' && direction !== 'desc' && direction !== '') {
    throw invalid(`invalid order direction '${order}' for field '${field}', ${expected} 'asc' or 'desc'`)
  }
  const descending = direction === 'desc'
  const placed = valueText(nulls ?? '')
    .trim()
    .toLowerCase()
  if (placed !== '' && placed !== 'nulls_first' && placed !== 'nulls_last') {
    throw invalid(
      `invalid null ordering '${nulls}' for field '${field}', ${expected} 'nulls_first' or 'nulls_last'`,
    )
  }
  return { field, descending, nullsFirst: placed === '' ? descending : placed === 'nulls_first' }
}

/** Splits at a separator, but not inside quotes or brackets (`meta["a,b"]`). */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = []
  let depth = 0
  let quote = ''
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quote !== '') {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === '"' || c === "'") quote = c
    else if (c === '[') depth++
    else if (c === ']') depth--
    else if (c === separator && depth === 0) {
      parts.push(text.slice(from, i))
      from = i + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}

/**
 * Sort keys of a query.
 * @throws MilvusError ParameterInvalid for unknown and unsortable fields
 */
export function planQueryOrder(schema: CollectionSchema, input: OrderByInput | undefined): SortKey[] {
  return parseOrderBy(input, 'must be').map(term => {
    const index = fieldIndex(schema, term.field)
    const field = schema.fields[index]
    if (field === undefined) {
      throw invalid(`order_by field '${term.field}' does not exist in collection schema`)
    }
    if (!isSortable(field.dataType)) {
      throw invalid(
        `order_by field '${term.field}' has type ${dataTypeName(field.dataType)} which is not sortable`,
      )
    }
    return { ...term, index }
  })
}

/** Types with an order: bool, integers, floats, VarChar and Timestamptz. */
export function isSortable(type: DataType): boolean {
  if (isIntegerType(type) || isFloatType(type)) return true
  return type === DataType.Bool || type === DataType.VarChar || type === DataType.Timestamptz
}

/** Sort value of a row; a Timestamptz sorts by its microseconds, not by its text. */
export function sortValueAt(schema: CollectionSchema, index: number, column: Column, row: number): SortValue {
  if (!isValid(column, row)) return null
  const field = schema.fields[index]!
  if (field.dataType === DataType.Timestamptz) return pkKeyAt(column, row)
  return valueAt(field, column, row, 'auto') as SortValue
}

/** Order of two sort values under one key. NaN sorts as the greatest number. */
export function compareSortValues(key: SortTerm, a: SortValue, b: SortValue): number {
  if (a === null || b === null) {
    if (a === b) return 0
    return (a === null) === key.nullsFirst ? -1 : 1
  }
  const order = compareValues(a, b)
  return key.descending ? -order : order
}

/** Order of two values that are not null: by kind first (booleans, numbers, texts), then by value. */
export function compareValues(a: Exclude<SortValue, null>, b: Exclude<SortValue, null>): number {
  const kinds = kindOrder(a) - kindOrder(b)
  if (kinds !== 0) return kinds
  if (typeof a === 'boolean') return Number(a) - Number(b)
  if (typeof a === 'number' && Number.isNaN(a)) return typeof b === 'number' && Number.isNaN(b) ? 0 : 1
  if (typeof b === 'number' && Number.isNaN(b)) return -1
  return compareKeys(a, b as number | bigint | string)
}

function kindOrder(value: Exclude<SortValue, null>): number {
  if (typeof value === 'boolean') return 0
  return typeof value === 'string' ? 2 : 1
}

/** A row that waits to be sorted. */
interface Waiting {
  readonly source: number
  readonly row: number
  /** Place in the order of arrival, which breaks ties. */
  readonly arrival: number
  readonly values: readonly SortValue[]
}

/** Rows that wait to be merged, and at least what share of the rows kept: merging goes through all of those. */
const FRESH_MIN = 1_024
const FRESH_SHARE = 0.25
/** Rows merged between two looks at the clock. */
const SLICE_ROWS = 2_048

/** Keeps the first `keep` rows of everything offered, in order. When it is `full`, `merge` makes room. */
export class RowSorter {
  readonly #keys: readonly SortTerm[]
  readonly #keep: number
  /** The first rows so far, in order. */
  #best: Waiting[] = []
  /** What came since and may belong among them. */
  #fresh: Waiting[] = []
  #arrivals = 0
  readonly #freshMax: number

  constructor(keys: readonly SortTerm[], keep: number) {
    this.#freshMax = Math.max(FRESH_MIN, Math.ceil(keep * FRESH_SHARE))
    this.#keys = keys
    this.#keep = keep
  }

  offer(source: number, row: number, values: readonly SortValue[]): void {
    const arrival = this.#arrivals++
    // Ties go to the row that came first, so an equal one is too late.
    if (this.#best.length >= this.#keep) {
      const last = this.#best[this.#keep - 1]
      if (last === undefined || this.#compare(values, last.values) >= 0) return
    }
    this.#fresh.push({ source, row, arrival, values })
  }

  /** True when it is time to merge. */
  get full(): boolean {
    return this.#fresh.length >= this.#freshMax
  }

  /** The rows kept, first one first. */
  async sorted(turn: Turn): Promise<readonly { readonly source: number; readonly row: number }[]> {
    await this.merge(turn)
    return this.#best
  }

  #compare(a: readonly SortValue[], b: readonly SortValue[]): number {
    for (let i = 0; i < this.#keys.length; i++) {
      const order = compareSortValues(this.#keys[i]!, a[i]!, b[i]!)
      if (order !== 0) return order
    }
    return 0
  }

  /** Sorts what is fresh and merges it into the best; nothing may be offered meanwhile. */
  async merge(turn: Turn): Promise<void> {
    if (this.#fresh.length === 0) return
    const compare = (a: Waiting, b: Waiting): number =>
      this.#compare(a.values, b.values) || a.arrival - b.arrival
    const fresh = await sortInSlices(this.#fresh, compare, turn)
    const best = this.#best
    const merged: Waiting[] = []
    let from = 0
    let other = 0
    while (merged.length < this.#keep && (from < best.length || other < fresh.length)) {
      if (merged.length % SLICE_ROWS === 0 && turn.due()) await turn.next()
      const old = best[from]
      const young = fresh[other]
      // All of the best came before all that is fresh: of equal rows theirs come first.
      if (young === undefined || (old !== undefined && this.#compare(old.values, young.values) <= 0)) {
        merged.push(old!)
        from++
      } else {
        merged.push(young)
        other++
      }
    }
    this.#best = merged
    this.#fresh = []
  }
}
