/**
 * Struct array fields: one request to one checked field with its sub-fields (upsert-semantics §6.5).
 *
 * Only the struct can be null; all sub-fields share its capacity. A sub-field holds scalars (an Array field) or dense
 * vectors (an ArrayOfVector field), never JSON, arrays or structs, has no default and is no key.
 * Invariant: the struct's id comes first, its sub-fields' ids follow without a gap.
 */
import { invalid } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { FieldSchema } from './collection-schema.js'
import { DataType, isDenseVectorType } from './data-type.js'
import { buildField } from './field-rules.js'
import { checkFieldName } from './names.js'
import type { FieldRequest } from './requests.js'

/** True for requests that declare a struct array: ArrayOfStruct, or Array with elementType Struct. */
export function isStructRequest(request: FieldRequest): boolean {
  return (
    request.dataType === DataType.ArrayOfStruct ||
    (request.dataType === DataType.Array && request.elementType === DataType.Struct)
  )
}

/** Checks one field of any type. @param id the field id it gets; a struct's sub-fields get the ones after it */
export function buildAnyField(request: FieldRequest, id: number, collectionName: string): FieldSchema {
  return isStructRequest(request)
    ? buildStruct(request, id, collectionName)
    : buildField(request, id, collectionName)
}

/** The highest field id that a field uses. */
export function lastIdOf(field: FieldSchema): number {
  return field.id + (field.fields?.length ?? 0)
}

/** What a field counts towards the limit on fields: a struct is 1 and its sub-fields. */
export function fieldCountOf(field: FieldSchema): number {
  return 1 + (field.fields?.length ?? 0)
}

/** Vector fields in a field: itself, or the vectors of a struct. */
export function structVectorCount(field: FieldSchema): number {
  return field.fields?.filter(sub => sub.dataType === DataType.ArrayOfVector).length ?? 0
}

function buildStruct(request: FieldRequest, id: number, collectionName: string): FieldSchema {
  const name = checkFieldName(request.name)
  const requests = request.fields ?? []
  if (requests.length === 0) throw invalid(`struct array field ${name} should have at least one sub-field`)
  if ((request.description ?? '').length > LIMITS.descriptionMax) {
    throw invalid(`description of field ${name} is longer than ${LIMITS.descriptionMax} characters`)
  }
  if (request.primaryKey === true) {
    throw invalid(`the data type of primary key should be Int64 or VarChar, field name = ${name}`)
  }
  if (request.autoId === true) {
    throw invalid(`only primary field can specify AutoID with true, field name = ${name}`)
  }
  if (request.partitionKey === true) {
    throw invalid(`the data type of partition key should be Int64 or VarChar, field name = ${name}`)
  }
  if (request.clusteringKey === true) {
    throw invalid(`clustering key does not support type ArrayOfStruct, field name = ${name}`)
  }
  if (request.defaultValue !== undefined && request.defaultValue !== null) {
    throw invalid(`type not support default_value, type:ArrayOfStruct, name:${name}`)
  }
  const fields: FieldSchema[] = []
  for (const sub of requests) {
    const built = buildSub(request, sub, id + 1 + fields.length, collectionName)
    if (fields.some(other => other.name === built.name)) throw invalid(`duplicated field name ${built.name}`)
    fields.push(built)
  }
  const [{ maxCapacity }] = fields as [FieldSchema]
  const different = fields.find(sub => sub.maxCapacity !== maxCapacity)
  if (different !== undefined) {
    throw invalid(
      `sub-fields of struct array field ${name} should have one max_capacity, but ${fields[0]!.name} has ${maxCapacity} and ${different.name} has ${different.maxCapacity}`,
    )
  }
  return {
    ...PLAIN,
    id,
    name,
    description: request.description ?? '',
    nullable: request.nullable === true,
    maxCapacity,
    fields,
  }
}

const PLAIN = {
  dataType: DataType.ArrayOfStruct,
  primaryKey: false,
  autoId: false,
  partitionKey: false,
  clusteringKey: false,
  dynamic: false,
  functionOutput: false,
  dim: 0,
  maxLength: 0,
  elementType: DataType.None,
  params: {},
} as const

/** A sub-field, checked by the rules of the type of its values and then wrapped as an array of them. */
function buildSub(struct: FieldRequest, sub: FieldRequest, id: number, collectionName: string): FieldSchema {
  const where = `sub-field ${sub.name} of struct array field ${struct.name}`
  if (
    sub.primaryKey === true ||
    sub.partitionKey === true ||
    sub.clusteringKey === true ||
    sub.autoId === true
  ) {
    throw invalid(`${where} cannot be a primary, partition or clustering key`)
  }
  if (sub.nullable === true && struct.nullable !== true)
    throw invalid(`${where} cannot be nullable; the struct can`)
  if (sub.defaultValue !== undefined && sub.defaultValue !== null) {
    throw invalid(`${where} cannot have a default value`)
  }
  const wrapped = sub.dataType === DataType.Array || sub.dataType === DataType.ArrayOfVector
  const type = (wrapped ? sub.elementType : sub.dataType) ?? DataType.None
  const given = { ...capacityOf(struct), ...capacityOf(sub) }
  const { elementType: _, nullable: __, ...rest } = sub
  const params = { ...sub.params, ...given }
  if (isDenseVectorType(type)) {
    const element = buildField({ ...rest, dataType: type, params: sub.params ?? {} }, id, collectionName)
    const { maxCapacity } = buildField(
      { name: sub.name, dataType: DataType.Array, elementType: DataType.Bool, params: given },
      id,
      collectionName,
    )
    return {
      ...element,
      dataType: DataType.ArrayOfVector,
      elementType: type,
      maxCapacity,
      params: withoutCapacity(element.params),
    }
  }
  return buildField({ ...rest, dataType: DataType.Array, elementType: type, params }, id, collectionName)
}

/** `max_capacity` of a request, as a parameter. */
function capacityOf(request: FieldRequest): Record<string, string | number | boolean> {
  const capacity = request.maxCapacity ?? request.params?.['max_capacity']
  return capacity === undefined ? {} : { max_capacity: capacity }
}

function withoutCapacity(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(params).filter(([key]) => key !== 'max_capacity'))
}
