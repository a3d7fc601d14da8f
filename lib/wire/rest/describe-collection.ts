/** `collections/describe`: the description, its indexes and load state as one JSON object. */
import { DataType, dataTypeName, isVectorType } from '../../schema/data-type.js'
import type { Init } from '../message.js'
import {
  CONSISTENCY_NAMES,
  type FieldSchema,
  type FunctionSchema,
  type StructArrayFieldSchema,
} from '../messages/common.js'
import { describeError } from '../status.js'
import { answered, loadStateName, named } from './answers.js'
import { indexesOf, paramOf } from './index-routes.js'
import type { Body, RestAnswer, RestContext } from './route.js'

const FUNCTION_NAMES = ['Unknown', 'BM25', 'TextEmbedding', 'Rerank', 'MinHash', 'MolFingerprint'] as const

export async function describeCollection(body: Body, context: RestContext): Promise<RestAnswer> {
  const request = named(body, context)
  const answer = answered(await context.calls.DescribeCollection({ ...request, collectionID: 0 }, context))
  const fields = answer.schema?.fields ?? []
  const vector = fields.find(field => isVectorType((field.data_type ?? 0) as DataType))
  let message = ''
  let indexes: object[] = []
  try {
    const found = await indexesOf(request.collection_name, context)
    indexes = found
      .filter(index => index.field_name === vector?.name)
      .map(index => ({
        indexName: index.index_name ?? '',
        fieldName: index.field_name ?? '',
        metricType: paramOf(index, 'metric_type'),
      }))
  } catch (error) {
    // The description stands without them; the text goes into `message`.
    message = describeError(error).text
  }
  const state =
    answered(await context.calls.GetLoadState({ ...request, partition_names: [] }, context)).state ?? 0
  return {
    extra: { message },
    data: {
      collectionName: answer.collection_name ?? '',
      collectionID: answer.collectionID ?? 0,
      description: answer.schema?.description ?? '',
      autoId: fields.some(field => field.is_primary_key === true && field.autoID === true),
      fields: fields.map(fieldView),
      structFields: (answer.schema?.struct_array_fields ?? []).map(structView),
      functions: (answer.schema?.functions ?? []).map(functionView),
      aliases: answer.aliases ?? [],
      indexes,
      load: loadStateName(state),
      shardsNum: answer.shards_num ?? 1,
      partitionsNum: answer.num_partitions ?? 1,
      consistencyLevel: CONSISTENCY_NAMES[answer.consistency_level ?? 0] ?? CONSISTENCY_NAMES[2],
      enableDynamicField: answer.schema?.enable_dynamic_field ?? false,
      externalSource: '',
      externalSpec: '',
      properties: pairViews(answer.properties),
    },
  }
}

type Pairs = readonly { readonly key?: string | undefined; readonly value?: string | undefined }[] | undefined

function pairViews(pairs: Pairs): { key: string; value: string }[] {
  return (pairs ?? []).map(pair => ({ key: pair.key ?? '', value: pair.value ?? '' }))
}

function fieldView(field: Init<typeof FieldSchema>): object {
  const params = pairViews(field.type_params)
  const given = field.default_value === undefined ? [] : Object.values(field.default_value)
  const defaultValue = given.find(value => value !== undefined)
  const view: Record<string, unknown> = {
    name: field.name ?? '',
    id: field.fieldID ?? 0,
    type: dataTypeName((field.data_type ?? 0) as DataType),
    primaryKey: field.is_primary_key ?? false,
    partitionKey: field.is_partition_key ?? false,
    clusteringKey: field.is_clustering_key ?? false,
    nullable: field.nullable ?? false,
    autoId: field.autoID ?? false,
    description: field.description ?? '',
    isFunctionOutput: field.is_function_output ?? false,
  }
  if (defaultValue !== undefined) view['defaultValue'] = defaultValue
  if (field.data_type === DataType.Array || field.data_type === DataType.ArrayOfVector)
    view['elementType'] = dataTypeName((field.element_type ?? 0) as DataType)
  if (params.length > 0) view['params'] = params
  return view
}

function structView(struct: Init<typeof StructArrayFieldSchema>): object {
  return {
    name: struct.name ?? '',
    id: struct.fieldID ?? 0,
    description: struct.description ?? '',
    nullable: struct.nullable ?? false,
    fields: (struct.fields ?? []).map(fieldView),
    params: pairViews(struct.type_params),
  }
}

function functionView(one: Init<typeof FunctionSchema>): object {
  return {
    name: one.name ?? '',
    id: one.id ?? 0,
    description: one.description ?? '',
    type: FUNCTION_NAMES[one.type ?? 0] ?? FUNCTION_NAMES[0],
    inputFieldNames: one.input_field_names ?? [],
    outputFieldNames: one.output_field_names ?? [],
    params: pairViews(one.params),
  }
}
