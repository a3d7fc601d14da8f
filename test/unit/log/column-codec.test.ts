import t from 'tap'
import {
  ColumnAssembler,
  columnByteLength,
  decodeColumn,
  encodeColumn,
  encodeColumnFrame,
  encodeColumnInto,
} from '../../../lib/log/column-codec.js'
import { DataType, type FixedArray, layoutOf } from '../../../lib/schema/data-type.js'
import { unframe } from '../../../lib/store/codec.js'
import { COLUMN_TYPES, randomColumn, rowsOf } from '../../support/random-column.js'
import { rng, runsOf, seedOf } from '../../support/rng.js'

const seed = seedOf(1)
const DIM = 24

t.test(`a column of every type comes back, whole or in part (SEED=${seed})`, async t => {
  const r = rng(seed)
  for (const type of COLUMN_TYPES) {
    const layout = layoutOf(type, DIM)
    for (let run = 0; run < runsOf(12); run++) {
      const rowCount = r.pick([0, 1, 2, 31, 32, 33, 64, 65, 100, 200])
      const column = randomColumn(r, type, DIM, rowCount, r.chance())
      const from = r.chance(0.4) ? 0 : r.int(rowCount + 1)
      const to = r.chance(0.4) ? rowCount : r.between(from, rowCount)
      const bytes = encodeColumn(column, from, to)
      t.equal(bytes.length, columnByteLength(column, from, to))
      const shared = r.chance()
      const back = decodeColumn(layout, bytes, to - from, shared)
      t.strictSame(rowsOf(back, 0, to - from), rowsOf(column, from, to), `type ${type} rows ${from}..${to}`)
      t.equal(back.validity === null, column.validity === null)
      t.strictSame(
        Buffer.from(encodeColumn(back, 0, to - from)),
        Buffer.from(bytes),
        'and encodes alike again',
      )
      const memory = back.layout === 'fixed' ? back.values.buffer : back.heap.buffer
      t.equal(memory instanceof SharedArrayBuffer, shared)
    }
  }
})

t.test('encoding leaves the bytes around it alone', async t => {
  const column = randomColumn(rng(seed), DataType.VarChar, 0, 40, true)
  const length = columnByteLength(column, 3, 39)
  const target = new Uint8Array(length + 14).fill(0xee)
  t.equal(encodeColumnInto(target, 7, column, 3, 39), 7 + length)
  t.ok(target.subarray(0, 7).every(b => b === 0xee) && target.subarray(7 + length).every(b => b === 0xee))
  t.strictSame(Buffer.from(target.subarray(7, 7 + length)), Buffer.from(encodeColumn(column, 3, 39)))
})

t.test('a column with room beyond its rows encodes its rows only', async t => {
  const values = Int32Array.of(1, 2, 3, 4, 99, 99)
  const bytes = encodeColumn({ layout: 'fixed', width: 2, values, validity: null }, 0, 2)
  t.equal(Buffer.from(bytes).toString('hex'), '0001000000020000000300000004000000')
})

t.test('a framed column is the same bytes in a frame', async t => {
  const column = randomColumn(rng(seed), DataType.FloatVector, DIM, 10, true)
  const payload = unframe(encodeColumnFrame(column, 2, 9), 7, 'x')
  t.strictSame(Buffer.from(payload), Buffer.from(encodeColumn(column, 2, 9)))
})

t.test('values keep their bits: NaN payloads, −0, the ends of every range', async t => {
  const floats = new Float32Array(Uint32Array.of(0x7fc00001, 0xffc12345, 0x80000000, 0x7f7fffff, 1).buffer)
  const bytes = encodeColumn({ layout: 'fixed', width: 1, values: floats, validity: null }, 0, 5)
  const back = decodeColumn(layoutOf(DataType.Float), bytes, 5)
  t.strictSame(bitsOf(back.layout === 'fixed' ? back.values : floats), bitsOf(floats))
})

t.test(`chunks put together again are the column (SEED=${seed})`, async t => {
  const r = rng(seed)
  for (const type of COLUMN_TYPES) {
    for (let run = 0; run < runsOf(6); run++) {
      const rowCount = r.pick([1, 40, 64, 130, 200])
      const chunks: { bytes: Uint8Array; rows: number }[] = []
      const expected: (string | null)[] = []
      for (let at = 0; at < rowCount; ) {
        const rows = Math.min(rowCount - at, r.between(1, 70))
        // Some chunks hold nulls and some do not, as when a nullable field's nulls are rare.
        const column = randomColumn(r, type, DIM, rows, r.chance())
        chunks.push({ bytes: encodeColumn(column, 0, rows), rows })
        expected.push(...rowsOf(column, 0, rows))
        at += rows
      }
      const heapBytes = r.pick([undefined, 0, 7, 100_000])
      const shared = r.chance()
      const assembler = new ColumnAssembler(layoutOf(type, DIM), rowCount, heapBytes, shared)
      for (const { bytes, rows } of chunks) assembler.add(bytes, assembler.rowCount, rows)
      const column = assembler.finish()
      t.strictSame(rowsOf(column, 0, rowCount), expected, `type ${type}`)
      if (column.layout === 'var') t.equal(column.heap.length, column.offsets[rowCount], 'no spare heap')
      if (shared && column.validity !== null) t.ok(column.validity.buffer instanceof SharedArrayBuffer)
    }
  }
})

t.test('an assembler wants every row, once and in order', async t => {
  const bytes = encodeColumn(randomColumn(rng(seed), DataType.Int8, 0, 4, false), 0, 4)
  const assembler = new ColumnAssembler(layoutOf(DataType.Int8), 8)
  const bug = { name: 'InvariantError' }
  t.throws(() => assembler.add(bytes, 4, 4), bug)
  assembler.add(bytes, 0, 4)
  t.throws(() => assembler.finish(), bug)
  t.throws(() => assembler.add(bytes, 0, 4), bug)
  t.throws(() => assembler.add(bytes, 4, 5), bug)
})

t.test('bytes that are not that many rows of that layout are corrupt', async t => {
  const r = rng(seed)
  const corrupt = { name: 'MilvusError', reason: 'Corrupted', message: /^the age column / }
  for (const type of [DataType.Int64, DataType.VarChar, DataType.FloatVector]) {
    const layout = layoutOf(type, DIM)
    const bytes = encodeColumn(randomColumn(r, type, DIM, 40, true), 0, 40)
    const wrong: [Uint8Array, number][] = [
      [bytes.subarray(0, bytes.length - 1), 40],
      [Buffer.concat([bytes, Buffer.of(0)]), 40],
      [bytes, 39],
      [bytes, 41],
      [bytes, 4_000],
      [new Uint8Array(0), 40],
      [Uint8Array.of(1), 40],
      [Uint8Array.from(bytes, (b, i) => (i === 0 ? 2 : b)), 40],
    ]
    for (const [bad, rows] of wrong) {
      t.throws(() => decodeColumn(layout, bad, rows, false, 'the age column'), corrupt)
      const assembler = new ColumnAssembler(layout, rows, undefined, false, 'the age column')
      t.throws(() => assembler.add(bad, 0, rows), corrupt)
    }
  }
  for (const offsets of [
    [1, 1, 1],
    [0, 5, 3],
    [0, 0, 4],
  ]) {
    const bad = Buffer.concat([
      Buffer.of(0),
      Buffer.from(Uint32Array.from(offsets).buffer),
      Buffer.from('abc'),
    ])
    t.throws(() => decodeColumn({ layout: 'var' }, bad, 2, false, 'the age column'), corrupt)
  }
})

function bitsOf(values: FixedArray): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex')
}
