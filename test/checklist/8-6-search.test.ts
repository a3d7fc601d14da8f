/** Checklist 8.6, search: the P0 lines. Scores are compared with the definitions of the metrics, worked out here. */
import t from 'tap'
import { type Collection, DataType, type FieldRequest, type Row } from '../../lib/index.js'
import { rng } from '../support/rng.js'
import { everywhere, hitKeys, ID, keys, refuses, stage, staged, VEC, withFields } from './fixture.js'

const DIM = 6
const random = rng(86)
const VECTORS = Array.from({ length: 60 }, () => random.vector(DIM))
const QUERIES = [random.vector(DIM), VECTORS[7]!, random.vector(DIM)]
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
const l2 = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0)
const cosine = (a: readonly number[], b: readonly number[]) =>
  dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1)
type Score = (a: readonly number[], b: readonly number[]) => number
const METRICS: readonly (readonly [name: string, score: Score, direction: 1 | -1])[] = [
  ['L2', l2, 1],
  ['IP', dot, -1],
  ['COSINE', cosine, -1],
]
const dense = (metricType: string, indexType = 'HNSW', dataType: DataType = DataType.FloatVector) => ({
  fields: [ID, { name: 'n', dataType: DataType.Int32 }, { name: 'vec', dataType, dim: DIM }],
  indexes: [{ fieldName: 'vec', indexType, metricType }],
})
const denseRows = (vectors: readonly (readonly number[])[]): Row[] =>
  vectors.map((vec, id) => ({ id, n: id % 10, vec }))

/** Ids and scores by definition, best first, ties by smaller key. */
function ranked(
  vectors: readonly (readonly number[])[],
  query: readonly number[],
  score: Score,
  direction: 1 | -1,
) {
  const all = vectors.map((vector, id) => ({ id, score: score(query, vector) }))
  return all.sort((a, b) => direction * (a.score - b.score) || a.id - b.id)
}

const close = (a: number, b: number, epsilon = 1e-5): boolean =>
  Math.abs(a - b) <= epsilon * Math.max(1, Math.abs(b))

t.test('8.6.1 [P0] exact scores for L2, IP and COSINE, sorted, several queries', async t => {
  for (const [metric, score, direction] of METRICS) {
    await everywhere(t, dense(metric, 'FLAT'), denseRows(VECTORS), async (c, place) => {
      const found = await c.search({ data: QUERIES, limit: 20 })
      t.equal(found.length, 3)
      for (const [q, query] of QUERIES.entries()) {
        const wanted = ranked(VECTORS, query, score, direction).slice(0, 20)
        t.strictSame(
          hitKeys(found[q]),
          wanted.map(one => one.id),
          `${metric} ${place}`,
        )
        t.ok(
          found[q]!.every((hit, i) => close(hit.score, wanted[i]!.score)),
          `scores of ${metric} ${place}`,
        )
      }
    })
  }
})

t.test('8.6.1 [P0] equal scores: the smaller key first, integer and text', async t => {
  const rows = [9, 3, 7, 1].map(id => ({ id, vec: [1, 0] }))
  await everywhere(t, withFields(), [...rows, { id: 5, vec: [2, 0] }], async c => {
    t.strictSame(hitKeys((await c.search({ data: [[1, 0]], limit: 10 }))[0]), [1, 3, 7, 9, 5])
    t.strictSame(hitKeys((await c.search({ data: [[1, 0]], limit: 2 }))[0]), [1, 3])
  })
  const texts = {
    fields: [{ ...ID, dataType: DataType.VarChar, maxLength: 8 }, VEC],
    indexes: [{ fieldName: 'vec', metricType: 'L2' }],
  }
  await everywhere(
    t,
    texts,
    ['b', 'a', 'B', 'ä'].map(id => ({ id, vec: [0, 0] })),
    async c => {
      t.strictSame(hitKeys((await c.search({ data: [[1, 0]], limit: 3 }))[0]), ['B', 'a', 'b'])
    },
  )
})

