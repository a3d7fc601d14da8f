/**
 * Columns: how rows are held from the moment they are validated until they are on disk.
 *
 * Two layouts serve every type. *Fixed*: `width` elements per row in one typed array. *Var*: row `i` is
 * `heap[offsets[i] .. offsets[i+1])`. What the heap bytes mean:
 *
 *   VarChar, Text            UTF-8 text
 *   Geometry                 canonical WKT (wkt.ts), ASCII
 *   JSON                     UTF-8 JSON text
 *   SparseFloatVector        (u32 index, f32 value) pairs, little-endian, indices rising
 *   Array                    u32 element count, then the elements, little-endian and packed: Bool/Int8 1 byte,
 *                            Int16 2, Int32 4, Int64 8, Float 4, Double 8; VarChar: u32 byte length + UTF-8 each
 *   ArrayOfStruct            the element count and one part per sub-field (picture in struct-codec.ts)
 *
 * Null rows keep a zero (fixed) or empty (var) placeholder, so row numbers address every column alike.
 * A column may have room for more rows than `rowCount`; nothing beyond `rowCount` is meaningful.
 */
import { getBit } from '../base/bitset.js'
import type { FixedArray } from './data-type.js'

export interface FixedColumn {
  readonly layout: 'fixed'
  /** Elements per row: 1; 2 for Int64 and Timestamptz (low, high word); `dim` for dense vectors; dim/8 for binary. */
  readonly width: number
  readonly values: FixedArray
  /** Bit set = row has a value; null = no row is null. */
  readonly validity: Uint32Array | null
}

export interface VarColumn {
  readonly layout: 'var'
  /** rowCount + 1 offsets into `heap` (or more, see above); offsets[0] is 0. */
  readonly offsets: Uint32Array
  readonly heap: Uint8Array
  readonly validity: Uint32Array | null
}

export type Column = FixedColumn | VarColumn

/** Rows of one request or one segment, as columns in the order of the schema's fields. */
export interface ColumnBatch {
  readonly rowCount: number
  /** One entry per schema field; null where the request did not carry the field. */
  readonly columns: readonly (Column | null)[]
}

/** False when the row holds a null. */
export function isValid(column: Column, row: number): boolean {
  return column.validity === null || getBit(column.validity, row)
}
