/**
 * One field request to one checked FieldSchema.
 *
 * Rules about a field on its own live here: type, dimension, lengths, element type, default value, flags that exclude
 * each other (upsert-semantics §6.1, §6.7). Rules that need the whole collection are in validate-schema.ts.
 */

import { invalid } from '../base/errors.js'
import { valueText } from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import type { FieldSchema, ScalarValue } from './collection-schema.js'
import { DataType, dataTypeName, isDenseVectorType, isVectorType } from './data-type.js'
import { INT64_MAX, INT64_MIN, parseInt64 } from './int64.js'
import { checkFieldName } from './names.js'
import type { FieldRequest } from './requests.js'
import { parseTimestamptz } from './timestamptz.js'
import { canonicalWkt } from './wkt.js'

/** Type parameters that have a place of their own in FieldSchema. */
const OWN_PARAMS = new Set(['dim', 'max_length', 'max_capacity'])

const ELEMENT_TYPES: ReadonlySet<number> = new Set([
  DataType.Bool,
  DataType.Int8,
  DataType.Int16,
  DataType.Int32,
  DataType.Int64,
  DataType.Float,
  DataType.Double,
  DataType.VarChar,
])

const INT_BITS: Readonly<Partial<Record<DataType, number>>> = {
  [DataType.Int8]: 8,
  [DataType.Int16]: 16,
  [DataType.Int32]: 32,
}

/** Smallest and greatest value of Int8, Int16 and Int32; undefined for other types. */
export function intRange(type: DataType): readonly [min: number, max: number] | undefined {
  const bits = INT_BITS[type]
  return bits === undefined ? undefined : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
}

/**
 * Checks one field.
 * @param id the field id it gets
 * @throws MilvusError ParameterInvalid, FieldInvalidName, OperationNotSupported
 */
export function buildField(request: FieldRequest, id: number, collectionName: string): FieldSchema {
  const name = checkFieldName(request.name)
  const dataType = checkDataType(request)
  if ((request.description ?? '').length > LIMITS.descriptionMax) {
    throw invalid(`description of field ${name} is longer than ${LIMITS.descriptionMax} characters`)
  }
  checkFlags(request)
  const maxLength = maxLengthOf(request, collectionName)
  const field = {
    id,
    name,
    description: request.description ?? '',
    dataType,
    primaryKey: request.primaryKey === true,
    autoId: request.autoId === true,
    nullable: request.nullable === true,
    partitionKey: request.partitionKey === true,
    clusteringKey: request.clusteringKey === true,
    dynamic: false,
    functionOutput: false,
    dim: dimOf(request),
    maxLength,
    maxCapacity: maxCapacityOf(request, collectionName),
    elementType: request.dataType === DataType.Array ? elementTypeOf(request) : DataType.None,
    params: paramsOf(request),
  }
  const defaultValue = defaultOf(request, maxLength)
  return defaultValue === undefined ? field : { ...field, defaultValue }
}

function checkDataType(request: FieldRequest): DataType {
  const type: number = request.dataType
  switch (type) {
    case 20:
      throw invalid('string data type not supported yet, please use VarChar type instead')
    case DataType.ArrayOfVector:
      throw invalid(`ArrayOfVector is only supported in a struct array field, field name = ${request.name}`)
    case DataType.None:
    case DataType.ArrayOfStruct:
    case DataType.Struct:
      break
    default:
      if (Object.values(DataType).includes(request.dataType)) return request.dataType
  }
  throw invalid(`field data type: ${type} is not supported, field name = ${request.name}`)
}

function checkFlags(request: FieldRequest): void {
  const { name, dataType } = request
  const isKeyType = dataType === DataType.Int64 || dataType === DataType.VarChar
  if (request.primaryKey === true) {
    if (!isKeyType) {
      throw invalid(`the data type of primary key should be Int64 or VarChar, field name = ${name}`)
    }
    if (request.nullable === true) throw invalid(`primary field not support null, field name = ${name}`)
    if (request.partitionKey === true) {
      throw invalid(`the partition key field must not be primary field, field name = ${name}`)
    }
  } else if (request.autoId === true) {
    throw invalid(`only primary field can specify AutoID with true, field name = ${name}`)
  }
  if (request.partitionKey === true) {
    if (!isKeyType) {
      throw invalid(`the data type of partition key should be Int64 or VarChar, field name = ${name}`)
    }
    if (request.nullable === true) throw invalid(`partition key field not support nullable: ${name}`)
  }
  if (request.clusteringKey === true && (isVectorType(dataType) || !isSortable(dataType))) {
    throw invalid(`clustering key does not support type ${dataTypeName(dataType)}, field name = ${name}`)
  }
}

function isSortable(type: DataType): boolean {
  switch (type) {
    case DataType.JSON:
    case DataType.Array:
    case DataType.Text:
    case DataType.Bool:
    case DataType.Geometry:
      return false
    default:
      return true
  }
}

/** An integer parameter from its own property or, as number or text, from `params`; undefined when absent. */
function integerParam(request: FieldRequest, own: number | undefined, key: string): number | undefined {
  const raw = own ?? request.params?.[key]
  if (raw === undefined) return undefined
  const value = typeof raw === 'string' && /^\s*[+-]?\d+\s*$/.test(raw) ? Number(raw) : raw
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw invalid(`field ${request.name}: type param(${key}) should be an integer, got ${raw}`)
}

