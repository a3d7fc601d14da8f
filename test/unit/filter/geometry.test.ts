/** ST_ predicates: query-search-semantics §1.16. */
import t from 'tap'
import { geometryOf, loadGeometry, relates } from '../../../lib/filter/geometry-library.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { parseWkt } from '../../../lib/schema/wkt.js'
import { matches, refusal, schemaOf, tableOf } from './fixture.js'

await loadGeometry()

const schema = schemaOf([
  { name: 'geo', dataType: DataType.Geometry, nullable: true },
  { name: 'n', dataType: DataType.Int64 },
  { name: 'name', dataType: DataType.VarChar, maxLength: 8 },
])
const SHAPES = [
  'POINT (5 5)', // 1: inside the square
  'POINT (0 5)', // 2: on its edge
  'POINT (20 20)', // 3: outside
  'LINESTRING (-5 5, 15 5)', // 4: through it
  'LINESTRING (1 1, 9 9)', // 5: inside
  'LINESTRING (0 0, 10 0)', // 6: along an edge
  'POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))', // 7: the square
  'POLYGON ((10 10, 0 10, 0 0, 10 0, 10 5, 10 10))', // 8: the square, told otherwise
  'POLYGON ((5 5, 15 5, 15 15, 5 15, 5 5))', // 9: overlapping
  'POLYGON ((10 0, 20 0, 20 10, 10 10, 10 0))', // 10: beside it
  'POLYGON ((2 2, 3 2, 3 3, 2 2))', // 11: inside
  'POLYGON ((-9 -9, 19 -9, 19 19, -9 19, -9 -9))', // 12: around
  'POINT EMPTY', // 13
  null, // 14
  'MULTIPOINT ((5 5), (20 20))', // 15: in and out
  'GEOMETRYCOLLECTION (POINT (5 5), LINESTRING (1 1, 2 2))', // 16: inside, two dimensions
  'POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))', // 17: a bow tie, not valid
]
const table = tableOf(
  schema,
  SHAPES.map((geo, i) => ({ geo, n: i + 1, name: 'x' })),
)
const SQUARE = "'POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))'"
const same = (t: { same(a: unknown, b: unknown, c: string): unknown }, text: string, rows: number[]) =>
  t.same(matches(table, text), rows, text)

t.test('the relations of every kind of row to a polygon; the field is the left operand', async t => {
  const valid = 'n != 17 and '
  same(t, `${valid}st_equals(geo, ${SQUARE})`, [7, 8])
  same(t, `${valid}st_within(geo, ${SQUARE})`, [1, 5, 7, 8, 11, 16])
  same(t, `${valid}st_contains(geo, ${SQUARE})`, [7, 8, 12])
  same(t, `${valid}st_intersects(geo, ${SQUARE})`, [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16])
  same(t, `${valid}st_touches(geo, ${SQUARE})`, [2, 6, 10])
  same(t, `${valid}st_crosses(geo, ${SQUARE})`, [4, 15])
  same(t, `${valid}st_overlaps(geo, ${SQUARE})`, [9])
})

t.test('relations to points, lines and empty geometries', async t => {
  same(t, "st_equals(geo, 'POINT (5 5)')", [1])
  same(t, "st_equals(geo, 'MULTIPOINT ((5 5), (5 5))')", [1])
  same(t, "n < 13 and st_contains(geo, 'POINT (5 5)')", [1, 4, 5, 7, 8, 12])
  same(t, "st_within(geo, 'POINT (5 5)')", [1])
  same(t, "n < 13 and st_touches(geo, 'LINESTRING (0 5, 0 20)')", [2, 4, 7, 8])
  same(t, "n < 4 and st_intersects(geo, 'LINESTRING (0 5, 20 20)')", [2, 3])
  same(t, "n < 4 and st_within(geo, 'LINESTRING (0 0, 9 9)')", [1])
  same(t, "st_equals(geo, 'POINT EMPTY')", [13])
  same(t, "st_intersects(geo, 'POLYGON EMPTY')", [])
  same(t, 'st_isvalid(geo)', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16])
  same(t, 'not st_isvalid(geo)', [17])
  same(t, "n <= 3 and st_within(geo, 'GEOMETRYCOLLECTION (POINT (5 5), POINT (20 20))')", [1, 3])
})

t.test('NULL is UNKNOWN, also under not; names in capitals; combination with scalars; templates', async t => {
  same(t, `n in [1, 3, 13, 14] and not st_within(geo, ${SQUARE})`, [3, 13])
  same(t, 'geo is null', [14])
  same(t, `ST_WITHIN(geo, ${SQUARE}) and n > 5 and n < 9`, [7, 8])
  same(t, `n == 3 or ST_EQUALS(geo, 'POINT(5 5)')`, [1, 3])
  t.same(matches(table, 'st_equals(geo, {p})', { p: 'POINT(5 5)' }), [1])
  t.same(matches(table, 'n < 4 and st_dwithin(geo, {p}, {m})', { p: 'POINT(5 5)', m: 10 }), [1])
})

