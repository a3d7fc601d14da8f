/**
 * A collection's schema as the engine uses it: checked, complete, immutable.
 *
 * validate-schema.ts makes one out of a user's request; the catalog stores it; every other room reads it.
 * Invariants: exactly one primary key; field ids start at 100, rise, and are never reused; the dynamic field, if any,
 * is an ordinary JSON field named `$meta` with `dynamic: true` and is the last one added at creation.
 * A column position ("field index") is the place in `fields`; ids are what is stored on disk.
 */
import type { DataType } from './data-type.js'

/** A scalar default, in the same form as stored values: Int64 as number when safe, else bigint. */
export type ScalarValue = boolean | number | bigint | string

export interface FieldSchema {
  /** Stable number of the field in this collection, ≥ 100; what the disk knows it by. */
  readonly id: number
  readonly name: string
  readonly description: string
  readonly dataType: DataType
  readonly primaryKey: boolean
  readonly autoId: boolean
  readonly nullable: boolean
  /** undefined: none. Never set for pk, Array, JSON and vector fields. */
  readonly defaultValue?: ScalarValue
  readonly partitionKey: boolean
  readonly clusteringKey: boolean
  /** The hidden JSON field `$meta` that holds undeclared keys. */
  readonly dynamic: boolean
  /** Filled by a function (BM25 …), never by the user. */
  readonly functionOutput: boolean
  /** Dense vectors: dimensions (bits for binary); 0 otherwise. */
  readonly dim: number
  /** VarChar, and Array of VarChar: UTF-8 bytes per value; 0 otherwise. */
  readonly maxLength: number
  /** Array: elements per row; 0 otherwise. */
  readonly maxCapacity: number
  /** Array: type of the elements; DataType.None (0) otherwise. */
  readonly elementType: DataType
  /**
   * ArrayOfStruct only: its sub-fields. Scalars are Array fields, vectors ArrayOfVector fields (`elementType`, `dim`);
   * all have the struct's `maxCapacity`.
   */
  readonly fields?: readonly FieldSchema[]
  /** Every other type parameter as given (`enable_analyzer`, `mmap.enabled`, …), echoed by describe. */
  readonly params: Readonly<Record<string, string>>
}

export interface FunctionSchema {
  readonly id: number
  readonly name: string
  readonly description: string
  /** Milvus's FunctionType: 1 BM25, 2 TextEmbedding, 3 Rerank, 4 MinHash. */
  readonly type: number
  readonly inputFieldNames: readonly string[]
  readonly outputFieldNames: readonly string[]
  readonly params: Readonly<Record<string, string>>
}

export interface CollectionSchema {
  readonly name: string
  readonly description: string
  readonly fields: readonly FieldSchema[]
  readonly functions: readonly FunctionSchema[]
  /** Position of the primary key in `fields`. */
  readonly pkIndex: number
  /** Position of `$meta` in `fields`, or −1 when the dynamic field is off. */
  readonly dynamicIndex: number
  /** Position of the partition key in `fields`, or −1. */
  readonly partitionKeyIndex: number
  /** Highest field id ever used, so that ids are never reused. */
  readonly maxFieldId: number
  /** Rises with every change of the schema. */
  readonly version: number
}

/** The primary key field. */
export function pkField(schema: CollectionSchema): FieldSchema {
  return schema.fields[schema.pkIndex]!
}

/** Position of a field by name, or −1. */
export function fieldIndex(schema: CollectionSchema, name: string): number {
  for (let i = 0; i < schema.fields.length; i++) if (schema.fields[i]!.name === name) return i
  return -1
}
