import t from 'tap'
import type { Store } from '../../../lib/store/store.js'
import { FaultStore, ioError } from '../../support/fault-store.js'
import { seedOf } from '../../support/rng.js'

const seed = seedOf(1)
const key = (n: number): Uint8Array => Uint8Array.of(1, n)
const put = (store: Store, n: number, sync: boolean): Promise<void> =>
  store.write(
    [
      { key: key(n), value: Uint8Array.of(n) },
      { key: key(n + 100), value: Uint8Array.of(n) },
    ],
    sync,
  )
const has = async (store: Store, n: number): Promise<boolean> => (await store.get(key(n))) !== undefined

t.test(`a crash keeps what was synced and a share of the rest, in whole batches (SEED=${seed})`, async t => {
  const store = new FaultStore({ seed })
  for (let n = 0; n < 100; n++) await put(store, n, n % 2 === 0)
  const after = store.crash(0.5)
  let survivors = 0
  for (let n = 0; n < 100; n++) {
    const alive = await has(after, n)
    t.equal(await has(after, n + 100), alive, 'never half a batch')
    if (n % 2 === 0) t.ok(alive, 'synced')
    else if (alive) survivors++
  }
  t.ok(survivors > 5 && survivors < 45, `${survivors} of 50 unsynced batches survived`)
  await t.rejects(store.get(key(0)), { name: 'MilvusError', reason: 'StoreClosed' })
  t.equal(after.crash(0).size, after.size, 'what survived one crash survives the next')
})

t.test('failures come where they were armed', async t => {
  const store = new FaultStore()
  store.failWrite(2)
  await put(store, 1, true)
  await t.rejects(put(store, 2, true), { name: 'MilvusError', reason: 'IoFailed' })
  await put(store, 3, true)
  t.notOk(await has(store, 2))
  store.failWrite(1, ioError('write'), true)
  await t.rejects(put(store, 4, true), { name: 'MilvusError', reason: 'IoFailed' })
  t.ok(await has(store, 4), 'the bytes arrived, the answer did not')
  t.notOk(await has(store.crash(0), 4), 'and nothing was promised')
})

t.test('reads, full disks and sticky failures', async t => {
  const store = new FaultStore()
  store.failRead(2)
  t.equal(await store.get(key(1)), undefined)
  await t.rejects(store.getMany([key(1)]), { name: 'MilvusError', reason: 'IoFailed' })
  store.failReads()
  await t.rejects(store.get(key(1)), { name: 'MilvusError', reason: 'IoFailed' })
  store.failReads(null)
  store.limitFreeBytes(10)
  await put(store, 1, true)
  await t.rejects(put(store, 2, true), { reason: 'DiskFull', code: 7 })
  store.limitFreeBytes(Number.POSITIVE_INFINITY)
  store.failWrites()
  await t.rejects(put(store, 2, true), { name: 'MilvusError', reason: 'IoFailed' })
  store.failWrites(null)
  await put(store, 2, true)
  t.equal(store.syncedCount, 2)
})

t.test('failures can be put around another store', async t => {
  const inner = new FaultStore()
  const outer = new FaultStore({ inner })
  await put(outer, 1, true)
  outer.failWrites()
  await t.rejects(put(outer, 2, true), { name: 'MilvusError', reason: 'IoFailed' })
  t.strictSame([await has(inner, 1), await has(inner, 2)], [true, false])
})
