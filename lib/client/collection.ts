/**
 * A collection as embedded users see it.
 *
 * A handle is only a name: it stays valid while collections come and go, and every call finds the collection anew, as
 * a network client would. Every write is durable when its promise resolves (see option `durability`); every read sees
 * every write acknowledged before it began.
 */
import { MilvusError } from '../base/errors.js'
import { hybridOfTick } from '../base/timestamp.js'
import { countFromHere } from '../base/turn.js'
import type { EngineCollection } from '../engine/collection.js'
import { createIndex, createPartition, dropIndex, dropPartition } from '../engine/collection-ddl.js'
import type { CollectionStats } from '../engine/collection-figures.js'
import type { Engine } from '../engine/engine.js'
import { type IndexProgress, indexProgress } from '../engine/index-progress.js'
import type { PageIterator } from '../engine/iterators.js'
import {
  hasPartition,
  type LoadOptions,
  type LoadStateName,
  loadCollection,
  loadPartitions,
  loadState,
  type PartitionStats,
  partitionStats,
  releaseCollection,
  releasePartitions,
} from '../engine/load-ddl.js'
import type { GivenProperties } from '../engine/properties.js'
import { alterCollection, alterIndex } from '../engine/property-ddl.js'
import { DESCRIPTION_PROPERTY, INSERT_AUTO_ID_PROPERTY } from '../engine/records.js'
import { addField, alterField, dropField } from '../engine/schema-ddl.js'
import { truncateCollection } from '../engine/truncate.js'
import type { WriteResult } from '../engine/write-request.js'
import type { IndexRequest } from '../index/index-params.js'
import type { IndexSpec } from '../index/index-spec.js'
import type { QueryIteratorRequest } from '../query/query-pages.js'
import type {
  HybridRequest,
  PkInput,
  QueryRequest,
  Row as ResultRow,
  SearchHit,
  SearchRequest,
} from '../query/request.js'
import type { SearchIteratorRequest } from '../query/search-pages.js'
import type { FieldRequest, Row } from '../schema/requests.js'
import { type PartialBatch, rowsToColumns } from '../schema/rows-to-columns.js'
import {
  checkDeleteArguments,
  checkFieldArguments,
  checkFieldChanges,
  checkHybridArguments,
  checkIndexArguments,
  checkInsertArguments,
  checkIteratorArguments,
  checkLoadArguments,
  checkName,
  checkNameList,
  checkPropertyArguments,
  checkReadArguments,
  checkUpsertArguments,
} from './check-arguments.js'
import type {
  CollectionDescription,
  DeleteOptions,
  FieldChanges,
  GetOptions,
  InsertOptions,
  IteratorOptions,
  ReadOptions,
  UpsertRowsOptions,
  WriteSummary,
} from './collection-requests.js'
import { int64Out } from './int64-out.js'

/** Times that rows are translated anew because the schema changed while their request waited. */
const TRANSLATIONS_MAX = 16
/** Rows whose translation is long enough to count for the round of the event loop. */
const MANY_ROWS = 64

export class Collection {
  readonly #engine: Engine
  readonly #database: string | undefined
  readonly name: string

  /** Use `db.collection(name)`. */
  constructor(engine: Engine, name: string, database: string | undefined) {
    this.#engine = engine
    this.name = name
    this.#database = database
  }

