/**
 * Collection and database properties: which values are accepted (query-search-semantics §7.1). All are kept and echoed
 * as text.
 *
 * Pure: what is wrong is found here, before anything changes; property-ddl.ts makes the change.
 */

import { invalid } from '../base/errors.js'
import { valueText } from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import { DataType } from '../schema/data-type.js'
import {
  COLLECTIONS_MAX_PROPERTY,
  type DatabaseRecord,
  INSERT_AUTO_ID_PROPERTY,
  ISOLATION_PROPERTY,
  JSON_MERGE_PROPERTY,
  MMAP_PROPERTY,
  RETENTION_PROPERTY,
  TIMEZONE_PROPERTY,
  TTL_FIELD_PROPERTY,
  TTL_PROPERTY,
} from './records.js'

/** Longest retention window: older states keep deleted rows on disk. Ours, one year. */
const RETENTION_SECONDS_MAX = 31_536_000

/** Properties as a caller gives them. */
export type GivenProperties = Readonly<Record<string, string | number | boolean>>

/** A change of properties: some set, or some removed, never both. */
export interface PropertyChange {
  readonly properties?: GivenProperties
  readonly deleteKeys?: readonly string[]
}

/**
 * A change that sets something or removes something.
 * @param bothText what to say when it wants both; indexes have their own wording
 * @throws MilvusError ParameterInvalid for neither and for both
 */
export function checkChange(
  change: PropertyChange,
  bothText = 'can not provide properties and deletekeys at the same time',
): { readonly given: GivenProperties; readonly gone: readonly string[] } {
  const given = change.properties ?? {}
  const gone = change.deleteKeys ?? []
  const sets = Object.keys(given).length > 0
  if (sets && gone.length > 0) throw invalid(bothText)
  if (!sets && gone.length === 0) throw invalid('no properties or delete keys provided')
  return { given, gone }
}

/** `current` without `gone`, and with `given` as text. */
export function changed(
  current: Readonly<Record<string, string>>,
  given: GivenProperties,
  gone: readonly string[],
): Record<string, string> {
  const next: Record<string, string> = {}
  for (const [key, value] of Object.entries(current)) if (!gone.includes(key)) next[key] = value
  for (const [key, value] of Object.entries(given)) next[key] = valueText(value)
  return next
}

/** What a new collection takes over from its database. */
export function inheritedProperties(database: DatabaseRecord): Record<string, string> {
  const zone = database.properties[TIMEZONE_PROPERTY]
  return zone === undefined ? {} : { [TIMEZONE_PROPERTY]: zone }
}

/**
 * Properties of a collection after a change, checked.
 * @throws MilvusError ParameterInvalid naming the property, what was expected and what was found
 */
export function checkProperties(
  schema: CollectionSchema,
  current: Readonly<Record<string, string>>,
  given: GivenProperties,
): Record<string, string> {
  const next: Record<string, string> = { [TIMEZONE_PROPERTY]: 'UTC', ...current }
  for (const [key, value] of Object.entries(given)) {
    const text = valueText(value)
    checkOne(schema, key, text)
    next[key] = text
  }
  if (next[TTL_FIELD_PROPERTY] !== undefined && hasTtl(next)) {
    const already = hasTtl(current) && given[TTL_PROPERTY] === undefined
    throw invalid(
      already
        ? 'collection TTL is already set, cannot be set ttl field'
        : 'collection TTL and ttl field cannot be set at the same time',
    )
  }
  if (isTrue(next[ISOLATION_PROPERTY]) && schema.partitionKeyIndex < 0) {
    throw invalid(
      'partition key isolation mode is enabled but no partition key field is set. Please set the partition key first',
    )
  }
  return next
}

function hasTtl(properties: Readonly<Record<string, string>>): boolean {
  return Number(properties[TTL_PROPERTY] ?? 0) > 0
}

/** True for `true` in any case. */
export function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === 'true'
}

function checkOne(schema: CollectionSchema, key: string, text: string): void {
  switch (key) {
    case TTL_PROPERTY: {
      const { ttlSecondsMin: min, ttlSecondsMax: max } = LIMITS
      if (!/^-?\d+$/.test(text) || Number(text) < min || Number(text) > max) {
        throw invalid(`collection TTL is out of range, expect [${min}, ${max}], got ${text}`)
      }
      return
    }
    case RETENTION_PROPERTY:
      if (!/^\d+$/.test(text) || Number(text) > RETENTION_SECONDS_MAX) {
        throw invalid(`${key}: expected seconds from 0 to ${RETENTION_SECONDS_MAX}, got ${text}`)
      }
      return
    case JSON_MERGE_PROPERTY:
      if (text !== 'merge' && text !== 'replace')
        throw invalid(`${key}: expected merge or replace, got ${text}`)
      return
    case INSERT_AUTO_ID_PROPERTY:
    case ISOLATION_PROPERTY:
    case MMAP_PROPERTY:
      checkBoolean(key, text)
      return
    case TIMEZONE_PROPERTY:
      checkTimeZone(text)
      return
    case TTL_FIELD_PROPERTY: {
      const field = schema.fields.find(f => f.name === text)
      if (field === undefined) throw invalid(`ttl field name ${text} not found in schema`)
      if (field.dataType !== DataType.Timestamptz)
        throw invalid(`ttl field must be timestamptz, field name = ${text}`)
      return
    }
  }
}

/**
 * Checks properties of a database that mean something here; others are echoed.
 * @throws MilvusError ParameterInvalid
 */
export function checkDatabaseProperties(given: GivenProperties): void {
  const zone = given[TIMEZONE_PROPERTY]
  if (zone !== undefined) checkTimeZone(valueText(zone))
  const collections = given[COLLECTIONS_MAX_PROPERTY]
  if (collections !== undefined && !/^\d{1,9}$/.test(String(collections)))
    throw invalid(
      `${COLLECTIONS_MAX_PROPERTY}: expected an integer of at least 0, got ${String(collections)}`,
    )
}

/** @throws MilvusError ParameterInvalid for anything but true and false, in any case */
export function checkBoolean(key: string, text: string): void {
  if (!/^(true|false)$/i.test(text)) throw invalid(`invalid ${key} value: ${text}, expected true or false`)
}

/** @throws MilvusError ParameterInvalid for what is no IANA time zone */
export function checkTimeZone(name: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
  } catch (cause) {
    throw invalid(`unknown or invalid IANA Time Zone ID: ${name}`, { cause })
  }
}
