/** Timestamptz in filters: query-search-semantics §1.17. */
import t from 'tap'
import { compileFilter } from '../../../lib/filter/compile.js'
import { addInterval, parseInterval } from '../../../lib/filter/interval.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { matches, refusal, schemaOf, tableOf } from './fixture.js'

const schema = schemaOf([
  { name: 'ts', dataType: DataType.Timestamptz, nullable: true },
  { name: 'other', dataType: DataType.Timestamptz },
  { name: 'n', dataType: DataType.Int64 },
])
const row = { n: 0, other: '2024-06-01T00:00:00Z' }
const table = tableOf(schema, [
  { ...row, ts: '2024-02-29T12:00:00Z' },
  { ...row, ts: '2025-01-31T00:00:00+08:00' },
  { ...row, ts: null },
  { ...row, ts: '1969-12-31T23:59:59.999999Z' },
])
const same = (t: { same(a: unknown, b: unknown, c: string): unknown }, text: string, rows: number[]) =>
  t.same(matches(table, text), rows, text)

t.test('comparison with ISO texts, both ways round, ranges', async t => {
  same(t, "ts == ISO '2024-02-29T12:00:00Z'", [1])
  same(t, "ts == ISO '2024-02-29 13:00:00+01:00'", [1])
  same(t, "ts != ISO '2024-02-29T12:00:00Z'", [2, 4])
  same(t, 'ts > ISO "2025-01-30T15:59:59.999999Z"', [2])
  same(t, 'ts > iso "2025-01-30T16:00:00Z"', [])
  same(t, "ISO '2024-12-31T00:00:00Z' > ts", [1, 4])
  same(t, "ts < ISO '1970-01-01T00:00:00Z'", [4])
  same(t, "ISO '2024-01-01T00:00:00Z' <= ts < ISO '2024-12-31T00:00:00Z'", [1])
  same(t, "not (ts == ISO '2024-02-29T12:00:00Z')", [2, 4])
  same(t, 'ts < other', [1, 4])
  same(t, 'ts is null', [3])
})

t.test(
  'a question about a moment is a primary: it binds tighter than not, and than every comparison',
  async t => {
    same(t, "not ts == ISO '2024-02-29T12:00:00Z'", [2, 4])
    same(t, "! ISO '2024-12-31T00:00:00Z' > ts", [2])
    same(t, "not ts + INTERVAL 'P1D' == ISO '2024-03-01T12:00:00Z'", [2, 4])
    same(t, "not ISO '2024-03-01T12:00:00Z' == ts + interval 'P1D' and n == 0", [2, 4])
    same(t, "not ISO '2024-01-01T00:00:00Z' <= ts < ISO '2024-12-31T00:00:00Z'", [2, 4])
    same(t, "not ISO '2024-12-31T00:00:00Z' > ts >= iso '2024-01-01T00:00:00Z'", [2, 4])
    same(t, "ISO '2024-03-01T00:00:00Z' < ts + INTERVAL 'P1D' < ISO '2024-03-02T00:00:00Z'", [1])
    same(t, "(ts) == ISO '2024-02-29T12:00:00Z'", [1])
  },
)

t.test('fields may be called as the keywords', async t => {
  const named = schemaOf([
    { name: 'iso', dataType: DataType.Timestamptz },
    { name: 'INTERVAL', dataType: DataType.Int64 },
  ])
  const rows = tableOf(named, [{ iso: '2024-02-29T12:00:00Z', INTERVAL: 3 }])
  for (const text of [
    "iso == ISO '2024-02-29T12:00:00Z'",
    "ISO '2024-02-29T12:00:00Z' == iso",
    "iso - INTERVAL 'P1D' < iso '2024-02-29T00:00:00Z'",
    'INTERVAL == 3 and 2 < INTERVAL < 4',
    'INTERVAL not in [4]',
  ]) {
    t.same(matches(rows, text), [1], text)
  }
})

t.test('intervals of fixed length and of the calendar', async t => {
  same(t, "ts + INTERVAL 'P1D' == ISO '2024-03-01T12:00:00Z'", [1])
  same(t, "ts - interval 'PT12H' >= ISO '2025-01-30T04:00:00Z'", [2])
  same(t, "ts + INTERVAL 'PT0.000001S' == ISO '1970-01-01T00:00:00Z'", [4])
  same(t, "ts + INTERVAL 'P1Y' == ISO '2025-03-01T12:00:00Z'", [1])
  same(t, "ts + INTERVAL 'P4Y' == ISO '2028-02-29T12:00:00Z'", [1])
  same(t, "ts - INTERVAL 'P1M' == ISO '2024-01-29T12:00:00Z'", [1])
  same(t, "ts + INTERVAL 'P1M' != ISO '2024-03-29T12:00:00Z'", [2, 4])
  same(t, "ISO '2024-03-01T12:00:00Z' == ts + INTERVAL 'P1D'", [1])
  same(t, "ts + INTERVAL 'P1Y2M3DT4H5M6S' > ISO '2025-05-02T16:05:05Z'", [1, 2])
})

