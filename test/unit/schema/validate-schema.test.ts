/** Collection requests: what is a legal schema, and how a schema may change (§6.1, §6.7; query-search §7.2). */
import t from 'tap'
import { LIMITS } from '../../../lib/base/limits.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { CollectionRequest, FieldRequest } from '../../../lib/schema/requests.js'
import {
  buildSchema,
  sameSchema,
  withAddedField,
  withDynamicField,
  withoutDynamicField,
  withoutField,
} from '../../../lib/schema/validate-schema.js'
import { collection, ID, refusal, refused, VECTOR } from './fixtures.js'

const refusedField = (field: FieldRequest) => refused(() => collection([field]))
const text = (name: string, more: Partial<FieldRequest> = {}): FieldRequest => ({
  name,
  dataType: DataType.VarChar,
  maxLength: 10,
  ...more,
})

t.test('a whole schema: ids from 100, $meta last, positions worked out', async t => {
  const schema = collection([text('key', { partitionKey: true, defaultValue: 'k' })], {
    enableDynamicField: true,
    autoId: true,
    description: 'all books',
  })
  t.strictSame(
    schema.fields.map(f => [f.id, f.name]),
    [
      [100, 'id'],
      [101, 'vector'],
      [102, 'key'],
      [103, '$meta'],
    ],
  )
  t.match(schema, { pkIndex: 0, partitionKeyIndex: 2, dynamicIndex: 3, maxFieldId: 103, version: 1 })
  t.match(schema.fields[0], { primaryKey: true, autoId: true })
  t.match(schema.fields[3], { dataType: DataType.JSON, nullable: true, dynamic: true })
  t.equal(schema.description, 'all books')
  t.equal(collection([]).dynamicIndex, -1)
})

t.test('type parameters may come as text; the others are echoed as text', async t => {
  const schema = buildSchema({
    name: 'c',
    fields: [
      ID,
      { name: 'v', dataType: DataType.FloatVector, params: { dim: '8', 'mmap.enabled': true } },
      { name: 's', dataType: DataType.VarChar, params: { max_length: 7, enable_analyzer: 'true' } },
      {
        name: 'a',
        dataType: DataType.Array,
        elementType: DataType.VarChar,
        params: { max_length: '5', max_capacity: '3' },
      },
    ],
  })
  t.match(schema.fields[1], { dim: 8, params: { 'mmap.enabled': 'true' } })
  t.strictSame(schema.fields[2]?.params, { enable_analyzer: 'true' })
  t.match(schema.fields[3], { maxLength: 5, maxCapacity: 3, elementType: DataType.VarChar, params: {} })
  t.match(
    refused(() => collection([{ name: 'w', dataType: DataType.FloatVector, params: { dim: 'many' } }])),
    'type param(dim) should be an integer, got many',
  )
})

t.test('exactly one primary key, Int64 or VarChar, never null, no default', async t => {
  const build = (fields: FieldRequest[]) => refused(() => buildSchema({ name: 'c', fields }))
  t.match(build([VECTOR]), 'primary key is not specified')
  t.match(
    build([ID, VECTOR, { ...ID, name: 'id2' }]),
    'there are more than one primary key, field name = id, id2',
  )
  t.match(build([{ ...ID, dataType: DataType.Int32 }, VECTOR]), 'primary key should be Int64 or VarChar')
  t.match(build([{ ...ID, nullable: true }, VECTOR]), 'primary field not support null')
  t.match(build([{ ...ID, defaultValue: 1 }, VECTOR]), 'primary field not support default_value')
  t.match(
    build([{ ...ID, dataType: DataType.VarChar }, VECTOR]),
    'type param(max_length) should be specified',
  )
  t.ok(buildSchema({ name: 'c', fields: [{ ...ID, dataType: DataType.VarChar, maxLength: 9 }, VECTOR] }))
  t.match(
    refusedField({ name: 'n', dataType: DataType.Int64, autoId: true }),
    'only primary field can specify AutoID with true, field name = n',
  )
})

t.test('one to ten vector fields', async t => {
  t.match(
    refused(() => buildSchema({ name: 'c', fields: [ID] })),
    'schema does not contain vector field',
  )
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ ...VECTOR, name: `v${i}` })) as FieldRequest[]
  t.ok(buildSchema({ name: 'c', fields: [ID, ...many(10)] }))
  t.match(
    refused(() => buildSchema({ name: 'c', fields: [ID, ...many(11)] })),
    "maximum vector field's number should be limited to 10",
  )
})

