/**
 * Load and release, of whole collections and of partitions (query-search-semantics §5).
 *
 * What is loaded is one field of the catalog record: none, all, or a list of partition ids. It decides which rows reads
 * may see and outlives a restart; keys and graphs come into memory at load, columns when they are first needed. A
 * partition created while everything is loaded is loaded too, because the record says `all` and not a list. Vector
 * fields that a load leaves out, or that are added after it, are not searched before the next load (§5.4).
 *
 *   killed before the record is durable -> the load state did not change
 *   killed after it                     -> it did; memory follows the record at the next open
 */
import { collectionNotFound, invalid, MilvusError } from '../base/errors.js'
import { type CollectionSchema, fieldIndex, pkField } from '../schema/collection-schema.js'
import { isVectorType } from '../schema/data-type.js'
import { checkPartitionName } from '../schema/names.js'
import type { EngineCollection } from './collection.js'
import { putRecord } from './collection-ddl.js'
import type { Engine } from './engine.js'
import { type CollectionRecord, DEFAULT_DATABASE, type LoadState, type PartitionRecord } from './records.js'

/** What a load may ask for. */
export interface LoadOptions {
  /**
   * Fields to load: a hint, everything can be filtered and read. Vector fields that are left out need no index and
   * cannot be searched. Default: all.
   */
  readonly loadFields?: readonly string[]
  /** Leaves `$meta` out of the list. Default false. */
  readonly skipLoadDynamicField?: boolean
  /** 1; there is one process. */
  readonly replicaNumber?: number
  /** Loads what came since; the collection must be loaded already. Default false. */
  readonly refresh?: boolean
}

/** Milvus's words for how far a load is; loads here are over when they return. */
export type LoadStateName = 'NotExist' | 'NotLoad' | 'Loaded'

/**
 * Makes a collection readable. Durable on return: it is loaded again after a restart. Idempotent.
 * @throws MilvusError IndexNotFound (no vector field has an index), ParameterInvalid (some have none; bad field list),
 *   FieldNotFound, ResourceInsufficient, CollectionNotLoaded (refresh)
 */
export function loadCollection(
  engine: Engine,
  collection: EngineCollection,
  options: LoadOptions = {},
): Promise<void> {
  return engine.catalog.exclusive(() => load(collection, options, 'all'))
}

/**
 * Makes partitions readable, in addition to those that are. Durable on return; idempotent.
 * @throws MilvusError PartitionNotFound, ParameterInvalid (no names; partition-key mode), and as loadCollection()
 */
export function loadPartitions(
  engine: Engine,
  collection: EngineCollection,
  names: readonly string[],
  options: LoadOptions = {},
): Promise<void> {
  return engine.catalog.exclusive(async () => {
    refuseWithPartitionKey(collection.schema, 'load')
    const ids = namedPartitions(collection.state.record, names).map(partition => partition.id)
    const before = collection.state.record.load
    const had = before === 'none' || before === 'all' ? [] : before
    await load(
      collection,
      options,
      before === 'all' ? 'all' : [...new Set([...had, ...ids])].sort((a, b) => a - b),
    )
  })
}

async function load(collection: EngineCollection, options: LoadOptions, next: LoadState): Promise<void> {
  const { record } = collection.state
  checkReplicas(options.replicaNumber)
  if (options.refresh === true && record.load === 'none')
    throw new MilvusError('CollectionNotLoaded', '', { fields: { collection: record.schema.name } })
  // A refresh names no fields: it loads again what is loaded.
  const again = options.refresh === true && (options.loadFields ?? []).length === 0
  const kept = again ? refreshedFields(record) : null
  const loadFields = kept ?? checkLoadFields(record.schema, options)
  checkIndexed(record, loadFields)
  const { loadFields: _, unloadedVectors, ...rest } = record
  const hint = loadFields === null ? {} : { loadFields }
  const changes = !sameLoad(record.load, next) || !sameFields(record.loadFields ?? null, loadFields)
  if (changes || unloadedVectors !== undefined) {
    const changed: CollectionRecord = { ...rest, ...hint, load: next }
    await collection.state.env.catalog.putCollection(changed)
    collection.state.record = changed
  }
  await collection.preload()
}

/** The field list of a refresh: that of the load before, and vectors that were added since. Null: all. */
function refreshedFields({ schema, loadFields, unloadedVectors = [] }: CollectionRecord): string[] | null {
  if (loadFields === undefined) return null
  const added = schema.fields.filter(field => unloadedVectors.includes(field.id)).map(field => field.name)
  return [...new Set([...loadFields.filter(name => fieldIndex(schema, name) >= 0), ...added])]
}

