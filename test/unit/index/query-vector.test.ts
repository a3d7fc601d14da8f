import t from 'tap'
import {
  bm25Query,
  type DenseQuery,
  graphQuery,
  prepareQuery,
  queryFromColumn,
  type SparseQuery,
} from '../../../lib/index/query-vector.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { bfloat16Of, float16Of } from '../../../lib/schema/half-float.js'
import { columnOf, fieldOf } from './fixtures-vectors.js'

const floats = fieldOf(DataType.FloatVector, 3)
const half = fieldOf(DataType.Float16Vector, 3)
const brain = fieldOf(DataType.BFloat16Vector, 3)
const bytes = fieldOf(DataType.Int8Vector, 3)
const bits = fieldOf(DataType.BinaryVector, 16)
const sparse = fieldOf(DataType.SparseFloatVector)

function values(query: unknown): number[] {
  return [...(query as DenseQuery).values]
}

function terms(query: unknown): [number, number][] {
  const { indices, weights } = (query as SparseQuery).terms
  return [...indices].map((index, i) => [index, weights[i]!])
}

t.test('a vector is understood in every form users give it', async t => {
  const words = Uint16Array.of(float16Of(1), float16Of(-0.5), float16Of(0.1))
  const wanted = [1, -0.5, 0.0999755859375]
  t.same(values(prepareQuery(floats, 'L2', [1, -0.5, 2])), [1, -0.5, 2])
  t.same(values(prepareQuery(floats, 'L2', Float32Array.of(1, -0.5, 2))), [1, -0.5, 2])
  t.same(values(prepareQuery(floats, 'L2', Float64Array.of(1, -0.5, 0.1))), [1, -0.5, Math.fround(0.1)])
  t.same(values(prepareQuery(half, 'L2', [1, -0.5, 0.1])), wanted, 'rounded to the field’s type')
  t.same(values(prepareQuery(half, 'L2', words)), wanted, 'words')
  t.same(values(prepareQuery(half, 'L2', Buffer.from(words.buffer))), wanted, 'bytes')
  t.same(values(prepareQuery(brain, 'L2', [1, -0.5, 0.1])), [1, -0.5, 0.099609375], 'bf16 truncates')
  t.same(values(prepareQuery(brain, 'L2', Uint16Array.of(bfloat16Of(1), 0, 0))), [1, 0, 0])
  t.same(values(prepareQuery(bytes, 'L2', [1, -128, 127])), [1, -128, 127])
  t.same(values(prepareQuery(bytes, 'L2', Int8Array.of(1, -128, 127))), [1, -128, 127])
  t.same(values(prepareQuery(bytes, 'L2', Buffer.from([1, 0x80, 0x7f]))), [1, -128, 127], 'two’s complement')
  for (const given of [Uint8Array.of(3, 255), Buffer.from([3, 255]), [3, 255]]) {
    const query = prepareQuery(bits, 'HAMMING', given)
    t.equal(query.kind === 'binary' && query.words[0], 3 + 255 * 256)
  }
  t.equal((prepareQuery(floats, 'COSINE', [3, 0, 4]) as DenseQuery).norm, 5)
})

t.test('a sparse vector is understood in every form users give it', async t => {
  const wanted = [
    [3, 0.5],
    [70_000, 2],
  ]
  const raw = Buffer.alloc(16)
  raw.writeUInt32LE(3, 0)
  raw.writeFloatLE(0.5, 4)
  raw.writeUInt32LE(70_000, 8)
  raw.writeFloatLE(2, 12)
  const positions: number[] = []
  positions[3] = 0.5
  positions[70_000] = 2
  const forms = {
    object: { 70000: 2, 3: 0.5 },
    'indices and values': { indices: [70_000, 3], values: [2, 0.5] },
    'index/value objects': [
      { index: 70_000, value: 2 },
      { index: 3, value: 0.5 },
    ],
    pairs: [
      [3, 0.5],
      [70_000, 2],
    ],
    map: new Map([
      [70_000, 2],
      [3, 0.5],
    ]),
    bytes: raw,
    positions,
    'zeros dropped': { 3: 0.5, 5: 0, 70000: 2 },
  }
  for (const [name, form] of Object.entries(forms))
    t.same(terms(prepareQuery(sparse, 'IP', form)), wanted, name)
  t.same(terms(prepareQuery(sparse, 'IP', {})), [], 'an empty vector has no terms')
  t.same(terms(prepareQuery(sparse, 'IP', { 4294967294: 1 })), [[4294967294, 1]], 'the greatest index')
})

