import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openLevelStore, storeError } from '../../../lib/store/level-store.js'
import type { ScanRange, Store } from '../../../lib/store/store.js'

const key = (n: number): Uint8Array => Uint8Array.of(n >>> 8, n)
const value = (n: number, length = 10): Uint8Array => new Uint8Array(length).fill(n)
const all: ScanRange = { gte: key(0), lt: key(0xffff) }

async function open(t: Test): Promise<Store> {
  const store = await openLevelStore(join(t.testdir(), 'db'))
  t.teardown(() => store.close())
  return store
}

async function keysOf(store: Store, range: ScanRange, blockSize?: number): Promise<number[]> {
  const keys: number[] = []
  for await (const block of store.scan(range, blockSize)) {
    t.ok(block.length <= (blockSize ?? 1_000), 'a block is no larger than asked for')
    for (const [k] of block) keys.push(k[0]! * 256 + k[1]!)
  }
  return keys
}

t.test('what was written is read, in the order asked for', async t => {
  const store = await open(t)
  await store.write([], true)
  await store.write([{ key: key(1), value: value(1) }], true)
  await store.write(
    [
      { key: key(2), value: value(2) },
      { key: key(1), value: null },
      { key: key(3), value: new Uint8Array(0) },
    ],
    false,
  )
  t.equal(await store.get(key(1)), undefined)
  t.strictSame([...(await store.get(key(2)))!], [...value(2)])
  const many = await store.getMany([key(3), key(1), key(2)])
  t.strictSame(
    many.map(v => v?.length),
    [0, undefined, 10],
  )
  await store.write([{ key: key(2), value: null }], false)
  t.equal(await store.get(key(2)), undefined)
})

t.test('scans are ordered, bounded, reversible and read in blocks', async t => {
  const store = await open(t)
  const order = [5, 300, 2, 256, 255, 1, 4, 3]
  await store.write(
    order.map(n => ({ key: key(n), value: value(n) })),
    false,
  )
  const sorted = [...order].sort((a, b) => a - b)
  t.strictSame(await keysOf(store, all), sorted)
  t.strictSame(await keysOf(store, all, 3), sorted)
  t.strictSame(await keysOf(store, { ...all, reverse: true }, 2), [...sorted].reverse())
  t.strictSame(await keysOf(store, { gte: key(3), lt: key(256) }), [3, 4, 5, 255])
  t.strictSame(await keysOf(store, { ...all, limit: 2 }), [1, 2])
  t.strictSame(await keysOf(store, { ...all, limit: 1, reverse: true }), [300])
  t.strictSame(await keysOf(store, { gte: key(6), lt: key(7) }), [])
  await store.clear(key(2), key(5))
  t.strictSame(await keysOf(store, all), [1, 5, 255, 256, 300])
})

t.test('a block of large values ends before it fills the memory', async t => {
  const store = await open(t)
  for (let n = 0; n < 12; n++) await store.write([{ key: key(n), value: value(n, 1024 * 1024) }], false)
  const sizes: number[] = []
  for await (const block of store.scan(all)) sizes.push(block.length)
  t.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    12,
  )
  t.ok(Math.max(...sizes) <= 5, `blocks of ${sizes}`)
})

t.test('values are safe to keep and to change', async t => {
  const store = await open(t)
  await store.write([{ key: key(1), value: value(1) }], false)
  const first = (await store.get(key(1)))!
  first.fill(9)
  const [second] = await store.getMany([key(1)])
  t.strictSame([...second!], [...value(1)])
  for await (const block of store.scan(all)) block[0]![1].fill(7)
  t.strictSame([...(await store.get(key(1)))!], [...value(1)])
})

t.test('a scan left early does not keep the store from closing', async t => {
  const store = await open(t)
  await store.write(
    [1, 2, 3].map(n => ({ key: key(n), value: value(n) })),
    false,
  )
  for await (const block of store.scan(all, 1)) {
    t.equal(block.length, 1)
    break
  }
  await store.close()
  await store.close()
})

