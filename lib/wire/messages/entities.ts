/** Requests and responses that carry rows: writes, reads, flush, compaction, segments (milvus.proto.milvus). */
import {
  bool,
  bytes,
  count,
  int32,
  int64,
  many,
  mapOf,
  message,
  optional,
  part,
  sub,
  text,
  uint32,
  uint64,
} from '../message.js'
import {
  FieldPartialUpdateOp,
  FunctionScore,
  KeyValuePair,
  LongArray,
  SearchResultData,
  Status,
} from './common.js'

const named = { db_name: text(2), collection_name: text(3) } as const

export const InsertRequest = message('InsertRequest', {
  ...named,
  partition_name: text(4),
  fields_data: many(part(5)),
  num_rows: uint32(7),
  schema_timestamp: uint64(8),
  namespace: optional(text(9)),
})
export const UpsertRequest = message('UpsertRequest', {
  ...named,
  partition_name: text(4),
  fields_data: many(part(5)),
  num_rows: uint32(7),
  schema_timestamp: uint64(8),
  partial_update: bool(9),
  namespace: optional(text(10)),
  field_ops: many(sub(11, FieldPartialUpdateOp)),
})
export const DeleteRequest = message('DeleteRequest', {
  ...named,
  partition_name: text(4),
  expr: text(5),
  consistency_level: int32(7),
  expr_template_values: mapOf(8, part(0)),
  namespace: optional(text(9)),
})
export const MutationResult = message('MutationResult', {
  status: sub(1, Status),
  IDs: part(2),
  succ_index: many(uint32(3)),
  err_index: many(uint32(4)),
  acknowledged: bool(5),
  insert_cnt: count(6),
  delete_cnt: count(7),
  upsert_cnt: count(8),
  timestamp: uint64(9),
})

export const SearchRequest = message('SearchRequest', {
  ...named,
  partition_names: many(text(4)),
  dsl: text(5),
  placeholder_group: optional(bytes(6)),
  dsl_type: int32(7),
  output_fields: many(text(8)),
  search_params: many(sub(9, KeyValuePair)),
  guarantee_timestamp: uint64(11),
  nq: count(12),
  consistency_level: int32(14),
  use_default_consistency: bool(15),
  expr_template_values: mapOf(18, part(0)),
  function_score: sub(19, FunctionScore),
  namespace: optional(text(20)),
  highlighter: part(21),
  ids: part(22),
  search_aggregation: part(23),
  function_chains: many(part(24)),
})
export const HybridSearchRequest = message('HybridSearchRequest', {
  ...named,
  partition_names: many(text(4)),
  requests: many(sub(5, SearchRequest)),
  rank_params: many(sub(6, KeyValuePair)),
  guarantee_timestamp: uint64(8),
  output_fields: many(text(10)),
  consistency_level: int32(11),
  use_default_consistency: bool(12),
  function_score: sub(13, FunctionScore),
  namespace: optional(text(14)),
  function_chains: many(part(15)),
})
export const SearchResults = message('SearchResults', {
  status: sub(1, Status),
  results: sub(2, SearchResultData),
  collection_name: text(3),
  session_ts: uint64(4),
})
export const QueryRequest = message('QueryRequest', {
  ...named,
  expr: text(4),
  output_fields: many(text(5)),
  partition_names: many(text(6)),
  guarantee_timestamp: uint64(8),
  query_params: many(sub(9, KeyValuePair)),
  consistency_level: int32(11),
  use_default_consistency: bool(12),
  expr_template_values: mapOf(13, part(0)),
  namespace: optional(text(14)),
})
/** Positions of the matching elements of one row. */
export const ElementIndices = message('ElementIndices', { indices: sub(1, LongArray) })

export const QueryResults = message('QueryResults', {
  status: sub(1, Status),
  fields_data: many(part(2)),
  collection_name: text(3),
  output_fields: many(text(4)),
  session_ts: uint64(5),
  primary_field_name: text(6),
  element_indices: many(sub(7, ElementIndices)),
})

