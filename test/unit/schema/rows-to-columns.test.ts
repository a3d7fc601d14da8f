/** Rows to columns: what a row may hold, how missing fields and unknown keys are treated (§1.5–1.8, §2.8). */
import t from 'tap'
import { getBit } from '../../../lib/base/bitset.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { FieldRequest, Row } from '../../../lib/schema/requests.js'
import { allPresent, rowsToColumns, type WriteMode } from '../../../lib/schema/rows-to-columns.js'
import { collection, refusal, refused, validateNow, valuesOf } from './fixtures.js'

const NULLABLE = { nullable: true } as const
const base = (id: number, more: Row = {}): Row => ({ id, vector: [0, 0], ...more })

/** What one value of a field of its own reads back as. */
function stored(field: FieldRequest, value: unknown): unknown {
  const schema = collection([field])
  return valuesOf(schema, rowsToColumns(schema, [base(1, { [field.name]: value })], 'insert'), field.name)[0]
}

/** The refusal of one value of a field of its own, in the second row. */
function judged(field: FieldRequest, value: unknown): string {
  const schema = collection([{ ...field, ...NULLABLE }])
  return refused(() => rowsToColumns(schema, [base(1), base(2, { [field.name]: value })], 'insert'))
}

const f = (dataType: DataType, more: Partial<FieldRequest> = {}): FieldRequest => ({
  name: 'f',
  dataType,
  ...more,
})
const array = (elementType: DataType) => f(DataType.Array, { elementType, maxCapacity: 9, maxLength: 9 })

t.test('every scalar type takes its own values', async t => {
  t.equal(stored(f(DataType.Bool), true), true)
  t.equal(stored(f(DataType.Int8), -128), -128)
  t.equal(stored(f(DataType.Int16), 32767), 32767)
  t.equal(stored(f(DataType.Int32), -(2 ** 31)), -(2 ** 31))
  t.equal(stored(f(DataType.Float), 0.5), 0.5)
  t.equal(stored(f(DataType.Double), 0.1), 0.1)
  t.equal(stored(f(DataType.VarChar, { maxLength: 9 }), 'é'), 'é')
  t.equal(stored(f(DataType.Text), ''), '')
  t.equal(stored(f(DataType.Timestamptz), '2025-01-02 03:04:05+01:00'), '2025-01-02T02:04:05Z')
  t.equal(stored(f(DataType.Timestamptz), new Date(0)), '1970-01-01T00:00:00Z')
})

t.test('Int64 is a safe number, a bigint or decimal text', async t => {
  t.equal(stored(f(DataType.Int64), 2 ** 53 - 1), 2 ** 53 - 1)
  t.equal(stored(f(DataType.Int64), -(2n ** 63n)), -(2n ** 63n))
  t.equal(stored(f(DataType.Int64), '9007199254740993'), 9007199254740993n)
  t.match(judged(f(DataType.Int64), 2 ** 53), /row 1.*bigint or text beyond 2\^53/)
  t.match(judged(f(DataType.Int64), 2n ** 63n), 'out of range')
  for (const value of [1.5, '1.5', '', true, {}, Number.NaN]) {
    t.match(judged(f(DataType.Int64), value), 'field "f" (row 1): expected Int64, got ')
  }
})

