import t from 'tap'
import { decodeLogRecord, encodeLogRecord, type LogRecord } from '../../../lib/log/log-record.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { FRAME, FRAME_HEADER_BYTES, frame, frameInto } from '../../../lib/store/codec.js'
import { COLUMN_TYPES, randomColumn, rowsOf, testField } from '../../support/random-column.js'
import { type Rng, rng, runsOf, seedOf } from '../../support/rng.js'

const seed = seedOf(1)

function randomRecord(r: Rng, rowCount: number, types: readonly DataType[]): LogRecord & { insert: object } {
  const dim = 8 * r.between(1, 4)
  const fields = types.map((type, i) => testField(100 + i * 3, type, type >= 100 && type <= 105 ? dim : 0))
  const columns = types.map(type => randomColumn(r, type, dim, rowCount, r.chance()))
  const one = r.chance()
  const partitionIds = Int32Array.from({ length: rowCount }, () => (one ? 7 : r.int(5)))
  const pkType = r.chance() ? DataType.Int64 : DataType.VarChar
  const pkRows = r.int(20)
  const pk = randomColumn(r, pkType, 0, pkRows, false)
  return {
    previousTick: r.pick([undefined, 0, 775_736_524_800_005]),
    insert: { fieldIds: fields.map(f => f.id), fields, batch: { rowCount, columns }, partitionIds },
    delete: r.chance() ? { pk, rowCount: pkRows, pkType, scope: r.pick([-1, 0, 7]) } : null,
  }
}

t.test(`a record of every type comes back, describing itself (SEED=${seed})`, async t => {
  const r = rng(seed)
  for (let run = 0; run < runsOf(40); run++) {
    const record = randomRecord(
      r,
      r.pick([0, 1, 2, 33, 100]),
      r.shuffle(COLUMN_TYPES).slice(0, r.between(1, 8)),
    )
    const { rowCount, columns } = record.insert.batch
    const back = decodeLogRecord(encodeLogRecord(record), 'x')
    t.equal(back.previousTick, record.previousTick ?? null)
    t.equal(back.insert!.rowCount, rowCount)
    t.strictSame(back.insert!.partitionIds, record.insert.partitionIds)
    t.strictSame(
      back.insert!.columns.map(c => [c.fieldId, c.dataType, c.elementType, c.dim]),
      record.insert.fields.map(f => [f.id, f.dataType, f.elementType, f.dim]),
    )
    for (const [i, { column }] of back.insert!.columns.entries()) {
      t.strictSame(rowsOf(column, 0, rowCount), rowsOf(columns[i]!, 0, rowCount))
    }
    t.equal(back.delete === null, record.delete === null)
    if (record.delete !== null) {
      const { pk, ...rest } = record.delete
      t.match(back.delete, rest)
      t.strictSame(rowsOf(back.delete!.pk, 0, rest.rowCount), rowsOf(pk, 0, rest.rowCount))
    }
  }
})

t.test('a delete alone is a record, nothing at all is a bug', async t => {
  const pk = { layout: 'fixed', width: 2, values: Int32Array.of(5, 0, -1, -1), validity: null } as const
  const bytes = encodeLogRecord({
    insert: null,
    delete: { pk, rowCount: 2, pkType: DataType.Int64, scope: -1 },
  })
  const back = decodeLogRecord(bytes, 'x')
  t.equal(back.insert, null)
  t.match(back.delete, { rowCount: 2, scope: -1, pkType: DataType.Int64 })
  t.strictSame(rowsOf(back.delete!.pk, 0, 2), ['0500000000000000', 'ffffffffffffffff'])
  t.throws(() => encodeLogRecord({ insert: null, delete: null }), { name: 'InvariantError' })
})

t.test('an incomplete batch is a bug', async t => {
  const record = randomRecord(rng(seed), 3, [DataType.Int64, DataType.Bool])
  const { insert } = record
  const bug = { name: 'InvariantError' }
  const batch = { rowCount: 3, columns: [insert.batch.columns[0]!, null] }
  t.throws(() => encodeLogRecord({ insert: { ...insert, batch }, delete: null }), bug)
  t.throws(() => encodeLogRecord({ insert: { ...insert, fieldIds: [100] }, delete: null }), bug)
  const partitionIds = new Int32Array(2)
  t.throws(() => encodeLogRecord({ insert: { ...insert, partitionIds }, delete: null }), bug)
})

t.test(`no byte of a record can change or go missing unnoticed (SEED=${seed})`, async t => {
  const r = rng(seed)
  const pk = randomColumn(r, DataType.VarChar, 0, 3, false)
  const { insert } = randomRecord(r, 3, [DataType.VarChar, DataType.FloatVector, DataType.JSON])
  const good = encodeLogRecord({
    previousTick: 5,
    insert,
    delete: { pk, rowCount: 3, pkType: DataType.VarChar, scope: 1 },
  })
  const what = 'log record 4 of collection 7'
  const corrupt = { name: 'MilvusError', reason: 'Corrupted', message: /^log record 4 of collection 7 / }
  for (let at = 0; at < good.length; at++) {
    const bad = Uint8Array.from(good)
    bad[at]! ^= 1 << r.int(8)
    t.throws(() => decodeLogRecord(bad, what), corrupt)
  }
  const linkEnd = FRAME_HEADER_BYTES + 8
  const deleteEnd = linkEnd + FRAME_HEADER_BYTES + Buffer.from(good).readUInt32LE(linkEnd + 4)
  for (let length = 0; length < good.length; length++) {
    if (length !== deleteEnd) t.throws(() => decodeLogRecord(good.subarray(0, length), what), corrupt)
  }
})

t.test('a well-summed record that contradicts itself is corrupt, never a wrong row', async t => {
  const { insert } = randomRecord(rng(seed), 3, [DataType.Int64, DataType.VarChar])
  const good = encodeLogRecord({ insert, delete: null })
  const head = FRAME_HEADER_BYTES
  const changes: [string, number, number][] = [
    ['more rows', head, 200],
    ['fewer rows', head, 1],
    ['very many rows', head + 3, 0xff],
    ['more columns', head + 4, 9],
    ['fewer columns', head + 4, 1],
    ['another partition layout', head + 6, 3],
    ['an unknown type', good.indexOf(DataType.VarChar, head + 12), 99],
  ]
  for (const [name, at, value] of changes) {
    const bad = Uint8Array.from(good)
    bad[at] = value
    frameInto(bad, 0, FRAME.insert, bad.length - FRAME_HEADER_BYTES)
    t.throws(() => decodeLogRecord(bad, 'x'), { name: 'MilvusError', reason: 'Corrupted' }, name)
  }
  const one = encodeLogRecord({ insert: { ...insert, partitionIds: new Int32Array(3) }, delete: null })
  one[head + 3] = 0xff
  frameInto(one, 0, FRAME.insert, one.length - FRAME_HEADER_BYTES)
  const longer = frame(FRAME.insert, [good.subarray(FRAME_HEADER_BYTES), Uint8Array.of(0)])
  const other = frame(FRAME.manifest, [new Uint8Array(8)])
  const twice = Buffer.concat([good, good])
  const shortLink = Buffer.concat([frame(FRAME.link, [new Uint8Array(4)]), good])
  const onlyLink = frame(FRAME.link, [new Uint8Array(8)])
  for (const bad of [
    shortLink,
    onlyLink,
    one,
    longer,
    other,
    twice,
    frame(FRAME.insert, []),
    frame(FRAME.delete, []),
  ]) {
    t.throws(() => decodeLogRecord(bad, 'x'), { name: 'MilvusError', reason: 'Corrupted' })
  }
})