t.test('a wrong vector is refused with Milvus’s words', async t => {
  const cases: [unknown, unknown, string][] = [
    [floats, [1, 2], 'vector dimension mismatch: invalid parameter[expected=3][actual=2]'],
    [
      floats,
      Float32Array.of(1, 2, 3, 4),
      'vector dimension mismatch: invalid parameter[expected=3][actual=4]',
    ],
    [half, Buffer.alloc(4), 'vector dimension mismatch: invalid parameter[expected=3][actual=2]'],
    [half, new Uint16Array(2), 'vector dimension mismatch: invalid parameter[expected=3][actual=2]'],
    [bytes, new Int8Array(4), 'vector dimension mismatch: invalid parameter[expected=3][actual=4]'],
    [bits, [1], 'vector dimension mismatch: invalid parameter[expected=16][actual=8]'],
    [floats, [1, Number.NaN, 2], "value 'NaN' is not a number or infinity: invalid parameter"],
    [floats, [1, 1e39, 2], "value '+Inf' is not a number or infinity: invalid parameter"],
    [half, [1, -70_000, 2], "value '-Inf' is not a number or infinity: invalid parameter"],
    [half, Uint16Array.of(0x7c00, 0, 0), "value '+Inf' is not a number or infinity: invalid parameter"],
    [floats, Int8Array.of(1, 2, 3), 'field type FloatVector, search type Int8Vector'],
    [floats, Buffer.alloc(12), 'field type FloatVector, search type BinaryVector'],
    [floats, { 1: 1 }, 'field type FloatVector, search type SparseFloatVector'],
    [floats, 'text', 'vector type must be the same: field type FloatVector, search type VarChar'],
    [floats, ['1', '2', '3'], 'vector type must be the same'],
    [floats, undefined, 'vector type must be the same'],
    [floats, null, 'vector type must be the same'],
    [bytes, [0.5, 1, 2], 'field type Int8Vector, search type FloatVector'],
    [bytes, [128, 1, 2], 'out of range: [-128, 127]'],
    [bytes, [Number.NaN, 1, 2], "value 'NaN' is not a number or infinity"],
    [bits, [0.5, 256], 'field type BinaryVector, search type FloatVector'],
    [bits, Float32Array.of(1, 2), 'field type BinaryVector, search type FloatVector'],
    [sparse, Float32Array.of(1, 2), 'field type SparseFloatVector, search type FloatVector'],
    [sparse, 5, 'vector type must be the same'],
    [sparse, { a: 1 }, 'vector type must be the same'],
    [sparse, { 1: 'x' }, 'vector type must be the same'],
    [sparse, { 1: -1 }, 'negative value in sparse float vector: invalid parameter'],
    [sparse, { 1: Number.POSITIVE_INFINITY }, "value '+Inf' is not a number or infinity"],
    [sparse, { 4294967295: 1 }, 'invalid index in sparse float vector: must be less than 2^32-1'],
    [
      sparse,
      [
        { index: 1, value: 1 },
        { index: 1, value: 2 },
      ],
      'unsorted or same indices in sparse float vector',
    ],
    [sparse, { indices: [1], values: [1, 2] }, 'must have the same length'],
    [sparse, Buffer.alloc(7), 'invalid data length in sparse float vector: 7'],
    [sparse, Buffer.alloc(16), 'unsorted or same indices in sparse float vector'],
  ]
  for (const [field, vector, message] of cases) {
    const asked = field as typeof floats
    let text = 'no error'
    try {
      prepareQuery(asked, 'L2', vector)
    } catch (error) {
      text = (error as Error).message
      t.equal((error as { code?: number }).code, 1100)
    }
    t.ok(text.includes(message), `${text} | ${message}`)
  }
})

t.test('a stored vector searches for itself; a null one searches for nothing', async t => {
  const rows = [
    [1, 2, 3],
    [3, 0, 4],
  ]
  const column = columnOf(DataType.Float16Vector, 3, rows, Uint32Array.of(0b10))
  t.equal(queryFromColumn(half, 'L2', column, 0), null)
  t.same(values(queryFromColumn(half, 'L2', column, 1)), [3, 0, 4])
  const cells = columnOf(DataType.SparseFloatVector, 0, [[], [4, 0.5, 9, 2]], null)
  t.same(terms(queryFromColumn(sparse, 'IP', cells, 1)), [
    [4, 0.5],
    [9, 2],
  ])
  const words = columnOf(
    DataType.BinaryVector,
    16,
    [
      [0, 0],
      [7, 1],
    ],
    null,
  )
  const query = queryFromColumn(bits, 'HAMMING', words, 1)
  t.equal(query?.kind === 'binary' && query.words[0], 7 + 256)
})

t.test('a graph is asked with plain numbers, of length one for cosine', async t => {
  t.same(graphQuery(prepareQuery(floats, 'L2', [3, 0, 4]) as DenseQuery), [3, 0, 4])
  t.same(graphQuery(prepareQuery(floats, 'COSINE', [3, 0, 4]) as DenseQuery), [3 * (1 / 5), 0, 4 * (1 / 5)])
  t.same(graphQuery(prepareQuery(floats, 'COSINE', [0, 0, 0]) as DenseQuery), [0, 0, 0])
})

t.test('a BM25 query carries its parameters', async t => {
  const query = bm25Query(Uint32Array.of(1), Float32Array.of(2), { k1: 1.2, b: 0.75, averageLength: 10 })
  t.equal(query.kind === 'sparse' && query.terms.bm25?.k1, 1.2)
  t.equal(query.distance, false)
  t.throws(() => bm25Query(Uint32Array.of(1), new Float32Array(0), { k1: 1, b: 0, averageLength: 1 }))
})
