/**
 * Geometry end to end: stored, returned, filtered, merged, deleted by, in memory and on disk
 * (query-search-semantics §1.16; upsert-semantics §1.8, §2.5, line 77).
 */
import t from 'tap'
import { type Database, DataType, open } from '../../lib/index.js'

const FIELDS = [
  { name: 'id', dataType: DataType.Int64, primaryKey: true },
  { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
  { name: 'geo', dataType: DataType.Geometry, nullable: true },
  { name: 'home', dataType: DataType.Geometry, nullable: true, defaultValue: 'point(7 7)' },
] as const
const SQUARE = "'POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))'"

async function places(db: Database) {
  await db.createCollection({
    name: 'places',
    fields: FIELDS,
    indexes: [
      { fieldName: 'vec', indexType: 'FLAT', metricType: 'L2' },
      { fieldName: 'geo', indexType: 'RTREE' },
    ],
  })
  const places = db.collection('places')
  await places.insert([
    { id: 1, vec: [1, 0], geo: 'point(5.50 5)' },
    { id: 2, vec: [2, 0], geo: 'POLYGON((2 2,3 2,3 3,2 2))', home: null },
    { id: 3, vec: [3, 0], geo: 'POINT (50 50)', home: 'POINT (1 1)' },
    { id: 4, vec: [4, 0], geo: null },
  ])
  return places
}

const ids = (rows: readonly Record<string, unknown>[]) => rows.map(row => row['id'])

t.test(
  'a geometry is stored, returned, filtered, merged and deleted by, growing, sealed and reopened',
  async t => {
    const dir = t.testdir()
    const db = await open(dir)
    const growing = await places(db)
    const within = `st_within(geo, ${SQUARE})`
    for (const state of ['growing', 'sealed', 'reopened'] as const) {
      if (state === 'sealed') await growing.flush()
      if (state === 'reopened') await db.close()
      const now = state === 'reopened' ? await open(dir) : db
      const places = now.collection('places')
      t.same(
        await places.query({ filter: 'id > 0', outputFields: ['geo', 'home'] }),
        [
          { id: 1, geo: 'POINT (5.5 5)', home: 'POINT (7 7)' },
          { id: 2, geo: 'POLYGON ((2 2, 3 2, 3 3, 2 2))', home: 'POINT (7 7)' },
          { id: 3, geo: 'POINT (50 50)', home: 'POINT (1 1)' },
          { id: 4, geo: null, home: 'POINT (7 7)' },
        ],
        state,
      )
      t.same(ids(await places.query({ filter: within })), [1, 2], state)
      t.same(ids(await places.query({ filter: `not ${within}` })), [3], `${state}: NULL is UNKNOWN`)
      t.same(ids(await places.query({ filter: "ST_EQUALS(home, 'POINT(7 7)') and id > 1" })), [2, 4], state)
      t.equal(await places.count({ filter: "st_dwithin(geo, 'POINT (50 50)', 0)" }), 1, state)
      const [hits] = await places.search({ data: [[9, 0]], annsField: 'vec', limit: 5, filter: within })
      t.same(
        hits!.map(hit => hit.id),
        [2, 1],
        state,
      )
      if (state !== 'reopened') continue
      await places.upsert(
        [
          { id: 3, geo: 'POINT (1 1)' },
          { id: 1, geo: null },
        ],
        { partialUpdate: true },
      )
      await places.upsert([{ id: 4, vec: [4, 0], geo: 'LINESTRING (0 0, 1 1)' }])
      t.same(await places.query({ filter: 'id != 2', outputFields: ['geo', 'home'] }), [
        { id: 1, geo: null, home: 'POINT (7 7)' },
        { id: 3, geo: 'POINT (1 1)', home: 'POINT (1 1)' },
        { id: 4, geo: 'LINESTRING (0 0, 1 1)', home: 'POINT (7 7)' },
      ])
      await places.delete({ filter: "st_intersects(geo, 'POINT (1 1)')" })
      t.same(ids(await places.query({ filter: 'id > 0' })), [1, 2], 'delete by filter')
      await now.close()
    }
  },
)

t.test('bad text, and a field that may not be a geometry, are refused', async t => {
  const db = await open(t.testdir())
  const collection = await places(db)
  const row = { id: 9, vec: [0, 0] }
  for (const geo of ['POINT(1)', 'nowhere', 5, { x: 1 }]) {
    await t.rejects(collection.insert([{ ...row, geo }]), { code: 1100 }, String(geo))
  }
  await t.rejects(
    collection.insert([{ ...row, geo: 'POINT(1)' }]),
    /invalid Geometry data, transform to wkb failed/,
  )
  t.equal(await collection.count({ filter: 'id == 9' }), 0)
  const [id, vec] = FIELDS
  const geometry = { name: 'g', dataType: DataType.Geometry }
  for (const fields of [
    [{ ...geometry, primaryKey: true }, vec],
    [id, vec, { ...geometry, partitionKey: true }],
    [id, vec, { ...geometry, clusteringKey: true }],
    [id, vec, { name: 'g', dataType: DataType.Array, elementType: DataType.Geometry, maxCapacity: 4 }],
    [id, vec, { ...geometry, defaultValue: 'POINT(1)' }],
  ]) {
    await t.rejects(
      db.createCollection({ name: 'bad', fields }),
      { code: 1100 },
      JSON.stringify(fields.at(-1)),
    )
  }
  await t.rejects(collection.createIndex({ fieldName: 'home', indexType: 'INVERTED' }), { code: 1100 })
  await t.rejects(collection.createIndex({ fieldName: 'vec', indexType: 'RTREE' }), { code: 1100 })
  await db.close()
})
