/**
 * The same rows and the same questions in databases that differ only in how rows are kept: tiny and huge segments, with
 * and without scalar indexes and graphs, compacted or not, opened again at random moments. The answers must be equal.
 *
 * Searches are exact (FLAT, and segments below the size that gets a graph), so that equal means equal: same keys, same
 * order, same scores, same fields. `SEED` and `RUNS` repeat or prolong a run.
 */
import { join } from 'node:path'
import t from 'tap'
import {
  type Collection,
  type Database,
  DataType,
  type OpenOptions,
  open,
  type Row,
} from '../../lib/index.js'
import { type Rng, rng, runsOf, seedOf } from '../support/rng.js'

const SEED = seedOf(20261122)
const RUNS = runsOf(2)
const DIM = 4
const KEYS = 160
const STEPS = 24

interface Variant {
  readonly name: string
  readonly options: OpenOptions
  /** Scalar index types per field; none when empty. */
  readonly indexes: Readonly<Record<string, string>>
  readonly vectorIndex: string
  /** Chance that a step ends with a flush, a compaction, a reopening. */
  readonly flush: number
  readonly compact: number
  readonly reopen: number
}

const NO_INDEX = {}
const SOME = { n: 'STL_SORT', small: 'BITMAP', s: 'INVERTED', tags: 'INVERTED', f: 'INVERTED' }
const OTHERS = { n: 'INVERTED', small: 'STL_SORT', s: 'Trie', b: 'BITMAP', tags: 'BITMAP' }
const VARIANTS: readonly Variant[] = [
  {
    name: 'one growing segment',
    options: {},
    indexes: NO_INDEX,
    vectorIndex: 'FLAT',
    flush: 0,
    compact: 0,
    reopen: 0,
  },
  {
    name: 'tiny segments',
    options: { flushRowsMax: 64 },
    indexes: NO_INDEX,
    vectorIndex: 'FLAT',
    flush: 0.6,
    compact: 0,
    reopen: 0,
  },
  {
    name: 'tiny segments, indexed',
    options: { flushRowsMax: 64, indexRowsMin: 16 },
    indexes: SOME,
    vectorIndex: 'FLAT',
    flush: 0.6,
    compact: 0,
    reopen: 0.1,
  },
  {
    name: 'compacted',
    options: {},
    indexes: NO_INDEX,
    vectorIndex: 'FLAT',
    flush: 0,
    compact: 0.3,
    reopen: 0,
  },
  {
    name: 'compacted, indexed',
    options: { indexRowsMin: 16 },
    indexes: OTHERS,
    vectorIndex: 'FLAT',
    flush: 0.1,
    compact: 0.25,
    reopen: 0.1,
  },
  {
    name: 'reopened, exact without the library',
    options: { hnsw: false, indexRowsMin: 16 },
    indexes: SOME,
    vectorIndex: 'HNSW',
    flush: 0.2,
    compact: 0,
    reopen: 0.3,
  },
]

/** One database in which the rows are kept in one way. */
class Kept {
  readonly variant: Variant
  readonly directory: string
  readonly random: Rng
  db!: Database

  constructor(variant: Variant, directory: string, random: Rng) {
    this.variant = variant
    this.directory = directory
    this.random = random
  }

  async open(): Promise<void> {
    this.db = await open(this.directory, {
      autoCompaction: false,
      nowMs: () => 1_767_225_600_000,
      ...this.variant.options,
    })
  }

  get c(): Collection {
    return this.db.collection('c')
  }

  async create(): Promise<void> {
    await this.open()
    const nullable = true
    const { indexes, vectorIndex } = this.variant
    await this.db.createCollection({
      name: 'c',
      enableDynamicField: true,
      fields: [
        { name: 'id', dataType: DataType.Int64, primaryKey: true },
        { name: 'n', dataType: DataType.Int64, nullable },
        { name: 'small', dataType: DataType.Int8 },
        { name: 'f', dataType: DataType.Float, nullable },
        { name: 'b', dataType: DataType.Bool, nullable },
        { name: 's', dataType: DataType.VarChar, maxLength: 16, nullable },
        { name: 'j', dataType: DataType.JSON, nullable },
        { name: 'tags', dataType: DataType.Array, elementType: DataType.Int32, maxCapacity: 4, nullable },
        { name: 'vec', dataType: DataType.FloatVector, dim: DIM },
        { name: 'v2', dataType: DataType.FloatVector, dim: DIM, nullable },
      ],
      indexes: [
        { fieldName: 'vec', indexType: vectorIndex, metricType: 'L2' },
        { fieldName: 'v2', indexType: vectorIndex, metricType: 'COSINE' },
        ...Object.entries(indexes).map(([fieldName, indexType]) => ({ fieldName, indexType })),
      ],
    })
    await this.c.createPartition('p')
  }

