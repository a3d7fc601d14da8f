/**
 * Judges what a reader asked for: how many rows, which fields, which keys.
 *
 * Everything that can be wrong with a request, apart from its filter and its vectors, is found here, before a segment is
 * touched; messages carry Milvus's phrases (query-search-semantics §2.2, §2.3). Plans are plain and immutable, so the
 * plan of an output list is kept per schema and costs a lookup when asked again.
 */

import { invalid, MilvusError } from '../base/errors.js'
import { valueText } from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import { type FilterPlan, type FilterVerb, planInSlices } from '../filter/compile.js'
import { type CollectionSchema, fieldIndex, pkField } from '../schema/collection-schema.js'
import { DataType } from '../schema/data-type.js'
import { parseInt64 } from '../schema/int64.js'
import { checkTimeParts, checkTimeZone } from '../schema/timestamptz.js'
import type { PkKey } from '../segment/segment.js'
import type { FilterTemplates, PkInput, ReadContext, TimeRequest } from './request.js'

/** Milvus's number of the BM25 function type. */
const FUNCTION_BM25 = 1
/** Output plans remembered per schema; more different lists than this are rare and are simply planned again. */
const OUTPUT_PLANS_MAX = 256

/** Which slice of the result is wanted; `limit` Infinity = everything. */
export interface ResultWindow {
  readonly offset: number
  readonly limit: number
}

/** Which columns to read for a result row, and under which names their values go. */
export interface OutputPlan {
  /** Field indexes of the columns to read, each once. */
  readonly fields: readonly number[]
  /** Outputs that are one column each: position in `fields` and key in the row. */
  readonly slots: readonly number[]
  readonly names: readonly string[]
  /** Position of `$meta` in `fields`, −1 when it is not needed. */
  readonly metaSlot: number
  /** True when every dynamic key goes into the row (`*`). */
  readonly metaSpread: boolean
  /** Dynamic keys asked for by name. */
  readonly metaKeys: readonly string[]
  /** Struct array fields of which only some sub-fields were asked for (`struct[sub]`), by field index; null = none. */
  readonly subFields: ReadonlyMap<number, ReadonlySet<string>> | null
}

/**
 * Checks limit and offset of a query (§2.2). An offset without a limit is ignored.
 * @throws MilvusError ParameterInvalid
 */
export function planWindow(limit: unknown, offset: unknown): ResultWindow {
  if (limit === undefined || limit === null) return { offset: 0, limit: Number.POSITIVE_INFINITY }
  const rows = integerOf(limit)
  if (rows === null) throw invalid(`limit [${valueText(limit)}] is invalid`)
  const skip = offset === undefined || offset === null ? 0 : integerOf(offset)
  if (skip === null) throw invalid(`offset [${valueText(offset)}] is invalid`)
  const prefix = 'invalid max query result window,'
  if (rows <= 0) throw invalid(`${prefix} limit [${rows}] is invalid, should be greater than 0`)
  if (skip < 0) throw invalid(`${prefix} offset [${skip}] is invalid, should be gte than 0`)
  if (rows + skip > LIMITS.offsetPlusLimitMax) {
    throw invalid(
      `${prefix} (offset+limit) should be in range [1, ${LIMITS.offsetPlusLimitMax}], but got ${rows + skip}`,
    )
  }
  return { offset: skip, limit: rows }
}

/**
 * Compiles the filter of a read; none or blank = every row. A promise only for filters with long lists.
 * @param timeZone IANA zone of times without an offset, default UTC
 * @param verb 'elements' for readers that return the elements of an `element_filter`; others refuse it
 * @throws MilvusError ParameterInvalid
 */
export function planFilter(
  schema: CollectionSchema,
  request: { readonly filter?: string | undefined; readonly templates?: FilterTemplates | undefined },
  timeZone?: string,
  verb: FilterVerb = 'query',
): FilterPlan | Promise<FilterPlan> {
  return planInSlices(schema, request.filter ?? '', request.templates, verb, timeZone)
}

