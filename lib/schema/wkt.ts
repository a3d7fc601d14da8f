/**
 * Geometry values: well-known text (OGC Simple Features) to shapes, and shapes to the one text that is stored.
 *
 * A Geometry is stored as canonical WKT: upper-case keyword, `POINT (x y)`, coordinates with the fewest digits that are
 * the same double, `, ` between them. Equal values are equal bytes, so what is read back does not depend on how it was
 * spelled. What a shape means (predicates) is judged by the filter room.
 * Invariants of a shape: a line string has no or at least two points; a polygon ring is closed and has at least four;
 * every coordinate is finite; collections nest at most NESTING_MAX deep.
 */
import { invalid, type MilvusError } from '../base/errors.js'

export type ShapeKind =
  | 'POINT'
  | 'LINESTRING'
  | 'POLYGON'
  | 'MULTIPOINT'
  | 'MULTILINESTRING'
  | 'MULTIPOLYGON'
  | 'GEOMETRYCOLLECTION'

/** Which coordinates follow x and y. */
export type ShapeLayout = '' | 'Z' | 'M' | 'ZM'

export interface Shape {
  readonly kind: ShapeKind
  readonly layout: ShapeLayout
  /** POINT and LINESTRING: the coordinates of all points, `strideOf(layout)` numbers each. Otherwise empty. */
  readonly coordinates: readonly number[]
  /** POLYGON: its rings as line strings, the shell first. MULTI… and GEOMETRYCOLLECTION: the members. */
  readonly parts: readonly Shape[]
}

/** Members of the kinds that have members of one kind. */
const MEMBER: Readonly<Partial<Record<ShapeKind, ShapeKind>>> = {
  POLYGON: 'LINESTRING',
  MULTIPOINT: 'POINT',
  MULTILINESTRING: 'LINESTRING',
  MULTIPOLYGON: 'POLYGON',
}
const KINDS: readonly ShapeKind[] = [
  'POINT',
  'LINESTRING',
  'POLYGON',
  'MULTIPOINT',
  'MULTILINESTRING',
  'MULTIPOLYGON',
  'GEOMETRYCOLLECTION',
]
/** Collections inside collections; deeper texts are refused, so that no reader recurses without bound. */
export const NESTING_MAX = 32
const RING_POINTS_MIN = 4

/** Numbers per point. */
export function strideOf(layout: ShapeLayout): number {
  return 2 + layout.length
}

/** The error of a value that is no geometry. */
export function badGeometry(detail: string): MilvusError {
  return invalid(`invalid Geometry data, transform to wkb failed: ${detail}`)
}

/** The stored text of a geometry. @throws MilvusError ParameterInvalid for text that is no WKT */
export function canonicalWkt(text: string): string {
  return formatWkt(parseWkt(text))
}

/** Parses WKT, keywords in any case. @throws MilvusError ParameterInvalid `invalid Geometry data, …` */
export function parseWkt(text: string): Shape {
  const reader = new Reader(text)
  const shape = reader.tagged(0)
  reader.end()
  return shape
}

const TOKEN = /\s*(?:([A-Za-z]+)|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|([(),]))/y
const REST = /\S/

class Reader {
  readonly #text: string
  #at = 0
  /** The token ahead: a word in upper case, a number's text, a punctuation mark, or '' at the end. */
  #ahead = ''
  #number = false

  constructor(text: string) {
    this.#text = text
    this.#advance()
  }

