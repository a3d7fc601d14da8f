/**
 * Checklist 8.1, filters on scalar fields: the P0 lines. Answers are compared with an oracle written down beside the
 * filter; Int64 values are BigInt in it, so that nothing is rounded on the way.
 */
import t from 'tap'
import { DataType, type FieldRequest, type Row } from '../../lib/index.js'
import {
  everywhere,
  hitKeys,
  INT64_MAX,
  INT64_MIN,
  keys,
  refusesFilter,
  staged,
  withFields,
} from './fixture.js'

const FIELDS: readonly FieldRequest[] = [
  { name: 'b', dataType: DataType.Bool },
  { name: 'i8', dataType: DataType.Int8 },
  { name: 'i16', dataType: DataType.Int16 },
  { name: 'i32', dataType: DataType.Int32 },
  { name: 'i64', dataType: DataType.Int64 },
  { name: 'f', dataType: DataType.Float },
  { name: 'd', dataType: DataType.Double },
  { name: 's', dataType: DataType.VarChar, maxLength: 64 },
]
const BIG = 2n ** 53n + 1n
const VALUES: Readonly<Record<string, readonly (boolean | number | bigint | string)[]>> = {
  b: [true, false, false],
  i8: [-128, -1, 0, 1, 127],
  i16: [-32_768, 0, 300, 32_767],
  i32: [-(2 ** 31), -5, 0, 5, 6, 2 ** 31 - 1],
  i64: [INT64_MIN, INT64_MIN + 1n, -BIG, -1n, 0n, 5n, BIG - 1n, BIG, BIG + 1n, INT64_MAX - 1n, INT64_MAX],
  f: [-1.5, 0, 0.1, 0.25, 3, 1e30],
  d: [-1e300, -0.5, 0, 0.1, 0.25, 5, 2 ** 53],
  s: ['', 'a', 'ab', 'B', 'zażółć', '🦅', '"quoted"', "it's", ' a b '],
}
type Value = boolean | number | bigint | string
const ROWS: Row[] = Array.from({ length: 40 }, (_, id) => {
  const row: Record<string, unknown> = { id, vec: [id, 0] }
  for (const [name, values] of Object.entries(VALUES)) row[name] = values[(id * 7) % values.length]
  return row
})
/** Keys of the rows whose value of a field passes. FLOAT values are compared as float32, as they are stored. */
const oracle = (name: string, passes: (value: never) => boolean): number[] =>
  ROWS.filter(row => {
    const value = row[name] as Value
    return passes((name === 'f' ? Math.fround(value as number) : value) as never)
  }).map(row => row['id'] as number)
const text = (value: Value): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))
const bytes = (value: Value): Value =>
  typeof value === 'string' ? Buffer.from(value).toString('hex') : value
const OPS: Readonly<Record<string, (a: Value, b: Value) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}
const FLIPPED: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' }

t.test('8.1.1 [P0] == != < <= > >= on every scalar type', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async (c, place) => {
    for (const [name, values] of Object.entries(VALUES)) {
      const ops = name === 'b' ? ['==', '!='] : Object.keys(OPS)
      for (const literal of new Set(values)) {
        for (const op of ops) {
          const filter = `${name} ${op} ${text(literal)}`
          const wanted = name === 'f' ? Math.fround(literal as number) : bytes(literal)
          const expected = oracle(name, (value: Value) => OPS[op]!(bytes(value), wanted))
          const found = await keys(c, filter)
          if (String(found) !== String(expected)) t.strictSame(found, expected, `${filter} ${place}`)
        }
      }
    }
    t.pass(place)
  })
})

