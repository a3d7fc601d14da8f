/** Grouping, ordering by fields, function rankers and hybrid search, against sums and sorts done by hand. */
import t from 'tap'
import { runHybrid } from '../../../lib/query/hybrid.js'
import type { HybridRequest, SearchHit, SearchRequest } from '../../../lib/query/request.js'
import { runSearch } from '../../../lib/query/search.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { compareKeys, type MemoryRow, MemorySegment, memorySnapshot } from '../../support/memory-segment.js'
import { rng, seedOf } from '../../support/rng.js'
import { contextOf, field, indexOn, randomFruit, schemaOf, visibleRows } from './fixture.js'
import { best } from './oracle.js'

const seed = seedOf(3)
const ids = (hits: readonly SearchHit[]): unknown[] => hits.map(hit => hit.id)
const fruit = randomFruit(rng(seed), { rowCount: 300, deletes: 0.1, sealed: 2, resident: false })
const query = rng(seed + 1).vector(8)
const search = async (request: Partial<SearchRequest>): Promise<SearchHit[]> =>
  (
    await runSearch(fruit.context, fruit.snapshot, { data: [query], limit: 10, outputFields: [], ...request })
  )[0]!

/** Rows by score, put into groups by hand. */
function groupsByHand(
  groupOf: (row: MemoryRow) => unknown,
  size: number,
): { value: unknown; ids: unknown[] }[] {
  const groups: { value: unknown; ids: unknown[] }[] = []
  for (const { row, id } of best('L2', query, visibleRows(fruit, fruit.lastTick), 1000)) {
    const value = groupOf(row)
    let group = groups.find(g => g.value === value)
    if (group === undefined) {
      group = { value, ids: [] }
      groups.push(group)
    }
    if (group.ids.length < size) group.ids.push(id)
  }
  return groups
}

t.test('P1 group by varchar, int, JSON path and dynamic key; strict groups are full', async t => {
  const meta = (row: MemoryRow): Record<string, unknown> =>
    (row.values['meta'] ?? {}) as Record<string, unknown>
  const dynamic = (row: MemoryRow): Record<string, unknown> => row.values['$meta'] as Record<string, unknown>
  const cases: [string, (row: MemoryRow) => unknown, Partial<SearchRequest>][] = [
    ['color', row => row.values['color'], {}],
    ['age', row => row.values['age'], {}],
    ['meta["kind"]', row => meta(row)['kind'] ?? null, { jsonType: 'varchar' }],
    ['size', row => dynamic(row)['size'] ?? null, { jsonType: 'int8' }],
    ['nobody', () => null, {}],
  ]
  for (const [groupByField, groupOf, more] of cases) {
    for (const groupSize of [1, 3]) {
      const expected = groupsByHand(groupOf, groupSize)
      for (const [limit, offset] of [
        [3, 0],
        [4, 2],
        [50, 0],
      ] as const) {
        const hits = await search({ groupByField, groupSize, strictGroupSize: true, limit, offset, ...more })
        const wanted = expected.slice(offset, offset + limit)
        t.strictSame(
          ids(hits),
          wanted.flatMap(g => g.ids),
          `${groupByField} ${groupSize} ${limit} ${offset}`,
        )
        t.strictSame(
          hits.map(h => h.groupByValue),
          wanted.flatMap(g => g.ids.map(() => g.value)),
        )
      }
    }
  }
  t.equal(
    (await search({ groupByField: 'nobody', limit: 5 })).length,
    1,
    'a key no row has is one null group',
  )
})

t.test('P1 group by: what is refused', async t => {
  const cases: [Partial<SearchRequest>, number, RegExp][] = [
    [{ groupByField: 'price' }, 1100, /unsupported data type DOUBLE for group by operator/],
    [{ groupByField: 'vec' }, 1100, /unsupported data type FLOATVECTOR for group by operator/],
    [
      { groupByField: 'age', groupSize: 11 },
      1100,
      /input group size:11 exceeds configured max group size:10/,
    ],
    [{ groupByField: 'age', groupSize: 0 }, 1100, /input group size:0 is negative/],
    [{ groupByField: 'age', groupSize: -2 }, 1100, /input group size:-2 is negative/],
    [{ groupByField: 'age', groupSize: 1.5 }, 1100, /failed to parse input group size:1\.5/],
    [{ groupByField: '21' }, 1100, /cannot parse identifier/],
    [
      { groupByField: 'age', params: { radius: 3 } },
      1100,
      /Not allowed to do range-search when doing search-group-by/,
    ],
  ]
  for (const [request, code, message] of cases) await t.rejects(search(request), { code, message })
  const plain = randomFruit(rng(seed), { rowCount: 5, dynamic: false })
  await t.rejects(
    runSearch(plain.context, plain.snapshot, { data: [query], limit: 1, groupByField: 'nope' }),
    {
      code: 1700,
      message: /groupBy field not found in schema: field not found\[field=nope\]/,
    },
  )
})

