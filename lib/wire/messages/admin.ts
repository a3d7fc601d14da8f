/** Requests and responses about the server, databases, aliases, indexes, users and roles (milvus.proto.milvus). */
import { bool, count, int32, many, message, optional, sub, text, uint64 } from '../message.js'
import { ClientInfo, KeyValuePair, ServerInfo, Status } from './common.js'

const status = { status: sub(1, Status) } as const
const empty = {} as const

export const ConnectRequest = message('ConnectRequest', { client_info: sub(2, ClientInfo) })
export const ConnectResponse = message('ConnectResponse', {
  ...status,
  server_info: sub(2, ServerInfo),
  identifier: count(3),
})
export const GetVersionRequest = message('GetVersionRequest', empty)
export const GetVersionResponse = message('GetVersionResponse', { ...status, version: text(2) })
export const CheckHealthRequest = message('CheckHealthRequest', empty)
export const CheckHealthResponse = message('CheckHealthResponse', {
  ...status,
  isHealthy: bool(2),
  reasons: many(text(3)),
  quota_states: many(int32(4)),
})
export const AllocTimestampRequest = message('AllocTimestampRequest', empty)
export const AllocTimestampResponse = message('AllocTimestampResponse', { ...status, timestamp: uint64(2) })
export const GetMetricsRequest = message('GetMetricsRequest', { request: text(2) })
export const GetMetricsResponse = message('GetMetricsResponse', {
  ...status,
  response: text(2),
  component_name: text(3),
})
export const ListResourceGroupsRequest = message('ListResourceGroupsRequest', empty)
export const ListResourceGroupsResponse = message('ListResourceGroupsResponse', {
  ...status,
  resource_groups: many(text(2)),
})

export const CreateDatabaseRequest = message('CreateDatabaseRequest', {
  db_name: text(2),
  properties: many(sub(3, KeyValuePair)),
})
export const DropDatabaseRequest = message('DropDatabaseRequest', { db_name: text(2) })
export const ListDatabasesRequest = message('ListDatabasesRequest', empty)
export const ListDatabasesResponse = message('ListDatabasesResponse', {
  ...status,
  db_names: many(text(2)),
  created_timestamp: many(uint64(3)),
  db_ids: many(count(4)),
})
export const AlterDatabaseRequest = message('AlterDatabaseRequest', {
  db_name: text(2),
  db_id: text(3),
  properties: many(sub(4, KeyValuePair)),
  delete_keys: many(text(5)),
})
export const DescribeDatabaseRequest = message('DescribeDatabaseRequest', { db_name: text(2) })
export const DescribeDatabaseResponse = message('DescribeDatabaseResponse', {
  ...status,
  db_name: text(2),
  dbID: count(3),
  created_timestamp: uint64(4),
  properties: many(sub(5, KeyValuePair)),
})

const alias = { db_name: text(2), collection_name: text(3), alias: text(4) } as const
export const CreateAliasRequest = message('CreateAliasRequest', alias)
export const AlterAliasRequest = message('AlterAliasRequest', alias)
export const DropAliasRequest = message('DropAliasRequest', { db_name: text(2), alias: text(3) })
export const DescribeAliasRequest = message('DescribeAliasRequest', { db_name: text(2), alias: text(3) })
export const DescribeAliasResponse = message('DescribeAliasResponse', {
  ...status,
  db_name: text(2),
  alias: text(3),
  collection: text(4),
})
export const ListAliasesRequest = message('ListAliasesRequest', {
  db_name: text(2),
  collection_name: text(3),
})
export const ListAliasesResponse = message('ListAliasesResponse', {
  ...status,
  db_name: text(2),
  collection_name: text(3),
  aliases: many(text(4)),
})

const index = {
  db_name: text(2),
  collection_name: text(3),
  field_name: text(4),
  index_name: text(5),
} as const
export const CreateIndexRequest = message('CreateIndexRequest', {
  db_name: text(2),
  collection_name: text(3),
  field_name: text(4),
  extra_params: many(sub(5, KeyValuePair)),
  index_name: text(6),
})
export const AlterIndexRequest = message('AlterIndexRequest', {
  db_name: text(2),
  collection_name: text(3),
  index_name: text(4),
  extra_params: many(sub(5, KeyValuePair)),
  delete_keys: many(text(6)),
})
export const DescribeIndexRequest = message('DescribeIndexRequest', { ...index, timestamp: uint64(6) })
export const IndexDescription = message('IndexDescription', {
  index_name: text(1),
  indexID: count(2),
  params: many(sub(3, KeyValuePair)),
  field_name: text(4),
  indexed_rows: count(5),
  total_rows: count(6),
  state: int32(7),
  index_state_fail_reason: text(8),
  pending_index_rows: count(9),
  min_index_version: int32(10),
  max_index_version: int32(11),
})
export const DescribeIndexResponse = message('DescribeIndexResponse', {
  ...status,
  index_descriptions: many(sub(2, IndexDescription)),
})
export const GetIndexStatisticsRequest = message('GetIndexStatisticsRequest', {
  db_name: text(2),
  collection_name: text(3),
  index_name: text(4),
})
export const GetIndexStatisticsResponse = message('GetIndexStatisticsResponse', {
  ...status,
  index_descriptions: many(sub(2, IndexDescription)),
})
export const GetIndexStateRequest = message('GetIndexStateRequest', index)
export const GetIndexStateResponse = message('GetIndexStateResponse', {
  ...status,
  state: int32(2),
  fail_reason: text(3),
})
export const GetIndexBuildProgressRequest = message('GetIndexBuildProgressRequest', index)
export const GetIndexBuildProgressResponse = message('GetIndexBuildProgressResponse', {
  ...status,
  indexed_rows: count(2),
  total_rows: count(3),
})
export const DropIndexRequest = message('DropIndexRequest', index)

