/**
 * Checks the build parameters of an index, each against its rule and then against each other
 * (query-search-semantics §4.2, §4.5), with Milvus's texts.
 */
import { invalid, type MilvusError } from '../base/errors.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import { isStorageParam, type ParamRule } from './index-types.js'

/** Checks one build parameter, given as text. */
export function checkParam(key: string, text: string, rule: ParamRule): void {
  switch (rule.kind) {
    case 'integer':
      if (/^[+-]?\d+\.\d*$/.test(text))
        throw invalid(`wrong data type in json, key: '${key}', value: '${text}'`)
      if (!/^[+-]?\d+$/.test(text)) throw invalid(`invalid integer value, key: '${key}', value: '${text}'`)
      if (Number(text) < rule.min || Number(text) > rule.max) throw outOfRange(key, text, rule)
      return
    case 'number': {
      const value = text.trim() === '' ? Number.NaN : Number(text)
      if (Number.isNaN(value)) throw invalid(`invalid float value, key: '${key}', value: '${text}'`)
      const over = rule.maxExclusive === true ? value >= rule.max : value > rule.max
      if (value < rule.min || over) throw outOfRange(key, text, rule)
      return
    }
    case 'boolean':
      if (!/^(true|false)$/i.test(text)) {
        throw invalid(`Type conflict in json: param '${key}' (${text}) should be a boolean`)
      }
      return
    case 'word':
      if (!rule.words.some(word => word.toLowerCase() === text.toLowerCase()))
        throw invalid(rule.reject(text))
  }
}

/** Checks the parameters that any index takes: those about how it is kept. */
export function checkStorageParams(params: Readonly<Record<string, string>>): void {
  for (const [key, text] of Object.entries(params)) {
    if (isStorageParam(key) && key.endsWith('.enabled') && !/^(true|false)$/i.test(text))
      throw invalid(`invalid ${key} value: ${text}, expected true or false`)
  }
}

function outOfRange(
  key: string,
  text: string,
  rule: {
    readonly kind: string
    readonly min: number
    readonly max: number
    readonly maxExclusive?: boolean
  },
): MilvusError {
  const end = rule.maxExclusive === true ? ')' : ']'
  const shown = (n: number): string => (rule.kind === 'number' ? n.toFixed(6) : String(n))
  return invalid(
    `Out of range in json: param '${key}' (${text}) should be in range [${shown(rule.min)}, ${shown(rule.max)}${end}`,
  )
}

/** What a stored number keeps, less first; of equal ones either will do. */
const PRECISIONS: Readonly<Record<string, number>> = {
  sq4u: 4,
  sq6: 6,
  sq8: 8,
  fp16: 16,
  bf16: 16,
  fp32: 32,
  flat: 32,
}

/** Rows are compared again with better codes than those of the first comparison (query-search-semantics §4.2). */
export function checkRefinement(indexType: string, params: Readonly<Record<string, string>>): void {
  if (indexType !== 'HNSW_SQ' || params['refine']?.toLowerCase() !== 'true') return
  const [base, better] = [params['sq_type'], params['refine_type']]
  if (base === undefined || better === undefined) return
  if (PRECISIONS[better.toLowerCase()]! >= PRECISIONS[base.toLowerCase()]!) return
  throw invalid(`invalid refine type : ${better}, it keeps less than sq_type ${base}`, {
    expected: `a refine_type of at least the precision of ${base}`,
    actual: better,
  })
}

/** Product quantisation cuts a vector into `m` equal parts. */
export function checkSubquantizers(
  field: FieldSchema,
  indexType: string,
  params: Readonly<Record<string, string>>,
): void {
  if (!indexType.endsWith('PQ') && !indexType.endsWith('PRQ')) return
  const m = params['m']
  if (m === undefined || field.dim % Number(m) === 0) return
  const vector = indexType.endsWith('PRQ') ? 'a vector' : 'the vector'
  throw invalid(
    `The dimension of ${vector} (dim) should be a multiple of the number of subquantizers (m). Dimension: ${field.dim}, m: ${m}`,
  )
}
