/** Merging request columns into stored rows: the tables of upsert-semantics §2.3–2.7, and a model check. */
import t from 'tap'
import type { CollectionSchema } from '../../../lib/schema/collection-schema.js'
import { nullColumn } from '../../../lib/schema/column-ops.js'
import { completeColumns } from '../../../lib/schema/complete-columns.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { checkDuplicatePks, checkFieldOps } from '../../../lib/schema/merge-columns.js'
import type { FieldOps, FieldRequest, Row } from '../../../lib/schema/requests.js'
import { rowsToColumns } from '../../../lib/schema/rows-to-columns.js'
import { withAddedField } from '../../../lib/schema/validate-schema.js'
import { type Rng, rng, runsOf, seedOf } from '../../support/rng.js'
import { collection, mergeNow, refused, validateNow, valuesOf, wholeRows } from './fixtures.js'

interface MergeOptions {
  readonly ops?: FieldOps
  readonly json?: 'merge' | 'replace'
}

/** Merges rows into stored ones by key; answers the merged rows as objects, in output order. */
function merged(
  schema: CollectionSchema,
  storedRows: readonly Row[],
  requestRows: readonly Row[],
  options: MergeOptions = {},
): { rows: Row[]; requestRow: number[]; updatedRows: number } {
  const stored =
    storedRows.length > 0
      ? wholeRows(schema, storedRows)
      : { rowCount: 0, columns: schema.fields.map(() => null) }
  const request = rowsToColumns(schema, requestRows, 'partial')
  const storedRow = Int32Array.from(requestRows, r => storedRows.findIndex(s => s['id'] === r['id']))
  const ops = checkFieldOps(schema, request, options.ops ?? {})
  const result = mergeNow(schema, request, stored, storedRow, ops, options.json ?? 'merge')
  validateNow(schema, result.batch, { merged: true })
  const rows: Row[] = Array.from({ length: result.batch.rowCount }, () => ({}))
  for (const field of schema.fields) {
    valuesOf(schema, result.batch, field.name).forEach((value, i) => {
      ;(rows[i] as Record<string, unknown>)[field.name] = value
    })
  }
  return { rows, requestRow: [...result.requestRow], updatedRows: result.updatedRows }
}

const NULLABLE = { nullable: true } as const
const field = (dataType: DataType, more: Partial<FieldRequest> = {}): FieldRequest => ({
  name: 'f',
  dataType,
  ...NULLABLE,
  ...more,
})

/** The value of field `f` after merging `given` over `old`. `absent` given: the row does not carry the field. */
const ABSENT = Symbol('absent')
function mergedValue(one: FieldRequest, old: unknown, given: unknown, options: MergeOptions = {}): unknown {
  const schema = collection([one])
  const request: Row = given === ABSENT ? { id: 1 } : { id: 1, f: given }
  return merged(schema, [{ id: 1, vector: [1, 2], f: old }], [request], options).rows[0]!['f']
}

