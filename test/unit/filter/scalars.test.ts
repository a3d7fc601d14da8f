/** Filters on scalar columns: query-search-semantics §8.1, line by line. */
import t from 'tap'
import { DataType } from '../../../lib/schema/data-type.js'
import { matches, refusal, schemaOf, tableOf } from './fixture.js'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

const schema = schemaOf([
  { name: 'i8', dataType: DataType.Int8 },
  { name: 'i16', dataType: DataType.Int16 },
  { name: 'i32', dataType: DataType.Int32 },
  { name: 'i64', dataType: DataType.Int64 },
  { name: 'f', dataType: DataType.Float },
  { name: 'd', dataType: DataType.Double },
  { name: 's', dataType: DataType.VarChar, maxLength: 100 },
  { name: 'flag', dataType: DataType.Bool },
  { name: 'tags', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 8 },
  { name: 'j', dataType: DataType.JSON },
])
const rest = { i8: 0, i16: 0, i32: 0, i64: 0, f: 0, d: 0, s: '', flag: false, tags: [], j: {} }
const table = tableOf(schema, [
  { ...rest, i8: -128, i16: -5, i32: 1, i64: INT64_MIN, f: 0.1, d: 0.1, s: 'apple', flag: true },
  { ...rest, i8: 0, i16: 0, i32: 2, i64: 2n ** 53n, f: 1.5, d: 1.5, s: 'banana "split"' },
  { ...rest, i8: 5, i16: 5, i32: 3, i64: 2n ** 53n + 1n, f: 2, d: 2, s: "it's", flag: true },
  { ...rest, i8: 127, i16: 32767, i32: 2147483647, i64: INT64_MAX, f: -3.25, d: 1e300, s: '' },
])
const same = (t: { same(a: unknown, b: unknown, c: string): unknown }, text: string, rows: number[]) =>
  t.same(matches(table, text), rows, text.slice(0, 80))

t.test('comparisons on every scalar type', async t => {
  for (const field of ['i8', 'i16']) {
    same(t, `${field} == 5`, [3])
    same(t, `${field} != 5`, [1, 2, 4])
    same(t, `${field} < 0`, [1])
    same(t, `${field} <= 0`, [1, 2])
    same(t, `${field} > 0`, [3, 4])
    same(t, `${field} >= 5`, [3, 4])
  }
  same(t, 'i32 > 2', [3, 4])
  same(t, 'd >= 1.5', [2, 3, 4])
  same(t, 'd == 2', [3])
  same(t, 'f < 0', [4])
  same(t, 'flag == true', [1, 3])
  same(t, 'flag != true', [2, 4])
  same(t, 's > "b"', [2, 3])
  same(t, 's <= "apple"', [1, 4])
})

t.test('a literal on the left is the flipped comparison', async t => {
  same(t, '5 < i16', [4])
  same(t, '5 >= i16', [1, 2, 3])
  same(t, '"apple" == s', [1])
})

t.test('range chains go both ways; bad bounds are refused', async t => {
  same(t, '0 < i16 <= 5', [3])
  same(t, '5 >= i16 > 0', [3])
  same(t, '5 <= i16 <= 5', [3])
  same(t, '"apple" <= s < "c"', [1, 2])
  same(t, '-1.5 < d < 1.5', [1])
  const bad = 'invalid range: lowerbound is greater than upperbound'
  t.match(refusal(schema, '5 < i16 <= 5'), bad)
  t.match(refusal(schema, '5 < i16 < 5'), bad)
  t.match(refusal(schema, '6 <= i16 <= 5'), bad)
  t.match(refusal(schema, '"b" < s < "a"'), bad)
  t.match(refusal(schema, 'true < flag < false'), 'invalid range operations on boolean expr')
  t.match(refusal(schema, 'i8 < i16 < 5'), 'lowerbound cannot be a non-const expression')
  t.match(refusal(schema, '5 < i16 < i8'), 'upperbound cannot be a non-const expression')
  t.match(refusal(schema, '1 < s < 2'), 'comparisons between VarChar and Int64 are not supported')
  t.match(refusal(schema, '1.5 < i16 < 2'), 'cannot cast value to Int16, value: float_val:1.5')
  t.match(refusal(schema, '1 < i16 > 0'), 'failed to create query plan', 'mixed directions are no chain')
})

