/** Checklist 8.5, query and get: the P0 lines. */
import t from 'tap'
import { type Collection, type CreateCollection, DataType, type Row } from '../../lib/index.js'
import { EVERY_TYPE, typedRow } from '../support/every-type.js'
import { everywhere, ID, keys, L2, refuses, staged, VEC, withFields } from './fixture.js'

const TEXT_KEYS: Omit<CreateCollection, 'name'> = {
  fields: [
    { name: 'id', dataType: DataType.VarChar, maxLength: 16, primaryKey: true },
    { name: 'n', dataType: DataType.Int64 },
    VEC,
  ],
  indexes: [L2],
}
const N = withFields([{ name: 'n', dataType: DataType.Int64, nullable: true }], { enableDynamicField: true })
const row = (id: number, more: Row = {}): Row => ({ id, n: id * 10, vec: [id, 1], ...more })
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i))

t.test(
  '8.5.1 [P0] requested fields and the key; * with vectors of every type; dynamic keys; $meta',
  async t => {
    const given = [
      typedRow(1, p => p % 3, 'given'),
      typedRow(2, () => -1, 'given'),
      typedRow(3, p => (p + 1) % 3, 'given'),
    ]
    const read = [
      typedRow(1, p => p % 3, 'read'),
      typedRow(2, () => -1, 'read'),
      typedRow(3, p => (p + 1) % 3, 'read'),
    ]
    await everywhere(t, EVERY_TYPE, given, async (c, place) => {
      const found = await c.query({ filter: 'id > 0', outputFields: ['*'] })
      t.same(JSON.parse(plain(found)), JSON.parse(plain(read)), place)
      t.strictSame(await c.query({ filter: 'id == 1', outputFields: ['int8'] }), [
        { id: 1, int8: read[0]!['int8'] },
      ])
    })
    const { c } = await staged(t, N, [row(1, { a: 'x', b: { c: 1 } }), row(2, { a: null })])
    t.strictSame(await c.query({ filter: 'id > 0', outputFields: ['a'] }), [
      { id: 1, a: 'x' },
      { id: 2, a: null },
    ])
    t.strictSame(await c.query({ filter: 'id == 1', outputFields: ['b', 'n'] }), [
      { id: 1, b: { c: 1 }, n: 10 },
    ])
    t.strictSame(await c.query({ filter: 'id == 1', outputFields: ['$meta'] }), [
      { id: 1, $meta: { a: 'x', b: { c: 1 } } },
    ])
    t.strictSame(await c.query({ filter: 'id == 1', outputFields: ['*'] }), [
      { id: 1, n: 10, vec: [1, 1], a: 'x', b: { c: 1 } },
    ])
    t.strictSame(
      await c.query({ filter: 'id == 1' }),
      await c.query({ filter: 'id == 1', outputFields: ['*'] }),
    )
  },
)

const plain = (value: unknown): string =>
  JSON.stringify(value, (_, cell) => (typeof cell === 'bigint' ? `${cell}n` : cell))

t.test('8.5.2 [P0] no output fields: the key alone; names given twice collapse', async t => {
  await everywhere(t, N, rows(1, 3), async c => {
    t.strictSame(await c.query({ filter: 'id > 0', outputFields: [] }), [{ id: 1 }, { id: 2 }])
    t.strictSame(await c.query({ filter: 'id == 1', outputFields: ['n', 'n', ' n ', 'id'] }), [
      { id: 1, n: 10 },
    ])
    t.strictSame(await c.query({ filter: 'id == 1', outputFields: ['*', 'n'] }), [
      { id: 1, n: 10, vec: [1, 1] },
    ])
  })
})

t.test('8.5.3 [P0] an unknown output field', async t => {
  const { c, db } = await staged(t, withFields(), [{ id: 1, vec: [1, 1] }])
  await refuses(t, () => c.query({ filter: 'id > 0', outputFields: ['nope'] }), 1100, 'field nope not exist')
  await refuses(t, () => c.get([1], { outputFields: ['nope'] }), 1100, 'field nope not exist')
  const dynamic = await db.createCollection({ name: 'd', ...N })
  await dynamic.insert([row(1), row(2, { nope: 5 })])
  const found = await dynamic.query({ filter: 'id > 0', outputFields: ['nope'] })
  t.strictSame(found, [{ id: 1 }, { id: 2, nope: 5 }], 'a row without the key lacks it')
})

