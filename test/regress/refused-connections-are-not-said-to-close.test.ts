/**
 * Symptoms: the request after one with too large a header failed with "socket hang up"; a client that went away in the
 * middle of a body left a warning as if the server had failed; a path with a broken escape was no unknown path.
 *
 * What happened: answers below the REST interface were the framework's own: the connection was closed without saying
 * so, every error of a request counted as ours, and a path that cannot be decoded was an error of its own kind.
 */
import { connect } from 'node:net'
import t from 'tap'
import { type Served, serveDirectory } from '../wire/served.js'

/** What comes back on a connection until the server closes it. */
function answerTo(served: Served, text: string): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(served.server.port, '127.0.0.1')
    let answer = ''
    socket.on('data', chunk => {
      answer += chunk.toString()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
    socket.write(text)
  })
}

const POST = 'POST /v2/vectordb/collections/list HTTP/1.1\r\nhost: x\r\n'

t.test('what is no request is refused in our words, and the connection is said to close', async t => {
  const served = await serveDirectory(t.testdir())
  t.teardown(() => served.close())
  const long = await answerTo(served, `${POST}x: ${'y'.repeat(20_000)}\r\n\r\n`)
  t.match(long, /^HTTP\/1\.1 431 /)
  t.match(long, /\r\nconnection: close\r\n/)
  t.match(JSON.parse(long.slice(long.indexOf('{'))), { code: 1801, message: /header/ })
  t.match(
    await answerTo(served, 'BREW / HTTP/1.1\r\n\r\n'),
    /^HTTP\/1\.1 400 [\s\S]*\r\nconnection: close\r\n/,
  )
  const broken = await fetch(`http://${served.address}/%`)
  t.equal(broken.status, 404)
  t.equal(await broken.text(), '404 page not found')

  const socket = connect(served.server.port, '127.0.0.1')
  await new Promise(resolve => socket.write(`${POST}content-length: 9\r\n\r\n{`, resolve))
  socket.destroy()
  t.equal((await fetch(`http://${served.address}/healthz`)).status, 200)
  await served.close()
  t.strictSame(served.warnings, [], 'a client that goes away is its own affair')
})
