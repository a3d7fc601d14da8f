/**
 * Lets the event loop breathe in the middle of long work.
 *
 * A search, a query or a sort over many rows runs in small steps; between two steps it asks `due()`, and when the slice
 * of time is used up it awaits `next()`, which lets timers, sockets and other requests run first. The service that
 * embeds the engine shares our thread, so nothing may hold it longer than about 10 ms (architecture §8): a slice of
 * 2 ms leaves as much again for the step that crosses the line, and the rest for the garbage collector.
 *
 * The one idea: the slice belongs to the event loop, not to the work. Whoever looks at the clock first in a round of the
 * loop starts it, for everybody: fifty searches at once take 2 ms of a round together, not 2 ms each, and a thousand
 * short reads answered from memory count like one long one. Those who wait go on first come, first served, as many in
 * a round as its slice has room for; what comes meanwhile queues behind them, so nobody starves.
 */

/** Milliseconds that all work of one round of the event loop may take before it is asked to wait. */
const SLICE_MS = 2

/** Milliseconds of a clock that only moves forward; its zero means nothing. For durations, never for timestamps. */
export function monotonicMs(): number {
  return performance.now()
}

/** True from the first look at the clock in a round of the loop to the start of another round. */
let running = false
/** When that look was. */
let startedMs = 0
/** Rounds that were started: tells the end of one from that of another. */
let rounds = 0

/** Who waits for a turn, first one first, from `first` on. */
let waiting: (() => void)[] = []
let first = 0
/** True while somebody sees to it that waiters go on. */
let serving = false
/** True when waiters let one round pass because other work had used it up. */
let deferred = false
/** Waiters that may go on in this round; those who came during it are not among them. */
let admitted = 0

/** Starts the clock of a round. @returns what ends it */
function start(nowMs: number): () => void {
  running = true
  startedMs = nowMs
  const round = ++rounds
  return () => {
    if (rounds === round) running = false
  }
}

/**
 * Starts the clock outside of the phase of the loop in which waiters go on. That phase, which comes next, belongs to the
 * same round, so the clock runs until the one after.
 */
function startAnywhere(nowMs: number): void {
  const stop = start(nowMs)
  setImmediate(() => setImmediate(stop))
}

/** Starts the clock of this round for work that cannot stop in the middle: whoever comes after it in the round waits. */
export function countFromHere(): void {
  if (!running) startAnywhere(performance.now())
}

/** Resolves after everything else that waits on the event loop had its turn. */
function wait(): Promise<void> {
  return new Promise(resolve => {
    waiting.push(resolve)
    if (serving) return
    serving = true
    setImmediate(serve)
  })
}

/** Lets waiters go on in a new round. They let one pass that other work has used up, but only one. */
function serve(): void {
  const nowMs = performance.now()
  const usedUp = running && nowMs - startedMs >= SLICE_MS
  if (usedUp && !deferred) {
    deferred = true
    setImmediate(serve)
    return
  }
  deferred = false
  if (usedUp || !running) setImmediate(start(nowMs))
  // One goes on whatever the clock says: so nobody waits for ever, on however slow a machine.
  admitted = waiting.length - first
  letGoOn()
}

/** Lets the next waiter do a step, then looks at the clock. */
function letGoOn(): void {
  admitted--
  waiting[first++]!()
  // The step runs in microtasks; a tick that one of them asks for comes when all of them are done.
  queueMicrotask(() => process.nextTick(afterStep))
}

/** Lets the next one go on when there is time left in this round, and sees to the next round otherwise. */
function afterStep(): void {
  if (admitted > 0 && performance.now() - startedMs < SLICE_MS) letGoOn()
  else if (first < waiting.length) {
    if (first > 1_024) {
      waiting = waiting.slice(first)
      first = 0
    }
    setImmediate(serve)
  } else {
    waiting = []
    first = 0
    serving = false
  }
}

/** One piece of work's view of the clock. Cheap to make; a request makes one and hands it down. */
export class Turn {
  readonly #sliceMs: number

  /** @param sliceMs time in milliseconds that may pass in a round of the loop before `due()` says so. Default 2. */
  constructor(sliceMs = SLICE_MS) {
    this.#sliceMs = sliceMs
  }

  /** True when the slice of this round of the event loop is used up. The first look in a round starts its clock. */
  due(): boolean {
    const nowMs = performance.now()
    if (!running) {
      startAnywhere(nowMs)
      return false
    }
    return nowMs - startedMs >= this.#sliceMs
  }

  /** Resolves after everything else that waits on the event loop had its turn. */
  next(): Promise<void> {
    return wait()
  }

  /**
   * The same with half the slice: for work that makes many objects which stay, where the garbage collector is likely to
   * come in the same step and takes up to 8 ms.
   */
  shorter(): Turn {
    return new Turn(this.#sliceMs / 2)
  }
}

/**
 * Keeps many short pieces of work from adding up to one long one.
 *
 * A caller that awaits a thousand reads in a row, each answered from memory, never lets the event loop run: awaiting a
 * settled promise only takes microtasks. So reads ask here first, and now and then wait for a real turn.
 */
export class LoopGuard {
  readonly #turn: Turn

  /** @param sliceMs time in milliseconds within one round of the event loop after which callers wait. Default 2. */
  constructor(sliceMs = SLICE_MS) {
    this.#turn = new Turn(sliceMs)
  }

  /** A promise to await when this round of the event loop has lasted long enough; undefined otherwise. */
  breathe(): Promise<void> | undefined {
    return this.#turn.due() ? this.#turn.next() : undefined
  }
}
