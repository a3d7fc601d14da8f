/**
 * Collection properties: which values are accepted (query-search-semantics §7.1). All are kept and echoed as text.
 */
import { invalid } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import { DataType } from '../schema/data-type.js'
import { INSERT_AUTO_ID_PROPERTY, JSON_MERGE_PROPERTY, RETENTION_PROPERTY, TTL_PROPERTY } from './records.js'

/** Longest retention window: older states keep deleted rows on disk. Ours, one year. */
const RETENTION_SECONDS_MAX = 31_536_000

/**
 * Properties after a change, checked.
 * @throws MilvusError ParameterInvalid naming the property, what was expected and what was found
 */
export function checkProperties(
  schema: CollectionSchema,
  current: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string | number | boolean>>,
): Record<string, string> {
  const next: Record<string, string> = { timezone: 'UTC', ...current }
  for (const [key, value] of Object.entries(given)) {
    const text = String(value)
    checkOne(schema, key, text)
    next[key] = text
  }
  if (next['ttl_field'] !== undefined && Number(next[TTL_PROPERTY] ?? 0) > 0) {
    throw invalid('collection TTL and ttl field cannot be set at the same time')
  }
  return next
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
      if (!/^(true|false)$/i.test(text)) throw invalid(`${key}: expected true or false, got ${text}`)
      return
    case 'timezone':
      checkTimeZone(text)
      return
    case 'ttl_field': {
      const field = schema.fields.find(f => f.name === text)
      if (field === undefined) throw invalid(`ttl field name ${text} not found in schema`)
      if (field.dataType !== DataType.Timestamptz)
        throw invalid(`ttl field must be timestamptz, field name = ${text}`)
      return
    }
  }
}

function checkTimeZone(name: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
  } catch (cause) {
    throw invalid(`unknown or invalid IANA Time Zone ID: ${name}`, { cause })
  }
}
