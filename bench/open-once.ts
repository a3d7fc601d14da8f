/**
 * Child of the `open` workload: opens a store, searches once, prints the first hit and how long that took.
 *
 * Arguments: path of the store, collection, query vector as JSON.
 */
import { open } from 'kestreldb'

const [path, name, vector] = process.argv.slice(2)
const start = performance.now()
const db = await open(path!)
const collection = db.collection(name!)
const [hits] = await collection.search({
  data: [JSON.parse(vector!) as number[]],
  annsField: 'vector',
  limit: 1,
  params: { ef: 64 },
  outputFields: [],
})
const openToHitMs = performance.now() - start
process.stdout.write(JSON.stringify({ openToHitMs, id: Number(hits![0]?.id) }))
await db.close()
