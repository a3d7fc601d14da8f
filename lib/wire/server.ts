/**
 * A running server: one engine, one port, both protocols.
 *
 * grpc-js and fastify are loaded here, by `openGrpc` and `openRest`, and nowhere else: a process that only embeds the
 * database never pays for them. The engine stays the caller's: closing the server ends connections, not the database.
 *
 * With `auth` the engine's own users and roles are enforced: calls are wrapped by the guard. Without, they are not.
 *
 * Stopping: no new connections, running calls finish within the grace time, what is left is cut.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { ROOT_PASSWORD } from '../engine/access-records.js'
import { initialRootPassword } from '../engine/access-users.js'
import type { Engine } from '../engine/engine.js'
import type { Authenticate, Credentials } from './auth.js'
import type { Calls } from './calls.js'
import { engineCalls } from './engine-calls/all.js'
import { rowCalls } from './engine-calls/row-calls.js'
import { openGrpc } from './grpc.js'
import { engineGuard, type Guard } from './guard.js'
import { ServerMetrics, type ServerState, unhealthyReasons } from './metrics.js'
import { callLine, countedRows, type Observe, observedCalls, observedRoutes } from './observe.js'
import { type OpenPort, openPort, type TlsFiles } from './port.js'
import { accessRoutes } from './rest/access-routes.js'
import { collectionRoutes } from './rest/collection-routes.js'
import { entityRoutes } from './rest/entity-routes.js'
import { guardedRoutes } from './rest/guarded-routes.js'
import { indexRoutes } from './rest/index-routes.js'
import { nameRoutes } from './rest/name-routes.js'
import { openRest, type Page } from './rest/rest-server.js'
import type { Route } from './rest/route.js'

/** Milvus's port. */
export const DEFAULT_PORT = 19530
/** Milvus's own limits (protocol §0.1). */
const RECEIVE_BYTES_MAX = 256 << 20
const SEND_BYTES_MAX = 512 << 20
const CONNECTIONS_MAX = 10_000
const FIRST_BYTES_MS = 10_000
const REST_TIMEOUT_SECONDS = 30
const GRACE_MS = 5_000

export interface ServerOptions {
  /** Address to listen on. Default 127.0.0.1: this machine only. */
  readonly host?: string
  /** Default 19530; 0 = any free port. */
  readonly port?: number
  /** Asks for a login and enforces the roles of the database's users. Default false. */
  readonly auth?: boolean
  /** Root's password when nobody has set one yet. Default `Milvus`, as in Milvus. Only with `auth`. */
  readonly rootPassword?: string | undefined
  /** Checks the credentials of every request instead of `auth`; who passes may do everything. Default: none. */
  readonly authenticate?: Authenticate | null
  /** Speaks TLS with these, and nothing else. Default: no TLS. */
  readonly tls?: TlsFiles | undefined
  /** Largest request in bytes. Default 256 MiB. */
  readonly requestBytesMax?: number
  /** Connections at once. Default 10,000. */
  readonly connectionsMax?: number
  /** Levels a REST body may nest. Default and most: 200. */
  readonly nestingMax?: number
  /** Seconds a REST request may take unless its header says otherwise; 0 = any. Default 30. */
  readonly timeoutSeconds?: number
  /** Version that `/metrics` and `/status` show. Default empty. */
  readonly version?: string
  /** Milliseconds a gRPC connection may be silent before it is pinged, and closed if it does not answer. Default 60,000. */
  readonly pingMs?: number
  /** Milliseconds that running calls get when the server stops. Default 5,000. */
  readonly graceMs?: number
  /** One line per error that is nobody's input. Default: the engine's own warnings. */
  readonly warn?: (message: string) => void
  /** One line per call: method, outcome, time, database, user. Default: none. */
  readonly debug?: ((message: string) => void) | undefined
}

export interface RunningServer {
  readonly address: string
  readonly port: number
  /** Stops listening, lets running calls finish and ends every connection. The engine stays open. */
  close(): Promise<void>
}

/**
 * Serves an open engine on one port.
 * @throws MilvusError ServiceUnavailable when the address cannot be listened on; ParameterInvalid for an engine that
 *   rounds Int64 values
 */
