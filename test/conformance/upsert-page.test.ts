/**
 * The published page "Upsert Entities": its examples as the embedded API expresses them, and every limit it lists (its special notes are
 * in upsert-notes.test.ts). Where the page and our decisions differ (merge needs a loaded collection, override does not; the
 * contradicting dynamic-field example), the test says which one holds.
 */
import t from 'tap'
import { DataType, type Row } from '../../lib/index.js'
import { allRows, holds, refused, runScenarios, type Scenario, schemaWith } from '../support/states.js'

const PAGE = {
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'vector', dataType: DataType.FloatVector, dim: 5 },
    { name: 'title', dataType: DataType.VarChar, maxLength: 128 },
    { name: 'issue', dataType: DataType.VarChar, maxLength: 32 },
  ],
  indexes: [{ fieldName: 'vector', indexType: 'AUTOINDEX', metricType: 'COSINE' }],
} as const

const FIRST: readonly Row[] = [
  {
    id: 0,
    vector: [
      -0.619954382375778, 0.4479436794798608, -0.17493894838751745, -0.4248030059917294, -0.8648452746018911,
    ],
    title: 'Artificial Intelligence in Real Life',
    issue: 'vol.12',
  },
  {
    id: 1,
    vector: [
      0.4762662251462588, -0.6942502138717026, -0.4490002642657902, -0.628696575798281, 0.9660395877041965,
    ],
    title: 'Hollow Man',
    issue: 'vol.19',
  },
  {
    id: 2,
    vector: [
      -0.8864122635045097, 0.9260170474445351, 0.801326976181461, 0.6383943392381306, 0.7563037341572827,
    ],
    title: 'Treasure Hunt in Missouri',
    issue: 'vol.12',
  },
]

const IN_PARTITION: readonly Row[] = [
  {
    id: 10,
    vector: [
      0.06998888224297328, 0.8582816610326578, -0.9657938677934292, 0.6527905683627726, -0.8668460657158576,
    ],
    title: 'Layour Design Reference',
    issue: 'vol.34',
  },
  {
    id: 11,
    vector: [
      0.6060703043917468, -0.3765080534566074, -0.7710758854987239, 0.36993888322346136, 0.5507513364206531,
    ],
    title: 'Doraemon and His Friends',
    issue: 'vol.2',
  },
  {
    id: 12,
    vector: [
      -0.9041813104515337, -0.9610546012461163, 0.20033003106083358, 0.11842506351635174, 0.8327356724591011,
    ],
    title: 'Pikkachu and Pokemon',
    issue: 'vol.12',
  },
]

/** As stored: vectors are float32. */
const stored = (rows: readonly Row[]): Row[] =>
  rows.map(row => ({ ...row, vector: (row['vector'] as number[]).map(Math.fround) }))
const older = (rows: readonly Row[]): Row[] =>
  rows.map(row => ({ ...row, vector: [1, 0, 0, 0, 0], title: 'older', issue: 'vol.0' }))

const EXAMPLES: readonly Scenario[] = [
  {
    name: 'upsert entities in a collection: three stored rows are overridden',
    schema: PAGE,
    given: older(FIRST),
    when: async (collection, t) => {
      const result = await collection.upsert(FIRST)
      t.match(result, { upsertCount: 3, ids: [0, 1, 2] })
      return holds(stored(FIRST))
    },
  },
  {
    name: 'upsert entities in a collection: absent ones are inserted',
    schema: PAGE,
    given: older(FIRST.slice(0, 1)),
    when: async (collection, t) => {
      t.match(await collection.upsert(FIRST), { upsertCount: 3, ids: [0, 1, 2] })
      return holds(stored(FIRST))
    },
  },
  {
    name: 'upsert entities in a partition',
    schema: PAGE,
    given: older(FIRST),
    prepare: async collection => {
      await collection.createPartition('partitionA')
      await collection.insert(older(IN_PARTITION), { partitionName: 'partitionA' })
    },
    when: async (collection, t) => {
      const result = await collection.upsert(IN_PARTITION, { partitionName: 'partitionA' })
      t.match(result, { upsertCount: 3, ids: [10, 11, 12] })
      return async (collection, t) => {
        const filter = 'id >= 0'
        t.strictSame(await collection.query({ filter, partitionNames: ['partitionA'] }), stored(IN_PARTITION))
        t.strictSame(await collection.query({ filter, partitionNames: ['_default'] }), older(FIRST))
      }
    },
  },
  {
    name: 'upsert entities in merge mode: only the given field changes',
    schema: PAGE,
    given: [{ ...FIRST[0]!, id: 3 }, ...IN_PARTITION],
    when: async (collection, t) => {
      const data = [
        { id: 3, issue: 'vol.14' },
        { id: 12, issue: 'vol.7' },
      ]
      const result = await collection.upsert(data, { partialUpdate: true })
      t.match(result, { upsertCount: 2, ids: [3, 12] })
      const [first, tenth, eleventh, twelfth] = stored([{ ...FIRST[0]!, id: 3 }, ...IN_PARTITION])
      return holds([{ ...first, issue: 'vol.14' }, tenth!, eleventh!, { ...twelfth, issue: 'vol.7' }])
    },
  },
]

