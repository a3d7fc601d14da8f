/** Query, Search and HybridSearch: the engine's rows and hits as columns of results. */
import { invalid } from '../../base/errors.js'
import type { EngineCollection } from '../../engine/collection.js'
import { letGoOf } from '../../engine/iterators.js'
import { compileFilter } from '../../filter/compile.js'
import { isDistance } from '../../index/metric.js'
import { ELEMENT_OFFSET } from '../../query/expand-elements.js'
import type { QueryRequest, Row, SearchHit, SearchRequest, TimeRequest } from '../../query/request.js'
import { planVectorField } from '../../query/search-plan.js'
import { type CollectionSchema, pkField } from '../../schema/collection-schema.js'
import { type CallContext, type Calls, databaseOf } from '../calls.js'
import { type QueryAnswer, queryResults, searchResults } from '../results.js'
import { timeZoneOf } from './lookup.js'
import { type GroupBy, parseHybrid, parseQuery, parseSearch } from './read-requests.js'
import { aggregateColumns, groupColumn, keyColumn, rowColumns } from './result-columns.js'
import type { RowCalls } from './row-calls.js'
import { SearchSessions } from './search-sessions.js'

type ReadCalls = Pick<Calls, 'Query' | 'Search' | 'HybridSearch'>

/** Greatest float32: the bound of an iterator that has found nothing yet. */
const FLOAT_MAX = 3.4028234663852886e38

export function readCalls(rows: RowCalls): ReadCalls {
  const sessions = new SearchSessions()
  const open = (request: { db_name: string; collection_name: string }, context: CallContext) =>
    rows.open({ database: databaseOf(request.db_name, context), collection: request.collection_name })
  return {
    Query: async (given, context) => {
      const collection = open(given, context)
      const { request, iterates, pageTimestamp, collectionId } = parseQuery(given)
      checkCollectionId(collection, collectionId, OTHER_COLLECTION)
      const { schema } = collection
      const found = await rows.query(collection, request, {
        partitionNames: given.partition_names,
        pageTimestamp,
        // Clients that page by elements alone send no timestamp with later pages either.
        opensIterator: iterates && pageTimestamp === 0n && request.afterElement === undefined,
      })
      // Behind its last page an iterator asks once more: then its state is not needed any longer.
      if (found.value.length === 0 && pageTimestamp > 0n) letGoOf(collection.state, pageTimestamp)
      return queryResults({
        collectionName: schema.name,
        ...queryColumns(schema, request, found.value, given.output_fields),
        primaryFieldName: pkField(schema).name,
        sessionTs: found.timestamp,
        timeZone: request.timeZone ?? timeZoneOf(collection),
      })
    },
    Search: async (given, context) => {
      const collection = open(given, context)
      const parsed = parseSearch(given)
      checkCollectionId(collection, parsed.collectionId, 'alter alias is not allowed during iteration')
      const { iterator, request, groupBy, pageTimestamp, wantsTimestamp } = parsed
      const partitionNames = given.partition_names
      if (iterator !== null) {
        const { limit: _, after: __, ...rest } = request
        const page = { ...iterator, partitionNames, pageTimestamp }
        const { hits, token, timestamp } = await sessions.page(collection, rest, page)
        return hitsAnswer(collection, [hits], given.output_fields, {
          request,
          groupBy,
          sessionTs: timestamp,
          iterator: { token, lastBound: hits.at(-1)?.score ?? boundOf(collection, request, iterator.bound) },
        })
      }
      const found = await rows.search(collection, request, {
        partitionNames,
        pageTimestamp,
        opensIterator: wantsTimestamp,
      })
      return hitsAnswer(collection, found.value, given.output_fields, {
        request,
        groupBy,
        sessionTs: found.timestamp,
      })
    },
    HybridSearch: async (given, context) => {
      const collection = open(given, context)
      const { request, groupBy } = parseHybrid(given)
      const found = await rows.hybrid(collection, request, { partitionNames: given.partition_names })
      return hitsAnswer(collection, found.value, given.output_fields, {
        request,
        groupBy,
        sessionTs: found.timestamp,
      })
    },
  }
}

