import t from 'tap'
import { compareKeys as compareByMerge } from '../../../lib/query/pk-merge.js'
import type { Row } from '../../../lib/query/request.js'
import { runCount, runGet, runQuery } from '../../../lib/query/retrieve.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { PkKey } from '../../../lib/segment/segment.js'
import { compareKeys, type MemoryRow, MemorySegment, memorySnapshot } from '../../support/memory-segment.js'
import { rng, seedOf } from '../../support/rng.js'
import {
  contextOf,
  type Fruit,
  field,
  keyOf,
  newestByKey,
  randomFruit,
  schemaOf,
  visibleRows,
} from './fixture.js'

const seed = seedOf(7)
const ids = (rows: readonly Row[]): unknown[] => rows.map(row => row['id'])

/** Filters with the predicate they stand for (TRUE rows only: NULL never matches). */
const FILTERS: readonly [string, (row: MemoryRow) => boolean][] = [
  ['age >= 50', row => (row.values['age'] as number) >= 50],
  ['color == "red" or price < 20', r => r.values['color'] === 'red' || below(r, 20)],
  ['color != "red"', row => row.values['color'] !== null && row.values['color'] !== 'red'],
  ['price is null', row => row.values['price'] === null],
  ['age > 1000', () => false],
]

function below(row: MemoryRow, price: number): boolean {
  return row.values['price'] !== null && (row.values['price'] as number) < price
}

function settings(): { readonly name: string; readonly fruit: Fruit }[] {
  const random = rng(seed)
  const base = { duplicates: 0.2, deletes: 0.2, partitions: 3 }
  return [
    { name: 'int64 keys, in memory', fruit: randomFruit(random, base) },
    { name: 'varchar keys, in memory', fruit: randomFruit(random, { ...base, pk: 'varchar' }) },
    { name: 'int64 keys, on disk', fruit: randomFruit(random, { ...base, resident: false, sealed: 4 }) },
    { name: 'growing only', fruit: randomFruit(random, { ...base, sealed: 0 }) },
    { name: 'sealed only, varchar', fruit: randomFruit(random, { ...base, growing: false, pk: 'varchar' }) },
    { name: 'empty', fruit: randomFruit(random, { rowCount: 0 }) },
  ]
}

