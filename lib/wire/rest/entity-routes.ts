/**
 * REST endpoints about entities. Rows come as rows and go as rows, so these meet gRPC below the columns, in RowCalls.
 *
 * Int64 values, keys and ids in results are numbers, or decimal text when the header `Accept-Type-Allow-Int64` says
 * false; counts are numbers always.
 */

import { invalid } from '../../base/errors.js'
import { valueText } from '../../base/json.js'
import { sortInSlices } from '../../base/slice-sort.js'
import { Turn } from '../../base/turn.js'
import type { EngineCollection } from '../../engine/collection.js'
import { parseAggregate } from '../../query/aggregate.js'
import { compareKeys } from '../../query/pk-merge.js'
import { planOutput, resultSchema } from '../../query/plan.js'
import type { PkInput, QueryRequest, Row, SearchHit } from '../../query/request.js'
import { pkField } from '../../schema/collection-schema.js'
import { DataType } from '../../schema/data-type.js'
import type { ArrayOp, FieldOps } from '../../schema/requests.js'
import { rowsToColumns, type WriteMode } from '../../schema/rows-to-columns.js'
import type { PkKey } from '../../segment/segment.js'
import { timeZoneOf } from '../engine-calls/lookup.js'
import { aggregateFields } from '../engine-calls/result-columns.js'
import { allowsAutoIds, isMerge, type Read, type RowCalls } from '../engine-calls/row-calls.js'
import { CONSISTENCY_NAMES } from '../messages/common.js'
import { RestError } from '../status.js'
import {
  type Body,
  objectsOf,
  type RestAnswer,
  type RestContext,
  type Route,
  route,
  textOf,
  textsOf,
} from './route.js'
import { badRows, type Rendering, rowOut, rowsIn, shortFloat } from './row-values.js'
import { hybridOf, LIMIT_DEFAULT, searchOf, templatesOf } from './search-body.js'

const NAMED = { collectionName: 'string!', partitionName: 'string' } as const
const READ = {
  ...NAMED,
  partitionNames: 'strings',
  outputFields: 'strings',
  consistencyLevel: 'string',
  exprParams: 'object',
} as const
const GROUPED = { groupingField: 'string', groupSize: 'any', strictGroupSize: 'boolean' } as const
/** Reads and writes say what they cost; here nothing is billed. */
const COST = { cost: 0 } as const

export function entityRoutes(rows: RowCalls): readonly Route[] {
  return [...writes(rows), ...reads(rows), ...searches(rows)]
}

function open(rows: RowCalls, body: Body, context: RestContext): EngineCollection {
  return rows.open({ database: context.database, collection: textOf(body, 'collectionName') })
}

function partitionOf(body: Body): string | undefined {
  return textOf(body, 'partitionName') || undefined
}

function batchOf(collection: EngineCollection, body: Body, mode: WriteMode) {
  const { schema } = collection
  const allowInsertAutoId = allowsAutoIds(collection)
  const timeZone = timeZoneOf(collection)
  const rows = rowsIn(schema, objectsOf(body, 'data'))
  return badRows(() => rowsToColumns(schema, rows, mode, { allowInsertAutoId, timeZone }))
}

function writes(rows: RowCalls): readonly Route[] {
  return [
    route('entities/insert', { ...NAMED, data: 'objects!' }, async (body, context) => {
      const collection = open(rows, body, context)
      const result = await rows.insert(collection, batchOf(collection, body, 'insert'), partitionOf(body))
      const ids = idsOut(collection, context, result.ids)
      return { data: { insertCount: result.insertCount, insertIds: ids }, extra: COST }
    }),
    route(
      'entities/upsert',
      { ...NAMED, data: 'objects!', partialUpdate: 'boolean', fieldOps: 'objects' },
      async (body, context) => {
        const collection = open(rows, body, context)
        const choice = {
          partitionName: partitionOf(body),
          partialUpdate: body['partialUpdate'] === true,
          fieldOps: fieldOpsOf(objectsOf(body, 'fieldOps')),
        }
        const batch = batchOf(collection, body, isMerge(choice) ? 'partial' : 'upsert')
        const result = await rows.upsert(collection, batch, choice)
        const ids = idsOut(collection, context, result.ids)
        return { data: { upsertCount: result.upsertCount, upsertIds: ids }, extra: COST }
      },
    ),
    route('entities/delete', { ...NAMED, filter: 'string!', exprParams: 'object' }, async (body, context) => {
      const collection = open(rows, body, context)
      const filter = textOf(body, 'filter')
      const result = await rows.remove(collection, filter, templatesOf(body), partitionOf(body))
      return { data: { deleteCount: result.deleteCount } }
    }),
  ]
}

