/**
 * Array element operations in a merge: upsert-semantics §2.7 and the lines of §5.5, by their numbers.
 */
import t from 'tap'
import { type ArrayOp, type Collection, DataType, type FieldRequest, type Row } from '../../lib/index.js'
import { allRows, holds, refused, runScenarios, type Scenario, schemaWith } from '../support/states.js'

const vec = [0.5, 0.25]
const array = (name: string, elementType: DataType, more: Partial<FieldRequest> = {}): FieldRequest => ({
  name,
  dataType: DataType.Array,
  elementType,
  maxCapacity: 4,
  maxLength: 4,
  nullable: true,
  ...more,
})
const SCHEMA = schemaWith([
  { name: 'name', dataType: DataType.VarChar, maxLength: 8, nullable: true },
  array('tags', DataType.Int64),
  array('words', DataType.VarChar),
])
const ELEMENTS: readonly (readonly [name: string, type: DataType, a: unknown, b: unknown])[] = [
  ['bool', DataType.Bool, true, false],
  ['int8', DataType.Int8, -128, 127],
  ['int16', DataType.Int16, -32_768, 1],
  ['int32', DataType.Int32, 2 ** 31 - 1, 1],
  ['int64', DataType.Int64, 2n ** 63n - 1n, -5],
  ['float', DataType.Float, 0.5, -0.25],
  ['double', DataType.Double, 0.1, 1e300],
  ['varchar', DataType.VarChar, 'ż', ''],
]
const ALL = schemaWith(ELEMENTS.map(([name, type]) => array(name, type)))
const allOf = (values: (a: unknown, b: unknown) => unknown): Row =>
  Object.fromEntries(ELEMENTS.map(([name, , a, b]) => [name, values(a, b)]))
const allOps = (op: ArrayOp) => Object.fromEntries(ELEMENTS.map(([name]) => [name, op]))

const row = (id: number, tags: unknown, words: unknown = null, name: string | null = 'n'): Row => ({
  id,
  name,
  tags,
  words,
  vec,
})
const append = (collection: Collection, rows: readonly Row[], ...fields: string[]) =>
  collection.upsert(rows, { fieldOps: Object.fromEntries(fields.map(f => [f, 'ARRAY_APPEND' as const])) })
const remove = (collection: Collection, rows: readonly Row[], ...fields: string[]) =>
  collection.upsert(rows, { fieldOps: Object.fromEntries(fields.map(f => [f, 'ARRAY_REMOVE' as const])) })

