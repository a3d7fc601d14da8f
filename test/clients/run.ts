/**
 * `npm run test:clients [-- name ...]`: real clients, each in its own language, against a server of this build.
 *
 * Each folder of test/clients with a client.json is one client. It is copied to test/clients/.work/<name> (what was
 * installed there stays), installed, and run in two phases with restarts between them: the server is killed, started,
 * stopped in order, and started again on the same directory, and nothing may be gone.
 *
 * A client whose tools are missing is skipped, and fails when CI=true. The last line is `N passed, N failed`; the exit
 * code is 1 when anything failed. A phase that exits with an error, or reports nothing, is a failure of its own.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ClientFile, type Command, readClientFile } from './client-file.js'
import { endAll, run, type Server, startServer } from './commands.js'
import { addChecks, type Checks, type Failure, readChecks } from './tap-lines.js'

const PHASE_TIMEOUT_MS = 600_000
const INSTALL_TIMEOUT_MS = 1_200_000
const TOOLCHAIN_TIMEOUT_MS = 60_000

/** Lines of a program's output that are shown when it failed. */
const TAIL_LINES = 40

const KESTREL = fileURLToPath(new URL('../../bundle/kestrel.js', import.meta.url))

/** test/clients of the repository: the sources, wherever the build went. */
function clientsFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) {
    if (dirname(folder) === folder) throw new Error('no package.json above this file')
    folder = dirname(folder)
  }
  return join(folder, 'test', 'clients')
}

/** Databases of this run; an interrupted run removes what is left of them. */
const directories = new Set<string>()

function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  directories.delete(directory)
}

const say = (line: string): void => console.log(line)

const tail = (text: string): string[] => text.trimEnd().split(/\r?\n/).slice(-TAIL_LINES)

const oneFailure = (what: string, diagnostics: readonly string[] = []): Checks => ({
  passed: 0,
  failures: [{ what, diagnostics }],
  skipped: [],
  version: undefined,
})

/** The first tool that does not answer, with its command; undefined when all do. */
async function missingTool(commands: readonly Command[], cwd: string): Promise<string | undefined> {
  for (const command of commands) {
    const ended = await run(command, cwd, TOOLCHAIN_TIMEOUT_MS)
    if (ended.code !== 0) return command.join(' ')
  }
  return undefined
}

/** Puts the client's files into its work folder. What an earlier run installed there is kept. */
function copyFiles(clients: string, name: string, shares: readonly string[]): string {
  const work = join(clients, '.work', name)
  mkdirSync(work, { recursive: true })
  const installed = new Set(['node_modules', '.venv', '__pycache__'])
  for (const from of [...shares, name]) {
    cpSync(join(clients, from), work, {
      recursive: true,
      filter: path => !installed.has(basename(path)) && (from === name || basename(path) !== 'client.json'),
    })
  }
  return work
}

async function install(client: ClientFile, work: string): Promise<Checks | undefined> {
  for (const command of client.install) {
    const ended = await run(command, work, INSTALL_TIMEOUT_MS)
    if (ended.code === 0) continue
    const why = ended.trouble ?? `exit code ${ended.code}`
    return oneFailure(`install: ${command.join(' ')}: ${why}`, tail(ended.stdout + ended.stderr))
  }
  return undefined
}

async function runPhase(
  phase: string,
  command: Command,
  work: string,
  server: Server,
  more: Readonly<Record<string, string>> = {},
): Promise<Checks> {
  const env = {
    ...process.env,
    KESTREL_ADDRESS: server.address,
    KESTREL_URI: `http://${server.address}`,
    ...more,
  }
  const ended = await run(command, work, PHASE_TIMEOUT_MS, env)
  const checks = readChecks(ended.stdout)
  const news: Failure[] = []
  const counted = checks.passed + checks.failures.length + checks.skipped.length
  if (counted === 0) news.push({ what: `phase ${phase} reports nothing`, diagnostics: tail(ended.stdout) })
  // An exit code of failure is what failed checks lead to; without any it is news.
  if (ended.code !== 0 && (ended.code === undefined || checks.failures.length === 0)) {
    const why = ended.trouble ?? `exit code ${ended.code}`
    news.push({ what: `phase ${phase}: ${why}`, diagnostics: tail(ended.stderr) })
  }
  if (!server.runs())
    news.push({ what: `the server ended in phase ${phase}`, diagnostics: tail(server.complaints()) })
  return { ...checks, failures: [...checks.failures, ...news] }
}

