/** Checklist 8.11: fields that are added, altered and dropped, the dynamic field, keys given by hand. */
import t from 'tap'
import { DataType, type FieldRequest, type Row } from '../../lib/index.js'
import { hitKeys, ID, keys, L2, refuses, staged, VEC, withFields } from './fixture.js'

const rows = (from: number, to: number, more: Row = {}): Row[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, vec: [from + i, 0], ...more }))

const ADDED: readonly (readonly [FieldRequest, unknown])[] = [
  [{ name: 'b', dataType: DataType.Bool }, true],
  [{ name: 'i8', dataType: DataType.Int8 }, 5],
  [{ name: 'i16', dataType: DataType.Int16 }, -300],
  [{ name: 'i32', dataType: DataType.Int32 }, 70_000],
  [{ name: 'i64', dataType: DataType.Int64 }, 5],
  [{ name: 'f', dataType: DataType.Float }, 0.5],
  [{ name: 'd', dataType: DataType.Double }, 0.1],
  [{ name: 's', dataType: DataType.VarChar, maxLength: 8 }, 'x'],
  [{ name: 'j', dataType: DataType.JSON }, { k: 1 }],
  [{ name: 'ts', dataType: DataType.Timestamptz }, '2025-01-01T00:00:00Z'],
  [{ name: 'l', dataType: DataType.Array, elementType: DataType.Int32, maxCapacity: 4 }, [1, 2]],
  [{ name: 'geo', dataType: DataType.Geometry }, 'POINT (1 2)'],
]

t.test('8.11.7 [P1] added fields of every type', async t => {
  const made = await staged(t, withFields([], { enableDynamicField: true }), rows(0, 2, { s: 'dynamic' }))
  await made.c.flush()
  await made.c.insert(rows(2, 3))
  for (const [field, value] of ADDED) {
    await made.c.addField({ ...field, nullable: true })
    t.strictSame(await keys(made.c, `${field.name} is null`), [0, 1, 2], `${field.name} of old rows`)
    await made.c.upsert([{ id: 2, vec: [2, 0], [field.name]: value }])
    t.strictSame(await made.c.query({ filter: 'id in [0, 2]', outputFields: [field.name] }), [
      { id: 0, [field.name]: null },
      { id: 2, [field.name]: value },
    ])
    await made.c.upsert(rows(2, 3))
  }
  t.strictSame(await keys(made.c, '$meta["s"] == "dynamic"'), [0, 1], 'the dynamic key is still reachable')
  await made.c.addField({ name: 'dv', dataType: DataType.Int64, nullable: true, defaultValue: 42 })
  t.strictSame(await keys(made.c, 'dv == 42'), [0, 1, 2], 'a default fills old rows')
  await made.c.compact()
  await made.reopen()
  t.strictSame(await keys(made.c, 'dv == 42 and i64 is null'), [0, 1, 2])
  const decay = {
    functions: [
      {
        name: 'd',
        type: 3,
        inputFieldNames: ['dv'],
        params: { reranker: 'decay', function: 'gauss', origin: 42, scale: 1 },
      },
    ],
  }
  await made.c.upsert([{ id: 1, vec: [1, 0], dv: 45 }])
  const [hits] = await made.c.search({ data: [[0, 0]], limit: 3, functionScore: decay })
  t.strictSame(hitKeys(hits), [0, 2, 1], 'a decay by the added field')
})

t.test('8.11.7 [P1] added vectors, and what can not be added', async t => {
  const made = await staged(t, withFields(), rows(0, 2))
  const { c } = made
  await c.addField({ name: 'v2', dataType: DataType.FloatVector, dim: 3, nullable: true })
  await refuses(
    t,
    () => c.search({ data: [[0, 0, 0]], limit: 1, annsField: 'v2' }),
    1100,
    'field index of the field: v2 is not loaded',
  )
  await c.createIndex({ fieldName: 'v2', metricType: 'L2' })
  await c.release()
  await c.load()
  await c.insert([{ id: 9, vec: [0, 0], v2: [1, 1, 1] }])
  t.strictSame(
    hitKeys((await c.search({ data: [[0, 0, 0]], limit: 5, annsField: 'v2' }))[0]),
    [9],
    'old rows are null',
  )
  await refuses(
    t,
    () => c.addField({ name: 'x', dataType: DataType.Int64 }),
    1100,
    'added field must be nullable, please check it, field name = x',
  )
  await refuses(
    t,
    () => c.addField({ name: 'vec', dataType: DataType.Int64, nullable: true }),
    1100,
    'duplicated field name vec',
  )
  await refuses(
    t,
    () => c.addField({ name: 'x', dataType: DataType.Int64, nullable: true, partitionKey: true }),
    1100,
    'not support to add partition key field, field name = x',
  )
  const { fields } = (await c.describe()).schema
  const count = fields.length
  for (let i = count; i < 64; i++)
    await c.addField({ name: `x${i}`, dataType: DataType.Int8, nullable: true })
  await refuses(
    t,
    () => c.addField({ name: 'x64', dataType: DataType.Int8, nullable: true }),
    1100,
    'The number of fields has reached the maximum value 64',
  )
})

