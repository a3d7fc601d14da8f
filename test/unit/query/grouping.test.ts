/**
 * GROUP BY and aggregates against an oracle: a Map over plain rows. Every type that can be grouped or measured, nulls,
 * several fields, several segments, growing rows, integers beyond 2^53, ties, pages.
 */
import t from 'tap'
import { compareSortValues, type SortValue } from '../../../lib/query/order-by.js'
import type { QueryRequest, Row } from '../../../lib/query/request.js'
import { runQuery } from '../../../lib/query/retrieve.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { formatTimestamptz } from '../../../lib/schema/timestamptz.js'
import { type MemoryRow, MemorySegment, memorySnapshot } from '../../support/memory-segment.js'
import { type Rng, rng, seedOf } from '../../support/rng.js'
import { fakeClock, roundsOf } from '../../support/rounds.js'
import { contextOf, field, schemaOf } from './fixture.js'

const seed = seedOf(43)
const optional = { nullable: true }
const schema = schemaOf([
  field('id', DataType.Int64, { primaryKey: true }),
  field('i8', DataType.Int8, optional),
  field('i16', DataType.Int16, optional),
  field('i32', DataType.Int32, optional),
  field('i64', DataType.Int64, optional),
  field('time', DataType.Timestamptz, optional),
  field('text', DataType.VarChar, optional),
  field('f32', DataType.Float, optional),
  field('f64', DataType.Double, optional),
])
const GROUPED = ['i8', 'i16', 'i32', 'i64', 'time', 'text']
const NUMBERS = ['i8', 'i16', 'i32', 'i64', 'f32', 'f64']
const EDGES = [
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 53n,
  -(2n ** 53n),
  2n ** 53n - 1n,
  1n - 2n ** 53n,
  2n ** 32n - 1n,
]
const FLOATS = [Number.NaN, -0, 0, Infinity, -Infinity, 0.5, -3]
const TEXTS = [
  '',
  'a',
  'a\0',
  'null',
  'n',
  '1:a',
  'é',
  '\u{1f600}',
  '\uffee',
  'long enough to differ at its end: a',
]

type Value = number | bigint | string | null

function randomValues(random: Rng, id: number, wide: boolean): Record<string, Value> {
  const n = wide ? 300 : 4
  const i64 = random.chance(0.3) ? random.pick(EDGES) : BigInt(random.int(n))
  const all: Record<string, Value> = {
    i8: random.between(-2, 2),
    i16: random.pick([-32768, 32767, 0, random.int(n)]),
    i32: random.pick([-(2 ** 31), 2 ** 31 - 1, 0, random.int(n)]),
    i64: Number.isSafeInteger(Number(i64)) ? Number(i64) : i64,
    time: random.int(n) * 1_000_000,
    text: wide ? `text number ${random.int(n)}` : random.pick(TEXTS),
    f32: random.chance() ? Math.fround(random.pick(FLOATS)) : Math.fround(random.gauss()),
    f64: random.chance(0.3) ? random.pick(FLOATS) : random.gauss(),
  }
  for (const name of Object.keys(all)) if (random.chance(0.15)) all[name] = null
  return { ...all, id }
}

/** Three sealed segments and a growing one; rows in the order in which a query meets them. */
function randomCollection(random: Rng, count: number, wide: boolean) {
  const parts: MemoryRow[][] = [[], [], [], []]
  for (let id = 0; id < count; id++) {
    random.pick(parts).push({ values: randomValues(random, id, wide), tick: id + 1 })
  }
  const segments = parts.map(
    (rows, s) =>
      new MemorySegment(schema, rows, { id: s, kind: s === 3 ? 'growing' : 'sealed', resident: false }),
  )
  const rows = segments.flatMap(segment => segment.rows.map(row => row.values as Record<string, Value>))
  return { rows, snapshot: memorySnapshot(segments, count + 1) }
}