t.test('st_dwithin: haversine between points, planar degrees to other shapes, inclusive', async t => {
  const near = tableOf(
    schema,
    ['POINT (0 0)', 'POINT (1 0)', 'POINT (0 1)', 'POINT (180 0)', 'LINESTRING (0 2, 2 2)', null].map(
      (geo, i) => ({
        geo,
        n: i,
        name: '',
      }),
    ),
  )
  const degree = (6_371_000 * Math.PI) / 180
  const rows = (text: string) => matches(near, text)
  t.same(rows("st_dwithin(geo, 'POINT (0 0)', 0)"), [1])
  t.same(rows(`st_dwithin(geo, 'POINT (0 0)', ${degree - 0.01})`), [1])
  t.same(rows(`st_dwithin(geo, 'POINT (0 0)', ${degree + 0.01})`), [1, 2, 3])
  // Two degrees to the line; at the equator a degree is 111 320 m.
  t.same(rows("st_dwithin(geo, 'POINT (0 0)', 222639)"), [1, 2, 3])
  t.same(rows("st_dwithin(geo, 'POINT (0 0)', 222640)"), [1, 2, 3, 5])
  t.same(rows("st_dwithin(geo, 'POINT (-180 0)', 1)"), [4], 'across the date line')
  // At 60° north the factor is 111 320 · sqrt((1 + 0.25) / 2) = 88 006.
  t.same(rows("n == 4 and st_dwithin(geo, 'POINT (0 60)', 5104300)"), [])
  t.same(rows("n == 4 and st_dwithin(geo, 'POINT (0 60)', 5104400)"), [5])
  t.same(rows("not st_dwithin(geo, 'POINT (0 0)', 200000)"), [4, 5])
  t.same(rows("st_dwithin(geo, 'POINT (500 0)', 0)"), [], 'coordinates out of range are taken as they are')
})

t.test('what is refused: arity, names, types, texts, distances', async t => {
  const bad = (text: string) => t.match(refusal(schema, text), 'cannot parse expression', text)
  for (const text of [
    'st_within(geo)',
    "st_within(geo, 'POINT(1 2)', 3)",
    "st_within(n, 'POINT(1 2)')",
    "st_within(name, 'POINT(1 2)')",
    "st_within(nowhere, 'POINT(1 2)')",
    "st_within('POINT(1 2)', geo)",
    "st_within(geo, 'POINT(1)')",
    'st_within(geo, 5)',
    'st_within(geo, name)',
    "St_Within(geo, 'POINT(1 2)')",
    "st_buffer(geo, 'POINT(1 2)')",
    'st_isvalid(geo, 1)',
    'st_isvalid(n)',
    "st_dwithin(geo, 'POINT(1 2)')",
    "st_dwithin(geo, 'POINT(1 2)', -1)",
    "st_dwithin(geo, 'LINESTRING(0 0,1 1)', 1)",
    "st_dwithin(geo, 'POINT EMPTY', 1)",
    "st_dwithin(geo, 'POINT(1 2)', 'x')",
    "geo == 'POINT(1 2)'",
    "geo in ['POINT(1 2)']",
    "geo like 'P%'",
    'geo > 1',
    'geo == geo',
  ]) {
    bad(text)
  }
})

const SEED = Number(process.env['SEED'] ?? 20261122)
t.test(`boxes and the places of points never change an answer of the library (SEED=${SEED})`, async t => {
  let state = SEED
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  // A small grid: shapes share edges and corners all the time.
  const at = (): string => `${random(5)} ${random(4) - 8}`
  const shape = (): string => {
    const [x, y, w, h] = [random(4), random(4) - 8, 1 + random(3), 1 + random(3)]
    switch (random(5)) {
      case 0:
        return `POLYGON ((${x} ${y}, ${x + w} ${y}, ${x + w} ${y + h}, ${x} ${y + h}, ${x} ${y}))`
      case 1:
        return `LINESTRING (${x} ${y}, ${x + w} ${y + random(3)})`
      case 2:
        return `MULTIPOINT ((${at()}), (${at()}))`
      default:
        return `POINT (${at()})`
    }
  }
  const shapes = Array.from({ length: 120 }, shape)
  const random120 = tableOf(
    schema,
    shapes.map((geo, i) => ({ geo, n: i, name: '' })),
  )
  const geometries = shapes.map(text => geometryOf(parseWkt(text)))
  const relations = ['equals', 'touches', 'overlaps', 'crosses', 'contains', 'intersects', 'within'] as const
  for (let q = 0; q < 40; q++) {
    const text = shape()
    const query = geometryOf(parseWkt(text))
    for (const relation of relations) {
      const wanted = geometries.flatMap((geometry, i) => (relates(relation, geometry, query) ? [i + 1] : []))
      t.same(matches(random120, `st_${relation}(geo, '${text}')`), wanted, `${relation} ${text}`)
    }
  }
})
