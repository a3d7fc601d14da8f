/**
 * Many callers, one synced write: requests are made ready while the write before is under way, and go out together.
 *
 * The one idea: a sync costs the same for one item and for a thousand, so the busier the store, the cheaper a write.
 * Two things go on at once: the *open group* is made ready item by item (work for this thread), while the group before
 * it is being written (work for the disk). A group is launched when nothing is being written and either nobody waits
 * or it is worth a write of its own: then the next group is made ready during its sync.
 *
 *     line --(bounds)--> queue --prepare--> open group --launch--> written, answered
 *
 * Invariants
 *  - Items are prepared, written and answered in the order they were submitted; one write is under way at a time.
 *  - An item that asks to be alone is prepared when everything before it is written, and before anything after it.
 *  - At most `queueCountMax` items and `queueBytesMax` bytes are in hand (those being written included). Above that,
 *    submitters wait in line, first come first served. One item is always let in, however large. Items should be
 *    requests, not their encoded copies: what waits in line is what the caller holds anyway.
 *  - A write that throws ends everything: what it wrote may or may not be on disk, and only reopening can tell. Its
 *    items, those prepared, those in line and all later ones fail with that same error.
 */
import { assert } from '../base/assert.js'
import { monotonicMs, Turn } from '../base/turn.js'

export interface GroupCommitOptions<T> {
  /**
   * Makes an item ready to be written; null when that is done on return. An item that is at fault by itself is the
   * callee's business (it answers through the item); throwing fails everything and is final.
   */
  readonly prepare: (item: T) => Promise<void> | null
  /** True for items that must find everything before them written. */
  readonly isAlone: (item: T) => boolean
  /** Makes what was prepared since the last call durable. Throwing is final. */
  readonly write: (group: readonly T[]) => Promise<void>
  /** True when `makeRoom` should be called as soon as everything prepared is written. */
  readonly isFull: () => boolean
  /** Called while nothing is prepared or written. */
  readonly makeRoom: () => Promise<void>
  /** Bytes an item will write, for the bounds below. */
  readonly bytesOf: (item: T) => number
  /** A group is closed before the item that would take it above this many bytes. */
  readonly groupBytesMax: number
  /** Bytes in hand before submitters wait. */
  readonly queueBytesMax: number
  /** Items in hand before submitters wait. */
  readonly queueCountMax: number
}

interface Entry<T> {
  readonly item: T
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Items from which on a group's share of a sync is small beside the work on each of them. */
const LARGE_GROUP = 16

/** Bytes from which on a request, or a group, takes about a millisecond to make ready, and to hand to the disk. */
const LARGE_BYTES = 256 * 1024

/** Weight of the newest write in the running mean of how long writes take. */
const NEWEST_WEIGHT = 0.2

export class GroupCommit<T> {
  readonly #options: GroupCommitOptions<T>
  /** Let in, waiting to be prepared: those from `#head` on. */
  #queue: Entry<T>[] = []
  #head = 0
  /** Not let in yet. */
  #line: Entry<T>[] = []
  /** Prepared, to be written together. */
  #open: Entry<T>[] = []
  #openBytes = 0
  /** Time this thread spent on making the open group ready. */
  #openMs = 0
  /** The write that is under way; never rejects. */
  #writing: Promise<void> | null = null
  /** How long writes take; unknown at first. */
  #writeMs = Number.POSITIVE_INFINITY
  #pumping = false
  #count = 0
  #bytes = 0
  #idleWaiters: (() => void)[] = []
  /** Why nothing is taken any more. */
  #error: { readonly value: unknown } | undefined
  /** A write or a preparation failed: what is prepared must not be written. */
  #failed = false

  constructor(options: GroupCommitOptions<T>) {
    assert(options.queueCountMax >= 1 && options.groupBytesMax >= 1, 'a group has room for an item')
    this.#options = options
  }

  /** Items in hand: queued, prepared and being written. */
  get pendingCount(): number {
    return this.#count
  }

  /** Bytes in hand. */
  get pendingBytes(): number {
    return this.#bytes
  }

