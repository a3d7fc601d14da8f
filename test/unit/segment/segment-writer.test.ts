/** Segment columns on a real store: what is written comes back, and damage is named, never returned. */
import t, { type Test } from 'tap'
import { MilvusError } from '../../../lib/base/errors.js'
import { simdKernel } from '../../../lib/index/simd-kernels.js'
import type { FieldSchema } from '../../../lib/schema/collection-schema.js'
import type { Column } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { SegmentMeta } from '../../../lib/segment/segment-meta.js'
import { gatherStored, readColumn, readSystemColumns } from '../../../lib/segment/segment-reader.js'
import { deleteSegment, sweepSegments } from '../../../lib/segment/segment-sweep.js'
import { CHUNK_BYTES_MAX, writeSegment } from '../../../lib/segment/segment-writer.js'
import { columnKey, parseColumnKey } from '../../../lib/store/keys.js'
import { openLevelStore } from '../../../lib/store/level-store.js'
import type { Store } from '../../../lib/store/store.js'
import { type Rng, rng, seedOf } from '../../support/rng.js'
import { COLUMN_TYPES, cellsOf, countKeys, fieldOf, randomColumn } from '../../support/stored-rows.js'

const seed = seedOf(11)

async function openStore(t: Test): Promise<Store> {
  const store = await openLevelStore(t.testdir())
  t.teardown(() => store.close())
  return store
}
interface Written {
  readonly ticks: Float64Array
  readonly partitionIds: Int32Array
  readonly columns: Column[]
  readonly rowCount: number
  readonly meta: SegmentMeta
}

async function writeRandom(
  store: Store,
  random: Rng,
  fields: FieldSchema[],
  rowCount: number,
  segmentId = 7,
  bytesMax = 20,
): Promise<Written> {
  const columns = fields.map(field =>
    randomColumn(field, rowCount, random, { nulls: field.nullable ? 0.3 : 0, spare: 5, bytesMax }),
  )
  const ticks = new Float64Array(rowCount).map(() => 1000 + random.int(1000))
  const partitionIds = new Int32Array(rowCount).map(() => random.int(3) * 10)
  const deletes = { rows: Int32Array.of(rowCount - 1, 0), ticks: Float64Array.of(5000, 6000) }
  const input = {
    segmentId,
    fields,
    columns,
    rowCount,
    ticks,
    partitionIds,
    deletes,
    level: 2,
    appliedDelta: 9,
  }
  const meta = await writeSegment(store, input)
  return { columns, rowCount, ticks, partitionIds, meta }
}

t.test(`columns of every type come back as they were written (SEED=${seed})`, async t => {
  const store = await openStore(t)
  const random = rng(seed)
  const fields = COLUMN_TYPES.flatMap((dataType, i) => [
    fieldOf(100 + i * 2, dataType, { dim: 16 }),
    fieldOf(101 + i * 2, dataType, { dim: 16, nullable: true }),
  ])
  const { columns, rowCount, ticks, partitionIds, meta } = await writeRandom(store, random, fields, 333)
  for (let i = 0; i < fields.length; i++) {
    const shared = random.chance()
    const column = await readColumn(store, meta, fields[i]!, shared)
    t.strictSame(cellsOf(column, rowCount), cellsOf(columns[i]!, rowCount), `type ${fields[i]!.dataType}`)
    const memory = column.layout === 'fixed' ? column.values.buffer : column.heap.buffer
    t.equal(memory instanceof SharedArrayBuffer, shared, 'shared memory when asked for')
    const nulls = cellsOf(column, rowCount).filter(cell => cell === null).length
    t.equal(meta.columns.find(c => c.fieldId === fields[i]!.id)!.nullCount, nulls)
  }
  t.match(meta, { id: 7, rowCount, level: 2, appliedDelta: 9, deletedRows: 2, indexes: [] })
  const system = await readSystemColumns(store, meta)
  t.strictSame(system.deletes, { rows: Int32Array.of(rowCount - 1, 0), ticks: Float64Array.of(5000, 6000) })
  t.strictSame(system.ticks, ticks)
  t.strictSame(system.partitionIds, partitionIds)
  t.match(meta, { minTick: Math.min(...ticks), maxTick: Math.max(...ticks) })
  t.strictSame(
    meta.partitionIds,
    [...new Set(partitionIds)].sort((a, b) => a - b),
  )
})

