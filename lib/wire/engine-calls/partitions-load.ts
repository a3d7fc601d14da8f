/** Calls about partitions and about what is loaded. Loads are over when they return, so progress is 100 or an error. */
import { hybridOfTick } from '../../base/timestamp.js'
import { createPartition, dropPartition } from '../../engine/collection-ddl.js'
import type { Engine } from '../../engine/engine.js'
import {
  hasPartition,
  type LoadOptions,
  loadCollection,
  loadPartitions,
  loadProgress,
  loadState,
  partitionStats,
  releaseCollection,
  releasePartitions,
} from '../../engine/load-ddl.js'
import { type Answer, type CallContext, type Calls, databaseOf, type Request } from '../calls.js'
import { LoadState } from '../messages/common.js'
import { IN_MEMORY } from './collections.js'
import { collectionOf, utcMsOf } from './lookup.js'

type PartitionCalls = Pick<
  Calls,
  'CreatePartition' | 'DropPartition' | 'HasPartition' | 'ShowPartitions' | 'GetPartitionStatistics'
>
type LoadCalls = Pick<
  Calls,
  | 'LoadCollection'
  | 'ReleaseCollection'
  | 'LoadPartitions'
  | 'ReleasePartitions'
  | 'GetLoadingProgress'
  | 'GetLoadState'
  | 'GetReplicas'
>

export function partitionCalls(engine: Engine): PartitionCalls {
  return {
    CreatePartition: async (request, context) => {
      await createPartition(engine, collectionOf(engine, request, context), request.partition_name)
      return {}
    },
    DropPartition: async (request, context) => {
      await dropPartition(engine, collectionOf(engine, request, context), request.partition_name)
      return {}
    },
    HasPartition: async (request, context) => ({
      value: hasPartition(collectionOf(engine, request, context), request.partition_name),
    }),
    ShowPartitions: async (request, context) => showPartitions(engine, request, context),
    GetPartitionStatistics: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      const { rowCount } = await partitionStats(collection, request.partition_name)
      return { stats: [{ key: 'row_count', value: String(rowCount) }] }
    },
  }
}

function showPartitions(
  engine: Engine,
  request: Request<'ShowPartitions'>,
  context: CallContext,
): Answer<'ShowPartitions'> {
  const { record } = collectionOf(engine, request, context).state
  const { load } = record
  const loaded = (id: number): boolean => load === 'all' || (load !== 'none' && load.includes(id))
  const { partition_names: names, type } = request
  const partitions = record.partitions
    .filter(partition => names.length === 0 || names.includes(partition.name))
    .filter(partition => type !== IN_MEMORY || loaded(partition.id))
  return {
    partition_names: partitions.map(partition => partition.name),
    partitionIDs: partitions.map(partition => partition.id),
    created_timestamps: partitions.map(partition => hybridOfTick(partition.createdTick)),
    created_utc_timestamps: partitions.map(partition => utcMsOf(partition.createdTick)),
    inMemory_percentages: partitions.map(partition => (loaded(partition.id) ? 100 : 0)),
  }
}

const STATES = { NotExist: LoadState.notExist, NotLoad: LoadState.notLoad, Loaded: LoadState.loaded } as const

function loadOptions(request: Request<'LoadCollection'> | Request<'LoadPartitions'>): LoadOptions {
  return {
    loadFields: request.load_fields,
    skipLoadDynamicField: request.skip_load_dynamic_field,
    replicaNumber: request.replica_number,
    refresh: request.refresh,
  }
}

export function loadCalls(engine: Engine): LoadCalls {
  return {
    LoadCollection: async (request, context) => {
      await loadCollection(engine, collectionOf(engine, request, context), loadOptions(request))
      return {}
    },
    ReleaseCollection: async (request, context) => {
      await releaseCollection(engine, collectionOf(engine, request, context))
      return {}
    },
    LoadPartitions: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      await loadPartitions(engine, collection, request.partition_names, loadOptions(request))
      return {}
    },
    ReleasePartitions: async (request, context) => {
      await releasePartitions(engine, collectionOf(engine, request, context), request.partition_names)
      return {}
    },
    GetLoadingProgress: async (request, context) => {
      const database = databaseOf(request.db_name, context)
      const progress = loadProgress(engine, request.collection_name, database, request.partition_names)
      return { progress, refresh_progress: progress }
    },
    GetLoadState: async (request, context) => {
      const database = databaseOf(request.db_name, context)
      return { state: STATES[loadState(engine, request.collection_name, database, request.partition_names)] }
    },
    GetReplicas: async (request, context) => {
      const { record } = collectionOf(engine, request, context).state
      if (record.load === 'none') return { replicas: [] }
      // One process is one replica of everything.
      const replica = {
        replicaID: record.id,
        collectionID: record.id,
        partition_ids: record.partitions.map(partition => partition.id),
        node_ids: [1],
        resource_group_name: '__default_resource_group',
      }
      return { replicas: [replica] }
    },
  }
}
