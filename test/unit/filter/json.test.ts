/** Filters on JSON fields and dynamic keys: query-search-semantics §8.3 and §1.20, line by line. */
import t from 'tap'
import { compileFilter } from '../../../lib/filter/compile.js'
import { evaluateRow } from '../../../lib/filter/evaluate.js'
import type { VarColumn } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { matches, refusal, schemaOf, tableOf } from './fixture.js'

const INT64_MAX = 2n ** 63n - 1n
const schema = schemaOf(
  [
    { name: 'j', dataType: DataType.JSON, nullable: true },
    { name: 'color', dataType: DataType.VarChar, maxLength: 20 },
    { name: 'arr', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 3 },
  ],
  true,
)
const base = { color: 'static', arr: [] }
const table = tableOf(schema, [
  {
    ...base,
    j: { n: 1, s: 'x1', b: true, a: { b: 10 }, list: [1, 'two', 3.5, true, [1, 2]] },
    price: 5,
    $meta: { color: 'dyn' },
  },
  { ...base, j: { n: 1.5, s: 'y', b: false, a: { b: '10' }, list: [] }, price: '5' },
  { ...base, j: { n: '1', s: 5, b: 1, a: [7, 8], list: { 0: 'zero' } }, price: null },
  { ...base, j: { n: null, s: null, e: {}, ee: { x: [{}, []] }, list: 'x' } },
  { ...base, j: null },
])
const same = (t: { same(a: unknown, b: unknown, c: string): unknown }, text: string, rows: number[]) =>
  t.same(matches(table, text), rows, text.slice(0, 80))

t.test('paths, indexes, dynamic keys', async t => {
  same(t, 'j["n"] == 1', [1])
  same(t, 'j["n"] == 1.0', [1])
  same(t, 'j["n"] > 1', [2])
  same(t, "j['a']['b'] == 10", [1])
  same(t, 'j["a"][1] == 8', [3])
  same(t, 'j["list"][0] == 1', [1])
  same(t, 'j["list"]["0"] == "zero"', [3])
  same(t, 'j["list"][0] == "zero"', [3])
  same(t, 'j["s"] == "y"', [2])
  same(t, 'j["b"] == true', [1])
  same(t, 'j["b"] != true', [2])
  same(t, 'price == 5', [1])
  same(t, 'price == "5"', [2])
  same(t, '$meta["price"] > 1', [1])
  same(t, '"a" < j["s"] < "xz"', [1])
  same(t, '0.5 < j["n"] < 1.2', [1])
})

t.test('a missing path, JSON null and another type are UNKNOWN, both ways', async t => {
  same(t, 'j["n"] != 7', [1, 2])
  same(t, 'not (j["n"] == 7)', [1, 2])
  same(t, 'j["n"] not in [7]', [1, 2])
  same(t, 'j["n"] not in [7, "a"]', [1, 2, 3])
  same(t, 'j["zzz"] != 7', [])
  same(t, 'not (j["zzz"] == 7)', [])
  same(t, 'j["s"] !~ "q"', [1, 2])
  same(t, 'not j["s"] like "q%"', [1, 2])
  same(t, 'j["b"] != 5', [3])
})

t.test('numbers match by value; large integers are exact, also in mixed lists', async t => {
  const big = tableOf(schema, [
    { ...base, j: { v: INT64_MAX } },
    { ...base, j: { v: INT64_MAX - 7n } },
    { ...base, j: { v: 9007199254740993n } },
    { ...base, j: { v: -(2n ** 63n) } },
    { ...base, j: { v: 1e300 } },
    { ...base, j: { v: 2 ** 53 } },
  ])
  const of = (text: string, rows: number[]) => t.same(matches(big, text), rows, text)
  of('j["v"] == 9223372036854775807', [1])
  of('j["v"] in [9223372036854775807, 1.5]', [1])
  of('j["v"] in [9007199254740993, 0.5]', [3])
  of('j["v"] == 9007199254740992', [6])
  of('j["v"] < -9223372036854775807', [4])
  of('j["v"] > 9223372036854775806', [1, 5])
  of('j["v"] in [9223372036854775807.0]', [1, 2])
  of('j["v"] == 9223372036854775807.0', [1, 2])
  of('j["v"] >= 9007199254740992.0', [1, 2, 3, 5, 6])
})

