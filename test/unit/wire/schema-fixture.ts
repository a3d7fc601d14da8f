/** Schemas for wire tests: only what is said differs from a plain field. */
import type { CollectionSchema, FieldSchema } from '../../../lib/schema/collection-schema.js'
import { DataType } from '../../../lib/schema/data-type.js'

export function field(name: string, dataType: DataType, more: Partial<FieldSchema> = {}): FieldSchema {
  return {
    id: 0,
    name,
    description: '',
    dataType,
    primaryKey: false,
    autoId: false,
    nullable: false,
    partitionKey: false,
    clusteringKey: false,
    dynamic: false,
    functionOutput: false,
    dim: 0,
    maxLength: dataType === DataType.VarChar ? 100 : 0,
    maxCapacity: 0,
    elementType: DataType.None,
    params: {},
    ...more,
  }
}

/** The first field is the primary key; ids count from 100. */
export function schemaOf(
  fields: readonly FieldSchema[],
  more: Partial<CollectionSchema> = {},
): CollectionSchema {
  const numbered = fields.map((one, i) => ({ ...one, id: 100 + i, primaryKey: i === 0 }))
  return {
    name: 'c',
    description: '',
    fields: numbered,
    functions: [],
    pkIndex: 0,
    dynamicIndex: numbered.findIndex(one => one.dynamic),
    partitionKeyIndex: numbered.findIndex(one => one.partitionKey),
    maxFieldId: 99 + fields.length,
    version: 1,
    ...more,
  }
}

export const meta = (): FieldSchema => field('$meta', DataType.JSON, { dynamic: true, nullable: true })
