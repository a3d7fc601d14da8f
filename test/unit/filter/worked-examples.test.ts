/** The worked examples of query-search-semantics §1.22, row for row. */
import t from 'tap'
import { DataType } from '../../../lib/schema/data-type.js'
import { matches, refusal, schemaOf, tableOf } from './fixture.js'

const schema = schemaOf(
  [
    { name: 'a', dataType: DataType.Int64, nullable: true },
    { name: 'j', dataType: DataType.JSON, nullable: true },
  ],
  true,
)
const table = tableOf(schema, [
  { a: 1, j: { k: 1, l: [1, 2], e: {} } },
  { a: null, j: { k: '1' } },
  { a: 3, j: { k: null, l: 'x' } },
])

const EXAMPLES: readonly (readonly [string, readonly number[]])[] = [
  ['a != 1', [3]],
  ['not (a == 1)', [3]],
  ['a not in [1]', [3]],
  ['a not in []', [1, 2, 3]],
  ['a is null or a > 2', [2, 3]],
  ['a > 0 or true', [1, 2, 3]],
  ['j["k"] == 1', [1]],
  ['j["k"] != 1', []],
  ['j["k"] != "2"', [2]],
  ['not (j["k"] > 5)', [1]],
  ['exists j["k"]', [1, 2]],
  ['exists j["e"]', []],
  ['j["k"] is null', [3]],
  ['json_contains(j["l"], 1)', [1]],
  ['not json_contains(j["l"], 9)', [1]],
  ['array_length(j["l"]) >= 0', [1]],
  ['json_contains_all(j["l"], [])', [1, 2, 3]],
  ['j["k"] in [1, 1.5]', [1]],
  ['1 < a <= 3', [3]],
  ['a + 2 == 3', [1]],
  ['a / 2 == 1', [3]],
  ['missing_dyn == 5', []],
]

for (const [text, rows] of EXAMPLES) {
  t.test(`worked example: ${text}`, async t => {
    t.same(matches(table, text), rows)
  })
}

t.test('worked example: an int column refuses a float literal', async t => {
  t.match(refusal(schema, 'a == 1.0'), 'cannot cast value to Int64, value: float_val:1')
  const fixed = schemaOf([{ name: 'a', dataType: DataType.Int64 }])
  t.match(refusal(fixed, 'missing_dyn == 5'), 'field missing_dyn not exist')
})
