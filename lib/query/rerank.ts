/**
 * Function rankers (§3.13): `function_score` of a search or a hybrid search.
 *
 * A request names its rankers by function objects with loose parameters; here they become checked plans. rrf and weighted
 * fuse lists, decay multiplies scores by how far a numeric field is from an origin; boosts are in boost.ts. Rankers that
 * would call another service are refused.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { valueText } from '../base/json.js'
import type { Turn } from '../base/turn.js'
import { type CollectionSchema, fieldIndex } from '../schema/collection-schema.js'
import { DataType, dataTypeName, isFloatType, isIntegerType } from '../schema/data-type.js'
import type { Segment } from '../segment/segment.js'
import { type Boost, type BoostPlan, modeOf, numberOf, type Params, parsedText, planBoost } from './boost.js'
import { readPath } from './field-path.js'
import { type Fused, type Fusion, reranked } from './fuse.js'
import type { FunctionScore, Ranker, RankFunction, ReadContext } from './request.js'
import { refsOf } from './search-run.js'

/** Distance from an origin turned into a factor in (0, 1]. */
export interface Decay {
  readonly shape: 'gauss' | 'exp' | 'linear'
  readonly fieldIndex: number
  readonly origin: number
  readonly scale: number
  readonly offset: number
  /** Factor at distance `scale`. */
  readonly decay: number
}

/** What happens to found rows before they are returned. */
export interface RerankPlan extends BoostPlan {
  /** Fuses lists (or turns the one list of a plain search); null when scores stay as found. */
  readonly fusion: Fusion | null
  readonly decay: Decay | null
}

/** Ranks beyond this constant make no sense to the reference either. */
const RRF_K_END = 16_384
export const RRF_K_DEFAULT = 60

/**
 * Checks the rankers of a request; null when there are none.
 * @param lists number of lists to fuse
 * @throws MilvusError ParameterInvalid
 */
export function planRerank(
  context: Pick<ReadContext, 'schema' | 'timeZone'>,
  score: FunctionScore | undefined,
  lists: number,
): RerankPlan | null {
  const { schema } = context
  if (score === undefined || score === null || score.functions.length === 0) return null
  let fusion: Fusion | null = null
  let decay: Decay | null = null
  const boosts: Boost[] = []
  for (const ranker of score.functions) {
    const { type } = ranker
    if (type !== undefined && type !== 3 && valueText(type).toLowerCase() !== 'rerank') {
      throw invalid(`function ${ranker.name ?? ''} is not a rerank function`)
    }
    const name = rankerName(ranker)
    if (name === 'boost') {
      boosts.push(planBoost(context, ranker.params))
      continue
    }
    if (fusion !== null) throw invalid('currently only supports one rerank function')
    if (name === 'decay') {
      decay = planDecay(schema, ranker)
      fusion = decayFusion(ranker.params)
    } else fusion = planFusion(rankerOf(name, ranker.params), lists)
  }
  const { params = {} } = score
  return {
    fusion,
    decay,
    boosts,
    functionMode: modeOf(params, 'function_mode'),
    boostMode: modeOf(params, 'boost_mode'),
  }
}

function rankerName(ranker: RankFunction): string {
  const given = ranker.params['reranker']
  if (given === undefined || given === null || given === '') throw invalid('reranker name not specified')
  const name = valueText(given).toLowerCase()
  if (['rrf', 'weighted', 'decay', 'boost'].includes(name)) return name
  if (name === 'model') {
    throw new MilvusError(
      'OperationNotSupported',
      'reranker model needs an external service, which is not supported',
    )
  }
  throw invalid(`unsupported reranker ${valueText(given)}`)
}

/** The fusion that a ranker with loose parameters stands for. */
function rankerOf(name: string, params: Params): Ranker {
  if (name === 'rrf') {
    const k = params['k'] ?? RRF_K_DEFAULT
    // Over gRPC the parameters of a function are text.
    return { strategy: 'rrf', k: (numberOf(k) ?? k) as number }
  }
  const weights = params['weights']
  const list = typeof weights === 'string' ? parsedText(weights, 'weights should be a list') : weights
  return {
    strategy: 'weighted',
    weights: list as readonly number[],
    normScore: isTrue(params['norm_score'] ?? params['normScore']),
  }
}

/**
 * Checks how lists are fused.
 * @throws MilvusError ParameterInvalid
 */
