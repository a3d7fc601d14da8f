/** Checklist 8.3: filters on JSON fields and dynamic keys. Every check runs on a declared field and on dynamic keys. */
import t from 'tap'
import { DataType, type Row } from '../../lib/index.js'
import { everywhere, INT64_MAX, keys, refusesFilter, selects, staged, withFields } from './fixture.js'

const DEFINITION = withFields([{ name: 'j', dataType: DataType.JSON, nullable: true }], {
  enableDynamicField: true,
})
/** One JSON value per row; `null` is a null field, and for the dynamic field a row without keys. */
const DOCS: readonly (Record<string, unknown> | null)[] = [
  { k: 1, a: { b: 'x' }, list: [1, 'two', [3]], yes: true, s: 'xyz' },
  { k: 1.5, a: { b: 'y' }, list: [], yes: false, s: 'abc' },
  { k: '1', a: [], list: 'none', yes: 'true', s: 5 },
  { k: null, a: null, list: null },
  null,
  { k: INT64_MAX - 7n, list: [INT64_MAX - 7n], big: 2n ** 53n + 1n },
  { k: -3, a: { b: { c: [{ d: 1 }] } }, list: [2, 4], 'odd/key ~.': 1, ü: 'ä' },
  { k: true, list: [true, 'a'] },
  { k: 4.0, list: [1.0, 2.5] },
]
const ROWS: Row[] = DOCS.map((doc, id) => ({ id, vec: [id, 0], j: doc, ...doc }))

/** The filter as written for the declared field, for `$meta`, and for bare dynamic keys. */
function spellings(filter: string): string[] {
  const bare = filter.replace(/j\["([a-z]+)"\]/g, '$1')
  return [filter, filter.replaceAll('j[', '$meta['), bare]
}

async function checkAll(
  t: Parameters<typeof everywhere>[0],
  wanted: Readonly<Record<string, readonly number[]>>,
) {
  await everywhere(t, DEFINITION, ROWS, async (c, place) => {
    const all: Record<string, readonly number[]> = {}
    for (const [filter, ids] of Object.entries(wanted)) {
      // All spellings where rows are in memory and sealed at once; elsewhere one will do.
      for (const form of place === 'mixed' ? spellings(filter) : [filter]) all[form] = ids
    }
    await selects(t, c, all, place)
  })
}

t.test('8.3.1 [P0] paths, nested keys, list positions, dynamic keys', async t => {
  await checkAll(t, {
    'j["k"] == 1': [0],
    'j["k"] > 1': [1, 5, 8],
    'j["k"] == "1"': [2],
    'j["k"] == true': [7],
    'j["yes"] == true': [0],
    'j["yes"] != true': [1],
    'j["a"]["b"] == "x"': [0],
    'j["a"]["b"] >= "x"': [0, 1],
    'j["list"][0] == 1': [0, 8],
    'j["list"][1] == "two"': [0],
    'j["list"][2][0] == 3': [0],
    'j["a"]["b"]["c"][0]["d"] == 1': [6],
    'j["odd/key ~."] == 1': [6],
    'j["ü"] == "ä"': [6],
    '1 < j["k"] < 5': [1, 8],
    '"a" < j["s"] < "b"': [1],
    'j["k"] in [1, 4]': [0, 8],
    'j["k"] in ["1"]': [2],
  })
})

t.test('8.3.2 [P0] missing, JSON null and other types are unknown, for negative operators too', async t => {
  await checkAll(t, {
    'j["k"] != 1': [1, 5, 6, 8],
    'j["k"] != "2"': [2],
    'not (j["k"] > 5)': [0, 1, 6, 8],
    'not (j["k"] == "1")': [],
    'j["k"] not in [1]': [1, 5, 6, 8],
    'not (j["k"] in ["zzz"])': [2],
    'j["nope"] == 1': [],
    'j["nope"] != 1': [],
    'not (j["nope"] == 1)': [],
    'not j["s"] like "a%"': [0],
    'j["list"][9] != 1': [],
    'j["k"] == 1 or j["k"] != 1': [0, 1, 5, 6, 8],
    // One of the two is unknown about every row: they must not become one list.
    'j["k"] != 1 and j["k"] != "2"': [],
    'j["k"] not in [1] and j["k"] not in ["2"]': [],
    'not (j["k"] == 1 or j["k"] == "2")': [],
    'j["k"] != 1 and j["k"] != 4': [1, 5, 6],
  })
})

