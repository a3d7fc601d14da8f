/** Rows that outlive their collection's TTL or their own deadline are gone, for every read, in every state. */
import t, { type Test } from 'tap'
import { type CreateCollection, DataType } from '../../lib/index.js'
import { type Bench, refusal, STATES, THINGS, things } from './ddl-fixture.js'

const MINUTE = 60_000
const TTL = 'collection.ttl.seconds'
const TIMED: CreateCollection = {
  ...THINGS,
  fields: [...THINGS.fields, { name: 'until', dataType: DataType.Timestamptz, nullable: true }],
  properties: { ttl_field: 'until' },
}

/** Ids that every kind of read sees; they must agree. */
async function seen(t: Test, bench: Bench, all: readonly number[]): Promise<number[]> {
  const { things: c } = bench
  const queried = (await c.query({ filter: 'id >= 0', outputFields: ['id'] })).map(row => row['id'] as number)
  const got = (await c.get(all, { outputFields: ['id'] })).map(row => row['id'] as number)
  const [hits] = await c.search({ data: [[0, 0]], annsField: 'vec', limit: 100 })
  const pinned = await c.query({ filter: `id in [${all.join()}]`, outputFields: ['id'] })
  const tagged = await c.count({ filter: 'tag == "x"' })
  t.same(got, queried, 'get')
  t.same(
    hits!.map(hit => hit.id as number).sort((a, b) => a - b),
    queried,
    'search',
  )
  t.same(
    pinned.map(row => row['id']),
    queried,
    'query by keys',
  )
  t.equal(await c.count(), queried.length, 'count')
  t.equal(tagged, queried.length, 'count with a filter')
  return queried
}

const row = (id: number, until?: string | null): Record<string, unknown> => ({
  id,
  vec: [id, 0],
  tag: 'x',
  n: 1,
  ...(until === undefined ? {} : { until }),
})

