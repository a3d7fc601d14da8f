#!/usr/bin/env node
/**
 * The command line: `kestrel <command> <directory>`. The one file that imports commander.
 *
 * Every command opens the database, does one thing, prints what a person wants to read, and closes it. Errors are one
 * line with what to do, and exit code 1; wrong usage is exit code 2.
 */
import { existsSync, readFileSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { Command, CommanderError, Option } from 'commander'
import { MilvusError } from '../base/errors.js'
import { type Database, open } from '../client/database.js'
import type { ServeOptions } from './serve.js'
import { columns, megabytes, thousands } from './text.js'

/** Version of the package this file is in, wherever the build has put it. */
function packageVersion(): string {
  for (const up of ['..', '../..', '../../..']) {
    const file = new URL(`${up}/package.json`, import.meta.url)
    if (!existsSync(file)) continue
    const about = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string }
    if (about.name === 'kestreldb' && about.version !== undefined) return about.version
  }
  return 'unknown'
}

async function withDatabase(directory: string, work: (db: Database) => Promise<void>): Promise<void> {
  try {
    await access(directory)
  } catch (cause) {
    throw new MilvusError(
      'ParameterInvalid',
      `directory ${directory} does not exist; name an existing database`,
      { cause },
    )
  }
  const db = await open(directory, { autoCompaction: false })
  try {
    await work(db)
  } finally {
    await db.close()
  }
}

async function info(directory: string): Promise<void> {
  await withDatabase(directory, async db => {
    const rows: string[][] = [
      ['DATABASE', 'COLLECTION', 'ROWS', 'DELETED', 'SEGMENTS', 'IN LOG', 'ON DISK', 'LOADED', 'INDEXES'],
    ]
    for (const database of await db.listDatabases()) {
      for (const name of await db.listCollections({ database })) {
        const collection = db.collection(name, { database })
        const about = await collection.describe()
        // Counting reads the keys and takes every delete into account; the figures of a released collection do not.
        const rowCount = about.loaded ? thousands(await collection.count()) : null
        const stats = await collection.stats()
        rows.push([
          database,
          name,
          rowCount ?? `≤ ${thousands(stats.rowCount)}`,
          thousands(stats.deletedRows),
          String(stats.segments.length),
          thousands(stats.growingRows),
          megabytes(stats.byteLength),
          about.loaded ? 'yes' : 'no',
          about.indexes.map(index => `${index.fieldName}:${index.indexType}`).join(', ') || '-',
        ])
      }
    }
    console.log(rows.length === 1 ? 'no collections' : columns(rows))
  })
}

async function compact(directory: string, names: readonly string[], database: string): Promise<void> {
  await withDatabase(directory, async db => {
    const wanted = names.length > 0 ? names : await db.listCollections({ database })
    for (const name of wanted) {
      const collection = db.collection(name, { database })
      const before = await collection.stats()
      await collection.compact()
      const after = await collection.stats()
      console.log(
        `${name}: ${before.segments.length} → ${after.segments.length} segments, ${megabytes(before.byteLength)} → ${megabytes(after.byteLength)}, ${thousands(after.rowCount)} rows`,
      )
    }
  })
}

function program(): Command {
  const command = new Command('kestrel')
    .description(
      "KestrelDB: Milvus's data model in one Node.js process. Serves, looks into and tidies up a database directory.",
    )
    .version(packageVersion())
    .showHelpAfterError()
    .exitOverride()
  command
    .command('info')
    .description('list databases, collections, rows, segments and indexes')
    .argument('<directory>', 'directory of the database, for example ./dev.db')
    .action(info)
  command
    .command('compact')
    .description('merge segments, purge deleted rows and build missing indexes')
    .argument('<directory>', 'directory of the database')
    .argument('[collections...]', 'collections to compact (default: all)')
    .option('-d, --database <name>', 'database the collections are in', 'default')
    .action((directory: string, names: string[], options: { database: string }) =>
      compact(directory, names, options.database),
    )
  command.addCommand(serveCommand())
  return command
}

