/** ORDER BY, GROUP BY and aggregates of a query, against loops over the model. */
import t from 'tap'
import type { QueryRequest, Row } from '../../../lib/query/request.js'
import { runQuery } from '../../../lib/query/retrieve.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { type MemoryRow, MemorySegment, memorySnapshot } from '../../support/memory-segment.js'
import { rng, seedOf } from '../../support/rng.js'
import { contextOf, field, keyOf, newestByKey, randomFruit, schemaOf, visibleRows } from './fixture.js'

const seed = seedOf(5)
const fruit = randomFruit(rng(seed), { rowCount: 400, duplicates: 0.1, deletes: 0.1, resident: false })
const query = (request: QueryRequest): Promise<Row[]> => runQuery(fruit.context, fruit.snapshot, request)
const ids = (rows: readonly Row[]): unknown[] => rows.map(row => row['id'])
const newest = newestByKey(visibleRows(fruit, fruit.lastTick))

/** Model rows sorted by a value, nulls where told; the sort is stable and starts from key order. */
function sorted(name: string, descending: boolean, nullsFirst: boolean): MemoryRow[] {
  return [...newest].sort((a, b) => {
    const x = a.values[name] as number | string | null
    const y = b.values[name] as number | string | null
    if (x === null || y === null) return x === y ? 0 : (x === null) === nullsFirst ? -1 : 1
    const order = x < y ? -1 : x > y ? 1 : 0
    return descending ? -order : order
  })
}

/** Order of two texts, null last. */
function byText(a: unknown, b: unknown): number {
  const x = String(a ?? '~')
  const y = String(b ?? '~')
  return x < y ? -1 : x > y ? 1 : 0
}

t.test(
  'P1 order by: asc, desc, default, nulls, ties by key, pages, sort field not in the output',
  async t => {
    const cases: [QueryRequest['orderBy'], MemoryRow[]][] = [
      ['age', sorted('age', false, false)],
      ['age:DESC', sorted('age', true, true)],
      [[{ field: 'price' }], sorted('price', false, false)],
      [['price:desc'], sorted('price', true, true)],
      ['price:asc:nulls_first', sorted('price', false, true)],
      [[{ field: 'color', order: 'desc', nulls: 'nulls_last' }], sorted('color', true, false)],
      ['', newest],
      [[], newest],
    ]
    for (const [orderBy, expected] of cases) {
      const request = { orderBy: orderBy!, outputFields: [] }
      t.strictSame(
        ids(await query({ ...request, limit: 1000 })),
        expected.map(keyOf),
        JSON.stringify(orderBy),
      )
      const page = await query({ ...request, limit: 20, offset: 30 })
      t.strictSame(ids(page), expected.slice(30, 50).map(keyOf))
    }
    const two = sorted('price', true, true)
    two.sort((a, b) => byText(a.values['color'], b.values['color']))
    t.strictSame(
      ids(await query({ orderBy: 'color,price:desc', limit: 1000, outputFields: [] })),
      two.map(keyOf),
    )
    // A filter sees every live version; the newest one that passes stands for its key.
    const passing = visibleRows(fruit, fruit.lastTick).filter(r => r.values['color'] === 'red')
    const red = newestByKey(passing).sort((a, b) => Number(a.values['age']) - Number(b.values['age']))
    t.strictSame(
      ids(await query({ orderBy: 'age', filter: 'color == "red"', limit: 1000, outputFields: [] })),
      red.map(keyOf),
    )
  },
)

t.test('P1 order by: what is refused', async t => {
  const cases: [QueryRequest, RegExp][] = [
    [{ orderBy: 'age', filter: 'age > 1' }, /ORDER BY requires explicit limit/],
    [{ orderBy: 'vec', limit: 1 }, /order_by field 'vec' has type FloatVector which is not sortable/],
    [{ orderBy: 'meta', limit: 1 }, /has type JSON which is not sortable/],
    [{ orderBy: 'nope', limit: 1 }, /order_by field 'nope' does not exist in collection schema/],
    [{ orderBy: ':asc', limit: 1 }, /order_by field '' does not exist in collection schema/],
    [
      { orderBy: 'age:up', limit: 1 },
      /invalid order direction 'up' for field 'age', must be 'asc' or 'desc'/,
    ],
  ]
  for (const [request, message] of cases) await t.rejects(query(request), { code: 1100, message })
})

t.test('P1 count, sum, avg, min, max over everything, with and without a filter', async t => {
  const outputFields = [
    'COUNT(*)',
    'count(price)',
    'sum(age)',
    'sum(price)',
    'avg(age)',
    'min(price)',
    'max( color )',
  ]
  for (const filter of ['', 'age < 30', 'age > 1000']) {
    const live = visibleRows(fruit, fruit.lastTick).filter(row => {
      const age = row.values['age'] as number
      return filter === '' || (filter === 'age < 30' ? age < 30 : age > 1000)
    })
    const prices = live.map(r => r.values['price'] as number | null).filter(p => p !== null)
    const ages = live.map(r => r.values['age'] as number)
    const colors = live.map(r => r.values['color'] as string | null).filter(c => c !== null)
    const sum = (list: number[]): number | null =>
      list.length === 0 ? null : list.reduce((a, b) => a + b, 0)
    const [row] = await query({ outputFields, ...(filter === '' ? {} : { filter }) })
    t.equal(row!['count(*)'], live.length)
    t.equal(row!['count(price)'], prices.length)
    t.equal(row!['sum(age)'], sum(ages))
    const total = sum(prices)
    if (total === null) t.equal(row!['sum(price)'], null)
    else t.ok(Math.abs((row!['sum(price)'] as number) - total) < 1e-6)
    t.equal(row!['avg(age)'], ages.length === 0 ? null : sum(ages)! / ages.length)
    t.equal(row!['min(price)'], prices.length === 0 ? null : Math.min(...prices))
    t.equal(row!['max( color )'], colors.sort().at(-1) ?? null)
  }
})

