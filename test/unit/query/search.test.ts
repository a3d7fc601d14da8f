import t, { type Test } from 'tap'
import { buildHnsw, hnswAvailable } from '../../../lib/index/hnsw-index.js'
import type { MetricType } from '../../../lib/index/index-spec.js'
import type { SearchHit, SearchRequest } from '../../../lib/query/request.js'
import { runSearch } from '../../../lib/query/search.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { type MemoryRow, MemorySegment, memorySnapshot } from '../../support/memory-segment.js'
import { rng, seedOf } from '../../support/rng.js'
import {
  contextOf,
  type Fruit,
  field,
  indexOn,
  keyOf,
  newestByKey,
  randomFruit,
  schemaOf,
  visibleRows,
} from './fixture.js'
import { best, type Expected } from './oracle.js'

const seed = seedOf(11)
const METRICS: readonly MetricType[] = ['L2', 'IP', 'COSINE']
const ids = (hits: readonly SearchHit[]): unknown[] => hits.map(hit => hit.id)

/** Same keys in the same order, scores equal to float32 precision. */
function sameHits(t: Test, hits: readonly SearchHit[], expected: readonly Expected[], why: string): void {
  t.strictSame(
    ids(hits),
    expected.map(e => e.id),
    why,
  )
  const off = hits.filter((hit, i) => {
    const wanted = expected[i]!.score
    return Math.abs(hit.score - wanted) > 1e-5 * Math.max(1, Math.abs(wanted))
  })
  t.strictSame(off, [], `${why}: scores`)
}

/** Gives every sealed segment a graph over the given rows' vectors. */
function addGraphs(fruit: Fruit, metric: 'L2' | 'IP' | 'COSINE', dim: number): void {
  const vec = fruit.schema.fields.findIndex(f => f.name === 'vec')
  for (const segment of fruit.segments) {
    if (segment.kind === 'growing' || segment.rowCount === 0) continue
    const builder = buildHnsw({ metric, dim, m: 8, efConstruction: 80 }, segment.rowCount)
    const rowOfLabel = new Int32Array(segment.rowCount)
    let label = 0
    for (let row = 0; row < segment.rowCount; row++) {
      const vector = segment.rows[row]!.values['vec']
      if (vector === null || vector === undefined) continue
      builder.add(Float32Array.from(vector as number[]), 0, label)
      rowOfLabel[label++] = row
    }
    segment.indexes.set(vec, { index: builder.finish(), rowOfLabel: rowOfLabel.slice(0, label) })
  }
}

function metricOf(fruit: Fruit, metric: MetricType): Fruit {
  return { ...fruit, context: { ...fruit.context, indexes: [indexOn('vec', metric)] } }
}

for (const metric of METRICS) {
  for (const resident of [true, false]) {
    t.test(
      `P0 ${metric}: exact scores, sorted by direction, nq ≥ 1, resident ${resident} (SEED=${seed})`,
      async t => {
        const random = rng(seed)
        const fruit = metricOf(
          randomFruit(random, { deletes: 0.2, sealed: 3, resident, rowCount: 400 }),
          metric,
        )
        const data = [random.vector(8), random.vector(8), random.vector(8)]
        const rows = visibleRows(fruit, fruit.lastTick)
        const hits = await runSearch(fruit.context, fruit.snapshot, {
          data,
          limit: 10,
          outputFields: ['age'],
        })
        t.equal(hits.length, 3)
        for (const [q, list] of hits.entries()) {
          const expected = best(metric, data[q]!, rows, 10)
          sameHits(t, list, expected, `query ${q}`)
          t.strictSame(
            list.map(h => h.entity),
            expected.map(e => ({ age: e.row.values['age'] })),
          )
        }
      },
    )
  }

  t.test(
    `P0 filtered ${metric} search is brute force over the filtered rows, at every selectivity`,
    async t => {
      const random = rng(seed)
      const fruit = metricOf(
        randomFruit(random, { deletes: 0.1, sealed: 2, rowCount: 600, partitions: 2 }),
        metric,
      )
      const query = random.vector(8)
      for (const bound of [0, 1, 5, 50, 99, 100]) {
        const rows = visibleRows(fruit, fruit.lastTick).filter(row => (row.values['age'] as number) < bound)
        const request = { data: [query], limit: 20, filter: `age < ${bound}`, outputFields: [] }
        for (let again = 0; again < 2; again++) {
          sameHits(
            t,
            (await runSearch(fruit.context, fruit.snapshot, request))[0]!,
            best(metric, query, rows, 20),
            `age < ${bound}`,
          )
        }
        const partitions = new Set([2])
        const inOne = rows.filter(row => row.partition === 2)
        const context = { ...fruit.context, partitions }
        sameHits(
          t,
          (await runSearch(context, fruit.snapshot, request))[0]!,
          best(metric, query, inOne, 20),
          'partition',
        )
      }
    },
  )
}