const OPS: readonly ArrayOp[] = ['REPLACE', 'ARRAY_APPEND', 'ARRAY_REMOVE']

/** @throws MilvusError 1100 for unknown operations and repeated fields */
function fieldOpsOf(list: readonly Body[]): FieldOps {
  const out = new Map<string, ArrayOp>()
  for (const one of list) {
    const field = textOf(one, 'fieldName')
    const op = one['op']
    const known = typeof op === 'number' ? OPS[op] : OPS.find(name => name === valueText(op).toUpperCase())
    if (known === undefined)
      throw invalid(`field ${field}: unknown partial update operation ${valueText(op)}`)
    if (out.has(field)) throw invalid(`duplicate field_ops for field ${field}`)
    out.set(field, known)
  }
  return Object.fromEntries(out)
}

function idsOut(collection: EngineCollection, context: RestContext, ids: readonly unknown[]): unknown[] {
  const shown = rendering(collection, context)
  const { name } = pkField(collection.schema)
  return ids.map(id => rowOut(shown, { [name]: id })[name])
}

/** How rows with these output fields are rendered. */
function rendering(
  collection: EngineCollection,
  { int64AsNumber }: RestContext,
  names: readonly string[] = [],
): Rendering {
  const { schema: declared } = collection
  const schema = resultSchema(declared, planOutput(declared, names, true))
  return { schema, int64AsNumber, timeZone: timeZoneOf(collection) }
}

/** Partitions to read; every consistency level is accepted, every read is Strong. */
function choiceOf(body: Body): { partitionNames: readonly string[] } {
  const level = textOf(body, 'consistencyLevel')
  if (level !== '' && !(CONSISTENCY_NAMES as readonly string[]).includes(level)) {
    throw invalid(
      `parameter:'${level}' is incorrect, please check it, consistencyLevel can only be [${CONSISTENCY_NAMES.join(', ')}]`,
    )
  }
  const one = partitionOf(body)
  return { partitionNames: [...textsOf(body, 'partitionNames'), ...(one === undefined ? [] : [one])] }
}

function reads(rows: RowCalls): readonly Route[] {
  return [
    route('entities/get', { ...READ, id: 'any!' }, async (body, context) => {
      const collection = open(rows, body, context)
      const names = textsOf(body, 'outputFields')
      const request = { ids: idsIn(collection, body['id']), outputFields: names.length === 0 ? ['*'] : names }
      const found = await rows.get(collection, request, choiceOf(body))
      // Milvus's get is a query: whatever the order of the ids, rows come by primary key.
      const pk = pkField(collection.schema).name
      const byKey = (a: Row, b: Row): number => compareKeys(a[pk] as PkKey, b[pk] as PkKey)
      const sorted = await sortInSlices(found.value, byKey, new Turn())
      const shown = rendering(collection, context, request.outputFields)
      return { data: sorted.map(row => rowOut(shown, row)), extra: COST }
    }),
    route(
      'entities/query',
      { ...READ, filter: 'string', limit: 'any', offset: 'any', orderByFields: 'any', groupByFields: 'any' },
      async (body, context) => {
        const collection = open(rows, body, context)
        const request = queryOf(body)
        const found = await rows.query(collection, request, choiceOf(body))
        const fields = aggregateFields(collection.schema, request)
        const shown =
          fields === null
            ? rendering(collection, context, request.outputFields)
            : {
                ...rendering(collection, context),
                schema: { ...collection.schema, fields, dynamicIndex: -1 },
              }
        return { data: found.value.map(row => rowOut(shown, row)), extra: COST }
      },
    ),
  ]
}