t.test('and, or, not: all spellings; deep nesting and long chains', async t => {
  same(t, 'i8 > 0 and i32 < 4', [3])
  same(t, 'i8 > 0 AND i32 < 4', [3])
  same(t, 'i8 > 0 && i32 < 4', [3])
  same(t, 'i8 == 0 || i8 == 5', [2, 3])
  same(t, 'i8 == 0 OR i8 == 5', [2, 3])
  same(t, '!(i8 == 0) && NOT (i8 == 5)', [1, 4])
  same(t, `${'('.repeat(60)}i8 == 5${')'.repeat(60)}`, [3])
  same(t, `${'not ('.repeat(60)}i8 == 5${')'.repeat(60)}`, [3])
  same(t, `${'(i8 == 1 or (i8 != 9 and '.repeat(60)}i8 == 5${'))'.repeat(60)}`, [3])
  const terms = Array.from({ length: 3000 }, (_, i) => `i32 == ${i}`)
  same(t, terms.join(' or '), [1, 2, 3])
  same(t, terms.map(term => `(d > ${term.length} or ${term})`).join(' and '), [4])
  t.match(refusal(schema, 'i8 And i16'), 'invalid expression', 'mixed case is no keyword')
})

t.test('nesting is bounded by a clear error, far above what people write', async t => {
  const nested = (n: number) => `${'('.repeat(n)}i8 == 5${')'.repeat(n)}`
  same(t, nested(900), [3])
  for (const text of [
    nested(100_000),
    `${'not '.repeat(100_000)} i8 == 5`,
    `i8 == ${'-'.repeat(100_000)}5`,
    `i8 == 5${' + 1'.repeat(100_000)}`,
    `${'('.repeat(400)}i8${' + 1)'.repeat(400)}${' == 1'.repeat(1000)}`,
    `i8 in ${'['.repeat(100_000)}1`,
  ]) {
    t.match(refusal(schema, text), 'nested more than 1000 levels deep')
  }
})

t.test('in and not in: none, one, many', async t => {
  same(t, 'i32 in [2]', [2])
  same(t, 'i32 in [1, 3, 3,]', [1, 3])
  same(t, 'i32 not in [1, 3]', [2, 4])
  same(t, 'i32 in []', [])
  same(t, 'i32 not in []', [1, 2, 3, 4])
  same(t, 's in ["apple", "it\'s", ""]', [1, 3, 4])
  same(t, 's NOT IN ["apple"]', [2, 3, 4])
  same(t, 'f in [0.1, 2]', [1, 3])
  same(t, 'd in [0.1, 2]', [1, 3])
  same(t, 'flag in [true]', [1, 3])
  const many = Array.from({ length: 6000 }, (_, i) => i + 2).join(',')
  same(t, `i32 in [${many}]`, [2, 3])
  same(t, `i64 not in [${many}]`, [1, 2, 3, 4])
})

t.test('literals beyond a narrow column never wrap: none or every row', async t => {
  for (const [field, beyond] of [
    ['i8', '1000'],
    ['i16', '40000'],
    ['i32', '3000000000'],
  ] as const) {
    for (const none of ['==', '>', '>=']) same(t, `${field} ${none} ${beyond}`, [])
    for (const every of ['!=', '<', '<=']) same(t, `${field} ${every} ${beyond}`, [1, 2, 3, 4])
    for (const none of ['==', '<', '<=']) same(t, `${field} ${none} -${beyond}`, [])
    for (const every of ['!=', '>', '>=']) same(t, `${field} ${every} -${beyond}`, [1, 2, 3, 4])
    same(t, `${field} in [${beyond}, ${Number(beyond) + 256}]`, [])
  }
})

