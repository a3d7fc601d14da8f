import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildHnsw, disableHnsw, enableHnsw, hnswAvailable } from '../../../lib/index/hnsw-index.js'
import {
  decodeSidecarMap,
  encodeSidecarMap,
  listSidecars,
  openSidecar,
  readSidecarMap,
  removeSidecar,
  type SidecarIdentity,
  verifyGraph,
  writeSidecar,
} from '../../../lib/index/sidecar.js'
import { rng } from '../../support/rng.js'

const seed = Number(process.env['SEED'] ?? 3)
const skip = hnswAvailable() ? false : 'hnswlib-node is not installed here'
const COUNT = 40
const identity: SidecarIdentity = {
  segmentId: 2 ** 40 + 7,
  fieldId: 101,
  indexId: 9,
  params: { metric: 'COSINE', dim: 4, m: 4, efConstruction: 20 },
}

/** Writes a small sidecar and returns what it was made of. */
async function written(dir: string, name: string): Promise<{ rowOfLabel: Int32Array; byteLength: number }> {
  const random = rng(seed)
  const values = Float32Array.from({ length: COUNT * 4 }, () => random.gauss())
  const builder = buildHnsw(identity.params, COUNT)
  for (let i = 0; i < COUNT; i++) builder.add(values, i * 4, i)
  const rowOfLabel = Int32Array.from({ length: COUNT }, (_, i) => (i % 7 === 3 ? -1 : i * 2))
  const { byteLength } = await writeSidecar(dir, name, identity, rowOfLabel, builder)
  return { rowOfLabel, byteLength }
}

t.test('the map reads back as written', async t => {
  const map = {
    ...identity,
    pointCount: 3,
    graphByteLength: 2 ** 33,
    graphCrc: 0xdeadbeef,
    rowOfLabel: Int32Array.of(5, -1, 2_000_000_000),
  }
  t.same(decodeSidecarMap(encodeSidecarMap(map)), map)
  for (const metric of ['L2', 'IP'] as const) {
    const other = { ...map, params: { ...map.params, metric } }
    t.same(decodeSidecarMap(encodeSidecarMap(other)), other)
  }
})

t.test('a map with any byte changed, missing or added is no map', async t => {
  const good = encodeSidecarMap({
    ...identity,
    pointCount: 2,
    graphByteLength: 100,
    graphCrc: 1,
    rowOfLabel: Int32Array.of(0, 1),
  })
  for (let i = 0; i < good.length; i++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const bad = Buffer.from(good)
      bad[i]! ^= flip
      t.equal(decodeSidecarMap(bad), null, `byte ${i} ^ ${flip}`)
    }
    t.equal(decodeSidecarMap(good.subarray(0, i)), null, `cut at ${i}`)
  }
  t.equal(decodeSidecarMap(Buffer.concat([good, Buffer.alloc(4)])), null)
})

t.test(
  'a sidecar opens for the segment, field and index it was built for, and nothing else',
  { skip },
  async t => {
    const dir = join(t.testdir(), 'indexes')
    const { rowOfLabel, byteLength } = await written(dir, 'a')
    const opened = await openSidecar(dir, 'a', identity)
    t.same(opened?.rowOfLabel, rowOfLabel)
    t.equal(opened?.index.size, COUNT)
    t.equal(opened?.index.search([1, 0, 0, 0], 5, 40).labels.length, 5)
    const sizes = ['a.map', 'a.graph'].map(file => readFileSync(join(dir, file)).length)
    t.equal(byteLength, sizes[0]! + sizes[1]!)
    const { params } = identity
    const strangers = [
      { ...identity, segmentId: 1 },
      { ...identity, fieldId: 102 },
      { ...identity, indexId: 10 },
      { ...identity, params: { ...params, metric: 'IP' as const } },
      { ...identity, params: { ...params, dim: 5 } },
    ]
    for (const stranger of strangers) t.equal(await openSidecar(dir, 'a', stranger), null)
    const otherDefaults: SidecarIdentity = { ...identity, params: { ...params, m: 99, efConstruction: 1 } }
    t.not(await openSidecar(dir, 'a', otherDefaults), null, 'its own M and efConstruction are kept')
  },
)

