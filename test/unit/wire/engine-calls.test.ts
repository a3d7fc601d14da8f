/** Calls against an engine without a network: what the SDK tests cannot reach, and what a client would hide. */
import t, { type Test } from 'tap'
import { DataType, MilvusError, open } from '../../../lib/index.js'
import { valueAt } from '../../../lib/schema/column-ops.js'
import { buildSchema } from '../../../lib/schema/validate-schema.js'
import type { CallContext, Request } from '../../../lib/wire/calls.js'
import { METHODS, type MethodName } from '../../../lib/wire/descriptors.js'
import { engineCalls } from '../../../lib/wire/engine-calls/all.js'
import { groupColumn } from '../../../lib/wire/engine-calls/result-columns.js'
import { rowCalls } from '../../../lib/wire/engine-calls/row-calls.js'
import { openFieldData } from '../../../lib/wire/field-data.js'
import { decode, encode, type Init, type Message } from '../../../lib/wire/message.js'
import { QueryResults, SearchResults } from '../../../lib/wire/messages/entities.js'
import { packedPart } from '../../../lib/wire/packed.js'
import { ProtoReader, WireType } from '../../../lib/wire/protobuf.js'
import { startServer } from '../../../lib/wire/server.js'

const CONTEXT: CallContext = { database: 'default', user: '' }
const collection_name = 'books'
const named = { collection_name }

async function opened(directory: string) {
  const db = await open(directory, { warn: () => undefined })
  const books = await db.createCollection({
    name: collection_name,
    fields: [
      { name: 'id', dataType: 5, primaryKey: true },
      { name: 'vector', dataType: 101, dim: 2 },
      { name: 'kind', dataType: 21, maxLength: 8, nullable: true },
    ],
    enableDynamicField: true,
    indexes: [{ fieldName: 'vector', metricType: 'L2' }],
  })
  await books.insert([
    { id: 1, vector: [0, 0], kind: 'a', pages: 10 },
    { id: 2, vector: [1, 0], kind: 'b' },
    { id: 3, vector: [2, 0], kind: 'a', pages: 30 },
    { id: 4, vector: [3, 0], kind: null },
  ])
  const calls = engineCalls(db.engine, rowCalls(db.engine))
  /** Runs a call the way gRPC does: the request goes through its bytes. */
  const call = async <N extends MethodName>(name: N, request: Init<(typeof METHODS)[N]['request']>) => {
    const table = METHODS[name].request as Message<object>
    const decoded = decode(table, encode(table, request as object)) as Request<N>
    const run = calls[name] as (request: Request<N>, context: CallContext) => Promise<object | Buffer>
    return run(decoded, CONTEXT)
  }
  return { db, books, call }
}

const pairs = (record: Record<string, string>) =>
  Object.entries(record).map(([key, value]) => ({ key, value }))

/** A search for the rows nearest to (0, 0). */
async function searchRequest(params: Record<string, string>) {
  const values = [new Uint8Array(Float32Array.of(0, 0).buffer)]
  const placeholder_group = encode((await import('../../../lib/wire/messages/common.js')).PlaceholderGroup, {
    placeholders: [{ tag: '$0', type: 101, values }],
  })
  return { ...named, dsl_type: 1, nq: 1, placeholder_group, search_params: pairs(params) }
}

async function search(call: Awaited<ReturnType<typeof opened>>['call'], params: Record<string, string>) {
  return decode(SearchResults, (await call('Search', await searchRequest(params))) as Buffer)
}

/** How many ids below 128 a column of Int64 holds: one byte each. */
function smallIds(part: Uint8Array): number {
  const scalars = new ProtoReader(openFieldData(part).payload)
  if (scalars.next() === 0) return 0
  const longs = scalars.part()
  return longs.next() === 0 ? 0 : packedPart(longs, WireType.varint).length
}

const scoresOf = (part: Uint8Array | undefined): number[] =>
  part === undefined ? [] : [...new Float32Array(new Uint8Array(part).buffer)]

const rejects = async (t: Test, work: Promise<unknown>, code: number, text: RegExp) => {
  const error = await work.then(
    () => null,
    error => error,
  )
  t.ok(error instanceof MilvusError, 'is refused')
  t.match(error, { code, message: text })
}