const NOTES = schemaWith([
  { name: 'title', dataType: DataType.VarChar, maxLength: 64 },
  { name: 'issue', dataType: DataType.VarChar, maxLength: 64, nullable: true },
])
const vec = [0.5, 0.25]

const AUTO_ID: Scenario = {
  name: 'autoID: a new key is generated and returned, in both modes',
  schema: schemaWith([{ name: 'title', dataType: DataType.VarChar, maxLength: 64 }], { autoId: true }),
  given: [
    { title: 'a', vec },
    { title: 'b', vec },
  ],
  when: async (collection, t) => {
    const [a, b] = (await allRows(collection)).map(row => row['id'] as number)
    const override = await collection.upsert([{ id: a, title: 'A', vec }])
    const merge = await collection.upsert([{ id: b, title: 'B' }], { partialUpdate: true })
    const foreign = await collection.upsert([{ id: 7, title: 'C', vec }])
    const ids = [...override.ids, ...merge.ids, ...foreign.ids] as number[]
    t.equal(ids.length, 3)
    t.ok(ids[0]! > b! && ids[1]! > ids[0]! && ids[2]! > ids[1]!, 'generated keys rise')
    return holds(['A', 'B', 'C'].map((title, i) => ({ id: ids[i], title, vec })))
  },
}

const LIMITS: Scenario = {
  name: 'limits: the key is always needed, fields must exist and have their type',
  schema: NOTES,
  given: [{ id: 1, title: 'a', issue: 'vol.1', vec }],
  when: async (collection, t) => {
    const no = (row: Row, partialUpdate: boolean, phrase: string) =>
      refused(t, collection, () => collection.upsert([row], { partialUpdate }), 1100, phrase)
    await no({ title: 'b', vec }, false, 'must assign pk when upsert, primary field: id')
    await no({ title: 'b' }, true, 'must assign pk when upsert, primary field: id')
    await no({ id: 1, title: 'b', vec, genre: 'x' }, false, 'fieldName genre not exist in collection schema')
    await no({ id: 1, genre: 'x' }, true, 'fieldName genre not exist in collection schema')
    await no({ id: 1, title: 5, vec }, false, 'field "title" (row 0): expected VarChar, got number 5')
    await no({ id: 1, title: 5 }, true, 'field "title" (row 0): expected VarChar, got number 5')
    await no({ id: 'one', title: 'b', vec }, false, 'expected Int64')
    await no(
      { id: 1, title: 'b', vec: [1, 2, 3] },
      false,
      'the dim (3) of field data(vec) is not equal to schema dim (2)',
    )
    return holds([{ id: 1, title: 'a', issue: 'vol.1', vec }])
  },
}

const LOADED: Scenario = {
  name: 'limits: merge needs the collection loaded, override does not',
  schema: NOTES,
  given: [{ id: 1, title: 'a', issue: 'vol.1', vec }],
  when: async (collection, t) => {
    await collection.release()
    await t.rejects(collection.upsert([{ id: 1, title: 'b' }], { partialUpdate: true }), {
      code: 101,
      message: /^failed to query: collection not loaded\[collection=\d+\]$/,
    })
    await collection.upsert([{ id: 1, title: 'c', vec }])
    await collection.load()
    return holds([{ id: 1, title: 'c', issue: null, vec }])
  },
}

t.test('the page, wherever the rows are', t => runScenarios(t, [...EXAMPLES, AUTO_ID, LIMITS, LOADED]))