t.test('float32 vectors that will be scanned are read to where the vector unit finds them', async t => {
  const store = await openStore(t)
  const fields = [
    fieldOf(100, DataType.FloatVector, { dim: 64 }),
    fieldOf(101, DataType.Int8Vector, { dim: 64 }),
    fieldOf(102, DataType.FloatVector, { dim: 64, nullable: true }),
  ]
  const { columns, rowCount, meta } = await writeRandom(store, rng(seed), fields, 2_001)
  for (let i = 0; i < fields.length; i++) {
    const column = await readColumn(store, meta, fields[i]!, false, true)
    t.strictSame(cellsOf(column, rowCount), cellsOf(columns[i]!, rowCount))
    const found = column.layout === 'fixed' && simdKernel('L2', column.values as Float32Array) !== null
    t.equal(found, fields[i]!.dataType === DataType.FloatVector)
  }
})

t.test('a long column is cut into chunks of 256 to 512 KiB of whole rows', async t => {
  const store = await openStore(t)
  const fields = [fieldOf(100, DataType.FloatVector, { dim: 64 }), fieldOf(101, DataType.JSON)]
  const { columns, rowCount, meta } = await writeRandom(store, rng(seed), fields, 20_011, 7, 700)
  for (const field of fields) {
    const stored = meta.columns.find(column => column.fieldId === field.id)!
    t.ok(stored.chunkCount >= 3, `${stored.chunkCount} chunks`)
    t.equal(stored.chunkRows.length, stored.chunkCount)
    let bytes = 0
    for (let chunk = 0; chunk < stored.chunkCount; chunk++) {
      const value = await store.get(columnKey(7, field.id, chunk))
      bytes += value!.length
      t.ok(value!.length <= CHUNK_BYTES_MAX + 64, 'not larger than the limit and its frame')
      if (chunk < stored.chunkCount - 1) t.ok(value!.length >= CHUNK_BYTES_MAX / 2, 'no small parts')
    }
    t.equal(bytes, stored.byteLength)
  }
  for (let i = 0; i < fields.length; i++) {
    const column = await readColumn(store, meta, fields[i]!)
    t.strictSame(cellsOf(column, rowCount), cellsOf(columns[i]!, rowCount))
  }
  const system = meta.columns.filter(column => column.fieldId < 100)
  t.equal(
    meta.byteLength,
    meta.columns.reduce((sum, column) => sum + column.byteLength, 0),
  )
  t.equal(system.length, 3, 'ticks, partitions and deletes')
})

t.test('a single huge row has a chunk of its own', async t => {
  const store = await openStore(t)
  const heap = new Uint8Array(5 * 1024 * 1024 + 6).fill(7)
  const column: Column = {
    layout: 'var',
    offsets: Uint32Array.of(0, 3, heap.length - 3, heap.length),
    heap,
    validity: null,
  }
  const field = fieldOf(100, DataType.Text)
  const meta = await writeSegment(store, {
    segmentId: 1,
    fields: [field],
    columns: [column],
    rowCount: 3,
    ticks: Float64Array.of(1, 2, 3),
    partitionIds: Int32Array.of(1, 1, 1),
    deletes: { rows: new Int32Array(0), ticks: new Float64Array(0) },
    level: 0,
    appliedDelta: 0,
  })
  t.strictSame(meta.columns.find(c => c.fieldId === 100)!.chunkRows, [0, 1, 2])
  const back = await readColumn(store, meta, field)
  t.strictSame(cellsOf(back, 3), cellsOf(column, 3))
})

