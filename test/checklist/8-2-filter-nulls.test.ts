/** Checklist 8.2: NULL and three-valued logic in filters. */
import t from 'tap'
import { DataType, type FieldRequest, type Row } from '../../lib/index.js'
import { everywhere, keys, refuses, refusesFilter, selects, staged, withFields } from './fixture.js'

const FIELDS: readonly FieldRequest[] = [
  { name: 'a', dataType: DataType.Int64, nullable: true },
  { name: 'n8', dataType: DataType.Int8, nullable: true },
  { name: 'f', dataType: DataType.Float, nullable: true },
  { name: 'd', dataType: DataType.Double, nullable: true },
  { name: 'b', dataType: DataType.Bool, nullable: true },
  { name: 's', dataType: DataType.VarChar, maxLength: 16, nullable: true },
  { name: 'j', dataType: DataType.JSON, nullable: true },
  { name: 'l', dataType: DataType.Array, elementType: DataType.Int32, maxCapacity: 4, nullable: true },
  { name: 'full', dataType: DataType.Int32 },
]
const valued = (id: number): Row => ({
  id,
  a: id,
  n8: id,
  f: id,
  d: id,
  b: id === 1,
  s: `s${id}`,
  j: { k: id },
  l: [id],
  full: id,
  vec: [id, 0],
})
const empty = (id: number): Row => ({ id, full: id, vec: [id, 0] })
/** Rows 0 and 2 hold nulls; the half that `everywhere` seals last is all null in them. */
const ROWS: Row[] = [empty(0), valued(1), empty(2), valued(3)]
const NULLABLE = ['a', 'n8', 'f', 'd', 'b', 's', 'j', 'l'] as const

t.test('8.2.1 [P0] NULL rows are excluded from every comparison', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async (c, place) => {
    const wanted: Readonly<Record<string, number[]>> = {
      'a == 1': [1],
      'a != 1': [3],
      'a in [1]': [1],
      'a not in [1]': [3],
      'not (a == 1)': [3],
      'not (a != 1)': [1],
      'not (a in [1])': [3],
      'a == 1 or a != 1': [1, 3],
      '0 <= a <= 9': [1, 3],
      'not (5 <= a <= 9)': [1, 3],
      'n8 < 1000': [1, 3],
      'n8 != 1000': [1, 3],
      'not (n8 == 1000)': [1, 3],
      'not (n8 > 1000)': [1, 3],
      'f != 1': [3],
      'd > -1': [1, 3],
      'b != true': [3],
      'not (b == true)': [3],
      's != "s1"': [3],
      's like "s%"': [1, 3],
      'not s like "s1"': [3],
      's =~ "1"': [1],
      's !~ "1"': [3],
      'not (s !~ "1")': [1],
      'a + 1 == 2': [1],
      'a + 1 != 2': [3],
      'not (a % 2 == 0)': [1, 3],
      'a < full or a >= full': [1, 3],
      'array_contains(l, 1)': [1],
      'not array_contains(l, 1)': [3],
      'array_length(l) >= 0': [1, 3],
      'not (array_length(l) == 9)': [1, 3],
      'l[0] != 1': [3],
      'j["k"] != 1': [3],
      'not json_contains(j["k"], 1)': [],
    }
    await selects(t, c, wanted, place)
    for (const name of ['a', 's', 'f']) {
      t.strictSame(await keys(c, `${name} not in []`), [0, 1, 2, 3], 'an empty list is a definite answer')
      t.strictSame(await keys(c, `not (${name} in [])`), [0, 1, 2, 3])
    }
    t.strictSame(await keys(c, 'array_contains_all(l, [])'), [0, 1, 2, 3])
    t.strictSame(await keys(c, 'not array_contains_any(l, [])'), [0, 1, 2, 3])
  })
})

t.test('8.2.2 [P0] is null and is not null', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async c => {
    for (const name of NULLABLE) {
      for (const [op, ids] of [
        ['is null', [0, 2]],
        ['IS NULL', [0, 2]],
        ['is not null', [1, 3]],
        ['IS NOT NULL', [1, 3]],
      ] as const) {
        t.strictSame(await keys(c, `${name} ${op}`), ids, `${name} ${op}`)
      }
      t.strictSame(await keys(c, `not ${name} is null`), [1, 3])
    }
    for (const name of ['full', 'id']) {
      t.strictSame(await keys(c, `${name} is null`), [], `${name} can not be null`)
      t.strictSame(await keys(c, `${name} is not null`), [0, 1, 2, 3])
    }
    await refusesFilter(t, c, 'a Is Null')
  })
})

t.test('8.2.3 [P0] Kleene tables, also where every row of a segment is null', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async c => {
    // Row 0: the truth value of a leaf is T = `full == 0`, F = `full == 9`, U = `a == 5`.
    const value: Readonly<Record<string, string>> = { T: 'full == 0', F: 'full == 9', U: 'a == 5' }
    const table: readonly (readonly [string, boolean])[] = [
      ['not ((F) and (T) and (U))', true],
      ['not (not ((F) and (T) and (U)))', false],
      ['not ((F) and (U))', true],
      ['not ((U) and (F))', true],
      ['(T) or (U)', true],
      ['(U) or (T)', true],
      ['not ((T) or (U))', false],
      ['not (U)', false],
      ['not (not (U))', false],
      ['(U) and (T)', false],
      ['not ((U) and (T))', false],
      ['(U) or (F)', false],
      ['not ((U) or (F))', false],
      ['(U) and (U)', false],
      ['not ((U) or (U))', false],
    ]
    for (const [form, wanted] of table) {
      const filter = `id == 0 and (${form.replace(/[TFU]/g, name => value[name]!)})`
      t.equal((await keys(c, filter)).length === 1, wanted, form)
    }
  })
})