  /** Submitters that wait in line because the bounds are reached. */
  get lineCount(): number {
    return this.#line.length
  }

  /**
   * Queues an item; resolves after its group was written.
   * @throws what `write` or `prepare` threw for it or an earlier one, or the error given to `close`
   */
  submit(item: T): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error.value)
    return new Promise<void>((resolve, reject) => {
      const entry = { item, bytes: this.#options.bytesOf(item), resolve, reject }
      if (this.#line.length > 0 || !this.#fits(entry.bytes)) this.#line.push(entry)
      else this.#letIn(entry)
      this.#startPump()
    })
  }

  /** Resolves when everything submitted so far, and whatever came meanwhile, has been answered. */
  async drain(): Promise<void> {
    while (!this.#idle) await new Promise<void>(resolve => this.#idleWaiters.push(resolve))
  }

  /**
   * Takes no more items: those not prepared yet, and all later ones, fail with `error`. Resolves when those prepared
   * are written. Call `drain` before it to let everything through.
   */
  async close(error: unknown): Promise<void> {
    this.#refuse(error)
    await this.drain()
  }

  get #idle(): boolean {
    return !this.#pumping && this.#writing === null && this.#open.length === 0 && this.#waiting === 0
  }

  /** Items that wait to be prepared. */
  get #waiting(): number {
    return this.#queue.length - this.#head
  }

  #fits(bytes: number): boolean {
    if (this.#count === 0) return true
    return this.#count < this.#options.queueCountMax && this.#bytes + bytes <= this.#options.queueBytesMax
  }

