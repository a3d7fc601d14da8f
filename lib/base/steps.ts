/**
 * Long work written down as steps: one code that runs at once when there is little to do, and in slices of the event
 * loop when there is much.
 *
 * The one idea: a generator yields where it may be interrupted, and whoever runs it decides whether it is. What it reads
 * must not change between two steps; its callers see to that.
 */
import type { Turn } from './turn.js'

/** Work that yields where the event loop may have its turn, and returns its result. */
export type Steps<T> = Generator<void, T, void>

/** Runs all steps now. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Runs the steps, and lets the event loop have its turn between two of them whenever `turn` says that it is due. */
export async function inSlices<T>(steps: Steps<T>, turn: Turn): Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (turn.due()) await turn.next()
  }
}
