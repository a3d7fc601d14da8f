/** The program after the server was restarted: everything is still there, and life goes on. */
import * as calls from './calls.mjs'
import { CURL_VERSION } from './curl.mjs'
import * as entities from './entities.mjs'
import * as page from './page.mjs'
import { finish, version } from './tap.mjs'

version(CURL_VERSION.split(' ').slice(0, 2).join(' '))
for (const part of [page, entities, calls]) await part.after()
finish()