t.test('a wrong kind names field, row, expected and found', async t => {
  const cases: [FieldRequest, unknown, string][] = [
    [f(DataType.Bool), 1, 'field "f" (row 1): expected Bool, got number 1: invalid parameter'],
    [f(DataType.Bool), 'true', 'expected Bool, got string "true"'],
    [f(DataType.Int8), '1', 'expected Int8, got string "1"'],
    [f(DataType.Int8), 1.5, 'expected Int8, got number 1.5'],
    [f(DataType.Int8), 128, 'the 1th element (128) out of range: [-128, 127]'],
    [f(DataType.Int16), -32769, 'the 1th element (-32769) out of range: [-32768, 32767]'],
    [f(DataType.Int32), 2 ** 31, 'out of range: [-2147483648, 2147483647]'],
    [f(DataType.Float), '1', 'expected Float, got string "1"'],
    [f(DataType.Double), 1n, 'expected Double, got bigint 1'],
    [f(DataType.VarChar, { maxLength: 9 }), 5, 'expected VarChar, got number 5'],
    [f(DataType.VarChar, { maxLength: 9 }), ['a'], 'expected VarChar, got array of length 1'],
    [f(DataType.VarChar, { maxLength: 9 }), new Map(), 'expected VarChar, got Map'],
    [f(DataType.Timestamptz), 5, 'expected Timestamptz as ISO 8601 text or Date, got number 5'],
    [f(DataType.Timestamptz), 'soon', `(row 1): got invalid timestamptz string 'soon'`],
    [f(DataType.JSON), () => 1, 'field "f" (row 1): JSON cannot hold a value of type function'],
    [f(DataType.JSON), { a: Number.NaN }, 'JSON cannot hold the number NaN'],
    [array(DataType.Int64), 5, 'expected Array of Int64, got number 5'],
    [array(DataType.Int64), [1, null], 'element 1 to be Int64, got null'],
    [array(DataType.Int64), ['x'], 'expected Int64, got string "x"'],
    [array(DataType.Int8), [0, 200], 'the 1th element (200) out of range: [-128, 127]'],
    [array(DataType.Bool), [0], 'element 0 to be Bool, got number 0'],
    [array(DataType.VarChar), [undefined], 'element 0 to be VarChar, got undefined'],
    [array(DataType.Float), ['1'], 'element 0 to be Float, got string "1"'],
    [array(DataType.Double), [1n], 'element 0 to be Double, got bigint 1'],
    [f(DataType.VarChar, { maxLength: 9 }), { x: 'y'.repeat(100) }, 'got Object'],
  ]
  for (const [field, value, message] of cases)
    t.ok(judged(field, value).includes(message), judged(field, value))
  t.ok(judged(f(DataType.Int8), 'y'.repeat(100)).includes(`"${'y'.repeat(40)}…"`), 'long text is cut')
})

t.test('arrays of every element type, as lists or typed arrays', async t => {
  t.strictSame(stored(array(DataType.Bool), [true, false]), [true, false])
  t.strictSame(stored(array(DataType.Int8), Int8Array.of(-1, 2)), [-1, 2])
  t.strictSame(stored(array(DataType.Int16), [300]), [300])
  t.strictSame(stored(array(DataType.Int32), [70000, -1]), [70000, -1])
  t.strictSame(stored(array(DataType.Int64), [1, 2n ** 60n, '3']), [1, 2n ** 60n, 3])
  t.strictSame(stored(array(DataType.Int64), BigInt64Array.of(4n)), [4])
  t.strictSame(stored(array(DataType.Float), [0.5, Number.NaN]), [0.5, Number.NaN])
  t.strictSame(stored(array(DataType.Double), [0.1]), [0.1])
  t.strictSame(stored(array(DataType.VarChar), ['', 'é', 'x'.repeat(5000)]), ['', 'é', 'x'.repeat(5000)])
  t.strictSame(stored(array(DataType.VarChar), []), [])
})

t.test('JSON takes any JSON value; text is a JSON string, not JSON text', async t => {
  for (const value of [{ a: 1 }, [1], 'x', '{"a":1}', 5, false, { big: 2n ** 60n }]) {
    t.strictSame(stored(f(DataType.JSON), value), value)
  }
})

