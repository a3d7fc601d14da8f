/** Arithmetic in filters against exact mathematics, over whole ranges of small numbers and both ends of int64. */
import t from 'tap'
import { compileFilter } from '../../../lib/filter/compile.js'
import { evaluateFilter } from '../../../lib/filter/evaluate.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { schemaOf, type Table, tableOf } from './fixture.js'

const OPS = ['+', '-', '*', '/', '%', '&', '|', '^'] as const
const COMPARES = ['==', '!=', '<', '<=', '>', '>='] as const

function compute(op: string, a: bigint, b: bigint): bigint {
  switch (op) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    case '%':
      return a % b
    case '&':
      return a & b
    case '|':
      return a | b
    default:
      return a ^ b
  }
}

function holds(compare: string, a: bigint, b: bigint): boolean {
  if (compare === '==') return a === b
  if (compare === '!=') return a !== b
  if (compare === '<') return a < b
  if (compare === '<=') return a <= b
  return compare === '>' ? a > b : a >= b
}

/** Text of the first filter whose rows differ from exact mathematics, or null. */
function firstMistake(
  table: Table,
  field: string,
  values: readonly bigint[],
  operands: readonly bigint[],
  results: readonly bigint[],
): string | null {
  const bits = new Uint32Array((values.length + 31) >>> 5)
  for (const op of OPS) {
    for (const operand of operands) {
      if (operand === 0n && (op === '/' || op === '%')) continue
      for (const result of results) {
        for (const compare of COMPARES) {
          const text = `(${field} ${op} ${operand}) ${compare} ${result}`
          evaluateFilter(compileFilter(table.schema, text), table.source, 0, values.length, bits)
          for (let i = 0; i < values.length; i++) {
            const found = ((bits[i >>> 5]! >>> (i & 31)) & 1) === 1
            if (found !== holds(compare, compute(op, values[i]!, operand), result))
              return `${text} for ${values[i]}`
          }
        }
      }
    }
  }
  return null
}

t.test('int8: every value, operands around zero', async t => {
  const schema = schemaOf([{ name: 'c', dataType: DataType.Int8 }])
  const values = Array.from({ length: 256 }, (_, i) => BigInt(i - 128))
  const table = tableOf(
    schema,
    values.map(c => ({ c: Number(c) })),
  )
  const results = [-300n, -128n, -7n, -2n, -1n, 0n, 1n, 2n, 3n, 10n, 127n, 300n]
  t.equal(firstMistake(table, 'c', values, [-130n, -7n, -2n, -1n, 0n, 1n, 2n, 3n, 10n, 200n], results), null)
})

const EDGES = [
  -(2n ** 63n),
  -(2n ** 63n) + 1n,
  -(2n ** 53n) - 1n,
  -1n,
  0n,
  1n,
  7n,
  2n ** 32n,
  2n ** 53n + 1n,
  2n ** 63n - 2n,
  2n ** 63n - 1n,
]

t.test('int64: sums and products beyond 64 bits never wrap', async t => {
  const schema = schemaOf([{ name: 'c', dataType: DataType.Int64 }])
  const table = tableOf(
    schema,
    EDGES.map(c => ({ c })),
  )
  t.equal(firstMistake(table, 'c', EDGES, [...EDGES, 2n, -2n, 33n], [...EDGES, 19_974n, -2n]), null)
})

t.test('integers in JSON and in arrays follow the same rules', async t => {
  const schema = schemaOf([
    { name: 'j', dataType: DataType.JSON },
    { name: 'a', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 2 },
  ])
  const table = tableOf(
    schema,
    EDGES.map(c => ({ j: { k: c }, a: [0, c] })),
  )
  t.equal(firstMistake(table, 'j["k"]', EDGES, [2n, -3n, 2n ** 62n], EDGES), null)
  t.equal(firstMistake(table, 'a[1]', EDGES, [2n, -3n, 2n ** 62n], EDGES), null)
})
