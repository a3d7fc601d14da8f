/**
 * Random filters over random rows: the columnar evaluator and the row-at-a-time oracle must pick the same rows.
 *
 * Values are chosen nasty: nulls, missing paths, one key holding numbers, texts, bools and arrays, both ends of every
 * integer type, neighbours of ±2^53, floats that float32 cannot hold, texts of every UTF-8 length, empty everything.
 * `RUNS` sets the number of filters, `SEED` the dice. Each filter is also asked of a source that has a scalar index on
 * every field and on several JSON paths: indexes must not change an answer.
 */
import t from 'tap'
import { stringifyJson } from '../../lib/base/json.js'
import { compileFilter } from '../../lib/filter/compile.js'
import { type ColumnSource, evaluateFilter, evaluateRows, type Runnable } from '../../lib/filter/evaluate.js'
import { buildOrder } from '../../lib/filter/order-entry.js'
import { parseFilter } from '../../lib/filter/parser.js'
import { serveFilter } from '../../lib/filter/serve.js'
import { checkIndex } from '../../lib/index/index-params.js'
import type { IndexSpec } from '../../lib/index/index-spec.js'
import { orderKindOf } from '../../lib/index/scalar-kind.js'
import { type OpenOrder, risingOrder } from '../../lib/index/scalar-order.js'
import { fieldIndex } from '../../lib/schema/collection-schema.js'
import type { Column } from '../../lib/schema/column.js'
import { completeColumns } from '../../lib/schema/complete-columns.js'
import { DataType } from '../../lib/schema/data-type.js'
import { rowsToColumns } from '../../lib/schema/rows-to-columns.js'
import { buildSchema } from '../../lib/schema/validate-schema.js'
import { type OracleRow, truthOf } from '../support/filter-oracle.js'
import { type Rng, rng, runsOf, seedOf } from '../support/rng.js'

const seed = seedOf(20_250)
const runs = runsOf(2_000)
const ROWS = 150

const INT_FIELDS = ['i8', 'i16', 'i32', 'i64'] as const
const FLOAT_FIELDS = ['f', 'd'] as const
const INT_ARRAYS = ['a8', 'a64'] as const

const schema = buildSchema({
  name: 'oracle',
  enableDynamicField: true,
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'i8', dataType: DataType.Int8, nullable: true },
    { name: 'i16', dataType: DataType.Int16 },
    { name: 'i32', dataType: DataType.Int32, nullable: true },
    { name: 'i64', dataType: DataType.Int64, nullable: true },
    { name: 'f', dataType: DataType.Float, nullable: true },
    { name: 'd', dataType: DataType.Double },
    { name: 'b', dataType: DataType.Bool, nullable: true },
    { name: 's', dataType: DataType.VarChar, maxLength: 100, nullable: true },
    { name: 'u', dataType: DataType.VarChar, maxLength: 100 },
    { name: 'a8', dataType: DataType.Array, elementType: DataType.Int8, maxCapacity: 10, nullable: true },
    { name: 'a64', dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 10 },
    { name: 'af', dataType: DataType.Array, elementType: DataType.Float, maxCapacity: 10, nullable: true },
    { name: 'ad', dataType: DataType.Array, elementType: DataType.Double, maxCapacity: 10 },
    { name: 'ab', dataType: DataType.Array, elementType: DataType.Bool, maxCapacity: 10 },
    {
      name: 'as',
      dataType: DataType.Array,
      elementType: DataType.VarChar,
      maxCapacity: 10,
      maxLength: 100,
      nullable: true,
    },
    { name: 'j', dataType: DataType.JSON, nullable: true },
    { name: 'vec', dataType: DataType.FloatVector, dim: 2 },
  ],
})

const TEXTS = [
  '',
  'a',
  'ab',
  'abc',
  'b',
  'A',
  'a%b',
  'a_b',
  'back\\slash',
  'q"q',
  'é',
  '中文',
  '😀',
  'x😀y',
  '10',
  'a\nb',
]
const KEYS = ['k', 'a/b', 'ключ', 'q"', '0'] as const
const INT64_EDGES = [
  -(2n ** 63n),
  2n ** 63n - 1n,
  2n ** 63n - 8n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  2n ** 32n,
]
const FLOATS = [0, 0.1, -0.1, 0.5, 1, 1.5, -2, 2.25, 3, 1e10, -1e-10, 16_777_217]

// ------------------------------------------------------------------------------------------------ rows

function int64(dice: Rng): bigint {
  return dice.chance(0.7) ? BigInt(dice.between(-4, 6)) : dice.pick(INT64_EDGES)
}

function small(dice: Rng, limit: number): number {
  return dice.chance(0.8) ? dice.between(-4, 6) : dice.pick([-limit, limit - 1])
}

