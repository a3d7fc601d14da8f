/**
 * The kinds of reads whose steps are measured (steps.ts): of rows, of a graph, of filters without an index, and of
 * vectors that are compared exactly.
 *
 * Every use asks something new, so that filters are not answered from the cache.
 */
import { type Collection, vectorOf } from '../dataset.js'
import type { StepRequest } from '../step-requests.js'
import type { Words } from '../words.js'
import { type Facts, WORDS } from './filter.js'
import type { SparseQuery } from './search-kinds.js'

/** A kind of read. */
export interface Kind {
  readonly what: string
  /** The i-th request. */
  request(i: number): StepRequest
  /** True when the i-th request finds so many. */
  right(found: number, i: number): boolean
  /** True when it changes what is stored, or asks for what another kind changed. */
  readonly changes?: boolean
}

type Query = Parameters<Collection['query']>[0]

function kind(what: string, request: (i: number) => StepRequest, expected: (i: number) => number): Kind {
  return { what, request, right: (found, i) => found === expected(i) }
}

/** Reads of rows: by key, by filter, in order, in groups. */
export function rowKinds(rows: number): Kind[] {
  const many = Math.min(16_384, rows)
  const spread = (i: number, count: number): number[] =>
    Array.from({ length: count }, (_, j) => (j * 37 + i * 11) % rows)
  const different = (i: number, count: number): number => new Set(spread(i, count)).size
  const get = (count: number): Kind =>
    kind(
      `get of ${count}`,
      i => ({ call: 'get', ids: spread(i, count) }),
      i => different(i, count),
    )
  const query = (what: string, make: (i: number) => Query, expected: (i: number) => number): Kind =>
    kind(what, i => ({ call: 'query', query: make(i) }), expected)
  const from = (i: number): string => `id >= ${i}`
  const listed = Math.min(10_000, rows / 2)
  const aggregates = ['count(*)', 'sum(id)', 'avg(id)', 'min(word)', 'max(word)']
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
      () => ({ call: 'every row', batchSize: 1_000 }),
      () => rows,
    ),
  ]
}

/** Searches by a graph, and under filters. */
export function graphKinds(words: Words, rows: number): Kind[] {
  const atOnce = 200
  const many = Math.min(16_384, rows)
  const search = (what: string, limit: number, nq: number, more: object, found = limit): Kind =>
    kind(
      what,
      i => {
        const data = Array.from({ length: nq }, (_, j) => vectorOf(words, (i * 7_919 + j * 101) % rows))
        const asked = { data, annsField: 'vector', limit, outputFields: ['word'], ...more }
        return { call: 'search', searches: [asked], order: 'at once' }
      },
      () => found * nq,
    )
  const filters = [2, 10, 20, 100].map(spread => {
    const found = Math.min(10, Math.ceil(rows / spread))
    return search(`HNSW, ${100 / spread} % pass, k 10`, 10, 1, { filter: `id % ${spread} == 0` }, found)
  })
  return [
    search('HNSW, k 10', 10, 1, {}),
    search(`HNSW, k ${many}`, many, 1, {}),
    search('HNSW, k 10, nq 1,000', 10, Math.min(1_000, rows), {}),
    search(`HNSW, k ${Math.min(1_000, rows)}, nq 100`, Math.min(1_000, rows), 100, {}),
    ...filters,
    kind(
      `${atOnce} searches at once, HNSW, k 10`,
      i => {
        const one = (j: number) => [vectorOf(words, (i * 131 + j * 7) % rows)]
        const searches = Array.from({ length: atOnce }, (_, j) => ({
          data: one(j),
          limit: 10,
          outputFields: ['word'],
        }))
        return { call: 'search', searches, order: 'at once' }
      },
      () => 10 * atOnce,
    ),
    search('range search, all in range', many, 1, { params: { radius: -2, range_filter: 1.5 } }),
    search('grouping search', 10, 1, { groupByField: 'bucket', groupSize: 3, strictGroupSize: true }, 30),
    kind(
      'search iterator, all rows',
      i => ({ call: 'every hit', data: [vectorOf(words, i)], batchSize: 1_000 }),
      () => rows,
    ),
  ]
}

/** Filters that no index serves, counted. */
export function factKinds(facts: Facts, rows: number): Kind[] {
  const half = Math.floor(rows / 2)
  const perWord = new Int32Array(WORDS)
  for (const word of facts.word) perWord[word]!++
  const listed = Math.min(10_000, Math.floor(rows / 4))
  const list = (i: number): string => `[${Array.from({ length: listed }, (_, j) => j * 2 + i)}]`
  const count = (what: string, filter: (i: number) => string, expected: (i: number) => number): Kind =>
    kind(`filter: ${what}`, i => ({ call: 'count', filters: [filter(i)] }), expected)
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
      i => ({ call: 'count', filters: Array.from({ length: 20 }, (_, j) => `n >= ${1_000 + i * 20 + j}`) }),
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

/** Sparse vectors, dense ones that are compared exactly, and both; then deletes. */
export function documentKinds(words: Words, rows: number, queries: readonly SparseQuery[]): Kind[] {
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
      i => ({ call: 'search', searches: [{ ...dense(i, nq), limit }], order: 'at once' }),
      () => limit * nq,
    )
  const hybrid = (limit: number, deep: number): Kind =>
    kind(
      `hybrid, k ${limit} of ${deep} each`,
      i => {
        const requests = [
          { ...dense(i), limit: deep },
          { ...sparse(i), limit: deep },
        ]
        return { call: 'hybrid', search: { requests, limit, outputFields: [] } }
      },
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
      i => {
        const searches = Array.from({ length: 50 }, (_, j) => ({ ...sparse(i + j), limit: 10 }))
        return { call: 'search', searches, order: 'one by one' }
      },
      () => 500,
    ),
    {
      what: `sparse, k ${many}`,
      request: i => ({ call: 'search', searches: [{ ...sparse(i), limit: many }], order: 'at once' }),
      right: found => found > 10,
    },
    hybrid(10, 10),
    hybrid(Math.min(1_000, rows), many),
    {
      what: 'delete by filter, 1 % of the rows',
      request: i => ({ call: 'delete', filter: `id % 100 == ${i}` }),
      right: found => {
        deleted += found
        return found === rows / 100
      },
      changes: true,
    },
    {
      what: 'count after the deletes',
      request: i => ({ call: 'count', filters: [`id >= 0 and ${i} == ${i}`] }),
      right: found => found === rows - deleted,
      changes: true,
    },
  ]
}