t.test('ranges on one column join, also to a single value or to nothing', async t => {
  same(t, 'i32 >= 2 and i32 <= 2', [2])
  same(t, 'i32 > 1 and i32 < 4 and i32 >= 3', [3])
  same(t, 'i32 > 2 and i32 < 3', [])
  same(t, 'd >= 1.5 and d <= 1.5', [2])
  same(t, 'd > 1.5 and d < 2', [])
  same(t, 'i64 >= 9007199254740993 and i64 <= 9007199254740993', [3])
})

t.test('int64 is exact at its ends and around 2^53', async t => {
  same(t, 'i64 == -9223372036854775808', [1])
  same(t, 'i64 <= -9223372036854775808', [1])
  same(t, 'i64 == 9223372036854775807', [4])
  same(t, 'i64 > 9223372036854775806', [4])
  same(t, 'i64 == 9007199254740992', [2])
  same(t, 'i64 == 9007199254740993', [3])
  same(t, 'i64 > 9007199254740992', [3, 4])
  same(t, 'i64 in [9007199254740993, 9223372036854775807]', [3, 4])
  t.match(refusal(schema, 'i64 == 9223372036854775808'), 'out of the int64 range')
  t.match(refusal(schema, 'i64 == -9223372036854775809'), 'out of the int64 range')
})

t.test('a FLOAT column compares with the literal rounded to float32', async t => {
  same(t, 'f == 0.1', [1])
  same(t, 'f > 0.1', [2, 3])
  same(t, 'f >= 0.1', [1, 2, 3])
  same(t, 'd == 0.1', [1])
  same(t, 'f < 1e300', [1, 2, 3, 4])
})

t.test('strings: both quotes, escapes, empty, unicode', async t => {
  same(t, 's == "banana \\"split\\""', [2])
  same(t, 's == \'banana "split"\'', [2])
  same(t, 's == "it\'s"', [3])
  same(t, "s == 'it\\'s'", [3])
  same(t, 's == ""', [4])
  const words = tableOf(schema, [
    { ...rest, s: '中文 字' },
    { ...rest, s: 'tab\there' },
    { ...rest, s: 'back\\slash' },
  ])
  t.same(matches(words, 's == "中文 字"'), [1])
  t.same(matches(words, 's == "\\u4e2d\\xe6\\x96\\x87 \\u5B57"'), [1])
  t.same(matches(words, 's == "tab\\there"'), [2])
  t.same(matches(words, 's == "tab\\011here"'), [2])
  t.same(matches(words, 's == "back\\\\slash"'), [3])
  t.same(matches(words, 's == r"back\\slash"'), [3])
  t.same(matches(words, 's == u8"中文 字"'), [1])
  t.match(refusal(schema, 's == "bad \\q escape"'), 'invalid escape sequence')
})

t.test('like: prefix, suffix, infix, exact, one character, escapes', async t => {
  const words = tableOf(
    schema,
    ['abc', 'xabc', 'abcx', 'a%c', 'a_c', 'a\\c', '中x', 'line\nend', ''].map(s => ({ ...rest, s })),
  )
  const like = (pattern: string, rows: number[]) => t.same(matches(words, `s like ${pattern}`), rows, pattern)
  like('"abc%"', [1, 3])
  like('"%abc"', [1, 2])
  like('"%abc%"', [1, 2, 3])
  like('"abc"', [1])
  like('"a_c"', [1, 4, 5, 6])
  like('"a\\\\%c"', [4])
  like('r"a\\%c"', [4])
  like('"a\\\\_c"', [5])
  like('"a\\\\\\\\c"', [6])
  like('"_x"', [7])
  like('"__"', [7])
  like('"line%end"', [8])
  like('"line_end"', [8])
  like('""', [9])
  like('"%"', [1, 2, 3, 4, 5, 6, 7, 8, 9])
  like('"%a%c%"', [1, 2, 3, 4, 5, 6])
  t.match(refusal(schema, 's like "abc\\\\"'), 'Invalid LIKE pattern: trailing backslash')
  t.match(refusal(schema, 's like "a\\%c"'), 'invalid escape sequence', 'a string literal is unescaped first')
  t.match(refusal(schema, 's like 5'), 'failed to create query plan')
})

t.test('like on a number is refused', async t => {
  for (const field of ['i64', 'f', 'flag', 'tags']) {
    t.match(
      refusal(schema, `${field} like "a%"`),
      'like operation on non-string or no-json field is unsupported',
    )
  }
})

