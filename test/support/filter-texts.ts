/** Random filter texts over the rows of filter-rows.ts: every construct of the language, randomly nested. */
import { FLOAT_FIELDS, FLOATS, INT_ARRAYS, INT_FIELDS, INT64_EDGES, KEYS, TEXTS } from './filter-rows.js'
import { geometryText, matchText, momentText } from './filter-terms.js'
import type { Rng } from './rng.js'

const quote = (text: string): string => JSON.stringify(text)
const OPS = ['==', '!=', '<', '<=', '>', '>='] as const

function floatText(dice: Rng): string {
  const value = dice.pick([...FLOATS, 2 ** 63, -(2 ** 63), 2 ** 53 + 2, 1e300, -1e300])
  return Number.isInteger(value) && !String(value).includes('e') ? `${value}.0` : String(value)
}

function intText(dice: Rng): string {
  return dice.chance(0.8)
    ? String(dice.between(-4, 6))
    : String(dice.pick([...INT64_EDGES, 127n, -129n, 32_768n, 1000n]))
}

const textLiteral = (dice: Rng): string => quote(dice.pick(TEXTS))

function jsonPath(dice: Rng): string {
  let path = dice.pick(['j', 'j', 'dyn', '$meta'])
  if (dice.chance(0.08)) return dice.pick(['j', 'missing'])
  if (path === '$meta') return dice.pick(['$meta["i8"]', '$meta["dyn"]', '$meta["dyn"]["k"]'])
  const steps = path === 'j' ? 1 + dice.int(2) : dice.int(3)
  for (let i = 0; i < steps; i++)
    path += dice.chance(0.2) ? `[${dice.int(3)}]` : `[${quote(dice.pick(KEYS))}]`
  return path
}

/** A pattern of `like`, escaped as a string literal. */
function pattern(dice: Rng): string {
  const parts = ['%', '%', '_', 'a', 'b', 'c', 'x', 'é', '文', '😀', '\n', '\\%', '\\_', '\\\\', '\\a']
  return quote(Array.from({ length: dice.int(6) }, () => dice.pick(parts)).join(''))
}

const REGEXES = [
  '^a',
  'b$',
  '^$',
  '.',
  'a.b',
  '[ab]+',
  '(ab|b)c?$',
  '^[^a]',
  '\\d+',
  '中|é',
  '^.$',
  '\\bq',
  'a{1,2}b?',
  '(?i)^A',
  '(?i)É|B$',
  '(?-s)a.b',
  'a\\\\?%',
]

/** A field or path together with a literal that may be compared with it. */
function comparable(dice: Rng): { subject: string; value: string; relational: boolean } {
  return dice.pick<() => { subject: string; value: string; relational: boolean }>([
    () => ({ subject: dice.pick(INT_FIELDS), value: intText(dice), relational: true }),
    () => ({
      subject: dice.pick(FLOAT_FIELDS),
      value: dice.chance() ? floatText(dice) : intText(dice),
      relational: true,
    }),
    () => ({ subject: 'b', value: dice.pick(['true', 'false']), relational: false }),
    () => ({ subject: dice.pick(['s', 'u']), value: textLiteral(dice), relational: true }),
    () => ({ subject: `${dice.pick(INT_ARRAYS)}[${dice.int(4)}]`, value: intText(dice), relational: true }),
    () => ({
      subject: `${dice.pick(['af', 'ad'])}[${dice.int(3)}]`,
      value: floatText(dice),
      relational: true,
    }),
    () => ({ subject: `as[${dice.int(3)}]`, value: textLiteral(dice), relational: true }),
    () => ({ subject: `ab[${dice.int(3)}]`, value: 'true', relational: false }),
    () => ({ subject: jsonPath(dice), value: intText(dice), relational: true }),
    () => ({ subject: jsonPath(dice), value: floatText(dice), relational: true }),
    () => ({ subject: jsonPath(dice), value: textLiteral(dice), relational: true }),
    () => ({ subject: jsonPath(dice), value: 'true', relational: false }),
    () => ({ subject: jsonPath(dice), value: `[${intText(dice)}, ${textLiteral(dice)}]`, relational: false }),
    () => ({ subject: dice.pick(INT_ARRAYS), value: `[${intText(dice)}]`, relational: false }),
    () => ({ subject: 'ab', value: dice.pick(['[]', '[true]', '[false, true]']), relational: false }),
    () => ({
      subject: 'as',
      value: `[${Array.from({ length: dice.int(3) }, () => textLiteral(dice)).join(', ')}]`,
      relational: false,
    }),
    () => ({ subject: dice.pick([...INT_ARRAYS, 'ad', jsonPath(dice)]), value: '[]', relational: false }),
    () => ({
      subject: jsonPath(dice),
      value: `[${dice.pick([intText, floatText])(dice)}, [], [true, ${textLiteral(dice)}]]`,
      relational: false,
    }),
    () => ({ subject: 'af', value: `[${floatText(dice)}, ${floatText(dice)}]`, relational: false }),
    () => ({
      subject: `array_length(${dice.pick(['a8', 'as', jsonPath(dice)])})`,
      value: String(dice.int(4)),
      relational: true,
    }),
  ])()
}

