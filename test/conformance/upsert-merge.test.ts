/**
 * Upsert in merge mode: the lines of upsert-semantics §5.3, §5.4, §5.6 and §5.7 that concern the server, by their
 * numbers. Array operations have a file of their own; JSON fields are in upsert-notes.test.ts.
 */
import t from 'tap'
import { type Collection, DataType, type Row, type WriteSummary } from '../../lib/index.js'
import { allRows, holds, refused, runScenarios, type Scenario, schemaWith } from '../support/states.js'

const vec = [0.5, 0.25]
const other = [3, 4]
const DEMO = schemaWith([
  { name: 'title', dataType: DataType.VarChar, maxLength: 16 },
  { name: 'n', dataType: DataType.Int32, nullable: true },
  { name: 'text', dataType: DataType.VarChar, maxLength: 16, nullable: true },
])
const DEFAULTS = schemaWith([
  { name: 'text', dataType: DataType.VarChar, maxLength: 8, defaultValue: '' },
  { name: 'int', dataType: DataType.Int32, defaultValue: 0 },
  { name: 'float', dataType: DataType.Float, defaultValue: 0, nullable: true },
  { name: 'flag', dataType: DataType.Bool, defaultValue: false },
])
const DYNAMIC = schemaWith([{ name: 'n', dataType: DataType.Int32, nullable: true }], {
  enableDynamicField: true,
})

const demo = (id: number, n: number | null, text: string | null, more: Row = {}): Row => ({
  id,
  title: `t${id}`,
  n,
  text,
  vec,
  ...more,
})
const merge = (collection: Collection, rows: readonly Row[]): Promise<WriteSummary> =>
  collection.upsert(rows, { partialUpdate: true })

