import t from 'tap'
import { TopK } from '../../../lib/base/top-k.js'
import { scanAll, scanRows, scoreRows } from '../../../lib/index/flat-index.js'
import { cosine, innerProduct, l2 } from '../../../lib/index/kernels.js'
import { prepareQuery } from '../../../lib/index/query-vector.js'
import { simdKernel, vectorArray } from '../../../lib/index/simd-kernels.js'
import type { FixedColumn } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { type Rng, rng } from '../../support/rng.js'
import { fieldOf } from './fixtures-vectors.js'

const seed = Number(process.env['SEED'] ?? 17)
const KERNELS = { L2: l2, IP: innerProduct, COSINE: cosine } as const
const METRICS = ['L2', 'IP', 'COSINE'] as const

/** Numbers that show a difference in order, rounding or range: most ordinary, some that are hard. */
const HARD = [0, -0, 1e38, -3e38, 1e-40, 1.5e-45, 1, -1, Math.fround(1 / 3)]

function element(random: Rng, hard: boolean): number {
  return hard && random.chance(0.3) ? random.pick(HARD) : random.gauss()
}

/** Row numbers: all in order, scattered in order, or any with repeats. */
function rowLists(random: Rng, rowCount: number): Int32Array[] {
  const all = Int32Array.from({ length: rowCount }, (_, i) => i)
  const any = Int32Array.from({ length: rowCount - 3 }, () => random.int(rowCount))
  return [all, all.filter(() => random.chance(0.2)), any, all.subarray(5, 6)]
}

/** Number of scores that differ in any bit from those of the JavaScript kernel. */
function differences(values: Float32Array, dim: number, query: Float32Array, rows: Int32Array): number {
  let norm = 0
  for (const value of query) norm += value * value
  let different = 0
  for (const metric of METRICS) {
    const kernel = simdKernel(metric, values)
    if (kernel === null) throw new Error('the array can be read by the vector unit')
    const from = Math.min(1, rows.length - 1)
    const found = new Float32Array(rows.length)
    const wanted = new Float32Array(rows.length)
    kernel(query, Math.sqrt(norm), values, dim, rows, from, rows.length, found)
    KERNELS[metric](query, Math.sqrt(norm), values, dim, rows, from, rows.length, wanted)
    for (let i = 0; i < rows.length; i++) if (!Object.is(found[i], wanted[i])) different++
  }
  return different
}

t.test(`scores have the bits of the JavaScript kernels, for 1 to 130 dimensions (SEED=${seed})`, async t => {
  const random = rng(seed)
  for (let dim = 1; dim <= 130; dim++) {
    const values = vectorArray(90, dim, 0)
    const hard = dim % 2 === 0
    for (let i = 0; i < values.length; i++) values[i] = element(random, hard)
    // A zero vector, and one of infinities and of no numbers.
    values.fill(0, 7 * dim, 8 * dim)
    if (hard) values.fill(Number.POSITIVE_INFINITY, 8 * dim, 9 * dim)
    if (hard) values.fill(Number.NaN, 9 * dim, 10 * dim)
    const query = Float32Array.from({ length: dim }, () => element(random, hard))
    let different = 0
    for (const rows of rowLists(random, 90)) different += differences(values, dim, query, rows)
    different += differences(values, dim, new Float32Array(dim), Int32Array.of(1, 2, 7))
    t.equal(different, 0, `${dim} dimensions`)
  }
})

t.test(`long vectors and more rows than one call takes (SEED=${seed})`, async t => {
  const random = rng(seed + 1)
  for (const [rowCount, dim] of [
    [1500, 100],
    [1025, 3],
    [40, 1537],
    [3, 32_768],
  ] as const) {
    const values = vectorArray(rowCount, dim, 0)
    for (let i = 0; i < values.length; i++) values[i] = random.gauss()
    const query = Float32Array.from({ length: dim }, () => random.gauss())
    for (const rows of rowLists(random, rowCount).filter(list => list.length > 0))
      t.equal(differences(values, dim, query, rows), 0, `${rows.length} rows of ${dim} dimensions`)
  }
})