t.test('8.3.3 [P0] numbers match numerically and large integers exactly', async t => {
  const large = INT64_MAX - 7n
  await checkAll(t, {
    'j["k"] == 1.0': [0],
    'j["k"] == 4': [8],
    'j["k"] == 4.0': [8],
    'j["k"] == 1.5': [1],
    [`j["k"] == ${large}`]: [5],
    [`j["k"] == ${large + 1n}`]: [],
    [`j["k"] < ${large}`]: [0, 1, 6, 8],
    [`j["k"] in [${INT64_MAX}, 1.5]`]: [1],
    [`j["k"] in [${large}, 1.5]`]: [1, 5],
    [`j["k"] not in [${INT64_MAX}, 1.5]`]: [0, 5, 6, 8],
    [`j["big"] == ${2n ** 53n}`]: [],
    [`j["big"] == ${2n ** 53n + 1n}`]: [5],
    'j["k"] in [1, "1", true]': [0, 2, 7],
    [`json_contains(j["list"], ${large})`]: [5],
    [`json_contains(j["list"], ${large + 1n})`]: [],
  })
})

t.test('8.3.4 [P0] json_contains, _all, _any', async t => {
  await checkAll(t, {
    'json_contains(j["list"], 1)': [0, 8],
    'JSON_CONTAINS(j["list"], 1.0)': [0, 8],
    'json_contains(j["list"], "two")': [0],
    'json_contains(j["list"], true)': [7],
    'json_contains(j["list"], [3])': [0],
    'json_contains_all(j["list"], [1, "two"])': [0],
    'JSON_CONTAINS_ALL(j["list"], [2, 4])': [6],
    'json_contains_any(j["list"], [4, true, 2.5])': [6, 7, 8],
    'JSON_CONTAINS_ANY(j["list"], ["none"])': [],
    'array_contains(j["list"], 2)': [6],
    'json_contains_any(j["list"], [[3], 4])': [0, 6],
    'json_contains_all(j["list"], [[3], "two"])': [0],
    'json_contains_any(j["list"], [[4]])': [],
    'not json_contains(j["list"], 1)': [1, 5, 6, 7],
    'json_contains_all(j["list"], [])': [0, 1, 2, 3, 4, 5, 6, 7, 8],
    'not json_contains_any(j["list"], [])': [0, 1, 2, 3, 4, 5, 6, 7, 8],
  })
  const { c } = await staged(t, DEFINITION)
  await refusesFilter(
    t,
    c,
    'json_contains_all(j["list"], 1)',
    'ContainsAll operation element must be an array',
  )
  await refusesFilter(
    t,
    c,
    'json_contains_any(j["list"], "a")',
    'ContainsAny operation element must be an array',
  )
  await refusesFilter(
    t,
    c,
    'json_contains(id, 1)',
    'contains operation are only supported on json or array fields now',
  )
})

t.test('8.3.5 [P0] a declared field shadows the dynamic key', async t => {
  const made = await staged(t, withFields([], { enableDynamicField: true }), [
    { id: 1, vec: [0, 0], x: 10 },
    { id: 2, vec: [0, 0], x: 20 },
  ])
  t.strictSame(await keys(made.c, 'x == 10'), [1])
  await made.c.addField({ name: 'x', dataType: DataType.Int64, nullable: true })
  const check = async () => {
    t.strictSame(await keys(made.c, 'x == 10'), [], 'the declared field is null')
    t.strictSame(await keys(made.c, 'x is null'), [1, 2])
    t.strictSame(await keys(made.c, '$meta["x"] == 10'), [1])
    t.strictSame(await keys(made.c, '$meta["x"] > 5'), [1, 2])
  }
  await check()
  await made.c.compact()
  await check()
  await made.reopen()
  await check()
})

