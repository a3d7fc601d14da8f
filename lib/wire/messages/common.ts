/**
 * Messages every service shares (milvus.proto.common and milvus.proto.schema), and the enum numbers in use.
 *
 * Recursive or bulky ones are `part` fields: FieldData and IDs (field-data.ts), template values (template-values.ts),
 * search aggregations (refused when present).
 */
import {
  bool,
  bytes,
  count,
  double,
  float,
  int32,
  int64,
  many,
  mapOf,
  message,
  optional,
  part,
  sub,
  text,
} from '../message.js'

export const Status = message('common.Status', {
  error_code: int32(1),
  reason: text(2),
  code: int32(3),
  retriable: bool(4),
  detail: text(5),
  extra_info: mapOf(6, text(0)),
})

export const KeyValuePair = message('common.KeyValuePair', { key: text(1), value: text(2) })

export const PlaceholderValue = message('common.PlaceholderValue', {
  tag: text(1),
  type: int32(2),
  values: many(part(3)),
  element_level: bool(4),
})
export const PlaceholderGroup = message('common.PlaceholderGroup', {
  placeholders: many(sub(1, PlaceholderValue)),
})

export const ClientInfo = message('common.ClientInfo', {
  sdk_type: text(1),
  sdk_version: text(2),
  local_time: text(3),
  user: text(4),
  host: text(5),
})
export const ServerInfo = message('common.ServerInfo', {
  build_tags: text(1),
  build_time: text(2),
  git_commit: text(3),
  go_version: text(4),
  deploy_mode: text(5),
  reserved: mapOf(6, text(0)),
})

/** A default value of a field; exactly one member is set. */
export const ValueField = message('schema.ValueField', {
  bool_data: optional(bool(1)),
  int_data: optional(int32(2)),
  long_data: optional(int64(3)),
  float_data: optional(float(4)),
  double_data: optional(double(5)),
  string_data: optional(text(6)),
  bytes_data: optional(bytes(7)),
  timestamptz_data: optional(int64(8)),
})

export const FieldSchema = message('schema.FieldSchema', {
  fieldID: count(1),
  name: text(2),
  is_primary_key: bool(3),
  description: text(4),
  data_type: int32(5),
  type_params: many(sub(6, KeyValuePair)),
  index_params: many(sub(7, KeyValuePair)),
  autoID: bool(8),
  state: int32(9),
  element_type: int32(10),
  default_value: sub(11, ValueField),
  is_dynamic: bool(12),
  is_partition_key: bool(13),
  is_clustering_key: bool(14),
  nullable: bool(15),
  is_function_output: bool(16),
})

export const FunctionSchema = message('schema.FunctionSchema', {
  name: text(1),
  id: count(2),
  description: text(3),
  type: int32(4),
  input_field_names: many(text(5)),
  input_field_ids: many(count(6)),
  output_field_names: many(text(7)),
  output_field_ids: many(count(8)),
  params: many(sub(9, KeyValuePair)),
})

export const FunctionScore = message('schema.FunctionScore', {
  functions: many(sub(1, FunctionSchema)),
  params: many(sub(2, KeyValuePair)),
})

export const StructArrayFieldSchema = message('schema.StructArrayFieldSchema', {
  fieldID: count(1),
  name: text(2),
  description: text(3),
  fields: many(sub(4, FieldSchema)),
  type_params: many(sub(5, KeyValuePair)),
  nullable: bool(6),
})

export const CollectionSchema = message('schema.CollectionSchema', {
  name: text(1),
  description: text(2),
  autoID: bool(3),
  fields: many(sub(4, FieldSchema)),
  enable_dynamic_field: bool(5),
  properties: many(sub(6, KeyValuePair)),
  functions: many(sub(7, FunctionSchema)),
  db_name: text(8),
  struct_array_fields: many(sub(9, StructArrayFieldSchema)),
  version: int32(10),
})

export const FieldPartialUpdateOp = message('schema.FieldPartialUpdateOp', {
  field_name: text(1),
  op: int32(2),
})

export const LongArray = message('schema.LongArray', { data: many(count(1)) })

export const SearchIteratorV2Results = message('schema.SearchIteratorV2Results', {
  token: text(1),
  last_bound: float(2),
})

export const SearchResultData = message('schema.SearchResultData', {
  num_queries: count(1),
  top_k: count(2),
  fields_data: many(part(3)),
  scores: part(4),
  ids: part(5),
  topks: many(count(6)),
  output_fields: many(text(7)),
  group_by_field_value: part(8),
  all_search_count: count(9),
  search_iterator_v2_results: sub(11, SearchIteratorV2Results),
  recalls: many(float(12)),
  primary_field_name: text(13),
  group_by_field_values: many(part(17)),
})

export const LoadState = { notExist: 0, notLoad: 1, loading: 2, loaded: 3 } as const
export const IndexState = { none: 0, unissued: 1, inProgress: 2, finished: 3, failed: 4 } as const
export const SegmentState = { growing: 2, sealed: 3, flushed: 4 } as const
export const CompactionState = { undefined: 0, executing: 1, completed: 2 } as const
export const ConsistencyLevel = { Strong: 0, Session: 1, Bounded: 2, Eventually: 3, Customized: 4 } as const
/** Names by number, as REST prints them. */
export const CONSISTENCY_NAMES = ['Strong', 'Session', 'Bounded', 'Eventually', 'Customized'] as const
