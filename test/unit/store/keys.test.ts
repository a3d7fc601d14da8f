import t from 'tap'
import { compareBytes, toHex } from '../../../lib/base/bytes.js'
import { hybridOfTick, TICK_MAX } from '../../../lib/base/timestamp.js'
import {
  CATALOG_KIND,
  catalogKey,
  catalogRange,
  ceilingKey,
  columnKey,
  columnsRange,
  deltaKey,
  deltaRange,
  formatKey,
  KEYSPACE,
  type KeyRange,
  logKey,
  logRange,
  logsRange,
  manifestKey,
  parseColumnKey,
  parseDeltaKey,
  parseLogKey,
  prefixRange,
  segmentColumnRange,
  segmentRange,
} from '../../../lib/store/keys.js'
import { rng, seedOf } from '../../support/rng.js'

const seed = seedOf(1)
const r = rng(seed)
const inRange = (range: KeyRange, key: Uint8Array): boolean =>
  compareBytes(key, range.gte) >= 0 && compareBytes(key, range.lt) < 0
const id = (): number =>
  r.pick([0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, Math.floor(r.next() * 2 ** 53)])
const word = (): number => r.pick([0, 1, 255, 256, 2 ** 32 - 1, r.int(2 ** 32)])
const tick = (): number => r.pick([1, 4095, 4096, 8191, Math.floor(r.next() * 2 ** 52)])
const sign = (n: number): number => Math.sign(n)

t.test('numbers on disk never change', async t => {
  t.strictSame(KEYSPACE, { meta: 1, manifest: 2, log: 3, column: 4, deleteDelta: 5 })
  t.strictSame(CATALOG_KIND, { database: 1, collection: 2, user: 3, role: 4, privilegeGroup: 5 })
  t.equal(toHex(formatKey()), '0101')
  t.equal(toHex(ceilingKey()), '0102')
})

t.test(`byte order is number order (SEED=${seed})`, async t => {
  for (let run = 0; run < 500; run++) {
    const [a, b, c, d] = [id(), id(), word(), word()]
    const [e, f] = [word(), word()]
    const [ta, tb] = [tick(), tick()]
    const byColumn = sign(a - b) || sign(c - d) || sign(e - f)
    t.equal(sign(compareBytes(columnKey(a, c, e), columnKey(b, d, f))), byColumn)
    t.equal(sign(compareBytes(deltaKey(a, b), deltaKey(a, c))), sign(b - c))
    t.equal(sign(compareBytes(manifestKey(a), manifestKey(b))), sign(a - b))
    const byLog = sign(a - b) || sign(ta - tb)
    t.equal(sign(compareBytes(logKey(a, hybridOfTick(ta)), logKey(b, hybridOfTick(tb)))), byLog)
  }
})

t.test(`keys are parsed back into their parts (SEED=${seed})`, async t => {
  for (let run = 0; run < 300; run++) {
    const [a, b, c, d] = [id(), id(), word(), word()]
    const at = tick()
    const hybrid = hybridOfTick(at)
    t.strictSame(parseLogKey(logKey(a, hybrid)), { collectionId: a, hybrid, tick: at })
    t.strictSame(parseColumnKey(columnKey(a, c, d)), { segmentId: a, fieldId: c, chunk: d })
    t.strictSame(parseDeltaKey(deltaKey(a, b)), { collectionId: a, delta: b })
  }
  t.equal(parseLogKey(logKey(1, 2n ** 64n - 1n)).hybrid, 2n ** 64n - 1n)
})

t.test('ranges hold what belongs to them and nothing else', async t => {
  const collections = [0, 1, 2, 2 ** 32, 2 ** 53 - 1]
  for (const collection of collections) {
    for (const other of collections) {
      const same = collection === other
      t.equal(inRange(logRange(collection), logKey(other, 0n)), same)
      t.equal(inRange(logRange(collection), logKey(other, 2n ** 64n - 1n)), same)
      t.equal(inRange(deltaRange(collection), deltaKey(other, 2 ** 53 - 1)), same)
      t.equal(inRange(segmentRange(collection), columnKey(other, 2 ** 32 - 1, 2 ** 32 - 1)), same)
    }
    t.ok(inRange(columnsRange(), columnKey(collection, 7, 0)))
    t.ok(inRange(logsRange(), logKey(collection, 9n)))
    t.notOk(inRange(columnsRange(), deltaKey(collection, 0)))
  }
  t.ok(inRange(catalogRange('collection'), catalogKey('collection', 2 ** 53 - 1)))
  t.notOk(inRange(catalogRange('collection'), catalogKey('user', 0)))
  t.ok(inRange(segmentColumnRange(3, 101), columnKey(3, 101, 2 ** 32 - 1)))
  t.notOk(inRange(segmentColumnRange(3, 101), columnKey(3, 102, 0)))
})

t.test('a log range starts after its first tick and ends with its last', async t => {
  const at = (n: number): Uint8Array => logKey(7, hybridOfTick(n))
  for (const from of [4095, 4096, 10_000_000]) {
    const range = logRange(7, from, from + 3)
    t.notOk(inRange(range, at(from)))
    for (const n of [1, 2, 3]) t.ok(inRange(range, at(from + n)), `tick ${from}+${n}`)
    t.notOk(inRange(range, at(from + 4)))
  }
  t.ok(inRange(logRange(7, 0), at(1)), 'a log from the start')
  t.ok(inRange(logRange(7, 1, TICK_MAX), logKey(7, 2n ** 64n - 1n)), 'and to the end')
})

t.test('bytes that are no such key are corrupt', async t => {
  const bad = { name: 'MilvusError', reason: 'Corrupted' }
  t.throws(() => parseLogKey(columnKey(1, 2, 3)), bad)
  t.throws(() => parseLogKey(logKey(1, 2n).subarray(1)), bad)
  t.throws(() => parseColumnKey(new Uint8Array(17).fill(0xff)), bad)
  t.throws(() => parseDeltaKey(new Uint8Array(17).fill(0xff)), bad)
  const key = deltaKey(1, 2)
  key[1] = 0x80
  t.throws(() => parseDeltaKey(key), { ...bad, message: /an id of 2\^53 or more/ })
})

t.test('the end of a prefix carries over 0xff bytes', async t => {
  const { gte, lt } = prefixRange(Uint8Array.of(4, 0xff, 0xff))
  t.equal(toHex(gte), '04ffff')
  t.equal(toHex(lt), '050000')
  t.throws(() => prefixRange(Uint8Array.of(0xff)), { name: 'InvariantError' })
})
