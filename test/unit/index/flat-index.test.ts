import t from 'tap'
import { TopK } from '../../../lib/base/top-k.js'
import { scanAll, scanRows, scoreRows } from '../../../lib/index/flat-index.js'
import type { MetricType } from '../../../lib/index/index-spec.js'
import { isDistance, rangeBounds, userScore, withinRange } from '../../../lib/index/metric.js'
import {
  bm25Query,
  prepareQuery,
  type QueryVector,
  queryFromColumn,
} from '../../../lib/index/query-vector.js'
import { type Column, isValid } from '../../../lib/schema/column.js'
import { DataType, dataTypeName } from '../../../lib/schema/data-type.js'
import { type Rng, rng } from '../../support/rng.js'
import { columnOf, fieldOf, fixture, naiveScore, naiveSparse, plainRow } from './fixtures-vectors.js'

const seed = Number(process.env['SEED'] ?? 11)
const NUMBERS = [
  DataType.FloatVector,
  DataType.Float16Vector,
  DataType.BFloat16Vector,
  DataType.Int8Vector,
] as const
const CASES: [DataType, MetricType, number][] = []
for (const dataType of NUMBERS) {
  for (const metric of ['L2', 'IP', 'COSINE'] as const) {
    for (const dim of [2, 3, 5, 8, 33]) CASES.push([dataType, metric, dim])
  }
}
for (const metric of ['HAMMING', 'JACCARD'] as const) {
  for (const dim of [8, 24, 32, 40, 128]) CASES.push([DataType.BinaryVector, metric, dim])
}
// Rows so long that a block is converted in several steps.
CASES.push([DataType.Int8Vector, 'L2', 300], [DataType.BinaryVector, 'HAMMING', 8 * 517])

/** Best rows by sorting all of them: (signed score, row). */
function oracle(
  query: QueryVector,
  column: Column,
  count: number,
  keep: (row: number) => boolean,
  k: number,
) {
  const rows = Int32Array.from({ length: count }, (_, i) => i)
  const scores = new Float32Array(count)
  scoreRows(query, column, rows, scores)
  const signed = (row: number): number => (query.distance ? scores[row]! : 0 - scores[row]!)
  const hits = [...rows].filter(row => isValid(column, row) && keep(row))
  const kept = query.kind === 'sparse' ? hits.filter(row => scores[row]! > 0) : hits
  return kept
    .map(row => [signed(row), row] as const)
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .slice(0, k)
}

function drained(top: TopK): (readonly [number, number])[] {
  const { scores, rows } = top.drain()
  return Array.from(rows, (row, i) => [0 + scores[i]!, row] as const)
}

function checkScans(
  same: (found: unknown, wanted: unknown, message: string) => void,
  random: Rng,
  query: QueryVector,
  column: Column,
  count: number,
): void {
  const bits = new Uint32Array((count + 31) >>> 5)
  for (let i = 0; i < count; i++) if (random.chance(0.4)) bits[i >>> 5]! |= 1 << (i & 31)
  const has = (row: number): boolean => ((bits[row >>> 5]! >>> (row & 31)) & 1) === 1
  const from = random.int(count)
  const to = random.between(from, count)
  const k = random.between(1, 40)
  const inside = (row: number): boolean => row >= from && row < to
  let top = new TopK(k)
  scanAll(query, column, null, from, to, top)
  same(drained(top), oracle(query, column, count, inside, k), `rows [${from}, ${to})`)
  top = new TopK(k)
  scanAll(query, column, bits, from, to, top)
  same(
    drained(top),
    oracle(query, column, count, row => inside(row) && has(row), k),
    'with a bitset',
  )
  const list = Int32Array.from(random.shuffle(Array.from({ length: count }, (_, i) => i)).filter(has))
  top = new TopK(k)
  scanRows(query, column, list, 0, list.length, top)
  same(drained(top), oracle(query, column, count, has, k), 'with a row list')
}

