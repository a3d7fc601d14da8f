/** Checklist 8.7: hybrid search and rankers. Fused scores are worked out from the single searches by the formulas. */
import t from 'tap'
import { type Collection, DataType, type HybridRequest, type Row, type SearchHit } from '../../lib/index.js'
import { everywhere, hitKeys, ID, refuses, staged } from './fixture.js'

const N = 20
const DEFINITION = {
  fields: [
    ID,
    { name: 'n', dataType: DataType.Int32, nullable: true },
    { name: 'f', dataType: DataType.Float },
    { name: 'g', dataType: DataType.VarChar, maxLength: 8 },
    { name: 'j', dataType: DataType.JSON },
    { name: 'ts', dataType: DataType.Timestamptz, nullable: true },
    { name: 'text', dataType: DataType.VarChar, maxLength: 64, params: { enable_analyzer: true } },
    { name: 'a', dataType: DataType.FloatVector, dim: 2 },
    { name: 'b', dataType: DataType.FloatVector, dim: 2, nullable: true },
    { name: 's', dataType: DataType.SparseFloatVector },
    { name: 'words', dataType: DataType.SparseFloatVector },
  ],
  functions: [{ name: 'bm25', type: 1, inputFieldNames: ['text'], outputFieldNames: ['words'] }],
  indexes: [
    { fieldName: 'a', metricType: 'L2' },
    { fieldName: 'b', metricType: 'COSINE' },
    { fieldName: 's', metricType: 'IP' },
    { fieldName: 'words', metricType: 'BM25' },
  ],
}
const ROWS: Row[] = Array.from({ length: N }, (_, id) => ({
  id,
  n: id === 4 ? null : id,
  f: id / 2,
  g: `g${id % 4}`,
  j: { n: id },
  text: id % 2 === 0 ? 'red apple' : 'green pear tree',
  a: [id, 1],
  b: id === 7 ? null : [1, (id * 7) % N],
  s: { 1: 1 + ((id * 3) % N), [10 + id]: 1 },
}))
const A = { annsField: 'a', data: [[3, 1]] }
const B = { annsField: 'b', data: [[1, 5]] }
const S = { annsField: 's', data: [{ 1: 2 }] }
const close = (x: number, y: number): boolean => Math.abs(x - y) <= 1e-5 * Math.max(1, Math.abs(y))

/** Ids and scores of a fusion by definition: contributions per list, summed; best first, ties by smaller key. */
function fused(
  lists: readonly (readonly SearchHit[])[],
  score: (list: number, hit: SearchHit, rank: number) => number,
  ascending = false,
) {
  const sums = new Map<number, number>()
  lists.forEach((hits, list) => {
    hits.forEach((hit, i) => {
      const id = hit.id as number
      sums.set(id, (sums.get(id) ?? 0) + score(list, hit, i + 1))
    })
  })
  const all = [...sums].map(([id, sum]) => ({ id, score: Math.fround(sum) }))
  return all.sort((x, y) => (ascending ? x.score - y.score : y.score - x.score) || x.id - y.id)
}

const lists = async (
  c: Collection,
  requests: readonly { annsField: string; data: readonly unknown[] }[],
  limit: number,
) => Promise.all(requests.map(async request => (await c.search({ ...request, limit, outputFields: [] }))[0]!))

function sameAs(
  t: Parameters<typeof everywhere>[0],
  hits: readonly SearchHit[],
  wanted: readonly { id: number; score: number }[],
  name: string,
) {
  t.equal(hits.length, wanted.length, name)
  t.ok(
    hits.every((hit, i) => close(hit.score, wanted[i]!.score)),
    `scores of ${name}`,
  )
  const scoreOf = new Map(wanted.map(one => [one.id, one.score]))
  t.ok(
    hits.every(hit => close(hit.score, scoreOf.get(hit.id as number) ?? Number.NaN)),
    `ids of ${name}`,
  )
}

