/**
 * The shape of arguments, for callers whose compiler did not check it: plain JavaScript, and values that came as JSON.
 *
 * A wrong shape that passes unnoticed can destroy data: `ids: 'abc'` read letter by letter deletes three rows, and
 * `partial_update: true` (Milvus's spelling) left unread turns a merge into an override. So lists must be lists, flags
 * must be flags, and options of writes must be known ones. What is inside (values of rows, filters, vectors) is judged
 * by the rooms that understand it.
 */
import { invalid } from '../base/errors.js'
import { describe } from '../schema/cell-errors.js'

type Kind = 'text' | 'boolean' | 'number' | 'bigint' | 'array' | 'object'
type Kinds = Readonly<Record<string, Kind>>

const INSERT = { partitionName: 'text' } as const satisfies Kinds
const UPSERT = { ...INSERT, partialUpdate: 'boolean', fieldOps: 'object' } as const satisfies Kinds
const DELETE = {
  ids: 'array',
  filter: 'text',
  templates: 'object',
  partitionName: 'text',
} as const satisfies Kinds
const READ = {
  partitionNames: 'array',
  readTimestamp: 'bigint',
  outputFields: 'array',
  templates: 'object',
} as const satisfies Kinds
/** Of reads too; null stands for "not given", as it may in JSON. */
const QUESTION: readonly (readonly [name: string, kind: Kind])[] = [
  ['filter', 'text'],
  ['annsField', 'text'],
  ['groupByField', 'text'],
  ['timeZone', 'text'],
  ['functionScore', 'object'],
]
const LOAD = {
  loadFields: 'array',
  skipLoadDynamicField: 'boolean',
  replicaNumber: 'number',
  refresh: 'boolean',
} as const satisfies Kinds
const DECLARED = {
  name: 'text',
  fields: 'array',
  indexes: 'array',
  functions: 'array',
  properties: 'object',
  description: 'text',
  enableDynamicField: 'boolean',
  autoId: 'boolean',
  numPartitions: 'number',
  load: 'boolean',
} as const satisfies Kinds
/** A flag that is no flag would be taken for false. */
const FIELD = {
  primaryKey: 'boolean',
  autoId: 'boolean',
  nullable: 'boolean',
  partitionKey: 'boolean',
  clusteringKey: 'boolean',
  description: 'text',
  params: 'object',
} as const satisfies Kinds