export function planFusion(rank: Ranker | undefined, lists: number): Fusion {
  const strategy = rank?.strategy ?? 'rrf'
  if (rank === undefined || rank.strategy === 'rrf') {
    const given = rank?.k ?? RRF_K_DEFAULT
    const k = typeof given === 'number' ? numberOf(given) : null
    if (k === null) throw invalid(`The type of rank param k should be float, got ${valueText(given)}`)
    if (k <= 0 || k >= RRF_K_END) {
      throw invalid(`The rank params k should be in range (0, ${RRF_K_END})`)
    }
    return { kind: 'rrf', k }
  }
  if (rank.strategy !== 'weighted') throw invalid(`unsupported rank type ${valueText(strategy)}`)
  if (!Array.isArray(rank.weights)) throw invalid('weights not found in rank_params')
  const weights = (rank.weights as readonly unknown[]).map(given => {
    const weight = typeof given === 'number' ? numberOf(given) : null
    if (weight === null)
      throw invalid(`The type of rank param weight should be float, got ${valueText(given)}`)
    if (weight < 0 || weight > 1) throw invalid('rank param weight should be in range [0, 1]')
    return weight
  })
  if (weights.length !== lists) {
    throw invalid('the length of weights param mismatch with ann search requests', {
      expected: lists,
      actual: weights.length,
    })
  }
  return { kind: 'weighted', weights, normScore: rank.normScore === true }
}

function isTrue(given: unknown): boolean {
  return given === true || valueText(given).toLowerCase() === 'true'
}

function planDecay(schema: CollectionSchema, ranker: RankFunction): Decay {
  const { params } = ranker
  const inputs = ranker.inputFieldNames ?? []
  if (inputs.length !== 1) {
    throw invalid(`decay reranker requires exactly 1 input field, got ${inputs.length}`)
  }
  const index = fieldIndex(schema, inputs[0]!)
  const field = schema.fields[index]
  if (field === undefined) throw invalid(`input field ${inputs[0]} not found in collection schema`)
  const type = field.dataType
  if (!isIntegerType(type) && !isFloatType(type)) {
    throw invalid(
      type === DataType.VarChar
        ? `decay input field ${field.name} must be numeric, got VarChar`
        : `decay: unsupported field type: ${dataTypeName(type)}`,
    )
  }
  if (params['function'] === undefined) throw invalid('decay function not specified')
  const shape = valueText(params['function']).toLowerCase()
  if (shape !== 'gauss' && shape !== 'exp' && shape !== 'linear') {
    throw invalid(`decay: invalid function "${shape}", must be one of [gauss, exp, linear]`)
  }
  const origin = decayNumber(params, 'origin', null)
  const scale = decayNumber(params, 'scale', null)
  const offset = decayNumber(params, 'offset', 0)
  const decay = decayNumber(params, 'decay', 0.5)
  if (!(scale > 0)) throw invalid(`decay: scale must be > 0, got ${scale}`)
  if (offset < 0) throw invalid(`decay: offset must be >= 0, got ${offset}`)
  if (!(decay > 0 && decay < 1)) {
    throw invalid(`Decay function param: decay must 0 < decay < 1, but got ${decay}`)
  }
  return { shape, fieldIndex: index, origin, scale, offset, decay: Math.min(0.999, Math.max(0.001, decay)) }
}

function decayNumber(params: Params, key: string, fallback: number | null): number {
  const given = params[key]
  if (given === undefined || given === null) {
    if (fallback === null) throw invalid(`decay ${key} not specified`)
    return fallback
  }
  const number = numberOf(given)
  if (number === null) throw invalid(`decay param ${key}: ${valueText(given)} is not a number`)
  return number
}

function decayFusion(params: Params): Fusion {
  const mode = valueText(params['score_mode'] ?? 'max').toLowerCase()
  if (mode !== 'max' && mode !== 'sum' && mode !== 'avg') throw invalid(`unsupported score_mode: ${mode}`)
  return { kind: 'merge', mode, normScore: isTrue(params['norm_score'] ?? params['normScore']) }
}

/** Factor of a value under a decay; the formulas of §3.13. */
export function decayFactor(plan: Decay, value: number): number {
  const beyond = Math.max(0, Math.abs(value - plan.origin) - plan.offset)
  switch (plan.shape) {
    case 'gauss':
      return Math.exp((beyond * beyond * Math.log(plan.decay)) / (plan.scale * plan.scale))
    case 'exp':
      return Math.exp((beyond * Math.log(plan.decay)) / plan.scale)
    case 'linear':
      return Math.max(plan.decay, 1 - (beyond * (1 - plan.decay)) / plan.scale)
  }
}

/** Multiplies every score by the decay of the row's field; a null field scores 0. */
export async function applyDecay(
  schema: CollectionSchema,
  segments: readonly Segment[],
  fused: Fused,
  decay: Decay,
  turn: Turn,
): Promise<Fused> {
  const { ranking } = fused
  const values = await readPath(
    schema,
    refsOf(segments, [ranking]),
    { index: decay.fieldIndex, keys: [] },
    turn,
  )
  const scores = ranking.signed.map((signed, i) => {
    const value = values[i]
    if (value === null || value === undefined) return 0
    return Math.fround((0 - signed) * decayFactor(decay, Number(value)))
  })
  return reranked(ranking, scores, false, turn)
}
