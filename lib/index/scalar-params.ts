/**
 * Judges index requests on scalar fields: which type goes with which field, and the parameters of JSON and n-gram
 * indexes (query-search-semantics §4.4).
 *
 * Scalar indexes only ever speed filters up, so apart from these checks unknown parameters are ignored.
 */
import { invalid, MilvusError } from '../base/errors.js'
import type { FieldSchema } from '../schema/collection-schema.js'
import { DataType, dataTypeName, isFloatType, isIntegerType, isVectorType } from '../schema/data-type.js'
import { VECTOR_INDEX_TYPES } from './index-types.js'

const JSON_CASTS = ['BOOL', 'DOUBLE', 'VARCHAR', 'ARRAY_BOOL', 'ARRAY_DOUBLE', 'ARRAY_VARCHAR', 'JSON']

/**
 * Checks an index on a scalar field (or a scalar type on any field).
 * Returns quietly for a vector field with a type that is no scalar one: the caller knows the text for that.
 */
export function checkScalarIndex(
  field: FieldSchema,
  indexType: string,
  params: Readonly<Record<string, string>>,
): void {
  const vector = isVectorType(field.dataType)
  switch (indexType) {
    case 'AUTOINDEX':
      break
    case 'INVERTED':
      checkInverted(field)
      break
    case 'BITMAP':
      checkBitmap(field)
      break
    case 'STL_SORT':
      if (!isNumeric(field.dataType) && !isText(field.dataType) && field.dataType !== DataType.Timestamptz) {
        throw invalid('STL_SORT are only supported on numeric, varchar or timestamptz field')
      }
      break
    case 'TRIE':
      if (!isText(field.dataType)) throw invalid('TRIE are only supported on varchar field')
      break
    case 'NGRAM':
      checkNgram(field, params)
      break
    case 'RTREE':
      if (field.dataType !== DataType.Geometry)
        throw invalid('RTREE index can only be built on geometry field')
      break
    default:
      if (vector) return
      if (VECTOR_INDEX_TYPES[indexType] !== undefined) {
        throw invalid(`data type ${dataTypeName(field.dataType)} can't build with this index ${indexType}`)
      }
      throw invalid('', { expected: 'valid index', actual: `invalid index type: ${indexType}` })
  }
  if (field.dataType === DataType.JSON) checkJson(field, params)
}

/**
 * Keys of a JSON path below its field: `meta["a"][0]` -> ['a', '0'].
 * On the dynamic field the first name may be the key itself: `color["dark"]` -> ['color', 'dark'].
 * @throws MilvusError ParameterInvalid `cannot parse identifier` for anything that is no path of this field
 */
export function jsonPathSteps(field: FieldSchema, path: string): string[] {
  const head = /^[A-Za-z_$][A-Za-z0-9_$]*/.exec(path)
  if (head === null) throw badPath(path)
  const steps: string[] = []
  if (head[0] !== field.name) {
    if (!field.dynamic) throw badPath(path)
    steps.push(head[0])
  }
  const step = /\[(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\d+))\]/y
  step.lastIndex = head[0].length
  while (step.lastIndex < path.length) {
    const found = step.exec(path)
    if (found === null) throw badPath(path)
    steps.push((found[1] ?? found[2] ?? found[3] ?? '').replace(/\\(.)/g, '$1'))
  }
  return steps
}

function badPath(path: string): MilvusError {
  return invalid(`cannot parse identifier: ${path}`)
}

function isNumeric(dataType: DataType): boolean {
  return isIntegerType(dataType) || isFloatType(dataType)
}

function isText(dataType: DataType): boolean {
  return dataType === DataType.VarChar || dataType === DataType.Text
}

/** The type a scalar index sees: of the elements for arrays. */
function valueType(field: FieldSchema): DataType {
  return field.dataType === DataType.Array ? field.elementType : field.dataType
}

function checkInverted(field: FieldSchema): void {
  const type = valueType(field)
  const allowed = type === DataType.Bool || type === DataType.JSON || isNumeric(type) || isText(type)
  if (!allowed) throw invalid(`INVERTED are not supported on ${dataTypeName(field.dataType)} field`)
}

function checkBitmap(field: FieldSchema): void {
  if (field.primaryKey) throw invalid('create bitmap index on primary key not supported')
  const type = valueType(field)
  if (type !== DataType.Bool && !isIntegerType(type) && !isText(type)) {
    throw invalid('bitmap index are only supported on bool, int, string and array field')
  }
}

function checkNgram(field: FieldSchema, params: Readonly<Record<string, string>>): void {
  if (!isText(field.dataType) && field.dataType !== DataType.JSON) {
    throw invalid('Ngram index can only be created on VARCHAR or JSON field')
  }
  const minText = params['min_gram']
  const maxText = params['max_gram']
  if (minText === undefined || maxText === undefined) {
    throw invalid('Ngram index must specify both min_gram and max_gram')
  }
  const min = gram('min_gram', minText)
  const max = gram('max_gram', maxText)
  if (min < 1 || max < min) {
    throw invalid(`invalid min_gram or max_gram value for Ngram index, min_gram: ${min}, max_gram: ${max}`)
  }
  const cast = params['json_cast_type']
  if (field.dataType === DataType.JSON && cast !== undefined && cast.toUpperCase() !== 'VARCHAR') {
    throw invalid('Ngram index can only be created on VARCHAR or JSON field')
  }
}

function gram(name: string, text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw invalid(`${name} for Ngram index must be an integer, got: ${text}`)
  return Number(text)
}

function checkJson(field: FieldSchema, params: Readonly<Record<string, string>>): void {
  const cast = params['json_cast_type']
  if (cast === undefined) throw new MilvusError('ParameterMissing', 'json index must specify cast type')
  if (!JSON_CASTS.includes(cast.toUpperCase())) throw invalid(`json_cast_type ${cast} is not supported`)
  const path = params['json_path']
  if (path !== undefined) jsonPathSteps(field, path)
  const castFunction = params['json_cast_function']
  if (castFunction !== undefined && castFunction.toUpperCase() !== 'STRING_TO_DOUBLE') {
    throw invalid(`json_cast_function ${castFunction} is not supported`)
  }
}
