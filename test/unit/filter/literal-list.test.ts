/**
 * Long lists of plain literals, read in one go: the same constants as token by token, and the long way for all else.
 */
import t from 'tap'
import type { Node } from '../../../lib/filter/ast.js'
import { constantOf } from '../../../lib/filter/fold.js'
import { readLiterals } from '../../../lib/filter/literal-list.js'
import { parseFilter } from '../../../lib/filter/parser.js'

/** Constants of the list in `x in <list>`, however it was read. */
function constants(list: string): { readonly quick: boolean; readonly items: unknown } {
  const node = parseFilter(`x in ${list}`)
  if (node.kind !== 'in') throw new Error('an `in` was parsed')
  const right: Node = node.right
  const literal = constantOf({ text: list, templates: {}, constants: new Map(), values: new Map() }, right)
  return { quick: right.kind === 'literals', items: literal?.kind === 'list' ? literal.items : null }
}

const many = (make: (i: number) => string, count = 20): string =>
  `[${Array.from({ length: count }, (_, i) => make(i)).join(', ')}]`

t.test('integers and strings', async t => {
  const ints = constants(many(i => `${i - 10}`))
  t.ok(ints.quick)
  t.strictSame(
    ints.items,
    Array.from({ length: 20 }, (_, i) => ({ kind: 'int', value: BigInt(i - 10) })),
  )
  const texts = constants(many(i => `"t${i} 'é' 😀"`))
  t.ok(texts.quick)
  t.strictSame(
    texts.items,
    Array.from({ length: 20 }, (_, i) => ({ kind: 'string', value: `t${i} 'é' 😀` })),
  )
  t.strictSame(constants(many(i => `'${i}'`)).items, constants(many(i => `"${i}"`)).items, 'both quotes')
})

t.test('large integers keep every digit', async t => {
  const values = [
    '999999999999999999',
    '-999999999999999999',
    '9007199254740993',
    '-1',
    '0',
    '100000000000000',
    '9223372036854775807',
    '-9223372036854775807',
    '-9223372036854775808',
    '1000000000000000000',
    '-4294967296000000000',
  ]
  const { quick, items } = constants(many(i => values[i % values.length]!))
  t.ok(quick)
  t.strictSame(
    items,
    Array.from({ length: 20 }, (_, i) => ({ kind: 'int', value: BigInt(values[i % values.length]!) })),
  )
})

for (const odd of ['1.5', '0x10', '007', '"a"', 'true', '1 + 1', '-(3)', 'u8"x"', '[1]']) {
  t.test(`the whole list goes the long way for ${odd}`, async t => {
    const list = many(i => (i === 15 ? odd : `${i}`))
    t.equal(readLiterals(list, 0), null)
    const { quick, items } = constants(list)
    t.notOk(quick)
    t.equal((items as readonly unknown[]).length, 20)
  })
}

t.test('short lists, unfinished ones and empty places are not read here', async t => {
  for (const list of [
    '[]',
    '[1]',
    many(String, 15),
    '[1,',
    '["a',
    `${many(String).slice(0, -1)},]`,
    '[1 2]',
    '[,1]',
    '[-]',
  ])
    t.equal(readLiterals(list, 0), null, list)
  t.ok(readLiterals(many(String, 16), 0))
  t.ok(readLiterals(`[\n 1\t,${many(String, 16).slice(1)}`, 0), 'white space')
})