  /** Keeps the rows in another way: flushed, merged, read back; what they are stays. */
  async shake(): Promise<void> {
    const { flush, compact, reopen } = this.variant
    if (this.random.chance(flush)) await this.c.flush()
    if (this.random.chance(compact)) await this.c.compact()
    if (this.random.chance(reopen)) {
      await this.db.close()
      await this.open()
    }
  }
}

const INTS = [0, 1, -1, 7, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 100]
const TEXTS = ['', 'a', 'ab', 'abc', 'B', 'zażółć', '🦅']
const FLOATS = [0, 0.1, -1.5, 2, 1e30]
const orNull = <T>(random: Rng, value: T): T | null => (random.chance(0.2) ? null : value)

/** Coordinates are small integers: sums of squares are exact, so scores of equal rows are equal bit by bit. */
const vector = (random: Rng): number[] => Array.from({ length: DIM }, () => random.between(-8, 8))

function randomRow(random: Rng, id: number): Row {
  const row: Record<string, unknown> = {
    id,
    n: orNull(random, random.pick(INTS)),
    small: random.between(-128, 127),
    f: orNull(random, random.pick(FLOATS)),
    b: orNull(random, random.chance()),
    s: orNull(random, random.pick(TEXTS)),
    j: orNull(
      random,
      random.pick([{ k: random.int(5) }, { k: 'x', l: [1, 'a'] }, { l: [random.int(3)] }, [], 5]),
    ),
    tags: orNull(
      random,
      Array.from({ length: random.int(4) }, () => random.int(5)),
    ),
    vec: vector(random),
    v2: orNull(random, vector(random)),
  }
  if (random.chance(0.3)) row['extra'] = random.pick([1, 1.5, 'x', true, null])
  return row
}

const quoted = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

function randomLeaf(random: Rng): string {
  const op = random.pick(['==', '!=', '<', '<=', '>', '>='])
  return random.pick([
    () => `n ${op} ${random.pick(INTS)}`,
    () => `small ${op} ${random.between(-140, 140)}`,
    () => `f ${op} ${random.pick(FLOATS)}`,
    () => `b == ${random.chance()}`,
    () => `s ${op} ${quoted(random.pick(TEXTS))}`,
    () => `s like ${quoted(random.pick(['a%', '%b%', '%', '_', '%c']))}`,
    () => `n in [${random.pick(INTS)}, ${random.pick(INTS)}]`,
    () => `small not in [${random.between(-5, 5)}, ${random.between(-5, 5)}]`,
    () => `${random.pick(['n', 's', 'f', 'j', 'tags', 'extra'])} is ${random.pick(['', 'not '])}null`,
    () => `j["k"] ${op} ${random.pick(['2', '"x"', '1.5'])}`,
    () => `exists ${random.pick(['j["l"]', 'extra'])}`,
    () => `json_contains(j["l"], ${random.pick(['1', '"a"'])})`,
    () => `array_contains(tags, ${random.int(5)})`,
    () => `array_contains_any(tags, [${random.int(5)}, ${random.int(5)}])`,
    () => `array_length(tags) ${op} ${random.int(4)}`,
    () => `tags[0] ${op} ${random.int(5)}`,
    () => `n % 3 == ${random.int(3)}`,
    () => `extra ${op} ${random.pick(['1', '"x"', '1.5'])}`,
    () => `${random.between(-100, 0)} < small <= ${random.between(1, 100)}`,
    () => `id ${op} ${random.int(KEYS)}`,
    () => `id in [${Array.from({ length: 5 }, () => random.int(KEYS)).join(', ')}]`,
  ])()
}

function randomFilter(random: Rng, depth = 2): string {
  if (depth === 0 || random.chance(0.3)) return randomLeaf(random)
  if (random.chance(0.25)) return `not (${randomFilter(random, depth - 1)})`
  return `(${randomFilter(random, depth - 1)}) ${random.pick(['and', 'or'])} (${randomFilter(random, depth - 1)})`
}

type Question = (c: Collection) => Promise<unknown>

