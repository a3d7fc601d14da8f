/**
 * Child of the demo: writes until somebody kills it.
 *
 * Request r upserts, in one merge, the twenty *shared* rows (each gets the note `r`) and twenty *own* rows of r. When the
 * database has answered, and only then, `r` is printed. Several requests are in flight at any time.
 * Arguments: path of the store, first request number.
 */
import { writeSync } from 'node:fs'
import { open } from '../lib/index.js'
import { ownRows, sharedRows } from './demo-crash.js'

const [path, first] = process.argv.slice(2)
const IN_FLIGHT = 8

const db = await open(path!)
const collection = db.collection('words')
await collection.load()
let next = Number(first)
const lane = async (): Promise<never> => {
  for (;;) {
    const request = next++
    await collection.upsert([...sharedRows(request), ...ownRows(request)], { partialUpdate: true })
    writeSync(1, `${request}\n`)
  }
}
await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