t.test('8.3.6 [P1] exists', async t => {
  await checkAll(t, {
    'exists j["k"]': [0, 1, 2, 5, 6, 7, 8],
    'EXISTS j["a"]': [0, 1, 6],
    'not exists j["a"]': [2, 3, 4, 5, 7, 8],
    'exists j["list"]': [0, 2, 5, 6, 7, 8],
    'exists j["nope"]': [],
  })
  const { c } = await staged(t, DEFINITION, [
    { id: 1, vec: [0, 0], j: { e: {}, l: [], deep: { x: { y: [] } } } },
    { id: 2, vec: [0, 0], j: { e: { x: 0 }, l: [0], deep: { x: { y: [1] } } } },
  ])
  for (const key of ['e', 'l', 'deep']) t.strictSame(await keys(c, `exists j["${key}"]`), [2], key)
  await refusesFilter(t, c, 'exists id', 'exists operations are only supportted on json field')
})

t.test('8.3.7 [P1] is null and is not null on a path mirror exists', async t => {
  await checkAll(t, {
    'j["k"] is null': [3, 4],
    'j["k"] is not null': [0, 1, 2, 5, 6, 7, 8],
    'j["a"] is null': [2, 3, 4, 5, 7, 8],
    'j["a"]["b"] is not null': [0, 1, 6],
    'j["nope"] is null': [0, 1, 2, 3, 4, 5, 6, 7, 8],
  })
})

t.test('8.3.8 [P1] arithmetic on a path', async t => {
  await checkAll(t, {
    'j["k"] + 1 > 3': [5, 8],
    'j["k"] - 1 == 0': [0],
    'j["k"] * 2 == 3.0': [1],
    'not (j["k"] + 1 > 3)': [0, 1, 6],
    'j["nope"] + 1 > 0': [],
    'j["s"] + 1 == 6': [2],
  })
  const { c } = await staged(
    t,
    DEFINITION,
    [1, 2, -4, '2', null].map((k, id) => ({ id, vec: [0, 0], j: { k } })),
  )
  t.strictSame(await keys(c, 'j["k"] % 2 == 0'), [1, 2])
  t.strictSame(await keys(c, 'j["k"] % 2 != 0'), [0])
})

t.test('8.3.9 [P1] like and regex on a path', async t => {
  await checkAll(t, {
    'j["s"] like "x%"': [0],
    'j["s"] like "%c"': [1],
    'j["s"] =~ "^[xa]"': [0, 1],
    'j["s"] !~ "^x"': [1],
    'j["k"] like "1"': [2],
    'j["nope"] =~ "x"': [],
  })
})

t.test('8.3.10 [P1] array_length on a path', async t => {
  await checkAll(t, {
    'array_length(j["list"]) == 2': [6, 7, 8],
    'array_length(j["list"]) >= 0': [0, 1, 5, 6, 7, 8],
    'not (array_length(j["list"]) == 2)': [0, 1, 5],
    'ARRAY_LENGTH(j["list"]) == 0': [1],
    '1 < array_length(j["list"]) <= 3': [0, 6, 7, 8],
  })
})

t.test('8.3.11 [P1] containment in a JSON field whose root is a list', async t => {
  const roots = [[1, 2], ['a'], { a: 1 }, 'a', null, [[1]], []]
  const rows = roots.map((j, id) => ({ id, vec: [0, 0], j }))
  await everywhere(t, withFields([{ name: 'j', dataType: DataType.JSON, nullable: true }]), rows, async c => {
    t.strictSame(await keys(c, 'json_contains(j, 1)'), [0])
    t.strictSame(await keys(c, 'json_contains(j, "a")'), [1])
    t.strictSame(await keys(c, 'json_contains(j, [1])'), [5])
    t.strictSame(await keys(c, 'json_contains_any(j, ["a", 2])'), [0, 1])
    t.strictSame(await keys(c, 'json_contains_all(j, [2, 1])'), [0])
    t.strictSame(await keys(c, 'not json_contains(j, 1)'), [1, 5, 6])
  })
})

