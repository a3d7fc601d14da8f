/**
 * Packed lists give what lists of one object per value give, and lists are made ready in slices without changing the
 * plan or the words of an error.
 */
import t from 'tap'
import { MilvusError } from '../../../lib/base/errors.js'
import { Turn } from '../../../lib/base/turn.js'
import type { Literal } from '../../../lib/filter/ast.js'
import { compileFilter, type FilterPlan, planInSlices } from '../../../lib/filter/compile.js'
import { elementSetOf, packedSetOf } from '../../../lib/filter/element-set.js'
import { literalOfValue, type TemplateValues } from '../../../lib/filter/fold.js'
import { ListReader, readLiterals } from '../../../lib/filter/literal-list.js'
import { joinPacked, packLiterals, packValues } from '../../../lib/filter/packed-list.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { buildSchema } from '../../../lib/schema/validate-schema.js'
import { rng } from '../../support/rng.js'
import { matches, schemaOf, tableOf } from './fixture.js'

const EDGES = [0n, -1n, 1n, 2n ** 31n, -(2n ** 31n), 2n ** 32n, -(2n ** 32n), 2n ** 53n, 2n ** 53n + 1n]
const INTS = [
  ...EDGES,
  -(2n ** 53n),
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  -(2n ** 62n),
  10n ** 18n,
]
const TEXTS = [
  '',
  'a',
  'ab',
  'é',
  '😀',
  '中文',
  "it's",
  'say "x"',
  'back\\slash',
  'x'.repeat(40),
  'a]',
  '[',
  ',',
]

/** What a set says about every integer, double and text worth asking about. */
function answers(set: ReturnType<typeof elementSetOf>): unknown {
  const integers = INTS.map(value => set.integers?.has(Number(value >> 32n), Number(value & 0xffffffffn) | 0))
  const texts = TEXTS.map(text => {
    const bytes = Buffer.from(`-${text}`, 'utf8')
    return set.texts?.has(bytes, 1, bytes.length)
  })
  const doubles = [...set.doubles].sort()
  return { integers, texts, doubles, count: set.count, bools: set.bools, wide: set.wideFloats }
}

const general = (values: readonly unknown[]): Literal[] => values.map(value => literalOfValue(value, 'x'))

const schemas = [DataType.Int64, DataType.VarChar].map(dataType =>
  buildSchema({
    name: 't',
    fields: [
      { name: 'k', dataType, primaryKey: true, ...(dataType === DataType.VarChar ? { maxLength: 100 } : {}) },
      { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
    ],
  }),
)
/** A schema whose key is of the value's type. */
const keyed = (value: unknown) => schemas[typeof value === 'string' ? 1 : 0]!

t.test('a packed list holds the constants that the general way makes', async t => {
  const random = rng(11)
  for (let round = 0; round < 200; round++) {
    const from: readonly unknown[] = round % 2 === 0 ? [...INTS, -0, 7, 2 ** 40, -5, 2 ** 62] : TEXTS
    const values = Array.from({ length: 16 + random.int(40) }, () => from[random.int(from.length)])
    const packed = packValues(values)
    if (packed === null) throw new Error('values of one kind are packed')
    const literals = general(values)
    t.strictSame(packed.items, literals)
    for (const single of [false, true]) {
      t.strictSame(answers(packedSetOf(packed, single)), answers(elementSetOf(literals, single)))
    }
    t.strictSame(
      packed.keys,
      [...new Map(values.map(value => [String(value), value])).values()].map(
        value => compileFilter(keyed(value), 'k == {x}', { x: value }).pkIn![0]!,
      ),
    )
    const again = packLiterals(literals)!
    t.strictSame(again.items, literals)
    t.equal(again.cacheKey, packed.cacheKey)
    t.not(packValues([...values, from[0]])!.cacheKey, packed.cacheKey)
  }
})

t.test('values of several kinds, beyond 64 bits or few are not packed', async t => {
  const ints = Array.from({ length: 20 }, (_, i) => i)
  t.ok(packValues(ints))
  for (const odd of ['x', 1.5, true, null, 2n ** 63n, -(2n ** 63n) - 1n, 2 ** 63, Number.NaN, [1]])
    t.equal(packValues([...ints, odd]), null, String(odd))
  t.equal(packValues(ints.slice(0, 15)), null)
  t.equal(packValues([...ints.map(String), 1]), null)
  t.equal(joinPacked([packValues(ints)!, packValues(ints.map(String))!]), null)
  t.strictSame(
    joinPacked([packValues(ints)!, packValues([...ints, 99])!])!.items,
    general([...ints, ...ints, 99]),
  )
})

t.test('texts are read with every quote and escape, in any number of steps', async t => {
  const random = rng(5)
  const spell = (text: string): string => {
    const quote = random.int(2) === 0 ? '"' : "'"
    const body = text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)
    return `${quote}${random.int(3) === 0 ? body.replaceAll('a', '\\x61').replaceAll('é', '\\u00e9') : body}${quote}`
  }
  for (let round = 0; round < 200; round++) {
    const values = Array.from({ length: 16 + random.int(30) }, () =>
      round % 2 === 0 ? TEXTS[random.int(TEXTS.length)]! : INTS[random.int(INTS.length)]!,
    )
    const blanks = ['', ' ', '\n', ' \t']
    const spelt = values.map(value => (typeof value === 'string' ? spell(value) : String(value)))
    const text = `x in [${blanks[random.int(4)]}${spelt.join(`${blanks[random.int(4)]},${blanks[random.int(4)]}`)}]`
    const whole = readLiterals(text, 5)
    t.strictSame(whole?.list.items, general(values), text)
    t.equal(whole?.end, text.length)
    const reader = new ListReader(text, 5)
    while (!reader.read(1 + random.int(5)));
    t.strictSame(reader.result?.list.items, general(values))
  }
})

