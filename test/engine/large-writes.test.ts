/**
 * A large write is judged, applied and written in slices; nobody sees a part of it, and what is asked after it comes
 * after it. The clock leaps, so that every look at it ends a slice.
 */
import t, { type Test } from 'tap'
import { type Collection, DataType, open, type Row } from '../../lib/index.js'
import { fakeClock, rounds } from '../support/rounds.js'

const ROWS = 4_000
const DIM = 16

async function emptyCollection(t: Test): Promise<Collection> {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const collection = await db.createCollection({
    name: 'rows',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'n', dataType: DataType.Int32 },
      { name: 'vector', dataType: DataType.FloatVector, dim: DIM },
    ],
    indexes: [{ fieldName: 'vector', indexType: 'FLAT', metricType: 'L2' }],
  })
  await collection.load()
  return collection
}

const row = (id: number, n: number): Row => ({ id, n, vector: new Array(DIM).fill(n) })
const rowsWith = (n: number): Row[] => Array.from({ length: ROWS }, (_, id) => row(id, n))
const onlyN = (n: number): Row[] => Array.from({ length: ROWS }, (_, id) => ({ id, n }))
const ids = Array.from({ length: ROWS }, (_, id) => id)

/** What reads find while `write` is under way: the sums of `n`, each once. */
async function seenBeside(collection: Collection, write: Promise<unknown>): Promise<Set<number>> {
  const seen = new Set<number>()
  let done = false
  const ended = write.finally(() => {
    done = true
  })
  while (!done) {
    const found = await collection.query({ filter: 'id >= 0', outputFields: ['count(*)', 'sum(n)'] })
    seen.add(Number(found[0]!['sum(n)'] ?? 0))
    await rounds(1)
  }
  await ended
  return seen
}

t.test('no delete is lost on a segment that is loaded meanwhile', async t => {
  const collection = await emptyCollection(t)
  await collection.insert(rowsWith(1))
  await collection.flush()
  fakeClock(t).leapMs = 10
  for (let round = 0; round < 12; round++) {
    await collection.release()
    // The load begins in one round of the event loop or another beside the delete.
    const many = ids.slice(round * 300, round * 300 + (round % 2 === 0 ? 300 : 3))
    const loading = collection.load()
    await rounds(round)
    const deleting =
      round < 6 ? collection.delete({ ids: many }) : collection.upsert(many.map(id => row(id, 2)))
    await Promise.all([loading, deleting])
    const found = await collection.count({ filter: `id in [${many}] and n == 1` })
    t.equal(Number(found), 0, `round ${round}`)
  }
})

t.test('readers see all of a large write or nothing of it', async t => {
  const collection = await emptyCollection(t)
  fakeClock(t).leapMs = 10
  const allowed = (...sums: number[]): Set<number> => new Set(sums)
  const steps: [string, () => Promise<unknown>, Set<number>][] = [
    ['insert', () => collection.insert(rowsWith(1)), allowed(0, ROWS)],
    ['upsert', () => collection.upsert(rowsWith(2)), allowed(ROWS, 2 * ROWS)],
    ['upsert of a sealed segment', () => collection.upsert(rowsWith(3)), allowed(2 * ROWS, 3 * ROWS)],
    ['merge', () => collection.upsert(onlyN(4), { partialUpdate: true }), allowed(3 * ROWS, 4 * ROWS)],
    [
      'merge of a sealed segment',
      () => collection.upsert(onlyN(5), { partialUpdate: true }),
      allowed(4 * ROWS, 5 * ROWS),
    ],
    ['delete', () => collection.delete({ ids }), allowed(5 * ROWS, 0)],
  ]
  for (const [what, write, sums] of steps) {
    if (what.includes('sealed')) await collection.flush()
    const seen = await seenBeside(collection, write())
    t.ok(
      [...seen].every(sum => sums.has(sum)),
      `${what}: sums ${[...seen]}`,
    )
  }
  t.equal(Number(await collection.count({ filter: '' })), 0)
})

