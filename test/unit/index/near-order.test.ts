import t from 'tap'
import type { MetricType } from '../../../lib/index/index-spec.js'
import { nearOrder } from '../../../lib/index/near-order.js'
import { rng } from '../../support/rng.js'

const DIM = 8

/** Vectors around some centres, shuffled; which centre each belongs to. */
function clouds(rowCount: number, centres: number) {
  const r = rng(3)
  const middle = Array.from({ length: centres }, () => r.vector(DIM).map(value => value * 10))
  const centreOf = Array.from({ length: rowCount }, () => r.int(centres))
  const values = new Float32Array(rowCount * DIM)
  for (const [row, centre] of centreOf.entries()) {
    const noise = r.vector(DIM)
    for (let j = 0; j < DIM; j++) values[row * DIM + j] = middle[centre]![j]! + noise[j]! * 0.1
  }
  return { values, centreOf }
}

t.test('every row once, near ones together, under every metric', async t => {
  const { values, centreOf } = clouds(6_000, 20)
  // Few rows stay as they are.
  const few = Int32Array.from({ length: 4_000 }, (_, row) => row)
  t.equal(
    nearOrder('L2', values, DIM, few, () => {}),
    few,
  )
  // Every seventh row is left out, as rows without a vector are.
  const some = Int32Array.from(centreOf.keys()).filter(row => row % 7 !== 0)
  t.strictSame(Int32Array.from(nearOrder('L2', values, DIM, some, () => {})).sort(), some)
  const all = Int32Array.from(centreOf.keys())
  for (const metric of ['L2', 'COSINE', 'IP'] as MetricType[]) {
    const order = nearOrder(metric, values, DIM, all, () => {})
    t.strictSame(Int32Array.from(order).sort(), all, metric)
    let changes = 0
    for (let i = 1; i < order.length; i++) if (centreOf[order[i]!] !== centreOf[order[i - 1]!]) changes++
    // In the given order 19 of 20 neighbours are of another cloud.
    t.ok(changes < 300, `${metric}: ${changes} changes of cloud`)
  }
})

t.test('vectors of zeros and a pause that gives up', async t => {
  const all = Int32Array.from({ length: 5_000 }, (_, row) => row)
  const zeros = new Float32Array(5_000 * DIM)
  for (const metric of ['L2', 'COSINE'] as MetricType[])
    t.strictSame(
      Int32Array.from(nearOrder(metric, zeros, DIM, all, () => {})).sort(),
      all,
      'nothing is lost when nothing is near',
    )
  const stop = (): never => {
    throw new Error('canceled')
  }
  t.throws(() => nearOrder('L2', zeros, DIM, all, stop), /canceled/)
})
