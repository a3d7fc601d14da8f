/**
 * Changes of properties: of collections, databases and indexes (query-search-semantics §4.5, §7.1, §7.3).
 *
 * A change is checked as a whole against the record it applies to, then written as one catalog record, then shown:
 * either all of a request's keys count or none.
 *
 *   killed before the record is durable -> nothing changed
 *   killed after it                     -> the change counts, whether its caller has heard or not
 */

import { invalid, MilvusError } from '../base/errors.js'
import { valueText } from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import { isStorageParam } from '../index/index-types.js'
import { isVectorType } from '../schema/data-type.js'
import { withDynamicField, withoutDynamicField } from '../schema/validate-schema.js'
import type { EngineCollection } from './collection.js'
import type { Engine } from './engine.js'
import {
  changed,
  checkBoolean,
  checkChange,
  checkDatabaseProperties,
  checkProperties,
  type GivenProperties,
  inheritedProperties,
  isTrue,
  type PropertyChange,
} from './properties.js'
import {
  type CollectionRecord,
  DESCRIPTION_PROPERTY,
  DYNAMIC_PROPERTY,
  ISOLATION_PROPERTY,
  MMAP_PROPERTY,
} from './records.js'
import { changeRecord } from './schema-ddl.js'

/**
 * Sets or removes properties of a collection; `dynamicfield.enabled` turns the dynamic field on or off,
 * `collection.description` changes the description. Removing what is not set is a success. Durable on return.
 * @throws MilvusError ParameterInvalid with Milvus's texts; nothing is changed then
 */
export function alterCollection(
  engine: Engine,
  collection: EngineCollection,
  change: PropertyChange,
): Promise<void> {
  return engine.catalog.exclusive(async () => {
    const { given, gone } = checkChange(change)
    if (given[DYNAMIC_PROPERTY] !== undefined) return alterDynamicField(engine, collection, given)
    if (gone.includes(DYNAMIC_PROPERTY)) {
      throw invalid(`cannot delete key ${DYNAMIC_PROPERTY}, set it to true or false instead`)
    }
    const { record } = collection.state
    checkLoaded(record, given, gone)
    const { [DESCRIPTION_PROPERTY]: text, ...rest } = given
    // A time zone that is taken away leaves the database's (§1.17), as a new collection has it.
    const database = engine.catalog.databaseById(record.databaseId)
    const inherited = database === undefined ? {} : inheritedProperties(database)
    const kept = { ...inherited, ...changed(record.properties, {}, gone) }
    const properties = checkProperties(record.schema, kept, rest)
    checkIsolation(record, given, gone)
    const description = gone.includes(DESCRIPTION_PROPERTY) ? '' : text
    if (description === undefined) return changeRecord(engine, collection, { properties })
    if (valueText(description).length > LIMITS.descriptionMax)
      throw invalid(`collection description is longer than ${LIMITS.descriptionMax} characters`)
    const schema = { ...record.schema, description: valueText(description) }
    await changeRecord(engine, collection, { properties, schema })
  })
}

async function alterDynamicField(
  engine: Engine,
  collection: EngineCollection,
  given: GivenProperties,
): Promise<void> {
  if (Object.keys(given).length > 1)
    throw invalid('cannot alter dynamic schema with other properties at the same time')
  const text = valueText(given[DYNAMIC_PROPERTY])
  if (!/^(true|false)$/i.test(text)) throw invalid(`invalid dynamic schema property value: ${text}`)
  const { schema } = collection
  const next = isTrue(text) ? withDynamicField(schema) : withoutDynamicField(schema)
  if (next !== schema) await changeRecord(engine, collection, { schema: next })
}

/** Properties about how data is mapped into memory change only while none is. */
function checkLoaded(record: CollectionRecord, given: GivenProperties, gone: readonly string[]): void {
  if (record.load !== 'none' && (given[MMAP_PROPERTY] !== undefined || gone.includes(MMAP_PROPERTY))) {
    throw invalid('can not alter mmap properties if collection loaded')
  }
}

function checkIsolation(record: CollectionRecord, given: GivenProperties, gone: readonly string[]): void {
  const before = isTrue(record.properties[ISOLATION_PROPERTY])
  const value = given[ISOLATION_PROPERTY]
  const after = gone.includes(ISOLATION_PROPERTY)
    ? false
    : value === undefined
      ? before
      : isTrue(valueText(value))
  if (before === after) return
  const { fields } = record.schema
  const indexed = record.indexes.some(spec =>
    fields.some(field => field.name === spec.fieldName && isVectorType(field.dataType)),
  )
  if (indexed) {
    throw invalid(
      'can not alter partition key isolation mode if the collection already has a vector index. Please drop the index first',
    )
  }
}

/**
 * Sets or removes properties of a database. Collections created later inherit its `timezone`. Durable on return.
 * @throws MilvusError DatabaseNotFound, ParameterInvalid
 */
export function alterDatabase(engine: Engine, name: string, change: PropertyChange): Promise<void> {
  engine.checkOpen()
  const { catalog } = engine
  return catalog.exclusive(async () => {
    const { given, gone } = checkChange(change)
    const record = catalog.database(name)
    checkDatabaseProperties(given)
    await catalog.putDatabase({ ...record, properties: changed(record.properties, given, gone) })
  })
}

/**
 * Sets or removes storage parameters of an index (`mmap.enabled`, `indexoffsetcache.enabled`, `warmup…`): echoed by
 * describe, no effect here, and nothing is rebuilt. Durable on return.
 * @throws MilvusError IndexNotFound, ParameterInvalid (other keys; while the collection is loaded)
 */
export function alterIndex(
  engine: Engine,
  collection: EngineCollection,
  name: string,
  change: PropertyChange,
): Promise<void> {
  return engine.catalog.exclusive(async () => {
    const { given, gone } = checkChange(change, 'cannot provide both DeleteKeys and ExtraParams')
    for (const key of [...Object.keys(given), ...gone]) {
      if (!isStorageParam(key)) throw invalid(`${key} is not a configable index property`)
    }
    for (const [key, value] of Object.entries(given))
      if (key.endsWith('.enabled')) checkBoolean(key, valueText(value))
    const { record } = collection.state
    if (record.load !== 'none')
      throw invalid("can't alter index on loaded collection, please release the collection first")
    const found = record.indexes.find(spec => spec.name === name)
    if (found === undefined) throw new MilvusError('IndexNotFound', '', { fields: { indexName: name } })
    const altered = { ...found, params: changed(found.params, given, gone) }
    const indexes = record.indexes.map(spec => (spec === found ? altered : spec))
    await changeRecord(engine, collection, { indexes })
  })
}
