/**
 * Orders search hits by fields instead of by score (§3.7).
 *
 * The nearest `limit + offset` rows are found first; then they are sorted, stably, by the values of the fields; then
 * the page is cut. Paths into JSON and dynamic keys may be sort keys; a missing value counts as null.
 */
import { invalid } from '../base/errors.js'
import { sortInSlices } from '../base/slice-sort.js'
import type { Turn } from '../base/turn.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import { DataType, dataTypeName } from '../schema/data-type.js'
import { type FieldPath, fieldPathOf, readPath } from './field-path.js'
import { compareSortValues, isSortable, parseOrderBy, type SortTerm, type SortValue } from './order-by.js'
import type { RowRefs } from './project.js'
import type { SearchRequest } from './request.js'

/** A sort key of a search. */
export interface HitSortKey extends SortTerm {
  readonly path: FieldPath
}

/**
 * Sort keys of a search, empty when hits stay ordered by score.
 * @throws MilvusError ParameterInvalid
 */
export function planHitOrder(
  schema: CollectionSchema,
  request: Pick<SearchRequest, 'orderBy'>,
): HitSortKey[] {
  return parseOrderBy(request.orderBy, 'expected').map(term => {
    if (term.field === '') throw invalid('empty field name in order_by_fields')
    const path = fieldPathOf(schema, term.field)
    if (path === null) {
      throw invalid(`order_by field '${term.field}' does not exist in collection schema`)
    }
    const type = schema.fields[path.index]!.dataType
    if (path.keys.length === 0 ? !isSortable(type) : type !== DataType.JSON) {
      throw invalid(`order_by field '${term.field}' has unsortable type ${dataTypeName(type)}`)
    }
    return { ...term, path }
  })
}

/** Places of `refs` in the order of the sort keys; rows with equal keys keep their order. */
export async function sortedPlaces(
  schema: CollectionSchema,
  refs: RowRefs,
  order: readonly HitSortKey[],
  turn: Turn,
): Promise<number[]> {
  const values: SortValue[][] = []
  for (const key of order) values.push((await readPath(schema, refs, key.path, turn)).map(sortValueOf))
  const places = Array.from({ length: refs.count }, (_, i) => i)
  const compare = (a: number, b: number): number => {
    for (let k = 0; k < order.length; k++) {
      const sign = compareSortValues(order[k]!, values[k]![a]!, values[k]![b]!)
      if (sign !== 0) return sign
    }
    return a - b
  }
  return sortInSlices(places, compare, turn)
}

/** What is neither a number, a text nor a boolean cannot be ordered and counts as null. */
function sortValueOf(value: unknown): SortValue {
  switch (typeof value) {
    case 'number':
    case 'bigint':
    case 'string':
    case 'boolean':
      return value
    default:
      return null
  }
}
