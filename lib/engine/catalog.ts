/**
 * The catalog: which databases and collections exist.
 *
 * All of it is in memory; every change is one synced write of the records concerned, made before memory changes. Each
 * write also carries the *ceiling*, the highest tick and id handed out so far, so that neither ever repeats, even when
 * the collection that used them is gone.
 *
 * Invariants: names (collections and aliases together) are unique in a database; ids are unique in the store; memory
 * never shows what is not on disk.
 */
import { collectionNotFound, MilvusError } from '../base/errors.js'
import type { Tick, TimestampOracle } from '../base/timestamp.js'
import { FRAME, frame, packMap, unframe, unpackMap } from '../store/codec.js'
import { type CatalogKind, catalogKey, catalogRange, ceilingKey } from '../store/keys.js'
import type { Store, StoreOp } from '../store/store.js'
import { type CollectionRecord, type DatabaseRecord, DEFAULT_DATABASE } from './records.js'

interface Ceiling {
  readonly lastTick: Tick
  readonly nextId: number
}

/** Id of the database that always exists. */
const DEFAULT_DATABASE_ID = 1

export class Catalog {
  readonly #store: Store
  readonly #oracle: TimestampOracle
  readonly #databases = new Map<number, DatabaseRecord>()
  readonly #collections = new Map<number, CollectionRecord>()
  #nextId = DEFAULT_DATABASE_ID + 1
  /** Changes run one after another. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(store: Store, oracle: TimestampOracle) {
    this.#store = store
    this.#oracle = oracle
  }

  /** Reads every record and raises the oracle above every tick that was ever handed out. */
  async load(): Promise<void> {
    const bytes = await this.#store.get(ceilingKey())
    if (bytes !== undefined) {
      const ceiling = unpackMap(unframe(bytes, FRAME.ceiling, 'timestamp ceiling')) as Ceiling
      this.#oracle.raise(ceiling.lastTick)
      this.#nextId = ceiling.nextId
    }
    for (const record of await this.#read<DatabaseRecord>('database')) this.#databases.set(record.id, record)
    for (const record of await this.#read<CollectionRecord>('collection')) {
      this.#collections.set(record.id, record)
      this.#oracle.raise(record.updatedTick)
    }
    if (!this.#databases.has(DEFAULT_DATABASE_ID)) {
      await this.putDatabase({
        id: DEFAULT_DATABASE_ID,
        name: DEFAULT_DATABASE,
        createdTick: this.#oracle.next(),
        properties: {},
      })
    }
  }

  async #read<T>(kind: CatalogKind): Promise<T[]> {
    const records: T[] = []
    for await (const block of this.#store.scan(catalogRange(kind))) {
      for (const [, value] of block)
        records.push(unpackMap(unframe(value, FRAME.catalog, `${kind} record`)) as T)
    }
    return records
  }

  /** Runs catalog changes one at a time, so that a check and the write it guards are not torn apart. */
  exclusive<T>(change: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(change)
    this.#turn = run.catch(() => undefined)
    return run
  }

  newId(): number {
    return this.#nextId++
  }

  #ceilingOp(): StoreOp {
    const ceiling: Ceiling = { lastTick: this.#oracle.last, nextId: this.#nextId }
    return { key: ceilingKey(), value: frame(FRAME.ceiling, [packMap(ceiling)]) }
  }

  /** Persists the ceiling together with `ops`, as one synced batch. */
  async write(ops: readonly StoreOp[]): Promise<void> {
    await this.#store.write([...ops, this.#ceilingOp()], true)
  }

  async putDatabase(record: DatabaseRecord): Promise<void> {
    await this.write([recordOp('database', record.id, record)])
    this.#databases.set(record.id, record)
  }

  async dropDatabase(id: number): Promise<void> {
    await this.write([{ key: catalogKey('database', id), value: null }])
    this.#databases.delete(id)
  }

  /** Persists the record of a new collection, in one batch with its first manifest. */
  async addCollection(record: CollectionRecord, manifest: StoreOp): Promise<void> {
    await this.write([recordOp('collection', record.id, record), manifest])
    this.#collections.set(record.id, record)
  }

  /**
   * Replaces a record.
   * @throws MilvusError CollectionNotFound when the collection was dropped while the change waited for its turn: a
   *   record without a manifest could not be opened again
   */
  putCollection(record: CollectionRecord): Promise<void> {
    return this.putCollections([record])
  }

  /** Replaces several records as one batch. @throws MilvusError CollectionNotFound */
  async putCollections(records: readonly CollectionRecord[]): Promise<void> {
    for (const { id, databaseId, schema } of records) {
      if (this.#collections.has(id)) continue
      throw collectionNotFound(this.#databases.get(databaseId)?.name ?? '', schema.name)
    }
    await this.write(records.map(record => recordOp('collection', record.id, record)))
    for (const record of records) this.#collections.set(record.id, record)
  }

  async dropCollection(id: number, more: readonly StoreOp[]): Promise<void> {
    await this.write([{ key: catalogKey('collection', id), value: null }, ...more])
    this.#collections.delete(id)
  }

  databases(): DatabaseRecord[] {
    return [...this.#databases.values()].sort((a, b) => a.id - b.id)
  }

  /** @throws MilvusError DatabaseNotFound */
  database(name: string): DatabaseRecord {
    const wanted = name === '' ? DEFAULT_DATABASE : name
    for (const record of this.#databases.values()) if (record.name === wanted) return record
    throw new MilvusError('DatabaseNotFound', '', { fields: { database: wanted } })
  }

  hasDatabase(name: string): boolean {
    for (const record of this.#databases.values()) if (record.name === name) return true
    return false
  }

  databaseById(id: number): DatabaseRecord | undefined {
    return this.#databases.get(id)
  }

  allCollections(): CollectionRecord[] {
    return [...this.#collections.values()]
  }

  /** Collections of a database in order of creation. */
  collections(database: DatabaseRecord): CollectionRecord[] {
    return this.allCollections()
      .filter(record => record.databaseId === database.id)
      .sort((a, b) => a.id - b.id)
  }

  /** The collection with this name or alias, or undefined. */
  find(database: DatabaseRecord, name: string): CollectionRecord | undefined {
    for (const record of this.#collections.values()) {
      if (record.databaseId === database.id && (record.schema.name === name || record.aliases.includes(name)))
        return record
    }
    return undefined
  }

  /** @throws MilvusError CollectionNotFound */
  collection(database: DatabaseRecord, name: string): CollectionRecord {
    const record = this.find(database, name)
    if (record === undefined) throw collectionNotFound(database.name, name)
    return record
  }

  collectionById(id: number): CollectionRecord | undefined {
    return this.#collections.get(id)
  }
}

/** The write that stores a record. */
export function recordOp(kind: CatalogKind, id: number, record: unknown): StoreOp {
  return { key: catalogKey(kind, id), value: frame(FRAME.catalog, [packMap(record)]) }
}