t.test('P0 COSINE ≈ 1 for self, L2 = 0; cosine equals 1 − L2/2 of normalised vectors', async t => {
  const random = rng(seed)
  const fruit = randomFruit(random, { rowCount: 50 })
  const row = fruit.rows[20]!
  const data = [row.values['vec']]
  const [l2] = await runSearch(fruit.context, fruit.snapshot, { data, limit: 1 })
  t.strictSame([l2![0]!.id, l2![0]!.score], [keyOf(row), 0])
  const cosine = metricOf(fruit, 'COSINE')
  const [cos] = await runSearch(cosine.context, cosine.snapshot, { data, limit: 1 })
  t.equal(cos![0]!.id, keyOf(row))
  t.ok(Math.abs(cos![0]!.score - 1) < 1e-6)
})

t.test('P0 limit 1..16384, nq up to 16384; over is refused', async t => {
  const fruit = randomFruit(rng(seed), { rowCount: 20 })
  const vector = rng(1).vector(8)
  const cases: [Partial<SearchRequest>, RegExp][] = [
    [{ limit: 16385 }, /topk \[16385\] is invalid, it should be in range \[1, 16384\], but got 16385/],
    [{ limit: 0 }, /topk \[0\] is invalid/],
    [{ limit: 1.5 }, /topk \[1\.5\] is invalid/],
    [{ offset: -1 }, /offset \[-1\] is invalid, it should be in range \[1, 16384\]/],
    [{ offset: 16380 }, /offset\+topk \[16390\] is invalid/],
    [
      { data: [] },
      /nq \[0\] is invalid, nq \(number of search vector per search request\) should be in range \[1, 16384\], but got 0/,
    ],
    [{ data: new Array(16385).fill(vector) }, /nq \[16385\] is invalid/],
    [{ roundDecimal: 7 }, /round_decimal \[7\] is invalid, should be -1 or an integer in range \[0, 6\]/],
    [{ hints: 'fast' }, /hints: fast not supported/],
    [{ metricType: 'IP' }, /metric type not match: invalid parameter\[expected=L2\]\[actual=IP\]/],
    [
      { annsField: 'nope' },
      /failed to create query plan: failed to get field schema by name: fieldName\(nope\) not found/,
    ],
    [{ annsField: 'age' }, /failed to create query plan/],
    [{ data: [[1, 2]] }, /vector dimension mismatch/],
    [{ outputFields: ['count(*)'] }, /aggregates are not supported in search request/],
    [{ params: { range_filter: 1 } }, /range_filter requires radius to be set/],
    [{ params: { radius: 1, range_filter: 2 } }, /must be less than radius/],
    [{ params: { radius: 'far' } }, /type must be number/],
    [{ params: { ef: 1 } }, /ef\(1\) should be larger than k\(10\)/],
  ]
  for (const [request, message] of cases) {
    const whole = { data: [vector], limit: 10, ...request }
    await t.rejects(runSearch(fruit.context, fruit.snapshot, whole), { code: 1100, message }, String(message))
  }
  const missing = { data: [vector] } as unknown as SearchRequest
  await t.rejects(runSearch(fruit.context, fruit.snapshot, missing), {
    code: 1101,
    message: /topk is required/,
  })
  const [hits] = await runSearch(fruit.context, fruit.snapshot, { data: [vector], limit: 16384 })
  t.equal(hits!.length, 20, 'fewer rows than limit: fewer hits, no padding')
  for (const request of [
    { metricType: 'l2' },
    { metricType: '' },
    { hints: 'iterative_filter' },
    { params: { nprobe: 1024 } },
  ]) {
    t.equal(
      (await runSearch(fruit.context, fruit.snapshot, { data: [vector], limit: 3, ...request }))[0]!.length,
      3,
    )
  }
})

