/**
 * Reading everything: every row of a collection in key order, and every row ranked by a search, in pages of 1,000.
 *
 * The ceiling of the first is bare classic-level reading the same rows in key order; that of the second is one plain
 * loop over the vectors in memory and a sort: what ranking everything costs when nothing has to be frozen or paged.
 */
import { open } from '../../lib/index.js'
import { COLLECTION, preparedStore, vectorOf } from '../dataset.js'
import { equal, holds, param, perSecond, timed, type Workload, type WorkloadResult } from '../harness.js'
import { openRawLevel, rawBatch } from '../raw.js'
import { loadWords, type Words } from '../words.js'

const BATCH = 1_000

/** Rows per second of bare classic-level, read in blocks. */
async function rawScan(words: Words, rows: number): Promise<number> {
  const level = await openRawLevel()
  try {
    for (let from = 0; from < rows; from += BATCH)
      await rawBatch(level, words, from, Math.min(BATCH, rows - from))
    let seen = 0
    const ms = await timed(async () => {
      const iterator = level.iterator()
      for (let block = await iterator.nextv(BATCH); block.length > 0; block = await iterator.nextv(BATCH))
        seen += block.length
      await iterator.close()
    })
    if (seen !== rows) throw new Error(`classic-level returned ${seen} rows of ${rows}`)
    return perSecond(rows, ms)
  } finally {
    await level.close()
  }
}

/** Rows per second of ranking all rows by COSINE in one go. */
async function rawRanking(words: Words, rows: number, query: Float32Array): Promise<number> {
  const { vectors, dim } = words
  const scores = new Float32Array(rows)
  const order = Array.from({ length: rows }, (_, row) => row)
  const ms = await timed(() => {
    for (let row = 0; row < rows; row++) {
      let dot = 0
      let norm = 0
      for (let d = 0, at = row * dim; d < dim; d++, at++) {
        dot += query[d]! * vectors[at]!
        norm += vectors[at]! * vectors[at]!
      }
      scores[row] = dot / Math.sqrt(norm)
    }
    order.sort((a, b) => scores[b]! - scores[a]!)
  })
  return perSecond(rows, ms)
}

const iterate: Workload = {
  name: 'iterate',
  title: `every row of a collection, in pages of ${BATCH.toLocaleString('en')}`,
  async run(): Promise<WorkloadResult> {
    const rows = param('READ_ROWS', 2_000, 100_000)
    const words = await loadWords(rows)
    const query = words.vectors.subarray(7 * words.dim, 8 * words.dim)
    const rawRows = await rawScan(words, rows)
    const rawHits = await rawRanking(words, rows, query)
    const db = await open(await preparedStore(words, rows))
    try {
      const collection = db.collection(COLLECTION)
      await collection.load()
      const read = async (outputFields: string[]): Promise<{ ms: number; ids: number[] }> => {
        const ids: number[] = []
        const ms = await timed(async () => {
          const iterator = await collection.queryIterator({ batchSize: BATCH, outputFields })
          for await (const page of iterator) for (const row of page) ids.push(row['id'] as number)
        })
        return { ms, ids }
      }
      const some = await read(['id', 'word', 'bucket'])
      const whole = await read(['*'])
      const ranked: number[] = []
      let sorted = true
      const searchMs = await timed(async () => {
        const data = [vectorOf(words, 7)]
        const iterator = await collection.searchIterator({ data, batchSize: BATCH, outputFields: ['word'] })
        let last = Number.POSITIVE_INFINITY
        for await (const page of iterator) {
          for (const hit of page) {
            ranked.push(hit.id as number)
            sorted &&= hit.score <= last
            last = hit.score
          }
        }
      })
      const line = (what: string, ms: number, ceiling: number, ceilingName: string) => ({
        what,
        unit: 'rows/s',
        ours: perSecond(rows, ms),
        ceiling,
        ceilingName,
        note: `${Math.round(ms)} ms in all`,
      })
      const level = 'classic-level, the same rows in blocks'
      return {
        params: { rows, batch: BATCH },
        comparisons: [
          line('query iterator, three fields', some.ms, rawRows, level),
          line('query iterator, all fields', whole.ms, rawRows, level),
          line('search iterator, one field', searchMs, rawHits, 'one plain loop over the vectors and a sort'),
        ],
        checks: [
          equal('rows with three fields', some.ids.length, rows),
          holds(
            'in key order, each once',
            some.ids.every((id, i) => id === i) && whole.ids.every((id, i) => id === i),
          ),
          equal('different hits of the search iterator', new Set(ranked).size, rows),
          equal('hits of the search iterator', ranked.length, rows),
          holds('by falling score', sorted),
          equal('the query itself comes first', ranked[0]!, 7),
        ],
      }
    } finally {
      await db.close()
    }
  },
}

export const iterateWorkloads: readonly Workload[] = [iterate]
