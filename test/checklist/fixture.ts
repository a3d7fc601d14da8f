/**
 * What the checklist tests share: a database for one line of the list, and rows brought to every place they can be.
 *
 * Each file of this folder is one section of the checklist in docs/checklist.md; each subtest is one line of it and
 * opens with the line's number. The tests speak to the public API only, so that a line can be read beside its test.
 */
import { join } from 'node:path'
import type { Test } from 'tap'
import {
  type Collection,
  type CreateCollection,
  type Database,
  DataType,
  type FieldRequest,
  MilvusError,
  type OpenOptions,
  open,
  type Row,
  type SearchHit,
} from '../../lib/index.js'

export const INT64_MAX = 2n ** 63n - 1n
export const INT64_MIN = -(2n ** 63n)

export const ID: FieldRequest = { name: 'id', dataType: DataType.Int64, primaryKey: true }
export const VEC: FieldRequest = { name: 'vec', dataType: DataType.FloatVector, dim: 2 }
export const L2 = { fieldName: 'vec', indexType: 'HNSW', metricType: 'L2' }

/** Key `id`, vector `vec` (2 dimensions, L2), and the given fields between them. */
export function withFields(
  fields: readonly FieldRequest[] = [],
  more: Partial<CreateCollection> = {},
): Omit<CreateCollection, 'name'> {
  return { fields: [ID, ...fields, VEC], indexes: [L2], ...more }
}

/** An open database that can be closed and opened again. */
export class Stage {
  readonly directory: string
  readonly options: OpenOptions
  db!: Database

  constructor(directory: string, options: OpenOptions) {
    this.directory = directory
    this.options = { autoCompaction: false, ...options }
  }

  async open(): Promise<this> {
    this.db = await open(this.directory, this.options)
    return this
  }

  async reopen(): Promise<void> {
    await this.db.close()
    await this.open()
  }

  /** Collection `c`, which most lines need only one of. */
  get c(): Collection {
    return this.db.collection('c')
  }
}

/** Directory of a test and how many databases it has had: a test may open several. */
const bases = new WeakMap<Test, { readonly base: string; count: number }>()

/** An empty database, closed when the test is over. */
export async function stage(t: Test, options: OpenOptions = {}): Promise<Stage> {
  const own = bases.get(t) ?? { base: t.testdir(), count: 0 }
  bases.set(t, own)
  const made = await new Stage(join(own.base, String(own.count++)), options).open()
  t.teardown(() => made.db.close())
  return made
}

/** A database with collection `c` and rows in it, not flushed. */
export async function staged(
  t: Test,
  definition: Omit<CreateCollection, 'name'>,
  rows: readonly Row[] = [],
  options: OpenOptions = {},
): Promise<Stage> {
  const made = await stage(t, options)
  const c = await made.db.createCollection({ name: 'c', ...definition })
  if (rows.length > 0) await c.insert(rows)
  return made
}

/**
 * Runs a check on the same rows in memory, half in memory and half sealed, in two segments, in one, after the
 * database was opened again, and after a release and a load.
 */
export async function everywhere(
  t: Test,
  definition: Omit<CreateCollection, 'name'>,
  rows: readonly Row[],
  check: (c: Collection, place: string) => Promise<void>,
): Promise<Stage> {
  const made = await staged(t, definition, rows)
  await check(made.c, 'growing')
  const c = await made.db.createCollection({ name: 'd', ...definition })
  const half = rows.length >> 1
  await c.insert(rows.slice(half))
  await c.flush()
  await c.insert(rows.slice(0, half))
  await check(c, 'mixed')
  await c.flush()
  await check(c, 'flushed')
  await c.compact()
  await check(c, 'compacted')
  await made.reopen()
  await check(made.c, 'replayed')
  await check(made.db.collection('d'), 'reopened')
  await made.db.collection('d').release()
  await made.db.collection('d').load()
  await check(made.db.collection('d'), 'loaded again')
  return made
}

type Key = number | bigint | string

/** Keys of the rows that match a filter, in the order of the answer. */
export async function keys(
  c: Collection,
  filter: string,
  templates?: Readonly<Record<string, unknown>>,
): Promise<Key[]> {
  const request = { filter, outputFields: [], limit: 16_384 }
  const rows = await c.query(templates === undefined ? request : { ...request, templates })
  return rows.map(row => row['id'] as Key)
}

/** Filter by filter the keys that it selects, in one comparison. */
export async function selects(
  t: Test,
  c: Collection,
  wanted: Readonly<Record<string, readonly Key[]>>,
  place: string,
): Promise<void> {
  const found: Record<string, readonly Key[]> = {}
  for (const filter of Object.keys(wanted)) found[filter] = await keys(c, filter)
  t.strictSame(found, wanted, place)
}

/** Keys of the hits of one query. */
export const hitKeys = (hits: readonly SearchHit[] | undefined): Key[] => (hits ?? []).map(hit => hit.id)

/** The request fails as a user error with this code, and its message has every phrase. */
export async function refuses(
  t: Test,
  act: () => Promise<unknown>,
  code: number,
  ...phrases: readonly string[]
): Promise<void> {
  try {
    const found = await act()
    t.fail(`expected ${phrases[0]}, found a success: ${String(found)}`)
  } catch (error) {
    if (!(error instanceof MilvusError)) throw error
    t.equal(error.code, code, `code of: ${error.message}`)
    for (const phrase of phrases) t.ok(error.message.includes(phrase), `"${error.message}" has "${phrase}"`)
  }
}

/** A filter is refused with the wrapping every client looks for, and these phrases. */
export async function refusesFilter(
  t: Test,
  c: Collection,
  filter: string,
  ...phrases: readonly string[]
): Promise<void> {
  const wrapped = `failed to create query plan: cannot parse expression: ${filter}`
  await refuses(t, () => c.query({ filter, limit: 10 }), 1100, wrapped, ...phrases)
}
