/**
 * The longest step that each kind of read makes on the event loop, which a service around us shares: none may take more
 * than STEP_MS (bench/turns.ts says how a step is measured).
 *
 * Each kind runs on its own and gives two figures: its first use in a database just opened, when columns are read,
 * filters compiled and code is not yet compiled by V8; and later, which is the figure compared. Every use asks
 * something new, so that filters are not answered from the cache. Answers are counted and checked.
 */
import { join } from 'node:path'
import { DataType, open } from '../../lib/index.js'
import { COLLECTION, type Collection, newFolder, preparedStore, vectorOf } from '../dataset.js'
import { type Comparison, equal, param, type Workload, type WorkloadResult } from '../harness.js'
import { figure } from '../table.js'
import { leastTurns, STEP_MS, type Turns, watchTurns } from '../turns.js'
import { loadWords, type Words } from '../words.js'
import { type Facts, WORDS, withFacts } from './filter.js'
import { makeDocuments, makeQueries, type SparseQuery, sparseOf } from './search-kinds.js'

/** A kind of read. */
interface Kind {
  readonly what: string
  /** Makes the i-th request, outside of the measurement; what it returns asks it and tells how much was found. */
  request(i: number): () => Promise<number>
  expected(i: number): number
}

/** What was found out about some kinds. */
interface Findings {
  readonly comparisons: Comparison[]
  wrong: number
}

/** Measures kinds, one after the other. */
async function measure(kinds: readonly Kind[], times: number, findings: Findings): Promise<void> {
  for (const kind of kinds) {
    const prepare = (i: number): (() => Promise<void>) => {
      const ask = kind.request(i)
      const expected = kind.expected(i)
      return async () => {
        if ((await ask()) !== expected) findings.wrong++
      }
    }
    const first = await watchTurns(prepare(0))
    const later = await leastTurns(times, i => prepare(i + 1))
    findings.comparisons.push({
      what: kind.what,
      unit: 'ms',
      ours: later.longestMs,
      ceiling: STEP_MS,
      ceilingName: 'the promise',
      note: `${shown(later)}; first use: ${shown(first)}, longest ${figure(first.longestMs)} ms`,
    })
  }
}

/** What else is known of some turns. */
function shown({ ms, collectingMs }: Turns): string {
  return `${figure(ms)} ms in all, ${figure(collectingMs)} ms of the longest for collecting garbage`
}

type Query = Parameters<Collection['query']>[0]

/** A kind of read whose request is made by `make`; `read` asks it and tells how much was found. */
function kind<R>(
  what: string,
  make: (i: number) => R,
  read: (request: R) => Promise<number>,
  expected: (i: number) => number,
): Kind {
  const request = (i: number): (() => Promise<number>) => {
    const made = make(i)
    return () => read(made)
  }
  return { what, request, expected }
}

