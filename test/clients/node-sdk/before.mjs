/** The program before the server restarts: creates and fills everything, and checks it. */
import * as calls from './calls.mjs'
import * as entities from './entities.mjs'
import * as heavy from './heavy.mjs'
import * as http from './http.mjs'
import * as newer from './newer.mjs'
import * as page from './page.mjs'
import { client, SDK_VERSION } from './sdk.mjs'
import { finish, version } from './tap.mjs'
import * as upkeep from './upkeep.mjs'

version(`@zilliz/milvus2-sdk-node ${SDK_VERSION}`)
await client.connectPromise
for (const part of [page, entities, newer, upkeep, heavy, http, calls]) await part.before()
await client.closeConnection()
finish()