t.test('8.6.2 [P0] a vector and itself; COSINE is IP of normalised vectors and 1 - L2/2', async t => {
  const unit = VECTORS.map(vector => vector.map(x => x / Math.sqrt(dot(vector, vector))))
  const scores: number[][] = []
  const { db } = await stage(t)
  for (const metric of ['COSINE', 'IP', 'L2']) {
    const c = await db.createCollection({ name: metric, ...dense(metric) })
    await c.insert(denseRows(unit))
    const [hits] = await c.search({ data: [unit[7]!], limit: 60 })
    t.equal(hits![0]!.id, 7)
    scores.push(hits!.map(hit => hit.score))
    if (metric === 'L2') t.equal(hits![0]!.score, 0)
    else t.ok(close(hits![0]!.score, 1, 1e-6))
  }
  const [cos, ip, distance] = scores
  t.ok(cos!.every((score, i) => close(score, ip![i]!) && close(score, 1 - distance![i]! / 2)))
  t.ok(cos!.every(score => score <= 1 + 1e-6 && score >= -1 - 1e-6))
})

const HALF: readonly (readonly [DataType, number, metrics: readonly string[]])[] = [
  [DataType.Float16Vector, 2e-3, ['L2', 'COSINE']],
  [DataType.BFloat16Vector, 2e-2, ['IP']],
]

t.test('8.6.3 [P0] float16 and bfloat16 vectors', async t => {
  for (const [type, epsilon, metrics] of HALF) {
    for (const [metric, score, direction] of METRICS) {
      if (!metrics.includes(metric)) continue
      await everywhere(t, dense(metric, 'HNSW', type), denseRows(VECTORS), async c => {
        const stored = (await c.query({ filter: '', limit: 100, outputFields: ['vec'] })).map(
          row => row['vec'] as number[],
        )
        t.ok(
          stored.every((vector, i) => vector.every((x, d) => close(x, VECTORS[i]![d]!, epsilon * 4))),
          'read as stored',
        )
        const [hits] = await c.search({ data: [stored[7]!], limit: 60, outputFields: ['vec'] })
        const wanted = ranked(stored, stored[7]!, score, direction)
        t.ok(
          hits!.every((hit, i) => close(hit.score, wanted[i]!.score, 1e-4)),
          `${metric} on de-quantised values`,
        )
        t.strictSame(hits![0]!.entity['vec'], stored[hits![0]!.id as number])
      })
    }
  }
})

t.test('8.6.3 [P0] int8 vectors', async t => {
  const vectors = Array.from({ length: 30 }, () =>
    Array.from({ length: DIM }, () => random.between(-128, 127)),
  )
  for (const [metric, score, direction] of METRICS) {
    await everywhere(t, dense(metric, 'HNSW', DataType.Int8Vector), denseRows(vectors), async c => {
      const [hits] = await c.search({ data: [vectors[3]!], limit: 30, outputFields: ['vec'] })
      const wanted = ranked(vectors, vectors[3]!, score, direction)
      t.strictSame(
        hitKeys(hits),
        wanted.map(one => one.id),
        metric,
      )
      t.ok(hits!.every((hit, i) => close(hit.score, wanted[i]!.score)))
      t.strictSame(hits![1]!.entity['vec'], vectors[hits![1]!.id as number])
    })
  }
})

t.test('8.6.3 [P0] binary vectors: HAMMING and JACCARD', async t => {
  const vectors = [
    [0, 0],
    [255, 255],
    [0b1010_1010, 1],
    [0b1010_1000, 3],
    [1, 0],
    ...Array.from({ length: 20 }, () => [random.int(256), random.int(256)]),
  ]
  const bits = (bytes: readonly number[]) => bytes.map(byte => byte.toString(2).padStart(8, '0')).join('')
  const counts = (a: readonly number[], b: readonly number[]) => {
    const [x, y] = [bits(a), bits(b)]
    let both = 0
    let either = 0
    for (let i = 0; i < 16; i++) {
      if (x[i] === '1' && y[i] === '1') both++
      if (x[i] === '1' || y[i] === '1') either++
    }
    return { both, either }
  }
  const hamming: Score = (a, b) => counts(a, b).either - counts(a, b).both
  // Two empty sets: distance 1.
  const jaccard: Score = (a, b) =>
    counts(a, b).either === 0 ? 1 : 1 - counts(a, b).both / counts(a, b).either
  for (const [metric, score] of [
    ['HAMMING', hamming],
    ['JACCARD', jaccard],
  ] as const) {
    const definition = {
      fields: [ID, { name: 'vec', dataType: DataType.BinaryVector, dim: 16 }],
      indexes: [{ fieldName: 'vec', indexType: 'BIN_FLAT', metricType: metric }],
    }
    await everywhere(
      t,
      definition,
      vectors.map((vec, id) => ({ id, vec })),
      async c => {
        for (const query of [vectors[2]!, vectors[0]!]) {
          const [hits] = await c.search({ data: [query], limit: 30, outputFields: ['vec'] })
          const wanted = ranked(vectors, query, score, 1)
          t.strictSame(
            hitKeys(hits),
            wanted.map(one => one.id),
            metric,
          )
          t.ok(hits!.every((hit, i) => close(hit.score, wanted[i]!.score)))
          t.strictSame(hits![0]!.entity['vec'], vectors[hits![0]!.id as number])
        }
      },
    )
  }
})

