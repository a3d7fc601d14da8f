/** Missing fields and nulls become what the schema says (upsert-semantics §1.3, §1.5, §1.9, §3.1). */
import t from 'tap'
import type { Column, ColumnBatch } from '../../../lib/schema/column.js'
import { constantColumn, nullColumn } from '../../../lib/schema/column-ops.js'
import { checkInsertPk, completeColumns, withColumn, withPk } from '../../../lib/schema/complete-columns.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { rowsToColumns } from '../../../lib/schema/rows-to-columns.js'
import { collection, refused, valuesOf } from './fixtures.js'

const SCHEMA = collection(
  [
    { name: 'nul', dataType: DataType.Int16, nullable: true },
    { name: 'def', dataType: DataType.VarChar, maxLength: 9, defaultValue: 'abc' },
    { name: 'both', dataType: DataType.Int64, nullable: true, defaultValue: 2n ** 60n },
    { name: 'wide', dataType: DataType.FloatVector, dim: 64, nullable: true },
  ],
  { enableDynamicField: true },
)
const NAMES = ['nul', 'def', 'both', 'wide', '$meta']
const row = { id: 1, vector: [0, 0] }
const complete = (rows: readonly object[]) =>
  completeColumns(SCHEMA, rowsToColumns(SCHEMA, rows as never, 'upsert'), 'upsert')

t.test('omitted: null, default, {}', async t => {
  const batch = complete([row, { ...row, id: 2 }])
  t.strictSame(
    NAMES.map(name => valuesOf(SCHEMA, batch, name)),
    [
      [null, null],
      ['abc', 'abc'],
      [2n ** 60n, 2n ** 60n],
      [null, null],
      [{}, {}],
    ],
  )
})

t.test('explicit null: null without a default, else the default', async t => {
  const wide = Array.from({ length: 64 }, (_, i) => i)
  const batch = complete([
    { ...row, nul: null, def: null, both: null, wide: null },
    { ...row, id: 2, nul: 5, def: 'x', both: 6, wide, extra: 1 },
    { ...row, id: 3, both: null },
  ])
  t.strictSame(
    NAMES.map(name => valuesOf(SCHEMA, batch, name)),
    [
      [null, 5, null],
      ['abc', 'x', 'abc'],
      [2n ** 60n, 6, 2n ** 60n],
      [null, wide, null],
      [{}, { extra: 1 }, {}],
    ],
  )
})

t.test('columns without nulls pass through untouched', async t => {
  const given = rowsToColumns(SCHEMA, [{ ...row, nul: 1, def: 'x' }], 'upsert')
  const batch = completeColumns(SCHEMA, given, 'upsert')
  for (const i of [0, 1, 2, 3]) t.equal(batch.columns[i], given.columns[i])
})

t.test('a validity without nulls is dropped', async t => {
  const given = rowsToColumns(SCHEMA, [{ ...row, nul: 1 }], 'upsert')
  const column = { ...given.columns[2]!, validity: Uint32Array.of(1) }
  t.equal(completeColumns(SCHEMA, withColumn(given, 2, column), 'upsert').columns[2]?.validity, null)
})

t.test('a null $meta row is {}', async t => {
  const given = rowsToColumns(SCHEMA, [row], 'upsert')
  const meta = nullColumn(SCHEMA.fields[6]!, 1)
  const batch = completeColumns(SCHEMA, withColumn(given, 6, meta), 'upsert')
  t.strictSame(valuesOf(SCHEMA, batch, '$meta'), [{}])
})

const without = (batch: ColumnBatch, index: number): ColumnBatch => ({
  ...batch,
  columns: batch.columns.map((c, i) => (i === index ? null : c)),
})

t.test('a required column that is missing is an error, the first in schema order', async t => {
  const schema = collection([
    { name: 'b', dataType: DataType.Int8 },
    { name: 'c', dataType: DataType.Int8 },
  ])
  const whole = rowsToColumns(schema, [{ ...row, b: 1, c: 2 }], 'insert')
  t.match(
    refused(() => completeColumns(schema, without(without(whole, 3), 2), 'insert')),
    'fieldSchema(b) has no corresponding fieldData pass in',
  )
  t.match(
    refused(() => completeColumns(schema, without(whole, 1), 'insert')),
    'fieldSchema(vector) has no',
  )
  t.match(
    refused(() => completeColumns(schema, without(whole, 0), 'insert')),
    'fieldSchema(id) has no',
  )
  t.match(
    refused(() => completeColumns(schema, without(whole, 0), 'upsert')),
    'must assign pk when upsert, primary field: id',
  )
})

