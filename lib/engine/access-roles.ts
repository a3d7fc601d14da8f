/**
 * Roles and what they are granted. Each change is one synced catalog write.
 *
 * A grant of version 1 names an object type and an object; one of version 2 names a collection and a database and finds
 * the object type by itself. Both are kept in the same form, so either way of granting is revoked by either.
 */
import { invalid } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import {
  ANY,
  BUILT_IN_GROUPS,
  levelOf,
  levelOfGroup,
  OBJECT_TYPES,
  type ObjectType,
  objectTypeOf,
  type PrivilegeLevel,
  shortPrivilege,
} from './access-privileges.js'
import { ADMIN_ROLE, type GrantRecord, PUBLIC_ROLE, ROOT, type RoleRecord } from './access-records.js'
import { accessError, checkDescription } from './access-users.js'
import type { Engine } from './engine.js'
import { DEFAULT_DATABASE } from './records.js'

/** Text clients match, whatever was asked of a role that is not there. */
const NO_ROLE = "not found the role, maybe the role isn't existed or internal system error"

/** A grant of version 1. */
export interface ObjectGrant {
  readonly role: string
  /** Collection, Global or User. */
  readonly objectType: string
  /** Name of a collection or user; `*` for all, and for Global privileges. */
  readonly objectName: string
  readonly privilege: string
  /** Default: `default`; `*` for all. */
  readonly database?: string | undefined
}

/** A grant of version 2. */
export interface ScopedGrant {
  readonly role: string
  /** A privilege or a group of privileges. */
  readonly privilege: string
  /** Required for privileges of the collection level (`*` for all); `*` and the default for the others. */
  readonly collection?: string | undefined
  /** Default `default`; for privileges of the cluster level `*`, and nothing else is allowed. */
  readonly database?: string | undefined
}

/** Which grants to list; what is absent does not narrow. */
export interface GrantFilter {
  readonly role: string
  readonly objectType?: string | undefined
  readonly objectName?: string | undefined
  /** Default `default`; `*` = those of every database. Grants for every database are always listed. */
  readonly database?: string | undefined
}

/** A role as describe shows it. */
export interface RoleDescription {
  readonly name: string
  readonly description: string
  /** Names of the users that were granted it. */
  readonly users: readonly string[]
}

/** @throws MilvusError by `fail`: a letter or `_` first, then letters, digits, `_ $`, at most 255 */
export function checkAccessName(kind: string, name: string, fail: (text: string) => Error): void {
  if (name === '') throw fail(`${kind} should not be empty`)
  const prefix = `Invalid ${kind}: ${name}. `
  const max = LIMITS.nameBytesMax
  if (Buffer.byteLength(name) > max) {
    throw fail(`${prefix}the length of ${kind} must be less than ${max} characters`)
  }
  if (!/^[A-Za-z_]/.test(name)) {
    throw fail(`${prefix}the first character of ${kind} must be an underscore or letter`)
  }
  if (!/^[\w$]+$/.test(name)) {
    throw fail(`${prefix}${kind} can only contain numbers, letters, dollars and underscores`)
  }
}

const checkRoleName = (name: string): void => checkAccessName('role name', name, invalid)

function roleOf(engine: Engine, name: string): RoleRecord {
  const role = engine.access.role(name)
  if (role === undefined) throw accessError(NO_ROLE)
  return role
}

/** @throws MilvusError ParameterInvalid; Unexpected (65535) when it exists or there are too many */
export function createRole(engine: Engine, name: string, description: string = ''): Promise<void> {
  engine.checkOpen()
  const { access } = engine
  return access.exclusive(async () => {
    checkRoleName(name)
    checkDescription(description)
    if (access.role(name) !== undefined) throw accessError(`role [name:"${name}"] already exists`)
    if (access.roles().length >= LIMITS.rolesMax) {
      throw accessError('unable to create role because the number of roles has reached the limit')
    }
    await access.apply({ roles: [{ id: 0, name, description, grants: [] }] })
  })
}

/** Changes a role's description. @throws MilvusError Unexpected (65535) for an unknown role */
export function alterRole(engine: Engine, name: string, description: string): Promise<void> {
  engine.checkOpen()
  return engine.access.exclusive(async () => {
    checkDescription(description)
    await engine.access.apply({ roles: [{ ...roleOf(engine, name), description }] })
  })
}