t.test('json_contains and its kin', async t => {
  same(t, 'json_contains(j["list"], 1)', [1])
  same(t, 'JSON_CONTAINS(j["list"], "two")', [1])
  same(t, 'json_contains(j["list"], 3.5)', [1])
  same(t, 'json_contains(j["list"], true)', [1])
  same(t, 'json_contains(j["list"], [1, 2])', [1])
  same(t, 'json_contains(j["list"], [2, 1])', [])
  same(t, 'not json_contains(j["list"], 99)', [1, 2])
  same(t, 'json_contains_all(j["list"], [1, "two"])', [1])
  same(t, 'json_contains_all(j["list"], [1, 1.0, 9])', [])
  same(t, 'json_contains_any(j["list"], [9, "two"])', [1])
  same(t, 'JSON_CONTAINS_ANY(j["list"], [[1, 2.0], 9])', [1])
  same(t, 'array_contains(j["list"], 1)', [1])
  same(t, 'json_contains_all(j["list"], [])', [1, 2, 3, 4, 5])
  same(t, 'json_contains_any(j["list"], [])', [])
  same(t, 'not json_contains_any(j["list"], [])', [1, 2, 3, 4, 5])
  same(t, 'json_contains_any(j["list"], {list})'.replace('{list}', '[1]'), [1])
  t.match(
    refusal(schema, 'json_contains_all(j["list"], 1)'),
    'ContainsAll operation element must be an array',
  )
  t.match(
    refusal(schema, 'json_contains_any(j["list"], 1)'),
    'ContainsAny operation element must be an array',
  )
  t.match(
    refusal(schema, 'json_contains(color, 1)'),
    'contains operation are only supported on json or array fields now',
  )
  const roots = tableOf(schema, [
    { ...base, j: [1, 2] },
    { ...base, j: 5 },
    { ...base, j: 'text' },
  ])
  t.same(matches(roots, 'json_contains(j, 2)'), [1])
  t.same(matches(roots, 'j > 0'), [2])
  t.same(matches(roots, 'j == "text"'), [3])
  t.same(matches(roots, 'j[1] == 2'), [1])
  t.same(matches(roots, 'array_length(j) == 2'), [1])
})

t.test('a declared field hides a dynamic key, $meta reaches it', async t => {
  same(t, 'color == "dyn"', [])
  same(t, 'color == "static"', [1, 2, 3, 4, 5])
  same(t, '$meta["color"] == "dyn"', [1])
})

t.test('exists and is null mirror each other', async t => {
  same(t, 'exists j["n"]', [1, 2, 3])
  same(t, 'not exists j["n"]', [4, 5])
  same(t, 'j["n"] is null', [4, 5])
  same(t, 'j["n"] is not null', [1, 2, 3])
  same(t, 'exists j["e"]', [])
  same(t, 'exists j["ee"]', [])
  same(t, 'exists j["list"]', [1, 3, 4])
  same(t, 'exists price', [1, 2])
  same(t, 'EXISTS $meta["color"]', [1])
  same(t, 'price is null', [3, 4, 5])
  t.match(refusal(schema, 'exists color'), 'exists operations are only supportted on json field, got:VarChar')
  t.match(refusal(schema, 'exists j'), 'exists operations are only supportted on json key')
})

t.test('arithmetic, like, regex and length on paths', async t => {
  same(t, 'j["n"] + 1 > 1.5', [1, 2])
  same(t, 'j["n"] % 2 == 1', [1])
  same(t, 'j["n"] * 2 == 3', [2])
  same(t, 'j["zzz"] + 1 > 0', [])
  same(t, 'j["s"] like "x%"', [1])
  same(t, 'j["s"] =~ "[xy]"', [1, 2])
  same(t, 'array_length(j["list"]) == 5', [1])
  same(t, 'ARRAY_LENGTH(j["list"]) < 5', [2])
  same(t, '0 <= array_length(j["a"]) <= 2', [3])
})

t.test('lists compare as wholes', async t => {
  same(t, 'j["a"] == [7, 8]', [3])
  same(t, 'j["a"] != [7, 9]', [3])
  same(t, 'j["a"] == [7]', [])
  t.match(refusal(schema, 'j["a"] > [7]'), 'can not comparisons array fields directly')
  t.match(refusal(schema, 'j["a"] < true'), 'invalid range operations on boolean expr')
})

t.test('bad paths are refused', async t => {
  t.match(refusal(schema, 'j[n] == 1'), 'json key must be enclosed in double quotes or single quotes')
  t.match(refusal(schema, 'j[1.5] == 1'), 'failed to create query plan')
  t.match(refusal(schema, 'j["a" == 1'), 'failed to create query plan')
  t.match(refusal(schema, 'color["a"] == "b"'), 'VarChar data type not supported accessed with []')
  t.match(refusal(schema, 'arr["a"] == 1'), 'can only access array field with integer index')
  t.match(refusal(schema, 'arr[0][1] == 1'), 'can only access array field with integer index')
  const fixed = schemaOf([{ name: 'j', dataType: DataType.JSON }])
  t.match(refusal(fixed, '$meta["a"] == 1'), 'field $meta not exist')
  t.match(refusal(fixed, 'x["a"] == 1'), 'field x not exist')
})