t.test('intervals step by the calendar and run over short months', async t => {
  const at = (text: string) => BigInt(Date.parse(text)) * 1000n
  const moved = (from: string, interval: string, sign = 1) => {
    const { months, days, micros } = parseInterval(interval)
    const signed = { months: sign * months, days: sign * days, micros: BigInt(sign) * micros }
    return new Date(Number(addInterval(at(from), signed) / 1000n)).toISOString()
  }
  t.equal(moved('2023-01-31T10:00:00Z', 'P1M'), '2023-03-03T10:00:00.000Z')
  t.equal(moved('2024-01-31T10:00:00Z', 'P1M'), '2024-03-02T10:00:00.000Z')
  t.equal(moved('2024-12-15T00:00:00Z', 'P1M'), '2025-01-15T00:00:00.000Z')
  t.equal(moved('2024-01-15T00:00:00Z', 'P1M', -1), '2023-12-15T00:00:00.000Z')
  t.equal(moved('1969-12-31T23:00:00Z', 'PT2H'), '1970-01-01T01:00:00.000Z')
  t.equal(moved('1900-02-28T00:00:00Z', 'P1D'), '1900-03-01T00:00:00.000Z')
  t.equal(moved('2000-02-28T00:00:00Z', 'P1W'), '2000-03-06T00:00:00.000Z')
  for (let year = 1600; year < 2500; year += 7) {
    const date = new Date(Date.UTC(year, 10, 20))
    const expected = new Date(Date.UTC(year + 3, 15, 20)).toISOString()
    if (moved(date.toISOString(), 'P3Y5M') !== expected) t.fail(`${year} steps to ${expected}`)
  }
})

t.test('texts without a zone are read in the one that is given', async t => {
  const plan = (zone: string) =>
    compileFilter(schema, "ts == ISO '2025-01-31 00:00:00'", {}, 'query', zone).root
  t.not(JSON.stringify(plan('UTC'), bigints), JSON.stringify(plan('Asia/Shanghai'), bigints))
  const explicit = compileFilter(schema, "ts == ISO '2025-01-31 00:00:00+08:00'").root
  t.equal(JSON.stringify(plan('Asia/Shanghai'), bigints), JSON.stringify(explicit, bigints))
  t.throws(() => plan('Nowhere/Land'), /invalid timezone name; must be a valid IANA Time Zone ID/)
})

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

t.test('what is no timestamp is refused', async t => {
  const bad = (text: string, why: string) => t.match(refusal(schema, text), why, text)
  bad("ts > ISO 'tomorrow'", "invalid timestamp string: 'tomorrow'. Does not match any known format")
  bad("ts > ISO '2023-02-29T00:00:00Z'", 'invalid timestamp string')
  bad("ts > ISO '2023-02-28T00:00:00+15:00'", 'invalid timestamp string')
  bad("ts > '2024-01-01T00:00:00Z'", 'comparisons between Timestamptz and VarChar are not supported')
  bad('ts > 5', 'comparisons between Timestamptz and Int64 are not supported')
  bad("n > ISO '2024-01-01T00:00:00Z'", 'comparisons between Int64 and Timestamptz are not supported')
  bad("ts + INTERVAL '1 day' > ISO '2024-01-01T00:00:00Z'", 'invalid INTERVAL string')
  bad("ts + INTERVAL 'P' > ISO '2024-01-01T00:00:00Z'", 'invalid INTERVAL string')
  bad("n + INTERVAL 'P1D' > ISO '2024-01-01T00:00:00Z'", 'INTERVAL can only be added')
  bad("ts + INTERVAL 'P1D' > 5", 'INTERVAL can only be compared')
  bad("ISO '2024-01-01T00:00:00Z'", 'predicate is not a boolean expression')
  bad("ISO '2025-01-01T00:00:00Z' < ts < ISO '2024-01-01T00:00:00Z'", 'lowerbound is greater than upperbound')
  bad('ts + 1 == 2', 'cannot perform arithmetic between Timestamptz field and Int64')
  bad('ts in [1]', 'failed to create query plan')
})
