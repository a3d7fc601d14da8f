/**
 * A small collection that a test can bring into every state that rows live in: in the log and in memory (growing), in a
 * sealed segment (flushed), merged (compacted), replayed from the log (reopened), opened from disk (stored).
 */
import { type Collection, type CreateCollection, type Database, DataType, open } from '../../lib/index.js'

export const STATES = ['growing', 'flushed', 'compacted', 'reopened', 'stored'] as const
export type RowState = (typeof STATES)[number]

export const NAME = 'things'

/** An open database with a clock that the test sets. */
export class Bench {
  readonly directory: string
  db!: Database
  /** Wall clock in milliseconds; moves only when the test moves it. */
  nowMs = Date.UTC(2026, 0, 1)

  constructor(directory: string) {
    this.directory = directory
  }

  async open(): Promise<this> {
    this.db = await open(this.directory, { nowMs: () => this.nowMs, autoCompaction: false })
    return this
  }

  async reopen(): Promise<void> {
    await this.db.close()
    await this.open()
  }

  get things(): Collection {
    return this.db.collection(NAME)
  }

  /** Brings the rows written so far into a state. */
  async settle(state: RowState): Promise<void> {
    if (state === 'flushed' || state === 'stored') await this.things.flush()
    if (state === 'compacted') await this.things.compact()
    if (state === 'reopened' || state === 'stored') await this.reopen()
  }
}

export const THINGS: CreateCollection = {
  name: NAME,
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
    { name: 'tag', dataType: DataType.VarChar, maxLength: 8, nullable: true },
    { name: 'n', dataType: DataType.Int64, nullable: true },
  ],
  indexes: [{ fieldName: 'vec', indexType: 'HNSW', metricType: 'L2' }],
}

/** The little of a tap test that the fixture needs. */
interface TestLike {
  testdir(): string
  teardown(done: () => Promise<void>): void
}

/** An open database with the collection, closed when the test is over. */
export async function things(t: TestLike, definition: CreateCollection = THINGS): Promise<Bench> {
  const bench = await new Bench(t.testdir()).open()
  t.teardown(() => bench.db.close())
  await bench.db.createCollection(definition)
  return bench
}

/** Rows `from` to `to` − 1. */
export function rows(from: number, to: number): Record<string, unknown>[] {
  const made: Record<string, unknown>[] = []
  for (let id = from; id < to; id++) made.push({ id, vec: [id, 1], tag: `t${id % 3}`, n: id * 10 })
  return made
}

/** Message of the error that a promise ends with; '' when it does not. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