t.test('P0 empty collection, filter with no match: empty per nq', async t => {
  const random = rng(seed)
  const data = [random.vector(8), random.vector(8)]
  const empty = randomFruit(random, { rowCount: 0 })
  t.strictSame(await runSearch(empty.context, empty.snapshot, { data, limit: 5 }), [[], []])
  const fruit = randomFruit(random, { rowCount: 30 })
  t.strictSame(await runSearch(fruit.context, fruit.snapshot, { data, limit: 5, filter: 'age > 1000' }), [
    [],
    [],
  ])
  const none = memorySnapshot([], 5)
  t.strictSame(await runSearch(fruit.context, none, { data, limit: 5 }), [[], []])
})

t.test('P0 anns_field may be left out with one vector field, not with several; index needed', async t => {
  const schema = schemaOf([
    field('id', DataType.Int64, { primaryKey: true }),
    field('a', DataType.FloatVector, { dim: 2 }),
    field('b', DataType.FloatVector, { dim: 2 }),
  ])
  const context = contextOf(schema, { indexes: [indexOn('a', 'L2')] })
  const segment = new MemorySegment(schema, [{ values: { id: 1, a: [0, 1], b: [1, 0] }, tick: 1 }], {
    id: 1,
    kind: 'sealed',
  })
  const snapshot = memorySnapshot([segment], 5)
  await t.rejects(runSearch(context, snapshot, { data: [[0, 1]], limit: 1 }), {
    message: /multiple anns_fields exist, please specify a anns_field in search_params/,
  })
  await t.rejects(runSearch(context, snapshot, { data: [[0, 1]], limit: 1, annsField: 'b' }), {
    message: /field index of the field: b is not loaded, please reload the collection/,
  })
  const [hits] = await runSearch(context, snapshot, {
    data: [[0, 1]],
    limit: 1,
    annsField: 'a',
    outputFields: ['*'],
  })
  t.strictSame(hits, [{ id: 1, score: 0, entity: { id: 1, a: [0, 1], b: [1, 0] } }])
})

t.test('P0 offset pages equal slices of the big result; offset beyond the rows is empty', async t => {
  const random = rng(seed)
  const fruit = randomFruit(random, { rowCount: 100, deletes: 0.1 })
  const data = [random.vector(8), random.vector(8)]
  const whole = await runSearch(fruit.context, fruit.snapshot, { data, limit: 60 })
  for (const offset of [0, 1, 17, 50]) {
    const page = await runSearch(fruit.context, fruit.snapshot, { data, limit: 10, offset })
    t.strictSame(
      page,
      whole.map(list => list.slice(offset, offset + 10)),
    )
    t.strictSame(
      await runSearch(fruit.context, fruit.snapshot, { data, limit: 10, params: { offset } }),
      page,
    )
  }
  t.strictSame(await runSearch(fruit.context, fruit.snapshot, { data, limit: 10, offset: 500 }), [[], []])
})

