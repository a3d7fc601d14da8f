/**
 * The read path: which state a reader sees, and the reads themselves.
 *
 * Every read runs on one snapshot. Its tick is the newest visible one (Strong: every write acknowledged before the read
 * began is in it), or an older one inside the collection's retention window. A single process that applies writes
 * before it acknowledges them serves every consistency level this way (upsert-semantics §3.7).
 */
import { invalid, MilvusError } from '../base/errors.js'
import { type Tick, tickOfHybrid, tickOfWallMs } from '../base/timestamp.js'
import type { IndexSpec } from '../index/index-spec.js'
import type { ReadContext } from '../query/request.js'
import type { RowDeadline } from '../query/row-deadline.js'
import { type FieldSchema, fieldIndex } from '../schema/collection-schema.js'
import type { Snapshot } from '../segment/segment.js'
import type { CollectionState } from './collection-state.js'
import { isTrue } from './properties.js'
import {
  type CollectionRecord,
  ISOLATION_PROPERTY,
  RETENTION_PROPERTY,
  TIMEZONE_PROPERTY,
  TTL_FIELD_PROPERTY,
  TTL_PROPERTY,
} from './records.js'
import { partitionId } from './write-request.js'

/** What every read may say about the state it wants. */
export interface ReadScope {
  /** Partitions to read; none or empty = all that are loaded. */
  readonly partitionNames?: readonly string[] | undefined
  /** Read as of this hybrid timestamp. Default: now. */
  readonly readTimestamp?: bigint | undefined
  /** Read the newest state when that of `readTimestamp` is gone, instead of refusing. Default false. */
  readonly orNewest?: boolean | undefined
}

/** Rows inserted at or before this tick have outlived the collection's TTL; 0 without a TTL (§3.4). */
export function expireBeforeTick(state: CollectionState): Tick {
  const seconds = Number(state.record.properties[TTL_PROPERTY] ?? 0)
  return seconds > 0 ? tickOfWallMs(state.env.oracle.nowMs() - seconds * 1000) : 0
}

/** The field after whose value a row is gone, and the time; null when the collection names none (§3.4). */
export function rowDeadline(state: CollectionState): RowDeadline | null {
  const name = state.record.properties[TTL_FIELD_PROPERTY]
  if (name === undefined) return null
  const at = fieldIndex(state.schema, name)
  if (at < 0) return null
  return { fieldIndex: at, fieldId: state.schema.fields[at]!.id, nowMicros: state.env.oracle.nowMs() * 1000 }
}

/** Ticks older than this may not be read any more, apart from by readers that already run. */
export function retentionTick(state: CollectionState): Tick {
  const seconds = Number(state.record.properties[RETENTION_PROPERTY] ?? 0)
  if (!(seconds > 0)) return state.visibleTick
  return Math.min(state.visibleTick, tickOfWallMs(state.env.oracle.nowMs() - seconds * 1000))
}

/** Deletes at or before this tick can be made physical: no reader, running or to come, may ask for what they hide. */
export function purgeHorizon(state: CollectionState): Tick {
  expireHolds(state)
  return state.snapshots.oldestTick(retentionTick(state))
}

/** Ends what iterators hold and have not used for `iteratorIdleMs`. */
export function expireHolds(state: CollectionState): void {
  if (state.snapshots.holdCount === 0) return
  const { iteratorIdleMs, nowMs } = state.env.options
  const before = nowMs() - iteratorIdleMs
  const error = new MilvusError(
    'Timeout',
    `the iterator was not used for ${iteratorIdleMs / 1000} s and has lost its state; open a new one, or raise option iteratorIdleMs`,
  )
  state.snapshots.endHolds(error, hold => hold.usedMs < before)
}

/**
 * Takes the snapshot for a read; the caller releases it.
 * @throws MilvusError CollectionNotLoaded, ParameterInvalid (timestamp outside the window, unknown partition)
 */
