/**
 * The longest step that each kind of read makes on the event loop, which a service around us shares: none may take more
 * than STEP_MS (bench/turns.ts says how a step is measured).
 *
 * `longest-steps` asks each kind several times in one process. `first-steps` asks it once in a process just started,
 * when columns are read from disk and neither the filter nor our own code has been compiled, and does so in several
 * processes. Both report the shortest of the longest steps, since noise only adds, and count and check the answers.
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataType, open } from '../../lib/index.js'
import { COLLECTION, type Collection, newFolder, preparedStore, vectorOf } from '../dataset.js'
import { type Comparison, equal, param, type Workload, type WorkloadResult } from '../harness.js'
import { ask } from '../step-requests.js'
import { figure } from '../table.js'
import { leastTurns, STEP_MS, type Turns } from '../turns.js'
import { loadWords, type Words } from '../words.js'
import { preparedFacts, withFacts } from './filter.js'
import { makeDocuments, makeQueries, type SparseQuery, sparseOf } from './search-kinds.js'
import { documentKinds, factKinds, graphKinds, type Kind, rowKinds } from './step-kinds.js'

/** What was found out about some kinds. */
interface Findings {
  readonly comparisons: Comparison[]
  wrong: number
}

/** Adds the figures of a kind: those of the run whose longest step was shortest. */
function report(findings: Findings, what: string, { longestMs, collectingMs, ms }: Turns, more = ''): void {
  findings.comparisons.push({
    what,
    unit: 'ms',
    ours: longestMs,
    ceiling: STEP_MS,
    ceilingName: 'the promise',
    note: `${figure(collectingMs)} ms of it for collecting garbage; ${figure(ms)} ms in all${more}`,
  })
}

/** Asks each kind `times` times, one kind after the other; a use before these is not measured. */
async function measure(
  collection: Collection,
  kinds: readonly Kind[],
  times: number,
  findings: Findings,
): Promise<void> {
  for (const { what, request, right } of kinds) {
    const prepare = (i: number): (() => Promise<void>) => {
      const made = request(i)
      return async () => {
        if (!right(await ask(collection, made), i)) findings.wrong++
      }
    }
    await prepare(0)()
    report(findings, what, await leastTurns(times, i => prepare(i + 1)))
  }
}

const longestSteps: Workload = {
  name: 'longest-steps',
  title: `the longest step of each kind of read on the event loop; promised: at most ${STEP_MS} ms`,
  async run(): Promise<WorkloadResult> {
    const rows = param('READ_ROWS', 2_000, 100_000)
    const facts = param('FACT_ROWS', 2_000, 1_000_000)
    const times = param('STEP_TIMES', 2, 5)
    const findings: Findings = { comparisons: [], wrong: 0 }
    const words = await loadWords(rows)
    await withCollection(await preparedStore(words, rows), COLLECTION, async collection => {
      // The first of these finds the vectors on disk.
      await measure(collection, [...graphKinds(words, rows), ...rowKinds(rows)], times, findings)
    })
    await withFacts(facts, async (collection, content) => {
      await measure(collection, factKinds(content, facts), times, findings)
      await measureIndexBuild(collection, facts, findings)
    })
    const { path, queries } = await preparedDocuments(words, rows)
    await withCollection(path, DOCUMENTS, collection =>
      measure(collection, documentKinds(words, rows, queries), times, findings),
    )
    return {
      params: { rows, facts, times },
      comparisons: findings.comparisons,
      checks: [equal('wrong answers', findings.wrong, 0)],
    }
  },
}

const firstSteps: Workload = {
  name: 'first-steps',
  title: `the longest step of the first read of a process, each kind in processes of its own; promised: at most ${STEP_MS} ms`,
  async run(): Promise<WorkloadResult> {
    const rows = param('READ_ROWS', 2_000, 100_000)
    const facts = param('FACT_ROWS', 2_000, 1_000_000)
    const processes = param('FIRST_PROCESSES', 1, 5)
    // At smoke size some of each store's kinds do: a process takes half a second.
    const kindsMax = param('FIRST_KINDS', 2, 1_000)
    const findings: Findings = { comparisons: [], wrong: 0 }
    const words = await loadWords(rows)
    const content = await preparedFacts(facts)
    const documents = await preparedDocuments(words, rows)
    const stores: readonly [string, string, Kind[]][] = [
      [await preparedStore(words, rows), COLLECTION, [...graphKinds(words, rows), ...rowKinds(rows)]],
      [content.path, 'facts', factKinds(content, facts)],
      [documents.path, DOCUMENTS, documentKinds(words, rows, documents.queries)],
    ]
    for (const [path, collection, kinds] of stores) {
      const unchanging = kinds.filter(({ changes }) => changes !== true)
      for (const kind of unchanging.slice(0, kindsMax))
        await measureFirst(path, collection, kind, processes, findings)
    }
    return {
      params: { rows, facts, processes },
      comparisons: findings.comparisons,
      checks: [equal('wrong answers', findings.wrong, 0)],
    }
  },
}

