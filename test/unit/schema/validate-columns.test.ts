/** Every row of the value table (upsert-semantics §1.8) and of the dynamic-field table (§1.6), on columns. */
import t from 'tap'
import { LIMITS } from '../../../lib/base/limits.js'
import type { Column, ColumnBatch, FixedColumn, VarColumn } from '../../../lib/schema/column.js'
import { withColumn } from '../../../lib/schema/complete-columns.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { FieldRequest, Row } from '../../../lib/schema/requests.js'
import { validateSteps } from '../../../lib/schema/validate-columns.js'
import { withAddedField } from '../../../lib/schema/validate-schema.js'
import { collection, refusal, refused, validateNow, wholeRows } from './fixtures.js'

const base = (id: number, more: Row = {}): Row => ({ id, vector: [0, 0], ...more })
const f = (dataType: DataType, more: Partial<FieldRequest> = {}): FieldRequest => ({
  name: 'f',
  dataType,
  nullable: true,
  ...more,
})

/** Validates a field of its own that holds `value` in row 1, after a null in row 0. */
function validate(field: FieldRequest, value: unknown): void {
  const schema = collection([field])
  validateNow(schema, wholeRows(schema, [base(1, { f: null }), base(2, { f: value })]))
}
const refusedValue = (field: FieldRequest, value: unknown) => refused(() => validate(field, value))

/** Validates a column as it is, in a batch of its rows. */
function validateRaw(field: FieldRequest, column: Column, rowCount: number): void {
  const schema = collection([field])
  const rows = Array.from({ length: rowCount }, (_, id) => base(id))
  const others = wholeRows(collection([]), rows)
  validateNow(schema, { rowCount, columns: [...others.columns, column] })
}

function varColumn(rows: readonly Uint8Array[]): VarColumn {
  const offsets = new Uint32Array(rows.length + 1)
  rows.forEach((row, i) => {
    offsets[i + 1] = offsets[i]! + row.length
  })
  return { layout: 'var', offsets, heap: Buffer.concat(rows), validity: null }
}

t.test('a batch that obeys every rule passes, and null columns are skipped', async t => {
  const schema = collection([f(DataType.JSON)], { autoId: true, enableDynamicField: true })
  const batch = wholeRows(schema, [base(1, { f: { a: 1 }, x: 1 })])
  t.doesNotThrow(() => validateNow(schema, batch))
  const columns = [null, ...batch.columns.slice(1)]
  t.doesNotThrow(() => validateNow(schema, { ...batch, columns }))
})

t.test('in steps: every row is judged, and a bad one is named by its own number', async t => {
  const schema = collection([f(DataType.JSON)])
  const many = 3_000
  const good = wholeRows(
    schema,
    Array.from({ length: many }, (_, id) => base(id, { f: { text: 'x'.repeat(50) } })),
  )
  const steps = validateSteps(schema, good)
  let count = 1
  while (steps.next().done !== true) count++
  t.ok(count > 3, `${count} steps`)
  for (const bad of [0, 1_499, many - 1]) {
    const vector = good.columns[1] as FixedColumn
    const values = Float32Array.from(vector.values)
    values[bad * 2 + 1] = Number.NaN
    const columns = good.columns.map((column, i) => (i === 1 ? { ...vector, values } : column))
    t.match(
      refused(() => validateNow(schema, { ...good, columns })),
      `is not a number or infinity, field "vector", row ${bad}`,
    )
    const json = good.columns[2] as VarColumn
    const heap = Uint8Array.from(json.heap)
    heap[json.offsets[bad]!] = 0x5b
    const spoilt = good.columns.map((column, i) => (i === 2 ? { ...json, heap } : column))
    t.match(
      refused(() => validateNow(schema, { ...good, columns: spoilt })),
      `row ${bad}`,
    )
  }
})

t.test('rows per column', async t => {
  const short: Column = { layout: 'fixed', width: 1, values: new Int8Array(2), validity: null }
  t.match(
    refused(() => validateRaw(f(DataType.Int8), short, 3)),
    'the num_rows (2) of field (f) is not equal to passed num_rows (3)',
  )
  t.match(
    refused(() => validateRaw(f(DataType.JSON), varColumn([Buffer.from('1')]), 2)),
    'the num_rows (1) of field (f) is not equal to passed num_rows (2)',
  )
  const room: Column = { layout: 'fixed', width: 1, values: new Int8Array(64), validity: null }
  t.doesNotThrow(() => validateRaw(f(DataType.Int8), room, 3), 'more room than rows is fine')
})

