/** Checklist 8.7, more of what hybrid searches and rankers do: versions of a key, groups, decay by every type. */
import t from 'tap'
import { DataType } from '../../lib/index.js'
import { everywhere, hitKeys, ID, L2, staged, withFields } from './fixture.js'

const TWO = withFields(
  [
    { name: 'n', dataType: DataType.Int64 },
    { name: 'v2', dataType: DataType.FloatVector, dim: 2 },
  ],
  { indexes: [L2, { ...L2, fieldName: 'v2' }] },
)

t.test('8.7.3 [P0] sub-searches without a limit find enough for a page behind an offset', async t => {
  const rows = [0, 1, 2, 3, 4, 5].map(id => ({ id, n: id, vec: [id, 0], v2: [0, id] }))
  await everywhere(t, TWO, rows, async (c, place) => {
    const requests = ['vec', 'v2'].map(annsField => ({ annsField, data: [[0, 0]] }))
    for (const given of [requests, requests.slice(1)]) {
      const [hits] = await c.hybridSearch({ requests: given, limit: 2, offset: 3 })
      t.strictSame(hitKeys(hits), [3, 4], `${given.length} ${place}`)
    }
  })
})

t.test(
  '8.7.7 [P1] a key that was inserted twice and is found in both lists shows its newest row',
  async t => {
    const made = await staged(t, TWO, [{ id: 1, n: 1, vec: [0, 0], v2: [9, 9] }])
    await made.c.insert([{ id: 1, n: 2, vec: [9, 9], v2: [0, 0] }])
    const requests = ['vec', 'v2'].map(annsField => ({ annsField, data: [[0, 0]] }))
    for (const place of ['growing', 'flushed', 'reopened']) {
      for (const given of [requests, [...requests].reverse()]) {
        const [hits] = await made.c.hybridSearch({ requests: given, limit: 3, outputFields: ['n'] })
        t.strictSame(
          hits!.map(hit => [hit.id, hit.entity['n']]),
          [[1, 2]],
          `${given[0]!.annsField} first, ${place}`,
        )
      }
      if (place === 'growing') await made.c.flush()
      else await made.reopen()
    }
  },
)

t.test('8.7.7 [P1] groups of equal score: the larger one first, then the smaller key', async t => {
  const rows = [0, 1, 2, 3, 4].map(id => ({ id, n: [7, 8, 8, 9, 9][id]!, vec: [id, 0], v2: [id, 0] }))
  await everywhere(t, TWO, rows, async (c, place) => {
    // The first of each list has 1 / 61: keys 0, 1 and 3, of groups of one, two and two.
    const requests = [7, 8, 9].map(n => ({ annsField: 'vec', data: [[0, 0]], filter: `n == ${n}` }))
    const [hits] = await c.hybridSearch({ requests, limit: 3, groupByField: 'n', groupSize: 2 })
    t.strictSame(
      hits!.map(hit => [hit.groupByValue, hit.id]),
      [
        [8, 1],
        [8, 2],
        [9, 3],
        [9, 4],
        [7, 0],
      ],
      place,
    )
  })
})

const decay = (field: string) => ({
  functionScore: {
    functions: [
      {
        name: 'd',
        type: 3,
        inputFieldNames: [field],
        params: { reranker: 'decay', function: 'gauss', origin: 5, scale: 4 },
      },
    ],
  },
})

t.test('8.7.8 [P1] decay by every numeric type, with a partition key and a scalar index', async t => {
  const types = ['Int8', 'Int16', 'Int32', 'Int64', 'Float', 'Double'] as const
  const numbers = types.map(type => ({ name: type, dataType: DataType[type] }))
  const key = { name: 'k', dataType: DataType.Int64, partitionKey: true }
  const definition = {
    fields: [ID, key, ...numbers, { name: 's', dataType: DataType.SparseFloatVector }],
    indexes: [
      { fieldName: 's', metricType: 'IP' },
      ...['Int64', 'Double'].map(fieldName => ({ fieldName, indexType: 'STL_SORT' })),
    ],
  }
  const rows = [0, 2, 5, 9, 13].map((value, id) => ({
    id,
    k: id % 2,
    s: { 1: 1 },
    ...Object.fromEntries(types.map(type => [type, value])),
  }))
  // The score of the vector is 1, so the decay is what remains.
  const scoreOf = (value: number) => Math.exp((Math.abs(value - 5) ** 2 * Math.log(0.5)) / 16)
  await everywhere(t, definition, rows, async (c, place) => {
    for (const type of types) {
      for (const [filter, ids] of [
        ['', [2, 1, 3, 0, 4]],
        ['k == 0', [2, 0, 4]],
        [`${type} > 2`, [2, 3, 4]],
      ] as const) {
        const [hits] = await c.search({
          data: [{ 1: 1 }],
          limit: 9,
          filter,
          outputFields: [type],
          ...decay(type),
        })
        t.strictSame(hitKeys(hits), ids, `${type} ${filter} ${place}`)
        t.ok(
          hits!.every(hit => Math.abs(hit.score - scoreOf(hit.entity[type] as number)) < 1e-5),
          `scores by ${type}`,
        )
      }
    }
  })
})
