/** Row order against the plainest sort there is, on the nastiest keys. */
import t from 'tap'
import { sortByKey } from '../../../lib/compaction/row-order.js'
import type { Column } from '../../../lib/schema/column.js'
import { rng, seedOf } from '../../support/rng.js'
import { int64Column, textColumn } from '../../support/stored-rows.js'

const seed = seedOf(3)
const EDGES = [
  -(2n ** 63n),
  2n ** 63n - 1n,
  -1n,
  0n,
  1n,
  2n ** 32n,
  -(2n ** 32n),
  2n ** 31n,
  2n ** 53n + 1n,
  65_536n,
  -65_537n,
]

/** Sorts with JavaScript's own sort over whole values; ties by tick, then by the order given. */
function expected<T>(
  keys: readonly T[],
  compare: (a: T, b: T) => number,
  ticks: Float64Array,
  rows: Int32Array,
): Int32Array {
  const place = new Map([...rows].map((row, i) => [row, i]))
  return Int32Array.from(
    [...rows].sort(
      (a, b) => compare(keys[a]!, keys[b]!) || ticks[a]! - ticks[b]! || place.get(a)! - place.get(b)!,
    ),
  )
}

const bigints = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)
const texts = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

function sorted(pk: Column, ticks: Float64Array, rows: Int32Array): Int32Array {
  const copy = rows.slice()
  sortByKey(pk, ticks, copy)
  return copy
}

t.test(`Int64 keys are in numeric order over all 64 bits, versions by tick (SEED=${seed})`, async t => {
  const random = rng(seed)
  for (let round = 0; round < 60; round++) {
    const count = 1 + random.int(400)
    const narrow = random.chance()
    const keys = Array.from({ length: count }, () => {
      if (random.chance(0.3)) return random.pick(EDGES)
      if (narrow) return BigInt(random.int(20) - 10)
      return BigInt.asIntN(64, (BigInt(random.int(2 ** 32)) << 32n) | BigInt(random.int(2 ** 32)))
    })
    const ticks = new Float64Array(count).map(() => random.int(5))
    const rows = Int32Array.from(random.shuffle([...keys.keys()])).slice(0, 1 + random.int(count))
    t.strictSame(
      sorted(int64Column(keys), ticks, rows),
      expected(keys, bigints, ticks, rows),
      `round ${round}`,
    )
  }
})

t.test(`text keys are in byte order, versions by tick (SEED=${seed})`, async t => {
  const random = rng(seed)
  const prefixes = ['', 'user-', 'a', 'ab\u0000', '\u0000', 'ÿ', '日本', '😀']
  for (let round = 0; round < 60; round++) {
    const count = 1 + random.int(400)
    const common = random.chance() ? random.pick(prefixes) : ''
    const keys = Array.from({ length: count }, () => {
      if (random.chance(0.2)) return common + random.pick(prefixes)
      return common + random.pick(prefixes) + random.letters(random.int(4)) + '\u0000'.repeat(random.int(2))
    })
    const ticks = new Float64Array(count).map(() => random.int(5))
    const rows = Int32Array.from(random.shuffle([...keys.keys()])).slice(0, 1 + random.int(count))
    t.strictSame(sorted(textColumn(keys), ticks, rows), expected(keys, texts, ticks, rows), `round ${round}`)
  }
})

t.test('keys in order, in reverse order and all the same', async t => {
  const rows = Int32Array.from({ length: 100 }, (_, i) => i)
  const ticks = new Float64Array(100).map((_, i) => 100 - i)
  const rising = Array.from({ length: 100 }, (_, i) => BigInt(i))
  const padded = rising.map(key => `key-${String(key).padStart(12, '0')}`)
  const reversed = Int32Array.from(rows).reverse()
  t.strictSame(sorted(int64Column(rising), ticks, rows), rows)
  t.strictSame(sorted(int64Column(rising.toReversed()), ticks, rows), reversed)
  t.strictSame(sorted(textColumn(padded), ticks, rows), rows)
  t.strictSame(sorted(textColumn(padded.toReversed()), ticks, rows), reversed)
  t.strictSame(sorted(int64Column(Array(100).fill(5n)), ticks, rows), reversed, 'falling ticks')
  t.strictSame(sorted(textColumn(Array(100).fill('k')), ticks, rows), reversed, 'falling ticks')
  t.strictSame(sorted(textColumn(['x']), ticks, new Int32Array(0)), new Int32Array(0))
})
