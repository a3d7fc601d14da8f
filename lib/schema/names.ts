/**
 * Which names are legal, in Milvus's words (upsert-semantics §6.6).
 *
 * Each check returns the name to use, so a caller cannot forget that partition names are trimmed. Lengths are UTF-8
 * bytes; the length rule comes first, as in the reference, because clients match on the first failing phrase.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'

const FIRST = /^[A-Za-z_]/
const REST = /^[A-Za-z0-9_]+$/
const PARTITION_FIRST = /^[A-Za-z0-9_]/
const PARTITION_REST = /^[A-Za-z0-9_-]+$/

/** Fields the system has or may have itself. */
const RESERVED_FIELDS = new Set(['RowID', 'Timestamp', '$meta', '$namespace_id', '__virtual_pk__'])

/** Words of the filter language; a field of that name could never be used in an expression. */
const KEYWORDS = new Set([
  'like',
  'exists',
  'and',
  'or',
  'not',
  'in',
  'true',
  'false',
  'null',
  'json_contains',
  'json_contains_all',
  'json_contains_any',
  'array_contains',
  'array_contains_all',
  'array_contains_any',
  'array_length',
  'element_filter',
  'text_match',
  'phrase_match',
  'random_sample',
])

function tooLong(name: string): boolean {
  return Buffer.byteLength(name) > LIMITS.nameBytesMax
}

function checkWord(name: string, kind: string, error: (detail: string) => MilvusError): string {
  if (name === '') throw error(`${kind} name should not be empty`)
  const prefix = `Invalid ${kind} name: ${name}. `
  if (tooLong(name)) {
    throw error(`${prefix}the length of a ${kind} name must be less than ${LIMITS.nameBytesMax} characters`)
  }
  if (!FIRST.test(name)) {
    throw error(`${prefix}the first character of a ${kind} name must be an underscore or letter`)
  }
  if (!REST.test(name)) {
    throw error(`${prefix}${kind} name can only contain numbers, letters and underscores`)
  }
  return name
}

/** @throws MilvusError ParameterInvalid, `Invalid collection name: X. …` */
export function checkCollectionName(name: string): string {
  return checkWord(name, 'collection', invalid)
}

/** @throws MilvusError ParameterInvalid, `Invalid collection alias name: X. …` */
export function checkAliasName(name: string): string {
  return checkWord(name, 'collection alias', invalid)
}

/** @throws MilvusError DatabaseInvalidName */
export function checkDatabaseName(name: string): string {
  return checkWord(name, 'database', detail => new MilvusError('DatabaseInvalidName', detail))
}

/** @throws MilvusError FieldInvalidName: syntax, reserved names, words of the filter language */
export function checkFieldName(name: string): string {
  const error = (detail: string) => new MilvusError('FieldInvalidName', detail)
  if (name === '') throw error('field name should not be empty')
  const prefix = `Invalid field name: ${name}. `
  if (RESERVED_FIELDS.has(name)) throw error(`${prefix}${name} is a reserved field name`)
  if (tooLong(name)) {
    throw error(`${prefix}The length of a field name must be less than ${LIMITS.nameBytesMax} characters.`)
  }
  if (!FIRST.test(name)) {
    throw error(`${prefix}The first character of a field name must be an underscore or letter.`)
  }
  if (!REST.test(name)) {
    throw error(`${prefix}Field name can only contain numbers, letters, and underscores.`)
  }
  if (isKeyword(name)) throw error(`${prefix}${name} is keyword in milvus.`)
  return name
}

/** Keywords exist in lower and upper case; true and false also capitalised; null in any case. */
function isKeyword(name: string): boolean {
  const lower = name.toLowerCase()
  if (!KEYWORDS.has(lower)) return false
  return name === lower || name === name.toUpperCase() || lower === 'null' || /^(True|False)$/.test(name)
}

/**
 * @returns the name without leading and trailing white space
 * @throws MilvusError ParameterInvalid, `Invalid partition name: X. …`
 */
export function checkPartitionName(name: string): string {
  const trimmed = name.trim()
  const prefix = `Invalid partition name: ${trimmed}. `
  if (trimmed === '') throw invalid(`${prefix}Partition name should not be empty.`)
  if (tooLong(trimmed)) {
    throw invalid(
      `${prefix}The length of a partition name must be less than ${LIMITS.nameBytesMax} characters.`,
    )
  }
  if (!PARTITION_FIRST.test(trimmed)) {
    throw invalid(`${prefix}The first character of a partition name must be an underscore or letter.`)
  }
  if (!PARTITION_REST.test(trimmed)) {
    throw invalid(`${prefix}Partition name can only contain numbers, letters and underscores.`)
  }
  return trimmed
}
