/**
 * Every error a caller can meet, in one table.
 *
 * Programs branch on `code` (Milvus's own numbers, never renumbered), people search for `reason` (the key of the
 * table), and the message follows Milvus's three shapes (upsert-semantics §0.1):
 *
 *   A  <detail>: <sentinel>                                   field age not found: field not found
 *   B  <detail>: <sentinel>[expected=X][actual=Y]             ... : invalid parameter[expected=64][actual=5]
 *   C  <sentinel>[key=value]...                               partition not found[partition=p1]
 *
 * `kind` says who is to blame: 'input' when the request's own content forces the error, 'system' otherwise.
 * docs/errors.md lists the same table; a test compares both.
 */

interface ErrorEntry {
  readonly code: number
  readonly sentinel: string
  readonly kind: 'input' | 'system'
  readonly retriable: boolean
}

/** Code numbers and sentinel texts are Milvus's (merr); entries are append-only. */
export const ERRORS = {
  ServiceNotReady: { code: 1, sentinel: 'service not ready', kind: 'system', retriable: true },
  ServiceUnavailable: { code: 2, sentinel: 'service unavailable', kind: 'system', retriable: true },
  MemoryLimitExceeded: { code: 3, sentinel: 'memory limit exceeded', kind: 'system', retriable: false },
  TooManyRequests: { code: 4, sentinel: 'too many concurrent requests', kind: 'system', retriable: true },
  Internal: { code: 5, sentinel: 'service internal error', kind: 'system', retriable: false },
  DiskFull: { code: 7, sentinel: 'disk quota exceeded', kind: 'system', retriable: false },
  RateLimit: { code: 8, sentinel: 'rate limit exceeded', kind: 'system', retriable: true },
  QuotaExceeded: { code: 9, sentinel: 'quota exceeded', kind: 'system', retriable: false },
  Unimplemented: { code: 10, sentinel: 'service unimplemented', kind: 'input', retriable: false },
  ResourceInsufficient: {
    code: 12,
    sentinel: 'service resource insufficient',
    kind: 'system',
    retriable: true,
  },
  CollectionNotFound: { code: 100, sentinel: 'collection not found', kind: 'input', retriable: false },
  CollectionNotLoaded: { code: 101, sentinel: 'collection not loaded', kind: 'input', retriable: false },
  CollectionNumLimit: {
    code: 102,
    sentinel: 'exceeded the limit number of collections',
    kind: 'input',
    retriable: false,
  },
  CollectionNotFullyLoaded: {
    code: 103,
    sentinel: 'collection not fully loaded',
    kind: 'system',
    retriable: true,
  },
  SchemaMismatch: { code: 109, sentinel: 'collection schema mismatch', kind: 'input', retriable: false },
  PartitionNotFound: { code: 200, sentinel: 'partition not found', kind: 'input', retriable: false },
  PartitionNotLoaded: { code: 201, sentinel: 'partition not loaded', kind: 'input', retriable: false },
  IndexNotFound: { code: 700, sentinel: 'index not found', kind: 'input', retriable: false },
  IndexNotSupported: { code: 701, sentinel: 'index type not supported', kind: 'input', retriable: false },
  IndexDuplicate: { code: 702, sentinel: 'index duplicates', kind: 'input', retriable: false },
  DatabaseNotFound: { code: 800, sentinel: 'database not found', kind: 'input', retriable: false },
  DatabaseNumLimit: {
    code: 801,
    sentinel: 'exceeded the limit number of database',
    kind: 'input',
    retriable: false,
  },
  DatabaseInvalidName: { code: 802, sentinel: 'invalid database name', kind: 'input', retriable: false },
  IoFailed: { code: 1001, sentinel: 'IO failed', kind: 'system', retriable: false },
  Corrupted: { code: 1002, sentinel: 'stored bytes are corrupt', kind: 'system', retriable: false },
  FormatTooNew: { code: 1003, sentinel: 'store format is not supported', kind: 'input', retriable: false },
  StoreLocked: { code: 1004, sentinel: 'store is locked by another process', kind: 'input', retriable: true },
  StoreClosed: { code: 1005, sentinel: 'store is closed', kind: 'input', retriable: false },
  ParameterInvalid: { code: 1100, sentinel: 'invalid parameter', kind: 'input', retriable: false },
  ParameterMissing: { code: 1101, sentinel: 'missing parameter', kind: 'input', retriable: false },
  ParameterTooLarge: { code: 1102, sentinel: 'parameter too large', kind: 'input', retriable: false },
  NotAuthenticated: { code: 1400, sentinel: 'not authenticated', kind: 'input', retriable: false },
  PrivilegeNotPermitted: { code: 1401, sentinel: 'privilege not permitted', kind: 'input', retriable: false },
  PrivilegeGroupInvalidName: {
    code: 1402,
    sentinel: 'invalid privilege group name',
    kind: 'input',
    retriable: false,
  },
  AliasNotFound: { code: 1600, sentinel: 'alias not found', kind: 'input', retriable: false },
  AliasCollectionNameConflict: {
    code: 1601,
    sentinel: 'alias and collection name conflict',
    kind: 'input',
    retriable: false,
  },
  AliasAlreadyExist: { code: 1602, sentinel: 'alias already exist', kind: 'input', retriable: false },
  FieldNotFound: { code: 1700, sentinel: 'field not found', kind: 'input', retriable: false },
  FieldInvalidName: { code: 1701, sentinel: 'field name invalid', kind: 'input', retriable: false },
  SegcoreFailed: { code: 2000, sentinel: 'segcore error', kind: 'input', retriable: false },
  QueryPlanFailed: { code: 2201, sentinel: 'query plan failed', kind: 'input', retriable: false },
  FunctionFailed: { code: 2400, sentinel: 'function execution failed', kind: 'system', retriable: false },
  OperationNotSupported: { code: 3000, sentinel: 'operation not supported', kind: 'input', retriable: false },
  Canceled: { code: 10000, sentinel: 'canceled', kind: 'system', retriable: false },
  Timeout: { code: 10001, sentinel: 'timeout', kind: 'system', retriable: true },
  Unexpected: { code: 65535, sentinel: 'unexpected error', kind: 'system', retriable: false },
} as const satisfies Record<string, ErrorEntry>

