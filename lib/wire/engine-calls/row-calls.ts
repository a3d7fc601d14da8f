/**
 * Writes and reads in the engine's own shapes, one function each: where gRPC and REST meet.
 *
 * gRPC decodes columns and encodes columns, REST brings rows and wants rows; what lies between (finding the collection,
 * the schema check, the timestamps) is the same for both and stands here.
 */
import { hybridOfTick } from '../../base/timestamp.js'
import type { EngineCollection } from '../../engine/collection.js'
import type { Engine } from '../../engine/engine.js'
import { holdNewest, letGoOf } from '../../engine/iterators.js'
import type { ReadScope } from '../../engine/read-path.js'
import { INSERT_AUTO_ID_PROPERTY } from '../../engine/records.js'
import type { WriteResult } from '../../engine/write-request.js'
import type { TemplateValues } from '../../filter/compile.js'
import type {
  GetRequest,
  HybridRequest,
  QueryRequest,
  Row,
  SearchHit,
  SearchRequest,
} from '../../query/request.js'
import type { FieldOps } from '../../schema/requests.js'
import type { PartialBatch } from '../../schema/rows-to-columns.js'

/** A collection and the database it is looked for in. */
export interface Target {
  readonly database: string
  readonly collection: string
}

export interface UpsertChoice {
  readonly partitionName?: string | undefined
  readonly partialUpdate: boolean
  readonly fieldOps: FieldOps
}

/** What a read may say beside its own request. */
export interface ReadChoice {
  readonly partitionNames: readonly string[]
  /** Later pages of iterators: the state of their first page. 0 = newest. */
  readonly pageTimestamp?: bigint
  /** First page of an iterator: the state it reads is kept for the next ones. */
  readonly opensIterator?: boolean
}

/** A result and the timestamp of the state it was read from. */
export interface Read<T> {
  readonly collection: EngineCollection
  readonly value: T
  readonly timestamp: bigint
}

export interface RowCalls {
  open(target: Target): EngineCollection
  insert(collection: EngineCollection, batch: PartialBatch, partitionName?: string): Promise<WriteResult>
  upsert(collection: EngineCollection, batch: PartialBatch, choice: UpsertChoice): Promise<WriteResult>
  remove(
    collection: EngineCollection,
    filter: string,
    templates: TemplateValues,
    partitionName?: string,
  ): Promise<WriteResult>
  query(collection: EngineCollection, request: QueryRequest, choice: ReadChoice): Promise<Read<Row[]>>
  get(collection: EngineCollection, request: GetRequest, choice: ReadChoice): Promise<Read<Row[]>>
  search(
    collection: EngineCollection,
    request: SearchRequest,
    choice: ReadChoice,
  ): Promise<Read<SearchHit[][]>>
  hybrid(
    collection: EngineCollection,
    request: HybridRequest,
    choice: ReadChoice,
  ): Promise<Read<SearchHit[][]>>
}

/** True when the upsert keeps stored values: asked for, or implied by an array operation. */
export function isMerge(choice: UpsertChoice): boolean {
  return choice.partialUpdate || Object.values(choice.fieldOps).some(op => op !== 'REPLACE')
}

/** Collection property: inserts may name keys although autoID is on. */
export function allowsAutoIds(collection: EngineCollection): boolean {
  return collection.state.record.properties[INSERT_AUTO_ID_PROPERTY]?.toLowerCase() === 'true'
}

/** Hybrid timestamp of a write; a write that changed nothing has the newest visible one. */
export function timestampOf(collection: EngineCollection, result: WriteResult): bigint {
  return hybridOfTick(result.tick === 0 ? collection.state.visibleTick : result.tick)
}

export function rowCalls(engine: Engine): RowCalls {
  return {
    open: ({ database, collection }) => {
      engine.checkOpen()
      return engine.collection(collection, database)
    },
    insert: (collection, batch, partitionName) => collection.insert(batch, partitionName),
    upsert: (collection, batch, { partitionName, partialUpdate, fieldOps }) =>
      collection.upsert(batch, {
        partialUpdate,
        fieldOps,
        ...(partitionName === undefined ? {} : { partitionName }),
      }),
    remove: (collection, filter, templates, partitionName) =>
      collection.deleteWhere(filter, templates, partitionName),
    query: (collection, request, choice) =>
      read(collection, choice, scope => collection.query(request, scope)),
    get: (collection, request, choice) =>
      read(collection, choice, async scope => collection.get(request, scope)),
    search: (collection, request, choice) =>
      read(collection, choice, scope => collection.search(request, scope)),
    hybrid: (collection, request, choice) =>
      read(collection, choice, scope => collection.hybridSearch(request, scope)),
  }
}

async function read<T>(
  collection: EngineCollection,
  choice: ReadChoice,
  run: (scope: ReadScope) => Promise<T>,
): Promise<Read<T>> {
  const { state } = collection
  const scope: ReadScope = { partitionNames: choice.partitionNames }
  const opened = choice.opensIterator === true ? holdNewest(state) : 0n
  const page = opened > 0n ? opened : (choice.pageTimestamp ?? 0n)
  // Without a page's state: taken before the read, what it sees is at least as new.
  const timestamp = page > 0n ? page : hybridOfTick(state.visibleTick)
  try {
    // An iterator left alone for too long goes on in the newest state: its place is in its filter.
    const value = await run(page > 0n ? { ...scope, readTimestamp: page, orNewest: true } : scope)
    return { collection, value, timestamp }
  } catch (error) {
    if (opened > 0n) letGoOf(state, opened)
    throw error
  }
}
