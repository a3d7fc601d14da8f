/**
 * Seeded random columns of every type, biased to nasty values: empty text, extremes, NaN, nulls next to word borders.
 */
import { newBits, setBit } from '../../lib/base/bitset.js'
import type { FieldSchema } from '../../lib/schema/collection-schema.js'
import { type Column, isValid } from '../../lib/schema/column.js'
import { DataType, layoutOf, newFixedArray } from '../../lib/schema/data-type.js'
import type { Rng } from './rng.js'

/** Every type that has a column of its own. */
export const COLUMN_TYPES: readonly DataType[] = Object.values(DataType).filter(
  type => type !== DataType.None && type !== DataType.Struct,
)

/** A field with this type, complete. */
export function testField(id: number, dataType: DataType, dim = 0): FieldSchema {
  return {
    id,
    name: `field_${id}`,
    description: '',
    dataType,
    primaryKey: false,
    autoId: false,
    nullable: true,
    partitionKey: false,
    clusteringKey: false,
    dynamic: false,
    functionOutput: false,
    dim,
    maxLength: dataType === DataType.VarChar ? 65_535 : 0,
    maxCapacity: dataType === DataType.Array ? 16 : 0,
    elementType: dataType === DataType.Array ? DataType.Int32 : DataType.None,
    params: {},
  }
}

const NASTY_BYTES = [0, 1, 0x7f, 0x80, 0xff]

/** Random bytes as values: what a codec must keep is bytes, whatever they mean. */
export function randomColumn(
  r: Rng,
  type: DataType,
  dim: number,
  rowCount: number,
  nullable: boolean,
): Column {
  const validity = nullable ? newBits(rowCount) : null
  if (validity !== null) for (let row = 0; row < rowCount; row++) if (r.chance(0.7)) setBit(validity, row)
  const layout = layoutOf(type, dim)
  if (layout.layout === 'fixed') {
    const values = newFixedArray(layout.kind, rowCount * layout.width)
    const bytes = new Uint8Array(values.buffer)
    for (let i = 0; i < bytes.length; i++) bytes[i] = r.chance(0.3) ? r.pick(NASTY_BYTES) : r.int(256)
    const column = { layout: 'fixed', width: layout.width, values, validity } as const
    for (let row = 0; row < rowCount; row++) {
      if (!isValid(column, row)) values.fill(0, row * layout.width, (row + 1) * layout.width)
    }
    return column
  }
  const offsets = new Uint32Array(rowCount + 1)
  for (let row = 0; row < rowCount; row++) {
    const isNull = validity !== null && ((validity[row >>> 5]! >>> (row & 31)) & 1) === 0
    offsets[row + 1] = offsets[row]! + (isNull || r.chance(0.2) ? 0 : r.int(40))
  }
  const heap = new Uint8Array(offsets[rowCount]!)
  for (let i = 0; i < heap.length; i++) heap[i] = r.int(256)
  return { layout: 'var', offsets, heap, validity }
}

/** Rows `from` to `to` of a column, as plain byte strings (null for null rows): the oracle for codecs. */
export function rowsOf(column: Column, from: number, to: number): (string | null)[] {
  const rows: (string | null)[] = []
  for (let row = from; row < to; row++) rows.push(isValid(column, row) ? rowBytes(column, row) : null)
  return rows
}

function rowBytes(column: Column, row: number): string {
  if (column.layout === 'var') {
    return Buffer.from(column.heap.subarray(column.offsets[row]!, column.offsets[row + 1]!)).toString('hex')
  }
  const { values, width } = column
  const size = values.BYTES_PER_ELEMENT
  return Buffer.from(values.buffer, values.byteOffset + row * width * size, width * size).toString('hex')
}