function jsonScalar(dice: Rng): unknown {
  return dice.pick<() => unknown>([
    () => dice.between(-3, 5),
    () => int64(dice),
    () => dice.pick(FLOATS),
    () => dice.pick([1e300, 2 ** 63, -1.5e-7, 123_456.789]),
    () => dice.pick(TEXTS),
    () => dice.chance(),
    () => null,
  ])()
}

function jsonValue(dice: Rng, depth: number): unknown {
  if (depth > 0 && dice.chance(0.35)) {
    if (dice.chance()) return Array.from({ length: dice.int(4) }, () => jsonValue(dice, depth - 1))
    const members: Record<string, unknown> = {}
    for (const key of KEYS) if (dice.chance(0.4)) members[key] = jsonValue(dice, depth - 1)
    return members
  }
  return jsonScalar(dice)
}

function jsonRoot(dice: Rng): unknown {
  if (dice.chance(0.15)) return jsonValue(dice, 1)
  const members: Record<string, unknown> = {}
  for (const key of KEYS) if (dice.chance(0.7)) members[key] = jsonValue(dice, 2)
  return members
}

function list<T>(dice: Rng, make: () => T): T[] {
  return Array.from({ length: dice.int(5) }, make)
}

function makeRow(dice: Rng, id: number): OracleRow {
  const orNull = <T>(value: T): T | null => (dice.chance(0.2) ? null : value)
  const row: Record<string, unknown> = {
    id,
    i8: orNull(small(dice, 128)),
    i16: small(dice, 32_768),
    i32: orNull(small(dice, 2 ** 31)),
    i64: orNull(int64(dice)),
    f: orNull(dice.pick(FLOATS)),
    d: dice.pick(FLOATS),
    b: orNull(dice.chance()),
    s: orNull(dice.pick(TEXTS)),
    u: dice.pick(TEXTS),
    a8: orNull(list(dice, () => small(dice, 128))),
    a64: list(dice, () => int64(dice)),
    af: orNull(list(dice, () => dice.pick(FLOATS))),
    ad: list(dice, () => dice.pick(FLOATS)),
    ab: list(dice, () => dice.chance()),
    as: orNull(list(dice, () => dice.pick(TEXTS))),
    j: orNull(jsonRoot(dice)),
    vec: [0, 1],
  }
  if (dice.chance(0.7)) row['dyn'] = jsonValue(dice, 2)
  if (dice.chance(0.5)) row['$meta'] = { i8: jsonScalar(dice) }
  return row
}

// ------------------------------------------------------------------------------------------------ filters

const quote = (text: string): string => JSON.stringify(text)
const OPS = ['==', '!=', '<', '<=', '>', '>='] as const

