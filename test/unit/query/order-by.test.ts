/**
 * The sorter of query results against sorting everything at once: any number of rows, kept or not, ties, nulls.
 */
import t from 'tap'
import { Turn } from '../../../lib/base/turn.js'
import { compareSortValues, RowSorter, type SortTerm, type SortValue } from '../../../lib/query/order-by.js'
import { rng } from '../../support/rng.js'

const KEYS: readonly SortTerm[] = [
  { field: 'a', descending: false, nullsFirst: true },
  { field: 'b', descending: true, nullsFirst: false },
]

for (const { rows, keep } of [
  { rows: 0, keep: 5 },
  { rows: 10, keep: 0 },
  { rows: 500, keep: 7 },
  { rows: 5_000, keep: 1_000 },
  { rows: 5_000, keep: 16_384 },
  { rows: 20_000, keep: 3_000 },
]) {
  t.test(`the first ${keep} of ${rows} rows, in order, ties by arrival`, async t => {
    const random = rng(rows + keep)
    const all = Array.from({ length: rows }, (_, row): { row: number; values: SortValue[] } => ({
      row,
      values: [random.chance(0.1) ? null : random.int(40), random.chance(0.1) ? null : `t${random.int(30)}`],
    }))
    const sorter = new RowSorter(KEYS, keep)
    const turn = new Turn()
    for (const { row, values } of all) {
      sorter.offer(row % 3, row, values)
      if (sorter.full) await sorter.merge(turn)
    }
    const expected = all
      .toSorted((a, b) => {
        for (const [i, key] of KEYS.entries()) {
          const order = compareSortValues(key, a.values[i]!, b.values[i]!)
          if (order !== 0) return order
        }
        return a.row - b.row
      })
      .slice(0, keep)
    const found = await sorter.sorted(turn)
    t.strictSame(
      found.map(({ source, row }) => [source, row]),
      expected.map(({ row }) => [row % 3, row]),
    )
  })
}
