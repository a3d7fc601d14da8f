/** The working buffer of variable-width columns: grows, is reused, and never mixes two users. */
import t from 'tap'
import { ByteSink } from '../../../lib/schema/byte-sink.js'
import type { VarColumn } from '../../../lib/schema/column.js'
import { readUtf8 } from '../../../lib/schema/utf8.js'

const textsOf = (column: VarColumn) =>
  Array.from({ length: column.offsets.length - 1 }, (_, i) =>
    readUtf8(column.heap, column.offsets[i]!, column.offsets[i + 1]!),
  )

t.test('rows of any size, in order', async t => {
  const texts = ['', 'a', 'x'.repeat(10_000), 'é'.repeat(3000), 'end']
  const sink = new ByteSink(texts.length)
  texts.forEach((text, row) => {
    t.equal(sink.text(text), Buffer.byteLength(text))
    sink.endRow(row)
  })
  const column = sink.finish(null)
  t.strictSame(textsOf(column), texts)
  t.equal(column.heap.length, column.offsets.at(-1))
})

t.test('numbers and bytes', async t => {
  const sink = new ByteSink(1)
  sink.u32(0x01020304)
  sink.f32(1)
  sink.bytes(Uint8Array.of(9, 8, 7, 6), 1, 3)
  sink.endRow(0)
  t.strictSame([...sink.finish(null).heap], [4, 3, 2, 1, 0, 0, 0x80, 0x3f, 8, 7])
})

t.test('two open sinks do not share bytes, nor does a column share them with a later sink', async t => {
  const first = new ByteSink(1)
  const second = new ByteSink(1)
  first.text('first')
  second.text('other')
  first.endRow(0)
  second.endRow(0)
  const columns = [first.finish(null), second.finish(null)]
  const third = new ByteSink(1)
  third.text('third')
  third.endRow(0)
  t.strictSame([...columns, third.finish(null)].flatMap(textsOf), ['first', 'other', 'third'])
})
