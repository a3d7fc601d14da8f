/** Packed array rows, byte for byte as drawn in column.ts. */
import t from 'tap'
import { arrayElementBytes, arrayLength, heapView, readArray } from '../../../lib/schema/array-codec.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { collection, wholeRows } from './fixtures.js'

/** The heap of one array row. */
function packed(elementType: DataType, elements: readonly unknown[]): Uint8Array {
  const schema = collection([
    { name: 'f', dataType: DataType.Array, elementType, maxCapacity: 9, maxLength: 9 },
  ])
  const column = wholeRows(schema, [{ id: 1, vector: [0, 0], f: elements }]).columns[2]!
  if (column.layout !== 'var') throw new Error('an array column is variable')
  return column.heap
}

t.test('bytes of a row: u32 count, then packed little-endian elements', async t => {
  const cases: [DataType, unknown[], string][] = [
    [DataType.Bool, [true, false], '02000000' + '0100'],
    [DataType.Int8, [-1], '01000000' + 'ff'],
    [DataType.Int16, [1, -2], '02000000' + '0100feff'],
    [DataType.Int32, [258], '01000000' + '02010000'],
    [DataType.Int64, [-2], '01000000' + 'feffffffffffffff'],
    [DataType.Float, [1], '01000000' + '0000803f'],
    [DataType.Double, [-2], '01000000' + '00000000000000c0'],
    [DataType.VarChar, ['', 'é'], '02000000' + '00000000' + '02000000c3a9'],
    [DataType.VarChar, [], '00000000'],
  ]
  for (const [type, elements, hex] of cases) {
    const heap = packed(type, elements)
    t.equal(Buffer.from(heap).toString('hex'), hex)
    t.strictSame(readArray(heap, 0, heap.length, type, 'auto'), elements)
    t.equal(arrayLength(heapView(heap), 0, heap.length), elements.length)
  }
})

t.test('an empty slice (a null row) has no elements', async t => {
  t.strictSame(readArray(new Uint8Array(0), 0, 0, DataType.Int8, 'auto'), [])
  t.equal(arrayLength(heapView(new Uint8Array(0)), 0, 0), 0)
})

t.test(
  'a row that is longer than its elements, and types that are no elements, are our own mistakes',
  async t => {
    t.throws(
      () => readArray(Uint8Array.of(1, 0, 0, 0, 5, 6), 0, 6, DataType.Int8, 'auto'),
      /invariant broken/,
    )
    t.throws(() => arrayElementBytes(DataType.JSON), /invariant broken/)
  },
)