  #letIn(entry: Entry<T>): void {
    this.#queue.push(entry)
    this.#count++
    this.#bytes += entry.bytes
  }

  #startPump(): void {
    if (this.#pumping || this.#waiting === 0) return
    this.#pumping = true
    // Not at once: callers of the same turn of the event loop belong into the same group.
    queueMicrotask(() => void this.#pump())
  }

  /** Prepares whatever waits, and launches. Never rejects. */
  async #pump(): Promise<void> {
    const { prepare, isAlone, groupBytesMax, isFull, makeRoom } = this.#options
    const turn = new Turn()
    let sinceMs = monotonicMs()
    try {
      while (this.#waiting > 0) {
        // Taking in a large request may have used up this round, as may making it ready and handing it to the disk.
        if (this.#queue[this.#head]!.bytes >= LARGE_BYTES && turn.due()) sinceMs = await nextRound(turn)
        const entry = this.#queue[this.#head]
        if (entry === undefined) break
        const closed = this.#open.length > 0 && this.#openBytes + entry.bytes > groupBytesMax
        if (closed || isAlone(entry.item)) {
          await this.#quiet()
          sinceMs = monotonicMs()
        }
        if (this.#waiting === 0) break
        this.#shift()
        this.#openBytes += entry.bytes
        const preparing = this.#prepared(prepare, entry)
        if (preparing !== null) await preparing
        this.#open.push(entry)
        const nowMs = monotonicMs()
        this.#openMs += nowMs - sinceMs
        sinceMs = nowMs
        const due = turn.due()
        const large = this.#openBytes >= LARGE_BYTES
        if (due && large) sinceMs = await nextRound(turn)
        if (isFull()) {
          await this.#quiet()
          if (!this.#failed) await makeRoom()
        } else if (due || this.#isWorthWriting()) this.#launch()
        // Readers get the event loop between two requests; what is small is on its way to the disk meanwhile.
        if (due && !large) sinceMs = await nextRound(turn)
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#pumping = false
    this.#launch()
    this.#wakeIdle()
  }

  /** Runs `prepare`; an item whose preparation throws fails with everything else, although nobody lists it any more. */
  #prepared(prepare: GroupCommitOptions<T>['prepare'], entry: Entry<T>): Promise<void> | null {
    const failed = (error: unknown): never => {
      this.#open.push(entry)
      throw error
    }
    try {
      return prepare(entry.item)?.catch(failed) ?? null
    } catch (error) {
      return failed(error)
    }
  }

  #shift(): void {
    this.#head++
    if (this.#head < this.#queue.length) return
    this.#queue = []
    this.#head = 0
  }

  /** Resolves when everything prepared is written. */
  async #quiet(): Promise<void> {
    while (this.#writing !== null || this.#open.length > 0) {
      this.#launch()
      await this.#writing
    }
  }

  /**
   * True when the open group should not wait for those still queued: preparing it took as long as a write takes, or it
   * is large and half of what is in hand. Halves keep both sides busy: one is being written while the callers of the
   * other come back.
   */
  #isWorthWriting(): boolean {
    if (this.#openMs >= this.#writeMs) return true
    return this.#count >= 2 * LARGE_GROUP && this.#open.length * 2 >= this.#count
  }

  /** Writes the open group, unless another one is being written or it is empty. */
  #launch(): void {
    if (this.#writing !== null || this.#open.length === 0) return
    if (this.#failed) {
      this.#fail(this.#error!.value)
      return
    }
    const group = this.#open
    this.#open = []
    this.#openBytes = 0
    this.#openMs = 0
    this.#writing = this.#write(group)
  }

  /** Never rejects. */
  async #write(group: readonly Entry<T>[]): Promise<void> {
    const startMs = monotonicMs()
    try {
      await this.#options.write(group.map(entry => entry.item))
    } catch (error) {
      for (const entry of group) entry.reject(error)
      this.#release(group)
      this.#writing = null
      this.#fail(error)
      this.#wakeIdle()
      return
    }
    const tookMs = monotonicMs() - startMs
    this.#writeMs =
      this.#writeMs === Number.POSITIVE_INFINITY
        ? tookMs
        : this.#writeMs + NEWEST_WEIGHT * (tookMs - this.#writeMs)
    for (const entry of group) entry.resolve()
    this.#release(group)
    this.#writing = null
    this.#startPump()
    if (this.#open.length === 0 || this.#pumping) {
      this.#wakeIdle()
      return
    }
    // Callers just answered often come back at once. When the open group is small, let them join it, else they miss
    // every second group; when it is large, write it while they come back.
    if (this.#open.length >= LARGE_GROUP || this.#openMs * 2 >= this.#writeMs) this.#launch()
    else setImmediate(() => this.#launch())
  }

  /** Gives back what a group held and lets in those who waited for it. */
  #release(group: readonly Entry<T>[]): void {
    this.#count -= group.length
    for (const entry of group) this.#bytes -= entry.bytes
    let admitted = 0
    while (admitted < this.#line.length && this.#fits(this.#line[admitted]!.bytes)) {
      this.#letIn(this.#line[admitted++]!)
    }
    if (admitted > 0) this.#line.splice(0, admitted)
  }

  /** Fails everybody who is not being written. */
  #fail(error: unknown): void {
    this.#failed = true
    this.#error ??= { value: error }
    const prepared = this.#open
    this.#open = []
    this.#openBytes = 0
    this.#openMs = 0
    this.#count -= prepared.length
    for (const entry of prepared) this.#bytes -= entry.bytes
    for (const entry of prepared) entry.reject(this.#error.value)
    this.#refuse(error)
  }

  /** Fails everybody who is not prepared yet, and all later ones. */
  #refuse(error: unknown): void {
    this.#error ??= { value: error }
    const waiting = this.#queue.slice(this.#head)
    this.#count -= waiting.length
    for (const entry of waiting) this.#bytes -= entry.bytes
    const refused = [...waiting, ...this.#line]
    this.#queue = []
    this.#head = 0
    this.#line = []
    for (const entry of refused) entry.reject(this.#error.value)
  }

  #wakeIdle(): void {
    if (!this.#idle) return
    const waiters = this.#idleWaiters
    this.#idleWaiters = []
    for (const wake of waiters) wake()
  }
}

/** Lets the event loop have a round; when the next one began. */
async function nextRound(turn: Turn): Promise<number> {
  await turn.next()
  return monotonicMs()
}
