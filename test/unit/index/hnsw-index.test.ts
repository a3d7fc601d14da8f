import { writeFileSync } from 'node:fs'
import Module from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { TopK } from '../../../lib/base/top-k.js'
import { scanAll } from '../../../lib/index/flat-index.js'
import {
  buildHnsw,
  disableHnsw,
  enableHnsw,
  HnswBuilder,
  hnswAvailable,
  hnswLoadFailure,
  loadHnsw,
} from '../../../lib/index/hnsw-index.js'
import { type DenseQuery, graphQuery, prepareQuery } from '../../../lib/index/query-vector.js'
import type { HnswParams } from '../../../lib/index/vector-index.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { rng } from '../../support/rng.js'
import { fieldOf } from './fixtures-vectors.js'

const seed = Number(process.env['SEED'] ?? 5)
const skip = hnswAvailable() ? false : 'hnswlib-node is not installed here'
const DIM = 8

function paramsFor(metric: HnswParams['metric']): HnswParams {
  return { metric, dim: DIM, m: 8, efConstruction: 60 }
}

function vectors(count: number): Float32Array {
  const random = rng(seed)
  return Float32Array.from({ length: count * DIM }, () => random.gauss())
}

t.test('without the library every search is exact, and asking for a graph says so', async t => {
  disableHnsw()
  t.equal(hnswAvailable(), false)
  t.throws(() => buildHnsw(paramsFor('L2'), 10), { code: 2, message: /hnswlib-node is not available/ })
  await t.rejects(loadHnsw('/nowhere', paramsFor('L2'), 1), { code: 2 })
  enableHnsw()
  t.equal(hnswLoadFailure(), undefined)
})

t.test('a library that is not installed is an answer, not a failure', async t => {
  // The door loads the library through Node's CommonJS loader: make that one name unknown to it.
  const loader = Module as unknown as { _load: (name: string, ...rest: unknown[]) => unknown }
  const load = loader._load
  loader._load = (name, ...rest) => {
    if (name === 'hnswlib-node') throw new Error('Cannot find module')
    return load(name, ...rest)
  }
  enableHnsw()
  try {
    t.equal(hnswAvailable(), false)
    t.match(hnswLoadFailure(), { message: 'Cannot find module' })
  } finally {
    loader._load = load
    enableHnsw()
  }
})

for (const metric of ['L2', 'IP', 'COSINE'] as const) {
  t.test(`${metric}: a wide enough search finds what a scan finds (SEED=${seed})`, { skip }, async t => {
    const count = 600
    const values = vectors(count)
    const builder = buildHnsw(paramsFor(metric), 100)
    for (let i = 0; i < count; i++) {
      if (builder.size === builder.capacity) builder.grow(builder.capacity * 2)
      builder.add(values, i * DIM, i)
    }
    builder.grow(1)
    t.ok(builder.capacity >= count, 'grow never shrinks')
    const index = builder.finish()
    t.equal(index.size, count)
    const column = { layout: 'fixed', width: DIM, values, validity: null } as const
    const field = fieldOf(DataType.FloatVector, DIM)
    const random = rng(seed + 1)
    for (let round = 0; round < 20; round++) {
      const query = prepareQuery(field, metric, random.vector(DIM)) as DenseQuery
      const top = new TopK(10)
      scanAll(query, column, null, 0, count, top)
      const hits = index.search(graphQuery(query), 10, count)
      t.same([...Array.from(hits.labels)], [...top.drain().rows])
    }
    const all = index.search(
      graphQuery(prepareQuery(field, metric, random.vector(DIM)) as DenseQuery),
      9999,
      1,
    )
    // Inner product is no distance: its graph may leave a few points without a way to them.
    if (metric === 'IP') t.ok(all.labels.length > count * 0.95)
    else t.equal(all.labels.length, count, 'more than there is gives all there is')
    t.throws(() => index.search([1, 2], 1, 1), /invariant broken/)
  })
}

t.test('a saved graph opens again, for searching and for more points', { skip }, async t => {
  const dir = t.testdir()
  const path = join(dir, 'a.graph')
  const values = vectors(300)
  const builder = buildHnsw(paramsFor('L2'), 1000)
  for (let i = 0; i < 200; i++) builder.add(values, i * DIM, i)
  await builder.save(path)
  t.equal(builder.capacity, 200, 'room for no more than its points is written')
  const query = [...values.subarray(0, DIM)]
  const before = builder.finish().search(query, 5, 200)
  t.same((await loadHnsw(path, paramsFor('L2'), 200)).search(query, 5, 200), before)
  const more = await HnswBuilder.open(path, paramsFor('L2'), 300)
  t.equal(more.size, 200)
  for (let i = 200; i < 300; i++) more.add(values, i * DIM, i)
  const last = [...values.subarray(299 * DIM)]
  t.equal(more.finish().search(last, 1, 300).labels[0], 299)
})

t.test('what cannot be read or written is a Milvus error', { skip }, async t => {
  const dir = t.testdir()
  const builder = buildHnsw(paramsFor('L2'), 4)
  builder.add(vectors(1), 0, 0)
  await t.rejects(builder.save(join(dir, 'no', 'such', 'folder')), { code: 1001 })
  await t.rejects(loadHnsw(join(dir, 'missing'), paramsFor('L2'), 1), { code: 1002 })
  writeFileSync(join(dir, 'short'), Buffer.alloc(96))
  await t.rejects(loadHnsw(join(dir, 'short'), paramsFor('L2'), 1), { code: 1002 })
  const path = join(dir, 'one')
  await builder.save(path)
  await t.rejects(loadHnsw(path, paramsFor('L2'), 2), {
    code: 1002,
    message: /expected=2\]\[actual=1/,
  })
})

t.test('the builder refuses what would break the graph', { skip }, async t => {
  const values = vectors(3)
  const builder = buildHnsw(paramsFor('COSINE'), 1)
  t.throws(() => builder.add(values, 0, 1), /labels are dense/)
  t.throws(() => builder.add(values, 3 * DIM - 1, 0), /vector is complete/)
  await t.rejects(builder.save('unused'), /no points/)
  builder.add(new Float32Array(DIM), 0, 0)
  t.throws(() => builder.add(values, 0, 1), /has room/)
  builder.grow(2)
  builder.add(values, 0, 1)
  const index = builder.finish()
  t.throws(() => builder.grow(9), /invariant broken/)
  const hits = index.search(new Array(DIM).fill(0), 2, 2)
  t.equal(hits.labels.length, 2, 'zero vectors can be stored and asked for')
})