t.test('8.1.2 [P0] literal on the left equals the flipped form', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  for (const [name, values] of Object.entries(VALUES)) {
    const literal = text(values[2]!)
    for (const op of name === 'b' ? ['==', '!='] : Object.keys(OPS)) {
      const flipped = `${name} ${FLIPPED[op] ?? op} ${literal}`
      t.strictSame(await keys(c, `${literal} ${op} ${name}`), await keys(c, flipped), flipped)
    }
  }
  t.strictSame(
    await keys(c, '5 < i32'),
    oracle('i32', (v: number) => v > 5),
  )
})

t.test('8.1.3 [P0] range chains', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  const i32 = (passes: (v: number) => boolean) => oracle('i32', passes)
  t.strictSame(
    await keys(c, '0 < i32 < 6'),
    i32(v => v > 0 && v < 6),
  )
  t.strictSame(
    await keys(c, '0 <= i32 < 6'),
    i32(v => v >= 0 && v < 6),
  )
  t.strictSame(
    await keys(c, '0 < i32 <= 6'),
    i32(v => v > 0 && v <= 6),
  )
  t.strictSame(
    await keys(c, '0 <= i32 <= 6'),
    i32(v => v >= 0 && v <= 6),
  )
  t.strictSame(
    await keys(c, '6 > i32 > 0'),
    i32(v => v > 0 && v < 6),
  )
  t.strictSame(
    await keys(c, '6 >= i32 >= 0'),
    i32(v => v >= 0 && v <= 6),
  )
  t.strictSame(
    await keys(c, '5 <= i32 <= 5'),
    i32(v => v === 5),
  )
  t.strictSame(
    await keys(c, '"a" <= s < "b"'),
    oracle('s', (v: string) => v === 'a' || v === 'ab'),
  )
  t.strictSame(
    await keys(c, '-0.5 <= d < 0.25'),
    oracle('d', (v: number) => v >= -0.5 && v < 0.25),
  )
  t.strictSame(
    await keys(c, `${BIG - 1n} < i64 < ${BIG + 1n}`),
    oracle('i64', (v: bigint) => v === BIG),
  )
  const inverted = 'invalid range: lowerbound is greater than upperbound'
  await refusesFilter(t, c, '6 < i32 < 0', inverted)
  await refusesFilter(t, c, '0 > i32 > 6', inverted)
  for (const filter of ['5 < i32 < 5', '5 <= i32 < 5', '5 < i32 <= 5', '5 > i32 > 5'])
    await refusesFilter(t, c, filter, 'invalid range')
  await refusesFilter(t, c, 'false < b < true', 'invalid range operations on boolean expr')
})

t.test('8.1.4 [P0] and or not in every spelling, deep and long', async t => {
  const { c } = await staged(t, withFields(FIELDS), ROWS)
  const both = oracle('i32', (v: number) => v > 0).filter(id => oracle('b', (v: boolean) => v).includes(id))
  for (const and of ['and', 'AND', '&&']) t.strictSame(await keys(c, `i32 > 0 ${and} b == true`), both, and)
  const either = oracle('i32', (v: number) => v === 5 || v === 6)
  for (const or of ['or', 'OR', '||']) t.strictSame(await keys(c, `i32 == 5 ${or} i32 == 6`), either, or)
  const neither = oracle('i32', (v: number) => v !== 5)
  for (const not of ['not', 'NOT', '!']) t.strictSame(await keys(c, `${not} (i32 == 5)`), neither, not)
  for (const True of ['true', 'True', 'TRUE']) t.ok((await keys(c, `b == ${True}`)).length > 0)
  await refusesFilter(t, c, 'i32 == 5 And b == true')
  await refusesFilter(t, c, 'i32 == 5 oR b == true')
  for (const depth of [50, 200]) {
    t.strictSame(
      await keys(c, `${'('.repeat(depth)}i32 == 5${')'.repeat(depth)}`),
      oracle('i32', (v: number) => v === 5),
    )
    t.strictSame(
      await keys(c, `${'not ('.repeat(depth)}i32 == 5${')'.repeat(depth)}`),
      oracle('i32', (v: number) => v === 5),
    )
  }
  const terms = Array.from({ length: 3000 }, (_, i) => `i32 == ${i * 5}`).join(' or ')
  t.strictSame(
    await keys(c, terms),
    oracle('i32', (v: number) => v >= 0 && v < 15_000 && v % 5 === 0),
  )
})

