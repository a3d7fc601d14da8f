/** Checklist 8.1, filters on scalar fields: the P1 and P2 lines. */
import t from 'tap'
import { DataType, type FieldRequest } from '../../lib/index.js'
import { INT64_MAX, INT64_MIN, keys, refuses, refusesFilter, staged, withFields } from './fixture.js'

const FIELDS: readonly FieldRequest[] = [
  { name: 'b', dataType: DataType.Bool },
  { name: 'a', dataType: DataType.Int64, nullable: true },
  { name: 'a2', dataType: DataType.Int32, nullable: true },
  { name: 'f', dataType: DataType.Float },
  { name: 'd', dataType: DataType.Double },
  { name: 's', dataType: DataType.VarChar, maxLength: 16, nullable: true },
  { name: 's2', dataType: DataType.VarChar, maxLength: 16 },
  { name: 'j', dataType: DataType.JSON },
]
const A: readonly (number | bigint | null)[] = [INT64_MIN, -7, -1, 0, 1, 7, null, INT64_MAX - 1n, INT64_MAX]
const ROWS = A.map((a, id) => ({
  id,
  b: id % 2 === 0,
  a,
  a2: [0, -7, 5, null, 1, 3, 2, 0, 8][id]!,
  f: id / 2,
  d: id - 1,
  s: id === 6 ? null : `s${id % 3}`,
  s2: `s${id % 2}`,
  j: { k: id },
  vec: [id, 0],
}))
const ALL = ROWS.map(row => row.id)
/** Keys of the rows whose `a` passes; a null never does. */
const exact = (passes: (a: bigint) => boolean): number[] =>
  ROWS.filter(row => row.a !== null && passes(BigInt(row.a))).map(row => row.id)

t.test('8.1.11 [P1] like on a number is refused', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  for (const name of ['a', 'f', 'b', 'd']) {
    await refusesFilter(
      t,
      c,
      `${name} like "x%"`,
      'like operation on non-string or no-json field is unsupported',
    )
  }
})

t.test('8.1.12 [P1] arithmetic with exact mathematics', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  const check = async () => {
    t.strictSame(
      await keys(c, 'a + 33 <= 19974'),
      exact(a => a + 33n <= 19974n),
    )
    t.strictSame(
      await keys(c, 'a - 1 >= 0'),
      exact(a => a - 1n >= 0n),
    )
    t.strictSame(
      await keys(c, 'a * 2 > 0'),
      exact(a => a * 2n > 0n),
    )
    t.strictSame(
      await keys(c, 'a + 1 == 9223372036854775807'),
      exact(a => a + 1n === INT64_MAX),
    )
    t.strictSame(
      await keys(c, '2 + a > 5'),
      exact(a => a + 2n > 5n),
    )
    t.strictSame(
      await keys(c, '3 * a != 21'),
      exact(a => a * 3n !== 21n),
    )
    t.strictSame(
      await keys(c, 'a / 2 == 3'),
      exact(a => a / 2n === 3n),
      'the quotient is truncated',
    )
    t.strictSame(
      await keys(c, 'a / 2 == -3'),
      exact(a => a / 2n === -3n),
    )
    t.strictSame(
      await keys(c, 'a / -1 > 0'),
      exact(a => -a > 0n),
      '-INT64_MIN does not wrap',
    )
    t.strictSame(
      await keys(c, 'a % 4 == -3'),
      exact(a => a % 4n === -3n),
      'the sign of the dividend',
    )
    await refusesFilter(t, c, 'a % 4 in [3]', "'term' can only be used on single field")
    t.strictSame(
      await keys(c, 'd * 0.5 >= 2'),
      ROWS.filter(row => row.d * 0.5 >= 2).map(row => row.id),
    )
    t.strictSame(
      await keys(c, 'f - 0.5 < 1'),
      ROWS.filter(row => row.f - 0.5 < 1).map(row => row.id),
    )
    t.strictSame(
      await keys(c, 'a + {n} == {m}', { n: 1, m: 8 }),
      exact(a => a === 7n),
    )
  }
  await check()
  await c.compact()
  await check()
})

