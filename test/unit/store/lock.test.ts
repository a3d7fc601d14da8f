import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { openLevelStore } from '../../../lib/store/level-store.js'
import { acquireLock, LOCK_FILE, lockHolder } from '../../../lib/store/lock.js'

/** A real second process that takes the lock, says so, and waits for a line on stdin to give it back. */
async function holderProcess(t: Test, directory: string, body: string): Promise<ChildProcess> {
  const lock = new URL('../../../lib/store/lock.js', import.meta.url).href
  const level = new URL('../../../lib/store/level-store.js', import.meta.url).href
  const script = `
    import { acquireLock } from ${JSON.stringify(lock)}
    import { openLevelStore } from ${JSON.stringify(level)}
    const directory = ${JSON.stringify(directory)}
    ${body}
    process.stdout.write('held')
    process.stdin.once('data', async () => { await held.release?.(); await held.close?.(); process.exit(0) })
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout!, 'data')
  return child
}

const TAKE = 'const held = await acquireLock(directory)'

t.test('a second process is refused and told who holds the directory', async t => {
  const directory = t.testdir()
  const child = await holderProcess(t, directory, TAKE)
  t.match(await lockHolder(directory), { pid: child.pid })
  await t.rejects(acquireLock(directory), {
    reason: 'StoreLocked',
    code: 1004,
    retriable: true,
    message: `directory ${directory} is open in process ${child.pid}; close it there or open another directory`,
  })
  child.stdin!.write('x')
  await once(child, 'exit')
  const lock = await acquireLock(directory)
  t.match(await lockHolder(directory), { pid: process.pid, host: hostname() })
  await lock.release()
  t.notOk(existsSync(join(directory, LOCK_FILE)))
})

t.test('the lock of a killed process is taken over', async t => {
  const directory = t.testdir()
  const child = await holderProcess(t, directory, TAKE)
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.match(await lockHolder(directory), { pid: child.pid }, 'the file is still there')
  const lock = await acquireLock(directory)
  t.match(await lockHolder(directory), { pid: process.pid })
  await lock.release()
})

t.test("LevelDB's own lock gives the same error", async t => {
  const directory = t.testdir()
  const child = await holderProcess(
    t,
    directory,
    'await acquireLock(directory); const held = await openLevelStore(directory + "/store")',
  )
  await t.rejects(openLevelStore(join(directory, 'store')), {
    reason: 'StoreLocked',
    message: new RegExp(`is open in process ${child.pid}; close it there or open another directory`),
    cause: { code: 'LEVEL_LOCKED' },
  })
  child.stdin!.write('x')
  await once(child, 'exit')
})

t.test('one process cannot open a directory twice, by any path to it', async t => {
  const directory = join(t.testdir(), 'new', 'place')
  const lock = await acquireLock(directory)
  const twice = { reason: 'StoreLocked', message: new RegExp(`is open in this process \\(${process.pid}\\)`) }
  await t.rejects(acquireLock(directory), twice)
  await t.rejects(acquireLock(join(directory, '..', 'place')), twice)
  await lock.release()
  await lock.release()
  const again = await acquireLock(directory)
  await lock.release()
  t.ok(await lockHolder(directory), 'releasing an old lock again does not free a new one')
  await again.release()
})

t.test('a lock of a process number that was given to somebody else is stale', async t => {
  t.plan(process.platform === 'linux' ? 1 : 0)
  if (process.platform !== 'linux') return
  const directory = t.testdir()
  // Our own number, as in a container where every run is process 1, but started at another time.
  writeHolder(directory, { pid: process.pid, started: 'another-boot:123', host: hostname() })
  const lock = await acquireLock(directory)
  t.not((await lockHolder(directory))?.started, 'another-boot:123')
  await lock.release()
})

t.test('a lock without a start time counts as long as its process lives', async t => {
  const directory = t.testdir()
  writeHolder(directory, { pid: process.ppid, started: '', host: 'elsewhere' })
  await t.rejects(acquireLock(directory), {
    reason: 'StoreLocked',
    message: new RegExp(`process ${process.ppid} on elsewhere;`),
  })
})

t.test('a lock file that names nobody is taken over', async t => {
  for (const text of ['', '{"pid":', '[]', '{"pid":-1,"started":"","host":""}', 'null']) {
    const directory = t.testdir({ [LOCK_FILE]: text })
    const lock = await acquireLock(directory)
    t.match(JSON.parse(readFileSync(join(directory, LOCK_FILE), 'utf8')), { pid: process.pid }, text)
    await lock.release()
  }
})

t.test('only one of many openers gets a stale lock', async t => {
  const directory = t.testdir()
  writeHolder(directory, { pid: process.pid, started: 'another-boot:123', host: hostname() })
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(directory)))
  const locks = tries.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
  t.equal(locks.length, process.platform === 'linux' ? 1 : 0)
  for (const lock of locks) await lock.release()
})

t.test('releasing leaves a lock that somebody else has taken', async t => {
  const directory = t.testdir()
  const lock = await acquireLock(directory)
  // As another container would write it whose process has our number.
  writeHolder(directory, { ...(await lockHolder(directory))!, host: 'other-container' })
  await lock.release()
  t.match(await lockHolder(directory), { host: 'other-container' })
})

t.test('a place where no directory can be is an IO error', async t => {
  const directory = t.testdir({ file: 'x' })
  await t.rejects(acquireLock(join(directory, 'file', 'db')), { reason: 'IoFailed', cause: Error })
})

function writeHolder(directory: string, holder: { pid: number; started: string; host: string }): void {
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, LOCK_FILE), JSON.stringify(holder))
}
