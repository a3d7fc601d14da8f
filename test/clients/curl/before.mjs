/** The program before the server restarts: creates and fills everything, and checks it. */
import * as calls from './calls.mjs'
import { CURL_VERSION } from './curl.mjs'
import * as entities from './entities.mjs'
import * as page from './page.mjs'
import { finish, version } from './tap.mjs'

version(CURL_VERSION.split(' ').slice(0, 2).join(' '))
for (const part of [page, entities, calls]) await part.before()
finish()
