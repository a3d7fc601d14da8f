/** The door of the room: templates, plans, caches, primary keys, sampling. */
import t from 'tap'
import { countBits } from '../../../lib/base/bitset.js'
import { compileFilter } from '../../../lib/filter/compile.js'
import { evaluateFilter } from '../../../lib/filter/evaluate.js'
import { Double } from '../../../lib/filter/fold.js'
import { sampleBits } from '../../../lib/filter/sample.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { buildSchema } from '../../../lib/schema/validate-schema.js'
import { rng } from '../../support/rng.js'
import { matches, refusal, schemaOf, tableOf } from './fixture.js'

const schema = schemaOf([
  { name: 'a', dataType: DataType.Int64, nullable: true },
  { name: 's', dataType: DataType.VarChar, maxLength: 20 },
  { name: 'j', dataType: DataType.JSON },
  { name: 'f', dataType: DataType.Float },
])
const table = tableOf(schema, [
  { a: 1, s: 'one', j: { l: [1, 2] }, f: 0.1 },
  { a: 2, s: 'o\'ne" or true', j: { l: [] }, f: 2 },
  { a: null, s: '', j: {}, f: 3 },
])

t.test('templates: scalars and lists, everywhere a literal may stand', async t => {
  const of = (text: string, values: Record<string, unknown>) => matches(table, text, values)
  t.same(of('a == {x}', { x: 1 }), [1])
  t.same(of('a == {x}', { x: 2n }), [2])
  t.same(of('{x} < a', { x: 1 }), [2])
  t.same(of('a in {list}', { list: [2, 3] }), [2])
  t.same(of('a in {list}', { list: [] }), [])
  t.same(of('a in [1, {x}]', { x: 2 }), [1, 2])
  t.same(of('s == {x}', { x: 'o\'ne" or true' }), [2], 'a value is never read as text of the language')
  t.same(of('s like {p}', { p: 'o%' }), [1, 2])
  t.same(of('s =~ {p}', { p: '^one$' }), [1])
  t.same(of('json_contains_any(j["l"], {list})', { list: [2, 'x'] }), [1])
  t.same(of('json_contains(j["l"], {x})', { x: 1 }), [1])
  t.same(of('f == {x}', { x: 0.1 }), [1])
  t.same(of('f in {x}', { x: [2, 0.1] }), [1, 2])
  t.same(of('f in {x} or f == {y}', { x: [new Double(2)], y: new Double(3) }), [2, 3])
  t.same(of('j["l"] == {x} and j["l"][0] == {y}', { x: [new Double(1), 2], y: new Double(1) }), [1])
  t.same(of('{lo} < a <= {hi}', { lo: 0, hi: 1 }), [1])
  t.same(of('a + {x} == 3', { x: 1 }), [2])
  t.same(of('a == 1', { ignored: [[{}]] }), [1])
  t.same(of('a == {x} or {yes}', { x: 1, yes: true }), [1, 2, 3])
})

t.test('templates get the errors literals get', async t => {
  const bad = (text: string, values: Record<string, unknown>, why: string) =>
    t.match(refusal(schema, text, values), why, text)
  bad('a == {x}', {}, 'the value of expression template variable name {x} is not found')
  bad('a == {toString}', {}, 'the value of expression template variable name {toString} is not found')
  bad('a == {x}', { x: 1.5 }, 'cannot cast value to Int64, value: float_val:1.5')
  bad('a == {x}', { x: new Double(2) }, 'cannot cast value to Int64, value: float_val:2')
  bad('a in {x}', { x: [1, new Double(2)] }, "value 'float_val:2' in list cannot be casted to Int64")
  bad('a + {x} == 2', { x: new Double(1) }, 'cannot cast value to Int64')
  bad('a == {x}', { x: new Double(Number.NaN) }, 'unsupported type')
  bad('a == {x}', { x: 'a' }, 'comparisons between Int64 and VarChar are not supported')
  bad('a in {x}', { x: 1 }, "the right-hand side of 'in' must be a list, but got: {x}")
  bad('a in {x}', { x: ['b'] }, 'in list cannot be casted to Int64')
  bad('s like {x}', { x: 1 }, 'failed to create query plan')
  bad('s =~ {x}', { x: 1 }, 'string literal or template variable')
  bad('a == {x}', { x: 2n ** 64n }, 'out of the int64 range')
  bad('a == {x}', { x: {} }, 'unsupported type')
  bad('a == {x}', { x: Number.NaN }, 'unsupported type')
})

t.test('a plan tells its kind and the fields it reads', async t => {
  t.equal(compileFilter(schema, '').kind, 'all')
  t.equal(compileFilter(schema, ' \n').kind, 'all')
  t.equal(compileFilter(schema, 'true or a > 1').kind, 'all')
  t.equal(compileFilter(schema, 'a in []').kind, 'none')
  t.equal(compileFilter(schema, 's is not null').kind, 'all')
  t.same(compileFilter(schema, 'true or a > 1').fields, [])
  t.same(compileFilter(schema, 's == "x" or a > 1').fields, [1, 2])
  t.same(compileFilter(schema, 'a < f').fields, [1, 4])
  t.same(compileFilter(schema, 'exists j["k"] and a is null').fields, [1, 3])
})