t.test('a null in a field that has neither null nor default is an error', async t => {
  const schema = collection([{ name: 'b', dataType: DataType.Int8 }])
  const given = rowsToColumns(schema, [{ ...row, b: 1 }], 'insert')
  t.match(
    refused(() => completeColumns(schema, withColumn(given, 2, nullColumn(schema.fields[2]!, 1)), 'insert')),
    'the field (b) is not nullable and has no default value, but row 0 is null',
  )
})

t.test('no rows', async t => {
  t.equal(
    refused(() =>
      completeColumns(
        SCHEMA,
        { rowCount: 0, columns: rowsToColumns(SCHEMA, [row], 'upsert').columns },
        'upsert',
      ),
    ),
    'num_rows should be greater than 0: invalid parameter[expected=invalid num_rows][actual=0]',
  )
})

t.test('some rows only', async t => {
  const given = rowsToColumns(
    SCHEMA,
    [
      { ...row, nul: 1 },
      { ...row, id: 2 },
      { ...row, id: 3, nul: 3 },
    ],
    'upsert',
  )
  const batch = completeColumns(SCHEMA, given, 'upsert', Int32Array.of(2, 1))
  t.equal(batch.rowCount, 2)
  t.strictSame(valuesOf(SCHEMA, batch, 'id'), [3, 2])
  t.strictSame(valuesOf(SCHEMA, batch, 'nul'), [3, null])
  t.strictSame(valuesOf(SCHEMA, batch, 'def'), ['abc', 'abc'])
})

t.test('autoID: the key column may be missing on insert, and is put in later', async t => {
  const schema = collection([], { autoId: true })
  const given = rowsToColumns(schema, [{ vector: [0, 0] }], 'insert')
  const batch = completeColumns(schema, given, 'insert')
  t.equal(batch.columns[0], null)
  const keyed = withPk(schema, batch, constantColumn(schema.fields[0]!, 77, 1))
  t.strictSame(valuesOf(schema, keyed, 'id'), [77])
  t.match(
    refused(() => completeColumns(schema, given, 'upsert')),
    'must assign pk when upsert',
  )
})

t.test('the rule about autoID keys on insert', async t => {
  const auto = collection([], { autoId: true, enableDynamicField: true })
  const given = rowsToColumns(auto, [row], 'upsert')
  t.equal(
    refused(() => checkInsertPk(auto, given, false)),
    'more fieldData has pass in: invalid parameter[expected=2][actual=3]',
  )
  checkInsertPk(auto, given, true)
  checkInsertPk(auto, without(given, 0), false)
  t.match(
    refused(() => checkInsertPk(SCHEMA, without(rowsToColumns(SCHEMA, [row], 'upsert'), 0), false)),
    'fieldSchema(id)',
  )
})

t.test('§1.9: function outputs are refused when given, placeholders when not', async t => {
  const schema = collection(
    [
      { name: 'doc', dataType: DataType.VarChar, maxLength: 99, params: { enable_analyzer: true } },
      { name: 'sparse', dataType: DataType.SparseFloatVector },
    ],
    { functions: [{ name: 'f', type: 1, inputFieldNames: ['doc'], outputFieldNames: ['sparse'] }] },
  )
  const given = rowsToColumns(schema, [{ ...row, doc: 'x' }], 'upsert')
  const batch = completeColumns(schema, given, 'upsert')
  t.strictSame(valuesOf(schema, batch, 'sparse'), [{}])
  const supplied = rowsToColumns(schema, [{ ...row, doc: 'x', sparse: { 1: 1 } }], 'upsert')
  t.match(
    refused(() => completeColumns(schema, supplied, 'upsert')),
    'attempt to insert bm25 function output field',
  )
  const embedding = { ...schema, functions: schema.functions.map(f => ({ ...f, type: 2 })) }
  t.match(
    refused(() => completeColumns(embedding, supplied, 'upsert')),
    /Insert data has function output field, but collection's property .* is not enable/,
  )
})

t.test('nulls beside word borders', async t => {
  for (const rowCount of [31, 32, 33, 64, 65]) {
    const rows = Array.from({ length: rowCount }, (_, id) => ({
      ...row,
      id,
      def: id === rowCount - 1 ? null : 'v',
    }))
    const column: Column = complete(rows).columns[3]!
    t.equal(column.validity, null)
    t.equal(valuesOf(SCHEMA, complete(rows), 'def').at(-1), 'abc')
    t.equal(valuesOf(SCHEMA, complete(rows), 'def').filter(v => v === 'v').length, rowCount - 1)
  }
})
