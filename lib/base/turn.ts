/**
 * Lets the event loop breathe in the middle of long work.
 *
 * A search, a query or a sort over many rows runs in small steps; between two steps it asks `due()`, and when its slice
 * of time is used up it awaits `next()`, which lets timers, sockets and other requests run first. The service that
 * embeds the engine shares our thread, so no synchronous step may hold it longer than about 10 ms (architecture §8):
 * a slice of 5 ms leaves as much again for the step that crosses the line.
 */

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
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#startedMs = performance.now()
        resolve()
      })
    })
  }
}
