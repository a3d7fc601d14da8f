/**
 * Turns found rows back into what the caller sees: one object per row, with the output fields asked for.
 *
 * Columns that are in memory are read in place; the others are gathered, only for the rows that are returned. When
 * nothing has to be gathered and the result is small, the whole step stays synchronous, which is what makes a `get` of
 * one row cheap.
 */
import { assert } from '../base/assert.js'
import { MilvusError } from '../base/errors.js'
import type { Turn } from '../base/turn.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { valueAt } from '../schema/column-ops.js'
import type { Int64As } from '../schema/int64.js'
import type { TimeForm } from '../schema/timestamptz.js'
import type { Segment } from '../segment/segment.js'
import type { OutputPlan } from './plan.js'
import type { ReadContext, Row } from './request.js'

/** Rows whose columns are found, or gathered, together. */
const BLOCK_ROWS = 512
/** Rows built between two looks at the clock: few, as a row may hold a vector of 32,768 dimensions. */
const LOOK_ROWS = 16

/** Found rows in result order: row `rows[i]` of segment `segments[segmentOf[i]]`. */
export interface RowRefs {
  readonly segments: readonly Segment[]
  readonly segmentOf: ArrayLike<number>
  readonly rows: ArrayLike<number>
  readonly count: number
}

/** What a row object is built with. */
export interface Projection {
  readonly schema: CollectionSchema
  readonly output: OutputPlan
  readonly int64As: Int64As
  /** Form of Timestamptz values; ISO text in UTC when absent. */
  readonly times?: TimeForm | undefined
  /** Stored bytes of all values together that a result may have; default no limit. */
  readonly bytesMax?: number
}

/** The projection of a read. */
export function projectionOf(
  { schema, int64As, times }: Pick<ReadContext, 'schema' | 'int64As' | 'times'>,
  output: OutputPlan,
  bytesMax?: number,
): Projection {
  return bytesMax === undefined
    ? { schema, output, int64As, times }
    : { schema, output, int64As, times, bytesMax }
}

/** Rows of a result, in order; a promise only when columns must be read or the result is long. */
export function projectRows(projection: Projection, refs: RowRefs, turn: Turn): Row[] | Promise<Row[]> {
  const result: Building = {
    out: new Array(refs.count),
    count: 0,
    bytes: 0,
    empty: emptyRowOf(projection.output),
  }
  if (refs.count > BLOCK_ROWS) return projectBlocks(projection, refs, turn.shorter(), result)
  const opened = openBlocks(projection, refs, 0, refs.count)
  if (opened instanceof Promise)
    return opened.then(blocks => buildFew(projection, refs, blocks, result, turn))
  return buildFew(projection, refs, opened, result, turn)
}

/** The rows of a result of one block. */
function buildFew(
  projection: Projection,
  refs: RowRefs,
  blocks: Blocks,
  result: Building,
  turn: Turn,
): Row[] | Promise<Row[]> {
  if (buildRows(projection, refs, refs.count, blocks, result, turn) === refs.count) return result.out
  return buildOthers(projection, refs, refs.count, blocks, result, turn).then(() => result.out)
}

/** What is built, and the stored bytes of its values. */
interface Building {
  /** All rows of the result, from the beginning: of its full length before the first row is there. */
  readonly out: Row[]
  /** Rows built. */
  count: number
  bytes: number
  /** What rows are copies of. */
  readonly empty: Row
}

/** An ordinary object without room for keys: what a hit without output fields has. `{}` has room for four. */
const Bare = plainConstructor()

function plainConstructor(): new () => Row {
  function Plain(): void {}
  Plain.prototype = Object.prototype
  return Plain as unknown as new () => Row
}

const emptyRows = new WeakMap<OutputPlan, Row>()

/**
 * A row with all its keys and no values. A copy of it has exactly the room that the keys need, as what comes out of
 * `JSON.parse` has: a `{}` that gets one key after the other has room for four, and a list beside it for more, which
 * for rows of few or many fields is half of what the garbage collector has to move.
 */
