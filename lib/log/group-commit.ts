/**
 * Many callers, one synced write: items that arrive while a commit is under way go into the next one together.
 *
 * The one idea: a sync costs the same for one item and for a thousand, so the busier the store, the cheaper a write.
 *
 * Invariants
 *  - Items are committed, and their callers answered, in the order they were submitted; one commit runs at a time.
 *  - At most `queueCountMax` items and `queueBytesMax` bytes are in hand (the running group included). Above that,
 *    submitters wait in line, first come first served. One item is always let in, however large. Items should be
 *    requests, not their encoded copies: what waits in line is what the caller holds anyway.
 *  - A commit that throws ends everything: what it wrote may or may not be on disk, and only reopening can tell. Its
 *    items, those in line and all later ones fail with that same error.
 */
import { assert } from '../base/assert.js'

export interface GroupCommitOptions<T> {
  /**
   * Makes a group durable. Items come in submit order. An item that is at fault by itself is the callee's business
   * (it may answer through the item); throwing fails the whole group and is final.
   */
  readonly commit: (group: readonly T[]) => Promise<void>
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

export class GroupCommit<T> {
  readonly #options: GroupCommitOptions<T>
  /** Let in, waiting for their group. */
  #queue: Entry<T>[] = []
  /** Not let in yet. */
  #line: Entry<T>[] = []
  #count = 0
  #bytes = 0
  #running = false
  #idleWaiters: (() => void)[] = []
  #error: { readonly value: unknown } | undefined

  constructor(options: GroupCommitOptions<T>) {
    assert(options.queueCountMax >= 1 && options.groupBytesMax >= 1, 'a group has room for an item')
    this.#options = options
  }

  /** Items in hand: queued and being committed. */
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
   * Queues an item; resolves after its group was committed.
   * @throws what `commit` threw for its group or an earlier one, or the error given to `close`
   */
  submit(item: T): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error.value)
    return new Promise<void>((resolve, reject) => {
      const entry = { item, bytes: this.#options.bytesOf(item), resolve, reject }
      if (this.#line.length > 0 || !this.#fits(entry.bytes)) this.#line.push(entry)
      else this.#letIn(entry)
      this.#start()
    })
  }

  /** Resolves when everything submitted so far, and whatever came meanwhile, has been answered. */
  async drain(): Promise<void> {
    while (this.#running) await new Promise<void>(resolve => this.#idleWaiters.push(resolve))
  }

  /**
   * Takes no more items: those not yet being committed, and all later ones, fail with `error`. Resolves when the
   * running commit is over. Call `drain` before it to let everything through.
   */
  async close(error: unknown): Promise<void> {
    this.#fail(error)
    await this.drain()
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

  #start(): void {
    if (this.#running) return
    this.#running = true
    // Not at once: callers of the same turn of the event loop belong into the same group.
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#takeGroup()
      try {
        await this.#options.commit(group.map(entry => entry.item))
      } catch (error) {
        for (const entry of group) entry.reject(error)
        this.#release(group)
        this.#fail(error)
        break
      }
      for (const entry of group) entry.resolve()
      this.#release(group)
      // Callers just answered often come back at once. Let them, else they miss every second group.
      if (this.#queue.length > 0) await nextTurn()
    }
    this.#running = false
    const waiters = this.#idleWaiters
    this.#idleWaiters = []
    for (const wake of waiters) wake()
  }

  #takeGroup(): Entry<T>[] {
    let bytes = this.#queue[0]!.bytes
    let count = 1
    while (count < this.#queue.length) {
      bytes += this.#queue[count]!.bytes
      if (bytes > this.#options.groupBytesMax) break
      count++
    }
    return this.#queue.splice(0, count)
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

  #fail(error: unknown): void {
    this.#error ??= { value: error }
    // A group that is being committed stays counted until it gives itself back.
    this.#count -= this.#queue.length
    for (const entry of this.#queue) this.#bytes -= entry.bytes
    const waiting = [...this.#queue, ...this.#line]
    this.#queue = []
    this.#line = []
    for (const entry of waiting) entry.reject(this.#error.value)
  }
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