for (const state of STATES) {
  t.test(`a row goes when its own deadline has come, ${state}`, async t => {
    const bench = await things(t, TIMED)
    bench.nowMs = Date.UTC(2026, 0, 1, 12, 0)
    const all = [1, 2, 3, 4]
    await bench.things.insert([
      row(1, '2026-01-01T12:10:00Z'),
      row(2, '2026-01-01T12:20:00Z'),
      row(3, null),
      row(4, '2020-01-01T00:00:00Z'),
    ])
    await bench.settle(state)
    t.same(await seen(t, bench, all), [1, 2, 3], 'one was over before it began')
    bench.nowMs += 10 * MINUTE - 1
    t.same(await seen(t, bench, all), [1, 2, 3], 'a millisecond early')
    bench.nowMs += 1
    t.same(await seen(t, bench, all), [2, 3], 'at the moment itself')
    t.match(await refusal(bench.things.search({ ids: [1], annsField: 'vec', limit: 1 })), /do not exist/)
    await bench.things.upsert([{ id: 2, until: '2026-01-01T12:30:00Z' }], { partialUpdate: true })
    await bench.things.upsert([{ id: 3, n: 2 }], { partialUpdate: true })
    await bench.settle(state)
    bench.nowMs += 15 * MINUTE
    t.same(await seen(t, bench, all), [2, 3], 'a merge extends it, one without the field keeps it')
    t.match(
      await refusal(bench.things.upsert([{ id: 1, n: 5 }], { partialUpdate: true })),
      /vec/,
      'gone means new',
    )
    await bench.things.upsert([{ id: 2, until: '2026-01-01T12:00:00Z' }], { partialUpdate: true })
    t.same(await seen(t, bench, all), [3], 'a merge ends it')
    bench.nowMs -= 16 * MINUTE
    const purged = state === 'compacted'
    t.same(await seen(t, bench, all), purged ? [3] : [1, 3], 'time decides, not what was asked before')
    await bench.things.dropProperties(['ttl_field'])
    t.same(await seen(t, bench, all), purged ? [2, 3] : all, 'without the property nothing is hidden')
  })

  t.test(`compaction removes rows that are over, ${state}`, async t => {
    const bench = await things(t, TIMED)
    bench.nowMs = Date.UTC(2026, 0, 1, 12, 0)
    await bench.things.insert([row(1, '2026-01-01T12:10:00Z'), row(2, '2026-01-01T12:20:00Z'), row(3, null)])
    await bench.settle(state)
    await bench.things.compact()
    t.equal((await bench.things.stats()).sealedRows, 3, 'nothing is over yet')
    bench.nowMs += 10 * MINUTE
    const before = await bench.things.queryIterator({ batchSize: 1, outputFields: ['id'] })
    await bench.things.compact()
    t.equal((await bench.things.stats()).sealedRows, 2, 'on demand, in a segment with nothing else to do')
    t.same(await seen(t, bench, [1, 2, 3]), [2, 3])
    t.same(await before.page(2), [{ id: 2 }, { id: 3 }], 'an iterator over the older segment goes on')
    await before.close()
    bench.nowMs += 10 * MINUTE
    await bench.things.insert([row(4, '2026-01-01T12:15:00Z'), row(5, '2026-01-01T13:00:00Z')])
    await bench.things.compact()
    t.equal((await bench.things.stats()).sealedRows, 2, 'and in a merge')
    await bench.things.dropProperties(['ttl_field'])
    t.same(await seen(t, bench, [1, 2, 3, 4, 5]), [3, 5], 'they are gone for good')
  })

  t.test(`rows older than the collection's TTL are gone, ${state}`, async t => {
    const bench = await things(t)
    await bench.things.insert([row(1), row(2)])
    bench.nowMs += MINUTE
    await bench.things.insert([row(3)])
    await bench.settle(state)
    await bench.things.alterProperties({ 'collection.ttl.seconds': 90 })
    t.same(await seen(t, bench, [1, 2, 3]), [1, 2, 3])
    bench.nowMs += 30_001
    t.same(await seen(t, bench, [1, 2, 3]), [3], 'each row goes by its own age')
    await bench.things.alterProperties({ 'collection.ttl.seconds': 3600 })
    if (state !== 'compacted')
      t.same(await seen(t, bench, [1, 2, 3]), [1, 2, 3], 'a longer TTL shows them again')
    await bench.things.upsert([row(1)])
    await bench.things.alterProperties({ 'collection.ttl.seconds': 60 })
    await bench.settle(state)
    bench.nowMs += 31_000
    t.same(await seen(t, bench, [1, 2, 3]), [1], 'an upsert starts the clock again')
    await bench.things.compact()
    t.same(await seen(t, bench, [1, 2, 3]), [1])
    bench.nowMs += 3600_000
    await bench.things.compact()
    t.equal((await bench.things.stats()).segments.length, 0, 'compaction frees what has expired')
    await bench.things.dropProperties(['collection.ttl.seconds'])
    t.same(await seen(t, bench, [1, 2, 3]), [], 'for good')
  })

  for (const kind of ['its TTL', 'its own deadline'] as const) {
    t.test(`a merge of a row that has outlived ${kind} replaces it, ${state}`, async t => {
      const byField = kind === 'its own deadline'
      const bench = await things(t, byField ? TIMED : { ...THINGS, properties: { [TTL]: 60 } })
      await bench.things.insert([
        { ...row(1, byField ? '2026-01-01T00:01:00Z' : undefined), vec: [0, 0] },
        row(2),
        row(3),
      ])
      await bench.settle(state)
      bench.nowMs += MINUTE + 1
      const merged = { id: 1, vec: [9, 0], tag: 'x', ...(byField && { until: null }) }
      const { deleteCount } = await bench.things.upsert([{ ...merged }, row(7)], { partialUpdate: true })
      t.equal(deleteCount, 0, 'for whoever asks the row was gone')
      t.same(await seen(t, bench, [1, 2, 3, 7]), byField ? [1, 2, 3, 7] : [1, 7])
      await bench.things.dropProperties([byField ? 'ttl_field' : TTL])
      await bench.settle(state)
      t.same(
        await seen(t, bench, [1, 2, 3, 7]),
        [1, 2, 3, 7],
        'one row of the key, whatever the property says',
      )
      const [hits] = await bench.things.search({ data: [[0, 0]], annsField: 'vec', limit: 4 })
      t.match(hits!.at(-1), { id: 1, score: 81 }, 'the old vector is not found')
    })
  }
}
