/**
 * gRPC: MilvusService and grpc.health.v1 over connections somebody else accepts.
 *
 * The door to @grpc/grpc-js, which is loaded when a server starts and not before. Its quirks:
 *  - An error thrown by a deserializer becomes gRPC INTERNAL, which pymilvus retries for minutes. So messages go through
 *    as bytes, and are decoded here, where a malformed one becomes INVALID_ARGUMENT.
 *  - It polices no pings, which is right: clients ping every 5 to 10 s.
 *  - Its receive limit is 4 MiB unless told otherwise.
 *  - After an HTTP/2 protocol error Node keeps the connection, though nothing can be said on it any more. Our own pings
 *    find such connections, and those of clients that vanished; Milvus pings as often.
 *
 * Invariant: every error of a served method is an answer with a Status, never a gRPC error; the exceptions are
 * malformed messages, authentication, privileges and refused methods.
 */
import type { Duplex } from 'node:stream'
import type * as Grpc from '@grpc/grpc-js'
import { MilvusError } from '../base/errors.js'
import { AuthError, type Authenticate, checkCredentials, grpcCredentials, PermissionError } from './auth.js'
import { type CallContext, type Calls, DEFAULT_DATABASE, type Request } from './calls.js'
import {
  HEALTH_SERVICE,
  HealthCheckRequest,
  HealthCheckResponse,
  METHODS,
  type MethodName,
  MILVUS_SERVICE,
  REFUSED,
  ServingStatus,
} from './descriptors.js'
import { decode, encode, type Message } from './message.js'
import { Status } from './messages/common.js'
import { failedMutation, failedQuery, failedSearch } from './results.js'
import { describeError, SUCCESS, statusOf, UNEXPECTED, unclassified } from './status.js'

export interface GrpcOptions {
  readonly calls: Calls
  /** Checks credentials of every call; null = authentication is off. */
  readonly authenticate: Authenticate | null
  /** Largest request in bytes. */
  readonly receiveBytesMax: number
  /** Largest answer in bytes. */
  readonly sendBytesMax: number
  /** Milliseconds of silence after which a connection is pinged; a third of it to answer, else it is closed. */
  readonly pingMs?: number
  /** One line per error that is nobody's input. */
  readonly warn: (message: string) => void
}

/** A running gRPC endpoint without a listening socket of its own. */
export interface GrpcEndpoint {
  /** Takes over a connection whose first bytes are the HTTP/2 preface. */
  inject(connection: Duplex): void
  /** Finishes running calls, waiting at most `graceMs`, then cuts what is left. */
  stop(graceMs: number): Promise<void>
}

/** Milvus pings after as long. */
const PING_MS = 60_000

type Unary = Grpc.ServerUnaryCall<Buffer, Buffer>
type Stream = Grpc.ServerWritableStream<Buffer, Buffer>
type Duplexed = Grpc.ServerDuplexStream<Buffer, Buffer>

/** Loads grpc-js and registers the services. */
export async function openGrpc(options: GrpcOptions): Promise<GrpcEndpoint> {
  const grpc = await import('@grpc/grpc-js')
  const { authenticate, pingMs = PING_MS } = options
  const server = new grpc.Server({
    'grpc.max_receive_message_length': options.receiveBytesMax,
    'grpc.max_send_message_length': options.sendBytesMax,
    'grpc.keepalive_time_ms': pingMs,
    'grpc.keepalive_timeout_ms': Math.ceil(pingMs / 3),
    ...(authenticate === null ? {} : { interceptors: [loginGate(grpc, authenticate)] }),
  })
  const watchers = new Set<Stream>()
  server.addService(milvusDefinition(), milvusHandlers(grpc, options))
  server.addService(healthDefinition(), healthHandlers(grpc, watchers))
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure())
  return {
    inject: connection => injector.injectConnection(connection),
    stop: graceMs => stopServer(server, watchers, graceMs),
  }
}

/** Who sent a call, by its metadata: set by the gate, read by the handler. */
const users = new WeakMap<Grpc.Metadata, string>()

