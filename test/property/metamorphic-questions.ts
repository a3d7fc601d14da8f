/** Random questions of the metamorphic test: every kind of read, over every field and metric. */
import type { Collection, HybridRequest, SearchRequest } from '../../lib/index.js'
import type { Rng } from '../support/rng.js'
import { KEYS, randomFilter, VECTORS } from './metamorphic-rows.js'

type Question = (c: Collection) => Promise<unknown>

/** What the questions of one draw share. */
interface Drawn {
  readonly where: { readonly filter: string; readonly partitionNames: string[] }
  readonly limit: number
  readonly offset: number
  readonly outputFields: string[]
  readonly annsField: string
  /** Two query vectors of that field. */
  readonly data: unknown[]
}

const GROUP_FIELDS = ['small', 's', 'b', 'ts', 'n', 'j["k"]']
const ORDERS = ['n:desc', 's,f', 'b:asc:nulls_first', 'ts:desc,small', 'f:desc:nulls_last,s:desc,id:desc']

/** Answers of a query grouped by fields: a set, as groups come in no order. Sums of floats depend on the order of rows. */
async function groups(c: Collection, request: object): Promise<Set<string>> {
  return new Set((await c.query(request)).map(row => text(row)))
}

async function pages<T>(iterator: Promise<AsyncIterable<T[]>>): Promise<T[][]> {
  const all: T[][] = []
  for await (const page of await iterator) all.push(page)
  return all
}

function queries(random: Rng, { where, limit, offset, outputFields }: Drawn): [string, Question][] {
  const orderBy = random.pick(ORDERS)
  const batchSize = random.pick([1, 7, 40, 500])
  const groupBy = random.pick([['small'], ['s'], ['ts', 's'], ['ts'], ['n', 'ts']])
  const ids = Array.from({ length: 12 }, () => random.int(KEYS + 5))
  const { partitionNames } = where
  return [
    ['query', c => c.query({ ...where, limit: 500, outputFields })],
    ['page', c => c.query({ ...where, limit, offset, outputFields })],
    ['count', c => c.count(where)],
    ['get', c => c.get(ids, { outputFields, partitionNames })],
    [`ordered by ${orderBy}`, c => c.query({ ...where, limit, offset, orderBy, outputFields: [] })],
    [
      `grouped by ${groupBy}`,
      c =>
        groups(c, {
          ...where,
          groupBy,
          outputFields: [...groupBy, 'count(*)', 'min(n)', 'max(s)', 'sum(small)'],
        }),
    ],
    [
      'aggregated',
      c =>
        c.query({
          ...where,
          outputFields: [
            'count(*)',
            'count(f)',
            'sum(n)',
            'avg(small)',
            'min(f)',
            'max(f)',
            'min(s)',
            'max(n)',
          ],
        }),
    ],
    [
      `iterated by ${batchSize}`,
      c =>
        pages(
          c.queryIterator({ ...where, batchSize, outputFields, ...(batchSize === 1 ? { limit: 5 } : {}) }),
        ),
    ],
  ]
}

function searches(
  random: Rng,
  { where, limit, offset, outputFields, annsField, data }: Drawn,
): [string, Question][] {
  const search = { ...where, data, annsField, limit, offset, outputFields } as SearchRequest
  const { radius, near } = VECTORS[annsField]!
  const groupByField = random.pick(GROUP_FIELDS)
  const groupByFields = ['b', 's']
  const groupSize = random.pick([1, 2, 5])
  const params = random.pick([{ radius }, { radius, range_filter: near }])
  const binary = annsField === 'bits' || annsField === 'marks'
  const ids = [random.int(KEYS)]
  const batchSize = random.pick([3, 16, 200])
  const orderBy = random.pick([...ORDERS, 'j["k"]', 'extra:desc'])
  const [one] = data
  const found: [string, Question][] = [
    ['search', c => c.search(search)],
    ['range', c => c.search({ ...search, params })],
    [`ordered by ${orderBy}`, c => c.search({ ...search, orderBy })],
    ['rounded', c => c.search({ ...search, roundDecimal: 2 })],
    [
      `by key ${ids}`,
      c =>
        c
          .search({ ...where, ids, annsField, limit, outputFields } as SearchRequest)
          .catch((error: Error) => error.message),
    ],
    [
      `iterated by ${batchSize}`,
      c =>
        pages(
          c.searchIterator({ ...where, data: [one], annsField, batchSize, limit: 60, outputFields } as never),
        ),
    ],
  ]
  if (binary) return found
  return [
    ...found,
    [
      `${groupSize} of each ${groupByField}`,
      c => c.search({ ...search, groupByField, groupSize, strictGroupSize: true }),
    ],
    [
      `grouped by ${groupByFields}`,
      c => c.search({ ...search, groupByFields, groupSize, strictGroupSize: true }),
    ],
  ]
}

