/** A sealed segment and the deletes that arrive while it is loaded. */
import t from 'tap'
import { DeleteList } from '../../../lib/log/delete-delta.js'
import type { Column } from '../../../lib/schema/column.js'
import { int64WordsOf } from '../../../lib/schema/column-ops.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { SealedSegment, type SegmentContext } from '../../../lib/segment/sealed-segment.js'
import { writeSegment } from '../../../lib/segment/segment-writer.js'
import { openLevelStore } from '../../../lib/store/level-store.js'
import { fieldOf } from '../../support/stored-rows.js'

/** More than are numbered without a look at the clock. */
const ROWS = 40_000

function keysOf(count: number): Column {
  const values = new Int32Array(count * 2)
  for (let i = 0; i < count; i++) values.set(int64WordsOf(i), i * 2)
  return { layout: 'fixed', width: 2, values, validity: null }
}

t.test('a delete belongs to a segment from the moment it has caught up with the others', async t => {
  const store = await openLevelStore(t.testdir())
  t.teardown(() => store.close())
  const field = fieldOf(100, DataType.Int64)
  const keys = keysOf(ROWS)
  const meta = await writeSegment(store, {
    segmentId: 7,
    fields: [field],
    columns: [keys],
    rowCount: ROWS,
    ticks: new Float64Array(ROWS).fill(1),
    partitionIds: new Int32Array(ROWS),
    deletes: { rows: new Int32Array(0), ticks: new Float64Array(0) },
    level: 0,
    appliedDelta: 0,
  })
  const list = new DeleteList(DataType.Int64)
  let next = 0
  const remove = (): void => {
    if (next === 50) return
    const row = next++
    list.append(keys, row, row + 1, -1, 10 + row)
    segment.deleteRows(keys, row, row + 1, -1, 10 + row)
  }
  const deletes = {
    load: () => undefined,
    lists: () => {
      // What is deleted right after a look at the list is in the list of the next look, or the segment's own business.
      queueMicrotask(remove)
      setImmediate(remove)
      return [list]
    },
  }
  const context = {
    store,
    deletes,
    schema: () => ({ fields: [field], pkIndex: 0 }),
  } as unknown as SegmentContext
  const segment = new SealedSegment(meta, context)
  await segment.load([])
  while (next < 50) {
    remove()
    await new Promise(resolve => setImmediate(resolve))
  }
  const { count } = segment.visible(100, null)
  t.equal(count, ROWS - 50)
})
