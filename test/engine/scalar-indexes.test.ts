/**
 * Scalar indexes over their life: created late, built by the worker, read back after a reopen, rebuilt by compaction,
 * dropped, damaged. They decide how fast a filter is; what it answers is the same with and without them.
 */
import { readdir, rm, writeFile } from 'node:fs/promises'
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
import { indexDirectory } from '../../lib/store/layout.js'
import { rng } from '../support/rng.js'

const SCHEMA = {
  enableDynamicField: true,
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'n', dataType: DataType.Int32, nullable: true },
    { name: 'big', dataType: DataType.Int64 },
    { name: 'price', dataType: DataType.Double },
    { name: 'word', dataType: DataType.VarChar, maxLength: 40 },
    { name: 'flag', dataType: DataType.Bool },
    { name: 'tags', dataType: DataType.Array, elementType: DataType.VarChar, maxCapacity: 8, maxLength: 20 },
    { name: 'meta', dataType: DataType.JSON },
    { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
  ],
}
const OPTIONS: OpenOptions = { indexRowsMin: 64, autoCompaction: false }
const INDEXES = [
  { fieldName: 'n', indexType: 'STL_SORT' },
  { fieldName: 'big', indexType: 'INVERTED' },
  { fieldName: 'price', indexType: 'AUTOINDEX' },
  { fieldName: 'word', indexType: 'TRIE' },
  { fieldName: 'flag', indexType: 'BITMAP' },
  { fieldName: 'tags', indexType: 'INVERTED' },
  { fieldName: 'meta', indexType: 'INVERTED', params: { json_path: 'meta["a"]', json_cast_type: 'double' } },
  { fieldName: 'meta', indexType: 'INVERTED', params: { json_path: 'meta["t"]', json_cast_type: 'varchar' } },
  { fieldName: 'color', indexType: 'INVERTED', params: { json_cast_type: 'varchar' } },
]
/** Filters whose leaves the indexes can serve; every one picks few of the rows. */
const FILTERS = [
  'n == 17',
  'id >= 2995',
  'id < 60 and flag == true',
  'n in [3, 5, 1000] and flag == true',
  '10 < n <= 12 or n == 40',
  'big > 9223372036854775000',
  'price >= 99.5',
  'word == "w7"',
  'word like "w1_3%"',
  'word in ["w8", "w9", "none"] and n < 50',
  'array_contains(tags, "t3") and n == 3',
  'array_contains_all(tags, ["t1", "t2"]) and big < 20',
  'meta["a"] == 12',
  'meta["t"] == "x4" and not (n == 4)',
  'color == "red7"',
  'not (price < 99) and n is not null',
] as const

const random = rng(2024)
const ROWS: readonly Row[] = Array.from({ length: 3000 }, (_, id) => ({
  id,
  n: id % 11 === 0 ? null : id % 97,
  big: id % 500 === 0 ? 9223372036854775807n : BigInt(id % 300),
  price: Math.round(random.next() * 10_000) / 100,
  word: `w${random.int(200)}`,
  flag: random.chance(),
  tags: Array.from({ length: random.int(4) }, () => `t${random.int(6)}`),
  meta: random.chance(0.8)
    ? { a: random.chance(0.7) ? random.int(100) : `${random.int(100)}`, t: `x${random.int(40)}` }
    : { other: 1 },
  vec: [0, 1],
  ...(random.chance() ? { color: `red${random.int(60)}` } : {}),
}))

async function answers(collection: Collection): Promise<string[]> {
  const found: string[] = []
  for (const filter of FILTERS) {
    const rows = await collection.query({ filter, outputFields: ['id'], limit: 16_384 })
    const count = Number(await collection.count({ filter }))
    found.push(`${filter}: ${count} ${rows.map(row => String(row['id'])).join()}`)
  }
  return found
}

const uses = async (collection: Collection): Promise<number> =>
  (await collection.stats()).segments.reduce((sum, segment) => sum + segment.filterIndexUses, 0)

async function filled(directory: string): Promise<{ db: Database; c: Collection }> {
  const db = await open(directory, OPTIONS)
  const flat = { fieldName: 'vec', indexType: 'FLAT', metricType: 'L2' }
  const c = await db.createCollection({ name: 'c', ...SCHEMA, indexes: [flat] })
  await c.insert(ROWS.slice(0, 1500))
  await c.flush()
  await c.insert(ROWS.slice(1500))
  await c.flush()
  return { db, c }
}

