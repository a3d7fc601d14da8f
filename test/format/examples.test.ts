/**
 * The hex examples and tables of docs/format.md against the real code, both ways: what the code writes is what the page
 * shows, and what the page shows is what the code reads. An example without a check, or a check without an example, fails.
 */
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { hybridOfTick, tickOfWallMs } from '../../lib/base/timestamp.js'
import { decodeOrder, encodeOrder } from '../../lib/index/scalar-order.js'
import { decodeSidecarMap, encodeSidecarMap } from '../../lib/index/sidecar.js'
import { decodeColumn, encodeColumn, encodeColumnFrame } from '../../lib/log/column-codec.js'
import { DeleteList, decodeDeleteDelta, encodeDeleteDelta } from '../../lib/log/delete-delta.js'
import { LogRecordWriter } from '../../lib/log/log-record.js'
import { decodeLogRecord } from '../../lib/log/log-record-reader.js'
import type { Column } from '../../lib/schema/column.js'
import { DataType, type FixedArray, layoutOf } from '../../lib/schema/data-type.js'
import { emptyManifest, manifestOp, readManifest } from '../../lib/segment/manifest.js'
import { checkFormat, FRAME, frame, packMap, unframe, unpackMap } from '../../lib/store/codec.js'
import {
  CATALOG_KIND,
  catalogKey,
  columnKey,
  deltaKey,
  formatKey,
  KEYSPACE,
  logKey,
  parseColumnKey,
  parseDeltaKey,
  parseLogKey,
} from '../../lib/store/keys.js'
import { FaultStore } from '../support/fault-store.js'
import { testSchema } from '../support/log-records.js'
import { testField } from '../support/random-column.js'

const PAGE = readFileSync(pageUrl(), 'utf8')
const TICK = tickOfWallMs(Date.UTC(2026, 0, 1)) + 5

interface Example {
  readonly encode: () => Uint8Array | Promise<Uint8Array>
  readonly decode: (t: Test, bytes: Buffer) => unknown
}

const pk = fixed(Int32Array.of(5, 0), 2)
const manifest = emptyManifest(TICK)
const database = { id: 1, name: 'default', createdTick: TICK, properties: {} }
const ceiling = { lastTick: TICK, nextId: 8 }
const sidecar = {
  segmentId: 300,
  fieldId: 102,
  indexId: 2,
  params: { metric: 'COSINE', dim: 2, m: 16, efConstruction: 200 },
  pointCount: 2,
  graphByteLength: 1234,
  graphCrc: 0x11223344,
  rowOfLabel: Int32Array.of(0, -1),
} as const

const orderIdentity = { segmentId: 300, fieldId: 103, indexId: 4, rowCount: 5 }
const order = {
  form: 'value',
  postings: { int: { rows: Int32Array.of(4, 0, 2), offsets: null }, double: null, text: null, bool: null },
  arrays: null,
} as const

