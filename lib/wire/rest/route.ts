/**
 * What a REST endpoint is: a path, the shape its body must have, and a function from body to data.
 *
 * Shapes are plain lists of keys, from which the HTTP framework's validator gets a JSON schema and the key matcher its
 * spelling: JSON keys are compared exactly first, then without regard to case, as Milvus's own server does.
 */
import type { CallContext, Calls } from '../calls.js'
import { RestError } from '../status.js'

/** What a key holds. 'any' is not looked at by the validator. */
export type KeyType = 'string' | 'strings' | 'boolean' | 'object' | 'objects' | 'list' | 'any'

/** Keys of a body: `!` at the end of a type means required (present and not empty). */
export type BodyShape = Readonly<Record<string, KeyType | `${KeyType}!`>>

/** A parsed body: canonical keys, integers exact. */
export type Body = Readonly<Record<string, unknown>>

export interface RestContext extends CallContext {
  readonly calls: Calls
  /** False when the client wants Int64 values as decimal text. */
  readonly int64AsNumber: boolean
}

/** A successful answer: `data`, and whatever stands beside it (`cost`, `topks`, `message`). */
export interface RestAnswer {
  readonly data: unknown
  readonly extra?: Readonly<Record<string, unknown>>
}

export interface Route {
  /** Below `/v2/vectordb/`. */
  readonly path: string
  readonly body: BodyShape
  readonly run: (body: Body, context: RestContext) => Promise<RestAnswer>
}

/** Every body may name a database. */
const COMMON: BodyShape = { dbName: 'string' }

/** An answer without payload. */
export const NOTHING: RestAnswer = { data: {} }

export function route(path: string, body: BodyShape, run: Route['run']): Route {
  return { path, body: { ...COMMON, ...body }, run }
}

/** The JSON schema the framework validates a body with. */
export function jsonSchema(shape: BodyShape): object {
  const properties: Record<string, object> = {}
  const required: string[] = []
  for (const [key, declared] of Object.entries(shape)) {
    const needed = declared.endsWith('!')
    if (needed) required.push(key)
    properties[key] = typeSchema((needed ? declared.slice(0, -1) : declared) as KeyType, needed)
  }
  return { type: 'object', properties, required }
}

function typeSchema(type: KeyType, needed: boolean): object {
  switch (type) {
    case 'string':
      return needed ? { type: 'string', minLength: 1 } : { type: ['string', 'null'] }
    case 'strings':
      return {
        type: needed ? 'array' : ['array', 'null'],
        items: { type: 'string' },
        ...(needed ? { minItems: 1 } : {}),
      }
    case 'boolean':
      return { type: ['boolean', 'null'] }
    case 'object':
      return { type: needed ? 'object' : ['object', 'null'] }
    case 'objects':
      return { type: needed ? 'array' : ['array', 'null'], items: { type: 'object' } }
    case 'list':
      return { type: needed ? 'array' : ['array', 'null'] }
    case 'any':
      return {}
  }
}

/** The body with canonical spelling of its keys; unknown keys stay as they are. */
export function canonicalKeys(shape: BodyShape, body: Body): Body {
  const names = new Map(Object.keys(shape).map(name => [name.toLowerCase(), name]))
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(body)) {
    const canonical = names.get(key.toLowerCase())
    if (canonical === undefined || canonical === key) out[key] = value
    else if (!Object.hasOwn(body, canonical)) out[canonical] = value
  }
  return out
}

/** The validator's complaint as the error clients know. */
export function bodyError(
  errors: readonly {
    keyword: string
    instancePath: string
    params: Record<string, unknown>
    message?: string
  }[],
): RestError {
  const first = errors[0]
  if (first === undefined) return new RestError('notJson')
  const missing = first.keyword === 'required' ? String(first.params['missingProperty']) : ''
  const empty =
    first.keyword === 'minLength' || first.keyword === 'minItems' ? first.instancePath.slice(1) : ''
  const name = missing || empty
  if (name !== '') {
    const shown = name[0]!.toUpperCase() + name.slice(1)
    return new RestError(
      'missingParameters',
      `Key: '${shown}' Error:Field validation for '${shown}' failed on the 'required' tag`,
    )
  }
  return new RestError(
    'notJson',
    `${first.instancePath.slice(1) || 'body'} ${first.message ?? 'is of the wrong type'}`,
  )
}

/** Text of a key, empty when absent. */
export function textOf(body: Body, key: string): string {
  const value = body[key]
  return typeof value === 'string' ? value : ''
}

/** List of texts of a key, empty when absent. */
export function textsOf(body: Body, key: string): string[] {
  const value = body[key]
  return Array.isArray(value) ? value.map(String) : []
}

/** Object of a key, empty when absent. */
export function objectOf(body: Body, key: string): Readonly<Record<string, unknown>> {
  const value = body[key]
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}

/** Objects of a key, empty when absent. @throws RestError 1801 for a list of anything else */
export function objectsOf(body: Body, key: string): Body[] {
  const value = body[key]
  if (!Array.isArray(value)) return []
  for (const one of value as unknown[]) {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) {
      throw new RestError('notJson', `${key} must be a list of objects`)
    }
  }
  return value as Body[]
}
