/**
 * Timestamptz: text and Dates to microseconds since the Unix epoch (UTC), and back (upsert-semantics §6.8).
 *
 * Accepts RFC 3339 and `YYYY-MM-DD HH:MM:SS[.f][Z|±hh[:mm]]`; text without an offset is read in a time zone the caller
 * names (default UTC). Digits beyond microseconds are cut. Output is ISO 8601, trailing zeros of the fraction dropped.
 * Microseconds are a number when exact, else a bigint, like every Int64 here.
 */

import { invalid, MilvusError } from '../base/errors.js'
import { valueText } from '../base/json.js'

const PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:\s?([Zz])|\s?([+-])(\d{2})(?::?(\d{2}))?)?$/
const MINUTE_MS = 60_000
/** Offsets in use on Earth, in minutes: −12:00 to +14:00. */
const OFFSET_MIN = -12 * 60
const OFFSET_MAX = 14 * 60

/** Calendar reader per time zone; building one costs ~50 µs, using it ~2. */
const calendars = new Map<string, Intl.DateTimeFormat>()

/**
 * Checks an IANA time zone name.
 * @throws MilvusError ParameterInvalid `invalid timezone name; must be a valid IANA Time Zone ID`
 */
export function checkTimeZone(timeZone: string): string {
  calendarOf(timeZone)
  return timeZone
}

function calendarOf(timeZone: string): Intl.DateTimeFormat {
  const known = calendars.get(timeZone)
  if (known !== undefined) return known
  try {
    const made = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
    calendars.set(timeZone, made)
    return made
  } catch (cause) {
    throw invalid(`invalid timezone name; must be a valid IANA Time Zone ID: ${timeZone}`, { cause })
  }
}

/** Milliseconds that a zone is ahead of UTC at an instant. */
function zoneOffsetMs(timeZone: string, utcMs: number): number {
  if (timeZone === 'UTC') return 0
  const field: Record<string, string> = {}
  for (const part of calendarOf(timeZone).formatToParts(utcMs)) field[part.type] = part.value
  const year = field['era'] === 'BC' ? 1 - Number(field['year']) : Number(field['year'])
  const local = new Date(0)
  local.setUTCFullYear(year, Number(field['month']) - 1, Number(field['day']))
  local.setUTCHours(Number(field['hour']), Number(field['minute']), Number(field['second']))
  return local.getTime() - Math.floor(utcMs / 1000) * 1000
}

/** The error of a value that is no timestamp. */
function badTimestamp(text: string): MilvusError {
  const why = `invalid timestamp string: '${text}'. Does not match any known format`
  return invalid(`got invalid timestamptz string '${text}': ${why}`)
}

/**
 * Microseconds since the epoch of a text or Date.
 * @param timeZone zone of texts that name no offset
 * @throws MilvusError ParameterInvalid `got invalid timestamptz string 'X'`
 */
export function parseTimestamptz(value: string | Date, timeZone = 'UTC'): number | bigint {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw badTimestamp('Invalid Date')
    return microsOf(value.getTime(), 0)
  }
  const match = PATTERN.exec(value)
  if (match === null) throw badTimestamp(value)
  const [, year, month, day, hour, minute, second, fraction, zulu, sign, offsetHours, offsetMinutes] = match
  const local = new Date(0)
  local.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  const dayOk = local.getUTCMonth() === Number(month) - 1 && local.getUTCDate() === Number(day)
  if (!dayOk || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) throw badTimestamp(value)
  local.setUTCHours(Number(hour), Number(minute), Number(second))
  const micros = Number((fraction ?? '').padEnd(6, '0').slice(0, 6))
  if (sign !== undefined) {
    const minutes = (Number(offsetHours) * 60 + Number(offsetMinutes ?? 0)) * (sign === '-' ? -1 : 1)
    if (minutes < OFFSET_MIN || minutes > OFFSET_MAX || Number(offsetMinutes ?? 0) > 59) {
      throw badTimestamp(value)
    }
    return microsOf(local.getTime() - minutes * MINUTE_MS, micros)
  }
  if (zulu !== undefined || timeZone === 'UTC') return microsOf(local.getTime(), micros)
  // The offset depends on the instant, which depends on the offset: two rounds settle it outside a clock change.
  const guess = local.getTime() - zoneOffsetMs(timeZone, local.getTime())
  return microsOf(local.getTime() - zoneOffsetMs(timeZone, guess), micros)
}

