/**
 * Writes that must be durable before they are answered: bulk insert, upserts one by one and in batches, merges.
 *
 * The ceiling is bare classic-level putting the same bytes under the same keys, synced as often.
 */
import { join } from 'node:path'
import { open } from '../../lib/index.js'
import { type Collection, countRows, createWords, insertWords, newFolder, rowsOf } from '../dataset.js'
import {
  type Comparison,
  concurrently,
  equal,
  inTurns,
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

const upsertOne: Workload = {
  name: 'upsert-one',
  title: 'writes of one row, durable: upserts and merges one after the other, upserts with 64 in flight',
  async run(): Promise<WorkloadResult> {
    const rows = param('UPSERT_ONE_ROWS', 200, 5_000)
    const many = param('UPSERT_MANY_ROWS', 640, 32_000)
    const words = await loadWords(Math.max(rows, many))
    // Made before the clock starts, on both sides: what is measured is the write.
    const given = rowsOf(words, 0, Math.max(rows, many))
    const bytes = given.map((_, i) => rawValue(words, i))
    return withLevel(level =>
      withCollection(async collection => {
        await insertWords(collection, words, rows / 2, 1_000) // half of the upserts replace a row
        const put = (i: number): Promise<void> => level.put(rawKey(i), bytes[i]!, { sync: true })
        const latencies = new Latencies()
        const upsert = (i: number): Promise<unknown> =>
          latencies.measure(() => collection.upsert([given[i]!]))
        const merge = (i: number): Promise<unknown> =>
          collection.upsert([{ id: i, note: `n${i}` }], { partialUpdate: true })
        const oneByOne = (write: (i: number) => Promise<unknown>) => async (from: number, to: number) => {
          for (let i = from; i < to; i++) await write(i)
        }
        // The clock starts when the code is compiled.
        const warmUp = Math.min(rows, 1_000)
        for (const write of [put, (i: number) => collection.upsert([given[i]!]), merge]) {
          await oneByOne(write)(0, warmUp)
        }
        const single = await inTurns(rows, 250, {
          raw: oneByOne(put),
          upsert: oneByOne(upsert),
          merge: oneByOne(merge),
        })
        const sequentialNote = latencies.note()
        const crowded = new Latencies()
        const together =
          (write: (i: number) => Promise<unknown>) =>
          (from: number, to: number): Promise<void> =>
            concurrently(to - from, 64, async i => {
              await write(from + i)
            })
        await together(i => collection.upsert([given[i]!]))(0, warmUp)
        const crowd = await inTurns(many, many, {
          raw: together(put),
          upsert: together(i => crowded.measure(() => collection.upsert([given[i]!]))),
        })
        const line = (
          what: string,
          ours: number,
          ceiling: number,
          ceilingName: string,
          note?: string,
        ): Comparison => ({
          what,
          unit: 'rows/s',
          ours,
          ceiling,
          ceilingName,
          ...(note === undefined ? {} : { note }),
        })
        const upserts = perSecond(rows, single.upsert)
        const crowdRate = perSecond(many, crowd.upsert)
        return {
          params: { rows, many },
          comparisons: [
            line('one after the other', upserts, perSecond(rows, single.raw), CEILING, sequentialNote),
            line('merges, one after the other', perSecond(rows, single.merge), upserts, 'our own upserts'),
            line('64 in flight', crowdRate, perSecond(many, crowd.raw), CEILING, crowded.note()),
            line('64 in flight beside one', crowdRate, upserts, 'our own upserts, one after the other'),
          ],
          checks: [equal('rows after all upserts', await countRows(collection), Math.max(rows, many))],
        }
      }),
    )
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
