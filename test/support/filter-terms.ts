/** Random questions about moments, geometries and elements of struct arrays, for filter-texts.ts. */
import { FLOATS, INT64_EDGES, MOMENTS, TEXTS } from './filter-rows.js'
import type { Rng } from './rng.js'

const OPS = ['==', '!=', '<', '<=', '>', '>='] as const
const INTERVALS = [
  'P1D',
  'PT1S',
  'P1M',
  'P1Y',
  'P4Y',
  'P1Y2M3DT4H5M6S',
  'PT36H',
  'P100Y',
  'P13M',
  'P365D',
  'PT0S',
]

const not = (dice: Rng): string => (dice.chance(0.3) ? dice.pick(['not ', '! ', 'NOT ']) : '')

/** `ts > ISO '…'` in its many forms; after `not` it needs no brackets. */
export function momentText(dice: Rng): string {
  const iso = (): string => `${dice.pick(['ISO', 'iso'])} '${dice.pick(MOMENTS)}'`
  const field = dice.pick(['ts', 'ts', 'ts2'])
  const op = dice.pick(OPS)
  const step = `${dice.pick(['+', '-'])} ${dice.pick(['INTERVAL', 'interval'])} '${dice.pick(INTERVALS)}'`
  const subject = dice.chance() ? field : `${field} ${step}`
  return dice.pick<() => string>([
    () => `${not(dice)}${subject} ${op} ${iso()}`,
    () => `${not(dice)}${iso()} ${op} ${subject}`,
    () => {
      const [low, high] = [MOMENTS[dice.int(4)], MOMENTS[4 + dice.int(MOMENTS.length - 4)]]
      return dice.chance()
        ? `${not(dice)}ISO '${low}' ${dice.pick(['<', '<='])} ${subject} ${dice.pick(['<', '<='])} ISO '${high}'`
        : `${not(dice)}ISO '${high}' ${dice.pick(['>', '>='])} ${subject} ${dice.pick(['>', '>='])} ISO '${low}'`
    },
    () => `ts ${op} ts2`,
    () => `ts is ${dice.pick(['', 'not '])}null`,
  ])()
}

/** A relation of the points of `g` to a box, or to a point. */
export function geometryText(dice: Rng): string {
  const name = (text: string): string => (dice.chance() ? text : text.toUpperCase())
  const [x, y] = [dice.int(3), dice.int(3)]
  const [right, top] = [x + 1 + dice.int(2), y + 1 + dice.int(2)]
  const box = `POLYGON ((${x} ${y}, ${right} ${y}, ${right} ${top}, ${x} ${top}, ${x} ${y}))`
  return dice.pick([
    `${name(dice.pick(['st_within', 'st_intersects', 'st_touches', 'st_crosses', 'st_overlaps']))}(g, '${box}')`,
    `${name(dice.pick(['st_equals', 'st_contains', 'st_within']))}(g, 'POINT (${x} ${y})')`,
    `${name('st_isvalid')}(g)`,
    'g is null',
  ])
}

function elementText(dice: Rng, depth: number): string {
  if (depth > 0 && dice.chance(0.5)) {
    const part = (): string => `(${elementText(dice, depth - 1)})`
    return dice.chance(0.3) ? `not ${part()}` : `${part()} ${dice.pick(['and', 'or'])} ${part()}`
  }
  const text = (): string => JSON.stringify(dice.pick(TEXTS))
  const int = (): string => (dice.chance(0.8) ? String(dice.between(-4, 6)) : String(dice.pick(INT64_EDGES)))
  return dice.pick([
    `$[n] ${dice.pick(OPS)} ${int()}`,
    `$[n] + ${dice.between(1, 5)} ${dice.pick(OPS)} ${int()}`,
    `-2 < $[n] <= ${dice.between(0, 5)}`,
    `$[n] ${dice.pick(['in', 'not in'])} [${int()}, ${int()}]`,
    `$[t] ${dice.pick(OPS)} ${text()}`,
    `$[t] ${dice.pick(['in', 'not in'])} [${text()}, ${text()}]`,
    '$[t] like "a%"',
    '$[t] !~ "^a"',
    `$[f] ${dice.pick(OPS)} ${dice.pick(FLOATS)}`,
    `$[b] ${dice.pick(['==', '!='])} true`,
    '$[n] > $[n] or $[t] is not null',
  ])
}

/** `match_any(p, …)` and its kin. */
export function matchText(dice: Rng): string {
  const inner = elementText(dice, 2)
  const counted = dice.pick(['match_least', 'match_most', 'MATCH_EXACT'])
  const threshold = counted === 'match_least' ? dice.between(1, 3) : dice.int(3)
  return dice.pick([
    `${dice.pick(['match_any', 'match_all', 'MATCH_ANY'])}(p, ${inner})`,
    `${counted}(p, ${inner}, threshold=${threshold})`,
    `array_length(p) ${dice.pick(OPS)} ${dice.int(4)}`,
    `p is ${dice.pick(['', 'not '])}null`,
  ])
}
