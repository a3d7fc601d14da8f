/** Checklist 8.4: filters on arrays, templates, regular expressions and Timestamptz. */
import t from 'tap'
import { DataType, type FieldRequest, type Row } from '../../lib/index.js'
import {
  everywhere,
  INT64_MAX,
  INT64_MIN,
  keys,
  refuses,
  refusesFilter,
  selects,
  staged,
  withFields,
} from './fixture.js'

type Element = boolean | number | bigint | string
const ELEMENTS: readonly (readonly [name: string, type: DataType, x: Element, y: Element, z: Element])[] = [
  ['lb', DataType.Bool, true, false, false],
  ['l8', DataType.Int8, -128, 0, 127],
  ['l16', DataType.Int16, -32_768, 5, 32_767],
  ['l32', DataType.Int32, -(2 ** 31), 5, 2 ** 31 - 1],
  ['l64', DataType.Int64, INT64_MIN, 2n ** 53n + 1n, INT64_MAX],
  ['lf', DataType.Float, 0.1, 2, -1.5],
  ['ld', DataType.Double, 0.1, 2, -1e300],
  ['ls', DataType.VarChar, '', 'ä"b', '🦅'],
]
const FIELDS: readonly FieldRequest[] = ELEMENTS.map(([name, elementType]) => ({
  name,
  dataType: DataType.Array,
  elementType,
  maxCapacity: 8,
  maxLength: 16,
  nullable: true,
}))
/** Rows 0 to 4: [x, y], [y], [], null, [x, y, y]. */
const ROWS: Row[] = [0, 1, 2, 3, 4].map(id => {
  const row: Record<string, unknown> = { id, vec: [id, 0] }
  for (const [name, , x, y] of ELEMENTS) row[name] = [[x, y], [y], [], null, [x, y, y]][id]
  return row
})
const text = (value: Element): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

t.test('8.4.1 [P0] containment, length and elements for every element type', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async (c, place) => {
    for (const [name, , x, y, z] of ELEMENTS) {
      const [X, Y, Z] = [text(x), text(y), text(z)]
      const wanted: Readonly<Record<string, number[]>> = {
        [`array_contains(${name}, ${X})`]: [0, 4],
        [`ARRAY_CONTAINS(${name}, ${Y})`]: [0, 1, 4],
        [`not array_contains(${name}, ${X})`]: [1, 2],
        [`array_contains_all(${name}, [${X}, ${Y}])`]: [0, 4],
        [`ARRAY_CONTAINS_ANY(${name}, [${X}, ${Z}])`]: z === y ? [0, 1, 4] : [0, 4],
        [`json_contains_any(${name}, [${Y}])`]: [0, 1, 4],
        [`array_contains_all(${name}, [])`]: [0, 1, 2, 3, 4],
        [`array_contains_any(${name}, [])`]: [],
        [`array_length(${name}) == 2`]: [0],
        [`array_length(${name}) < 2`]: [1, 2],
        [`array_length(${name}) != 0`]: [0, 1, 4],
        [`${name}[0] == ${X}`]: [0, 4],
        [`${name}[0] != ${X}`]: [1],
        [`${name}[1] == ${Y}`]: [0, 4],
        [`${name}[2] == ${Y}`]: [4],
        [`not (${name}[2] == ${Y})`]: [],
        [`${name}[7] != ${Y}`]: [],
        [`${name}[0] in [${X}]`]: [0, 4],
      }
      await selects(t, c, wanted, `${name} ${place}`)
    }
  })
})

t.test('8.4.2 [P1] float arrays with integer and float targets', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async c => {
    t.strictSame(await keys(c, 'array_contains(lf, 2)'), [0, 1, 4])
    t.strictSame(await keys(c, 'array_contains(lf, 2.0)'), [0, 1, 4])
    t.strictSame(await keys(c, 'array_contains(lf, 0.1)'), [0, 4], 'rounded to float32')
    t.strictSame(await keys(c, 'array_contains_any(lf, [7, 0.1])'), [0, 4])
    t.strictSame(await keys(c, 'array_contains_all(lf, [2, 0.1])'), [0, 4])
    t.strictSame(await keys(c, 'array_contains_all(ld, [2, 0.1])'), [0, 4])
    t.strictSame(await keys(c, 'lf[0] == 0.1'), [0, 4])
  })
})

t.test('8.4.3 [P1] whole arrays: equality, no order', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async c => {
    t.strictSame(await keys(c, 'l32 == [-2147483648, 5]'), [0])
    t.strictSame(await keys(c, 'l32 == [5, -2147483648]'), [], 'order matters')
    t.strictSame(await keys(c, 'l32 != [5]'), [0, 2, 4])
    t.strictSame(await keys(c, 'ls == ["", "ä\\"b"]'), [0])
    t.strictSame(await keys(c, 'lf == [0.1, 2]'), [0], 'float32 in an array, too')
  })
})

