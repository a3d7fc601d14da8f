/**
 * Calls about users, roles and privileges: refused, each by name.
 *
 * Who may connect is decided when the server starts; the engine keeps no users. A made-up success would let somebody
 * believe that a privilege is enforced.
 */
import type { Calls } from '../calls.js'
import { notSupported } from '../status.js'

const ACCESS_METHODS = [
  'CreateCredential',
  'UpdateCredential',
  'DeleteCredential',
  'ListCredUsers',
  'CreateRole',
  'AlterRole',
  'DropRole',
  'OperateUserRole',
  'SelectRole',
  'SelectUser',
  'OperatePrivilege',
  'OperatePrivilegeV2',
  'SelectGrant',
  'CreatePrivilegeGroup',
  'DropPrivilegeGroup',
  'ListPrivilegeGroups',
  'OperatePrivilegeGroup',
] as const

type AccessCalls = Pick<Calls, (typeof ACCESS_METHODS)[number]>

export function accessCalls(): AccessCalls {
  const refuse = (name: string) => async (): Promise<never> => {
    throw notSupported(`${name}: users, roles and privileges; credentials are given when the server starts`)
  }
  return Object.fromEntries(ACCESS_METHODS.map(name => [name, refuse(name)])) as unknown as AccessCalls
}
