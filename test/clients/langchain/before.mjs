/** Fills three stores as a program of LangChain does, and searches them. */
import { Milvus } from '@langchain/community/vectorstores/milvus'
import { searches } from './searches.mjs'
import { configOf, DOCUMENTS, embeddings, VERSIONS } from './store.mjs'
import { check, does, finish, version } from './tap.mjs'

version(VERSIONS)

await does('documents become a collection', () =>
  Milvus.fromDocuments(DOCUMENTS, embeddings, configOf('library')),
)
await does('texts become a collection, with a partition key and another index', () =>
  Milvus.fromTexts(
    DOCUMENTS.map(one => one.pageContent),
    DOCUMENTS.map(one => ({ tenant: one.metadata.topic })),
    embeddings,
    configOf('tenants', {
      partitionKey: 'tenant',
      indexCreateOptions: { index_type: 'IVF_FLAT', metric_type: 'IP', params: { nlist: 16 } },
    }),
  ),
)

const own = new Milvus(
  embeddings,
  configOf('own_keys', { autoId: false, primaryField: 'key', textFieldMaxLength: 1000 }),
)
const keys = ['bread', 'kestrel', 'owl', 'onion', 'tables', 'ships']
await does('documents with keys of their own', () =>
  own.addDocuments(DOCUMENTS.slice(0, 5), { ids: keys.slice(0, 5) }),
)
await does('one more later', () => own.addDocuments(DOCUMENTS.slice(5), { ids: keys.slice(5) }))
const again = DOCUMENTS[0]
await check('the same key again replaces the document', async () => {
  await own.addDocuments([{ ...again, pageContent: 'Cake needs sugar and eggs.' }], { ids: ['bread'] })
  const found = await own.similaritySearch('sugar and eggs for a cake', 6)
  return [found.length, found[0].pageContent, found[0].metadata.key]
}, [6, 'Cake needs sugar and eggs.', 'bread'])
await does('a partition of its own', async () => {
  const parted = new Milvus(embeddings, configOf('parted', { partitionName: 'first' }))
  await parted.addDocuments(DOCUMENTS.slice(0, 2))
  await new Milvus(embeddings, configOf('parted', { partitionName: 'second' })).addDocuments(
    DOCUMENTS.slice(2),
  )
})
await does('properties are set', async () => {
  await own.setProperties({ 'collection.ttl.seconds': 86_400 })
})

await searches()
finish()
