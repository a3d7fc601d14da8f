/**
 * REST bodies with values of a wrong kind were answered with 65535, as if the server were broken: integers beyond 2^53
 * among search parameters and default values, a metric type that is no text, an order that is no list, a list of
 * objects with something else in it. Each is the request's fault, and says what was wrong.
 */
import t from 'tap'
import { serveDirectory } from '../wire/served.js'

const NAME = 'kinds'
const BIG = 2 ** 53

t.test('values of a wrong kind are named, and are not the fault of the server', async t => {
  const served = await serveDirectory(t.testdir())
  t.teardown(() => served.close())
  const post = async (path: string, body: object): Promise<{ code: number; message?: string }> => {
    const answer = await fetch(`http://${served.address}/v2/vectordb/${path}`, {
      method: 'POST',
      body: JSON.stringify({ collectionName: NAME, ...body }),
    })
    return (await answer.json()) as { code: number; message?: string }
  }
  t.equal((await post('collections/create', { dimension: 2, metricType: 'L2' })).code, 0)
  const data = [[1, 2]]
  const fields = [
    { fieldName: 'id', dataType: 'Int64', isPrimary: true },
    { fieldName: 'vector', dataType: 'FloatVector', elementTypeParams: { dim: 2 } },
  ]
  const other = { collectionName: 'other' }
  for (const [path, body, code, message] of [
    ['entities/search', { data, searchParams: { params: { radius: BIG } } }, 1100, 'should be a number'],
    ['entities/search', { data, searchParams: { params: { radius: [BIG] } } }, 1100, 'should be a number'],
    ['entities/search', { data, searchParams: { metricType: 5 } }, 1100, 'metric type not match'],
    ['entities/hybrid_search', { search: [{ data, metricType: -1 }] }, 1100, 'metric type not match'],
    ['entities/query', { orderByFields: { 1: 'x' } }, 1100, 'order_by_fields must be a text or a list'],
    [
      'entities/query',
      { orderByFields: [null] },
      1100,
      'an item of order_by_fields must be a text, got null',
    ],
    // A name that every object has.
    [
      'collections/create',
      { ...other, schema: { fields: [{ fieldName: 'n', dataType: 'constructor' }, ...fields] } },
      1100,
      'data type constructor is invalid',
    ],
    // Objects that String cannot turn into text.
    ['entities/search', { data, limit: { toString: 1 } }, 1100, 'topk [{"toString":1}] is invalid'],
    ['entities/query', { limit: 1, offset: { toString: 1 } }, 1100, 'offset [{"toString":1}] is invalid'],
    [
      'entities/search',
      { data, limit: 1, searchParams: { metricType: { toString: 1 } } },
      1100,
      'metric type',
    ],
    ['entities/query', { groupByFields: 7, outputFields: ['count(*)'] }, 1100, 'group by fields must be'],
    [
      'collections/fields/add',
      { schema: { fieldName: 'n', dataType: 'Int32', nullable: true, defaultValue: BIG } },
      1100,
      `expected an integer, got ${BIG}`,
    ],
    [
      'collections/create',
      { ...other, schema: { fields: [null, ...fields] } },
      1801,
      'fields must be a list of objects',
    ],
    [
      'collections/create',
      { ...other, schema: { fields: [...fields, []] } },
      1801,
      'fields must be a list of objects',
    ],
    [
      'indexes/create',
      { indexParams: [{ fieldName: 'vector', indexName: 'v', indexType: 'HNSW', params: { M: BIG } }] },
      1100,
      'M',
    ],
  ] as const) {
    const found = await post(path, body)
    t.match(found, { code, message }, `${path} ${JSON.stringify(body)}`)
  }
  t.strictSame(await post('collections/has', other), { code: 0, data: { has: false } }, 'nothing was created')
  t.strictSame(served.warnings, [])
})