/** What Milvus says of a query's page; of a search's it says something else. */
const OTHER_COLLECTION = 'Input collection id is not consistent, the alias or the database may have changed'

/** Iterators name the collection they began with. @throws MilvusError ParameterInvalid when it was replaced since */
function checkCollectionId(collection: EngineCollection, id: number | undefined, reason: string): void {
  if (id === undefined || id === 0 || id === collection.state.id) return
  throw invalid(`${reason}: collection id ${id}`, {
    expected: collection.state.id,
    actual: id,
  })
}

interface HitsAnswer {
  readonly request: TimeRequest
  readonly groupBy: GroupBy | null
  readonly sessionTs: bigint
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
  const { request, groupBy, iterator } = more
  const grouped =
    groupBy === null
      ? {}
      : {
          groupBy: {
            plural: groupBy.plural,
            columns: groupBy.names.map(name => {
              const values = hits.map(hit => (hit.groupByValues ? hit.groupByValues[name] : hit.groupByValue))
              return groupColumn(schema, name, values)
            }),
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
    ...rowColumns(schema, rows, outputFields, false, hasTimeParts(request)),
    primaryFieldName: pkField(schema).name,
    sessionTs: more.sessionTs,
    timeZone: request.timeZone ?? timeZoneOf(collection),
    ...grouped,
    ...(iterator === undefined ? {} : { iterator }),
  })
}

/** Bound of an empty page: the one the client sent, or on a first page one that all hits are worse than. */
function boundOf(collection: EngineCollection, request: SearchRequest, given: number | undefined): number {
  if (given !== undefined) return given
  const field = collection.schema.fields[planVectorField(collection.schema, request)]!
  const metric = collection.indexes.find(spec => spec.fieldName === field.name)?.metricType ?? ''
  return metric !== '' && isDistance(metric) ? -FLOAT_MAX : FLOAT_MAX
}

/** True when timestamps come as lists of their parts. */
function hasTimeParts({ timeFields }: TimeRequest): boolean {
  return timeFields !== undefined && timeFields.length > 0
}

/** What the rows of a query are on the wire. */
function queryColumns(
  schema: CollectionSchema,
  request: QueryRequest,
  found: readonly Row[],
  names: readonly string[],
): Pick<QueryAnswer, 'rowCount' | 'columns' | 'outputFields' | 'elements'> {
  const computed = aggregateColumns(schema, request, found)
  if (computed !== null) return { rowCount: found.length, ...computed }
  const { rows, elements } = groupElements(schema, request, found)
  return { rowCount: rows.length, ...rowColumns(schema, rows, names, true, hasTimeParts(request)), elements }
}

/**
 * On the wire a row stands once, with the positions of its matching elements beside it; clients unfold them again.
 * Only a query with an `element_filter` has any.
 */
function groupElements(
  schema: CollectionSchema,
  request: QueryRequest,
  rows: readonly Row[],
): { readonly rows: readonly Row[]; readonly elements: readonly number[][] } {
  if (!/element_filter/i.test(request.filter ?? '')) return { rows, elements: [] }
  const { filter = '', templates, timeZone } = request
  if (compileFilter(schema, filter, templates, 'elements', timeZone).elements === null)
    return { rows, elements: [] }
  const pk = pkField(schema).name
  const out: Row[] = []
  const elements: number[][] = []
  for (const { [ELEMENT_OFFSET]: offset, ...row } of rows) {
    if (out.length === 0 || out.at(-1)![pk] !== row[pk]) {
      out.push(row)
      elements.push([])
    }
    elements.at(-1)!.push(Number(offset))
  }
  return { rows: out, elements }
}
