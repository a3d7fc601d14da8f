/**
 * Errors as clients see them: one MilvusError becomes a gRPC Status message or a REST body, with the same code and text.
 *
 * Application errors travel inside a successful gRPC answer; gRPC's own codes are kept for transport and
 * authentication, because clients retry or rewrite those. Both codes of a Status are always set: some clients read
 * only the old enum. On success the message is empty: a non-empty `extra_info` makes pymilvus look for a number in it.
 */
import { MilvusError } from '../base/errors.js'
import type { Init } from './message.js'
import type { Status } from './messages/common.js'

/** Milvus's old error enum, by new code. Everything else is UnexpectedError (1). */
const LEGACY_CODES: ReadonlyMap<number, number> = new Map([
  [1, 56], // NotReadyServe
  [3, 52], // InsufficientMemoryToLoad
  [7, 54], // DiskQuotaExhausted
  [8, 49], // RateLimit
  [9, 48], // ForceDeny
  [11, 55], // TimeTickLongDelay
  [100, 4], // CollectionNotExists
  [109, 62], // SchemaMismatch
  [110, 56],
  [200, 15], // MetaFailed
  [400, 15],
  [401, 46], // NoReplicaAvailable
  [600, 47], // SegmentNotFound
  [700, 25], // IndexNotExist
  [904, 50], // NodeIDNotMatch
  [1100, 5], // IllegalArgument
  [1101, 5],
  [1102, 5],
])
const LEGACY_UNEXPECTED = 1
/** The code of errors that have no other. */
export const UNEXPECTED = 65535

/**
 * Refusals that Milvus 2.6 answered with the old enum's UnexpectedError: method and start of the text. Milvus's Node SDK
 * asks for exactly these (query-search-semantics §0.1); a query with partitions, for one, is an IllegalArgument there.
 */
const UNCLASSIFIED: Readonly<Record<string, string>> = {
  CreateIndex: 'cannot create index on non-exist field',
  CreatePartition: 'disable create partition',
  Search: 'not support manually specifying the partition names',
}

/** Old enum value of an error of a method where it differs from what the code says; undefined elsewhere. */
export function unclassified(method: string, error: unknown): number | undefined {
  const start = UNCLASSIFIED[method]
  return start !== undefined && describeError(error).text.startsWith(start) ? LEGACY_UNEXPECTED : undefined
}

/** Number of the old error enum for a code; 0 for success. */
export function legacyCode(code: number): number {
  return code === 0 ? 0 : (LEGACY_CODES.get(code) ?? LEGACY_UNEXPECTED)
}

/** What any thrown value means to a client. Errors that are not ours are "unexpected" (65535). */
export function describeError(error: unknown): {
  readonly code: number
  readonly text: string
  readonly retriable: boolean
  readonly input: boolean
} {
  if (error instanceof MilvusError) {
    return {
      code: error.code,
      text: error.message,
      retriable: error.retriable,
      input: error.kind === 'input',
    }
  }
  const text = error instanceof Error ? error.message : String(error)
  return { code: UNEXPECTED, text, retriable: false, input: false }
}

/** The Status of a success: nothing set. */
export const SUCCESS: Init<typeof Status> = {}

/**
 * The Status of a failure.
 * @param legacy old enum value where a method has its own (DescribeCollection, roles); default by code
 */
export function statusOf(error: unknown, legacy?: number): Init<typeof Status> {
  const { code, text, retriable, input } = describeError(error)
  return {
    error_code: legacy ?? legacyCode(code),
    code,
    reason: text,
    detail: text,
    retriable,
    extra_info: input ? new Map([['is_input_error', 'true']]) : new Map(),
  }
}

/** Codes only the REST interface has, with their fixed texts. */
export const REST_ERRORS = {
  unauthenticated: { code: 1800, text: "user hasn't authenticated" },
  notJson: { code: 1801, text: 'can only accept json format request' },
  missingParameters: { code: 1802, text: 'missing required parameters' },
  badSchema: { code: 1803, text: 'fail to marshal collection schema' },
  badRows: { code: 1804, text: 'fail to deal the insert data' },
  badResult: { code: 1805, text: 'fail to parse search result' },
  badPrimaryKey: { code: 1806, text: "please check the primary key and its' type can only in [int, string]" },
  limited: { code: 1807, text: 'request is rejected by limiter' },
} as const

/** An error of the REST interface itself: code, fixed text, and `, error: <detail>` when there is one. */
export class RestError extends Error {
  readonly code: number
  /** HTTP status; 200 for everything but authentication, privileges and time-outs. */
  readonly httpStatus: number

  constructor(reason: keyof typeof REST_ERRORS, detail = '', httpStatus = 200) {
    const { code, text } = REST_ERRORS[reason]
    super(detail === '' ? text : `${text}, error: ${detail}`)
    this.name = 'RestError'
    this.code = code
    this.httpStatus = httpStatus
  }
}

/** The body of a failed REST request. */
export function restErrorBody(error: unknown): { readonly code: number; readonly message: string } {
  if (error instanceof RestError) return { code: error.code, message: error.message }
  const { code, text } = describeError(error)
  return { code, message: text }
}

/** The error where a client asks for something that one process does not do. */
export function notSupported(what: string): MilvusError {
  return new MilvusError('OperationNotSupported', what)
}
