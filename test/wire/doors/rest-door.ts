/** REST. */
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

/** Codes only REST has, as what the other doors say. */
const REST_CODES: ReadonlyMap<number, number> = new Map([
  [1801, 1100],
  [1802, 1100],
  [1803, 1100],
  [1804, 1100],
  [1806, 1100],
])

export function restDoor(served: Served): Door {
  const post = async (path: string, body: object = {}): Promise<never> => {
    const response = await fetch(`http://${served.address}/v2/vectordb/${path}`, {
      method: 'POST',
      body: JSON.stringify({ dbName: 'rest', collectionName: NAME, ...body }),
      headers: { 'accept-type-allow-int64': 'false' },
    })
    const { code, data } = (await response.json()) as { code: number; data: unknown }
    if (code !== 0) throw new Refused(REST_CODES.get(code) ?? code)
    return data as never
  }
  const write = (partition: string) => (partition === '' ? {} : { partitionName: partition })
  const searchOf = ({ field, data, limit, filter }: Search) => ({
    annsField: field,
    data: [data],
    limit,
    filter,
  })
  const hits = (rows: readonly Row[]) => rows.map(({ distance, id, ...entity }) => hit(id, distance, entity))
  const run = async (op: Op): Promise<unknown> => {
    switch (op.kind) {
      case 'insert': {
        const answer: { insertIds: unknown[]; insertCount: number } = await post('entities/insert', {
          data: op.rows,
          ...write(op.partition),
        })
        return { ids: idsOf(answer.insertIds), count: answer.insertCount }
      }
      case 'upsert':
      case 'merge':
      case 'arrays': {
        const more =
          op.kind === 'arrays'
            ? { partialUpdate: true, fieldOps: [{ fieldName: 'tags', op: op.op }] }
            : { ...write(op.partition), ...(op.kind === 'merge' ? { partialUpdate: true } : {}) }
        const answer: { upsertIds: unknown[]; upsertCount: number } = await post('entities/upsert', {
          data: op.rows,
          ...more,
        })
        return { ids: idsOf(answer.upsertIds), count: answer.upsertCount }
      }
      case 'delete': {
        const answer: { deleteCount: number } = await post('entities/delete', {
          filter: op.filter,
          ...write(op.partition),
        })
        return answer.deleteCount
      }
      case 'get':
        return byKey(await post('entities/get', { id: op.ids, outputFields: op.outputs }))
      case 'query': {
        const { filter, limit, offset, outputs: outputFields, partitions } = op
        const more = partitions.length === 0 ? {} : { partitionNames: partitions }
        return rowsOf(await post('entities/query', { filter, limit, offset, outputFields, ...more }))
      }
      case 'count': {
        const [row]: Row[] = await post('entities/query', { filter: op.filter, outputFields: ['count(*)'] })
        return Number(row!['count(*)'])
      }
      case 'search': {
        const grouping = op.groupBy === '' ? {} : { groupingField: op.groupBy }
        return hits(await post('entities/search', { ...searchOf(op), ...grouping, outputFields: op.outputs }))
      }
      case 'hybrid': {
        const rerank =
          op.weights === null
            ? { strategy: 'rrf', params: { k: 60 } }
            : { strategy: 'weighted', params: { weights: op.weights } }
        const search = op.requests.map(searchOf)
        return hits(await post('entities/hybrid_search', { search, rerank, limit: 20, outputFields: ['id'] }))
      }
      case 'createPartition':
        return void (await post('partitions/create', { partitionName: op.partition }))
      case 'dropPartition':
        return void (await post('partitions/drop', { partitionName: op.partition }))
      case 'hasPartition':
        return (await post('partitions/has', { partitionName: op.partition }))['has']
      case 'partitions':
        return post('partitions/list')
      case 'createAlias':
        return void (await post('aliases/create', { aliasName: op.alias }))
      case 'dropAlias':
        return void (await post('aliases/drop', { aliasName: op.alias }))
      case 'aliases':
        return ((await post('aliases/list')) as string[]).toSorted()
      case 'createIndex':
        return void (await post('indexes/create', {
          indexParams: [{ fieldName: op.field, indexName: op.field, indexType: 'INVERTED' }],
        }))
      case 'dropIndex':
        return void (await post('indexes/drop', { indexName: op.field }))
      case 'load':
        return void (await post('collections/load'))
      case 'release':
        return void (await post('collections/release'))
      case 'loadState':
        return (await post('collections/get_load_state'))['loadState']
      case 'flush':
        return void (await post('collections/flush'))
      case 'stats':
        return Number((await post('collections/get_stats'))['rowCount'])
      case 'describe':
        return ((await post('collections/describe'))['fields'] as Row[]).map(one => one['name'])
    }
  }
  const typed = (fieldName: string, dataType: string, more: object = {}) => ({ fieldName, dataType, ...more })
  return {
    name: 'REST',
    create: async () => {
      await post('databases/create')
      const params = (given: object) => ({ elementTypeParams: given })
      const fields = [
        typed('id', 'Int64', { isPrimary: true }),
        typed('vector', 'FloatVector', params({ dim: 4 })),
        typed('terms', 'SparseFloatVector'),
        typed('title', 'VarChar', params({ max_length: 16 })),
        typed('pages', 'Int32', { nullable: true }),
        typed('price', 'Double', { defaultValue: 2.5 }),
        typed('doc', 'JSON', { nullable: true }),
        typed('tags', 'Array', {
          elementDataType: 'VarChar',
          nullable: true,
          ...params({ max_length: 8, max_capacity: 6 }),
        }),
        typed('longs', 'Array', { elementDataType: 'Int64', nullable: true, ...params({ max_capacity: 4 }) }),
      ]
      const graph = { M: 8, efConstruction: 64 }
      const indexParams = [
        { fieldName: 'vector', indexName: 'vector', indexType: 'HNSW', metricType: 'L2', params: graph },
        { fieldName: 'terms', indexName: 'terms', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'IP' },
      ]
      await post('collections/create', { schema: { fields, enableDynamicField: true }, indexParams })
    },
    run: op => outcome(run(op)),
    close: async () => undefined,
  }
}