const VALID: readonly Scenario[] = [
  {
    name: '#98 #186 #203 one field changes, the others stay; only scalars, only vectors',
    schema: DEMO,
    given: [demo(1, 1, 'a'), demo(2, 2, 'b'), demo(3, 3, 'c')],
    when: async (collection, t) => {
      const result = await merge(collection, [
        { id: 1, title: 'x' },
        { id: 2, title: 'y' },
      ])
      t.match(result, { upsertCount: 2, insertCount: 2, deleteCount: 2, ids: [1, 2] })
      await merge(collection, [{ id: 2, vec: other }])
      await merge(collection, [{ id: 3, n: 9, vec: other }])
      return holds([
        demo(1, 1, 'a', { title: 'x' }),
        demo(2, 2, 'b', { title: 'y', vec: other }),
        demo(3, 9, 'c', { vec: other }),
      ])
    },
  },
  {
    name: '#101 #102 #110 #111 #113 #207 value → value, value → null, null → value, null → null, left out',
    schema: DEMO,
    given: [demo(1, 1, 'a'), demo(2, 2, 'b'), demo(3, null, null), demo(4, null, null), demo(5, 5, 'e')],
    when: async collection => {
      await merge(collection, [
        { id: 1, n: 10, text: 'A' },
        { id: 2, n: null, text: null },
        { id: 3, n: 30, text: 'C' },
        { id: 4, n: null, text: null },
      ])
      await merge(collection, [{ id: 5, text: null }])
      return async (collection, t) => {
        const rows = [
          demo(1, 10, 'A'),
          demo(2, null, null),
          demo(3, 30, 'C'),
          demo(4, null, null),
          demo(5, 5, null),
        ]
        await holds(rows)(collection, t)
        const ids = async (filter: string) => (await allRows(collection, filter)).map(row => row['id'])
        t.strictSame(await ids('n is null'), [2, 4], '#115')
        t.strictSame(await ids('text is not null'), [1, 3], '#115')
        t.strictSame(await ids('n == 10 or text == "C"'), [1, 3], '#115')
      }
    },
  },
  {
    name: '2.8 rows of one request carry different fields; a field a row leaves out stays',
    schema: DEMO,
    given: [demo(1, 1, 'a'), demo(2, 2, 'b')],
    when: async collection => {
      await merge(collection, [{ id: 2, text: 'B' }, { id: 1, n: 7 }, demo(3, null, 'new')])
      return holds([demo(1, 7, 'a'), demo(2, 2, 'B'), demo(3, null, 'new')])
    },
  },
  {
    name: '#112 #125 #126 #127 #128 #129 #194 #208 defaults: null means the default, left out means the stored value',
    schema: DEFAULTS,
    given: [
      { id: 1, vec },
      { id: 2, vec, text: 'a', int: 1, float: 1, flag: true },
      { id: 3, vec, text: 'a', int: 1, float: 1, flag: true },
    ],
    when: async collection => {
      await merge(collection, [{ id: 1, text: 'x' }])
      await merge(collection, [{ id: 1, int: 7 }])
      await merge(collection, [{ id: 1, float: 0.5 }])
      await merge(collection, [{ id: 1, flag: true }])
      await merge(collection, [{ id: 2, text: null, int: null, float: null, flag: null }])
      await merge(collection, [{ id: 3, vec: other }])
      await merge(collection, [{ id: 4, vec }])
      return holds([
        { id: 1, text: 'x', int: 7, float: 0.5, flag: true, vec },
        { id: 2, text: '', int: 0, float: 0, flag: false, vec },
        { id: 3, text: 'a', int: 1, float: 1, flag: true, vec: other },
        { id: 4, text: '', int: 0, float: 0, flag: false, vec },
      ])
    },
  },
  {
    name: '#106 #189 #191 existing and new rows in one request; updated ones come first in ids',
    schema: DEMO,
    given: [demo(1, 1, 'a'), demo(2, 2, 'b')],
    when: async (collection, t) => {
      const result = await merge(collection, [
        demo(8, 8, null),
        demo(2, 20, 'B'),
        demo(7, 7, null),
        demo(1, 10, 'A'),
      ])
      t.match(result, { upsertCount: 4, insertCount: 4, deleteCount: 2 })
      t.strictSame(result.ids, [2, 1, 8, 7])
      return holds([demo(1, 10, 'A'), demo(2, 20, 'B'), demo(7, 7, null), demo(8, 8, null)])
    },
  },
  {
    name: '#103 #122 #123 #124 #204 #205 #206 dynamic keys: merged per row, static fields apart',
    schema: DYNAMIC,
    given: [
      { id: 1, n: 1, vec, a: 1 },
      { id: 2, n: 2, vec, tag: 'x', keep: { deep: [1] } },
      { id: 3, n: 3, vec },
    ],
    when: async collection => {
      await merge(collection, [
        { id: 1, b: 2 },
        { id: 2, tag: null },
        { id: 3, n: 30 },
      ])
      await merge(collection, [
        { id: 1, a: 2 },
        { id: 2, n: 20 },
        { id: 4, n: null, vec, c: 'new' },
      ])
      return async (collection, t) => {
        await holds([
          { id: 1, n: 1, vec, a: 2, b: 2 },
          { id: 2, n: 20, vec, tag: null, keep: { deep: [1] } },
          { id: 3, n: 30, vec },
          { id: 4, n: null, vec, c: 'new' },
        ])(collection, t)
        t.strictSame(await collection.count({ filter: 'a == 2' }), 1)
      }
    },
  },
  {
    name: '2.5 dynamic numbers stay exact through a merge',
    schema: DYNAMIC,
    given: [{ id: 1, n: 1, vec, big: 2n ** 62n + 1n, small: 0.1 }],
    when: async collection => {
      await merge(collection, [{ id: 1, other: 2n ** 61n + 1n }])
      return holds([{ id: 1, n: 1, vec, big: 2n ** 62n + 1n, small: 0.1, other: 2n ** 61n + 1n }])
    },
  },
  {
    name: '#107 #108 #109 insert, upsert, delete and merge in turn',
    schema: DEMO,
    given: [demo(1, 1, 'a'), demo(2, 2, 'b')],
    when: async collection => {
      await collection.upsert([demo(1, 5, 'x')])
      await collection.delete({ ids: [1, 2] })
      await merge(collection, [demo(1, 6, null)])
      await merge(collection, [{ id: 1, text: 'y' }])
      return holds([demo(1, 6, 'y')])
    },
  },
  {
    name: '#117 #118 duplicates: the newest is the base, and one is left',
    schema: DEMO,
    given: [demo(1, 1, 'a'), demo(2, 2, 'b')],
    when: async (collection, t) => {
      await collection.insert([demo(1, 10, 'A'), demo(2, 20, 'B')])
      t.equal(await collection.count(), 4)
      t.strictSame(await allRows(collection), [demo(1, 10, 'A'), demo(2, 20, 'B')])
      await merge(collection, [
        { id: 1, n: 11 },
        { id: 2, text: 'BB' },
      ])
      return holds([demo(1, 11, 'A'), demo(2, 20, 'BB')])
    },
  },
  {
    name: '#192 #193 autoID: the row gets a new key and keeps what was not given',
    schema: { ...DEMO, autoId: true },
    given: [
      { title: 'a', n: 1, vec },
      { title: 'b', n: 2, vec },
    ],
    when: async (collection, t) => {
      const [a, b] = (await allRows(collection)).map(row => row['id'] as number)
      const { ids } = await merge(collection, [{ id: a, title: 'A' }])
      t.ok((ids[0] as number) > b!)
      const lost = () => merge(collection, [{ id: a, title: 'again' }])
      await refused(t, collection, lost, 1100, 'fieldSchema(vec) has no corresponding fieldData pass in')
      return holds([
        { id: b, title: 'b', n: 2, text: null, vec },
        { id: ids[0], title: 'A', n: 1, text: null, vec },
      ])
    },
  },
  {
    name: '4.2 concurrent merges of one row lose nothing, concurrent merges of a new key make one row',
    schema: DYNAMIC,
    given: [{ id: 1, n: 0, vec }],
    when: async collection => {
      const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)
      await Promise.all(keys.map((key, i) => merge(collection, [{ id: 1, [key]: i }])))
      await Promise.all([1, 2, 3, 4].map(n => merge(collection, [{ id: 2, n, vec }])))
      const merged = Object.fromEntries(keys.map((key, i) => [key, i]))
      return holds([
        { id: 1, n: 0, vec, ...merged },
        { id: 2, n: 4, vec },
      ])
    },
  },
]