t.test('8.7.1 [P0] reciprocal rank fusion', async t => {
  await everywhere(t, DEFINITION, ROWS, async c => {
    for (const k of [undefined, 1, 60, 16_383]) {
      const rank = k === undefined ? {} : { rank: { strategy: 'rrf', k } as const }
      const [hits] = await c.hybridSearch({ requests: [A, B], limit: 10, ...rank })
      const wanted = fused(await lists(c, [A, B], 10), (_, __, place) => 1 / ((k ?? 60) + place))
      sameAs(t, hits!, wanted.slice(0, 10), `k ${k}`)
    }
    for (const k of [0, -1, 16_384]) {
      await refuses(
        t,
        () => c.hybridSearch({ requests: [A, B], limit: 3, rank: { strategy: 'rrf', k } }),
        1100,
        'rank params k should be in range (0, 16384)',
      )
    }
    await refuses(
      t,
      () => c.hybridSearch({ requests: [A], limit: 3, rank: { strategy: 'rrf', k: 'x' as never } }),
      1100,
      'The type of rank param k should be float, got x',
    )
  })
})

t.test('8.7.2 [P0] weighted fusion', async t => {
  const norm = {
    a: (d: number) => 1 - (2 * Math.atan(d)) / Math.PI,
    b: (s: number) => (1 + s) / 2,
    s: (s: number) => 0.5 + Math.atan(s) / Math.PI,
  }
  await everywhere(t, DEFINITION, ROWS, async c => {
    const ask = async (requests: HybridRequest['requests'], weights: number[], normScore?: boolean) =>
      (
        await c.hybridSearch({
          requests,
          limit: N,
          rank: { strategy: 'weighted', weights, ...(normScore === undefined ? {} : { normScore }) },
        })
      )[0]!
    const names = ['a', 'b', 's'] as const
    const three = await lists(c, [A, B, S], N)
    const weights = [0.5, 1, 0.1]
    sameAs(
      t,
      await ask([A, B, S], weights, true),
      fused(three, (list, hit) => weights[list]! * norm[names[list]!](hit.score)),
      'normalised',
    )
    const mixed = fused(three, (list, hit) => weights[list]! * (list === 0 ? norm.a(hit.score) : hit.score))
    sameAs(
      t,
      await ask([A, B, S], weights),
      mixed,
      'directions mixed: distances are mapped, similarities raw',
    )
    const two = await lists(c, [B, S], N)
    sameAs(
      t,
      await ask([B, S], [0.3, 0.7]),
      fused(two, (list, hit) => [0.3, 0.7][list]! * hit.score),
      'similarities only: raw',
    )
    const A2 = { ...A, data: [[9, 1]] }
    const ascending = fused(await lists(c, [A, A2], N), (list, hit) => [0.4, 0.6][list]! * hit.score, true)
    sameAs(t, await ask([A, A2], [0.4, 0.6], false), ascending, 'distances only: ascending sums')
    await refuses(
      t,
      () => ask([A, B], [1]),
      1100,
      'the length of weights param mismatch with ann search requests',
    )
    for (const weight of [-0.1, 1.1])
      await refuses(t, () => ask([A, B], [1, weight]), 1100, 'rank param weight should be in range [0, 1]')
  })
})

t.test('8.7.3 [P0] mixed fields, filters, partitions, output, several queries, offset, limits', async t => {
  const { c } = await staged(t, DEFINITION, ROWS)
  await c.createPartition('p')
  await c.insert([{ ...ROWS[3]!, id: 100 }], { partitionName: 'p' })
  for (const place of ['growing', 'compacted']) {
    const all = (await c.hybridSearch({ requests: [A, B, S], limit: 30, outputFields: ['n', 'g'] }))[0]!
    t.strictSame(
      hitKeys(all)
        .map(Number)
        .sort((x, y) => x - y),
      [...ROWS.map(row => row['id']), 100],
      place,
    )
    t.strictSame(
      all.map(hit => hit.entity),
      all.map(hit => ({
        n: hit.id === 100 ? 3 : ROWS[hit.id as number]!['n'],
        g: ROWS[(hit.id as number) % 97]!['g'],
      })),
    )
    const filtered = [
      { ...A, filter: 'id < 3' },
      { ...B, filter: 'id >= 18 and id < 100' },
    ]
    const own = (await c.hybridSearch({ requests: filtered, limit: 30 }))[0]!
    t.strictSame(
      hitKeys(own)
        .map(Number)
        .sort((x, y) => x - y),
      [0, 1, 2, 18, 19],
      'each with its own filter',
    )
    t.strictSame(
      hitKeys((await c.hybridSearch({ requests: [A, B], limit: 5, partitionNames: ['p'] }))[0]),
      [100],
    )
    const two = await c.hybridSearch({
      requests: [
        {
          ...A,
          data: [
            [3, 1],
            [12, 1],
          ],
        },
        {
          ...B,
          data: [
            [1, 5],
            [1, 2],
          ],
        },
      ],
      limit: 4,
    })
    t.equal(two.length, 2)
    t.strictSame(hitKeys(two[0]), hitKeys((await c.hybridSearch({ requests: [A, B], limit: 4 }))[0]))
    const second = [
      { ...A, data: [[12, 1]] },
      { ...B, data: [[1, 2]] },
    ]
    t.strictSame(hitKeys(two[1]), hitKeys((await c.hybridSearch({ requests: second, limit: 4 }))[0]))
    t.notSame(hitKeys(two[1]), hitKeys(two[0]), 'each query has its own answer')
    const sub = {
      requests: [
        { ...A, limit: 10 },
        { ...B, limit: 10 },
      ],
    }
    const whole = hitKeys((await c.hybridSearch({ ...sub, limit: 10 }))[0])
    t.strictSame(
      hitKeys((await c.hybridSearch({ ...sub, limit: 4, offset: 3 }))[0]),
      whole.slice(3, 7),
      'offset',
    )
    const few = (
      await c.hybridSearch({
        requests: [
          { ...A, limit: 2 },
          { ...B, limit: 1 },
        ],
        limit: 50,
      })
    )[0]!
    t.ok(few.length >= 2 && few.length <= 3, 'no more than the sub searches find')
    await c.compact()
  }
})

