/** Geometry values: well-known text and binary in, canonical text out (query-search-semantics §1.16). */
import t from 'tap'
import { MilvusError } from '../../../lib/base/errors.js'
import { parseWkb } from '../../../lib/schema/wkb.js'
import { canonicalWkt, formatWkt, NESTING_MAX, parseWkt } from '../../../lib/schema/wkt.js'

t.test('every kind is read in any spelling and written in one', async t => {
  const cases: readonly (readonly [string, string])[] = [
    ['POINT (1 2)', 'POINT (1 2)'],
    ['  point(1.500 -2e1)  ', 'POINT (1.5 -20)'],
    ['Point(+.5 5.)', 'POINT (0.5 5)'],
    ['POINT(-0 0.0)', 'POINT (0 0)'],
    ['POINT EMPTY', 'POINT EMPTY'],
    ['LINESTRING(0 0,1 1 , 2 0)', 'LINESTRING (0 0, 1 1, 2 0)'],
    ['LINESTRING EMPTY', 'LINESTRING EMPTY'],
    ['POLYGON((0 0,4 0,4 4,0 0),(2 1,3 1,3 2,2 1))', 'POLYGON ((0 0, 4 0, 4 4, 0 0), (2 1, 3 1, 3 2, 2 1))'],
    ['MULTIPOINT(1 2,3 4)', 'MULTIPOINT ((1 2), (3 4))'],
    ['MULTIPOINT((1 2),(3 4),EMPTY)', 'MULTIPOINT ((1 2), (3 4), EMPTY)'],
    ['MULTILINESTRING((0 0,1 1),(2 2,3 3))', 'MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))'],
    ['MULTIPOLYGON(((0 0,1 0,1 1,0 0)))', 'MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))'],
    [
      'GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))',
      'GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (0 0, 1 1))',
    ],
    ['GEOMETRYCOLLECTION EMPTY', 'GEOMETRYCOLLECTION EMPTY'],
    ['POINT Z (1 2 3)', 'POINT Z (1 2 3)'],
    ['POINTZM(1 2 3 4)', 'POINT ZM (1 2 3 4)'],
    ['LINESTRING M (0 0 1, 1 1 2)', 'LINESTRING M (0 0 1, 1 1 2)'],
  ]
  for (const [given, wanted] of cases) {
    t.equal(canonicalWkt(given), wanted, given)
    t.equal(canonicalWkt(wanted), wanted, 'canonical text stays as it is')
  }
})

t.test('what is no geometry is refused', async t => {
  const nested = `${'GEOMETRYCOLLECTION('.repeat(NESTING_MAX + 1)}POINT(1 2)${')'.repeat(NESTING_MAX + 1)}`
  for (const bad of [
    '',
    'POINT',
    'POINT(1)',
    'POINT(1 2 3)',
    'POINT(1 2',
    'POINT(1 2))',
    'POINT(1 2) x',
    'POINT(a b)',
    'POINT(NaN 1)',
    'POINT(1e999 0)',
    'POINT Z (1 2)',
    'LINESTRING(0 0)',
    'LINESTRING()',
    'POLYGON((0 0,1 0,1 1))',
    'POLYGON((0 0,1 0,1 1,0 2))',
    'POLYGON((0 0,1 0,0 0))',
    'SRID=4326;POINT(1 2)',
    'CIRCLE(0 0,1)',
    'MULTIPOINT(1 2,',
    'POINTX(1 2)',
    'POINT(1 2),POINT(3 4)',
    nested,
  ]) {
    const error = t.throws(() => parseWkt(bad), bad) as unknown as MilvusError
    t.ok(error instanceof MilvusError && error.code === 1100, `${bad}: code`)
    t.match(error.message, 'invalid Geometry data, transform to wkb failed', bad)
  }
})

/** Bytes of a little list of parts: numbers in the format's own sizes. */
function wkb(little: boolean, ...parts: readonly (readonly ['u8' | 'u32' | 'f64', number])[]): Buffer {
  return Buffer.concat(
    parts.map(([kind, value]) => {
      const bytes = Buffer.alloc(kind === 'u8' ? 1 : kind === 'u32' ? 4 : 8)
      if (kind === 'u8') bytes.writeUInt8(value)
      else if (kind === 'u32') little ? bytes.writeUInt32LE(value) : bytes.writeUInt32BE(value)
      else little ? bytes.writeDoubleLE(value) : bytes.writeDoubleBE(value)
      return bytes
    }),
  )
}

t.test('well-known binary, both byte orders, is the same shape as text', async t => {
  const point = (little: boolean, type = 1) =>
    wkb(little, ['u8', little ? 1 : 0], ['u32', type], ['f64', 1.5], ['f64', -2])
  t.equal(formatWkt(parseWkb(point(true))), 'POINT (1.5 -2)')
  t.equal(formatWkt(parseWkb(point(false))), 'POINT (1.5 -2)')
  const z = Buffer.concat([point(true, 1001), wkb(true, ['f64', 7])])
  t.equal(formatWkt(parseWkb(z)), 'POINT Z (1.5 -2 7)')
  const flagged = wkb(true, ['u8', 1], ['u32', 0x20000001], ['u32', 4326], ['f64', 1], ['f64', 2])
  t.equal(formatWkt(parseWkb(flagged)), 'POINT (1 2)', 'an SRID is skipped')
  const empty = wkb(true, ['u8', 1], ['u32', 1], ['f64', Number.NaN], ['f64', Number.NaN])
  t.equal(formatWkt(parseWkb(empty)), 'POINT EMPTY')
  const many = Buffer.concat([wkb(true, ['u8', 1], ['u32', 4], ['u32', 2]), point(true), point(false)])
  t.equal(formatWkt(parseWkb(many)), 'MULTIPOINT ((1.5 -2), (1.5 -2))')
  const ring = [0, 0, 1, 0, 1, 1, 0, 0].map(v => ['f64', v] as const)
  const polygon = wkb(true, ['u8', 1], ['u32', 3], ['u32', 1], ['u32', 4], ...ring)
  t.equal(formatWkt(parseWkb(polygon)), 'POLYGON ((0 0, 1 0, 1 1, 0 0))')
  for (const bad of [
    Buffer.alloc(0),
    Buffer.from([2, 1, 0, 0, 0]),
    point(true).subarray(0, 20),
    Buffer.concat([point(true), Buffer.from([0])]),
    wkb(true, ['u8', 1], ['u32', 99]),
    wkb(true, ['u8', 1], ['u32', 2], ['u32', 0xffffffff]),
    wkb(true, ['u8', 1], ['u32', 3], ['u32', 1], ['u32', 3], ...ring.slice(0, 6)),
    wkb(true, ['u8', 1], ['u32', 1], ['f64', 1], ['f64', Number.POSITIVE_INFINITY]),
  ]) {
    t.throws(() => parseWkb(bad), { code: 1100 }, bad.toString('hex'))
  }
})
