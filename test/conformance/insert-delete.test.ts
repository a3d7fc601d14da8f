/**
 * Insert and delete: upsert-semantics §3.1 to §3.6 and the lines of §5.8 that concern the server, by their numbers.
 */
import t from 'tap'
import { type Collection, DataType, type DeleteOptions, type Row } from '../../lib/index.js'
import { allRows, holds, refused, runScenarios, type Scenario, schemaWith } from '../support/states.js'

const vec = [0.5, 0.25]
const SCHEMA = schemaWith([
  { name: 'n', dataType: DataType.Int32, nullable: true },
  { name: 'list', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 4, nullable: true },
  { name: 'json', dataType: DataType.JSON, nullable: true },
])
const row = (id: number, n: number | null = id, more: Row = {}): Row => ({
  id,
  n,
  list: null,
  json: null,
  vec,
  ...more,
})
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i))
const TEXT_KEY = schemaWith([], {
  fields: [
    { name: 'id', dataType: DataType.VarChar, primaryKey: true, maxLength: 8 },
    { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
  ],
})
const deleted = (collection: Collection, options: DeleteOptions): Promise<number> =>
  collection.delete(options).then(result => result.deleteCount)

const INSERTS: readonly Scenario[] = [
  {
    name: '#72 insert checks no duplicates: every row is a version, reads show the newest',
    schema: SCHEMA,
    given: [row(1, 0), row(1, 1)],
    when: async (collection, t) => {
      const batch = Array.from({ length: 100 }, (_, i) => row(1, 100 + i))
      const result = await collection.insert(batch)
      t.match(result, { insertCount: 100, upsertCount: 0, deleteCount: 0 })
      t.strictSame(result.ids, new Array(100).fill(1))
      return async (collection, t) => {
        t.equal(await collection.count(), 102)
        t.strictSame(await allRows(collection), [row(1, 199)])
        const [hits] = await collection.search({ data: [vec], limit: 10, outputFields: ['n'] })
        t.strictSame(
          hits!.map(hit => hit.id),
          [1],
          'search gives one hit per key',
        )
      }
    },
  },
  {
    name: '3.5 upsert and delete take all versions at once',
    schema: SCHEMA,
    given: [row(1, 0), row(1, 1), row(2, 0), row(2, 1)],
    when: async collection => {
      await collection.insert([row(1, 2), row(2, 2), row(3, 2)])
      await collection.upsert([row(1, 3)])
      await collection.delete({ ids: [2] })
      return holds([row(1, 3), row(3, 2)])
    },
  },
  {
    name: '#72 autoID: a given key is refused, generated ones rise, in request order',
    schema: { ...SCHEMA, autoId: true },
    given: [{ n: 0, vec }],
    when: async (collection, t) => {
      const phrase = 'more fieldData has pass in: invalid parameter[expected=4][actual=5]'
      await refused(t, collection, () => collection.insert([row(1)]), 1100, phrase)
      const before = (await allRows(collection))[0]!['id'] as number
      const { ids } = await collection.insert([1, 2, 3].map(n => ({ n, vec })))
      const all = [before, ...(ids as number[])]
      for (let i = 1; i < all.length; i++) t.ok(all[i]! > all[i - 1]!)
      return holds(all.map((id, n) => row(id, n)))
    },
  },
  {
    name: '#79 autoID with allow_insert_auto_id keeps given keys; upsert does not consult it',
    schema: { ...SCHEMA, autoId: true, properties: { allow_insert_auto_id: 'true' } },
    given: [{ id: 5, n: 5, vec }],
    when: async (collection, t) => {
      t.match(await collection.insert([row(7)]), { ids: [7] })
      const { ids } = await collection.upsert([row(5, 50)])
      t.not(ids[0], 5)
      const generated = await collection.insert([{ n: 8, vec }])
      return holds([row(7), row(ids[0] as number, 50), row(generated.ids[0] as number, 8)])
    },
  },
  {
    name: '1.4 VarChar autoID: keys are decimal digits, whatever max_length says',
    schema: { ...TEXT_KEY, autoId: true },
    given: [{ vec }],
    when: async (collection, t) => {
      const { ids } = await collection.insert([{ vec }, { vec }])
      for (const id of ids) t.match(id, /^\d+$/)
      return async (collection, t) => {
        t.equal((await allRows(collection)).length, 3)
      }
    },
  },
  {
    name: '3.1 bad inserts leave no trace',
    schema: SCHEMA,
    given: rows(1, 3),
    when: async (collection, t) => {
      const no = (batch: readonly Row[], code: number, phrase: string, partitionName?: string) =>
        refused(
          t,
          collection,
          () => collection.insert(batch, partitionName === undefined ? {} : { partitionName }),
          code,
          phrase,
        )
      await no([row(5), { n: 1, vec }], 1100, 'fieldSchema(id) has no corresponding fieldData pass in')
      await no([{ id: 5, n: 1 }], 1100, 'fieldSchema(vec) has no corresponding fieldData pass in')
      await no([row(5), { ...row(6), extra: 1 }], 1100, 'fieldName extra not exist in collection schema')
      await no(
        [row(5), row(6, null, { list: [1, 2, 3, 4, 5] })],
        1100,
        'the length (5) of 1th array exceeds max capacity (4)',
      )
      await no(
        [row(5, null, { json: 'x'.repeat(65_536) })],
        1100,
        'of json field (json) exceeds max length (65536)',
      )
      await no([row(5)], 200, 'partition not found[partition=aaa]', 'aaa')
      return holds(rows(1, 3))
    },
  },
  {
    name: '3.1 insert and delete by key need no loading',
    schema: SCHEMA,
    given: rows(1, 4),
    when: async (collection, t) => {
      await collection.release()
      await collection.insert([row(9)])
      t.equal(await deleted(collection, { ids: [1] }), 1)
      t.equal(await deleted(collection, { filter: 'id in [2]' }), 1)
      await t.rejects(
        collection.delete({ filter: 'n > 0' }),
        { code: 101, message: /collection not loaded/ },
        '#216',
      )
      await collection.load()
      return holds([row(3), row(9)])
    },
  },
]

const DELETES: readonly Scenario[] = [
  {
    name: '#212 #92 by ids and by filter',
    schema: SCHEMA,
    given: rows(0, 30),
    when: async (collection, t) => {
      t.equal(await deleted(collection, { ids: Array.from({ length: 10 }, (_, i) => i) }), 10)
      t.equal(await deleted(collection, { filter: 'id in [10, 11, 12, 13, 14]' }), 5)
      t.equal(await deleted(collection, { filter: 'id >= 25' }), 5, '#220: as many as matched')
      t.equal(await deleted(collection, { filter: 'id == 15' }), 1)
      return holds(rows(16, 25))
    },
  },
  {
    name: '#213 #217 VarChar keys, the empty one too',
    schema: TEXT_KEY,
    given: ['', 'a', 'b', 'c'].map(id => ({ id, vec })),
    when: async (collection, t) => {
      t.equal(await deleted(collection, { ids: ['a', ''] }), 2)
      t.equal(await deleted(collection, { filter: 'id in ["", "b", "zz"]' }), 3, 'counted, existing or not')
      return holds([{ id: 'c', vec }])
    },
  },
  {
    name: '#214 #217 counts of listed keys: distinct ones, existing or not',
    schema: SCHEMA,
    given: rows(1, 4),
    when: async (collection, t) => {
      t.equal(await deleted(collection, { filter: 'id in [0]' }), 1)
      t.equal(await deleted(collection, { filter: 'id in []' }), 0)
      t.equal(await deleted(collection, { ids: [] }), 0)
      t.equal(await deleted(collection, { ids: [7, 7, '7', 7n] }), 1)
      t.equal(await deleted(collection, { filter: 'id in [1] and n > 5' }), 0, 'a complex one finds nothing')
      return holds(rows(1, 4))
    },
  },
  {
    name: '#220 scalar, array and JSON expressions',
    schema: SCHEMA,
    given: [
      row(1, 1, { list: [1, 2], json: { a: 1 } }),
      row(2, 2, { list: [3], json: { a: 'x' } }),
      row(3, 3, { list: [], json: [1] }),
      row(4, null),
      row(5, 5),
    ],
    when: async (collection, t) => {
      t.equal(await deleted(collection, { filter: 'array_contains(list, 2)' }), 1)
      t.equal(await deleted(collection, { filter: 'json["a"] == "x"' }), 1)
      t.equal(await deleted(collection, { filter: 'n is null' }), 1)
      t.equal(await deleted(collection, { filter: 'id not in [5]' }), 1)
      return holds([row(5, 5)])
    },
  },
  {
    name: '#223 templates equal the literal form',
    schema: SCHEMA,
    given: rows(1, 8),
    when: async (collection, t) => {
      t.equal(
        await deleted(collection, { filter: 'id in {ids}', templates: { ids: [1, 2, 99] } }),
        3,
        'simple',
      )
      t.equal(await deleted(collection, { filter: 'n > {from}', templates: { from: 5 } }), 2)
      const missing = () => collection.delete({ filter: 'id in {ids}' })
      await refused(t, collection, missing, 1100, 'failed to create delete plan')
      return holds(rows(3, 6))
    },
  },
  {
    name: '#224 a deleted key comes back with its new content only',
    schema: SCHEMA,
    given: [row(1, 0), row(2, 0), row(3, 0)],
    when: async collection => {
      await collection.delete({ ids: [1, 2, 99] })
      await collection.insert([row(1, 10)])
      await collection.upsert([row(2, 20)])
      await collection.delete({ ids: [3] })
      return holds([row(1, 10), row(2, 20)])
    },
  },
  {
    name: '3.6 requests issued at once apply in the order of issue',
    schema: SCHEMA,
    given: [row(1, 0)],
    when: async collection => {
      const done: Promise<unknown>[] = []
      for (let i = 1; i <= 20; i++) done.push(collection.delete({ ids: [1] }), collection.insert([row(1, i)]))
      done.push(collection.delete({ filter: 'n >= 0 and id == 2' }), collection.insert([row(2, 5)]))
      await Promise.all(done)
      return holds([row(1, 20), row(2, 5)])
    },
  },
  {
    name: '#219 partitions: one, all, the default one by name',
    schema: SCHEMA,
    given: rows(0, 4),
    prepare: async collection => {
      await collection.createPartition('p1')
      await collection.insert(rows(0, 6), { partitionName: 'p1' })
    },
    when: async (collection, t) => {
      t.equal(await deleted(collection, { filter: 'n < 2', partitionName: 'p1' }), 2)
      t.equal(await deleted(collection, { filter: 'n > 3', partitionName: '_default' }), 0)
      t.equal(await deleted(collection, { ids: [3], partitionName: '_default' }), 1)
      t.equal(await deleted(collection, { ids: [2], partitionName: '' }), 1, 'all partitions')
      const filter = 'id >= 0'
      const nowhere = () => collection.delete({ filter, partitionName: 'aaa' })
      await refused(
        t,
        collection,
        nowhere,
        200,
        'Failed to get partition id: partition not found[partition=aaa]',
      )
      return async (collection, t) => {
        t.strictSame(await collection.query({ filter, partitionNames: ['_default'] }), rows(0, 2))
        t.strictSame(await collection.query({ filter, partitionNames: ['p1'] }), rows(3, 6))
        t.equal(await collection.count(), 5)
      }
    },
  },
  {
    name: '#218 #221 #222 bad deletes leave no trace',
    schema: SCHEMA,
    given: rows(1, 4),
    when: async (collection, t) => {
      const no = (options: DeleteOptions, phrase: string) =>
        refused(t, collection, () => collection.delete(options), 1100, phrase)
      await no({ filter: 'id >' }, 'failed to create delete plan: cannot parse expression: id >')
      await no({ filter: 'nope == 1' }, 'failed to create delete plan: cannot parse expression: nope == 1')
      await no({ filter: 'id in ["a"]' }, 'failed to create delete plan')
      await no({ filter: '' }, "delete plan can't be empty or always true : ")
      await no({ filter: 'true' }, "delete plan can't be empty or always true : true")
      await no({ ids: ['a'] }, 'primary key "id": expected Int64, got string "a"')
      await no({ ids: [1.5] }, 'primary key "id": expected Int64')
      await no(
        { ids: [1], filter: 'id == 1' },
        'Ambiguous filter parameter, only one deletion condition can be specified.',
      )
      await no({}, 'delete needs ids or filter')
      return holds(rows(1, 4))
    },
  },
  {
    name: '3.3 a partition-key collection takes no partition name',
    schema: schemaWith([{ name: 'key', dataType: DataType.Int64, partitionKey: true }]),
    given: [1, 2, 3].map(id => ({ id, key: id, vec })),
    when: async (collection, t) => {
      const named = () => collection.delete({ ids: [1], partitionName: '_default_0' })
      await refused(
        t,
        collection,
        named,
        1100,
        'not support manually specifying the partition names if partition key mode is used',
      )
      t.equal(await deleted(collection, { ids: [1] }), 1)
      t.equal(await deleted(collection, { filter: 'key == 2' }), 1)
      return holds([{ id: 3, key: 3, vec }])
    },
  },
]

t.test('inserts', t => runScenarios(t, INSERTS))
t.test('deletes', t => runScenarios(t, DELETES))
