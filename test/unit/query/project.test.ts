/** Row objects: ordinary ones, with their keys in order, and nothing shared between two of them. */
import t from 'tap'
import { Turn } from '../../../lib/base/turn.js'
import { planOutput } from '../../../lib/query/plan.js'
import { projectionOf, projectRows } from '../../../lib/query/project.js'
import type { Row } from '../../../lib/query/request.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { MemorySegment } from '../../support/memory-segment.js'
import { contextOf, field, schemaOf } from './fixture.js'

const schema = schemaOf([
  field('id', DataType.Int64, { primaryKey: true }),
  field('__proto__', DataType.Int32, { nullable: true }),
  field('tags', DataType.JSON, { nullable: true }),
  field('name', DataType.VarChar),
  field('f4', DataType.Double),
  field('f5', DataType.Bool),
  field('$meta', DataType.JSON, { dynamic: true, nullable: true }),
])
const values = (id: number, more: object): Record<string, unknown> =>
  Object.defineProperty({ id, tags: [id], name: `n${id}`, f4: id / 2, f5: id > 1, ...more }, '__proto__', {
    value: id * 10,
    enumerable: true,
  })
const segment = new MemorySegment(
  schema,
  [
    { values: values(1, { $meta: {} }), tick: 1 },
    { values: values(2, { $meta: { size: 3, note: 'x' } }), tick: 2 },
    { values: values(3, { $meta: null, tags: null }), tick: 3 },
    { values: values(4, { $meta: { size: null } }), tick: 4 },
  ],
  { id: 1, kind: 'sealed', resident: true },
)

function rowsOf(names: readonly string[], withPk = true): Row[] {
  const output = planOutput(schema, names, withPk)
  const refs = { segments: [segment], segmentOf: [0, 0, 0, 0], rows: [0, 1, 2, 3], count: 4 }
  return projectRows(projectionOf(contextOf(schema), output), refs, new Turn()) as Row[]
}

const declared = ['id', '__proto__', 'tags', 'name', 'f4', 'f5']

t.test('declared fields come in the order of the schema, dynamic keys behind them', async t => {
  t.same(
    rowsOf(['*']).map(row => Object.keys(row)),
    [declared, [...declared, 'size', 'note'], declared, [...declared, 'size']],
  )
  const [first, second] = rowsOf(['name', 'note'])
  t.same(Object.entries(first!), [
    ['id', 1],
    ['name', 'n1'],
  ])
  t.same(Object.entries(second!), [
    ['id', 2],
    ['name', 'n2'],
    ['note', 'x'],
  ])
})

t.test('a row is an ordinary object, whatever its fields are called', async t => {
  for (const names of [['*'], ['name'], []]) {
    for (const row of rowsOf(names, false)) {
      t.equal(Object.getPrototypeOf(row), Object.prototype)
      t.ok(Object.values(Object.getOwnPropertyDescriptors(row)).every(d => d.writable && d.configurable))
    }
  }
  t.same(rowsOf([], false), [{}, {}, {}, {}])
  const [row] = rowsOf(['__proto__'])
  t.same(Object.entries(row!), [
    ['id', 1],
    ['__proto__', 10],
  ])
})

t.test('what a caller does to a row does not show in another one', async t => {
  const rows = rowsOf(['*'])
  const before = JSON.stringify(rows.slice(1))
  rows[0]!['name'] = 'changed'
  delete rows[0]!['f4']
  ;(rows[0]!['tags'] as number[]).push(9)
  t.equal(JSON.stringify(rows.slice(1)), before)
  t.equal(JSON.stringify(rowsOf(['*']).slice(1)), before)
  t.equal(rowsOf(['*'])[0]!['name'], 'n1')
})