const VALID: readonly Scenario[] = [
  {
    name: '#144 #176 #180 append on every element type: old then new, other fields stay',
    schema: ALL,
    given: [{ id: 1, vec, ...allOf((a, b) => [a, b]) }],
    when: async collection => {
      await collection.upsert([{ id: 1, ...allOf((a, b) => [b, a]) }], { fieldOps: allOps('ARRAY_APPEND') })
      return holds([{ id: 1, ...allOf((a, b) => [a, b, b, a]), vec }])
    },
  },
  {
    name: '#145 #146 #147 #148 #149 #163 #183 remove on every element type: every match goes, order stays',
    schema: ALL,
    given: [{ id: 1, vec, ...allOf((a, b) => [a, b, a, b]) }],
    when: async collection => {
      await collection.upsert([{ id: 1, ...allOf(a => [a]) }], { fieldOps: allOps('ARRAY_REMOVE') })
      return holds([{ id: 1, ...allOf((_, b) => [b, b]), vec }])
    },
  },
  {
    name: '#150 #184 #182 append and remove in one request, with a replaced field and payloads of any length',
    schema: SCHEMA,
    given: [row(1, [1, 2], ['a', 'b']), row(2, [3], ['c'])],
    when: async collection => {
      const rows = [
        { id: 1, tags: [5], words: ['a'], name: 'x' },
        { id: 2, tags: [6, 6, 7], words: ['c', 'd'], name: 'y' },
      ]
      await collection.upsert(rows, {
        fieldOps: { tags: 'ARRAY_APPEND', words: 'ARRAY_REMOVE', name: 'REPLACE' },
      })
      return holds([row(1, [1, 2, 5], ['b'], 'x'), row(2, [3, 6, 6, 7], [], 'y')])
    },
  },
  {
    name: '#156 #179 an op alone turns merge mode on; REPLACE alone does not',
    schema: SCHEMA,
    given: [row(1, [1], ['w']), row(2, [1], ['w'])],
    when: async collection => {
      await append(collection, [{ id: 1, tags: [2] }], 'tags')
      const explicit = { partialUpdate: false, fieldOps: { tags: 'ARRAY_APPEND' as const } }
      await collection.upsert([{ id: 1, tags: [3] }], explicit)
      await collection.upsert([{ id: 2, tags: [9], vec }], { fieldOps: { tags: 'REPLACE' } })
      return holds([row(1, [1, 2, 3], ['w']), row(2, [9], null, null)])
    },
  },
  {
    name: '#160 #161 #162 #164 #166 #171 #172 empty, null and full arrays',
    schema: SCHEMA,
    given: [
      row(1, []),
      row(2, [5]),
      row(3, [5, 6]),
      row(4, null),
      row(5, [1, 2, 3]),
      row(6, [1, 2, 3, 4]),
      row(7, null),
    ],
    when: async collection => {
      await append(
        collection,
        [
          { id: 1, tags: [1] },
          { id: 4, tags: [2] },
          { id: 5, tags: [4] },
        ],
        'tags',
      )
      const gone = [
        { id: 2, tags: [5] },
        { id: 3, tags: [9] },
        { id: 6, tags: [2, 4] },
        { id: 7, tags: [1] },
      ]
      await remove(collection, gone, 'tags')
      return holds([
        row(1, [1]),
        row(2, []),
        row(3, [5, 6]),
        row(4, [2]),
        row(5, [1, 2, 3, 4]),
        row(6, [1, 3]),
        row(7, null),
      ])
    },
  },
  {
    name: '#165 a null or empty payload changes nothing, others of the request do',
    schema: SCHEMA,
    given: [row(1, [1]), row(2, [2]), row(3, [3])],
    when: async collection => {
      await append(
        collection,
        [
          { id: 1, tags: null },
          { id: 2, tags: [9] },
          { id: 3, tags: [] },
        ],
        'tags',
      )
      await remove(
        collection,
        [
          { id: 1, tags: [] },
          { id: 2, tags: null },
          { id: 3, tags: [3] },
        ],
        'tags',
      )
      return holds([row(1, [1]), row(2, [2, 9]), row(3, [])])
    },
  },
  {
    name: '2.7 a row that leaves the field out is not touched by its op',
    schema: SCHEMA,
    given: [row(1, [1]), row(2, [2])],
    when: async collection => {
      await append(
        collection,
        [
          { id: 1, tags: [9] },
          { id: 2, name: 'x' },
        ],
        'tags',
      )
      return holds([row(1, [1, 9]), row(2, [2], null, 'x')])
    },
  },
  {
    name: '2.7 new keys store the payload as it is, for both ops',
    schema: SCHEMA,
    given: [row(1, [1])],
    when: async (collection, t) => {
      await append(collection, [{ id: 2, tags: [1, 2], vec }], 'tags')
      t.match(
        await remove(
          collection,
          [
            { id: 3, tags: [3], vec },
            { id: 1, tags: [1] },
          ],
          'tags',
        ),
        { ids: [1, 3] },
      )
      return holds([row(1, []), row(2, [1, 2], null, null), row(3, [3], null, null)])
    },
  },
  {
    name: '#173 #174 #175 filters follow; concurrent appends lose nothing',
    schema: SCHEMA,
    given: [row(1, [], ['a']), row(2, [7], ['a', 'b'])],
    when: async collection => {
      await Promise.all([1, 2, 3, 4].map(tag => append(collection, [{ id: 1, tags: [tag] }], 'tags')))
      await remove(collection, [{ id: 2, words: ['a'] }], 'words')
      return async (collection, t) => {
        await holds([row(1, [1, 2, 3, 4], ['a']), row(2, [7], ['b'])])(collection, t)
        const ids = async (filter: string) => (await allRows(collection, filter)).map(found => found['id'])
        t.strictSame(await ids('array_contains(tags, 3)'), [1])
        t.strictSame(await ids('array_contains(words, "a")'), [1])
        t.strictSame(await ids('array_length(tags) == 4'), [1])
      }
    },
  },
]