t.test('8.11.8 [P1] altered fields and descriptions', async t => {
  const definition = withFields([
    { name: 's', dataType: DataType.VarChar, maxLength: 4 },
    { name: 'l', dataType: DataType.Array, elementType: DataType.Int8, maxCapacity: 2 },
  ])
  const made = await staged(t, definition, rows(0, 1, { s: 'abcd', l: [1] }))
  const { c } = made
  await refuses(
    t,
    () => c.insert(rows(1, 2, { s: 'abcdefgh', l: [] })),
    1100,
    'length of varchar field s exceeds max length',
  )
  await c.alterField('s', { maxLength: 8 })
  await c.alterField('l', { maxCapacity: 4 })
  await c.insert(rows(1, 2, { s: 'abcdefgh', l: [1, 2, 3, 4] }))
  await c.alterField('s', { maxLength: 2 })
  t.strictSame(
    (await c.query({ filter: 'id == 1', outputFields: ['s'] }))[0],
    { id: 1, s: 'abcdefgh' },
    'stored values are not checked',
  )
  for (const [name, text] of [
    ['id', 'the key'],
    ['vec', 'a vector'],
    ['s', ''],
    ['s', 'ü "quoted" \n 🦅'],
  ] as const) {
    await c.alterField(name, { description: text })
    t.equal((await c.describe()).schema.fields.find(field => field.name === name)!.description, text)
  }
  await c.alterDescription('about it')
  await made.reopen()
  t.equal((await made.c.describe()).schema.description, 'about it')
  await refuses(
    t,
    () => made.c.alterField('id', { maxLength: 8 }),
    1100,
    'can not modify the maxlength for non-string types',
  )
  await refuses(
    t,
    () => made.c.alterField('s', { params: { dim: 8 } }),
    1100,
    'dim does not allow update in collection field param',
  )
  await refuses(
    t,
    () => made.c.alterField('s', { params: { 'mmap.enabled': true } }),
    1100,
    'can not alter collection field properties if collection loaded',
  )
  await refuses(t, () => made.c.alterField('nope', { maxLength: 8 }), 1700, 'nope')
})

t.test('8.11.9 [P1] the dynamic field may come later', async t => {
  const made = await staged(t, withFields(), rows(0, 2))
  const { c } = made
  await refuses(
    t,
    () => c.insert(rows(5, 6, { extra: 1 })),
    1100,
    'fieldName extra not exist in collection schema',
  )
  await c.alterProperties({ 'dynamicfield.enabled': true })
  await c.alterProperties({ 'dynamicfield.enabled': true })
  await c.insert(rows(5, 6, { extra: 1 }))
  t.strictSame(await keys(c, 'extra == 1'), [5])
  t.strictSame(await keys(c, 'exists extra'), [5])
  await made.reopen()
  t.strictSame(await keys(made.c, 'extra is null'), [0, 1])
  await refuses(
    t,
    () => made.c.alterProperties({ 'dynamicfield.enabled': 'maybe' }),
    1100,
    'invalid dynamic schema property value: maybe',
  )
  await refuses(
    t,
    () => made.c.alterProperties({ 'dynamicfield.enabled': false, timezone: 'UTC' }),
    1100,
    'cannot alter dynamic schema with other properties at the same time',
  )
  await refuses(t, () => made.c.alterProperties({}), 1100, 'no properties or delete keys provided')
})

t.test('8.11.10 [P1] allow_insert_auto_id', async t => {
  const { c } = await staged(t, { fields: [{ ...ID, autoId: true }, VEC], indexes: [L2] })
  await refuses(t, () => c.insert([{ id: 5, vec: [0, 0] }]), 1100, 'more fieldData has pass in')
  await c.alterProperties({ allow_insert_auto_id: true })
  await c.insert([{ id: 5, vec: [0, 0] }])
  t.strictSame(await keys(c, ''), [5])
  const { ids } = await c.insert([{ vec: [1, 1] }])
  t.equal(ids.length, 1)
  t.equal(await c.count(), 2)
})

t.test('8.11.11 [P1] dropped fields', async t => {
  const fields: FieldRequest[] = [
    { name: 'n', dataType: DataType.Int64, nullable: true },
    { name: 'k', dataType: DataType.Int64, partitionKey: true },
  ]
  const made = await staged(t, withFields(fields), rows(0, 2, { n: 5, k: 1 }))
  const { c } = made
  await c.createIndex({ fieldName: 'n', indexType: 'INVERTED' })
  await refuses(t, () => c.dropField('id'), 1100, 'cannot drop primary key field: id')
  await refuses(t, () => c.dropField('k'), 1100, 'cannot drop partition key field: k')
  await refuses(t, () => c.dropField('vec'), 1100, 'cannot drop the last vector field: vec')
  await refuses(t, () => c.dropField('nope'), 1700, 'field not found: nope')
  await c.dropField('n')
  await refuses(t, () => c.query({ filter: 'n == 5' }), 1100, 'field n not exist')
  await refuses(t, () => c.query({ filter: 'id >= 0', outputFields: ['n'] }), 1100, 'field n not exist')
  t.equal((await c.describe()).indexes.length, 1, 'its index is gone')
  await c.addField({ name: 'n', dataType: DataType.Int64, nullable: true })
  t.strictSame(await keys(c, 'n is null'), [0, 1], 'the name again: old values stay away')
  await c.compact()
  await made.reopen()
  t.strictSame(await keys(made.c, 'n is null'), [0, 1])
})
