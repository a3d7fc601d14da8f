/**
 * Inverted lists of sparse columns: when they are made, and how a search goes through them.
 *
 * A sparse column that is scanned again and again gets its lists, in the background; whether a search finds them or not, its
 * answer is the same (lib/index/sparse-inverted.ts). They live as long as their column stays in memory.
 */
import type { TopK } from '../base/top-k.js'
import type { Turn } from '../base/turn.js'
import type { SparseQuery } from '../index/query-vector.js'
import { SparseInverted } from '../index/sparse-inverted.js'
import type { Column } from '../schema/column.js'
import type { Segment } from '../segment/segment.js'

/** Rows whose scores are summed from inverted lists between two looks at the clock, and cells of those lists. */
const LIST_ROWS = 65_536
const LIST_CELLS = 1_000_000
/** Scans of a sparse column after which its inverted lists are built: building costs about as much as 50 scans. */
const LISTS_AFTER_SCANS = 16
/** Columns of fewer rows are scanned in well under a millisecond. */
const LISTS_ROWS_MIN = 2048

interface ListsOfColumn {
  scans: number
  lists: SparseInverted | null
}

const listsOfColumn = new WeakMap<Column, ListsOfColumn>()

/**
 * The inverted lists of a sealed sparse column, null while there are none. They are built, in the background, once the
 * column has been scanned often enough to be worth it; answers are the same with and without.
 */
export function invertedLists(segment: Segment, column: Column): SparseInverted | null {
  if (segment.kind !== 'sealed' || column.layout !== 'var' || segment.rowCount < LISTS_ROWS_MIN) return null
  let entry = listsOfColumn.get(column)
  if (entry === undefined) {
    entry = { scans: 0, lists: null }
    listsOfColumn.set(column, entry)
  }
  entry.scans++
  if (entry.scans === LISTS_AFTER_SCANS) {
    const kept = entry
    SparseInverted.build(column, segment.rowCount).then(lists => {
      kept.lists = lists
    })
  }
  return entry.lists
}

/** Goes through the lists of the query's terms, a range of rows at a time. */
export async function scanLists(
  lists: SparseInverted,
  bits: Uint32Array,
  end: number,
  query: SparseQuery,
  top: TopK,
  turn: Turn,
): Promise<void> {
  const slices = Math.ceil(Math.max(end / LIST_ROWS, lists.cellsOf(query) / LIST_CELLS))
  const step = Math.max(1, Math.ceil(end / Math.max(1, slices)))
  for (let from = 0; from < end; from += step) {
    if (turn.due()) await turn.next()
    lists.scan(query, bits, from, Math.min(end, from + step), top)
  }
}