const EXAMPLES: Readonly<Record<string, Example>> = {
  'format-record': {
    encode: async () => {
      const store = new FaultStore()
      await checkFormat(store)
      return (await store.get(formatKey()))!
    },
    decode: async (t, bytes) => {
      const store = new FaultStore()
      await store.write([{ key: formatKey(), value: bytes }], true)
      await checkFormat(store)
      t.equal(store.writeCount, 1, 'accepted as it is')
    },
  },
  'catalog-key': {
    encode: () => catalogKey('collection', 7),
    decode: (t, bytes) => t.equal(bytes.length, 11),
  },
  'log-key': {
    encode: () => logKey(7, hybridOfTick(TICK)),
    decode: (t, bytes) =>
      t.strictSame(parseLogKey(bytes), { collectionId: 7, hybrid: 463_267_587_686_400_005n, tick: TICK }),
  },
  'column-key': {
    encode: () => columnKey(300, 101, 2),
    decode: (t, bytes) => t.strictSame(parseColumnKey(bytes), { segmentId: 300, fieldId: 101, chunk: 2 }),
  },
  'delta-key': {
    encode: () => deltaKey(7, 1),
    decode: (t, bytes) => t.strictSame(parseDeltaKey(bytes), { collectionId: 7, delta: 1 }),
  },
  'log-record': {
    encode: () => {
      const schema = testSchema([
        { ...testField(100, DataType.Int64), primaryKey: true },
        testField(101, DataType.VarChar),
        testField(102, DataType.FloatVector, 2),
      ])
      const writer = new LogRecordWriter(schema, TICK - 1)
      const batch = { rowCount: 1, columns: [pk, text(['John']), fixed(Float32Array.of(0.5, -2), 2)] }
      const insert = { batch, partitionIds: Int32Array.of(1) }
      writer.add(TICK, insert, { pk, rowCount: 1, scope: 1 })
      writer.add(TICK + 1, null, { pk: fixed(Int32Array.of(6, 0), 2), rowCount: 1, scope: -1 })
      return writer.finish()
    },
    decode: (t, bytes) => {
      const { previousTick, requests } = decodeLogRecord(bytes, 'example')
      t.equal(previousTick, TICK - 1)
      const [upsert, remove] = requests
      t.equal(requests.length, 2)
      t.equal(upsert!.tick, TICK)
      t.match(upsert!.delete, { rowCount: 1, scope: 1 })
      t.strictSame(valuesOf(upsert!.delete!.pk), [5, 0])
      const { insert } = upsert!
      t.strictSame([insert!.rowCount, [...insert!.partitionIds]], [1, [1]])
      t.strictSame(
        insert!.columns.map(c => [c.fieldId, c.dataType, c.dim, valuesOf(c.column)]),
        [
          [100, DataType.Int64, 0, [5, 0]],
          [101, DataType.VarChar, 0, ['John']],
          [102, DataType.FloatVector, 2, [0.5, -2]],
        ],
      )
      t.match(remove, { tick: TICK + 1, insert: null, delete: { rowCount: 1, scope: -1 } })
      t.strictSame(valuesOf(remove!.delete!.pk), [6, 0])
    },
  },
  'column-varchar': {
    encode: () => encodeColumn(text(['John', '', 'Jané'], Uint32Array.of(0b101)), 0, 3),
    decode: (t, bytes) => {
      const column = decodeColumn(layoutOf(DataType.VarChar), bytes, 3)
      t.strictSame(valuesOf(column), ['John', '', 'Jané'])
      t.strictSame(column.validity, Uint32Array.of(0b101))
    },
  },
  'column-int64': {
    encode: () => encodeColumnFrame(fixed(Int32Array.of(5, 0, -2, -1), 2), 0, 2),
    decode: (t, bytes) => {
      const payload = unframe(bytes, FRAME.column, 'example')
      t.strictSame(valuesOf(decodeColumn(layoutOf(DataType.Int64), payload, 2)), [5, 0, -2, -1])
    },
  },
  'deletes-column': {
    encode: () => {
      const entry = Buffer.alloc(12)
      entry.writeInt32LE(3, 0)
      entry.writeDoubleLE(TICK, 4)
      return frame(FRAME.column, [entry])
    },
    decode: (t, bytes) => {
      const payload = Buffer.from(unframe(bytes, FRAME.column, 'example'))
      t.strictSame([payload.readInt32LE(0), payload.readDoubleLE(4)], [3, TICK])
    },
  },
  'delete-delta': {
    encode: () => {
      const list = new DeleteList(DataType.VarChar)
      list.append(text(['a', 'bc']), 0, 1, -1, TICK)
      list.append(text(['a', 'bc']), 1, 2, 3, TICK + 1)
      return encodeDeleteDelta(list)
    },
    decode: (t, bytes) => {
      const delta = decodeDeleteDelta(bytes, 'example')
      t.strictSame(valuesOf(delta.pk), ['a', 'bc'])
      t.strictSame(
        [[...delta.scopes], [...delta.ticks]],
        [
          [-1, 3],
          [TICK, TICK + 1],
        ],
      )
    },
  },
  manifest: {
    encode: () => manifestOp(7, manifest).value!,
    decode: async (t, bytes) => {
      const store = new FaultStore()
      await store.write([{ key: manifestOp(7, manifest).key, value: bytes }], true)
      t.strictSame(await readManifest(store, 7), manifest)
    },
  },
  'catalog-record': {
    encode: () => frame(FRAME.catalog, [packMap(database)]),
    decode: (t, bytes) => t.strictSame(unpackMap(unframe(bytes, FRAME.catalog, 'example')), database),
  },
  ceiling: {
    encode: () => frame(FRAME.ceiling, [packMap(ceiling)]),
    decode: (t, bytes) => t.strictSame(unpackMap(unframe(bytes, FRAME.ceiling, 'example')), ceiling),
  },
  'sidecar-map': {
    encode: () => encodeSidecarMap(sidecar),
    decode: (t, bytes) => t.strictSame(decodeSidecarMap(bytes), sidecar),
  },
  'scalar-order': {
    encode: () => encodeOrder(orderIdentity, order),
    decode: (t, bytes) => t.strictSame(decodeOrder(bytes, orderIdentity), order),
  },
}

