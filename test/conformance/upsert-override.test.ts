/**
 * Upsert in override mode: the lines of upsert-semantics §5.2 that concern the server, by their numbers.
 */
import t from 'tap'
import { DataType, type Row } from '../../lib/index.js'
import {
  allRows,
  type Check,
  holds,
  refused,
  runScenarios,
  type Scenario,
  schemaWith,
} from '../support/states.js'

const vec = [0.5, 0.25]
const row = (id: number | string, n = 0, more: Row = {}): Row => ({ id, n, vec, ...more })
const rows = (from: number, to: number, n = 0): Row[] =>
  Array.from({ length: to - from }, (_, i) => row(from + i, n))
const PLAIN = schemaWith([{ name: 'n', dataType: DataType.Int32 }])
const TEXT_KEY = schemaWith([], {
  fields: [
    { name: 'id', dataType: DataType.VarChar, primaryKey: true, maxLength: 8 },
    { name: 'n', dataType: DataType.Int32 },
    { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
  ],
})
const DEFAULTS = schemaWith([
  { name: 'text', dataType: DataType.VarChar, maxLength: 8, defaultValue: 'abc' },
  { name: 'text_null', dataType: DataType.VarChar, maxLength: 8, defaultValue: 'abc', nullable: true },
  { name: 'int', dataType: DataType.Int32, defaultValue: 123 },
  { name: 'big', dataType: DataType.Int64, defaultValue: 2n ** 60n },
  { name: 'float', dataType: DataType.Float, defaultValue: 1, nullable: true },
  { name: 'flag', dataType: DataType.Bool, defaultValue: false },
  { name: 'time', dataType: DataType.Timestamptz, defaultValue: '2024-01-01T00:00:00Z' },
  { name: 'bare', dataType: DataType.Float, nullable: true },
  { name: 'json', dataType: DataType.JSON, nullable: true },
  { name: 'list', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 4, nullable: true },
])
const FILLED = {
  text: 'abc',
  text_null: 'abc',
  int: 123,
  big: 2n ** 60n,
  float: 1,
  flag: false,
  time: '2024-01-01T00:00:00Z',
}
const OTHER = {
  text: 'x',
  text_null: 'y',
  int: 5,
  big: 6,
  float: 7.5,
  flag: true,
  time: '2025-02-03T04:05:06Z',
  bare: 2.5,
  json: { a: 1 },
  list: [1, 2],
}
const NULLS = Object.fromEntries(Object.keys(OTHER).map(name => [name, null]))

const GIVEN = [row(1), row(2, 1)]

const VALID: readonly Scenario[] = [
  {
    name: '#47 #49 #50 overlapping ranges: the new values, in key order',
    schema: PLAIN,
    given: rows(0, 500),
    when: async (collection, t) => {
      t.match(await collection.upsert(rows(450, 650, 7)), { upsertCount: 200 })
      return holds([...rows(0, 450), ...rows(450, 650, 7)])
    },
  },
  {
    name: '#48 an empty list is no request',
    schema: PLAIN,
    given: GIVEN,
    when: async (collection, t) => {
      t.match(await collection.upsert([]), { upsertCount: 0, insertCount: 0, deleteCount: 0, ids: [] })
      return holds(GIVEN)
    },
  },
  {
    name: '#58 #84 the same rows again and again',
    schema: PLAIN,
    given: rows(0, 10),
    when: async collection => {
      for (let n = 1; n <= 5; n++) {
        await collection.upsert(rows(0, 10, n))
        if (n === 3) await collection.flush()
      }
      return holds(rows(0, 10, 5))
    },
  },
  {
    name: '#61 #60 overlapping upserts issued at once: the last one wins each row',
    schema: PLAIN,
    when: async collection => {
      await Promise.all(
        Array.from({ length: 10 }, (_, n) => collection.upsert(rows(n * 50, n * 50 + 100, n))),
      )
      return holds(Array.from({ length: 550 }, (_, id) => row(id, Math.min(9, Math.floor(id / 50)))))
    },
  },
  {
    name: '#62 the same with VarChar keys',
    schema: TEXT_KEY,
    given: [row('k01'), row('k02')],
    when: async collection => {
      const keyed = (from: number, n: number) => Array.from({ length: 4 }, (_, i) => row(`k0${from + i}`, n))
      await Promise.all([collection.upsert(keyed(2, 1)), collection.upsert(keyed(4, 2))])
      return holds([row('k01'), ...keyed(2, 1).slice(0, 2), ...keyed(4, 2)])
    },
  },
  {
    name: '#51 #52 #85 autoID: existing keys are replaced by new ones, foreign ones add rows',
    schema: { ...PLAIN, autoId: true },
    given: [
      { n: 0, vec },
      { n: 1, vec },
      { n: 2, vec },
    ],
    when: async (collection, t) => {
      const before = (await allRows(collection)).map(row => row['id'] as number)
      const existing = await collection.upsert(before.slice(0, 2).map(id => row(id, 7)))
      const foreign = await collection.upsert([row(1, 8), row(2, 8)])
      const ids = [...existing.ids, ...foreign.ids] as number[]
      t.match(existing, { upsertCount: 2, insertCount: 2, deleteCount: 2 })
      for (const id of ids) t.ok(id > Math.max(...before), 'every new key is greater than every old one')
      t.strictSame(await collection.get(before.slice(0, 2)), [])
      const kept = row(before[2]!, 2)
      return holds([kept, row(ids[0]!, 7), row(ids[1]!, 7), row(ids[2]!, 8), row(ids[3]!, 8)])
    },
  },
  {
    name: '#63 #59 #86 dynamic: override replaces all dynamic keys, or clears them',
    schema: { ...PLAIN, enableDynamicField: true },
    given: [row(1, 0, { old: 1 }), row(2, 0, { old: 2 }), row(3, 0, { old: 3 })],
    when: async collection => {
      await collection.upsert([row(1, 1, { new: 5 }), row(2, 1)])
      return holds([row(1, 1, { new: 5 }), row(2, 1), row(3, 0, { old: 3 })])
    },
  },
  {
    name: '1.6 dynamic: what may not be in it',
    schema: { ...PLAIN, enableDynamicField: true },
    given: [row(1, 0, { old: 1 })],
    when: async (collection, t) => {
      const no = (more: Row, phrase: string) =>
        refused(t, collection, () => collection.upsert([row(1, 1, more)]), 1100, phrase)
      await no({ $meta: [1] }, 'invalid dynamic field data, only json map is supported')
      await no({ $meta: { $meta: 1 } }, 'cannot set json key to: $meta')
      await no({ $meta: { n: 1 } }, 'dynamic field name cannot include the static field name: n')
      await no({ long: 'x'.repeat(65_536) }, 'of dynamic field exceeds max length (65536)')
      await collection.upsert([row(2, 2, { $meta: { a: 1 }, b: 2 })])
      return holds([row(1, 0, { old: 1 }), row(2, 2, { a: 1, b: 2 })])
    },
  },
  {
    name: '#64 #65 #66 #67 #96 defaults: left out and null both mean the default; nullable means null',
    schema: DEFAULTS,
    given: [1, 2, 3].map(id => ({ id, vec, ...OTHER })),
    when: async collection => {
      await collection.upsert([
        { id: 1, vec },
        { id: 2, vec, ...NULLS },
        { id: 4, vec },
      ])
      const read = (id: number) => ({ id, ...FILLED, bare: null, json: null, list: null, vec })
      return holds([read(1), read(2), { id: 3, ...OTHER, vec }, read(4)])
    },
  },
  {
    name: '#66 rows of one batch mix values, nulls and nothing',
    schema: DEFAULTS,
    given: [1, 2].map(id => ({ id, vec, ...OTHER })),
    when: async collection => {
      await collection.upsert([
        { id: 1, vec, int: 9 },
        { id: 2, vec, text: null },
        { id: 3, vec, ...OTHER },
      ])
      const read = (id: number, more: Row) => ({
        id,
        ...FILLED,
        bare: null,
        json: null,
        list: null,
        vec,
        ...more,
      })
      return holds([read(1, { int: 9 }), read(2, {}), { id: 3, ...OTHER, vec }])
    },
  },
  {
    name: '#87 #88 override of a collection that is not loaded',
    schema: schemaWith([{ name: 'n', dataType: DataType.Int32, nullable: true }]),
    given: rows(0, 4),
    when: async collection => {
      await collection.release()
      await collection.upsert([row(0, 5), { id: 1, vec }, row(9, 9)])
      await collection.flush()
      await collection.upsert([row(2, 6)])
      await collection.load()
      return holds([row(0, 5), row(1, null as never), row(2, 6), row(3), row(9, 9)])
    },
  },
]

const inPartition = (name: string, expected: readonly Row[]): Check => {
  return async (collection, t) => {
    t.strictSame(await collection.query({ filter: 'id >= 0', partitionNames: [name] }), expected, name)
  }
}

const PARTITIONS: readonly Scenario[] = [
  {
    name: '#55 #56 #57 #83 #91 a named partition is the scope of an upsert',
    schema: PLAIN,
    given: rows(0, 4),
    prepare: async collection => {
      await collection.createPartition('p1')
      await collection.insert(rows(2, 6, 1), { partitionName: 'p1' })
    },
    when: async (collection, t) => {
      t.match(await collection.upsert([row(0, 5), row(2, 5)], { partitionName: 'p1' }), { upsertCount: 2 })
      await collection.upsert([row(3, 6)], { partitionName: '_default' })
      await collection.upsert([row(1, 7)])
      return async (collection, t) => {
        await inPartition('_default', [row(0), row(1, 7), row(2), row(3, 6)])(collection, t)
        await inPartition('p1', [row(0, 5), row(2, 5), row(3, 1), row(4, 1), row(5, 1)])(collection, t)
        t.equal(await collection.count(), 9, 'a key may live in two partitions')
        const seen = [row(0, 5), row(1, 7), row(2, 5), row(3, 6), row(4, 1), row(5, 1)]
        t.strictSame(await allRows(collection), seen, 'a read without partition shows the newest')
      }
    },
  },
  {
    name: '#95 a partition key: a changed key moves the row, one stays per pk',
    schema: schemaWith([
      { name: 'key', dataType: DataType.VarChar, maxLength: 8, partitionKey: true, defaultValue: 'abc' },
      { name: 'n', dataType: DataType.Int32 },
    ]),
    given: [0, 1, 2, 3].map(id => ({ id, key: `k${id}`, n: 0, vec })),
    when: async (collection, t) => {
      await collection.upsert([
        { id: 0, key: 'k3', n: 1, vec },
        { id: 1, n: 1, vec },
        { id: 2, key: null, n: 1, vec },
      ])
      const named = () => collection.upsert([{ id: 0, key: 'a', n: 2, vec }], { partitionName: '_default_0' })
      await refused(
        t,
        collection,
        named,
        1100,
        'not support manually specifying the partition names if partition key mode is used',
      )
      return async (collection, t) => {
        const read = (id: number, key: string, n: number) => ({ id, key, n, vec })
        await holds([read(0, 'k3', 1), read(1, 'abc', 1), read(2, 'abc', 1), read(3, 'k3', 0)])(collection, t)
        t.strictSame(await allRows(collection, 'key == "abc"'), [read(1, 'abc', 1), read(2, 'abc', 1)])
        t.strictSame(await allRows(collection, 'key in ["k0", "k2"]'), [])
      }
    },
  },
]

t.test('upserts that replace', t => runScenarios(t, [...VALID, ...PARTITIONS]))
