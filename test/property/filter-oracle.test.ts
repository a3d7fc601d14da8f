/**
 * Random filters over random rows: the columnar evaluator and the row-at-a-time oracle must pick the same rows.
 *
 * Rows are of filter-rows.ts, filters of filter-texts.ts; every other filter has placeholders for its literals. `RUNS` sets the number of filters, `SEED` the dice. Each filter is also asked of a source that has a scalar index on
 * every field and on several JSON paths: indexes must not change an answer.
 */
import t from 'tap'
import { stringifyJson } from '../../lib/base/json.js'
import { compileFilter, type TemplateValues } from '../../lib/filter/compile.js'
import { type ColumnSource, evaluateFilter, evaluateRows, type Runnable } from '../../lib/filter/evaluate.js'
import { loadGeometry } from '../../lib/filter/geometry-library.js'
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
import { truthOf } from '../support/filter-oracle.js'
import { makeRow, schema } from '../support/filter-rows.js'
import { templated } from '../support/filter-templates.js'
import { CONSTANT, filterText } from '../support/filter-texts.js'
import { rng, runsOf, seedOf } from '../support/rng.js'

await loadGeometry()

const seed = seedOf(20_250)
const runs = runsOf(2_000)
const ROWS = 150

// ------------------------------------------------------------------------------------------------ indexes

const UNINDEXED: ReadonlySet<DataType> = new Set([
  DataType.FloatVector,
  DataType.JSON,
  DataType.Geometry,
  DataType.ArrayOfStruct,
])

/** An index on every field, and on JSON paths that the filters ask about, of every cast type. */
function declareIndexes(): readonly IndexSpec[] {
  const specs: IndexSpec[] = []
  const declare = (fieldName: string, params: Record<string, string>, indexType = 'INVERTED'): void => {
    const request = { fieldName, indexName: `x${specs.length}`, indexType, params }
    // Judged alone: two casts of one path are refused, and here they are wanted.
    specs.push(checkIndex(schema, request, [], specs.length + 1).spec)
  }
  for (const field of schema.fields) {
    if (field.dataType === DataType.Timestamptz) declare(field.name, {}, 'STL_SORT')
    else if (!field.primaryKey && !UNINDEXED.has(field.dataType)) declare(field.name, {})
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

/** The plan, or why the filter is refused. */
function planOf(asked: {
  readonly text: string
  readonly values: TemplateValues
}): ReturnType<typeof compileFilter> | string {
  try {
    return compileFilter(schema, asked.text, asked.values)
  } catch (error) {
    return String(error)
  }
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
      const constant = CONSTANT.some(part => text.includes(part))
      const asked = constant || dice.chance() ? { text, values: {} } : templated(dice, text)
      const plan = planOf(asked)
      if (typeof plan === 'string') {
        t.fail(`${asked.text}\n${plan}`)
        return
      }
      const tree = parseFilter(text)
      evaluateFilter(plan, source, 0, ROWS, bits)
      evaluateRows(plan, source, all, listed)
      for (const pretended of [ROWS, ROWS * 64]) {
        const picked = pickIndexed(plan, indexed, pretended)
        if (Buffer.compare(Buffer.from(picked.buffer), Buffer.from(bits.buffer)) === 0) continue
        t.fail(`${asked.text}\nwith indexes, as of ${pretended} rows: another set of rows`)
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
          `${text}\nasked as ${asked.text}\nrow ${stringifyJson(rows[row]!)}\nexpected ${expected}, found ${found}, by list ${listed[k]}`,
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
