/**
 * REST v2 (`POST /v2/vectordb/…`) over connections somebody else accepts.
 *
 * The door to fastify, loaded when a server starts and not before. Its quirks:
 *  - It wants to know content types; Milvus's server parses every body as JSON, and so do we (some clients send a header
 *    literally named `ContentType`).
 *  - A server that never listens keeps no track of its connections: the 'listening' event switches that on.
 *
 * Envelope: HTTP 200 with `{code, data}` or `{code, message}`; other statuses only for authentication (401), privileges
 * (403), unknown paths (404), time-outs (408) and what is no HTTP request or has too large a header (400, 431).
 */
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { invalid, MilvusError } from '../../base/errors.js'
import { parseJson, stringifyJson } from '../../base/json.js'
import { LIMITS } from '../../base/limits.js'
import { AuthError, type Authenticate, checkCredentials, PermissionError, restCredentials } from '../auth.js'
import { type Calls, DEFAULT_DATABASE } from '../calls.js'
import { parseBoolean } from '../key-values.js'
import { describeError, RestError, restErrorBody, UNEXPECTED } from '../status.js'
import { type Body, bodyError, canonicalKeys, jsonSchema, type RestContext, type Route } from './route.js'

export interface RestOptions {
  readonly calls: Calls
  readonly routes: readonly Route[]
  /** Checks credentials of every request; null = authentication is off. */
  readonly authenticate: Authenticate | null
  /** Largest body in bytes. */
  readonly receiveBytesMax: number
  /** Seconds a request may take unless its header says otherwise. */
  readonly timeoutSeconds: number
  /** Levels a body may nest; more than LIMITS.jsonDepthMax is never read. Default that. */
  readonly nestingMax?: number
  /** Pages beside the endpoints. Default none. */
  readonly pages?: readonly Page[]
  /** Told about every endpoint's answer; `ok` is false when its code is not 0. */
  readonly observePath?: (path: string, ok: boolean, ms: number) => void
  /** One line per error that is nobody's input. */
  readonly warn: (message: string) => void
}

/** Something to read with GET: health, figures. */
export interface Page {
  readonly path: string
  /** Who may read it when authentication is on; absent: everybody, without a login. */
  readonly readers?: (user: string) => boolean
  readonly answer: () => { readonly status: number; readonly type: string; readonly text: string }
}

/** A running REST endpoint without a listening socket of its own. */
export interface RestEndpoint {
  /** Takes over a connection. */
  inject(socket: Socket): void
  /** Ends idle connections and lets running requests finish. */
  stop(): Promise<void>
}

const PREFIX = '/v2/vectordb/'
const JSON_TYPE = 'application/json; charset=utf-8'
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE, UPDATE',
  'access-control-allow-headers': '*',
} as const

/** Loads fastify and registers the routes. */
export async function openRest(options: RestOptions): Promise<RestEndpoint> {
  const { fastify } = await import('fastify')
  let server: Server | undefined
  const app = fastify({
    bodyLimit: options.receiveBytesMax,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    schemaErrorFormatter: errors => bodyError(errors as Parameters<typeof bodyError>[0]),
    frameworkErrors: (_error, _request, reply) => notFound(reply as unknown as FastifyReply),
    clientErrorHandler: (error, socket) => refuse(error, socket),
    serverFactory: handler => {
      server = createServer(handler)
      return server
    },
  }) as unknown as FastifyInstance
  parseEverythingAsJson(app, options.nestingMax ?? LIMITS.jsonDepthMax)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(CORS)
    if (request.method === 'OPTIONS') await reply.code(204).send()
  })
  app.setErrorHandler((error, request, reply) => {
    failed.add(request)
    sendError(options, reply, error)
  })
  app.setNotFoundHandler((_request, reply) => notFound(reply))
  for (const route of options.routes) addRoute(app, options, route)
  for (const page of options.pages ?? []) addPage(app, options, page)
  await app.ready()
  const http = server!
  http.emit('listening')
  return {
    inject: socket => void http.emit('connection', socket),
    stop: async () => {
      http.closeIdleConnections()
      http.close()
      await app.close()
    },
  }
}

function notFound(reply: FastifyReply): void {
  void reply.code(404).type('text/plain').send('404 page not found')
}

