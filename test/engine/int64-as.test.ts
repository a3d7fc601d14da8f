/**
 * Option `int64As`: in which form Int64 values leave, wherever they leave: keys, fields, array elements, ids of writes
 * and hits. Values beyond 2^53 are exact in every form but 'number', which is for those who know that theirs are small.
 */
import t from 'tap'
import { type Collection, DataType, open } from '../../lib/index.js'
import { schemaWith } from '../support/states.js'

const BIG = 2n ** 63n - 1n
const FORMS = {
  auto: { small: 5, big: BIG },
  number: { small: 5, big: Number(BIG) },
  bigint: { small: 5n, big: BIG },
  string: { small: '5', big: '9223372036854775807' },
} as const

const SCHEMA = schemaWith([
  { name: 'n', dataType: DataType.Int64, nullable: true },
  { name: 'list', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 4 },
  { name: 'small', dataType: DataType.Int32 },
])

for (const int64As of ['auto', 'number', 'bigint', 'string'] as const) {
  t.test(`int64As '${int64As}'`, async t => {
    const { small, big } = FORMS[int64As]
    const db = await open(t.testdir(), { int64As })
    t.teardown(() => db.close())
    const c = await db.createCollection({ ...SCHEMA, name: 'c' })
    const rows = [
      { id: 5, n: BIG, list: [5, BIG], small: 1, vec: [0, 0] },
      { id: BIG, n: null, list: [], small: 2, vec: [1, 0] },
    ]
    t.strictSame((await c.insert(rows)).ids, [small, big], 'insert')
    t.strictSame((await c.upsert(rows)).ids, [small, big], 'upsert')
    t.strictSame((await c.upsert([{ id: BIG, small: 2 }], { partialUpdate: true })).ids, [big], 'merge')
    const expected = [
      { id: small, n: big, list: [small, big], small: 1, vec: [0, 0] },
      { id: big, n: null, list: [], small: 2, vec: [1, 0] },
    ]
    const check = async (collection: Collection, when: string): Promise<void> => {
      t.strictSame(await collection.query({ filter: 'id > 0' }), expected, `query ${when}`)
      for (const ids of [
        [5, BIG],
        ['5', String(BIG)],
      ])
        t.strictSame(await collection.get(ids), expected, `get ${when}`)
      const request = { data: [[0, 0]], limit: 2, outputFields: ['id', 'n'] }
      const [hits] = await collection.search(request)
      t.strictSame(
        hits!.map(({ id, entity }) => [id, entity]),
        [
          [small, { id: small, n: big }],
          [big, { id: big, n: null }],
        ],
        `search ${when}`,
      )
      const [grouped] = await collection.search({ ...request, groupByField: 'n' })
      t.strictSame(new Set(grouped!.map(hit => hit.groupByValue)), new Set([big, null]), `grouping ${when}`)
      const [fused] = await collection.hybridSearch({ requests: [{ data: [[0, 0]] }], limit: 2 })
      t.strictSame(new Set(fused!.map(hit => hit.id)), new Set([small, big]), `hybrid ${when}`)
    }
    await check(c, 'growing')
    await c.flush()
    await check(c, 'flushed')
  })
}

t.test('keys that come out go in again', async t => {
  for (const int64As of ['auto', 'bigint', 'string'] as const) {
    const db = await open(`${t.testdir()}/${int64As}`, { int64As })
    const c = await db.createCollection({ ...SCHEMA, name: 'c', autoId: true })
    const { ids } = await c.insert([
      { list: [], small: 1, vec: [0, 0] },
      { list: [], small: 2, vec: [0, 0] },
    ])
    t.equal((await c.get([...ids])).length, 2, int64As)
    const merged = await c.upsert([{ id: ids[0], small: 3 }], { partialUpdate: true })
    t.equal((await c.get([...merged.ids]))[0]!['small'], 3)
    t.equal((await c.delete({ ids: [...merged.ids, ids[1]!] })).deleteCount, 2)
    t.equal(await c.count(), 0)
    await db.close()
  }
})