/**
 * Drops a role and takes it from its users, as one change.
 * @param force also when privileges are granted to it
 * @throws MilvusError PrivilegeNotPermitted-like 65535 for built-in roles, unknown roles and roles with privileges
 */
export function dropRole(engine: Engine, name: string, { force = false } = {}): Promise<void> {
  engine.checkOpen()
  const { access } = engine
  return access.exclusive(async () => {
    const role = roleOf(engine, name)
    if (name === ADMIN_ROLE || name === PUBLIC_ROLE) {
      throw accessError(`the role[${name}] is a default role, which can't be dropped`)
    }
    if (role.grants.length > 0 && !force) {
      throw accessError('fail to drop the role that it has privileges. Use REVOKE API to revoke privileges')
    }
    const users = access
      .users()
      .filter(user => user.roles.includes(name))
      .map(user => ({ ...user, roles: user.roles.filter(one => one !== name) }))
    await access.apply({ users, dropRole: name })
  })
}

/** Gives a user a role; twice is a success. @throws MilvusError Unexpected (65535) for unknown users and roles */
export function grantRole(engine: Engine, username: string, role: string): Promise<void> {
  return changeRoles(engine, username, role, roles => (roles.includes(role) ? roles : [...roles, role]))
}

/** Takes a role from a user; one he does not have is a success. @throws MilvusError as grantRole */
export function revokeRole(engine: Engine, username: string, role: string): Promise<void> {
  return changeRoles(engine, username, role, roles => roles.filter(one => one !== role))
}

function changeRoles(
  engine: Engine,
  username: string,
  role: string,
  change: (roles: readonly string[]) => readonly string[],
): Promise<void> {
  engine.checkOpen()
  const { access } = engine
  return access.exclusive(async () => {
    roleOf(engine, role)
    const user = access.user(username)
    if (user === undefined) {
      throw accessError("not found the user, maybe the user isn't existed or internal system error")
    }
    if (role === PUBLIC_ROLE) return
    const roles = change(user.roles)
    if (roles.length !== user.roles.length) await access.apply({ users: [{ ...user, roles }] })
  })
}

/** Roles, built-in ones first, then in order of creation. With a name: that one, or none. */
export function describeRoles(engine: Engine, name?: string): RoleDescription[] {
  engine.checkOpen()
  const { access } = engine
  return access
    .roles()
    .filter(role => name === undefined || role.name === name)
    .map(role => ({
      name: role.name,
      description: role.description,
      users: access
        .users()
        .filter(user => user.roles.includes(role.name))
        .map(user => user.name),
    }))
}

/** Grants a privilege on an object; twice is a success. @param grantor who does it; default root */
export function grantPrivilege(engine: Engine, grant: ObjectGrant, grantor: string = ROOT): Promise<void> {
  return changeGrants(engine, grant.role, () => objectGrant(engine, grant, grantor), true)
}

/** Takes a privilege on an object back; one that was not granted is a success. */
export function revokePrivilege(engine: Engine, grant: ObjectGrant): Promise<void> {
  return changeGrants(engine, grant.role, () => objectGrant(engine, grant, ROOT), false)
}

/** Grants a privilege or group on a collection or database. @param grantor who does it; default root */
export function grantPrivilegeV2(engine: Engine, grant: ScopedGrant, grantor: string = ROOT): Promise<void> {
  return changeGrants(engine, grant.role, () => scopedGrant(engine, grant, grantor), true)
}

/** Takes a privilege or group on a collection or database back; one that was not granted is a success. */
export function revokePrivilegeV2(engine: Engine, grant: ScopedGrant): Promise<void> {
  return changeGrants(engine, grant.role, () => scopedGrant(engine, grant, ROOT), false)
}

function changeGrants(
  engine: Engine,
  roleName: string,
  grantOf: () => GrantRecord,
  add: boolean,
): Promise<void> {
  engine.checkOpen()
  const { access } = engine
  return access.exclusive(async () => {
    checkRoleName(roleName)
    const role = roleOf(engine, roleName)
    const grant = grantOf()
    const others = role.grants.filter(one => !isSame(one, grant))
    const has = others.length < role.grants.length
    if (has === add) return
    if (add && others.length >= LIMITS.grantsMax) {
      throw accessError(`expected at most ${LIMITS.grantsMax} privileges of a role; grant a group, or *`)
    }
    await access.apply({ roles: [{ ...role, grants: add ? [...others, grant] : others }] })
  })
}

