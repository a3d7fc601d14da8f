/** What stands in results beside plain columns: dynamic keys under the name of a field, aggregates, elements. */
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import t, { type Test } from 'tap'
import { DataType, type FieldRequest } from '../../lib/index.js'
import { type Served, serveDirectory } from './served.js'

const NAME = 'c'
const VEC: FieldRequest = { name: 'vec', dataType: DataType.FloatVector, dim: 2 }
const ID: FieldRequest = { name: 'id', dataType: DataType.Int64, primaryKey: true }

type Json = { code: number; message?: string; data?: unknown }

interface Stage {
  readonly served: Served
  readonly client: MilvusClient
  post(path: string, body: object, headers?: Record<string, string>): Promise<Json>
  finish(): Promise<void>
}

async function staged(t: Test, fields: readonly FieldRequest[], rows: readonly object[]): Promise<Stage> {
  const served = await serveDirectory(t.testdir())
  const made = await served.db.createCollection({
    name: NAME,
    enableDynamicField: true,
    fields: [ID, VEC, ...fields],
    indexes: [{ fieldName: 'vec', metricType: 'L2' }],
  })
  await made.insert(rows as Record<string, unknown>[])
  const client = new MilvusClient({ address: served.address })
  await client.connectPromise
  return {
    served,
    client,
    post: async (path, body, headers = {}) => {
      const response = await fetch(`http://${served.address}/v2/vectordb/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ collectionName: NAME, ...body }),
      })
      return (await response.json()) as Json
    },
    finish: async () => {
      await client.closeConnection()
      await served.close()
      t.strictSame(served.warnings, [])
    },
  }
}

t.test('a dynamic key under the name of a field added later', async t => {
  const { served, client, post, finish } = await staged(
    t,
    [],
    [
      { id: 1, vec: [0, 0], when: 'soon', list: 'none', n: { a: 1 } },
      { id: 2, vec: [1, 0], other: 7 },
    ],
  )
  const c = served.db.collection(NAME)
  await c.addField({ name: 'when', dataType: DataType.Timestamptz, nullable: true })
  await c.addField({ name: 'n', dataType: DataType.Int32, nullable: true })
  await c.addField({
    name: 'list',
    dataType: DataType.Array,
    elementType: DataType.Int64,
    maxCapacity: 4,
    nullable: true,
  })
  const output_fields = ['$meta["when"]', '$meta["list"]', '$meta["n"]']
  const wanted = [{ id: 1, when: 'soon', list: 'none', n: { a: 1 } }, { id: 2 }]
  const found = await client.query({ collection_name: NAME, filter: 'id > 0', output_fields })
  t.equal(found.status.error_code, 'Success', found.status.reason)
  t.match(found.data[0], { $meta: { when: 'soon', list: 'none', n: { a: 1 } } })
  const both = await client.query({
    collection_name: NAME,
    filter: 'id > 0',
    output_fields: ['n', ...output_fields],
  })
  t.strictSame(
    both.data[0],
    { id: '1', n: null, $meta: { when: 'soon', list: 'none' } },
    'a field that is asked for wins',
  )
  const hits = await client.search({ collection_name: NAME, data: [0, 0], limit: 1, output_fields })
  t.equal(hits.status.error_code, 'Success', hits.status.reason)
  t.match(hits.results[0], { when: 'soon', list: 'none', n: { a: 1 } })
  const outputFields = output_fields
  t.strictSame((await post('entities/query', { filter: 'id > 0', outputFields })).data, wanted)
  t.strictSame((await post('entities/get', { id: [1, 2], outputFields })).data, wanted)
  const whole = ['$meta', 'n']
  const spread = [
    { ...wanted[0], n: null },
    { id: 2, n: null, other: 7 },
  ]
  t.strictSame(
    (await post('entities/query', { filter: 'id > 0', outputFields: whole })).data,
    spread,
    'REST: keys of $meta stand in the row',
  )
  const near = await post('entities/search', { data: [[0, 0]], limit: 1, outputFields })
  t.strictSame(near.data, [{ ...wanted[0], distance: 0 }])
  await finish()
})

t.test('REST: aggregates are columns of their types', async t => {
  const big = 2n ** 60n + 1n
  const { post, finish } = await staged(
    t,
    [
      { name: 'i', dataType: DataType.Int64, nullable: true },
      { name: 'f', dataType: DataType.Float, nullable: true },
      { name: 'ts', dataType: DataType.Timestamptz, nullable: true },
    ],
    [
      { id: 1, vec: [0, 0], i: big, f: 1e30, ts: '2025-01-01T00:00:00Z' },
      { id: 2, vec: [0, 0], i: 1, f: null, ts: null },
    ],
  )
  const outputFields = ['count(*)', 'COUNT( * )', 'sum(i)', 'max(i)', 'avg(f)', 'min(f)', 'min(ts)']
  const text = { 'accept-type-allow-int64': 'false' }
  const whole = { outputFields, filter: 'id > 0' }
  t.match((await post('entities/query', whole, text)).data, [
    { 'count(*)': '2', 'sum(i)': String(big + 1n), 'max(i)': String(big), 'min(f)': 1e30 },
  ])
  t.match((await post('entities/query', { ...whole, filter: 'id == 2' })).data, [
    { 'count(*)': 1, 'sum(i)': 1, 'max(i)': 1 },
  ])
  t.strictSame(
    (await post('entities/query', { ...whole, filter: 'id > 100' }, text)).data,
    [{ 'count(*)': '0', 'sum(i)': null, 'max(i)': null, 'avg(f)': null, 'min(f)': null, 'min(ts)': null }],
    'over no rows: null, not absent',
  )
  t.strictSame(
    (await post('entities/query', { outputFields: ['i', 'count(*)'], groupByFields: ['i'] }, text)).data,
    [
      { i: String(big), 'count(*)': '1' },
      { i: '1', 'count(*)': '1' },
    ],
  )
  t.strictSame(
    await post('entities/query', { outputFields: [' Count(*) '], limit: 1 }),
    { code: 0, cost: 0, data: [{ 'count(*)': 2 }] },
    'the number of entities knows no limit',
  )
  await finish()
})

t.test('pages of elements: every matching element once, however they fall on the pages', async t => {
  const parts = { name: 'st', dataType: DataType.ArrayOfStruct, maxCapacity: 4, nullable: true }
  const fields = [{ ...parts, fields: [{ name: 'a', dataType: DataType.Int32 }] }]
  const given = Array.from({ length: 13 }, (_, id) => ({
    id: id - 5,
    vec: [0, 0],
    st: id === 3 ? null : Array.from({ length: id % 5 }, (_, a) => ({ a })),
  }))
  const { served, client, finish } = await staged(t, fields, given)
  const c = served.db.collection(NAME)
  const filter = 'element_filter(st, $[a] >= 1)'
  const wanted = given.flatMap(({ id, st }) => (st ?? []).flatMap(({ a }) => (a < 1 ? [] : [`${id}/${a}`])))
  const place = (row: Record<string, unknown>): string => `${row['id'] as string}/${row['offset'] as string}`
  for (const state of ['growing', 'mixed', 'flushed']) {
    for (const batchSize of [1, 2, 3, 7, 100]) {
      const found: string[] = []
      const pages = await client.queryIterator({
        collection_name: NAME,
        batchSize,
        filter,
        output_fields: ['id'],
      })
      for await (const page of pages) {
        found.push(...page.map(place))
        if (state === 'growing') await c.upsert([{ id: 100, vec: [0, 0] }])
      }
      t.strictSame(found, wanted, `Node SDK, ${batchSize} at a time, ${state}`)
    }
    const { snapshots } = served.db.engine.collection(NAME).state
    if (state === 'growing') t.equal(snapshots.holdCount, 5, 'one state for each iterator, not for each page')
    t.equal(await c.count({ filter }), wanted.length, 'count(*) counts elements')
    t.strictSame(await c.query({ filter, outputFields: ['count(*)'] }), [{ 'count(*)': wanted.length }])
    const behind = { id: 4, offset: 2 }
    const rest = await c.query({ filter: `id >= 4 and ${filter}`, limit: 2, offset: 1, afterElement: behind })
    t.strictSame(rest.map(place), wanted.slice(wanted.indexOf('4/2') + 2).slice(0, 2))
    if (state === 'growing') await c.upsert(given.slice(0, 6))
    await c.flush()
    if (state === 'growing') await c.upsert(given.slice(2, 4))
  }
  const wrong = (afterElement: { id: number; offset: number }) =>
    t.rejects(c.query({ filter, limit: 2, afterElement }), { code: 1100 })
  const ignored = await client.query({
    collection_name: NAME,
    filter: 'id == 1',
    output_fields: ['id'],
    params: { offset: 'x' },
  } as Parameters<typeof client.query>[0])
  t.strictSame(ignored.data, [{ id: '1' }], 'an offset without a limit is ignored')
  await wrong({ id: 1, offset: -1 })
  await wrong({ id: 1.5, offset: 0 })
  const { status } = await client.query({
    collection_name: NAME,
    filter,
    output_fields: ['count(*)', 'id'],
    group_by_fields: ['id'],
    limit: 2,
    params: { iterator: true },
  } as Parameters<typeof client.query>[0])
  t.match(status.reason, /GROUP BY with iterator is not supported/)
  await finish()
})
