/**
 * One port for both protocols: the first bytes of a connection say which one it speaks.
 *
 * With TLS the same port speaks TLS and nothing else, so that nobody sends a password in the clear by mistake. There the
 * handshake names the protocol (ALPN). We prefer HTTP/1.1 where a client offers both: gRPC clients offer only HTTP/2,
 * and whoever offers both (curl, Go's HTTP client) wants REST.
 *
 * An HTTP/2 client opens with the text `PRI * HTTP/2.0…`; no HTTP/1 request can. Whoever starts like that is handed to
 * gRPC, everybody else to the HTTP server, with the bytes already read put back first.
 *
 * Limits: connections at once, and the time a connection may stay silent before it says what it is. Stopping is
 * graceful: no new connections, running calls finish, what is still open after the grace time is cut.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { MilvusError } from '../base/errors.js'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** What a server needs to speak TLS, in PEM form. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** Certificate authority of clients: only clients with a certificate of it are let in. */
  readonly clientCa?: string
}

export interface PortOptions {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  /** Connections at once; further ones are closed at once. */
  readonly connectionsMax: number
  /** Milliseconds a new connection may take for its first bytes. */
  readonly firstBytesMs: number
  /** Absent: no TLS. */
  readonly tls?: TlsFiles | undefined
}

/** What takes connections over. */
export interface Protocols {
  readonly http2: (socket: Duplex) => void
  readonly http1: (socket: Socket) => void
}

/** A listening port. */
export interface OpenPort {
  readonly host: string
  readonly port: number
  /** Open connections. */
  connections(): number
  /** Takes no more connections; open ones go on. */
  stopListening(): void
  /** Waits until every connection is gone, at most `graceMs`, then cuts the rest. */
  drain(graceMs: number): Promise<void>
}

/** @throws MilvusError 2 when the address cannot be listened on */
export function openPort(options: PortOptions, protocols: Protocols): Promise<OpenPort> {
  const sockets = new Set<Socket>()
  const { tls, firstBytesMs } = options
  const server =
    tls === undefined
      ? createServer({ noDelay: true }, socket => sniff(socket, firstBytesMs, protocols))
      : tlsServer(tls, firstBytesMs, protocols)
  // Of the bare connections, whether TLS is spoken over them or not.
  server.prependListener('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.maxConnections = options.connectionsMax
  return new Promise((resolve, reject) => {
    server.once('error', cause => {
      const where = `${options.host}:${options.port}`
      reject(new MilvusError('ServiceUnavailable', `cannot listen on ${where}: ${cause.message}`, { cause }))
    })
    server.listen(options.port, options.host, () => resolve(portOf(server, sockets)))
  })
}

function tlsServer(tls: TlsFiles, firstBytesMs: number, protocols: Protocols): Server {
  const options = {
    noDelay: true,
    cert: tls.cert,
    key: tls.key,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1', 'h2'],
    handshakeTimeout: firstBytesMs,
    ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
  } as const
  const server = createTlsServer({ ...options, ALPNProtocols: [...options.ALPNProtocols] }, socket => {
    if (socket.alpnProtocol === 'h2') protocols.http2(socket)
    else sniff(socket, firstBytesMs, protocols)
  })
  // A failed handshake is the client's affair; without this nothing would close its connection.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

function portOf(server: Server, sockets: ReadonlySet<Socket>): OpenPort {
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address : { address: '', port: 0 }
  let closed: Promise<void> | null = null
  const stopListening = (): void => {
    closed ??= new Promise(resolve => server.close(() => resolve()))
  }
  return {
    host: bound.address,
    port: bound.port,
    connections: () => sockets.size,
    stopListening,
    drain: async graceMs => {
      stopListening()
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}

/** Reads until the protocol is clear, puts the bytes back and hands the socket over. */
function sniff(socket: Socket, firstBytesMs: number, protocols: Protocols): void {
  let seen: Buffer = Buffer.alloc(0)
  const forget = (): void => {
    socket.off('data', onData)
    socket.off('error', onError)
    socket.off('timeout', onTimeout)
    socket.setTimeout(0)
  }
  const onError = (): void => {
    forget()
    socket.destroy()
  }
  const onTimeout = (): void => onError()
  const onData = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
    const length = Math.min(seen.length, PREFACE.length)
    const matches = seen.compare(PREFACE, 0, length, 0, length) === 0
    if (matches && seen.length < PREFACE.length) return
    forget()
    socket.pause()
    socket.unshift(seen)
    if (matches) protocols.http2(socket)
    else protocols.http1(socket)
    // Each server starts reading by itself; HTTP/1 needs the nudge after it has attached its parser.
    if (!matches) process.nextTick(() => socket.resume())
  }
  socket.on('data', onData)
  socket.on('error', onError)
  socket.setTimeout(firstBytesMs, onTimeout)
}
