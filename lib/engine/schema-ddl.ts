/**
 * Changes of the schema of a live collection: fields added, changed and dropped, names and descriptions.
 *
 * The one idea: the disk never follows. Stored columns are known by field id; a column that a segment lacks reads as
 * null or as the field's default, one whose field is gone is not read. So a change is one catalog record, whatever the
 * size of the collection.
 *
 * Each change is a barrier of the write queue: no write is in flight, later ones see its result (those translated for
 * the schema before it fail with SchemaMismatch and are translated again). First the record is made durable, then
 * memory follows in one synchronous step. Readers address columns by their place in the schema:
 *
 *   a field is added at the end     -> places stay as they are, running readers go on
 *   a field in the middle is taken  -> places move: running readers end first, new ones wait at the gate
 *
 *   killed before the record is durable -> nothing changed
 *   killed after it                     -> the new schema counts; replay lays log records out by field id
 */
import { collectionNotFound, invalid, MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { filterReady } from '../filter/geometry-library.js'
import { isStorageParam } from '../index/index-types.js'
import { type CollectionSchema, type FieldSchema, fieldIndex } from '../schema/collection-schema.js'
import { DataType, isVectorType } from '../schema/data-type.js'
import { buildField } from '../schema/field-rules.js'
import { checkCollectionName } from '../schema/names.js'
import type { FieldRequest } from '../schema/requests.js'
import { structSubField } from '../schema/struct-codec.js'
import { withAddedField, withoutField } from '../schema/validate-schema.js'
import type { EngineCollection } from './collection.js'
import { checkCollectionCount } from './collection-ddl.js'
import type { Engine } from './engine.js'
import { removeIndexFiles } from './index-builds.js'
import {
  changed,
  checkBoolean,
  checkChange,
  type GivenProperties,
  type PropertyChange,
} from './properties.js'
import { type CollectionRecord, DEFAULT_DATABASE, MMAP_PROPERTY, TTL_FIELD_PROPERTY } from './records.js'

/**
 * Puts a changed record in place, durable on return. Runs under `catalog.exclusive`.
 * @param change what differs; indexes on fields that the schema lost go with them
 */
export async function changeRecord(
  engine: Engine,
  collection: EngineCollection,
  change: Partial<CollectionRecord>,
): Promise<void> {
  const { state } = collection
  await collection.writes.barrier(async () => {
    if (state.broken !== null) throw state.broken
    const before = state.record.schema
    const schema = change.schema ?? before
    const indexes = (change.indexes ?? state.record.indexes).filter(
      spec => fieldIndex(schema, spec.fieldName) >= 0 || structSubField(schema, spec.fieldName) !== null,
    )
    const record = { ...state.record, ...change, indexes, updatedTick: engine.env.oracle.next() }
    await engine.catalog.putCollection(record)
    const swap = (): void => {
      state.record = record
      if (schema.version === before.version) return
      for (const segment of [...state.frozen, state.growing]) segment.applySchema(schema)
    }
    if (keepsPlaces(before, schema)) {
      swap()
      return
    }
    const open = state.holdReads()
    try {
      state.snapshots.endHolds(
        new MilvusError('SchemaMismatch', 'the iterator has ended: fields were dropped'),
      )
      await state.snapshots.whenIdle()
      swap()
    } finally {
      open()
    }
  })
}

/** True when every old field is still where it was. */
function keepsPlaces(before: CollectionSchema, after: CollectionSchema): boolean {
  return before.fields.every((field, i) => after.fields[i]?.id === field.id)
}

/**
 * Adds a field; rows written before read as null or as its default. Durable on return. A new vector field can be
 * searched once it has an index and the collection was loaded since.
 * @throws MilvusError ParameterInvalid (not nullable, a key, a duplicate, too many fields), FieldInvalidName
 */
export function addField(engine: Engine, collection: EngineCollection, request: FieldRequest): Promise<void> {
  return engine.catalog.exclusive(async () => {
    const schema = withAddedField(collection.schema, request)
    // A reader that found no Geometry field may be waiting; its filter must not meet one before the library is there.
    const ready = filterReady(schema)
    if (ready !== undefined) await ready
    const { load, unloadedVectors } = collection.state.record
    const { id, dataType } = schema.fields.at(-1)!
    const unloaded = load !== 'none' && (isVectorType(dataType) || dataType === DataType.ArrayOfStruct)
    await changeRecord(engine, collection, {
      schema,
      ...(unloaded && { unloadedVectors: [...(unloadedVectors ?? []), id] }),
    })
  })
}

/**
 * Drops a field with its indexes; its values never come back, also when the name is used again. Durable on return,
 * after the reads that run at the moment. The disk space is freed as segments are merged.
 * @throws MilvusError ParameterInvalid (keys, the last vector field, what functions or ttl_field need), FieldNotFound
 */
export function dropField(engine: Engine, collection: EngineCollection, name: string): Promise<void> {
  return engine.catalog.exclusive(async () => {
    const schema = withoutField(collection.schema, name)
    if (collection.state.record.properties[TTL_FIELD_PROPERTY] === name) {
      throw invalid(
        `cannot drop field ${name}: it is the ttl field of the collection, drop property ttl_field first`,
      )
    }
    const before = collection.state.record.indexes
    await changeRecord(engine, collection, { schema })
    const left = new Set(collection.state.record.indexes.map(spec => spec.id))
    const gone = before.map(spec => spec.id).filter(id => !left.has(id))
    if (gone.length > 0) await removeIndexFiles(collection.state, new Set(gone))
  })
}

/**
 * Changes `max_length`, `max_capacity`, `description`, `mmap.enabled` or `warmup` of a field. Stored values are not
 * checked against a smaller limit. Durable on return.
 * @throws MilvusError FieldNotFound, ParameterInvalid with Milvus's texts
 */
export function alterField(
  engine: Engine,
  collection: EngineCollection,
  name: string,
  change: PropertyChange,
): Promise<void> {
  return engine.catalog.exclusive(async () => {
    const { given, gone } = checkChange(change)
    const { schema, load } = collection.state.record
    const at = fieldIndex(schema, name)
    const field = schema.fields[at]
    if (field === undefined || field.dynamic)
      throw new MilvusError('FieldNotFound', '', { fields: { field: name } })
    for (const key of gone) if (!isStorageParam(key)) throw fixedParam(key)
    for (const [key, value] of Object.entries(given)) checkFieldParam(field, key, String(value))
    const touchesMmap = given[MMAP_PROPERTY] !== undefined || gone.includes(MMAP_PROPERTY)
    if (touchesMmap && load !== 'none')
      throw invalid('can not alter collection field properties if collection loaded')
    const altered = alteredField(schema, field, given, gone)
    const fields = schema.fields.map(f => (f === field ? altered : f))
    await changeRecord(engine, collection, { schema: { ...schema, fields, version: schema.version + 1 } })
  })
}

function fixedParam(key: string): MilvusError {
  return invalid(`${key} does not allow update in collection field param`)
}

function checkFieldParam(field: FieldSchema, key: string, text: string): void {
  switch (key) {
    case 'max_length':
      if (field.maxLength === 0) throw invalid('can not modify the maxlength for non-string types')
      return
    case 'max_capacity':
      if (field.dataType !== DataType.Array)
        throw invalid('can not modify the maxcapacity for non-array types')
      return
    case 'description':
      if (text.length > LIMITS.descriptionMax)
        throw invalid(`description of field ${field.name} is longer than ${LIMITS.descriptionMax} characters`)
      return
    case MMAP_PROPERTY:
      checkBoolean(key, text)
      return
    default:
      if (!isStorageParam(key)) throw fixedParam(key)
  }
}

/** The field with its changes, judged by the rules for new fields. */
function alteredField(
  schema: CollectionSchema,
  field: FieldSchema,
  given: GivenProperties,
  gone: readonly string[],
): FieldSchema {
  const { max_length, max_capacity, description, ...stored } = given
  const { name, dataType, elementType, defaultValue, nullable, primaryKey, partitionKey } = field
  const lengths: Record<string, string | number | boolean> = {}
  if (field.maxLength > 0) lengths['max_length'] = max_length ?? field.maxLength
  if (field.maxCapacity > 0) lengths['max_capacity'] = max_capacity ?? field.maxCapacity
  if (field.dim > 0) lengths['dim'] = field.dim
  const request = {
    name,
    dataType,
    elementType,
    defaultValue,
    nullable,
    primaryKey,
    partitionKey,
    params: lengths,
  }
  const { maxLength, maxCapacity } = buildField(request, field.id, schema.name)
  const params = changed(field.params, stored, gone)
  return { ...field, maxLength, maxCapacity, description: String(description ?? field.description), params }
}

/**
 * Gives a collection another name, and with `newDatabase` another database. Aliases stay with it. Durable on return.
 * @throws MilvusError CollectionNotFound, DatabaseNotFound, ParameterInvalid (taken or invalid names, aliases in the way)
 */
export function renameCollection(
  engine: Engine,
  name: string,
  newName: string,
  where: { readonly database?: string | undefined; readonly newDatabase?: string | undefined } = {},
): Promise<void> {
  engine.checkOpen()
  const { catalog } = engine
  return catalog.exclusive(async () => {
    const from = catalog.database(where.database ?? DEFAULT_DATABASE)
    const { newDatabase = '' } = where
    const to = newDatabase === '' ? from : catalog.database(newDatabase)
    checkCollectionName(newName)
    const record = catalog.find(from, name)
    if (record === undefined) throw collectionNotFound(from.name, name)
    if (record.schema.name !== name)
      throw invalid(`unsupported use an alias to rename collection, alias:${name}`)
    if (name === newName && from.id === to.id)
      throw invalid('collection name or database name should be different')
    if (from.id !== to.id && record.aliases.length > 0) {
      throw invalid('fail to rename db name, must drop all aliases of this collection before rename')
    }
    if (catalog.find(to, newName) !== undefined) {
      throw invalid(
        `duplicated new collection name ${to.name}:${newName} with other collection name or alias`,
      )
    }
    if (from.id !== to.id) checkCollectionCount(engine, to)
    const collection = engine.collectionById(record.id)!
    await changeRecord(engine, collection, { databaseId: to.id, schema: { ...record.schema, name: newName } })
  })
}