/** The aggregate of some values that are not null. */
function oracleOf(op: string, name: string, values: readonly Exclude<Value, null>[]): unknown {
  if (op === 'count') return values.length
  if (values.length === 0) return null
  if (op === 'min' || op === 'max') {
    const term = { field: '', descending: op === 'max', nullsFirst: false }
    const best = values.reduce((a, b) => {
      // A descending order has NaN first, as the greatest number.
      return compareSortValues(term, b, a) < 0 ? b : a
    })
    return name === 'time' ? formatTimestamptz(best as number, 'UTC') : best
  }
  let sum: number | bigint
  if (name.startsWith('f')) sum = (values as number[]).reduce((a, b) => a + b)
  else {
    const exact = values.reduce<bigint>((a, b) => a + BigInt(b), 0n)
    sum = Number.isSafeInteger(Number(exact)) ? Number(exact) : exact
  }
  return op === 'avg' ? Number(sum) / values.length : sum
}

interface Question {
  readonly groupBy: readonly string[]
  readonly measures: readonly (readonly [string, string])[]
  readonly order: readonly { field: string; order: string; nulls: string }[]
  readonly offset: number
  readonly limit: number
}

function oracle(rows: readonly Record<string, Value>[], question: Question): Row[] {
  const groups = new Map<string, Record<string, Value>[]>()
  for (const row of rows) {
    const key = JSON.stringify(question.groupBy.map(name => [typeof row[name], String(row[name])]))
    const members = groups.get(key)
    if (members === undefined) groups.set(key, [row])
    else members.push(row)
  }
  const sorted = [...groups.values()].sort(([a], [b]) => {
    for (const { field: name, order, nulls } of question.order) {
      const term = { field: name, descending: order === 'desc', nullsFirst: nulls === 'nulls_first' }
      const sign = compareSortValues(term, a![name] as SortValue, b![name] as SortValue)
      if (sign !== 0) return sign
    }
    return 0
  })
  return sorted.slice(question.offset, question.offset + question.limit).map(members => {
    const out: Row = {}
    for (const name of question.groupBy) {
      const value = members[0]![name] as Value
      out[name] = name === 'time' && value !== null ? formatTimestamptz(value as number, 'UTC') : value
    }
    out['count(*)'] = members.length
    for (const [op, name] of question.measures) {
      const values = members.map(row => row[name]!).filter(value => value !== null)
      out[`${op}(${name})`] = oracleOf(op, name, values)
    }
    return out
  })
}

/** Rows as text, in which −0 is not 0 and 1n is not 1. */
function written(rows: readonly Row[]): string[] {
  return rows.map(row =>
    Object.entries(row)
      .map(([name, value]) => `${name} ${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`)
      .join(', '),
  )
}

function randomQuestion(random: Rng, rowCount: number): Question {
  const groupBy = random.shuffle(GROUPED).slice(0, random.pick([1, 1, 2, 3, 6]))
  const measures = Array.from({ length: 5 }, () => {
    const op = random.pick(['count', 'sum', 'avg', 'min', 'max'])
    const names = op === 'sum' || op === 'avg' ? NUMBERS : [...NUMBERS, 'time', 'text']
    return [op, random.pick(names)] as const
  })
  const order = random
    .shuffle(groupBy)
    .slice(0, random.int(groupBy.length + 1))
    .map(name => ({
      field: name,
      order: random.pick(['asc', 'desc']),
      nulls: random.pick(['nulls_first', 'nulls_last']),
    }))
  const [offset, limit] = random.pick([
    [0, rowCount],
    [0, 3],
    [2, 5],
    [rowCount, 5],
  ] as const)
  return { groupBy, measures, order, offset, limit }
}

for (const { count, wide, runs } of [
  { count: 300, wide: false, runs: 60 },
  { count: 4_000, wide: true, runs: 12 },
]) {
  t.test(`groups of ${count} rows are those of the oracle (seed ${seed})`, async t => {
    const random = rng(seed + count)
    const { rows, snapshot } = randomCollection(random, count, wide)
    const context = contextOf(schema, { timeZone: 'UTC' })
    for (let run = 0; run < runs; run++) {
      const question = randomQuestion(random, count)
      const { groupBy, order, offset, limit } = question
      const measures = question.measures.map(([op, name]) => `${op}(${name})`)
      const request: QueryRequest = {
        groupBy,
        outputFields: [...groupBy, 'count(*)', ...measures],
        orderBy: order as NonNullable<Exclude<QueryRequest['orderBy'], string>>,
        offset,
        limit,
      }
      const found = await runQuery(context, snapshot, request)
      t.strictSame(written(found), written(oracle(rows, question)), JSON.stringify(question))
    }
  })
}

