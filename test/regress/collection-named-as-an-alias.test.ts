/**
 * Symptom: creating a collection under the name of an alias answered `create duplicate collection with different
 * parameters` (1100), which speaks of a collection that does not exist.
 *
 * What happened: the look-up for an existing collection follows aliases, and the alias's collection was compared with
 * the request. Names of aliases and collections share one space: the clash is 1601, as for an alias that would take the
 * name of a collection.
 */
import t from 'tap'
import { DataType, open } from '../../lib/index.js'

t.test('a collection cannot take the name of an alias', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const request = {
    name: 'books',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vector', dataType: DataType.FloatVector, dim: 2 },
    ],
  } as const
  await db.createCollection(request)
  await db.createAlias('shelf', 'books')
  await t.rejects(db.createCollection({ ...request, name: 'shelf' }), {
    code: 1601,
    message: /collection name \[shelf\] conflicts with an existing alias/,
  })
  t.strictSame(await db.listCollections(), ['books'])
  await db.createCollection(request)
  t.pass('the same collection again is a success')
})
