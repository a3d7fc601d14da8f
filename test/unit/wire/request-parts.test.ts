/** Small parts of requests: query vectors, ids, key/value pairs, template values, schemas. */
import t from 'tap'
import { Double } from '../../../lib/filter/fold.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { buildSchema } from '../../../lib/schema/validate-schema.js'
import { Params, parseBoolean, parseInteger, toRecord } from '../../../lib/wire/key-values.js'
import { encode } from '../../../lib/wire/message.js'
import { CollectionSchema, PlaceholderGroup } from '../../../lib/wire/messages/common.js'
import { decodePlaceholderGroup } from '../../../lib/wire/placeholder-group.js'
import { ProtoWriter, WireType } from '../../../lib/wire/protobuf.js'
import { readIds } from '../../../lib/wire/results.js'
import { decodeCollectionSchema, describeSchema } from '../../../lib/wire/schema-proto.js'
import { decodeTemplates } from '../../../lib/wire/template-values.js'
import { field, meta, schemaOf } from './schema-fixture.js'

const group = (type: number, ...values: Uint8Array[]): Buffer =>
  encode(PlaceholderGroup, { placeholders: [{ tag: '$0', type, values }] })

t.test('query vectors come out as typed arrays, texts and sorted pairs', async t => {
  const floats = new Uint8Array(Float32Array.of(1, -0.5).buffer)
  t.same(decodePlaceholderGroup(group(101, floats, floats)).values, [
    Float32Array.of(1, -0.5),
    Float32Array.of(1, -0.5),
  ])
  t.same(decodePlaceholderGroup(group(102, Uint8Array.of(0, 0x3c))).values, [Uint16Array.of(0x3c00)])
  t.same(decodePlaceholderGroup(group(105, Uint8Array.of(255))).values, [Int8Array.of(-1)])
  t.same(decodePlaceholderGroup(group(100, Uint8Array.of(9))).values, [Uint8Array.of(9)])
  t.same(decodePlaceholderGroup(group(21, Buffer.from('ž'))).values, ['ž'])
  const pairs = Buffer.alloc(16)
  pairs.writeUInt32LE(7, 0)
  pairs.writeFloatLE(1, 4)
  pairs.writeUInt32LE(3, 8)
  pairs.writeFloatLE(2, 12)
  t.same(decodePlaceholderGroup(group(104, pairs)).values, [
    { indices: Uint32Array.of(3, 7), values: Float32Array.of(2, 1) },
  ])
})

t.test('query vectors that fit no field are refused', async t => {
  t.throws(() => decodePlaceholderGroup(group(101, new Uint8Array(5))), {
    code: 1100,
    message: /^vector dimension mismatch/,
  })
  t.throws(() => decodePlaceholderGroup(group(104, Buffer.alloc(16))), /same indices/)
  t.throws(() => decodePlaceholderGroup(group(304, new Uint8Array(4))), { code: 3000 })
  t.same(
    decodePlaceholderGroup(group(301, new Uint8Array(8))).values,
    [new Float32Array(2)],
    'a list, end to end',
  )
  t.throws(() => decodePlaceholderGroup(group(77)), /unknown placeholder type 77/)
  t.throws(() => decodePlaceholderGroup(Buffer.alloc(0)), { code: 1100 })
  t.throws(() => decodePlaceholderGroup(group(21, Uint8Array.of(0xff))), /UTF-8/)
})

t.test('ids are numbers when safe, else bigint, or texts', async t => {
  const w = new ProtoWriter()
  w.begin(1)
  w.begin(1)
  for (const id of [5n, -1n, 2n ** 60n]) w.int64(id)
  w.end()
  w.end()
  t.same(readIds(w.finish()), [5, -1, 2n ** 60n])
  const s = new ProtoWriter()
  s.begin(2)
  for (const id of ['', 'a']) {
    s.tag(1, WireType.bytes)
    s.string(id)
  }
  s.end()
  t.same(readIds(s.finish()), ['', 'a'])
})

t.test('parameters are text: booleans in any spelling, integers in any base', async t => {
  for (const yes of ['true', 'True', 'TRUE', '1']) t.equal(parseBoolean(yes), true)
  for (const no of ['false', 'False', '0']) t.equal(parseBoolean(no), false)
  t.equal(parseBoolean('yes'), undefined)
  t.same(['10', '-3', '0x10', '010', '0b11', '+7'].map(parseInteger), [10, -3, 16, 8, 3, 7])
  t.same(['', '1.0', '1e3', 'ten', '9'.repeat(20)].map(parseInteger), new Array(5).fill(undefined))
  const params = new Params([
    { key: 'topk', value: 'abc' },
    { key: 'params', value: '{"id":9007199254740993}' },
    { key: 'empty', value: '' },
    { key: 'list', value: '[1]' },
  ])
  t.throws(() => params.integer('topk'), /^MilvusError: topk \[abc\] is invalid|topk \[abc\] is invalid/)
  t.same(params.object('params'), { id: 9007199254740993n })
  t.equal(params.text('empty'), undefined)
  t.throws(() => params.object('list'), /is not a JSON object/)
  t.throws(
    () => params.boolean('topk', 'parse ignore growing field failed'),
    /parse ignore growing field failed/,
  )
  t.same(
    toRecord([
      { key: '__proto__', value: 'x' },
      { key: 'a', value: '1' },
      { key: 'a', value: '2' },
    ])['a'],
    '2',
  )
})

