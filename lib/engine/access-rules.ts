/**
 * Who may do what: the grants of a user's roles, compiled once and asked for every call.
 *
 * A call needs one privilege on named objects of one database. `root` and everybody with the role `admin` may do
 * everything; everybody has the role `public`. Groups are resolved when rules are compiled; any change of users, roles
 * or groups makes all rules compile again on their next use.
 */

import type { AccessCatalog } from './access-catalog.js'
import { ANY, BUILT_IN_GROUPS, objectTypeOf, withImplied } from './access-privileges.js'
import { ADMIN_ROLE, type GrantRecord, PUBLIC_ROLE, ROOT } from './access-records.js'

/** Where a privilege holds: names of objects by database; `*` for any name, and for any database. */
type Places = ReadonlyMap<string, ReadonlySet<string>>

interface Rules {
  readonly everything: boolean
  readonly roles: readonly string[]
  /** By privilege; `*` = every privilege, `*Collection` and so on = every privilege of that object type. */
  readonly places: ReadonlyMap<string, Places>
  /** Where any privilege beyond those of `public` holds. */
  readonly visible: Places
}

export class AccessRules {
  readonly #access: AccessCatalog
  readonly #compiled = new Map<string, Rules>()
  #generation = -1

  constructor(access: AccessCatalog) {
    this.#access = access
  }

  /**
   * True when the user has the privilege on every named object of the database.
   * @param objectNames names of collections or users; a call that names none gives `['*']`, which only `*` covers
   */
  permits(user: string, privilege: string, database: string, objectNames: readonly string[]): boolean {
    const rules = this.#rulesOf(user)
    if (rules.everything) return true
    const { places } = rules
    const own = places.get(privilege)
    const any = places.get(ANY)
    const anyOfType = places.get(ANY + objectTypeOf(privilege))
    for (const name of objectNames) {
      if (
        !covers(own, database, name) &&
        !covers(any, database, name) &&
        !covers(anyOfType, database, name)
      ) {
        return false
      }
    }
    return true
  }

  /** True when the user has the privilege on any object of the database. */
  permitsSome(user: string, privilege: string, database: string): boolean {
    const { everything, places } = this.#rulesOf(user)
    if (everything) return true
    const keys = [privilege, ANY, ANY + objectTypeOf(privilege)]
    return keys.some(key => {
      const list = places.get(key)
      return list !== undefined && (list.has(database) || list.has(ANY))
    })
  }

  /** Roles of a user, `public` included. */
  rolesOf(user: string): readonly string[] {
    return this.#rulesOf(user).roles
  }

  /** True when a user who may not list everything sees this collection (or, without a name, this database). */
  sees(user: string, database: string, collection?: string): boolean {
    const rules = this.#rulesOf(user)
    if (rules.everything) return true
    if (collection !== undefined) return covers(rules.visible, database, collection)
    return rules.visible.has(database) || rules.visible.has(ANY)
  }

  #rulesOf(user: string): Rules {
    if (this.#generation !== this.#access.generation) {
      this.#compiled.clear()
      this.#generation = this.#access.generation
    }
    let rules = this.#compiled.get(user)
    if (rules === undefined) {
      rules = this.#compile(user)
      // Only users that exist are kept: the map is as bounded as they are.
      if (this.#access.user(user) !== undefined) this.#compiled.set(user, rules)
    }
    return rules
  }

  #compile(user: string): Rules {
    const record = this.#access.user(user)
    const roles = record === undefined ? [] : [...record.roles, PUBLIC_ROLE]
    const places = new Map<string, Map<string, Set<string>>>()
    const visible = new Map<string, Set<string>>()
    for (const name of roles) {
      for (const grant of this.#access.role(name)?.grants ?? []) {
        if (name !== PUBLIC_ROLE) addPlace(visible, grant)
        for (const key of this.#keysOf(grant)) {
          let list = places.get(key)
          if (list === undefined) {
            list = new Map()
            places.set(key, list)
          }
          addPlace(list, grant)
        }
      }
    }
    const everything = user === ROOT || roles.includes(ADMIN_ROLE)
    return { everything, roles, places, visible }
  }

  #keysOf({ privilege, objectType }: GrantRecord): readonly string[] {
    if (privilege === ANY) return [objectType === 'Global' ? ANY : ANY + objectType]
    const members = this.#access.group(privilege)?.privileges ?? BUILT_IN_GROUPS.get(privilege) ?? [privilege]
    return members.flatMap(withImplied)
  }
}

function addPlace(places: Map<string, Set<string>>, { database, objectName }: GrantRecord): void {
  const names = places.get(database)
  if (names === undefined) places.set(database, new Set([objectName]))
  else names.add(objectName)
}

function covers(places: Places | undefined, database: string, name: string): boolean {
  if (places === undefined) return false
  const here = places.get(database)
  if (here !== undefined && (here.has(name) || here.has(ANY))) return true
  const everywhere = places.get(ANY)
  return everywhere !== undefined && (everywhere.has(name) || everywhere.has(ANY))
}