const shown = new Map<string, Buffer>()
for (const [, name, body] of PAGE.matchAll(/^```hex ([\w-]+)\n(.*?)^```$/gms)) {
  const digits = body!.replace(/#.*$/gm, '').replace(/\s+/g, '')
  shown.set(name!, Buffer.from(digits, 'hex'))
}

t.test('the page shows every example once, and nothing that is not checked', async t => {
  t.strictSame([...shown.keys()].sort(), Object.keys(EXAMPLES).sort())
  t.equal(PAGE.match(/^```hex/gm)?.length, shown.size)
})

for (const [name, example] of Object.entries(EXAMPLES)) {
  t.test(`${name}: the code writes what the page shows, and reads it`, async t => {
    const bytes = shown.get(name) ?? Buffer.alloc(0)
    t.equal(bytes.toString('hex'), Buffer.from(await example.encode()).toString('hex'))
    await example.decode(t, bytes)
  })
}

t.test('the tables name every number that the code writes', async t => {
  const frames = [...PAGE.matchAll(/^\| (\d+) \| ([a-z ]+) \| (?:u32|MessagePack map|§\d+) \|$/gm)]
  t.strictSame(
    Object.fromEntries(frames.map(([, number, name]) => [name, Number(number)])),
    Object.fromEntries(Object.entries(FRAME).map(([name, number]) => [inWords(name), number])),
  )
  const spaces = [...PAGE.matchAll(/^\| `(\d\d)` ([a-z ]+) \|/gm)]
  t.strictSame(
    Object.fromEntries(spaces.map(([, number, name]) => [name, Number(number)])),
    Object.fromEntries(Object.entries(KEYSPACE).map(([name, number]) => [inWords(name), number])),
  )
  const kinds = Object.entries(CATALOG_KIND).map(([name, number]) => `${number} ${name}`)
  t.ok(PAGE.includes(`Catalog kinds: ${kinds.join(', ')}.`))
  for (const [name, number] of Object.entries(DataType)) {
    if (number === DataType.None || name === 'Struct' || number === DataType.ArrayOfVector) continue
    t.match(PAGE, new RegExp(`\\b${name} ${number}\\b`), `type ${name}`)
  }
})

function inWords(name: string): string {
  return name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
}

function fixed(values: FixedArray, width: number): Column {
  return { layout: 'fixed', width, values, validity: null }
}

function text(values: readonly string[], validity: Uint32Array | null = null): Column {
  const offsets = new Uint32Array(values.length + 1)
  for (const [i, value] of values.entries()) offsets[i + 1] = offsets[i]! + Buffer.byteLength(value)
  return { layout: 'var', offsets, heap: Uint8Array.from(Buffer.from(values.join(''))), validity }
}

function valuesOf(column: Column): (string | number)[] {
  if (column.layout === 'fixed') return [...column.values]
  return Array.from({ length: column.offsets.length - 1 }, (_, row) =>
    Buffer.from(column.heap.subarray(column.offsets[row]!, column.offsets[row + 1]!)).toString(),
  )
}

/** The page lies above the folder of compiled tests, however deep that is. */
function pageUrl(): URL {
  return new URL('../../../docs/format.md', import.meta.url)
}
