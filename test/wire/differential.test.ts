/**
 * The same answers through every door: random scripts run through the embedded API, gRPC and REST on one engine, and
 * every result, error codes included, is compared.
 *
 * `SEED=…` chooses other scripts, `RUNS=…` their number.
 */
import t from 'tap'
import { type Rng, rng, runsOf, seedOf } from '../support/rng.js'
import type { Door, Op, Outcome, Row, Search } from './doors/door.js'
import { embeddedDoor } from './doors/embedded-door.js'
import { grpcDoor } from './doors/grpc-door.js'
import { restDoor } from './doors/rest-door.js'
import { serveDirectory } from './served.js'

const SEED = seedOf(77)
const RUNS = runsOf(10)
const STEPS = 150

const FILTERS = [
  '',
  'id > 10',
  'id in [1, 2, 3, 40]',
  'title like "a%"',
  'pages > 50 or pages is null',
  'price >= 2.5 and not (title == "b")',
  'doc["a"] > 1',
  'doc["s"] == "x"',
  'array_contains(tags, "x")',
  'array_length(longs) == 2',
  'more == 7',
  'exists more',
  // mistakes
  'id >',
  'nothing == 1 and id > "x"',
  'title + 1 == 2',
  'array_contains(title, 1)',
] as const
const OUTPUTS = [
  ['*'],
  ['id'],
  ['title', 'pages'],
  ['vector', 'doc'],
  ['tags', 'longs', 'terms'],
  ['more'],
  ['id', 'gone["x"]'],
] as const

function row(random: Rng, id: number): Row {
  return {
    id,
    vector: random.vector(4),
    terms: { [random.int(5)]: random.next() + 0.1, [5 + random.int(50)]: random.next() + 0.1 },
    title: random.letters(random.between(1, 3)),
    ...some(random, 0.8, { pages: random.int(100) }),
    ...some(random, 0.6, { price: random.pick([1.25, 3, -0.1]) }),
    ...some(random, 0.7, { doc: random.pick([{ a: 1 }, { a: 2, s: 'x' }, { l: [1, 'ü', null] }, {}]) }),
    ...some(random, 0.7, { tags: random.pick([[], ['x'], ['x', 'y', 'z']]) }),
    ...some(random, 0.7, { longs: random.pick([[], [1, 2], [-5]]) }),
    ...some(random, 0.5, { more: random.pick([7, 'text', true, [1, 2], { deep: { x: 1 } }]) }),
  }
}

/** The members, or null values of those that may be null, or nothing. */
function some(random: Rng, share: number, members: Row): Row {
  if (random.chance(share)) return members
  const [key] = Object.keys(members)
  return random.chance(0.3) && key !== 'more' ? { [key!]: null } : {}
}

/** What is wrong with a row and every door must refuse. */
function spoiled(random: Rng, given: Row): Row {
  const wrong: readonly Row[] = [
    { title: 'far too long for this field' },
    { tags: ['123456789'] },
    { longs: [1, 2, 3, 4, 5] },
    { terms: { 3: -1 } },
  ]
  return { ...given, ...random.pick(wrong) }
}

function rows(random: Rng): Row[] {
  const ids = random.shuffle(Array.from({ length: 60 }, (_, i) => i)).slice(0, random.between(1, 6))
  const out = ids.map(id => row(random, id))
  if (random.chance(0.08)) out[0] = spoiled(random, out[0]!)
  return out
}

/** The same rows without some of their fields; all rows lose the same ones, as one request has one set of columns. */
function merging(random: Rng): Row[] {
  const kept = ['title', 'pages', 'price', 'doc', 'tags'].filter(() => random.chance())
  return rows(random).map(given =>
    Object.fromEntries(['id', ...kept].map(key => [key, given[key] ?? KEPT[key]])),
  )
}

const KEPT: Row = { pages: null, price: 9, doc: null, tags: null }

const partition = (random: Rng): string =>
  random.chance(0.7) ? '' : random.pick(['p1', 'p1', 'p2', '_default', 'nowhere'])

function search(random: Rng): Search {
  const limit = random.pick([1, 3, 10, 10, 10, 10, 10, 0, 20_000])
  const filter = random.chance(0.5) ? '' : random.pick(FILTERS)
  if (random.chance(0.6))
    return { field: 'vector', data: random.vector(random.chance(0.95) ? 4 : 3), limit, filter }
  return { field: 'terms', data: { [random.int(5)]: 1, [5 + random.int(50)]: 0.5 }, limit, filter }
}

const good = (one: Search): Search => ({ ...one, limit: 5 })