t.test('8.4.3 [P1] relational operators on an array', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  for (const op of ['<', '<=', '>', '>='])
    await refusesFilter(t, c, `l32 ${op} [5]`, 'can not comparisons array fields directly')
  await refusesFilter(t, c, 'array_contains(l32, "a")')
  await refusesFilter(t, c, 'array_contains_all(l32, 5)', 'ContainsAll operation element must be an array')
  await refusesFilter(t, c, 'l32["k"] == 5', 'can only access array field with integer index')
})

t.test('8.4.4 [P0] templates', async t => {
  const fields: FieldRequest[] = [
    { name: 'a', dataType: DataType.Int64 },
    { name: 'f', dataType: DataType.Float },
    { name: 'b', dataType: DataType.Bool },
    { name: 's', dataType: DataType.VarChar, maxLength: 32 },
    { name: 'l', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 4 },
  ]
  const rows = [0, 1, 2, 3].map(id => ({
    id,
    a: id,
    f: id / 10,
    b: id > 1,
    s: `s${id} "or true`,
    l: [id, 9],
    vec: [id, 0],
  }))
  await everywhere(t, withFields(fields), rows, async c => {
    t.strictSame(await keys(c, 'a == {v}', { v: 2 }), [2])
    t.strictSame(await keys(c, 'a == {v}', { v: 2n }), [2])
    t.strictSame(await keys(c, '{lo} < a <= {hi}', { lo: 0, hi: 2 }), [1, 2])
    t.strictSame(await keys(c, 'f == {v}', { v: 0.1 }), [1])
    t.strictSame(await keys(c, 'b == {v}', { v: true }), [2, 3])
    t.strictSame(await keys(c, 's == {v}', { v: 's1 "or true' }), [1], 'no injection')
    t.strictSame(await keys(c, 'a in {list}', { list: [1, 3, 77] }), [1, 3])
    t.strictSame(await keys(c, 'a not in {list}', { list: [1, 3] }), [0, 2])
    t.strictSame(await keys(c, 'a in {list}', { list: [] }), [])
    t.strictSame(await keys(c, 's like {p}', { p: 's1%' }), [1])
    t.strictSame(await keys(c, 'array_contains(l, {v})', { v: 3 }), [3])
    t.strictSame(await keys(c, 'array_contains_any(l, {v})', { v: [0, 1] }), [0, 1])
    t.strictSame(await keys(c, 'array_contains_all(l, {v}) and a > {w}', { v: [9], w: 2, unused: 'x' }), [3])
  })
})

t.test('8.4.4 [P0] templates that are missing or of the wrong type', async t => {
  const fields: FieldRequest[] = [
    { name: 'a', dataType: DataType.Int64 },
    { name: 's', dataType: DataType.VarChar, maxLength: 32 },
  ]
  const { c } = await staged(t, withFields(fields), [{ id: 0, a: 1, s: 'x', vec: [0, 0] }])
  const ask = (filter: string, templates: Record<string, unknown>) => () => c.query({ filter, templates })
  await refuses(
    t,
    ask('a == {x}', {}),
    1100,
    'the value of expression template variable name {x} is not found',
  )
  await refuses(
    t,
    ask('a in {x}', { y: [1] }),
    1100,
    'the value of expression template variable name {x} is not found',
  )
  await refuses(t, ask('a == {x}', { x: 'text' }), 1100, 'failed to create query plan')
  await refuses(t, ask('a == {x}', { x: 1.5 }), 1100, 'cannot cast value to Int64')
  await refuses(t, ask('a in {x}', { x: 5 }), 1100, "the right-hand side of 'in' must be a list")
  await refuses(t, ask('a in {x}', { x: ['a'] }), 1100, 'in list cannot be casted to Int64')
  await refuses(t, ask('s like {x}', { x: 5 }), 1100, 'failed to create query plan')
  await refuses(
    t,
    ask('{x} == {y}', { x: 5, y: 5 }),
    1100,
    'placeholder was not supported between two constants with operator',
  )
  const search = { data: [[0, 0]], limit: 3, filter: 'a == {x}', templates: { x: 1 } }
  t.equal((await c.search(search))[0]!.length, 1)
  t.equal((await c.hybridSearch({ requests: [search], limit: 3 }))[0]!.length, 1)
  t.equal((await c.delete({ filter: 'a == {x}', templates: { x: 1 } })).deleteCount, 1)
})