t.test('single rows are read from the chunks that hold them, in the order asked for', async t => {
  const store = await openStore(t)
  const random = rng(seed)
  const fields = [
    fieldOf(100, DataType.FloatVector, { dim: 256 }),
    fieldOf(101, DataType.VarChar, { nullable: true }),
    fieldOf(102, DataType.JSON),
  ]
  const { columns, rowCount, meta } = await writeRandom(store, random, fields, 10_007, 7, 2_000)
  let reads = 0
  const counting: Store = {
    ...bind(store),
    get: key => {
      reads++
      return store.get(key)
    },
  }
  const rows = Int32Array.from({ length: 300 }, () => random.int(rowCount))
  rows[5] = rows[4]!
  for (const wanted of [
    rows,
    Int32Array.from([...rows].sort((a, b) => a - b)),
    Int32Array.of(rowCount - 1),
  ]) {
    for (let i = 0; i < fields.length; i++) {
      reads = 0
      const column = await gatherStored(counting, meta, fields[i]!, wanted)
      const all = cellsOf(columns[i]!, rowCount)
      t.strictSame(
        cellsOf(column, wanted.length),
        [...wanted].map(row => all[row]!),
      )
      if (wanted.length === 1) t.equal(reads, 1, 'one chunk for one row')
    }
  }
  const none = await gatherStored(store, meta, fields[0]!, new Int32Array(0))
  t.same(cellsOf(none, 0), [])
})

t.test('a field the segment was written without reads as its default or as null', async t => {
  const store = await openStore(t)
  const { meta, rowCount } = await writeRandom(store, rng(seed), [fieldOf(100, DataType.Int64)], 10)
  const added = fieldOf(200, DataType.VarChar, { defaultValue: 'dflt' })
  const text = Buffer.from('dflt').toString('hex')
  t.strictSame(cellsOf(await readColumn(store, meta, added), rowCount), Array(rowCount).fill(text))
  t.strictSame(cellsOf(await gatherStored(store, meta, added, Int32Array.of(3, 3)), 2), [text, text])
  const nullable = fieldOf(201, DataType.FloatVector, { dim: 4, nullable: true })
  t.strictSame(cellsOf(await readColumn(store, meta, nullable), rowCount), Array(rowCount).fill(null))
})

t.test('a missing, damaged or foreign chunk is Corrupted and names segment, field and chunk', async t => {
  const store = await openStore(t)
  const field = fieldOf(100, DataType.FloatVector, { dim: 256 })
  const { meta } = await writeRandom(store, rng(seed), [field], 6_000)
  const key = columnKey(7, 100, 2)
  const good = (await store.get(key))!
  const corrupt = {
    name: 'MilvusError',
    reason: 'Corrupted',
    message: /segment 7, field 100 \(f100\), chunk 2/,
  }
  const expectCorrupt = async (what: string): Promise<void> => {
    await t.rejects(readColumn(store, meta, field), corrupt, `whole column: ${what}`)
    const chunk2 = meta.columns.find(c => c.fieldId === 100)!.chunkRows[2]!
    await t.rejects(gatherStored(store, meta, field, Int32Array.of(0, chunk2)), corrupt, `one row: ${what}`)
  }
  for (const at of [0, 5, 13, good.length - 1]) {
    const bad = Uint8Array.from(good)
    bad[at]! ^= 0x10
    await store.write([{ key, value: bad }], false)
    await expectCorrupt(`byte ${at} changed`)
  }
  await store.write([{ key, value: good.subarray(0, 1000) }], false)
  await expectCorrupt('cut off')
  const { chunkRows } = meta.columns.find(c => c.fieldId === 100)!
  t.ok(chunkRows.length > 2)
  await store.write([{ key, value: (await store.get(columnKey(7, 1, 0)))! }], false)
  await expectCorrupt("another column's chunk")
  await store.write([{ key, value: null }], false)
  await expectCorrupt('missing')
})

t.test('damaged deletes are Corrupted', async t => {
  const store = await openStore(t)
  const { meta } = await writeRandom(store, rng(seed), [fieldOf(100, DataType.Int64)], 50)
  const key = columnKey(7, 3, 0)
  await t.resolves(readSystemColumns(store, meta))
  await t.rejects(readSystemColumns(store, { ...meta, rowCount: 49 }), {
    name: 'MilvusError',
    reason: 'Corrupted',
  })
  await store.write([{ key, value: null }], false)
  await t.rejects(readSystemColumns(store, meta), { reason: 'Corrupted', message: /chunk 0 is missing/ })
})

