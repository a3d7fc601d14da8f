/**
 * Well-known binary to shapes: what a client may send instead of WKT (protocol §3.1).
 *
 *     | byte order u8 | type u32 | content |       type: 1 … 7, plus 1000 for Z, 2000 for M, 3000 for ZM
 *
 * PostGIS's flags for Z, M and SRID (the three highest bits of the type) are read too; an SRID is skipped, as nothing
 * here has a reference system. Counts are checked against the bytes that are left before anything is allocated.
 */
import {
  badGeometry,
  checkRing,
  NESTING_MAX,
  type Shape,
  type ShapeKind,
  type ShapeLayout,
  strideOf,
} from './wkt.js'

const KIND_OF_CODE: readonly (ShapeKind | undefined)[] = [
  undefined,
  'POINT',
  'LINESTRING',
  'POLYGON',
  'MULTIPOINT',
  'MULTILINESTRING',
  'MULTIPOLYGON',
  'GEOMETRYCOLLECTION',
]
const LAYOUTS: readonly ShapeLayout[] = ['', 'Z', 'M', 'ZM']
const FLAG_Z = 0x8000_0000
const FLAG_M = 0x4000_0000
const FLAG_SRID = 0x2000_0000

/** Parses WKB. @throws MilvusError ParameterInvalid `invalid Geometry data, …` */
export function parseWkb(bytes: Uint8Array): Shape {
  const reader = new Reader(bytes)
  const shape = reader.shape(0)
  if (reader.at !== bytes.length) throw badGeometry('bytes after the end')
  return shape
}

class Reader {
  readonly #view: DataView
  at = 0
  #little = true

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  #need(count: number): void {
    if (count > this.#view.byteLength - this.at) throw badGeometry('bytes end in the middle of a value')
  }

  #u32(): number {
    this.#need(4)
    this.at += 4
    return this.#view.getUint32(this.at - 4, this.#little)
  }

  shape(depth: number): Shape {
    if (depth > NESTING_MAX) throw badGeometry(`collections nest deeper than ${NESTING_MAX}`)
    this.#need(1)
    const order = this.#view.getUint8(this.at++)
    if (order > 1) throw badGeometry(`byte order ${order} is neither 0 nor 1`)
    this.#little = order === 1
    const type = this.#u32()
    if ((type & FLAG_SRID) !== 0) this.#u32()
    const plain = type & 0x1fff_ffff
    const flags = ((type & FLAG_Z) !== 0 ? 1 : 0) + ((type & FLAG_M) !== 0 ? 2 : 0)
    const kind = KIND_OF_CODE[plain % 1000]
    const layout = LAYOUTS[Math.floor(plain / 1000) + flags]
    if (kind === undefined || layout === undefined) throw badGeometry(`unknown type ${type}`)
    return this.#content(kind, layout, depth)
  }

  #content(kind: ShapeKind, layout: ShapeLayout, depth: number): Shape {
    const stride = strideOf(layout)
    if (kind === 'POINT') {
      const coordinates = this.#numbers(stride)
      // An empty point has no coordinates, which this format writes as NaN.
      const empty = coordinates.every(Number.isNaN)
      return { kind, layout, coordinates: empty ? [] : finite(coordinates), parts: [] }
    }
    if (kind === 'LINESTRING') {
      const line = this.#line(layout)
      if (line.coordinates.length === stride) throw badGeometry('a line string needs two points')
      return line
    }
    const count = this.#u32()
    this.#need(count)
    const parts: Shape[] = []
    for (let i = 0; i < count; i++) {
      if (kind === 'POLYGON') {
        const ring = this.#line(layout)
        checkRing(ring)
        parts.push(ring)
      } else {
        const part = this.shape(depth + 1)
        if (kind !== 'GEOMETRYCOLLECTION' && (kind !== `MULTI${part.kind}` || part.layout !== layout)) {
          throw badGeometry(`a ${part.kind} in a ${kind}`)
        }
        parts.push(part)
      }
    }
    return { kind, layout, coordinates: [], parts }
  }

  #line(layout: ShapeLayout): Shape {
    const count = this.#u32() * strideOf(layout)
    this.#need(count * 8)
    return { kind: 'LINESTRING', layout, coordinates: finite(this.#numbers(count)), parts: [] }
  }

  #numbers(count: number): number[] {
    this.#need(count * 8)
    const out: number[] = new Array(count)
    for (let i = 0; i < count; i++) {
      out[i] = this.#view.getFloat64(this.at, this.#little) + 0
      this.at += 8
    }
    return out
  }
}

function finite(coordinates: number[]): number[] {
  if (!coordinates.every(Number.isFinite)) throw badGeometry('a coordinate is not finite')
  return coordinates
}
