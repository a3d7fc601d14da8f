/**
 * The gRPC services we speak: which methods exist, and which tables read and write their messages.
 *
 * A method of `METHODS` is served; one of `REFUSED` is known to Milvus but has no meaning in one process and answers
 * gRPC UNIMPLEMENTED with the reason (clients have fallbacks for that code; a made-up success would be worse).
 * The tables need no generated code and no descriptor files, so nothing is loaded until a server starts and an embedded
 * user pays nothing. A test holds them against the descriptors that ship with Milvus's Node SDK.
 */
import type { Message } from './message.js'
import { int32, message, text } from './message.js'
import * as admin from './messages/admin.js'
import * as collections from './messages/collections.js'
import { Status } from './messages/common.js'
import * as rows from './messages/entities.js'

export const MILVUS_SERVICE = 'milvus.proto.milvus.MilvusService'
export const HEALTH_SERVICE = 'grpc.health.v1.Health'

const rpc = <Q, R>(
  request: Message<Q>,
  response: Message<R>,
): { request: Message<Q>; response: Message<R> } => ({
  request,
  response,
})

/** Served methods of MilvusService. */
export const METHODS = {
  Connect: rpc(admin.ConnectRequest, admin.ConnectResponse),
  GetVersion: rpc(admin.GetVersionRequest, admin.GetVersionResponse),
  CheckHealth: rpc(admin.CheckHealthRequest, admin.CheckHealthResponse),
  AllocTimestamp: rpc(admin.AllocTimestampRequest, admin.AllocTimestampResponse),
  GetMetrics: rpc(admin.GetMetricsRequest, admin.GetMetricsResponse),
  ListResourceGroups: rpc(admin.ListResourceGroupsRequest, admin.ListResourceGroupsResponse),

  CreateCollection: rpc(collections.CreateCollectionRequest, Status),
  DropCollection: rpc(collections.DropCollectionRequest, Status),
  HasCollection: rpc(collections.HasCollectionRequest, collections.BoolResponse),
  DescribeCollection: rpc(collections.DescribeCollectionRequest, collections.DescribeCollectionResponse),
  BatchDescribeCollection: rpc(
    collections.BatchDescribeCollectionRequest,
    collections.BatchDescribeCollectionResponse,
  ),
  ShowCollections: rpc(collections.ShowCollectionsRequest, collections.ShowCollectionsResponse),
  RenameCollection: rpc(collections.RenameCollectionRequest, Status),
  TruncateCollection: rpc(collections.TruncateCollectionRequest, collections.TruncateCollectionResponse),
  GetCollectionStatistics: rpc(
    collections.GetCollectionStatisticsRequest,
    collections.GetCollectionStatisticsResponse,
  ),
  AlterCollection: rpc(collections.AlterCollectionRequest, Status),
  AlterCollectionField: rpc(collections.AlterCollectionFieldRequest, Status),
  AlterCollectionSchema: rpc(
    collections.AlterCollectionSchemaRequest,
    collections.AlterCollectionSchemaResponse,
  ),
  AddCollectionField: rpc(collections.AddCollectionFieldRequest, Status),
  AddCollectionStructField: rpc(collections.AddCollectionStructFieldRequest, Status),
  AddCollectionFunction: rpc(collections.AddCollectionFunctionRequest, Status),
  AlterCollectionFunction: rpc(collections.AlterCollectionFunctionRequest, Status),
  DropCollectionFunction: rpc(collections.DropCollectionFunctionRequest, Status),

  CreatePartition: rpc(collections.CreatePartitionRequest, Status),
  DropPartition: rpc(collections.DropPartitionRequest, Status),
  HasPartition: rpc(collections.HasPartitionRequest, collections.BoolResponse),
  ShowPartitions: rpc(collections.ShowPartitionsRequest, collections.ShowPartitionsResponse),
  GetPartitionStatistics: rpc(
    collections.GetPartitionStatisticsRequest,
    collections.GetPartitionStatisticsResponse,
  ),
  LoadCollection: rpc(collections.LoadCollectionRequest, Status),
  ReleaseCollection: rpc(collections.ReleaseCollectionRequest, Status),
  LoadPartitions: rpc(collections.LoadPartitionsRequest, Status),
  ReleasePartitions: rpc(collections.ReleasePartitionsRequest, Status),
  GetLoadingProgress: rpc(collections.GetLoadingProgressRequest, collections.GetLoadingProgressResponse),
  GetLoadState: rpc(collections.GetLoadStateRequest, collections.GetLoadStateResponse),
  GetReplicas: rpc(collections.GetReplicasRequest, collections.GetReplicasResponse),

  CreateIndex: rpc(admin.CreateIndexRequest, Status),
  AlterIndex: rpc(admin.AlterIndexRequest, Status),
  DescribeIndex: rpc(admin.DescribeIndexRequest, admin.DescribeIndexResponse),
  GetIndexStatistics: rpc(admin.GetIndexStatisticsRequest, admin.GetIndexStatisticsResponse),
  GetIndexState: rpc(admin.GetIndexStateRequest, admin.GetIndexStateResponse),
  GetIndexBuildProgress: rpc(admin.GetIndexBuildProgressRequest, admin.GetIndexBuildProgressResponse),
  DropIndex: rpc(admin.DropIndexRequest, Status),

  Insert: rpc(rows.InsertRequest, rows.MutationResult),
  Upsert: rpc(rows.UpsertRequest, rows.MutationResult),
  Delete: rpc(rows.DeleteRequest, rows.MutationResult),
  Search: rpc(rows.SearchRequest, rows.SearchResults),
  HybridSearch: rpc(rows.HybridSearchRequest, rows.SearchResults),
  Query: rpc(rows.QueryRequest, rows.QueryResults),
  RunAnalyzer: rpc(rows.RunAnalyzerRequest, rows.RunAnalyzerResponse),
  Flush: rpc(rows.FlushRequest, rows.FlushResponse),
  GetFlushState: rpc(rows.GetFlushStateRequest, rows.GetFlushStateResponse),
  FlushAll: rpc(rows.FlushAllRequest, rows.FlushAllResponse),
  GetFlushAllState: rpc(rows.GetFlushAllStateRequest, rows.GetFlushAllStateResponse),
  ManualCompaction: rpc(rows.ManualCompactionRequest, rows.ManualCompactionResponse),
  GetCompactionState: rpc(rows.GetCompactionStateRequest, rows.GetCompactionStateResponse),
  GetCompactionStateWithPlans: rpc(rows.GetCompactionPlansRequest, rows.GetCompactionPlansResponse),
  GetPersistentSegmentInfo: rpc(rows.GetPersistentSegmentInfoRequest, rows.GetPersistentSegmentInfoResponse),
  GetQuerySegmentInfo: rpc(rows.GetQuerySegmentInfoRequest, rows.GetQuerySegmentInfoResponse),

  CreateAlias: rpc(admin.CreateAliasRequest, Status),
  AlterAlias: rpc(admin.AlterAliasRequest, Status),
  DropAlias: rpc(admin.DropAliasRequest, Status),
  DescribeAlias: rpc(admin.DescribeAliasRequest, admin.DescribeAliasResponse),
  ListAliases: rpc(admin.ListAliasesRequest, admin.ListAliasesResponse),
  CreateDatabase: rpc(admin.CreateDatabaseRequest, Status),
  DropDatabase: rpc(admin.DropDatabaseRequest, Status),
  ListDatabases: rpc(admin.ListDatabasesRequest, admin.ListDatabasesResponse),
  AlterDatabase: rpc(admin.AlterDatabaseRequest, Status),
  DescribeDatabase: rpc(admin.DescribeDatabaseRequest, admin.DescribeDatabaseResponse),

  CreateCredential: rpc(admin.CreateCredentialRequest, Status),
  UpdateCredential: rpc(admin.UpdateCredentialRequest, Status),
  DeleteCredential: rpc(admin.DeleteCredentialRequest, Status),
  ListCredUsers: rpc(admin.ListCredUsersRequest, admin.ListCredUsersResponse),
  CreateRole: rpc(admin.CreateRoleRequest, Status),
  AlterRole: rpc(admin.AlterRoleRequest, Status),
  DropRole: rpc(admin.DropRoleRequest, Status),
  OperateUserRole: rpc(admin.OperateUserRoleRequest, Status),
  SelectRole: rpc(admin.SelectRoleRequest, admin.SelectRoleResponse),
  SelectUser: rpc(admin.SelectUserRequest, admin.SelectUserResponse),
  OperatePrivilege: rpc(admin.OperatePrivilegeRequest, Status),
  OperatePrivilegeV2: rpc(admin.OperatePrivilegeV2Request, Status),
  SelectGrant: rpc(admin.SelectGrantRequest, admin.SelectGrantResponse),
  CreatePrivilegeGroup: rpc(admin.CreatePrivilegeGroupRequest, Status),
  DropPrivilegeGroup: rpc(admin.DropPrivilegeGroupRequest, Status),
  ListPrivilegeGroups: rpc(admin.ListPrivilegeGroupsRequest, admin.ListPrivilegeGroupsResponse),
  OperatePrivilegeGroup: rpc(admin.OperatePrivilegeGroupRequest, Status),
} as const

