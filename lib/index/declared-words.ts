/**
 * How a client sees its index again: in the words of its request (query-search-semantics §4.5).
 *
 * A definition holds one flat form, so that two requests that mean the same are the same. Where the words were others
 * (`Trie`, several parameters as one JSON text) they are kept beside it, only to be shown.
 */
import { valueText } from '../base/json.js'
import type { IndexSpec } from './index-spec.js'
import { isStorageParam } from './index-types.js'

/**
 * The words of a request that its definition does not have.
 * @param indexType in the form of the definition
 * @param vector AUTOINDEX on a vector shows its metric and nothing else
 * @returns undefined when the definition says it all
 */
export function declaredWords(
  given: Readonly<Record<string, unknown>>,
  indexType: string,
  vector: boolean,
): Readonly<Record<string, string>> | undefined {
  if (vector && indexType === 'AUTOINDEX') return undefined
  const { index_type: type, metric_type: _, ...rest } = given
  const nested = typeof rest['params'] === 'string' && rest['params'] !== ''
  const otherType = typeof type === 'string' && type !== '' && type !== indexType
  if (!nested && !otherType) return undefined
  const words: Record<string, string> = otherType ? { index_type: type } : {}
  for (const [key, value] of Object.entries(rest))
    if (value !== null && value !== undefined && (key !== 'params' || nested)) words[key] = valueText(value)
  return words
}

/** The pairs that describe shows: as declared, with the storage parameters of today. */
export function shownParams(spec: IndexSpec): Record<string, string> {
  const { indexType, metricType, params, declared } = spec
  const shown: Record<string, string> = { index_type: declared?.['index_type'] ?? indexType }
  if (metricType !== '') shown['metric_type'] = metricType
  if (declared === undefined) return { ...shown, ...params }
  for (const [key, text] of Object.entries(declared)) if (!isStorageParam(key)) shown[key] = text
  const inText = JSON.parse(declared['params'] || '{}') as Readonly<Record<string, unknown>>
  for (const [key, text] of Object.entries(params)) {
    if (!isStorageParam(key)) continue
    if (!Object.hasOwn(inText, key) || valueText(inText[key]) !== text) shown[key] = text
  }
  return shown
}
