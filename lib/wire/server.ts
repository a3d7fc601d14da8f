/**
 * A running server: one engine, one port, both protocols.
 *
 * grpc-js and fastify are loaded here, by `openGrpc` and `openRest`, and nowhere else: a process that only embeds the
 * database never pays for them. The engine stays the caller's: closing the server ends connections, not the database.
 *
 * Stopping: no new connections, running calls finish within the grace time, what is left is cut.
 */
import { MilvusError } from '../base/errors.js'
import type { Engine } from '../engine/engine.js'
import type { Authenticate } from './auth.js'
import { engineCalls } from './engine-calls/all.js'
import { rowCalls } from './engine-calls/row-calls.js'
import { openGrpc } from './grpc.js'
import { openPort } from './port.js'
import { accessRoutes } from './rest/access-routes.js'
import { collectionRoutes } from './rest/collection-routes.js'
import { entityRoutes } from './rest/entity-routes.js'
import { indexRoutes } from './rest/index-routes.js'
import { nameRoutes } from './rest/name-routes.js'
import { openRest } from './rest/rest-server.js'

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
  /** Checks the credentials of every request. Default: none are asked for. */
  readonly authenticate?: Authenticate | null
  /** Milliseconds that running calls get when the server stops. Default 5,000. */
  readonly graceMs?: number
  /** One line per error that is nobody's input. Default: the engine's own warnings. */
  readonly warn?: (message: string) => void
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
  const { authenticate = null, graceMs = GRACE_MS, warn = engine.env.options.warn } = options
  const rows = rowCalls(engine)
  const calls = engineCalls(engine, rows)
  const shared = { calls, authenticate, receiveBytesMax: RECEIVE_BYTES_MAX, warn }
  const grpc = await openGrpc({ ...shared, sendBytesMax: SEND_BYTES_MAX })
  const rest = await openRest({
    ...shared,
    routes: [...collectionRoutes, ...indexRoutes, ...nameRoutes, ...accessRoutes, ...entityRoutes(rows)],
    timeoutSeconds: REST_TIMEOUT_SECONDS,
  })
  const { host = '127.0.0.1', port = DEFAULT_PORT } = options
  try {
    const listening = await openPort(
      { host, port, connectionsMax: CONNECTIONS_MAX, firstBytesMs: FIRST_BYTES_MS },
      { http2: grpc.inject, http1: rest.inject },
    )
    let closing: Promise<void> | null = null
    const close = async (): Promise<void> => {
      listening.stopListening()
      const restStopped = rest.stop()
      await Promise.all([grpc.stop(graceMs), atMost(graceMs, restStopped)])
      await listening.drain(0)
      await restStopped
    }
    return {
      address: listening.host,
      port: listening.port,
      close: () => {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    await Promise.all([grpc.stop(0), rest.stop()])
    throw error
  }
}

/** Returns when `work` is done, or after `ms` milliseconds; `work` goes on. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
