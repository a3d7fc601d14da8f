/**
 * Struct arrays as bytes: one row of an ArrayOfStruct column holds every sub-field of all of its elements.
 *
 *     | element count u32 | part of sub-field 0 | part of sub-field 1 | …      little-endian
 *     part:  | byte length u32 | content |
 *     content of a scalar sub-field: a packed array (array-codec.ts), its own element count included
 *     content of a vector sub-field: the vectors, raw and end to end
 *
 * The one idea: a struct is one column, so that a row's elements are written, replaced, nulled and moved as one unit by
 * everything that knows variable columns; whoever needs one sub-field takes it out as a column of its own.
 * Invariants: parts stand in the order of `field.fields`; all parts of a row have as many elements as its count; a null
 * row has no bytes, the empty array has parts of no elements.
 */
import { assert } from '../base/assert.js'
import { invalid } from '../base/errors.js'
import { arrayLength, heapView } from './array-codec.js'
import { ByteSink } from './byte-sink.js'
import { type CollectionSchema, type FieldSchema, fieldIndex } from './collection-schema.js'
import { type Column, type FixedColumn, isValid, type VarColumn } from './column.js'
import { DataType, ELEMENT_BYTES, fixedArrayOver, layoutOf } from './data-type.js'

/** Sub-fields of a struct array field. */
export function subFieldsOf(field: FieldSchema): readonly FieldSchema[] {
  assert(field.fields !== undefined, `${field.name} is a struct array`)
  return field.fields
}

/** A sub-field as a field of its own: one element per row. */
export function elementField(sub: FieldSchema): FieldSchema {
  return { ...sub, dataType: sub.elementType, elementType: DataType.None, maxCapacity: 0 }
}

/** The sub-field that a name `struct[sub]` means: positions of the struct in the schema and of the part in it. */
export function structSubField(
  schema: CollectionSchema,
  name: string,
): { readonly struct: number; readonly part: number; readonly sub: FieldSchema } | null {
  const match = /^(\w+)\[(\w+)\]$/.exec(name)
  if (match === null) return null
  const struct = fieldIndex(schema, match[1]!)
  const part = schema.fields[struct]?.fields?.findIndex(sub => sub.name === match[2]) ?? -1
  return part < 0 ? null : { struct, part, sub: schema.fields[struct]!.fields![part]! }
}

/** Bytes of one vector of an ArrayOfVector sub-field. */
export function vectorBytes(sub: FieldSchema): number {
  const layout = layoutOf(sub.elementType, sub.dim)
  assert(layout.layout === 'fixed', 'vectors of a struct are dense')
  return layout.width * ELEMENT_BYTES[layout.kind]
}

/** Offset of the content of part `k` of the row that starts at `from`; its length stands in the four bytes before. */
export function seekPart(view: DataView, from: number, k: number): number {
  let at = from + 4
  for (let i = 0; i < k; i++) at += 4 + view.getUint32(at, true)
  return at + 4
}

/**
 * One sub-field of every row: packed arrays for a scalar, raw vectors for a vector sub-field; nulls as the struct's.
 */
export function subColumn(column: VarColumn, rowCount: number, k: number): VarColumn {
  const { heap, offsets } = column
  const view = heapView(heap)
  const sink = new ByteSink(rowCount)
  for (let row = 0; row < rowCount; row++) {
    if (offsets[row + 1]! > offsets[row]!) {
      const at = seekPart(view, offsets[row]!, k)
      sink.bytes(heap, at, at + view.getUint32(at - 4, true))
    }
    sink.endRow(row)
  }
  return sink.finish(column.validity)
}

/** Elements of a row of a sub-field's column. */
function elementCount(sub: FieldSchema, view: DataView, from: number, to: number): number {
  return sub.dataType === DataType.Array ? arrayLength(view, from, to) : (to - from) / vectorBytes(sub)
}

/**
 * The struct column that some sub-field columns make.
 * @param parts one column per sub-field, `rowCount` rows each; what they hold at null rows does not matter
 * @throws MilvusError ParameterInvalid `inconsistent array length in struct field`
 */
export function joinSubColumns(
  field: FieldSchema,
  parts: readonly VarColumn[],
  rowCount: number,
  validity: Uint32Array | null,
): VarColumn {
  const subs = subFieldsOf(field)
  const views = parts.map(part => heapView(part.heap))
  const sink = new ByteSink(rowCount)
  for (let row = 0; row < rowCount; row++) {
    if (isValid({ layout: 'var', offsets: parts[0]!.offsets, heap: parts[0]!.heap, validity }, row)) {
      const first = elementCount(subs[0]!, views[0]!, parts[0]!.offsets[row]!, parts[0]!.offsets[row + 1]!)
      sink.u32(first)
      for (let k = 0; k < subs.length; k++) {
        const [from, to] = [parts[k]!.offsets[row]!, parts[k]!.offsets[row + 1]!]
        const count = elementCount(subs[k]!, views[k]!, from, to)
        if (count !== first) {
          throw invalid(
            `inconsistent array length in struct field ${field.name}, row ${row}: sub-field ${subs[0]!.name} has ${first} elements, ${subs[k]!.name} has ${count}`,
          )
        }
        writePart(sink, subs[k]!, parts[k]!.heap, from, to)
      }
    }
    sink.endRow(row)
  }
  return sink.finish(validity)
}

function writePart(sink: ByteSink, sub: FieldSchema, heap: Uint8Array, from: number, to: number): void {
  // An empty slice is an empty array, which as a packed array still says so.
  if (sub.dataType === DataType.Array && to === from) {
    sink.u32(4)
    sink.u32(0)
    return
  }
  sink.u32(to - from)
  sink.bytes(heap, from, to)
}

/** The vectors in heap[from .. to) as a column with one vector per row. */
export function vectorElements(sub: FieldSchema, heap: Uint8Array, from: number, to: number): FixedColumn {
  const layout = layoutOf(sub.elementType, sub.dim)
  assert(layout.layout === 'fixed', 'vectors of a struct are dense')
  // Copied, so that the numbers are aligned.
  const bytes = heap.slice(from, to)
  const length = bytes.length / ELEMENT_BYTES[layout.kind]
  const values = fixedArrayOver(layout.kind, bytes.buffer, bytes.byteOffset, length)
  return { layout: 'fixed', width: layout.width, values, validity: null }
}

/** The raw vectors of a column with one vector per row, as bytes. */
export function vectorHeap(column: Column): Uint8Array {
  assert(column.layout === 'fixed', 'vectors of a struct are dense')
  const { values } = column
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
