/**
 * Filters over many rows: scans beside a bare loop, scalar indexes beside the scan, search under filters from half the
 * rows to one in ten thousand, and count(*) at two sizes.
 *
 * Every filter is asked with constants that no query before it had, so that nothing comes from the cache of answered
 * filters (the selectivity sweep measures the search, and keeps its filter). Answers are checked against the values the
 * rows were made from.
 */

import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DataType, open } from '../../lib/index.js'
import { rng } from '../../test/support/rng.js'
import {
  COLLECTION,
  type Collection,
  GRAPH,
  newFolder,
  preparedStore,
  type Row,
  vectorOf,
} from '../dataset.js'
import {
  type Check,
  type Comparison,
  equal,
  holds,
  Latencies,
  param,
  SEED,
  timed,
  type Workload,
  type WorkloadResult,
} from '../harness.js'
import { GroundTruth, queryRows } from '../recall.js'
import { figure } from '../table.js'
import { loadWords, type Words } from '../words.js'

/** Different words in column `word`. */
export const WORDS = 1_000
const BATCH_ROWS = 10_000

/** Rows without a vector worth speaking of: what filters look at. Value i is a function of i alone. */
export interface Facts {
  readonly path: string
  /** Column `n`: 0 … rows − 1, shuffled. */
  readonly n: Int32Array
  /** Number of the word in column `word`. */
  readonly word: Int32Array
}

const prepared = new Map<number, Promise<Facts>>()

/** A store of so many facts, compacted; made once per process and count. */
export function preparedFacts(rows: number): Promise<Facts> {
  let facts = prepared.get(rows)
  if (facts === undefined) {
    facts = prepareFacts(rows)
    prepared.set(rows, facts)
  }
  return facts
}