for (const { name, fruit } of settings()) {
  t.test(`P0 rows sorted by primary key, one per key, equal the model: ${name} (SEED=${seed})`, async t => {
    for (const [filter, predicate] of FILTERS) {
      const rows = await runQuery(fruit.context, fruit.snapshot, { filter, outputFields: ['age', 'color'] })
      const expected = newestByKey(visibleRows(fruit, fruit.lastTick).filter(predicate))
      t.strictSame(ids(rows), expected.map(keyOf), filter)
      t.strictSame(
        rows.map(r => r['age']),
        expected.map(r => r.values['age']),
        filter,
      )
      t.strictSame(
        rows.map(r => r['color']),
        expected.map(r => r.values['color']),
        filter,
      )
    }
  })

  t.test(`P0 pages concatenate to the full sorted list, offset beyond is empty: ${name}`, async t => {
    const all = newestByKey(visibleRows(fruit, fruit.lastTick)).map(keyOf)
    const pages: unknown[] = []
    for (let offset = 0; offset <= all.length; offset += 37) {
      pages.push(
        ...ids(await runQuery(fruit.context, fruit.snapshot, { limit: 37, offset, outputFields: [] })),
      )
    }
    t.strictSame(pages, all)
    t.strictSame(await runQuery(fruit.context, fruit.snapshot, { limit: 5, offset: all.length + 3 }), [])
  })

  t.test(`P0 count(*) counts live versions, with and without filter, and on partitions: ${name}`, async t => {
    const visible = visibleRows(fruit, fruit.lastTick)
    t.equal(await runCount(fruit.context, fruit.snapshot), visible.length)
    for (const [filter, predicate] of FILTERS) {
      t.equal(await runCount(fruit.context, fruit.snapshot, { filter }), visible.filter(predicate).length)
    }
    const partitions = new Set([1, 3])
    const context = { ...fruit.context, partitions }
    t.equal(await runCount(context, fruit.snapshot), visibleRows(fruit, fruit.lastTick, partitions).length)
    const rows = await runQuery(fruit.context, fruit.snapshot, { outputFields: ['count( * )'] })
    t.strictSame(rows, [{ 'count(*)': visible.length }])
  })

  t.test(`a reader at an older tick sees what was there then: ${name}`, async t => {
    for (const tick of [0, 11, 200, 400, 800]) {
      const snapshot = memorySnapshot(fruit.segments, tick)
      const rows = await runQuery(fruit.context, snapshot, { filter: 'age < 70', outputFields: [] })
      const expected = newestByKey(visibleRows(fruit, tick).filter(r => (r.values['age'] as number) < 70))
      t.strictSame(ids(rows), expected.map(keyOf), `tick ${tick}`)
    }
  })

  t.test(`P0 partitions: one, several, none with rows: ${name}`, async t => {
    for (const partitions of [new Set([2]), new Set([1, 2]), new Set([9])]) {
      const context = { ...fruit.context, partitions }
      const rows = await runQuery(context, fruit.snapshot, { limit: 10_000, outputFields: [] })
      t.strictSame(ids(rows), newestByKey(visibleRows(fruit, fruit.lastTick, partitions)).map(keyOf))
    }
  })

  t.test(
    `P0 get: asked order, absent ones left out, a repeated key once, newest version: ${name}`,
    async t => {
      const random = rng(seed)
      const newest = new Map(newestByKey(visibleRows(fruit, fruit.lastTick)).map(row => [keyOf(row), row]))
      const keys = random.shuffle([...new Set(fruit.rows.map(keyOf))])
      const absent: PkKey = fruit.schema.fields[0]!.dataType === DataType.VarChar ? 'nobody' : 7
      const asked = [absent, ...keys, ...keys.slice(0, 3)]
      const rows = await runGet(fruit.context, fruit.snapshot, asked, ['price'])
      const expected = keys.filter(key => newest.has(key))
      t.strictSame(ids(rows), expected)
      t.strictSame(
        rows.map(r => r['price']),
        expected.map(key => newest.get(key)!.values['price']),
      )
    },
  )

  t.test(`a filter that pins keys finds the same rows as any other: ${name}`, async t => {
    if (fruit.rows.length === 0) return
    const byVersions = new Map<PkKey, number>()
    for (const row of fruit.rows) byVersions.set(keyOf(row), (byVersions.get(keyOf(row)) ?? 0) + 1)
    const often = [...byVersions].sort((a, b) => b[1] - a[1]).map(entry => entry[0])
    // One key is looked up; four keys are as cheap to evaluate in segments as small as these.
    for (const keys of [...often.slice(0, 12).map(key => [key]), often.slice(0, 4)]) {
      const list = keys.map(key => (typeof key === 'string' ? JSON.stringify(key) : String(key))).join(', ')
      for (const filter of [`id in [${list}]`, `id in [${list}] and age >= 0`]) {
        const visible = visibleRows(fruit, fruit.lastTick).filter(row => keys.includes(keyOf(row)))
        const rows = await runQuery(fruit.context, fruit.snapshot, { filter, outputFields: ['age'] })
        t.strictSame(ids(rows), newestByKey(visible).map(keyOf), filter)
        t.strictSame(
          rows.map(r => r['age']),
          newestByKey(visible).map(r => r.values['age']),
          filter,
        )
        t.equal(await runCount(fruit.context, fruit.snapshot, { filter }), visible.length, filter)
      }
    }
  })

  t.test(`rows that outlived the collection's TTL are never seen: ${name}`, async t => {
    for (const expireBeforeTick of [1, 100, 300, 10_000]) {
      const context = { ...fruit.context, expireBeforeTick }
      const young = visibleRows(fruit, fruit.lastTick).filter(row => row.tick > expireBeforeTick)
      t.equal(await runCount(context, fruit.snapshot), young.length)
      const rows = await runQuery(context, fruit.snapshot, { filter: 'age >= 0', outputFields: [] })
      t.strictSame(ids(rows), newestByKey(young).map(keyOf))
      const got = await runGet(context, fruit.snapshot, fruit.rows.map(keyOf), [])
      t.equal(got.length, rows.length)
    }
  })

  t.test(`ignoreGrowing leaves out what is not sealed: ${name}`, async t => {
    const sealed = fruit.segments.filter(s => s.kind === 'sealed')
    const expected = await runCount(fruit.context, memorySnapshot(sealed, fruit.lastTick))
    t.equal(await runCount(fruit.context, fruit.snapshot, { ignoreGrowing: true }), expected)
    const broken = { ignoreGrowing: 'maybe' as unknown as boolean }
    await t.rejects(runCount(fruit.context, fruit.snapshot, broken), {
      message: /parse ignore growing field failed/,
    })
  })
}