const schema = schemaOf([
  { name: 'n', dataType: DataType.Int32, nullable: true },
  { name: 'f', dataType: DataType.Float },
  { name: 's', dataType: DataType.VarChar, maxLength: 100 },
  { name: 'b', dataType: DataType.Bool },
  { name: 'j', dataType: DataType.JSON },
  { name: 'l', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 8 },
])
const table = tableOf(
  schema,
  Array.from({ length: 60 }, (_, i) => ({
    n: i % 7 === 0 ? null : i * 3,
    f: i / 2,
    s: `t${i}`,
    b: i % 2 === 0,
    j: i % 3 === 0 ? { v: i } : i % 3 === 1 ? { v: `t${i}` } : { v: i + 0.5, w: [i] },
    l: [i],
  })),
)

const COUNT = 3_000
const ints = Array.from({ length: COUNT }, (_, i) => i * 2)
const texts = Array.from({ length: COUNT }, (_, i) => `t${i * 3}`)
const [intList, textList] = [`[${ints}]`, `[${texts.map(text => `"${text}"`)}]`]
/** Filters with long lists; `right` ones and `wrong` ones. */
const CASES: readonly (readonly [filter: string, templates?: TemplateValues])[] = [
  [`id in ${intList}`],
  [`id not in ${intList}`],
  [`n in ${intList} and s in ${textList}`],
  [`n not in ${intList} and n not in [1, 3, 9]`],
  [`id in ${intList} or id == 7 or id in [11, 13]`],
  [`s in ${textList} or s == "t1" or s in ['t2']`],
  [`f in ${intList}`],
  [`j["v"] in ${intList}`],
  [`j["v"] in ${textList} or j["v"] in ${intList}`],
  [`json_contains_any(j["w"], ${intList})`],
  [`array_contains_any(l, ${intList})`],
  [`not (s == "[" or s == 'a["b]') and id in ${intList}`],
  ['id in {ids}', { ids: ints }],
  ['s in {texts} and id not in {ids}', { texts, ids: ints.map(BigInt) }],
  ['array_contains_any(l, {ids})', { ids: ints }],
  [`f in [${ints.map(i => i + 0.5)}]`],
  [`j["v"] in [${ints}, "t4", 2.5]`],
  ['j["v"] in {mixed}', { mixed: [...ints, 't4', 2.5] }],
]
const WRONG: readonly (readonly [filter: string, templates?: TemplateValues])[] = [
  [`s in ${intList}`],
  [`n in ${textList}`],
  [`b in ${intList}`],
  [`id in [${ints}, 1.5]`],
  [`id in [${ints}, "x"]`],
  [`id in [${ints}, 9223372036854775808]`],
  [`id in [${ints}, id]`],
  [`id in [${ints}`],
  [`id in ${intList} and`],
  [`s in [${texts.map(text => `"${text}"`)}, "\\q"]`],
  [`array_contains_any(l, ${textList})`],
  [`nothing in ${intList}`],
  [`vec in ${intList}`],
  [`id == ${intList}`],
  ['id in {ids}', { ids: [...ints, 2n ** 63n] }],
  ['id in {ids}', { ids: [...ints, null] }],
  ['id in {texts}', { texts }],
  ['id in {missing}', { ids: ints }],
]