t.test('8.1.13 [P1] division and modulo by zero', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  for (const filter of ['a / 0 == 1', 'a % 0 == 1', 'd / 0 > 1', '1 / 0 == 1', '5 % 0 == 1']) {
    await refuses(t, () => c.query({ filter }), 1100, 'by zero')
    await refuses(t, () => c.search({ data: [[0, 0]], limit: 3, filter }), 1100, 'by zero')
  }
  for (const filter of ['a / {z} == 1', 'a % {z} == 1']) {
    await refuses(t, () => c.query({ filter, templates: { z: 0 } }), 1100, 'by zero')
    await refuses(
      t,
      () => c.search({ data: [[0, 0]], limit: 3, filter, templates: { z: 0 } }),
      1100,
      'by zero',
    )
  }
})

t.test('8.1.14 [P1] shapes of arithmetic that are not supported', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  const multiple = 'not supported to do arithmetic operations between multiple fields'
  await refusesFilter(t, c, 'a + a2 == 3', multiple)
  await refusesFilter(t, c, 'a * a == 9', multiple)
  await refusesFilter(t, c, 'a * 2 + 1 == 3', 'complicated arithmetic operations are not supported')
  for (const filter of ['5 - a == 3', '5 / a == 3', '5 % a == 3'])
    await refusesFilter(t, c, filter, 'module field is not yet supported')
  await refusesFilter(t, c, 's + 1 == 3', "'add' cannot perform arithmetic between VarChar field and Int64")
  await refusesFilter(t, c, 'd % 2 == 1', 'modulo can only apply on integer types')
  await refusesFilter(t, c, 'a ** 2 == 4', 'power can only apply on constants')
  await refusesFilter(t, c, 'a << 2 == 4', 'shift is not supported')
  await refusesFilter(t, c, 'a + 1.5 == 4')
})

t.test('8.1.15 [P1] column against column', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  const both = (passes: (a: bigint, b: bigint) => boolean) =>
    ROWS.filter(row => row.a !== null && row.a2 !== null && passes(BigInt(row.a), BigInt(row.a2))).map(
      row => row.id,
    )
  t.strictSame(
    await keys(c, 'a == a2'),
    both((a, b) => a === b),
  )
  t.strictSame(
    await keys(c, 'a != a2'),
    both((a, b) => a !== b),
  )
  t.strictSame(
    await keys(c, 'a > a2'),
    both((a, b) => a > b),
  )
  t.strictSame(
    await keys(c, 'not (a > a2)'),
    both((a, b) => a <= b),
    'a null on either side is unknown',
  )
  t.strictSame(
    await keys(c, 'f < d'),
    ROWS.filter(row => row.f < row.d).map(row => row.id),
  )
  t.strictSame(
    await keys(c, 'a <= d'),
    ROWS.filter(row => row.a !== null && row.a <= row.d).map(row => row.id),
  )
  t.strictSame(
    await keys(c, 's == s2'),
    ROWS.filter(row => row.s === row.s2).map(row => row.id),
  )
  t.strictSame(
    await keys(c, 's > s2'),
    ROWS.filter(row => row.s !== null && row.s > row.s2).map(row => row.id),
  )
  await refusesFilter(t, c, 'a == j["k"]', 'two column comparison with JSON type is not supported')
  await refusesFilter(t, c, 'a == s')
})

t.test('8.1.16 [P1] boolean literals', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  for (const filter of [
    'true',
    'true or (f > 2)',
    '(f > 2) or true',
    'not false',
    '1 < 2',
    'a > 0 or TRUE',
  ]) {
    t.strictSame(await keys(c, filter), ALL, filter)
  }
  for (const filter of ['false', 'false and f > 2', 'f > 2 and false', 'not true', '2 < 1', 'False']) {
    t.strictSame(await keys(c, filter), [], filter)
  }
  t.strictSame(await keys(c, 'false or f > 2'), await keys(c, 'f > 2'))
  t.strictSame(await keys(c, 'true and f > 2'), await keys(c, 'f > 2'))
  await refusesFilter(
    t,
    c,
    '1 == "a"',
    'comparison operations cannot be applied to two incompatible operands',
  )
})