t.test('8.5.4 [P0] rows come sorted by key, across segments, after upsert and compaction', async t => {
  const made = await staged(
    t,
    N,
    [5, -3, 20, 0, 7].map(id => row(id)),
  )
  const check = async (wanted: number[], place: string) => {
    for (const filter of ['n > -1000', 'id in [20, 7, 5, 0, -3, 1, 100]', '']) {
      t.strictSame(await keys(made.c, filter), wanted, `${filter} ${place}`)
    }
  }
  await check([-3, 0, 5, 7, 20], 'growing')
  await made.c.flush()
  await made.c.insert([row(1), row(100)])
  await check([-3, 0, 1, 5, 7, 20, 100], 'mixed')
  await made.c.upsert([row(0), row(100), row(5)])
  await check([-3, 0, 1, 5, 7, 20, 100], 'after an upsert')
  await made.c.compact()
  await check([-3, 0, 1, 5, 7, 20, 100], 'compacted')
  await made.reopen()
  await check([-3, 0, 1, 5, 7, 20, 100], 'reopened')
  const texts = ['b', 'a', 'B', '', 'ä', '🦅', '10', '9', 'ab']
  const sorted = [...texts].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
  await everywhere(
    t,
    TEXT_KEYS,
    texts.map((id, n) => ({ id, n, vec: [n, 0] })),
    async c => {
      t.strictSame(await keys(c, 'n >= 0'), sorted, 'text keys bytewise')
    },
  )
})

async function pages(c: Collection, filter: string, size: number): Promise<unknown[]> {
  const all: unknown[] = []
  for (let offset = 0; ; offset += size) {
    const page = await c.query({ filter, limit: size, offset, outputFields: [] })
    all.push(...page.map(one => one['id']))
    if (page.length < size) return all
  }
}

t.test('8.5.5 [P0] pages by limit and offset concatenate to the whole list', async t => {
  await everywhere(t, N, rows(0, 50).reverse(), async c => {
    for (const [filter, size, passes] of [
      ['', 7, () => true],
      ['n >= 100', 10, (id: number) => id >= 10],
      ['id % 2 == 0', 1, (id: number) => id % 2 === 0],
      ['', 50, () => true],
    ] as const) {
      const wanted = rows(0, 50).filter(one => passes(one['id'] as number))
      t.strictSame(
        await pages(c, filter, size),
        wanted.map(one => one['id']),
        `${filter} by ${size}`,
      )
    }
    t.strictSame(await c.query({ filter: '', limit: 5, offset: 50 }), [])
    t.strictSame(await c.query({ filter: 'id >= 0', limit: 5, offset: 16_000 }), [])
    t.equal(
      (await c.query({ filter: 'id >= 0', offset: 5 })).length,
      50,
      'an offset without a limit is ignored',
    )
  })
})

t.test('8.5.6 [P0] windows that are refused', async t => {
  const { c } = await staged(t, N, rows(0, 3))
  const ask = (request: object) => () => c.query(request)
  await refuses(t, ask({ filter: '' }), 1100, 'empty expression should be used with limit')
  await refuses(t, ask({}), 1100, 'empty expression should be used with limit')
  await refuses(t, ask({ filter: '  ' }), 1100, 'empty expression should be used with limit')
  const window = 'invalid max query result window'
  for (const limit of [0, -1])
    await refuses(
      t,
      ask({ filter: '', limit }),
      1100,
      `${window}, limit [${limit}] is invalid, should be greater than 0`,
    )
  for (const [limit, shown] of [
    ['ten', 'ten'],
    [1.5, '1.5'],
    [{}, '{}'],
  ])
    await refuses(t, ask({ filter: '', limit }), 1100, `limit [${shown}] is invalid`)
  await refuses(
    t,
    ask({ filter: '', limit: 5, offset: -1 }),
    1100,
    `${window}, offset [-1] is invalid, should be gte than 0`,
  )
  for (const offset of ['x', 0.5])
    await refuses(t, ask({ filter: '', limit: 5, offset }), 1100, `offset [${String(offset)}] is invalid`)
  const range = '(offset+limit) should be in range [1, 16384], but got'
  await refuses(t, ask({ filter: '', limit: 16_385 }), 1100, window, `${range} 16385`)
  await refuses(t, ask({ filter: '', limit: 16_384, offset: 1 }), 1100, window, `${range} 16385`)
  t.equal((await c.query({ filter: '', limit: 16_383, offset: 1 })).length, 2)
})

