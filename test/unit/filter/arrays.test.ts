/** Filters on Array columns: query-search-semantics §8.4 and §1.12, line by line. */
import t from 'tap'
import { DataType } from '../../../lib/schema/data-type.js'
import { matches, refusal, schemaOf, tableOf } from './fixture.js'

const INT64_MAX = 2n ** 63n - 1n

const CASES = [
  { type: DataType.Bool, rows: [[true, false], [true], []], first: 'true', absent: null, second: 'false' },
  { type: DataType.Int8, rows: [[1, -128], [1], []], first: '1', absent: '300', second: '-128' },
  { type: DataType.Int16, rows: [[1, -32768], [1], []], first: '1', absent: '40000', second: '-32768' },
  { type: DataType.Int32, rows: [[1, -2147483648], [1], []], first: '1', absent: '7', second: '-2147483648' },
  {
    type: DataType.Int64,
    rows: [[1, INT64_MAX], [1], []],
    first: '1',
    absent: '9223372036854775806',
    second: '9223372036854775807',
  },
  { type: DataType.Float, rows: [[1, 0.1], [1], []], first: '1', absent: '7.5', second: '0.1' },
  { type: DataType.Double, rows: [[1, 0.1], [1], []], first: '1.0', absent: '7', second: '0.1' },
  {
    type: DataType.VarChar,
    rows: [['a', '中文'], ['a'], []],
    first: '"a"',
    absent: '"zz"',
    second: '"中文"',
  },
] as const

for (const { type, rows, first, absent, second } of CASES) {
  const schema = schemaOf([
    {
      name: 'arr',
      dataType: DataType.Array,
      elementType: type,
      maxCapacity: 5,
      maxLength: 20,
      nullable: true,
    },
  ])
  const table = tableOf(schema, [...rows.map(arr => ({ arr })), { arr: null }])
  const of = (text: string) => matches(table, text)

  t.test(`arrays of type ${type}: contains, index, length, equality`, async t => {
    t.same(of(`array_contains(arr, ${first})`), [1, 2])
    t.same(of(`ARRAY_CONTAINS(arr, ${second})`), [1])
    t.same(of(`not array_contains(arr, ${second})`), [2, 3])
    t.same(of(`array_contains_all(arr, [${first}, ${second}])`), [1])
    t.same(of(`array_contains_any(arr, [${second}])`), [1])
    t.same(of(`json_contains_any(arr, [${first}, ${second}])`), [1, 2])
    t.same(of('array_contains_all(arr, [])'), [1, 2, 3, 4])
    t.same(of('array_contains_any(arr, [])'), [])
    t.same(of('array_length(arr) == 2'), [1])
    t.same(of('array_length(arr) < 2'), [2, 3])
    t.same(of('1 <= array_length(arr) <= 2'), [1, 2])
    t.same(of(`arr[0] == ${first}`), [1, 2])
    t.same(of(`arr[1] == ${second}`), [1])
    t.same(of(`arr[1] != ${first}`), [1], 'an index beyond the end is UNKNOWN')
    t.same(of(`arr[1] in [${second}]`), [1])
    t.same(of(`arr[1] not in [${first}]`), [1])
    t.same(of(`arr == [${first}, ${second}]`), [1])
    t.same(of(`arr != [${first}, ${second}]`), [2, 3])
    t.same(of('arr == []'), [3])
    t.same(of(`arr == [${second}, ${first}]`), [])
    if (absent !== null) {
      t.same(of(`array_contains(arr, ${absent})`), [])
      t.same(of(`array_contains_any(arr, [${absent}, ${second}])`), [1])
      t.same(of(`array_contains_all(arr, [${absent}, ${second}])`), [])
      t.same(of(`arr[0] == ${absent}`), [])
    }
  })
}

const mixed = schemaOf([
  { name: 'f', dataType: DataType.Array, elementType: DataType.Float, maxCapacity: 5 },
  { name: 'i', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 5 },
  { name: 's', dataType: DataType.Array, elementType: DataType.VarChar, maxCapacity: 5, maxLength: 10 },
  { name: 'n', dataType: DataType.Int64 },
])

t.test('float arrays take int and float targets, rounded to float32', async t => {
  const table = tableOf(mixed, [{ f: [1, 0.1, 16777217], i: [], s: [], n: 0 }])
  t.same(matches(table, 'array_contains_all(f, [1, 0.1])'), [1])
  t.same(matches(table, 'array_contains(f, 16777216)'), [1])
  t.same(matches(table, 'f == [1, 0.1, 16777217]'), [1])
  t.same(matches(table, 'f[1] >= 0.1'), [1])
})

t.test('texts in arrays take like and regex', async t => {
  const table = tableOf(mixed, [
    { f: [], i: [3, 4], s: ['abc', ''], n: 0 },
    { f: [], i: [], s: ['xyz'], n: 0 },
  ])
  t.same(matches(table, 's[0] like "a%"'), [1])
  t.same(matches(table, 's[1] =~ "^$"'), [1])
  t.same(matches(table, 's[0] > "b"'), [2])
  t.same(matches(table, 'i[1] % 2 == 0'), [1])
  t.same(matches(table, 'i[0] + 1 == 4'), [1])
})

t.test('what arrays do not do', async t => {
  const bad = (text: string, why: string) => t.match(refusal(mixed, text), why, text)
  bad('i > [1]', 'can not comparisons array fields directly')
  bad('i == ["a"]', 'cannot cast value to Int64')
  bad(
    'array_contains(i, "a")',
    "contains operation can't compare between array element type: Int64 and VarChar",
  )
  bad(
    'array_contains(i, [1])',
    "contains operation can't compare between array element type: Int64 and Array",
  )
  bad('array_contains_all(i, 1)', 'ContainsAll operation element must be an array')
  bad('array_contains_any(i, 1)', 'ContainsAny operation element must be an array')
  bad('array_contains(n, 1)', 'contains operation are only supported on json or array fields now')
  bad('array_length(n) == 1', 'only supported on json or array fields now')
  bad('array_length(i)', 'predicate is not a boolean expression')
  bad('array_length(i) == "a"', 'failed to create query plan')
  bad('i[0] == "a"', 'comparisons between Int64 and VarChar are not supported')
  bad('i[0] == 1.5', 'cannot cast value to Int64, value: float_val:1.5')
  bad('i[-1] == 1', 'failed to create query plan')
})
