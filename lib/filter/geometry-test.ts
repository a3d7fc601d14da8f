/**
 * The ST_ predicates on one row (query-search-semantics §1.16). The row is the left operand: `st_within(f, P)` asks
 * whether f lies within P.
 *
 * Boxes decide most rows without looking at a geometry. Point rows are decided by where the point lies relative to the
 * query (interior, boundary, exterior): a point has no boundary, so every relation follows from that place. Only rows
 * that are left pay for the library's relate.
 */
import type { VarColumn } from '../schema/column.js'
import type { Shape } from '../schema/wkt.js'
import {
  type Geometry,
  geometryOf,
  isValidGeometry,
  locatorOf,
  Place,
  planarDistance,
  type Relation,
  relates,
} from './geometry-library.js'
import { type Box, boxOf, geometryRows, RowClass } from './geometry-rows.js'

/** Mean radius of the Earth in metres, as Milvus takes it. */
const EARTH_RADIUS_M = 6_371_000
/** Metres of a degree of latitude, as Milvus takes it. */
const DEGREE_M = 111_320
const RADIANS = Math.PI / 180

/** A geometry predicate, made once per filter. */
export type GeometryTest =
  | {
      readonly kind: 'relation'
      readonly relation: Relation
      readonly box: Box
      /** No box: the query is an empty geometry. */
      readonly empty: boolean
      /** Highest dimension of the query's members: 0 points, 1 lines, 2 areas. */
      readonly dimension: number
      readonly geometry: Geometry
      readonly locate: (x: number, y: number) => number
    }
  | {
      readonly kind: 'near'
      readonly x: number
      readonly y: number
      readonly metres: number
      readonly geometry: Geometry
    }
  | { readonly kind: 'valid' }

/** The test of a relation to a shape. */
export function relationTest(relation: Relation, shape: Shape): GeometryTest {
  const geometry = geometryOf(shape)
  const box = boxOf(shape)
  const empty = box[0] > box[2]
  const dimension = geometry.getDimension()
  return { kind: 'relation', relation, box, empty, dimension, geometry, locate: locatorOf(shape, geometry) }
}

/** The test of a distance of at most `metres` from a point. */
export function nearTest(point: Shape, metres: number): GeometryTest {
  const [x, y] = point.coordinates
  return { kind: 'near', x: x!, y: y!, metres, geometry: geometryOf(point) }
}

/** True when the test holds for a row that has a value. */
export function testGeometry(test: GeometryTest, column: VarColumn, row: number): boolean {
  const rows = geometryRows(column)
  const rowClass = rows.read(row)
  const { boxes } = rows
  const at = 4 * row
  switch (test.kind) {
    case 'valid':
      return rowClass !== RowClass.Other || isValidGeometry(rows.geometry(row))
    case 'near':
      if (rowClass === RowClass.Empty) return false
      if (rowClass === RowClass.Point) return isNear(test, boxes[at]!, boxes[at + 1]!)
      return (
        boxDistance(boxes, at, test.x, test.y) * degreeMetres(test.y) <= test.metres &&
        planarDistance(rows.geometry(row), test.geometry) * degreeMetres(test.y) <= test.metres
      )
    case 'relation':
      if (rowClass === RowClass.Empty || test.empty) {
        return test.relation === 'equals' && rowClass === RowClass.Empty && test.empty
      }
      if (!boxesAllow(test.relation, boxes, at, test.box)) return false
      if (rowClass === RowClass.Point) return pointRelates(test, boxes[at]!, boxes[at + 1]!)
      return relates(test.relation, rows.geometry(row), test.geometry)
  }
}

/** False when the boxes alone rule the relation out. */
function boxesAllow(relation: Relation, boxes: Float64Array, at: number, query: Box): boolean {
  const minX = boxes[at]!
  const minY = boxes[at + 1]!
  const maxX = boxes[at + 2]!
  const maxY = boxes[at + 3]!
  switch (relation) {
    case 'equals':
      return minX === query[0] && minY === query[1] && maxX === query[2] && maxY === query[3]
    case 'contains':
      return minX <= query[0] && minY <= query[1] && maxX >= query[2] && maxY >= query[3]
    case 'within':
      return minX >= query[0] && minY >= query[1] && maxX <= query[2] && maxY <= query[3]
    default:
      return minX <= query[2] && minY <= query[3] && maxX >= query[0] && maxY >= query[1]
  }
}

/** The relation of a point to the query; the boxes allow it. */
function pointRelates(
  test: Extract<GeometryTest, { readonly kind: 'relation' }>,
  x: number,
  y: number,
): boolean {
  switch (test.relation) {
    case 'equals':
    case 'contains':
      // The query's box fits into the point: it is that point, if it is made of points at all.
      return test.dimension === 0
    case 'within':
      return test.locate(x, y) === Place.Interior
    case 'intersects':
      return test.locate(x, y) !== Place.Exterior
    case 'touches':
      return test.locate(x, y) === Place.Boundary
    case 'crosses':
    case 'overlaps':
      // One point has no part inside and another part outside.
      return false
  }
}

/** Haversine distance of two points given as longitude and latitude in degrees. */
function isNear(test: Extract<GeometryTest, { readonly kind: 'near' }>, x: number, y: number): boolean {
  const north = (y - test.y) * RADIANS
  // The great circle is never shorter than the difference in latitude; the margin is for rounding.
  if (Math.abs(y) <= 90 && Math.abs(test.y) <= 90 && Math.abs(north) * EARTH_RADIUS_M > test.metres + 1)
    return false
  const sinNorth = Math.sin(north / 2)
  const sinEast = Math.sin(((x - test.x) * RADIANS) / 2)
  const a = sinNorth * sinNorth + Math.cos(y * RADIANS) * Math.cos(test.y * RADIANS) * sinEast * sinEast
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(Math.max(0, a)))) <= test.metres
}

/** Metres per degree around a latitude: the root mean square of the lengths along and across the meridian. */
function degreeMetres(latitude: number): number {
  const cosine = Math.cos(latitude * RADIANS)
  return DEGREE_M * Math.sqrt((1 + cosine * cosine) / 2)
}

function boxDistance(boxes: Float64Array, at: number, x: number, y: number): number {
  const dx = Math.max(boxes[at]! - x, 0, x - boxes[at + 2]!)
  const dy = Math.max(boxes[at + 1]! - y, 0, y - boxes[at + 3]!)
  return Math.hypot(dx, dy)
}
