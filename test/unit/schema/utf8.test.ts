/** Text in and out of byte heaps: the short and the long path, ordinary and shared memory. */
import t from 'tap'
import { isUtf8, readUtf8, writeUtf8 } from '../../../lib/schema/utf8.js'

const TEXTS = [
  '',
  'a',
  'short ascii',
  'é',
  '漢字かな',
  '😀',
  'x'.repeat(23),
  'x'.repeat(24),
  'x'.repeat(25),
  `${'x'.repeat(20)}é`,
  'é'.repeat(40),
]

t.test('what is written reads back, at any place', async t => {
  for (const text of TEXTS) {
    const target = Buffer.alloc(400, 0xaa)
    const end = writeUtf8(target, 7, text)
    t.equal(end - 7, Buffer.byteLength(text), text)
    t.equal(target[6], 0xaa)
    t.equal(target[end], 0xaa)
    t.equal(readUtf8(target, 7, end), text)
    const shared = new Uint8Array(new SharedArrayBuffer(500), 50, 400)
    shared.set(target)
    t.equal(readUtf8(shared, 7, end), text, 'a view into shared memory')
    t.ok(isUtf8(shared, 7, end))
  }
})

t.test('malformed bytes are told apart, and read as U+FFFD', async t => {
  for (const bytes of [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
    t.notOk(isUtf8(Uint8Array.from(bytes), 0, bytes.length))
    t.match(readUtf8(Uint8Array.from(bytes), 0, bytes.length), /\ufffd/)
  }
})
