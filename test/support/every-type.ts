/**
 * A collection with a field of every type, and for each field values with the form they read back in.
 *
 * All given forms that the API documents occur: bigint and decimal text for Int64, bytes and numbers for half-precision
 * vectors, both spellings of sparse vectors, typed arrays, Dates.
 */
import { type CreateCollection, DataType, type FieldRequest } from '../../lib/index.js'
import { isVectorType } from '../../lib/schema/data-type.js'

export const INT64_MAX = 2n ** 63n - 1n
export const INT64_MIN = -(2n ** 63n)

/** A value as given and as read. */
export interface Pair {
  readonly given: unknown
  readonly read: unknown
}

const same = (value: unknown): Pair => ({ given: value, read: value })
const pair = (given: unknown, read: unknown): Pair => ({ given, read })

export interface TypedField {
  readonly field: FieldRequest
  readonly pairs: readonly [Pair, Pair, Pair]
}

function typed(
  name: string,
  dataType: DataType,
  more: Partial<FieldRequest>,
  ...pairs: [Pair, Pair, Pair]
): TypedField {
  return { field: { name, dataType, nullable: true, ...more }, pairs }
}

const halfBytes = (...words: number[]): Uint8Array => new Uint8Array(Uint16Array.from(words).buffer)

/** One nullable field per type; arrays of every element type. */
export const TYPED_FIELDS: readonly TypedField[] = [
  typed('bool', DataType.Bool, {}, same(true), same(false), same(true)),
  typed('int8', DataType.Int8, {}, same(-128), same(127), same(0)),
  typed('int16', DataType.Int16, {}, same(-32_768), same(32_767), same(-1)),
  typed('int32', DataType.Int32, {}, same(-(2 ** 31)), same(2 ** 31 - 1), same(7)),
  typed(
    'int64',
    DataType.Int64,
    {},
    same(INT64_MIN),
    same(INT64_MAX),
    pair('9007199254740993', 9007199254740993n),
  ),
  typed('float', DataType.Float, {}, same(0.5), pair(0.1, Math.fround(0.1)), same(-1024)),
  typed('double', DataType.Double, {}, same(0.1), same(Number.MAX_VALUE), same(Number.MIN_VALUE)),
  typed('varchar', DataType.VarChar, { maxLength: 32 }, same(''), same(' Zażółć 🦅 '), same('\u0000"\\')),
  typed('text', DataType.Text, {}, same('a'.repeat(70_000)), same(''), same('ü')),
  typed('json', DataType.JSON, {}, same({ a: [1, { b: null }], big: 2n ** 60n }), same([]), same('text')),
  typed(
    'time',
    DataType.Timestamptz,
    {},
    pair('2024-05-06T07:08:09.123456+02:00', '2024-05-06T05:08:09.123456Z'),
    pair(new Date(0), '1970-01-01T00:00:00Z'),
    pair('2024-05-06 07:08:09', '2024-05-06T07:08:09Z'),
  ),
  typed(
    'geometry',
    DataType.Geometry,
    {},
    pair('point(1.50 -2e1)', 'POINT (1.5 -20)'),
    same('POLYGON ((0 0, 4 0, 4 4, 0 0), (2 1, 3 1, 3 2, 2 1))'),
    pair(
      'GeometryCollection(MULTIPOINT(1 2,3 4), LINESTRING EMPTY)',
      'GEOMETRYCOLLECTION (MULTIPOINT ((1 2), (3 4)), LINESTRING EMPTY)',
    ),
  ),
  typed(
    'struct',
    DataType.ArrayOfStruct,
    {
      maxCapacity: 4,
      fields: [
        { name: 'text', dataType: DataType.VarChar, maxLength: 16 },
        { name: 'long', dataType: DataType.Int64 },
        { name: 'emb', dataType: DataType.Float16Vector, dim: 2 },
      ],
    },
    pair(
      [
        { text: 'a', long: '9007199254740993', emb: [0.5, 1] },
        { emb: [-2, 4], long: -1, text: 'ü' },
      ],
      [
        { text: 'a', long: 9007199254740993n, emb: [0.5, 1] },
        { text: 'ü', long: -1, emb: [-2, 4] },
      ],
    ),
    same([]),
    same([{ text: '', long: 0, emb: [0, 0] }]),
  ),
  ...arrays(),
  typed(
    'vec_float',
    DataType.FloatVector,
    { dim: 2 },
    same([0.5, -2]),
    pair(new Float32Array([1, 2]), [1, 2]),
    pair(new Float64Array([0.1, 3]), [Math.fround(0.1), 3]),
  ),
  typed(
    'vec_half',
    DataType.Float16Vector,
    { dim: 2 },
    same([0.5, -2]),
    pair(halfBytes(0x3c00, 0xc000), [1, -2]),
    pair([0.1, 65_504], [0.0999755859375, 65_504]),
  ),
  typed(
    'vec_brain',
    DataType.BFloat16Vector,
    { dim: 2 },
    same([0.5, -2]),
    pair(halfBytes(0x3f80, 0xc000), [1, -2]),
    pair([0.1, 3], [0.099609375, 3]),
  ),
  typed(
    'vec_sparse',
    DataType.SparseFloatVector,
    {},
    pair({ 7: 0.5, 3: 1 }, { 3: 1, 7: 0.5 }),
    pair({ indices: [4_294_967_294, 0], values: [2, 0.25] }, { 0: 0.25, 4294967294: 2 }),
    same({}),
  ),
  typed(
    'vec_int8',
    DataType.Int8Vector,
    { dim: 2 },
    same([-128, 127]),
    pair(new Int8Array([1, -1]), [1, -1]),
    same([0, 0]),
  ),
  typed(
    'vec_binary',
    DataType.BinaryVector,
    { dim: 16 },
    same([255, 1]),
    pair(new Uint8Array([3, 4]), [3, 4]),
    same([0, 0]),
  ),
]

