/**
 * The door to jsts, the port of JTS: planar DE-9IM predicates, distance and validity of geometries.
 *
 * Loaded on the first read of a collection that has a Geometry field and never before: it is a hundred small files, and
 * most stores have no geometries. Evaluation is synchronous, so readers wait for `filterReady` first.
 *
 * Quirks: its classes take any number of arguments in Java's overloads; overlay and relate throw on invalid topology
 * and on collections of mixed dimension, which callers treat as "does not hold", as OGR does; Z and M are ignored.
 */
import { assert } from '../base/assert.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import { DataType } from '../schema/data-type.js'
import { type Shape, strideOf } from '../schema/wkt.js'

/** Predicates on two geometries. */
export type Relation = 'equals' | 'touches' | 'overlaps' | 'crosses' | 'contains' | 'intersects' | 'within'

/** A geometry of the library; nobody else looks inside. */
export interface Geometry {
  getDimension(): number
  getNumGeometries(): number
  getGeometryN(i: number): Geometry
  isGeometryCollection(): boolean
}

/** Where a point lies relative to a geometry: the library's own numbers. */
export const Place = { Interior: 0, Boundary: 1, Exterior: 2 } as const

interface Factory {
  createPoint(coordinate?: unknown): Geometry
  createLineString(coordinates: readonly unknown[]): Geometry
  createLinearRing(coordinates: readonly unknown[]): Geometry
  createPolygon(shell?: Geometry, holes?: readonly Geometry[]): Geometry
  createMultiPoint(parts: readonly Geometry[]): Geometry
  createMultiLineString(parts: readonly Geometry[]): Geometry
  createMultiPolygon(parts: readonly Geometry[]): Geometry
  createGeometryCollection(parts: readonly Geometry[]): Geometry
}

type RelateName = Exclude<Relation, 'equals' | 'within'> | 'equalsTopo'
interface Library {
  readonly factory: Factory
  readonly Coordinate: new (x: number, y: number) => { x: number; y: number }
  readonly RelateOp: Readonly<Record<RelateName, (a: Geometry, b: Geometry) => boolean>>
  readonly DistanceOp: { distance(a: Geometry, b: Geometry): number }
  readonly IsValidOp: { isValid(geometry: Geometry): boolean }
  readonly PointLocator: new () => { locate(point: unknown, geometry: Geometry): number }
  readonly IndexedPointInAreaLocator: new (geometry: Geometry) => { locate(point: unknown): number }
}

let library: Library | null = null
let loading: Promise<void> | null = null

/** Undefined when filters on this schema can be compiled now; otherwise a promise of that moment. */
export function filterReady(schema: CollectionSchema): Promise<void> | undefined {
  if (library !== null || !schema.fields.some(f => f.dataType === DataType.Geometry)) return undefined
  return loadGeometry()
}

/** Loads the library; once it resolves, every function here may be called. */
export function loadGeometry(): Promise<void> {
  loading ??= load()
  return loading
}

async function load(): Promise<void> {
  const [factory, coordinate, relate, distance, valid, locator, indexed] = await Promise.all([
    import('jsts/org/locationtech/jts/geom/GeometryFactory.js'),
    import('jsts/org/locationtech/jts/geom/Coordinate.js'),
    import('jsts/org/locationtech/jts/operation/relate/RelateOp.js'),
    import('jsts/org/locationtech/jts/operation/distance/DistanceOp.js'),
    import('jsts/org/locationtech/jts/operation/valid/IsValidOp.js'),
    import('jsts/org/locationtech/jts/algorithm/PointLocator.js'),
    import('jsts/org/locationtech/jts/algorithm/locate/IndexedPointInAreaLocator.js'),
  ])
  // Its own declarations know neither the overloads nor the statics: this is the one place that says what they are.
  library = {
    factory: new factory.default() as unknown as Factory,
    Coordinate: coordinate.default as unknown as Library['Coordinate'],
    RelateOp: relate.default as unknown as Library['RelateOp'],
    DistanceOp: distance.default as unknown as Library['DistanceOp'],
    IsValidOp: valid.default as unknown as Library['IsValidOp'],
    PointLocator: locator.default as unknown as Library['PointLocator'],
    IndexedPointInAreaLocator: indexed.default as unknown as Library['IndexedPointInAreaLocator'],
  }
}

function loaded(): Library {
  assert(library !== null, 'readers of Geometry fields wait for filterReady')
  return library
}

