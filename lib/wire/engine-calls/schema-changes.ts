/** Calls that change a collection's properties and fields. Functions are refused: the engine computes no fields. */
import { invalid } from '../../base/errors.js'
import type { EngineCollection } from '../../engine/collection.js'
import { createIndex } from '../../engine/collection-ddl.js'
import type { Engine } from '../../engine/engine.js'
import { alterCollection } from '../../engine/property-ddl.js'
import { addField, alterField, dropField } from '../../engine/schema-ddl.js'
import type { Calls, Request } from '../calls.js'
import { type KeyValue, toRecord } from '../key-values.js'
import { decodeFieldSchema, fieldRequest, structRequest } from '../schema-proto.js'
import { notSupported } from '../status.js'
import { collectionOf } from './lookup.js'

type SchemaCalls = Pick<
  Calls,
  | 'AlterCollection'
  | 'AlterCollectionField'
  | 'AlterCollectionSchema'
  | 'AddCollectionField'
  | 'AddCollectionStructField'
  | 'AddCollectionFunction'
  | 'AlterCollectionFunction'
  | 'DropCollectionFunction'
>

/** What a request about properties sets or removes. */
export function changeOf(
  properties: readonly KeyValue[],
  deleteKeys: readonly string[],
): { properties: Record<string, string>; deleteKeys: readonly string[] } {
  return { properties: toRecord(properties), deleteKeys }
}

export function schemaCalls(engine: Engine): SchemaCalls {
  return {
    AlterCollection: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      await alterCollection(engine, collection, changeOf(request.properties, request.delete_keys))
      return {}
    },
    AlterCollectionField: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      const change = changeOf(request.properties, request.delete_keys)
      await alterField(engine, collection, request.field_name, change)
      return {}
    },
    AddCollectionField: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      await addField(engine, collection, decodeFieldSchema(request.schema))
      return {}
    },
    AddCollectionStructField: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      const struct = request.struct_array_field_schema
      if (struct === undefined) throw invalid('no struct array field is given to add')
      await addField(engine, collection, structRequest(struct))
      return {}
    },
    AlterCollectionSchema: async (request, context) => {
      await alterSchema(engine, collectionOf(engine, request, context), request.action)
      return {}
    },
    AddCollectionFunction: () => refuseFunction('adding a function'),
    AlterCollectionFunction: () => refuseFunction('altering a function'),
    DropCollectionFunction: () => refuseFunction('dropping a function'),
  }
}

async function refuseFunction(what: string): Promise<never> {
  throw notSupported(`${what} of a collection`)
}

type Action = Request<'AlterCollectionSchema'>['action']

async function alterSchema(engine: Engine, collection: EngineCollection, action: Action): Promise<void> {
  if (action?.add_request !== undefined) {
    const { field_infos: fields, func_schema: functions } = action.add_request
    if (functions.length > 0) throw notSupported('adding a function to a collection')
    // Fields are added one by one here; a list that fails half-way would leave half of it.
    if (fields.length > 1) throw notSupported('adding several fields in one request')
    const [field] = fields
    if (field?.field_schema === undefined) throw invalid('no field is given to add')
    await addField(engine, collection, fieldRequest(field.field_schema))
    if (field.extra_params.length === 0) return
    await createIndex(engine, collection, {
      fieldName: field.field_schema.name,
      indexName: field.index_name,
      params: toRecord(field.extra_params),
    })
    return
  }
  if (action?.drop_request === undefined) throw invalid('alter collection schema needs an action')
  const { field_name: name, field_id: id, function_name: functionName } = action.drop_request
  if (functionName !== '') throw notSupported('dropping a function of a collection')
  const byId = collection.schema.fields.find(field => field.id === id)
  await dropField(engine, collection, name === '' ? (byId?.name ?? `with id ${id}`) : name)
}