t.test('P1 order_by sorts the nearest rows by fields, stably, before the page is cut', async t => {
  const nearest = best('L2', query, visibleRows(fruit, fruit.lastTick), 20)
  const byHand = (compare: (a: MemoryRow, b: MemoryRow) => number): unknown[] =>
    [...nearest].sort((a, b) => compare(a.row, b.row)).map(e => e.id)
  const age = (row: MemoryRow): number => row.values['age'] as number
  t.strictSame(
    ids(await search({ limit: 20, orderBy: 'age' })),
    byHand((a, b) => age(a) - age(b)),
  )
  t.strictSame(
    ids(await search({ limit: 20, orderBy: [{ field: 'age', order: 'DESC' }] })),
    byHand((a, b) => age(b) - age(a)),
  )
  t.strictSame(
    ids(await search({ limit: 15, offset: 5, orderBy: ['age:asc'] })),
    byHand((a, b) => age(a) - age(b)).slice(5),
  )
  const price = (row: MemoryRow, nulls: number): number => (row.values['price'] as number | null) ?? nulls
  t.strictSame(
    ids(await search({ limit: 20, orderBy: 'price' })),
    byHand((a, b) => price(a, 1e9) - price(b, 1e9)),
  )
  t.strictSame(
    ids(await search({ limit: 20, orderBy: 'price:asc:nulls_first' })),
    byHand((a, b) => price(a, -1) - price(b, -1)),
  )
  const size = (row: MemoryRow): number => (row.values['$meta'] as { size?: number }).size ?? 1e9
  t.strictSame(
    ids(await search({ limit: 20, orderBy: 'size' })),
    byHand((a, b) => size(a) - size(b)),
    'dynamic key',
  )
  const cases: [string, RegExp][] = [
    ['age:up', /invalid order direction 'up' for field 'age', expected 'asc' or 'desc'/],
    ['age:asc:never', /invalid null ordering 'never'/],
    [':asc', /empty field name in order_by_fields/],
    ['vec', /order_by field 'vec' has unsortable type FloatVector/],
    ['meta', /order_by field 'meta' has unsortable type JSON/],
  ]
  for (const [orderBy, message] of cases) await t.rejects(search({ orderBy }), { code: 1100, message })
})

const schema = schemaOf([
  field('id', DataType.Int64, { primaryKey: true }),
  field('kind', DataType.VarChar),
  field('year', DataType.Int32, { nullable: true }),
  field('a', DataType.FloatVector, { dim: 4 }),
  field('b', DataType.FloatVector, { dim: 4 }),
])
const random = rng(seed)
const rows: MemoryRow[] = Array.from({ length: 80 }, (_, id) => ({
  values: {
    id,
    kind: random.pick(['x', 'y', 'z']),
    year: id % 9 === 0 ? null : 1990 + random.int(30),
    a: random.vector(4),
    b: random.vector(4),
  },
  tick: id + 1,
}))
const segments = [
  new MemorySegment(schema, rows.slice(0, 50), { id: 1, kind: 'sealed' }),
  new MemorySegment(schema, rows.slice(50), { id: 2, kind: 'growing' }),
]
const snapshot = memorySnapshot(segments, 1000)
const qa = random.vector(4)
const qb = random.vector(4)
const context = contextOf(schema, { indexes: [indexOn('a', 'L2'), indexOn('b', 'COSINE')] })
const distances = contextOf(schema, { indexes: [indexOn('a', 'L2'), indexOn('b', 'L2')] })
const subs = [
  { annsField: 'a', data: [qa], limit: 20 },
  { annsField: 'b', data: [qb], limit: 30 },
]

