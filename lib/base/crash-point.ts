/**
 * Named points at which a process can be told to kill itself, so that a test sees what a crash right there leaves
 * behind.
 *
 * The one idea: SIGKILL runs no handler, no `finally` and no exit hook, which is as close to a power cut as a process
 * gets (what the operating system already has, it keeps). A point costs one comparison while nothing is armed, so it
 * stays in the shipped code. Arming comes in as an option of open(), never from the environment.
 *
 * Invariant: at most one point is armed per thread; a worker thread is told by whoever starts it.
 */

/** A point to die at: the `afterHits`-th time it is reached (1 = the first). */
export interface CrashPoint {
  readonly name: string
  readonly afterHits: number
}

let armed: CrashPoint | null = null
let hits = 0

/** From now on the process kills itself when `name` is reached for the `afterHits`-th time. Replaces an older arming. */
export function armCrashPoint(name: string, afterHits = 1): void {
  armed = { name, afterHits }
  hits = 0
}

/** Nothing kills the process any more. */
export function disarmCrashPoint(): void {
  armed = null
}

/** What is armed in this thread, to hand it to a thread started from here; null when nothing is. */
export function armedCrashPoint(): CrashPoint | null {
  return armed
}

/** Does nothing unless this point is armed; then it kills the process, with all its threads. */
export function crashPoint(name: string): void {
  if (armed === null || armed.name !== name) return
  hits++
  if (hits >= armed.afterHits) process.kill(process.pid, 'SIGKILL')
}
