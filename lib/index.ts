/** The public names of KestrelDB and nothing else. */

export { ERRORS, type ErrorReason, MilvusError } from './base/errors.js'
export type { OpenOptions } from './base/options.js'
export { AccessControl } from './client/access.js'
export { Collection } from './client/collection.js'
export type {
  CollectionDescription,
  DeleteOptions,
  FieldChanges,
  GetOptions,
  InsertOptions,
  IteratorOptions,
  ReadOptions,
  UpsertRowsOptions,
  WriteSummary,
} from './client/collection-requests.js'
export { Database, type InDatabase, open } from './client/database.js'
export type { PrivilegeGroup } from './engine/access-groups.js'
export type { GrantRecord } from './engine/access-records.js'
export type { GrantFilter, ObjectGrant, RoleDescription, ScopedGrant } from './engine/access-roles.js'
export type { CreateUser, UpdateUser, UserDescription } from './engine/access-users.js'
export type { CreateCollection } from './engine/collection-ddl.js'
export type { CollectionStats } from './engine/collection-figures.js'
export type { IndexProgress } from './engine/index-progress.js'
export type { PageIterator } from './engine/iterators.js'
export type { DatabaseStats, LoadOptions, LoadStateName, PartitionStats } from './engine/load-ddl.js'
export type { AliasDescription, DatabaseDescription } from './engine/names-ddl.js'
export type { GivenProperties } from './engine/properties.js'
export type { IndexRequest } from './index/index-params.js'
export type { IndexSpec, MetricType } from './index/index-spec.js'
export type { QueryIteratorRequest } from './query/query-pages.js'
export type { HybridRequest, QueryRequest, Ranker, SearchHit, SearchRequest } from './query/request.js'
export type { SearchIteratorRequest } from './query/search-pages.js'
export { DataType } from './schema/data-type.js'
export type { ArrayOp, CollectionRequest, FieldOps, FieldRequest, Row } from './schema/requests.js'
