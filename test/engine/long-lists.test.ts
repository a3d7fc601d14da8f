/** Filters with long lists are made ready in slices; a caller must not notice it by anything but the time it leaves him. */
import t, { type Test } from 'tap'
import { type Collection, DataType, open } from '../../lib/index.js'

const ROWS = 3_000

async function filled(t: Test): Promise<Collection> {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const collection = await db.createCollection({
    name: 'rows',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'n', dataType: DataType.Int32 },
      { name: 'vector', dataType: DataType.FloatVector, dim: 2 },
    ],
    indexes: [{ fieldName: 'vector', indexType: 'FLAT', metricType: 'L2' }],
  })
  await collection.load()
  await collection.insert(Array.from({ length: ROWS }, (_, id) => ({ id, n: id, vector: [id, 1] })))
  return collection
}

const numbers = Array.from({ length: ROWS }, (_, i) => i)

t.test('a delete by a long list takes its place before the writes that are asked after it', async t => {
  for (const field of ['id', 'n']) {
    for (const templates of [undefined, { list: numbers }]) {
      await t.test(`${field}, ${templates === undefined ? 'in the text' : 'as a template'}`, async t => {
        const collection = await filled(t)
        const list = templates === undefined ? `[${numbers}]` : '{list}'
        const deleted = collection.delete({ filter: `${field} in ${list}`, ...(templates && { templates }) })
        const inserted = collection.insert([{ id: 7, n: 7, vector: [0, 0] }])
        t.equal(Number((await deleted).deleteCount), ROWS)
        await inserted
        const left = await collection.query({ filter: 'id >= 0', outputFields: ['vector'], limit: 10 })
        t.strictSame(left, [{ id: 7, vector: [0, 0] }])
      })
    }
  }
})

t.test('a list that the caller changes after asking for a delete is read as it was', async t => {
  const collection = await filled(t)
  const ids = [...numbers]
  const deleting = collection.delete({ filter: 'n in {ids}', templates: { ids } })
  ids.length = 10
  t.equal(Number((await deleting).deleteCount), ROWS)
})

t.test('a refused long filter says so, deletes nothing and holds nobody up', async t => {
  const collection = await filled(t)
  const filter = `word in [${numbers}]`
  const refused = t.rejects(collection.delete({ filter }), {
    code: 1100,
    message: /^failed to create delete plan: cannot parse expression/,
  })
  await collection.insert([{ id: ROWS, n: 0, vector: [0, 0] }])
  await refused
  await t.rejects(collection.count({ filter }), { code: 1100, message: /^failed to create query plan/ })
  t.equal(Number(await collection.count()), ROWS + 1)
})
