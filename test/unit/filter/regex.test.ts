/** Regular expressions: RE2 syntax, unanchored, on bytes, in linear time (query-search-semantics §1.10). */
import t from 'tap'
import { regexTest } from '../../../lib/filter/regex.js'
import { testText } from '../../../lib/filter/text-test.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { rng, runsOf, seedOf } from '../../support/rng.js'
import { matches, refusal, schemaOf, tableOf } from './fixture.js'

function found(pattern: string, text: string): boolean {
  const bytes = Buffer.from(`~${text}~`, 'utf8')
  return testText(regexTest(pattern), bytes, 1, bytes.length - 1)
}

/** pattern, texts it is found in, texts it is not found in. */
const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['^ab', ['ab', 'abc'], ['cab', '']],
  ['ab$', ['ab', 'cab'], ['abc', 'ab\n']],
  ['^$', [''], ['a', '\n']],
  ['', ['', 'x'], []],
  ['a|bc', ['a', 'xbcx'], ['b', 'cb']],
  ['colou?r', ['color', 'colour'], ['colouur']],
  ['a.c', ['abc', 'a\nc', 'a中c', 'a😀c'], ['ac', 'abbc']],
  ['(?-s)a.c', ['abc'], ['a\nc']],
  ['(?s)a.c', ['a\nc'], []],
  ['(?i)straße', ['STRAßE', 'straße'], ['strasse']],
  ['(?i)[a-c]x', ['AX', 'bX'], ['dx']],
  ['a(?i)b', ['ab', 'aB'], ['Ab']],
  ['(?i:a)b', ['Ab', 'ab'], ['aB']],
  ['(?i)ключ', ['КЛЮЧ', 'Ключ'], ['клю']],
  ['(?i)k', ['K', '\u212a'], ['j']],
  ['(?m)^b$', ['a\nb\nc', 'b'], ['ab']],
  ['^b$', ['b'], ['a\nb\nc']],
  ['\\Ab\\z', ['b'], ['b\n', 'ab']],
  ['\\bfoo\\b', ['a foo b', 'foo'], ['food', 'afoo']],
  ['\\Boo', ['foo'], ['oo']],
  ['\\d{3}-\\d{2,}', ['123-45', 'x123-456'], ['12-345', '123-4']],
  ['^\\w+$', ['abc_1'], ['a b', 'é']],
  ['^\\s$', [' ', '\t'], ['\u00a0', '\v']],
  ['[^\\d\\s]', ['a'], ['1 2']],
  ['[\\D]', ['a'], ['12']],
  ['^[[:alpha:]]+[[:^alpha:]]$', ['abc1'], ['abcd']],
  ['[]a]', [']', 'a'], ['b']],
  ['[^]a]', ['b'], [']', 'a']],
  ['[a\\-z]', ['-', 'z'], ['b']],
  ['[a-]', ['-', 'a'], ['b']],
  ['^[é-ë]$', ['ê'], ['e', 'ì']],
  ['^[^a]$', ['中', '\n', '😀'], ['a', 'bb']],
  ['\\pL+\\p{Nd}', ['é5'], ['5', '..5']],
  ['^\\p{Greek}+$', ['αβγ'], ['abc']],
  ['^\\P{Greek}+$', ['abc'], ['α']],
  ['^\\p{^Greek}$', ['a'], ['α']],
  ['\\Qa.c\\E', ['a.c'], ['abc']],
  ['\\Qab\\E+$', ['abbb'], ['aab.']],
  ['\\x41\\x{4e2d}\\101\\t', ['A中A\t'], ['A']],
  ['\\.\\*\\[\\]\\(\\)\\/\\-', ['.*[]()/-'], ['x']],
  ['(?P<year>\\d+)-(?<m>\\d+)', ['2024-05'], ['2024']],
  ['(?:ab){2}', ['abab'], ['ab']],
  ['a{2}', ['aa'], ['a']],
  ['a{,2}', ['a{,2}'], ['aa']],
  ['a{', ['a{'], ['a']],
  ['^a*?$', ['', 'aaa'], ['b']],
  ['^(a*)*$', ['', 'aaa'], ['b']],
  ['^(a|b)*c', ['abbac', 'c'], ['abd']],
  ['x{0}y', ['y'], ['x']],
  ['(|a)b', ['b', 'ab'], ['a']],
]

for (const [pattern, yes, no] of CASES) {
  t.test(`regex ${JSON.stringify(pattern)}`, async t => {
    for (const text of yes) t.ok(found(pattern, text), `finds ${JSON.stringify(text)}`)
    for (const text of no) t.notOk(found(pattern, text), `does not find ${JSON.stringify(text)}`)
  })
}

const BAD: readonly (readonly [string, string])[] = [
  ['(abc', 'missing closing )'],
  ['[abc', 'missing closing ]'],
  ['abc)', 'unexpected )'],
  ['*a', 'missing argument to repetition operator'],
  ['a**', 'invalid nested repetition operator'],
  ['a++', 'invalid nested repetition operator'],
  ['a{1001}', 'invalid repeat count'],
  ['a{3,2}', 'invalid repeat count'],
  ['a{1,1001}', 'invalid repeat count'],
  ['a{1001,}', 'invalid repeat count'],
  ['(?=a)', 'invalid or unsupported Perl syntax'],
  ['(?!a)', 'invalid or unsupported Perl syntax'],
  ['(?<=a)b', 'invalid or unsupported Perl syntax'],
  ['(?<!a)b', 'invalid or unsupported Perl syntax'],
  ['(?>a)', 'invalid or unsupported Perl syntax'],
  ['(?P<n', 'invalid named capture'],
  ['(a)\\1', 'invalid escape sequence'],
  ['\\k', 'invalid escape sequence'],
  ['\\x', 'invalid escape sequence'],
  ['\\Z', 'invalid escape sequence'],
  ['\\C', 'invalid escape sequence'],
  ['\\p{NoSuch}', 'invalid character class range'],
  ['\\p', 'invalid character class range'],
  ['[b-a]', 'invalid character class range'],
  ['[[:nope:]]', 'invalid character class range'],
  ['a\\', 'trailing backslash'],
  ['((a{1000}){1000}){2}', 'too large'],
  [`${'('.repeat(5000)}`, 'nests too deeply'],
]

