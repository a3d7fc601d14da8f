/**
 * Rows for tests of everything that stores columns: every column type, random bytes, and a plain model of what they are.
 *
 * What a stored value *means* does not matter to flush and compaction, so a value is compared as its bytes: `cellOf`
 * gives the hex text of one row of one column, or `null`. A model row is such a text per field id plus tick, partition
 * and delete tick; the expected contents of a segment are computed from a list of them by sorting and filtering.
 */
import { newBits, setBit } from '../../lib/base/bitset.js'
import type { FieldSchema, ScalarValue } from '../../lib/schema/collection-schema.js'
import { type Column, isValid } from '../../lib/schema/column.js'
import { DataType, layoutOf, newFixedArray } from '../../lib/schema/data-type.js'
import type { SegmentMeta } from '../../lib/segment/segment-meta.js'
import { readColumn, readSystemColumns } from '../../lib/segment/segment-reader.js'
import type { Store } from '../../lib/store/store.js'
import type { Rng } from './rng.js'

/** Every type that has a column of its own. */
export const COLUMN_TYPES: readonly DataType[] = [
  DataType.Bool,
  DataType.Int8,
  DataType.Int16,
  DataType.Int32,
  DataType.Int64,
  DataType.Float,
  DataType.Double,
  DataType.VarChar,
  DataType.Array,
  DataType.JSON,
  DataType.Geometry,
  DataType.Text,
  DataType.Timestamptz,
  DataType.BinaryVector,
  DataType.FloatVector,
  DataType.Float16Vector,
  DataType.BFloat16Vector,
  DataType.SparseFloatVector,
  DataType.Int8Vector,
]

/** A field with everything at its default. */
export function fieldOf(
  id: number,
  dataType: DataType,
  more: { dim?: number; nullable?: boolean; defaultValue?: ScalarValue; primaryKey?: boolean } = {},
): FieldSchema {
  return {
    id,
    name: `f${id}`,
    description: '',
    dataType,
    primaryKey: more.primaryKey ?? false,
    autoId: false,
    nullable: more.nullable ?? false,
    ...(more.defaultValue === undefined ? {} : { defaultValue: more.defaultValue }),
    partitionKey: false,
    clusteringKey: false,
    dynamic: false,
    functionOutput: false,
    dim: more.dim ?? 0,
    maxLength: 65_535,
    maxCapacity: 16,
    elementType: DataType.None,
    params: {},
  }
}

export interface ColumnOptions {
  /** Share of null rows. Default 0. */
  readonly nulls?: number
  /** Greatest byte length of a variable value. Default 20. */
  readonly bytesMax?: number
  /** In SharedArrayBuffers. Default false. */
  readonly shared?: boolean
  /** Rows of room beyond `rowCount`. Default 0. */
  readonly spare?: number
}

/** A column of random bytes. */
export function randomColumn(
  field: FieldSchema,
  rowCount: number,
  random: Rng,
  options: ColumnOptions = {},
): Column {
  const { nulls = 0, bytesMax = 20, shared = false, spare = 0 } = options
  const room = rowCount + spare
  const validity = nulls > 0 ? newBits(room) : null
  for (let row = 0; row < rowCount && validity !== null; row++)
    if (!random.chance(nulls)) setBit(validity, row)
  const layout = layoutOf(field.dataType, field.dim)
  if (layout.layout === 'fixed') {
    const values = newFixedArray(layout.kind, room * layout.width, shared)
    const bytes = new Uint8Array(values.buffer)
    fillRandom(bytes, random)
    // No infinities and NaNs: copying a signalling NaN as a number may turn it into a quiet one.
    const size = layout.kind === 'f32' || layout.kind === 'f64' ? values.BYTES_PER_ELEMENT : 0
    for (let at = size - 1; size > 0 && at < bytes.length; at += size) bytes[at]! &= 0xbf
    if (validity !== null) {
      for (let row = 0; row < rowCount; row++) {
        if (!bitOf(validity, row)) values.fill(0, row * layout.width, (row + 1) * layout.width)
      }
    }
    return { layout: 'fixed', width: layout.width, values, validity }
  }
  const offsets = new Uint32Array(room + 1)
  for (let row = 0; row < rowCount; row++) {
    const length = validity !== null && !bitOf(validity, row) ? 0 : random.int(bytesMax + 1)
    offsets[row + 1] = offsets[row]! + length
  }
  const size = offsets[rowCount]! + spare
  const heap = new Uint8Array(shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size))
  fillRandom(heap, random)
  return { layout: 'var', offsets, heap, validity }
}

