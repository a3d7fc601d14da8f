/** REST endpoints about partitions, aliases and databases. */
import { answered, named, rowCountOf } from './answers.js'
import { pairsOf } from './pairs.js'
import {
  type Body,
  NOTHING,
  objectOf,
  type RestContext,
  type Route,
  route,
  textOf,
  textsOf,
} from './route.js'

const NAMED = { collectionName: 'string!' } as const
const PARTITION = { collectionName: 'string!', partitionName: 'string!' } as const

function partition(body: Body, context: RestContext) {
  return { ...named(body, context), partition_name: textOf(body, 'partitionName') }
}

const partitions: readonly Route[] = [
  route('partitions/list', NAMED, async (body, context) => {
    const answer = await context.calls.ShowPartitions(
      { ...named(body, context), collectionID: 0, partition_names: [], type: 0 },
      context,
    )
    return { data: answered(answer).partition_names ?? [] }
  }),
  route('partitions/has', PARTITION, async (body, context) => {
    const answer = await context.calls.HasPartition(partition(body, context), context)
    return { data: { has: answered(answer).value ?? false } }
  }),
  route('partitions/get_stats', PARTITION, async (body, context) => {
    const answer = await context.calls.GetPartitionStatistics(partition(body, context), context)
    return { data: { rowCount: rowCountOf(answered(answer).stats ?? []) } }
  }),
  route('partitions/create', PARTITION, async (body, context) => {
    await context.calls.CreatePartition(partition(body, context), context)
    return NOTHING
  }),
  route('partitions/drop', PARTITION, async (body, context) => {
    await context.calls.DropPartition(partition(body, context), context)
    return NOTHING
  }),
  route('partitions/load', { ...NAMED, partitionNames: 'strings!' }, async (body, context) => {
    await context.calls.LoadPartitions(
      {
        ...named(body, context),
        partition_names: textsOf(body, 'partitionNames'),
        replica_number: 0,
        resource_groups: [],
        refresh: false,
        load_fields: [],
        skip_load_dynamic_field: false,
        load_params: new Map(),
      },
      context,
    )
    return NOTHING
  }),
  route('partitions/release', { ...NAMED, partitionNames: 'strings!' }, async (body, context) => {
    await context.calls.ReleasePartitions(
      { ...named(body, context), partition_names: textsOf(body, 'partitionNames') },
      context,
    )
    return NOTHING
  }),
]

const ALIAS = { collectionName: 'string!', aliasName: 'string!' } as const

function alias(body: Body, context: RestContext) {
  return { ...named(body, context), alias: textOf(body, 'aliasName') }
}

const aliases: readonly Route[] = [
  route('aliases/list', { collectionName: 'string' }, async (body, context) => {
    const answer = await context.calls.ListAliases(named(body, context), context)
    return { data: answered(answer).aliases ?? [] }
  }),
  route('aliases/describe', { aliasName: 'string!' }, async (body, context) => {
    const aliasName = textOf(body, 'aliasName')
    const answer = answered(
      await context.calls.DescribeAlias({ db_name: context.database, alias: aliasName }, context),
    )
    return {
      data: {
        dbName: answer.db_name || context.database,
        collectionName: answer.collection ?? '',
        aliasName: answer.alias || aliasName,
      },
    }
  }),
  route('aliases/create', ALIAS, async (body, context) => {
    await context.calls.CreateAlias(alias(body, context), context)
    return NOTHING
  }),
  route('aliases/alter', ALIAS, async (body, context) => {
    await context.calls.AlterAlias(alias(body, context), context)
    return NOTHING
  }),
  route('aliases/drop', { aliasName: 'string!' }, async (body, context) => {
    await context.calls.DropAlias({ db_name: context.database, alias: textOf(body, 'aliasName') }, context)
    return NOTHING
  }),
]

const DATABASE = { dbName: 'string!' } as const

async function alterDatabase(body: Body, context: RestContext): Promise<typeof NOTHING> {
  await context.calls.AlterDatabase(
    {
      db_name: textOf(body, 'dbName'),
      db_id: '',
      properties: pairsOf(objectOf(body, 'properties')),
      delete_keys: textsOf(body, 'propertyKeys'),
    },
    context,
  )
  return NOTHING
}

const databases: readonly Route[] = [
  route('databases/list', {}, async (_body, context) => {
    const answer = await context.calls.ListDatabases({}, context)
    return { data: answered(answer).db_names ?? [] }
  }),
  route('databases/describe', DATABASE, async (body, context) => {
    const answer = answered(
      await context.calls.DescribeDatabase({ db_name: textOf(body, 'dbName') }, context),
    )
    return {
      data: {
        dbName: answer.db_name ?? '',
        dbID: answer.dbID ?? 0,
        properties: (answer.properties ?? []).map(pair => ({ key: pair.key ?? '', value: pair.value ?? '' })),
      },
    }
  }),
  route('databases/create', { ...DATABASE, properties: 'object' }, async (body, context) => {
    const properties = pairsOf(objectOf(body, 'properties'))
    await context.calls.CreateDatabase({ db_name: textOf(body, 'dbName'), properties }, context)
    return NOTHING
  }),
  route('databases/drop', DATABASE, async (body, context) => {
    await context.calls.DropDatabase({ db_name: textOf(body, 'dbName') }, context)
    return NOTHING
  }),
  route('databases/alter', { ...DATABASE, properties: 'object' }, alterDatabase),
  route('databases/alter_properties', { ...DATABASE, properties: 'object' }, alterDatabase),
  route('databases/drop_properties', { ...DATABASE, propertyKeys: 'strings!' }, alterDatabase),
]

export const nameRoutes: readonly Route[] = [...partitions, ...aliases, ...databases]