const TEXTS: readonly (string | null)[] = ['', 'abc', 'ABC', 'a\nb', 'foo123', 'x.y', 'zażółć', null]
const REGEX_ROWS: Row[] = TEXTS.map((s, id) => ({
  id,
  s,
  j: { s },
  dyn: s,
  l: s === null ? null : [s],
  vec: [id, 0],
}))
const REGEX = withFields(
  [
    { name: 's', dataType: DataType.VarChar, maxLength: 32, nullable: true },
    { name: 'j', dataType: DataType.JSON },
    {
      name: 'l',
      dataType: DataType.Array,
      elementType: DataType.VarChar,
      maxLength: 32,
      maxCapacity: 2,
      nullable: true,
    },
    { name: 'n', dataType: DataType.Int64, nullable: true },
  ],
  { enableDynamicField: true },
)

t.test('8.4.5 [P1] regular expressions', async t => {
  const wanted: Readonly<Record<string, number[]>> = {
    '=~ "b"': [1, 3],
    '=~ "^abc$"': [1],
    '=~ "^$"': [0],
    '=~ "(?i)abc"': [1, 2],
    '=~ "a.b"': [3],
    '=~ "(?-s)a.b"': [],
    '=~ "[0-9]+$"': [4],
    '=~ "\\d{3}"': [4],
    '=~ "^(foo|abc)"': [1, 4],
    '=~ r"x\\.y"': [5],
    '=~ "ó"': [6],
    '=~ "\\pL{6}"': [6],
    '!~ "b"': [0, 2, 4, 5, 6],
    '=~ ""': [0, 1, 2, 3, 4, 5, 6],
  }
  await everywhere(t, REGEX, REGEX_ROWS, async (c, place) => {
    const all: Record<string, readonly number[]> = {}
    for (const [test, ids] of Object.entries(wanted)) {
      for (const left of ['s', 'j["s"]', 'dyn', 'l[0]']) all[`${left} ${test}`] = ids
    }
    await selects(t, c, all, place)
    t.strictSame(await keys(c, 'not s =~ "b"'), await keys(c, 's !~ "b"'))
    t.strictSame(await keys(c, 's =~ {p}', { p: '^ab' }), [1])
    t.strictSame(await keys(c, 's =~ {p}', { p: '" or true or s == "' }), [], 'no injection')
  })
})

t.test('8.4.5 [P1] regular expressions that RE2 would refuse', async t => {
  const { c } = await staged(t, REGEX, REGEX_ROWS)
  for (const pattern of ['(?=a)', '(?!a)', '(?<=a)', '(a)\\1', '[a', '*a', 'a{2,1}']) {
    await refuses(t, () => c.query({ filter: `s =~ r"${pattern}"` }), 1100, 'invalid regex pattern')
  }
  await refuses(t, () => c.query({ filter: 's =~ "(a"' }), 1100, 'missing closing')
  for (const right of ['5', 'true', '["a"]', 's'])
    await refusesFilter(t, c, `s =~ ${right}`, 'string literal or template variable')
})

t.test('8.4.5 [P1] a regular expression on an unknown field', async t => {
  const { c } = await staged(t, withFields())
  await refusesFilter(t, c, 'nope =~ "a"', 'field nope not exist')
})

t.test('8.4.6 [P1] a regular expression on a number', async t => {
  const { c } = await staged(t, REGEX, REGEX_ROWS)
  for (const filter of ['n =~ "1"', 'id !~ "1"'])
    await refusesFilter(t, c, filter, 'regex match on non-string or non-json field is unsupported')
})

const TIMES: readonly (string | null)[] = [
  '2024-02-28T00:00:00Z',
  '2024-02-29 12:00:00',
  '2024-12-31T23:59:59.999999+00:00',
  '2025-01-01T00:00:00+08:00',
  '1969-12-31T23:59:59Z',
  '2025-01-01T05:30:00.5-05:00',
  null,
]
const TIME_FIELDS = [{ name: 'ts', dataType: DataType.Timestamptz, nullable: true }]
const TIME_ROWS = TIMES.map((ts, id) => ({ id, ts, vec: [id, 0] }))

