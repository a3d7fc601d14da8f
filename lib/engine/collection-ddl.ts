/**
 * Creating, dropping and changing collections: each verb checks, writes the catalog, then changes memory.
 *
 * Changes that a write in flight could trip over (partitions, schema, properties) run as barriers of the collection's
 * write queue. All of them run one at a time per database, through the catalog.
 */
import { collectionNotFound, invalid, MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { memoryReleased } from '../base/shared-memory.js'
import { checkIndex, type IndexRequest } from '../index/index-params.js'
import type { IndexSpec } from '../index/index-spec.js'
import { checkCollectionName, checkPartitionName } from '../schema/names.js'
import type { CollectionRequest } from '../schema/requests.js'
import { buildSchema, sameSchema } from '../schema/validate-schema.js'
import { emptyManifest, manifestOp } from '../segment/manifest.js'
import { deltaRange, logRange, manifestKey } from '../store/keys.js'
import { EngineCollection } from './collection.js'
import { CollectionState } from './collection-state.js'
import { removeSegment } from './compaction-flow.js'
import type { Engine } from './engine.js'
import { removeIndexFiles } from './index-builds.js'
import { checkProperties, inheritedProperties } from './properties.js'
import {
  COLLECTIONS_MAX_PROPERTY,
  type CollectionRecord,
  type DatabaseRecord,
  DEFAULT_DATABASE,
  DEFAULT_PARTITION,
  type PartitionRecord,
} from './records.js'

export interface CreateCollection extends CollectionRequest {
  readonly indexes?: readonly IndexRequest[]
  readonly properties?: Readonly<Record<string, string | number | boolean>>
  /** Partitions of a partition-key collection. Default 16; 1 to 1024. */
  readonly numPartitions?: number
  /** Milvus's number, 0 to 4. Default Bounded (2); echoed, every read here is Strong. */
  readonly consistencyLevel?: number
  /** 1 to 16. Default 1; echoed, there is always one. */
  readonly shardCount?: number
  /** Load it at once. Default true. */
  readonly load?: boolean
}

/**
 * Creates a collection; the same definition again is a success that changes nothing.
 * Durable on return.
 * @throws MilvusError ParameterInvalid, DatabaseNotFound, CollectionNumLimit, AliasCollectionNameConflict
 */
export function createCollection(
  engine: Engine,
  request: CreateCollection,
  database: string = DEFAULT_DATABASE,
): Promise<EngineCollection> {
  engine.checkOpen()
  const { catalog } = engine
  return catalog.exclusive(async () => {
    const db = catalog.database(database)
    checkCollectionName(request.name)
    const schema = buildSchema(request)
    checkEchoed(request)
    const existing = catalog.find(db, request.name)
    if (existing !== undefined) {
      if (existing.schema.name !== request.name) {
        const clash = `collection name [${request.name}] conflicts with an existing alias, please choose a unique name`
        throw new MilvusError('AliasCollectionNameConflict', clash)
      }
      if (!sameSchema(existing.schema, schema)) {
        throw invalid(`create duplicate collection with different parameters, collection: ${request.name}`)
      }
      return engine.collection(request.name, database)
    }
    checkCollectionCount(engine, db)
    const tick = engine.env.oracle.next()
    const partitions = firstPartitions(request, schema.partitionKeyIndex >= 0, tick)
    let indexes: IndexSpec[] = []
    for (const index of request.indexes ?? []) {
      const { spec, isNew } = checkIndex(schema, index, indexes, indexes.length + 1)
      if (isNew) indexes = [...indexes, spec]
    }
    const record: CollectionRecord = {
      id: catalog.newId(),
      databaseId: db.id,
      schema,
      partitions,
      nextPartitionId: partitions.length + 1,
      indexes,
      nextIndexId: indexes.length + 1,
      properties: checkProperties(schema, inheritedProperties(db), request.properties ?? {}),
      aliases: [],
      consistencyLevel: request.consistencyLevel ?? 2,
      shardCount: request.shardCount ?? 1,
      load: request.load === false ? 'none' : 'all',
      createdTick: tick,
      updatedTick: tick,
    }
    const manifest = emptyManifest(tick)
    await catalog.addCollection(record, manifestOp(record.id, manifest))
    const collection = new EngineCollection(new CollectionState(engine.env, record, manifest, tick))
    engine.adopt(collection)
    return collection
  })
}

/** Shards and consistency change nothing here, but clients read them back: only what Milvus knows is kept. */
function checkEchoed({ shardCount = 1, consistencyLevel = 2 }: CreateCollection): void {
  if (!Number.isInteger(shardCount) || shardCount < 1 || shardCount > LIMITS.shardsMax) {
    throw invalid(`maximum shards's number should be limited to ${LIMITS.shardsMax}`, {
      expected: `1 to ${LIMITS.shardsMax}`,
      actual: shardCount,
    })
  }
  if (![0, 1, 2, 3, 4].includes(consistencyLevel))
    throw invalid('invalid consistency level', { expected: '0 to 4', actual: consistencyLevel })
}

/**
 * Checks that a database may have one collection more.
 * @throws MilvusError CollectionNumLimit
 */
export function checkCollectionCount({ catalog }: Engine, db: DatabaseRecord): void {
  const own = Number(db.properties[COLLECTIONS_MAX_PROPERTY] ?? LIMITS.collectionsMax)
  const full = catalog.collections(db).length >= own
  if (!full && catalog.allCollections().length < LIMITS.collectionsMax) return
  const limit = full ? own : LIMITS.collectionsMax
  throw new MilvusError('CollectionNumLimit', '', { fields: { dbName: db.name, limit } })
}

function firstPartitions(request: CreateCollection, byKey: boolean, tick: number): PartitionRecord[] {
  const { numPartitions } = request
  if (numPartitions !== undefined && !Number.isInteger(numPartitions))
    throw invalid(`num_partitions: expected an integer, got ${numPartitions}`)
  if (!byKey) {
    if (numPartitions !== undefined && numPartitions > 0) {
      throw invalid('num_partitions should only be specified with partition key field enabled')
    }
    return [{ id: 1, name: DEFAULT_PARTITION, createdTick: tick }]
  }
  const count = numPartitions ?? LIMITS.partitionKeyPartitions
  if (count < 1) throw invalid('The specified num_partitions should be greater than or equal to 1')
  if (count > LIMITS.partitionsMax) {
    throw invalid(`partition number (${count}) exceeds max configuration (${LIMITS.partitionsMax})`)
  }
  return Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    name: `${DEFAULT_PARTITION}_${i}`,
    createdTick: tick,
  }))
}

