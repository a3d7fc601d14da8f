/**
 * `npm run demo`: the whole job once, on real vectors, with every claim checked on the way.
 *
 * Loads 50,000 words into a fresh store, searches them, upserts a few thousand in override and in merge mode, has a
 * writer killed in the middle of its work three times, and reads everything back. Exit code 0 means that every check
 * held. `DEMO_ROWS` changes the number of words.
 */
import { join } from 'node:path'
import { open } from '../lib/index.js'
import { rng } from '../test/support/rng.js'
import {
  bucketOf,
  type Collection,
  countRows,
  createWords,
  GRAPH,
  insertWords,
  newFolder,
  type Row,
  removeFolders,
  rowOf,
  vectorOf,
} from './dataset.js'
import { crashOnce, REQUEST_ROWS } from './demo-crash.js'
import { perSecond, SEED, timed } from './harness.js'
import { hnswlib } from './raw.js'
import { GroundTruth, queryRows } from './recall.js'
import { cut, figure, Progress, table, waiting } from './table.js'
import { loadWords, type Words } from './words.js'

const ROWS = Number(process.env['DEMO_ROWS'] ?? 50_000)
const UPSERT_ROWS = Math.min(3_000, ROWS / 2)
const BATCH_ROWS = 1_000
const CRASHES = 3

/** What was done and how fast, and what was checked. */
class Story {
  readonly #rates: string[][] = []
  readonly #startedMs = performance.now()
  #checks = 0
  #failed = 0

  chapter(title: string): void {
    console.log(`\n${title}`)
  }

  check(what: string, ok: boolean): void {
    this.#checks++
    if (!ok) this.#failed++
    console.log(`  ${ok ? '✓' : '✗ FAILED:'} ${what}`)
  }

  rate(what: string, count: number, ms: number, note = ''): void {
    this.#rates.push([what, figure(count), figure(ms / 1000), figure(perSecond(count, ms)), note])
  }