t.test('a search iterator goes on behind its last hit, under one token, over one state', async t => {
  const { db, books, call } = await opened(t.testdir())
  await books.insert([7, 8, 9].map(id => ({ id, vector: [1, 0], kind: null })))
  const iterates = { iterator: 'True', search_iter_v2: 'True' }
  const first = await search(call, { ...iterates, search_iter_batch_size: '3', topk: '3' })
  t.strictSame(scoresOf(first.results!.scores), [0, 1, 1])
  t.ok(first.session_ts > 0n, 'the first page says which state it read')
  const { token, last_bound } = first.results!.search_iterator_v2_results!
  t.equal(last_bound, 1)
  await books.delete({ filter: 'id > 0' })
  const more = { ...iterates, search_iter_batch_size: '5', topk: '5', search_iter_id: token }
  const second = await search(call, { ...more, search_iter_last_bound: String(last_bound) })
  t.strictSame(scoresOf(second.results!.scores), [1, 1, 4, 9], 'ties are not lost, deletes not seen')
  t.equal(second.results!.search_iterator_v2_results!.token, token)
  const end = await search(call, { ...more, search_iter_last_bound: '9' })
  t.strictSame(scoresOf(end.results!.scores), [])
  t.equal(end.results!.search_iterator_v2_results!.last_bound, 9)
  const unknown = { ...more, search_iter_id: '00000000-0000-4000-8000-000000000000' }
  const again = await search(call, { ...unknown, search_iter_last_bound: '0' })
  t.strictSame(scoresOf(again.results!.scores), [], 'without its session: the newest state, from the score')
  await rejects(t, search(call, { ...more, collection_id: '9999' }), 1100, /collection id 9999/)
  const wrong: [Record<string, string>, RegExp][] = [
    [{ iterator: '' }, /both iterator and search_iter_v2 must be set in the SDK/],
    [{ group_by_field: 'kind' }, /GroupBy is not permitted when using a search iterator/],
    [{ offset: '1' }, /Setting an offset is not permitted when using a search iterator v2/],
    [{ search_iter_id: 'x' }, /invalid token format/],
    [{ search_iter_batch_size: '' }, /batch size is required/],
    [{ search_iter_batch_size: '16385' }, /batch size is invalid/],
    [{ search_iter_last_bound: 'x' }, /failed to parse input last bound/],
  ]
  for (const [params, text] of wrong)
    await rejects(
      t,
      search(call, { ...more, ...params }),
      1100,
      new RegExp(`v2 info failed: .*${text.source}`),
    )
  const v1 = await search(call, { iterator: 'True', topk: '99999' })
  t.equal(v1.results!.scores!.length, 0, 'a first-generation page may ask for more than there can be')
  const empty = await search(call, { ...iterates, search_iter_batch_size: '3', topk: '3' })
  t.ok(empty.results!.search_iterator_v2_results!.last_bound < -3e38, 'nothing found: everything is farther')
  await db.close()
})

t.test('what is wrong with a parameter is said in its own words', async t => {
  const { db, call } = await opened(t.testdir())
  const search3 = (params: Record<string, string>) => search(call, { topk: '3', ...params })
  const grouped = { group_by_field: 'kind', group_size: 'x' }
  await rejects(t, search3(grouped), 1100, /^failed to parse input group size:x/)
  await rejects(
    t,
    search3({ round_decimal: 'x' }),
    1100,
    /^round_decimal \[x\] is invalid, should be -1 or an integer in range \[0, 6\]/,
  )
  await rejects(t, search3({ offset: 'x' }), 1100, /^offset \[x\] is invalid/)
  const query = { ...named, expr: 'id > 0', output_fields: ['id'] }
  const page = pairs({ iterator: 'True', limit: '2', collection_id: '9999' })
  await rejects(
    t,
    call('Query', { ...query, query_params: page }),
    1100,
    /^Input collection id is not consistent/,
  )
  await db.close()
})