/** Answers what is no HTTP, has too large a header or takes too long over it, and ends the connection. */
function refuse(error: Error & { readonly code?: string }, socket: Socket): void {
  if (socket.destroyed || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  const body = stringifyJson(restErrorBody(new RestError('notJson', status.slice(4).toLowerCase())))
  const head = `content-type: ${JSON_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`
  socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`, () => socket.destroy())
}

function parseEverythingAsJson(app: FastifyInstance, nestingMax: number): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, parseBody(text as string, nestingMax))
    } catch (error) {
      done(error as Error)
    }
  })
}

function parseBody(text: string, nestingMax: number): Body {
  if (text.trim() === '') throw emptyBody()
  if (nestingMax < LIMITS.jsonDepthMax && nestsDeeper(text, nestingMax)) {
    throw new RestError('notJson', `the request body nests deeper than ${nestingMax} levels`)
  }
  let body: unknown
  try {
    body = parseJson(text)
  } catch (error) {
    throw new RestError('notJson', describeError(error).text)
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new RestError('notJson', 'the request body must be a JSON object')
  }
  return body as Body
}

/** True when JSON text opens more than `levels` brackets at once; brackets inside strings do not count. */
function nestsDeeper(text: string, levels: number): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === 0x5c) i++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > levels) return true
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return false
}

function emptyBody(): RestError {
  return new RestError('notJson', 'the request body should be nil, however {} is valid')
}

/** Requests that were answered with an error. */
const failed = new WeakSet<FastifyRequest>()

function addPage(app: FastifyInstance, options: RestOptions, page: Page): void {
  app.get(page.path, async (request, reply) => {
    const { readers } = page
    if (readers !== undefined && options.authenticate !== null) {
      reply.header('www-authenticate', 'Basic realm="kestrel"')
      const user = await userOf(options, request)
      if (!readers(user)) throw new PermissionError(`permission deny to ${user} for ${page.path}`)
      reply.removeHeader('www-authenticate')
    }
    const { status, type, text } = page.answer()
    return reply.code(status).type(type).send(text)
  })
}

/** Who sent a request, once its credentials were checked. */
const users = new WeakMap<FastifyRequest, string>()

function addRoute(app: FastifyInstance, options: RestOptions, route: Route): void {
  const { observePath } = options
  app.post(PREFIX + route.path, {
    ...(observePath === undefined
      ? {}
      : {
          onResponse: async (request: FastifyRequest, reply: FastifyReply) =>
            observePath(route.path, !failed.has(request), reply.elapsedTime),
        }),
    schema: { body: jsonSchema(route.body) },
    onRequest: async request => {
      // Authentication comes before the body is read, let alone before anything is said about it.
      users.set(request, await userOf(options, request))
    },
    preValidation: async request => {
      if (request.body === undefined || request.body === null) throw emptyBody()
      request.body = canonicalKeys(route.body, request.body as Body)
    },
    handler: async (request, reply) => {
      const body = request.body as Body
      const context = contextOf(options, request, body)
      const seconds = timeoutOf(request, options.timeoutSeconds)
      const answer = await within(seconds, route.run(body, context))
      return reply.type(JSON_TYPE).send(stringifyJson({ code: 0, ...answer.extra, data: answer.data }))
    },
  })
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

async function userOf(options: RestOptions, request: FastifyRequest): Promise<string> {
  if (options.authenticate === null) return ''
  const credentials = restCredentials(header(request, 'authorization'))
  if (credentials === null) throw new RestError('unauthenticated', '', 401)
  try {
    return await checkCredentials(options.authenticate, credentials)
  } catch (error) {
    if (error instanceof AuthError) throw new RestError('unauthenticated', '', 401)
    throw error
  }
}

function contextOf(options: RestOptions, request: FastifyRequest, body: Body): RestContext {
  const named = typeof body['dbName'] === 'string' ? body['dbName'] : ''
  const database = named === '' ? (header(request, 'db-name') ?? '') : named
  return {
    calls: options.calls,
    database: database === '' ? DEFAULT_DATABASE : database,
    user: users.get(request) ?? '',
    int64AsNumber: parseBoolean(header(request, 'accept-type-allow-int64') ?? '') ?? true,
  }
}

/** @throws MilvusError 1100 when the header is no whole number */
function timeoutOf(request: FastifyRequest, standard: number): number {
  const value = header(request, 'request-timeout')
  if (value === undefined || value === '') return standard
  if (!/^\d+$/.test(value))
    throw invalid(`Request-Timeout parse failed, err: "${value}" is not a whole number`)
  return Number(value)
}

/** The work's result, or a time-out error; the work itself goes on (a write is not undone half-way). */
function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  if (seconds === 0) return work
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new MilvusError('Timeout', 'request timeout', { bare: true })),
      seconds * 1000,
    )
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function sendError(options: RestOptions, reply: FastifyReply, error: unknown): void {
  const body = restErrorBody(unwrapped(error))
  const ours = body.code === UNEXPECTED && !describeError(error).input && !(error instanceof PermissionError)
  // A client that goes away in the middle of its request is its own affair.
  if (ours && (error as { code?: unknown }).code !== 'ECONNRESET')
    options.warn(`REST: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  void reply.code(httpStatusOf(error)).type(JSON_TYPE).send(stringifyJson(body))
}

/** Errors of the framework itself are about bodies: too large, cut short, of a strange encoding. */
function unwrapped(error: unknown): unknown {
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && code.startsWith('FST_ERR_CTP')) {
    return new RestError('notJson', (error as Error).message)
  }
  return error
}

function httpStatusOf(error: unknown): number {
  if (error instanceof RestError) return error.httpStatus
  if (error instanceof PermissionError) return 403
  if (error instanceof MilvusError && error.reason === 'Timeout') return 408
  return 200
}
