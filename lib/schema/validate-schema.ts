/**
 * Collection requests to checked schemas, and the few ways a schema may change later.
 *
 * Every function returns a new CollectionSchema or throws; nothing is ever changed in place, so a reader holding an
 * older schema stays right about the rows it knows. Rules about single fields are in field-rules.ts.
 */

import { invalid, MilvusError } from '../base/errors.js'
import { valueText } from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import {
  type CollectionSchema,
  type FieldSchema,
  type FunctionSchema,
  fieldIndex,
} from './collection-schema.js'
import { DataType, isVectorType } from './data-type.js'
import { checkCollectionName } from './names.js'
import type { CollectionRequest, FieldRequest, FunctionRequest } from './requests.js'
import { buildAnyField, fieldCountOf, isStructRequest, lastIdOf, structVectorCount } from './struct-rules.js'

/** Ids below are the system's (RowID 0, Timestamp 1, …). */
const FIRST_FIELD_ID = 100
const DYNAMIC_NAME = '$meta'
/** Milvus's FunctionType numbers that a schema may name. */
const FUNCTION_BM25 = 1

/**
 * Checks a whole collection request.
 * @throws MilvusError ParameterInvalid (most rules), FieldInvalidName, OperationNotSupported (types we do not serve)
 */
export function buildSchema(request: CollectionRequest): CollectionSchema {
  const name = checkCollectionName(request.name)
  const description = request.description ?? ''
  if (description.length > LIMITS.descriptionMax) {
    throw invalid(`collection description is longer than ${LIMITS.descriptionMax} characters`)
  }
  if (request.fields.length > LIMITS.fieldsMax) {
    throw invalid(`maximum field's number should be limited to ${LIMITS.fieldsMax}`)
  }
  const fields: FieldSchema[] = []
  let nextId = FIRST_FIELD_ID
  for (const field of request.fields) {
    const autoId = field.autoId === true || (field.primaryKey === true && request.autoId === true)
    const built = buildAnyField({ ...field, autoId }, nextId, name)
    nextId = lastIdOf(built) + 1
    if (fields.some(other => other.name === built.name)) throw invalid(`duplicated field name ${built.name}`)
    fields.push(built)
  }
  checkFieldCount(fields)
  checkRoles(fields)
  const functions = buildFunctions(request.functions ?? [], fields)
  const outputs = new Set(functions.flatMap(f => f.outputFieldNames))
  const marked = fields.map(f => (outputs.has(f.name) ? { ...f, functionOutput: true } : f))
  if (request.enableDynamicField === true) marked.push(dynamicField(nextId))
  const maxFieldId = lastIdOf(marked.at(-1)!)
  return assemble({ name, description, fields: marked, functions, maxFieldId, version: 1 })
}

/** A struct counts as one field and its sub-fields (upsert-semantics §6.7). */
function checkFieldCount(fields: readonly FieldSchema[]): void {
  if (fields.reduce((sum, field) => sum + fieldCountOf(field), 0) <= LIMITS.fieldsMax) return
  throw invalid(`maximum field's number should be limited to ${LIMITS.fieldsMax}`)
}

interface SchemaParts {
  readonly name: string
  readonly description: string
  readonly fields: readonly FieldSchema[]
  readonly functions: readonly FunctionSchema[]
  readonly maxFieldId: number
  readonly version: number
}

/** A schema with its positions worked out from its fields. */
function assemble(parts: SchemaParts): CollectionSchema {
  return {
    name: parts.name,
    description: parts.description,
    fields: parts.fields,
    functions: parts.functions,
    pkIndex: parts.fields.findIndex(f => f.primaryKey),
    dynamicIndex: parts.fields.findIndex(f => f.dynamic),
    partitionKeyIndex: parts.fields.findIndex(f => f.partitionKey),
    maxFieldId: parts.maxFieldId,
    version: parts.version,
  }
}

function dynamicField(id: number): FieldSchema {
  return {
    id,
    name: DYNAMIC_NAME,
    description: 'dynamic schema',
    dataType: DataType.JSON,
    primaryKey: false,
    autoId: false,
    nullable: true,
    partitionKey: false,
    clusteringKey: false,
    dynamic: true,
    functionOutput: false,
    dim: 0,
    maxLength: 0,
    maxCapacity: 0,
    elementType: DataType.None,
    params: {},
  }
}

