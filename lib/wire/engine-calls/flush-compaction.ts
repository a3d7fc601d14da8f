/** Calls about flushes, compactions and segments. */
import { randomInt } from 'node:crypto'
import { MilvusError } from '../../base/errors.js'
import { hybridOfTick } from '../../base/timestamp.js'
import type { EngineCollection } from '../../engine/collection.js'
import type { Engine } from '../../engine/engine.js'
import { type CallContext, type Calls, databaseOf } from '../calls.js'
import { CompactionState, SegmentState } from '../messages/common.js'
import { collectionOf } from './lookup.js'

type FlushCalls = Pick<Calls, 'Flush' | 'GetFlushState' | 'FlushAll' | 'GetFlushAllState'>
type CompactionCalls = Pick<Calls, 'ManualCompaction' | 'GetCompactionState' | 'GetCompactionStateWithPlans'>
type SegmentCalls = Pick<Calls, 'GetPersistentSegmentInfo' | 'GetQuerySegmentInfo'>

export function flushCalls(engine: Engine): FlushCalls {
  const now = (): bigint => hybridOfTick(engine.env.oracle.last)
  return {
    Flush: async (request, context) => {
      const database = databaseOf(request.db_name, context)
      engine.checkOpen()
      const collections = request.collection_names.map(name => engine.collection(name, database))
      await Promise.all(collections.map(collection => collection.flush()))
      const names = request.collection_names
      const segments = collections.map(collection => ({
        data: collection.stats().segments.map(segment => segment.id),
      }))
      const seconds = BigInt(Math.floor(engine.env.oracle.nowMs() / 1000))
      return {
        db_name: database,
        coll_segIDs: new Map(names.map((name, i) => [name, segments[i]!])),
        flush_coll_segIDs: new Map(names.map((name, i) => [name, segments[i]!])),
        coll_seal_times: new Map(names.map(name => [name, seconds])),
        coll_flush_ts: new Map(names.map(name => [name, now()])),
      }
    },
    // Flushes end before they are answered, so whoever asks about one asks about a finished one.
    GetFlushState: async (request, context) => {
      if (request.collection_name !== '') collectionOf(engine, request, context)
      return { flushed: true }
    },
    FlushAll: async (request, context) => {
      await Promise.all(allTargets(engine, request, context).map(collection => collection.flush()))
      return { flush_all_ts: now() }
    },
    GetFlushAllState: async () => {
      engine.checkOpen()
      return { flushed: true }
    },
  }
}

interface FlushTargets {
  readonly db_name: string
  readonly flush_targets: readonly {
    readonly db_name: string
    readonly collection_names: readonly string[]
  }[]
}

/** Collections of the targets; without any, of the named database, or of all. */
function allTargets(engine: Engine, request: FlushTargets, context: CallContext): EngineCollection[] {
  engine.checkOpen()
  const { catalog } = engine
  if (request.flush_targets.length > 0) {
    return request.flush_targets.flatMap(target => {
      const database = databaseOf(target.db_name, context)
      const names =
        target.collection_names.length > 0
          ? target.collection_names
          : catalog.collections(catalog.database(database)).map(record => record.schema.name)
      return names.map(name => engine.collection(name, database))
    })
  }
  const records =
    request.db_name === '' ? catalog.allCollections() : catalog.collections(catalog.database(request.db_name))
  return records.map(record => engine.collectionById(record.id)!)
}

/** Compactions that are remembered after their end. */
const JOBS_MAX = 256

/** Reasons a compaction ends with when what it worked on is gone. */
const ENDED: readonly string[] = ['Canceled', 'StoreClosed', 'CollectionNotFound']

type JobState = 'executing' | 'completed' | 'failed'

/** Compactions run on after their request was answered; clients poll by id. An unknown id counts as completed. */
export function compactionCalls(engine: Engine): CompactionCalls {
  const jobs = new Map<number, JobState>()
  let nextId = randomInt(1, 2 ** 40)
  const stateOf = (id: number): number =>
    jobs.get(id) === 'executing' ? CompactionState.executing : CompactionState.completed
  return {
    ManualCompaction: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      const id = nextId++
      jobs.set(id, 'executing')
      collection.compact().then(
        () => jobs.set(id, 'completed'),
        error => {
          jobs.set(id, 'failed')
          // Dropping the collection or closing the database ends it: nobody's failure.
          if (error instanceof MilvusError && ENDED.includes(error.reason)) return
          engine.env.options.warn(`compaction of ${collection.schema.name} failed: ${String(error)}`)
        },
      )
      for (const [old, state] of jobs) {
        if (jobs.size <= JOBS_MAX) break
        if (state !== 'executing') jobs.delete(old)
      }
      return { compactionID: id, compactionPlanCount: 1 }
    },
    GetCompactionState: async ({ compactionID: id }) => {
      const state = jobs.get(id)
      return {
        state: stateOf(id),
        executingPlanNo: state === 'executing' ? 1 : 0,
        completedPlanNo: state === 'completed' ? 1 : 0,
        failedPlanNo: state === 'failed' ? 1 : 0,
      }
    },
    GetCompactionStateWithPlans: async ({ compactionID: id }) => ({ state: stateOf(id), mergeInfos: [] }),
  }
}

/** Milvus's level of segments that hold rows (L0 holds deletes only). */
const LEVEL_ROWS = 2
const STORAGE_VERSION = 2

export function segmentCalls(engine: Engine): SegmentCalls {
  const open = (request: { dbName: string; collectionName: string }, context: CallContext) =>
    collectionOf(engine, { db_name: request.dbName, collection_name: request.collectionName }, context)
  return {
    GetPersistentSegmentInfo: async (request, context) => {
      const collection = open(request, context)
      const infos = collection.stats().segments.map(segment => ({
        segmentID: segment.id,
        collectionID: collection.state.id,
        num_rows: segment.rowCount,
        state: SegmentState.flushed,
        level: LEVEL_ROWS,
        is_sorted: true,
        storage_version: STORAGE_VERSION,
      }))
      return { infos }
    },
    GetQuerySegmentInfo: async (request, context) => {
      const collection = open(request, context)
      if (!collection.state.loaded) return { infos: [] }
      const infos = collection.stats().segments.map(segment => ({
        segmentID: segment.id,
        collectionID: collection.state.id,
        mem_size: segment.byteLength,
        num_rows: segment.rowCount,
        nodeIds: [1],
        state: SegmentState.sealed,
        level: LEVEL_ROWS,
        is_sorted: true,
      }))
      return { infos }
    },
  }
}