t.test('what was synced is there after reopening', async t => {
  const directory = join(t.testdir(), 'db')
  const first = await openLevelStore(directory)
  await first.write([{ key: key(1), value: value(1) }], true)
  await first.close()
  const second = await openLevelStore(directory)
  t.ok(await second.get(key(1)))
  await second.close()
})

t.test('a second handle in the same process sees the same store', async t => {
  const directory = join(t.testdir(), 'db')
  const main = await openLevelStore(directory)
  const worker = await openLevelStore(directory, { shared: true })
  await main.write([{ key: key(1), value: value(1) }], false)
  t.ok(await worker.get(key(1)))
  await worker.write([{ key: key(2), value: value(2) }], true)
  await worker.close()
  t.ok(await main.get(key(2)), 'closing one handle leaves the other open')
  await main.close()
})

t.test('a shared handle does not create a store', async t => {
  await t.rejects(openLevelStore(join(t.testdir(), 'none'), { shared: true }), {
    reason: 'IoFailed',
    code: 1001,
  })
})

t.test('a closed store says so', async t => {
  const store = await open(t)
  await store.close()
  const closed = { reason: 'StoreClosed', code: 1005, message: /it was closed; open it again/ }
  await t.rejects(store.get(key(1)), closed)
  await t.rejects(store.getMany([key(1)]), closed)
  await t.rejects(store.write([{ key: key(1), value: value(1) }], true), closed)
  await t.rejects(
    store.write(
      [1, 2].map(n => ({ key: key(n), value: null })),
      true,
    ),
    closed,
  )
  await t.rejects(store.clear(key(1), key(2)), closed)
  await t.rejects(keysOf(store, all), closed)
})

t.test('closing lets running operations end first', async t => {
  const store = await open(t)
  const writes = Array.from({ length: 20 }, (_, n) => store.write([{ key: key(n), value: value(n) }], true))
  const reads = Array.from({ length: 20 }, (_, n) => store.get(key(n)))
  await store.close()
  await t.resolves(Promise.all([...writes, ...reads]))
})

t.test('a path that cannot be a directory is an IO error with its cause', async t => {
  const directory = t.testdir({ file: 'x' })
  const error = await openLevelStore(join(directory, 'file')).catch((e: unknown) => e)
  t.match(error, { name: 'MilvusError', reason: 'IoFailed', kind: 'system', cause: Error })
})

t.test('a damaged directory is corrupt, not empty', async t => {
  const directory = join(t.testdir(), 'db')
  mkdirSync(directory)
  writeFileSync(join(directory, 'CURRENT'), 'MANIFEST-0000')
  const error = await openLevelStore(directory).catch((e: unknown) => e)
  t.match(error, { name: 'MilvusError', reason: 'Corrupted', cause: Error })
})

t.test('errors of LevelDB and the file system become ours, cause kept', async t => {
  const cases = [
    ['LEVEL_IO_ERROR', 'IO error: /d/000005.log: No space left on device', 'DiskFull', 7],
    ['LEVEL_IO_ERROR', 'IO error: /d/000005.log: Disk quota exceeded', 'DiskFull', 7],
    ['ENOSPC', 'ENOSPC: mkdir', 'DiskFull', 7],
    ['LEVEL_IO_ERROR', 'IO error: /d/000005.log: Input/output error', 'IoFailed', 1001],
    ['', 'Operation failed', 'IoFailed', 1001],
    ['LEVEL_CORRUPTION', 'Corruption: block checksum mismatch', 'Corrupted', 1002],
    ['', 'Corruption: bad block', 'Corrupted', 1002],
    ['LEVEL_DATABASE_NOT_OPEN', 'Database is not open', 'StoreClosed', 1005],
    ['LEVEL_ITERATOR_NOT_OPEN', 'Iterator is not open', 'StoreClosed', 1005],
  ] as const
  for (const [code, message, reason, number] of cases) {
    const cause = Object.assign(new Error(message), code === '' ? {} : { code })
    const error = storeError('/d', 'write', cause)
    t.match(error, { reason, code: number, message: /\/d/ }, message)
    t.equal(error.cause, cause)
    t.equal(storeError('/d', 'read', error), error, 'an error of ours passes through')
  }
})
