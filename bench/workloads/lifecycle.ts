/**
 * What a service feels: how long a cold open takes until the first answer, and how free its event loop stays while
 * the database flushes, compacts and builds indexes under a bulk load.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { open } from '../../lib/index.js'
import {
  bucketOf,
  COLLECTION,
  type Collection,
  countRows,
  createWords,
  insertWords,
  newFolder,
  preparedStore,
  vectorOf,
} from '../dataset.js'
import {
  type Check,
  equal,
  holds,
  Latencies,
  param,
  perSecond,
  timed,
  type Workload,
  type WorkloadResult,
} from '../harness.js'
import { loadWords, type Words } from '../words.js'

/** Runs a node process to its end: its output, and the wall time from spawn to its first output and to its exit. */
async function runNode(args: readonly string[]): Promise<{ stdout: string; firstMs: number; ms: number }> {
  const start = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  let firstMs = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (stdout === '') firstMs = performance.now() - start
    stdout += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve)
  })
  if (code !== 0) throw new Error(`node ${args.join(' ')}: expected exit code 0, got ${code}`)
  return { stdout, firstMs, ms: performance.now() - start }
}

const coldOpen: Workload = {
  name: 'open',
  title: 'a new process opens the store and searches once, spawn to first hit; the ceiling does nothing',
  async run(): Promise<WorkloadResult> {
    const rows = param('READ_ROWS', 2_000, 100_000)
    const runs = param('OPENS', 2, 10)
    const words = await loadWords(rows)
    const path = await preparedStore(words, rows)
    const script = fileURLToPath(new URL('../open-once.js', import.meta.url))
    const ours: number[] = []
    const bare: number[] = []
    const firstHit: number[] = []
    let right = 0
    for (let i = 0; i < runs; i++) {
      bare.push((await runNode(['-e', '0'])).ms)
      const { stdout, firstMs } = await runNode([
        script,
        path,
        COLLECTION,
        JSON.stringify(vectorOf(words, 7)),
      ])
      const answer = JSON.parse(stdout) as { openToHitMs: number; id: number }
      ours.push(firstMs)
      firstHit.push(answer.openToHitMs)
      if (answer.id === 7) right++
    }
    const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
    return {
      params: { rows, runs },
      comparisons: [
        {
          what: 'spawn to first hit (median)',
          unit: 'ms',
          ours: median(ours),
          ceiling: median(bare),
          ceilingName: 'node -e 0, spawn to exit',
          note: `${(median(ours) - median(bare)).toFixed(0)} ms over bare Node; open() to first hit ${median(firstHit).toFixed(0)} ms`,
        },
      ],
      checks: [equal('processes that found the right row', right, runs)],
    }
  },
}

/** Gets and searches, one pair every few milliseconds, until told to stop. */
async function readBeside(
  collection: Collection,
  words: Words,
  state: { loaded: number; done: boolean },
): Promise<{ latencies: Latencies; reads: number; wrong: number }> {
  const latencies = new Latencies()
  let reads = 0
  let wrong = 0
  for (let last = false; !last; ) {
    await sleep(5)
    last = state.done // one more round after the load, so that the smallest load is read from too
    if (state.loaded === 0) continue
    const id = (reads * 7919) % state.loaded
    const [row] = await latencies.measure(() => collection.get([id], { outputFields: ['bucket'] }))
    const [hits] = await latencies.measure(() =>
      collection.search({
        data: [vectorOf(words, id)],
        annsField: 'vector',
        limit: 10,
        params: { ef: 64 },
        outputFields: [],
      }),
    )
    reads += 2
    if (Number(row?.['bucket']) !== bucketOf(id)) wrong++
    if (hits!.length === 0) wrong++
  }
  return { latencies, reads, wrong }
}

/** Largest and 99th-percentile delay of the event loop while `work` runs, in milliseconds. */
async function loopDelay(work: () => Promise<unknown>): Promise<{ maxMs: number; p99Ms: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  return { maxMs: delay.max / 1e6, p99Ms: delay.percentile(99) / 1e6 }
}

const eventLoop: Workload = {
  name: 'event-loop',
  title: 'delay of the event loop while rows are bulk loaded, flushed, compacted and indexed, beside reads',
  async run(): Promise<WorkloadResult> {
    const rows = param('LOOP_ROWS', 2_000, 100_000)
    const words = await loadWords(rows)
    const idle = await loopDelay(() => sleep(param('IDLE_MS', 50, 2_000)))
    const db = await open(join(newFolder('loop'), 'db'))
    try {
      const collection = await createWords(db)
      const state = { loaded: 0, done: false }
      let loadMs = 0
      let reading: Awaited<ReturnType<typeof readBeside>> | undefined
      const busy = await loopDelay(async () => {
        const reader = readBeside(collection, words, state)
        loadMs = await timed(async () => {
          await insertWords(collection, words, rows, 1_000, done => {
            state.loaded = done
          })
          await collection.flush()
          await collection.compact()
        }).finally(() => {
          state.done = true
        })
        reading = await reader
      })
      const { latencies, reads, wrong } = reading!
      const checks: Check[] = [
        equal('rows after the load', await countRows(collection), rows),
        equal('wrong reads', wrong, 0),
        holds('reads went on beside the load', reads > 0),
      ]
      const line = (what: string, ours: number, ceiling: number) => ({
        what,
        unit: 'ms',
        ours,
        ceiling,
        ceilingName: 'an idle process',
      })
      return {
        params: { rows },
        comparisons: [
          {
            ...line('longest delay', busy.maxMs, idle.maxMs),
            note: `load, flush, compaction and index: ${Math.round(perSecond(rows, loadMs))} rows/s`,
          },
          {
            ...line('99th percentile', busy.p99Ms, idle.p99Ms),
            note: `reads beside it: ${latencies.note()}`,
          },
        ],
        checks,
      }
    } finally {
      await db.close()
    }
  },
}

export const lifecycleWorkloads: readonly Workload[] = [coldOpen, eventLoop]