t.test('dense vectors: lists, typed arrays, raw bytes', async t => {
  const dim4 = (type: DataType) => f(type, { dim: 4 })
  t.strictSame(stored(dim4(DataType.FloatVector), [1, 2, 3, 4]), [1, 2, 3, 4])
  t.strictSame(stored(dim4(DataType.FloatVector), Float32Array.of(1, 2, 3, 4)), [1, 2, 3, 4])
  t.strictSame(stored(dim4(DataType.FloatVector), Float64Array.of(1, 2, 3, 4)), [1, 2, 3, 4])
  for (const type of [DataType.Float16Vector, DataType.BFloat16Vector]) {
    const words = type === DataType.Float16Vector ? [0x3c00, 0xc000, 0, 0x3800] : [0x3f80, 0xc000, 0, 0x3f00]
    t.strictSame(stored(dim4(type), [1, -2, 0, 0.5]), [1, -2, 0, 0.5])
    t.strictSame(stored(dim4(type), Float32Array.of(1, -2, 0, 0.5)), [1, -2, 0, 0.5])
    t.strictSame(stored(dim4(type), Uint16Array.from(words)), [1, -2, 0, 0.5])
    t.strictSame(stored(dim4(type), Buffer.from(Uint16Array.from(words).buffer)), [1, -2, 0, 0.5])
  }
  t.strictSame(stored(dim4(DataType.Int8Vector), [-128, 127, 0, 1]), [-128, 127, 0, 1])
  t.strictSame(stored(dim4(DataType.Int8Vector), Int8Array.of(-1, 1, 2, 3)), [-1, 1, 2, 3])
  t.strictSame(stored(dim4(DataType.Int8Vector), Buffer.from([255, 1, 2, 3])), [-1, 1, 2, 3])
  const binary = f(DataType.BinaryVector, { dim: 16 })
  t.strictSame(stored(binary, Buffer.from([1, 255])), [1, 255])
  t.strictSame(stored(binary, [1, 255]), [1, 255])
})

t.test('a vector of the wrong size says which sizes', async t => {
  const dim4 = (type: DataType) => f(type, { dim: 4 })
  for (const type of [DataType.FloatVector, DataType.Float16Vector, DataType.Int8Vector]) {
    t.match(judged(dim4(type), [1, 2]), 'the dim (2) of field data(f) is not equal to schema dim (4), row 1')
  }
  t.match(judged(dim4(DataType.FloatVector), Float32Array.of(1)), 'the dim (1) of field data(f)')
  t.match(judged(dim4(DataType.FloatVector), new Float64Array(9)), 'the dim (9) of field data(f)')
  t.match(judged(dim4(DataType.BFloat16Vector), new Uint16Array(3)), 'the dim (3) of field data(f)')
  t.match(
    judged(dim4(DataType.Float16Vector), Buffer.alloc(7)),
    'the length(7) of float16 data should divide the dim(4)',
  )
  t.match(
    judged(dim4(DataType.BFloat16Vector), Buffer.alloc(4)),
    'the length(4) of bfloat16 data should divide',
  )
  t.match(
    judged(f(DataType.BinaryVector, { dim: 128 }), Buffer.alloc(15)),
    'the num(120) of all bits should divide the dim(128)',
  )
})

t.test('a vector of the wrong kind is refused', async t => {
  const dim2 = (type: DataType) => f(type, { dim: 2 })
  t.match(
    judged(dim2(DataType.FloatVector), [1, '2']),
    'expected FloatVector, element 1 to be a number, got string "2"',
  )
  t.match(judged(dim2(DataType.FloatVector), 'x'), 'expected FloatVector, got string "x"')
  t.match(judged(dim2(DataType.FloatVector), Buffer.alloc(8)), 'expected FloatVector, got Buffer')
  t.match(judged(dim2(DataType.FloatVector), { 0: 1 }), 'expected FloatVector, got Object')
  t.match(judged(dim2(DataType.Float16Vector), [1, null]), 'element 1 to be a number, got null')
  t.match(judged(dim2(DataType.Int8Vector), [1, 128]), 'the 1th element (128) out of range: [-128, 127]')
  t.match(judged(dim2(DataType.Int8Vector), [1, 0.5]), 'element 1 to be an integer')
  t.match(judged(dim2(DataType.Int8Vector), 5), 'expected Int8Vector, got number 5')
  t.match(judged(f(DataType.BinaryVector, { dim: 8 }), [256]), 'element 0 to be a byte')
  t.match(judged(f(DataType.BinaryVector, { dim: 8 }), 'AA=='), 'expected BinaryVector')
})

