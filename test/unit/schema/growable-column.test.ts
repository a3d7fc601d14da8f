/** A growable column holds what was appended, in order, whatever the sizes; readers of an older prefix never notice. */
import t from 'tap'
import type { FieldSchema } from '../../../lib/schema/collection-schema.js'
import type { Column } from '../../../lib/schema/column.js'
import { concatColumns, GrowableColumn, gatherColumn } from '../../../lib/schema/column-ops.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { GrowingArray } from '../../../lib/schema/growing-array.js'
import { COLUMN_TYPES, randomColumn, testField } from '../../support/random-column.js'
import { rng, runsOf, seedOf } from '../../support/rng.js'

/** What the first rows of a column mean, layout aside: bytes and null of each row. */
function rowsOf(field: FieldSchema, column: Column, rowCount: number): string[] {
  return Array.from({ length: rowCount }, (_, row) => {
    const one = gatherColumn(field, column, Int32Array.of(row))
    const body = one.layout === 'fixed' ? one.values : one.heap
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('hex')
    return `${one.validity === null ? 'value' : 'null'} ${bytes}`
  })
}

const seed = seedOf(5)
for (const shared of [false, true]) {
  t.test(`appending equals concatenating, for every type (shared=${shared}, SEED=${seed})`, async t => {
    const r = rng(seed)
    for (const type of COLUMN_TYPES) {
      const field = testField(100, type, 16)
      for (let run = 0; run < runsOf(3); run++) {
        const grown = new GrowableColumn(field, shared, r.int(3))
        const parts: { column: Column; rowCount: number }[] = []
        let total = 0
        for (let step = 0; step < 12; step++) {
          const rowCount = r.pick([1, 1, 2, 31, 32, 33, 100])
          const column = randomColumn(r, type, 16, rowCount, r.chance(0.4))
          const from = r.int(rowCount)
          const to = from + r.int(rowCount - from + 1)
          grown.append(column, from, to)
          const rows = Int32Array.from({ length: to - from }, (_, i) => from + i)
          parts.push({ column: gatherColumn(field, column, rows), rowCount: to - from })
          total += to - from
        }
        t.equal(grown.rowCount, total)
        const expected = rowsOf(field, concatColumns(field, parts), total)
        t.strictSame(rowsOf(field, grown.column(), total), expected, `type ${type}`)
      }
    }
  })
}

t.test('a column taken earlier keeps its rows through growth and the first null', async t => {
  const field = testField(100, DataType.VarChar)
  const r = rng(1)
  const grown = new GrowableColumn(field, false)
  grown.append(randomColumn(r, DataType.VarChar, 0, 10, false), 0, 10)
  const early = grown.column()
  const before = rowsOf(field, early, 10)
  t.equal(early.validity, null)
  for (let i = 0; i < 20; i++) grown.append(randomColumn(r, DataType.VarChar, 0, 50, true), 0, 50)
  t.strictSame(rowsOf(field, early, 10), before)
  t.strictSame(rowsOf(field, grown.column(), 10), before)
  t.ok(grown.column().validity, 'nulls have been seen')
})

t.test('column() is one object until an array is replaced', async t => {
  const field = testField(100, DataType.Int64)
  const one = randomColumn(rng(2), DataType.Int64, 0, 1, false)
  const grown = new GrowableColumn(field, false, 16)
  const first = grown.column()
  for (let i = 0; i < 16; i++) grown.append(one, 0, 1)
  t.equal(grown.column(), first)
  grown.append(one, 0, 1)
  t.not(grown.column(), first)
})

t.test('validity appears at the first null and not before', async t => {
  const field = testField(100, DataType.Int8)
  const grown = new GrowableColumn(field, false)
  const allValid: Column = {
    layout: 'fixed',
    width: 1,
    values: new Int8Array(40),
    validity: Uint32Array.of(0xffffffff, 0xff),
  }
  grown.append(allValid, 0, 40)
  t.equal(grown.column().validity, null)
  grown.append({ ...allValid, validity: Uint32Array.of(0xfffffffe, 0xff) }, 0, 2)
  t.strictSame([...grown.column().validity!].slice(0, 2), [0xffffffff, 0x2ff])
})

