/**
 * Watches calls without changing them: how long each took, whether it failed, how many rows it moved.
 *
 * Both doors' calls are wrapped once, when the server starts. Nothing of a request but its database is looked at, so
 * nothing secret can reach a figure or a log line.
 */
import { MilvusError } from '../base/errors.js'
import type { EngineCollection } from '../engine/collection.js'
import type { CallContext, Calls } from './calls.js'
import type { MethodName } from './descriptors.js'
import type { RowCalls } from './engine-calls/row-calls.js'
import type { Route } from './rest/route.js'

/** Told about every call when it is over. `error` is null after a success. */
export type Observe = (method: MethodName, context: CallContext, ms: number, error: unknown) => void

/** Told about rows moved: what kind, of which collection, how many. */
export type CountRows = (kind: RowKind, collection: EngineCollection, count: number) => void
export type RowKind = 'insert' | 'upsert' | 'delete' | 'search' | 'query'

/** Which method an entity endpoint stands for: REST serves these without going through `Calls`. */
export const ENTITY_METHODS: Readonly<Record<string, MethodName>> = {
  'entities/insert': 'Insert',
  'entities/upsert': 'Upsert',
  'entities/delete': 'Delete',
  'entities/get': 'Query',
  'entities/query': 'Query',
  'entities/search': 'Search',
  'entities/hybrid_search': 'HybridSearch',
  'entities/advanced_search': 'HybridSearch',
}

type AnyCall = (request: never, context: CallContext) => Promise<object>

export function observedCalls(calls: Calls, observe: Observe): Calls {
  const out: Record<string, AnyCall> = {}
  for (const [name, call] of Object.entries(calls) as [MethodName, AnyCall][]) {
    out[name] = (request, context) => timed(name, context, observe, () => call(request, context))
  }
  return out as unknown as Calls
}

/** @param routes entity endpoints */
export function observedRoutes(routes: readonly Route[], observe: Observe): readonly Route[] {
  return routes.map(route => {
    const method = ENTITY_METHODS[route.path]
    if (method === undefined) return route
    return {
      ...route,
      run: (body, context) => timed(method, context, observe, () => route.run(body, context)),
    }
  })
}

async function timed<T>(
  method: MethodName,
  context: CallContext,
  observe: Observe,
  run: () => Promise<T>,
): Promise<T> {
  const started = performance.now()
  try {
    const answer = await run()
    observe(method, context, performance.now() - started, null)
    return answer
  } catch (error) {
    observe(method, context, performance.now() - started, error)
    throw error
  }
}

export function countedRows(rows: RowCalls, count: CountRows): RowCalls {
  return {
    open: rows.open,
    insert: async (collection, batch, partitionName) => {
      const result = await rows.insert(collection, batch, partitionName)
      count('insert', collection, result.insertCount)
      return result
    },
    upsert: async (collection, batch, choice) => {
      const result = await rows.upsert(collection, batch, choice)
      count('upsert', collection, result.ids.length)
      return result
    },
    remove: async (collection, filter, templates, partitionName) => {
      const result = await rows.remove(collection, filter, templates, partitionName)
      count('delete', collection, result.deleteCount)
      return result
    },
    query: async (collection, request, choice) => {
      const found = await rows.query(collection, request, choice)
      count('query', collection, 1)
      return found
    },
    get: async (collection, request, choice) => {
      const found = await rows.get(collection, request, choice)
      count('query', collection, 1)
      return found
    },
    search: async (collection, request, choice) => {
      const found = await rows.search(collection, request, choice)
      count('search', collection, found.value.length)
      return found
    },
    hybrid: async (collection, request, choice) => {
      const found = await rows.hybrid(collection, request, choice)
      count('search', collection, found.value.length)
      return found
    },
  }
}

/** One line about a call for the debug log: names, code and time, nothing of the request. */
export function callLine(method: MethodName, context: CallContext, ms: number, error: unknown): string {
  const outcome =
    error === null ? 'ok' : error instanceof MilvusError ? `${error.reason} (${error.code})` : 'failed'
  const user = context.user === '' ? '' : ` user=${context.user}`
  return `${method} ${outcome} ${ms.toFixed(1)} ms database=${context.database}${user}`
}