t.test('a cancelled write leaves no key behind', async t => {
  const store = await openStore(t)
  const field = fieldOf(100, DataType.FloatVector, { dim: 256 })
  const column = randomColumn(field, 8_000, rng(seed))
  let writes = 0
  const input = {
    segmentId: 9,
    fields: [field],
    columns: [column],
    rowCount: 8_000,
    ticks: new Float64Array(8_000).fill(1),
    partitionIds: new Int32Array(8_000),
    deletes: { rows: new Int32Array(0), ticks: new Float64Array(0) },
    level: 0,
    appliedDelta: 0,
    isCancelled: () => writes === 4,
    afterWrite: () => {
      writes++
    },
  }
  await t.rejects(writeSegment(store, input), { name: 'MilvusError', reason: 'Canceled' })
  t.equal(writes, 4)
  t.equal(await countKeys(store), 0)
})

t.test('chunks of one column are written together, up to 2 MiB', async t => {
  const store = await openStore(t)
  const writes: { chunks: number; bytes: number }[] = []
  const watched: Store = {
    ...bind(store),
    write: async (ops, sync) => {
      t.ok(sync, 'synced')
      let bytes = 0
      for (const { key, value } of ops) {
        bytes += value?.length ?? 0
        t.equal(parseColumnKey(key).fieldId, parseColumnKey(ops[0]!.key).fieldId, 'of one column')
      }
      writes.push({ chunks: ops.length, bytes })
      await store.write(ops, sync)
    },
  }
  const fields = [fieldOf(100, DataType.FloatVector, { dim: 64 }), fieldOf(101, DataType.Int64)]
  const { meta } = await writeRandom(watched, rng(seed), fields, 20_011)
  const chunks = meta.columns.reduce((sum, column) => sum + column.chunkCount, 0)
  t.equal(
    writes.reduce((sum, write) => sum + write.chunks, 0),
    chunks,
    'each chunk is written once',
  )
  t.ok(writes.length <= chunks - 6, `${writes.length} writes of ${chunks} chunks`)
  for (const { bytes } of writes) t.ok(bytes <= 2 * 1024 * 1024 + 256, `${bytes} bytes`)
})

t.test('every write is synced; a failed one is reported as it is', async t => {
  const store = await openStore(t)
  const syncs: boolean[] = []
  let clears = 0
  const failing: Store = {
    ...bind(store),
    write: async (ops, sync) => {
      syncs.push(sync)
      t.equal(ops.length, 1)
      if (syncs.length === 3) throw new MilvusError('DiskFull', 'no room')
      await store.write(ops, sync)
    },
    clear: async () => {
      clears++
    },
  }
  const random = rng(seed)
  await t.rejects(writeRandom(failing, random, [fieldOf(100, DataType.Int64)], 10), {
    name: 'MilvusError',
    reason: 'DiskFull',
  })
  t.strictSame(syncs, [true, true, true])
  t.equal(clears, 0, 'a store that failed is left to the sweep at open')
})

t.test('the sweep removes the segments nobody names, and only those', async t => {
  const store = await openStore(t)
  const random = rng(seed)
  const field = fieldOf(100, DataType.VarChar)
  const metas = new Map<number, Written>()
  for (const id of [3, 256, 4_294_967_300, 8_000_000_000_000_000]) {
    metas.set(id, await writeRandom(store, random, [field], 20, id))
  }
  const other = { key: Uint8Array.of(5, 1), value: Uint8Array.of(1) }
  await store.write([other], false)
  t.strictSame(await sweepSegments(store, new Set([256, 8_000_000_000_000_000])), [3, 4_294_967_300])
  t.equal(await countKeys(store), 2 * 4 + 1)
  const kept = metas.get(256)!
  t.strictSame(cellsOf(await readColumn(store, kept.meta, field), 20), cellsOf(kept.columns[0]!, 20))
  await deleteSegment(store, 256)
  await deleteSegment(store, 256)
  t.strictSame(await sweepSegments(store, new Set()), [8_000_000_000_000_000])
  t.equal(await countKeys(store), 1, "other rooms' keys stay")
})

/** The store's methods, bound, so that some can be replaced. */
function bind(store: Store): Store {
  return {
    get: key => store.get(key),
    getMany: keys => store.getMany(keys),
    scan: (range, blockSize) => store.scan(range, blockSize),
    write: (ops, sync) => store.write(ops, sync),
    clear: (gte, lt) => store.clear(gte, lt),
    close: () => store.close(),
  }
}