const MAKERS: readonly (readonly [weight: number, make: (random: Rng) => Op])[] = [
  [14, random => ({ kind: 'insert', rows: rows(random), partition: partition(random) })],
  [14, random => ({ kind: 'upsert', rows: rows(random), partition: partition(random) })],
  [10, random => ({ kind: 'merge', rows: merging(random), partition: '' })],
  [
    5,
    random => ({
      kind: 'arrays',
      rows: [1, 2, 3].map(id => ({ id, tags: [random.pick(['x', 'y', 'w'])] })),
      op: random.pick(['ARRAY_APPEND', 'ARRAY_REMOVE'] as const),
    }),
  ],
  [6, random => ({ kind: 'delete', filter: random.pick(FILTERS), partition: partition(random) })],
  [8, random => ({ kind: 'get', ids: [random.int(60), random.int(60), 1], outputs: random.pick(OUTPUTS) })],
  [
    14,
    random => ({
      kind: 'query',
      filter: random.pick(FILTERS),
      outputs: random.pick(OUTPUTS),
      limit: random.pick([1, 10, 100, 100, 20_000]),
      offset: random.pick([0, 0, 0, 5]),
      partitions: random.chance(0.8) ? [] : [random.pick(['p1', '_default', 'nowhere'])],
    }),
  ],
  [6, random => ({ kind: 'count', filter: random.pick(FILTERS) })],
  [
    16,
    random => ({
      kind: 'search',
      ...search(random),
      // The SDK shows the key of a hit only when asked for it.
      outputs: ['id', ...random.pick(OUTPUTS)],
      groupBy: random.chance(0.85) ? '' : random.pick(['pages', 'title', 'vector']),
    }),
  ],
  [
    6,
    random => ({
      kind: 'hybrid',
      requests: [good(search(random)), good(search(random))],
      weights: random.chance() ? null : random.pick([[0.7, 0.3], [1], [2, 1]]),
    }),
  ],
  [3, random => ({ kind: 'createPartition', partition: random.pick(['p1', 'p2', 'p1', '1 bad']) })],
  [1, random => ({ kind: 'dropPartition', partition: random.pick(['p2', 'nowhere', '_default']) })],
  [2, random => ({ kind: 'hasPartition', partition: random.pick(['p1', 'nowhere']) })],
  [2, random => ({ kind: 'createAlias', alias: random.pick(['second', 'third', 'books', '1 bad']) })],
  [1, random => ({ kind: 'dropAlias', alias: random.pick(['second', 'nowhere']) })],
  [2, random => ({ kind: 'createIndex', field: random.pick(['title', 'pages', 'gone']) })],
  [1, random => ({ kind: 'dropIndex', field: random.pick(['title', 'nowhere']) })],
  [
    3,
    random => ({ kind: random.pick(['loadState', 'stats', 'partitions', 'aliases', 'describe'] as const) }),
  ],
  [2, () => ({ kind: 'flush' })],
  [1, () => ({ kind: 'release' })],
  [8, () => ({ kind: 'load' })],
]

function nextOp(random: Rng): Op {
  let at = random.int(MAKERS.reduce((sum, [weight]) => sum + weight, 0))
  for (const [weight, make] of MAKERS) {
    at -= weight
    if (at < 0) return make(random)
  }
  throw new Error('weights add up')
}

const REFUSED = 'refused by the client'

/** Outcomes by door, and whether the client itself refused before it asked. */
async function through(doors: readonly Door[], op: Op): Promise<(Outcome | typeof REFUSED)[]> {
  return Promise.all(
    doors.map(async door => {
      try {
        return await door.run(op)
      } catch (error) {
        // The Node SDK checks some requests before it sends them; it must be right about that.
        if (door.name === 'gRPC') return REFUSED
        throw error
      }
    }),
  )
}

t.setTimeout(200_000)

for (let run = 0; run < RUNS; run++) {
  const seed = SEED + run
  t.test(`${STEPS} steps through three doors, SEED=${seed}`, async t => {
    const served = await serveDirectory(t.testdir())
    const doors = [embeddedDoor(served), await grpcDoor(served), restDoor(served)] as const
    for (const door of doors) await door.create()
    const random = rng(seed)
    const counts = { values: 0, errors: 0, client: 0 }
    const differences: unknown[] = []
    for (let step = 0; step < STEPS; step++) {
      const op = nextOp(random)
      const [ours, grpc, rest] = (await through(doors, op)) as [Outcome, Outcome | typeof REFUSED, Outcome]
      if (grpc === REFUSED) counts.client++
      else if ('value' in ours) counts.values++
      else counts.errors++
      const same = (other: unknown): boolean => JSON.stringify(other) === JSON.stringify(ours)
      const clientAgrees = grpc === REFUSED && 'code' in ours
      if (!same(rest) || !(same(grpc) || clientAgrees))
        differences.push({ step, op, embedded: ours, grpc, rest })
    }
    t.strictSame(
      differences.slice(0, 3).map(one => JSON.stringify(one)),
      [],
    )
    t.comment(
      `${counts.values} values and ${counts.errors} errors alike, ${counts.client} refused by the SDK`,
    )
    t.ok(counts.values > STEPS / 3 && counts.errors > STEPS / 20, 'there was something to compare')
    for (const door of doors) await door.close()
    await served.close()
    t.strictSame(served.warnings, [])
  })
}