t.test('8.7.4 [P0] a hybrid search of one request is the plain search', async t => {
  await everywhere(t, DEFINITION, ROWS, async c => {
    for (const request of [A, B, S]) {
      const [plain] = await c.search({ ...request, limit: 12, outputFields: [] })
      t.strictSame(
        hitKeys((await c.hybridSearch({ requests: [request], limit: 12 }))[0]),
        hitKeys(plain),
        request.annsField,
      )
    }
  })
})

t.test('8.7.6 [P1] scores descend', async t => {
  const { c } = await staged(t, DEFINITION, ROWS)
  const ranks: (HybridRequest['rank'] | undefined)[] = [
    undefined,
    { strategy: 'weighted', weights: [0.2, 0.9] },
    { strategy: 'weighted', weights: [1, 1], normScore: true },
  ]
  for (const rank of ranks) {
    const [hits] = await c.hybridSearch({
      requests: [A, B],
      limit: N,
      ...(rank === undefined ? {} : { rank }),
    })
    t.ok(hits!.every((hit, i) => i === 0 || hits![i - 1]!.score >= hit.score))
  }
  const [distances] = await c.hybridSearch({
    requests: [A, A],
    limit: N,
    rank: { strategy: 'weighted', weights: [0.5, 0.5] },
  })
  t.ok(
    distances!.every((hit, i) => i === 0 || distances![i - 1]!.score <= hit.score),
    'all distances: ascend',
  )
})

t.test('8.7.7 [P1] what a hybrid search may ask', async t => {
  const { c } = await staged(t, DEFINITION, ROWS)
  const ask = (request: object) => () =>
    c.hybridSearch({ requests: [A, B], limit: 5, ...request } as HybridRequest)
  await refuses(
    t,
    ask({
      requests: [
        A,
        {
          ...B,
          data: [
            [1, 5],
            [1, 2],
          ],
        },
      ],
    }),
    1100,
    'sub search request nq should be the same',
  )
  await refuses(
    t,
    ask({ requests: Array.from({ length: 1025 }, () => A) }),
    1100,
    'maximum of ann search requests is 1024',
  )
  t.equal((await ask({ requests: Array.from({ length: 64 }, () => A) })())[0]!.length, 5)
  await refuses(t, ask({ limit: 16_384, offset: 1 }), 1100, 'invalid max query result window')
  await refuses(t, ask({ limit: 0 }), 1100, 'invalid max query result window')
  await refuses(t, ask({ limit: undefined }), 1101, 'limit not found in rank_params')
  await refuses(t, ask({ requests: [{ ...A, annsField: 'x' }] }), 1100, 'fieldName(x) not found')
  await refuses(t, ask({ requests: [{ data: [[1, 1]] }] }), 1100, 'multiple anns_fields exist')
  await refuses(t, ask({ rank: { strategy: 'best' } }), 1100, 'unsupported rank type best')
  await refuses(
    t,
    ask({ requests: [{ annsField: 'a', ids: [1] }] }),
    1100,
    'search by ids is not supported in hybrid search',
  )
  const ranged = await ask({
    requests: [
      { ...A, params: { radius: 4 } },
      { ...B, filter: 'id == 19' },
    ],
    limit: N,
  })()
  t.strictSame(
    hitKeys(ranged[0])
      .map(Number)
      .sort((x, y) => x - y),
    [2, 3, 4, 19],
    'a range inside',
  )
  const nulls = await ask({ requests: [{ ...B }, { ...B, data: [[1, 0]] }], limit: N })()
  t.equal(nulls[0]!.length, N - 1, 'one field twice; its null vector is not found')
  const grouped = (await ask({ limit: 2, groupByField: 'g', groupSize: 2, strictGroupSize: true })())[0]!
  t.strictSame(new Set(grouped.map(hit => hit.groupByValue)).size, 2)
  t.equal(grouped.length, 4)
})

