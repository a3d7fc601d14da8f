/**
 * Symptom: after an HTTP/2 protocol error, or when a client vanished, its connection stayed open for good.
 *
 * What happened: Node says goodbye on such a connection but does not close it, not even when the other side does. Our
 * pings now find it.
 */
import { connect } from 'node:net'
import t from 'tap'
import { serveDirectory } from '../wire/served.js'

/** The preface, empty settings, and a header block that is none. */
const BROKEN = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('000000040000000000', 'hex'),
  Buffer.from('000004010400000001ffffffff', 'hex'),
])

t.test('a connection on which nothing can be said any more is closed', async t => {
  const served = await serveDirectory(t.testdir(), { pingMs: 50 })
  t.teardown(() => served.close())
  const socket = connect(served.server.port, '127.0.0.1')
  socket.resume()
  socket.on('error', () => undefined)
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.end(BROKEN)
  await closed
  t.pass('by the server, which was not asked for anything')
})