function dimOf(request: FieldRequest): number {
  const dim = integerParam(request, request.dim, 'dim')
  const { name, dataType } = request
  if (!isDenseVectorType(dataType)) {
    if (dataType === DataType.SparseFloatVector && dim !== undefined) {
      throw invalid(`dim should not be specified for sparse vector field ${name}`)
    }
    return 0
  }
  if (dim === undefined) {
    throw invalid(
      `dimension is not defined in field type params of field ${name}, check type param \`dim\` for vector field`,
    )
  }
  const binary = dataType === DataType.BinaryVector
  const max = binary ? LIMITS.binaryDimMax : LIMITS.dimMax
  if (dim < LIMITS.dimMin || dim > max) {
    const kind = binary ? 'binary vector' : 'float vector'
    throw invalid(
      `invalid dimension: ${dim} of field ${name}. ${kind} dimension should be in range ${LIMITS.dimMin} ~ ${max}`,
    )
  }
  if (binary && dim % 8 !== 0) {
    throw invalid(
      `invalid dimension: ${dim} of field ${name}. binary vector dimension should be multiple of 8.`,
    )
  }
  return dim
}

function maxLengthOf(request: FieldRequest, collectionName: string): number {
  const { name, dataType } = request
  const needed =
    dataType === DataType.VarChar || (dataType === DataType.Array && request.elementType === DataType.VarChar)
  if (!needed) return 0
  const maxLength = integerParam(request, request.maxLength, 'max_length')
  if (maxLength === undefined) {
    throw invalid(
      `type param(max_length) should be specified for the field(${name}) of collection ${collectionName}`,
    )
  }
  if (maxLength < LIMITS.maxLengthMin || maxLength > LIMITS.maxLengthMax) {
    throw invalid(
      `the maximum length specified for the field(${name}) should be in (0, ${LIMITS.maxLengthMax}], but got ${maxLength} instead`,
    )
  }
  return maxLength
}

function maxCapacityOf(request: FieldRequest, collectionName: string): number {
  if (request.dataType !== DataType.Array) return 0
  const maxCapacity = integerParam(request, request.maxCapacity, 'max_capacity')
  if (maxCapacity === undefined) {
    throw invalid(
      `type param(max_capacity) should be specified for array field ${request.name} of collection ${collectionName}`,
    )
  }
  if (maxCapacity < LIMITS.maxCapacityMin || maxCapacity > LIMITS.maxCapacityMax) {
    throw invalid(
      `the maximum capacity specified for a Array should be in (0, ${LIMITS.maxCapacityMax}], but got ${maxCapacity}, field name = ${request.name}`,
    )
  }
  return maxCapacity
}

function elementTypeOf(request: FieldRequest): DataType {
  const type = request.elementType ?? DataType.None
  if (ELEMENT_TYPES.has(type)) return type
  throw invalid(`element type ${type} is not supported for array field ${request.name}`)
}

function paramsOf(request: FieldRequest): Readonly<Record<string, string>> {
  const params: Record<string, string> = {}
  for (const [key, value] of Object.entries(request.params ?? {})) {
    if (!OWN_PARAMS.has(key)) params[key] = valueText(value)
  }
  return params
}

/** The default in stored form, or undefined when the request has none. */
function defaultOf(request: FieldRequest, maxLength: number): ScalarValue | undefined {
  const { name, dataType, defaultValue: given } = request
  if (given === undefined || given === null) return undefined
  if (request.primaryKey === true) {
    throw invalid(`primary field not support default_value, field name = ${name}`)
  }
  const value = scalarDefault(dataType, given)
  if (value === 'unsupported') {
    throw invalid(`type not support default_value, type:${dataTypeName(dataType)}, name:${name}`)
  }
  if (value === undefined) {
    throw invalid(
      `type (${dataTypeName(dataType)}) of field (${name}) is not equal to the type(${typeof given}) of default_value, or ${String(given)} is out of its range`,
    )
  }
  if (dataType === DataType.VarChar) {
    const length = Buffer.byteLength(given as string)
    if (length > maxLength) {
      throw invalid(
        `the length (${length}) of string exceeds max length (${maxLength}), field name = ${name}`,
      )
    }
    return given as string
  }
  return value
}

function scalarDefault(type: DataType, given: unknown): ScalarValue | undefined | 'unsupported' {
  switch (type) {
    case DataType.Bool:
      return typeof given === 'boolean' ? given : undefined
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32: {
      const [min, max] = intRange(type)!
      return Number.isInteger(given) && (given as number) >= min && (given as number) <= max
        ? (given as number) + 0
        : undefined
    }
    case DataType.Int64:
      return int64Default(given)
    case DataType.Float:
    case DataType.Double: {
      const value = type === DataType.Float && typeof given === 'number' ? Math.fround(given) : given
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined
    }
    case DataType.VarChar:
      return typeof given === 'string' ? true : undefined
    case DataType.Geometry:
      return typeof given === 'string' ? canonicalWkt(given) : undefined
    case DataType.Timestamptz:
      if (typeof given === 'string' || given instanceof Date) return parseTimestamptz(given)
      return int64Default(given)
    default:
      return 'unsupported'
  }
}

function int64Default(given: unknown): number | bigint | undefined {
  if (typeof given === 'number') return Number.isSafeInteger(given) ? given + 0 : undefined
  if (typeof given === 'string') return parseInt64(given)
  if (typeof given !== 'bigint' || given < INT64_MIN || given > INT64_MAX) return undefined
  const small = Number(given)
  return Number.isSafeInteger(small) ? small : given
}
