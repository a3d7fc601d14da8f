/**
 * `kestrel serve <directory>`: the database behind Milvus's port, until a signal ends it.
 *
 * Loaded only by that command, because it brings the servers' libraries along. Whoever can reach the port can read and
 * write everything, so without credentials it listens on this machine only, unless told otherwise in so many words.
 *
 * First SIGINT or SIGTERM: no new connections, running calls end, the database is closed. Second one: exit at once,
 * which loses nothing that was acknowledged.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { invalid, MilvusError } from '../base/errors.js'
import { open } from '../client/database.js'
import { type Credentials, splitToken } from '../wire/auth.js'
import { type RunningServer, startServer } from '../wire/server.js'
import { portHolder } from './port-holder.js'

/** Options as the command line gives them. */
export interface ServeOptions {
  readonly port: string
  readonly host: string
  readonly durability: string
  readonly logLevel: string
  /** File with one `user:password` (or one API key) per line. */
  readonly auth?: string
  readonly insecureNoAuth?: boolean
}

export const LOG_LEVELS = ['info', 'warn', 'silent'] as const
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** Exit code of a process that a second signal ends: 128 + SIGINT. */
const EXIT_INTERRUPTED = 130

/**
 * Serves until a signal comes.
 * @throws MilvusError for wrong options, a locked directory or a busy port (naming the holder)
 */
export async function serve(directory: string, options: ServeOptions, version: string): Promise<void> {
  const port = portOf(options.port)
  const { info, warn } = logsOf(options.logLevel)
  checkExposure(options, warn)
  const authenticate = options.auth === undefined ? null : await credentialsOf(options.auth)
  const durability = durabilityOf(options.durability)
  const db = await open(directory, { durability, warn })
  try {
    const server = await listen(db.engine, { host: options.host, port, authenticate, warn })
    const stopped = untilSignal()
    info(`listening on ${addressText(server)} (gRPC and REST)`)
    info(`data directory ${directory}`)
    info(`durability ${durability}, kestreldb ${version}`)
    const signal = await stopped
    info(`${signal}: stopping`)
    await server.close()
  } finally {
    await db.close()
  }
  info('stopped')
}

async function listen(...[engine, options]: Parameters<typeof startServer>): Promise<RunningServer> {
  try {
    return await startServer(engine, options)
  } catch (error) {
    const code = (
      error instanceof MilvusError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
    )?.code
    const { host = '', port = 0 } = options ?? {}
    if (code !== 'EADDRINUSE') throw error
    const holder = (await portHolder(port)) ?? 'another process'
    throw new MilvusError(
      'ServiceUnavailable',
      `port ${port} of ${host} is held by ${holder}; choose another --port`,
      {
        cause: error,
      },
    )
  }
}

function addressText({ address, port }: RunningServer): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** The first signal; from then on a second one ends the process. */
function untilSignal(): Promise<string> {
  return new Promise(resolve => {
    let seen = false
    const onSignal = (signal: string): void => {
      if (seen) process.exit(EXIT_INTERRUPTED)
      seen = true
      resolve(signal)
    }
    for (const signal of SIGNALS) process.on(signal, onSignal)
  })
}

function portOf(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : -1
  if (port < 0 || port > 65_535) throw invalid(`--port: expected a number from 0 to 65535, got ${text}`)
  return port
}

function durabilityOf(text: string): 'sync' | 'os' {
  if (text === 'sync' || text === 'os') return text
  throw invalid(`--durability: expected sync or os, got ${text}`)
}

type Say = (line: string) => void

function logsOf(level: string): { readonly info: Say; readonly warn: Say } {
  if (!(LOG_LEVELS as readonly string[]).includes(level)) {
    throw invalid(`--log-level: expected one of ${LOG_LEVELS.join(', ')}, got ${level}`)
  }
  const nothing: Say = () => undefined
  return {
    info: level === 'info' ? line => console.log(`kestrel: ${line}`) : nothing,
    warn: level === 'silent' ? nothing : line => console.error(`kestrel: warning: ${line}`),
  }
}

/** @throws MilvusError ParameterInvalid when others could connect without credentials and nobody said that they may */
function checkExposure(options: ServeOptions, warn: Say): void {
  const { host, auth, insecureNoAuth = false } = options
  if (auth !== undefined || isLoopback(host)) return
  if (!insecureNoAuth) {
    throw invalid(
      `--host ${host} lets other machines in: give --auth <file>, or --insecure-no-auth to serve without credentials`,
    )
  }
  warn(`anybody who reaches ${host} can read and change everything: there is no authentication`)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** Reads the credentials file. @throws MilvusError ParameterInvalid when it cannot be read or is empty */
async function credentialsOf(path: string): Promise<(given: Credentials) => boolean> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw invalid(`--auth: ${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '' && !line.startsWith('#'))
  if (lines.length === 0) throw invalid(`--auth: ${path} holds no line user:password`)
  const known = lines.map(line => digestOf(splitToken(line)))
  return given => {
    const digest = digestOf(given)
    // Every line is compared, in constant time, so that the time taken tells nothing.
    let found = false
    for (const one of known) found = timingSafeEqual(one, digest) || found
    return found
  }
}

function digestOf({ user, password }: Credentials): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([user, password]))
    .digest()
}
