/**
 * TLS on the one port: gRPC and REST over it, nothing without it, client certificates, and files that are wrong.
 *
 * The certificates in test/fixtures/tls are for tests only (localhost, valid to 2100; `client.pem` is signed by
 * `server.pem`), and their keys are no secret.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, type SecureContextOptions } from 'node:tls'
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import t, { type Test } from 'tap'
import { readTlsFiles } from '../../lib/cli/tls-files.js'
import { repoRoot } from '../tidy/sources.js'
import { type Served, serveDirectory } from './served.js'

const FILES = join(repoRoot(), 'test/fixtures/tls')
const pathOf = (name: string) => join(FILES, name)
const read = (name: string) => readFileSync(pathOf(name), 'utf8')
const SERVER = { cert: read('server.pem'), key: read('server.key') }
const CLIENT = { cert: read('client.pem'), key: read('client.key') }

/** A REST call over TLS; resolves to its status and body. */
function call(
  served: Served,
  tls: SecureContextOptions,
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      ...tls,
      host: '127.0.0.1',
      port: served.server.port,
      method: 'POST',
      headers,
      agent: false,
    }
    const outgoing = request({ ...options, path: '/v2/vectordb/collections/list' }, response => {
      let body = ''
      response.on('data', chunk => {
        body += String(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode, body }))
    })
    outgoing.on('error', reject)
    outgoing.end('{}')
  })
}

/** What a connection without TLS gets before it is closed. */
function plainly(served: Served, text: string): Promise<string> {
  return new Promise(resolve => {
    const socket = connectSocket(served.server.port, '127.0.0.1', () => socket.write(text))
    let got = ''
    socket.on('data', chunk => {
      got += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(got))
  })
}

async function listOver(t: Test, served: Served, tls: object): Promise<readonly { name: string }[]> {
  const client = new MilvusClient({
    address: `localhost:${served.server.port}`,
    ssl: true,
    timeout: 5_000,
    username: 'root',
    password: 'Milvus',
    tls,
  })
  t.teardown(() => client.closeConnection())
  await client.connectPromise
  return (await client.showCollections()).data
}

t.test('both protocols on one port over TLS, with and without ALPN; nothing without TLS', async t => {
  const served = await serveDirectory(t.testdir(), { auth: true, tls: SERVER })
  t.teardown(() => served.close())
  t.strictSame(await listOver(t, served, { rootCertPath: pathOf('server.pem') }), [])
  const login = { authorization: 'Bearer root:Milvus' }
  const answered = { status: 200, body: '{"code":0,"data":[]}' }
  t.strictSame(await call(served, { ca: SERVER.cert }, login), answered)
  t.equal((await call(served, { ca: SERVER.cert })).status, 401)
  const both = { ca: SERVER.cert, ALPNProtocols: ['h2', 'http/1.1'] } as SecureContextOptions
  t.strictSame(await call(served, both, login), answered, 'who offers both gets HTTP/1.1')
  await t.rejects(call(served, {}), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'it is this certificate')
  t.notMatch(
    await plainly(served, 'POST /v2/vectordb/collections/list HTTP/1.1\r\nHost: a\r\n\r\n'),
    'HTTP/1.1',
  )
  await plainly(served, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  t.strictSame(await call(served, { ca: SERVER.cert }, login), answered, 'and the next one is served')
  t.strictSame(served.warnings, [])
})

t.test('with a client authority only clients with its certificate come in', async t => {
  const served = await serveDirectory(t.testdir(), { tls: { ...SERVER, clientCa: SERVER.cert } })
  t.teardown(() => served.close())
  t.equal((await call(served, { ca: SERVER.cert, ...CLIENT })).status, 200)
  await t.rejects(call(served, { ca: SERVER.cert }), 'no certificate')
  const certificates = {
    rootCertPath: pathOf('server.pem'),
    certChainPath: pathOf('client.pem'),
    privateKeyPath: pathOf('client.key'),
  }
  t.strictSame(await listOver(t, served, certificates), [])
})

t.test('old versions of TLS are refused', async t => {
  const served = await serveDirectory(t.testdir(), { tls: SERVER })
  t.teardown(() => served.close())
  const attempt = new Promise((resolve, reject) => {
    const { port } = served.server
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    const socket = connectTls({ port, host: '127.0.0.1', ca: SERVER.cert, ...old }, () =>
      resolve(socket.getProtocol()),
    )
    socket.on('error', reject)
  })
  await t.rejects(attempt)
})

t.test('wrong files are one clear error each', async t => {
  const folder = t.testdir()
  const place = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const warnings: string[] = []
  const warn = (line: string): void => void warnings.push(line)
  const tlsCert = pathOf('server.pem')
  const tlsKey = pathOf('server.key')
  const nonsense = place('nonsense', 'not PEM')
  const locked = place(
    'locked',
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
  )
  t.strictSame(await readTlsFiles({}, warn), undefined)
  t.strictSame(await readTlsFiles({ tlsCert, tlsKey }, warn), SERVER)
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ tlsCert }, /--tls-cert: needs --tls-key/],
    [{ tlsKey }, /--tls-key: needs --tls-cert/],
    [{ tlsClientCa: tlsCert }, /--tls-client-ca: needs --tls-cert and --tls-key/],
    [{ tlsCert: join(folder, 'gone'), tlsKey }, /--tls-cert: .*gone cannot be read: ENOENT/],
    [{ tlsCert: nonsense, tlsKey }, /--tls-cert: .* holds no certificate in PEM form/],
    [{ tlsCert, tlsKey: nonsense }, /--tls-key: .* holds no private key in PEM form/],
    [{ tlsCert, tlsKey: locked }, /--tls-key: .* is encrypted/],
    [{ tlsCert, tlsKey: pathOf('client.key') }, /--tls-key: .* is not the key of the certificate/],
    [{ tlsCert, tlsKey, tlsClientCa: nonsense }, /--tls-client-ca: .* holds no certificate/],
  ]
  for (const [paths, message] of wrong) await t.rejects(readTlsFiles(paths, warn), { code: 1100, message })
  t.strictSame(warnings, [])
})
