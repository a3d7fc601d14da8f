/**
 * What may be declared, and what a name may be: upsert-semantics §6.1, §6.6, §6.7 and lines 3–5, 26, 29 of §5.1.
 *
 * A refused declaration leaves nothing behind: the list of collections stays as it was.
 */
import t from 'tap'
import { type CreateCollection, DataType, type FieldRequest, open } from '../../lib/index.js'
import { refused, schemaWith } from '../support/states.js'

const ID: FieldRequest = { name: 'id', dataType: DataType.Int64, primaryKey: true }
const VEC: FieldRequest = { name: 'vec', dataType: DataType.FloatVector, dim: 2 }
const field = (dataType: DataType, more: Partial<FieldRequest> = {}): FieldRequest[] => [
  ID,
  VEC,
  { name: 'x', dataType, ...more },
]
const many = (count: number, of: (i: number) => FieldRequest): FieldRequest[] =>
  Array.from({ length: count }, (_, i) => of(i))

const NAMES: readonly (readonly [name: string, phrase: string])[] = [
  [
    '12-s',
    'Invalid collection name: 12-s. the first character of a collection name must be an underscore or letter',
  ],
  ['12 s', 'the first character of a collection name must be an underscore or letter'],
  ['(mn)', 'the first character of a collection name must be an underscore or letter'],
  ['中文', 'the first character of a collection name must be an underscore or letter'],
  ['%$#', 'the first character of a collection name must be an underscore or letter'],
  ['a-b', 'collection name can only contain numbers, letters and underscores'],
  ['a'.repeat(256), 'the length of a collection name must be less than 255 characters'],
  ['', 'collection name should not be empty'],
]

