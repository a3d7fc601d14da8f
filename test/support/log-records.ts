/** Log records for tests that need some on disk. */
import { LogRecordWriter } from '../../lib/log/log-record.js'
import type { CollectionSchema, FieldSchema } from '../../lib/schema/collection-schema.js'
import { DataType } from '../../lib/schema/data-type.js'
import { testField } from './random-column.js'

/** A schema of these fields; the first one is the primary key. */
export function testSchema(fields: readonly FieldSchema[]): CollectionSchema {
  return {
    name: 'logged',
    description: '',
    fields,
    functions: [],
    pkIndex: 0,
    dynamicIndex: -1,
    partitionKeyIndex: -1,
    maxFieldId: Math.max(...fields.map(field => field.id)),
    version: 1,
  }
}

const KEYS_ONLY = testSchema([{ ...testField(100, DataType.Int64), primaryKey: true }])

/** A record of requests that each delete some keys. */
export function deleteRecord(
  requests: readonly (readonly [tick: number, keys: readonly number[]])[],
  previousTick?: number,
): Uint8Array {
  const writer = new LogRecordWriter(KEYS_ONLY, previousTick)
  for (const [tick, keys] of requests) {
    const values = Int32Array.from(keys.flatMap(key => [key, 0]))
    const pk = { layout: 'fixed', width: 2, values, validity: null } as const
    writer.add(tick, null, { pk, rowCount: keys.length, scope: -1 })
  }
  return writer.finish()
}