const orderFiles = async (directory: string): Promise<string[]> =>
  (await readdir(indexDirectory(directory)).catch(() => [])).filter(name => name.endsWith('.order')).sort()

/** Resolves when every index has one file: replaced segments leave the disk in the background. */
async function filesSettled(directory: string): Promise<void> {
  while ((await orderFiles(directory)).length !== INDEXES.length)
    await new Promise(resolve => setTimeout(resolve, 5))
}

async function declareAll(c: Collection): Promise<void> {
  for (const index of INDEXES) await c.createIndex(index)
}

/** Builds and opens what is declared. */
async function settle(db: Database): Promise<Collection> {
  const c = db.collection('c')
  await c.compact()
  await c.load()
  return c
}

t.test(
  'created, compacted, reopened, dropped: the answers stay, and the indexes are really used',
  async t => {
    const directory = t.testdir()
    let { db, c } = await filled(directory)
    const expected = await answers(c)
    t.ok(
      expected.every(line => !line.includes(': 0 ')),
      'every filter finds something',
    )
    t.equal(await uses(c), 0, 'nothing to use yet')
    await declareAll(c)
    t.strictSame(await answers(c), expected, 'while they are being built')
    c = await settle(db)
    await filesSettled(directory)
    t.strictSame(await answers(c), expected, 'one compacted segment')
    const used = await uses(c)
    t.ok(used >= FILTERS.length, `${FILTERS.length} filters used indexes ${used} times`)
    await db.close()

    db = await open(directory, OPTIONS)
    c = db.collection('c')
    await c.load()
    t.strictSame(await answers(c), expected, 'from the files')
    t.ok((await uses(c)) >= FILTERS.length)

    for (const { name } of (await c.describe()).indexes) if (name !== 'vec') await c.dropIndex(name)
    t.strictSame(await orderFiles(directory), [], 'dropped indexes leave no files')
    const before = await uses(c)
    t.strictSame(await answers(c), expected)
    t.equal(await uses(c), before, 'a dropped index is not used')
    await db.close()
    db = await open(directory, OPTIONS)
    c = db.collection('c')
    await c.load()
    t.strictSame(await answers(c), expected)
    t.equal(await uses(c), 0)
    await db.close()
  },
)

t.test('deletes, upserts and growing rows beside an index', async t => {
  const directory = t.testdir()
  const { db, c } = await filled(directory)
  t.teardown(() => db.close())
  await declareAll(c)
  await settle(db)
  await c.delete({ filter: 'n == 17' })
  t.equal(Number(await c.count({ filter: 'n == 17' })), 0)
  const moved = ROWS.filter(row => row['n'] === 40)
  await c.upsert(moved.map(row => ({ ...row, n: 17 })))
  t.equal(Number(await c.count({ filter: 'n == 17' })), moved.length, 'found where they grow')
  t.equal(Number(await c.count({ filter: 'n == 40' })), 0, 'older versions are not found by the index')
  const expected = await answers(c)
  await c.flush()
  t.strictSame(await answers(c), expected)
  await settle(db)
  t.equal((await c.stats()).segments.length, 1)
  t.strictSame(await answers(c), expected)
  // Built for the new segment, gone with the old.
  await filesSettled(directory)
})

const DAMAGES: readonly { readonly name: string; readonly act: (file: string) => Promise<unknown> }[] = [
  { name: 'missing', act: file => rm(file) },
  { name: 'garbage', act: file => writeFile(file, Buffer.alloc(5000, 0x5a)) },
]

for (const { name, act } of DAMAGES) {
  t.test(`index files that are ${name}: filters are right, compact() builds them again`, async t => {
    const directory = t.testdir()
    const before = await filled(directory)
    const expected = await answers(before.c)
    await declareAll(before.c)
    await settle(before.db)
    await filesSettled(directory)
    await before.db.close()
    const files = await orderFiles(directory)
    for (const file of files) await act(join(indexDirectory(directory), file))
    const warnings: string[] = []
    const options = { ...OPTIONS, warn: (line: string) => void warnings.push(line) }
    let db = await open(directory, options)
    t.strictSame(await answers(db.collection('c')), expected, 'scanned meanwhile')
    await settle(db)
    await db.close()
    db = await open(directory, options)
    const c = db.collection('c')
    await c.load()
    t.strictSame(await answers(c), expected)
    t.ok((await uses(c)) >= FILTERS.length, 'used again')
    await db.close()
    t.equal(warnings.length, files.length, 'one warning per file')
    t.match(warnings[0], /index file .* is missing or damaged; filters scan until it is rebuilt/)
  })
}
