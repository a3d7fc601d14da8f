/**
 * Users, roles and privileges of an embedded database: the part of `Database` that manages who may do what.
 *
 * They take effect where somebody logs in, which is a server started with authentication (`kestrel serve --auth`); a
 * program that embeds the database holds its files and may do everything. Every change is durable on return.
 */
import { invalid } from '../base/errors.js'
import {
  addPrivilegesToGroup,
  createPrivilegeGroup,
  dropPrivilegeGroup,
  listPrivilegeGroups,
  type PrivilegeGroup,
  removePrivilegesFromGroup,
} from '../engine/access-groups.js'
import type { GrantRecord } from '../engine/access-records.js'
import {
  alterRole,
  createRole,
  describeRoles,
  dropRole,
  type GrantFilter,
  grantPrivilege,
  grantPrivilegeV2,
  grantRole,
  listGrants,
  type ObjectGrant,
  type RoleDescription,
  revokePrivilege,
  revokePrivilegeV2,
  revokeRole,
  type ScopedGrant,
} from '../engine/access-roles.js'
import {
  type CreateUser,
  createUser,
  describeUsers,
  dropUser,
  type UpdateUser,
  type UserDescription,
  updateUser,
} from '../engine/access-users.js'
import type { Engine } from '../engine/engine.js'
import { checkName, checkNames, checkTexts } from './check-arguments.js'

export class AccessControl {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * Creates a user, who has the role `public` and nothing else.
   * @throws MilvusError ParameterInvalid for bad names and passwords of fewer than 6 or more than 72 bytes; 65535 when
   *   the user exists
   */
  async createUser(request: CreateUser): Promise<void> {
    checkTexts('user', request, ['username', 'password'], ['description'])
    await createUser(this.#engine, request)
  }

  /**
   * Gives a user another password (and description). The old one is checked when it is given.
   * @throws MilvusError NotAuthenticated when the old password is wrong or the user unknown
   */
  async updatePassword(request: UpdateUser): Promise<void> {
    checkTexts('user', request, ['username'], ['newPassword', 'oldPassword', 'description'])
    await updateUser(this.#engine, request)
  }

  /** Drops a user; an unknown name is a success. @throws MilvusError PrivilegeNotPermitted for root */
  async dropUser(username: string): Promise<void> {
    checkName('name of the user', username)
    await dropUser(this.#engine, username)
  }

  /** Names of all users, root first, then in order of creation. */
  async listUsers(): Promise<string[]> {
    return describeUsers(this.#engine).map(user => user.name)
  }

  /** Description and roles of a user. @throws MilvusError ParameterInvalid when there is none of this name */
  async describeUser(username: string): Promise<UserDescription> {
    checkName('name of the user', username)
    const [found] = describeUsers(this.#engine, username)
    if (found === undefined) throw invalid(`user ${username} does not exist`)
    return found
  }

  /** Creates a role without privileges. @throws MilvusError ParameterInvalid; 65535 when it exists */
  async createRole(role: string, options: { readonly description?: string } = {}): Promise<void> {
    checkName('name of the role', role)
    await createRole(this.#engine, role, options.description)
  }

  /** Changes the description of a role. @throws MilvusError 65535 when there is none of this name */
  async alterRole(role: string, description: string): Promise<void> {
    checkName('name of the role', role)
    checkName('description', description)
    await alterRole(this.#engine, role, description)
  }

  /** Drops a role and takes it from its users. @throws MilvusError 65535 while it has privileges, unless forced */
  async dropRole(role: string, options: { readonly force?: boolean } = {}): Promise<void> {
    checkName('name of the role', role)
    await dropRole(this.#engine, role, { force: options.force === true })
  }

  /** Names of all roles, `admin` and `public` first, then in order of creation. */
  async listRoles(): Promise<string[]> {
    return describeRoles(this.#engine).map(role => role.name)
  }

  /** Description and users of a role. @throws MilvusError ParameterInvalid when there is none of this name */
  async describeRole(role: string): Promise<RoleDescription> {
    checkName('name of the role', role)
    const [found] = describeRoles(this.#engine, role)
    if (found === undefined) throw invalid(`role ${role} does not exist`)
    return found
  }

  /** Gives a user a role. @throws MilvusError 65535 for unknown names */
  async grantRole(username: string, role: string): Promise<void> {
    checkNames({ user: username, role })
    await grantRole(this.#engine, username, role)
  }

  /** Takes a role from a user. @throws MilvusError 65535 for unknown names */
  async revokeRole(username: string, role: string): Promise<void> {
    checkNames({ user: username, role })
    await revokeRole(this.#engine, username, role)
  }

  /** Grants a privilege on an object of a type: Collection, Global or User. */
  async grantPrivilege(grant: ObjectGrant): Promise<void> {
    checkTexts('grant', grant, ['role', 'objectType', 'objectName', 'privilege'], ['database'])
    await grantPrivilege(this.#engine, grant)
  }

  /** Takes a privilege on an object back. */
  async revokePrivilege(grant: ObjectGrant): Promise<void> {
    checkTexts('grant', grant, ['role', 'objectType', 'objectName', 'privilege'], ['database'])
    await revokePrivilege(this.#engine, grant)
  }

  /** Grants a privilege or a group on a collection, a database, or everything (`*`). */
  async grantPrivilegeV2(grant: ScopedGrant): Promise<void> {
    checkTexts('grant', grant, ['role', 'privilege'], ['collection', 'database'])
    await grantPrivilegeV2(this.#engine, grant)
  }

  /** Takes a privilege or a group back. */
  async revokePrivilegeV2(grant: ScopedGrant): Promise<void> {
    checkTexts('grant', grant, ['role', 'privilege'], ['collection', 'database'])
    await revokePrivilegeV2(this.#engine, grant)
  }

  /** What a role is granted, in order. Default database of the filter: every one. @throws MilvusError 65535 */
  async listGrants(filter: GrantFilter): Promise<GrantRecord[]> {
    checkTexts('filter', filter, ['role'], ['objectType', 'objectName', 'database'])
    return listGrants(this.#engine, { database: '*', ...filter })
  }

  /** Creates an empty privilege group. @throws MilvusError PrivilegeGroupInvalidName; 65535 when the name is taken */
  async createPrivilegeGroup(name: string): Promise<void> {
    checkName('name of the privilege group', name)
    await createPrivilegeGroup(this.#engine, name)
  }

  /** Drops a privilege group; an unknown one is a success. @throws MilvusError 65535 while a role is granted it */
  async dropPrivilegeGroup(name: string): Promise<void> {
    checkName('name of the privilege group', name)
    await dropPrivilegeGroup(this.#engine, name)
  }

  /** All privilege groups, built-in ones first. */
  async listPrivilegeGroups(): Promise<PrivilegeGroup[]> {
    return listPrivilegeGroups(this.#engine)
  }

  /** Adds privileges of one level to a group. @throws MilvusError 65535 for unknown names and mixed levels */
  async addPrivilegesToGroup(name: string, privileges: readonly string[]): Promise<void> {
    checkName('name of the privilege group', name)
    checkNames({ ...privileges })
    await addPrivilegesToGroup(this.#engine, name, privileges)
  }

  /** Removes privileges from a group. @throws MilvusError 65535 for unknown names */
  async removePrivilegesFromGroup(name: string, privileges: readonly string[]): Promise<void> {
    checkName('name of the privilege group', name)
    checkNames({ ...privileges })
    await removePrivilegesFromGroup(this.#engine, name, privileges)
  }
}
