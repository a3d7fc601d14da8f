import t from 'tap'
import { type DeleteHalf, type InsertHalf, LogRecordWriter } from '../../../lib/log/log-record.js'
import { decodeLogRecord } from '../../../lib/log/log-record-reader.js'
import type { CollectionSchema } from '../../../lib/schema/collection-schema.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { FRAME, FRAME_HEADER_BYTES, frame, frameInto } from '../../../lib/store/codec.js'
import { testSchema } from '../../support/log-records.js'
import { COLUMN_TYPES, randomColumn, rowsOf, testField } from '../../support/random-column.js'
import { type Rng, rng, runsOf, seedOf } from '../../support/rng.js'

const seed = seedOf(1)
const HEAD = FRAME_HEADER_BYTES + 16
const corrupt = { name: 'MilvusError', reason: 'Corrupted' }

interface Request {
  readonly tick: number
  readonly insert: InsertHalf | null
  readonly remove: DeleteHalf | null
}

function randomSchema(r: Rng, types: readonly DataType[]): CollectionSchema {
  const pkType = r.chance() ? DataType.Int64 : DataType.VarChar
  const dim = 8 * r.between(1, 4)
  const others = types.map((type, i) => testField(103 + i * 3, type, type >= 100 && type <= 105 ? dim : 0))
  return testSchema([{ ...testField(100, pkType), primaryKey: true }, ...others])
}

function randomInsert(r: Rng, schema: CollectionSchema, rowCount: number): InsertHalf {
  const columns = schema.fields.map(field =>
    randomColumn(r, field.dataType, field.dim, rowCount, !field.primaryKey && r.chance()),
  )
  const one = r.chance()
  return {
    batch: { rowCount, columns },
    partitionIds: Int32Array.from({ length: rowCount }, () => (one ? 7 : r.int(5))),
  }
}

function randomRequest(r: Rng, schema: CollectionSchema, tick: number): Request {
  const insert = r.chance(0.8) ? randomInsert(r, schema, r.pick([0, 1, 2, 33, 100])) : null
  const scope = r.pick([-1, 0, 7])
  if (insert !== null && r.chance(0.3)) return { tick, insert, remove: null }
  if (insert !== null && r.chance())
    return {
      tick,
      insert,
      remove: { pk: insert.batch.columns[0]!, rowCount: r.int(insert.batch.rowCount + 1), scope },
    }
  const rowCount = r.int(20)
  return {
    tick,
    insert,
    remove: { pk: randomColumn(r, schema.fields[0]!.dataType, 0, rowCount, false), rowCount, scope },
  }
}

function encoded(schema: CollectionSchema, requests: readonly Request[], previousTick?: number): Uint8Array {
  const writer = new LogRecordWriter(schema, previousTick, 100)
  for (const { tick, insert, remove } of requests) writer.add(tick, insert, remove)
  return writer.finish()
}

t.test(`a record of every type comes back, describing itself (SEED=${seed})`, async t => {
  const r = rng(seed)
  for (let run = 0; run < runsOf(40); run++) {
    const schema = randomSchema(r, r.shuffle(COLUMN_TYPES).slice(0, r.between(0, 8)))
    const requests = Array.from({ length: r.between(1, 5) }, (_, i) => randomRequest(r, schema, 10 + i * 3))
    const previousTick = r.pick([undefined, 0, 775_736_524_800_005])
    const back = decodeLogRecord(encoded(schema, requests, previousTick), 'x')
    t.equal(back.previousTick, previousTick ?? null)
    t.equal(back.requests.length, requests.length)
    for (const [i, { tick, insert, remove }] of requests.entries()) {
      const found = back.requests[i]!
      t.equal(found.tick, tick)
      t.strictSame([found.insert === null, found.delete === null], [insert === null, remove === null])
      if (insert !== null) {
        const { rowCount, columns } = insert.batch
        t.equal(found.insert!.rowCount, rowCount)
        t.strictSame(found.insert!.partitionIds, insert.partitionIds)
        t.strictSame(
          found.insert!.columns.map(c => [c.fieldId, c.dataType, c.elementType, c.dim]),
          schema.fields.map(f => [f.id, f.dataType, f.elementType, f.dim]),
        )
        for (const [c, { column }] of found.insert!.columns.entries())
          t.strictSame(rowsOf(column, 0, rowCount), rowsOf(columns[c]!, 0, rowCount))
      }
      if (remove === null) continue
      const { pk, ...rest } = remove
      t.match(found.delete, rest)
      t.strictSame(rowsOf(found.delete!.pk, 0, rest.rowCount), rowsOf(pk, 0, rest.rowCount))
    }
  }
})

