import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hybridOfTick, tickOfWallMs } from '../../../lib/base/timestamp.js'
import { Turn } from '../../../lib/base/turn.js'
import { replayLog } from '../../../lib/log/log-reader.js'
import { logKey } from '../../../lib/store/keys.js'
import { openLevelStore } from '../../../lib/store/level-store.js'
import type { Store } from '../../../lib/store/store.js'
import { FaultStore } from '../../support/fault-store.js'
import { deleteRecord } from '../../support/log-records.js'

const START = tickOfWallMs(Date.UTC(2026, 0, 1))

async function append(
  store: Store,
  collectionId: number,
  tick: number,
  pk: number,
  previousTick?: number,
): Promise<number> {
  const value = deleteRecord([[tick, [pk]]], previousTick)
  await store.write([{ key: logKey(collectionId, hybridOfTick(tick)), value }], true)
  return value.length
}

async function replayed(store: Store, collectionId: number, after: number) {
  const found: [number, number][] = []
  const result = await replayLog(store, collectionId, after, ({ tick, delete: remove }) => {
    const pk = remove!.pk
    found.push([tick - START, pk.layout === 'fixed' ? pk.values[0]! : -1])
  })
  return { found, result }
}

t.test('a log is replayed in the order of its ticks, from any of them on', async t => {
  const store = new FaultStore()
  for (const n of [3, 1, 5000, 2]) await append(store, 7, START + n, n)
  const bytes = await append(store, 8, START + 4, 4)
  const whole = await replayed(store, 7, 0)
  t.strictSame(whole.found, [
    [1, 1],
    [2, 2],
    [3, 3],
    [5000, 5000],
  ])
  t.strictSame(whole.result, { records: 4, lastTick: START + 5000, bytes: 4 * bytes })
  const rest = await replayed(store, 7, START + 2)
  t.strictSame(rest.found, [
    [3, 3],
    [5000, 5000],
  ])
  const none = await replayed(store, 7, START + 5000)
  t.strictSame(none, { found: [], result: { records: 0, lastTick: START + 5000, bytes: 0 } })
})

t.test('a damaged record stops the replay and is named', async t => {
  const store = new FaultStore()
  for (const n of [1, 2, 3]) await append(store, 7, START + n, n)
  store.corrupt(logKey(7, hybridOfTick(START + 2)), 20)
  const found: number[] = []
  const replay = replayLog(store, 7, 0, ({ tick }) => found.push(tick - START))
  await t.rejects(replay, {
    reason: 'Corrupted',
    code: 1002,
    message:
      /^log record 2 after tick 0 of collection 7 \(key 0x030000000000000007[0-9a-f]{16}\) does not match its checksum/,
  })
  t.strictSame(found, [1], 'records before it were handed out, none after it')
})

t.test('a record that is missing altogether is noticed by the one after it', async t => {
  const at = (n: number): number => START + n
  const linked = async (): Promise<FaultStore> => {
    const store = new FaultStore()
    await append(store, 7, at(1), 1, 0)
    await append(store, 7, at(2), 2, at(1))
    await append(store, 7, at(5), 5, at(2))
    await append(store, 7, at(9), 9)
    await append(store, 7, at(10), 10, at(9))
    return store
  }
  t.equal((await replayed(await linked(), 7, 0)).result.records, 5)
  for (const checkpoint of [at(1), at(2), at(3), at(5), at(9), at(10)]) {
    const { found } = await replayed(await linked(), 7, checkpoint)
    t.equal(found[0]?.[0] ?? null, [2, 5, 9, 10].find(n => at(n) > checkpoint) ?? null)
  }
  const lost = { name: 'MilvusError', reason: 'Corrupted', message: /follows a record that is missing/ }
  for (const n of [1, 2]) {
    const store = await linked()
    await store.write([{ key: logKey(7, hybridOfTick(at(n))), value: null }], true)
    await t.rejects(replayed(store, 7, 0), lost, `record ${n}`)
  }
  const unlinked = await linked()
  await unlinked.write([{ key: logKey(7, hybridOfTick(at(5))), value: null }], true)
  t.equal((await replayed(unlinked, 7, 0)).result.records, 4, 'a record without a link does not say')
})

