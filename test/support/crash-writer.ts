/**
 * The process that crash tests kill: runs the script from a given step, many requests in flight, and writes the number
 * of each acknowledged step to standard output, in order. It runs what the package ships, which also starts faster.
 *
 * Argument: JSON {directory, seed, from, count, crashPoint, waitAtEnd}.
 */
import { writeSync } from 'node:fs'
import { open } from 'kestreldb'
import { COLLECTION, keysOf, mergeRows, OPTIONS, overrideRows, stepOf } from './crash-script.js'

interface WriterTask {
  readonly directory: string
  readonly seed: number
  readonly from: number
  readonly count: number
  readonly crashPoint: { readonly name: string; readonly afterHits: number } | null
}

const task = JSON.parse(process.argv[2]!) as WriterTask
const db = await open(task.directory, { ...OPTIONS, crashPoint: task.crashPoint })
const collection = await db.createCollection(COLLECTION)
writeSync(1, 'open\n')

const inFlight: Promise<void>[] = []
for (let n = task.from; n < task.from + task.count; n++) {
  const { kind, group } = stepOf(task.seed, n)
  const done =
    kind === 'delete'
      ? collection.delete({ ids: keysOf(group) })
      : kind === 'override'
        ? collection.upsert(overrideRows(n, group))
        : collection.upsert(mergeRows(n, group), { partialUpdate: true })
  inFlight.push(done.then(() => void writeSync(1, `${n}\n`)))
  if (inFlight.length >= 16) await inFlight.shift()
}
await Promise.all(inFlight)
await collection.compact()
writeSync(1, 'done\n')
await db.close()
