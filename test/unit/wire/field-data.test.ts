import t from 'tap'
import { MilvusError } from '../../../lib/base/errors.js'
import type { FieldSchema } from '../../../lib/schema/collection-schema.js'
import type { Column, FixedColumn, VarColumn } from '../../../lib/schema/column.js'
import { isValid } from '../../../lib/schema/column.js'
import { valueAt } from '../../../lib/schema/column-ops.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { WriteMode } from '../../../lib/schema/rows-to-columns.js'
import { decodeFieldsData } from '../../../lib/wire/field-data.js'
import { ProtoWriter, WireType } from '../../../lib/wire/protobuf.js'
import { field, meta, schemaOf } from './schema-fixture.js'

/** A FieldData message: header, then whatever `body` writes, then null flags. */
function fieldData(
  name: string,
  body: (w: ProtoWriter) => void,
  valid?: readonly boolean[],
  dynamic = false,
): Buffer {
  const w = new ProtoWriter()
  w.tag(2, WireType.bytes)
  w.string(name)
  body(w)
  if (dynamic) {
    w.tag(6, WireType.varint)
    w.uint32(1)
  }
  if (valid !== undefined) {
    w.begin(7)
    for (const flag of valid) w.byte(flag ? 1 : 0)
    w.end()
  }
  return w.finish()
}

/** A scalar payload: member `member` with `values` packed by `each`. */
const packed =
  <T>(member: number, values: readonly T[], each: (w: ProtoWriter, value: T) => void) =>
  (w: ProtoWriter): void => {
    w.begin(3)
    w.begin(member)
    w.begin(1)
    for (const value of values) each(w, value)
    w.end()
    w.end()
    w.end()
  }
const longs = (...values: bigint[]) => packed(3, values, (w, v) => w.int64(v))
const ints = (...values: number[]) => packed(2, values, (w, v) => w.int32(v))
const heap =
  (member: number, values: readonly (string | Uint8Array)[]) =>
  (w: ProtoWriter): void => {
    w.begin(3)
    w.begin(member)
    for (const value of values) {
      w.tag(1, WireType.bytes)
      w.bytes(typeof value === 'string' ? Buffer.from(value) : value)
    }
    w.end()
    w.end()
  }
const strings = (...values: string[]) => heap(6, values)
const jsons = (...values: string[]) => heap(9, values)
const floatVector =
  (dim: number, ...values: number[]) =>
  (w: ProtoWriter): void => {
    w.begin(4)
    w.tag(1, WireType.varint)
    w.uint32(dim)
    w.begin(2)
    w.begin(1)
    for (const value of values) w.float(value)
    w.end()
    w.end()
    w.end()
  }
const vectorBytes =
  (member: number, dim: number, ...bytes: number[]) =>
  (w: ProtoWriter): void => {
    w.begin(4)
    w.tag(1, WireType.varint)
    w.uint32(dim)
    w.tag(member, WireType.bytes)
    w.bytes(Uint8Array.from(bytes))
    w.end()
  }

const idColumn = fieldData('id', longs(1n, 2n))

/** Decodes one column (beside a good primary key) and returns it. */
function one(f: FieldSchema, part: Buffer, mode: WriteMode = 'insert'): Column {
  const schema = schemaOf([field('id', DataType.Int64), f])
  return decodeFieldsData(schema, [idColumn, part], 2, mode).columns[1]!
}

function fails(f: FieldSchema, part: Buffer, mode: WriteMode = 'insert'): string {
  try {
    one(f, part, mode)
  } catch (error) {
    if (error instanceof MilvusError) return error.message
    throw error
  }
  return 'accepted'
}

function rowsOf(f: FieldSchema, column: Column): unknown[] {
  return [0, 1].map(row => (isValid(column, row) ? valueAt(f, column, row, 'auto') : null))
}

t.test('64-bit integers are exact over the whole range', async t => {
  const values = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -(2n ** 32n), 2n ** 31n, 127n, 128n]
  const schema = schemaOf([field('id', DataType.Int64)])
  const batch = decodeFieldsData(schema, [fieldData('id', longs(...values))], values.length, 'insert')
  const column = batch.columns[0]!
  t.same(
    values.map((_, row) => BigInt(valueAt(schema.fields[0]!, column, row, 'bigint') as bigint)),
    values,
  )
})

t.test('an unpacked list reads like a packed one', async t => {
  const part = fieldData('n', w => {
    w.begin(3)
    w.begin(2)
    for (const value of [-7, 300]) {
      w.tag(1, WireType.varint)
      w.int32(value)
    }
    w.end()
    w.end()
  })
  const f = field('n', DataType.Int16)
  t.same(rowsOf(f, one(f, part)), [-7, 300])
})