t.test('a repeated filter is answered from the cache and stays right', async t => {
  const fruit = randomFruit(rng(seed), { deletes: 0.3, sealed: 3, partitions: 2 })
  const first = await runQuery(fruit.context, fruit.snapshot, { filter: 'age >= 50' })
  t.equal(fruit.context.filterCache.size, 3, 'one entry per sealed segment')
  t.strictSame(await runQuery(fruit.context, fruit.snapshot, { filter: 'age >= 50' }), first)
  const older = memorySnapshot(fruit.segments, 150)
  const expected = newestByKey(visibleRows(fruit, 150).filter(r => (r.values['age'] as number) >= 50))
  t.strictSame(
    ids(await runQuery(fruit.context, older, { filter: 'age >= 50', outputFields: [] })),
    expected.map(keyOf),
  )
  t.equal(fruit.context.filterCache.size, 3)
})

t.test('random_sample keeps about its share of the rows that pass the rest', async t => {
  const context = { random: rng(seed).next }
  const fruit = randomFruit(rng(seed), { rowCount: 3000, sealed: 2, context })
  const whole = new Set(
    ids(await runQuery(fruit.context, fruit.snapshot, { filter: 'age < 50', outputFields: [] })),
  )
  const rows = await runQuery(fruit.context, fruit.snapshot, {
    filter: 'age < 50 and random_sample(0.5)',
    outputFields: [],
  })
  t.ok(rows.every(row => whole.has(row['id'])))
  // Six deviations on either side.
  const spread = 6 * Math.sqrt(whole.size / 4)
  t.ok(Math.abs(rows.length - whole.size / 2) < spread, `${rows.length} of ${whole.size}`)
  const all = await runCount(fruit.context, fruit.snapshot, { filter: 'random_sample(0.5)' })
  t.ok(Math.abs(all - 1500) < 6 * Math.sqrt(750))
})

t.test('P0 empty output fields give the primary key only, duplicate names collapse', async t => {
  const fruit = randomFruit(rng(seed), { rowCount: 5 })
  for (const row of await runQuery(fruit.context, fruit.snapshot, { limit: 5, outputFields: [] })) {
    t.strictSame(Object.keys(row), ['id'])
  }
  for (const row of await runQuery(fruit.context, fruit.snapshot, {
    limit: 5,
    outputFields: ['age', ' age ', 'id'],
  })) {
    t.strictSame(Object.keys(row).sort(), ['age', 'id'])
  }
})

t.test('P0 * gives every field and every dynamic key; dynamic keys by name; $meta as a whole', async t => {
  const fruit = randomFruit(rng(seed), { rowCount: 30, resident: false })
  const model = newestByKey(fruit.rows)
  const stars = await runQuery(fruit.context, fruit.snapshot, { limit: 100 })
  for (const [i, row] of stars.entries()) {
    const { $meta, ...values } = model[i]!.values
    t.match(row, values)
    t.strictSame({ ...row }, { ...row, ...($meta as Row) })
    t.notOk('$meta' in row)
  }
  const named = await runQuery(fruit.context, fruit.snapshot, {
    limit: 100,
    outputFields: ['size', '$meta["note"]'],
  })
  for (const [i, row] of named.entries()) {
    const meta = model[i]!.values['$meta'] as Row
    const expected: Row = { id: keyOf(model[i]!) }
    if ('size' in meta) expected['size'] = meta['size']
    if ('note' in meta) expected['note'] = meta['note']
    t.strictSame(row, expected)
  }
  const whole = await runQuery(fruit.context, fruit.snapshot, { limit: 100, outputFields: ['$meta'] })
  t.strictSame(
    whole.map(r => r['$meta']),
    model.map(r => r.values['$meta']),
  )
})