async function prepareFacts(rows: number): Promise<Facts> {
  const random = rng(SEED)
  const n = Int32Array.from({ length: rows }, (_, i) => i)
  for (let i = rows - 1; i > 0; i--) {
    const other = random.int(i + 1)
    const kept = n[i]!
    n[i] = n[other]!
    n[other] = kept
  }
  const word = Int32Array.from({ length: rows }, () => random.int(WORDS))
  const path = join(newFolder('facts'), 'db')
  const db = await open(path)
  try {
    const collection = await db.createCollection({
      name: 'facts',
      fields: [
        { name: 'id', dataType: DataType.Int64, primaryKey: true },
        { name: 'n', dataType: DataType.Int32 },
        { name: 'word', dataType: DataType.VarChar, maxLength: 32 },
        { name: 'doc', dataType: DataType.JSON },
        { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
      ],
      indexes: [{ fieldName: 'vec', indexType: 'FLAT', metricType: 'L2' }],
    })
    for (let from = 0; from < rows; from += BATCH_ROWS) {
      const batch: Row[] = []
      for (let i = from; i < Math.min(from + BATCH_ROWS, rows); i++) {
        const doc = { name: `fact ${i}`, a: n[i]!, tag: `t${word[i]!}` }
        batch.push({ id: i, n: n[i]!, word: `word${word[i]!}`, doc, vec: [0, 1] })
      }
      await collection.insert(batch)
    }
    await collection.compact()
  } finally {
    await db.close()
  }
  return { path, n, word }
}

/** Runs `work` on a store of so many facts, opened anew. */
export async function withFacts<T>(
  rows: number,
  work: (collection: Collection, facts: Facts) => Promise<T>,
): Promise<T> {
  const facts = await preparedFacts(rows)
  const db = await open(facts.path)
  try {
    const collection = db.collection('facts')
    await collection.load()
    return await work(collection, facts)
  } finally {
    await db.close()
  }
}

/** One kind of filter: its text for the i-th question, and the number of rows it must find. */
interface Question {
  readonly what: string
  text(i: number): string
  expected(i: number): number
}

/** How many of `values` are in [low, high]: the bare loop that scans are measured against. */
function countBetween(values: Int32Array, low: number, high: number): number {
  let count = 0
  for (let i = 0; i < values.length; i++) if (values[i]! >= low && values[i]! <= high) count++
  return count
}

/** Counts by each question `times` times; checks the answers; the longest turn of the event loop goes into the note. */
async function ask(
  collection: Collection,
  question: Question,
  times: number,
  warmUp: number,
): Promise<{ readonly latencies: Latencies; readonly wrong: number; readonly longestMs: number }> {
  let wrong = 0
  for (let i = 0; i < warmUp; i++) await collection.count({ filter: question.text(times + i) })
  const latencies = new Latencies()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  for (let i = 0; i < times; i++) {
    const filter = question.text(i)
    const found = await latencies.measure(() => collection.count({ filter }))
    if (Number(found) !== question.expected(i)) wrong++
    await new Promise(resolve => setImmediate(resolve))
  }
  delay.disable()
  return { latencies, wrong, longestMs: delay.max / 1e6 }
}

function questionsOf(facts: Facts, rows: number): readonly Question[] {
  const perWord = new Int32Array(WORDS)
  for (let i = 0; i < rows; i++) perWord[facts.word[i]!]!++
  const wordsOf = (i: number): number[] => [i % WORDS, (i * 7 + 1) % WORDS, (i * 13 + 500) % WORDS]
  const half = Math.floor(rows / 2)
  return [
    { what: 'int range', text: i => `n >= ${i} and n < ${i + half}`, expected: () => half },
    {
      what: 'varchar in',
      text: i => `word in [${wordsOf(i).map(word => `"word${word}"`)}]`,
      expected: i => [...new Set(wordsOf(i))].reduce((sum, word) => sum + perWord[word]!, 0),
    },
    { what: 'JSON path', text: i => `doc["a"] >= ${i} and doc["a"] < ${i + half}`, expected: () => half },
  ]
}

const scan: Workload = {
  name: 'filter-scan',
  title: 'count under a filter no index serves: an int range, a list of texts, a JSON path',
  async run(): Promise<WorkloadResult> {
    const rows = param('FACT_ROWS', 2_000, 1_000_000)
    const times = param('FILTERS', 5, 20)
    return withFacts(rows, async (collection, facts) => {
      const half = Math.floor(rows / 2)
      let sum = 0
      const bare = new Latencies()
      for (let i = 0; i < times; i++) sum += await bare.measure(() => countBetween(facts.n, i, i + half - 1))
      const comparisons: Comparison[] = []
      const checks: Check[] = [equal('rows that the bare loop counts', sum, half * times)]
      for (const question of questionsOf(facts, rows)) {
        const { latencies, wrong, longestMs } = await ask(collection, question, times, 3)
        comparisons.push({
          what: question.what,
          unit: 'M rows/s',
          ours: (latencies.perSecond() * rows) / 1e6,
          ceiling: (bare.perSecond() * rows) / 1e6,
          ceilingName: 'bare loop, int range',
          note: `${latencies.note()}; longest step ${figure(longestMs)} ms`,
        })
        checks.push(equal(`${question.what}: wrong answers`, wrong, 0))
      }
      return { params: { rows, filters: times }, comparisons, checks }
    })
  },
}

const FACT_INDEXES = [
  { fieldName: 'n', indexType: 'STL_SORT' },
  { fieldName: 'word', indexType: 'INVERTED' },
  { fieldName: 'doc', indexType: 'INVERTED', params: { json_path: 'doc["a"]', json_cast_type: 'double' } },
] as const

const indexed: Workload = {
  name: 'filter-index',
  title: 'the same count with scalar indexes, beside the scan',
  async run(): Promise<WorkloadResult> {
    const rows = param('FACT_ROWS', 2_000, 1_000_000)
    const times = param('INDEXED_FILTERS', 10, 100)
    return withFacts(rows, async (collection, facts) => {
      const equality = (what: string, subject: string): Question => ({
        what,
        text: i => `${subject} == ${(i * 9_973) % rows}`,
        expected: () => 1,
      })
      const [, varcharIn] = questionsOf(facts, rows)
      const questions: readonly Question[] = [
        equality('int equality', 'n'),
        equality('JSON path equality', 'doc["a"]'),
        varcharIn!,
        {
          what: 'int range, 0.1 %',
          text: i => `${i} <= n < ${i + rows / 1_000}`,
          expected: () => Math.ceil(rows / 1_000),
        },
      ]
      const scans: Latencies[] = []
      for (const question of questions)
        scans.push((await ask(collection, question, Math.min(times, 20), 3)).latencies)
      const buildMs = await timed(async () => {
        for (const index of FACT_INDEXES) await collection.createIndex({ ...index })
        await collection.compact()
        await collection.load()
      })
      const before = await usesOf(collection)
      const comparisons: Comparison[] = []
      const checks: Check[] = []
      for (const [q, question] of questions.entries()) {
        // Other constants than the scans had: those answers are remembered.
        const later = (i: number): number => i + 400
        const moved = {
          what: question.what,
          text: (i: number) => question.text(later(i)),
          expected: (i: number) => question.expected(later(i)),
        }
        const { latencies, wrong, longestMs } = await ask(collection, moved, times, 20)
        comparisons.push({
          what: question.what,
          unit: 'ms',
          ours: latencies.percentile(0.5),
          ceiling: scans[q]!.percentile(0.5),
          ceilingName: 'the same filter, scanned',
          note: `p99 ${figure(latencies.percentile(0.99))} ms; longest step ${figure(longestMs)} ms`,
        })
        checks.push(equal(`${question.what}: wrong answers`, wrong, 0))
      }
      const used = (await usesOf(collection)) - before
      // Smoke sizes are below the size from which on indexes are built.
      checks.push(holds('every count used an index', rows < 10_000 || used >= questions.length * times))
      for (const index of (await collection.describe()).indexes)
        if (index.fieldName !== 'vec') await collection.dropIndex(index.name)
      return { params: { rows, filters: times, buildMs: Math.round(buildMs) }, comparisons, checks }
    })
  },
}

async function usesOf(collection: Collection): Promise<number> {
  const { segments } = await collection.stats()
  return segments.reduce((sum, segment) => sum + segment.filterIndexUses, 0)
}

const K = 10
/** One row in so many passes. */
const SPREADS = [1, 2, 10, 20, 100, 1_000, 10_000] as const

/** Queries that one filter is asked before it is the next one's turn. */
const TURN_QUERIES = 20

/** A filter of the sweep, and what its searches found. */
interface Swept {
  readonly spread: number
  readonly latencies: Latencies
  readonly found: number[][]
  search(query: number): Promise<number[]>
}

function sweptBy(collection: Collection, words: Words, spread: number): Swept {
  const filter = spread === 1 ? '' : `id % ${spread} == 0`
  const search = async (query: number): Promise<number[]> => {
    const [hits] = await collection.search({
      data: [vectorOf(words, query)],
      annsField: 'vector',
      limit: K,
      filter,
      params: { ef: GRAPH.ef },
      outputFields: [],
    })
    return hits!.map(hit => Number(hit.id))
  }
  return { spread, latencies: new Latencies(), found: [], search }
}

const sweep: Workload = {
  name: 'filter-sweep',
  title: `search, k ${K}, under filters that keep 50 % to 0.01 % of the rows, in turns with the unfiltered search`,
  async run(): Promise<WorkloadResult> {
    const rows = param('READ_ROWS', 2_000, 100_000)
    const count = param('SWEEP_QUERIES', 20, 400)
    // Codes for exact scans are made beside the first searches that would use them.
    const warmUp = param('SWEEP_WARM_UP', 20, 400)
    const words = await loadWords(rows)
    const db = await open(await preparedStore(words, rows))
    try {
      const collection = db.collection(COLLECTION)
      await collection.load()
      const queries = queryRows(rows, count)
      const all = SPREADS.map(spread => sweptBy(collection, words, spread))
      for (const { search } of all) for (let i = 0; i < warmUp; i++) await search(queries[i % count]!)
      // In turns, so that a machine that is slow for a while is so for all of them.
      for (let from = 0; from < count; from += TURN_QUERIES)
        for (const { search, latencies, found } of all)
          for (const query of queries.slice(from, from + TURN_QUERIES))
            found.push(await latencies.measure(() => search(query)))
      const comparisons: Comparison[] = []
      const checks: Check[] = []
      for (const { spread, latencies, found } of all) {
        const keep = spread === 1 ? undefined : (row: number) => row % spread === 0
        const recall = new GroundTruth(words, rows, K, queries, keep).recall(found)
        const what = spread === 1 ? 'no filter' : `${100 / spread} % pass`
        comparisons.push({
          what,
          unit: 'queries/s',
          ours: latencies.perSecond(),
          ceiling: all[0]!.latencies.perSecond(),
          ceilingName: 'no filter',
          note: `recall@${K} ${recall.toFixed(3)}; ${latencies.note()}`,
        })
        const wanted = Math.min(K, Math.ceil(rows / spread))
        const full = found.filter(ids => ids.length === wanted).length
        checks.push(
          equal(`${what}: searches with ${wanted} hits`, full, count),
          holds(`${what}: recall@${K} is at least 0.95`, recall >= 0.95),
        )
      }
      return { params: { rows, queries: count, k: K, ef: GRAPH.ef }, comparisons, checks }
    } finally {
      await db.close()
    }
  },
}

const counting: Workload = {
  name: 'count-all',
  title: 'count(*), which must not grow with the rows',
  async run(): Promise<WorkloadResult> {
    const few = param('COUNT_FEW', 1_000, 10_000)
    const many = param('FACT_ROWS', 2_000, 1_000_000)
    const calls = param('COUNTS', 50, 2_000)
    const measure = (rows: number): Promise<{ latencies: Latencies; wrong: number }> =>
      withFacts(rows, async collection => {
        const latencies = new Latencies()
        let wrong = 0
        for (let i = 0; i < 100; i++) await collection.count({ filter: '' })
        for (let i = 0; i < calls; i++) {
          const found = await latencies.measure(() => collection.count({ filter: '' }))
          if (Number(found) !== rows) wrong++
        }
        return { latencies, wrong }
      })
    const small = await measure(few)
    const large = await measure(many)
    return {
      params: { few, many, calls },
      comparisons: [
        {
          what: `count(*) of ${many} rows`,
          unit: 'ms',
          ours: large.latencies.percentile(0.5),
          ceiling: small.latencies.percentile(0.5),
          ceilingName: `count(*) of ${few} rows`,
          note: large.latencies.note(),
        },
      ],
      checks: [equal('wrong counts', small.wrong + large.wrong, 0)],
    }
  },
}

export const filterWorkloads: readonly Workload[] = [scan, indexed, sweep, counting]
