/**
 * An open database: the directory lock, the store, the catalog, and one EngineCollection per collection.
 *
 * Opening takes the lock, checks the format version, reads the catalog, recovers every collection and sweeps orphans,
 * in this order; closing lets queued writes end, stops background work and releases everything. A database that could
 * not be opened leaves no lock behind.
 */
import { mkdir } from 'node:fs/promises'
import { armCrashPoint } from '../base/crash-point.js'
import { collectionNotFound, MilvusError } from '../base/errors.js'
import { type OpenOptions, resolveOptions } from '../base/options.js'
import { TimestampOracle } from '../base/timestamp.js'
import { LoopGuard } from '../base/turn.js'
import { CompactionThread } from '../compaction/worker-thread.js'
import { hnswAvailable } from '../index/hnsw-index.js'
import { FilterCache } from '../query/filter-cache.js'
import { ColumnCache } from '../segment/column-cache.js'
import { checkFormat } from '../store/codec.js'
import { storeDirectory } from '../store/layout.js'
import { openLevelStore } from '../store/level-store.js'
import { acquireLock } from '../store/lock.js'
import type { Store } from '../store/store.js'
import { AccessCatalog } from './access-catalog.js'
import { Catalog } from './catalog.js'
import { EngineCollection } from './collection.js'
import type { Environment } from './collection-state.js'
import { DEFAULT_DATABASE } from './records.js'
import { recoverCollection, sweepOrphans } from './recovery.js'
import { BackgroundWork, type TaskRunner } from './scheduler.js'

/** Stands in for the disk and the worker threads, for tests. */
export interface EngineParts {
  readonly store?: Store
  readonly taskRunner?: TaskRunner
}

export class Engine {
  readonly env: Environment
  readonly catalog: Catalog
  /** Users, roles and privilege groups. */
  readonly access: AccessCatalog
  readonly #collections = new Map<number, EngineCollection>()
  readonly #release: () => Promise<void>
  #closing: Promise<void> | null = null

  private constructor(env: Environment, release: () => Promise<void>) {
    this.env = env
    this.catalog = env.catalog
    this.access = new AccessCatalog(env.store, env.catalog)
    this.#release = release
  }

  /**
   * Opens a database directory, creating it when it does not exist.
   * @throws MilvusError StoreLocked (names the holder), FormatTooNew, Corrupted, IoFailed, ParameterInvalid (options)
   */
  static async open(directory: string, given: OpenOptions = {}, parts: EngineParts = {}): Promise<Engine> {
    const options = resolveOptions(given)
    if (options.crashPoint !== null) armCrashPoint(options.crashPoint.name, options.crashPoint.afterHits)
    await makeDirectory(directory)
    const lock = parts.store === undefined ? await acquireLock(directory) : null
    let store = parts.store
    try {
      store ??= await openLevelStore(storeDirectory(directory))
      await checkFormat(store, directory)
      const oracle = new TimestampOracle(options.nowMs)
      const said = new Set<string>()
      const runner = (): TaskRunner =>
        parts.taskRunner ?? new CompactionThread(directory, { crashPoint: options.crashPoint })
      const env: Environment = {
        directory,
        store,
        options,
        oracle,
        catalog: new Catalog(store, oracle),
        cache: new ColumnCache(options.cacheBytesMax),
        filterCache: new FilterCache(),
        work: new BackgroundWork(runner(), runner()),
        loop: new LoopGuard(),
        warnOnce: (key, message) => {
          if (said.has(key)) return
          said.add(key)
          options.warn(message)
        },
      }
      const opened = store
      const engine = new Engine(env, async () => {
        await opened.close()
        await lock?.release()
      })
      await engine.#recover()
      return engine
    } catch (error) {
      await store?.close()
      await lock?.release()
      throw error
    }
  }

  async #recover(): Promise<void> {
    const { env } = this
    await env.catalog.load()
    await this.access.load()
    for (const record of env.catalog.allCollections()) {
      this.#collections.set(record.id, new EngineCollection(await recoverCollection(env, record)))
    }
    await sweepOrphans(
      env,
      [...this.#collections.values()].map(collection => collection.state),
    )
    for (const collection of this.#collections.values()) {
      if (collection.state.frozen.length > 0) void collection.background.flushFrozen()
    }
    if (env.options.hnsw && !hnswAvailable()) {
      env.warnOnce(
        'hnsw',
        'hnswlib-node is not installed: searches are exact, and slower on large collections',
      )
    }
  }

  /** The open collection with this name or alias. @throws MilvusError CollectionNotFound, DatabaseNotFound */
  collection(name: string, database: string = DEFAULT_DATABASE): EngineCollection {
    this.checkOpen()
    const record = this.catalog.collection(this.catalog.database(database), name)
    const collection = this.#collections.get(record.id)
    // Its record is there a moment before it is.
    if (collection === undefined) throw collectionNotFound(database, name)
    return collection
  }

  /** An open collection by id, or undefined. */
  collectionById(id: number): EngineCollection | undefined {
    return this.#collections.get(id)
  }

  /** @throws MilvusError StoreClosed */
  checkOpen(): void {
    if (this.#closing !== null) throw new MilvusError('StoreClosed', 'the database was closed; open it again')
  }

  /** Puts a newly created collection among the open ones. */
  adopt(collection: EngineCollection): void {
    this.#collections.set(collection.state.id, collection)
  }

  /** Takes a dropped collection out. */
  forget(id: number): void {
    this.#collections.delete(id)
  }

  /**
   * Closes the database: waits for queued writes, stops background work, releases the directory. Repeated calls wait
   * for the first. What was acknowledged is durable already; nothing is flushed.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const closed = new MilvusError('StoreClosed', 'the database was closed; open it again')
    const collections = [...this.#collections.values()]
    try {
      await Promise.all(collections.map(collection => collection.writes.drain()))
      await Promise.all(collections.map(collection => collection.writes.close(closed)))
      for (const { state } of collections) {
        state.wakeWriters()
        state.snapshots.endHolds(closed)
      }
      await this.env.work.close()
      await Promise.all(collections.map(collection => collection.background.idle()))
      await Promise.all(collections.map(collection => collection.state.editsDone()))
      await Promise.all(collections.map(collection => collection.state.snapshots.whenIdle()))
    } finally {
      await this.#release()
    }
  }
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true })
  } catch (cause) {
    throw new MilvusError(
      'IoFailed',
      `directory ${directory} cannot be created: ${(cause as Error).message}`,
      { cause },
    )
  }
}