t.test('template values of every kind; nesting is bounded', async t => {
  const value = (write: (w: ProtoWriter) => void): Buffer => {
    const w = new ProtoWriter()
    write(w)
    return w.finish()
  }
  const templates = decodeTemplates(
    new Map([
      [
        'b',
        value(w => {
          w.tag(1, 0)
          w.uint32(1)
        }),
      ],
      [
        'i',
        value(w => {
          w.tag(2, 0)
          w.int64(2n ** 60n)
        }),
      ],
      [
        'd',
        value(w => {
          w.tag(3, 1)
          w.double(0.5)
        }),
      ],
      [
        'whole',
        value(w => {
          w.tag(3, 1)
          w.double(2)
        }),
      ],
      [
        'doubles',
        value(w => {
          w.begin(5)
          w.begin(3)
          w.begin(1)
          w.double(1)
          w.double(1.5)
          w.end()
          w.end()
          w.end()
        }),
      ],
      [
        'mixed',
        value(w => {
          w.begin(5)
          w.begin(6)
          for (const text of ['1', '2.0', '"x"']) {
            w.tag(1, 2)
            w.string(text)
          }
          w.end()
          w.end()
        }),
      ],
      [
        's',
        value(w => {
          w.tag(4, 2)
          w.string('x')
        }),
      ],
      [
        'l',
        value(w => {
          w.begin(5)
          w.begin(2)
          w.begin(1)
          w.int64(1n)
          w.int64(-1n)
          w.end()
          w.end()
          w.end()
        }),
      ],
      [
        't',
        value(w => {
          w.begin(5)
          w.begin(4)
          w.tag(1, 2)
          w.string('a')
          w.end()
          w.end()
        }),
      ],
    ]),
  )
  t.same(templates, {
    b: true,
    i: 2n ** 60n,
    d: 0.5,
    // A double stays one where it is whole.
    whole: new Double(2),
    doubles: [new Double(1), 1.5],
    mixed: [1, new Double(2), 'x'],
    s: 'x',
    l: [1, -1],
    t: ['a'],
  })
  const deep = value(w => {
    w.begin(5)
    for (let i = 0; i < 40; i++) {
      w.begin(5)
      w.begin(1)
    }
    for (let i = 0; i < 40; i++) {
      w.end()
      w.end()
    }
    w.end()
  })
  t.throws(() => decodeTemplates(new Map([['x', deep]])), /nested deeper/)
})

t.test('a schema survives the trip to a client and back', async t => {
  const schema = schemaOf([
    field('id', DataType.Int64, { autoId: true }),
    field('n', DataType.Int64, { defaultValue: 2n ** 60n, nullable: true }),
    field('f', DataType.Float, { defaultValue: 0 }),
    field('s', DataType.VarChar, { maxLength: 9, params: { enable_match: 'true' }, partitionKey: true }),
    field('a', DataType.Array, { elementType: DataType.VarChar, maxCapacity: 4, maxLength: 5 }),
    field('v', DataType.FloatVector, { dim: 8 }),
    meta(),
  ])
  const bytes = encode(CollectionSchema, describeSchema(schema, 'default', { a: 'b' }))
  const { request, properties } = decodeCollectionSchema(bytes)
  t.same(properties, { a: 'b' })
  t.match(request, {
    name: 'c',
    autoId: true,
    enableDynamicField: true,
    fields: [
      { name: 'id', dataType: 5, primaryKey: true, autoId: true },
      { name: 'n', defaultValue: 2n ** 60n, nullable: true },
      { name: 'f', defaultValue: 0 },
      { name: 's', partitionKey: true, params: { max_length: '9', enable_match: 'true' } },
      { name: 'a', elementType: 21, params: { max_capacity: '4', max_length: '5' } },
      { name: 'v', params: { dim: '8' } },
    ],
  })
  t.equal(request.fields.length, 6, '$meta is hidden')
})

t.test('a struct array field survives the trip to a client and back', async t => {
  const pair = (key: string, value: string) => ({ key, value })
  const given = {
    name: 'c',
    fields: [
      { name: 'id', data_type: 5, is_primary_key: true },
      { name: 'v', data_type: 101, type_params: [pair('dim', '2')] },
    ],
    struct_array_fields: [
      {
        name: 's',
        nullable: true,
        fields: [
          {
            name: 't',
            data_type: 22,
            element_type: 21,
            type_params: [pair('max_capacity', '3'), pair('max_length', '9')],
          },
          {
            name: 'e',
            data_type: 106,
            element_type: 101,
            type_params: [pair('max_capacity', '3'), pair('dim', '4')],
          },
        ],
      },
    ],
  }
  const built = buildSchema(decodeCollectionSchema(encode(CollectionSchema, given)).request)
  const again = buildSchema(
    decodeCollectionSchema(encode(CollectionSchema, describeSchema(built, 'default', {}))).request,
  )
  t.same(again, built)
  t.equal(built.fields[2]!.fields!.length, 2)
  const empty = { ...given, struct_array_fields: [{ name: 's' }] }
  t.throws(() => buildSchema(decodeCollectionSchema(encode(CollectionSchema, empty)).request), {
    code: 1100,
    message: /struct array field s should have at least one sub-field/,
  })
})
