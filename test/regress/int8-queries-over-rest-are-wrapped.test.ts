/**
 * Symptom: a REST search with 300 in an Int8 vector searched for 44, with text for 0, and with 2^53 was an unexpected
 * error.
 *
 * What happened: the list became an Int8Array before anybody had looked at it.
 */
import t from 'tap'
import { DataType } from '../../lib/index.js'
import { serveDirectory } from '../wire/served.js'

t.test('an Int8 query is judged as it was sent', async t => {
  const served = await serveDirectory(t.testdir())
  t.teardown(() => served.close())
  const books = await served.db.createCollection({
    name: 'books',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vector', dataType: DataType.Int8Vector, dim: 2 },
    ],
    indexes: [{ fieldName: 'vector', indexType: 'HNSW', metricType: 'L2' }],
  })
  await books.insert([{ id: 1, vector: [44, 0] }])
  const search = async (vector: string): Promise<unknown> => {
    const body = `{"collectionName":"books","data":[${vector}],"limit":1}`
    const response = await fetch(`http://${served.address}/v2/vectordb/entities/search`, {
      method: 'POST',
      body,
    })
    return response.json()
  }
  t.match(await search('[44, -128]'), { code: 0, data: [{ id: 1, distance: 128 * 128 }] })
  for (const wrong of ['[300, 0]', '[0.5, 0]', '["x", 0]', '[9007199254740993, 0]', '[null, 0]']) {
    t.match(await search(wrong), { code: 1100 }, wrong)
  }
  t.strictSame(served.warnings, [])
})
