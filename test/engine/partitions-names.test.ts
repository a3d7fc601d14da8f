/**
 * Partitions, aliases, databases, load and release: what they hide, what they refuse, and that rows of a dropped
 * partition never come back (query-search-semantics §5, §7.3–7.5).
 */
import t from 'tap'
import { type Collection, type Database, DataType, open, type Row } from '../../lib/index.js'
import { allRows, holds, runScenarios, type Scenario, schemaWith } from '../support/states.js'

const SCHEMA = schemaWith([{ name: 'n', dataType: DataType.Int32, nullable: true }])
const row = (id: number, n: number | null = id): Row => ({ id, n, vec: [id, 0] })
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i))
const ofPartition = (collection: Collection, ...partitionNames: string[]): Promise<Row[]> =>
  collection.query({ filter: 'id >= 0', partitionNames })

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a dropped partition takes its rows along; the same name again starts empty',
    schema: SCHEMA,
    given: rows(0, 4),
    prepare: async collection => {
      await collection.createPartition('p1')
      await collection.insert(rows(10, 14), { partitionName: 'p1' })
    },
    when: async (collection, t) => {
      await t.rejects(collection.dropPartition('p1'), {
        code: 1100,
        message: /partition cannot be dropped, partition is loaded, please release it first/,
      })
      await collection.release()
      await collection.dropPartition('p1')
      await collection.dropPartition('p1')
      await collection.load()
      await holds(rows(0, 4))(collection, t)
      await t.rejects(collection.insert(rows(10, 11), { partitionName: 'p1' }), { code: 200 })
      await t.rejects(ofPartition(collection, 'p1'), { code: 1100, message: /partition name p1 not found/ })
      await collection.createPartition('p1')
      t.strictSame(await ofPartition(collection, 'p1'), [])
      await collection.upsert([row(11, 5)], { partitionName: 'p1' })
      return async (collection, t) => {
        await holds([...rows(0, 4), row(11, 5)])(collection, t)
        t.strictSame(await ofPartition(collection, 'p1'), [row(11, 5)])
        t.strictSame(await ofPartition(collection, 'p1', '_default'), [...rows(0, 4), row(11, 5)])
        t.strictSame(await collection.listPartitions(), ['_default', 'p1'])
        const [hits] = await collection.search({ data: [[12, 0]], limit: 9 })
        t.equal(hits!.length, 5, 'search neither finds them')
      }
    },
  },
  {
    name: 'compaction takes the rows of dropped partitions off the disk',
    schema: SCHEMA,
    given: rows(0, 2),
    prepare: async collection => {
      await collection.createPartition('p1')
      await collection.insert(rows(10, 60), { partitionName: 'p1' })
    },
    when: async (collection, t) => {
      await collection.release()
      await collection.dropPartition('p1')
      await collection.compact()
      const { sealedRows, rowCount } = await collection.stats()
      t.strictSame([sealedRows, rowCount], [2, 2])
      await collection.load()
      return holds(rows(0, 2))
    },
  },
  {
    name: 'a released collection: writes go on, reads and merges are refused',
    schema: SCHEMA,
    given: rows(0, 6),
    when: async (collection, t) => {
      await collection.release()
      await collection.release()
      const notLoaded = (verb: string) => ({
        code: 101,
        message: new RegExp(`^failed to ${verb}: collection not loaded\\[collection=\\d+\\]$`),
      })
      await t.rejects(collection.query({ filter: 'id > 0' }), notLoaded('query'))
      await t.rejects(collection.get(1), notLoaded('query'))
      await t.rejects(collection.count(), notLoaded('query'))
      await t.rejects(collection.search({ data: [[0, 0]], limit: 1 }), notLoaded('search'))
      await t.rejects(collection.upsert([{ id: 1, n: 5 }], { partialUpdate: true }), notLoaded('query'))
      await t.rejects(collection.delete({ filter: 'n > 3' }), notLoaded('delete'))
      await collection.insert([row(7)])
      await collection.upsert([row(1, 11)])
      await collection.delete({ ids: [2] })
      await collection.flush()
      await collection.delete({ filter: 'id == 3' })
      await collection.upsert([row(4, 44)])
      await collection.compact()
      t.equal((await collection.describe()).loaded, false)
      await collection.load()
      await collection.load()
      return holds([row(0), row(1, 11), row(4, 44), row(5), row(7)])
    },
  },
]

t.test('partitions and loading, wherever the rows are', t => runScenarios(t, SCENARIOS))

async function withDb(
  t: Tap,
  use: (db: Database, reopen: () => Promise<Database>) => Promise<void>,
): Promise<void> {
  const directory = t.testdir()
  let db = await open(directory)
  const reopen = async (): Promise<Database> => {
    await db.close()
    db = await open(directory)
    return db
  }
  try {
    await use(db, reopen)
  } finally {
    await db.close()
  }
}
type Tap = { testdir: () => string }