const RULES: readonly (readonly [
  name: string,
  fields: readonly FieldRequest[],
  code: number,
  phrase: string,
])[] = [
  ['no key', [VEC], 1100, 'primary key is not specified'],
  [
    'two keys',
    [ID, { ...ID, name: 'id2' }, VEC],
    1100,
    'there are more than one primary key, field name = id, id2',
  ],
  [
    'a key of another type',
    [{ ...ID, dataType: DataType.Int32 }, VEC],
    1100,
    'the data type of primary key should be Int64 or VarChar',
  ],
  ['a nullable key', [{ ...ID, nullable: true }, VEC], 1100, 'primary field not support null'],
  [
    'a key with a default',
    [{ ...ID, defaultValue: 1 }, VEC],
    1100,
    'primary field not support default_value',
  ],
  ['no vector', [ID], 1100, 'schema does not contain vector field'],
  [
    'eleven vectors',
    [ID, ...many(11, i => ({ ...VEC, name: `v${i}` }))],
    1100,
    "maximum vector field's number should be limited to 10",
  ],
  [
    '65 fields',
    [ID, VEC, ...many(63, i => ({ name: `f${i}`, dataType: DataType.Bool }))],
    1100,
    "maximum field's number should be limited to 64",
  ],
  ['a name twice', [ID, VEC, VEC], 1100, 'duplicated field name vec'],
  ['dim 1', [ID, { ...VEC, dim: 1 }], 1100, 'invalid dimension: 1 of field vec'],
  ['dim 32769', [ID, { ...VEC, dim: 32_769 }], 1100, 'invalid dimension: 32769 of field vec'],
  [
    'no dim',
    [ID, { name: 'vec', dataType: DataType.FloatVector }],
    1100,
    'dimension is not defined in field type params of field vec',
  ],
  [
    'binary dim 12',
    [ID, { name: 'vec', dataType: DataType.BinaryVector, dim: 12 }],
    1100,
    'binary vector dimension should be multiple of 8',
  ],
  [
    'a sparse vector with dim',
    [ID, { name: 'vec', dataType: DataType.SparseFloatVector, dim: 8 }],
    1100,
    'dim should not be specified for sparse vector field vec',
  ],
  [
    'VarChar without length',
    field(DataType.VarChar),
    1100,
    'type param(max_length) should be specified for the field(x)',
  ],
  [
    'VarChar too long',
    field(DataType.VarChar, { maxLength: 65_536 }),
    1100,
    'should be in (0, 65535], but got 65536 instead',
  ],
  [
    'Array without capacity',
    field(DataType.Array, { elementType: DataType.Int8 }),
    1100,
    'type param(max_capacity) should be specified for array field x',
  ],
  [
    'Array too large',
    field(DataType.Array, { elementType: DataType.Int8, maxCapacity: 4097 }),
    1100,
    'should be in (0, 4096], but got 4097',
  ],
  [
    'Array of JSON',
    field(DataType.Array, { elementType: DataType.JSON, maxCapacity: 4 }),
    1100,
    'is not supported for array field x',
  ],
  [
    'a default for JSON',
    field(DataType.JSON, { defaultValue: '{}' }),
    1100,
    'type not support default_value, type:JSON, name:x',
  ],
  [
    'a default for a vector',
    [ID, { ...VEC, defaultValue: [1, 2] }],
    1100,
    'type not support default_value, type:FloatVector, name:vec',
  ],
  ['a default of another type', field(DataType.Int8, { defaultValue: 'x' }), 1100, 'of default_value'],
  ['a default out of range', field(DataType.Int8, { defaultValue: 128 }), 1100, 'of default_value'],
  [
    'a default that is too long',
    field(DataType.VarChar, { maxLength: 2, defaultValue: 'żż' }),
    1100,
    'the length (4) of string exceeds max length (2)',
  ],
  [
    'two partition keys',
    [ID, VEC, ...many(2, i => ({ name: `k${i}`, dataType: DataType.Int64, partitionKey: true }))],
    1100,
    'there are more than one partition key',
  ],
  [
    'a nullable partition key',
    field(DataType.Int64, { partitionKey: true, nullable: true }),
    1100,
    'partition key field not support nullable',
  ],
  [
    'a float partition key',
    field(DataType.Float, { partitionKey: true }),
    1100,
    'the data type of partition key should be Int64 or VarChar',
  ],
  [
    'autoID of a field',
    field(DataType.Int64, { autoId: true }),
    1100,
    'only primary field can specify AutoID with true',
  ],
  [
    'type String',
    field(20 as DataType),
    1100,
    'string data type not supported yet, please use VarChar type instead',
  ],
  ['an unknown type', field(99 as DataType), 1100, 'field data type: 99 is not supported'],
  ['a reserved name', [ID, VEC, { name: 'RowID', dataType: DataType.Bool }], 1701, 'RowID'],
  ['the dynamic name', [ID, VEC, { name: '$meta', dataType: DataType.JSON }], 1701, '$meta'],
  ['a keyword', [ID, VEC, { name: 'LIKE', dataType: DataType.Bool }], 1701, 'LIKE'],
  [
    'a name with a blank',
    [ID, VEC, { name: 'a b', dataType: DataType.Bool }],
    1701,
    'Invalid field name: a b',
  ],
]

t.test('what may be declared', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const no = async (t: Tap, request: CreateCollection, code: number, phrase: string): Promise<void> => {
    const failed = await db.createCollection(request).then(
      () => null,
      (error: Error & { code: number }) => error,
    )
    t.equal(failed?.code, code, String(failed))
    t.ok(failed?.message.includes(phrase), `"${failed?.message}" has "${phrase}"`)
    t.strictSame(await db.listCollections(), [])
  }
  for (const [name, phrase] of NAMES) {
    await t.test(`#3 #4 collection name "${name.slice(0, 20)}"`, t =>
      no(t, { ...schemaWith(), name }, 1100, phrase),
    )
  }
  for (const [name, fields, code, phrase] of RULES) {
    await t.test(name, t => no(t, { name: 'c', fields }, code, phrase))
  }
  await t.test('properties', async t => {
    const of = (properties: Record<string, string | number>) => ({ ...schemaWith(), name: 'c', properties })
    await no(
      t,
      of({ 'collection.ttl.seconds': -2 }),
      1100,
      'collection TTL is out of range, expect [-1, 3155760000], got -2',
    )
    await no(t, of({ 'kestrel.retention.seconds': 'x' }), 1100, 'kestrel.retention.seconds: expected seconds')
    await no(t, of({ 'kestrel.partial_update.json': 'both' }), 1100, 'expected merge or replace, got both')
    await no(t, of({ timezone: 'Mars/Base' }), 1100, 'invalid IANA Time Zone ID')
    await no(t, of({ ttl_field: 'vec' }), 1100, 'ttl field must be timestamptz')
  })
  await t.test('the largest that is allowed', async t => {
    const fields = [ID, VEC, ...many(62, i => ({ name: `f${i}`, dataType: DataType.Bool, nullable: true }))]
    const collection = await db.createCollection({ ...schemaWith(), name: 'a'.repeat(255), fields })
    await collection.upsert([{ id: 1, vec: [1, 2], f61: true }])
    t.strictSame(await collection.query({ filter: 'f61 == true', outputFields: ['f60', 'f61'] }), [
      { id: 1, f60: null, f61: true },
    ])
    await db.dropCollection('a'.repeat(255))
  })
})
type Tap = Parameters<typeof refused>[0]

