/**
 * Arrays of objects to struct array columns: every sub-field becomes a column by its own type's writer, then the parts
 * are joined (struct-codec.ts). Elements carry every sub-field and nothing else.
 */
import { invalid } from '../base/errors.js'
import { ByteSink } from './byte-sink.js'
import { atCell, cellError, describe } from './cell-errors.js'
import type { FieldSchema } from './collection-schema.js'
import type { VarColumn } from './column.js'
import { DataType } from './data-type.js'
import { arrayCells, type CellWriter } from './scalar-cells.js'
import { elementField, joinSubColumns, subFieldsOf, vectorHeap } from './struct-codec.js'
import { binaryVectorCells, floatVectorCells, halfVectorCells, int8VectorCells } from './vector-cells.js'

const VECTOR_WRITERS: Readonly<Partial<Record<DataType, CellWriter>>> = {
  [DataType.BinaryVector]: binaryVectorCells,
  [DataType.FloatVector]: floatVectorCells,
  [DataType.Float16Vector]: halfVectorCells,
  [DataType.BFloat16Vector]: halfVectorCells,
  [DataType.Int8Vector]: int8VectorCells,
}

export const structCells: CellWriter = (field, cells, validity, timeZone) => {
  const subs = subFieldsOf(field)
  const names = new Set(subs.map(sub => sub.name))
  for (let row = 0; row < cells.length; row++) checkElements(field, names, cells[row], row)
  const parts = subs.map(sub => {
    const values = cells.map(cell =>
      cell === undefined || cell === null ? null : (cell as Record<string, unknown>[]).map(e => e[sub.name]),
    )
    return sub.dataType === DataType.Array
      ? (arrayCells(sub, values, null, timeZone) as VarColumn)
      : vectorArrayCells(sub, values, timeZone)
  })
  return joinSubColumns(field, parts, cells.length, validity)
}

function checkElements(field: FieldSchema, names: ReadonlySet<string>, cell: unknown, row: number): void {
  if (cell === undefined || cell === null) return
  if (!Array.isArray(cell)) throw cellError(field, row, cell, 'an array of objects')
  for (let i = 0; i < cell.length; i++) {
    const element: unknown = cell[i]
    if (typeof element !== 'object' || element === null || Array.isArray(element)) {
      throw cellError(field, row, element, `an array of objects, element ${i} to be an object`)
    }
    const keys = Object.keys(element)
    for (const name of names) {
      if ((element as Record<string, unknown>)[name] !== undefined) continue
      throw invalid(
        `inconsistent sub-field data in struct: field "${field.name}" (row ${row}), element ${i} lacks ${name}`,
      )
    }
    for (const key of keys) {
      if (names.has(key) || (element as Record<string, unknown>)[key] === undefined) continue
      throw invalid(
        `inconsistent sub-field data in struct: field "${field.name}" (row ${row}), element ${i} has ${describe(key)}, which is no sub-field`,
      )
    }
  }
}

/** The raw vectors of every row, end to end. */
function vectorArrayCells(
  sub: FieldSchema,
  cells: readonly (readonly unknown[] | null)[],
  timeZone: string,
): VarColumn {
  const element = elementField(sub)
  const write = VECTOR_WRITERS[sub.elementType]!
  const sink = new ByteSink(cells.length)
  for (let row = 0; row < cells.length; row++) {
    const vectors = cells[row]
    if (vectors !== null && vectors !== undefined && vectors.length > 0) {
      try {
        if (vectors.includes(null)) throw cellError(element, vectors.indexOf(null), null)
        const bytes = vectorHeap(write(element, vectors, null, timeZone))
        sink.bytes(bytes, 0, bytes.length)
      } catch (cause) {
        throw atCell(sub, row, cause)
      }
    }
    sink.endRow(row)
  }
  return sink.finish(null)
}
