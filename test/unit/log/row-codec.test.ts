import t from 'tap'
import { decodeColumn, encodeColumn } from '../../../lib/log/column-codec.js'
import { decodeRows } from '../../../lib/log/row-codec.js'
import { DataType, layoutOf } from '../../../lib/schema/data-type.js'
import { COLUMN_TYPES, randomColumn, rowsOf } from '../../support/random-column.js'
import { rng, runsOf, seedOf } from '../../support/rng.js'

const seed = seedOf(3)
const DIM = 24

t.test(`some rows are what they are in the whole column, for every type (SEED=${seed})`, async t => {
  const r = rng(seed)
  for (const type of COLUMN_TYPES) {
    const layout = layoutOf(type, DIM)
    for (let run = 0; run < runsOf(12); run++) {
      const rowCount = r.pick([1, 2, 31, 32, 33, 64, 65, 100, 200])
      const bytes = encodeColumn(randomColumn(r, type, DIM, rowCount, r.chance()), 0, rowCount)
      const rows = Int32Array.from({ length: r.pick([0, 1, 3, 70]) }, () => r.int(rowCount))
      const some = decodeRows(layout, bytes, rowCount, rows, 'a column')
      const whole = rowsOf(decodeColumn(layout, bytes, rowCount), 0, rowCount)
      const wanted = [...rows].map(row => whole[row])
      t.strictSame(rowsOf(some, 0, rows.length), wanted, `type ${type}, ${rows}`)
      t.equal(some.validity === null, !wanted.includes(null), 'validity where something is null')
    }
  }
})

t.test('bytes of another length, or with an impossible cell, are Corrupted', async t => {
  const corrupt = { reason: 'Corrupted', message: /^a column / }
  const r = rng(seed)
  for (const type of [DataType.Int64, DataType.FloatVector, DataType.VarChar]) {
    const layout = layoutOf(type, DIM)
    const bytes = encodeColumn(randomColumn(r, type, DIM, 40, true), 0, 40)
    const read = (given: Uint8Array) => () => decodeRows(layout, given, 40, Int32Array.of(39), 'a column')
    t.throws(read(bytes.subarray(0, bytes.length - 1)), corrupt, `type ${type}, a byte less`)
    t.throws(read(new Uint8Array([...bytes, 0])), corrupt, `type ${type}, a byte more`)
    t.throws(read(bytes.subarray(0, 3)), corrupt, `type ${type}, cut off in its head`)
    t.throws(read(new Uint8Array(0)), corrupt, `type ${type}, nothing at all`)
    t.throws(read(new Uint8Array([...bytes].fill(9, 0, 1))), corrupt, `type ${type}, unknown flags`)
  }
  const column = randomColumn(r, DataType.VarChar, 0, 40, false)
  const layout = layoutOf(DataType.VarChar, 0)
  const bytes = encodeColumn(column, 0, 40)
  // The offsets follow the flags byte: row 7's end is moved behind the end of all.
  new DataView(bytes.buffer).setUint32(1 + 8 * 4, 0xffff, true)
  t.throws(() => decodeRows(layout, bytes, 40, Int32Array.of(7), 'a column'), {
    ...corrupt,
    message: /bad offset at row 7/,
  })
  t.throws(
    () => decodeRows(layout, bytes, 40, Int32Array.of(8), 'a column'),
    corrupt,
    'a cell that ends early',
  )
  t.doesNotThrow(
    () => decodeRows(layout, bytes, 40, Int32Array.of(6, 9), 'a column'),
    'others are as they were',
  )
})