/** Both phases on a fresh directory, with the restarts between them. */
async function runPhases(client: ClientFile, work: string): Promise<Checks> {
  const directory = mkdtempSync(join(tmpdir(), 'kestrel-client-'))
  directories.add(directory)
  const results: Checks[] = []
  let server: Server | undefined
  try {
    server = await startServer(KESTREL, directory)
    results.push(await runPhase('before', client.phases.before, work, server))
    await server.stop('SIGKILL')
    for (const phase of ['reopen', 'after'] as const) {
      server = await startServer(KESTREL, directory)
      if (phase === 'after') results.push(await runPhase(phase, client.phases.after, work, server))
      const code = await server.stop('SIGTERM')
      if (code !== 0)
        results.push(oneFailure(`the server stops with exit code ${code}`, tail(server.complaints())))
    }
  } catch (error) {
    results.push(oneFailure(String(error)))
  } finally {
    if (server?.runs() === true) await server.stop('SIGKILL')
    removeDirectory(directory)
  }
  return addChecks(results)
}

/** The secured phase, on a fresh directory: logins, and TLS with a certificate for `localhost`. */
async function runSecured(command: Command, work: string, fixtures: string): Promise<Checks> {
  const directory = mkdtempSync(join(tmpdir(), 'kestrel-client-'))
  directories.add(directory)
  const results: Checks[] = []
  let server: Server | undefined
  try {
    const [cert, key] = ['server.pem', 'server.key'].map(name => join(fixtures, name)) as [string, string]
    server = await startServer(KESTREL, directory, ['--auth', '--tls-cert', cert, '--tls-key', key])
    const address = server.address.replace('127.0.0.1', 'localhost')
    const env = { KESTREL_ADDRESS: address, KESTREL_URI: `https://${address}`, KESTREL_CA: cert }
    results.push(await runPhase('secured', command, work, server, env))
    const code = await server.stop('SIGTERM')
    if (code !== 0)
      results.push(oneFailure(`the server stops with exit code ${code}`, tail(server.complaints())))
  } catch (error) {
    results.push(oneFailure(String(error)))
  } finally {
    if (server?.runs() === true) await server.stop('SIGKILL')
    removeDirectory(directory)
  }
  return addChecks(results)
}

async function runClient(clients: string, name: string): Promise<Checks> {
  const started = performance.now()
  const client = readClientFile(join(clients, name))
  const missing = await missingTool(client.toolchain, clients)
  if (missing !== undefined) {
    if (process.env['CI'] === 'true') {
      say(`${name}: the toolchain is missing: ${missing}`)
      return oneFailure(`${name}: the toolchain is missing: ${missing}`)
    }
    say(`${name}: skipped, the toolchain is missing: ${missing}`)
    return addChecks([])
  }
  const work = copyFiles(clients, name, client.shares)
  const { secured } = client.phases
  const phases = async (): Promise<Checks> =>
    addChecks([
      await runPhases(client, work),
      ...(secured === undefined ? [] : [await runSecured(secured, work, join(clients, '../fixtures/tls'))]),
    ])
  const checks = (await install(client, work)) ?? (await phases())
  const seconds = Math.round((performance.now() - started) / 1_000)
  const skipped = checks.skipped.length === 0 ? '' : `, ${checks.skipped.length} skipped`
  const version = checks.version === undefined ? '' : ` (${checks.version})`
  say(`${name}: ${checks.passed} passed, ${checks.failures.length} failed${skipped}${version}, ${seconds} s`)
  for (const failure of checks.failures) {
    say(`  not ok - ${failure.what}`)
    for (const line of failure.diagnostics) say(`    ${line}`)
  }
  for (const what of checks.skipped) say(`  skipped - ${what}`)
  return checks
}

async function main(): Promise<void> {
  const clients = clientsFolder()
  const all = readdirSync(clients).filter(name => existsSync(join(clients, name, 'client.json')))
  const asked = process.argv.slice(2)
  const unknown = asked.filter(name => !all.includes(name))
  if (unknown.length > 0) throw new Error(`no client ${unknown.join(', ')}; there are ${all.join(', ')}`)
  if (!existsSync(KESTREL)) throw new Error(`${KESTREL} does not exist: run npm run build first`)
  const results: Checks[] = []
  for (const name of asked.length > 0 ? asked : all.sort()) results.push(await runClient(clients, name))
  const { passed, failures } = addChecks(results)
  say(`${passed} passed, ${failures.length} failed`)
  process.exitCode = failures.length === 0 ? 0 : 1
}

process.once('exit', () => {
  endAll()
  directories.forEach(removeDirectory)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
await main()
