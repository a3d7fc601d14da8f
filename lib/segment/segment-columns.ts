/**
 * The columns of one sealed segment: read when they are first asked for, kept in the shared ColumnCache.
 *
 * The one idea: a column costs reading it once, and a few rows of it cost their chunks only; so rows are gathered from
 * disk until that has cost as much as the whole column, which is then kept. Primary keys are not here: they belong to
 * the base of the segment (segment-base.ts).
 */
import { present } from '../base/assert.js'
import { VectorCodes, worthCoding } from '../index/vector-codes.js'
import type { CollectionSchema, FieldSchema } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import type { Store } from '../store/store.js'
import type { CachedColumn, ColumnCache } from './column-cache.js'
import type { ColumnChunk } from './segment.js'
import type { SegmentMeta } from './segment-meta.js'
import { gatherStored, readColumn, streamColumn } from './segment-reader.js'

/** Codes are made once so many times a column's rows have been compared: it is scanned again and again. */
const CODES_AFTER_SCANS = 2

/** Codes of a column in the cache. */
interface CodesOfColumn {
  compared: number
  building: boolean
  codes: VectorCodes | null
}

/** Where the columns come from. */
export interface ColumnSource {
  readonly store: Store
  readonly cache: ColumnCache
  /** The current schema; changes only while no reader is at work. */
  schema(): CollectionSchema
}

export class SegmentColumns {
  readonly #source: ColumnSource
  /** By field id, as everything here. */
  readonly #cached = new Map<number, CachedColumn>()
  readonly #loading = new Map<number, Promise<void>>()
  readonly #codes = new Map<CachedColumn, CodesOfColumn>()
  /** Fields whose column was streamed once. */
  readonly #streamed = new Set<number>()
  /** Bytes read by gather() for single rows. */
  readonly #bytesGathered = new Map<number, number>()

  constructor(source: ColumnSource) {
    this.#source = source
  }

  has(fieldId: number): boolean {
    return this.#cached.has(fieldId)
  }

  /** True when the column is in memory; it counts as used. */
  touch(fieldId: number): boolean {
    const entry = this.#cached.get(fieldId)
    if (entry !== undefined) this.#source.cache.touch(entry)
    return entry !== undefined
  }

  /** A column that is in memory. */
  column(fieldId: number): Column {
    const entry = present(this.#cached.get(fieldId), 'the column is resident')
    this.#source.cache.touch(entry)
    return entry.column
  }

  /** Reads a column into the cache; callers at the same time share one read. */
  load(meta: SegmentMeta, field: FieldSchema): Promise<void> {
    let loading = this.#loading.get(field.id)
    if (loading === undefined) {
      loading = this.#read(meta, field).finally(() => this.#loading.delete(field.id))
      this.#loading.set(field.id, loading)
    }
    return loading
  }

  async #read(meta: SegmentMeta, field: FieldSchema): Promise<void> {
    const { store, cache } = this.#source
    const column = await readColumn(store, meta, field, true, true)
    const entry = cache.add(column, () => {
      this.#cached.delete(field.id)
      this.#codes.delete(entry)
    })
    this.#cached.set(field.id, entry)
  }

  /**
   * The codes of a column of float vectors in the cache; null while there are none. They are made, in the background,
   * once enough rows have been compared without them.
   * @param compared rows that the caller compares, or would if there were codes
   */
  codes(field: FieldSchema, compared: number): VectorCodes | null {
    const entry = this.#cached.get(field.id)
    if (entry === undefined || field.dataType !== DataType.FloatVector) return null
    let known = this.#codes.get(entry)
    if (known === undefined) {
      known = { compared: 0, building: false, codes: null }
      this.#codes.set(entry, known)
    }
    known.compared += compared
    if (known.codes === null && !known.building) {
      const { column } = entry
      if (column.layout !== 'fixed') return null
      const rowCount = column.values.length / column.width
      known.building = known.compared >= CODES_AFTER_SCANS * rowCount && worthCoding(rowCount, column.width)
      if (known.building) void this.#code(entry, known, column.values as Float32Array, column.width)
    }
    return known.codes
  }

  /** Makes codes; `building` stays true when they cannot be had, so that nobody tries again. */
  async #code(entry: CachedColumn, known: CodesOfColumn, values: Float32Array, dim: number): Promise<void> {
    const wanted = (): boolean => this.#codes.get(entry) === known
    const codes = await VectorCodes.build(values, values.length / dim, dim, wanted)
    if (codes === null || !wanted()) return
    known.codes = codes
    this.#source.cache.grow(entry, codes.byteLength)
  }

  /** Before its graph is open a column is scanned once or twice: the first time it is not kept. */
  stream(meta: SegmentMeta, field: FieldSchema, indexId: number): AsyncIterable<ColumnChunk> | null {
    if (field.dataType !== DataType.FloatVector || this.#streamed.has(field.id)) return null
    const hasGraph = meta.indexes.some(s => s.fieldId === field.id && s.indexId === indexId)
    const stored = meta.columns.some(column => column.fieldId === field.id)
    if (!hasGraph || !stored || this.#loading.has(field.id)) return null
    this.#streamed.add(field.id)
    return streamColumn(this.#source.store, meta, field)
  }

  /** Reads single rows of a column that is not in memory. */
  gather(meta: SegmentMeta, field: FieldSchema, rows: Int32Array): Promise<Column> {
    return gatherStored(this.#source.store, meta, field, rows)
  }

  /**
   * True when reading single rows of a column has cost about as much as reading all of it would: from then on it is
   * cheaper to keep the column. The first few rows of a cold segment stay cheap.
   */
  readsEnough(meta: SegmentMeta, fieldId: number, rowCount: number): boolean {
    const stored = meta.columns.find(column => column.fieldId === fieldId)
    if (stored === undefined || stored.chunkCount === 0) return true
    const chunkBytes = stored.byteLength / stored.chunkCount
    const read = (this.#bytesGathered.get(fieldId) ?? 0) + Math.min(rowCount, stored.chunkCount) * chunkBytes
    this.#bytesGathered.set(fieldId, read)
    return read > stored.byteLength
  }

  clear(): void {
    for (const entry of this.#cached.values()) this.#source.cache.remove(entry)
    this.#cached.clear()
    this.#codes.clear()
  }
}
