/**
 * A column that is scanned chunk by chunk as it comes from the disk: the same hits as from memory, ties at the ends of
 * chunks and of the result among them, whatever the chunks are.
 */
import t from 'tap'
import { newBits, onesBits, setBit } from '../../../lib/base/bitset.js'
import { Turn } from '../../../lib/base/turn.js'
import { prepareQuery } from '../../../lib/index/query-vector.js'
import type { MatchedRows } from '../../../lib/query/match-rows.js'
import { searchExact } from '../../../lib/query/scan-segment.js'
import type { SegmentHits } from '../../../lib/query/segment-hits.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { ColumnChunk, Segment } from '../../../lib/segment/segment.js'
import { rng, seedOf } from '../../support/rng.js'
import { fakeClock, roundsOf } from '../../support/rounds.js'
import { field } from './fixture.js'

const seed = seedOf(41)
const ROWS = 12_000
const DIM = 2

const random = rng(seed)
// Few distinct vectors: every place is tied with many others.
const values = Float32Array.from({ length: ROWS * DIM }, () => random.int(9))
const query = prepareQuery(field('vec', DataType.FloatVector, { dim: DIM }), 'L2', [4, 3.5])

/** A sealed segment whose column is in memory, or comes in chunks. */
function segmentOf(chunkRows: number): Segment {
  async function* chunks(): AsyncGenerator<ColumnChunk> {
    for (let from = 0; from < ROWS; from += chunkRows) {
      const rowCount = Math.min(chunkRows, ROWS - from)
      const part = values.slice(from * DIM, (from + rowCount) * DIM)
      yield { from, rowCount, column: { layout: 'fixed', width: DIM, values: part, validity: null } }
      part.fill(0) // a chunk is valid until the next one is asked for
    }
  }
  const segment: Partial<Segment> = {
    rowCount: ROWS,
    sortedByPk: true,
    isResident: () => chunkRows === 0,
    column: () => ({ layout: 'fixed', width: DIM, values, validity: null }),
    stream: () => chunks(),
  }
  return segment as Segment
}

function listed({ signed, rows }: SegmentHits): unknown {
  return Array.from(rows, (row, i) => [row, signed[i]])
}

const all: MatchedRows = { bits: onesBits(ROWS), count: ROWS, rows: null }

function half(): MatchedRows {
  const bits = newBits(ROWS)
  let count = 0
  for (let row = 0; row < ROWS; row++) {
    if (random.chance()) continue
    setBit(bits, row)
    count++
  }
  return { bits, count, rows: null }
}

t.test(`chunks give what memory gives (SEED=${seed})`, async t => {
  for (const match of [all, half()]) {
    for (const k of [1, 10, 700, 2_000, 16_384]) {
      for (const [low, high] of [
        [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
        [1.25, 9.25],
      ] as const) {
        const target = { fieldIndex: 0, k, ef: k, low, high }
        const expected = listed(await searchExact(segmentOf(0), match, query, target, new Turn()))
        for (const chunkRows of [333, 4_096, 5_000, ROWS]) {
          const hits = await searchExact(segmentOf(chunkRows), match, query, target, new Turn())
          t.same(listed(hits), expected, `${match.count} rows in chunks of ${chunkRows}, k ${k} from ${low}`)
        }
      }
    }
  }
})

t.test('a long chunk is scanned in slices when many hits are kept', async t => {
  const target = { fieldIndex: 0, k: 5_000, ef: 5_000, low: Number.NEGATIVE_INFINITY, high: 1_000 }
  fakeClock(t).leapMs = 10
  const passed = await roundsOf(() => searchExact(segmentOf(ROWS), all, query, target, new Turn()))
  t.ok(passed >= 3, `${passed} rounds`)
})
