/** §9.1 of the semantics: points on which Milvus's own sources differ. The choices are in docs/compatibility.md. */
import t from 'tap'
import { DataType } from '../../lib/index.js'
import { hitKeys, ID, keys, L2, staged, withFields } from './fixture.js'

t.test('9.1 a JSON field compared as a whole', async t => {
  const rows = [5, -1, 'x', { k: 1 }, [1], null, true].map((j, id) => ({ id, j, vec: [0, 0] }))
  const { c } = await staged(t, withFields([{ name: 'j', dataType: DataType.JSON, nullable: true }]), rows)
  for (const place of ['growing', 'compacted']) {
    t.strictSame(await keys(c, 'j > 0'), [0], place)
    t.strictSame(await keys(c, 'j == "x"'), [2])
    t.strictSame(await keys(c, 'not (j > 0)'), [1], 'objects, arrays and other types are unknown')
    await c.compact()
  }
})

t.test('9.1 times without a zone mean the same in queries and searches', async t => {
  const definition = withFields([{ name: 'ts', dataType: DataType.Timestamptz }], {
    properties: { timezone: 'Asia/Shanghai' },
  })
  const { c } = await staged(t, definition, [
    { id: 1, ts: '2025-01-01 00:00:00', vec: [0, 0] },
    { id: 2, ts: '2025-01-01T00:00:00Z', vec: [0, 0] },
  ])
  const filter = "ts == ISO '2025-01-01T00:00:00'"
  t.strictSame(await keys(c, filter), [1])
  t.strictSame(hitKeys((await c.search({ data: [[0, 0]], limit: 5, filter }))[0]), [1])
})

t.test('9.1 JACCARD of two empty sets is 1, COSINE of a zero vector is 0', async t => {
  const { c, db } = await staged(
    t,
    {
      fields: [ID, { name: 'vec', dataType: DataType.BinaryVector, dim: 8 }],
      indexes: [{ fieldName: 'vec', metricType: 'JACCARD' }],
    },
    [
      { id: 1, vec: [0] },
      { id: 2, vec: [1] },
    ],
  )
  t.strictSame(
    (await c.search({ data: [[0]], limit: 2 }))[0]!.map(hit => [hit.id, hit.score]),
    [
      [1, 1],
      [2, 1],
    ],
  )
  const cosine = await db.createCollection({
    name: 'd',
    ...withFields([], { indexes: [{ ...L2, metricType: 'COSINE' }] }),
  })
  await cosine.insert([
    { id: 1, vec: [0, 0] },
    { id: 2, vec: [1, 0] },
  ])
  t.strictSame(
    (await cosine.search({ data: [[1, 0]], limit: 2 }))[0]!.map(hit => [hit.id, hit.score]),
    [
      [2, 1],
      [1, 0],
    ],
  )
  t.strictSame(
    (await cosine.search({ data: [[0, 0]], limit: 2 }))[0]!.map(hit => hit.score),
    [0, 0],
  )
})

t.test('9.1 linear decay stops at decay', async t => {
  const { c } = await staged(
    t,
    withFields([{ name: 'n', dataType: DataType.Int64 }], { indexes: [{ ...L2, metricType: 'IP' }] }),
    [{ id: 1, n: 1000, vec: [1, 0] }],
  )
  const params = { reranker: 'decay', function: 'linear', origin: 0, scale: 1, decay: 0.25 }
  const functionScore = { functions: [{ name: 'd', type: 3, inputFieldNames: ['n'], params }] }
  t.equal((await c.search({ data: [[1, 0]], limit: 1, functionScore }))[0]![0]!.score, 0.25)
})

t.test('9.1 count(*) counts every live version of a key', async t => {
  const made = await staged(t, withFields(), [
    { id: 1, vec: [0, 0] },
    { id: 1, vec: [1, 0] },
  ])
  t.equal(await made.c.count(), 2)
  t.equal((await keys(made.c, '')).length, 1, 'rows are read once')
  await made.c.upsert([{ id: 1, vec: [2, 0] }])
  t.equal(await made.c.count(), 1)
})

t.test('9.1 a partial load is a hint', async t => {
  const v2 = { name: 'v2', dataType: DataType.FloatVector, dim: 2 }
  const definition = withFields([{ name: 'n', dataType: DataType.Int64 }, v2], { load: false })
  const { c } = await staged(t, definition, [{ id: 1, n: 5, vec: [0, 0], v2: [1, 1] }])
  await c.load({ loadFields: ['id', 'vec'] })
  t.strictSame(await c.query({ filter: 'n == 5', outputFields: ['n', 'v2'] }), [{ id: 1, n: 5, v2: [1, 1] }])
})

t.test('9.1 grouping by JSON without a type, aggregates over nothing', async t => {
  const rows = [1, '1', 1, null].map((k, id) => ({ id, j: { k }, n: null, vec: [id, 0] }))
  const { c } = await staged(
    t,
    withFields([
      { name: 'j', dataType: DataType.JSON },
      { name: 'n', dataType: DataType.Int64, nullable: true },
    ]),
    rows,
  )
  const [hits] = await c.search({ data: [[0, 0]], limit: 9, groupByField: 'j["k"]' })
  t.strictSame(
    hits!.map(hit => [hit.id, hit.groupByValue]),
    [
      [0, '1'],
      [1, '"1"'],
      [3, null],
    ],
    'by the text of the JSON',
  )
  const [none] = await c.query({
    filter: 'id > 100',
    outputFields: ['count(*)', 'sum(n)', 'avg(n)', 'min(n)', 'max(n)'],
  })
  t.strictSame(none, { 'count(*)': 0, 'sum(n)': null, 'avg(n)': null, 'min(n)': null, 'max(n)': null })
})