/**
 * The context of a request that says in which zone, or in which parts, it wants its moments (§2.10).
 * @throws MilvusError ParameterInvalid for an unknown zone or part
 */
export function withTimes(context: ReadContext, request: TimeRequest): ReadContext {
  const given = request.timeZone
  const asked = given !== undefined && given !== null && given !== '' ? checkTimeZone(given) : undefined
  const timeZone = asked ?? context.timeZone ?? 'UTC'
  const parts = checkTimeParts(request.timeFields)
  if (timeZone === 'UTC' && parts === null) return asked === undefined ? context : { ...context, timeZone }
  return { ...context, timeZone, times: { timeZone, parts } }
}

/** An integer given as a number, a bigint or decimal text; null for anything else. */
export function integerOf(value: unknown): number | null {
  if (typeof value === 'string' && !/^\s*[+-]?\d+\s*$/.test(value)) return null
  if (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'bigint') return null
  const number = Number(value)
  return Number.isInteger(number) ? number : null
}

const plans = new WeakMap<CollectionSchema, Map<string, OutputPlan>>()

/**
 * Resolves output field names (§2.3): `*`, declared fields, `$meta`, `$meta["k"]` and dynamic keys.
 * @param names as the caller gave them; undefined = ['*']
 * @param withPk true for query and get, which always return the primary key
 * @throws MilvusError ParameterInvalid for unknown or malformed names, Unexpected for BM25 outputs
 */
export function planOutput(
  schema: CollectionSchema,
  names: readonly string[] | undefined,
  withPk: boolean,
): OutputPlan {
  let known = plans.get(schema)
  if (known === undefined) {
    known = new Map()
    plans.set(schema, known)
  }
  const key = (withPk ? 'q' : 's') + (names === undefined ? '*' : names.join('\u0000'))
  let plan = known.get(key)
  if (plan === undefined) {
    plan = resolveOutput(schema, names ?? ['*'], withPk)
    if (known.size >= OUTPUT_PLANS_MAX) known.clear()
    known.set(key, plan)
  }
  return plan
}

function resolveOutput(schema: CollectionSchema, names: readonly string[], withPk: boolean): OutputPlan {
  const wanted = new Set<number>()
  const metaKeys = new Set<string>()
  const subFields = new Map<number, Set<string>>()
  const whole = new Set<number>()
  let metaSpread = false
  if (withPk) wanted.add(schema.pkIndex)
  for (const given of names) {
    if (typeof given !== 'string') throw invalid(`field ${valueText(given)} not exist`)
    const name = given.trim()
    if (name === '*') {
      addAllFields(schema, wanted)
      addAllFields(schema, whole)
      if (schema.dynamicIndex >= 0) metaSpread = true
      continue
    }
    const index = fieldIndex(schema, name)
    if (index >= 0) {
      if (isBm25Output(schema, name)) {
        // The text alone and the code of an unclassified error: clients compare both exactly (§0.1).
        throw new MilvusError('Unexpected', `not allowed to retrieve raw data of field ${name}`, {
          bare: true,
        })
      }
      wanted.add(index)
      whole.add(index)
    } else if (!addSubField(schema, name, wanted, subFields)) {
      metaKeys.add(dynamicKeyOf(schema, name))
    }
  }
  const fields = [...wanted]
  const slots = fields.map((_, slot) => slot)
  let metaSlot = -1
  if (metaSpread || metaKeys.size > 0) {
    metaSlot = fields.indexOf(schema.dynamicIndex)
    if (metaSlot < 0) metaSlot = fields.push(schema.dynamicIndex) - 1
  }
  const outputs = slots.map(slot => schema.fields[fields[slot]!]!.name)
  // A struct that was also asked for as a whole is whole.
  for (const index of whole) subFields.delete(index)
  const parts = subFields.size === 0 ? null : subFields
  return { fields, slots, names: outputs, metaSlot, metaSpread, metaKeys: [...metaKeys], subFields: parts }
}