t.test('#5 #26 #29 a collection that is not there', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const nowhere = db.collection('nowhere')
  const wanted = { code: 100, message: "can't find collection[database=default][collection=nowhere]" }
  await t.rejects(nowhere.upsert([{ id: 1 }]), wanted)
  await t.rejects(nowhere.upsert([]), wanted, 'also with nothing to write')
  await t.rejects(nowhere.insert([{ id: 1 }]), wanted)
  await t.rejects(nowhere.delete({ ids: [1] }), wanted)
  await t.rejects(nowhere.query({ filter: 'id > 0' }), wanted)
  await t.rejects(nowhere.get(1), wanted)
  await t.rejects(nowhere.search({ data: [[1, 2]], limit: 1 }), wanted)
  await t.rejects(nowhere.flush(), wanted)
  t.equal(await db.hasCollection('nowhere'), false)
  await db.dropCollection('nowhere')
})

t.test('the same declaration again is a success, another one of the same name is not', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const collection = await db.createCollection({ ...schemaWith(), name: 'c' })
  await collection.insert([{ id: 1, vec: [1, 2] }])
  await db.createCollection({ ...schemaWith(), name: 'c' })
  await t.rejects(
    db.createCollection({ ...schemaWith([{ name: 'n', dataType: DataType.Bool }]), name: 'c' }),
    {
      code: 1100,
      message: /create duplicate collection with different parameters, collection: c/,
    },
  )
  t.strictSame(await collection.get(1), [{ id: 1, vec: [1, 2] }])
})

t.test('shards and consistency levels are those of Milvus', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const ask = (more: object) => db.createCollection({ ...schemaWith(), name: 'c', ...more })
  for (const shardCount of [0, 17, -1, 1.5, '2'])
    await t.rejects(ask({ shardCount }), {
      code: 1100,
      message: /maximum shards's number should be limited to 16/,
    })
  for (const consistencyLevel of [-1, 5, 'Strong'])
    await t.rejects(ask({ consistencyLevel }), { code: 1100, message: /invalid consistency level/ })
  t.strictSame(await db.listCollections(), [])
  await ask({ shardCount: 16, consistencyLevel: 4 })
})

t.test('Timestamptz texts without an offset are read in the time zone of the collection', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const schema = schemaWith([{ name: 'time', dataType: DataType.Timestamptz, nullable: true }])
  const properties = { timezone: 'Asia/Shanghai' }
  const collection = await db.createCollection({ ...schema, name: 'c', properties })
  await collection.upsert([
    { id: 1, time: '2024-05-06 08:00:00', vec: [1, 2] },
    { id: 2, time: '2024-05-06T08:00:00Z', vec: [1, 2] },
  ])
  t.strictSame(
    (await collection.query({ filter: 'id > 0', outputFields: ['time'] })).map(row =>
      Date.parse(String(row['time'])),
    ),
    [Date.UTC(2024, 4, 6), Date.UTC(2024, 4, 6, 8)],
  )
  await refused(
    t,
    collection,
    () => collection.upsert([{ id: 1, time: 'noon', vec: [1, 2] }]),
    1100,
    "got invalid timestamptz string 'noon'",
  )
})
