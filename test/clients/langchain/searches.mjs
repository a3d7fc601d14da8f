/** The searches of a program that uses the store: by text, with scores, with filters, as a retriever, in a partition. */
import { cosine, embed } from './hash-embedding.mjs'
import { DOCUMENTS, existing, textsOf } from './store.mjs'
import { check } from './tap.mjs'

const QUESTION = 'what hunts voles at night'

/** Documents by their distance to a text, computed here. */
const nearest = (text, of = DOCUMENTS) =>
  of.map(one => [one.pageContent, cosine(embed(text), embed(one.pageContent))]).sort((a, b) => b[1] - a[1])

export async function searches() {
  const library = await existing('library')
  await check(
    'search: the order is that of the distances',
    async () => textsOf(await library.similaritySearch(QUESTION, 3)),
    nearest(QUESTION)
      .slice(0, 3)
      .map(([text]) => text),
  )
  await check(
    'search: scores are squared distances',
    async () => (await library.similaritySearchWithScore(QUESTION, 6)).map(([, score]) => score.toFixed(4)),
    nearest(QUESTION).map(([, similar]) => (2 - 2 * similar).toFixed(4)),
  )
  await check(
    'search: metadata comes back as it went in',
    async () => {
      const [found] = await library.similaritySearch(DOCUMENTS[1].pageContent, 1)
      const { topic, stars, source, printed } = found.metadata
      return { topic, stars, source, printed }
    },
    DOCUMENTS[1].metadata,
  )
  await check(
    'search: with a filter',
    async () => textsOf(await library.similaritySearch(QUESTION, 6, 'topic == "sea" and stars > 3')),
    [DOCUMENTS[5].pageContent],
  )
  await check(
    'search: as a retriever',
    async () => textsOf(await library.asRetriever({ k: 1 }).invoke('water and yeast for dough')),
    [DOCUMENTS[0].pageContent],
  )
  await check(
    'search: one tenant, by inner product',
    async () => {
      const options = { index_type: 'IVF_FLAT', metric_type: 'IP' }
      const tenants = await existing('tenants', { partitionKey: 'tenant', indexCreateOptions: options })
      const found = await tenants.similaritySearchWithScore(QUESTION, 6, 'tenant == "birds"')
      return found.map(([document, score]) => [document.pageContent, score.toFixed(4)])
    },
    nearest(
      QUESTION,
      DOCUMENTS.filter(one => one.metadata.topic === 'birds'),
    ).map(([text, score]) => [text, score.toFixed(4)]),
  )
  await check(
    'search: one partition',
    async () =>
      textsOf(
        await (await existing('parted', { partitionName: 'first' })).similaritySearch('harbour', 9),
      ).sort(),
    DOCUMENTS.slice(0, 2)
      .map(one => one.pageContent)
      .sort(),
  )
}
