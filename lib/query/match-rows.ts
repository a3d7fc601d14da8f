/**
 * Which rows of a segment a read is about: visible at the snapshot's tick, in the partitions asked for, not outlived,
 * and TRUE for the filter.
 *
 * Four ways lead there, cheapest first: a filter that is a list of primary keys looks them up; a filter already seen on
 * this sealed segment comes from the cache; a filter that a scalar index narrows to few rows is asked about those;
 * everything else is evaluated column-wise in slices, so that the event loop is never held. All give the same rows.
 *
 * Invariant: the bitset of a match has no bit at or beyond the segment's row count, may be longer than needed, and is
 * shared: nobody writes to it.
 */
import { andInto, bitOffsets, countBits, newBits, setBit } from '../base/bitset.js'
import { invalid } from '../base/errors.js'
import type { Tick } from '../base/timestamp.js'
import type { Turn } from '../base/turn.js'
import type { Bound } from '../filter/bound.js'
import type { FilterPlan } from '../filter/compile.js'
import { evaluateFilter, evaluateRows, type Runnable } from '../filter/evaluate.js'
import { prepareKeys } from '../filter/read-ahead.js'
import { sampleBits } from '../filter/sample.js'
import { serveFilter } from '../filter/serve.js'
import { rowsPerStep } from '../filter/simplify.js'
import type { PkKey, Segment, VisibleRows } from '../segment/segment.js'
import type { CachedMatch } from './filter-cache.js'
import type { ReadContext } from './request.js'
import { unexpired } from './row-age.js'
import { deadlineFields, withoutOverdue } from './row-deadline.js'

/** Rows evaluated between two looks at the clock, at most; a multiple of 32. Under 1 ms, and few ms before code is compiled. */
const SLICE_ROWS = 4_096
/** Rows of the first slice; each is twice the one before. A row of JSON costs 3 µs while its code is not compiled. */
const FIRST_SLICE_ROWS = 512
/** Candidates asked about between two looks at the clock, at most. */
const SLICE_CANDIDATES = 1_024
/** Keys looked up between two looks at the clock. */
const SLICE_KEYS = 512
/** Rows drawn from between two looks at the clock; a multiple of 32. */
const SLICE_DRAWS = 32_768
/** Looking a key up costs about as much as evaluating this many rows. */
const ROWS_PER_LOOKUP = 64

/** The rows a read is about, in one segment. */
export type MatchedRows = CachedMatch

/** What decides a match; one per request. */
export interface RowQuestion {
  readonly context: ReadContext
  readonly tick: Tick
  readonly plan: FilterPlan
  /** True when every visible version of a key counts, false when the newest one is enough. */
  readonly everyVersion: boolean
}

const NOTHING: MatchedRows = { bits: new Uint32Array(0), count: 0, rows: new Int32Array(0) }

/** Offsets of the matched rows, ascending; computed once per match. */
export function rowsOf(match: MatchedRows): Int32Array {
  match.rows ??= bitOffsets(match.bits, match.count)
  return match.rows
}

/** Rows of `segment` that answer the question; a promise only when columns must be read or the work is long. */
export function matchRows(
  question: RowQuestion,
  segment: Segment,
  turn: Turn,
): MatchedRows | Promise<MatchedRows> {
  const { plan, context } = question
  const deadline = deadlineFields(context.deadline)
  let loading = segment.load(deadline.length === 0 ? plan.fields : [...plan.fields, ...deadline])
  // Making the plan, or the segments before, may have used up the slice.
  if (loading === undefined && turn.due()) loading = turn.next()
  if (loading !== undefined) return loading.then(() => matchLoaded(question, segment, turn))
  return matchLoaded(question, segment, turn)
}

/**
 * Matched rows of every segment, in the order of the segments; growing ones match nothing when they are ignored.
 * A promise only when a segment's rows are one.
 * @throws MilvusError ParameterInvalid when `ignoreGrowing` is no boolean
 */
export function matchSegments(
  question: RowQuestion,
  segments: readonly Segment[],
  ignoreGrowing: unknown,
  turn: Turn,
): MatchedRows[] | Promise<MatchedRows[]> {
  const sealedOnly = ignoreGrowing ?? false
  if (typeof sealedOnly !== 'boolean') throw invalid('parse ignore growing field failed')
  const matches: MatchedRows[] = []
  for (const segment of segments) {
    const ignored = sealedOnly && segment.kind === 'growing'
    const match = ignored ? NOTHING : matchRows(question, segment, turn)
    if (match instanceof Promise) return matchOthers(question, segments, sealedOnly, turn, matches, match)
    matches.push(match)
  }
  return matches
}