t.test('validity is shared memory from its first word on', async t => {
  const grown = new GrowableColumn(testField(100, DataType.Int8), true)
  grown.append({ layout: 'fixed', width: 1, values: new Int8Array(2), validity: Uint32Array.of(1) }, 0, 2)
  t.ok(grown.column().validity?.buffer instanceof SharedArrayBuffer)
})

t.test('shared memory is shared memory in every array, and bytes are counted', async t => {
  const r = rng(3)
  for (const type of [DataType.FloatVector, DataType.JSON]) {
    const field = testField(100, type, 8)
    const grown = new GrowableColumn(field, true, 4)
    const empty = grown.byteLength
    for (let i = 0; i < 10; i++) grown.append(randomColumn(r, type, 8, 30, true), 0, 30)
    const column = grown.column()
    const arrays = column.layout === 'fixed' ? [column.values] : [column.offsets, column.heap]
    let bytes = column.validity!.byteLength
    t.ok(column.validity!.buffer instanceof SharedArrayBuffer)
    for (const array of arrays) {
      t.ok(array.buffer instanceof SharedArrayBuffer)
      bytes += array.byteLength
    }
    t.equal(grown.byteLength, bytes)
    t.ok(bytes > empty)
  }
})

t.test(
  `a large array is taken over in parts, and every array handed out keeps its elements (SEED=${seed})`,
  async t => {
    const r = rng(seed)
    const made: Float64Array[] = []
    const make = (length: number): Float64Array => {
      const array = new Float64Array(length)
      made.push(array)
      return array
    }
    const growing = new GrowingArray(make, 16)
    const handedOut: { readonly array: Float64Array; readonly count: number }[] = []
    let count = 0
    let replaced = 0
    for (let step = 0; step < 3_000; step++) {
      const added = r.pick([0, 1, 7, 100, 500])
      const before = growing.array
      const moved = growing.reserve(count, count + added)
      t.equal(growing.array !== before, moved)
      replaced += moved ? 1 : 0
      for (let i = count; i < count + added; i++) growing.array[i] = i + 1
      count += added
      growing.wrote(count, added)
      if (r.chance(0.01)) handedOut.push({ array: growing.array, count })
    }
    handedOut.push({ array: growing.array, count })
    t.ok(replaced > 10 && count > 200_000, `${count} elements, ${replaced} arrays`)
    for (const { array, count } of handedOut) {
      let wrong = 0
      for (let i = 0; i < count; i++) if (array[i] !== i + 1) wrong++
      t.equal(wrong, 0)
    }
    const [last, next] = made.slice(-2) as [Float64Array, Float64Array]
    t.equal(last, growing.array, 'the successor of a full array was made before it was needed')
    t.ok(next[0] === 1, 'and has taken over the first elements')
  },
)

t.test('an append takes over twice what it adds, not everything', async t => {
  let made = new Float64Array(0)
  const make = (length: number): Float64Array => {
    made = new Float64Array(length)
    return made
  }
  const capacity = 1 << 17
  const growing = new GrowingArray(make, capacity)
  growing.array.fill(1)
  const half = capacity / 2
  growing.wrote(half, half)
  t.equal(made.length, capacity * 2)
  const taken = (): number => made.reduce((sum, value) => sum + value, 0)
  t.equal(taken(), half, 'a large append takes over what it wrote')
  growing.wrote(half + 10, 10)
  t.equal(taken(), half, 'a small one nothing yet')
  const early = new GrowingArray(make, capacity)
  early.array.fill(1)
  for (let count = half; count < half + 50_000; count += 10_000) early.wrote(count + 10_000, 10_000)
  t.equal(taken(), 100_000, 'two for one')
  for (let count = half + 50_000; count < half + 50_000 + 8_192; count += 1) early.wrote(count + 1, 1)
  t.equal(taken(), 100_000 + 16_384, 'many small ones as much as a large one')
})
