/**
 * Every cap, in one place: value, unit, where it comes from and why it is there.
 *
 * "Milvus" means the reference's default (upsert-semantics §6.7, query-search-semantics §0.3): we keep it so that what
 * works here works there. "ours" means a bound of this engine alone. Bounds are inclusive unless the name says otherwise.
 */
export const LIMITS = {
  /** Fields of a collection, `$meta` not counted. Milvus. */
  fieldsMax: 64,
  /** Vector fields of a collection. Milvus: at least one is required. */
  vectorFieldsMin: 1,
  vectorFieldsMax: 10,
  /** Dimensions of a dense vector. Milvus. */
  dimMin: 2,
  dimMax: 32_768,
  /** Dimensions (bits) of a binary vector, a multiple of 8. Milvus: 8 × 32768. */
  binaryDimMax: 262_144,
  /** VarChar max_length, UTF-8 bytes. Milvus. */
  maxLengthMin: 1,
  maxLengthMax: 65_535,
  /** Text value, UTF-8 bytes: 2 MiB. Milvus. */
  textBytesMax: 2 * 1024 * 1024,
  /** Array max_capacity, elements. Milvus. */
  maxCapacityMin: 1,
  maxCapacityMax: 4096,
  /** A JSON value or one row's `$meta`, UTF-8 bytes. Milvus. */
  jsonBytesMax: 65_536,
  /** Nesting levels of a JSON value. Ours: bounds the recursion of everything that walks JSON. */
  jsonDepthMax: 200,
  /** Greatest index of a sparse vector: 2^32 − 2. Milvus: 2^32 − 1 is reserved. */
  sparseIndexMax: 0xffff_fffe,
  /** Bytes of a name (collection, alias, field, partition, database). Milvus. */
  nameBytesMax: 255,
  /** Characters of a description. Milvus. */
  descriptionMax: 1024,
  /** Partitions of a collection. Milvus. */
  partitionsMax: 1024,
  /** Partitions of a collection with a partition key, unless asked otherwise. Milvus. */
  partitionKeyPartitions: 16,
  /** Shards; we always run one and echo what was asked. Milvus. */
  shardsMax: 16,
  /** Databases, and collections over all databases. Milvus. */
  databasesMax: 64,
  collectionsMax: 65_536,
  /** Users, and roles, the built-in ones counted. Milvus. */
  usersMax: 100,
  rolesMax: 10,
  /** Privilege groups made by users; privileges of all grants of a role. Ours. */
  privilegeGroupsMax: 100,
  grantsMax: 10_000,
  /** Characters of a user name; bytes of a password. Milvus. */
  userNameMax: 32,
  passwordMin: 6,
  passwordMax: 72,
  /** collection.ttl.seconds: −1 (off) to 100 years. Milvus. */
  ttlSecondsMin: -1,
  ttlSecondsMax: 3_155_760_000,
  /** topK of a search; offset + limit of a query or search; query vectors of one search. Milvus. */
  topKMax: 16_384,
  offsetPlusLimitMax: 16_384,
  nqMax: 16_384,
  /** Searches inside one hybrid search. Milvus. */
  hybridRequestsMax: 1024,
  /** Hits per group. Milvus. */
  groupSizeMax: 10,
  /** Bytes of one query or search result: 100 MiB. Milvus. */
  resultBytesMax: 100 * 1024 * 1024,
  /** Bytes of one gRPC message received: 64 MiB is Milvus's proxy default for writes. */
  messageBytesMax: 64 * 1024 * 1024,
  /** JSON text of an index's params, bytes: 100 KiB. Milvus. */
  indexParamsBytesMax: 100 * 1024,
  /** Reads at Bounded consistency may lag this many milliseconds. Milvus (graceful time). */
  gracefulMs: 5000,
} as const
