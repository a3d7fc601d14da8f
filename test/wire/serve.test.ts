/** `kestrel serve` as a process: what it prints, how it stops, and what it says when it cannot start. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectSocket, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import t, { type Test } from 'tap'
import { repoRoot } from '../tidy/sources.js'

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

/** Starts the command, with variables added to the environment; a test that fails leaves no process behind. */
function kestrel(t: Test, ...given: (string | Record<string, string>)[]): Running {
  const args = given.filter(one => typeof one === 'string')
  const env = Object.assign({ ...process.env }, ...given.filter(one => typeof one === 'object'))
  const child = spawn(process.execPath, [KESTREL, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
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
  t.match(how, /^kestrel: durability sync, authentication off, kestreldb \d+\.\d+\.\d+/)
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

  const guarded = kestrel(t, 'serve', join(directory, 'guarded.db'), '--port', '0', '--auth')
  await guarded.said(3)
  const port = portOf(guarded.out())
  t.equal((await call(port, 'collections/list')).status, 401)
  t.equal((await call(port, 'collections/list', { authorization: 'Bearer root:wrong' })).status, 401)
  t.equal((await call(port, 'collections/list', { authorization: 'Bearer root:Milvus' })).status, 200)
  guarded.child.kill('SIGINT')
  t.equal(await guarded.ended, 0)
})

t.test('TLS, the first password of root, and options from the environment', async t => {
  const files = join(repoRoot(), 'test/fixtures/tls')
  const env = {
    KESTREL_AUTH: 'true',
    KESTREL_INSECURE_NO_AUTH: 'false',
    KESTREL_PORT: '0',
    KESTREL_ROOT_PASSWORD: 'from-the-start',
    KESTREL_TLS_KEY: join(files, 'server.key'),
    KESTREL_LOG_LEVEL: 'debug',
  }
  const flags = ['--host', '0.0.0.0', '--tls-cert', join(files, 'server.pem')]
  const served = kestrel(t, env, 'serve', join(t.testdir(), 'tls.db'), ...flags)
  await served.said(3)
  t.match(served.out(), /listening on 0\.0\.0\.0:\d+ \(gRPC and REST, TLS\)/)
  t.match(served.out(), /authentication on/)
  const port = /listening on 0\.0\.0\.0:(\d+)/.exec(served.out())![1]!
  const client = new MilvusClient({
    address: `localhost:${port}`,
    ssl: true,
    username: 'root',
    password: 'from-the-start',
    tls: { rootCertPath: join(files, 'server.pem') },
  })
  await client.connectPromise
  t.strictSame((await client.listUsers()).usernames, ['root'])
  await client.closeConnection()
  served.child.kill('SIGTERM')
  t.equal(await served.ended, 0)
  t.match(served.out(), /^kestrel: ListCredUsers ok .* user=root$/m)
  t.equal(served.err(), '')
  t.notMatch(served.out() + served.err(), 'from-the-start')
})

t.test('what is unsafe is said, and wrong options are one line each', async t => {
  const directory = t.testdir()
  const clear = kestrel(t, 'serve', join(directory, 'clear.db'), '--host', '0.0.0.0', '--port', '0', '--auth')
  await clear.said(3)
  clear.child.kill('SIGTERM')
  t.equal(await clear.ended, 0)
  t.match(clear.err(), /warning: passwords and rows travel to 0\.0\.0\.0 in the clear/)
  t.match(clear.err(), /warning: root still has Milvus's default password/)
  const open = kestrel(
    t,
    'serve',
    join(directory, 'open.db'),
    '--host',
    '::',
    '--port',
    '0',
    '--insecure-no-auth',
  )
  await open.said(3)
  open.child.kill('SIGTERM')
  await open.ended
  t.match(open.err(), /warning: anybody who reaches :: can read and change everything/)
  const wrong: readonly (readonly [Record<string, string>, readonly string[], RegExp])[] = [
    [{}, ['--max-nesting', '201'], /--max-nesting: expected a number from 1 to 200, got 201/],
    [{}, ['--request-timeout', 'soon'], /--request-timeout: expected a number/],
    [{}, ['--tls-cert', 'x'], /--tls-cert: needs --tls-key/],
    [{ KESTREL_AUTH: 'maybe' }, [], /KESTREL_AUTH: expected true or false, got maybe/],
    [{ KESTREL_ROOT_PASSWORD: 'short' }, ['--auth', '--port', '0'], /invalid password length/],
  ]
  for (const [env, flags, message] of wrong) {
    const refused = kestrel(t, env, 'serve', join(directory, 'never.db'), ...flags)
    t.equal(await refused.ended, 1, flags.join(' '))
    t.match(refused.err(), message)
    t.equal(refused.err().trimEnd().split('\n').length, 1)
  }
})

t.test('a second signal ends the process at once', async t => {
  const served = kestrel(t, 'serve', join(t.testdir(), 'busy.db'), '--port', '0')
  await served.said(3)
  // A request whose body does not come keeps the server waiting for its grace time.
  const socket = connectSocket(portOf(served.out()), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(
    'POST /v2/vectordb/collections/list HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n',
  )
  const [asked] = (await once(socket, 'data')) as [Buffer]
  t.match(asked.toString(), /^HTTP\/1\.1 100/)
  served.child.kill('SIGINT')
  await served.said(4)
  served.child.kill('SIGINT')
  t.equal(await served.ended, 130)
  socket.destroy()
})

t.test('a server whose output nobody reads any more goes on, and stops in order', async t => {
  const served = kestrel(t, 'serve', join(t.testdir(), 'unread.db'), '--port', '0', '--log-level', 'debug')
  await served.said(3)
  served.child.stdout?.destroy()
  served.child.stderr?.destroy()
  for (let i = 0; i < 3; i++) t.equal((await call(portOf(served.out()), 'collections/list')).status, 200)
  served.child.kill('SIGTERM')
  t.equal(await served.ended, 0)
})

t.test('the help fits on a screen and names every option', async t => {
  const help = kestrel(t, 'serve', '--help')
  t.equal(await help.ended, 0)
  const lines = help.out().split('\n')
  t.ok(lines.length < 50 && lines.slice(0, -4).every(line => line.length <= 100), `${lines.length} lines`)
  for (const option of [
    '--auth',
    '--tls-client-ca',
    '--max-nesting',
    '--insecure-no-auth',
    'KESTREL_TLS_CERT',
  ]) {
    t.match(help.out(), option)
  }
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