t.test('P0 unknown output field: refused without the dynamic field, absent with it', async t => {
  const plain = randomFruit(rng(seed), { rowCount: 5, dynamic: false })
  await t.rejects(runQuery(plain.context, plain.snapshot, { limit: 5, outputFields: ['nope'] }), {
    code: 1100,
    message: /field nope not exist/,
  })
  const dynamic = randomFruit(rng(seed), { rowCount: 5 })
  const rows = await runQuery(dynamic.context, dynamic.snapshot, { limit: 5, outputFields: ['nope'] })
  for (const row of rows) t.strictSame(Object.keys(row), ['id'])
  for (const name of ['%', '*%', '%*', '*1', 'meta["a"]', '$meta["a"]["b"]']) {
    await t.rejects(runQuery(dynamic.context, dynamic.snapshot, { limit: 5, outputFields: [name] }), {
      message: /parse output field name failed/,
    })
  }
})

t.test('a dynamic key cannot change the prototype of a row', async t => {
  const schema = schemaOf([
    field('id', DataType.Int64, { primaryKey: true }),
    field('$meta', DataType.JSON, { dynamic: true, nullable: true }),
  ])
  const meta = JSON.parse('{"__proto__": {"evil": 1}, "a": 2}') as Row
  const segment = new MemorySegment(schema, [{ values: { id: 1, $meta: meta }, tick: 1 }], {
    id: 1,
    kind: 'growing',
  })
  const [row] = await runGet(contextOf(schema), memorySnapshot([segment], 5), [1])
  t.equal(Object.getPrototypeOf(row), Object.prototype)
  t.equal((row as { evil?: number }).evil, undefined)
  t.equal(row!['a'], 2)
})

t.test('a BM25 output is refused with exactly the text clients compare', async t => {
  const fields = [
    field('id', DataType.Int64, { primaryKey: true }),
    field('text', DataType.VarChar),
    field('sparse', DataType.SparseFloatVector, { functionOutput: true }),
  ]
  const bm25 = {
    id: 1,
    name: 'bm25',
    description: '',
    type: 1,
    inputFieldNames: ['text'],
    outputFieldNames: ['sparse'],
    params: {},
  }
  const schema = schemaOf(fields, { functions: [bm25] })
  const rows = [{ values: { id: 1, text: 'a', sparse: { 3: 1 } }, tick: 1 }]
  const snapshot = memorySnapshot([new MemorySegment(schema, rows, { id: 1, kind: 'sealed' })], 5)
  await t.rejects(runQuery(contextOf(schema), snapshot, { limit: 1, outputFields: ['sparse'] }), {
    message: 'not allowed to retrieve raw data of field sparse',
  })
  t.strictSame(await runQuery(contextOf(schema), snapshot, { limit: 1 }), [{ id: 1, text: 'a' }])
})