t.test('division and modulo by zero are errors, also by template', async t => {
  t.match(refusal(schema, 'i64 / 0 == 1'), 'division or modulus by zero')
  t.match(refusal(schema, 'i64 % 0 == 1', {}, 'search'), 'by zero')
  t.match(refusal(schema, 'd / 0.0 == 1'), 'by zero')
  t.match(refusal(schema, 'i64 % {z} == 1', { z: 0 }), 'by zero')
  t.match(refusal(schema, 'i64 == 1 / 0'), 'cannot divide by zero')
  t.match(refusal(schema, 'i64 == 1 % 0'), 'cannot modulo by zero')
})

t.test('unsupported arithmetic shapes are refused', async t => {
  const bad = (text: string, why: string) => t.match(refusal(schema, text), why, text)
  bad('3 - i64 == 1', 'module field is not yet supported')
  bad('3 / i64 == 1', 'module field is not yet supported')
  bad('i64 + i32 == 1', 'not supported to do arithmetic operations between multiple fields')
  bad('i64 * 2 + 1 == 3', 'complicated arithmetic operations are not supported')
  bad('(i64 + 1) * 2 == 3', 'complicated arithmetic operations are not supported')
  bad('s + 1 == 3', "'add' cannot perform arithmetic between VarChar field and Int64")
  bad('i64 - "a" == 3', "'subtract' cannot perform arithmetic between Int64 field and VarChar")
  bad('flag * 1 == 3', "'multiply' cannot perform arithmetic between Bool field and Int64")
  bad('d % 2 == 1', 'modulo can only apply on integer types')
  bad('(d & 2) == 1', 'bitwise operations can only apply on integer types')
  bad('i64 ** 2 == 4', 'power can only apply on constants')
  bad('i64 << 2 == 4', 'shift is not supported')
  bad('i64 + 1.5 == 4', 'cannot cast value to Int64, value: float_val:1.5')
  bad('i64 + 1 == 4.5', 'cannot cast value to Int64, value: float_val:4.5')
  bad('~i64 == 4', 'failed to create query plan')
  bad('i64 + 1', 'predicate is not a boolean expression: i64 + 1, data type: Int64')
  bad('i64 + 1 in [2]', "'term' can only be used on single field")
})

t.test('column against column', async t => {
  same(t, 'i8 == i16', [2, 3])
  same(t, 'i32 < i64', [2, 3, 4])
  same(t, 'i16 >= i8', [1, 2, 3, 4])
  same(t, 'd == f', [2, 3])
  same(t, 's != s', [])
  same(t, 'not (i8 == i16)', [1, 4])
  const bad = (text: string, why: string) => t.match(refusal(schema, text), why, text)
  bad('j["a"] == i64', 'two column comparison with JSON type is not supported')
  bad('i64 == j', 'two column comparison with JSON type is not supported')
  bad('s == i64', 'comparisons between VarChar and Int64 are not supported')
  bad('tags[0] == i64', 'only comparison between two fields is supported')
  bad('i8 + 1 == i64', 'only comparison between two fields is supported')
})