t.test('dimensions per vector type', async t => {
  const vector = (dataType: DataType, dim?: number): FieldRequest =>
    dim === undefined ? { name: 'w', dataType } : { name: 'w', dataType, dim }
  for (const type of [
    DataType.FloatVector,
    DataType.Float16Vector,
    DataType.BFloat16Vector,
    DataType.Int8Vector,
  ]) {
    t.equal(collection([vector(type, 32768)]).fields[2]?.dim, 32768)
    t.match(
      refusedField(vector(type, 1)),
      'invalid dimension: 1 of field w. float vector dimension should be in range 2 ~ 32768',
    )
    t.match(refusedField(vector(type, 32769)), 'should be in range 2 ~ 32768')
    t.match(refusedField(vector(type)), 'dimension is not defined in field type params')
  }
  t.equal(collection([vector(DataType.BinaryVector, 262144)]).fields[2]?.dim, 262144)
  t.match(refusedField(vector(DataType.BinaryVector, 12)), 'dimension should be multiple of 8')
  t.match(refusedField(vector(DataType.BinaryVector, 262152)), 'should be in range 2 ~ 262144')
  t.ok(collection([vector(DataType.SparseFloatVector)]))
  t.match(
    refusedField(vector(DataType.SparseFloatVector, 8)),
    'dim should not be specified for sparse vector field w',
  )
})

t.test('lengths and capacities are mandatory and bounded', async t => {
  t.match(
    refusedField({ name: 's', dataType: DataType.VarChar }),
    'type param(max_length) should be specified for the field(s) of collection books',
  )
  t.match(refusedField(text('s', { maxLength: 0 })), 'should be in (0, 65535], but got 0 instead')
  t.match(refusedField(text('s', { maxLength: 65536 })), 'should be in (0, 65535], but got 65536 instead')
  const array: FieldRequest = {
    name: 'a',
    dataType: DataType.Array,
    elementType: DataType.Int8,
    maxCapacity: 4096,
  }
  t.ok(collection([array]))
  t.match(
    refusedField({ ...array, maxCapacity: 4097 }),
    'the maximum capacity specified for a Array should be in (0, 4096]',
  )
  t.match(
    refusedField({ name: 'a', dataType: DataType.Array, elementType: DataType.Int8 }),
    'type param(max_capacity) should be specified for array field a',
  )
  t.match(
    refusedField({ ...array, elementType: DataType.VarChar }),
    'type param(max_length) should be specified',
  )
  for (const elementType of [
    DataType.JSON,
    DataType.Array,
    DataType.FloatVector,
    DataType.Timestamptz,
    DataType.None,
  ]) {
    t.match(refusedField({ ...array, elementType }), /element type \d+ is not supported for array field a/)
  }
})

t.test('types we do not serve are refused at creation', async t => {
  t.match(
    refusedField({ name: 'g', dataType: DataType.ArrayOfVector }),
    'ArrayOfVector is only supported in a struct array field',
  )
  t.match(refusedField({ name: 'g', dataType: 20 as DataType }), 'please use VarChar type instead')
  for (const type of [0, 201, 27, 99]) {
    t.match(
      refusedField({ name: 'g', dataType: type as DataType }),
      `field data type: ${type} is not supported`,
    )
  }
})

t.test('names: field rules apply, no duplicates, counts are bounded', async t => {
  t.equal(refusal(() => collection([text('$meta')])).code, 1701)
  t.match(refusedField(text('vector')), 'duplicated field name vector')
  t.match(
    refused(() => collection([], { name: '1c' })),
    'Invalid collection name: 1c',
  )
  const many = Array.from({ length: 62 }, (_, i) => text(`s${i}`))
  t.equal(collection(many, { enableDynamicField: true }).fields.length, 65, '$meta does not count')
  t.match(
    refused(() => collection([...many, text('x')])),
    "maximum field's number should be limited to 64",
  )
  t.match(
    refused(() => collection([], { description: 'x'.repeat(1025) })),
    'longer than 1024',
  )
  t.match(refusedField(text('s', { description: 'x'.repeat(1025) })), 'longer than 1024')
})

t.test('partition key: one, Int64 or VarChar, not the pk, not null, default allowed', async t => {
  t.ok(collection([{ name: 'k', dataType: DataType.Int64, partitionKey: true, defaultValue: 3 }]))
  t.match(
    refusedField(text('k', { partitionKey: true, nullable: true })),
    'partition key field not support nullable',
  )
  t.match(
    refusedField({ name: 'k', dataType: DataType.Int32, partitionKey: true }),
    'the data type of partition key should be Int64 or VarChar',
  )
  t.match(
    refused(() => collection([text('k', { partitionKey: true }), text('l', { partitionKey: true })])),
    'there are more than one partition key, field name = k, l',
  )
  t.match(
    refused(() => buildSchema({ name: 'c', fields: [{ ...ID, partitionKey: true }, VECTOR] })),
    'the partition key field must not be primary field',
  )
})

