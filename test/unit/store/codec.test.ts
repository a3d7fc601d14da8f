import t from 'tap'
import { bytesOf, writeU32 } from '../../../lib/base/bytes.js'
import {
  checkFormat,
  FORMAT_VERSION,
  FRAME,
  FRAME_HEADER_BYTES,
  frame,
  frameInto,
  packMap,
  unframe,
  unframeAt,
  unpackMap,
} from '../../../lib/store/codec.js'
import { formatKey, logKey } from '../../../lib/store/keys.js'
import { FaultStore } from '../../support/fault-store.js'
import { rng, seedOf } from '../../support/rng.js'

const seed = seedOf(1)

t.test('type bytes on disk never change', async t => {
  t.strictSame(FRAME, {
    format: 1,
    ceiling: 2,
    catalog: 3,
    manifest: 4,
    column: 7,
    deleteDelta: 8,
    log: 10,
  })
})

t.test(`a frame gives back its payload (SEED=${seed})`, async t => {
  const r = rng(seed)
  for (let run = 0; run < 100; run++) {
    const parts = Array.from({ length: r.int(4) }, () =>
      Uint8Array.from({ length: r.int(50) }, () => r.int(256)),
    )
    const bytes = frame(FRAME.catalog, parts)
    t.strictSame(Buffer.from(unframe(bytes, FRAME.catalog, 'x')), Buffer.concat(parts))
  }
})

t.test('a frame can be built in place, among others', async t => {
  const target = new Uint8Array(2 * FRAME_HEADER_BYTES + 5).fill(0xaa)
  target.set([1, 2], FRAME_HEADER_BYTES)
  const end = frameInto(target, 0, FRAME.column, 2)
  target.set([3, 4, 5], end + FRAME_HEADER_BYTES)
  t.equal(frameInto(target, end, FRAME.log, 3), target.length)
  const first = unframeAt(target, 0, 'x')
  t.strictSame([first.type, first.end, [...first.payload]], [FRAME.column, end, [1, 2]])
  const second = unframeAt(target, end, 'x')
  t.strictSame([second.type, second.end, [...second.payload]], [FRAME.log, target.length, [3, 4, 5]])
  t.throws(() => frameInto(target, end, FRAME.log, 4), { name: 'InvariantError' })
})

t.test('no bit of a frame can change unnoticed', async t => {
  const good = frame(FRAME.manifest, [Uint8Array.of(9, 8, 7, 6, 5)])
  for (let at = 0; at < good.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const bad = Uint8Array.from(good)
      bad[at]! ^= 1 << bit
      t.throws(() => unframe(bad, FRAME.manifest, 'the thing'), {
        reason: 'Corrupted',
        message: /^the thing /,
      })
    }
  }
  for (let length = 0; length < good.length; length++) {
    t.throws(() => unframe(good.subarray(0, length), FRAME.manifest, 'x'), {
      name: 'MilvusError',
      reason: 'Corrupted',
    })
  }
  t.throws(() => unframe(Buffer.concat([good, good]), FRAME.manifest, 'x'), {
    message: /bytes after its end/,
  })
  t.throws(() => unframe(good, FRAME.catalog, 'x'), {
    message: /another kind of record.*expected=type 3.*actual=4/,
  })
})

t.test('a frame of a newer layout is refused by name', async t => {
  const bytes = resummed(frame(FRAME.manifest, [Uint8Array.of(1)]), 1, 2)
  t.throws(() => unframe(bytes, FRAME.manifest, 'the manifest'), {
    reason: 'FormatTooNew',
    message: /the manifest is in layout version 2, .* reads versions up to 1; open the store with the newer/,
  })
})

t.test('a checksum over an impossible header does not make it possible', async t => {
  for (const [at, value] of [
    [0, 0],
    [1, 0],
    [2, 1],
    [3, 1],
  ] as const) {
    const bytes = resummed(frame(FRAME.manifest, [Uint8Array.of(1)]), at, value)
    t.throws(() => unframeAt(bytes, 0, 'x'), { reason: 'Corrupted', message: /impossible header/ })
  }
})

