/** Insert, Upsert and Delete: columns of the request to the engine, its answer to a MutationResult. */
import { invalid } from '../../base/errors.js'
import type { EngineCollection } from '../../engine/collection.js'
import type { WriteResult } from '../../engine/write-request.js'
import type { ArrayOp, FieldOps } from '../../schema/requests.js'
import type { WriteMode } from '../../schema/rows-to-columns.js'
import { type CallContext, type Calls, databaseOf, type Request } from '../calls.js'
import { decodeFieldsData, rowsMax } from '../field-data.js'
import { mutationResult } from '../results.js'
import { decodeTemplates } from '../template-values.js'
import { checkSchemaTimestamp, given, refuseNamespace, timeZoneOf } from './lookup.js'
import { keyColumn } from './result-columns.js'
import { isMerge, type RowCalls, timestampOf } from './row-calls.js'

type WriteCalls = Pick<Calls, 'Insert' | 'Upsert' | 'Delete'>

/** Operations by their number in the protocol. */
const OPS: readonly ArrayOp[] = ['REPLACE', 'ARRAY_APPEND', 'ARRAY_REMOVE']

export function writeCalls(rows: RowCalls): WriteCalls {
  return {
    Insert: async (request, context) => {
      const collection = openFor(rows, request, context)
      const batch = columnsOf(collection, request, 'insert')
      const result = await rows.insert(collection, batch, given(request.partition_name))
      return answer('insert', collection, result)
    },
    Upsert: async (request, context) => {
      const collection = openFor(rows, request, context)
      const choice = {
        partitionName: given(request.partition_name),
        partialUpdate: request.partial_update,
        fieldOps: fieldOpsOf(request.field_ops),
      }
      const batch = columnsOf(collection, request, isMerge(choice) ? 'partial' : 'upsert')
      const result = await rows.upsert(collection, batch, choice)
      return answer('upsert', collection, result)
    },
    Delete: async (request, context) => {
      refuseNamespace(request.namespace)
      const target = {
        database: databaseOf(request.db_name, context),
        collection: request.collection_name,
      }
      const collection = rows.open(target)
      const templates = decodeTemplates(request.expr_template_values)
      const result = await rows.remove(collection, request.expr, templates, given(request.partition_name))
      return mutationResult({
        kind: 'delete',
        count: result.deleteCount,
        timestamp: timestampOf(collection, result),
      })
    },
  }
}

type RowsRequest = Request<'Insert'> | Request<'Upsert'>

function openFor(rows: RowCalls, request: RowsRequest, context: CallContext): EngineCollection {
  refuseNamespace(request.namespace)
  const collection = rows.open({
    database: databaseOf(request.db_name, context),
    collection: request.collection_name,
  })
  checkSchemaTimestamp(collection, request.schema_timestamp)
  return collection
}

function columnsOf(collection: EngineCollection, request: RowsRequest, mode: WriteMode) {
  const { fields_data: parts, num_rows } = request
  // Columns that are not there are filled for as many rows as the request claims: a lie must not cost memory.
  if (num_rows > rowsMax(parts)) {
    throw invalid(`the num_rows (${num_rows}) is more than the fields data of the request can hold`)
  }
  return decodeFieldsData(collection.schema, parts, num_rows, mode, timeZoneOf(collection))
}

/** Operations by field name. @throws MilvusError ParameterInvalid for unknown numbers and repeated fields */
function fieldOpsOf(ops: readonly { readonly field_name: string; readonly op: number }[]): FieldOps {
  const out: Record<string, ArrayOp> = Object.create(null) as Record<string, ArrayOp>
  for (const { field_name: name, op } of ops) {
    const known = OPS[op]
    if (known === undefined) throw invalid(`field ${name}: unknown partial update operation ${op}`)
    if (out[name] !== undefined) throw invalid(`duplicate field_ops for field ${name}`)
    out[name] = known
  }
  return { ...out }
}

function answer(kind: 'insert' | 'upsert', collection: EngineCollection, result: WriteResult): Buffer {
  return mutationResult({
    kind,
    count: result.ids.length,
    deletedCount: result.deleteCount,
    ids: keyColumn(collection.schema, result.ids),
    timestamp: timestampOf(collection, result),
  })
}
