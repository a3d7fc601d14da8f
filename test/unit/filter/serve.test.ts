/**
 * When a filter is answered from scalar indexes: few rows become a list, more rows a bitset, and where scanning is
 * cheaper nothing changes. That the answers are the same is test/property/filter-oracle.test.ts.
 */
import t from 'tap'
import { compileFilter } from '../../../lib/filter/compile.js'
import type { ColumnSource } from '../../../lib/filter/evaluate.js'
import { buildOrder } from '../../../lib/filter/order-entry.js'
import { type Served, serveFilter } from '../../../lib/filter/serve.js'
import { checkIndex, type IndexRequest } from '../../../lib/index/index-params.js'
import { orderKindOf } from '../../../lib/index/scalar-kind.js'
import type { OpenOrder } from '../../../lib/index/scalar-order.js'
import { fieldIndex } from '../../../lib/schema/collection-schema.js'
import { completeColumns } from '../../../lib/schema/complete-columns.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { rowsToColumns } from '../../../lib/schema/rows-to-columns.js'
import { buildSchema } from '../../../lib/schema/validate-schema.js'

const ROWS = 6400
const schema = buildSchema({
  name: 'served',
  enableDynamicField: true,
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'n', dataType: DataType.Int32 },
    { name: 'plain', dataType: DataType.Int32 },
    { name: 's', dataType: DataType.VarChar, maxLength: 20 },
    { name: 'j', dataType: DataType.JSON },
    { name: 'tags', dataType: DataType.Array, elementType: DataType.Int32, maxCapacity: 4 },
    { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
  ],
})
const rows = Array.from({ length: ROWS }, (_, id) => ({
  id,
  n: id,
  plain: id,
  s: `s${id % 1000}`,
  j: { a: id, b: id % 2 === 0 ? 'even' : 1 },
  tags: [id, id % 7],
  vec: [0, 1],
}))
const { columns } = completeColumns(schema, rowsToColumns(schema, rows, 'insert'), 'insert')

function sourceWith(
  requests: readonly IndexRequest[],
): ColumnSource & { readonly orders: readonly OpenOrder[] } {
  const byField = new Map<number, OpenOrder[]>()
  requests.forEach((request, id) => {
    const { spec } = checkIndex(schema, request, [], id)
    const at = fieldIndex(schema, spec.fieldName)
    const kind = orderKindOf(spec, schema.fields[at]!)!
    const order = buildOrder(kind, schema.fields[at]!, columns[at]!, ROWS, () => undefined)
    byField.set(at, [...(byField.get(at) ?? []), { indexId: id, path: kind.path, order, uses: 0 }])
  })
  return {
    column: at => columns[at]!,
    scalarOrders: at => byField.get(at) ?? [],
    orders: [...byField.values()].flat(),
  }
}

const json = (path: string, cast: string): IndexRequest => ({
  fieldName: 'j',
  indexType: 'INVERTED',
  params: { json_path: path, json_cast_type: cast },
})
const all = sourceWith([
  { fieldName: 'n', indexType: 'STL_SORT' },
  { fieldName: 's', indexType: 'INVERTED' },
  { fieldName: 'tags', indexType: 'BITMAP' },
  json('j["a"]', 'double'),
  json('j["b"]', 'varchar'),
])

const ask = (filter: string, source: ColumnSource = all): Served | null =>
  serveFilter(compileFilter(schema, filter).root, source, ROWS)
const rowsOf = (filter: string): readonly number[] | null => {
  const served = ask(filter)
  return served?.kind === 'rows' ? [...served.rows] : null
}

t.test('few rows are a list, in rising order', async t => {
  t.strictSame(rowsOf('n == 77'), [77])
  t.strictSame(rowsOf('n in [9, 3, 9, -1]'), [3, 9])
  t.strictSame(rowsOf('s == "s5"'), [5, 1005, 2005, 3005, 4005, 5005, 6005])
  t.strictSame(rowsOf('j["a"] in [4, 2]'), [2, 4])
  t.strictSame(rowsOf('array_contains(tags, 6000)'), [6000])
  t.strictSame(rowsOf('n == 1 or n == 5 or s like "s99%"')?.slice(0, 3), [1, 5, 99], 'a union of lists')
  t.strictSame(rowsOf('n == -5'), [])
})

t.test('the rarest part of a conjunction decides; the rest is asked about its rows', async t => {
  const served = ask('n < 5000 and s == "s5" and plain > 3')
  t.match(served, { kind: 'rows', rest: { op: 'and', items: { length: 2 } } })
  t.strictSame(ask('s == "s5" and s like "%5"'), {
    kind: 'rows',
    rows: Int32Array.from([5, 1005, 2005, 3005, 4005, 5005, 6005]),
    rest: compileFilter(schema, 's like "%5"').root,
  })
})

t.test('a pattern with a fixed beginning narrows, and is asked again', async t => {
  t.match(ask('s like "s77_"'), { kind: 'rows', rest: { op: 'scalar' } })
  t.equal(ask('s like "%77"'), null)
  t.match(
    ask('s like "s77_" and plain > 3'),
    { kind: 'rows', rest: { op: 'and', items: { length: 2 } } },
    'in a conjunction, too',
  )
  // Too many for a list: a bitset narrows first, and the pattern is still asked.
  t.match(ask('s like "s1_%" and plain > 3'), { kind: 'plan', root: { op: 'and', items: { length: 3 } } })
})

t.test('all of several elements: the rarest is looked up', async t => {
  t.match(ask('array_contains_all(tags, [3, 6002])'), {
    kind: 'rows',
    rows: { length: 1 },
    rest: { op: 'contains' },
  })
})

t.test('a negation of all of several elements is not narrowed by one of them', async t => {
  t.equal(ask('not array_contains_all(tags, [3, 6002]) and plain > 3'), null)
})

t.test('many rows of a costly leaf are a bitset, of a cheap one a scan', async t => {
  t.match(ask('j["a"] > 100'), { kind: 'plan', root: { op: 'bits' } })
  t.match(ask('not (j["b"] == "even")'), { kind: 'plan', root: { op: 'bits' } }, 'negated')
  t.equal(ask('n > 100'), null, 'nearly all rows of an integer column')
  t.match(ask('j["a"] > 100 and plain > 5'), { kind: 'plan', root: { op: 'and' } })
})

t.test('what no index covers stays as it is', async t => {
  t.equal(ask('plain == 5'), null, 'no index')
  t.equal(ask('j["c"] == 5'), null, 'another path')
  t.equal(ask('j["b"] == 1'), null, 'a class that the cast type leaves out')
  t.equal(ask('j["b"] in ["even", 1]'), null)
  t.equal(ask('exists j["a"]'), null)
  t.equal(ask('tags[0] == 5'), null)
  t.equal(ask('n % 2 == 0'), null)
  t.equal(ask('n == 5', { column: at => columns[at]! }), null, 'a source without indexes')
  t.equal(ask(`n in [${Array.from({ length: 600 }, (_, i) => i).join()}]`), null, 'too many constants')
})

t.test('uses are counted where rows are taken, not where sizes are looked up', async t => {
  const source = sourceWith([
    { fieldName: 'n', indexType: 'STL_SORT' },
    { fieldName: 's', indexType: 'TRIE' },
  ])
  ask('n == 5 and s == "s5"', source)
  t.strictSame(source.orders.map(open => open.uses).sort(), [0, 1])
})
