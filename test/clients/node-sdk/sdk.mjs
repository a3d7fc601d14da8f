/** The SDK as the programs here use it: one client, and answers that say no turned into exceptions. */
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { yes } from './answers.mjs'
import { URI } from './tap.mjs'

export { refusal, SDK_VERSION, yes } from './answers.mjs'

export const client = new MilvusClient({ address: URI, token: 'root:Milvus' })

/** Ids of the hits, as text. */
export const idsOf = found => found.results.map(hit => String(hit.id))

/** Rows of a query. */
export async function rowsOf(request) {
  return yes(await client.query(request)).data
}
