/**
 * The gate before every call when authentication is on: who is it, and may he?
 *
 * Names are resolved before they are compared: an alias counts as its collection, an id as the collection it means (and
 * that collection's database), so neither is a way around a grant. With authentication off no gate is built and calls
 * are not wrapped at all.
 */

import { Logins } from '../engine/access-login.js'
import { ANY } from '../engine/access-privileges.js'
import { AccessRules } from '../engine/access-rules.js'
import type { Engine } from '../engine/engine.js'
import { type Credentials, PermissionError } from './auth.js'
import { type CallContext, type Calls, databaseOf } from './calls.js'
import type { MethodName } from './descriptors.js'
import { NEEDS, type Need } from './privileges.js'

export interface Guard {
  authenticate(credentials: Credentials): boolean | Promise<boolean>
  /** @throws PermissionError when the user of the context may not do this */
  authorize(method: MethodName, request: object, context: CallContext): void
  /** True when the user may read figures about all collections. */
  readsFigures(user: string): boolean
  /** The same calls, each behind its check. */
  guarded(calls: Calls): Calls
}

/** Object name of a call that names no object: only grants on `*` cover it. */
const NO_OBJECT = [ANY] as const

/** Requests are looked into by the field names of the table, whatever their type. */
type Fields = Readonly<Record<string, unknown>>

/** The gate of an engine's own users and roles. */
export function engineGuard(engine: Engine): Guard {
  const logins = new Logins(engine.access, { nowMs: engine.env.options.nowMs })
  const rules = new AccessRules(engine.access)

  const authorize = (method: MethodName, request: object, context: CallContext): void => {
    const need = NEEDS[method]
    if (need === undefined || isOwnAffair(method, request as Fields, context.user)) return
    const { database, names } = objectsOf(engine, need, request as Fields, context)
    if (rules.permits(context.user, need.privilege, database, names)) return
    if (need.anywhere === true && names === NO_OBJECT) {
      if (rules.permitsSome(context.user, need.privilege, database)) return
    }
    throw new PermissionError(
      `Privilege${need.privilege}: permission deny to ${context.user} in the \`${database}\` database`,
    )
  }

  /** Everybody may ask about himself and about roles he has. */
  const isOwnAffair = (method: MethodName, request: Fields, user: string): boolean => {
    if (method === 'UpdateCredential') return request['username'] === user
    if (method === 'SelectUser') return nameOf(request['user']) === user
    if (method === 'SelectRole') return hasRole(user, nameOf(request['role']))
    if (method === 'SelectGrant') {
      return hasRole(user, nameOf((request['entity'] as Fields | undefined)?.['role']))
    }
    return false
  }
  const hasRole = (user: string, role: string): boolean => role !== '' && rules.rolesOf(user).includes(role)

  return {
    authenticate: ({ user, password }) => logins.check(user, password),
    authorize,
    readsFigures: user => rules.permits(user, 'ListDatabases', ANY, NO_OBJECT),
    guarded: calls => {
      const out: Record<string, unknown> = {}
      for (const [name, call] of Object.entries(calls) as [MethodName, Calls['Insert']][]) {
        if (name === 'ListDatabases' || name === 'ShowCollections') {
          out[name] = (request: never, context: CallContext) =>
            call(request, {
              ...context,
              sees: (database, collection) => rules.sees(context.user, database, collection),
            })
        } else if (NEEDS[name] === undefined) {
          out[name] = call
        } else {
          out[name] = async (request: never, context: CallContext) => {
            authorize(name, request, context)
            return call(request, context)
          }
        }
      }
      return out as unknown as Calls
    },
  }
}

/** `name` of an entity, or a name itself. */
function nameOf(value: unknown): string {
  if (typeof value === 'string') return value
  const name = (value as Fields | undefined)?.['name']
  return typeof name === 'string' ? name : ''
}

/** The objects a request is about, and the database they are in. */
function objectsOf(
  engine: Engine,
  need: Need,
  request: Fields,
  context: CallContext,
): { readonly database: string; readonly names: readonly string[] } {
  const database = databaseOf(nameOf(request['db_name']), context)
  if (need.user !== undefined) {
    const name = nameOf(request[need.user])
    return { database, names: name === '' ? NO_OBJECT : [name] }
  }
  const id = request['collectionID']
  // Several ids may lie in several databases: only who may do it everywhere may name them.
  if (Array.isArray(id) && id.length > 0) return { database: ANY, names: NO_OBJECT }
  const given = need.names === undefined ? '' : (request[need.names] as string | readonly string[])
  if (typeof given === 'string') {
    if (given !== '') return { database, names: [realName(engine, database, given)] }
  } else if (given.length > 0) {
    return { database, names: given.map(name => realName(engine, database, name)) }
  }
  if (typeof id === 'number' && id !== 0) {
    const record = engine.catalog.collectionById(id)
    const where = record === undefined ? undefined : engine.catalog.databaseById(record.databaseId)
    if (record !== undefined && where !== undefined) {
      return { database: where.name, names: [record.schema.name] }
    }
  }
  return { database, names: NO_OBJECT }
}

/** The collection an alias stands for; other names as they are. */
function realName(engine: Engine, database: string, name: string): string {
  if (!engine.catalog.hasDatabase(database)) return name
  return engine.catalog.find(engine.catalog.database(database), name)?.schema.name ?? name
}