t.test('8.1.17 [P1] what is not boolean is refused', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  for (const filter of ['a', '5', '"a"', 'a + 1', 'b'])
    await refusesFilter(t, c, filter, 'predicate is not a boolean expression')
  await refusesFilter(t, c, 'b and a > 1', "'and' can only be used between boolean expressions")
  await refusesFilter(t, c, 'a > 1 or b', "'or' can only be used between boolean expressions")
  await refusesFilter(t, c, 'not b', 'not op can only be applied on boolean expression')
  t.strictSame(
    await keys(c, 'b == true'),
    ROWS.filter(row => row.b).map(row => row.id),
  )
})

t.test('8.1.18 [P1] type mismatches', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  await refusesFilter(t, c, 's == 5', 'comparisons between VarChar and Int64 are not supported')
  await refusesFilter(t, c, 'a == "5"', 'comparisons between Int64 and VarChar are not supported')
  await refusesFilter(t, c, 'b == 1', 'comparisons between Bool and Int64 are not supported')
  await refusesFilter(t, c, 'a > 2.5', 'cannot cast value to Int64, value: float_val:2.5')
  await refusesFilter(t, c, 'a == 1.0', 'cannot cast value to Int64, value: float_val:1')
  await refusesFilter(t, c, 'a2 < 1.5', 'cannot cast value to Int32, value: float_val:1.5')
  t.strictSame(await keys(c, 'd == 1'), [2], 'an integer literal fits a double')
})

t.test('8.1.19 [P1] errors of in', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  await refusesFilter(t, c, 'a in 5', "the right-hand side of 'in' must be a list, but got: 5")
  await refusesFilter(t, c, 'a in "abc"', "the right-hand side of 'in' must be a list")
  await refusesFilter(t, c, 'a in [1, (f)]', "value '(f)' in list cannot be a non-const expression")
  await refusesFilter(t, c, 'a in [1.0]', "value 'float_val:1' in list cannot be casted to Int64")
  await refusesFilter(t, c, 'b in [0]', "value 'int64_val:0' in list cannot be casted to Bool")
  await refusesFilter(t, c, 'a in ["x"]', 'in list cannot be casted to Int64')
  await refusesFilter(t, c, 'a in [[1]]', 'array element type must be generic value')
  await refusesFilter(t, c, 'a inn [1]', 'invalid expression: a inn [1]')
  await refusesFilter(t, c, 'a + 1 in [1]', "'term' can only be used on single field")
})

t.test('8.1.20 [P1] an unknown field without dynamic field', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  for (const filter of [
    'x == 1',
    'x in [1]',
    'x is null',
    'x like "a%"',
    'a > 1 and x["k"] == 2',
    '$meta["x"] == 1',
  ]) {
    const name = filter.startsWith('$meta') ? '$meta' : 'x'
    await refusesFilter(t, c, filter, `field ${name} not exist`)
  }
  const filter = 'x == 1'
  const phrases = [
    `failed to create query plan: cannot parse expression: ${filter}`,
    'field x not exist',
  ] as const
  await refuses(t, () => c.search({ data: [[0, 0]], limit: 1, filter }), 1100, ...phrases)
  await refuses(
    t,
    () => c.hybridSearch({ requests: [{ data: [[0, 0]], filter }], limit: 1 }),
    1100,
    ...phrases,
  )
  const inDelete = `failed to create delete plan: cannot parse expression: ${filter}`
  await refuses(t, () => c.delete({ filter }), 1100, inDelete, 'field x not exist')
  await refuses(t, () => c.count({ filter }), 1100, ...phrases)
})

t.test('8.1.21 [P1] precedence traps', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  const others = ROWS.filter(row => row.s !== null && row.s !== 's1').map(row => row.id)
  t.strictSame(await keys(c, 'not s like "s1"'), others)
  t.strictSame(await keys(c, 'not s =~ "1$"'), others)
  t.strictSame(
    await keys(c, 'not s is null'),
    ALL.filter(id => id !== 6),
  )
  t.strictSame(await keys(c, 'not exists j["k"]'), [])
  await refusesFilter(t, c, 'a2 & 3 == 1')
  await refusesFilter(t, c, 'not a > 5')
  await refusesFilter(t, c, 'not a in [1]')
  t.strictSame(
    await keys(c, 'not (a in [1])'),
    exact(a => a !== 1n),
  )
  t.strictSame(await keys(c, 'a == 1 or a == 7 and b == true'), [4], 'and binds tighter')
  t.strictSame(
    await keys(c, 'a == -2 ** 2 + 3'),
    exact(a => a === -1n),
    '-(2 ** 2)',
  )
})