t.test('8.3.12 [P1] templates inside containment', async t => {
  await everywhere(t, DEFINITION, ROWS, async c => {
    t.strictSame(await keys(c, 'json_contains_any(j["list"], {list})', { list: [4, 'two'] }), [0, 6])
    t.strictSame(await keys(c, 'json_contains_all(j["list"], {list})', { list: [2, 4] }), [6])
    t.strictSame(await keys(c, 'json_contains(j["list"], {v})', { v: 1 }), [0, 8])
    t.strictSame(await keys(c, 'json_contains_any(list, {list})', { list: [] }), [])
    t.strictSame(await keys(c, 'j["k"] in {list}', { list: [1, '1'] }), [0, 2])
  })
})

t.test('8.3.13 [P1] a JSON path index never changes results', async t => {
  const filters = [
    'j["k"] == 1',
    'j["k"] != 1',
    'j["k"] > 1',
    'j["k"] == "1"',
    'j["k"] in [1, "1", true]',
    'not (j["k"] > 5)',
    'exists j["k"]',
    'j["k"] is null',
    `j["k"] == ${INT64_MAX - 7n}`,
    'j["s"] like "x%"',
    'json_contains(j["list"], 1)',
    'json_contains_any(j["list"], ["a", 4])',
    'array_length(j["list"]) == 2',
    'j["yes"] == true',
    'j["yes"] != false',
    'j["k"] + 1 > 3',
  ]
  // Four times the rows: a segment gets an index from 16 rows on.
  const rows = [0, 100, 200, 300].flatMap(plus =>
    ROWS.map(row => ({ ...row, id: (row['id'] as number) + plus })),
  )
  const made = await staged(t, DEFINITION, rows, { indexRowsMin: 16 })
  const expected = await Promise.all(filters.map(filter => keys(made.c, filter)))
  const casts: readonly (readonly [string, string])[] = [
    ['j["k"]', 'DOUBLE'],
    ['j["k"]', 'VARCHAR'],
    ['j["k"]', 'BOOL'],
    ['j["k"]', 'JSON'],
    ['j["s"]', 'varchar'],
    ['j["yes"]', 'BOOL'],
    ['j["list"]', 'ARRAY_DOUBLE'],
    ['j["list"]', 'ARRAY_VARCHAR'],
    ['j["list"]', 'ARRAY_BOOL'],
  ]
  for (const [i, [path, cast]] of casts.entries()) {
    const c = await made.db.createCollection({ name: `with${i}`, ...DEFINITION })
    await c.insert(rows.slice(0, 20))
    await c.flush()
    await c.createIndex({
      fieldName: 'j',
      indexType: 'INVERTED',
      params: { json_path: path, json_cast_type: cast },
    })
    await c.insert(rows.slice(20))
    for (const place of ['mixed', 'compacted']) {
      for (const [f, filter] of filters.entries())
        t.strictSame(await keys(c, filter), expected[f], `${path} ${cast} ${filter} ${place}`)
      await c.compact()
    }
  }
})

t.test('8.3.14 [P2] an unquoted key and a broken path', async t => {
  const { c } = await staged(t, DEFINITION, ROWS)
  await refusesFilter(t, c, 'j[k] == 1', 'json key must be enclosed in double quotes or single quotes')
  await refusesFilter(t, c, 'j["k" == 1')
  await refusesFilter(t, c, 'j[] == 1')
})

t.test('8.3.15 [P2] a list compared as a whole', async t => {
  await checkAll(t, {
    'j["list"] == [2, 4]': [6],
    'j["list"] == [4, 2]': [],
    'j["list"] != [2, 4]': [0, 1, 5, 7, 8],
  })
})
