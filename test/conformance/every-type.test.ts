/**
 * Every field type through insert, override and merge: what is given is what is read, to the last bit, as null, as
 * value, and changed from one to the other (upsert-semantics §6, lines 53, 54, 69, 80–82, 93, 99–102, 132, 211).
 */
import t from 'tap'
import { DataType, type Row } from '../../lib/index.js'
import { EVERY_TYPE, INT64_MAX, INT64_MIN, TYPED_FIELDS, typedRow } from '../support/every-type.js'
import { allRows, holds, runScenarios, type Scenario, schemaWith } from '../support/states.js'

const given = (id: number, which: (position: number) => number): Row => typedRow(id, which, 'given')
const read = (id: number, which: (position: number) => number): Row => typedRow(id, which, 'read')
const VALUES = [0, 1, 2] as const

const SCENARIOS: Scenario[] = [
  {
    name: '#80 all types: override replaces every value, by value and by null',
    schema: EVERY_TYPE,
    given: [...VALUES.map(v => given(v, () => v)), given(3, () => -1)],
    when: async collection => {
      await collection.upsert([given(1, () => 2), given(2, () => -1), given(3, () => 1), given(4, () => -2)])
      return holds([
        read(0, () => 0),
        read(1, () => 2),
        read(2, () => -1),
        read(3, () => 1),
        read(4, () => -1),
      ])
    },
  },
  {
    name: '#93 #211 all types: the same changes by merge, and fields left out keep null and value',
    schema: EVERY_TYPE,
    given: [...VALUES.map(v => given(v, () => v)), given(3, () => -1), given(4, () => -1)],
    when: async collection => {
      const half = (choice: number) => (position: number) => (position % 2 === 0 ? choice : -2)
      const merge = { partialUpdate: true }
      await collection.upsert([given(0, half(1)), given(1, half(-1)), given(3, half(2)), { id: 4 }], merge)
      // JSON is at an odd position: it is left out, so that its keys are not merged here.
      const mixed = (even: number, odd: number) => (position: number) => (position % 2 === 0 ? even : odd)
      return holds([
        read(0, mixed(1, 0)),
        read(1, mixed(-1, 1)),
        read(2, () => 2),
        read(3, mixed(2, -1)),
        read(4, () => -1),
      ])
    },
  },
  {
    name: '#99 #100 all types: each field in turn by merge, the others stay',
    schema: { ...EVERY_TYPE, properties: { 'kestrel.partial_update.json': 'replace' } },
    given: [given(1, () => 0), given(2, () => 0)],
    when: async collection => {
      for (let position = 0; position < TYPED_FIELDS.length; position++) {
        const { field, pairs } = TYPED_FIELDS[position]!
        await collection.upsert([{ id: 1, [field.name]: pairs[1].given }], { partialUpdate: true })
        if (position % 9 === 8) await collection.flush()
      }
      return holds([read(1, () => 1), read(2, () => 0)])
    },
  },
  {
    name: '#93 search never returns rows whose vector is null',
    schema: EVERY_TYPE,
    given: [given(1, () => 0), given(2, () => -1), given(3, () => 1)],
    when: async collection => {
      await collection.upsert([given(1, () => -1)])
      return async (collection, t) => {
        for (const [annsField, vector] of [
          ['vec_float', [0, 0]],
          ['vec_half', [0, 0]],
          ['vec_brain', [0, 0]],
          ['vec_sparse', { 0: 1 }],
          ['vec_int8', [0, 0]],
          ['vec_binary', [0, 0]],
        ] as const) {
          const [hits] = await collection.search({ annsField, data: [vector], limit: 10 })
          t.strictSame(
            hits!.map(hit => hit.id),
            [3],
            annsField,
          )
        }
      }
    },
  },
  {
    name: 'Int64 keys at the edges of the range are exact',
    schema: schemaWith(),
    given: [
      { id: INT64_MIN, vec: [0, 0] },
      { id: INT64_MAX, vec: [1, 1] },
      { id: 2n ** 53n + 1n, vec: [2, 2] },
      { id: '9007199254740994', vec: [3, 3] },
    ],
    when: async (collection, t) => {
      const ids = [INT64_MIN, INT64_MAX, 2n ** 53n + 1n, -5]
      const result = await collection.upsert(ids.map(id => ({ id, vec: [5, 5] })))
      t.strictSame(result.ids, ids)
      await collection.delete({ ids: [2n ** 53n + 2n] })
      const sorted = [INT64_MIN, -5, 2n ** 53n + 1n, INT64_MAX]
      return async (collection, t) => {
        await holds(sorted.map(id => ({ id, vec: [5, 5] })))(collection, t)
        t.strictSame(await collection.get(INT64_MAX), [{ id: INT64_MAX, vec: [5, 5] }])
        t.strictSame(await allRows(collection, `id == ${INT64_MIN}`), [{ id: INT64_MIN, vec: [5, 5] }])
      }
    },
  },
  {
    name: '#53 #82 #217 VarChar keys: blanks, the empty string and any script are keys of their own',
    schema: schemaWith([], {
      fields: [
        { name: 'id', dataType: DataType.VarChar, primaryKey: true, maxLength: 16 },
        { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
      ],
    }),
    given: ['', 'a', ' a', 'a ', 'ż', '🦅', 'A'].map((id, i) => ({ id, vec: [i, i] })),
    when: async (collection, t) => {
      const ids = ['', ' a', 'ż', 'b  ']
      const result = await collection.upsert(ids.map(id => ({ id, vec: [9, 9] })))
      t.strictSame(result.ids, ids)
      t.match(await collection.delete({ ids: ['🦅', ''] }), { deleteCount: 2 })
      // Ascending by bytes.
      const rows = [
        [' a', 9],
        ['A', 6],
        ['a', 1],
        ['a ', 3],
        ['b  ', 9],
        ['ż', 9],
      ] as const
      return holds(rows.map(([id, n]) => ({ id, vec: [n, n] })))
    },
  },
]

t.test('every type, wherever the rows are', t => runScenarios(t, SCENARIOS))
