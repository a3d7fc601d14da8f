/**
 * Filter text to plan: the door of this room.
 *
 * Parsing is cached per schema and text, binding too when the text has no placeholders; the caches are bounded and go
 * away with the schema. Every refusal leaves here as code 1100 with Milvus's wrapping, printed once.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { atOnce, inSlices, type Steps } from '../base/steps.js'
import { Turn } from '../base/turn.js'
import type { CollectionSchema, FieldSchema } from '../schema/collection-schema.js'
import { DataType } from '../schema/data-type.js'
import { int64OfWords } from '../schema/int64.js'
import type { Literal, Node, PkKey } from './ast.js'
import { bindSteps } from './bind.js'
import type { BindContext } from './bind-context.js'
import { ALL, type Bound } from './bound.js'
import { literalText, type TemplateValues, templateValue } from './fold.js'
import type { ElementTest } from './match-elements.js'
import { type PackedList, packedOfTest } from './packed-list.js'
import { parseSteps } from './parser.js'
import { isLong, prepareKeys, prepareSets, type ReadAhead, readAhead } from './read-ahead.js'

export type { PkKey } from './ast.js'
export type { TemplateValues } from './fold.js'

export interface FilterPlan {
  /** The text as given. */
  readonly text: string
  /** 'all' and 'none' are decided without reading a row. With a `sample`, 'all' is what the sample is drawn from. */
  readonly kind: 'all' | 'none' | 'expression'
  /** Field indexes the evaluation reads, ascending. */
  readonly fields: readonly number[]
  /** Distinct keys when the whole predicate is `pk == v` or `pk in [...]`, else null. */
  readonly pkIn: readonly PkKey[] | null
  /** At least as many keys as `pkIn` has, known without making them; null where that is null. */
  readonly pkCount: number | null
  /** The long list that `pkIn` comes from; null when it is short or there is none. */
  readonly pkList: PackedList | null
  /** Share of the matching rows that `random_sample` keeps, or null. Applied by the caller (sample.ts). */
  readonly sample: number | null
  /** Equal keys mean equal results on equal rows; null when two runs may differ. */
  readonly cacheKey: string | null
  /** What the evaluator runs. */
  readonly root: Bound
  /** What `element_filter` asks of elements; null without one. `root` says which rows have such an element. */
  readonly elements: ElementFilter | null
}

/** The elements of a struct array that a query returns one by one. */
export interface ElementFilter {
  readonly field: number
  readonly schema: FieldSchema
  readonly test: ElementTest
}

/** Which request the filter belongs to; 'elements' is a query that can return elements one by one. */
export type FilterVerb = 'query' | 'search' | 'delete' | 'elements'

/** Texts remembered per schema. */
const CACHE_MAX = 256
/** Longer texts are not remembered: they are one-off key lists. */
const CACHED_TEXT_MAX = 16_384

interface CacheEntry {
  readonly tree: Node
  /** The plan, when the text has no placeholders. */
  readonly plan: FilterPlan | null
}

const caches = new WeakMap<CollectionSchema, Map<string, CacheEntry>>()

/**
 * Parses and checks a filter against a schema.
 * @param templates values of `{name}` placeholders; values nobody asks for are ignored
 * @param timezone IANA zone of ISO timestamps without an offset, default UTC
 * @throws MilvusError 1100 `failed to create <verb> plan: cannot parse expression: <text>, error: …`
 */
export function compileFilter(
  schema: CollectionSchema,
  text: string,
  templates: TemplateValues = {},
  verb: FilterVerb = 'query',
  timezone = 'UTC',
): FilterPlan {
  return atOnce(planSteps(schema, text, templates, verb, timezone))
}