t.test('keys of every kind: slashes, dots, quotes, unicode, escapes in the stored text', async t => {
  const odd = tableOf(schema, [
    { ...base, j: { 'a/b': 1, 'a~b': 2, 'a.b': 3, 'a b': 4, ключ: 5, 'q"q': 6, 'n\nl': 7, '': 8 } },
  ])
  for (const [key, value] of [
    ['"a/b"', 1],
    ['"a~b"', 2],
    ['"a.b"', 3],
    ['"a b"', 4],
    ['"ключ"', 5],
    ["'q\"q'", 6],
    ['"n\\nl"', 7],
    ['""', 8],
  ] as const) {
    t.same(matches(odd, `j[${key}] == ${value}`), [1], key)
  }
})

/** A JSON column whose text is whatever it is. */
function rawTable(texts: readonly string[]) {
  const bytes = texts.map(text => Buffer.from(text))
  const offsets = new Uint32Array(texts.length + 1)
  for (let i = 0; i < texts.length; i++) offsets[i + 1] = offsets[i]! + bytes[i]!.length
  const column: VarColumn = { layout: 'var', offsets, heap: Buffer.concat(bytes), validity: null }
  return { schema, rowCount: texts.length, source: { column: () => column } }
}

t.test('stored text in other spellings: spaces, escapes, exponents', async t => {
  const raw = rawTable([
    ' { "k" : 1 , "l" : [ 1 , 2 ] } ',
    '{"\\u006b":"\\u00e9\\n\\ud83d\\ude00"}',
    '{"k":1e2}',
    '{"k":-0.5E-1,"l":[]}',
    '{"k":100.0}',
    '{"k":123456789012345678901234567890}',
    '{"x":"a\\"k\\":5","k":5}',
    '\n[{"k":7}]\t',
    '{"k":"\\ud800\\udc00\\udbff\\udfff\\ud800x"}',
  ])
  const of = (text: string, rows: number[]) => t.same(matches(raw, text), rows, text)
  of('j["k"] == 1', [1])
  of('j["l"][1] == 2', [1])
  of('array_length(j["l"]) == 2', [1])
  of('j["k"] == "é\\n😀"', [2])
  of('j["k"] == 100', [3, 5])
  of('j["k"] == -0.05', [4])
  of('j["k"] > 1e29', [6])
  of('j["k"] == 5', [7])
  of('j[0]["k"] == 7', [8])
  of('j["k"] == "\u{10000}\u{10ffff}\ufffdx"', [9])
  of('exists j["k"]', [1, 2, 3, 4, 5, 6, 7, 9])
})

t.test('text that is not JSON reads as missing and never throws, loops or leaves its row', async t => {
  const good = '{"k":{"a":[1,-2.5e3,"x\\n\\u00e9",true,null,{}]},"l":"z"}'
  const broken: string[] = [
    '',
    '{',
    '{"',
    '{"k',
    '{"k"',
    '{"k":',
    '{"k":}',
    '[',
    '[1',
    '{"k":"a\\',
    '{"k":tru}',
    '{"k":1',
    'null',
    '{"k":--1}',
    '{"k":1.}',
    '{"k":.5}',
    '{"k":1e}',
  ]
  for (let i = 0; i < good.length; i++) {
    broken.push(good.slice(0, i))
    for (const c of ['"', '\\', '}', ']', ',', ':', '0'])
      broken.push(good.slice(0, i) + c + good.slice(i + 1))
  }
  const raw = rawTable(broken)
  const filters = [
    'j["k"]["a"][1] == 5',
    'j["k"]["a"][2] == "q"',
    'exists j["k"]',
    'json_contains(j["k"]["a"], "x")',
    'json_contains(j["k"]["a"], [1])',
    'array_length(j["k"]["a"]) == 6',
    'j["k"] == [1]',
    'j["l"] in [1, "z"]',
    'j["k"]["a"][5] is null',
    'j["l"] =~ "^z"',
    'j["k"]["a"][1] + 1 > 3',
  ]
  for (const text of filters) {
    const found = matches(raw, text)
    t.ok(found.length < broken.length, text)
    // A row on its own answers as it does among others: nothing is read beyond its end.
    const plan = compileFilter(schema, text)
    for (let i = 0; i < broken.length; i += 7) {
      const alone = rawTable([broken[i]!])
      if (evaluateRow(plan, alone.source, 0) !== found.includes(i + 1)) t.fail(`${text} on ${broken[i]}`)
    }
  }
})
