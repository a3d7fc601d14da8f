/**
 * Reads as plain values, so that the same one can be asked here and, written as JSON, in a process of its own.
 */
import type { Collection } from './dataset.js'

type Query = Parameters<Collection['query']>[0]
type Search = Parameters<Collection['search']>[0]
type Hybrid = Parameters<Collection['hybridSearch']>[0]

/** A read, or several that belong together. */
export type StepRequest =
  | { readonly call: 'get'; readonly ids: readonly number[] }
  | { readonly call: 'query'; readonly query: Query }
  /** All at once. */
  | { readonly call: 'count'; readonly filters: readonly string[] }
  | {
      readonly call: 'search'
      readonly searches: readonly Search[]
      readonly order: 'at once' | 'one by one'
    }
  | { readonly call: 'hybrid'; readonly search: Hybrid }
  | { readonly call: 'every row'; readonly batchSize: number }
  | { readonly call: 'every hit'; readonly data: number[][]; readonly batchSize: number }
  | { readonly call: 'delete'; readonly filter: string }

/** Asks it; what was found: rows, hits, or the sum of the counts. */
export async function ask(collection: Collection, request: StepRequest): Promise<number> {
  switch (request.call) {
    case 'get':
      return (await collection.get([...request.ids])).length
    case 'query':
      return (await collection.query(request.query)).length
    case 'count': {
      const counts = await Promise.all(request.filters.map(filter => collection.count({ filter })))
      return counts.reduce<number>((sum, count) => sum + Number(count), 0)
    }
    case 'search': {
      if (request.order === 'at once')
        return countHits(
          (await Promise.all(request.searches.map(search => collection.search(search)))).flat(),
        )
      let found = 0
      for (const search of request.searches) found += countHits(await collection.search(search))
      return found
    }
    case 'hybrid':
      return countHits(await collection.hybridSearch(request.search))
    case 'every row': {
      let seen = 0
      for await (const page of await collection.queryIterator({ batchSize: request.batchSize }))
        seen += page.length
      return seen
    }
    case 'every hit': {
      const { data, batchSize } = request
      let seen = 0
      const iterator = await collection.searchIterator({ data, batchSize, outputFields: [] })
      for await (const page of iterator) seen += page.length
      return seen
    }
    case 'delete':
      return (await collection.delete({ filter: request.filter })).deleteCount
  }
}

function countHits(lists: readonly (readonly unknown[])[]): number {
  return lists.reduce((sum, list) => sum + list.length, 0)
}
