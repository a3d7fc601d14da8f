/**
 * Searches beyond one dense vector: sparse vectors as BM25 makes them, and a hybrid of dense and sparse.
 *
 * Rows are documents of Zipf-distributed terms with a weight each, as full-text scoring leaves them; a query is a few
 * terms. The ceiling of a sparse search is a plain scan over the same arrays, which is also the truth it is checked
 * against; that of a hybrid search is its two parts, one after the other. Steps of the event loop over 10 ms are counted:
 * a search must not hold the thread it shares.
 */
import { join } from 'node:path'
import { DataType, open } from '../../lib/index.js'
import { rng } from '../../test/support/rng.js'
import { type Collection, newFolder, vectorOf } from '../dataset.js'
import {
  type Check,
  type Comparison,
  equal,
  Latencies,
  param,
  SEED,
  type Workload,
  type WorkloadResult,
} from '../harness.js'
import { STEP_MS, watchTurns } from '../turns.js'
import { loadWords, type Words } from '../words.js'

const K = 10
const TERMS = 30_000
/** Distinct terms of a document and of a query, at most. */
const DOC_TERMS = 48
const QUERY_TERMS = 6
/** Queries asked before the clock starts: the inverted lists are built beside the first ones. */
const WARM_UP = 120
const GRAPH_INDEX = {
  fieldName: 'dense',
  indexType: 'HNSW',
  metricType: 'COSINE',
  params: { M: 16, efConstruction: 100 },
}

/** Documents end to end: terms of document i are [starts[i], starts[i + 1]), rising. */
export interface Documents {
  readonly starts: Uint32Array
  readonly terms: Uint32Array
  readonly weights: Float32Array
}

export interface SparseQuery {
  readonly indices: number[]
  readonly values: number[]
}

/** A term number: small ones are common, as words are. */
function zipf(random: { next(): number }): number {
  return Math.min(TERMS - 1, Math.floor(TERMS ** random.next()) - 1)
}

export function makeDocuments(rows: number): Documents {
  const random = rng(SEED)
  const starts = new Uint32Array(rows + 1)
  const terms = new Uint32Array(rows * DOC_TERMS)
  const weights = new Float32Array(rows * DOC_TERMS)
  let at = 0
  for (let row = 0; row < rows; row++) {
    const own = new Set<number>()
    for (let i = 0; i < DOC_TERMS; i++) own.add(zipf(random))
    for (const term of [...own].sort((a, b) => a - b)) {
      terms[at] = term
      weights[at++] = Math.fround(0.5 + 2 * random.next())
    }
    starts[row + 1] = at
  }
  return { starts, terms: terms.subarray(0, at), weights: weights.subarray(0, at) }
}

/** Terms of a random document each, weighted by rarity. */
export function makeQueries(documents: Documents, rows: number, count: number): SparseQuery[] {
  const random = rng(SEED + 1)
  return Array.from({ length: count }, () => {
    const row = random.int(rows)
    const [from, to] = [documents.starts[row]!, documents.starts[row + 1]!]
    const own = new Set<number>()
    for (let i = 0; i < QUERY_TERMS; i++) own.add(documents.terms[from + random.int(to - from)]!)
    const indices = [...own].sort((a, b) => a - b)
    return { indices, values: indices.map(term => Math.fround(Math.log(2 + term))) }
  })
}

export function sparseOf({ starts, terms, weights }: Documents, row: number): SparseQuery {
  const [from, to] = [starts[row]!, starts[row + 1]!]
  return { indices: [...terms.subarray(from, to)], values: [...weights.subarray(from, to)] }
}

/** Ids of the best K documents: the plain scan. */
function plainScan({ starts, terms, weights }: Documents, query: SparseQuery): number[] {
  const weightOf = new Float64Array(TERMS)
  for (let i = 0; i < query.indices.length; i++) weightOf[query.indices[i]!] = query.values[i]!
  const best: { row: number; score: number }[] = []
  for (let row = 0; row + 1 < starts.length; row++) {
    let sum = 0
    for (let at = starts[row]!; at < starts[row + 1]!; at++) sum += weightOf[terms[at]!]! * weights[at]!
    const score = Math.fround(sum)
    if (score <= 0 || (best.length === K && score <= best[K - 1]!.score)) continue
    let place = best.length
    while (place > 0 && best[place - 1]!.score < score) place--
    best.splice(place, 0, { row, score })
    if (best.length > K) best.pop()
  }
  return best.map(hit => hit.row)
}

async function fill(
  collection: Collection,
  words: Words | null,
  documents: Documents,
  rows: number,
): Promise<void> {
  for (let from = 0; from < rows; from += 1_000) {
    const size = Math.min(1_000, rows - from)
    await collection.insert(
      Array.from({ length: size }, (_, i) => ({
        id: from + i,
        sparse: sparseOf(documents, from + i),
        ...(words === null ? {} : { dense: vectorOf(words, from + i) }),
      })),
    )
  }
  await collection.flush()
  await collection.compact()
  await collection.load()
}

