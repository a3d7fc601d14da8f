/**
 * Users, roles and privilege groups in memory, and their one way to disk.
 *
 * Every change is one synced batch of whole records, written before memory changes, under the catalog's turn; a crash
 * leaves the state before or after it. `generation` counts changes, so that whoever compiled something from these
 * records knows when to do it again.
 */
import { FRAME, unframe, unpackMap } from '../store/codec.js'
import { type CatalogKind, catalogKey, catalogRange } from '../store/keys.js'
import type { Store, StoreOp } from '../store/store.js'
import {
  BUILT_IN_ROLES,
  BUILT_IN_USERS,
  type GroupRecord,
  type RoleRecord,
  type UserRecord,
} from './access-records.js'
import { type Catalog, recordOp } from './catalog.js'

/** Records to put or, by name, to drop; all of it in one batch. */
export interface AccessChange {
  readonly users?: readonly UserRecord[]
  readonly roles?: readonly RoleRecord[]
  readonly groups?: readonly GroupRecord[]
  readonly dropUser?: string
  readonly dropRole?: string
  readonly dropGroup?: string
}

interface Named {
  readonly id: number
  readonly name: string
}

export class AccessCatalog {
  readonly #store: Store
  readonly #catalog: Catalog
  readonly #users = new Map<string, UserRecord>()
  readonly #roles = new Map<string, RoleRecord>()
  readonly #groups = new Map<string, GroupRecord>()
  #generation = 0

  constructor(store: Store, catalog: Catalog) {
    this.#store = store
    this.#catalog = catalog
  }

  /** Reads every record; built-in ones are there even when nothing is stored. */
  async load(): Promise<void> {
    for (const user of BUILT_IN_USERS) this.#users.set(user.name, user)
    for (const role of BUILT_IN_ROLES) this.#roles.set(role.name, role)
    for (const user of await this.#read<UserRecord>('user')) this.#users.set(user.name, user)
    for (const role of await this.#read<RoleRecord>('role')) this.#roles.set(role.name, role)
    for (const group of await this.#read<GroupRecord>('privilegeGroup')) this.#groups.set(group.name, group)
  }

  async #read<T>(kind: CatalogKind): Promise<T[]> {
    const records: T[] = []
    for await (const block of this.#store.scan(catalogRange(kind))) {
      for (const [, value] of block)
        records.push(unpackMap(unframe(value, FRAME.catalog, `${kind} record`)) as T)
    }
    return records
  }

  /** Counts changes. */
  get generation(): number {
    return this.#generation
  }

  /** Runs changes one at a time, with every other change of the catalog. */
  exclusive<T>(change: () => Promise<T>): Promise<T> {
    return this.#catalog.exclusive(change)
  }

  /** Persists a change as one synced batch; memory follows. Only inside `exclusive`. */
  async apply(change: AccessChange): Promise<void> {
    const users = change.users?.map(record => this.#numbered(record)) ?? []
    const roles = change.roles?.map(record => this.#numbered(record)) ?? []
    const groups = change.groups?.map(record => this.#numbered(record)) ?? []
    const ops: StoreOp[] = [
      ...users.map(record => recordOp('user', record.id, record)),
      ...roles.map(record => recordOp('role', record.id, record)),
      ...groups.map(record => recordOp('privilegeGroup', record.id, record)),
      ...dropOps('user', this.#users, change.dropUser),
      ...dropOps('role', this.#roles, change.dropRole),
      ...dropOps('privilegeGroup', this.#groups, change.dropGroup),
    ]
    await this.#catalog.write(ops)
    for (const record of users) this.#users.set(record.name, record)
    for (const record of roles) this.#roles.set(record.name, record)
    for (const record of groups) this.#groups.set(record.name, record)
    if (change.dropUser !== undefined) this.#users.delete(change.dropUser)
    if (change.dropRole !== undefined) this.#roles.delete(change.dropRole)
    if (change.dropGroup !== undefined) this.#groups.delete(change.dropGroup)
    this.#generation++
  }

  /** A record with an id of its own: built-in ones get theirs when they are first stored. */
  #numbered<T extends Named>(record: T): T {
    return record.id === 0 ? { ...record, id: this.#catalog.newId() } : record
  }

  user(name: string): UserRecord | undefined {
    return this.#users.get(name)
  }

  role(name: string): RoleRecord | undefined {
    return this.#roles.get(name)
  }

  group(name: string): GroupRecord | undefined {
    return this.#groups.get(name)
  }

  /** Built-in ones first, then in order of creation. */
  users(): UserRecord[] {
    return [...this.#users.values()]
  }

  /** Built-in ones first, then in order of creation. */
  roles(): RoleRecord[] {
    return [...this.#roles.values()]
  }

  /** Groups that users made, in order of creation. */
  groups(): GroupRecord[] {
    return [...this.#groups.values()]
  }
}

function dropOps(
  kind: CatalogKind,
  records: ReadonlyMap<string, Named>,
  name: string | undefined,
): StoreOp[] {
  const record = name === undefined ? undefined : records.get(name)
  return record === undefined || record.id === 0 ? [] : [{ key: catalogKey(kind, record.id), value: null }]
}
