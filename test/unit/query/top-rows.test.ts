/**
 * The first rows under sort keys, against sorting the values of all rows by `compareSortValues`: every sortable type,
 * nulls, ties, texts that agree for long, any number of rows kept.
 */
import t from 'tap'
import { Turn } from '../../../lib/base/turn.js'
import { compareSortValues, type SortTerm, type SortValue } from '../../../lib/query/order-by.js'
import { SLICE_WORK, TopRows } from '../../../lib/query/top-rows.js'
import type { FieldSchema } from '../../../lib/schema/collection-schema.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { encodeColumn } from '../../support/memory-segment.js'
import { type Rng, rng, seedOf } from '../../support/rng.js'
import { fakeClock, roundsOf } from '../../support/rounds.js'
import { field } from './fixture.js'

const SOURCES = 3
const seed = seedOf(41)
const DOUBLES = [Number.NaN, -0, 0, Infinity, -Infinity, Number.MIN_VALUE, -1.5, 2 ** 53, 1e300]
const INT64S = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -(2n ** 53n), 2n ** 32n, -1n, 0n, 2n ** 31n]
const TEXTS = [
  '',
  'a',
  'a\0',
  'a\0\0',
  'abcdefgh',
  'abcdefgh\0',
  'abcdefghi',
  'abcdefghj',
  'é',
  '\u{1f600}',
  '\uffee',
]

/** Per type a maker of values, most of them nasty. */
const MAKERS: readonly [DataType, (random: Rng) => SortValue][] = [
  [DataType.Bool, random => random.chance()],
  [DataType.Int8, random => random.between(-128, 127)],
  [DataType.Int32, random => random.pick([-(2 ** 31), 2 ** 31 - 1, 0, -1, random.int(50)])],
  [DataType.Int64, random => (random.chance() ? random.pick(INT64S) : BigInt(random.between(-9, 9)))],
  [DataType.Timestamptz, random => BigInt(random.between(-5, 5)) * 10n ** 15n],
  [DataType.Float, random => random.pick([...DOUBLES.map(Math.fround), Math.fround(random.gauss())])],
  [DataType.Double, random => random.pick([...DOUBLES, random.gauss()])],
  [DataType.VarChar, random => random.pick([...TEXTS, `same beginning ${random.int(30)}`])],
]

interface TestRow {
  readonly source: number
  readonly row: number
  readonly values: readonly SortValue[]
}

/** Rows of several sources, and their columns. */
function randomRows(random: Rng, fields: readonly FieldSchema[], count: number) {
  const perSource: SortValue[][][] = Array.from({ length: SOURCES }, () => [])
  const rows: TestRow[] = Array.from({ length: count }, () => {
    const source = random.int(SOURCES)
    const values = fields.map(({ dataType }) =>
      random.chance(0.1) ? null : MAKERS.find(([type]) => type === dataType)![1](random),
    )
    return { source, row: perSource[source]!.push(values) - 1, values }
  })
  const columns = perSource.map(list =>
    fields.map((f, k) =>
      encodeColumn(
        f,
        list.map(values => values[k]),
      ),
    ),
  )
  return { rows, columns }
}

function expectedOf(rows: readonly TestRow[], terms: readonly SortTerm[], keep: number): number[][] {
  const sorted = rows.toSorted((a, b) => {
    for (const [k, term] of terms.entries()) {
      const order = compareSortValues(term, a.values[k]!, b.values[k]!)
      if (order !== 0) return order
    }
    return 0
  })
  return sorted.slice(0, keep).map(({ source, row }) => [source, row, 0])
}

for (const [count, keep] of [
  [0, 5],
  [10, 0],
  [1, 1],
  [500, 7],
  [2_000, 2_000],
  [3_000, 400],
] as const) {
  t.test(`the first ${keep} of ${count} rows, every type and direction (seed ${seed})`, async t => {
    const random = rng(seed + count + keep)
    for (let round = 0; round < 20; round++) {
      const types = round < MAKERS.length ? [MAKERS[round]![0]] : random.shuffle(MAKERS.map(m => m[0]))
      const fields = types.slice(0, 3).map((type, k) => field(`f${k}`, type, { nullable: true }))
      const terms = fields.map(({ name }) => ({
        field: name,
        descending: random.chance(),
        nullsFirst: random.chance(),
      }))
      const { rows, columns } = randomRows(random, fields, count)
      const top = new TopRows(columns, terms, keep)
      for (const { source, row } of rows) top.offer(source, row)
      const found = await top.sorted(new Turn())
      const places = Array.from(found.rows, (row, i) => [found.sources[i], row, 0])
      t.strictSame(places, expectedOf(rows, terms, keep), JSON.stringify([types, terms]))
      const offered = Array.from(found.arrivals, at => [rows[at]!.source, rows[at]!.row, 0])
      t.strictSame(offered, places, 'arrivals tell which rows they were')
    }
  })
}

t.test('every NaN is the greatest number, whatever its sign', async t => {
  const words = new Uint32Array([0, 0xfff80000, 0, 0x7ff00000, 0, 0x7ff80000, 0, 0xfff00000])
  const values = new Float64Array(words.buffer)
  const column = { layout: 'fixed', width: 1, values, validity: null } as const
  const top = new TopRows([[column]], [{ field: 'x', descending: false, nullsFirst: false }], 4)
  for (let row = 0; row < 4; row++) top.offer(0, row)
  t.strictSame([...(await top.sorted(new Turn())).rows], [3, 1, 0, 2])
})

t.test('long texts count as more work than short ones', async t => {
  const text = field('text', DataType.VarChar)
  const work = (length: number): number => {
    const column = encodeColumn(
      text,
      Array.from({ length: 50 }, (_, i) => `${'x'.repeat(length)}${i}`),
    )
    const top = new TopRows([[column]], [{ field: 'text', descending: false, nullsFirst: false }], 50)
    for (let row = 0; row < 50; row++) top.offer(0, row)
    return top.work
  }
  t.ok(work(60_000) > 100 * work(10), `${work(60_000)} and ${work(10)}`)
})

t.test('putting 20,000 rows in order gives the event loop its turns', async t => {
  const number = field('n', DataType.Int32)
  const random = rng(seed)
  const values = Array.from({ length: 20_000 }, () => random.int(1_000_000))
  const top = new TopRows(
    [[encodeColumn(number, values)]],
    [{ field: 'n', descending: false, nullsFirst: false }],
    values.length,
  )
  for (let row = 0; row < values.length; row++) top.offer(0, row)
  const before = top.work
  fakeClock(t).leapMs = 10
  const passed = await roundsOf(() => top.sorted(new Turn()))
  const looks = Math.floor((top.work - before) / (SLICE_WORK + 100)) - 2
  t.ok(looks > 10 && passed >= looks, `${passed} rounds for ${top.work - before} comparisons`)
})