t.test('ties go to the smaller key, in growing segments too', async t => {
  const random = rng(seed)
  const schema = schemaOf([
    field('id', DataType.Int64, { primaryKey: true }),
    field('vec', DataType.BinaryVector, { dim: 16 }),
  ])
  const rows: MemoryRow[] = random
    .shuffle(Array.from({ length: 400 }, (_, i) => i))
    .map((id, i) => ({ values: { id, vec: [random.int(4), random.int(2)] }, tick: i + 1 }))
  for (const metric of ['HAMMING', 'JACCARD'] as const) {
    const context = contextOf(schema, { indexes: [indexOn('vec', metric, 'BIN_FLAT')] })
    const split = [
      new MemorySegment(schema, rows.slice(0, 150), { id: 1, kind: 'sealed' }),
      new MemorySegment(schema, rows.slice(150), { id: 2, kind: 'growing' }),
    ]
    for (const k of [1, 5, 37, 160, 400]) {
      const query = Uint8Array.of(random.int(4), random.int(2))
      const [hits] = await runSearch(context, memorySnapshot(split, 1000), { data: [query], limit: k })
      sameHits(t, hits!, best(metric, query, rows, k), `${metric} k ${k}`)
    }
  }
})

t.test(
  'a key found in several versions appears once, with its best score, and the page stays full',
  async t => {
    const random = rng(seed)
    const fruit = randomFruit(random, { rowCount: 120, duplicates: 0.5, sealed: 3 })
    const query = random.vector(8)
    const seen = new Set<unknown>()
    const expected = best('L2', query, fruit.rows, 1000).filter(e => !seen.has(e.id) && seen.add(e.id))
    for (const limit of [1, 5, 20, 40, 1000]) {
      const [hits] = await runSearch(fruit.context, fruit.snapshot, { data: [query], limit })
      sameHits(t, hits!, expected.slice(0, limit), `limit ${limit}`)
    }
    for (const kind of ['sealed', 'growing'] as const) {
      const one = memorySnapshot([new MemorySegment(fruit.schema, fruit.rows, { id: 9, kind })], 9999)
      for (const limit of [2, 10, 30]) {
        const [hits] = await runSearch(fruit.context, one, { data: [query], limit })
        sameHits(t, hits!, expected.slice(0, limit), `one ${kind} segment, limit ${limit}`)
      }
      for (const { id, score } of expected) {
        const [hits] = await runSearch(fruit.context, one, { data: [query], limit: 3, filter: `id == ${id}` })
        t.strictSame(
          hits!.map(h => h.id),
          [id],
        )
        t.ok(Math.abs(hits![0]!.score - score) < 1e-4 * score, `the best version of ${id}`)
      }
    }
  },
)

t.test('P1 range search keeps range_filter ≤ d < radius, and radius < s ≤ range_filter', async t => {
  const random = rng(seed)
  for (const metric of METRICS) {
    const fruit = metricOf(randomFruit(random, { rowCount: 300, deletes: 0.1 }), metric)
    addGraphs(fruit, metric as 'L2', 8)
    const query = random.vector(8)
    const all = best(metric, query, visibleRows(fruit, fruit.lastTick), 300)
    const near = all[20]!.score
    const far = all[150]!.score
    const kept = all.filter(e => (metric === 'L2' ? e.score < far : e.score > far))
    const [open] = await runSearch(fruit.context, fruit.snapshot, {
      data: [query],
      limit: 300,
      params: { radius: far },
    })
    sameHits(t, open!, kept, `${metric} radius`)
    const band = kept.filter(e => (metric === 'L2' ? e.score >= near : e.score <= near))
    const params = { radius: far, range_filter: near }
    const [inside] = await runSearch(fruit.context, fruit.snapshot, { data: [query], limit: 300, params })
    sameHits(t, inside!, band, `${metric} band`)
    const [page] = await runSearch(fruit.context, fruit.snapshot, {
      data: [query],
      limit: 5,
      offset: 3,
      params,
    })
    sameHits(t, page!, band.slice(3, 8), `${metric} page`)
  }
})