function arrays(): TypedField[] {
  const of = (name: string, elementType: DataType, ...pairs: [Pair, Pair, Pair]) =>
    typed(name, DataType.Array, { elementType, maxCapacity: 4, maxLength: 8 }, ...pairs)
  return [
    of('arr_bool', DataType.Bool, same([true, false]), same([]), same([true])),
    of('arr_int8', DataType.Int8, same([-128, 127]), same([]), same([1, 1])),
    of('arr_int16', DataType.Int16, same([-32_768]), same([32_767]), same([])),
    of('arr_int32', DataType.Int32, same([-(2 ** 31), 2 ** 31 - 1]), same([0]), same([])),
    of('arr_int64', DataType.Int64, same([INT64_MIN, INT64_MAX, 0]), pair(['12', 5n], [12, 5]), same([])),
    of('arr_float', DataType.Float, same([0.5]), pair([0.1], [Math.fround(0.1)]), same([])),
    of('arr_double', DataType.Double, same([0.1, -1e300]), same([0]), same([])),
    of('arr_varchar', DataType.VarChar, same(['', 'żółć', '🦅']), same(['a']), same([])),
  ]
}

/** The collection: Int64 key `id` and every field of TYPED_FIELDS. */
export const EVERY_TYPE: Omit<CreateCollection, 'name'> = {
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    ...TYPED_FIELDS.map(typed => typed.field),
  ],
  indexes: TYPED_FIELDS.filter(({ field }) => isVectorType(field.dataType)).map(({ field }) => ({
    fieldName: field.name,
    indexType: 'AUTOINDEX',
    metricType: metricOf(field.dataType),
  })),
}

function metricOf(type: DataType): string {
  if (type === DataType.BinaryVector) return 'HAMMING'
  return type === DataType.SparseFloatVector ? 'IP' : 'L2'
}

/** A row with value `which(field position)` of every field; −1 = null, −2 = left out. */
export function typedRow(
  id: number | bigint,
  which: (position: number) => number,
  form: 'given' | 'read',
): Record<string, unknown> {
  const row: Record<string, unknown> = { id }
  TYPED_FIELDS.forEach(({ field, pairs }, position) => {
    const choice = which(position)
    if (choice === -2) return
    row[field.name] = choice === -1 ? null : pairs[choice]![form]
  })
  return row
}
