/** Random rows, filters and writes of the metamorphic test. */
import type { Collection, Row } from '../../lib/index.js'
import type { Rng } from '../support/rng.js'

export const DIM = 4
export const BINARY_DIM = 16
export const KEYS = 160

const INTS = [0, 1, -1, 7, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 100]
const TEXTS = ['', 'a', 'ab', 'abc', 'B', 'zażółć', '🦅']
const FLOATS = [0, 0.1, -1.5, 2, 1e30]
const TIMES = ['1960-02-03T04:05:06Z', '2024-02-29T12:00:00Z', '2025-01-01T00:00:00.5Z']
const orNull = <T>(random: Rng, value: T): T | null => (random.chance(0.2) ? null : value)

/** Coordinates are small integers: sums of squares are exact, so scores of equal rows are equal bit by bit. */
const numbers = (random: Rng): number[] => Array.from({ length: DIM }, () => random.between(-8, 8))
const bits = (random: Rng): number[] => Array.from({ length: BINARY_DIM / 8 }, () => random.int(256))

function sparse(random: Rng): Record<number, number> {
  return Object.fromEntries(
    Array.from({ length: random.int(4) }, () => [
      random.pick([0, 1, 2, 3, 7, 4_294_967_294]),
      random.between(1, 5),
    ]),
  )
}

/** How the vector fields are searched: what a query vector is, and the bounds of a range with some rows in it. */
export const VECTORS: Readonly<
  Record<string, { make(random: Rng): unknown; readonly radius: number; readonly near: number }>
> = {
  vec: { make: numbers, radius: 120, near: 10 },
  v2: { make: numbers, radius: -0.5, near: 0.75 },
  half: { make: numbers, radius: -20, near: 60 },
  brain: { make: numbers, radius: 150, near: 16 },
  bytes: { make: numbers, radius: 0, near: 0.9 },
  bits: { make: bits, radius: 10, near: 4 },
  marks: { make: bits, radius: 0.9, near: 0.25 },
  sparse: { make: sparse, radius: 2, near: 12 },
}

/** Vectors of a row; the two nullable ones may be null. */
function vectors(random: Rng): Row {
  const made: Record<string, unknown> = {}
  for (const [name, { make }] of Object.entries(VECTORS)) made[name] = make(random)
  for (const name of ['v2', 'brain', 'marks']) made[name] = orNull(random, made[name])
  return made
}

function randomRow(random: Rng, id: number): Row {
  const row: Record<string, unknown> = {
    id,
    n: orNull(random, random.pick(INTS)),
    small: random.between(-128, 127),
    f: orNull(random, random.pick(FLOATS)),
    b: orNull(random, random.chance()),
    s: orNull(random, random.pick(TEXTS)),
    ts: orNull(random, random.pick(TIMES)),
    j: orNull(
      random,
      random.pick([{ k: random.int(5) }, { k: 'x', l: [1, 'a'] }, { l: [random.int(3)] }, [], 5]),
    ),
    tags: orNull(
      random,
      Array.from({ length: random.int(4) }, () => random.int(5)),
    ),
    ...vectors(random),
  }
  if (random.chance(0.3)) row['extra'] = random.pick([1, 1.5, 'x', true, null])
  return row
}

const quoted = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

function randomLeaf(random: Rng): string {
  const op = random.pick(['==', '!=', '<', '<=', '>', '>='])
  return random.pick([
    () => `n ${op} ${random.pick(INTS)}`,
    () => `small ${op} ${random.between(-140, 140)}`,
    () => `f ${op} ${random.pick(FLOATS)}`,
    () => `b == ${random.chance()}`,
    () => `s ${op} ${quoted(random.pick(TEXTS))}`,
    () => `s like ${quoted(random.pick(['a%', '%b%', '%', '_', '%c']))}`,
    () => `s ${random.pick(['=~', '!~'])} "${random.pick(['^a', 'b', '^$', '^.$'])}"`,
    () => `n in [${random.pick(INTS)}, ${random.pick(INTS)}]`,
    () => `small not in [${random.between(-5, 5)}, ${random.between(-5, 5)}]`,
    () => `${random.pick(['n', 's', 'f', 'j', 'tags', 'ts', 'extra'])} is ${random.pick(['', 'not '])}null`,
    () => `ts ${op} ISO '${random.pick(TIMES)}'`,
    () => `j["k"] ${op} ${random.pick(['2', '"x"', '1.5'])}`,
    () => `exists ${random.pick(['j["l"]', 'extra'])}`,
    () => `json_contains(j["l"], ${random.pick(['1', '"a"'])})`,
    () => `array_contains(tags, ${random.int(5)})`,
    () => `array_contains_any(tags, [${random.int(5)}, ${random.int(5)}])`,
    () => `array_contains_all(tags, [${random.int(5)}, ${random.int(5)}])`,
    () => `array_length(tags) ${op} ${random.int(4)}`,
    () => `tags[0] ${op} ${random.int(5)}`,
    () => `n % 3 == ${random.int(3)}`,
    () => `small ${op} n`,
    () => `extra ${op} ${random.pick(['1', '"x"', '1.5'])}`,
    () => `${random.between(-100, 0)} < small <= ${random.between(1, 100)}`,
    () => `id ${op} ${random.int(KEYS)}`,
    () => `id in [${Array.from({ length: 5 }, () => random.int(KEYS)).join(', ')}]`,
  ])()
}

export function randomFilter(random: Rng, depth = 2): string {
  if (depth === 0 || random.chance(0.3)) return randomLeaf(random)
  if (random.chance(0.25)) return `not (${randomFilter(random, depth - 1)})`
  return `(${randomFilter(random, depth - 1)}) ${random.pick(['and', 'or'])} (${randomFilter(random, depth - 1)})`
}

/** The same step of writing for every database. */
export function randomWrite(random: Rng): (c: Collection) => Promise<unknown> {
  const rows = Array.from({ length: random.between(1, 40) }, () => randomRow(random, random.int(KEYS)))
  const once = [...new Map(rows.map(row => [row['id'], row])).values()]
  const filter = randomFilter(random, 1)
  const ids = Array.from({ length: 6 }, () => random.int(KEYS))
  const merged = vectors(random)
  return random.pick([
    (c: Collection) => c.upsert(once),
    (c: Collection) => c.upsert(once),
    (c: Collection) => c.upsert(once, { partitionName: 'p' }),
    // Versions of a key that is there, and twice within one request: a read shows the newest.
    (c: Collection) => c.insert(rows.slice(0, 10)),
    (c: Collection) =>
      c.upsert(
        once.map(({ id, s }) => ({ ...merged, id, s, extra: 'merged', small: 0, vec: [0, 0, 0, 1] })),
        { partialUpdate: true },
      ),
    (c: Collection) => c.delete({ ids }),
    (c: Collection) => c.delete({ ids, partitionName: 'p' }),
    (c: Collection) => c.delete({ filter: `(${filter}) and small > 60` }),
  ])
}
