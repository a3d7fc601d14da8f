/** Columns of a segment in the cache: codes of vectors are made when scans are frequent, and go with their column. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { TopK } from '../../../lib/base/top-k.js'
import { scanAll } from '../../../lib/index/flat-index.js'
import { queryFromColumn } from '../../../lib/index/query-vector.js'
import type { Column } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { ColumnCache } from '../../../lib/segment/column-cache.js'
import { SegmentColumns } from '../../../lib/segment/segment-columns.js'
import { writeSegment } from '../../../lib/segment/segment-writer.js'
import { openLevelStore } from '../../../lib/store/level-store.js'
import { rng, seedOf } from '../../support/rng.js'
import { fieldOf, randomColumn } from '../../support/stored-rows.js'

/** More than one slice of the coding. */
const ROWS = 12_000
const DIM = 32
const VECTORS = fieldOf(100, DataType.FloatVector, { dim: DIM })
const NUMBERS = fieldOf(101, DataType.Int64)

async function stored(t: Test, cacheBytesMax: number, rowCount = ROWS) {
  const random = rng(seedOf(31))
  const store = await openLevelStore(t.testdir())
  t.teardown(() => store.close())
  const fields = [VECTORS, NUMBERS]
  const meta = await writeSegment(store, {
    segmentId: 3,
    fields,
    columns: fields.map(field => randomColumn(field, rowCount, random, { nulls: 0, spare: 0, bytesMax: 20 })),
    rowCount,
    ticks: new Float64Array(rowCount).fill(1000),
    partitionIds: new Int32Array(rowCount),
    deletes: { rows: new Int32Array(0), ticks: new Float64Array(0) },
    level: 1,
    appliedDelta: 0,
  })
  const cache = new ColumnCache(cacheBytesMax)
  const schema = (): never => {
    throw new Error('fields are given')
  }
  return { meta, cache, columns: new SegmentColumns({ store, cache, schema }) }
}

/** Turns of the event loop that are more than enough for coding ROWS vectors. */
async function manyTurns(): Promise<void> {
  for (let i = 0; i < 50; i++) await nextTurn()
}

t.test('codes are made once two scans of rows were compared, and count in the cache', async t => {
  const { meta, cache, columns } = await stored(t, 1e9)
  t.equal(columns.codes(VECTORS, 10 * ROWS), null, 'none of a column that is not in memory')
  await columns.load(meta, VECTORS)
  const before = cache.byteLength
  t.equal(columns.codes(VECTORS, ROWS), null)
  t.equal(columns.codes(VECTORS, ROWS - 1), null)
  await manyTurns()
  t.equal(columns.codes(VECTORS, 0), null, 'not yet')
  columns.codes(VECTORS, 1)
  await manyTurns()
  const codes = columns.codes(VECTORS, 0)
  t.not(codes, null, 'there they are')
  t.equal(cache.byteLength, before + codes!.byteLength)
  const column = columns.column(VECTORS.id)
  const query = queryFromColumn(VECTORS, 'L2', column, 77)
  const [plain, coded] = [new TopK(10), new TopK(10)]
  scanAll(query!, column, null, 0, ROWS, plain)
  scanAll(query!, column, null, 0, ROWS, coded, codes)
  t.strictSame(coded.drain(), plain.drain())
  columns.clear()
  t.equal(cache.byteLength, 0)
})

t.test('codes go with their column, also while they are being made', async t => {
  const { meta, cache, columns } = await stored(t, ROWS * DIM * 4 + 1000)
  await columns.load(meta, VECTORS)
  columns.codes(VECTORS, 2 * ROWS)
  // Another column comes between two slices.
  const numbers: Column = { layout: 'fixed', width: 1, values: new Float64Array(ROWS), validity: null }
  cache.add(numbers, () => undefined)
  t.notOk(columns.has(VECTORS.id), 'pushed out')
  await manyTurns()
  t.equal(columns.codes(VECTORS, 0), null)
  t.equal(cache.byteLength, ROWS * 8)
  await columns.load(meta, VECTORS)
  t.equal(columns.codes(VECTORS, 0), null, 'a column that comes again has none')
})

t.test('few rows and other types have none', async t => {
  const { meta, columns } = await stored(t, 1e9, 500)
  await columns.load(meta, VECTORS)
  await columns.load(meta, NUMBERS)
  columns.codes(VECTORS, 1e9)
  columns.codes(NUMBERS, 1e9)
  await manyTurns()
  t.equal(columns.codes(VECTORS, 0), null)
  t.equal(columns.codes(NUMBERS, 0), null)
})
