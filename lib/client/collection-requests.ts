/**
 * What callers give to a collection beside rows and questions, and what they get back: the types of client/collection.ts.
 */
import type { GivenProperties } from '../engine/properties.js'
import type { TemplateValues } from '../filter/compile.js'
import type { IndexSpec } from '../index/index-spec.js'
import type { PkInput, TimeRequest } from '../query/request.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import type { FieldOps } from '../schema/requests.js'
import type { Int64Value } from './int64-out.js'

/** What a write did. */
export interface WriteSummary {
  readonly insertCount: number
  readonly upsertCount: number
  readonly deleteCount: number
  /** Primary keys of the written rows; the new ones for autoID collections. Empty for deletes. */
  readonly ids: readonly (Int64Value | string)[]
  /** Hybrid timestamp of the write: pass it as `readTimestamp` to read the state right after it. */
  readonly timestamp: bigint
}

export interface InsertOptions {
  /** Default: `_default`, or by partition key. */
  readonly partitionName?: string
}

export interface UpsertRowsOptions extends InsertOptions {
  /** Merge mode: fields a row leaves out keep their stored values. Default false (override mode). */
  readonly partialUpdate?: boolean
  /** Array fields to which the payload is appended, or from which it is removed. Turns merge mode on. */
  readonly fieldOps?: FieldOps
}

export interface DeleteOptions {
  readonly ids?: readonly PkInput[]
  readonly filter?: string
  readonly templates?: TemplateValues
  readonly partitionName?: string
}

/** What every read may say about the state it reads. */
export interface ReadOptions {
  readonly partitionNames?: readonly string[]
  /** Read as of this timestamp; must be inside the collection's retention window. Default: now. */
  readonly readTimestamp?: bigint
}

/** What every iterator may say about the state it reads. */
export interface IteratorOptions extends ReadOptions {
  /** Continue behind the place where another iterator stood: its `cursor`. */
  readonly cursor?: string
  /** With a cursor: go on with the newest state when the cursor's is gone. Default false: refuse. */
  readonly newestState?: boolean
}

export interface GetOptions extends ReadOptions, TimeRequest {
  /** Default `['*']`. */
  readonly outputFields?: readonly string[]
}

export interface CollectionDescription {
  readonly name: string
  readonly schema: CollectionSchema
  readonly indexes: readonly IndexSpec[]
  readonly partitions: readonly string[]
  readonly aliases: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  readonly loaded: boolean
  /** Milvus's number: Strong 0, Session 1, Bounded 2, Eventually 3. Echoed: every read here is Strong. */
  readonly consistencyLevel: number
  /** Hybrid timestamp of the creation. */
  readonly createdTimestamp: bigint
  /** Hybrid timestamp of the last change of schema, properties or name. */
  readonly updatedTimestamp: bigint
}

/** What may change about a field; what is left out stays. */
export interface FieldChanges {
  /** VarChar, and Array of VarChar: UTF-8 bytes per value. Stored values are not checked. */
  readonly maxLength?: number
  /** Array: elements per row. Stored values are not checked. */
  readonly maxCapacity?: number
  readonly description?: string
  /** `mmap.enabled` and `warmup`, echoed by describe. */
  readonly params?: GivenProperties
}