t.test('P1 pages behind a cursor concatenate to the whole ranking, ties included', async t => {
  const random = rng(seed)
  const schema = schemaOf([
    field('id', DataType.Int64, { primaryKey: true }),
    field('vec', DataType.BinaryVector, { dim: 16 }),
  ])
  const rows: MemoryRow[] = Array.from({ length: 200 }, (_, id) => ({
    values: { id: (id * 37) % 200, vec: [random.int(256), random.int(2)] },
    tick: id + 1,
  }))
  const context = contextOf(schema, { indexes: [indexOn('vec', 'HAMMING', 'BIN_FLAT')] })
  const split = [
    new MemorySegment(schema, rows.slice(0, 90), { id: 1, kind: 'sealed' }),
    new MemorySegment(schema, rows.slice(90), { id: 2, kind: 'growing' }),
  ]
  const snapshot = memorySnapshot(split, 1000)
  const query = Uint8Array.of(random.int(256), 0)
  const expected = best('HAMMING', query, rows, 200)
  const paged: SearchHit[] = []
  for (;;) {
    const last = paged.at(-1)
    const after = last === undefined ? {} : { after: { score: last.score, id: last.id } }
    const [page] = await runSearch(context, snapshot, { data: [query], limit: 7, ...after })
    if (page!.length === 0) break
    paged.push(...page!)
  }
  sameHits(t, paged, expected, 'with keys')
  const bound = expected[50]!.score
  const [strict] = await runSearch(context, snapshot, { data: [query], limit: 200, after: { score: bound } })
  sameHits(
    t,
    strict!,
    expected.filter(e => e.score > bound),
    'strictly behind a score',
  )
  const wrong: [Partial<SearchRequest>, RegExp][] = [
    [{ offset: 1 }, /Setting an offset is not permitted when using a search iterator v2/],
    [{ groupByField: 'id' }, /GroupBy is not permitted when using a search iterator/],
    [{ groupByFields: ['id'] }, /GroupBy is not permitted when using a search iterator/],
    [{ orderBy: 'id' }, /order_by is not supported when using search iterator/],
    [{ functionScore: { functions: [] } }, /rerank is not supported when using search iterator/],
    [{ after: { score: Number.NaN } }, /failed to parse input last bound/],
  ]
  for (const [request, message] of wrong) {
    const whole = { data: [query], limit: 5, after: { score: 1 }, ...request }
    await t.rejects(runSearch(context, snapshot, whole), { message })
  }
})

t.test('P0 sparse vectors: inner products, with the lists built after some searches and without', async t => {
  const random = rng(seed)
  const schema = schemaOf([
    field('id', DataType.Int64, { primaryKey: true }),
    field('even', DataType.Bool),
    field('vec', DataType.SparseFloatVector),
  ])
  const sparse = (): Record<number, number> => {
    const out: Record<number, number> = {}
    for (let i = 0; i < 6; i++) out[random.int(60)] = Math.fround(random.next())
    return out
  }
  const rows: MemoryRow[] = Array.from({ length: 2500 }, (_, id) => ({
    values: { id, even: id % 2 === 0, vec: sparse() },
    tick: id + 1,
  }))
  const context = contextOf(schema, { indexes: [indexOn('vec', 'IP', 'SPARSE_INVERTED_INDEX')] })
  const snapshot = memorySnapshot([new MemorySegment(schema, rows, { id: 1, kind: 'sealed' })], 5000)
  const query = sparse()
  const dots = rows
    .map(row => {
      let score = 0
      for (const [index, weight] of Object.entries(row.values['vec'] as Record<string, number>)) {
        score += weight * (query[Number(index)] ?? 0)
      }
      return { id: row.values['id'], even: row.values['even'], score: Math.fround(score) }
    })
    .filter(e => e.score > 0)
    .sort((a, b) => b.score - a.score)
  for (let again = 0; again < 24; again++) {
    const [hits] = await runSearch(context, snapshot, { data: [query], limit: 10, outputFields: [] })
    t.strictSame(
      hits!.map(h => h.score),
      dots.slice(0, 10).map(e => e.score),
    )
    const [even] = await runSearch(context, snapshot, { data: [query], limit: 10, filter: 'even == true' })
    t.strictSame(
      even!.map(h => h.score),
      dots
        .filter(e => e.even)
        .slice(0, 10)
        .map(e => e.score),
    )
    if (again > 16) await new Promise(resolve => setImmediate(resolve))
  }
})

