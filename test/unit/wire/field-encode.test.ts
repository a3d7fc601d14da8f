import t from 'tap'
import type { Column, FixedColumn, VarColumn } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { decodeFieldsData, openFieldData } from '../../../lib/wire/field-data.js'
import { writeFieldData } from '../../../lib/wire/field-encode.js'
import { ProtoReader, ProtoWriter, WireType } from '../../../lib/wire/protobuf.js'
import { field, meta, schemaOf } from './schema-fixture.js'

function encoded(one: ReturnType<typeof field>, column: Column, rowCount: number): Buffer {
  const writer = new ProtoWriter()
  writeFieldData(writer, { field: one, column }, rowCount)
  return writer.finish()
}

/** Rows 0 and 2 of three are valid. */
const HOLED = Uint32Array.of(0b101)

t.test('vectors leave null rows out, scalars keep a place for them', async t => {
  const vector = field('v', DataType.FloatVector, { dim: 2, nullable: true })
  const values = Float32Array.of(1, 2, 0, 0, 3, 4)
  const wire = openFieldData(encoded(vector, { layout: 'fixed', width: 2, values, validity: HOLED }, 3))
  t.same([...wire.valid!], [1, 0, 1])
  const reader = new ProtoReader(wire.payload)
  t.equal(reader.next(), 1)
  t.equal(reader.uint32(), 2, 'dim')
  t.equal(reader.next(), 2)
  const list = reader.part()
  list.next()
  t.equal(list.bytes().length, 4 * 4, 'two vectors of two floats')
  const number = field('n', DataType.Int32, { nullable: true })
  const scalar = openFieldData(
    encoded(number, { layout: 'fixed', width: 1, values: Int32Array.of(7, 0, 9), validity: HOLED }, 3),
  )
  const member = new ProtoReader(scalar.payload)
  member.next()
  const ints = member.part()
  ints.next()
  t.same([...ints.bytes()], [7, 0, 9])
})

t.test('what is written reads back, nulls at their rows', async t => {
  const schema = schemaOf([
    field('id', DataType.Int64),
    field('v', DataType.FloatVector, { dim: 2, nullable: true }),
    field('w', DataType.FloatVector, { dim: 20, nullable: true }),
    field('b', DataType.BinaryVector, { dim: 16, nullable: true }),
    field('s', DataType.SparseFloatVector, { nullable: true }),
    field('n', DataType.Int16, { nullable: true }),
  ])
  const fixed = (values: FixedColumn['values'], width: number): Column => ({
    layout: 'fixed',
    width,
    values,
    validity: HOLED,
  })
  const pair = Buffer.from(Uint32Array.of(5, 0x3f800000).buffer)
  const columns: Column[] = [
    { layout: 'fixed', width: 2, values: Int32Array.of(1, 0, 2, 0, 3, 0), validity: null },
    fixed(Float32Array.of(1, 2, 0, 0, 3, 4), 2),
    fixed(
      Float32Array.from({ length: 60 }, (_, i) => (i < 20 || i >= 40 ? i : 0)),
      20,
    ),
    fixed(Uint8Array.of(1, 2, 0, 0, 3, 4), 2),
    {
      layout: 'var',
      offsets: Uint32Array.of(0, 8, 8, 16),
      heap: Buffer.concat([pair, pair]),
      validity: HOLED,
    },
    fixed(Int16Array.of(-1, 0, 300), 1),
  ]
  const parts = schema.fields.map((one, i) => encoded(one, columns[i]!, 3))
  const back = decodeFieldsData(schema, parts, 3, 'insert').columns
  for (const [i, column] of columns.entries()) {
    const got = back[i]!
    t.same(got.validity, column.validity)
    if (column.layout === 'fixed') t.same((got as FixedColumn).values, column.values, schema.fields[i]!.name)
    else {
      t.same((got as VarColumn).offsets, column.offsets)
      t.same(Buffer.from((got as VarColumn).heap), Buffer.from(column.heap))
    }
  }
})

t.test('null JSON still parses', async t => {
  const none: Column = {
    layout: 'var',
    offsets: new Uint32Array(2),
    heap: new Uint8Array(0),
    validity: new Uint32Array(1),
  }
  const doc = encoded(field('j', DataType.JSON, { nullable: true }), none, 1)
  t.ok(doc.includes('null'))
  const dynamic = encoded(meta(), none, 1)
  t.ok(dynamic.includes('{}'))
  t.equal(openFieldData(dynamic).valid, null, 'the dynamic column has no flags')
  t.equal(openFieldData(dynamic).dynamic, true)
})

t.test('a geometry comes as WKT or WKB and leaves as WKT', async t => {
  const geo = field('g', DataType.Geometry, { nullable: true })
  const schema = schemaOf([geo])
  const message = (member: number, values: readonly Uint8Array[], valid: readonly number[]) => {
    const w = new ProtoWriter()
    w.tag(1, WireType.varint)
    w.uint32(DataType.Geometry)
    w.tag(2, WireType.bytes)
    w.string('g')
    w.begin(3)
    w.begin(member)
    for (const value of values) {
      w.tag(1, WireType.bytes)
      w.bytes(value)
    }
    w.end()
    w.end()
    w.begin(7)
    for (const flag of valid) w.byte(flag)
    w.end()
    return w.finish()
  }
  const at = schema.fields.findIndex(f => f.name === 'g')
  const wkb = Buffer.alloc(21)
  wkb.writeUInt8(1)
  wkb.writeUInt32LE(1, 1)
  wkb.writeDoubleLE(1.5, 5)
  wkb.writeDoubleLE(2, 13)
  for (const bytes of [
    message(12, [Buffer.from('point(1.50 2)')], [0, 1]),
    message(12, [Buffer.from(''), Buffer.from('point(1.50 2)')], [0, 1]),
    message(10, [wkb], [0, 1]),
  ]) {
    const column = decodeFieldsData(schema, [bytes], 2, 'partial').columns[at] as VarColumn
    const again = openFieldData(encoded(geo, column, 2))
    t.same([...again.valid!], [0, 1])
    const member = new ProtoReader(again.payload)
    t.equal(member.next(), 12)
    const list = member.part()
    const texts: string[] = []
    while (list.next() !== 0) texts.push(list.string())
    t.same(texts, ['', 'POINT (1.5 2)'])
  }
  t.throws(() => decodeFieldsData(schema, [message(12, [Buffer.from('x')], [0, 1])], 2, 'partial'), {
    message: /invalid Geometry data, transform to wkb failed/,
  })
})