function compareText(dice: Rng): string {
  const { subject, value, relational } = comparable(dice)
  const op = relational ? dice.pick(OPS) : dice.pick(['==', '!='])
  return dice.chance(0.8) ? `${subject} ${op} ${value}` : `${value} ${op} ${subject}`
}

/** A chain with its bounds in order; with equal ones it includes both. */
function rangeText(dice: Rng): string {
  const [field, low, high] = dice.pick<() => [string, string, string]>([
    () => [dice.pick([...INT_FIELDS, 'id', 'a8[1]', 'a64[0]']), ...sorted(dice, intText)],
    () => [dice.pick([...FLOAT_FIELDS, 'af[0]', 'ad[1]']), ...sorted(dice, dice.pick([intText, floatText]))],
    () => [jsonPath(dice), ...sorted(dice, d => dice.pick([intText, floatText])(d))],
    () => [
      `array_length(${dice.pick(['a8', 'as', jsonPath(dice)])})`,
      ...sorted(dice, d => String(d.int(4))),
    ],
    () => [dice.pick(['s', 'u', 'as[0]', jsonPath(dice)]), ...sorted(dice, textLiteral)],
  ])()
  const ops = (signs: readonly string[]): [string, string] => {
    if (low === high || compareLiterals(low, high) === 0) return [signs[1]!, signs[1]!]
    return [dice.pick(signs), dice.pick(signs)]
  }
  const [first, second] = dice.chance() ? ops(['<', '<=']) : ops(['>', '>='])
  return first.startsWith('<')
    ? `${low} ${first} ${field} ${second} ${high}`
    : `${high} ${first} ${field} ${second} ${low}`
}

function sorted(dice: Rng, make: (dice: Rng) => string): [string, string] {
  const [a, b] = [make(dice), make(dice)]
  return compareLiterals(a, b) <= 0 ? [a, b] : [b, a]
}

/** Order of two literals: texts by their bytes, numbers by value, exactly. */
function compareLiterals(a: string, b: string): number {
  if (a.startsWith('"')) return Buffer.compare(Buffer.from(JSON.parse(a)), Buffer.from(JSON.parse(b)))
  const [x, y] = [a, b].map(text => (/^-?\d+$/.test(text) ? BigInt(text) : Number(text))) as [bigint, bigint]
  return x < y ? -1 : x > y ? 1 : 0
}

const DIVISORS = [
  '1',
  '2',
  '3',
  '-1',
  '-2',
  '-7',
  '7',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
]

