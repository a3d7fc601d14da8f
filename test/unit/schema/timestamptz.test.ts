/** Timestamptz texts in and out (upsert-semantics §6.8). */
import t from 'tap'
import { checkTimeZone, formatTimestamptz, parseTimestamptz } from '../../../lib/schema/timestamptz.js'
import { refused } from './fixtures.js'

const AT = Date.UTC(2025, 0, 2, 3, 4, 5) * 1000

t.test('accepted forms mean the instant they say', async t => {
  const cases: [string, number][] = [
    ['2025-01-02T03:04:05Z', AT],
    ['2025-01-02t03:04:05z', AT],
    ['2025-01-02 03:04:05', AT],
    ['2025-01-02 03:04:05.6', AT + 600_000],
    ['2025-01-02T03:04:05.123456Z', AT + 123_456],
    ['2025-01-02T03:04:05.123456789Z', AT + 123_456],
    ['2025-01-02T03:04:05+08:00', AT - 8 * 3_600_000_000],
    ['2025-01-02 03:04:05-0530', AT + 5.5 * 3_600_000_000],
    ['2025-01-02 03:04:05+14', AT - 14 * 3_600_000_000],
    ['2025-01-02 03:04:05-12:00', AT + 12 * 3_600_000_000],
    ['1969-12-31T23:59:59.999999Z', -1],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29) * 1000],
  ]
  for (const [text, micros] of cases) t.equal(parseTimestamptz(text), micros, text)
  t.equal(parseTimestamptz(new Date(12345)), 12_345_000)
})

t.test('instants beyond 2^53 microseconds stay exact', async t => {
  const micros = parseTimestamptz('9999-12-31T23:59:59.999999Z')
  t.equal(typeof micros, 'bigint')
  t.equal(formatTimestamptz(micros), '9999-12-31T23:59:59.999999Z')
  t.equal(formatTimestamptz(parseTimestamptz('0001-01-01T00:00:00Z')), '0001-01-01T00:00:00Z')
  t.equal(formatTimestamptz(micros, 'Asia/Shanghai'), '10000-01-01T07:59:59.999999+08:00', 'no sign, no zero')
})

t.test('an offset of zero is Z in every zone', async t => {
  const winter = parseTimestamptz('2025-01-02T03:04:05Z')
  const summer = parseTimestamptz('2025-07-02T03:04:05Z')
  t.equal(formatTimestamptz(winter, 'Europe/London'), '2025-01-02T03:04:05Z')
  t.equal(formatTimestamptz(summer, 'Europe/London'), '2025-07-02T04:04:05+01:00')
  t.equal(formatTimestamptz(winter, 'Etc/GMT'), '2025-01-02T03:04:05Z')
})

t.test('anything else is refused with the phrase clients match', async t => {
  for (const text of [
    '',
    'yesterday',
    '2025-01-02',
    '2025-1-2 03:04:05',
    '2025-13-02T03:04:05Z',
    '2025-02-30T03:04:05Z',
    '2025-01-02T24:04:05Z',
    '2025-01-02T03:60:05Z',
    '2025-01-02T03:04:05+15:00',
    '2025-01-02T03:04:05-12:30',
    '2025-01-02T03:04:05+01:70',
  ]) {
    t.match(
      refused(() => parseTimestamptz(text)),
      `got invalid timestamptz string '${text}'`,
    )
  }
  t.match(
    refused(() => parseTimestamptz(new Date(Number.NaN))),
    'got invalid timestamptz string',
  )
})

t.test('text without an offset is read in the zone of the collection', async t => {
  t.equal(parseTimestamptz('2025-01-02 11:04:05', 'Asia/Shanghai'), AT)
  t.equal(parseTimestamptz('2025-07-01 00:00:00', 'America/New_York'), Date.UTC(2025, 6, 1, 4) * 1000)
  t.equal(parseTimestamptz('2025-01-01 00:00:00', 'America/New_York'), Date.UTC(2025, 0, 1, 5) * 1000)
  t.equal(parseTimestamptz('2025-01-02T03:04:05Z', 'Asia/Shanghai'), AT, 'an offset wins')
})

t.test('output is ISO, trailing zeros dropped, in the zone asked for', async t => {
  t.equal(formatTimestamptz(AT), '2025-01-02T03:04:05Z')
  t.equal(formatTimestamptz(AT + 600_000), '2025-01-02T03:04:05.6Z')
  t.equal(formatTimestamptz(-1), '1969-12-31T23:59:59.999999Z')
  t.equal(formatTimestamptz(AT, 'Asia/Shanghai'), '2025-01-02T11:04:05+08:00')
  t.equal(formatTimestamptz(AT + 1, 'America/New_York'), '2025-01-01T22:04:05.000001-05:00')
  t.equal(formatTimestamptz(AT, 'Asia/Kolkata'), '2025-01-02T08:34:05+05:30')
})

t.test('zones are checked by name', async t => {
  t.equal(checkTimeZone('Europe/Berlin'), 'Europe/Berlin')
  t.match(
    refused(() => checkTimeZone('Mars/Olympus')),
    'invalid timezone name; must be a valid IANA Time Zone ID',
  )
})