/** A question, with its words for the message of a failure. */
function randomQuestion(random: Rng): readonly [words: string, ask: Question] {
  const filter = random.chance(0.9) ? randomFilter(random) : ''
  const partitionNames = random.chance(0.2) ? [random.pick(['p', '_default'])] : []
  const where = { filter, partitionNames }
  const data = [vector(random), vector(random)]
  const annsField = random.pick(['vec', 'v2'])
  const limit = random.pick([1, 5, 20, 200])
  const offset = random.pick([0, 0, 3])
  const outputFields = random.pick([[], ['*'], ['n', 's', 'extra'], ['j', 'tags', 'v2']])
  const search = { ...where, data, annsField, limit, offset, outputFields }
  const kinds: readonly (readonly [string, Question])[] = [
    ['query', c => c.query({ ...where, limit: 500, outputFields })],
    ['page', c => c.query({ ...where, limit, offset, outputFields })],
    ['count', c => c.count(where)],
    [
      'ordered',
      c =>
        c.query({
          ...where,
          limit,
          orderBy: random.pick(['n:desc', 's,f', 'b:asc:nulls_first']),
          outputFields: [],
        }),
    ],
    ['search', c => c.search(search)],
    ['range', c => c.search({ ...search, annsField: 'vec', params: { radius: 120, range_filter: 10 } })],
    ['grouped', c => c.search({ ...search, groupByField: 'small', groupSize: 2, strictGroupSize: true })],
    [
      'fused',
      c =>
        c.hybridSearch({
          requests: [
            { data: [data[0]!], annsField: 'vec', filter },
            { data: [data[1]!], annsField: 'vec' },
          ],
          limit: 20,
          partitionNames,
          outputFields,
        }),
    ],
    [
      'grouped query',
      async c =>
        new Set(
          (
            await c.query({
              ...where,
              groupBy: 'small',
              outputFields: ['small', 'count(*)', 'min(n)', 'max(s)'],
            })
          ).map(row => text(row)),
        ),
    ],
  ]
  const [kind, ask] = random.pick(kinds)
  return [
    `${kind} where ${filter} in [${partitionNames}] ${annsField} ${limit} ${offset} [${outputFields}]`,
    ask,
  ]
}

/** Text of an answer; the random order of sets and the type of integers made plain. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, cell: unknown) => {
    if (typeof cell === 'bigint') return `${cell}n`
    return cell instanceof Set ? [...cell].sort() : cell
  })
}

/** The same step of writing for every database. */
function randomWrite(random: Rng): (c: Collection) => Promise<unknown> {
  const rows = Array.from({ length: random.between(1, 40) }, () => randomRow(random, random.int(KEYS)))
  const once = [...new Map(rows.map(row => [row['id'], row])).values()]
  const filter = randomFilter(random, 1)
  const ids = Array.from({ length: 6 }, () => random.int(KEYS))
  return random.pick([
    (c: Collection) => c.upsert(once),
    (c: Collection) => c.upsert(once),
    (c: Collection) => c.upsert(once, { partitionName: 'p' }),
    (c: Collection) =>
      c.upsert(
        once.map(({ id, s }) => ({ id, s, extra: 'merged', small: 0, vec: [0, 0, 0, 1] })),
        { partialUpdate: true },
      ),
    (c: Collection) => c.delete({ ids }),
    (c: Collection) => c.delete({ filter: `(${filter}) and small > 60` }),
  ])
}

for (let run = 0; run < RUNS; run++) {
  t.test(`the same answers however rows are kept (SEED=${SEED + run})`, async t => {
    const random = rng(SEED + run)
    const base = t.testdir()
    const all = VARIANTS.map((variant, i) => new Kept(variant, join(base, String(i)), random.fork()))
    for (const kept of all) await kept.create()
    t.teardown(async () => {
      for (const kept of all) await kept.db.close()
    })
    for (let step = 0; step < STEPS; step++) {
      const write = randomWrite(random)
      for (const kept of all) {
        await write(kept.c)
        await kept.shake()
      }
      for (let i = 0; i < 6; i++) {
        const state = random.int(2 ** 31)
        const words = randomQuestion(rng(state))[0]
        const answers: string[] = []
        for (const kept of all) answers.push(text(await randomQuestion(rng(state))[1](kept.c)))
        const other = answers.findIndex(answer => answer !== answers[0])
        if (other < 0) continue
        t.equal(answers[other], answers[0], `step ${step}, ${all[other]!.variant.name}: ${words}`)
        return
      }
    }
    t.pass(`${STEPS * 6} questions`)
  })
}