/** Keys to get; VarChar keys may be written as numbers. @throws RestError 1806 for what is neither integer nor text */
function idsIn(collection: EngineCollection, given: unknown): PkInput[] {
  const list = Array.isArray(given) ? given : [given]
  const asText = pkField(collection.schema).dataType === DataType.VarChar
  return list.map(id => {
    const whole = typeof id === 'bigint' || (typeof id === 'number' && Number.isInteger(id))
    if (!whole && typeof id !== 'string') throw new RestError('badPrimaryKey')
    return asText ? String(id) : (id as PkInput)
  })
}

function queryOf(body: Body): QueryRequest {
  const names = textsOf(body, 'outputFields')
  const groupBy = body['groupByFields'] ?? undefined
  const orderBy = body['orderByFields'] ?? undefined
  const aggregates = names.some(name => parseAggregate(name) !== null)
  // Milvus does not pass a limit on with the number of entities alone.
  const counts = names.length === 1 && groupBy === undefined && isCount(names[0]!)
  const limit = counts ? undefined : (body['limit'] ?? (aggregates ? undefined : LIMIT_DEFAULT))
  const offset = body['offset'] ?? undefined
  return {
    filter: textOf(body, 'filter'),
    templates: templatesOf(body),
    outputFields: names.length === 0 ? ['*'] : names,
    ...(limit === undefined ? {} : { limit: limit as number }),
    ...(offset === undefined ? {} : { offset: offset as number }),
    ...(groupBy === undefined ? {} : { groupBy: groupBy as string }),
    ...(orderBy === undefined ? {} : { orderBy: orderBy as string }),
  }
}

function isCount(name: string): boolean {
  const aggregate = parseAggregate(name)
  return aggregate?.op === 'count' && aggregate.field === '*'
}

function searches(rows: RowCalls): readonly Route[] {
  const outer = { limit: 'any', offset: 'any', ...GROUPED, functionScore: 'object' } as const
  const hybrid: Route['run'] = async (body, context) => {
    const collection = open(rows, body, context)
    const found = await rows.hybrid(collection, hybridOf(collection.schema, body), choiceOf(body))
    return hitsAnswer(context, found, textsOf(body, 'outputFields'))
  }
  const hybridBody = { ...READ, ...outer, search: 'objects!', rerank: 'object' } as const
  return [
    route(
      'entities/search',
      {
        ...READ,
        ...outer,
        data: 'list',
        ids: 'list',
        annsField: 'string',
        filter: 'string',
        searchParams: 'object',
      },
      async (body, context) => {
        const collection = open(rows, body, context)
        const found = await rows.search(collection, searchOf(collection.schema, body), choiceOf(body))
        return hitsAnswer(context, found, textsOf(body, 'outputFields'))
      },
    ),
    route('entities/hybrid_search', hybridBody, hybrid),
    route('entities/advanced_search', hybridBody, hybrid),
  ]
}

/** All queries' hits in one list; `topks` says how to split it. */
function hitsAnswer(context: RestContext, found: Read<SearchHit[][]>, names: readonly string[]): RestAnswer {
  const { collection, value: lists } = found
  const shown = rendering(collection, context, names)
  const key = pkField(collection.schema).name
  const data = lists.flat().map(hit => ({
    ...rowOut(shown, { ...hit.entity, [key]: hit.id }),
    distance: shortFloat(hit.score),
  }))
  const topks = data.length === 0 ? {} : { topks: lists.map(list => list.length) }
  return { data, extra: { ...COST, ...topks } }
}
