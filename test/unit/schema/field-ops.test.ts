/** The static checks of array operations (upsert-semantics §2.7), all thirteen. */
import t from 'tap'
import type { CollectionSchema } from '../../../lib/schema/collection-schema.js'
import type { ColumnBatch } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { checkFieldOpList, checkFieldOps, type FieldOpEntry } from '../../../lib/schema/field-ops.js'
import type { FieldOps } from '../../../lib/schema/requests.js'
import { rowsToColumns } from '../../../lib/schema/rows-to-columns.js'
import { collection, refusal } from './fixtures.js'

const array = (name: string, elementType: DataType) => ({
  name,
  dataType: DataType.Array,
  elementType,
  maxCapacity: 4,
  maxLength: 9,
  nullable: true,
})
const SCHEMA: CollectionSchema = collection(
  [
    { name: 'name', dataType: DataType.VarChar, maxLength: 9, nullable: true },
    array('tags', DataType.VarChar),
    array('nums', DataType.Int64),
  ],
  { enableDynamicField: true },
)
const BATCH: ColumnBatch = rowsToColumns(
  SCHEMA,
  [
    { id: 1, name: 'x', nums: [1], color: 'red' },
    { id: 2, nums: null },
  ],
  'partial',
)

t.test('each condition has its own refusal, in the order of the table', async t => {
  const cases: [string, FieldOpEntry[], string, number][] = [
    ['1 empty name', [{ fieldName: '', op: 0 }], 'FieldPartialUpdateOp.field_name is required', 1101],
    [
      '2 same field twice',
      [
        { fieldName: 'nums', op: 0 },
        { fieldName: 'nums', op: 1 },
      ],
      'duplicate partial-update op for field "nums"',
      1100,
    ],
    [
      '3 REPLACE on a sub-field',
      [{ fieldName: 's[a]', op: 0 }],
      'partial struct update is not supported for struct sub-field "s[a]"',
      1100,
    ],
    [
      '5 pk',
      [{ fieldName: 'id', op: 1 }],
      'field "id" is the primary key and cannot carry a partial-update op',
      1100,
    ],
    [
      '6 sub-field',
      [{ fieldName: 's[a]', op: 1 }],
      'op ARRAY_APPEND is not supported for struct field "s[a]"',
      1100,
    ],
    ['7 unknown', [{ fieldName: 'nope', op: 1 }], 'field "nope" not found in collection schema', 1100],
    ['7 dynamic key', [{ fieldName: 'color', op: 1 }], 'field "color" not found in collection schema', 1100],
    [
      '8 no array',
      [{ fieldName: 'name', op: 1 }],
      'op ARRAY_APPEND requires Array field, but field "name" is VarChar',
      1100,
    ],
    [
      '8 no array',
      [{ fieldName: 'name', op: 'ARRAY_REMOVE' }],
      'op ARRAY_REMOVE requires Array field, but field "name" is VarChar',
      1100,
    ],
    ['9 unknown op', [{ fieldName: 'nums', op: 9 }], 'unsupported partial update op: 9', 1100],
    ['9 unknown op', [{ fieldName: 'nums', op: 'PREPEND' }], 'unsupported partial update op: PREPEND', 1100],
    [
      '10 no column',
      [{ fieldName: 'tags', op: 1 }],
      'partial-update op targets field "tags" not present in fields_data',
      1100,
    ],
    [
      '11 no array payload',
      [{ fieldName: 'nums', op: 1, payloadType: DataType.VarChar }],
      'partial-update op field "nums" payload is not an Array',
      1100,
    ],
    [
      '12 element type',
      [{ fieldName: 'nums', op: 1, payloadElementType: DataType.VarChar }],
      'field "nums" expects element type Int64 but request provides VarChar',
      1100,
    ],
  ]
  for (const [what, entries, message, code] of cases) {
    const error = refusal(() => checkFieldOpList(SCHEMA, BATCH, entries))
    t.ok(error.message.includes(message), `${what}: ${error.message}`)
    t.equal(error.code, code, what)
  }
})

t.test('13: an append payload longer than the capacity, by itself', async t => {
  const batch = rowsToColumns(
    SCHEMA,
    [
      { id: 1, nums: [1] },
      { id: 2, nums: [1, 2, 3, 4, 5] },
    ],
    'partial',
  )
  t.match(
    refusal(() => checkFieldOps(SCHEMA, batch, { nums: 'ARRAY_APPEND' })).message,
    'ARRAY_APPEND payload for field "nums" row 1 has length 5 exceeding max_capacity 4',
  )
  t.strictSame([...checkFieldOps(SCHEMA, batch, { nums: 'ARRAY_REMOVE' })], [[4, 'ARRAY_REMOVE']])
})

t.test('4: REPLACE is accepted anywhere else, and leaves nothing to do', async t => {
  const ops: FieldOps = { id: 'REPLACE', nope: 'REPLACE', name: 'REPLACE', tags: 'REPLACE' }
  t.equal(checkFieldOps(SCHEMA, BATCH, ops).size, 0)
})

t.test('legal ops, by name or number, any case', async t => {
  const both = rowsToColumns(SCHEMA, [{ id: 1, nums: [1], tags: ['a'] }], 'partial')
  t.strictSame(
    [
      ...checkFieldOpList(SCHEMA, both, [
        {
          fieldName: 'tags',
          op: ' array_append ',
          payloadType: DataType.Array,
          payloadElementType: DataType.VarChar,
        },
        { fieldName: 'nums', op: 2, payloadElementType: DataType.None },
      ]),
    ],
    [
      [3, 'ARRAY_APPEND'],
      [4, 'ARRAY_REMOVE'],
    ],
  )
})