export type MethodName = keyof typeof METHODS

const CLUSTER = 'there is one node: nothing to distribute'
const OBJECT_STORAGE = 'there is no object storage to read from or write to'
const REPLICATION = 'there is no change stream to another cluster'
const LEGACY = 'no current client needs it'
const NOT_BUILT = 'not built'

/** Methods that Milvus has and we refuse, with the reason clients are shown. */
export const REFUSED: Readonly<Record<string, string>> = {
  CreateResourceGroup: CLUSTER,
  DropResourceGroup: CLUSTER,
  UpdateResourceGroups: CLUSTER,
  DescribeResourceGroup: CLUSTER,
  TransferNode: CLUSTER,
  TransferReplica: CLUSTER,
  LoadBalance: CLUSTER,
  Import: OBJECT_STORAGE,
  GetImportState: OBJECT_STORAGE,
  ListImportTasks: OBJECT_STORAGE,
  CreateSnapshot: OBJECT_STORAGE,
  DropSnapshot: OBJECT_STORAGE,
  ListSnapshots: OBJECT_STORAGE,
  DescribeSnapshot: OBJECT_STORAGE,
  RestoreSnapshot: OBJECT_STORAGE,
  GetRestoreSnapshotState: OBJECT_STORAGE,
  ListRestoreSnapshotJobs: OBJECT_STORAGE,
  PinSnapshotData: OBJECT_STORAGE,
  UnpinSnapshotData: OBJECT_STORAGE,
  RestoreExternalSnapshot: OBJECT_STORAGE,
  ExportSnapshot: OBJECT_STORAGE,
  GetExportSnapshotState: OBJECT_STORAGE,
  RefreshExternalCollection: OBJECT_STORAGE,
  GetRefreshExternalCollectionProgress: OBJECT_STORAGE,
  ListRefreshExternalCollectionJobs: OBJECT_STORAGE,
  AddFileResource: OBJECT_STORAGE,
  RemoveFileResource: OBJECT_STORAGE,
  ListFileResources: OBJECT_STORAGE,
  BatchUpdateManifest: OBJECT_STORAGE,
  UpdateReplicateConfiguration: REPLICATION,
  GetReplicateConfiguration: REPLICATION,
  GetReplicateInfo: REPLICATION,
  ReplicateMessage: REPLICATION,
  CreateReplicateStream: REPLICATION,
  DumpMessages: REPLICATION,
  GetComponentStates: LEGACY,
  Dummy: LEGACY,
  RegisterLink: LEGACY,
  CalcDistance: LEGACY,
  ListIndexedSegment: LEGACY,
  DescribeSegmentIndexData: LEGACY,
  Prewarm: LEGACY,
  DescribePrewarmTask: LEGACY,
  BackupRBAC: NOT_BUILT,
  RestoreRBAC: NOT_BUILT,
  CreateNamespace: NOT_BUILT,
  DescribeNamespace: NOT_BUILT,
  ListNamespaces: NOT_BUILT,
  DropNamespace: NOT_BUILT,
  HasNamespace: NOT_BUILT,
  GetNamespaceStats: NOT_BUILT,
  AddUserTags: NOT_BUILT,
  DeleteUserTags: NOT_BUILT,
  GetUserTags: NOT_BUILT,
  ListUsersWithTag: NOT_BUILT,
  CreateRowPolicy: NOT_BUILT,
  DropRowPolicy: NOT_BUILT,
  ListRowPolicies: NOT_BUILT,
  ComputePhraseMatchSlop: NOT_BUILT,
}

/** grpc.health.v1: the two messages of its protocol. */
export const HealthCheckRequest = message('grpc.health.v1.HealthCheckRequest', { service: text(1) })
export const HealthCheckResponse = message('grpc.health.v1.HealthCheckResponse', { status: int32(1) })
export const ServingStatus = { unknown: 0, serving: 1, notServing: 2, serviceUnknown: 3 } as const
