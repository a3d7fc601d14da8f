/**
 * Geometry columns parsed once: what the predicates read instead of text.
 *
 * Per row a class and a bounding box; a point's box is the point itself, so a scan over points never parses twice and
 * never builds an object. Shapes other than points are kept as the library's geometries, up to a number of bytes of
 * text. All of it hangs on the column object and goes away with it. A growing column is the same object until its
 * arrays are replaced and only gains rows: rows are parsed the first time they are asked for.
 */
import type { VarColumn } from '../schema/column.js'
import { readUtf8 } from '../schema/utf8.js'
import { parseWkt, type Shape, strideOf } from '../schema/wkt.js'
import { type Geometry, geometryOf } from './geometry-library.js'

/** What a row holds; `Unread` comes first because fresh arrays are zeros. */
export const RowClass = { Unread: 0, Empty: 1, Point: 2, Other: 3 } as const

/** Bytes of WKT whose geometries are kept per column; beyond that they are parsed again when asked for. */
const KEPT_BYTES_MAX = 8 * 1024 * 1024

/** minX, minY, maxX, maxY; all infinite (inverted) for an empty geometry. */
export type Box = readonly [minX: number, minY: number, maxX: number, maxY: number]

export class GeometryRows {
  /** RowClass per row. */
  readonly classes: Uint8Array
  /** Four numbers per row, as in Box. */
  readonly boxes: Float64Array
  readonly #column: VarColumn
  readonly #kept = new Map<number, Geometry>()
  #keptBytes = 0

  constructor(column: VarColumn) {
    const rows = column.offsets.length - 1
    this.#column = column
    this.classes = new Uint8Array(rows)
    this.boxes = new Float64Array(rows * 4)
  }

  /** Makes class and box of a row readable. The row holds a value. */
  read(row: number): number {
    const known = this.classes[row]!
    if (known !== RowClass.Unread) return known
    const text = this.#text(row)
    if (!this.#readPoint(row, text)) {
      const shape = parseWkt(text)
      const box = boxOf(shape)
      for (let i = 0; i < 4; i++) this.boxes[4 * row + i] = box[i]!
      this.classes[row] =
        box[0] > box[2] ? RowClass.Empty : shape.kind === 'POINT' ? RowClass.Point : RowClass.Other
    }
    return this.classes[row]!
  }

  /** `POINT (x y)`, by far the commonest value, without the parser: the text is our own, so its form is known. */
  #readPoint(row: number, text: string): boolean {
    if (!text.startsWith('POINT (')) return false
    const blank = text.indexOf(' ', 7)
    const x = Number(text.slice(7, blank))
    const y = Number(text.slice(blank + 1, -1))
    const { boxes } = this
    boxes[4 * row] = x
    boxes[4 * row + 1] = y
    boxes[4 * row + 2] = x
    boxes[4 * row + 3] = y
    this.classes[row] = RowClass.Point
    return true
  }

  #text(row: number): string {
    const { heap, offsets } = this.#column
    return readUtf8(heap, offsets[row]!, offsets[row + 1]!)
  }

  /** The geometry of a row. */
  geometry(row: number): Geometry {
    const known = this.#kept.get(row)
    if (known !== undefined) return known
    const text = this.#text(row)
    const made = geometryOf(parseWkt(text))
    if (this.#keptBytes < KEPT_BYTES_MAX) {
      this.#kept.set(row, made)
      this.#keptBytes += text.length
    }
    return made
  }
}

const rowsByColumn = new WeakMap<VarColumn, GeometryRows>()
let lastColumn: VarColumn | null = null
let lastRows: GeometryRows | null = null

/** The parsed rows of a column; asking for one column again and again costs a comparison. */
export function geometryRows(column: VarColumn): GeometryRows {
  if (column === lastColumn) return lastRows!
  let rows = rowsByColumn.get(column)
  if (rows === undefined) {
    rows = new GeometryRows(column)
    rowsByColumn.set(column, rows)
  }
  lastColumn = column
  lastRows = rows
  return rows
}

/** The bounding box of a shape. */
export function boxOf(shape: Shape): Box {
  const box: [number, number, number, number] = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]
  extend(box, shape)
  return box
}

function extend(box: [number, number, number, number], shape: Shape): void {
  const stride = strideOf(shape.layout)
  const { coordinates } = shape
  for (let i = 0; i < coordinates.length; i += stride) {
    const x = coordinates[i]!
    const y = coordinates[i + 1]!
    if (x < box[0]) box[0] = x
    if (y < box[1]) box[1] = y
    if (x > box[2]) box[2] = x
    if (y > box[3]) box[3] = y
  }
  for (const part of shape.parts) extend(box, part)
}