/** Reads of rows: by key, by filter, in order, in groups. */
function rowKinds(collection: Collection, rows: number): Kind[] {
  const many = Math.min(16_384, rows)
  const spread = (i: number, count: number): number[] =>
    Array.from({ length: count }, (_, j) => (j * 37 + i * 11) % rows)
  const different = (i: number, count: number): number => new Set(spread(i, count)).size
  const get = (count: number): Kind =>
    kind(
      `get of ${count}`,
      i => spread(i, count),
      async ids => (await collection.get(ids)).length,
      i => different(i, count),
    )
  const query = (what: string, make: (i: number) => Query, expected: (i: number) => number): Kind =>
    kind(what, make, async request => (await collection.query(request)).length, expected)
  const from = (i: number): string => `id >= ${i}`
  const listed = Math.min(10_000, rows / 2)
  const aggregates = ['count(*)', 'sum(id)', 'avg(id)', 'min(word)', 'max(word)']
  const all = async (): Promise<number> => {
    let seen = 0
    for await (const page of await collection.queryIterator({ batchSize: 1_000 })) seen += page.length
    return seen
  }
  return [
    get(1),
    get(1_000),
    get(many),
    query(
      `query, id in ${listed}`,
      i => ({ filter: `id in [${spread(i, listed)}]`, outputFields: ['word'] }),
      i => different(i, listed),
    ),
    query(
      `query, ${many} rows, all fields`,
      i => ({ filter: from(i), limit: many }),
      i => Math.min(many, rows - i),
    ),
    query(
      'query, order by text, limit 100',
      i => ({ filter: from(i), orderBy: 'word', limit: 100 }),
      () => 100,
    ),
    query(
      `query, order by two fields, limit ${many}`,
      i => ({ filter: from(i), orderBy: 'bucket:desc,word', limit: many }),
      i => Math.min(many, rows - i),
    ),
    query(
      'query, 100 groups, five aggregates',
      i => ({
        filter: from(i),
        groupBy: 'bucket',
        orderBy: 'bucket',
        limit: 200,
        outputFields: ['bucket', ...aggregates],
      }),
      () => Math.min(100, rows),
    ),
    query(
      `query, ${rows} groups in order`,
      i => ({
        filter: from(i),
        groupBy: 'word',
        orderBy: 'word',
        limit: 10,
        outputFields: ['word', 'count(*)'],
      }),
      () => 10,
    ),
    kind(
      'query iterator, all rows',
      () => undefined,
      all,
      () => rows,
    ),
  ]
}

/** Searches by a graph, and under filters. */
function graphKinds(collection: Collection, words: Words, rows: number): Kind[] {
  const atOnce = 200
  const many = Math.min(16_384, rows)
  const search = (what: string, limit: number, nq: number, more: object, found = limit): Kind =>
    kind(
      what,
      i => {
        const data = Array.from({ length: nq }, (_, j) => vectorOf(words, (i * 7_919 + j * 101) % rows))
        return { data, annsField: 'vector', limit, outputFields: ['word'], ...more }
      },
      async request => countHits(await collection.search(request)),
      () => found * nq,
    )
  const filters = [2, 10, 20, 100].map(spread => {
    const found = Math.min(10, Math.ceil(rows / spread))
    return search(`HNSW, ${100 / spread} % pass, k 10`, 10, 1, { filter: `id % ${spread} == 0` }, found)
  })
  const all = async (data: number[][]): Promise<number> => {
    let seen = 0
    const iterator = await collection.searchIterator({ data, batchSize: 1_000, outputFields: [] })
    for await (const page of iterator) seen += page.length
    return seen
  }
  return [
    search('HNSW, k 10', 10, 1, {}),
    search(`HNSW, k ${many}`, many, 1, {}),
    search('HNSW, k 10, nq 1,000', 10, Math.min(1_000, rows), {}),
    search(`HNSW, k ${Math.min(1_000, rows)}, nq 100`, Math.min(1_000, rows), 100, {}),
    ...filters,
    kind(
      `${atOnce} searches at once, HNSW, k 10`,
      i => Array.from({ length: atOnce }, (_, j) => [vectorOf(words, (i * 131 + j * 7) % rows)]),
      async all => {
        const asked = all.map(data => collection.search({ data, limit: 10, outputFields: ['word'] }))
        return countHits((await Promise.all(asked)).flat())
      },
      () => 10 * atOnce,
    ),
    search('range search, all in range', many, 1, { params: { radius: -2, range_filter: 1.5 } }),
    search('grouping search', 10, 1, { groupByField: 'bucket', groupSize: 3, strictGroupSize: true }, 30),
    kind(
      'search iterator, all rows',
      i => [vectorOf(words, i)],
      all,
      () => rows,
    ),
  ]
}

function countHits(lists: readonly (readonly unknown[])[]): number {
  return lists.reduce((sum, list) => sum + list.length, 0)
}

