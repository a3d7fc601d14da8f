/** REST endpoints about users, roles, privileges and privilege groups. Passwords are plain here, base64 in the calls. */
import { answered } from './answers.js'
import { type Body, NOTHING, type RestContext, type Route, route, textOf, textsOf } from './route.js'

const USER = { userName: 'string!' } as const
const ROLE = { roleName: 'string!' } as const

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}

/** A description, only when the body has one. */
function descriptionOf(body: Body): string | undefined {
  const value = body['description']
  return typeof value === 'string' ? value : undefined
}

/** Values of OperateUserRole and OperatePrivilege: 0 adds, 1 removes. */
const ADD = 0
const REMOVE = 1

async function userRole(body: Body, context: RestContext, type: number): Promise<typeof NOTHING> {
  const request = { username: textOf(body, 'userName'), role_name: textOf(body, 'roleName'), type }
  await context.calls.OperateUserRole(request, context)
  return NOTHING
}

const users: readonly Route[] = [
  route('users/list', {}, async (_body, context) => {
    const answer = await context.calls.ListCredUsers({}, context)
    return { data: answered(answer).usernames ?? [] }
  }),
  route('users/describe', USER, async (body, context) => {
    const answer = answered(
      await context.calls.SelectUser(
        { user: { name: textOf(body, 'userName') }, include_role_info: true },
        context,
      ),
    )
    const found = answer.results?.[0]
    return {
      data: (found?.roles ?? []).map(role => role.name ?? ''),
      extra: { description: found?.description ?? '' },
    }
  }),
  route('users/create', { ...USER, password: 'string!', description: 'string' }, async (body, context) => {
    await context.calls.CreateCredential(
      {
        username: textOf(body, 'userName'),
        password: base64(textOf(body, 'password')),
        description: descriptionOf(body),
      },
      context,
    )
    return NOTHING
  }),
  route(
    'users/update_password',
    { ...USER, password: 'string', newPassword: 'string', description: 'string' },
    async (body, context) => {
      await context.calls.UpdateCredential(
        {
          username: textOf(body, 'userName'),
          oldPassword: base64(textOf(body, 'password')),
          newPassword: base64(textOf(body, 'newPassword')),
          description: descriptionOf(body),
        },
        context,
      )
      return NOTHING
    },
  ),
  route('users/drop', USER, async (body, context) => {
    await context.calls.DeleteCredential({ username: textOf(body, 'userName') }, context)
    return NOTHING
  }),
  route('users/grant_role', { ...USER, ...ROLE }, (body, context) => userRole(body, context, ADD)),
  route('users/revoke_role', { ...USER, ...ROLE }, (body, context) => userRole(body, context, REMOVE)),
]

const PRIVILEGE = {
  ...ROLE,
  objectType: 'string!',
  objectName: 'string!',
  privilege: 'string!',
} as const

async function privilege(body: Body, context: RestContext, type: number): Promise<typeof NOTHING> {
  await context.calls.OperatePrivilege(
    {
      entity: {
        role: { name: textOf(body, 'roleName'), description: '' },
        object: { name: textOf(body, 'objectType') },
        object_name: textOf(body, 'objectName'),
        db_name: context.database,
        grantor: { user: undefined, privilege: { name: textOf(body, 'privilege') } },
      },
      type,
      version: '',
    },
    context,
  )
  return NOTHING
}

const PRIVILEGE_V2 = { ...ROLE, privilege: 'string!', collectionName: 'string' } as const

async function privilegeV2(body: Body, context: RestContext, type: number): Promise<typeof NOTHING> {
  await context.calls.OperatePrivilegeV2(
    {
      role: { name: textOf(body, 'roleName'), description: '' },
      grantor: { user: undefined, privilege: { name: textOf(body, 'privilege') } },
      type,
      db_name: textOf(body, 'dbName'),
      collection_name: textOf(body, 'collectionName'),
    },
    context,
  )
  return NOTHING
}