t.test('nulls: compact and dense payloads mean the same', async t => {
  const f = field('n', DataType.Int32, { nullable: true })
  t.same(rowsOf(f, one(f, fieldData('n', ints(5), [false, true]))), [null, 5])
  t.same(rowsOf(f, one(f, fieldData('n', ints(0, 5), [false, true]))), [null, 5])
  t.same(
    rowsOf(
      f,
      one(
        f,
        fieldData('n', () => {}, [false, false]),
      ),
    ),
    [null, null],
  )
  const v = field('v', DataType.FloatVector, { dim: 2, nullable: true })
  const column = one(v, fieldData('v', floatVector(2, 1, 2), [false, true])) as FixedColumn
  t.same(Array.from(column.values), [0, 0, 1, 2])
  t.notOk(isValid(column, 0))
  const s = field('s', DataType.VarChar, { nullable: true })
  t.same(rowsOf(s, one(s, fieldData('s', strings('x'), [true, false]))), ['x', null])
  t.match(fails(f, fieldData('n', ints(), [true, false])), /the length of field is wrong/)
  t.match(fails(f, fieldData('n', ints(1, 2, 3), [true, false])), /the length of field is wrong/)
})

t.test('null flags must fit the field', async t => {
  const wrong = /the length of valid_data of field\(n\) is wrong/
  t.match(fails(field('n', DataType.Int32), fieldData('n', ints(1, 2), [true, true])), wrong, 'not nullable')
  t.match(fails(field('n', DataType.Int32, { nullable: true }), fieldData('n', ints(1, 2), [true])), wrong)
  t.match(fails(field('n', DataType.Int32, { nullable: true }), fieldData('n', ints(1, 2))), wrong)
  const merged = one(field('n', DataType.Int32, { nullable: true }), fieldData('n', ints(1, 2)), 'partial')
  t.equal(merged.validity, null, 'a merge takes missing flags as all valid')
  const defaulted = field('n', DataType.Int32, { defaultValue: 7 })
  t.same(rowsOf(defaulted, one(defaulted, fieldData('n', ints(1, 2)))), [1, 2])
  t.same(rowsOf(defaulted, one(defaulted, fieldData('n', ints(2), [false, true]))), [null, 2])
})

t.test('the columns of a request must match the schema', async t => {
  const schema = schemaOf([field('id', DataType.Int64), field('n', DataType.Int32)])
  const why = (parts: Buffer[], mode: WriteMode = 'insert'): string => {
    try {
      decodeFieldsData(schema, parts, 2, mode)
    } catch (error) {
      return (error as Error).message
    }
    return 'accepted'
  }
  const n = fieldData('n', ints(1, 2))
  t.equal(why([idColumn, n, n]), 'duplicated field n found: invalid parameter')
  const other = fieldData('x', ints(1, 2))
  t.match(why([idColumn, other]), /^fieldName x not exist in collection schema, fieldType None, fieldId 0/)
  t.match(why([idColumn, other], 'partial'), /failed to get field schema by name: fieldName\(x\) not found/)
  const dynamic = fieldData('', jsons('{}', '{}'), undefined, true)
  t.match(why([idColumn, dynamic]), /without dynamic schema enabled, the field name cannot be set to \$meta/)
  const struct = fieldData('n', w => {
    w.begin(8)
    w.end()
  })
  t.match(why([idColumn, struct]), /field 'n' is illegal, array type mismatch.*got struct array/)
})

t.test('the dynamic column is known by its flag, and empty rows are empty objects', async t => {
  const schema = schemaOf([field('id', DataType.Int64), meta()])
  const part = fieldData('', jsons('{"a":1}', ''), undefined, true)
  const column = decodeFieldsData(schema, [part, idColumn], 2, 'insert').columns[1] as VarColumn
  t.equal(Buffer.from(column.heap).toString(), '{"a":1}{}')
})

