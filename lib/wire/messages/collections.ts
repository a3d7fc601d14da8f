/** Requests and responses about collections, their schemas, partitions and load state (milvus.proto.milvus). */
import { bool, bytes, count, int32, many, mapOf, message, sub, text, uint64 } from '../message.js'
import {
  CollectionSchema,
  FieldSchema,
  FunctionSchema,
  KeyValuePair,
  Status,
  StructArrayFieldSchema,
} from './common.js'

/** Most requests about one collection. */
const named = { db_name: text(2), collection_name: text(3) } as const

export const CreateCollectionRequest = message('CreateCollectionRequest', {
  ...named,
  schema: bytes(4),
  shards_num: int32(5),
  consistency_level: int32(6),
  properties: many(sub(7, KeyValuePair)),
  num_partitions: count(8),
})
export const DropCollectionRequest = message('DropCollectionRequest', named)
export const HasCollectionRequest = message('HasCollectionRequest', named)
export const BoolResponse = message('BoolResponse', { status: sub(1, Status), value: bool(2) })
export const DescribeCollectionRequest = message('DescribeCollectionRequest', {
  ...named,
  collectionID: count(4),
})
export const DescribeCollectionResponse = message('DescribeCollectionResponse', {
  status: sub(1, Status),
  schema: sub(2, CollectionSchema),
  collectionID: count(3),
  virtual_channel_names: many(text(4)),
  physical_channel_names: many(text(5)),
  created_timestamp: uint64(6),
  created_utc_timestamp: uint64(7),
  shards_num: int32(8),
  aliases: many(text(9)),
  consistency_level: int32(11),
  collection_name: text(12),
  properties: many(sub(13, KeyValuePair)),
  db_name: text(14),
  num_partitions: count(15),
  db_id: count(16),
  request_time: uint64(17),
  update_timestamp: uint64(18),
  update_timestamp_str: text(19),
})
export const BatchDescribeCollectionRequest = message('BatchDescribeCollectionRequest', {
  db_name: text(1),
  collection_name: many(text(2)),
  collectionID: many(count(3)),
})
export const BatchDescribeCollectionResponse = message('BatchDescribeCollectionResponse', {
  status: sub(1, Status),
  responses: many(sub(2, DescribeCollectionResponse)),
})
export const ShowCollectionsRequest = message('ShowCollectionsRequest', {
  db_name: text(2),
  type: int32(4),
  collection_names: many(text(5)),
})
export const ShowCollectionsResponse = message('ShowCollectionsResponse', {
  status: sub(1, Status),
  collection_names: many(text(2)),
  collection_ids: many(count(3)),
  created_timestamps: many(uint64(4)),
  created_utc_timestamps: many(uint64(5)),
  inMemory_percentages: many(count(6)),
  query_service_available: many(bool(7)),
  shards_num: many(int32(8)),
})
export const RenameCollectionRequest = message('RenameCollectionRequest', {
  db_name: text(2),
  oldName: text(3),
  newName: text(4),
  newDBName: text(5),
})
export const TruncateCollectionRequest = message('TruncateCollectionRequest', named)
export const TruncateCollectionResponse = message('TruncateCollectionResponse', { status: sub(1, Status) })
export const GetCollectionStatisticsRequest = message('GetCollectionStatisticsRequest', named)
export const GetCollectionStatisticsResponse = message('GetCollectionStatisticsResponse', {
  status: sub(1, Status),
  stats: many(sub(2, KeyValuePair)),
})

export const AlterCollectionRequest = message('AlterCollectionRequest', {
  ...named,
  collectionID: count(4),
  properties: many(sub(5, KeyValuePair)),
  delete_keys: many(text(6)),
})
export const AlterCollectionFieldRequest = message('AlterCollectionFieldRequest', {
  ...named,
  field_name: text(4),
  properties: many(sub(5, KeyValuePair)),
  delete_keys: many(text(6)),
})
export const AddCollectionFieldRequest = message('AddCollectionFieldRequest', {
  ...named,
  collectionID: count(4),
  schema: bytes(5),
})
export const AddCollectionFunctionRequest = message('AddCollectionFunctionRequest', {
  ...named,
  collectionID: count(4),
  function_schema: sub(5, FunctionSchema),
})
export const AlterCollectionFunctionRequest = message('AlterCollectionFunctionRequest', {
  ...named,
  collectionID: count(4),
  function_name: text(5),
  function_schema: sub(6, FunctionSchema),
})
export const DropCollectionFunctionRequest = message('DropCollectionFunctionRequest', {
  ...named,
  collectionID: count(4),
  function_name: text(5),
})

