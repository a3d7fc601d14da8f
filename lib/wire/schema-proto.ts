/**
 * Collection schemas between the protocol and the engine: CollectionSchema bytes to a CollectionRequest, and a stored
 * schema back to the message describe answers with.
 *
 * Type parameters travel as text pairs (`dim`, `max_length`, …). They are passed on as text: the schema room reads and
 * judges them. The hidden `$meta` field is never shown; `enable_dynamic_field` tells.
 */
import type {
  FieldSchema as StoredField,
  CollectionSchema as StoredSchema,
} from '../schema/collection-schema.js'
import { DataType } from '../schema/data-type.js'
import type { CollectionRequest, FieldRequest, FunctionRequest } from '../schema/requests.js'
import { toPairs, toRecord } from './key-values.js'
import { type Decoded, decode, type Init } from './message.js'
import {
  CollectionSchema,
  FieldSchema,
  type FunctionSchema,
  type StructArrayFieldSchema,
  type ValueField,
} from './messages/common.js'

/** Parameters that are fields of their own in a stored schema. */
const OWN_PARAMS = ['dim', 'max_length', 'max_capacity'] as const

/** What a serialized CollectionSchema declares. Properties are returned beside it. */
export interface DeclaredCollection {
  readonly request: CollectionRequest
  readonly properties: Readonly<Record<string, string>>
}

/**
 * Reads the `schema` bytes of a create request.
 * @throws MilvusError 1100 for malformed bytes
 */
export function decodeCollectionSchema(bytes: Uint8Array): DeclaredCollection {
  const schema = decode(CollectionSchema, bytes)
  return {
    request: {
      name: schema.name,
      description: schema.description,
      fields: [...schema.fields.map(fieldRequest), ...schema.struct_array_fields.map(structRequest)],
      functions: schema.functions.map(functionRequest),
      enableDynamicField: schema.enable_dynamic_field,
      // The field's flag decides (protocol §2.1); the collection's is an older copy of it.
      autoId: schema.fields.some(field => field.is_primary_key && field.autoID),
    },
    properties: toRecord(schema.properties),
  }
}

/** Reads one serialized FieldSchema (adding a field). */
export function decodeFieldSchema(bytes: Uint8Array): FieldRequest {
  return fieldRequest(decode(FieldSchema, bytes))
}

/** A field as declared on the wire. */
export function fieldRequest(field: Decoded<typeof FieldSchema>): FieldRequest {
  const defaultValue = field.default_value === undefined ? undefined : givenValue(field.default_value)
  return {
    name: field.name,
    dataType: field.data_type as DataType,
    description: field.description,
    primaryKey: field.is_primary_key,
    autoId: field.autoID,
    nullable: field.nullable,
    partitionKey: field.is_partition_key,
    clusteringKey: field.is_clustering_key,
    elementType: field.element_type as DataType,
    params: toRecord(field.type_params),
    ...(defaultValue === undefined ? {} : { defaultValue }),
  }
}

/** A struct array field as declared on the wire. */
export function structRequest(struct: Decoded<typeof StructArrayFieldSchema>): FieldRequest {
  return {
    name: struct.name,
    dataType: DataType.ArrayOfStruct,
    description: struct.description,
    nullable: struct.nullable,
    fields: struct.fields.map(fieldRequest),
    params: toRecord(struct.type_params),
  }
}

/** A function as declared on the wire. */
export function functionRequest(one: Decoded<typeof FunctionSchema>): FunctionRequest {
  return {
    name: one.name,
    description: one.description,
    type: one.type,
    inputFieldNames: one.input_field_names,
    outputFieldNames: one.output_field_names,
    params: toRecord(one.params),
  }
}

/** The member of a ValueField that is set. */
function givenValue(value: Decoded<typeof ValueField>): unknown {
  const long = value.long_data ?? value.timestamptz_data
  if (long !== undefined) return Number.isSafeInteger(Number(long)) ? Number(long) : long
  return (
    value.bool_data ??
    value.int_data ??
    value.float_data ??
    value.double_data ??
    value.string_data ??
    value.bytes_data
  )
}

/** The message describe answers with. `databaseName` and properties are the collection's. */
export function describeSchema(
  schema: StoredSchema,
  databaseName: string,
  properties: Readonly<Record<string, string>>,
): Init<typeof CollectionSchema> {
  const pk = schema.fields[schema.pkIndex]!
  return {
    name: schema.name,
    description: schema.description,
    autoID: pk.autoId,
    fields: schema.fields.filter(field => !field.dynamic && field.fields === undefined).map(describeField),
    struct_array_fields: schema.fields.filter(field => field.fields !== undefined).map(describeStruct),
    enable_dynamic_field: schema.dynamicIndex >= 0,
    properties: toPairs(properties),
    functions: schema.functions.map(one => ({
      name: one.name,
      id: one.id,
      description: one.description,
      type: one.type,
      input_field_names: one.inputFieldNames,
      input_field_ids: idsOf(schema, one.inputFieldNames),
      output_field_names: one.outputFieldNames,
      output_field_ids: idsOf(schema, one.outputFieldNames),
      params: toPairs(one.params),
    })),
    db_name: databaseName,
    version: schema.version,
  }
}

function idsOf(schema: StoredSchema, names: readonly string[]): number[] {
  return names.map(name => schema.fields.find(field => field.name === name)?.id ?? 0)
}

function describeStruct(field: StoredField): Init<typeof StructArrayFieldSchema> {
  return {
    fieldID: field.id,
    name: field.name,
    description: field.description,
    nullable: field.nullable,
    fields: (field.fields ?? []).map(sub => describeField({ ...sub, nullable: field.nullable })),
    type_params: toPairs({ max_capacity: String(field.maxCapacity), ...field.params }),
  }
}

/** One stored field as a message. */
export function describeField(field: StoredField): Init<typeof FieldSchema> {
  return {
    fieldID: field.id,
    name: field.name,
    is_primary_key: field.primaryKey,
    description: field.description,
    data_type: field.dataType,
    type_params: toPairs(typeParams(field)),
    autoID: field.autoId,
    element_type: field.elementType,
    default_value: field.defaultValue === undefined ? undefined : valueField(field, field.defaultValue),
    is_dynamic: field.dynamic,
    is_partition_key: field.partitionKey,
    is_clustering_key: field.clusteringKey,
    nullable: field.nullable,
    is_function_output: field.functionOutput,
  }
}

/** Type parameters as text, the ones stored as numbers first. */
export function typeParams(field: StoredField): Record<string, string> {
  const numbers = { dim: field.dim, max_length: field.maxLength, max_capacity: field.maxCapacity }
  const out: Record<string, string> = {}
  for (const name of OWN_PARAMS) if (numbers[name] > 0) out[name] = String(numbers[name])
  return { ...out, ...field.params }
}

function valueField(
  field: StoredField,
  value: NonNullable<StoredField['defaultValue']>,
): Init<typeof ValueField> {
  switch (field.dataType) {
    case DataType.Bool:
      return { bool_data: value === true }
    case DataType.Int8:
    case DataType.Int16:
    case DataType.Int32:
      return { int_data: Number(value) }
    case DataType.Int64:
      return { long_data: BigInt(value) }
    case DataType.Float:
      return { float_data: Number(value) }
    case DataType.Double:
      return { double_data: Number(value) }
    case DataType.Timestamptz:
      return { timestamptz_data: BigInt(value) }
    default:
      return { string_data: String(value) }
  }
}
