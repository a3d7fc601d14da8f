/**
 * Seeded randomness for tests and benches: the same seed gives the same run on every machine.
 *
 * mulberry32: 32 bits of state, good enough to shuffle and to choose, and small enough to read. `SEED=…` in the
 * environment replays a run; tests print the seed in their names.
 */

export interface Rng {
  /** A number in [0, 1). */
  next(): number
  /** An integer in [0, below). */
  int(below: number): number
  /** An integer in [low, high], both included. */
  between(low: number, high: number): number
  /** True with the given probability, 0.5 when left out. */
  chance(probability?: number): boolean
  /** One of the items; the list must not be empty. */
  pick<T>(items: readonly T[]): T
  /** A new array with the same items in random order. */
  shuffle<T>(items: readonly T[]): T[]
  /** A normally distributed number (mean 0, deviation 1). */
  gauss(): number
  /** A vector of `dim` float32 values from `gauss`. */
  vector(dim: number): number[]
  /** A text of `length` letters from a to z. */
  letters(length: number): string
  /** An independent generator, so that one part's draws do not shift another's. */
  fork(): Rng
}

/** A generator from a 32-bit seed. */
export function rng(seed: number): Rng {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 15), z | 1)
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
    return ((z ^ (z >>> 14)) >>> 0) / 4_294_967_296
  }
  const int = (below: number): number => Math.floor(next() * below)
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  return {
    next,
    int,
    gauss,
    between: (low, high) => low + int(high - low + 1),
    chance: (probability = 0.5) => next() < probability,
    pick: items => {
      if (items.length === 0) throw new Error('pick: expected at least one item, found none')
      return items[int(items.length)]!
    },
    shuffle: items => {
      const out = items.slice()
      for (let i = out.length - 1; i > 0; i--) {
        const j = int(i + 1)
        const held = out[i]!
        out[i] = out[j]!
        out[j] = held
      }
      return out
    },
    vector: dim => Array.from({ length: dim }, () => Math.fround(gauss())),
    letters: length => Array.from({ length }, () => String.fromCharCode(97 + int(26))).join(''),
    fork: () => rng(int(0x1_0000_0000)),
  }
}

/** The seed to use: `SEED` from the environment, else the one given. */
export function seedOf(fallback: number): number {
  const text = process.env['SEED']
  if (text === undefined || text === '') return fallback
  const seed = Number(text)
  if (!Number.isInteger(seed)) throw new Error(`SEED: expected an integer, got ${JSON.stringify(text)}`)
  return seed
}

/** How often to repeat a random test: `RUNS` from the environment, else the number given. */
export function runsOf(fallback: number): number {
  const text = process.env['RUNS']
  if (text === undefined || text === '') return fallback
  const runs = Number(text)
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`RUNS: expected a positive integer, got ${text}`)
  return runs
}
