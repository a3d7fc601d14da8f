/**
 * Privilege groups: names for several privileges of one level, to be granted together. Each change is one synced
 * catalog write. The built-in groups are listed first and cannot be changed.
 */
import { MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { BUILT_IN_GROUPS, levelOf, objectTypeOf, shortPrivilege } from './access-privileges.js'
import type { GroupRecord } from './access-records.js'
import { checkAccessName } from './access-roles.js'
import { accessError } from './access-users.js'
import type { Engine } from './engine.js'

/** A group as list shows it. */
export interface PrivilegeGroup {
  readonly name: string
  readonly privileges: readonly string[]
}

const badName = (text: string): MilvusError => new MilvusError('PrivilegeGroupInvalidName', text)

/** @throws MilvusError PrivilegeGroupInvalidName; Unexpected (65535) when the name is taken */
export function createPrivilegeGroup(engine: Engine, name: string): Promise<void> {
  engine.checkOpen()
  const { access } = engine
  return access.exclusive(async () => {
    checkAccessName('privilege group name', name, badName)
    const taken = BUILT_IN_GROUPS.has(name) || objectTypeOf(shortPrivilege(name)) !== undefined
    if (taken) {
      throw accessError(
        `privilege group name [${name}] is defined by built in privileges or privilege groups in system`,
      )
    }
    if (access.group(name) !== undefined) throw accessError(`privilege group [${name}] already exists`)
    if (access.groups().length >= LIMITS.privilegeGroupsMax) {
      throw accessError(`expected at most ${LIMITS.privilegeGroupsMax} privilege groups; drop one first`)
    }
    await access.apply({ groups: [{ id: 0, name, privileges: [] }] })
  })
}

/** Drops a group; an unknown one is a success. @throws MilvusError Unexpected (65535) while a role is granted it */
export function dropPrivilegeGroup(engine: Engine, name: string): Promise<void> {
  engine.checkOpen()
  const { access } = engine
  return access.exclusive(async () => {
    checkAccessName('privilege group name', name, badName)
    if (access.group(name) === undefined) return
    const user = access.roles().find(role => role.grants.some(grant => grant.privilege === name))
    if (user !== undefined) {
      throw accessError(
        `privilege group [${name}] is used by role [${user.name}], Use REVOKE API to revoke it first`,
      )
    }
    await access.apply({ dropGroup: name })
  })
}

/** Adds privileges, or all members of other groups. @throws MilvusError for unknown names and mixed levels */
export function addPrivilegesToGroup(
  engine: Engine,
  name: string,
  privileges: readonly string[],
): Promise<void> {
  return changeGroup(engine, name, privileges, (old, given) => [...new Set([...old, ...given])])
}

/** Removes privileges; what is not in the group is ignored. @throws MilvusError for unknown names */
export function removePrivilegesFromGroup(
  engine: Engine,
  name: string,
  privileges: readonly string[],
): Promise<void> {
  return changeGroup(engine, name, privileges, (old, given) => old.filter(one => !given.includes(one)))
}

function changeGroup(
  engine: Engine,
  name: string,
  privileges: readonly string[],
  change: (old: readonly string[], given: readonly string[]) => readonly string[],
): Promise<void> {
  engine.checkOpen()
  const { access } = engine
  return access.exclusive(async () => {
    checkAccessName('privilege group name', name, badName)
    const group = access.group(name)
    if (group === undefined) {
      throw accessError(`there is no privilege group name [${name}] defined in system to operate`)
    }
    const given = privileges.flatMap(one => membersOf(engine, one))
    const changed: GroupRecord = { ...group, privileges: change(group.privileges, given) }
    const levels = new Set(changed.privileges.map(levelOf))
    if (levels.size > 1) {
      throw accessError(
        `privileges of group [${name}] must all be of one level, found ${[...levels].join(' and ')} level`,
      )
    }
    await access.apply({ groups: [changed] })
  })
}

function membersOf(engine: Engine, given: string): readonly string[] {
  const group = engine.access.group(given)?.privileges ?? BUILT_IN_GROUPS.get(given)
  if (group !== undefined) return group
  const name = shortPrivilege(given)
  if (objectTypeOf(name) !== undefined) return [name]
  throw accessError(
    `there is no privilege name or privilege group name [${given}] defined in system to operate`,
  )
}

/** All groups: the built-in ones, then those of users in order of creation. */
export function listPrivilegeGroups(engine: Engine): PrivilegeGroup[] {
  engine.checkOpen()
  const builtIn = [...BUILT_IN_GROUPS].map(([name, privileges]) => ({ name, privileges }))
  const own = engine.access.groups().map(({ name, privileges }) => ({ name, privileges }))
  return [...builtIn, ...own]
}
