/** LangChain.js's own Milvus vector store, with a local embedding, and the documents that it is filled with. */
import { createRequire } from 'node:module'
import { Milvus } from '@langchain/community/vectorstores/milvus'
import { Document } from '@langchain/core/documents'
import { Embeddings } from '@langchain/core/embeddings'
import { embed } from './hash-embedding.mjs'
import { URI } from './tap.mjs'

const require = createRequire(import.meta.url)

/** Version of an installed package, whose exports may hide its package.json. */
function versionOf(name) {
  const path = require.resolve.paths(name).map(folder => `${folder}/${name}/package.json`)
  for (const file of path) {
    try {
      return require(file).version
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  return 'unknown'
}

export const VERSIONS = `@langchain/community ${versionOf('@langchain/community')}, SDK ${versionOf('@zilliz/milvus2-sdk-node')}`

class HashEmbeddings extends Embeddings {
  async embedDocuments(texts) {
    return texts.map(embed)
  }

  async embedQuery(text) {
    return embed(text)
  }
}

export const embeddings = new HashEmbeddings({})

export const DOCUMENTS = [
  ['Bread needs flour, water, salt and yeast; the dough rests over night.', 'kitchen', 3],
  ['A kestrel hovers over a field and looks for voles.', 'birds', 5],
  ['Owls hunt at night and swallow voles whole.', 'birds', 4],
  ['Roast the onions slowly in butter before the water goes in.', 'kitchen', 5],
  ['The tide tables of the harbour are printed every year.', 'sea', 2],
  ['Ships wait for the tide outside the harbour at night.', 'sea', 4],
].map(
  ([pageContent, topic, stars], id) =>
    new Document({
      pageContent,
      metadata: { topic, stars, source: { page: id, of: 6 }, printed: id % 2 === 0 },
    }),
)

/** Arguments of a store of this server. */
export const configOf = (collectionName, more = {}) => ({
  collectionName,
  url: URI,
  clientConfig: { address: URI, token: 'root:Milvus' },
  ...more,
})

export const existing = (collectionName, more) =>
  Milvus.fromExistingCollection(embeddings, configOf(collectionName, more))

/** Texts of documents, or of documents with scores. */
export const textsOf = found => found.map(one => (Array.isArray(one) ? one[0] : one).pageContent)
