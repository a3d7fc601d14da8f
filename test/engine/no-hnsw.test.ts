/**
 * A host without hnswlib-node: every search is exact, and one line says so. The library is switched off for this
 * process, which is all that a failed install amounts to.
 */
import t from 'tap'
import { disableHnsw, enableHnsw } from '../../lib/index/hnsw-index.js'
import { DataType, open } from '../../lib/index.js'
import { rng } from '../support/rng.js'

const DIM = 4
const SCHEMA = {
  name: 'c',
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'vec', dataType: DataType.FloatVector, dim: DIM },
  ],
  indexes: [{ fieldName: 'vec', indexType: 'HNSW', metricType: 'L2', params: { M: 8, efConstruction: 64 } }],
}

t.test('searches are exact without the library, and it is said once', async t => {
  const random = rng(5)
  const rows = Array.from({ length: 500 }, (_, id) => ({ id, vec: random.vector(DIM) }))
  const warnings: string[] = []
  const options = { indexRowsMin: 64, warn: (line: string) => void warnings.push(line) }
  const directory = t.testdir()
  const first = await open(directory, options)
  await (await first.createCollection(SCHEMA)).insert(rows.slice(0, 250))
  await first.collection('c').compact()
  await first.close()
  t.strictSame(warnings, [])

  disableHnsw()
  t.teardown(enableHnsw)
  const db = await open(directory, options)
  const c = db.collection('c')
  for (const bring of [async () => undefined, () => c.flush(), () => c.compact(), () => c.load()]) {
    await bring()
    if ((await c.count()) === 250) await c.insert(rows.slice(250))
    for (const row of [rows[3]!, rows[400]!]) {
      const distance = (vec: number[]) => vec.reduce((sum, x, i) => sum + (x - row.vec[i]!) ** 2, 0)
      const wanted = rows.slice().sort((a, b) => distance(a.vec) - distance(b.vec))
      const [hits] = await c.search({ data: [row.vec], limit: 10 })
      t.strictSame(
        hits!.map(hit => hit.id),
        wanted.slice(0, 10).map(near => near.id),
      )
    }
  }
  t.equal(warnings.length, 1, warnings.join('\n'))
  t.match(warnings[0], /hnswlib-node is not installed: searches are exact/)
  t.strictSame(
    (await c.stats()).segments.map(segment => segment.indexed),
    [false],
  )
  await db.close()
})
