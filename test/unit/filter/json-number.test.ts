/** Numbers in JSON text: exact integers, correctly rounded doubles, whatever the spelling. */
import t from 'tap'
import { loadNumber } from '../../../lib/filter/json-number.js'
import { Kind, register } from '../../../lib/filter/register.js'
import { rng, runsOf, seedOf } from '../../support/rng.js'

/** The number in a text, read from the middle of a longer one; undefined when it is none. */
function numberOf(text: string): bigint | number | undefined {
  const heap = Buffer.from(`9${text}9`)
  register.kind = Kind.Missing as Kind
  loadNumber(heap, 1, heap.length - 1)
  if (register.kind === Kind.Int) return (BigInt(register.high) << 32n) | BigInt(register.low >>> 0)
  return register.kind === Kind.Double ? register.double : undefined
}

t.test('integers are exact to the ends of int64, doubles beyond', async t => {
  for (const value of [
    0n,
    1n,
    -1n,
    4294967295n,
    -4294967296n,
    999999999999999n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ]) {
    t.equal(numberOf(String(value)), value)
  }
  t.equal(numberOf('-0'), 0n)
  t.equal(numberOf('9223372036854775808'), 2 ** 63)
  t.equal(numberOf('-9223372036854775809'), -(2 ** 63))
  t.equal(numberOf('1'.repeat(400)), Number.POSITIVE_INFINITY)
})

t.test('what is no number is missing', async t => {
  for (const text of ['', '-', '--1', '1.', '.5', '1e', '1e+', '1.5x', '1x', 'abc', '1.2.3', '0x10']) {
    t.equal(numberOf(text), undefined, text)
  }
})

const seed = seedOf(4)
t.test(`random spellings agree with the language (SEED=${seed})`, async t => {
  const dice = rng(seed)
  const digits = (most: number): string =>
    Array.from({ length: 1 + dice.int(most) }, () => String(dice.int(10))).join('')
  const count = runsOf(20_000)
  for (let i = 0; i < count; i++) {
    const whole = dice.chance(0.3)
      ? '0'
      : `${1 + dice.int(9)}${dice.chance() ? digits(dice.pick([3, 12, 22])) : ''}`
    const fraction = dice.chance(0.7) ? `.${digits(dice.pick([2, 8, 20]))}` : ''
    const exponent = dice.chance(0.4)
      ? `${dice.pick(['e', 'E', 'e-', 'E+', 'e+'])}${dice.int(dice.pick([5, 30, 320]))}`
      : ''
    const text = `${dice.chance() ? '-' : ''}${whole}${fraction}${exponent}`
    const found = numberOf(text)
    const integer = fraction === '' && exponent === '' && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
    const expected = integer ? BigInt(text) : Number(text)
    if (found !== expected && !(found === 0 && expected === 0))
      t.fail(`${text}: found ${found}, expected ${expected}`)
  }
  t.pass(`${count} numbers`)
})
