/**
 * Schemas as REST declares them: JSON objects to the protocol's FieldSchema and CollectionSchema messages.
 */
import { invalid } from '../../base/errors.js'
import { shownValue } from '../../base/json.js'
import { DataType } from '../../schema/data-type.js'
import type { Init } from '../message.js'
import type {
  CollectionSchema,
  FieldSchema,
  FunctionSchema,
  StructArrayFieldSchema,
  ValueField,
} from '../messages/common.js'
import { RestError } from '../status.js'
import { pairsOf } from './pairs.js'
import { type Body, objectOf, objectsOf, textOf, textsOf } from './route.js'

/** Number of a data type by its protocol name, which is case-sensitive. @throws MilvusError 1100 */
export function dataTypeOf(name: string): DataType {
  const found = Object.hasOwn(DataType, name)
    ? (DataType as Readonly<Record<string, DataType>>)[name]
    : undefined
  if (found === undefined || found === DataType.None) {
    throw invalid(`data type ${name} is invalid(case sensitive).`)
  }
  return found
}

/** One field of `schema.fields`. @throws RestError 1802 without name or type; MilvusError 1100 */
export function declaredField(field: Body): Init<typeof FieldSchema> {
  const name = textOf(field, 'fieldName')
  const typeName = textOf(field, 'dataType')
  for (const [key, value] of [
    ['FieldName', name],
    ['DataType', typeName],
  ]) {
    if (value === '') {
      throw new RestError(
        'missingParameters',
        `Key: '${key}' Error:Field validation for '${key}' failed on the 'required' tag`,
      )
    }
  }
  const dataType = dataTypeOf(typeName)
  const elementName = textOf(field, 'elementDataType')
  const { defaultValue } = field as { defaultValue?: unknown }
  return {
    name,
    description: textOf(field, 'description'),
    data_type: dataType,
    element_type: elementName === '' ? 0 : dataTypeOf(elementName),
    is_primary_key: field['isPrimary'] === true,
    autoID: field['autoID'] === true || field['autoId'] === true,
    is_partition_key: field['isPartitionKey'] === true,
    is_clustering_key: field['isClusteringKey'] === true,
    nullable: field['nullable'] === true,
    type_params: pairsOf({ ...objectOf(field, 'typeParams'), ...objectOf(field, 'elementTypeParams') }),
    default_value:
      defaultValue === undefined || defaultValue === null ? undefined : valueField(dataType, defaultValue),
  }
}

function valueField(type: DataType, value: unknown): Init<typeof ValueField> {
  const wrong = (expected: string): Error =>
    invalid(`convert defaultValue fail, err: expected ${expected}, got ${shownValue(value)}`)
  switch (type) {
    case DataType.Bool:
      if (typeof value !== 'boolean') throw wrong('a boolean')
      return { bool_data: value }
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32:
      if (!Number.isInteger(value)) throw wrong('an integer')
      return { int_data: value as number }
    case DataType.Int64:
      if (typeof value === 'bigint') return { long_data: value }
      if (!Number.isInteger(value)) throw wrong('an integer')
      return { long_data: BigInt(value as number) }
    case DataType.Float:
      if (typeof value !== 'number') throw wrong('a number')
      return { float_data: value }
    case DataType.Double:
      if (typeof value !== 'number') throw wrong('a number')
      return { double_data: value }
    default:
      if (typeof value !== 'string') throw wrong('a text')
      return { string_data: value }
  }
}

const FUNCTION_TYPES: Readonly<Record<string, number>> = { BM25: 1, TextEmbedding: 2, Rerank: 3, MinHash: 4 }

/** One function of `schema.functions`. @throws MilvusError 1100 for unknown kinds */
export function declaredFunction(one: Body): Init<typeof FunctionSchema> {
  const type = FUNCTION_TYPES[textOf(one, 'type')]
  if (type === undefined) throw invalid(`unsupported function type: ${textOf(one, 'type')}`)
  return {
    name: textOf(one, 'name'),
    description: textOf(one, 'description'),
    type,
    input_field_names: textsOf(one, 'inputFieldNames'),
    output_field_names: textsOf(one, 'outputFieldNames'),
    params: pairsOf(objectOf(one, 'params')),
  }
}

/** One struct of `schema.structFields`. */
export function declaredStruct(struct: Body): Init<typeof StructArrayFieldSchema> {
  return {
    name: textOf(struct, 'fieldName'),
    description: textOf(struct, 'description'),
    nullable: struct['nullable'] === true,
    fields: objectsOf(struct, 'fields').map(declaredField),
    type_params: pairsOf({ ...objectOf(struct, 'typeParams'), ...objectOf(struct, 'elementTypeParams') }),
  }
}

/** `schema` of a create request. */
export function declaredSchema(
  name: string,
  description: string,
  schema: Body,
): Init<typeof CollectionSchema> {
  const autoID = schema['autoID'] === true || schema['autoId'] === true
  const fields = objectsOf(schema, 'fields').map(declaredField)
  return {
    name,
    description: textOf(schema, 'description') || description,
    autoID,
    // The collection's flag counts for its primary key.
    fields: fields.map(field => (field.is_primary_key === true && autoID ? { ...field, autoID } : field)),
    struct_array_fields: objectsOf(schema, 'structFields').map(declaredStruct),
    enable_dynamic_field: schema['enableDynamicField'] === true,
    functions: objectsOf(schema, 'functions').map(declaredFunction),
  }
}