/** The rest of matchSegments, from a segment on that must be waited for. */
async function matchOthers(
  question: RowQuestion,
  segments: readonly Segment[],
  sealedOnly: boolean,
  turn: Turn,
  matches: MatchedRows[],
  awaited: Promise<MatchedRows>,
): Promise<MatchedRows[]> {
  matches.push(await awaited)
  for (const segment of segments.slice(matches.length)) {
    const ignored = sealedOnly && segment.kind === 'growing'
    const match = ignored ? NOTHING : matchRows(question, segment, turn)
    matches.push(match instanceof Promise ? await match : match)
  }
  return matches
}

function matchLoaded(
  question: RowQuestion,
  segment: Segment,
  turn: Turn,
): MatchedRows | Promise<MatchedRows> {
  const { context, tick, plan } = question
  if (plan.kind === 'none') return NOTHING
  const young = unexpired(segment, segment.visible(tick, context.partitions), context.expireBeforeTick, turn)
  if (young instanceof Promise) return young.then(present => matchPresent(question, segment, present, turn))
  return matchPresent(question, segment, young, turn)
}

/** Goes on with the rows that are visible and young enough. */
function matchPresent(
  question: RowQuestion,
  segment: Segment,
  present: VisibleRows,
  turn: Turn,
): MatchedRows | Promise<MatchedRows> {
  const living = withoutOverdue(segment, present, question.context.deadline, turn)
  if (living instanceof Promise) return living.then(visible => matchLiving(question, segment, visible, turn))
  return matchLiving(question, segment, living, turn)
}

/** Asks the filter about the rows that are left. */
function matchLiving(
  question: RowQuestion,
  segment: Segment,
  visible: VisibleRows,
  turn: Turn,
): MatchedRows | Promise<MatchedRows> {
  const { context, plan } = question
  if (visible.count === 0) return NOTHING
  if (plan.sample !== null) return matchSample(question, segment, visible, plan.sample, turn)
  if (plan.kind === 'all') return { bits: visible.bits, count: visible.count, rows: null }
  // Keys are made only where they are looked up.
  if (plan.pkCount !== null && plan.pkCount * ROWS_PER_LOOKUP <= segment.rowCount) {
    if (segment.sortedByPk || !question.everyVersion) return matchKeys(question, segment, visible, turn)
  }
  if (segment.kind === 'sealed' && plan.cacheKey !== null) {
    const cached = fromCache(context, plan.cacheKey, segment, visible)
    if (cached !== null) return cached
  }
  const served = serveFilter(plan.root, segment, segment.rowCount)
  if (served === null) return evaluateAll(question, segment, visible, turn, plan.root)
  if (served.kind === 'plan') return evaluateAll(question, segment, visible, turn, served.root)
  const rows = visibleOnly(served.rows, visible)
  if (served.rest === null) return matchOf(segment, rows)
  return askCandidates(segment, rows, served.rest, turn)
}

/** The rows among ascending `rows` that are visible. Written over `rows`. */
function visibleOnly(rows: Int32Array, { bits }: VisibleRows): Int32Array {
  let kept = 0
  for (let i = 0; i < rows.length; i++) if (isSet(bits, rows[i]!)) rows[kept++] = rows[i]!
  return rows.subarray(0, kept)
}

/** The match of a list of rows. */
function matchOf(segment: Segment, rows: Int32Array): MatchedRows {
  if (rows.length === 0) return NOTHING
  const bits = newBits(segment.rowCount)
  for (let i = 0; i < rows.length; i++) setBit(bits, rows[i]!)
  return { bits, count: rows.length, rows }
}

/** Asks what an index has left open about its candidates, in slices. */
async function askCandidates(
  segment: Segment,
  rows: Int32Array,
  rest: Bound,
  turn: Turn,
): Promise<MatchedRows> {
  const step = rowsPerStep(rest, SLICE_CANDIDATES)
  const passes = new Uint8Array(step)
  let kept = 0
  for (let from = 0; from < rows.length; from += step) {
    if (turn.due()) await turn.next()
    const slice = rows.subarray(from, from + step)
    evaluateRows({ root: rest }, segment, slice, passes)
    // Never ahead of the slice that is read.
    for (let i = 0; i < slice.length; i++) if (passes[i] === 1) rows[kept++] = slice[i]!
  }
  return matchOf(segment, rows.subarray(0, kept))
}

/** `random_sample`: draws from the rows that pass the rest of the filter; nothing about it can be remembered. */
async function matchSample(
  question: RowQuestion,
  segment: Segment,
  visible: VisibleRows,
  share: number,
  turn: Turn,
): Promise<MatchedRows> {
  const { plan } = question
  const passing =
    plan.kind === 'all' ? visible : await evaluateAll(question, segment, visible, turn, plan.root)
  const bits = passing.bits.slice()
  for (let from = 0; from < bits.length * 32; from += SLICE_DRAWS) {
    if (turn.due()) await turn.next()
    const to = Math.min(from + SLICE_DRAWS, bits.length * 32)
    sampleBits(bits, from, to, share, question.context.random)
  }
  return { bits, count: countBits(bits), rows: null }
}