t.test('8.2.4 [P0] De Morgan and double negation give equal sets', async t => {
  const atoms = [
    'a > 1',
    's == "s1"',
    'j["k"] == 3',
    'array_contains(l, 1)',
    'f is null',
    'b == true',
    'n8 not in [3]',
    'a + 1 == 2',
  ]
  await everywhere(t, withFields(FIELDS), ROWS, async c => {
    for (const p of atoms) {
      t.strictSame(await keys(c, `not (not (${p}))`), await keys(c, p), p)
      for (const q of atoms) {
        const both = [await keys(c, `not ((${p}) and (${q}))`), await keys(c, `not ((${p}) or (${q}))`)]
        const swapped = [
          await keys(c, `not (${p}) or not (${q})`),
          await keys(c, `not (${p}) and not (${q})`),
        ]
        if (String(both[0]) === String(swapped[0]) && String(both[1]) === String(swapped[1])) continue
        t.strictSame(both, swapped, `${p}, ${q}`)
      }
    }
  })
})

t.test('8.2.5 [P1] is null on a vector field', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  for (const op of ['is null', 'is not null']) {
    await refusesFilter(t, c, `vec ${op}`, 'IsNull/IsNotNull operations are not supported on vector fields')
  }
})

t.test('8.2.6 [P1] is null on an element of an array', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  for (const op of ['is null', 'is not null']) {
    await refusesFilter(
      t,
      c,
      `l[0] ${op}`,
      'IsNull/IsNotNull operations are not supported on array element access',
    )
  }
})

t.test('8.2.7 [P1] is null on an unknown field', async t => {
  const { c, db } = await staged(t, withFields(FIELDS), ROWS)
  await refusesFilter(t, c, 'x is null', 'field x not exist')
  const dynamic = await db.createCollection({ name: 'd', ...withFields([], { enableDynamicField: true }) })
  await dynamic.insert([
    { id: 1, vec: [0, 0] },
    { id: 2, vec: [0, 0], x: 1 },
    { id: 3, vec: [0, 0], x: null },
  ])
  t.strictSame(await keys(dynamic, 'x is null'), [1, 3])
  t.strictSame(await keys(dynamic, 'x is not null'), [2])
  await dynamic.flush()
  t.strictSame(await keys(dynamic, 'x is null'), [1, 3])
})

t.test('8.2.8 [P1] the NULL literal', async t => {
  const { c, db } = await staged(t, withFields(FIELDS), ROWS)
  const phrase = 'NULL literal is not supported in expressions'
  for (const filter of ['a == null', 'a != NULL', 'a in [null]', 'null == a'])
    await refusesFilter(t, c, filter, phrase)
  // A declared field can not take the name: it is reserved in every spelling.
  const named = { name: 'd', ...withFields([{ name: 'null', dataType: DataType.Int64 }]) }
  await refuses(t, () => db.createCollection(named), 1701, 'null is keyword in milvus')
})

t.test('8.2.9 [P1] defaults take the place of missing values and nulls', async t => {
  const fields: FieldRequest[] = [
    { name: 'x', dataType: DataType.Int64, nullable: true, defaultValue: 7 },
    { name: 's', dataType: DataType.VarChar, maxLength: 8, defaultValue: 'dd' },
    { name: 'f', dataType: DataType.Float, nullable: true, defaultValue: 0.5 },
  ]
  const rows = [
    { id: 1, vec: [0, 0] },
    { id: 2, vec: [0, 0], x: null, s: null, f: null },
    { id: 3, vec: [0, 0], x: 1, s: 'x', f: 2 },
  ]
  await everywhere(t, withFields(fields), rows, async c => {
    t.strictSame(await keys(c, 'x is null'), [])
    t.strictSame(await keys(c, 'x == 7 and s == "dd" and f == 0.5'), [1, 2])
    t.strictSame(await c.query({ filter: 'id == 2', outputFields: ['x', 's', 'f'] }), [
      { id: 2, x: 7, s: 'dd', f: 0.5 },
    ])
  })
})

t.test('8.2.10 [P1] contradictions and tautologies stay unknown under an outer NOT', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async (c, place) => {
    const wanted: Readonly<Record<string, number[]>> = {
      'not (a > 5 and a < 2)': [1, 3],
      'not (a == 1 and a == 3)': [1, 3],
      'not (a == 1 and a != 1)': [1, 3],
      'a < 5 or a >= 5': [1, 3],
      'not (a < 5 or a >= 5)': [],
      'not (a in [1] and a in [3])': [1, 3],
      'not (s == "s1" and s == "s3")': [1, 3],
      'a in [1] or a not in [1]': [1, 3],
      'not (n8 > 1000 and n8 < 5)': [1, 3],
      'not (j["k"] > 5 and j["k"] < 2)': [1, 3],
    }
    await selects(t, c, wanted, place)
  })
})
