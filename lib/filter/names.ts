/**
 * What a name in a filter means (query-search-semantics §1.3): a column, an element of an Array column, or a path in a
 * JSON field. Declared fields go before dynamic keys; `$meta["k"]` reaches a dynamic key that a field hides.
 */
import { type CollectionSchema, type FieldSchema, fieldIndex } from '../schema/collection-schema.js'
import { DataType, dataTypeName } from '../schema/data-type.js'
import type { PathKey, PathNode } from './ast.js'
import type { JsonPath, JsonStep } from './bound.js'
import { reject } from './reject.js'

/** The thing on a row that a comparison reads. */
export type Subject =
  | { readonly kind: 'column'; readonly field: number; readonly type: DataType; readonly schema: FieldSchema }
  | {
      readonly kind: 'element'
      readonly field: number
      readonly type: DataType
      readonly index: number
      readonly schema: FieldSchema
    }
  /** An empty path is the whole field. */
  | { readonly kind: 'json'; readonly field: number; readonly path: JsonPath; readonly schema: FieldSchema }

/** Resolves a name. @throws MilvusError 1100 `field x not exist`, … */
export function resolve(schema: CollectionSchema, node: PathNode): Subject {
  const { name, keys } = node
  if (name === '$') {
    const inner = elementColumn(schema, keys)
    if (inner !== null) return inner
    reject('element-level access is only supported inside element_filter or match expressions')
  }
  const index = fieldIndex(schema, name)
  if (index < 0) return resolveDynamic(schema, node)
  const field = schema.fields[index]!
  if (field.dataType === DataType.ArrayOfStruct && keys.length > 0) {
    reject(`a sub-field of ${name} can only be used as $[…] inside element_filter or match expressions`)
  }
  for (const key of keys) if (key.form === 'bare') badKey()
  if (field.dataType === DataType.Text) reject(`filter on text field (${name}) is not supported yet`)
  if (field.dataType === DataType.JSON) {
    return { kind: 'json', field: index, path: jsonPath(keys), schema: field }
  }
  if (keys.length === 0) return { kind: 'column', field: index, type: field.dataType, schema: field }
  if (field.dataType !== DataType.Array) {
    return reject(`${dataTypeName(field.dataType)} data type not supported accessed with []`)
  }
  if (keys.length > 1 || keys[0]!.form !== 'index') reject('can only access array field with integer index')
  const at = Number(keys[0]!.text)
  return { kind: 'element', field: index, type: field.elementType, index: at, schema: field }
}

/** `$[sub]` in a predicate on elements, whose schema has fields of that very name (match-elements.ts). */
function elementColumn(schema: CollectionSchema, keys: readonly PathKey[]): Subject | null {
  const [key] = keys
  if (key?.form !== 'bare' || keys.length !== 1) return null
  const index = fieldIndex(schema, `$[${key.text}]`)
  if (index < 0) return null
  const field = schema.fields[index]!
  return { kind: 'column', field: index, type: field.dataType, schema: field }
}

function resolveDynamic(schema: CollectionSchema, node: PathNode): Subject {
  const { name, keys } = node
  refuseNull(node)
  for (const key of keys) if (key.form === 'bare') badKey()
  const { dynamicIndex } = schema
  if (dynamicIndex < 0 || name === '$meta') return reject(`field ${name} not exist`)
  const path = jsonPath([{ text: name, form: 'quoted' }, ...keys])
  return { kind: 'json', field: dynamicIndex, path, schema: schema.fields[dynamicIndex]! }
}

/** A bare `null` names no field: fields can not be called so. */
export function refuseNull({ name, keys }: PathNode): void {
  if (keys.length === 0 && (name === 'null' || name === 'NULL')) {
    reject('NULL literal is not supported in expressions, use `is null` or `is not null` instead')
  }
}

function badKey(): never {
  return reject('json key must be enclosed in double quotes or single quotes')
}

function jsonPath(keys: readonly PathKey[]): JsonPath {
  return pathOfKeys(keys.map(key => key.text))
}

/** The path that some keys make, outermost first. */
export function pathOfKeys(keys: readonly string[]): JsonPath {
  return keys.map((key): JsonStep => {
    const canonical = /^(0|[1-9][0-9]{0,8})$/.test(key)
    return { key: Buffer.from(key, 'utf8'), index: canonical ? Number(key) : -1 }
  })
}

/** A subject's type as messages print it: `Int64`, `JSON`, `Array[Int64]`. */
export function subjectType(subject: Subject): string {
  if (subject.kind === 'json') return 'JSON'
  if (subject.kind === 'column' && subject.type === DataType.Array) {
    return `Array[${dataTypeName(subject.schema.elementType)}]`
  }
  return dataTypeName(subject.type)
}