/** Runs `work` on documents, each with a word's vector when words are given. */
async function withDocuments<T>(
  rows: number,
  words: Words | null,
  work: (collection: Collection, documents: Documents) => Promise<T>,
): Promise<T> {
  const documents = makeDocuments(rows)
  const db = await open(join(newFolder('kinds'), 'db'))
  try {
    const collection = await db.createCollection({
      name: 'documents',
      fields: [
        { name: 'id', dataType: DataType.Int64, primaryKey: true },
        { name: 'sparse', dataType: DataType.SparseFloatVector },
        ...(words === null ? [] : [{ name: 'dense', dataType: DataType.FloatVector, dim: words.dim }]),
      ],
      indexes: [
        { fieldName: 'sparse', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'IP' },
        ...(words === null ? [] : [GRAPH_INDEX]),
      ],
    })
    await fill(collection, words, documents, rows)
    return await work(collection, documents)
  } finally {
    await db.close()
  }
}

async function compareSparse(
  collection: Collection,
  documents: Documents,
  queries: readonly SparseQuery[],
): Promise<{ lines: Comparison[]; checks: Check[] }> {
  const latencies = new Latencies()
  const plain = new Latencies()
  const ask = async (query: SparseQuery): Promise<number[]> => {
    const [hits] = await collection.search({ data: [query], annsField: 'sparse', limit: K, outputFields: [] })
    return hits!.map(hit => hit.id as number)
  }
  for (let i = 0; i < WARM_UP; i++) await ask(queries[i % queries.length]!)
  const truths: string[] = []
  for (const query of queries) truths.push((await plain.measure(() => plainScan(documents, query))).join())
  let equalLists = 0
  for (let i = 0; i < queries.length; i++) {
    const found = await latencies.measure(() => ask(queries[i]!))
    if (found.join() === truths[i]) equalLists++
  }
  const steps = await watchTurns(async () => {
    for (const query of queries) await ask(query)
  })
  return {
    lines: [
      {
        what: `sparse, ${QUERY_TERMS} terms, k ${K}`,
        unit: 'queries/s',
        ours: latencies.perSecond(),
        ceiling: plain.perSecond(),
        ceilingName: 'a plain scan over the same arrays',
        note: `${latencies.note()}; ${steps.count} steps over ${STEP_MS} ms, longest ${steps.longestMs.toFixed(1)} ms`,
      },
    ],
    checks: [equal('sparse searches equal to the scan', equalLists, queries.length)],
  }
}

const sparse: Workload = {
  name: 'sparse-search',
  title: 'sparse vectors as BM25 makes them, beside a plain scan',
  async run(): Promise<WorkloadResult> {
    const rows = param('SPARSE_ROWS', 3_000, 100_000)
    const count = param('SPARSE_QUERIES', 30, 300)
    return withDocuments(rows, null, async (collection, documents) => {
      const queries = makeQueries(documents, rows, count)
      const { lines, checks } = await compareSparse(collection, documents, queries)
      return { params: { rows, queries: count, k: K }, comparisons: lines, checks }
    })
  },
}

const hybrid: Workload = {
  name: 'hybrid-search',
  title: 'hybrid of dense and sparse, fused by rank, beside its two parts',
  async run(): Promise<WorkloadResult> {
    const rows = param('SPARSE_ROWS', 3_000, 100_000)
    const count = param('SPARSE_QUERIES', 30, 300)
    const words = await loadWords(rows)
    return withDocuments(rows, words, async (collection, documents) => {
      const queries = makeQueries(documents, rows, count).map((query, i) => ({
        dense: {
          data: [vectorOf(words, (i * 7919) % rows)],
          annsField: 'dense',
          limit: K,
          params: { ef: 64 },
        },
        sparse: { data: [query], annsField: 'sparse', limit: K },
      }))
      const parts = async (query: (typeof queries)[number]): Promise<void> => {
        await collection.search({ ...query.dense, outputFields: [] })
        await collection.search({ ...query.sparse, outputFields: [] })
      }
      const whole = async (query: (typeof queries)[number]): Promise<number> => {
        const requests = [query.dense, query.sparse]
        const [hits] = await collection.hybridSearch({ requests, limit: K, outputFields: [] })
        return hits!.length
      }
      for (let i = 0; i < WARM_UP; i++) {
        await parts(queries[i % count]!)
        await whole(queries[i % count]!)
      }
      const latencies = new Latencies()
      const apart = new Latencies()
      let full = 0
      for (const query of queries) {
        await apart.measure(() => parts(query))
        if ((await latencies.measure(() => whole(query))) === K) full++
      }
      const steps = await watchTurns(async () => {
        for (const query of queries) await whole(query)
      })
      return {
        params: { rows, queries: count, k: K },
        comparisons: [
          {
            what: 'hybrid, RRF',
            unit: 'queries/s',
            ours: latencies.perSecond(),
            ceiling: apart.perSecond(),
            ceilingName: 'its two searches, one after the other',
            note: `${latencies.note()}; ${steps.count} steps over ${STEP_MS} ms, longest ${steps.longestMs.toFixed(1)} ms`,
          },
        ],
        checks: [equal('hybrid searches with a full page', full, queries.length)],
      }
    })
  },
}

export const searchKindWorkloads: readonly Workload[] = [sparse, hybrid]