const SPARSE = f(DataType.SparseFloatVector)

t.test('sparse vectors come in several forms and are sorted', async t => {
  const expected = { 1: 0.5, 7: 2, 4294967294: 1 }
  t.strictSame(stored(SPARSE, { 7: 2, 4294967294: 1, 1: 0.5 }), expected)
  t.strictSame(stored(SPARSE, { indices: [7, 1, 4294967294], values: [2, 0.5, 1] }), expected)
  t.strictSame(
    stored(SPARSE, { indices: Uint32Array.of(7, 1, 4294967294), values: Float32Array.of(2, 0.5, 1) }),
    expected,
  )
  t.strictSame(
    stored(
      SPARSE,
      new Map([
        [7, 2],
        [1, 0.5],
        [4294967294, 1],
      ]),
    ),
    expected,
  )
  t.strictSame(
    stored(SPARSE, [
      [7, 2],
      [1, 0.5],
      [4294967294, 1],
    ]),
    expected,
  )
  t.strictSame(
    stored(SPARSE, [
      { index: 7, value: 2 },
      { index: 1, value: 0.5 },
      { index: 4294967294, value: 1 },
    ]),
    expected,
  )
  t.strictSame(stored(SPARSE, {}), {})
  t.strictSame(stored(SPARSE, { 3: 0 }), { 3: 0 })
})

t.test('sparse rows are stored in rising order of index, whatever order they came in', async t => {
  const schema = collection([SPARSE])
  const batch = rowsToColumns(schema, [base(1, { f: { indices: [7, 1, 3], values: [2, 0.5, 1] } })], 'insert')
  t.doesNotThrow(() => validateNow(schema, batch))
})

t.test('sparse vectors that break a rule are refused', async t => {
  t.match(
    judged(SPARSE, { indices: [1, 1], values: [1, 2] }),
    'unsorted or same indices in sparse float vector',
  )
  t.match(judged(SPARSE, { 1: -1 }), 'negative value in sparse float vector')
  t.match(judged(SPARSE, { 1: Number.NaN }), `value 'NaN' is not a number or infinity`)
  t.match(judged(SPARSE, { 1: 1e39 }), `value '+Inf' is not a number or infinity`)
  t.match(judged(SPARSE, { 4294967295: 1 }), 'invalid index in sparse float vector: must be less than 2^32-1')
  t.match(judged(SPARSE, [[-1, 1]]), 'invalid index in sparse float vector')
  t.match(judged(SPARSE, [[0.5, 1]]), 'invalid index in sparse float vector')
  t.match(judged(SPARSE, { 1: '1' }), 'numbers as values of a sparse vector')
  for (const value of [
    5,
    'x',
    [1, 2],
    { a: 1 },
    { indices: [1] },
    { indices: [1], values: [] },
    Float32Array.of(1),
  ]) {
    t.match(judged(SPARSE, value), 'expected SparseFloatVector as {index: value} or {indices, values}')
  }
})