/** The environment variable of a flag: `--tls-cert` is KESTREL_TLS_CERT. */
function variableOf(flags: string): string {
  return `KESTREL_${/--([\w-]+)/.exec(flags)![1]!.replaceAll('-', '_').toUpperCase()}`
}

/** A flag with a value, which an environment variable can give too. */
function flag(flags: string, text: string, standard?: string): Option {
  const option = new Option(flags, text).env(variableOf(flags))
  return standard === undefined ? option : option.default(standard)
}

/**
 * A flag without a value. Its variable is read here: commander would take every text for yes, `false` too.
 * @throws MilvusError ParameterInvalid when the variable says neither yes nor no
 */
function yes(flags: string, text: string): Option {
  const variable = variableOf(flags)
  const given = (process.env[variable] ?? '').toLowerCase()
  if (!['', '0', '1', 'false', 'true', 'no', 'yes'].includes(given)) {
    throw new MilvusError('ParameterInvalid', `${variable}: expected true or false, got ${given}`)
  }
  return new Option(flags, text).default(['1', 'true', 'yes'].includes(given))
}

function serveCommand(): Command {
  const command = new Command('serve')
    .description("serve a database on Milvus's port: gRPC for the SDKs, REST v2 for everything else")
    .argument('<directory>', 'directory of the database; created when it does not exist')
    .exitOverride()
    .showHelpAfterError()
    .configureHelp({
      helpWidth: 100,
      // The variables' names follow a rule that is said once, below.
      optionDescription: ({ description, defaultValue: standard }) =>
        typeof standard === 'string' ? `${description} (default ${standard})` : description,
    })
  const groups: readonly (readonly [string, readonly Option[]])[] = [
    [
      'Where and how:',
      [
        flag('-p, --port <number>', 'port to listen on, 0 = any free one', '19530'),
        flag('--host <address>', 'address to listen on', '127.0.0.1'),
        flag('--durability <mode>', 'answer writes when on disk (sync) or with the system (os)', 'sync'),
        flag('--log-level <level>', 'debug (one line per call), info, warn or silent', 'info'),
      ],
    ],
    [
      'Who may come in:',
      [
        yes('--auth', 'ask for user and password, and enforce roles; first login: root:Milvus'),
        yes('--insecure-no-auth', 'let other machines in without credentials'),
        flag('--tls-cert <file>', 'speak TLS only, with this certificate (PEM, chain included)'),
        flag('--tls-key <file>', 'private key of the certificate (PEM)'),
        flag('--tls-client-ca <file>', 'let in only clients with a certificate of this authority (PEM)'),
      ],
    ],
    [
      'Limits:',
      [
        flag('--max-request-size <MiB>', 'largest request', '256'),
        flag('--max-connections <number>', 'connections at once', '10000'),
        flag('--max-nesting <levels>', 'levels a REST body may nest, at most 200', '200'),
        flag('--request-timeout <seconds>', 'time for a REST request, 0 = any', '30'),
      ],
    ],
  ]
  for (const [heading, options] of groups) {
    command.optionsGroup(heading)
    for (const option of options) command.addOption(option)
  }
  return command
    .addHelpText(
      'after',
      `
Each option can be an environment variable as well: --tls-cert is KESTREL_TLS_CERT.
KESTREL_ROOT_PASSWORD sets root's password when --auth is used for the first time.
GET /healthz, /metrics (Prometheus) and /status (JSON) are on the same port.

Examples:
  kestrel serve ./dev.db
  KESTREL_ROOT_PASSWORD=... kestrel serve ./dev.db --auth --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem`,
    )
    .action(async (directory: string, options: ServeOptions) => {
      // Loaded here and not above: the other commands have no use for the servers' libraries.
      const { serve } = await import('./serve.js')
      await serve(directory, options, packageVersion())
    })
}

/** Output that nobody reads any more (`kestrel info | head`) is no reason to end, least of all for a server. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

try {
  await program().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    const code = error instanceof MilvusError ? ` (code ${error.code})` : ''
    console.error(`kestrel: ${error instanceof Error ? error.message : String(error)}${code}`)
    process.exitCode = 1
  }
}
