/**
 * Aliases and databases (query-search-semantics §7.3, §7.5). Each change is one synced catalog write.
 */
import { collectionNotFound, invalid, MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { hybridOfTick } from '../base/timestamp.js'
import { checkAliasName, checkDatabaseName } from '../schema/names.js'
import { putRecord } from './collection-ddl.js'
import type { Engine } from './engine.js'
import { checkDatabaseProperties } from './properties.js'
import { DEFAULT_DATABASE } from './records.js'

/**
 * Binds an alias to a collection. With `move` the alias must exist and changes its collection; without it must be new
 * (or already bound to the same collection, which is a success).
 * @throws MilvusError CollectionNotFound, AliasNotFound, AliasAlreadyExist, AliasCollectionNameConflict
 */
export function createAlias(
  engine: Engine,
  alias: string,
  collection: string,
  { move }: { readonly move: boolean },
  database: string = DEFAULT_DATABASE,
): Promise<void> {
  engine.checkOpen()
  const { catalog } = engine
  return catalog.exclusive(async () => {
    checkAliasName(alias)
    const db = catalog.database(database)
    const target = catalog.find(db, collection)
    // An alias leads to a collection, never to another alias.
    if (target === undefined || target.schema.name !== collection)
      throw collectionNotFound(database, collection)
    const holder = catalog.find(db, alias)
    if (holder?.schema.name === alias) {
      throw new MilvusError('AliasCollectionNameConflict', '', { fields: { database, alias } })
    }
    if (holder === undefined && move)
      throw new MilvusError('AliasNotFound', '', { fields: { database, alias } })
    if (holder?.id === target.id) return
    if (holder !== undefined && !move) {
      throw new MilvusError(
        'AliasAlreadyExist',
        `${alias} is alias to another collection: ${holder.schema.name}`,
      )
    }
    const gained = { ...target, aliases: [...target.aliases, alias] }
    if (holder === undefined) return putRecord(engine.collection(target.schema.name, database), gained)
    const lost = { ...holder, aliases: holder.aliases.filter(a => a !== alias) }
    await catalog.putCollections([gained, lost])
    for (const record of [gained, lost]) engine.collectionById(record.id)!.state.record = record
  })
}

/** Drops an alias; an unknown one is a success. */
export function dropAlias(engine: Engine, alias: string, database: string = DEFAULT_DATABASE): Promise<void> {
  engine.checkOpen()
  const { catalog } = engine
  return catalog.exclusive(async () => {
    const holder = catalog.find(catalog.database(database), alias)
    if (holder === undefined || holder.schema.name === alias) return
    await putRecord(engine.collection(holder.schema.name, database), {
      aliases: holder.aliases.filter(a => a !== alias),
    })
  })
}

/** @throws MilvusError DatabaseInvalidName, ParameterInvalid when it exists, DatabaseNumLimit */
export function createDatabase(
  engine: Engine,
  name: string,
  properties: Readonly<Record<string, string>> = {},
): Promise<void> {
  engine.checkOpen()
  const { catalog } = engine
  return catalog.exclusive(async () => {
    checkDatabaseName(name)
    if (catalog.hasDatabase(name)) throw invalid(`database already exist: ${name}`)
    checkDatabaseProperties(properties)
    if (catalog.databases().length >= LIMITS.databasesMax) {
      throw new MilvusError('DatabaseNumLimit', '', { fields: { limit: LIMITS.databasesMax } })
    }
    await catalog.putDatabase({
      id: catalog.newId(),
      name,
      createdTick: engine.env.oracle.next(),
      properties,
    })
  })
}

/** @throws MilvusError ParameterInvalid for `default` and for databases with collections */
export function dropDatabase(engine: Engine, name: string): Promise<void> {
  engine.checkOpen()
  const { catalog } = engine
  return catalog.exclusive(async () => {
    if (name === DEFAULT_DATABASE) throw invalid('can not drop default database')
    if (!catalog.hasDatabase(name)) return
    const record = catalog.database(name)
    if (catalog.collections(record).length > 0) {
      throw invalid(`${name} not empty, must drop all collections before drop database`)
    }
    await catalog.dropDatabase(record.id)
  })
}

/** A database as describe shows it. */
export interface DatabaseDescription {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
  /** Hybrid timestamp of its creation. */
  readonly createdTimestamp: bigint
}

/** @throws MilvusError DatabaseNotFound */
export function describeDatabase(engine: Engine, name: string): DatabaseDescription {
  engine.checkOpen()
  const record = engine.catalog.database(name)
  return {
    name: record.name,
    properties: record.properties,
    createdTimestamp: hybridOfTick(record.createdTick),
  }
}

/** An alias as describe shows it. */
export interface AliasDescription {
  readonly alias: string
  readonly collection: string
  readonly database: string
}

/** @throws MilvusError AliasNotFound (also for names of collections), DatabaseNotFound */
export function describeAlias(
  engine: Engine,
  alias: string,
  database: string = DEFAULT_DATABASE,
): AliasDescription {
  engine.checkOpen()
  const { catalog } = engine
  const db = catalog.database(database)
  const holder = catalog.find(db, alias)
  if (holder === undefined || holder.schema.name === alias)
    throw new MilvusError('AliasNotFound', '', { fields: { database: db.name, alias } })
  return { alias, collection: holder.schema.name, database: db.name }
}

/**
 * Aliases of one collection, or of the whole database when none is named, in order of the collections' creation.
 * @throws MilvusError CollectionNotFound, DatabaseNotFound
 */
export function listAliases(
  engine: Engine,
  collection: string = '',
  database: string = DEFAULT_DATABASE,
): string[] {
  engine.checkOpen()
  const { catalog } = engine
  const db = catalog.database(database)
  const records = collection === '' ? catalog.collections(db) : [catalog.collection(db, collection)]
  return records.flatMap(record => [...record.aliases])
}
