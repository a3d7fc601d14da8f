/** `kestrel serve` as a process: what it prints, how it stops, and what it says when it cannot start. */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const KESTREL = fileURLToPath(new URL('../../lib/cli/kestrel.js', import.meta.url))

/** A started command: lines so far, and its end. */
interface Running {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  readonly ended: Promise<number | null>
  /** Resolves when standard output holds `lines` lines, or the process has ended. */
  said(lines: number): Promise<void>
}

/** Starts the command; a test that fails leaves no process behind. */
function kestrel(t: Test, ...args: string[]): Running {
  const child = spawn(process.execPath, [KESTREL, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => void child.kill('SIGKILL'))
  let out = ''
  let err = ''
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  child.stderr.on('data', chunk => {
    err += String(chunk)
  })
  child.stdout.on('data', chunk => {
    out += String(chunk)
  })
  const said = async (lines: number): Promise<void> => {
    const enough = new Promise<void>(resolve => {
      const look = (): void => {
        if (out.split('\n').length > lines) resolve()
      }
      child.stdout.on('data', look)
      look()
    })
    await Promise.race([enough, ended])
  }
  return { child, out: () => out, err: () => err, ended, said }
}

const portOf = (text: string): number => Number(/listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1])

async function call(port: number, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/v2/vectordb/${path}`, { method: 'POST', body: '{}', headers })
}

t.test('serve says where it listens, answers, and stops at SIGTERM with everything closed', async t => {
  const directory = join(t.testdir(), 'served.db')
  const first = kestrel(t, 'serve', directory, '--port', '0')
  await first.said(3)
  const [where, data, how] = first.out().split('\n')
  t.match(where, /^kestrel: listening on 127\.0\.0\.1:\d+ \(gRPC and REST\)$/)
  t.equal(data, `kestrel: data directory ${directory}`)
  t.match(how, /^kestrel: durability sync, kestreldb \d+\.\d+\.\d+/)
  const answer = await call(portOf(first.out()), 'collections/list')
  t.strictSame(await answer.json(), { code: 0, data: [] })

  await t.test('a second process on the same directory is told who holds it, in one line', async t => {
    const second = kestrel(t, 'serve', directory, '--port', '0')
    t.equal(await second.ended, 1)
    t.match(second.err(), /locked by another process/)
    t.match(second.err(), new RegExp(`\\b${first.child.pid}\\b`))
    t.equal(second.err().trimEnd().split('\n').length, 1)
  })

  first.child.kill('SIGTERM')
  t.equal(await first.ended, 0)
  t.match(first.out(), /kestrel: SIGTERM: stopping\nkestrel: stopped\n$/)
  t.equal(first.err(), '')
})

t.test('a busy port is one line that names its holder', async t => {
  const blocker = createServer()
  await new Promise<void>(resolve => blocker.listen(0, '127.0.0.1', resolve))
  const { port } = blocker.address() as { port: number }
  const late = kestrel(t, 'serve', join(t.testdir(), 'late.db'), '--port', String(port))
  t.equal(await late.ended, 1)
  const holder = process.platform === 'linux' ? `process ${process.pid} ` : 'another process'
  t.match(late.err(), `port ${port} of 127.0.0.1 is held by ${holder}`)
  t.equal(late.err().trimEnd().split('\n').length, 1)
  await new Promise(resolve => blocker.close(resolve))
})

t.test('other machines are only let in with credentials, or when told so', async t => {
  const directory = t.testdir()
  const refused = kestrel(t, 'serve', join(directory, 'open.db'), '--host', '0.0.0.0', '--port', '0')
  t.equal(await refused.ended, 1)
  t.match(refused.err(), /--insecure-no-auth/)

  const file = join(directory, 'users')
  writeFileSync(file, '# who may connect\nroot:Milvus\n')
  const guarded = kestrel(t, 'serve', join(directory, 'guarded.db'), '--port', '0', '--auth', file)
  await guarded.said(3)
  const port = portOf(guarded.out())
  t.equal((await call(port, 'collections/list')).status, 401)
  t.equal((await call(port, 'collections/list', { authorization: 'Bearer root:wrong' })).status, 401)
  t.equal((await call(port, 'collections/list', { authorization: 'Bearer root:Milvus' })).status, 200)
  guarded.child.kill('SIGINT')
  t.equal(await guarded.ended, 0)
})

t.test('the library itself loads neither server library', async t => {
  const index = new URL('../../lib/index.js', import.meta.url).href
  const script = `
    await import(${JSON.stringify(index)})
    const { createRequire } = await import('node:module')
    const loaded = Object.keys(createRequire(${JSON.stringify(index)}).cache)
    console.log(JSON.stringify(loaded.filter(path => /grpc-js|fastify/.test(path))))
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.on('data', chunk => {
    out += String(chunk)
  })
  t.equal(await new Promise(resolve => child.once('close', resolve)), 0)
  t.strictSame(JSON.parse(out), [])
})