function arithText(dice: Rng): string {
  const op = dice.pick(['+', '-', '*', '/', '%'] as const)
  const bits = dice.pick(['&', '|', '^'] as const)
  const nonZero = dice.pick(DIVISORS)
  const compare = dice.pick(OPS)
  const subject = dice.pick([...INT_FIELDS, 'id', jsonPath(dice), 'a8[0]', 'a64[1]'])
  const float = `${dice.pick([...FLOAT_FIELDS, jsonPath(dice), 'af[0]', 'ad[1]'])} ${dice.pick(['+', '-', '*', '/'])} ${dice.pick(['0.5', '2.0', '3', '-0.1', '1e300'])}`
  return dice.pick([
    `${subject} ${op} ${nonZero} ${compare} ${intText(dice)}`,
    `(${subject} ${bits} ${dice.pick(['1', '3', '-1', '4294967296', '-9223372036854775808'])}) ${compare} ${intText(dice)}`,
    `${nonZero} ${dice.pick(['+', '*'])} ${subject} ${compare} ${intText(dice)}`,
    `${intText(dice)} ${compare} ${subject} ${op} ${nonZero}`,
    `${subject} * 0 ${compare} ${dice.pick(['0', '1'])}`,
    `${float} ${compare} ${floatText(dice)}`,
    `${float} ${compare} ${intText(dice)}`,
    `${floatText(dice)} ${compare} ${dice.pick(['0.5', '-2'])} * ${dice.pick([...FLOAT_FIELDS, jsonPath(dice)])}`,
    `${jsonPath(dice)} % ${dice.pick(['0.75', '2.0', '-1.5', '3'])} ${compare} ${dice.pick([floatText, intText])(dice)}`,
    `${subject} ${compare} ${dice.between(-3, 3)} * ${dice.between(-3, 3)} + ${dice.int(3)}`,
    `${subject} ${dice.pick(['+', '*'])} (${dice.between(1, 3)} - -${dice.int(3)}) ${compare} ${intText(dice)}`,
  ])
}

function inText(dice: Rng): string {
  const many = (make: () => string): string => Array.from({ length: dice.int(5) }, make).join(', ')
  const json = (): string => dice.pick([intText, floatText, textLiteral, () => 'true'])(dice)
  const [subject, items] = dice.pick<() => [string, string]>([
    () => [dice.pick([...INT_FIELDS, 'a8[1]', 'a64[0]', 'id']), many(() => intText(dice))],
    () => [dice.pick([...FLOAT_FIELDS, 'af[1]', 'ad[0]']), many(() => dice.pick([floatText, intText])(dice))],
    () => [dice.pick(['s', 'u', 'as[0]']), many(() => textLiteral(dice))],
    () => [dice.pick(['b', 'ab[0]']), many(() => dice.pick(['true', 'false']))],
    () => [jsonPath(dice), many(json)],
  ])()
  return `${subject} ${dice.pick(['in', 'not in'])} [${items}]`
}

function containsText(dice: Rng): string {
  const json = (depth = 2): string =>
    dice.pick<(dice: Rng) => string>([
      intText,
      floatText,
      textLiteral,
      () => 'false',
      () =>
        depth === 0 ? '1' : `[${Array.from({ length: dice.int(3) }, () => json(depth - 1)).join(', ')}]`,
    ])(dice)
  const [subject, make] = dice.pick<() => [string, () => string]>([
    () => [dice.pick(INT_ARRAYS), () => intText(dice)],
    () => [dice.pick(['af', 'ad']), () => dice.pick([intText, floatText])(dice)],
    () => ['as', () => textLiteral(dice)],
    () => ['ab', () => 'true'],
    () => [dice.pick(['j', jsonPath(dice), jsonPath(dice)]), () => json()],
  ])()
  const prefix = dice.pick(['json_contains', 'array_contains', 'ARRAY_CONTAINS'])
  if (dice.chance(0.4)) return `${prefix}(${subject}, ${make()})`
  const suffix = prefix === 'ARRAY_CONTAINS' ? dice.pick(['_ALL', '_ANY']) : dice.pick(['_all', '_any'])
  return `${prefix}${suffix}(${subject}, [${Array.from({ length: dice.int(4) }, make).join(', ')}])`
}