export const CreateCredentialRequest = message('CreateCredentialRequest', {
  username: text(2),
  password: text(3),
  description: optional(text(6)),
})
export const UpdateCredentialRequest = message('UpdateCredentialRequest', {
  username: text(2),
  oldPassword: text(3),
  newPassword: text(4),
  description: optional(text(7)),
})
export const DeleteCredentialRequest = message('DeleteCredentialRequest', { username: text(2) })
export const ListCredUsersRequest = message('ListCredUsersRequest', empty)
export const ListCredUsersResponse = message('ListCredUsersResponse', { ...status, usernames: many(text(2)) })

const RoleEntity = message('RoleEntity', { name: text(1), description: text(2) })
const UserEntity = message('UserEntity', { name: text(1) })
const ObjectEntity = message('ObjectEntity', { name: text(1) })
const PrivilegeEntity = message('PrivilegeEntity', { name: text(1) })
const GrantorEntity = message('GrantorEntity', {
  user: sub(1, UserEntity),
  privilege: sub(2, PrivilegeEntity),
})
const GrantEntity = message('GrantEntity', {
  role: sub(1, RoleEntity),
  object: sub(2, ObjectEntity),
  object_name: text(3),
  grantor: sub(4, GrantorEntity),
  db_name: text(5),
})

export const CreateRoleRequest = message('CreateRoleRequest', { entity: sub(2, RoleEntity) })
export const AlterRoleRequest = message('AlterRoleRequest', { role_name: text(2), description: text(3) })
export const DropRoleRequest = message('DropRoleRequest', { role_name: text(2), force_drop: bool(3) })
export const OperateUserRoleRequest = message('OperateUserRoleRequest', {
  username: text(2),
  role_name: text(3),
  type: int32(4),
})
export const SelectRoleRequest = message('SelectRoleRequest', {
  role: sub(2, RoleEntity),
  include_user_info: bool(3),
})
const RoleResult = message('RoleResult', { role: sub(1, RoleEntity), users: many(sub(2, UserEntity)) })
export const SelectRoleResponse = message('SelectRoleResponse', {
  ...status,
  results: many(sub(2, RoleResult)),
})
export const SelectUserRequest = message('SelectUserRequest', {
  user: sub(2, UserEntity),
  include_role_info: bool(3),
})
const UserResult = message('UserResult', {
  user: sub(1, UserEntity),
  roles: many(sub(2, RoleEntity)),
  description: text(3),
})
export const SelectUserResponse = message('SelectUserResponse', {
  ...status,
  results: many(sub(2, UserResult)),
})
export const OperatePrivilegeRequest = message('OperatePrivilegeRequest', {
  entity: sub(2, GrantEntity),
  type: int32(3),
  version: text(4),
})
export const OperatePrivilegeV2Request = message('OperatePrivilegeV2Request', {
  role: sub(2, RoleEntity),
  grantor: sub(3, GrantorEntity),
  type: int32(4),
  db_name: text(5),
  collection_name: text(6),
})
export const SelectGrantRequest = message('SelectGrantRequest', { entity: sub(2, GrantEntity) })
export const SelectGrantResponse = message('SelectGrantResponse', {
  ...status,
  entities: many(sub(2, GrantEntity)),
})

const PrivilegeGroupInfo = message('PrivilegeGroupInfo', {
  group_name: text(1),
  privileges: many(sub(2, PrivilegeEntity)),
})
export const CreatePrivilegeGroupRequest = message('CreatePrivilegeGroupRequest', { group_name: text(2) })
export const DropPrivilegeGroupRequest = message('DropPrivilegeGroupRequest', { group_name: text(2) })
export const ListPrivilegeGroupsRequest = message('ListPrivilegeGroupsRequest', empty)
export const ListPrivilegeGroupsResponse = message('ListPrivilegeGroupsResponse', {
  ...status,
  privilege_groups: many(sub(2, PrivilegeGroupInfo)),
})
export const OperatePrivilegeGroupRequest = message('OperatePrivilegeGroupRequest', {
  group_name: text(2),
  privileges: many(sub(3, PrivilegeEntity)),
  type: int32(4),
})
