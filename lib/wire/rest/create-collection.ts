/**
 * `collections/create`: the quick form (a dimension, two fields, an index, loaded) and the full form (a schema).
 *
 * Both become the calls a client would make one by one: create, one CreateIndex per index, load. When an index or the
 * load fails the error is returned and the collection stays, as in Milvus.
 */
import { invalid, MilvusError } from '../../base/errors.js'
import { DataType, isVectorType } from '../../schema/data-type.js'
import { parseInteger } from '../key-values.js'
import { encode, type Init } from '../message.js'
import { CONSISTENCY_NAMES, CollectionSchema, ConsistencyLevel } from '../messages/common.js'
import { RestError } from '../status.js'
import { dataTypeOf, declaredSchema } from './declared-schema.js'
import { createIndexes } from './index-routes.js'
import { pairsOf, paramText } from './pairs.js'
import {
  type Body,
  NOTHING,
  objectOf,
  objectsOf,
  type RestAnswer,
  type RestContext,
  textOf,
} from './route.js'

/** Parameters of a create request that become collection properties. */
const PROPERTY_PARAMS: Readonly<Record<string, string>> = {
  ttlSeconds: 'collection.ttl.seconds',
  partitionKeyIsolation: 'partitionkey.isolation',
}
/** Parameters with a meaning of their own. */
const OWN_PARAMS = new Set([
  'shardsNum',
  'partitionsNum',
  'enableDynamicField',
  'max_length',
  'consistencyLevel',
  'autoID',
])

export async function createCollection(body: Body, context: RestContext): Promise<RestAnswer> {
  const name = textOf(body, 'collectionName')
  const declared = objectOf(body, 'schema')
  const quick = objectsOf(declared, 'fields').length === 0
  const schema = quick ? quickSchema(name, body) : declaredSchema(name, textOf(body, 'description'), declared)
  const params = objectOf(body, 'params')
  await context.calls.CreateCollection(
    {
      db_name: context.database,
      collection_name: name,
      schema: encode(CollectionSchema, schema),
      shards_num: integerParam(params, 'shardsNum') ?? 1,
      consistency_level: consistencyOf(
        textOf(body, 'consistencyLevel') || textOf(params, 'consistencyLevel'),
      ),
      properties: propertiesOf(body, params),
      num_partitions: integerParam(params, 'partitionsNum') ?? 0,
    },
    context,
  )
  const indexes = quick ? [quickIndex(body, schema)] : objectsOf(body, 'indexParams')
  if (indexes.length === 0) return NOTHING
  checkIndexFields(indexes, schema)
  await createIndexes(name, indexes, context)
  await context.calls.LoadCollection(
    {
      db_name: context.database,
      collection_name: name,
      replica_number: 0,
      resource_groups: [],
      refresh: false,
      load_fields: [],
      skip_load_dynamic_field: false,
      load_params: new Map(),
    },
    context,
  )
  return NOTHING
}

/** @throws MilvusError 1100 for an unknown level */
function consistencyOf(name: string): number {
  if (name === '') return ConsistencyLevel.Bounded
  const level = (CONSISTENCY_NAMES as readonly string[]).indexOf(name)
  if (level < 0) {
    throw invalid(
      `consistencyLevel can only be [${CONSISTENCY_NAMES.join(', ')}], default: Bounded, got ${name}`,
    )
  }
  return level
}

function integerParam(params: Body, key: string): number | undefined {
  const value = params[key]
  if (value === undefined || value === null) return undefined
  const parsed = parseInteger(paramText(value))
  if (parsed === undefined) throw invalid(`${key} should be an integer, got ${paramText(value)}`)
  return parsed
}

function propertiesOf(body: Body, params: Body): { key: string; value: string }[] {
  const out: Record<string, unknown> = { ...objectOf(body, 'properties') }
  for (const [key, value] of Object.entries(params)) {
    if (!OWN_PARAMS.has(key)) out[Object.hasOwn(PROPERTY_PARAMS, key) ? PROPERTY_PARAMS[key]! : key] = value
  }
  return pairsOf(out)
}

/** @throws RestError 1802 without a dimension; MilvusError 1100 */
function quickSchema(name: string, body: Body): Init<typeof CollectionSchema> {
  const params = objectOf(body, 'params')
  const vectorType = dataTypeOf(textOf(body, 'vectorFieldType') || 'FloatVector')
  if (!isVectorType(vectorType))
    throw invalid(`vectorFieldType ${textOf(body, 'vectorFieldType')} is no vector type`)
  const sparse = vectorType === DataType.SparseFloatVector
  const dimension = body['dimension']
  const hasDimension = dimension !== undefined && dimension !== null && dimension !== 0
  if (!sparse && !hasDimension) {
    throw new RestError(
      'missingParameters',
      'dimension is required for quickly create collection(default metric type: COSINE)',
    )
  }
  if (sparse && hasDimension) throw invalid('dimension should not be set for sparse vectors')
  const idType = textOf(body, 'idType') || 'Int64'
  const keyType =
    idType.toLowerCase() === 'varchar'
      ? DataType.VarChar
      : idType.toLowerCase() === 'int64'
        ? DataType.Int64
        : 0
  if (keyType === 0) throw invalid(`idType can only be [Int64, VarChar], default: Int64, got ${idType}`)
  const maxLength = params['max_length']
  if (keyType === DataType.VarChar && (maxLength === undefined || maxLength === null)) {
    throw new MilvusError('ParameterMissing', 'max_length is required when idType is VarChar')
  }
  const dynamic = params['enableDynamicField']
  const autoID = body['autoID'] === true || body['autoID'] === 'true'
  return {
    name,
    description: textOf(body, 'description'),
    autoID,
    enable_dynamic_field: dynamic !== false && dynamic !== 'false',
    fields: [
      {
        name: textOf(body, 'primaryFieldName') || 'id',
        is_primary_key: true,
        data_type: keyType,
        autoID,
        type_params: keyType === DataType.VarChar ? pairsOf({ max_length: maxLength }) : [],
      },
      {
        name: textOf(body, 'vectorFieldName') || 'vector',
        data_type: vectorType,
        type_params: sparse ? [] : pairsOf({ dim: dimension }),
      },
    ],
  }
}

function quickIndex(body: Body, schema: Init<typeof CollectionSchema>): Body {
  const vector = schema.fields![1]!
  const metric =
    vector.data_type === DataType.BinaryVector
      ? 'HAMMING'
      : vector.data_type === DataType.SparseFloatVector
        ? 'IP'
        : 'COSINE'
  return {
    fieldName: vector.name,
    indexName: vector.name,
    indexType: 'AUTOINDEX',
    metricType: textOf(body, 'metricType') || metric,
  }
}

function checkIndexFields(indexes: readonly Body[], schema: Init<typeof CollectionSchema>): void {
  const names = new Set(schema.fields?.map(field => field.name))
  for (const struct of schema.struct_array_fields ?? []) {
    for (const sub of struct.fields ?? []) names.add(`${struct.name}[${sub.name}]`)
  }
  for (const index of indexes) {
    const field = textOf(index, 'fieldName')
    if (!names.has(field)) {
      throw new MilvusError('ParameterMissing', `hasn't defined field: ${field} in schema`)
    }
  }
}
