/** 16-bit floats: every word survives a round trip, and rounding is IEEE's (fp16) or truncation (bf16). */
import t from 'tap'
import {
  bfloat16Into,
  bfloat16Of,
  float16Into,
  float16Of,
  numberOfBfloat16,
  numberOfFloat16,
  numbersOfBfloat16Into,
  numbersOfFloat16Into,
} from '../../../lib/schema/half-float.js'
import { rng, seedOf } from '../../support/rng.js'

t.test('every fp16 word that is no NaN survives word → number → word', async t => {
  let wrong = 0
  for (let word = 0; word < 0x10000; word++) {
    const value = numberOfFloat16(word)
    if (Number.isNaN(value)) {
      if (!Number.isNaN(numberOfFloat16(float16Of(value)))) wrong++
    } else if (float16Of(value) !== word) wrong++
  }
  t.equal(wrong, 0)
})

t.test('every bf16 word that is no NaN survives word → number → word', async t => {
  let wrong = 0
  for (let word = 0; word < 0x10000; word++) {
    const value = numberOfBfloat16(word)
    if (Number.isNaN(value)) {
      if (!Number.isNaN(numberOfBfloat16(bfloat16Of(value)))) wrong++
    } else if (bfloat16Of(value) !== word) wrong++
  }
  t.equal(wrong, 0)
})

t.test('known fp16 values', async t => {
  t.equal(float16Of(1), 0x3c00)
  t.equal(float16Of(-2), 0xc000)
  t.equal(float16Of(65504), 0x7bff)
  t.equal(float16Of(65519), 0x7bff, 'below half way to the next: stays finite')
  t.equal(float16Of(65520), 0x7c00, 'half way rounds to even, which is infinity')
  t.equal(float16Of(1e9), 0x7c00)
  t.equal(float16Of(Number.NEGATIVE_INFINITY), 0xfc00)
  t.equal(float16Of(-0), 0x8000)
  t.equal(float16Of(2 ** -24), 1)
  t.equal(float16Of(2 ** -25), 0, 'a tie goes to even')
  t.equal(float16Of(2 ** -25 * 1.0001), 1)
  t.equal(float16Of(3 * 2 ** -25), 2, 'a tie goes to even')
  t.ok(Number.isNaN(numberOfFloat16(float16Of(Number.NaN))))
})

const seed = seedOf(11)
t.test(`fp16 is the nearest of the two neighbours, ties to even (SEED=${seed})`, async t => {
  const r = rng(seed)
  for (let i = 0; i < 20_000; i++) {
    const value = Math.fround((r.next() - 0.5) * 2 ** (r.int(44) - 26))
    const word = float16Of(value)
    const error = Math.abs(numberOfFloat16(word) - value)
    for (const other of [word - 1, word + 1]) {
      if (((other ^ word) & 0x8000) !== 0 || (other & 0x7c00) === 0x7c00) continue
      const distance = Math.abs(numberOfFloat16(other) - value)
      if (distance < error || (distance === error && (word & 1) === 1)) {
        t.fail(`${value} became ${numberOfFloat16(word)}, ${numberOfFloat16(other)} is better`)
      }
    }
  }
})

t.test('bf16 keeps the upper half of the float32', async t => {
  t.equal(bfloat16Of(1), 0x3f80)
  t.equal(bfloat16Of(1.9999), 0x3fff, 'truncated, not rounded')
  t.equal(bfloat16Of(-3.3895313892515355e38), 0xff7f)
  t.ok(Number.isNaN(numberOfBfloat16(bfloat16Of(Number.NaN))))
})

t.test('array forms write at an offset and touch nothing else', async t => {
  const words = new Uint16Array(4)
  float16Into(words, 1, [1, -2], 2)
  t.strictSame([...words], [0, 0x3c00, 0xc000, 0])
  const numbers: number[] = []
  numbersOfFloat16Into(numbers, 0, words, 1, 2)
  t.strictSame(numbers, [1, -2])
  bfloat16Into(words, 1, Float32Array.of(1, -2), 2)
  const floats = new Float32Array(3)
  numbersOfBfloat16Into(floats, 1, words, 1, 2)
  t.strictSame([...floats], [0, 1, -2])
})
