/** Entity endpoints behind the guard: they do not go through `Calls`, so each is checked as the method it stands for. */
import type { Guard } from '../guard.js'
import { ENTITY_METHODS } from '../observe.js'
import { type Route, textOf } from './route.js'

export function guardedRoutes(routes: readonly Route[], guard: Guard): readonly Route[] {
  return routes.map(route => {
    const method = ENTITY_METHODS[route.path]
    if (method === undefined) return route
    return {
      ...route,
      run: async (body, context) => {
        const request = { db_name: context.database, collection_name: textOf(body, 'collectionName') }
        guard.authorize(method, request, context)
        return route.run(body, context)
      },
    }
  })
}