t.test('P0 errors: missing limit with empty filter, wrong limits and offsets', async t => {
  const fruit = randomFruit(rng(seed), { rowCount: 5 })
  const cases: [object, RegExp][] = [
    [{}, /empty expression should be used with limit/],
    [{ filter: '  ' }, /empty expression should be used with limit/],
    [{ limit: 0 }, /invalid max query result window, limit \[0\] is invalid, should be greater than 0/],
    [{ limit: -3 }, /limit \[-3\] is invalid, should be greater than 0/],
    [{ limit: 1.5 }, /limit \[1\.5\] is invalid/],
    [{ limit: 'many' }, /limit \[many\] is invalid/],
    [{ limit: 1, offset: -1 }, /offset \[-1\] is invalid, should be gte than 0/],
    [{ limit: 1, offset: 'x' }, /offset \[x\] is invalid/],
    [{ limit: 16384, offset: 1 }, /\(offset\+limit\) should be in range \[1, 16384\], but got 16385/],
    [{ outputFields: ['count(*)'], limit: 5 }, /count entities with pagination is not allowed/],
    [{ filter: 'nope ==' }, /failed to create query plan: cannot parse expression: nope ==/],
  ]
  for (const [request, message] of cases) {
    await t.rejects(runQuery(fruit.context, fruit.snapshot, request), { code: 1100, message })
  }
  t.equal((await runQuery(fruit.context, fruit.snapshot, { filter: 'age >= 0', offset: 2 })).length, 5)
})

t.test('get of resident rows answers without a promise', async t => {
  const fruit = randomFruit(rng(seed), { rowCount: 20 })
  const rows = runGet(fruit.context, fruit.snapshot, [keyOf(fruit.rows[3]!)])
  t.ok(Array.isArray(rows))
  const disk = randomFruit(rng(seed), { rowCount: 20, resident: false })
  t.ok(runGet(disk.context, disk.snapshot, [keyOf(disk.rows[3]!)]) instanceof Promise)
})

t.test('get takes Int64 keys as numbers, bigints and decimal text, and refuses anything else', async t => {
  const fruit = randomFruit(rng(seed), { rowCount: 50 })
  const row = fruit.rows.find(r => typeof keyOf(r) === 'bigint') ?? fruit.rows[0]!
  const key = keyOf(row)
  for (const given of [BigInt(key), String(key)]) {
    t.strictSame(ids(await runGet(fruit.context, fruit.snapshot, [given], [])), [key])
  }
  for (const given of ['x', 1.5, true, null, 2n ** 64n]) {
    t.throws(() => runGet(fruit.context, fruit.snapshot, [given as number], []), { code: 1100 })
  }
  const text = randomFruit(rng(seed), { rowCount: 5, pk: 'varchar' })
  t.throws(() => runGet(text.context, text.snapshot, [5], []), { message: /IDs type mismatch/ })
})

t.test('Int64 keys come back in the form the context asks for', async t => {
  const fruit = randomFruit(rng(seed), { rowCount: 3 })
  const [first] = await runQuery({ ...fruit.context, int64As: 'string' }, fruit.snapshot, { limit: 1 })
  t.type(first!['id'], 'string')
  const [big] = await runQuery({ ...fruit.context, int64As: 'bigint' }, fruit.snapshot, { limit: 1 })
  t.type(big!['id'], 'bigint')
})

t.test('texts are ordered by their UTF-8 bytes, also beyond the basic plane', async t => {
  const random = rng(seed)
  const letters = ['a', 'z', 'é', '\uD7FF', '\uE000', '\uFFFD', '\u{10000}', '\u{1F34E}', '']
  for (let i = 0; i < 2000; i++) {
    const a = random.pick(letters) + random.pick(letters)
    const b = random.pick(letters) + random.pick(letters)
    t.equal(Math.sign(compareByMerge(a, b)), Math.sign(compareKeys(a, b)), JSON.stringify([a, b]), {
      skip: false,
    })
  }
})

t.test('P2 a result beyond the size limit is refused, whether in memory or on disk', async t => {
  for (const resident of [true, false]) {
    const fruit = randomFruit(rng(seed), { rowCount: 2000, resident })
    const request = { filter: 'age >= 0', outputFields: ['vec'] }
    const context = { ...fruit.context, resultBytesMax: 2000 * (8 + 32) - 1 }
    await t.rejects(runQuery(context, fruit.snapshot, request), {
      code: 1102,
      message: /query results exceed the maxOutputSize Limit/,
    })
    const enough = { ...context, resultBytesMax: 2000 * (8 + 32) }
    t.equal((await runQuery(enough, fruit.snapshot, request)).length, 2000)
  }
})
