/**
 * Everything at once: writes, merges, deletes, reads, flush, compaction, release and load, index changes and restarts,
 * on two collections, with tiny limits so that every background job runs all the time.
 *
 * A model keeps what every acknowledged write means; writes to one collection apply in the order of issue, so the model
 * knows the outcome although nothing is awaited in between. No call may end in anything but a MilvusError that its
 * situation allows.
 */
import t, { type Test } from 'tap'
import {
  type Collection,
  type Database,
  DataType,
  MilvusError,
  type OpenOptions,
  open,
  type Row,
} from '../../lib/index.js'
import { type Rng, rng, seedOf } from '../support/rng.js'
import { allRows, schemaWith } from '../support/states.js'
import { outcomeOf } from '../support/wait.js'

t.setTimeout(900_000)
const SEED = seedOf(20_26)
const ROUNDS = 12
const KEYS = 300
const SCHEMA = schemaWith(
  [
    { name: 'n', dataType: DataType.Int32, nullable: true },
    { name: 'text', dataType: DataType.VarChar, maxLength: 40, nullable: true },
  ],
  {
    indexes: [
      { fieldName: 'vec', indexType: 'HNSW', metricType: 'L2', params: { M: 4, efConstruction: 16 } },
    ],
  },
)

/** What the collection holds once everything issued is done. */
type Model = Map<number, Row>

interface Turmoil {
  readonly random: Rng
  readonly collection: Collection
  readonly model: Model
  readonly calls: { readonly what: string; readonly done: Promise<unknown> }[]
}

function someRows(random: Rng, step: number): Row[] {
  const ids = new Set(Array.from({ length: random.between(1, 40) }, () => random.int(KEYS)))
  return [...ids].map(id => ({ id, n: step, text: random.letters(5), vec: [id, step] }))
}

function upsert({ random, collection, model, calls }: Turmoil, step: number): void {
  const rows = someRows(random, step)
  for (const row of rows) model.set(row['id'] as number, row)
  calls.push({ what: 'upsert', done: collection.upsert(rows) })
}

function remove({ random, collection, model, calls }: Turmoil): void {
  const ids = someRows(random, 0).map(row => row['id'] as number)
  for (const id of ids) model.delete(id)
  calls.push({ what: 'delete', done: collection.delete({ ids }) })
}

/** Whole rows, so that new keys are fine; refused while released, which the model must know. */
function merge({ random, collection, model, calls }: Turmoil, step: number): void {
  const rows = [...model.keys()].filter(() => random.chance(0.05)).map(id => ({ id, n: step, text: null }))
  if (rows.length === 0) return
  for (const row of rows) model.set(row.id, { ...model.get(row.id)!, ...row })
  calls.push({ what: 'merge', done: collection.upsert(rows, { partialUpdate: true }) })
}

function removeWhere({ random, collection, model, calls }: Turmoil): void {
  const from = random.int(KEYS)
  for (const id of [...model.keys()]) if (id >= from && id < from + 5) model.delete(id)
  calls.push({
    what: 'deleteWhere',
    done: collection.delete({ filter: `id >= ${from} and id < ${from + 5}` }),
  })
}

/** Calls that change no row. */
function disturb({ random, collection, calls }: Turmoil): void {
  const disturbances: readonly (() => readonly [string, Promise<unknown>])[] = [
    () => ['flush', collection.flush()],
    () => ['compact', collection.compact()],
    () => ['query', collection.query({ filter: 'n > 3', limit: 50 })],
    () => ['get', collection.get([1, 2, 3])],
    () => ['count', collection.count()],
    () => ['search', collection.search({ data: [[random.int(KEYS), 3]], limit: 5, outputFields: ['*'] })],
    () => ['stats', collection.stats()],
    () => ['load', collection.load()],
    () => ['createIndex', collection.createIndex({ fieldName: 'n', indexType: 'STL_SORT' })],
    () => ['dropIndex', collection.dropIndex('n')],
  ]
  const [what, done] = random.pick(disturbances)()
  calls.push({ what, done })
}

