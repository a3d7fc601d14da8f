/**
 * Grouping search: the best groups of rows that share a value, instead of the best rows (§3.6).
 *
 * Rows are drawn in the order of their score; a row opens a new group or joins one that has room, until `limit + offset`
 * groups are found (and full, when strict). How many rows that takes is not known beforehand, so the search is repeated
 * for more rows until it is enough or there are no more.
 */

import { invalid, MilvusError } from '../base/errors.js'
import { stringifyJson, valueText } from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import { sortInSlices } from '../base/slice-sort.js'
import type { Turn } from '../base/turn.js'
import type { QueryVector } from '../index/query-vector.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import { DataType, dataTypeName, isIntegerType } from '../schema/data-type.js'
import type { Segment } from '../segment/segment.js'
import { type OutContext, outValue } from './aggregate.js'
import { type FieldPath, fieldPathOf, readPath } from './field-path.js'
import type { Fused } from './fuse.js'
import type { SortValue } from './order-by.js'
import { compareKeys } from './pk-merge.js'
import { integerOf, type ResultWindow } from './plan.js'
import type { Ranking } from './reduce.js'
import type { Row, SearchRequest } from './request.js'
import { type HitSortKey, sortedPlaces } from './search-order.js'
import type { SearchPlan } from './search-plan.js'
import { pick, rankingOf, refsOf, type SearchRun, searchSegments } from './search-run.js'

/** What to group by. */
export interface Grouping {
  /** One, or several declared fields: rows with the same values in all of them are one group. */
  readonly paths: readonly GroupPath[]
  /** Hits per group at most. */
  readonly size: number
  readonly strict: boolean
  /** Type that JSON values are cast to; '' = their JSON text. */
  readonly jsonType: string
  readonly strictCast: boolean
}

/** A field to group by, under the name it was asked for. */
interface GroupPath extends FieldPath {
  readonly name: string
}

/** The grouping part of a request. */
export type GroupingRequest = Pick<
  SearchRequest,
  'groupByField' | 'groupByFields' | 'groupSize' | 'strictGroupSize' | 'jsonType' | 'strictCast'
>

/** Rows drawn at first, per row wanted. */
const DRAW_FACTOR = 4
const JSON_TYPES = new Set(['int8', 'int16', 'int32', 'int64', 'bool', 'varchar'])

/**
 * The grouping of a search, null when it has none.
 * @throws MilvusError ParameterInvalid, FieldNotFound
 */
export function planGrouping(
  schema: CollectionSchema,
  request: GroupingRequest,
  plan: Pick<SearchPlan, 'field' | 'ranged'>,
): Grouping | null {
  const names = groupNames(request)
  if (names.length === 0) return null
  if (plan.ranged) throw invalid('Not allowed to do range-search when doing search-group-by')
  if (plan.field.dataType === DataType.BinaryVector) {
    throw invalid('not support search_group_by operation based on binary vector column')
  }
  const paths = names.map(name => planGroupPath(schema, name))
  if (paths.length > 1 && paths.some(path => schema.fields[path.index]!.dataType === DataType.JSON))
    throw invalid('group_by with json path is not supported for multi-field group_by')
  const jsonType = valueText(request.jsonType ?? '').toLowerCase()
  if (jsonType !== '' && !JSON_TYPES.has(jsonType)) throw invalid(`json_type ${jsonType} is not supported`)
  return {
    paths,
    size: planGroupSize(request.groupSize),
    strict: request.strictGroupSize === true,
    jsonType,
    strictCast: request.strictCast === true,
  }
}

/** `groupByField` when it is given, else the names of `groupByFields`, each once. */
const NO_NAMES: readonly string[] = []

function groupNames({ groupByField, groupByFields }: GroupingRequest): readonly string[] {
  const one = groupByField?.trim() ?? ''
  if (one !== '') return [one]
  if (groupByFields === undefined || groupByFields === null) return NO_NAMES
  const given: unknown = typeof groupByFields === 'string' ? groupByFields.split(',') : groupByFields
  if (!Array.isArray(given)) throw invalid('group by fields must be a text or a list of texts')
  return [...new Set(given.map(name => valueText(name).trim()).filter(name => name !== ''))]
}

