/** Struct arrays on the wire, both directions (upsert-semantics §6.5, protocol §3.1). */
import t from 'tap'
import type { Column, VarColumn } from '../../../lib/schema/column.js'
import { valueAt } from '../../../lib/schema/column-ops.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { rowsToColumns } from '../../../lib/schema/rows-to-columns.js'
import { buildSchema } from '../../../lib/schema/validate-schema.js'
import { decodeFieldsData, openFieldData } from '../../../lib/wire/field-data.js'
import { writeFieldData } from '../../../lib/wire/field-encode.js'
import { ProtoReader, ProtoWriter, WireType } from '../../../lib/wire/protobuf.js'

const schemaWith = (nullable: boolean) =>
  buildSchema({
    name: 'c',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
      {
        name: 's',
        dataType: DataType.ArrayOfStruct,
        nullable,
        maxCapacity: 4,
        fields: [
          { name: 'n', dataType: DataType.Int64 },
          { name: 't', dataType: DataType.VarChar, maxLength: 9 },
          { name: 'v', dataType: DataType.FloatVector, dim: 2 },
          { name: 'b', dataType: DataType.BinaryVector, dim: 8 },
        ],
      },
    ],
  })
const schema = schemaWith(true)
const required = schemaWith(false)
const [, , field] = schema.fields
const element = (n: number) => ({ n, t: `t${n}`, v: [n, -n], b: [n] })
const columnOf = (values: readonly unknown[]): Column =>
  rowsToColumns(
    schema,
    values.map((s, id) => ({ id, vec: [0, 0], s })),
    'insert',
  ).columns[2]!

function encoded(column: Column, rowCount: number, one = field!): Buffer {
  const writer = new ProtoWriter()
  writeFieldData(writer, { field: one, column }, rowCount)
  return writer.finish()
}

/** The FieldData of a struct, its sub-messages changed by `change`. */
function rewritten(message: Buffer, change: (subs: Buffer[]) => readonly Buffer[], type = 200): Buffer {
  const wire = openFieldData(message)
  const subs: Buffer[] = []
  const reader = new ProtoReader(wire.payload)
  while (reader.next() !== 0) subs.push(Buffer.from(reader.bytes()))
  const writer = new ProtoWriter()
  writer.tag(1, WireType.varint)
  writer.uint32(type)
  writer.tag(2, WireType.bytes)
  writer.string(wire.name)
  writer.begin(8)
  for (const sub of change(subs)) {
    writer.tag(1, WireType.bytes)
    writer.bytes(sub)
  }
  writer.end()
  if (wire.valid !== null) {
    writer.begin(7)
    for (const flag of wire.valid) writer.byte(flag)
    writer.end()
  }
  return writer.finish()
}

const VALUES = [[element(1), element(2)], null, [], [element(3)]]
const decoded = (message: Buffer, rowCount: number, which = schema) =>
  decodeFieldsData(which, [message], rowCount, 'partial').columns[2] as VarColumn

t.test('what is written is read: values, nulls and empty arrays', async t => {
  const message = encoded(columnOf(VALUES), VALUES.length)
  const column = decoded(message, VALUES.length)
  t.same(
    VALUES.map((_, row) => valueAt(field!, column, row, 'auto')),
    VALUES,
  )
  const full = [VALUES[0], VALUES[2]]
  const plain = { ...required.fields[2]!, nullable: false }
  const whole = decoded(encoded(columnOf(full), 2, plain), 2, required)
  t.same(
    full.map((_, row) => valueAt(field!, whole, row, 'auto')),
    full,
  )
})

t.test('the message has a FieldData per sub-field, with plain names, and one entry per row', async t => {
  const wire = openFieldData(encoded(columnOf(VALUES), VALUES.length))
  t.equal(wire.kind, 'structs')
  t.same([...wire.valid!], [1, 0, 1, 1])
  const reader = new ProtoReader(wire.payload)
  const seen: unknown[] = []
  while (reader.next() !== 0) {
    const sub = openFieldData(reader.bytes())
    seen.push([sub.name, sub.type, sub.kind, [...sub.valid!]])
  }
  const flags = [1, 0, 1, 1]
  t.same(seen, [
    ['n', 22, 'scalars', flags],
    ['t', 22, 'scalars', flags],
    ['v', 106, 'vectors', flags],
    ['b', 106, 'vectors', flags],
  ])
})

t.test('an outer type of Array, and sub-fields in any order, are as good (protocol §3.1)', async t => {
  const message = rewritten(encoded(columnOf(VALUES), VALUES.length), subs => subs.reverse(), 22)
  const column = decoded(message, VALUES.length)
  t.same(
    VALUES.map((_, row) => valueAt(field!, column, row, 'auto')),
    VALUES,
  )
})

t.test('missing, repeated and foreign parts, other lengths and other flags are refused', async t => {
  const message = encoded(columnOf(VALUES), VALUES.length)
  const other = (values: readonly unknown[], k: number): Buffer => {
    const parts: Buffer[] = []
    rewritten(encoded(columnOf(values), values.length), subs => {
      parts.push(subs[k]!)
      return subs
    })
    return parts[0]!
  }
  const refused = (change: (subs: Buffer[]) => readonly Buffer[], phrase: RegExp): void => {
    t.throws(
      () => decoded(rewritten(message, change), VALUES.length),
      { code: 1100, message: phrase },
      String(phrase),
    )
  }
  refused(subs => subs.slice(1), /length of fields of struct field mismatch length of the fields in schema/)
  refused(subs => [...subs, subs[0]!], /duplicated sub-field n in struct field s/)
  refused(
    ([n, text, v]) => [n!, text!, v!, other([[{ ...element(1), b: [1] }]], 3).fill('x', 4, 5)],
    /inconsistent sub-field data in struct/,
  )
  refused(
    ([, ...rest]) => [other([[element(1)], null, [], [element(3)]], 0), ...rest],
    /inconsistent array length in struct field s, row 0/,
  )
  refused(([, ...rest]) => [other([[element(1)], [], null, []], 0), ...rest], /sub-field ValidData mismatch/)
  t.throws(() => decodeFieldsData(schema, [encodeAs('s[n]')], 1, 'partial'), {
    code: 1100,
    message: /partial struct update is not supported for struct sub-field 's\[n\]'/,
  })
})

function encodeAs(name: string): Buffer {
  const writer = new ProtoWriter()
  writer.tag(2, WireType.bytes)
  writer.string(name)
  return writer.finish()
}
