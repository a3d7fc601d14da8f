/** Query, Search and HybridSearch: the engine's rows and hits as columns of results. */
import { randomUUID } from 'node:crypto'
import { invalid } from '../../base/errors.js'
import type { EngineCollection } from '../../engine/collection.js'
import { isDistance } from '../../index/metric.js'
import type { SearchHit, SearchRequest } from '../../query/request.js'
import { planVectorField } from '../../query/search-plan.js'
import { pkField } from '../../schema/collection-schema.js'
import { type CallContext, type Calls, databaseOf } from '../calls.js'
import { queryResults, searchResults } from '../results.js'
import { timeZoneOf } from './lookup.js'
import { type ParsedSearch, parseHybrid, parseQuery, parseSearch } from './read-requests.js'
import { aggregateColumns, groupColumn, keyColumn, rowColumns } from './result-columns.js'
import type { RowCalls } from './row-calls.js'

type ReadCalls = Pick<Calls, 'Query' | 'Search' | 'HybridSearch'>

/** Greatest float32: the bound of an iterator that has found nothing yet. */
const FLOAT_MAX = 3.4028234663852886e38

export function readCalls(rows: RowCalls): ReadCalls {
  const open = (request: { db_name: string; collection_name: string }, context: CallContext) =>
    rows.open({ database: databaseOf(request.db_name, context), collection: request.collection_name })
  return {
    Query: async (given, context) => {
      const collection = open(given, context)
      const { request, timeZone = timeZoneOf(collection), pageTimestamp, collectionId } = parseQuery(given)
      checkCollectionId(collection, collectionId)
      const { schema } = collection
      const found = await rows.query(collection, request, {
        partitionNames: given.partition_names,
        pageTimestamp,
      })
      const { columns, outputFields } =
        aggregateColumns(schema, request, found.value) ??
        rowColumns(schema, found.value, given.output_fields, true)
      return queryResults({
        collectionName: schema.name,
        rowCount: found.value.length,
        columns,
        outputFields,
        primaryFieldName: pkField(schema).name,
        sessionTs: found.timestamp,
        timeZone,
      })
    },
    Search: async (given, context) => {
      const collection = open(given, context)
      const parsed = parseSearch(given)
      checkCollectionId(collection, parsed.collectionId)
      const found = await rows.search(collection, parsed.request, {
        partitionNames: given.partition_names,
        pageTimestamp: parsed.pageTimestamp,
      })
      const { iterator, request } = parsed
      return hitsAnswer(collection, found.value, given.output_fields, {
        groupBy: parsed.groupBy,
        sessionTs: parsed.wantsTimestamp ? found.timestamp : 0n,
        timeZone: parsed.timeZone,
        ...(iterator === null ? {} : { iterator: nextPage(collection, request, iterator, found.value) }),
      })
    },
    HybridSearch: async (given, context) => {
      const collection = open(given, context)
      const { request, groupBy, timeZone } = parseHybrid(given)
      const found = await rows.hybrid(collection, request, { partitionNames: given.partition_names })
      return hitsAnswer(collection, found.value, given.output_fields, { groupBy, sessionTs: 0n, timeZone })
    },
  }
}

/** Iterators name the collection they began with. @throws MilvusError ParameterInvalid when it was replaced since */
function checkCollectionId(collection: EngineCollection, id: number | undefined): void {
  if (id === undefined || id === 0 || id === collection.state.id) return
  throw invalid(`alter alias is not allowed during iteration: collection id ${id}`, {
    expected: collection.state.id,
    actual: id,
  })
}

interface HitsAnswer {
  readonly groupBy: ParsedSearch['groupBy']
  readonly sessionTs: bigint
  readonly timeZone: string | undefined
  readonly iterator?: { readonly token: string; readonly lastBound: number }
}

function hitsAnswer(
  collection: EngineCollection,
  lists: readonly (readonly SearchHit[])[],
  outputFields: readonly string[],
  more: HitsAnswer,
): Buffer {
  const { schema } = collection
  const hits = lists.flat()
  const rows = hits.map(hit => hit.entity)
  const scores = Float32Array.from(hits, hit => hit.score)
  const { groupBy, iterator } = more
  const grouped =
    groupBy === null
      ? {}
      : {
          groupBy: {
            plural: groupBy.plural,
            column: groupColumn(
              schema,
              groupBy.name,
              hits.map(hit => hit.groupByValue),
            ),
          },
        }
  return searchResults({
    collectionName: schema.name,
    topks: lists.map(list => list.length),
    scores,
    ids: keyColumn(
      schema,
      hits.map(hit => hit.id),
    ),
    ...rowColumns(schema, rows, outputFields, false),
    primaryFieldName: pkField(schema).name,
    sessionTs: more.sessionTs,
    timeZone: more.timeZone ?? timeZoneOf(collection),
    ...grouped,
    ...(iterator === undefined ? {} : { iterator }),
  })
}

/** What the client sends with the next page: the same token, and the score of the last hit. */
function nextPage(
  collection: EngineCollection,
  request: SearchRequest,
  iterator: NonNullable<ParsedSearch['iterator']>,
  lists: readonly (readonly SearchHit[])[],
): { token: string; lastBound: number } {
  const token = iterator.token === '' ? randomUUID() : iterator.token
  const last = lists[0]?.at(-1)
  if (last !== undefined) return { token, lastBound: last.score }
  if (iterator.bound !== undefined) return { token, lastBound: iterator.bound }
  const field = collection.schema.fields[planVectorField(collection.schema, request)]!
  const metric = collection.indexes.find(spec => spec.fieldName === field.name)?.metricType ?? ''
  return { token, lastBound: metric !== '' && isDistance(metric) ? FLOAT_MAX : -FLOAT_MAX }
}