t.test('keys are recognised when the whole predicate is about them', async t => {
  const keys = (text: string, values?: Record<string, unknown>) => compileFilter(schema, text, values).pkIn
  t.same(keys('id == 5'), [5])
  t.same(keys('5 == id'), [5])
  t.same(keys('(id in [5, 6, 5])'), [5, 6])
  t.same(keys('id in {ids}', { ids: [1, 2n] }), [1, 2])
  t.same(keys('id in [9223372036854775807, 9007199254740991]'), [9223372036854775807n, 9007199254740991])
  t.same(keys('id == 1 or id == 2'), [1, 2])
  t.same(keys('id in []'), [])
  t.equal(keys('id > 5'), null)
  t.equal(keys('id not in [5]'), null)
  t.equal(keys('id != 5'), null)
  t.equal(keys('id in [5] and a > 1'), null)
  t.equal(keys('id == 5 or a > 1'), null)
  t.equal(keys('a == 5'), null)
  t.equal(keys('a in []'), null)
  t.equal(keys('id == 5 and random_sample(0.5)'), null)
  const named = buildSchema({
    name: 't',
    fields: [
      { name: 'k', dataType: DataType.VarChar, maxLength: 10, primaryKey: true },
      { name: 'v', dataType: DataType.FloatVector, dim: 2 },
    ],
  })
  t.same(compileFilter(named, 'k == "é"').pkIn, ['é'])
  t.same(compileFilter(named, "k in ['a', 'b', 'a', '']").pkIn, ['a', 'b', ''])
  t.match(refusal(schema, 'id in ["5"]'), 'cannot be casted to Int64')
})

t.test('plans without templates are remembered, per schema', async t => {
  t.equal(compileFilter(schema, 'a > 1'), compileFilter(schema, 'a > 1'))
  t.equal(compileFilter(schema, 'a > 1', { x: 1 }), compileFilter(schema, 'a > 1'))
  t.not(compileFilter({ ...schema }, 'a > 1'), compileFilter(schema, 'a > 1'))
  t.not(compileFilter(schema, 'a > {x}', { x: 1 }), compileFilter(schema, 'a > {x}', { x: 1 }))
  const first = compileFilter(schema, 'a > 7')
  for (let i = 0; i < 300; i++) compileFilter(schema, `a > 7${i}`)
  t.not(compileFilter(schema, 'a > 7'), first, 'the cache is bounded')
})

t.test('cache keys differ whenever results may', async t => {
  const key = (text: string, values?: Record<string, unknown>) => compileFilter(schema, text, values).cacheKey
  t.equal(key('a > 1'), key('a > 1'))
  t.not(key('a > 1'), key('a > 2'))
  t.equal(key('a > {x}', { x: 1 }), key('a > {x}', { x: 1n, y: 2 }))
  t.not(key('a > {x}', { x: 1 }), key('a > {x}', { x: 2 }))
  t.not(key('s == {x} or s == {y}', { x: 'a', y: 'b' }), key('s == {x} or s == {y}', { x: 'a"', y: '"b' }))
  t.equal(key('random_sample(0.5)'), null)
  const naive = "t > ISO '2024-01-01 00:00:00'"
  const moments = schemaOf([{ name: 't', dataType: DataType.Timestamptz }])
  t.not(
    compileFilter(moments, naive, {}, 'query', 'Asia/Shanghai').cacheKey,
    compileFilter(moments, naive, {}, 'query').cacheKey,
  )
})

t.test('random_sample stands alone or last, and is handed to the caller', async t => {
  t.match(compileFilter(schema, 'random_sample(0.25)'), { kind: 'all', sample: 0.25 })
  t.match(compileFilter(schema, 'a > 1 and RANDOM_SAMPLE(0.25)'), { kind: 'expression', sample: 0.25 })
  t.match(compileFilter(schema, '(a > 1 or f < 2) && random_sample({p})', { p: 0.5 }), { sample: 0.5 })
  // As the second page of pymilvus's query iterator asks.
  t.match(compileFilter(schema, 'a > 5 and (f < 2 and random_sample(0.25))'), { sample: 0.25 })
  t.equal(compileFilter(schema, 'a > 1').sample, null)
  const place = 'random sample expression can only be the last expression in the logical and expression'
  for (const text of [
    'random_sample(0.5) and a > 1',
    'a > 1 or random_sample(0.5)',
    'not random_sample(0.5)',
  ]) {
    t.match(refusal(schema, text), place, text)
  }
  const factor = 'the sample factor should be between 0 and 1 and not too close to 0 or 1'
  for (const p of ['0', '1', '0.0', '1.5', '-0.5', '"a"'])
    t.match(refusal(schema, `random_sample(${p})`), factor, p)
})

t.test('sampling keeps about its share, and only of the rows it was given', async t => {
  const bits = new Uint32Array(1000).fill(0xffff0000)
  const before = bits.slice()
  sampleBits(bits, 0, 32_000, 0.25, rng(7).next)
  const kept = countBits(bits)
  t.ok(kept > 3600 && kept < 4400, `${kept} of 16000`)
  t.ok(bits.every((word, i) => (word & ~before[i]!) === 0))
})

t.test('a range of rows touches its own words only, and clears the tail', async t => {
  const rows = Array.from({ length: 9000 }, (_, i) => ({ a: i, s: '', j: {}, f: 0 }))
  const many = tableOf(schema, rows)
  const plan = compileFilter(schema, 'a % 2 == 0')
  const bits = new Uint32Array(300).fill(0xffffffff)
  evaluateFilter(plan, many.source, 64, 8999, bits)
  t.equal(bits[1], 0xffffffff)
  t.equal(bits[2], 0x55555555)
  t.equal(bits[280], 0x55555555)
  t.equal(bits[281], 0x55555555 & 0x7f)
  t.equal(bits[282], 0xffffffff)
  evaluateFilter(compileFilter(schema, ''), many.source, 0, 40, bits)
  t.same([...bits.subarray(0, 3)], [0xffffffff, 0xff, 0x55555555])
  evaluateFilter(compileFilter(schema, 'false'), many.source, 0, 40, bits)
  t.same([...bits.subarray(0, 2)], [0, 0])
})
