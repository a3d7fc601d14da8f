/**
 * What the catalog stores: databases and collections, each one small value.
 *
 * Records are replaced as a whole, never changed in place; fields are append-only (docs/format.md, "Catalog").
 */
import type { Tick } from '../base/timestamp.js'
import type { IndexSpec } from '../index/index-spec.js'
import type { CollectionSchema } from '../schema/collection-schema.js'

export interface DatabaseRecord {
  readonly id: number
  readonly name: string
  readonly createdTick: Tick
  readonly properties: Readonly<Record<string, string>>
}

export interface PartitionRecord {
  /** Unique in the collection, never reused: rows of a dropped partition keep its id and are thereby invisible. */
  readonly id: number
  readonly name: string
  readonly createdTick: Tick
}

/** Which rows may be read: none, all, or those of some partitions (ids). */
export type LoadState = 'none' | 'all' | readonly number[]

export interface CollectionRecord {
  /** Unique in the store, never reused. */
  readonly id: number
  readonly databaseId: number
  readonly schema: CollectionSchema
  /** In order of creation; `_default` (or `_default_0` …) first. */
  readonly partitions: readonly PartitionRecord[]
  readonly nextPartitionId: number
  readonly indexes: readonly IndexSpec[]
  readonly nextIndexId: number
  readonly properties: Readonly<Record<string, string>>
  readonly aliases: readonly string[]
  /** Milvus's number: Strong 0, Session 1, Bounded 2, Eventually 3. Kept and echoed; every read here is Strong. */
  readonly consistencyLevel: number
  readonly shardCount: number
  readonly load: LoadState
  /** Fields named when it was loaded. A hint, but other vector fields are not searched. Absent: all. */
  readonly loadFields?: readonly string[]
  /** Ids of fields with vectors that were added since it was loaded: not searched before the next load. */
  readonly unloadedVectors?: readonly number[]
  readonly createdTick: Tick
  /** Tick of the last change of schema, properties or name: the schema cache key of Milvus's clients. */
  readonly updatedTick: Tick
}

/** Name of the partition that always exists. */
export const DEFAULT_PARTITION = '_default'
/** Name of the database that always exists. */
export const DEFAULT_DATABASE = 'default'
/** Collection property: how JSON fields merge ('merge' or 'replace'). */
export const JSON_MERGE_PROPERTY = 'kestrel.partial_update.json'
/** Collection property: seconds for which older states may be read. */
export const RETENTION_PROPERTY = 'kestrel.retention.seconds'
/** Collection property of Milvus: seconds after which a row is gone. */
export const TTL_PROPERTY = 'collection.ttl.seconds'
/** Collection property of Milvus: names the Timestamptz field after whose value a row is gone. */
export const TTL_FIELD_PROPERTY = 'ttl_field'
/** Collection property of Milvus: turns the dynamic field on and off; never stored, the schema says it. */
export const DYNAMIC_PROPERTY = 'dynamicfield.enabled'
/** Collection property of Milvus: changes the description; never stored, the schema holds it. */
export const DESCRIPTION_PROPERTY = 'collection.description'
/** Collection property of Milvus: searches must name one partition key value. */
export const ISOLATION_PROPERTY = 'partitionkey.isolation'
/** Collection, index and field property of Milvus: echoed, no effect here. */
export const MMAP_PROPERTY = 'mmap.enabled'
/** Database property of Milvus: how many collections it may have. */
export const COLLECTIONS_MAX_PROPERTY = 'database.max.collections'
/** Database and collection property of Milvus: IANA zone of timestamps without an offset. */
export const TIMEZONE_PROPERTY = 'timezone'
/** Collection property of Milvus: insert may name primary keys although autoID is on. */
export const INSERT_AUTO_ID_PROPERTY = 'allow_insert_auto_id'
