/**
 * What a declared scalar index keeps in order here: which values of which field (query-search-semantics §4.4).
 *
 * One structure serves every declared type (scalar-order.ts), so what matters is only what is ordered: a column's
 * values, the elements of its arrays, or what stands at one path of a JSON field, of the classes its cast type names.
 * A class that is not kept is not lost: filters on it scan.
 */
import type { FieldSchema } from '../schema/collection-schema.js'
import { DataType, isFloatType, isIntegerType } from '../schema/data-type.js'
import type { IndexSpec } from './index-spec.js'
import { jsonPathSteps } from './scalar-params.js'

/** Classes of values: each has an order of its own, no value belongs to two. */
export const VALUE_CLASSES = ['int', 'double', 'text', 'bool'] as const
export type ValueClass = (typeof VALUE_CLASSES)[number]

/** What an index keeps in order. */
export interface OrderKind {
  /** 'value': at most one entry per row. 'element': one per element of an array. */
  readonly form: 'value' | 'element'
  /** Keys below a JSON field; null for other fields. */
  readonly path: readonly string[] | null
  readonly classes: readonly ValueClass[]
}

const NUMBERS: readonly ValueClass[] = ['int', 'double']

/**
 * What a declared index keeps in order; null when nothing is built for it: NGRAM, RTREE, vectors, for which filters scan,
 * and primary keys, which sealed segments are sorted by anyway.
 */
export function orderKindOf(spec: IndexSpec, field: FieldSchema): OrderKind | null {
  if (spec.indexType === 'NGRAM' || spec.indexType === 'RTREE' || field.primaryKey) return null
  if (field.dataType === DataType.JSON) return jsonKind(spec, field)
  const array = field.dataType === DataType.Array
  const of = classOf(array ? field.elementType : field.dataType)
  return of === null ? null : { form: array ? 'element' : 'value', path: null, classes: [of] }
}

function classOf(type: DataType): ValueClass | null {
  if (type === DataType.Bool) return 'bool'
  if (isIntegerType(type) || type === DataType.Timestamptz) return 'int'
  if (isFloatType(type)) return 'double'
  return type === DataType.VarChar ? 'text' : null
}

/** `json_cast_function` changes nothing: a text that looks like a number is still no number to a filter. */
function jsonKind(spec: IndexSpec, field: FieldSchema): OrderKind | null {
  const path = jsonPathSteps(field, spec.params['json_path'] ?? field.name)
  switch ((spec.params['json_cast_type'] ?? '').toUpperCase()) {
    case 'BOOL':
      return { form: 'value', path, classes: ['bool'] }
    case 'DOUBLE':
      return { form: 'value', path, classes: NUMBERS }
    case 'VARCHAR':
      return { form: 'value', path, classes: ['text'] }
    case 'JSON':
      return { form: 'value', path, classes: VALUE_CLASSES }
    case 'ARRAY_BOOL':
      return { form: 'element', path, classes: ['bool'] }
    case 'ARRAY_DOUBLE':
      return { form: 'element', path, classes: NUMBERS }
    case 'ARRAY_VARCHAR':
      return { form: 'element', path, classes: ['text'] }
    default:
      return null
  }
}