t.test('§1.5: what a missing field and a null mean, per declaration', async t => {
  const schema = collection([
    { name: 'plain', dataType: DataType.Int32 },
    { name: 'nul', dataType: DataType.Int32, ...NULLABLE },
    { name: 'def', dataType: DataType.Int32, defaultValue: 7 },
    { name: 'both', dataType: DataType.Int32, defaultValue: 8, ...NULLABLE },
  ])
  for (const mode of ['insert', 'upsert'] as const) {
    const none = rowsToColumns(schema, [base(1, { plain: 1 })], mode)
    t.strictSame(
      none.columns.map(c => c === null),
      [false, false, false, true, true, true],
    )
    const nulls = rowsToColumns(schema, [base(1, { plain: 1, nul: null, def: null, both: null })], mode)
    for (const name of ['nul', 'def', 'both']) t.strictSame(valuesOf(schema, nulls, name), [null])
    const some = rowsToColumns(schema, [base(1, { plain: 1, nul: 2 }), base(2, { plain: 1, def: 3 })], mode)
    t.strictSame(valuesOf(schema, some, 'nul'), [2, null])
    t.strictSame(valuesOf(schema, some, 'def'), [null, 3])
    t.strictSame(some.present, [null, null, null, null, null, null])
    t.match(
      refused(() => rowsToColumns(schema, [base(1)], mode)),
      /^fieldSchema\(plain\) has no corresponding fieldData pass in: invalid parameter$/,
    )
    t.match(
      refused(() => rowsToColumns(schema, [base(1, { plain: 1 }), base(2)], mode)),
      'fieldSchema(plain) has no corresponding fieldData pass in, row 1',
    )
    t.match(
      refused(() => rowsToColumns(schema, [base(1, { plain: null })], mode)),
      'field "plain" (row 0): expected Int32, got null',
    )
  }
  const undefinedIsAbsent = rowsToColumns(schema, [base(1, { plain: 1, nul: undefined })], 'insert')
  t.equal(undefinedIsAbsent.columns[3], null)
})

t.test('nullable vectors may be null, of all six element types', async t => {
  const vectors = [
    DataType.FloatVector,
    DataType.Float16Vector,
    DataType.BFloat16Vector,
    DataType.Int8Vector,
    DataType.BinaryVector,
    DataType.SparseFloatVector,
  ]
  for (const type of vectors) {
    const field = type === DataType.SparseFloatVector ? SPARSE : f(type, { dim: 8 })
    t.equal(stored({ ...field, ...NULLABLE }, null), null)
  }
})

t.test('the primary key may not be missing or null', async t => {
  const schema = collection([])
  t.match(
    refused(() => rowsToColumns(schema, [{ vector: [0, 0] }], 'insert')),
    'fieldSchema(id) has no corresponding',
  )
  for (const mode of ['upsert', 'partial'] as const) {
    t.match(
      refused(() => rowsToColumns(schema, [{ vector: [0, 0] }], mode)),
      'must assign pk when upsert, primary field: id',
    )
    t.match(
      refused(() => rowsToColumns(schema, [base(1), { vector: [0, 0] }], mode)),
      'primary field: id, row 1',
    )
    t.match(
      refused(() => rowsToColumns(schema, [base(1), { id: null, vector: [0, 0] }], mode)),
      'row 1',
    )
  }
})

t.test('autoID: an insert brings no key unless the collection allows it', async t => {
  const schema = collection([], { autoId: true })
  const rows = [{ vector: [0, 0] }]
  t.equal(rowsToColumns(schema, rows, 'insert').columns[0], null)
  const error = refused(() => rowsToColumns(schema, [base(1)], 'insert'))
  t.equal(error, 'more fieldData has pass in: invalid parameter[expected=1][actual=2]')
  const allowed = rowsToColumns(schema, [base(5)], 'insert', { allowInsertAutoId: true })
  t.strictSame(valuesOf(schema, allowed, 'id'), [5])
  t.equal(rowsToColumns(schema, rows, 'insert', { allowInsertAutoId: true }).columns[0], null)
  t.match(
    refused(() => rowsToColumns(schema, [base(5), ...rows], 'insert', { allowInsertAutoId: true })),
    'fieldSchema(id) has no corresponding fieldData pass in, row 1',
  )
  t.match(
    refused(() => rowsToColumns(schema, rows, 'upsert')),
    'must assign pk when upsert',
  )
})