export const FlushRequest = message('FlushRequest', { db_name: text(2), collection_names: many(text(3)) })
export const FlushResponse = message('FlushResponse', {
  status: sub(1, Status),
  db_name: text(2),
  coll_segIDs: mapOf(3, sub(0, LongArray)),
  flush_coll_segIDs: mapOf(4, sub(0, LongArray)),
  coll_seal_times: mapOf(5, int64(0)),
  coll_flush_ts: mapOf(6, uint64(0)),
})
export const GetFlushStateRequest = message('GetFlushStateRequest', {
  segmentIDs: many(count(1)),
  flush_ts: uint64(2),
  db_name: text(3),
  collection_name: text(4),
})
export const GetFlushStateResponse = message('GetFlushStateResponse', {
  status: sub(1, Status),
  flushed: bool(2),
})
const FlushAllTarget = message('FlushAllTarget', { db_name: text(1), collection_names: many(text(2)) })
export const FlushAllRequest = message('FlushAllRequest', {
  db_name: text(2),
  flush_targets: many(sub(3, FlushAllTarget)),
})
export const FlushAllResponse = message('FlushAllResponse', {
  status: sub(1, Status),
  flush_all_ts: uint64(2),
})
export const GetFlushAllStateRequest = message('GetFlushAllStateRequest', {
  flush_all_ts: uint64(2),
  db_name: text(3),
  flush_targets: many(sub(4, FlushAllTarget)),
})
export const GetFlushAllStateResponse = message('GetFlushAllStateResponse', {
  status: sub(1, Status),
  flushed: bool(2),
})

export const ManualCompactionRequest = message('ManualCompactionRequest', {
  collectionID: count(1),
  majorCompaction: bool(3),
  collection_name: text(4),
  db_name: text(5),
  l0_compaction: bool(9),
  target_size: count(10),
})
export const ManualCompactionResponse = message('ManualCompactionResponse', {
  status: sub(1, Status),
  compactionID: count(2),
  compactionPlanCount: int32(3),
})
export const GetCompactionStateRequest = message('GetCompactionStateRequest', { compactionID: count(1) })
export const GetCompactionStateResponse = message('GetCompactionStateResponse', {
  status: sub(1, Status),
  state: int32(2),
  executingPlanNo: count(3),
  timeoutPlanNo: count(4),
  completedPlanNo: count(5),
  failedPlanNo: count(6),
})
const CompactionMergeInfo = message('CompactionMergeInfo', { sources: many(count(1)), target: count(2) })
export const GetCompactionPlansRequest = message('GetCompactionPlansRequest', { compactionID: count(1) })
export const GetCompactionPlansResponse = message('GetCompactionPlansResponse', {
  status: sub(1, Status),
  state: int32(2),
  mergeInfos: many(sub(3, CompactionMergeInfo)),
})

const PersistentSegmentInfo = message('PersistentSegmentInfo', {
  segmentID: count(1),
  collectionID: count(2),
  partitionID: count(3),
  num_rows: count(4),
  state: int32(5),
  level: int32(6),
  is_sorted: bool(7),
  storage_version: count(8),
})
export const GetPersistentSegmentInfoRequest = message('GetPersistentSegmentInfoRequest', {
  dbName: text(2),
  collectionName: text(3),
})
export const GetPersistentSegmentInfoResponse = message('GetPersistentSegmentInfoResponse', {
  status: sub(1, Status),
  infos: many(sub(2, PersistentSegmentInfo)),
})
const QuerySegmentInfo = message('QuerySegmentInfo', {
  segmentID: count(1),
  collectionID: count(2),
  partitionID: count(3),
  mem_size: count(4),
  num_rows: count(5),
  index_name: text(6),
  indexID: count(7),
  nodeID: count(8),
  state: int32(9),
  nodeIds: many(count(10)),
  level: int32(11),
  is_sorted: bool(12),
})
export const GetQuerySegmentInfoRequest = message('GetQuerySegmentInfoRequest', {
  dbName: text(2),
  collectionName: text(3),
})
export const GetQuerySegmentInfoResponse = message('GetQuerySegmentInfoResponse', {
  status: sub(1, Status),
  infos: many(sub(2, QuerySegmentInfo)),
})

const AnalyzerToken = message('AnalyzerToken', {
  token: text(1),
  start_offset: count(2),
  end_offset: count(3),
  position: count(4),
  position_length: count(5),
  hash: uint32(6),
})
const AnalyzerResult = message('AnalyzerResult', { tokens: many(sub(1, AnalyzerToken)) })
export const RunAnalyzerRequest = message('RunAnalyzerRequest', {
  analyzer_params: text(2),
  placeholder: many(bytes(3)),
  with_detail: bool(4),
  with_hash: bool(5),
  db_name: text(6),
  collection_name: text(7),
  field_name: text(8),
  analyzer_names: many(text(9)),
})
export const RunAnalyzerResponse = message('RunAnalyzerResponse', {
  status: sub(1, Status),
  results: many(sub(2, AnalyzerResult)),
})
