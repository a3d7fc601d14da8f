/** After the restart: the stores are opened by their names, searched, changed, and emptied. */
import { searches } from './searches.mjs'
import { DOCUMENTS, existing, textsOf } from './store.mjs'
import { check, does, finish, throws } from './tap.mjs'

await searches()

const own = await existing('own_keys', { autoId: false, primaryField: 'key' })
const left = async () => (await own.similaritySearch('night', 10)).map(one => one.metadata.key).sort()
await check('all keys are there', left, ['bread', 'kestrel', 'onion', 'owl', 'ships', 'tables'])
await check('deleted by key', async () => {
  await own.delete({ ids: ['bread', 'owl'] })
  return left()
}, ['kestrel', 'onion', 'ships', 'tables'])
await check('deleted by filter', async () => {
  await own.delete({ filter: 'topic == "sea"' })
  return left()
}, ['kestrel', 'onion'])
const library = await existing('library')
await check('a document that is added after the restart is found', async () => {
  const text = 'Gannets dive for fish far out.'
  await library.addDocuments([{ ...DOCUMENTS[4], pageContent: text.slice(0, 60) }])
  return textsOf(await library.similaritySearch('gannets dive for fish', 1))
}, ['Gannets dive for fish far out.'])
await throws('a store that is not there', () => existing('nothing'), 'Collection not found')
await does('the collections are dropped', async () => {
  for (const collection_name of ['library', 'tenants', 'own_keys', 'parted']) {
    await library.client.dropCollection({ collection_name })
  }
})
await check('nothing is left', async () => (await library.client.listCollections()).data, [])
finish()