  /** Prints the summary; true when every check held. */
  end(): boolean {
    this.chapter('In figures (this machine, this run)')
    console.log(table(['', 'count', 'seconds', 'per second', ''], this.#rates))
    const seconds = (performance.now() - this.#startedMs) / 1000
    const held =
      this.#failed === 0
        ? `all ${this.#checks} checks held`
        : `${this.#failed} of ${this.#checks} checks FAILED`
    console.log(`\n${held}, ${figure(seconds)} s\n`)
    return this.#failed === 0
  }
}

async function load(story: Story, collection: Collection, words: Words): Promise<void> {
  story.chapter(`1. ${figure(ROWS)} words with 100-dimensional vectors, every request synced to disk`)
  const progress = new Progress('insert', ROWS)
  const ms = await timed(() =>
    insertWords(collection, words, ROWS, BATCH_ROWS, done => progress.update(done)),
  )
  story.rate('rows inserted, 1,000 a request', ROWS, ms)
  const settleMs = await timed(() =>
    waiting('flush, compaction, graph', async () => {
      await collection.flush()
      await collection.compact()
    }),
  )
  story.rate('rows flushed, compacted, indexed', ROWS, settleMs)
  story.check(`count() says ${figure(ROWS)}`, (await countRows(collection)) === ROWS)
}

/** Words of the hits of one query, the query's own row first when it is found. */
async function neighbours(
  collection: Collection,
  words: Words,
  row: number,
  filter: string,
): Promise<{ id: number; score: number; word: string; bucket: number }[]> {
  const [hits] = await collection.search({
    data: [vectorOf(words, row)],
    annsField: 'vector',
    limit: 10,
    filter,
    params: { ef: GRAPH.ef },
    outputFields: ['word', 'bucket'],
  })
  return hits!.map(hit => ({
    id: Number(hit.id),
    score: hit.score,
    word: String(hit.entity['word']),
    bucket: Number(hit.entity['bucket']),
  }))
}

async function search(story: Story, collection: Collection, words: Words): Promise<void> {
  const exact = hnswlib() === null
  story.chapter(`2. Search${exact ? ' (hnswlib-node is not installed: every search is exact)' : ''}`)
  const rows: string[][] = []
  let selfFirst = true
  let filtered = true
  for (const word of ['king', 'paris', 'coffee', 'monday', 'piano'].filter(each =>
    words.words.includes(each),
  )) {
    const row = words.words.indexOf(word)
    const all = await neighbours(collection, words, row, '')
    const some = await neighbours(collection, words, row, 'bucket < 10')
    selfFirst &&= all[0]?.id === row && all[0].score > 0.999
    filtered &&= some.length === 10 && some.every(hit => hit.bucket < 10)
    const near = (hits: typeof all): string =>
      hits
        .filter(hit => hit.id !== row)
        .slice(0, 4)
        .map(hit => `${hit.word} ${hit.score.toFixed(2)}`)
        .join(', ')
    rows.push([word, near(all), near(some)])
  }
  console.log(table(['word', 'nearest', 'nearest with bucket < 10'], rows))
  story.check('each word is its own nearest neighbour, score 1', selfFirst)
  story.check('filtered searches return ten rows, all of which pass the filter', filtered)
  const queries = queryRows(ROWS, 300)
  for (const [what, filter, keep] of [
    ['searches', '', undefined],
    ['searches, filter keeps 10 %', 'bucket < 10', (row: number) => bucketOf(row) < 10],
  ] as const) {
    const found: number[][] = []
    const ms = await timed(async () => {
      for (const query of queries)
        found.push((await neighbours(collection, words, query, filter)).map(hit => hit.id))
    })
    const share = new GroundTruth(words, ROWS, 10, queries.slice(0, 100), keep).recall(found)
    story.rate(what, queries.length, ms, `recall@10 ${share.toFixed(3)}`)
    story.check(`${what}: recall@10 against an exact scan is at least 0.9`, share >= 0.9)
  }
}

/** Upserts `rows` in batches: rows that the answers counted, and the time. */
async function upsertAll(
  collection: Collection,
  rows: readonly Row[],
  options: { partialUpdate: boolean },
): Promise<{ counted: number; ms: number }> {
  let counted = 0
  const ms = await timed(async () => {
    for (let from = 0; from < rows.length; from += 100) {
      counted += (await collection.upsert(rows.slice(from, from + 100), options)).upsertCount
    }
  })
  return { counted, ms }
}

const FIELDS = ['word', 'note', 'extras', 'rating']

function shown(row: Row | undefined, when: string): string[] {
  const text = (value: unknown): string => (value === undefined ? '–' : JSON.stringify(value))
  return [String(row?.['word']), when, text(row?.['note']), text(row?.['extras']), text(row?.['rating'])].map(
    cell => cut(cell, 66),
  )
}

async function upsert(story: Story, collection: Collection, words: Words): Promise<void> {
  story.chapter(`3. Upsert: ${figure(UPSERT_ROWS)} rows replaced (override), then patched (merge)`)
  const ids = rng(SEED)
    .shuffle(Array.from({ length: ROWS - REQUEST_ROWS }, (_, i) => i + REQUEST_ROWS))
    .slice(0, UPSERT_ROWS)
  const override = await upsertAll(
    collection,
    ids.map(id => ({
      ...rowOf(words, id),
      note: 'first edition',
      extras: { author: 'John', year: 2020, tags: ['fiction'] },
      rating: 3,
    })),
    { partialUpdate: false },
  )
  story.rate('rows upserted, override, 100 a request', UPSERT_ROWS, override.ms)
  const probe = ids.slice(0, 3)
  const before = await collection.get(probe, { outputFields: FIELDS })
  const merge = await upsertAll(
    collection,
    ids.map(id => ({ id, extras: { author: 'Jane', genre: 'fantasy' }, rating: id })),
    { partialUpdate: true },
  )
  story.rate('rows upserted, merge, 100 a request', UPSERT_ROWS, merge.ms)
  const after = await collection.get(probe, { outputFields: FIELDS })
  const rows = probe.flatMap((_, i) => [shown(before[i], 'before'), shown(after[i], 'after')])
  console.log(table(['word', 'merge', 'note', 'extras', 'rating (dynamic)'], rows))

  const wanted = JSON.stringify(sorted({ author: 'Jane', genre: 'fantasy', tags: ['fiction'], year: 2020 }))
  let right = 0
  for (let from = 0; from < ids.length; from += 1_000) {
    const part = ids.slice(from, from + 1_000)
    const stored = await collection.get(part, { outputFields: ['*'] })
    for (const [i, row] of stored.entries()) {
      const id = part[i]!
      const vector = row['vector'] as ArrayLike<number>
      const kept =
        row['word'] === words.words[id] &&
        row['note'] === 'first edition' &&
        vector[7] === vectorOf(words, id)[7]
      const merged = JSON.stringify(sorted(row['extras'] as Row)) === wanted && Number(row['rating']) === id
      if (kept && merged) right++
    }
  }
  story.check(
    'both modes counted every row',
    override.counted === UPSERT_ROWS && merge.counted === UPSERT_ROWS,
  )
  story.check('merged rows have the new keys and kept word, note, vector and old keys', right === UPSERT_ROWS)
  story.check(`count() still says ${figure(ROWS)}`, (await countRows(collection)) === ROWS)

  await collection.upsert([rowOf(words, probe[0]!)])
  const [bare] = await collection.get([probe[0]!], { outputFields: FIELDS })
  story.check(
    'an override without note, extras and rating clears them',
    shown(bare, '').slice(2).every(isCleared),
  )
}

function isCleared(cell: string): boolean {
  return cell === 'null' || cell === '–'
}

function sorted(value: Row): Row {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function crash(story: Story, path: string): Promise<void> {
  story.chapter(`4. A writer is killed with SIGKILL in the middle of its work, ${CRASHES} times`)
  const random = rng(SEED)
  const rows: string[][] = []
  let acknowledged = 0
  let clean = true
  let agree = true
  for (let round = 0; round < CRASHES; round++) {
    const result = await crashOnce(path, round * 10_000, random.between(60, 160))
    acknowledged += result.acknowledged
    clean &&= result.lost === 0 && result.torn === 0
    agree &&= result.sharedAgree
    const { lost, torn, extra, reopenMs } = result
    rows.push([`crash ${round + 1}`, ...[result.acknowledged, lost, torn, extra, reopenMs].map(figure)])
  }
  console.log(table(['', 'acknowledged', 'lost', 'torn', 'unanswered but whole', 'reopen ms'], rows))
  story.check(
    `all ${figure(acknowledged)} acknowledged requests are there, no request is there in part`,
    clean,
  )
  story.check(`the ${REQUEST_ROWS} rows that every request rewrites carry one and the same request`, agree)
}

async function main(): Promise<boolean> {
  const story = new Story()
  console.log('KestrelDB demo')
  const loadMs = performance.now()
  const words = await loadWords(ROWS)
  story.rate('word vectors read from the package', ROWS, performance.now() - loadMs)
  const path = join(newFolder('demo'), 'db')
  const db = await open(path)
  try {
    const collection = await createWords(db)
    await load(story, collection, words)
    await search(story, collection, words)
    await upsert(story, collection, words)
  } finally {
    await db.close()
  }
  await crash(story, path)

  story.chapter('5. Everything is still there')
  const openMs = performance.now()
  const again = await open(path)
  try {
    const collection = again.collection('words')
    await collection.load()
    story.rate('rows in a reopened store, until loaded', ROWS, performance.now() - openMs)
    const left = Number(await collection.count({ filter: 'id < 1000000' }))
    story.check(`${figure(ROWS)} words, as before the crashes`, left === ROWS)
    const row = ROWS - 1
    const [nearest] = await neighbours(collection, words, row, '')
    story.check(`the nearest neighbour of "${words.words[row]}" is itself`, nearest?.id === row)
  } finally {
    await again.close()
  }
  return story.end()
}

try {
  process.exitCode = (await main()) ? 0 : 1
} finally {
  removeFolders()
}