t.test('8.1.22 [P2] other spellings of literals', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  for (const seven of ['0x7', '07', '0b111', '7']) t.strictSame(await keys(c, `a == ${seven}`), [5], seven)
  t.strictSame(await keys(c, 'd == 0x1p1'), [3])
  t.strictSame(
    await keys(c, 'd >= .5 and d < 5.'),
    ROWS.filter(row => row.d >= 0.5 && row.d < 5).map(row => row.id),
  )
  t.strictSame(await keys(c, 's == r"s1"'), await keys(c, 's == "s1"'))
  for (const prefix of ['u8', 'u', 'U', 'L'])
    t.strictSame(await keys(c, `s == ${prefix}"s1"`), await keys(c, 's == "s1"'))
  t.strictSame(await keys(c, 'a in [1, 7,]'), [4, 5], 'a trailing comma')
  t.strictSame(await keys(c, 'd == 2 ** 2'), [5])
  await refusesFilter(t, c, 's == "\\q"')
})

t.test('8.1.23 [P2] bitwise operations on integers', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  t.strictSame(
    await keys(c, '(a & 3) == 3'),
    exact(a => (a & 3n) === 3n),
  )
  t.strictSame(
    await keys(c, '(a | 1) == 7'),
    exact(a => (a | 1n) === 7n),
  )
  t.strictSame(
    await keys(c, '(a ^ 1) == 6'),
    exact(a => (a ^ 1n) === 6n),
  )
  await refusesFilter(t, c, '(d & 3) == 1', 'bitwise operations can only apply on integer types')
})

t.test('8.1.24 [P2] random_sample', async t => {
  const rows = Array.from({ length: 4000 }, (_, id) => ({ id, a: id % 2, vec: [id, 0] }))
  let state = 1
  const random = () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  const definition = withFields([{ name: 'a', dataType: DataType.Int64 }])
  const { c } = await staged(t, definition, rows, { random })
  const count = await c.count({ filter: 'random_sample(0.25)' })
  t.ok(count > 800 && count < 1200, `${count} of 4000`)
  const half = await keys(c, 'a == 1 and random_sample(0.5)')
  t.ok(
    half.length > 850 && half.length < 1150 && half.every(id => Number(id) % 2 === 1),
    `${half.length} of 2000`,
  )
  for (const filter of ['a == 1 and (random_sample(0.5))', '(a == 1 and random_sample(0.5))']) {
    const { length } = await keys(c, filter)
    t.ok(length > 850 && length < 1150, `${filter}: brackets change nothing, ${length} of 2000`)
  }
  for (const filter of ['random_sample(0)', 'random_sample(1)', 'random_sample(1.5)']) {
    await refusesFilter(
      t,
      c,
      filter,
      'the sample factor should be between 0 and 1 and not too close to 0 or 1',
    )
  }
  const position = 'random sample expression can only be the last expression in the logical and expression'
  for (const filter of [
    'random_sample(0.5) and a == 1',
    '(a == 1 and random_sample(0.5)) and a == 1',
    'a == 1 and (a == 1 or random_sample(0.5))',
    'a == 1 or random_sample(0.5)',
    'not random_sample(0.5)',
  ]) {
    await refusesFilter(t, c, filter, position)
  }
})

t.test('8.1.25 [P2] empty and starts_with', async t => {
  const rows = ['', 'ab', 'b', 'abc', null].map((s, id) => ({ id, s, vec: [id, 0] }))
  const definition = withFields([{ name: 's', dataType: DataType.VarChar, maxLength: 8, nullable: true }])
  const { c } = await staged(t, definition, rows)
  t.strictSame(await keys(c, 'empty(s)'), [0])
  t.strictSame(await keys(c, 'not empty(s)'), [1, 2, 3])
  t.strictSame(await keys(c, "starts_with(s, 'ab')"), [1, 3])
  t.strictSame(await keys(c, "not starts_with(s, 'ab')"), [0, 2])
})