/** The same in steps. @param ready constants that were made before (read-ahead.ts) */
function* planSteps(
  schema: CollectionSchema,
  text: string,
  templates: TemplateValues,
  verb: FilterVerb,
  timezone: string,
  ready?: ReadAhead,
): Steps<FilterPlan> {
  if (text.trim() === '') {
    return {
      text,
      kind: 'all',
      fields: [],
      pkIn: null,
      pkCount: null,
      pkList: null,
      sample: null,
      cacheKey: '',
      root: ALL,
      elements: null,
    }
  }
  try {
    const plan = yield* compileSteps(schema, text, templates, timezone, ready)
    if (plan.elements !== null && verb !== 'elements') {
      throw invalid('element_filter is only supported in queries that return or count rows', { bare: true })
    }
    return plan
  } catch (cause) {
    if (!(cause instanceof MilvusError)) throw cause
    const plan = verb === 'delete' ? 'delete' : 'query'
    throw invalid(
      `failed to create ${plan} plan: cannot parse expression: ${text}, error: ${cause.message}`,
      {
        cause,
      },
    )
  }
}

/**
 * The same as compileFilter, for callers that can wait: a long filter is made ready in slices, so that other work gets
 * turns, and comes as a promise. All others come at once.
 * @param turn for tests; whose slice decides when other work gets a turn
 * @throws MilvusError (or rejects with it) as compileFilter does
 */
export function planInSlices(
  schema: CollectionSchema,
  text: string,
  templates: TemplateValues = {},
  verb: FilterVerb = 'query',
  timezone = 'UTC',
  turn: Turn = new Turn(),
): FilterPlan | Promise<FilterPlan> {
  if (!isLong(text, templates)) return compileFilter(schema, text, templates, verb, timezone)
  return compileInSlices(schema, text, copyTemplates(templates), verb, timezone, turn)
}

/** Template values as they are now: a caller may change a list of his while its filter is made ready. */
export function copyTemplates(templates: TemplateValues): TemplateValues {
  const entries = Object.entries(templates ?? {})
  return Object.fromEntries(entries.map(([name, v]) => [name, Array.isArray(v) ? v.slice() : v]))
}

async function compileInSlices(
  schema: CollectionSchema,
  text: string,
  templates: TemplateValues,
  verb: FilterVerb,
  timezone: string,
  turn: Turn,
): Promise<FilterPlan> {
  const ready = await readAhead(text, templates, turn)
  if (turn.due()) await turn.next()
  const plan = await inSlices(planSteps(schema, text, templates, verb, timezone, ready), turn)
  await prepareSets(plan.root, turn)
  if (verb === 'delete' && plan.pkList !== null) await prepareKeys(plan.pkList, turn)
  return plan
}

function* compileSteps(
  schema: CollectionSchema,
  text: string,
  templates: TemplateValues,
  timezone: string,
  ready: ReadAhead | undefined,
): Steps<FilterPlan> {
  const cache = cacheOf(schema)
  const key = timezone === 'UTC' ? text : `${timezone}\u0000${text}`
  const known = cache.get(key)
  if (known !== undefined) {
    // Re-inserted, so that the map's order is the order of use.
    cache.delete(key)
    cache.set(key, known)
    if (known.plan !== null) return known.plan
  }
  const tree = known?.tree ?? (yield* parseSteps(text, ready?.lists))
  const used = yield* templateNames(tree)
  const plan = yield* bind(schema, text, tree, templates, used, timezone, ready)
  if (known === undefined && text.length <= CACHED_TEXT_MAX) {
    cache.set(key, { tree, plan: used.length === 0 ? plan : null })
    if (cache.size > CACHE_MAX) cache.delete(cache.keys().next().value!)
  }
  return plan
}

function cacheOf(schema: CollectionSchema): Map<string, CacheEntry> {
  let cache = caches.get(schema)
  if (cache === undefined) {
    cache = new Map()
    caches.set(schema, cache)
  }
  return cache
}

