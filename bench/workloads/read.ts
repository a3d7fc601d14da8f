/**
 * Reads: one row by primary key, search, filtered search, and a search that must see the upsert just answered.
 *
 * The ceiling of a get is bare classic-level reading the same bytes; that of a search is a bare hnswlib-node graph with
 * the same parameters. Every search figure comes with its recall, ours and the ceiling's.
 */
import { open } from '../../lib/index.js'
import { rng } from '../../test/support/rng.js'
import { bucketOf, COLLECTION, type Collection, GRAPH, preparedStore, rowOf, vectorOf } from '../dataset.js'
import {
  type Check,
  type Comparison,
  equal,
  holds,
  Latencies,
  param,
  perSecond,
  SEED,
  timed,
  type Workload,
  type WorkloadResult,
} from '../harness.js'
import { buildRawGraph, openRawLevel, rawBatch, rawGraph, rawKey, rawValue } from '../raw.js'
import { GroundTruth, queryRows } from '../recall.js'
import { loadWords, type Words } from '../words.js'

const K = 10
const GRAPH_CEILING = 'hnswlib-node, same parameters'

/** Runs `work` on the prepared words collection. */
async function withWords<T>(
  rows: number,
  work: (collection: Collection, words: Words) => Promise<T>,
): Promise<T> {
  const words = await loadWords(rows)
  const db = await open(await preparedStore(words, rows))
  try {
    const collection = db.collection(COLLECTION)
    await collection.load()
    return await work(collection, words)
  } finally {
    await db.close()
  }
}

/** Ids of the hits of one query. */
async function searchIds(collection: Collection, vector: number[], filter: string): Promise<number[]> {
  const [hits] = await collection.search({
    data: [vector],
    annsField: 'vector',
    limit: K,
    filter,
    params: { ef: GRAPH.ef },
    outputFields: [],
  })
  return hits!.map(hit => Number(hit.id))
}

const get: Workload = {
  name: 'get',
  title: 'get one row by primary key, all fields',
  async run(): Promise<WorkloadResult> {
    const rows = param('READ_ROWS', 2_000, 100_000)
    const gets = param('GETS', 500, 20_000)
    return withWords(rows, async (collection, words) => {
      const random = rng(SEED)
      const ids = Array.from({ length: gets }, () => random.int(rows))
      const level = await openRawLevel()
      let ceiling: number
      try {
        for (let from = 0; from < rows; from += 1_000) {
          await rawBatch(level, words, from, Math.min(1_000, rows - from))
        }
        const ms = await timed(async () => {
          for (const id of ids) await level.get(rawKey(id))
        })
        ceiling = perSecond(gets, ms)
      } finally {
        await level.close()
      }
      // Loaded rows and compiled code: the first gets bring the columns into memory, some thousand the code.
      for (const id of ids.slice(0, ids.length / 2)) await collection.get([id], { outputFields: ['*'] })
      const latencies = new Latencies()
      let right = 0
      for (const id of ids) {
        const [row] = await latencies.measure(() => collection.get([id], { outputFields: ['*'] }))
        if (row?.['word'] === words.words[id]) right++
      }
      return {
        params: { rows, gets },
        comparisons: [
          {
            what: 'get by one id',
            unit: 'gets/s',
            ours: latencies.perSecond(),
            ceiling,
            ceilingName: 'classic-level get of the same bytes',
            note: latencies.note(),
          },
        ],
        checks: [equal('gets with the right word', right, gets)],
      }
    })
  },
}

/** Queries asked before the clock starts: columns and graph are in memory then, and the code is compiled. */
const WARM_UP = 1_000
/** Queries of one side before it is the other side's turn: whatever else the machine does hits both alike. */
const TURN = 50

/** Our searches beside the bare graph's, in turns, under one filter. */
async function compareSearch(
  collection: Collection,
  words: Words,
  rows: number,
  queries: readonly number[],
  filterBelow: number | null,
): Promise<{ line: Comparison; checks: Check[] }> {
  const filter = filterBelow === null ? '' : `bucket < ${filterBelow}`
  const keep = filterBelow === null ? undefined : (row: number) => bucketOf(row) < filterBelow
  const what = filterBelow === null ? 'no filter' : `filter keeps ${filterBelow} %`
  const graph = rawGraph(words, rows)
  graph?.setEf(GRAPH.ef)
  for (const query of queries.slice(0, WARM_UP)) {
    await searchIds(collection, vectorOf(words, query), filter)
    graph?.searchKnn(vectorOf(words, query), K, keep)
  }
  const latencies = new Latencies()
  const found: number[][] = []
  const rawFound: number[][] = []
  let rawMs = 0
  for (let from = 0; from < queries.length; from += TURN) {
    const vectors = queries.slice(from, from + TURN).map(query => vectorOf(words, query))
    for (const vector of vectors)
      found.push(await latencies.measure(() => searchIds(collection, vector, filter)))
    const start = performance.now()
    if (graph !== null)
      for (const vector of vectors) rawFound.push(graph.searchKnn(vector, K, keep).neighbors)
    rawMs += performance.now() - start
  }
  const raw = graph === null ? null : { found: rawFound, rate: perSecond(queries.length, rawMs) }
  const truth = new GroundTruth(words, rows, K, queries, keep)
  const ours = truth.recall(found)
  const recalls = `recall@${K} ${ours.toFixed(3)}, ceiling's ${raw === null ? '–' : truth.recall(raw.found).toFixed(3)}`
  return {
    line: {
      what,
      unit: 'queries/s',
      ours: latencies.perSecond(),
      ceiling: raw?.rate ?? null,
      ceilingName: GRAPH_CEILING,
      note: `${recalls}; ${latencies.note()}`,
    },
    checks: [
      equal(`${what}: searches with ${K} hits`, found.filter(ids => ids.length === K).length, queries.length),
      holds(`${what}: every hit passes the filter`, found.flat().every(keep ?? (() => true))),
      holds(`${what}: recall@${K} is at least 0.9`, ours >= 0.9),
    ],
  }
}

