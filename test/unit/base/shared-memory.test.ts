import t from 'tap'
import { copyIntoShared, memoryReleased } from '../../../lib/base/shared-memory.js'
import { vectorArray } from '../../../lib/index/simd-kernels.js'
import { rng, seedOf } from '../../support/rng.js'

const seed = seedOf(31)

t.test(`bytes are copied whatever their alignment (SEED=${seed})`, async t => {
  const random = rng(seed)
  const source = new Uint8Array(300_000).map(() => random.int(256))
  for (let i = 0; i < 200; i++) {
    const buffer = random.chance() ? new SharedArrayBuffer(400_000) : new ArrayBuffer(400_000)
    const target = new Uint8Array(buffer, random.int(40))
    const from = random.int(40)
    const length = random.int(random.chance() ? 8_000 : 290_000)
    const at = random.int(90_000)
    copyIntoShared(target, source.subarray(from, from + length), at)
    const copied = Buffer.from(target.slice(at, at + length))
    t.ok(copied.equals(source.subarray(from, from + length)), `${length} bytes from ${from} to ${at}`)
    const around = [target.subarray(0, at), target.subarray(at + length)]
    t.ok(
      around.every(bytes => bytes.every(byte => byte === 0)),
      'nothing else is written',
    )
  }
  const small = new Uint8Array(new SharedArrayBuffer(10_000))
  t.throws(() => copyIntoShared(small, source.subarray(1, 9_001), 1_001), RangeError, 'too long')
})

t.test('memory that was released is collected, although V8 does not count it', async t => {
  let made = 0
  let gone = 0
  // Not WeakRefs: asking one keeps what it refers to.
  const registry = new FinalizationRegistry(() => gone++)
  const columnBytes = 32 * 1024 * 1024
  const makeColumn = (): void => {
    const { buffer } = vectorArray(columnBytes / 400, 100)
    t.ok(buffer instanceof SharedArrayBuffer)
    registry.register(buffer, made++)
  }
  for (let i = 0; i < 24; i++) {
    makeColumn()
    memoryReleased(columnBytes)
    // V8 marks between two rounds of the event loop, and what is made meanwhile stays until the next time.
    await new Promise(resolve => setTimeout(resolve, 30))
  }
  t.ok(made - gone <= 8, `${made - gone} of ${made} columns are still there`)
})
