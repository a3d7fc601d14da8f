import t from 'tap'
import {
  bool,
  bytes,
  count,
  decode,
  double,
  encode,
  float,
  int32,
  int64,
  many,
  mapOf,
  message,
  optional,
  sub,
  text,
  uint32,
  uint64,
} from '../../../lib/wire/message.js'
import { ProtoReader, ProtoWriter } from '../../../lib/wire/protobuf.js'

const Inner = message('Inner', { name: text(1), n: int32(2) })
const Outer = message('Outer', {
  text: text(1),
  bytes: bytes(2),
  flag: bool(3),
  i32: int32(4),
  u32: uint32(5),
  i64: int64(6),
  u64: uint64(7),
  count: count(8),
  single: float(9),
  real: double(10),
  inner: sub(11, Inner),
  inners: many(sub(12, Inner)),
  numbers: many(int64(13)),
  reals: many(double(14)),
  names: many(text(15)),
  map: mapOf(16, text(0)),
  deep: mapOf(17, sub(0, Inner)),
  maybe: optional(int32(18)),
})

t.test('every kind survives a round trip, at its extremes', async t => {
  const value = {
    text: 'ž🐎',
    bytes: Uint8Array.of(0, 255),
    flag: true,
    i32: -(2 ** 31),
    u32: 2 ** 32 - 1,
    i64: -(2n ** 63n),
    u64: 2n ** 64n - 1n,
    count: Number.MAX_SAFE_INTEGER,
    single: 0.5,
    real: Math.PI,
    inner: { name: '', n: -1 },
    inners: [
      { name: 'a', n: 1 },
      { name: 'b'.repeat(200), n: 2 },
    ],
    numbers: [0n, -1n, 2n ** 62n],
    reals: [0, -0.5],
    names: ['', 'x'],
    map: new Map([
      ['k', 'v'],
      ['', ''],
    ]),
    deep: new Map([['k', { name: 'in', n: 7 }]]),
    maybe: 0,
  }
  const back = decode(Outer, encode(Outer, value))
  t.same({ ...back, bytes: [...back.bytes] }, { ...value, bytes: [...value.bytes] })
  t.equal(decode(Outer, encode(Outer, { count: -5 })).count, -5)
})

t.test('absent fields read as their defaults', async t => {
  const back = decode(Outer, Buffer.alloc(0))
  t.equal(encode(Outer, {}).length, 0)
  t.match(back, { text: '', flag: false, i64: 0n, numbers: [], inner: undefined, maybe: undefined })
})

t.test('unknown fields of every wire type are stepped over', async t => {
  const w = new ProtoWriter()
  for (const [wireType, write] of [
    [0, () => w.int64(2n ** 63n)],
    [1, () => w.double(1)],
    [2, () => w.string('skip me')],
    [5, () => w.float(1)],
  ] as const) {
    w.tag(100, wireType)
    write()
  }
  w.tag(1, 2)
  w.string('found')
  t.equal(decode(Outer, w.finish()).text, 'found')
})

t.test('lengths of 127 to 16,385 bytes get the right prefix, whatever was expected', async t => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 16_385]) {
    for (const expected of [0, 200, 20_000, 3_000_000]) {
      const w = new ProtoWriter(16)
      w.begin(1, expected)
      w.raw(new Uint8Array(length).fill(7))
      w.end()
      w.tag(2, 0)
      w.uint32(9)
      const reader = new ProtoReader(w.finish())
      t.equal(reader.next(), 1)
      t.equal(reader.bytes().filter(byte => byte === 7).length, length)
      t.equal(reader.next(), 2)
      t.equal(reader.uint32(), 9)
    }
  }
})

t.test('broken bytes are errors with code 1100', async t => {
  const broken = {
    'truncated text': [0x0a, 5, 65],
    'endless varint': [0x20, ...new Array(11).fill(0xff)],
    'cut varint': [0x20, 0x80],
    'field number 0': [0x02, 0],
    group: [0x0b],
    'wrong wire type': [0x0d, 0, 0, 0, 0],
    'length beyond the end': [0x5a, 0xff, 0xff, 0xff, 0xff, 0x0f],
    'cut float': [0x4d, 0, 0],
  }
  for (const [what, list] of Object.entries(broken)) {
    t.throws(
      () => decode(Outer, Uint8Array.from(list)),
      { code: 1100, message: /malformed protobuf message/ },
      what,
    )
  }
})