t.test('a graph with any region changed, cut or lengthened is built again', { skip }, async t => {
  const dir = t.testdir()
  await written(dir, 'a')
  const path = join(dir, 'a.graph')
  const good = readFileSync(path)
  for (let at = 0; at < good.length; at += at < 128 ? 1 : 61) {
    const bad = Buffer.from(good)
    bad[at]! ^= 0x10
    writeFileSync(path, bad)
    t.equal(await openSidecar(dir, 'a', identity), null, `byte ${at}`)
  }
  for (const length of [0, 1, 95, good.length - 1]) {
    writeFileSync(path, good.subarray(0, length))
    t.equal(await openSidecar(dir, 'a', identity), null, `cut to ${length}`)
  }
  writeFileSync(path, Buffer.concat([good, Buffer.alloc(1)]))
  t.equal(await openSidecar(dir, 'a', identity), null, 'one byte more')
  writeFileSync(path, good)
  t.not(await openSidecar(dir, 'a', identity), null, 'the untouched one opens')
})

t.test('a map whose sums are right but whose graph the library refuses is built again', { skip }, async t => {
  const dir = t.testdir()
  await written(dir, 'a')
  const map = await readSidecarMap(dir, 'a')
  const wrongCount = encodeSidecarMap({
    ...map!,
    pointCount: COUNT - 1,
    rowOfLabel: map!.rowOfLabel.subarray(1),
  })
  writeFileSync(join(dir, 'a.map'), wrongCount)
  t.equal(await openSidecar(dir, 'a', identity), null)
})

t.test('killed between the two files, or with half a file: build again', { skip }, async t => {
  const dir = t.testdir()
  t.equal(await openSidecar(dir, 'a', identity), null, 'nothing there')
  await written(dir, 'a')
  const map = (await readSidecarMap(dir, 'a'))!
  t.ok(await verifyGraph(dir, 'a', map))
  renameSync(join(dir, 'a.graph'), join(dir, 'a.graph.tmp'))
  t.equal(await openSidecar(dir, 'a', identity), null, 'graph not renamed')
  t.notOk(await verifyGraph(dir, 'a', map))
  renameSync(join(dir, 'a.graph.tmp'), join(dir, 'a.graph'))
  truncateSync(join(dir, 'a.map'), 70)
  t.equal(await openSidecar(dir, 'a', identity), null, 'map cut')
  rmSync(join(dir, 'a.map'))
  t.equal(await openSidecar(dir, 'a', identity), null, 'map missing')
  await written(dir, 'a')
  t.not(await openSidecar(dir, 'a', identity), null, 'written again over what was left')
})

t.test('without the library a sidecar does not open, and nothing throws', { skip }, async t => {
  const dir = t.testdir()
  await written(dir, 'a')
  disableHnsw()
  t.equal(await openSidecar(dir, 'a', identity), null)
  enableHnsw()
})

t.test('listing names every file once, and removing leaves nothing', async t => {
  const dir = t.testdir({
    'b.map': '',
    'b.graph': '',
    'a.graph.tmp': '',
    'c.x.map.tmp': '',
    'other.txt': '',
  })
  t.same(await listSidecars(dir), ['a', 'b', 'c.x'])
  for (const name of ['a', 'b', 'c.x', 'never there']) await removeSidecar(dir, name)
  t.same(await listSidecars(dir), [])
  t.same(await listSidecars(join(dir, 'missing')), [])
  await t.rejects(listSidecars(join(dir, 'other.txt')), { code: 1001 })
})

t.test('a folder that cannot be written to is an IO error', { skip }, async t => {
  const dir = t.testdir({ file: 'in the way' })
  await t.rejects(written(join(dir, 'file'), 'a'), { code: 1001 })
  mkdirSync(join(dir, 'a.map'))
  await t.rejects(written(dir, 'a'), { code: 1001 })
})