t.test('clustering key: one sortable scalar', async t => {
  t.ok(collection([text('k', { clusteringKey: true })]))
  t.match(
    refusedField({ name: 'k', dataType: DataType.JSON, clusteringKey: true }),
    'clustering key does not support type JSON',
  )
  t.match(
    refused(() => collection([text('k', { clusteringKey: true }), text('l', { clusteringKey: true })])),
    'there are more than one clustering key',
  )
})

t.test('defaults are checked and kept in stored form', async t => {
  const cases: [DataType, unknown, unknown][] = [
    [DataType.Bool, false, false],
    [DataType.Int8, -128, -128],
    [DataType.Int16, 32767, 32767],
    [DataType.Int32, -0, 0],
    [DataType.Int64, 2n ** 60n, 2n ** 60n],
    [DataType.Int64, 7n, 7],
    [DataType.Int64, '123', 123],
    [DataType.Float, 0.1, Math.fround(0.1)],
    [DataType.Double, 0.1, 0.1],
    [DataType.VarChar, '', ''],
    [DataType.VarChar, 'ééééé', 'ééééé'],
    [DataType.Timestamptz, '1970-01-01T00:00:01Z', 1_000_000],
    [DataType.Timestamptz, new Date(5), 5000],
  ]
  for (const [dataType, defaultValue, stored] of cases) {
    t.equal(collection([text('f', { dataType, defaultValue })]).fields[2]?.defaultValue, stored)
  }
  t.notOk('defaultValue' in collection([text('f', { defaultValue: null })]).fields[2]!)
  const bad: [DataType, unknown][] = [
    [DataType.Bool, 1],
    [DataType.Int8, 128],
    [DataType.Int16, 1.5],
    [DataType.Int64, 2 ** 53],
    [DataType.Int64, 2n ** 63n],
    [DataType.Float, 1e39],
    [DataType.Double, Number.NaN],
    [DataType.Double, '1'],
    [DataType.VarChar, 5],
  ]
  for (const [dataType, defaultValue] of bad) {
    t.match(
      refusedField(text('f', { dataType, defaultValue })),
      /type \(\w+\) of field \(f\) is not equal to the type\(\w+\) of default_value/,
    )
  }
  t.match(
    refusedField(text('f', { defaultValue: 'éééééé' })),
    'the length (12) of string exceeds max length (10)',
  )
  for (const [dataType, value] of [
    [DataType.JSON, '{}'],
    [DataType.Text, 'x'],
    [DataType.FloatVector, [1, 2]],
  ] as const) {
    t.match(
      refusedField({ name: 'f', dataType, dim: 2, defaultValue: value }),
      'type not support default_value',
    )
  }
})

t.test('BM25 functions mark their output; other functions are refused', async t => {
  const fields = [
    text('doc', { params: { enable_analyzer: true } }),
    { name: 'sparse', dataType: DataType.SparseFloatVector },
  ]
  const bm25 = { name: 'f', type: 1, inputFieldNames: ['doc'], outputFieldNames: ['sparse'] }
  const schema = collection(fields, { functions: [{ ...bm25, params: { bm25_k1: 1.2 } }] })
  t.strictSame(
    schema.fields.map(f => f.functionOutput),
    [false, false, false, true],
  )
  t.match(schema.functions, [{ id: 100, name: 'f', params: { bm25_k1: '1.2' } }])
  const refusedFunctions = (functions: CollectionRequest['functions']) =>
    refused(() => collection(fields, { functions: functions! }))
  t.match(refusedFunctions([{ ...bm25, type: 4 }]), 'function type 4 is not supported here')
  t.match(refusedFunctions([{ ...bm25, name: '' }]), 'function name cannot be empty')
  t.match(refusedFunctions([bm25, bm25]), 'duplicate function name f')
  t.match(refusedFunctions([bm25, { ...bm25, name: 'g' }]), 'is the output of two functions')
  t.match(
    refusedFunctions([{ ...bm25, inputFieldNames: [] }]),
    'should have exactly one input field, but now 0',
  )
  t.match(
    refusedFunctions([{ ...bm25, inputFieldNames: ['x'] }]),
    'function input field not found: function f, field x',
  )
  t.match(
    refusedFunctions([{ ...bm25, inputFieldNames: ['id'] }]),
    'input field must be a VARCHAR/TEXT field',
  )
  t.match(
    refusedFunctions([{ ...bm25, outputFieldNames: ['vector'] }]),
    'output field must be a SparseFloatVector',
  )
  t.match(
    refused(() => collection([text('doc'), fields[1]!], { functions: [bm25] })),
    'must set enable_analyzer to true',
  )
  t.match(
    refused(() => collection([fields[0]!, { ...fields[1]!, nullable: true }], { functions: [bm25] })),
    'function output field cannot be nullable',
  )
})

