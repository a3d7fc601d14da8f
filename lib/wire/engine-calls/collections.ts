/** Calls that create, show, rename, empty and drop collections. */
import { hybridOfTick } from '../../base/timestamp.js'
import type { EngineCollection } from '../../engine/collection.js'
import { createCollection, dropCollection } from '../../engine/collection-ddl.js'
import type { Engine } from '../../engine/engine.js'
import { type CollectionRecord, TIMEZONE_PROPERTY } from '../../engine/records.js'
import { renameCollection } from '../../engine/schema-ddl.js'
import { truncateCollection } from '../../engine/truncate.js'
import { type Answer, type CallContext, type Calls, databaseOf, type Request } from '../calls.js'
import { toPairs, toRecord } from '../key-values.js'
import { decodeCollectionSchema, describeSchema } from '../schema-proto.js'
import { SUCCESS, statusOf } from '../status.js'
import { collectionOf, given, schemaTimestamp, utcMsOf } from './lookup.js'

type CollectionCalls = Pick<
  Calls,
  | 'CreateCollection'
  | 'DropCollection'
  | 'HasCollection'
  | 'DescribeCollection'
  | 'BatchDescribeCollection'
  | 'ShowCollections'
  | 'RenameCollection'
  | 'TruncateCollection'
  | 'GetCollectionStatistics'
>

/** `type` of ShowCollections and ShowPartitions: only what is loaded. */
export const IN_MEMORY = 1

export function collectionCalls(engine: Engine): CollectionCalls {
  const describe = (request: Request<'DescribeCollection'>, context: CallContext) =>
    describeCollection(engine, collectionOf(engine, request, context))
  return {
    CreateCollection: async (request, context) => {
      const declared = decodeCollectionSchema(request.schema)
      await createCollection(
        engine,
        {
          ...declared.request,
          name: request.collection_name,
          properties: { ...declared.properties, ...toRecord(request.properties) },
          consistencyLevel: request.consistency_level,
          shardCount: Math.max(1, request.shards_num),
          // Milvus loads on request only.
          load: false,
          ...(request.num_partitions === 0 ? {} : { numPartitions: request.num_partitions }),
        },
        databaseOf(request.db_name, context),
      )
      return {}
    },
    DropCollection: async (request, context) => {
      await dropCollection(engine, request.collection_name, databaseOf(request.db_name, context))
      return {}
    },
    HasCollection: async (request, context) => {
      engine.checkOpen()
      const database = engine.catalog.database(databaseOf(request.db_name, context))
      return { value: engine.catalog.find(database, request.collection_name) !== undefined }
    },
    DescribeCollection: async (request, context) => describe(request, context),
    BatchDescribeCollection: async (request, context) => {
      const asked = [
        ...request.collection_name.map(name => ({ collection_name: name, collectionID: 0 })),
        ...request.collectionID.map(id => ({ collection_name: '', collectionID: id })),
      ]
      const responses = asked.map(one => {
        try {
          return { status: SUCCESS, ...describe({ ...one, db_name: request.db_name }, context) }
        } catch (error) {
          // Clients look into the schema before they look at the status.
          return { status: statusOf(error), schema: {} }
        }
      })
      return { responses }
    },
    ShowCollections: async (request, context) => showCollections(engine, request, context),
    RenameCollection: async (request, context) => {
      const newDatabase = given(request.newDBName)
      await renameCollection(engine, request.oldName, request.newName, {
        database: databaseOf(request.db_name, context),
        ...(newDatabase === undefined ? {} : { newDatabase }),
      })
      return {}
    },
    TruncateCollection: async (request, context) => {
      await truncateCollection(engine, collectionOf(engine, request, context))
      return {}
    },
    GetCollectionStatistics: async (request, context) => {
      const { rowCount } = await collectionOf(engine, request, context).exactStats()
      return { stats: [{ key: 'row_count', value: String(rowCount) }] }
    },
  }
}

function describeCollection(engine: Engine, collection: EngineCollection): Answer<'DescribeCollection'> {
  const { record } = collection.state
  const database = engine.catalog.databaseById(record.databaseId)
  const databaseName = database?.name ?? ''
  const properties = shownProperties(record)
  const updated = schemaTimestamp(collection)
  return {
    schema: describeSchema(record.schema, databaseName, properties),
    collectionID: record.id,
    created_timestamp: hybridOfTick(record.createdTick),
    created_utc_timestamp: utcMsOf(record.createdTick),
    shards_num: record.shardCount,
    aliases: record.aliases,
    consistency_level: record.consistencyLevel,
    collection_name: record.schema.name,
    properties: toPairs(properties),
    db_name: databaseName,
    num_partitions: record.partitions.length,
    db_id: record.databaseId,
    request_time: hybridOfTick(engine.env.oracle.last),
    update_timestamp: updated,
    update_timestamp_str: String(updated),
  }
}

/** Properties as describe shows them: with the three that Milvus always adds (protocol §2.2). */
function shownProperties(record: CollectionRecord): Record<string, string> {
  return {
    [TIMEZONE_PROPERTY]: 'UTC',
    'namespace.sharding.enabled': 'false',
    ...record.properties,
    max_field_id: String(record.schema.maxFieldId),
  }
}

function showCollections(
  engine: Engine,
  request: Request<'ShowCollections'>,
  context: CallContext,
): Answer<'ShowCollections'> {
  engine.checkOpen()
  const database = engine.catalog.database(databaseOf(request.db_name, context))
  const { collection_names: names, type } = request
  const records = engine.catalog
    .collections(database)
    .filter(record => type !== IN_MEMORY || record.load !== 'none')
    .filter(record => names.length === 0 || names.includes(record.schema.name))
    .filter(record => context.sees?.(database.name, record.schema.name) ?? true)
  const loaded = records.map(record => record.load !== 'none')
  return {
    collection_names: records.map(record => record.schema.name),
    collection_ids: records.map(record => record.id),
    created_timestamps: records.map(record => hybridOfTick(record.createdTick)),
    created_utc_timestamps: records.map(record => utcMsOf(record.createdTick)),
    inMemory_percentages: loaded.map(yes => (yes ? 100 : 0)),
    query_service_available: loaded,
    shards_num: records.map(record => record.shardCount),
  }
}