t.test('8.1.5 [P0] in and not in', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async c => {
    t.strictSame(
      await keys(c, 'i32 in [5]'),
      oracle('i32', (v: number) => v === 5),
    )
    const many = Array.from({ length: 6000 }, (_, i) => i - 3000)
    t.strictSame(
      await keys(c, `i32 in [${many}]`),
      oracle('i32', (v: number) => v >= -3000 && v < 3000),
    )
    t.strictSame(
      await keys(c, `i32 not in [${many}]`),
      oracle('i32', (v: number) => v < -3000 || v >= 3000),
    )
    t.strictSame(
      await keys(c, `i64 in [${INT64_MAX}, ${BIG}, 5, 5, 5]`),
      oracle('i64', (v: bigint) => v === INT64_MAX || v === BIG || v === 5n),
    )
    t.strictSame(
      await keys(c, 's in ["a", \'B\', "zażółć"]'),
      oracle('s', (v: string) => ['a', 'B', 'zażółć'].includes(v)),
    )
    t.strictSame(
      await keys(c, 's not in ["a"]'),
      oracle('s', (v: string) => v !== 'a'),
    )
    t.strictSame(
      await keys(c, 'b in [true]'),
      oracle('b', (v: boolean) => v),
    )
    t.strictSame(
      await keys(c, 'f in [0.1, 3]'),
      oracle('f', (v: number) => v === Math.fround(0.1) || v === 3),
    )
    t.strictSame(
      await keys(c, 'd in [0.1, 5]'),
      oracle('d', (v: number) => v === 0.1 || v === 5),
    )
    for (const name of Object.keys(VALUES)) {
      t.strictSame(await keys(c, `${name} in []`), [], name)
      t.equal((await keys(c, `${name} not in []`)).length, ROWS.length, name)
    }
  })
})

t.test('8.1.6 [P0] out-of-range literals on narrow integers give none or all', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async c => {
    for (const [name, bits] of [
      ['i8', 8n],
      ['i16', 16n],
      ['i32', 32n],
    ] as const) {
      const above = 2n ** (bits - 1n)
      const all = ROWS.length
      for (const [literal, over] of [
        [above, true],
        [INT64_MAX, true],
        [-above - 1n, false],
        [INT64_MIN, false],
      ] as const) {
        const tests = ['==', '!=', '<', '<=', '>', '>='].map(op => `${name} ${op} ${literal}`)
        tests.push(`${name} in [${literal}]`, `${name} not in [${literal}]`)
        const counts: number[] = []
        for (const filter of tests) counts.push(await c.count({ filter }))
        const [less, more] = over ? [all, 0] : [0, all]
        t.strictSame(counts, [0, all, less, less, more, more, 0, all], `${name} and ${literal}`)
      }
      t.equal(await c.count({ filter: `${-above - 1n} < ${name} < ${above}` }), all, 'a chain')
    }
  })
})

