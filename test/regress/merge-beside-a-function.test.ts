/**
 * Symptom: in a collection with a BM25 function every merge-mode upsert was refused with `attempt to insert bm25
 * function output field`, whatever it carried.
 *
 * What happened: a merge fills the columns of function outputs with placeholders, because they are computed anew. The
 * merged rows then went through the check of an override upsert, which took the placeholders for values of the request.
 * Now merged rows are completed without that check; the request's own columns are judged before the merge.
 */
import t from 'tap'
import { DataType, open } from '../../lib/index.js'

t.test('a merge works beside a function, and its output is still refused in a request', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  await db.createCollection({
    name: 'notes',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'body', dataType: DataType.VarChar, maxLength: 64, params: { enable_analyzer: 'true' } },
      { name: 'stars', dataType: DataType.Int32, nullable: true },
      { name: 'vector', dataType: DataType.FloatVector, dim: 2 },
      { name: 'words', dataType: DataType.SparseFloatVector },
    ],
    functions: [{ name: 'bm25', type: 1, inputFieldNames: ['body'], outputFieldNames: ['words'] }],
    indexes: [
      { fieldName: 'vector', indexType: 'FLAT', metricType: 'L2' },
      { fieldName: 'words', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'BM25' },
    ],
  })
  const notes = db.collection('notes')
  await notes.insert([{ id: 1, body: 'old', vector: [1, 2] }])
  await notes.upsert([{ id: 1, stars: 5 }], { partialUpdate: true })
  await notes.upsert(
    [
      { id: 1, body: 'new' },
      { id: 2, body: 'two', vector: [3, 4] },
    ].map(row => ({ vector: [1, 2], ...row })),
    { partialUpdate: true },
  )
  t.strictSame(await notes.get([1, 2]), [
    { id: 1, body: 'new', stars: 5, vector: [1, 2] },
    { id: 2, body: 'two', stars: null, vector: [3, 4] },
  ])
  await t.rejects(notes.upsert([{ id: 1, words: { 3: 0.5 } }], { partialUpdate: true }), {
    code: 1100,
    message: /attempt to insert bm25 function output field/,
  })
  await t.rejects(notes.search({ data: ['new'], annsField: 'words', limit: 1 }), {
    code: 3000,
    message: /search by text in field words/,
  })
  t.match(await notes.get([1]), [{ body: 'new', stars: 5 }], 'the refused request changed nothing')
})