/** Exactly one primary key, at most one partition and one clustering key, one to ten vector fields. */
function checkRoles(fields: readonly FieldSchema[]): void {
  checkAtMostOne(fields, 'primary key', f => f.primaryKey)
  checkAtMostOne(fields, 'partition key', f => f.partitionKey)
  checkAtMostOne(fields, 'clustering key', f => f.clusteringKey)
  if (!fields.some(f => f.primaryKey)) throw invalid('primary key is not specified')
  checkVectorCount(fields)
}

function checkAtMostOne(
  fields: readonly FieldSchema[],
  role: string,
  has: (field: FieldSchema) => boolean,
): void {
  const [first, second] = fields.filter(has)
  if (first !== undefined && second !== undefined) {
    throw invalid(`there are more than one ${role}, field name = ${first.name}, ${second.name}`)
  }
}

function checkVectorCount(fields: readonly FieldSchema[]): void {
  const count = fields.filter(f => isVectorType(f.dataType)).length
  if (count < LIMITS.vectorFieldsMin) throw invalid('schema does not contain vector field')
  const all = fields.reduce((sum, field) => sum + structVectorCount(field), count)
  if (all > LIMITS.vectorFieldsMax) {
    throw invalid(`maximum vector field's number should be limited to ${LIMITS.vectorFieldsMax}`)
  }
}

function buildFunctions(
  requests: readonly FunctionRequest[],
  fields: readonly FieldSchema[],
): FunctionSchema[] {
  const functions: FunctionSchema[] = []
  const outputs = new Set<string>()
  for (const request of requests) {
    const built = buildFunction(request, FIRST_FIELD_ID + functions.length, fields)
    if (functions.some(other => other.name === built.name)) {
      throw invalid(`duplicate function name ${built.name}`)
    }
    for (const output of built.outputFieldNames) {
      if (outputs.has(output)) throw invalid(`function output field ${output} is the output of two functions`)
      outputs.add(output)
    }
    functions.push(built)
  }
  return functions
}

function buildFunction(request: FunctionRequest, id: number, fields: readonly FieldSchema[]): FunctionSchema {
  const { name } = request
  if (name === '') throw invalid('function name cannot be empty')
  if (request.type !== FUNCTION_BM25) {
    throw new MilvusError(
      'OperationNotSupported',
      `function ${name}: function type ${request.type} is not supported here; only BM25 (1) is`,
    )
  }
  const input = onlyField(request, request.inputFieldNames, 'input', fields)
  const output = onlyField(request, request.outputFieldNames, 'output', fields)
  if (input.dataType !== DataType.VarChar && input.dataType !== DataType.Text) {
    throw invalid(`BM25 function input field must be a VARCHAR/TEXT field, got ${input.name}`)
  }
  if (input.params['enable_analyzer']?.toLowerCase() !== 'true') {
    throw invalid(`BM25 function input field must set enable_analyzer to true, got ${input.name}`)
  }
  if (output.dataType !== DataType.SparseFloatVector) {
    throw invalid(`BM25 function output field must be a SparseFloatVector field, got ${output.name}`)
  }
  if (output.nullable) {
    throw invalid(`function output field cannot be nullable: function ${name}, field ${output.name}`)
  }
  const params: Record<string, string> = {}
  for (const [key, value] of Object.entries(request.params ?? {})) params[key] = valueText(value)
  return {
    id,
    name,
    description: request.description ?? '',
    type: request.type,
    inputFieldNames: [input.name],
    outputFieldNames: [output.name],
    params,
  }
}

function onlyField(
  request: FunctionRequest,
  names: readonly string[],
  role: 'input' | 'output',
  fields: readonly FieldSchema[],
): FieldSchema {
  const [only] = names
  if (only === undefined || names.length !== 1) {
    throw invalid(`BM25 function should have exactly one ${role} field, but now ${names.length}`)
  }
  const field = fields.find(f => f.name === only)
  if (field === undefined) {
    throw invalid(`function ${role} field not found: function ${request.name}, field ${only}`)
  }
  return field
}

/**
 * The schema with one more field, at the end. Old rows read as null or as its default.
 * @throws MilvusError ParameterInvalid: not nullable, a key, a duplicate, too many fields
 */