t.test('every search says which state it read, and takes no fraction for an integer', async t => {
  const { db, call } = await opened(t.testdir())
  const plain = await search(call, { topk: '3' })
  t.ok(plain.session_ts > 0n)
  const type = 'AUTOINDEX'
  for (const params of ['{"ef":32.0}', '{"ef":3.2e1}', '{"ef":true}', '{"ef":null}', '{"ef":[32]}']) {
    const refused = /^Type conflict in json: param 'ef' \(.*\) should be integer/
    await rejects(t, search(call, { topk: '3', index_type: type, params }), 1100, refused)
  }
  for (const params of ['{"ef":32}', '{"ef":"32"}', '{"radius":9.0}', '{"radius":1e1,"range_filter":0.0}'])
    t.ok((await search(call, { topk: '3', params })).session_ts > 0n, params)
  const one = await searchRequest({ anns_field: 'vector', topk: '3' })
  const rank_params = pairs({ limit: '3', strategy: 'rrf', params: '{"k":60}' })
  const hybrid = await call('HybridSearch', { ...named, requests: [one, one], rank_params })
  const { session_ts } = decode(SearchResults, hybrid as Buffer)
  t.equal(session_ts, plain.session_ts, 'the same state as the search before')
  const ranked = (params: string) => {
    const rank_params = pairs({ limit: '3', strategy: 'rrf', params })
    return call('HybridSearch', { ...named, requests: [one, one], rank_params })
  }
  for (const k of ['60.0', '6e1', '0.5']) t.ok(await ranked(`{"k":${k}}`), `k has a fraction: ${k}`)
  await rejects(t, ranked('{"k":"60"}'), 1100, /^The type of rank param k should be float, got 60/)
  const function_score = (k: string) => ({
    functions: [{ name: 'r', type: 3, params: pairs({ reranker: 'rrf', k }) }],
  })
  t.ok(
    await call('HybridSearch', {
      ...named,
      requests: [one],
      rank_params,
      function_score: function_score('60'),
    }),
  )
  await db.close()
})

t.test('pages of a query iterator read one state', async t => {
  const { db, books, call } = await opened(t.testdir())
  const page = async (expr: string, guarantee_timestamp: bigint) =>
    decode(
      QueryResults,
      (await call('Query', {
        ...named,
        expr,
        output_fields: ['id'],
        guarantee_timestamp,
        query_params: pairs({ iterator: 'True', limit: '2', reduce_stop_for_best: 'True' }),
      })) as Buffer,
    )
  const first = await page('', 0n)
  t.ok(first.session_ts > 0n)
  await books.delete({ filter: 'id > 0' })
  const size = async (expr: string): Promise<number> => {
    const { fields_data, session_ts } = await page(expr, first.session_ts)
    t.equal(session_ts, first.session_ts)
    return smallIds(fields_data[0]!)
  }
  t.equal(await size('id > 2'), 2, 'rows deleted since the first page')
  t.equal(await size('id > 99'), 0, 'the end')
  t.equal(db.engine.collection(collection_name).state.snapshots.holdCount, 0, 'nothing is kept behind it')
  t.equal(await size('id > 2'), 0, 'afterwards: the newest state')
  await db.close()
})

t.test('grouped hits carry the values they were grouped by', async t => {
  const { db, call } = await opened(t.testdir())
  const { results } = await search(call, { topk: '3', group_by_field: 'kind' })
  t.strictSame(scoresOf(results!.scores), [0, 1, 9])
  t.equal(openFieldData(results!.group_by_field_value!).name, 'kind')
  t.strictSame([...openFieldData(results!.group_by_field_value!).valid!], [1, 1, 0])
  const plural = await search(call, { topk: '3', group_by_fields: 'kind' })
  t.equal(plural.results!.group_by_field_values.length, 1)
  const both = await search(call, { topk: '4', group_by_fields: 'kind,id' })
  t.equal(both.results!.scores!.length, 16, 'every pair is a group of its own')
  t.strictSame(
    both.results!.group_by_field_values.map(part => openFieldData(part).name),
    ['kind', 'id'],
  )
  await db.close()
})

t.test('groups of a JSON path have the type they were cast to, text without a cast', async t => {
  const schema = buildSchema({
    name: 'c',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'j', dataType: DataType.JSON },
      { name: 'v', dataType: DataType.FloatVector, dim: 2 },
    ],
  })
  const cases: readonly [readonly unknown[], DataType][] = [
    [[null, 7, 2n ** 60n], DataType.Int64],
    [[true, null, false], DataType.Bool],
    [['"x"', '1', null], DataType.VarChar],
    [[null, null], DataType.VarChar],
  ]
  for (const [values, type] of cases) {
    const { field, column } = groupColumn(schema, 'j["a"]', values)
    t.equal(field.dataType, type)
    t.strictSame(
      values.map((_, row) => valueAt(field, column, row, 'bigint')),
      values.map(value => (typeof value === 'number' ? BigInt(value) : value)),
    )
  }
})

