/**
 * Symptom: dropping a collection during its compaction printed `compaction failed: … stored bytes are corrupt`.
 *
 * What happened: the drop removes the files of the collection at once, and the compaction read chunks that were gone.
 * Nothing was damaged, but the warning said so. A compaction whose collection was dropped now ends without an error.
 */
import t from 'tap'
import { DataType, open } from '../../lib/index.js'

t.test('a compaction whose collection is dropped ends quietly', async t => {
  const warnings: string[] = []
  const db = await open(t.testdir(), { warn: line => warnings.push(line), autoCompaction: false })
  t.teardown(() => db.close())
  await db.createCollection({
    name: 'gone',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vector', dataType: DataType.FloatVector, dim: 32 },
    ],
  })
  const gone = db.collection('gone')
  for (let part = 0; part < 4; part++) {
    await gone.insert(
      Array.from({ length: 500 }, (_, i) => ({
        id: part * 500 + i,
        vector: Array.from({ length: 32 }, () => i),
      })),
    )
    await gone.flush()
  }
  // The drop comes between the choice of the segments and the reading of them.
  const { work } = db.engine.collection('gone').state.env
  const merge = work.mergeRunner.run.bind(work.mergeRunner)
  work.mergeRunner.run = async (...args) => {
    await db.dropCollection('gone')
    return merge(...args)
  }
  const ended = await gone.compact().catch((error: Error) => error)
  t.notMatch(ended, { message: /corrupt/ })
  t.strictSame(warnings, [])
})