for (const [dataType, metric, dim] of CASES) {
  t.test(
    `${dataTypeName(dataType)} ${metric} dim ${dim}: scores are the definition's, scans find the best (SEED=${seed})`,
    async t => {
      const random = rng(seed + dim)
      const field = fieldOf(dataType, dim)
      for (const nulls of [false, true]) {
        const count = dim > 256 ? 700 : 1400
        const { rows, column } = fixture(random, dataType, dim, count, nulls)
        const wanted = plainRow(random, dataType, dim)
        const query = prepareQuery(field, metric, wanted)
        const list = Int32Array.from({ length: count }, (_, i) => count - 1 - i)
        const scores = new Float32Array(count)
        scoreRows(query, column, list, scores)
        let worst = 0
        for (let i = 0; i < count; i++) {
          const row = list[i]!
          if (!isValid(column, row)) t.ok(Number.isNaN(scores[i]!), 'a null row has no score')
          else {
            const expected = naiveScore(metric, wanted, rows[row]!)
            worst = Math.max(worst, Math.abs(scores[i]! - expected) / Math.max(1, Math.abs(expected)))
          }
        }
        t.ok(worst < 1e-6, `scores are right to float32 (worst relative difference ${worst})`)
        checkScans((found, wanted, message) => t.same(found, wanted, message), random, query, column, count)
        const found = queryFromColumn(field, metric, column, count >> 1)
        if (isValid(column, count >> 1)) {
          const self = new Float32Array(1)
          scoreRows(found!, column, Int32Array.of(count >> 1), self)
          if (metric === 'L2' || metric === 'HAMMING') t.equal(self[0], 0)
          if (metric === 'COSINE') t.ok(Math.abs(self[0]! - 1) < 1e-6 && self[0]! <= 1)
        } else t.equal(found, null)
      }
    },
  )
}

t.test(`sparse IP: only rows with a common term are hits (SEED=${seed})`, async t => {
  const random = rng(seed)
  const field = fieldOf(DataType.SparseFloatVector)
  for (let round = 0; round < 10; round++) {
    const { rows, column } = fixture(random, DataType.SparseFloatVector, 0, 900, round % 2 === 1)
    const wanted = plainRow(random, DataType.SparseFloatVector, 0)
    const object: Record<string, number> = {}
    for (let i = 0; i < wanted.length; i += 2) object[wanted[i]!] = wanted[i + 1]!
    const query = prepareQuery(field, 'IP', object)
    const all = Int32Array.from({ length: 900 }, (_, i) => i)
    const scores = new Float32Array(900)
    scoreRows(query, column, all, scores)
    const right = all.every(row => {
      return !isValid(column, row) || Math.abs(scores[row]! - naiveSparse(wanted, rows[row]!)) < 1e-5
    })
    t.ok(right, 'scores are the definition’s')
    checkScans((found, wanted, message) => t.same(found, wanted, message), random, query, column, 900)
    if (isValid(column, 5)) {
      const self = new Float32Array(1)
      scoreRows(queryFromColumn(field, 'IP', column, 5)!, column, Int32Array.of(5), self)
      t.ok(Math.abs(self[0]! - naiveSparse(rows[5]!, rows[5]!)) < 1e-5)
    }
  }
})

t.test('BM25 weighs counts against length as the formula says', async t => {
  const column = columnOf(DataType.SparseFloatVector, 0, [[1, 2, 5, 1], [5, 3], [7, 1], []], null)
  const query = bm25Query(Uint32Array.of(1, 5), Float32Array.of(0.7, 0.4), {
    k1: 1.2,
    b: 0.75,
    averageLength: 2,
  })
  const scores = new Float32Array(4)
  scoreRows(query, column, Int32Array.of(0, 1, 2, 3), scores)
  const part = (tf: number, length: number): number => (tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * length) / 2))
  const expected = [0.7 * part(2, 3) + 0.4 * part(1, 3), 0.4 * part(3, 3), 0, 0]
  expected.forEach((score, i) => {
    t.ok(Math.abs(score - scores[i]!) < 1e-6, `row ${i}: ${scores[i]}`)
  })
  const top = new TopK(10)
  scanAll(query, column, null, 0, 4, top)
  t.same([...top.drain().rows], [0, 1], 'rows without a common term are no hits')
})

