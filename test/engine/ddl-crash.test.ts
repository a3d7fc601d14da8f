/**
 * Killed around a truncation: either nothing happened or everything is gone, and what came later is there.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { open } from '../../lib/index.js'
import { rows, THINGS } from './ddl-fixture.js'

const SELF = fileURLToPath(import.meta.url)
const POINTS = ['truncate:before-manifest', 'truncate:after-manifest', 'flush:before-manifest'] as const

/** The process that dies: rows in every state, then a truncation at which it is killed. */
async function die(directory: string, point: string): Promise<void> {
  const db = await open(directory, {
    crashPoint: { name: point, afterHits: point.startsWith('flush') ? 3 : 1 },
  })
  const collection = await db.createCollection(THINGS)
  await collection.insert(rows(0, 20))
  await collection.flush()
  await collection.delete({ ids: [1, 2] })
  await collection.insert(rows(20, 30))
  await collection.flush()
  await collection.upsert(rows(25, 40))
  await collection.truncate()
  await collection.insert(rows(100, 103))
  await collection.flush()
}

if (process.argv[2] === 'die') {
  await die(process.argv[3]!, process.argv[4]!)
} else {
  for (const point of POINTS) {
    t.test(`killed at ${point}`, async t => {
      const directory = t.testdir()
      const child = spawn(process.execPath, [SELF, 'die', directory, point], { stdio: 'inherit' })
      const signal = await new Promise(resolve => child.once('exit', (_, how) => resolve(how)))
      t.equal(signal, 'SIGKILL', 'it died there')
      const wanted = {
        'truncate:before-manifest': 38,
        'truncate:after-manifest': 0,
        'flush:before-manifest': 3,
      }[point]
      for (let times = 0; times < 2; times++) {
        const db = await open(directory)
        const collection = db.collection(THINGS.name)
        t.equal(await collection.count(), wanted)
        await collection.upsert(rows(5000, 5001))
        await collection.delete({ ids: [5000] })
        if (times === 0) await collection.compact()
        t.equal(await collection.count(), wanted)
        await db.close()
      }
    })
  }
}