function emptyRowOf(output: OutputPlan): Row {
  let row = emptyRows.get(output)
  if (row === undefined) {
    row = JSON.parse(`{${output.names.map(name => `${JSON.stringify(name)}:null`).join()}}`) as Row
    emptyRows.set(output, row)
  }
  return row
}

async function projectBlocks(
  projection: Projection,
  refs: RowRefs,
  turn: Turn,
  result: Building,
): Promise<Row[]> {
  for (let from = 0; from < refs.count; from += BLOCK_ROWS) {
    const to = Math.min(from + BLOCK_ROWS, refs.count)
    if (turn.due()) await turn.next()
    const opening = openBlocks(projection, refs, from, to)
    const blocks = opening instanceof Promise ? await opening : opening
    if (turn.due()) await turn.next()
    if (buildRows(projection, refs, to, blocks, result, turn) < to)
      await buildOthers(projection, refs, to, blocks, result, turn)
  }
  return result.out
}

/** Builds up to row `to`, with a turn of the event loop whenever one is due. */
async function buildOthers(
  projection: Projection,
  refs: RowRefs,
  to: number,
  blocks: Blocks,
  result: Building,
  turn: Turn,
): Promise<void> {
  do await turn.next()
  while (buildRows(projection, refs, to, blocks, result, turn) < to)
}

/** Columns of one segment for a block; `gathered[i]` = column i is addressed by place in `asked`, else by row. */
interface BlockColumns {
  readonly columns: Column[]
  readonly gathered: boolean[]
  /** Rows of this segment in the block, in result order. */
  readonly asked: Int32Array
  /** Next place in `asked`. */
  place: number
}

/** One entry for each segment that has rows in the block. */
type Blocks = readonly (BlockColumns | undefined)[]

/** Finds the columns for rows [from, to); a promise when some must be gathered. */
function openBlocks(
  projection: Projection,
  refs: RowRefs,
  from: number,
  to: number,
): Blocks | Promise<Blocks> {
  const { fields } = projection.output
  const blocks: (BlockColumns | undefined)[] = new Array(refs.segments.length)
  const pending: Promise<void>[] = []
  for (let i = from; i < to; i++) {
    const s = refs.segmentOf[i]!
    if (blocks[s] !== undefined) continue
    const reading = openBlock(refs, s, from, to, fields, blocks)
    if (reading !== undefined) pending.push(reading)
  }
  return pending.length === 0 ? blocks : Promise.all(pending).then(() => blocks)
}

/** Finds the columns of segment `s` for a block; a promise when some must be gathered. */
function openBlock(
  refs: RowRefs,
  s: number,
  from: number,
  to: number,
  fields: readonly number[],
  blocks: (BlockColumns | undefined)[],
): Promise<void> | undefined {
  const segment = refs.segments[s]!
  const columns: Column[] = new Array(fields.length)
  const gathered: boolean[] = new Array(fields.length).fill(false)
  const missing: number[] = []
  for (let i = 0; i < fields.length; i++) {
    if (segment.isResident(fields[i]!)) columns[i] = segment.column(fields[i]!)
    else {
      gathered[i] = true
      missing.push(i)
    }
  }
  if (missing.length === 0) {
    blocks[s] = { columns, gathered, asked: NO_ROWS, place: 0 }
    return undefined
  }
  const asked = rowsOfSegment(refs, s, from, to)
  blocks[s] = { columns, gathered, asked, place: 0 }
  const read = segment.gather(
    missing.map(i => fields[i]!),
    asked,
  )
  const take = (found: Column[]): void => {
    for (let i = 0; i < missing.length; i++) columns[missing[i]!] = found[i]!
  }
  if (Array.isArray(read)) {
    take(read)
    return undefined
  }
  return read.then(take)
}

const NO_ROWS = new Int32Array(0)

function rowsOfSegment(refs: RowRefs, s: number, from: number, to: number): Int32Array {
  let count = 0
  for (let i = from; i < to; i++) if (refs.segmentOf[i] === s) count++
  const rows = new Int32Array(count)
  let n = 0
  for (let i = from; i < to; i++) if (refs.segmentOf[i] === s) rows[n++] = refs.rows[i]!
  return rows
}

