/**
 * A server without an engine: answers are given call by call, so that a test sees exactly what crosses the wire.
 */
import { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import type { Authenticate } from '../../../lib/wire/auth.js'
import type { CallContext, Calls } from '../../../lib/wire/calls.js'
import type { MethodName } from '../../../lib/wire/descriptors.js'
import { METHODS } from '../../../lib/wire/descriptors.js'
import { openGrpc } from '../../../lib/wire/grpc.js'
import { openPort } from '../../../lib/wire/port.js'
import { notSupported } from '../../../lib/wire/status.js'

export interface Stub {
  readonly address: string
  readonly port: number
  /** Warnings so far. */
  readonly warnings: string[]
  close(): Promise<void>
}

export type StubCalls = { readonly [N in MethodName]?: Calls[N] }

const connected: StubCalls = {
  Connect: async () => ({ identifier: 7, server_info: { build_tags: 'v2.6.0' } }),
  GetVersion: async () => ({ version: 'v2.6.0' }),
}

/** Every method: the given ones, a handshake, and a refusal for the rest. */
export function stubCalls(given: StubCalls): Calls {
  const calls: Record<string, unknown> = {}
  for (const name of Object.keys(METHODS)) {
    calls[name] = async (_request: unknown, _context: CallContext) => {
      throw notSupported(name)
    }
  }
  return { ...calls, ...connected, ...given } as Calls
}

/** Listens on a free port of the loopback address. Methods without an answer are refused. */
export async function startStub(
  given: StubCalls,
  options: {
    readonly authenticate?: Authenticate
    readonly http?: (socket: Socket) => void
    readonly firstBytesMs?: number
  } = {},
): Promise<Stub> {
  const warnings: string[] = []
  const grpc = await openGrpc({
    calls: stubCalls(given),
    authenticate: options.authenticate ?? null,
    receiveBytesMax: 256 << 20,
    sendBytesMax: 512 << 20,
    warn: message => warnings.push(message),
  })
  const http = new HttpServer((_request, response) => response.end('plain'))
  const port = await openPort(
    { host: '127.0.0.1', port: 0, connectionsMax: 64, firstBytesMs: options.firstBytesMs ?? 5_000 },
    { http2: grpc.inject, http1: options.http ?? (socket => http.emit('connection', socket)) },
  )
  return {
    address: `127.0.0.1:${port.port}`,
    port: port.port,
    warnings,
    close: async () => {
      port.stopListening()
      await grpc.stop(2_000)
      await port.drain(0)
    },
  }
}
