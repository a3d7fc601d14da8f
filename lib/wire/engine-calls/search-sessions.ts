/**
 * Search iterators of the protocol (§3.11): a token stands for an iterator of the engine.
 *
 * A client sends the token back with the score of its last hit. As long as both fit what was sent out, the next page
 * comes from the iterator behind the token: over the state of the first page, without losing hits of equal score.
 * Anything else (a restart, a client that goes back, an iterator that was left alone for too long) is still answered,
 * from the score alone: what is strictly worse than it, in the state of the timestamp or the newest one.
 */
import { randomUUID } from 'node:crypto'
import type { EngineCollection } from '../../engine/collection.js'
import type { PageIterator } from '../../engine/iterators.js'
import type { SearchHit } from '../../query/request.js'
import type { SearchIteratorRequest } from '../../query/search-pages.js'

/** Tokens remembered; the ones unused for longest are forgotten first. */
const SESSIONS_MAX = 1024

interface Session {
  readonly collectionId: number
  /** null once its hits are all out. */
  iterator: PageIterator<SearchHit> | null
  /** Score of the last hit that was sent. */
  bound: number
}

/** What the client says about the page it wants. */
export interface SearchPage {
  /** Empty: the first page. */
  readonly token: string
  /** Score of the last hit; undefined before there is one. */
  readonly bound: number | undefined
  readonly count: number
  readonly partitionNames: readonly string[]
  /** State of the first page; 0 = newest. */
  readonly pageTimestamp: bigint
}

/** A page, the token to ask for the next one with, and the state it was read from. */
export interface SearchPageAnswer {
  readonly hits: readonly SearchHit[]
  readonly token: string
  readonly timestamp: bigint
}

export class SearchSessions {
  /** Least recently used first. */
  readonly #sessions = new Map<string, Session>()

  /** The page a client asks for. @throws MilvusError as searchIterator() */
  async page(
    collection: EngineCollection,
    request: SearchIteratorRequest,
    wanted: SearchPage,
  ): Promise<SearchPageAnswer> {
    const { token: given, bound, count, partitionNames, pageTimestamp } = wanted
    const known = given === '' ? undefined : this.#find(given, collection, bound)
    if (known !== undefined && known.iterator === null)
      return { hits: [], token: given, timestamp: pageTimestamp }
    const iterator =
      known?.iterator ??
      (await collection.searchIterator(
        request,
        {
          partitionNames,
          ...(pageTimestamp > 0n ? { readTimestamp: pageTimestamp, orNewest: true } : {}),
        },
        bound === undefined ? undefined : { score: bound },
      ))
    const hits = await iterator.page(count)
    const token = given === '' ? randomUUID() : given
    const last = hits.at(-1)?.score ?? bound
    if (last === undefined) await iterator.close()
    else this.#keep(token, collection.state.id, iterator, last)
    return { hits, token, timestamp: iterator.timestamp }
  }

  #find(token: string, collection: EngineCollection, bound: number | undefined): Session | undefined {
    const session = this.#sessions.get(token)
    if (session === undefined || session.collectionId !== collection.state.id) return undefined
    if (bound === undefined || Math.fround(bound) !== Math.fround(session.bound)) return undefined
    return session.iterator?.lost === true ? undefined : session
  }

  #keep(token: string, collectionId: number, iterator: PageIterator<SearchHit>, bound: number): void {
    const before = this.#sessions.get(token)?.iterator ?? null
    if (before !== null && before !== iterator) void before.close()
    this.#sessions.delete(token)
    this.#sessions.set(token, { collectionId, iterator: iterator.ended ? null : iterator, bound })
    for (const [old, session] of this.#sessions) {
      const lost = session.iterator?.lost === true
      if (!lost && this.#sessions.size <= SESSIONS_MAX) continue
      if (session.iterator !== null) void session.iterator.close()
      this.#sessions.delete(old)
    }
  }
}