t.test('partial mode keeps who carried what, row by row', async t => {
  const schema = collection([
    { name: 'a', dataType: DataType.Int32 },
    { name: 'b', dataType: DataType.Int32, ...NULLABLE },
  ])
  const batch = rowsToColumns(
    schema,
    [
      { id: 1, a: 5 },
      { id: 2, b: null },
      { id: 3, a: 6, b: 7 },
    ],
    'partial',
  )
  t.equal(batch.columns[1], null)
  t.equal(batch.present[0], null)
  t.equal(batch.present[1], null)
  t.strictSame(
    [0, 1, 2].map(r => getBit(batch.present[2]!, r)),
    [true, false, true],
  )
  t.strictSame(
    [0, 1, 2].map(r => getBit(batch.present[3]!, r)),
    [false, true, true],
  )
  t.strictSame(valuesOf(schema, batch, 'a'), [5, null, 6])
  t.strictSame(valuesOf(schema, batch, 'b'), [null, null, 7])
  t.match(
    refused(() => rowsToColumns(schema, [{ id: 1, a: null }], 'partial')),
    'field "a" (row 0): expected Int32, got null',
  )
  const nulls = rowsToColumns(
    schema,
    [
      { id: 1, b: null },
      { id: 2, b: 1 },
    ],
    'partial',
  )
  t.equal(nulls.present[3], null, 'a null is carried')
  t.strictSame(allPresent(batch).present, [null, null, null, null])
})

const DYNAMIC = collection([{ name: 'a', dataType: DataType.Int32, ...NULLABLE }], {
  enableDynamicField: true,
})

t.test('unknown keys go to $meta, together with a literal $meta object', async t => {
  const modes: WriteMode[] = ['insert', 'upsert', 'partial']
  for (const mode of modes) {
    const batch = rowsToColumns(
      DYNAMIC,
      [base(1, { color: 'red', n: { x: 2n ** 60n } }), base(2), base(3, { $meta: { a1: 1 }, b: [1] })],
      mode,
    )
    t.strictSame(valuesOf(DYNAMIC, batch, '$meta'), [
      { color: 'red', n: { x: 2n ** 60n } },
      {},
      { a1: 1, b: [1] },
    ])
    const present = batch.present[3]!
    if (mode === 'partial')
      t.strictSame(
        [0, 1, 2].map(r => getBit(present, r)),
        [true, false, true],
      )
    else t.equal(present, null)
    t.equal(rowsToColumns(DYNAMIC, [base(1)], mode).columns[3], null)
  }
})

t.test('$meta: null counts as empty, other kinds are refused, undefined keys are dropped', async t => {
  t.strictSame(valuesOf(DYNAMIC, rowsToColumns(DYNAMIC, [base(1, { $meta: null })], 'insert'), '$meta'), [{}])
  for (const value of ['{}', 5, [1], Buffer.alloc(1)]) {
    t.match(
      refused(() => rowsToColumns(DYNAMIC, [base(1, { $meta: value })], 'insert')),
      'invalid dynamic field data, only json map is supported',
    )
  }
  t.equal(rowsToColumns(DYNAMIC, [base(1, { x: undefined })], 'insert').columns[3], null)
  t.match(
    refused(() => rowsToColumns(DYNAMIC, [base(1, { x: () => 1 })], 'insert')),
    'field "$meta" (row 0)',
  )
})

t.test('without a dynamic field an unknown key is refused', async t => {
  const schema = collection([])
  const error = refusal(() => rowsToColumns(schema, [base(1), base(2, { year: 5 })], 'upsert'))
  t.equal(error.code, 1100)
  t.match(
    error.message,
    'Attempt to insert an unexpected field `year` to collection without enabling dynamic field',
  )
  t.match(error.message, 'fieldName year not exist in collection schema')
  t.match(
    refused(() => rowsToColumns(schema, [base(1, { $meta: {} })], 'insert')),
    'without dynamic schema enabled, the field name cannot be set to $meta',
  )
})

