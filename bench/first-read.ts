/**
 * Child of the `first-steps` workload: opens a store, waits until Node's own start is over, asks one thing and prints
 * how long that held the event loop.
 *
 * Argument: a file with {path, collection, request} as JSON.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { open } from 'kestreldb'
import { ask, type StepRequest } from './step-requests.js'
import { watchTurns } from './turns.js'

const START_MS = 100

interface Asked {
  readonly path: string
  readonly collection: string
  readonly request: StepRequest
}

const asked = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Asked
const db = await open(asked.path)
const collection = db.collection(asked.collection)
await collection.load()
await sleep(START_MS)
let found = 0
const turns = await watchTurns(async () => {
  found = await ask(collection, asked.request)
})
process.stdout.write(JSON.stringify({ found, turns }))
await db.close()