t.test('8.5.7 [P0] empty filter with a limit, for integer and text keys in any order', async t => {
  const ids = [17, -4, 9_007_199_254_740_993n, 0, 3]
  await everywhere(
    t,
    N,
    ids.map(id => ({ id, n: 1, vec: [0, 0] })),
    async c => {
      t.strictSame(await keys(c, ''), [-4, 0, 3, 17, 9_007_199_254_740_993n])
      t.strictSame(
        (await c.query({ limit: 2, outputFields: [] })).map(one => one['id']),
        [-4, 0],
      )
    },
  )
  const texts = ['q', 'w', 'e', 'r', 't', 'y']
  await everywhere(
    t,
    TEXT_KEYS,
    texts.map((id, n) => ({ id, n, vec: [n, 0] })),
    async c => {
      t.strictSame(await c.query({ filter: '', limit: 3, outputFields: ['n'] }), [
        { id: 'e', n: 2 },
        { id: 'q', n: 0 },
        { id: 'r', n: 3 },
      ])
    },
  )
})

t.test('8.5.8 [P0] count(*)', async t => {
  const made = await staged(t, N)
  const { c } = made
  const count = async (filter = '') => {
    const answers = await c.query({ filter, outputFields: ['count(*)'] })
    t.equal(await c.count({ filter }), answers[0]!['count(*)'], `count() of ${filter}`)
    return answers
  }
  t.strictSame(await count(), [{ 'count(*)': 0 }], 'an empty collection')
  await c.createPartition('p')
  await c.insert(rows(0, 10))
  await c.insert(rows(10, 15), { partitionName: 'p' })
  t.strictSame(await count(), [{ 'count(*)': 15 }])
  t.strictSame(await c.query({ outputFields: ['COUNT( * )'] }).then(([one]) => Object.values(one!)), [15])
  t.strictSame(await count('n >= 50'), [{ 'count(*)': 10 }])
  t.equal(await c.count({ partitionNames: ['p'] }), 5)
  t.equal(await c.count({ partitionNames: ['_default'], filter: 'id < 3' }), 3)
  await c.delete({ ids: [0, 1, 99] })
  t.strictSame(await count(), [{ 'count(*)': 13 }])
  await c.flush()
  await c.delete({ filter: 'id == 2' })
  await c.upsert([row(3), row(100)])
  t.strictSame(await count(), [{ 'count(*)': 13 }], 'after delete and upsert')
  await c.compact()
  t.strictSame(await count(), [{ 'count(*)': 13 }], 'compacted')
  for (const request of [{ limit: 5 }, { limit: 5, offset: 1 }]) {
    await refuses(
      t,
      () => c.query({ ...request, outputFields: ['count(*)'] }),
      1100,
      'count entities with pagination is not allowed',
    )
  }
  await c.truncate()
  t.strictSame(await count(), [{ 'count(*)': 0 }], 'truncated')
  await made.reopen()
  t.equal(await made.c.count(), 0)
})

t.test('8.5.9 [P0] get', async t => {
  await everywhere(t, N, rows(0, 6), async c => {
    t.strictSame(await c.get(3), [{ id: 3, n: 30, vec: [3, 1] }])
    t.strictSame(
      await c.get([4, 99, 2, -1], { outputFields: ['n'] }),
      [
        { id: 4, n: 40 },
        { id: 2, n: 20 },
      ],
      'in the order asked',
    )
    t.strictSame(await c.get([1, 1], { outputFields: [] }), [{ id: 1 }])
    t.strictSame(await c.get(['5', 0n], { outputFields: [] }), [{ id: 5 }, { id: 0 }])
    t.strictSame(await c.get([]), [])
    t.strictSame(
      await c.get([1], { outputFields: ['*'] }),
      await c.query({ filter: 'id == 1', outputFields: ['*'] }),
    )
  })
  const { c } = await staged(t, TEXT_KEYS, [
    { id: 'a"b', n: 1, vec: [0, 0] },
    { id: "it's", n: 2, vec: [0, 0] },
  ])
  t.strictSame(await c.get(["it's", 'nope', 'a"b'], { outputFields: ['n'] }), [
    { id: "it's", n: 2 },
    { id: 'a"b', n: 1 },
  ])
  await refuses(t, () => c.get(['x'] as never, { outputFields: ['nope'] }), 1100, 'field nope not exist')
})

t.test('8.5.10 [P0] the same key inserted twice: one row, the latest', async t => {
  const made = await staged(t, N, [row(1, { n: 1 }), row(2)])
  const check = async (n: number, place: string) => {
    t.strictSame(await made.c.query({ filter: 'id == 1', outputFields: ['n'] }), [{ id: 1, n }], place)
    t.strictSame(
      await made.c.query({ filter: '', limit: 9, outputFields: ['n'] }),
      [
        { id: 1, n },
        { id: 2, n: 20 },
      ],
      place,
    )
    t.strictSame(await made.c.get([1], { outputFields: ['n'] }), [{ id: 1, n }], place)
  }
  await made.c.insert([row(1, { n: 2 })])
  await check(2, 'growing')
  await made.c.flush()
  await made.c.insert([row(1, { n: 3 })])
  await check(3, 'mixed')
  await made.c.insert([row(1, { n: 4 }), row(1, { n: 5 })])
  await check(5, 'within one request')
  await made.c.compact()
  await check(5, 'compacted')
  await made.reopen()
  await check(5, 'reopened')
  const [hits] = await made.c.search({ data: [[1, 1]], limit: 10, outputFields: ['n'] })
  t.strictSame(
    hits!.map(hit => [hit.id, hit.entity['n']]),
    [
      [1, 5],
      [2, 20],
    ],
  )
})

