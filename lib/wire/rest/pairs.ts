/**
 * JSON parameters as the protocol's key/value pairs: every value becomes text.
 */
import { stringifyJson } from '../../base/json.js'
import type { KeyValue } from '../key-values.js'

/** Text of a parameter value: texts as they are, everything else as JSON. */
export function paramText(value: unknown): string {
  return typeof value === 'string' ? value : stringifyJson(value)
}

/** Pairs of an object, in its order; null and undefined members are left out. */
export function pairsOf(object: Readonly<Record<string, unknown>>): KeyValue[] {
  const out: KeyValue[] = []
  for (const [key, value] of Object.entries(object)) {
    if (value !== null && value !== undefined) out.push({ key, value: paramText(value) })
  }
  return out
}