t.test('8.6.3 [P0] sparse vectors', async t => {
  const vectors: Record<number, number>[] = [
    { 1: 1 },
    { 1: 0.5, 9: 2 },
    { 4294967294: 3 },
    {},
    { 2: 1, 1: 0.25 },
    { 9: 1 },
  ]
  const definition = {
    fields: [ID, { name: 'vec', dataType: DataType.SparseFloatVector }],
    indexes: [{ fieldName: 'vec', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'IP' }],
  }
  await everywhere(
    t,
    definition,
    vectors.map((vec, id) => ({ id, vec })),
    async c => {
      const [hits] = await c.search({ data: [{ 1: 2, 9: 0.5 }], limit: 10, outputFields: ['vec'] })
      const scored = hits!.filter(hit => hit.score !== 0).map(hit => [hit.id, hit.score])
      t.strictSame(scored, [
        [0, 2],
        [1, 2],
        [4, 0.5],
        [5, 0.5],
      ])
      t.strictSame(hits![0]!.entity['vec'], { 1: 1 })
      const [far] = await c.search({ data: [{ 4294967294: 2 }], limit: 1 })
      t.strictSame(far, [{ id: 2, score: 6, entity: far![0]!.entity }])
    },
  )
})

t.test('8.6.4 [P0] dimensions 2 and 32768', async t => {
  const { db } = await stage(t)
  for (const dim of [2, 32_768]) {
    const c = await db.createCollection({
      name: `d${dim}`,
      fields: [ID, { ...VEC, dim }],
      indexes: [{ fieldName: 'vec', metricType: 'L2' }],
    })
    const vector = (x: number) => new Float32Array(dim).fill(x)
    await c.insert([0, 1, 2].map(id => ({ id, vec: vector(id) })))
    for (const place of ['growing', 'compacted']) {
      const [hits] = await c.search({ data: [vector(2)], limit: 3 })
      t.strictSame(
        hits!.map(hit => [hit.id, hit.score]),
        [
          [2, 0],
          [1, dim],
          [0, 4 * dim],
        ],
        `${dim} ${place}`,
      )
      await c.compact()
    }
  }
  for (const dim of [1, 32_769])
    await refuses(
      t,
      () => db.createCollection({ name: 'x', fields: [ID, { ...VEC, dim }] }),
      1100,
      'dimension',
    )
})

t.test('8.6.5 [P0] bounds of limit and of the number of queries', async t => {
  const { c } = await staged(
    t,
    withFields(),
    [0, 1, 2].map(id => ({ id, vec: [id, 0] })),
  )
  t.equal((await c.search({ data: [[0, 0]], limit: 1 }))[0]!.length, 1)
  t.equal((await c.search({ data: [[0, 0]], limit: 16_384 }))[0]!.length, 3)
  for (const limit of [16_385, 0, -1]) {
    await refuses(
      t,
      () => c.search({ data: [[0, 0]], limit }),
      1100,
      `topk [${limit}] is invalid, it should be in range [1, 16384]`,
    )
  }
  await refuses(t, () => c.search({ data: [[0, 0]], limit: 'abc' as never }), 1100, 'topk [abc] is invalid')
  await refuses(t, () => c.search({ data: [[0, 0]] } as never), 1101, 'topk is required')
  const many = Array.from({ length: 16_384 }, () => [0, 0])
  const found = await c.search({ data: many, limit: 1, outputFields: [] })
  t.ok(found.length === 16_384 && found.every(hits => hits[0]!.id === 0))
  const nq = 'nq (number of search vector per search request) should be in range [1, 16384]'
  await refuses(t, () => c.search({ data: [...many, [0, 0]], limit: 1 }), 1100, 'nq [16385] is invalid', nq)
  await refuses(t, () => c.search({ data: [], limit: 1 }), 1100, 'nq [0] is invalid', nq)
})