t.test('names of Object.prototype are ordinary names', async t => {
  const schema = collection(
    [
      { name: 'constructor', dataType: DataType.Int32, ...NULLABLE },
      { name: 'toString', dataType: DataType.VarChar, maxLength: 9, ...NULLABLE },
    ],
    { enableDynamicField: true },
  )
  const rows = [
    base(1),
    base(2, { constructor: 5, toString: 'x' }),
    base(3, JSON.parse('{"__proto__":{"y":1},"valueOf":2}') as Row),
  ]
  const batch = rowsToColumns(schema, rows, 'insert')
  t.strictSame(valuesOf(schema, batch, 'constructor'), [null, 5, null])
  t.strictSame(valuesOf(schema, batch, 'toString'), [null, 'x', null])
})

t.test('a __proto__ key from JSON is a dynamic key', async t => {
  const row = JSON.parse('{"id":1,"vector":[0,0],"__proto__":{"y":1}}') as Row
  const batch = rowsToColumns(DYNAMIC, [row], 'insert')
  const column = batch.columns[3]!
  t.ok(column.layout === 'var')
  if (column.layout === 'var') t.equal(Buffer.from(column.heap).toString(), '{"__proto__":{"y":1}}')
})

t.test('instances of classes work, and their unknown keys are still found', async t => {
  class Book {
    readonly id = 1
    readonly vector = [0, 0]
    readonly extra = 5
    get a(): number {
      return 9
    }
  }
  const batch = rowsToColumns(DYNAMIC, [new Book() as unknown as Row], 'insert')
  t.strictSame(valuesOf(DYNAMIC, batch, 'a'), [9])
  t.strictSame(valuesOf(DYNAMIC, batch, '$meta'), [{ extra: 5 }])
})

t.test('rows must be objects', async t => {
  for (const row of [null, 5, 'x', [1]]) {
    t.match(
      refused(() => rowsToColumns(DYNAMIC, [base(1), row as unknown as Row], 'insert')),
      'row 1 should be an object of field names and values',
    )
  }
  t.strictSame(
    rowsToColumns(collection([]), [], 'upsert').columns,
    [null, null],
    'no rows, no columns, no error',
  )
})

t.test('Timestamptz texts without an offset are read in the given zone', async t => {
  const schema = collection([{ name: 'at', dataType: DataType.Timestamptz }])
  const rows = [base(1, { at: '2025-01-02 11:04:05' })]
  const batch = rowsToColumns(schema, rows, 'insert', { timeZone: 'Asia/Shanghai' })
  t.strictSame(valuesOf(schema, batch, 'at'), ['2025-01-02T03:04:05Z'])
})

t.test('user code that writes rows in the middle of a row does no harm', async t => {
  const schema = collection([{ name: 'j', dataType: DataType.JSON }])
  const nested = {
    toJSON: () => {
      rowsToColumns(schema, [base(9, { j: 'inner'.repeat(100) })], 'insert')
      return 'outer'
    },
  }
  const batch = rowsToColumns(
    schema,
    [base(1, { j: 'first' }), base(2, { j: nested }), base(3, { j: 'last' })],
    'insert',
  )
  t.strictSame(valuesOf(schema, batch, 'j'), ['first', 'outer', 'last'])
})

t.test('columns do not share memory with the rows they come from', async t => {
  const schema = collection([])
  const vector = Float32Array.of(1, 2)
  const batch = rowsToColumns(schema, [{ id: 1, vector }], 'insert')
  vector[0] = 9
  t.strictSame(valuesOf(schema, batch, 'vector'), [[1, 2]])
})

t.test('text with half a surrogate pair is refused: two such keys would become one', async t => {
  t.match(judged(f(DataType.VarChar, { maxLength: 9 }), 'a\ud83d'), 'expected well-formed Unicode text')
  t.equal(stored(f(DataType.VarChar, { maxLength: 9 }), '\ud83d\ude00'), '😀')
})