export async function startServer(engine: Engine, options: ServerOptions = {}): Promise<RunningServer> {
  const { int64As } = engine.env.options
  if (int64As === 'number') {
    throw new MilvusError(
      'ParameterInvalid',
      `int64As: expected auto, bigint or string for a database that is served, got ${int64As}, which rounds`,
    )
  }
  const { graceMs = GRACE_MS, warn = engine.env.options.warn, nestingMax = LIMITS.jsonDepthMax } = options
  checkLimits(options)
  const guard = options.auth === true ? await openGuard(engine, options) : null
  const metrics = new ServerMetrics(engine)
  const authenticate = countingFailures(guard?.authenticate ?? options.authenticate ?? null, metrics)
  let listening: OpenPort | null = null
  const state: ServerState = {
    version: options.version ?? '',
    authentication: authenticate !== null,
    tls: options.tls !== undefined,
    connections: () => listening?.connections() ?? 0,
  }
  const { calls, routes } = wiring(engine, metrics, guard, options.debug)
  const shared = { calls, authenticate, receiveBytesMax: options.requestBytesMax ?? RECEIVE_BYTES_MAX, warn }
  const { pingMs } = options
  const grpc = await openGrpc({
    ...shared,
    sendBytesMax: SEND_BYTES_MAX,
    ...(pingMs === undefined ? {} : { pingMs }),
  })
  const rest = await openRest({
    ...shared,
    routes,
    pages: pagesOf(engine, metrics, state, guard),
    observePath: (path, ok, ms) => metrics.observePath(path, ok, ms),
    nestingMax,
    timeoutSeconds: options.timeoutSeconds ?? REST_TIMEOUT_SECONDS,
  })
  const { host = '127.0.0.1', port = DEFAULT_PORT, connectionsMax = CONNECTIONS_MAX, tls } = options
  try {
    const opened = await openPort(
      { host, port, connectionsMax, firstBytesMs: FIRST_BYTES_MS, tls },
      { http2: grpc.inject, http1: rest.inject },
    )
    listening = opened
    let closing: Promise<void> | null = null
    const close = async (): Promise<void> => {
      opened.stopListening()
      const restStopped = rest.stop()
      await Promise.all([grpc.stop(graceMs), atMost(graceMs, restStopped)])
      await opened.drain(0)
      await restStopped
      metrics.close()
    }
    return {
      address: opened.host,
      port: opened.port,
      close: () => {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    metrics.close()
    await Promise.all([grpc.stop(0), rest.stop()])
    throw error
  }
}

function checkLimits(options: ServerOptions): void {
  const check = (name: string, value: number | undefined, min: number, max: number): void => {
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return
    throw invalid(`${name}: expected a whole number from ${min} to ${max}, got ${value}`)
  }
  check('requestBytesMax', options.requestBytesMax, 1024, 2 ** 31 - 1)
  check('connectionsMax', options.connectionsMax, 1, 1_000_000)
  check('nestingMax', options.nestingMax, 1, LIMITS.jsonDepthMax)
  check('pingMs', options.pingMs, 10, 86_400_000)
  check('timeoutSeconds', options.timeoutSeconds, 0, 86_400)
}

async function openGuard(engine: Engine, options: ServerOptions): Promise<Guard> {
  await initialRootPassword(engine, options.rootPassword ?? ROOT_PASSWORD)
  return engineGuard(engine)
}

/** The same check, with refused logins counted. */
function countingFailures(check: Authenticate | null, metrics: ServerMetrics): Authenticate | null {
  if (check === null) return null
  const counted = (passed: boolean): boolean => {
    if (!passed) metrics.countFailedLogin()
    return passed
  }
  return (credentials: Credentials) => {
    const passed = check(credentials)
    return typeof passed === 'boolean' ? counted(passed) : passed.then(counted)
  }
}

/** Calls and endpoints: counted, guarded when there is a guard, and told to the debug log when there is one. */
function wiring(
  engine: Engine,
  metrics: ServerMetrics,
  guard: Guard | null,
  debug: ServerOptions['debug'],
): { readonly calls: Calls; readonly routes: readonly Route[] } {
  const rows = countedRows(rowCalls(engine), metrics.countRows)
  const observe: Observe =
    debug === undefined
      ? metrics.observe
      : (method, context, ms, error) => {
          metrics.observe(method, context, ms, error)
          debug(callLine(method, context, ms, error))
        }
  const plain = engineCalls(engine, rows)
  const entities = entityRoutes(rows)
  return {
    calls: observedCalls(guard === null ? plain : guard.guarded(plain), observe),
    routes: [
      ...collectionRoutes,
      ...indexRoutes,
      ...nameRoutes,
      ...accessRoutes,
      ...observedRoutes(guard === null ? entities : guardedRoutes(entities, guard), observe),
    ],
  }
}

/** Health for everybody; figures name collections, so they are for users who may see them all. */
function pagesOf(
  engine: Engine,
  metrics: ServerMetrics,
  state: ServerState,
  guard: Guard | null,
): readonly Page[] {
  const readers = (user: string): boolean => guard?.readsFigures(user) ?? true
  return [
    {
      path: '/healthz',
      answer: () => {
        const reasons = unhealthyReasons(engine)
        const text = reasons.length === 0 ? 'OK' : 'not healthy: see the log and CheckHealth'
        return { status: reasons.length === 0 ? 200 : 500, type: 'text/plain; charset=utf-8', text }
      },
    },
    {
      path: '/metrics',
      readers,
      answer: () => ({
        status: 200,
        type: 'text/plain; version=0.0.4; charset=utf-8',
        text: metrics.text(state),
      }),
    },
    {
      path: '/status',
      readers,
      answer: () => ({
        status: 200,
        type: 'application/json; charset=utf-8',
        text: `${JSON.stringify(metrics.status(state), null, 2)}\n`,
      }),
    },
  ]
}

/** Returns when `work` is done, or after `ms` milliseconds; `work` goes on. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