t.test('validity', async t => {
  const values = new Int8Array(40)
  t.match(
    refused(() =>
      validateRaw(f(DataType.Int8), { layout: 'fixed', width: 1, values, validity: Uint32Array.of(-1) }, 40),
    ),
    'the length of valid_data of field(f) is wrong',
  )
  t.match(
    refused(() =>
      validateRaw(
        f(DataType.Int8, { nullable: false, defaultValue: 1 }),
        { layout: 'fixed', width: 1, values, validity: Uint32Array.of(1) },
        2,
      ),
    ),
    'the field (f) is not nullable and has no default value, but row 1 is null',
  )
})

t.test('Float, Double, FloatVector: no NaN, no infinity', async t => {
  const fields: [FieldRequest, (x: number) => unknown][] = [
    [f(DataType.Float), x => x],
    [f(DataType.Double), x => x],
    [f(DataType.FloatVector, { dim: 3 }), x => [1, 2, x]],
  ]
  for (const [field, of] of fields) {
    t.match(refusedValue(field, of(Number.NaN)), `value 'NaN' is not a number or infinity, field "f", row 1`)
    t.match(refusedValue(field, of(Number.POSITIVE_INFINITY)), `value '+Inf' is not a number or infinity`)
    t.match(refusedValue(field, of(Number.NEGATIVE_INFINITY)), `value '-Inf' is not a number or infinity`)
    t.doesNotThrow(() => validate(field, of(-3.4e38)))
  }
  t.match(refusedValue(f(DataType.Float), 1e39), `value '+Inf'`, 'too large for a float32')
  t.doesNotThrow(() => validate(f(DataType.Double), 1e300))
})

t.test('fp16 and bf16: no exponent of all ones', async t => {
  const half = f(DataType.Float16Vector, { dim: 2 })
  t.match(refusedValue(half, [1, 65520]), 'float16 vector contain nan or infinity value.')
  t.match(refusedValue(half, [Number.NaN, 1]), 'float16 vector contain nan or infinity value.')
  t.match(refusedValue(half, Uint16Array.of(0xfc00, 0)), 'float16 vector contain nan or infinity value.')
  t.doesNotThrow(() => validate(half, [65504, -65504]))
  const brain = f(DataType.BFloat16Vector, { dim: 2 })
  t.match(refusedValue(brain, Uint16Array.of(0, 0x7f80)), 'bfloat16 vector contain nan or infinity value.')
  t.match(refusedValue(brain, [1, Number.NaN]), 'bfloat16 vector contain nan or infinity value.')
  t.doesNotThrow(() => validate(brain, [3e38, 1]))
})

t.test('Array<Float> and Array<Double> may hold NaN and infinity', async t => {
  for (const elementType of [DataType.Float, DataType.Double]) {
    t.doesNotThrow(() =>
      validate(f(DataType.Array, { elementType, maxCapacity: 3 }), [Number.NaN, Number.POSITIVE_INFINITY]),
    )
  }
})

t.test('VarChar max_length counts UTF-8 bytes', async t => {
  const field = f(DataType.VarChar, { maxLength: 4 })
  t.doesNotThrow(() => validate(field, 'éé'))
  t.equal(
    refusedValue(field, 'ééa'),
    'length of varchar field f exceeds max length, row number: 1, length: 5, max length: 4: invalid parameter',
  )
})

t.test('Text holds up to 2 MiB', async t => {
  t.doesNotThrow(() => validate(f(DataType.Text), 'x'.repeat(LIMITS.textBytesMax)))
  t.match(refusedValue(f(DataType.Text), 'x'.repeat(LIMITS.textBytesMax + 1)), 'exceeds max length')
})

t.test('text for an analyzer must be UTF-8', async t => {
  const field = f(DataType.VarChar, { maxLength: 9, nullable: false, params: { enable_analyzer: 'True' } })
  t.doesNotThrow(() => validateRaw(field, varColumn([Buffer.from('ok é')]), 1))
  t.match(
    refused(() => validateRaw(field, varColumn([Buffer.from([0x61, 0xff])]), 1)),
    'input with analyzer should be utf-8 format',
  )
})

t.test('Array: capacity, and max_length of VarChar elements', async t => {
  const numbers = f(DataType.Array, { elementType: DataType.Int64, maxCapacity: 2 })
  t.doesNotThrow(() => validate(numbers, [1, 2]))
  t.equal(
    refusedValue(numbers, [1, 2, 3]),
    'the length (3) of 1th array exceeds max capacity (2): invalid parameter[expected=valid length array][actual=array length exceeds max capacity]',
  )
  const words = f(DataType.Array, { elementType: DataType.VarChar, maxCapacity: 4, maxLength: 3 })
  t.doesNotThrow(() => validate(words, ['abc', '', 'é']))
  t.equal(
    refusedValue(words, ['a', 'éé']),
    'length of Array array field "f" exceeds max length, row number: 1, array index: 1, length: 4, max length: 3: invalid parameter',
  )
})

