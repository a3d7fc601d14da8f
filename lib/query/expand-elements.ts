/**
 * `element_filter` in a query: found rows become one result row per matching element (query-search-semantics §1.15).
 *
 * The filter has found the rows that have such an element (compile.ts binds it as "at least one"); here the elements
 * themselves are found, in their order, and each result row carries its position in the struct array as `offset`.
 * Limit and offset of the request count elements. Every found row has at least one, so no more rows than
 * offset + limit need to be looked at.
 */
import type { ElementFilter } from '../filter/compile.js'
import { evaluateElements } from '../filter/evaluate.js'
import { matchingElements } from '../filter/match-elements.js'
import type { VarColumn } from '../schema/column.js'
import type { ResultWindow } from './plan.js'
import type { RowRefs } from './project.js'
import type { Row } from './request.js'

/** Name of the key that holds an element's position in a result row. */
export const ELEMENT_OFFSET = 'offset'

/** The window of rows that surely hold the elements of a window. */
export function rowWindow(window: ResultWindow): ResultWindow {
  return { offset: 0, limit: window.offset + window.limit }
}

/** One row per matching element of `rows`, cut to the window. `refs` says where the rows came from. */
export async function expandElements(
  filter: ElementFilter,
  refs: RowRefs,
  rows: readonly Row[],
  window: ResultWindow,
): Promise<Row[]> {
  const { columns, place } = await structColumns(filter.field, refs)
  const out: Row[] = []
  const end = window.offset + window.limit
  let seen = 0
  for (let i = 0; i < refs.count && seen < end; i++) {
    const column = columns[refs.segmentOf[i]!]!
    const found = matchingElements(filter.schema, filter.test, column, place[i]!, evaluateElements)
    for (const offset of found) {
      if (seen >= window.offset && seen < end) out.push({ ...rows[i]!, [ELEMENT_OFFSET]: offset })
      seen++
    }
  }
  return out
}

/** The struct column of the rows' segments, and each row's place in its segment's. */
async function structColumns(
  field: number,
  refs: RowRefs,
): Promise<{ columns: (VarColumn | undefined)[]; place: Int32Array }> {
  const asked: number[][] = refs.segments.map(() => [])
  const place = new Int32Array(refs.count)
  for (let i = 0; i < refs.count; i++) {
    const list = asked[refs.segmentOf[i]!]!
    place[i] = list.length
    list.push(refs.rows[i]!)
  }
  const columns: (VarColumn | undefined)[] = []
  for (let s = 0; s < refs.segments.length; s++) {
    if (asked[s]!.length === 0) {
      columns.push(undefined)
      continue
    }
    const [column] = await refs.segments[s]!.gather([field], Int32Array.from(asked[s]!))
    columns.push(column as VarColumn)
  }
  return { columns, place }
}