async function settle(t: Test, calls: Turmoil['calls']): Promise<void> {
  const outcomes = await Promise.all(calls.map(call => outcomeOf(call.done)))
  outcomes.forEach(({ error }, i) => {
    if (error !== null) t.fail(`${calls[i]!.what}: ${error.stack}`)
  })
  calls.length = 0
}

const sorted = (model: Model): Row[] =>
  [...model.values()].sort((a, b) => (a['id'] as number) - (b['id'] as number))

async function check(t: Test, { collection, model }: Turmoil, when: string): Promise<void> {
  const rows = await allRows(collection)
  t.strictSame(rows, sorted(model), when)
  t.equal(await collection.count(), model.size, 'count')
  if (model.size === 0) return
  const first = rows[0]!
  const [hits] = await collection.search({ data: [first['vec']], limit: 3, params: { ef: 300 } })
  t.equal(hits![0]!.score, 0, 'a stored vector finds itself')
}

const OPTIONS: OpenOptions = {
  flushRowsMax: 64,
  frozenSegmentsMax: 2,
  indexRowsMin: 32,
  segmentRowsMax: 1_024,
  queueCountMax: 8,
  cacheBytesMax: 1 << 20,
}

async function play(t: Test, directory: string, warnings: string[]): Promise<void> {
  const random = rng(SEED)
  const options = { ...OPTIONS, warn: (line: string) => void warnings.push(line) }
  let db: Database = await open(directory, options)
  const names = ['a', 'b']
  for (const name of names) await db.createCollection({ ...SCHEMA, name })
  const models = names.map((): Model => new Map())
  const turmoils = (): Turmoil[] =>
    names.map((name, i) => ({ random, collection: db.collection(name), model: models[i]!, calls: [] }))
  for (let round = 0; round < ROUNDS; round++) {
    const both = turmoils()
    for (let step = 0; step < 40; step++) {
      const one = random.pick(both)
      const dice = random.next()
      if (dice < 0.4) upsert(one, step)
      else if (dice < 0.5) remove(one)
      else if (dice < 0.55) removeWhere(one)
      else if (dice < 0.65) merge(one, step)
      else disturb(one)
      if (random.chance(0.1)) await new Promise(resolve => setImmediate(resolve))
    }
    for (const one of both) await settle(t, one.calls)
    for (const one of both) await check(t, one, `round ${round}`)
    if (round % 4 === 3) {
      await db.close()
      db = await open(directory, options)
      for (const one of turmoils()) await check(t, one, `round ${round}, reopened`)
    }
  }
  await db.close()
}

t.test(`everything at once keeps every promise (SEED=${SEED})`, async t => {
  const warnings: string[] = []
  await play(t, t.testdir(), warnings)
  t.strictSame(warnings, [], 'no background job failed')
})

t.test(`releasing and loading in the middle of it (SEED=${SEED})`, async t => {
  const random = rng(SEED)
  const warnings: string[] = []
  const db = await open(t.testdir(), { ...OPTIONS, warn: line => void warnings.push(line) })
  const collection = await db.createCollection({ ...SCHEMA, name: 'c' })
  const one: Turmoil = { random, collection, model: new Map(), calls: [] }
  for (let round = 0; round < 10; round++) {
    const reads: Promise<{ readonly error: Error | null }>[] = []
    for (let step = 0; step < 30; step++) {
      if (random.chance(0.5)) upsert(one, step)
      else if (random.chance(0.3)) remove(one)
      else {
        const act = random.pick(['release', 'load', 'flush', 'compact', 'release'] as const)
        one.calls.push({ what: act, done: collection[act]() })
      }
      reads.push(outcomeOf(collection.query({ filter: 'n >= 0' })))
      reads.push(outcomeOf(collection.search({ data: [[1, 2]], limit: 3, outputFields: ['*'] })))
      if (random.chance(0.2)) await new Promise(resolve => setImmediate(resolve))
    }
    await settle(t, one.calls)
    for (const { error } of await Promise.all(reads)) {
      if (error !== null && !(error instanceof MilvusError && error.code === 101)) t.fail(String(error.stack))
    }
    await collection.load()
    await check(t, one, `round ${round}`)
  }
  t.strictSame(warnings, [], 'no background job failed')
  await db.close()
})
