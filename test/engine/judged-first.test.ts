/** In which order a read or a load is judged, and by which fields: rules that hold between features, not in one. */
import t from 'tap'
import { DataType } from '../../lib/index.js'
import { ID, L2, refuses, staged, VEC, withFields } from '../checklist/fixture.js'

const rows = [0, 1, 2].map(id => ({ id, vec: [id, 0] }))

t.test('groups in an order need a limit, as rows do', async t => {
  const { c } = await staged(t, withFields(), rows)
  const groups = { outputFields: ['id', 'count(*)'], groupBy: 'id', orderBy: 'id:desc' }
  await refuses(t, () => c.query(groups), 1100, 'ORDER BY requires explicit limit')
  t.strictSame(
    (await c.query({ ...groups, limit: 2 })).map(group => group['id']),
    [2, 1],
  )
  await refuses(
    t,
    () => c.query({ ...groups, limit: 2, orderBy: 'nope' }),
    1100,
    'ORDER BY can only reference GROUP BY columns',
  )
})

t.test('an unknown partition is said before that the collection is not loaded', async t => {
  const { c } = await staged(t, withFields(), rows)
  await c.release()
  const where = { partitionNames: ['nope'] }
  await refuses(t, () => c.query({ limit: 1, ...where }), 1100, 'partition name nope not found')
  await refuses(
    t,
    () => c.search({ data: [[0, 0]], limit: 1, ...where }),
    1100,
    'partition name nope not found',
  )
  await refuses(t, () => c.query({ limit: 1, partitionNames: ['_default'] }), 101, 'collection not loaded')
})

t.test('a refresh takes the fields that were loaded; a load takes all', async t => {
  const { c } = await staged(t, { fields: [ID, VEC, { ...VEC, name: 'v2' }], load: false })
  await c.createIndex(L2)
  await c.load({ loadFields: ['id', 'vec'] })
  await c.load({ refresh: true })
  await c.addField({ name: 'gone', dataType: DataType.Int64, nullable: true })
  await c.load({ loadFields: ['id', 'vec', 'gone'] })
  await c.dropField('gone')
  await c.load({ refresh: true })
  t.equal(await c.loadState(), 'Loaded')
  await refuses(t, () => c.load(), 1100, 'there is no vector index on field: [v2]')
})