t.test('8.6.6 [P0] nothing to find: an empty list per query', async t => {
  const made = await staged(t, withFields())
  await made.c.createPartition('p')
  const empty = [[], [], []]
  const data = [
    [0, 0],
    [1, 1],
    [2, 2],
  ]
  t.strictSame(await made.c.search({ data, limit: 5 }), empty, 'an empty collection')
  await made.c.insert([{ id: 1, vec: [0, 0] }])
  for (const place of ['growing', 'compacted', 'reopened']) {
    t.strictSame(
      await made.c.search({ data, limit: 5, partitionNames: ['p'] }),
      empty,
      `an empty partition ${place}`,
    )
    t.strictSame(await made.c.search({ data, limit: 5, filter: 'id > 100' }), empty, `no match ${place}`)
    t.strictSame(
      await made.c.search({ data, limit: 5, filter: 'id in []' }),
      empty,
      `nothing can match ${place}`,
    )
    if (place === 'growing') await made.c.compact()
    else await made.reopen()
  }
  await made.c.truncate()
  t.strictSame(await made.c.search({ data, limit: 5 }), empty, 'a truncated collection')
})

t.test(
  '8.6.7 [P0] fewer rows than the limit; deleted never, new at once, upserted with the new vector only',
  async t => {
    const made = await staged(
      t,
      withFields(),
      [0, 1, 2, 3].map(id => ({ id, vec: [id, 0] })),
    )
    const found = async () =>
      (await made.c.search({ data: [[0, 0]], limit: 50 }))[0]!.map(hit => [hit.id, hit.score])
    t.strictSame(await found(), [
      [0, 0],
      [1, 1],
      [2, 4],
      [3, 9],
    ])
    await made.c.flush()
    await made.c.delete({ ids: [0] })
    t.strictSame(await found(), [
      [1, 1],
      [2, 4],
      [3, 9],
    ])
    await made.c.insert([{ id: 9, vec: [0.5, 0] }])
    t.strictSame(await found(), [
      [9, 0.25],
      [1, 1],
      [2, 4],
      [3, 9],
    ])
    await made.c.upsert([{ id: 1, vec: [5, 0] }])
    const after = [
      [9, 0.25],
      [2, 4],
      [3, 9],
      [1, 25],
    ]
    t.strictSame(await found(), after)
    await made.c.compact()
    t.strictSame(await found(), after, 'compacted')
    await made.reopen()
    t.strictSame(await found(), after, 'reopened')
  },
)

t.test('8.6.8 [P0] a filtered search is a search among the rows that pass', async t => {
  const vectors = Array.from({ length: 2000 }, () => random.vector(DIM))
  const { c } = await staged(t, dense('L2'), denseRows(vectors), { indexRowsMin: 128 })
  const check = async (filter: string, passes: (id: number) => boolean, recallMin: number) => {
    let hit = 0
    for (const query of QUERIES) {
      const wanted = new Set(
        ranked(vectors, query, l2, 1)
          .filter(one => passes(one.id))
          .slice(0, 10)
          .map(one => one.id),
      )
      const [hits] = await c.search({ data: [query], limit: 10, filter, params: { ef: 64 } })
      t.equal(hits!.length, wanted.size, filter)
      t.ok(
        hits!.every(one => passes(one.id as number)),
        `only rows that pass ${filter}`,
      )
      hit += hits!.filter(one => wanted.has(one.id as number)).length / wanted.size
    }
    t.ok(hit / QUERIES.length >= recallMin, `recall ${hit / QUERIES.length} of ${filter}`)
  }
  for (const place of ['growing', 'graph']) {
    await check('n == 3', id => id % 10 === 3, place === 'growing' ? 1 : 0.95)
    await check('n != 3', id => id % 10 !== 3, place === 'growing' ? 1 : 0.95)
    await check('id < 40', id => id < 40, 1)
    await check('id in [5, 6, 7]', id => id >= 5 && id <= 7, 1)
    await c.compact()
  }
  const [first] = await c.search({ data: [VECTORS[0]!], limit: 1, params: { ef: 10 } })
  t.equal(first!.length, 1)
})

