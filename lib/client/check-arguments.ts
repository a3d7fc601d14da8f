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

type Kind = 'text' | 'boolean' | 'bigint' | 'array' | 'object'
type Kinds = Readonly<Record<string, Kind>>

const INSERT = { partitionName: 'text' } as const satisfies Kinds
const UPSERT = { ...INSERT, partialUpdate: 'boolean', fieldOps: 'object' } as const satisfies Kinds
const DELETE = {
  ids: 'array',
  filter: 'text',
  templates: 'object',
  partitionName: 'text',
} as const satisfies Kinds
const READ = { partitionNames: 'array', readTimestamp: 'bigint' } as const satisfies Kinds
const DECLARED = {
  name: 'text',
  fields: 'array',
  indexes: 'array',
  functions: 'array',
  properties: 'object',
} as const

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
  const { partitionNames } = request as { readonly partitionNames?: readonly unknown[] }
  for (const name of partitionNames ?? []) check('partition name', name, 'text')
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
  const { name, fields } = request as { readonly name?: unknown; readonly fields?: readonly unknown[] }
  check('name', name, 'text')
  check('fields', fields, 'array')
  for (const field of fields!) {
    check('field', field, 'object')
    check('name of a field', (field as { readonly name?: unknown }).name, 'text')
  }
}
