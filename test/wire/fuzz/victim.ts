/**
 * The server a fuzzer works on, in a process of its own: `node --expose-gc victim.js <directory>`.
 *
 * It tells its parent three things: the port, every warning (an error that is nobody's input: a bug), and, when asked,
 * its memory after a garbage collection. It ends with its parent.
 */
import { open } from '../../../lib/client/database.js'
import { startServer } from '../../../lib/wire/server.js'

/** What the victim says. */
export type Said =
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'warning'; readonly line: string }
  | { readonly kind: 'memory'; readonly rss: number; readonly live: number; readonly peakRss: number }

const say = (said: Said): void => void process.send?.(said)

const db = await open(process.argv[2]!, { warn: line => say({ kind: 'warning', line }) })
const server = await startServer(db.engine, {
  port: 0,
  graceMs: 500,
  pingMs: 1_500,
  requestBytesMax: 1 << 20,
  warn: line => say({ kind: 'warning', line }),
})

async function memory(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    global.gc?.()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  say({ kind: 'memory', rss, live: heapUsed + external, peakRss: process.resourceUsage().maxRSS * 1024 })
}

process.on('message', message => {
  if (message === 'memory') void memory()
})
process.on('disconnect', () => {
  void server
    .close()
    .then(() => db.close())
    .then(() => process.exit(0))
})
say({ kind: 'port', port: server.port })