function microsOf(ms: number, micros: number): number | bigint {
  const exact = ms * 1000 + micros
  return Number.isSafeInteger(exact) ? exact : BigInt(ms) * 1000n + BigInt(micros)
}

/**
 * ISO text of microseconds since the epoch, in a time zone: `2025-01-02T03:04:05.6Z`, `…+08:00`.
 * @throws MilvusError ParameterInvalid for an unknown zone
 */
export function formatTimestamptz(micros: number | bigint, timeZone = 'UTC'): string {
  const exact = BigInt(micros)
  const fraction = ((exact % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = Number((exact - fraction) / 1_000_000n)
  // An offset is written in whole minutes; before 1900 many zones had odd seconds, which would shift the moment.
  const offsetMs = Math.trunc(zoneOffsetMs(timeZone, seconds * 1000) / MINUTE_MS) * MINUTE_MS
  const date = new Date(seconds * 1000 + offsetMs)
  if (Number.isNaN(date.getTime()))
    throw new MilvusError('ParameterInvalid', `timestamp ${exact} has no date`)
  const digits = fraction === 0n ? '' : `.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`
  // East of UTC the last day of 9999 is in the year 10000, which JavaScript writes as +010000.
  const text = date.toISOString().slice(0, -5).replace(/^\+0*/, '')
  return `${text}${digits}${offsetText(offsetMs)}`
}

/** As the server writes it: `Z` wherever the offset is zero, in London's winter too. */
function offsetText(offsetMs: number): string {
  const minutes = Math.abs(Math.trunc(offsetMs / MINUTE_MS))
  if (minutes === 0) return 'Z'
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** Parts of a moment that can be asked for one by one, in the order they are documented. */
const TIME_PARTS = ['year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond'] as const
export type TimePart = (typeof TIME_PARTS)[number]

/** How moments leave the engine. */
export interface TimeForm {
  /** IANA zone that they are shown in. */
  readonly timeZone: string
  /** Show these parts, as a list of integers; null = ISO text. */
  readonly parts: readonly TimePart[] | null
}

/**
 * Checks the parts of a moment that a reader asks for: a list, or text with commas. Null when there are none.
 * @throws MilvusError ParameterInvalid
 */
export function checkTimeParts(given: string | readonly string[] | undefined): TimePart[] | null {
  if (given === undefined || given === null) return null
  const names = (typeof given === 'string' ? given.split(',') : given).map(name => valueText(name).trim())
  const wanted = names.filter(name => name !== '')
  if (wanted.length === 0) return null
  return wanted.map(name => {
    const part = TIME_PARTS.find(known => known === name.toLowerCase())
    if (part === undefined)
      throw invalid(`unsupported field for extraction: ${name}, expected one of ${TIME_PARTS.join(', ')}`)
    return part
  })
}

/** A moment in the form asked for; a microsecond part counts within its second. */
export function timeInForm(micros: number | bigint, { timeZone, parts }: TimeForm): string | number[] {
  if (parts === null) return formatTimestamptz(micros, timeZone)
  const exact = BigInt(micros)
  const fraction = ((exact % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = Number((exact - fraction) / 1_000_000n)
  const local = new Date(seconds * 1000 + zoneOffsetMs(timeZone, seconds * 1000))
  return parts.map(part => partOf(local, Number(fraction), part))
}

function partOf(local: Date, micros: number, part: TimePart): number {
  switch (part) {
    case 'year':
      return local.getUTCFullYear()
    case 'month':
      return local.getUTCMonth() + 1
    case 'day':
      return local.getUTCDate()
    case 'hour':
      return local.getUTCHours()
    case 'minute':
      return local.getUTCMinutes()
    case 'second':
      return local.getUTCSeconds()
    case 'microsecond':
      return micros
  }
}
