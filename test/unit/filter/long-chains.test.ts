/** Filters of ten thousand terms: nothing crashes, and other work has its turns while they are made ready. */
import t from 'tap'
import { Turn } from '../../../lib/base/turn.js'
import { compileFilter, type FilterPlan, planInSlices } from '../../../lib/filter/compile.js'
import { rowsPerStep } from '../../../lib/filter/simplify.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { matches, refusal, schemaOf, tableOf } from './fixture.js'

const TERMS = 10_000
const schema = schemaOf(
  [
    { name: 'n', dataType: DataType.Int64, nullable: true },
    { name: 's', dataType: DataType.VarChar, maxLength: 20 },
    { name: 'j', dataType: DataType.JSON },
  ],
  true,
)
const rows = Array.from({ length: 40 }, (_, i) => ({
  n: i % 10 === 3 ? null : i,
  s: `x${i}y`,
  j: { [`k${i}`]: i },
}))
const table = tableOf(schema, rows)
const chain = (term: (i: number) => string, joint: string): string =>
  Array.from({ length: TERMS }, (_, i) => term(i)).join(joint)
const ids = (pick: (i: number) => boolean): number[] => rows.flatMap((_, i) => (pick(i) ? [i + 1] : []))

const CHAINS: readonly (readonly [string, readonly number[]])[] = [
  [chain(i => `n == ${i * 2}`, ' or '), ids(i => i % 2 === 0)],
  [chain(i => `n != ${i * 2}`, ' and '), ids(i => i % 2 === 1 && i % 10 !== 3)],
  [`id > 5 and (${chain(i => `(n == ${i} and s == "x${i}y")`, ' or ')})`, ids(i => i >= 5 && i % 10 !== 3)],
  [`not (${chain(i => `n == ${i + 20} or n > ${TERMS}`, ' or ')})`, ids(i => i < 20 && i % 10 !== 3)],
  [chain(i => `not (n == ${i + 7} or n < -${i})`, ' and '), ids(i => i < 7 && i !== 3)],
  [chain(i => `s like "%x${i * 3}_"`, ' || '), ids(i => i % 3 === 0)],
  [chain(i => `j["k${i * 4}"] == ${i * 4}`, ' or '), ids(i => i % 4 === 0)],
  [chain(i => `dyn${i} is null`, ' && '), ids(() => true)],
  [`${chain(i => `n == ${i}`, ' or ')} or true`, ids(() => true)],
  [`nowhere == 1 and ((${chain(i => `n == ${i}`, ' or ')}) and false)`, []],
]

/** Counts the turns that it gives, after every step. */
class CountingTurn extends Turn {
  given = 0
  override due(): boolean {
    return true
  }
  override next(): Promise<void> {
    this.given++
    return Promise.resolve()
  }
}

for (const [text, wanted] of CHAINS) {
  t.test(`${text.slice(0, 40)} … of ${text.length} characters`, async t => {
    const turn = new CountingTurn()
    const plan: FilterPlan = await planInSlices(schema, text, {}, 'query', 'UTC', turn)
    t.ok(turn.given > TERMS / 10, `${turn.given} turns`)
    const straight = compileFilter(schema, text)
    t.strictSame([plan.kind, plan.fields, plan.cacheKey], [straight.kind, straight.fields, straight.cacheKey])
    t.same(matches(table, text), wanted)
  })
}

t.test('what is wrong at the end of a long chain is said in the same words', async t => {
  for (const term of ['n > 2.5', 'nowhere_ >', 'n', 'n / 0 == 1', '(n == 1']) {
    const text = `${chain(i => `n == ${i}`, ' or ')} or ${term}`
    const refused = refusal(schema, text)
    t.match(refused, 'cannot parse expression')
    const planned = planInSlices(schema, text)
    await t.rejects(async () => planned, { code: 1100, message: refused })
  }
})

t.test('long chains inside each other, and very deep ones', async t => {
  const deep = `${'('.repeat(400)}n == 1${' or n == 2) and (n > 0'.repeat(200)}${')'.repeat(400)}`
  for (const text of [deep, `${'not ('.repeat(450)}n == 1${')'.repeat(450)}`]) {
    const plan = await planInSlices(schema, text.padEnd(9_000))
    t.ok(plan.kind === 'expression', text.slice(0, 20))
  }
  const message = /nested more than 1000 levels deep/
  await t.rejects(async () => planInSlices(schema, '('.repeat(100_000)), { code: 1100, message })
  await t.rejects(async () => planInSlices(schema, `n == ${'-'.repeat(100_000)}1`), { code: 1100, message })
})

t.test('a step of an evaluation has the fewer rows the more a row costs', async t => {
  const rowsOf = (text: string) => rowsPerStep(compileFilter(schema, text).root, 4_096)
  t.equal(rowsOf('n > 1 and s == "a"'), 4_096)
  t.equal(rowsOf(CHAINS[5]![0]), 32)
  const middle = rowsOf(
    Array.from({ length: 20 }, (_, i) => `j["k"] > ${i} and s like "%a${i}"`).join(' or '),
  )
  t.ok(middle % 32 === 0 && middle > 32 && middle < 4_096, `${middle} rows`)
})
