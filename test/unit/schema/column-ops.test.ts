/** Columns out of columns: checked against plain arrays of values, for every type. */
import t from 'tap'
import { type Column, isValid } from '../../../lib/schema/column.js'
import {
  concatColumns,
  constantColumn,
  gatherColumn,
  nullColumn,
  pickRows,
  pkKeyAt,
  pkKeys,
  valueAt,
} from '../../../lib/schema/column-ops.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { Row } from '../../../lib/schema/requests.js'
import { type Rng, rng, runsOf, seedOf } from '../../support/rng.js'
import { collection, columnValues, wholeRows } from './fixtures.js'

const SCHEMA = collection([
  { name: 'bool', dataType: DataType.Bool, nullable: true },
  { name: 'int8', dataType: DataType.Int8, nullable: true },
  { name: 'int16', dataType: DataType.Int16, nullable: true },
  { name: 'int32', dataType: DataType.Int32, nullable: true },
  { name: 'int64', dataType: DataType.Int64, nullable: true },
  { name: 'float', dataType: DataType.Float, nullable: true },
  { name: 'double', dataType: DataType.Double, nullable: true },
  { name: 'varchar', dataType: DataType.VarChar, maxLength: 100, nullable: true },
  { name: 'json', dataType: DataType.JSON, nullable: true },
  {
    name: 'array',
    dataType: DataType.Array,
    elementType: DataType.VarChar,
    maxLength: 9,
    maxCapacity: 9,
    nullable: true,
  },
  { name: 'time', dataType: DataType.Timestamptz, nullable: true },
  { name: 'binary', dataType: DataType.BinaryVector, dim: 64, nullable: true },
  { name: 'half', dataType: DataType.Float16Vector, dim: 4, nullable: true },
  { name: 'brain', dataType: DataType.BFloat16Vector, dim: 4, nullable: true },
  { name: 'sparse', dataType: DataType.SparseFloatVector, nullable: true },
  { name: 'bytes', dataType: DataType.Int8Vector, dim: 100, nullable: true },
])

function randomRow(r: Rng, id: number): Row {
  const some = <T>(value: T): T | null => (r.chance(0.3) ? null : value)
  const list = (length: number, one: () => number) => Array.from({ length }, one)
  return {
    id,
    vector: list(2, () => r.int(100) / 4),
    bool: some(r.chance()),
    int8: some(r.between(-128, 127)),
    int16: some(r.between(-32768, 32767)),
    int32: some(r.between(-(2 ** 31), 2 ** 31 - 1)),
    int64: some(r.chance() ? r.int(2 ** 53) : -(2n ** 62n) + BigInt(r.int(1000))),
    float: some(Math.fround(r.next())),
    double: some(r.next()),
    varchar: some(r.chance() ? r.letters(r.int(60)) : '漢字é'.repeat(r.int(4))),
    json: some({ a: r.int(9), b: [r.letters(2), null] }),
    array: some(Array.from({ length: r.int(5) }, () => r.letters(r.int(5)))),
    time: some('2025-01-02T03:04:05.5Z'),
    binary: some(list(8, () => r.int(256))),
    half: some(list(4, () => r.int(64) / 8)),
    brain: some(list(4, () => r.int(64))),
    sparse: some({ [r.int(9)]: r.int(8) / 2, 4294967294: 1 }),
    bytes: some(list(100, () => r.between(-128, 127))),
  }
}

const seed = seedOf(21)

t.test(`values come back as they went in (SEED=${seed})`, async t => {
  const r = rng(seed)
  const rows = Array.from({ length: 40 }, (_, i) => randomRow(r, i))
  const batch = wholeRows(SCHEMA, rows)
  SCHEMA.fields.forEach((field, i) => {
    t.strictSame(
      columnValues(SCHEMA, i, batch.columns[i]!, rows.length),
      rows.map(row => row[field.name]),
      field.name,
    )
  })
})