/** Asks a kind once in each of some processes. */
async function measureFirst(
  path: string,
  collection: string,
  { what, request, right }: Kind,
  processes: number,
  findings: Findings,
): Promise<void> {
  const asked = join(newFolder('first'), 'asked.json')
  writeFileSync(asked, JSON.stringify({ path, collection, request: request(0) }))
  const runs: Turns[] = []
  for (let i = 0; i < processes; i++) {
    const { found, turns } = JSON.parse(await firstRead(asked)) as { found: number; turns: Turns }
    if (!right(found, 0)) findings.wrong++
    runs.push(turns)
  }
  runs.sort((a, b) => a.longestMs - b.longestMs)
  const others = runs.map(({ longestMs }) => figure(longestMs)).join(', ')
  report(findings, what, runs[0]!, `; longest of each process: ${others} ms`)
}

/** Runs bench/first-read.ts; what it prints. */
async function firstRead(asked: string): Promise<string> {
  const script = fileURLToPath(new URL('../first-read.js', import.meta.url))
  const child = spawn(process.execPath, [script, asked], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve)
  })
  if (code !== 0) throw new Error(`${script}: expected exit code 0, got ${code}`)
  return printed
}

async function withCollection(
  path: string,
  name: string,
  work: (collection: Collection) => Promise<void>,
): Promise<void> {
  const db = await open(path)
  try {
    const collection = db.collection(name)
    await collection.load()
    await work(collection)
  } finally {
    await db.close()
  }
}

/** Counts beside the building of scalar indexes. */
async function measureIndexBuild(collection: Collection, rows: number, findings: Findings): Promise<void> {
  let reads = 0
  const build = async (): Promise<void> => {
    let done = false
    const building = (async () => {
      await collection.createIndex({ fieldName: 'n', indexType: 'STL_SORT' })
      await collection.createIndex({ fieldName: 'word', indexType: 'INVERTED' })
      await collection.compact()
      done = true
    })()
    while (!done) {
      const low = reads++ % 100
      if (Number(await collection.count({ filter: `n >= ${low}` })) !== rows - low) findings.wrong++
      await new Promise(resolve => setImmediate(resolve))
    }
    await building
  }
  const turns = await leastTurns(2, () => async () => {
    await build()
    for (const index of (await collection.describe()).indexes)
      if (index.fieldName !== 'vec') await collection.dropIndex(index.name)
  })
  const more = `; ${turns.count} steps over ${STEP_MS} ms; two builds with ${reads} counts`
  report(findings, 'counts beside the build of scalar indexes', turns, more)
}

const DOCUMENTS = 'documents'

/** A store of sparse vectors and dense ones that are compared exactly, and queries. */
async function preparedDocuments(
  words: Words,
  rows: number,
): Promise<{ readonly path: string; readonly queries: readonly SparseQuery[] }> {
  const documents = makeDocuments(rows)
  const path = join(newFolder('steps'), 'db')
  const db = await open(path)
  try {
    const collection = await db.createCollection({
      name: DOCUMENTS,
      fields: [
        { name: 'id', dataType: DataType.Int64, primaryKey: true },
        { name: 'sparse', dataType: DataType.SparseFloatVector },
        { name: 'dense', dataType: DataType.FloatVector, dim: words.dim },
      ],
      indexes: [
        { fieldName: 'sparse', indexType: 'SPARSE_INVERTED_INDEX', metricType: 'IP' },
        { fieldName: 'dense', indexType: 'FLAT', metricType: 'L2' },
      ],
    })
    for (let from = 0; from < rows; from += 1_000) {
      const size = Math.min(1_000, rows - from)
      await collection.insert(
        Array.from({ length: size }, (_, i) => ({
          id: from + i,
          sparse: sparseOf(documents, from + i),
          dense: vectorOf(words, from + i),
        })),
      )
    }
    await collection.compact()
  } finally {
    await db.close()
  }
  return { path, queries: makeQueries(documents, rows, 64) }
}

export const stepWorkloads: readonly Workload[] = [longestSteps, firstSteps]
