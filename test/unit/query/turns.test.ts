/**
 * Long reads give the event loop its turns: with a clock that leaps at every look, each look at the clock is a turn, so
 * the rounds that pass say how finely the work is cut. Answers are those of the other tests of this room.
 */
import t from 'tap'
import { Turn } from '../../../lib/base/turn.js'
import { fuse } from '../../../lib/query/fuse.js'
import { hitsOf } from '../../../lib/query/hits.js'
import { planOutput } from '../../../lib/query/plan.js'
import { projectionOf } from '../../../lib/query/project.js'
import type { Ranking } from '../../../lib/query/reduce.js'
import { runCount, runGet, runQuery } from '../../../lib/query/retrieve.js'
import { runSearch } from '../../../lib/query/search.js'
import { SearchPages } from '../../../lib/query/search-pages.js'
import { rng } from '../../support/rng.js'
import { fakeClock, roundsOf } from '../../support/rounds.js'
import { randomFruit } from './fixture.js'

const ROWS = 6_000
const fruit = randomFruit(rng(31), { rowCount: ROWS, sealed: 1, growing: false })
const { context, snapshot, segments } = fruit
const ids = fruit.rows.map(row => row.values['id'] as number)
const vector = (i: number): number[] => fruit.rows[i]!.values['vec'] as number[]
const asked = { annsField: 'vec', outputFields: ['age'] }

/** The rows of the fixture in one list. */
function ranking(count: number): Ranking {
  return {
    ids: ids.slice(0, count),
    signed: ids.slice(0, count).map((_, i) => i),
    segmentOf: new Array<number>(count).fill(0),
    rows: Array.from({ length: count }, (_, i) => i),
    dropped: 0,
  }
}

/** `atLeast`: about one turn for each slice the work is made of; the building of rows alone has one for 16 rows. */
function gives(what: string, atLeast: number, work: () => unknown): void {
  t.test(`${what} gives at least ${atLeast} turns`, async t => {
    fakeClock(t).leapMs = 10
    const passed = await roundsOf(work)
    t.ok(passed >= atLeast, `${passed} rounds`)
  })
}

gives('a get of 6,000 keys', 384, () => runGet(context, snapshot, ids, []))
gives('the building of 500 rows', 30, () => runGet(context, snapshot, ids.slice(0, 500), ['*']))
gives('an order over 6,000 rows', 320, () =>
  runQuery(context, snapshot, { orderBy: 'price,color', limit: 5_000, outputFields: ['id'] }),
)
gives('the sorting of 6,000 groups', 30, () =>
  runQuery(context, snapshot, {
    groupBy: 'id',
    orderBy: 'id:desc',
    limit: 6_000,
    outputFields: ['id', 'count(*)'],
  }),
)
gives('the preparation of 200 query vectors and their searches', 480, () =>
  runSearch(context, snapshot, {
    ...asked,
    data: Array.from({ length: 200 }, (_, i) => vector(i)),
    limit: 3,
    outputFields: [],
  }),
)
gives('the making of 30 × 1,000 hits', 1_885, () => {
  const projection = projectionOf(context, planOutput(context.schema, [], false))
  const rankings = Array.from({ length: 30 }, () => ranking(1_000))
  return hitsOf(projection, segments, rankings, signed => signed, new Turn())
})
gives('the fusion of two lists of 6,000', 16, () => {
  const list = { ranking: ranking(ROWS), metric: 'L2' } as const
  return fuse(segments, [list, list], { kind: 'rrf', k: 60 }, new Turn())
})
gives('a search whose 6,000 hits are sorted by a path', 575, () =>
  runSearch(context, snapshot, { ...asked, data: [vector(0)], limit: ROWS, orderBy: 'meta["n"]' }),
)
gives('a boost of 6,000 hits', 403, () =>
  runSearch(context, snapshot, {
    ...asked,
    data: [vector(0)],
    limit: ROWS,
    outputFields: [],
    functionScore: { functions: [{ params: { reranker: 'boost', weight: 2, filter: 'age > 50' } }] },
  }),
)
gives('a page of 6,000 hits of an iterator', 388, async () => {
  const pages = await SearchPages.open(context, snapshot, { ...asked, data: [vector(0)] })
  await pages.next(snapshot, ROWS)
})
gives('a boost with a random factor of 6,000 hits', 410, () =>
  runSearch(context, snapshot, {
    ...asked,
    data: [vector(0)],
    limit: ROWS,
    outputFields: [],
    functionScore: { functions: [{ params: { reranker: 'boost', weight: 2, random_score: { seed: 7 } } }] },
  }),
)
gives('a get of 600 keys that none of 12 segments has', 4, () => {
  const twelve = randomFruit(rng(32), { rowCount: 120, sealed: 12, growing: false })
  return runGet(
    twelve.context,
    twelve.snapshot,
    Array.from({ length: 600 }, (_, i) => -i * 1_000_000 - 1),
    [],
  )
})
gives('a sample of 6,000 rows that pass a filter', 2, () =>
  runCount(context, snapshot, { filter: 'age >= 0 and random_sample(0.5)' }),
)