export function openSnapshot(state: CollectionState, verb: 'query' | 'search', scope: ReadScope): Snapshot {
  if (!state.loaded) {
    // Partitions are judged first, as by Milvus's proxy: a name that was dropped is said to be unknown.
    readPartitions(state, scope.partitionNames)
    throw new MilvusError('CollectionNotLoaded', `failed to ${verb}`, { fields: { collection: state.id } })
  }
  if (scope.readTimestamp === undefined) return state.snapshot()
  const tick = Math.min(tickOfHybrid(scope.readTimestamp), state.visibleTick)
  const hold = state.snapshots.holdAt(tick)
  if (hold !== undefined) return state.snapshots.takeHeld(hold, state.env.options.nowMs())
  const retained = retentionTick(state)
  if (tick < Math.max(retained, state.purgedTick)) {
    if (scope.orNewest === true) return state.snapshot()
    if (tick >= retained) {
      throw invalid(
        `readTimestamp ${scope.readTimestamp} is older than what is kept: rows of that time were removed for good, by a truncate or a compaction; read a later moment`,
      )
    }
    const seconds = state.record.properties[RETENTION_PROPERTY] ?? '0'
    throw invalid(
      `readTimestamp ${scope.readTimestamp} is older than what is kept: collection property ${RETENTION_PROPERTY} is ${seconds}; raise it before the writes whose past you want to read`,
    )
  }
  return state.snapshot(tick)
}

/**
 * What the query room needs to know.
 * @throws MilvusError ParameterInvalid for unknown partitions, PartitionNotLoaded
 */
export function readContext(
  state: CollectionState,
  partitionNames: readonly string[] | undefined,
): ReadContext {
  return {
    schema: state.schema,
    indexes: loadedIndexes(state.record),
    timeZone: state.record.properties[TIMEZONE_PROPERTY] ?? 'UTC',
    isolated: isTrue(state.record.properties[ISOLATION_PROPERTY]),
    int64As: state.env.options.int64As,
    partitions: readPartitions(state, partitionNames),
    filterCache: state.env.filterCache,
    random: state.env.options.random,
    expireBeforeTick: expireBeforeTick(state),
    deadline: rowDeadline(state),
  }
}

/** Indexes a search may use: vector fields that were left out of the load, or added after it, have none (§5.4). */
function loadedIndexes({
  schema,
  indexes,
  loadFields,
  unloadedVectors,
}: CollectionRecord): readonly IndexSpec[] {
  if (loadFields === undefined && unloadedVectors === undefined) return indexes
  const isLoaded = ({ id, name }: FieldSchema): boolean =>
    (loadFields?.includes(name) ?? true) && unloadedVectors?.includes(id) !== true
  const loaded = new Set(schema.fields.filter(isLoaded).map(field => field.name))
  return indexes.filter(({ metricType, fieldName }) => {
    // The vectors of a struct array are named struct[sub].
    const [field] = fieldName.split('[', 1)
    return metricType === '' || loaded.has(field!)
  })
}

/** Ids of the partitions to read, null when no row needs a check. */
function readPartitions(
  state: CollectionState,
  names: readonly string[] | undefined,
): ReadonlySet<number> | null {
  const { record } = state
  const loaded = record.load === 'all' || record.load === 'none' ? null : new Set(record.load)
  if (names === undefined || names.length === 0) {
    if (loaded !== null) return loaded
    // Rows of dropped partitions keep their old ids until compaction: only then must every row be checked.
    return record.partitions.length === record.nextPartitionId - 1
      ? null
      : new Set(record.partitions.map(p => p.id))
  }
  if (state.schema.partitionKeyIndex >= 0) {
    throw invalid('not support manually specifying the partition names if partition key mode is used')
  }
  const wanted = new Set<number>()
  for (const name of names) {
    if (!record.partitions.some(p => p.name === name)) throw invalid(`partition name ${name} not found`)
    const id = partitionId(state, name)
    if (loaded !== null && !loaded.has(id))
      throw new MilvusError('PartitionNotLoaded', '', { fields: { partition: name } })
    wanted.add(id)
  }
  return wanted
}

/**
 * Checks that a write may read what it is about to change.
 * @param verb of the message when nothing is loaded
 * @param scope id of the one partition that is read; −1: those that are loaded
 * @throws MilvusError CollectionNotLoaded, PartitionNotLoaded
 */
export function checkReadable(state: CollectionState, verb: 'query' | 'delete', scope: number): void {
  const { load, partitions } = state.record
  if (load === 'none')
    throw new MilvusError('CollectionNotLoaded', `failed to ${verb}`, { fields: { collection: state.id } })
  if (load === 'all' || scope < 0 || load.includes(scope)) return
  const name = partitions.find(({ id }) => id === scope)?.name ?? scope
  throw new MilvusError('PartitionNotLoaded', '', { fields: { partition: name } })
}
