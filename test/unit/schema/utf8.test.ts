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

t.test('texts of every short length read back, from heaps small and large', async t => {
  for (const room of [200, 10_000]) {
    const heap = Buffer.alloc(room + 5, 0xaa).subarray(5)
    for (let length = 0; length <= 40; length++) {
      const ascii = Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * 7 + length) % 90))).join(
        '',
      )
      // A wide character in every place, so that it meets each way of reading.
      for (const text of [ascii, `é${ascii}`, `${ascii}漢`, `${ascii.slice(0, 9)}😀${ascii.slice(9)}`]) {
        const end = writeUtf8(heap, 11, text)
        if (readUtf8(heap, 11, end) !== text) t.fail(`${text} in ${room}`)
      }
    }
    t.equal(readUtf8(heap, 11, 11), '')
  }
})
