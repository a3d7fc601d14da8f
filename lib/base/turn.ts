/**
 * Lets the event loop breathe in the middle of long work.
 *
 * A search, a query or a sort over many rows runs in small steps; between two steps it asks `due()`, and when its slice
 * of time is used up it awaits `next()`, which lets timers, sockets and other requests run first. The service that
 * embeds the engine shares our thread, so no synchronous step may hold it longer than about 10 ms (architecture §8):
 * a slice of 5 ms leaves as much again for the step that crosses the line.
 */

/** Milliseconds of a clock that only moves forward; its zero means nothing. For durations, never for timestamps. */
export function monotonicMs(): number {
  return performance.now()
}

/** One piece of work's share of the event loop. Cheap to make; a request makes one and hands it down. */
export class Turn {
  readonly #sliceMs: number
  #startedMs = 0

  /** @param sliceMs time in milliseconds that may pass before `due()` says so. Default 5. */
  constructor(sliceMs = 5) {
    this.#sliceMs = sliceMs
  }

  /**
   * True when the slice is used up. The first call starts the clock, so short requests pay for no clock reading
   * before they have done a step of work.
   */
  due(): boolean {
    const nowMs = performance.now()
    if (this.#startedMs === 0) {
      this.#startedMs = nowMs
      return false
    }
    return nowMs - this.#startedMs >= this.#sliceMs
  }

  /** Resolves after everything else that waits on the event loop had its turn; the next slice starts then. */
  next(): Promise<void> {
    return new Promise(resolve => {
      setImmediate(() => {
        this.#startedMs = performance.now()
        resolve()
      })
    })
  }
}

/**
 * Keeps many short pieces of work from adding up to one long one.
 *
 * A caller that awaits a thousand reads in a row, each answered from memory, never lets the event loop run: awaiting a
 * settled promise only takes microtasks. So reads ask here first, and now and then wait for a real turn.
 */
export class LoopGuard {
  readonly #sliceMs: number
  #startedMs = 0
  #watching = false

  /** @param sliceMs time in milliseconds within one turn of the event loop after which callers wait. Default 5. */
  constructor(sliceMs = 5) {
    this.#sliceMs = sliceMs
  }

  /** A promise to await when this turn of the event loop has lasted long enough; undefined otherwise. */
  breathe(): Promise<void> | undefined {
    if (!this.#watching) {
      this.#watching = true
      this.#startedMs = performance.now()
      setImmediate(() => {
        this.#watching = false
      })
      return undefined
    }
    if (performance.now() - this.#startedMs < this.#sliceMs) return undefined
    return new Promise(resolve => setImmediate(resolve))
  }
}