  get #open(): EngineCollection {
    return this.#engine.collection(this.name, this.#database)
  }

  /**
   * Inserts rows as they are: keys that exist already get a second version (Milvus does not check either). Rows are copied
   * before the call returns, in one step of the event loop: about 1.5 ms for 1,000 rows of 100 dimensions, so a service
   * that answers others meanwhile inserts some thousands at a time.
   * @throws MilvusError naming row, field, what was expected and found; nothing is written then
   */
  async insert(rows: readonly Row[], options: InsertOptions = {}): Promise<WriteSummary> {
    checkInsertArguments(rows, options)
    return this.#write(rows, 'insert', (collection, batch) => collection.insert(batch, options.partitionName))
  }

  /**
   * Inserts or replaces rows by primary key; with `partialUpdate` changes only the given fields. One call is atomic.
   * @throws MilvusError as insert(); CollectionNotLoaded in merge mode
   */
  async upsert(rows: readonly Row[], options: UpsertRowsOptions = {}): Promise<WriteSummary> {
    checkUpsertArguments(rows, options)
    const merge =
      options.partialUpdate === true || Object.values(options.fieldOps ?? {}).some(op => op !== 'REPLACE')
    return this.#write(rows, merge ? 'partial' : 'upsert', (collection, batch) =>
      collection.upsert(batch, options),
    )
  }

  async #write(
    rows: readonly Row[],
    mode: 'insert' | 'upsert' | 'partial',
    write: (collection: EngineCollection, batch: PartialBatch) => Promise<WriteResult>,
  ): Promise<WriteSummary> {
    for (let attempt = 0; ; attempt++) {
      const collection = this.#open
      const { schema } = collection
      // pymilvus answers an empty list without asking the server; so do we.
      if (rows.length === 0) return this.#summary(NOTHING, collection)
      const allowInsertAutoId =
        collection.state.record.properties[INSERT_AUTO_ID_PROPERTY]?.toLowerCase() === 'true'
      const timeZone = collection.state.record.properties['timezone'] ?? 'UTC'
      if (rows.length >= MANY_ROWS) countFromHere()
      const batch = rowsToColumns(schema, rows, mode, { allowInsertAutoId, timeZone })
      try {
        return this.#summary(await write(collection, batch), collection)
      } catch (error) {
        // The schema changed while the request waited: translate the rows again, as the SDKs do.
        const stale = error instanceof MilvusError && error.reason === 'SchemaMismatch'
        if (!stale || attempt === TRANSLATIONS_MAX) throw error
      }
    }
  }

  #summary(result: WriteResult, collection: EngineCollection): WriteSummary {
    const { insertCount, upsertCount, deleteCount, ids } = result
    const tick = result.tick === 0 ? collection.state.visibleTick : result.tick
    const { int64As } = this.#engine.env.options
    return {
      insertCount,
      upsertCount,
      deleteCount,
      ids: int64Out(ids, int64As),
      timestamp: hybridOfTick(tick),
    }
  }

  /**
   * Deletes rows by primary keys or by filter. One call is atomic.
   * @throws MilvusError ParameterInvalid when both or neither are given, or the filter is empty or always true
   */
  async delete(options: DeleteOptions): Promise<WriteSummary> {
    checkDeleteArguments(options)
    const collection = this.#open
    const { ids, filter, templates, partitionName } = options
    if (ids !== undefined && filter !== undefined) {
      throw new MilvusError(
        'ParameterInvalid',
        'Ambiguous filter parameter, only one deletion condition can be specified.',
      )
    }
    if (ids !== undefined) return this.#summary(await collection.deleteIds(ids, partitionName), collection)
    if (typeof filter !== 'string') {
      throw new MilvusError(
        'ParameterInvalid',
        'delete needs ids or filter: expected one of them, found neither',
      )
    }
    return this.#summary(await collection.deleteWhere(filter, templates, partitionName), collection)
  }

  /** Rows by primary key, in the order asked; absent ones are left out. */
  async get(ids: readonly PkInput[] | PkInput, options: GetOptions = {}): Promise<ResultRow[]> {
    checkReadArguments('options of get', options)
    const asked = Array.isArray(ids) ? (ids as readonly PkInput[]) : [ids as PkInput]
    return this.#open.get({ ...options, ids: asked }, options)
  }

  /** Rows that match a filter, by ascending primary key. @throws MilvusError ParameterInvalid, CollectionNotLoaded */
  async query(request: QueryRequest & ReadOptions): Promise<ResultRow[]> {
    checkReadArguments('request of query', request)
    return this.#open.query(request, request)
  }

  /** Number of rows that match a filter; without one, of all rows. */
  async count(
    request: Pick<QueryRequest, 'filter' | 'templates' | 'timeZone'> & ReadOptions = {},
  ): Promise<number> {
    checkReadArguments('request of count', request)
    return this.#open.count(request, request)
  }

  /** Nearest rows for each query vector, best first. */
  async search(request: SearchRequest & ReadOptions): Promise<SearchHit[][]> {
    checkReadArguments('request of search', request)
    return this.#open.search(request, request)
  }

  /** Several searches, fused into one ranking. */
  async hybridSearch(request: HybridRequest & ReadOptions): Promise<SearchHit[][]> {
    checkHybridArguments(request)
    return this.#open.hybridSearch(request, request)
  }

  /**
   * All rows that a filter selects, page by page in primary key order, over the state of this moment:
   * `for await (const rows of await books.queryIterator({ filter }))`. Close it when you leave before the end.
   * @throws MilvusError ParameterInvalid, CollectionNotLoaded; pages: Timeout when left unused for `iteratorIdleMs`
   */
  async queryIterator(
    request: QueryIteratorRequest & IteratorOptions = {},
  ): Promise<PageIterator<ResultRow>> {
    checkIteratorArguments('request of queryIterator', request)
    return this.#open.queryIterator(request, request)
  }

  /**
   * All rows that a filter selects, nearest to one query vector first, page by page over the state of this moment.
   * Exact: nothing is left out, ties come in primary key order.
   * @throws MilvusError as queryIterator()
   */
  async searchIterator(request: SearchIteratorRequest & IteratorOptions): Promise<PageIterator<SearchHit>> {
    checkIteratorArguments('request of searchIterator', request)
    return this.#open.searchIterator(request, request)
  }

  /** Creates a partition; an existing name is a success. */
  async createPartition(name: string): Promise<void> {
    checkName('name of the partition', name)
    await createPartition(this.#engine, this.#open, name)
  }

  /** Drops a partition with its rows; the collection must be released first, as in Milvus. */
  async dropPartition(name: string): Promise<void> {
    checkName('name of the partition', name)
    await dropPartition(this.#engine, this.#open, name)
  }

  /** Names of the partitions, in order of creation. */
  async listPartitions(): Promise<string[]> {
    return this.#open.state.record.partitions.map(partition => partition.name)
  }

  /** Declares an index; the graph is built in the background (`compact()` waits for it). */
  async createIndex(request: IndexRequest): Promise<IndexSpec> {
    checkIndexArguments(request)
    return createIndex(this.#engine, this.#open, request)
  }

  /** Drops the index of this name; when there is none, those of the field of this name. */
  async dropIndex(name: string): Promise<void> {
    checkName('name of the index', name)
    const own = this.#open.indexes.some(index => index.name === name)
    await dropIndex(this.#engine, this.#open, own ? { indexName: name } : { fieldName: name })
  }

  /** How far an index is built: searches are complete meanwhile, only slower. @throws MilvusError IndexNotFound */
  async indexProgress(name: string): Promise<IndexProgress> {
    checkName('name of the index', name)
    const collection = this.#open
    const spec = collection.indexes.find(index => index.name === name)
    if (spec === undefined) throw new MilvusError('IndexNotFound', '', { fields: { indexName: name } })
    return indexProgress(collection, spec)
  }

  /** True when the collection has a partition of this name. */
  async hasPartition(name: string): Promise<boolean> {
    checkName('name of the partition', name)
    return hasPartition(this.#open, name)
  }

  /** Rows of one partition. @throws MilvusError PartitionNotFound */
  async partitionStats(name: string): Promise<PartitionStats> {
    checkName('name of the partition', name)
    return partitionStats(this.#open, name)
  }

  /** Sets storage parameters of an index; the collection must be released. @throws MilvusError IndexNotFound */
  async alterIndex(name: string, params: GivenProperties): Promise<void> {
    checkName('name of the index', name)
    checkPropertyArguments(params)
    await alterIndex(this.#engine, this.#open, name, { properties: params })
  }

  /** Removes storage parameters of an index; the collection must be released. @throws MilvusError IndexNotFound */
  async dropIndexProperties(name: string, keys: readonly string[]): Promise<void> {
    checkName('name of the index', name)
    checkNameList('keys', keys)
    await alterIndex(this.#engine, this.#open, name, { deleteKeys: keys })
  }

  /** Sets properties; all of them or, when one is refused, none. Durable on return. */
  async alterProperties(properties: GivenProperties): Promise<void> {
    checkPropertyArguments(properties)
    await alterCollection(this.#engine, this.#open, { properties })
  }

  /** Removes properties; those that are not set are ignored. Durable on return. */
  async dropProperties(keys: readonly string[]): Promise<void> {
    checkNameList('keys', keys)
    await alterCollection(this.#engine, this.#open, { deleteKeys: keys })
  }

  /** Changes the description. Durable on return. */
  async alterDescription(description: string): Promise<void> {
    checkName('description', description)
    await this.alterProperties({ [DESCRIPTION_PROPERTY]: description })
  }

  /** Adds a nullable field; earlier rows read as null or as its default. Durable on return. */
  async addField(request: FieldRequest): Promise<void> {
    checkFieldArguments(request)
    await addField(this.#engine, this.#open, request)
  }

  /** Drops a field with its indexes; its values never come back. Durable on return, after the reads that run. */
  async dropField(name: string): Promise<void> {
    checkName('name of the field', name)
    await dropField(this.#engine, this.#open, name)
  }

  /** Changes limits, description or storage parameters of a field. Durable on return. */
  async alterField(name: string, changes: FieldChanges): Promise<void> {
    checkName('name of the field', name)
    checkFieldChanges(changes)
    const { maxLength, maxCapacity, description, params } = changes
    const properties = {
      ...params,
      ...(maxLength === undefined ? {} : { max_length: maxLength }),
      ...(maxCapacity === undefined ? {} : { max_capacity: maxCapacity }),
      ...(description === undefined ? {} : { description }),
    }
    await alterField(this.#engine, this.#open, name, { properties })
  }

  /** Removes all rows at once; everything else stays. Durable on return. */
  async truncate(): Promise<void> {
    await truncateCollection(this.#engine, this.#open)
  }

  /** Makes the collection readable, now and after every restart. */
  async load(options: LoadOptions = {}): Promise<void> {
    checkLoadArguments(options)
    await loadCollection(this.#engine, this.#open, options)
  }

  /** Makes partitions readable, in addition to those that are. @throws MilvusError PartitionNotFound */
  async loadPartitions(names: readonly string[], options: LoadOptions = {}): Promise<void> {
    checkNameList('names of partitions', names)
    checkLoadArguments(options)
    await loadPartitions(this.#engine, this.#open, names, options)
  }

  /** Makes partitions unreadable; when none is left the collection is released. */
  async releasePartitions(names: readonly string[]): Promise<void> {
    checkNameList('names of partitions', names)
    await releasePartitions(this.#engine, this.#open, names)
  }

  /** Whether the collection, or all of the named partitions, may be read; 'NotExist' for an unknown collection. */
  async loadState(partitionNames: readonly string[] = []): Promise<LoadStateName> {
    checkNameList('names of partitions', partitionNames)
    return loadState(this.#engine, this.name, this.#database, partitionNames)
  }

  /** Frees its memory; reads are refused until load(). Writes go on (merges do not). */
  async release(): Promise<void> {
    await releaseCollection(this.#engine, this.#open)
  }

  /** Returns when all rows acknowledged before are in sealed segments. */
  async flush(): Promise<void> {
    await this.#open.flush()
  }

  /** Returns when everything mergeable is merged, deleted rows are purged and declared graphs are built. */
  async compact(): Promise<void> {
    await this.#open.compact()
  }

  /** Figures about rows, segments and bytes. Reads the primary keys when they are not in memory. */
  async stats(): Promise<CollectionStats> {
    return this.#open.exactStats()
  }

  /** Schema, indexes, partitions, aliases and properties. */
  async describe(): Promise<CollectionDescription> {
    const { record } = this.#open.state
    return {
      name: record.schema.name,
      schema: record.schema,
      indexes: record.indexes,
      partitions: record.partitions.map(partition => partition.name),
      aliases: record.aliases,
      properties: record.properties,
      loaded: record.load !== 'none',
      consistencyLevel: record.consistencyLevel,
      createdTimestamp: hybridOfTick(record.createdTick),
      updatedTimestamp: hybridOfTick(record.updatedTick),
    }
  }
}

const NOTHING: WriteResult = { insertCount: 0, upsertCount: 0, deleteCount: 0, ids: [], tick: 0 }