/** Adds up parts per key and sorts. */
function fuseByHand(parts: readonly (readonly [unknown, number])[], ascending = false): [unknown, number][] {
  const sums = new Map<unknown, number>()
  for (const [id, part] of parts) sums.set(id, (sums.get(id) ?? 0) + part)
  const sign = ascending ? 1 : -1
  return [...sums].sort((a, b) => sign * (a[1] - b[1]) || compareKeys(a[0] as number, b[0] as number))
}

const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b))

t.test('P0 RRF: the sum of 1 / (k + rank), rank from 1; k 60 unless given', async t => {
  const listA = best('L2', qa, rows, 20, 'a')
  const listB = best('COSINE', qb, rows, 30, 'b')
  for (const k of [undefined, 5]) {
    const parts = [listA, listB].flatMap(list => list.map((e, i) => [e.id, 1 / ((k ?? 60) + i + 1)] as const))
    const expected = fuseByHand(parts)
    const rank = k === undefined ? {} : { rank: { strategy: 'rrf', k } as const }
    const [hits] = await runHybrid(context, snapshot, {
      requests: subs,
      limit: 12,
      offset: 2,
      outputFields: ['kind'],
      ...rank,
    })
    t.strictSame(
      ids(hits!),
      expected.slice(2, 14).map(e => e[0]),
    )
    t.ok(hits!.every((hit, i) => close(hit.score, expected[i + 2]![1])))
    t.ok(hits!.every(hit => hit.entity['kind'] === rows[hit.id as number]!.values['kind']))
  }
})

t.test('P0 weighted: raw, turned and normalised scores', async t => {
  const listA = best('L2', qa, rows, 20, 'a')
  const listB = best('COSINE', qb, rows, 30, 'b')
  const atan = (d: number): number => 1 - (2 * Math.atan(d)) / Math.PI
  const weights = [0.4, 0.9]
  const check = async (
    ctx: typeof context,
    normScore: boolean,
    expected: [unknown, number][],
  ): Promise<void> => {
    const [hits] = await runHybrid(ctx, snapshot, {
      requests: subs,
      limit: 20,
      rank: { strategy: 'weighted', weights, normScore },
      outputFields: [],
    })
    t.strictSame(
      ids(hits!),
      expected.slice(0, 20).map(e => e[0]),
    )
    t.ok(hits!.every((hit, i) => close(hit.score, expected[i]![1])))
  }
  const mixed = fuseByHand([
    ...listA.map(e => [e.id, 0.4 * atan(e.score)] as const),
    ...listB.map(e => [e.id, 0.9 * e.score] as const),
  ])
  await check(context, false, mixed)
  const normed = fuseByHand([
    ...listA.map(e => [e.id, 0.4 * atan(e.score)] as const),
    ...listB.map(e => [e.id, (0.9 * (1 + e.score)) / 2] as const),
  ])
  await check(context, true, normed)
  const raw = fuseByHand(
    [
      ...listA.map(e => [e.id, 0.4 * e.score] as const),
      ...best('L2', qb, rows, 30, 'b').map(e => [e.id, 0.9 * e.score] as const),
    ],
    true,
  )
  await check(distances, false, raw)
})

t.test('P0 a hybrid search of one request finds what the plain search finds', async t => {
  for (const [ctx, rank] of [
    [context, undefined],
    [distances, { strategy: 'weighted', weights: [1] }],
  ] as const) {
    const one = { requests: [{ annsField: 'a', data: [qa, qb] }], limit: 10 }
    const hybrid = await runHybrid(ctx, snapshot, rank === undefined ? one : { ...one, rank })
    const plain = await runSearch(ctx, snapshot, { annsField: 'a', data: [qa, qb], limit: 10 })
    t.strictSame(hybrid.map(ids), plain.map(ids))
    t.strictSame(
      hybrid.map(l => l.map(h => h.entity)),
      plain.map(l => l.map(h => h.entity)),
    )
    if (rank !== undefined) t.strictSame(hybrid, plain)
  }
})

t.test('P0 sub-requests have their own filters; the outer limit may exceed their sum', async t => {
  const requests = [
    { annsField: 'a', data: [qa], limit: 3, filter: 'kind == "x"' },
    { annsField: 'b', data: [qb], limit: 4, filter: 'kind == "y"' },
  ]
  const [hits] = await runHybrid(context, snapshot, { requests, limit: 50, outputFields: ['kind'] })
  t.equal(hits!.length, 7)
  t.equal(hits!.filter(h => h.entity['kind'] === 'x').length, 3)
})

