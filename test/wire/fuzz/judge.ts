/** What an answer must be: a status the protocol documents, and nothing the server is ashamed of. */
import { ERRORS } from '../../../lib/base/errors.js'
import { METHODS } from '../../../lib/wire/descriptors.js'
import { decode, type Message } from '../../../lib/wire/message.js'
import { REST_ERRORS } from '../../../lib/wire/status.js'
import type { GrpcCase } from './grpc-cases.js'
import type { RestCase } from './rest-cases.js'
import type { Answer } from './send.js'
import type { SocketCase } from './socket-cases.js'

const CODES: ReadonlySet<number> = new Set(Object.values(ERRORS).map(({ code }) => code))
const REST_CODES: ReadonlySet<number> = new Set([
  ...CODES,
  ...Object.values(REST_ERRORS).map(({ code }) => code),
])

/** What is wrong with an answer; null when nothing is. */
type Complaint = string | null

/** Answers seen so far, by kind: a run in which everything is refused at the door would prove little. */
export class Tally {
  readonly counts = new Map<string, number>()

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }

  of(kind: string): number {
    return this.counts.get(kind) ?? 0
  }
}

export function judgeGrpc(one: GrpcCase, answer: Answer, tally: Tally): Complaint {
  const { status, grpcStatus, message, body } = answer
  if (one.ending === 'resets' && status === 0) return null
  if (status === 415) return one.headers['content-type'] === 'application/grpc' ? 'HTTP 415' : null
  if (status !== 200) return `HTTP ${status}: ${message}`
  if (!one.codes.includes(grpcStatus)) return `gRPC status ${grpcStatus}: ${message}`
  if (grpcStatus !== 0) tally.count('grpc refused')
  if (grpcStatus !== 0 || one.method === null) return null
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) return 'a broken frame'
  const table = METHODS[one.method].response as Message<object>
  const decoded = decode(table, body.subarray(5)) as Record<string, unknown>
  const found = 'error_code' in decoded ? decoded : (decoded['status'] ?? decoded['alter_status'])
  tally.count((found as { code?: number } | undefined)?.code === 0 ? 'grpc done' : 'grpc failed')
  return judgeStatus(found)
}

function judgeStatus(found: unknown): Complaint {
  if (found === undefined) return 'no Status in the answer'
  const { code, error_code, reason } = found as { code: number; error_code: number; reason: string }
  if (code === 0) return error_code === 0 ? null : `old code ${error_code} beside code 0`
  if (!CODES.has(code)) return `code ${code} is not documented`
  if (error_code === 0) return `code ${code} without an old code`
  return reason === '' ? `code ${code} without a reason` : null
}

export function judgeRest(one: RestCase, answer: Answer, tally: Tally): Complaint {
  const { status, message, body } = answer
  if (!one.statuses.includes(status)) return `HTTP ${status} ${message}: ${body.toString('utf8', 0, 200)}`
  if (status !== 200 || !one.path.startsWith('/v2/vectordb/') || one.method !== 'POST') return null
  let parsed: { code?: unknown; data?: unknown; message?: unknown }
  try {
    parsed = JSON.parse(body.toString()) as typeof parsed
  } catch (error) {
    return `no JSON: ${(error as Error).message}`
  }
  tally.count(parsed.code === 0 ? 'rest done' : 'rest failed')
  if (parsed.code === 0) return parsed.data === undefined ? 'success without data' : null
  if (!REST_CODES.has(parsed.code as number)) return `code ${String(parsed.code)} is not documented`
  return typeof parsed.message === 'string' && parsed.message !== '' ? null : 'an error without a message'
}

export function judgeSocket(one: SocketCase, answer: Answer): Complaint {
  if (one.statuses === null || one.statuses.includes(answer.status)) return null
  return `HTTP ${answer.status}: ${answer.body.toString('latin1', 0, 100)}`
}
