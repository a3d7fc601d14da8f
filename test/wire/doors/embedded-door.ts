/** The embedded API. */
import type { Served } from '../served.js'
import { byKey, type Door, hit, idsOf, NAME, type Op, outcome, rowsOf, type Search } from './door.js'

export function embeddedDoor(served: Served): Door {
  const where = { database: 'embedded' }
  const { db } = served
  const books = () => db.collection(NAME, where)
  const read = (partitions: readonly string[]) =>
    partitions.length === 0 ? {} : { partitionNames: partitions }
  const write = (partition: string) => (partition === '' ? {} : { partitionName: partition })
  const searchOf = ({ field, data, limit, filter }: Search) => ({
    annsField: field,
    data: [data as number[]],
    limit,
    filter,
  })
  const run = async (op: Op): Promise<unknown> => {
    switch (op.kind) {
      case 'insert': {
        const { ids, insertCount } = await books().insert(op.rows, write(op.partition))
        return { ids: idsOf(ids), count: insertCount }
      }
      case 'upsert':
      case 'merge': {
        const more = op.kind === 'merge' ? { partialUpdate: true } : {}
        const { ids, upsertCount } = await books().upsert(op.rows, { ...write(op.partition), ...more })
        return { ids: idsOf(ids), count: upsertCount }
      }
      case 'arrays': {
        const options = { partialUpdate: true, fieldOps: { tags: op.op } }
        const { ids, upsertCount } = await books().upsert(op.rows, options)
        return { ids: idsOf(ids), count: upsertCount }
      }
      case 'delete':
        return (await books().delete({ filter: op.filter, ...write(op.partition) })).deleteCount
      case 'get':
        return byKey(await books().get(op.ids, { outputFields: op.outputs }))
      case 'query': {
        const { filter, outputs: outputFields, limit, offset } = op
        return rowsOf(await books().query({ filter, outputFields, limit, offset, ...read(op.partitions) }))
      }
      case 'count':
        return books().count({ filter: op.filter })
      case 'search': {
        const grouping = op.groupBy === '' ? {} : { groupByField: op.groupBy }
        const [hits] = await books().search({ ...searchOf(op), ...grouping, outputFields: op.outputs })
        return hits!.map(({ id, score, entity }) => hit(id, score, entity))
      }
      case 'hybrid': {
        const rank =
          op.weights === null
            ? ({ strategy: 'rrf', k: 60 } as const)
            : ({ strategy: 'weighted', weights: op.weights } as const)
        const requests = op.requests.map(searchOf)
        const [hits] = await books().hybridSearch({ requests, rank, limit: 20, outputFields: ['id'] })
        return hits!.map(({ id, score, entity }) => hit(id, score, entity))
      }
      case 'createPartition':
        return void (await books().createPartition(op.partition))
      case 'dropPartition':
        return void (await books().dropPartition(op.partition))
      case 'hasPartition':
        return books().hasPartition(op.partition)
      case 'partitions':
        return books().listPartitions()
      case 'createAlias':
        return void (await db.createAlias(op.alias, NAME, where))
      case 'dropAlias':
        return void (await db.dropAlias(op.alias, where))
      case 'aliases':
        return (await db.listAliases(NAME, where)).toSorted()
      case 'createIndex':
        return void (await books().createIndex({ fieldName: op.field, indexType: 'INVERTED' }))
      case 'dropIndex':
        return void (await books().dropIndex(op.field))
      case 'load':
        return void (await books().load())
      case 'release':
        return void (await books().release())
      case 'loadState':
        return LOAD_STATES[await books().loadState()]
      case 'flush':
        return void (await books().flush())
      case 'stats':
        return (await books().stats()).rowCount
      case 'describe':
        return (await books().describe()).schema.fields.filter(one => !one.dynamic).map(one => one.name)
    }
  }
  return {
    name: 'embedded',
    create: async () => {
      await db.createDatabase(where.database)
      await db.createCollection(
        {
          name: NAME,
          enableDynamicField: true,
          fields: [
            { name: 'id', dataType: 5, primaryKey: true },
            { name: 'vector', dataType: 101, dim: 4 },
            { name: 'terms', dataType: 104 },
            { name: 'title', dataType: 21, maxLength: 16 },
            { name: 'pages', dataType: 4, nullable: true },
            { name: 'price', dataType: 11, defaultValue: 2.5 },
            { name: 'doc', dataType: 23, nullable: true },
            { name: 'tags', dataType: 22, elementType: 21, maxLength: 8, maxCapacity: 6, nullable: true },
            { name: 'longs', dataType: 22, elementType: 5, maxCapacity: 4, nullable: true },
          ],
          indexes: [
            {
              fieldName: 'vector',
              indexName: 'vector',
              indexType: 'HNSW',
              metricType: 'L2',
              params: { M: 8, efConstruction: 64 },
            },
            { fieldName: 'terms', indexName: 'terms', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'IP' },
          ],
        },
        where,
      )
      await db.collection(NAME, where).load()
    },
    run: op => outcome(run(op)),
    close: async () => undefined,
  }
}

const LOAD_STATES: Readonly<Record<string, string>> = {
  Loaded: 'LoadStateLoaded',
  NotLoad: 'LoadStateNotLoad',
  loaded: 'LoadStateLoaded',
  notLoad: 'LoadStateNotLoad',
}