/** Filters that no index serves, counted. */
function factKinds(collection: Collection, facts: Facts, rows: number): Kind[] {
  const half = Math.floor(rows / 2)
  const perWord = new Int32Array(WORDS)
  for (const word of facts.word) perWord[word]!++
  const listed = Math.min(10_000, Math.floor(rows / 4))
  const list = (i: number): string => `[${Array.from({ length: listed }, (_, j) => j * 2 + i)}]`
  const count = (what: string, filter: (i: number) => string, expected: (i: number) => number): Kind =>
    kind(`filter: ${what}`, filter, async text => Number(await collection.count({ filter: text })), expected)
  return [
    count(
      'none, count(*)',
      () => '',
      () => rows,
    ),
    count(
      'int range',
      i => `n >= ${i} and n < ${i + half}`,
      () => half,
    ),
    count(
      'text in list',
      i => `word in ["word${i}", "word${i + 500}"]`,
      i => perWord[i]! + perWord[i + 500]!,
    ),
    count(
      'JSON path',
      i => `doc["a"] >= ${i} and doc["a"] < ${i + half}`,
      () => half,
    ),
    count(
      'like',
      i => `word like "%ord${i + 100}%"`,
      i => perWord[i + 100]!,
    ),
    count(
      'regex',
      i => `word =~ "^w.*d${i + 100}$"`,
      i => perWord[i + 100]!,
    ),
    kind(
      'filter: int range, 20 at once',
      i => Array.from({ length: 20 }, (_, j) => `n >= ${1_000 + i * 20 + j}`),
      async filters => {
        const counts = await Promise.all(filters.map(filter => collection.count({ filter })))
        return counts.reduce((sum, found) => sum + Number(found), 0)
      },
      i => 20 * (rows - 1_000 - i * 20) - 190,
    ),
    count(
      `int in ${listed}`,
      i => `n in ${list(i)}`,
      () => listed,
    ),
    count(
      `id in ${listed}`,
      i => `id in ${list(i)}`,
      () => listed,
    ),
  ]
}

const rowsAndGraph: Workload = {
  name: 'longest-steps',
  title: `the longest step of each kind of read on the event loop; promised: at most ${STEP_MS} ms`,
  async run(): Promise<WorkloadResult> {
    const rows = param('READ_ROWS', 2_000, 100_000)
    const facts = param('FACT_ROWS', 2_000, 1_000_000)
    const times = param('STEP_TIMES', 2, 5)
    const findings: Findings = { comparisons: [], wrong: 0 }
    const words = await loadWords(rows)
    const db = await open(await preparedStore(words, rows))
    try {
      const collection = db.collection(COLLECTION)
      await collection.load()
      // The first of these finds the vectors on disk.
      await measure(graphKinds(collection, words, rows), times, findings)
      await measure(rowKinds(collection, rows), times, findings)
    } finally {
      await db.close()
    }
    await withFacts(facts, async (collection, content) => {
      await measure(factKinds(collection, content, facts), times, findings)
      await measureIndexBuild(collection, facts, findings)
    })
    await measureDocuments(words, rows, times, findings)
    return {
      params: { rows, facts, times },
      comparisons: findings.comparisons,
      checks: [equal('wrong answers', findings.wrong, 0)],
    }
  },
}

/** Counts beside the building of scalar indexes. */
async function measureIndexBuild(collection: Collection, rows: number, findings: Findings): Promise<void> {
  let reads = 0
  const build = async (): Promise<void> => {
    let done = false
    const building = (async () => {
      await collection.createIndex({ fieldName: 'n', indexType: 'STL_SORT' })
      await collection.createIndex({ fieldName: 'word', indexType: 'INVERTED' })
      await collection.compact()
      done = true
    })()
    while (!done) {
      const low = reads++ % 100
      if (Number(await collection.count({ filter: `n >= ${low}` })) !== rows - low) findings.wrong++
      await new Promise(resolve => setImmediate(resolve))
    }
    await building
  }
  const turns = await leastTurns(2, () => async () => {
    await build()
    for (const index of (await collection.describe()).indexes)
      if (index.fieldName !== 'vec') await collection.dropIndex(index.name)
  })
  findings.comparisons.push({
    what: 'counts beside the build of scalar indexes',
    unit: 'ms',
    ours: turns.longestMs,
    ceiling: STEP_MS,
    ceilingName: 'the promise',
    note: `${turns.count} steps over ${STEP_MS} ms; two builds with ${reads} counts; the last took ${figure(turns.ms)} ms`,
  })
}