const WIDE: readonly FieldRequest[] = [
  { name: 'n', dataType: DataType.Int32 },
  { name: 's', dataType: DataType.VarChar, maxLength: 8, nullable: true },
]

t.test('8.6.9 [P0] output fields of hits', async t => {
  const rows = [
    { id: 1, n: 5, s: null, vec: [1, 0], extra: { a: 1 } },
    { id: 2, n: 6, s: 'x', vec: [2, 0] },
  ]
  await everywhere(t, withFields(WIDE, { enableDynamicField: true }), rows, async c => {
    const entity = async (outputFields?: string[]) => {
      const request = { data: [[1, 0]], limit: 1 }
      return (await c.search(outputFields === undefined ? request : { ...request, outputFields }))[0]![0]
    }
    t.strictSame(await entity([]), { id: 1, score: 0, entity: {} })
    t.strictSame(await entity(['n', 's']), { id: 1, score: 0, entity: { n: 5, s: null } })
    t.strictSame(await entity(['vec']), { id: 1, score: 0, entity: { vec: [1, 0] } })
    t.strictSame(await entity(['extra']), { id: 1, score: 0, entity: { extra: { a: 1 } } })
    t.strictSame(await entity(['$meta']), { id: 1, score: 0, entity: { $meta: { extra: { a: 1 } } } })
    t.strictSame(await entity(['id', 'n']), { id: 1, score: 0, entity: { id: 1, n: 5 } }, 'the key by name')
    const all = { id: 1, n: 5, s: null, vec: [1, 0], extra: { a: 1 } }
    t.strictSame(await entity(['*']), { id: 1, score: 0, entity: all })
    t.strictSame(await entity(), { id: 1, score: 0, entity: all }, 'the default is everything')
  })
  const named = { fields: [{ ...ID, name: 'pk' }, VEC], indexes: [{ fieldName: 'vec', metricType: 'L2' }] }
  const other = await staged(t, named, [{ pk: 4, vec: [1, 0] }])
  const [hits] = await other.c.search({ data: [[1, 0]], limit: 1, outputFields: ['pk'] })
  t.strictSame(hits, [{ id: 4, score: 0, entity: { pk: 4 } }], 'id, whatever the key is called')
  const { c } = await staged(t, withFields(WIDE), [{ id: 1, n: 5, s: null, vec: [1, 0] }])
  await refuses(
    t,
    () => c.search({ data: [[1, 0]], limit: 1, outputFields: ['nope'] }),
    1100,
    'field nope not exist',
  )
})

t.test('8.6.10 [P0] the metric of a search', async t => {
  const { c } = await staged(t, dense('COSINE'), denseRows(VECTORS.slice(0, 5)))
  const ask = (metricType?: string) => () =>
    c.search({ data: [VECTORS[0]!], limit: 1, ...(metricType === undefined ? {} : { metricType }) })
  await refuses(t, ask('IP'), 1100, 'metric type not match: invalid parameter[expected=COSINE][actual=IP]')
  for (const metric of [undefined, '', 'COSINE', 'cosine'])
    t.equal((await ask(metric)())[0]!.length, 1, String(metric))
})

t.test('8.6.11 [P0] which vector field is searched', async t => {
  const two: FieldRequest = { ...VEC, name: 'v2', dim: 3 }
  const definition = {
    fields: [ID, { name: 'n', dataType: DataType.Int32 }, VEC, two],
    indexes: [
      { fieldName: 'vec', metricType: 'L2' },
      { fieldName: 'v2', metricType: 'IP' },
    ],
  }
  const { c, db } = await staged(t, definition, [{ id: 1, n: 1, vec: [1, 0], v2: [1, 2, 3] }])
  t.strictSame(hitKeys((await c.search({ data: [[1, 0]], limit: 1, annsField: 'vec' }))[0]), [1])
  t.equal((await c.search({ data: [[1, 1, 1]], limit: 1, annsField: 'v2' }))[0]![0]!.score, 6)
  await refuses(
    t,
    () => c.search({ data: [[1, 0]], limit: 1 }),
    1100,
    'multiple anns_fields exist, please specify a anns_field in search_params',
  )
  const unknown = 'failed to create query plan: failed to get field schema by name: fieldName(x) not found'
  await refuses(t, () => c.search({ data: [[1, 0]], limit: 1, annsField: 'x' }), 1100, unknown)
  await refuses(
    t,
    () => c.search({ data: [[1, 0]], limit: 1, annsField: 'n' }),
    1100,
    'field (n) to search is not of vector data type',
  )
  await refuses(
    t,
    () => c.search({ data: [[1, 0, 0]], limit: 1, annsField: 'vec' }),
    1100,
    'vector dimension mismatch',
  )
  await refuses(
    t,
    () => c.search({ data: [[1, 0], [1]], limit: 1, annsField: 'vec' }),
    1100,
    'vector dimension mismatch',
  )
  const one = await db.createCollection({ name: 'd', ...withFields() })
  await one.insert([{ id: 4, vec: [0, 0] }])
  t.strictSame(
    hitKeys((await one.search({ data: [[1, 0]], limit: 1 }))[0]),
    [4],
    'the only one need not be named',
  )
})