for (const [pattern, why] of BAD) {
  t.test(`refuses the regex ${JSON.stringify(pattern.slice(0, 30))}`, async t => {
    t.throws(() => regexTest(pattern), {
      message: new RegExp(`^invalid regex pattern: .*${why.replace(/[)\]]/g, '\\$&')}`),
    })
  })
}

t.test('time is linear where backtracking would explode', async t => {
  const text = `${'a'.repeat(60_000)}b`
  t.notOk(found('^(a+)+$', text))
  t.notOk(found('(a|aa)*c', text))
  t.ok(found('(x+x+)+y|b', text))
})

t.test('a pattern with very many states forgets and goes on', async t => {
  const dice = rng(5)
  const pattern = '(a|b)*a(a|b){12}$'
  for (let i = 0; i < 20; i++) {
    const text = Array.from({ length: 2000 }, () => dice.pick(['a', 'b'])).join('')
    t.equal(found(pattern, text), text.at(-13) === 'a')
  }
})

const seed = seedOf(99)
t.test(`random patterns agree with JavaScript's engine (SEED=${seed})`, async t => {
  const dice = rng(seed)
  const atom = (depth: number): string => {
    if (depth > 0 && dice.chance(0.3)) return `(?:${expression(depth - 1)})`
    return dice.pick([
      'a',
      'b',
      'c',
      '中',
      '😀',
      '.',
      '[ab]',
      '[^a]',
      '\\d',
      '\\w',
      '[a-c中]',
      '\\b',
      '\\B',
      '^',
      '$',
      '\\n',
      '1',
    ])
  }
  const expression = (depth: number): string => {
    const branch = () =>
      Array.from({ length: 1 + dice.int(3) }, () => {
        const piece = atom(depth)
        return dice.chance(0.4) ? `(?:${piece})${dice.pick(['*', '+', '?', '{2}', '{1,2}', '{0,1}'])}` : piece
      }).join('')
    return Array.from({ length: 1 + dice.int(2) }, branch).join('|')
  }
  let yes = 0
  const count = runsOf(600)
  for (let i = 0; i < count; i++) {
    const pattern = expression(2)
    const reference = new RegExp(pattern, 'su')
    for (let k = 0; k < 12; k++) {
      const text = Array.from({ length: dice.int(6) }, () =>
        dice.pick(['a', 'b', 'c', '1', '中', '😀', ' ', '\n']),
      ).join('')
      const expected = reference.test(text)
      if (expected) yes++
      if (found(pattern, text) !== expected) {
        t.fail(`${pattern} on ${JSON.stringify(text)}: expected ${expected}`)
        return
      }
    }
  }
  t.ok(yes > count && yes < count * 11, `${yes} matches`)
})

t.test('in filters: columns, paths, elements, negation, templates, errors', async t => {
  const schema = schemaOf(
    [
      { name: 's', dataType: DataType.VarChar, maxLength: 50, nullable: true },
      { name: 'n', dataType: DataType.Int64 },
      { name: 'arr', dataType: DataType.Array, elementType: DataType.VarChar, maxCapacity: 3, maxLength: 10 },
      { name: 'j', dataType: DataType.JSON },
    ],
    true,
  )
  const table = tableOf(schema, [
    { s: 'abc123', n: 1, arr: ['x1'], j: { k: 'id-7' }, dyn: 'Hello' },
    { s: '', n: 2, arr: [], j: { k: 5 }, dyn: 5 },
    { s: null, n: 3, arr: ['q', 'x2'], j: {} },
    { s: '") or true #', n: 4, arr: ['\\d'], j: { k: 'a\\b' } },
  ])
  const of = (text: string, rows: number[], values?: Record<string, unknown>) =>
    t.same(matches(table, text, values), rows, text)
  of('s =~ "\\d+$"', [1])
  of('s =~ "\\\\d+$"', [1])
  of('s =~ r"\\d+$"', [1])
  of('s =~ "^$"', [2])
  of('s !~ "^a"', [2, 4])
  of('not s =~ "^a"', [2, 4])
  of('j["k"] =~ "^id-\\d$"', [1])
  of('j["k"] !~ "zzz"', [1, 4])
  of('j["k"] =~ "a\\\\\\\\b"', [4])
  of('dyn =~ "(?i)hello"', [1])
  of('arr[0] =~ "^x"', [1])
  of('arr[1] =~ "^x"', [3])
  of('s =~ {p}', [4], { p: '^"\\)' })
  t.match(refusal(schema, 'n =~ "1"'), 'regex match on non-string or non-json field is unsupported')
  t.match(refusal(schema, 'nope["k"]["z"] =~ "("'), 'missing closing')
  for (const right of ['1', 'true', '["a"]', 's', '1.5']) {
    t.match(refusal(schema, `s =~ ${right}`), 'string literal or template variable', right)
  }
  const fixed = schemaOf([{ name: 's', dataType: DataType.VarChar, maxLength: 5 }])
  t.match(refusal(fixed, 'nope =~ "a"'), 'field nope not exist')
})
