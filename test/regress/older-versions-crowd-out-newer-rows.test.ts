/**
 * Rows inserted several times under one key: of equal scores the newest is the hit, also in the last place of a result;
 * and versions that are left out never keep a better row of their segment out.
 */
import t from 'tap'
import { type Collection, DataType, type FieldRequest, type Row } from '../../lib/index.js'
import { hitKeys, L2, stage, staged, withFields } from '../checklist/fixture.js'

const N = withFields([{ name: 'n', dataType: DataType.Int64 }])
const versions = (ids: readonly number[], n: number): Row[] => ids.map(id => ({ id, n, vec: [id, 0] }))

async function found(c: Collection, limit: number, more: object = {}): Promise<unknown[]> {
  const [hits] = await c.search({ data: [[0, 0]], limit, outputFields: ['n'], ...more })
  return hits!.map(hit => [hit.id, hit.entity['n']])
}

t.test('the newest of equal scores, in the last place too', async t => {
  const { db } = await stage(t)
  for (const place of ['growing', 'sealed and growing', 'flushed', 'compacted']) {
    const c = await db.createCollection({ name: place.replaceAll(' ', '_'), ...N })
    await c.insert(versions([3, 1, 2], 1))
    if (place === 'sealed and growing') await c.flush()
    await c.insert(versions([2, 3, 1], 2))
    if (place === 'flushed') await c.flush()
    if (place === 'compacted') await c.compact()
    for (const limit of [1, 2, 3, 4]) {
      const wanted = [1, 2, 3].slice(0, limit).map(id => [id, 2])
      t.strictSame(await found(c, limit), wanted, `${limit}, ${place}`)
    }
    t.strictSame(await found(c, 1, { offset: 1 }), [[2, 2]], place)
    const fused = await c.hybridSearch({ requests: [{ data: [[0, 0]] }], limit: 1, outputFields: ['n'] })
    t.strictSame(fused[0]![0]!.entity, { n: 2 }, place)
  }
})

t.test('the newest of thousands of equal scores', async t => {
  const rows = (n: number): Row[] =>
    Array.from({ length: 1_500 }, (_, i) => ({ id: 1_499 - i, n, vec: [1, 0] }))
  const { c } = await staged(t, N, rows(1))
  await c.insert(rows(2))
  t.strictSame(await found(c, 2), [
    [0, 2],
    [1, 2],
  ])
})

t.test('a tie at the end goes to the smaller key, whatever was left out', async t => {
  const { c } = await staged(t, N, [
    { id: 1, n: 1, vec: [0, 0] },
    { id: 1, n: 2, vec: [0, 0] },
    { id: 2, n: 1, vec: [5, 0] },
    { id: 3, n: 1, vec: [5, 0] },
  ])
  await c.flush()
  await c.insert([{ id: 9, n: 1, vec: [5, 0] }])
  t.strictSame(await found(c, 3), [
    [1, 2],
    [2, 1],
    [3, 1],
  ])
})

t.test('groups are not taken from behind the versions of a key', async t => {
  const { c } = await staged(t, N, [
    ...Array.from({ length: 70 }, () => ({ id: 1, n: 1, vec: [0, 0] })),
    { id: 2, n: 2, vec: [1, 0] },
  ])
  await c.flush()
  await c.insert([{ id: 9, n: 9, vec: [5, 0] }])
  const [hits] = await c.search({ data: [[0, 0]], limit: 2, groupByField: 'n' })
  t.strictSame(hitKeys(hits), [1, 2])
})

t.test('equal scores of lists of vectors go to the smaller key', async t => {
  const emb = { name: 'emb', dataType: DataType.FloatVector, dim: 2 }
  const struct = {
    name: 'st',
    dataType: DataType.Array,
    elementType: DataType.Struct,
    maxCapacity: 4,
    fields: [emb],
  }
  const definition = withFields([struct as unknown as FieldRequest])
  const made = await staged(t, {
    ...definition,
    indexes: [L2, { fieldName: 'st[emb]', indexType: 'HNSW', metricType: 'MAX_SIM_IP' }],
  })
  await made.c.insert([5, 3, 9, 1].map(id => ({ id, vec: [0, 0], st: [{ emb: [1, 0] }] })))
  for (const place of ['growing', 'compacted']) {
    const [hits] = await made.c.search({ data: [[[1, 0]]] as never, annsField: 'st[emb]', limit: 3 })
    t.strictSame(hitKeys(hits), [1, 3, 5], place)
    await made.c.compact()
  }
})
