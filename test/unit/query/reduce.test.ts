/** Merging the hits of segments, against sorting all of them; long lists in slices give the same. */
import t from 'tap'
import { Turn } from '../../../lib/base/turn.js'
import { type Ranking, reduceHits } from '../../../lib/query/reduce.js'
import type { SegmentHits } from '../../../lib/query/segment-hits.js'
import { compareKeys, type MemorySegment } from '../../support/memory-segment.js'
import { type Rng, rng, seedOf } from '../../support/rng.js'
import { fakeClock, roundsOf } from '../../support/rounds.js'
import { randomFruit } from './fixture.js'

const seed = seedOf(5)

/** Hits of every row of a segment, with few distinct scores, best first, equal scores by key and then by age. */
function hitsOf(segment: MemorySegment, random: Rng, scores: number): SegmentHits {
  const rows = Array.from({ length: segment.rowCount }, (_, row) => ({ row, signed: random.int(scores) / 4 }))
  rows.sort((a, b) => a.signed - b.signed || segment.comparePk(a.row, b.row) || a.row - b.row)
  return { signed: Float64Array.from(rows, r => r.signed), rows: Int32Array.from(rows, r => r.row) }
}

/** By sorting everything: the best hit of each key, the newest of equally good ones. */
function expected(segments: readonly MemorySegment[], hits: readonly SegmentHits[], need: number): unknown[] {
  const all = hits.flatMap((list, s) =>
    Array.from(list.rows, (row, i) => ({
      id: segments[s]!.pkOf(row),
      signed: list.signed[i]!,
      tick: segments[s]!.tickOf(row),
      s,
      row,
    })),
  )
  all.sort((a, b) => a.signed - b.signed || compareKeys(a.id, b.id) || b.tick - a.tick)
  const seen = new Set<unknown>()
  const kept = all.filter(hit => !seen.has(hit.id) && seen.add(hit.id))
  return kept.slice(0, need).map(({ id, signed, s, row }) => [id, signed, s, row])
}

function entries({ ids, signed, segmentOf, rows }: Ranking): unknown[] {
  return ids.map((id, i) => [id, signed[i], segmentOf[i], rows[i]])
}

for (const pk of ['int64', 'varchar'] as const) {
  t.test(`the best version of each ${pk} key, however many are wanted (SEED=${seed})`, async t => {
    const random = rng(seed)
    const fruit = randomFruit(random, { rowCount: 4_000, sealed: 3, duplicates: 0.3, pk, dim: 1 })
    const hits = fruit.segments.map(segment => hitsOf(segment, random, 40))
    for (const need of [1, 10, 32, 33, 500, 1_024, 1_025, 5_000]) {
      const turn = new Turn()
      const ranking = await reduceHits(fruit.segments, hits, need, turn)
      const wanted = expected(fruit.segments, hits, need)
      // The merge stops at the last key wanted; another version of that one may be behind it.
      const sure = wanted.length < need ? wanted.length : need - 1
      t.same(entries(ranking).slice(0, sure), wanted.slice(0, sure), `${need} keys`)
      t.same(ranking.ids.at(-1), (wanted.at(-1) as unknown[])[0])
      t.equal(ranking.signed.length, wanted.length)
      if (need === 5_000) t.equal(ranking.dropped, 4_000 - wanted.length, 'hits left out are counted')
    }
    t.same(await reduceHits(fruit.segments, [], 10, new Turn()), {
      ids: [],
      signed: [],
      segmentOf: [],
      rows: [],
      dropped: 0,
    })
  })
}

t.test('few hits are merged at once, many with a look at the clock for every 1,024', async t => {
  const random = rng(seed)
  const fruit = randomFruit(random, { rowCount: 6_000, sealed: 2, growing: false, dim: 1 })
  const hits = fruit.segments.map(segment => hitsOf(segment, random, 4_000))
  t.notOk(reduceHits(fruit.segments, hits, 1_000, new Turn()) instanceof Promise)
  fakeClock(t).leapMs = 10
  const passed = await roundsOf(() => reduceHits(fruit.segments, hits, 6_000, new Turn()))
  t.ok(passed >= 4, `${passed} rounds`)
})