/**
 * Appends rows to the result, from the first one that is missing up to row `to`, or until a turn is due: rows may be
 * wide. Stored bytes are counted only when there is a limit.
 * @returns the rows there are now
 */
function buildRows(
  projection: Projection,
  refs: RowRefs,
  to: number,
  blocks: Blocks,
  result: Building,
  turn: Turn,
): number {
  const { out, empty } = result
  const bytesMax = projection.bytesMax ?? Number.POSITIVE_INFINITY
  for (let i = result.count; i < to; i++) {
    const block = blocks[refs.segmentOf[i]!]
    assert(block !== undefined, 'every segment of a block was opened')
    const row = refs.rows[i]!
    const place = block.place++
    out[i] = buildRow(projection, empty, block, row, place)
    result.count = i + 1
    if (projection.bytesMax !== undefined) result.bytes += storedBytes(block, row, place)
    if (result.count % LOOK_ROWS !== 0) continue
    if (result.bytes > bytesMax) break
    if (turn.due()) return result.count
  }
  if (result.bytes > bytesMax) {
    throw new MilvusError('ParameterTooLarge', `query results exceed the maxOutputSize Limit ${bytesMax}`)
  }
  return result.count
}

function storedBytes({ columns, gathered }: BlockColumns, row: number, place: number): number {
  let bytes = 0
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!
    const at = gathered[i]! ? place : row
    bytes +=
      column.layout === 'fixed'
        ? column.width * column.values.BYTES_PER_ELEMENT
        : column.offsets[at + 1]! - column.offsets[at]!
  }
  return bytes
}

function buildRow(
  { schema, output, int64As, times }: Projection,
  empty: Row,
  { columns, gathered }: BlockColumns,
  row: number,
  place: number,
): Row {
  const { slots, names, fields, metaSlot } = output
  if (fields.length === 0) return new Bare()
  const out: Row = { ...empty }
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!
    const at = gathered[slot]! ? place : row
    out[names[i]!] = valueAt(schema.fields[fields[slot]!]!, columns[slot]!, at, int64As, times)
  }
  if (output.subFields !== null) keepSubFields(output, out)
  if (metaSlot >= 0) {
    const at = gathered[metaSlot]! ? place : row
    const column = columns[metaSlot]!
    if (!isBare(column, at)) {
      const meta = valueAt(schema.fields[fields[metaSlot]!]!, column, at, int64As)
      if (typeof meta === 'object' && meta !== null) addDynamic(output, meta as Row, out)
    }
  }
  return out
}

/** True when a row has no dynamic keys, as the text `{}` says without being parsed. */
function isBare(column: Column, row: number): boolean {
  return column.layout === 'var' && column.offsets[row + 1]! - column.offsets[row]! <= 2
}

/** Leaves in the elements of struct arrays what was asked for. */
function keepSubFields({ subFields, fields, slots, names }: OutputPlan, out: Row): void {
  for (let i = 0; i < slots.length; i++) {
    const kept = subFields?.get(fields[slots[i]!]!)
    const elements = out[names[i]!] as readonly Row[] | null
    if (kept === undefined || elements === null) continue
    out[names[i]!] = elements.map(e => Object.fromEntries(Object.entries(e).filter(([key]) => kept.has(key))))
  }
}

/** Puts dynamic keys beside the declared fields; a declared field of the same name (added later) wins. */
function addDynamic(output: OutputPlan, meta: Row, out: Row): void {
  if (output.metaSpread) {
    for (const key of Object.keys(meta)) if (!Object.hasOwn(out, key)) setKey(out, key, meta[key])
    return
  }
  for (const key of output.metaKeys) {
    if (Object.hasOwn(meta, key) && !Object.hasOwn(out, key)) setKey(out, key, meta[key])
  }
}

/** Plain assignment, except for the one key that would change the object's prototype. */
function setKey(row: Row, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(row, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    row[key] = value
  }
}