function planGroupPath(schema: CollectionSchema, name: string): GroupPath {
  if (!/^[\p{L}_$]/u.test(name)) throw invalid(`cannot parse identifier: ${name}`)
  const path = fieldPathOf(schema, name)
  if (path === null) {
    throw new MilvusError('FieldNotFound', 'groupBy field not found in schema', { fields: { field: name } })
  }
  const type = schema.fields[path.index]!.dataType
  if (!isGroupable(type)) {
    throw invalid(`unsupported data type ${dataTypeName(type).toUpperCase()} for group by operator`)
  }
  return { ...path, name }
}

function isGroupable(type: DataType): boolean {
  if (type === DataType.Bool || isIntegerType(type)) return true
  return type === DataType.VarChar || type === DataType.Timestamptz || type === DataType.JSON
}

/** Checks the number of hits per group. */
export function planGroupSize(given: unknown): number {
  if (given === undefined || given === null) return 1
  const size = integerOf(given)
  if (size === null) throw invalid(`failed to parse input group size:${valueText(given)}`)
  if (size <= 0) throw invalid(`input group size:${size} is negative`)
  if (size > LIMITS.groupSizeMax) {
    throw invalid(`input group size:${size} exceeds configured max group size:${LIMITS.groupSizeMax}`)
  }
  return size
}

/** One ranking per query: groups by their best row, the rows of a group side by side. */
export async function rankGroups(
  run: SearchRun,
  queries: readonly (QueryVector | null)[],
  grouping: Grouping,
  order: readonly HitSortKey[],
): Promise<Ranking[]> {
  const rankings: Ranking[] = []
  for (const query of queries) {
    rankings.push(await rankOne(run, query, grouping, order))
    if (run.turn.due()) await run.turn.next()
  }
  return rankings
}

interface Group {
  /** The value, or one value per field by its name. */
  readonly value: unknown
  /** Places in the ranking the groups were made of. */
  readonly places: number[]
}

async function rankOne(
  run: SearchRun,
  query: QueryVector | null,
  grouping: Grouping,
  order: readonly HitSortKey[],
): Promise<Ranking> {
  const { plan, segments } = run
  const wanted = plan.offset + plan.limit
  let k = Math.max(64, wanted * grouping.size * DRAW_FACTOR)
  for (;;) {
    const [hits] = await searchSegments(run, [query], k)
    // Beyond the first k rows a segment may have left something out, so no more than k are looked at.
    const ranking = await rankingOf(run, query, hits ?? [], k)
    const drained = ranking.ids.length < k
    const groups = await groupsOf(run.context, segments, ranking, grouping, wanted, run.turn)
    const full = groups.every(group => group.places.length === grouping.size)
    if (drained || (groups.length >= wanted && (full || !grouping.strict))) {
      return pageOf(run, ranking, groups, order)
    }
    k *= 2
  }
}

/** Places put into groups between two looks at the clock. */
const SLICE_PLACES = 1_024

/** The first `wanted` groups of a ranking. */
async function groupsOf(
  context: OutContext,
  segments: readonly Segment[],
  ranking: Ranking,
  grouping: Grouping,
  wanted: number,
  turn: Turn,
): Promise<Group[]> {
  const { schema } = context
  const { paths } = grouping
  const refs = refsOf(segments, [ranking])
  const columns: unknown[][] = []
  for (const path of paths) columns.push(await readPath(schema, refs, path, turn))
  const json = schema.fields[paths[0]!.index]!.dataType === DataType.JSON
  const groups = new Map<string, Group>()
  for (let place = 0; place < refs.count; place++) {
    if (place % SLICE_PLACES === 0 && turn.due()) await turn.next()
    const values = columns.map(column => (json ? castJson(column[place], grouping) : column[place]))
    const key = keyOf(values)
    let group = groups.get(key)
    if (group === undefined) {
      if (groups.size >= wanted) continue
      const shown = json
        ? values
        : paths.map((path, i) => outValue(context, path.index, values[i] as SortValue))
      group = { value: paths.length === 1 ? shown[0] : namedValues(paths, shown), places: [] }
      groups.set(key, group)
    }
    if (group.places.length < grouping.size) group.places.push(place)
  }
  return [...groups.values()]
}