t.test('two columns, and a column between two calls, do not disturb each other', async t => {
  const [a, b] = [vectorArray(2, 4, 0), vectorArray(2, 4, 0)]
  a.set([1, 0, 0, 0, 0, 1, 0, 0])
  b.set([0, 0, 5, 0, 0, 0, 0, 5])
  const [first, second] = [simdKernel('IP', a)!, simdKernel('IP', b)!]
  const out = new Float32Array(2)
  const rows = Int32Array.of(0, 1)
  first(Float32Array.of(2, 3, 0, 0), 1, a, 4, rows, 0, 2, out)
  t.same([...out], [2, 3])
  second(Float32Array.of(0, 0, 1, 2), 1, b, 4, rows, 0, 2, out)
  t.same([...out], [5, 10])
  first(Float32Array.of(7, 0, 0, 0), 1, a, 4, rows, 0, 2, out)
  t.same([...out], [7, 0])
  t.same([...a, ...b], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 5], 'values stay as they were')
})

t.test(`scans of such a column find what scans of a plain one find (SEED=${seed})`, async t => {
  const random = rng(seed + 2)
  const [rowCount, dim] = [1300, 37]
  const values = vectorArray(rowCount, dim, 0)
  for (let i = 0; i < values.length; i++) values[i] = random.gauss()
  t.not(simdKernel('L2', values), null)
  const fast: FixedColumn = { layout: 'fixed', width: dim, values, validity: null }
  const plain: FixedColumn = { ...fast, values: values.slice() }
  const bits = Uint32Array.from({ length: (rowCount + 31) >>> 5 }, () => random.int(2 ** 32))
  const rows = Int32Array.from({ length: rowCount }, (_, i) => i).filter(() => random.chance(0.1))
  const field = fieldOf(DataType.FloatVector, dim)
  for (const metric of METRICS) {
    const query = prepareQuery(
      field,
      metric,
      Array.from({ length: dim }, () => random.gauss()),
    )
    const [found, wanted] = [fast, plain].map(column => {
      const scores = new Float32Array(rows.length)
      scoreRows(query, column, rows, scores)
      const [all, some, listed] = [new TopK(20), new TopK(20), new TopK(20)]
      scanAll(query, column, null, 0, rowCount, all)
      scanAll(query, column, bits, 0, rowCount, some)
      scanRows(query, column, rows, 0, rows.length, listed)
      return [scores, all.drain(), some.drain(), listed.drain()]
    })
    t.strictSame(found, wanted, metric)
  }
})

t.test('short columns are plain arrays; the others are zero, aligned and as long as asked', async t => {
  const short = vectorArray(10, 8)
  t.equal(short.byteOffset, 0)
  t.equal(simdKernel('L2', short), null)
  const long = vectorArray(1000, 100)
  t.equal(long.length, 100_000)
  t.equal(long.byteOffset % 64, 0)
  t.ok(long.every(value => value === 0))
  t.not(simdKernel('COSINE', long), null)
  t.equal(simdKernel('HAMMING', long), null, 'only the metrics of number vectors')
  t.equal(simdKernel('L2', new Float32Array(4)), null)
})

// The last test: a memory refused once is not asked for again.
t.test('where WebAssembly or its memory is not to be had, columns are plain', async t => {
  const { WebAssembly: real } = globalThis as unknown as { WebAssembly: object }
  const swap = (value: object | undefined): void => {
    Object.defineProperty(globalThis, 'WebAssembly', { value, configurable: true, writable: true })
  }
  t.teardown(() => swap(real))
  swap(undefined)
  t.equal(simdKernel('L2', vectorArray(1000, 100)), null)
  swap(real)
  t.not(simdKernel('L2', vectorArray(1000, 100)), null)
  class NoMemory {
    constructor() {
      throw new RangeError('WebAssembly.Memory(): could not allocate memory')
    }
  }
  swap(Object.create(real, { Memory: { value: NoMemory } }))
  const values = vectorArray(1000, 100)
  t.equal(values.length, 100_000)
  t.equal(simdKernel('L2', values), null)
  swap(real)
  t.equal(simdKernel('L2', vectorArray(1000, 100)), null)
})
