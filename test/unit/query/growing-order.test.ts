import t from 'tap'
import { onesBits } from '../../../lib/base/bitset.js'
import { Turn } from '../../../lib/base/turn.js'
import { orderOfMatch } from '../../../lib/query/growing-order.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { MemorySegment } from '../../support/memory-segment.js'
import { rng, seedOf } from '../../support/rng.js'
import { field, schemaOf } from './fixture.js'

const seed = seedOf(13)
const schema = schemaOf([field('id', DataType.Int64, { primaryKey: true })])

t.test(`rows come by key, equal keys by row, also when the segment has grown (SEED=${seed})`, async t => {
  const random = rng(seed)
  const segment = new MemorySegment(schema, [], { id: 1, kind: 'growing' })
  const grow = (count: number): void => {
    for (let i = 0; i < count; i++) {
      segment.rows.push({ values: { id: random.int(2000) - 1000 }, tick: segment.rowCount + 1 })
    }
  }
  const all = (): { bits: Uint32Array; count: number; rows: null } => {
    return { bits: onesBits(segment.rowCount), count: segment.rowCount, rows: null }
  }
  for (const more of [5, 2500, 0, 700, 1, 3000]) {
    grow(more)
    const order = await orderOfMatch(segment, all(), new Turn(0))
    const expected = Array.from({ length: segment.rowCount }, (_, row) => row)
    expected.sort((a, b) => segment.comparePk(a, b) || a - b)
    t.strictSame([...order], expected, `${segment.rowCount} rows`)
  }
})

t.test('two queries that sort at the same time both get the whole order', async t => {
  const random = rng(seed)
  const rows = Array.from({ length: 3000 }, (_, i) => ({ values: { id: random.int(100_000) }, tick: i + 1 }))
  const segment = new MemorySegment(schema, rows, { id: 1, kind: 'growing' })
  const match = { bits: onesBits(3000), count: 3000, rows: null }
  const first = orderOfMatch(segment, match, new Turn(0))
  const second = orderOfMatch(segment, match, new Turn(0))
  t.strictSame([...(await first)], [...(await second)])
})

t.test('few matched rows are sorted alone', async t => {
  const rows = Array.from({ length: 3000 }, (_, i) => ({ values: { id: 5000 - i }, tick: i + 1 }))
  const segment = new MemorySegment(schema, rows, { id: 1, kind: 'growing' })
  const match = { bits: new Uint32Array(94), count: 3, rows: Int32Array.of(10, 20, 30) }
  t.strictSame([...(await orderOfMatch(segment, match, new Turn()))], [30, 20, 10])
})