t.test('load state and partitions outlive a restart', t =>
  withDb(t, async (db, reopen) => {
    const c = await db.createCollection({ ...SCHEMA, name: 'c' })
    await c.createPartition('p1')
    await c.createPartition('p1')
    await c.insert(rows(0, 2), { partitionName: 'p1' })
    await c.release()
    let again = (await reopen()).collection('c')
    await t.rejects(again.get(1), { code: 101 })
    await again.load()
    again = (await reopen()).collection('c')
    t.strictSame(await again.get(1), [row(1)])
    t.strictSame(await again.listPartitions(), ['_default', 'p1'])
    await t.rejects(again.dropPartition('_default'), { message: /default partition cannot be deleted/ })
    await t.rejects(again.createPartition('a b'), { message: /Invalid partition name: a b/ })
  }),
)

t.test('compaction of a released collection leaves nothing in memory', t =>
  withDb(t, async db => {
    const c = await db.createCollection({ ...SCHEMA, name: 'c' })
    for (let i = 0; i < 3; i++) {
      await c.insert(rows(i * 5, i * 5 + 5))
      await c.flush()
    }
    await c.release()
    await c.compact()
    const { sealed } = db.engine.collection('c').state
    t.strictSame(
      sealed.map(segment => [segment.rowCount, segment.resident]),
      [[15, false]],
    )
    await c.delete({ ids: [3] })
    await c.load()
    t.equal(await c.count(), 14)
  }),
)

t.test('aliases are names like any other', t =>
  withDb(t, async (db, reopen) => {
    await db.createCollection({ ...SCHEMA, name: 'c1' })
    await db.createCollection({ ...SCHEMA, name: 'c2' })
    await db.createAlias('a', 'c1')
    await db.createAlias('a', 'c1')
    const a = db.collection('a')
    await a.insert(rows(0, 2))
    t.equal(await db.collection('c1').count(), 2)
    await t.rejects(db.createAlias('a', 'c2'), {
      code: 1602,
      message: /a is alias to another collection: c1/,
    })
    await t.rejects(db.createAlias('c2', 'c1'), { code: 1601 })
    await t.rejects(db.createAlias('b', 'nowhere'), { code: 100 })
    await t.rejects(db.createAlias('b', 'a'), { code: 100 }, 'an alias is no target')
    await t.rejects(db.alterAlias('a', 'a'), { code: 100 })
    await t.rejects(db.alterAlias('b', 'c1'), { code: 1600 })
    await t.rejects(db.createCollection({ ...schemaWith(), name: 'a' }), { code: 1601 }, 'one name space')
    await t.rejects(db.dropCollection('a'), { message: /cannot drop the collection via alias = a/ })
    await t.rejects(db.dropCollection('c1'), {
      message: /has associated aliases \[a\], please remove all aliases/,
    })
    await db.alterAlias('a', 'c2')
    t.equal(await a.count(), 0, 'the name leads elsewhere now')
    await a.insert(rows(5, 6))
    const again = await reopen()
    t.equal(await again.collection('a').count(), 1)
    t.strictSame((await again.collection('a').describe()).name, 'c2')
    await again.dropAlias('a')
    await again.dropAlias('a')
    t.equal(await again.hasCollection('a'), false)
    await again.dropCollection('c2')
    await again.dropCollection('c1')
  }),
)

t.test('databases are name spaces', t =>
  withDb(t, async (db, reopen) => {
    await db.createDatabase('other')
    const inOther = { database: 'other' }
    await db.createCollection({ ...SCHEMA, name: 'c' })
    const c = await db.createCollection({ ...SCHEMA, name: 'c' }, inOther)
    await c.insert(rows(0, 3))
    t.equal(await db.collection('c').count(), 0)
    await t.rejects(db.createDatabase('other'), { code: 1100 })
    await t.rejects(db.createDatabase('9x'), { code: 802 })
    await t.rejects(db.dropDatabase('other'), {
      message: /other not empty, must drop all collections before drop database/,
    })
    await t.rejects(db.dropDatabase('default'), { message: /can not drop default database/ })
    await t.rejects(db.listCollections({ database: 'nowhere' }), { code: 800 })
    await t.rejects(db.collection('x', inOther).count(), {
      code: 100,
      message: "can't find collection[database=other][collection=x]",
    })
    const again = await reopen()
    t.strictSame(await allRows(again.collection('c', inOther)), rows(0, 3))
    t.strictSame(await again.listDatabases(), ['default', 'other'])
    await again.dropCollection('c', inOther)
    await again.dropDatabase('other')
    t.strictSame(await again.listCollections(), ['c'])
    t.strictSame(await (await reopen()).listDatabases(), ['default'])
  }),
)
