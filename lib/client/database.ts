/**
 * The embedded database: `open()` and what concerns the database as a whole.
 *
 * This room translates between the public API and the engine and does nothing else: rows become columns, names become
 * collections, ticks become timestamps.
 */
import type { OpenOptions } from '../base/options.js'
import { type CreateCollection, createCollection, dropCollection } from '../engine/collection-ddl.js'
import { Engine } from '../engine/engine.js'
import { type DatabaseStats, databaseStats } from '../engine/load-ddl.js'
import {
  type AliasDescription,
  createAlias,
  createDatabase,
  type DatabaseDescription,
  describeAlias,
  describeDatabase,
  dropAlias,
  dropDatabase,
  listAliases,
} from '../engine/names-ddl.js'
import type { GivenProperties } from '../engine/properties.js'
import { alterDatabase } from '../engine/property-ddl.js'
import { renameCollection } from '../engine/schema-ddl.js'
import { AccessControl } from './access.js'
import {
  checkDeclaration,
  checkName,
  checkNameList,
  checkNames,
  checkPropertyArguments,
  databaseIn,
} from './check-arguments.js'
import { Collection } from './collection.js'

/** Selects the database of a call. Default: `default`. */
export interface InDatabase {
  readonly database?: string
}

export class Database extends AccessControl {
  readonly #engine: Engine

  /** Use `open()`. */
  constructor(engine: Engine) {
    super(engine)
    this.#engine = engine
  }

  /** The engine, for adapters that speak a protocol. */
  get engine(): Engine {
    return this.#engine
  }

  /** Directory of the database. */
  get directory(): string {
    return this.#engine.env.directory
  }

  /**
   * Creates a collection and loads it (unless `load: false`). The same definition again is a success.
   * Durable on return.
   * @throws MilvusError ParameterInvalid with the first rule that is broken; nothing is created then
   */
  async createCollection(request: CreateCollection, where: InDatabase = {}): Promise<Collection> {
    checkDeclaration(request)
    const database = databaseIn(where)
    const created = await createCollection(this.#engine, request, database)
    return new Collection(this.#engine, created.schema.name, database)
  }

  /** A collection by name or alias. Whether it exists is found out by the first call on it. */
  collection(name: string, where: InDatabase = {}): Collection {
    checkName('name of the collection', name)
    return new Collection(this.#engine, name, databaseIn(where))
  }

  /** True when a collection or alias of this name exists. */
  async hasCollection(name: string, where: InDatabase = {}): Promise<boolean> {
    checkName('name of the collection', name)
    this.#engine.checkOpen()
    const { catalog } = this.#engine
    return catalog.find(catalog.database(databaseIn(where) ?? ''), name) !== undefined
  }

  /** Names of all collections, in order of creation. */
  async listCollections(where: InDatabase = {}): Promise<string[]> {
    this.#engine.checkOpen()
    const { catalog } = this.#engine
    return catalog.collections(catalog.database(databaseIn(where) ?? '')).map(record => record.schema.name)
  }

  /** Drops a collection with all its rows; an unknown name is a success. Durable on return. */
  async dropCollection(name: string, where: InDatabase = {}): Promise<void> {
    checkName('name of the collection', name)
    await dropCollection(this.#engine, name, databaseIn(where))
  }

  /**
   * Gives a collection another name, and with `newDatabase` another database. Durable on return.
   * @throws MilvusError CollectionNotFound, ParameterInvalid (the name is taken or invalid)
   */
  async renameCollection(
    name: string,
    newName: string,
    where: InDatabase & { readonly newDatabase?: string } = {},
  ): Promise<void> {
    checkNames({ 'name of the collection': name, 'new name': newName })
    databaseIn(where, { newDatabase: 'text' })
    await renameCollection(this.#engine, name, newName, where)
  }

  /** Aliases of one collection, or of all. @throws MilvusError CollectionNotFound */
  async listAliases(collection: string = '', where: InDatabase = {}): Promise<string[]> {
    checkName('name of the collection', collection)
    return listAliases(this.#engine, collection, databaseIn(where))
  }

  /** Which collection an alias names. @throws MilvusError AliasNotFound */
  async describeAlias(alias: string, where: InDatabase = {}): Promise<AliasDescription> {
    checkName('alias', alias)
    return describeAlias(this.#engine, alias, databaseIn(where))
  }

  /** Creates a second name for a collection. Durable on return. @throws MilvusError on name conflicts */
  async createAlias(alias: string, collection: string, where: InDatabase = {}): Promise<void> {
    checkName('alias', alias)
    checkName('name of the collection', collection)
    await createAlias(this.#engine, alias, collection, { move: false }, databaseIn(where))
  }

  /** Points an existing alias to another collection, atomically. @throws MilvusError AliasNotFound */
  async alterAlias(alias: string, collection: string, where: InDatabase = {}): Promise<void> {
    checkName('alias', alias)
    checkName('name of the collection', collection)
    await createAlias(this.#engine, alias, collection, { move: true }, databaseIn(where))
  }

  /** Drops an alias; an unknown one is a success. */
  async dropAlias(alias: string, where: InDatabase = {}): Promise<void> {
    checkName('alias', alias)
    await dropAlias(this.#engine, alias, databaseIn(where))
  }

  /** Creates a database (a namespace for collections). @throws MilvusError on invalid or taken names */
  async createDatabase(name: string, properties: Readonly<Record<string, string>> = {}): Promise<void> {
    checkName('name of the database', name)
    checkPropertyArguments(properties)
    await createDatabase(this.#engine, name, properties)
  }

  /** Drops an empty database. @throws MilvusError when it is not empty, or `default` */
  async dropDatabase(name: string): Promise<void> {
    checkName('name of the database', name)
    await dropDatabase(this.#engine, name)
  }

  /** Name, properties and age of a database. @throws MilvusError DatabaseNotFound */
  async describeDatabase(name: string): Promise<DatabaseDescription> {
    checkName('name of the database', name)
    return describeDatabase(this.#engine, name)
  }

  /** Sets properties of a database; later collections inherit its `timezone`. Durable on return. */
  async alterDatabase(name: string, properties: GivenProperties): Promise<void> {
    checkName('name of the database', name)
    checkPropertyArguments(properties)
    await alterDatabase(this.#engine, name, { properties })
  }

  /** Removes properties of a database. Durable on return. */
  async dropDatabaseProperties(name: string, keys: readonly string[]): Promise<void> {
    checkName('name of the database', name)
    checkNameList('keys', keys)
    await alterDatabase(this.#engine, name, { deleteKeys: keys })
  }

  /** Figures about a database. @throws MilvusError DatabaseNotFound */
  async databaseStats(name: string): Promise<DatabaseStats> {
    checkName('name of the database', name)
    return databaseStats(this.#engine, name)
  }

  /** Names of all databases. */
  async listDatabases(): Promise<string[]> {
    this.#engine.checkOpen()
    return this.#engine.catalog.databases().map(record => record.name)
  }

  /**
   * Closes the database: queued writes end, background work stops, the directory is released. Nothing acknowledged
   * is lost by not calling it.
   */
  async close(): Promise<void> {
    await this.#engine.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Opens a database directory like a file, creating it when it does not exist. One process at a time.
 * @throws MilvusError StoreLocked (names the process that holds it), FormatTooNew, Corrupted, ParameterInvalid
 */
export async function open(directory: string, options: OpenOptions = {}): Promise<Database> {
  return new Database(await Engine.open(directory, options))
}
