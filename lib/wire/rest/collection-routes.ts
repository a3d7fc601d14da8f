/** REST endpoints about collections, their fields and load state: each is one call of the protocol, or a few. */
import { decode, encode } from '../message.js'
import { FieldSchema, LoadState, StructArrayFieldSchema } from '../messages/common.js'
import { answered, loadStateName, named, rowCountOf } from './answers.js'
import { createCollection } from './create-collection.js'
import { declaredField, declaredStruct } from './declared-schema.js'
import { describeCollection } from './describe-collection.js'
import { pairsOf } from './pairs.js'
import {
  type Body,
  NOTHING,
  objectOf,
  type RestContext,
  type Route,
  route,
  textOf,
  textsOf,
} from './route.js'

const NAMED = { collectionName: 'string!' } as const

const life: readonly Route[] = [
  route('collections/list', {}, async (_body, context) => {
    const answer = await context.calls.ShowCollections(
      { db_name: context.database, type: 0, collection_names: [] },
      context,
    )
    return { data: answered(answer).collection_names ?? [] }
  }),
  route('collections/has', NAMED, async (body, context) => {
    const answer = await context.calls.HasCollection(named(body, context), context)
    return { data: { has: answered(answer).value ?? false } }
  }),
  route('collections/describe', NAMED, describeCollection),
  route(
    'collections/create',
    {
      ...NAMED,
      dimension: 'any',
      idType: 'string',
      autoID: 'any',
      metricType: 'string',
      vectorFieldType: 'string',
      primaryFieldName: 'string',
      vectorFieldName: 'string',
      schema: 'object',
      indexParams: 'objects',
      params: 'object',
      properties: 'object',
      consistencyLevel: 'string',
      description: 'string',
    },
    createCollection,
  ),
  route('collections/drop', NAMED, async (body, context) => {
    await context.calls.DropCollection(named(body, context), context)
    return NOTHING
  }),
  route(
    'collections/rename',
    { ...NAMED, newCollectionName: 'string!', newDbName: 'string' },
    async (body, context) => {
      await context.calls.RenameCollection(
        {
          db_name: context.database,
          oldName: textOf(body, 'collectionName'),
          newName: textOf(body, 'newCollectionName'),
          newDBName: textOf(body, 'newDbName'),
        },
        context,
      )
      return NOTHING
    },
  ),
  route('collections/truncate', NAMED, async (body, context) => {
    await context.calls.TruncateCollection(named(body, context), context)
    return NOTHING
  }),
  route('collections/get_stats', NAMED, async (body, context) => {
    const answer = await context.calls.GetCollectionStatistics(named(body, context), context)
    return { data: { rowCount: rowCountOf(answered(answer).stats ?? []) } }
  }),
  route('collections/flush', NAMED, async (body, context) => {
    await context.calls.Flush(
      { db_name: context.database, collection_names: [textOf(body, 'collectionName')] },
      context,
    )
    return NOTHING
  }),
]

async function load(body: Body, context: RestContext, refresh: boolean): Promise<typeof NOTHING> {
  await context.calls.LoadCollection(
    {
      ...named(body, context),
      replica_number: 0,
      resource_groups: [],
      refresh,
      load_fields: [],
      skip_load_dynamic_field: false,
      load_params: new Map(),
    },
    context,
  )
  return NOTHING
}

const loading: readonly Route[] = [
  route('collections/load', NAMED, (body, context) => load(body, context, false)),
  route('collections/refresh_load', NAMED, (body, context) => load(body, context, true)),
  route('collections/release', NAMED, async (body, context) => {
    await context.calls.ReleaseCollection(named(body, context), context)
    return NOTHING
  }),
  route('collections/get_load_state', { ...NAMED, partitionNames: 'strings' }, async (body, context) => {
    // A missing collection is an error here, while GetLoadState calls it a state.
    await context.calls.DescribeCollection({ ...named(body, context), collectionID: 0 }, context)
    const request = { ...named(body, context), partition_names: textsOf(body, 'partitionNames') }
    const state = answered(await context.calls.GetLoadState(request, context)).state ?? 0
    if (state === LoadState.notLoad) return { data: { loadState: loadStateName(state) } }
    const progress = answered(await context.calls.GetLoadingProgress(request, context)).progress ?? 0
    return { data: { loadState: loadStateName(state), loadProgress: progress } }
  }),
]

const changing: readonly Route[] = [
  route('collections/alter_properties', { ...NAMED, properties: 'object!' }, async (body, context) => {
    const properties = pairsOf(objectOf(body, 'properties'))
    await context.calls.AlterCollection(
      { ...named(body, context), collectionID: 0, properties, delete_keys: [] },
      context,
    )
    return NOTHING
  }),
  route('collections/drop_properties', { ...NAMED, propertyKeys: 'strings!' }, async (body, context) => {
    await context.calls.AlterCollection(
      {
        ...named(body, context),
        collectionID: 0,
        properties: [],
        delete_keys: textsOf(body, 'propertyKeys'),
      },
      context,
    )
    return NOTHING
  }),
  route('collections/fields/add', { ...NAMED, schema: 'object!' }, async (body, context) => {
    const schema = encode(FieldSchema, declaredField(objectOf(body, 'schema')))
    await context.calls.AddCollectionField({ ...named(body, context), collectionID: 0, schema }, context)
    return NOTHING
  }),
  route('collections/struct_fields/add', { ...NAMED, schema: 'object!' }, async (body, context) => {
    const schema = encode(StructArrayFieldSchema, declaredStruct(objectOf(body, 'schema')))
    const struct_array_field_schema = decode(StructArrayFieldSchema, schema)
    await context.calls.AddCollectionStructField(
      { ...named(body, context), collectionID: 0, struct_array_field_schema },
      context,
    )
    return NOTHING
  }),
  route(
    'collections/fields/alter_properties',
    { ...NAMED, fieldName: 'string!', fieldParams: 'object!' },
    async (body, context) => {
      await context.calls.AlterCollectionField(
        {
          ...named(body, context),
          field_name: textOf(body, 'fieldName'),
          properties: pairsOf(objectOf(body, 'fieldParams')),
          delete_keys: [],
        },
        context,
      )
      return NOTHING
    },
  ),
]

const COMPACTION_STATES = ['UndefiedState', 'Executing', 'Completed'] as const

const compaction: readonly Route[] = [
  route('collections/compact', { ...NAMED, isClustering: 'boolean' }, async (body, context) => {
    const answer = await context.calls.ManualCompaction(
      {
        ...named(body, context),
        collectionID: 0,
        majorCompaction: body['isClustering'] === true,
        l0_compaction: false,
        target_size: 0,
      },
      context,
    )
    return { data: { compactionID: answered(answer).compactionID ?? 0 } }
  }),
  route('collections/get_compaction_state', { jobID: 'any' }, async (body, context) => {
    const compactionID = Number(body['jobID'] ?? 0)
    const answer = answered(await context.calls.GetCompactionState({ compactionID }, context))
    return {
      data: {
        compactionID,
        state: COMPACTION_STATES[answer.state ?? 0] ?? COMPACTION_STATES[0],
        executingPlanNumber: answer.executingPlanNo ?? 0,
        timeoutPlanNumber: answer.timeoutPlanNo ?? 0,
        completedPlanNumber: answer.completedPlanNo ?? 0,
      },
    }
  }),
]

export const collectionRoutes: readonly Route[] = [...life, ...loading, ...changing, ...compaction]
