/**
 * Key/value pairs of the protocol: every value is text, whatever it means.
 *
 * Clients write booleans as `true`, `True` or `"true"`, numbers as decimal text, and structured values as JSON text.
 * These readers keep the text for error messages, because clients match it.
 */
import { MilvusError } from '../base/errors.js'
import { parseJson } from '../base/json.js'
import { jsonMembers } from '../base/json-scan.js'

/** A pair as decoded from the wire. */
export interface KeyValue {
  readonly key: string
  readonly value: string
}

/** Pairs as a record; of a repeated key the last one counts. Keys come in the order of the pairs. */
export function toRecord(pairs: readonly KeyValue[]): Record<string, string> {
  const record: Record<string, string> = Object.create(null) as Record<string, string>
  for (const { key, value } of pairs) record[key] = value
  return { ...record }
}

/** A record as pairs, keys in order. */
export function toPairs(record: Readonly<Record<string, string>>): KeyValue[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }))
}

/** True/false in any of the spellings clients use; undefined for anything else. */
export function parseBoolean(text: string): boolean | undefined {
  const lower = text.trim().toLowerCase()
  if (lower === 'true' || lower === '1' || lower === 't') return true
  if (lower === 'false' || lower === '0' || lower === 'f') return false
  return undefined
}

/** An integer as Milvus reads one: decimal, 0x…, 0o…, 0b…, optional sign; undefined for anything else. */
export function parseInteger(text: string): number | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[0-9]+)$/.exec(text.trim())
  if (match === null) return undefined
  const digits = match[2]!
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
  return Number.isSafeInteger(value) ? (match[1] === '-' && value !== 0 ? -value : value) : undefined
}

/** The pairs of one request, read by key. */
export class Params {
  readonly #values: ReadonlyMap<string, string>

  constructor(pairs: readonly KeyValue[]) {
    this.#values = new Map(pairs.map(({ key, value }) => [key, value]))
  }

  /** The text, or undefined when the key is absent or its value empty. */
  text(key: string): string | undefined {
    const value = this.#values.get(key)
    return value === undefined || value === '' ? undefined : value
  }

  has(key: string): boolean {
    return this.#values.has(key)
  }

  /** @throws MilvusError 1100 `<message>`, by default `<key> [<text>] is invalid`, for anything but an integer */
  integer(key: string, message = (given: string) => `${key} [${given}] is invalid`): number | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    const parsed = parseInteger(value)
    if (parsed === undefined) throw new MilvusError('ParameterInvalid', message(value))
    return parsed
  }

  /** @throws MilvusError 1100 `<message>` for anything but a boolean */
  boolean(key: string, message: string): boolean | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    const parsed = parseBoolean(value)
    if (parsed === undefined) throw new MilvusError('ParameterInvalid', message)
    return parsed
  }

  /**
   * A JSON object; undefined when absent. A whole number written with a fraction or an exponent stays the text it is
   * (`32.0`): Milvus tells it from an integer.
   * @param spelled false: such a number is a number
   * @throws MilvusError 1100 when it is not one
   */
  object(key: string, spelled = true): Record<string, unknown> | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    const parsed = parseJson(value)
    if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) {
      throw new MilvusError('ParameterInvalid', `${key} [${value}] is not a JSON object`)
    }
    const members = parsed as Record<string, unknown>
    if (!spelled) return members
    for (const [name, text] of jsonMembers(value) ?? [])
      if (Number.isInteger(members[name]) && /[.eE]/.test(text)) members[name] = text
    return members
  }
}
