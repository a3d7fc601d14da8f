/**
 * How long reads hold the event loop.
 *
 * A turn is what happens between two calls of an immediate that asks for the next one at once: one round of the loop,
 * so one slice of whatever works on it. Its length is the time on the clock minus the time that the kernel let the main
 * thread wait for a processor (Linux counts that, exactly, as the second number of `schedstat`): what other programs took
 * is no step of ours, but page faults and waiting for the disk are. The processor time of the process would not do: it
 * holds the worker threads and those of the garbage collector, and Node 20 does not tell that of one thread. Without
 * `schedstat` the clock alone counts. What noise is left (a virtual machine that stands still) only adds, so a read is
 * repeated and the least of its longest turns is reported.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'

/** What one step on the event loop may take, milliseconds. */
export const STEP_MS = 10

/** The main thread's account of waiting; −1 where there is none. */
function openAccount(): number {
  try {
    return openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  } catch {
    return -1 // not Linux, or a kernel that does not count
  }
}

const text = Buffer.alloc(96)

/** Milliseconds that the main thread has waited for a processor. */
function waitedMs(account: number): number {
  if (account < 0) return 0
  const length = readSync(account, text, 0, text.length, 0)
  let at = 0
  while (at < length && text[at] !== 0x20) at++
  let ns = 0
  for (at++; at < length && text[at] !== 0x20; at++) ns = ns * 10 + text[at]! - 0x30
  return ns / 1e6
}

/** A clock that stands still while the main thread waits for a processor, milliseconds. */
function ownMs(account: number): number {
  // A wait between the two readings would be taken off and not be on the clock.
  for (let waited = waitedMs(account); ; ) {
    const ms = performance.now() - waited
    const after = waitedMs(account)
    if (after === waited) return ms
    waited = after
  }
}

/** Turns of the event loop while something ran. */
export interface Turns {
  /** Turns longer than STEP_MS. */
  readonly count: number
  readonly longestMs: number
  /** Garbage collection in the longest turn, milliseconds on the clock: what slicing cannot shorten. */
  readonly collectingMs: number
  /** Length of the whole, milliseconds on the clock. */
  readonly ms: number
}

/** Watches the turns of the event loop while `work` runs. */
export async function watchTurns(work: () => Promise<unknown>): Promise<Turns> {
  const account = openAccount()
  let count = 0
  let longestMs = 0
  let last = 0
  let lastClock = 0
  let [longestFrom, longestTo] = [0, 0]
  const now = (): number => ownMs(account)
  const collections: PerformanceEntry[] = []
  const observer = new PerformanceObserver(list => collections.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  const look = (): void => {
    const ms = now() - last
    if (ms > STEP_MS) count++
    if (ms > longestMs) {
      longestMs = ms
      longestFrom = lastClock
      longestTo = performance.now()
    }
    immediate = setImmediate(look)
    lastClock = performance.now()
    last = now()
  }
  let immediate = setImmediate(look)
  // The work begins in a turn of its own, and its last turn counts too.
  await new Promise(resolve => setImmediate(resolve))
  const started = performance.now()
  lastClock = started
  last = now()
  longestMs = 0
  count = 0
  try {
    await work()
    const ms = performance.now() - started
    await new Promise(resolve => setImmediate(resolve))
    clearImmediate(immediate)
    // The observer is told of collections a little later.
    await new Promise(resolve => setTimeout(resolve, 2))
    collections.push(...observer.takeRecords())
    let collectingMs = 0
    for (const { startTime, duration } of collections)
      if (startTime >= longestFrom && startTime < longestTo) collectingMs += duration
    return { count, longestMs, collectingMs, ms }
  } finally {
    clearImmediate(immediate)
    observer.disconnect()
    if (account >= 0) closeSync(account)
  }
}

/** Of `times` runs, the one whose longest turn was shortest. `prepare` is not watched, what it returns is. */
export async function leastTurns(
  times: number,
  prepare: (i: number) => () => Promise<unknown>,
): Promise<Turns> {
  let least: Turns | null = null
  for (let i = 0; i < times; i++) {
    const turns = await watchTurns(prepare(i))
    if (least === null || turns.longestMs < least.longestMs) least = turns
  }
  return least ?? { count: 0, longestMs: 0, collectingMs: 0, ms: 0 }
}
