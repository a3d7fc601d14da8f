/**
 * Calls about users, roles, privileges and privilege groups.
 *
 * They work with authentication on and off: users and roles are kept in the database either way, and are enforced by
 * the guard (guard.ts) before a call gets here. Passwords travel as base64 text.
 */
import { invalid } from '../../base/errors.js'
import {
  addPrivilegesToGroup,
  createPrivilegeGroup,
  dropPrivilegeGroup,
  listPrivilegeGroups,
  removePrivilegesFromGroup,
} from '../../engine/access-groups.js'
import { ROOT } from '../../engine/access-records.js'
import {
  alterRole,
  createRole,
  describeRoles,
  dropRole,
  grantPrivilege,
  grantPrivilegeV2,
  grantRole,
  listGrants,
  revokePrivilege,
  revokePrivilegeV2,
  revokeRole,
} from '../../engine/access-roles.js'
import { createUser, describeUsers, dropUser, updateUser } from '../../engine/access-users.js'
import type { Engine } from '../../engine/engine.js'
import { type CallContext, type Calls, databaseOf, type Request } from '../calls.js'
import { given } from './lookup.js'

type UserCalls = Pick<
  Calls,
  'CreateCredential' | 'UpdateCredential' | 'DeleteCredential' | 'ListCredUsers' | 'SelectUser'
>
type RoleCalls = Pick<Calls, 'CreateRole' | 'AlterRole' | 'DropRole' | 'OperateUserRole' | 'SelectRole'>
type GrantCalls = Pick<Calls, 'OperatePrivilege' | 'OperatePrivilegeV2' | 'SelectGrant'>
type GroupCalls = Pick<
  Calls,
  'CreatePrivilegeGroup' | 'DropPrivilegeGroup' | 'ListPrivilegeGroups' | 'OperatePrivilegeGroup'
>

export function accessCalls(engine: Engine): UserCalls & RoleCalls & GrantCalls & GroupCalls {
  return { ...userCalls(engine), ...roleCalls(engine), ...grantCalls(engine), ...groupCalls(engine) }
}

/** A password as it travels. @throws MilvusError ParameterInvalid; the text never shows it */
function password(text: string, username: string): string {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
    throw invalid(`decode password fail key: ${username}`)
  }
  return Buffer.from(text, 'base64').toString('utf8')
}

/** Operations of the protocol: 0 adds, 1 removes. @throws MilvusError ParameterInvalid */
function adds(type: number): boolean {
  if (type === 0 || type === 1) return type === 0
  throw invalid(`operate type: expected 0 (add) or 1 (remove), got ${type}`)
}

function userCalls(engine: Engine): UserCalls {
  return {
    CreateCredential: async ({ username, password: text, description }) => {
      await createUser(engine, { username, password: password(text, username), description })
      return {}
    },
    UpdateCredential: async ({ username, oldPassword, newPassword, description }) => {
      // Without a new password this changes the description alone, and needs no old one.
      const change =
        newPassword === '' && description !== undefined
          ? {}
          : { oldPassword: password(oldPassword, username), newPassword: password(newPassword, username) }
      await updateUser(engine, { username, description, ...change })
      return {}
    },
    DeleteCredential: async ({ username }) => {
      await dropUser(engine, username)
      return {}
    },
    ListCredUsers: async () => ({ usernames: describeUsers(engine).map(user => user.name) }),
    SelectUser: async ({ user, include_role_info: withRoles }) => ({
      results: describeUsers(engine, given(user?.name ?? '')).map(found => ({
        user: { name: found.name },
        roles: withRoles ? found.roles.map(name => ({ name })) : [],
        description: found.description,
      })),
    }),
  }
}

function roleCalls(engine: Engine): RoleCalls {
  return {
    CreateRole: async ({ entity }) => {
      await createRole(engine, entity?.name ?? '', entity?.description)
      return {}
    },
    AlterRole: async ({ role_name: name, description }) => {
      await alterRole(engine, name, description)
      return {}
    },
    DropRole: async ({ role_name: name, force_drop: force }) => {
      await dropRole(engine, name, { force })
      return {}
    },
    OperateUserRole: async ({ username, role_name: role, type }) => {
      await (adds(type) ? grantRole : revokeRole)(engine, username, role)
      return {}
    },
    SelectRole: async ({ role, include_user_info: withUsers }) => ({
      results: describeRoles(engine, given(role?.name ?? '')).map(found => ({
        role: { name: found.name, description: found.description },
        users: withUsers ? found.users.map(name => ({ name })) : [],
      })),
    }),
  }
}

function grantCalls(engine: Engine): GrantCalls {
  return {
    OperatePrivilege: async ({ entity, type }, context) => {
      if (entity === undefined) throw invalid('the entity in the request is nil')
      const grant = {
        role: entity.role?.name ?? '',
        objectType: entity.object?.name ?? '',
        objectName: entity.object_name,
        privilege: entity.grantor?.privilege?.name ?? '',
        database: databaseOf(entity.db_name, context),
      }
      if (adds(type)) await grantPrivilege(engine, grant, grantor(context))
      else await revokePrivilege(engine, grant)
      return {}
    },
    OperatePrivilegeV2: async (request, context) => {
      const grant = scopedGrant(request)
      if (adds(request.type)) await grantPrivilegeV2(engine, grant, grantor(context))
      else await revokePrivilegeV2(engine, grant)
      return {}
    },
    SelectGrant: async ({ entity }, context) => {
      if (entity === undefined) throw invalid('the grant entity in the request is nil')
      const role = entity.role?.name ?? ''
      if (role === '') throw invalid('the role entity in the grant entity is nil')
      const found = listGrants(engine, {
        role,
        objectType: entity.object?.name,
        objectName: entity.object_name,
        database: databaseOf(entity.db_name, context),
      })
      return {
        entities: found.map(grant => ({
          role: { name: role },
          object: { name: grant.objectType },
          object_name: grant.objectName,
          grantor: { user: { name: grant.grantor }, privilege: { name: grant.privilege } },
          db_name: grant.database,
        })),
      }
    },
  }
}

function scopedGrant(request: Request<'OperatePrivilegeV2'>) {
  return {
    role: request.role?.name ?? '',
    privilege: request.grantor?.privilege?.name ?? '',
    collection: given(request.collection_name),
    database: given(request.db_name),
  }
}

/** Who grants: the caller, and root where nobody logs in. */
function grantor(context: CallContext): string {
  return context.user === '' ? ROOT : context.user
}

function groupCalls(engine: Engine): GroupCalls {
  return {
    CreatePrivilegeGroup: async ({ group_name: name }) => {
      await createPrivilegeGroup(engine, name)
      return {}
    },
    DropPrivilegeGroup: async ({ group_name: name }) => {
      await dropPrivilegeGroup(engine, name)
      return {}
    },
    ListPrivilegeGroups: async () => ({
      privilege_groups: listPrivilegeGroups(engine).map(group => ({
        group_name: group.name,
        privileges: group.privileges.map(name => ({ name })),
      })),
    }),
    OperatePrivilegeGroup: async ({ group_name: name, privileges, type }) => {
      const change = adds(type) ? addPrivilegesToGroup : removePrivilegesFromGroup
      await change(
        engine,
        name,
        privileges.map(privilege => privilege.name),
      )
      return {}
    },
  }
}