/** xorshift32, seeded from the generator: columns have millions of bytes. */
function fillRandom(bytes: Uint8Array, random: Rng): void {
  let state = 1 + random.int(0xffff_fffe)
  for (let i = 0; i < bytes.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
}

function bitOf(bits: Uint32Array, i: number): boolean {
  return ((bits[i >>> 5]! >>> (i & 31)) & 1) === 1
}

/** An Int64 column of these values. */
export function int64Column(values: readonly (number | bigint)[]): Column {
  const words = new Int32Array(values.length * 2)
  const view = new DataView(words.buffer)
  for (let i = 0; i < values.length; i++) view.setBigInt64(i * 8, BigInt(values[i]!), true)
  return { layout: 'fixed', width: 2, values: words, validity: null }
}

/** A column of these texts. */
export function textColumn(values: readonly string[]): Column {
  const parts = values.map(value => Buffer.from(value, 'utf8'))
  const offsets = new Uint32Array(values.length + 1)
  for (let i = 0; i < parts.length; i++) offsets[i + 1] = offsets[i]! + parts[i]!.length
  return { layout: 'var', offsets, heap: new Uint8Array(Buffer.concat(parts)), validity: null }
}

/** Bytes of one value in hex, or null. */
export function cellOf(column: Column, row: number): string | null {
  if (!isValid(column, row)) return null
  if (column.layout === 'var') {
    return Buffer.from(column.heap.subarray(column.offsets[row]!, column.offsets[row + 1]!)).toString('hex')
  }
  const { values, width } = column
  const size = width * values.BYTES_PER_ELEMENT
  return Buffer.from(values.buffer, values.byteOffset + row * size, size).toString('hex')
}

/** All values of a column. */
export function cellsOf(column: Column, rowCount: number): (string | null)[] {
  return Array.from({ length: rowCount }, (_, row) => cellOf(column, row))
}

export interface ModelRow {
  readonly cells: ReadonlyMap<number, string | null>
  readonly tick: number
  readonly partition: number
  /** 0 = alive. */
  readonly deletedAt: number
}

/** Order of two rows by key bytes and tick. Int64 keys are little-endian words, so they are compared as numbers. */
export function compareModel(pk: FieldSchema, a: ModelRow, b: ModelRow): number {
  const left = Buffer.from(a.cells.get(pk.id)!, 'hex')
  const right = Buffer.from(b.cells.get(pk.id)!, 'hex')
  if (pk.dataType !== DataType.Int64) return Buffer.compare(left, right) || a.tick - b.tick
  const l = left.readBigInt64LE()
  const r = right.readBigInt64LE()
  return l < r ? -1 : l > r ? 1 : a.tick - b.tick
}

/** Everything a stored segment holds, in stored order. */
export async function readModel(
  store: Store,
  meta: SegmentMeta,
  fields: readonly FieldSchema[],
): Promise<ModelRow[]> {
  const columns = new Map<number, Column>()
  for (const field of fields) columns.set(field.id, await readColumn(store, meta, field))
  const { ticks, partitionIds, deletes } = await readSystemColumns(store, meta)
  const deletedAt = new Map<number, number>()
  for (let i = 0; i < deletes.rows.length; i++) deletedAt.set(deletes.rows[i]!, deletes.ticks[i]!)
  return Array.from({ length: meta.rowCount }, (_, row) => ({
    cells: new Map([...columns].map(([id, column]) => [id, cellOf(column, row)])),
    tick: ticks[row]!,
    partition: partitionIds[row]!,
    deletedAt: deletedAt.get(row) ?? 0,
  }))
}

/** Number of keys in the store. */
export async function countKeys(store: Store): Promise<number> {
  let count = 0
  const range = { gte: new Uint8Array(0), lt: new Uint8Array(20).fill(0xff) }
  for await (const block of store.scan(range)) count += block.length
  return count
}
