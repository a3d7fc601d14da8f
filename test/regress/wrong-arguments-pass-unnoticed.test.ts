/**
 * Symptom: plain JavaScript callers lost rows through arguments of the wrong shape, or met a bare TypeError.
 *
 * What happened: `delete({ ids: 'abc' })` walked the text and deleted the keys a, b and c; `partialUpdate: 1` and
 * Milvus's own spelling `partial_update: true` were taken for override mode, which wipes what the row leaves out; a
 * single object instead of a list was "no rows"; null anywhere was "Cannot read properties of null". Now the client
 * judges shapes first (lib/client/check-arguments.ts), and every such mistake is a MilvusError that names the argument.
 * The same for declarations, loads and reads: `nullable: 1` and `partitionKey: 'true'` were taken for false, `load: 'no'`
 * for a load, and a number for a filter was a TypeError. And `dropCollection('c', 'other')` or `{ db: 'other' }`, which
 * name a database in a way nobody reads, dropped the collection of the default database.
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
  ['query', [{ filter: 5 }], 'filter: expected text, got number 5'],
  [
    'query',
    [{ filter: '', limit: 1, outputFields: 'id' }],
    'outputFields: expected an array, got string "id"',
  ],
  ['query', [{ filter: '', limit: 1, outputFields: null }], 'outputFields: expected an array, got null'],
  ['query', [{ filter: '', limit: 1, outputFields: [5] }], 'output field: expected text, got number 5'],
  ['query', [{ filter: '', limit: 1, timeFields: 5 }], 'timeFields: expected an array, got number 5'],
  ['count', [{ filter: 'n > {n}', templates: null }], 'templates: expected an object, got null'],
  ['search', [{ data: [vec], limit: 1, annsField: 5 }], 'annsField: expected text, got number 5'],
  ['search', [{ data: [vec], limit: 1, groupByField: ['n'] }], 'groupByField: expected text, got array'],
  ['search', [{ data: [vec], limit: 1, functionScore: {} }], 'functions: expected an array, got undefined'],
  [
    'hybridSearch',
    [{ requests: [null], limit: 1 }],
    'search of a request of hybridSearch: expected an object',
  ],
  [
    'hybridSearch',
    [{ requests: [{ data: [vec], limit: 1, annsField: 5 }], limit: 1 }],
    'annsField: expected text, got number 5',
  ],
  ['hybridSearch', [{ requests: [{}], limit: 1, rank: null }], 'rank: expected an object, got null'],
  ['hybridSearch', [{ requests: [{}], limit: 1, rank: {} }], 'strategy: expected text, got undefined'],
  [
    'hybridSearch',
    [{ requests: [{}], limit: 1, rank: { strategy: 'weighted', weights: [1], normScore: 'x' } }],
    'normScore: expected a boolean, got string "x"',
  ],
  ['queryIterator', [{ filter: 5 }], 'filter: expected text, got number 5'],
  ['hybridSearch', [null], 'request of hybridSearch: expected an object, got null'],
  ['createPartition', [undefined], 'name of the partition: expected text, got undefined'],
  ['dropPartition', [5], 'name of the partition: expected text, got number 5'],
  ['createIndex', [null], 'index: expected an object, got null'],
  ['createIndex', [{ fieldName: 'vec', indexName: 5 }], 'indexName: expected text, got number 5'],
  ['createIndex', [{ indexType: 'HNSW' }], 'fieldName: expected text, got undefined'],
  ['alterIndex', ['vec', null], 'properties: expected an object, got null'],
  ['alterIndex', [undefined, { 'mmap.enabled': true }], 'name of the index: expected text, got undefined'],
  ['dropIndexProperties', ['vec', 'mmap.enabled'], 'keys: expected an array, got string "mmap.enabled"'],
  ['alterProperties', [null], 'properties: expected an object, got null'],
  ['alterProperties', [{ foo: {} }], 'property "foo": expected text, a number or a boolean, got Object'],
  ['dropProperties', ['timezone'], 'keys: expected an array, got string "timezone"'],
  ['alterDescription', [5], 'description: expected text, got number 5'],
  ['addField', [null], 'field: expected an object, got null'],
  ['addField', [{ dataType: 5, nullable: true }], 'name of a field: expected text, got undefined'],
  ['addField', [{ name: 'x', dataType: 5, nullable: 1 }], 'nullable: expected a boolean, got number 1'],
  ['alterField', ['id', null], 'changes of the field: expected an object, got null'],
  ['alterField', [5, {}], 'name of the field: expected text, got number 5'],
  ['alterField', ['id', { params: { 'mmap.enabled': null } }], 'property "mmap.enabled": expected text'],
  ['load', [null], 'options of load: expected an object, got null'],
  ['load', [{ loadFields: 'id' }], 'loadFields: expected an array, got string "id"'],
  ['load', [{ loadFields: [5] }], 'loadFields: expected text, got number 5'],
  ['load', [{ replicaNumber: '1' }], 'replicaNumber: expected a number, got string "1"'],
  ['load', [{ refresh: 'no' }], 'refresh: expected a boolean, got string "no"'],
  ['loadPartitions', ['_default'], 'names of partitions: expected an array, got string "_default"'],
  ['releasePartitions', ['_default'], 'names of partitions: expected an array, got string "_default"'],
  ['loadState', ['_default'], 'names of partitions: expected an array, got string "_default"'],
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
  [
    'createCollection',
    [{ name: 'x', fields: FIELDS, indexes: [null] }],
    'index: expected an object, got null',
  ],
  [
    'createCollection',
    [{ name: 'x', fields: FIELDS, properties: { timezone: null } }],
    'property "timezone": expected text, a number or a boolean, got null',
  ],
  [
    'createCollection',
    [{ name: 'x', fields: FIELDS, functions: [null] }],
    'function: expected an object, got null',
  ],
  [
    'createCollection',
    [{ name: 'x', fields: FIELDS, enableDynamicField: 'yes' }],
    'enableDynamicField: expected a boolean, got string "yes"',
  ],
  [
    'createCollection',
    [{ name: 'x', fields: FIELDS, load: 'no' }],
    'load: expected a boolean, got string "no"',
  ],
  [
    'createCollection',
    [{ name: 'x', fields: [...FIELDS, { name: 'k', dataType: 5, partitionKey: 'true' }] }],
    'partitionKey: expected a boolean, got string "true"',
  ],
  ['dropCollection', [undefined], 'name of the collection: expected text, got undefined'],
  ['hasCollection', [5], 'name of the collection: expected text, got number 5'],
  ['createAlias', [undefined, 'c'], 'alias: expected text, got undefined'],
  ['createDatabase', [null], 'name of the database: expected text, got null'],
  ['createDatabase', ['d', null], 'properties: expected an object, got null'],
  ['renameCollection', ['c', 5], 'new name: expected text, got number 5'],
  ['listAliases', [5], 'name of the collection: expected text, got number 5'],
  ['alterDatabase', ['default', { timezone: {} }], 'property "timezone": expected text'],
  ['dropDatabaseProperties', ['default', 'timezone'], 'keys: expected an array, got string "timezone"'],
  ['databaseStats', [5], 'name of the database: expected text, got number 5'],
  ['dropCollection', ['c', 'other'], 'options of a database call: expected an object, got string "other"'],
  ['dropCollection', ['c', { db: 'other' }], 'unknown option "db"; known are database'],
  ['dropCollection', ['c', { database: 5 }], 'database: expected text, got number 5'],
  ['listCollections', ['other'], 'options of a database call: expected an object'],
  ['hasCollection', ['c', null], 'options of a database call: expected an object, got null'],
  [
    'renameCollection',
    ['c', 'x', { newDbName: 'other' }],
    'unknown option "newDbName"; known are database, newDatabase',
  ],
  ['createAlias', ['a', 'c', 'other'], 'options of a database call: expected an object'],
  ['alterAlias', ['a', 'c', 'other'], 'options of a database call: expected an object'],
  ['dropAlias', ['a', 'other'], 'options of a database call: expected an object'],
  ['describeAlias', ['a', 'other'], 'options of a database call: expected an object'],
  ['listAliases', ['', 'other'], 'options of a database call: expected an object'],
  [
    'createCollection',
    [{ name: 'x', fields: FIELDS }, 'other'],
    'options of a database call: expected an object',
  ],
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
  t.throws(() => (db as unknown as Loose)['collection']!('c', 'other'), { code: 1100 })
  t.strictSame(await collection.query({ filter: 'id != ""' }), rows)
  t.strictSame(await db.listCollections(), ['c'])
})
