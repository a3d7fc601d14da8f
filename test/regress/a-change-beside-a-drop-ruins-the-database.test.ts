/**
 * Symptom: after a collection was dropped while an index was being declared on it (or it was being released), every
 * call that named it was an unexpected error, and the database could not be opened any more: "manifest of collection
 * 1: expected a value, found none".
 *
 * What happened: both wait for the same turn, with the collection already in hand. The change came second and wrote the
 * record of the dropped collection again, without the manifest that had gone with it.
 */
import t from 'tap'
import { type Collection, DataType, open } from '../../lib/index.js'

const CHANGES: Readonly<Record<string, (books: Collection) => Promise<unknown>>> = {
  createIndex: books => books.createIndex({ fieldName: 'title', indexType: 'INVERTED' }),
  dropIndex: books => books.dropIndex('title'),
  release: books => books.release(),
  releasePartitions: books => books.releasePartitions(['_default']),
  alterProperties: books => books.alterProperties({ 'collection.ttl.seconds': 100 }),
}

for (const [name, change] of Object.entries(CHANGES)) {
  t.test(`${name} beside a drop finds nothing to change`, async t => {
    const directory = t.testdir()
    let db = await open(directory)
    const books = await db.createCollection({
      name: 'books',
      fields: [
        { name: 'id', dataType: DataType.Int64, primaryKey: true },
        { name: 'title', dataType: DataType.VarChar, maxLength: 8 },
        { name: 'vector', dataType: DataType.FloatVector, dim: 2 },
      ],
      indexes: [{ fieldName: 'vector', indexType: 'FLAT', metricType: 'L2' }],
    })
    if (name === 'dropIndex')
      await books.createIndex({ fieldName: 'title', indexName: 'title', indexType: 'INVERTED' })
    const [dropped, changed] = await Promise.allSettled([db.dropCollection('books'), change(books)])
    t.equal(dropped.status, 'fulfilled')
    t.match(changed, { status: 'rejected', reason: { code: 100 } })
    t.strictSame(await db.listCollections(), [])
    await db.close()
    db = await open(directory)
    t.strictSame(await db.listCollections(), [])
    await db.close()
  })
}
