/**
 * What a caller may ask for when declaring a collection and writing rows: plain objects, nothing checked yet.
 *
 * validate-schema.ts turns a CollectionRequest into a CollectionSchema; rows-to-columns.ts turns rows into columns.
 * Wire adapters and the embedded client build these same shapes, so every rule is applied in one place.
 */
import type { DataType } from './data-type.js'

/** A field as declared. Everything optional is off, absent or 0 when left out. */
export interface FieldRequest {
  readonly name: string
  readonly dataType: DataType
  readonly primaryKey?: boolean
  readonly autoId?: boolean
  /** Dense vectors: dimensions (bits for binary). `params.dim` is read when this is absent. */
  readonly dim?: number
  /** VarChar, and Array of VarChar: UTF-8 bytes. `params.max_length` is read when this is absent. */
  readonly maxLength?: number
  /** Array: elements per row. `params.max_capacity` is read when this is absent. */
  readonly maxCapacity?: number
  /** Array: type of the elements. */
  readonly elementType?: DataType
  /**
   * Struct arrays (ArrayOfStruct, or Array with elementType Struct): what one element holds. A sub-field is declared
   * with the type of its values (VarChar, FloatVector, …), or as Array or ArrayOfVector with that as its elementType.
   */
  readonly fields?: readonly FieldRequest[]
  readonly nullable?: boolean
  /** A value of the field's type; text or Date for Timestamptz. null and undefined mean none. */
  readonly defaultValue?: unknown
  readonly partitionKey?: boolean
  readonly clusteringKey?: boolean
  readonly description?: string
  /** Other type parameters (`enable_analyzer`, `mmap.enabled`, …); kept as text and echoed by describe. */
  readonly params?: Readonly<Record<string, string | number | boolean>>
}

/** A function as declared: computes output fields from input fields. */
export interface FunctionRequest {
  readonly name: string
  readonly description?: string
  /** Milvus's FunctionType: 1 BM25, 2 TextEmbedding, 3 Rerank, 4 MinHash. */
  readonly type: number
  readonly inputFieldNames: readonly string[]
  readonly outputFieldNames: readonly string[]
  readonly params?: Readonly<Record<string, string | number | boolean>>
}

/** A collection as declared. */
export interface CollectionRequest {
  readonly name: string
  readonly description?: string
  readonly fields: readonly FieldRequest[]
  readonly functions?: readonly FunctionRequest[]
  /** Adds the hidden JSON field `$meta`, which keeps undeclared keys. Default false. */
  readonly enableDynamicField?: boolean
  /** Applies to the primary key, like `autoId` on the field itself. */
  readonly autoId?: boolean
}

/** One entity as the caller gives it: field name (or dynamic key) to value. */
export type Row = Readonly<Record<string, unknown>>

/** What a merge does with the payload of an Array field. REPLACE is what happens without an op. */
export type ArrayOp = 'REPLACE' | 'ARRAY_APPEND' | 'ARRAY_REMOVE'

/** Field name to operation, for a merge. */
export type FieldOps = Readonly<Record<string, ArrayOp>>