t.test('P1 group by one and two columns: null is a group, limit counts groups', async t => {
  const counts = new Map<unknown, number>()
  for (const row of visibleRows(fruit, fruit.lastTick))
    counts.set(row.values['color'], (counts.get(row.values['color']) ?? 0) + 1)
  const rows = await query({
    groupBy: 'color',
    outputFields: ['color', 'count(*)'],
    orderBy: 'color',
    limit: 100,
  })
  const expected = [...counts].sort((a, b) => byText(a[0], b[0]))
  t.strictSame(
    rows,
    expected.map(([color, count]) => ({ color, 'count(*)': count })),
  )
  const two = await query({ groupBy: ['color', 'age'], outputFields: ['count(*)'] })
  const pairs = new Set(
    visibleRows(fruit, fruit.lastTick).map(r => `${r.values['color']}/${r.values['age']}`),
  )
  t.equal(two.length, pairs.size)
  t.equal(
    two.reduce((total, row) => total + (row['count(*)'] as number), 0),
    visibleRows(fruit, fruit.lastTick).length,
  )
  t.equal((await query({ groupBy: 'color', outputFields: ['count(*)'], limit: 2 })).length, 2)
  t.strictSame(
    await query({ groupBy: 'color', outputFields: ['color', 'count(*)'], filter: 'age > 1000' }),
    [],
  )
})

t.test('P1 aggregation: what is refused', async t => {
  const cases: [QueryRequest, RegExp][] = [
    [{ outputFields: ['sum(color)'] }, /aggregation operator sum does not support data type VarChar/],
    [{ outputFields: ['count(nope)'] }, /target field nope for aggregation:count does not exist/],
    [
      { outputFields: ['count(*)'], groupBy: 'price' },
      /group by field price has unsupported data type Double/,
    ],
    [{ outputFields: ['age', 'count(*)'], groupBy: 'color' }, /output field 'age' is not allowed/],
    [{ outputFields: ['age', 'count(*)'] }, /output field 'age' is not allowed/],
    [{ outputFields: ['count(*)'], limit: 1 }, /count entities with pagination is not allowed/],
    [{ outputFields: ['count(*)'], offset: 1 }, /count entities with pagination is not allowed/],
    [
      { outputFields: ['count(*)'], groupBy: 'color', orderBy: 'age', limit: 3 },
      /ORDER BY can only reference GROUP BY columns/,
    ],
  ]
  for (const [request, message] of cases) await t.rejects(query(request), { code: 1100, message })
})

t.test('sums of large integers are exact', async t => {
  const schema = schemaOf([field('id', DataType.Int64, { primaryKey: true }), field('big', DataType.Int64)])
  const big = 2n ** 53n - 1n
  const values = [big, big, 3n, 5n, 2n ** 62n]
  const rows = values.map((value, id) => ({ values: { id, big: value }, tick: id + 1 }))
  const snapshot = memorySnapshot([new MemorySegment(schema, rows, { id: 1, kind: 'sealed' })], 100)
  const [row] = await runQuery(contextOf(schema, { int64As: 'bigint' }), snapshot, {
    outputFields: ['sum(big)', 'count(*)'],
  })
  t.equal(
    row!['sum(big)'],
    values.reduce((a, b) => a + b),
  )
  t.equal(row!['count(*)'], 5n)
  // The sum is small and the number is not: as a double it would be another one.
  const mixed = [-5n, 2n ** 53n + 1n].map((value, id) => ({ values: { id, big: value }, tick: id + 1 }))
  const two = memorySnapshot([new MemorySegment(schema, mixed, { id: 1, kind: 'sealed' })], 100)
  const context = contextOf(schema, { int64As: 'bigint' })
  t.strictSame(await runQuery(context, two, { outputFields: ['sum(big)'] }), [{ 'sum(big)': 2n ** 53n - 4n }])
})

t.test('sums of doubles stay doubles, also when whole numbers grow beyond 2^53', async t => {
  const schema = schemaOf([field('id', DataType.Int64, { primaryKey: true }), field('x', DataType.Double)])
  const values = [2 ** 53 - 1, 2 ** 53 - 1, 0.5, 7]
  const rows = values.map((x, id) => ({ values: { id, x }, tick: id + 1 }))
  const snapshot = memorySnapshot([new MemorySegment(schema, rows, { id: 1, kind: 'growing' })], 100)
  const [row] = await runQuery(contextOf(schema), snapshot, { outputFields: ['sum(x)', 'avg(x)'] })
  t.equal(
    row!['sum(x)'],
    values.reduce((a, b) => a + b),
  )
  t.equal(row!['avg(x)'], values.reduce((a, b) => a + b) / 4)
})
