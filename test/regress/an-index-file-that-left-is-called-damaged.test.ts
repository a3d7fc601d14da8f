/**
 * A compaction took a segment away while one of its scalar indexes was being opened, or a database was closed then and
 * its next owner did: the user was told that the index file was missing or damaged.
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

for (const kept of [false, true]) {
  t.test(`a missing file ${kept ? 'that should be there' : 'that left meanwhile'}`, async t => {
    const warnings: string[] = []
    const env = {
      directory: t.testdir({ indexes: {} }),
      work: { closed: false },
      warnOnce: (_: string, text: string) => warnings.push(text),
    } as unknown as Environment
    t.equal(await openSegmentOrder(env, record, meta, stored, () => kept), null)
    t.equal(warnings.length, kept ? 1 : 0, warnings.join())
  })
}