t.test(
  '8.7.7 [P1] grouping: every sub-search finds groups, so one crowded group leaves room for the others',
  async t => {
    const crowd = Array.from({ length: 40 }, (_, i) => ({
      ...ROWS[0]!,
      id: 100 + i,
      g: 'crowd',
      a: [3, 1],
      b: [1, 5],
    }))
    const bits = { name: 'bits', dataType: DataType.BinaryVector, dim: 8 }
    const definition = {
      ...DEFINITION,
      fields: [...DEFINITION.fields, bits],
      indexes: [...DEFINITION.indexes, { fieldName: 'bits', metricType: 'HAMMING' }],
    }
    const rows = [...ROWS, ...crowd].map(one => ({ ...one, bits: [1] }))
    const grouping = { groupByField: 'g', outputFields: [] }
    await everywhere(t, definition, rows, async c => {
      for (const [groupSize, limit] of [
        [1, 5],
        [2, 3],
        [3, 5],
      ] as const) {
        const request = { ...grouping, requests: [A, B], limit, groupSize, strictGroupSize: true }
        const [hits] = await c.hybridSearch(request)
        const groups = new Map<unknown, number>()
        for (const { groupByValue: g } of hits!) groups.set(g, (groups.get(g) ?? 0) + 1)
        t.strictSame(
          [...groups.values()],
          new Array(limit).fill(groupSize),
          `${limit} groups of ${groupSize}`,
        )
      }
      const lists = await Promise.all(
        [A, B].map(async sub => (await c.search({ ...grouping, ...sub, limit: 5, groupSize: 2 }))[0]!),
      )
      const wanted = fused(lists, (_, __, rank) => 1 / (60 + rank))
      const [hits] = await c.hybridSearch({ ...grouping, requests: [A, B], limit: 5, groupSize: 2 })
      t.ok(hits!.every(hit => close(hit.score, wanted.find(one => one.id === hit.id)?.score ?? -1)))
      t.equal(hits![0]!.id, wanted[0]!.id)
      const ask = (second: object) => () =>
        c.hybridSearch({ ...grouping, requests: [A, { ...B, ...second }], limit: 5 })
      await refuses(t, ask({ params: { radius: 0.1 } }), 1100, 'Not allowed to do range-search when doing')
      const binary = { annsField: 'bits', data: [[1]] }
      await refuses(
        t,
        ask(binary),
        1100,
        'not support search_group_by operation based on binary vector column',
      )
    })
  },
)

const decay = (params: object, inputFieldNames: readonly string[] = ['n']) => ({
  functionScore: {
    functions: [
      {
        name: 'd',
        type: 3,
        inputFieldNames,
        params: { reranker: 'decay', function: 'gauss', origin: 5, scale: 4, ...params },
      },
    ],
  },
})