/** Two or three fields of any type, each with its own filter; fused by ranks, by weights, and in groups. */
function fusions(random: Rng, { where, outputFields, offset }: Drawn): [string, Question][] {
  const fields = random.shuffle(Object.keys(VECTORS)).slice(0, random.between(1, 3))
  const { partitionNames } = where
  const requests = fields.map((annsField, i) => ({
    annsField,
    data: [VECTORS[annsField]!.make(random)],
    ...(i === 0 ? { filter: where.filter } : random.chance() ? { filter: randomFilter(random, 1) } : {}),
    ...(random.chance(0.3) ? { limit: 10 } : {}),
  })) as HybridRequest['requests']
  const weights = fields.map(() => random.pick([0, 0.25, 0.5, 1]))
  const normScore = random.chance()
  const fused = { requests, limit: 20, offset, partitionNames, outputFields }
  const grouping = { groupByField: random.pick(['small', 's', 'b']), groupSize: random.pick([1, 3]) }
  const binary = fields.some(field => field === 'bits' || field === 'marks')
  const groupScorer = random.pick(['max', 'sum', 'avg'])
  const strategies: [string, Question][] = [
    [`fused ${fields}`, c => c.hybridSearch(fused)],
    [
      `weighed ${fields} by ${weights} ${normScore}`,
      c => c.hybridSearch({ ...fused, rank: { strategy: 'weighted', weights, normScore } }),
    ],
  ]
  if (binary) return strategies
  return [
    ...strategies,
    [
      `fused ${fields}, ${groupScorer} of each ${grouping.groupByField}`,
      c => c.hybridSearch({ ...fused, ...grouping, groupScorer, strictGroupSize: true }),
    ],
  ]
}

/** Scores made anew from a column: decay, and boosts by a filter. */
function rerankings(_random: Rng, { where, limit, annsField, data }: Drawn): [string, Question][] {
  const search = { ...where, data, annsField, limit, outputFields: [] } as SearchRequest
  const decay = { reranker: 'decay', function: 'gauss', origin: 0, scale: 50, decay: 0.5 }
  const boost = { reranker: 'boost', filter: 'small > 0', weight: 0.5 }
  const scored = (params: Record<string, unknown>, inputFieldNames: string[]) => ({
    functions: [{ name: 'r', type: 3, inputFieldNames, params }],
  })
  return [
    ['decayed', c => c.search({ ...search, functionScore: scored(decay, ['small']) })],
    ['boosted', c => c.search({ ...search, functionScore: scored(boost, []) })],
  ]
}

/** A question, with its words for the message of a failure. */
export function randomQuestion(random: Rng): readonly [words: string, ask: Question] {
  const annsField = random.pick(Object.keys(VECTORS))
  const { make } = VECTORS[annsField]!
  const drawn: Drawn = {
    where: {
      filter: random.chance(0.9) ? randomFilter(random) : '',
      partitionNames: random.chance(0.2) ? [random.pick(['p', '_default'])] : [],
    },
    limit: random.pick([1, 5, 20, 200]),
    offset: random.pick([0, 0, 3]),
    outputFields: random.pick([[], ['*'], ['n', 's', 'extra'], ['j', 'tags', 'v2']]),
    annsField,
    data: [make(random), make(random)],
  }
  const family = random.pick([queries, queries, searches, searches, fusions, rerankings])
  const [kind, ask] = random.pick(family(random, drawn))
  const { where, limit, offset, outputFields } = drawn
  return [
    `${kind} where ${where.filter} in [${where.partitionNames}] ${annsField} ${limit} ${offset} [${outputFields}]`,
    ask,
  ]
}

/** Text of an answer; the random order of sets and the type of integers made plain. */
export function text(value: unknown): string {
  return JSON.stringify(value, (_, cell: unknown) => {
    if (typeof cell === 'bigint') return `${cell}n`
    return cell instanceof Set ? [...cell].sort() : cell
  })
}