function isKind(value: unknown, kind: Kind): boolean {
  if (kind === 'array') return Array.isArray(value)
  if (kind === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === (kind === 'text' ? 'string' : kind)
}

/** @throws MilvusError ParameterInvalid when the value is of another kind; undefined is not accepted either */
function check(name: string, value: unknown, kind: Kind): void {
  const article = kind === 'array' || kind === 'object' ? 'an' : 'a'
  const wanted = kind === 'text' ? 'text' : `${article} ${kind}`
  if (!isKind(value, kind)) throw invalid(`${name}: expected ${wanted}, got ${describe(value)}`)
}

function checkEach(what: string, given: unknown, kinds: Kinds, closed: boolean): void {
  check(what, given, 'object')
  for (const [name, value] of Object.entries(given as object)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (kind === undefined) {
      if (!closed) continue
      throw invalid(`${what}: unknown option "${name}"; known are ${Object.keys(kinds).join(', ')}`)
    }
    if (value !== undefined) check(name, value, kind)
  }
}

/** @throws MilvusError ParameterInvalid naming the argument, what was expected and found */
export function checkInsertArguments(rows: unknown, options: unknown): void {
  check('rows', rows, 'array')
  checkEach('options of insert', options, INSERT, true)
}

/** @throws MilvusError ParameterInvalid naming the argument, what was expected and found */
export function checkUpsertArguments(rows: unknown, options: unknown): void {
  check('rows', rows, 'array')
  checkEach('options of upsert', options, UPSERT, true)
  const { fieldOps } = options as { readonly fieldOps?: object }
  for (const [name, op] of Object.entries(fieldOps ?? {})) check(`operation of field "${name}"`, op, 'text')
}

/** @throws MilvusError ParameterInvalid naming the argument, what was expected and found */
export function checkDeleteArguments(options: unknown): void {
  checkEach('options of delete', options, DELETE, true)
}

/** What every read has in common; the rest of a request is judged by the query room. */
export function checkReadArguments(what: string, request: unknown): void {
  checkEach(what, request, READ, false)
  const given = request as Readonly<Record<string, unknown>>
  for (const name of (given['partitionNames'] ?? []) as readonly unknown[]) {
    check('partition name', name, 'text')
  }
  for (const name of (given['outputFields'] ?? []) as readonly unknown[]) check('output field', name, 'text')
  for (const [name, kind] of QUESTION) {
    const value = given[name]
    if (value !== undefined && value !== null) check(name, value, kind)
  }
  const { timeFields, functionScore } = given
  if (typeof timeFields !== 'string') checkNameList('timeFields', timeFields ?? [])
  if (functionScore !== undefined && functionScore !== null) {
    const { functions } = functionScore as { readonly functions?: unknown }
    check('functions', functions, 'array')
    for (const one of functions as readonly unknown[]) check('function', one, 'object')
  }
}

/** A hybrid search and each of its searches. */
export function checkHybridArguments(request: unknown): void {
  const what = 'request of hybridSearch'
  checkReadArguments(what, request)
  const { requests, rank } = request as { readonly requests?: unknown; readonly rank?: unknown }
  if (rank !== undefined) {
    check('rank', rank, 'object')
    const { strategy, normScore } = rank as { readonly strategy?: unknown; readonly normScore?: unknown }
    check('strategy', strategy, 'text')
    if (normScore !== undefined) check('normScore', normScore, 'boolean')
  }
  if (Array.isArray(requests)) for (const one of requests) checkReadArguments(`search of a ${what}`, one)
}

/** What an iterator may say beside its request. */
export function checkIteratorArguments(what: string, request: unknown): void {
  checkReadArguments(what, request)
  checkEach(what, request, { cursor: 'text', newestState: 'boolean' }, false)
}

/** @throws MilvusError ParameterInvalid when a name is no text */
export function checkName(what: string, name: unknown): void {
  check(what, name, 'text')
}

/** @throws MilvusError ParameterInvalid naming the first value that is no text */
export function checkNames(names: Readonly<Record<string, unknown>>): void {
  for (const [what, name] of Object.entries(names)) check(what, name, 'text')
}

/** @throws MilvusError ParameterInvalid when it is no list of texts */
export function checkNameList(what: string, names: unknown): void {
  check(what, names, 'array')
  for (const name of names as readonly unknown[]) check(what, name, 'text')
}

/**
 * The database that a call is about. An option that nobody reads would make it the default one, so none may be unknown.
 * @param more other options of the call
 * @throws MilvusError ParameterInvalid
 */
export function databaseIn(where: unknown, more: Kinds = {}): string | undefined {
  checkEach('options of a database call', where, { database: 'text', ...more }, true)
  return (where as { readonly database?: string }).database
}

/** What a load may say. */
export function checkLoadArguments(options: unknown): void {
  checkEach('options of load', options, LOAD, false)
  checkNameList('loadFields', (options as { readonly loadFields?: unknown }).loadFields ?? [])
}

/** Properties are kept as text: what has none of its own is refused. */
export function checkPropertyArguments(properties: unknown): void {
  check('properties', properties, 'object')
  for (const [key, value] of Object.entries(properties as object)) {
    if (['string', 'number', 'boolean'].includes(typeof value)) continue
    throw invalid(`property "${key}": expected text, a number or a boolean, got ${describe(value)}`)
  }
}

/** An object of texts: required ones must be there, no key may be unknown. @throws MilvusError ParameterInvalid */
export function checkTexts(
  what: string,
  given: unknown,
  required: readonly string[],
  optional: readonly string[],
): void {
  const kinds = Object.fromEntries([...required, ...optional].map(name => [name, 'text'] as const))
  checkEach(what, given, kinds, true)
  for (const name of required) check(name, (given as Record<string, unknown>)[name], 'text')
}

/** The parts of a declaration that are walked before they are judged. */
export function checkDeclaration(request: unknown): void {
  checkEach('collection', request, DECLARED, false)
  const { name, fields, indexes, functions, properties } = request as Readonly<Record<string, unknown>>
  check('name', name, 'text')
  check('fields', fields, 'array')
  for (const field of fields as readonly unknown[]) checkFieldArguments(field)
  for (const index of (indexes ?? []) as readonly unknown[]) checkIndexArguments(index)
  for (const one of (functions ?? []) as readonly unknown[]) check('function', one, 'object')
  checkPropertyArguments(properties ?? {})
}

/** A field as declared, with the fields of its struct. */
export function checkFieldArguments(request: unknown): void {
  check('field', request, 'object')
  const { name, fields } = request as { readonly name?: unknown; readonly fields?: unknown }
  check('name of a field', name, 'text')
  checkEach(`field "${String(name)}"`, request, FIELD, false)
  if (Array.isArray(fields)) for (const part of fields) checkFieldArguments(part)
}

/** Changes of a field. */
export function checkFieldChanges(changes: unknown): void {
  checkEach('changes of the field', changes, { description: 'text', params: 'object' }, false)
  checkPropertyArguments((changes as { readonly params?: unknown }).params ?? {})
}

/** An index as declared. */
export function checkIndexArguments(request: unknown): void {
  checkEach('index', request, { indexName: 'text', params: 'object' }, false)
  check('fieldName', (request as { readonly fieldName?: unknown }).fieldName, 'text')
}
