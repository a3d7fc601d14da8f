/**
 * One scenario, every place a row can be.
 *
 * A request must have the same effect whether the rows it meets are growing, in a flushed segment, in a compacted one
 * or were just recovered from the log; and what it wrote must read the same at once, out of the log, flushed, compacted and
 * reopened. `runScenarios` crosses both, in one database.
 */
import type { Test } from 'tap'
import {
  type Collection,
  type CreateCollection,
  type Database,
  DataType,
  type FieldRequest,
  type MilvusError,
  type OpenOptions,
  open,
  type Row,
} from '../../lib/index.js'

/** Where the given rows are when the request comes. */
export const PLACES = ['growing', 'flushed', 'compacted', 'reopened'] as const
export type Place = (typeof PLACES)[number]

/** What must hold after the request, at every later moment. */
export type Check = (collection: Collection, t: Test) => Promise<void>

export interface Scenario {
  readonly name: string
  readonly schema: Omit<CreateCollection, 'name'>
  /** Stored before the request. */
  readonly given?: readonly Row[]
  /** More to prepare, before the rows are brought to their place. */
  readonly prepare?: (collection: Collection) => Promise<unknown>
  /** The request; answers with what must hold from now on. */
  readonly when: (collection: Collection, t: Test) => Promise<Check>
}

/** Primary key `id` (Int64) and vector `vec` (2 dimensions, L2), with the given fields between them. */
export function schemaWith(
  fields: readonly FieldRequest[] = [],
  more: Partial<CreateCollection> = {},
): Omit<CreateCollection, 'name'> {
  return {
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      ...fields,
      { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
    ],
    indexes: [{ fieldName: 'vec', indexType: 'AUTOINDEX', metricType: 'L2' }],
    ...more,
  }
}

/** Every row, by ascending key. */
export function allRows(collection: Collection, filter = ''): Promise<Row[]> {
  return collection.query({ filter, limit: 16_384 })
}

/** Check: these rows and no others, and as many versions as rows. */
export function holds(rows: readonly Row[]): Check {
  return async (collection, t) => {
    t.strictSame(await allRows(collection), rows)
    t.equal(await collection.count(), rows.length, 'no version is left over')
  }
}

/** The request fails with this code and phrase, and leaves no trace. */
export async function refused(
  t: Test,
  collection: Collection,
  act: () => Promise<unknown>,
  code: number,
  phrase: string,
): Promise<void> {
  const before = await allRows(collection)
  const count = await collection.count()
  try {
    await act()
    t.fail(`expected an error with "${phrase}", found a success`)
  } catch (error) {
    t.equal((error as MilvusError).code, code, `code of ${String(error)}`)
    t.ok(String((error as Error).message).includes(phrase), `"${String(error)}" has "${phrase}"`)
  }
  t.strictSame(await allRows(collection), before, 'the rows are as before')
  t.equal(await collection.count(), count, 'and as many')
}

interface Case {
  readonly scenario: Scenario
  readonly place: Place
  readonly name: string
  check: Check | null
}

/** Crosses the scenarios with places and moments. */
export async function runScenarios(
  t: Test,
  scenarios: readonly Scenario[],
  options: OpenOptions = {},
): Promise<void> {
  const directory = t.testdir()
  const settings = { autoCompaction: false, ...options }
  let db = await open(directory, settings)
  const cases: Case[] = scenarios.flatMap((scenario, i) =>
    PLACES.map(place => ({ scenario, place, name: `s${i}_${place}`, check: null })),
  )
  for (const one of cases) await prepare(db, one)
  await db.close()
  db = await open(directory, settings)
  const each = (title: string, act: (one: Case, collection: Collection, t: Test) => Promise<void>) =>
    t.test(title, async t => {
      for (const one of cases) {
        await t.test(`${one.scenario.name} (stored rows: ${one.place})`, t =>
          act(one, db.collection(one.name), t),
        )
      }
    })
  // Rows of the last place are what replay made of the log; those of the first are written only now.
  for (const one of cases)
    if (one.place === 'growing') await insertGiven(db.collection(one.name), one.scenario)
  await each('at once', async (one, collection, t) => {
    one.check = await one.scenario.when(collection, t)
    await one.check(collection, t)
  })
  // Half of the cases go on from memory, the other half from the log.
  const early = new Set<Place>(['flushed', 'reopened'])
  await each('after flush, or still in the log', async (one, collection, t) => {
    if (early.has(one.place)) await collection.flush()
    await one.check?.(collection, t)
  })
  await db.close()
  db = await open(directory, settings)
  await each('after reopening', async (one, collection, t) => {
    await one.check?.(collection, t)
  })
  await each('after flush', async (one, collection, t) => {
    if (!early.has(one.place)) await collection.flush()
    await one.check?.(collection, t)
  })
  await each('after compaction', async (one, collection, t) => {
    await collection.compact()
    await one.check?.(collection, t)
  })
  await db.close()
  db = await open(directory, settings)
  await each('after reopening again', async (one, collection, t) => {
    await one.check?.(collection, t)
  })
  await db.close()
}

async function insertGiven(collection: Collection, scenario: Scenario, from = 0, to?: number): Promise<void> {
  const rows = scenario.given?.slice(from, to) ?? []
  if (rows.length > 0) await collection.insert(rows)
}

async function prepare(db: Database, { scenario, place, name }: Case): Promise<void> {
  const collection = await db.createCollection({ ...scenario.schema, name })
  await scenario.prepare?.(collection)
  if (place === 'growing') return
  const half = (scenario.given?.length ?? 0) >>> 1
  await insertGiven(collection, scenario, 0, half)
  if (place === 'compacted') await collection.flush()
  await insertGiven(collection, scenario, half)
  if (place === 'flushed') await collection.flush()
  if (place === 'compacted') await collection.compact()
}