function sameLoad(a: LoadState, b: LoadState): boolean {
  return String(a) === String(b)
}

function sameFields(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function checkReplicas(count: number | undefined): void {
  if (count === undefined || count === 0 || count === 1) return
  throw new MilvusError('ResourceInsufficient', `replica number ${count}: there is one node`, {
    expected: 1,
    actual: count,
  })
}

/**
 * The field list of a load, null when all fields are loaded.
 * @throws MilvusError FieldNotFound, ParameterInvalid when a field that must be there is not
 */
export function checkLoadFields(
  schema: CollectionSchema,
  { loadFields: given, skipLoadDynamicField }: LoadOptions,
): readonly string[] | null {
  if (given === undefined || given.length === 0) {
    if (skipLoadDynamicField !== true || schema.dynamicIndex < 0) return null
    return schema.fields.filter(field => !field.dynamic).map(field => field.name)
  }
  const fields = given.map(name => {
    const field = schema.fields[fieldIndex(schema, name)]
    if (field === undefined) throw new MilvusError('FieldNotFound', '', { fields: { field: name } })
    return field
  })
  const list = `load field list [${given.join(' ')}] does not contain`
  if (!fields.some(field => field.primaryKey))
    throw invalid(`${list} primary key field ${pkField(schema).name}`)
  if (!fields.some(field => isVectorType(field.dataType))) throw invalid(`${list} vector field`)
  for (const field of schema.fields) {
    if (given.includes(field.name)) continue
    if (field.partitionKey) throw invalid(`${list} partition key field ${field.name}`)
    if (field.clusteringKey) throw invalid(`${list} clustering key field ${field.name}`)
  }
  const withMeta = skipLoadDynamicField !== true && schema.dynamicIndex >= 0
  const names = fields.filter(field => !field.dynamic).map(field => field.name)
  return withMeta ? [...new Set(names), schema.fields[schema.dynamicIndex]!.name] : [...new Set(names)]
}

/** Every vector field that is loaded has an index. */
function checkIndexed(record: CollectionRecord, loadFields: readonly string[] | null): void {
  const vectors = record.schema.fields.filter(
    field => isVectorType(field.dataType) && (loadFields === null || loadFields.includes(field.name)),
  )
  const bare = vectors.filter(field => !record.indexes.some(spec => spec.fieldName === field.name))
  if (bare.length === 0) return
  if (bare.length === vectors.length)
    throw new MilvusError('IndexNotFound', '', { fields: { collection: record.schema.name } })
  throw invalid(
    `there is no vector index on field: [${bare.map(f => f.name).join(' ')}], please create index firstly`,
  )
}

/** Frees the memory of a collection; reads are refused until it is loaded. Durable on return; idempotent. */
export function releaseCollection(engine: Engine, collection: EngineCollection): Promise<void> {
  return engine.catalog.exclusive(async () => {
    if (collection.state.record.load !== 'none') await putRecord(collection, { load: 'none' })
    await freeMemory(collection)
  })
}

/**
 * Makes partitions unreadable; when none is left, the collection is released. Durable on return; idempotent. A partition
 * may be dropped once it is released.
 * @throws MilvusError PartitionNotFound, ParameterInvalid (no names; partition-key mode)
 */
export function releasePartitions(
  engine: Engine,
  collection: EngineCollection,
  names: readonly string[],
): Promise<void> {
  return engine.catalog.exclusive(async () => {
    refuseWithPartitionKey(collection.schema, 'release')
    const { record } = collection.state
    const ids = namedPartitions(record, names).map(partition => partition.id)
    if (record.load === 'none') return
    const had = record.load === 'all' ? record.partitions.map(partition => partition.id) : record.load
    const left = had.filter(id => !ids.includes(id))
    if (left.length === had.length) return
    await putRecord(collection, { load: left.length === 0 ? 'none' : left })
    if (left.length === 0) await freeMemory(collection)
  })
}

async function freeMemory(collection: EngineCollection): Promise<void> {
  const fields = { collection: collection.schema.name }
  collection.state.snapshots.endHolds(
    new MilvusError('CollectionNotLoaded', 'the iterator has ended', { fields }),
  )
  await collection.state.snapshots.whenIdle()
  // No reader is left: what is pinned now is being merged or indexed, and needs its keys until that is over.
  for (const segment of collection.state.sealed) if (segment.pins === 0) segment.unload()
}

function refuseWithPartitionKey(schema: CollectionSchema, verb: 'load' | 'release'): void {
  if (schema.partitionKeyIndex >= 0) throw invalid(`disable ${verb} partitions if partition key mode is used`)
}

/** @throws MilvusError ParameterInvalid for an empty list, PartitionNotFound */
function namedPartitions(record: CollectionRecord, names: readonly string[]): PartitionRecord[] {
  if (names.length === 0) throw invalid('due to no partition specified')
  return names.map(name => partitionNamed(record, name))
}

function partitionNamed(record: CollectionRecord, name: string): PartitionRecord {
  const wanted = checkPartitionName(name)
  const found = record.partitions.find(partition => partition.name === wanted)
  if (found === undefined) throw new MilvusError('PartitionNotFound', '', { fields: { partition: wanted } })
  return found
}

/** True when all rows of these partitions may be read. */
function isLoaded(record: CollectionRecord, partitions: readonly PartitionRecord[]): boolean {
  const { load: now } = record
  if (now === 'none' || now === 'all') return now === 'all'
  return partitions.every(partition => now.includes(partition.id))
}

/**
 * Load state of a collection, or of some of its partitions together.
 * @throws MilvusError DatabaseNotFound, PartitionNotFound; an unknown collection is the answer 'NotExist'
 */
export function loadState(
  engine: Engine,
  name: string,
  database: string = DEFAULT_DATABASE,
  partitionNames: readonly string[] = [],
): LoadStateName {
  engine.checkOpen()
  const { catalog } = engine
  const record = catalog.find(catalog.database(database), name)
  if (record === undefined) return 'NotExist'
  if (record.load === 'none') {
    for (const partition of partitionNames) partitionNamed(record, partition)
    return 'NotLoad'
  }
  const partitions = partitionNames.map(partition => partitionNamed(record, partition))
  return partitions.length === 0 || isLoaded(record, partitions) ? 'Loaded' : 'NotLoad'
}

/**
 * Progress of a load in percent: 100, since loads are over when they return.
 * @throws MilvusError CollectionNotFound, CollectionNotLoaded, PartitionNotFound, PartitionNotLoaded
 */
export function loadProgress(
  engine: Engine,
  name: string,
  database: string = DEFAULT_DATABASE,
  partitionNames: readonly string[] = [],
): number {
  const state = loadState(engine, name, database, partitionNames)
  if (state === 'NotExist') throw collectionNotFound(database, name)
  if (state === 'Loaded') return 100
  if (partitionNames.length > 0)
    throw new MilvusError('PartitionNotLoaded', '', { fields: { partition: partitionNames.join() } })
  throw new MilvusError('CollectionNotLoaded', '', { fields: { collection: name } })
}

/** True when the collection has a partition of this name. */
export function hasPartition(collection: EngineCollection, name: string): boolean {
  const wanted = checkPartitionName(name)
  return collection.state.record.partitions.some(partition => partition.name === wanted)
}

/** Figures about one partition. */
export interface PartitionStats {
  /** Live row versions at the newest visible state. */
  readonly rowCount: number
}

/**
 * Counts the live rows of a partition, loaded or not. Brings the keys of its segments into memory.
 * @throws MilvusError PartitionNotFound
 */
export async function partitionStats(collection: EngineCollection, name: string): Promise<PartitionStats> {
  const { state } = collection
  const { id } = partitionNamed(state.record, name)
  while (state.gate !== null) await state.gate
  const snapshot = state.snapshot()
  const only = new Set([id])
  let rowCount = 0
  try {
    for (const segment of snapshot.segments) {
      await segment.load([])
      rowCount += segment.visible(snapshot.tick, only).count
    }
  } finally {
    snapshot.release()
  }
  return { rowCount }
}

/** Figures about one database. */
export interface DatabaseStats {
  readonly collectionCount: number
  /** Live row versions of all collections. */
  readonly rowCount: number
  /** Bytes of sealed segments on disk. */
  readonly byteLength: number
}

/** @throws MilvusError DatabaseNotFound */
export function databaseStats(engine: Engine, database: string = DEFAULT_DATABASE): DatabaseStats {
  engine.checkOpen()
  const { catalog } = engine
  let rowCount = 0
  let byteLength = 0
  const records = catalog.collections(catalog.database(database))
  for (const record of records) {
    const stats = engine.collectionById(record.id)!.stats()
    rowCount += stats.rowCount
    byteLength += stats.byteLength
  }
  return { collectionCount: records.length, rowCount, byteLength }
}
