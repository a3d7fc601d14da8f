/** Struct arrays as bytes (picture in struct-codec.ts), and the sub-fields taken out of them. */
import t from 'tap'
import { readArray } from '../../../lib/schema/array-codec.js'
import { ByteSink } from '../../../lib/schema/byte-sink.js'
import type { VarColumn } from '../../../lib/schema/column.js'
import { valueAt } from '../../../lib/schema/column-ops.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { rowsToColumns } from '../../../lib/schema/rows-to-columns.js'
import { joinSubColumns, subColumn, vectorElements } from '../../../lib/schema/struct-codec.js'
import { buildSchema } from '../../../lib/schema/validate-schema.js'

const schema = buildSchema({
  name: 'c',
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    {
      name: 's',
      dataType: DataType.ArrayOfStruct,
      nullable: true,
      maxCapacity: 3,
      fields: [
        { name: 'n', dataType: DataType.Int16 },
        { name: 't', dataType: DataType.VarChar, maxLength: 9 },
        { name: 'v', dataType: DataType.FloatVector, dim: 2 },
      ],
    },
    { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
  ],
})
const field = schema.fields[1]!
const ROWS = [
  [
    { n: 1, t: 'a', v: [1, 2] },
    { n: -2, t: 'bc', v: [3, 4] },
  ],
  null,
  [],
  [{ n: 7, t: '', v: [5, 6] }],
]
const column = rowsToColumns(
  schema,
  ROWS.map((s, id) => ({ id, s, vec: [0, 0] })),
  'insert',
).columns[1] as VarColumn

t.test('a row is its count and one part per sub-field; null has no bytes, the empty array has', async t => {
  const { heap, offsets } = column
  const hex = (row: number) => Buffer.from(heap.subarray(offsets[row]!, offsets[row + 1]!)).toString('hex')
  t.equal(
    hex(3),
    '01000000' + // one element
      '06000000' +
      '01000000' +
      '0700' + // n: 6 bytes, a packed array of one Int16
      '08000000' +
      '01000000' +
      '00000000' + // t: one text of no bytes
      '08000000' +
      '0000a040' +
      '0000c040', // v: 8 bytes, one raw vector
  )
  t.equal(hex(1), '')
  t.equal(hex(2), '00000000' + '04000000' + '00000000' + '04000000' + '00000000' + '00000000')
  t.same(
    ROWS.map((_, row) => valueAt(field, column, row, 'auto')),
    ROWS,
  )
})

t.test('ids follow the struct; sub-fields are arrays of their types', async t => {
  t.same([field.id, ...field.fields!.map(sub => sub.id), schema.fields[2]!.id], [101, 102, 103, 104, 105])
  t.equal(schema.maxFieldId, 105)
  t.same(
    field.fields!.map(sub => [sub.dataType, sub.elementType, sub.maxCapacity, sub.maxLength, sub.dim]),
    [
      [DataType.Array, DataType.Int16, 3, 0, 0],
      [DataType.Array, DataType.VarChar, 3, 9, 0],
      [DataType.ArrayOfVector, DataType.FloatVector, 3, 0, 2],
    ],
  )
})

t.test('sub-fields come out as columns and go back in', async t => {
  const parts = field.fields!.map((_, k) => subColumn(column, ROWS.length, k))
  const [numbers, texts, vectors] = parts as [VarColumn, VarColumn, VarColumn]
  const row = (part: VarColumn, i: number): [number, number] => [part.offsets[i]!, part.offsets[i + 1]!]
  t.same(readArray(numbers.heap, ...row(numbers, 0), DataType.Int16, 'auto'), [1, -2])
  t.same(readArray(texts.heap, ...row(texts, 3), DataType.VarChar, 'auto'), [''])
  t.same([...vectorElements(field.fields![2]!, vectors.heap, ...row(vectors, 0)).values], [1, 2, 3, 4])
  t.equal(row(vectors, 1)[0], row(vectors, 1)[1], 'null rows are empty')
  const again = joinSubColumns(field, parts, ROWS.length, column.validity)
  t.same([...again.heap], [...column.heap])
  t.same([...again.offsets], [...column.offsets])
})

t.test('parts of different lengths are refused', async t => {
  const parts = field.fields!.map((_, k) => subColumn(column, ROWS.length, k))
  const sink = new ByteSink(ROWS.length)
  for (let i = 0; i < ROWS.length; i++) sink.endRow(i)
  const short = [parts[0]!, parts[1]!, sink.finish(null)]
  t.throws(() => joinSubColumns(field, short, ROWS.length, column.validity), {
    code: 1100,
    message: /inconsistent array length in struct field s, row 0: sub-field n has 2 elements, v has 0/,
  })
})
