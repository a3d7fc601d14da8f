import t from 'tap'
import { freeBytes } from '../../../lib/base/free-bytes.js'

const MIB = 1024 * 1024

t.test('bytes that were given back are empty, and so is what looks into them', async t => {
  const bytes = new Uint8Array(MIB).fill(7)
  const view = bytes.subarray(10, 20)
  freeBytes(bytes)
  t.equal(bytes.length, 0)
  t.equal(view.length, 0)
  t.doesNotThrow(() => freeBytes(bytes), 'giving them back twice is nothing')
})

t.test('their memory is counted no more at once, without a collection', async t => {
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 32; i++) {
    freeBytes(new Uint8Array(8 * MIB).fill(i))
    t.ok(process.memoryUsage().arrayBuffers < before + 8 * MIB, `after ${i + 1} buffers of 8 MiB`)
  }
})

t.test('few bytes, shared bytes and a part of a larger buffer are left alone', async t => {
  const few = new Uint8Array(1_000).fill(1)
  const shared = new Uint8Array(new SharedArrayBuffer(MIB)).fill(1)
  const whole = new Uint8Array(2 * MIB).fill(1)
  for (const bytes of [few, shared, whole.subarray(MIB)]) {
    const { length } = bytes
    freeBytes(bytes)
    t.equal(bytes.length, length)
    t.equal(bytes[0], 1)
  }
})
