/**
 * Rounds of the event loop, for tests of work that is cut into slices: what they see depends on how often the work
 * looks at the clock, not on how fast it runs.
 */

/** What of a tap test is needed here. */
interface Test {
  teardown(work: () => void): void
}

export interface FakeClock {
  /** What `performance.now()` says. */
  ms: number
  /** Added with every look. */
  leapMs: number
}

/** Where the next clock begins: time never goes back. */
let latestMs = 1_000_000_000

/** A clock that stands still unless it is set, until the test is over. */
export function fakeClock(t: Test): FakeClock {
  const clock: FakeClock = { ms: latestMs, leapMs: 0 }
  const given = performance.now
  performance.now = () => {
    clock.ms += clock.leapMs
    return clock.ms
  }
  t.teardown(() => {
    performance.now = given
    latestMs = clock.ms
  })
  return clock
}

/** Lets some rounds of the event loop pass. */
export async function rounds(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

/** Rounds of the event loop that pass while `work` runs. */
export async function roundsOf(work: () => unknown): Promise<number> {
  let passed = -1
  const count = (): void => {
    passed++
    immediate = setImmediate(count)
  }
  let immediate = setImmediate(count)
  try {
    await work()
    return Math.max(0, passed)
  } finally {
    clearImmediate(immediate)
  }
}