t.test('a payload of the wrong kind is named as Milvus names it', async t => {
  t.equal(
    fails(field('n', DataType.Int64), fieldData('n', strings('a', 'b'))),
    "field 'n' is illegal, array type mismatch: invalid parameter[expected=need long int array][actual=got nil]",
  )
  t.match(
    fails(field('n', DataType.Int64), fieldData('n', longs())),
    /actual=got nil/,
    'an empty list is nothing',
  )
  t.match(fails(field('n', DataType.Float), fieldData('n', ints(1, 2))), /expected=need float32 array/)
  t.match(
    fails(field('n', DataType.Double), fieldData('n', ints(1, 2))),
    /expected=need float64\(double\) array/,
  )
  t.match(fails(field('n', DataType.VarChar), fieldData('n', ints(1, 2))), /expected=need string array/)
  t.match(fails(field('n', DataType.JSON), fieldData('n', strings('1', '2'))), /expected=need json array/)
  t.match(fails(field('b', DataType.Bool), fieldData('b', ints(1, 2))), /num_rows \(0\) of field \(b\)/)
  t.equal(
    fails(field('v', DataType.FloatVector, { dim: 2 }), fieldData('v', vectorBytes(3, 16, 1, 2))),
    "float vector field 'v' is illegal, array type mismatch: invalid parameter[expected=need float vector][actual=got nil]",
  )
  t.match(fails(field('z', DataType.Timestamptz), fieldData('z', ints(1, 2))), /must be a string array/)
})

t.test('row counts, dimensions and lengths must fit', async t => {
  t.match(
    fails(field('n', DataType.Int32), fieldData('n', ints(1, 2, 3))),
    /the num_rows \(3\) of field \(n\) is not equal to passed num_rows \(2\)/,
  )
  const v = field('v', DataType.FloatVector, { dim: 2 })
  t.match(
    fails(v, fieldData('v', floatVector(3, 1, 2, 3))),
    /the dim \(3\) of field data\(v\) is not equal to schema dim \(2\)/,
  )
  t.match(
    fails(v, fieldData('v', floatVector(2, 1, 2, 3))),
    /the length\(3\) of float data should divide the dim\(2\)/,
  )
  t.match(fails(v, fieldData('v', floatVector(2, 1, 2))), /the num_rows \(1\) of field \(v\)/)
  const b = field('v', DataType.BinaryVector, { dim: 16 })
  t.match(
    fails(b, fieldData('v', vectorBytes(3, 16, 1, 2, 3))),
    /the num\(24\) of all bits should divide the dim\(16\)/,
  )
  const h = field('v', DataType.Float16Vector, { dim: 2 })
  t.match(
    fails(h, fieldData('v', vectorBytes(4, 2, 1, 2, 3))),
    /the length\(3\) of float16 data should divide the dim\(2\)/,
  )
  const i = field('v', DataType.Int8Vector, { dim: 2 })
  t.match(
    fails(i, fieldData('v', vectorBytes(7, 2, 1, 2, 3))),
    /the length\(3\) of int8 data should divide the dim\(2\)/,
  )
  t.match(
    fails(field('n', DataType.Int8), fieldData('n', ints(1, 200))),
    /the 1th element \(200\) out of range: \[-128, 127\]/,
  )
})

t.test('float payloads are rounded for 16-bit vectors', async t => {
  const half = field('v', DataType.Float16Vector, { dim: 2 })
  const column = one(half, fieldData('v', floatVector(2, 1, 0.5, -2, 0))) as FixedColumn
  t.same(Array.from(column.values), [0x3c00, 0x3800, 0xc000, 0])
  const brain = field('v', DataType.BFloat16Vector, { dim: 2 })
  t.same(
    Array.from((one(brain, fieldData('v', floatVector(2, 1, 0.5, -2, 0))) as FixedColumn).values),
    [0x3f80, 0x3f00, 0xc000, 0],
  )
})

t.test('sparse rows are put in index order', async t => {
  const pairs = (...list: [number, number][]): Uint8Array => {
    const bytes = Buffer.alloc(list.length * 8)
    for (const [i, [index, value]] of list.entries()) {
      bytes.writeUInt32LE(index, i * 8)
      bytes.writeFloatLE(value, i * 8 + 4)
    }
    return bytes
  }
  const body = (rows: Uint8Array[]) => (w: ProtoWriter) => {
    w.begin(4)
    w.begin(6)
    for (const row of rows) {
      w.tag(1, WireType.bytes)
      w.bytes(row)
    }
    w.end()
    w.end()
  }
  const f = field('s', DataType.SparseFloatVector)
  const column = one(f, fieldData('s', body([pairs([9, 1], [2, 0.5]), pairs()]))) as VarColumn
  t.same(Buffer.from(column.heap), Buffer.from(pairs([2, 0.5], [9, 1])))
  t.same(Array.from(column.offsets), [0, 16, 16])
  t.match(
    fails(f, fieldData('s', body([new Uint8Array(7), pairs()]))),
    /invalid data length in sparse float vector: 7/,
  )
})

