import t from 'tap'
import { newBits, onesBits, setBit } from '../../../lib/base/bitset.js'
import { FilterCache } from '../../../lib/query/filter-cache.js'

t.test('a cached filter is found by segment and key', async t => {
  const cache = new FilterCache()
  const bits = newBits(100)
  setBit(bits, 7)
  cache.set(1, 'a > 1', bits)
  t.equal(cache.get(1, 'a > 1')?.count, 1)
  t.equal(cache.get(2, 'a > 1'), undefined)
  t.equal(cache.get(1, 'a > 2'), undefined)
})

t.test('the least recently used entries go when the budget is spent', async t => {
  const cache = new FilterCache(3 * 1500)
  for (const key of ['a', 'b', 'c']) cache.set(1, key, onesBits(8000))
  t.equal(cache.size, 3)
  cache.get(1, 'a')
  cache.set(1, 'd', onesBits(8000))
  t.ok(cache.get(1, 'a'), 'used last')
  t.equal(cache.get(1, 'b'), undefined, 'used least')
  t.ok(cache.bytes <= 3 * 1500)
})

t.test('an entry beyond the budget is not kept', async t => {
  const cache = new FilterCache(100)
  t.equal(cache.set(1, 'a', onesBits(8000)).count, 8000)
  t.equal(cache.size, 0)
  t.equal(cache.bytes, 0)
})

t.test('a match belongs to one visibility bitset, compared by identity', async t => {
  const cache = new FilterCache()
  cache.set(1, 'a', onesBits(64))
  const visible = onesBits(64)
  const match = { bits: onesBits(64), count: 64, rows: null }
  cache.setMatch(1, 'a', visible, match)
  t.equal(cache.matchOf(1, 'a', visible), match)
  t.equal(cache.matchOf(1, 'a', onesBits(64)), null)
})

t.test('bytes are given back when a segment is dropped and when everything is cleared', async t => {
  const cache = new FilterCache()
  const visible = onesBits(640)
  cache.set(1, 'a', onesBits(640))
  cache.setMatch(1, 'a', visible, { bits: onesBits(640), count: 640, rows: null })
  cache.set(11, 'a', onesBits(640))
  const both = cache.bytes
  cache.dropSegment(1)
  t.equal(cache.get(1, 'a'), undefined)
  t.ok(cache.get(11, 'a'), 'segment 11 is not segment 1')
  t.ok(cache.bytes < both)
  cache.clear()
  t.equal(cache.bytes, 0)
})
