/**
 * @zilliz/claude-context-core as its users run it: a Context over a folder of sources, with a local embedding, and
 * either of its two stores (gRPC or REST).
 *
 * The package keeps what it has seen of a folder below the home directory, and talks a lot: both stay in this folder,
 * the talk on standard error.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DIMENSION, embed } from './hash-embedding.mjs'
import { URI } from './tap.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))
process.env.HOME = join(HERE, 'home')
console.log = console.error

const require = createRequire(import.meta.url)
const {
  Context,
  Embedding,
  MilvusRestfulVectorDatabase,
  MilvusVectorDatabase,
} = require('@zilliz/claude-context-core')

export const VERSION = `@zilliz/claude-context-core ${require('@zilliz/claude-context-core/package.json').version}`

class HashEmbedding extends Embedding {
  maxTokens = 8192

  async detectDimension() {
    return DIMENSION
  }

  async embed(text) {
    return { vector: embed(this.preprocessText(text)), dimension: DIMENSION }
  }

  async embedBatch(texts) {
    return Promise.all(texts.map(text => this.embed(text)))
  }

  getDimension() {
    return DIMENSION
  }

  getProvider() {
    return 'hash'
  }
}

/** Folder that a store indexes: its own copy of the corpus, because names of collections follow from it. */
export const folderOf = kind => join(HERE, 'indexed', kind)

/** Fresh copies of the corpus, and nothing remembered. */
export function prepare(kinds) {
  rmSync(process.env.HOME, { recursive: true, force: true })
  rmSync(join(HERE, 'indexed'), { recursive: true, force: true })
  mkdirSync(process.env.HOME, { recursive: true })
  for (const kind of kinds) cpSync(join(HERE, 'corpus'), folderOf(kind), { recursive: true })
}

const STORES = { grpc: MilvusVectorDatabase, rest: MilvusRestfulVectorDatabase }

export const KINDS = Object.keys(STORES)

export function contextOf(kind) {
  const vectorDatabase = new STORES[kind]({ address: URI, token: 'root:Milvus' })
  return new Context({ embedding: new HashEmbedding(), vectorDatabase })
}

/** File of the best hit. */
export async function bestFile(context, kind, question, filter) {
  const found = await context.semanticSearch(folderOf(kind), question, 5, 0, filter)
  return found[0]?.relativePath
}

/** Every chunk that is stored, and the same chunks in the order of their distance to a text, computed here. */
export async function storedChunks(context, kind) {
  const name = context.getCollectionName(folderOf(kind))
  return context
    .getVectorDatabase()
    .query(name, '', ['id', 'content', 'relativePath', 'startLine', 'endLine'], 1000)
}
