/**
 * ORDER BY: reads sort keys out of a request, and says which of two values comes first.
 *
 * The one idea: one order of values serves every type and every reader. Rows of a query are compared by words instead
 * (row-keys.ts, top-rows.ts), which is the same order; they arrive in primary key order and ties stay in it (§2.8).
 */
import { invalid } from '../base/errors.js'
import { shownValue, valueText } from '../base/json.js'
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
      const [field = '', order, nulls, ...rest] = splitOutside(item, ':')
      if (rest.length > 0)
        throw invalid(`invalid order_by field '${item}', expected field[:asc|desc[:nulls_first|nulls_last]]`)
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
function compareValues(a: Exclude<SortValue, null>, b: Exclude<SortValue, null>): number {
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