const FieldInfo = message('AlterCollectionSchemaRequest.FieldInfo', {
  field_schema: sub(1, FieldSchema),
  index_name: text(2),
  extra_params: many(sub(3, KeyValuePair)),
})
const AddRequest = message('AlterCollectionSchemaRequest.AddRequest', {
  field_infos: many(sub(1, FieldInfo)),
  func_schema: many(sub(2, FunctionSchema)),
  do_physical_backfill: bool(3),
})
const DropRequest = message('AlterCollectionSchemaRequest.DropRequest', {
  field_name: text(1),
  field_id: count(2),
  function_name: text(3),
  drop_function_output_fields: bool(4),
})
const Action = message('AlterCollectionSchemaRequest.Action', {
  add_request: sub(1, AddRequest),
  drop_request: sub(2, DropRequest),
})
export const AlterCollectionSchemaRequest = message('AlterCollectionSchemaRequest', {
  ...named,
  collectionID: count(4),
  action: sub(5, Action),
})
export const AlterCollectionSchemaResponse = message('AlterCollectionSchemaResponse', {
  alter_status: sub(1, Status),
})

const partition = { ...named, partition_name: text(4) } as const
export const CreatePartitionRequest = message('CreatePartitionRequest', partition)
export const DropPartitionRequest = message('DropPartitionRequest', partition)
export const HasPartitionRequest = message('HasPartitionRequest', partition)
export const GetPartitionStatisticsRequest = message('GetPartitionStatisticsRequest', partition)
export const GetPartitionStatisticsResponse = message('GetPartitionStatisticsResponse', {
  status: sub(1, Status),
  stats: many(sub(2, KeyValuePair)),
})
export const ShowPartitionsRequest = message('ShowPartitionsRequest', {
  ...named,
  collectionID: count(4),
  partition_names: many(text(5)),
  type: int32(6),
})
export const ShowPartitionsResponse = message('ShowPartitionsResponse', {
  status: sub(1, Status),
  partition_names: many(text(2)),
  partitionIDs: many(count(3)),
  created_timestamps: many(uint64(4)),
  created_utc_timestamps: many(uint64(5)),
  inMemory_percentages: many(count(6)),
})

export const LoadCollectionRequest = message('LoadCollectionRequest', {
  ...named,
  replica_number: int32(4),
  resource_groups: many(text(5)),
  refresh: bool(6),
  load_fields: many(text(7)),
  skip_load_dynamic_field: bool(8),
  load_params: mapOf(9, text(0)),
})
export const ReleaseCollectionRequest = message('ReleaseCollectionRequest', named)
export const LoadPartitionsRequest = message('LoadPartitionsRequest', {
  ...named,
  partition_names: many(text(4)),
  replica_number: int32(5),
  resource_groups: many(text(6)),
  refresh: bool(7),
  load_fields: many(text(8)),
  skip_load_dynamic_field: bool(9),
  load_params: mapOf(10, text(0)),
})
export const ReleasePartitionsRequest = message('ReleasePartitionsRequest', {
  ...named,
  partition_names: many(text(4)),
})

const progress = { collection_name: text(2), partition_names: many(text(3)), db_name: text(4) } as const
export const GetLoadingProgressRequest = message('GetLoadingProgressRequest', progress)
export const GetLoadingProgressResponse = message('GetLoadingProgressResponse', {
  status: sub(1, Status),
  progress: count(2),
  refresh_progress: count(3),
})
export const GetLoadStateRequest = message('GetLoadStateRequest', progress)
export const GetLoadStateResponse = message('GetLoadStateResponse', {
  status: sub(1, Status),
  state: int32(2),
})

const ShardReplica = message('ShardReplica', {
  leaderID: count(1),
  leader_addr: text(2),
  dm_channel_name: text(3),
  node_ids: many(count(4)),
})
const ReplicaInfo = message('ReplicaInfo', {
  replicaID: count(1),
  collectionID: count(2),
  partition_ids: many(count(3)),
  shard_replicas: many(sub(4, ShardReplica)),
  node_ids: many(count(5)),
  resource_group_name: text(6),
})
export const GetReplicasRequest = message('GetReplicasRequest', {
  collectionID: count(2),
  with_shard_nodes: bool(3),
  collection_name: text(4),
  db_name: text(5),
})
export const GetReplicasResponse = message('GetReplicasResponse', {
  status: sub(1, Status),
  replicas: many(sub(2, ReplicaInfo)),
})

export const AddCollectionStructFieldRequest = message('AddCollectionStructFieldRequest', {
  ...named,
  collectionID: count(4),
  struct_array_field_schema: sub(5, StructArrayFieldSchema),
})