/** One text per combination of values; lengths keep texts that hold separators apart. */
function keyOf(values: readonly unknown[]): string {
  if (values.length === 1) return values[0] === null ? '' : `${typeof values[0]}:${String(values[0])}`
  return values.map(value => (value === null ? '-' : `${String(value).length}:${String(value)}`)).join()
}

function namedValues(paths: readonly GroupPath[], values: readonly unknown[]): Row {
  return Object.fromEntries(paths.map((path, i) => [path.name, values[i]]))
}

/** How a group's score comes from its rows. */
export function planScorer(given: unknown): 'max' | 'sum' | 'avg' {
  const name = given === undefined || given === null || given === '' ? 'max' : valueText(given).toLowerCase()
  if (name !== 'max' && name !== 'sum' && name !== 'avg') throw invalid(`unsupported group scorer: ${name}`)
  return name
}

/**
 * Groups a ranking whose scores are final: the best rows of each group stay together, groups are ordered by their
 * score, then larger ones first, then by smaller key (§3.12).
 */
export async function regroup(
  context: OutContext,
  segments: readonly Segment[],
  fused: Fused,
  grouping: Grouping,
  scorer: 'max' | 'sum' | 'avg',
  window: ResultWindow,
  turn: Turn,
): Promise<Ranking> {
  const { ranking } = fused
  const groups = await groupsOf(context, segments, ranking, grouping, Number.POSITIVE_INFINITY, turn)
  const scored = groups.map(group => ({ group, signed: scoreOf(ranking, group, scorer) }))
  const compare = (a: (typeof scored)[number], b: (typeof scored)[number]): number => {
    if (a.signed !== b.signed) return a.signed - b.signed
    const sizes = b.group.places.length - a.group.places.length
    return sizes || compareKeys(ranking.ids[a.group.places[0]!]!, ranking.ids[b.group.places[0]!]!)
  }
  const sorted = await sortInSlices(scored, compare, turn)
  return layOut(
    ranking,
    sorted.slice(window.offset, window.offset + window.limit).map(entry => entry.group),
  )
}

/** Signed score of a group: its best row is the one with the least signed score. */
function scoreOf(ranking: Ranking, group: Group, scorer: 'max' | 'sum' | 'avg'): number {
  if (scorer === 'max') return ranking.signed[group.places[0]!]!
  let sum = 0
  for (const place of group.places) sum += ranking.signed[place]!
  return scorer === 'sum' ? sum : sum / group.places.length
}

/** A ranking with the rows of each group side by side. */
function layOut(ranking: Ranking, groups: readonly Group[]): Ranking {
  const places: number[] = []
  const groupValues: unknown[] = []
  for (const group of groups) {
    for (const place of group.places) {
      places.push(place)
      groupValues.push(group.value)
    }
  }
  return { ...pick(ranking, places), groupValues }
}

/** A JSON value as a group: cast to the type asked for, else its JSON text; null where that is impossible. */
function castJson(value: unknown, grouping: Grouping): unknown {
  if (value === undefined || value === null) return null
  const { jsonType } = grouping
  if (jsonType === '') return stringifyJson(value)
  if (jsonType === 'varchar' && typeof value === 'string') return value
  if (jsonType === 'bool' && typeof value === 'boolean') return value
  if (jsonType.startsWith('int')) {
    const bits = Number(jsonType.slice(3))
    const integer = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
    if (integer && BigInt.asIntN(bits, BigInt(value)) === BigInt(value)) return value
  }
  if (grouping.strictCast) throw invalid(`group by value cannot be cast to ${jsonType}`)
  return null
}

/** Cuts the page of groups and lays their rows out one after the other. */
async function pageOf(
  run: SearchRun,
  ranking: Ranking,
  groups: readonly Group[],
  order: readonly HitSortKey[],
): Promise<Ranking> {
  let ordered = groups
  if (order.length > 0) {
    const firsts = pick(
      ranking,
      groups.map(group => group.places[0]!),
    )
    const places = await sortedPlaces(run.context.schema, refsOf(run.segments, [firsts]), order, run.turn)
    ordered = places.map(place => groups[place]!)
  }
  const { offset, limit } = run.plan
  return layOut(ranking, ordered.slice(offset, offset + limit))
}