  #advance(): void {
    TOKEN.lastIndex = this.#at
    const match = TOKEN.exec(this.#text)
    if (match === null) {
      if (REST.test(this.#text.slice(this.#at))) this.#fail()
      this.#ahead = ''
      this.#number = false
      return
    }
    this.#at = TOKEN.lastIndex
    this.#number = match[2] !== undefined
    this.#ahead = match[1]?.toUpperCase() ?? match[2] ?? match[3]!
  }

  #fail(): never {
    const shown = this.#text.length > 60 ? `${this.#text.slice(0, 60)}…` : this.#text
    throw badGeometry(`'${shown}' is not well-known text (position ${this.#at})`)
  }

  #take(token: string): boolean {
    if (this.#ahead !== token) return false
    this.#advance()
    return true
  }

  #expect(token: string): void {
    if (!this.#take(token)) this.#fail()
  }

  end(): void {
    if (this.#ahead !== '') this.#fail()
  }

  /** A shape with its keyword. */
  tagged(depth: number): Shape {
    if (depth > NESTING_MAX) throw badGeometry(`collections nest deeper than ${NESTING_MAX}`)
    const word = this.#ahead
    const kind = KINDS.find(k => k === word || (word.startsWith(k) && isLayout(word.slice(k.length))))
    if (kind === undefined) this.#fail()
    let layout = word.slice(kind.length) as ShapeLayout
    this.#advance()
    if (layout === '' && isLayout(this.#ahead)) {
      layout = this.#ahead as ShapeLayout
      this.#advance()
    }
    return this.#body(kind, layout, depth)
  }

  #body(kind: ShapeKind, layout: ShapeLayout, depth: number): Shape {
    if (this.#take('EMPTY')) return { kind, layout, coordinates: [], parts: [] }
    this.#expect('(')
    let coordinates: number[] = []
    const parts: Shape[] = []
    if (kind === 'POINT') coordinates = this.#points(layout, 1)
    else if (kind === 'LINESTRING') {
      coordinates = this.#points(layout, Number.POSITIVE_INFINITY)
      if (coordinates.length < 2 * strideOf(layout)) throw badGeometry('a line string needs two points')
    } else {
      do parts.push(this.#member(kind, layout, depth))
      while (this.#take(','))
    }
    this.#expect(')')
    if (kind === 'POLYGON') for (const ring of parts) checkRing(ring)
    return { kind, layout, coordinates, parts }
  }

  #member(kind: ShapeKind, layout: ShapeLayout, depth: number): Shape {
    const member = MEMBER[kind]
    if (member === undefined) {
      const shape = this.tagged(depth + 1)
      if (shape.layout !== layout && layout !== '') this.#fail()
      return shape
    }
    // `MULTIPOINT (1 2, 3 4)` is as good as `MULTIPOINT ((1 2), (3 4))`.
    if (kind === 'MULTIPOINT' && this.#number) {
      return { kind: 'POINT', layout, coordinates: this.#points(layout, 1), parts: [] }
    }
    return this.#body(member, layout, depth)
  }

  /** Up to `max` points, separated by commas. */
  #points(layout: ShapeLayout, max: number): number[] {
    const stride = strideOf(layout)
    const out: number[] = []
    for (let count = 0; count === 0 || (count < max && this.#take(',')); count++) {
      for (let i = 0; i < stride; i++) {
        const value = this.#number ? Number(this.#ahead) : Number.NaN
        if (!Number.isFinite(value)) this.#fail()
        // −0 and 0 are one place; they shall be one text.
        out.push(value + 0)
        this.#advance()
      }
    }
    return out
  }
}

function isLayout(word: string): boolean {
  return word === 'Z' || word === 'M' || word === 'ZM'
}

/** @throws MilvusError ParameterInvalid for a ring that is open or too short */
export function checkRing(ring: Shape): void {
  const { coordinates } = ring
  const stride = strideOf(ring.layout)
  const last = coordinates.length - stride
  if (coordinates.length < RING_POINTS_MIN * stride) throw badGeometry('a polygon ring needs four points')
  if (coordinates[0] !== coordinates[last] || coordinates[1] !== coordinates[last + 1]) {
    throw badGeometry('a polygon ring is not closed')
  }
}

/** The canonical text of a shape. */
export function formatWkt(shape: Shape): string {
  const layout = shape.layout === '' ? '' : ` ${shape.layout}`
  return `${shape.kind}${layout} ${body(shape)}`
}

function body(shape: Shape): string {
  const { kind, parts, coordinates } = shape
  if (coordinates.length === 0 && parts.length === 0) return 'EMPTY'
  if (kind === 'POINT' || kind === 'LINESTRING') return `(${points(shape)})`
  return `(${parts.map(part => (kind === 'GEOMETRYCOLLECTION' ? formatWkt(part) : body(part))).join(', ')})`
}

function points(shape: Shape): string {
  const { coordinates } = shape
  const stride = strideOf(shape.layout)
  let text = ''
  for (let i = 0; i < coordinates.length; i++) {
    text += `${i === 0 ? '' : i % stride === 0 ? ', ' : ' '}${coordinates[i]!}`
  }
  return text
}
