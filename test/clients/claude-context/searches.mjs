/** Questions about the corpus, before and after the restart. */
import { cosine, embed } from './hash-embedding.mjs'
import { bestFile, folderOf, storedChunks } from './indexer.mjs'
import { check } from './tap.mjs'

const QUESTIONS = [
  ['parse a calendar date', 'dates/iso_dates.py'],
  ['total price of the shopping cart with a discount', 'cart/cart.js'],
  ['retry a call with backoff until it succeeds', 'net/retry.go'],
  ['what is this small shop', 'README.md'],
]

export async function searches(context, kind) {
  for (const [question, file] of QUESTIONS) {
    await check(`${kind}: ${question}`, () => bestFile(context, kind, question), file)
  }
  await check(
    `${kind}: hits are those of a scan of all chunks, with their scores`,
    async () => {
      const question = 'days between two dates, or the sum of prices'
      const chunks = await storedChunks(context, kind)
      const expected = chunks
        .map(chunk => [chunk.relativePath, cosine(embed(question), embed(chunk.content)).toFixed(4)])
        .sort((a, b) => b[1] - a[1])
      const name = context.getCollectionName(folderOf(kind))
      const found = await context.getVectorDatabase().search(name, embed(question), { topK: 50 })
      const scores = found.map(hit => [hit.document.relativePath, hit.score.toFixed(4)])
      return chunks.length > 3 && JSON.stringify(scores.sort()) === JSON.stringify(expected.sort())
        ? 'the same'
        : [scores, expected]
    },
    'the same',
  )
  await check(
    `${kind}: with a filter`,
    () => bestFile(context, kind, 'parse a calendar date', 'fileExtension in [".go"]'),
    'net/retry.go',
  )
}
