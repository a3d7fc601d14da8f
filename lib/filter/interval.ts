/**
 * Timestamps and intervals in filter texts (query-search-semantics §1.17).
 *
 * Timestamps are read by the schema room's parser, with the message that filters use. Intervals are ISO 8601
 * `PnYnMnWnDTnHnMnS`; years and months are calendar steps on UTC, where a day that the month does not have runs over
 * into the next one (31 January + 1 month = 3 March, or 2 March in leap years).
 */
import { MilvusError } from '../base/errors.js'
import { checkTimeZone, parseTimestamptz } from '../schema/timestamptz.js'
import { reject } from './reject.js'

const MICROS_PER_SECOND = 1_000_000n
const MICROS_PER_DAY = 86_400n * MICROS_PER_SECOND

const INTERVAL =
  /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,6}))?S)?)?$/i

/** A distance in time: calendar months, days, and a fixed rest. */
export interface Interval {
  readonly months: number
  readonly days: number
  readonly micros: bigint
}

/**
 * UTC microseconds of a timestamp text.
 * @param zone IANA zone for texts without an offset
 * @throws MilvusError 1100 `invalid timestamp string: …`
 */
export function parseTimestamp(text: string, zone: string): bigint {
  try {
    checkTimeZone(zone)
  } catch (cause) {
    if (!(cause instanceof MilvusError)) throw cause
    reject(`invalid timezone name; must be a valid IANA Time Zone ID: ${zone}`)
  }
  try {
    return BigInt(parseTimestamptz(text, zone))
  } catch (cause) {
    if (!(cause instanceof MilvusError)) throw cause
    return reject(`invalid timestamp string: '${text}'. Does not match any known format`)
  }
}

/** @throws MilvusError 1100 for anything but an ISO 8601 duration */
export function parseInterval(text: string): Interval {
  const match = INTERVAL.exec(text.trim())
  if (match === null || !/\d/.test(text) || /T$/i.test(text.trim())) {
    return reject(`invalid INTERVAL string: '${text}'. Does not match ISO 8601 duration format`)
  }
  const parts = match.slice(1, 8).map(part => Number(part ?? 0))
  if (parts.some(part => part > 1_000_000_000)) reject(`INTERVAL '${text}' is out of range`)
  const [years, months, weeks, days, hours, minutes, seconds] = parts
  const fraction = BigInt((match[8] ?? '').padEnd(6, '0'))
  return {
    months: years! * 12 + months!,
    days: weeks! * 7 + days!,
    micros: BigInt(hours! * 3_600 + minutes! * 60 + seconds!) * MICROS_PER_SECOND + fraction,
  }
}

/** The instant an interval later (or earlier, with negative parts), by the UTC calendar. */
export function addInterval(micros: bigint, interval: Interval): bigint {
  let day = micros / MICROS_PER_DAY
  let rest = micros % MICROS_PER_DAY
  if (rest < 0n) {
    day -= 1n
    rest += MICROS_PER_DAY
  }
  const days = addMonths(Number(day), interval.months) + interval.days
  return BigInt(days) * MICROS_PER_DAY + rest + interval.micros
}

/** Days since 1970-01-01, moved by calendar months; days beyond the month's end run over. */
function addMonths(days: number, months: number): number {
  if (months === 0) return days
  // civil-from-days, the inverse of daysOfCivil
  const z = days + 719_468
  const era = Math.floor(z / 146_097)
  const dayOfEra = z - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const total = year * 12 + (month - 1) + months
  const targetYear = Math.floor(total / 12)
  return daysOfCivil(targetYear, total - targetYear * 12 + 1, 1) + dayOfMonth - 1
}

/** Days since 1970-01-01 of a date in the proleptic Gregorian calendar (days-from-civil; months 1 to 12). */
function daysOfCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