/**
 * The schema that the rows of a result follow: `$meta["k"]` may ask for a dynamic key that has the name of a declared
 * field (added later), which then is no field of these rows.
 */
export function resultSchema(schema: CollectionSchema, { metaKeys, names }: OutputPlan): CollectionSchema {
  const hidden = metaKeys.filter(key => !names.includes(key) && fieldIndex(schema, key) >= 0)
  if (hidden.length === 0) return schema
  // No key can have the new name: names that begin so are not allowed.
  const fields = schema.fields.map(one =>
    hidden.includes(one.name) ? { ...one, name: `\u0000${one.name}` } : one,
  )
  return { ...schema, fields }
}

/** `struct[sub]`: one sub-field of a struct array. @returns false when the name is nothing of the kind */
function addSubField(
  schema: CollectionSchema,
  name: string,
  wanted: Set<number>,
  subFields: Map<number, Set<string>>,
): boolean {
  const match = /^([A-Za-z_]\w*)\[([A-Za-z_]\w*)\]$/.exec(name)
  const index = match === null ? -1 : fieldIndex(schema, match[1]!)
  const field = schema.fields[index]
  if (match === null || field?.fields === undefined) return false
  const sub = match[2]!
  if (!field.fields.some(one => one.name === sub)) throw invalid(`field ${name} not exist`)
  wanted.add(index)
  subFields.set(index, (subFields.get(index) ?? new Set()).add(sub))
  return true
}

/** `*`: every declared field that may be retrieved; the dynamic field is spread instead. */
function addAllFields(schema: CollectionSchema, wanted: Set<number>): void {
  for (let i = 0; i < schema.fields.length; i++) {
    const field = schema.fields[i]!
    if (!field.dynamic && !isBm25Output(schema, field.name)) wanted.add(i)
  }
}

function isBm25Output(schema: CollectionSchema, name: string): boolean {
  return schema.functions.some(f => f.type === FUNCTION_BM25 && f.outputFieldNames.includes(name))
}

/** Dynamic key that an output name means: a bare key or `$meta["key"]`, one level only. */
export function dynamicKeyOf(schema: CollectionSchema, name: string): string {
  if (schema.dynamicIndex < 0) throw invalid(`field ${name} not exist`)
  if (/^[\p{L}_][\p{L}\p{N}_$]*$/u.test(name)) return name
  const inner = /^\$meta\[\s*("(?:[^"\\]|\\.)+"|'(?:[^'\\]|\\.)+')\s*\]$/.exec(name)?.[1]
  if (inner === undefined) throw invalid(`parse output field name failed: ${name}`)
  return inner.slice(1, -1).replace(/\\(.)/g, '$1')
}

/**
 * Primary keys as the segments know them, each once, in the order given.
 * @throws MilvusError ParameterInvalid when a key has the wrong type
 */
export function planKeys(schema: CollectionSchema, ids: readonly PkInput[]): PkKey[] {
  const text = pkField(schema).dataType === DataType.VarChar
  if (ids.length === 1) return [planKey(text, ids[0]!)]
  const keys = new Set<PkKey>()
  for (let i = 0; i < ids.length; i++) keys.add(planKey(text, ids[i]!))
  return [...keys]
}

/**
 * One primary key, checked.
 * @param text true when keys are VarChar
 * @throws MilvusError ParameterInvalid for a key of the wrong type
 */
export function planKey(text: boolean, id: PkInput): PkKey {
  if (text) {
    if (typeof id !== 'string') throw invalid('primary key is varchar, but IDs type mismatch')
    return id
  }
  // −0 would be found under no key.
  if (typeof id === 'number' && Number.isSafeInteger(id)) return id === 0 ? 0 : id
  const parsed = typeof id === 'string' || typeof id === 'bigint' ? parseInt64(String(id).trim()) : undefined
  if (parsed !== undefined) return parsed
  throw invalid(`primary key is int64, but IDs type mismatch: ${JSON.stringify(valueText(id))}`)
}
