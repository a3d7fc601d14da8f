/**
 * Binds the ST_ functions: a Geometry field, a constant WKT, and for `st_dwithin` a distance in metres
 * (query-search-semantics §1.16).
 */
import { MilvusError } from '../base/errors.js'
import { DataType } from '../schema/data-type.js'
import { parseWkt, type Shape } from '../schema/wkt.js'
import type { CallNode, Node } from './ast.js'
import { type BindContext, sourceOf } from './bind-context.js'
import type { Bound } from './bound.js'
import { constantOf, isNumber } from './fold.js'
import type { Relation } from './geometry-library.js'
import { type GeometryTest, nearTest, relationTest } from './geometry-test.js'
import { resolve, subjectType } from './names.js'
import { reject } from './reject.js'

const RELATIONS: Readonly<Record<string, Relation>> = {
  st_equals: 'equals',
  st_touches: 'touches',
  st_overlaps: 'overlaps',
  st_crosses: 'crosses',
  st_contains: 'contains',
  st_intersects: 'intersects',
  st_within: 'within',
}

/** True for the names that `bindGeometry` takes. */
export function isGeometryFunction(name: string): boolean {
  return name in RELATIONS || name === 'st_dwithin' || name === 'st_isvalid'
}

/**
 * Binds a geometry predicate. The geometry library is loaded (geometry-library.ts).
 * @param name the function's name in lower case
 */
export function bindGeometry(context: BindContext, node: CallNode, name: string, negated: boolean): Bound {
  const [target, ...rest] = node.args
  const wanted = name === 'st_isvalid' ? 0 : name === 'st_dwithin' ? 2 : 1
  if (target === undefined || rest.length !== wanted || node.named.length > 0) {
    return reject(
      `${name} takes a geometry field${wanted > 0 ? ', a WKT text' : ''}${wanted > 1 ? ' and a distance' : ''}`,
    )
  }
  if (target.kind !== 'path') return reject(`${name} can only be applied on a geometry field`)
  const subject = resolve(context.schema, target)
  if (subject.kind !== 'column' || subject.type !== DataType.Geometry) {
    reject(`${name} can only be applied on a geometry field, got ${subjectType(subject)}`)
  }
  return { op: 'geometry', field: subject.field, test: testOf(context, name, rest), negated }
}

function testOf(context: BindContext, name: string, args: readonly Node[]): GeometryTest {
  if (name === 'st_isvalid') return { kind: 'valid' }
  const shape = shapeOf(context, name, args[0]!)
  if (name !== 'st_dwithin') return relationTest(RELATIONS[name]!, shape)
  if (shape.kind !== 'POINT' || shape.coordinates.length === 0) {
    reject(`${name} measures from a POINT, got ${sourceOf(context, args[0]!)}`)
  }
  const distance = constantOf(context, args[1]!)
  const metres = distance !== null && isNumber(distance) ? Number(distance.value) : Number.NaN
  if (!(metres >= 0))
    reject(`${name} needs a distance in metres, 0 or more, got ${sourceOf(context, args[1]!)}`)
  return nearTest(shape, metres)
}

function shapeOf(context: BindContext, name: string, node: Node): Shape {
  const text = constantOf(context, node)
  if (text?.kind !== 'string') return reject(`${name} needs a WKT text, got ${sourceOf(context, node)}`)
  try {
    return parseWkt(text.value)
  } catch (cause) {
    if (!(cause instanceof MilvusError)) throw cause
    return reject(`${name}: ${cause.message}`)
  }
}