t.test(
  'a JSON path to group by may stand beside the field, and hybrid searches cast what they find there',
  async t => {
    const { db, call } = await opened(t.testdir())
    const named = { name: 'docs', indexes: [{ fieldName: 'vector', metricType: 'L2' }] }
    const docs = await db.createCollection({
      ...named,
      fields: [
        { name: 'id', dataType: 5, primaryKey: true },
        { name: 'vector', dataType: 101, dim: 2 },
        { name: 'j', dataType: 23 },
      ],
    })
    await docs.insert(
      [0, 1, 2, 3].map(id => ({ id, vector: [id, 0], j: { a: { 'b/c': id % 2 }, t: `${id}` } })),
    )
    const ask = async (params: Record<string, string>) => {
      const request = { ...(await searchRequest({ topk: '9', ...params })), collection_name: 'docs' }
      return scoresOf(decode(SearchResults, (await call('Search', request)) as Buffer).results!.scores)
    }
    for (const json_path of ['j["a"]["b/c"]', '["a"]["b/c"]', '/a/b~1c'])
      t.strictSame(await ask({ group_by_field: 'j', json_path }), [0, 1], json_path)
    for (const json_path of ['a', 'k["a"]', 'j', 'jj["a"]'])
      await rejects(t, ask({ group_by_field: 'j', json_path }), 1100, /^json_path .* of field j/)
    const one = { ...(await searchRequest({ topk: '9' })), collection_name: 'docs' }
    const grouped = { limit: '9', group_by_field: 'j', json_path: '["t"]' }
    const hybrid = async (params: Record<string, string>) => {
      const rank_params = pairs({ ...grouped, ...params })
      const answer = await call('HybridSearch', { collection_name: 'docs', requests: [one], rank_params })
      return scoresOf(decode(SearchResults, answer as Buffer).results!.scores).length
    }
    t.equal(await hybrid({}), 4)
    t.equal(await hybrid({ json_type: 'int64' }), 1, 'texts are no integers: one null group')
    await rejects(t, hybrid({ json_type: 'int64', strict_cast: 'true' }), 1100, /cannot be cast to int64/)
    await db.close()
  },
)

t.test(
  'pages of an iterator are neither searched by keys nor reranked; no part of a hybrid search is one',
  async t => {
    const { db, call } = await opened(t.testdir())
    const page = { iterator: 'True', topk: '3' }
    const boost = { reranker: 'boost', weight: '2' }
    const function_score = { functions: [{ name: 'b', type: 3, params: pairs(boost) }] }
    const asked = await searchRequest(page)
    const text = /when using search iterator/
    await rejects(t, call('Search', { ...asked, function_score }), 1100, text)
    // int_id { data: [1] }
    const ids = Uint8Array.of(0x0a, 3, 0x0a, 1, 1)
    const { placeholder_group: _, ...bare } = asked
    await rejects(t, call('Search', { ...bare, ids }), 1100, text)
    const rank_params = pairs({ limit: '3' })
    for (const params of [page, { ...page, search_iter_v2: 'True', search_iter_batch_size: '3' }]) {
      const requests = [await searchRequest(params)]
      const refused = /^iterator is not supported in hybrid search/
      await rejects(t, call('HybridSearch', { ...named, requests, rank_params }), 1100, refused)
    }
    await db.close()
  },
)

t.test('a query without rows still has every column; aggregates are columns of their own', async t => {
  const { db, call } = await opened(t.testdir())
  const query = async (expr: string, output_fields: string[], query_params: Record<string, string> = {}) =>
    decode(
      QueryResults,
      (await call('Query', { ...named, expr, output_fields, query_params: pairs(query_params) })) as Buffer,
    )
  const none = await query('id > 100', ['*'])
  t.strictSame(
    none.fields_data.map(part => [openFieldData(part).name, openFieldData(part).kind]),
    [
      ['id', 'scalars'],
      ['vector', 'vectors'],
      ['kind', 'scalars'],
      ['$meta', 'scalars'],
    ],
  )
  t.equal(none.primary_field_name, 'id')
  const keys = await query('id > 0', ['pages'])
  t.strictSame(keys.output_fields, ['id', 'pages'], 'dynamic keys are listed by name')
  t.ok(openFieldData(keys.fields_data[1]!).dynamic)
  const sums = await query('', ['kind', 'count(*)', 'avg(id)'], { group_by_fields: 'kind', limit: '10' })
  t.strictSame(sums.output_fields, ['kind', 'count(*)', 'avg(id)'])
  t.strictSame(
    sums.fields_data.map(part => openFieldData(part).type),
    [21, 5, 11],
  )
  await db.close()
})