function* bind(
  schema: CollectionSchema,
  text: string,
  tree: Node,
  templates: TemplateValues,
  used: readonly string[],
  timezone: string,
  ready: ReadAhead | undefined,
): Steps<FilterPlan> {
  const values = new Map(ready?.values)
  const context: BindContext = { schema, text, templates, timezone, constants: new Map(), values }
  const { root, sample, elements } = yield* bindSteps(context, tree)
  yield
  const fields = new Set<number>()
  collectFields(root, fields)
  const sorted = [...fields].sort((a, b) => a - b)
  const valuesKey = used.map(name => `\u0000${name}=${valueKey(templateValue(context, name))}`).join('')
  const listed = sample === null ? packedKeysOf(schema, root) : null
  const keys = sample === null && listed === null ? pkKeysOf(schema, tree, root) : null
  return {
    text,
    kind: root.op === 'all' || root.op === 'none' ? root.op : 'expression',
    fields: sorted,
    get pkIn() {
      return listed === null ? keys : listed.keys
    },
    pkCount: listed?.count ?? keys?.length ?? null,
    pkList: listed,
    sample,
    cacheKey: sample === null ? `${schema.version}\u0000${timezone}\u0000${text}${valuesKey}` : null,
    root,
    elements,
  }
}

/** A template value as part of a cache key: values that fold to the same constant are the same. */
function valueKey(literal: Literal): string {
  return literal.kind === 'list' && literal.packed !== undefined
    ? literal.packed.cacheKey
    : literalText(literal)
}

/** Nodes looked at in one step. */
const STEP_NODES = 512

/** Names of the placeholders in a tree. */
function* templateNames(tree: Node): Steps<readonly string[]> {
  const names = new Set<string>()
  const open: Node[] = [tree]
  let seen = 0
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (++seen % STEP_NODES === 0) yield
    if (node.kind === 'template') names.add(node.name)
    for (const child of childrenOf(node)) open.push(child)
  }
  return [...names]
}

function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'and':
    case 'or':
    case 'list':
      return node.items
    case 'not':
    case 'negate':
    case 'plus':
    case 'invert':
    case 'exists':
    case 'null':
      return [node.operand]
    case 'arith':
    case 'compare':
    case 'in':
    case 'like':
    case 'regex':
      return [node.left, node.right]
    case 'range':
      return [node.lower, node.subject, node.upper]
    case 'call':
      return [...node.args, ...node.named.map(n => n.value)]
    default:
      return []
  }
}

function collectFields(node: Bound, fields: Set<number>): void {
  switch (node.op) {
    case 'all':
    case 'none':
      return
    case 'and':
    case 'or':
      for (const item of node.items) collectFields(item, fields)
      return
    case 'columns':
      fields.add(node.otherField)
  }
  fields.add(node.field)
}

/** The long list when the whole predicate is membership in one of primary keys. */
function packedKeysOf(schema: CollectionSchema, root: Bound): PackedList | null {
  if (root.op !== 'scalar' || root.field !== schema.pkIndex || root.negated) return null
  return packedOfTest(root.test)
}

/** The keys when the whole predicate is equality with, or membership in, a list of primary keys. */
function pkKeysOf(schema: CollectionSchema, tree: Node, root: Bound): readonly PkKey[] | null {
  if (root.op === 'none') {
    const empty = tree.kind === 'in' && !tree.negated && tree.left.kind === 'path'
    return empty && tree.left.name === schema.fields[schema.pkIndex]!.name ? [] : null
  }
  if (root.op !== 'scalar' || root.field !== schema.pkIndex || root.negated) return null
  const { test } = root
  switch (test.test) {
    case 'range':
      return test.range.min === test.range.max && root.type === DataType.Int64
        ? [keyOf(test.range.min)]
        : null
    case 'members':
      return [
        ...new Set(test.set.literals.map(literal => (literal.kind === 'int' ? keyOf(literal.value) : ''))),
      ]
    case 'text':
      if (test.text.kind === 'equal') return [textOf(test.text.bytes)]
      return test.text.kind === 'oneOf' ? [...new Set(test.text.members.map(textOf))] : null
    default:
      return null
  }
}

/** An Int64 key in its one form: a number when that is exact. */
function keyOf(value: bigint): PkKey {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  return int64OfWords(Number(value & 0xffffffffn), Number(value >> 32n))
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
