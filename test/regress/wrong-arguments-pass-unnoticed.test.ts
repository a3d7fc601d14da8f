/**
 * Symptom: plain JavaScript callers lost rows through arguments of the wrong shape, or met a bare TypeError.
 *
 * What happened: `delete({ ids: 'abc' })` walked the text and deleted the keys a, b and c; `partialUpdate: 1` and
 * Milvus's own spelling `partial_update: true` were taken for override mode, which wipes what the row leaves out; a
 * single object instead of a list was "no rows"; null anywhere was "Cannot read properties of null". Now the client
 * judges shapes first (lib/client/check-arguments.ts), and every such mistake is a MilvusError that names the argument.
 */
import t from 'tap'
import { DataType, MilvusError, open } from '../../lib/index.js'

/** Calls anything with anything, as JavaScript may. */
// biome-ignore lint/complexity/noBannedTypes: methods of every signature
type Loose = Record<string, Function>

const vec = [1, 2]
const FIELDS = [
  { name: 'id', dataType: DataType.VarChar, primaryKey: true, maxLength: 8 },
  { name: 'n', dataType: DataType.Int32, nullable: true },
  { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
]

const CALLS: readonly (readonly [method: string, args: readonly unknown[], phrase: string])[] = [
  ['insert', [null], 'rows: expected an array, got null'],
  ['insert', [[{ id: 'x', vec }], null], 'options of insert: expected an object, got null'],
  ['upsert', [{ id: 'a', vec }], 'rows: expected an array, got Object'],
  ['upsert', ['abc'], 'rows: expected an array, got string "abc"'],
  ['upsert', [[null]], 'row 0 should be an object'],
  [
    'upsert',
    [[{ id: 'a', n: 5, vec }], { partialUpdate: 1 }],
    'partialUpdate: expected a boolean, got number 1',
  ],
  [
    'upsert',
    [[{ id: 'a', n: 5, vec }], { partial_update: true }],
    'unknown option "partial_update"; known are partitionName, partialUpdate, fieldOps',
  ],
  ['upsert', [[{ id: 'a', n: 5, vec }], { partitionName: 5 }], 'partitionName: expected text, got number 5'],
  ['upsert', [[{ id: 'a', n: 5, vec }], { fieldOps: 5 }], 'fieldOps: expected an object, got number 5'],
  [
    'upsert',
    [[{ id: 'a', n: 5, vec }], { fieldOps: { n: null } }],
    'operation of field "n": expected text, got null',
  ],
  ['delete', [{ ids: 'abc' }], 'ids: expected an array, got string "abc"'],
  ['delete', [{ ids: null }], 'ids: expected an array, got null'],
  ['delete', [{ ids: [null] }], 'expected VarChar'],
  ['delete', [{ filter: 5 }], 'filter: expected text, got number 5'],
  ['delete', [{ expr: 'id == "a"' }], 'unknown option "expr"'],
  ['delete', [], 'options of delete: expected an object, got undefined'],
  ['delete', ['id == "a"'], 'options of delete: expected an object, got string'],
  ['get', [undefined], 'IDs type mismatch'],
  ['get', ['a', null], 'options of get: expected an object, got null'],
  ['query', [], 'request of query: expected an object, got undefined'],
  [
    'query',
    [{ filter: 'id != ""', partitionNames: '_default' }],
    'partitionNames: expected an array, got string "_default"',
  ],
  ['query', [{ filter: 'id != ""', partitionNames: [5] }], 'partition name: expected text, got number 5'],
  ['query', [{ filter: 'id != ""', readTimestamp: 5 }], 'readTimestamp: expected a bigint, got number 5'],
  ['count', [null], 'request of count: expected an object, got null'],
  ['search', [], 'request of search: expected an object, got undefined'],
  ['hybridSearch', [null], 'request of hybridSearch: expected an object, got null'],
  ['createPartition', [undefined], 'name of the partition: expected text, got undefined'],
  ['dropPartition', [5], 'name of the partition: expected text, got number 5'],
]

const DATABASE_CALLS: readonly (readonly [method: string, args: readonly unknown[], phrase: string])[] = [
  ['createCollection', [], 'collection: expected an object, got undefined'],
  ['createCollection', [{}], 'name: expected text, got undefined'],
  ['createCollection', [{ name: 'x' }], 'fields: expected an array, got undefined'],
  ['createCollection', [{ name: 'x', fields: [null] }], 'field: expected an object, got null'],
  ['createCollection', [{ name: 'x', fields: [{}] }], 'name of a field: expected text, got undefined'],
  [
    'createCollection',
    [{ name: 'x', fields: FIELDS, indexes: {} }],
    'indexes: expected an array, got Object',
  ],
  ['dropCollection', [undefined], 'name of the collection: expected text, got undefined'],
  ['hasCollection', [5], 'name of the collection: expected text, got number 5'],
  ['createAlias', [undefined, 'c'], 'alias: expected text, got undefined'],
  ['createDatabase', [null], 'name of the database: expected text, got null'],
]

t.test('wrong shapes are named, and nothing happens', async t => {
  const db = await open(t.testdir())
  t.teardown(() => db.close())
  const collection = await db.createCollection({
    name: 'c',
    fields: FIELDS,
    indexes: [{ fieldName: 'vec', indexType: 'FLAT', metricType: 'L2' }],
  })
  const rows = ['a', 'b', 'c'].map((id, n) => ({ id, n, vec }))
  await collection.insert(rows)
  const refuses = async (
    target: object,
    method: string,
    args: readonly unknown[],
    phrase: string,
  ): Promise<void> => {
    const what = `${method}(${JSON.stringify(args)})`
    try {
      await (target as Loose)[method]!(...args)
      t.fail(`${what}: expected "${phrase}", found a success`)
    } catch (error) {
      t.ok(error instanceof MilvusError && error.code === 1100, what)
      t.match(String(error), phrase, what)
    }
  }
  for (const [method, args, phrase] of CALLS) await refuses(collection, method, args, phrase)
  for (const [method, args, phrase] of DATABASE_CALLS) await refuses(db, method, args, phrase)
  t.throws(() => (db as unknown as Loose)['collection']!(undefined), { code: 1100 })
  t.strictSame(await collection.query({ filter: 'id != ""' }), rows)
  t.strictSame(await db.listCollections(), ['c'])
})
