/**
 * `element_filter` in a query: found rows become one result row per matching element (query-search-semantics §1.15).
 *
 * The filter has found the rows that have such an element (compile.ts binds it as "at least one"); here the elements
 * themselves are found, in their order, and each result row carries its position in the struct array as `offset`.
 * Limit and offset of the request count elements, and so does `count(*)`. Every found row has at least one, so no more
 * rows than offset + limit need to be looked at; one more when the first row's elements may all be on the page before.
 */
import { invalid } from '../base/errors.js'
import { valueText } from '../base/json.js'
import type { Turn } from '../base/turn.js'
import type { ElementFilter } from '../filter/compile.js'
import { evaluateElements } from '../filter/evaluate.js'
import { countMatching, matchingElements } from '../filter/match-elements.js'
import { type CollectionSchema, pkField } from '../schema/collection-schema.js'
import type { VarColumn } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import type { PkKey, Segment } from '../segment/segment.js'
import { type MatchedRows, rowsOf } from './match-rows.js'
import { compareKeys } from './pk-merge.js'
import { integerOf, planKey, type ResultWindow } from './plan.js'
import type { RowRefs } from './project.js'
import type { ElementPlace, Row } from './request.js'

/** Name of the key that holds an element's position in a result row. */
export const ELEMENT_OFFSET = 'offset'

/** Rows whose elements are counted or found between two looks at the clock. */
const SLICE_ROWS = 256

/** The place that a page begins behind, checked. */
export interface PlannedPlace {
  readonly key: PkKey
  readonly offset: number
}

/**
 * Checks the place that a page begins behind; null = at the first element.
 * @throws MilvusError ParameterInvalid
 */
export function planPlace(schema: CollectionSchema, given: ElementPlace | undefined): PlannedPlace | null {
  if (given === undefined || given === null) return null
  const offset = integerOf(given.offset)
  if (offset === null || offset < 0) {
    throw invalid(`last element offset [${valueText(given.offset)}] is invalid, should be gte than 0`)
  }
  return { key: planKey(pkField(schema).dataType === DataType.VarChar, given.id), offset }
}

/** The window of rows that surely hold the elements of a window. */
export function rowWindow(window: ResultWindow, after: PlannedPlace | null): ResultWindow {
  return { offset: 0, limit: window.offset + window.limit + (after === null ? 0 : 1) }
}

/** Number of matching elements of all matched rows. */
export async function countElements(
  filter: ElementFilter,
  segments: readonly Segment[],
  matches: readonly MatchedRows[],
  turn: Turn,
): Promise<number> {
  let count = 0
  for (let s = 0; s < segments.length; s++) {
    const rows = rowsOf(matches[s]!)
    for (let from = 0; from < rows.length; from += SLICE_ROWS) {
      if (turn.due()) await turn.next()
      const slice = rows.subarray(from, from + SLICE_ROWS)
      const [column] = await segments[s]!.gather([filter.field], slice)
      count += countMatching(filter.schema, filter.test, column as VarColumn, slice.length, evaluateElements)
    }
  }
  return count
}

/** One row per matching element of `rows`, cut to the window. `refs` says where the rows came from. */
export async function expandElements(
  filter: ElementFilter,
  refs: RowRefs,
  rows: readonly Row[],
  window: ResultWindow,
  after: PlannedPlace | null,
  turn: Turn,
): Promise<Row[]> {
  const { columns, place } = await structColumns(filter.field, refs)
  const out: Row[] = []
  const end = window.offset + window.limit
  let seen = 0
  for (let i = 0; i < refs.count && seen < end; i++) {
    if (i % SLICE_ROWS === 0 && turn.due()) await turn.next()
    const column = columns[refs.segmentOf[i]!]!
    const found = matchingElements(filter.schema, filter.test, column, place[i]!, evaluateElements)
    const begun = after !== null && compareKeys(keyOf(refs, i), after.key) === 0
    for (const offset of found) {
      if (begun && offset <= after.offset) continue
      if (seen >= window.offset && seen < end) out.push({ ...rows[i]!, [ELEMENT_OFFSET]: offset })
      seen++
    }
  }
  return out
}

function keyOf({ segments, segmentOf, rows }: RowRefs, i: number): PkKey {
  return segments[segmentOf[i]!]!.pkOf(rows[i]!)
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