/** The library's geometry of a shape. */
export function geometryOf(shape: Shape): Geometry {
  const { factory } = loaded()
  const parts = (): Geometry[] => shape.parts.map(geometryOf)
  switch (shape.kind) {
    case 'POINT':
      return shape.coordinates.length === 0
        ? factory.createPoint()
        : factory.createPoint(coordinatesOf(shape)[0])
    case 'LINESTRING':
      return factory.createLineString(coordinatesOf(shape))
    case 'POLYGON': {
      const [shell, ...holes] = shape.parts.map(ring => factory.createLinearRing(coordinatesOf(ring)))
      return shell === undefined ? factory.createPolygon() : factory.createPolygon(shell, holes)
    }
    case 'MULTIPOINT':
      return factory.createMultiPoint(parts())
    case 'MULTILINESTRING':
      return factory.createMultiLineString(parts())
    case 'MULTIPOLYGON':
      return factory.createMultiPolygon(parts())
    case 'GEOMETRYCOLLECTION':
      return collectionOf(parts())
  }
}

/** Members of one dimension make a plain Multi… geometry, which every predicate takes. */
function collectionOf(members: readonly Geometry[]): Geometry {
  const { factory } = loaded()
  const flat = members.flatMap(membersOf)
  const dimensions = new Set(flat.map(member => member.getDimension()))
  if (dimensions.size !== 1) return factory.createGeometryCollection(flat)
  switch ([...dimensions][0]) {
    case 0:
      return factory.createMultiPoint(flat)
    case 1:
      return factory.createMultiLineString(flat)
    default:
      return factory.createMultiPolygon(flat)
  }
}

function membersOf(geometry: Geometry): Geometry[] {
  return Array.from({ length: geometry.getNumGeometries() }, (_, i) => geometry.getGeometryN(i))
}

function coordinatesOf(shape: Shape): unknown[] {
  const { Coordinate } = loaded()
  const stride = strideOf(shape.layout)
  const out: unknown[] = []
  for (let i = 0; i < shape.coordinates.length; i += stride) {
    out.push(new Coordinate(shape.coordinates[i]!, shape.coordinates[i + 1]!))
  }
  return out
}

/**
 * True when `a` stands in this relation to `b`. False when the library cannot say: invalid topology, and relations
 * other than intersects, contains and within of a collection whose members have several dimensions.
 */
export function relates(relation: Relation, a: Geometry, b: Geometry): boolean {
  try {
    return holds(relation, a, b)
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}

function holds(relation: Relation, a: Geometry, b: Geometry): boolean {
  const { RelateOp } = loaded()
  switch (relation) {
    case 'within':
      return holds('contains', b, a)
    case 'equals':
      return RelateOp.equalsTopo(a, b)
    case 'contains':
      // A collection lies in `a` when every member is covered by it and one of them meets its interior.
      if (!b.isGeometryCollection()) return RelateOp.contains(a, b)
      return membersOf(b).every(m => covers(a, m)) && membersOf(b).some(m => RelateOp.contains(a, m))
    default:
      return RelateOp[relation](a, b)
  }
}

function covers(a: Geometry, b: Geometry): boolean {
  const { RelateOp } = loaded()
  return (RelateOp as unknown as { covers(a: Geometry, b: Geometry): boolean }).covers(a, b)
}

/** Planar distance in the coordinates' own units. */
export function planarDistance(a: Geometry, b: Geometry): number {
  return loaded().DistanceOp.distance(a, b)
}

/** OGC validity: simple rings, holes inside shells, and so on. */
export function isValidGeometry(geometry: Geometry): boolean {
  return loaded().IsValidOp.isValid(geometry)
}

/** A function that places points relative to one geometry, fast for areas that are asked about often. */
export function locatorOf(shape: Shape, geometry: Geometry): (x: number, y: number) => number {
  const { Coordinate, PointLocator, IndexedPointInAreaLocator } = loaded()
  const point = new Coordinate(0, 0)
  const at = (x: number, y: number): unknown => {
    point.x = x
    point.y = y
    return point
  }
  if (shape.kind === 'POLYGON' || shape.kind === 'MULTIPOLYGON') {
    const area = new IndexedPointInAreaLocator(geometry)
    return (x, y) => area.locate(at(x, y))
  }
  const any = new PointLocator()
  return (x, y) => any.locate(at(x, y), geometry)
}
