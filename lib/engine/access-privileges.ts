/**
 * The privileges there are: names, object types, levels and built-in groups. Facts of Milvus, no behaviour.
 *
 * Names are written as users write them (`Insert`); the protocol's enum puts `Privilege` before each. A privilege
 * belongs to one object type (what a grant of version 1 must say) and to one level (how far a grant of version 2 may
 * be narrowed). `*` stands for all. Members of the built-in groups grow from read-only to read-write to admin.
 */

export const OBJECT_TYPES = ['Collection', 'Global', 'User'] as const
export type ObjectType = (typeof OBJECT_TYPES)[number]
export type PrivilegeLevel = 'Cluster' | 'Database' | 'Collection'

/** Any name, any object, every privilege. */
export const ANY = '*'

const COLLECTION_TYPE = [
  'Load',
  'Release',
  'Compaction',
  'Insert',
  'Delete',
  'Upsert',
  'GetStatistics',
  'CreateIndex',
  'IndexDetail',
  'DropIndex',
  'Search',
  'Flush',
  'Query',
  'LoadBalance',
  'Import',
  'GetLoadingProgress',
  'GetLoadState',
  'CreatePartition',
  'DropPartition',
  'ShowPartitions',
  'HasPartition',
  'GetFlushState',
  'GetImportProgress',
  'ListImport',
  'AddCollectionField',
  'AlterCollectionSchema',
  'CreateSnapshot',
  'DropSnapshot',
  'DescribeSnapshot',
  'ListSnapshots',
  'RestoreSnapshot',
  'RefreshExternalCollection',
] as const

const GLOBAL_TYPE = [
  'CreateCollection',
  'DropCollection',
  'DescribeCollection',
  'ShowCollections',
  'RenameCollection',
  'CreateOwnership',
  'DropOwnership',
  'SelectOwnership',
  'ManageOwnership',
  'BackupRBAC',
  'RestoreRBAC',
  'CreateResourceGroup',
  'UpdateResourceGroups',
  'DropResourceGroup',
  'DescribeResourceGroup',
  'ListResourceGroups',
  'TransferReplica',
  'TransferNode',
  'FlushAll',
  'CreateDatabase',
  'DropDatabase',
  'ListDatabases',
  'AlterDatabase',
  'DescribeDatabase',
  'CreateAlias',
  'DropAlias',
  'DescribeAlias',
  'ListAliases',
  'CreatePrivilegeGroup',
  'DropPrivilegeGroup',
  'ListPrivilegeGroups',
  'OperatePrivilegeGroup',
  'UpdateReplicateConfiguration',
  'GetReplicateConfiguration',
  'AddFileResource',
  'RemoveFileResource',
  'ListFileResources',
  'PinSnapshotData',
  'UnpinSnapshotData',
  'RestoreExternalSnapshot',
  'ExportSnapshot',
] as const

const USER_TYPE = ['UpdateUser', 'SelectUser'] as const

const collectionReadOnly = [
  'Query',
  'Search',
  'IndexDetail',
  'GetFlushState',
  'GetLoadState',
  'GetLoadingProgress',
  'HasPartition',
  'ShowPartitions',
  'DescribeCollection',
  'DescribeAlias',
  'GetStatistics',
  'ListAliases',
  'GetImportProgress',
  'ListImport',
]
const collectionReadWrite = [
  ...collectionReadOnly,
  'Load',
  'Release',
  'Insert',
  'Delete',
  'Upsert',
  'Import',
  'Flush',
  'Compaction',
  'LoadBalance',
  'CreateIndex',
  'DropIndex',
  'CreatePartition',
  'DropPartition',
  'AddCollectionField',
  'AlterCollectionSchema',
]
const collectionAdmin = [...collectionReadWrite, 'CreateAlias', 'DropAlias']
const databaseReadOnly = ['ShowCollections', 'DescribeDatabase']
const databaseReadWrite = [...databaseReadOnly, 'AlterDatabase']
const databaseAdmin = [...databaseReadWrite, 'CreateCollection', 'DropCollection']
const clusterReadOnly = [
  'ListDatabases',
  'SelectOwnership',
  'SelectUser',
  'DescribeResourceGroup',
  'ListResourceGroups',
  'ListPrivilegeGroups',
]
const clusterReadWrite = [
  ...clusterReadOnly,
  'FlushAll',
  'TransferNode',
  'TransferReplica',
  'UpdateResourceGroups',
]
const clusterAdmin = [
  ...clusterReadWrite,
  'BackupRBAC',
  'RestoreRBAC',
  'CreateDatabase',
  'DropDatabase',
  'CreateOwnership',
  'DropOwnership',
  'ManageOwnership',
  'CreateResourceGroup',
  'DropResourceGroup',
  'UpdateUser',
  'RenameCollection',
  'CreatePrivilegeGroup',
  'DropPrivilegeGroup',
  'OperatePrivilegeGroup',
  'UpdateReplicateConfiguration',
]

/** Groups that always exist, listed before those of users. */
export const BUILT_IN_GROUPS: ReadonlyMap<string, readonly string[]> = new Map([
  ['ClusterReadOnly', clusterReadOnly],
  ['ClusterReadWrite', clusterReadWrite],
  ['ClusterAdmin', clusterAdmin],
  ['DatabaseReadOnly', databaseReadOnly],
  ['DatabaseReadWrite', databaseReadWrite],
  ['DatabaseAdmin', databaseAdmin],
  ['CollectionReadOnly', collectionReadOnly],
  ['CollectionReadWrite', collectionReadWrite],
  ['CollectionAdmin', collectionAdmin],
])

const TYPE_OF: ReadonlyMap<string, ObjectType> = new Map<string, ObjectType>([
  ...COLLECTION_TYPE.map(name => [name, 'Collection'] as const),
  ...GLOBAL_TYPE.map(name => [name, 'Global'] as const),
  ...USER_TYPE.map(name => [name, 'User'] as const),
])

/** Whoever may load may watch it, and so on. */
const IMPLIED: ReadonlyMap<string, readonly string[]> = new Map([
  ['Load', ['GetLoadState', 'GetLoadingProgress']],
  ['Flush', ['GetFlushState']],
])

/** Privileges of the database level; collection-level ones are those of the collection groups and type. */
const DATABASE_LEVEL = new Set(databaseAdmin)
const COLLECTION_LEVEL = new Set<string>([...collectionAdmin, ...COLLECTION_TYPE])

/** Object type of a privilege, or undefined for an unknown name. */
export function objectTypeOf(privilege: string): ObjectType | undefined {
  return TYPE_OF.get(privilege)
}

/** Level of a known privilege. */
export function levelOf(privilege: string): PrivilegeLevel {
  if (COLLECTION_LEVEL.has(privilege)) return 'Collection'
  return DATABASE_LEVEL.has(privilege) ? 'Database' : 'Cluster'
}

/** Level of a built-in group, from its name. */
export function levelOfGroup(privileges: readonly string[]): PrivilegeLevel {
  return privileges[0] === undefined ? 'Cluster' : levelOf(privileges[0])
}

/** A privilege and what it brings along. */
export function withImplied(privilege: string): readonly string[] {
  return [privilege, ...(IMPLIED.get(privilege) ?? [])]
}

/** `PrivilegeInsert` → `Insert`; other names stay. Users may write both. */
export function shortPrivilege(name: string): string {
  return name === 'PrivilegeAll' ? ANY : name.replace(/^Privilege(Group)?(?=[A-Z])/, '')
}
