/**
 * Boost rankers: rows that pass a filter have their scores multiplied by a weight, or raised by it (§3.13).
 *
 * Filters are asked about the found rows alone. A random factor depends on the seed and on the row's key or a field of
 * it, so that the same search draws the same numbers.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { valueText } from '../base/json.js'
import type { Turn } from '../base/turn.js'
import { compileFilter, type FilterPlan } from '../filter/compile.js'
import { evaluateRows } from '../filter/evaluate.js'
import { rowsPerStep } from '../filter/simplify.js'
import type { MetricType } from '../index/index-spec.js'
import { isDistance, userScore } from '../index/metric.js'
import { type CollectionSchema, fieldIndex } from '../schema/collection-schema.js'
import type { Segment } from '../segment/segment.js'
import { readPath } from './field-path.js'
import { type Fused, reranked } from './fuse.js'
import type { Ranking } from './reduce.js'
import type { ReadContext } from './request.js'
import { refsOf } from './search-run.js'

/** Changes the scores of rows that pass a filter. */
export interface Boost {
  readonly filter: FilterPlan
  readonly weight: number
  /** Seeds a random factor per row; null = none. */
  readonly seed: number | null
  /** Field whose value the random factor depends on, −1 = the primary key. */
  readonly seedField: number
}

/** Boosts, and how they combine. */
export interface BoostPlan {
  readonly boosts: readonly Boost[]
  /** How several boosts of one row become one factor. */
  readonly functionMode: 'multiply' | 'sum'
  /** How the factor changes the score. */
  readonly boostMode: 'multiply' | 'sum'
}

/** Parameters of a ranker, as given. */
export type Params = Readonly<Record<string, unknown>>

/**
 * Checks a boost ranker.
 * @throws MilvusError ParameterInvalid
 */
export function planBoost(
  { schema, timeZone }: Pick<ReadContext, 'schema' | 'timeZone'>,
  params: Params,
): Boost {
  const { weight, filter, random_score: random } = params
  if (weight === undefined || weight === null) throw invalid('must set weight params')
  const factor = numberOf(weight)
  if (factor === null) throw invalid(`weight should be a number, got ${valueText(weight)}`)
  const seeding = seedOf(schema, random)
  try {
    const text = filter === undefined ? '' : valueText(filter)
    const plan = compileFilter(schema, text, {}, 'query', timeZone)
    // Drawn from all rows that match, not from the ones found: random_score is what changes scores at random.
    if (plan.sample !== null)
      throw invalid('random_sample is not supported in the filter of a boost; use random_score')
    return { filter: plan, weight: factor, ...seeding }
  } catch (cause) {
    if (!(cause instanceof MilvusError)) throw cause
    throw new MilvusError('ParameterInvalid', `parse expr failed: ${cause.message}`, { bare: true, cause })
  }
}

function seedOf(schema: CollectionSchema, random: unknown): { seed: number | null; seedField: number } {
  if (random === undefined || random === null) return { seed: null, seedField: -1 }
  const shape = 'random_score should be an object'
  const parsed = typeof random === 'string' ? parsedText(random, shape) : random
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw invalid(`${shape}, got ${valueText(random)}`)
  const given = parsed as { readonly seed?: unknown; readonly field?: unknown }
  const seed = numberOf(given.seed ?? 0)
  if (seed === null) throw invalid(`random_score seed should be a number, got ${valueText(given.seed)}`)
  if (given.field === undefined) return { seed, seedField: -1 }
  const seedField = fieldIndex(schema, valueText(given.field))
  if (seedField < 0)
    throw invalid(`random_score field ${valueText(given.field)} not found in collection schema`)
  return { seed, seedField }
}

/** A finite number, also as text; null for anything else. */
export function numberOf(given: unknown): number | null {
  if (typeof given !== 'number' && typeof given !== 'string') return null
  const number = given === '' ? Number.NaN : Number(given)
  return Number.isFinite(number) ? number : null
}