t.test('8.6.12 [P0] partitions, release and load', async t => {
  const made = await staged(t, withFields(), [{ id: 0, vec: [0, 0] }])
  const { c } = made
  for (const name of ['p', 'q']) await c.createPartition(name)
  await c.insert([{ id: 1, vec: [1, 0] }], { partitionName: 'p' })
  await c.insert([{ id: 2, vec: [2, 0] }], { partitionName: 'q' })
  const found = async (c: Collection, partitionNames: string[] = []) =>
    hitKeys((await c.search({ data: [[0, 0]], limit: 9, partitionNames }))[0])
  for (const place of ['growing', 'compacted', 'reopened']) {
    t.strictSame(await found(made.c), [0, 1, 2], place)
    t.strictSame(await found(made.c, ['q', 'p']), [1, 2], place)
    t.strictSame(await found(made.c, ['_default']), [0], place)
    if (place === 'growing') await made.c.compact()
    else await made.reopen()
  }
  await made.c.release()
  await refuses(t, () => found(made.c), 101, 'failed to search: collection not loaded')
  await made.c.load()
  t.strictSame(await found(made.c), [0, 1, 2])
  await made.c.releasePartitions(['p'])
  await refuses(t, () => found(made.c, ['p']), 201, 'partition not loaded')
  await refuses(t, () => found(made.c, ['q', 'p']), 201, 'partition not loaded')
  t.strictSame(await found(made.c), [0, 2], 'what is loaded answers')
  await made.c.loadPartitions(['p'])
  t.strictSame(await found(made.c), [0, 1, 2])
})

t.test('8.6.13 [P0] pages by offset are slices of the whole ranking', async t => {
  await everywhere(t, dense('IP'), denseRows(VECTORS), async c => {
    const whole = (await c.search({ data: QUERIES, limit: 60, outputFields: [] })).map(hits => hitKeys(hits))
    for (const [limit, offset] of [
      [10, 0],
      [10, 10],
      [7, 50],
      [20, 45],
      [5, 60],
      [5, 1000],
    ] as const) {
      const found = await c.search({ data: QUERIES, limit, offset, outputFields: [] })
      t.strictSame(
        found.map(hits => hitKeys(hits)),
        whole.map(ids => ids.slice(offset, offset + limit)),
        `${limit} from ${offset}`,
      )
    }
  })
  const { c } = await staged(t, withFields(), [
    { id: 0, vec: [0, 0] },
    { id: 1, vec: [1, 0] },
    { id: 2, vec: [2, 0] },
  ])
  t.strictSame(
    hitKeys((await c.search({ data: [[0, 0]], limit: 1, params: { offset: 1 } }))[0]),
    [1],
    'offset among the parameters',
  )
  await refuses(
    t,
    () => c.search({ data: [[0, 0]], limit: 1, params: { offset: -1 } }),
    1100,
    'offset [-1] is invalid',
  )
  for (const offset of [-1, 16_385])
    await refuses(
      t,
      () => c.search({ data: [[0, 0]], limit: 1, offset }),
      1100,
      `offset [${offset}] is invalid`,
    )
  await refuses(
    t,
    () => c.search({ data: [[0, 0]], limit: 1, offset: 'x' as never }),
    1100,
    'offset [x] is invalid',
  )
  await refuses(t, () => c.search({ data: [[0, 0]], limit: 16_384, offset: 1 }), 1100, 'offset+topk')
  t.strictSame(await keys(c, 'id == 0'), [0])
})
