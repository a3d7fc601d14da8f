/**
 * The sorts behind scalar indexes against the plain comparison: 64-bit integers at their ends, doubles of every size,
 * texts that share long beginnings, end in zeros, or are equal.
 */
import t from 'tap'
import { integerKeyHigh, setDoubleKey, sortedByKey, sortedTexts } from '../../../lib/index/sort-keys.js'
import { rng } from '../../support/rng.js'

t.test('integers come in their numeric order, equal ones in the order of their entries', async t => {
  const random = rng(1)
  const edges = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -(2n ** 32n), 2n ** 31n, 65_536n]
  const values = Array.from({ length: 3000 }, () =>
    random.chance(0.3) ? random.pick(edges) : BigInt(random.between(-(2 ** 40), 2 ** 40)),
  )
  const high = Uint32Array.from(values, v => integerKeyHigh(Number(v >> 32n)))
  const low = Uint32Array.from(values, v => Number(v & 0xffffffffn))
  const order = sortedByKey({ high, low }, values.length)
  const expected = values
    .map((_, i) => i)
    .sort((a, b) => (values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : a - b))
  t.strictSame([...order], expected)
})

t.test('doubles come in their numeric order; -0 and 0 are one key', async t => {
  const random = rng(2)
  const edges = [
    0,
    -0,
    Number.MIN_VALUE,
    -Number.MIN_VALUE,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    Infinity,
    -Infinity,
  ]
  const values = Array.from({ length: 2000 }, () =>
    random.chance(0.3) ? random.pick(edges) : (random.next() - 0.5) * 10 ** random.between(-300, 300),
  )
  const keys = { high: new Uint32Array(values.length), low: new Uint32Array(values.length) }
  for (const [i, value] of values.entries()) setDoubleKey(keys, i, value)
  const order = sortedByKey(keys, values.length)
  const expected = values
    .map((_, i) => i)
    .sort((a, b) => (values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : a - b))
  t.strictSame([...order], expected)
})

function textsOf(values: readonly string[]) {
  const parts = values.map(value => Buffer.from(value, 'utf8'))
  const starts = new Uint32Array(values.length + 1)
  parts.forEach((part, i) => {
    starts[i + 1] = starts[i]! + part.length
  })
  return { parts, texts: { heap: Buffer.concat(parts), starts } }
}

const LISTS: readonly {
  readonly what: string
  readonly make: (i: number, dice: ReturnType<typeof rng>) => string
}[] = [
  { what: 'words', make: (_, dice) => 'word'.repeat(dice.int(3)) + dice.int(50) },
  {
    what: 'long common beginnings',
    make: (_, dice) => `${'x'.repeat(40)}${dice.int(9)}${'y'.repeat(dice.int(20))}`,
  },
  { what: 'zeros at the end', make: (_, dice) => `ab${'\0'.repeat(dice.int(12))}` },
  {
    what: 'zeros within',
    make: (_, dice) => Array.from({ length: dice.int(14) }, () => dice.pick(['\0', 'a', 'é'])).join(''),
  },
  { what: 'equal texts', make: () => 'the same text everywhere' },
  {
    what: 'eight bytes exactly',
    make: (_, dice) => dice.pick(['12345678', '12345678', '123456789', '1234567']),
  },
]

for (const { what, make } of LISTS) {
  t.test(`texts come in the order of their bytes: ${what}`, async t => {
    // More than are compared one by one, so that the radix passes run.
    for (const count of [0, 1, 300, 9000]) {
      const dice = rng(count + 3)
      const { parts, texts } = textsOf(Array.from({ length: count }, (_, i) => make(i, dice)))
      const expected = parts.map((_, i) => i).sort((a, b) => Buffer.compare(parts[a]!, parts[b]!) || a - b)
      t.strictSame([...sortedTexts(texts, count)], expected, `${count} texts`)
    }
  })
}
