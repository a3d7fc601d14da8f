/** gRPC, through Milvus's Node SDK. */
import { type ErrorCode, MilvusClient, type RerankerObj } from '@zilliz/milvus2-sdk-node'
import type { Served } from '../served.js'
import {
  byKey,
  type Door,
  hit,
  idsOf,
  NAME,
  type Op,
  outcome,
  Refused,
  type Row,
  rowsOf,
  type Search,
} from './door.js'

interface SdkStatus {
  readonly error_code?: string | number | ErrorCode
  readonly code?: number
  readonly reason?: string
}

/** The answer of a call that succeeded. */
async function sdk<T extends object>(work: Promise<T>): Promise<T> {
  const answer = await work
  const status = ('status' in answer ? answer.status : answer) as SdkStatus
  if (status.error_code !== 'Success') throw new Refused(status.code ?? -1)
  return answer
}

export async function grpcDoor(served: Served): Promise<Door> {
  const bare = new MilvusClient({ address: served.address, timeout: 20_000 })
  await bare.connectPromise
  await bare.createDatabase({ db_name: 'grpc' })
  const client = new MilvusClient({ address: served.address, timeout: 20_000, database: 'grpc' })
  await client.connectPromise
  const collection_name = NAME
  // The SDK's types name every field of a request; these are plain records of the same names.
  type Any = Parameters<typeof client.search>[0] & Parameters<typeof client.insert>[0]
  const given = (request: object): never => ({ collection_name, ...request }) as unknown as Any as never
  const write = (partition: string) => (partition === '' ? {} : { partition_name: partition })
  const searchOf = ({ field, data, limit, filter }: Search) => ({ anns_field: field, data, limit, filter })
  const hits = (results: readonly Row[]) => results.map(({ score, id, ...entity }) => hit(id, score, entity))
  const run = async (op: Op): Promise<unknown> => {
    switch (op.kind) {
      case 'insert':
      case 'upsert':
      case 'merge':
      case 'arrays': {
        const more =
          op.kind === 'merge'
            ? { partial_update: true }
            : op.kind === 'arrays'
              ? { partial_update: true, field_ops: [{ field_name: 'tags', op: op.op }] }
              : {}
        const request = given({ data: op.rows, ...more, ...('partition' in op ? write(op.partition) : {}) })
        const { IDs, insert_cnt, upsert_cnt } = await sdk(
          op.kind === 'insert' ? client.insert(request) : client.upsert(request),
        )
        const ids = (IDs as unknown as { int_id?: { data: string[] } }).int_id?.data ?? []
        return { ids: idsOf(ids), count: Number(op.kind === 'insert' ? insert_cnt : upsert_cnt) }
      }
      case 'delete':
        return Number(
          (await sdk(client.delete(given({ filter: op.filter, ...write(op.partition) })))).delete_cnt,
        )
      case 'get':
        return byKey((await sdk(client.get(given({ ids: op.ids, output_fields: op.outputs })))).data)
      case 'query': {
        const { filter, limit, offset, outputs: output_fields, partitions } = op
        const more = partitions.length === 0 ? {} : { partition_names: partitions }
        return rowsOf(
          (await sdk(client.query(given({ filter, limit, offset, output_fields, ...more })))).data,
        )
      }
      case 'count':
        return Number((await sdk(client.count(given({ expr: op.filter })))).data)
      case 'search': {
        const grouping = op.groupBy === '' ? {} : { group_by_field: op.groupBy }
        const request = given({ ...searchOf(op), ...grouping, output_fields: op.outputs })
        return hits((await sdk(client.search(request))).results as unknown as Row[])
      }
      case 'hybrid': {
        const rerank: RerankerObj =
          op.weights === null
            ? ({ strategy: 'rrf', params: { k: 60 } } as RerankerObj)
            : ({ strategy: 'weighted', params: { weights: op.weights } } as unknown as RerankerObj)
        // The SDK calls the filter of a part `expr`.
        const data = op.requests.map(({ filter: expr, ...one }) => ({
          ...searchOf({ filter: '', ...one }),
          expr,
        }))
        const request = given({ data, rerank, limit: 20, output_fields: ['id'] })
        return hits((await sdk(client.hybridSearch(request))).results as unknown as Row[])
      }
      case 'createPartition':
        return void (await sdk(client.createPartition(given({ partition_name: op.partition }))))
      case 'dropPartition':
        return void (await sdk(client.dropPartition(given({ partition_name: op.partition }))))
      case 'hasPartition':
        return (await sdk(client.hasPartition(given({ partition_name: op.partition })))).value
      case 'partitions':
        return (await sdk(client.showPartitions(given({})))).data.map(({ name }) => name)
      case 'createAlias':
        return void (await sdk(client.createAlias(given({ alias: op.alias }))))
      case 'dropAlias':
        return void (await sdk(client.dropAlias(given({ alias: op.alias }))))
      case 'aliases':
        return (await sdk(client.listAliases(given({})))).aliases.toSorted()
      case 'createIndex':
        return void (await sdk(
          client.createIndex(given({ field_name: op.field, index_name: op.field, index_type: 'INVERTED' })),
        ))
      case 'dropIndex':
        return void (await sdk(client.dropIndex(given({ index_name: op.field, field_name: op.field }))))
      case 'load':
        return void (await sdk(client.loadCollectionAsync(given({}))))
      case 'release':
        return void (await sdk(client.releaseCollection(given({}))))
      case 'loadState':
        return (await sdk(client.getLoadState(given({})))).state
      case 'flush':
        return void (await sdk(client.flushSync({ collection_names: [NAME] })))
      case 'stats':
        return Number((await sdk(client.getCollectionStatistics(given({})))).data['row_count'])
      case 'describe':
        return (await sdk(client.describeCollection(given({ cache: false })))).schema.fields.map(
          one => one.name,
        )
    }
  }
  return {
    name: 'gRPC',
    create: async () => {
      await sdk(
        client.createCollection({
          collection_name,
          enable_dynamic_field: true,
          fields: [
            { name: 'id', data_type: 'Int64', is_primary_key: true },
            { name: 'vector', data_type: 'FloatVector', dim: 4 },
            { name: 'terms', data_type: 'SparseFloatVector' },
            { name: 'title', data_type: 'VarChar', max_length: 16 },
            { name: 'pages', data_type: 'Int32', nullable: true },
            { name: 'price', data_type: 'Double', default_value: 2.5 },
            { name: 'doc', data_type: 'JSON', nullable: true },
            {
              name: 'tags',
              data_type: 'Array',
              element_type: 'VarChar',
              max_length: 8,
              max_capacity: 6,
              nullable: true,
            },
            { name: 'longs', data_type: 'Array', element_type: 'Int64', max_capacity: 4, nullable: true },
          ],
        } as unknown as Parameters<typeof client.createCollection>[0]),
      )
      const index = (field_name: string, index_type: string, metric_type: string, params: object) =>
        sdk(
          client.createIndex(given({ field_name, index_name: field_name, index_type, metric_type, params })),
        )
      await index('vector', 'HNSW', 'L2', { M: 8, efConstruction: 64 })
      await index('terms', 'SPARSE_INVERTED_INDEX', 'IP', {})
      await sdk(client.loadCollectionAsync(given({})))
    },
    run: op => outcome(run(op)),
    close: async () => {
      await client.closeConnection()
      await bare.closeConnection()
    },
  }
}
