/**
 * Iterators: everything that a query selects, or a search ranks, in pages over one frozen state.
 *
 * An iterator holds the state it began with (segment/snapshot.ts): compaction may go on, but what the iterator still has
 * to read stays on disk, and deleted rows it may show are not purged. That costs space, so no hold lasts for ever:
 *
 *  - `close()`, the end of the rows, and leaving a `for await` loop let go of it;
 *  - an iterator that is not used for `iteratorIdleMs` has lost its state, and says so with its next page;
 *  - one that was forgotten lets go when it is garbage collected;
 *  - release, drop, dropping a field and closing the database end the iterators of the collection.
 *
 * A cursor names a place and a state. An iterator made from it continues behind that place: in the same state while
 * anybody holds it or the collection's retention window covers it, else it is refused, unless the caller accepts the
 * newest state.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { parseJson } from '../base/json.js'
import { hybridOfTick, tickOfHybrid } from '../base/timestamp.js'
import { filterReady } from '../filter/geometry-library.js'
import {
  planBatchSize,
  planIteratorLimit,
  type QueryIteratorRequest,
  QueryPages,
} from '../query/query-pages.js'
import type { ReadContext, Row, SearchCursor, SearchHit } from '../query/request.js'
import { type SearchIteratorRequest, SearchPages } from '../query/search-pages.js'
import type { PkKey, Snapshot } from '../segment/segment.js'
import type { SnapshotHold } from '../segment/snapshot.js'
import type { CollectionState } from './collection-state.js'
import { expireHolds, openSnapshot, type ReadScope, readContext } from './read-path.js'

/** Iterators of one collection that hold different states; the one unused for longest ends first. */
const HOLDS_MAX = 1024

/** What every iterator may say. */
export interface IteratorScope extends ReadScope {
  /** Continue behind the place that another iterator's `cursor` names. */
  readonly cursor?: string | undefined
  /** With a cursor: go on with the newest state when that of the cursor is gone. Default false. */
  readonly newestState?: boolean | undefined
}

/** Where an iterator stands, and over which state. */
interface Place {
  readonly kind: 'query' | 'search'
  readonly collection: number
  readonly timestamp: bigint
  readonly key: PkKey | null
  readonly score: number
}

/** What is read page by page. */
interface Pages<T> {
  next(snapshot: Snapshot, count: number): Promise<T[]>
  place(): { readonly key: PkKey | null; readonly score: number }
}

/** Lets go of what a forgotten iterator held. */
const forgotten = new FinalizationRegistry<() => void>(letGo => letGo())

/**
 * Pages of rows or hits over one state. `for await (const page of iterator)` reads them all and closes it.
 * Pages that are asked for before the last one arrived are read one after the other.
 */
export class PageIterator<T> implements AsyncIterableIterator<T[]> {
  /** Hybrid timestamp of the state that is read. */
  readonly timestamp: bigint
  readonly #kind: Place['kind']
  readonly #state: CollectionState
  readonly #hold: SnapshotHold
  readonly #pages: Pages<T>
  readonly #batchSize: number
  #left: number
  #closed = false
  #reading: Promise<unknown> = Promise.resolve()

