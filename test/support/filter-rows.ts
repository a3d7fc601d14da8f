/**
 * A schema with a field of every type that filters know, and random rows for it, chosen nasty: nulls, missing paths, one
 * key holding numbers, texts, bools and arrays, both ends of every integer type, neighbours of ±2^53, floats that
 * float32 cannot hold, texts of every UTF-8 length, empty everything.
 */
import { DataType } from '../../lib/schema/data-type.js'
import { buildSchema } from '../../lib/schema/validate-schema.js'
import type { OracleRow } from './filter-oracle.js'
import type { Rng } from './rng.js'

export const INT_FIELDS = ['i8', 'i16', 'i32', 'i64'] as const
export const FLOAT_FIELDS = ['f', 'd'] as const
export const INT_ARRAYS = ['a8', 'a64'] as const

export const schema = buildSchema({
  name: 'oracle',
  enableDynamicField: true,
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'i8', dataType: DataType.Int8, nullable: true },
    { name: 'i16', dataType: DataType.Int16 },
    { name: 'i32', dataType: DataType.Int32, nullable: true },
    { name: 'i64', dataType: DataType.Int64, nullable: true },
    { name: 'f', dataType: DataType.Float, nullable: true },
    { name: 'd', dataType: DataType.Double },
    { name: 'b', dataType: DataType.Bool, nullable: true },
    { name: 's', dataType: DataType.VarChar, maxLength: 100, nullable: true },
    { name: 'u', dataType: DataType.VarChar, maxLength: 100 },
    { name: 'a8', dataType: DataType.Array, elementType: DataType.Int8, maxCapacity: 10, nullable: true },
    { name: 'a64', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 10 },
    { name: 'af', dataType: DataType.Array, elementType: DataType.Float, maxCapacity: 10, nullable: true },
    { name: 'ad', dataType: DataType.Array, elementType: DataType.Double, maxCapacity: 10 },
    { name: 'ab', dataType: DataType.Array, elementType: DataType.Bool, maxCapacity: 10 },
    {
      name: 'as',
      dataType: DataType.Array,
      elementType: DataType.VarChar,
      maxCapacity: 10,
      maxLength: 100,
      nullable: true,
    },
    { name: 'j', dataType: DataType.JSON, nullable: true },
    { name: 'ts', dataType: DataType.Timestamptz, nullable: true },
    { name: 'ts2', dataType: DataType.Timestamptz },
    { name: 'g', dataType: DataType.Geometry, nullable: true },
    {
      name: 'p',
      dataType: DataType.ArrayOfStruct,
      maxCapacity: 4,
      nullable: true,
      fields: [
        { name: 'n', dataType: DataType.Int64 },
        { name: 't', dataType: DataType.VarChar, maxLength: 100 },
        { name: 'f', dataType: DataType.Float },
        { name: 'b', dataType: DataType.Bool },
      ],
    },
    { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
  ],
})

/** Rising. */
export const MOMENTS = [
  '0001-01-01T00:00:00Z',
  '1969-12-31T23:59:59.999999Z',
  '1970-01-01T00:00:00Z',
  '2023-12-31T23:59:59.5-03:30',
  '2024-02-29T12:00:00Z',
  '2025-01-30 16:00:00Z',
  '2025-01-31T00:00:00.000001+08:00',
  '2025-03-31T10:20:30Z',
  '9999-12-31T23:59:59Z',
] as const

export const TEXTS = [
  '',
  'a',
  'ab',
  'abc',
  'b',
  'A',
  'a%b',
  'a_b',
  'back\\slash',
  'q"q',
  'é',
  '中文',
  '😀',
  'x😀y',
  '10',
  'a\nb',
]
export const KEYS = ['k', 'a/b', 'ключ', 'q"', '0'] as const
export const INT64_EDGES = [
  -(2n ** 63n),
  2n ** 63n - 1n,
  2n ** 63n - 8n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  2n ** 32n,
]
export const FLOATS = [0, 0.1, -0.1, 0.5, 1, 1.5, -2, 2.25, 3, 1e10, -1e-10, 16_777_217, 2 ** 53, -0]

// ------------------------------------------------------------------------------------------------ rows

function int64(dice: Rng): bigint {
  return dice.chance(0.7) ? BigInt(dice.between(-4, 6)) : dice.pick(INT64_EDGES)
}

function small(dice: Rng, limit: number): number {
  return dice.chance(0.8) ? dice.between(-4, 6) : dice.pick([-limit, limit - 1])
}

function jsonScalar(dice: Rng): unknown {
  return dice.pick<() => unknown>([
    () => dice.between(-3, 5),
    () => int64(dice),
    () => dice.pick(FLOATS),
    () => dice.pick([1e300, 2 ** 63, -1.5e-7, 123_456.789]),
    () => dice.pick(TEXTS),
    () => dice.chance(),
    () => null,
  ])()
}

function jsonValue(dice: Rng, depth: number): unknown {
  if (depth > 0 && dice.chance(0.35)) {
    if (dice.chance()) return Array.from({ length: dice.int(4) }, () => jsonValue(dice, depth - 1))
    const members: Record<string, unknown> = {}
    for (const key of KEYS) if (dice.chance(0.4)) members[key] = jsonValue(dice, depth - 1)
    return members
  }
  return jsonScalar(dice)
}

function jsonRoot(dice: Rng): unknown {
  if (dice.chance(0.15)) return jsonValue(dice, 1)
  const members: Record<string, unknown> = {}
  for (const key of KEYS) if (dice.chance(0.7)) members[key] = jsonValue(dice, 2)
  return members
}

function list<T>(dice: Rng, make: () => T): T[] {
  return Array.from({ length: dice.int(5) }, make)
}

export function makeRow(dice: Rng, id: number): OracleRow {
  const orNull = <T>(value: T): T | null => (dice.chance(0.2) ? null : value)
  const row: Record<string, unknown> = {
    id,
    i8: orNull(small(dice, 128)),
    i16: small(dice, 32_768),
    i32: orNull(small(dice, 2 ** 31)),
    i64: orNull(int64(dice)),
    f: orNull(dice.pick(FLOATS)),
    d: dice.pick(FLOATS),
    b: orNull(dice.chance()),
    s: orNull(dice.pick(TEXTS)),
    u: dice.pick(TEXTS),
    a8: orNull(list(dice, () => small(dice, 128))),
    a64: list(dice, () => int64(dice)),
    af: orNull(list(dice, () => dice.pick(FLOATS))),
    ad: list(dice, () => dice.pick(FLOATS)),
    ab: list(dice, () => dice.chance()),
    as: orNull(list(dice, () => dice.pick(TEXTS))),
    j: orNull(jsonRoot(dice)),
    ts: orNull(dice.pick(MOMENTS)),
    ts2: dice.pick(MOMENTS),
    g: orNull(dice.chance(0.1) ? 'POINT EMPTY' : `POINT (${dice.int(5)} ${dice.int(5)})`),
    p: orNull(
      list(dice, () => ({
        n: int64(dice),
        t: dice.pick(TEXTS),
        f: dice.pick(FLOATS),
        b: dice.chance(),
      })),
    ),
    vec: [0, 1],
  }
  if (dice.chance(0.7)) row['dyn'] = jsonValue(dice, 2)
  if (dice.chance(0.5)) row['$meta'] = { i8: jsonScalar(dice) }
  return row
}