t.test('constants fold', async t => {
  const every = [1, 2, 3, 4]
  same(t, 'true', every)
  same(t, 'FALSE', [])
  same(t, 'true or (i8 > 3)', every)
  same(t, '(i8 > 3) or True', every)
  same(t, 'true or no_such_field > 3', every)
  same(t, 'no_such_field > 3 and not (no_such_field > 3 or true)', [])
  same(t, 'no_such_field > 3 or (i8 > 3 or not (false and no_such_field == 1))', every)
  same(t, 'false or i8 == 5', [3])
  same(t, 'false and i8 == 5', [])
  same(t, 'true and i8 == 5', [3])
  same(t, 'not true', [])
  same(t, '1 < 2', every)
  same(t, '"a" > "b" or i8 == 5', [3])
  same(t, '1 + 1 == 2', every)
  same(t, 'i8 == 2 + 3', [3])
  for (const text of [
    '7 - 2',
    '10 / 2',
    '-11 % 6 + 10',
    '13 & 7',
    '4 | 1',
    '6 ^ 3',
    '5 ** 1',
    '~-6',
    '-(-5)',
    '+5',
  ]) {
    same(t, `i8 == (${text})`, [3])
  }
  same(t, 'd == 0.5 + 1', [2])
  same(t, 'd == 3 / 2.0', [2])
  same(t, 'd == 4 ** 0.5', [3])
  same(t, 'd == 4 ** -1 + 1.25', [2])
  same(t, 'd == 1.0 * 2 - 0.5', [2])
  t.match(refusal(schema, 'i64 == 9223372036854775807 + 1'), 'out of the int64 range')
  t.match(refusal(schema, 'd == 10 ** 400'), 'out of the range of a double')
  t.match(refusal(schema, 'd == 1.5 % 2'), 'modulo can only apply on integer types')
  t.match(refusal(schema, 'd == (1.5 & 2)'), 'bitwise operations can only apply on integer types')
  t.match(refusal(schema, 's == "a" + "b"'), "'add' cannot perform arithmetic between VarChar and VarChar")
  t.match(refusal(schema, 'i8 == 1 << 2'), 'shift is not supported')
  t.match(refusal(schema, 'i8 == -"a"'), 'negative can only apply on number')
  t.match(refusal(schema, '1 == "a"'), 'comparison operations cannot be applied to two incompatible operands')
  t.match(
    refusal(schema, 'true == 1'),
    'comparison operations cannot be applied to two incompatible operands',
  )
  t.match(
    refusal(schema, '{a} == {b}', { a: 1, b: 1 }),
    'placeholder was not supported between two constants with operator: ==',
  )
})

t.test('what is not a predicate is refused', async t => {
  const bad = (text: string, why: string) => t.match(refusal(schema, text), why, text)
  bad('"a"', 'predicate is not a boolean expression: "a", data type: VarChar')
  bad('5', 'predicate is not a boolean expression: 5, data type: Int64')
  bad('i64', 'predicate is not a boolean expression: i64, data type: Int64')
  bad('flag', 'predicate is not a boolean expression: flag, data type: Bool')
  bad('tags', 'predicate is not a boolean expression: tags, data type: Array[Int64]')
  bad('not flag', 'not op can only be applied on boolean expression')
  bad('flag and i64 > 1', "'and' can only be used between boolean expressions")
  bad('i64 > 1 or flag', "'or' can only be used between boolean expressions")
  bad('i64 in not [1, 2]', 'not can only apply on boolean')
  bad('not 5', 'not can only apply on boolean')
})

t.test('types that do not meet', async t => {
  const bad = (text: string, why: string) => t.match(refusal(schema, text), why, text)
  bad('s == 1', 'comparisons between VarChar and Int64 are not supported')
  bad('1 == s', 'comparisons between Int64 and VarChar are not supported')
  bad('i64 == "1"', 'comparisons between Int64 and VarChar are not supported')
  bad('flag == 1', 'comparisons between Bool and Int64 are not supported')
  bad('flag < true', 'invalid range operations on boolean expr')
  bad('i64 > 2.5', 'cannot cast value to Int64, value: float_val:2.5')
  bad('i8 == true', 'comparisons between Int8 and Bool are not supported')
  bad('vec == 1', 'comparisons between FloatVector and Int64 are not supported')
  bad('tags == 1', 'comparisons between Array[Int64] and Int64 are not supported')
})

t.test('bad lists', async t => {
  const bad = (text: string, why: string) => t.match(refusal(schema, text), why, text)
  bad('i64 in 1', "the right-hand side of 'in' must be a list, but got: 1")
  bad('i64 in [1, (mn), 2]', "value '(mn)' in list cannot be a non-const expression")
  bad('i64 in [1.0]', "value 'float_val:1' in list cannot be casted to Int64")
  bad('flag in [0]', "value 'int64_val:0' in list cannot be casted to Bool")
  bad('i64 in [[1]]', 'array element type must be generic value')
  bad('i64 inn [1]', 'invalid expression: i64 inn [1]')
  bad('i64 in {x}', 'is not found')
})