t.test(`gather, concat and pick agree with plain arrays (SEED=${seed})`, async t => {
  const r = rng(seed + 1)
  for (let run = 0; run < runsOf(20); run++) {
    const parts = Array.from({ length: 3 }, () => {
      const rows = Array.from({ length: r.int(70) }, (_, i) => randomRow(r, i))
      return { rows, batch: wholeRows(SCHEMA, rows.length > 0 ? rows : [randomRow(r, 0)]) }
    }).map(({ batch }) => batch)
    SCHEMA.fields.forEach((field, i) => {
      const columns = parts.map(part => part.columns[i]!)
      const values = parts.map((part, p) => columnValues(SCHEMA, i, columns[p]!, part.rowCount))
      const joined = concatColumns(
        field,
        parts.map((part, p) => ({ column: columns[p]!, rowCount: part.rowCount })),
      )
      const all = values.flat()
      t.strictSame(columnValues(SCHEMA, i, joined, all.length), all, `concat ${field.name}`)
      const rows = Int32Array.from({ length: r.int(50) }, () => r.int(all.length))
      t.strictSame(
        columnValues(SCHEMA, i, gatherColumn(field, joined, rows), rows.length),
        [...rows].map(row => all[row]),
        `gather ${field.name}`,
      )
      const source = Uint8Array.from({ length: 30 }, () => r.int(3))
      const picked = Int32Array.from(source, s => r.int(parts[s]!.rowCount))
      t.strictSame(
        columnValues(SCHEMA, i, pickRows(columns, source, picked), 30),
        [...source].map((s, j) => values[s]![picked[j]!]),
        `pick ${field.name}`,
      )
    })
  }
})

t.test('a result never shares memory with its source', async t => {
  const batch = wholeRows(SCHEMA, [randomRow(rng(1), 0)])
  const bytesOf = (column: Column) => (column.layout === 'fixed' ? column.values : column.heap).buffer
  SCHEMA.fields.forEach((field, i) => {
    const column = batch.columns[i]!
    t.not(bytesOf(gatherColumn(field, column, Int32Array.of(0))), bytesOf(column))
    t.not(bytesOf(concatColumns(field, [{ column, rowCount: 1 }])), bytesOf(column))
  })
})

t.test('a gather without nulls has no validity; with nulls it keeps them', async t => {
  const batch = wholeRows(SCHEMA, [
    { ...randomRow(rng(2), 0), int8: 5 },
    { ...randomRow(rng(2), 1), int8: null },
  ])
  const index = SCHEMA.fields.findIndex(f => f.name === 'int8')
  const gather = (...rows: number[]) =>
    gatherColumn(SCHEMA.fields[index]!, batch.columns[index]!, Int32Array.from(rows))
  t.equal(gather(0, 0).validity, null)
  t.notOk(isValid(gather(0, 1), 1))
})

t.test('null columns and constants, for every type that has them', async t => {
  for (const field of SCHEMA.fields) {
    const column = nullColumn(field, 35)
    for (const row of [0, 31, 32, 34]) t.equal(valueAt(field, column, row, 'auto'), null, field.name)
  }
  const constants = {
    bool: true,
    int8: -3,
    int32: 7,
    int64: 2n ** 60n,
    float: 0.5,
    double: 0.1,
    varchar: 'é',
  }
  for (const [name, value] of Object.entries(constants)) {
    const field = SCHEMA.fields.find(f => f.name === name)!
    const column = constantColumn(field, value, 3)
    t.strictSame(
      [0, 1, 2].map(row => valueAt(field, column, row, 'auto')),
      [value, value, value],
    )
  }
  const json = SCHEMA.fields.find(f => f.name === 'json')!
  t.strictSame(valueAt(json, constantColumn(json, '{}', 2), 1, 'auto'), {})
})

t.test('Int64 values come in the form asked for, inside arrays too', async t => {
  const schema = collection([
    { name: 'n', dataType: DataType.Int64 },
    { name: 'list', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 4 },
  ])
  const batch = wholeRows(schema, [{ id: 1, vector: [0, 0], n: 5, list: [1, 2n ** 60n] }])
  const read = (i: number, as: 'auto' | 'number' | 'bigint' | 'string') =>
    valueAt(schema.fields[i]!, batch.columns[i]!, 0, as)
  t.strictSame(read(2, 'auto'), 5)
  t.strictSame(read(2, 'string'), '5')
  t.strictSame(read(2, 'bigint'), 5n)
  t.strictSame(read(3, 'auto'), [1, 2n ** 60n])
  t.strictSame(read(3, 'string'), ['1', String(2n ** 60n)])
  t.strictSame(read(3, 'number'), [1, 2 ** 60])
})

t.test('primary keys are numbers when exact, else bigints, or text', async t => {
  const ids = [0, -1, 2 ** 53 - 1, 2n ** 53n, -(2n ** 63n)]
  const batch = wholeRows(
    collection([]),
    ids.map(id => ({ id, vector: [0, 0] })),
  )
  t.strictSame(pkKeys(batch.columns[0]!, 5), ids)
  const text = collection([{ name: 's', dataType: DataType.VarChar, maxLength: 60 }])
  const names = ['', ' a', 'ключ'.repeat(5)]
  const named = wholeRows(
    text,
    names.map((s, id) => ({ id, s, vector: [0, 0] })),
  )
  t.strictSame(pkKeys(named.columns[2]!, 3), names)
  t.equal(pkKeyAt(named.columns[2]!, 1), ' a')
})