/**
 * Drops a collection and everything in it; dropping what does not exist is a success. Durable on return.
 * @throws MilvusError ParameterInvalid when named by an alias, or while aliases exist
 */
export function dropCollection(
  engine: Engine,
  name: string,
  database: string = DEFAULT_DATABASE,
): Promise<void> {
  engine.checkOpen()
  const { catalog, env } = engine
  return catalog.exclusive(async () => {
    const record = catalog.find(catalog.database(database), name)
    if (record === undefined) return
    if (record.schema.name !== name) throw invalid(`cannot drop the collection via alias = ${name}`)
    if (record.aliases.length > 0) {
      throw invalid(
        `unable to drop the collection [${name}] because it has associated aliases [${record.aliases.join(' ')}], please remove all aliases before dropping the collection`,
      )
    }
    const collection = engine.collection(name, database)
    const { state } = collection
    const drop = async (): Promise<void> => {
      state.dropped = true
      await state.editsDone()
      await catalog.dropCollection(record.id, [{ key: manifestKey(record.id), value: null }])
    }
    await collection.writes.barrier(drop).catch(error => {
      // A collection that takes no more writes has no queue to wait in, and none in flight either.
      if (state.broken === null || state.dropped) throw error
      return drop()
    })
    void collection.writes.close(collectionNotFound(database, name))
    state.wakeWriters()
    engine.forget(record.id)
    env.work.cancelJobs(record.id)
    // What follows only frees space: a kill in here leaves orphans that the next open sweeps.
    state.snapshots.endHolds(collectionNotFound(database, name))
    await state.snapshots.whenIdle()
    for (const range of [logRange(record.id), deltaRange(record.id)])
      await env.store.clear(range.gte, range.lt)
    for (const segment of [...state.frozen, state.growing]) memoryReleased(segment.byteLength)
    for (const segment of state.sealed) await removeSegment(state, segment)
  })
}