t.test('P1 null vectors are never found; an all-null column gives nothing', async t => {
  const random = rng(seed)
  const schema = schemaOf([
    field('id', DataType.Int64, { primaryKey: true }),
    field('vec', DataType.FloatVector, { dim: 4, nullable: true }),
  ])
  const rows: MemoryRow[] = Array.from({ length: 60 }, (_, id) => ({
    values: { id, vec: id % 3 === 0 ? random.vector(4) : null },
    tick: id + 1,
  }))
  const context = contextOf(schema)
  const query = random.vector(4)
  for (const resident of [true, false]) {
    const segment = new MemorySegment(schema, rows, { id: 1, kind: 'sealed', resident })
    const [hits] = await runSearch(context, memorySnapshot([segment], 100), { data: [query], limit: 60 })
    sameHits(t, hits!, best('L2', query, rows, 60), `resident ${resident}`)
  }
  const nulls = new MemorySegment(
    schema,
    rows.filter(r => r.values['vec'] === null),
    { id: 1, kind: 'growing' },
  )
  t.strictSame(await runSearch(context, memorySnapshot([nulls], 100), { data: [query], limit: 5 }), [[]])
})

t.test('P1 round_decimal rounds half up at the asked place', async t => {
  const random = rng(seed)
  const fruit = randomFruit(random, { rowCount: 40 })
  const data = [random.vector(8)]
  const [exact] = await runSearch(fruit.context, fruit.snapshot, { data, limit: 10 })
  for (const roundDecimal of [0, 2, 6]) {
    const [rounded] = await runSearch(fruit.context, fruit.snapshot, { data, limit: 10, roundDecimal })
    const scale = 10 ** roundDecimal
    t.strictSame(
      rounded!.map(h => h.score),
      exact!.map(h => Math.floor(h.score * scale + 0.5) / scale),
    )
  }
})

t.test('P0 the key is in entity only when named or through *', async t => {
  const fruit = randomFruit(rng(seed), { rowCount: 5 })
  const data = [rng(2).vector(8)]
  const keysFor = async (outputFields?: string[]): Promise<string[]> => {
    const request = outputFields === undefined ? { data, limit: 1 } : { data, limit: 1, outputFields }
    return Object.keys((await runSearch(fruit.context, fruit.snapshot, request))[0]![0]!.entity)
  }
  t.strictSame(await keysFor([]), [])
  t.strictSame((await keysFor(['id', 'age'])).sort(), ['age', 'id'])
  t.ok((await keysFor()).includes('id'))
  t.ok((await keysFor(['*'])).includes('vec'))
})

t.test(
  'P1 search by ids: like the stored vectors, in id order; missing, repeated, without vector',
  async t => {
    const random = rng(seed)
    const fruit = randomFruit(random, { rowCount: 80, duplicates: 0.2 })
    const model = newestByKey(fruit.rows)
    const asked = [model[7]!, model[2]!, model[30]!]
    const byIds = await runSearch(fruit.context, fruit.snapshot, { ids: asked.map(keyOf), limit: 5 })
    const byVectors = await runSearch(fruit.context, fruit.snapshot, {
      data: asked.map(r => r.values['vec']),
      limit: 5,
    })
    t.strictSame(byIds, byVectors)
    t.strictSame(
      byIds.map(list => list[0]!.id),
      asked.map(keyOf),
    )
    const search = (ids: readonly (number | string)[]): Promise<unknown> =>
      runSearch(fruit.context, fruit.snapshot, { ids, limit: 5 })
    await t.rejects(search([1, 1]), { message: /duplicate IDs found in search request/ })
    await t.rejects(search([1, 4]), {
      message: /some of the provided primary key IDs do not exist: missing IDs = \[1 4\]/,
    })
    await t.rejects(search(['x']), { message: /primary key is int64, but IDs type mismatch/ })
  },
)