t.test('an added field goes last, gets the next id, and must be nullable', async t => {
  const schema = collection([], { enableDynamicField: true })
  const grown = withAddedField(schema, text('s', { nullable: true, defaultValue: 'x' }))
  t.match(grown.fields.at(-1), { id: 103, name: 's', defaultValue: 'x' })
  t.match(grown, { dynamicIndex: 2, maxFieldId: 103, version: 2 })
  t.equal(schema.fields.length, 3, 'the old schema is as it was')
  t.ok(withAddedField(schema, { ...VECTOR, name: 'w', nullable: true }))
  const refusedAdd = (field: FieldRequest) => refused(() => withAddedField(schema, field))
  t.match(refusedAdd(text('s')), 'added field must be nullable, please check it, field name = s')
  t.match(refusedAdd(text('vector', { nullable: true })), 'duplicated field name vector')
  t.match(refusedAdd({ ...ID, name: 'x' }), 'not support to add pk field')
  t.match(refusedAdd(text('x', { autoId: true })), 'only primary field can specify AutoID')
  t.match(refusedAdd(text('x', { partitionKey: true })), 'not support to add partition key field')
  t.match(refusedAdd(text('x', { clusteringKey: true })), 'not support to add clustering key field')
  const full = collection(Array.from({ length: LIMITS.fieldsMax - 2 }, (_, i) => text(`s${i}`)))
  t.match(
    refused(() => withAddedField(full, text('x', { nullable: true }))),
    'The number of fields has reached the maximum value 64',
  )
})

t.test('a dropped field never gives its id away', async t => {
  const schema = collection([text('a'), text('b'), { ...VECTOR, name: 'w' }])
  const without = withoutField(schema, 'w')
  t.strictSame(
    without.fields.map(f => f.name),
    ['id', 'vector', 'a', 'b'],
  )
  t.equal(withAddedField(without, text('w', { nullable: true })).fields.at(-1)?.id, 105)
  t.match(
    refused(() => withoutField(without, 'vector')),
    'cannot drop the last vector field: vector',
  )
  t.equal(refusal(() => withoutField(schema, 'nope')).code, 1700)
  t.match(
    refused(() => withoutField(schema, 'nope')),
    'field not found: nope',
  )
  t.match(
    refused(() => withoutField(schema, 'id')),
    'cannot drop primary key field: id',
  )
  const keyed = collection([text('p', { partitionKey: true }), text('c', { clusteringKey: true })], {
    enableDynamicField: true,
  })
  t.match(
    refused(() => withoutField(keyed, 'p')),
    'cannot drop partition key field: p',
  )
  t.match(
    refused(() => withoutField(keyed, 'c')),
    'cannot drop clustering key field: c',
  )
  t.match(
    refused(() => withoutField(keyed, '$meta')),
    'cannot drop dynamic field: $meta',
  )
  const search = collection(
    [
      text('doc', { params: { enable_analyzer: 'true' } }),
      { name: 'sparse', dataType: DataType.SparseFloatVector },
    ],
    { functions: [{ name: 'f', type: 1, inputFieldNames: ['doc'], outputFieldNames: ['sparse'] }] },
  )
  t.match(
    refused(() => withoutField(search, 'doc')),
    'field is referenced by function f as input, drop function first',
  )
  t.match(
    refused(() => withoutField(search, 'sparse')),
    'field is referenced by function f as output',
  )
})

t.test('the dynamic field can come and go', async t => {
  const plain = collection([])
  const dynamic = withDynamicField(plain)
  t.match(dynamic, { dynamicIndex: 2, maxFieldId: 102, version: 2 })
  t.equal(withDynamicField(dynamic), dynamic)
  const again = withDynamicField(withoutDynamicField(dynamic))
  t.equal(again.fields[2]?.id, 103)
  t.equal(withoutDynamicField(plain), plain)
})

t.test('same declaration, same schema; ids and versions do not count', async t => {
  const request = [text('a', { defaultValue: '1', params: { x: 1, y: 2 } })]
  t.ok(
    sameSchema(collection(request), collection([text('a', { defaultValue: '1', params: { y: 2, x: 1 } })])),
  )
  const other = collection([text('tmp'), ...request])
  t.ok(sameSchema(withoutField(other, 'tmp'), collection(request)))
  for (const field of [
    text('a', { defaultValue: '2', params: { x: 1, y: 2 } }),
    text('a', { params: { x: 1, y: 2 } }),
    text('a', { defaultValue: '1', params: { x: 1 } }),
    text('a', { defaultValue: '1', params: { x: 1, y: 2 }, nullable: true }),
    text('b', { defaultValue: '1', params: { x: 1, y: 2 } }),
  ]) {
    t.notOk(sameSchema(collection(request), collection([field])))
  }
  t.notOk(sameSchema(collection(request), collection(request, { enableDynamicField: true })))
  t.notOk(sameSchema(collection(request), collection(request, { description: 'd' })))
})