t.test('§2.5: every type is replaced, kept when absent, and goes null both ways', async t => {
  const types: [FieldRequest, unknown, unknown][] = [
    [field(DataType.Bool), true, false],
    [field(DataType.Int8), 1, 2],
    [field(DataType.Int16), 1, 2],
    [field(DataType.Int32), 1, 2],
    [field(DataType.Int64), 2n ** 60n, 5],
    [field(DataType.Float), 0.5, 1.5],
    [field(DataType.Double), 0.1, 0.2],
    [field(DataType.VarChar, { maxLength: 9 }), 'a', ''],
    [field(DataType.Text), 'a', 'b'],
    [field(DataType.Timestamptz), '2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
    [field(DataType.Array, { elementType: DataType.Int8, maxCapacity: 3 }), [1, 2], [3]],
    [field(DataType.FloatVector, { dim: 2 }), [1, 2], [3, 4]],
    [field(DataType.Float16Vector, { dim: 2 }), [1, 2], [3, 4]],
    [field(DataType.BFloat16Vector, { dim: 2 }), [1, 2], [3, 4]],
    [field(DataType.Int8Vector, { dim: 2 }), [1, 2], [3, 4]],
    [field(DataType.BinaryVector, { dim: 8 }), [1], [2]],
    [field(DataType.SparseFloatVector), { 1: 1 }, { 2: 0.5 }],
    [field(DataType.JSON), { a: 1 }, [2]],
  ]
  for (const [one, old, given] of types) {
    t.strictSame(mergedValue(one, old, given), given, `replace ${one.dataType}`)
    t.strictSame(mergedValue(one, old, ABSENT), old, `keep ${one.dataType}`)
    t.strictSame(mergedValue(one, old, null), null, `value to null ${one.dataType}`)
    t.strictSame(mergedValue(one, null, given), given, `null to value ${one.dataType}`)
    t.strictSame(mergedValue(one, null, ABSENT), null, `keep null ${one.dataType}`)
    t.strictSame(mergedValue(one, null, null), null, `null to null ${one.dataType}`)
  }
})

t.test('§2.5: an explicit null on a field with a default is the default', async t => {
  for (const nullable of [true, false]) {
    const one = field(DataType.Int32, { nullable, defaultValue: 7 })
    t.equal(mergedValue(one, 5, null), 7)
    t.equal(mergedValue(one, 5, ABSENT), 5)
    t.equal(mergedValue(one, 5, 6), 6)
  }
})

const OLD = { author: 'John', year: 2020, tags: ['fiction'], deep: { x: 1, y: 2 } }

t.test('a schema-defined JSON field merges top-level keys, or is replaced when so set', async t => {
  const json = field(DataType.JSON)
  const given = { author: 'Jane', genre: 'fantasy', deep: { x: 9 } }
  t.strictSame(mergedValue(json, OLD, given), { ...OLD, ...given })
  t.strictSame(mergedValue(json, OLD, given, { json: 'replace' }), given)
  for (const other of [[1], 'text', 5, false]) {
    t.strictSame(mergedValue(json, OLD, other), other)
    t.strictSame(mergedValue(json, other, given), given)
  }
  t.strictSame(mergedValue(json, OLD, {}), OLD)
  t.strictSame(mergedValue(json, { big: 2n ** 60n }, { a: 1 }), { big: 2n ** 60n, a: 1 })
})

const DYNAMIC = collection([field(DataType.Int32)], { enableDynamicField: true })
const stored = (more: Row = {}): Row => ({ id: 1, vector: [1, 2], ...more })
const metaOf = (old: Row, given: Row, options: MergeOptions = {}) =>
  merged(DYNAMIC, [stored(old)], [{ id: 1, ...given }], options).rows[0]!['$meta']

t.test(
  '§2.5: $meta is the union of top-level keys, request wins, null is kept, nothing is removed',
  async t => {
    t.strictSame(metaOf(OLD, { author: 'Jane', genre: 'fantasy' }), {
      ...OLD,
      author: 'Jane',
      genre: 'fantasy',
    })
    t.strictSame(metaOf(OLD, { deep: { z: 1 } }), { ...OLD, deep: { z: 1 } })
    t.strictSame(metaOf(OLD, { author: null }), { ...OLD, author: null })
    t.strictSame(metaOf(OLD, { f: 5 }), OLD, 'absent: nothing changes')
    t.strictSame(metaOf(OLD, { $meta: {} }), OLD, '{}: nothing changes')
    t.strictSame(metaOf(OLD, { $meta: null }), OLD)
    t.strictSame(metaOf({}, { a: 1 }), { a: 1 })
    t.strictSame(
      metaOf(OLD, { a: 1 }, { json: 'replace' }),
      { ...OLD, a: 1 },
      'the JSON switch is not for $meta',
    )
    t.strictSame(metaOf({ n: 9007199254740993n }, { a: 1 }), { n: 9007199254740993n, a: 1 }, 'exact (B4)')
  },
)

t.test('a $meta column with a null (wire requests may have one) changes nothing', async t => {
  const request = rowsToColumns(DYNAMIC, [{ id: 1 }, { id: 2, vector: [0, 0] }], 'partial')
  const columns = request.columns.map((c, i) => (i === 3 ? nullColumn(DYNAMIC.fields[3]!, 2) : c))
  const old = wholeRows(DYNAMIC, [stored({ x: 1 })])
  const { batch } = mergeNow(DYNAMIC, { ...request, columns }, old, Int32Array.of(0, -1), new Map(), 'merge')
  t.strictSame(valuesOf(DYNAMIC, batch, '$meta'), [{ x: 1 }, {}])
})

t.test('B8: a dynamic key with the name of a field is refused, also in a merge', async t => {
  t.match(
    refused(() => metaOf({}, { $meta: { vector: 1 } })),
    'dynamic field name cannot include the static field name: vector',
  )
  t.match(
    refused(() => metaOf({}, { $meta: { $meta: 1 } })),
    'cannot set json key to: $meta',
  )
  t.match(
    refused(() => merged(DYNAMIC, [], [{ id: 1, vector: [0, 0], $meta: { vector: 1 } }])),
    'dynamic field name cannot include the static field name: vector',
  )
})

t.test('§2.9: the old copy of a key that became a field stays in $meta; the field is written', async t => {
  const grown = withAddedField(DYNAMIC, {
    name: 'color',
    dataType: DataType.VarChar,
    maxLength: 9,
    ...NULLABLE,
  })
  const old = wholeRows(DYNAMIC, [stored({ color: 'red', size: 1 })])
  const withColor = completeColumns(grown, { rowCount: 1, columns: [...old.columns, null] }, 'upsert')
  const request = rowsToColumns(grown, [{ id: 1, color: 'blue', size: 2 }], 'partial')
  const { batch } = mergeNow(grown, request, withColor, Int32Array.of(0), new Map(), 'merge')
  validateNow(grown, batch, { merged: true })
  t.strictSame(valuesOf(grown, batch, '$meta'), [{ color: 'red', size: 2 }])
  t.strictSame(valuesOf(grown, batch, 'color'), ['blue'])
})

t.test('§2.4: what a new key needs', async t => {
  const schema = collection(
    [
      { name: 'need', dataType: DataType.Int32 },
      { name: 'nul', dataType: DataType.Int8, ...NULLABLE },
      { name: 'def', dataType: DataType.Int16, defaultValue: 3 },
      { name: 'txt', dataType: DataType.Text, ...NULLABLE },
    ],
    { enableDynamicField: true },
  )
  const full = { vector: [1, 2], need: 1 }
  t.strictSame(
    merged(schema, [], [{ id: 5, ...full }]).rows,
    [{ id: 5, vector: [1, 2], need: 1, nul: null, def: 3, txt: null, $meta: {} }],
    'B2: missing nullable fields are null',
  )
  const old = [{ id: 1, ...full, nul: 4, x: 1 }]
  t.match(
    refused(() =>
      merged(schema, old, [
        { id: 1, need: 2 },
        { id: 2, need: 3 },
      ]),
    ),
    'fieldSchema(vector) has no corresponding fieldData pass in',
  )
  t.match(
    refused(() => merged(schema, old, [{ id: 2, y: 3 }])),
    'fieldSchema(vector)',
  )
  t.match(
    refused(() =>
      merged(schema, old, [
        { id: 1, need: 5 },
        { id: 2, vector: [1, 2] },
      ]),
    ),
    'fieldSchema(need) has no corresponding fieldData pass in, row 1',
  )
})

t.test('a request with the key alone rewrites the row as it is', async t => {
  const row = stored({ f: 5, x: { y: 1 } })
  t.strictSame(merged(DYNAMIC, [row], [{ id: 1 }]).rows, [
    { id: 1, vector: [1, 2], f: 5, $meta: { x: { y: 1 } } },
  ])
})

t.test('updated rows first, then new rows, each in request order; fields differ row by row', async t => {
  const rows = [1, 2, 3].map(id => ({ id, vector: [id, id], f: id, k: id }))
  const result = merged(DYNAMIC, rows, [
    { id: 9, vector: [9, 9] },
    { id: 3, f: 33 },
    { id: 8, vector: [8, 8], f: 8, z: 1 },
    { id: 1, vector: [0, 1] },
    { id: 2, f: null, k: 22 },
  ])
  t.strictSame(result.requestRow, [1, 3, 4, 0, 2])
  t.equal(result.updatedRows, 3)
  t.strictSame(result.rows, [
    { id: 3, vector: [3, 3], f: 33, $meta: { k: 3 } },
    { id: 1, vector: [0, 1], f: 1, $meta: { k: 1 } },
    { id: 2, vector: [2, 2], f: null, $meta: { k: 22 } },
    { id: 9, vector: [9, 9], f: null, $meta: {} },
    { id: 8, vector: [8, 8], f: 8, $meta: { z: 1 } },
  ])
})

const elements = (elementType: DataType, maxCapacity = 4): FieldRequest =>
  field(DataType.Array, { elementType, maxCapacity, maxLength: 3 })
const APPEND: MergeOptions = { ops: { f: 'ARRAY_APPEND' } }
const REMOVE: MergeOptions = { ops: { f: 'ARRAY_REMOVE' } }

t.test('§2.7: append and remove, for every element type', async t => {
  const big = 2n ** 60n
  const cases: [DataType, unknown[], unknown[], unknown[]][] = [
    [DataType.Bool, [true, false, true], [true], [false]],
    [DataType.Int8, [1, -1, 1], [1], [-1]],
    [DataType.Int16, [300, 1, 300], [300], [1]],
    [DataType.Int32, [70000, 1], [70000], [1]],
    [DataType.Int64, [big, 1, big + 1n], [big], [1, big + 1n]],
    [DataType.Float, [0.5, 1.5], [0.5], [1.5]],
    [DataType.Double, [0.1, 0.2, 0.1], [0.1], [0.2]],
    [DataType.VarChar, ['a', 'b', 'a'], ['a'], ['b']],
  ]
  for (const [type, old, payload, removed] of cases) {
    t.strictSame(mergedValue(elements(type), old, payload, APPEND), [...old, ...payload])
    t.strictSame(mergedValue(elements(type), old, payload, REMOVE), removed)
  }
})

t.test('§2.7: the corners of append', async t => {
  const one = elements(DataType.Int64)
  t.strictSame(mergedValue(one, [1, 1], [1, 2], APPEND), [1, 1, 1, 2], 'order and duplicates kept')
  t.strictSame(mergedValue(one, [1], null, APPEND), [1], 'null payload')
  t.strictSame(mergedValue(one, [1], [], APPEND), [1], 'empty payload')
  t.strictSame(mergedValue(one, null, [1], APPEND), [1], 'null base')
  t.strictSame(mergedValue(one, null, [], APPEND), [], 'null base, empty payload')
  t.strictSame(mergedValue(one, null, null, APPEND), null)
  t.strictSame(mergedValue(one, [], [1], APPEND), [1], 'empty base')
  t.strictSame(mergedValue(one, [1, 2], [3, 4], APPEND), [1, 2, 3, 4], 'exactly full')
  t.match(
    refused(() => mergedValue(one, [1, 2, 3], [4, 5], APPEND)),
    'array length 5 exceeds max_capacity 4',
  )
  t.match(
    refused(() => mergedValue(elements(DataType.VarChar), ['a'], ['long'], APPEND)),
    'exceeds max length',
  )
})

t.test('§2.7: the corners of remove', async t => {
  const one = elements(DataType.Int64)
  t.strictSame(
    mergedValue(one, [1, 2, 1, 3], [1, 9], REMOVE),
    [2, 3],
    'every occurrence; absent values ignored',
  )
  t.strictSame(mergedValue(one, [1], null, REMOVE), [1], 'null payload')
  t.strictSame(mergedValue(one, [1], [], REMOVE), [1], 'empty payload')
  t.strictSame(mergedValue(one, null, [1], REMOVE), null, 'null base stays null (B1)')
  t.strictSame(mergedValue(one, [], [1], REMOVE), [], 'empty base')
  t.strictSame(mergedValue(one, [1], [1], REMOVE), [], 'everything gone is [], not null')
  t.strictSame(
    mergedValue(one, [1, 2, 3, 4], [9, 8, 7, 6, 5], REMOVE),
    [1, 2, 3, 4],
    'never limited by capacity',
  )
  const floats = elements(DataType.Double)
  t.strictSame(
    mergedValue(floats, [Number.NaN, 1], [Number.NaN], REMOVE),
    [Number.NaN, 1],
    'NaN never matches',
  )
  t.strictSame(mergedValue(floats, [-0, 1], [0], REMOVE), [1], '-0 equals 0')
})

t.test('§2.7: a new key stores the payload as it is, for both ops', async t => {
  for (const options of [APPEND, REMOVE]) {
    const schema = collection([elements(DataType.Int64)])
    t.strictSame(merged(schema, [], [{ id: 1, vector: [0, 0], f: [1, 1] }], options).rows[0]!['f'], [1, 1])
  }
  const schema = collection([elements(DataType.Int64)])
  const old = { id: 1, vector: [0, 0], f: [1] }
  const mixed = merged(
    schema,
    [old],
    [
      { id: 2, vector: [0, 0], f: [5] },
      { id: 1, f: [2] },
      { id: 3, vector: [0, 0] },
    ],
    APPEND,
  )
  t.strictSame(
    mixed.rows.map(r => [r['id'], r['f']]),
    [
      [1, [1, 2]],
      [2, [5]],
      [3, null],
    ],
  )
})

t.test('§2.7: several ops and plain fields in one request; a failing one fails all', async t => {
  const schema = collection([
    { ...elements(DataType.Int64), name: 'a' },
    { ...elements(DataType.VarChar), name: 'b' },
    { name: 'c', dataType: DataType.Int32 },
  ])
  const old = { id: 1, vector: [0, 0], a: [1, 2], b: ['x', 'y'], c: 1 }
  const ops: FieldOps = { a: 'ARRAY_APPEND', b: 'ARRAY_REMOVE', c: 'REPLACE' }
  t.strictSame(merged(schema, [old], [{ id: 1, a: [3], b: ['x'], c: 2 }], { ops }).rows, [
    { id: 1, vector: [0, 0], a: [1, 2, 3], b: ['y'], c: 2 },
  ])
  t.match(
    refused(() => merged(schema, [old], [{ id: 1, a: [3, 4, 5], b: ['x'] }], { ops })),
    'array length 5 exceeds max_capacity 4',
  )
})

t.test('BM25 outputs: refused when given, never required, placeholders in the result', async t => {
  const schema = collection(
    [
      { name: 'doc', dataType: DataType.VarChar, maxLength: 99, params: { enable_analyzer: true } },
      { name: 'sparse', dataType: DataType.SparseFloatVector },
    ],
    { functions: [{ name: 'f', type: 1, inputFieldNames: ['doc'], outputFieldNames: ['sparse'] }] },
  )
  const old = { id: 1, vector: [0, 0], doc: 'a' }
  t.match(
    refused(() => merged(schema, [old], [{ id: 1, sparse: { 1: 1 } }])),
    'attempt to insert bm25 function output field',
  )
  t.strictSame(
    merged(
      schema,
      [old],
      [
        { id: 1, doc: 'b' },
        { id: 2, vector: [0, 0], doc: 'c' },
      ],
    ).rows.map(r => r['doc']),
    ['b', 'c'],
  )
})

t.test('the request and the stored rows are left as they were', async t => {
  const old = wholeRows(DYNAMIC, [stored({ f: 1, x: 1 })])
  const request = rowsToColumns(DYNAMIC, [{ id: 1, f: null, y: 2 }], 'partial')
  const before = JSON.stringify([old, request], (_, v) =>
    ArrayBuffer.isView(v) ? [...(v as Uint8Array)] : v,
  )
  mergeNow(DYNAMIC, request, old, Int32Array.of(0), new Map(), 'merge')
  const after = JSON.stringify([old, request], (_, v) => (ArrayBuffer.isView(v) ? [...(v as Uint8Array)] : v))
  t.equal(after, before)
})

t.test('no key, no rows', async t => {
  const none = {
    rowCount: 0,
    columns: DYNAMIC.fields.map(() => null),
    present: DYNAMIC.fields.map(() => null),
  }
  const merge = (batch: typeof none) =>
    mergeNow(DYNAMIC, batch, none, new Int32Array(batch.rowCount), new Map(), 'merge')
  t.match(
    refused(() => merge(none)),
    'must assign pk when upsert',
  )
})

t.test('duplicate keys in one batch', async t => {
  const keys = (ids: readonly (number | bigint)[]) =>
    wholeRows(
      collection([]),
      ids.map(id => ({ id, vector: [0, 0] })),
    )
  const schema = collection([])
  t.doesNotThrow(() => checkDuplicatePks(schema, keys([1, 2, 2n ** 53n, 2n ** 53n + 1n, -1])))
  t.match(
    refused(() => checkDuplicatePks(schema, keys([1, 2, 1]))),
    'duplicate primary keys are not allowed in the same batch',
  )
  t.match(
    refused(() => checkDuplicatePks(schema, keys([2n ** 60n, 2n ** 60n]))),
    'duplicate primary keys',
  )
  const named = collection([])
  const text = {
    ...named,
    fields: named.fields.map((f, i) => (i === 0 ? { ...f, dataType: DataType.VarChar, maxLength: 9 } : f)),
  }
  const words = (ids: string[]) =>
    wholeRows(
      text,
      ids.map(id => ({ id, vector: [0, 0] })),
    )
  t.doesNotThrow(() => checkDuplicatePks(text, words(['a', ' a', 'A', ''])))
  t.match(
    refused(() => checkDuplicatePks(text, words(['a', 'b', 'a']))),
    'duplicate primary keys',
  )
})

/** The rules of a merge, written down once more as plainly as possible, over row objects. */
function model(old: Row | undefined, given: Row, ops: FieldOps): Row {
  const { $meta: _, ...before } = (old ?? {
    id: given['id'],
    a: null,
    b: 7,
    tags: null,
    vector: null,
  }) as Record<string, unknown>
  const row: Record<string, unknown> = { ...before }
  const meta: Record<string, unknown> = { ...((old?.['$meta'] as Row | undefined) ?? {}) }
  for (const [key, value] of Object.entries(given)) {
    if (!(key in row)) meta[key] = value
    else if (key === 'b') row['b'] = value ?? 7
    else if (key === 'tags' && old !== undefined && ops['tags'] !== undefined) {
      const base = old['tags'] as number[] | null
      const payload = value as number[] | null
      if (payload === null) continue
      if (ops['tags'] === 'ARRAY_APPEND') row['tags'] = [...(base ?? []), ...payload]
      else row['tags'] = base === null ? null : base.filter(x => !payload.includes(x))
    } else row[key] = value
  }
  return { ...row, $meta: meta }
}

const seed = seedOf(17)
t.test(`random merges agree with the model (SEED=${seed})`, async t => {
  const r = rng(seed)
  const schema = collection(
    [
      { name: 'a', dataType: DataType.Int64, ...NULLABLE },
      { name: 'b', dataType: DataType.Int16, ...NULLABLE, defaultValue: 7 },
      { name: 'tags', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 400, ...NULLABLE },
    ],
    { enableDynamicField: true },
  )
  const randomRow = (r: Rng, id: number, whole: boolean): Row => {
    const row: Record<string, unknown> = { id }
    if (whole || r.chance()) row['vector'] = [r.int(9), r.int(9)]
    if (r.chance()) row['a'] = r.chance(0.3) ? null : r.int(100)
    if (r.chance()) row['b'] = r.chance(0.3) ? null : r.int(100)
    if (r.chance()) row['tags'] = r.chance(0.3) ? null : Array.from({ length: r.int(4) }, () => r.int(5))
    for (const key of ['x', 'y', 'z']) if (r.chance(0.3)) row[key] = r.pick([null, r.int(9), { deep: 1 }])
    return row
  }
  for (let run = 0; run < runsOf(60); run++) {
    let state: Row[] = []
    for (let step = 0; step < 6; step++) {
      const ids = r.shuffle(Array.from({ length: 40 }, (_, i) => i)).slice(0, 1 + r.int(35))
      const known = new Map(state.map(row => [row['id'], row]))
      const request = ids.map(id => randomRow(r, id, !known.has(id)))
      const hasTags = request.some(row => row['tags'] !== undefined)
      const ops: FieldOps = hasTags
        ? r.pick([{}, { tags: 'ARRAY_APPEND' }, { tags: 'ARRAY_REMOVE' }] as FieldOps[])
        : {}
      const flat = state.map(({ $meta, ...row }) => ({ ...row, $meta }))
      const result = merged(schema, flat, request, { ops })
      const expected = result.requestRow.map(i => model(known.get(request[i]!['id']), request[i]!, ops))
      t.strictSame(result.rows, expected)
      t.equal(result.updatedRows, ids.filter(id => known.has(id)).length)
      for (const row of result.rows) known.set(row['id'], row)
      state = [...known.values()]
    }
  }
})
