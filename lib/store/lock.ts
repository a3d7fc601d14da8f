/**
 * One process per directory: the file `kestrel.lock` names the holder.
 *
 * LevelDB has a lock of its own, but it cannot say who holds it, and it lets a process open a directory twice once
 * threads may share it. So we keep a file, created with O_EXCL, that says who: process id, when that process started,
 * host name. The file is a courtesy and a first gate; LevelDB's lock stays behind it as the last word (for example
 * when two containers with their own process ids share a volume).
 *
 * A lock is stale, and is taken over, when its process is gone or its number now belongs to another process. Linux
 * tells when a process started (/proc/<pid>/stat, field 22, in ticks since boot; the boot id makes it unique);
 * elsewhere a live process with that number counts as the holder.
 */
import { closeSync, openSync, realpathSync, writeSync } from 'node:fs'
import { mkdir, readFile, rename, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MilvusError } from '../base/errors.js'

/** File name of the lock inside the store's directory. */
export const LOCK_FILE = 'kestrel.lock'

export interface LockHolder {
  readonly pid: number
  /** Identifies the process among all that had its pid; empty where the system cannot tell. */
  readonly started: string
  readonly host: string
}

export interface Lock {
  /** Gives the directory free. May be called more than once. */
  release(): Promise<void>
}

/** Directories locked by this process (by this thread; other threads meet the file). */
const held = new Set<string>()
/** Tries at creating the file; each loses against somebody who took or freed the lock in between. */
const ATTEMPTS = 10
/** Wait for a holder that has created the file and not yet written its name into it. */
const UNWRITTEN_WAIT_MS = 20
/** Start of a process that has ended and is only waiting for its parent to notice. */
const ZOMBIE = 'zombie'

/**
 * Locks a directory for this process, creating the directory when it is missing.
 * @throws MilvusError StoreLocked with the holder's process id; IoFailed, DiskFull
 */
export async function acquireLock(directory: string): Promise<Lock> {
  try {
    await mkdir(directory, { recursive: true })
  } catch (cause) {
    throw fileError(directory, cause)
  }
  const place = realpathSync(directory)
  const self: LockHolder = { pid: process.pid, started: await startOf(process.pid), host: hostname() }
  if (held.has(place)) throw lockedError(directory, self)
  held.add(place)
  try {
    await takeFile(directory, join(place, LOCK_FILE), self)
  } catch (error) {
    held.delete(place)
    throw error
  }
  let released = false
  return {
    release: async () => {
      if (released) return
      released = true
      await release(place, self)
    },
  }
}

/** Who the lock file names, or undefined when there is no readable one. Does not check whether it still runs. */
export async function lockHolder(directory: string): Promise<LockHolder | undefined> {
  return parseHolder(await readLock(join(resolve(directory), LOCK_FILE)))
}

/** The StoreLocked error in our one wording. */
export function lockedError(directory: string, holder: LockHolder | undefined, cause?: unknown): MilvusError {
  let who = 'another process'
  if (holder !== undefined) {
    who = holder.pid === process.pid ? `this process (${holder.pid})` : `process ${holder.pid}`
    if (holder.host !== hostname()) who += ` on ${holder.host}`
  }
  return new MilvusError(
    'StoreLocked',
    `directory ${resolve(directory)} is open in ${who}; close it there or open another directory`,
    cause === undefined ? {} : { cause },
  )
}

async function takeFile(directory: string, file: string, self: LockHolder): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (createFile(directory, file, self)) return
    const text = await readLock(file)
    if (text === undefined) continue
    const holder = parseHolder(text)
    if (holder === undefined && attempt < ATTEMPTS / 2) {
      await sleep(UNWRITTEN_WAIT_MS)
      continue
    }
    if (holder !== undefined && (await isRunning(holder))) throw lockedError(directory, holder)
    await dropStale(directory, file, text, attempt)
  }
  throw lockedError(directory, await lockHolder(directory))
}

/** True when the file did not exist and now names us. */
function createFile(directory: string, file: string, self: LockHolder): boolean {
  let descriptor: number
  try {
    descriptor = openSync(file, 'wx', 0o644)
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false
    throw fileError(directory, cause)
  }
  try {
    writeSync(descriptor, `${JSON.stringify(self)}\n`)
  } catch (cause) {
    throw fileError(directory, cause)
  } finally {
    closeSync(descriptor)
  }
  return true
}

/**
 * Removes a lock file whose holder is gone. The rename makes sure that only one of several openers removes it, and
 * that it removes what it has read: a lock that somebody took in between is put back.
 */
async function dropStale(directory: string, file: string, text: string, attempt: number): Promise<void> {
  const aside = `${file}.stale.${process.pid}.${attempt}`
  try {
    await rename(file, aside)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return
    throw fileError(directory, cause)
  }
  if ((await readLock(aside)) !== text) {
    await rename(aside, file)
    throw lockedError(directory, await lockHolder(directory))
  }
  await removeFile(aside)
}

async function release(place: string, self: LockHolder): Promise<void> {
  const file = join(place, LOCK_FILE)
  const holder = parseHolder(await readLock(file))
  // Somebody else's name means that our lock was judged stale from another process namespace; theirs stays.
  if (holder?.pid === self.pid && holder.started === self.started && holder.host === self.host) {
    await removeFile(file)
  }
  held.delete(place)
}

async function removeFile(file: string): Promise<void> {
  try {
    await unlink(file)
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw fileError(file, cause)
  }
}

async function readLock(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw fileError(file, cause)
  }
}

function parseHolder(text: string | undefined): LockHolder | undefined {
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // Not our JSON: a file cut off by a power failure names nobody.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { pid, started, host } = value as Record<string, unknown>
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined
  if (typeof started !== 'string' || typeof host !== 'string') return undefined
  return { pid, started, host }
}

/** True when the very process that wrote the lock still runs, as far as the system can tell. */
async function isRunning(holder: LockHolder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    // ESRCH: no such process. EPERM: it runs, under another user.
    if (codeOf(error) === 'ESRCH') return false
    if (codeOf(error) !== 'EPERM') throw error
  }
  const started = await startOf(holder.pid)
  return started !== ZOMBIE && (started === '' || holder.started === '' || started === holder.started)
}

/** Boot id and start tick of a process; empty where the system does not tell. */
async function startOf(pid: number): Promise<string> {
  if (process.platform !== 'linux') return ''
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1')
    // The command name (field 2) may hold anything, also blanks and brackets: count from its closing bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return ZOMBIE
    return `${boot.trim()}:${fields[19] ?? ''}`
  } catch (error) {
    // No /proc, or the process ended meanwhile: unknown, which counts as "could be the holder".
    if (codeOf(error) !== '') return ''
    throw error
  }
}

function fileError(place: string, cause: unknown): MilvusError {
  const text = cause instanceof Error ? cause.message : String(cause)
  const full = codeOf(cause) === 'ENOSPC' || codeOf(cause) === 'EDQUOT'
  return new MilvusError(full ? 'DiskFull' : 'IoFailed', `cannot lock ${place}: ${text}`, { cause })
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