const roles: readonly Route[] = [
  route('roles/list', {}, async (_body, context) => {
    const answer = await context.calls.SelectRole({ role: undefined, include_user_info: false }, context)
    return { data: (answered(answer).results ?? []).map(result => result.role?.name ?? '') }
  }),
  route('roles/describe', ROLE, async (body, context) => {
    const role = { name: textOf(body, 'roleName'), description: '' }
    const found = answered(await context.calls.SelectRole({ role, include_user_info: false }, context))
    const answer = await context.calls.SelectGrant(
      { entity: { role, object: undefined, object_name: '', grantor: undefined, db_name: '' } },
      context,
    )
    const data = (answered(answer).entities ?? []).map(grant => ({
      objectType: grant.object?.name ?? '',
      objectName: grant.object_name ?? '',
      privilege: grant.grantor?.privilege?.name ?? '',
      dbName: grant.db_name ?? '',
      grantor: grant.grantor?.user?.name ?? '',
    }))
    return { data, extra: { description: found.results?.[0]?.role?.description ?? '' } }
  }),
  route('roles/create', { ...ROLE, description: 'string' }, async (body, context) => {
    await context.calls.CreateRole(
      { entity: { name: textOf(body, 'roleName'), description: textOf(body, 'description') } },
      context,
    )
    return NOTHING
  }),
  route('roles/alter', { ...ROLE, description: 'string' }, async (body, context) => {
    await context.calls.AlterRole(
      { role_name: textOf(body, 'roleName'), description: textOf(body, 'description') },
      context,
    )
    return NOTHING
  }),
  route('roles/drop', ROLE, async (body, context) => {
    await context.calls.DropRole({ role_name: textOf(body, 'roleName'), force_drop: false }, context)
    return NOTHING
  }),
  route('roles/grant_privilege', PRIVILEGE, (body, context) => privilege(body, context, ADD)),
  route('roles/revoke_privilege', PRIVILEGE, (body, context) => privilege(body, context, REMOVE)),
  route('roles/grant_privilege_v2', PRIVILEGE_V2, (body, context) => privilegeV2(body, context, ADD)),
  route('roles/revoke_privilege_v2', PRIVILEGE_V2, (body, context) => privilegeV2(body, context, REMOVE)),
]

const GROUP = { privilegeGroupName: 'string!' } as const

async function changeGroup(body: Body, context: RestContext, type: number): Promise<typeof NOTHING> {
  await context.calls.OperatePrivilegeGroup(
    {
      group_name: textOf(body, 'privilegeGroupName'),
      privileges: textsOf(body, 'privileges').map(name => ({ name })),
      type,
    },
    context,
  )
  return NOTHING
}

const CHANGE_GROUP = { ...GROUP, privileges: 'strings' } as const

const groups: readonly Route[] = [
  route('privilege_groups/list', {}, async (_body, context) => {
    const answer = await context.calls.ListPrivilegeGroups({}, context)
    const privilegeGroups = (answered(answer).privilege_groups ?? []).map(group => ({
      privilegeGroupName: group.group_name ?? '',
      privileges: (group.privileges ?? []).map(one => one.name ?? '').join(','),
    }))
    return { data: { privilegeGroups } }
  }),
  route('privilege_groups/create', GROUP, async (body, context) => {
    await context.calls.CreatePrivilegeGroup({ group_name: textOf(body, 'privilegeGroupName') }, context)
    return NOTHING
  }),
  route('privilege_groups/drop', GROUP, async (body, context) => {
    await context.calls.DropPrivilegeGroup({ group_name: textOf(body, 'privilegeGroupName') }, context)
    return NOTHING
  }),
  route('privilege_groups/add_privileges_to_group', CHANGE_GROUP, (body, context) =>
    changeGroup(body, context, ADD),
  ),
  route('privilege_groups/remove_privileges_from_group', CHANGE_GROUP, (body, context) =>
    changeGroup(body, context, REMOVE),
  ),
]

const analyzer: readonly Route[] = [
  route(
    'common/run_analyzer',
    {
      text: 'strings!',
      analyzerParams: 'string',
      withDetail: 'boolean',
      withHash: 'boolean',
      collectionName: 'string',
      fieldName: 'string',
      analyzerNames: 'strings',
    },
    async (body, context) => {
      const answer = await context.calls.RunAnalyzer(
        {
          analyzer_params: textOf(body, 'analyzerParams'),
          placeholder: textsOf(body, 'text').map(text => Buffer.from(text, 'utf8')),
          with_detail: body['withDetail'] === true,
          with_hash: body['withHash'] === true,
          db_name: context.database,
          collection_name: textOf(body, 'collectionName'),
          field_name: textOf(body, 'fieldName'),
          analyzer_names: textsOf(body, 'analyzerNames'),
        },
        context,
      )
      const results = (answered(answer).results ?? []).map(result => ({
        tokens: (result.tokens ?? []).map(token => ({
          token: token.token ?? '',
          startOffset: token.start_offset ?? 0,
          endOffset: token.end_offset ?? 0,
          position: token.position ?? 0,
          positionLength: token.position_length ?? 0,
          hash: token.hash ?? 0,
        })),
      }))
      return { data: { results } }
    },
  ),
]

export const accessRoutes: readonly Route[] = [...users, ...roles, ...groups, ...analyzer]