/** The cache's key of a filter: the same text may mean something else after a change of the schema. */
function cacheKeyOf(context: ReadContext, cacheKey: string): string {
  return `${context.schema.version}|${cacheKey}`
}

function fromCache(
  context: ReadContext,
  cacheKey: string,
  segment: Segment,
  visible: VisibleRows,
): MatchedRows | null {
  const key = cacheKeyOf(context, cacheKey)
  const { filterCache } = context
  const match = filterCache.matchOf(segment.id, key, visible.bits)
  if (match !== null) return match
  const found = filterCache.get(segment.id, key)
  if (found === undefined) return null
  const fresh = intersect(found.bits, visible)
  filterCache.setMatch(segment.id, key, visible.bits, fresh)
  return fresh
}

/** Rows that are visible and in `bits`; `bits` is left as it is. */
function intersect(bits: Uint32Array, visible: VisibleRows): MatchedRows {
  const both = bits.slice()
  andInto(both, visible.bits)
  return { bits: both, count: countBits(both), rows: null }
}

/** Evaluates the filter over the whole segment, in slices. `root`: the plan's, or one with parts answered. */
async function evaluateAll(
  question: RowQuestion,
  segment: Segment,
  visible: VisibleRows,
  turn: Turn,
  root: Runnable,
): Promise<MatchedRows> {
  const { context, plan } = question
  // Rows appended meanwhile are beyond the snapshot's tick anyway.
  const rowCount = segment.rowCount
  const bits = newBits(rowCount)
  const most = rowsPerStep(plan.root, SLICE_ROWS)
  for (
    let from = 0, step = Math.min(FIRST_SLICE_ROWS, most);
    from < rowCount;
    step = Math.min(step * 2, most)
  ) {
    if (turn.due()) await turn.next()
    const to = Math.min(from + step, rowCount)
    evaluateFilter({ root }, segment, from, to, bits)
    from = to
  }
  if (segment.kind === 'sealed' && plan.cacheKey !== null) {
    const key = cacheKeyOf(context, plan.cacheKey)
    context.filterCache.set(segment.id, key, bits)
    const match = intersect(bits, visible)
    context.filterCache.setMatch(segment.id, key, visible.bits, match)
    return match
  }
  andInto(bits, visible.bits)
  return { bits, count: countBits(bits), rows: null }
}

/** The filter is nothing but a list of primary keys: looks them up; a long list in slices. */
function matchKeys(
  question: RowQuestion,
  segment: Segment,
  visible: VisibleRows,
  turn: Turn,
): MatchedRows | Promise<MatchedRows> {
  const { pkCount } = question.plan
  if (pkCount !== null && pkCount > SLICE_KEYS) return matchManyKeys(question, segment, visible, turn)
  const keys = question.plan.pkIn ?? []
  const found: number[] = []
  for (const key of keys) addVersions(question, segment, key, visible, found)
  return matchOf(segment, Int32Array.from(found).sort())
}

async function matchManyKeys(
  question: RowQuestion,
  segment: Segment,
  visible: VisibleRows,
  turn: Turn,
): Promise<MatchedRows> {
  const { plan } = question
  if (plan.pkList !== null) await prepareKeys(plan.pkList, turn)
  const keys = plan.pkIn ?? []
  const found: number[] = []
  for (let from = 0; from < keys.length; from += SLICE_KEYS) {
    if (turn.due()) await turn.next()
    const to = Math.min(from + SLICE_KEYS, keys.length)
    for (let i = from; i < to; i++) addVersions(question, segment, keys[i]!, visible, found)
  }
  return matchOf(segment, Int32Array.from(found).sort())
}

/** Adds the visible rows with this key. */
function addVersions(
  question: RowQuestion,
  segment: Segment,
  key: PkKey,
  visible: VisibleRows,
  out: number[],
): void {
  const { partitions } = question.context
  const newest = segment.findPk(key, question.tick, partitions)
  if (newest < 0) return
  if (segment.sortedByPk) {
    // Versions of one key are neighbours, by rising tick.
    for (let row = newest; row >= 0 && (row === newest || segment.comparePk(row, newest) === 0); row--) {
      if (isSet(visible.bits, row)) out.push(row)
    }
    return
  }
  // Each step asks for the newest row before the last one found, so the ticks fall until none is left.
  for (let row = newest; row >= 0; row = segment.findPk(key, segment.tickOf(row) - 1, partitions)) {
    if (isSet(visible.bits, row)) out.push(row)
  }
}

function isSet(bits: Uint32Array, row: number): boolean {
  const word = row >>> 5
  return word < bits.length && ((bits[word]! >>> (row & 31)) & 1) === 1
}