/** Line, op, field, payload row, phrase (code 1100). */
const BAD: readonly (readonly [name: string, op: string, field: string, given: Row, phrase: string])[] = [
  [
    '#151 #185 a VarChar field',
    'ARRAY_APPEND',
    'name',
    { id: 1, name: 'x' },
    'op ARRAY_APPEND requires Array field, but field "name" is VarChar',
  ],
  [
    '#152 the key',
    'ARRAY_APPEND',
    'id',
    { id: 1 },
    'field "id" is the primary key and cannot carry a partial-update op',
  ],
  [
    '#153 an unknown field',
    'ARRAY_REMOVE',
    'nope',
    { id: 1, tags: [1] },
    'field "nope" not found in collection schema',
  ],
  ['#154 elements of another type', 'ARRAY_APPEND', 'tags', { id: 1, tags: ['x'] }, 'tags'],
  ['#19 null among the elements', 'ARRAY_APPEND', 'tags', { id: 1, tags: [1, null] }, 'tags'],
  [
    '#155 a field no row carries',
    'ARRAY_APPEND',
    'tags',
    { id: 1, name: 'x' },
    'partial-update op targets field "tags" not present in fields_data',
  ],
  [
    '2.7 an unknown op',
    'ARRAY_SORT',
    'tags',
    { id: 1, tags: [1] },
    'unsupported partial update op: ARRAY_SORT',
  ],
  [
    '2.7 a payload above the capacity',
    'ARRAY_APPEND',
    'tags',
    { id: 1, tags: [1, 2, 3, 4, 5] },
    'ARRAY_APPEND payload for field "tags" row 0 has length 5 exceeding max_capacity 4',
  ],
  [
    '#158 #167 #178 a result above the capacity',
    'ARRAY_APPEND',
    'tags',
    { id: 1, name: 'x', tags: [4, 5] },
    'array length 5 exceeds max_capacity 4',
  ],
  [
    '#159 #170 an element that is too long',
    'ARRAY_APPEND',
    'words',
    { id: 1, words: ['12345'] },
    'exceeds max length',
  ],
]

const INVALID: readonly Scenario[] = [
  {
    name: 'bad operations leave no trace',
    schema: SCHEMA,
    given: [row(1, [1, 2, 3], ['a']), row(2, [5], ['b'])],
    when: async (collection, t) => {
      for (const [name, op, field, given, phrase] of BAD) {
        await t.test(name, t => {
          // The second row alone would be fine: one bad row fails all.
          const rows = [given, ...(field in given && field !== 'id' ? [{ id: 2, [field]: null }] : [])]
          const fieldOps = { [field]: op as ArrayOp }
          return refused(t, collection, () => collection.upsert(rows, { fieldOps }), 1100, phrase)
        })
      }
      const nameless = () => collection.upsert([{ id: 1 }], { fieldOps: { '': 'ARRAY_APPEND' } })
      await refused(t, collection, nameless, 1101, 'FieldPartialUpdateOp.field_name is required')
      const both = { tags: 'ARRAY_APPEND', name: 'ARRAY_REMOVE' } as const
      await t.test('#157 one valid and one invalid op: neither field changes', t => {
        const act = () => collection.upsert([{ id: 2, tags: [6], name: 'x' }], { fieldOps: both })
        return refused(
          t,
          collection,
          act,
          1100,
          'op ARRAY_REMOVE requires Array field, but field "name" is VarChar',
        )
      })
      return holds([row(1, [1, 2, 3], ['a']), row(2, [5], ['b'])])
    },
  },
]

t.test('array operations', t => runScenarios(t, VALID))
t.test('refused array operations', t => runScenarios(t, INVALID))
