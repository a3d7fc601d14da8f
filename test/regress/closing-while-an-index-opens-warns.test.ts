/**
 * A database was closed while a scalar index was being opened, and its directory opened again: the second one compacted
 * the segment away, and the first one said that the index file was missing or damaged.
 */
import t from 'tap'
import type { Environment } from '../../lib/engine/collection-state.js'
import { openSegmentOrder } from '../../lib/engine/index-files.js'
import type { CollectionRecord } from '../../lib/engine/records.js'
import { DataType } from '../../lib/index.js'
import { buildSchema } from '../../lib/schema/validate-schema.js'
import type { SegmentMeta, StoredIndex } from '../../lib/segment/segment-meta.js'

const schema = buildSchema({
  name: 'c',
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'n', dataType: DataType.Int64 },
    { name: 'v', dataType: DataType.FloatVector, dim: 2 },
  ],
})
const field = schema.fields[1]!
const spec = { id: 1, name: 'n', fieldName: 'n', indexType: 'STL_SORT', metricType: '', params: {} }
const record = { schema, indexes: [spec] } as unknown as CollectionRecord
const meta = { id: 1, rowCount: 10 } as SegmentMeta
const stored = { fieldId: field.id, indexId: 1, fileName: 'gone' } as StoredIndex

for (const closes of [true, false]) {
  t.test(
    `a missing file ${closes ? 'of a database that was closed meanwhile' : 'of an open database'}`,
    async t => {
      const warnings: string[] = []
      const work = { closed: false }
      const env = {
        directory: t.testdir({ indexes: {} }),
        work,
        warnOnce: (_: string, text: string) => warnings.push(text),
      } as unknown as Environment
      const opening = openSegmentOrder(env, record, meta, stored)
      work.closed = closes
      t.equal(await opening, null)
      t.equal(warnings.length, closes ? 0 : 1, warnings.join())
    },
  )
}