const search: Workload = {
  name: 'search',
  title: `search, COSINE, k ${K}, ef ${GRAPH.ef}, one query at a time, with recall@${K}`,
  async run(): Promise<WorkloadResult> {
    const rows = param('READ_ROWS', 2_000, 100_000)
    const count = param('QUERIES', 50, 1_000)
    return withWords(rows, async (collection, words) => {
      const { line, checks } = await compareSearch(collection, words, rows, queryRows(rows, count), null)
      return { params: { rows, queries: count, k: K, ef: GRAPH.ef }, comparisons: [line], checks }
    })
  },
}

const filteredSearch: Workload = {
  name: 'filtered-search',
  title: 'search under a filter that keeps 10 % and 1 % of the rows',
  async run(): Promise<WorkloadResult> {
    const rows = param('READ_ROWS', 2_000, 100_000)
    const count = param('FILTERED_QUERIES', 30, 300)
    return withWords(rows, async (collection, words) => {
      const queries = queryRows(rows, count)
      const ten = await compareSearch(collection, words, rows, queries, 10)
      const one = await compareSearch(collection, words, rows, queries, 1)
      return {
        params: { rows, queries: count, k: K, ef: GRAPH.ef },
        comparisons: [ten.line, one.line],
        checks: [...ten.checks, ...one.checks],
      }
    })
  },
}

/** Synced put, point added, search, on the bare libraries: rounds per second, or null without hnswlib-node. */
async function rawUpsertThenSearch(words: Words, rows: number, rounds: number): Promise<number | null> {
  const graph = buildRawGraph(words, rows, rows + rounds)
  if (graph === null) return null
  const level = await openRawLevel()
  try {
    const ms = await timed(async () => {
      for (let i = 0; i < rounds; i++) {
        await level.put(rawKey(rows + i), rawValue(words, i), { sync: true })
        const vector = vectorOf(words, i)
        graph.addPoint(vector, rows + i)
        graph.searchKnn(vector, K)
      }
    })
    return perSecond(rounds, ms)
  } finally {
    await level.close()
  }
}

const upsertThenSearch: Workload = {
  name: 'upsert-search',
  title: 'upsert a row, then search for it: the search must see it',
  async run(): Promise<WorkloadResult> {
    const rows = param('READ_ROWS', 2_000, 100_000)
    const rounds = param('ROUNDS', 50, 1_000)
    const ceiling = await rawUpsertThenSearch(await loadWords(rows), rows, rounds)
    return withWords(rows, async (collection, words) => {
      const latencies = new Latencies()
      let seen = 0
      for (let i = 0; i < rounds; i++) {
        // Not a vector of the collection: the new row is its own nearest neighbour and nobody else's.
        const vector = vectorOf(words, i).map((value, d) => (d % 2 === 0 ? -value : value))
        const row = { ...rowOf(words, i), id: 10_000_000 + i, vector }
        await latencies.measure(async () => {
          await collection.upsert([row])
          const ids = await searchIds(collection, vector, '')
          if (ids[0] === row.id) seen++
        })
      }
      await collection.delete({ ids: Array.from({ length: rounds }, (_, i) => 10_000_000 + i) })
      return {
        params: { rows, rounds },
        comparisons: [
          {
            what: 'upsert, then search',
            unit: 'rounds/s',
            ours: latencies.perSecond(),
            ceiling,
            ceilingName: 'classic-level synced put + hnswlib-node addPoint + search',
            note: latencies.note(),
          },
        ],
        checks: [
          equal('searches that saw the upsert before them', seen, rounds),
          equal('rows after the cleanup', Number(await collection.count({ filter: '' })), rows),
        ],
      }
    })
  },
}

export const readWorkloads: readonly Workload[] = [get, search, filteredSearch, upsertThenSearch]
