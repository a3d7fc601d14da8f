/** Calls about aliases and databases. */
import { hybridOfTick } from '../../base/timestamp.js'
import type { Engine } from '../../engine/engine.js'
import {
  createAlias,
  createDatabase,
  describeAlias,
  describeDatabase,
  dropAlias,
  dropDatabase,
  listAliases,
} from '../../engine/names-ddl.js'
import { alterDatabase } from '../../engine/property-ddl.js'
import { type CallContext, type Calls, DEFAULT_DATABASE, databaseOf, type Request } from '../calls.js'
import { toPairs, toRecord } from '../key-values.js'
import { changeOf } from './schema-changes.js'

type AliasCalls = Pick<Calls, 'CreateAlias' | 'AlterAlias' | 'DropAlias' | 'DescribeAlias' | 'ListAliases'>
type DatabaseCalls = Pick<
  Calls,
  'CreateDatabase' | 'DropDatabase' | 'ListDatabases' | 'AlterDatabase' | 'DescribeDatabase'
>

export function aliasCalls(engine: Engine): AliasCalls {
  const bind = async (request: Request<'CreateAlias'>, context: CallContext, move: boolean) => {
    const database = databaseOf(request.db_name, context)
    await createAlias(engine, request.alias, request.collection_name, { move }, database)
    return {}
  }
  return {
    CreateAlias: (request, context) => bind(request, context, false),
    AlterAlias: (request, context) => bind(request, context, true),
    DropAlias: async (request, context) => {
      await dropAlias(engine, request.alias, databaseOf(request.db_name, context))
      return {}
    },
    DescribeAlias: async (request, context) => {
      const found = describeAlias(engine, request.alias, databaseOf(request.db_name, context))
      return { db_name: found.database, alias: found.alias, collection: found.collection }
    },
    ListAliases: async (request, context) => {
      const database = databaseOf(request.db_name, context)
      return {
        db_name: database,
        collection_name: request.collection_name,
        aliases: listAliases(engine, request.collection_name, database),
      }
    },
  }
}

export function databaseCalls(engine: Engine): DatabaseCalls {
  return {
    CreateDatabase: async request => {
      await createDatabase(engine, request.db_name, toRecord(request.properties))
      return {}
    },
    DropDatabase: async request => {
      await dropDatabase(engine, request.db_name)
      return {}
    },
    ListDatabases: async (_request, { sees }) => {
      engine.checkOpen()
      // Clients look up the database they connect to here, so the default one is always listed.
      const records = engine.catalog
        .databases()
        .filter(record => record.name === DEFAULT_DATABASE || (sees?.(record.name) ?? true))
      return {
        db_names: records.map(record => record.name),
        created_timestamp: records.map(record => hybridOfTick(record.createdTick)),
        db_ids: records.map(record => record.id),
      }
    },
    AlterDatabase: async request => {
      await alterDatabase(engine, request.db_name, changeOf(request.properties, request.delete_keys))
      return {}
    },
    DescribeDatabase: async (request, context) => {
      const found = describeDatabase(engine, databaseOf(request.db_name, context))
      return {
        db_name: found.name,
        dbID: engine.catalog.database(found.name).id,
        created_timestamp: found.createdTimestamp,
        properties: toPairs(found.properties),
      }
    },
  }
}
