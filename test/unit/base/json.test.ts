/** Exact JSON: nothing is rounded, nothing malformed gets in, merging keeps the spelling of numbers. */
import t from 'tap'
import { MilvusError } from '../../../lib/base/errors.js'
import { type JsonValue, mergeJsonObjects, parseJson, stringifyJson } from '../../../lib/base/json.js'
import { checkJson, jsonMembers } from '../../../lib/base/json-scan.js'
import { LIMITS } from '../../../lib/base/limits.js'
import { rng, runsOf, seedOf } from '../../support/rng.js'

function messageOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof MilvusError && error.code === 1100) return error.message
    throw error
  }
  throw new Error('expected an error')
}

t.test('integers beyond 2^53 come back exactly, as bigint', async t => {
  t.strictSame(parseJson('9007199254740993'), 9007199254740993n)
  t.strictSame(parseJson('[9007199254740991,9007199254740992]'), [9007199254740991, 9007199254740992n])
  t.strictSame(parseJson('{"a":-9223372036854775808,"b":1.5}'), { a: -9223372036854775808n, b: 1.5 })
  t.strictSame(parseJson('1234567890123456789012'), 1234567890123456789012n)
})

t.test('numbers with a fraction or exponent stay numbers', async t => {
  t.strictSame(
    parseJson('[1234567890123456.5,1e300,12345678901234568e0]'),
    [1234567890123456.5, 1e300, 12345678901234568],
  )
})

t.test('a long run of digits inside a string is just text', async t => {
  t.strictSame(parseJson('{"k":"9007199254740993","9007199254740993":"\\u00e9\\n"}'), {
    k: '9007199254740993',
    '9007199254740993': 'é\n',
  })
})

t.test('__proto__ is a key like any other', async t => {
  const value = parseJson('{"__proto__":12345678901234567890}') as Record<string, JsonValue>
  t.ok(Object.hasOwn(value, '__proto__'))
  t.equal(Object.getPrototypeOf(value), Object.prototype)
  t.equal(stringifyJson(value), '{"__proto__":12345678901234567890}')
})

const MALFORMED = [
  '',
  ' ',
  '{',
  '[1,]',
  '{"a":1,}',
  '{a:1}',
  "{'a':1}",
  '01',
  '1.',
  '.5',
  '+1',
  '-',
  '1e',
  'tru',
  'nul',
  'NaN',
  'Infinity',
  '"a',
  '"\\x"',
  '"\\u12g4"',
  '"a\nb"',
  '1 2',
  '{"a"}',
  '{"a":}',
  '[1 2]',
  'undefined',
]

t.test('malformed text is refused, by both parsers and by the scanner', async t => {
  for (const text of MALFORMED) {
    t.match(
      messageOf(() => parseJson(text)),
      /malformed JSON: unexpected .* at position \d+/,
      text,
    )
    t.match(
      messageOf(() => checkJson(text)),
      /malformed JSON/,
      `scanner: ${text}`,
    )
    // A long integer elsewhere forces our own parser.
    t.match(
      messageOf(() => parseJson(`[12345678901234567,${text}]`)),
      /malformed JSON/,
      `exact: ${text}`,
    )
  }
})

t.test('depth is bounded on the way in and out', async t => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  t.ok(parseJson(nested(LIMITS.jsonDepthMax)))
  t.match(
    messageOf(() => parseJson(nested(LIMITS.jsonDepthMax + 1))),
    /nested deeper than 200 levels/,
  )
  t.match(
    messageOf(() => checkJson(nested(100_000))),
    /nested deeper than 200 levels/,
  )
  t.match(
    messageOf(() => parseJson(`[12345678901234567,${nested(200)}]`)),
    /nested deeper/,
  )
  t.match(
    messageOf(() => jsonMembers(`{"a":${nested(200)}}`)),
    /nested deeper/,
  )
  let deep: unknown = 1
  for (let i = 0; i < 201; i++) deep = [deep]
  t.match(
    messageOf(() => stringifyJson(deep)),
    /nested deeper/,
  )
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  t.match(
    messageOf(() => stringifyJson(cycle)),
    /contains itself/,
  )
})

t.test('values that have a JSON form are written in it', async t => {
  t.equal(stringifyJson(null), 'null')
  t.equal(stringifyJson(2n ** 63n - 1n), '9223372036854775807')
  t.equal(stringifyJson(new Date(0)), '"1970-01-01T00:00:00.000Z"')
  t.equal(stringifyJson(Float32Array.of(0.5, 2)), '[0.5,2]')
  t.equal(stringifyJson(Buffer.from([1, 255])), '[1,255]')
  t.equal(stringifyJson(BigInt64Array.of(9007199254740993n)), '[9007199254740993]')
  t.equal(stringifyJson({ a: undefined, b: [undefined, true], c: {} }), '{"b":[null,true],"c":{}}')
  t.equal(stringifyJson({ toJSON: () => ({ x: 1 }) }), '{"x":1}')
  t.equal(stringifyJson('a"\\\n\u0001é\ud800'), JSON.stringify('a"\\\n\u0001é\ud800'))
  t.equal(stringifyJson('plain 漢字'), '"plain 漢字"')
})

t.test('values that have none are refused', async t => {
  const bad: unknown[] = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    undefined,
    () => 1,
    Symbol('s'),
    new Map(),
    new Set(),
    new Date(Number.NaN),
    new ArrayBuffer(1),
    new DataView(new ArrayBuffer(1)),
  ]
  for (const value of bad) {
    t.match(
      messageOf(() => stringifyJson(value)),
      /JSON cannot hold/,
    )
    if (value !== undefined)
      t.match(
        messageOf(() => stringifyJson({ a: [value] })),
        /JSON cannot hold/,
      )
  }
})