/** @throws MilvusError ParameterInvalid for anything but multiply and sum */
export function modeOf(params: Params, key: string): 'multiply' | 'sum' {
  const mode = valueText(params[key] ?? 'multiply').toLowerCase()
  if (mode !== 'multiply' && mode !== 'sum') throw invalid(`unsupported ${key}: ${mode}`)
  return mode
}

/** JSON that stands in a text parameter. @throws MilvusError ParameterInvalid `<what>, got …` */
export function parsedText(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MilvusError('ParameterInvalid', `${what}, got ${text}`, { cause })
  }
}

/** Changes the scores of rows that pass the boosts' filters, and orders anew by the metric's direction. */
export async function applyBoosts(
  schema: CollectionSchema,
  segments: readonly Segment[],
  ranking: Ranking,
  metric: MetricType,
  plan: BoostPlan,
  turn: Turn,
): Promise<Fused> {
  const factors: (number | null)[] = ranking.ids.map(() => null)
  for (const boost of plan.boosts) {
    const passes = await passesOf(segments, ranking, boost.filter, turn)
    const draws = boost.seed === null ? null : await drawsOf(schema, segments, ranking, boost, turn)
    for (let i = 0; i < factors.length; i++) {
      if (passes[i] === 0) continue
      const factor = draws === null ? boost.weight : boost.weight * draws[i]!
      const before = factors[i]!
      factors[i] = before === null ? factor : plan.functionMode === 'sum' ? before + factor : before * factor
    }
  }
  const scores = ranking.signed.map((signed, i) => {
    const score = userScore(metric, signed)
    const factor = factors[i]!
    if (factor === null) return score
    return Math.fround(plan.boostMode === 'sum' ? score + factor : score * factor)
  })
  return reranked(ranking, scores, isDistance(metric), turn)
}

/** Rows that a boost's filter is asked about between two looks at the clock, at most. */
const SLICE_ROWS = 512

/** 1 for every place of the ranking whose row passes the filter. */
async function passesOf(
  segments: readonly Segment[],
  ranking: Ranking,
  filter: FilterPlan,
  turn: Turn,
): Promise<Uint8Array> {
  const passes = new Uint8Array(ranking.ids.length)
  if (filter.kind === 'all') return passes.fill(1)
  const step = rowsPerStep(filter.root, SLICE_ROWS)
  for (let s = 0; s < segments.length; s++) {
    if (turn.due()) await turn.next()
    const places = placesIn(ranking, s)
    if (places.length === 0) continue
    const segment = segments[s]!
    await segment.load(filter.fields)
    const rows = places.map(i => ranking.rows[i]!)
    const out = new Uint8Array(step)
    for (let from = 0; from < rows.length; from += step) {
      if (turn.due()) await turn.next()
      const slice = rows.subarray(from, from + step)
      evaluateRows(filter, segment, slice, out)
      for (let j = 0; j < slice.length; j++) passes[places[from + j]!] = out[j]!
    }
  }
  return passes
}

/** The places of a ranking whose rows are in segment `s`. */
function placesIn({ segmentOf }: Ranking, s: number): Int32Array {
  const places = new Int32Array(segmentOf.length)
  let count = 0
  for (let i = 0; i < segmentOf.length; i++) if (segmentOf[i] === s) places[count++] = i
  return places.subarray(0, count)
}

/** A repeatable number in [0, 1) per row, from the seed and the row's key or field. */
async function drawsOf(
  schema: CollectionSchema,
  segments: readonly Segment[],
  ranking: Ranking,
  boost: Boost,
  turn: Turn,
): Promise<number[]> {
  const values: readonly unknown[] =
    boost.seedField < 0
      ? ranking.ids
      : await readPath(schema, refsOf(segments, [ranking]), { index: boost.seedField, keys: [] }, turn)
  const draws: number[] = new Array(values.length)
  for (let i = 0; i < values.length; i++) {
    if (i % SLICE_ROWS === SLICE_ROWS - 1 && turn.due()) await turn.next()
    draws[i] = hashed(`${boost.seed}:${String(values[i])}`)
  }
  return draws
}

/** FNV-1a over the text's UTF-16 units, finished by two multiplications, as a fraction of 2^32. */
function hashed(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296
}
