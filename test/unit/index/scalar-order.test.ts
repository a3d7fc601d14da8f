/**
 * The file of a scalar index: what was written comes back, anything else is null and never an exception.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { entryCount, openOrder, type ScalarOrder, writeOrder } from '../../../lib/index/scalar-order.js'
import { listSidecars, removeSidecar } from '../../../lib/index/sidecar.js'

const IDENTITY = { segmentId: 2 ** 40 + 7, fieldId: 101, indexId: 3, rowCount: 5 }
const NONE = { int: null, double: null, text: null, bool: null }
const COLUMN: ScalarOrder = {
  form: 'value',
  postings: { ...NONE, int: { rows: Int32Array.of(4, 0, 2), offsets: null } },
  arrays: null,
}
const JSON_ARRAYS: ScalarOrder = {
  form: 'element',
  postings: {
    ...NONE,
    int: { rows: Int32Array.of(1, 1), offsets: Uint32Array.of(9, 4) },
    double: { rows: new Int32Array(0), offsets: new Uint32Array(0) },
  },
  arrays: Int32Array.of(1, 3),
}

for (const [name, order] of Object.entries({ column: COLUMN, 'JSON arrays': JSON_ARRAYS })) {
  t.test(`what was written comes back: ${name}`, async t => {
    const dir = join(t.testdir(), 'indexes')
    const { byteLength } = await writeOrder(dir, 'a', IDENTITY, order)
    t.equal(byteLength, readFileSync(join(dir, 'a.order')).length)
    t.strictSame(await openOrder(dir, 'a', IDENTITY), order)
    t.strictSame(await listSidecars(dir), ['a'])
    await removeSidecar(dir, 'a')
    t.strictSame(await listSidecars(dir), [])
    t.equal(await openOrder(dir, 'a', IDENTITY), null, 'missing')
  })
}

t.test('entries of all classes are counted', async t => {
  t.equal(entryCount(COLUMN), 3)
  t.equal(entryCount(JSON_ARRAYS), 2)
})

t.test('a file of something else is null', async t => {
  const dir = t.testdir()
  await writeOrder(dir, 'a', IDENTITY, COLUMN)
  for (const key of ['segmentId', 'fieldId', 'indexId', 'rowCount'] as const)
    t.equal(await openOrder(dir, 'a', { ...IDENTITY, [key]: IDENTITY[key] + 1 }), null, key)
})

t.test('a file damaged in any byte, or cut anywhere, is null', async t => {
  const dir = t.testdir()
  await writeOrder(dir, 'a', IDENTITY, JSON_ARRAYS)
  const bytes = readFileSync(join(dir, 'a.order'))
  mkdirSync(join(dir, 'x'))
  let trusted = 0
  for (let at = 0; at < bytes.length; at++) {
    const broken = Buffer.from(bytes)
    broken[at]! ^= 0x10
    writeFileSync(join(dir, 'x', 'a.order'), broken)
    if ((await openOrder(join(dir, 'x'), 'a', IDENTITY)) !== null) trusted++
    writeFileSync(join(dir, 'x', 'a.order'), bytes.subarray(0, at))
    if ((await openOrder(join(dir, 'x'), 'a', IDENTITY)) !== null) trusted++
  }
  t.equal(trusted, 0)
})