/** Replaces the record of a collection, on disk and then in memory. */
export async function putRecord(
  collection: EngineCollection,
  change: Partial<CollectionRecord>,
): Promise<void> {
  const { state } = collection
  const record = { ...state.record, ...change }
  await state.env.catalog.putCollection(record)
  state.record = record
}

/**
 * Creates a partition; an existing name is a success. Durable on return.
 * @throws MilvusError ParameterInvalid
 */
export function createPartition(engine: Engine, collection: EngineCollection, name: string): Promise<void> {
  return engine.catalog.exclusive(async () => {
    refuseWithPartitionKey(collection, 'create')
    const wanted = checkPartitionName(name)
    const { record } = collection.state
    if (record.partitions.some(p => p.name === wanted)) return
    if (record.partitions.length >= LIMITS.partitionsMax) {
      throw invalid(
        `partition number (${record.partitions.length + 1}) exceeds max configuration (${LIMITS.partitionsMax})`,
      )
    }
    const partition = { id: record.nextPartitionId, name: wanted, createdTick: engine.env.oracle.next() }
    await collection.writes.barrier(() =>
      putRecord(collection, {
        partitions: [...record.partitions, partition],
        nextPartitionId: record.nextPartitionId + 1,
      }),
    )
  })
}

/**
 * Drops a partition with its rows; an unknown name is a success. Durable on return. The rows are invisible at once and
 * leave the disk with the next compaction of their segments.
 * @throws MilvusError ParameterInvalid for the default partition, in partition-key mode, or while it is loaded
 */
export function dropPartition(engine: Engine, collection: EngineCollection, name: string): Promise<void> {
  return engine.catalog.exclusive(async () => {
    refuseWithPartitionKey(collection, 'drop')
    const wanted = checkPartitionName(name)
    if (wanted === DEFAULT_PARTITION) throw invalid('default partition cannot be deleted')
    const { record } = collection.state
    const found = record.partitions.find(p => p.name === wanted)
    if (found === undefined) return
    if (record.load === 'all' || (record.load !== 'none' && record.load.includes(found.id))) {
      throw invalid('partition cannot be dropped, partition is loaded, please release it first')
    }
    await collection.writes.barrier(() =>
      putRecord(collection, { partitions: record.partitions.filter(p => p !== found) }),
    )
  })
}

function refuseWithPartitionKey(collection: EngineCollection, verb: string): void {
  if (collection.schema.partitionKeyIndex >= 0)
    throw invalid(`disable ${verb} partition if partition key mode is used`)
}

/**
 * Declares an index; an equal one is a success. Durable on return; the graph is built in the background.
 * @throws MilvusError ParameterInvalid, ParameterMissing with Milvus's texts
 */
export function createIndex(
  engine: Engine,
  collection: EngineCollection,
  request: IndexRequest,
): Promise<IndexSpec> {
  return engine.catalog.exclusive(async () => {
    const { record } = collection.state
    const { spec, isNew } = checkIndex(record.schema, request, record.indexes, record.nextIndexId)
    if (isNew)
      await putRecord(collection, { indexes: [...record.indexes, spec], nextIndexId: record.nextIndexId + 1 })
    collection.background.buildIndexes()
    return spec
  })
}

/** Which indexes: the one of this name, or all of a field. */
export type WhichIndexes = { readonly indexName: string } | { readonly fieldName: string }

/**
 * Drops an index by its name, or those of a field; unknown ones are a success. Durable on return.
 * @throws MilvusError ParameterInvalid for a vector index while the collection is loaded
 */
export function dropIndex(engine: Engine, collection: EngineCollection, which: WhichIndexes): Promise<void> {
  return engine.catalog.exclusive(async () => {
    const { record } = collection.state
    const gone = record.indexes.filter(spec =>
      'indexName' in which ? spec.name === which.indexName : spec.fieldName === which.fieldName,
    )
    if (gone.length === 0) return
    const onVector = gone.some(spec => spec.metricType !== '')
    if (onVector && record.load !== 'none') {
      throw invalid(`vector index cannot be dropped on loaded collection: ${record.id}`)
    }
    await putRecord(collection, { indexes: record.indexes.filter(spec => !gone.includes(spec)) })
    await removeIndexFiles(collection.state, new Set(gone.map(spec => spec.id)))
  })
}
