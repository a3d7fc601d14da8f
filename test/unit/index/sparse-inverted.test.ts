import t from 'tap'
import { TopK } from '../../../lib/base/top-k.js'
import { scanAll } from '../../../lib/index/flat-index.js'
import { bm25Query, prepareQuery, type SparseQuery } from '../../../lib/index/query-vector.js'
import { SparseInverted } from '../../../lib/index/sparse-inverted.js'
import type { VarColumn } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { type Rng, rng } from '../../support/rng.js'
import { fakeClock, roundsOf } from '../../support/rounds.js'
import { columnOf, fieldOf, fixture } from './fixtures-vectors.js'

const seed = Number(process.env['SEED'] ?? 17)

function randomQuery(random: Rng, bm25: boolean): SparseQuery {
  const object: Record<number, number> = {}
  for (let n = random.int(8); n > 0; n--) object[random.int(24) * 1000] = random.next()
  const query = prepareQuery(fieldOf(DataType.SparseFloatVector), 'IP', object) as SparseQuery
  if (!bm25) return query
  const { indices, weights } = query.terms
  return bm25Query(indices, weights, { k1: 1.2, b: 0.75, averageLength: 3 }) as SparseQuery
}

t.test(`lists find the same rows with the same scores as a scan (SEED=${seed})`, async t => {
  const random = rng(seed)
  for (let round = 0; round < 40; round++) {
    const count = random.between(1, 900)
    const { column } = fixture(random, DataType.SparseFloatVector, 0, count, round % 3 === 0)
    const lists = await SparseInverted.build(column as VarColumn, count)
    const bits = new Uint32Array((count + 31) >>> 5).map(() => random.int(2 ** 32))
    for (let n = 0; n < 5; n++) {
      const query = randomQuery(random, round % 2 === 0)
      const from = random.int(count)
      const to = random.between(from, count)
      const k = random.between(1, 50)
      for (const mask of [null, bits]) {
        const expected = new TopK(k)
        scanAll(query, column, mask, from, to, expected)
        const found = new TopK(k)
        lists.scan(query, mask, from, to, found)
        t.same(found.drain(), expected.drain())
      }
    }
  }
})

t.test('a column of many slices is built whole', async t => {
  const rows = Array.from({ length: 2000 }, (_, row) =>
    Array.from({ length: 100 }, (_, i) => [i * 7 + (row % 5), 1 + (row % 3)]).flat(),
  )
  const column = columnOf(DataType.SparseFloatVector, 0, rows, null) as VarColumn
  let built: SparseInverted | undefined
  fakeClock(t).leapMs = 10
  const passed = await roundsOf(async () => {
    built = await SparseInverted.build(column, rows.length)
  })
  // Counted and filled in 25 slices of 8,192 cells each, and the memory of 200,000 cells made ready in two.
  t.ok(passed >= 50, `${passed} rounds of the event loop`)
  const lists = built!
  t.ok(lists.byteLength > 200_000 * 8)
  const query = prepareQuery(fieldOf(DataType.SparseFloatVector), 'IP', { 10: 2, 700: 1 }) as SparseQuery
  const expected = new TopK(20)
  scanAll(query, column, null, 0, rows.length, expected)
  const found = new TopK(20)
  lists.scan(query, null, 0, rows.length, found)
  t.same(found.drain(), expected.drain())
})

t.test('more terms than are sorted at once are found in order', async t => {
  const rows = Array.from({ length: 300 }, (_, row) =>
    Array.from({ length: 100 }, (_, i) => [
      i * 300_000 + ((row * 7_919) % 300) * 1_000,
      1 + (row % 3),
    ]).flat(),
  )
  const column = columnOf(DataType.SparseFloatVector, 0, rows, null) as VarColumn
  const lists = await SparseInverted.build(column, rows.length)
  for (const term of [0, 1_000, 299_000, 99 * 300_000, 99 * 300_000 + 299_000, 15_123_000]) {
    const query = prepareQuery(fieldOf(DataType.SparseFloatVector), 'IP', { [term]: 1 }) as SparseQuery
    const expected = new TopK(3)
    scanAll(query, column, null, 0, rows.length, expected)
    const found = new TopK(3)
    lists.scan(query, null, 0, rows.length, found)
    t.equal(lists.cellsOf(query), 1, `term ${term} is in one row`)
    t.same(found.drain(), expected.drain())
  }
})

t.test('empty columns and queries have no hits', async t => {
  const column = columnOf(DataType.SparseFloatVector, 0, [[], []], null) as VarColumn
  const lists = await SparseInverted.build(column, 2)
  const query = prepareQuery(fieldOf(DataType.SparseFloatVector), 'IP', { 1: 1 }) as SparseQuery
  const top = new TopK(3)
  lists.scan(query, null, 0, 2, top)
  lists.scan(query, null, 1, 1, top)
  t.equal(top.count, 0)
  t.throws(() => lists.scan(query, null, 0, 3, top), /every row/)
})
