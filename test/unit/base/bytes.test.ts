import t from 'tap'
import {
  bytesOf,
  compareBytes,
  crc32,
  elementBytes,
  readI32,
  readU16,
  readU32,
  readU32BE,
  readU64BE,
  toHex,
  writeU16,
  writeU32,
  writeU32BE,
  writeU64BE,
} from '../../../lib/base/bytes.js'
import { rng, seedOf } from '../../support/rng.js'

const seed = seedOf(1)

t.test(`numbers come back as they were written, at any offset (SEED=${seed})`, async t => {
  const r = rng(seed)
  const view = new DataView(new ArrayBuffer(32))
  const bytes = new Uint8Array(view.buffer)
  for (let run = 0; run < 300; run++) {
    const at = r.int(20)
    const word = r.pick([0, 1, 0x7fffffff, 0x80000000, 0xffffffff, r.int(2 ** 32)])
    writeU32(bytes, at, word)
    t.equal(view.getUint32(at, true), word)
    t.equal(readU32(bytes, at), word)
    t.equal(readI32(bytes, at), word | 0)
    writeU32BE(bytes, at, word)
    t.equal(view.getUint32(at, false), word)
    t.equal(readU32BE(bytes, at), word)
    writeU16(bytes, at, word & 0xffff)
    t.equal(readU16(bytes, at), word & 0xffff)
    const id = r.pick([0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Math.floor(r.next() * 2 ** 53)])
    writeU64BE(bytes, at, id)
    t.equal(view.getBigUint64(at, false), BigInt(id))
    t.equal(readU64BE(bytes, at), id)
  }
})

t.test('an id that is no whole number below 2^53 is a bug of ours', async t => {
  for (const id of [-1, 0.5, 2 ** 53, Number.NaN]) {
    t.throws(() => writeU64BE(new Uint8Array(8), 0, id), { name: 'InvariantError' })
  }
})

t.test('views share memory, and the checksum is the one of gzip', async t => {
  const floats = Float32Array.of(1, 2, 3)
  t.equal(bytesOf(floats.subarray(1)).byteOffset, 4)
  t.equal(toHex(elementBytes(floats, 1, 2)), '00000040')
  t.equal(crc32(Buffer.from('123456789')), 0xcbf43926)
  t.equal(crc32(Buffer.from('6789'), crc32(Buffer.from('12345'))), 0xcbf43926)
  t.ok(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0)) < 0)
})
