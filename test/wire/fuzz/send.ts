/** Sends one case and says what came back. An answer that never comes is told apart from one that is wrong. */
import { Agent, request as httpRequest } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import type { GrpcCase } from './grpc-cases.js'
import type { RestCase } from './rest-cases.js'
import type { SocketCase } from './socket-cases.js'

/** Generous: the machine may be busy with other tests. */
const PATIENCE_MS = 20_000

export interface Answer {
  /** HTTP status; 0 = the connection or stream ended without one. */
  readonly status: number
  /** gRPC status; -1 = none. */
  readonly grpcStatus: number
  readonly message: string
  readonly body: Buffer
}

/** Connections to one server. */
export interface Lines {
  grpc(one: GrpcCase): Promise<Answer | 'silence'>
  rest(one: RestCase): Promise<Answer | 'silence'>
  socket(one: SocketCase): Promise<Answer | 'silence'>
  close(): void
}

/** The work's answer, or 'silence' when it takes too long. */
function patiently(start: (done: (answer: Answer) => void) => () => void): Promise<Answer | 'silence'> {
  return new Promise(resolve => {
    const abandon = start(answer => {
      clearTimeout(timer)
      resolve(answer)
    })
    const timer = setTimeout(() => {
      abandon()
      resolve('silence')
    }, PATIENCE_MS)
  })
}

export function openLines(port: number): Lines {
  const sessions: (ClientHttp2Session | null)[] = [null, null, null]
  let turn = 0
  const session = (): ClientHttp2Session => {
    const at = turn++ % sessions.length
    const open = sessions[at]
    if (open !== null && open !== undefined && !open.closed && !open.destroyed) return open
    const fresh = connectHttp2(`http://127.0.0.1:${port}`)
    fresh.on('error', () => undefined) // its streams tell
    sessions[at] = fresh
    return fresh
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 24 })
  return {
    grpc: async one => {
      const send = () => patiently(done => sendGrpc(session(), one, done))
      const answer = await send()
      // The connection was being closed: the request was not looked at, and clients send it again.
      return answer !== 'silence' && answer.message.includes('NGHTTP2_REFUSED_STREAM') ? send() : answer
    },
    rest: one => patiently(done => sendRest(agent, port, one, done)),
    socket: one => patiently(done => sendBytes(port, one, done)),
    close: () => {
      agent.destroy()
      for (const open of sessions) open?.destroy()
    },
  }
}

function sendGrpc(session: ClientHttp2Session, one: GrpcCase, done: (answer: Answer) => void): () => void {
  const stream = session.request({ ':method': 'POST', ':path': one.path, ...one.headers })
  let status = 0
  let grpcStatus = -1
  let message = ''
  const chunks: Buffer[] = []
  const read = (headers: Record<string, unknown>): void => {
    if (headers['grpc-status'] !== undefined) grpcStatus = Number(headers['grpc-status'])
    if (headers['grpc-message'] !== undefined) message = String(headers['grpc-message'])
  }
  stream.on('response', headers => {
    status = Number(headers[':status'])
    read(headers)
  })
  stream.on('trailers', read)
  stream.on('data', chunk => chunks.push(chunk as Buffer))
  stream.on('error', error => {
    message = error.message
  })
  stream.on('close', () => done({ status, grpcStatus, message, body: Buffer.concat(chunks) }))
  if (one.ending === 'resets') {
    stream.write(one.body)
    setImmediate(() => stream.close(8))
  } else stream.end(one.body)
  return () => stream.close(8)
}

function sendRest(agent: Agent, port: number, one: RestCase, done: (answer: Answer) => void): () => void {
  const { method, path, headers } = one
  const chunks: Buffer[] = []
  const finish = (status: number, message = ''): void =>
    done({ status, grpcStatus: -1, message, body: Buffer.concat(chunks) })
  const call = httpRequest(
    {
      agent,
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { ...headers, 'content-length': one.body.length },
    },
    response => {
      response.on('data', chunk => chunks.push(chunk as Buffer))
      response.on('end', () => finish(response.statusCode ?? 0))
      response.on('error', error => finish(0, error.message))
    },
  )
  call.on('error', error => finish(0, error.message))
  call.end(one.body)
  return () => call.destroy()
}

/** The status of the first line that comes back on a bare connection. */
function sendBytes(port: number, one: SocketCase, done: (answer: Answer) => void): () => void {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', chunk => {
    chunks.push(chunk)
    if (one.ending === 'waits') socket.end()
  })
  socket.on('error', () => undefined) // a reset is an end
  socket.on('close', () => {
    const body = Buffer.concat(chunks)
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(body.toString('latin1', 0, 20))?.[1] ?? 0)
    done({ status, grpcStatus: -1, message: '', body })
  })
  socket.on('connect', () => {
    if (one.ending === 'half-closes') socket.end(one.bytes)
    else if (one.ending === 'waits') socket.write(one.bytes)
    else socket.write(one.bytes, () => socket.destroy())
  })
  return () => socket.destroy()
}