t.test('unknown fields are refused with the whole wrapping', async t => {
  const text = 'mn > 5'
  t.equal(
    refusal(schema, text),
    'failed to create query plan: cannot parse expression: mn > 5, error: field mn not exist: invalid parameter',
  )
  t.match(refusal(schema, text, {}, 'search'), /^failed to create query plan: /)
  t.match(
    refusal(schema, text, {}, 'delete'),
    /^failed to create delete plan: cannot parse expression: mn > 5/,
  )
})

t.test('precedence traps', async t => {
  same(t, 'not s like "a%"', [2, 3, 4])
  same(t, 'not s =~ "^a"', [2, 3, 4])
  same(t, 'not i8 is null', [1, 2, 3, 4])
  same(t, '(i32 & 1) == 1', [1, 3, 4])
  same(t, 'i8 == 0 or i8 == 5 and i32 == 3', [2, 3])
  same(t, 'i16 == -2 ** 2 - 1', [1])
  t.match(refusal(schema, 'not i8 > 5'), 'not op can only be applied on boolean expression')
  t.match(refusal(schema, 'i32 & 3 == 1'), 'failed to create query plan')
  t.match(refusal(schema, 'not i32 in [1]'), 'failed to create query plan')
})

t.test('exotic literals', async t => {
  same(t, 'i32 == 0x3', [3])
  same(t, 'i32 == 0b11', [3])
  same(t, 'i32 == 03', [3])
  same(t, 'd == 0x1.8p0', [2])
  same(t, 'd == 15e-1', [2])
  same(t, 'd == .15e1', [2])
  same(t, 'd == 2.', [3])
  same(t, 'i16 == +5', [3])
  same(t, 'i32 == 2 ** 1 + 1', [3])
  same(t, 'i16 == ~4', [1])
  t.match(refusal(schema, 'i32 == 08'), 'invalid integer literal')
  t.match(refusal(schema, 'i32 == 1abc'), 'token recognition error')
  t.match(refusal(schema, 'i32 == 1 2'), 'invalid expression: i32 == 1 2')
  t.match(refusal(schema, 'i32 =='), /line 1:6 /)
  t.match(refusal(schema, '(i32 == 1'), /line 1:9 /)
})

t.test('empty and starts_with', async t => {
  same(t, 'empty(s)', [4])
  same(t, 'not empty(s)', [1, 2, 3])
  same(t, 'starts_with(s, "ba")', [2])
  same(t, 'starts_with(s, {p})'.replace('{p}', '"it"'), [3])
  t.match(refusal(schema, 'empty(i64)'), 'failed to create query plan')
  t.match(refusal(schema, 'no_such_function(i64)'), 'failed to create query plan')
})

t.test('functions that this engine does not have say so', async t => {
  t.match(refusal(schema, 'text_match(s, "a")'), 'field "s" does not enable match')
  t.match(refusal(schema, 'phrase_match(s, "a", 2)'), 'field "s" does not enable match')
  t.match(refusal(schema, 'TEXT_MATCH(s, "a", minimum_should_match=2)'), 'field "s" does not enable match')
  t.match(refusal(schema, 'text_match(i64, "a")'), 'text match operation on non-string is unsupported')
  t.match(refusal(schema, "st_within(j, 'POINT (1 1)')"), 'st_within can only be applied on a geometry field')
  t.match(refusal(schema, 'element_filter(j, $[a] > 1)'), 'can only be applied on a struct array field')
  t.match(
    refusal(schema, 'MATCH_LEAST(j, $[a] > 1, threshold=2)'),
    'can only be applied on a struct array field',
  )
})

t.test('names in other scripts, and fields called like soft keywords', async t => {
  const odd = schemaOf([
    { name: 'iso', dataType: DataType.Int64 },
    { name: 'interval', dataType: DataType.Int64 },
  ])
  const rows = tableOf(odd, [{ iso: 1, interval: 2 }])
  t.same(matches(rows, 'iso == 1 and interval == 2'), [1])
  t.match(refusal(odd, '价格 > 1'), 'field 价格 not exist')
})
