/**
 * Columns through the wire, both ways, with Milvus's own Node SDK at the other end: what it sends as rows must arrive as
 * the right columns, and columns we send must come back as the same rows.
 */
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import t from 'tap'
import type { CollectionSchema } from '../../../lib/schema/collection-schema.js'
import type { Column, ColumnBatch } from '../../../lib/schema/column.js'
import { valueAt } from '../../../lib/schema/column-ops.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { decodeFieldsData } from '../../../lib/wire/field-data.js'
import { mutationResult, queryResults, searchResults } from '../../../lib/wire/results.js'
import { describeSchema } from '../../../lib/wire/schema-proto.js'
import { field, meta, schemaOf } from './schema-fixture.js'
import { type StubCalls, startStub } from './stub-server.js'

const everyType = schemaOf([
  field('id', DataType.Int64),
  field('flag', DataType.Bool, { nullable: true }),
  field('tiny', DataType.Int8, { nullable: true }),
  field('small', DataType.Int16, { nullable: true }),
  field('word', DataType.Int32, { nullable: true }),
  field('long', DataType.Int64, { nullable: true }),
  field('single', DataType.Float, { nullable: true }),
  field('double', DataType.Double, { nullable: true }),
  field('text', DataType.VarChar, { nullable: true }),
  field('doc', DataType.JSON, { nullable: true }),
  field('numbers', DataType.Array, { elementType: DataType.Int64, maxCapacity: 8, nullable: true }),
  field('words', DataType.Array, {
    elementType: DataType.VarChar,
    maxLength: 20,
    maxCapacity: 8,
    nullable: true,
  }),
  field('vector', DataType.FloatVector, { dim: 4, nullable: true }),
  field('bits', DataType.BinaryVector, { dim: 16, nullable: true }),
  field('bytes', DataType.Int8Vector, { dim: 4, nullable: true }),
  field('sparse', DataType.SparseFloatVector, { nullable: true }),
  meta(),
])

const rows = [
  {
    id: '9007199254740993',
    flag: true,
    tiny: -128,
    small: 32767,
    word: -2147483648,
    long: '-9223372036854775808',
    single: 0.5,
    double: 0.1,
    text: 'žluť 🐎',
    doc: { a: [1, { b: null }] },
    numbers: ['1', '-1', '9007199254740993'],
    words: ['', 'ž'],
    vector: [1, -2, 0.25, 0],
    bits: [255, 1],
    bytes: [-128, 127, 0, -1],
    sparse: { 3: 0.5, 70000: 2 },
    extra: 'dynamic',
    more: { x: 1 },
  },
  {
    id: '-1',
    flag: null,
    tiny: null,
    small: null,
    word: null,
    long: null,
    single: null,
    double: null,
    text: null,
    doc: null,
    numbers: null,
    words: null,
    vector: null,
    bits: null,
    bytes: null,
    sparse: null,
  },
  {
    id: '0',
    flag: false,
    tiny: 0,
    small: 0,
    word: 0,
    long: '0',
    single: 0,
    double: 0,
    text: '',
    doc: [],
    numbers: [],
    words: [],
    vector: [0, 0, 0, 0],
    bits: [0, 0],
    bytes: [0, 0, 0, 0],
    sparse: { 0: 1 },
  },
]

function describeAs(schema: CollectionSchema): StubCalls {
  return {
    DescribeCollection: async () => ({
      schema: describeSchema(schema, 'default', {}),
      collectionID: 1,
      collection_name: schema.name,
      update_timestamp: 5n,
      update_timestamp_str: '5',
      consistency_level: 2,
    }),
  }
}

async function withServer(
  t: { teardown(after: () => unknown): void },
  calls: StubCalls,
): Promise<MilvusClient> {
  const stub = await startStub(calls)
  const client = new MilvusClient({ address: stub.address })
  t.teardown(async () => {
    await client.closeConnection()
    await stub.close()
  })
  return client
}

/** Values of one row of a batch, Int64 as text. */
function rowOf(schema: CollectionSchema, batch: ColumnBatch, row: number): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [i, one] of schema.fields.entries()) {
    const column = batch.columns[i]
    if (column !== null && column !== undefined) out[one.name] = valueAt(one, column, row, 'string')
  }
  return out
}