t.test('structure metrics match or do not match', async t => {
  const rows = [
    [0b111, 0],
    [0b101, 0],
    [0b001, 0],
    [0, 0b1],
  ]
  const column = columnOf(DataType.BinaryVector, 16, rows, null)
  const hits = (metric: MetricType): number[] => {
    const top = new TopK(10)
    scanAll(prepareQuery(fieldOf(DataType.BinaryVector, 16), metric, [0b101, 0]), column, null, 0, 4, top)
    return [...top.drain().rows]
  }
  t.same(hits('SUBSTRUCTURE'), [0, 1], 'rows that contain the query')
  t.same(hits('SUPERSTRUCTURE'), [1, 2], 'rows the query contains')
})

t.test('MinHash signatures score by their share of equal values', async t => {
  const rows = [
    [1, 0, 0, 0, 2, 0, 0, 0],
    [1, 0, 0, 0, 3, 0, 0, 0],
    [9, 0, 0, 0, 9, 0, 0, 0],
  ]
  const column = columnOf(DataType.BinaryVector, 64, rows, null)
  const scores = new Float32Array(3)
  const query = prepareQuery(fieldOf(DataType.BinaryVector, 64), 'MHJACCARD', rows[0])
  scoreRows(query, column, Int32Array.of(0, 1, 2), scores)
  t.same([...scores], [1, 0.5, 0])
})

t.test('zero vectors: cosine 0, jaccard 1', async t => {
  const scores = new Float32Array(2)
  const floats = columnOf(
    DataType.FloatVector,
    2,
    [
      [0, 0],
      [1, 0],
    ],
    null,
  )
  scoreRows(
    prepareQuery(fieldOf(DataType.FloatVector, 2), 'COSINE', [0, 0]),
    floats,
    Int32Array.of(0, 1),
    scores,
  )
  t.same([...scores], [0, 0])
  const bits = columnOf(DataType.BinaryVector, 8, [[0], [255]], null)
  scoreRows(
    prepareQuery(fieldOf(DataType.BinaryVector, 8), 'JACCARD', [0]),
    bits,
    Int32Array.of(0, 1),
    scores,
  )
  t.same([...scores], [1, 1])
})

t.test('a range search keeps the best rows inside the range, not the best rows', async t => {
  const random = rng(seed)
  const field = fieldOf(DataType.FloatVector, 4)
  const { column } = fixture(random, DataType.FloatVector, 4, 500)
  const all = Int32Array.from({ length: 500 }, (_, i) => i)
  for (const metric of ['L2', 'IP', 'COSINE'] as const) {
    const query = prepareQuery(field, metric, random.vector(4))
    const scores = new Float32Array(500)
    scoreRows(query, column, all, scores)
    const order = [...all].sort((a, b) =>
      isDistance(metric) ? scores[a]! - scores[b]! : scores[b]! - scores[a]!,
    )
    const rangeFilter = scores[order[50]!]!
    const radius = scores[order[60]!]!
    const { low, high } = rangeBounds(metric, radius, rangeFilter)
    const top = new TopK(5, low, high)
    scanAll(query, column, null, 0, 500, top)
    const found = top.drain()
    t.same([...found.rows], order.slice(50, 55), `${metric}: starts at range_filter`)
    t.equal(userScore(metric, found.scores[0]!), rangeFilter)
    t.ok(withinRange(metric, rangeFilter, radius, rangeFilter), 'range_filter is inside')
    t.notOk(withinRange(metric, radius, radius, rangeFilter), 'radius is outside')
    t.ok(withinRange(metric, rangeFilter, undefined, undefined), 'no bounds, no limits')
  }
})

t.test('an empty range of rows is no work', async t => {
  const column = columnOf(DataType.FloatVector, 2, [[1, 2]], null)
  const query = prepareQuery(fieldOf(DataType.FloatVector, 2), 'L2', [0, 0])
  const top = new TopK(3)
  scanAll(query, column, null, 1, 1, top)
  scanRows(query, column, new Int32Array(0), 0, 0, top)
  scoreRows(query, column, new Int32Array(0), new Float32Array(0))
  t.equal(top.count, 0)
})
