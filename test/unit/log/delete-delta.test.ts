import t from 'tap'
import {
  type DeleteDelta,
  DeleteList,
  decodeDeleteDelta,
  encodeDeleteDelta,
} from '../../../lib/log/delete-delta.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { randomColumn, rowsOf } from '../../support/random-column.js'
import { rng, runsOf, seedOf } from '../../support/rng.js'

const seed = seedOf(1)

interface Kill {
  readonly key: string | null
  readonly scope: number
  readonly tick: number
}

function killsOf(delta: DeleteDelta): Kill[] {
  return rowsOf(delta.pk, 0, delta.rowCount).map((key, i) => ({
    key,
    scope: delta.scopes[i]!,
    tick: delta.ticks[i]!,
  }))
}

for (const pkType of [DataType.Int64, DataType.VarChar]) {
  t.test(`a list of ${pkType} keys holds what was appended, frozen and stored (SEED=${seed})`, async t => {
    const r = rng(seed)
    for (let run = 0; run < runsOf(10); run++) {
      const list = new DeleteList(pkType)
      t.strictSame([list.rowCount, list.minTick, list.maxTick], [0, 0, 0])
      const model: Kill[] = []
      let tick = 10_000_000_000
      for (let step = r.int(30); step > 0; step--) {
        const rows = r.pick([0, 1, 2, 50])
        const from = r.int(3)
        const pk = randomColumn(r, pkType, 0, from + rows + r.int(3), false)
        const scope = r.pick([-1, 0, 5])
        tick += r.int(2)
        list.append(pk, from, from + rows, scope, tick)
        for (const key of rowsOf(pk, from, from + rows)) model.push({ key, scope, tick })
      }
      t.strictSame(killsOf(list), model, 'live')
      const delta = list.toDelta()
      t.strictSame(killsOf(delta), model, 'frozen')
      t.strictSame([delta.ticks.length, delta.scopes.length], [delta.rowCount, delta.rowCount])
      t.equal(list.minTick, model[0]?.tick ?? 0)
      t.equal(list.maxTick, model[model.length - 1]?.tick ?? 0)
      const back = decodeDeleteDelta(encodeDeleteDelta(delta), 'x')
      t.strictSame(killsOf(back), model, 'stored')
      t.strictSame(
        Buffer.from(encodeDeleteDelta(list)),
        Buffer.from(encodeDeleteDelta(delta)),
        'spare room is not',
      )
      list.append(randomColumn(r, pkType, 0, 100, false), 0, 100, 1, tick)
      t.strictSame(killsOf(delta), model, 'a frozen delta does not change')
    }
  })
}

t.test('deletes come in tick order and with one type of key', async t => {
  const list = new DeleteList(DataType.Int64)
  const pk = randomColumn(rng(seed), DataType.Int64, 0, 1, false)
  list.append(pk, 0, 1, -1, 5)
  const bug = { name: 'InvariantError' }
  t.throws(() => list.append(pk, 0, 1, -1, 4), bug)
  t.throws(() => list.append(randomColumn(rng(seed), DataType.VarChar, 0, 1, false), 0, 1, -1, 6), bug)
  t.throws(() => new DeleteList(DataType.Float), bug)
  t.ok(list.byteLength > 0)
})

t.test('no byte of a stored delta can change or go missing unnoticed', async t => {
  const list = new DeleteList(DataType.VarChar)
  list.append(randomColumn(rng(seed), DataType.VarChar, 0, 4, false), 0, 4, 3, 77)
  const good = encodeDeleteDelta(list)
  const corrupt = { name: 'MilvusError', reason: 'Corrupted', message: /^delta 9 / }
  for (let at = 0; at < good.length; at++) {
    const bad = Uint8Array.from(good)
    bad[at]! ^= 0x10
    t.throws(() => decodeDeleteDelta(bad, 'delta 9'), corrupt)
    t.throws(() => decodeDeleteDelta(good.subarray(0, at), 'delta 9'), corrupt)
  }
})