/** A turn whose slice is always used up: it counts how often others get one. */
class CountingTurn extends Turn {
  given = 0
  constructor() {
    super(0)
  }
  override due(): boolean {
    return true
  }
  override next(): Promise<void> {
    this.given++
    return super.next()
  }
}

t.test('a filter made ready in slices is the same, and others get turns', async t => {
  for (const [filter, templates] of CASES) {
    const turn = new CountingTurn()
    const planned = planInSlices(schema, filter, templates, 'query', 'UTC', turn)
    t.ok(planned instanceof Promise, filter.slice(0, 40))
    const plan: FilterPlan = await planned
    const straight = compileFilter(schema, filter, templates)
    const parts = ({ kind, fields, pkIn, pkCount, sample, cacheKey }: FilterPlan) =>
      ({ kind, fields, pkIn, pkCount, sample, cacheKey }) as const
    t.strictSame(parts(plan), parts(straight))
    t.ok(turn.given >= COUNT / 1_000, `${turn.given} turns`)
  }
})

t.test('a long list picks the rows that its values pick one by one', async t => {
  for (const [filter, templates] of CASES) {
    const found = matches(table, filter, templates)
    t.ok(found.length > 0 && found.length < 60, filter.slice(0, 40))
  }
  const rows = Array.from({ length: 60 }, (_, i) => i)
  const numbers = (pick: (i: number) => boolean) => rows.filter(pick).map(i => i + 1)
  t.same(
    matches(table, `id in ${intList}`),
    numbers(i => (i + 1) % 2 === 0),
  )
  t.same(
    matches(table, `s not in ${textList}`),
    numbers(i => i % 3 !== 0),
  )
  t.same(
    matches(table, `n not in ${intList}`),
    numbers(i => i % 7 !== 0 && i % 2 === 1),
  )
  t.same(
    matches(table, `n not in ${intList} and n not in [9, 15]`),
    numbers(i => i % 7 !== 0 && i % 2 === 1 && i !== 3 && i !== 5),
  )
  t.same(
    matches(table, 'f in {ids}', { ids: ints }),
    numbers(i => i % 4 === 0),
  )
  t.same(
    matches(table, `j["v"] in ${intList}`),
    numbers(i => i % 6 === 0),
  )
  t.same(
    matches(table, 'id in {ids} or id == 7 or id in [11]', { ids: ints }),
    numbers(i => i % 2 === 1 || i === 6 || i === 10),
  )
})

t.test('what is wrong with a long list is said in the same words', async t => {
  for (const [filter, templates] of WRONG) {
    let straight = ''
    try {
      compileFilter(schema, filter, templates)
    } catch (error) {
      if (!(error instanceof MilvusError)) throw error
      straight = error.message
    }
    t.not(straight, '', filter.slice(-30))
    const turn = new CountingTurn()
    await t.rejects(async () => planInSlices(schema, filter, templates, 'query', 'UTC', turn), {
      message: straight,
    })
  }
})

t.test('short filters come at once', async t => {
  t.notOk(planInSlices(schema, 'id in [1, 2, 3]') instanceof Promise)
  t.notOk(planInSlices(schema, 'id in {x}', { x: ints.slice(0, 100) }) instanceof Promise)
  t.equal(planInSlices(schema, 'n > 3'), planInSlices(schema, 'n > 3'), 'and from the cache')
})