t.test(
  'P1 hybrid grouping: the lists are grouped searches; groups by their score, then size, then key',
  async t => {
    const grouping = { groupByField: 'kind', groupSize: 4 }
    const parts: [unknown, number][] = []
    for (const sub of subs) {
      const [list] = await runSearch(context, snapshot, { ...sub, ...grouping })
      list!.forEach((hit, i) => {
        parts.push([hit.id, 1 / (61 + i)])
      })
    }
    const whole = fuseByHand(parts)
    for (const groupScorer of ['max', 'sum', 'avg']) {
      const [hits] = await runHybrid(context, snapshot, {
        requests: subs,
        limit: 2,
        ...grouping,
        groupScorer,
      })
      const groups = ['x', 'y', 'z'].map(kind =>
        whole.filter(([id]) => rows[id as number]!.values['kind'] === kind).slice(0, 4),
      )
      const scoreOf = (group: [unknown, number][]): number => {
        const sum = group.reduce((total, [, score]) => total + score, 0)
        return groupScorer === 'max' ? group[0]![1] : groupScorer === 'sum' ? sum : sum / group.length
      }
      groups.sort((a, b) => scoreOf(b) - scoreOf(a))
      const wanted = groups.slice(0, 2).flat()
      t.strictSame(
        ids(hits!),
        wanted.map(([id]) => id),
        groupScorer,
      )
      t.ok(hits!.every((hit, i) => close(hit.score, wanted[i]![1])))
    }
  },
)

t.test('P0 hybrid: what is refused', async t => {
  const base = { requests: subs, limit: 5 }
  const cases: [Partial<HybridRequest>, RegExp][] = [
    [{ rank: { strategy: 'rrf', k: 0 } }, /The rank params k should be in range \(0, 16384\)/],
    [{ rank: { strategy: 'rrf', k: 16384 } }, /The rank params k should be in range \(0, 16384\)/],
    [{ rank: { strategy: 'rrf', k: '60' as unknown as number } }, /rank param k should be float, got 60/],
    [
      { rank: { strategy: 'weighted', weights: [1, '0.5'] as unknown as number[] } },
      /rank param weight should be float, got 0.5/,
    ],
    [
      { rank: { strategy: 'weighted', weights: [1] } },
      /the length of weights param mismatch with ann search requests/,
    ],
    [{ rank: { strategy: 'weighted', weights: [1, 1.2] } }, /rank param weight should be in range \[0, 1\]/],
    [{ rank: { strategy: 'best' } as unknown as { strategy: 'rrf' } }, /unsupported rank type best/],
    [{ requests: [] }, /search requests should not be empty/],
    [{ requests: new Array(1025).fill(subs[0]) }, /maximum of ann search requests is 1024/],
    [{ requests: [subs[0]!, { ...subs[1]!, data: [qb, qb] }] }, /sub search request nq should be the same/],
    [{ limit: 16384, offset: 1 }, /invalid max query result window/],
    [{ orderBy: 'kind' }, /order_by is not supported for hybrid search/],
    [{ requests: [{ ...subs[0]!, ids: [1] }] }, /search by ids is not supported in hybrid search/],
  ]
  for (const [request, message] of cases) {
    await t.rejects(runHybrid(context, snapshot, { ...base, ...request }), { code: 1100, message })
  }
  const unlimited = { requests: subs } as unknown as HybridRequest
  await t.rejects(runHybrid(context, snapshot, unlimited), { message: /limit not found in rank_params/ })
})