t.test("damage in the middle of LevelDB's own log does not pass for a shorter log", async t => {
  const directory = join(t.testdir(), 'db')
  // A process that is killed leaves its records in LevelDB's log, where no table file protects them yet.
  const script = `
    import { openLevelStore } from ${JSON.stringify(new URL('../../../lib/store/level-store.js', import.meta.url).href)}
    import { deleteRecord } from ${JSON.stringify(new URL('../../support/log-records.js', import.meta.url).href)}
    import { logKey } from ${JSON.stringify(new URL('../../../lib/store/keys.js', import.meta.url).href)}
    import { hybridOfTick } from ${JSON.stringify(new URL('../../../lib/base/timestamp.js', import.meta.url).href)}
    const store = await openLevelStore(${JSON.stringify(directory)})
    for (let n = 1; n <= 400; n++) {
      const tick = ${START} + n
      const value = deleteRecord([[tick, Array.from({ length: 50 }, (_, i) => i)]], n === 1 ? 0 : tick - 1)
      await store.write([{ key: logKey(7, hybridOfTick(tick)), value }], n === 400)
    }
    process.kill(process.pid, 'SIGKILL')
  `
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script])
  t.equal(signal, 'SIGKILL')
  const log = join(directory, readdirSync(directory).find(name => name.endsWith('.log'))!)
  const bytes = readFileSync(log)
  bytes[20_000]! ^= 1
  writeFileSync(log, bytes)
  const store = await openLevelStore(directory)
  t.teardown(() => store.close())
  await t.rejects(
    replayLog(store, 7, 0, () => {}),
    { name: 'MilvusError', reason: 'Corrupted', message: /an acknowledged write was lost/ },
  )
})

t.test('a timestamp that was never handed out is corrupt', async t => {
  const store = new FaultStore()
  const foreign = hybridOfTick(START) + 5000n
  await append(store, 7, START, 1)
  const value = await store.get(logKey(7, hybridOfTick(START)))
  await store.write([{ key: logKey(7, foreign), value: value! }], true)
  await t.rejects(replayed(store, 7, 0), { reason: 'Corrupted', message: /never handed out/ })
})

t.test('a record of several requests is handed out request by request, and ends once', async t => {
  const store = new FaultStore()
  const put = (tick: number, value: Uint8Array): Promise<void> =>
    store.write([{ key: logKey(7, hybridOfTick(tick)), value }], true)
  const two = deleteRecord(
    [
      [START + 1, [1]],
      [START + 4, [4]],
    ],
    0,
  )
  await put(START + 1, two)
  await put(START + 9, deleteRecord([[START + 9, [9]]], START + 4))
  const seen: (number | 'end')[] = []
  const { records, lastTick } = await replayLog(
    store,
    7,
    0,
    ({ tick }) => seen.push(tick - START),
    () => seen.push('end'),
  )
  t.strictSame([records, lastTick, seen], [2, START + 9, [1, 4, 'end', 9, 'end']])
  t.strictSame((await replayed(store, 7, START + 4)).found, [[9, 9]], 'a checkpoint is the end of a record')
  await put(START + 20, two)
  await t.rejects(replayed(store, 7, START + 9), {
    reason: 'Corrupted',
    message: /follows a record that is missing|lies under the key of another record/,
  })
  await put(START + 20, deleteRecord([[START + 21, [1]]], START + 9))
  await t.rejects(replayed(store, 7, START + 9), { message: /lies under the key of another record/ })
})

t.test('a disk that cannot be read is not an empty log', async t => {
  const store = new FaultStore()
  await append(store, 7, START, 1)
  store.failRead(1)
  await t.rejects(replayed(store, 7, 0), { reason: 'IoFailed', code: 1001 })
})

t.test('an error of the receiver ends the replay', async t => {
  const store = new FaultStore()
  await append(store, 7, START, 1)
  const replay = replayLog(store, 7, 0, () => {
    throw new RangeError('full')
  })
  await t.rejects(replay, { name: 'RangeError' })
})

t.test('a long replay gives the event loop its rounds between records', async t => {
  const store = new FaultStore()
  for (let n = 1; n <= 5; n++) await append(store, 7, START + n, n)
  const order: string[] = []
  await replayLog(store, 7, 0, ({ tick }) => {
    order.push(`record ${tick - START}`)
    setImmediate(() => order.push('round'))
    const clock = new Turn()
    while (!clock.due());
  })
  t.strictSame(order.slice(0, 5), ['record 1', 'round', 'record 2', 'round', 'record 3'])
})
