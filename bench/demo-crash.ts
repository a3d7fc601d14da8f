/**
 * The demo's crash test: a child process writes, is killed with SIGKILL in the middle, and the store is read again.
 *
 * Promised: every request that was answered is there, whole; of a request that was not answered, all rows are there or
 * none; and the shared rows, which every request rewrites together, never disagree.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { open } from '../lib/index.js'
import { COLLECTION, type Collection, type Row } from './dataset.js'

/** Rows of each kind in one request. */
export const REQUEST_ROWS = 20
/** Ids of the rows that requests bring; below them are the words, from 0 on the shared rows. */
export const OWN_IDS_FROM = 1_000_000

/** The shared rows, which exist already, as request `request` rewrites them. */
export function sharedRows(request: number): Row[] {
  return Array.from({ length: REQUEST_ROWS }, (_, id) => ({ id, ...requestFields(request, id) }))
}

/** The rows that only request `request` writes. */
export function ownRows(request: number): Row[] {
  return ownIds(request).map(id => ({ id, ...requestFields(request, id) }))
}

function ownIds(request: number): number[] {
  return Array.from({ length: REQUEST_ROWS }, (_, i) => OWN_IDS_FROM + request * REQUEST_ROWS + i)
}

/** Complete rows, so that the same columns serve new rows and existing ones. */
function requestFields(request: number, id: number): Row {
  const vector = Array.from({ length: 100 }, (_, d) => ((id * 31 + d * 17 + request) % 97) / 97 + 0.01)
  return { vector, word: `written by request ${request}`, bucket: id % 100, note: String(request) }
}

export interface CrashResult {
  readonly acknowledged: number
  /** Acknowledged requests with a row missing or different. */
  readonly lost: number
  /** Requests of which only some rows are there. */
  readonly torn: number
  /** Requests that were not answered and are there all the same: allowed, they were on their way. */
  readonly extra: number
  /** True when the shared rows all carry one note, and not an older one than the last acknowledged. */
  readonly sharedAgree: boolean
  readonly reopenMs: number
}

/**
 * Starts a writer on the store, kills it after `killAfter` answers, reopens the store and looks.
 * The store must be closed before, and is closed after.
 */
export async function crashOnce(path: string, firstRequest: number, killAfter: number): Promise<CrashResult> {
  const acknowledged = await writeUntilKilled(path, firstRequest, killAfter)
  const start = performance.now()
  const db = await open(path)
  try {
    const collection = db.collection(COLLECTION)
    await collection.load()
    const reopenMs = performance.now() - start
    return { ...(await inspect(collection, firstRequest, acknowledged)), reopenMs }
  } finally {
    await db.close()
  }
}

/** Numbers of the requests that the writer said were answered. */
async function writeUntilKilled(path: string, firstRequest: number, killAfter: number): Promise<Set<number>> {
  const script = fileURLToPath(new URL('./demo-writer.js', import.meta.url))
  const child = spawn(process.execPath, [script, path, String(firstRequest)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.on('error', reject).on('close', (_code, signal) => resolve(signal))
  })
  const acknowledged = new Set<number>()
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.add(Number(line))
    if (acknowledged.size === killAfter) child.kill('SIGKILL')
  }
  const signal = await closed
  if (signal !== 'SIGKILL') throw new Error(`writer: expected to die by SIGKILL, got ${signal ?? 'an exit'}`)
  return acknowledged
}

async function inspect(
  collection: Collection,
  firstRequest: number,
  acknowledged: ReadonlySet<number>,
): Promise<Omit<CrashResult, 'reopenMs'>> {
  const newest = Math.max(...acknowledged)
  let lost = 0
  let torn = 0
  let extra = 0
  // A few requests beyond the newest answer may have been on their way; beyond sixty-four there can be none.
  for (let request = firstRequest; request <= newest + 64; request++) {
    const rows = await collection.get(ownIds(request), { outputFields: ['word', 'note'] })
    const right = rows.filter(
      row => row['note'] === String(request) && row['word'] === `written by request ${request}`,
    ).length
    if (rows.length !== 0 && (rows.length !== REQUEST_ROWS || right !== REQUEST_ROWS)) torn++
    if (acknowledged.has(request)) {
      if (right !== REQUEST_ROWS) lost++
    } else if (rows.length > 0) extra++
  }
  const shared = await collection.get(
    Array.from({ length: REQUEST_ROWS }, (_, id) => id),
    { outputFields: ['note'] },
  )
  const notes = new Set(shared.map(row => Number(row['note'])))
  const sharedAgree = shared.length === REQUEST_ROWS && notes.size === 1 && [...notes][0]! >= newest
  return { acknowledged: acknowledged.size, lost, torn, extra, sharedAgree }
}
