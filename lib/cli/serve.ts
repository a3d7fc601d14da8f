/**
 * `kestrel serve <directory>`: the database behind Milvus's port, until a signal ends it.
 *
 * Loaded only by that command, because it brings the servers' libraries along. Without authentication whoever can reach
 * the port can read and write everything, so then it listens on this machine only, unless told otherwise in so many
 * words. Nothing secret is printed at any level: no password, no token, no row.
 *
 * First SIGINT or SIGTERM: no new connections, running calls end, the database is closed. Second one: exit at once,
 * which loses nothing that was acknowledged.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { type Database, open } from '../client/database.js'
import { rootPasswordIsDefault } from '../engine/access-users.js'
import { type RunningServer, startServer } from '../wire/server.js'
import { portHolder } from './port-holder.js'
import { readTlsFiles } from './tls-files.js'

/** Options as the command line gives them. */
export interface ServeOptions {
  readonly port: string
  readonly host: string
  readonly durability: string
  readonly logLevel: string
  readonly auth?: boolean
  readonly insecureNoAuth?: boolean
  /** PEM files. */
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsClientCa?: string
  /** MiB. */
  readonly maxRequestSize: string
  readonly maxConnections: string
  readonly maxNesting: string
  /** Seconds. */
  readonly requestTimeout: string
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'silent'] as const
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** Exit code of a process that a second signal ends: 128 + SIGINT. */
const EXIT_INTERRUPTED = 130

/**
 * Serves until a signal comes.
 * @throws MilvusError for wrong options, a locked directory or a busy port (naming the holder)
 */
export async function serve(directory: string, options: ServeOptions, version: string): Promise<void> {
  const { info, warn, debug } = logsOf(options.logLevel)
  const limits = limitsOf(options)
  const durability = durabilityOf(options.durability)
  checkExposure(options, warn)
  const tls = await readTlsFiles(options, warn)
  const { host, auth = false } = options
  const db = await open(directory, { durability, warn })
  try {
    const rootPassword = process.env['KESTREL_ROOT_PASSWORD']
    const server = await listen(db.engine, { host, ...limits, auth, rootPassword, tls, version, warn, debug })
    const stopped = untilSignal()
    info(`listening on ${addressText(server)} (gRPC and REST${tls === undefined ? '' : ', TLS'})`)
    info(`data directory ${directory}`)
    info(`durability ${durability}, authentication ${auth ? 'on' : 'off'}, kestreldb ${version}`)
    if (auth) await warnOfDefaultPassword(db, warn)
    const signal = await stopped
    info(`${signal}: stopping`)
    await server.close()
  } finally {
    await db.close()
  }
  info('stopped')
}

/** Port and limits as the server takes them. @throws MilvusError ParameterInvalid naming the flag */
function limitsOf(options: ServeOptions) {
  return {
    port: numberOf('--port', options.port, 0, 65_535),
    requestBytesMax: numberOf('--max-request-size', options.maxRequestSize, 1, 2_047) * (1 << 20),
    connectionsMax: numberOf('--max-connections', options.maxConnections, 1, 1_000_000),
    nestingMax: numberOf('--max-nesting', options.maxNesting, 1, LIMITS.jsonDepthMax),
    timeoutSeconds: numberOf('--request-timeout', options.requestTimeout, 0, 86_400),
  }
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

function numberOf(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1
  if (value < min || value > max)
    throw invalid(`${flag}: expected a number from ${min} to ${max}, got ${text}`)
  return value
}

function durabilityOf(text: string): 'sync' | 'os' {
  if (text === 'sync' || text === 'os') return text
  throw invalid(`--durability: expected sync or os, got ${text}`)
}

type Say = (line: string) => void

interface Logs {
  readonly info: Say
  readonly warn: Say
  /** One line per call; absent unless asked for. */
  readonly debug?: Say
}

function logsOf(level: string): Logs {
  if (!(LOG_LEVELS as readonly string[]).includes(level)) {
    throw invalid(`--log-level: expected one of ${LOG_LEVELS.join(', ')}, got ${level}`)
  }
  const nothing: Say = () => undefined
  const print: Say = line => console.log(`kestrel: ${line}`)
  return {
    info: level === 'info' || level === 'debug' ? print : nothing,
    ...(level === 'debug' ? { debug: print } : {}),
    warn: level === 'silent' ? nothing : line => console.error(`kestrel: warning: ${line}`),
  }
}

/** @throws MilvusError ParameterInvalid when others could connect without credentials and nobody said that they may */
function checkExposure(options: ServeOptions, warn: Say): void {
  const { host, auth = false, insecureNoAuth = false, tlsCert } = options
  if (isLoopback(host)) return
  if (!auth) {
    if (!insecureNoAuth) {
      throw invalid(
        `--host ${host} lets other machines in: give --auth, or --insecure-no-auth to serve without credentials`,
      )
    }
    warn(`anybody who reaches ${host} can read and change everything: there is no authentication`)
  } else if (tlsCert === undefined) {
    warn(`passwords and rows travel to ${host} in the clear: give --tls-cert and --tls-key`)
  }
}

/** With authentication on, a password that everybody knows is worse than none: it looks safe. */
async function warnOfDefaultPassword(db: Database, warn: Say): Promise<void> {
  if (await rootPasswordIsDefault(db.engine)) {
    warn(
      "root still has Milvus's default password: change it (update_password), or set KESTREL_ROOT_PASSWORD",
    )
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