t.test('JSON: size and syntax', async t => {
  const field = f(DataType.JSON, { nullable: false })
  t.doesNotThrow(() => validateRaw(field, varColumn([Buffer.from(JSON.stringify('x'.repeat(65534)))]), 1))
  t.match(
    refused(() => validateRaw(field, varColumn([Buffer.from(JSON.stringify('x'.repeat(65535)))]), 1)),
    'the length (65537) of json field (f) exceeds max length (65536)',
  )
  for (const text of ['', '{', '{"a":1}}', 'nul', "{'a':1}"]) {
    t.match(
      refused(() => validateRaw(field, varColumn([Buffer.from('{}'), Buffer.from(text)]), 2)),
      'field "f" (row 1): malformed JSON',
    )
  }
  t.match(
    refused(() => validateRaw(field, varColumn([Buffer.from('['.repeat(300))]), 1)),
    'nested deeper',
  )
})

const DYNAMIC = collection([f(DataType.Int8)], { enableDynamicField: true })
const withMeta = (text: string): ColumnBatch =>
  withColumn(wholeRows(DYNAMIC, [base(1), base(2)]), 3, varColumn([Buffer.from('{}'), Buffer.from(text)]))

t.test('§1.6: the rules of the dynamic field', async t => {
  const refusedMeta = (text: string) => refused(() => validateNow(DYNAMIC, withMeta(text)))
  t.doesNotThrow(() => validateNow(DYNAMIC, withMeta('{"a":{"f":1},"b":[1]}')))
  for (const text of ['[]', '1', '"x"', 'null']) {
    t.match(refusedMeta(text), 'invalid dynamic field data, only json map is supported, row 1')
  }
  t.match(refusedMeta('{'), 'field "$meta" (row 1): malformed JSON')
  t.match(refusedMeta('{"a":1,"$meta":{}}'), 'cannot set json key to: $meta')
  t.match(refusedMeta('{"f":1}'), 'dynamic field name cannot include the static field name: f')
  t.match(
    refusedMeta('{"vec\\u0074or":1}'),
    'dynamic field name cannot include the static field name: vector',
  )
  const long = JSON.stringify({ a: 'x'.repeat(65536) })
  t.match(refusedMeta(long), `the length (${long.length}) of dynamic field exceeds max length (65536)`)
})

t.test('rows out of a merge may keep dynamic keys that became fields later', async t => {
  const grown = withAddedField(DYNAMIC, { name: 'color', dataType: DataType.Int8, nullable: true })
  const batch = wholeRows(grown, [base(1), base(2)])
  const old = withColumn(batch, 3, varColumn([Buffer.from('{}'), Buffer.from('{"color":"red"}')]))
  t.match(
    refused(() => validateNow(grown, old)),
    'static field name: color',
  )
  t.doesNotThrow(() => validateNow(grown, old, { merged: true }))
  const meta = withColumn(batch, 3, varColumn([Buffer.from('{}'), Buffer.from('{"$meta":1}')]))
  t.match(
    refused(() => validateNow(grown, meta, { merged: true })),
    'cannot set json key to: $meta',
  )
})

t.test('sparse rows', async t => {
  const field = f(DataType.SparseFloatVector, { nullable: false })
  const pairs = (...list: [number, number][]) => {
    const bytes = Buffer.alloc(list.length * 8)
    list.forEach(([index, value], i) => {
      bytes.writeUInt32LE(index, i * 8)
      bytes.writeFloatLE(value, i * 8 + 4)
    })
    return bytes
  }
  const validateSparse = (bytes: Uint8Array) => validateRaw(field, varColumn([pairs([0, 1]), bytes]), 2)
  t.doesNotThrow(() => validateSparse(pairs([1, 0], [2, 0.5], [0xffff_fffe, 1])))
  t.doesNotThrow(() => validateSparse(pairs()), 'an empty row is allowed')
  const cases: [Uint8Array, string][] = [
    [Buffer.alloc(12), 'invalid data length in sparse float vector: 12'],
    [pairs([0xffff_ffff, 1]), 'invalid index in sparse float vector: must be less than 2^32-1'],
    [pairs([2, 1], [1, 1]), 'unsorted or same indices in sparse float vector'],
    [pairs([2, 1], [2, 1]), 'unsorted or same indices in sparse float vector'],
    [pairs([2, -1]), 'negative value in sparse float vector'],
    [pairs([2, Number.NaN]), `value 'NaN' is not a number or infinity`],
    [pairs([2, Number.POSITIVE_INFINITY]), `value '+Inf' is not a number or infinity`],
  ]
  for (const [bytes, message] of cases) {
    const error = refusal(() => validateSparse(bytes))
    t.equal(error.code, 1100)
    t.ok(error.message.includes(message) && error.message.includes('row 1'), error.message)
  }
})