t.test('everything as one group, also where nothing matches', async t => {
  const { rows, snapshot } = randomCollection(rng(seed), 500, false)
  const measures = GROUPED.flatMap(name => [['min', name] as const, ['max', name] as const])
  measures.push(...(NUMBERS.flatMap(name => [['sum', name] as const, ['avg', name] as const]) as never[]))
  const outputFields = ['count(*)', ...measures.map(([op, name]) => `${op}(${name})`)]
  const context = contextOf(schema, { timeZone: 'UTC' })
  const question = { groupBy: [], measures, order: [], offset: 0, limit: 1 }
  const whole = await runQuery(context, snapshot, { outputFields })
  t.strictSame(written(whole), written(oracle(rows, question)))
  const [none] = await runQuery(context, snapshot, { outputFields, filter: 'id < 0' })
  t.equal(none!['count(*)'], 0)
  for (const name of outputFields.slice(1)) t.equal(none![name], null, name)
})

t.test('texts whose hashes are the same are different groups', async t => {
  // Two words of the same length and the same FNV-1a hash of 32 bits.
  const rows = ['declinate', 'macallums', 'declinate'].map((text, id) => ({
    values: { id, text },
    tick: id + 1,
  }))
  const segment = new MemorySegment(schema, rows, { id: 1, kind: 'growing' })
  const found = await runQuery(contextOf(schema), memorySnapshot([segment], 100), {
    groupBy: 'text',
    outputFields: ['text', 'count(*)'],
  })
  t.strictSame(found, [
    { text: 'declinate', 'count(*)': 2 },
    { text: 'macallums', 'count(*)': 1 },
  ])
})

t.test('which of more than 32 fields is null tells groups apart', async t => {
  const names = Array.from({ length: 40 }, (_, i) => `f${i}`)
  const many = schemaOf([
    field('id', DataType.Int64, { primaryKey: true }),
    ...names.map(name => field(name, DataType.Int8, optional)),
  ])
  // Row i: field i is null, all others 0.
  const rows = names.map((_, id) => {
    const values: Record<string, Value> = { id }
    names.forEach((name, k) => {
      values[name] = k === id ? null : 0
    })
    return { values, tick: id + 1 }
  })
  const segment = new MemorySegment(many, [...rows, ...rows], { id: 1, kind: 'growing' })
  const found = await runQuery(contextOf(many), memorySnapshot([segment], 100), {
    groupBy: names,
    outputFields: ['count(*)'],
  })
  t.strictSame(
    found,
    names.map(() => ({ 'count(*)': 2 })),
  )
})

t.test('a table of groups that grows, and batches of long texts, give the event loop its turns', async t => {
  const texts = schemaOf([
    field('id', DataType.Int64, { primaryKey: true }),
    field('text', DataType.VarChar, { maxLength: 65_535 }),
  ])
  const roundsFor = async (rowCount: number, length: number, groupBy: string): Promise<number> => {
    const rows = Array.from({ length: rowCount }, (_, id) => ({
      values: { id, text: 'x'.repeat(length) + (id % 7) },
      tick: id + 1,
    }))
    const snapshot = memorySnapshot([new MemorySegment(texts, rows, { id: 1, kind: 'sealed' })], rowCount + 1)
    return roundsOf(() =>
      runQuery(contextOf(texts), snapshot, { groupBy, outputFields: ['count(*)'], limit: 3 }),
    )
  }
  fakeClock(t).leapMs = 10
  // 40 batches of 512 rows, and room doubled five times, with about 6 looks at the clock each.
  const many = await roundsFor(20_480, 1, 'id')
  t.ok(many >= 67, `${many} rounds`)
  // 256 kB of texts are a batch: six texts.
  const long = await roundsFor(400, 50_000, 'text')
  t.ok(long >= 60, `${long} rounds`)
})