  constructor(
    kind: Place['kind'],
    state: CollectionState,
    hold: SnapshotHold,
    pages: Pages<T>,
    batchSize: number,
    limit: number,
  ) {
    this.#kind = kind
    this.#state = state
    this.#hold = hold
    this.#pages = pages
    this.#batchSize = batchSize
    this.#left = limit
    this.timestamp = hybridOfTick(hold.tick)
    forgotten.register(this, () => state.snapshots.letGo(hold), this)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /**
   * The next page; `done` after the last one. A page is full, unless it is the last.
   * @throws MilvusError Timeout when the iterator was not used for too long; what ended it otherwise
   */
  async next(): Promise<IteratorResult<T[], undefined>> {
    const page = await this.page()
    return page.length === 0 ? { done: true, value: undefined } : { done: false, value: page }
  }

  /** The next `count` (default: batch size) rows or hits; empty at the end. */
  page(count: number = this.#batchSize): Promise<T[]> {
    const page = this.#reading.then(() => this.#read(count))
    this.#reading = page.catch(() => undefined)
    return page
  }

  async #read(count: number): Promise<T[]> {
    const wanted = Math.min(count, this.#left)
    if (this.#closed || wanted === 0) {
      this.#letGo()
      return []
    }
    const { env, snapshots } = this.#state
    const breath = env.loop.breathe()
    if (breath !== undefined) await breath
    expireHolds(this.#state)
    const snapshot = snapshots.takeHeld(this.#hold, env.options.nowMs())
    try {
      const found = await this.#pages.next(snapshot, wanted)
      this.#left -= found.length
      if (found.length < wanted || this.#left === 0) this.#letGo()
      return found
    } finally {
      snapshot.release()
    }
  }

  /** Text that a later iterator of the same kind can continue from; null before the first page. */
  get cursor(): string | null {
    const { key, score } = this.#pages.place()
    if (key === null) return null
    const { timestamp } = this
    return encodeCursor({ kind: this.#kind, collection: this.#state.id, timestamp, key, score })
  }

  /** True when the iterator reads no more: closed, at its end, or its state was taken away. */
  get ended(): boolean {
    return this.#closed || this.#hold.ended !== null
  }

  /** True when its state was taken away: pages fail from now on. */
  get lost(): boolean {
    return !this.#closed && this.#hold.ended !== null
  }

  /** Lets go of the state; later pages are empty. Repeated calls do nothing. */
  async close(): Promise<void> {
    await this.#reading
    this.#letGo()
  }

  /** Called when a `for await` loop is left early. */
  async return(): Promise<IteratorResult<T[], undefined>> {
    await this.close()
    return { done: true, value: undefined }
  }

  #letGo(): void {
    if (this.#closed) return
    this.#closed = true
    forgotten.unregister(this)
    this.#state.snapshots.letGo(this.#hold)
  }
}

/**
 * Opens an iterator over the rows that a filter selects, in primary key order.
 * @throws MilvusError ParameterInvalid, CollectionNotLoaded and the filter's errors
 */
export function queryIterator(
  state: CollectionState,
  request: QueryIteratorRequest,
  scope: IteratorScope,
): Promise<PageIterator<Row>> {
  const size = planBatchSize(request.batchSize)
  const limit = planIteratorLimit(request.limit)
  return open(state, 'query', scope, async (context, snapshot, from) => {
    const pages = await QueryPages.open(context, snapshot, request, from?.key ?? undefined)
    const place = () => ({ key: pages.position, score: 0 })
    return [{ next: (now, count) => pages.next(now, count), place }, size, limit]
  })
}

/**
 * Opens an iterator over all rows that a filter selects, nearest to one query vector first.
 * @param after begin behind this hit; a cursor does the same and more
 * @throws MilvusError ParameterInvalid, CollectionNotLoaded and the filter's errors
 */
export function searchIterator(
  state: CollectionState,
  request: SearchIteratorRequest,
  scope: IteratorScope,
  after?: SearchCursor,
): Promise<PageIterator<SearchHit>> {
  const size = planBatchSize(request.batchSize)
  const limit = planIteratorLimit(request.limit)
  return open(state, 'search', scope, async (context, snapshot, from) => {
    const behind = from === null ? after : { score: from.score, id: from.key ?? 0 }
    const pages = await SearchPages.open(context, snapshot, request, behind)
    const place = () => ({ key: keyOf(pages.position?.id), score: pages.position?.score ?? 0 })
    return [{ next: (now, count) => pages.next(now, count), place }, size, limit]
  })
}

function keyOf(id: SearchCursor['id'] | undefined): PkKey | null {
  return id ?? null
}

type Opening<T> = (
  context: ReadContext,
  snapshot: Snapshot,
  from: Place | null,
) => Promise<[pages: Pages<T>, batchSize: number, limit: number]>

async function open<T>(
  state: CollectionState,
  kind: Place['kind'],
  scope: IteratorScope,
  start: Opening<T>,
): Promise<PageIterator<T>> {
  const from = scope.cursor === undefined ? null : decodeCursor(scope.cursor, kind, state.id)
  const ready = filterReady(state.schema) ?? state.env.loop.breathe()
  if (ready !== undefined) await ready
  while (state.gate !== null) await state.gate
  const snapshot = from === null ? openSnapshot(state, kind, scope) : resumed(state, kind, scope, from)
  try {
    const context = readContext(state, scope.partitionNames)
    const hold = holdOf(state, snapshot)
    try {
      const [pages, batchSize, limit] = await start(context, snapshot, from)
      return new PageIterator(kind, state, hold, pages, batchSize, limit)
    } catch (error) {
      state.snapshots.letGo(hold)
      throw error
    }
  } finally {
    snapshot.release()
  }
}

/** The state that a cursor was made in, or the newest one where the caller accepts it. */
function resumed(state: CollectionState, kind: Place['kind'], scope: IteratorScope, from: Place): Snapshot {
  try {
    return openSnapshot(state, kind, { ...scope, readTimestamp: from.timestamp })
  } catch (error) {
    if (!(error instanceof MilvusError && error.reason === 'ParameterInvalid')) throw error
    if (scope.newestState === true) return openSnapshot(state, kind, { ...scope, readTimestamp: undefined })
    throw invalid(
      'iterator cursor: the state it was made in is gone; continue with newestState: true, or keep older states with collection property kestrel.retention.seconds',
      { cause: error },
    )
  }
}

/** Keeps the state of a snapshot for the pages to come. */
function holdOf(state: CollectionState, snapshot: Snapshot): SnapshotHold {
  const { snapshots, env } = state
  const hold = snapshots.hold(snapshot.tick, snapshot.segments, env.options.nowMs())
  expireHolds(state)
  snapshots.trimHolds(HOLDS_MAX, tooMany())
  watchHolds(state)
  return hold
}

/**
 * Keeps the newest state for the pages of an iterator that only a timestamp holds together (the protocol's query
 * iterators): reads with `heldTimestamp` find it again. It ends like any other, and with `letGoOf`.
 * @returns hybrid timestamp of the state
 */
export function holdNewest(state: CollectionState): bigint {
  const snapshot = openSnapshot(state, 'query', {})
  try {
    const known = state.snapshots.holdAt(snapshot.tick)
    if (known === undefined) holdOf(state, snapshot)
    else known.users++
    return hybridOfTick(snapshot.tick)
  } finally {
    snapshot.release()
  }
}

/** An iterator of `holdNewest` is at its end. */
export function letGoOf(state: CollectionState, timestamp: bigint): void {
  const hold = state.snapshots.holdAt(tickOfHybrid(timestamp))
  if (hold !== undefined) state.snapshots.letGo(hold)
}

const watched = new WeakSet<CollectionState>()

/** Looks for holds that have expired now and then, while there are any; keeps no process alive. */
function watchHolds(state: CollectionState): void {
  if (watched.has(state)) return
  watched.add(state)
  const again = setTimeout(() => {
    watched.delete(state)
    expireHolds(state)
    if (state.snapshots.holdCount > 0) watchHolds(state)
  }, state.env.options.iteratorIdleMs / 2)
  again.unref()
}

function tooMany(): MilvusError {
  return new MilvusError(
    'Timeout',
    `the iterator has lost its state to newer ones: a collection keeps ${HOLDS_MAX} states for iterators; close those that are not needed`,
  )
}

function encodeCursor({ kind, collection, timestamp, key, score }: Place): string {
  const place = {
    kind,
    collection,
    timestamp: String(timestamp),
    ...(typeof key === 'string' ? { text: key } : { key: String(key) }),
    ...(kind === 'search' ? { score } : {}),
  }
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** @throws MilvusError ParameterInvalid for text that is no cursor, or one of another collection or kind */
function decodeCursor(text: string, kind: Place['kind'], collection: number): Place {
  let place: Record<string, unknown> = {}
  try {
    place = parseJson(Buffer.from(text, 'base64url').toString('utf8')) as unknown as Record<string, unknown>
  } catch (cause) {
    throw invalid('iterator cursor: invalid token format', { cause })
  }
  const { key, text: name, timestamp, score = 0 } = place ?? {}
  const integer = typeof key === 'string' && /^-?\d{1,19}$/.test(key)
  const dated = typeof timestamp === 'string' && /^\d{1,20}$/.test(timestamp)
  if ((!integer && typeof name !== 'string') || !dated || typeof score !== 'number')
    throw invalid('iterator cursor: invalid token format')
  if (place['kind'] !== kind)
    throw invalid(`iterator cursor: expected one of a ${kind} iterator, got ${String(place['kind'])}`)
  if (place['collection'] !== collection)
    throw invalid('iterator cursor: Input collection id is not consistent with the collection', {
      expected: collection,
      actual: String(place['collection']),
    })
  const number = Number(key)
  const number64 = Number.isSafeInteger(number) ? number : BigInt(key as string)
  return {
    kind,
    collection,
    timestamp: BigInt(timestamp as string),
    key: integer ? number64 : (name as string),
    score,
  }
}