function floatText(dice: Rng): string {
  const value = dice.pick(FLOATS)
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

function intText(dice: Rng): string {
  return dice.chance(0.8)
    ? String(dice.between(-4, 6))
    : String(dice.pick([...INT64_EDGES, 127n, -129n, 32_768n, 1000n]))
}

const textLiteral = (dice: Rng): string => quote(dice.pick(TEXTS))

function jsonPath(dice: Rng): string {
  let path = dice.pick(['j', 'j', 'dyn', '$meta'])
  if (path === '$meta') return dice.pick(['$meta["i8"]', '$meta["dyn"]', '$meta["dyn"]["k"]'])
  const steps = path === 'j' ? 1 + dice.int(2) : dice.int(3)
  for (let i = 0; i < steps; i++)
    path += dice.chance(0.2) ? `[${dice.int(3)}]` : `[${quote(dice.pick(KEYS))}]`
  return path
}

function pattern(dice: Rng): string {
  return quote(
    dice.pick([
      '%',
      '_',
      '',
      'a%',
      '%b',
      '%b%',
      'a_b',
      '_%',
      '%_',
      'a\\%b',
      'a\\_b',
      '%\\\\%',
      '__',
      'x_y',
      '%文',
      'a%b%',
      '%a%b',
    ]),
  )
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

function rangeText(dice: Rng): string {
  const [low, high] = [dice.between(-4, 3), dice.between(4, 7)]
  const field = dice.pick([...INT_FIELDS, ...FLOAT_FIELDS, jsonPath(dice), 'a64[0]', 'array_length(a8)'])
  if (dice.chance(0.2)) return `"a" ${dice.pick(['<', '<='])} ${dice.pick(['s', 'u', jsonPath(dice)])} < "b"`
  return dice.chance()
    ? `${low} ${dice.pick(['<', '<='])} ${field} ${dice.pick(['<', '<='])} ${high}`
    : `${high} ${dice.pick(['>', '>='])} ${field} ${dice.pick(['>', '>='])} ${low}`
}

function arithText(dice: Rng): string {
  const op = dice.pick(['+', '-', '*', '/', '%'] as const)
  const bits = dice.pick(['&', '|', '^'] as const)
  const nonZero = dice.pick(['1', '2', '3', '-2', '7', '9007199254740993', '-9223372036854775808'])
  const subject = dice.pick([...INT_FIELDS, jsonPath(dice), 'a8[0]', 'a64[1]'])
  const float = `${dice.pick([...FLOAT_FIELDS, jsonPath(dice), 'af[0]'])} ${dice.pick(['+', '-', '*', '/'])} ${dice.pick(['0.5', '2.0', '3'])}`
  return dice.pick([
    `${subject} ${op} ${nonZero} ${dice.pick(OPS)} ${intText(dice)}`,
    `(${subject} ${bits} ${dice.pick(['1', '3', '-1', '4294967296'])}) ${dice.pick(OPS)} ${intText(dice)}`,
    `${nonZero} ${dice.pick(['+', '*'])} ${subject} ${dice.pick(OPS)} ${intText(dice)}`,
    `${subject} * 0 ${dice.pick(OPS)} ${dice.pick(['0', '1'])}`,
    `${float} ${dice.pick(OPS)} ${floatText(dice)}`,
  ])
}

function inText(dice: Rng): string {
  const many = (make: () => string): string => Array.from({ length: dice.int(5) }, make).join(', ')
  const json = (): string => dice.pick([intText, floatText, textLiteral, () => 'true'])(dice)
  const [subject, items] = dice.pick<() => [string, string]>([
    () => [dice.pick([...INT_FIELDS, 'a64[0]', 'id']), many(() => intText(dice))],
    () => [dice.pick([...FLOAT_FIELDS, 'af[1]']), many(() => floatText(dice))],
    () => [dice.pick(['s', 'u', 'as[0]']), many(() => textLiteral(dice))],
    () => ['b', many(() => dice.pick(['true', 'false']))],
    () => [jsonPath(dice), many(json)],
  ])()
  return `${subject} ${dice.pick(['in', 'not in'])} [${items}]`
}

function containsText(dice: Rng): string {
  const json = (): string =>
    dice.pick([intText, floatText, textLiteral, () => 'false', () => `[${dice.int(3)}]`])(dice)
  const [subject, make] = dice.pick<() => [string, () => string]>([
    () => [dice.pick(INT_ARRAYS), () => intText(dice)],
    () => [dice.pick(['af', 'ad']), () => dice.pick([intText, floatText])(dice)],
    () => ['as', () => textLiteral(dice)],
    () => ['ab', () => 'true'],
    () => [dice.pick(['j', jsonPath(dice), jsonPath(dice)]), json],
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
    () => `exists ${dice.pick(['dyn', `j[${quote(dice.pick(KEYS))}]`])}`,
    () =>
      `${dice.pick([...INT_FIELDS, ...FLOAT_FIELDS])} ${dice.pick(OPS)} ${dice.pick([...INT_FIELDS, ...FLOAT_FIELDS])}`,
    () => `s ${dice.pick(OPS)} u`,
    () => dice.pick(['empty(s)', 'starts_with(u, "a")', 'true', 'false']),
  ])()
}

function filterText(dice: Rng, depth: number): string {
  if (depth === 0 || dice.chance(0.25)) return leaf(dice)
  const part = (): string => `(${filterText(dice, depth - 1)})`
  if (dice.chance(0.25)) return `${dice.pick(['not', '!', 'NOT'])} ${part()}`
  const joint = dice.pick([' and ', ' && ', ' or ', ' || '])
  return Array.from({ length: 2 + dice.int(3) }, part).join(joint)
}

// ------------------------------------------------------------------------------------------------ indexes

/** An index on every field, and on JSON paths that the filters ask about, of every cast type. */
function declareIndexes(): readonly IndexSpec[] {
  const specs: IndexSpec[] = []
  const declare = (fieldName: string, params: Record<string, string>): void => {
    const request = { fieldName, indexName: `x${specs.length}`, indexType: 'INVERTED', params }
    specs.push(checkIndex(schema, request, specs, specs.length + 1).spec)
  }
  for (const field of schema.fields) {
    if (!field.primaryKey && field.dataType !== DataType.FloatVector && field.dataType !== DataType.JSON)
      declare(field.name, {})
  }
  const paths = [
    ['j["k"]', 'JSON'],
    ['j["a/b"]', 'DOUBLE'],
    ['j["ключ"]', 'VARCHAR'],
    ['j["q\\""]', 'BOOL'],
    ['j["0"]', 'ARRAY_DOUBLE'],
    ["j['k']", 'ARRAY_VARCHAR'],
    ['j', 'ARRAY_BOOL'],
    ['dyn', 'JSON'],
    ['dyn["k"]', 'DOUBLE'],
    ['$meta["i8"]', 'VARCHAR'],
    ['$meta["dyn"]', 'ARRAY_DOUBLE'],
  ] as const
  for (const [path, cast] of paths) {
    const fieldName = path.startsWith('j') ? 'j' : '$meta'
    declare(fieldName, { json_path: path, json_cast_type: cast })
  }
  return specs
}

const SPECS = declareIndexes()

/** The columns with every index built over them. */
function indexedSource(columns: readonly Column[], rowCount: number): ColumnSource & { uses(): number } {
  const orders = new Map<number, OpenOrder[]>()
  for (const spec of SPECS) {
    const at = fieldIndex(schema, spec.fieldName)
    const kind = orderKindOf(spec, schema.fields[at]!)!
    const order = buildOrder(kind, schema.fields[at]!, columns[at]!, rowCount, () => undefined)
    const list = orders.get(at) ?? []
    list.push({ indexId: spec.id, path: kind.path, order, uses: 0 })
    orders.set(at, list)
  }
  // As in a sealed segment, rows stand in the order of their keys.
  const keys = { indexId: 0, path: null, order: risingOrder('int', rowCount), uses: 0 }
  orders.set(schema.pkIndex, [keys])
  return {
    column: index => columns[index]!,
    scalarOrders: index => orders.get(index) ?? [],
    uses: () => [...orders.values()].flat().reduce((sum, open) => sum + open.uses, 0),
  }
}

/**
 * The rows that a filter picks by way of the indexes. `pretended`: how many rows the segment has as far as the choice
 * between lists, bitsets and scans is concerned.
 */
function pickIndexed(
  plan: ReturnType<typeof compileFilter>,
  source: ColumnSource,
  pretended: number,
): Uint32Array {
  const bits = new Uint32Array((ROWS + 31) >>> 5)
  const served = serveFilter(plan.root, source, pretended)
  const root: Runnable = served?.kind === 'plan' ? served.root : plan.root
  if (served?.kind !== 'rows') {
    evaluateFilter({ root }, source, 0, ROWS, bits)
    return bits
  }
  const passes = new Uint8Array(served.rows.length).fill(1)
  if (served.rest !== null) evaluateRows({ root: served.rest }, source, served.rows, passes)
  served.rows.forEach((row, i) => {
    if (passes[i] === 1) bits[row >>> 5]! |= 1 << (row & 31)
  })
  return bits
}

t.test(`filters and their oracle pick the same rows (SEED=${seed} RUNS=${runs})`, async t => {
  const dice = rng(seed)
  let evaluations = 0
  let trueRows = 0
  let indexUses = 0
  for (let run = 0; run < runs; ) {
    const rows = Array.from({ length: ROWS }, (_, i) => makeRow(dice, i + 1))
    const { columns } = completeColumns(schema, rowsToColumns(schema, rows, 'insert'), 'insert')
    const source: ColumnSource = { column: index => columns[index]! }
    const indexed = indexedSource(columns as readonly Column[], ROWS)
    const all = Int32Array.from({ length: ROWS }, (_, i) => (i * 61) % ROWS)
    const bits = new Uint32Array((ROWS + 31) >>> 5)
    const listed = new Uint8Array(ROWS)
    for (let i = 0; i < 25 && run < runs; i++, run++) {
      const text = filterText(dice, dice.int(4))
      const plan = compileFilter(schema, text)
      const tree = parseFilter(text)
      evaluateFilter(plan, source, 0, ROWS, bits)
      evaluateRows(plan, source, all, listed)
      for (const pretended of [ROWS, ROWS * 64]) {
        const picked = pickIndexed(plan, indexed, pretended)
        if (Buffer.compare(Buffer.from(picked.buffer), Buffer.from(bits.buffer)) === 0) continue
        t.fail(`${text}\nwith indexes, as of ${pretended} rows: another set of rows`)
        return
      }
      for (let k = 0; k < ROWS; k++) {
        const row = all[k]!
        const expected = truthOf(schema, tree, rows[row]!) === true
        const found = ((bits[row >>> 5]! >>> (row & 31)) & 1) === 1
        evaluations++
        if (expected) trueRows++
        if (found === expected && (listed[k] === 1) === expected) continue
        t.fail(
          `${text}\nrow ${stringifyJson(rows[row]!)}\nexpected ${expected}, found ${found}, by list ${listed[k]}`,
        )
        return
      }
    }
    indexUses += indexed.uses()
  }
  t.ok(indexUses > runs / 2, `indexes were used ${indexUses} times`)
  t.ok(evaluations >= runs * ROWS, `${evaluations} evaluations agree`)
  t.ok(
    trueRows > evaluations / 10 && trueRows < evaluations * 0.9,
    'the filters are neither all true nor all false',
  )
})