t.test('8.5.11 [P0] a query right after a write sees it', async t => {
  const { c } = await staged(t, N)
  for (let i = 0; i < 20; i++) {
    await c.insert([row(i)])
    t.equal((await keys(c, `id == ${i}`)).length, 1)
    await c.upsert([row(i, { n: -i })])
    t.strictSame(await c.query({ filter: `id == ${i}`, outputFields: ['n'] }), [{ id: i, n: -i || 0 }])
    if (i % 5 === 4) await c.flush()
    if (i % 2 === 0) continue
    await c.delete({ ids: [i] })
    t.strictSame(await keys(c, `id == ${i}`), [])
    t.equal(await c.count(), (i + 1) / 2)
  }
})

t.test('8.5.12 [P0] partition names', async t => {
  const made = await staged(t, N, rows(0, 3))
  const { c } = made
  for (const name of ['p', 'q', 'none']) await c.createPartition(name)
  await c.insert(rows(10, 12), { partitionName: 'p' })
  await c.insert(rows(20, 21), { partitionName: 'q' })
  const check = async () => {
    const ids = async (partitionNames: string[]) =>
      (await made.c.query({ filter: 'id >= 0', outputFields: [], partitionNames })).map(one => one['id'])
    t.strictSame(await ids(['p']), [10, 11])
    t.strictSame(await ids(['q', 'p']), [10, 11, 20])
    t.strictSame(await ids(['p', 'p']), [10, 11])
    t.strictSame(await ids([]), [0, 1, 2, 10, 11, 20])
    t.strictSame(await ids(['_default']), [0, 1, 2])
    t.strictSame(await ids(['none']), [])
  }
  await check()
  await c.compact()
  await check()
  await made.reopen()
  await check()
  await refuses(
    t,
    () => made.c.query({ filter: 'id > 0', partitionNames: ['x'] }),
    1100,
    'partition name x not found',
  )
  await refuses(
    t,
    () => made.c.query({ filter: 'id > 0', partitionNames: ['p', 'x'] }),
    1100,
    'partition name x not found',
  )
  await refuses(
    t,
    () => made.c.search({ data: [[0, 0]], limit: 1, partitionNames: ['x'] }),
    1100,
    'partition name x not found',
  )
})

t.test('8.5.9 [P0] keys at the edges of 32 bits', async t => {
  const ids = [-(2 ** 33), -3_000_000_000, -1, 2 ** 31, 3_000_000_000, 2 ** 32 - 1, 2 ** 32, 2n ** 63n - 1n]
  const given = ids.map((id, n) => ({ id, n, vec: [n, 0] }))
  await everywhere(t, N, given, async (c, place) => {
    t.strictSame(await keys(c, ''), ids, place)
    for (const [n, id] of ids.entries()) {
      t.strictSame(await c.get([id], { outputFields: ['n'] }), [{ id, n }], `${id} ${place}`)
      t.strictSame(await keys(c, `id == ${id}`), [id])
      const [hits] = await c.search({ data: [[n, 0]], limit: 1, outputFields: [] })
      t.equal(hits![0]!.id, id)
    }
  })
})

t.test('8.5.9 [P0] rows that are gone stay away from lists of a scalar index', async t => {
  const { c } = await staged(t, N, rows(0, 640), { indexRowsMin: 16 })
  await c.flush()
  await c.createIndex({ fieldName: 'n', indexType: 'STL_SORT' })
  await c.compact()
  await c.delete({ ids: [5] })
  await c.upsert([row(6, { n: 60 }), row(7, { n: -1 })])
  t.strictSame(await keys(c, 'n in [50, 60, 70, 80]'), [6, 8])
  t.equal(await c.count({ filter: 'n in [50, 60, 70, 80]' }), 2)
  t.strictSame(await keys(c, 'n == 50'), [])
})

t.test('8.5.12 [P0] a key named id may be anything else', async t => {
  const { c } = await staged(t, { fields: [{ ...ID, name: 'pk' }, VEC], indexes: [L2] }, [
    { pk: 4, vec: [0, 0] },
  ])
  t.strictSame(await c.query({ filter: 'pk > 0', outputFields: [] }), [{ pk: 4 }])
})