t.test('a write for an older schema is refused with 109, and nothing is written', async t => {
  const { db, books, call } = await opened(t.testdir())
  const { updatedTimestamp } = await books.describe()
  await rejects(
    t,
    call('Insert', { ...named, num_rows: 1, schema_timestamp: updatedTimestamp - 1n }),
    109,
    /schema/,
  )
  await rejects(
    t,
    call('Insert', { ...named, num_rows: 0, schema_timestamp: updatedTimestamp }),
    1100,
    /num_rows/,
  )
  t.equal(await books.count(), 4)
  await db.close()
})

t.test('a struct array field is added by AddCollectionStructField, and described', async t => {
  const { db, books, call } = await opened(t.testdir())
  const struct_array_field_schema = {
    name: 'parts',
    nullable: true,
    fields: [
      { name: 'n', data_type: 22, element_type: 5, type_params: [{ key: 'max_capacity', value: '4' }] },
      {
        name: 'v',
        data_type: 106,
        element_type: 101,
        type_params: [
          { key: 'max_capacity', value: '4' },
          { key: 'dim', value: '2' },
        ],
      },
    ],
  }
  await call('AddCollectionStructField', { ...named, struct_array_field_schema })
  const { schema } = await books.describe()
  const parts = schema.fields.find(field => field.name === 'parts')!
  t.same(
    parts.fields!.map(sub => [sub.name, sub.dataType, sub.elementType, sub.dim, sub.maxCapacity]),
    [
      ['n', 22, 5, 0, 4],
      ['v', 106, 101, 2, 4],
    ],
  )
  const described = (await call('DescribeCollection', named)) as {
    schema: { struct_array_fields: { name: string; fields: { name: string; data_type: number }[] }[] }
  }
  const [struct] = described.schema.struct_array_fields
  t.equal(struct!.name, 'parts')
  t.same(
    struct!.fields.map(sub => [sub.name, sub.data_type]),
    [
      ['n', 22],
      ['v', 106],
    ],
  )
  const required = { ...struct_array_field_schema, name: 'more', nullable: false }
  await rejects(
    t,
    call('AddCollectionStructField', { ...named, struct_array_field_schema: required }),
    1100,
    /added field must be nullable/,
  )
  await db.close()
})

t.test('fields are added and dropped by AlterCollectionSchema, one at a time', async t => {
  const { db, books, call } = await opened(t.testdir())
  const field_schema = { name: 'year', data_type: 4, nullable: true }
  await call('AlterCollectionSchema', {
    ...named,
    action: { add_request: { field_infos: [{ field_schema }] } },
  })
  t.ok((await books.describe()).schema.fields.some(field => field.name === 'year'))
  const two = { add_request: { field_infos: [{ field_schema }, { field_schema }] } }
  await rejects(t, call('AlterCollectionSchema', { ...named, action: two }), 3000, /several fields/)
  const functions = { add_request: { func_schema: [{ name: 'f', type: 1 }] } }
  await rejects(t, call('AlterCollectionSchema', { ...named, action: functions }), 3000, /function/)
  await call('AlterCollectionSchema', { ...named, action: { drop_request: { field_name: 'year' } } })
  t.notOk((await books.describe()).schema.fields.some(field => field.name === 'year'))
  await db.close()
})

t.test('lists show what is loaded; unknown names have their codes', async t => {
  const { db, call } = await opened(t.testdir())
  await db.createCollection({
    name: 'idle',
    fields: [
      { name: 'k', dataType: 5, primaryKey: true },
      { name: 'v', dataType: 101, dim: 2 },
    ],
    load: false,
  })
  t.match(await call('ShowCollections', {}), {
    collection_names: [collection_name, 'idle'],
    inMemory_percentages: [100, 0],
  })
  t.match(await call('ShowCollections', { type: 1 }), { collection_names: [collection_name] })
  const both = (await call('BatchDescribeCollection', { collection_name: ['idle', 'nobody'] })) as {
    responses: { collection_name?: string; status: { code?: number } }[]
  }
  t.equal(both.responses[0]!.collection_name, 'idle')
  t.equal(both.responses[1]!.status.code, 100)
  await rejects(t, call('DescribeIndex', { collection_name: 'idle' }), 700, /index not found/)
  await rejects(t, call('GetLoadingProgress', { collection_name: 'idle' }), 101, /not loaded/)
  t.strictSame(await call('ListCredUsers', {}), { usernames: ['root'] })
  await db.close()
})

t.test('a database that rounds Int64 values is not served', async t => {
  const db = await open(t.testdir(), { int64As: 'number' })
  await rejects(t, startServer(db.engine, { port: 0 }), 1100, /int64As/)
  await db.close()
})