t.test('what is asked after a large write comes after it', async t => {
  const collection = await emptyCollection(t)
  fakeClock(t).leapMs = 10
  const inserted = collection.insert(rowsWith(1))
  const replaced = collection.upsert([row(7, 70)])
  const upserted = collection.upsert(rowsWith(2))
  const deleted = collection.delete({ ids: [8] })
  const merged = collection.upsert([{ id: 9, n: 90 }], { partialUpdate: true })
  await Promise.all([inserted, replaced, upserted, deleted, merged])
  const found = await collection.query({ filter: 'id in [6, 7, 8, 9]', outputFields: ['n'] })
  t.strictSame(
    found.map(({ id, n }) => [id, n]),
    [
      [6, 2],
      [7, 2],
      [9, 90],
    ],
  )
})

t.test('a large write that is refused changes nothing and holds nobody up', async t => {
  const collection = await emptyCollection(t)
  fakeClock(t).leapMs = 10
  const bad = [...rowsWith(1).slice(1), { ...row(0, 1), vector: new Array(DIM).fill(Number.NaN) }]
  const refused = t.rejects(collection.insert(bad), {
    name: 'MilvusError',
    code: 1100,
    message: /, row 3999/,
  })
  const inserted = collection.insert([row(ROWS, 5)])
  await refused
  await inserted
  t.equal(Number(await collection.count({ filter: '' })), 1)
})

t.test('rows may be changed as soon as a large write was asked for', async t => {
  const collection = await emptyCollection(t)
  fakeClock(t).leapMs = 10
  const rows = rowsWith(1)
  const inserted = collection.insert(rows)
  for (const given of rows) Object.assign(given, { n: 99 })
  await inserted
  t.equal(Number(await collection.count({ filter: 'n == 1' })), ROWS)
})

t.test('a large merge is the merges of its rows, and its new rows are inserts', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const make = (name: string) =>
    db.createCollection({
      name,
      enableDynamicField: true,
      fields: [
        { name: 'id', dataType: DataType.Int64, primaryKey: true },
        { name: 'vector', dataType: DataType.FloatVector, dim: 2 },
        { name: 'json', dataType: DataType.JSON, nullable: true },
        { name: 'word', dataType: DataType.VarChar, maxLength: 20, nullable: true },
        { name: 'n', dataType: DataType.Int32, defaultValue: 7 },
        {
          name: 'tags',
          dataType: DataType.Array,
          elementType: DataType.VarChar,
          maxCapacity: 8,
          maxLength: 8,
          nullable: true,
        },
      ],
      indexes: [{ fieldName: 'vector', indexType: 'FLAT', metricType: 'L2' }],
    })
  const stored = (id: number): Row => ({
    id,
    vector: [id, id],
    json: id % 3 === 0 ? null : { a: id, kept: true },
    word: id % 4 === 0 ? null : `w${id}`,
    n: id,
    tags: id % 2 === 0 ? ['x'] : null,
    more: { id },
  })
  const given = (id: number): Row => ({
    id,
    vector: [-id, id],
    ...(id % 5 === 0 ? {} : { json: { a: -id, b: `${id}` } }),
    ...(id % 7 === 0 ? { word: null } : {}),
    ...(id % 11 === 0 ? { other: id } : {}),
  })
  const [large, small] = [await make('large'), await make('small')]
  // From the even keys on, so that known and new ones alternate.
  const known = Array.from({ length: 1_500 }, (_, i) => stored(i * 2))
  const merged = Array.from({ length: 1_500 }, (_, i) => given(1_000 + i))
  for (const collection of [large, small]) {
    await collection.load()
    await collection.insert(known.slice(0, 1_000))
    await collection.flush()
    await collection.insert(known.slice(1_000))
  }
  fakeClock(t).leapMs = 10
  const result = await large.upsert(merged, { partialUpdate: true })
  t.equal(result.upsertCount, 1_500)
  for (let from = 0; from < merged.length; from += 100)
    await small.upsert(merged.slice(from, from + 100), { partialUpdate: true })
  const all = { filter: 'id >= 0', outputFields: ['*'], limit: 5_000 }
  const [rows, expected] = [await large.query(all), await small.query(all)]
  t.equal(rows.length, 2_250)
  t.strictSame(rows, expected)
})
