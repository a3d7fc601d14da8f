/**
 * Symptom: declaring an index with an empty parameter named `constructor` was an unexpected error, "a function cannot be
 * stored in a map".
 *
 * What happened: the parameters said so far were looked up in a plain object, which has such a member from the start.
 */
import t from 'tap'
import { DataType, open } from '../../lib/index.js'

t.test('parameters may have names that every object has', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const books = await db.createCollection({
    name: 'books',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'title', dataType: DataType.VarChar, maxLength: 8 },
      { name: 'vector', dataType: DataType.FloatVector, dim: 2 },
    ],
  })
  for (const fieldName of ['vector', 'title']) {
    const params = { constructor: '', toString: '' } as unknown as Record<string, string>
    const metric =
      fieldName === 'vector' ? { indexType: 'FLAT', metricType: 'L2' } : { indexType: 'INVERTED' }
    await books.createIndex({ fieldName, ...metric, params })
  }
  t.equal((await books.describe()).indexes.length, 2)
})