t.test('array rows must hold the declared kind', async t => {
  const row = (body: (w: ProtoWriter) => void) => (w: ProtoWriter) => {
    w.begin(3)
    w.begin(8)
    for (let i = 0; i < 2; i++) {
      w.begin(1)
      body(w)
      w.end()
    }
    w.end()
    w.end()
  }
  const f = field('a', DataType.Array, { elementType: DataType.Int64, maxCapacity: 4 })
  const numbers = row(w => {
    w.begin(3)
    w.begin(1)
    w.int64(-5n)
    w.int64(2n ** 60n)
    w.end()
    w.end()
  })
  t.same(rowsOf(f, one(f, fieldData('a', numbers))), [
    [-5, 2n ** 60n],
    [-5, 2n ** 60n],
  ])
  const words = row(w => {
    w.begin(6)
    w.tag(1, WireType.bytes)
    w.string('x')
    w.end()
  })
  t.equal(
    fails(f, fieldData('a', words)),
    'insert data does not match: invalid parameter[expected=int64 array][actual=nil array]',
  )
  t.same(
    rowsOf(
      f,
      one(
        f,
        fieldData(
          'a',
          row(() => {}),
        ),
      ),
    ),
    [[], []],
    'no member means no elements',
  )
})

t.test('text must be UTF-8, row by row', async t => {
  const f = field('s', DataType.VarChar)
  const euro = Buffer.from('€')
  t.match(
    fails(f, fieldData('s', heap(6, [euro.subarray(0, 1), euro.subarray(1)]))),
    /invalid UTF-8/,
    'split character',
  )
  t.match(fails(f, fieldData('s', heap(6, [Buffer.from([0xff]), 'b']))), /invalid UTF-8/)
  t.same(rowsOf(f, one(f, fieldData('s', heap(6, ['', '€'])))), ['', '€'])
})

t.test('timestamps are read in the zone of the collection', async t => {
  const f = field('z', DataType.Timestamptz)
  const schema = schemaOf([field('id', DataType.Int64), f])
  const part = fieldData('z', strings('2024-01-01T00:00:00Z', '2024-01-01 00:00:00'))
  const column = decodeFieldsData(schema, [idColumn, part], 2, 'insert', 'Asia/Shanghai')
    .columns[1] as FixedColumn
  const micros = [0, 1].map(
    row => Number(column.values[row * 2 + 1]) * 2 ** 32 + (Number(column.values[row * 2]) >>> 0),
  )
  t.same(micros, [Date.UTC(2024, 0, 1) * 1000, (Date.UTC(2024, 0, 1) - 8 * 3_600_000) * 1000])
  t.match(fails(f, fieldData('z', strings('soon', ''))), /got invalid timestamptz string 'soon'/)
})

t.test('a request without rows is left to the write path', async t => {
  const schema = schemaOf([field('id', DataType.Int64), field('n', DataType.Int32)])
  const batch = decodeFieldsData(schema, [fieldData('id', longs())], 0, 'upsert')
  t.equal(batch.rowCount, 0)
  t.ok(batch.columns[0])
  t.equal(batch.columns[1], null)
})

t.test('truncated and scrambled bytes are refused, never a crash (SEED=11)', async t => {
  const f = field('a', DataType.Array, {
    elementType: DataType.VarChar,
    maxCapacity: 4,
    maxLength: 9,
    nullable: true,
  })
  const schema = schemaOf([
    field('id', DataType.Int64),
    f,
    field('v', DataType.FloatVector, { dim: 2 }),
    field('s', DataType.SparseFloatVector),
    meta(),
  ])
  const parts = [
    idColumn,
    fieldData('v', floatVector(2, 1, 2, 3, 4)),
    fieldData('a', row2(), [true, true]),
    fieldData('', jsons('{"k":1}', '{}'), undefined, true),
  ]
  let seed = 11
  const random = (): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return seed / 2 ** 32
  }
  let refused = 0
  const attempt = (given: Buffer[]): void => {
    try {
      decodeFieldsData(schema, given, 2, 'insert')
    } catch (error) {
      if (!(error instanceof MilvusError)) throw error
      refused++
    }
  }
  for (const part of parts)
    for (let length = 0; length < part.length; length++) attempt([part.subarray(0, length)])
  for (let run = 0; run < 3_000; run++) {
    const part = Buffer.from(parts[Math.floor(random() * parts.length)]!)
    for (let n = 0; n < 3; n++) part[Math.floor(random() * part.length)] = Math.floor(random() * 256)
    attempt([part])
  }
  t.ok(refused > 100, `${refused} refused`)
})

function row2(): (w: ProtoWriter) => void {
  return w => {
    w.begin(3)
    w.begin(8)
    for (let i = 0; i < 2; i++) {
      w.begin(1)
      w.begin(6)
      w.tag(1, WireType.bytes)
      w.string('xyz')
      w.end()
      w.end()
    }
    w.end()
    w.end()
  }
}