t.test('maps come back as they were', async t => {
  const value = {
    name: 'films',
    none: null,
    yes: true,
    numbers: [0, -1, 1.5, 2 ** 31, 2 ** 32, -(2 ** 40), Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY],
    wide: [5n, -5n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n],
    nested: { a: { b: [{ c: 'ü🦅' }] }, '7': [] },
  }
  t.strictSame(unpackMap(packMap(value)), value)
  t.strictSame(unpackMap(packMap({ a: 1, gone: undefined })), { a: 1 })
  const many = Array.from({ length: 50 }, (_, i) => packMap({ i, text: 'x'.repeat(i * 50) }))
  t.strictSame(
    many.map(bytes => (unpackMap(bytes) as { i: number }).i),
    Array.from({ length: 50 }, (_, i) => i),
  )
})

t.test('values that msgpack would change are a bug of ours', async t => {
  const bad = { name: 'InvariantError' }
  for (const value of [
    Float32Array.of(1),
    Buffer.from('x'),
    new Map(),
    new Date(0),
    () => 0,
    2n ** 64n,
    Symbol('x'),
  ]) {
    t.throws(() => packMap({ value }), bad)
  }
  const loop: unknown[] = []
  loop.push(loop)
  t.throws(() => packMap(loop), bad)
})

t.test('bytes that are no msgpack are corrupt', async t => {
  t.throws(() => unpackMap(Uint8Array.of(0x92, 1), 'the map'), { reason: 'Corrupted', message: /^the map / })
  t.throws(() => unpackMap(Uint8Array.of(1, 2)), { name: 'MilvusError', reason: 'Corrupted' })
})

t.test('a new store gets a format version, an old one keeps it', async t => {
  const store = new FaultStore()
  await checkFormat(store)
  t.equal(store.syncedCount, 1)
  await checkFormat(store)
  t.equal(store.writeCount, 1)
  const after = store.crash(0)
  t.ok(await after.get(formatKey()))
})

t.test('a newer store is refused, naming both versions and the remedy', async t => {
  const store = new FaultStore()
  await store.write([{ key: formatKey(), value: formatRecord(FORMAT_VERSION + 1) }], true)
  await t.rejects(checkFormat(store, '/data/films'), {
    reason: 'FormatTooNew',
    message:
      /\/data\/films is in store format 2, .* formats up to 1; open it with the newer kestreldb.*expected=1.*actual=2/,
  })
  await store.write([{ key: formatKey(), value: formatRecord(0) }], true)
  await t.rejects(checkFormat(store), { name: 'MilvusError', reason: 'Corrupted' })
  await store.write([{ key: formatKey(), value: frame(FRAME.format, [Uint8Array.of(1)]) }], true)
  await t.rejects(checkFormat(store), { name: 'MilvusError', reason: 'Corrupted' })
})

t.test('a directory that is not ours, or lost its format record, is left alone', async t => {
  const foreign = new FaultStore()
  await foreign.write([{ key: Buffer.from('!users!1'), value: Buffer.from('{}') }], true)
  await t.rejects(checkFormat(foreign), { reason: 'Corrupted', message: /of another program/ })
  const lost = new FaultStore()
  await lost.write([{ key: logKey(1, 1n), value: Buffer.from('x') }], true)
  await t.rejects(checkFormat(lost), { reason: 'Corrupted', message: /has lost its format record/ })
  t.equal(foreign.writeCount + lost.writeCount, 2)
})

function formatRecord(version: number): Uint8Array {
  return frame(FRAME.format, [bytesOf(Uint32Array.of(version))])
}

/** The frame with one header byte changed and a checksum that fits. */
function resummed(good: Uint8Array, at: number, value: number): Uint8Array {
  const bytes = Uint8Array.from(good)
  bytes[at] = value
  let sum = 0
  try {
    unframeAt(bytes, 0, 'x')
  } catch (error) {
    sum = Number(/actual=(0x[0-9a-f]{8})/.exec((error as Error).message)?.[1])
  }
  writeU32(bytes, 8, sum)
  return bytes
}