t.test('rows of every type arrive as columns, and columns come back as the same rows', async t => {
  let kept: ColumnBatch | undefined
  const client = await withServer(t, {
    ...describeAs(everyType),
    Insert: async request => {
      t.equal(request.schema_timestamp, 5n, 'the schema version the client knows comes along')
      kept = decodeFieldsData(everyType, request.fields_data, request.num_rows, 'insert')
      return mutationResult({ kind: 'insert', count: 3, ids: kept.columns[0]!, timestamp: 99n })
    },
    Query: async () =>
      queryResults({
        collectionName: 'c',
        rowCount: 3,
        columns: everyType.fields.map((one, i) => ({ field: one, column: kept!.columns[i]! })),
        outputFields: [...everyType.fields.map(one => one.name)],
        primaryFieldName: 'id',
        sessionTs: 7n,
      }),
  })
  const inserted = await client.insert({ collection_name: 'c', data: rows as never })
  t.match(inserted, {
    status: { error_code: 'Success', code: 0 },
    insert_cnt: '3',
    upsert_cnt: '0',
    timestamp: '99',
    succ_index: [0, 1, 2],
    err_index: [],
    IDs: { int_id: { data: ['9007199254740993', '-1', '0'] } },
  })
  const batch = kept!
  for (const [i, row] of rows.entries()) {
    const { extra, more, ...declared } = row as Record<string, unknown>
    const got = rowOf(everyType, batch, i)
    const dynamic = got['$meta']
    delete got['$meta']
    t.match(dynamic, i === 0 ? { extra, more } : {})
    const { sparse, vector, bits, bytes, single, ...plain } = declared
    t.match(got, plain, `row ${i}`)
    if (i === 0) t.match(plainList(got['vector']), vector)
    if (i === 0) t.match(plainList(got['bytes']), bytes)
    if (i === 1) t.equal(got['vector'], null)
    t.equal(got['single'], single)
  }
  const { data } = await client.query({ collection_name: 'c', filter: 'id > -2', output_fields: ['*'] })
  for (const [i, row] of rows.entries()) {
    const { extra, more, ...declared } = row as Record<string, unknown>
    t.match(data[i], { ...declared, $meta: i === 0 ? { extra, more } : {} }, `row ${i} read back`)
  }
})

function plainList(value: unknown): unknown[] {
  return Array.from(value as ArrayLike<unknown>)
}

t.test('a query without rows still has every column', async t => {
  const empty = decodeFieldsData(everyType, [], 1, 'insert')
  t.ok(
    empty.columns.every(column => column === null),
    'nothing was sent, so nothing is there',
  )
  const client = await withServer(t, {
    ...describeAs(everyType),
    Query: async () =>
      queryResults({
        collectionName: 'c',
        rowCount: 0,
        columns: everyType.fields.map(one => ({ field: one, column: noRows(one.dataType, one.dim) })),
        outputFields: everyType.fields.map(one => one.name),
        primaryFieldName: 'id',
        sessionTs: 7n,
      }),
  })
  const { data, status } = await client.query({
    collection_name: 'c',
    filter: 'id > 5',
    output_fields: ['*'],
  })
  t.equal(status.error_code, 'Success')
  t.same(data, [])
})

function noRows(type: DataType, dim: number): Column {
  if (
    type === DataType.VarChar ||
    type === DataType.JSON ||
    type === DataType.Array ||
    type === DataType.SparseFloatVector
  ) {
    return { layout: 'var', offsets: new Uint32Array(1), heap: new Uint8Array(0), validity: null }
  }
  return { layout: 'fixed', width: Math.max(1, dim), values: new Uint8Array(0), validity: null }
}

t.test('hits come back per query, with scores and dynamic keys', async t => {
  const schema = schemaOf([
    field('pk', DataType.VarChar),
    field('v', DataType.FloatVector, { dim: 2 }),
    meta(),
  ])
  const texts = (list: string[]): Column => {
    const heap = Buffer.from(list.join(''))
    const offsets = new Uint32Array(list.length + 1)
    for (const [i, one] of list.entries()) offsets[i + 1] = offsets[i]! + Buffer.byteLength(one)
    return { layout: 'var', offsets, heap, validity: null }
  }
  const client = await withServer(t, {
    ...describeAs(schema),
    Search: async () =>
      searchResults({
        collectionName: 'c',
        topks: [2, 0, 1],
        scores: Float32Array.of(0.5, 1.5, 2.5),
        ids: texts(['a', 'b', 'č']),
        columns: [{ field: schema.fields[2]!, column: texts(['{"k":1}', '{}', '{"k":[2]}']) }],
        outputFields: ['k'],
        primaryFieldName: 'pk',
        sessionTs: 0n,
      }),
  })
  const found = await client.search({
    collection_name: 'c',
    data: [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    anns_field: 'v',
    output_fields: ['k'],
    limit: 2,
  })
  t.match(found.status, { error_code: 'Success' })
  t.match(found.results, [[{ score: 0.5, k: 1 }, { score: 1.5 }], [], [{ score: 2.5, k: [2] }]])
})