export function withAddedField(schema: CollectionSchema, request: FieldRequest): CollectionSchema {
  const declared = schema.fields.filter(f => !f.dynamic).reduce((sum, f) => sum + fieldCountOf(f), 0)
  const added = isStructRequest(request) ? 1 + (request.fields?.length ?? 0) : 1
  if (declared + added > LIMITS.fieldsMax) {
    throw invalid(`The number of fields has reached the maximum value ${LIMITS.fieldsMax}`)
  }
  const id = schema.maxFieldId + 1
  if (request.primaryKey === true) {
    throw invalid(`not support to add pk field, field name = ${request.name}`)
  }
  if (request.autoId === true) {
    throw invalid(`only primary field can specify AutoID with true, field name = ${request.name}`)
  }
  if (request.partitionKey === true) {
    throw invalid(`not support to add partition key field, field name = ${request.name}`)
  }
  if (request.clusteringKey === true) {
    throw invalid(`not support to add clustering key field, field name = ${request.name}`)
  }
  const field = buildAnyField(request, id, schema.name)
  if (!field.nullable) {
    throw invalid(`added field must be nullable, please check it, field name = ${field.name}`)
  }
  const taken = schema.fields.some(
    ({ name, fields: parts = [] }) => name === field.name || parts.some(part => part.name === field.name),
  )
  if (taken) throw invalid(`duplicated field name ${field.name}`)
  const fields = [...schema.fields, field]
  checkVectorCount(fields)
  return assemble({ ...schema, fields, maxFieldId: lastIdOf(field), version: schema.version + 1 })
}

/**
 * The schema without one field. Its id is never used again, so the old values cannot come back.
 * @throws MilvusError ParameterInvalid: keys, `$meta`, the last vector field, function inputs and outputs;
 *   FieldNotFound: no such field
 */
export function withoutField(schema: CollectionSchema, name: string): CollectionSchema {
  const field = schema.fields[fieldIndex(schema, name)]
  if (field === undefined) throw new MilvusError('FieldNotFound', `field not found: ${name}`)
  if (field.primaryKey) throw invalid(`cannot drop primary key field: ${name}`)
  if (field.partitionKey) throw invalid(`cannot drop partition key field: ${name}`)
  if (field.clusteringKey) throw invalid(`cannot drop clustering key field: ${name}`)
  if (field.dynamic) {
    throw invalid(
      `cannot drop dynamic field: ${name}, set the property dynamicfield.enabled to false instead`,
    )
  }
  for (const f of schema.functions) {
    const role = f.inputFieldNames.includes(name) ? 'input' : 'output'
    if (role === 'output' && !f.outputFieldNames.includes(name)) continue
    throw invalid(`field is referenced by function ${f.name} as ${role}, drop function first`)
  }
  const fields = schema.fields.filter(f => f !== field)
  if (!fields.some(f => isVectorType(f.dataType))) throw invalid(`cannot drop the last vector field: ${name}`)
  return assemble({ ...schema, fields, version: schema.version + 1 })
}

/** The schema with the hidden `$meta` field; the same object when it has one already. */
export function withDynamicField(schema: CollectionSchema): CollectionSchema {
  if (schema.dynamicIndex >= 0) return schema
  const id = schema.maxFieldId + 1
  const fields = [...schema.fields, dynamicField(id)]
  return assemble({ ...schema, fields, maxFieldId: id, version: schema.version + 1 })
}

/** The schema without the hidden `$meta` field; the same object when it has none. */
export function withoutDynamicField(schema: CollectionSchema): CollectionSchema {
  if (schema.dynamicIndex < 0) return schema
  const fields = schema.fields.filter(f => !f.dynamic)
  return assemble({ ...schema, fields, version: schema.version + 1 })
}

/** True when both declare the same collection; ids and versions do not count. */
export function sameSchema(a: CollectionSchema, b: CollectionSchema): boolean {
  return comparable(a) === comparable(b)
}

/** The declared content of a schema as text, equal exactly when the declarations are. */
function comparable(schema: CollectionSchema): string {
  const sorted = (record: Readonly<Record<string, string>>) => Object.entries(record).sort()
  const comparableField = ({ id: _, params, defaultValue, fields: subs, ...rest }: FieldSchema): unknown => [
    Object.entries(rest).sort(),
    sorted(params),
    defaultValue === undefined ? null : `${typeof defaultValue} ${valueText(defaultValue)}`,
    (subs ?? []).map(comparableField),
  ]
  const fields = schema.fields.map(comparableField)
  const functions = schema.functions.map(({ id: _, params, ...rest }) => [
    Object.entries(rest).sort(),
    sorted(params),
  ])
  return JSON.stringify([schema.name, schema.description, fields, functions])
}