t.test('8.1.7 [P0] int64 boundaries are exact', async t => {
  const { db } = await everywhere(t, withFields(FIELDS), ROWS, async c => {
    for (const literal of [
      INT64_MIN,
      INT64_MIN + 1n,
      INT64_MAX,
      INT64_MAX - 1n,
      BIG,
      -BIG,
      BIG - 1n,
      BIG + 1n,
    ]) {
      t.strictSame(
        await keys(c, `i64 == ${literal}`),
        oracle('i64', (v: bigint) => v === literal),
        `== ${literal}`,
      )
      t.strictSame(
        await keys(c, `i64 > ${literal}`),
        oracle('i64', (v: bigint) => v > literal),
        `> ${literal}`,
      )
      t.strictSame(
        await keys(c, `i64 < ${literal}`),
        oracle('i64', (v: bigint) => v < literal),
        `< ${literal}`,
      )
    }
    t.strictSame(
      await keys(c, 'i64 == {v}', { v: BIG }),
      oracle('i64', (v: bigint) => v === BIG),
      'template',
    )
  })
  const c = await db.createCollection({ name: 'edges', ...withFields() })
  await c.insert([
    { id: INT64_MIN, vec: [0, 0] },
    { id: BIG, vec: [0, 0] },
    { id: BIG - 1n, vec: [0, 0] },
    { id: INT64_MAX, vec: [0, 0] },
  ])
  t.strictSame(await keys(c, `id in [${BIG}]`), [BIG])
  t.strictSame(await keys(c, ''), [INT64_MIN, BIG - 1n, BIG, INT64_MAX])
  await refusesFilter(t, c, 'id == 9223372036854775808')
})

t.test('8.1.8 [P0] FLOAT equality rounds the literal to float32', async t => {
  await everywhere(t, withFields(FIELDS), ROWS, async c => {
    t.strictSame(
      await keys(c, 'f == 0.1'),
      oracle('f', (v: number) => v === Math.fround(0.1)),
    )
    t.ok((await keys(c, 'f == 0.1')).length > 0)
    t.strictSame(
      await keys(c, 'f != 0.1'),
      oracle('f', (v: number) => v !== Math.fround(0.1)),
    )
    t.strictSame(
      await keys(c, 'f <= 0.1'),
      oracle('f', (v: number) => v <= Math.fround(0.1)),
    )
    t.strictSame(
      await keys(c, 'f > 0.1'),
      oracle('f', (v: number) => v > Math.fround(0.1)),
    )
    t.strictSame(await keys(c, 'f in [0.1]'), await keys(c, 'f == 0.1'))
    t.strictSame(
      await keys(c, 'f == 1e30'),
      oracle('f', (v: number) => v === Math.fround(1e30)),
    )
    t.strictSame(
      await keys(c, 'd == 0.1'),
      oracle('d', (v: number) => v === 0.1),
      'a double is not rounded',
    )
  })
})

t.test('8.1.9 [P0] varchar equality', async t => {
  const texts = [
    '',
    ' ',
    'say "hi"',
    "it's",
    'back\\slash',
    'tab\there',
    'zażółć gęślą',
    '🦅🦅',
    'a b',
    'A B',
    '%',
    'null',
    '{x}',
  ]
  const rows = texts.map((s, id) => ({ id, s, vec: [id, 0] }))
  const definition = withFields([{ name: 's', dataType: DataType.VarChar, maxLength: 64 }])
  await everywhere(t, definition, rows, async c => {
    for (const [id, s] of texts.entries()) {
      const single = s.replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/\t/g, '\\t')
      const found = [await keys(c, `s == ${JSON.stringify(s)}`), await keys(c, `s == '${single}'`)]
      found.push(await keys(c, 's == {v}', { v: s }))
      t.strictSame(found, [[id], [id], [id]], `"${s}", '${single}', as a template`)
      t.equal((await keys(c, `s != ${JSON.stringify(s)}`)).length, texts.length - 1)
    }
  })
})

