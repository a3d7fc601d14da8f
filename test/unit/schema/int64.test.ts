/** 64-bit integers as word pairs: exact over the whole range, one form per value. */
import t from 'tap'
import {
  INT64_MAX,
  INT64_MIN,
  int64InForm,
  int64OfWords,
  int64WordsOf,
  parseInt64,
  readInt64,
  writeInt64,
} from '../../../lib/schema/int64.js'
import { rng, seedOf } from '../../support/rng.js'

const EDGES: (number | bigint)[] = [
  0,
  1,
  -1,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32 - 1,
  2 ** 32,
  -(2 ** 32),
  -(2 ** 32) - 1,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  2n ** 53n,
  -(2n ** 53n),
  -(2n ** 53n) - 1n,
  INT64_MAX,
  INT64_MIN,
]

t.test('words → value is the inverse of value → words, and keeps the form', async t => {
  const words = new Int32Array(2)
  for (const value of EDGES) {
    const [lo, hi] = int64WordsOf(value)
    t.equal(int64OfWords(lo, hi), value)
    t.equal(int64OfWords(lo >>> 0, hi), value, 'an unsigned low word reads the same')
    writeInt64(words, 0, value)
    t.strictSame([words[0], words[1]], [lo, hi])
    t.equal(readInt64(words, 0), value)
    t.equal(BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo >>> 0)), BigInt(value))
  }
})

const seed = seedOf(3)
t.test(`any 64 bits survive (SEED=${seed})`, async t => {
  const r = rng(seed)
  for (let i = 0; i < 5000; i++) {
    const lo = r.int(2 ** 32) | 0
    const hi = (r.chance(0.3) ? r.int(8) - 4 : r.int(2 ** 32)) | 0
    const value = int64OfWords(lo, hi)
    if (typeof value === 'bigint' && Number.isSafeInteger(Number(value)))
      t.fail(`${value} should be a number`)
    const [lo2, hi2] = int64WordsOf(value)
    if (lo2 !== lo || hi2 !== hi) t.fail(`${value}`)
  }
})

t.test('readers choose the form', async t => {
  t.equal(int64InForm(5, 'auto'), 5)
  t.equal(int64InForm(2n ** 60n, 'auto'), 2n ** 60n)
  t.equal(int64InForm(5, 'bigint'), 5n)
  t.equal(int64InForm(2n ** 60n, 'number'), 2 ** 60)
  t.equal(int64InForm(-5, 'string'), '-5')
})

t.test('decimal text is read exactly or not at all', async t => {
  t.equal(parseInt64('42'), 42)
  t.equal(parseInt64('-0'), 0)
  t.equal(parseInt64('+7'), 7)
  t.equal(parseInt64('9223372036854775807'), INT64_MAX)
  t.equal(parseInt64('+9223372036854775807'), INT64_MAX)
  t.equal(parseInt64('-9223372036854775808'), INT64_MIN)
  t.equal(parseInt64('9007199254740993'), 9007199254740993n)
  for (const text of ['', ' 1', '1.0', '1e3', '0x1', '9223372036854775808', '-9223372036854775809', 'abc']) {
    t.equal(parseInt64(text), undefined, text)
  }
})

t.test('a value that is no Int64 is our own mistake', async t => {
  t.throws(() => int64WordsOf(1.5), /invariant broken/)
  t.throws(() => int64WordsOf(2 ** 53), /invariant broken/)
  t.throws(() => int64WordsOf(INT64_MAX + 1n), /invariant broken/)
})
