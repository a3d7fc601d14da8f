/** Indexes the corpus once through each of the package's stores, and asks about it. */
import { contextOf, folderOf, KINDS, prepare, storedChunks, VERSION } from './indexer.mjs'
import { searches } from './searches.mjs'
import { check, does, finish, version } from './tap.mjs'

version(VERSION)
prepare(KINDS)
process.env.HYBRID_MODE = 'false'
for (const kind of KINDS) {
  const context = contextOf(kind)
  await check(`${kind}: no index at first`, () => context.hasIndex(folderOf(kind)), false)
  const indexed = await does(`${kind}: the corpus is indexed`, () => context.indexCodebase(folderOf(kind)))
  await check(`${kind}: all files, to the end`, async () => [indexed.indexedFiles, indexed.status], [
    4,
    'completed',
  ])
  await check(
    `${kind}: every chunk is stored`,
    async () => (await storedChunks(context, kind)).length,
    indexed?.totalChunks,
  )
  await does(`${kind}: what changed is remembered from here`, () => context.reindexByChange(folderOf(kind)))
  await searches(context, kind)
}
finish()