t.test('8.1.10 [P0] like', async t => {
  const texts = ['', 'abc', 'abd', 'xabc', 'a%c', 'a_c', 'a\\c', 'a🦅c', 'ABC', 'a\nc', 'aac', 'ac']
  const rows = texts.map((s, id) => ({ id, s, vec: [id, 0] }))
  const definition = withFields([{ name: 's', dataType: DataType.VarChar, maxLength: 64 }])
  const of = (...wanted: string[]) => texts.flatMap((s, id) => (wanted.includes(s) ? [id] : []))
  await everywhere(t, definition, rows, async c => {
    t.strictSame(await keys(c, 's like "ab%"'), of('abc', 'abd'))
    t.strictSame(await keys(c, 's LIKE "%bc"'), of('abc', 'xabc'))
    t.strictSame(await keys(c, 's like "%b%"'), of('abc', 'abd', 'xabc'))
    t.strictSame(await keys(c, 's like "abc"'), of('abc'))
    t.strictSame(await keys(c, 's like "a_c"'), of('abc', 'a%c', 'a_c', 'a\\c', 'a🦅c', 'a\nc', 'aac'))
    t.strictSame(await keys(c, 's like r"a\\%c"'.replace('\\\\', '\\')), of('a%c'))
    t.strictSame(await keys(c, 's like "a\\\\%c"'), of('a%c'), 'unescaped by the literal first')
    t.strictSame(await keys(c, 's like "a\\\\_c"'), of('a_c'))
    t.strictSame(await keys(c, 's like "a\\\\\\\\c"'), of('a\\c'))
    t.strictSame(await keys(c, 's like "a%c"'), of('abc', 'a%c', 'a_c', 'a\\c', 'a🦅c', 'a\nc', 'aac', 'ac'))
    t.strictSame(await keys(c, 's like ""'), of(''))
    t.equal((await keys(c, 's like "%"')).length, texts.length)
    t.strictSame(await keys(c, 'not s like "%c%"'), of('', 'abd', 'ABC'))
    t.strictSame(await keys(c, 's like {p}', { p: 'x%' }), of('xabc'))
    await refusesFilter(t, c, 's like "a\\\\"', 'trailing backslash')
  })
})

/** Filters, and which rows they select. */
const SAME: Readonly<Record<string, (row: Row) => boolean>> = {
  'i32 == 5': row => row['i32'] === 5,
  'i64 > 0': row => (row['i64'] as bigint) > 0n,
  [`i64 == ${BIG}`]: row => row['i64'] === BIG,
  'f == 0.1 or s like "a%"': row => row['f'] === 0.1 || (row['s'] as string).startsWith('a'),
  'not (b == true) and d >= 0': row => row['b'] !== true && (row['d'] as number) >= 0,
  '0 <= i8 <= 127': row => (row['i8'] as number) >= 0,
  'i16 in [300, 0]': row => row['i16'] === 300 || row['i16'] === 0,
  's not in ["a", "B"]': row => row['s'] !== 'a' && row['s'] !== 'B',
  'i32 % 5 == 0': row => (row['i32'] as number) % 5 === 0,
  'b != false': row => row['b'] === true,
}
const selected = (filter: string): number[] =>
  ROWS.filter(row => SAME[filter]!(row)).map(row => row['id'] as number)

async function read<T>(pages: Promise<AsyncIterable<T[]>>): Promise<T[]> {
  const all: T[] = []
  for await (const page of await pages) all.push(...page)
  return all
}