const GIVEN = [demo(1, 1, 'a'), demo(2, 2, 'b')]

const INVALID: readonly Scenario[] = [
  {
    name: '#135 #136 #138 #142 #188 #196 #198 #200 #201 #202 bad requests leave no trace',
    schema: DEMO,
    given: [...GIVEN, demo(3, 3, 'gone')],
    when: async (collection, t) => {
      await collection.delete({ ids: [3] })
      const no = (rows: readonly Row[], phrase: string) =>
        refused(t, collection, () => merge(collection, rows), 1100, phrase)
      await no([{ id: 9, title: 'x' }], 'fieldSchema(vec) has no corresponding fieldData pass in')
      await no([{ id: 9, vec }], 'fieldSchema(title) has no corresponding fieldData pass in')
      await no(
        [
          { id: 1, n: 5 },
          { id: 9, n: 5 },
        ],
        'fieldSchema(title) has no corresponding fieldData pass in',
      )
      await no([{ id: 3, n: 5 }], 'fieldSchema(title) has no corresponding fieldData pass in')
      await no([{ id: 1, unknown: 5 }], 'fieldName unknown not exist in collection schema')
      await no([{ n: 5 }], 'must assign pk when upsert, primary field: id')
      await no([{ id: 1, n: 5 }, { n: 5 }], 'must assign pk when upsert, primary field: id')
      await no(
        [
          { id: 1, n: 5 },
          { id: 2, n: 'x' },
        ],
        'field "n" (row 1): expected Int32, got string "x"',
      )
      await no([{ id: 1, title: null }], 'field "title" (row 0): expected VarChar, got null')
      await no([{ id: 1, vec: [1] }], 'the dim (1) of field data(vec) is not equal to schema dim (2)')
      await no([{ id: 1, vec: [Number.NaN, 0] }], "value 'NaN' is not a number or infinity")
      await no([{ id: 1, text: 'x'.repeat(17) }], 'length of varchar field text exceeds max length')
      await no(
        [
          { id: 1, n: 5 },
          { id: 1, n: 6 },
        ],
        'duplicate primary keys are not allowed in the same batch',
      )
      return holds(GIVEN)
    },
  },
  {
    name: '#104 #105 #140 a key of another partition is a new key',
    schema: DEMO,
    given: GIVEN,
    prepare: async collection => {
      await collection.createPartition('p1')
    },
    when: async (collection, t) => {
      const into = (partitionName: string, rows: readonly Row[]) =>
        collection.upsert(rows, { partialUpdate: true, partitionName })
      await refused(
        t,
        collection,
        () => into('p1', [{ id: 1, n: 5 }]),
        1100,
        'fieldSchema(title) has no corresponding fieldData pass in',
      )
      await refused(
        t,
        collection,
        () => into('aaa', [{ id: 1, n: 5 }]),
        200,
        'partition not found[partition=aaa]',
      )
      await into('p1', [demo(1, 7, 'p')])
      await into('p1', [{ id: 1, text: 'q' }])
      return async (collection, t) => {
        const filter = 'id > 0'
        t.strictSame(await collection.query({ filter, partitionNames: ['_default'] }), GIVEN)
        t.strictSame(await collection.query({ filter, partitionNames: ['p1'] }), [demo(1, 7, 'q')])
        t.equal(await collection.count(), 3)
      }
    },
  },
  {
    name: '#137 a released collection refuses merges',
    schema: DEMO,
    given: GIVEN,
    when: async (collection, t) => {
      await collection.release()
      const wanted = { code: 101, message: /^failed to query: collection not loaded\[collection=\d+\]$/ }
      await t.rejects(merge(collection, [{ id: 1, n: 5 }]), wanted)
      await t.rejects(merge(collection, [demo(9, 9, null)]), wanted, 'also for new keys')
      await collection.load()
      return holds(GIVEN)
    },
  },
]

t.test('merges', t => runScenarios(t, VALID))
t.test('refused merges', t => runScenarios(t, INVALID))