/** A collection with sparse vectors and dense ones that are compared exactly. */
async function measureDocuments(
  words: Words,
  rows: number,
  times: number,
  findings: Findings,
): Promise<void> {
  const documents = makeDocuments(rows)
  const path = join(newFolder('steps'), 'db')
  const filling = await open(path)
  try {
    const collection = await filling.createCollection({
      name: 'documents',
      fields: [
        { name: 'id', dataType: DataType.Int64, primaryKey: true },
        { name: 'sparse', dataType: DataType.SparseFloatVector },
        { name: 'dense', dataType: DataType.FloatVector, dim: words.dim },
      ],
      indexes: [
        { fieldName: 'sparse', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'IP' },
        { fieldName: 'dense', indexType: 'FLAT', metricType: 'L2' },
      ],
    })
    for (let from = 0; from < rows; from += 1_000) {
      const size = Math.min(1_000, rows - from)
      await collection.insert(
        Array.from({ length: size }, (_, i) => ({
          id: from + i,
          sparse: sparseOf(documents, from + i),
          dense: vectorOf(words, from + i),
        })),
      )
    }
    await collection.compact()
  } finally {
    await filling.close()
  }
  const db = await open(path)
  try {
    const collection = db.collection('documents')
    await collection.load()
    const queries = makeQueries(documents, rows, 64)
    await measure(documentKinds(collection, words, rows, queries), times, findings)
  } finally {
    await db.close()
  }
}

function documentKinds(
  collection: Collection,
  words: Words,
  rows: number,
  queries: readonly SparseQuery[],
): Kind[] {
  const many = Math.min(16_384, rows)
  const dense = (i: number, nq = 1) => ({
    data: Array.from({ length: nq }, (_, j) => vectorOf(words, (i * 7_919 + j) % rows)),
    annsField: 'dense',
    outputFields: [],
  })
  const sparse = (i: number) => ({
    data: [queries[i % queries.length]!],
    annsField: 'sparse',
    outputFields: [],
  })
  const flat = (what: string, limit: number, nq: number): Kind =>
    kind(
      what,
      i => ({ ...dense(i, nq), limit }),
      async request => countHits(await collection.search(request)),
      () => limit * nq,
    )
  const hybrid = (limit: number, deep: number): Kind =>
    kind(
      `hybrid, k ${limit} of ${deep} each`,
      i => [
        { ...dense(i), limit: deep },
        { ...sparse(i), limit: deep },
      ],
      async requests => countHits(await collection.hybridSearch({ requests, limit, outputFields: [] })),
      () => limit,
    )
  let deleted = 0
  return [
    flat('FLAT, k 10', 10, 1),
    flat(`FLAT, k ${many}`, many, 1),
    flat('FLAT, k 10, nq 100', 10, 100),
    kind(
      // The inverted lists are built while these run.
      '50 sparse searches, k 10',
      i => Array.from({ length: 50 }, (_, j) => ({ ...sparse(i + j), limit: 10 })),
      async requests => {
        let found = 0
        for (const request of requests) found += countHits(await collection.search(request))
        return found
      },
      () => 500,
    ),
    kind(
      `sparse, k ${many}`,
      i => ({ ...sparse(i), limit: many }),
      async request => Number(countHits(await collection.search(request)) > 10),
      () => 1,
    ),
    hybrid(10, 10),
    hybrid(Math.min(1_000, rows), many),
    kind(
      'delete by filter, 1 % of the rows',
      i => `id % 100 == ${i}`,
      async filter => {
        const { deleteCount } = await collection.delete({ filter })
        deleted += deleteCount
        return deleteCount
      },
      () => rows / 100,
    ),
    kind(
      'count after the deletes',
      i => `id >= 0 and ${i} == ${i}`,
      async filter => Number(await collection.count({ filter })),
      () => rows - deleted,
    ),
  ]
}

export const stepWorkloads: readonly Workload[] = [rowsAndGraph]