function isSame(a: GrantRecord, b: GrantRecord): boolean {
  return (
    a.privilege === b.privilege &&
    a.objectName === b.objectName &&
    a.database === b.database &&
    a.objectType === b.objectType
  )
}

function objectGrant(engine: Engine, grant: ObjectGrant, grantor: string): GrantRecord {
  const objectType = OBJECT_TYPES.find(type => type === grant.objectType)
  if (objectType === undefined) {
    throw invalid(
      `not found the object type[name: ${grant.objectType}], supported the object types: [${OBJECT_TYPES.join(' ')}]`,
    )
  }
  if (grant.objectName === '') throw invalid('the object name in the grant should not be empty')
  const privilege = knownPrivilege(engine, grant.privilege)
  const declared = privilege === ANY ? objectType : (objectTypeOf(privilege) ?? 'Global')
  if (declared !== objectType) {
    throw invalid(`not found the privilege name[${grant.privilege}] in object[${objectType}]`)
  }
  const database = databaseOf(engine, grant.database)
  return { objectType, objectName: grant.objectName, database, privilege, grantor }
}

function scopedGrant(engine: Engine, grant: ScopedGrant, grantor: string): GrantRecord {
  const privilege = knownPrivilege(engine, grant.privilege)
  const level = levelOfGrant(engine, privilege)
  const { collection = level === 'Collection' ? '' : ANY } = grant
  const { database = level === 'Cluster' ? ANY : DEFAULT_DATABASE } = grant
  if (level === 'Cluster' && (collection !== ANY || database !== ANY)) {
    throw invalid(`dbName and collectionName should be * for the cluster level privilege: ${privilege}`)
  }
  if (level === 'Database' && collection !== ANY) {
    throw invalid(`collectionName should be * for the database level privilege: ${privilege}`)
  }
  if (collection === '') throw invalid('collectionName should not be empty')
  const objectType: ObjectType = objectTypeOf(privilege) ?? 'Global'
  return { objectType, objectName: collection, database: databaseOf(engine, database), privilege, grantor }
}

/** The privilege or group of this name, in its short form. @throws MilvusError ParameterInvalid */
function knownPrivilege(engine: Engine, given: string): string {
  if (given === '') throw invalid('the privilege name should not be empty')
  if (engine.access.group(given) !== undefined || BUILT_IN_GROUPS.has(given)) return given
  const name = shortPrivilege(given)
  if (name === ANY || objectTypeOf(name) !== undefined || BUILT_IN_GROUPS.has(name)) return name
  throw invalid(`not found the privilege name[${given}]`)
}

/** Every privilege (`*`) is scoped like one of a collection: nothing is granted on more than what was named. */
function levelOfGrant(engine: Engine, privilege: string): PrivilegeLevel {
  if (privilege === ANY) return 'Collection'
  const members = engine.access.group(privilege)?.privileges ?? BUILT_IN_GROUPS.get(privilege)
  return members === undefined ? levelOf(privilege) : levelOfGroup(members)
}

/** The name of an existing database, or `*`. @throws MilvusError DatabaseNotFound */
function databaseOf(engine: Engine, given: string | undefined): string {
  if (given === undefined || given === '') return DEFAULT_DATABASE
  return given === ANY ? ANY : engine.catalog.database(given).name
}

/** What a role is granted, in order. @throws MilvusError Unexpected (65535) for an unknown role */
export function listGrants(engine: Engine, filter: GrantFilter): GrantRecord[] {
  engine.checkOpen()
  const { objectType = '', objectName = '' } = filter
  const database =
    filter.database === undefined || filter.database === '' ? DEFAULT_DATABASE : filter.database
  return roleOf(engine, filter.role).grants.filter(
    grant =>
      (objectType === '' || grant.objectType === objectType) &&
      (objectName === '' || grant.objectName === objectName) &&
      (database === ANY || grant.database === ANY || grant.database === database),
  )
}