t.test('graph and scan find the same rows with the same scores', { skip: !hnswAvailable() }, async t => {
  for (const metric of METRICS as readonly ('L2' | 'IP' | 'COSINE')[]) {
    const random = rng(seed)
    const options = { rowCount: 6000, sealed: 1, deletes: 0.05, dim: 32, growing: false }
    const fruit = metricOf(randomFruit(random, options), metric)
    addGraphs(fruit, metric, 32)
    const [inMemory] = fruit.segments
    const onDisk = new MemorySegment(fruit.schema, inMemory!.rows, { id: 2, kind: 'sealed', resident: false })
    for (const [i, index] of inMemory!.indexes) onDisk.indexes.set(i, index)
    for (const segment of [inMemory!, onDisk]) {
      const snapshot = memorySnapshot([segment], fruit.lastTick)
      let found = 0
      for (const bound of [100, 60, 20, 3]) {
        const rows = visibleRows(fruit, fruit.lastTick).filter(row => (row.values['age'] as number) < bound)
        for (let q = 0; q < 5; q++) {
          const query = random.vector(32)
          const request = { data: [query], limit: 10, filter: `age < ${bound}`, outputFields: [] }
          const [hits] = await runSearch(fruit.context, snapshot, { ...request, params: { ef: 120 } })
          t.equal(hits!.length, 10)
          const scores = new Map(best(metric, query, rows, 10).map(e => [e.id, e.score]))
          for (const hit of hits!) {
            const wanted = scores.get(hit.id as number)
            if (wanted === undefined) continue
            found++
            if (Math.abs(hit.score - wanted) > 1e-5 * Math.max(1, Math.abs(wanted)))
              t.fail(`score ${hit.score}, not ${wanted}`)
          }
        }
      }
      t.ok(found >= 0.9 * 200, `${metric}: recall ${found / 200}`)
    }
    t.ok(onDisk.gathers > 0, 'candidates were gathered')
  }
})

t.test('a graph that proposes the wrong rows can slow a search down, never change its answer', async t => {
  const random = rng(seed)
  const dim = 256
  const schema = schemaOf([
    field('id', DataType.Int64, { primaryKey: true }),
    field('age', DataType.Int32),
    field('vec', DataType.FloatVector, { dim }),
  ])
  const rows: MemoryRow[] = Array.from({ length: 2000 }, (_, id) => ({
    values: { id, age: id, vec: random.vector(dim) },
    tick: id + 1,
  }))
  const segment = new MemorySegment(schema, rows, { id: 1, kind: 'sealed' })
  let calls = 0
  // Proposes rows by their number, whatever the query: the first 300 of them do not pass the filter.
  const search = (_: readonly number[], k: number): { labels: number[]; distances: number[] } => {
    calls++
    return { labels: Array.from({ length: k }, (_, label) => label), distances: new Array(k).fill(0) }
  }
  segment.indexes.set(2, {
    index: { size: 2000, search },
    rowOfLabel: Int32Array.from({ length: 2000 }, (_, row) => row),
  })
  const context = contextOf(schema)
  const snapshot = memorySnapshot([segment], 5000)
  const query = random.vector(dim)
  const passing = rows.filter(row => (row.values['age'] as number) >= 300)
  const all = best('L2', query, passing, 2000)
  const request = { data: [query], limit: 10, filter: 'age >= 300', outputFields: [] }
  const [hits] = await runSearch(context, snapshot, request)
  t.ok(calls > 0, 'the graph was asked')
  sameHits(t, hits!, all.slice(0, 10), 'in the end every row was compared')
  calls = 0
  const params = { radius: all[50]!.score, range_filter: all[20]!.score }
  const [band] = await runSearch(context, snapshot, { ...request, params })
  sameHits(t, band!, all.slice(20, 30), 'a range that leaves out the best rows')
  t.equal(calls, 0, 'is not for a graph')
  const [near] = await runSearch(context, snapshot, { ...request, filter: '', params: { radius: 1, ef: 32 } })
  t.strictSame(near, [])
  t.equal(calls, 1, 'one candidate out of range ends the search')
})
