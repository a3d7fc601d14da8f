/**
 * The same rows and the same questions in databases that differ only in how rows are kept: tiny and huge segments, with
 * and without scalar indexes and graphs, compacted or not, opened again at random moments. The answers must be equal.
 *
 * Searches are exact (no graphs), so that equal means equal: same keys, same order, same scores, same fields. `SEED` and
 * `RUNS` repeat or prolong a run. What is asked: metamorphic-questions.ts.
 */
import { join } from 'node:path'
import t from 'tap'
import { type Collection, type Database, DataType, type OpenOptions, open } from '../../lib/index.js'
import { type Rng, rng, runsOf, seedOf } from '../support/rng.js'
import { randomQuestion, text } from './metamorphic-questions.js'
import { BINARY_DIM, DIM, randomWrite } from './metamorphic-rows.js'

const SEED = seedOf(20261122)
const RUNS = runsOf(2)
const STEPS = 24
const QUESTIONS = 8

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
    options: { flushRowsMax: 64, indexRowsMin: 16, hnsw: false },
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
    options: { indexRowsMin: 16, hnsw: false },
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
  readonly warnings: string[] = []
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
      warn: text => this.warnings.push(text),
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
        { name: 'half', dataType: DataType.Float16Vector, dim: DIM },
        { name: 'brain', dataType: DataType.BFloat16Vector, dim: DIM, nullable },
        { name: 'bytes', dataType: DataType.Int8Vector, dim: DIM },
        { name: 'bits', dataType: DataType.BinaryVector, dim: BINARY_DIM },
        { name: 'marks', dataType: DataType.BinaryVector, dim: BINARY_DIM, nullable },
        { name: 'sparse', dataType: DataType.SparseFloatVector },
        { name: 'ts', dataType: DataType.Timestamptz, nullable },
      ],
      indexes: [
        { fieldName: 'vec', indexType: vectorIndex, metricType: 'L2' },
        { fieldName: 'v2', indexType: vectorIndex, metricType: 'COSINE' },
        { fieldName: 'half', indexType: vectorIndex, metricType: 'IP' },
        { fieldName: 'brain', indexType: vectorIndex, metricType: 'L2' },
        { fieldName: 'bytes', indexType: 'HNSW', metricType: 'COSINE' },
        { fieldName: 'bits', indexType: 'BIN_FLAT', metricType: 'HAMMING' },
        { fieldName: 'marks', indexType: 'BIN_FLAT', metricType: 'JACCARD' },
        { fieldName: 'sparse', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'IP' },
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
      for (let i = 0; i < QUESTIONS; i++) {
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
    t.pass(`${STEPS * QUESTIONS} questions`)
    const damage = all.flatMap(kept => kept.warnings).filter(warning => warning.includes('damaged'))
    t.strictSame(damage, [], 'no file was missed that left with its segment')
  })
}
