/**
 * Opening what a process left behind, however it ended.
 *
 *   1. read the manifest: sealed segments and deltas that count
 *   2. replay the log records after its checkpoint, in tick order, into growing segments, exactly as the write path
 *      applied them; full ones are frozen on the way, so that memory stays bounded
 *   3. sweep, before any background work begins: log records at or below a checkpoint, column chunks, deltas and index files
 *      that no manifest names (a flush or compaction was killed before its edit), and whatever dropped collections left
 *
 * Nothing is guessed: a record or manifest that does not check out stops the open with an error that says where.
 * Cost: proportional to the log tail and the manifests, not to the data.
 */
import { assert } from '../base/assert.js'
import { listSidecars, removeSidecar } from '../index/sidecar.js'
import { replayLog } from '../log/log-reader.js'
import type { DecodedInsert, DecodedRequest } from '../log/log-record-reader.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import type { ColumnBatch } from '../schema/column.js'
import { constantColumn, nullColumn } from '../schema/column-ops.js'
import { readManifest } from '../segment/manifest.js'
import { sweepSegments } from '../segment/segment-sweep.js'
import { deltaKey, deltaRange, logRange, logsRange, parseDeltaKey, parseLogKey } from '../store/keys.js'
import { indexDirectory } from '../store/layout.js'
import type { Store } from '../store/store.js'
import { CollectionState, type Environment } from './collection-state.js'
import { freezeGrowing } from './flush.js'
import type { CollectionRecord } from './records.js'

/** Opens one collection: manifest, then log tail. */
export async function recoverCollection(
  env: Environment,
  record: CollectionRecord,
): Promise<CollectionState> {
  const manifest = await readManifest(env.store, record.id)
  env.oracle.raise(manifest.lastTick)
  const state = new CollectionState(env, record, manifest, manifest.checkpoint)
  const { flushRowsMax, flushBytesMax } = env.options
  const apply = (request: DecodedRequest): void => {
    env.oracle.raise(request.tick)
    applyRequest(state, request)
  }
  // Between two records only: a checkpoint inside one would take the rest of it along when it is swept.
  const makeRoom = (): void => {
    if (state.growing.rowCount >= flushRowsMax || state.growing.byteLength >= flushBytesMax)
      freezeGrowing(state)
  }
  const { lastTick } = await replayLog(env.store, record.id, manifest.checkpoint, apply, makeRoom)
  assert(state.visibleTick >= lastTick || lastTick === manifest.checkpoint, 'everything replayed is visible')
  return state
}

/** Does to memory what the write path did. */
function applyRequest(state: CollectionState, request: DecodedRequest): void {
  const { tick, insert } = request
  if (request.delete !== null) {
    const { pk, rowCount, scope } = request.delete
    state.noteDeletes(pk, rowCount, scope, tick)
    state.markKeys(pk, 0, rowCount, scope, tick)
  }
  if (insert !== null) {
    const batch = alignToSchema(state.schema, insert)
    state.growing.append(batch, insert.partitionIds, tick, 0, batch.rowCount)
  } else {
    state.growing.lastTick = tick
  }
  state.appliedTick = tick
  state.visibleTick = tick
}

/** Columns of a record in the order of today's schema: added fields are filled, dropped ones left out. */
function alignToSchema(schema: CollectionSchema, insert: DecodedInsert): ColumnBatch {
  const columns = schema.fields.map(field => {
    const stored = insert.columns.find(column => column.fieldId === field.id)
    if (stored !== undefined) return stored.column
    const { defaultValue } = field
    return defaultValue === undefined
      ? nullColumn(field, insert.rowCount)
      : constantColumn(field, defaultValue, insert.rowCount)
  })
  return { rowCount: insert.rowCount, columns }
}

/** Removes what no manifest names. Safe to be killed anywhere: it only deletes what is unreachable. */
export async function sweepOrphans(env: Environment, states: readonly CollectionState[]): Promise<void> {
  const byId = new Map(states.map(state => [state.id, state] as const))
  const segments = new Set<number>()
  const sidecars = new Set<string>()
  for (const state of states) {
    for (const meta of state.manifest.segments) {
      segments.add(meta.id)
      for (const index of meta.indexes) sidecars.add(index.fileName)
    }
  }
  await sweepLogs(env.store, byId)
  await sweepSegments(env.store, segments)
  await sweepDeltas(env.store, byId)
  const directory = indexDirectory(env.directory)
  for (const name of await listSidecars(directory))
    if (!sidecars.has(name)) await removeSidecar(directory, name)
}

async function sweepLogs(store: Store, byId: ReadonlyMap<number, CollectionState>): Promise<void> {
  let { gte } = logsRange()
  const { lt } = logsRange()
  for (;;) {
    const key = await firstKey(store, gte, lt)
    if (key === undefined) return
    const { collectionId } = parseLogKey(key)
    const state = byId.get(collectionId)
    const range = logRange(collectionId, undefined, state?.manifest.checkpoint)
    if (state === undefined || state.manifest.checkpoint > 0) await store.clear(range.gte, range.lt)
    gte = logRange(collectionId + 1).gte
  }
}

async function sweepDeltas(store: Store, byId: ReadonlyMap<number, CollectionState>): Promise<void> {
  const all = { gte: deltaRange(0).gte, lt: deltaRange(0xffffffff).lt }
  const orphans: Uint8Array[] = []
  for await (const block of store.scan(all)) {
    for (const [key] of block) {
      const { collectionId, delta } = parseDeltaKey(key)
      const known = byId.get(collectionId)?.manifest.deltas.some(meta => meta.delta === delta) ?? false
      if (!known) orphans.push(deltaKey(collectionId, delta))
    }
  }
  if (orphans.length > 0)
    await store.write(
      orphans.map(key => ({ key, value: null })),
      false,
    )
}

async function firstKey(store: Store, gte: Uint8Array, lt: Uint8Array): Promise<Uint8Array | undefined> {
  for await (const block of store.scan({ gte, lt, limit: 1 }, 1)) for (const [key] of block) return key
  return undefined
}
