/**
 * Runs one command of a client to its end, and the server beside it.
 *
 * The one idea: every command gets its own process group, so that a timeout ends what it has started as well, and
 * nothing outlives the run. Output is kept, not printed: the runner shows it when something failed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Command } from './client-file.js'

export interface Ended {
  /** Exit code; undefined when the program could not be started, was ended by a signal, or ran too long. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
  /** Why `code` is undefined. */
  readonly trouble: string | undefined
}

const groups = new Set<ChildProcess>()

/** Ends a command and whatever it started. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // gone already
  }
}

/** Ends everything that still runs; for the end of this process. */
export function endAll(): void {
  for (const child of groups) endGroup(child)
}

/**
 * Runs a command.
 *
 * @param timeoutMs - after this it is ended, with its children
 */
export async function run(
  command: Command,
  cwd: string,
  timeoutMs: number,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  const [program, ...args] = command
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  groups.add(child)
  let stdout = ''
  let stderr = ''
  let trouble: string | undefined
  child.stdout.setEncoding('utf8').on('data', chunk => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', chunk => {
    stderr += chunk
  })
  const timer = setTimeout(() => {
    trouble = `no end after ${timeoutMs / 1_000} s`
    endGroup(child)
  }, timeoutMs)
  const code = await new Promise<number | undefined>(resolve => {
    child.once('error', error => {
      trouble = error.message
      resolve(undefined)
    })
    child.once('close', (exit, signal) => {
      if (signal !== null) trouble ??= `ended by ${signal}`
      resolve(exit ?? undefined)
    })
  })
  clearTimeout(timer)
  groups.delete(child)
  return { code: trouble === undefined ? code : undefined, stdout, stderr, trouble }
}

/** A server process on a free port. */
export interface Server {
  readonly address: string
  /** What it printed on standard error; a healthy run prints nothing. */
  readonly complaints: () => string
  /** True while it runs. */
  readonly runs: () => boolean
  /** Sends the signal and waits for the end; the exit code, undefined after a kill. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | undefined>
}

/**
 * Starts `kestrel serve` on a directory.
 *
 * @throws Error with what it printed when it does not listen within 30 s
 */
export async function startServer(
  kestrel: string,
  directory: string,
  options: readonly string[] = [],
): Promise<Server> {
  const args = [kestrel, 'serve', directory, '--port', '0', ...options]
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  groups.add(child)
  let stdout = ''
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', chunk => {
    stderr += chunk
  })
  const ended = new Promise<number | undefined>(resolve => {
    child.once('close', exit => {
      groups.delete(child)
      resolve(exit ?? undefined)
    })
  })
  const address = await new Promise<string>((resolve, reject) => {
    const fail = (why: string): void => {
      endGroup(child)
      reject(new Error(`the server does not start: ${why}\n${stderr}`))
    }
    const timer = setTimeout(() => fail('no address after 30 s'), 30_000)
    child.stdout.setEncoding('utf8').on('data', chunk => {
      stdout += chunk
      const found = /listening on (127\.0\.0\.1:\d+)/.exec(stdout)
      if (found === null) return
      clearTimeout(timer)
      resolve(found[1]!)
    })
    void ended.then(code => {
      clearTimeout(timer)
      fail(`exit code ${code}`)
    })
  })
  return {
    address,
    complaints: () => stderr,
    runs: () => child.exitCode === null && child.signalCode === null,
    stop: signal => {
      child.kill(signal)
      return ended
    },
  }
}