t.test('8.7.8 [P1] decay rankers', async t => {
  const factors: Readonly<Record<string, (adj: number, decay: number, scale: number) => number>> = {
    gauss: (adj, d, scale) => Math.exp((adj * adj * Math.log(d)) / (scale * scale)),
    exp: (adj, d, scale) => Math.exp((adj * Math.log(d)) / scale),
    linear: (adj, d, scale) => Math.max(d, 1 - (adj * (1 - d)) / scale),
  }
  await everywhere(t, DEFINITION, ROWS, async c => {
    for (const [name, factor] of Object.entries(factors)) {
      for (const [offset, rate] of [
        [0, 0.5],
        [2, 0.3],
      ] as const) {
        for (const request of [S, A]) {
          const [hits] = await c.search({
            ...request,
            limit: N,
            outputFields: ['n'],
            ...decay({ function: name, offset, decay: rate }),
          })
          const plain = (await c.search({ ...request, limit: N, outputFields: ['n'] }))[0]!
          const wanted = plain.map(hit => {
            const n = hit.entity['n'] as number | null
            const base = request === A ? 1 - (2 * Math.atan(hit.score)) / Math.PI : hit.score
            const adj = n === null ? 0 : Math.max(0, Math.abs(n - 5) - offset)
            return { id: hit.id as number, score: n === null ? 0 : base * factor(adj, rate, 4) }
          })
          sameAs(
            t,
            hits!,
            wanted.sort((x, y) => y.score - x.score || x.id - y.id),
            `${name} of ${request.annsField}`,
          )
          t.equal(hits!.at(-1)!.id, 4, 'null is last')
        }
      }
    }
    const [floats] = await c.search({ ...S, limit: 5, ...decay({ origin: 2.5 }, ['f']) })
    t.equal(floats!.length, 5, 'a float field')
    const [filtered] = await c.search({ ...S, limit: 5, filter: 'id > 10', ...decay({}) })
    t.ok(filtered!.every(hit => (hit.id as number) > 10))
    const [both] = await c.hybridSearch({ requests: [A, S], limit: 5, ...decay({}) })
    t.ok(
      both!.every((hit, i) => i === 0 || both![i - 1]!.score >= hit.score),
      'over a hybrid search',
    )
  })
})

t.test('8.7.8 [P1] decay with grouping; what is refused', async t => {
  const { c } = await staged(t, DEFINITION, ROWS)
  const [grouped] = await c.search({ ...S, limit: 3, groupByField: 'g', ...decay({}) })
  t.equal(new Set(grouped!.map(hit => hit.groupByValue)).size, 3)
  const ask = (params: object, inputs?: readonly string[]) => () =>
    c.search({ ...S, limit: 5, ...decay(params, inputs) })
  await refuses(t, ask({ origin: undefined }), 1100, 'decay origin not specified')
  await refuses(t, ask({ scale: undefined }), 1100, 'decay scale not specified')
  await refuses(t, ask({ function: undefined }), 1100, 'decay function not specified')
  await refuses(t, ask({ scale: 0 }), 1100, 'decay: scale must be > 0, got')
  await refuses(t, ask({ origin: 'x' }), 1100, 'decay param origin: x is not a number')
  await refuses(t, ask({ offset: -1 }), 1100, 'decay: offset must be >= 0, got')
  for (const rate of [0, 1])
    await refuses(
      t,
      ask({ decay: rate }),
      1100,
      `Decay function param: decay must 0 < decay < 1, but got ${rate}`,
    )
  await refuses(t, ask({}, ['n', 'f']), 1100, 'decay reranker requires exactly 1 input field, got 2')
  await refuses(t, ask({}, ['x']), 1100, 'input field x not found in collection schema')
  await refuses(t, ask({}, ['j']), 1100, 'unsupported field type: JSON')
  await refuses(t, ask({}, ['g']), 1100, 'decay input field g must be numeric, got VarChar')
  await refuses(t, ask({}, ['ts']), 1100, 'unsupported field type: Timestamptz')
  await refuses(
    t,
    ask({ function: 'sine' }),
    1100,
    'decay: invalid function "sine", must be one of [gauss, exp, linear]',
  )
  await refuses(t, ask({ reranker: 'nope' }), 1100, 'unsupported reranker nope')
  await refuses(t, ask({ reranker: undefined }), 1100, 'reranker name not specified')
  const one = decay({}).functionScore.functions[0]!
  await refuses(
    t,
    () => c.search({ ...S, limit: 5, functionScore: { functions: [one, one] } }),
    1100,
    'currently only supports one rerank function',
  )
})

const boost = (...functions: object[]) => ({
  functions: functions.map((params, i) => ({
    name: `b${i}`,
    type: 3,
    inputFieldNames: [],
    params: { reranker: 'boost', ...params },
  })),
})

