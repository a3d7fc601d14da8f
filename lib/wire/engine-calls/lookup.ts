/** What every group of calls needs: the collection a request is about, and its timestamps as the protocol writes them. */
import { collectionNotFound, MilvusError } from '../../base/errors.js'
import { hybridOfTick, type Tick, wallMsOfTick } from '../../base/timestamp.js'
import type { EngineCollection } from '../../engine/collection.js'
import type { Engine } from '../../engine/engine.js'
import { TIMEZONE_PROPERTY } from '../../engine/records.js'
import { type CallContext, databaseOf } from '../calls.js'
import { notSupported } from '../status.js'

/** Names of a request about one collection; some also accept its id. */
interface NamedRequest {
  readonly db_name: string
  readonly collection_name: string
  readonly collectionID?: number
}

/** The collection a request names, or that its id means. @throws MilvusError CollectionNotFound, DatabaseNotFound */
export function collectionOf(engine: Engine, request: NamedRequest, context: CallContext): EngineCollection {
  engine.checkOpen()
  const database = databaseOf(request.db_name, context)
  const { collectionID: id = 0, collection_name: name } = request
  if (name !== '' || id === 0) return engine.collection(name, database)
  const found = engine.collectionById(id)
  if (found === undefined) throw collectionNotFound(database, String(id))
  return found
}

/** Milliseconds since 1970 of a tick, as `created_utc_timestamp` counts them. */
export function utcMsOf(tick: Tick): bigint {
  return BigInt(wallMsOfTick(tick))
}

/** The number clients keep beside a cached schema and send back with every write. */
export function schemaTimestamp(collection: EngineCollection): bigint {
  return hybridOfTick(collection.state.record.updatedTick)
}

/**
 * Refuses a write made for an older schema (protocol §2.3); 0 = the client does not say.
 * @throws MilvusError SchemaMismatch
 */
export function checkSchemaTimestamp(collection: EngineCollection, given: bigint): void {
  const current = schemaTimestamp(collection)
  if (given === 0n || given === current) return
  throw new MilvusError('SchemaMismatch', `collection ${collection.schema.name}`, {
    expected: String(current),
    actual: String(given),
  })
}

/** Zone of the collection's timestamps without an offset. */
export function timeZoneOf(collection: EngineCollection): string {
  return collection.state.record.properties[TIMEZONE_PROPERTY] ?? 'UTC'
}

/** @throws MilvusError OperationNotSupported when a request names a namespace */
export function refuseNamespace(namespace: string | undefined): void {
  if (namespace !== undefined && namespace !== '') throw notSupported(`namespace ${namespace}`)
}

/** An optional name: empty means not given. */
export function given(name: string): string | undefined {
  return name === '' ? undefined : name
}