t.test('a merge takes the union of top-level keys, given wins, nested values are replaced', async t => {
  t.equal(
    mergeJsonObjects(
      '{"author": "John", "year": 2020, "tags": ["fiction"]}',
      '{"author":"Jane","genre":"fantasy"}',
    ),
    '{"author":"Jane","year":2020,"tags":["fiction"],"genre":"fantasy"}',
  )
  t.equal(mergeJsonObjects('{"a":{"x":1,"y":2}}', '{"a":{"x":3}}'), '{"a":{"x":3}}')
  t.equal(mergeJsonObjects('{"a":1}', '{"a":null}'), '{"a":null}')
  t.equal(mergeJsonObjects('{"a":1}', ' { } '), '{"a":1}')
  t.equal(mergeJsonObjects('{}', '{"b":2}'), '{"b":2}')
})

t.test('a merge keeps the spelling of numbers it does not replace', async t => {
  t.equal(
    mergeJsonObjects('{"z":1.0,"big":9007199254740993,"e":1E5}', '{"n":-0.0}'),
    '{"z":1.0,"big":9007199254740993,"e":1E5,"n":-0.0}',
  )
})

t.test('keys are compared as text, whatever their escapes', async t => {
  t.equal(mergeJsonObjects('{"\\u0061":1,"q\\"":2}', '{"a":3,"q\\u0022":4}'), '{"a":3,"q\\"":4}')
})

t.test('anything but two objects is a replacement; malformed text is refused', async t => {
  t.equal(mergeJsonObjects('{"a":1}', '[1]'), '[1]')
  t.equal(mergeJsonObjects('5', '{"a":1}'), '{"a":1}')
  t.equal(mergeJsonObjects('null', 'true'), 'true')
  for (const text of MALFORMED) messageOf(() => mergeJsonObjects('{"a":1}', text))
  t.match(
    messageOf(() => mergeJsonObjects('{"a":1}', '{"a":1} x')),
    /malformed JSON/,
  )
})

t.test('members are the top level of an object, the last of a repeated key', async t => {
  t.strictSame(
    [...jsonMembers(' {"a" : [1, 2] , "b":{"c":"}"},"a":3} ')!],
    [
      ['a', '3'],
      ['b', '{"c":"}"}'],
    ],
  )
  t.equal(jsonMembers('[1]'), null)
  t.strictSame([...jsonMembers('{}')!], [])
})

const seed = seedOf(7)
t.test(`what is written parses back to the same value (SEED=${seed})`, async t => {
  const r = rng(seed)
  const leaf = (): unknown =>
    r.pick([
      null,
      true,
      r.int(1000),
      r.next(),
      -1e-300,
      BigInt(r.int(2 ** 31)) * 2n ** 40n + 2n ** 60n,
      'q"\\\u2028é\u0000',
      '',
      r.letters(5),
    ])
  const value = (depth: number): unknown => {
    if (depth === 0 || r.chance(0.3)) return leaf()
    if (r.chance()) return Array.from({ length: r.int(4) }, () => value(depth - 1))
    return Object.fromEntries(
      Array.from({ length: r.int(4) }, (_, i) => [`${r.letters(3)}${i}`, value(depth - 1)]),
    )
  }
  for (let run = 0; run < runsOf(300); run++) {
    const one = value(4)
    const text = stringifyJson(one)
    t.strictSame(parseJson(text), one)
    checkJson(text)
  }
})

/** JSON.parse reads 1e400 as Infinity; ours refuses it. */
const refuseInfinite = (_key: string, value: unknown): unknown => {
  if (value === Infinity || value === -Infinity) throw new RangeError('infinite')
  return value
}

t.test(`our parsers and JSON.parse agree on what is JSON (SEED=${seed})`, async t => {
  const r = rng(seed + 1)
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '1',
    '-0.5e+3',
    'true',
    'null',
    ' ',
    '"\\n"',
    '"',
    '\\',
    '0',
  ]
  for (let run = 0; run < runsOf(3000); run++) {
    const text = Array.from({ length: 1 + r.int(8) }, () => r.pick(pieces)).join('')
    let legal = true
    try {
      JSON.parse(text, refuseInfinite)
    } catch {
      legal = false
    }
    let scanned = true
    try {
      checkJson(text)
    } catch {
      scanned = false
    }
    if (scanned !== legal) t.fail(`scanner says ${scanned}, JSON.parse says ${legal}: ${text}`)
    if (!legal) continue
    const padded = `[${text},12345678901234567]`
    t.strictSame((parseJson(padded) as JsonValue[])[0], JSON.parse(text), text)
  }
})

t.test('a number that would be infinite is refused, wherever it stands; long integers are not', async t => {
  for (const text of [
    '1e400',
    '-1e400',
    '[1,2e309]',
    '{"a": 1E+999}',
    `{"a":${'9'.repeat(400)}.5}`,
    '[12345678901234567e400]',
  ]) {
    t.throws(() => parseJson(text), { code: 1100, message: /beyond every number/ }, text)
    t.throws(() => checkJson(text), { code: 1100, message: /beyond every number/ }, text)
  }
  t.strictSame(parseJson('[1e308, 1e-400, "1e400", 1e0]'), [1e308, 0, '1e400', 1])
  t.equal(parseJson('9'.repeat(400)), BigInt('9'.repeat(400)))
})