t.test('8.7.9 [P1] boost rankers', async t => {
  await everywhere(t, DEFINITION, ROWS, async c => {
    const ask = async (request: typeof A | typeof B | typeof S, functionScore: object) =>
      (
        await c.search({ ...request, limit: N, outputFields: ['n'], functionScore: functionScore as never })
      )[0]!
    const plain = (await c.search({ ...S, limit: N, outputFields: [] }))[0]!
    const by = (weight: (id: number, score: number) => number) =>
      plain
        .map(hit => ({ id: hit.id as number, score: weight(hit.id as number, hit.score) }))
        .sort((x, y) => y.score - x.score || x.id - y.id)
    sameAs(
      t,
      await ask(S, boost({ filter: 'id < 5', weight: 10 })),
      by((id, score) => score * (id < 5 ? 10 : 1)),
      'one',
    )
    sameAs(
      t,
      await ask(S, boost({ weight: 0.5 })),
      by((_, score) => score * 0.5),
      'no filter: every row',
    )
    const two = [
      { filter: 'id < 5', weight: 10 },
      { filter: 'id < 8', weight: 3 },
    ]
    const factor = (id: number, join: (x: number, y: number) => number) =>
      id < 5 ? join(10, 3) : id < 8 ? 3 : null
    const times = (x: number, y: number) => x * y
    const plus = (x: number, y: number) => x + y
    sameAs(
      t,
      await ask(S, boost(...two)),
      by((id, score) => score * (factor(id, times) ?? 1)),
      'multiply, multiply',
    )
    sameAs(
      t,
      await ask(S, { ...boost(...two), params: { function_mode: 'sum' } }),
      by((id, score) => score * (factor(id, plus) ?? 1)),
      'sum, multiply',
    )
    sameAs(
      t,
      await ask(S, { ...boost(...two), params: { boost_mode: 'sum' } }),
      by((id, score) => score + (factor(id, times) ?? 0)),
      'multiply, sum',
    )
    sameAs(
      t,
      await ask(S, { ...boost(...two), params: { function_mode: 'sum', boost_mode: 'sum' } }),
      by((id, score) => score + (factor(id, plus) ?? 0)),
      'sum, sum',
    )
    const near = await ask(A, boost({ filter: 'id == 9', weight: 0 }))
    t.strictSame([near[0]!.id, near[0]!.score].map(Number), [3, 0], 'L2: smaller is better, ties by key')
    t.equal(near[1]!.id, 9, 'a weight under 1 promotes')
    const cosine = await ask(B, boost({ filter: 'id == 9', weight: 5 }))
    t.equal(cosine[0]!.id, 9)
  })
  const { c } = await staged(t, DEFINITION, ROWS)
  const ask =
    (params: object, more: object = {}) =>
    () =>
      c.search({ ...S, limit: 5, functionScore: boost(params) as never, ...more })
  await refuses(t, ask({ filter: 'id < 5' }), 1100, 'must set weight params')
  await refuses(t, ask({ weight: 'heavy' }), 1100, 'invalid parameter')
  await refuses(t, ask({ filter: 'id <', weight: 2 }), 1100, 'parse expr failed')
  await refuses(t, ask({ weight: 2 }, { groupByField: 'g' }), 1100, 'segment scorer with group_by')
  const sample = ask({ filter: 'random_sample(0.5)', weight: 2 })
  await refuses(t, sample, 1100, 'parse expr failed', 'random_sample')
})

t.test("8.7.9 [P1] times in a boost's filter are of the collection's zone, or the request's", async t => {
  const definition = { ...DEFINITION, properties: { timezone: 'Asia/Shanghai' } }
  const rows = ROWS.map((one, i) => ({ ...one, ts: `2025-01-01T${10 + (i % 10)}:00:00` }))
  await everywhere(t, definition, rows, async c => {
    const first = async (time: string, more: object = {}) => {
      const functionScore = boost({ filter: `ts == ISO "${time}"`, weight: 1000 })
      const found = await c.search({ ...S, limit: N, functionScore: functionScore as never, ...more })
      return hitKeys(found[0]).slice(0, 2)
    }
    const [near, far] = (await c.search({ ...S, limit: N, filter: 'ts == ISO "2025-01-01T13:00:00"' }))[0]!
    const wanted = [near!.id, far!.id]
    t.strictSame(await first('2025-01-01T13:00:00'), wanted)
    t.strictSame(await first('2025-01-01T05:00:00', { timeZone: 'UTC' }), wanted)
  })
})

t.test('8.7.10 [P2] rankers that need another server are refused', async t => {
  const { c } = await staged(t, DEFINITION, ROWS)
  const params = { reranker: 'model', provider: 'vllm', endpoint: 'http://localhost:1' }
  const functions = [{ name: 'm', type: 3, inputFieldNames: ['g'], params }]
  await refuses(t, () => c.search({ ...S, limit: 5, functionScore: { functions } }), 3000, 'reranker')
})
