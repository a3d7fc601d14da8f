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

t.test('vectors that a load left out are not searched, but read and filtered like the rest', async t => {
  const v2 = { ...VEC, name: 'v2' }
  const made = await staged(t, { fields: [ID, VEC, v2], indexes: [L2, { ...L2, fieldName: 'v2' }] })
  await made.c.insert([1, 2].map(id => ({ id, vec: [id, 0], v2: [0, id] })))
  const one = { data: [[0, 0]], limit: 1 }
  const unloaded = 'field index of the field: v2 is not loaded, please reload the collection'
  await made.c.load({ loadFields: ['id', 'vec'] })
  for (const state of ['loaded', 'refreshed', 'opened again']) {
    if (state === 'refreshed') await made.c.load({ refresh: true })
    if (state === 'opened again') await made.reopen()
    const { c } = made
    await refuses(t, () => c.search({ ...one, annsField: 'v2' }), 1100, unloaded)
    await refuses(t, () => c.search({ ids: [1], limit: 1, annsField: 'v2' }), 1100, unloaded)
    await refuses(t, () => c.searchIterator({ data: [0, 0], annsField: 'v2' }), 1100, unloaded)
    const requests = ['vec', 'v2'].map(annsField => ({ ...one, annsField }))
    await refuses(t, () => c.hybridSearch({ requests, limit: 1 }), 1100, unloaded)
    t.equal((await c.search({ ...one, annsField: 'vec' }))[0]!.length, 1, state)
    t.strictSame(await c.query({ filter: 'id == 1', outputFields: ['v2'] }), [{ id: 1, v2: [0, 1] }])
  }
  await made.c.load()
  t.equal((await made.c.search({ ...one, annsField: 'v2' }))[0]!.length, 1, 'a load of everything')
})

t.test('vectors that came after a load are not searched before the next', async t => {
  const { c } = await staged(t, withFields(), rows)
  const one = { data: [[0, 0]], limit: 1 }
  const add = async (name: string): Promise<void> => {
    await c.addField({ ...VEC, name, nullable: true })
    await c.createIndex({ ...L2, fieldName: name })
  }
  const search = (annsField: string) => () => c.search({ ...one, annsField })
  await add('v2')
  await refuses(t, search('v2'), 1100, 'field index of the field: v2 is not loaded')
  await c.load({ loadFields: ['id', 'vec'] })
  await add('v3')
  await c.load({ refresh: true })
  t.strictSame(await search('v3')(), [[]], 'a refresh loads what came since')
  await refuses(t, search('v2'), 1100, 'field index of the field: v2 is not loaded')
  await c.load({ loadFields: ['id', 'vec', 'v2'] })
  await c.dropField('v2')
  await add('v2')
  await refuses(t, search('v2'), 1100, 'field index of the field: v2 is not loaded')
  await c.release()
  await add('v4')
  await c.load()
  for (const name of ['v2', 'v3', 'v4']) t.strictSame(await search(name)(), [[]], name)
  const part = { name: 'emb', dataType: DataType.ArrayOfVector, elementType: DataType.FloatVector, dim: 2 }
  const parts = { name: 'parts', dataType: DataType.ArrayOfStruct, maxCapacity: 2, fields: [part] }
  await c.addField({ ...parts, nullable: true })
  await c.createIndex({ fieldName: 'parts[emb]', metricType: 'MAX_SIM_L2' })
  const lists = () => c.search({ data: [[[0, 0]]], limit: 1, annsField: 'parts[emb]' })
  await refuses(t, lists, 1100, 'field index of the field: parts[emb] is not loaded')
  await c.load()
  t.strictSame(await lists(), [[]])
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