t.test('8.4.10 [P1] Timestamptz: formats, comparison, intervals', async t => {
  await everywhere(t, withFields(TIME_FIELDS), TIME_ROWS, async (c, place) => {
    const wanted: Readonly<Record<string, number[]>> = {
      "ts == ISO '2024-02-29T12:00:00Z'": [1],
      "ts >= ISO '2025-01-01T00:00:00Z'": [5],
      "ts < ISO '1970-01-01T00:00:00Z'": [4],
      "ISO '2024-12-31T16:00:00Z' == ts": [3],
      "iso '2024-12-31T23:00:00Z' < ts": [2, 5],
      "ts != ISO '2024-02-29T12:00:00Z'": [0, 2, 3, 4, 5],
      "ts + INTERVAL 'P1D' == ISO '2024-02-29T00:00:00Z'": [0],
      "ts + interval 'P1DT12H' == ISO '2024-02-29T12:00:00Z'": [0],
      "ts - INTERVAL 'P1D' == ISO '2024-02-28T12:00:00Z'": [1],
      "ts - INTERVAL 'PT8H' < ISO '2024-12-31T16:00:00Z' and id > 1": [2, 3, 4],
      'ts is null': [6],
    }
    await selects(t, c, wanted, place)
    t.strictSame(
      await keys(c, "ts + INTERVAL 'PT1S' > ISO '2025-01-01T00:00:00Z'"),
      [2, 5],
      'over the edge of a year',
    )
    const read = await c.query({ filter: 'id >= 0', outputFields: ['ts'] })
    t.strictSame(
      read.map(row => row['ts']),
      [
        '2024-02-28T00:00:00Z',
        '2024-02-29T12:00:00Z',
        '2024-12-31T23:59:59.999999Z',
        '2024-12-31T16:00:00Z',
        '1969-12-31T23:59:59Z',
        '2025-01-01T10:30:00.5Z',
        null,
      ],
    )
  })
})

t.test('8.4.10 [P1] Timestamptz: zones of collection and database, what is refused', async t => {
  const made = await staged(t, withFields(TIME_FIELDS, { properties: { timezone: 'Asia/Shanghai' } }), [
    { id: 1, ts: '2025-01-01 00:00:00', vec: [0, 0] },
    { id: 2, ts: '2025-01-01T00:00:00Z', vec: [0, 0] },
  ])
  const { c, db } = made
  t.strictSame(await keys(c, "ts == ISO '2024-12-31T16:00:00Z'"), [1])
  const read = async (request: object) =>
    (await c.query({ filter: 'id > 0', outputFields: ['ts'], ...request })).map(row => row['ts'])
  t.strictSame(
    await read({}),
    ['2025-01-01T00:00:00+08:00', '2025-01-01T08:00:00+08:00'],
    'zone of the collection',
  )
  t.strictSame(
    await read({ timeZone: 'America/New_York' }),
    ['2024-12-31T11:00:00-05:00', '2024-12-31T19:00:00-05:00'],
    'zone of the request',
  )
  await refuses(
    t,
    () => read({ timeZone: 'Mars/Base' }),
    1100,
    'invalid timezone name; must be a valid IANA Time Zone ID',
  )
  await db.createDatabase('zoned', { timezone: 'America/New_York' })
  const other = await db.createCollection({ name: 'c', ...withFields(TIME_FIELDS) }, { database: 'zoned' })
  await other.insert([{ id: 1, ts: '2025-07-01 00:00:00', vec: [0, 0] }])
  t.strictSame(await keys(other, "ts == ISO '2025-07-01T04:00:00Z'"), [1])
  const zoned = await other.query({ filter: 'id > 0', outputFields: ['ts'] })
  t.strictSame(zoned, [{ id: 1, ts: '2025-07-01T00:00:00-04:00' }], 'zone of the database')
  await other.alterProperties({ timezone: 'Asia/Tokyo' })
  t.strictSame(await keys(other, "ts == ISO '2025-07-01 13:00:00'"), [1], 'zone of the collection')
  await other.dropProperties(['timezone'])
  t.strictSame(await other.query({ filter: 'id > 0', outputFields: ['ts'] }), zoned, 'of the database again')
  for (const ts of [
    'yesterday',
    '2025-13-01T00:00:00Z',
    '2025-02-30T00:00:00Z',
    '2025-01-01T00:00:00+15:00',
    '2025/01/01',
  ]) {
    await refuses(
      t,
      () => c.insert([{ id: 9, ts, vec: [0, 0] }]),
      1100,
      `invalid timestamp string: '${ts}'. Does not match any known format`,
    )
  }
  await refusesFilter(
    t,
    c,
    "ts > '2025-01-01T00:00:00Z'",
    'comparisons between Timestamptz and VarChar are not supported',
  )
  await refusesFilter(t, c, "ts > ISO 'soon'", "invalid timestamp string: 'soon'")
  await refusesFilter(
    t,
    c,
    "ts + INTERVAL 'one day' > ISO '2025-01-01T00:00:00Z'",
    "invalid INTERVAL string: 'one day'",
  )
  await refuses(t, () => c.alterProperties({ timezone: 'Mars/Base' }), 1100, 'Mars/Base')
})
