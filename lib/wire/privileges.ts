/**
 * Which privilege each served method needs, and which fields of its request name the objects.
 *
 * Facts of the protocol: its descriptors carry an option on every request message, and a test holds this table against
 * them. A method that is not listed needs a login and nothing else.
 *
 * In one place it goes further than Milvus: where Milvus asks for a global privilege although the request names a
 * collection (describe, drop, aliases), a grant on that collection is enough.
 */
import type { MethodName } from './descriptors.js'

export interface Need {
  readonly privilege: string
  /** Field that holds a name of a collection or alias, or a list of them. */
  readonly names?: string
  /** A request that names nothing is allowed to who has the privilege on anything in the database. */
  readonly anywhere?: boolean
  /** Field that holds the name of a user: a text, or a UserEntity. */
  readonly user?: string
}

const one = (privilege: string): Need => ({ privilege, names: 'collection_name' })
const none = (privilege: string): Need => ({ privilege })

export const NEEDS: { readonly [N in MethodName]?: Need } = {
  CreateCollection: one('CreateCollection'),
  DropCollection: one('DropCollection'),
  DescribeCollection: one('DescribeCollection'),
  BatchDescribeCollection: one('DescribeCollection'),
  RenameCollection: { privilege: 'RenameCollection', names: 'oldName' },
  TruncateCollection: one('DropCollection'),
  GetCollectionStatistics: one('GetStatistics'),
  AlterCollection: one('CreateCollection'),
  AlterCollectionField: one('CreateCollection'),
  AlterCollectionSchema: one('AlterCollectionSchema'),
  AddCollectionField: one('AddCollectionField'),
  AddCollectionStructField: one('AddCollectionField'),
  AddCollectionFunction: one('CreateCollection'),
  AlterCollectionFunction: one('CreateCollection'),
  DropCollectionFunction: one('CreateCollection'),

  CreatePartition: one('CreatePartition'),
  DropPartition: one('DropPartition'),
  HasPartition: one('HasPartition'),
  ShowPartitions: one('ShowPartitions'),
  LoadCollection: one('Load'),
  ReleaseCollection: one('Release'),
  LoadPartitions: one('Load'),
  ReleasePartitions: one('Release'),
  GetLoadingProgress: one('GetLoadState'),
  GetLoadState: one('GetLoadState'),

  CreateIndex: one('CreateIndex'),
  AlterIndex: one('CreateIndex'),
  DescribeIndex: one('IndexDetail'),
  GetIndexStatistics: one('IndexDetail'),
  GetIndexState: one('IndexDetail'),
  GetIndexBuildProgress: one('IndexDetail'),
  DropIndex: one('DropIndex'),

  Insert: one('Insert'),
  Upsert: one('Upsert'),
  Delete: one('Delete'),
  Search: one('Search'),
  HybridSearch: one('Search'),
  Query: one('Query'),
  Flush: { privilege: 'Flush', names: 'collection_names' },
  // Some clients name only segments here; the answer tells nothing but that they are flushed.
  GetFlushState: { ...one('GetFlushState'), anywhere: true },
  FlushAll: none('FlushAll'),
  ManualCompaction: one('Compaction'),

  CreateAlias: one('CreateAlias'),
  AlterAlias: one('CreateAlias'),
  DropAlias: { privilege: 'DropAlias', names: 'alias' },
  DescribeAlias: { privilege: 'DescribeAlias', names: 'alias' },
  ListAliases: one('ListAliases'),
  CreateDatabase: none('CreateDatabase'),
  DropDatabase: none('DropDatabase'),
  AlterDatabase: none('AlterDatabase'),
  DescribeDatabase: none('DescribeDatabase'),
  ListResourceGroups: none('ListResourceGroups'),

  CreateCredential: none('CreateOwnership'),
  UpdateCredential: { privilege: 'UpdateUser', user: 'username' },
  DeleteCredential: none('DropOwnership'),
  ListCredUsers: none('SelectOwnership'),
  CreateRole: none('CreateOwnership'),
  AlterRole: none('CreateOwnership'),
  DropRole: none('DropOwnership'),
  OperateUserRole: none('ManageOwnership'),
  SelectRole: none('SelectOwnership'),
  SelectUser: { privilege: 'SelectUser', user: 'user' },
  OperatePrivilege: none('ManageOwnership'),
  OperatePrivilegeV2: none('ManageOwnership'),
  SelectGrant: none('SelectOwnership'),
  CreatePrivilegeGroup: none('CreatePrivilegeGroup'),
  DropPrivilegeGroup: none('DropPrivilegeGroup'),
  ListPrivilegeGroups: none('ListPrivilegeGroups'),
  OperatePrivilegeGroup: none('OperatePrivilegeGroup'),
}
