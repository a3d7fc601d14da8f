/**
 * Upserts that must fail as a whole: the lines of upsert-semantics §5.1 that concern the server, by their numbers.
 *
 * Lines about the clients' own checks and messages (1, 2, 6, 8, 9, 21, 24, 25, 33–38, 40–46 …) have no counterpart in
 * an embedded API; where the same mistake is possible here, the server's rule is asserted.
 */
import t from 'tap'
import { DataType, type Row } from '../../lib/index.js'
import { holds, refused, runScenarios, type Scenario, schemaWith } from '../support/states.js'

const vec = [0.5, 0.25]
const row = (id: number | string, n = 0, more: Row = {}): Row => ({ id, n, vec, ...more })
const PLAIN = schemaWith([{ name: 'n', dataType: DataType.Int32 }])
const TEXT_KEY = schemaWith([], {
  fields: [
    { name: 'id', dataType: DataType.VarChar, primaryKey: true, maxLength: 8 },
    { name: 'n', dataType: DataType.Int32 },
    { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
  ],
})
const GIVEN = [row(1), row(2, 1)]

/** Line number and name, one bad batch, code, phrase. The stored rows must not change. */
const BAD: readonly (readonly [name: string, batch: readonly unknown[], phrase: string])[] = [
  [
    '#7 a value of the wrong type in the last row',
    [row(1, 5), row(3, 'x' as never)],
    'field "n" (row 1): expected Int32, got string "x"',
  ],
  [
    '#10 #32 a row without its vector',
    [row(1, 5), { id: 2, n: 1 }],
    'fieldSchema(vec) has no corresponding fieldData pass in',
  ],
  ['#10 no row with a vector', [{ id: 1, n: 1 }], 'fieldSchema(vec) has no corresponding fieldData pass in'],
  [
    '#11 #39 a row without its key',
    [row(1, 5), { n: 1, vec }],
    'must assign pk when upsert, primary field: id',
  ],
  [
    '#12 an extra field, dynamic off',
    [row(1, 5), row(2, 5, { float: 1 })],
    'fieldName float not exist in collection schema',
  ],
  [
    '#12 $meta, dynamic off',
    [row(1, 5, { $meta: {} })],
    'without dynamic schema enabled, the field name cannot be set to $meta',
  ],
  [
    '#13 #28 a vector of another dimension',
    [row(1, 5, { vec: [1, 2, 3] })],
    'the dim (3) of field data(vec) is not equal to schema dim (2)',
  ],
  ['#15 #20 text for an Int64 key', [row('key', 5)], 'field "id" (row 0): expected Int64, got string "key"'],
  ['#15 a fraction for an Int64 key', [row(1.5, 5)], 'expected Int64'],
  ['#15 a number beyond 2^53 for an Int64 key', [row(2 ** 53, 5)], 'Int64 as bigint or text'],
  ['#15 a bigint beyond 2^63 for an Int64 key', [{ ...row(1), id: 2n ** 63n }], 'out of range'],
  [
    '#22 duplicate pk in one batch',
    [row(1, 5), row(2, 5), row(1, 6)],
    'duplicate primary keys are not allowed in the same batch',
  ],
  [
    '#22 duplicate pk in two spellings',
    [row(1, 5), row('1', 6)],
    'duplicate primary keys are not allowed in the same batch',
  ],
  [
    '#27 null for a field that may not be null',
    [row(1, 5), row(2, null as never)],
    'field "n" (row 1): expected Int32, got null',
  ],
  ['#27 a null key', [row(null as never, 5)], 'expected Int64, got null'],
  ['#27 a null vector', [row(1, 5, { vec: null })], 'expected FloatVector, got null'],
  [
    '1.8 Int32 out of range',
    [row(1, 2 ** 31)],
    'the 0th element (2147483648) out of range: [-2147483648, 2147483647]',
  ],
  ['1.8 NaN in a vector', [row(1, 5, { vec: [0, Number.NaN] })], "value 'NaN' is not a number or infinity"],
  [
    '1.8 infinity in a vector',
    [row(1, 5, { vec: [Number.POSITIVE_INFINITY, 0] })],
    "value '+Inf' is not a number or infinity",
  ],
  ['1.8 overflow of float32 in a vector', [row(1, 5, { vec: [1e39, 0] })], 'is not a number or infinity'],
  ['#6 a row that is no object', [row(1, 5), 'text'], 'row 1 should be an object'],
]

const INVALID: readonly Scenario[] = [
  {
    name: 'bad batches leave no trace',
    schema: PLAIN,
    given: GIVEN,
    when: async (collection, t) => {
      for (const [name, batch, phrase] of BAD) {
        await t.test(name, t =>
          refused(t, collection, () => collection.upsert(batch as readonly Row[]), 1100, phrase),
        )
      }
      return holds(GIVEN)
    },
  },
  {
    name: '#16 #17 #18 #31 bad and missing partitions',
    schema: PLAIN,
    given: GIVEN,
    when: async (collection, t) => {
      const into = (partitionName: string, code: number, phrase: string) =>
        refused(t, collection, () => collection.upsert([row(1, 5)], { partitionName }), code, phrase)
      await into('partition$', 1100, 'Invalid partition name: partition$')
      await into('  ', 1100, 'Invalid partition name: . Partition name should not be empty.')
      await into('aaa', 200, 'partition not found[partition=aaa]')
      return holds(GIVEN)
    },
  },
  {
    name: '#23 the same VarChar key twice',
    schema: TEXT_KEY,
    given: [row('a'), row('b')],
    when: async (collection, t) => {
      const twice = [row('a', 5), row('c', 5), row('a', 6)]
      await refused(
        t,
        collection,
        () => collection.upsert(twice),
        1100,
        'duplicate primary keys are not allowed in the same batch',
      )
      await refused(
        t,
        collection,
        () => collection.upsert([row('too long for it')]),
        1100,
        'length of varchar field id exceeds max length, row number: 0, length: 15, max length: 8',
      )
      await refused(t, collection, () => collection.upsert([row('żółćż')]), 1100, 'length: 10, max length: 8')
      return holds([row('a'), row('b')])
    },
  },
]

t.test('refused upserts', t => runScenarios(t, INVALID))
