/**
 * Writes that must be durable before they are answered: bulk insert, upserts one by one and in batches, merges.
 *
 * The ceiling is bare classic-level putting the same bytes under the same keys, synced as often.
 */
import { join } from 'node:path'
import { open } from '../../lib/index.js'
import { type Collection, countRows, createWords, insertWords, newFolder, rowOf, rowsOf } from '../dataset.js'
import {
  type Comparison,
  concurrently,
  equal,
  Latencies,
  param,
  perSecond,
  timed,
  type Workload,
  type WorkloadResult,
} from '../harness.js'
import { openRawLevel, type RawLevel, rawBatch, rawKey, rawValue } from '../raw.js'
import { loadWords, type Words } from '../words.js'

const CEILING = 'classic-level, same bytes, as many syncs'

/** Runs `work` on a new words collection in a new store. */
async function withCollection<T>(work: (collection: Collection) => Promise<T>): Promise<T> {
  const db = await open(join(newFolder('write'), 'db'))
  try {
    return await work(await createWords(db))
  } finally {
    await db.close()
  }
}

/** Runs `work` on a new bare LevelDB. */
async function withLevel<T>(work: (level: RawLevel) => Promise<T>): Promise<T> {
  const level = await openRawLevel()
  try {
    return await work(level)
  } finally {
    await level.close()
  }
}

/** Synced batches of the bare store over rows 0 … count − 1: rows per second. */
function rawBatches(words: Words, count: number, batchRows: number): Promise<number> {
  return withLevel(async level => {
    const ms = await timed(async () => {
      for (let from = 0; from < count; from += batchRows) {
        await rawBatch(level, words, from, Math.min(batchRows, count - from))
      }
    })
    return perSecond(count, ms)
  })
}

const insert: Workload = {
  name: 'insert',
  title: 'bulk insert, durable, batches of 1,000 rows of 100 dimensions',
  async run(): Promise<WorkloadResult> {
    const rows = param('INSERT_ROWS', 2_000, 100_000)
    const words = await loadWords(rows)
    const ceiling = await rawBatches(words, rows, 1_000)
    const { ours, count } = await withCollection(async collection => {
      const ms = await timed(() => insertWords(collection, words, rows, 1_000))
      return { ours: perSecond(rows, ms), count: await countRows(collection) }
    })
    return {
      params: { rows },
      comparisons: [
        { what: 'insert, 1,000 rows a request', unit: 'rows/s', ours, ceiling, ceilingName: CEILING },
      ],
      checks: [equal('rows after the insert', count, rows)],
    }
  },
}

/** Synced puts of the bare store, one row each: rows per second and latencies. */
async function rawPuts(words: Words, count: number, inFlight: number): Promise<number> {
  return withLevel(async level => {
    const put = (i: number): Promise<void> => level.put(rawKey(i), rawValue(words, i), { sync: true })
    return perSecond(count, await timed(() => concurrently(count, inFlight, put)))
  })
}

const upsertOne: Workload = {
  name: 'upsert-one',
  title: 'upserts of one row, durable: one after the other, and 64 in flight',
  async run(): Promise<WorkloadResult> {
    const rows = param('UPSERT_ONE_ROWS', 200, 20_000)
    const words = await loadWords(rows)
    const comparisons: Comparison[] = []
    const checks = []
    for (const inFlight of [1, 64]) {
      const ceiling = await rawPuts(words, rows, inFlight)
      const latencies = new Latencies()
      const { ours, count } = await withCollection(async collection => {
        await insertWords(collection, words, rows / 2, 1_000) // half of the upserts replace a row
        const upsert = (i: number) => latencies.measure(() => collection.upsert([rowOf(words, i)]))
        const ms = await timed(() => concurrently(rows, inFlight, upsert))
        return { ours: perSecond(rows, ms), count: await countRows(collection) }
      })
      const what = inFlight === 1 ? 'one after the other' : `${inFlight} in flight`
      comparisons.push({ what, unit: 'rows/s', ours, ceiling, ceilingName: CEILING, note: latencies.note() })
      checks.push(equal(`rows after upserts, ${what}`, count, rows))
    }
    return { params: { rows }, comparisons, checks }
  },
}

const upsertBatch: Workload = {
  name: 'upsert-batch',
  title: 'upserts of 100 rows, durable: override mode, and merge mode that sends one field',
  async run(): Promise<WorkloadResult> {
    const rows = param('UPSERT_BATCH_ROWS', 1_000, 50_000)
    const words = await loadWords(rows)
    const ceiling = await rawBatches(words, rows, 100)
    return withCollection(async collection => {
      await insertWords(collection, words, rows, 1_000)
      const override = await timed(async () => {
        for (let from = 0; from < rows; from += 100) {
          await collection.upsert(rowsOf(words, from, Math.min(100, rows - from)))
        }
      })
      let merged = 0
      const merge = await timed(async () => {
        for (let from = 0; from < rows; from += 100) {
          const size = Math.min(100, rows - from)
          const patch = Array.from({ length: size }, (_, i) => ({ id: from + i, note: `n${from + i}` }))
          merged += (await collection.upsert(patch, { partialUpdate: true })).upsertCount
        }
      })
      const kept = await collection.get([0, rows - 1], { outputFields: ['word', 'note'] })
      const line = (what: string, ms: number): Comparison => ({
        what,
        unit: 'rows/s',
        ours: perSecond(rows, ms),
        ceiling,
        ceilingName: CEILING,
      })
      return {
        params: { rows },
        comparisons: [
          line('override, 100 rows a request', override),
          line('merge, 100 rows a request', merge),
        ],
        checks: [
          equal('rows after all upserts', await countRows(collection), rows),
          equal('rows merged', merged, rows),
          equal(
            'merged rows have their new note and kept their word',
            kept.filter((row, i) => {
              const id = i === 0 ? 0 : rows - 1
              return row['note'] === `n${id}` && row['word'] === words.words[id]
            }).length,
            2,
          ),
        ],
      }
    })
  },
}

export const writeWorkloads: readonly Workload[] = [insert, upsertOne, upsertBatch]