/** Several questions about one subject: what the binder merges into sets and ranges. */
function repeatedText(dice: Rng): string {
  const [subject, make] = dice.pick<() => [string, () => string]>([
    () => [dice.pick(INT_FIELDS), () => intText(dice)],
    () => [dice.pick(FLOAT_FIELDS), () => floatText(dice)],
    () => [dice.pick(['s', 'u']), () => textLiteral(dice)],
    () => [jsonPath(dice), () => dice.pick([intText, floatText, textLiteral])(dice)],
  ])()
  const ops = dice.pick([OPS, ['=='], ['!='], ['==', '!=']] as const)
  const part = (): string => {
    if (dice.chance(0.2)) return `${subject} ${dice.pick(['in', 'not in'])} [${make()}, ${make()}]`
    return dice.chance(0.2)
      ? `not (${subject} ${dice.pick(ops)} ${make()})`
      : `${subject} ${dice.pick(ops)} ${make()}`
  }
  return Array.from({ length: 2 + dice.int(4) }, part).join(dice.pick([' and ', ' or ']))
}

/** Comparisons of constants, where no placeholder may stand. */
export const CONSTANT = ['1 < 2', '"a" > "b"', '(1 + 1 == 2)']

/** A path, which `exists` wants. */
function existing(dice: Rng): string {
  const path = jsonPath(dice)
  return path === 'j' ? `j[${quote(dice.pick(KEYS))}]` : path
}

function leaf(dice: Rng): string {
  return dice.pick<() => string>([
    () => compareText(dice),
    () => compareText(dice),
    () => compareText(dice),
    () => rangeText(dice),
    () => arithText(dice),
    () => arithText(dice),
    () => `(${repeatedText(dice)})`,
    () => inText(dice),
    () => inText(dice),
    () => containsText(dice),
    () => `${dice.pick(['s', 'u', 'as[0]', jsonPath(dice)])} like ${pattern(dice)}`,
    () =>
      `${dice.pick(['s', 'u', 'as[1]', jsonPath(dice)])} ${dice.pick(['=~', '!~'])} "${dice.pick(REGEXES)}"`,
    () =>
      `${dice.pick(['i8', 'i16', 'f', 's', 'a8', 'as', 'j', 'dyn', jsonPath(dice)])} ${dice.pick(['is null', 'IS NOT NULL'])}`,
    () => `${dice.pick(['', 'not '])}exists ${existing(dice)}`,
    () => momentText(dice),
    () => momentText(dice),
    () => matchText(dice),
    () => geometryText(dice),
    () => `not ${dice.pick(['s', 'u', 'as[0]', jsonPath(dice)])} ${dice.pick(['like', '=~'])} "a"`,
    () => `not ${dice.pick(['i8', 's', 'a8', 'as', 'j', jsonPath(dice)])} is null`,
    () =>
      `${dice.pick([...INT_FIELDS, ...FLOAT_FIELDS, 'id'])} ${dice.pick(OPS)} ${dice.pick([...INT_FIELDS, ...FLOAT_FIELDS])}`,
    () => dice.pick([`s ${dice.pick(OPS)} u`, `u ${dice.pick(OPS)} s`, 'b == b', 'b != b']),
    () => dice.pick(['empty(s)', 'empty(u)', `starts_with(${dice.pick(['s', 'u'])}, ${textLiteral(dice)})`]),
    () => dice.pick(['true', 'false', ...CONSTANT]),
  ])()
}

export function filterText(dice: Rng, depth: number): string {
  if (depth === 0 || dice.chance(0.25)) return leaf(dice)
  const part = (): string => `(${filterText(dice, depth - 1)})`
  if (dice.chance(0.25)) return `${dice.pick(['not', '!', 'NOT'])} ${part()}`
  const joint = dice.pick([' and ', ' && ', ' or ', ' || '])
  return Array.from({ length: 2 + dice.int(3) }, part).join(joint)
}