/** Key of the error table. */
export type ErrorReason = keyof typeof ERRORS

export interface ErrorParts {
  /** What was expected; printed as `[expected=...]`. */
  readonly expected?: string | number
  /** What was found; printed as `[actual=...]`. */
  readonly actual?: string | number
  /** Bracketed fields of shape C, in order. */
  readonly fields?: Readonly<Record<string, string | number>>
  /** Print the detail alone, without the sentinel (a few texts are matched exactly by clients). */
  readonly bare?: boolean
  /** Who is to blame, where the table's answer does not fit: Milvus uses its code 65535 for a few mistakes of callers. */
  readonly kind?: 'input' | 'system'
  readonly cause?: unknown
}

/** The one error class that crosses the public API. */
export class MilvusError extends Error {
  /** Milvus's error code, for example 1100. */
  readonly code: number
  /** Key of the error table, for example 'ParameterInvalid'. */
  readonly reason: ErrorReason
  /** True when the same request may succeed later. */
  readonly retriable: boolean
  /** 'input' when the request itself is at fault. */
  readonly kind: 'input' | 'system'

  constructor(reason: ErrorReason, detail: string, parts: ErrorParts = {}) {
    super(messageOf(reason, detail, parts), parts.cause === undefined ? undefined : { cause: parts.cause })
    const entry = ERRORS[reason]
    this.name = 'MilvusError'
    this.reason = reason
    this.code = entry.code
    this.retriable = entry.retriable
    this.kind = parts.kind ?? entry.kind
  }
}

function messageOf(reason: ErrorReason, detail: string, parts: ErrorParts): string {
  if (parts.bare === true) return detail
  const { sentinel } = ERRORS[reason]
  let text = detail === '' ? sentinel : `${detail}: ${sentinel}`
  for (const [key, value] of Object.entries(parts.fields ?? {})) text += `[${key}=${value}]`
  if (parts.expected !== undefined) text += `[expected=${parts.expected}]`
  if (parts.actual !== undefined) text += `[actual=${parts.actual}]`
  return text
}

/** Shorthand for the commonest error, 1100. */
export function invalid(detail: string, parts: ErrorParts = {}): MilvusError {
  return new MilvusError('ParameterInvalid', detail, parts)
}

/** `collection not found[database=d][collection=c]`, in the wording the describe path of Milvus uses. */
export function collectionNotFound(database: string, collection: string): MilvusError {
  return new MilvusError(
    'CollectionNotFound',
    `can't find collection[database=${database}][collection=${collection}]`,
    { bare: true },
  )
}