/** Checks the login of a call before its message is read, so that strangers cannot send large ones. */
function loginGate(grpc: typeof Grpc, authenticate: Authenticate): Grpc.ServerInterceptor {
  return (method, call) => {
    // Health is for everybody: whoever watches a server has no account on it.
    if (method.path.startsWith(`/${HEALTH_SERVICE}/`)) return new grpc.ServerInterceptingCall(call)
    return new grpc.ServerInterceptingCall(call, {
      start: next =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            login(authenticate, metadata).then(
              user => {
                users.set(metadata, user)
                proceed(metadata)
              },
              error => call.sendStatus({ code: grpcCode(grpc, error), details: (error as Error).message }),
            )
          },
        }),
    })
  }
}

async function login(authenticate: Authenticate, metadata: Grpc.Metadata): Promise<string> {
  const header = metadata.get('authorization')[0]?.toString()
  return checkCredentials(authenticate, grpcCredentials(header))
}

function stopServer(server: Grpc.Server, watchers: ReadonlySet<Stream>, graceMs: number): Promise<void> {
  for (const call of watchers) {
    call.write(encode(HealthCheckResponse, { status: ServingStatus.notServing }))
    call.end()
  }
  return new Promise(resolve => {
    const timer = setTimeout(() => {
      server.forceShutdown()
      resolve()
    }, graceMs)
    server.tryShutdown(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

const asIs = (bytes: Buffer): Buffer => bytes

function methodDefinition(service: string, name: string, streams: 'none' | 'response' | 'both'): object {
  return {
    path: `/${service}/${name}`,
    requestStream: streams === 'both',
    responseStream: streams !== 'none',
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  }
}

function milvusDefinition(): Grpc.ServiceDefinition {
  const definition: Record<string, object> = {}
  for (const name of Object.keys(METHODS)) definition[name] = methodDefinition(MILVUS_SERVICE, name, 'none')
  for (const name of Object.keys(REFUSED)) definition[name] = methodDefinition(MILVUS_SERVICE, name, 'both')
  return definition as unknown as Grpc.ServiceDefinition
}

function milvusHandlers(grpc: typeof Grpc, options: GrpcOptions): Grpc.UntypedServiceImplementation {
  const handlers: Record<string, Grpc.UntypedHandleCall> = {}
  for (const name of Object.keys(METHODS) as MethodName[]) handlers[name] = unaryHandler(grpc, options, name)
  for (const [name, why] of Object.entries(REFUSED)) {
    // Refused before the request is read, whatever its shape: a unary client sees the same trailers.
    handlers[name] = (call: Duplexed) => {
      call.emit('error', {
        code: grpc.status.UNIMPLEMENTED,
        details: `${name} is not served by a single process: ${why}`,
      })
    }
  }
  return handlers
}

function unaryHandler(grpc: typeof Grpc, options: GrpcOptions, name: MethodName): Grpc.UntypedHandleCall {
  return (call: Unary, done: Grpc.sendUnaryData<Buffer>) => {
    answer(options, name, call).then(
      bytes => done(null, bytes),
      error => {
        done({ code: grpcCode(grpc, error), details: error instanceof Error ? error.message : String(error) })
      },
    )
  }
}

/** gRPC's own code of what `answer` rejects with. */
function grpcCode(grpc: typeof Grpc, error: unknown): number {
  if (error instanceof AuthError) return grpc.status.UNAUTHENTICATED
  if (error instanceof PermissionError) return grpc.status.PERMISSION_DENIED
  // Too many logins at once: clients do not retry this one.
  if (error instanceof MilvusError && error.reason === 'TooManyRequests')
    return grpc.status.RESOURCE_EXHAUSTED
  return grpc.status.INVALID_ARGUMENT
}

/** Bytes of the answer. Rejects only for missing privileges and malformed messages. */
async function answer(options: GrpcOptions, name: MethodName, call: Unary): Promise<Buffer> {
  const { request: requestTable, response: responseTable } = METHODS[name]
  const context = contextOf(call)
  const request = decode(requestTable as Message<object>, call.request)
  try {
    const run = options.calls[name] as (request: unknown, context: CallContext) => Promise<object | Buffer>
    const value = await run(request, context)
    return Buffer.isBuffer(value) ? value : success(responseTable as Message<object>, value)
  } catch (error) {
    if (error instanceof PermissionError) throw error
    const { code, input } = describeError(error)
    if (code === UNEXPECTED && !input) options.warn(`${name}: ${trace(error)}`)
    return failure(name, responseTable as Message<object>, request, error)
  }
}

function trace(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** The answer of a success. Its Status is empty but must be there: clients read `status.error_code` unguarded. */
function success(table: Message<object>, value: object): Buffer {
  return encode(
    table,
    (table.name === Status.name ? value : { [statusKey(table)]: SUCCESS, ...value }) as object,
  )
}

/** Name of the Status field: every response but one has the same. */
function statusKey(table: Message<object>): string {
  return 'alter_status' in table.shape ? 'alter_status' : 'status'
}

/** The answer that carries an error. */
function failure(name: MethodName, table: Message<object>, request: object, error: unknown): Buffer {
  switch (name) {
    case 'Insert':
    case 'Upsert':
      return failedMutation(error, request as Request<'Insert'>)
    case 'Search':
    case 'HybridSearch':
      return failedSearch(error)
    case 'Query':
      return failedQuery(error)
    case 'DescribeCollection':
      // Old clients know a missing collection by the old code 1 and the text.
      return encode(table, { status: statusOf(error, isMissing(error) ? 1 : undefined) } as object)
    default: {
      const status = statusOf(error, legacyOf(name, error))
      return encode(table, (table.name === Status.name ? status : { [statusKey(table)]: status }) as object)
    }
  }
}

/** Old enum values of the methods about users and roles, for errors without a code of their own. */
const ACCESS_FAILURES: { readonly [N in MethodName]?: number } = {
  CreateCredential: 29,
  UpdateCredential: 30,
  DeleteCredential: 31,
  ListCredUsers: 33,
  CreateRole: 35,
  DropRole: 36,
  OperateUserRole: 37,
  SelectRole: 38,
  SelectUser: 39,
  OperatePrivilege: 41,
  OperatePrivilegeV2: 41,
  SelectGrant: 42,
  CreatePrivilegeGroup: 58,
  DropPrivilegeGroup: 59,
  ListPrivilegeGroups: 60,
  OperatePrivilegeGroup: 61,
}

function legacyOf(name: MethodName, error: unknown): number | undefined {
  return describeError(error).code === UNEXPECTED ? ACCESS_FAILURES[name] : unclassified(name, error)
}

function isMissing(error: unknown): boolean {
  return error instanceof MilvusError && error.reason === 'CollectionNotFound'
}

function contextOf(call: Unary): CallContext {
  const database = call.metadata.get('dbname')[0]?.toString() ?? ''
  return {
    database: database === '' ? DEFAULT_DATABASE : database,
    user: users.get(call.metadata) ?? '',
  }
}

function healthDefinition(): Grpc.ServiceDefinition {
  return {
    Check: methodDefinition(HEALTH_SERVICE, 'Check', 'none'),
    Watch: methodDefinition(HEALTH_SERVICE, 'Watch', 'response'),
  } as unknown as Grpc.ServiceDefinition
}

/**
 * Healthy while the server runs; the overall status is the empty service name. What a handler throws grpc-js reports as
 * UNKNOWN, with the stack, so a malformed request is answered here.
 */
function healthHandlers(grpc: typeof Grpc, watchers: Set<Stream>): Grpc.UntypedServiceImplementation {
  const malformed = { code: grpc.status.INVALID_ARGUMENT, details: 'malformed protobuf message' }
  const statusFor = (request: Buffer): number | null => {
    try {
      const { service } = decode(HealthCheckRequest, request)
      const known = service === '' || service === MILVUS_SERVICE || service === HEALTH_SERVICE
      return known ? ServingStatus.serving : ServingStatus.serviceUnknown
    } catch (error) {
      if (error instanceof MilvusError) return null
      throw error
    }
  }
  return {
    Check: (call: Unary, done: Grpc.sendUnaryData<Buffer>) => {
      const status = statusFor(call.request)
      if (status === null) done(malformed)
      else if (status === ServingStatus.serving) done(null, encode(HealthCheckResponse, { status }))
      else done({ code: grpc.status.NOT_FOUND, details: 'unknown service' })
    },
    Watch: (call: Stream) => {
      const status = statusFor(call.request)
      if (status === null) {
        call.emit('error', malformed)
        return
      }
      watchers.add(call)
      call.on('cancelled', () => watchers.delete(call))
      call.write(encode(HealthCheckResponse, { status }))
    },
  }
}