t.test('8.1.26 [P0] the same in query, search, hybrid, delete, iterator and count', async t => {
  const { c, db } = await staged(t, withFields(FIELDS), ROWS.slice(0, 20))
  await c.flush()
  await c.insert(ROWS.slice(20))
  for (const [i, filter] of Object.keys(SAME).entries()) {
    const expected = selected(filter)
    t.strictSame(await keys(c, filter), expected, `query ${filter}`)
    t.equal(await c.count({ filter }), expected.length, `count ${filter}`)
    const numbers = (ids: unknown[]) => ids.map(Number).sort((a, b) => a - b)
    const [hits] = await c.search({ data: [[3, 1]], limit: 100, filter })
    t.strictSame(numbers(hitKeys(hits)), expected, `search ${filter}`)
    const requests = [{ data: [[3, 1]], filter }]
    const [fused] = await c.hybridSearch({ requests, limit: 100 })
    t.strictSame(numbers(hitKeys(fused)), expected, `hybrid ${filter}`)
    const paged: unknown[] = []
    for (let last = -1; ; ) {
      const page = await c.query({ filter: `id > ${last} and (${filter})`, outputFields: ['id'], limit: 3 })
      paged.push(...page.map(row => row['id']))
      if (page.length < 3) break
      last = Number(page.at(-1)!['id'])
    }
    t.strictSame(paged, expected, `pages ${filter}`)
    const rows = await read(c.queryIterator({ filter, batchSize: 3, outputFields: [] }))
    t.strictSame(
      rows.map(row => row['id']),
      expected,
      `query iterator ${filter}`,
    )
    const near = await read(c.searchIterator({ data: [[3, 1]], filter, batchSize: 3, outputFields: [] }))
    t.strictSame(numbers(hitKeys(near)), expected, `search iterator ${filter}`)
    const copy = await db.createCollection({ name: `copy${i}`, ...withFields(FIELDS) })
    await copy.insert(ROWS)
    const gone = await copy.delete({ filter })
    t.equal(gone.deleteCount, expected.length, `delete ${filter}`)
    t.strictSame(
      await keys(copy, ''),
      ROWS.map(row => row['id']).filter(id => !expected.includes(id as number)),
    )
  }
})

t.test('8.1.27 [P0] the same with every scalar index, in every place, after release and load', async t => {
  const definition = withFields([
    ...FIELDS,
    { name: 'j', dataType: DataType.JSON, nullable: true },
    { name: 'tags', dataType: DataType.Array, elementType: DataType.Int32, maxCapacity: 4, nullable: true },
    { name: 'n', dataType: DataType.Int64, nullable: true },
  ])
  const rows = ROWS.map((row, i) => ({
    ...row,
    j: i % 5 === 0 ? null : { k: i % 3, s: `x${i % 4}` },
    tags: i % 4 === 0 ? null : [i % 3, 7],
    n: i % 3 === 0 ? null : BigInt(i) - 20n,
  }))
  const filters = [
    ...Object.keys(SAME),
    'n != 3',
    'not (n > 0)',
    'n is null',
    'j["k"] == 1',
    'array_contains(tags, 2)',
    'not array_contains(tags, 2)',
    's like "%a%"',
    's > "a"',
    'exists j["s"]',
  ]
  const declared: readonly (readonly [string, string[], object?])[] = [
    ['INVERTED', ['b', 'i8', 'i16', 'i32', 'i64', 'f', 'd', 's', 'n', 'tags']],
    ['BITMAP', ['b', 'i8', 'i16', 'i32', 'i64', 's', 'n', 'tags']],
    ['STL_SORT', ['i8', 'i16', 'i32', 'i64', 'f', 'd', 's', 'n']],
    ['Trie', ['s']],
    ['NGRAM', ['s'], { min_gram: 2, max_gram: 3 }],
    ['AUTOINDEX', ['b', 'i8', 'i16', 'i32', 'i64', 'f', 'd', 's', 'n']],
  ]
  const plain = await staged(t, definition, rows, { indexRowsMin: 16 })
  const expected = new Map<string, unknown>()
  for (const filter of filters) expected.set(filter, await keys(plain.c, filter))
  for (const filter of Object.keys(SAME)) t.strictSame(expected.get(filter), selected(filter), filter)
  for (const [indexType, fields, params] of declared) {
    const c = await plain.db.createCollection({ name: `with_${indexType}`, ...definition })
    await c.insert(rows.slice(0, 20))
    await c.flush()
    for (const fieldName of fields) await c.createIndex({ fieldName, indexType, params: { ...params } })
    await c.insert(rows.slice(20))
    const check = async (place: string) => {
      for (const filter of filters)
        t.strictSame(await keys(c, filter), expected.get(filter), `${indexType} ${place}: ${filter}`)
    }
    await check('mixed')
    await c.flush()
    await check('flushed')
    await c.compact()
    await c.release()
    await c.load()
    await check('loaded again')
  }
})
