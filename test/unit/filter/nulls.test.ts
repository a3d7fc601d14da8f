/** Nulls and three-valued logic: query-search-semantics §8.2, line by line. */
import t from 'tap'
import { compileFilter } from '../../../lib/filter/compile.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { matches, refusal, schemaOf, tableOf } from './fixture.js'

const schema = schemaOf(
  [
    { name: 'a', dataType: DataType.Int64, nullable: true },
    { name: 'b', dataType: DataType.Int64, nullable: true },
    { name: 's', dataType: DataType.VarChar, maxLength: 20, nullable: true },
    { name: 'f', dataType: DataType.Float, nullable: true },
    { name: 'tags', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 4, nullable: true },
    { name: 'j', dataType: DataType.JSON, nullable: true },
    { name: 'n', dataType: DataType.Int64 },
    { name: 'def', dataType: DataType.Int64, nullable: true, defaultValue: 9 },
  ],
  true,
)
const table = tableOf(schema, [
  { a: 1, b: 1, s: 'x', f: 1, tags: [1], j: { k: 1 }, n: 0 },
  { n: 0 },
  { a: 2, b: null, s: 'y', f: 2, tags: [], j: {}, n: 0, def: null, extra: 5 },
])
const same = (t: { same(a: unknown, b: unknown, c: string): unknown }, text: string, rows: number[]) =>
  t.same(matches(table, text), rows, text.slice(0, 80))

t.test('null rows are in no comparison, positive or negative', async t => {
  same(t, 'a == 1', [1])
  same(t, 'a != 1', [3])
  same(t, 'not (a == 1)', [3])
  same(t, 'not (a != 1)', [1])
  same(t, 'a == 1 or a != 1', [1, 3])
  same(t, 'a in [1]', [1])
  same(t, 'a not in [1]', [3])
  same(t, 'not (a in [1])', [3])
  same(t, '0 < a < 2', [1])
  same(t, 'not (0 < a < 2)', [3])
  same(t, 's like "x%"', [1])
  same(t, 'not s like "x%"', [3])
  same(t, 's !~ "x"', [3])
  same(t, 'a + 1 == 2', [1])
  same(t, 'not (a + 1 == 2)', [3])
  same(t, 'f < 100 or f >= 100', [1, 3])
  same(t, 'a == b', [1])
  same(t, 'a != b', [])
  same(t, 'array_contains(tags, 1)', [1])
  same(t, 'not array_contains(tags, 1)', [3])
  same(t, 'array_length(tags) >= 0', [1, 3])
  same(t, 'tags == [1] or tags != [1]', [1, 3])
  same(t, 'a < 1000000000000', [1, 3])
  same(t, 'a in [] or a not in []', [1, 2, 3])
})

t.test('is null and is not null, lower and UPPER', async t => {
  for (const field of ['a', 's', 'f', 'tags', 'j']) {
    same(t, `${field} is null`, [2])
    same(t, `${field} IS NULL`, [2])
    same(t, `${field} is not null`, [1, 3])
    same(t, `${field} IS NOT NULL`, [1, 3])
    same(t, `not ${field} is null`, [1, 3])
  }
  same(t, 'n is null', [])
  same(t, 'n is not null', [1, 2, 3])
  t.match(refusal(schema, 'a Is Null'), 'invalid expression')
})

t.test('Kleene: F and U is F, T or U is T, not U is U', async t => {
  same(t, 'not (n == 1 and n == 0 and a == 1)', [1, 2, 3])
  same(t, 'n == 1 and a == 1', [])
  same(t, 'n == 0 or a == 1', [1, 2, 3])
  same(t, 'not (n == 1 or a == 1)', [3])
  const allNull = tableOf(schema, [{ n: 0 }, { n: 1 }])
  t.same(matches(allNull, 'not (n == 0 and n == 1 and a == 1)'), [1, 2])
  t.same(matches(allNull, 'not (a == 1)'), [])
  t.same(matches(allNull, 'a == 1 or n == 1'), [2])
  t.same(matches(allNull, 'a is null and j is null'), [1, 2])
})

t.test('De Morgan and double negation agree', async t => {
  const p = '(a == 1)'
  const q = '(b > 0)'
  const pairs = [
    [`not (${p} and ${q})`, `not ${p} or not ${q}`],
    [`not (${p} or ${q})`, `not ${p} and not ${q}`],
    [`not not ${p}`, p],
    [`not (not ${p} or ${q})`, `${p} and not ${q}`],
  ] as const
  for (const [left, right] of pairs) t.same(matches(table, left), matches(table, right), left)
})

t.test('null tests that make no sense are refused', async t => {
  t.match(refusal(schema, 'vec is null'), 'IsNull/IsNotNull operations are not supported on vector fields')
  t.match(refusal(schema, 'tags[0] is null'), 'not supported on array element access')
  const fixed = schemaOf([{ name: 'a', dataType: DataType.Int64 }])
  t.match(refusal(fixed, 'zzz is null'), 'field zzz not exist')
})

t.test('an unknown name is a missing dynamic key', async t => {
  same(t, 'zzz is null', [1, 2, 3])
  same(t, 'extra is null', [1, 2])
  same(t, 'extra is not null', [3])
  same(t, 'extra != 7', [3])
})

t.test('a NULL literal is refused, unless a field is called so', async t => {
  t.match(refusal(schema, 'a == null'), 'NULL literal is not supported in expressions')
  t.match(refusal(schema, 'a == NULL'), 'NULL literal is not supported in expressions')
})

t.test('a defaulted field holds no nulls', async t => {
  same(t, 'def is null', [])
  same(t, 'def == 9', [1, 2, 3])
})

t.test('contradictions and tautologies keep UNKNOWN under an outer not', async t => {
  same(t, 'not (a == 1 and a == 2)', [1, 3])
  same(t, 'not (a > 5 and a < 3)', [1, 3])
  same(t, 'a > 5 and a < 3', [])
  same(t, 'not (a >= 0 or a < 0)', [])
  same(t, 'a >= -9223372036854775808', [1, 3])
  same(t, 'not (a > 9223372036854775807)', [1, 3])
  t.equal(compileFilter(schema, 'n >= -9223372036854775808').kind, 'all')
  t.equal(compileFilter(schema, 'a >= -9223372036854775808').kind, 'expression')
})