t.test('keys that are deleted and inserted by one request are stored once', async t => {
  const r = rng(seed)
  const schema = testSchema([{ ...testField(100, DataType.Int64), primaryKey: true }])
  const insert = randomInsert(r, schema, 50)
  const pk = insert.batch.columns[0]!
  const alone = encoded(schema, [{ tick: 1, insert, remove: null }])
  const both = encoded(schema, [{ tick: 1, insert, remove: { pk, rowCount: 50, scope: 3 } }])
  t.equal(both.length, alone.length + 8)
  t.strictSame(rowsOf(decodeLogRecord(both, 'x').requests[0]!.delete!.pk, 0, 50), rowsOf(pk, 0, 50))
})

t.test('what cannot be a request or a record is a bug', async t => {
  const r = rng(seed)
  const schema = randomSchema(r, [DataType.Bool])
  const insert = randomInsert(r, schema, 3)
  const bug = { name: 'InvariantError' }
  const writer = new LogRecordWriter(schema, 0)
  t.throws(() => writer.finish(), bug, 'no request')
  t.throws(() => writer.add(5, null, null), bug, 'neither half')
  const batch = { rowCount: 3, columns: [insert.batch.columns[0]!, null] }
  t.throws(() => writer.add(5, { ...insert, batch }, null), bug, 'an incomplete batch')
  t.throws(
    () => writer.add(5, { ...insert, partitionIds: new Int32Array(2) }, null),
    bug,
    'a row without partition',
  )
  writer.add(5, insert, null)
  t.throws(() => writer.add(5, insert, null), bug, 'a tick that does not rise')
})

t.test(`no byte of a record can change or go missing unnoticed (SEED=${seed})`, async t => {
  const r = rng(seed)
  const schema = randomSchema(r, [DataType.VarChar, DataType.FloatVector, DataType.JSON])
  const good = encoded(schema, [
    { tick: 5, insert: randomInsert(r, schema, 3), remove: null },
    randomRequest(r, schema, 6),
  ])
  const what = 'log record 4 of collection 7'
  const named = { ...corrupt, message: /^log record 4 of collection 7 / }
  for (let at = 0; at < good.length; at++) {
    const bad = Uint8Array.from(good)
    bad[at]! ^= 1 << r.int(8)
    t.throws(() => decodeLogRecord(bad, what), named)
  }
  for (let length = 0; length < good.length; length++)
    t.throws(() => decodeLogRecord(good.subarray(0, length), what), named)
})

t.test('a well-summed record that contradicts itself is corrupt, never a wrong row', async t => {
  const r = rng(seed)
  const schema = testSchema([
    { ...testField(100, DataType.Int64), primaryKey: true },
    testField(103, DataType.VarChar),
  ])
  const insert = randomInsert(r, schema, 3)
  const pk = insert.batch.columns[0]!
  const good = encoded(schema, [{ tick: 9, insert, remove: { pk, rowCount: 3, scope: 1 } }], 5)
  const heads = good.length - 2 * 12
  const changes: [string, number, number][] = [
    ['unknown flags', FRAME_HEADER_BYTES, 2],
    ['more columns', FRAME_HEADER_BYTES + 2, 9],
    ['very many columns', FRAME_HEADER_BYTES + 3, 9],
    ['fewer columns', FRAME_HEADER_BYTES + 2, 1],
    ['more requests', FRAME_HEADER_BYTES + 4, 2],
    ['no request', FRAME_HEADER_BYTES + 4, 0],
    ['unknown request flags', HEAD + 8, 0x10],
    ['neither half', HEAD + 8, 0],
    ['more rows', HEAD + 12, 200],
    ['fewer rows', HEAD + 12, 1],
    ['very many rows', HEAD + 15, 0xff],
    ['more deletes than rows', heads - 8, 4],
    ['an unknown type', heads + 4, 99],
    ['no primary key', heads + 6, 0],
  ]
  for (const [name, at, value] of changes) {
    const bad = Uint8Array.from(good)
    t.not(bad[at], value, name)
    bad[at] = value
    frameInto(bad, 0, FRAME.log, bad.length - FRAME_HEADER_BYTES)
    t.throws(() => decodeLogRecord(bad, 'x'), corrupt, name)
  }
  const zero = Buffer.from(good)
  zero.writeDoubleLE(0, HEAD)
  frameInto(zero, 0, FRAME.log, zero.length - FRAME_HEADER_BYTES)
  const payload = good.subarray(FRAME_HEADER_BYTES)
  for (const bad of [
    zero,
    frame(FRAME.log, [payload, Uint8Array.of(0)]),
    frame(FRAME.manifest, [payload]),
    Buffer.concat([good, good]),
    frame(FRAME.log, []),
    frame(FRAME.log, [new Uint8Array(15)]),
    frame(FRAME.log, [new Uint8Array(16)]),
  ])
    t.throws(() => decodeLogRecord(bad, 'x'), corrupt)
})