t.test('P1 decay multiplies the score by the distance of a field from the origin; null scores 0', async t => {
  const shapes: [string, (x: number) => number][] = [
    ['gauss', x => Math.exp((x * x * Math.log(0.3)) / 100)],
    ['exp', x => Math.exp((x * Math.log(0.3)) / 10)],
    ['linear', x => Math.max(0.3, 1 - (x * 0.7) / 10)],
  ]
  for (const [shape, factor] of shapes) {
    const params = { reranker: 'decay', function: shape, origin: 2005, scale: 10, offset: 2, decay: 0.3 }
    const functionScore = { functions: [{ inputFieldNames: ['year'], params }] }
    const request = {
      annsField: 'b',
      data: [qb],
      limit: 20,
      offset: 5,
      functionScore,
      outputFields: ['year'],
    }
    const [hits] = await runSearch(context, snapshot, request)
    const parts = best('COSINE', qb, rows, 25, 'b').map(e => {
      const year = e.row.values['year'] as number | null
      return [e.id, year === null ? 0 : e.score * factor(Math.max(0, Math.abs(year - 2005) - 2))] as const
    })
    const expected = fuseByHand(parts)
    t.strictSame(
      ids(hits!),
      expected.slice(5, 25).map(e => e[0]),
      shape,
    )
    t.ok(
      hits!.every((hit, i) => close(hit.score, expected[i + 5]![1])),
      shape,
    )
  }
  const cases: [Record<string, unknown>, RegExp, string[]?][] = [
    [{ origin: undefined }, /decay origin not specified/],
    [{ scale: undefined }, /decay scale not specified/],
    [{ scale: 0 }, /decay: scale must be > 0, got 0/],
    [{ offset: -1 }, /decay: offset must be >= 0, got -1/],
    [{ decay: 1 }, /Decay function param: decay must 0 < decay < 1, but got 1/],
    [{ origin: 'x' }, /decay param origin: x is not a number/],
    [{ function: 'flat' }, /decay: invalid function "flat", must be one of \[gauss, exp, linear\]/],
    [{ function: undefined }, /decay function not specified/],
    [{ reranker: 'magic' }, /unsupported reranker magic/],
    [{ reranker: undefined }, /reranker name not specified/],
    [{}, /decay reranker requires exactly 1 input field, got 2/, ['year', 'id']],
    [{}, /decay input field kind must be numeric, got VarChar/, ['kind']],
    [{}, /input field nope not found in collection schema/, ['nope']],
  ]
  for (const [change, message, inputFieldNames] of cases) {
    const params = { reranker: 'decay', function: 'exp', origin: 1, scale: 1, ...change }
    const functionScore = { functions: [{ inputFieldNames: inputFieldNames ?? ['year'], params }] }
    const request = { annsField: 'b', data: [qb], limit: 5, functionScore }
    await t.rejects(runSearch(context, snapshot, request), { code: 1100, message })
  }
})

t.test(
  'P1 boost multiplies the scores of rows that pass its filter and sorts by the metric again',
  async t => {
    const boost = (weight: unknown, filter?: string): { params: Record<string, unknown> } => ({
      params: { reranker: 'boost', weight, ...(filter === undefined ? {} : { filter }) },
    })
    const functionScore = { functions: [boost(0.1, 'kind == "x"'), boost(0.5, 'year > 2000')] }
    const [hits] = await runSearch(context, snapshot, {
      annsField: 'a',
      data: [qa],
      limit: 15,
      functionScore,
    })
    const expected = fuseByHand(
      best('L2', qa, rows, 15, 'a').map(e => {
        const year = e.row.values['year'] as number | null
        const factor = (e.row.values['kind'] === 'x' ? 0.1 : 1) * (year !== null && year > 2000 ? 0.5 : 1)
        return [e.id, e.score * factor] as const
      }),
      true,
    )
    t.strictSame(
      ids(hits!),
      expected.map(e => e[0]),
    )
    const bad: [{ params: Record<string, unknown> }, RegExp][] = [
      [boost(undefined), /must set weight params/],
      [boost('heavy'), /weight should be a number/],
      [boost(1, 'nope =='), /parse expr failed/],
      [
        { params: { reranker: 'boost', weight: 1, random_score: 'seven' } },
        /random_score should be an object, got seven/,
      ],
      [
        { params: { reranker: 'boost', weight: 1, random_score: 'null' } },
        /random_score should be an object, got null/,
      ],
      [
        { params: { reranker: 'boost', weight: 1, random_score: '[7]' } },
        /random_score should be an object, got \[7\]/,
      ],
    ]
    for (const [ranker, message] of bad) {
      const request = { annsField: 'a', data: [qa], limit: 5, functionScore: { functions: [ranker] } }
      await t.rejects(runSearch(context, snapshot, request), { message })
    }
    const grouped = { annsField: 'a', data: [qa], limit: 5, functionScore, groupByField: 'kind' }
    await t.rejects(runSearch(context, snapshot, grouped), { message: /segment scorer with group_by/ })
  },
)
